//! What PostgreSQL's own log says of itself: whom a prefix names that nobody stated, what statements that only pgaudit or
//! auto_explain tell change and use, which files are one log. Lines are written as a server of version 15 writes them.

use std::collections::BTreeMap;
use std::process::Command;

/// `user/program action /database/table outcome` with how often, of tables only; and the gaps.
type Told = (BTreeMap<String, u64>, Vec<String>);

fn report(files: &[(&str, &str)]) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, log) in files {
        std::fs::write(folder.path().join(name), log).expect("it can be written");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_whodepends"));
    command.args(["scan", "--format", "json", "--as-of", "2026-11-27"]).arg(folder.path());
    serde_json::from_slice(&command.output().expect("the program starts").stdout).expect("the report is JSON")
}

fn told(files: &[(&str, &str)]) -> Told {
    let report = report(files);
    let mut links = BTreeMap::new();
    for link in report["links"].as_array().expect("links are a list") {
        let word = |key: &str| link[key].as_str().unwrap_or_default();
        let Some(table) = word("resource").strip_prefix("table:") else { continue };
        let consumer = word("consumer").trim_start_matches("client:");
        // The server is named like the log, and a login's programs where it has several.
        let name = |text: &str| {
            let text = text.replace("@10.0.0.7", "");
            let (login, server) = text.split_once("postgres-stderr:").unwrap_or((&text, ""));
            let program = server.split_once('/').map_or("", |(_, program)| program);
            format!("{}{}{program}", login.trim_end_matches('@'), if program.is_empty() { "" } else { "/" })
        };
        let of = format!("{} {} {} {}", name(consumer), word("action"), name(table), word("outcome"));
        *links.entry(of).or_default() += link["count"].as_u64().unwrap_or(0);
    }
    let gaps = report["gaps"].as_array().expect("gaps are a list").iter();
    (links, gaps.map(|gap| format!("{} {}", gap["code"].as_str().unwrap_or(""), gap["count"])).collect())
}

fn links(log: &str) -> BTreeMap<String, u64> {
    told(&[("a.log", log)]).0
}

fn of(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(link, count)| ((*link).to_owned(), *count)).collect()
}

const TIME: &str = "2026-11-26 15:17:30.263 UTC";

/// The log of a session that was let in, and of one that began before it; `prefix` writes what stands behind the time:
/// of the process, the login, the database, the program and the host.
fn two_sessions(prefix: impl Fn(u32, &str, &str, &str, &str) -> String, connections: bool) -> String {
    let line = |pid, names: [&str; 3], what: &str| {
        format!("{TIME}{}{what}\n", prefix(pid, names[0], names[1], names[2], "10.0.0.7"))
    };
    let mut log = String::new();
    if connections {
        let unknown = "[unknown]";
        log += &line(17760, [unknown; 3], "LOG:  connection received: host=10.0.0.7 port=39304");
        let let_in = "LOG:  connection authorized: user=alice database=shop application_name=psql";
        log += &line(17760, ["alice", "shop", unknown], let_in);
    }
    let alice = ["alice", "shop", "psql"];
    log += &line(17760, alice, "LOG:  statement: SELECT * FROM missing");
    log += &line(17760, alice, "ERROR:  relation \"missing\" does not exist at character 15");
    log += &line(17760, alice, "STATEMENT:  SELECT * FROM missing");
    log + &line(17761, ["bob", "crm", "web"], "LOG:  statement: SELECT * FROM t")
}

type Prefix = fn(u32, &str, &str, &str, &str) -> String;

#[test]
fn a_prefix_is_learnt_from_whom_the_server_lets_in() {
    let once = of(&[("alice read /shop/public.missing failed", 1), ("bob read /crm/public.t ok", 1)]);
    let prefixes: [Prefix; 5] = [
        |p, u, d, a, h| format!(" [{p}] {u}@{d}/{a}/{h} "),
        |p, u, d, a, _| format!(" [{p}] {a}/{u}@{d} "),
        |p, u, d, a, h| format!("|{p}|{u}|{d}|{a}|{h}|"),
        |p, u, d, a, _| format!(" <{p}> <{u}@{d}> <{a}> "),
        |p, u, d, a, h| format!(" {d}.{u} ({a}) {h} P{p} "),
    ];
    for prefix in prefixes {
        let log = two_sessions(prefix, true);
        assert_eq!(told(&[("a.log", &log)]), (once.clone(), Vec::new()), "{log}");
    }
    // The host stands where others have the database.
    let log = two_sessions(|p, u, d, _, h| format!(" [{p}] {u}@{h}/{d} "), true);
    let found: Vec<String> = links(&log).into_keys().collect();
    assert_eq!(found, ["alice read /shop/public.missing failed", "bob read /crm/public.t ok"]);
}

