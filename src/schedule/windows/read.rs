//! The text of a trigger read: words between blanks, as `super` shows them. What it does not know it rejects.

use super::days::{ALL_MONTHS, Days, MONTHS, WEEKDAYS, WEEKS};
use super::{Boundary, CHANGE_OF_CLOCKS, Happening, Rejected, Repeat, Trigger, rejected};
use jiff::civil::{DateTime, Time};

/// What was read.
pub(super) enum Read {
    ByClock(Trigger),
    Happens(Happening),
}

/// What fires a trigger that no clock does, as the elements of the schema are called without `Trigger`.
const HAPPENINGS: [&str; 6] = ["boot", "logon", "session", "idle", "registration", "event"];
/// The longest interval, in seconds (`repetitionType`: P31D).
const MAX_INTERVAL: i64 = 31 * 86_400;

struct Words<'a> {
    words: std::iter::Peekable<std::str::SplitWhitespace<'a>>,
}

impl<'a> Words<'a> {
    fn next(&mut self, what: &str) -> Result<&'a str, Rejected> {
        self.words.next().ok_or_else(|| rejected(format!("{what} is missing")))
    }

    /// Whether this word comes next, which is then taken.
    fn takes(&mut self, word: &str) -> bool {
        self.words.next_if(|next| *next == word).is_some()
    }

    fn number(&mut self, most: i64) -> Result<i64, Rejected> {
        let word = self.next("a number")?;
        let number = word.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| rejected(format!("{word:?} is not in 1-{most}")))
    }

    /// The sets of names behind `on` and in front of it: bits of the names' places.
    fn names(&mut self, names: &[&str], what: &str) -> Result<u16, Rejected> {
        let mut set = 0;
        for name in self.next(what)?.split(',') {
            let place = names.iter().position(|known| known.eq_ignore_ascii_case(name));
            set |= 1 << place.ok_or_else(|| rejected(format!("{name:?} is no {what}")))?;
        }
        Ok(set)
    }

    fn months(&mut self) -> Result<u16, Rejected> {
        if self.takes("of") { Ok(self.names(&MONTHS, "month")? << 1) } else { Ok(ALL_MONTHS) }
    }

    fn repeat(&mut self) -> Result<Option<Repeat>, Rejected> {
        if !self.takes("repeat") {
            return Ok(None);
        }
        let interval = seconds(self.next("an interval")?)?;
        if !(60..=MAX_INTERVAL).contains(&interval) {
            return Err(rejected("an interval is from PT1M to P31D"));
        }
        let duration = if self.takes("for") { Some(seconds(self.next("a duration")?)?) } else { None };
        Ok(Some(Repeat { interval, duration }))
    }

    fn end(&mut self) -> Result<(), Rejected> {
        match self.words.next() {
            None => Ok(()),
            Some(word) => Err(rejected(format!("{word:?} is not understood"))),
        }
    }
}

/// A whole trigger.
pub(super) fn trigger(text: &str) -> Result<Read, Rejected> {
    let mut words = Words { words: text.split_whitespace().peekable() };
    let first = words.next("a trigger")?;
    if let Some(what) = HAPPENINGS.into_iter().find(|what| *what == first) {
        let delay = if words.takes("delay") { seconds(words.next("a delay")?)? } else { 0 };
        let repeat = words.repeat()?;
        words.end()?;
        return Ok(Read::Happens(Happening { what, delay, repeat }));
    }
    let start = first
        .strip_prefix("start=")
        .ok_or_else(|| rejected("a trigger begins with start= or what fires it"))?;
    let start = boundary(start)?;
    let days = days(&mut words)?;
    let repeat = words.repeat()?;
    let random = if words.takes("random") { seconds(words.next("a delay")?)?.unsigned_abs() } else { 0 };
    let until = match words.words.next_if(|word| word.starts_with("until=")) {
        Some(word) => Some(boundary(word.trim_start_matches("until="))?),
        None => None,
    };
    words.end()?;
    let mut notes = Vec::new();
    if start.zone.is_none() && start.time.hour() < 4 && days != Days::Once {
        notes.push(CHANGE_OF_CLOCKS.to_owned());
    }
    Ok(Read::ByClock(Trigger { start, until, days, repeat, random, notes }))
}

