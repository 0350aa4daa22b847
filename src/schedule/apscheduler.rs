//! APScheduler 3: `cron[…]`, `interval[…]` and `date[…]` as its triggers write themselves, and five fields as
//! `CronTrigger.from_crontab` takes them, where Monday is 0. The search for the next time follows `CronTrigger` field by
//! field, where clocks change, so that it goes where APScheduler goes then. Rules read from apscheduler/triggers/cron and tried
//! on them. It never tells where an interval begins, because that is when its scheduler starts.

use super::airflow::delta;
use super::calendar::{Calendar, DayRule};
use super::fields::{MONTH_NAMES, digits, every, rejected};
use super::{Dialect, Meaning, Rejected, Schedule, duration};
use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// APScheduler.
pub struct Apscheduler;

/// A field of `CronTrigger`: its bounds, what it is where only finer fields are given, and whether a date is made of it.
struct Field {
    name: &'static str,
    low: i64,
    high: i64,
    default: &'static str,
    real: bool,
}

const fn field(name: &'static str, low: i64, high: i64, default: &'static str, real: bool) -> Field {
    Field { name, low, high, default, real }
}

/// From the coarsest to the finest (`FIELD_NAMES`, `MIN_VALUES`, `MAX_VALUES`, `DEFAULT_VALUES`).
static FIELDS: [Field; 8] = [
    field("year", 1970, 9999, "*", true),
    field("month", 1, 12, "1", true),
    field("day", 1, 31, "1", true),
    field("week", 1, 53, "*", false),
    field("day_of_week", 0, 6, "*", false),
    field("hour", 0, 23, "0", true),
    field("minute", 0, 59, "0", true),
    field("second", 0, 59, "0", true),
];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const POSITIONS: [&str; 6] = ["1st", "2nd", "3rd", "4th", "5th", "last"];
/// How many years ahead a run is looked for.
const YEARS: i16 = 40;
/// How many steps one search may take.
const MAX_STEPS: usize = 20_000;
const DAY: i64 = 86_400;
/// What is said of weekdays as numbers.
const MONDAY_IS_0: &str =
    "day of week: APScheduler counts from Monday, which is 0; a crontab counts from Sunday";

impl Dialect for Apscheduler {
    fn name(&self) -> &'static str {
        "apscheduler"
    }

    fn title(&self) -> &'static str {
        "APScheduler 3: cron[…], interval[…], date[…], five fields with Monday as 0"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let text = text.trim();
        let inside = |kind: &str| text.strip_prefix(kind)?.strip_prefix('[')?.strip_suffix(']');
        if let Some(inside) = inside("interval") {
            return delta(&format!("timedelta({inside})"));
        }
        if let Some(inside) = inside("date") {
            let at = inside.trim().replacen(' ', "T", 1);
            let zoned = at.parse::<Timestamp>().ok();
            let local = at.parse::<DateTime>().ok().filter(|_| zoned.is_none());
            let none = zoned.is_none() && local.is_none();
            return if none {
                Err(rejected(format!("{inside}: no date")))
            } else {
                Ok(Schedule::new(Once { zoned, local }))
            };
        }
        match inside("cron") {
            Some(inside) => cron(&arguments(inside)?),
            None => crontab(text),
        }
    }
}

/// `hour='5', minute='*/10'`: names and values, in quotes or not.
fn arguments(text: &str) -> Result<Vec<(&str, &str)>, Rejected> {
    let (mut all, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let wrong = || rejected(format!("{rest:?} is no field and its value"));
        let (name, after) = rest.split_once('=').ok_or_else(wrong)?;
        let (value, after) = match after.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').ok_or_else(wrong)?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        all.push((name.trim(), value.trim()));
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    Ok(all)
}

/// `CronTrigger.from_crontab`.
fn crontab(text: &str) -> Result<Schedule, Rejected> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = parts[..] else {
        return Err(rejected(format!("five fields are needed, not {}", parts.len())));
    };
    let given =
        [("minute", minute), ("hour", hour), ("day", day), ("month", month), ("day_of_week", weekday)];
    cron(&given)
}

