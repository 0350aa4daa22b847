//! Evidence that travels: what is collected apart and merged is what is collected at once, byte for byte; a scan of it
//! is the scan of its inputs; and a file that is broken, foreign or given twice is never taken for a whole one.

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
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

/// A recorded company: its parts that must stay together, and what collecting and scanning all of it gives.
struct Company {
    world: PathBuf,
    units: Vec<Vec<PathBuf>>,
    whole: Vec<u8>,
    report: String,
}

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("it can be read").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() { files_below(&path, out) } else { out.push(path) }
    }
}

impl Company {
    /// A stream is the rotated files of one log, a host is all of its files, source is one tree, a capture is alone.
    fn new(story: &str) -> Company {
        let world = root().join("fixtures").join(story).join("world");
        let mut files = Vec::new();
        files_below(&world, &mut files);
        files.sort();
        let mut units: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for path in files {
            let shown = path.strip_prefix(&world).expect("it lies below").to_string_lossy().into_owned();
            let parts: Vec<&str> = shown.split('/').collect();
            let unit = match parts[..] {
                ["hosts", host, ..] => format!("host {host}"),
                ["logs", server, log] => {
                    let stem = log.split(['.', '-']).next().unwrap_or(log);
                    let kind = if log.contains(".csv") { "csv" } else { "log" };
                    format!("log {server} {stem} {kind}")
                }
                ["captures", capture] => format!("capture {capture}"),
                ["whodepends.toml"] => continue,
                _ => "source".to_owned(),
            };
            units.entry(unit).or_default().push(PathBuf::from(shown));
        }
        let whole = collected(vec![world.clone()], None);
        let report = report(vec![world.clone()]);
        Company { world, units: units.into_values().collect(), whole, report }
    }

    /// The evidence file of some units, collected as if nothing else were there.
    fn part(&self, units: &[&Vec<PathBuf>]) -> Vec<u8> {
        let copy = folder();
        for path in units.iter().copied().flatten() {
            let content = std::fs::read(self.world.join(path)).expect("it can be read");
            write(copy.path(), &path.to_string_lossy(), content);
        }
        collected(vec![copy.path().to_path_buf()], Some(self.world.join("whodepends.toml")))
    }

    /// Units in as many groups as there are different numbers, in their order.
    fn parts(&self, groups: &[usize]) -> Vec<Vec<u8>> {
        let mut by_group: BTreeMap<usize, Vec<&Vec<PathBuf>>> = BTreeMap::new();
        for (unit, group) in self.units.iter().zip(groups) {
            by_group.entry(*group).or_default().push(unit);
        }
        by_group.values().map(|units| self.part(units)).collect()
    }
}

static SHOP: LazyLock<Company> = LazyLock::new(|| Company::new("shop"));
static LIBRARY: LazyLock<Company> = LazyLock::new(|| Company::new("library"));

/// Merges files two or three at a time, in an order that `turns` chooses, until one is left.
fn nested(mut files: Vec<Vec<u8>>, turns: &[usize]) -> Vec<u8> {
    let mut turns = turns.iter().cycle();
    let mut next = |below: usize| turns.next().map_or(0, |turn| turn % below);
    while files.len() > 1 {
        let some = (2 + next(2)).min(files.len());
        let taken: Vec<Vec<u8>> = (0..some).map(|_| files.swap_remove(next(files.len()))).collect();
        files.push(merged(&taken));
    }
    files.pop().expect("there was one")
}

