//! The command line through the binary: what explains what, standard input, windows of time, kinds stated by
//! a person, named limits. Small worlds are written by the tests themselves.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn run(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("it has a standard input");
    // A program that does not read its input has closed the pipe: that is no failure of the test.
    let _ = pipe.write_all(stdin);
    drop(pipe);
    child.wait_with_output().expect("it ends")
}

fn text(args: &[&str]) -> String {
    let output = run(args, b"");
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is UTF-8")
}

fn json(args: &[&str], stdin: &[u8]) -> serde_json::Value {
    let output = run(args, stdin);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{args:?}: {error}: {}", String::from_utf8_lossy(&output.stderr));
    })
}

/// `consumer action resource count` of observed links.
fn observed(report: &serde_json::Value) -> BTreeSet<String> {
    let word = |link: &serde_json::Value, key: &str| link[key].as_str().unwrap_or("").to_owned();
    let links = report["links"].as_array().expect("links are a list").iter();
    links
        .filter(|link| link["count"] != 0 && link["action"] != "connect")
        .map(|l| {
            format!("{} {} {} {}", word(l, "consumer"), word(l, "action"), word(l, "resource"), l["count"])
        })
        .collect()
}

fn gaps(report: &serde_json::Value) -> BTreeSet<String> {
    let word = |gap: &serde_json::Value, key: &str| gap[key].as_str().unwrap_or("").to_owned();
    let gaps = report["gaps"].as_array().expect("gaps are a list").iter();
    gaps.map(|gap| format!("{} {}: {}", word(gap, "place"), word(gap, "code"), word(gap, "detail"))).collect()
}

const LOG: &[u8] = b"2026-10-25 23:59:59.000 UTC [7] app@shop LOG:  statement: SELECT a FROM s.t\n\
2026-10-26 00:00:00.000 UTC [7] app@shop LOG:  statement: SELECT a FROM s.t\n\
2026-10-26 12:00:00.000 UTC [7] app@shop LOG:  statement: SELECT a FROM s.u\n\
2026-10-27 00:00:00.000 UTC [7] app@shop LOG:  statement: SELECT a FROM s.t\n";

#[test]
fn standard_input_is_an_input_like_any_other() {
    let report = json(&["scan", "-", "--format", "json", "--as-of", "2026-11-25"], LOG);
    let wanted = [
        "client:app read table:postgres-stderr:stdin/shop/s.t 3",
        "client:app read table:postgres-stderr:stdin/shop/s.u 1",
    ];
    assert_eq!(observed(&report), wanted.map(str::to_owned).into());
}

#[test]
fn a_window_leaves_out_what_was_seen_before_and_after() {
    for (window, wanted) in [
        (["--since", "2026-10-26", "--until", "2026-10-26"], vec!["t 1", "u 1"]),
        (["--since", "2026-10-26T12:00:00Z", "--until", "2026-10-30"], vec!["t 1", "u 1"]),
        (["--since", "2026-10-01", "--until", "2026-10-25"], vec!["t 1"]),
    ] {
        let mut args = vec!["scan", "-", "--format", "json", "--as-of", "2026-11-25"];
        args.extend(window);
        let report = json(&args, LOG);
        let found: Vec<String> = observed(&report)
            .iter()
            .filter_map(|link| link.rsplit_once("s.").map(|(_, end)| end.to_owned()))
            .collect();
        assert_eq!(found, wanted, "{window:?}");
    }
    assert_eq!(run(&["scan", "-", "--since", "yesterday"], LOG).status.code(), Some(2));
}

#[test]
fn a_window_that_ends_before_it_begins_is_an_error() {
    let output = run(&["scan", "-", "--since", "2026-10-27", "--until", "2026-10-26"], LOG);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--since 2026-10-27T00:00:00Z is after --until 2026-10-26T23:59:59"), "{said}");
}

