//! `fixed-sleep`: hand-overs that rest on a sleep, and sleeps that rest nothing on it.

use super::*;

const JOB: &str = "0 3 * * * /opt/job.sh\n";

fn with_script(body: &str, more: &[(&str, &str)]) -> Vec<String> {
    let script = format!("#!/bin/bash\n{body}");
    let mut files = vec![(INVENTORY, ESTATE), (CRONTAB, JOB), ("batch1/opt/job.sh", script.as_str())];
    files.extend(more);
    let told = findings(&files);
    told.into_iter().filter(|line| line.starts_with("fixed-sleep")).collect()
}

/// Somebody else, who fills the table of exports.
const FILLER: (&str, &str) = (
    "filler/app.py",
    "import db\ndb.execute(\"INSERT INTO public.exports (id) SELECT id FROM public.requests\")\n",
);
const SETTINGS: (&str, &str) = ("filler/.env", "DATABASE_URL=postgres://filler@db1:5432/shop\n");

const ASK: &str = "curl -fsS -X POST http://app1:8080/exports/start\n";
const TAKE: &str = "psql -h db1 -d shop -c \"SELECT id FROM public.exports\"\n";

#[test]
fn what_somebody_else_makes_while_the_script_sleeps_is_found() {
    let table = "fixed-sleep: job:batch1/job, table:shop-db/shop/public.exports";
    assert_eq!(with_script(&format!("{ASK}sleep 300\n{TAKE}"), &[FILLER, SETTINGS]), [table]);
    assert_eq!(with_script(&format!("set -e\n{ASK}sleep 5m && {TAKE}"), &[FILLER, SETTINGS]), [table]);
    // Rows handed over to who fills the table.
    let hand = "psql -h db1 -d shop -c \"INSERT INTO public.requests (id) VALUES (1)\"\n";
    assert_eq!(with_script(&format!("{hand}sleep 60\n{TAKE}"), &[FILLER, SETTINGS]), [table]);
}

#[test]
fn another_thing_of_the_same_server_is_found() {
    let told =
        with_script(&format!("{ASK}sleep 60\ncurl -o /srv/x.csv http://app1:8080/exports/latest\n"), &[]);
    assert_eq!(told, ["fixed-sleep: job:batch1/job, endpoint:app1:8080/GET /exports/latest"]);
}

#[test]
fn a_file_somebody_else_makes_after_it_was_asked_for_is_found() {
    let file = "fixed-sleep: job:batch1/job, file:batch1:/mnt/lab/result.out";
    assert_eq!(with_script(&format!("{ASK}sleep 60\ncp /mnt/lab/result.out /srv/in/\n"), &[]), [file]);
    // What the script makes itself is there.
    let made = format!("{ASK}date > /mnt/lab/result.out\nsleep 60\ncp /mnt/lab/result.out /srv/in/\n");
    assert_eq!(with_script(&made, &[]), NOTHING);
}

#[test]
fn a_file_that_the_background_still_writes_is_found() {
    let dump = "pg_dump -h db1 shop > /srv/shop.sql &\n";
    let send = "scp /srv/shop.sql app1:/srv/\n";
    let told = with_script(&format!("{dump}sleep 120\n{send}"), &[]);
    assert_eq!(told, ["fixed-sleep: job:batch1/job, file:batch1:/srv/shop.sql"]);
    // It waits for its own background.
    assert_eq!(with_script(&format!("{dump}wait\nsleep 120\n{send}"), &[]), NOTHING);
    // It is done when the sleep begins.
    assert_eq!(with_script(&format!("{}\nsleep 120\n{send}", dump.trim_end_matches("&\n")), &[]), NOTHING);
}

#[test]
fn sleeps_that_nothing_rests_on_are_not() {
    let other = [FILLER, SETTINGS];
    for body in [
        // In front of all work, and behind it.
        format!("sleep 600\n{ASK}{TAKE}"),
        format!("{ASK}{TAKE}sleep 600\n"),
        // It asks until it is done.
        format!("{ASK}until test -f /srv/done; do sleep 30; done\n{TAKE}"),
        format!("{ASK}while ! pgrep export; do\n  sleep 30\ndone\n{TAKE}"),
        // Another try after a failure.
        "curl -f http://app1:8080/a || { sleep 30; curl -f http://app1:8080/b; }\n".to_owned(),
        // One after the other, slowly.
        "for b in a b c; do curl http://app1:8080/$b; sleep 20; done\n".to_owned(),
        "curl http://app1:8080/a\nsleep 10\ncurl http://app1:8080/b\nsleep 10\ncurl http://app1:8080/c\nsleep 10\ncurl http://app1:8080/d\n".to_owned(),
        // Another server.
        "curl http://app1:8080/a\nsleep 60\ncurl http://app2:8080/b\n".to_owned(),
        // The same question once more.
        "curl -fsS http://app1:8080/health\nsleep 20\ncurl -fsS http://app1:8080/health\n".to_owned(),
        // A moment.
        format!("{ASK}sleep 2\n{TAKE}"),
        // Nobody else writes what is read, and what it writes itself is done.
        "psql -h db1 -d shop -c \"INSERT INTO public.own (id) VALUES (1)\"\nsleep 60\npsql -h db1 -d shop -c \"SELECT id FROM public.own\"\n".to_owned(),
        // A sleep that is not known, or is itself in the background.
        format!("{ASK}sleep $((RANDOM % 60))\n{TAKE}"),
        format!("{ASK}sleep 600 &\n{TAKE}"),
    ] {
        assert_eq!(with_script(&body, &other), NOTHING, "{body}");
    }
}
