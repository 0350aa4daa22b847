//! `cron` of npm (CronJob; also what @nestjs/schedule runs on): five fields, or six with seconds first; the two day
//! fields are ORed unless one of them holds every day. Rules read from its time.js (getNextDateFrom) and tried on it,
//! each run computed when the one before it starts. It finds the next local time first and then looks for the moment: a
//! time that the clocks leave out starts when they are put forward, south of the equator as much later as they are; when
//! they are put back, the first run behind that hour also starts an hour before its time.

use super::calendar::{Calendar, Combine};
use super::fields::{
    DAY, EITHER_DAY, Field, HOUR, MINUTE, MONTH, MONTH_NAMES, WEEKDAY, WEEKDAY_NAMES, digits, rejected,
};
use super::{Dialect, Meaning, Rejected, Schedule, interval};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The package `cron`.
pub struct NpmCron;

const SECOND: Field = Field { name: "second", ..MINUTE };

/// Its presets.
const PRESETS: [(&str, &str); 9] = [
    ("@yearly", "0 0 0 1 1 *"),
    ("@monthly", "0 0 0 1 * *"),
    ("@weekly", "0 0 0 * * 0"),
    ("@daily", "0 0 0 * * *"),
    ("@hourly", "0 0 * * * *"),
    ("@minutely", "0 * * * * *"),
    ("@secondly", "* * * * * *"),
    ("@weekdays", "0 0 0 * * 1-5"),
    ("@weekends", "0 0 0 * * 0,6"),
];

impl Dialect for NpmCron {
    fn name(&self) -> &'static str {
        "npm-cron"
    }

    fn title(&self) -> &'static str {
        "the npm package cron, NestJS: five or six fields, @presets"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        // NestJS' @Interval, by the timer of the process.
        if let Some(interval) = interval::every(text) {
            return interval.map(Schedule::new);
        }
        let lower = text.to_ascii_lowercase();
        let preset = PRESETS.iter().find(|(name, _)| *name == lower).map(|(_, fields)| *fields);
        let plain = numbered(preset.unwrap_or(&lower))?;
        let mut parts: Vec<&str> = plain.split_whitespace().collect();
        if parts.len() == 5 {
            parts.insert(0, "0");
        }
        let Ok([second, minute, hour, day, month, weekday]) = <[&str; 6]>::try_from(parts.as_slice()) else {
            return Err(rejected(format!("five or six fields are needed, not {}", parts.len())));
        };
        let mut calendar = Calendar {
            seconds: bits(second, &SECOND)?,
            text: [minute, hour, day, month, weekday].map(str::to_owned),
            ..Calendar::default()
        };
        let sets = [
            bits(minute, &MINUTE)?,
            bits(hour, &HOUR)?,
            bits(day, &DAY)?,
            bits(month, &MONTH)?,
            bits(weekday, &WEEKDAY)?,
        ];
        calendar.set_fields(sets);
        let every_day = calendar.days.count_ones() == 31;
        let every_weekday = calendar.weekdays.count_ones() == 7;
        if !every_day && !every_weekday {
            calendar.combine = Combine::Either;
            calendar.note_misread(EITHER_DAY.to_owned());
        }
        Ok(Schedule::new(ByWall(calendar)))
    }
}

/// A calendar whose local times are looked for before their moments.
#[derive(Debug)]
struct ByWall(Calendar);

impl Meaning for ByWall {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        let walls = Box::new(std::iter::empty());
        Box::new(Runs { calendar: &self.0, zone, last: from, walls, at: None, steady: None })
    }

    fn words(&self) -> String {
        self.0.words()
    }

    fn notes(&self) -> &[String] {
        self.0.notes()
    }

    fn misread(&self) -> &[String] {
        self.0.misread()
    }
}

static UTC: TimeZone = TimeZone::UTC;
/// No offset of any zone reaches so far, in seconds, and nothing is looked for further back.
const NEAR: i64 = 2 * 86_400;
const MINUTE_SECONDS: i64 = 60;
const HOUR_SECONDS: i64 = 3600;

/// The runs, one after the other.
struct Runs<'a> {
    calendar: &'a Calendar,
    zone: &'a TimeZone,
    last: i64,
    /// The local times, as if they were those of UTC, and the one they stand at.
    walls: Box<dyn Iterator<Item = i64> + 'a>,
    at: Option<i64>,
    /// An offset, and from when to when no clock changes near a moment.
    steady: Option<(i64, i64, i64)>,
}