#[test]
fn what_a_prefix_leaves_open_and_no_connection_tells_is_a_gap_and_no_database() {
    let prefixes: [Prefix; 4] = [
        |p, u, d, _, h| format!(" [{p}] {u}@{h}/{d} "),
        |p, u, d, _, h| format!(" [{p}] {u}@{d}@{h} "),
        |p, u, d, a, _| format!(" [{p}] {a}/{u}@{d} "),
        |p, u, d, a, h| format!(" [{p}] {u}@{d}-{a}-{h} "),
    ];
    for prefix in prefixes {
        let log = two_sessions(prefix, false);
        let (links, gaps) = told(&[("a.log", &log)]);
        assert!(links.keys().all(|link| link.contains(" read /public.")), "{links:?}");
        assert!(gaps.contains(&"unknown-session 4".to_owned()), "{gaps:?}");
    }
    // What can be read in one way is.
    let log = two_sessions(|p, u, d, _, _| format!(" [{p}] {u}@{d} "), false);
    let plain = of(&[("alice read /shop/public.missing failed", 1), ("bob read /crm/public.t ok", 1)]);
    assert_eq!(told(&[("a.log", &log)]), (plain, Vec::new()));
}

#[test]
fn what_one_file_of_a_log_tells_of_its_prefix_holds_for_the_others() {
    let prefix = |p, u: &str, d: &str, a: &str, h: &str| format!(" [{p}] {a}/{u}@{d}/{h} ");
    let first = two_sessions(prefix, true);
    let second = two_sessions(prefix, false).replace("2026-11-26", "2026-11-27");
    let (links, gaps) = told(&[("a.log.1", &first), ("a.log", &second)]);
    assert_eq!(links["bob read /crm/public.t ok"], 2, "{links:?}");
    assert_eq!(gaps, Vec::<String>::new());
}

/// A line of the session that everything below is of.
fn line(message: &str) -> String {
    format!("{TIME} [7] ann@shop {message}\n")
}

fn begun() -> String {
    line("LOG:  connection received: host=10.0.0.7 port=5")
        + &line("LOG:  connection authorized: user=ann database=shop application_name=web")
}

fn audits(records: &[&str]) -> String {
    let audit = |(index, record): (usize, &&str)| {
        let record = record.replacen('#', &(index + 1).to_string(), 1);
        line(&format!("LOG:  AUDIT: SESSION,{record},<not logged>"))
    };
    begun() + &records.iter().enumerate().map(audit).collect::<String>()
}

#[test]
fn statements_that_only_pgaudit_tells_change_the_session() {
    let read = |table: &str| format!("#,1,READ,SELECT,,,SELECT a FROM {table}");
    let log = audits(&[
        "#,1,MISC,BEGIN,,,BEGIN",
        "#,1,MISC,SET,,,SET search_path=app",
        &read("t"),
        "#,1,MISC,ROLLBACK,,,ROLLBACK",
        &read("u"),
        "#,1,MISC,SET,,,SET application_name='job'",
        &read("v"),
        "#,1,DDL,CREATE TABLE,,,CREATE TEMP TABLE v(a int)",
        &read("v"),
    ]);
    let want = [
        ("ann/web read /shop/app.t ok", 1),
        ("ann/web read /shop/public.u ok", 1),
        ("ann/job read /shop/public.v ok", 1),
    ];
    assert_eq!(links(&log), of(&want));
    // Neither what follows an error in a transaction nor what takes it back is audited.
    let fails = line("ERROR:  division by zero") + &line("STATEMENT:  SELECT 1/0");
    let set = audits(&[
        "1,1,MISC,BEGIN,,,BEGIN",
        "2,1,MISC,SET,,,SET search_path=app",
        &read("t").replacen('#', "3", 1),
    ]);
    let behind =
        line("ERROR:  current transaction is aborted, commands ignored until end of transaction block")
            + &line("STATEMENT:  SELECT b FROM w");
    let alone = line("LOG:  AUDIT: SESSION,4,1,READ,SELECT,,,SELECT a FROM u,<not logged>");
    let want = [
        ("ann read /shop/app.t ok", 1),
        ("ann read /shop/app.w failed", 1),
        ("ann read /shop/public.u ok", 1),
    ];
    assert_eq!(links(&(set + &fails + &behind + &alone)), of(&want));
    // What a function sets is told as a part of the statement that calls it.
    let log = audits(&["#,2,MISC,SET,,,SET search_path=app", &read("t")]);
    assert_eq!(links(&log), of(&[("ann read /shop/public.t ok", 1)]));
}

