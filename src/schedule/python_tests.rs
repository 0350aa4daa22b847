//! What the dialects of schedulers inside Python applications make of schedules, against what Airflow's cron mixin with
//! croniter, Celery's `crontab` and APScheduler 3's `CronTrigger` made of the same.

use super::tests::{Row, check, moment};
use super::{Clock, parse};
use jiff::tz::TimeZone;

const AIRFLOW: &[Row] = &[
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        Some(&["2026-03-29T01:30", "2026-03-30T00:30", "2026-03-31T00:30", "2026-04-01T00:30"]),
    ),
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        Some(&["2026-10-25T01:30", "2026-10-26T01:30", "2026-10-27T01:30", "2026-10-28T01:30"]),
    ),
    (
        "15,45 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        Some(&["2026-03-29T01:15", "2026-03-30T00:15", "2026-03-30T00:45", "2026-03-31T00:15"]),
    ),
    (
        "0 */2 * * *",
        "Europe/Berlin",
        "2026-10-24T22:00:00Z",
        Some(&["2026-10-25T01:00", "2026-10-25T03:00", "2026-10-25T05:00", "2026-10-25T07:00"]),
    ),
    (
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-03-29T00:00:00Z",
        Some(&["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30", "2026-03-29T02:00"]),
    ),
    (
        "0 * * * *",
        "Europe/Berlin",
        "2026-10-24T23:00:00Z",
        Some(&["2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00", "2026-10-25T03:00"]),
    ),
    (
        "0 0-23 * * *",
        "Europe/Berlin",
        "2026-10-24T23:00:00Z",
        Some(&["2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00", "2026-10-25T03:00"]),
    ),
    (
        "0 * * * 1",
        "Europe/Berlin",
        "2026-03-29T12:00:00Z",
        Some(&["2026-03-29T23:00", "2026-03-30T00:00", "2026-03-30T01:00", "2026-03-30T02:00"]),
    ),
    (
        "*/20 2,3 * * *",
        "Europe/Berlin",
        "2026-10-24T23:00:00Z",
        Some(&["2026-10-25T01:00", "2026-10-25T01:20", "2026-10-25T01:40", "2026-10-25T02:00"]),
    ),
    (
        "@quarterly",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-04-01T00:00", "2026-07-01T00:00", "2026-10-01T00:00", "2027-01-01T00:00"]),
    ),
    (
        "@Daily",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-11T00:00", "2026-01-12T00:00", "2026-01-13T00:00", "2026-01-14T00:00"]),
    ),
    (
        "0 0 13 * fri",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-13T00:00", "2026-01-16T00:00", "2026-01-23T00:00", "2026-01-30T00:00"]),
    ),
    (
        "0 0 L * *",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00", "2026-04-30T00:00"]),
    ),
    (
        "0 0 * * mon#2",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-12T00:00", "2026-02-09T00:00", "2026-03-09T00:00", "2026-04-13T00:00"]),
    ),
    (
        "0 0 * * L5",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-27T00:00", "2026-04-24T00:00"]),
    ),
    (
        "0 0 1 * mon#1",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-02-02T00:00", "2026-03-02T00:00", "2026-04-06T00:00", "2026-05-04T00:00"]),
    ),
    ("0 0 13 * tue#5", "UTC", "2026-01-10T00:00:00Z", Some(&[])),
    (
        "0 22-2/2 * * *",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-10T02:00", "2026-01-10T22:00", "2026-01-11T00:00", "2026-01-11T02:00"]),
    ),
    (
        "0 0 5-5 * *",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-11T00:00", "2026-01-12T00:00", "2026-01-13T00:00", "2026-01-14T00:00"]),
    ),
    (
        "0 0 1-31 * 1",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-11T00:00", "2026-01-12T00:00", "2026-01-13T00:00", "2026-01-14T00:00"]),
    ),
    (
        "0 0 */1 * */2",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-11T00:00", "2026-01-13T00:00", "2026-01-15T00:00", "2026-01-17T00:00"]),
    ),
    (
        "0 0 31W * *",
        "UTC",
        "2026-02-01T00:00:00Z",
        Some(&["2026-02-27T00:00", "2026-03-31T00:00", "2026-04-30T00:00", "2026-05-29T00:00"]),
    ),
    (
        "0 0 * * 5-7",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-11T00:00", "2026-01-16T00:00", "2026-01-17T00:00", "2026-01-18T00:00"]),
    ),
    (
        "0 0 * * * 15",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-10T00:00:15", "2026-01-11T00:00:15", "2026-01-12T00:00:15", "2026-01-13T00:00:15"]),
    ),
    (
        "59/15 * * * *",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-10T00:59", "2026-01-10T01:59", "2026-01-10T02:59", "2026-01-10T03:59"]),
    ),
    ("60 * * * *", "UTC", "2026-01-10T00:00:00Z", None),
    ("H * * * *", "UTC", "2026-01-10T00:00:00Z", None),
    ("0 0 * *", "UTC", "2026-01-10T00:00:00Z", None),
    ("0 0 * * mon#1,tue", "UTC", "2026-01-10T00:00:00Z", None),
    ("0 0 1-5#2 * *", "UTC", "2026-01-10T00:00:00Z", None),
    ("0 0 ?/2 * *", "UTC", "2026-01-10T00:00:00Z", None),
    ("@reboot", "UTC", "2026-01-10T00:00:00Z", None),
];

