//! What the schedulers inside of databases share: days by a test of their own, the times of each, and a first and a
//! last moment. A dialect says what the days are and what a change of the clocks does; nothing here reads text.

use super::calendar::{Fold, Gap, moments};
use super::{HORIZON_DAYS, Meaning};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::fmt::Debug;

/// One moment in local time.
#[derive(Debug)]
pub(super) struct Once(pub DateTime);

/// The moment that a server makes of a local time: one that is left out is the first that exists again, of two the first.
pub(super) fn moment(local: DateTime, zone: &TimeZone) -> Option<i64> {
    let mut told = Vec::new();
    moments(local, zone, Gap::AtOnce, Fold::First, &mut told);
    told.first().copied()
}

impl Meaning for Once {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(moment(self.0, zone).filter(|moment| *moment > from).into_iter())
    }

    fn words(&self) -> String {
        format!("once, at {}", self.0)
    }
}

/// Which days have runs.
pub(super) trait DayTest: Debug + Send + Sync {
    /// Whether this one has.
    fn holds(&self, date: Date) -> bool;
}

/// Days and their times.
#[derive(Debug)]
pub(super) struct Days<T> {
    /// Which days.
    pub test: T,
    /// Seconds behind the midnight of each of these days, ascending; one beyond 86,400 is on the day after.
    pub times: Vec<u32>,
    /// No run before this local time.
    pub first: Option<DateTime>,
    /// No run after this local time.
    pub last: Option<DateTime>,
    /// What the clocks do to it.
    pub gap: Gap,
    pub fold: Fold,
    /// How many seconds after each moment it may start, as far as anybody can tell.
    pub spread: u64,
    /// In words.
    pub words: String,
    /// What is suspicious, one line each.
    pub notes: Vec<String>,
}

impl<T: DayTest> Days<T> {
    /// The local times of a day on which it runs.
    fn locals(&self, date: Date) -> impl Iterator<Item = DateTime> + '_ {
        let tomorrow = date.tomorrow().ok();
        let times = self.times.iter().filter_map(move |time| {
            let date = if *time < 86_400 { date } else { tomorrow? };
            let time = time % 86_400;
            Some(date.at((time / 3600) as i8, (time / 60 % 60) as i8, (time % 60) as i8, 0))
        });
        let after = |local: &DateTime| self.first.is_none_or(|first| *local >= first);
        times.filter(move |local| after(local) && self.last.is_none_or(|last| *local <= last))
    }
}

impl<T: DayTest> Meaning for Days<T> {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        let local = Timestamp::from_second(from).ok().map(|time| zone.to_datetime(time).date());
        // A day earlier, because a day's last runs may be on the next, and a change of the clocks moves some.
        let start = local.and_then(|date| date.yesterday().ok());
        let first = self.first.map(|first| first.date()).and_then(|date| date.yesterday().ok());
        let mut date = start.map(|date| first.map_or(date, |first| first.max(date)));
        if self.times.is_empty() {
            date = None;
        }
        let (mut runs, mut at, mut last, mut idle) = (Vec::<i64>::new(), 0, from, 0);
        Box::new(std::iter::from_fn(move || {
            loop {
                while let Some(run) = runs.get(at).copied() {
                    at += 1;
                    if run > last {
                        last = run;
                        return Some(run);
                    }
                }
                let day = date?;
                idle += 1;
                if idle > HORIZON_DAYS || self.last.is_some_and(|last| day > last.date()) {
                    return None;
                }
                date = day.tomorrow().ok();
                (runs, at) = (Vec::new(), 0);
                if self.test.holds(day) {
                    for local in self.locals(day) {
                        moments(local, zone, self.gap, self.fold, &mut runs);
                    }
                    runs.sort_unstable();
                    idle = if runs.is_empty() { idle } else { 0 };
                }
            }
        }))
    }

    fn words(&self) -> String {
        self.words.clone()
    }

    fn spread_seconds(&self) -> u64 {
        self.spread
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// The number of a day, so that days can be counted.
pub(super) fn number(date: Date) -> i64 {
    date.to_zoned(TimeZone::UTC).map_or(0, |midnight| midnight.timestamp().as_second().div_euclid(86_400))
}

/// The number of a month, so that months can be counted.
pub(super) fn month_number(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

/// A runs-once-in-a-while schedule whose phase no text tells: made or last run at a moment that nobody wrote.
#[derive(Debug)]
pub(super) struct Drifting {
    /// The usual time between two runs, in seconds.
    pub seconds: u64,
    /// Whether it counts from the end of the last run.
    pub from_end: bool,
    /// In words.
    pub words: String,
    /// What is suspicious, one line each.
    pub notes: Vec<String>,
}

impl Meaning for Drifting {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        self.words.clone()
    }

    fn clock(&self) -> super::Clock {
        super::Clock::Interval { seconds: self.seconds, from_end: self.from_end }
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
