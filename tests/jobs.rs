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
    let probe = "*/20 * * * * www-data curl -s http://shop.example/health\n";
    let files = [
        ("batch1/etc/crontab", CRONTAB),
        ("batch1/etc/timezone", "Europe/Berlin\n"),
        ("web1/etc/cron.d/probe", probe),
        ("postgresql.log", LOG),
    ];
    jobs_of(&files, arguments)
}

fn jobs_of(files: &[(&str, &str)], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("it can be made");
        std::fs::write(path, text).expect("it can be written");
    }
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

#[test]
fn what_a_command_makes_of_its_schedule_is_told() {
    // The fourth tests the day for its first step alone, the sixth for its last, the seventh as something it asks by the way.
    let crontab = "\
57 0 * * 0 root if [ -x /usr/share/mdadm/checkarray ] && [ $(date +\\%d) -le 7 ]; then /usr/share/mdadm/checkarray --cron; fi
0 2 28-31 * * root [ \"$(date -d tomorrow +\\%d)\" = \"01\" ] && /opt/month.sh
0 3 * * * root [ $(date +\\%u) -ge 6 ] || /opt/workday.sh
0 4 * * * root [ $(date +\\%u) -eq 1 ] || /opt/a.sh && /opt/b.sh
0 5 * * * root sleep $(( RANDOM \\% 3600 )); /opt/late.sh
0 6 * * * root /opt/first.sh && [ $(date +\\%d) -eq 1 ] && /opt/then.sh
0 7 * * * root if test $(date +\\%d) -eq 1; then /opt/full.sh; else /opt/delta.sh; fi
0 8 * * * root test $(date +\\%u) -eq 1 || exit 0; /opt/monday.sh
";
    let files = [("batch1/etc/cron.d/guarded", crontab), ("batch1/etc/timezone", "UTC\n")];
    let out = jobs_of(&files, &["--count", "3"]);
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "\
batch1 (UTC)
  job:batch1/a as root: at 04:00 every day; 2026-11-26T04:00:00Z, 2026-11-27T04:00:00Z, 2026-11-28T04:00:00Z
      0 4 * * *  [ $(date +%u) -eq 1 ] || /opt/a.sh && /opt/b.sh  (batch1/etc/cron.d/guarded:4)
      held back by [ $(date +%u) -eq 1 ]
  job:batch1/checkarray as root: at 00:57, Sunday; 2026-12-06T00:57:00Z, 2027-01-03T00:57:00Z, 2027-02-07T00:57:00Z
      57 0 * * 0  if [ -x /usr/share/mdadm/checkarray ] && [ $(date +%d) -le 7 ]; then /usr/share/mdadm/checkarray --cron; fi  (batch1/etc/cron.d/guarded:1)
      held back by only if [ $(date +%d) -le 7 ], [ -x /usr/share/mdadm/checkarray ]
  job:batch1/delta as root: at 07:00 every day; 2026-11-26T07:00:00Z, 2026-11-27T07:00:00Z, 2026-11-28T07:00:00Z
      0 7 * * *  if test $(date +%d) -eq 1; then /opt/full.sh; else /opt/delta.sh; fi  (batch1/etc/cron.d/guarded:7)
  job:batch1/first as root: at 06:00 every day; 2026-11-26T06:00:00Z, 2026-11-27T06:00:00Z, 2026-11-28T06:00:00Z
      0 6 * * *  /opt/first.sh && [ $(date +%d) -eq 1 ] && /opt/then.sh  (batch1/etc/cron.d/guarded:6)
  job:batch1/late as root: at 05:00 every day; 2026-11-26T05:00:00Z, 2026-11-27T05:00:00Z, 2026-11-28T05:00:00Z
      0 5 * * *  sleep $(( RANDOM % 3600 )); /opt/late.sh  (batch1/etc/cron.d/guarded:5)
      held back by sleep $(( RANDOM % 3600 ))
  job:batch1/monday as root: at 08:00 every day; 2026-11-30T08:00:00Z, 2026-12-07T08:00:00Z, 2026-12-14T08:00:00Z
      0 8 * * *  test $(date +%u) -eq 1 || exit 0; /opt/monday.sh  (batch1/etc/cron.d/guarded:8)
      held back by only if test $(date +%u) -eq 1
  job:batch1/month as root: at 02:00, on day 28-31 of the month; 2026-11-30T02:00:00Z, 2026-12-31T02:00:00Z, 2027-01-31T02:00:00Z
      0 2 28-31 * *  [ \"$(date -d tomorrow +%d)\" = \"01\" ] && /opt/month.sh  (batch1/etc/cron.d/guarded:2)
      held back by only if [ \"$(date -d tomorrow +%d)\" = \"01\" ]
  job:batch1/workday as root: at 03:00 every day; 2026-11-26T03:00:00Z, 2026-11-27T03:00:00Z, 2026-11-30T03:00:00Z
      0 3 * * *  [ $(date +%u) -ge 6 ] || /opt/workday.sh  (batch1/etc/cron.d/guarded:3)
      held back by unless [ $(date +%u) -ge 6 ]
"
    );
}

#[test]
fn a_long_command_is_whole_for_programs_and_cut_for_people() {
    let tail = "psql -h db1 -d shop -c 'DELETE FROM public.tail'";
    let long =
        format!("{} {tail}", (0..40).map(|at| format!("/opt/step{at}.sh;")).collect::<Vec<_>>().join(" "));
    let other = long.replace("public.tail", "public.end");
    let crontab = format!("1 2 * * * root {long}\n3 4 * * * root {other}\n");
    let told = |arguments: &[&str]| {
        let output = jobs_of(&[("b1/etc/cron.d/x", &crontab)], arguments);
        String::from_utf8(output.stdout).expect("it is text")
    };
    let report: serde_json::Value = serde_json::from_str(&told(&["--format", "json"])).expect("it is JSON");
    let commands: Vec<&str> =
        report["jobs"].as_array().expect("jobs").iter().filter_map(|job| job["command"].as_str()).collect();
    assert_eq!(commands.iter().copied().collect::<std::collections::BTreeSet<_>>(), [&*long, &*other].into());
    let text = told(&[]);
    assert!(!text.contains("public.tail'") && text.contains("…"), "{text}");
    // Beyond their common beginning they are two jobs all the same.
    assert_eq!(text.matches("writes table:db1/shop/public.").count(), 2, "{text}");
}
