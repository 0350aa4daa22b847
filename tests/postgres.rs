//! PostgreSQL's log in every way it reaches people, recorded from a server while a driver wrote down what it did
//! (`fixtures/postgres/record`): the links of a scan are the truth, no more and no less. And what cannot be recorded
//! here, written from its documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/postgres").join(name)
}

fn scan(arguments: &[&str], paths: &[PathBuf]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whodepends"));
    command.args(["scan", "--format", "json", "--as-of", "2026-11-27"]).args(arguments).args(paths);
    command.output().expect("the program starts")
}

fn report(paths: &[PathBuf]) -> serde_json::Value {
    serde_json::from_slice(&scan(&[], paths).stdout).expect("the report is JSON")
}

/// `login action table outcome` with how often, of tables only.
type Links = BTreeMap<String, u64>;

fn links(report: &serde_json::Value) -> Links {
    let mut links = Links::new();
    for link in report["links"].as_array().expect("links are a list") {
        let word = |key: &str| link[key].as_str().unwrap_or_default();
        let Some(resource) = word("resource").strip_prefix("table:") else { continue };
        let (rest, table) = resource.rsplit_once('/').unwrap_or(("", resource));
        let server = rest.rsplit_once('/').map_or(rest, |(server, _)| server);
        let consumer = word("consumer").trim_start_matches("client:");
        // Programs of one login are clients of their own.
        let login = consumer.split_once(&format!("@{server}")).map_or(consumer, |(login, _)| login);
        let of = format!("{login} {} {table} {}", word("action"), word("outcome"));
        *links.entry(of).or_default() += link["count"].as_u64().unwrap_or(0);
    }
    links
}

/// What the driver did: what statements name, and with `inside` also what only the server sees.
fn truth(name: &str, inside: bool) -> Links {
    let text = std::fs::read_to_string(fixture(name)).expect("the truth is there");
    let mut links = Links::new();
    for line in text.lines() {
        let [user, action, table, outcome, count, via] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        if inside || via == "text" {
            *links.entry(format!("{user} {action} {table} {outcome}")).or_default() +=
                count.parse::<u64>().expect("a number");
        }
    }
    links
}

fn gaps(report: &serde_json::Value) -> Vec<String> {
    let gaps = report["gaps"].as_array().expect("gaps are a list").iter();
    gaps.map(|gap| format!("{} {}", gap["code"].as_str().unwrap_or(""), gap["count"])).collect()
}

fn kinds(report: &serde_json::Value) -> Vec<String> {
    let vantages = report["vantages"].as_array().expect("vantages are a list").iter();
    vantages.map(|it| it["kind"].as_str().unwrap_or("").to_owned()).collect()
}

/// A recorded log has this format, and its links are the truth.
fn holds(log: &str, kind: &str, truth: &Links) {
    let report = report(&[fixture(log)]);
    assert_eq!(kinds(&report), [kind], "{log}");
    assert_eq!(&links(&report), truth, "{log}");
    assert_eq!(gaps(&report), Vec::<String>::new(), "{log}");
}

#[test]
fn every_prefix_in_use_gives_the_truth() {
    for name in ["debian", "upstream", "pgbadger", "rds", "azure", "epoch", "many"] {
        holds(&format!("{name}.log"), "postgres-stderr", &truth(&format!("{name}.truth"), false));
    }
}

#[test]
fn one_drive_reads_the_same_from_each_destination() {
    let truth = truth("destinations.truth", false);
    holds("destinations.csv", "postgres-csvlog", &truth);
    holds("destinations.json.gz", "postgres-jsonlog", &truth);
    holds("syslog-iso.log.gz", "postgres-syslog", &truth);
    holds("syslog-5424.log.gz", "postgres-syslog", &truth);
    let report = report(&[fixture("syslog.log")]);
    assert_eq!(links(&report), truth);
    // It has no zone; the year is that of a time in a message.
    assert_eq!(gaps(&report), ["unknown-zone 1"]);
    assert!(report["links"][0]["first"].as_str().unwrap_or("").starts_with("2026-11-26T"));
}

#[test]
fn durations_on_lines_of_their_own_belong_to_the_statement_before() {
    holds("durations.log", "postgres-stderr", &truth("durations.truth", false));
}

#[test]
fn what_pgaudit_resolves_counts_once_beside_the_statements_and_alone() {
    holds("audit-beside.log.gz", "postgres-stderr", &truth("audit-beside.truth", true));
    holds("audit-durations.log.gz", "postgres-stderr", &truth("audit-durations.truth", true));
    // Without relations only the text tells, and a refused or failed statement is not audited.
    let mut text = truth("audit-text.truth", false);
    // What functions run is audited by itself.
    *text.entry("worker read public.orders ok".into()).or_default() += 1;
    *text.entry("worker write ops.audit_log ok".into()).or_default() += 1;
    holds("audit-text.log.gz", "postgres-stderr", &text);
}

