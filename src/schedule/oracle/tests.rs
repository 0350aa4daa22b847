//! What the Administrator's Guide and the PL/SQL Packages and Types Reference say of their examples; runs of the subset
//! that RFC 5545 shares were also compared with python-dateutil.

use super::super::{Clock, parse, zone};
use jiff::Timestamp;

fn runs(text: &str, name: &str, from: &str, count: usize) -> Vec<String> {
    let zone = zone(name).expect("it is a zone");
    let from = from.parse::<Timestamp>().expect("it is a moment").as_second();
    let schedule = parse("dbms-scheduler", text).expect("it is accepted");
    let told = schedule.next(&zone, from).take(count);
    told.map(|run| Timestamp::from_second(run).expect("it is a moment").to_string()).collect()
}

/// From a start at half past two on 1 January 2026, a Thursday.
fn from_start(text: &str, count: usize) -> Vec<String> {
    runs(&format!("start_date=2026-01-01 02:30:00;{text}"), "UTC", "2025-12-01T00:00:00Z", count)
}

#[test]
fn the_guides_examples_mean_what_it_says() {
    let friday = ["2026-01-02T02:30:00Z", "2026-01-09T02:30:00Z"];
    for text in ["FREQ=DAILY; BYDAY=FRI;", "FREQ=WEEKLY; BYDAY=FRI;", "FREQ=YEARLY; BYDAY=FRI;"] {
        assert_eq!(from_start(text, 2), friday, "{text}");
    }
    for (text, want) in [
        ("FREQ=WEEKLY; INTERVAL=2; BYDAY=FRI;", ["2026-01-02T02:30:00Z", "2026-01-16T02:30:00Z"]),
        ("FREQ=MONTHLY; BYMONTHDAY=-1;", ["2026-01-31T02:30:00Z", "2026-02-28T02:30:00Z"]),
        ("FREQ=MONTHLY; BYMONTHDAY=-2;", ["2026-01-30T02:30:00Z", "2026-02-27T02:30:00Z"]),
        ("FREQ=YEARLY; BYMONTH=MAR; BYMONTHDAY=10;", ["2026-03-10T02:30:00Z", "2027-03-10T02:30:00Z"]),
        ("FREQ=YEARLY; BYDATE=0310;", ["2026-03-10T02:30:00Z", "2027-03-10T02:30:00Z"]),
        ("FREQ=DAILY; INTERVAL=10;", ["2026-01-01T02:30:00Z", "2026-01-11T02:30:00Z"]),
        ("FREQ=DAILY; BYHOUR=16,17,18;", ["2026-01-01T16:30:00Z", "2026-01-01T17:30:00Z"]),
        ("FREQ=MONTHLY; INTERVAL=2; BYMONTHDAY=15;", ["2026-01-15T02:30:00Z", "2026-03-15T02:30:00Z"]),
        ("FREQ=MONTHLY; BYMONTHDAY=29;", ["2026-01-29T02:30:00Z", "2026-03-29T02:30:00Z"]),
        ("FREQ=MONTHLY; BYDAY=2WED;", ["2026-01-14T02:30:00Z", "2026-02-11T02:30:00Z"]),
        ("FREQ=YEARLY; BYDAY=-1FRI;", ["2026-12-25T02:30:00Z", "2027-12-31T02:30:00Z"]),
        ("FREQ=HOURLY; INTERVAL=50;", ["2026-01-01T02:30:00Z", "2026-01-03T04:30:00Z"]),
        ("FREQ=HOURLY; BYMONTHDAY=1,2,3;", ["2026-01-01T02:30:00Z", "2026-01-01T03:30:00Z"]),
        (
            "FREQ=MONTHLY; BYDAY=MON,TUE,WED,THU,FRI; BYSETPOS=-1",
            ["2026-01-30T02:30:00Z", "2026-02-27T02:30:00Z"],
        ),
        ("FREQ=DAILY;BYTIME=013000,0600", ["2026-01-01T06:00:00Z", "2026-01-02T01:30:00Z"]),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MON", ["2027-01-04T02:30:00Z", "2028-01-03T02:30:00Z"]),
    ] {
        assert_eq!(from_start(text, 2), want, "{text}");
    }
}

#[test]
fn what_is_missing_comes_from_the_start_date() {
    assert_eq!(from_start("FREQ=YEARLY", 2), ["2026-01-01T02:30:00Z", "2027-01-01T02:30:00Z"]);
    assert_eq!(
        from_start("FREQ=YEARLY;BYMONTH=JAN,JUL", 2),
        ["2026-01-01T02:30:00Z", "2026-07-01T02:30:00Z"]
    );
    assert_eq!(from_start("FREQ=WEEKLY", 2), ["2026-01-01T02:30:00Z", "2026-01-08T02:30:00Z"]);
    assert_eq!(
        from_start("end_date=2026-01-02 02:30:00;FREQ=DAILY", 5),
        ["2026-01-01T02:30:00Z", "2026-01-02T02:30:00Z"]
    );
    assert_eq!(
        runs("start_date=2026-05-01 12:00:00", "UTC", "2026-01-01T00:00:00Z", 3),
        ["2026-05-01T12:00:00Z"]
    );
}

