//! Events of MySQL and MariaDB: the ON SCHEDULE clause of CREATE EVENT. Rules read from the reference manuals and from
//! sql/event_data_objects.cc and sql/event_parse_data.cc of MariaDB. It counts in the local time of the zone in which the
//! event was made: a time that a change of the clocks leaves out comes at once, one that comes twice comes the first
//! time. Without STARTS it counts from the moment at which it was made, which no text tells.

use super::days::{Drifting, Once, moment};
use super::fields::rejected;
use super::template::Unsettled;
use super::{Dialect, Meaning, Rejected, Schedule, duration};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The event scheduler.
pub struct MysqlEvent;

/// The largest interval (EVEX_MAX_INTERVAL_VALUE).
const MAX_INTERVAL: u64 = 1_000_000_000;
/// How many words one clause may have, and how deep it may nest.
const MAX_WORDS: usize = 200;
const MAX_DEPTH: usize = 8;
/// How often months are added before it is given up.
const MAX_STEPS: usize = 100_000;
/// What is said of a month's last days.
const SHORT_MONTH: &str = "after a month that lacks its day it comes twice in the next: once on the day that month made of \
                           it, and once on its own";
/// The usual length of a month, in seconds.
const MONTH: u64 = 2_629_746;

impl Dialect for MysqlEvent {
    fn name(&self) -> &'static str {
        "mysql-event"
    }

    fn title(&self) -> &'static str {
        "MySQL and MariaDB events: EVERY 1 DAY STARTS '2026-01-01 02:00:00', AT …"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let words = words(text)?;
        let mut reader = Reader { words: &words, at: 0 };
        if reader.takes("at") {
            let moment = reader.moment(0)?;
            reader.ends()?;
            return Ok(match moment {
                Moment::At(at) => Schedule::new(Once(at)),
                _ => Schedule::new(Unsettled::drawn(
                    text,
                    "it runs once, at a moment counted from when it was made".to_owned(),
                )),
            });
        }
        if !reader.takes("every") {
            return Err(rejected("it begins neither with EVERY nor with AT"));
        }
        let (value, unit) = reader.interval()?;
        let starts = reader.takes("starts").then(|| reader.moment(0)).transpose()?;
        let ends = reader.takes("ends").then(|| reader.moment(0)).transpose()?;
        reader.ends()?;
        every(text, step(&value, &unit)?, starts, ends)
    }
}

/// How far one run is from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Seconds(u64),
    Months(u64),
}

impl Step {
    fn seconds(self) -> u64 {
        match self {
            Step::Seconds(seconds) => seconds,
            Step::Months(months) => months.saturating_mul(MONTH),
        }
    }

    fn words(self) -> String {
        match self {
            Step::Seconds(seconds) => format!("every {}", duration(seconds)),
            Step::Months(1) => "every month".to_owned(),
            Step::Months(months) => format!("every {months} months"),
        }
    }
}

/// A moment as far as the text tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// All of it, in local time.
    At(DateTime),
    /// The time of some day, in seconds behind its midnight.
    OfDay(i64),
    /// Counted from when it was made.
    Unknown,
}

fn every(text: &str, step: Step, starts: Option<Moment>, ends: Option<Moment>) -> Result<Schedule, Rejected> {
    let last = match ends {
        Some(Moment::At(last)) => Some(last),
        _ => None,
    };
    let mut notes = Vec::new();
    if ends.is_some() && last.is_none() {
        notes.push("its end is counted from when it was made".to_owned());
    }
    let whole_days = |seconds: u64| 86_400_u64.is_multiple_of(seconds);
    let start = match (starts, step) {
        (Some(Moment::At(start)), _) => Some(start),
        (Some(Moment::OfDay(second)), Step::Seconds(seconds)) if whole_days(seconds) => {
            notes.push("it begins on the day on which it was made".to_owned());
            // Any day does, because its runs are the same on each.
            let day = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);
            day.checked_add(Span::new().seconds(second.rem_euclid(86_400))).ok()
        }
        _ => None,
    };
    let Some(start) = start else {
        notes.push(format!("{text:?} counts from a moment that no text tells"));
        let words = format!("{}, from when it was made", step.words());
        return Ok(Schedule::new(Drifting { seconds: step.seconds(), from_end: false, words, notes }));
    };
    if last.is_some_and(|last| last <= start) {
        return Err(rejected("it ends before it starts"));
    }
    let mut words = format!("{}, counted from {start}", step.words());
    if let Some(last) = last {
        words.push_str(&format!(" until {last}"));
    }
    let mut misread = Vec::new();
    if matches!(step, Step::Months(1)) && start.day() > 28 {
        misread.push(SHORT_MONTH.to_owned());
        notes.extend(misread.clone());
    }
    Ok(Schedule::new(Stepped { start, last, step, words, notes, misread }))
}