#[test]
fn pgaudit_without_texts_tells_tables_and_no_more() {
    let mut truth = truth("audit-alone.truth", true);
    truth.retain(|link, _| !link.ends_with(" failed") && !link.ends_with(" denied"));
    // The record of TRUNCATE names no object.
    truth.remove("worker write public.scratch ok");
    truth.extend([
        ("app_web read public.orders failed".to_owned(), 1),
        ("app_web read public.order_lines failed".to_owned(), 1),
        ("intern read crm.customers denied".to_owned(), 1),
    ]);
    holds("audit-alone.log.gz", "postgres-stderr", &truth);
}

#[test]
fn what_is_audited_for_a_role_leaves_the_rest_to_the_text() {
    holds("audit-objects.log.gz", "postgres-stderr", &truth("audit-objects.truth", true));
}

#[test]
fn plans_tell_what_stands_behind_views_and_in_functions() {
    for format in ["text", "json", "yaml", "xml"] {
        let name = format!("explain-{format}");
        holds(&format!("{name}.log.gz"), "postgres-stderr", &truth(&format!("{name}.truth"), true));
    }
}

#[test]
fn totals_of_pg_stat_statements_count_without_a_time() {
    let mut truth = truth("totals.truth", false);
    // The view keeps what worked.
    truth.retain(|link, _| link.ends_with(" ok"));
    for log in ["totals-joined.csv", "totals-old.csv"] {
        let report = report(&[fixture(log)]);
        assert_eq!(kinds(&report), ["pg-stat-statements"], "{log}");
        assert_eq!(links(&report), truth, "{log}");
    }
}

#[test]
fn the_pooler_knows_who_connects_and_the_server_what_they_do() {
    let report = report(&[fixture("pgbouncer.log")]);
    let connects: BTreeSet<String> = report["links"]
        .as_array()
        .expect("links are a list")
        .iter()
        .map(|it| {
            format!(
                "{} {} {} {}",
                it["consumer"].as_str().unwrap_or("").split("@pgbouncer").next().unwrap_or(""),
                it["action"].as_str().unwrap_or(""),
                it["outcome"].as_str().unwrap_or(""),
                it["count"]
            )
        })
        .collect();
    let wanted = [
        "client:app_web connect ok 1",
        "client:intern connect ok 1",
        "client:nobody connect denied 1",
        "client:partner-x@corp connect ok 1",
    ];
    assert_eq!(connects, wanted.map(str::to_owned).into());
    let mut truth = truth("pooled.truth", false);
    assert_eq!(links(&self::report(&[fixture("pooled.log")])), std::mem::take(&mut truth));
}

/// The links of logs by name, all in one folder.
fn read(files: &[(&str, &str)]) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, log) in files {
        std::fs::write(folder.path().join(name), log).expect("it can be written");
    }
    report(&[folder.path().to_path_buf()])
}

fn of(pairs: &[(&str, u64)]) -> Links {
    pairs.iter().map(|(link, count)| ((*link).to_owned(), *count)).collect()
}

/// Its records as the lens shows them: `line kind user database host session sql|tables`.
fn lens(name: &str, log: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, log).expect("it can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["inspect", "log"])
        .arg(&path)
        .output()
        .expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("it is text");
    let line = |line: &str| {
        let it: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        let word = |key: &str| it[key].as_str().unwrap_or("").to_owned();
        let tables: Vec<&str> = it["tables"]
            .as_array()
            .map(|all| all.iter().filter_map(|t| t.as_str()).collect())
            .unwrap_or_default();
        format!(
            "{} {} {} {}|{}|{}|{}|{}|{}|{}",
            it["line"],
            word("kind"),
            word("time"),
            word("user"),
            word("database"),
            word("application"),
            word("host"),
            word("session"),
            word("statement"),
            tables.join(",")
        )
    };
    text.lines().map(line).collect()
}