const CELERY: &[Row] = &[
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        Some(&["2026-03-29T01:30", "2026-03-30T00:30", "2026-03-31T00:30", "2026-04-01T00:30"]),
    ),
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        Some(&["2026-10-25T00:30", "2026-10-26T01:30", "2026-10-27T01:30", "2026-10-28T01:30"]),
    ),
    (
        "0 * * * *",
        "Europe/Berlin",
        "2026-10-24T23:00:00Z",
        Some(&["2026-10-25T00:00", "2026-10-25T02:00", "2026-10-25T03:00", "2026-10-25T04:00"]),
    ),
    (
        "15,45 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        Some(&["2026-03-29T01:15", "2026-03-30T00:15", "2026-03-30T00:45", "2026-03-31T00:15"]),
    ),
    (
        "*/30 0-3 * * *",
        "Europe/Berlin",
        "2026-03-29T00:00:00Z",
        Some(&["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30", "2026-03-29T22:00"]),
    ),
    (
        "0 0 1-7 * mon",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-02-02T00:00", "2026-03-02T00:00", "2026-04-06T00:00", "2026-05-04T00:00"]),
    ),
    (
        "0 3 * * sat-tue",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-10T03:00", "2026-01-11T03:00", "2026-01-12T03:00", "2026-01-13T03:00"]),
    ),
    (
        "0 0 */10 feb-dec/5 *",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-02-01T00:00", "2026-02-11T00:00", "2026-02-21T00:00", "2026-07-01T00:00"]),
    ),
    (
        "0 22-2/2 * * *",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-10T02:00", "2026-01-10T22:00", "2026-01-11T00:00", "2026-01-11T02:00"]),
    ),
    (
        "0 0 * may/5 *",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-05-01T00:00", "2026-05-02T00:00", "2026-05-03T00:00", "2026-05-04T00:00"]),
    ),
    (
        "0 0 * * tuesday",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-13T00:00", "2026-01-20T00:00", "2026-01-27T00:00", "2026-02-03T00:00"]),
    ),
    (
        "0 0 29 2 *",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00", "2040-02-29T00:00"]),
    ),
    ("0 0 30 2 *", "UTC", "2026-01-10T00:00:00Z", None),
    ("0 0 * * 7", "UTC", "2026-01-10T00:00:00Z", None),
    ("5/10 * * * *", "UTC", "2026-01-10T00:00:00Z", None),
    ("0 24 * * *", "UTC", "2026-01-10T00:00:00Z", None),
    ("0 0 * *", "UTC", "2026-01-10T00:00:00Z", None),
    ("0 0,, * * *", "UTC", "2026-01-10T00:00:00Z", None),
];

