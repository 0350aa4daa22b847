//! Schedules: text, dialect and zone become meaning and next runs. One file per dialect. It never reads
//! files and never guesses a zone.

mod airflow;
mod anacron;
mod apscheduler;
mod at;
mod autosys;
mod aws;
mod busybox;
mod calendar;
mod celery;
mod control_m;
mod cron_parser;
mod cronie;
mod days;
mod daytimes;
mod fields;
mod fugit;
mod fugit_words;
mod github;
mod gitlab;
mod guards;
mod hangfire;
mod interval;
mod jenkins;
mod kubernetes;
mod laravel;
mod mysql_event;
mod node_cron;
mod node_schedule;
mod npm_cron;
mod oracle;
mod pg_cron;
mod quartz;
mod several;
mod spring;
mod sql_agent;
mod systemd;
mod template;
mod vixie;
mod wall;
mod windows;
mod windows_zones;
mod zones;

pub use fields::MONTHS_IN_FULL;
pub use guards::Guards;
pub use laravel::WITHIN_A_MINUTE;
pub use systemd::span_seconds;
pub use template::{fill, has_placeholder, spans as placeholders};
pub use windows_zones::zone_of_windows;
pub use zones::{zone, zone_of_rails};

use jiff::tz::TimeZone;
use std::fmt::Debug;
use std::sync::Arc;

/// One dialect: how a scheduler reads schedule text.
pub trait Dialect: Sync {
    /// The name used in facts and on the command line.
    fn name(&self) -> &'static str;
    /// One line: whose rules these are.
    fn title(&self) -> &'static str;
    /// Reads a schedule.
    fn parse(&self, text: &str) -> Result<Schedule, Rejected>;
}

/// All dialects.
pub static DIALECTS: &[&dyn Dialect] = &[
    &vixie::Vixie,
    &cronie::Cronie,
    &busybox::Busybox,
    &kubernetes::Kubernetes,
    &github::Github,
    &gitlab::Gitlab,
    &jenkins::Jenkins,
    &quartz::Quartz,
    &spring::Spring,
    &anacron::Anacron,
    &at::At,
    &systemd::Systemd,
    &aws::Aws,
    &aws::AwsScheduler,
    &windows::WindowsTask,
    &autosys::AutosysJil,
    &control_m::ControlM,
    &fugit::Fugit,
    &laravel::Laravel,
    &hangfire::Hangfire,
    &airflow::Airflow,
    &celery::Celery,
    &apscheduler::Apscheduler,
    &pg_cron::PgCron,
    &mysql_event::MysqlEvent,
    &sql_agent::SqlAgent,
    &oracle::Oracle,
    &node_cron::NodeCron,
    &npm_cron::NpmCron,
    &cron_parser::CronParser,
    &node_schedule::NodeSchedule,
];

/// Why a schedule was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// One line for people.
    pub reason: String,
    /// Whether the dialect itself is unknown.
    pub unknown_dialect: bool,
}

/// How far ahead, in days, a next run is looked for: 29 February on a given weekday comes within 40 years.
pub const HORIZON_DAYS: i64 = 366 * 40;

/// What starts a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Moments of a calendar.
    Calendar,
    /// The start of the machine or of the scheduler.
    Boot,
    /// A fixed time after something whose moment no text tells: the last run's start or end, a boot.
    Interval {
        /// How long, in seconds.
        seconds: u64,
        /// Whether it counts from the end of the last run, so that the starts drift.
        from_end: bool,
    },
    /// Something that happens, whose moment no text tells: another job's end, a log-on, a file that comes.
    Happening,
    /// A part of the text is filled in elsewhere, by a template or a setting.
    Unsettled,
}

