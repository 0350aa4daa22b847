//! What a session changes for the statements after it, and what takes that back: the schemas that names are looked for
//! in, temporary tables, transactions, the database it is in, statements that fail. What is expected was seen on a
//! PostgreSQL 15 and a MariaDB 10.11, whose own audits name the tables.

use std::process::Command;

/// `action database/table outcome count` of every table and connection of a log, one a line, and the roles it was done
/// with.
fn links(name: &str, log: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join(name), log).expect("it can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["scan", "--format", "json", "--as-of", "2026-11-25"])
        .arg(folder.path())
        .output()
        .expect("the program starts");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    let mut told: Vec<String> = report["links"]
        .as_array()
        .expect("links are a list")
        .iter()
        .filter_map(|link| {
            let word = |key: &str| link[key].as_str().unwrap_or_default();
            let (_, table) = word("resource").strip_prefix("table:")?.split_once('/')?;
            let traits = link["traits"].as_array().into_iter().flatten().filter_map(|it| it.as_str());
            let roles: String =
                traits.filter(|it| it.starts_with("as-role")).map(|it| format!(" {it}")).collect();
            Some(format!("{} {table} {} {}{roles}", word("action"), word("outcome"), link["count"]))
        })
        .collect();
    told.sort();
    told
}

/// The same of a session of PostgreSQL: statements, each on a line of its own, and other lines with their severity.
fn postgres(lines: &[&str]) -> Vec<String> {
    let severities = ["LOG:", "ERROR:", "DETAIL:", "STATEMENT:", "WARNING:"];
    let line = |line: &&str| {
        let bare = severities.iter().any(|severity| line.starts_with(severity));
        let line = if bare { (*line).to_owned() } else { format!("LOG:  statement: {line}") };
        format!("2026-10-21 22:00:00.100 UTC [7] ann@shop {}\n", line.replace('\n', "\n\t"))
    };
    links("a.log", &lines.iter().map(line).collect::<String>())
}

/// The same of a thread of MariaDB, by its general log: `command argument`.
fn mariadb(lines: &[&str]) -> Vec<String> {
    let line = |line: &&str| {
        let (command, argument) = line.split_once('|').unwrap_or(("Query", line));
        format!("261021 22:00:00\t     3 {command}\t{argument}\n")
    };
    links("general.log", &lines.iter().map(line).collect::<String>())
}

#[test]
fn a_use_moves_what_comes_after_it_and_nothing_before() {
    for (lines, want) in [
        (
            &[
                "Connect|a@h on crm using TCP/IP",
                "Change user|b@h on shop using TCP/IP",
                "SELECT 1 FROM t",
                "USE crm",
            ][..],
            &["read shop/shop.t ok 1"][..],
        ),
        (&["Connect|a@h on shop using TCP/IP", "SELECT 1 FROM t", "Init DB|crm"], &["read shop/shop.t ok 1"]),
        (&["Connect|a@h on shop using TCP/IP", "USE crm", "SELECT 1 FROM t"], &["read crm/crm.t ok 1"]),
    ] {
        assert_eq!(mariadb(lines), want, "{lines:?}");
    }
}

#[test]
fn an_execute_that_fails_is_a_failure_of_what_it_runs() {
    let run = ["EXECUTE q", "DETAIL:  prepare: PREPARE q AS DELETE FROM orders"];
    let fails = ["ERROR:  division by zero", "STATEMENT:  EXECUTE q"];
    assert_eq!(postgres(&run), ["write shop/public.orders ok 1"]);
    assert_eq!(postgres(&[run, fails].concat()), ["write shop/public.orders failed 1"]);
    // Once it has worked, another one fails of which no text is known.
    assert_eq!(postgres(&[&run[..], &["SELECT 1"], &fails[..]].concat()), ["write shop/public.orders ok 1"]);
    // What was audited as it ran has failed with it.
    let audit =
        "LOG:  AUDIT: SESSION,46,1,WRITE,DELETE,TABLE,public.orders,PREPARE q AS DELETE FROM orders,<none>";
    assert_eq!(postgres(&[&run[..], &[audit], &fails[..]].concat()), ["write shop/public.orders failed 1"]);
    assert_eq!(postgres(&[&[audit], &fails[..]].concat()), ["write shop/public.orders failed 1"]);
}

