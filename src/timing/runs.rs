//! When a job runs: its schedule in its zone. A zone nobody knows is UTC here; whoever compares two jobs
//! asks first whether both zones are known.

use crate::evidence::Stamp;
use crate::resolve::Job;
use crate::schedule::{self, Schedule};
use jiff::tz::TimeZone;

/// How many runs of one job one question may give.
const MAX_RUNS: usize = 200_000;

/// A job's schedule, ready to be asked.
pub struct JobClock {
    /// What the text means.
    pub schedule: Schedule,
    zone: TimeZone,
}

impl JobClock {
    /// Of a job whose schedule its dialect accepts and whose zone exists.
    pub fn of(job: &Job) -> Option<JobClock> {
        let schedule = schedule::parse(&job.dialect, &job.schedule).ok()?;
        Some(JobClock { schedule, zone: schedule::zone(&job.zone)? })
    }

    /// The starts after `from` up to and including `to`.
    pub fn between(&self, from: Stamp, to: Stamp) -> Vec<Stamp> {
        let runs = self.schedule.between(&self.zone, from.seconds(), to.seconds(), MAX_RUNS);
        runs.into_iter().map(Stamp::from_seconds).collect()
    }
}

/// The starts of a job after `from` up to and including `to`; none when its schedule cannot be read.
pub fn job_runs(job: &Job, from: Stamp, to: Stamp) -> Vec<Stamp> {
    JobClock::of(job).map(|clock| clock.between(from, to)).unwrap_or_default()
}
