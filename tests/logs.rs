//! What a query log says and what it does not: who is kept although no table is known, what a log can be
//! believed to hold, what a note, a torn record or a wrapper does to the statements around it.

use std::collections::BTreeSet;
use std::process::Command;

/// The report of one log.
fn report(name: &str, log: &str) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join(name), log).expect("it can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["scan", "--format", "json", "--as-of", "2026-11-25"])
        .arg(folder.path())
        .output()
        .expect("the program starts");
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

/// `login action resource outcome class count`, the server left out.
fn links(report: &serde_json::Value) -> BTreeSet<String> {
    let word = |link: &serde_json::Value, key: &str| link[key].as_str().unwrap_or("").to_owned();
    let links = report["links"].as_array().expect("links are a list").iter();
    links
        .map(|l| {
            let consumer = word(l, "consumer");
            let login = consumer.trim_start_matches("client:").split('@').next().unwrap_or("").to_owned();
            let resource = word(l, "resource");
            let table = resource.rsplit('/').next().unwrap_or("");
            format!(
                "{login} {} {table} {} {} {}",
                word(l, "action"),
                word(l, "outcome"),
                word(l, "class"),
                l["count"]
            )
        })
        .collect()
}

fn gaps(report: &serde_json::Value) -> Vec<String> {
    let gaps = report["gaps"].as_array().expect("gaps are a list").iter();
    gaps.map(|gap| format!("{} {}", gap["code"].as_str().unwrap_or(""), gap["count"])).collect()
}

fn set(links: &[&str]) -> BTreeSet<String> {
    links.iter().map(|link| (*link).to_owned()).collect()
}

const HEAD: &str = "2026-10-21 22:00:00.100 UTC";

fn line(pid: u32, login: &str, message: &str) -> String {
    format!("{HEAD} [{pid}] {login}@shop {message}\n")
}

fn login(pid: u32, login: &str) -> String {
    format!(
        "{HEAD} [{pid}] [unknown]@[unknown] LOG:  connection received: host=10.0.0.{pid} port=5\n{}",
        line(
            pid,
            login,
            &format!("LOG:  connection authorized: user={login} database=shop application_name={login}")
        )
    )
}

fn bye(pid: u32, who: &str) -> String {
    line(
        pid,
        who,
        &format!(
            "LOG:  disconnection: session time: 0:00:00.1 user={who} database=shop host=10.0.0.{pid} port=5"
        ),
    )
}

#[test]
fn one_role_that_logs_its_statements_does_not_make_the_log_hold_all() {
    let mut log = String::new();
    for pid in 1..=9 {
        log.push_str(&login(pid, &format!("quiet{pid}")));
        log.push_str(&bye(pid, &format!("quiet{pid}")));
    }
    log.push_str(&login(20, "loud"));
    log.push_str(&line(20, "loud", "LOG:  statement: SELECT a FROM orders"));
    log.push_str(&bye(20, "loud"));
    let report = report("a.log", &log);
    assert_eq!(report["vantages"][0]["sees"], "unknown");
    let app: BTreeSet<String> =
        links(&report).into_iter().filter(|link| link.contains(" connect ")).collect();
    assert!(app.iter().all(|link| link.contains(" app ")), "nobody is a probe: {app:?}");
    assert_eq!(app.len(), 10);
}

#[test]
fn a_log_of_definitions_holds_definitions() {
    let log = line(3, "dba", "LOG:  statement: CREATE INDEX ix ON orders(a)");
    assert_eq!(report("a.log", &log)["vantages"][0]["sees"], "ddl");
}

#[test]
fn a_whole_session_without_a_use_in_a_full_log_is_a_probe_and_an_open_one_is_not() {
    let mut log = String::new();
    for pid in 1..=9 {
        log.push_str(&login(pid, "app"));
        log.push_str(&line(pid, "app", "LOG:  statement: SELECT a FROM orders"));
        log.push_str(&bye(pid, "app"));
    }
    log.push_str(&(login(20, "check") + &bye(20, "check") + &login(21, "late")));
    let told = links(&report("a.log", &log));
    assert!(told.contains("check connect shop ok probe 1"), "{told:?}");
    assert!(told.contains("late connect shop ok app 1"), "{told:?}");
}

#[test]
fn the_statement_of_a_note_or_a_warning_has_not_failed() {
    let select = "SELECT a FROM sales ORDER BY a";
    let note = format!(
        "{}{}",
        line(14, "bi", "LOG:  temporary file: path \"base/pgsql_tmp/pgsql_tmp14.0\", size 12345"),
        line(14, "bi", &format!("STATEMENT:  {select}"))
    );
    let before = line(14, "bi", &format!("LOG:  statement: {select}"));
    let after = line(14, "bi", &format!("LOG:  duration: 900.1 ms  statement: {select}"));
    for log in [format!("{before}{note}"), format!("{note}{after}"), note.clone()] {
        assert_eq!(links(&report("a.log", &log)), set(&["bi read public.sales ok app 1"]), "{log}");
    }
    let failed = line(14, "bi", "ERROR:  canceling statement due to statement timeout")
        + &line(14, "bi", &format!("STATEMENT:  {select}"));
    assert_eq!(
        links(&report("a.log", &format!("{before}{failed}"))),
        set(&["bi read public.sales failed app 1"])
    );
}

fn csv(user: &str, session: &str, message: &str) -> String {
    format!(
        "2026-10-21 22:00:00.000 UTC,{user},shop,6,10.0.0.2:5,6530a1b2.{session},1,SELECT,2026-10-21 21:00:00 UTC,3/1,0,LOG,00000,\"statement: {message}\",,,,,,,,,psql,client backend,,0\n"
    )
}

#[test]
fn a_torn_csv_record_costs_itself_only() {
    let before = csv("before", "5", "SELECT \"\"a\"\" FROM t_before").repeat(3);
    let torn = "2026-10-21 22:30:00.000 UTC,brk,shop,7,10.0.0.3:5,6530a1b2.7,1,SELECT,2026-10-21 21:00:00 UTC,3/1,0,LOG,00000,\"statement: SELECT\n";
    let after = csv("after", "6", "SELECT * FROM t_after WHERE \"\"a\"\"=1").repeat(4);
    let report = report("a.csv", &format!("{before}{torn}{after}"));
    assert_eq!(
        links(&report),
        set(&["before read public.t_before ok app 3", "after read public.t_after ok app 4"])
    );
    assert_eq!(gaps(&report), ["unmatched-prefix 1"]);
}

#[test]
fn a_csv_copy_that_begins_inside_a_record_is_still_a_log() {
    let whole = csv("after", "6", "SELECT a\nFROM t WHERE b = 'x,\ny'");
    let inside = &whole[whole.len() - 60..];
    let told = links(&report("a.csv", &format!("{inside}{}", whole.repeat(3))));
    assert_eq!(told, set(&["after read public.t ok app 3"]));
}

#[test]
fn whoever_is_heard_is_kept_although_no_table_is_known() {
    for message in [
        "LOG:  statement: DO $$ BEGIN PERFORM f(); END $$",
        "LOG:  statement: GRANT USAGE ON SCHEMA s TO bob",
        "LOG:  statement: EXECUTE p(1)",
        "LOG:  statement: FETCH 100 FROM c",
        "LOG:  statement: SELECT nextval('s')",
        "LOG:  statement: SELECT dblink_exec('host=other', 'delete from r')",
        "LOG:  disconnection: session time: 8:00:00.1 user=who database=shop host=10.8.8.8 port=3",
        "LOG:  received replication command: START_REPLICATION SLOT \"debezium\" LOGICAL 0/0",
    ] {
        let report = report("a.log", &line(7, "who", message));
        let told = links(&report);
        let kept = told.iter().any(|link| {
            link.starts_with("who connect shop ok app ")
                || link.starts_with("who connect shop ok replication ")
        });
        assert!(kept, "{message} leaves {told:?}");
    }
    for (message, wanted) in [
        ("LOG:  statement: TABLE tt", "who read public.tt ok app 1"),
        ("LOG:  statement: GRANT SELECT ON t TO bob", "who touch public.t ok app 1"),
        ("LOG:  statement: DO $$ BEGIN DELETE FROM x; END $$", "who write public.x ok app 1"),
        ("LOG:  statement: LISTEN c", "who consume c ok app 1"),
        ("LOG:  statement: REFRESH MATERIALIZED VIEW mv", "who write public.mv ok app 1"),
        (
            "LOG:  statement: UPDATE ONLY uo SET (a, b) = (SELECT x, y FROM u2)",
            "who write public.uo ok app 1",
        ),
    ] {
        let told = links(&report("a.log", &line(7, "who", message)));
        assert!(told.contains(wanted), "{message} gives {told:?}");
        assert!(!told.iter().any(|link| link.contains("public.only")), "{told:?}");
    }
}

#[test]
fn a_log_that_something_wrapped_is_read_whole() {
    for (log, gap) in [
        (
            "Oct 21 22:00:00 db1 postgres[99]: [5-1] 2026-10-21 22:00:00.000 UTC [99] ann@shop LOG:  statement: SELECT a\nOct 21 22:00:00 db1 postgres[99]: [5-2] #011FROM orders\n",
            "",
        ),
        (
            "{\"log\":\"2026-10-21 22:00:00.000 UTC [99] ann@shop LOG:  statement: SELECT a FROM orders\\n\",\"stream\":\"stderr\"}\n",
            "",
        ),
        (
            "2026-10-21T22:00:00.1Z stdout F 2026-10-21 22:00:00.000 UTC [99] ann@shop LOG:  statement: SELECT a\n2026-10-21T22:00:00.1Z stdout F \tFROM orders\n",
            "",
        ),
        // A part of a message without its beginning.
        (
            "Oct 21 22:00:00 db1 postgres[98]: [5-2] #011FROM u\nOct 21 22:00:00 db1 postgres[99]: [5-1] 2026-10-21 22:00:00.000 UTC [99] ann@shop LOG:  statement: SELECT a FROM orders\n",
            "unmatched-prefix 1",
        ),
    ] {
        let report = report("a.log", log);
        assert_eq!(links(&report), set(&["ann read public.orders ok app 1"]), "{log}");
        assert_eq!(gaps(&report).join(","), gap, "{log}");
    }
}

#[test]
fn a_statement_that_names_its_program_is_that_programs_and_any_other_comment_names_nobody() {
    let log = login(5, "web")
        + &line(
            5,
            "web",
            "LOG:  duration: 0.1 ms  statement: SELECT a FROM t1 /*application='billing%20web',route='%2Fa'*/",
        )
        + &line(
            7,
            "other",
            "LOG:  duration: 0.1 ms  statement: SELECT a FROM t2 /* application of nobody */",
        )
        + &line(
            6,
            "web",
            "LOG:  duration: 0.1 ms  statement: SELECT a FROM t3 /*application:shop,controller:carts*/;",
        );
    let report = report("a.log", &log);
    let programs: BTreeSet<String> = report["links"]
        .as_array()
        .expect("links are a list")
        .iter()
        .filter(|link| link["action"] == "read")
        .map(|link| {
            let entities = report["entities"].as_array().expect("entities are a list");
            let consumer = entities.iter().find(|it| it["id"] == link["consumer"]).expect("it is listed");
            let mentions = consumer["mentions"].as_array().expect("mentions are a list").iter();
            let applications =
                mentions.filter(|it| it["kind"] == "application").map(|it| it["text"].to_string());
            let table = link["resource"].as_str().unwrap_or("").rsplit('.').next().unwrap_or("").to_owned();
            format!("{table} {}", applications.collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(programs, set(&["t1 \"billing web\" \"web\"", "t2 ", "t3 \"shop\""]));
}

#[test]
fn a_statement_that_names_its_program_says_nothing_of_those_before_and_behind_it() {
    let log = |application: &str| {
        let said = |message: &str| format!("{HEAD} [5] {application}LOG:  {message}\n");
        said("connection received: host=10.0.0.5 port=5")
            + &said("connection authorized: user=ann database=shop application_name=web")
            + &said("statement: SELECT a FROM t1")
            + &said("statement: UPDATE t2 SET a = 1 /*application='chk'*/")
            + &said("statement: SELECT a FROM t3")
    };
    // Where lines say the application, and where only the connection did.
    for log in [log("user=ann,db=shop,app=web "), log("")] {
        let report = report("a.log", &log);
        let links = report["links"].as_array().expect("links are a list").iter();
        let told = links.filter(|link| link["action"] != "connect").map(|link| {
            let (who, what) =
                (link["consumer"].as_str().unwrap_or(""), link["resource"].as_str().unwrap_or(""));
            let (who, what) = (who.rsplit('/').next().unwrap_or(""), what.rsplit('.').next().unwrap_or(""));
            format!("{who} {what}")
        });
        assert_eq!(told.collect::<BTreeSet<_>>(), set(&["chk t2", "web t1", "web t3"]), "{log}");
    }
}

#[test]
fn a_format_that_was_only_documented_raises_nothing_above_medium() {
    let query = |second: u8| {
        format!(
            r#"{{"timestamp":"2026-11-22 22:26:{second}","id":{second},"class":"general","event":"status","connection_id":42,"account":{{"user":"app","host":"web1"}},"login":{{"user":"app","ip":"10.0.3.7"}},"general_data":{{"command":"Query","query":"INSERT INTO shop.orders (a) VALUES (1)","status":0}}}}"#
        )
    };
    let documented = format!("[\n{},\n{}\n]\n", query(12), query(13));
    let statement = "LOG:  duration: 0.1 ms  statement: INSERT INTO public.orders (a) VALUES (1)";
    let recorded = line(42, "app", statement).repeat(2);
    let worst = |name: &str, log: &str| {
        let report = report(name, log);
        let finding = report["findings"][0].clone();
        (finding["severity"].to_string(), finding["facts"]["read from"].is_string())
    };
    assert_eq!(worst("audit.json", &documented), ("\"medium\"".to_owned(), true));
    assert_eq!(worst("postgresql.log", &recorded), ("\"high\"".to_owned(), false));
}

/// Which schema a session looks in first, its login or its database may say.
#[test]
fn a_bare_name_is_taken_for_the_only_one_known_and_that_is_said() {
    let read = |pid, who: &str, table: &str| {
        let text = format!("LOG:  duration: 0.1 ms  statement: SELECT id FROM {table}");
        login(pid, who) + &line(pid, who, &text) + &bye(pid, who)
    };
    let told = |log: &str| {
        let report = report("pg.log", log);
        let links = report["links"].as_array().expect("links are a list").iter();
        let tables = links.filter(|link| link["action"] == "read");
        let tables = tables.map(|link| {
            let name = link["resource"].as_str().unwrap_or("").rsplit('/').next().unwrap_or("").to_owned();
            let who = link["consumer"].as_str().unwrap_or("").split('@').next().unwrap_or("").to_owned();
            format!("{who} {name} {}", link["confidence"].as_str().unwrap_or(""))
        });
        (tables.collect::<BTreeSet<String>>(), gaps(&report))
    };
    let other = read(1, "alice", "app.items") + &read(2, "bob", "items");
    assert_eq!(
        told(&other),
        (
            set(&["client:alice app.items high", "client:bob app.items medium"]),
            vec!["unresolved 1".to_owned()]
        )
    );
    // Where it looks unless told otherwise, and where two have one of that name.
    let usual = read(1, "alice", "public.items") + &read(2, "bob", "items");
    assert_eq!(
        told(&usual),
        (set(&["client:alice public.items high", "client:bob public.items high"]), Vec::new())
    );
    let both = read(1, "alice", "app.items") + &read(3, "carol", "old.items") + &read(2, "bob", "items");
    let (tables, gaps) = told(&both);
    assert!(tables.contains("client:bob public.items high") && gaps.is_empty(), "{tables:?} {gaps:?}");
}