#[test]
fn an_execute_that_fails_is_not_the_one_before_it() {
    let ran = |number: u32| {
        format!(
            "LOG:  AUDIT: SESSION,{number},1,WRITE,INSERT,TABLE,public.t,PREPARE q AS INSERT INTO t VALUES ($1),<none>"
        )
    };
    let done = |number: u32| format!("LOG:  AUDIT: SESSION,{number},2,MISC,EXECUTE,,,EXECUTE q(1),<none>");
    let fails =
        |name: &str| line("ERROR:  it does not work") + &line(&format!("STATEMENT:  EXECUTE {name}(1)"));
    let once = begun() + &line(&ran(1)) + &line(&done(1));
    assert_eq!(links(&(once.clone() + &fails("nope"))), of(&[("ann write /shop/public.t ok", 1)]));
    // One that was not told as done is the one that fails.
    let twice = once + &line(&ran(2)) + &fails("q");
    let want = [("ann write /shop/public.t ok", 1), ("ann write /shop/public.t failed", 1)];
    assert_eq!(links(&twice), of(&want));
}

#[test]
fn a_text_of_several_statements_counts_once_however_it_is_told() {
    let text = "BEGIN; SELECT a FROM v; COMMIT";
    let log = audits(&[
        &format!("#,1,MISC,BEGIN,,,{text}"),
        &format!("#,1,READ,SELECT,MATERIALIZED VIEW,public.v,{text}"),
        &format!("#,1,MISC,COMMIT,,,{text}"),
    ]);
    assert_eq!(links(&log), of(&[("ann read /shop/public.v ok", 1)]));
    let log = audits(&[&format!("#,1,READ,SELECT,,,{text}"), &format!("#,1,READ,SELECT,,,{text}")]);
    assert_eq!(links(&log), of(&[("ann read /shop/public.v ok", 2)]));

    let block = line("LOG:  statement: DO $x$ BEGIN EXECUTE 'DELETE FROM app.t'; DELETE FROM app.t; END $x$");
    let inside = line("LOG:  AUDIT: SESSION,1,1,WRITE,DELETE,,,DELETE FROM app.t,<not logged>");
    assert_eq!(links(&(begun() + &block + &inside)), of(&[("ann write /shop/app.t ok", 1)]));
}

fn plan(text: &str, node: &str) -> String {
    line(&format!(
        "LOG:  duration: 0.038 ms  plan:\n\tQuery Text: {text}\n\t{node}  (cost=0.00..6.02 rows=402 width=4)"
    ))
}

#[test]
fn each_plan_of_a_text_is_of_one_of_its_statements() {
    let text = "SELECT 1 FROM t; INSERT INTO e(t) VALUES ('x;--'); DELETE FROM q WHERE id=-5";
    let once = plan(text, "Seq Scan on t") + &plan(text, "Insert on e") + &plan(text, "Delete on q");
    let want = |count| {
        of(&[
            ("ann read /shop/public.t ok", count),
            ("ann write /shop/public.e ok", count),
            ("ann write /shop/public.q ok", count),
        ])
    };
    assert_eq!(links(&(begun() + &once)), want(1));
    assert_eq!(links(&(begun() + &once + &once)), want(2));
    // Only the slow ones have a plan.
    assert_eq!(links(&(begun() + &plan(text, "Delete on q") + &plan(text, "Delete on q"))), want(2));
}