/// Steps from a start.
#[derive(Debug)]
struct Stepped {
    start: DateTime,
    last: Option<DateTime>,
    step: Step,
    words: String,
    notes: Vec<String>,
    misread: Vec<String>,
}

impl Stepped {
    /// The run that follows a moment at which the server looks, which is that of the last run or later (get_next_time).
    fn after(&self, start: DateTime, now: i64, zone: &TimeZone) -> Option<i64> {
        let local = zone.to_datetime(Timestamp::from_second(now).ok()?);
        match self.step {
            Step::Seconds(seconds) => {
                let step = i64::try_from(seconds).ok()?;
                let passed = civil(local).checked_sub(civil(start))?;
                let mut ahead = passed.checked_sub(passed.rem_euclid(step))?.checked_add(step)?;
                for _ in 0..MAX_STEPS {
                    let aim = start.checked_add(Span::new().try_seconds(ahead).ok()?).ok()?;
                    let next = moment(aim, zone)?;
                    if next > now {
                        return Some(next);
                    }
                    ahead = ahead.checked_add(step)?;
                }
                None
            }
            Step::Months(months) => {
                let months = i64::try_from(months).ok()?;
                let count = |at: DateTime| i64::from(at.year()) * 12 + i64::from(at.month());
                let passed = count(local) - count(start);
                let span = |months: i64| Span::new().try_months(months).ok();
                let aim = start.checked_add(span(passed - passed % months)?).ok()?;
                let next = moment(aim, zone)?;
                if next > now {
                    return Some(next);
                }
                // It goes on from what the last day of a short month has made of the start.
                moment(aim.checked_add(span(months)?).ok()?, zone)
            }
        }
    }
}

/// A local time in seconds, as if no clock ever changed.
fn civil(local: DateTime) -> i64 {
    local.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_second())
}

impl Meaning for Stepped {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        let Some(first) = moment(self.start, zone) else { return Box::new(std::iter::empty()) };
        let Ok(start) = Timestamp::from_second(first).map(|first| zone.to_datetime(first)) else {
            return Box::new(std::iter::empty());
        };
        let last = self.last.and_then(|last| moment(last, zone)).unwrap_or(i64::MAX);
        // On the 29th to 31st each run decides the next one, so all are gone through.
        let short = matches!(self.step, Step::Months(_)) && start.day() > 28;
        let mut now = if first > from || short { None } else { Some(from) };
        let runs = std::iter::from_fn(move || {
            let next = match now {
                None => first,
                Some(now) => self.after(start, now, zone)?,
            };
            now = Some(next);
            Some(next)
        });
        Box::new(runs.take_while(move |run| *run <= last).skip_while(move |run| *run <= from))
    }

    fn words(&self) -> String {
        self.words.clone()
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn misread(&self) -> &[String] {
        &self.misread
    }
}

/// A word of the clause, in lower case; literals keep their case and have their quotes.
fn words(text: &str) -> Result<Vec<String>, Rejected> {
    let (mut words, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' | '"' => 1 + rest[1..].find(first).ok_or_else(|| rejected("a literal does not end"))? + 1,
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        let word = &rest[..end];
        words.push(if first == '\'' || first == '"' { word.to_owned() } else { word.to_lowercase() });
        if words.len() > MAX_WORDS {
            return Err(rejected("it has more words than a schedule has"));
        }
        rest = rest[end..].trim_start();
    }
    Ok(words)
}

/// What a literal holds.
fn literal(word: &str) -> Option<&str> {
    let quote = word.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    word.strip_prefix(quote)?.strip_suffix(quote)
}

