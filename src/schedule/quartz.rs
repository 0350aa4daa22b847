//! Quartz' CronExpression (2.3): six or seven fields with seconds first and a year last, weekdays from 1 (Sunday) to
//! 7, exactly one of the day fields `?`, with `L`, `W` and `#`. Rules read from org.quartz.CronExpression and tried
//! on it. A local time that the clocks leave out is left out; of one that comes twice only the second is run, so that
//! a job that runs every few minutes pauses for an hour. A simple trigger is written by its attributes:
//! `repeatInterval=60000`, with `repeatCount=3` where it ends, and `repeatCount=0` alone where it starts once.

use super::calendar::{Calendar, DayRule, Fold, Gap};
use super::fields::{DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY_NAMES, digits, every, rejected};
use super::interval::{Interval, Since, millis};
use super::{Dialect, Rejected, Schedule};

/// Quartz.
pub struct Quartz;

const SECOND: Field = Field { name: "second", ..MINUTE };
const WEEKDAY: Field = Field { name: "day of week", low: 1, high: 7, names: &WEEKDAY_NAMES };
/// The years it knows; the program's own bound is a hundred years from now.
const YEARS: (u32, u32) = (1970, 2199);

/// What is said of times that come twice.
const PAUSE: &str =
    "when the clocks are put back, Quartz runs only the second of two equal times: it pauses for that hour";

impl Dialect for Quartz {
    fn name(&self) -> &'static str {
        "quartz"
    }

    fn title(&self) -> &'static str {
        "Quartz: six or seven fields, Sunday is 1, with ?, L, W and #"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        if text.contains('=') {
            return simple(text);
        }
        let upper = text.trim().to_ascii_uppercase();
        let parts: Vec<&str> = upper.split([' ', '\t']).filter(|part| !part.is_empty()).collect();
        let (fields, year) = match parts.as_slice() {
            [fields @ .., year] if fields.len() == 6 => (fields, Some(*year)),
            fields if fields.len() == 6 => (fields, None),
            _ => return Err(rejected(format!("six or seven fields are needed, not {}", parts.len()))),
        };
        let [second, minute, hour, day, month, weekday] = [0, 1, 2, 3, 4, 5].map(|at| fields[at]);
        if (day == "?") == (weekday == "?") {
            return Err(rejected("exactly one of day of month and day of week must be ?"));
        }
        let mut calendar = Calendar {
            seconds: bits(second, &SECOND)?,
            minutes: bits(minute, &MINUTE)?,
            hours: bits(hour, &HOUR)? as u32,
            months: bits(month, &MONTH)? as u16,
            gap: Gap::Skipped,
            fold: Fold::Second,
            text: [minute, hour, day, month, weekday].map(str::to_owned),
            ..Calendar::default()
        };
        match day {
            "?" => calendar.days = every(1, 31, 1) as u32,
            day => days(day, &mut calendar)?,
        }
        match weekday {
            "?" => calendar.weekdays = 0x7f,
            weekday => weekdays(weekday, &mut calendar)?,
        }
        if let Some(year) = year {
            calendar.years = years(year)?;
        }
        if calendar.hours.count_ones() == 24 {
            calendar.notes.push(PAUSE.to_owned());
        }
        Ok(Schedule::new(calendar))
    }
}

/// `repeatInterval=…`, `repeatCount=…` (org.quartz.SimpleTrigger).
fn simple(text: &str) -> Result<Schedule, Rejected> {
    let (mut interval, mut count) = (None, None);
    for part in text.split_whitespace() {
        match part.split_once('=') {
            Some(("repeatInterval", value)) => interval = Some(millis(value)?),
            Some(("repeatCount", value)) => {
                let value = digits(value).ok_or_else(|| rejected(format!("{part:?}: no number")))?;
                count = Some(value);
            }
            _ => return Err(rejected(format!("{part:?} is no attribute of a trigger"))),
        }
    }
    match (interval, count) {
        (_, Some(0)) => Ok(Schedule::new(Interval::new(0, Since::Start))),
        (None | Some(0), _) => Err(rejected("the interval between two runs is 0")),
        (Some(interval), count) => {
            let mut read = Interval::new(interval, Since::LastStart);
            read.notes.extend(count.map(|count| format!("it ends after {} runs", u64::from(count) + 1)));
            Ok(Schedule::new(read))
        }
    }
}

/// A field of numbers or names; a reversed range goes on over the end.
fn bits(text: &str, field: &Field) -> Result<u64, Rejected> {
    let mut set = 0;
    for element in text.split(',') {
        set |= one(element, field)?;
    }
    Ok(set)
}

