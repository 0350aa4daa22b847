//! Schedules: text, dialect and zone become meaning and next runs. One file per dialect. It never reads
//! files and never guesses a zone.

mod vixie;
mod zones;

pub use zones::zone;

use jiff::tz::TimeZone;

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
pub static DIALECTS: &[&dyn Dialect] = &[&vixie::Vixie];

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

/// What a schedule means.
#[derive(Debug, Clone)]
pub struct Schedule {
    calendar: vixie::Calendar,
}

/// Reads a schedule in a dialect.
pub fn parse(dialect: &str, text: &str) -> Result<Schedule, Rejected> {
    match DIALECTS.iter().find(|known| known.name() == dialect) {
        Some(known) => known.parse(text),
        None => Err(Rejected { reason: format!("{dialect}: no such dialect"), unknown_dialect: true }),
    }
}

impl Schedule {
    /// The runs strictly after `from` (UTC seconds), ascending; it ends where nothing follows within
    /// [`HORIZON_DAYS`].
    pub fn next<'a>(&'a self, zone: &'a TimeZone, from: i64) -> impl Iterator<Item = i64> + 'a {
        self.calendar.next(zone, from)
    }

    /// The runs after `from` up to and including `to`, `limit` at most.
    pub fn between(&self, zone: &TimeZone, from: i64, to: i64, limit: usize) -> Vec<i64> {
        self.next(zone, from).take_while(|run| *run <= to).take(limit).collect()
    }

    /// The schedule in words.
    pub fn words(&self) -> String {
        self.calendar.words()
    }

    /// Whether it is accepted but can never run.
    pub fn never(&self) -> bool {
        !self.at_boot() && self.next(&TimeZone::UTC, 0).next().is_none()
    }

    /// Whether it runs at boot and by no clock.
    pub fn at_boot(&self) -> bool {
        self.calendar.at_boot
    }

    /// Whether minute or hour begins with `*`: such a job follows real time through a daylight-saving change.
    pub fn wildcard_time(&self) -> bool {
        self.calendar.wildcard
    }

    /// The usual (median) time between two runs, in seconds, over five weeks without a daylight-saving change.
    pub fn period_seconds(&self) -> Option<i64> {
        const MONDAY: i64 = 1_767_571_200; // 2026-01-05T00:00:00Z
        let runs = self.between(&TimeZone::UTC, MONDAY - 1, MONDAY + 35 * 86_400, 100_000);
        let mut gaps: Vec<i64> = runs.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied()
    }

    /// What was accepted but is suspicious, one line each.
    pub fn notes(&self) -> &[String] {
        &self.calendar.notes
    }
}
