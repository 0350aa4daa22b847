//! Oracle's DBMS_SCHEDULER and DBMS_JOB: the calendaring syntax of a repeat interval (`FREQ=DAILY;BYHOUR=2`), with the
//! start date it takes what is missing from in front (`start_date=2026-01-01 02:30:00;FREQ=DAILY`), and dates that PL/SQL
//! computes (`TRUNC(SYSDATE)+1+2/24`). Rules read from "Calendaring Syntax" in the PL/SQL Packages and Types Reference and
//! from the Administrator's Guide: frequencies below a day follow real time; others follow the clock, and what a clock
//! that is put forward leaves out comes at its end. What the documentation leaves open is told as unsettled.

mod plsql;
mod rule;
mod slots;

use super::days::{Drifting, Once};
use super::fields::{MONTH_NAMES, rejected};
use super::template::Unsettled;
use super::{Dialect, Rejected, Schedule};
use jiff::civil::DateTime;
use rule::{Freq, Rule};

/// DBMS_SCHEDULER and DBMS_JOB.
pub struct Oracle;

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Dialect for Oracle {
    fn name(&self) -> &'static str {
        "dbms-scheduler"
    }

    fn title(&self) -> &'static str {
        "Oracle: FREQ=DAILY;BYHOUR=2, start_date=…;FREQ=…, TRUNC(SYSDATE)+1+2/24"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let (mut start, mut last) = (None, None);
        let mut rest = text.trim();
        while let Some((name, value, after)) = leading(rest) {
            let moment = moment(value).ok_or_else(|| rejected(format!("{name}: {value:?} is no moment")))?;
            *if name.starts_with(['s', 'S']) { &mut start } else { &mut last } = Some(moment);
            rest = after;
        }
        if rest.is_empty() {
            let once = start.ok_or_else(|| rejected("it is empty"))?;
            return Ok(Schedule::new(Once(once)));
        }
        let lower = rest.to_ascii_lowercase();
        match lower.trim_start().strip_prefix("freq").map(str::trim_start) {
            Some(after) if after.starts_with('=') => calendar(rest, &lower, start, last),
            _ => plsql::read(rest),
        }
    }
}

/// `start_date=…;` and `end_date=…;` in front of the rest.
fn leading(text: &str) -> Option<(&str, &str, &str)> {
    let (first, rest) = text.split_once(';').unwrap_or((text, ""));
    let (name, value) = first.split_once('=')?;
    let fits = ["start_date", "end_date"].iter().any(|known| name.trim().eq_ignore_ascii_case(known));
    fits.then_some((name.trim(), value.trim(), rest.trim()))
}

fn moment(text: &str) -> Option<DateTime> {
    let text = text.trim().replacen(' ', "T", 1);
    text.parse::<DateTime>()
        .ok()
        .or_else(|| text.parse::<jiff::civil::Date>().ok().map(|date| date.at(0, 0, 0, 0)))
}

/// Reads the clauses and settles what is missing.
fn calendar(
    text: &str,
    lower: &str,
    start: Option<DateTime>,
    last: Option<DateTime>,
) -> Result<Schedule, Rejected> {
    let mut rule: Option<Rule> = None;
    let mut seen: Vec<&str> = Vec::new();
    for clause in lower.split(';').map(str::trim).filter(|clause| !clause.is_empty()) {
        let (name, value) =
            clause.split_once('=').ok_or_else(|| rejected(format!("{clause:?} is no clause name=value")))?;
        let (name, value) = (name.trim(), value.trim());
        if seen.contains(&name) {
            return Err(rejected(format!("{name} is given twice")));
        }
        seen.push(name);
        let Some(rule) = rule.as_mut() else {
            match Freq::of(value) {
                Some(freq) => rule = Some(Rule::new(freq)),
                None => return Ok(unsettled(text, format!("{value} is a frequency or schedule of its own"))),
            }
            continue;
        };
        if matches!(name, "include" | "exclude" | "intersect" | "periods" | "byperiod") {
            return Ok(unsettled(text, format!("{name} names schedules of their own: {value}")));
        }
        if name == "bydate" && value.contains(['+', '-', '^']) {
            return Ok(unsettled(text, "bydate with an offset or a span is not evaluated".to_owned()));
        }
        clause_of(rule, name, value)?;
    }
    let mut rule = rule.ok_or_else(|| rejected("it must start with FREQ"))?;
    rule.check()?;
    if let Some(why) = rule.doubt() {
        return Ok(unsettled(text, why.to_owned()));
    }
    let shown = text.split_whitespace().collect::<Vec<_>>().join("");
    Ok(match rule.settle(start) {
        rule::Settled::Whole => slots::schedule(rule, start, last, shown),
        rule::Settled::Every(seconds) => Schedule::new(Drifting {
            seconds,
            from_end: false,
            words: format!("{shown}, from a start date that is not told"),
            notes: vec!["what it does not say comes from its start date, which is not told".to_owned()],
        }),
        rule::Settled::Not => unsettled(
            text,
            "on which of its days it runs depends on a start date that is not told".to_owned(),
        ),
    })
}

