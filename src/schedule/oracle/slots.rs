//! The runs of a settled calendar: period by period where it follows the clock, slot by slot where it follows real time.

use super::super::calendar::{Fold, Gap, moments};
use super::super::days::moment;
use super::super::{HORIZON_DAYS, Meaning, Schedule};
use super::rule::{Freq, Rule};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// How many slots in a row may be left out before it is given up.
const MAX_IDLE: usize = 400_000;

/// A settled calendar as a schedule.
pub(super) fn schedule(
    rule: Rule,
    start: Option<DateTime>,
    last: Option<DateTime>,
    words: String,
) -> Schedule {
    let mut notes = Vec::new();
    if rule.spread > 0 {
        notes.push("what it leaves open of its time comes from its start date, which is not told".to_owned());
    }
    Schedule::new(Runs { times: rule.day_times(), rule, start, last, words, notes })
}

#[derive(Debug)]
struct Runs {
    rule: Rule,
    /// The times of a day, in seconds.
    times: Vec<i64>,
    start: Option<DateTime>,
    /// No run after this local time.
    last: Option<DateTime>,
    words: String,
    notes: Vec<String>,
}

impl Runs {
    /// The local times of a period, those at the wanted positions.
    fn locals(&self, first: Date, next: Date) -> Vec<DateTime> {
        let mut locals = Vec::new();
        let mut date = first;
        while date < next {
            if self.rule.holds(date) {
                let at =
                    |time: &i64| date.at((time / 3600) as i8, (time / 60 % 60) as i8, (time % 60) as i8, 0);
                locals.extend(self.times.iter().map(at));
            }
            match date.tomorrow() {
                Ok(tomorrow) => date = tomorrow,
                Err(_) => break,
            }
        }
        let positions = &self.rule.positions;
        if positions.is_empty() {
            return locals;
        }
        let length = locals.len() as i64;
        let wanted = |at: i64| positions.contains(&(at + 1)) || positions.contains(&(at - length));
        locals.into_iter().enumerate().filter(|(at, _)| wanted(*at as i64)).map(|(_, local)| local).collect()
    }

    fn by_periods<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Option<Box<dyn Iterator<Item = i64> + 'a>> {
        let local = zone.to_datetime(Timestamp::from_second(from).ok()?).date().yesterday().ok()?;
        let begin = self.start.map_or(local, |start| start.date().max(local));
        let (mut first, mut next) = self.rule.around(begin)?;
        let (mut runs, mut at, mut last, mut over, mut idle) = (Vec::new(), 0, from, false, begin);
        Some(Box::new(std::iter::from_fn(move || {
            loop {
                while let Some(run) = runs.get(at).copied() {
                    at += 1;
                    if run > last {
                        last = run;
                        return Some(run);
                    }
                }
                if over || super::super::days::number(first) - super::super::days::number(idle) > HORIZON_DAYS
                {
                    return None;
                }
                (runs, at) = (Vec::new(), 0);
                for local in self.locals(first, next) {
                    if self.start.is_none_or(|start| local >= start) {
                        moments(local, zone, Gap::AtOnce, Fold::First, &mut runs);
                    }
                }
                runs.sort_unstable();
                if !runs.is_empty() {
                    idle = first;
                }
                match self.rule.around(next) {
                    Some(period) => (first, next) = period,
                    None => over = true,
                }
            }
        })))
    }

    /// Whether a slot's own time fits.
    fn slot_fits(&self, local: DateTime) -> bool {
        let fits = |field: &Option<Vec<i64>>, value: i8| {
            field.as_ref().is_none_or(|list| list.contains(&i64::from(value)))
        };
        let freq = self.rule.freq;
        self.rule.holds(local.date())
            && fits(&self.rule.hours, local.hour())
            && (freq > Freq::Minutely || fits(&self.rule.minutes, local.minute()))
            && (freq > Freq::Secondly || fits(&self.rule.seconds, local.second()))
    }

    /// How far the next slot is that may fit: a day or an hour that does not is left out as a whole, as far as no change
    /// of the clocks can matter.
    fn ahead(&self, local: DateTime, step: i64) -> i64 {
        let within_hour = i64::from(local.minute()) * 60 + i64::from(local.second());
        let left = if !self.rule.holds(local.date()) {
            86_400 - 3 * 3600 - i64::from(local.hour()) * 3600 - within_hour
        } else if self.rule.hours.as_ref().is_some_and(|list| !list.contains(&i64::from(local.hour()))) {
            3600 - within_hour
        } else {
            0
        };
        (left.div_euclid(step) * step).max(step)
    }

    /// The runs within a slot, in seconds behind its beginning.
    fn inside(&self) -> Vec<i64> {
        let list = |field: &Option<Vec<i64>>| field.clone().unwrap_or_else(|| vec![0]);
        let mut inside: Vec<i64> = match self.rule.freq {
            Freq::Hourly => {
                let seconds = list(&self.rule.seconds);
                let of =
                    |minute: i64| seconds.iter().map(move |second| minute * 60 + second).collect::<Vec<_>>();
                list(&self.rule.minutes).into_iter().flat_map(of).collect()
            }
            Freq::Minutely => list(&self.rule.seconds),
            _ => vec![0],
        };
        inside.sort_unstable();
        inside.dedup();
        inside
    }

    fn by_slots<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Option<Box<dyn Iterator<Item = i64> + 'a>> {
        let slot = i64::try_from(self.rule.freq.seconds()).ok()?;
        let first = match self.start {
            Some(start) => moment(start, zone)?,
            None => from,
        };
        // Slots begin with a whole local hour or minute.
        let offset = i64::from(zone.to_offset(Timestamp::from_second(first).ok()?).seconds());
        let base = (first + offset).div_euclid(slot) * slot - offset;
        let step = slot.checked_mul(self.rule.interval)?;
        let mut at = base + (from - base).max(0).div_euclid(step) * step;
        let (inside, mut waiting, mut last) = (self.inside(), Vec::<i64>::new(), from);
        Some(Box::new(std::iter::from_fn(move || {
            let mut idle = 0;
            loop {
                while let Some(run) = waiting.pop() {
                    if run > last && (self.start.is_none() || run >= first) {
                        last = run;
                        return Some(run);
                    }
                }
                idle += 1;
                if idle > MAX_IDLE {
                    return None;
                }
                let local = zone.to_datetime(Timestamp::from_second(at).ok()?);
                if self.slot_fits(local) {
                    waiting.extend(inside.iter().rev().map(|second| at + second));
                }
                at = at.checked_add(self.ahead(local, step))?;
            }
        })))
    }
}

impl Meaning for Runs {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        let runs = match self.rule.freq {
            Freq::Secondly | Freq::Minutely | Freq::Hourly => self.by_slots(zone, from),
            _ => self.by_periods(zone, from),
        };
        let last = self.last.and_then(|last| moment(last, zone)).unwrap_or(i64::MAX);
        match runs {
            Some(runs) => Box::new(runs.take_while(move |run| *run <= last)),
            None => Box::new(std::iter::empty()),
        }
    }

    fn words(&self) -> String {
        let from = self.start.map_or(String::new(), |start| format!(", from {start} on"));
        let until = self.last.map_or(String::new(), |last| format!(", until {last}"));
        // A time of which a part is not told is no exact one.
        let open = match self.rule.spread {
            0..60 => "",
            3540.. => ", at a minute that only its start date tells",
            _ => ", at a time that only its start date tells",
        };
        format!("{}{open}{from}{until}", self.words)
    }

    fn spread_seconds(&self) -> u64 {
        self.rule.spread
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
