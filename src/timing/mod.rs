//! Runs, periods and hand-offs: pure functions over activity and schedules. It reads nothing and concludes
//! nothing; rules do.

mod periodic;
mod runs;

pub use periodic::{Beat, MIN_BEATS, beat};
pub use runs::{ClockChange, JobClock, job_runs};
