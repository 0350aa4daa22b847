//! What starts a job of AutoSys, as attributes of its job information language: `days_of_week: mo,tu start_times:
//! "05:00, 06:00" condition: s(load)`. Calendars are named with their dates where those are known
//! (`run_calendar: paydays(2026-01-30,2026-02-27)`); one without dates tells no run. A job that only a condition or its
//! box starts has no clock. The hour that comes twice is the second one (Broadcom KB 417036); of the one that is left
//! out nothing is documented, and no run of it is claimed to be lost. It never knows which conditions hold.

use super::daytimes::{self, Twice};
use super::fields::rejected;
use super::template::Unsettled;
use super::{Clock, Dialect, Meaning, Rejected, Schedule};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// AutoSys.
pub struct AutosysJil;

/// The attributes that say when a job starts.
const KEYS: [&str; 9] = [
    "date_conditions:",
    "days_of_week:",
    "run_calendar:",
    "exclude_calendar:",
    "start_times:",
    "start_mins:",
    "run_window:",
    "condition:",
    "box_name:",
];
/// Days of `days_of_week`, Sunday first.
const DAYS: [&str; 7] = ["su", "mo", "tu", "we", "th", "fr", "sa"];
/// What becomes of starts outside of a window.
const WINDOW: &str =
    "a start outside of run_window is left out or put off to its opening, whichever end is nearer";

#[derive(Debug, Default)]
struct Starts {
    /// Weekdays, bits 0 (Sunday) to 6; all where a calendar tells the days.
    days: u8,
    /// The dates of `run_calendar`, ascending.
    only: Option<Vec<Date>>,
    /// The dates of `exclude_calendar`, ascending.
    never: Vec<Date>,
    /// Seconds after midnight.
    times: Vec<u32>,
    condition: Option<String>,
    words: String,
    notes: Vec<String>,
}

/// The attributes of a text.
struct Given(Vec<(&'static str, String)>);

impl Given {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| *own == key).map(|(_, value)| value.as_str())
    }
}

impl Dialect for AutosysJil {
    fn name(&self) -> &'static str {
        "autosys-jil"
    }

    fn title(&self) -> &'static str {
        "AutoSys: attributes of JIL, such as days_of_week: mo,fr start_times: \"05:00, 06:00\" condition: s(load)"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let given = Given(attributes(text)?);
        let dated = given
            .get("date_conditions:")
            .is_none_or(|it| matches!(it.to_ascii_lowercase().as_str(), "1" | "y" | "yes" | "t" | "true"));
        let by_clock = ["days_of_week:", "run_calendar:", "start_times:", "start_mins:"]
            .iter()
            .any(|key| given.get(key).is_some());
        let condition = given.get("condition:").map(str::to_owned);
        if !dated || !by_clock {
            let words = match (given.get("box_name:"), &condition) {
                (Some(within), Some(condition)) => format!("in {within}, once {condition}"),
                (Some(within), None) => format!("when {within} starts"),
                (None, Some(condition)) => format!("once {condition}"),
                (None, None) => return Err(rejected("nothing starts it")),
            };
            return Ok(Schedule::new(Started { words }));
        }
        let open = |why: &str| Ok(Schedule::new(Unsettled::drawn(text, why.to_owned())));
        let mut starts = Starts { days: 0x7f, condition, ..Starts::default() };
        if let Some(days) = given.get("days_of_week:") {
            starts.days = weekdays(days)?;
        }
        for (key, what) in [("run_calendar:", "run_calendar"), ("exclude_calendar:", "exclude_calendar")] {
            let Some(value) = given.get(key) else { continue };
            let Some(dates) = dates(value)? else {
                return open(&format!("the dates of {what} {value} are not told, so no run can be"));
            };
            match key {
                "run_calendar:" => starts.only = Some(dates),
                _ => starts.never = dates,
            }
        }
        match (given.get("start_times:"), given.get("start_mins:")) {
            (Some(_), Some(_)) => return Err(rejected("start_times and start_mins exclude each other")),
            (Some(times), None) => starts.times = clock_times(times)?,
            (None, Some(minutes)) => starts.times = each_hour(minutes)?,
            (None, None) => return open("no time of day is told"),
        }
        if let Some(window) = given.get("run_window:") {
            let (from, to) = span(window)?;
            let inside = |time: &u32| {
                if from <= to { (from..=to).contains(time) } else { *time >= from || *time <= to }
            };
            starts.times.retain(inside);
            starts.notes.push(WINDOW.to_owned());
        }
        starts.words = words(&starts, &given);
        Ok(Schedule::new(starts))
    }
}

