//! What a log is believed to say: process ids that come again, logs that hold a part, prefixes that only their writer
//! knows, copies, archives and logs in other words than English. Each claim stands beside its near miss.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(arguments)
        .args(["--format", "json", "--as-of", "2026-11-30"])
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

/// What a scan of some files says: links, gaps, what a vantage sees, inputs that were left out.
fn said_of(files: &[(&str, &[u8])], arguments: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("it can be made");
        std::fs::write(path, content).expect("it can be written");
    }
    let output = run(folder.path(), arguments);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    let list = |name: &str| report[name].as_array().expect("it is a list").clone();
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or("").to_owned();
    let links = list("links");
    let mut said: Vec<String> = links
        .iter()
        .map(|link| {
            let resource = text(link, "resource");
            let last: Vec<&str> = resource.rsplit('/').take(2).collect();
            format!(
                "{} {} {}/{} {} {}",
                text(link, "consumer"),
                text(link, "action"),
                last.get(1).unwrap_or(&""),
                last[0],
                text(link, "outcome"),
                link["count"]
            )
        })
        .collect();
    said.extend(list("vantages").iter().map(|vantage| format!("sees {}", text(vantage, "sees"))));
    said.extend(list("gaps").iter().map(|gap| format!("gap {} {}", text(gap, "code"), text(gap, "detail"))));
    let inputs = list("inputs");
    let skipped = inputs.iter().filter(|input| text(input, "status") == "skipped");
    said.extend(skipped.map(|input| format!("skipped {}", text(input, "path"))));
    said
}

/// The same of one log.
fn said(log: &str) -> Vec<String> {
    said_of(&[("postgresql.log", log.as_bytes())], &["scan", "."])
}

#[test]
fn a_process_id_that_comes_again_is_another_session() {
    let log = |user: &str, database: &str| {
        format!(
            "2026-11-26 00:00:01.001 UTC [100] app@shop LOG:  statement: SET search_path = sales\n\
             2026-11-26 00:00:02.001 UTC [100] app@shop LOG:  statement: SELECT id FROM a\n\
             2026-11-27 00:00:02.001 UTC [100] {user}@{database} LOG:  statement: SELECT id FROM b\n"
        )
    };
    assert_eq!(
        said(&log("etl", "shop")),
        ["client:app read shop/sales.a ok 1", "client:etl read shop/public.b ok 1", "sees all"]
    );
    assert_eq!(
        said(&log("app", "crm")),
        ["client:app read crm/public.b ok 1", "client:app read shop/sales.a ok 1", "sees all"]
    );
    assert_eq!(
        said(&log("app", "shop")),
        ["client:app read shop/sales.a ok 1", "client:app read shop/sales.b ok 1", "sees all"]
    );
}

#[test]
fn a_login_that_comes_twice_on_one_process_is_two_sessions() {
    let line =
        |time: u32, text: &str| format!("2026-11-26 00:00:{time:02}.001 UTC [100] app@shop LOG:  {text}\n");
    let authorized = "connection authorized: user=app database=shop";
    let log = line(1, authorized)
        + &line(2, "statement: SET search_path = sales")
        + &line(3, authorized)
        + &line(4, "statement: SELECT id FROM orders");
    assert!(said(&log).contains(&"client:app read shop/public.orders ok 1".to_owned()), "{:?}", said(&log));
}

#[test]
fn only_a_query_shows_that_a_log_holds_all() {
    let log = |messages: &[&str]| {
        let line = |message: &&str| format!("2026-11-26 00:00:01.001 UTC [100] app@shop LOG:  {message}\n");
        messages.iter().map(line).collect::<String>()
    };
    let sees = |messages: &[&str]| {
        let said = said(&log(messages));
        said.into_iter().find(|line| line.starts_with("sees ")).unwrap_or_default()
    };
    let insert = "statement: INSERT INTO public.x (a) VALUES (1)";
    // `log_statement = mod` beside a limit for slow ones.
    assert_eq!(sees(&[insert, "duration: 1312.104 ms  statement: SELECT a FROM public.y"]), "sees unknown");
    assert_eq!(sees(&[insert]), "sees unknown");
    assert_eq!(sees(&[insert, "statement: SELECT a FROM public.y"]), "sees all");
    assert_eq!(sees(&["duration: 0.104 ms  statement: SELECT a FROM public.y"]), "sees all");
    assert_eq!(sees(&["statement: CREATE TABLE public.y (a int)"]), "sees ddl");
}

/// A prefix whose values stand beside each other without a word that says whose they are.
const BARE: &str = "2026-11-26 00:00:01.001 UTC [1000] bill/shop/app from 10.0.0.7: LOG:  statement: SELECT a FROM public.y\n";

