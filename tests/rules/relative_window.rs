//! `relative-window`: windows that are too short or too long for who comes by the clock.

use super::*;

/// A listed job, so that nothing but its window is told.
const TOTALS: &str = "[[consumer]]\nkind = \"job\"\nname = \"batch1/totals\"\nuses = [\"shop-db/shop\"]\n";

/// A job of this schedule that sends this statement.
fn job(schedule: &str, sql: &str) -> Vec<String> {
    let script = format!("#!/bin/sh\npsql -h db1 -d shop -U batch -c \"{sql}\"\n");
    titles(&[
        (INVENTORY, &estate(TOTALS)),
        (CRONTAB, &format!("{schedule} /opt/jobs/totals.sh\n")),
        ("batch1/opt/jobs/totals.sh", &script),
    ])
}

fn reads(window: &str) -> String {
    format!("SELECT id, total FROM public.orders WHERE ordered_at > {window}")
}

fn adds(window: &str) -> String {
    format!("INSERT INTO public.totals (id, total) {}", reads(window))
}

const ORDERS: &str = "table:shop-db/shop/public.orders";

#[test]
fn a_window_shorter_than_the_period_is_found() {
    let what = format!(
        "job:batch1/totals reads the last 30 minutes of {ORDERS} every 1 hour, and never what is between"
    );
    let window = "now() - interval '30 minutes'";
    assert_eq!(job("5 * * * *", &reads(window)), [format!("medium medium relative-window: {what}")]);
    assert_eq!(job("5 * * * *", &adds(window)), [format!("high medium relative-window: {what}")]);
}

#[test]
fn a_weekend_is_longer_than_a_day() {
    let what = format!(
        "job:batch1/totals reads the last 1 day of {ORDERS}, and up to 3 days pass between two starts"
    );
    assert_eq!(
        job("0 6 * * 1-5", &reads("now() - interval '1 day'")),
        [format!("medium medium relative-window: {what}")]
    );
    let what = what.replace("last 1 day", "last whole 1 day");
    assert_eq!(
        job("0 6 * * 1-5", "SELECT id FROM public.orders WHERE ordered_at::date = current_date - 1"),
        [format!("medium medium relative-window: {what}")]
    );
}

#[test]
fn a_window_as_long_as_the_period_has_no_slack() {
    let what = format!(
        "job:batch1/totals reads the last 1 hour of {ORDERS} every 1 hour, and a start that comes late loses rows"
    );
    let window = "now() - interval '1 hour'";
    assert_eq!(job("5 * * * *", &reads(window)), [format!("low medium relative-window: {what}")]);
    assert_eq!(job("5 * * * *", &adds(window)), [format!("medium medium relative-window: {what}")]);
}

#[test]
fn rows_that_are_added_twice_are_found() {
    let what = format!(
        "job:batch1/totals adds the last 3 hours of {ORDERS} to table:shop-db/shop/public.totals every 1 hour, and rows are there twice"
    );
    assert_eq!(
        job("5 * * * *", &adds("now() - interval '3 hours'")),
        [format!("medium medium relative-window: {what}")]
    );
}

#[test]
fn slack_whole_days_and_what_is_told_once_are_not() {
    for (schedule, sql) in [
        // The period and some slack.
        ("5 * * * *", reads("now() - interval '70 minutes'")),
        ("5 * * * *", adds("now() - interval '80 minutes'")),
        ("0 6 * * 1-5", reads("now() - interval '3 days 1 hour'")),
        // Read again and again, but nothing is added up.
        ("*/15 * * * *", reads("now() - interval '1 day'")),
        // Rows that are there are left out.
        ("5 * * * *", format!("{} ON CONFLICT (id) DO NOTHING", adds("now() - interval '3 hours'"))),
        (
            "5 * * * *",
            format!(
                "{} AND NOT EXISTS (SELECT 1 FROM public.totals t WHERE t.id = orders.id)",
                adds("now() - interval '3 hours'")
            ),
        ),
        // Emptied before.
        ("5 * * * *", format!("DELETE FROM public.totals; {}", adds("now() - interval '3 hours'"))),
        // All of yesterday, once a day, whatever the hour.
        ("0 6 * * *", "SELECT id FROM public.orders WHERE ordered_at::date = current_date - 1".to_owned()),
        ("0 6 * * *", reads("current_date - 1")),
        // What is older than something is no window.
        ("5 * * * *", reads("now() - interval '30 minutes'").replace('>', "<")),
        // Two windows compare two spans.
        (
            "5 * * * *",
            "SELECT a.id FROM public.orders a, public.sums b WHERE a.at > now() - interval '5 minutes' AND b.at > now() - interval '6 minutes'"
                .to_owned(),
        ),
        // Only a run tells how long it is.
        ("5 * * * *", reads("now() - interval '$WIDTH'")),
    ] {
        let rest: Vec<String> =
            job(schedule, &sql).into_iter().filter(|line| line.contains("relative-window")).collect();
        assert_eq!(rest, NOTHING, "{schedule} {sql}");
    }
}

#[test]
fn a_job_that_tests_the_day_runs_less_often_than_its_schedule() {
    let sql = reads("now() - interval '30 minutes'");
    let told = |guard: &str| {
        let line = format!("5 * * * * {guard}psql -h db1 -d shop -U batch -c \"{sql}\"\n");
        let told = titles(&[(INVENTORY, ESTATE), (CRONTAB, &line)]);
        told.into_iter().filter(|line| line.contains("relative-window")).collect::<Vec<_>>()
    };
    let what = format!(
        "job:batch1/psql reads the last 30 minutes of {ORDERS} every 1 hour, and never what is between"
    );
    assert_eq!(told(""), [format!("medium medium relative-window: {what}")]);
    assert_eq!(told("[ $(date +\\%d) -le 7 ] && "), NOTHING);
}

/// Somebody who comes every quarter of an hour, on 40 quarters.
fn seen(sql: &str) -> Vec<String> {
    let seconds = (0..40).map(|quarter| 3_600 + quarter * 900 + quarter % 3);
    let told =
        titles(&[(INVENTORY, &estate(BILLING)), (LOG, &ran_at(seconds, "billing", "10.20.1.11", sql))]);
    told.into_iter().filter(|line| line.contains("relative-window")).collect()
}

#[test]
fn a_period_that_was_seen_counts_like_a_schedule() {
    let what = format!(
        "service:billing reads the last 5 minutes of {ORDERS} every 15 minutes, and never what is between"
    );
    assert_eq!(
        seen(&reads("now() - interval '5 minutes'")),
        [format!("medium high relative-window: {what}")]
    );
    assert_eq!(seen(&reads("now() - '1 day'::interval")), NOTHING);
    assert_eq!(seen(&reads("now() - interval '20 min'")), NOTHING);
}

#[test]
fn who_comes_at_no_fixed_time_has_no_period() {
    let seconds = [3_600, 3_700, 9_000, 9_100, 20_000, 40_000].into_iter();
    let log = ran_at(seconds, "billing", "10.20.1.11", &reads("now() - interval '5 minutes'"));
    assert_eq!(titles(&[(INVENTORY, &estate(BILLING)), (LOG, &log)]), NOTHING);
}
