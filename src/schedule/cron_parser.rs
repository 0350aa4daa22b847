//! cron-parser of npm (version 4), which node-schedule, Bull, BullMQ and Agenda read their expressions with: up to six
//! fields, seconds first where there are six, `L` and `#`; the two day fields are ORed unless one of them holds every
//! day. Rules read from its expression.js and tried on it. Where hours are given, a local time that the clocks leave out
//! is run as much later as they are put forward, and one that comes twice once; where every hour is meant, it runs by
//! the time that really passes. Whether a field holds everything is told by how many values its elements list, the same
//! one twice counted twice, and a range of weekdays that ends with 7, as one behind a number with a step does, holds
//! Sunday. Every field that is left away is a star, from the left. Version 5 refuses a value that is listed twice, and
//! such a Sunday is none there. Beside fields, `every=60000` is the plain interval of a repeated job, in milliseconds.

use super::calendar::{Calendar, Combine, DayRule, Fold, Gap};
use super::fields::{DAY, EITHER_DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY, digits, rejected};
use super::several::Several;
use super::{Dialect, Rejected, Schedule, interval};

/// cron-parser.
pub struct CronParser;

const SECOND: Field = Field { name: "second", ..MINUTE };
/// The longest each month can be.
const LONGEST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// How many elements of a field are read.
const MAX_ELEMENTS: usize = 1_000;

/// What it knows without fields.
const PREDEFINED: [(&str, &str); 5] = [
    ("@yearly", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl Dialect for CronParser {
    fn name(&self) -> &'static str {
        "cron-parser"
    }

    fn title(&self) -> &'static str {
        "cron-parser (node-schedule, Bull, BullMQ, Agenda): five or six fields, L and #; every=60000"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        // The interval of a repeated job of Bull's and Agenda's.
        if let Some(interval) = interval::every(text) {
            return interval.map(Schedule::new);
        }
        let found = PREDEFINED.iter().find(|(name, _)| *name == text);
        let text = found.map_or(text, |(_, fields)| *fields);
        let parts: Vec<&str> = text.split_whitespace().collect();
        if parts.is_empty() || parts.len() > 6 {
            return Err(rejected(format!("five or six fields are needed, not {}", parts.len())));
        }
        let mut fields = ["0", "*", "*", "*", "*", "*"];
        let first = 6 - parts.len();
        fields[first..].copy_from_slice(&parts);
        let [second, minute, hour, day, month, weekday] = fields;
        let hours = list(hour, &HOUR)?;
        let mut calendar = Calendar {
            seconds: set(&list(second, &SECOND)?),
            minutes: set(&list(minute, &MINUTE)?),
            hours: set(&hours) as u32,
            text: [minute, hour, day, month, weekday].map(str::to_owned),
            ..Calendar::default()
        };
        (calendar.gap, calendar.fold) = match hours.len() {
            24 => (Gap::Skipped, Fold::Both),
            _ => (Gap::Moved, Fold::First),
        };
        let months = list(&named(month, &MONTH)?, &MONTH)?;
        calendar.months = set(&months) as u16;
        let mut days = days(day, &mut calendar)?;
        if let [month] = months[..] {
            let longest = LONGEST[month as usize - 1];
            if days.iter().min().is_some_and(|first| *first > longest) {
                return Err(rejected("its month has no such day"));
            }
            days.retain(|day| *day <= longest);
        }
        calendar.days = set(&days) as u32;
        let every_weekday = weekdays(weekday, &mut calendar)?;
        combine(calendar, days.len(), every_weekday)
    }
}

fn set(list: &[u32]) -> u64 {
    list.iter().fold(0, |set, value| set | 1 << value)
}

