//! Who is who in companies of a few lines: what joins, and beside each the near miss that does not.

use std::collections::BTreeSet;
use whodepends::scan::Plan;

/// The verdicts on consumers of a folder of these files, as `rule consumer resource`.
fn verdicts(files: &[(&str, &str)]) -> BTreeSet<String> {
    verdicts_of(&files.iter().map(|(name, text)| (*name, text.as_bytes())).collect::<Vec<_>>())
}

fn verdicts_of(files: &[(&str, &[u8])]) -> BTreeSet<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("it can be made");
        std::fs::write(path, text).expect("it can be written");
    }
    let plan = Plan {
        paths: vec![folder.path().to_path_buf()],
        config: None,
        as_of: Some("2026-11-24".to_owned()),
        since: None,
        until: None,
        kinds: Vec::new(),
        filter: None,
        block_bytes: 1 << 20,
    };
    let report = whodepends::scan::scan(&plan, &|_, _| {}).expect("it can be scanned").report;
    let report = serde_json::to_value(&report).expect("a report is JSON");
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
    let who = ["shadow-consumer", "borrowed-credentials", "unofficial-consumer", "undeclared-use"];
    report["findings"]
        .as_array()
        .expect("findings are a list")
        .iter()
        .filter(|it| who.contains(&&*text(it, "rule")))
        .map(|it| format!("{} {} {}", text(it, "rule"), text(it, "consumer"), text(it, "resource")))
        .collect()
}

fn told(verdicts: &[&str]) -> BTreeSet<String> {
    verdicts.iter().map(|it| (*it).to_owned()).collect()
}

/// Lines of a PostgreSQL log, one statement each: login, application, address, table.
fn statements(all: &[(&str, &str, &str, &str)]) -> String {
    let line = |(n, (user, application, address, table)): (usize, &(&str, &str, &str, &str))| {
        format!(
            "2026-11-16 10:{n:02}:30.000 UTC [{}] user={user},db=shop,app={application},client={address} LOG:  duration: 0.100 ms  \
             statement: SELECT id FROM public.{table}\n",
            100 + n
        )
    };
    all.iter().enumerate().map(line).collect()
}

const SERVICES: &str = r#"
[[host]]
name = "app1"
addresses = ["10.0.1.1"]
[[host]]
name = "app2"
addresses = ["10.0.1.2"]
[[system]]
kind = "database"
name = "db"
addresses = ["10.0.0.1:5432"]
databases = ["shop"]
[[consumer]]
kind = "service"
name = "orders"
users = ["orders"]
hosts = ["app1"]
applications = ["orders"]
uses = ["db"]
[[consumer]]
kind = "service"
name = "billing"
users = ["billing"]
hosts = ["app2"]
applications = ["billing"]
uses = ["db"]
[[source]]
path = "pg.log"
server = "db"
"#;

#[test]
fn a_host_from_which_alone_several_logins_come_is_a_way_to_the_server() {
    let both = statements(&[
        ("orders", "orders", "10.0.0.9", "t"),
        ("billing", "billing", "10.0.0.9", "t"),
        ("unknown", "x", "10.0.0.9", "t"),
    ]);
    assert_eq!(
        verdicts(&[("whodepends.toml", SERVICES), ("pg.log", &both)]),
        told(&["shadow-consumer client:unknown@10.0.0.9 database:db/shop"])
    );
    // Whoever borrows logins is seen beside their owners.
    let beside = statements(&[
        ("orders", "orders", "10.0.1.1", "t"),
        ("billing", "billing", "10.0.1.2", "t"),
        ("orders", "orders", "10.0.0.9", "t"),
        ("billing", "billing", "10.0.0.9", "t"),
    ]);
    assert_eq!(
        verdicts(&[("whodepends.toml", SERVICES), ("pg.log", &beside)]),
        told(&[
            "borrowed-credentials client:billing@10.0.0.9 database:db/shop",
            "borrowed-credentials client:orders@10.0.0.9 database:db/shop",
        ])
    );
}

