//! Airflow: cron expressions of croniter, presets, `timedelta(…)` with the moment it counts from, and what no clock
//! starts. A run starts at the end of its data interval, which is the moment the expression means. Rules read from
//! Airflow's `timetables/_cron.py` and `interval.py` and from croniter's `_expand`, and tried on both. It never guesses
//! where an interval without a moment begins.

use super::calendar::{Calendar, Combine, DayRule};
use super::fields::{DAY, EITHER_DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY_NAMES, digits, keyword, rejected};
use super::template::Unsettled;
use super::wall::{Runs, Step};
use super::{Clock, Dialect, Meaning, Rejected, Schedule, duration};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Airflow.
pub struct Airflow;

const WEEKDAY: Field = Field { name: "day of week", low: 0, high: 6, names: &WEEKDAY_NAMES };
const SECOND: Field = Field { name: "second", ..MINUTE };
const FIELDS: [Field; 6] = [MINUTE, HOUR, DAY, MONTH, WEEKDAY, SECOND];
const YEARS: (u32, u32) = (1970, 2099);

impl Dialect for Airflow {
    fn name(&self) -> &'static str {
        "airflow"
    }

    fn title(&self) -> &'static str {
        "Airflow: croniter's five to seven fields, presets, timedelta(…) since a moment"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let text = text.trim();
        let untimed = match text {
            "None" => Some("when something else starts it"),
            "@once" => Some("once"),
            "@continuous" => Some("again as soon as the last run has ended"),
            _ if text.starts_with("assets(") => Some("when what it reads has been written"),
            _ => None,
        };
        if let Some(words) = untimed {
            return Ok(Schedule::new(Untimed { words: format!("{words}, by no clock"), notes: Vec::new() }));
        }
        if text.starts_with("timedelta(") || text.starts_with("relativedelta(") {
            return delta(text);
        }
        cron(text)
    }
}

/// A cron expression, as croniter reads it.
fn cron(text: &str) -> Result<Schedule, Rejected> {
    let lower = text.to_ascii_lowercase();
    let fields = match text {
        "@quarterly" => "0 0 1 */3 *",
        _ => keyword(&lower).unwrap_or(&lower),
    };
    let parts: Vec<&str> = fields.split_ascii_whitespace().collect();
    if !(5..=7).contains(&parts.len()) {
        return Err(rejected(format!("five to seven fields are needed, not {}", parts.len())));
    }
    let drawn = |part: &&&str| part.starts_with('r') && part[1..].starts_with(['(', '/']) || **part == "r";
    if let Some(drawn) = parts.iter().find(drawn) {
        let why = format!("{drawn} is drawn by the scheduler, so no run can be told");
        return Ok(Schedule::new(Unsettled::drawn(text, why)));
    }
    let second = parts.get(5).copied();
    let mut calendar =
        Calendar { seconds: 1, text: [0, 1, 2, 3, 4].map(|at| parts[at].to_owned()), ..Calendar::default() };
    let minute = Set::read(parts[0], &FIELDS[0])?;
    let hour = Set::read(parts[1], &FIELDS[1])?;
    let day = days(parts[2], &mut calendar)?;
    let month = Set::read(parts[3], &FIELDS[3])?;
    let weekday = weekdays(parts[4], &mut calendar)?;
    if let Some(second) = second {
        calendar.seconds = Set::read(second, &FIELDS[5])?.bits;
    }
    if let Some(year) = parts.get(6) {
        calendar.years = years(year)?;
    }
    (calendar.minutes, calendar.hours) = (minute.bits, hour.bits as u32);
    calendar.months = month.bits as u16;
    combine(&mut calendar, day, weekday, [parts[2], parts[4]]);
    // `_covers_every_hour`: croniter has made the field `*`.
    let every_hour = !hour.mixed && hour.bits == 0xff_ffff;
    let step = if every_hour { Step::Elapsed } else { Step::Second };
    Ok(Schedule::new(Cron { calendar, step }))
}

