//! Each rule held to its manual page on small worlds: those in which it fires, and near misses in which it stays
//! silent. The whole list of findings is compared, because a finding too many costs as much trust as one too few.

mod alphabetical_order;
mod catalog_probing;
mod dead_schedule;
mod engine_specific;
mod fixed_sleep;
mod misread_schedule;
mod orphan_declaration;
mod queue_table;
mod relative_files;
mod relative_window;
mod requests;
mod row_order;
mod scheduler_semantics;
mod server_side;
mod shared_lock;
mod stated_parts;
mod undeclared_calls;

use std::process::Command;

/// What all worlds share: one database server, hosts that are known by name, and no consumer.
const ESTATE: &str = r#"
as_of = "2026-11-24"
[estate]
networks = ["10.20.0.0/16"]
zone = "UTC"
[[host]]
name = "db1"
addresses = ["10.20.0.10"]
[[host]]
name = "app1"
addresses = ["10.20.1.11"]
aliases = ["app1.shop.example"]
[[host]]
name = "app2"
addresses = ["10.20.1.12"]
[[host]]
name = "batch1"
addresses = ["10.20.2.21"]
[[system]]
kind = "database"
name = "shop-db"
addresses = ["10.20.0.10:5432", "db1:5432"]
databases = ["shop", "archive"]
[[source]]
path = "logs/*"
server = "shop-db"
"#;

/// A listed service: its login, where it runs, and what its entry states.
const BILLING: &str = r#"
[[consumer]]
kind = "service"
name = "billing"
users = ["billing"]
hosts = ["app1"]
uses = ["shop-db/shop"]
"#;

/// Where inventories, logs and crontabs of these worlds lie.
const INVENTORY: &str = "whodepends.toml";
const LOG: &str = "logs/postgresql.log";
const CRONTAB: &str = "batch1/var/spool/cron/crontabs/batch";

/// An inventory: the estate and these entries.
fn estate(entries: &str) -> String {
    format!("{ESTATE}{entries}")
}

/// The findings of a world, a line each: rule, who or who before whom, resource, and the reason of an acceptance.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    let report = report(files);
    let mut told: Vec<String> =
        report["findings"].as_array().expect("findings are a list").iter().map(line).collect();
    told.sort();
    told
}

/// The findings of a world, a line each: how bad, how sure, and the title.
fn titles(files: &[(&str, &str)]) -> Vec<String> {
    let report = report(files);
    let told = report["findings"].as_array().expect("findings are a list").iter().map(|finding| {
        let word = |key: &str| finding[key].as_str().unwrap_or("").to_owned();
        format!("{} {} {}: {}", word("severity"), word("confidence"), word("rule"), word("title"))
    });
    told.collect()
}

/// The whole report of a world.
fn report(files: &[(&str, &str)]) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("folders can be made");
        std::fs::write(path, text).expect("files can be written");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(folder.path())
        .args(["scan", ".", "--format", "json", "--as-of", "2026-11-24"])
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    // A log or script that nobody understood would make every near miss pass.
    let inputs = report["inputs"].as_array().expect("inputs are a list").iter();
    for input in
        inputs.filter(|input| !input["path"].as_str().is_some_and(|path| path.ends_with("Dockerfile")))
    {
        // A log without logins says so, and is read all the same.
        let without = input["path"] == "logs/second.log" || input["kind"] == "redis-monitor";
        let wanted = if without { "partly" } else { "read" };
        assert_eq!(input["status"], wanted, "{input}");
    }
    report
}

fn line(finding: &serde_json::Value) -> String {
    let word = |key: &str| finding[key].as_str();
    let order = word("upstream").zip(word("downstream")).map(|(one, two)| format!("{one} before {two}"));
    let who = word("consumer").map(str::to_owned).or(order).unwrap_or_default();
    let accepted = word("accepted").map(|reason| format!(", accepted: {reason}")).unwrap_or_default();
    let (rule, resource) = (word("rule").unwrap_or(""), word("resource").unwrap_or(""));
    format!("{rule}: {who}, {resource}{accepted}")
}

/// One line of a log, in a session of its own for each login and client.
fn logged(time: &str, user: &str, client: &str, text: &str) -> String {
    let process: u32 = user.bytes().chain(client.bytes()).map(u32::from).sum();
    format!("2026-10-26 {time} UTC [{process}] user={user},db=shop,app=tool,client={client} {text}\n")
}

/// A statement that worked.
fn ran(user: &str, client: &str, sql: &str) -> String {
    logged("10:00:01.123", user, client, &format!("LOG:  duration: 0.120 ms  statement: {sql}"))
}

/// A connection that was let in.
fn connected(user: &str, client: &str) -> String {
    logged(
        "10:00:00.100",
        "[unknown]",
        client,
        &format!("LOG:  connection received: host={client} port=40000"),
    ) + &logged(
        "10:00:00.110",
        user,
        client,
        &format!("LOG:  connection authorized: user={user} database=shop"),
    )
}

/// A statement that the server refused with this error.
fn refused(user: &str, client: &str, error: &str, sql: &str) -> String {
    logged("10:00:01.123", user, client, &format!("ERROR:  {error}"))
        + &logged("10:00:01.123", user, client, &format!("STATEMENT:  {sql}"))
}

/// The same statement at these seconds of the day.
fn ran_at(seconds: impl Iterator<Item = u32>, user: &str, client: &str, sql: &str) -> String {
    let line = |second: u32| {
        let time = format!("{:02}:{:02}:{:02}.123", second / 3600, second / 60 % 60, second % 60);
        logged(&time, user, client, &format!("LOG:  duration: 0.120 ms  statement: {sql}"))
    };
    seconds.map(line).collect()
}

const NOTHING: [&str; 0] = [];

mod shadow_consumer {
    use super::*;

    const SHADOW: &str = "shadow-consumer: client:report_ro@10.20.3.7, database:shop-db/shop";
    const READS: &str = "SELECT id FROM public.orders";

    fn with_log(log: &str) -> Vec<String> {
        findings(&[(INVENTORY, &estate(BILLING)), (LOG, log)])
    }

    #[test]
    fn somebody_nobody_listed_is_found() {
        assert_eq!(
            with_log(&(connected("report_ro", "10.20.3.7") + &ran("report_ro", "10.20.3.7", READS))),
            [SHADOW]
        );
    }

    #[test]
    fn somebody_is_found_without_any_inventory_of_consumers() {
        let log = ran("report_ro", "10.20.3.7", READS);
        assert_eq!(findings(&[(INVENTORY, ESTATE), (LOG, &log)]), [SHADOW]);
    }

    #[test]
    fn a_login_that_failed_used_nothing() {
        let log = logged(
            "10:00:00.100",
            "[unknown]",
            "10.20.3.7",
            "LOG:  connection received: host=10.20.3.7 port=40000",
        ) + &logged(
            "10:00:00.110",
            "report_ro",
            "10.20.3.7",
            "FATAL:  password authentication failed for user \"report_ro\"",
        );
        assert_eq!(with_log(&log), NOTHING);
    }

