//! What is made of a report: the graph as Graphviz draws it, who depends on a resource, and what changed
//! between two reports of one company.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
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
        "table:shop-db/shop/public.prices (step 1 behind it)",
        "looked at shop-db: 2026-10-25T23:00:01Z to 2026-10-26T22:55:18Z; 2026-10-21T21:58:52Z to 2026-10-27T22:55:18Z (sees all)",
    ] {
        assert!(matched.lines().any(|own| own == line), "{line:?} is missing in\n{matched}");
    }
    let output = run(&["on", "table:no_such", SHOP]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no resource of this scan"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("it can be made");
    for entry in std::fs::read_dir(from).expect("it can be read").filter_map(Result::ok) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("it can be copied");
        }
    }
}

/// The shop again: its batch host has another name, its log was rotated once more, and somebody new came.
fn recorded_again(folder: &Path) -> PathBuf {
    let world = folder.join("world");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(SHOP), &world);
    std::fs::rename(world.join("hosts/batch1"), world.join("hosts/batch9")).expect("it can be renamed");
    let settings = world.join("whodepends.toml");
    let text = std::fs::read_to_string(&settings).expect("it is there").replace("batch1", "batch9");
    std::fs::write(&settings, text).expect("it can be written");
    let log = world.join("logs/shop-db/postgresql.log");
    let text = std::fs::read_to_string(&log).expect("it is there");
    let (half, _) = text.match_indices("\n2026-").nth(1500).expect("the log is long");
    std::fs::write(world.join("logs/shop-db/postgresql.log.0"), &text[..=half]).expect("it can be written");
    let stranger = "2026-10-27 20:00:00.100 CET [99001] LOG:  connection received: host=10.20.3.99 port=5000\n\
        2026-10-27 20:00:00.110 CET [99001] newcomer@shop LOG:  connection authorized: user=newcomer database=shop application_name=notebook\n\
        2026-10-27 20:00:00.120 CET [99001] newcomer@shop LOG:  statement: SELECT id FROM public.orders\n\
        2026-10-27 20:00:00.130 CET [99001] newcomer@shop LOG:  disconnection: session time: 0:00:00.030 user=newcomer database=shop host=10.20.3.99 port=5000\n";
    std::fs::write(&log, format!("{}{stranger}", &text[half + 1..])).expect("it can be written");
    world
}

#[test]
fn a_company_recorded_again_shows_exactly_its_new_consumer() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str| folder.path().join(name).to_str().expect("its name is UTF-8").to_owned();
    let (old, new) = (file("old.json"), file("new.json"));
    let out = format!("json={old}");
    text(&["scan", SHOP, "--threads", "2", "--out", &out]);
    let world = recorded_again(folder.path());
    let world = world.to_str().expect("its name is UTF-8");
    let out = format!("json={new}");
    text(&["scan", world, "--threads", "1", "--out", &out]);
    let output = run(&["diff", &old, &new]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let told: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with("same"))
        .map(|line| line.split(" (").next().unwrap_or(""))
        .collect();
    let wanted = [
        "new   consumer  client:newcomer@10.20.3.99",
        "new   link      client:newcomer@10.20.3.99 read table:shop-db/shop/public.orders",
        "new   link      client:newcomer@10.20.3.99 connect database:shop-db/shop",
        "new   finding   client:newcomer@10.20.3.99 uses database:shop-db/shop, and nothing says who that is",
    ];
    assert_eq!(told, wanted, "{said}");
    assert!(said.contains("same  job:batch1/settle is now job:batch9/settle"), "{said}");
    assert_eq!(output.status.code(), Some(1));
    let same = run(&["diff", &new, &new]);
    assert_eq!(
        (same.status.code(), String::from_utf8_lossy(&same.stdout).as_ref()),
        (Some(0), "nothing is new and nothing is gone\n")
    );
    for (args, code) in [
        (vec!["--baseline", &old, "--fail-on", "new"], 1),
        (vec!["--baseline", &new, "--fail-on", "new"], 0),
        (vec!["--baseline", "none", "--fail-on", "new"], 1),
        (vec!["--fail-on", "new"], 2),
    ] {
        let mut all = vec!["scan", world];
        all.extend(args);
        assert_eq!(run(&all).status.code(), Some(code), "{all:?}");
    }
    let marked = text(&["scan", world, "--baseline", &old]);
    let new: Vec<&str> = marked.lines().filter(|line| line.starts_with("NEW ")).collect();
    assert_eq!(
        new,
        [
            "NEW MEDIUM [shadow-consumer] client:newcomer@10.20.3.99 uses database:shop-db/shop, and nothing says who that is"
        ]
    );
}
