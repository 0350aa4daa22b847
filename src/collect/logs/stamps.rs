//! Stamps of log lines as moments. An offset or an unambiguous abbreviation in the stamp decides; else the
//! zone stated for the stream; else UTC is assumed and said. It never reads the machine's zone.

use crate::evidence::{Stamp, Text};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::sync::RwLock;

/// Abbreviations that mean one offset in practice, in seconds east of UTC (IANA zones that use them).
const ABBREVIATIONS: [(&str, i64); 16] = [
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 3600),
    ("CET", 3600),
    ("CEST", 7200),
    ("EET", 7200),
    ("EEST", 10_800),
    ("MSK", 10_800),
    ("EDT", -14_400),
    ("CDT", -18_000),
    ("MDT", -21_600),
    ("PDT", -25_200),
    ("PST", -28_800),
    ("JST", 32_400),
];

/// A moment, and whether its zone is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zoned {
    /// The moment.
    pub stamp: Stamp,
    /// False where UTC was assumed.
    pub known: bool,
}

/// How a stream's local times are read.
#[derive(Debug)]
pub struct Zones {
    stated: Option<(Text, TimeZone)>,
    hours: RwLock<HashMap<(i64, Text), Option<i64>>>,
}

/// Reads the stamps of one block. What repeats from line to line, the minute and the zone, is worked out once.
#[derive(Debug)]
pub(super) struct Clock<'a> {
    zones: &'a Zones,
    /// The last stamp's text up to its minute, its zone with the blank before it, and the minute's first second.
    minute: [u8; MINUTE],
    zone: Vec<u8>,
    start: i64,
}

/// The length of `2026-11-22 22:42`.
const MINUTE: usize = 16;

impl<'a> Clock<'a> {
    /// Of a block of the stream with these zones.
    pub fn new(zones: &'a Zones) -> Clock<'a> {
        Clock { zones, minute: [0; MINUTE], zone: Vec::new(), start: 0 }
    }

    /// Like [`Zones::read`].
    pub fn read(&mut self, text: &[u8]) -> Option<(Zoned, usize)> {
        if let Some(again) = self.same_minute(text) {
            return Some(again);
        }
        let (zoned, length) = self.zones.read(text)?;
        let zone = text[MINUTE + 3..length].iter().position(u8::is_ascii_uppercase);
        self.zone.clear();
        if let (Some(at), true) = (zone, zoned.known) {
            // With a blank before it, or without one.
            let at = MINUTE + 3 + at;
            let at = if text[at - 1] == b' ' { at - 1 } else { at };
            self.zone.extend_from_slice(&text[at..length]);
            self.minute.copy_from_slice(&text[..MINUTE]);
            let second = digits(text, MINUTE + 1, 2)?;
            self.start = zoned.stamp.0.div_euclid(1_000_000) - second;
        }
        Some((zoned, length))
    }

    /// The stamp, where only its second differs from the one before, and its zone is named in letters.
    fn same_minute(&self, text: &[u8]) -> Option<(Zoned, usize)> {
        if self.zone.is_empty() || text.get(..MINUTE)? != self.minute || text.get(MINUTE) != Some(&b':') {
            return None;
        }
        let second = digits(text, MINUTE + 1, 2).filter(|second| *second < 60)?;
        let (mut at, mut micros) = (MINUTE + 3, 0);
        if matches!(text.get(at), Some(b'.' | b',')) {
            let run = text[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            let kept = run.min(6);
            micros = digits(text, at + 1, kept)? * 10i64.pow(6 - kept as u32);
            at += 1 + run;
        }
        let rest = text.get(at..)?.strip_prefix(self.zone.as_slice())?;
        // What could still be part of the zone is read the long way.
        let sign =
            |at: usize| rest.get(at).is_some_and(|b| b.is_ascii_uppercase() || matches!(b, b'+' | b'-'));
        if sign(0) && (rest[0] != b'-' || sign(1)) {
            return None;
        }
        let stamp = Stamp::from_seconds(self.start + second).plus_micros(micros);
        Some((Zoned { stamp, known: true }, at + self.zone.len()))
    }

    /// `1795386163.207`: seconds since 1970, as `%n` writes them.
    pub fn epoch(text: &[u8]) -> Option<(Zoned, usize)> {
        let seconds = digits(text, 0, 10)?;
        let millis = (text.get(10) == Some(&b'.')).then(|| digits(text, 11, 3)).flatten()?;
        let ends = !text.get(14).is_some_and(u8::is_ascii_digit);
        let stamp = Stamp::from_seconds(seconds).plus_micros(millis * 1000);
        ends.then_some((Zoned { stamp, known: true }, 14))
    }

    /// The zones it reads by.
    pub fn zones(&self) -> &'a Zones {
        self.zones
    }
}

/// A stamp as written: local seconds as if UTC, microseconds, the zone's text, bytes used.
struct Written<'a> {
    local: i64,
    micros: i64,
    zone: &'a str,
    length: usize,
}

