//! Calendar events: weekdays, dates, times and a zone, and when they elapse. A local time that a change of the
//! clocks leaves out does not elapse, one that comes twice elapses the first time only, except for who is asked
//! within the repetition: `find_next` of `calendarspec.c`. It elapses in microseconds and is told in seconds, so
//! that fractions give several runs of one second.

use super::super::{Meaning, Rejected, zone};
use super::chain::{Chain, SECOND, Unit};
use super::{rejected, words};
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// The years that systemd knows.
const YEARS: (i64, i64) = (1970, 2199);
const ALL_WEEKDAYS: u8 = 0b111_1111;

/// A calendar event.
#[derive(Debug, Clone, Default)]
pub(super) struct Calendar {
    pub years: Chain,
    /// Bits 1 to 12.
    pub months: u64,
    /// Bits 1 to 31, by the month's length from 28 days on.
    pub days: [u64; 4],
    pub all_days: bool,
    /// The days of a December, where a step may go on beyond its end.
    december: Chain,
    /// The days as written, counted from the month's end or not.
    pub day_chain: Chain,
    pub from_end: bool,
    /// Bit 0 is Monday.
    pub weekdays: u8,
    pub hours: u64,
    pub minutes: u64,
    hour_chain: Chain,
    minute_chain: Chain,
    /// Microseconds of a minute.
    pub seconds: Chain,
    pub zone: Option<(String, TimeZone)>,
}

/// The parts as read, before they are checked.
#[derive(Default)]
struct Parts {
    weekdays: u8,
    year: Chain,
    month: Chain,
    day: Chain,
    from_end: bool,
    hour: Chain,
    minute: Chain,
    second: Chain,
}

/// Keywords: month and day (none: each), hour and minute (none: each), and whether only on Mondays.
type Keyword = (&'static str, &'static [i64], Option<i64>, Option<i64>, Option<i64>, bool);
const KEYWORDS: [Keyword; 13] = [
    ("minutely", &[], None, None, None, false),
    ("hourly", &[], None, None, Some(0), false),
    ("daily", &[], None, Some(0), Some(0), false),
    ("weekly", &[], None, Some(0), Some(0), true),
    ("monthly", &[], Some(1), Some(0), Some(0), false),
    ("quarterly", &[1, 4, 7, 10], Some(1), Some(0), Some(0), false),
    ("semiannually", &[1, 7], Some(1), Some(0), Some(0), false),
    ("semi-annually", &[1, 7], Some(1), Some(0), Some(0), false),
    ("biannually", &[1, 7], Some(1), Some(0), Some(0), false),
    ("bi-annually", &[1, 7], Some(1), Some(0), Some(0), false),
    ("annually", &[1], Some(1), Some(0), Some(0), false),
    ("anually", &[1], Some(1), Some(0), Some(0), false),
    ("yearly", &[1], Some(1), Some(0), Some(0), false),
];

const WEEKDAYS: [(&str, &str); 7] = [
    ("monday", "mon"),
    ("tuesday", "tue"),
    ("wednesday", "wed"),
    ("thursday", "thu"),
    ("friday", "fri"),
    ("saturday", "sat"),
    ("sunday", "sun"),
];

impl Calendar {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Calendar, Rejected> {
        let (body, mut zone) = split_zone(text);
        if body.is_empty() {
            return Err(rejected("the expression is empty"));
        }
        let parts = match keyword(body) {
            Some(parts) => parts,
            None => {
                let (parts, absolute) = Parts::parse(body).map_err(|why| blame_zone(body, why))?;
                if absolute {
                    zone = Some(("UTC".to_owned(), TimeZone::UTC));
                }
                parts
            }
        };
        parts.settle(zone)
    }

    /// The first day at or after this one that it names.
    fn day_from(&self, from: Date) -> Option<Date> {
        let (mut year, mut month, mut day) = (from.year(), from.month(), from.day());
        loop {
            let found = i16::try_from(self.years.next(i64::from(year))?).ok()?;
            if i64::from(found) > YEARS.1 {
                return None;
            }
            if found != year {
                (year, month, day) = (found, 1, 1);
            }
            let Some(found) = bit_from(self.months, i64::from(month)) else {
                (year, month, day) = (year + 1, 1, 1);
                continue;
            };
            if found != month {
                (month, day) = (found, 1);
            }
            let first = Date::new(year, month, 1).ok()?;
            if let Some(date) = self.day_in_month(first, day) {
                return Some(date);
            }
            // A step over the end of December goes on from where it comes down in January.
            (year, month, day) = match self.december.over(32) {
                over if month == 12 => (year + 1, 1, 1 + over),
                _ => (year, month + 1, 1),
            };
        }
    }

