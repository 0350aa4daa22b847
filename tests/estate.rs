//! The water works of `fixtures/estate` through the binary, against the truth that was written before its first scan: every
//! verdict, every use with the one consumer it is of, what is noise, and who is none. Surplus fails like missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const WORLD: &str = "fixtures/estate/world";

fn stdout(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("reports are UTF-8")
}

fn beside(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/estate").join(name)
}

fn report() -> serde_json::Value {
    serde_json::from_str(&stdout(&["scan", WORLD, "--format", "json"])).expect("the report is JSON")
}

fn truth() -> Vec<toml::Value> {
    let text = std::fs::read_to_string(beside("truth.toml")).expect("truth.toml is there");
    let truth: toml::Table = text.parse().expect("truth.toml is TOML");
    truth["consumer"].as_array().expect("consumers are a list").clone()
}

fn word<'a>(row: &'a toml::Value, key: &str) -> &'a str {
    row.get(key).and_then(toml::Value::as_str).unwrap_or("")
}

fn list<'a>(row: &'a toml::Value, key: &str) -> &'a [toml::Value] {
    row.get(key).and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(row: &'a serde_json::Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or("")
}

fn rows<'a>(report: &'a serde_json::Value, key: &str) -> &'a [serde_json::Value] {
    report[key].as_array().expect("it is a list")
}

/// The rules that the truth file answers.
const ANSWERED: [&str; 8] = [
    "shadow-consumer",
    "borrowed-credentials",
    "unofficial-consumer",
    "undeclared-use",
    "orphan-declaration",
    "page-scraper",
    "undocumented-endpoint",
    "zombie-endpoint",
];

#[test]
fn the_printed_report_of_the_estate_is_the_expected_one_whole() {
    let printed = stdout(&["scan", WORLD]);
    let path = beside("expected/report.txt");
    if std::env::var_os("WHODEPENDS_BLESS").is_some() {
        std::fs::write(&path, &printed).expect("expected/ can be written");
    }
    assert_eq!(printed, std::fs::read_to_string(&path).expect("expected/report.txt is there"));
}

#[test]
fn the_verdicts_of_the_estate_are_those_of_its_truth_file_and_no_more() {
    let told = |rule: &str, who: &str, what: &str, accepted: bool| {
        format!("{rule} | {who} | {what}{}", if accepted { " | accepted" } else { "" })
    };
    let wanted: BTreeSet<String> = truth()
        .iter()
        .flat_map(|consumer| {
            let verdict = |it: &toml::Value| {
                let accepted = it.get("accepted").and_then(toml::Value::as_bool) == Some(true);
                told(word(it, "rule"), word(consumer, "id"), word(it, "resource"), accepted)
            };
            list(consumer, "verdicts").iter().map(verdict).collect::<Vec<_>>()
        })
        .collect();
    let report = report();
    let found: BTreeSet<String> = rows(&report, "findings")
        .iter()
        .filter(|it| ANSWERED.contains(&text(it, "rule")))
        .map(|it| {
            told(text(it, "rule"), text(it, "consumer"), text(it, "resource"), !it["accepted"].is_null())
        })
        .collect();
    assert_eq!(found, wanted);
}

/// What was seen to work, as `consumer action resource`, by whom; sequences and catalogues of servers left out.
fn observed(report: &serde_json::Value) -> BTreeSet<String> {
    let kinds = ["table:", "endpoint:", "keys:"];
    let data = |l: &&serde_json::Value| {
        let resource = text(l, "resource");
        matches!(text(l, "action"), "read" | "write" | "call")
            && kinds.iter().any(|kind| resource.starts_with(kind))
            && !resource.ends_with("_seq")
    };
    rows(report, "links")
        .iter()
        .filter(|l| {
            text(l, "outcome") == "ok"
                && l["bases"].as_array().is_some_and(|b| b.contains(&"observed".into()))
        })
        .filter(data)
        .map(|l| format!("{} {} {}", text(l, "consumer"), text(l, "action"), text(l, "resource")))
        .collect()
}

