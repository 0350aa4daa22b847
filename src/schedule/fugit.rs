//! fugit, which reads the schedules of sidekiq-cron, sidekiq-scheduler, resque-scheduler and rufus-scheduler, and of
//! GitLab: five fields, or six with seconds first, ranges that wrap, days counted from the end, `#`, a zone at the end;
//! lengths of time (`1h30m`), which count from the last start; schedules in words (`every day at noon`). Rules read from
//! Fugit::Cron, Fugit::Duration and Fugit::Nat, and tried on them.

use super::calendar::{Calendar, Combine, DayRule, Fold, Gap};
use super::fields::{DAY, EITHER_DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY, digits, keyword, rejected};
use super::kubernetes::Every;
use super::template::Unsettled;
use super::{Dialect, Rejected, Schedule, fugit_words};

/// fugit.
pub struct Fugit;

const SECOND: Field = Field { name: "second", ..MINUTE };
/// The longest each month can be.
const LONGEST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Dialect for Fugit {
    fn name(&self) -> &'static str {
        "fugit"
    }

    fn title(&self) -> &'static str {
        "sidekiq-cron, rufus-scheduler (fugit): five or six fields, a zone at the end, 1h30m, words"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let text = text.trim();
        let fields = match cron(text) {
            Ok(schedule) => return Ok(schedule),
            Err(rejected) => rejected,
        };
        if let Some(seconds) = duration(text) {
            return Ok(Schedule::new(Every { seconds, text: text.to_owned() }));
        }
        match fugit_words::fields(text) {
            Some(read) => cron(&read?),
            None => Err(fields),
        }
    }
}

/// A length of time (Fugit::Duration): `1y2M3w4d5h6m7s`, `90`, `2 hours`, `1 hour and 5 minutes`.
fn duration(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if let Some(seconds) = digits(rest) {
        return Some(u64::from(seconds)).filter(|seconds| *seconds > 0);
    }
    let mut seconds = 0u64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).filter(|end| *end > 0)?;
        let number = u64::from(digits(&rest[..end])?);
        rest = rest[end..].trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "M" => 30 * 86_400,
            unit => match unit.to_ascii_lowercase().as_str() {
                "y" | "year" | "years" => 365 * 86_400,
                "mon" | "month" | "months" => 30 * 86_400,
                "w" | "week" | "weeks" => 7 * 86_400,
                "d" | "day" | "days" => 86_400,
                "h" | "hour" | "hours" => 3600,
                "m" | "min" | "mins" | "minute" | "minutes" => 60,
                "s" | "sec" | "secs" | "second" | "seconds" => 1,
                _ => return None,
            },
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = rest[end..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest).trim_start();
    }
    Some(seconds).filter(|seconds| *seconds > 0)
}

/// The fields of a crontab, as Fugit::Cron reads them.
pub(super) fn cron(text: &str) -> Result<Schedule, Rejected> {
    let text = text.trim();
    if text == "@reboot" {
        return Ok(Schedule::new(Calendar::of_boot()));
    }
    let (first, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let fields = match first {
        "@noon" => format!("0 12 * * * {rest}"),
        _ if first.starts_with('@') => {
            let fields = keyword(first).ok_or_else(|| rejected(format!("{first}: no such keyword")))?;
            format!("{fields} {rest}")
        }
        _ => text.to_owned(),
    };
    let mut parts: Vec<&str> = fields.split_whitespace().collect();
    let named = parts.last().filter(|_| parts.len() > 5).and_then(|last| {
        let zone_like = last.starts_with(|c: char| c.is_ascii_uppercase()) || last.starts_with(['+', '-']);
        super::zone(last).filter(|_| zone_like).map(|zone| ((*last).to_owned(), zone))
    });
    parts.truncate(parts.len() - usize::from(named.is_some()));
    let (second, five) = match parts.as_slice() {
        [second, five @ ..] if five.len() == 5 => (*second, five),
        five if five.len() == 5 => ("0", five),
        _ => return Err(rejected(format!("five or six fields are needed, not {}", parts.len()))),
    };
    let [minute, hour, day, month, weekday] = [0, 1, 2, 3, 4].map(|at| five[at]);
    if let Some(drawn) = [second, minute, hour, day, month, weekday].iter().find(|it| it.contains(['~', '%']))
    {
        let why = format!("{drawn} is drawn or counted by the scheduler, so no run can be told");
        return Ok(Schedule::new(Unsettled::drawn(text, why)));
    }
    let and = day.ends_with('&') || weekday.ends_with('&');
    let mut calendar = Calendar {
        seconds: bits(second, &SECOND)?,
        minutes: bits(minute, &MINUTE)?,
        hours: hours(hour)?,
        months: bits(month, &MONTH)? as u16,
        gap: Gap::Skipped,
        fold: Fold::NotTwiceInARow,
        zone: named,
        text: [minute, hour, day, month, weekday].map(str::to_owned),
        ..Calendar::default()
    };
    let any_day = days(day.trim_end_matches('&'), &mut calendar)?;
    let any_weekday = weekdays(weekday.trim_end_matches('&'), &mut calendar)?;
    if !any_day {
        leave_out_impossible(&mut calendar)?;
    }
    if !any_day && !any_weekday && !and {
        calendar.combine = Combine::Either;
        calendar.note_misread(EITHER_DAY.to_owned());
    }
    Ok(Schedule::new(calendar))
}

/// Months without any of the days, and days that none of the months has, are left out; where nothing remains, the
/// schedule is refused.
fn leave_out_impossible(calendar: &mut Calendar) -> Result<(), Rejected> {
    if calendar.months == 0b1_1111_1111_1110 || !calendar.day_rules.is_empty() {
        return Ok(());
    }
    let (days, months) = (calendar.days, calendar.months);
    let possible = |month: usize| months & (1 << (month + 1)) != 0;
    let longest = (0..12).filter(|month| possible(*month)).map(|month| LONGEST[month]).max().unwrap_or(0);
    let first = days.trailing_zeros();
    let has_day = |month: &usize| possible(*month) && first <= LONGEST[*month];
    calendar.months = (0..12).filter(has_day).fold(0, |months, month| months | 1 << (month + 1));
    calendar.days = (1..=longest).fold(0, |kept, day| kept | (days & (1 << day)));
    if calendar.months == 0 { Err(rejected("no month has such a day")) } else { Ok(()) }
}

/// An element: its first and last value where it has them, and its step.
fn element(text: &str) -> Result<(&str, Option<&str>, Option<u32>), Rejected> {
    let (range, step) = match text.split_once('/') {
        None => (text, None),
        Some((range, step)) => {
            let step = digits(step).filter(|_| step.len() <= 2).filter(|step| *step > 0);
            (range, Some(step.ok_or_else(|| rejected(format!("{text:?}: the step is no number")))?))
        }
    };
    Ok(match range.split_once('-') {
        Some((low, high)) => (low, Some(high), step),
        None => (range, None, step),
    })
}

/// Commas between elements may be several, and stand at either end.
fn elements(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|element| !element.is_empty())
}

