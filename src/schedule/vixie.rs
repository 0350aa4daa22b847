//! Debian's cron (3.0pl1), exactly: what it accepts, what it ignores, and when jobs run around a
//! daylight-saving change. Rules read from crontab(5), cron(8) and the program's entry.c and cron.c; the
//! evaluator is day-wise, so one schedule costs microseconds. It never repairs what cron would reject.

use super::{Clock, Dialect, HORIZON_DAYS, Meaning, Rejected, Schedule};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};

/// Debian's cron.
pub struct Vixie;

/// Five fields as bit sets, with the flags that decide how they combine.
#[derive(Debug, Clone, Default)]
struct Calendar {
    minutes: u64,
    hours: u32,
    days: u32,
    months: u16,
    weekdays: u8,
    day_star: bool,
    weekday_star: bool,
    wildcard: bool,
    at_boot: bool,
    notes: Vec<String>,
    text: [String; 5],
}

struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 8] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const WEEKDAY_WORDS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day of month", low: 1, high: 31, names: &[] },
    Field { name: "month", low: 1, high: 12, names: &MONTHS },
    Field { name: "day of week", low: 0, high: 7, names: &WEEKDAYS },
];

const KEYWORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

fn rejected(reason: impl Into<String>) -> Rejected {
    Rejected { reason: reason.into(), unknown_dialect: false }
}

impl Dialect for Vixie {
    fn name(&self) -> &'static str {
        "vixie"
    }

    fn title(&self) -> &'static str {
        "Debian cron: five fields and @keywords"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let text = text.trim_matches([' ', '\t']);
        if text == "@reboot" {
            let calendar = Calendar { at_boot: true, ..Calendar::default() };
            return Ok(Schedule::new(calendar));
        }
        let expanded = match text.strip_prefix('@') {
            None => text,
            Some(_) => {
                KEYWORDS.iter().find(|(keyword, _)| *keyword == text).map(|(_, fields)| *fields).ok_or_else(
                    || rejected(format!("{text}: not a keyword cron knows (they are lower-case)")),
                )?
            }
        };
        let parts: Vec<&str> = expanded.split([' ', '\t']).filter(|part| !part.is_empty()).collect();
        if parts.len() != 5 {
            return Err(rejected(format!("five fields are needed, not {}", parts.len())));
        }
        let mut calendar = Calendar::default();
        let mut sets = [0u64; 5];
        for ((set, part), field) in sets.iter_mut().zip(&parts).zip(&FIELDS) {
            *set = parse_field(part, field, &mut calendar.notes)?;
        }
        // cron rejects a table line only where get_list fails; Sunday is both 0 and 7.
        if sets[4] & 0b1000_0001 != 0 {
            sets[4] |= 0b1000_0001;
        }
        calendar.minutes = sets[0];
        calendar.hours = sets[1] as u32;
        calendar.days = sets[2] as u32;
        calendar.months = sets[3] as u16;
        calendar.weekdays = (sets[4] & 0x7f) as u8;
        calendar.day_star = parts[2].starts_with('*');
        calendar.weekday_star = parts[4].starts_with('*');
        calendar.wildcard = parts[0].starts_with('*') || parts[1].starts_with('*');
        let stepped = |part: &str| part.starts_with("*/");
        if (stepped(parts[2]) && !calendar.weekday_star) || (stepped(parts[4]) && !calendar.day_star) {
            calendar
                .notes
                .push("a day field that starts with * is ANDed with the other, not ORed".to_owned());
        }
        calendar.text = [parts[0], parts[1], parts[2], parts[3], parts[4]].map(str::to_owned);
        Ok(Schedule::new(calendar))
    }
}

/// A number, or a name of exactly three letters in any case, as get_number takes them: letters and digits
/// are gathered, and whatever follows them is left.
fn number<'a>(text: &'a str, field: &Field) -> Result<(u32, &'a str), Rejected> {
    let end = text.bytes().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    if word.is_empty() {
        return Err(rejected(format!("{}: a number is missing", field.name)));
    }
    if word.bytes().all(|b| b.is_ascii_digit()) {
        let value = word.parse().map_err(|_| rejected(format!("{}: {word} is too large", field.name)))?;
        return Ok((value, rest));
    }
    let lower = word.to_ascii_lowercase();
    match field.names.iter().position(|name| *name == lower) {
        Some(index) => Ok((index as u32 + if field.high == 12 { 1 } else { 0 }, rest)),
        None => Err(rejected(format!("{}: {word} is neither a number nor a name", field.name))),
    }
}

