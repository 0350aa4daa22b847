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

#[test]
fn the_printed_report_of_the_shop_is_the_expected_one_whole() {
    let printed = stdout(&["scan", WORLD]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop/expected/report.txt");
    if std::env::var_os("WHODEPENDS_BLESS").is_some() {
        std::fs::write(&path, &printed).expect("expected/ can be written");
    }
    let expected = std::fs::read_to_string(&path).expect("expected/report.txt is there");
    assert_eq!(printed, expected);
}

/// rule, consumer, resource, upstream, downstream.
type Told = (String, String, String, String, String);

#[test]
fn the_findings_of_the_shop_are_those_of_its_truth_file_and_no_more() {
    let report: serde_json::Value =
        serde_json::from_str(&stdout(&["scan", WORLD, "--format", "json"])).expect("the report is JSON");
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
    let found: BTreeSet<Told> = report["findings"]
        .as_array()
        .expect("findings are a list")
        .iter()
        .map(|f| {
            (
                text(f, "rule"),
                text(f, "consumer"),
                text(f, "resource"),
                text(f, "upstream"),
                text(f, "downstream"),
            )
        })
        .collect();
    let truth =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop/truth.toml"))
            .expect("truth.toml is there");
    let truth: toml::Table = truth.parse().expect("truth.toml is TOML");
    let word =
        |row: &toml::Value, key: &str| row.get(key).and_then(toml::Value::as_str).unwrap_or("").to_owned();
    let wanted: BTreeSet<Told> = truth["finding"]
        .as_array()
        .expect("findings are a list")
        .iter()
        .map(|f| {
            (
                word(f, "rule"),
                word(f, "consumer"),
                word(f, "resource"),
                word(f, "upstream"),
                word(f, "downstream"),
            )
        })
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn threads_block_sizes_and_the_order_of_arguments_change_no_byte() {
    let parts = ["hosts", "logs", "services", "docker-compose.yml", "whodepends.toml"]
        .map(|part| format!("{WORLD}/{part}"));
    let config = format!("{WORLD}/whodepends.toml");
    let scan = |order: &[usize], more: &[&str]| {
        let mut args = vec!["scan", "--format", "json", "--config", config.as_str()];
        args.extend(order.iter().map(|index| parts[*index].as_str()));
        args.extend(more);
        stdout(&args)
    };
    let plain = scan(&[0, 1, 2, 3, 4], &["--threads", "1"]);
    for (order, more) in [
        ([0, 1, 2, 3, 4], ["--threads", "4"]),
        ([4, 2, 0, 3, 1], ["--threads", "3"]),
        ([1, 0, 4, 3, 2], ["--block-bytes", "1000"]),
        ([3, 1, 4, 0, 2], ["--block-bytes", "7919"]),
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
        "crontab unrecognised",
        "cut.log.gz unrecognised",
        "empty.log unrecognised",
    ];
    assert_eq!(gaps.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
    let tables: BTreeSet<&str> =
        report["links"].as_array().expect("links").iter().filter_map(|l| l["resource"].as_str()).collect();
    assert!(tables.iter().any(|table| table.ends_with("public.u")), "{tables:?}");
}