/// Scans evidence files given as several arguments.
fn report_of(files: &[Vec<u8>]) -> String {
    let kept = folder();
    let paths = files.iter().enumerate().map(|(index, bytes)| {
        write(kept.path(), &format!("{index}.evidence.jsonl.zst"), bytes);
        kept.path().join(format!("{index}.evidence.jsonl.zst"))
    });
    report(paths.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn what_is_collected_apart_and_merged_is_what_is_collected_at_once(
        library in any::<bool>(),
        groups in prop::collection::vec(0usize..4, 16),
        turns in prop::collection::vec(any::<usize>(), 12),
    ) {
        let company: &Company = if library { &LIBRARY } else { &SHOP };
        prop_assert!(company.units.len() <= groups.len());
        let mut parts = company.parts(&groups);
        let apart = report_of(&parts);
        prop_assert!(apart == company.report, "the scan of {groups:?} gives another report");
        parts.reverse();
        let all = nested(parts, &turns);
        prop_assert!(all == company.whole, "{groups:?} {turns:?} are merged to something else");
    }
}

#[test]
fn a_scan_of_evidence_is_the_scan_of_its_inputs() {
    for company in [&*SHOP, &*LIBRARY] {
        assert!(report_of(std::slice::from_ref(&company.whole)) == company.report);
        // Collected again it stays what it is.
        let kept = folder();
        write(kept.path(), "a.zst", &company.whole);
        assert!(collected(vec![kept.path().join("a.zst")], None) == company.whole);
    }
}

#[test]
fn evidence_is_scanned_beside_what_lies_in_folders() {
    let (mut logs, mut rest) = (Vec::new(), Vec::new());
    for unit in &SHOP.units {
        if unit[0].starts_with("logs") { logs.push(unit) } else { rest.push(unit) }
    }
    let here = folder();
    for path in rest.into_iter().flatten() {
        let content = std::fs::read(SHOP.world.join(path)).expect("it can be read");
        write(here.path(), &format!("desk/{}", path.display()), content);
    }
    // The settings came with the logs, and act on what lies here.
    write(here.path(), "desk/logs.evidence.jsonl.zst", SHOP.part(&logs));
    let mixed = text(here.path(), &["scan", "desk", "--format", "json"]);
    let whole = text(root(), &["scan", "fixtures/shop/world", "--format", "json"]);
    assert!(mixed == whole);
}

#[test]
fn threads_and_the_order_of_arguments_change_no_byte() {
    let here = folder();
    let world = root().join("fixtures/library/world");
    let parts = ["hosts", "logs", "whodepends.toml"].map(|part| world.join(part).display().to_string());
    let collect = |order: [usize; 3], threads: &str, out: &str| {
        let mut args = vec!["collect", "-o", out, "--threads", threads];
        args.extend(order.map(|index| parts[index].as_str()));
        text(here.path(), &args);
        std::fs::read(here.path().join(out)).expect("it was written")
    };
    let one = collect([0, 1, 2], "1", "one");
    assert!(collect([2, 1, 0], "4", "two") == one);
    assert!(collect([1, 2, 0], "3", "three") == one);
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

/// A small evidence file, unpacked, line by line.
fn lines() -> Vec<String> {
    let here = folder();
    write(here.path(), "a/pg.log", one("kim", "t") + &one("kim", "u"));
    unpacked(&collected(vec![here.path().join("a")], None)).lines().map(str::to_owned).collect()
}

/// What a scan says of such a file, and what merging says.
fn told(content: &[u8]) -> (Option<i32>, Vec<String>, Vec<String>, String) {
    let here = folder();
    write(here.path(), "x.zst", content);
    let output = run_in(here.path(), &["scan", "x.zst", "--format", "json", "--as-of", "2026-11-24"]);
    let report = String::from_utf8(output.stdout).expect("it is UTF-8");
    let merging = complaint(here.path(), &["merge", "x.zst", "-o", "y.zst"]).1;
    assert!(merging.is_empty() || !here.path().join("y.zst").exists());
    (output.status.code(), links(&report), gaps(&report), merging)
}

#[test]
fn a_broken_file_is_read_as_far_as_it_goes_and_never_merged() {
    let whole = lines();
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = whole.clone();
        change(&mut lines);
        told((lines.join("\n") + "\n").as_bytes())
    };
    let (t, u) = (
        "client:kim read table:postgres-stderr:pg.log/shop/s.t 1",
        "client:kim read table:postgres-stderr:pg.log/shop/s.u 1",
    );
    let both = vec![t.to_owned(), u.to_owned()];
    let use_of = |table: &str| {
        let at = whole.iter().position(|line| line.contains(&format!("\"s\",\"{table}\"")));
        at.expect("the table is used")
    };
    let (first, second) = (use_of("t"), use_of("u"));
    let count = whole.len();
    let expect = |told: (Option<i32>, Vec<String>, Vec<String>, String),
                  links: &[String],
                  gap: String,
                  merging: String| {
        assert_eq!(told, (Some(0), links.to_vec(), vec![gap], merging));
    };

    // Not compressed at all is fine: it is known by its content.
    assert_eq!(with(&|_| ()), (Some(0), both.clone(), Vec::new(), String::new()));
    expect(
        with(&|lines| lines[first] = "{\"use\":7".to_owned()),
        &both[1..],
        format!("x.zst:{} unparsed: rows that cannot be understood; the others were read (1)", first + 1),
        format!("whodepends: x.zst:{}: this is no JSON (column 8); nothing was written", first + 1),
    );
    expect(
        with(&|lines| lines.swap(first, second)),
        &both,
        format!(
            "x.zst:{} unparsed: rows out of order: no program of ours wrote this file as it is (1)",
            second + 1
        ),
        format!("whodepends: x.zst:{}: a row out of order; nothing was written", second + 1),
    );
    expect(
        with(&|lines| lines.truncate(count - 1)),
        &both,
        format!("x.zst:{count} truncated: the file ends early; what came before was read (1)"),
        format!("whodepends: x.zst:{count}: the file ends early; nothing was written"),
    );
    expect(
        with(&|lines| drop(lines.remove(second))),
        &both[..1],
        format!(
            "x.zst:{} truncated: it says that it has {} rows, and has {} (1)",
            count - 1,
            count - 2,
            count - 3
        ),
        format!(
            "whodepends: x.zst:{}: it says that it has {} rows, and has {}; nothing was written",
            count - 1,
            count - 2,
            count - 3
        ),
    );
    // Numbers that no clock and no log can give.
    for (from, to) in [
        ("\"first\":1793", "\"first\":9993793"),
        ("\"days\":[[20752,1,", "\"days\":[[20752,999999999999999999,"),
        ("[36001]", "[86400]"),
    ] {
        assert!(whole[first].contains(from), "{}", whole[first]);
        let told = with(&|lines| lines[first] = lines[first].replace(from, to));
        assert_eq!((told.1, told.2.len()), (both[1..].to_vec(), 1), "{to}");
    }
}

#[test]
fn a_torn_frame_and_a_newer_format_are_told() {
    let here = folder();
    write(here.path(), "a/pg.log", one("kim", "t"));
    let whole = collected(vec![here.path().join("a")], None);
    let (code, links, gaps, merging) = told(&whole[..whole.len() - 20]);
    assert_eq!((code, links), (Some(0), Vec::new()), "the one frame of rows is not whole");
    assert_eq!(gaps, ["x.zst:2 truncated: the file ends early; what came before was read (1)"]);
    assert_eq!(merging, "whodepends: x.zst:2: the file ends early; nothing was written");
    let mut flipped = whole.clone();
    let at = flipped.len() - 30;
    flipped[at] ^= 0x55;
    let (_, links, gaps, merging) = told(&flipped);
    assert_eq!(links, Vec::<String>::new());
    assert_eq!(gaps, ["x.zst:2 unreadable: a frame is broken; what came before was read (1)"]);
    assert_eq!(merging, "whodepends: x.zst:2: a frame is broken; nothing was written");
    // What a file from anywhere says is not repeated to a terminal.
    let odd = unpacked(&whole).replacen("\"status\":\"read\"", "\"status\":\"\\u001b[2J\"", 1);
    let (code, _, gaps, merging) = told(odd.as_bytes());
    let column = odd.find("[2J\"").expect("it was put in") + 4;
    let why = format!(
        "its header cannot be understood: what stands there is none of this format (column {column})"
    );
    assert_eq!((code, gaps), (Some(2), vec![format!("x.zst unreadable: {why} (1)")]));
    assert_eq!(merging, format!("whodepends: x.zst: {why}"));
    let newer = unpacked(&whole).replacen("evidence\":1", "evidence\":2", 1);
    let why = "written by a newer whodepends (format 2, this one reads up to 1): update this one";
    let (code, _, gaps, merging) = told(newer.as_bytes());
    assert_eq!((code, gaps), (Some(2), vec![format!("x.zst unreadable: {why} (1)")]));
    assert_eq!(merging, format!("whodepends: x.zst: {why}"));
}

#[test]
fn what_grows_beyond_all_bounds_is_not_read_to_its_end() {
    let mut packed = collected(vec![root().join("fixtures/library/world/logs/roomdb1")], None);
    let bomb = zstd::encode_all(std::io::repeat(b' ').take(200 << 20), 3).expect("it can be compressed");
    packed.extend(bomb);
    let (_, links, gaps, merging) = told(&packed);
    assert!(!links.is_empty(), "what came before was read");
    let limits: Vec<&String> = gaps.iter().filter(|gap| gap.starts_with("x.zst")).collect();
    assert_eq!(
        limits,
        ["x.zst:26 limit: MAX_EXPANSION: not read beyond 67108864 bytes; what came before was read (1)"]
    );
    assert!(merging.contains("something follows the last row"), "{merging}");
    let header = lines().swap_remove(0) + "\n";
    let long = header.as_bytes().chain(std::io::repeat(b'7').take(file::MAX_ROW_BYTES as u64 + 9));
    let kept = file::read(&Text::from("x"), long, &|_| ()).unwrap_or_else(|why| panic!("{why}"));
    let details: Vec<&str> = kept.gaps.iter().map(|gap| &*gap.detail).collect();
    assert_eq!(details, ["MAX_ROW_BYTES: a longer row is not read; what came before was read"]);
}

#[test]
fn shapes_that_fold_after_merging_are_those_that_fold_at_once() {
    let here = folder();
    // Of 700 shapes in each of two files of one log, 300 are in both.
    let statements = |from: u32| (from..from + 700).map(move |n| (n, format!("SELECT c{n} FROM s.t")));
    write(here.path(), "a/postgresql-2026-10-26.log", log("kim", statements(0)));
    write(here.path(), "b/postgresql-2026-10-27.log", log("kim", statements(400)).replace("10-26", "10-27"));
    write(here.path(), "all/postgresql-2026-10-26.log", log("kim", statements(0)));
    write(
        here.path(),
        "all/postgresql-2026-10-27.log",
        log("kim", statements(400)).replace("10-26", "10-27"),
    );
    let [a, b, all] = ["a", "b", "all"].map(|name| collected(vec![here.path().join(name)], None));
    let shapes =
        |bytes: &[u8]| unpacked(bytes).lines().filter(|line| line.contains("\"action\":\"read\"")).count();
    assert_eq!([&a, &b, &all].map(|bytes| shapes(bytes)), [SHAPES_KEPT + 1; 3]);
    // Of a stream that is torn apart only the vantage differs: it has a span for each file.
    let rows = |bytes: &[u8]| -> Vec<String> {
        let text = unpacked(bytes);
        text.lines().filter(|line| !line.starts_with("{\"vantage\"")).map(str::to_owned).collect()
    };
    assert_eq!(rows(&merged(&[a.clone(), b.clone()])), rows(&all));
    assert!(merged(&[a.clone(), b.clone()]) == merged(&[b, a]));
}

fn what(vantage: &str, shape: u64, sample: &str, spare: u8) -> What {
    let name = |text: &str| Text::from(text);
    let spare_of = |bit: u8| spare & bit != 0;
    What {
        vantage: name(vantage),
        actor: Actor::new()
            .with(MentionKind::User, sample)
            .with(MentionKind::Address, if spare_of(1) { "10.0.0.1" } else { "" }),
        action: if spare_of(2) { Action::Write } else { Action::Read },
        resource: Resource::table(vec![name("s"), name(sample)])
            .at(spare_of(4).then(|| name("db")).as_ref(), None),
        shape: Shape { fingerprint: shape, sample: name(sample) },
        outcome: if spare_of(8) { Outcome::Denied } else { Outcome::Ok },
        class: if spare_of(16) { Class::Backup } else { Class::App },
        scope: Scope::Production,
        basis: Basis::Observed,
        confidence: if spare_of(32) { Confidence::Low } else { Confidence::High },
        traits: spare_of(64).then(|| Trait::valued("window", sample)).into_iter().collect(),
    }
}

type Event = (u8, u64, String, u8, i64, Option<u64>);

/// Evidence of these events, each heard in one of four streams.
fn stated<'a>(events: impl IntoIterator<Item = &'a Event>) -> Evidence {
    let mut evidence = Evidence::new();
    for (stream, shape, sample, spare, second, micros) in events {
        let input = Text::from(format!("logs/{stream}.log"));
        let place = Place { input: input.clone(), at: At::Line(*second as u64 % 977) };
        let stamp = Stamp::from_seconds(1_790_000_000 + second);
        evidence.add_event(
            what(&format!("pg:{stream}"), *shape, sample, *spare),
            stamp,
            *micros,
            place.clone(),
        );
        if spare & 128 != 0 {
            let mut activity = Activity::none();
            activity.add_undated(*shape);
            let places = Places::one(None, place.clone());
            evidence.add_use(Use {
                what: what(&format!("pg:{stream}"), *shape, sample, *spare),
                activity,
                places,
            });
        }
        evidence.add_gap(Gap::new(place.clone(), GapCode::Unparsed, sample.as_str()));
        let about = Mention::new(MentionKind::Job, sample.as_str());
        let says = Says::OwnedBy(Text::from(sample.as_str()));
        evidence.add_fact(Fact { about, says, basis: Basis::Written, scope: Scope::Test, span: None, place });
    }
    evidence
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let sample = prop_oneof!["[a-c]{1,2}", "\\PC{1,6}", Just("\"\\\u{7}\u{2028}".to_owned())];
    let micros = prop::option::of(any::<u64>());
    prop::collection::vec((0u8..4, 0u64..5, sample, any::<u8>(), 0i64..400_000, micros), 0..300)
}