fn days(words: &mut Words<'_>) -> Result<Days, Rejected> {
    if words.takes("once") {
        return Ok(Days::Once);
    }
    if words.takes("every") {
        // daysInterval and weeksInterval of the schema.
        let number = words.number(365)?;
        if words.takes("day") || words.takes("days") {
            return Ok(Days::Daily(number));
        }
        if (!words.takes("week") && !words.takes("weeks")) || number > 52 || !words.takes("on") {
            return Err(rejected("every: so many days, or up to 52 weeks on weekdays"));
        }
        return Ok(Days::Weekly { weeks: number, days: words.names(&WEEKDAYS, "weekday")? as u8 });
    }
    if !(words.takes("each") && words.takes("month") && words.takes("on")) {
        return Err(rejected("once, every or each month on is needed behind the start"));
    }
    let list = words.next("a day")?;
    // `last` alone is the last day, and before a weekday its last one.
    let of_week = words.words.peek().is_some_and(|next| {
        next.split(',').any(|name| WEEKDAYS.iter().any(|day| day.eq_ignore_ascii_case(name)))
    });
    if of_week {
        let mut weeks = 0;
        for week in list.split(',') {
            let place = WEEKS.iter().position(|known| known.eq_ignore_ascii_case(week));
            weeks |= 1 << place.ok_or_else(|| rejected(format!("{week:?} is no week of a month")))?;
        }
        let days = words.names(&WEEKDAYS, "weekday")? as u8;
        return Ok(Days::MonthlyWeekday { weeks, days, months: words.months()? });
    }
    let (mut days, mut last) = (0, false);
    for day in list.split(',') {
        match day.parse::<u32>() {
            Ok(day @ 1..=31) => days |= 1 << day,
            _ if day.eq_ignore_ascii_case("last") => last = true,
            _ => return Err(rejected(format!("{day:?} is no day of a month"))),
        }
    }
    Ok(Days::Monthly { days, last, months: words.months()? })
}

/// A moment of `xs:dateTime`, or a time alone; a part of a second says nothing.
fn boundary(text: &str) -> Result<Boundary, Rejected> {
    let wrong = || rejected(format!("{text:?} is no time such as 2026-01-01T02:00:00"));
    let (date, clock) = text.split_once('T').map_or((None, text), |(date, clock)| (Some(date), clock));
    let at = clock.find(['Z', '+', '-']).unwrap_or(clock.len());
    let (clock, offset) = clock.split_at(at);
    let zone = match offset {
        "" => None,
        "Z" => Some("UTC"),
        offset => Some(offset),
    };
    let zone = match zone {
        None => None,
        Some(name) => Some((name.to_owned(), super::super::zone(name).ok_or_else(wrong)?)),
    };
    let clock = clock.split('.').next().unwrap_or(clock);
    let time: Time = clock.parse().map_err(|_| wrong())?;
    let date = match date {
        None => None,
        Some(date) => Some(format!("{date}T{time}").parse::<DateTime>().map_err(|_| wrong())?.date()),
    };
    Ok(Boundary { date, time, zone })
}

/// The seconds of `xs:duration`; months and years have no length of their own and are refused, what is longer than any
/// calendar is as long as can be.
fn seconds(text: &str) -> Result<i64, Rejected> {
    let wrong = || rejected(format!("{text:?} is no duration such as PT15M"));
    let rest = text.strip_prefix('P').ok_or_else(wrong)?;
    let (days, time) = rest.split_once('T').map_or((rest, ""), |(days, time)| (days, time));
    if rest.is_empty() || rest.ends_with('T') {
        return Err(wrong());
    }
    let (mut whole, mut digits) = (0i64, String::new());
    for (part, units) in [(days, &[('D', 86_400)][..]), (time, &[('H', 3600), ('M', 60), ('S', 1)])] {
        let mut units = units.iter();
        for c in part.chars() {
            if c.is_ascii_digit() || (c == '.' && !digits.is_empty()) {
                digits.push(c);
                continue;
            }
            let (_, length) = units.find(|(unit, _)| *unit == c).ok_or_else(wrong)?;
            let number = digits.split('.').next().filter(|number| !number.is_empty()).ok_or_else(wrong)?;
            let number = number.parse::<i64>().unwrap_or(i64::MAX / 2).saturating_mul(*length);
            whole = whole.saturating_add(number);
            digits.clear();
        }
        if !digits.is_empty() {
            return Err(wrong());
        }
    }
    Ok(whole)
}