    fn day_in_month(&self, first: Date, from: i8) -> Option<Date> {
        let length = first.days_in_month();
        let days = self.days[usize::try_from(length).ok()?.checked_sub(28)?.min(3)];
        let weekday = first.weekday().to_monday_zero_offset();
        let mut day = from;
        loop {
            day = bit_from(days, i64::from(day)).filter(|day| *day <= length)?;
            let weekday = (weekday + day - 1) % 7;
            if self.weekdays & (1 << weekday) != 0 {
                return Date::new(first.year(), first.month(), day).ok();
            }
            day += 1;
        }
    }
}

/// The lowest set bit at or after one.
fn bit_from(bits: u64, from: i64) -> Option<i8> {
    let left = if from > 63 { 0 } else { bits >> from };
    if left == 0 { None } else { i8::try_from(from + i64::from(left.trailing_zeros())).ok() }
}

/// The expression without its zone, and the zone: `UTC` in any case, or a name of the zone database exactly.
fn split_zone(text: &str) -> (&str, Option<(String, TimeZone)>) {
    let Some((body, name)) = text.rsplit_once(' ') else { return (text, None) };
    if name.eq_ignore_ascii_case("UTC") {
        return (body, Some(("UTC".to_owned(), TimeZone::UTC)));
    }
    let same = |zone: &TimeZone| zone.iana_name() == Some(name) || NAMES_OF_UTC.contains(&name);
    match zone(name).filter(same) {
        Some(zone) => (body, Some((name.to_owned(), zone))),
        None => (text, None),
    }
}

/// Names of the zone database for UTC.
const NAMES_OF_UTC: [&str; 4] = ["GMT", "Etc/UTC", "Etc/GMT", "Zulu"];

/// Where all but the last word is an expression, that word is what is wrong.
fn blame_zone(text: &str, why: Rejected) -> Rejected {
    match text.rsplit_once(' ') {
        Some((body, name)) if keyword(body).is_some() || Parts::parse(body).is_ok() => {
            let why =
                "no zone of the zone database (an abbreviation holds only on hosts whose own zone has it)";
            rejected(format!("{name}: {why}"))
        }
        _ => why,
    }
}

fn keyword(text: &str) -> Option<Parts> {
    let known = KEYWORDS.iter().find(|(word, ..)| word.eq_ignore_ascii_case(text))?;
    let (_, months, day, hour, minute, mondays) = known;
    let one = |value: &Option<i64>| value.map(Chain::of).unwrap_or_default();
    Some(Parts {
        weekdays: u8::from(*mondays),
        month: Chain(months.iter().flat_map(|month| Chain::of(*month).0).collect()),
        day: one(day),
        hour: one(hour),
        minute: one(minute),
        second: Chain::of(0),
        ..Parts::default()
    })
}

/// Spaces between two parts: any number of them.
fn spaces(text: &str) -> &str {
    text.trim_start_matches(' ')
}

impl Parts {
    /// Reads an expression that is no keyword; also whether it is a moment of Unix time.
    fn parse(text: &str) -> Result<(Parts, bool), Rejected> {
        let mut parts = Parts::default();
        let rest = parts.weekdays(text)?;
        if let Some(moment) = rest.strip_prefix('@') {
            parts.moment(moment)?;
            return Ok((parts, true));
        }
        let rest = parts.date(rest)?;
        parts.time(rest)?;
        Ok((parts, false))
    }

