//! Schedules in words, as Fugit::Nat reads them, turned into the fields of a crontab: `every day at noon`, `every 5
//! minutes`, `every weekday at 9:00 and 17:30 in Europe/Paris`, `every month on the 1st`. Numbers in words beyond
//! twelve, `from … to …` and offsets (`starting at`) are not read here, and neither is what would be several crons.

use super::Rejected;
use super::fields::{MONTH_NAMES, WEEKDAY_NAMES, rejected};
use std::collections::BTreeSet;

/// Longer texts fugit does not look at.
const MAX_INPUT: usize = 256;
const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const HOURS: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];

/// What the words say so far.
#[derive(Default)]
struct Told {
    minute: Option<String>,
    hour: Option<String>,
    second: Option<String>,
    days: Vec<String>,
    months: Option<String>,
    weekdays: Vec<String>,
    /// Hours and minutes that `at` names.
    times: Vec<(u8, u8)>,
    zone: Option<String>,
}

/// The fields that the words mean; `None`: they do not begin as such a schedule does.
pub(super) fn fields(text: &str) -> Option<Result<String, Rejected>> {
    let words = text.trim();
    let begins = words.get(..6).is_some_and(|begin| begin.eq_ignore_ascii_case("every "));
    if !begins || words.len() > MAX_INPUT {
        return None;
    }
    let spaced = words.replace(',', " , ");
    let words: Vec<&str> = spaced.split_whitespace().flat_map(apart).collect();
    Some(read(&words).ok_or_else(|| rejected(format!("{text:?}: these words are not read here"))))
}

/// `3h` as a number and its unit.
fn apart(word: &str) -> Vec<&str> {
    let end = word.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(0);
    match word.split_at(end) {
        (number, unit) if !number.is_empty() && ["h", "m", "s", "d", "M"].contains(&unit) => {
            vec![number, unit]
        }
        _ => vec![word],
    }
}

fn read(words: &[&str]) -> Option<String> {
    let mut told = Told::default();
    let mut at = 0;
    while at < words.len() {
        let lower = words[at].to_ascii_lowercase();
        at = match lower.as_str() {
            "every" => every(words, at + 1, &mut told)?,
            "at" => times(words, at + 1, &mut told)?,
            "on" => on(words, at + 1, &mut told)?,
            "in" => zone(words, at + 1, &mut told)?,
            "," => at + 1,
            _ if is_zone(words[at]) => zone(words, at, &mut told)?,
            _ if told.times.is_empty() => times(words, at, &mut told)?,
            _ => return None,
        };
    }
    told.fields()
}

impl Told {
    fn fields(self) -> Option<String> {
        let dated = !self.days.is_empty() || !self.weekdays.is_empty();
        let (minute, hour) = match (&self.times[..], self.minute, self.hour) {
            ([], Some(minute), None) => (minute, "*".to_owned()),
            ([], None, Some(hour)) => ("0".to_owned(), hour),
            ([], None, None) if dated || self.months.is_some() => ("0".to_owned(), "0".to_owned()),
            ([], None, None) => ("*".to_owned(), "*".to_owned()),
            ([], Some(_), Some(_)) => return None,
            (times, None, None) => {
                let minutes: BTreeSet<u8> = times.iter().map(|(_, minute)| *minute).collect();
                let hours: BTreeSet<u8> = times.iter().map(|(hour, _)| *hour).collect();
                // Each hour with each minute, or it would be several schedules, of which fugit takes the first.
                let all =
                    hours.iter().all(|hour| minutes.iter().all(|minute| times.contains(&(*hour, *minute))));
                if !all {
                    return None;
                }
                let list = |set: &BTreeSet<u8>| set.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
                (list(&minutes), list(&hours))
            }
            _ => return None,
        };
        let month_alone = self.months.is_some() && !dated;
        let join = |list: Vec<String>| if list.is_empty() { "*".to_owned() } else { list.join(",") };
        let days = if month_alone { "1".to_owned() } else { join(self.days) };
        let months = self.months.unwrap_or_else(|| "*".to_owned());
        let mut fields = format!("{minute} {hour} {days} {months} {}", join(self.weekdays));
        if let Some(second) = self.second {
            fields = format!("{second} {fields}");
        }
        if let Some(zone) = self.zone {
            fields = format!("{fields} {zone}");
        }
        Some(fields)
    }
}