proptest! {
    #[test]
    fn what_is_read_back_is_what_was_written_however_it_was_divided(all in events(), turns in prop::collection::vec(any::<usize>(), 8)) {
        let bytes = |evidence: &Evidence| file::write(evidence, Vec::new(), Vec::new()).expect("a vector can be written to");
        let whole = stated(&all);
        let kept = file::read(&Text::from("x"), zstd::Decoder::new(&bytes(&whole)[..]).expect("it is zstd"), &|_| ());
        let kept = kept.unwrap_or_else(|why| panic!("{why}"));
        prop_assert_eq!(&kept.gaps, &Vec::new());
        prop_assert_eq!(kept.evidence.uses(), whole.uses());
        prop_assert_eq!(kept.evidence.gaps(), whole.gaps());
        prop_assert!(kept.evidence.facts().eq(whole.facts()));
        // Events of one use may be told by any file: activities add up.
        let part = |which: usize| bytes(&stated(all.iter().skip(which).step_by(3)));
        prop_assert!(nested(vec![part(0), part(1), part(2)], &turns) == bytes(&whole));
    }
}

#[test]
fn files_of_several_frames_are_read_and_merged_like_those_of_one() {
    let event = |n: usize| (0, n as u64, format!("t{}", n / 300), 0, n as i64, None);
    let all: Vec<Event> = (0..ROWS_PER_FRAME * 5 / 3).map(event).collect();
    let (even, odd): (Vec<&Event>, Vec<&Event>) = all.iter().partition(|event| event.1 % 2 == 0);
    let bytes =
        |evidence: Evidence| file::write(&evidence, Vec::new(), Vec::new()).expect("it can be written");
    let whole = bytes(stated(&all));
    assert!(merged(&[bytes(stated(even)), bytes(stated(odd))]) == whole);
    let frames = whole.windows(4).filter(|bytes| *bytes == [0x28, 0xb5, 0x2f, 0xfd]).count();
    // A header, and 6,826 uses, as many gaps' rows as there are names, and as many facts as there are events.
    assert!(frames >= 4, "{frames} frames");
}