    #[test]
    fn a_session_of_which_every_statement_was_denied_used_nothing() {
        let denied = "permission denied for table orders";
        let whole = |more: &str| {
            connected("audit", "10.20.3.9")
                + more
                + &refused("audit", "10.20.3.9", denied, "SELECT id FROM public.orders")
                + &logged(
                    "10:00:02.100",
                    "audit",
                    "10.20.3.9",
                    "LOG:  disconnection: session time: 0:00:02.000 user=audit database=shop host=10.20.3.9 port=40000",
                )
        };
        assert_eq!(with_log(&whole("")), NOTHING);
        let announced =
            logged("10:00:01.100", "audit", "10.20.3.9", "LOG:  statement: SELECT id FROM public.orders");
        assert_eq!(with_log(&whole(&announced)), NOTHING);
        // One that worked is use.
        let worked = ran("audit", "10.20.3.9", "SELECT id FROM public.prices");
        assert_eq!(
            with_log(&whole(&worked)),
            ["shadow-consumer: client:audit@10.20.3.9, database:shop-db/shop"]
        );
    }

    #[test]
    fn who_was_authorized_and_found_no_role_or_database_was_not_let_in() {
        for message in [
            "role \"ghost\" does not exist",
            "database \"shop\" does not exist",
            "permission denied for database \"shop\"",
            "too many connections for role \"ghost\"",
            "the database system is shutting down",
        ] {
            let log = connected("ghost", "10.20.3.9")
                + &logged("10:00:00.120", "ghost", "10.20.3.9", &format!("FATAL:  {message}"));
            assert_eq!(with_log(&log), NOTHING, "{message}");
        }
        // A statement about a role is none about the login.
        let log = connected("anna", "10.20.3.9")
            + &logged("10:00:00.120", "anna", "10.20.3.9", "ERROR:  role \"ghost\" does not exist");
        assert_eq!(with_log(&log).len(), 1);
    }

    #[test]
    fn a_statement_that_was_denied_used_nothing() {
        let error = "permission denied for table orders";
        assert_eq!(with_log(&refused("report_ro", "10.20.3.7", error, READS)), NOTHING);
    }

    #[test]
    fn a_statement_that_failed_used_nothing() {
        let error = "relation \"public.orders\" does not exist at character 16";
        assert_eq!(with_log(&refused("report_ro", "10.20.3.7", error, READS)), NOTHING);
    }

    /// A log of the same server that tells where, but not who.
    fn nameless(client: &str, sql: &str) -> String {
        (0..3).map(|second| format!("2026-10-27 10:00:0{second}.000 UTC [99] client={client} LOG:  duration: 0.1 ms  statement: {sql}\n")).collect()
    }

    #[test]
    fn what_only_one_is_known_to_do_from_a_host_is_its_own_without_a_login() {
        let (log, second) = (ran("billing", "10.20.1.11", READS), nameless("10.20.1.11", READS));
        let world = [(INVENTORY, estate(BILLING)), (LOG, log), ("logs/second.log", second)];
        assert_eq!(findings(&world.each_ref().map(|(path, text)| (*path, text.as_str()))), NOTHING);
    }

    #[test]
    fn without_a_login_another_statement_or_host_is_a_strangers() {
        for (client, sql, who) in [
            ("10.20.1.11", "SELECT total FROM public.orders", "client:app1"),
            ("10.20.1.12", READS, "client:app2"),
        ] {
            let (log, second) = (ran("billing", "10.20.1.11", READS), nameless(client, sql));
            let world = [(INVENTORY, estate(BILLING)), (LOG, log), ("logs/second.log", second)];
            let told = findings(&world.each_ref().map(|(path, text)| (*path, text.as_str())));
            assert_eq!(told, [format!("shadow-consumer: {who}, database:shop-db")]);
        }
    }

    #[test]
    fn without_a_login_what_two_do_from_a_host_is_neithers() {
        let both = format!(
            "{BILLING}[[consumer]]\nkind = \"service\"\nname = \"mail\"\nusers = [\"mail\"]\nhosts = [\"app1\"]\nuses = [\"shop-db\"]\n"
        );
        let log = ran("billing", "10.20.1.11", READS) + &ran("mail", "10.20.1.11", READS);
        let world =
            [(INVENTORY, estate(&both)), (LOG, log), ("logs/second.log", nameless("10.20.1.11", READS))];
        let told = findings(&world.each_ref().map(|(path, text)| (*path, text.as_str())));
        assert_eq!(told, ["shadow-consumer: client:app1, database:shop-db"]);
    }

    #[test]
    fn watching_the_server_is_no_use_of_its_data() {
        let log = connected("watcher", "10.20.5.5")
            + &ran("watcher", "10.20.5.5", "SELECT datname, numbackends FROM pg_stat_database")
            + &ran("watcher", "10.20.5.5", "SELECT state, count(*) FROM pg_stat_activity GROUP BY state");
        assert_eq!(with_log(&log), NOTHING);
    }

    #[test]
    fn keeping_a_connection_alive_is_no_use() {
        let log = connected("pool", "10.20.3.7") + &ran("pool", "10.20.3.7", "SELECT 1");
        assert_eq!(with_log(&log), NOTHING);
    }

    #[test]
    fn a_backup_is_no_use_by_an_application() {
        let log = ran("backup", "10.20.0.9", "COPY public.orders (id) TO stdout")
            .replace("app=tool", "app=pg_dump");
        assert_eq!(with_log(&log), NOTHING);
    }

    #[test]
    fn a_listed_person_is_known() {
        let person = "[[consumer]]\nkind = \"person\"\nname = \"ann\"\nusers = [\"ann\"]\n";
        let log = ran("ann", "10.20.3.7", READS);
        assert_eq!(findings(&[(INVENTORY, &estate(person)), (LOG, &log)]), NOTHING);
    }

    #[test]
    fn an_accepted_finding_is_reported_as_accepted() {
        let accept = "[[accept]]\nrule = \"shadow-consumer\"\nconsumer = \"client:report_ro@*\"\nreason = \"moves later\"\n";
        let log = ran("report_ro", "10.20.3.7", READS);
        let told = findings(&[(INVENTORY, &estate(accept)), (LOG, &log)]);
        assert_eq!(told, [format!("{SHADOW}, accepted: moves later")]);
    }

    #[test]
    fn an_acceptance_that_has_expired_accepts_nothing() {
        let accept =
            "[[accept]]\nrule = \"shadow-consumer\"\nreason = \"moves later\"\nuntil = \"2026-11-01\"\n";
        let log = ran("report_ro", "10.20.3.7", READS);
        assert_eq!(findings(&[(INVENTORY, &estate(accept)), (LOG, &log)]), [SHADOW]);
    }

    #[test]
    fn a_script_of_the_host_it_comes_from_explains_it() {
        let script = "#!/bin/sh\nexport PGHOST=db1 PGDATABASE=shop PGUSER=report_ro\npsql -c 'SELECT id FROM public.orders'\n";
        let log = ran("report_ro", "10.20.2.21", READS);
        let told = findings(&[
            (INVENTORY, ESTATE),
            (LOG, &log),
            (CRONTAB, "0 6 * * * /opt/jobs/report.sh\n"),
            ("batch1/opt/jobs/report.sh", script),
        ]);
        assert_eq!(told, NOTHING);
    }

    #[test]
    fn a_client_that_gives_itself_no_name_keeps_its_login() {
        let log = ran("report_ro", "10.20.3.7", READS).replace("app=tool", "app=[unknown]");
        assert_eq!(with_log(&log), [SHADOW]);
    }

    #[test]
    fn replication_is_no_use_by_an_application() {
        let received = "LOG:  connection received: host=10.20.0.9 port=40000";
        let let_in = "LOG:  replication connection authorized: user=replica application_name=standby";
        let log = logged("10:00:00.100", "[unknown]", "10.20.0.9", received)
            + &logged("10:00:00.110", "replica", "10.20.0.9", let_in);
        assert_eq!(with_log(&log), NOTHING);
    }

