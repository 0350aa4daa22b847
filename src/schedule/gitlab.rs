//! GitLab's pipeline schedules: what [`super::fugit`] takes for the fields of a crontab (Gitlab::Ci::CronParser), and no
//! lengths of time or words.

use super::{Dialect, Rejected, Schedule, fugit};

/// GitLab.
pub struct Gitlab;

impl Dialect for Gitlab {
    fn name(&self) -> &'static str {
        "gitlab"
    }

    fn title(&self) -> &'static str {
        "GitLab (fugit): five or six fields, # and a zone at the end"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        fugit::cron(text)
    }
}
