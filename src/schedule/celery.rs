//! Celery beat: `crontab(…)` as its five fields in the order of a crontab, intervals in seconds or as `timedelta(…)`, and
//! `solar(…)`. All fields of a crontab must hold. Rules read from celery/schedules.py and celery/utils/time.py and tried on
//! them. It computes no sun, and never tells where an interval begins, because beat counts from its own start.

use super::airflow::delta;
use super::calendar::Calendar;
use super::fields::{DAY, Field, HOUR, MINUTE, MONTH, MONTH_NAMES, WEEKDAY_NAMES, digits, rejected};
use super::template::Unsettled;
use super::wall::{Runs, Step};
use super::{Dialect, Meaning, Rejected, Schedule};
use jiff::tz::TimeZone;

/// Celery beat.
pub struct Celery;

const WEEKDAY: Field = Field { name: "day of week", low: 0, high: 6, names: &WEEKDAY_NAMES };
/// The longest each month can be.
const LONGEST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Dialect for Celery {
    fn name(&self) -> &'static str {
        "celery"
    }

    fn title(&self) -> &'static str {
        "Celery beat: crontab(…) as five fields, seconds, timedelta(…), solar(…)"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let text = text.trim();
        if text.starts_with("solar(") {
            let why = "the sun tells its time, so no run can be told".to_owned();
            return Ok(Schedule::new(Unsettled::drawn(text, why)));
        }
        if text.starts_with("timedelta(") && !text.contains(" since ") {
            return delta(text);
        }
        if let Ok(seconds) = text.parse::<f64>() {
            return delta(&format!("timedelta(seconds={seconds})"));
        }
        let parts: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts[..] else {
            return Err(rejected(format!("five fields are needed, not {}", parts.len())));
        };
        let mut calendar = Calendar {
            seconds: 1,
            text: [minute, hour, day, month, weekday].map(str::to_owned),
            ..Calendar::default()
        };
        calendar.minutes = field(minute, &MINUTE)?;
        calendar.hours = field(hour, &HOUR)? as u32;
        calendar.days = field(day, &DAY)? as u32;
        calendar.months = field(month, &MONTH)? as u16;
        calendar.weekdays = field(weekday, &WEEKDAY)? as u8;
        let possible = |month: usize| {
            let days = (1u64 << (LONGEST[month] + 1)) - 1;
            calendar.months & (1 << (month + 1)) != 0 && u64::from(calendar.days) & days != 0
        };
        if !(0..12).any(possible) {
            return Err(rejected("no month has such a day"));
        }
        if day != "*" && weekday != "*" {
            let note = "day of month and day of week are both given: it runs on days that both mean, not on those of either as in cron";
            calendar.note_misread(note.to_owned());
        }
        Ok(Schedule::new(Crontab { calendar }))
    }
}

/// A field: elements that add up, each a number, a range that may run over the end, or `*`, with a step.
fn field(text: &str, field: &Field) -> Result<u64, Rejected> {
    let mut set = 0;
    for element in text.split(',') {
        let wrong = |why: &str| rejected(format!("{}: {element:?}: {why}", field.name));
        let (range, step) = match element.split_once('/') {
            None => (element, 1),
            Some((range, step)) => {
                let step = digits(step)
                    .filter(|step| *step > 0)
                    .ok_or_else(|| wrong("the step is no number above 0"))?;
                (range, step)
            }
        };
        let values: Vec<u32> = match range.split_once('-') {
            _ if range == "*" => (field.low..=field.high).collect(),
            Some((low, high)) => {
                let (low, high) = (number(low, field)?, number(high, field)?);
                if high < low {
                    (low..=field.high).chain(field.low..=high).collect()
                } else {
                    (low..=high).collect()
                }
            }
            None if element.contains('/') && digits(range).is_some() => {
                return Err(wrong("a step needs a range or *"));
            }
            // Of a name Celery looks at three letters, and what follows says nothing.
            None => vec![number(range, field)?],
        };
        let step = if values.len() == 1 { 1 } else { step };
        set |= values.iter().step_by(step as usize).fold(0, |set, value| set | 1u64 << value);
    }
    Ok(set)
}

/// A number, or the name of a month or weekday by its first three letters: every field takes both.
fn number(text: &str, field: &Field) -> Result<u32, Rejected> {
    let wrong = || rejected(format!("{}: {text:?} is not in {}-{}", field.name, field.low, field.high));
    let value = match digits(text) {
        Some(value) => value,
        None => {
            let name = text.get(..3).ok_or_else(wrong)?.to_lowercase();
            let month = MONTH_NAMES.iter().position(|month| *month == name).map(|at| at + 1);
            let weekday = || WEEKDAY_NAMES.iter().position(|day| *day == name);
            month.or_else(weekday).ok_or_else(wrong)? as u32
        }
    };
    if (field.low..=field.high).contains(&value) { Ok(value) } else { Err(wrong()) }
}

/// A crontab of Celery, which looks for the next time on the wall clock.
#[derive(Debug)]
struct Crontab {
    calendar: Calendar,
}

impl Meaning for Crontab {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(Runs::new(&self.calendar, zone, Step::First, from))
    }

    fn words(&self) -> String {
        self.calendar.words()
    }

    fn notes(&self) -> &[String] {
        &self.calendar.notes
    }

    fn misread(&self) -> &[String] {
        &self.calendar.misread
    }
}
