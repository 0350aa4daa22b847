//! pg_cron, the scheduler inside of PostgreSQL: five fields as Vixie's cron read them, `$` for the last day of the month,
//! `30 seconds` for an interval. Rules read from its README and from src/entry.c, src/job_metadata.c and src/pg_cron.c of
//! version 1.6 (`$` came with 1.5, seconds with 1.5). It steps through absolute minutes and asks what each is in
//! `cron.timezone`, so that a clock that is put forward skips runs and one that is put back repeats them; that differs from
//! the cron it comes from. `cron.match_dom_and_dow`, a setting of the server, is no part of a schedule.

use super::calendar::{Calendar, Combine, Fold, Gap};
use super::days::Drifting;
use super::fields::{DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY, keyword, rejected};
use super::vixie::{combine_by_star, number, set_bit};
use super::{Clock, Dialect, Meaning, Rejected, Schedule};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// pg_cron.
pub struct PgCron;

const FIELDS: [Field; 5] = [MINUTE, HOUR, DAY, MONTH, WEEKDAY];
/// The longest text it takes (MAX_FILE_BUFFER_LENGTH).
const MAX_TEXT: usize = 1000;

impl Dialect for PgCron {
    fn name(&self) -> &'static str {
        "pg-cron"
    }

    fn title(&self) -> &'static str {
        "pg_cron: five fields with $ for the last day, @keywords, 30 seconds"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        cron(text).or_else(|rejected| interval(text).ok_or(rejected))
    }
}

fn cron(text: &str) -> Result<Schedule, Rejected> {
    if text.len() >= MAX_TEXT {
        return Err(rejected("it is longer than pg_cron takes"));
    }
    let text = text.trim_start_matches([' ', '\t']);
    let text = text.split('\n').next().unwrap_or("");
    let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
    if text.starts_with('@') {
        let word = words.next().unwrap_or("");
        return by_keyword(word);
    }
    let parts: Vec<&str> = words.by_ref().take(5).collect();
    let &[minute, hour, day, month, weekday] = &parts[..] else {
        return Err(rejected(format!("five fields are needed, not {}", parts.len())));
    };
    let parts = [minute, hour, day, month, weekday];
    let mut calendar = Calendar { seconds: 1, ..Calendar::default() };
    let mut sets = [0u64; 5];
    for ((set, part), field) in sets.iter_mut().zip(&parts).zip(&FIELDS) {
        if !(field.name == DAY.name && *part == "$") {
            *set = parse_field(part, field, &mut calendar)?;
        }
    }
    calendar.set_fields(sets);
    combine_by_star(&mut calendar, parts);
    (calendar.gap, calendar.fold) = (Gap::Skipped, Fold::Both);
    if let Some(more) = words.next() {
        calendar.note_misread(format!("pg_cron ignores what follows the fifth field: {more:?}"));
    }
    if day != "$" {
        return Ok(Schedule::new(calendar));
    }
    calendar.text[2] = "last".to_owned();
    Ok(Schedule::new(LastDay::of(calendar)))
}

fn by_keyword(word: &str) -> Result<Schedule, Rejected> {
    if matches!(word, "@reboot" | "@restart") {
        return Ok(Schedule::new(Calendar::of_boot()));
    }
    if matches!(word, "@yearly" | "@annually") {
        // The month is set to the first minute, which is 0 and no month.
        let mut never = Calendar {
            seconds: 1,
            minutes: 1,
            hours: 1,
            days: 1 << 1,
            weekdays: 0x7f,
            text: ["0", "0", "1", "none", "*"].map(str::to_owned),
            ..Calendar::default()
        };
        never.note_misread(format!("pg_cron takes {word} and sets no month for it, so the job never runs"));
        return Ok(Schedule::new(never));
    }
    let fields = keyword(word).ok_or_else(|| rejected(format!("{word}: not a keyword pg_cron knows")))?;
    cron(fields)
}

