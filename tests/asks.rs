//! What people ask of a scan before a migration, through the binary: who depends on this, what does that stand on, what of
//! all this reaches what we migrate, and what to ask whom. Whole answers are compared; the world is small enough to know
//! them by hand.

use std::path::Path;
use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_whodepends")).args(args).output().expect("the program starts")
}

fn text(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is UTF-8")
}

fn json(args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&text(args)).expect("it is JSON")
}

/// One line of a csvlog, as PostgreSQL 15 writes it (documentation, 20.8.4).
fn line(time: &str, who: &str, database: &str, end: &str) -> String {
    let (user, rest) = who.split_once('@').expect("user@address/application");
    let (address, application) = rest.split_once('/').expect("user@address/application");
    let session = time.replace(':', "");
    let begin =
        format!("2026-10-26 {time}.000 UTC,\"{user}\",\"{database}\",7,\"{address}:5000\",6abc{session}.7,1");
    let end = end.replace("APPLICATION", application);
    format!("{begin},\"SELECT\",2026-10-26 {time} UTC,1/1,0,{end},\"client backend\",,0\n")
}

fn ran(time: &str, who: &str, database: &str, sql: &str) -> String {
    let end = format!("LOG,00000,\"duration: 0.1 ms  statement: {sql}\",,,,,,,,,\"APPLICATION\"");
    line(time, who, database, &end)
}

fn refused(time: &str, who: &str, sql: &str) -> String {
    let end = format!("ERROR,42501,\"permission denied for table orders\",,,,,,\"{sql}\",,,\"APPLICATION\"");
    line(time, who, "shop", &end)
}

const SETTINGS: &str = r#"as_of = "2026-11-24"

[[system]]
kind = "database"
name = "shop-db"
addresses = ["db1:5432"]
databases = ["shop"]
owner = "team-data"

[[system]]
kind = "database"
name = "crm-db"
databases = ["crm"]

[[source]]
path = "shop.csv"
server = "shop-db"

[[source]]
path = "crm.csv"
server = "crm-db"

[[consumer]]
kind = "service"
name = "billing"
owner = "team-finance"
users = ["billing"]
applications = ["billing"]
uses = ["shop-db"]

[[consumer]]
kind = "service"
name = "crm"
owner = "team-sales"
users = ["crmapp"]
uses = ["crm-db"]
"#;

