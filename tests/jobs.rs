//! `jobs`: every job of a scan with its runs and what it touches, as text, table and JSON, whole; and what was asked about
//! beside what was not.

use std::process::{Command, Output};

const CRONTAB: &str = "\
# m h dom mon dow user command
30 2 * * *  etl   psql -h db1 -d shop -c 'COPY (SELECT id FROM public.orders) TO STDOUT' > /srv/out/orders.csv
0 5 1 * *   root  /usr/bin/psql -h db1 -d shop -c 'DELETE FROM public.sessions'
@reboot     root  /usr/local/bin/warm-cache
";

const LOG: &str = "\
2026-11-24 00:30:00.000 UTC [7] app@shop LOG:  statement: SELECT id FROM public.orders
2026-11-25 23:30:00.000 UTC [7] app@shop LOG:  statement: SELECT id FROM public.orders
";

fn jobs(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("it can be made");
        std::fs::write(path, text).expect("it can be written");
    };
    write("batch1/etc/crontab", CRONTAB);
    write("batch1/etc/timezone", "Europe/Berlin\n");
    write("web1/etc/cron.d/probe", "*/20 * * * * www-data curl -s http://shop.example/health\n");
    write("postgresql.log", LOG);
    Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["jobs", ".", "--as-of", "2026-11-26"])
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("the program starts")
}

fn text(arguments: &[&str]) -> String {
    String::from_utf8(jobs(arguments).stdout).expect("it is text")
}

#[test]
fn every_job_is_told_with_its_next_runs_and_what_it_touches() {
    assert_eq!(
        text(&["--count", "2"]),
        "\
batch1 (Europe/Berlin)
  job:batch1/psql as root: at 05:00, on day 1 of the month; 2026-12-01T04:00:00Z, 2027-01-01T04:00:00Z
      0 5 1 * *  /usr/bin/psql -h db1 -d shop -c 'DELETE FROM public.sessions'  (batch1/etc/crontab:3)
      writes table:db1/shop/public.sessions
      also touches database:db1/shop
      no run of it lies in what was observed: that it was not seen proves nothing
  job:batch1/psql-04f7f9 as etl: at 02:30 every day; 2026-11-26T01:30:00Z, 2026-11-27T01:30:00Z
      30 2 * * *  psql -h db1 -d shop -c 'COPY (SELECT id FROM public.orders) TO STDOUT' > /srv/out/orders.csv  (batch1/etc/crontab:2)
      reads table:db1/shop/public.orders
      writes file:batch1:/srv/out/orders.csv
      also touches database:db1/shop
  job:batch1/warm-cache as root: at boot
      @reboot  /usr/local/bin/warm-cache  (batch1/etc/crontab:4)

web1 (UTC, assumed)
  job:web1/curl as www-data: every 20 minutes; 2026-11-26T00:00:00Z, 2026-11-26T00:20:00Z
      */20 * * * *  curl -s http://shop.example/health  (web1/etc/cron.d/probe:1)
      also touches endpoint:shop.example/GET /health

observed from 2026-11-24T00:30:00Z to 2026-11-25T23:30:00Z; as of 2026-11-26
"
    );
}

#[test]
fn only_what_was_asked_about_is_told() {
    assert_eq!(
        text(&["--at", "batch1", "--between", "2026-11-27..2026-11-28"]),
        "\
batch1 (Europe/Berlin)
  job:batch1/psql-04f7f9 as etl: at 02:30 every day; 2026-11-27T01:30:00Z, 2026-11-28T01:30:00Z
      30 2 * * *  psql -h db1 -d shop -c 'COPY (SELECT id FROM public.orders) TO STDOUT' > /srv/out/orders.csv  (batch1/etc/crontab:2)
      reads table:db1/shop/public.orders
      writes file:batch1:/srv/out/orders.csv
      also touches database:db1/shop

observed from 2026-11-24T00:30:00Z to 2026-11-25T23:30:00Z; as of 2026-11-26
"
    );
    let wrong = jobs(&["--at", "batch2"]);
    assert_eq!(
        String::from_utf8_lossy(&wrong.stderr),
        "whodepends: batch2: no job of this scan runs there; hosts with jobs: batch1, web1\n"
    );
    assert_eq!(wrong.status.code(), Some(2));
    assert_eq!(jobs(&["--between", "2026-11-28..2026-11-27"]).status.code(), Some(2));
}

#[test]
fn a_table_opens_in_spreadsheets_and_json_says_the_same() {
    let table = text(&["--format", "csv", "--count", "1", "--at", "batch1"]);
    let last = table.lines().last().unwrap_or_default();
    assert_eq!(
        last,
        "\"batch1\",\"job:batch1/warm-cache\",\"root\",\"'@reboot\",\"at boot\",\"vixie\",\"Europe/Berlin\",\"true\",\"\",\"\",\"\",\"\",\"/usr/local/bin/warm-cache\",\"\",\"\",\"\",\"batch1/etc/crontab:4\""
    );
    let told: serde_json::Value =
        serde_json::from_str(&text(&["--format", "json", "--count", "1"])).expect("it is JSON");
    let runs = told["jobs"].as_array().expect("a list").iter().map(|job| job["runs_observed"].clone());
    assert_eq!(serde_json::Value::from(runs.collect::<Vec<_>>()), serde_json::json!([0, 2, null, 141]));
}