/// How the day fields make a day: one that names all days is `*` only where the other has a star.
fn combine(calendar: &mut Calendar, day: Set, weekday: Set, written: [&str; 2]) {
    let star =
        |set: &Set, all: u64, other: &str| set.star || (set.bits == all && !set.rules && other.contains('*'));
    let (any_day, any_weekday) = (star(&day, 0xffff_fffe, written[1]), star(&weekday, 0x7f, written[0]));
    let nearest = calendar.day_rules.iter().any(|rule| matches!(rule, DayRule::NearestWithin(_)));
    let nth = !calendar.weekday_rules.is_empty();
    (calendar.days, calendar.weekdays) = (day.bits as u32, weekday.bits as u8);
    if any_day {
        calendar.days = 0xffff_fffe;
    }
    if nth {
        calendar.weekdays = 0;
    } else if any_weekday {
        calendar.weekdays = 0x7f;
    }
    if any_day || any_weekday {
        return;
    }
    // `#` and `W` hold on either side of the "or", so that what stands beside them adds no day; where the two never
    // meet, croniter finds no next time at all.
    let meets = match (nearest, nth) {
        (true, false) => weekday.bits & 0b11_1110 != 0,
        (false, true) => {
            calendar.weekday_rules.iter().any(|rule| possible_days(*rule) & day.bits != 0) || day.rules
        }
        _ => true,
    };
    if !meets {
        calendar
            .notes
            .push("the two day fields never mean the same day, and croniter then finds none".to_owned());
        (calendar.days, calendar.months) = (0, 0);
        return;
    }
    let mut lost = |what: &str| {
        calendar.note_misread(format!(
            "the {what} says nothing here: croniter looks at the other day field alone"
        ));
    };
    match (nearest, nth) {
        (true, false) => {
            lost("day of week");
            calendar.weekdays = 0x7f;
        }
        (false, true) => {
            lost("day of month");
            calendar.days = 0xffff_fffe;
        }
        (true, true) => {}
        (false, false) => {
            calendar.combine = Combine::Either;
            calendar.note_misread(EITHER_DAY.to_owned());
        }
    }
}

/// The days of a month that a weekday of it can be.
fn possible_days(rule: DayRule) -> u64 {
    let (first, last) = match rule {
        DayRule::NthWeekday(_, nth) => (nth as u32 * 7 - 6, nth as u32 * 7),
        _ => (22, 31),
    };
    super::fields::every(first, last.min(31), 1)
}

/// A field that was read.
#[derive(Clone, Copy, Default)]
struct Set {
    bits: u64,
    /// Whether an element is `*` or `?` alone.
    star: bool,
    /// Whether another element stands beside such a star.
    mixed: bool,
    /// Whether a day is told by a rule.
    rules: bool,
}

impl Set {
    fn read(text: &str, field: &Field) -> Result<Set, Rejected> {
        let mut set = Set::default();
        for element in text.split(',') {
            set.add(element, field)?;
        }
        set.mixed = set.star && text.contains(',');
        if set.star {
            set.bits = super::fields::every(field.low, field.high, 1);
        }
        Ok(set)
    }

    fn add(&mut self, text: &str, field: &Field) -> Result<(), Rejected> {
        if text == "*" {
            self.star = true;
            return Ok(());
        }
        for value in element(text, field)? {
            self.bits |= 1 << value;
        }
        Ok(())
    }
}

/// A number, or a name of the field.
fn value(text: &str, field: &Field) -> Result<u32, Rejected> {
    if let Some(at) = field.names.iter().position(|name| *name == text) {
        return Ok(field.low + at as u32);
    }
    let value = digits(text)
        .ok_or_else(|| rejected(format!("{}: {text:?} is neither a number nor a name", field.name)))?;
    // Sunday is 7 as well.
    let value = if field.high == 6 && value == 7 { 0 } else { value };
    if value > field.high {
        return Err(rejected(format!("{}: {value} is not in {}-{}", field.name, field.low, field.high)));
    }
    Ok(value)
}

/// The values of an element that is not `*`: a range may run over the end of its field, one that begins where it ends is
/// the whole field, and behind a single number a step goes to the end.
fn element(text: &str, field: &Field) -> Result<Vec<u32>, Rejected> {
    let wrong = |why: &str| rejected(format!("{}: {text:?}: {why}", field.name));
    let (range, step) = match text.split_once('/') {
        None => (text, None),
        Some((range, step)) => {
            let step = digits(step).filter(|step| *step > 0);
            (range, Some(step.ok_or_else(|| wrong("the step is no number above 0"))?))
        }
    };
    let by = step.unwrap_or(1) as usize;
    let values: Vec<u32> = match range.split_once('-') {
        _ if range == "*" => (field.low..=field.high).step_by(by).collect(),
        Some((low, high)) => {
            let high = if field.high == 31 && high == "l" { "31" } else { high };
            between(value(low, field)?, value(high, field)?, by, field)
        }
        None if step.is_some() => (value(range, field)?..=field.high).step_by(by).collect(),
        None => vec![value(range, field)?],
    };
    if values.iter().any(|value| *value < field.low) {
        return Err(wrong("it begins below the field"));
    }
    Ok(values)
}

