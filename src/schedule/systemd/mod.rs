//! systemd's timers (version 252): calendar events as systemd.time(7) and `calendarspec.c` have them, and the
//! monotonic settings of systemd.timer(5) in the form in which a unit has them, `OnUnitActiveSec=15min`. What a
//! unit says beside its expressions (`RandomizedDelaySec=`, `AccuracySec=`) is no part of an expression and not
//! read here. It never repairs what systemd would reject.

mod calendar;
mod chain;
mod spans;
#[cfg(test)]
mod tests;
mod words;

use super::{Dialect, Rejected, Schedule};
use calendar::Calendar;
use spans::Monotonic;
pub use spans::seconds as span_seconds;

/// systemd's timers.
pub struct Systemd;

fn rejected(reason: impl Into<String>) -> Rejected {
    Rejected { reason: reason.into(), unknown_dialect: false }
}

impl Dialect for Systemd {
    fn name(&self) -> &'static str {
        "systemd"
    }

    fn title(&self) -> &'static str {
        "systemd timers: calendar events, and settings such as OnBootSec=15min"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        match text.split_once('=') {
            None => Ok(Schedule::new(Calendar::parse(text)?)),
            Some(("OnCalendar", value)) => Ok(Schedule::new(Calendar::parse(value.trim())?)),
            Some((name, value)) => Ok(Schedule::new(Monotonic::parse(name, value.trim())?)),
        }
    }
}