fn cron(given: &[(&str, &str)]) -> Result<Schedule, Rejected> {
    let mut spread = 0;
    let mut values: [Option<&str>; 8] = [None; 8];
    for (name, value) in given {
        if *name == "jitter" {
            spread = digits(value).ok_or_else(|| rejected(format!("jitter: {value:?} is no number")))?.into();
            continue;
        }
        let at = FIELDS.iter().position(|field| field.name == *name);
        values[at.ok_or_else(|| rejected(format!("{name}: no field of a CronTrigger")))?] = Some(value);
    }
    // Behind the finest field that is given all are at their lowest.
    let finest = values.iter().rposition(Option::is_some);
    let mut fields = Vec::with_capacity(FIELDS.len());
    for (at, (field, value)) in FIELDS.iter().zip(values).enumerate() {
        let text =
            value.unwrap_or(if finest.is_some_and(|finest| at > finest) { field.default } else { "*" });
        let elements = text.trim().split(',').map(|element| Element::read(element.trim_matches(' '), field));
        fields.push(elements.collect::<Result<Vec<_>, _>>()?);
    }
    let shown: Vec<String> = FIELDS
        .iter()
        .zip(values)
        .filter_map(|(field, value)| Some(format!("{} {}", field.name.replace('_', " "), value?)))
        .collect();
    let weekday = values[4].is_some_and(|value| value.bytes().any(|b| b.is_ascii_digit()));
    let misread = if weekday { vec![MONDAY_IS_0.to_owned()] } else { Vec::new() };
    let words = if shown.is_empty() { "every second".to_owned() } else { format!("at {}", shown.join(", ")) };
    let calendar = calendar(&fields);
    Ok(Schedule::new(Cron { fields, calendar, spread, words, misread }))
}

/// The same fields as sets, for days on which no clock changes; none where weeks or years are told apart.
fn calendar(fields: &[Vec<Element>]) -> Option<Calendar> {
    let any = |at: usize| matches!(fields[at][..], [Element::All(None)]);
    if !any(0) || !any(3) {
        return None;
    }
    let mut rules = Vec::new();
    let mut set = |at: usize| {
        let field = &FIELDS[at];
        let range = |first: i64, last: i64, step: Option<i64>| {
            every(first as u32, last as u32, step.unwrap_or(1) as u32)
        };
        fields[at].iter().fold(0, |set, element| {
            set | match element {
                Element::All(step) => range(field.low, field.high, *step),
                Element::Range { first, last, step } => range(*first, last.unwrap_or(field.high), *step),
                Element::Nth(position, weekday) => {
                    let sunday_is_0 = ((weekday + 1) % 7) as i8;
                    rules.push(match position {
                        5 => DayRule::LastWeekday(sunday_is_0),
                        position => DayRule::NthWeekday(sunday_is_0, *position as i8 + 1),
                    });
                    0
                }
                Element::Last => {
                    rules.push(DayRule::BeforeLast(0));
                    0
                }
            }
        })
    };
    let [months, days, weekdays, hours, minutes, seconds] = [1, 2, 4, 5, 6, 7].map(&mut set);
    Some(Calendar {
        seconds,
        minutes,
        hours: hours as u32,
        days: days as u32,
        months: months as u16,
        // Monday is 0 there, Sunday here.
        weekdays: ((weekdays << 1 | weekdays >> 6) & 0x7f) as u8,
        day_rules: rules,
        ..Calendar::default()
    })
}

/// An element of a field.
#[derive(Debug)]
enum Element {
    /// `*`, `*/5`.
    All(Option<i64>),
    /// `3`, `3-7`, `3-7/2`, `3/2`.
    Range { first: i64, last: Option<i64>, step: Option<i64> },
    /// `2nd fri`: which (5: the last), and the weekday (0 is Monday).
    Nth(usize, i64),
    /// The last day of the month.
    Last,
}