const APSCHEDULER: &[Row] = &[
    (
        "cron[hour='2', minute='30']",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        Some(&["2026-03-29T01:30", "2026-03-30T00:30", "2026-03-31T00:30", "2026-04-01T00:30"]),
    ),
    (
        "cron[hour='2', minute='30']",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        Some(&["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-26T01:30", "2026-10-27T01:30"]),
    ),
    (
        "cron[hour='2', minute='15,45']",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        Some(&["2026-03-29T01:15", "2026-03-30T00:15", "2026-03-30T00:45", "2026-03-31T00:15"]),
    ),
    (
        "cron[minute='30']",
        "Europe/Berlin",
        "2026-10-24T23:00:00Z",
        Some(&["2026-10-24T23:30", "2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"]),
    ),
    (
        "cron[hour='1-3']",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        Some(&["2026-03-29T00:00", "2026-03-29T01:00", "2026-03-29T23:00", "2026-03-30T00:00"]),
    ),
    (
        "cron[day_of_week='0', hour='4']",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-12T04:00", "2026-01-19T04:00", "2026-01-26T04:00", "2026-02-02T04:00"]),
    ),
    (
        "0 4 * * 0",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-12T04:00", "2026-01-19T04:00", "2026-01-26T04:00", "2026-02-02T04:00"]),
    ),
    (
        "cron[day='2nd fri,last', hour='6']",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-31T06:00", "2026-02-13T06:00", "2026-02-28T06:00", "2026-03-13T06:00"]),
    ),
    (
        "cron[month='feb']",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-02-01T00:00", "2027-02-01T00:00", "2028-02-01T00:00", "2029-02-01T00:00"]),
    ),
    (
        "cron[week='10']",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-03-02T00:00", "2026-03-03T00:00", "2026-03-04T00:00", "2026-03-05T00:00"]),
    ),
    (
        "cron[day_of_week='mon-fri', hour='5', minute='*/30']",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-12T05:00", "2026-01-12T05:30", "2026-01-13T05:00", "2026-01-13T05:30"]),
    ),
    (
        "cron[year='2027', month='*/6', day='31']",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2027-01-31T00:00", "2027-07-31T00:00"]),
    ),
    (
        "cron[day='last sun']",
        "UTC",
        "2026-01-10T00:00:00Z",
        Some(&["2026-01-25T00:00", "2026-02-22T00:00", "2026-03-29T00:00", "2026-04-26T00:00"]),
    ),
    ("cron[hour='5-1']", "UTC", "2026-01-10T00:00:00Z", None),
    ("cron[minute='*/60']", "UTC", "2026-01-10T00:00:00Z", None),
    ("cron[day_of_week='7']", "UTC", "2026-01-10T00:00:00Z", None),
    ("cron[day_of_week='monday']", "UTC", "2026-01-10T00:00:00Z", None),
    ("0 4 * *", "UTC", "2026-01-10T00:00:00Z", None),
    ("cron[minute='5-9/5']", "UTC", "2026-01-10T00:00:00Z", None),
];

#[test]
fn each_goes_from_run_to_run_as_its_scheduler_does() {
    check("airflow", AIRFLOW);
    check("celery", CELERY);
    check("apscheduler", APSCHEDULER);
}

