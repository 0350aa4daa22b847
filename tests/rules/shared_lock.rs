//! `shared-lock`: one advisory lock that several programs take.

use super::*;

const MAILER: &str = "[[consumer]]\nkind = \"service\"\nname = \"mailer\"\nusers = [\"mailer\"]\nhosts = [\"app2\"]\nuses = [\"shop-db/shop\"]\n";

fn with_log(log: &str) -> Vec<String> {
    titles(&[(INVENTORY, &estate(&format!("{BILLING}{MAILER}"))), (LOG, log)])
}

fn both(one: &str, other: &str) -> String {
    ran("billing", "10.20.1.11", one) + &ran("mailer", "10.20.1.12", other)
}

#[test]
fn a_key_that_two_programs_take_is_found() {
    for (one, other, key) in [
        ("SELECT pg_advisory_lock(4711)", "SELECT pg_try_advisory_lock(4711)", "4711"),
        ("SELECT pg_advisory_xact_lock(7, 12)", "SELECT pg_advisory_lock(7, 12)", "7,12"),
        (
            "SELECT pg_advisory_lock(hashtext('nightly-close'))",
            "SELECT pg_advisory_xact_lock(hashtext('nightly-close'))",
            "nightly-close",
        ),
    ] {
        assert_eq!(
            with_log(&both(one, other)),
            [format!(
                "medium high shared-lock: service:billing and service:mailer take lock:shop-db/shop/{key}"
            )]
        );
    }
}

#[test]
fn other_keys_bound_keys_and_what_is_given_back_are_not() {
    for (one, other) in [
        ("SELECT pg_advisory_lock(4711)", "SELECT pg_advisory_lock(4712)"),
        ("SELECT pg_advisory_lock(4711)", "SELECT pg_advisory_unlock(4711)"),
        ("SELECT pg_advisory_lock($1)", "SELECT pg_advisory_lock($1)"),
        ("SELECT pg_advisory_lock(hashtext($1))", "SELECT pg_advisory_lock(hashtext($1))"),
        ("SELECT pg_advisory_lock(4711)", "SELECT 4711"),
    ] {
        assert_eq!(with_log(&both(one, other)), NOTHING, "{one} {other}");
    }
}

#[test]
fn a_key_for_each_row_is_no_lock_of_a_name() {
    let log: String = (1..60)
        .map(|row| {
            let sql = format!("SELECT pg_advisory_xact_lock({row})");
            both(&sql, &sql)
        })
        .collect();
    assert_eq!(with_log(&log), NOTHING);
}

#[test]
fn one_advisory_lock_keeps_two_jobs_in_order() {
    let text = |sql: &str| {
        format!("#!/bin/sh\npsql -h db1 -d shop -U batch -c \"SELECT pg_advisory_lock(7)\" -c \"{sql}\"\n")
    };
    let told = titles(&[
        (INVENTORY, ESTATE),
        (CRONTAB, "0 2 * * * /opt/jobs/settle.sh\n30 2 * * * /opt/jobs/load.sh\n"),
        ("batch1/opt/jobs/settle.sh", &text("INSERT INTO public.daily (day) SELECT day FROM public.orders")),
        ("batch1/opt/jobs/load.sh", &text("SELECT day FROM public.daily")),
    ]);
    assert_eq!(
        told,
        ["medium medium shared-lock: job:batch1/load and job:batch1/settle take lock:shop-db/shop/7"]
    );
}

#[test]
fn a_lock_of_mysql_is_one_of_the_whole_server() {
    let session = |number: u32, login: &str, host: &str, database: &str| {
        let line =
            |command: &str, text: &str| format!("261026 10:00:{number:02}\t{number:6} {command}\t{text}\n");
        line("Connect", &format!("{login}@{host} on {database} using TCP/IP"))
            + &line("Query", "SELECT GET_LOCK('close', 10)")
            + &line("Query", "SELECT id FROM orders")
            + &line("Quit", "")
    };
    let head = "/usr/sbin/mariadbd, Version: 10.11.6-MariaDB-log (Debian 12). started with:\n\
                Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock\nTime\t\t    Id Command\tArgument\n";
    let log = format!(
        "{head}{}{}",
        session(5, "billing", "10.20.1.11", "shop"),
        session(6, "mailer", "10.20.1.12", "archive")
    );
    let inventory = estate(&format!("{BILLING}{MAILER}").replace("shop-db/shop", "shop-db"))
        .replace("path = \"logs/*\"", "path = \"logs/*\"\nzone = \"UTC\"");
    let told = titles(&[(INVENTORY, &inventory), ("logs/second.log", &log)]);
    assert_eq!(told, ["medium high shared-lock: service:billing and service:mailer take lock:shop-db/close"]);
}
