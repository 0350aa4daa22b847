//! Triggers held to what the schema's pages say.

use super::super::{Clock, parse};
use jiff::tz::TimeZone;

/// The first runs after a moment, in a zone.
fn runs_from(text: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let zone = TimeZone::get(zone).expect("it is a zone");
    let schedule = parse("windows-task", text).expect("it is accepted");
    let from: jiff::Timestamp = from.parse().expect("it is a moment");
    let told = schedule.next(&zone, from.as_second()).take(count);
    told.map(|run| jiff::Timestamp::from_second(run).expect("it is a moment").to_string()).collect()
}

fn runs(text: &str, count: usize) -> Vec<String> {
    runs_from(text, "UTC", "2026-01-01T00:00:00Z", count)
}

#[test]
fn four_minutes_of_one_a_minute_are_five_starts() {
    // "Repeating a Task": an interval of one minute and a duration of four launch the task five times.
    let told = runs("start=2026-01-01T08:00:00 once repeat PT1M for PT4M", 9);
    let minutes = ["08:00", "08:01", "08:02", "08:03", "08:04"];
    assert_eq!(told, minutes.map(|at| format!("2026-01-01T{at}:00Z")));
    // Its picture: 60 minutes of one each 25 are three starts.
    let told = runs("start=2026-01-01T08:00:00 once repeat PT25M for PT60M", 9);
    assert_eq!(told, ["08:00", "08:25", "08:50"].map(|at| format!("2026-01-01T{at}:00Z")));
}

#[test]
fn days_and_weeks_count_from_the_start() {
    let told = runs("start=2025-12-30T02:00:00 every 3 days", 3);
    assert_eq!(told, ["2026-01-02T02:00:00Z", "2026-01-05T02:00:00Z", "2026-01-08T02:00:00Z"]);
    // 29 December 2025 is a Monday: with Friday it lies in one week, wherever weeks begin.
    let told = runs("start=2025-12-29T02:00:00 every 2 weeks on Monday,Friday", 3);
    assert_eq!(told, ["2026-01-02T02:00:00Z", "2026-01-12T02:00:00Z", "2026-01-16T02:00:00Z"]);
    // With Sunday it depends on whether weeks begin with it, and that is nowhere said.
    let open =
        parse("windows-task", "start=2025-12-29T02:00:00 every 2 weeks on Monday,Sunday").expect("accepted");
    assert_eq!(open.clock(), Clock::Unsettled);
    let told = runs("start=2025-12-29T02:00:00 every 1 week on Monday,Sunday", 3);
    assert_eq!(told, ["2026-01-04T02:00:00Z", "2026-01-05T02:00:00Z", "2026-01-11T02:00:00Z"]);
}

#[test]
fn months_have_days_and_weekdays() {
    let told = runs("start=2020-01-01T02:00:00 each month on 15,31,last of January,February", 4);
    let days = ["2026-01-15", "2026-01-31", "2026-02-15", "2026-02-28"];
    assert_eq!(told, days.map(|day| format!("{day}T02:00:00Z")));
    let told = runs("start=2020-01-01T02:00:00 each month on first,last Sunday", 4);
    let days = ["2026-01-04", "2026-01-25", "2026-02-01", "2026-02-22"];
    assert_eq!(told, days.map(|day| format!("{day}T02:00:00Z")));
    // The fourth is the last only where there is no fifth.
    assert_eq!(
        runs("start=2020-01-01T02:00:00 each month on fourth Friday of January", 1),
        ["2026-01-23T02:00:00Z"]
    );
    assert_eq!(
        runs("start=2020-01-01T02:00:00 each month on last Friday of January", 1),
        ["2026-01-30T02:00:00Z"]
    );
    assert_eq!(runs("start=2020-01-01T02:00:00 each month on 31 of February", 1), [""; 0]);
}