#[test]
fn a_system_log_is_read_through_what_others_write_between_the_parts_of_a_message() {
    let log = "\
Dec 31 23:59:58 db1 sshd[9]: Accepted publickey for root from 10.0.0.9 port 4 ssh2: RSA LOG:  no
Dec 31 23:59:58 db1 postgres[7]: [8-1] user=ann,db=shop LOG:  statement: SELECT a
Dec 31 23:59:58 db1 postgres[9]: [3-1] user=bob,db=shop LOG:  statement: SELECT b
Dec 31 23:59:58 db1 postgres[7]: [8-2] #011  FROM orders WHERE a = 'long
Dec 31 23:59:58 db1 CRON[12]: (root) CMD (true)
Dec 31 23:59:58 db1 postgres[7]: [8-3]  text'
Dec 31 23:59:58 db1 postgres[9]: [3-2] #011  FROM items
Jan  1 00:00:01 db1 postgres[7]: [9-1] user=ann,db=shop ERROR:  permission denied for table t
Jan  1 00:00:01 db1 postgres[7]: [9-2] user=ann,db=shop STATEMENT:  DELETE FROM t
Jan  1 00:00:02 db1 postgres[22]: [8-2] #011of a message before the log
";
    assert_eq!(
        lens("syslog-20260104", log),
        [
            "2 statement 2025-12-31T23:59:58Z ann|shop|||7|select a from orders where a=?|",
            "3 statement 2025-12-31T23:59:58Z bob|shop|||9|select b from items|",
            "8 error 2026-01-01T00:00:01Z ann|shop|||7||",
            "9 error-statement 2026-01-01T00:00:01Z ann|shop|||7|delete from t|",
        ]
    );
    let report = read(&[("syslog-20260104", log)]);
    assert_eq!(
        links(&report),
        of(&[
            ("ann read public.orders ok", 1),
            ("bob read public.items ok", 1),
            ("ann write public.t denied", 1)
        ])
    );
    assert_eq!(report["links"][0]["first"], "2025-12-31T23:59:58Z");
}

#[test]
fn a_year_is_stated_or_assumed_and_said() {
    let log = "Nov 30 10:00:00 db1 postgres[7]: [1-1] user=ann,db=shop LOG:  statement: SELECT a FROM t\n"
        .repeat(2);
    let first = |report: &serde_json::Value| report["links"][0]["first"].as_str().unwrap_or("").to_owned();
    let assumed = read(&[("messages", &log)]);
    assert_eq!((first(&assumed).as_str(), gaps(&assumed).len()), ("2025-11-30T10:00:00Z", 2));
    let toml = "[[source]]\npath = \"messages\"\nyear = 2024\nzone = \"Europe/Berlin\"\n";
    let stated = read(&[("messages", &log), ("whodepends.toml", toml)]);
    assert_eq!((first(&stated).as_str(), gaps(&stated).len()), ("2024-11-30T09:00:00Z", 0));
}