    #[test]
    fn a_connection_is_use_where_the_log_shows_nothing_finer() {
        assert_eq!(with_log(&connected("report_ro", "10.20.3.7")), [SHADOW]);
    }
}

mod without_an_inventory {
    use super::*;

    /// The resources that are used, by any basis.
    fn used(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
                .expect("folders can be made");
            std::fs::write(path, text).expect("files can be written");
        }
        let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
            .current_dir(folder.path())
            .args(["scan", ".", "--format", "json", "--as-of", "2026-11-24"])
            .output()
            .expect("the program starts");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
        let links = report["links"].as_array().expect("links are a list").iter();
        let tables = links.filter(|link| link["action"] == "read");
        tables.map(|link| format!("{} {} {}", link["consumer"], link["resource"], link["bases"])).collect()
    }

    const SCRIPT: &str = "#!/bin/sh\npsql -h hisdb -U batch -d shop -c \"SELECT id FROM public.orders\"\n";
    const JOB: [(&str, &str); 2] = [(CRONTAB, "0 3 * * * /opt/job.sh\n"), ("batch1/opt/job.sh", SCRIPT)];

    #[test]
    fn a_log_is_that_of_the_only_server_written_to_have_its_database_and_its_login() {
        let log = ran("batch", "10.20.2.21", "SELECT id FROM public.orders");
        let files = [JOB[0], JOB[1], (LOG, log.as_str())];
        let one = "\"job:batch1/job\" \"table:hisdb/shop/public.orders\" [\"written\",\"observed\"]";
        assert_eq!(used(&files), [one]);
        // Another login proves nothing, and of two servers either may be meant.
        let other = log.replace("batch", "anna");
        let written = "\"job:batch1/job\" \"table:hisdb/shop/public.orders\" [\"written\"]";
        assert!(used(&[JOB[0], JOB[1], (LOG, &other)]).contains(&written.to_owned()));
        let two = SCRIPT.to_owned() + &SCRIPT.replace("hisdb", "oldhis").replace("#!/bin/sh\n", "");
        assert!(used(&[JOB[0], ("batch1/opt/job.sh", &two), (LOG, &log)]).contains(&written.to_owned()));
        let second = ("logs2/postgresql.log", log.replace("10:00", "11:00"));
        let told = used(&[JOB[0], JOB[1], (LOG, &log), (second.0, &second.1)]);
        assert!(told.contains(&written.to_owned()), "{told:?}");
    }
}

mod borrowed_credentials {
    use super::*;

    const READS: &str = "SELECT id FROM public.orders";

    fn billing_from(client: &str, more: &[(&str, &str)]) -> Vec<String> {
        let (inventory, log) = (estate(BILLING), ran("billing", client, READS));
        let mut files = vec![(INVENTORY, inventory.as_str()), (LOG, log.as_str())];
        files.extend(more);
        findings(&files)
    }

    #[test]
    fn a_services_login_from_another_host_is_found() {
        let told = billing_from("10.20.3.9", &[]);
        assert_eq!(told, ["borrowed-credentials: client:billing@10.20.3.9, database:shop-db/shop"]);
    }

    #[test]
    fn a_services_login_from_a_known_host_that_is_not_its_own_is_found() {
        let told = billing_from("10.20.1.12", &[]);
        assert_eq!(told, ["borrowed-credentials: client:billing@app2, database:shop-db/shop"]);
    }

    #[test]
    fn the_services_own_host_borrows_nothing() {
        assert_eq!(billing_from("10.20.1.11", &[]), NOTHING);
    }

    #[test]
    fn the_second_of_two_stated_hosts_borrows_nothing() {
        let entry = BILLING.replace("[\"app1\"]", "[\"app1\", \"app2\"]");
        let log = ran("billing", "10.20.1.11", READS) + &ran("billing", "10.20.1.12", READS);
        assert_eq!(findings(&[(INVENTORY, &estate(&entry)), (LOG, &log)]), NOTHING);
    }

    #[test]
    fn another_name_of_the_same_host_borrows_nothing() {
        assert_eq!(billing_from("app1.shop.example", &[]), NOTHING);
        assert_eq!(billing_from("app1", &[]), NOTHING);
    }

    #[test]
    fn a_name_that_a_hosts_file_gives_the_same_address_borrows_nothing() {
        let hosts = ("db1/etc/hosts", "10.20.1.11 web-7.shop.example web-7\n");
        assert_eq!(billing_from("web-7.shop.example", &[hosts]), NOTHING);
    }

    #[test]
    fn a_socket_on_the_databases_own_host_borrows_nothing() {
        let entry = BILLING.replace("app1", "db1");
        for client in ["[local]", "127.0.0.1", "::1"] {
            let log = ran("billing", client, READS);
            assert_eq!(findings(&[(INVENTORY, &estate(&entry)), (LOG, &log)]), NOTHING, "from {client}");
        }
    }

    #[test]
    fn a_login_that_two_entries_share_is_borrowed_by_neither() {
        let other = BILLING.replace("name = \"billing\"", "name = \"invoicing\"").replace("app1", "app2");
        let log = ran("billing", "10.20.1.11", READS) + &ran("billing", "10.20.1.12", READS);
        assert_eq!(findings(&[(INVENTORY, &estate(&format!("{BILLING}{other}"))), (LOG, &log)]), NOTHING);
    }

    #[test]
    fn an_attempt_that_failed_borrows_nothing() {
        let log = refused("billing", "10.20.3.9", "permission denied for table orders", READS);
        assert_eq!(findings(&[(INVENTORY, &estate(BILLING)), (LOG, &log)]), NOTHING);
    }

    #[test]
    fn a_consumer_whose_host_is_stated_nowhere_may_come_from_anywhere() {
        let entry = BILLING.replace("hosts = [\"app1\"]\n", "");
        let log = ran("billing", "10.20.3.9", READS);
        assert_eq!(findings(&[(INVENTORY, &estate(&entry)), (LOG, &log)]), NOTHING);
    }

    #[test]
    fn a_name_that_a_hosts_file_gives_a_stated_host_borrows_nothing() {
        let hosts = ("db1/etc/hosts", "10.20.1.11 app1 web-7.shop.example\n");
        assert_eq!(billing_from("web-7.shop.example", &[hosts]), NOTHING);
    }
}

mod unofficial_consumer {
    use super::*;

    const EXPORT: &str =
        "#!/bin/sh\npsql -h db1 -d shop -c 'SELECT id FROM public.orders' -o /srv/out/orders.csv\n";
    const NIGHTLY: &str = "15 5 * * * /opt/jobs/export.sh\n";
    const FOUND: &str = "unofficial-consumer: job:batch1/export, database:shop-db/shop";

    #[test]
    fn a_scheduled_script_that_no_entry_lists_is_found() {
        let told = findings(&[
            (INVENTORY, &estate(BILLING)),
            (CRONTAB, NIGHTLY),
            ("batch1/opt/jobs/export.sh", EXPORT),
        ]);
        assert_eq!(told, [FOUND]);
    }

    #[test]
    fn a_program_that_no_entry_lists_is_found() {
        let source = "import psycopg2\nconnection = psycopg2.connect(\"host=db1 dbname=shop user=mailer\")\n\
                      cursor.execute(\"SELECT id FROM public.orders\")\n";
        let told = findings(&[
            (INVENTORY, &estate(BILLING)),
            ("services/mailer/Dockerfile", "FROM python:3.11-slim\n"),
            ("services/mailer/mailer.py", source),
        ]);
        assert_eq!(told, ["unofficial-consumer: service:mailer, database:shop-db/shop"]);
    }