/// One comma-separated field; what cannot be read of an element is ignored up to the next blank.
fn parse_field(text: &str, field: &Field, calendar: &mut Calendar) -> Result<u64, Rejected> {
    let (mut set, mut rest) = (0u64, text);
    loop {
        rest = parse_element(rest, field, &mut set, calendar)?;
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => break,
        }
    }
    if !rest.is_empty() {
        calendar.note_misread(format!("{}: pg_cron ignores the tail {rest:?}", field.name));
    }
    if set == 0 {
        calendar.notes.push(format!("{}: {text:?} selects nothing, so the job never runs", field.name));
    }
    Ok(set)
}

fn parse_element<'a>(
    text: &'a str,
    field: &Field,
    set: &mut u64,
    calendar: &mut Calendar,
) -> Result<&'a str, Rejected> {
    let wrong = |why: &str| rejected(format!("{}: {why}", field.name));
    let (low, high, mut rest) = if let Some(after) = text.strip_prefix('*') {
        (field.low, field.high, after)
    } else {
        let (low, after) = number(text, field)?;
        match after.strip_prefix('-') {
            None if after.starts_with('/') => return Err(wrong("a step needs a range or *")),
            None => {
                set_bit(low, field, set)?;
                return Ok(after);
            }
            Some(after) => {
                let (high, after) = number(after, field)?;
                (low, high, after)
            }
        }
    };
    let mut step = 1;
    if let Some(after) = rest.strip_prefix('/') {
        (step, rest) = number(after, &Field { names: &[], ..*field })?;
    }
    let within = |value: u32| (field.low..=field.high).contains(&value);
    if !within(low) || !within(high) || step == 0 || step > field.high {
        return Err(wrong("a number of the range or its step is out of bounds"));
    }
    let (first, last) = (low - field.low, high - field.low);
    let bits = if step == 1 { byte_range(first, last) } else { super::fields::every(first, last, step) };
    let bits = (bits << field.low) & super::fields::every(field.low, field.high, 1);
    if low > high {
        let what = if bits == 0 { "selects nothing" } else { "selects some of what lies outside of it" };
        calendar.note_misread(format!("{}: a range that ends before it begins {what}", field.name));
    }
    *set |= bits;
    Ok(rest)
}

/// A range of bits as the macro bit_nset of bitstring.h sets it: byte by byte, so that a range whose end is in an
/// earlier byte than its start sets the rest of the one and the beginning of the other.
fn byte_range(first: u32, last: u32) -> u64 {
    let (from, upto) = (0xff_u64 << (first & 7) & 0xff, 0xff_u64 >> (7 - (last & 7)));
    let (start, stop) = (first / 8, last / 8);
    if start == stop {
        return (from & upto) << (8 * start);
    }
    let between = (start + 1..stop).fold(0, |bits, byte| bits | 0xff_u64 << (8 * byte));
    from << (8 * start) | between | upto << (8 * stop)
}

/// `30 seconds`, up to 59 (TryParseInterval).
fn interval(text: &str) -> Option<Schedule> {
    let text = text.trim_start().to_ascii_lowercase();
    let text = text.strip_prefix('+').unwrap_or(&text);
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit = unit.trim_start();
    let seconds = digits.parse().ok().filter(|seconds| (1..60).contains(seconds))?;
    let fits = unit == "second" || unit.strip_prefix("seconds").is_some_and(|rest| rest.trim().is_empty());
    let words = format!("every {seconds} s, from the last start");
    fits.then(|| Schedule::new(Drifting { seconds, from_end: false, words, notes: Vec::new() }))
}

/// A schedule that also runs on the last day of a month, as pg_cron tells it: the day on which 24 hours later is the
/// first of a month.
#[derive(Debug)]
struct LastDay {
    /// The times on all days, which are then asked one by one.
    every: Calendar,
    days: u32,
    weekdays: u8,
    combine: Combine,
    words: String,
}