#[test]
fn a_container_runtime_cuts_long_lines_and_the_rest_follows() {
    let cri = "\
2026-10-21T22:00:00.1Z stderr F 2026-10-21 22:00:00.000 UTC [99] ann@shop LOG:  statement: SELECT a
2026-10-21T22:00:00.1Z stderr F \tFROM ord
2026-10-21T22:00:01.1Z stderr P 2026-10-21 22:00:01.000 UTC [99] ann@shop LOG:  statement: SELECT b FROM it
2026-10-21T22:00:01.1Z stderr F ems
2026-10-21T22:00:01.2Z stdout F {\"level\":\"info\",\"msg\":\"of another program\"}
";
    let want = of(&[("ann read public.ord ok", 1), ("ann read public.items ok", 1)]);
    let report = read(&[("0.log", cri)]);
    assert_eq!(
        (kinds(&report), links(&report), gaps(&report)),
        (vec!["postgres-container".into()], want.clone(), vec![])
    );
    let docker = r#"{"log":"2026-10-21 22:00:00.000 UTC [99] ann@shop LOG:  statement: SELECT a\n","stream":"stderr","time":"2026-10-21T22:00:00.1Z"}
{"log":"\tFROM ord\n","stream":"stderr","time":"2026-10-21T22:00:00.1Z"}
{"log":"2026-10-21 22:00:01.000 UTC [99] ann@shop LOG:  statement: SELECT b FROM it","stream":"stderr","time":"2026-10-21T22:00:01.1Z"}
{"log":"ems\n","stream":"stderr","time":"2026-10-21T22:00:01.1Z"}
"#;
    let report = read(&[("x-json.log", docker)]);
    assert_eq!(
        (kinds(&report), links(&report), gaps(&report)),
        (vec!["postgres-container".into()], want, vec![])
    );
}

#[test]
fn the_journal_and_shippers_carry_the_line_in_an_object() {
    let journal = r#"{"__REALTIME_TIMESTAMP":"1792620000000000","_PID":"99","SYSLOG_IDENTIFIER":"postgres","MESSAGE":"user=ann,db=shop LOG:  statement: SELECT a"}
{"__REALTIME_TIMESTAMP":"1792620000000000","_PID":"98","SYSLOG_IDENTIFIER":"postgres","MESSAGE":"user=bob,db=shop LOG:  statement: SELECT 1 FROM u"}
{"__REALTIME_TIMESTAMP":"1792620000000000","_PID":"5","SYSLOG_IDENTIFIER":"app","MESSAGE":"LOG:  statement: SELECT a FROM of_another_program"}
{"__REALTIME_TIMESTAMP":"1792620000000000","_PID":"99","SYSLOG_IDENTIFIER":"postgres","MESSAGE":[9,70,82,79,77,32,116]}
"#;
    let report = read(&[("journal.json", journal)]);
    assert_eq!(kinds(&report), ["postgres-journal"]);
    assert_eq!(gaps(&report), Vec::<String>::new());
    assert_eq!(links(&report), of(&[("ann read public.t ok", 1), ("bob read public.u ok", 1)]));
    let azure = r#"{"time":"2026-10-21T22:00:00.1Z","category":"PostgreSQLLogs","properties":{"prefix":"x","message":"2026-10-21 22:00:00 UTC-6abc0001.63-LOG:  connection authorized: user=ann database=shop application_name=psql"}}
{"time":"2026-10-21T22:00:00.2Z","category":"PostgreSQLLogs","properties":{"prefix":"x","message":"2026-10-21 22:00:00 UTC-6abc0001.63-LOG:  statement: SELECT a\n\tFROM t"}}
"#;
    let report = read(&[("PT1H.json", azure)]);
    assert_eq!(
        (kinds(&report), links(&report)),
        (vec!["postgres-container".into()], of(&[("ann read public.t ok", 1)]))
    );
    let watch = "2026-10-21T22:00:00.000Z 2026-10-21 22:00:00 UTC:10.0.3.7(38246):ann@shop:[718]:LOG:  statement: SELECT a FROM t\n".repeat(2);
    let report = read(&[("rds.log", &watch)]);
    assert_eq!(
        (kinds(&report), links(&report)),
        (vec!["postgres-container".into()], of(&[("ann@10.0.3.7 read public.t ok", 2)]))
    );
}

#[test]
fn cloud_sql_splits_a_statement_over_entries_and_heroku_over_parts() {
    let cloud = r#"{"insertId":"a1","logName":"projects/p/logs/cloudsql.googleapis.com%2Fpostgres.log","resource":{"labels":{"database_id":"p:main"},"type":"cloudsql_database"},"severity":"INFO","textPayload":"[24684]: [1-1] db=shop,user=ann LOG:  statement: SELECT a","timestamp":"2026-10-21T22:00:00.123456Z"}
{"insertId":"b1","logName":"x","resource":{"labels":{"database_id":"p:other"},"type":"cloudsql_database"},"severity":"INFO","textPayload":"2026-10-21 22:00:00.200 UTC [7]: [1-1] db=shop,user=bob LOG:  statement: SELECT 1 FROM u","timestamp":"2026-10-21T22:00:00.2Z"}
{"insertId":"a2","logName":"x","resource":{"labels":{"database_id":"p:main"},"type":"cloudsql_database"},"severity":"INFO","textPayload":"\tFROM t","timestamp":"2026-10-21T22:00:00.123456Z"}
"#;
    let report = read(&[("cloud.json", cloud)]);
    assert_eq!(kinds(&report), ["cloudsql"]);
    assert_eq!(links(&report), of(&[("ann read public.t ok", 1), ("bob read public.u ok", 1)]));
    assert_eq!(report["links"][0]["first"], "2026-10-21T22:00:00Z");
    let heroku = "\
2026-03-14T00:22:56+00:00 app[postgres.4882]: [GREEN] [14-1]  sql_error_code = 00000 LOG:  connection authorized: user=u1 database=d1 application_name=web.1
2026-03-14T00:22:56+00:00 app[postgres.4882]: [GREEN] [15-1]  sql_error_code = 00000 LOG:  duration: 2001.2 ms  statement: SELECT a,
2026-03-14T00:22:56+00:00 app[postgres.4990]: [GREEN] [7-1]  sql_error_code = 42501 ERROR:  permission denied for table t
2026-03-14T00:22:56+00:00 app[postgres.4882]: [GREEN] [15-2] \t b
2026-03-14T00:22:56+00:00 app[web.1]: LOG:  statement: SELECT a FROM of_another_program
2026-03-14T00:22:56+00:00 app[postgres.4882]: [GREEN] [15-3]  FROM orders
";
    let report = read(&[("heroku.log", heroku)]);
    assert_eq!(
        (kinds(&report), links(&report)),
        (vec!["heroku-logplex".into()], of(&[("u1 read public.orders ok", 1)]))
    );
}

#[test]
fn cloudnativepg_carries_the_columns_of_csvlog_and_pgaudit_taken_apart() {
    let log = r#"{"level":"info","ts":"2026-10-21T22:00:00.1Z","logger":"instance-manager","msg":"Starting webserver","logging_pod":"main-1"}
{"level":"info","ts":"2026-10-21T22:00:00.1Z","logger":"postgres","msg":"record","logging_pod":"main-1","record":{"log_time":"2026-10-21 22:00:00.000 UTC","user_name":"ann","database_name":"shop","process_id":"4003","connection_from":"10.0.3.7:5123","session_id":"69376dbf.fa3","session_line_num":"1","command_tag":"SELECT","session_start_time":"2026-10-21 21:00:00 UTC","virtual_transaction_id":"2/81","transaction_id":"0","error_severity":"LOG","sql_state_code":"00000","message":"duration: 0.120 ms  statement: SELECT a\n FROM v","application_name":"psql","backend_type":"client backend","query_id":"0"}}
{"level":"info","ts":1792620001.5,"logger":"pgaudit","msg":"record","record":{"log_time":"2026-10-21 22:00:01.000 UTC","user_name":"ann","database_name":"shop","process_id":"4003","connection_from":"10.0.3.7:5123","session_id":"69376dbf.fa3","error_severity":"LOG","sql_state_code":"00000","backend_type":"client backend","audit":{"audit_type":"SESSION","statement_id":"2","substatement_id":"1","class":"WRITE","command":"INSERT","object_type":"TABLE","object_name":"ops.log","statement":"INSERT INTO log VALUES (1)","parameter":"<none>"}}}
"#;
    let report = read(&[("main-1.log", log)]);
    assert_eq!(kinds(&report), ["cloudnativepg"]);
    assert_eq!(
        links(&report),
        of(&[("ann@10.0.3.7 read public.v ok", 1), ("ann@10.0.3.7 write ops.log ok", 1)])
    );
    assert_eq!(gaps(&report), Vec::<String>::new());
    // The same through the container's runtime.
    let wrapped: String =
        log.lines().map(|line| format!("2026-10-21T22:00:02.1Z stdout F {line}\n")).collect();
    let report = read(&[("0.log", &wrapped)]);
    assert_eq!((kinds(&report), links(&report).len()), (vec!["postgres-container".into()], 2));
}

#[test]
fn a_log_whose_prefix_is_not_known_has_failed_and_says_so() {
    let log = "LOG:  statement: SELECT a FROM t\nann LOG:  statement: SELECT a FROM u\n\tWHERE x\nERROR:  deadlock detected\n";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.log");
    std::fs::write(&path, log).expect("it can be written");
    let output = scan(&[], std::slice::from_ref(&path));
    assert_eq!(output.status.code(), Some(2));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    assert_eq!(report["inputs"][0]["status"], "failed");
    let detail = report["gaps"][0]["detail"].as_str().unwrap_or("");
    assert!(
        detail
            .starts_with("4 of 4 lines fit no record of postgres-stderr, the first: `log: statement: select"),
        "{detail}"
    );
    // What a client prints is no log of a server.
    std::fs::write(
        &path,
        "ERROR:  relation does not exist\nNOTICE:  table t does not exist, skipping\nERROR:  x\n",
    )
    .expect("it can be written");
    let report = self::report(&[folder.path().to_path_buf()]);
    assert_eq!(gaps(&report), ["unrecognised 1"]);
}

#[test]
fn user_ids_alone_name_nobody_and_a_withheld_text_is_a_gap() {
    let report = report(&[fixture("totals-plain.csv")]);
    assert!(links(&report).keys().all(|link| link.starts_with("unknown ")), "{:?}", links(&report));
    let csv = "\"queryid\",\"rolname\",\"calls\",\"query\"\n1,ann,7,<insufficient privilege>\n2,ann,3,\"SELECT \"\"a\"\"\n FROM t\"\n";
    let report = read(&[("statements.csv", csv)]);
    assert_eq!(
        (kinds(&report), links(&report)),
        (vec!["pg-stat-statements".into()], of(&[("ann read public.t ok", 3)]))
    );
    assert_eq!(gaps(&report), ["unparsed 1"]);
    // Anybody's table of statements is none of the view's.
    let report = read(&[("statements.csv", "query,calls,owner\nSELECT 1,7,ann\n")]);
    assert_eq!(gaps(&report), ["unrecognised 1"]);
}

#[test]
fn each_log_is_claimed_by_its_format_and_by_no_other() {
    use whodepends::collect::logs::FORMATS;
    for (name, kind) in [
        ("debian.log", "postgres-stderr"),
        ("upstream.log", "postgres-stderr"),
        ("pgbadger.log", "postgres-stderr"),
        ("rds.log", "postgres-stderr"),
        ("azure.log", "postgres-stderr"),
        ("epoch.log", "postgres-stderr"),
        ("many.log", "postgres-stderr"),
        ("durations.log", "postgres-stderr"),
        ("destinations.csv", "postgres-csvlog"),
        ("syslog.log", "postgres-syslog"),
        ("totals-joined.csv", "pg-stat-statements"),
        ("totals-old.csv", "pg-stat-statements"),
        ("totals-plain.csv", "pg-stat-statements"),
        ("pgbouncer.log", "pgbouncer"),
    ] {
        let head = std::fs::read(fixture(name)).expect("the recording is there");
        let claims = FORMATS.iter().filter_map(|it| Some((it.about().name, it.recognise(&head)?)));
        let claims: Vec<&str> = claims.map(|(name, _)| name).collect();
        assert_eq!(claims, [kind], "{name}");
    }
}

/// A syslog of many processes whose messages have parts, and whose parts are mixed.
fn mixed_syslog(bytes: usize) -> String {
    let (mut log, mut turn) = (String::new(), 0u64);
    let mut open: Vec<(u64, u64, u32)> = Vec::new();
    while log.len() < bytes {
        turn = turn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = turn >> 33;
        let minute = log.len() / 4000 % 60;
        let head = |pid: u64| format!("2026-10-21T22:{minute:02}:00.000000+00:00 db1 postgres[{pid}]: ");
        if noise % 3 == 0 || open.is_empty() {
            let (pid, message) = (100 + noise % 37, log.len() as u64);
            open.retain(|it| it.0 != pid);
            let line =
                format!("[{message}-1] user=u{},db=shop LOG:  statement: SELECT a{}\n", pid % 5, noise % 3);
            log.push_str(&(head(pid) + &line));
            open.push((pid, message, 2));
        } else {
            let index = (noise / 7) as usize % open.len();
            let (pid, message, part) = open[index];
            let line = format!(
                "[{message}-{part}] #011{}\n",
                if part == 2 { format!("FROM t{}", noise % 9) } else { "-- more".to_owned() }
            );
            log.push_str(&(head(pid) + &line));
            open[index].2 += 1;
            if part > 3 {
                open.remove(index);
            }
        }
    }
    log
}

#[test]
fn no_size_of_blocks_changes_what_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mixed = folder.path().join("mixed.log");
    std::fs::write(&mixed, mixed_syslog(150_000)).expect("it can be written");
    let recorded = [
        "durations.log",
        "many.log",
        "destinations.csv",
        "destinations.json.gz",
        "syslog.log",
        "pgbouncer.log",
        "totals-joined.csv",
    ];
    let mut cases: Vec<(PathBuf, &[&str])> =
        recorded.iter().map(|name| (fixture(name), &["1", "61", "4099"][..])).collect();
    cases.push((mixed, &["20011", "70001"]));
    for (path, sizes) in cases {
        let whole = scan(&[], std::slice::from_ref(&path)).stdout;
        let told = links(&serde_json::from_slice(&whole).expect("the report is JSON"));
        assert!(told.len() > 3 || path.ends_with("pgbouncer.log"), "{path:?} tells {told:?}");
        for size in sizes {
            let cut = scan(&["--block-bytes", size], std::slice::from_ref(&path)).stdout;
            assert!(cut == whole, "{path:?} in blocks of {size} bytes gives another report");
        }
    }
}