#[test]
fn each_use_of_the_estate_is_of_the_one_consumer_that_its_truth_file_says() {
    let wanted: BTreeSet<String> = truth()
        .iter()
        .flat_map(|consumer| {
            let of = |it: &toml::Value| format!("{} {}", word(consumer, "id"), it.as_str().unwrap_or(""));
            list(consumer, "uses").iter().map(of).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(observed(&report()), wanted);
}

#[test]
fn what_is_encrypted_in_the_estate_is_of_the_consumers_its_truth_file_says() {
    let wanted: BTreeSet<String> = truth()
        .iter()
        .flat_map(|consumer| {
            let of = |it: &toml::Value| format!("{} {}", word(consumer, "id"), it.as_str().unwrap_or(""));
            list(consumer, "connects").iter().map(of).collect::<Vec<_>>()
        })
        .collect();
    let report = report();
    let whole: BTreeMap<&str, &str> =
        rows(&report, "entities").iter().map(|it| (text(it, "id"), text(it, "part_of"))).collect();
    let found: BTreeSet<String> = rows(&report, "links")
        .iter()
        .filter(|l| text(l, "action") == "connect" && text(l, "resource").starts_with("endpoint:"))
        .map(|l| format!("{} {}", text(l, "consumer"), whole[text(l, "resource")]))
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn what_watches_and_copies_the_estate_is_no_application() {
    let noise: BTreeSet<String> = truth()
        .iter()
        .filter(|it| word(it, "stands") == "noise")
        .map(|it| word(it, "id").to_owned())
        .collect();
    let report = report();
    let seen: BTreeSet<&str> = rows(&report, "links").iter().map(|l| text(l, "consumer")).collect();
    let unseen: Vec<&String> = noise.iter().filter(|id| !seen.contains(id.as_str())).collect();
    assert_eq!(unseen, Vec::<&String>::new(), "noise is shown, not dropped");
    let as_application: Vec<&serde_json::Value> = rows(&report, "links")
        .iter()
        .filter(|l| {
            noise.contains(text(l, "consumer")) && text(l, "outcome") == "ok" && text(l, "class") == "app"
        })
        .collect();
    assert_eq!(as_application, Vec::<&serde_json::Value>::new());
    let found: Vec<&serde_json::Value> =
        rows(&report, "findings").iter().filter(|it| noise.contains(text(it, "consumer"))).collect();
    assert_eq!(found, Vec::<&serde_json::Value>::new());
}

#[test]
fn poolers_and_proxies_of_the_estate_use_nothing_themselves() {
    let report = report();
    let hop = |id: &str| ["pool1", "10.60.0.20", "web1", "10.60.1.20"].iter().any(|name| id.ends_with(name));
    let uses: Vec<&serde_json::Value> = rows(&report, "links")
        .iter()
        .filter(|l| {
            hop(text(l, "consumer")) && !(text(l, "action") == "connect" && text(l, "class") == "keepalive")
        })
        .collect();
    assert_eq!(uses, Vec::<&serde_json::Value>::new());
}

#[test]
fn threads_blocks_and_the_order_of_arguments_change_no_byte_of_the_estate() {
    let parts = ["hosts", "logs", "services", "captures", "catalog", "inventory", "whodepends.toml"]
        .map(|part| format!("{WORLD}/{part}"));
    let config = format!("{WORLD}/whodepends.toml");
    let scan = |order: [usize; 7], more: &[&str]| {
        let mut args = vec!["scan", "--format", "json", "--config", config.as_str()];
        args.extend(order.iter().map(|index| parts[*index].as_str()));
        args.extend(more);
        stdout(&args)
    };
    let plain = scan([0, 1, 2, 3, 4, 5, 6], &["--threads", "1"]);
    for (order, more) in
        [([6, 5, 4, 3, 2, 1, 0], ["--threads", "4"]), ([3, 1, 6, 0, 5, 2, 4], ["--block-bytes", "1009"])]
    {
        assert!(scan(order, &more) == plain, "{order:?} with {more:?} gives another report");
    }
}

#[test]
fn evidence_that_travels_in_parts_says_the_same_of_the_estate() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str| folder.path().join(name).to_str().expect("its name is UTF-8").to_owned();
    let parts = ["hosts", "logs", "services", "captures", "catalog", "inventory"];
    let config = format!("{WORLD}/whodepends.toml");
    let mut files = Vec::new();
    for part in parts {
        files.push(file(&format!("{part}.evidence.jsonl.zst")));
        let path = format!("{WORLD}/{part}");
        stdout(&["collect", &path, "--config", &config, "-o", files.last().expect("one was added")]);
    }
    let verdicts = |args: &[&str]| -> BTreeSet<String> {
        let report: serde_json::Value = serde_json::from_str(&stdout(args)).expect("the report is JSON");
        let told = |it: &serde_json::Value| {
            format!("{} | {} | {}", text(it, "rule"), text(it, "consumer"), text(it, "resource"))
        };
        rows(&report, "findings").iter().map(told).collect()
    };
    let mut merged = vec!["scan", "--format", "json"];
    merged.extend(files.iter().map(String::as_str));
    assert_eq!(verdicts(&merged), verdicts(&["scan", WORLD, "--format", "json"]));
}