#[test]
fn a_person_may_say_what_a_path_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("it can be made");
        std::fs::write(path, content).expect("it can be written");
    };
    write("jobs.txt", "5 4 * * * /opt/load.sh\n");
    write("copied/opt/load.sh", "psql -h db1 -d shop -c 'DELETE FROM t'\n");
    let path = folder.path().to_str().expect("its name is UTF-8");
    let table = format!("crontab-user={path}/jobs.txt");
    let host = format!("host:batch9={path}/copied");
    let args = ["scan", path, "--format", "json", "--as-of", "2026-11-25", "--as", &table, "--as", &host];
    let report = json(&args, b"");
    assert_eq!(report["jobs"][0]["schedule"], "5 4 * * *");
    let ids: BTreeSet<&str> = report["entities"]
        .as_array()
        .expect("entities are a list")
        .iter()
        .filter_map(|entity| entity["id"].as_str())
        .collect();
    assert!(ids.contains("script:batch9:/opt/load.sh") || ids.contains("job:load"), "{ids:?}");
    assert_eq!(run(&["scan", path, "--as", "no-such-kind=x"], b"").status.code(), Some(2));
}

#[test]
fn every_fingerprint_that_is_printed_can_be_explained() {
    let world = "fixtures/shop/world";
    let report = json(&["scan", world, "--format", "json"], b"");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("report.json");
    std::fs::write(&file, serde_json::to_vec(&report).expect("it is JSON")).expect("it can be written");
    let file = file.to_str().expect("its name is UTF-8");
    for finding in report["findings"].as_array().expect("findings are a list") {
        let fingerprint = finding["fingerprint"].as_str().expect("it is text");
        let told = text(&["explain", fingerprint, "--from", file]);
        let title = finding["title"].as_str().expect("it is text");
        assert!(told.contains(title), "{fingerprint} does not explain {title}");
        assert!(!told.contains("nothing that this report still holds"), "{fingerprint} rests on nothing");
    }
    let first = report["findings"][0]["fingerprint"].as_str().expect("it is text");
    assert_eq!(text(&["explain", first, world]), text(&["explain", &first[..6], "--from", file]));
}

#[test]
fn a_join_is_explained_with_its_reason_and_a_refusal_with_its_own() {
    let told = text(&["explain", "service:billing", "fixtures/shop/world"]);
    for line in [
        "Kept apart from service:billing",
        "  client:billing@10.20.3.9: comes with its login billing, but from a host that is not its own",
        "  user         billing: declared at whodepends.toml:74 (shared with others)",
    ] {
        assert!(told.lines().any(|own| own == line), "{line:?} is missing in\n{told}");
    }
}

#[test]
fn what_cannot_be_explained_says_what_to_try() {
    for (args, wanted) in [
        (vec!["explain", "no-such-rule"], "no such rule; `whodepends explain` lists them"),
        (vec!["explain", "abcdef012345"], "name what to scan, or a JSON report with --from"),
        (vec!["explain", "service:bilin", "fixtures/shop/world"], "no entity of this scan has this id"),
        (vec!["explain", "abcdef012345", "--from", "Cargo.toml"], "not a JSON report"),
    ] {
        let output = run(&args, b"");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(said.contains(wanted), "{args:?} says {said:?}");
    }
}