impl Element {
    fn read(text: &str, field: &Field) -> Result<Element, Rejected> {
        let wrong = |why: &str| rejected(format!("{}: {text:?}: {why}", field.name));
        let number = |text: &str| digits(text).map(i64::from);
        let (range, step) = match text.split_once('/') {
            None => (text, None),
            Some((range, step)) => (range, Some(number(step).unwrap_or(-1))),
        };
        let names: &[&str] = match field.name {
            "month" => &MONTH_NAMES,
            "day_of_week" => &WEEKDAYS,
            _ => &[],
        };
        let step_fits = |room: i64| match step {
            Some(step) if step < 1 => Err(wrong("the step is no number above 0")),
            Some(step) if step > room => Err(wrong("the step is longer than the range")),
            _ => Ok(()),
        };
        if range == "*" {
            step_fits(field.high - field.low)?;
            return Ok(Element::All(step));
        }
        let (first, last) = range.split_once('-').map_or((range, None), |(first, last)| (first, Some(last)));
        if let Some(first) = number(first) {
            let last = match last {
                Some(last) => Some(number(last).ok_or_else(|| wrong("it ends in no number"))?),
                None if step.is_none() => Some(first),
                None => None,
            };
            if last.is_some_and(|last| first > last) {
                return Err(wrong("the range ends before it begins"));
            }
            if first < field.low || last.is_some_and(|last| last > field.high) {
                return Err(wrong(&format!("it is not in {}-{}", field.low, field.high)));
            }
            step_fits(field.high - field.low)?;
            step_fits(last.filter(|last| *last != 0).unwrap_or(field.high) - first)?;
            return Ok(Element::Range { first, last, step });
        }
        if field.name == "day" {
            let lower = text.to_ascii_lowercase();
            let position = POSITIONS.iter().position(|it| lower.starts_with(&format!("{it} ")));
            if let Some(position) = position {
                let word = lower[POSITIONS[position].len()..].trim_start();
                let end = word.bytes().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(word.len());
                let weekday = WEEKDAYS.iter().position(|day| *day == &word[..end]);
                return weekday
                    .map(|day| Element::Nth(position, day as i64))
                    .ok_or_else(|| wrong("no weekday"));
            }
            if lower.starts_with("last") {
                return Ok(Element::Last);
            }
        }
        // Names are looked for at the beginning, and what follows them is left.
        let word = |text: &str| {
            let end = text.bytes().position(|b| !b.is_ascii_alphabetic()).unwrap_or(text.len());
            let lower = text[..end].to_ascii_lowercase();
            let value = names.iter().position(|name| *name == lower).map(|at| at as i64 + field.low);
            (value, end)
        };
        let first = word(text);
        let Some(low) = first.0 else { return Err(wrong("it is neither a number nor a name")) };
        let behind = text[first.1..].strip_prefix('-').map(word).filter(|(_, length)| *length > 0);
        let high = match behind {
            Some((None, _)) => return Err(wrong("it ends in no name")),
            Some((Some(high), _)) => high,
            None => low,
        };
        if high < low {
            return Err(wrong("the range ends before it begins"));
        }
        Ok(Element::Range { first: low, last: Some(high), step: None })
    }

    /// The first value from a date's own on.
    fn next(&self, at: DateTime, index: usize) -> Option<i64> {
        let (own, low, high) = (value(at, index), FIELDS[index].low, highest(at, index));
        match self {
            Element::All(step) => {
                let start = own.max(low);
                let next = start + step.map_or(0, |step| (step - (start - low)).rem_euclid(step));
                (next <= high).then_some(next)
            }
            Element::Range { first, last, step } => {
                let low = low.max(*first);
                let high = last.map_or(high, |last| high.min(last));
                let start = low.max(own);
                let next = start + step.map_or(0, |step| (step - (start - low)).rem_euclid(step));
                (next <= high).then_some(next)
            }
            Element::Nth(position, weekday) => {
                let days = i64::from(at.date().days_in_month());
                let first = weekday_of(at.date().first_of_month().weekday());
                let hit = (weekday - first).rem_euclid(7) + 1;
                let day = if *position < 5 { hit + *position as i64 * 7 } else { hit + (days - hit) / 7 * 7 };
                (day <= days && day >= i64::from(at.day())).then_some(day)
            }
            Element::Last => Some(i64::from(at.date().days_in_month())),
        }
    }
}