    #[test]
    fn a_script_in_the_home_of_its_account_is_that_accounts() {
        let at_home = "15 5 * * * sh $HOME/export.sh\n";
        let told = |more: &[(&str, &str)]| {
            let inventory = estate(BILLING);
            let files = [&[(INVENTORY, inventory.as_str()), (CRONTAB, at_home)], more].concat();
            findings(&files)
        };
        assert_eq!(told(&[("batch1/home/batch/export.sh", EXPORT)]), [FOUND]);
        // In another account's home it is another script.
        let other = |path: &str| [FOUND.replace("job:batch1/export", &format!("script:batch1:{path}"))];
        assert_eq!(told(&[("batch1/home/bob/export.sh", EXPORT)]), other("/home/bob/export.sh"));
    }

    #[test]
    fn without_an_inventory_of_consumers_nobody_is_unofficial() {
        let told =
            findings(&[(INVENTORY, ESTATE), (CRONTAB, NIGHTLY), ("batch1/opt/jobs/export.sh", EXPORT)]);
        assert_eq!(told, NOTHING);
    }

    #[test]
    fn a_listed_script_is_official() {
        let entry = "[[consumer]]\nkind = \"job\"\nname = \"export\"\nhosts = [\"batch1\"]\n\
                     scripts = [\"/opt/jobs/export.sh\"]\nuses = [\"shop-db/shop\"]\n";
        let told = findings(&[
            (INVENTORY, &estate(entry)),
            (CRONTAB, NIGHTLY),
            ("batch1/opt/jobs/export.sh", EXPORT),
        ]);
        assert_eq!(told, NOTHING);
    }

    #[test]
    fn the_only_job_of_a_host_that_is_named_like_a_listed_one_is_official() {
        let entry = |name: &str, more: &str| {
            let jobs = "[[consumer]]\nkind = \"job\"\n";
            format!("{jobs}name = \"{name}\"\nhosts = [\"batch1\"]\nuses = [\"shop-db/shop\"]\n{more}")
        };
        let told_of = |entries: &str, crontab: &str, old: &str| {
            findings(&[
                (INVENTORY, &estate(entries)),
                (CRONTAB, crontab),
                ("batch1/opt/jobs/export.sh", EXPORT),
                ("batch1/opt/old/export.sh", old),
            ])
        };
        let told = |entries: &str, crontab: &str| told_of(entries, crontab, "#!/bin/sh\ntrue\n");
        assert_eq!(told(&entry("EXPORT", ""), NIGHTLY), NOTHING);
        // What runs elsewhere, what states another script, and two of one name are not it.
        assert_eq!(told(&entry("EXPORT", "").replace("batch1", "app1"), NIGHTLY), [FOUND]);
        assert_eq!(told(&entry("EXPORT", "scripts = [\"/opt/new.sh\"]\n"), NIGHTLY), [FOUND]);
        let two = format!("{NIGHTLY}20 5 * * * /opt/old/export.sh\n");
        let each =
            ["-266836", "-31da01"].map(|digest| FOUND.replace("/export,", &format!("/export{digest},")));
        assert_eq!(told_of(&entry("EXPORT", ""), &two, EXPORT), each);
    }

    #[test]
    fn what_stands_in_tests_runs_nowhere() {
        let source = "import psycopg2\nconnection = psycopg2.connect(\"host=db1 dbname=shop user=ci\")\n\
                      cursor.execute(\"SELECT id FROM public.orders\")\n";
        let told = findings(&[
            (INVENTORY, &estate(BILLING)),
            ("services/mailer/tests/test_mailer.py", source),
            ("services/mailer/tests/seed.sh", EXPORT),
        ]);
        assert_eq!(told, NOTHING);
    }

    #[test]
    fn a_line_of_a_crontab_that_is_commented_out_is_no_job() {
        let crontab = "# 15 5 * * * psql -h db1 -d shop -c 'SELECT id FROM public.orders'\n\
                       30 5 * * * find /srv/out -mtime +30 -delete\n";
        assert_eq!(findings(&[(INVENTORY, &estate(BILLING)), (CRONTAB, crontab)]), NOTHING);
    }

    #[test]
    fn a_listed_script_behind_a_wrapper_is_official() {
        let entry = "[[consumer]]\nkind = \"job\"\nname = \"export\"\nhosts = [\"batch1\"]\n\
                     scripts = [\"/opt/jobs/export.sh\"]\nuses = [\"shop-db/shop\"]\n";
        let wrapper =
            "#!/bin/sh\n# logs how long a job takes\nlogger \"start $1\"\n\"$@\"\nlogger \"end $1\"\n";
        let told = findings(&[
            (INVENTORY, &estate(entry)),
            (CRONTAB, "15 5 * * * /opt/bin/timed.sh /opt/jobs/export.sh\n"),
            ("batch1/opt/bin/timed.sh", wrapper),
            ("batch1/opt/jobs/export.sh", EXPORT),
        ]);
        assert_eq!(told, NOTHING);
    }

    #[test]
    fn a_function_of_a_sourced_library_that_nobody_calls_does_nothing() {
        let entry = "[[consumer]]\nkind = \"job\"\nname = \"clean\"\nhosts = [\"batch1\"]\n\
                     scripts = [\"/opt/jobs/clean.sh\"]\n";
        let library =
            "#!/bin/sh\nexport_orders() {\n    psql -h db1 -d shop -c 'SELECT id FROM public.orders'\n}\n";
        let told = findings(&[
            (INVENTORY, &estate(entry)),
            (CRONTAB, "15 5 * * * /opt/jobs/clean.sh\n"),
            ("batch1/opt/jobs/lib.sh", library),
            ("batch1/opt/jobs/clean.sh", "#!/bin/sh\n. /opt/jobs/lib.sh\nfind /srv/out -mtime +30 -delete\n"),
        ]);
        assert_eq!(told, NOTHING);
    }

    #[test]
    fn a_file_that_only_one_host_keeps_needs_no_entry() {
        let script = "#!/bin/sh\ncp /srv/in/prices.csv /srv/out/prices.csv\n";
        let told = findings(&[
            (INVENTORY, &estate(BILLING)),
            (CRONTAB, "15 5 * * * /opt/jobs/copy.sh\n"),
            ("batch1/opt/jobs/copy.sh", script),
        ]);
        assert_eq!(told, NOTHING);
    }

    #[test]
    fn a_source_tree_that_an_entry_states_is_official() {
        let entry = "[[consumer]]\nkind = \"service\"\nname = \"letters\"\nsource = [\"services/mailer\"]\n";
        let source = "import psycopg2\nconnection = psycopg2.connect(\"host=db1 dbname=shop user=mailer\")\n\
                      cursor.execute(\"SELECT id FROM public.orders\")\n";
        let told = findings(&[
            (INVENTORY, &estate(entry)),
            ("services/mailer/Dockerfile", "FROM python:3.11-slim\n"),
            ("services/mailer/mailer.py", source),
        ]);
        assert_eq!(told, NOTHING);
    }

    #[test]
    fn an_example_and_a_foreign_package_run_nowhere() {
        let told = findings(&[
            (INVENTORY, &estate(BILLING)),
            ("services/mailer/examples/export.sh", EXPORT),
            ("services/mailer/node_modules/tool/export.sh", EXPORT),
        ]);
        assert_eq!(told, NOTHING);
    }
}

mod undeclared_use {
    use super::*;

