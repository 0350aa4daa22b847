//! What is made of a report: the graph as Graphviz draws it, and who depends on a resource.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Output, Stdio};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .output()
        .expect("the program starts")
}

fn text(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is UTF-8")
}

/// The graph as Graphviz lays it out; it must take it without a word.
fn drawn(dot: &str) -> String {
    let mut child = Command::new("dot")
        .args(["-Tplain"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Graphviz is installed: `make test` does that");
    child.stdin.take().expect("it has one").write_all(dot.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "Graphviz warns");
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const SHOP: &str = "fixtures/shop/world";

#[test]
fn the_graph_of_the_shop_is_drawn_without_a_warning_and_has_every_table_that_is_used() {
    let plain = drawn(&text(&["scan", SHOP, "--format", "dot"]));
    let nodes: BTreeSet<&str> = plain
        .lines()
        .filter_map(|line| line.strip_prefix("node \"table:"))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let report: serde_json::Value =
        serde_json::from_str(&text(&["scan", SHOP, "--format", "json"])).expect("it is JSON");
    let used: BTreeSet<&str> = report["links"]
        .as_array()
        .expect("links are a list")
        .iter()
        .filter(|l| l["class"] == "app" && l["outcome"] == "ok" && l["scope"] == "production")
        .filter_map(|l| l["resource"].as_str()?.strip_prefix("table:"))
        .collect();
    assert_eq!(nodes, used);
}

#[test]
fn names_from_outside_cannot_break_out_of_the_graph() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let names =
        [r#"a"];evil[label=""#, r"back\slash", "<b>html</b>", "ampersand &quot;", "new\\nline", "tab\there"];
    let log: String = names
        .iter()
        .map(|name| {
            let name = name.replace('"', "\"\"");
            format!(
                "2026-10-26 10:00:00.000 UTC,\"{name}\",\"shop\",7,\"10.0.0.1:1\",6abc0001.7,1,\"SELECT\",2026-10-26 10:00:00 UTC,1/1,0,LOG,00000,\"duration: 0.1 ms  statement: SELECT a FROM s.\"\"{name}\"\"\",,,,,,,,,\"psql\",\"client backend\",,0\n"
            )
        })
        .collect();
    std::fs::write(folder.path().join("postgresql.csv"), log).expect("it can be written");
    let path = folder.path().to_str().expect("its name is UTF-8");
    let plain = drawn(&text(&["scan", path, "--format", "dot", "--as-of", "2026-11-25"]));
    let ids: Vec<&str> = plain.lines().filter(|line| line.starts_with("node evil")).collect();
    assert_eq!(ids, Vec::<&str>::new(), "a name became a statement");
    let clients = plain.lines().filter(|line| line.starts_with("node \"client:")).count();
    assert_eq!(clients, names.len(), "each login is a node of its own:\n{plain}");
}

#[test]
fn who_depends_on_a_table_is_told_with_what_hangs_behind_them() {
    let answer: serde_json::Value =
        serde_json::from_str(&text(&["on", "public.daily_settlement", SHOP, "--format", "json"]))
            .expect("JSON");
    let told: Vec<String> = answer["dependents"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| {
            let word = |key: &str| row[key].as_str().unwrap_or("").to_owned();
            let actions: Vec<&str> =
                row["actions"].as_array().expect("a list").iter().filter_map(|a| a.as_str()).collect();
            format!("{} {} {} {}", row["step"], word("consumer"), actions.join("+"), word("class"))
        })
        .collect();
    let wanted = [
        "1 client:backup@10.20.5.6 read+touch backup",
        "1 job:batch1/ledger_load read app",
        "1 job:batch1/settle write app",
    ];
    assert_eq!(told, wanted);
    assert_eq!(answer["coverage"][0]["resource"], "shop-db");
}

#[test]
fn patterns_cross_every_sign_and_nobody_is_said_with_who_looked() {
    let matched = text(&["on", "table:*.stage_*", SHOP, "--depth", "3"]);
    for line in [
        "table:shop-db/shop/public.stage_prices",
        "table:shop-db/shop/public.prices  <- filled by job:batch1/stage_publish",
        "Who looked at shop-db:",
        "  2026-10-21T21:58:52Z to 2026-10-27T22:55:18Z  sees all  postgres-stderr:logs/shop-db/postgresql.log",
    ] {
        assert!(matched.lines().any(|own| own == line), "{line:?} is missing in\n{matched}");
    }
    let output = run(&["on", "table:no_such", SHOP]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no resource of this scan"));
}
