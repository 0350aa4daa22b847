//! `orphan-declaration`: stated uses that nobody saw where everything was watched, and those nobody can say it of.

use super::*;

const OTHER: &str = r#"
[[consumer]]
kind = "service"
name = "legacy"
users = ["legacy"]
hosts = ["app2"]
uses = ["shop-db/shop/public.prices"]
"#;
const FOUND: &str = "orphan-declaration: service:legacy, table:shop-db/shop/public.prices";

/// What billing did on two days, each session from its login on.
fn two_days() -> String {
    let day =
        connected("billing", "10.20.1.11") + &ran("billing", "10.20.1.11", "SELECT id FROM public.orders");
    day.replace("2026-10-26", "2026-10-24") + &day
}

fn told(entries: &str, log: &str, more: &[(&str, &str)]) -> Vec<String> {
    let estate = estate(&format!("{BILLING}{entries}"));
    let mut files = vec![(INVENTORY, estate.as_str()), (LOG, log)];
    files.extend(more);
    findings(&files)
}

#[test]
fn a_use_that_two_watched_days_never_show_is_found() {
    assert_eq!(told(OTHER, &two_days(), &[]), [FOUND]);
    let whole = OTHER.replace("shop-db/shop/public.prices", "shop-db");
    let found = FOUND.replace("table:shop-db/shop/public.prices", "database:shop-db");
    assert_eq!(told(&whole, &two_days(), &[]), [found]);
}

#[test]
fn a_use_that_was_seen_or_tried_is_not() {
    for log in [
        ran("legacy", "10.20.1.12", "SELECT a FROM public.prices"),
        refused("legacy", "10.20.1.12", "permission denied for table prices", "SELECT a FROM public.prices"),
    ] {
        assert_eq!(told(OTHER, &(two_days() + &log), &[]), NOTHING);
    }
}

#[test]
fn a_use_that_stands_in_the_consumers_own_text_is_not() {
    let text = "import db\ndb.execute(\"SELECT a FROM public.prices\")\n";
    let files = [("legacy/app.py", text), ("legacy/Dockerfile", "FROM scratch\n")];
    let mine = OTHER.replace("hosts", "source = [\"legacy\"]\nhosts");
    assert_eq!(told(&mine, &two_days(), &files), NOTHING);
    // What only its tests name it does not use.
    let files = [("legacy/tests/test_app.py", text), ("legacy/app.py", "x = 1\n"), files[1]];
    assert_eq!(told(&mine, &two_days(), &files), [FOUND]);
}

#[test]
fn less_than_a_day_shows_nothing() {
    let log =
        connected("billing", "10.20.1.11") + &ran("billing", "10.20.1.11", "SELECT id FROM public.orders");
    assert_eq!(told(OTHER, &log, &[]), NOTHING);
}

#[test]
fn a_log_of_slow_statements_shows_nothing() {
    assert_eq!(told(OTHER, &two_days().replace("0.120 ms", "912.120 ms"), &[]), NOTHING);
}

#[test]
fn a_server_that_nobody_watched_shows_nothing() {
    let crm = "[[system]]\nkind = \"database\"\nname = \"crm-db\"\naddresses = [\"db9:5432\"]\ndatabases = [\"crm\"]\n";
    let entries = format!("{crm}{}", OTHER.replace("shop-db/shop/public.prices", "crm-db/crm"));
    assert_eq!(told(&entries, &two_days(), &[]), NOTHING);
}

#[test]
fn somebody_nobody_would_know_again_is_not() {
    assert_eq!(told(&OTHER.replace("users = [\"legacy\"]\n", ""), &two_days(), &[]), NOTHING);
}

#[test]
fn a_job_whose_day_was_not_watched_is_not() {
    let job = r#"
[[consumer]]
kind = "job"
name = "close"
users = ["close"]
hosts = ["batch1"]
scripts = ["/opt/close.sh"]
uses = ["shop-db/shop/public.prices"]
"#;
    let script = ("batch1/opt/close.sh", "#!/bin/sh\ntrue\n");
    let monthly = (CRONTAB, "0 3 1 * * /opt/close.sh\n");
    assert_eq!(told(job, &two_days(), &[monthly, script]), NOTHING);
    let nightly = (CRONTAB, "0 3 * * * /opt/close.sh\n");
    let found = "orphan-declaration: job:batch1/close, table:shop-db/shop/public.prices";
    assert_eq!(told(job, &two_days(), &[nightly, script]), [found]);
}

#[test]
fn the_text_of_a_job_that_nothing_starts_is_no_use() {
    let job = r#"
[[consumer]]
kind = "job"
name = "settle"
users = ["settle"]
hosts = ["batch1"]
scripts = ["/opt/settle.sh"]
uses = ["shop-db/shop/public.prices"]
"#;
    let script = (
        "batch1/opt/settle.sh",
        "#!/bin/sh\npsql -h db1 -U settle -d shop -c 'SELECT a FROM public.prices'\n",
    );
    let found = "orphan-declaration: job:batch1/settle, table:shop-db/shop/public.prices";
    let stopped = (CRONTAB, "#0 3 * * * /opt/settle.sh\n0 4 * * * /opt/other.sh\n");
    assert_eq!(told(job, &two_days(), &[stopped, script]), [found]);
    // Its text says what it does where a schedule starts it, and where anything of it was seen.
    let nightly = (CRONTAB, "0 3 * * * /opt/settle.sh\n");
    assert_eq!(told(job, &two_days(), &[nightly, script]), NOTHING);
    let seen = two_days() + &ran("settle", "10.20.2.21", "SELECT a FROM public.prices");
    assert_eq!(told(job, &seen, &[stopped, script]), NOTHING);
}

#[test]
fn a_login_that_others_share_untold_is_not() {
    let shared = OTHER.replace("\"legacy\"]", "\"billing\"]").replace("app2", "app1");
    let log = two_days() + &ran("billing", "10.20.1.11", "SELECT a FROM public.prices");
    let told = told(&shared, &log, &[]);
    let orphans: Vec<&String> = told.iter().filter(|line| line.starts_with("orphan")).collect();
    assert_eq!(orphans, Vec::<&String>::new());
}
