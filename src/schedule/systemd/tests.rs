//! The dialect's rules in rows; the moments are what `systemd-analyze calendar` of version 252 says.

use super::*;
use crate::schedule::{Clock, parse, zone};
use jiff::Timestamp;

fn runs(expression: &str, of: &str, from: &str, most: usize) -> String {
    let schedule = parse("systemd", expression).expect(expression);
    let from: Timestamp = from.parse().expect("a time of RFC 3339");
    let zone = zone(of).expect("a zone of the database");
    let runs = schedule.next(&zone, from.as_second()).take(most);
    let told = runs.map(|run| Timestamp::from_second(run).expect("within the range").to_string());
    told.collect::<Vec<_>>().join(" ")
}

fn check(rows: &[(&str, &str, &str, &str)]) {
    for (expression, zone, from, expected) in rows {
        assert_eq!(runs(expression, zone, from, 3), *expected, "{expression} in {zone} from {from}");
    }
}

#[test]
#[rustfmt::skip]
fn what_a_change_of_the_clocks_leaves_out_does_not_elapse_and_what_comes_twice_elapses_once() {
    check(&[
        ("*-*-* 02:30", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z 2026-03-31T00:30:00Z 2026-04-01T00:30:00Z"),
        ("*-*-* 02:30", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z 2026-10-26T01:30:00Z 2026-10-27T01:30:00Z"),
        ("hourly", "Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T00:00:00Z 2026-10-25T02:00:00Z 2026-10-25T03:00:00Z"),
        // Asked from within the repeated hour, it goes on in it.
        ("*:0/30", "Europe/Berlin", "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z 2026-10-25T02:00:00Z 2026-10-25T02:30:00Z"),
        // Half an hour is left out: 02:15 is in it.
        ("*:15", "Australia/Lord_Howe", "2026-10-03T14:50:00Z", "2026-10-03T16:15:00Z 2026-10-03T17:15:00Z 2026-10-03T18:15:00Z"),
        ("00:00", "Africa/Cairo", "2026-04-22T12:00:00Z", "2026-04-22T22:00:00Z 2026-04-24T21:00:00Z 2026-04-25T21:00:00Z"),
        ("Mon..Fri,Sun 06:00 America/New_York", "UTC", "2026-10-30T12:00:00Z", "2026-11-01T11:00:00Z 2026-11-02T11:00:00Z 2026-11-03T11:00:00Z"),
    ]);
}

#[test]
#[rustfmt::skip]
fn dates_count_from_both_ends_of_a_month_and_end_with_2199() {
    check(&[
        ("*-*~1", "UTC", "2028-01-30T12:00:00Z", "2028-01-31T00:00:00Z 2028-02-29T00:00:00Z 2028-03-31T00:00:00Z"),
        ("*-02~2/1", "UTC", "2027-02-26T12:00:00Z", "2027-02-27T00:00:00Z 2027-02-28T00:00:00Z 2028-02-28T00:00:00Z"),
        ("Sat *-*~7/1", "UTC", "2026-11-24T00:00:00Z", "2026-11-28T00:00:00Z 2026-12-26T00:00:00Z 2027-01-30T00:00:00Z"),
        ("quarterly", "UTC", "2026-11-24T00:00:00Z", "2027-01-01T00:00:00Z 2027-04-01T00:00:00Z 2027-07-01T00:00:00Z"),
        ("26..28/2-2-29", "UTC", "2026-11-24T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("2199-12-31 23:59:59", "UTC", "2026-11-24T00:00:00Z", "2199-12-31T23:59:59Z"),
        ("@1800000000", "Europe/Berlin", "2026-11-24T00:00:00Z", "2027-01-15T08:00:00Z"),
        ("Fri *-*-13", "UTC", "2026-11-24T00:00:00Z", "2027-08-13T00:00:00Z 2028-10-13T00:00:00Z 2029-04-13T00:00:00Z"),
        ("*-02-30", "UTC", "2026-11-24T00:00:00Z", ""),
        ("2025-01-01", "UTC", "2026-11-24T00:00:00Z", ""),
    ]);
    let never = |text: &str| parse("systemd", text).expect(text).never();
    assert!(never("*-02-30"));
    assert!(!never("2025-01-01"), "it has run");
}

#[test]
#[rustfmt::skip]
fn steps_over_the_end_come_down_where_systemd_lets_them() {
    check(&[
        // The fraction of a second is taken into the next minute.
        ("*:*:59/0.7", "UTC", "2026-11-24T00:00:59Z", "2026-11-24T00:00:59Z 2026-11-24T00:01:59Z 2026-11-24T00:01:59Z"),
        ("*:*:0/0.5", "UTC", "2026-11-24T00:00:00Z", "2026-11-24T00:00:00Z 2026-11-24T00:00:01Z 2026-11-24T00:00:01Z"),
        // Beyond the end of a month 21:00 and 7 hours are 04:00 of the first, and its midnight is passed over.
        ("0/7:00", "UTC", "2026-11-30T20:00:00Z", "2026-11-30T21:00:00Z 2026-12-01T07:00:00Z 2026-12-01T14:00:00Z"),
        ("0/7:00", "UTC", "2026-11-28T20:00:00Z", "2026-11-28T21:00:00Z 2026-11-29T00:00:00Z 2026-11-29T07:00:00Z"),
        ("*:5/22", "UTC", "2026-11-24T23:45:00Z", "2026-11-24T23:49:00Z 2026-11-25T00:27:00Z 2026-11-25T00:49:00Z"),
        ("*:5/22", "UTC", "2026-11-24T22:45:00Z", "2026-11-24T22:49:00Z 2026-11-24T23:05:00Z 2026-11-24T23:27:00Z"),
        ("*-*-2/16", "UTC", "2026-12-17T00:00:00Z", "2026-12-18T00:00:00Z 2027-01-18T00:00:00Z 2027-02-02T00:00:00Z"),
    ]);
}

#[test]
fn what_systemd_rejects_is_rejected() {
    for text in [
        "",
        "5min",
        "* * * * *",
        "0/15",
        "12",
        "@",
        "@x",
        "Mon..Foo 1:00",
        "Sat..Mon 04:00",
        "Mon,,Tue 10:00",
        "Mon.. 10:00",
        "weekly 03:00",
        "Mon daily",
        "reboot",
        " daily",
        "daily ",
        "daily  UTC",
        "1..5 0:0",
        "*-13-01",
        "2200-01-01",
        "1969-01-01",
        "*-*~31",
        "*-*-*/2",
        "24:00",
        "*:60",
        "*:0/60",
        "*:*:60",
        "*:*:0/0",
        "5..3:00",
        "*:*:0..0.5",
        "00:00:59.9999999",
        "*-*-1,15T03:00",
        "10:00 CEST",
        "10:00 europe/berlin",
        "10:00 +02:00",
        "OnFoo=1h",
        "OnBootSec=",
        "OnBootSec=soon",
        "OnBootSec=-5",
        "OnCalendar=",
    ] {
        assert!(parse("systemd", text).is_err(), "{text:?}");
    }
    let reason = |text: &str| parse("systemd", text).expect_err(text).reason;
    let why = "no zone of the zone database (an abbreviation holds only on hosts whose own zone has it)";
    assert_eq!(reason("10:00 CEST"), format!("CEST: {why}"));
    assert_eq!(reason("*:60"), "minute: 60 is not within it");
}

#[test]
fn schedules_are_told_in_words() {
    for (text, words) in [
        ("daily", "at 00:00 every day"),
        ("minutely", "every minute"),
        ("*:0/15", "every 15 minutes"),
        ("*:5,35", "every hour at :05, :35"),
        ("00/6:10", "every 6 hours from 00:10"),
        ("Mon..Fri 6,18:30", "at 06:30, 18:30, Monday to Friday"),
        ("Sat,Sun 04:00:15 UTC", "at 04:00:15, Saturday, Sunday (UTC)"),
        ("quarterly", "at 00:00, on day 1 of the month, in January, April, July, October"),
        ("Sun *-*-1..7 02:00", "at 02:00, on day 1-7 of the month if it is Sunday"),
        ("*-*~1 23:00", "at 23:00, on the last day of the month"),
        (
            "Sat *-*~7/1 1:00",
            "at 01:00, on day 7 in steps of 1 counted from the end of the month if it is Saturday",
        ),
        ("2027-03-01", "at 00:00, on day 1 of the month, in March, in 2027"),
        ("*:*:0/0.5", "every 0.5 seconds"),
        ("8..17:*", "every minute of hour 8-17"),
        ("8..17:0/20", "every 20 minutes of hour 8-17"),
        ("1,3,5,7:10,20", "at minute 10, 20 of hour 1, 3, 5, 7 every day"),
        ("OnBootSec=15min", "15 minutes after the machine starts"),
        ("OnUnitActiveSec=1d 2h", "1 day 2 hours after its last start"),
        ("OnUnitInactiveSec=90", "1 minute 30 seconds after its last end"),
        ("OnActiveSec=2w", "2 weeks after the timer is activated"),
        ("OnStartupSec=infinity", "an infinite time after systemd starts"),
    ] {
        assert_eq!(parse("systemd", text).expect(text).words(), words, "{text}");
    }
}

#[test]
fn settings_that_count_from_an_event_have_no_moments() {
    let clock = |text: &str| parse("systemd", text).expect(text).clock();
    assert_eq!(clock("OnCalendar=daily"), Clock::Calendar);
    assert_eq!(clock("OnBootSec=5min"), Clock::Boot);
    assert_eq!(clock("OnUnitActiveSec=1h30m"), Clock::Interval { seconds: 5400, from_end: false });
    assert_eq!(clock("OnUnitInactiveSec=0.5h"), Clock::Interval { seconds: 1800, from_end: true });
    assert_eq!(runs("OnUnitActiveSec=1h", "UTC", "2026-11-24T00:00:00Z", 3), "");
    assert!(parse("systemd", "OnBootSec=infinity").expect("a span").never());
}

#[test]
fn spans_are_what_systemd_analyze_timespan_says() {
    for (text, seconds) in [
        ("90", 90),
        ("1h30m", 5_400),
        ("1h30", 3_630),
        ("2 days 5min", 173_100),
        ("1M", 2_629_800),
        ("1y", 31_557_600),
        ("2.5h", 9_000),
        (".5min", 30),
        ("1500ms", 1),
        ("1s 999999us 1us", 2),
    ] {
        assert_eq!(span_seconds(text), Some(seconds), "{text}");
    }
    for text in ["", "-3", "5.", "1e3", "5 Min", "1:30", "h", "99999999999999y"] {
        assert_eq!(span_seconds(text), None, "{text}");
    }
}
