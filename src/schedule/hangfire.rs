//! Hangfire's recurring jobs, read by Cronos (0.8, its CronParser.cs and CronExpression.cs): five fields or six with
//! seconds first, wrapping ranges, `L`, `W`, `#`, macros. Both day fields must mean a day. A time that the clock leaves
//! out runs at the first moment that exists again; one that it repeats runs once, the first time, unless second,
//! minute or hour say an interval (`*`, `?`, a range, a step), which goes on through both. Hangfire before 1.7 read
//! its schedules with NCrontab, which is not read here.

use super::calendar::{Calendar, DayRule, Fold, Gap};
use super::fields::{DAY, Field, HOUR, KEYWORDS, MINUTE, MONTH, WEEKDAY, every, rejected};
use super::{Dialect, Rejected, Schedule};

/// Hangfire.
pub struct Hangfire;

const SECOND: Field = Field { name: "second", ..MINUTE };

impl Dialect for Hangfire {
    fn name(&self) -> &'static str {
        "hangfire"
    }

    fn title(&self) -> &'static str {
        "Hangfire (Cronos): five or six fields, L, W, #, @macros"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let lower = text.trim_matches([' ', '\t']).to_ascii_lowercase();
        let fields = match lower.strip_prefix('@') {
            None => lower.as_str(),
            Some("every_second") => "* * * * * *",
            Some("every_minute") => "* * * * *",
            Some(_) => KEYWORDS
                .iter()
                .find(|(keyword, _)| *keyword == lower)
                .map(|(_, fields)| *fields)
                .ok_or_else(|| rejected(format!("{text}: no such macro")))?,
        };
        let parts: Vec<&str> = fields.split([' ', '\t']).filter(|part| !part.is_empty()).collect();
        let (second, five) = match parts.as_slice() {
            [second, five @ ..] if five.len() == 5 => (*second, five),
            five if five.len() == 5 => ("0", five),
            _ => return Err(rejected(format!("five or six fields are needed, not {}", parts.len()))),
        };
        let [minute, hour, day, month, weekday] = [0, 1, 2, 3, 4].map(|at| five[at]);
        let interval = [second, minute, hour].iter().any(|it| it.contains(['*', '?', '-', '/']));
        let mut calendar = Calendar {
            seconds: bits(second, &SECOND)?,
            minutes: bits(minute, &MINUTE)?,
            hours: bits(hour, &HOUR)? as u32,
            months: bits(month, &MONTH)? as u16,
            gap: Gap::AtOnce,
            fold: if interval { Fold::Both } else { Fold::First },
            text: [minute, hour, day, month, weekday].map(str::to_owned),
            ..Calendar::default()
        };
        days(day, &mut calendar)?;
        weekdays(weekday, &mut calendar)?;
        let any = |text: &str| matches!(text, "*" | "?");
        if !any(day) && !any(weekday) {
            calendar.note_misread(BOTH_DAYS.to_owned());
        }
        Ok(Schedule::new(calendar))
    }
}

/// What is said where both day fields are given.
const BOTH_DAYS: &str = "day of month and day of week are both given: it runs on a day that both of them mean, where crontabs take either";

fn value(text: &str, field: &Field) -> Result<u32, Rejected> {
    let named = field.names.iter().position(|name| *name == text).map(|at| at as u32 + field.low);
    let value = named.or_else(|| number(text)).filter(|value| (field.low..=field.high).contains(value));
    value.ok_or_else(|| {
        rejected(format!("{}: {text:?} is no number from {} to {}", field.name, field.low, field.high))
    })
}

/// A number of one or two digits.
fn number(text: &str) -> Option<u32> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn bits(text: &str, field: &Field) -> Result<u64, Rejected> {
    let step = |text: &str| {
        let step = number(text).filter(|step| (1..=field.high).contains(step));
        step.ok_or_else(|| rejected(format!("{}: {text:?} is no step", field.name)))
    };
    if text.starts_with('h') {
        return Err(rejected(format!("{}: Hangfire gives Cronos no seed for H", field.name)));
    }
    if let Some(rest) = text.strip_prefix(['*', '?']) {
        return match rest.strip_prefix('/') {
            Some(steps) => Ok(every(field.low, field.high, step(steps)?)),
            None if rest.is_empty() => Ok(every(field.low, field.high, 1)),
            None => Err(rejected(format!("{}: {rest:?} follows a star", field.name))),
        };
    }
    let mut set = 0;
    for element in text.split(',') {
        let (range, steps) =
            element.split_once('/').map_or((element, None), |(range, step)| (range, Some(step)));
        let by = steps.map(step).transpose()?;
        set |= match range.split_once('-') {
            Some((low, high)) => wrapped(value(low, field)?, value(high, field)?, by.unwrap_or(1), field),
            None => {
                let low = value(range, field)?;
                every(low, if by.is_some() { field.high } else { low }, by.unwrap_or(1))
            }
        };
    }
    Ok(set)
}

/// The values from one to another, over the end of the field where the second is smaller; of two Sundays one is
/// passed over.
fn wrapped(low: u32, high: u32, step: u32, field: &Field) -> u64 {
    if low <= high {
        return every(low, high, step);
    }
    let last = field.high - u32::from(field.name == WEEKDAY.name);
    // From the second Sunday on the remainder is a negative one, as it is in the original.
    let behind = (i64::from(last) - i64::from(low)) % i64::from(step);
    let first = i64::from(field.low) + i64::from(step) - behind - 1;
    let before = if low > last { 0 } else { every(low, last, step) };
    match u32::try_from(first) {
        Ok(first) if first <= high => before | every(first, high, step),
        _ => before,
    }
}

fn days(text: &str, calendar: &mut Calendar) -> Result<(), Rejected> {
    let wrong = || rejected(format!("day of month: {text:?} is none"));
    if let Some(rest) = text.strip_prefix('l') {
        let (offset, workday) = rest.strip_suffix('w').map_or((rest, false), |rest| (rest, true));
        let offset = match offset.strip_prefix('-') {
            Some(days) => number(days).filter(|days| *days <= 30).ok_or_else(wrong)? as i8,
            None if offset.is_empty() => 0,
            None => return Err(wrong()),
        };
        let rule = if workday { DayRule::NearLast(offset) } else { DayRule::BeforeLast(offset) };
        calendar.day_rules.push(rule);
        return Ok(());
    }
    if let Some(day) = text.strip_suffix('w') {
        calendar.day_rules.push(DayRule::Nearest(value(day, &DAY)? as i8));
        return Ok(());
    }
    calendar.days = bits(text, &DAY)? as u32;
    Ok(())
}

fn weekdays(text: &str, calendar: &mut Calendar) -> Result<(), Rejected> {
    if let Some((day, nth)) = text.split_once('#') {
        let nth = number(nth).filter(|nth| (1..=5).contains(nth));
        let nth = nth.ok_or_else(|| rejected(format!("day of week: {text:?}: no such week")))?;
        calendar.weekday_rules.push(DayRule::NthWeekday((value(day, &WEEKDAY)? % 7) as i8, nth as i8));
    } else if let Some(day) = text.strip_suffix('l') {
        calendar.weekday_rules.push(DayRule::LastWeekday((value(day, &WEEKDAY)? % 7) as i8));
    } else {
        calendar.weekdays = super::fields::sunday_is_zero(bits(text, &WEEKDAY)?);
    }
    Ok(())
}