#[test]
fn a_log_that_was_torn_edited_and_cut_costs_only_what_is_lost() {
    let line =
        |pid: u32, message: &str| format!("2026-10-21 22:00:00.000 UTC [{pid}] ann@shop {message}\r\n");
    let mut log = b"\t  FROM of_a_statement_before WHERE a = 1\r\n".to_vec();
    log.extend(line(1, "LOG:  statement: SELECT a\r\n\tFROM t").bytes());
    log.extend(b"2026-10-21 22:00:00.000 UTC [2] ann@shop LOG:  statement: SELECT '\xff\x00' FROM u\r\n");
    log.extend(b"2026-10-21 22:00:00.000 UTC [3] ann@shop LO\r\n");
    log.extend(line(4, "LOG:  duration: 1.5 ms  statement: SELECT LOG:  FROM v WHERE a = 'LOG:  statement: DELETE FROM w'").bytes());
    log.extend(line(5, "LOG:  statement: SELECT a FROM x").bytes());
    log.extend(line(5, "ERROR:  canceling statement due to user request").bytes());
    log.extend(line(5, "STATEMENT:  SELECT a FROM x").trim_end().bytes());
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("a.log"), log).expect("it can be written");
    let report = report(&[folder.path().to_path_buf()]);
    assert_eq!(
        links(&report),
        of(&[
            ("ann read public.t ok", 1),
            ("ann read public.u ok", 1),
            ("ann read public.v ok", 1),
            ("ann read public.x failed", 1)
        ])
    );
    assert_eq!(gaps(&report), ["unmatched-prefix 2"]);
}