/// A view, a job's table, a refused client, a backup, and a second database that only its service and one person use.
fn world(more: &str) -> tempfile::TempDir {
    let shop = [
        ran(
            "10:00:01",
            "owner@10.0.0.9/psql",
            "shop",
            "CREATE VIEW public.open_orders AS SELECT id FROM public.orders WHERE status = 'open'",
        ),
        ran("10:01:00", "billing@10.0.1.1/billing", "shop", "SELECT id FROM public.orders WHERE id = 1"),
        ran("10:01:10", "billing@10.0.1.1/billing", "shop", "SELECT id FROM public.orders WHERE id = 2"),
        ran("10:02:00", "report@10.0.3.7/Tableau", "shop", "SELECT id FROM public.open_orders"),
        ran(
            "10:03:00",
            "loader@10.0.2.1/psql",
            "shop",
            "INSERT INTO public.daily (id) SELECT id FROM public.orders",
        ),
        ran("10:04:00", "ledger@10.0.2.2/psql", "shop", "SELECT id FROM public.daily"),
        ran("10:05:00", "other@10.0.4.1/psql", "shop", "SELECT x FROM public.prices"),
        refused("10:06:00", "guest@10.0.9.9/psql", "SELECT id FROM public.orders"),
        ran("10:07:00", "backup@10.0.0.8/pg_dump", "shop", "COPY public.orders (id) TO stdout"),
    ];
    let crm = [
        ran("11:00:00", "crmapp@10.0.5.5/crm", "crm", "SELECT id FROM crm.accounts"),
        ran("11:01:00", "owner@10.0.0.9/psql", "crm", "SELECT id FROM crm.accounts"),
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let put =
        |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("it can be written");
    put("shop.csv", shop.concat());
    put("crm.csv", crm.concat());
    put("whodepends.toml", format!("{SETTINGS}{more}"));
    folder
}

fn shown(folder: &tempfile::TempDir) -> &str {
    folder.path().to_str().expect("its name is UTF-8")
}

#[test]
fn who_depends_on_a_table_is_read_at_a_glance_with_views_and_jobs_behind_it() {
    let world = world("");
    let wanted = "\
table:shop-db/shop/public.orders
observed from 2026-10-26T10:00:01Z to 2026-10-26T11:01:00Z (1 day)

Directly: 4 consumers, 3 SHADOW, 1 of the server's own upkeep and watchers
table:shop-db/shop/public.open_orders  <- a view over table:shop-db/shop/public.orders
  SHADOW  client:owner@10.0.0.9 (person)    touch, write  once, 2026-10-26T10:00:01Z          observed
            user owner; application psql; from 10.0.0.9
  SHADOW  client:report@10.0.3.7 (bi-tool)  read          once, 2026-10-26T10:02:00Z          observed
            user report; application Tableau; from 10.0.3.7
table:shop-db/shop/public.orders
  SHADOW  client:loader@10.0.2.1 (person)   read          once, 2026-10-26T10:03:00Z          observed
            user loader; application psql; from 10.0.2.1
  SHADOW  client:owner@10.0.0.9 (person)    read          once, 2026-10-26T10:00:01Z          observed
            user owner; application psql; from 10.0.0.9
          service:billing                   read          2 times, last 2026-10-26T10:01:10Z  declared, observed, medium confidence; team-finance
            user billing; application billing; from 10.0.1.1
  backup  client:backup@10.0.0.8            read          once, 2026-10-26T10:07:00Z          observed
            user backup; application pg_dump; from 10.0.0.8

Behind them: who takes what they make of it: 1 consumer, 1 SHADOW
table:shop-db/shop/public.daily  <- filled by client:loader@10.0.2.1
  SHADOW  client:ledger@10.0.2.2 (person)  read  once, 2026-10-26T10:04:00Z  observed
            user ledger; application psql; from 10.0.2.2

Tried in vain, which is no use:
  client:guest@10.0.9.9  read of table:shop-db/shop/public.orders: denied; once, 2026-10-26T10:06:00Z

Shared among the direct ones:
  application psql: client:owner@10.0.0.9, client:loader@10.0.2.1

Who looked at shop-db:
  2026-10-26T10:00:01Z to 2026-10-26T10:07:00Z  sees all  postgres-csvlog:shop.csv
";
    assert_eq!(text(&["on", "public.orders", shown(&world)]), wanted);
}

#[test]
fn a_report_and_an_evidence_file_answer_as_the_scan_does() {
    let world = world("");
    let path = |name: &str| world.path().join(name).display().to_string();
    let (report, kept) = (path("report.json"), path("all.evidence.jsonl.zst"));
    for args in [["public.orders", "2"], ["table:*", "1"], ["shop-*", "3"]] {
        let asked = |more: &[&str]| {
            let whole = [&["on", args[0], "--depth", args[1], "--format", "json"], more].concat();
            text(&whole)
        };
        let scanned = asked(&[shown(&world)]);
        if !Path::new(&report).exists() {
            text(&["collect", shown(&world), "-o", &kept]);
            text(&["scan", &kept, "--out", &format!("json={report}")]);
        }
        // What lies in the folder by now is no part of the world.
        assert_eq!(asked(&["--from", &report]), asked(&["--from", &kept]), "{args:?}");
        if args[1] == "2" {
            let of = |text: &str| -> serde_json::Value { serde_json::from_str(text).expect("it is JSON") };
            assert_eq!(of(&asked(&["--from", &report]))["dependents"], of(&scanned)["dependents"]);
        }
    }
}

#[test]
fn a_consumer_stands_on_what_fills_what_it_reads_and_a_view_on_its_tables_alone() {
    let world = world("");
    let wanted = "\
client:report@10.0.3.7
observed from 2026-10-26T10:00:01Z to 2026-10-26T11:01:00Z (1 day)

Uses: 1 consumer, 1 SHADOW
client:report@10.0.3.7
  SHADOW  table:shop-db/shop/public.open_orders  read  once, 2026-10-26T10:02:00Z  observed
            a view over table:shop-db/shop/public.orders

Who looked at shop-db:
  2026-10-26T10:00:01Z to 2026-10-26T10:07:00Z  sees all  postgres-csvlog:shop.csv
";
    // Who made the view reads another database as well: nothing of that is in the view.
    assert_eq!(text(&["on", "user:report", "--reverse", shown(&world)]), wanted);
    let ledger = json(&["on", "client:ledger@10.0.2.2", "--reverse", shown(&world), "--format", "json"]);
    let row = |row: &serde_json::Value| {
        let word = |key: &str| row[key].as_str().unwrap_or("").to_owned();
        format!("{} {} {} <- {}", row["step"], word("consumer"), word("resource"), row["through"])
    };
    let told: Vec<String> = ledger["dependents"].as_array().expect("a list").iter().map(row).collect();
    let wanted = [
        "1 client:ledger@10.0.2.2 table:shop-db/shop/public.daily <- []",
        "2 client:loader@10.0.2.1 table:shop-db/shop/public.orders <- [\"table:shop-db/shop/public.daily\"]",
    ];
    assert_eq!(told, wanted);
    // A table is no consumer, and a consumer's login no resource.
    assert_eq!(run(&["on", "public.orders", "--reverse", shown(&world)]).status.code(), Some(2));
    assert_eq!(run(&["on", "user:report", shown(&world)]).status.code(), Some(2));
}

#[test]
fn a_job_that_its_scheduler_holds_back_for_another_hangs_behind_it() {
    let world = world("");
    let jobs = "insert_job: take\njob_type: c\nmachine: batch1\ndate_conditions: 1\ndays_of_week: all\nstart_times: \"02:00\"\n\
                command: psql -h db1 -d shop -U jobs -c \"SELECT id FROM public.orders\"\n\n\
                insert_job: mail\njob_type: c\nmachine: batch1\ncondition: s(take)\ncommand: /opt/mail.sh\n\n\
                insert_job: apart\njob_type: c\nmachine: batch1\ncondition: s(mail2)\ncommand: /opt/apart.sh\n";
    std::fs::write(world.path().join("jobs.jil"), jobs).expect("it can be written");
    let answer = json(&["on", "public.orders", shown(&world), "--format", "json"]);
    let is_job = |row: &&serde_json::Value| row["consumer"].as_str().is_some_and(|id| id.starts_with("job:"));
    let row = |row: &serde_json::Value| {
        format!("{} {} {} {}", row["step"], row["consumer"], row["actions"], row["resource"])
    };
    let told: Vec<String> =
        answer["dependents"].as_array().expect("a list").iter().filter(is_job).map(row).collect();
    let wanted = [
        "1 \"job:batch1/take\" [\"read\"] \"table:shop-db/shop/public.orders\"",
        "2 \"job:batch1/mail\" [\"waits for\"] \"job:batch1/take\"",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn that_nobody_was_seen_is_said_only_where_everybody_would_have_been() {
    let watched = world("");
    let wanted = "\
table:shop-db/shop/public.ordrs
observed from 2026-10-26T10:00:01Z to 2026-10-26T11:01:00Z (1 day)
NOTHING OF THIS SCAN NAMES IT: see that it is spelled so; did you mean table:shop-db/shop/public.orders?

Who looked at shop-db:
  2026-10-26T10:00:01Z to 2026-10-26T10:07:00Z  sees all  postgres-csvlog:shop.csv
Nobody was seen using table:shop-db/shop/public.ordrs, and what looked would have seen everybody for 1 day: what comes less often is not excluded.
";
    assert_eq!(text(&["on", "table:shop-db/shop/public.ordrs", shown(&watched)]), wanted);
    // Of a system that nothing watched nobody knows anything.
    let output = run(&["on", "table:old-db/x/public.orders", shown(&watched)]);
    assert_eq!(output.status.code(), Some(2));
    // A log of slow statements would not have seen the others.
    let slow = tempfile::tempdir().expect("a temporary folder");
    let log = "# Time: 2026-10-26T10:00:00.000000Z\n# User@Host: app[app] @ [10.0.1.1]  Id: 7\n\
               # Query_time: 3.5  Lock_time: 0.0 Rows_sent: 1  Rows_examined: 9\nuse shop;\nSET timestamp=1793008800;\nSELECT id FROM orders;\n";
    let settings = "[[system]]\nkind = \"database\"\nname = \"my-db\"\n[[source]]\npath = \"slow.log\"\nserver = \"my-db\"\n";
    std::fs::write(slow.path().join("slow.log"), log).expect("it can be written");
    std::fs::write(slow.path().join("whodepends.toml"), settings).expect("it can be written");
    let answer = json(&["on", "table:my-db/shop/shop.invoices", shown(&slow), "--format", "json"]);
    assert_eq!((&answer["verdict"], &answer["known"]), (&"not-watched".into(), &false.into()));
    let answer = json(&["on", "shop.orders", shown(&slow), "--format", "json"]);
    assert_eq!((&answer["verdict"], &answer["known"]), (&"seen".into(), &true.into()));
}

/// Consumers, findings and entities of a report, shortly.
fn told(report: &serde_json::Value) -> (Vec<String>, Vec<String>) {
    let list = |key: &str| report[key].as_array().expect("a list").clone();
    let links = list("links").iter().map(|link| link["id"].as_str().unwrap_or("").to_owned()).collect();
    let finding = |it: &serde_json::Value| {
        let word = |key: &str| it[key].as_str().unwrap_or("-").to_owned();
        format!("{}: {} on {}", word("rule"), word("consumer"), word("resource"))
    };
    (links, list("findings").iter().map(finding).collect())
}

#[test]
fn a_migration_is_told_with_what_reaches_it_and_what_is_left_out_is_counted() {
    let world = world("\n[migration]\nsystems = [\"crm-*\", \"crn-db\"]\n");
    let report = json(&["scan", shown(&world), "--format", "json"]);
    let (links, findings) = told(&report);
    let wanted = [
        "client:owner@10.0.0.9 read table:crm-db/crm/crm.accounts",
        "service:crm read table:crm-db/crm/crm.accounts",
    ];
    assert_eq!(links, wanted);
    assert_eq!(findings, ["shadow-consumer: client:owner@10.0.0.9 on database:crm-db/crm"]);
    let entities: Vec<&str> =
        report["entities"].as_array().expect("a list").iter().filter_map(|it| it["id"].as_str()).collect();
    let kept =
        ["client:owner@10.0.0.9", "database:crm-db/crm", "service:crm", "table:crm-db/crm/crm.accounts"];
    assert_eq!(entities, kept);
    let migration = serde_json::json!({
        "narrowed": true,
        "targets": [{"system": "crm-*", "matches": 2}, {"system": "crn-db", "matches": 0}],
        "left_out": report["migration"]["left_out"],
    });
    assert_eq!(report["migration"], migration);
    // What is told and what is left out are all there is.
    let plain = json(&["scan", shown(&self::world("")), "--format", "json"]);
    let count = |report: &serde_json::Value, key: &str| report[key].as_array().expect("a list").len();
    for key in ["links", "findings", "entities"] {
        let left = report["migration"]["left_out"][key].as_u64().expect("a number") as usize;
        assert_eq!(count(&report, key) + left, count(&plain, key), "{key}");
    }
    assert_eq!(report["surprise"]["observed_links"], 2);
    assert_eq!(report["surprise"]["shadow_links"], 1);
    assert!(plain.get("migration").is_none());
    // A name that means nothing is said at the head and is a gap.
    let printed = text(&["scan", shown(&world)]);
    assert!(printed.contains("\nMIGRATION TARGET crn-db MATCHES NOTHING OF THIS SCAN\n"), "{printed}");
    assert!(printed.contains("[migration] systems: \"crn-db\" matches nothing of this scan\n"), "{printed}");
}

#[test]
fn a_server_that_somebody_reaches_without_a_database_is_all_its_databases() {
    let general = "mariadbd, Version: 10.11.6-MariaDB-log (Debian 12). started with:\n\
                   Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock\nTime\t\t    Id Command\tArgument\n\
                   261026 10:00:01\t     3 Connect\tpeer@10.0.0.8 on  using TCP/IP\n\t\t     3 Quit\t\n\
                   \t\t     4 Connect\tlab@10.0.0.9 on drift using TCP/IP\n\
                   \t\t     4 Query\tINSERT INTO samples (id) VALUES (1)\n\t\t     4 Quit\t\n";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("it can be written");
    };
    write("general.log", general);
    let settings = "as_of = \"2026-11-24\"\n[[source]]\npath = \"general.log\"\nserver = \"assets-db\"\nzone = \"UTC\"\n\
                    [migration]\nsystems = [\"assets-db\"]\n";
    write("whodepends.toml", settings);
    let (links, _) = told(&json(&["scan", shown(&folder), "--format", "json"]));
    let lab = "client:lab@10.0.0.9 write table:assets-db/drift/drift.samples".to_owned();
    assert!(links.contains(&lab), "{links:?}");
    for pattern in ["assets-db", "database:assets-db"] {
        let answer = text(&["on", pattern, shown(&folder)]);
        assert!(
            answer.contains("client:lab@10.0.0.9") && answer.contains("client:peer@10.0.0.8"),
            "{answer}"
        );
    }
    // A database of it is that one alone.
    let answer = text(&["on", "database:assets-db/drift", shown(&folder)]);
    assert!(answer.contains("client:lab@10.0.0.9") && !answer.contains("client:peer@10.0.0.8"), "{answer}");
}

#[test]
fn what_passes_on_what_is_migrated_reaches_it_and_a_target_that_means_nothing_hides_nothing() {
    let behind = world("\n[migration]\nsystems = [\"public.orders\"]\n");
    let (links, _) = told(&json(&["scan", shown(&behind), "--format", "json"]));
    let has = |who: &str| links.iter().any(|link| link.starts_with(who));
    // Over the view, over the table that is filled from it; not who only reads beside it, nor the other database.
    assert!(has("client:report@10.0.3.7 read") && has("client:ledger@10.0.2.2 read"), "{links:?}");
    assert!(!has("client:other@") && !links.iter().any(|link| link.contains("crm-db")), "{links:?}");
    let nothing = world("\n[migration]\nsystems = [\"nope\"]\n");
    let report = json(&["scan", shown(&nothing), "--format", "json"]);
    assert_eq!(told(&report), told(&json(&["scan", shown(&world("")), "--format", "json"])));
    assert_eq!(report["migration"]["narrowed"], false);
    let printed = text(&["scan", shown(&nothing)]);
    assert!(
        printed.contains("\nMIGRATION TARGET nope MATCHES NOTHING OF THIS SCAN: EVERYTHING IS TOLD\n"),
        "{printed}"
    );
    // A question about one resource is about all that was scanned, and a pattern that is none is refused.
    assert!(text(&["on", "crm.accounts", shown(&behind)]).contains("service:crm"));
    let wrong = world("\n[migration]\nsystems = [\"{\"]\n");
    assert_eq!(run(&["scan", shown(&wrong)]).status.code(), Some(2));
    // The scheduler that is moved to is another thing, and narrows nothing.
    let scheduler =
        json(&["scan", shown(&world("\n[migration]\nscheduler = \"kubernetes\"\n")), "--format", "json"]);
    assert!(scheduler.get("migration").is_none());
}

#[test]
fn the_head_counts_consumers_and_says_what_to_ask_whom() {
    let accept =
        "\n[[accept]]\nrule = \"shadow-consumer\"\nconsumer = \"client:other@*\"\nreason = \"known\"\n";
    let world = world(accept);
    let report = json(&["scan", shown(&world), "--format", "json"]);
    let audit = &report["audit"];
    let counted = ["consumers", "declared", "written", "observed", "shadow"].map(|key| audit[key].as_u64());
    // billing, crm | owner, report, loader, ledger, other, of whom the last is accepted
    assert_eq!(counted, [7, 2, 0, 7, 4].map(Some));
    assert_eq!(audit["noise"], serde_json::json!([{"class": "backup", "consumers": 1, "count": 1}]));
    let ask = |ask: &serde_json::Value| {
        let open = ask["questions"].as_array().expect("a list").iter();
        let open: Vec<String> = open.map(|it| it["question"].as_str().unwrap_or("").to_owned()).collect();
        format!(
            "{} ({}): {}",
            ask["owner"].as_str().unwrap_or("-"),
            ask["because"].as_str().unwrap_or(""),
            open.join(" | ")
        )
    };
    let asks: Vec<String> = audit["asks"].as_array().expect("a list").iter().map(ask).collect();
    let runs = |who: &str| format!("Who runs {who}, and what stops when it stops?");
    assert_eq!(asks.len(), 2, "{asks:?}");
    for who in [
        "client:ledger@10.0.2.2",
        "client:loader@10.0.2.1",
        "client:owner@10.0.0.9",
        "client:report@10.0.3.7",
    ] {
        assert!(
            asks[0].starts_with("team-data (owner of the resource): ") && asks[0].contains(&runs(who)),
            "{asks:?}"
        );
    }
    assert!(!asks[0].contains("client:other@"), "what is accepted is asked nobody: {asks:?}");
    assert_eq!(asks[1], format!("- (nobody known): {}", runs("client:owner@10.0.0.9")));
    let printed = text(&["scan", shown(&world)]);
    let head = "\n7 consumers: 2 declared, 0 written, 7 observed, 4 SHADOW; beside them, no application's: backup 1\nwhom to ask:\n  team-data (owner of the resource): ";
    assert!(printed.contains(head), "{printed}");
}