fn digits(text: &[u8], at: usize, count: usize) -> Option<i64> {
    let part = text.get(at..at + count)?;
    part.iter().try_fold(0i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

/// Days since 1970-01-01 of a civil date (Howard Hinnant, "chrono-compatible low-level date algorithms").
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// `2026-11-22 22:42:43.207 UTC`, fraction and zone optional.
fn written(text: &[u8]) -> Option<Written<'_>> {
    let sign = |at: usize, sign: u8| (text.get(at) == Some(&sign)).then_some(());
    let (year, month, day) = (digits(text, 0, 4)?, digits(text, 5, 2)?, digits(text, 8, 2)?);
    sign(4, b'-')?;
    sign(7, b'-')?;
    if !matches!(text.get(10), Some(b' ' | b'T')) {
        return None;
    }
    let (hour, minute, second) = (digits(text, 11, 2)?, digits(text, 14, 2)?, digits(text, 17, 2)?);
    sign(13, b':')?;
    sign(16, b':')?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let (mut at, mut micros) = (19, 0);
    if matches!(text.get(at), Some(b'.' | b',')) {
        let run = text[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        let kept = run.min(6);
        micros = digits(text, at + 1, kept)? * 10i64.pow(6 - kept as u32);
        at += 1 + run;
    }
    let before = at;
    if text.get(at) == Some(&b' ') {
        at += 1;
    }
    let zone = text[at..]
        .iter()
        .take_while(|b| {
            b.is_ascii_uppercase()
                || matches!(b, b'+' | b'-')
                || (b.is_ascii_digit() && matches!(text.get(at), Some(b'+' | b'-')))
                || (**b == b':' && matches!(text.get(at), Some(b'+' | b'-')))
        })
        .count();
    let zone_text = std::str::from_utf8(&text[at..at + zone]).ok()?.trim_end_matches(['-', ':']);
    let valid = zone_text.len() <= 6
        && (zone_text.starts_with(['+', '-']) || zone_text.chars().all(|c| c.is_ascii_uppercase()));
    let (zone_text, length) =
        if zone_text.is_empty() || !valid { ("", before) } else { (zone_text, at + zone_text.len()) };
    let local = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Written { local, micros, zone: zone_text, length })
}

/// `+02`, `+0200`, `+02:00` in seconds.
fn offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(char::is_ascii_digit).collect();
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..4).map_or(Some(0), |text| text.parse().ok())?;
    Some(sign * (hours * 3600 + minutes * 60))
}

impl Zones {
    /// For a stream whose zone is stated, or not.
    pub fn new(stated: Option<Text>) -> Zones {
        let stated = stated.and_then(|name| crate::schedule::zone(&name).map(|zone| (name, zone)));
        Zones { stated, hours: RwLock::default() }
    }

    /// The stated zone's name.
    pub fn name(&self) -> Option<&Text> {
        self.stated.as_ref().map(|(name, _)| name)
    }

    /// The moment of local seconds that name no zone, and whether the zone is stated.
    pub(super) fn local(&self, local: i64) -> (i64, bool) {
        let offset = self.offset(&Written { local, micros: 0, zone: "", length: 0 });
        (local - offset.unwrap_or(0), offset.is_some())
    }

    /// Reads a stamp at the start of a text: the moment, and how many bytes it took.
    pub fn read(&self, text: &[u8]) -> Option<(Zoned, usize)> {
        let written = written(text)?;
        let hour = written.local.div_euclid(900);
        let key = (hour, Text::from(written.zone));
        let held = self.hours.read().ok().and_then(|hours| hours.get(&key).copied());
        let offset = match held {
            Some(offset) => offset,
            None => {
                let offset = self.offset(&written);
                if let Ok(mut hours) = self.hours.write() {
                    hours.insert(key, offset);
                }
                offset
            }
        };
        let seconds = written.local - offset.unwrap_or(0);
        let stamp = Stamp::from_seconds(seconds).plus_micros(written.micros);
        Some((Zoned { stamp, known: offset.is_some() }, written.length))
    }

    /// Seconds east of UTC; `None` where nothing says.
    fn offset(&self, written: &Written<'_>) -> Option<i64> {
        if let Some(offset) = offset(written.zone) {
            return Some(offset);
        }
        let known = ABBREVIATIONS.iter().find(|(text, _)| *text == written.zone).map(|(_, offset)| *offset);
        let Some((_, zone)) = &self.stated else { return known };
        if matches!(written.zone, "UTC" | "GMT" | "Z") {
            return Some(0);
        }
        let local: DateTime =
            jiff::Timestamp::from_second(written.local).ok()?.to_zoned(TimeZone::UTC).datetime();
        let ambiguous = zone.to_ambiguous_timestamp(local);
        let candidates = match ambiguous.offset() {
            jiff::tz::AmbiguousOffset::Unambiguous { offset } => vec![offset],
            jiff::tz::AmbiguousOffset::Gap { before, after }
            | jiff::tz::AmbiguousOffset::Fold { before, after } => {
                vec![before, after]
            }
        };
        // In a repeated hour the abbreviation tells which of the two it is.
        let named = candidates.iter().find(|offset| {
            let at = offset.to_timestamp(local).ok();
            at.is_some_and(|at| zone.to_offset_info(at).abbreviation() == written.zone)
        });
        match (named, written.zone) {
            (Some(offset), _) => Some(i64::from(offset.seconds())),
            (None, "") => candidates.first().map(|offset| i64::from(offset.seconds())),
            // The stamp's own abbreviation contradicts the stated zone: it is nearer to the truth.
            (None, _) => known.or(candidates.first().map(|offset| i64::from(offset.seconds()))),
        }
    }
}
