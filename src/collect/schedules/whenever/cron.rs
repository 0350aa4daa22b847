//! What whenever makes of `every` and `at`: the five fields of a crontab line (its lib/whenever/cron.rs and
//! job_list.rb, version 1.0, followed step by step, its oddities included). It evaluates no schedule.

use super::clock::{At, parse_at};
use regex::Regex;
use std::sync::LazyLock;

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const KEYWORDS: [&str; 8] =
    ["reboot", "yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"];
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 31_557_600;

/// How often, as `every` is given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Often {
    /// So many seconds (`1.day`).
    Seconds(u64),
    /// A word, or the fields of a crontab.
    Word(String),
}

/// Schedule text that whenever gives to cron as it is.
static RAW: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?im)^(@(reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)|((\*?[\d/,\-]*)\s){3}(\*?([\d/,\-]|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))*\s)(\*?([\d/,\-]|(sun|mon|tue|wed|thu|fri|sat))*))$",
    )
    .expect("the pattern is valid")
});

/// So many of a unit in seconds, as whenever's NumericSeconds counts them.
pub(super) fn seconds(number: u64, unit: &str) -> Option<u64> {
    let unit = match unit.trim_end_matches('s') {
        "" | "second" => 1,
        "minute" => MINUTE,
        "hour" => HOUR,
        "day" => DAY,
        "week" => 7 * DAY,
        "fortnight" => 14 * DAY,
        "month" => MONTH,
        "year" => YEAR,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// The single times of a word: a crontab's fields are one, other words may be several with commas between.
pub(super) fn each(word: &str) -> Vec<Often> {
    if RAW.is_match(word) {
        return vec![Often::Word(word.to_owned())];
    }
    word.split(',').map(|word| Often::Word(word.to_owned())).collect()
}

/// The times that `at` is given as text.
pub(super) fn each_at(text: &str) -> Result<Vec<At>, String> {
    text.split(',').map(parse_at).collect()
}

/// The schedule: a keyword with its sign, or five fields.
pub(super) fn schedule(often: &Often, at: &At) -> Result<String, String> {
    match often {
        Often::Seconds(seconds) => by_seconds(*seconds, at),
        Often::Word(word) if RAW.is_match(word) => Ok(word.clone()),
        Often::Word(word) if KEYWORDS.contains(&word.as_str()) => match at {
            At::Time { .. } => Err("whenever takes no :at with a keyword of cron".to_owned()),
            At::Number(number) if *number > 0 => {
                Err("whenever takes no :at with a keyword of cron".to_owned())
            }
            _ => Ok(format!("@{word}")),
        },
        Often::Word(word) => match word.as_str() {
            "year" | "day" | "month" | "week" | "hour" | "minute" => {
                by_seconds(seconds(1, word).unwrap_or(0), at)
            }
            _ => by_day(word, at),
        },
    }
}

/// A day of the week, by the first name that is anywhere in the word.
fn by_day(word: &str, at: &At) -> Result<String, String> {
    let (minute, hour) = match at {
        At::Time { minute, hour, .. } => (*minute, *hour),
        _ => (0, 0),
    };
    let lower = word.to_lowercase();
    let day = if lower.contains("weekday") {
        "1-5".to_owned()
    } else if lower.contains("weekend") {
        "6,0".to_owned()
    } else {
        let day = DAYS.iter().position(|day| lower.contains(day));
        day.ok_or_else(|| format!("whenever knows no {word:?}"))?.to_string()
    };
    Ok(format!("{minute} {hour} * * {day}"))
}

fn by_seconds(seconds: u64, at: &At) -> Result<String, String> {
    let any = || "*".to_owned();
    let time = |of: fn(u8, u8) -> u8| match at {
        At::Time { hour, minute, .. } => Some(of(*hour, *minute).to_string()),
        _ => None,
    };
    let minute = || time(|_, minute| minute);
    let hour = || time(|hour, _| hour);
    let date = match at {
        At::Time { date, .. } => Some(date.unwrap_or((1, 1))),
        _ => None,
    };
    let zero = || "0".to_owned();
    let fields = match seconds {
        ..MINUTE => return Err("whenever takes no less than a minute".to_owned()),
        MINUTE..HOUR => {
            let start = match at {
                At::Number(number) => *number,
                // Where all minutes are meant, or one, it never comes to look at the time.
                At::Time { .. } if seconds / MINUTE == 1 || seconds / MINUTE > 30 => 0,
                At::Time { .. } => return Err("whenever takes no clock time within an hour".to_owned()),
            };
            [list(seconds / MINUTE, 59, start), any(), any(), any(), any()]
        }
        HOUR..DAY => {
            let minute = minute().map_or_else(|| bounded(at, 0, 59), Ok)?;
            [minute, list(seconds / HOUR, 23, 0), any(), any(), any()]
        }
        DAY..MONTH => {
            let hour = hour().map_or_else(|| bounded(at, 0, 23), Ok)?;
            [minute().unwrap_or_else(zero), hour, list(seconds / DAY, 31, 1), any(), any()]
        }
        MONTH..YEAR => {
            let day = match (date, at) {
                (Some((_, day)), _) => day.to_string(),
                (None, At::Number(0)) => "1".to_owned(),
                (None, _) => bounded(at, 1, 31)?,
            };
            let (minute, hour) = (minute().unwrap_or_else(zero), hour().unwrap_or_else(zero));
            [minute, hour, day, list(seconds / MONTH, 12, 1), any()]
        }
        YEAR => {
            let (month, day) = match (date, at) {
                (Some((month, day)), _) => (month.to_string(), day.to_string()),
                (None, At::Number(0)) => ("1".to_owned(), "1".to_owned()),
                (None, _) => (bounded(at, 1, 12)?, "1".to_owned()),
            };
            [minute().unwrap_or_else(zero), hour().unwrap_or_else(zero), day, month, any()]
        }
        _ => return Err("whenever takes no more than a year".to_owned()),
    };
    Ok(fields.join(" "))
}

/// A number within bounds.
fn bounded(at: &At, low: i64, high: i64) -> Result<String, String> {
    let within = |number: i64| (low..=high).contains(&number);
    match at {
        At::Number(number) if within(*number) => Ok(number.to_string()),
        _ => Err(format!("whenever takes :at here from {low} to {high}")),
    }
}

/// The values of a field that comes round every so many of it (`comma_separated_timing`).
fn list(frequency: u64, most: i64, start: i64) -> String {
    let frequency = i64::try_from(frequency).unwrap_or(i64::MAX);
    match frequency {
        0 => return start.to_string(),
        1 => return "*".to_owned(),
        _ if frequency > (most + 1) / 2 => return frequency.to_string(),
        _ => {}
    }
    let first = if (most + 1) % frequency == 0 || start > 0 { start } else { start + frequency };
    // Rounded half up, as Ruby rounds.
    let mut occurrences = (2 * most + frequency) / (2 * frequency);
    occurrences += i64::from(start == 0);
    let values = (first..=most).step_by(frequency as usize).take(occurrences.max(0) as usize);
    values.map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

/// One line of the crontab: five fields, and whatever comes behind.
#[derive(Debug, Clone)]
pub(super) struct Entry<T> {
    /// Minute, hour, day of month, month, day of week.
    pub fields: [String; 5],
    /// What it runs, to be compared.
    pub task: String,
    /// What else belongs to it.
    pub of: T,
}

/// Puts entries together that differ in one field only, as whenever does within one `every`.
pub(super) fn combine<T>(entries: &mut Vec<Entry<T>>) {
    for field in 0..5 {
        let mut at = entries.len();
        while at > 1 {
            at -= 1;
            if entries[at].fields[field] == "*" {
                continue;
            }
            let same = |one: &Entry<T>, other: &Entry<T>| {
                let others = (0..5).filter(|index| *index != field);
                one.task == other.task
                    && others.into_iter().all(|index| one.fields[index] == other.fields[index])
            };
            let found = (0..at).rev().find(|before| {
                entries[*before].fields[field] != "*" && same(&entries[at], &entries[*before])
            });
            if let Some(before) = found {
                let gone = entries.remove(at);
                let joined = format!("{},{}", entries[before].fields[field], gone.fields[field]);
                entries[before].fields[field] = joined;
            }
        }
    }
}
