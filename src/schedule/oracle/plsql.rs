//! Dates that PL/SQL computes for the next run: `SYSDATE + 1`, `TRUNC(SYSDATE)+1+2/24`, `TRUNC(SYSDATE,'HH')+1/24`,
//! `NEXT_DAY(TRUNC(SYSDATE),'MONDAY')+3/24`. The expression is evaluated when a run starts, so one that counts from SYSDATE
//! drifts. Anything else is refused, and whoever asked tells that it is computed.

use super::super::calendar::{Calendar, Fold, Gap};
use super::super::days::{DayTest, Days, Drifting};
use super::super::fields::{every, rejected};
use super::super::{Rejected, Schedule, duration};
use super::WEEKDAYS;
use jiff::civil::Date;

const DAY: f64 = 86_400.0;
/// How many words an expression may have.
const MAX_WORDS: usize = 60;

/// Reads an expression.
pub(super) fn read(text: &str) -> Result<Schedule, Rejected> {
    let words = words(text);
    let computed = || rejected(format!("{text:?} is computed in a way that is not followed"));
    if words.len() > MAX_WORDS {
        return Err(computed());
    }
    let mut reader = Reader { words: &words, at: 0 };
    let sum = reader.sum().filter(|_| reader.at == words.len()).ok_or_else(computed)?;
    let seconds = (sum.days * DAY).round();
    if !(0.0..=366.0 * DAY).contains(&seconds) {
        return Err(computed());
    }
    schedule(sum.base, seconds as u64).ok_or_else(computed)
}

/// What days are added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    /// The moment itself.
    Now,
    /// Its day, hour or minute, in seconds.
    Whole(u64),
    /// The next such weekday (0 is Sunday) behind it, at midnight or not.
    Next(u8, bool),
    /// Nothing: a number.
    None,
}

#[derive(Debug, Clone, Copy)]
struct Sum {
    base: Base,
    days: f64,
}

fn schedule(base: Base, seconds: u64) -> Option<Schedule> {
    let drifting = |seconds: u64| {
        let words = format!("every {}, from the last start", duration(seconds));
        let notes = vec!["each run decides the next, so that it drifts".to_owned()];
        Schedule::new(Drifting { seconds, from_end: false, words, notes })
    };
    match base {
        Base::Now if seconds > 0 => Some(drifting(seconds)),
        Base::Whole(86_400) if (86_400..2 * 86_400).contains(&seconds) => {
            Some(Schedule::new(daily(Daily { weekday: None }, (seconds - 86_400) as u32)))
        }
        Base::Whole(3600) if (3600..7200).contains(&seconds) => {
            let (minute, second) = ((seconds - 3600) / 60, seconds % 60);
            let calendar = Calendar {
                seconds: 1 << second,
                minutes: 1 << minute,
                hours: every(0, 23, 1) as u32,
                days: u32::MAX,
                months: u16::MAX,
                weekdays: 0x7f,
                text: [minute.to_string(), "*".to_owned(), "*".to_owned(), "*".to_owned(), "*".to_owned()],
                ..Calendar::default()
            };
            Some(Schedule::new(calendar))
        }
        Base::Whole(60) if seconds == 60 => {
            let calendar = Calendar {
                seconds: 1,
                minutes: every(0, 59, 1),
                hours: every(0, 23, 1) as u32,
                days: u32::MAX,
                months: u16::MAX,
                weekdays: 0x7f,
                text: ["*"; 5].map(str::to_owned),
                ..Calendar::default()
            };
            Some(Schedule::new(calendar))
        }
        Base::Whole(_) if seconds > 0 => Some(drifting(seconds)),
        Base::Next(day, true) if seconds < 86_400 => {
            Some(Schedule::new(daily(Daily { weekday: Some(day) }, seconds as u32)))
        }
        Base::Next(_, false) if seconds == 0 => Some(drifting(7 * 86_400)),
        _ => None,
    }
}

#[derive(Debug)]
struct Daily {
    weekday: Option<u8>,
}

impl DayTest for Daily {
    fn holds(&self, date: Date) -> bool {
        self.weekday.is_none_or(|day| date.weekday().to_sunday_zero_offset() == day as i8)
    }
}

fn daily(test: Daily, second: u32) -> Days<Daily> {
    let time = format!("{:02}:{:02}", second / 3600, second / 60 % 60);
    let words = match test.weekday {
        None => format!("at {time} every day"),
        Some(day) => format!("at {time} on each {}", WEEKDAYS[usize::from(day)]),
    };
    let (first, last) = (None, None);
    let notes = Vec::new();
    Days {
        test,
        times: vec![second],
        first,
        last,
        gap: Gap::AtOnce,
        fold: Fold::First,
        spread: 0,
        words,
        notes,
    }
}