#[test]
fn translated_severities_are_known_and_translated_messages_are_said() {
    let log = "\
2026-10-21 22:00:00.000 UTC [1] ann@shop JOURNAL:  instruction : SELECT a FROM t
2026-10-21 22:00:00.000 UTC [1] ann@shop ERREUR:  droit refusé pour la table t
2026-10-21 22:00:00.000 UTC [1] ann@shop INSTRUCTION :  SELECT a FROM t
";
    let report = read(&[("a.log", log)]);
    assert_eq!(links(&report), of(&[("ann read public.t failed", 1)]));
    assert_eq!(gaps(&report), ["unparsed 1"]);
}

#[test]
fn statements_announced_in_another_language_are_a_gap_in_whatever_format() {
    let stderr = "\
2026-10-21 22:00:00.000 UTC [1] ann@shop LOG:  durée : 0.100 ms, instruction : SELECT a FROM t
2026-10-21 22:00:01.000 UTC [1] ann@shop СООБЩЕНИЕ:  оператор: SELECT a FROM t
2026-10-21 22:00:02.000 UTC [1] ann@shop LOG:  checkpoint starting: time
";
    let json = "{\"timestamp\":\"2026-10-21 22:00:00.000 UTC\",\"user\":\"ann\",\"dbname\":\"shop\",\"pid\":7,\
                \"session_id\":\"6abc0001.7\",\"error_severity\":\"LOG\",\"message\":\"Dauer: 0.100 ms  Anweisung: SELECT a FROM t\"}\n";
    for (name, log, count) in [("a.log", stderr, "unparsed 2"), ("a.json", json, "unparsed 1")] {
        let report = read(&[(name, log)]);
        assert_eq!((links(&report), gaps(&report)), (Links::new(), vec![count.to_owned()]), "{name}");
    }
}

