//! Logs of MySQL and MariaDB: those that MariaDB 10.11 wrote while `fixtures/mysql/record/driver.py` used it are compared with
//! what the driver knows it did, both ways; the layouts of other versions, written from their documentation, record by record.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use whodepends::scan::{Plan, scan};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mysql").join(path)
}

/// The report of a file, read in blocks of so many bytes.
fn report(path: &Path, block_bytes: usize) -> serde_json::Value {
    let plan = Plan {
        paths: vec![path.to_path_buf()],
        config: None,
        as_of: Some("2026-11-27".to_owned()),
        since: None,
        until: None,
        kinds: Vec::new(),
        filter: None,
        block_bytes,
    };
    let pool =
        rayon::ThreadPoolBuilder::new().stack_size(16 << 20).num_threads(2).build().expect("threads start");
    let outcome = pool.install(|| scan(&plan, &|_, _| ())).expect("the file is read");
    serde_json::to_value(&outcome.report).expect("a report is JSON")
}

fn whole(path: &Path) -> serde_json::Value {
    report(path, whodepends::collect::BLOCK_BYTES)
}

type Counts = BTreeMap<String, u64>;

fn word<'a>(row: &'a serde_json::Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

/// The address a client's name stands for, in the recording that has names.
fn address(host: &str) -> &str {
    match host {
        "web1.shop.example" => "10.20.0.11",
        "app2.shop.example" => "10.20.0.12",
        "bi.shop.example" => "10.20.0.13",
        "10.20.0.11" | "10.20.0.12" | "10.20.0.13" | "10.20.0.14" | "10.20.0.15" => host,
        // Whoever comes from the server itself is shown at it.
        _ => "server",
    }
}

/// `login host action table outcome class`, and how often. Which definitions a dump looks at is the dump's own business.
fn tables(report: &serde_json::Value) -> Counts {
    let mut counts = Counts::new();
    for link in report["links"].as_array().expect("links are a list") {
        let Some(table) = word(link, "resource").strip_prefix("table:") else { continue };
        let (login, host) = word(link, "consumer").split_once('@').unwrap_or_default();
        let key = format!(
            "{} {} {} {} {} {}",
            login.trim_start_matches("client:"),
            address(host),
            word(link, "action"),
            table.rsplit('/').next().unwrap_or_default(),
            word(link, "outcome"),
            word(link, "class"),
        );
        if !key.starts_with("dumper server touch ") {
            *counts.entry(key).or_default() += link["count"].as_u64().unwrap_or_default();
        }
    }
    counts
}

/// `login host outcome`, and how often somebody logged in so.
fn logins(report: &serde_json::Value) -> Counts {
    let mut counts = Counts::new();
    for link in report["links"].as_array().expect("links are a list") {
        if word(link, "action") == "connect" {
            let (login, host) = word(link, "consumer").split_once('@').unwrap_or_default();
            let key = format!(
                "{} {} {}",
                login.trim_start_matches("client:"),
                address(host),
                word(link, "outcome")
            );
            *counts.entry(key).or_default() += link["count"].as_u64().unwrap_or_default();
        }
    }
    counts
}

fn truth(run: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(fixture(run).join("truth.jsonl")).expect("the truth is there");
    text.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
}

/// What the driver did, as a log can show it: `by` is `text` where statements are read, `audit` where the server names
/// tables; a log that never says how a statement ended shows all as done.
fn done(run: &str, by: &str) -> Counts {
    let mut counts = Counts::new();
    for row in truth(run).iter().filter(|row| row["table"].is_string()) {
        if ["all", by].contains(&word(row, "seen")) {
            let outcome = if by == "audit" { word(row, "outcome") } else { "ok" };
            let class = if word(row, "user") == "dumper" { "backup" } else { "app" };
            let (user, host) = (word(row, "user"), address(word(row, "host")));
            let key =
                format!("{user} {host} {} {} {outcome} {class}", word(row, "action"), word(row, "table"));
            *counts.entry(key).or_default() += row["count"].as_u64().unwrap_or_default();
        }
    }
    counts
}

fn logged_in(run: &str) -> Counts {
    let mut counts = Counts::new();
    for row in truth(run).iter().filter(|row| row["login"].is_string()) {
        let key = format!("{} {} {}", word(row, "user"), address(word(row, "host")), word(row, "login"));
        *counts.entry(key).or_default() += row["count"].as_u64().unwrap_or_default();
    }
    counts
}