#[test]
fn a_repetition_goes_on_to_the_next_start() {
    let told =
        runs_from("start=2025-01-01T06:00:00 every 1 day repeat PT6H", "UTC", "2026-01-01T00:00:00Z", 4);
    assert_eq!(
        told,
        ["06", "12", "18"]
            .map(|hour| format!("2026-01-01T{hour}:00:00Z"))
            .into_iter()
            .chain(["2026-01-02T00:00:00Z".to_owned()])
            .collect::<Vec<_>>()
    );
    // Eight hours from 20:00 reach into the next day.
    let told = runs("start=2025-01-01T20:00:00 every 1 day repeat PT4H for PT8H", 3);
    assert_eq!(
        told,
        ["2026-01-01T04:00:00Z", "2026-01-01T20:00:00Z", "2026-01-02T00:00:00Z"].map(str::to_owned)[..]
            .to_vec()
    );
    // A day of one each seven minutes begins anew each day; two days of it would overlap.
    let schedule = |text: &str| parse("windows-task", text).expect("accepted").clock();
    assert_eq!(schedule("start=2025-01-01T00:00:00 every 1 day repeat PT7M for P1D"), Clock::Calendar);
    assert_eq!(schedule("start=2025-01-01T00:00:00 every 1 day repeat PT7M for P2D"), Clock::Unsettled);
    let told = runs("start=2024-05-05T10:10:00 once repeat PT7M", 2);
    assert_eq!(told, ["2026-01-01T00:02:00Z", "2026-01-01T00:09:00Z"]);
}

#[test]
fn a_start_with_an_offset_is_the_same_moment_everywhere() {
    let local = "start=2026-01-01T02:00:00 every 1 day";
    assert_eq!(runs_from(local, "Europe/Berlin", "2026-07-01T00:00:00Z", 1), ["2026-07-02T00:00:00Z"]);
    let utc = "start=2026-01-01T02:00:00Z every 1 day";
    assert_eq!(runs_from(utc, "Europe/Berlin", "2026-07-01T00:00:00Z", 1), ["2026-07-01T02:00:00Z"]);
    let offset = "start=2026-01-01T02:00:00-08:00 every 1 day until=2026-01-02T03:00:00-08:00";
    assert_eq!(
        runs_from(offset, "Europe/Berlin", "2026-01-01T00:00:00Z", 9),
        ["2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"]
    );
    // Neither lost nor doubled where nothing is specified, and a note says so.
    let gap = "start=2026-01-01T02:30:00 every 1 day";
    assert_eq!(
        runs_from(gap, "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
        ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]
    );
    assert_eq!(parse("windows-task", gap).expect("accepted").notes(), [super::CHANGE_OF_CLOCKS]);
}

#[test]
fn what_happens_has_no_moment() {
    let told = |text: &str| parse("windows-task", text).map(|it| (it.words(), it.clock()));
    assert_eq!(told("boot"), Ok(("at boot".to_owned(), Clock::Boot)));
    assert_eq!(
        told("logon delay PT5M"),
        Ok(("5 min after, when somebody logs on".to_owned(), Clock::Happening))
    );
    let repeats = Clock::Interval { seconds: 3600, from_end: false };
    assert_eq!(told("boot repeat PT1H"), Ok(("at boot, and every 1 h from then on".to_owned(), repeats)));
    let open = told("start=02:00 every 2 days").map(|(_, clock)| clock);
    assert_eq!(open, Ok(Clock::Unsettled), "no day to count from");
    assert_eq!(runs("start=02:00 every 1 day", 1), ["2026-01-01T02:00:00Z"]);
}

#[test]
fn what_the_schema_has_no_words_for_is_refused() {
    for text in [
        "",
        "start=2026-01-01T02:00:00",
        "start=2026-02-30T02:00:00 once",
        "start=2026-01-01T25:00:00 once",
        "start=2026-01-01T02:00:00 every 0 days",
        "start=2026-01-01T02:00:00 every 366 days",
        "start=2026-01-01T02:00:00 every 53 weeks on Monday",
        "start=2026-01-01T02:00:00 every 1 week",
        "start=2026-01-01T02:00:00 every 1 week on Someday",
        "start=2026-01-01T02:00:00 each month on 32",
        "start=2026-01-01T02:00:00 each month on fifth Monday",
        "start=2026-01-01T02:00:00 each month on 1 of Smarch",
        "start=2026-01-01T02:00:00 every 1 day repeat PT30S",
        "start=2026-01-01T02:00:00 every 1 day repeat P32D",
        "start=2026-01-01T02:00:00 every 1 day repeat P1M",
        "start=2026-01-01T02:00:00 every 1 day repeat 15",
        "start=2026-01-01T02:00:00 every 1 day and more",
        "reboot",
    ] {
        assert!(parse("windows-task", text).is_err(), "{text}");
    }
}