/// The tables of a report's links, each with its database.
fn tables(report: &serde_json::Value) -> Vec<String> {
    let links = report["links"].as_array().expect("links are a list").iter();
    let tables = links.filter_map(|link| link["resource"].as_str()?.strip_prefix("table:"));
    tables.map(|it| it.split_once(".log/").map_or(it, |(_, table)| table).to_owned()).collect()
}

#[test]
fn the_servers_word_on_whom_it_lets_in_outranks_how_a_prefix_is_read() {
    let line =
        |pid: u32, message: &str| format!("2026-10-21 22:00:00.000 UTC [{pid}] ann@crm db LOG:  {message}\n");
    let let_in = "connection authorized: user=ann database=crm db application_name=web";
    let read_t = "duration: 0.1 ms  statement: SELECT a FROM t";
    let read_u = "duration: 0.1 ms  statement: SELECT a FROM u";
    // A session that began before the log did is spelled as one that did not.
    let report = read(&[("a.log", &(line(2, read_u) + &line(1, let_in) + &line(1, read_t)))]);
    assert_eq!(tables(&report), ["crm db/public.t", "crm db/public.u"]);
    // What two databases are spelled as is neither.
    let other = line(3, "connection authorized: user=ann database=crm old") + &line(3, read_t);
    let report = read(&[("a.log", &(line(2, read_u) + &line(1, let_in) + &line(1, read_t) + &other))]);
    assert_eq!(tables(&report), ["crm db/public.t", "crm old/public.t", "crm/public.u"]);
}

#[test]
fn parts_of_one_statement_are_one_execution_of_it() {
    let line = |message: &str| format!("2026-10-21 22:00:00.000 UTC [1] ann@shop LOG:  {message}\n");
    let audit = |record: &str, sql: &str| line(&format!("AUDIT: {record},{sql},<not logged>"));
    let into = "SELECT a INTO TABLE n FROM t";
    let created = line(&format!("statement: {into}"))
        + &audit("SESSION,2,1,READ,SELECT,TABLE,public.t", into)
        + &audit("SESSION,2,2,DDL,SELECT INTO,TABLE,public.n", into);
    assert_eq!(
        links(&read(&[("a.log", &created)])),
        of(&[("ann read public.t ok", 1), ("ann touch public.n ok", 1), ("ann write public.n ok", 1)])
    );
    let two = "select a from t; delete from u";
    let of_two = |first: u32| {
        audit(&format!("OBJECT,{first},1,READ,SELECT,TABLE,public.t"), two)
            + &audit(&format!("OBJECT,{},1,WRITE,DELETE,TABLE,public.u", first + 1), two)
    };
    let once = of(&[("ann read public.t ok", 1), ("ann write public.u ok", 1)]);
    assert_eq!(links(&read(&[("a.log", &of_two(8))])), once);
    let twice = of(&[("ann read public.t ok", 2), ("ann write public.u ok", 2)]);
    assert_eq!(links(&read(&[("a.log", &(of_two(8) + &of_two(10)))])), twice);
}