    fn billing_that_states(uses: &str, log: &str) -> Vec<String> {
        let entry = BILLING.replace("uses = [\"shop-db/shop\"]\n", uses);
        findings(&[(INVENTORY, &estate(&entry)), (LOG, log)])
    }

    fn billing_ran(statements: &[&str]) -> String {
        statements.iter().map(|sql| ran("billing", "10.20.1.11", sql)).collect()
    }

    const INVOICES: &str = "uses = [\"shop-db/shop/finance.invoices\"]\n";

    #[test]
    fn a_table_beyond_the_stated_ones_is_found() {
        let log = billing_ran(&["SELECT id FROM finance.invoices", "SELECT id FROM public.customers"]);
        let told = billing_that_states(INVOICES, &log);
        assert_eq!(told, ["undeclared-use: service:billing, table:shop-db/shop/public.customers"]);
    }

    #[test]
    fn an_action_beyond_the_stated_ones_is_found() {
        let uses = "uses = [{ resource = \"shop-db/shop/public.prices\", actions = [\"read\"] }]\n";
        let told =
            billing_that_states(uses, &billing_ran(&["UPDATE public.prices SET price = 1 WHERE id = 2"]));
        assert_eq!(told, ["undeclared-use: service:billing, table:shop-db/shop/public.prices"]);
    }

    #[test]
    fn an_entry_that_stops_at_the_database_covers_its_tables() {
        let log = billing_ran(&["SELECT id FROM finance.invoices", "SELECT id FROM public.customers"]);
        assert_eq!(billing_that_states("uses = [\"shop-db/shop\"]\n", &log), NOTHING);
        assert_eq!(billing_that_states("uses = [\"shop-db\"]\n", &log), NOTHING);
    }

    #[test]
    fn an_action_that_is_stated_goes_beyond_nothing() {
        let uses =
            "uses = [{ resource = \"shop-db/shop/public.prices\", actions = [\"read\", \"write\"] }]\n";
        let log = billing_ran(&[
            "SELECT price FROM public.prices",
            "UPDATE public.prices SET price = 1 WHERE id = 2",
        ]);
        assert_eq!(billing_that_states(uses, &log), NOTHING);
    }

    #[test]
    fn a_temporary_table_is_nobodys_but_its_sessions() {
        let log = billing_ran(&[
            "CREATE TEMPORARY TABLE due (id int)",
            "INSERT INTO due SELECT id FROM finance.invoices",
            "SELECT id FROM due",
        ]);
        assert_eq!(billing_that_states(INVOICES, &log), NOTHING);
    }

    #[test]
    fn a_search_path_leads_to_the_stated_schema() {
        let log = billing_ran(&["SET search_path = finance", "SELECT id FROM invoices"]);
        assert_eq!(billing_that_states(INVOICES, &log), NOTHING);
    }

    #[test]
    fn an_entry_that_states_no_use_is_gone_beyond_by_none() {
        let log = billing_ran(&["SELECT id FROM finance.invoices"]);
        assert_eq!(billing_that_states("", &log), NOTHING);
    }

    #[test]
    fn a_statement_that_was_denied_goes_beyond_nothing() {
        let log = billing_ran(&["SELECT id FROM finance.invoices"])
            + &refused(
                "billing",
                "10.20.1.11",
                "permission denied for table customers",
                "SELECT id FROM public.customers",
            );
        assert_eq!(billing_that_states(INVOICES, &log), NOTHING);
    }

    #[test]
    fn the_servers_own_catalogue_needs_no_entry() {
        let log = billing_ran(&[
            "SELECT id FROM finance.invoices",
            "SELECT relname FROM pg_catalog.pg_class",
            "SELECT column_name FROM information_schema.columns",
        ]);
        assert_eq!(billing_that_states(INVOICES, &log), NOTHING);
    }

    #[test]
    fn what_a_listed_jobs_text_does_beyond_its_entry_is_found() {
        let entry = "[[consumer]]\nkind = \"job\"\nname = \"export\"\nhosts = [\"batch1\"]\n\
                     scripts = [\"/opt/jobs/export.sh\"]\nuses = [\"shop-db/shop/public.orders\"]\n";
        let script = "#!/bin/sh\npsql -h db1 -d shop -c 'SELECT id FROM public.orders JOIN public.customers USING (id)'\n";
        let told = findings(&[
            (INVENTORY, &estate(entry)),
            (CRONTAB, "15 5 * * * /opt/jobs/export.sh\n"),
            ("batch1/opt/jobs/export.sh", script),
        ]);
        assert_eq!(told, ["undeclared-use: job:batch1/export, table:shop-db/shop/public.customers"]);
    }

    #[test]
    fn a_name_inside_one_statement_is_no_table() {
        let log =
            billing_ran(&["WITH customers AS (SELECT id FROM finance.invoices) SELECT id FROM customers"]);
        assert_eq!(billing_that_states(INVOICES, &log), NOTHING);
    }

    #[test]
    fn a_temporary_table_made_by_a_query_is_nobodys_but_its_sessions() {
        let log = billing_ran(&["SELECT id INTO TEMP due FROM finance.invoices", "SELECT id FROM due"]);
        assert_eq!(billing_that_states(INVOICES, &log), NOTHING);
    }

    #[test]
    fn changing_a_table_that_may_be_written_goes_beyond_nothing() {
        let uses = "uses = [{ resource = \"shop-db/shop/public.prices\", actions = [\"write\"] }]\n";
        let log = billing_ran(&[
            "UPDATE public.prices SET price = 1 WHERE id = 2",
            "DELETE FROM public.prices WHERE id = 2",
            "INSERT INTO public.prices (id, price) VALUES (2, 1)",
            "TRUNCATE public.prices",
        ]);
        assert_eq!(billing_that_states(uses, &log), NOTHING);
    }

    #[test]
    fn a_schema_that_a_transaction_looks_in_ends_with_it() {
        let log = billing_ran(&[
            "BEGIN",
            "SET LOCAL search_path = finance",
            "SELECT id FROM invoices",
            "COMMIT",
            "SELECT id FROM customers",
        ]);
        let told = billing_that_states(INVOICES, &log);
        assert_eq!(told, ["undeclared-use: service:billing, table:shop-db/shop/public.customers"]);
    }
}

mod implicit_order {
    use super::*;

    const WRITES: &str =
        "#!/bin/sh\npsql -h db1 -d shop -c 'INSERT INTO public.daily (day) SELECT day FROM public.orders'\n";
    const READS: &str =
        "#!/bin/sh\npsql -h db1 -d shop -c 'SELECT day FROM public.daily' -o /srv/out/daily.txt\n";
    const FOUND: &str =
        "implicit-order: job:batch1/settle before job:batch1/load, table:shop-db/shop/public.daily";
    const SETTLE: &str = "batch1/opt/jobs/settle.sh";
    const LOAD: &str = "batch1/opt/jobs/load.sh";

    /// Two jobs of one host, by their crontab and their texts.
    fn jobs(crontab: &str, settle: &str, load: &str) -> Vec<String> {
        findings(&[(INVENTORY, ESTATE), (CRONTAB, crontab), (SETTLE, settle), (LOAD, load)])
    }

    const HALF_AN_HOUR_APART: &str = "0 2 * * * /opt/jobs/settle.sh\n30 2 * * * /opt/jobs/load.sh\n";

    #[test]
    fn a_reader_half_an_hour_after_the_writer_is_found() {
        assert_eq!(jobs(HALF_AN_HOUR_APART, WRITES, READS), [FOUND]);
    }