fn gaps(report: &serde_json::Value) -> Vec<&str> {
    report["gaps"].as_array().expect("gaps are a list").iter().map(|gap| word(gap, "code")).collect()
}

#[test]
fn the_links_of_each_recorded_log_are_what_was_done_no_more_and_no_less() {
    for run in ["addresses", "names"] {
        for (log, by) in [("general.log", "text"), ("slow.log", "text"), ("server_audit.log", "audit")] {
            let report = whole(&fixture(run).join(log));
            assert_eq!(tables(&report), done(run, by), "{run}/{log}");
            assert!(!gaps(&report).contains(&"unmatched-prefix"), "{run}/{log}: every line is of a record");
        }
    }
}

#[test]
fn logins_are_told_with_those_that_were_refused() {
    for run in ["addresses", "names"] {
        let done = logged_in(run);
        assert_eq!(logins(&whole(&fixture(run).join("general.log"))), done, "{run}: the general log");
        // The audit plugin does not say whom a connection goes on as; the table events of what it did then do.
        let mut without = done.clone();
        without.remove("billing 10.20.0.11 ok");
        assert_eq!(logins(&whole(&fixture(run).join("server_audit.log"))), without, "{run}: the audit log");
    }
}

#[test]
fn a_sampled_slow_log_shows_nothing_that_was_not_done_and_is_not_believed_to_hold_all() {
    let report = whole(&fixture("sampled/slow.log"));
    let done = done("sampled", "text");
    let told = tables(&report);
    assert!(told.len() > 5, "{told:?}");
    for (link, count) in told {
        assert!(count <= done.get(&link).copied().unwrap_or_default(), "{link}");
    }
    assert_eq!(report["vantages"][0]["sees"], "unknown");
}

/// Statements by login, as pt-query-digest counted them when the log was recorded.
#[test]
fn another_reader_counts_as_many_statements_of_each_login() {
    for run in ["addresses", "names", "sampled"] {
        let text = std::fs::read_to_string(fixture(run).join("slow.log")).expect("the log is there");
        let mut counts = Counts::new();
        for line in inspected(&text).iter().filter(|line| !line.contains("|replication|")) {
            *counts.entry(line.split('|').nth(3).unwrap_or_default().to_owned()).or_default() += 1;
        }
        let told: Vec<String> = counts.iter().map(|(login, count)| format!("{login} {count}")).collect();
        let peer =
            std::fs::read_to_string(fixture(run).join("pt-query-digest.txt")).expect("its counts are there");
        assert_eq!(told, peer.lines().collect::<Vec<_>>(), "{run}");
    }
}

#[test]
fn blocks_of_any_size_give_the_same_report() {
    for log in ["addresses/general.log", "addresses/slow.log", "addresses/server_audit.log"] {
        // What a full log holds often enough is enough: the first part, which has all that looks like records and is none.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = std::fs::read(fixture(log)).expect("the log is there");
        let path = folder.path().join("cut.log");
        std::fs::write(&path, &text[..text.len().min(9_000)]).expect("it can be written");
        let wanted = whole(&path);
        for size in [1, 2, 3, 5, 17, 97, 331, 1009, 4000] {
            assert_eq!(report(&path, size), wanted, "{log} in blocks of {size}");
        }
    }
}

/// What `inspect log` says of a text, one record a line: `line kind time user host database session milliseconds status
/// statement`, with what else it says behind it.
fn inspected(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.log");
    std::fs::write(&path, text).expect("it can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends")).args(["inspect", "log"]).arg(&path).output();
    let output = output.expect("the program starts");
    let shown = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        let mut parts = vec![row["line"].to_string()];
        for key in ["kind", "time", "user", "host", "application", "database", "session"] {
            parts.push(word(&row, key).to_owned());
        }
        parts.push(row["duration_ms"].as_f64().map(|it| it.to_string()).unwrap_or_default());
        parts.push(word(&row, "status").to_owned());
        parts.push(word(&row, "statement").to_owned());
        parts.extend(
            row["tables"].as_array().into_iter().flatten().map(|it| it.as_str().unwrap_or("").to_owned()),
        );
        parts.join("|")
    };
    String::from_utf8(output.stdout).expect("it is UTF-8").lines().map(shown).collect()
}