#[test]
fn a_person_with_a_services_login_on_its_host_is_not_the_service() {
    let by_hand = statements(&[
        ("orders", "orders", "10.0.1.1", "t"),
        ("orders", "psql", "10.0.1.1", "t"),
        // A library's name is no program for people.
        ("billing", "PostgreSQL JDBC Driver", "10.0.1.2", "t"),
    ]);
    assert_eq!(
        verdicts(&[("whodepends.toml", SERVICES), ("pg.log", &by_hand)]),
        told(&["borrowed-credentials client:orders@app1 database:db/shop"])
    );
    // Of a service whose name for itself nobody knows, psql may be a part; a program with windows is none.
    let nameless = SERVICES.replace("applications = [\"orders\"]\n", "");
    let typed = statements(&[("orders", "", "10.0.1.1", "t"), ("orders", "psql", "10.0.1.1", "t")]);
    assert_eq!(verdicts(&[("whodepends.toml", &nameless), ("pg.log", &typed)]), told(&[]));
    let windows =
        statements(&[("orders", "", "10.0.1.1", "t"), ("orders", "pgAdmin 4 - DB:shop", "10.0.1.1", "t")]);
    assert_eq!(
        verdicts(&[("whodepends.toml", &nameless), ("pg.log", &windows)]),
        told(&["borrowed-credentials client:orders@app1 database:db/shop"])
    );
    let person =
        nameless.replace("kind = \"service\"\nname = \"orders\"", "kind = \"person\"\nname = \"orders\"");
    assert_eq!(verdicts(&[("whodepends.toml", &person), ("pg.log", &windows)]), told(&[]));
}

const POOLED: &str = "\
2026-11-16 10:00:29.900 UTC [7] LOG C-0x1: shop/orders@10.0.1.1:4001 login attempt: db=shop user=orders tls=no
2026-11-16 10:00:29.910 UTC [7] LOG S-0x2: shop/orders@10.0.0.1:5432 new connection to server (from 10.0.0.5:5001)
2026-11-16 10:01:29.900 UTC [7] LOG C-0x3: shop/orders@10.0.3.3:4002 login attempt: db=shop user=orders tls=no
2026-11-16 10:02:29.900 UTC [7] LOG C-0x4: shop/feed@10.0.3.4:4003 login attempt: db=shop user=feed tls=no
";

/// Whom a log of these sessions is of, where no inventory knows anybody: the consumers of findings.
fn strangers(sessions: &[(&str, &str, &str, &str)], more: &str) -> BTreeSet<String> {
    let log = statements(sessions) + more;
    let found = verdicts(&[("whodepends.toml", SERVICES), ("logs/db/postgresql.log", &log)]);
    let consumer = |it: &String| Some(it.split_once(' ')?.1.rsplit_once(' ')?.0.to_owned());
    found.iter().filter_map(consumer).filter(|it| it.starts_with("client:")).collect()
}

#[test]
fn programs_that_say_their_names_under_one_login_from_one_address_are_several_clients() {
    let office = "10.0.9.1";
    let three = [
        ("report", "EXCEL", office, "orders"),
        ("report", "planner 2.1", office, "orders"),
        ("report", "psql", office, "orders"),
        ("report", "planner 2.2", office, "items"),
        ("report", "planner 2.2", "10.0.9.2", "items"),
    ];
    let apart = told(&[
        "client:report@10.0.9.1/excel",
        "client:report@10.0.9.1/planner",
        "client:report@10.0.9.1/psql",
        "client:report@10.0.9.2",
    ]);
    assert_eq!(strangers(&three, ""), apart);
    // A connection that says no name may be of either of two that say theirs later, and is nobody else's.
    let came = "2026-11-16 11:00:30.000 UTC [200] user=report,db=shop,app=[unknown],client=10.0.9.1 LOG:  connection \
                authorized: user=report database=shop\n";
    assert_eq!(strangers(&three, came), apart);
    // psql says its name at once: what comes without one is no psql's.
    let beside = [("report", "psql", office, "orders"), ("report", "[unknown]", office, "items")];
    assert_eq!(strangers(&beside, ""), told(&["client:report@10.0.9.1", "client:report@10.0.9.1/psql"]));
}

