//! Several schedules that add up to one. Two of them that start at the same moment start it once.

use super::{Clock, Meaning, Schedule};
use jiff::tz::TimeZone;
use std::iter::Peekable;

/// Schedules that add up.
#[derive(Debug)]
pub(super) struct Several {
    parts: Vec<Schedule>,
    notes: Vec<String>,
    misread: Vec<String>,
}

impl Several {
    /// Of these.
    pub(super) fn of(parts: Vec<Schedule>) -> Several {
        let gather =
            |of: fn(&Schedule) -> &[String]| parts.iter().flat_map(|part| of(part).to_vec()).collect();
        Several { notes: gather(Schedule::notes), misread: gather(Schedule::misread), parts }
    }
}

impl Meaning for Several {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        let mut parts: Vec<Peekable<Box<dyn Iterator<Item = i64> + 'a>>> =
            self.parts.iter().map(|part| part.meaning.runs(zone, from).peekable()).collect();
        Box::new(std::iter::from_fn(move || {
            let next = parts.iter_mut().filter_map(|part| part.peek().copied()).min()?;
            for part in &mut parts {
                part.next_if_eq(&next);
            }
            Some(next)
        }))
    }

    fn words(&self) -> String {
        self.parts.iter().map(Schedule::words).collect::<Vec<_>>().join("; and ")
    }

    fn clock(&self) -> Clock {
        let calendar = self.parts.iter().any(|part| part.clock() == Clock::Calendar);
        if calendar { Clock::Calendar } else { self.parts.first().map_or(Clock::Unsettled, Schedule::clock) }
    }

    fn spread_seconds(&self) -> u64 {
        self.parts.iter().map(Schedule::spread_seconds).max().unwrap_or(0)
    }

    fn zone(&self) -> Option<&str> {
        self.parts.first().and_then(Schedule::zone)
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn misread(&self) -> &[String] {
        &self.misread
    }
}
