//! What servers did with events, and what the manual says of their schedules.

use super::super::{Clock, parse, zone};
use jiff::Timestamp;

fn runs(text: &str, name: &str, from: &str, count: usize) -> Vec<String> {
    let zone = zone(name).expect("it is a zone");
    let from = from.parse::<Timestamp>().expect("it is a moment").as_second();
    let schedule = parse("mysql-event", text).expect("it is accepted");
    let told = schedule.next(&zone, from).take(count);
    told.map(|run| Timestamp::from_second(run).expect("it is a moment").to_string()).collect()
}

/// MariaDB 10.11 with a clock that was sped up over changes of Berlin's clocks and the ends of months: the first
/// moments at which it ran each event, cut to whole spans.
#[test]
fn it_runs_when_the_server_ran_it() {
    let mut wrong = Vec::new();
    for row in include_str!("../../../fixtures/databases/mysql/runs.tsv").lines() {
        let [_, text, span, want] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("four fields: {row}")
        };
        let span: i64 = span.parse::<i64>().expect("minutes") * 60;
        let want: Vec<&str> = want.split(' ').collect();
        // The server was started some minutes before the first of them.
        let first = want[0].parse::<Timestamp>().expect("a moment").as_second();
        let zone = zone("Europe/Berlin").expect("it is a zone");
        let schedule = parse("mysql-event", text).expect("it is accepted");
        let cut =
            |run: i64| Timestamp::from_second(run.div_euclid(span) * span).expect("a moment").to_string();
        let got: Vec<String> = schedule
            .next(&zone, first - 1)
            .take(want.len())
            .map(cut)
            .map(|run| run.replace(":00Z", "Z"))
            .collect();
        if got != want {
            wrong.push(format!("{text}: {got:?}, not {want:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_last_day_that_a_short_month_lacks_comes_twice_in_the_next() {
    // get_next_time adds a month to what February has made of the 31st, then finds the 31st itself.
    assert_eq!(
        runs("EVERY 1 MONTH STARTS '2026-01-31 12:00:00'", "UTC", "2026-01-31T12:00:00Z", 5),
        [
            "2026-02-28T12:00:00Z",
            "2026-03-28T12:00:00Z",
            "2026-03-31T12:00:00Z",
            "2026-04-30T12:00:00Z",
            "2026-05-30T12:00:00Z"
        ]
    );
}

#[test]
fn a_start_may_be_put_together() {
    for text in [
        "EVERY 1 DAY STARTS CURRENT_DATE + INTERVAL 1 DAY + INTERVAL '2:30' HOUR_MINUTE",
        "EVERY 1 DAY STARTS (TIMESTAMP(CURRENT_DATE) + INTERVAL 1 DAY + INTERVAL 150 MINUTE)",
        "EVERY 1 DAY STARTS TIMESTAMP(CURDATE(), '02:30:00')",
        "EVERY 24 HOUR STARTS concat(curdate(), ' 02:30:00')",
        "EVERY 1 DAY STARTS DATE_ADD(DATE_ADD(CURDATE(), INTERVAL 1 DAY), INTERVAL 150 MINUTE)",
        "EVERY 1 DAY STARTS '2020-01-01 00:00:00' + INTERVAL 9000 SECOND",
        "every '1' day starts 20200101023000",
    ] {
        assert_eq!(runs(text, "UTC", "2026-01-01T00:00:00Z", 1), ["2026-01-01T02:30:00Z"], "{text}");
    }
}

#[test]
fn without_a_start_it_counts_from_when_it_was_made() {
    let clock = |text: &str| parse("mysql-event", text).expect("it is accepted").clock();
    let every = |seconds| Clock::Interval { seconds, from_end: false };
    assert_eq!(clock("EVERY 10 SECOND"), every(10));
    assert_eq!(clock("EVERY '1:30' MINUTE_SECOND"), every(90));
    assert_eq!(clock("EVERY '1 2' DAY_HOUR STARTS NOW()"), every(93_600));
    // The time of day is known, and on which days it is not.
    assert_eq!(clock("EVERY 1 WEEK STARTS CURRENT_DATE + INTERVAL 3 HOUR"), every(604_800));
    assert_eq!(clock("AT CURRENT_TIMESTAMP + INTERVAL 1 HOUR"), Clock::Unsettled);
}

#[test]
fn an_end_ends_it_and_a_moment_comes_once() {
    let from = "2026-01-01T00:00:00Z";
    assert_eq!(
        runs("EVERY 1 DAY STARTS '2026-01-01 02:00:00' ENDS '2026-01-02 02:00:00'", "UTC", from, 5),
        ["2026-01-01T02:00:00Z", "2026-01-02T02:00:00Z"]
    );
    assert_eq!(runs("AT '2026-11-26 03:00:00'", "Europe/Berlin", from, 5), ["2026-11-26T02:00:00Z"]);
}

#[test]
fn what_the_server_refuses_is_refused() {
    for text in [
        "EVERY 0 DAY",
        "EVERY -1 DAY",
        "EVERY 1 FORTNIGHT",
        "EVERY 1 MICROSECOND",
        "EVERY DAY",
        "DAILY",
        "EVERY 1 DAY STARTS 'soon'",
        "EVERY 1 DAY STARTS '2026-01-02 00:00:00' ENDS '2026-01-01 00:00:00'",
        "EVERY 1 DAY ENDS",
        "AT",
        "",
    ] {
        assert!(parse("mysql-event", text).is_err(), "{text}");
    }
}