#[test]
fn what_changes_its_name_or_says_it_late_is_one_client() {
    let office = "10.0.9.1";
    let one = told(&["client:report@10.0.9.1"]);
    let numbers = [
        "sync-worker-1",
        "sync-worker-2",
        "sync-worker/3.1",
        "Sync-worker - load (4f2a9c01)",
        "sync-worker[77]",
    ];
    let numbered: Vec<_> = numbers.iter().map(|name| ("report", *name, office, "orders")).collect();
    assert_eq!(strangers(&numbered, ""), one);
    let late = [
        ("report", "[unknown]", office, "orders"),
        ("report", "PostgreSQL JDBC Driver", office, "orders"),
        ("report", "planner", office, "orders"),
    ];
    assert_eq!(strangers(&late, ""), one);
    // So many names are no programs: something else names the sessions.
    let names: Vec<String> = ('a'..='n').map(|letter| format!("user-{letter}{letter}")).collect();
    let many: Vec<_> = names.iter().map(|name| ("report", name.as_str(), office, "orders")).collect();
    assert_eq!(strangers(&many, ""), one);
    // With a listed consumer's login, too, beside which one other program is one client.
    let borrowed = [
        ("orders", "orders", "10.0.1.1", "orders"),
        ("orders", "psql", "10.0.1.1", "orders"),
        ("orders", "psql", "10.0.9.4", "orders"),
    ];
    assert_eq!(strangers(&borrowed, ""), told(&["client:orders@app1", "client:orders@10.0.9.4"]));
}

#[test]
fn a_poolers_clients_are_told_by_login_name_and_clock() {
    let pg = statements(&[
        ("orders", "orders", "10.0.0.5", "t"),
        ("orders", "sheet", "10.0.0.5", "t"),
        ("feed", "feed", "10.0.0.5", "t"),
    ]);
    assert_eq!(
        verdicts(&[("whodepends.toml", SERVICES), ("pg.log", &pg), ("pgbouncer.log", POOLED)]),
        told(&[
            "borrowed-credentials client:orders@10.0.3.3 database:db/shop",
            "shadow-consumer client:feed@10.0.3.4 database:db/shop",
        ])
    );
    // Whom the pooler's log does not show under that login came from the pooler's own host.
    let other = statements(&[("orders", "orders", "10.0.0.5", "t"), ("root", "psql", "10.0.0.5", "t")]);
    let found = verdicts(&[("whodepends.toml", SERVICES), ("pg.log", &other), ("pgbouncer.log", POOLED)]);
    assert!(found.contains("shadow-consumer client:root@10.0.0.5 database:db/shop"), "{found:?}");
}

#[test]
fn two_behind_a_pooler_that_nothing_tells_apart_are_neither() {
    let pooled = POOLED.replace("10:01:29.900", "10:00:29.950");
    let pg = statements(&[("orders", "[unknown]", "10.0.0.5", "t")]);
    let quiet = SERVICES.replace("applications = [\"orders\"]\n", "");
    let found = verdicts(&[("whodepends.toml", &quiet), ("pg.log", &pg), ("pgbouncer.log", &pooled)]);
    // The connection of the one that nobody knows was seen; the statement is put to nobody.
    assert_eq!(
        found,
        told(&[
            "borrowed-credentials client:orders@10.0.3.3 database:db/shop",
            "shadow-consumer client:feed@10.0.3.4 database:db/shop",
        ])
    );
}

const CATALOG: &str = "\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: price-feed
spec:
  type: service
  owner: team-a
  dependsOn: [resource:default/db]
";

const BARE: &str = r#"
[[system]]
kind = "database"
name = "db"
databases = ["shop"]
[[source]]
path = "pg.log"
server = "db"
"#;

#[test]
fn a_client_that_is_called_like_a_listed_consumer_is_it_unless_something_says_otherwise() {
    let pg = statements(&[
        ("etl", "price-feed", "10.0.1.7", "t"),
        ("price_feed", "x", "10.0.1.8", "t"),
        ("etl", "price-feeder", "10.0.1.9", "t"),
    ]);
    assert_eq!(
        verdicts(&[("whodepends.toml", BARE), ("catalog-info.yaml", CATALOG), ("pg.log", &pg)]),
        told(&["shadow-consumer client:etl@10.0.1.9 database:db/shop"])
    );
    let placed = format!(
        "{BARE}[[host]]\nname = \"app7\"\naddresses = [\"10.0.1.7\"]\n[[consumer]]\nkind = \"service\"\nname = \"price-feed\"\nhosts = \
         [\"app7\"]\nuses = [\"db\"]\n"
    );
    assert_eq!(
        verdicts(&[("whodepends.toml", &placed), ("pg.log", &pg)]),
        told(&[
            "shadow-consumer client:etl@10.0.1.9 database:db/shop",
            "shadow-consumer client:price_feed@10.0.1.8 database:db/shop",
        ])
    );
}

