//! What databases permit: it is shown where somebody asks who a login's consumer is, and changes no verdict.

use super::*;

const RECORDS: &str = "\
# TYPE DATABASE USER ADDRESS METHOD
local   all      all                        peer
host    shop,crm billing,\"report ro\" 10.20.0.0 255.255.0.0 md5
hostssl all      +readers   10.20.0.0/16    scram-sha-256
host    shop     export     10.20.2.21/32   scram-sha-256 clientname=CN # nightly
host    shop     intruder   0.0.0.0/0       reject
";

const GRANTS: &str = "\
-- PostgreSQL database cluster dump
CREATE ROLE export;
GRANT readers TO export WITH INHERIT TRUE GRANTED BY postgres;
\\connect shop
GRANT SELECT,INSERT ON TABLE public.orders TO export;
GRANT USAGE ON SCHEMA public TO PUBLIC;
";

fn may(evidence: &Evidence) -> Vec<String> {
    let mut lines: Vec<String> = evidence
        .facts()
        .filter_map(|fact| match &fact.says {
            Says::Permitted(what) => Some(format!("{}: {} may {what}", fact.place, fact.about)),
            _ => None,
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn records_and_grants_are_stated_of_the_logins_they_name() {
    let it = stated(&[("dumps/pg_hba.conf", RECORDS), ("dumps/roles.out", GRANTS)]);
    let wanted = [
        "dumps/pg_hba.conf:3: user:billing may connect to shop, crm from 10.20.0.0 255.255.0.0",
        "dumps/pg_hba.conf:3: user:report ro may connect to shop, crm from 10.20.0.0 255.255.0.0",
        "dumps/pg_hba.conf:5: user:export may connect to shop from 10.20.2.21/32",
        "dumps/roles.out:3: user:export may what readers may",
        "dumps/roles.out:5: user:export may SELECT, INSERT on TABLE public.orders in shop",
    ];
    assert_eq!(may(&it), wanted);
    let other = stated(&[("notes/hba.txt", RECORDS), ("app/schema.sql", "GRANT SELECT ON a TO b;\n")]);
    assert_eq!(may(&other), NOTHING);
}

#[test]
fn what_is_permitted_is_shown_and_proves_nothing() {
    let log = "2026-10-26 07:00:01.123 UTC [4711] user=export,db=shop,app=tool,client=10.20.2.21 LOG:  duration: 0.120 ms  statement: SELECT id FROM public.orders\n";
    let own = "as_of = \"2026-11-24\"\n[[consumer]]\nkind = \"service\"\nname = \"billing\"\n";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |arguments: &[&str]| -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .expect("the program starts");
        String::from_utf8(output.stdout).expect("it is text")
    };
    let told = || {
        let report: serde_json::Value =
            serde_json::from_str(&run(&["scan", ".", "--format", "json"])).expect("the report is JSON");
        (report["findings"].clone(), report["links"].clone())
    };
    write(folder.path(), &[("whodepends.toml", own), ("logs/postgresql.log", log)]);
    let before = told();
    assert_ne!(before.0.as_array().map(Vec::len), Some(0));
    write(folder.path(), &[("pg_hba.conf", RECORDS), ("roles.out", GRANTS)]);
    assert_eq!(told(), before);
    let shown = run(&["explain", "client:export@10.20.2.21", "."]);
    let wanted = "\
What its logins may do, which proves no use
  export: SELECT, INSERT on TABLE public.orders in shop (roles.out:5)
  export: connect to shop from 10.20.2.21/32 (pg_hba.conf:5)
  export: what readers may (roles.out:3)
";
    assert!(shown.contains(wanted), "{shown}");
}
