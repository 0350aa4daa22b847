//! Time spans (systemd.time(7)) and the settings of systemd.timer(5) that count one from something that happened.
//! It never tells when that was.

use super::super::{Clock, Meaning, Rejected};
use super::rejected;
use jiff::tz::TimeZone;

/// Units with their length in microseconds; a month is 30.44 days, a year 365.25.
const UNITS: [(&str, u64); 30] = [
    ("seconds", 1_000_000),
    ("second", 1_000_000),
    ("sec", 1_000_000),
    ("s", 1_000_000),
    ("minutes", 60_000_000),
    ("minute", 60_000_000),
    ("min", 60_000_000),
    ("months", 2_629_800_000_000),
    ("month", 2_629_800_000_000),
    ("M", 2_629_800_000_000),
    ("msec", 1_000),
    ("ms", 1_000),
    ("m", 60_000_000),
    ("hours", 3_600_000_000),
    ("hour", 3_600_000_000),
    ("hr", 3_600_000_000),
    ("h", 3_600_000_000),
    ("days", 86_400_000_000),
    ("day", 86_400_000_000),
    ("d", 86_400_000_000),
    ("weeks", 604_800_000_000),
    ("week", 604_800_000_000),
    ("w", 604_800_000_000),
    ("years", 31_557_600_000_000),
    ("year", 31_557_600_000_000),
    ("y", 31_557_600_000_000),
    ("usec", 1),
    ("us", 1),
    // The Greek letter, and the sign for micro.
    ("μs", 1),
    ("µs", 1),
];

/// A time span in whole seconds, rounded down; `None`: it is none. `infinity` is the greatest number.
pub fn seconds(text: &str) -> Option<u64> {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    if text == "infinity" {
        return Some(u64::MAX);
    }
    let mut rest = text;
    let mut total: u64 = 0;
    let mut something = false;
    while !rest.is_empty() {
        let (value, after) = one(rest)?;
        total = total.checked_add(value)?;
        (rest, something) = (after, true);
    }
    something.then_some(total / 1_000_000)
}

/// A number with its unit (seconds where none stands) in microseconds, and what follows it.
fn one(text: &str) -> Option<(u64, &str)> {
    let blank = [' ', '\t', '\n', '\r'];
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits = |text: &str| text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (whole, rest) = text.split_at(digits(text));
    let (fraction, rest) = match rest.strip_prefix('.') {
        None => ("", rest),
        Some(after) => after.split_at(digits(after)),
    };
    let pointed = text.as_bytes().get(whole.len()) == Some(&b'.');
    if (whole.is_empty() && fraction.is_empty()) || (pointed && fraction.is_empty()) {
        return None;
    }
    let rest = rest.trim_start_matches(blank);
    let unit = UNITS.iter().find(|(name, _)| rest.starts_with(name));
    let (length, rest) = unit.map_or((1_000_000, rest), |(name, length)| (*length, &rest[name.len()..]));
    let mut value = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.checked_mul(length)? };
    let mut part = length;
    for digit in fraction.bytes() {
        part /= 10;
        value = value.checked_add(u64::from(digit - b'0') * part)?;
    }
    Some((value, rest.trim_start_matches(blank)))
}

/// What a monotonic setting counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    Boot,
    Manager,
    Timer,
    LastStart,
    LastEnd,
}

const SETTINGS: [(&str, Since); 5] = [
    ("OnBootSec", Since::Boot),
    ("OnStartupSec", Since::Manager),
    ("OnActiveSec", Since::Timer),
    ("OnUnitActiveSec", Since::LastStart),
    ("OnUnitInactiveSec", Since::LastEnd),
];

/// A setting that counts a time from something that happened.
#[derive(Debug)]
pub(super) struct Monotonic {
    since: Since,
    seconds: u64,
    notes: Vec<String>,
}

impl Monotonic {
    /// Of a setting's name and value.
    pub fn parse(name: &str, value: &str) -> Result<Monotonic, Rejected> {
        let known = SETTINGS.iter().find(|(known, _)| *known == name);
        let since = known.map(|(_, since)| *since);
        let since = since.ok_or_else(|| rejected(format!("{name}= starts nothing")))?;
        let seconds = seconds(value).ok_or_else(|| rejected(format!("{value:?} is no time span")))?;
        let never = seconds == u64::MAX;
        let notes = never.then(|| "after an infinite time nothing starts".to_owned()).into_iter().collect();
        Ok(Monotonic { since, seconds, notes })
    }
}

/// A number of seconds as people say it: `1 day`, `2 hours 30 minutes`.
pub(super) fn shown(seconds: u64) -> String {
    if seconds == u64::MAX {
        return "an infinite time".to_owned();
    }
    let mut left = seconds;
    let mut told = Vec::new();
    for (unit, length) in [("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)]
    {
        let count = left / length;
        left %= length;
        // Days are not told in weeks unless nothing is left over.
        let whole = unit != "week" || (count > 0 && left == 0);
        if !whole {
            left += count * length;
        } else if count > 0 {
            told.push(format!("{count} {unit}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if told.is_empty() { "0 seconds".to_owned() } else { told.join(" ") }
}

impl Meaning for Monotonic {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        let what = match self.since {
            Since::Boot => "the machine starts",
            Since::Manager => "systemd starts",
            Since::Timer => "the timer is activated",
            Since::LastStart => "its last start",
            Since::LastEnd => "its last end",
        };
        format!("{} after {what}", shown(self.seconds))
    }

    fn clock(&self) -> Clock {
        let interval = |from_end| Clock::Interval { seconds: self.seconds.max(1), from_end };
        match self.since {
            _ if self.seconds == u64::MAX => Clock::Calendar,
            Since::Boot | Since::Manager | Since::Timer => Clock::Boot,
            Since::LastStart => interval(false),
            Since::LastEnd => interval(true),
        }
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