const API: &str = r#"
[[host]]
name = "app1"
addresses = ["10.0.1.1"]
[[system]]
kind = "service"
name = "prices"
addresses = ["10.0.1.9:80"]
[[consumer]]
kind = "service"
name = "shop"
hosts = ["app1"]
uses = ["prices"]
[[source]]
path = "access.log"
server = "prices"
"#;

fn requests(all: &[(&str, &str, &str)]) -> String {
    let line = |(n, (address, path, agent)): (usize, &(&str, &str, &str))| {
        format!(
            "{address} - - [16/Nov/2026:10:{n:02}:00 +0000] \"GET {path} HTTP/1.1\" 200 12 \"-\" \"{agent}\"\n"
        )
    };
    all.iter().enumerate().map(line).collect()
}

#[test]
fn of_two_programs_on_a_listed_consumers_host_neither_is_it_by_the_host_alone() {
    let one =
        requests(&[("10.0.1.1", "/v1/prices", "okhttp/4.9"), ("10.0.1.1", "/v1/prices", "okhttp/4.12")]);
    assert_eq!(verdicts(&[("whodepends.toml", API), ("access.log", &one)]), told(&[]));
    let two = requests(&[("10.0.1.1", "/v1/prices", "okhttp/4.9"), ("10.0.1.1", "/v1/prices", "sheet/1")]);
    assert_eq!(
        verdicts(&[("whodepends.toml", API), ("access.log", &two)]),
        told(&[
            "shadow-consumer client:okhttp@app1 service:prices",
            "shadow-consumer client:sheet@app1 service:prices",
        ])
    );
    // Of which one it says that it is its own.
    let named = API.replace("hosts = [\"app1\"]", "hosts = [\"app1\"]\napplications = [\"okhttp\"]");
    assert_eq!(
        verdicts(&[("whodepends.toml", &named), ("access.log", &two)]),
        told(&["shadow-consumer client:sheet@app1 service:prices"])
    );
}

#[test]
fn who_asks_only_whether_a_server_is_well_is_no_consumer() {
    let log = requests(&[("10.0.1.5", "/healthz", "curl/8.5"), ("10.0.1.6", "/health/rollup", "curl/8.5")]);
    assert_eq!(
        verdicts(&[("whodepends.toml", API), ("access.log", &log)]),
        told(&["shadow-consumer client:curl@10.0.1.6 service:prices"])
    );
}

const LEASES: &str = "\
lease 10.0.4.5 {
  starts 1 2026/11/16 09:00:00;
  ends 1 2026/11/16 10:00:59;
  binding state active;
  client-hostname \"ann\";
}
lease 10.0.4.5 {
  starts 1 2026/11/16 10:01:00;
  ends 1 2026/11/16 10:01:59;
  binding state active;
  client-hostname \"bob\";
}
";

#[test]
fn one_address_is_each_time_whoever_had_it() {
    let pg = statements(&[
        ("ro", "r", "10.0.4.5", "t"),
        ("ro", "r", "10.0.4.5", "t"),
        // Nobody is known to have had it.
        ("ro", "r", "10.0.4.5", "t"),
    ]);
    assert_eq!(
        verdicts(&[("whodepends.toml", BARE), ("dhcpd.leases", LEASES), ("pg.log", &pg)]),
        told(&[
            "shadow-consumer client:ro@10.0.4.5 database:db/shop",
            "shadow-consumer client:ro@ann database:db/shop",
            "shadow-consumer client:ro@bob database:db/shop",
        ])
    );
}

const GENERAL_LOG: &str = "\
mariadbd, Version: 10.11.6-MariaDB-log (Debian 12). started with:
Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock
Time\t\t    Id Command\tArgument
261116 10:00:00\t     5 Connect\tzbx_monitor@10.0.5.5 on tickets using TCP/IP
\t\t     5 Query\tSELECT COUNT(*) FROM tickets
\t\t     5 Quit\t
261116 10:00:05\t     6 Connect\tticket_exporter@10.0.5.6 on tickets using TCP/IP
\t\t     6 Query\tSELECT COUNT(*) FROM tickets
\t\t     6 Quit\t
";

#[test]
fn a_login_that_watchers_ask_for_watches_where_no_program_is_told() {
    assert_eq!(
        verdicts(&[("general.log", GENERAL_LOG)]),
        told(&["shadow-consumer client:ticket_exporter@10.0.5.6 database:mysql-general:general.log/tickets"])
    );
}