#[test]
fn the_general_log_of_mysql_5_7_has_a_time_on_each_line() {
    let log = "/usr/sbin/mysqld, Version: 8.0.36 (MySQL Community Server - GPL). started with:\n\
        Tcp port: 3306  Unix socket: /var/run/mysqld/mysqld.sock\n\
        Time                 Id Command    Argument\n\
        2026-11-22T22:26:12.098511+08:00\t257426 Connect\tapp@10.0.3.7 on shop using SSL/TLS\n\
        2026-11-22T22:26:12.198511+08:00\t257426 Query\tSELECT a\n\
        FROM t\n\
        2026-11-22T22:26:13.000000+08:00\t257426 Reset Connection\t\n\
        2026-11-22T22:26:13.500000+08:00\t257426 Init DB\tcrm\n\
        2026-11-22T22:26:14.000000+08:00\t   12 Binlog Dump GTID\tLog: '' Pos: 4 GTIDs: ''\n\
        2026-11-22T22:26:15.000000+08:00\t257426 Quit\t\n";
    assert_eq!(
        inspected(log),
        [
            "4|connected|2026-11-22T14:26:12Z||10.0.3.7|||3ed92||ok|",
            "4|authorized|2026-11-22T14:26:12Z|app|10.0.3.7||shop|3ed92||ok|",
            "5|statement|2026-11-22T14:26:12Z|||||3ed92||ok|select a from t",
            "7|other|2026-11-22T14:26:13Z|||||3ed92||ok|",
            "8|other|2026-11-22T14:26:13Z||||crm|3ed92||ok|",
            "9|replication|2026-11-22T14:26:14Z|||||c||ok|",
            "10|disconnected|2026-11-22T14:26:15Z|||||3ed92||ok|",
        ]
    );
}

#[test]
fn the_slow_logs_of_other_servers_are_read_as_documented() {
    // MySQL 5.0 and 5.1: no thread, whole seconds, `use` where the database changes.
    let old = "# Time: 071218 11:48:27\n\
        # User@Host: app[app] @ web1.example [10.0.3.7]\n\
        # Query_time: 3  Lock_time: 0  Rows_sent: 1  Rows_examined: 20\n\
        use shop;\n\
        SELECT a FROM t;\n\
        # User@Host: root[root] @ localhost []\n\
        # Query_time: 2  Lock_time: 0  Rows_sent: 1  Rows_examined: 20\n\
        SET insert_id=5,timestamp=1197978507;\n\
        # administrator command: Quit;\n";
    assert_eq!(
        inspected(old),
        [
            "1|database|2007-12-18T11:48:27Z|app|10.0.3.7||shop|0||ok|",
            "1|statement|2007-12-18T11:48:27Z|app|10.0.3.7|||0|3000|ok|select a from t",
            "6|other|2007-12-18T11:48:27Z|root|[local]|||0||ok|",
        ]
    );
    // MySQL 8 with log_slow_extra: the error number; a failed and a denied one; the moment it began, not when it ended.
    let eight = "# Time: 2026-11-22T22:26:20.004511Z\n\
        # User@Host: app[app] @  [10.0.3.7]  Id:     8\n\
        # Query_time: 10.25  Lock_time: 0.000010 Rows_sent: 0  Rows_examined: 0 Thread_id: 8 Errno: 1146 Killed: 0 Bytes_received: 0 Start: 2026-11-22T22:26:10Z End: 2026-11-22T22:26:20Z\n\
        SET timestamp=1795386370;\n\
        SELECT a FROM gone;\n\
        # Time: 2026-11-22T22:26:21.004511Z\n\
        # User@Host: app[app] @  [10.0.3.7]  Id:     8\n\
        # Query_time: 0.5  Lock_time: 0.0 Rows_sent: 0  Rows_examined: 0 Thread_id: 8 Errno: 1142 Killed: 0\n\
        SET timestamp=1795386380;\n\
        DELETE FROM t;\n";
    assert_eq!(
        inspected(eight),
        [
            "1|statement|2026-11-22T22:26:10Z|app|10.0.3.7|||8|10250|failed|select a from gone",
            "6|statement|2026-11-22T22:26:20Z|app|10.0.3.7|||8|500|denied|delete from t",
        ]
    );
    // Percona: a schema of its own key, a replica's thread, one that was killed.
    let percona = "# Time: 2026-11-22T22:26:20.004511Z\n\
        # User@Host: [SQL_SLAVE] @  []  Id:     3\n\
        # Schema: shop  Last_errno: 0  Killed: 0\n\
        # Query_time: 0.000100  Lock_time: 0.000010  Rows_sent: 0  Rows_examined: 0  Rows_affected: 1\n\
        # Bytes_sent: 11\n\
        SET timestamp=1795386380;\n\
        INSERT INTO t VALUES (1);\n\
        # User@Host: bi[bi] @ bi.example []  Id:    31\n\
        # Schema: shop  Last_errno: 1317  Killed: 1317\n\
        # Query_time: 0.000100  Lock_time: 0.000010  Rows_sent: 0  Rows_examined: 0  Rows_affected: 1\n\
        # QC_Hit: No  Full_scan: Yes  Full_join: No  Tmp_table: No  Tmp_table_on_disk: No\n\
        # InnoDB_trx_id: 1F3A\n\
        # Log_slow_rate_type: query  Log_slow_rate_limit: 10\n\
        SET timestamp=1795386381;\n\
        SELECT * FROM t;\n";
    assert_eq!(
        inspected(percona),
        [
            "1|replication|2026-11-22T22:26:20Z|SQL_SLAVE|||shop|3||ok|",
            "1|statement|2026-11-22T22:26:20Z|SQL_SLAVE|||shop|3|0.1|ok|insert into t values(?)",
            "8|statement|2026-11-22T22:26:21Z|bi|bi.example||shop|1f|0.1|failed|select * from t",
        ]
    );
}

