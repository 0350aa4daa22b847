//! Jenkins' cron trigger: lines of five fields of numbers, with `H` for a moment that the hash of the job's name
//! picks, `TZ=` in the first line, both day fields ANDed. Rules read from hudson.scheduler (CrontabParser.g4,
//! BaseParser, CronTab, CronTabList). `upstream a, b` is a job that the end of others starts. The hash is not computed: `H` in minute and hour is a window, elsewhere it is
//! a day that nobody can tell from here.

use super::calendar::Calendar;
use super::fields::{DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY, digits, every, rejected, split};
use super::several::Several;
use super::template::Unsettled;
use super::{Clock, Dialect, Meaning, Rejected, Schedule};
use jiff::tz::TimeZone;

/// Jenkins.
pub struct Jenkins;

/// Each field without names, the highest value that `H` picks, and how many seconds a unit is.
const FIELDS: [(Field, u32, u64); 5] = [
    (MINUTE, 59, 60),
    (HOUR, 23, 3600),
    (DAY, 28, 0),
    (Field { names: &[], ..MONTH }, 12, 0),
    (Field { names: &[], ..WEEKDAY }, 6, 0),
];

const ALIASES: [(&str, &str); 7] = [
    ("@yearly", "H H H H *"),
    ("@annually", "H H H H *"),
    ("@monthly", "H H H * *"),
    ("@weekly", "H H * * H"),
    ("@daily", "H H * * *"),
    ("@midnight", "H H(0-2) * * *"),
    ("@hourly", "H * * * *"),
];

/// What is said of two day fields.
const BOTH_DAYS: &str =
    "Jenkins runs it on days that day of month and day of week both mean, where cron takes either";

impl Dialect for Jenkins {
    fn name(&self) -> &'static str {
        "jenkins"
    }

    fn title(&self) -> &'static str {
        "Jenkins: five fields with H, @aliases, TZ= and several lines"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        if let Some(others) = text.trim().strip_prefix("upstream ") {
            return Ok(Schedule::new(Downstream { others: others.trim().to_owned() }));
        }
        let mut zone = None;
        let mut lines = Vec::new();
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if let Some(name) = line.strip_prefix("TZ=").filter(|_| index == 0) {
                let found = super::zone(name).ok_or_else(|| rejected(format!("{name}: no such zone")))?;
                zone = Some((name.to_owned(), found));
            } else if !line.is_empty() && !line.starts_with('#') {
                lines.push(parse_line(line, &zone)?);
            }
        }
        match lines.len() {
            0 => Err(rejected("there is no schedule in it")),
            1 => Ok(lines.remove(0)),
            _ => Ok(Schedule::new(Several::of(lines))),
        }
    }
}

/// A job that the end of others starts (`upstream` of pipelines, the plugin's ReverseBuildTrigger).
#[derive(Debug)]
struct Downstream {
    others: String,
}

impl Meaning for Downstream {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        format!("when {} has run", self.others)
    }

    fn clock(&self) -> Clock {
        Clock::Happening
    }
}

fn parse_line(line: &str, zone: &Option<(String, TimeZone)>) -> Result<Schedule, Rejected> {
    let fields = match line.strip_prefix('@') {
        None => line,
        Some(_) => {
            let found = ALIASES.iter().find(|(alias, _)| *alias == line);
            found.map(|(_, fields)| *fields).ok_or_else(|| rejected(format!("{line}: no such alias")))?
        }
    };
    let parts = split(fields);
    let Ok(parts) = <[&str; 5]>::try_from(parts.as_slice()) else {
        return Err(rejected(format!("five fields are needed, not {}", parts.len())));
    };
    let mut calendar = Calendar { seconds: 1, zone: zone.clone(), ..Calendar::default() };
    let mut sets = [0u64; 5];
    let mut picked = None;
    for ((set, part), (field, last, unit)) in sets.iter_mut().zip(&parts).zip(&FIELDS) {
        let mut spread = 0;
        for element in part.split(',') {
            let width = u64::from(one(element, field, *last, set)?);
            picked = picked.or((width > 0 && *unit == 0).then_some(field.name));
            spread = spread.max(width * unit);
        }
        calendar.spread += spread;
    }
    if let Some(field) = picked {
        let why = format!("{line}: H picks the {field} by the job's name, so no run can be told");
        return Ok(Schedule::new(Unsettled::drawn(line, why)));
    }
    calendar.set_fields(sets);
    calendar.text = parts.map(str::to_owned);
    if parts[2] != "*" && parts[4] != "*" {
        calendar.notes.push(BOTH_DAYS.to_owned());
    }
    Ok(Schedule::new(calendar))
}

/// One element; gives by how much the value that `H` picks may be larger than the one that was set.
fn one(text: &str, field: &Field, last: u32, set: &mut u64) -> Result<u32, Rejected> {
    let wrong = |why: &str| rejected(format!("{}: {text:?}: {why}", field.name));
    let number = |text: &str| {
        let value = digits(text).ok_or_else(|| wrong("a number is missing"))?;
        if value < field.low || value > field.high { Err(wrong("out of range")) } else { Ok(value) }
    };
    let (range, step) = match text.split_once('/') {
        None => (text, None),
        Some((range, step)) => (range, Some(digits(step).ok_or_else(|| wrong("the step is no number"))?)),
    };
    if step == Some(0) {
        return Err(wrong("a step of 0"));
    }
    if let Some(rest) = range.strip_prefix('H') {
        let (low, high) = match rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            None if rest.is_empty() => (field.low, last),
            None => return Err(wrong("something follows H")),
            Some(bounds) => {
                let (low, high) = bounds.split_once('-').ok_or_else(|| wrong("no range behind H"))?;
                (number(low)?, number(high)?)
            }
        };
        let step = step.unwrap_or(1);
        if low > high || step > high - low + 1 {
            return Err(wrong("nothing to pick from"));
        }
        // A step of 1 means one value, like none.
        *set |= if step == 1 { 1 << low } else { every(low, high, step) };
        return Ok(if step == 1 { high - low } else { step - 1 });
    }
    let (low, high) = match range.split_once('-') {
        _ if range == "*" => (field.low, field.high),
        Some((low, high)) => (number(low)?, number(high)?),
        None if step.is_some() => return Err(wrong("a step needs a range or *")),
        None => (number(range)?, number(range)?),
    };
    if low > high {
        return Err(wrong("the range ends before it begins"));
    }
    *set |= every(low, high, step.unwrap_or(1));
    Ok(0)
}
