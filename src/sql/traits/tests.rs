//! Patterns by the words of each engine. Widths were compared with what PostgreSQL 15 makes of the same intervals.

use crate::sql::{Cache, Dialect, SearchPath, analyse};

/// The patterns of one name that a text has.
fn traits(dialect: Dialect, sql: &str, name: &str) -> Vec<String> {
    let analysis = analyse(sql, dialect);
    let of_name = analysis.traits.iter().filter(|it| it.name.starts_with(name));
    of_name.map(ToString::to_string).collect()
}

fn window(dialect: Dialect, condition: &str) -> Vec<String> {
    let sql = format!("SELECT id FROM orders WHERE {condition}");
    traits(dialect, &sql, "window").into_iter().filter(|it| !it.starts_with("window-on")).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn windows_are_as_wide_as_each_engine_says() {
    use Dialect::{MsSql, MySql, Oracle, Postgres};
    for (dialect, condition, width) in [
        (Postgres, "ts > now() - interval '1 day'", "window = 1 day"),
        (Postgres, "ts >= current_timestamp - interval '1 day 02:00'", "window = 26 hours"),
        (Postgres, "now() - ts < '2 hours'::interval", "window = 2 hours"),
        (Postgres, "ts > now() - interval '1 mon'", "window = 1 month"),
        (Postgres, "ts > now() - make_interval(mins => 90)", "window = 90 minutes"),
        (Postgres, "ts > now() - 3 * interval '5 minutes'", "window = 15 minutes"),
        (Postgres, "ts > now() + interval '-45 seconds' AND note <> 'x'", "window = 45 seconds"),
        (
            Postgres,
            "ts >= now() - interval '1 hour' AND ts < now() - interval '10 minutes'",
            "window = 50 minutes",
        ),
        (Postgres, "ts BETWEEN now() - interval '1 hour' AND now()", "window = 1 hour"),
        (Postgres, "ts::date = current_date - 1", "window-of-days = 1 day"),
        (Postgres, "ts >= current_date - 7 AND ts < current_date", "window-of-days = 7 days"),
        (Postgres, "ts >= date_trunc('day', now()) - interval '1 day'", "window-since-midnight = 1 day"),
        (MySql, "ts > DATE_SUB(NOW(), INTERVAL 1 DAY)", "window = 1 day"),
        (MySql, "ts > NOW() - INTERVAL 15 MINUTE", "window = 15 minutes"),
        (MySql, "DATE(ts) = CURDATE() - INTERVAL 1 DAY", "window-of-days = 1 day"),
        (MsSql, "ts >= DATEADD(hour, -4, GETDATE())", "window = 4 hours"),
        (MsSql, "ts >= DATEADD(mi, -30, SYSUTCDATETIME())", "window = 30 minutes"),
        (
            MsSql,
            "ts >= DATEADD(day, -1, CAST(GETDATE() AS date)) AND ts < CAST(GETDATE() AS date)",
            "window-of-days = 1 day",
        ),
        (Oracle, "ts > SYSDATE - 1", "window = 1 day"),
        (Oracle, "ts > SYSDATE - 1/24", "window = 1 hour"),
        (Oracle, "ts > SYSTIMESTAMP - INTERVAL '15' MINUTE", "window = 15 minutes"),
        (Oracle, "ts > SYSDATE - NUMTODSINTERVAL(30, 'MINUTE')", "window = 30 minutes"),
        (Oracle, "ts >= TRUNC(SYSDATE) - 1 AND ts < TRUNC(SYSDATE)", "window-of-days = 1 day"),
    ] {
        assert_eq!(window(dialect, condition), [width], "{condition}");
    }
}

#[test]
fn what_only_resembles_a_window_is_none() {
    use Dialect::{MySql, Postgres};
    for (dialect, condition) in [
        (Postgres, "ts < now() - interval '90 days'"),
        (Postgres, "ts > now()"),
        (Postgres, "ts > now() - $1"),
        (Postgres, "ts > now() - interval '1 day' * $1"),
        (Postgres, "ts > now() - interval '1 day' OR note = 'x'"),
        (Postgres, "ts > '2026-11-01'"),
        (Postgres, "ts > now() - interval 'all'"),
        (Postgres, "ts > now() - other"),
        (Postgres, "ts > now() - interval '1 month 1 day'"),
        // A date is all of that day, a time only its first moment.
        (Postgres, "ts BETWEEN current_date - 7 AND current_date"),
        (Postgres, "ts >= current_date"),
        // MySQL takes days off a number.
        (MySql, "ts > CURDATE() - 1"),
        (Postgres, "ts > CURDATE() - 1"),
    ] {
        assert_eq!(window(dialect, condition), NOTHING, "{condition}");
    }
    let deletes = "DELETE FROM orders WHERE ts > now() - interval '1 day'";
    assert_eq!(traits(Postgres, deletes, "window"), NOTHING);
}

#[test]
fn the_table_of_a_window_is_the_one_whose_column_it_holds() {
    let sql = "SELECT o.id FROM shop.orders o JOIN customers c ON c.id = o.who WHERE o.ts > now() - interval '1 day'";
    assert_eq!(traits(Dialect::Postgres, sql, "window-on"), ["window-on = orders"]);
    let open = "SELECT id FROM orders, customers WHERE ts > now() - interval '1 day'";
    assert_eq!(traits(Dialect::Postgres, open, "window-on"), NOTHING);
}

#[test]
fn rows_that_somebody_else_has_are_left_out_in_two_ways() {
    for (dialect, sql, told) in [
        (
            Dialect::Postgres,
            "SELECT id FROM jobs ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED",
            vec!["skip-locked = jobs"],
        ),
        (
            Dialect::MsSql,
            "SELECT TOP 1 id FROM dbo.jobs WITH (UPDLOCK, READPAST) ORDER BY id",
            vec!["skip-locked = jobs"],
        ),
        (
            Dialect::Postgres,
            "SELECT j.id FROM jobs j JOIN people p ON p.id = j.who LIMIT 1 FOR UPDATE OF j SKIP LOCKED",
            vec!["skip-locked = jobs"],
        ),
        (Dialect::Postgres, "SELECT id FROM jobs LIMIT 1 FOR UPDATE NOWAIT", vec![]),
    ] {
        assert_eq!(traits(dialect, sql, "skip-locked"), told, "{sql}");
    }
}

#[test]
fn patterns_of_one_engine_are_named() {
    use Dialect::{MsSql, MySql, Oracle, Postgres};
    for (dialect, sql, patterns) in [
        (
            Postgres,
            "SELECT DISTINCT ON (a) a, x ->> 'y' FROM t WHERE b ILIKE 'x%' AND d ~ 'x'",
            "distinct-on ilike json-arrow ~",
        ),
        (Postgres, "SELECT a FROM t WHERE ctid = '(0,1)' AND c = ANY($1)", "any-of-array ctid"),
        (Postgres, "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", "on-conflict"),
        (
            MySql,
            "SELECT IFNULL(a, 0), GROUP_CONCAT(b SEPARATOR '-') FROM t USE INDEX (i) LIMIT 5, 10",
            "group_concat hint ifnull limit-comma separator",
        ),
        (MySql, "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 2", "on-duplicate-key"),
        (MySql, "REPLACE INTO t (a) VALUES (1)", "replace-into"),
        (MySql, "SELECT a FROM t WHERE b REGEXP '^x' AND c <=> d", "<=> regexp"),
        (MsSql, "SELECT TOP 10 ISNULL(a, 0), GETDATE() FROM t WITH (NOLOCK)", "getdate isnull nolock top"),
        (
            Oracle,
            "SELECT NVL(a, 0), DECODE(b, 1, 'x', 'y') FROM t, u WHERE t.id = u.id(+) AND ROWNUM < 5",
            "(+) decode nvl rownum",
        ),
        (Oracle, "SELECT a FROM t START WITH p IS NULL CONNECT BY PRIOR id = p", "connect-by"),
        (Oracle, "SELECT /*+ FULL(t) */ a FROM t", "hint"),
        // Read by tokens.
        (
            MsSql,
            "SELECT TOP 5 a FROM t WITH (NOLOCK) WHERE ISNULL(b, 0) = 1 OPTION (RECOMPILE)",
            "hint isnull nolock top",
        ),
    ] {
        let found = traits(dialect, sql, "engine-specific").join(" ").replace("engine-specific = ", "");
        assert_eq!(found, patterns, "{sql}");
    }
}

#[test]
fn some_of_several_rows_are_those_that_happen_to_come_first() {
    use Dialect::{MsSql, Oracle, Postgres};
    for (dialect, sql, limits) in [
        (Postgres, "SELECT a FROM t LIMIT 5", true),
        (MsSql, "SELECT TOP 5 a FROM t", true),
        (MsSql, "SELECT TOP (@n) PERCENT a FROM t", true),
        (MsSql, "SELECT TOP (1) a FROM t WHERE state = 'x'", true),
        (Oracle, "SELECT a FROM t WHERE ROWNUM <= 5", true),
        (Oracle, "SELECT a FROM t, u WHERE (b = 1 AND ROWNUM = 1)", true),
        // They are counted before they are ordered.
        (Oracle, "SELECT a FROM t WHERE ROWNUM < 6 ORDER BY a", true),
        (MsSql, "SELECT TOP 5 a FROM t ORDER BY a", false),
        (MsSql, "SELECT TOP 0 a FROM t", false),
        (MsSql, "SELECT TOP 1 a FROM t", false),
        (MsSql, "SELECT TOP 1 a FROM t WHERE id = 7", false),
        (Oracle, "SELECT a FROM (SELECT a FROM t ORDER BY a) WHERE ROWNUM <= 5", false),
        (Oracle, "WITH o AS (SELECT a FROM t ORDER BY a) SELECT a FROM o WHERE ROWNUM <= 5", false),
        (Oracle, "SELECT a FROM t WHERE ROWNUM = 1", false),
        (Oracle, "SELECT count(*) FROM t WHERE ROWNUM <= 1000", false),
        (Postgres, "SELECT a FROM t WHERE rownum <= 5", false),
    ] {
        assert_eq!(!traits(dialect, sql, "limit-without-order").is_empty(), limits, "{sql}");
    }
}

#[test]
fn a_table_without_those_that_inherit_from_it_has_its_name() {
    for (sql, star) in [
        ("SELECT * FROM ONLY t1", "select-star = t1"),
        ("SELECT x.* FROM ONLY s.t1 AS x JOIN ONLY (t2) y ON true", "select-star = t1"),
        ("SELECT * FROM t1 FETCH FIRST ROWS ONLY", "select-star = t1"),
        ("SELECT * FROM \"only\"", "select-star = only"),
    ] {
        assert_eq!(traits(Dialect::Postgres, sql, "select-star"), [star], "{sql}");
    }
}

#[test]
fn what_engines_share_is_not() {
    for (dialect, sql) in [
        (
            Dialect::Postgres,
            "SELECT a::text, row_number() OVER (ORDER BY a) AS rownum FROM t WHERE rowid = 1 LIMIT 3",
        ),
        (Dialect::Postgres, "SELECT decode(a, 'hex'), shop.nvl(a, 0) FROM t WHERE a = ANY (SELECT b FROM u)"),
        (Dialect::Postgres, "SELECT coalesce(a, 0), \"ctid\" FROM t WHERE note LIKE 'nvl(%'"),
        (Dialect::MsSql, "SELECT a FROM t WHERE xisnull(b) = 1 OPTION_X !!"),
    ] {
        assert_eq!(traits(dialect, sql, "engine-specific"), NOTHING, "{sql}");
    }
}

/// What is used beside tables, through the cache, which understands shapes.
fn others(cache: &Cache, sql: &str) -> Vec<String> {
    let understood = cache.understand(sql);
    let told = understood.uses(&SearchPath::default()).into_iter();
    told.map(|told| {
        let how = told.traits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("{} {} ({how})", told.action.word(), told.resource)
    })
    .collect()
}

#[test]
fn statements_of_one_shape_tell_what_each_of_them_says() {
    let cache = Cache::new(Dialect::Postgres);
    let of = |hours: u32| {
        format!("SELECT id FROM orders WHERE who = {hours} AND ts > now() - interval '{hours} hours'")
    };
    for hours in [3, 2, 3] {
        assert_eq!(
            others(&cache, &of(hours)),
            [format!("read table:orders (window = {hours} hours, window-on = orders)")]
        );
    }
    assert_eq!(
        cache.understand(&of(2)).shape.fingerprint,
        cache.understand(&of(3)).shape.fingerprint,
        "the fingerprint stays that of the folded text"
    );
    for key in ["4711", "42", "0"] {
        assert_eq!(
            others(&cache, &format!("SELECT pg_advisory_lock({key})")),
            [format!("touch lock:{key} (waits-for-lock)")]
        );
    }
    let cache = Cache::new(Dialect::MySql);
    for name in ["billing", "mail"] {
        for quote in ['\'', '"'] {
            assert_eq!(
                others(&cache, &format!("SELECT GET_LOCK({quote}{name}{quote}, 10)")),
                [format!("touch lock:{name} (tries-lock)")]
            );
        }
    }
    for minutes in [5, 15] {
        let sql = format!(
            "SELECT id FROM `orders` WHERE ts > DATE_SUB(NOW(), INTERVAL {minutes} MINUTE) AND who = 7"
        );
        assert_eq!(
            others(&cache, &sql),
            [format!(
                "read table:orders (engine-specific = date_sub, window = {minutes} minutes, window-on = orders)"
            )]
        );
    }
    assert_eq!(others(&cache, "SELECT GET_LOCK(@name, 10)"), NOTHING);
    let cache = Cache::new(Dialect::Postgres);
    // What is bound when it runs names nothing, however the shape is understood.
    for sql in [
        "SELECT pg_advisory_lock($1)",
        "SELECT pg_advisory_lock(hashtext($1))",
        "SELECT pg_notify($1, $2)",
        "SELECT 1 FROM pg_class WHERE relname = $1",
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1",
    ] {
        assert_eq!(others(&cache, sql), NOTHING, "{sql}");
    }
}

#[test]
fn locks_channels_files_and_other_servers_are_told_by_name() {
    use Dialect::{BigQuery, MsSql, MySql, Oracle, Postgres, Redshift, Snowflake};
    for (dialect, sql, told) in [
        (Postgres, "LISTEN Orders_New", "consume topic:orders_new (listen)"),
        (Postgres, "NOTIFY \"Orders\", 'x'", "publish topic:Orders (notify)"),
        (Postgres, "SELECT pg_notify('orders', $1)", "publish topic:orders (notify)"),
        (Postgres, "SELECT pg_try_advisory_xact_lock(7, 12)", "touch lock:7,12 (tries-lock)"),
        (MySql, "SELECT GET_LOCK('billing', 10)", "touch lock:billing (tries-lock)"),
        (
            MsSql,
            "EXEC sp_getapplock @Resource = 'billing', @LockMode = 'Exclusive'",
            "touch lock:billing (waits-for-lock)",
        ),
        (Postgres, "COPY t TO '/srv/out/t.csv' CSV", "export file:/srv/out/t.csv (server-file)"),
        (Postgres, "COPY t FROM '/srv/in/t.csv' CSV", "import file:/srv/in/t.csv (server-file)"),
        (MySql, "SELECT a FROM t INTO OUTFILE '/tmp/t.csv'", "export file:/tmp/t.csv (server-file)"),
        (MySql, "LOAD DATA INFILE '/tmp/t.csv' INTO TABLE t", "import file:/tmp/t.csv (server-file)"),
        (
            Redshift,
            "UNLOAD ('select * from t') TO 's3://lake/out/' IAM_ROLE 'x'",
            "export object:lake/out/ (by-server)",
        ),
        (Snowflake, "COPY INTO @stage/out FROM t", "export object:stage/out (by-server)"),
        (
            BigQuery,
            "EXPORT DATA OPTIONS(uri='gs://lake/x*.csv', format='CSV') AS SELECT a FROM t",
            "export object:lake/x*.csv (by-server)",
        ),
        (
            Postgres,
            "SELECT a FROM dblink('host=db2 dbname=crm password=x', 'select 1') AS t(a int)",
            "read database:db2/crm/ (through-server)",
        ),
        (
            Postgres,
            "CREATE SERVER crm FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'db2', dbname 'crm')",
            "connect database:db2/crm/ (through-server)",
        ),
        (MsSql, "SELECT * FROM OPENQUERY(LNK, 'select 1')", "read external:lnk (through-server)"),
        (
            MsSql,
            "SELECT * FROM OPENROWSET(BULK N'c:\\in\\f.csv', SINGLE_CLOB) AS x",
            "import file:c:\\in\\f.csv (server-file)",
        ),
        (MsSql, "BULK INSERT dbo.t FROM N'd:\\f.csv'", "import file:d:\\f.csv (server-file)"),
        (
            MsSql,
            "WAITFOR (RECEIVE TOP (1) body FROM dbo.[Jobs]), TIMEOUT 1000",
            "consume topic:dbo.jobs (receive)",
        ),
        (Oracle, "SELECT a FROM hr.emp@remote", "read external:remote (through-server)"),
    ] {
        let found: Vec<String> = analyse(sql, dialect).reaches.iter().map(ToString::to_string).collect();
        assert_eq!(found, [told], "{sql}");
    }
    for (dialect, sql) in [
        (MySql, "LOAD DATA LOCAL INFILE '/tmp/t.csv' INTO TABLE t"),
        (MySql, "SELECT 'into outfile' FROM t WHERE a = '/tmp/x'"),
        (Postgres, "COPY t TO STDOUT"),
        (Postgres, "SELECT pg_advisory_unlock(42)"),
        (Postgres, "SELECT a FROM dblink('crm', 'select 1') AS t(a int)"),
        (Postgres, "SELECT 'listen to me'"),
        (Postgres, "RECEIVE * FROM t"),
        (MsSql, "SELECT receive FROM dbo.t OPTION (RECOMPILE)"),
        (MsSql, "SELECT a FROM t WHERE openrowset = 1 AND b = 'bulk' OPTION (RECOMPILE)"),
    ] {
        let found: Vec<String> = analyse(sql, dialect).reaches.iter().map(ToString::to_string).collect();
        assert_eq!(found, NOTHING, "{sql}");
    }
}
