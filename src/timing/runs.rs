//! When a job does its work: its schedule in its zone, without the days that its command lets pass, and behind the
//! waits in front of it. A zone nobody knows is UTC here; whoever compares two jobs asks first whether both zones are
//! known.

use crate::evidence::Stamp;
use crate::resolve::Job;
use crate::schedule::{self, Guards, Schedule};
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
    guards: Guards,
}

impl JobClock {
    /// Of a job whose schedule its dialect accepts and whose zone exists.
    pub fn of(job: &Job) -> Option<JobClock> {
        let schedule = schedule::parse(&job.dialect, &job.schedule).ok()?;
        let guards = Guards::of(job.guards.iter().map(String::as_str));
        let zone = schedule::zone(schedule.zone().unwrap_or(&job.zone))?;
        Some(JobClock { schedule, zone, guards })
    }

    /// Seconds by which a run may begin later than it is told here, by its scheduler or by its command.
    pub fn spread_seconds(&self) -> u64 {
        self.schedule.spread_seconds().saturating_add(self.guards.spread())
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
        self.schedule.next(&self.zone, from.seconds()).any(|run| self.guards.lets(run, &self.zone))
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
        let runs = self.schedule.between(zone, from, to, MAX_RUNS);
        Some(runs.into_iter().filter(|run| self.guards.lets(*run, zone)).count())
    }

    /// The local day of a moment.
    pub fn day_of(&self, at: Stamp) -> Option<Date> {
        let at = Timestamp::from_second(at.seconds()).ok()?;
        Some(self.zone.to_datetime(at).date())
    }

    /// The same job under another schedule.
    #[must_use]
    pub fn under(&self, schedule: Schedule) -> JobClock {
        JobClock { schedule, zone: self.zone.clone(), guards: self.guards.clone() }
    }

    /// The starts after `from` up to and including `to`.
    pub fn between(&self, from: Stamp, to: Stamp) -> Vec<Stamp> {
        let delay = self.guards.delay();
        let runs = self.schedule.between(&self.zone, from.seconds() - delay, to.seconds() - delay, MAX_RUNS);
        let works = runs.into_iter().filter(|run| self.guards.lets(*run, &self.zone));
        works.map(|run| Stamp::from_seconds(run + delay)).collect()
    }
}

/// The starts of a job after `from` up to and including `to`; none when its schedule cannot be read.
pub fn job_runs(job: &Job, from: Stamp, to: Stamp) -> Vec<Stamp> {
    JobClock::of(job).map(|clock| clock.between(from, to)).unwrap_or_default()
}