#[test]
fn a_torn_record_of_a_slow_log_costs_itself_only() {
    let head = |id: u32| {
        format!(
            "# User@Host: u{id}[u{id}] @  [10.0.3.7]  Id: {id}\n# Query_time: 1.0  Lock_time: 0.0 Rows_sent: 0  Rows_examined: 0\nSET timestamp=1795386380;\n"
        )
    };
    let log = format!(
        "{}SELECT a FROM t1 WHERE b = 'x\n{}SELECT a FROM t2;\n{}SELECT 'it''s';\n",
        head(1),
        head(2),
        head(3)
    );
    let told: Vec<String> = inspected(&log)
        .iter()
        .map(|line| line.split('|').skip(3).step_by(7).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(told, ["u1 select a from t1 where b=?", "u2 select a from t2", "u3 select ?"]);
}

#[test]
fn the_audit_log_of_aurora_counts_microseconds_and_mariadb_12_names_ports() {
    let log = "1795386372123456,db-1,app,10.0.3.7,42,1093,QUERY,shop,'SELECT * FROM t WHERE a=\\'x, y\\'',0\n\
        1795386373123456,db-1,app,10.0.3.7:5123,42,1094,READ,shop,Orders,\n\
        1795386373123456,db-1,app,10.0.3.7:5123,42,1094,QUERY,shop,'SELECT\\n1 FROM Orders\n";
    assert_eq!(
        inspected(log),
        [
            "1|statement|2026-11-22T22:26:12Z|app|10.0.3.7||shop|2a||ok|select * from t where a=?",
            "2|tables|2026-11-22T22:26:13Z|app|10.0.3.7|||2a||ok||read shop.orders",
            "3|statement|2026-11-22T22:26:13Z|app|10.0.3.7||shop|2a||ok|select ? from orders",
        ]
    );
}

/// What a routine does is told by the server under its owner's rights; who called it did it.
#[test]
fn what_a_routine_does_is_its_callers() {
    let log = "20261126 00:20:14,db1,billing,10.20.0.12,5,36,READ,shop,orders,\n\
        20261126 00:20:14,db1,root,localhost,5,37,WRITE,crm,ledger,\n\
        20261126 00:20:14,db1,billing,10.20.0.12,5,37,QUERY,crm,'INSERT INTO ledger VALUES (1)',0\n\
        20261126 00:20:14,db1,billing,10.20.0.12,5,36,QUERY,crm,'SELECT f(id) FROM shop.orders',0\n";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("audit.log");
    std::fs::write(&path, log).expect("it can be written");
    let told: Vec<String> =
        tables(&whole(&path)).into_iter().map(|(link, count)| format!("{link} {count}")).collect();
    assert_eq!(
        told,
        ["billing 10.20.0.12 read shop.orders ok app 1", "billing 10.20.0.12 write crm.ledger ok app 1"]
    );
}

/// What `tables` tells of a log of the audit plugin.
fn audited(log: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("audit.log");
    std::fs::write(&path, log).expect("it can be written");
    tables(&whole(&path)).into_iter().map(|(link, count)| format!("{link} {count}")).collect()
}

/// The server tells the tables of a trigger as those of the statement that sets it off, and a view as the tables behind
/// it.
#[test]
fn a_trigger_is_counted_once_and_a_view_stays() {
    let line = |query: u32, rest: &str| format!("20261126 00:20:14,db1,web,10.20.0.12,24,{query},{rest}\n");
    let fires = [
        line(174, "WRITE,shop,items,"),
        line(174, "WRITE,shop,audit_t,"),
        line(175, "QUERY,shop,'insert into audit_t values (new.id)',0"),
        line(174, "QUERY,shop,'INSERT INTO items VALUES (5, 5)',0"),
    ];
    let once = ["web 10.20.0.12 write shop.audit_t ok app 1", "web 10.20.0.12 write shop.items ok app 1"];
    assert_eq!(audited(&fires.concat()), once);
    // A statement of its own has table events of its own.
    let own = [
        line(174, "WRITE,shop,items,"),
        line(174, "QUERY,shop,'INSERT INTO items VALUES (5, 5)',0"),
        line(175, "WRITE,shop,audit_t,"),
        line(175, "QUERY,shop,'insert into audit_t values (1)',0"),
    ];
    assert_eq!(audited(&own.concat()), once);
    // One that tells no tables, behind one whose own line never came, is of others.
    let others = [line(174, "WRITE,shop,items,"), line(175, "QUERY,shop,'INSERT INTO audit_t VALUES (1)',0")];
    assert_eq!(audited(&others.concat()), once);
    let view = [
        line(181, "READ,shop,orders,"),
        line(181, "READ,shop,cust,"),
        line(181, "QUERY,shop,'SELECT a FROM v_orders JOIN orders USING (id)',0"),
    ];
    assert_eq!(
        audited(&view.concat()),
        [
            "web 10.20.0.12 read shop.cust ok app 1",
            "web 10.20.0.12 read shop.orders ok app 1",
            "web 10.20.0.12 read shop.v_orders ok app 1"
        ]
    );
}

/// MariaDB writes no time where the second is still that of the file before: what stands in front of the first one is of
/// no later second.
#[test]
fn a_general_log_may_begin_without_a_time() {
    let head = "mariadbd, Version: 10.11.19-MariaDB-log (Debian 12). started with:\n\
        Tcp port: 3306  Unix socket: /run/s.sock\nTime\t\t    Id Command\tArgument\n";
    let lines = "\t\t    24 Connect\tweb@10.20.0.12 on shop using TCP/IP\n\
        \t\t    24 Query\tSELECT id FROM orders\n";
    let timed =
        "261126 15:23:06\t    24 Query\tSELECT id FROM items\n\t\t    24 Query\tSELECT id FROM cust\n";
    let read = |log: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("general.log");
        std::fs::write(&path, log).expect("it can be written");
        let report = whole(&path);
        let gaps: Vec<String> = gaps(&report).into_iter().map(str::to_owned).collect();
        (tables(&report).into_keys().collect::<Vec<String>>(), gaps)
    };
    let (told, said) = read(&[head, lines, timed].concat());
    let of = |table: &str| format!("web 10.20.0.12 read shop.{table} ok app");
    assert_eq!(told, ["cust", "items", "orders"].map(of));
    assert_eq!(said, ["one-sided", "unknown-zone"]);
    // Without any time nothing of it has one.
    let (told, said) = read(&[head, lines].concat());
    assert_eq!((told, said), (Vec::new(), vec!["unrecognised".to_owned()]));
}