#[test]
fn a_role_that_was_taken_on_is_told_until_it_is_given_back() {
    const AS_IT_IS: &str = "read shop/public.orders ok 1";
    const AS_PAUL: &str = "read shop/public.orders ok 1 as-role = paul";
    reads(&[
        (&[READ], AS_IT_IS),
        (&["SET ROLE paul", READ], AS_PAUL),
        (&["SET ROLE paul", "RESET ROLE", READ], AS_IT_IS),
        (&["SET SESSION AUTHORIZATION paul", READ], AS_PAUL),
        (&["SET SESSION AUTHORIZATION paul", "DISCARD ALL", READ], AS_IT_IS),
        (&["BEGIN", "SET ROLE paul", "ROLLBACK", READ], AS_IT_IS),
        (&["BEGIN", "SET ROLE paul", "COMMIT", READ], AS_PAUL),
        (&["BEGIN", "SET LOCAL ROLE paul", READ, "COMMIT"], AS_PAUL),
        (&["BEGIN", "SET LOCAL ROLE paul", "COMMIT", READ], AS_IT_IS),
        // No transaction is open: it lasts for nothing.
        (&["SET LOCAL ROLE paul", READ], AS_IT_IS),
        (&["SET ROLE paul", "SET search_path = other", "RESET ALL", READ], AS_PAUL),
        (
            &["SET ROLE paul", "ERROR:  role \"paul\" does not exist", "STATEMENT:  SET ROLE paul", READ],
            AS_IT_IS,
        ),
    ]);
}

const PUBLIC: &str = "read shop/public.orders ok 1";
const SALES: &str = "read shop/sales.orders ok 1";
const NOTHING: &str = "";

/// What each session says of the tables it reads, and what the server says it read.
fn reads(cases: &[(&[&str], &str)]) {
    for (lines, want) in cases {
        let want: Vec<&str> = want.split_terminator(" | ").collect();
        assert_eq!(postgres(lines), want, "{lines:?}");
    }
}

const READ: &str = "SELECT id FROM orders";
const SET: &str = "SET search_path = sales";

#[test]
fn what_a_transaction_takes_back_is_no_search_path() {
    let zero = ["ERROR:  division by zero", "STATEMENT:  SELECT 1/0"];
    reads(&[
        (&[SET, READ], SALES),
        (&["BEGIN", SET, "ROLLBACK", READ], PUBLIC),
        (&["BEGIN", SET, "COMMIT", READ], SALES),
        (&["START TRANSACTION", SET, "ABORT", READ], PUBLIC),
        // No transaction is open: there is nothing to take back.
        (&[SET, "ROLLBACK", READ], SALES),
        (&["BEGIN", "SAVEPOINT a", SET, "ROLLBACK TO SAVEPOINT a", READ, "COMMIT"], PUBLIC),
        (&["BEGIN", SET, "SAVEPOINT a", "SET search_path = b", "ROLLBACK TO a", READ], SALES),
        (&["BEGIN", "SAVEPOINT a", SET, "RELEASE a", READ], SALES),
        (&["BEGIN", SET, "SELECT 1/0", zero[0], zero[1], "COMMIT", READ], PUBLIC),
        (&["BEGIN", SET, zero[0], zero[1], "END", READ], PUBLIC),
        (
            &["BEGIN", SET, "SAVEPOINT a", "SELECT 1/0", zero[0], zero[1], "ROLLBACK TO a", "COMMIT", READ],
            SALES,
        ),
        (&[SET, "SELECT 1/0", zero[0], zero[1], READ], SALES),
        (&["BEGIN", "SET LOCAL search_path = sales", READ], SALES),
        (&["BEGIN", "SET LOCAL search_path = sales", "COMMIT", READ], PUBLIC),
        (&["BEGIN", "COMMIT AND CHAIN", SET, "ROLLBACK", READ], PUBLIC),
        // The server does not look there; but the log may begin inside of a transaction.
        (&["SET LOCAL search_path = sales", READ], "read shop/{sales,public}.orders ok 1"),
        (&["COMMIT", "SET LOCAL search_path = sales", READ], PUBLIC),
        (&["LOG:  connection received: host=10.0.0.1 port=5", "SET LOCAL search_path = sales", READ], PUBLIC),
    ]);
}

#[test]
fn a_search_path_is_set_in_more_than_one_way() {
    let local = "SELECT set_config('search_path', 'sales', true)";
    reads(&[
        (&["SET SCHEMA 'sales'", READ], SALES),
        (&["SET SESSION SCHEMA 'sales'", "SET LOCAL TIME ZONE 'UTC'", READ], SALES),
        (&["SELECT pg_catalog.set_config('search_path', 'SALES', false)", READ], SALES),
        (&["BEGIN", local, READ], SALES),
        (&["BEGIN", local, "COMMIT", READ], PUBLIC),
        (&["SELECT set_config('work_mem', 'sales', false)", READ], PUBLIC),
        (&[SET, "RESET search_path", READ], PUBLIC),
        (&[SET, "SET search_path TO DEFAULT", READ], PUBLIC),
        (&[SET, "DISCARD ALL", READ], PUBLIC),
        (&[SET, "RESET ALL", READ], PUBLIC),
        (&[SET, "DISCARD PLANS", READ], SALES),
        // One literal is one schema.
        (&["SET search_path = 'sales, b'", READ], "read shop/sales, b.orders ok 1"),
        (&["SET search_path = sales, b", READ], "read shop/{sales,b}.orders ok 1"),
    ]);
}