fn between(low: u32, high: u32, by: usize, field: &Field) -> Vec<u32> {
    if low == high {
        return (field.low..=field.high).step_by(by).collect();
    }
    if low < high {
        return (low..=high).step_by(by).collect();
    }
    let mut values: Vec<u32> = (low..=field.high).step_by(by).collect();
    let last = values.last().copied().unwrap_or(low);
    let (left, step) = (field.high - last, by as u32);
    let length = field.high - field.low + 1;
    let over = last.saturating_sub(field.low).saturating_add(step) > length;
    let skip = if over && left < step { step - left } else { 0 };
    values.extend((field.low.saturating_add(skip)..=high).step_by(by));
    values
}

fn days(text: &str, calendar: &mut Calendar) -> Result<Set, Rejected> {
    let mut set = Set::default();
    if text == "?" {
        return Set::read("*", &DAY);
    }
    for element in text.split(',') {
        let near = element.strip_suffix('w').or_else(|| element.strip_prefix('w')).and_then(digits);
        if element == "l" {
            calendar.day_rules.push(DayRule::BeforeLast(0));
            set.rules = true;
        } else if let Some(near) = near {
            if text.contains(',') || !(1..=31).contains(&near) {
                return Err(rejected("day of month: W stands with one day of a month alone"));
            }
            calendar.day_rules.push(DayRule::NearestWithin(near as i8));
            set.rules = true;
        } else {
            set.add(element, &DAY)?;
        }
    }
    Ok(set)
}

fn weekdays(text: &str, calendar: &mut Calendar) -> Result<Set, Rejected> {
    let mut set = Set::default();
    if text == "?" {
        return Set::read("*", &WEEKDAY);
    }
    let mut by_rule = 0u64;
    for text in text.split(',') {
        if let Some((range, nth)) = text.split_once('#') {
            let nth = digits(nth).filter(|nth| (1..=5).contains(nth));
            let nth = nth.ok_or_else(|| rejected("day of week: the week must be 1 to 5"))?;
            let named = range.split('-').all(|name| WEEKDAY_NAMES.contains(&name));
            if range.contains(['-', '/', '*']) && !named {
                return Err(rejected(format!("day of week: {text:?}: a range before # is one of names")));
            }
            for day in element(range, &WEEKDAY)? {
                calendar.weekday_rules.push(DayRule::NthWeekday(day as i8, nth as i8));
                by_rule |= 1 << day;
            }
        } else if let Some(day) = text.strip_prefix('l').filter(|day| digits(day).is_some()) {
            let day = value(day, &WEEKDAY)?;
            calendar.weekday_rules.push(DayRule::LastWeekday(day as i8));
            by_rule |= 1 << day;
        } else {
            set.add(text, &WEEKDAY)?;
        }
    }
    set.rules = by_rule != 0;
    let all = set.bits | by_rule;
    if set.rules && set.bits & !by_rule != 0 && all.count_ones() + u32::from(set.star) != 7 {
        return Err(rejected("day of week: weekdays and weeks of the month do not stand together"));
    }
    Ok(set)
}

fn years(text: &str) -> Result<Vec<i16>, Rejected> {
    let mut years = Vec::new();
    let year = |text: &str| {
        let year = digits(text).filter(|year| (YEARS.0..=YEARS.1).contains(year));
        year.ok_or_else(|| rejected(format!("year: {text:?} is none")))
    };
    for element in text.split(',') {
        let (range, step) = match element.split_once('/') {
            None => (element, None),
            Some((range, step)) => {
                let step = digits(step).filter(|step| *step > 0);
                (range, Some(step.ok_or_else(|| rejected("year: the step is no number above 0"))?))
            }
        };
        let (low, high) = match range.split_once('-') {
            _ if range == "*" && step.is_none() => return Ok(Vec::new()),
            _ if range == "*" => YEARS,
            Some((low, high)) => (year(low)?, year(high)?),
            None => (year(range)?, if step.is_some() { YEARS.1 } else { year(range)? }),
        };
        if low > high {
            return Err(rejected("year: the range ends before it begins"));
        }
        years.extend((low..=high).step_by(step.unwrap_or(1) as usize).map(|year| year as i16));
    }
    years.sort_unstable();
    years.dedup();
    Ok(years)
}

/// A cron expression, and how Airflow goes from one run to the next.
#[derive(Debug)]
struct Cron {
    calendar: Calendar,
    step: Step,
}