#[test]
fn a_worker_of_anothers_statement_is_nobody() {
    let line = |pid: u32, login: &str, message: &str| {
        format!("2026-10-21 22:00:00.000 UTC [{pid}]: user={login},db= {message}\n")
    };
    let sort = |pid: u32, login: &str| {
        line(pid, login, "LOG:  temporary file: path \"base/pgsql_tmp/pgsql_tmp1.0\", size 5439488")
            + &line(pid, login, "STATEMENT:  SELECT a FROM t ORDER BY b")
    };
    let done = line(1, "ann", "LOG:  duration: 90.1 ms  statement: SELECT a FROM t ORDER BY b");
    let report = read(&[("a.log", &(sort(2, "") + &sort(1, "ann") + &done))]);
    assert_eq!(links(&report), of(&[("ann read public.t ok", 1)]));
    // Where no line tells a login, it may be anybody.
    let report = read(&[("a.log", &sort(2, ""))]);
    assert_eq!(links(&report).values().sum::<u64>(), 1);
}

#[test]
fn what_was_read_and_planned_only_is_no_use() {
    let line = |message: &str| format!("2026-10-21 22:00:00.000 UTC [1]: user=ann,db= {message}\n");
    let stats = |name: &str| {
        line(&format!("LOG:  {name} STATISTICS"))
            + &line(
                "DETAIL:  ! system usage stats:\n\t!\t0.000035 s user, 0.000000 s system, 0.000035 s elapsed",
            )
            + &line("STATEMENT:  SELECT a\n\tFROM t")
    };
    let planned = ["PARSER", "PARSE ANALYSIS", "REWRITER", "PLANNER"].map(stats).concat();
    assert_eq!(
        links(&read(&[("a.log", &planned)])).keys().filter(|link| link.contains("public.t")).count(),
        0
    );
    // The near miss: what says so of a run, and an error behind what says so without its statement.
    let ran = planned.clone() + &stats("EXECUTOR");
    assert_eq!(links(&read(&[("a.log", &ran)])), of(&[("ann read public.t ok", 1)]));
    let failed = line("LOG:  PLANNER STATISTICS")
        + &line("ERROR:  division by zero")
        + &line("STATEMENT:  SELECT a FROM t");
    assert_eq!(links(&read(&[("a.log", &failed)])), of(&[("ann read public.t failed", 1)]));
}

#[test]
fn files_that_begin_in_one_second_are_read_as_they_were_rotated() {
    let line = |message: &str| format!("2026-10-21 22:00:00 UTC [1] LOG:  {message}\n");
    let before = line("connection authorized: user=ann database=shop");
    let behind = line("duration: 0.1 ms  statement: SELECT a FROM t");
    let report = read(&[("x.log", &behind), ("x.log.1", &before)]);
    assert_eq!(links(&report), of(&[("ann read public.t ok", 1)]));
}

#[test]
fn a_failed_statement_of_heroku_and_an_audit_of_cloud_sql_are_heard() {
    let part = |number: u32, what: &str| {
        format!(
            "2026-10-21T22:00:00+00:00 app[postgres.27]: [DATABASE] [5-{number}]  sql_error_code = 23505 {what}\n"
        )
    };
    let heroku = part(1, "ERROR:  duplicate key value violates unique constraint \"x\"")
        + &part(2, "DETAIL:  Key (id)=(1) already exists.")
        + &part(3, "STATEMENT:  INSERT INTO t VALUES (1)");
    let told: Vec<String> = links(&read(&[("a.log", &heroku)])).into_keys().collect();
    assert!(matches!(&told[..], [one] if one.ends_with("write public.t failed")), "{told:?}");
    let entry = "{\"logName\":\"projects/p/logs/cloudaudit.googleapis.com%2Fdata_access\",\"timestamp\":\"2026-10-21T22:00:00Z\",\
                 \"protoPayload\":{\"request\":{\"@type\":\"type.googleapis.com/google.cloud.sql.audit.v1.PgAuditEntry\",\
                 \"auditClass\":\"READ\",\"auditType\":\"SESSION\",\"command\":\"SELECT\",\"database\":\"shop\",\"databaseSessionId\":7,\
                 \"object\":\"public.t\",\"objectType\":\"TABLE\",\"statement\":\"SELECT a FROM t\",\"statementId\":1,\
                 \"substatementId\":1,\"user\":\"ann\"}}}\n";
    assert_eq!(links(&read(&[("a.json", entry)])), of(&[("ann read public.t ok", 1)]));
}