/// A schedule as one dialect reads it.
pub trait Meaning: Debug + Send + Sync {
    /// The runs strictly after `from` (UTC seconds), ascending, in a zone unless the text names its own; it ends
    /// where nothing follows within [`HORIZON_DAYS`], and is empty where no calendar starts it.
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a>;
    /// The schedule in words.
    fn words(&self) -> String;
    /// What starts a run.
    fn clock(&self) -> Clock {
        Clock::Calendar
    }
    /// How many seconds after its moment a run may start, where the scheduler spreads its starts.
    fn spread_seconds(&self) -> u64 {
        0
    }
    /// The zone that the text itself names.
    fn zone(&self) -> Option<&str> {
        None
    }
    /// What was accepted but is suspicious, one line each.
    fn notes(&self) -> &[String] {
        &[]
    }
    /// Of the notes: what the scheduler reads otherwise than people do, one line each.
    fn misread(&self) -> &[String] {
        &[]
    }
}

/// What a schedule means.
#[derive(Debug, Clone)]
pub struct Schedule {
    meaning: Arc<dyn Meaning>,
}

/// Reads a schedule in a dialect.
pub fn parse(dialect: &str, text: &str) -> Result<Schedule, Rejected> {
    match DIALECTS.iter().find(|known| known.name() == dialect) {
        Some(known) if !template::has_placeholder(text) => known.parse(text),
        Some(_) => Ok(Schedule::new(template::Unsettled::new(text))),
        None => Err(Rejected { reason: format!("{dialect}: no such dialect"), unknown_dialect: true }),
    }
}

impl Schedule {
    fn new(meaning: impl Meaning + 'static) -> Schedule {
        Schedule { meaning: Arc::new(meaning) }
    }

    /// The runs strictly after `from` (UTC seconds), ascending; it ends where nothing follows within
    /// [`HORIZON_DAYS`].
    pub fn next<'a>(&'a self, zone: &'a TimeZone, from: i64) -> impl Iterator<Item = i64> + 'a {
        self.meaning.runs(zone, from)
    }

    /// The runs after `from` up to and including `to`, `limit` at most.
    pub fn between(&self, zone: &TimeZone, from: i64, to: i64, limit: usize) -> Vec<i64> {
        self.next(zone, from).take_while(|run| *run <= to).take(limit).collect()
    }

    /// The schedule in words.
    pub fn words(&self) -> String {
        self.meaning.words()
    }

    /// What starts a run.
    pub fn clock(&self) -> Clock {
        self.meaning.clock()
    }

    /// The zone that the text itself names.
    pub fn zone(&self) -> Option<&str> {
        self.meaning.zone()
    }

    /// How many seconds after its moment a run may start.
    pub fn spread_seconds(&self) -> u64 {
        self.meaning.spread_seconds()
    }

    /// Whether it is accepted but can never run.
    pub fn never(&self) -> bool {
        self.clock() == Clock::Calendar && self.next(&TimeZone::UTC, 0).next().is_none()
    }

    /// The usual (median) time between two runs, in seconds, over five weeks without a daylight-saving change.
    pub fn period_seconds(&self) -> Option<i64> {
        if let Clock::Interval { seconds, .. } = self.clock() {
            return i64::try_from(seconds).ok();
        }
        const MONDAY: i64 = 1_767_571_200; // 2026-01-05T00:00:00Z
        let runs = self.between(&TimeZone::UTC, MONDAY - 1, MONDAY + 35 * 86_400, 100_000);
        let mut gaps: Vec<i64> = runs.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied()
    }

    /// What was accepted but is suspicious, one line each.
    pub fn notes(&self) -> &[String] {
        self.meaning.notes()
    }

    /// Of them: what its scheduler reads otherwise than people do.
    pub fn misread(&self) -> &[String] {
        self.meaning.misread()
    }
}

/// So many seconds in words: `90 min`, `2 h`, `45 s`.
fn duration(seconds: u64) -> String {
    match seconds {
        1.. if seconds.is_multiple_of(86_400) => format!("{} d", seconds / 86_400),
        1.. if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        1.. if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod python_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_applications;
#[cfg(test)]
mod tests_npm;