fn value(text: &str, field: &Field) -> Result<u32, Rejected> {
    super::fields::number(text, field)
}

fn bits(text: &str, field: &Field) -> Result<u64, Rejected> {
    let mut set = 0;
    for text in elements(text) {
        let (low, high, step) = element(text)?;
        let (low, high) = match (low, high) {
            ("*" | "", None) => (field.low, field.high),
            (low, None) => {
                let low = value(low, field)?;
                (low, if step.is_some() { field.high } else { low })
            }
            (low, Some(high)) => (value(low, field)?, value(high, field)?),
        };
        set |= wrapped(low, high, step.unwrap_or(1), field);
    }
    if set == 0 { Err(rejected(format!("{}: {text:?} names nothing", field.name))) } else { Ok(set) }
}

/// The values from one to another, over the end of the field where the second is smaller.
fn wrapped(low: u32, high: u32, step: u32, field: &Field) -> u64 {
    let length = field.high - field.low + 1;
    let end = if high < low { high + length } else { high };
    (low..=end).step_by(step as usize).fold(0, |set, at| set | 1 << (field.low + (at - field.low) % length))
}

/// 24 is 0.
fn hours(text: &str) -> Result<u32, Rejected> {
    let mut set = 0u32;
    for text in elements(text) {
        set |= match text {
            "24" => 1,
            text => bits(text, &HOUR)? as u32,
        };
    }
    if set == 0 { Err(rejected("hour: it names nothing")) } else { Ok(set) }
}

/// Whether the field leaves every day open.
fn days(text: &str, calendar: &mut Calendar) -> Result<bool, Rejected> {
    let mut any = false;
    for text in elements(text) {
        let lower = text.to_ascii_lowercase();
        if lower == "l" || lower == "last" {
            calendar.day_rules.push(DayRule::BeforeLast(0));
        } else if let Some(day) = text.strip_prefix('-') {
            let day = digits(day).filter(|day| (1..=31).contains(day));
            let day = day.ok_or_else(|| rejected(format!("day of month: {text:?} is none")))?;
            calendar.day_rules.push(DayRule::BeforeLast(day as i8 - 1));
        } else {
            let set = bits(text, &DAY)?;
            any |= set == 0xffff_fffe;
            calendar.days |= set as u32;
        }
    }
    if calendar.days == 0 && calendar.day_rules.is_empty() {
        return Err(rejected("day of month: it names nothing"));
    }
    Ok(any)
}

/// Whether the field leaves every day open.
fn weekdays(text: &str, calendar: &mut Calendar) -> Result<bool, Rejected> {
    if elements(text).all(|text| text == "*") {
        calendar.weekdays = 0x7f;
        return Ok(true);
    }
    for text in elements(text).filter(|text| *text != "*") {
        if let Some((day, nth)) = text.split_once('#') {
            let day = (value(day, &WEEKDAY)? % 7) as i8;
            let lower = nth.to_ascii_lowercase();
            let rule = match (lower.as_str(), digits(nth)) {
                ("l" | "last" | "-1", _) => DayRule::LastWeekday(day),
                (_, Some(nth @ 1..=5)) => DayRule::NthWeekday(day, nth as i8),
                _ => return Err(rejected(format!("day of week: {text:?}: the week is not read here"))),
            };
            calendar.weekday_rules.push(rule);
            continue;
        }
        let (low, high, step) = element(text)?;
        let any = matches!(low, "*" | "");
        let first = if any { 0 } else { value(low, &WEEKDAY)? };
        let last = match high {
            Some(high) => value(high, &WEEKDAY)?,
            None if any => 6,
            None => first,
        };
        let last = if first > last { last + 7 } else { last };
        for day in (first..=last).step_by(step.unwrap_or(1) as usize) {
            calendar.weekdays |= 1 << (day % 7);
        }
    }
    Ok(false)
}
