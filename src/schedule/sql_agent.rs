//! SQL Server Agent: a schedule as the arguments of sp_add_jobschedule and sp_add_schedule say it (`freq_type=4
//! freq_interval=1 active_start_time=20000`). Rules read from the pages of both procedures and of sysschedules on
//! learn.microsoft.com. The clock is the server's. The agent keeps each job's next run as local time: a time that a change
//! of the clocks leaves out comes at once, and in an hour that comes twice nothing runs the second time (both measured by
//! others and published; the documentation does not say).

use super::calendar::{Calendar, Fold, Gap};
use super::days::{DayTest, Days, Drifting, month_number, number};
use super::fields::rejected;
use super::template::Unsettled;
use super::{Dialect, Rejected, Schedule};
use jiff::civil::{Date, DateTime, Time};
use std::collections::BTreeMap;

/// SQL Server Agent.
pub struct SqlAgent;

/// The last moment that an end may be.
const NO_END_DATE: i64 = 99_991_231;
const NO_END_TIME: i64 = 235_959;
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const NAMES: [&str; 11] = [
    "enabled",
    "freq_type",
    "freq_interval",
    "freq_subday_type",
    "freq_subday_interval",
    "freq_relative_interval",
    "freq_recurrence_factor",
    "active_start_date",
    "active_end_date",
    "active_start_time",
    "active_end_time",
];

impl Dialect for SqlAgent {
    fn name(&self) -> &'static str {
        "sql-agent"
    }

    fn title(&self) -> &'static str {
        "SQL Server Agent: freq_type=4 freq_interval=1 active_start_time=20000"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let said = said(text)?;
        let get = |name: &str| said.get(name).copied();
        match get("freq_type").unwrap_or(0) {
            1 => once(&said),
            4 | 8 | 16 | 32 => repeated(&said),
            64 => Ok(Schedule::new(Calendar::of_boot())),
            128 => Ok(Schedule::new(Unsettled::drawn(text, "it runs when the server is idle".to_owned()))),
            other => Err(rejected(format!("freq_type {other} is none that the agent knows"))),
        }
    }
}

type Said<'a> = BTreeMap<&'a str, i64>;

/// The arguments: `@name = value`, with or without the sign and commas.
fn said(text: &str) -> Result<Said<'_>, Rejected> {
    let mut said = Said::new();
    let spaced: Vec<&str> =
        text.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).collect();
    let mut words = spaced.into_iter();
    while let Some(word) = words.next() {
        let (name, mut value) = word.split_once('=').unwrap_or((word, ""));
        while value.is_empty() || value == "=" {
            let next = words.next().ok_or_else(|| rejected(format!("{name} has no value")))?;
            value = next.strip_prefix('=').unwrap_or(next);
        }
        let name = name.trim_start_matches('@');
        let name = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name));
        let name = name.ok_or_else(|| rejected(format!("{word}: no argument of a schedule")))?;
        let value = value.parse().map_err(|_| rejected(format!("{name}: {value:?} is no number")))?;
        said.insert(name, value);
    }
    Ok(said)
}

fn date(value: i64) -> Result<Date, Rejected> {
    let made = Date::new((value / 10_000) as i16, (value / 100 % 100) as i8, (value % 100) as i8);
    let fits = (19_900_101..=NO_END_DATE).contains(&value);
    made.ok().filter(|_| fits).ok_or_else(|| rejected(format!("{value} is no date yyyymmdd")))
}

/// The seconds of a time hhmmss.
fn time(value: i64) -> Result<u32, Rejected> {
    let (hour, minute, second) = (value / 10_000, value / 100 % 100, value % 100);
    let fits = (0..24).contains(&hour) && minute < 60 && second < 60 && value >= 0;
    let seconds = u32::try_from(hour * 3600 + minute * 60 + second).ok().filter(|_| fits);
    seconds.ok_or_else(|| rejected(format!("{value} is no time hhmmss")))
}

fn once(said: &Said<'_>) -> Result<Schedule, Rejected> {
    let second = time(said.get("active_start_time").copied().unwrap_or(0))?;
    let Some(day) = said.get("active_start_date").copied().filter(|day| *day != 0) else {
        let text = "freq_type=1";
        return Ok(Schedule::new(Unsettled::drawn(text, "it runs once, on the day it was made".to_owned())));
    };
    let day = date(day)?;
    let words = format!("once, on {day} at {}", shown(second));
    Ok(Schedule::new(days(Test::On(day), vec![second], words, (None, None), Vec::new())))
}

fn shown(second: u32) -> String {
    match second % 60 {
        0 => format!("{:02}:{:02}", second / 3600, second / 60 % 60),
        rest => format!("{:02}:{:02}:{rest:02}", second / 3600, second / 60 % 60),
    }
}

type Bounds = (Option<DateTime>, Option<DateTime>);