    /// `Mon..Fri,Sun `; where no name of a day stands, there is no such part.
    fn weekdays<'a>(&mut self, text: &'a str) -> Result<&'a str, Rejected> {
        let mut rest = text;
        let mut range_from = None;
        loop {
            let starts =
                |name: &str| rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
            let named = WEEKDAYS.iter().enumerate().find_map(|(day, (long, short))| {
                let name = [long, short].into_iter().find(|name| starts(name))?;
                Some((day, name.len()))
            });
            let Some((day, length)) = named else {
                let first = rest.len() == text.len();
                return if first {
                    Ok(text)
                } else {
                    Err(rejected(format!("{rest:?} is no day of the week")))
                };
            };
            rest = &rest[length..];
            let from = range_from.take().unwrap_or(day);
            if from > day {
                return Err(rejected(
                    "a range of weekdays ends before it begins (the week starts on Monday)",
                ));
            }
            let ranged = from != day;
            (from..=day).for_each(|day| self.weekdays |= 1 << day);
            let after = match rest.as_bytes() {
                [] | [b' ', ..] => return Ok(spaces(rest)),
                [b'.', b'.', ..] if !ranged => (Some(day), &rest[2..]),
                [b'-', ..] if !ranged => (Some(day), &rest[1..]),
                [b',', ..] => (None, &rest[1..]),
                _ => return Err(rejected(format!("{rest:?} cannot follow a day of the week"))),
            };
            (range_from, rest) = after;
            if rest.is_empty() || rest.starts_with(' ') {
                return match range_from {
                    None => Ok(spaces(rest)),
                    Some(_) => Err(rejected("a range of weekdays has no end")),
                };
            }
        }
    }

    /// `@SECONDS`, counted from 1970 in UTC.
    fn moment(&mut self, text: &str) -> Result<(), Rejected> {
        let seconds: i64 = text.parse().map_err(|_| rejected("a number of seconds must follow @"))?;
        let time = Timestamp::from_second(seconds).map_err(|_| rejected(format!("{text} is too large")))?;
        let local = TimeZone::UTC.to_datetime(time);
        self.year = Chain::of(local.year().into());
        self.month = Chain::of(local.month().into());
        self.day = Chain::of(local.day().into());
        self.hour = Chain::of(local.hour().into());
        self.minute = Chain::of(local.minute().into());
        self.second = Chain::of(i64::from(local.second()) * SECOND);
        Ok(())
    }

    /// `year-month-day`, `month-day`, or nothing where a time comes at once; `~` in front of a day counts it
    /// from the month's end.
    fn date<'a>(&mut self, text: &'a str) -> Result<&'a str, Rejected> {
        if text.is_empty() {
            return Ok(text);
        }
        let (first, rest) = Chain::parse(text, Unit::Whole)?;
        if rest.is_empty() || rest.starts_with(':') {
            return Ok(text);
        }
        let (second, rest) = self.behind_dash(rest)?;
        if rest.is_empty() || rest.starts_with(' ') {
            (self.month, self.day) = (first, second);
            return Ok(spaces(rest));
        }
        if self.from_end {
            return Err(rejected("~ stands only in front of a day"));
        }
        let (third, rest) = self.behind_dash(rest)?;
        if !rest.is_empty() && !rest.starts_with(' ') {
            return Err(rejected(format!("{rest:?} cannot follow a date")));
        }
        (self.year, self.month, self.day) = (first, second, third);
        Ok(spaces(rest))
    }

    fn behind_dash<'a>(&mut self, text: &'a str) -> Result<(Chain, &'a str), Rejected> {
        self.from_end = text.starts_with('~');
        match text.strip_prefix(['-', '~']) {
            Some(rest) => Chain::parse(rest, Unit::Whole),
            None => Err(rejected(format!("{text:?} cannot stand in a date"))),
        }
    }

    /// `hour:minute`, `hour:minute:second`; nothing is midnight.
    fn time(&mut self, text: &str) -> Result<(), Rejected> {
        if text.is_empty() {
            (self.hour, self.minute, self.second) = (Chain::of(0), Chain::of(0), Chain::of(0));
            return Ok(());
        }
        let (hour, rest) = Chain::parse(text, Unit::Whole)?;
        let behind_colon = |rest: &str| rejected(format!("a colon is missing in the time before {rest:?}"));
        let minute = rest.strip_prefix(':').ok_or_else(|| behind_colon(rest))?;
        let (minute, rest) = Chain::parse(minute, Unit::Whole)?;
        let (second, rest) = match rest.strip_prefix(':') {
            _ if rest.is_empty() => (Chain::of(0), rest),
            None => return Err(behind_colon(rest)),
            Some(second) => Chain::parse(second, Unit::Seconds)?,
        };
        if !rest.is_empty() {
            return Err(rejected(format!("{rest:?} cannot follow a time")));
        }
        (self.hour, self.minute, self.second) = (hour, minute, second);
        Ok(())
    }

    /// Holds every part to its bounds.
    fn settle(mut self, zone: Option<(String, TimeZone)>) -> Result<Calendar, Rejected> {
        for element in &mut self.year.0 {
            element.start = whole_year(element.start);
            element.stop = element.stop.map(whole_year);
        }
        let from_end = self.from_end && !self.day.is_star();
        self.year.settle("year", YEARS.0, YEARS.1, false)?;
        self.month.settle("month", 1, 12, false)?;
        self.day.settle("day", 1, 31, from_end)?;
        self.hour.settle("hour", 0, 23, false)?;
        self.minute.settle("minute", 0, 59, false)?;
        self.second.settle("second", 0, 60 * SECOND - 1, false)?;
        let weekdays = if self.weekdays == 0 { ALL_WEEKDAYS } else { self.weekdays };
        Ok(Calendar {
            months: self.month.bits(1, 12),
            days: [28, 29, 30, 31].map(|length| day_bits(&self.day, length, from_end)),
            all_days: self.day.is_star(),
            december: if from_end { turned(&self.day, 31) } else { self.day.clone() },
            hours: self.hour.bits(0, 23),
            minutes: self.minute.bits(0, 59),
            hour_chain: self.hour,
            minute_chain: self.minute,
            years: self.year,
            day_chain: self.day,
            from_end,
            weekdays,
            seconds: self.second,
            zone,
        })
    }
}

