//! When a job runs: its schedule in its zone, and the sleeps in front of its command. A zone nobody knows is UTC here; whoever compares two jobs
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
        Some(JobClock { schedule, zone: schedule::zone(&job.zone)?, delay })
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