/// A gzip file of one stored and repeated block: very many zero bytes from few.
#[test]
fn settings_that_cannot_be_meant_are_refused_with_their_place() {
    let cases = [
        ("[[consumer]]\nkind = \"servise\"\nname = \"x\"\n", "kind = \"servise\" is none of service, job"),
        (
            "[[consumer]]\nkind = \"job\"\nname = \"x\"\n[[consumer]]\nkind = \"job\"\nname = \"x\"\n",
            "name = \"x\" stands here twice",
        ),
        ("[estate]\nzone = \"Europe/Berlln\"\n", "zone = \"Europe/Berlln\" is no IANA zone"),
        ("[estate]\nnetworks = [\"10.0.0.0/40\"]\n", "\"10.0.0.0/40\" is no network"),
        ("[[host]]\nname = \"h\"\naddresses = [\"10.0.0\"]\n", "\"10.0.0\" is no single IP address"),
        ("[[consumr]]\nname = \"h\"\n", "unknown field `consumr`"),
        (
            "[[consumer]]\nkind = \"job\"\nname = \"x\"\nuses = [\n  \"db/shop\",\n  \"tabel:db/shop/t\",\n]\n",
            "line 6: [[consumer]] name = \"x\": uses \"tabel:db/shop/t\": \"tabel\" is no kind of resource: table, database,",
        ),
        (
            "[[consumer]]\nkind = \"job\"\nname = \"x\"\nuses = [\"api/get /v1/orders\"]\n",
            "line 4: [[consumer]] name = \"x\": uses \"api/get /v1/orders\": \"get\" is no method",
        ),
        (
            "[[system]]\nkind = \"service\"\nname = \"api\"\n[[consumer]]\nkind = \"job\"\nname = \"x\"\nuses = [\"api/v1/orders\"]\n",
            "line 7: [[consumer]] name = \"x\": uses \"api/v1/orders\": \"api\" is of kind service, and its requests",
        ),
        (
            "[[consumer]]\nkind = \"job\"\nname = \"x\"\nuses = [{ resource = \"keys:c/x\", actions = [\"reed\"] }]\n",
            "line 4: [[consumer]] name = \"x\": uses \"keys:c/x\": \"reed\" is no action (read,",
        ),
    ];
    for (settings, want) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("whodepends.toml"), settings).expect("it is written");
        let output = run(&["scan", &folder.path().to_string_lossy()], b"");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{settings}: {said}");
        assert!(said.contains("whodepends.toml") && said.contains(want), "{settings}: {said}");
    }
}

#[test]
fn entries_of_the_settings_that_match_nothing_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = "as_of = \"2026-11-24\"\n[[source]]\npath = \"log/*\"\nserver = \"shop-db\"\n\
        [[source]]\npath = \"logs/*\"\nserver = \"shop-db\"\n\
        [[system]]\nkind = \"database\"\nname = \"shop-db\"\n\
        [[consumer]]\nkind = \"service\"\nname = \"app\"\nuses = [\"shop-db/shop\", \"shpo-db/shop\"]\n";
    std::fs::write(folder.path().join("whodepends.toml"), settings).expect("it is written");
    std::fs::create_dir(folder.path().join("logs")).expect("a folder");
    std::fs::write(folder.path().join("logs/a.log"), LOG).expect("it is written");
    let report = json(&["scan", &folder.path().to_string_lossy(), "--format", "json"], b"");
    let wanted: BTreeSet<String> = [
        "whodepends.toml bad-config: [[source]] path = \"log/*\" matches no input",
        "whodepends.toml:13 bad-config: uses of service:app: no system shpo-db is declared, and nothing uses one",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(gaps(&report), wanted);
}

#[test]
fn what_was_left_out_is_listed_and_nothing_else_is_called_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.log"), LOG).expect("it is written");
    let path = folder.path().to_string_lossy().into_owned();
    assert!(text(&["scan", &path]).contains("Nothing stayed unseen in the inputs."));
    std::os::unix::fs::symlink("a.log", folder.path().join("b.log")).expect("a link");
    let said = text(&["scan", &path]);
    assert!(said.contains("  skipped: 1\n    b.log: a symbolic link is not followed\n"), "{said}");
    assert!(!said.contains("Nothing stayed unseen"), "{said}");
    let missing = folder.path().join("missing").to_string_lossy().into_owned();
    let output = run(&["scan", &format!("{path}/a.log"), &missing], b"");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("1 failed") && !said.contains("Nothing stayed unseen"), "{said}");
}

#[test]
fn translated_messages_are_named_as_a_gap() {
    let log = "2026-10-26 00:00:00.000 UTC [7] app@shop PROTOKOLL:  Anweisung: SELECT a FROM s.t\n";
    let report = json(&["scan", "--format", "json", "-"], log.repeat(20).as_bytes());
    let gaps = gaps(&report);
    assert!(
        gaps.iter().any(|gap| gap.contains("unparsed: the server's messages are translated")),
        "{gaps:?}"
    );
}