/// 26 is 2026, 89 is 1989.
fn whole_year(year: i64) -> i64 {
    match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        _ => year,
    }
}

/// The days of a month of this length.
fn day_bits(days: &Chain, length: i64, from_end: bool) -> u64 {
    if from_end { turned(days, length).bits(1, length) } else { days.bits(1, length) }
}

/// Days counted from the end of a month of this length, counted from its beginning: a range is turned around and
/// a step goes forward from its first day.
fn turned(days: &Chain, length: i64) -> Chain {
    let turned = days.0.iter().map(|element| {
        let mut turned = *element;
        turned.start = length + 1 - element.start;
        if let Some(stop) = element.stop {
            turned.stop = Some(turned.start);
            turned.start = length + 1 - stop;
        }
        turned
    });
    Chain(turned.collect())
}

/// The way through the moments of a calendar event.
struct Walk<'a> {
    calendar: &'a Calendar,
    zone: &'a TimeZone,
    /// Where it stands: nothing before this local time is looked at. Hours and minutes may have run over.
    day: Date,
    hour: i8,
    minute: i8,
    microsecond: i64,
    /// Whether the day is one of the calendar event's own.
    own_day: bool,
    /// When the day begins, where the clocks do not change on it; looked up once a day.
    midnight: Option<Option<i64>>,
    /// Local times that come twice are meant in their second coming: it was asked from within it.
    repeated: bool,
    over: bool,
}