#[test]
fn without_a_start_date_what_is_missing_is_open() {
    let schedule = |text: &str| parse("dbms-scheduler", text).expect("it is accepted");
    let clock = |text: &str| schedule(text).clock();
    assert_eq!(clock("FREQ=DAILY"), Clock::Interval { seconds: 86_400, from_end: false });
    assert_eq!(clock("FREQ=MINUTELY;INTERVAL=5"), Clock::Interval { seconds: 300, from_end: false });
    assert_eq!(clock("FREQ=WEEKLY;INTERVAL=2;BYDAY=FRI;BYHOUR=1;BYMINUTE=0;BYSECOND=0"), Clock::Unsettled);
    let from = "2026-01-01T00:00:00Z";
    assert_eq!(runs("FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0", "UTC", from, 1), ["2026-01-01T02:30:00Z"]);
    assert_eq!(schedule("FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0").spread_seconds(), 0);
    assert_eq!(schedule("FREQ=DAILY;BYHOUR=2;BYMINUTE=30").spread_seconds(), 59);
    assert_eq!(schedule("FREQ=DAILY;BYHOUR=2").spread_seconds(), 3599);
    // Told as what is known of it, not as the whole hour.
    let words = |text: &str| schedule(text).words();
    assert_eq!(
        words("FREQ=DAILY;BYHOUR=2"),
        "FREQ=DAILY;BYHOUR=2, at a minute that only its start date tells"
    );
    assert_eq!(words("FREQ=DAILY;BYHOUR=2;BYMINUTE=30"), "FREQ=DAILY;BYHOUR=2;BYMINUTE=30");
}

#[test]
fn below_a_day_it_follows_real_time_and_else_the_clock() {
    // The reference's own example: every three hours, the last time at midnight, then at four.
    assert_eq!(
        runs(
            "start_date=2026-03-29 00:00:00;FREQ=HOURLY;INTERVAL=3",
            "Europe/Berlin",
            "2026-03-28T22:30:00Z",
            2
        ),
        ["2026-03-28T23:00:00Z", "2026-03-29T02:00:00Z"]
    );
    // What falls into the left-out hour comes at its end.
    assert_eq!(
        runs("start_date=2026-03-01 02:30:00;FREQ=DAILY", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
}

#[test]
fn dates_that_are_computed_are_followed_where_they_are_simple() {
    let from = "2026-01-01T00:00:00Z";
    for text in [
        "TRUNC(SYSDATE)+1+2/24",
        "trunc(sysdate + 1) + 2/24",
        "TRUNC(SYSDATE) + 26/24",
        "(trunc(sysdate)+1)+120/1440",
    ] {
        assert_eq!(runs(text, "UTC", from, 1), ["2026-01-01T02:00:00Z"], "{text}");
    }
    assert_eq!(runs("NEXT_DAY(TRUNC(SYSDATE),'SUNDAY') + 3/24", "UTC", from, 1), ["2026-01-04T03:00:00Z"]);
    assert_eq!(runs("TRUNC(SYSDATE,'HH24')+1/24+15/1440", "UTC", from, 1), ["2026-01-01T00:15:00Z"]);
    let clock = |text: &str| parse("dbms-scheduler", text).expect("it is accepted").clock();
    assert_eq!(clock("SYSDATE + 1"), Clock::Interval { seconds: 86_400, from_end: false });
    assert_eq!(clock("sysdate+30/86400"), Clock::Interval { seconds: 30, from_end: false });
    assert_eq!(
        clock("SYSTIMESTAMP + INTERVAL '15' MINUTE"),
        Clock::Interval { seconds: 900, from_end: false }
    );
    for text in [
        "my_pkg.next_run",
        "LAST_DAY(SYSDATE)",
        "SYSDATE - 1",
        "SYSDATE + 1 +",
        "SYSDATE",
        "1/0 + SYSDATE",
        "",
    ] {
        assert!(parse("dbms-scheduler", text).is_err(), "{text}");
    }
}

#[test]
fn what_is_named_or_not_documented_is_unsettled() {
    for text in [
        "FREQ=DAILY;BYDAY=MON,TUE;EXCLUDE=HOLIDAYS",
        "FREQ=MY_CALENDAR;BYHOUR=2",
        "FREQ=YEARLY;BYDATE=0110+SPAN:5D",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=2WED",
    ] {
        let schedule = parse("dbms-scheduler", text).expect("it is accepted");
        assert_eq!(schedule.clock(), Clock::Unsettled, "{text}");
    }
}

#[test]
fn what_oracle_refuses_is_refused() {
    for text in [
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYMONTHDAY=0",
        "FREQ=DAILY;BYDAY=2MON",
        "FREQ=DAILY;BYDAY=FUNDAY",
        "FREQ=WEEKLY;BYSETPOS=1",
        "FREQ=MONTHLY;BYWEEKNO=3",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;WHENEVER=1",
        "FREQ=DAILY;BYHOUR",
        "start_date=tomorrow;FREQ=DAILY",
    ] {
        assert!(parse("dbms-scheduler", text).is_err(), "{text}");
    }
}
