//! Exports of histories, mapped logs and logs of stores that speak no SQL, each in a folder of `tests/exports`: what the
//! lens shows of each record, and what a scan makes of the folder, compared whole with its `expected.txt`. The lines
//! are written from the manuals that each format cites; Redis's are recorded (`fixtures/redis`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use whodepends::scan::{Plan, scan};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exports")
}

fn run(args: &[&str], folder: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program starts");
    String::from_utf8(output.stdout).expect("it prints UTF-8")
}

fn word(value: &serde_json::Value, key: &str) -> String {
    value[key].as_str().unwrap_or("").to_owned()
}

/// A record as the lens shows it, with every field it has.
fn record(line: &str) -> String {
    let it: serde_json::Value = serde_json::from_str(line).expect("the lens prints JSON");
    let text = |key: &str| word(&it, key);
    let zone = if it["zone_known"] == true { "" } else { " zone assumed" };
    let took = it["duration_ms"].as_f64().map_or(String::new(), |took| format!(" {took} ms"));
    let mut shown: String = text("statement").chars().take(160).collect();
    shown.push_str(&text("request"));
    let tables = it["tables"].as_array().map_or(String::new(), |tables| {
        format!(" {:?}", tables.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>())
    });
    let who = ["user", "database", "application", "host", "session"].map(text).join("|");
    format!(
        "{} {} {}{zone} {who}{took} {} {shown}{tables}",
        it["line"],
        text("kind"),
        text("time"),
        text("status")
    )
}

/// What a scan makes of a folder: links, gaps, how each input ended.
fn scanned(folder: &Path) -> Vec<String> {
    let report = run(&["scan", ".", "--format", "json", "--as-of", "2026-11-25"], folder);
    let report: serde_json::Value = serde_json::from_str(&report).expect("the report is JSON");
    let list = |key: &str| report[key].as_array().expect("it is a list").clone();
    let mut lines = Vec::new();
    for link in list("links") {
        let [who, action, resource] = ["consumer", "action", "resource"].map(|key| word(&link, key));
        let (class, outcome) = (word(&link, "class"), word(&link, "outcome"));
        lines.push(format!("link {} {who} {action} {resource} {class} {outcome}", link["count"]));
    }
    for gap in list("gaps") {
        let [code, place, detail] = ["code", "place", "detail"].map(|key| word(&gap, key));
        lines.push(format!("gap {code} {place} {}: {detail}", gap["count"]));
    }
    for input in list("inputs") {
        let [path, kind, status] = ["path", "kind", "status"].map(|key| word(&input, key));
        lines.push(format!("input {path} {kind} {status}"));
    }
    lines
}

fn shown(folder: &Path) -> String {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("it is a folder")
        .map(|it| it.expect("it can be read").path())
        .collect();
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).expect("its name is UTF-8").to_owned();
        if name == "whodepends.toml" || name == "expected.txt" {
            continue;
        }
        let config = folder.join("whodepends.toml").exists();
        let config: &[&str] = if config { &["--config", "whodepends.toml"] } else { &[] };
        let records = run(&[&["inspect", "log", &name], config].concat(), folder);
        lines.push(format!("== {name}"));
        lines.extend(records.lines().map(record));
    }
    lines.push("== scan".to_owned());
    lines.extend(scanned(folder));
    lines.join("\n") + "\n"
}

/// A copy of a folder with all but what is expected of it, which is no input.
fn inputs(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    for file in std::fs::read_dir(folder).expect("it is a folder") {
        let file = file.expect("it can be read");
        if file.file_name() != "expected.txt" {
            std::fs::copy(file.path(), copy.path().join(file.file_name())).expect("it can be copied");
        }
    }
    copy
}

#[test]
fn each_folder_shows_what_is_expected_and_nothing_else() {
    let mut wrong = BTreeMap::new();
    for folder in std::fs::read_dir(root()).expect("tests/exports is there") {
        let folder = folder.expect("it can be read").path();
        let copy = inputs(&folder);
        let found = shown(copy.path());
        let path = folder.join("expected.txt");
        if std::env::var_os("WHODEPENDS_BLESS").is_some() {
            std::fs::write(&path, &found).expect("it can be written");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            wrong.insert(folder, (found, expected));
        }
    }
    for (folder, (found, expected)) in &wrong {
        assert_eq!(found, expected, "{}", folder.display());
    }
}

/// The whole report of a folder, read in blocks of this size.
fn report(folder: &Path, block_bytes: usize) -> String {
    let plan = Plan {
        paths: vec![folder.to_path_buf()],
        config: None,
        as_of: Some("2026-11-25".to_owned()),
        since: None,
        until: None,
        kinds: Vec::new(),
        filter: None,
        block_bytes,
    };
    let outcome = scan(&plan, &|_, _| ()).expect("it can be scanned");
    serde_json::to_string_pretty(&outcome.report).expect("a report is plain")
}

