//! node-cron (npm, version 4): five fields, or six with seconds first, ranges that wrap, `L`, `W` and `#` in the day
//! fields, which are ANDed. Rules read from its converters, validators and matcher-walker, and tried on it. A local time
//! that the clocks leave out is left out. Of one that comes twice it takes what Date.UTC's guess gives: west of
//! Greenwich the first, east the second, and pauses for the hour; version 3 with a zone takes the first, and without
//! one both.

use super::calendar::{Calendar, DayRule, Fold, Gap};
use super::fields::{
    DAY, Field, HOUR, KEYWORDS, MINUTE, MONTH, MONTH_NAMES, MONTHS_IN_FULL, WEEKDAY, WEEKDAY_NAMES, digits,
    rejected,
};
use super::{Dialect, Rejected, Schedule};

/// node-cron.
pub struct NodeCron;

const SECOND: Field = Field { name: "second", ..MINUTE };
/// Long names, which are read before the short ones they begin with.
const LONG_DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

impl Dialect for NodeCron {
    fn name(&self) -> &'static str {
        "node-cron"
    }

    fn title(&self) -> &'static str {
        "node-cron 4: five or six fields, both day fields must hold, L, W and #"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let lower = text.trim().to_ascii_lowercase();
        let found = KEYWORDS.iter().find(|(name, _)| *name == lower);
        let text = found.map_or(text, |(_, fields)| *fields);
        if text.bytes().any(|byte| !(byte.is_ascii_alphanumeric() || b"-*/,#? \t".contains(&byte))) {
            return Err(rejected("a sign that no schedule has"));
        }
        let mut parts: Vec<&str> = text.split_whitespace().collect();
        if parts.len() == 5 {
            parts.insert(0, "0");
        }
        let Ok([second, minute, hour, day, month, weekday]) = <[&str; 6]>::try_from(parts.as_slice()) else {
            return Err(rejected(format!("five or six fields are needed, not {}", parts.len())));
        };
        let month = named(&named(month, &MONTHS_IN_FULL, 1), &MONTH_NAMES, 1);
        let weekday = named(&named(weekday, &LONG_DAYS, 0), &WEEKDAY_NAMES, 0);
        let mut calendar = Calendar {
            seconds: bits(second, &SECOND, 59)?,
            minutes: bits(minute, &MINUTE, 59)?,
            hours: bits(hour, &HOUR, 23)? as u32,
            months: bits(&month, &MONTH, 12)? as u16,
            gap: Gap::Skipped,
            fold: Fold::AsUtc,
            text: [minute, hour, day, &month, &weekday].map(str::to_owned),
            ..Calendar::default()
        };
        days(day, &mut calendar)?;
        weekdays(&weekday, &mut calendar)?;
        if calendar.day_rules.is_empty() && !can_be(&calendar) {
            return Err(rejected("none of its months has such a day"));
        }
        let restricted = |text: &str| !matches!(text, "*" | "?");
        if restricted(day) && restricted(&weekday) {
            calendar.note_misread(
                "day of month and day of week are both given: it runs only on days that both of them mean"
                    .to_owned(),
            );
        }
        Ok(Schedule::new(calendar))
    }
}

/// Names replaced by their numbers wherever they stand.
fn named(text: &str, names: &[&str], first: usize) -> String {
    let text = text.to_ascii_lowercase();
    names.iter().enumerate().fold(text, |text, (at, name)| text.replace(name, &(first + at).to_string()))
}

/// A field of numbers and ranges; `end` is where a range that wraps begins again.
fn bits(text: &str, field: &Field, end: u32) -> Result<u64, Rejected> {
    text.split(',').try_fold(0, |set, element| Ok(set | one(element, field, end)?))
}