/// One comma-separated field. Cron reads an element as far as it understands it and ignores the rest of the
/// field up to the next comma or blank.
fn parse_field(text: &str, field: &Field, notes: &mut Vec<String>) -> Result<u64, Rejected> {
    let mut set = 0u64;
    let mut rest = text;
    loop {
        rest = parse_element(rest, field, &mut set)?;
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => break,
        }
    }
    if !rest.is_empty() {
        notes.push(format!("{}: cron ignores the tail {rest:?}", field.name));
    }
    if set == 0 {
        notes.push(format!("{}: {text:?} selects nothing, so the job never runs", field.name));
    }
    Ok(set)
}

fn parse_element<'a>(text: &'a str, field: &Field, set: &mut u64) -> Result<&'a str, Rejected> {
    let (low, high, mut rest) = if let Some(after) = text.strip_prefix('*') {
        (field.low, field.high, after)
    } else {
        let (low, after) = number(text, field)?;
        match after.strip_prefix('-') {
            None => {
                // A single number: no step may follow; any other character ends the field.
                if after.starts_with('/') {
                    return Err(rejected(format!("{}: a step needs a range or *", field.name)));
                }
                set_bit(low, field, set)?;
                return Ok(after);
            }
            Some(after) => {
                let (high, after) = number(after, field)?;
                if high > field.high {
                    return Err(rejected(format!(
                        "{}: {high} is not in {}-{}",
                        field.name, field.low, field.high
                    )));
                }
                (low, high, after)
            }
        }
    };
    let mut step = 1;
    if let Some(after) = rest.strip_prefix('/') {
        let (value, after) = number(after, &Field { names: &[], ..*field })?;
        if value == 0 {
            return Err(rejected(format!("{}: a step of 0", field.name)));
        }
        (step, rest) = (value, after);
    }
    let mut value = low;
    while value <= high {
        set_bit(value, field, set)?;
        value = value.saturating_add(step);
    }
    Ok(rest)
}

fn set_bit(value: u32, field: &Field, set: &mut u64) -> Result<(), Rejected> {
    if value < field.low || value > field.high {
        return Err(rejected(format!("{}: {value} is not in {}-{}", field.name, field.low, field.high)));
    }
    *set |= 1 << value;
    Ok(())
}

impl Calendar {
    fn day_matches(&self, date: jiff::civil::Date) -> bool {
        let month = self.months & (1 << date.month()) != 0;
        let day = self.days & (1 << date.day()) != 0;
        let weekday = self.weekdays & (1 << date.weekday().to_sunday_zero_offset()) != 0;
        let days = if self.day_star || self.weekday_star { day && weekday } else { day || weekday };
        month && days
    }

    /// The UTC seconds of all runs on a local day, ascending.
    fn runs_on(&self, date: jiff::civil::Date, zone: &TimeZone) -> Vec<i64> {
        let mut runs = Vec::new();
        for hour in (0..24).filter(|hour| self.hours & (1 << hour) != 0) {
            for minute in (0..60).filter(|minute| self.minutes & (1 << minute) != 0) {
                self.add_runs(date.at(hour, minute, 0, 0), zone, &mut runs);
            }
        }
        runs.sort_unstable();
        runs.dedup();
        runs
    }