impl<'a> Walk<'a> {
    fn new(calendar: &'a Calendar, zone: &'a TimeZone, from: i64) -> Option<Walk<'a>> {
        let zone = calendar.zone.as_ref().map_or(zone, |(_, own)| own);
        let start = Timestamp::from_second(from).ok()?;
        let local = zone.to_datetime(start);
        let repeated = match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Fold { before, .. } => zone.to_offset(start) != before,
            _ => false,
        };
        Some(Walk {
            calendar,
            zone,
            day: local.date(),
            hour: local.hour(),
            minute: local.minute(),
            microsecond: i64::from(local.second()) * SECOND + 1,
            own_day: false,
            midnight: None,
            repeated,
            over: false,
        })
    }

    /// Goes on to a later day, at this hour and minute, where it is one of the calendar event's own.
    fn start_day(&mut self, hour: i8, minute: i8) {
        match self.day.tomorrow() {
            Ok(next) => self.day = next,
            Err(_) => self.over = true,
        }
        (self.hour, self.minute) = (hour, minute);
        (self.own_day, self.midnight) = (false, None);
    }

    /// No hour of the day is left. A step that runs over the day is put at the beginning of the next one, but at
    /// the beginning of a month it stays where it came down.
    fn end_day(&mut self) {
        let over = self.calendar.hour_chain.over(24);
        self.start_day(0, 0);
        if self.day.day() == 1 {
            self.hour = over;
        } else if over > 0 {
            self.hour = self.repeated_hours(over);
        }
        self.microsecond = 0;
    }

    /// Coming down behind a repetition at the beginning of the day, it is put at the beginning of the day in the
    /// later offset, which is as much later as the clocks went back.
    fn repeated_hours(&self, over: i8) -> i8 {
        let offset = |hour: i8| self.zone.to_ambiguous_timestamp(self.day.at(hour, 0, 0, 0)).offset();
        match (offset(0), offset(over)) {
            (
                AmbiguousOffset::Unambiguous { offset: early },
                AmbiguousOffset::Unambiguous { offset: late },
            ) => i8::try_from((early.seconds() - late.seconds()).max(0) / 3600).unwrap_or(0),
            _ => 0,
        }
    }

    /// No minute of the hour is left. A step that runs over the hour is put at the beginning of the next one, but
    /// at the beginning of a day it stays where it came down.
    fn end_hour(&mut self) {
        self.microsecond = 0;
        if self.hour < 23 {
            (self.hour, self.minute) = (self.hour + 1, 0);
        } else {
            self.start_day(0, self.calendar.minute_chain.over(60));
        }
    }

    /// No moment of the minute is left. A step that runs over the minute takes its fraction of a second with it,
    /// and over the hour its seconds too.
    fn end_minute(&mut self, over: Option<i64>) {
        let over = over.map_or(0, |moment| moment - 60 * SECOND);
        if self.minute < 59 {
            self.minute += 1;
            self.microsecond = over % SECOND;
            return;
        }
        self.microsecond = over;
        if self.hour < 23 {
            (self.hour, self.minute) = (self.hour + 1, 0);
        } else {
            self.start_day(0, 0);
        }
    }

    /// The next local moment as hour, minute and microsecond of the day it then stands on.
    fn local(&mut self) -> Option<(i8, i8, i64)> {
        while !self.over {
            if !self.own_day {
                let day = self.calendar.day_from(self.day)?;
                if day != self.day {
                    self.day = day;
                    (self.hour, self.minute, self.microsecond) = (0, 0, 0);
                }
                (self.own_day, self.midnight) = (true, None);
            }
            let Some(hour) = bit_from(self.calendar.hours, self.hour.into()) else {
                self.end_day();
                continue;
            };
            if hour != self.hour {
                (self.hour, self.minute, self.microsecond) = (hour, 0, 0);
            }
            let Some(minute) = bit_from(self.calendar.minutes, self.minute.into()) else {
                self.end_hour();
                continue;
            };
            if minute != self.minute {
                (self.minute, self.microsecond) = (minute, 0);
            }
            match self.calendar.seconds.next(self.microsecond) {
                Some(moment) if moment < 60 * SECOND => {
                    self.microsecond = moment + 1;
                    return Some((hour, minute, moment));
                }
                over => self.end_minute(over),
            }
        }
        None
    }

    /// When the day begins, if all of it has one offset.
    fn look_up_midnight(&self) -> Option<i64> {
        let offset = |day: Date| match self.zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).offset() {
            AmbiguousOffset::Unambiguous { offset } => Some(offset),
            _ => None,
        };
        let (first, last) = (offset(self.day)?, offset(self.day.checked_add(1.day()).ok()?)?);
        let start = first.to_timestamp(self.day.at(0, 0, 0, 0)).ok()?;
        let change = self.zone.following(start).next();
        let end = start.as_second() + 86_400;
        let within = change.is_some_and(|change| change.timestamp().as_second() <= end);
        (first == last && !within).then_some(start.as_second())
    }

    /// When a local moment is; none, where the clocks leave it out.
    fn moment(&mut self, hour: i8, minute: i8, second: i64) -> Option<i64> {
        let midnight = match self.midnight {
            Some(known) => known,
            None => *self.midnight.insert(self.look_up_midnight()),
        };
        if let Some(midnight) = midnight {
            return Some(midnight + i64::from(hour) * 3600 + i64::from(minute) * 60 + second);
        }
        let local = self.day.at(hour, minute, i8::try_from(second).ok()?, 0);
        let offset = match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                self.repeated = false;
                offset
            }
            AmbiguousOffset::Fold { after, .. } if self.repeated => after,
            AmbiguousOffset::Fold { before, .. } => before,
            AmbiguousOffset::Gap { .. } => return None,
        };
        offset.to_timestamp(local).ok().map(|time| time.as_second())
    }
}

impl Iterator for Walk<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        loop {
            let (hour, minute, moment) = self.local()?;
            if let Some(time) = self.moment(hour, minute, moment / SECOND) {
                return Some(time);
            }
        }
    }
}

impl Meaning for Calendar {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(Walk::new(self, zone, from).into_iter().flatten())
    }

    fn words(&self) -> String {
        words::calendar(self)
    }

    fn zone(&self) -> Option<&str> {
        self.zone.as_ref().map(|(name, _)| name.as_str())
    }
}