fn one(element: &str, field: &Field, end: u32) -> Result<u64, Rejected> {
    let wrong = || rejected(format!("{}: {element:?} is not in {}-{}", field.name, field.low, field.high));
    // A star is a range like any other.
    let whole = element.replacen('*', &format!("{}-{end}", field.low), 1);
    let number =
        |text: &str| digits(text).filter(|it| (field.low..=field.high).contains(it)).ok_or_else(wrong);
    let (range, step) = match whole.split_once('/') {
        Some((range, step)) => (range, digits(step).filter(|step| *step > 0).ok_or_else(wrong)?),
        None => (whole.as_str(), 1),
    };
    let Some((low, high)) = range.split_once('-') else {
        // A step behind a single number is none of its ranges.
        return if whole.contains('/') { Err(wrong()) } else { Ok(1 << number(range)?) };
    };
    let (low, high) = (digits(low).ok_or_else(wrong)?, digits(high).ok_or_else(wrong)?);
    let mut set = 0u64;
    if low <= high {
        let mut at = low;
        while at <= high {
            if !(field.low..=field.high).contains(&at) {
                return Err(wrong());
            }
            set |= 1 << at;
            at = at.saturating_add(step);
        }
        return Ok(set);
    }
    let size = end - field.low + 1;
    if low > field.high || high > field.high {
        return Err(wrong());
    }
    let span = (i64::from(high) - i64::from(low)).rem_euclid(i64::from(size)) as u32;
    for offset in (0..=span).step_by(step as usize) {
        let at = if low + offset > end { low + offset - size } else { low + offset };
        if !(field.low..=field.high).contains(&at) {
            return Err(wrong());
        }
        set |= 1 << at;
    }
    Ok(set)
}

fn days(text: &str, calendar: &mut Calendar) -> Result<(), Rejected> {
    let text = if text == "?" { "*" } else { text };
    let wrong = || rejected(format!("day of month: {text:?} is no day"));
    for element in text.split(',') {
        let upper = element.to_ascii_uppercase();
        let short = |text: &str| digits(text).filter(|_| text.len() <= 2);
        let rule = match (upper.as_str(), upper.strip_suffix('W'), upper.strip_prefix("L-")) {
            ("L", _, _) => DayRule::BeforeLast(0),
            ("LW", _, _) => DayRule::LastWorkday,
            (_, Some(day), _) => {
                DayRule::Nearest(short(day).filter(|day| (1..=31).contains(day)).ok_or_else(wrong)? as i8)
            }
            (_, _, Some(before)) => {
                DayRule::BeforeLast(short(before).filter(|it| (1..=30).contains(it)).ok_or_else(wrong)? as i8)
            }
            _ => {
                calendar.days |= one(element, &DAY, 31)? as u32;
                continue;
            }
        };
        calendar.day_rules.push(rule);
    }
    Ok(())
}

fn weekdays(text: &str, calendar: &mut Calendar) -> Result<(), Rejected> {
    let text = if text == "?" { "*" } else { text };
    let wrong = || rejected(format!("day of week: {text:?} is no weekday"));
    let digit =
        |text: &str| digits(text).filter(|day| text.len() == 1 && *day <= 7).map(|day| (day % 7) as i8);
    for element in text.split(',') {
        if let Some(day) = element.strip_suffix(['l', 'L']) {
            calendar.weekday_rules.push(DayRule::LastWeekday(digit(day).ok_or_else(wrong)?));
        } else if let Some((day, nth)) = element.split_once('#') {
            let nth = digits(nth).filter(|it| nth.len() == 1 && (1..=5).contains(it)).ok_or_else(wrong)?;
            calendar.weekday_rules.push(DayRule::NthWeekday(digit(day).ok_or_else(wrong)?, nth as i8));
        } else {
            let set = one(element, &WEEKDAY, 6)?;
            calendar.weekdays |= super::fields::sunday_is_zero(set);
        }
    }
    Ok(())
}

/// Whether one of its months is long enough for one of its days.
fn can_be(calendar: &Calendar) -> bool {
    const LONGEST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    (1..=12u32).any(|month| {
        let first = calendar.days.trailing_zeros();
        calendar.months & (1 << month) != 0 && first <= LONGEST[month as usize - 1]
    })
}
