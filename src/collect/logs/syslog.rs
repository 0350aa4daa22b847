//! What syslog puts in front of a line: RFC 3164 with a year-less date, the ISO date of newer daemons, RFC 5424, the
//! journal's text, Heroku's logplex. It tells host, program and process, and takes nothing off the message.

use super::Zoned;
use super::stamps::Clock;
use super::years::{Years, local, month};
use crate::evidence::Stamp;

/// A line of syslog.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// When.
    pub time: Time,
    /// The host; empty where the line names none.
    pub host: &'a str,
    /// The program.
    pub program: &'a str,
    /// Its process, 0 where none is named.
    pub pid: u64,
    /// What it wrote.
    pub message: &'a str,
}

/// The time of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// A moment.
    At(Zoned),
    /// Month, day, second of the day and microseconds, in a zone and year that the line does not say.
    Yearless(i64, i64, i64, i64),
}

impl Time {
    /// The moment, in the year that goes on.
    pub fn moment(self, years: &mut Option<Years>, clock: &Clock<'_>) -> Option<Zoned> {
        match self {
            Time::At(zoned) => Some(zoned),
            Time::Yearless(month, day, second, micros) => {
                let year = years.as_mut()?.of(month);
                let (local, known) = clock.zones().local(local(year, month, day, second));
                Some(Zoned { stamp: Stamp::from_seconds(local).plus_micros(micros), known })
            }
        }
    }
}

fn two(text: &[u8], at: usize) -> Option<i64> {
    let digit = |at: usize| text.get(at).filter(|b| b.is_ascii_digit()).map(|b| i64::from(b - b'0'));
    Some(digit(at)? * 10 + digit(at + 1)?)
}

/// `Feb 10 23:15:39`, perhaps with a fraction, and what stands behind it.
pub(super) fn yearless(text: &str) -> Option<(Time, &str)> {
    let bytes = text.as_bytes();
    let month = month(bytes)?;
    let day = match bytes.get(4)? {
        b' ' => i64::from(bytes.get(5)?.checked_sub(b'0').filter(|digit| *digit < 10)?),
        _ => two(bytes, 4)?,
    };
    let (hour, minute, second) = (two(bytes, 7)?, two(bytes, 10)?, two(bytes, 13)?);
    let signs = bytes[3] == b' ' && bytes[6] == b' ' && bytes[9] == b':' && bytes[12] == b':';
    if !signs || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let fraction = text.get(15..)?.strip_prefix('.').map_or("", |rest| {
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        &rest[..length]
    });
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let micros = if fraction.is_empty() { 0 } else { digits.parse().ok()? };
    let used = 15 + if fraction.is_empty() { 0 } else { fraction.len() + 1 };
    let rest = text[used..].strip_prefix(' ')?;
    Some((Time::Yearless(month, day, hour * 3600 + minute * 60 + second, micros), rest))
}

/// `2026-11-22T22:42:43.207+01:00`, perhaps behind a weekday, and what stands behind it.
fn dated<'a>(text: &'a str, clock: &mut Clock<'_>) -> Option<(Time, &'a str)> {
    let behind_day = text.split_at_checked(4).filter(|(day, _)| is_weekday(day)).map(|(_, rest)| rest);
    // A date and a time with a blank between them are what PostgreSQL itself begins a line with.
    let sign = if behind_day.is_some() { b' ' } else { b'T' };
    let text = behind_day.unwrap_or(text);
    if !text.as_bytes().first()?.is_ascii_digit() || text.as_bytes().get(10) != Some(&sign) {
        return None;
    }
    let (zoned, used) = clock.read(text.as_bytes())?;
    Some((Time::At(zoned), text.get(used..)?.strip_prefix(' ')?))
}

fn is_weekday(text: &str) -> bool {
    ["Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun "].contains(&text)
}

/// `<134>` and `1 ` of RFC 5424: the rest, and whether a version stood there.
fn priority(line: &str) -> (&str, bool) {
    let rest = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let rest = rest.filter(|(number, _)| number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit()));
    let rest = rest.map_or(line, |(_, rest)| rest);
    rest.strip_prefix("1 ").map_or((rest, false), |rest| (rest, true))
}

/// `postgres[658]:` as program and process.
fn tag(word: &str) -> Option<(&str, u64)> {
    let word = word.strip_suffix(':').unwrap_or(word);
    match word
        .strip_suffix(']')
        .and_then(|word| word.rsplit_once('['))
        .filter(|(program, _)| !program.is_empty())
    {
        // Heroku names the process behind a dot: `app[postgres.4882]`.
        Some((program, inner)) => match inner.rsplit_once('.') {
            Some((_, pid)) => Some((word, pid.parse().ok()?)),
            None => Some((program, inner.parse().ok()?)),
        },
        None => None,
    }
}

/// The structured data of RFC 5424, and the message behind it.
fn behind_data(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some(rest.strip_prefix(' ').unwrap_or(rest));
    }
    let (mut quoted, mut escaped, mut depth) = (false, false, 0u32);
    for (at, b) in text.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' if !quoted => depth += 1,
            b']' if !quoted => depth = depth.saturating_sub(1),
            b' ' if depth == 0 => return Some(&text[at + 1..]),
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

impl<'a> Line<'a> {
    /// The line, if it is one.
    pub fn read(line: &'a str, clock: &mut Clock<'_>) -> Option<Line<'a>> {
        let (rest, versioned) = priority(line);
        let (time, rest) = yearless(rest).or_else(|| dated(rest, clock))?;
        if versioned {
            let mut words = rest.splitn(5, ' ');
            let (host, program, pid) = (words.next()?, words.next()?, words.next()?);
            let _message_id = words.next()?;
            let message = behind_data(words.next()?)?.trim_start_matches('\u{feff}');
            return Some(Line { time, host, program, pid: pid.parse().unwrap_or(0), message });
        }
        // Heroku names no host, and some daemons put a word in front of it.
        let mut at = 0;
        let mut host = "";
        for _ in 0..3 {
            let word = rest[at..].split(' ').next()?;
            let behind = rest.get(at + word.len() + 1..).unwrap_or("");
            if let (true, Some((program, pid))) = (word.ends_with(':'), tag(word)) {
                return Some(Line { time, host, program, pid, message: behind });
            }
            host = word;
            at += word.len() + 1;
            if at >= rest.len() {
                return None;
            }
        }
        None
    }

    /// Whether Heroku's router wrote it.
    pub fn is_heroku(&self) -> bool {
        self.program.starts_with("app[postgres.")
    }
}