impl Runs<'_> {
    fn offset(&self, moment: i64) -> Option<i64> {
        let moment = Timestamp::from_second(moment).ok()?;
        Some(i64::from(self.zone.to_offset(moment).seconds()))
    }

    fn steady_offset(&mut self, moment: i64) -> Option<i64> {
        if let Some((offset, from, to)) = self.steady
            && (from..to).contains(&moment)
        {
            return Some(offset);
        }
        let from = Timestamp::from_second(moment.checked_sub(NEAR)?).ok()?;
        let change = self.zone.following(from).next().map_or(i64::MAX, |it| it.timestamp().as_second());
        let until = change.saturating_sub(NEAR);
        let offset = self.offset(moment)?;
        self.steady = (until > moment).then_some((offset, moment, until));
        self.steady.map(|(offset, _, _)| offset)
    }

    /// The moment of a local time: read with the offset that holds now, else with the one there (luxon, fixOffset).
    fn moment(&self, wall: i64) -> Option<i64> {
        let now = self.offset(self.last)?;
        let second = self.offset(wall - now)?;
        if now == second {
            return Some(wall - now);
        }
        let third = self.offset(wall - second)?;
        Some(wall - if second == third { second } else { second.min(third) })
    }

    /// The next run behind a local time, where clocks change around it.
    fn around_a_change(&self, wall: i64) -> Option<i64> {
        let date = self.moment(wall)?;
        let wall_of = |moment: i64| Some(moment + self.offset(moment)?);
        let year = Timestamp::from_second(wall).ok()?.to_zoned(TimeZone::UTC).year();
        let january = jiff::civil::date(year, 1, 1).to_zoned(self.zone.clone()).ok()?;
        let plain = i64::from(january.offset().seconds());
        if wall_of(date)? != wall && self.offset(date)? != plain {
            let mut steps = (0..24 * 60).map(|step| date - step * MINUTE_SECONDS);
            return steps.find(|date| self.offset(date - MINUTE_SECONDS) == Some(plain));
        }
        let hour = |moment: i64| wall_of(moment).map(|wall| wall.div_euclid(HOUR_SECONDS).rem_euclid(24));
        let minute = |moment: i64| wall_of(moment).map(|wall| wall.div_euclid(MINUTE_SECONDS).rem_euclid(60));
        let (one, two) = (date - HOUR_SECONDS, date - 2 * HOUR_SECONDS);
        let again = hour(one) == hour(date) || hour(two) == hour(one);
        let date = if again && one > self.last { one } else { date };
        let half = date - HOUR_SECONDS / 2;
        let again = minute(half) == minute(date) || minute(one) == minute(half);
        Some(if again && half > self.last { half } else { date })
    }
}

impl Iterator for Runs<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let steady = self.steady_offset(self.last);
        let here = self.last + steady.or_else(|| self.offset(self.last))?;
        if self.at != Some(here) {
            self.walls = self.calendar.runs(&UTC, here);
        }
        let wall = self.walls.next()?;
        let quick = steady.map(|offset| wall - offset).filter(|run| self.steady_offset(*run) == steady);
        let run = quick.or_else(|| self.around_a_change(wall)).filter(|run| *run > self.last)?;
        (self.last, self.at) = (run, Some(wall));
        Some(run)
    }
}

/// Each one to three letters that stand together, replaced by the number they are the name of.
fn numbered(text: &str) -> Result<String, Rejected> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(|c: char| c.is_ascii_lowercase()) {
        out.push_str(&rest[..start]);
        let word: String = rest[start..].chars().take_while(char::is_ascii_lowercase).take(3).collect();
        let month = MONTH_NAMES.iter().position(|name| *name == word).map(|at| at + 1);
        let number = month.or_else(|| WEEKDAY_NAMES.iter().position(|name| *name == word));
        let number = number.ok_or_else(|| rejected(format!("{word:?} is no name")))?;
        out.push_str(&number.to_string());
        rest = &rest[start + word.len()..];
    }
    out.push_str(rest);
    Ok(out)
}

fn bits(text: &str, field: &Field) -> Result<u64, Rejected> {
    let wrong = |element: &str| rejected(format!("{}: {element:?} cannot be read", field.name));
    let mut set = 0;
    for element in text.split(',') {
        if element.find('*').is_some_and(|at| at > 0) {
            return Err(wrong(element));
        }
        let whole = element.replace('*', &format!("{}-{}", field.low, field.high));
        let (range, step) = match whole.split_once('/') {
            Some((range, step)) => (range, Some(digits(step).ok_or_else(|| wrong(element))?)),
            None => (whole.as_str(), None),
        };
        let number = |text: &str| {
            digits(text).filter(|it| (field.low..=field.high).contains(it)).ok_or_else(|| wrong(element))
        };
        let (low, high) = match range.split_once('-') {
            Some((low, high)) => (number(low)?, number(high)?),
            None => {
                let low = number(range)?;
                (low, if step.is_some() { field.high } else { low })
            }
        };
        if low > high || step == Some(0) {
            return Err(wrong(element));
        }
        set |= super::fields::every(low, high, step.unwrap_or(1));
    }
    Ok(set)
}