#[test]
fn where_a_log_is_cut_into_blocks_changes_nothing() {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root())
        .expect("tests/exports is there")
        .map(|folder| folder.expect("it can be read").path())
        .collect();
    folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/redis/world"));
    for folder in folders {
        let copy = inputs(&folder);
        let whole = report(copy.path(), 1 << 20);
        for size in [1, 7, 61, 400] {
            assert_eq!(report(copy.path(), size), whole, "{} in blocks of {size}", folder.display());
        }
    }
}

#[test]
fn each_export_is_claimed_by_its_own_format_and_by_no_other() {
    let mut claimed = BTreeSet::new();
    for folder in std::fs::read_dir(root()).expect("tests/exports is there") {
        let folder = folder.expect("it can be read").path();
        let name = folder.file_name().and_then(|name| name.to_str()).expect("its name is UTF-8").to_owned();
        for file in std::fs::read_dir(&folder).expect("it is a folder") {
            let file = file.expect("it can be read").path();
            let ends = |text: &str| file.to_string_lossy().ends_with(text);
            if ends("expected.txt") || ends(".toml") {
                continue;
            }
            let head = std::fs::read(&file).expect("it can be read");
            let formats = whodepends::collect::logs::FORMATS.iter();
            let own: Vec<&str> =
                formats.filter(|it| it.recognise(&head).is_some()).map(|it| it.about().name).collect();
            let family = |format: &str| name.starts_with(&format.replace('-', "_")[..5]);
            let nobody = name.starts_with("mapped") || name == "near_misses";
            assert!(nobody && own.is_empty() || own.len() == 1 && family(own[0]), "{name}: {own:?}");
            claimed.extend(own);
        }
    }
    assert_eq!(claimed.len(), 7, "{claimed:?}");
}

#[test]
fn a_mapping_that_cannot_be_meant_is_refused_with_what_to_try() {
    for (columns, why) in [
        ("{ when = \"a\", statement = \"b\" }", "columns: \"when\" is none of time, user, host"),
        ("{ statement = \"b\" }", "columns need a time"),
        ("{ time = \"a\", user = \"b\" }", "columns need a statement, or the path of a request"),
        (
            "{ time = 1, statement = \"b\" }",
            "columns are numbers, for a file without names of columns, or names",
        ),
        ("{ time = 0, statement = 1 }", "columns are counted from 1"),
        ("{ time = 1, statement = 2, path = 3 }", "a record is one of them"),
    ] {
        let text = format!("[[source]]\npath = \"a.csv\"\ncolumns = {columns}\n");
        let error = whodepends::settings::Settings::parse(&text).expect_err("it cannot be meant");
        assert!(error.starts_with("[[source]] path = \"a.csv\": ") && error.contains(why), "{error}");
    }
}

#[test]
fn what_a_recorded_redis_shows_is_what_its_clients_did() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/redis");
    let truth = std::fs::read_to_string(fixture.join("truth.txt")).expect("truth.txt is there");
    // MONITOR leaves out what administers the server.
    let wanted: BTreeSet<String> =
        truth.lines().filter(|line| !line.ends_with(" unseen")).map(str::to_owned).collect();
    let hosts = [("10.20.9.13", "report"), ("10.20.9.14", "probe"), ("10.20.9.15", "admin")];
    let told = |line: &String| {
        let words: Vec<&str> = line.strip_prefix("link ")?.split(' ').collect();
        let [count, who, action, resource, class, "ok"] = words[..] else { return None };
        let who = who.trim_start_matches("client:").split('@').next()?;
        let who = hosts.iter().find(|(address, _)| *address == who).map_or(who, |(_, name)| name);
        let resource = resource.replacen("redis-monitor:cache.log", "", 1).replacen(":/", ":", 1);
        Some(format!("{count} {who} {action} {resource} {class}"))
    };
    let lines = scanned(&fixture.join("world"));
    let found: BTreeSet<String> = lines.iter().filter_map(told).collect();
    assert_eq!(found, wanted);
    let rest: Vec<&String> = lines.iter().filter(|line| !line.starts_with("link ")).collect();
    let never = "gap one-sided cache.log 1: MONITOR shows neither who logs in, nor whether a command failed, nor commands \
                 that administer the server";
    assert_eq!(rest, [never, "input cache.log redis-monitor partly"]);
}

#[test]
fn no_secret_of_a_recorded_redis_is_kept() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/redis/world");
    let log = std::fs::read_to_string(fixture.join("cache.log")).expect("cache.log is there");
    // Older servers show what a client logs in with.
    let log = log.replace("(redacted)", "hunter2");
    let copy = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(copy.path().join("cache.log"), log).expect("it can be written");
    for args in [&["inspect", "log", "cache.log"][..], &["scan", ".", "--format", "json"]] {
        assert!(!run(args, copy.path()).contains("hunter2"), "{args:?}");
    }
}