/// The words of an expression, in lower case; a literal keeps its quotes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut rest) = (Vec::new(), text.trim().trim_end_matches(';').trim_end());
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            c if c.is_ascii_alphanumeric() || c == '_' || c == '.' => rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')))
                .unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        words.push(rest[..end].to_ascii_lowercase());
        rest = rest[end..].trim_start();
        if words.len() > MAX_WORDS {
            break;
        }
    }
    words
}

struct Reader<'a> {
    words: &'a [String],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> &str {
        self.words.get(self.at).map_or("", String::as_str)
    }

    fn takes(&mut self, word: &str) -> bool {
        let fits = self.peek() == word;
        self.at += usize::from(fits);
        fits
    }

    fn next(&mut self) -> String {
        let word = self.peek().to_owned();
        self.at += 1;
        word
    }

    fn sum(&mut self) -> Option<Sum> {
        let mut sum = self.product()?;
        loop {
            let sign = match self.peek() {
                "+" => 1.0,
                "-" => -1.0,
                _ => return Some(sum),
            };
            self.at += 1;
            let other = self.product()?;
            sum.base = match (sum.base, other.base) {
                (base, Base::None) => base,
                (Base::None, base) if sign > 0.0 => base,
                _ => return None,
            };
            sum.days += sign * other.days;
        }
    }

    fn product(&mut self) -> Option<Sum> {
        let mut product = self.primary()?;
        loop {
            let divides = match self.peek() {
                "*" => false,
                "/" => true,
                _ => return Some(product),
            };
            self.at += 1;
            let other = self.primary()?;
            if product.base != Base::None || other.base != Base::None || (divides && other.days == 0.0) {
                return None;
            }
            product.days = if divides { product.days / other.days } else { product.days * other.days };
        }
    }

    fn primary(&mut self) -> Option<Sum> {
        let word = self.next();
        match word.as_str() {
            "(" => {
                let sum = self.sum()?;
                self.takes(")").then_some(sum)
            }
            "sysdate" | "systimestamp" | "current_timestamp" | "current_date" => {
                Some(Sum { base: Base::Now, days: 0.0 })
            }
            "trunc" => self.trunc(),
            "next_day" => self.next_day(),
            "interval" => self.interval(),
            "numtodsinterval" => self.number_to_interval(),
            _ => word.parse().ok().map(|days| Sum { base: Base::None, days }),
        }
    }

    /// `trunc(sysdate + 1, 'hh24')`.
    fn trunc(&mut self) -> Option<Sum> {
        if !self.takes("(") {
            return None;
        }
        let sum = self.sum()?;
        let unit = if self.takes(",") { self.next() } else { "'dd'".to_owned() };
        if !self.takes(")") {
            return None;
        }
        let unit = match unit.trim_matches('\'') {
            "dd" | "ddd" | "j" => 86_400,
            "hh" | "hh24" | "hh12" => 3600,
            "mi" => 60,
            _ => return None,
        };
        match sum.base {
            Base::Now if (sum.days * DAY / unit as f64).fract() == 0.0 => {
                Some(Sum { base: Base::Whole(unit), days: sum.days })
            }
            Base::Whole(86_400) if unit == 86_400 && sum.days.fract() == 0.0 => Some(sum),
            Base::Next(day, _) if unit == 86_400 && sum.days == 0.0 => {
                Some(Sum { base: Base::Next(day, true), days: 0.0 })
            }
            _ => None,
        }
    }

    fn next_day(&mut self) -> Option<Sum> {
        if !self.takes("(") {
            return None;
        }
        let sum = self.sum()?;
        let name = if self.takes(",") { self.next() } else { return None };
        if !self.takes(")") || sum.days != 0.0 {
            return None;
        }
        let name = name.trim_matches('\'').to_owned();
        let day = WEEKDAYS.iter().position(|day| name.starts_with(day))?;
        match sum.base {
            Base::Now => Some(Sum { base: Base::Next(day as u8, false), days: 0.0 }),
            Base::Whole(86_400) => Some(Sum { base: Base::Next(day as u8, true), days: 0.0 }),
            _ => None,
        }
    }

    /// `interval '30' minute`.
    fn interval(&mut self) -> Option<Sum> {
        let value: f64 = self.next().trim_matches('\'').trim().parse().ok()?;
        let unit = unit(&self.next())?;
        Some(Sum { base: Base::None, days: value * unit / DAY })
    }

    /// `numtodsinterval(30, 'minute')`.
    fn number_to_interval(&mut self) -> Option<Sum> {
        if !self.takes("(") {
            return None;
        }
        let value = self.sum().filter(|sum| sum.base == Base::None)?.days;
        let name = if self.takes(",") { self.next() } else { return None };
        let unit = unit(name.trim_matches('\''))?;
        self.takes(")").then_some(Sum { base: Base::None, days: value * unit / DAY })
    }
}

fn unit(word: &str) -> Option<f64> {
    Some(match word {
        "day" => DAY,
        "hour" => 3600.0,
        "minute" => 60.0,
        "second" => 1.0,
        _ => return None,
    })
}
