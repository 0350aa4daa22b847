//! What a session changes for the statements after it, and what takes that back: the schemas that names are looked for
//! in, temporary tables, transactions, the database it is in, statements that fail. What is expected was seen on a
//! PostgreSQL 15 and a MariaDB 10.11, whose own audits name the tables.

use std::process::Command;

/// `action database/table outcome count` of every table and connection of a log, one a line.
fn links(name: &str, log: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join(name), log).expect("it can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["scan", "--format", "json", "--as-of", "2026-11-25"])
        .arg(folder.path())
        .output()
        .expect("the program starts");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    let mut told: Vec<String> = report["links"]
        .as_array()
        .expect("links are a list")
        .iter()
        .filter_map(|link| {
            let word = |key: &str| link[key].as_str().unwrap_or_default();
            let (_, table) = word("resource").strip_prefix("table:")?.split_once('/')?;
            Some(format!("{} {table} {} {}", word("action"), word("outcome"), link["count"]))
        })
        .collect();
    told.sort();
    told
}

/// The same of a session of PostgreSQL: statements, each on a line of its own, and other lines with their severity.
fn postgres(lines: &[&str]) -> Vec<String> {
    let severities = ["LOG:", "ERROR:", "DETAIL:", "STATEMENT:", "WARNING:"];
    let line = |line: &&str| {
        let bare = severities.iter().any(|severity| line.starts_with(severity));
        let line = if bare { (*line).to_owned() } else { format!("LOG:  statement: {line}") };
        format!("2026-10-21 22:00:00.100 UTC [7] ann@shop {}\n", line.replace('\n', "\n\t"))
    };
    links("a.log", &lines.iter().map(line).collect::<String>())
}

/// The same of a thread of MariaDB, by its general log: `command argument`.
fn mariadb(lines: &[&str]) -> Vec<String> {
    let line = |line: &&str| {
        let (command, argument) = line.split_once('|').unwrap_or(("Query", line));
        format!("261021 22:00:00\t     3 {command}\t{argument}\n")
    };
    links("general.log", &lines.iter().map(line).collect::<String>())
}

#[test]
fn a_use_moves_what_comes_after_it_and_nothing_before() {
    for (lines, want) in [
        (
            &[
                "Connect|a@h on crm using TCP/IP",
                "Change user|b@h on shop using TCP/IP",
                "SELECT 1 FROM t",
                "USE crm",
            ][..],
            &["read shop/shop.t ok 1"][..],
        ),
        (&["Connect|a@h on shop using TCP/IP", "SELECT 1 FROM t", "Init DB|crm"], &["read shop/shop.t ok 1"]),
        (&["Connect|a@h on shop using TCP/IP", "USE crm", "SELECT 1 FROM t"], &["read crm/crm.t ok 1"]),
    ] {
        assert_eq!(mariadb(lines), want, "{lines:?}");
    }
}

#[test]
fn an_execute_that_fails_is_a_failure_of_what_it_runs() {
    let run = ["EXECUTE q", "DETAIL:  prepare: PREPARE q AS DELETE FROM orders"];
    let fails = ["ERROR:  division by zero", "STATEMENT:  EXECUTE q"];
    assert_eq!(postgres(&run), ["write shop/public.orders ok 1"]);
    assert_eq!(postgres(&[run, fails].concat()), ["write shop/public.orders failed 1"]);
    // Once it has worked, another one fails of which no text is known.
    assert_eq!(postgres(&[&run[..], &["SELECT 1"], &fails[..]].concat()), ["write shop/public.orders ok 1"]);
    // What was audited as it ran has failed with it.
    let audit =
        "LOG:  AUDIT: SESSION,46,1,WRITE,DELETE,TABLE,public.orders,PREPARE q AS DELETE FROM orders,<none>";
    assert_eq!(postgres(&[&run[..], &[audit], &fails[..]].concat()), ["write shop/public.orders failed 1"]);
    assert_eq!(postgres(&[&[audit], &fails[..]].concat()), ["write shop/public.orders failed 1"]);
}
