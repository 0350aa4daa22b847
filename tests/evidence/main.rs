//! Evidence that travels: what is collected apart and merged is what is collected at once, byte for byte; a scan of it
//! is the scan of its inputs; and a file that is broken, foreign or given twice is never taken for a whole one.

mod broken;
mod company;
mod laws;

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use whodepends::evidence::file::{self, ROWS_PER_FRAME};
use whodepends::evidence::{
    Action, Activity, Actor, At, Basis, Class, Confidence, Evidence, Fact, Gap, GapCode, Mention,
    MentionKind, Outcome, Place, Places, Resource, SHAPES_KEPT, Says, Scope, Shape, Stamp, Text, Trait, Use,
    What,
};
use whodepends::scan::{self, Keep, Plan};

fn run_in(folder: &Path, args: &[&str]) -> Output {
    let program = Command::new(env!("CARGO_BIN_EXE_whodepends")).current_dir(folder).args(args).output();
    program.expect("the program starts")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Standard output of a command that must work.
fn text(folder: &Path, args: &[&str]) -> String {
    let output = run_in(folder, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is UTF-8")
}

/// The exit code and the complaint of a command.
fn complaint(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = run_in(folder, args);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn write(folder: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("folders can be made");
    std::fs::write(path, content).expect("it can be written");
}

fn plan(paths: Vec<PathBuf>, config: Option<PathBuf>) -> Plan {
    Plan {
        paths,
        config,
        as_of: None,
        since: None,
        until: None,
        kinds: Vec::new(),
        filter: None,
        block_bytes: whodepends::collect::BLOCK_BYTES,
    }
}

/// The evidence file of these paths.
fn collected(paths: Vec<PathBuf>, config: Option<PathBuf>) -> Vec<u8> {
    let all = scan::collect(&plan(paths, config), &Keep::default(), &|_, _| ()).expect("it can be collected");
    assert!(all.errors.is_empty() && all.recognised);
    file::write(&all.evidence, all.settings, Vec::new()).expect("a vector can be written to")
}

/// The JSON report of a scan of these paths.
fn report(paths: Vec<PathBuf>) -> String {
    let outcome = scan::scan(&plan(paths, None), &|_, _| ()).expect("it can be scanned");
    serde_json::to_string(&outcome.report).expect("a report is JSON")
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    zstd::Decoder::new(bytes).expect("it is zstd").read_to_string(&mut text).expect("it is text");
    text
}

fn merged(files: &[Vec<u8>]) -> Vec<u8> {
    let open = |(index, bytes): (usize, &Vec<u8>)| -> (String, Box<dyn Read + Send>) {
        let decoder = zstd::Decoder::new(std::io::Cursor::new(bytes.clone())).expect("it is zstd");
        (format!("file {index}"), Box::new(decoder))
    };
    file::merge(files.iter().enumerate().map(open).collect(), Vec::new()).expect("they can be merged")
}

const CONFIG: &str = "as_of = \"2026-11-24\"\n[[system]]\nkind = \"database\"\nname = \"db\"\ndatabases = [\"shop\"]\n\
    [[source]]\npath = \"**/*.log\"\nserver = \"db\"\n[[consumer]]\nkind = \"person\"\nname = \"kim\"\nusers = [\"kim\"]\n";

/// A log of one statement a line, by this login, at these minutes.
fn log(login: &str, minutes: impl IntoIterator<Item = (u32, String)>) -> String {
    let line = |(minute, sql): (u32, String)| {
        let (hour, minute) = (minute / 60, minute % 60);
        format!("2026-10-26 {hour:02}:{minute:02}:01.123 UTC [7] {login}@shop LOG:  statement: {sql}\n")
    };
    minutes.into_iter().map(line).collect()
}

fn one(login: &str, table: &str) -> String {
    log(login, [(600, format!("SELECT a FROM s.{table}"))])
}

/// `consumer action resource count` of what was observed.
fn links(report: &str) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(report).expect("it is JSON");
    let links = report["links"].as_array().expect("links are a list").iter();
    let seen = links.filter(|link| link["count"] != 0 && link["action"] != "connect");
    let word = |link: &serde_json::Value, key: &str| link[key].as_str().unwrap_or("").to_owned();
    seen.map(|l| {
        format!("{} {} {} {}", word(l, "consumer"), word(l, "action"), word(l, "resource"), l["count"])
    })
    .collect()
}

/// `place code: detail (count)` of all gaps.
fn gaps(report: &str) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(report).expect("it is JSON");
    let gaps = report["gaps"].as_array().expect("gaps are a list").iter();
    let word = |gap: &serde_json::Value, key: &str| gap[key].as_str().unwrap_or("").to_owned();
    gaps.map(|g| format!("{} {}: {} ({})", word(g, "place"), word(g, "code"), word(g, "detail"), g["count"]))
        .collect()
}

#[test]
fn machines_that_name_their_logs_alike_stay_apart_only_when_told_apart() {
    let here = folder();
    for (machine, login) in [("a", "kim"), ("b", "lee")] {
        write(here.path(), &format!("{machine}/postgresql.log"), one(login, "t"));
        text(here.path(), &["collect", machine, "-o", &format!("{machine}.zst")]);
        text(here.path(), &["collect", machine, "-o", &format!("{machine}2.zst"), "--under", machine]);
    }
    let twice = "b.zst both hold postgresql.log: it would count twice; collect one of them with --under NAME if it is another";
    assert_eq!(
        complaint(here.path(), &["merge", "a.zst", "b.zst", "-o", "all.zst"]),
        (Some(2), format!("whodepends: a.zst and {twice}"))
    );
    assert!(!here.path().join("all.zst").exists(), "nothing half is written");
    let left_out = "left out: it holds postgresql.log, and so does a.zst: it would count twice; if it is another, \
                    collect it with --under NAME";
    let scan = ["scan", "a.zst", "b.zst", "--format", "json", "--as-of", "2026-11-24"];
    assert_eq!(complaint(here.path(), &scan), (Some(2), format!("whodepends: b.zst: {left_out}")));
    let told = String::from_utf8(run_in(here.path(), &scan).stdout).expect("it is UTF-8");
    assert_eq!(links(&told), ["client:kim read table:postgres-stderr:postgresql.log/shop/s.t 1"]);
    assert_eq!(gaps(&told), [format!("b.zst unreadable: {left_out} (1)")]);
    text(here.path(), &["merge", "a2.zst", "b2.zst", "-o", "all.zst"]);
    let told = text(here.path(), &["scan", "all.zst", "--format", "json", "--as-of", "2026-11-24"]);
    let apart = |machine: &str, login: &str| {
        format!("client:{login} read table:postgres-stderr:{machine}/postgresql.log/shop/s.t 1")
    };
    assert_eq!(links(&told), [apart("a", "kim"), apart("b", "lee")]);
}

#[test]
fn what_a_folder_holds_as_well_is_not_counted_twice() {
    let here = folder();
    write(here.path(), "world/postgresql.log", one("kim", "t"));
    text(here.path(), &["collect", "world", "-o", "world/kept.evidence.jsonl.zst"]);
    let told = text(here.path(), &["scan", "world", "--format", "json", "--as-of", "2026-11-24"]);
    assert_eq!(links(&told), ["client:kim read table:postgres-stderr:postgresql.log/shop/s.t 1"]);
    let left_out = "left out: it holds postgresql.log, and so does the scan itself: it would count twice; if it is \
                    another, collect it with --under NAME";
    assert_eq!(gaps(&told), [format!("kept.evidence.jsonl.zst unreadable: {left_out} (1)")]);
}

#[test]
fn days_of_one_log_add_up() {
    let here = folder();
    write(here.path(), "mon/postgresql-2026-10-26.log", one("kim", "t").repeat(2));
    write(here.path(), "tue/postgresql-2026-10-27.log", one("kim", "t").replace("10-26", "10-27"));
    for day in ["mon", "tue"] {
        text(here.path(), &["collect", day, "-o", &format!("{day}.zst")]);
    }
    text(here.path(), &["merge", "tue.zst", "mon.zst", "-o", "all.zst"]);
    let told = text(here.path(), &["scan", "all.zst", "--format", "json", "--as-of", "2026-11-24"]);
    assert_eq!(links(&told), ["client:kim read table:postgres-stderr:postgresql.log/shop/s.t 3"]);
}

#[test]
fn settings_travel_along_until_others_are_given() {
    let here = folder();
    let reason = "reason = \"known, goes with the platform\"";
    let accept = format!("[[accept]]\nrule = \"shadow-consumer\"\nconsumer = \"client:lee\"\n{reason}\n");
    let people = CONFIG.replace("[\"kim\"]", "[\"kim\", \"kim@mail.example.org\"]");
    write(here.path(), "world/whodepends.toml", format!("{people}{accept}"));
    write(here.path(), "world/pg.log", one("lee", "t"));
    text(here.path(), &["collect", "world", "-o", "kept.zst"]);
    let kept = unpacked(&std::fs::read(here.path().join("kept.zst")).expect("it was written"));
    assert!(!kept.contains("kim@mail"), "logins are scrubbed: {kept}");
    let scan = |more: &[&str]| {
        let args = [&["scan", "kept.zst", "--format", "json"], more].concat();
        let report: serde_json::Value = serde_json::from_str(&text(here.path(), &args)).expect("it is JSON");
        let findings = report["findings"].as_array().expect("it is a list").iter();
        let told = findings.map(|f| format!("{} {} {}", f["rule"], f["consumer"], f["accepted"]));
        (told.collect::<Vec<_>>(), report["as_of"].to_string())
    };
    let accepted = "\"shadow-consumer\" \"client:lee\" \"known, goes with the platform\"".to_owned();
    assert_eq!(scan(&[]), (vec![accepted], "\"2026-11-24\"".to_owned()));
    // The inventory that was carried is none any more: who was declared there is not, and who is here is.
    let newer = CONFIG.replace("kim", "lee").replace("11-24", "11-25");
    write(here.path(), "newer.toml", newer);
    assert_eq!(scan(&["--config", "newer.toml"]), (Vec::new(), "\"2026-11-25\"".to_owned()));
    let orphaned = text(here.path(), &["scan", "kept.zst", "--config", "newer.toml", "--format", "json"]);
    assert!(!orphaned.contains("person:kim"), "{orphaned}");
}

#[test]
fn different_settings_are_not_mixed() {
    let here = folder();
    for (machine, config) in [("a", CONFIG.to_owned()), ("b", CONFIG.replace("kim", "lee"))] {
        write(here.path(), &format!("{machine}/pg{machine}.log"), one("kim", "t"));
        write(here.path(), &format!("{machine}.toml"), config);
        let (out, config) = (format!("{machine}.zst"), format!("{machine}.toml"));
        text(here.path(), &["collect", machine, "-o", &out, "--config", &config]);
    }
    text(here.path(), &["merge", "a.zst", "b.zst", "-o", "all.zst"]);
    let named = "under different settings: name those that hold with --config";
    for files in [&["a.zst", "b.zst"][..], &["all.zst"]] {
        let (code, said) = complaint(here.path(), &[&["scan"], files].concat());
        assert_eq!((code, said.ends_with(named)), (Some(2), true), "{said}");
        text(here.path(), &[&["scan", "--config", "a.toml"], files].concat());
    }
}

#[test]
fn questions_and_comparisons_take_evidence_like_reports() {
    let here = folder();
    write(here.path(), "old/whodepends.toml", CONFIG);
    write(here.path(), "old/pg.log", one("lee", "t"));
    write(here.path(), "new/whodepends.toml", CONFIG);
    write(here.path(), "new/pg.log", one("lee", "t") + &one("ann", "t"));
    for side in ["old", "new"] {
        text(here.path(), &["collect", side, "-o", &format!("{side}.zst")]);
        text(here.path(), &["scan", side, "--out", &format!("json={side}.json")]);
    }
    let output = run_in(here.path(), &["diff", "old.zst", "new.zst"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, run_in(here.path(), &["diff", "old.json", "new.json"]).stdout);
    for args in [["on", "s.t", "new"], ["explain", "client:ann", "new"]] {
        let [verb, what, of] = args;
        let (kept, made) = (format!("{of}.zst"), format!("{of}.json"));
        let wanted = text(here.path(), &[verb, what, "--from", &made]);
        assert_eq!(text(here.path(), &[verb, what, &kept]), wanted);
        assert_eq!(text(here.path(), &[verb, what, "--from", &kept]), wanted);
    }
    let args = ["scan", "new", "--baseline", "old.zst", "--fail-on", "new"];
    assert_eq!(run_in(here.path(), &args).status.code(), Some(1));
}

#[test]
fn standard_output_and_input_are_a_pipe_for_evidence() {
    let here = folder();
    write(here.path(), "a/pg.log", one("kim", "t"));
    let output = run_in(here.path(), &["collect", "a", "-o", "-"]);
    assert_eq!(output.status.code(), Some(0));
    text(here.path(), &["collect", "a", "-o", "kept.zst"]);
    assert!(output.stdout == std::fs::read(here.path().join("kept.zst")).expect("it was written"));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_to_and_a_link_leads_to_what_is_replaced() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let here = folder();
    write(here.path(), "a/pg.log", one("kim", "t"));
    write(here.path(), "kept/old.zst", "old");
    symlink("kept/old.zst", here.path().join("link")).expect("links can be made");
    text(here.path(), &["collect", "a", "-o", "link"]);
    let written = std::fs::read(here.path().join("kept/old.zst")).expect("it is there");
    assert!(written.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]), "the link's target is the evidence file");
    assert!(here.path().join("link").is_symlink());
    assert!(Command::new("mkfifo").arg(here.path().join("pipe")).status().expect("it starts").success());
    let pipe = here.path().join("pipe");
    let reader = std::thread::spawn(move || std::fs::read(pipe).expect("it can be read"));
    text(here.path(), &["collect", "a", "-o", "pipe"]);
    let kind = std::fs::symlink_metadata(here.path().join("pipe")).expect("it is there").file_type();
    // A pipe that was replaced would leave its reader waiting for ever.
    assert!(kind.is_fifo());
    assert!(reader.join().expect("it ends") == written);
}