fn weekday_of(day: Weekday) -> i64 {
    i64::from(day.to_monday_zero_offset())
}

/// The value of a field of a date.
fn value(at: DateTime, index: usize) -> i64 {
    match index {
        0 => at.year().into(),
        1 => at.month().into(),
        2 => at.day().into(),
        3 => at.date().iso_week_date().week().into(),
        4 => weekday_of(at.weekday()),
        5 => at.hour().into(),
        6 => at.minute().into(),
        _ => at.second().into(),
    }
}

fn highest(at: DateTime, index: usize) -> i64 {
    if index == 2 { at.date().days_in_month().into() } else { FIELDS[index].high }
}

/// Values of all fields as a date.
fn date(values: [i64; 8]) -> Option<DateTime> {
    let small = |at: usize| i8::try_from(values[at]).ok();
    let year = i16::try_from(values[0]).ok()?;
    DateTime::new(year, small(1)?, small(2)?, small(5)?, small(6)?, small(7)?, 0).ok()
}

/// A wall time, and whether it is the second of two (PEP 495).
#[derive(Clone, Copy)]
struct Wall {
    at: DateTime,
    fold: bool,
}

impl Wall {
    fn of(moment: i64, zone: &TimeZone) -> Option<Wall> {
        let time = Timestamp::from_second(moment).ok()?;
        let (at, own) = (zone.to_datetime(time), zone.to_offset(time));
        let fold = matches!(zone.to_ambiguous_timestamp(at).offset(), AmbiguousOffset::Fold { after, .. } if after == own);
        Some(Wall { at, fold })
    }

    /// The moment; a time that is left out is read with the offset before the change, in a fold with that after it.
    fn moment(self, zone: &TimeZone) -> Option<i64> {
        let offset =
            match zone.to_ambiguous_timestamp(self.at).offset() {
                AmbiguousOffset::Unambiguous { offset } => offset,
                AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => {
                    if self.fold { after } else { before }
                }
            };
        offset.to_timestamp(self.at).ok().map(|time| time.as_second())
    }
}

/// A `CronTrigger`.
#[derive(Debug)]
struct Cron {
    fields: Vec<Vec<Element>>,
    calendar: Option<Calendar>,
    spread: u64,
    words: String,
    misread: Vec<String>,
}

impl Cron {
    /// `get_next_fire_time`: the first time from a moment on.
    fn from(&self, moment: i64, zone: &TimeZone) -> Option<i64> {
        let mut next = Wall::of(moment, zone)?;
        let until = next.at.year().saturating_add(YEARS);
        let mut index = 0;
        for _ in 0..MAX_STEPS {
            if index == FIELDS.len() {
                return next.moment(zone);
            }
            if next.at.year() > until {
                return None;
            }
            let found = self.fields[index].iter().filter_map(|element| element.next(next.at, index)).min();
            match found {
                None => (next, index) = increment(next, index.checked_sub(1)?, zone)?,
                Some(found) if found > value(next.at, index) && FIELDS[index].real => {
                    next.at = set(next.at, index, found)?;
                    index += 1;
                }
                Some(found) if found > value(next.at, index) => (next, index) = increment(next, index, zone)?,
                Some(_) => index += 1,
            }
        }
        None
    }
}