impl Meaning for Cron {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(Runs::new(&self.calendar, zone, self.step, from))
    }

    fn words(&self) -> String {
        self.calendar.words()
    }

    fn notes(&self) -> &[String] {
        &self.calendar.notes
    }

    fn misread(&self) -> &[String] {
        &self.calendar.misread
    }
}

/// What no clock starts.
#[derive(Debug)]
struct Untimed {
    words: String,
    notes: Vec<String>,
}

impl Meaning for Untimed {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        self.words.clone()
    }

    fn clock(&self) -> Clock {
        Clock::Unsettled
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// `timedelta(hours=6)`, `relativedelta(months=1)`, each with ` since 2024-01-01T00:00:00Z` or without.
#[derive(Debug)]
struct Delta {
    months: i32,
    seconds: i64,
    /// The moment it counts from, in UTC.
    since: Option<DateTime>,
}

/// An interval; where it begins is told by what stands behind `since`.
pub(super) fn delta(text: &str) -> Result<Schedule, Rejected> {
    let wrong = || rejected(format!("{text}: it is read as timedelta(days=1) since 2024-01-01T00:00:00Z"));
    let (call, since) = match text.split_once(" since ") {
        None => (text, None),
        Some((call, since)) => {
            let since: Timestamp = since.trim().parse().map_err(|_| wrong())?;
            (call, Some(TimeZone::UTC.to_datetime(since)))
        }
    };
    let calendar = call.starts_with("relativedelta");
    let inside = call.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).ok_or_else(wrong)?;
    let mut delta = Delta { months: 0, seconds: 0, since };
    for argument in inside.split(',').map(str::trim).filter(|argument| !argument.is_empty()) {
        let (unit, amount) = argument.split_once('=').ok_or_else(wrong)?;
        let amount: f64 = amount.trim().parse().map_err(|_| wrong())?;
        let unit = match unit.trim() {
            "weeks" => 604_800,
            "days" => 86_400,
            "hours" => 3600,
            "minutes" => 60,
            "seconds" => 1,
            "months" if calendar => 0,
            "years" if calendar => {
                delta.months = delta.months.saturating_add(12 * amount as i32);
                continue;
            }
            _ => return Err(wrong()),
        };
        match unit {
            0 => delta.months = delta.months.saturating_add(amount as i32),
            unit => delta.seconds = delta.seconds.saturating_add((amount * f64::from(unit)) as i64),
        }
    }
    if delta.months < 0 || delta.seconds < 0 || (delta.months == 0 && delta.seconds == 0) {
        return Err(rejected(format!("{text}: an interval must be above zero")));
    }
    if delta.since.is_none() && delta.months > 0 {
        let why = "nothing tells the moment that its months count from".to_owned();
        return Ok(Schedule::new(Unsettled::drawn(text, why)));
    }
    Ok(Schedule::new(delta))
}

impl Delta {
    fn after(&self, at: DateTime) -> Option<DateTime> {
        let months = Span::new().try_months(self.months).ok()?;
        let seconds = Span::new().try_seconds(self.seconds).ok()?;
        at.checked_add(months).ok()?.checked_add(seconds).ok()
    }
}

fn utc(at: DateTime) -> Option<i64> {
    TimeZone::UTC.to_timestamp(at).ok().map(|time| time.as_second())
}

impl Meaning for Delta {
    fn runs<'a>(&'a self, _: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        let Some(since) = self.since else { return Box::new(std::iter::empty()) };
        if self.months == 0 {
            let Some(first) = utc(since) else { return Box::new(std::iter::empty()) };
            // The first run ends the first interval.
            let passed = (from - first).div_euclid(self.seconds).max(0);
            let next = first.saturating_add(self.seconds.saturating_mul(passed + 1));
            return Box::new(std::iter::successors(Some(next), |at| at.checked_add(self.seconds)));
        }
        let all = std::iter::successors(self.after(since), |at| self.after(*at));
        Box::new(all.map_while(utc).skip_while(move |run| *run <= from))
    }

    fn words(&self) -> String {
        let every = match (self.months, self.seconds) {
            (0, seconds) => duration(seconds.unsigned_abs()),
            (1, 0) => "month".to_owned(),
            (months, 0) => format!("{months} months"),
            (months, seconds) => format!("{months} months and {}", duration(seconds.unsigned_abs())),
        };
        match self.since {
            Some(since) => format!("every {every} since {}Z", since.strftime("%Y-%m-%dT%H:%M:%S")),
            None => format!("every {every}"),
        }
    }

    fn clock(&self) -> Clock {
        match self.since {
            Some(_) => Clock::Calendar,
            None => Clock::Interval { seconds: self.seconds.unsigned_abs(), from_end: false },
        }
    }
}
