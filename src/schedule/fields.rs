//! The five fields of a crontab by name, and the reading of an element that several dialects share. What each accepts
//! beyond that its own file says.

use super::Rejected;

/// A field: its bounds, and the names it knows.
pub(super) struct Field {
    pub name: &'static str,
    pub low: u32,
    pub high: u32,
    /// Names in lower case; the first is the lowest number.
    pub names: &'static [&'static str],
}

pub(super) const MONTH_NAMES: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
pub(super) const WEEKDAY_NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

pub(super) const MINUTE: Field = Field { name: "minute", low: 0, high: 59, names: &[] };
pub(super) const HOUR: Field = Field { name: "hour", low: 0, high: 23, names: &[] };
pub(super) const DAY: Field = Field { name: "day of month", low: 1, high: 31, names: &[] };
pub(super) const MONTH: Field = Field { name: "month", low: 1, high: 12, names: &MONTH_NAMES };
pub(super) const WEEKDAY: Field = Field { name: "day of week", low: 0, high: 7, names: &WEEKDAY_NAMES };

/// The keywords of crontab(5) and the fields they stand for.
pub(super) const KEYWORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// The fields that a keyword stands for.
pub(super) fn keyword(text: &str) -> Option<&'static str> {
    KEYWORDS.iter().find(|(keyword, _)| *keyword == text).map(|(_, fields)| *fields)
}

pub(super) fn rejected(reason: impl Into<String>) -> Rejected {
    Rejected { reason: reason.into(), unknown_dialect: false }
}

/// The words of a schedule between blanks.
pub(super) fn split(text: &str) -> Vec<&str> {
    text.split([' ', '\t']).filter(|part| !part.is_empty()).collect()
}

/// Exactly five of them.
pub(super) fn five(text: &str) -> Result<[&str; 5], Rejected> {
    let parts = split(text);
    <[&str; 5]>::try_from(parts.as_slice())
        .map_err(|_| rejected(format!("five fields are needed, not {}", parts.len())))
}

/// A field that was read.
#[derive(Clone, Copy, Default)]
pub(super) struct Set {
    pub bits: u64,
    /// Whether an element of it is `*` alone.
    pub star: bool,
    /// Whether an element of it begins with `*`, with a step or without.
    pub begins_with_star: bool,
}

/// One element of a field: a number, a range, `*` or one of `stars`, each with a step or without; behind a single
/// number a step goes to the end of the field.
pub(super) fn one(text: &str, field: &Field, stars: &[&str], set: &mut Set) -> Result<(), Rejected> {
    let wrong = |why: &str| rejected(format!("{}: {text:?}: {why}", field.name));
    let (range, step) = match text.split_once('/') {
        None => (text, None),
        Some((range, step)) => (range, Some(digits(step).ok_or_else(|| wrong("the step is no number"))?)),
    };
    if step == Some(0) {
        return Err(wrong("a step of 0"));
    }
    let any = range == "*" || stars.contains(&range);
    let (low, high) = match range.split_once('-') {
        _ if any => (field.low, field.high),
        Some((low, high)) => (number(low, field)?, number(high, field)?),
        None => {
            let low = number(range, field)?;
            (low, if step.is_some() { field.high } else { low })
        }
    };
    set.star |= any && step.is_none_or(|step| step == 1);
    set.begins_with_star |= any;
    if low > high {
        return Err(wrong("the range ends before it begins"));
    }
    set.bits |= every(low, high, step.unwrap_or(1));
    Ok(())
}

/// The bits from one number to another, both below 64.
pub(super) fn every(low: u32, high: u32, step: u32) -> u64 {
    let mut bits = 0;
    let mut at = low;
    while at <= high.min(63) {
        bits |= 1 << at;
        at = at.saturating_add(step.max(1));
    }
    bits
}

/// A number of decimal digits; a larger one than any field takes stays larger.
pub(super) fn digits(text: &str) -> Option<u32> {
    let fine = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    fine.then(|| text.parse().unwrap_or(u32::MAX))
}

/// A number within the bounds, or a name in any case.
pub(super) fn number(text: &str, field: &Field) -> Result<u32, Rejected> {
    let lower = text.to_ascii_lowercase();
    if let Some(at) = field.names.iter().position(|name| *name == lower) {
        return Ok(field.low + at as u32);
    }
    let value = digits(text)
        .ok_or_else(|| rejected(format!("{}: {text:?} is neither a number nor a name", field.name)))?;
    if value < field.low || value > field.high {
        return Err(rejected(format!("{}: {value} is not in {}-{}", field.name, field.low, field.high)));
    }
    Ok(value)
}

/// Weekday bits with Sunday at 0 alone, where 7 is Sunday, too.
pub(super) fn sunday_is_zero(bits: u64) -> u8 {
    ((bits & 0x7f) | (bits >> 7 & 1)) as u8
}

/// What is said of two day fields of which either makes a day.
pub(super) const EITHER_DAY: &str = "day of month and day of week are both given: it runs on a day that either of them means, not on those that both mean";

/// What is said of two day fields that must both mean a day, where one begins with a star.
pub(super) const STAR_IS_AND: &str =
    "a day field that starts with * is ANDed with the other, not ORed as two plain ones are";

/// The months by their English names, lower-case.
pub const MONTHS_IN_FULL: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