/// The attributes of a text with their values, quotes and escapes undone.
fn attributes(text: &str) -> Result<Vec<(&'static str, String)>, Rejected> {
    let mut given: Vec<(&'static str, String)> = Vec::new();
    for word in text.split_whitespace() {
        match KEYS.into_iter().find(|key| word.starts_with(key)) {
            Some(key) if given.iter().any(|(own, _)| *own == key) => {
                return Err(rejected(format!("{key} stands twice")));
            }
            Some(key) => given.push((key, word[key.len()..].to_owned())),
            None => {
                let (_, value) =
                    given.last_mut().ok_or_else(|| rejected(format!("{word:?} is no attribute")))?;
                if !value.is_empty() {
                    value.push(' ');
                }
                value.push_str(word);
            }
        }
    }
    for (_, value) in &mut given {
        *value = value.replace("\\:", ":").replace(['"', '\''], "").trim().to_owned();
    }
    given.retain(|(_, value)| !value.is_empty());
    Ok(given)
}

fn weekdays(text: &str) -> Result<u8, Rejected> {
    let mut set = 0;
    for day in text.split(',').map(|day| day.trim().to_ascii_lowercase()) {
        match DAYS.iter().position(|known| *known == day) {
            Some(at) => set |= 1 << at,
            None if day == "all" => set = 0x7f,
            None => return Err(rejected(format!("days_of_week: {day:?} is no day"))),
        }
    }
    Ok(set)
}

/// `name(2026-01-30,2026-02-27)`: the dates; `None`: none are told.
fn dates(text: &str) -> Result<Option<Vec<Date>>, Rejected> {
    let Some((_, list)) = text.split_once('(') else { return Ok(None) };
    let list = list.strip_suffix(')').ok_or_else(|| rejected("a calendar's dates end with a bracket"))?;
    let read = |date: &str| date.trim().parse::<Date>().map_err(|_| rejected(format!("{date:?} is no date")));
    let mut dates =
        list.split(',').filter(|date| !date.trim().is_empty()).map(read).collect::<Result<Vec<_>, _>>()?;
    dates.sort_unstable();
    Ok(Some(dates))
}

fn clock_time(text: &str) -> Result<u32, Rejected> {
    let wrong = || rejected(format!("{text:?} is no time such as 05:00"));
    let (hour, minute) = text.trim().split_once(':').ok_or_else(wrong)?;
    let number = |text: &str, most: u32| text.parse::<u32>().ok().filter(|it| *it <= most && text.len() <= 2);
    match (number(hour, 23), number(minute, 59)) {
        (Some(hour), Some(minute)) => Ok(hour * 3600 + minute * 60),
        _ => Err(wrong()),
    }
}

fn clock_times(text: &str) -> Result<Vec<u32>, Rejected> {
    let mut times = text.split(',').map(clock_time).collect::<Result<Vec<_>, _>>()?;
    times.sort_unstable();
    times.dedup();
    Ok(times)
}

/// Minutes after each hour.
fn each_hour(text: &str) -> Result<Vec<u32>, Rejected> {
    let mut times = Vec::new();
    for minute in text.split(',') {
        let minute = minute.trim().parse::<u32>().ok().filter(|minute| *minute < 60);
        let minute =
            minute.ok_or_else(|| rejected(format!("start_mins: {text:?} are no minutes of an hour")))?;
        times.extend((0..24).map(|hour| hour * 3600 + minute * 60));
    }
    times.sort_unstable();
    times.dedup();
    Ok(times)
}

/// `08:00-12:00`.
fn span(text: &str) -> Result<(u32, u32), Rejected> {
    let (from, to) =
        text.split_once('-').ok_or_else(|| rejected(format!("run_window: {text:?} has no end")))?;
    Ok((clock_time(from)?, clock_time(to)?))
}

fn words(starts: &Starts, given: &Given) -> String {
    let at = match (given.get("start_times:"), given.get("start_mins:")) {
        (Some(times), _) => format!("at {times}"),
        (None, minutes) => format!("at minute {} of each hour", minutes.unwrap_or("")),
    };
    let name = |value: &str| value.split('(').next().unwrap_or(value).to_owned();
    let days = match (given.get("run_calendar:"), starts.days) {
        (Some(calendar), _) => format!("on the days of {}", name(calendar)),
        (None, 0x7f) => "every day".to_owned(),
        (None, _) => format!("on {}", given.get("days_of_week:").unwrap_or("")),
    };
    let mut words = format!("{at} {days}");
    for (key, how) in [("exclude_calendar:", "but not on those of"), ("run_window:", "from")] {
        if let Some(value) = given.get(key) {
            words.push_str(&format!(", {how} {}", name(value).replacen('-', " to ", 1)));
        }
    }
    if let Some(condition) = &starts.condition {
        words.push_str(&format!(", and not before {condition}"));
    }
    words
}

impl Meaning for Starts {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        let holds = |date: Date| {
            self.days & (1 << date.weekday().to_sunday_zero_offset()) != 0
                && self.only.as_ref().is_none_or(|only| only.binary_search(&date).is_ok())
                && self.never.binary_search(&date).is_err()
        };
        daytimes::runs(holds, &self.times, zone, Twice::Second, from)
    }

    fn words(&self) -> String {
        self.words.clone()
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// A job that others start.
#[derive(Debug)]
struct Started {
    words: String,
}

impl Meaning for Started {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        self.words.clone()
    }

    fn clock(&self) -> Clock {
        Clock::Happening
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn runs(text: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let zone = TimeZone::get(zone).expect("it is a zone");
        let schedule = parse("autosys-jil", text).expect("it is accepted");
        let from: jiff::Timestamp = from.parse().expect("it is a moment");
        let told = schedule.next(&zone, from.as_second()).take(count);
        told.map(|run| jiff::Timestamp::from_second(run).expect("it is a moment").to_string()).collect()
    }

    #[test]
    fn times_and_minutes_of_days() {
        let from = "2026-01-02T00:00:00Z";
        // 2 January 2026 is a Friday.
        let told =
            runs("date_conditions: 1 days_of_week: mo,fr start_times: \"05\\:30, 17:00\"", "UTC", from, 3);
        assert_eq!(told, ["2026-01-02T05:30:00Z", "2026-01-02T17:00:00Z", "2026-01-05T05:30:00Z"]);
        let told = runs("days_of_week: all start_mins: 10, 40 run_window: \"22:00-01:00\"", "UTC", from, 5);
        let times = ["02T00:10", "02T00:40", "02T22:10", "02T22:40", "02T23:10"];
        assert_eq!(told, times.map(|at| format!("2026-01-{at}:00Z")));
    }

    #[test]
    fn calendars_with_dates_tell_runs_and_others_do_not() {
        let from = "2026-01-01T00:00:00Z";
        let told = runs("run_calendar: pay(2026-02-27,2026-01-30) start_times: \"06:00\"", "UTC", from, 9);
        assert_eq!(told, ["2026-01-30T06:00:00Z", "2026-02-27T06:00:00Z"]);
        let told =
            runs("days_of_week: fr exclude_calendar: off(2026-01-02) start_times: \"06:00\"", "UTC", from, 1);
        assert_eq!(told, ["2026-01-09T06:00:00Z"]);
        let clock = |text: &str| parse("autosys-jil", text).expect("it is accepted").clock();
        assert_eq!(clock("run_calendar: pay start_times: \"06:00\""), Clock::Unsettled);
        assert_eq!(clock("days_of_week: all exclude_calendar: off start_times: \"06:00\""), Clock::Unsettled);
        assert_eq!(clock("days_of_week: all"), Clock::Unsettled);
    }

    #[test]
    fn the_hour_that_comes_twice_is_the_second() {
        let text = "days_of_week: all start_times: \"01:30\"";
        let told = runs(text, "America/New_York", "2026-11-01T00:00:00Z", 1);
        assert_eq!(told, ["2026-11-01T06:30:00Z"]);
    }

    #[test]
    fn others_start_a_job_without_date_conditions() {
        let told = |text: &str| parse("autosys-jil", text).map(|it| (it.words(), it.clock()));
        let happens = |words: &str| Ok((words.to_owned(), Clock::Happening));
        assert_eq!(told("condition: s(load) & s(clean, 12.00)"), happens("once s(load) & s(clean, 12.00)"));
        assert_eq!(
            told("date_conditions: 0 start_times: \"05:00\" box_name: night"),
            happens("when night starts")
        );
        assert_eq!(told("box_name: night condition: d(a)"), happens("in night, once d(a)"));
        for text in [
            "",
            "days_of_week: xx start_times: \"05:00\"",
            "start_times: \"25:00\"",
            "start_mins: 60",
            "start_times: \"05:00\" start_mins: 5",
            "run_calendar: a(2026-13-01) start_times: \"05:00\"",
            "s(a)",
        ] {
            assert!(told(text).is_err(), "{text}");
        }
    }
}
