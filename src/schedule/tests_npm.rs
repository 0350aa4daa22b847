//! What the dialects of npm's packages make of schedules, against what the packages themselves made of the same:
//! node-cron 4.6.0, cron 4.4.0, cron-parser 4.9.0 and node-schedule 2.1.1 were asked for these runs, each with the clock
//! of the process at the run before.

use super::tests::{Row, check};
use super::{Clock, parse};

const NODE_CRON: &[Row] = &[
    ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", Some(&["2026-03-30T00:30", "2026-03-31T00:30"])),
    ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", Some(&["2026-10-25T01:30", "2026-10-26T01:30"])),
    (
        "30 1 * * *",
        "America/New_York",
        "2026-10-31T12:00:00Z",
        Some(&["2026-11-01T05:30", "2026-11-02T06:30"]),
    ),
    ("0 0 1,15 * 5", "UTC", "2026-01-01T00:00:00Z", Some(&["2026-05-01T00:00", "2026-05-15T00:00"])),
    (
        "0 22-2/2 * * *",
        "UTC",
        "2026-01-01T00:30:00Z",
        Some(&["2026-01-01T02:00", "2026-01-01T22:00", "2026-01-02T00:00"]),
    ),
    ("0 0 L * *", "UTC", "2026-01-01T00:00:00Z", Some(&["2026-01-31T00:00", "2026-02-28T00:00"])),
    ("0 0 * january 1#2", "UTC", "2026-01-01T00:00:00Z", Some(&["2026-01-12T00:00", "2027-01-11T00:00"])),
    ("5/10 * * * *", "UTC", "2026-01-01T00:00:00Z", None),
    ("0 0 31 4 *", "UTC", "2026-01-01T00:00:00Z", None),
];

const NPM_CRON: &[Row] = &[
    ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", Some(&["2026-03-29T01:00", "2026-03-30T00:30"])),
    (
        "30 2 * * *",
        "Australia/Sydney",
        "2026-10-03T00:00:00Z",
        Some(&["2026-10-03T16:30", "2026-10-04T15:30"]),
    ),
    (
        "0 3 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        Some(&["2026-10-25T01:00", "2026-10-25T02:00", "2026-10-26T02:00"]),
    ),
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        Some(&["2026-10-25T00:30", "2026-10-26T01:30", "2026-10-27T01:30"]),
    ),
    (
        "0 0 1 * 5",
        "UTC",
        "2026-01-01T00:00:00Z",
        Some(&["2026-01-02T00:00", "2026-01-09T00:00", "2026-01-16T00:00"]),
    ),
    ("0 0 1-31 * 5", "UTC", "2026-01-01T00:00:00Z", Some(&["2026-01-02T00:00", "2026-01-09T00:00"])),
    ("@weekdays", "UTC", "2026-01-02T12:00:00Z", Some(&["2026-01-05T00:00", "2026-01-06T00:00"])),
    ("0 22-2 * * *", "UTC", "2026-01-02T12:00:00Z", None),
    ("0 0 L * *", "UTC", "2026-01-02T12:00:00Z", None),
];

const CRON_PARSER: &[Row] = &[
    ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", Some(&["2026-03-29T01:30", "2026-03-30T00:30"])),
    ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", Some(&["2026-10-25T00:30", "2026-10-26T01:30"])),
    (
        "30 * * * *",
        "Europe/Berlin",
        "2026-10-24T23:45:00Z",
        Some(&["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"]),
    ),
    (
        "0 0 * * 5/1",
        "UTC",
        "2026-01-01T00:00:00Z",
        Some(&["2026-01-02T00:00", "2026-01-03T00:00", "2026-01-04T00:00", "2026-01-09T00:00"]),
    ),
    (
        "0 0 1-30 4,5 1",
        "UTC",
        "2026-04-25T00:00:00Z",
        Some(&["2026-04-27T00:00", "2026-05-01T00:00", "2026-05-02T00:00"]),
    ),
    ("0 0 L * *", "UTC", "2026-01-01T00:00:00Z", Some(&["2026-01-31T00:00", "2026-02-28T00:00"])),
    ("0 0 * * 1#2", "UTC", "2026-01-01T00:00:00Z", Some(&["2026-01-12T00:00", "2026-02-09T00:00"])),
    ("0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z", None),
    ("@midnight", "UTC", "2026-01-01T00:00:00Z", None),
];

/// Rules of node-schedule step through the time that really passes.
const NODE_SCHEDULE: &[Row] = &[
    ("hour=2 minute=30", "Europe/Berlin", "2026-03-28T12:00:00Z", Some(&["2026-03-30T00:30"])),
    (
        "hour=2 minute=30",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        Some(&["2026-10-25T00:30", "2026-10-25T01:30"]),
    ),
    (
        "month=0 date=13 dayOfWeek=5 hour=0 minute=0",
        "UTC",
        "2026-01-01T00:00:00Z",
        Some(&["2034-01-13T00:00"]),
    ),
    ("hour=5", "UTC", "2026-01-01T00:00:00Z", Some(&["2026-01-01T05:00", "2026-01-01T05:01"])),
    ("0 5 * * *", "UTC", "2026-01-01T00:00:00Z", Some(&["2026-01-01T05:00", "2026-01-02T05:00"])),
    ("month=12", "UTC", "2026-01-01T00:00:00Z", None),
    ("day=1", "UTC", "2026-01-01T00:00:00Z", None),
];

#[test]
fn packages_agree_with_their_dialects() {
    for (dialect, rows) in [
        ("node-cron", NODE_CRON),
        ("npm-cron", NPM_CRON),
        ("cron-parser", CRON_PARSER),
        ("node-schedule", NODE_SCHEDULE),
    ] {
        check(dialect, rows);
    }
}

#[test]
fn intervals_of_applications_count_from_a_start_or_an_end() {
    let clock = |dialect: &str, text: &str| parse(dialect, text).map(|read| read.clock());
    let interval = |seconds, from_end| Ok(Clock::Interval { seconds, from_end });
    assert_eq!(clock("spring", "fixedRate=60000 initialDelay=5s"), interval(60, false));
    assert_eq!(clock("spring", "fixedDelay=PT10M"), interval(600, true));
    assert_eq!(clock("spring", "initialDelay=5000"), Ok(Clock::Boot));
    assert_eq!(clock("quartz", "repeatInterval=1500"), interval(2, false));
    assert_eq!(clock("quartz", "repeatCount=0"), Ok(Clock::Boot));
    for dialect in ["npm-cron", "cron-parser", "node-schedule"] {
        assert_eq!(clock(dialect, "every=300000"), interval(300, false), "{dialect}");
        assert!(parse(dialect, "every=0").is_err(), "{dialect}");
    }
    for (dialect, text) in [
        ("spring", "fixedRate=0"),
        ("spring", "fixedRate=5 fixedDelay=5"),
        ("spring", "rate=5"),
        ("spring", "fixedRate=soon"),
        ("quartz", "repeatCount=3"),
        ("quartz", "every=5"),
        ("node-cron", "every=5"),
    ] {
        assert!(parse(dialect, text).is_err(), "{dialect} {text}");
    }
}
