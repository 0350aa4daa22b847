//! The times that `at` of whenever is given in words (`4:30 am`, `12pm`, `noon`): whenever has Chronic read them, with
//! its default options. What Chronic reads by today's date, or what is not known here, is told as not known.

use crate::schedule::MONTHS_IN_FULL;

/// What `at` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// A number of whatever the schedule counts; 0 where nothing is said.
    Number(i64),
    /// A time of the day, and a month and a day where the text names one.
    Time {
        /// 0 to 23.
        hour: u8,
        /// 0 to 59.
        minute: u8,
        /// Month and day.
        date: Option<(u8, u8)>,
    },
}

/// What may stand before a time without changing it.
const BEFORE: [&str; 12] = [
    "start of the month at ",
    "beginning of the month at ",
    "end of the month at ",
    "tomorrow at ",
    "today at ",
    "monday ",
    "tuesday ",
    "wednesday ",
    "thursday ",
    "friday ",
    "saturday ",
    "sunday ",
];

/// Reads one time. Chronic's answer to a text it cannot read is nothing, which whenever takes for 0.
pub(super) fn parse_at(text: &str) -> Result<At, String> {
    let lower = text.trim().to_lowercase();
    let unknown = || Err(format!("the time {:?} is not read here", text.trim()));
    let rest = BEFORE.iter().find_map(|before| lower.strip_prefix(before)).unwrap_or(&lower);
    match time(rest.trim()) {
        Some(Some((hour, minute))) => return Ok(At::Time { hour, minute, date: None }),
        Some(None) => return Ok(At::Number(0)),
        None => {}
    }
    // `January 27th 8:00pm`, `2/1 4:30 am`.
    let dated = dated(rest).and_then(|(date, rest)| Some((date, time(rest).flatten()?)));
    match dated {
        Some((date, (hour, minute))) => Ok(At::Time { hour, minute, date: Some(date) }),
        None => unknown(),
    }
}

fn dated(text: &str) -> Option<((u8, u8), &str)> {
    let (first, rest) = text.split_once(' ')?;
    if let Some((month, day)) = first.split_once('/') {
        return Some(((number(month, 1, 12)?, number(day, 1, 31)?), rest.trim()));
    }
    let is_month = |name: &&str| first.len() >= 3 && (first == &name[..3] || first == *name);
    let month = MONTHS_IN_FULL.iter().position(is_month)? as u8 + 1;
    let (day, rest) = rest.trim().split_once(' ')?;
    let day = ["st", "nd", "rd", "th"].iter().find_map(|end| day.strip_suffix(end)).unwrap_or(day);
    Some(((month, number(day, 1, 31)?), rest.trim()))
}

fn number(text: &str, low: u8, high: u8) -> Option<u8> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| digits && (low..=high).contains(number))
}

/// `Some(None)`: Chronic cannot read it. `None`: it is of another shape.
fn time(text: &str) -> Option<Option<(u8, u8)>> {
    match text {
        "noon" | "12 noon" => return Some(Some((12, 0))),
        "midnight" => return Some(Some((0, 0))),
        _ => {}
    }
    let halves = [("a.m.", 0), ("p.m.", 12), ("am", 0), ("pm", 12)];
    let half = halves.iter().find_map(|(end, half)| Some((text.strip_suffix(end)?.trim_end(), *half)));
    let (clock, half) = half.map_or((text, None), |(clock, half)| (clock, Some(half)));
    let mut parts = clock.split(':');
    let (hour_text, minute_text) = (parts.next()?, parts.next());
    let fine = hour_text.len() <= 2 && minute_text.is_none_or(|minute| minute.len() <= 2);
    if parts.next().is_some() || !fine {
        return None;
    }
    let hour = number(hour_text, 0, 24)?;
    let minute = minute_text.map_or(Some(0), |minute| number(minute, 0, 59))?;
    Some(match (half, hour) {
        // Without a half of the day one to five are in the afternoon, unless a 0 stands before them.
        (None, 1..=5) if hour_text.len() == 1 => Some((hour + 12, minute)),
        (None, 24) => Some((0, minute)),
        (None, hour) => Some((hour, minute)),
        (Some(0), 12) => Some((0, minute)),
        (Some(0), 0..=11) => Some((hour, minute)),
        (Some(_), 12..=23) if half == Some(12) => Some((hour, minute)),
        (Some(_), 1..=11) if half == Some(12) => Some((hour + 12, minute)),
        _ => None,
    })
}