    fn add_runs(&self, local: DateTime, zone: &TimeZone, runs: &mut Vec<i64>) {
        let ambiguous = zone.to_ambiguous_timestamp(local);
        let at = |offset: jiff::tz::Offset| offset.to_timestamp(local).ok().map(|time| time.as_second());
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => runs.extend(at(offset)),
            // Wildcard jobs follow real time: skipped minutes are not made up for. Fixed jobs run at once
            // when the clock has jumped over them: at the first minute that exists again.
            AmbiguousOffset::Gap { after, .. } if !self.wildcard => {
                runs.extend(at(after).and_then(|inside| next_transition(zone, inside)));
            }
            AmbiguousOffset::Gap { .. } => {}
            // In the repeated time wildcard jobs run on every real minute, fixed jobs only the first time.
            AmbiguousOffset::Fold { before, after } => {
                runs.extend(at(before));
                if self.wildcard {
                    runs.extend(at(after));
                }
            }
        }
    }

    fn time_words(&self, minute: &str, hour: &str) -> String {
        let bits = |set: u64| (0..64).filter(move |bit| set & (1 << bit) != 0).collect::<Vec<u32>>();
        let (minutes, hours) = (bits(self.minutes), bits(u64::from(self.hours)));
        match (minute.strip_prefix("*/"), minute, hour) {
            (_, "*", "*") => "every minute".to_owned(),
            (Some(step), _, "*") => format!("every {step} minutes"),
            (_, _, "*") => {
                let list: Vec<String> = minutes.iter().map(|m| format!(":{m:02}")).collect();
                format!("every hour at {}", list.join(", "))
            }
            _ if minutes.len() * hours.len() <= 6 => {
                let times: Vec<String> = hours
                    .iter()
                    .flat_map(|h| minutes.iter().map(move |m| format!("{h:02}:{m:02}")))
                    .collect();
                format!("at {}", times.join(", "))
            }
            _ => format!("at minute {minute} of hour {hour}"),
        }
    }

    fn weekday_words(&self) -> String {
        let days: Vec<usize> = (0..7).filter(|day| self.weekdays & (1 << day) != 0).collect();
        let run = days.len() > 2 && days.windows(2).all(|pair| pair[1] == pair[0] + 1);
        match (&days[..], run) {
            ([first, .., last], true) => format!("{} to {}", WEEKDAY_WORDS[*first], WEEKDAY_WORDS[*last]),
            _ => days.iter().map(|day| WEEKDAY_WORDS[*day]).collect::<Vec<_>>().join(", "),
        }
    }
}

impl Meaning for Calendar {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        let start = Timestamp::from_second(from).ok().map(|time| zone.to_datetime(time).date());
        // One day earlier, because a job skipped by a change at midnight runs on the next local day.
        let first = start.and_then(|date| date.checked_sub(Span::new().days(1)).ok());
        let empty = self.at_boot || self.minutes == 0 || self.hours == 0 || self.months == 0;
        let empty = empty || (self.days == 0 && self.weekdays == 0);
        let days = first.filter(|_| !empty).into_iter().flat_map(|date| date.series(Span::new().days(1)));
        let mut last = from;
        let mut idle = 0;
        let runs = days
            .map_while(move |date| {
                idle += 1;
                if idle > HORIZON_DAYS {
                    return None;
                }
                let runs = if self.day_matches(date) { self.runs_on(date, zone) } else { Vec::new() };
                if !runs.is_empty() {
                    idle = 0;
                }
                Some(runs)
            })
            .flatten()
            .filter(move |run| {
                let later = *run > last;
                last = last.max(*run);
                later
            });
        Box::new(runs)
    }

    fn words(&self) -> String {
        if self.at_boot {
            return "at boot".to_owned();
        }
        let [minute, hour, day, month, weekday] = &self.text;
        let time = self.time_words(minute, hour);
        let mut when = Vec::new();
        match (day.as_str(), weekday.as_str()) {
            ("*", "*") => {}
            (_, "*") => when.push(format!("on day {day} of the month")),
            ("*", _) => when.push(self.weekday_words()),
            (_, _) if self.day_star || self.weekday_star => {
                when.push(format!("on day {day} of the month if it is {}", self.weekday_words()));
            }
            (_, _) => when.push(format!("on day {day} of the month and {}", self.weekday_words())),
        }
        if month != "*" {
            when.push(format!("in month {month}"));
        }
        if when.is_empty() && time.starts_with("at ") {
            return format!("{time} every day");
        }
        std::iter::once(time).chain(when).collect::<Vec<_>>().join(", ")
    }

    fn clock(&self) -> Clock {
        if self.at_boot { Clock::Boot } else { Clock::Calendar }
    }

    fn follows_real_time(&self) -> bool {
        self.wildcard
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// The moment of the change whose gap holds a local time; `inside` is that time read with the offset after
/// the change, which lies before the change itself.
fn next_transition(zone: &TimeZone, inside: i64) -> Option<i64> {
    let before = Timestamp::from_second(inside.checked_sub(1)?).ok()?;
    zone.following(before).next().map(|change| change.timestamp().as_second())
}
