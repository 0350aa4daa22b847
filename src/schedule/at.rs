//! One moment, as at(1) keeps it for a job: a time of RFC 3339. It runs once.

use super::{Dialect, Meaning, Rejected, Schedule};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// at and batch.
pub struct At;

#[derive(Debug)]
struct Moment(Timestamp);

impl Dialect for At {
    fn name(&self) -> &'static str {
        "at"
    }

    fn title(&self) -> &'static str {
        "at: one moment, such as 2026-11-27T02:00:00Z"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        match text.trim().parse::<Timestamp>() {
            Ok(moment) => Ok(Schedule::new(Moment(moment))),
            Err(_) => {
                let reason = format!("{text}: not an RFC 3339 time");
                Err(Rejected { reason, unknown_dialect: false })
            }
        }
    }
}

impl Meaning for Moment {
    fn runs<'a>(&'a self, _: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(Some(self.0.as_second()).filter(|moment| *moment > from).into_iter())
    }

    fn words(&self) -> String {
        format!("once, at {}", self.0)
    }

    fn zone(&self) -> Option<&str> {
        Some("UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_comes_once() {
        let once = At.parse("2026-11-27T02:00:00Z").expect("a time of RFC 3339");
        let moment = 1_795_744_800;
        assert_eq!(once.next(&TimeZone::UTC, 0).collect::<Vec<_>>(), [moment]);
        assert_eq!(once.next(&TimeZone::UTC, moment).collect::<Vec<_>>(), [0; 0]);
        assert!(At.parse("tomorrow").is_err());
    }
}