/// One record of each class, on a line each and spread over lines, in an array that nobody closed.
#[test]
fn audit_logs_in_json_are_read_as_documented() {
    let records = [
        r#"{ "timestamp": "2026-11-22 22:26:12", "id": 0, "class": "connection", "event": "connect", "connection_id": 42, "account": { "user": "app", "host": "web1" }, "login": { "user": "app", "os": "", "ip": "10.0.3.7", "proxy": "" }, "connection_data": { "connection_type": "ssl", "status": 0, "db": "shop", "connection_attributes": { "_pid": "3", "program_name": "checkout" } } }"#,
        r#"{ "timestamp": "2026-11-22 22:26:13", "id": 0, "class": "table_access", "event": "insert", "connection_id": 42, "account": { "user": "app", "host": "web1" }, "login": { "user": "app", "os": "", "ip": "10.0.3.7", "proxy": "" }, "table_access_data": { "db": "shop", "table": "Orders", "query": "INSERT INTO Orders VALUES (1, '{')", "sql_command": "insert" } }"#,
        r#"{ "timestamp": "2026-11-22 22:26:13", "id": 1, "class": "general", "event": "status", "connection_id": 42, "account": { "user": "app", "host": "web1" }, "login": { "user": "app", "os": "", "ip": "10.0.3.7", "proxy": "" }, "general_data": { "command": "Query", "sql_command": "insert", "query": "INSERT INTO Orders VALUES (1, '{')", "status": 0 } }"#,
        r#"{ "timestamp": "2026-11-22 22:26:14", "id": 0, "class": "general", "event": "status", "connection_id": 42, "account": { "user": "app", "host": "web1" }, "login": { "user": "app", "os": "", "ip": "10.0.3.7", "proxy": "" }, "general_data": { "command": "Query", "sql_command": "select", "query": "SELECT a FROM secrets", "status": 1142 } }"#,
        r#"{ "timestamp": "2026-11-22 22:26:15", "id": 0, "class": "connection", "event": "disconnect", "connection_id": 42, "account": { "user": "app", "host": "web1" }, "login": { "user": "app", "os": "", "ip": "10.0.3.7", "proxy": "" }, "connection_data": { "connection_type": "ssl", "status": 0 } }"#,
    ];
    let wanted = [
        "connected|2026-11-22T22:26:12Z||10.0.3.7|||2a||ok|",
        "authorized|2026-11-22T22:26:12Z|app|10.0.3.7|checkout|shop|2a||ok|",
        "tables|2026-11-22T22:26:13Z|app|10.0.3.7|||2a||ok|insert into orders values(?)|write shop.orders",
        "statement|2026-11-22T22:26:13Z|app|10.0.3.7|||2a||ok|insert into orders values(?)",
        "statement|2026-11-22T22:26:14Z|app|10.0.3.7|||2a||denied|select a from secrets",
        "disconnected|2026-11-22T22:26:15Z|app|10.0.3.7|||2a||ok|",
    ];
    let without_line = |lines: Vec<String>| -> Vec<String> {
        lines.iter().map(|line| line.split_once('|').expect("it has parts").1.to_owned()).collect()
    };
    assert_eq!(
        without_line(inspected(&format!("[\n{},\n", records.join(",\n")))),
        wanted,
        "a line each, not closed"
    );
    let spread = records.join(",\n").replace(", \"", ",\n  \"");
    assert_eq!(without_line(inspected(&format!("[\n{spread}\n]\n"))), wanted, "spread over lines");
    assert_eq!(without_line(inspected(&format!("[{}]", records.join(",")))), wanted, "all on one line");

    // The table the server named and the statement are one use; the one that was refused is an attempt.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("audit.json");
    std::fs::write(&path, format!("[\n{},\n", records.join(",\n"))).expect("it can be written");
    let told: Vec<String> =
        tables(&whole(&path)).into_iter().map(|(link, count)| format!("{link} {count}")).collect();
    assert_eq!(told, ["app server read shop.secrets denied app 1", "app server write shop.orders ok app 1"]);
}

