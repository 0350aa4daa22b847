//! What kind of consumer somebody is: by what an inventory says, by all of the traffic, by what was joined, by the program's
//! name, by the network. A person and a tool for reports are consumers like any other; what only watches, probes, copies or
//! replicates is told apart and is no finding.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

fn run(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whodepends"));
    let out = command.args(arguments).current_dir(folder).output().expect("the program starts");
    assert_eq!(out.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("it is UTF-8")
}

/// A log in which each of these comes once and reads a table: login, address, application.
fn log(clients: &[(&str, &str, &str)]) -> String {
    let mut log = String::new();
    for (at, (user, address, application)) in clients.iter().enumerate() {
        let time = format!("2026-11-24 00:{at:02}:00.000 UTC [{}]", at + 7);
        let _ = writeln!(
            log,
            "{time} [unknown]@[unknown] LOG:  connection received: host={address} port={}",
            4000 + at
        );
        let _ = writeln!(
            log,
            "{time} {user}@shop LOG:  connection authorized: user={user} database=shop application_name={application}"
        );
        let _ = writeln!(log, "{time} {user}@shop LOG:  statement: SELECT id FROM public.orders");
    }
    log
}

/// The classes of clients, and whom shadow-consumer is about.
fn classes(folder: &Path) -> (BTreeMap<String, String>, Vec<String>) {
    let report = run(folder, &["scan", "world", "--format", "json", "--as-of", "2026-11-26"]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
    let rows = |key: &str| report[key].as_array().expect("it is a list").clone();
    let uses: Vec<serde_json::Value> = rows("links").iter().map(|link| link["consumer"].clone()).collect();
    let consumers = rows("entities").into_iter().filter(|entity| uses.contains(&entity["id"]));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("nothing is known").to_owned();
    let classes = consumers.map(|entity| (text(&entity["id"]), text(&entity["class"]))).collect();
    let shadows = rows("findings").into_iter().filter(|finding| finding["rule"] == "shadow-consumer");
    (classes, shadows.map(|finding| text(&finding["consumer"])).collect())
}

const CLIENTS: [(&str, &str, &str); 12] = [
    ("anna", "10.0.0.1", "DBeaver 24.0.0 - Main <shop>"),
    ("bob", "10.0.0.2", "psql"),
    ("bi", "10.0.0.3", "Tableau 2024.1"),
    ("charts", "10.0.0.4", "Metabase v0.49.1 [5f6b]"),
    ("mon", "10.0.0.5", "postgres_exporter"),
    ("copy", "10.0.0.6", "pg_dump"),
    ("pool", "10.0.0.7", "pgbouncer"),
    ("friend", "198.51.100.7", "ledger"),
    ("guest", "198.51.100.8", "Tableau 2024.1"),
    // What begins like a known program, and is none.
    ("odbc", "10.0.0.8", "psqlodbc"),
    ("app", "10.0.0.9", "shop"),
    ("declared", "10.0.0.10", "psql"),
];

fn world(settings: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("world")).expect("it can be made");
    fs::write(folder.path().join("world/postgresql.log"), log(&CLIENTS)).expect("it can be written");
    fs::write(folder.path().join("world/whodepends.toml"), settings).expect("it can be written");
    folder
}

const SETTINGS: &str = r#"
[[source]]
path = "*.log"
server = "db"

[[consumer]]
kind = "client"
name = "sweeper"
class = "proxy"
users = ["declared"]
addresses = ["10.0.0.10"]
uses = ["db/shop"]
"#;

#[test]
fn each_is_what_its_program_its_network_or_the_inventory_says() {
    let world = world(SETTINGS);
    let (classes, shadows) = classes(world.path());
    let told: Vec<(&str, &str)> = classes.iter().map(|(id, class)| (id.as_str(), class.as_str())).collect();
    assert_eq!(
        told,
        [
            ("client:anna@10.0.0.1", "person"),
            ("client:app@10.0.0.9", "nothing is known"),
            ("client:bi@10.0.0.3", "bi-tool"),
            ("client:bob@10.0.0.2", "person"),
            ("client:charts@10.0.0.4", "bi-tool"),
            ("client:copy@10.0.0.6", "backup"),
            ("client:friend@198.51.100.7", "partner"),
            ("client:guest@198.51.100.8", "bi-tool"),
            ("client:mon@10.0.0.5", "monitoring"),
            ("client:odbc@10.0.0.8", "nothing is known"),
            ("client:pool@10.0.0.7", "proxy"),
            ("client:sweeper", "proxy"),
        ]
    );
    let mut shadows = shadows;
    shadows.sort();
    assert_eq!(
        shadows,
        [
            "client:anna@10.0.0.1",
            "client:app@10.0.0.9",
            "client:bi@10.0.0.3",
            "client:bob@10.0.0.2",
            "client:charts@10.0.0.4",
            "client:friend@198.51.100.7",
            "client:guest@198.51.100.8",
            "client:odbc@10.0.0.8",
            "client:pool@10.0.0.7",
        ]
    );
}

#[test]
fn what_is_no_applications_work_is_counted_and_shown_apart() {
    let world = world(SETTINGS);
    let printed = run(world.path(), &["scan", "world", "--as-of", "2026-11-26"]);
    let apart = printed.split("Seen, and no application's work:\n").nth(1).expect("it is told");
    let apart = apart.split("\n\n").next().expect("it has an end");
    assert_eq!(
        apart,
        "  backup: 1
    client:copy@10.0.0.6: 2 uses, up to 1 times each, last 2026-11-24T00:05:00Z
  monitoring: 1
    client:mon@10.0.0.5: 2 uses, up to 1 times each, last 2026-11-24T00:04:00Z"
    );
}

#[test]
fn every_view_that_lists_consumers_says_what_they_are() {
    let world = world(SETTINGS);
    let on = run(world.path(), &["on", "public.orders", "world"]);
    let heads: Vec<&str> = on
        .lines()
        .filter(|line| line.contains(" client:") && line.contains("  read  "))
        .filter_map(|line| line.split("  read  ").next())
        .map(str::trim_end)
        .collect();
    assert_eq!(
        heads,
        [
            "  SHADOW      client:anna@10.0.0.1 (person)",
            "  SHADOW      client:app@10.0.0.9",
            "  SHADOW      client:bi@10.0.0.3 (bi-tool)",
            "  SHADOW      client:bob@10.0.0.2 (person)",
            "  SHADOW      client:charts@10.0.0.4 (bi-tool)",
            "  SHADOW      client:friend@198.51.100.7 (partner)",
            "  SHADOW      client:guest@198.51.100.8 (bi-tool)",
            "  SHADOW      client:odbc@10.0.0.8",
            "  SHADOW      client:pool@10.0.0.7 (proxy)",
            "              client:sweeper (proxy)",
            "  backup      client:copy@10.0.0.6",
            "  monitoring  client:mon@10.0.0.5",
        ]
    );
    let explained = run(world.path(), &["explain", "client:bi@10.0.0.3", "world"]);
    assert!(
        explained.starts_with("client:bi@10.0.0.3\n  class      bi-tool\n  declared   no\n"),
        "{explained}"
    );
    let dot = run(world.path(), &["scan", "world", "--format", "dot", "--as-of", "2026-11-26"]);
    assert!(dot.contains("\"client:bi@10.0.0.3\" [label=\"bi@10.0.0.3\\n(bi-tool)\""), "{dot}");
    assert!(dot.contains("\\nnot drawn: 2 backup, 2 monitoring\""), "{dot}");
}

#[test]
fn a_class_that_is_none_is_an_error_of_the_inventory() {
    let world = world(&SETTINGS.replace("\"proxy\"", "\"robot\""));
    let report = run(world.path(), &["scan", "world", "--format", "json", "--as-of", "2026-11-26"]);
    assert!(report.contains("class \\\"robot\\\" is not one of app, monitoring"), "{report}");
}