/// `_set_field_value`: finer fields are at their lowest.
fn set(at: DateTime, index: usize, to: i64) -> Option<DateTime> {
    let mut values = [0; 8];
    for (place, own) in values.iter_mut().enumerate() {
        *own = match place.cmp(&index) {
            std::cmp::Ordering::Less => value(at, place),
            std::cmp::Ordering::Equal => to,
            std::cmp::Ordering::Greater => FIELDS[place].low,
        };
    }
    date(values)
}

/// `_increment_field_value`: one more in a field, or in the next coarser one that has room; the field it was.
fn increment(from: Wall, index: usize, zone: &TimeZone) -> Option<(Wall, usize)> {
    let mut index = index;
    while !FIELDS[index].real || value(from.at, index) == highest(from.at, index) {
        index = index.checked_sub(1)?;
    }
    let to = set(from.at, index, value(from.at, index) + 1)?;
    // The difference of the wall times is added to the moment.
    let difference = from.at.until((jiff::Unit::Second, to)).ok()?.get_seconds();
    let moment = from.moment(zone)?.checked_add(difference)?;
    Some((Wall::of(moment, zone)?, index))
}

impl Meaning for Cron {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(Runs { cron: self, zone, last: from, steady: None })
    }

    fn words(&self) -> String {
        match self.spread {
            0 => self.words.clone(),
            spread => format!("{}, or up to {} later", self.words, duration(spread)),
        }
    }

    fn spread_seconds(&self) -> u64 {
        self.spread
    }

    fn notes(&self) -> &[String] {
        &self.misread
    }

    fn misread(&self) -> &[String] {
        &self.misread
    }
}

static UTC: TimeZone = TimeZone::UTC;

/// The runs of a `CronTrigger`: by its sets where no clock changes, by its own search around a change.
struct Runs<'a> {
    cron: &'a Cron,
    zone: &'a TimeZone,
    last: i64,
    /// Wall times as if they were UTC, the offset that holds, and until when it surely does.
    steady: Option<(Box<dyn Iterator<Item = i64> + 'a>, i64, i64)>,
}

impl Runs<'_> {
    fn find_steady(&mut self) -> Option<()> {
        let calendar = self.cron.calendar.as_ref()?;
        let time = Timestamp::from_second(self.last).ok()?;
        let seconds =
            |change: Option<jiff::tz::TimeZoneTransition<'_>>| change.map(|it| it.timestamp().as_second());
        let before = seconds(self.zone.preceding(time).next());
        let until = seconds(self.zone.following(time).next()).map_or(i64::MAX, |after| after - 2 * DAY);
        if before.is_some_and(|before| self.last < before + 2 * DAY) || self.last >= until {
            return None;
        }
        let offset = i64::from(self.zone.to_offset(time).seconds());
        self.steady = Some((calendar.runs(&UTC, self.last + offset), offset, until));
        Some(())
    }
}

impl Iterator for Runs<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        if self.steady.is_none() {
            self.find_steady();
        }
        let found = self.steady.as_mut().and_then(|(wall, offset, until)| {
            wall.next().map(|wall| wall - *offset).filter(|run| *run < *until)
        });
        if found.is_none() {
            self.steady = None;
        }
        let last = self.last;
        let run =
            found.or_else(|| self.cron.from(last.checked_add(1)?, self.zone)).filter(|run| *run > last)?;
        self.last = run;
        Some(run)
    }
}

/// A `DateTrigger`.
#[derive(Debug)]
struct Once {
    zoned: Option<Timestamp>,
    local: Option<DateTime>,
}

impl Meaning for Once {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        let zoned = self.zoned.map(|time| time.as_second());
        let local = || self.local.and_then(|at| Wall { at, fold: false }.moment(zone));
        Box::new(zoned.or_else(local).into_iter().filter(move |at| *at > from))
    }

    fn words(&self) -> String {
        let at = self.zoned.map(|time| time.to_string()).or(self.local.map(|at| at.to_string()));
        format!("once, at {}", at.unwrap_or_default())
    }
}
