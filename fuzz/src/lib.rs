//! Where hostile bytes enter whodepends, one function an entry: they may be refused, never make it panic or hang.
//! `fuzz_targets/` gives these to libFuzzer (`cargo +nightly fuzz run sql`); `tests/hostile.rs` includes this file and
//! gives them mutated seeds in every `cargo test`. Each gives how many records were understood, so that who feeds it can
//! tell that it is fed well; what was understood is judged by nobody here.

use std::path::PathBuf;
use std::sync::LazyLock;
use whodepends::scan::{Plan, scan};
use whodepends::{schedule, sql};

/// Workers with the stack that the program itself gives them.
static POOL: LazyLock<rayon::ThreadPool> = LazyLock::new(|| {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(16 * 1024 * 1024).num_threads(1);
    pool.build().expect("threads can be started")
});

/// The first byte chooses one of several; the rest is what it is given.
fn choose<'a, T>(data: &'a [u8], of: &'a [T]) -> Option<(&'a T, String)> {
    let (first, rest) = data.split_first()?;
    Some((of.get(usize::from(*first) % of.len())?, String::from_utf8_lossy(rest).into_owned()))
}

/// Statements of every dialect.
pub fn sql(data: &[u8]) -> u64 {
    use sql::Dialect::{
        BigQuery, ClickHouse, Generic, Hive, MsSql, MySql, Oracle, Postgres, Snowflake, Sqlite,
    };
    let dialects = [Postgres, Generic, MySql, MsSql, Oracle, Sqlite, Snowflake, BigQuery, Hive, ClickHouse];
    let Some((dialect, text)) = choose(data, &dialects) else { return 0 };
    POOL.install(|| {
        let told = sql::analyse(&text, *dialect);
        let _ = sql::fold(&text, *dialect);
        let _ = sql::split(&text);
        told.tables.len() as u64
    })
}

/// Schedules of every dialect, and when they run next.
pub fn schedule(data: &[u8]) -> u64 {
    let Some((dialect, text)) = choose(data, schedule::DIALECTS) else { return 0 };
    let Ok(schedule) = schedule::parse(dialect.name(), &text) else { return 0 };
    for zone in ["UTC", "Europe/Berlin", "Australia/Lord_Howe"].into_iter().filter_map(schedule::zone) {
        let _ = schedule.next(&zone, 1_790_000_000).take(30).count();
    }
    let _ = (schedule.words(), schedule.period_seconds(), schedule.notes().len());
    1
}

/// Scans one file of this name as this kind; no kind: as whatever its content says.
fn file(name: &str, kind: Option<&str>, data: &[u8]) -> u64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("folders can be made");
    std::fs::write(&path, data).expect("it can be written");
    let kinds: Vec<(String, PathBuf)> = kind.map(|kind| (kind.to_owned(), path)).into_iter().collect();
    let plan = Plan {
        paths: vec![folder.path().to_path_buf()],
        config: None,
        as_of: Some("2026-11-24".to_owned()),
        since: None,
        until: None,
        kinds,
        filter: None,
        block_bytes: 4096,
    };
    // Settings that cannot be meant are refused; all else is a report.
    let outcome = POOL.install(|| scan(&plan, &|_, _| ()));
    outcome.map_or(0, |outcome| outcome.report.inputs.iter().map(|input| input.records).sum())
}

/// Logs: the first byte chooses the format.
pub fn log(data: &[u8]) -> u64 {
    let kinds = [
        "postgres-stderr",
        "postgres-csvlog",
        "access-combined",
        "mysql-general",
        "mysql-slow",
        "mariadb-audit",
        "mysql-audit-json",
        "bigquery-jobs",
        "mongodb",
        "mssql-trace",
        "mssql-xe",
        "oracle-unified-audit",
        "redis-monitor",
        "redshift-history",
        "snowflake-history",
        "haproxy",
        "json-access",
        "envoy",
        "aws-alb",
        "aws-elb",
        "iis-w3c",
        "aws-cloudfront",
        "postgres-jsonlog",
        "postgres-syslog",
        "postgres-container",
        "cloudsql",
        "pg-stat-statements",
        "pgbouncer",
        "json-proxy",
    ];
    let Some((kind, _)) = choose(data, &kinds) else { return 0 };
    file("postgresql.log", Some(kind), &data[1..])
}

/// Captures, recognised by their first bytes.
pub fn capture(data: &[u8]) -> u64 {
    file("traffic.pcap", None, data)
}

/// Commands of a shell, in a script and in a crontab that runs it.
pub fn shell(data: &[u8]) -> u64 {
    let names = ["h/opt/x.sh", "h/etc/crontab", "h/etc/cron.d/x", "h/var/spool/cron/crontabs/x"];
    let Some((name, _)) = choose(data, &names) else { return 0 };
    file(name, None, &data[1..])
}

/// Schedules in configuration management: manifests, recipes, tasks, states, templates, scripts.
pub fn management(data: &[u8]) -> u64 {
    let files = [
        ("roles/a/tasks/main.yml", "ansible-cron"),
        ("modules/a/manifests/b.pp", "puppet"),
        ("cookbooks/a/recipes/b.rb", "chef"),
        ("a/init.sls", "salt"),
        ("a/main.tf", "terraform"),
        ("templates/crontab.j2", "crontab-system"),
        ("a/init.yml", "yaml-crontab"),
        ("Dockerfile", "scripted-crontab"),
    ];
    let Some(((name, kind), _)) = choose(data, &files) else { return 0 };
    file(name, Some(kind), &data[1..])
}

/// OpenAPI documents, Backstage catalogues, compose files, and lists of machines, owners and permissions.
pub fn inventory(data: &[u8]) -> u64 {
    let kinds = [
        "openapi",
        "backstage",
        "compose",
        "hosts-file",
        "ansible-inventory",
        "ssh-config",
        "host-table",
        "dhcp-leases",
        "dns-records",
        "codeowners",
        "permissions",
    ];
    let Some((kind, _)) = choose(data, &kinds) else { return 0 };
    file("a/inventory.yaml", Some(kind), &data[1..])
}

/// `whodepends.toml`, and the settings of applications.
pub fn settings(data: &[u8]) -> u64 {
    let names = ["whodepends.toml", "app/.env", "app/.pgpass", "app/application.yml"];
    let Some((name, _)) = choose(data, &names) else { return 0 };
    file(name, None, &data[1..])
}

/// Evidence files, decompressed: scanned, merged alone, and read by the group, which is to find the same broken rows.
pub fn evidence(data: &[u8]) -> u64 {
    let (name, apart) = (whodepends::evidence::Text::from("x"), whodepends::evidence::Apart::default());
    let said =
        |kept: Result<whodepends::evidence::file::Kept, _>| kept.ok().map(|kept| (kept.gaps, kept.rows));
    POOL.install(|| {
        let whole = said(whodepends::evidence::file::read(&name, data, &|_| ()));
        let grouped = said(whodepends::evidence::file::read_grouped(&name, data, &|_| (), &apart));
        assert_eq!(grouped, whole, "by the group the same rows are broken");
    });
    let from = std::io::Cursor::new(data.to_vec());
    // What cannot be merged is refused.
    let _ = POOL
        .install(|| whodepends::evidence::file::merge(vec![("x".to_owned(), Box::new(from))], Vec::new()));
    file("kept.evidence.jsonl", None, data)
}

/// Source of every language.
pub fn source(data: &[u8]) -> u64 {
    let names = ["app/a.py", "app/a.sql", "app/A.java", "app/a.ts", "app/a.tsx"];
    let Some((name, _)) = choose(data, &names) else { return 0 };
    file(name, None, &data[1..])
}