fn days(test: Test, times: Vec<u32>, words: String, (first, last): Bounds, notes: Vec<String>) -> Days<Test> {
    Days { test, times, first, last, gap: Gap::AtOnce, fold: Fold::First, spread: 0, words, notes }
}

fn repeated(said: &Said<'_>) -> Result<Schedule, Rejected> {
    let get = |name: &str| said.get(name).copied();
    let mut notes = Vec::new();
    let start = get("active_start_date").filter(|day| *day != 0).map(date).transpose()?;
    let end = get("active_end_date").filter(|day| *day != NO_END_DATE && *day != 0).map(date).transpose()?;
    let (times, shown_times) = times(said, &mut notes)?;
    let (test, every_days, shown_days) = test(said, start)?;
    let Some(test) = test else {
        let seconds = every_days * 86_400;
        notes.push("it counts from the day on which it was made, because it has no start date".to_owned());
        let words = format!("{shown_times}, {shown_days}");
        return Ok(Schedule::new(Drifting { seconds, from_end: false, words, notes }));
    };
    let first = start.map(|day| day.to_datetime(Time::midnight()));
    let last = end.map(|day| day.at(23, 59, 59, 0));
    Ok(Schedule::new(days(test, times, format!("{shown_times}, {shown_days}"), (first, last), notes)))
}

/// The times of a day and how they are said.
fn times(said: &Said<'_>, notes: &mut Vec<String>) -> Result<(Vec<u32>, String), Rejected> {
    let get = |name: &str| said.get(name).copied();
    let start = time(get("active_start_time").unwrap_or(0))?;
    let end = time(get("active_end_time").unwrap_or(NO_END_TIME))?;
    let every = get("freq_subday_interval").unwrap_or(0);
    let unit: i64 = match get("freq_subday_type").unwrap_or(0) {
        0 | 1 => return Ok((vec![start], format!("at {}", shown(start)))),
        2 => 1,
        4 => 60,
        8 => 3600,
        other => return Err(rejected(format!("freq_subday_type {other} is none that the agent knows"))),
    };
    let step = u32::try_from(every * unit).ok().filter(|step| (1..=86_400).contains(step));
    let step = step.ok_or_else(|| rejected(format!("freq_subday_interval {every} is out of bounds")))?;
    let last = if end < start {
        notes.push("its time of day goes on over midnight".to_owned());
        end + 86_400
    } else {
        end
    };
    let mut words = format!("every {}", super::duration(u64::from(step)));
    if (start, end) != (0, 86_399) {
        words.push_str(&format!(" from {} to {}", shown(start), shown(end)));
    }
    Ok(((start..=last).step_by(step as usize).collect(), words))
}

/// Which days.
#[derive(Debug)]
enum Test {
    On(Date),
    Daily { from: i64, every: i64 },
    Weekly { week: i64, every: i64, days: i64 },
    Monthly { from: i64, every: i64, day: i8 },
    Relative { from: i64, every: i64, which: i64, day: i64 },
}

impl DayTest for Test {
    fn holds(&self, date: Date) -> bool {
        let weekday = i64::from(date.weekday().to_sunday_zero_offset());
        match *self {
            Test::On(day) => date == day,
            Test::Daily { from, every } => (number(date) - from).rem_euclid(every) == 0,
            Test::Weekly { week, every, days } => {
                days & (1 << weekday) != 0 && (week_number(date) - week).rem_euclid(every) == 0
            }
            Test::Monthly { from, every, day } => {
                date.day() == day && (month_number(date) - from).rem_euclid(every) == 0
            }
            Test::Relative { from, every, which, day } => {
                (month_number(date) - from).rem_euclid(every) == 0 && is_relative(date, which, day)
            }
        }
    }
}

/// The number of a week, which begins on Sunday as the agent's bits of weekdays do.
fn week_number(date: Date) -> i64 {
    // 1970-01-01 was a Thursday.
    (number(date) + 4).div_euclid(7)
}

/// Whether a date is the first (1), second (2), third (4), fourth (8) or last (16) of such days of its month.
fn is_relative(date: Date, which: i64, day: i64) -> bool {
    let fits = |date: Date| {
        let weekday = i64::from(date.weekday().to_sunday_zero_offset());
        match day {
            8 => true,
            9 => (1..=5).contains(&weekday),
            10 => weekday == 0 || weekday == 6,
            _ => weekday + 1 == day,
        }
    };
    if !fits(date) {
        return false;
    }
    let others =
        |from: i8, to: i8| (from..=to).filter(|day| date.with().day(*day).build().is_ok_and(fits)).count();
    if which == 16 {
        return others(date.day() + 1, date.days_in_month()) == 0;
    }
    1_i64.checked_shl(others(1, date.day() - 1) as u32) == Some(which)
}

