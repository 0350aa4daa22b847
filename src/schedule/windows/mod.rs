//! Triggers of the Windows Task Scheduler, one a text, in a form of our own with the words of its schema ("Task
//! Scheduler Schema", \[MS-TSCH\] 2.5): `start=2026-01-01T02:00:00 every 2 weeks on Monday,Friday repeat PT15M for PT8H`,
//! `start=02:30 each month on last Sunday`, `boot delay PT5M`. A start with `Z` or an offset is one moment everywhere,
//! one without is the machine's own clock. A start without a date is one whose day nobody wrote. It never guesses
//! what the schema leaves open: which weeks count when every second one does, and where two repetitions overlap.

mod days;
mod read;
mod runs;
#[cfg(test)]
mod tests;

use super::fields::rejected;
use super::template::Unsettled;
use super::{Clock, Dialect, Meaning, Rejected, Schedule, duration};
use days::Days;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// The Windows Task Scheduler.
pub struct WindowsTask;

/// What the hour that a change of the clocks leaves out or repeats does to a start, as far as it is known.
const CHANGE_OF_CLOCKS: &str = "what becomes of a start in the hour that a change of the clocks leaves out or repeats is \
                                not specified (Microsoft KB 325413)";

impl Dialect for WindowsTask {
    fn name(&self) -> &'static str {
        "windows-task"
    }

    fn title(&self) -> &'static str {
        "Windows Task Scheduler: a trigger, such as start=2026-01-01T02:00:00 every 1 day repeat PT15M for P1D"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        Ok(match read::trigger(text)? {
            read::Read::ByClock(trigger) => match trigger.open() {
                Some(why) => Schedule::new(Unsettled::drawn(text, why)),
                None => Schedule::new(trigger),
            },
            read::Read::Happens(happening) => Schedule::new(happening),
        })
    }
}

/// A moment as the schema writes it.
#[derive(Debug, Clone)]
struct Boundary {
    /// The day; `None`: nobody wrote one, and any may be the first.
    date: Option<Date>,
    time: Time,
    /// The zone it names.
    zone: Option<(String, TimeZone)>,
}

/// A start that comes again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Repeat {
    /// Seconds between two starts.
    interval: i64,
    /// How many seconds it goes on, the last one included; `None`: for good.
    duration: Option<i64>,
}

/// A trigger that a clock fires.
#[derive(Debug)]
struct Trigger {
    start: Boundary,
    until: Option<Boundary>,
    days: Days,
    repeat: Option<Repeat>,
    /// How many seconds after its moment it may start.
    random: u64,
    notes: Vec<String>,
}

/// A trigger that something fires.
#[derive(Debug)]
struct Happening {
    what: &'static str,
    delay: i64,
    repeat: Option<Repeat>,
}

impl Trigger {
    /// Why its moments cannot be told, where they cannot.
    fn open(&self) -> Option<String> {
        if self.start.date.is_none() && self.days.count_from_the_start() {
            return Some("it counts from a day that nobody wrote".to_owned());
        }
        if self.start.date.is_some_and(|date| self.days.weeks_are_open(date)) {
            return Some(
                "which weeks count is not documented where their first one begins within it".to_owned(),
            );
        }
        let Repeat { interval, duration } = self.repeat?;
        let whole = self.days.least_days()? * 86_400;
        let overlap = duration.is_none_or(|duration| duration > whole);
        (overlap && 86_400 % interval != 0)
            .then(|| "what a start does while the one before it still repeats is not documented".to_owned())
    }
}

/// What of a repetition is told in words.
fn again(repeat: Option<Repeat>) -> String {
    let seconds = |seconds: i64| duration(seconds.unsigned_abs());
    match repeat {
        None => String::new(),
        Some(Repeat { interval, duration: None }) => {
            format!(", and every {} from then on", seconds(interval))
        }
        Some(Repeat { interval, duration: Some(whole) }) => {
            format!(", and every {} for {}", seconds(interval), seconds(whole))
        }
    }
}

impl Meaning for Trigger {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        runs::of(self, zone, from)
    }

    fn words(&self) -> String {
        let mut words =
            format!("at {} {}", self.start.time.strftime("%H:%M"), self.days.words(self.start.date));
        words.push_str(&again(self.repeat));
        if self.random > 0 {
            words.push_str(&format!(", or up to {} later", duration(self.random)));
        }
        if let Some(date) = self.until.as_ref().and_then(|until| until.date) {
            words.push_str(&format!(", until {date}"));
        }
        words
    }

    fn spread_seconds(&self) -> u64 {
        self.random
    }

    fn zone(&self) -> Option<&str> {
        self.start.zone.as_ref().map(|(name, _)| name.as_str())
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Meaning for Happening {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        let what = match self.what {
            "boot" => "at boot",
            "logon" => "when somebody logs on",
            "session" => "when a session of the desktop changes",
            "idle" => "when the machine is idle",
            "registration" => "when the task is registered",
            _ => "when an event is logged",
        };
        let delay = match self.delay {
            0 => String::new(),
            delay => format!("{} after, ", duration(delay.unsigned_abs())),
        };
        format!("{delay}{what}{}", again(self.repeat))
    }

    fn clock(&self) -> Clock {
        match (self.what, self.repeat) {
            (_, Some(Repeat { interval, duration: None })) => {
                Clock::Interval { seconds: interval.unsigned_abs(), from_end: false }
            }
            ("boot", _) => Clock::Boot,
            _ => Clock::Happening,
        }
    }
}