#[test]
fn a_text_of_several_statements_looks_where_it_says_itself() {
    reads(&[
        (&["SET search_path = sales; SELECT id FROM orders"], SALES),
        (&["SELECT id FROM orders; SET search_path = sales"], PUBLIC),
        (&["SET search_path = sales; SELECT 1", READ], SALES),
        (&["BEGIN; SET LOCAL search_path = sales; SELECT id FROM orders; COMMIT"], SALES),
        (&["BEGIN; SET LOCAL search_path = sales; COMMIT; SELECT id FROM orders"], PUBLIC),
        (
            &["SET LOCAL search_path = sales; SELECT id FROM orders", "SELECT 1 FROM b"],
            "read shop/public.b ok 1 | read shop/sales.orders ok 1",
        ),
        (&["SET search_path = sales; BEGIN; SELECT 1", "ROLLBACK", READ], PUBLIC),
        (
            &[
                "BEGIN; SET LOCAL search_path = 'sales'; SELECT id FROM orders; COMMIT",
                "BEGIN; SET LOCAL search_path = 'b'; SELECT id FROM orders; COMMIT",
            ],
            "read shop/b.orders ok 1 | read shop/sales.orders ok 1",
        ),
        (&["SET search_path = sales; SELECT id FROM public.orders"], PUBLIC),
        (&["SET search_path = sales", "RESET search_path; SELECT id FROM orders"], PUBLIC),
        (&["SET search_path = sales", "SELECT 1; SELECT id FROM orders"], SALES),
        (
            &[
                "SET search_path = sales",
                "BEGIN; SET LOCAL search_path TO DEFAULT; SELECT id FROM orders; COMMIT",
                "SELECT 1 FROM b",
            ],
            "read shop/public.orders ok 1 | read shop/sales.b ok 1",
        ),
        // A temporary table stands before all of them.
        (&["CREATE TEMP TABLE orders (id int)", "SET search_path = sales; SELECT id FROM orders"], NOTHING),
        (
            &[
                "SET search_path = sales; SELECT id FROM orders",
                "LOG:  AUDIT: SESSION,2,1,READ,SELECT,TABLE,sales.orders,SET search_path = sales; SELECT id FROM orders,<none>",
            ],
            SALES,
        ),
    ]);
}

#[test]
fn a_temporary_table_hides_another_one_only_as_long_as_it_is_there() {
    let make = "CREATE TEMP TABLE orders (id int)";
    reads(&[
        (&[make, READ], NOTHING),
        (&[make, "SELECT id FROM public.orders"], PUBLIC),
        (&[make, "DROP TABLE orders", READ], PUBLIC),
        (&[make, "DROP TABLE public.orders", READ], "touch shop/public.orders ok 1"),
        (&["BEGIN", make, "ROLLBACK", READ], PUBLIC),
        (&["BEGIN", make, "COMMIT", READ], NOTHING),
        (&["BEGIN", "CREATE TEMP TABLE orders (id int) ON COMMIT DROP", READ, "COMMIT"], NOTHING),
        (&["BEGIN", "CREATE TEMP TABLE orders (id int) ON COMMIT DROP", "COMMIT", READ], PUBLIC),
        (&["BEGIN", "CREATE TEMP TABLE orders (id int) ON COMMIT DELETE ROWS", "COMMIT", READ], NOTHING),
        (&["CREATE TEMP TABLE orders ON COMMIT DROP AS SELECT 1 AS id", READ], PUBLIC),
        (&[make, "DISCARD TEMP", READ], PUBLIC),
        (&[make, "DISCARD ALL", READ], PUBLIC),
        (&[make, "DISCARD PLANS", READ], NOTHING),
        (&[make, "BEGIN", "DROP TABLE orders", "ROLLBACK", READ], NOTHING),
        (&[make, "BEGIN", "DROP TABLE orders", READ, "ROLLBACK"], PUBLIC),
        (&[make, "ALTER TABLE orders RENAME TO mine", READ, "SELECT id FROM mine"], PUBLIC),
        // What a query makes it does not read.
        (&["CREATE TEMP TABLE orders AS SELECT id FROM orders", READ], PUBLIC),
        (&["CREATE TEMP TABLE orders (id int); DROP TABLE orders; SELECT id FROM orders"], PUBLIC),
        (&["CREATE TEMP TABLE orders (id int); SELECT id FROM orders"], NOTHING),
    ]);
}