fn is_join(word: &str) -> bool {
    word == "," || word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or")
}

/// Behind commas and `and`, where another element follows that `of` reads.
fn list<T>(words: &[&str], start: usize, of: impl Fn(&str) -> Option<T>) -> (Vec<T>, usize) {
    let (mut found, mut at) = (Vec::new(), start);
    loop {
        let Some(element) = words.get(at).and_then(|word| of(word)) else { break };
        found.push(element);
        at += 1;
        let mut next = at;
        while words.get(next).is_some_and(|word| is_join(word)) {
            next += 1;
        }
        if next == at || words.get(next).and_then(|word| of(word)).is_none() {
            break;
        }
        at = next;
    }
    (found, at)
}

fn weekday(word: &str) -> Option<String> {
    let day = |word: &str| {
        let lower = word.to_ascii_lowercase();
        DAYS.iter().zip(WEEKDAY_NAMES).position(|(long, short)| lower == *long || lower == short)
    };
    match word.split_once('-') {
        Some((first, last)) => Some(format!("{}-{}", day(first)?, day(last)?)),
        None => day(word).map(|day| day.to_string()),
    }
}

/// `1st`, `2nd`, `15th`, `first`, `last`.
fn ordinal(word: &str) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    const FIRST: [&str; 10] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    if lower == "last" {
        return Some("L".to_owned());
    }
    if let Some(at) = FIRST.iter().position(|name| *name == lower) {
        return Some((at + 1).to_string());
    }
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|end| lower.strip_suffix(end))?;
    digits.parse::<u8>().ok().filter(|day| (1..=31).contains(day)).map(|day| day.to_string())
}

fn every(words: &[&str], at: usize, told: &mut Told) -> Option<usize> {
    let (ordinals, end) = list(words, at, ordinal);
    let of_month = ["of", "the", "month"].iter().enumerate();
    let follows = of_month.clone().all(|(index, word)| words.get(end + index).is_some_and(|own| own == word));
    if !ordinals.is_empty() && follows {
        // Of several fugit takes the first alone, which nobody means.
        told.days.extend((ordinals.len() == 1).then(|| ordinals[0].clone()));
        return (ordinals.len() == 1).then_some(end + 3);
    }
    let (days, end) = list(words, at, weekday);
    if !days.is_empty() {
        // `every monday to friday`
        if let ([first], Some("to" | "through"), Some(last)) =
            (&days[..], words.get(end).copied(), words.get(end + 1).and_then(|word| weekday(word)))
        {
            told.weekdays.push(format!("{first}-{last}"));
            return Some(end + 2);
        }
        told.weekdays.extend(days);
        return Some(end);
    }
    let count = words.get(at).and_then(|word| word.parse::<u32>().ok());
    let at = at + usize::from(count.is_some());
    let unit = *words.get(at)?;
    let by = match count {
        None | Some(1) => "*".to_owned(),
        Some(count) => format!("*/{count}"),
    };
    match unit {
        "weekday" if count.is_none() => told.weekdays.push("1-5".to_owned()),
        "week" if count.is_none_or(|count| count == 1) => {
            // A day that is named besides holds instead of Sunday.
            let named = words[at..].iter().any(|word| weekday(word).is_some());
            told.weekdays.extend((!named).then(|| "0".to_owned()));
        }
        "year" if count.is_none_or(|count| count == 1) => {
            told.months = Some("1".to_owned());
            told.days.push("1".to_owned());
        }
        "month" | "months" | "M" => told.months = Some(by),
        // A day of every day without a time begins at midnight.
        "day" | "days" | "d" => told.days.push(by),
        "hour" | "hours" | "h" => told.hour = Some(by),
        "minute" | "minutes" | "min" | "m" => told.minute = Some(by),
        "second" | "seconds" | "sec" | "s" => told.second = Some(by),
        _ => return None,
    }
    Some(at + 1)
}