    #[test]
    fn a_file_that_is_handed_over_by_the_clock_is_found() {
        let (makes, takes) = (
            "#!/bin/sh\ncp /srv/in/a.csv /srv/hand/over.csv\n",
            "#!/bin/sh\ncp /srv/hand/over.csv /srv/out/b.csv\n",
        );
        let found = FOUND.replace("table:shop-db/shop/public.daily", "file:batch1:/srv/hand/over.csv");
        assert_eq!(jobs(HALF_AN_HOUR_APART, makes, takes), [found]);
    }

    #[test]
    fn a_chain_in_one_line_keeps_the_order() {
        assert_eq!(jobs("0 2 * * * /opt/jobs/settle.sh && /opt/jobs/load.sh\n", WRITES, READS), NOTHING);
    }

    #[test]
    fn a_script_that_calls_the_other_keeps_the_order() {
        let both = format!("{WRITES}/opt/jobs/load.sh\n");
        assert_eq!(jobs("0 2 * * * /opt/jobs/settle.sh\n", &both, READS), NOTHING);
    }

    #[test]
    fn a_reader_that_waits_for_the_writers_file_keeps_the_order() {
        let marks = format!("{WRITES}touch /srv/out/settled\n");
        let waits = READS.replace("psql", "while [ ! -e /srv/out/settled ]; do sleep 60; done\npsql");
        assert_eq!(jobs(HALF_AN_HOUR_APART, &marks, &waits), NOTHING);
    }

    #[test]
    fn a_file_that_somebody_else_makes_keeps_no_order() {
        let waits = READS.replace("psql", "while [ ! -e /srv/out/other ]; do sleep 60; done\npsql");
        assert_eq!(jobs(HALF_AN_HOUR_APART, WRITES, &waits), [FOUND]);
    }

    #[test]
    fn one_lock_that_both_wait_for_keeps_the_order() {
        let crontab = "0 2 * * * flock /run/lock/daily /opt/jobs/settle.sh\n\
                       30 2 * * * flock /run/lock/daily /opt/jobs/load.sh\n";
        assert_eq!(jobs(crontab, WRITES, READS), NOTHING);
    }

    #[test]
    fn a_lock_that_the_second_does_not_wait_for_keeps_no_order() {
        let crontab = "0 2 * * * flock -n /run/lock/daily /opt/jobs/settle.sh\n\
                       30 2 * * * flock -n /run/lock/daily /opt/jobs/load.sh\n";
        assert_eq!(jobs(crontab, WRITES, READS), [FOUND]);
    }

    #[test]
    fn two_locks_keep_no_order() {
        let crontab = "0 2 * * * flock /run/lock/settle /opt/jobs/settle.sh\n\
                       30 2 * * * flock /run/lock/load /opt/jobs/load.sh\n";
        assert_eq!(jobs(crontab, WRITES, READS), [FOUND]);
    }

    /// The two jobs on hosts of their own, in these zones, at 02:00 and 02:30 of their own clocks.
    fn on_two_hosts(writer: &str, reader: &str) -> Vec<String> {
        findings(&[
            (INVENTORY, ESTATE),
            ("batch1/etc/timezone", writer),
            (CRONTAB, "0 2 * * * /opt/jobs/settle.sh\n"),
            (SETTLE, WRITES),
            ("batch2/etc/timezone", reader),
            ("batch2/var/spool/cron/crontabs/batch", "30 2 * * * /opt/jobs/load.sh\n"),
            ("batch2/opt/jobs/load.sh", READS),
        ])
    }

    #[test]
    fn two_hosts_of_one_zone_are_found() {
        let found = FOUND.replace("job:batch1/load", "job:batch2/load");
        assert_eq!(on_two_hosts("Europe/Berlin\n", "Europe/Berlin\n"), [found]);
    }

    #[test]
    fn zones_that_put_more_than_half_a_day_between_them_are_no_hand_off() {
        // 02:00 in Berlin is 17:00 in Los Angeles the day before, so its 02:30 comes 9½ hours later; 02:30 in
        // Tokyo has passed seven hours before.
        let found = FOUND.replace("job:batch1/load", "job:batch2/load");
        assert_eq!(on_two_hosts("Europe/Berlin\n", "America/Los_Angeles\n"), [found]);
        assert_eq!(on_two_hosts("Europe/Berlin\n", "Asia/Tokyo\n"), NOTHING);
    }

    #[test]
    fn a_table_of_the_same_name_in_another_schema_is_another() {
        assert_eq!(
            jobs(HALF_AN_HOUR_APART, WRITES, &READS.replace("public.daily", "archive.daily")),
            NOTHING
        );
    }

    #[test]
    fn a_table_of_the_same_name_in_another_database_is_another() {
        assert_eq!(jobs(HALF_AN_HOUR_APART, WRITES, &READS.replace("-d shop", "-d archive")), NOTHING);
    }

    #[test]
    fn two_readers_hand_nothing_over() {
        assert_eq!(jobs(HALF_AN_HOUR_APART, READS, READS), NOTHING);
    }

    #[test]
    fn two_writers_hand_nothing_over() {
        let writes = WRITES.replace("orders", "archive");
        assert_eq!(jobs(HALF_AN_HOUR_APART, WRITES, &writes), NOTHING);
    }

    #[test]
    fn a_reader_without_a_schedule_keeps_no_clock() {
        assert_eq!(jobs("0 2 * * * /opt/jobs/settle.sh\n", WRITES, READS), NOTHING);
    }

    #[test]
    fn a_sequence_in_one_line_keeps_the_order() {
        assert_eq!(jobs("0 2 * * * /opt/jobs/settle.sh; /opt/jobs/load.sh\n", WRITES, READS), NOTHING);
    }

    #[test]
    fn a_reader_that_does_nothing_without_the_writers_file_keeps_the_order() {
        let marks = format!("{WRITES}touch /srv/out/settled\n");
        let tests = READS.replace("psql", "[ -f /srv/out/settled ] || exit 0\npsql");
        assert_eq!(jobs(HALF_AN_HOUR_APART, &marks, &tests), NOTHING);
    }

    #[test]
    fn one_lock_that_both_scripts_wait_for_keeps_the_order() {
        let locked = |script: &str| script.replace("psql", "exec 9>/run/lock/daily\nflock 9\npsql");
        assert_eq!(jobs(HALF_AN_HOUR_APART, &locked(WRITES), &locked(READS)), NOTHING);
    }

    #[test]
    fn a_reader_that_starts_before_the_writer_reads_the_day_before_on_purpose() {
        assert_eq!(
            jobs("0 2 * * * /opt/jobs/load.sh\n30 2 * * * /opt/jobs/settle.sh\n", WRITES, READS),
            NOTHING
        );
    }

    #[test]
    fn a_day_between_two_weekly_jobs_is_no_hand_off() {
        assert_eq!(
            jobs("0 2 * * 1 /opt/jobs/settle.sh\n30 2 * * 2 /opt/jobs/load.sh\n", WRITES, READS),
            NOTHING
        );
    }

    #[test]
    fn a_line_that_is_commented_out_keeps_no_clock() {
        assert_eq!(
            jobs("# 0 2 * * * /opt/jobs/settle.sh\n30 2 * * * /opt/jobs/load.sh\n", WRITES, READS),
            NOTHING
        );
    }

