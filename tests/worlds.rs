//! Recorded worlds through the binary: the whole report compared, findings against the truth file both ways,
//! and the same bytes whatever the threads, the order of arguments and the size of blocks.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .output()
        .expect("the program starts")
}

fn stdout(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("reports are UTF-8")
}

const WORLD: &str = "fixtures/shop/world";

/// The printed report of a story, compared whole with the one in its `expected/`.
fn expect_printed(story: &str) {
    let printed = stdout(&["scan", &format!("fixtures/{story}/world")]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/{story}/expected/report.txt"));
    if std::env::var_os("WHODEPENDS_BLESS").is_some() {
        std::fs::write(&path, &printed).expect("expected/ can be written");
    }
    let expected = std::fs::read_to_string(&path).expect("expected/report.txt is there");
    assert_eq!(printed, expected);
}

#[test]
fn the_printed_report_of_the_shop_is_the_expected_one_whole() {
    expect_printed("shop");
}

#[test]
fn the_printed_report_of_the_library_is_the_expected_one_whole() {
    expect_printed("library");
}

fn report_of(story: &str) -> serde_json::Value {
    let world = format!("fixtures/{story}/world");
    serde_json::from_str(&stdout(&["scan", &world, "--format", "json"])).expect("the report is JSON")
}

fn truth_of(story: &str) -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/{story}/truth.toml"));
    let text = std::fs::read_to_string(path).expect("truth.toml is there");
    text.parse().expect("truth.toml is TOML")
}

fn rows<'a>(table: &'a toml::Table, key: &str) -> &'a [toml::Value] {
    table[key].as_array().expect("it is a list")
}

fn word(row: &toml::Value, key: &str) -> String {
    row.get(key).and_then(toml::Value::as_str).unwrap_or("").to_owned()
}