fn endless_gzip(path: &Path, megabytes: usize) {
    let file = std::fs::File::create(path).expect("it can be made");
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    let head = b"2026-10-26 00:00:00.000 UTC [7] app@shop LOG:  statement: SELECT a FROM s.t\n";
    packer.write_all(head).expect("it can be written");
    packer.write_all(head).expect("it can be written");
    let zeros = vec![b'0'; 1024 * 1024];
    for _ in 0..megabytes {
        packer.write_all(&zeros).expect("it can be written");
    }
    packer.finish().expect("it can be ended");
}

#[test]
fn named_limits_are_reported_when_they_are_reached() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    endless_gzip(&path.join("endless.log.gz"), 80);
    let record = "2026-10-26 10:00:00.000 UTC [7] app@shop LOG:  statement: ";
    let long = format!("{record}SELECT '{}'\n{record}SELECT a FROM s.u\n", "x".repeat(21 << 20));
    std::fs::write(path.join("long.log"), long).expect("it can be written");
    std::fs::write(path.join("big.py"), "x = 1\n".repeat(1_500_000)).expect("it can be written");
    let mut deep = path.to_path_buf();
    for _ in 0..140 {
        deep.push("d");
    }
    std::fs::create_dir_all(&deep).expect("it can be made");
    let shown = path.to_str().expect("its name is UTF-8");
    let report = json(&["scan", shown, "--format", "json", "--as-of", "2026-11-25"], b"");
    let limits: BTreeSet<String> = gaps(&report).into_iter().filter(|gap| gap.contains(" limit: ")).collect();
    let deepest = vec!["d"; 128].join("/");
    let wanted = [
        "big.py limit: MAX_TEXT_BYTES: not read beyond 8388608 bytes; nothing of it was read".to_owned(),
        format!("{deepest} limit: MAX_DEPTH: folders below are not read"),
        "endless.log.gz limit: MAX_EXPANSION: not read beyond 67108864 bytes".to_owned(),
        "endless.log.gz limit: MAX_RECORD_BYTES: a longer record was cut".to_owned(),
        "long.log limit: MAX_RECORD_BYTES: a longer record was cut".to_owned(),
    ];
    assert_eq!(limits, wanted.into());
    assert!(observed(&report).iter().any(|link| link.ends_with("s.u 1")), "the rest is read: {report}");
}

#[test]
fn the_lists_that_are_printed_come_from_the_tables() {
    let formats = text(&["formats"]);
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README.md");
    for line in text(&["explain"]).lines() {
        let (rule, title) = line.split_once(' ').expect("a rule and its title");
        assert!(formats.contains(rule), "{rule} is missing in formats");
        let row = format!("| `{rule}` | {} |", title.trim());
        assert!(readme.contains(&row), "README.md has no row {row}");
    }
}

#[test]
fn a_named_settings_file_is_the_inventory_wherever_it_lies() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("folders can be made");
        std::fs::write(path, text).expect("files can be written");
    };
    let settings = |who: &str| {
        format!(
            "[[system]]\nkind = \"database\"\nname = \"db\"\ndatabases = [\"shop\"]\n\
             [[source]]\npath = \"**/*.log\"\nserver = \"db\"\n\
             [[consumer]]\nkind = \"person\"\nname = \"{who}\"\nusers = [\"{who}\"]\n"
        )
    };
    write("other.toml", &settings("anna"));
    write("world/whodepends.toml", &settings("kim"));
    let line = |pid: u32, who: &str| {
        format!(
            "2026-10-26 10:00:01.123 UTC [{pid}] {who}@shop LOG:  duration: 0.1 ms  statement: SELECT a FROM t\n"
        )
    };
    write("world/pg.log", &(line(1, "anna") + &line(2, "kim")));
    let found = |arguments: &[&str]| -> Vec<String> {
        let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
            .current_dir(folder.path())
            .args(["scan", "world", "--format", "json", "--as-of", "2026-11-24"])
            .args(arguments)
            .output()
            .expect("the program starts");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
        let findings = report["findings"].as_array().expect("findings are a list").iter();
        findings.map(|finding| finding["consumer"].to_string()).collect()
    };
    assert_eq!(found(&[]), ["\"client:anna\""]);
    assert_eq!(found(&["--config", "other.toml"]), ["\"client:kim\""]);
}