#[test]
fn whatever_is_in_the_schema_of_a_session_is_nobody_elses() {
    reads(&[
        (
            &["CREATE TABLE pg_temp.big (id int)", "SELECT id FROM big", "SELECT id FROM pg_temp.big", READ],
            PUBLIC,
        ),
        (&["SELECT 1 AS id INTO pg_temp.big", "SELECT id FROM big"], NOTHING),
        (
            &["CREATE TABLE pg_temp.big (id int)", "DROP TABLE pg_temp.big", "SELECT id FROM big"],
            "read shop/public.big ok 1",
        ),
        (
            &["CREATE TABLE my_temp.big (id int)", "SELECT id FROM pg_temper.big"],
            "read shop/pg_temper.big ok 1 | touch shop/my_temp.big ok 1",
        ),
    ]);
    let audit = |table: &str| {
        format!("LOG:  AUDIT: SESSION,2,1,READ,SELECT,TABLE,{table},SELECT count(*) FROM orders,<none>")
    };
    for (table, want) in [("pg_temp_3.orders", &[][..]), ("public.orders", &[PUBLIC])] {
        assert_eq!(postgres(&[&audit(table)]), want);
        assert_eq!(postgres(&["SELECT count(*) FROM orders", &audit(table)]), want);
    }
    let both = ["pg_temp_3.orders", "sales.items"].map(audit);
    assert_eq!(postgres(&[&both[0], &both[1]]), ["read shop/sales.items ok 1"]);
}

#[test]
fn temporary_tables_of_mariadb_are_those_of_a_database() {
    let connect = "Connect|a@h on shop using TCP/IP";
    let make = "CREATE TEMPORARY TABLE items (id int)";
    let read = "SELECT id FROM items";
    for (lines, want) in [
        (&[connect, make, read][..], &[][..]),
        (&[connect, make, "DROP TEMPORARY TABLE items", read], &["read shop/shop.items ok 1"]),
        (&[connect, make, "DROP TABLE items", read], &["read shop/shop.items ok 1"]),
        (&[connect, make, "BEGIN", "ROLLBACK", read], &[]),
        (&[connect, make, "SELECT id FROM shop.items"], &[]),
        (&[connect, make, "SELECT id FROM crm.items"], &["read crm/crm.items ok 1"]),
        (&[connect, make, "USE crm", read], &["read crm/crm.items ok 1"]),
        (&[connect, "CREATE TEMPORARY TABLE shop.items (id int)", read], &[]),
        // Only a temporary one can be meant.
        (&[connect, "DROP TEMPORARY TABLE items", read], &["read shop/shop.items ok 1"]),
        (&[connect, "DROP TABLE items"], &["touch shop/shop.items ok 1"]),
    ] {
        assert_eq!(mariadb(lines), want, "{lines:?}");
    }
    let slow = |text: &str| {
        format!(
            "# Time: 261021 22:00:00\n# User@Host: a[a] @ h []\n# Thread_id: 3  Schema: shop  QC_hit: No\n# Query_time: 0.000100  Lock_time: 0.000000  Rows_sent: 0  Rows_examined: 0\nSET timestamp=1792620000;\n{text};\n"
        )
    };
    let log = |texts: &[&str]| texts.iter().map(|text| slow(text)).collect::<String>();
    assert_eq!(links("slow.log", &log(&[make, read])), [""; 0]);
    assert_eq!(
        links("slow.log", &log(&[make, "DROP TEMPORARY TABLE items", read])),
        ["read shop/shop.items ok 1"]
    );
}

#[test]
fn the_statements_of_a_block_count_once_where_the_server_tells_them_by_themselves() {
    let block = "DO $$ BEGIN UPDATE sales.items SET id = id + 1; END $$";
    let audit = format!("LOG:  AUDIT: SESSION,41,1,FUNCTION,DO,,,{block},<not logged>");
    let part = "LOG:  AUDIT: SESSION,41,2,WRITE,UPDATE,TABLE,sales.items,UPDATE sales.items SET id = id + 1,<not logged>";
    let plan = "LOG:  duration: 0.1 ms  plan:\nQuery Text: UPDATE sales.items SET id = id + 1\nUpdate on sales.items  (cost=0.00..1.00 rows=1 width=4)\n  ->  Seq Scan on sales.items  (cost=0.00..1.00 rows=1 width=4)";
    let timed = format!("LOG:  duration: 1.1 ms  statement: {block}");
    let once = ["write shop/sales.items ok 1"];
    for lines in [
        &[block][..],
        &[&audit],
        &[block, &audit],
        &[&audit, part],
        &[block, &audit, part],
        &[block, &audit, part, "LOG:  duration: 1.1 ms"],
        &[&audit, part, &timed],
        &[block, plan],
    ] {
        assert_eq!(postgres(lines), once, "{lines:?}");
    }
    // What it reads nobody tells but its text.
    let reads = "DO $$ BEGIN UPDATE sales.items SET id = (SELECT max(id) FROM orders); END $$";
    assert_eq!(postgres(&[reads, part]), [PUBLIC, once[0]]);
}