#[test]
fn through_a_way_whose_log_is_missing_whoever_calls_itself_otherwise_is_somebody_else() {
    let by_way = SERVICES.replace("[\"10.0.0.1:5432\"]", "[\"10.0.0.1:5432\", \"10.0.0.5:6432\"]");
    let hosts = "[[host]]\nname = \"db1\"\naddresses = [\"10.0.0.1\"]\n[[host]]\nname = \"pool1\"\naddresses = [\"10.0.0.5\"]\n";
    let settings = format!("{hosts}{by_way}");
    let pg = statements(&[
        ("orders", "orders", "10.0.0.5", "t"),
        ("orders", "PostgreSQL JDBC Driver", "10.0.0.5", "t"),
        ("orders", "sheet", "10.0.0.5", "t"),
    ]);
    assert_eq!(
        verdicts(&[("whodepends.toml", &settings), ("pg.log", &pg)]),
        told(&["borrowed-credentials client:orders@pool1 database:db/shop"])
    );
}

#[test]
fn a_pooler_that_is_listed_as_a_server_is_the_server_it_leads_to() {
    let listed = format!(
        "{SERVICES}[[system]]\nkind = \"database\"\nname = \"pool\"\naddresses = [\"10.0.0.5:6432\"]\n[[source]]\npath = \
         \"pgbouncer.log\"\nserver = \"pool\"\n"
    );
    let pg = statements(&[("orders", "orders", "10.0.0.5", "t"), ("orders", "sheet", "10.0.0.5", "t")]);
    let found = verdicts(&[("whodepends.toml", &listed), ("pg.log", &pg), ("pgbouncer.log", POOLED)]);
    assert_eq!(
        found,
        told(&[
            "borrowed-credentials client:orders@10.0.3.3 database:db/shop",
            "shadow-consumer client:feed@10.0.3.4 database:db/shop",
        ])
    );
}

#[test]
fn of_an_encrypted_connection_counts_what_an_inventory_knows_the_server_of() {
    let capture = include_bytes!("../fixtures/estate/world/captures/arch1.pcap").as_slice();
    let found =
        |settings: &str| verdicts_of(&[("whodepends.toml", settings.as_bytes()), ("arch1.pcap", capture)]);
    let archive = "[[system]]\nkind = \"service\"\nname = \"archive\"\n";
    let by_name = format!("{archive}addresses = [\"archive.hollin.example:443\"]\n");
    let both = told(&[
        "shadow-consumer client:10.60.1.13 service:archive",
        "shadow-consumer client:10.60.3.41 service:archive",
    ]);
    assert_eq!(found(&by_name), both);
    assert_eq!(found(&format!("{archive}addresses = [\"10.60.1.40:443\"]\n")), both);
    // A server that nobody lists, and clients that are nobody of ours.
    assert_eq!(found("as_of = \"2026-11-24\"\n"), told(&[]));
    assert_eq!(found(&format!("[estate]\nnetworks = [\"10.60.1.40/32\"]\n{by_name}")), told(&[]));
}

#[test]
fn a_number_behind_its_name_makes_a_listed_program_no_other_one() {
    let listed = |name: &str| {
        format!(
            "[[consumer]]\nkind = \"service\"\nname = \"{name}\"\nusers = [\"shared\"]\nhosts = [\"app1\"]\napplications = [\"{name}\"]\nuses = [\"db\"]\n"
        )
    };
    let settings = SERVICES.split("[[consumer]]").next().unwrap_or("").to_owned()
        + &listed("orders")
        + &listed("mailer");
    let seen = |names: &[&str]| {
        let sessions: Vec<_> = names.iter().map(|name| ("shared", *name, "10.0.1.1", "t")).collect();
        let all = verdicts(&[("whodepends.toml", &settings), ("pg.log", &statements(&sessions))]);
        let client = |it: &String| it.split(' ').find(|part| part.starts_with("client:")).map(str::to_owned);
        all.iter().filter_map(client).collect::<BTreeSet<_>>()
    };
    assert_eq!(seen(&["orders pool-3-thread-7", "mailer[12]", "orders"]), told(&[]));
    // Another name is neither's.
    assert_eq!(seen(&["orders-export", "mailer"]), told(&["client:shared@app1"]));
}