/// The test, after how many days it comes again, and how it is said; no test where its phase is unknown.
fn test(said: &Said<'_>, start: Option<Date>) -> Result<(Option<Test>, u64, String), Rejected> {
    let get = |name: &str| said.get(name).copied().unwrap_or(0);
    let (kind, interval) = (get("freq_type"), get("freq_interval"));
    let every = if kind == 4 { interval } else { get("freq_recurrence_factor") };
    if !(1..=10_000).contains(&every) {
        let what = if kind == 4 { "freq_interval" } else { "freq_recurrence_factor" };
        return Err(rejected(format!("{what} {every} is out of bounds")));
    }
    let of_each =
        |unit: &str| if every == 1 { format!("every {unit}") } else { format!("every {every} {unit}s") };
    let from = |count: fn(Date) -> i64| match start {
        Some(start) => Some(count(start)),
        None => (every == 1).then_some(0),
    };
    let (test, length, words) = match kind {
        4 => (from(number).map(|from| Test::Daily { from, every }), 1, of_each("day")),
        8 => {
            if !(1..=127).contains(&interval) {
                return Err(rejected(format!("freq_interval {interval} names no weekdays")));
            }
            let names: Vec<&str> =
                (0..7).filter(|day| interval & (1 << day) != 0).map(|day| WEEKDAYS[day]).collect();
            let week = from(week_number).map(|week| Test::Weekly { week, every, days: interval });
            (week, 7, format!("on {} of {}", names.join(", "), of_each("week")))
        }
        16 => {
            let day = i8::try_from(interval).ok().filter(|day| (1..=31).contains(day));
            let day =
                day.ok_or_else(|| rejected(format!("freq_interval {interval} is no day of a month")))?;
            let test = from(month_number).map(|from| Test::Monthly { from, every, day });
            (test, 30, format!("on day {day} of {}", of_each("month")))
        }
        _ => {
            let which = get("freq_relative_interval");
            let (Some(nth), Some(day)) = (nth(which), relative_day(interval)) else {
                return Err(rejected(format!(
                    "freq_relative_interval {which} of freq_interval {interval} is no day"
                )));
            };
            let test = from(month_number).map(|from| Test::Relative { from, every, which, day: interval });
            (test, 30, format!("on the {nth} {day} of {}", of_each("month")))
        }
    };
    Ok((test, every.unsigned_abs() * length, words))
}

fn nth(which: i64) -> Option<&'static str> {
    Some(match which {
        1 => "first",
        2 => "second",
        4 => "third",
        8 => "fourth",
        16 => "last",
        _ => return None,
    })
}