struct Reader<'a> {
    words: &'a [String],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> &'a str {
        self.words.get(self.at).map_or("", String::as_str)
    }

    fn next(&mut self) -> &'a str {
        let word = self.peek();
        self.at += 1;
        word
    }

    fn takes(&mut self, word: &str) -> bool {
        let fits = self.peek() == word;
        self.at += usize::from(fits);
        fits
    }

    fn needs(&mut self, word: &str) -> Result<(), Rejected> {
        if self.takes(word) {
            Ok(())
        } else {
            Err(rejected(format!("{word} is missing before {:?}", self.peek())))
        }
    }

    fn ends(&self) -> Result<(), Rejected> {
        if self.at >= self.words.len() {
            Ok(())
        } else {
            Err(rejected(format!("{:?} is not expected", self.peek())))
        }
    }

    /// A value and its unit.
    fn interval(&mut self) -> Result<(String, String), Rejected> {
        let mut depth = 0;
        while self.takes("(") {
            depth += 1;
        }
        let word = self.next();
        let value = literal(word).unwrap_or(word).trim().to_owned();
        for _ in 0..depth {
            self.needs(")")?;
        }
        if !value.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(rejected(format!("{word:?} is no positive number")));
        }
        Ok((value, self.next().to_owned()))
    }

    /// A moment, with what is added to it.
    fn moment(&mut self, depth: usize) -> Result<Moment, Rejected> {
        if depth > MAX_DEPTH {
            return Err(rejected("it nests deeper than a schedule does"));
        }
        let mut moment = self.primary(depth)?;
        loop {
            let sign = match self.peek() {
                "+" => 1,
                "-" => -1,
                _ => return Ok(moment),
            };
            self.next();
            self.needs("interval")?;
            moment = self.added(moment, sign)?;
        }
    }

    fn added(&mut self, moment: Moment, sign: i64) -> Result<Moment, Rejected> {
        let (value, unit) = self.interval()?;
        let step = step(&value, &unit)?;
        Ok(match (moment, step) {
            (Moment::At(at), Step::Seconds(seconds)) => {
                let span = i64::try_from(seconds).ok().and_then(|s| Span::new().try_seconds(sign * s).ok());
                span.and_then(|span| at.checked_add(span).ok()).map_or(Moment::Unknown, Moment::At)
            }
            (Moment::At(at), Step::Months(months)) => {
                let span = i64::try_from(months).ok().and_then(|m| Span::new().try_months(sign * m).ok());
                span.and_then(|span| at.checked_add(span).ok()).map_or(Moment::Unknown, Moment::At)
            }
            (Moment::OfDay(second), Step::Seconds(seconds)) => {
                let seconds = i64::try_from(seconds % 86_400).unwrap_or(0);
                Moment::OfDay((second + sign * seconds).rem_euclid(86_400))
            }
            (Moment::OfDay(second), Step::Months(_)) => Moment::OfDay(second),
            (Moment::Unknown, _) => Moment::Unknown,
        })
    }

    fn primary(&mut self, depth: usize) -> Result<Moment, Rejected> {
        if self.takes("(") {
            let moment = self.moment(depth + 1)?;
            self.needs(")")?;
            return Ok(moment);
        }
        let word = self.next();
        if let Some(text) = literal(word) {
            return written(text).map(Moment::At).ok_or_else(|| rejected(format!("{text:?} is no moment")));
        }
        match word {
            "timestamp" if literal(self.peek()).is_some() => self.primary(depth + 1),
            "timestamp" => {
                self.needs("(")?;
                let moment = self.moment(depth + 1)?;
                let time = self.takes(",").then(|| self.next());
                self.needs(")")?;
                Ok(match (moment, time.map(|time| literal(time).and_then(clock))) {
                    (moment, None) => moment,
                    (Moment::OfDay(second), Some(Some(more))) => Moment::OfDay(second + more),
                    (Moment::At(at), Some(Some(more))) => {
                        at.checked_add(Span::new().seconds(more)).map_or(Moment::Unknown, Moment::At)
                    }
                    _ => Moment::Unknown,
                })
            }
            "concat" => self.concat(depth),
            "date_add" | "adddate" | "date_sub" | "subdate" => {
                self.needs("(")?;
                let moment = self.moment(depth + 1)?;
                self.needs(",")?;
                self.needs("interval")?;
                let moment = self
                    .added(moment, if word.ends_with("sub") || word.starts_with("sub") { -1 } else { 1 })?;
                self.needs(")")?;
                Ok(moment)
            }
            "current_date" | "curdate" => {
                self.brackets();
                Ok(Moment::OfDay(0))
            }
            "date" => {
                self.needs("(")?;
                let moment = self.moment(depth + 1)?;
                self.needs(")")?;
                Ok(match moment {
                    Moment::At(at) => Moment::At(at.date().to_datetime(jiff::civil::Time::midnight())),
                    _ => Moment::OfDay(0),
                })
            }
            _ if word.bytes().all(|b| b.is_ascii_digit()) && word.len() == 14 => {
                written(word).map(Moment::At).ok_or_else(|| rejected(format!("{word} is no moment")))
            }
            _ if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                self.brackets();
                Ok(Moment::Unknown)
            }
            _ => Err(rejected(format!("{word:?} is no moment"))),
        }
    }

    /// `concat(curdate(), ' 02:00:00')`, as people write a time of the day it is made on.
    fn concat(&mut self, depth: usize) -> Result<Moment, Rejected> {
        self.needs("(")?;
        let day = self.moment(depth + 1)?;
        let mut time = String::new();
        while self.takes(",") {
            time.push_str(literal(self.next()).unwrap_or("?"));
        }
        self.needs(")")?;
        Ok(match (day, clock(time.trim())) {
            (Moment::OfDay(0), Some(second)) => Moment::OfDay(second),
            _ => Moment::Unknown,
        })
    }

    /// The arguments of a function that nobody here knows, should it have any.
    fn brackets(&mut self) {
        let mut depth = 0;
        while self.peek() == "(" || depth > 0 {
            match self.next() {
                "(" => depth += 1,
                ")" => depth -= 1,
                "" => return,
                _ => {}
            }
        }
    }
}

