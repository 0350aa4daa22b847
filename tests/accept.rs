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
    assert_eq!(
        before.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(),
        ["client:app@10.0.0.5", "client:other@10.0.0.6"]
    );
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
        "accepted client:app@10.0.0.5 uses database:postgres-stderr:postgresql.log/shop, and nothing says who that is in estate/whodepends.toml\n"
    );
    let expected = format!(
        "{SETTINGS}
# client:app@10.0.0.5 uses database:postgres-stderr:postgresql.log/shop, and nothing says who that is
[[accept]]
rule = \"shadow-consumer\"
consumer = \"client:app@10.0.0.5\"
resource = \"database:postgres-stderr:postgresql.log/shop\"
uses = [\"read table:postgres-stderr:postgresql.log/shop/public.orders\"]
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
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "accepted shadow-* (1 finding) in estate/whodepends.toml\n"
    );
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
        run(
            world.path(),
            &["accept", rule, "estate", "--consumer", "client:app@10.0.0.5", "--reason", reason],
        );
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

/// The gaps that tell of entries, as `PLACE: DETAIL`, and the open findings of one rule, by consumer.
fn told(folder: &Path, rule: &str) -> (Vec<String>, Vec<String>) {
    let out = run(folder, &["scan", "estate", "--format", "json", "--as-of", "2026-11-26"]);
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).expect("it is JSON");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
    let gaps = report["gaps"].as_array().into_iter().flatten().filter(|gap| gap["code"] == "stale-accept");
    let stale = gaps.map(|gap| format!("{}: {}", text(&gap["place"]), text(&gap["detail"]))).collect();
    let findings = report["findings"].as_array().into_iter().flatten();
    let open = findings.filter(|it| it["accepted"].is_null() && it["rule"] == rule);
    (stale, open.map(|it| text(&it["consumer"])).collect())
}

fn decided(entries: &str) -> tempfile::TempDir {
    let world = world();
    fs::write(world.path().join("estate/whodepends.toml"), format!("{SETTINGS}{entries}"))
        .expect("it can be written");
    world
}

#[test]
fn an_entry_that_expired_brings_its_finding_back_and_is_told_of() {
    let entry = |until: &str| {
        format!(
            "[[accept]]\nrule = \"shadow-*\"\nconsumer = \"client:app@10.0.0.5\"\nreason = \"goes\"\nuntil = \"{until}\"\n"
        )
    };
    // The last day still holds.
    let (stale, open) = told(decided(&entry("2026-11-26")).path(), "shadow-consumer");
    assert_eq!((stale, open), (vec![], vec!["client:other@10.0.0.6".to_owned()]));
    let expired = decided(&entry("2026-11-20"));
    let (stale, open) = told(expired.path(), "shadow-consumer");
    let said = "whodepends.toml:8: [[accept]] rule = \"shadow-*\", reason = \"goes\" until = \"2026-11-20\" has expired 6 days ago; its finding is back";
    assert_eq!(stale, [said]);
    assert_eq!(open, ["client:app@10.0.0.5", "client:other@10.0.0.6"]);
    let printed = run(expired.path(), &["scan", "estate", "--as-of", "2026-11-26"]);
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    let facts: Vec<&str> = printed.lines().filter(|line| line.contains("was accepted")).collect();
    assert_eq!(facts, ["    was accepted         until 2026-11-20: goes"]);
    // Where another entry holds, nothing is back.
    let renewed = format!("{}{}", entry("2026-11-20"), entry("2027-01-01").replace("goes", "stays"));
    let (stale, open) = told(decided(&renewed).path(), "shadow-consumer");
    let said = "whodepends.toml:8: [[accept]] rule = \"shadow-*\", reason = \"goes\" until = \"2026-11-20\" has expired 6 days ago, and no finding is left that it means";
    assert_eq!((stale, open), (vec![said.to_owned()], vec!["client:other@10.0.0.6".to_owned()]));
    let (stale, open) = told(decided(&entry("soon")).path(), "shadow-consumer");
    let said = "whodepends.toml:8: [[accept]] rule = \"shadow-*\", reason = \"goes\" until = \"soon\" is no day (YYYY-MM-DD): it accepts nothing";
    assert_eq!(stale, [said]);
    assert_eq!(open, ["client:app@10.0.0.5", "client:other@10.0.0.6"]);
}

