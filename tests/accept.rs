//! `accept`: a finding is looked up, what makes it that finding is written beside what stands in `whodepends.toml`, and the
//! next scan holds it for accepted; what is no finding, no rule or no reason changes nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SETTINGS: &str = "# What is ours.\n[estate]\nzone = \"UTC\"   # everywhere\n";
const LOG: &str = "\
2026-11-24 00:30:00.000 UTC [7] app@shop 10.0.0.5(4711) LOG:  connection authorized: user=app database=shop application_name=nightly
2026-11-24 00:30:01.000 UTC [7] app@shop 10.0.0.5(4711) LOG:  statement: SELECT id FROM public.orders
2026-11-24 00:31:00.000 UTC [8] other@shop 10.0.0.6(4712) LOG:  connection authorized: user=other database=shop application_name=weekly
2026-11-24 00:31:01.000 UTC [8] other@shop 10.0.0.6(4712) LOG:  statement: SELECT id FROM public.orders
";

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whodepends"));
    command.args(arguments).current_dir(folder).output().expect("the program starts")
}

fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("estate")).expect("it can be made");
    fs::write(folder.path().join("estate/whodepends.toml"), SETTINGS).expect("it can be written");
    fs::write(folder.path().join("estate/postgresql.log"), LOG).expect("it can be written");
    folder
}

fn settings(folder: &Path) -> String {
    fs::read_to_string(folder.join("estate/whodepends.toml")).expect("it is there")
}

/// The findings by what they are about: fingerprint, and the reason they were accepted for.
fn findings(folder: &Path) -> Vec<(String, String, Option<String>)> {
    let out = run(folder, &["scan", "estate", "--format", "json", "--as-of", "2026-11-26"]);
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).expect("it is JSON");
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let rows = report["findings"].as_array().into_iter().flatten().map(|finding| {
        let about = text(&finding["consumer"]).unwrap_or_default();
        (about, text(&finding["fingerprint"]).unwrap_or_default(), text(&finding["accepted"]))
    });
    rows.collect()
}

#[test]
fn a_decision_about_one_finding_stands_beside_what_was_there() {
    let world = world();
    let before = findings(world.path());
    assert_eq!(before.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), ["client:app", "client:other"]);
    let print = before[0].1.as_str();
    let out = run(
        world.path(),
        &[
            "accept",
            print,
            "estate",
            "--reason",
            "moves with \"BI\"",
            "--owner",
            "team-bi",
            "--until",
            "2027-03-01",
        ],
    );
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "accepted client:app uses database:postgres-stderr:postgresql.log/shop, and nothing says who that is in estate/whodepends.toml\n"
    );
    let expected = format!(
        "{SETTINGS}
# client:app uses database:postgres-stderr:postgresql.log/shop, and nothing says who that is
[[accept]]
rule = \"shadow-consumer\"
consumer = \"client:app\"
resource = \"database:postgres-stderr:postgresql.log/shop\"
reason = 'moves with \"BI\"'
owner = \"team-bi\"
until = \"2027-03-01\"
"
    );
    assert_eq!(settings(world.path()), expected);
    let after = findings(world.path());
    assert_eq!(after[0].2.as_deref(), Some("moves with \"BI\""));
    assert_eq!(after[1].2, None);
    // Decided again, it is the same entry; without a last day it has none.
    let again = run(world.path(), &["accept", print, "estate", "--reason", "gone by spring"]);
    assert_eq!(
        String::from_utf8_lossy(&again.stderr),
        "whodepends: no --until: the entry holds until somebody removes it\n"
    );
    assert_eq!(
        settings(world.path()),
        expected.replace("'moves with \"BI\"'", "\"gone by spring\"").replace("until = \"2027-03-01\"\n", "")
    );
}

#[test]
fn a_rule_may_be_accepted_for_some_consumers() {
    let world = world();
    let out = run(
        world.path(),
        &[
            "accept",
            "shadow-*",
            "estate",
            "--consumer",
            "client:oth*",
            "--reason",
            "known",
            "--until",
            "2027-01-01",
        ],
    );
    assert_eq!(String::from_utf8_lossy(&out.stdout), "accepted shadow-* in estate/whodepends.toml\n");
    let accepted: Vec<bool> = findings(world.path()).iter().map(|it| it.2.is_some()).collect();
    assert_eq!(accepted, [false, true]);
}

#[test]
fn what_cannot_be_accepted_changes_nothing() {
    let world = world();
    for (arguments, said) in [
        (
            &["accept", "shadow-consumer", "estate", "--reason", " "][..],
            "--reason: say why; whoever reads it later was not there",
        ),
        (
            &["accept", "no-rule", "estate", "--reason", "x"],
            "no-rule: no rule fits, and it is no fingerprint; `whodepends explain` lists the rules",
        ),
        (
            &["accept", "0123456789ab", "estate", "--reason", "x"],
            "0123456789ab: no finding of this scan has that fingerprint",
        ),
        (
            &["accept", "0123456789ab", "estate", "--consumer", "x", "--reason", "x"],
            "0123456789ab: a fingerprint is one finding; --consumer and --resource go with a rule",
        ),
    ] {
        let out = run(world.path(), arguments);
        assert_eq!(String::from_utf8_lossy(&out.stderr), format!("whodepends: {said}\n"), "{arguments:?}");
        assert_eq!(out.status.code(), Some(2));
        assert_eq!(settings(world.path()), SETTINGS);
    }
    let day = run(world.path(), &["accept", "shadow-consumer", "estate", "--reason", "x", "--until", "soon"]);
    assert_eq!(day.status.code(), Some(2));
    assert_eq!(settings(world.path()), SETTINGS);
}

#[test]
fn two_reasons_for_one_finding_are_reported() {
    let world = world();
    for (rule, reason) in [("shadow-*", "known"), ("shadow-consumer", "moves")] {
        run(world.path(), &["accept", rule, "estate", "--consumer", "client:app", "--reason", reason]);
    }
    let out = run(world.path(), &["scan", "estate", "--format", "json", "--as-of", "2026-11-26"]);
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).expect("it is JSON");
    let gaps = report["gaps"].as_array().into_iter().flatten();
    let stale: Vec<&str> =
        gaps.filter(|gap| gap["code"] == "stale-accept").filter_map(|gap| gap["detail"].as_str()).collect();
    assert_eq!(
        stale,
        [
            "[[accept]] rule = \"shadow-consumer\", reason = \"moves\" gives another reason than an entry before it for one finding"
        ]
    );
}