/// A moment as it is written: `2026-01-01 02:00:00`, its parts of any width and with any signs between them.
fn written(text: &str) -> Option<DateTime> {
    let text = text.trim().split('.').next()?;
    let spread = if text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit()) {
        [&text[..4], &text[4..6], &text[6..8], &text[8..10], &text[10..12], &text[12..]].join(" ")
    } else {
        text.to_owned()
    };
    let mut parts = spread.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let year: i16 = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let rest: Vec<i8> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let part = |at: usize| rest.get(at).copied();
    if rest.len() > 5 {
        return None;
    }
    let (hour, minute, second) = (part(2).unwrap_or(0), part(3).unwrap_or(0), part(4).unwrap_or(0));
    DateTime::new(year, part(0)?, part(1)?, hour, minute, second, 0).ok()
}

/// The seconds of `02:30:00`.
fn clock(text: &str) -> Option<i64> {
    let parts: Vec<i64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hour, minute, second] = match parts[..] {
        [hour, minute] => [hour, minute, 0],
        [hour, minute, second] => [hour, minute, second],
        _ => return None,
    };
    let fine = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    fine.then_some(hour * 3600 + minute * 60 + second)
}

/// A value in a unit; of units of several parts the value has them all, and what is missing is missing in front.
fn step(value: &str, unit: &str) -> Result<Step, Rejected> {
    const DAY: [u64; 4] = [86_400, 3600, 60, 1];
    let parts: &[u64] = match unit {
        "year_month" => &[12, 1],
        "day_hour" => &DAY[..2],
        "day_minute" => &DAY[..3],
        "day_second" => &DAY,
        "hour_minute" => &DAY[1..3],
        "hour_second" => &DAY[1..],
        "minute_second" => &DAY[2..],
        "year" => &[12],
        "quarter" => &[3],
        "month" => &[1],
        "week" => &[604_800],
        "day" => &DAY[..1],
        "hour" => &DAY[1..2],
        "minute" => &DAY[2..3],
        "second" => &DAY[3..],
        _ => return Err(rejected(format!("{unit:?} is no unit of an event's interval"))),
    };
    let wrong = || rejected(format!("{value:?} is no positive interval in {unit}"));
    let numbers: Vec<u64> = value
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    if numbers.len() > parts.len() || (parts.len() == 1 && value.contains('.')) {
        return Err(wrong());
    }
    let pairs = numbers.iter().rev().zip(parts.iter().rev());
    let total: Option<u64> = pairs
        .map(|(number, size)| number.checked_mul(*size))
        .try_fold(0u64, |sum, part| sum.checked_add(part?));
    let total = total.filter(|total| (1..=MAX_INTERVAL * 604_800).contains(total)).ok_or_else(wrong)?;
    let months = matches!(unit, "year" | "quarter" | "month" | "year_month");
    Ok(if months { Step::Months(total) } else { Step::Seconds(total) })
}

#[cfg(test)]
mod tests;