    #[test]
    fn three_jobs_in_a_row_are_two_hand_offs() {
        let ships =
            "#!/bin/sh\npsql -h db1 -d shop -c 'SELECT day FROM public.booked' -o /srv/out/booked.txt\n";
        let books = "#!/bin/sh\npsql -h db1 -d shop -c 'INSERT INTO public.booked (day) SELECT day FROM public.daily'\n";
        let told = findings(&[
            (INVENTORY, ESTATE),
            (CRONTAB, &format!("{HALF_AN_HOUR_APART}0 3 * * * /opt/jobs/ship.sh\n")),
            (SETTLE, WRITES),
            (LOAD, books),
            ("batch1/opt/jobs/ship.sh", ships),
        ]);
        let second =
            "implicit-order: job:batch1/load before job:batch1/ship, table:shop-db/shop/public.booked";
        assert_eq!(told, [second, FOUND]);
    }
}

mod column_order {
    use super::*;

    fn with_statement(sql: &str) -> Vec<String> {
        let all = "[[consumer]]\nkind = \"service\"\nname = \"billing\"\nusers = [\"billing\"]\n";
        findings(&[(INVENTORY, &estate(all)), (LOG, &ran("billing", "10.20.1.11", sql))])
    }

    #[test]
    fn a_star_and_an_insert_without_columns_are_found() {
        for (sql, resource) in [
            ("SELECT * FROM public.orders", "public.orders"),
            ("SELECT o.*, p.sku FROM public.orders o JOIN public.prices p ON p.id = o.id", "public.orders"),
            ("INSERT INTO public.ledger VALUES (1, 2)", "public.ledger"),
            ("INSERT INTO public.ledger SELECT a, b FROM public.orders", "public.ledger"),
            ("COPY public.prices FROM STDIN", "public.prices"),
        ] {
            let want = format!("column-order: service:billing, table:shop-db/shop/{resource}");
            assert_eq!(with_statement(sql), [want], "{sql}");
        }
    }

    #[test]
    fn several_tables_of_one_database_are_one_finding() {
        let sql = "INSERT INTO public.ledger SELECT * FROM public.orders";
        assert_eq!(with_statement(sql), ["column-order: service:billing, database:shop-db/shop"]);
    }

    #[test]
    fn named_columns_and_stars_over_no_table_are_not() {
        for sql in [
            "SELECT id, total FROM public.orders",
            "SELECT count(*) FROM public.orders",
            "SELECT * FROM (SELECT id FROM public.orders) recent",
            "WITH recent AS (SELECT id FROM public.orders) SELECT * FROM recent",
            "SELECT id FROM public.orders o WHERE EXISTS (SELECT * FROM public.prices p WHERE p.id = o.id)",
            "INSERT INTO public.ledger (a, b) VALUES (1, 2)",
            "INSERT INTO public.ledger (a, b) SELECT a, b FROM public.orders",
            "COPY public.prices (sku, price) FROM STDIN",
            "UPDATE public.orders SET total = 1 WHERE id = 2",
        ] {
            assert_eq!(with_statement(sql), NOTHING, "{sql}");
        }
    }

    #[test]
    fn a_person_and_a_statement_that_failed_are_not() {
        let person = "[[consumer]]\nkind = \"person\"\nname = \"anna\"\nusers = [\"anna\"]\n";
        let sql = "SELECT * FROM public.orders";
        assert_eq!(
            findings(&[(INVENTORY, &estate(person)), (LOG, &ran("anna", "10.20.1.11", sql))]),
            NOTHING
        );
        let error = "permission denied for table orders";
        assert_eq!(
            findings(&[(INVENTORY, &estate(BILLING)), (LOG, &refused("billing", "10.20.1.11", error, sql))]),
            NOTHING
        );
    }
}

mod data_export {
    use super::*;

    const MAKES: &str =
        "psql -h db1 -d shop -c \"\\copy (SELECT id FROM public.orders) TO '/srv/out/orders.csv' CSV\"\n";
    const OUT: &str = "data-export: job:batch1/send, file:sftp.partner.example:in/orders.csv";

    fn with_scripts(crontab: &str, scripts: &[(&str, &str)]) -> Vec<String> {
        let mut files = vec![(INVENTORY, ESTATE), (CRONTAB, crontab)];
        files.extend(scripts);
        let told = findings(&files);
        told.into_iter().filter(|line| line.starts_with("data-export")).collect()
    }

    #[test]
    fn a_copy_to_a_machine_nobody_declares_is_found() {
        for transfer in [
            "scp /srv/out/orders.csv shop@sftp.partner.example:in/",
            "rsync -a /srv/out/orders.csv sftp.partner.example:in/orders.csv",
            "curl -fsS -T /srv/out/orders.csv https://sftp.partner.example/in/",
            "curl -F 'file=@/srv/out/orders.csv;type=text/csv' https://sftp.partner.example/in/orders.csv",
            "curl --data-binary @/srv/out/orders.csv https://u:p@sftp.partner.example:8443/in/orders.csv",
            "sftp -b - shop@sftp.partner.example <<EOF\nput /srv/out/orders.csv in/orders.csv\nEOF",
        ] {
            let send = format!("#!/bin/sh\n{MAKES}{transfer}\n");
            let told = with_scripts("0 5 * * * /opt/jobs/send.sh\n", &[("batch1/opt/jobs/send.sh", &send)]);
            assert_eq!(told, [OUT], "{transfer}");
        }
    }

    #[test]
    fn the_tables_behind_a_file_somebody_else_wrote_are_named() {
        let make = format!("#!/bin/sh\n{MAKES}");
        let send = "#!/bin/sh\nscp /srv/out/orders.csv shop@sftp.partner.example:in/\n";
        let crontab = "0 5 * * * /opt/jobs/make.sh\n0 6 * * * /opt/jobs/send.sh\n";
        let report = report(&[
            (INVENTORY, ESTATE),
            (CRONTAB, crontab),
            ("batch1/opt/jobs/make.sh", &make),
            ("batch1/opt/jobs/send.sh", send),
        ]);
        let findings = report["findings"].as_array().expect("findings are a list").iter();
        let told: Vec<(String, &str)> = findings
            .filter(|finding| finding["rule"] == "data-export")
            .map(|finding| (line(finding), finding["facts"]["data_of"].as_str().unwrap_or("")))
            .collect();
        assert_eq!(told, [(OUT.to_owned(), "table:shop-db/shop/public.orders")]);
    }

    #[test]
    fn a_copy_between_hosts_of_ours_and_a_download_are_not() {
        for transfer in [
            "scp /srv/out/orders.csv app1:in/",
            "scp /srv/out/orders.csv app1.shop.example:in/",
            "scp /srv/out/orders.csv 10.20.1.12:in/",
            "scp shop@sftp.partner.example:out/prices.csv /srv/in/",
            "cp /srv/out/orders.csv /mnt/partner/orders.csv",
            "curl -T /srv/out/orders.csv https://app1.shop.example/in/",
            "curl -d @/srv/out/orders.csv http://db1:8080/in/orders.csv",
            "curl -d total=5 https://sftp.partner.example/in/orders.csv",
        ] {
            let send = format!("#!/bin/sh\n{MAKES}{transfer}\n");
            let told = with_scripts("0 5 * * * /opt/jobs/send.sh\n", &[("batch1/opt/jobs/send.sh", &send)]);
            assert_eq!(told, NOTHING, "{transfer}");
        }
    }
}

mod dst_hazard {
    use super::*;

    fn with_schedule(schedule: &str, zone: &str) -> Vec<String> {
        let inventory = ESTATE.replacen("zone = \"UTC\"", zone, 1);
        assert!(inventory.contains(zone));
        let crontab = format!("{schedule} psql -h db1 -d shop -c 'UPDATE public.orders SET total = 1'\n");
        let told = findings(&[(INVENTORY, &inventory), (CRONTAB, &crontab)]);
        told.into_iter().filter(|line| line.starts_with("dst-hazard")).collect()
    }