fn relative_day(day: i64) -> Option<&'static str> {
    Some(match day {
        1..=7 => WEEKDAYS[(day - 1) as usize],
        8 => "day",
        9 => "weekday",
        10 => "weekend day",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Clock, parse, zone};
    use jiff::Timestamp;

    fn runs(text: &str, name: &str, from: &str, count: usize) -> Vec<String> {
        let zone = zone(name).expect("it is a zone");
        let from = from.parse::<Timestamp>().expect("it is a moment").as_second();
        let schedule = parse("sql-agent", text).expect("it is accepted");
        let told = schedule.next(&zone, from).take(count);
        told.map(|run| Timestamp::from_second(run).expect("it is a moment").to_string()).collect()
    }

    const FROM: &str = "2026-01-01T00:00:00Z"; // A Thursday.

    #[test]
    fn days_weeks_and_months_are_as_the_pages_of_the_procedures_say() {
        for (text, want) in [
            (
                "@freq_type=4, @freq_interval=1, @active_start_time=20000",
                ["2026-01-01T02:00:00Z", "2026-01-02T02:00:00Z"],
            ),
            // Every third day from a start.
            (
                "freq_type=4 freq_interval=3 active_start_date=20260102 active_start_time=555",
                ["2026-01-02T00:05:55Z", "2026-01-05T00:05:55Z"],
            ),
            // Monday is 2 and Saturday 64.
            (
                "freq_type=8 freq_interval=66 freq_recurrence_factor=1",
                ["2026-01-03T00:00:00Z", "2026-01-05T00:00:00Z"],
            ),
            // Every other week, counted from that of the start, which begins on a Sunday.
            (
                "freq_type=8 freq_interval=1 freq_recurrence_factor=2 active_start_date=20260107",
                ["2026-01-18T00:00:00Z", "2026-02-01T00:00:00Z"],
            ),
            // A month without the day has none.
            (
                "freq_type=16 freq_interval=31 freq_recurrence_factor=1",
                ["2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z"],
            ),
            (
                "freq_type=16 freq_interval=1 freq_recurrence_factor=3 active_start_date=20251101",
                ["2026-02-01T00:00:00Z", "2026-05-01T00:00:00Z"],
            ),
            // The second Tuesday, the last weekday, the first weekend day, the last day.
            (
                "freq_type=32 freq_interval=3 freq_relative_interval=2 freq_recurrence_factor=1",
                ["2026-01-13T00:00:00Z", "2026-02-10T00:00:00Z"],
            ),
            (
                "freq_type=32 freq_interval=9 freq_relative_interval=16 freq_recurrence_factor=1",
                ["2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z"],
            ),
            (
                "freq_type=32 freq_interval=10 freq_relative_interval=1 freq_recurrence_factor=1",
                ["2026-01-03T00:00:00Z", "2026-02-01T00:00:00Z"],
            ),
            (
                "freq_type=32 freq_interval=8 freq_relative_interval=16 freq_recurrence_factor=1",
                ["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"],
            ),
        ] {
            assert_eq!(runs(text, "UTC", "2025-12-31T23:59:59Z", 2), want, "{text}");
        }
    }

    #[test]
    fn within_a_day_it_repeats_between_its_times() {
        assert_eq!(
            runs(
                "freq_type=4 freq_interval=1 freq_subday_type=8 freq_subday_interval=4 active_start_time=83000 active_end_time=170000",
                "UTC",
                FROM,
                4
            ),
            ["2026-01-01T08:30:00Z", "2026-01-01T12:30:00Z", "2026-01-01T16:30:00Z", "2026-01-02T08:30:00Z"]
        );
        // From ten in the evening to one in the morning.
        assert_eq!(
            runs(
                "freq_type=8 freq_interval=32 freq_recurrence_factor=1 freq_subday_type=4 freq_subday_interval=90 active_start_time=220000 active_end_time=10000",
                "UTC",
                FROM,
                4
            ),
            ["2026-01-02T22:00:00Z", "2026-01-02T23:30:00Z", "2026-01-03T01:00:00Z", "2026-01-09T22:00:00Z"]
        );
    }

    /// What Joe Pollock measured on a server in London, and what Paul Randal and Ron Talmage describe.
    #[test]
    fn a_left_out_hour_is_made_up_for_and_a_repeated_one_runs_once() {
        let half_past =
            "freq_type=4 freq_interval=1 freq_subday_type=8 freq_subday_interval=1 active_start_time=3000";
        assert_eq!(
            runs(half_past, "Europe/London", "2021-03-28T00:00:00Z", 4),
            ["2021-03-28T00:30:00Z", "2021-03-28T01:00:00Z", "2021-03-28T01:30:00Z", "2021-03-28T02:30:00Z"]
        );
        assert_eq!(
            runs(half_past, "Europe/London", "2021-10-31T00:00:00Z", 3),
            ["2021-10-31T00:30:00Z", "2021-10-31T02:30:00Z", "2021-10-31T03:30:00Z"]
        );
    }

    #[test]
    fn it_begins_and_ends_with_its_dates() {
        assert_eq!(
            runs(
                "freq_type=4 freq_interval=1 active_start_date=20260110 active_end_date=20260111",
                "UTC",
                FROM,
                5
            ),
            ["2026-01-10T00:00:00Z", "2026-01-11T00:00:00Z"]
        );
        assert_eq!(
            runs("freq_type=1 active_start_date=20260203 active_start_time=123456", "UTC", FROM, 5),
            ["2026-02-03T12:34:56Z"]
        );
    }

    #[test]
    fn what_has_no_clock_says_so() {
        let clock = |text: &str| parse("sql-agent", text).expect("it is accepted").clock();
        assert_eq!(clock("freq_type=64"), Clock::Boot);
        assert_eq!(clock("freq_type=128"), Clock::Unsettled);
        assert_eq!(clock("freq_type=1"), Clock::Unsettled);
        // Every third day from an unknown one.
        assert_eq!(
            clock("freq_type=4 freq_interval=3"),
            Clock::Interval { seconds: 259_200, from_end: false }
        );
    }

    #[test]
    fn what_the_procedures_refuse_is_refused() {
        for text in [
            "",
            "freq_type=2",
            "freq_type=4",
            "freq_type=4 freq_interval=x",
            "freq_type=8 freq_interval=0 freq_recurrence_factor=1",
            "freq_type=8 freq_interval=1",
            "freq_type=16 freq_interval=32 freq_recurrence_factor=1",
            "freq_type=32 freq_interval=1 freq_relative_interval=3 freq_recurrence_factor=1",
            "freq_type=4 freq_interval=1 freq_subday_type=4",
            "freq_type=4 freq_interval=1 freq_subday_type=3 freq_subday_interval=5",
            "freq_type=4 freq_interval=1 active_start_time=246000",
            "freq_type=4 freq_interval=1 active_start_date=20260231",
            "freq_type=4 every=1",
        ] {
            assert!(parse("sql-agent", text).is_err(), "{text}");
        }
    }
}