impl LastDay {
    fn of(calendar: Calendar) -> LastDay {
        let (days, weekdays, combine) = (calendar.days, calendar.weekdays, calendar.combine);
        let words = calendar.words();
        let every = Calendar { days: u32::MAX, weekdays: 0x7f, combine: Combine::Both, ..calendar };
        LastDay { every, days, weekdays, combine, words }
    }

    fn holds(&self, zone: &TimeZone, run: i64) -> bool {
        let date =
            |moment: i64| Timestamp::from_second(moment).ok().map(|time| zone.to_datetime(time).date());
        let (Some(today), Some(later)) = (date(run), date(run + 86_400)) else { return false };
        let day = self.days & (1 << today.day()) != 0 || later.day() == 1;
        let weekday = self.weekdays & (1 << today.weekday().to_sunday_zero_offset()) != 0;
        if self.combine == Combine::Either { day || weekday } else { day && weekday }
    }
}

impl Meaning for LastDay {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(self.every.runs(zone, from).filter(move |run| self.holds(zone, *run)))
    }

    fn words(&self) -> String {
        self.words.clone()
    }

    fn clock(&self) -> Clock {
        Clock::Calendar
    }

    fn notes(&self) -> &[String] {
        self.every.notes()
    }

    fn misread(&self) -> &[String] {
        self.every.misread()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Clock, parse, zone};

    const FROM: i64 = 1_774_569_600; // 2026-03-27T00:00:00Z
    /// How far pg_cron's own parser was asked, in seconds.
    const ASKED: i64 = 68_000_000;

    #[test]
    fn it_takes_what_the_server_takes() {
        let rows = include_str!("../../fixtures/databases/pg_cron/taken.tsv").lines();
        let wrong: Vec<&str> = rows
            .filter(|row| {
                let (text, said) = row.rsplit_once('\t').expect("a text and an answer");
                parse("pg-cron", text).is_ok() != (said == "taken")
            })
            .collect();
        assert_eq!(wrong, Vec::<&str>::new());
    }

    #[test]
    fn it_runs_when_its_own_code_says() {
        let mut wrong = Vec::new();
        for row in include_str!("../../fixtures/databases/pg_cron/runs.tsv").lines() {
            let (name, rest) = row.split_once('\t').expect("a zone");
            let (text, want) = rest.rsplit_once('\t').expect("a text and its runs");
            let zone = zone(name).expect("it is a zone");
            let got = match parse("pg-cron", text) {
                Err(_) => "refused".to_owned(),
                // The parser does not know intervals; the launcher does.
                Ok(schedule) if matches!(schedule.clock(), Clock::Interval { .. }) => "refused".to_owned(),
                Ok(schedule) if schedule.clock() == Clock::Boot => "boot".to_owned(),
                Ok(schedule) => {
                    let runs = schedule.between(&zone, FROM, FROM + ASKED, 5);
                    runs.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
                }
            };
            if got != want {
                wrong.push(format!("{name} {text}: {got}, not {want}"));
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn seconds_are_an_interval() {
        let clock = |text: &str| parse("pg-cron", text).expect("it is accepted").clock();
        assert_eq!(clock("30 seconds"), Clock::Interval { seconds: 30, from_end: false });
        assert_eq!(clock(" 1SECOND"), Clock::Interval { seconds: 1, from_end: false });
        for text in ["60 seconds", "0 seconds", "30 second s", "30 sec", "seconds", "-5 seconds"] {
            assert!(parse("pg-cron", text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_people_read_otherwise_is_said() {
        let said = |text: &str| parse("pg-cron", text).expect("it is accepted").misread().join("; ");
        assert_eq!(said("0 3 * * * *"), "pg_cron ignores what follows the fifth field: \"*\"");
        assert_eq!(said("@yearly"), "pg_cron takes @yearly and sets no month for it, so the job never runs");
        assert_eq!(
            said("0 22-2 * * *"),
            "hour: a range that ends before it begins selects some of what lies outside of it"
        );
        assert_eq!(said("0 3 * * 1"), "");
    }
}