    #[test]
    fn a_job_that_follows_real_time_in_the_hour_that_changes_is_found() {
        for schedule in ["*/30 2 * * *", "* 2 * * 0", "*/59 2 * * *"] {
            let told = with_schedule(schedule, "zone = \"Europe/Berlin\"");
            assert_eq!(told.len(), 1, "{schedule}: {told:?}");
            assert!(told[0].starts_with("dst-hazard: job:batch1/"), "{told:?}");
        }
    }

    #[test]
    fn a_fixed_time_other_hours_other_zones_and_other_days_are_not() {
        for (schedule, zone) in [
            ("30 2 * * *", "zone = \"Europe/Berlin\""),
            ("*/15 * * * *", "zone = \"Europe/Berlin\""),
            ("*/15 1-5 * * *", "zone = \"Europe/Berlin\""),
            ("*/30 4 * * *", "zone = \"Europe/Berlin\""),
            ("*/30 2 * * 1-5", "zone = \"Europe/Berlin\""),
            ("*/30 2 * * *", "zone = \"Asia/Tokyo\""),
            ("*/30 2 * * *", "zone = \"UTC\""),
        ] {
            assert_eq!(with_schedule(schedule, zone), NOTHING, "{schedule} {zone}");
        }
    }
}

mod unscheduled_periodic {
    use super::*;

    const READS: &str = "SELECT status FROM public.orders";
    const SHADOW: &str = "shadow-consumer: client:status_ro@10.20.3.44, database:shop-db/shop";
    const PERIODIC: &str =
        "unscheduled-periodic: client:status_ro@10.20.3.44, table:shop-db/shop/public.orders";
    const QUARTER: u32 = 900;

    /// The moments of a poller, two seconds behind each quarter of an hour.
    fn quarters(count: u32) -> impl Iterator<Item = u32> {
        (0..count).map(|beat| beat * QUARTER + 2)
    }

    fn polled(seconds: impl Iterator<Item = u32>, more: &[(&str, &str)]) -> Vec<String> {
        let log = ran_at(seconds, "status_ro", "10.20.3.44", READS);
        let mut files = vec![(INVENTORY, ESTATE), (LOG, log.as_str())];
        files.extend(more);
        findings(&files)
    }

    #[test]
    fn somebody_who_comes_every_quarter_of_an_hour_is_found() {
        assert_eq!(polled(quarters(40), &[]), [SHADOW, PERIODIC]);
    }

    #[test]
    fn fourteen_beats_are_enough() {
        assert_eq!(polled(quarters(14), &[]), [SHADOW, PERIODIC]);
    }

    #[test]
    fn thirteen_beats_are_not_enough() {
        assert_eq!(polled(quarters(13), &[]), [SHADOW]);
    }

    #[test]
    fn somebody_who_comes_at_any_time_keeps_no_clock() {
        // Steps of a multiplicative generator: no two distances are alike.
        let mut step = 7u32;
        let mut times: Vec<u32> = (0..40)
            .map(|_| {
                step = step * 16_807 % 65_521;
                step + step / 4
            })
            .collect();
        times.sort_unstable();
        assert_eq!(polled(times.into_iter(), &[]), [SHADOW]);
    }

    #[test]
    fn a_schedule_of_a_scanned_host_that_predicts_the_moments_explains_them() {
        let crontab = "util9/var/spool/cron/crontabs/board";
        let told = polled(quarters(40), &[(crontab, "*/15 * * * * /opt/board/refresh\n")]);
        assert_eq!(told, [SHADOW]);
    }

    #[test]
    fn a_schedule_of_another_machine_explains_nothing() {
        // The addresses of batch1 are known, and the client's is none of them.
        let told = polled(quarters(40), &[(CRONTAB, "*/15 * * * * /opt/board/refresh\n")]);
        assert_eq!(told, [SHADOW, PERIODIC]);
    }

    #[test]
    fn a_schedule_that_predicts_other_moments_explains_nothing() {
        let told = polled(quarters(40), &[(CRONTAB, "7 * * * * /opt/board/refresh\n")]);
        assert_eq!(told, [SHADOW, PERIODIC]);
    }

    #[test]
    fn a_schedule_of_every_minute_explains_nothing() {
        let told = polled(quarters(40), &[(CRONTAB, "* * * * * /opt/board/refresh\n")]);
        assert_eq!(told, [SHADOW, PERIODIC]);
    }

    #[test]
    fn watching_the_server_by_the_clock_is_no_use() {
        let log = ran_at(quarters(40), "watcher", "10.20.5.5", "SELECT state FROM pg_stat_activity");
        assert_eq!(findings(&[(INVENTORY, ESTATE), (LOG, &log)]), NOTHING);
    }

    #[test]
    fn a_monitoring_program_that_reads_tables_by_the_clock_is_no_application() {
        let log =
            ran_at(quarters(40), "watcher", "10.20.5.5", READS).replace("app=tool", "app=postgres_exporter");
        assert_eq!(findings(&[(INVENTORY, ESTATE), (LOG, &log)]), NOTHING);
    }

    #[test]
    fn keeping_a_connection_alive_by_the_clock_is_no_use() {
        let log = ran_at(quarters(40), "pool", "10.20.5.5", "SELECT 1");
        assert_eq!(findings(&[(INVENTORY, ESTATE), (LOG, &log)]), NOTHING);
    }

    #[test]
    fn statements_that_failed_by_the_clock_are_no_use() {
        let refuse = |second: u32| {
            let time = format!("{:02}:{:02}:{:02}.123", second / 3600, second / 60 % 60, second % 60);
            logged(&time, "status_ro", "10.20.3.44", "ERROR:  permission denied for table orders")
                + &logged(&time, "status_ro", "10.20.3.44", &format!("STATEMENT:  {READS}"))
        };
        let log: String = quarters(40).map(refuse).collect();
        assert_eq!(findings(&[(INVENTORY, ESTATE), (LOG, &log)]), NOTHING);
    }

    #[test]
    fn a_program_of_the_scan_that_polls_by_itself_is_explained_by_its_text() {
        let source = "import time\nimport psycopg2\n\
                      connection = psycopg2.connect(\"host=db1 dbname=shop user=status_ro\")\n\
                      while True:\n    cursor.execute(\"SELECT status FROM public.orders\")\n    time.sleep(900)\n";
        let told = polled(
            quarters(40),
            &[("services/board/Dockerfile", "FROM python:3.11-slim\n"), ("services/board/board.py", source)],
        );
        assert_eq!(told, NOTHING);
    }

    #[test]
    fn traffic_that_an_entry_calls_monitoring_is_no_application() {
        let entry = "[[consumer]]\nkind = \"client\"\nname = \"board\"\nusers = [\"status_ro\"]\nclass = \"monitoring\"\n";
        let log = ran_at(quarters(40), "status_ro", "10.20.3.44", READS);
        assert_eq!(findings(&[(INVENTORY, &estate(entry)), (LOG, &log)]), NOTHING);
    }

    #[test]
    fn a_listed_client_that_comes_by_the_clock_is_found() {
        let entry = "[[consumer]]\nkind = \"client\"\nname = \"board\"\nusers = [\"status_ro\"]\n";
        let log = ran_at(quarters(40), "status_ro", "10.20.3.44", READS);
        let told = findings(&[(INVENTORY, &estate(entry)), (LOG, &log)]);
        assert_eq!(told, ["unscheduled-periodic: client:board, table:shop-db/shop/public.orders"]);
    }
}