fn one(text: &str, field: &Field) -> Result<u64, Rejected> {
    let wrong = |why: &str| rejected(format!("{}: {text:?}: {why}", field.name));
    let (range, step) = match text.split_once('/') {
        None => (text, None),
        Some((range, step)) => (range, Some(digits(step).ok_or_else(|| wrong("the step is no number"))?)),
    };
    if step.is_some_and(|step| step > field.high) {
        return Err(wrong("the step is larger than the field"));
    }
    // A step of nothing is none.
    let step = step.filter(|step| *step > 0);
    let value = |text: &str| value(text, field);
    let (low, high) = match range.split_once('-') {
        _ if range == "*" || range.is_empty() => (field.low, field.high),
        Some((low, high)) => (value(low)?, value(high)?),
        None => (value(range)?, if step.is_some() { field.high } else { value(range)? }),
    };
    if range.is_empty() && step.is_none() {
        return Err(wrong("nothing stands there"));
    }
    let step = step.unwrap_or(1);
    if low <= high {
        return Ok(every(low, high, step));
    }
    let length = field.high - field.low + 1;
    let mut set = 0;
    let mut at = low;
    while at <= high + length {
        set |= 1 << (field.low + (at - field.low) % length);
        at += step;
    }
    Ok(set)
}

/// A number within the bounds, or a name of three letters.
fn value(text: &str, field: &Field) -> Result<u32, Rejected> {
    let lower = text.to_ascii_lowercase();
    if let Some(at) = field.names.iter().position(|name| *name == lower) {
        return Ok(field.low + at as u32);
    }
    digits(text)
        .filter(|value| (field.low..=field.high).contains(value))
        .ok_or_else(|| rejected(format!("{}: {text:?} is not in {}-{}", field.name, field.low, field.high)))
}

fn days(text: &str, calendar: &mut Calendar) -> Result<(), Rejected> {
    let wrong = |why: &str| rejected(format!("day of month: {text:?}: {why}"));
    if text.contains(',') && text.contains('L') {
        return Err(wrong("L stands alone"));
    }
    if text.contains(',') && text.contains('W') {
        // The program keeps one W for the whole field, and of the days the first.
        let days: Result<Vec<u32>, Rejected> =
            text.split(',').map(|day| value(day.strip_suffix('W').unwrap_or(day), &DAY)).collect();
        let first = days?.into_iter().min().unwrap_or(1);
        calendar.day_rules.push(DayRule::Nearest(first as i8));
        calendar.note_misread(format!("day of month: of {text:?} Quartz reads {first}W alone"));
        return Ok(());
    }
    let rule = match (text.strip_prefix('L'), text.strip_suffix('W')) {
        (Some(""), _) => DayRule::BeforeLast(0),
        (Some("W"), _) => DayRule::LastWorkday,
        (Some(rest), None) => {
            let before = rest.strip_prefix('-').and_then(digits).filter(|before| *before <= 30);
            DayRule::BeforeLast(before.ok_or_else(|| wrong("no day before the last"))? as i8)
        }
        (None, Some(day)) => DayRule::Nearest(value(day, &DAY)? as i8),
        (Some(_), Some(_)) => return Err(wrong("a workday near a day before the last is not read here")),
        (None, None) => {
            calendar.days = bits(text, &DAY)? as u32;
            return Ok(());
        }
    };
    calendar.day_rules.push(rule);
    Ok(())
}

fn weekdays(text: &str, calendar: &mut Calendar) -> Result<(), Rejected> {
    let wrong = |why: &str| rejected(format!("day of week: {text:?}: {why}"));
    let weekday = |text: &str| value(text, &WEEKDAY).map(|day| day as i8 - 1);
    if let Some(day) = text.strip_suffix('L') {
        if text.contains(',') {
            return Err(wrong("L stands alone"));
        }
        match day {
            // Alone it is the last day of the week.
            "" => calendar.weekdays = 1 << 6,
            day => calendar.weekday_rules.push(DayRule::LastWeekday(weekday(day)?)),
        }
    } else if let Some((day, nth)) = text.split_once('#') {
        let nth = digits(nth).filter(|nth| (1..=5).contains(nth));
        let nth = nth.ok_or_else(|| wrong("the week must be 1 to 5"))?;
        calendar.weekday_rules.push(DayRule::NthWeekday(weekday(day)?, nth as i8));
    } else {
        calendar.weekdays = (bits(text, &WEEKDAY)? >> 1) as u8;
    }
    Ok(())
}

fn years(text: &str) -> Result<Vec<i16>, Rejected> {
    let wrong = || rejected(format!("year: {text:?} is none"));
    let year = |text: &str| digits(text).filter(|year| (YEARS.0..=YEARS.1).contains(year)).ok_or_else(wrong);
    let mut years = Vec::new();
    for element in text.split(',') {
        let (range, step) = match element.split_once('/') {
            None => (element, None),
            Some((range, step)) => (range, Some(digits(step).filter(|step| *step > 0).ok_or_else(wrong)?)),
        };
        let (low, high) = match range.split_once('-') {
            _ if range == "*" && step.is_none() => return Ok(Vec::new()),
            _ if range == "*" => YEARS,
            Some((low, high)) => (year(low)?, year(high)?),
            None => (year(range)?, if step.is_some() { YEARS.1 } else { year(range)? }),
        };
        if low > high {
            return Err(wrong());
        }
        years.extend((low..=high).step_by(step.unwrap_or(1) as usize).map(|year| year as i16));
    }
    years.sort_unstable();
    years.dedup();
    Ok(years)
}