#[test]
fn the_older_audit_log_of_percona_is_read_as_documented() {
    let log = r#"{"audit_record":{"name":"Connect","record":"6_2026-11-22","timestamp":"2026-11-22T22:26:12 UTC","connection_id":"42","status":0,"user":"app","priv_user":"app","os_login":"","proxy_user":"","host":"web1","ip":"10.0.3.7","db":"shop"}}
{"audit_record":{"name":"Query","record":"7_2026-11-22","timestamp":"2026-11-22T22:26:13 UTC","command_class":"select","connection_id":"42","status":0,"sqltext":"SELECT \"a\\n\" FROM t","user":"app[app] @ web1 [10.0.3.7]","host":"web1","os_user":"","ip":"10.0.3.7","db":"shop"}}
{"audit_record":{"name":"Quit","record":"8_2026-11-22","timestamp":"2026-11-22T22:26:14 UTC","connection_id":"42","status":0,"user":"app","priv_user":"app","os_login":"","proxy_user":"","host":"web1","ip":"10.0.3.7","db":"shop"}}
"#;
    assert_eq!(
        inspected(log),
        [
            "1|connected|2026-11-22T22:26:12Z||10.0.3.7|||2a||ok|",
            "1|authorized|2026-11-22T22:26:12Z|app|10.0.3.7||shop|2a||ok|",
            "2|statement|2026-11-22T22:26:13Z|app|10.0.3.7||shop|2a||ok|select ? from t",
            "3|disconnected|2026-11-22T22:26:14Z|app|10.0.3.7||shop|2a||ok|",
        ]
    );
}