#[test]
fn a_prefix_that_tells_nothing_is_asked_for_and_read_when_it_is_stated() {
    assert_eq!(
        said(BARE)[2..],
        [
            "gap unknown-session no line names a login that can be told: log connections, or state the log_line_prefix \
          of the log with [[source]]"
        ]
    );
    let settings = |prefix: &str| {
        format!("[[source]]\npath = \"db/*.log\"\nserver = \"shop-db\"\nlog_line_prefix = \"{prefix}\"\n")
    };
    let with = |prefix: &str, arguments: &[&str]| {
        let files = [("db/a.log", BARE.as_bytes()), ("whodepends.toml", settings(prefix).as_bytes())]
            .map(|(name, text)| (name, text.to_vec()));
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, &text[..])).collect();
        said_of(&files, arguments)
    };
    let stated = ["client:app@10.0.0.7 read shop/public.y ok 1".to_owned(), "sees all".to_owned()];
    assert_eq!(with("%m [%p] %a/%d/%u from %h: ", &["scan", "."]), stated);
    // A file that is named by itself is the same file.
    assert_eq!(
        with("%m [%p] %a/%d/%u from %h: ", &["scan", "db/a.log", "--config", "whodepends.toml"]),
        stated
    );
    let wrong = with("%m [%p] %a;%d ", &["scan", "."]);
    assert!(
        wrong.contains(
            &"gap bad-config the line does not begin as [[source]] log_line_prefix says".to_owned()
        ),
        "{wrong:?}"
    );
}

#[test]
fn a_log_in_other_words_than_english_is_said_to_be_one() {
    let log = "2026-11-26 00:00:01.001 UTC [100] app@shop LOG:  Anweisung: SELECT id FROM public.a\n";
    let said = said(log);
    assert!(said.iter().any(|line| line.starts_with("gap ") && line.contains("lc_messages")), "{said:?}");
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(text).expect("memory can be written");
    writer.finish().expect("memory can be written")
}

#[test]
fn a_log_beside_its_own_compressed_copy_counts_once() {
    let line = |table: &str| {
        format!("2026-11-26 00:00:01.001 UTC [100] app@shop LOG:  statement: SELECT id FROM {table}\n")
    };
    let (one, other) = (line("public.a"), line("public.b"));
    let said = said_of(&[("b.log.1", one.as_bytes()), ("b.log.1.gz", &gzip(one.as_bytes()))], &["scan", "."]);
    assert_eq!(said, ["client:app read shop/public.a ok 1", "sees all", "skipped b.log.1.gz"]);
    let said =
        said_of(&[("b.log.1", one.as_bytes()), ("b.log.1.gz", &gzip(other.as_bytes()))], &["scan", "."]);
    assert_eq!(
        said,
        ["client:app read shop/public.a ok 1", "client:app read shop/public.b ok 1", "sees all"]
    );
}

#[test]
fn records_of_a_log_nobody_knows_are_no_settings_whatever_their_name() {
    let record =
        "{\"when\":\"2026-11-26T03:00:00Z\",\"login\":\"billing\",\"sql\":\"DELETE FROM public.orders\"}\n";
    let unknown = ["gap unrecognised no reader knows this kind of text", "skipped app.json"];
    assert_eq!(said_of(&[("app.json", record.repeat(2).as_bytes())], &["scan", "."]), unknown);
    let settings = "{\n  \"database\": \"postgresql://billing@db1/shop\"\n}\n";
    assert!(
        said_of(&[("app.json", settings.as_bytes())], &["scan", "."])
            .iter()
            .all(|line| !line.starts_with("skipped"))
    );
}

#[test]
fn an_archive_is_named_and_not_read_as_one_text() {
    let mut archive = vec![0; 1024];
    archive[..7].copy_from_slice(b"pg1.log");
    archive[257..262].copy_from_slice(b"ustar");
    archive[512..581]
        .copy_from_slice(b"2026-11-26 00:00:01.001 UTC [100] app@shop LOG:  statement: SELECT 1 ");
    let said = said_of(&[("logs.tar.gz", &gzip(&archive))], &["scan", "."]);
    assert_eq!(
        said,
        ["gap unrecognised it is an archive: unpack it, and name the folder", "skipped logs.tar.gz"]
    );
}

#[test]
fn the_login_of_an_object_store_and_the_values_of_a_query_stay_inside() {
    let log = "2026-11-26 00:00:01.001 UTC [100] app@shop LOG:  statement: COPY t FROM 's3n://AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENGbPxRfiCYEXAMPLEKEY@bucket/x'\n\
               2026-11-26 00:00:02.001 UTC [100] app@shop LOG:  statement: COPY t TO PROGRAM 'curl -d @- http://h.example/?k=Sekret008&format=csv'\n";
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("postgresql.log"), log).expect("it can be written");
    let report = String::from_utf8(run(folder.path(), &["scan", "."]).stdout).expect("the report is text");
    for secret in ["AKIA", "wJalr", "K7MDENG", "Sekret008"] {
        assert!(!report.contains(secret), "{secret}");
    }
    for kept in ["object:bucket/x", "http://h.example/?k=…&format=csv"] {
        assert!(report.contains(kept), "{kept}: {report}");
    }
}

#[test]
fn a_program_is_no_log_whatever_it_prints() {
    let line = "2026-11-26 00:00:01.001 UTC [100] app@shop LOG:  statement: SELECT id FROM public.a\n";
    let told = |first: &str| {
        let text = format!("{first}{}", line.repeat(3));
        said_of(&[("db.txt", text.as_bytes())], &["scan", "."])
    };
    assert!(told("").contains(&"client:app read shop/public.a ok 3".to_owned()));
    assert!(!told("#!/bin/sh\ncat <<'END'\n").iter().any(|line| line.contains("public.a")));
}