fn on(words: &[&str], at: usize, told: &mut Told) -> Option<usize> {
    let at = match words.get(at)?.to_ascii_lowercase().as_str() {
        "day" | "days" => {
            let (days, end) = list(words, at + 1, |word| {
                word.parse::<u8>().ok().filter(|day| (1..=31).contains(day)).map(|day| day.to_string())
            });
            told.days.extend(days.iter().cloned());
            return (!days.is_empty()).then_some(end);
        }
        "the" => at + 1,
        _ if is_zone(words[at]) => return zone(words, at, told),
        _ => at,
    };
    let (ordinals, end) = list(words, at, ordinal);
    if !ordinals.is_empty() {
        told.days.extend(ordinals);
        return Some(end);
    }
    let (days, end) = list(words, at, weekday);
    told.weekdays.extend(days.iter().cloned());
    (!days.is_empty()).then_some(end)
}

/// A name of a zone: `Europe/Paris`, `UTC`, `+09:00`.
fn is_zone(word: &str) -> bool {
    let month = MONTH_NAMES.iter().any(|name| word.to_ascii_lowercase().starts_with(name));
    let shaped = word.contains('/') || matches!(word, "UTC" | "Z") || word.starts_with(['+', '-']);
    shaped && !month && super::zone(word).is_some()
}

fn zone(words: &[&str], at: usize, told: &mut Told) -> Option<usize> {
    let name = words.get(at).filter(|word| is_zone(word))?;
    told.zone = Some((*name).to_owned());
    Some(at + 1)
}

fn times(words: &[&str], start: usize, told: &mut Told) -> Option<usize> {
    let mut at = start;
    loop {
        let (time, end) = time(words, at)?;
        told.times.push(time);
        at = end;
        let mut next = at;
        while words.get(next).is_some_and(|word| is_join(word)) {
            next += 1;
        }
        if words.get(next).is_some_and(|word| word.eq_ignore_ascii_case("at")) && next > at {
            next += 1;
        }
        if next == at || time_begins(words, next).is_none() {
            return Some(at);
        }
        at = next;
    }
}

fn time_begins(words: &[&str], at: usize) -> Option<()> {
    time(words, at).map(|_| ())
}

/// `noon`, `midnight`, `5`, `5pm`, `5 pm`, `16:30`, `five`.
fn time(words: &[&str], at: usize) -> Option<((u8, u8), usize)> {
    let lower = words.get(at)?.to_ascii_lowercase();
    match lower.as_str() {
        "noon" => return Some(((12, 0), at + 1)),
        "midnight" => return Some(((0, 0), at + 1)),
        _ => {}
    }
    let half_of = |word: &str| match word {
        "am" => Some(0),
        "pm" => Some(12),
        _ => None,
    };
    let joined = ["am", "pm"].iter().find_map(|end| Some((lower.strip_suffix(end)?, half_of(end)?)));
    let (clock, half, end) = match joined {
        Some((clock, half)) => (clock, Some(half), at + 1),
        None => {
            let half = words.get(at + 1).and_then(|word| half_of(&word.to_ascii_lowercase()));
            (lower.as_str(), half, at + 1 + usize::from(half.is_some()))
        }
    };
    let (hour, minute) = clock.split_once(':').unwrap_or((clock, "0"));
    let named = HOURS.iter().position(|name| *name == hour).map(|hour| hour as u8);
    let hour = named.or_else(|| hour.parse().ok()).filter(|hour| *hour <= 24)?;
    let minute: u8 = minute.parse().ok().filter(|minute| *minute <= 59)?;
    let hour = match half {
        Some(0) if hour == 12 => 0,
        Some(12) if hour < 12 => hour + 12,
        _ => hour,
    };
    Some(((hour, minute), end))
}