fn unsettled(text: &str, why: String) -> Schedule {
    Schedule::new(Unsettled::drawn(text, why))
}

fn clause_of(rule: &mut Rule, name: &str, value: &str) -> Result<(), Rejected> {
    let wrong = |what: &str| rejected(format!("{name}: {what:?} is out of bounds"));
    let number = |text: &str, low: i64, high: i64| {
        let value = text.strip_prefix('+').unwrap_or(text).parse::<i64>().ok();
        value.filter(|value| (low..=high).contains(value)).ok_or_else(|| wrong(text))
    };
    let list: Vec<&str> =
        value.trim_matches(['(', ')']).split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    let numbers = |low: i64, high: i64| {
        list.iter().map(|part| number(part, low, high)).collect::<Result<Vec<i64>, _>>()
    };
    // Days, weeks and positions count from the end, too, and there is none of 0.
    let signed = |high: i64| {
        let told = numbers(-high, high)?;
        if told.contains(&0) { Err(wrong("0")) } else { Ok(told) }
    };
    match name {
        "interval" => rule.interval = number(value, 1, 999)?,
        "bymonth" => {
            for part in &list {
                let named = MONTH_NAMES.iter().position(|name| part.starts_with(name));
                let month = named.map_or_else(|| number(part, 1, 12), |at| Ok(at as i64 + 1))?;
                rule.months |= 1 << month;
            }
        }
        "byweekno" => rule.weeks = signed(53)?,
        "byyearday" => rule.year_days = signed(366)?,
        "bymonthday" => rule.month_days = signed(31)?,
        "bydate" => {
            for part in &list {
                let (year, day) = if part.len() == 8 { part.split_at(4) } else { ("", *part) };
                let value = number(day, 101, 1231)?;
                let year = if year.is_empty() { 0 } else { number(year, 1, 9999)? };
                rule.dates.push((year, value / 100, value % 100));
            }
        }
        "byday" => {
            for part in &list {
                rule.days.push(weekday(part).ok_or_else(|| wrong(part))?);
            }
        }
        "byhour" => rule.hours = Some(numbers(0, 23)?),
        "byminute" => rule.minutes = Some(numbers(0, 59)?),
        "bysecond" => rule.seconds = Some(numbers(0, 59)?),
        "bytime" => {
            for part in &list {
                let value = number(part, 0, 235_959)?;
                let (minute, second) =
                    if part.len() <= 4 { (value % 100, 0) } else { (value / 100 % 100, value % 100) };
                let hour = if part.len() <= 4 { value / 100 } else { value / 10_000 };
                if minute > 59 || second > 59 || hour > 23 {
                    return Err(wrong(part));
                }
                rule.times.push(hour * 3600 + minute * 60 + second);
            }
        }
        "bysetpos" => rule.positions = signed(9999)?,
        _ => return Err(rejected(format!("{name} is no clause of a calendar"))),
    }
    if list.is_empty() {
        return Err(rejected(format!("{name} has no value")));
    }
    Ok(())
}

/// `-1fri`, `2 wed`, `mon`: which one (0: each), and the weekday with Sunday as 0.
fn weekday(text: &str) -> Option<(i64, i64)> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (nth, name) = text.split_at(at);
    let day = WEEKDAYS.iter().position(|day| name.starts_with(day))?;
    let nth = nth.trim().trim_start_matches('+');
    let nth: i64 = if nth.is_empty() { 0 } else { nth.parse().ok().filter(|nth| *nth != 0)? };
    (nth.abs() <= 53).then_some((nth, day as i64))
}

#[cfg(test)]
mod tests;