#[test]
fn a_plan_touches_tables_whatever_rights_the_server_asks_for() {
    let audit = |text: &str| {
        format!("LOG:  AUDIT: SESSION,43,1,WRITE,DELETE,TABLE,public.orders,{text},<not logged>")
    };
    let (plan, run) = ("EXPLAIN DELETE FROM public.orders", "EXPLAIN ANALYZE DELETE FROM public.orders");
    for (text, want) in [(plan, "touch shop/public.orders ok 1"), (run, "write shop/public.orders ok 1")] {
        assert_eq!(postgres(&[text]), [want]);
        assert_eq!(postgres(&[&audit(text)]), [want]);
        assert_eq!(postgres(&[text, &audit(text)]), [want]);
    }
    let both = ["EXPLAIN (ANALYZE 0) DELETE FROM orders", "EXPLAIN (ANALYZE 1) DELETE FROM orders"];
    assert_eq!(postgres(&both), ["touch shop/public.orders ok 1", "write shop/public.orders ok 1"]);
}

#[test]
fn whoever_defines_something_has_not_run_it() {
    let connect = "Connect|a@h on shop using TCP/IP";
    let procedure = "CREATE PROCEDURE p() BEGIN DELETE FROM accounts; END";
    assert_eq!(mariadb(&[connect, procedure]), [""; 0]);
    assert_eq!(mariadb(&[connect, "DELETE FROM accounts"]), ["write shop/shop.accounts ok 1"]);
    let trigger = "CREATE TRIGGER x AFTER INSERT ON items FOR EACH ROW DELETE FROM accounts";
    assert_eq!(mariadb(&[connect, trigger]), ["touch shop/shop.items ok 1"]);
    // MariaDB opens the table that a trigger is for.
    let audit = |event: &str, object: &str| format!("20261121 22:00:00,db,a,h,3,7,{event},shop,{object}\n");
    let audited =
        |text: &str| links("audit.log", &(audit("READ", "items,") + &audit("QUERY", &format!("'{text}',0"))));
    assert_eq!(audited(trigger), ["touch shop/shop.items ok 1"]);
    assert_eq!(audited("SELECT id FROM items"), ["read shop/shop.items ok 1"]);
    assert_eq!(
        postgres(&["CREATE RULE r AS ON INSERT TO sales.orders DO ALSO (DELETE FROM a; DELETE FROM b)"]),
        ["touch shop/sales.orders ok 1"]
    );
    assert_eq!(
        postgres(&["CREATE MATERIALIZED VIEW v AS SELECT id FROM orders WITH NO DATA"]),
        ["touch shop/public.v ok 1"]
    );
}

#[test]
fn two_names_with_dots_within_are_two_tables_whoever_tells_them() {
    let text = r#"SELECT 1 FROM "x.y".z JOIN x."y.z" ON true"#;
    let want = [r#"read shop/"x.y".z ok 1"#, r#"read shop/x."y.z" ok 1"#];
    assert_eq!(postgres(&[text]), want);
    let audit = |table: &str| {
        let text = text.replace('"', "\"\"");
        format!(
            "LOG:  AUDIT: SESSION,2,1,READ,SELECT,TABLE,\"{}\",\"{text}\",<none>",
            table.replace('"', "\"\"")
        )
    };
    let audits = [r#""x.y".z"#, r#"x."y.z""#].map(audit);
    assert_eq!(postgres(&[text, &audits[0], &audits[1]]), want);
    reads(&[
        (&[r#"SET search_path = "a.b""#, READ], r#"read shop/"a.b".orders ok 1"#),
        (&[r#"CREATE TEMP TABLE "a.b" (i int)"#, r#"SELECT 1 FROM "a.b""#], NOTHING),
        (&[r#"SET search_path = "a.b"; SELECT id FROM orders"#], r#"read shop/"a.b".orders ok 1"#),
    ]);
}
