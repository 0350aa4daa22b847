//! When a job runs: its schedule in its zone, and the sleeps in front of its command. A zone nobody knows is UTC
//! here; whoever compares two jobs asks first whether both zones are known.

use crate::evidence::Stamp;
use crate::resolve::Job;
use crate::schedule::{self, Schedule};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// How many runs of one job one question may give.
const MAX_RUNS: usize = 1_100_000;

/// What a change of the clocks does to a job on that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// The schedule means that day, and nothing starts.
    Skipped,
    /// All of that day's runs start twice.
    Doubled,
}

/// How many changes of the clocks one question looks at; a zone has two a year.
const MAX_CHANGES: usize = 100;

/// A job's schedule, ready to be asked.
pub struct JobClock {
    /// What the text means.
    pub schedule: Schedule,
    zone: TimeZone,
    /// Seconds that constant sleeps in front of the command add to each start.
    delay: i64,
}

/// The seconds a guard such as `sleep 600` or `sleep 10m` waits; other guards wait for no known time.
fn sleep_seconds(guard: &str) -> i64 {
    let mut words = guard.split_whitespace();
    if words.next() != Some("sleep") {
        return 0;
    }
    let seconds = |word: &str| {
        let unit = match word.as_bytes().last()? {
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            _ => 1,
        };
        let number: i64 = word.trim_end_matches(['s', 'm', 'h', 'd']).parse().ok()?;
        number.checked_mul(unit).filter(|seconds| (0..=86_400).contains(seconds))
    };
    words.filter_map(seconds).sum()
}

impl JobClock {
    /// Of a job whose schedule its dialect accepts and whose zone exists.
    pub fn of(job: &Job) -> Option<JobClock> {
        let schedule = schedule::parse(&job.dialect, &job.schedule).ok()?;
        let delay = job.guards.iter().map(|guard| sleep_seconds(guard)).sum();
        let zone = schedule::zone(schedule.zone().unwrap_or(&job.zone))?;
        Some(JobClock { schedule, zone, delay })
    }

    /// The local days after `from`, up to `to`, on which the clocks change and the job feels it.
    pub fn at_clock_changes(&self, from: Stamp, to: Stamp) -> Vec<(Date, ClockChange)> {
        let Ok(start) = Timestamp::from_second(from.seconds()) else { return Vec::new() };
        let changes = self.zone.following(start).take(MAX_CHANGES);
        let changes = changes.take_while(|change| change.timestamp().as_second() <= to.seconds());
        let felt = |change: jiff::tz::TimeZoneTransition<'_>| {
            let day = self.zone.to_datetime(change.timestamp()).date();
            // A day without a change, as UTC has them, shows what the schedule means.
            let meant = self.runs_on(day, &TimeZone::UTC)?;
            let actual = self.runs_on(day, &self.zone)?;
            match (meant, actual) {
                (1.., 0) => Some((day, ClockChange::Skipped)),
                (1.., actual) if actual == 2 * meant => Some((day, ClockChange::Doubled)),
                _ => None,
            }
        };
        changes.filter_map(felt).collect()
    }

    /// Whether its calendar has a run after a moment, as far ahead as schedules are looked at.
    pub fn runs_after(&self, from: Stamp) -> bool {
        self.schedule.next(&self.zone, from.seconds()).next().is_some()
    }

    /// Whether the clocks of its zone changed in the day before a moment, or at it.
    pub fn clocks_changed_before(&self, at: Stamp) -> bool {
        let day_before = Timestamp::from_second(at.seconds() - 86_400);
        let change = day_before.ok().and_then(|start| self.zone.following(start).next());
        change.is_some_and(|change| change.timestamp().as_second() <= at.seconds())
    }

    /// How many runs a local day has.
    fn runs_on(&self, day: Date, zone: &TimeZone) -> Option<usize> {
        let midnight = |day: Date| Some(day.to_zoned(zone.clone()).ok()?.timestamp().as_second());
        let (from, to) = (midnight(day)? - 1, midnight(day.tomorrow().ok()?)? - 1);
        Some(self.schedule.between(zone, from, to, MAX_RUNS).len())
    }

    /// The local day of a moment.
    pub fn day_of(&self, at: Stamp) -> Option<Date> {
        let at = Timestamp::from_second(at.seconds()).ok()?;
        Some(self.zone.to_datetime(at).date())
    }

    /// The same job under another schedule.
    #[must_use]
    pub fn under(&self, schedule: Schedule) -> JobClock {
        JobClock { schedule, zone: self.zone.clone(), delay: self.delay }
    }

    /// The starts after `from` up to and including `to`.
    pub fn between(&self, from: Stamp, to: Stamp) -> Vec<Stamp> {
        let (from, to) = (from.seconds() - self.delay, to.seconds() - self.delay);
        let runs = self.schedule.between(&self.zone, from, to, MAX_RUNS);
        runs.into_iter().map(|run| Stamp::from_seconds(run + self.delay)).collect()
    }
}

/// The starts of a job after `from` up to and including `to`; none when its schedule cannot be read.
pub fn job_runs(job: &Job, from: Stamp, to: Stamp) -> Vec<Stamp> {
    JobClock::of(job).map(|clock| clock.between(from, to)).unwrap_or_default()
}