fn words(row: &toml::Value, key: &str) -> Vec<String> {
    let list = row.get(key).and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

/// Findings as `rule | who | resource`; an order's who is `upstream -> downstream`.
fn findings(report: &serde_json::Value) -> BTreeSet<String> {
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
    let told = |f: &serde_json::Value| {
        let who = match f["upstream"].as_str() {
            Some(upstream) => format!("{upstream} -> {}", text(f, "downstream")),
            None => text(f, "consumer"),
        };
        format!("{} | {who} | {}", text(f, "rule"), text(f, "resource"))
    };
    let open = |f: &&serde_json::Value| f["accepted"].is_null();
    report["findings"].as_array().expect("findings are a list").iter().filter(open).map(told).collect()
}

/// Links of application traffic that worked, as `consumer action resource`, bare connections left out.
fn links(report: &serde_json::Value, kinds: &[&str]) -> BTreeSet<String> {
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
    let counts = |l: &&serde_json::Value| {
        let of_kind = kinds.iter().any(|kind| text(l, "resource").starts_with(&format!("{kind}:")));
        of_kind && l["outcome"] == "ok" && l["scope"] == "production" && l["action"] != "connect"
    };
    report["links"]
        .as_array()
        .expect("links are a list")
        .iter()
        .filter(counts)
        .filter(|l| l["class"] != "backup")
        .map(|l| format!("{} {} {}", text(l, "consumer"), text(l, "action"), text(l, "resource")))
        .collect()
}

#[test]
fn the_findings_of_the_shop_are_those_of_its_truth_file_and_no_more() {
    let truth = truth_of("shop");
    let told = |f: &toml::Value| {
        let (upstream, consumer) = (word(f, "upstream"), word(f, "consumer"));
        let order = format!("{upstream} -> {}", word(f, "downstream"));
        format!(
            "{} | {} | {}",
            word(f, "rule"),
            if upstream.is_empty() { consumer } else { order },
            word(f, "resource")
        )
    };
    let wanted: BTreeSet<String> = rows(&truth, "finding").iter().map(told).collect();
    assert_eq!(findings(&report_of("shop")), wanted);
}

#[test]
fn the_links_of_the_shop_are_those_of_its_truth_file_and_no_more() {
    let truth = truth_of("shop");
    let report = report_of("shop");
    let mut wanted = BTreeSet::new();
    let mut bases = BTreeSet::new();
    for consumer in rows(&truth, "consumer").iter().filter(|c| word(c, "class") != "backup") {
        for link in consumer["links"].as_array().expect("links are a list") {
            let id = format!("{} {} {}", word(consumer, "id"), word(link, "action"), word(link, "resource"));
            bases.insert(format!("{id} {:?}", words(link, "bases").iter().collect::<BTreeSet<_>>()));
            wanted.insert(id);
        }
    }
    assert_eq!(links(&report, &["table", "file", "endpoint", "external", "host"]), wanted);
    let found: BTreeSet<String> = report["links"]
        .as_array()
        .expect("links are a list")
        .iter()
        .map(|l| {
            let list = l["bases"].as_array().expect("bases are a list").iter();
            let list: BTreeSet<&str> = list.filter_map(serde_json::Value::as_str).collect();
            let text = |key: &str| l[key].as_str().unwrap_or("");
            format!("{} {} {} {list:?}", text("consumer"), text("action"), text("resource"))
        })
        .collect();
    assert_eq!(bases.difference(&found).collect::<Vec<_>>(), Vec::<&String>::new(), "bases differ");
}

#[test]
fn the_backup_of_the_shop_reads_the_tables_its_truth_file_lists() {
    let truth = truth_of("shop");
    let backup = rows(&truth, "consumer").iter().find(|c| word(c, "class") == "backup").expect("one");
    let wanted: BTreeSet<String> = backup["links"]
        .as_array()
        .expect("links are a list")
        .iter()
        .map(|link| word(link, "resource"))
        .collect();
    let report = report_of("shop");
    let read = |l: &&serde_json::Value| l["class"] == "backup" && l["action"] == "read";
    // pg_dump also reads the state of sequences.
    let found: BTreeSet<String> = report["links"]
        .as_array()
        .expect("links are a list")
        .iter()
        .filter(read)
        .filter_map(|l| l["resource"].as_str())
        .filter(|resource| !resource.ends_with("_seq"))
        .map(str::to_owned)
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn the_findings_of_the_library_are_those_of_its_truth_file_and_no_more() {
    let truth = truth_of("library");
    let (mut wanted, mut debatable) = (BTreeSet::new(), BTreeSet::new());
    for finding in rows(&truth, "finding") {
        let may = finding.get("debatable").and_then(toml::Value::as_bool) == Some(true);
        for subject in words(finding, "subject") {
            let told = format!("{} | {subject} | {}", word(finding, "rule"), word(finding, "resource"));
            if may {
                debatable.insert(told)
            } else {
                wanted.insert(told)
            };
        }
    }
    let mut found = findings(&report_of("library"));
    found.retain(|told| !debatable.contains(told));
    assert_eq!(found, wanted);
}

#[test]
fn the_tables_of_the_library_have_the_users_its_truth_file_lists_and_no_more() {
    let truth = truth_of("library");
    let report = report_of("library");
    let found = links(&report, &["table"]);
    let mut wanted = BTreeSet::new();
    for consumer in rows(&truth, "consumer").iter().filter(|c| word(c, "name") != "pgbackup") {
        // Several ids of one consumer share its uses between them.
        let ids = words(consumer, "ids");
        for (key, action) in [("reads", "read"), ("writes", "write")] {
            let tables = words(consumer, key);
            for table in tables.iter().filter(|t| t.starts_with("ils-db/") || t.starts_with("room-db/")) {
                let links: Vec<String> =
                    ids.iter().map(|id| format!("{id} {action} table:{table}")).collect();
                let seen: Vec<String> = links.iter().filter(|link| found.contains(*link)).cloned().collect();
                wanted.extend(if seen.is_empty() { links } else { seen });
            }
        }
    }
    // Upkeep (`analyze patron.fine`) touches and is not told in the truth file.
    let data: BTreeSet<String> = found.into_iter().filter(|link| !link.contains(" touch ")).collect();
    assert_eq!(data, wanted);
}

#[test]
fn threads_block_sizes_and_the_order_of_arguments_change_no_byte() {
    let parts = ["hosts", "logs", "services", "docker-compose.yml", "whodepends.toml", "captures"]
        .map(|part| format!("{WORLD}/{part}"));
    let config = format!("{WORLD}/whodepends.toml");
    let scan = |order: &[usize], more: &[&str]| {
        let mut args = vec!["scan", "--format", "json", "--config", config.as_str()];
        args.extend(order.iter().map(|index| parts[*index].as_str()));
        args.extend(more);
        stdout(&args)
    };
    let plain = scan(&[0, 1, 2, 3, 4, 5], &["--threads", "1"]);
    for (order, more) in [
        ([0, 1, 2, 3, 4, 5], ["--threads", "4"]),
        ([4, 2, 5, 0, 3, 1], ["--threads", "3"]),
        ([5, 1, 0, 4, 3, 2], ["--block-bytes", "1000"]),
        ([3, 1, 4, 0, 5, 2], ["--block-bytes", "7919"]),
    ] {
        assert!(scan(&order, &more) == plain, "{order:?} with {more:?} gives another report");
    }
}

#[test]
fn exit_codes_say_what_happened() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().to_str().expect("its name is UTF-8");
    let code = |args: &[&str]| run(args).status.code();
    assert_eq!(code(&["scan", WORLD]), Some(0));
    assert_eq!(code(&["scan", WORLD, "--fail-on", "shadow"]), Some(1));
    assert_eq!(code(&["scan", "no/such/path"]), Some(2));
    assert_eq!(code(&["scan", WORLD, "--as-of", "yesterday"]), Some(2));
    assert_eq!(code(&["scan", WORLD, "no/such/path", "--fail-on", "any"]), Some(2));
    assert_eq!(code(&["scan", path]), Some(3));
    assert_eq!(code(&["explain", "no-such-rule"]), Some(2));
}

#[test]
fn hostile_files_become_named_gaps() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).expect("it can be written")
    };
    let record = "2026-10-26 10:00:00.000 UTC [7] app@shop LOG:  statement: ";
    write("empty.log", b"");
    write("binary.log", &[0u8, 159, 146, 150, 0, 1, 2, 3]);
    write("cut.log.gz", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
    let ors = vec!["a = 1"; 50_000].join(" OR ");
    write("ors.log", format!("{record}SELECT a FROM t WHERE {ors}\n{record}SELECT a FROM u\n").as_bytes());
    write(
        "long.log",
        format!("{record}SELECT a FROM t WHERE b = '{}'\n{record}SELECT 2\n", "x".repeat(10_000_000))
            .as_bytes(),
    );
    write("crontab", b"61 * * * * nonsense\n5 4 * * * /opt/ok.sh\n* * *\n");
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).expect("a link can be made");
    let path = folder.path().to_str().expect("its name is UTF-8");
    let report: serde_json::Value =
        serde_json::from_str(&stdout(&["scan", path, "--format", "json", "--as-of", "2026-11-24"]))
            .expect("JSON");
    let gaps: BTreeSet<String> = report["gaps"]
        .as_array()
        .expect("gaps are a list")
        .iter()
        .map(|gap| format!("{} {}", gap["place"].as_str().unwrap_or(""), gap["code"].as_str().unwrap_or("")))
        .filter(|gap| !gap.contains("unknown-zone"))
        .collect();
    let wanted = [
        "binary.log unrecognised",
        "crontab:1 bad-schedule",
        "crontab:2 missing-script",
        "crontab:3 bad-schedule",
        "cut.log.gz unrecognised",
        "empty.log unrecognised",
    ];
    assert_eq!(gaps.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
    let tables: BTreeSet<&str> =
        report["links"].as_array().expect("links").iter().filter_map(|l| l["resource"].as_str()).collect();
    assert!(tables.iter().any(|table| table.ends_with("public.u")), "{tables:?}");
}
