//! How grave a finding about a consumer is: one scale with its reasons, whether data is changed or read, whose it looks
//! like, how much, from where, and whether it still comes. What is rare is as grave as what is not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

/// Login, address, statement, and how often on which days.
type Seen<'a> = (&'a str, &'a str, &'a str, &'a [(u32, u32)]);

/// A log of ten days.
fn log(consumers: &[Seen<'_>]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut process = 100;
    let mut session = |user: &str, address: &str, statement: &str, day: u32, count: u32| {
        process += 1;
        let head = |second: u32| {
            format!("2026-11-{:02} 10:{:02}:{:02}.000 UTC [{process}]", day + 9, second / 60, second % 60)
        };
        lines.push(format!(
            "{} [unknown]@[unknown] LOG:  connection received: host={address} port=4711",
            head(0)
        ));
        let authorized =
            format!("connection authorized: user={user} database=shop application_name={user}-program");
        lines.push(format!("{} {user}@shop LOG:  {authorized}", head(0)));
        for at in 0..count {
            lines.push(format!("{} {user}@shop LOG:  statement: {statement}", head(1 + at)));
        }
    };
    for (user, address, statement, days) in consumers {
        for (day, count) in *days {
            session(user, address, statement, *day, *count);
        }
    }
    lines.sort();
    lines.iter().fold(String::new(), |mut log, line| {
        let _ = writeln!(log, "{line}");
        log
    })
}

/// By finding's rule and consumer: severity and reasons.
fn graded(log: &str, settings: &str) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("postgresql.log"), log).expect("it can be written");
    fs::write(folder.path().join("whodepends.toml"), settings).expect("it can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_whodepends"));
    let out =
        command.args(["scan", ".", "--format", "json", "--as-of", "2026-11-26"]).current_dir(folder.path());
    let out = out.output().expect("the program starts");
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).expect("it is JSON");
    let who =
        report["findings"].as_array().expect("a list").iter().filter(|finding| finding["family"] == "who");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
    who.map(|it| {
        let about = format!("{} {}", text(&it["rule"]), text(&it["consumer"]));
        (about, format!("{}: {}", text(&it["severity"]), text(&it["facts"]["at_stake"])))
    })
    .collect()
}

fn expect(log: &str, settings: &str, wanted: &[(&str, &str)]) {
    let wanted: BTreeMap<String, String> =
        wanted.iter().map(|(about, grade)| ((*about).to_owned(), (*grade).to_owned())).collect();
    assert_eq!(graded(log, settings), wanted);
}

const DAILY: &[(u32, u32)] =
    &[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1), (9, 1), (10, 1)];
const ORDERS: &str = "SELECT id FROM public.orders";
const CUSTOMERS: &str = "SELECT id FROM public.customers";
const CUSTOMIZED: &str = "SELECT id FROM public.customizations";
const DELETES: &str = "DELETE FROM public.orders WHERE id = 7";

#[test]
fn what_is_at_stake_grades_a_shadow() {
    let log = log(&[
        ("reads", "10.0.0.1", ORDERS, DAILY),
        ("near", "10.0.0.2", CUSTOMIZED, DAILY),
        ("people", "10.0.0.3", CUSTOMERS, DAILY),
        ("much", "10.0.0.4", CUSTOMERS, &[(1, 100), (10, 100)]),
        ("lessthanmuch", "10.0.0.5", CUSTOMERS, &[(1, 100), (10, 99)]),
        ("partner", "198.51.100.7", CUSTOMERS, &[(10, 1)]),
        ("deletes", "10.0.0.6", DELETES, DAILY),
        ("once", "10.0.0.7", DELETES, &[(1, 1)]),
        ("twice", "10.0.0.8", ORDERS, &[(1, 1), (2, 1)]),
        ("gone", "10.0.0.9", ORDERS, &[(1, 1), (2, 1), (3, 1)]),
        ("stopped", "10.0.0.10", DELETES, &[(1, 1), (2, 1), (3, 1)]),
    ]);
    expect(
        &log,
        "[[source]]\npath = \"*.log\"\nserver = \"db\"\n",
        &[
            ("shadow-consumer client:reads@10.0.0.1", "medium: reads"),
            ("shadow-consumer client:near@10.0.0.2", "medium: reads"),
            (
                "shadow-consumer client:people@10.0.0.3",
                "medium: reads; public.customers is named like data of people",
            ),
            (
                "shadow-consumer client:much@10.0.0.4",
                "high: reads; public.customers is named like data of people; much: 200 times",
            ),
            (
                "shadow-consumer client:lessthanmuch@10.0.0.5",
                "medium: reads; public.customers is named like data of people",
            ),
            (
                "shadow-consumer client:partner@198.51.100.7",
                "high: reads; public.customers is named like data of people; from outside of the estate",
            ),
            ("shadow-consumer client:deletes@10.0.0.6", "high: changes data"),
            // What comes once may come once a month.
            ("shadow-consumer client:once@10.0.0.7", "high: changes data"),
            ("shadow-consumer client:twice@10.0.0.8", "medium: reads"),
            // Who came day by day and stays away may be gone, and is told of all the same.
            ("shadow-consumer client:gone@10.0.0.9", "low: reads; not seen in the last 7 of 9 days"),
            (
                "shadow-consumer client:stopped@10.0.0.10",
                "medium: changes data; not seen in the last 7 of 9 days",
            ),
        ],
    );
}

#[test]
fn who_is_known_and_who_borrows_moves_it() {
    let log = log(&[
        ("billing", "10.0.0.1", ORDERS, DAILY),
        ("billing", "10.0.0.2", ORDERS, &[(10, 1)]),
        ("ledger", "10.0.0.3", DELETES, DAILY),
    ]);
    let settings = "[[source]]\npath = \"*.log\"\nserver = \"db\"\n
[[consumer]]\nkind = \"service\"\nname = \"billing\"\nusers = [\"billing\"]\naddresses = [\"10.0.0.1\"]\nuses = [\"db/shop/public.invoices\"]
[[consumer]]\nkind = \"service\"\nname = \"ledger\"\nusers = [\"ledger\"]\naddresses = [\"10.0.0.3\"]\nuses = [\"db/shop/public.invoices\"]\n";
    let orphan = |name: &str| (format!("orphan-declaration service:{name}"), "low: ".to_owned());
    let orphans = [orphan("billing"), orphan("ledger")];
    let mut wanted = vec![
        (
            "borrowed-credentials client:billing@10.0.0.2",
            "high: reads; stops when the login moves with its owner",
        ),
        ("undeclared-use service:billing", "low: reads; its owner is known"),
        ("undeclared-use service:ledger", "medium: changes data; its owner is known"),
    ];
    wanted.extend(orphans.iter().map(|(about, grade)| (about.as_str(), grade.as_str())));
    expect(&log, settings, &wanted);
}