#[test]
fn no_input_is_written_over_and_nothing_is_left_behind() {
    let here = folder();
    write(here.path(), "a/pg.log", one("kim", "t"));
    write(here.path(), "none/x", "neither log nor source");
    text(here.path(), &["collect", "a", "-o", "kept.zst"]);
    let refused =
        |what: &str| (Some(2), format!("whodepends: {what}: is one of the inputs; write to another file"));
    assert_eq!(complaint(here.path(), &["collect", "a", "-o", "a/pg.log"]), refused("a/pg.log"));
    assert_eq!(complaint(here.path(), &["merge", "kept.zst", "-o", "./kept.zst"]), refused("./kept.zst"));
    assert_eq!(
        complaint(here.path(), &["scan", "kept.zst", "--since", "2026-10-01"]),
        (
            Some(2),
            "whodepends: kept.zst: an evidence file keeps no single events; give --since and --until to `collect`"
                .to_owned()
        )
    );
    assert_eq!(complaint(here.path(), &["collect", "none", "-o", "none.zst"]).0, Some(3));
    assert_eq!(complaint(here.path(), &["collect", "nowhere", "-o", "nowhere.zst"]).0, Some(2));
    let no_folder = "whodepends: no/x.zst: cannot be written: there is no such folder".to_owned();
    assert_eq!(complaint(here.path(), &["collect", "a", "-o", "no/x.zst"]), (Some(2), no_folder));
    assert_eq!(complaint(here.path(), &["merge", "a/pg.log", "-o", "x.zst"]).0, Some(2));
    let mut left: Vec<String> = std::fs::read_dir(here.path())
        .expect("it can be read")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    left.sort();
    assert_eq!(left, ["a", "kept.zst", "none", "none.zst", "nowhere.zst"]);
}