#[test]
fn an_entry_that_means_nothing_is_told_of_by_its_key() {
    for (entry, said) in [
        (
            "[[accept]]\nrule = \"shadow-consumers\"\nreason = \"x\"\n",
            "whodepends.toml:5: [[accept]] rule = \"shadow-consumers\", reason = \"x\" matches no finding",
        ),
        (
            "[[accept]]\nrule = \"shadow-consumer\"\nreason = \"x\"\nconsumer = \"client:ap\"\n",
            "whodepends.toml:7: [[accept]] rule = \"shadow-consumer\", reason = \"x\" consumer = \"client:ap\" matches no finding",
        ),
        (
            "accept = [\n  { rule = \"shadow-consumer\", consumer = \"client:app@10.0.0.5\",\n    resource = \"crm\", reason = \"x\" },\n]\n",
            "whodepends.toml:6: [[accept]] rule = \"shadow-consumer\", reason = \"x\" resource = \"crm\" matches no finding",
        ),
    ] {
        let world = if entry.starts_with("accept") {
            // A key of the document stands before its tables.
            let world = world();
            let text = format!("# What is ours.\n\n\n{entry}[estate]\nzone = \"UTC\"\n");
            fs::write(world.path().join("estate/whodepends.toml"), text).expect("it can be written");
            world
        } else {
            decided(entry)
        };
        let (stale, open) = told(world.path(), "shadow-consumer");
        assert_eq!(stale, [said]);
        assert_eq!(open, ["client:app@10.0.0.5", "client:other@10.0.0.6"]);
    }
}

#[test]
fn an_entry_is_contradicted_by_an_inventory_that_lists_the_same() {
    let listed = "[[consumer]]\nkind = \"client\"\nname = \"app\"\nusers = [\"app\"]\n";
    let world = decided(&format!(
        "[[accept]]\nrule = \"shadow-consumer\"\nconsumer = \"client:app\"\nreason = \"known\"\n{listed}"
    ));
    let (stale, open) = told(world.path(), "shadow-consumer");
    let said = "whodepends.toml:6: [[accept]] rule = \"shadow-consumer\", reason = \"known\" consumer = \"client:app\" is declared at whodepends.toml:10 as well: one of the two is out of date";
    assert_eq!((stale, open), (vec![said.to_owned()], vec!["client:other@10.0.0.6".to_owned()]));
}

#[test]
fn who_does_more_than_was_accepted_is_back() {
    let world = world();
    let print = findings(world.path())[0].1.clone();
    run(world.path(), &["accept", &print, "estate", "--reason", "only reads", "--until", "2027-03-01"]);
    let (stale, open) = told(world.path(), "shadow-consumer");
    assert_eq!((stale, open), (vec![], vec!["client:other@10.0.0.6".to_owned()]));
    // More of the same is the same.
    let log = world.path().join("estate/postgresql.log");
    let more = |statement: &str| {
        format!("2026-11-24 00:30:02.000 UTC [7] app@shop 10.0.0.5(4711) LOG:  statement: {statement}\n")
    };
    let early = LOG.lines().take(2).map(|line| format!("{line}\n")).collect::<String>();
    let late = LOG.lines().skip(2).map(|line| format!("{line}\n")).collect::<String>();
    let same = more("SELECT note FROM public.orders");
    fs::write(&log, format!("{early}{same}{late}")).expect("it can be written");
    let (stale, open) = told(world.path(), "shadow-consumer");
    assert_eq!((stale, open), (vec![], vec!["client:other@10.0.0.6".to_owned()]));
    let deletes = more("DELETE FROM public.orders WHERE id = 3");
    fs::write(&log, format!("{early}{deletes}{late}")).expect("it can be written");
    let (stale, open) = told(world.path(), "shadow-consumer");
    let said = "whodepends.toml:10: [[accept]] rule = \"shadow-consumer\", reason = \"only reads\" is contradicted: client:app@10.0.0.5 also does write table:postgres-stderr:postgresql.log/shop/public.orders, which `uses` does not state; the finding is back";
    assert_eq!(stale, [said]);
    assert_eq!(open, ["client:app@10.0.0.5", "client:other@10.0.0.6"]);
    // Decided again, it holds for what is done now.
    run(world.path(), &["accept", &print, "estate", "--reason", "cleans up", "--until", "2027-03-01"]);
    let (stale, open) = told(world.path(), "shadow-consumer");
    assert_eq!((stale, open), (vec![], vec!["client:other@10.0.0.6".to_owned()]));
    let printed = run(world.path(), &["scan", "estate", "--as-of", "2026-11-26"]);
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    let accepted = "1 finding was accepted in whodepends.toml:\n  client:app@10.0.0.5 uses database:postgres-stderr:postgresql.log/shop, and nothing says who that is (cleans up; until 2027-03-01)\n";
    assert!(printed.contains(accepted), "{printed}");
}

#[test]
fn a_pattern_over_consumers_accepts_that_nobody_lists_them() {
    let world = world();
    let arguments = ["accept", "client:o*", "estate", "--reason", "known", "--until", "2027-01-01"];
    let out = run(world.path(), &arguments);
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "accepted client:o* (1 finding) in estate/whodepends.toml\n"
    );
    let (stale, open) = told(world.path(), "shadow-consumer");
    assert_eq!((stale, open), (vec![], vec!["client:app@10.0.0.5".to_owned()]));
    // One that means nobody is written, and said to.
    let out = run(
        world.path(),
        &["accept", "client:nobody*", "estate", "--reason", "known", "--until", "2027-01-01"],
    );
    assert_eq!(
        String::from_utf8_lossy(&out.stderr),
        "whodepends: client:nobody*: it fits no finding of this scan\n"
    );
}