#[test]
fn intervals_have_moments_only_where_they_are_stated() {
    for (dialect, text, seconds) in [
        ("airflow", "timedelta(hours=6)", 21_600),
        ("airflow", "relativedelta(days=1)", 86_400),
        ("celery", "30", 30),
        ("celery", "timedelta(minutes=1, seconds=30)", 90),
        ("apscheduler", "interval[hours=1, minutes=30]", 5400),
    ] {
        let schedule = parse(dialect, text).expect("it is accepted");
        assert_eq!(schedule.clock(), Clock::Interval { seconds, from_end: false }, "{text}");
    }
    for (dialect, text) in [
        ("airflow", "timedelta()"),
        ("airflow", "timedelta(fortnights=1)"),
        ("airflow", "timedelta(months=1)"),
        ("airflow", "timedelta(days=1) since yesterday"),
        ("celery", "-5"),
        ("celery", "timedelta(days=1) since 2024-01-01T00:00:00Z"),
        ("apscheduler", "interval[]"),
        ("apscheduler", "date[soon]"),
    ] {
        assert!(parse(dialect, text).is_err(), "{text}");
    }
}

#[test]
fn an_interval_counts_from_its_moment_in_utc() {
    let rows: [(&str, &str, &[&str]); 3] = [
        (
            "timedelta(hours=6) since 2026-01-01T01:30:00Z",
            "2026-03-29T00:00:00Z",
            &["2026-03-29T01:30", "2026-03-29T07:30"],
        ),
        // The first run ends the first interval.
        (
            "timedelta(days=1) since 2026-04-01T00:00:00Z",
            "2026-03-29T00:00:00Z",
            &["2026-04-02T00:00", "2026-04-03T00:00"],
        ),
        (
            "relativedelta(months=1) since 2026-01-31T00:00:00Z",
            "2026-02-01T00:00:00Z",
            &["2026-02-28T00:00", "2026-03-28T00:00"],
        ),
    ];
    let berlin = super::zone("Europe/Berlin").expect("it is a zone");
    for (text, from, wanted) in rows {
        let schedule = parse("airflow", text).expect("it is accepted");
        let found: Vec<i64> = schedule.next(&berlin, moment(from)).take(2).collect();
        let wanted: Vec<i64> = wanted.iter().map(|text| moment(&format!("{text}:00Z"))).collect();
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn what_no_clock_starts_has_no_runs_and_is_not_dead() {
    for text in ["None", "@once", "@continuous", "assets(s3://shop/orders)"] {
        let schedule = parse("airflow", text).expect("it is accepted");
        assert_eq!(schedule.clock(), Clock::Unsettled, "{text}");
        assert_eq!(schedule.next(&TimeZone::UTC, 0).next(), None, "{text}");
        assert!(!schedule.never(), "{text}");
    }
    let sun = parse("celery", "solar(sunset, 52.5, 13.4)").expect("it is accepted");
    assert_eq!(sun.clock(), Clock::Unsettled);
    let once = parse("apscheduler", "date[2026-12-24 18:00:00]").expect("it is accepted");
    assert_eq!(once.next(&TimeZone::UTC, 0).collect::<Vec<_>>(), [moment("2026-12-24T18:00:00Z")]);
}

#[test]
fn what_people_read_otherwise_is_noted() {
    let misread =
        |dialect: &str, text: &str| !parse(dialect, text).expect("it is accepted").misread().is_empty();
    for (dialect, text) in [
        ("airflow", "0 2 1-7 * 1"),
        ("airflow", "0 2 1 * mon#1"),
        ("celery", "0 2 1-7 * 1"),
        ("apscheduler", "0 2 * * 1"),
        ("apscheduler", "cron[day_of_week='0-4']"),
    ] {
        assert!(misread(dialect, text), "{dialect} {text}");
    }
    for (dialect, text) in [
        ("airflow", "0 2 1-7 * *"),
        ("airflow", "0 2 * * mon#1"),
        ("celery", "0 2 * * 1"),
        ("apscheduler", "0 2 1 * mon"),
        ("apscheduler", "cron[day_of_week='mon-fri']"),
    ] {
        assert!(!misread(dialect, text), "{dialect} {text}");
    }
}