/// What only looks like one of these logs is none of them.
#[test]
fn what_looks_similar_is_no_log() {
    for text in [
        "20261126 00:20:13,db1,app,10.0.0.1,4,1,SOMETHING,shop,'SELECT 1',0\n",
        "name,host,user\n20261126,db1,app\n",
        "[{\"timestamp\": \"2026-11-22 22:26:12\", \"level\": \"info\", \"class\": \"Main\"}]\n",
        "\t\t     4 Unknown\tSELECT a FROM t\n",
        "# User@Host is documented in the manual\n# Time: is, too\nSELECT 1;\n",
    ] {
        assert_eq!(inspected(text), Vec::<String>::new(), "{text}");
    }
}

/// What one shape is understood as, it is understood as in each of its texts.
#[test]
fn statements_of_one_shape_are_understood_once_and_alike() {
    use whodepends::sql::{Cache, Dialect, analyse};
    let shared = Cache::new(Dialect::MySql);
    let tables = |text: &str| -> Vec<String> {
        shared.understand(text).analysis.tables.iter().map(|it| it.parts.join(".")).collect()
    };
    for texts in [
        &[
            "SELECT a FROM t WHERE b = 'it\\'s' AND c = 1",
            "select a from `t` where b = \"say \\\"FROM x\\\"\" and c = 22",
            "SELECT /* FROM x /* */ a FROM t # FROM y\n WHERE b = 'C:\\\\' -- FROM z\n AND c = -3",
        ][..],
        &["INSERT INTO `t` VALUES (1, 'a'), (2, 'b')", "INSERT INTO t VALUES (5, \"c\\\\\")"],
        &[
            "UPDATE shop.`Order Items` SET a = 1 WHERE b IN (1, 2)",
            "UPDATE shop.`Order Items` SET a = 7 WHERE b IN (3)",
        ],
        &["SELECT 5--3 FROM t", "SELECT 6--4 FROM t"],
        &["DELETE FROM t WHERE a = 0x1F", "DELETE FROM t WHERE a = 31"],
    ] {
        let first = tables(texts[0]);
        assert!(!first.is_empty(), "{texts:?}");
        for text in texts {
            assert_eq!(shared.understand(text).shape, shared.understand(texts[0]).shape, "{text}");
            assert_eq!(tables(text), first, "{text}");
            let own: Vec<String> =
                analyse(text, Dialect::MySql).tables.iter().map(|it| it.parts.join(".")).collect();
            assert_eq!(own, first, "{text}");
        }
    }
    // `--` without a blank behind it is no comment, and system variables are no parameters.
    let other =
        |a: &str, b: &str| assert_ne!(shared.understand(a).shape, shared.understand(b).shape, "{a} and {b}");
    other("SELECT 5--3 FROM t", "SELECT 5");
    other("SELECT @@version_comment LIMIT 1", "SELECT @@hostname LIMIT 1");
}

#[test]
fn what_drivers_monitors_and_upkeep_send_is_classed_so() {
    use whodepends::evidence::Class;
    use whodepends::sql::{Cache, Dialect};
    let cache = Cache::new(Dialect::MySql);
    for (sql, class) in [
        ("SELECT 1", Class::Keepalive),
        ("/* ping */ SELECT 1", Class::Keepalive),
        ("select @@version_comment limit 1", Class::Keepalive),
        ("SELECT @@session.transaction_isolation", Class::Keepalive),
        (
            "SELECT @@session.auto_increment_increment AS auto_increment_increment, @@license AS license",
            Class::Keepalive,
        ),
        ("SHOW GLOBAL STATUS", Class::Monitoring),
        ("SHOW FULL PROCESSLIST", Class::Monitoring),
        ("SHOW SLAVE STATUS", Class::Monitoring),
        ("OPTIMIZE TABLE t", Class::Maintenance),
        ("FLUSH TABLES", Class::Maintenance),
        ("SELECT a FROM t", Class::App),
        ("SELECT @@version, a FROM t", Class::App),
        ("SHOW TABLES", Class::App),
    ] {
        assert_eq!(cache.understand(sql).class, class, "{sql}");
    }
}