/// Names of three letters replaced by their numbers.
fn named(text: &str, field: &Field) -> Result<String, Rejected> {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut rest) = (String::new(), lower.as_str());
    while let Some(start) = rest.find(|c: char| c.is_ascii_lowercase()) {
        let letters = rest[start..].bytes().take_while(u8::is_ascii_lowercase).count();
        // Fewer than three stay, and are no number then; of more than three the rest does.
        let word = &rest[start..start + letters.min(3)];
        out.push_str(&rest[..start]);
        match field.names.iter().position(|name| *name == word) {
            Some(at) => out.push_str(&(field.low as usize + at).to_string()),
            None if letters >= 3 => return Err(rejected(format!("{}: {word:?} is no name", field.name))),
            None => out.push_str(&word.to_ascii_uppercase()),
        }
        rest = &rest[start + word.len()..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The values that the elements of a field list, one after the other.
fn list(text: &str, field: &Field) -> Result<Vec<u32>, Rejected> {
    let mut all = Vec::new();
    for element in text.split(',').take(MAX_ELEMENTS) {
        all.extend(one(element, field)?);
    }
    Ok(all)
}

fn one(element: &str, field: &Field) -> Result<Vec<u32>, Rejected> {
    let wrong = || rejected(format!("{}: {element:?} cannot be read", field.name));
    let whole = element.replace('*', &format!("{}-{}", field.low, field.high));
    let (range, step) = match whole.split_once('/') {
        Some((range, step)) => (range, Some(digits(step).filter(|step| *step > 0).ok_or_else(wrong)?)),
        None => (whole.as_str(), None),
    };
    let number =
        |text: &str| digits(text).filter(|it| (field.low..=field.high).contains(it)).ok_or_else(wrong);
    let of_week = field.high == WEEKDAY.high;
    let (low, high) = match range.split_once('-') {
        Some((low, high)) => (number(low)?, number(high)?),
        None if step.is_some() => (number(range)?, field.high),
        None => return Ok(vec![if of_week { number(range)? % 7 } else { number(range)? }]),
    };
    if low > high {
        return Err(wrong());
    }
    let values = (low..=high).step_by(step.unwrap_or(1) as usize);
    let sunday = of_week && high % 7 == 0 && low > 0;
    Ok(sunday.then_some(0).into_iter().chain(values).collect())
}

/// The days of the month; those told by the month are rules.
fn days(text: &str, calendar: &mut Calendar) -> Result<Vec<u32>, Rejected> {
    let mut all = Vec::new();
    for element in text.replace('?', "*").split(',').take(MAX_ELEMENTS) {
        match element {
            "L" => calendar.day_rules.push(DayRule::BeforeLast(0)),
            element => all.extend(one(element, &DAY)?),
        }
    }
    Ok(all)
}

/// Whether the field holds every weekday, and Sunday under both of its numbers.
fn weekdays(text: &str, calendar: &mut Calendar) -> Result<bool, Rejected> {
    let text = named(&text.replace('?', "*"), &WEEKDAY)?;
    let wrong = || rejected(format!("day of week: {text:?} is no weekday"));
    let digit =
        |text: &str| digits(text).filter(|day| *day <= 7).map(|day| (day % 7) as i8).ok_or_else(wrong);
    if let Some((day, nth)) = text.split_once('#') {
        let nth = digits(nth).filter(|nth| (1..=5).contains(nth)).ok_or_else(wrong)?;
        calendar.weekday_rules.push(DayRule::NthWeekday(digit(day)?, nth as i8));
        return Ok(false);
    }
    let mut all = Vec::new();
    for element in text.split(',').take(MAX_ELEMENTS) {
        match element.strip_suffix('L') {
            Some(day) => calendar.weekday_rules.push(DayRule::LastWeekday(digit(day)?)),
            None => all.extend(one(element, &WEEKDAY)?),
        }
    }
    calendar.weekdays = super::fields::sunday_is_zero(set(&all));
    Ok(all.len() + calendar.weekday_rules.len() == 8)
}

/// How the day fields make a day depends on the month: days as many as it has are every day.
fn combine(calendar: Calendar, listed: usize, every_weekday: bool) -> Result<Schedule, Rejected> {
    if every_weekday {
        return Ok(Schedule::new(Calendar { weekdays: 0x7f, ..calendar }));
    }
    let given = listed + calendar.day_rules.len();
    let months = (1..=12u32).filter(|month| calendar.months & (1 << month) != 0);
    let whole = months.filter(|month| given >= LONGEST[*month as usize - 1] as usize);
    let whole = whole.fold(0u16, |set, month| set | 1 << month);
    let by_week = Calendar { months: whole, days: u32::MAX, ..calendar.clone() };
    if whole == calendar.months {
        return Ok(Schedule::new(by_week));
    }
    if calendar.weekday_rules.iter().any(|rule| matches!(rule, DayRule::NthWeekday(..))) {
        return Err(rejected("# beside a day of the month is not read here"));
    }
    let mut either = Calendar { months: calendar.months & !whole, combine: Combine::Either, ..calendar };
    either.note_misread(EITHER_DAY.to_owned());
    if whole == 0 {
        return Ok(Schedule::new(either));
    }
    Ok(Schedule::new(Several::of(vec![Schedule::new(by_week), Schedule::new(either)])))
}