#[test]
fn a_plan_is_of_what_was_prepared_declared_or_made_for_the_session() {
    let write = of(&[("ann write /shop/public.e ok", 2)]);
    let prepared = plan("PREPARE q AS INSERT INTO e VALUES ($1)", "Insert on e");
    assert_eq!(links(&(begun() + &prepared + &prepared)), write);
    // Beside the EXECUTE's own line it is the same.
    let own = line("LOG:  duration: 0.1 ms  statement: EXECUTE q(1)\n")
        + &line("DETAIL:  prepare: PREPARE q AS INSERT INTO e VALUES ($1)");
    assert_eq!(links(&(begun() + &prepared + &own + &prepared + &own)), write);

    let declare = "DECLARE c CURSOR FOR SELECT a FROM v";
    let read = of(&[("ann read /shop/public.v ok", 1)]);
    let closed = line("LOG:  statement: CLOSE c") + &plan(declare, "Seq Scan on v");
    let own = line(&format!("LOG:  statement: {declare}")) + &line("LOG:  statement: FETCH 3 FROM c");
    assert_eq!(links(&(begun() + &own + &closed)), read);
    assert_eq!(links(&(begun() + &closed)), read);

    let insert = "INSERT INTO t VALUES (1)";
    let temporary = plan(insert, "Insert on pg_temp.t") + &plan(insert, "Insert on public.t");
    assert_eq!(links(&(begun() + &temporary)), of(&[("ann write /shop/public.t ok", 1)]));
    assert_eq!(links(&(begun() + &plan(insert, "Insert on pg_temp.t"))), of(&[]));
}

#[test]
fn files_named_by_their_hour_are_one_log_and_numbered_instances_are_not() {
    let at = |time: &str| line("LOG:  statement: SELECT a FROM t").replace("15:17", time);
    let counted = |first: (&str, &str), second: (&str, &str)| {
        let report = report(&[(first.0, &at(first.1)), (second.0, &at(second.1))]);
        report["vantages"].as_array().expect("vantages are a list").len()
    };
    for (first, second) in [
        (("postgresql-15.log", "15:02"), ("postgresql-16.log", "16:00")),
        (("postgresql-1500.log", "15:02"), ("postgresql-1610.log", "16:11")),
        (("postgresql-26_15.log", "15:02"), ("postgresql-26_16.log", "16:00")),
        (("postgresql-Thu-15.log", "15:02"), ("postgresql-Thu-16.log", "16:00")),
        (("postgresql-03-PM.log", "15:02"), ("postgresql-11-AM.log", "11:00")),
    ] {
        assert_eq!(counted(first, second), 1, "{first:?} {second:?}");
    }
    for (first, second) in [
        (("postgresql-15.log", "15:02"), ("postgresql-16.log", "15:03")),
        (("postgresql-1530.log", "15:02"), ("postgresql-1610.log", "16:11")),
        (("postgresql-25_15.log", "15:02"), ("postgresql-26_16.log", "16:00")),
    ] {
        assert_eq!(counted(first, second), 2, "{first:?} {second:?}");
    }
}

#[test]
fn lines_of_a_prefix_without_a_time_are_no_part_of_the_record_before() {
    let log = line("LOG:  statement: SELECT a FROM t")
        + "LOG:  statement: SELECT b FROM u\n\tWHERE c\n"
        + &line("LOG:  statement: SELECT d FROM w");
    let read = [("ann read /shop/public.t ok", 1), ("ann read /shop/public.w ok", 1)];
    assert_eq!(told(&[("a.log", &log)]), (of(&read), vec!["unmatched-prefix 2".to_owned()]));
    // A line that lost its tab still goes on with the one before.
    let log = line("LOG:  statement: SELECT a FROM t") + &line("LOG:  statement: SELECT a FROM t,") + "u\n";
    assert_eq!(told(&[("a.log", &log)]).1, Vec::<String>::new());
}
