//! Statements and what they do, written as sentences. Nothing here reads files.

use super::{Cache, Dialect, SessionChange, Status, analyse, fingerprint, fold, tags};
use crate::evidence::{Action, Text};

/// `read a, write b.c` for a statement.
fn said(sql: &str) -> String {
    let analysis = analyse(sql, Dialect::Postgres);
    let mut said: Vec<String> = analysis
        .tables
        .iter()
        .map(|table| format!("{} {}", table.action.word(), table.parts.join(".")))
        .collect();
    said.sort();
    if analysis.status != Status::Parsed {
        said.push(analysis.status.word().to_owned());
    }
    said.join(", ")
}

#[test]
fn roles_are_told_per_table() {
    for (sql, want) in [
        ("SELECT a FROM t", "read t"),
        ("SELECT a FROM ONLY t", "read t"),
        ("SELECT * FROM public.orders o JOIN crm.c ON true", "read crm.c, read public.orders"),
        ("INSERT INTO t SELECT a FROM u", "read u, write t"),
        ("UPDATE t SET a = u.a FROM u WHERE t.id = u.id", "read u, write t"),
        ("DELETE FROM t WHERE id IN (SELECT id FROM u)", "read u, write t"),
        ("DELETE FROM t USING u WHERE t.id = u.id", "read u, write t"),
        ("TRUNCATE a, b", "write a, write b"),
        ("COPY t TO STDOUT", "read t"),
        ("COPY t (a, b) FROM STDIN", "write t"),
        ("COPY (SELECT a FROM t) TO STDOUT WITH CSV", "read t"),
        ("CREATE TABLE t AS SELECT a FROM u", "read u, touch t, write t"),
        ("MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN UPDATE SET a = 1", "read u, write t"),
        ("LOCK TABLE t IN EXCLUSIVE MODE", "touch t"),
        ("EXPLAIN ANALYZE SELECT a FROM t", "read t"),
        ("BEGIN", ""),
        ("SET search_path = x", ""),
    ] {
        assert_eq!(said(sql), want, "{sql}");
    }
}

#[test]
fn a_common_table_expression_is_no_table_inside_its_scope_and_is_one_outside() {
    for (sql, want) in [
        ("WITH t AS (SELECT a FROM u) SELECT a FROM t", "read u"),
        ("WITH t AS (SELECT a FROM t) SELECT a FROM t", "read t"),
        ("SELECT a FROM (WITH t AS (SELECT 1 AS a) SELECT a FROM t) x JOIN t ON true", "read t"),
        ("WITH RECURSIVE r AS (SELECT a FROM b UNION ALL SELECT a FROM r) SELECT a FROM r", "read b"),
        ("WITH d AS (DELETE FROM t RETURNING a) INSERT INTO u SELECT a FROM d", "write t, write u"),
        ("WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM public.a, b", "read public.a"),
    ] {
        assert_eq!(said(sql), want, "{sql}");
    }
}

/// The same of the lens, for any dialect: `reads -> writes | touches`.
fn flow(dialect: Dialect, sql: &str) -> String {
    let flow = analyse(sql, dialect).flow;
    let names = |names: std::collections::BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(" ");
    let touches: Vec<String> = flow.touches.into_iter().map(|(name, how)| format!("{how} {name}")).collect();
    format!("{} -> {} | {}", names(flow.reads), names(flow.writes), touches.join(", "))
}

#[test]
fn what_is_only_explained_is_neither_read_nor_written() {
    use Dialect::{Hive, MySql, Oracle, Postgres, Snowflake};
    for (dialect, sql, want) in [
        (Postgres, "EXPLAIN DELETE FROM public.t", " ->  | explain public.t"),
        (Postgres, "EXPLAIN (COSTS OFF) INSERT INTO t SELECT a FROM u", " ->  | explain t, explain u"),
        (Postgres, "EXPLAIN (ANALYZE false) DELETE FROM t", " ->  | explain t"),
        (Postgres, "EXPLAIN (ANALYZE 'off', VERBOSE) DELETE FROM t", " ->  | explain t"),
        (Postgres, "EXPLAIN VERBOSE (SELECT a FROM t)", " ->  | explain t"),
        (Postgres, "EXPLAIN ANALYZE DELETE FROM t", " ->  | delete t"),
        (Postgres, "EXPLAIN (VERBOSE, ANALYZE) DELETE FROM t", " ->  | delete t"),
        (Postgres, "EXPLAIN (ANALYZE true) SELECT a FROM t", "t ->  | "),
        (Postgres, "EXPLAIN CREATE TABLE t AS SELECT a FROM u", " ->  | explain t, explain u"),
        (Postgres, "EXPLAIN TABLE t", " ->  | explain t"),
        (MySql, "EXPLAIN FORMAT=JSON UPDATE t SET a = 1", " ->  | explain t"),
        (MySql, "EXPLAIN EXTENDED SELECT a FROM t", " ->  | explain t"),
        (MySql, "DESC DELETE FROM t", " ->  | explain t"),
        (MySql, "EXPLAIN ANALYZE FORMAT=TREE SELECT a FROM t", "t ->  | "),
        // MariaDB's word for it.
        (MySql, "ANALYZE FORMAT=JSON DELETE FROM t", " ->  | delete t"),
        (MySql, "ANALYZE TABLE t", " ->  | maintain t"),
        (MySql, "EXPLAIN t", " ->  | "),
        (MySql, "DESCRIBE t", " ->  | describe t"),
        (Oracle, "EXPLAIN PLAN FOR DELETE FROM hr.t", " ->  | explain hr.t"),
        (
            Oracle,
            "EXPLAIN PLAN SET STATEMENT_ID = 'x' INTO my.plan FOR UPDATE t SET a = 1",
            " ->  | explain t",
        ),
        (Snowflake, "EXPLAIN USING TEXT SELECT a FROM t", " ->  | explain t"),
        (Hive, "EXPLAIN FORMATTED SELECT a FROM t", " ->  | explain t"),
    ] {
        assert_eq!(flow(dialect, sql), want, "{sql}");
    }
}

#[test]
fn what_one_engine_spells_its_own_way_is_read_as_that_engine_reads_it() {
    use Dialect::{BigQuery, Databricks, Generic, MySql, Postgres, Redshift, Snowflake};
    for (dialect, sql, want) in [
        (Redshift, "ALTER TABLE t APPEND FROM s.u IGNOREEXTRA", "s.u -> t | delete s.u"),
        (Redshift, "ALTER TABLE t ADD COLUMN append int", " ->  | alter t"),
        (Snowflake, "SELECT a FROM IDENTIFIER('db.s.t') x", "db.s.t ->  | "),
        (Snowflake, "INSERT INTO identifier ( 's.t' ) SELECT a FROM u", "u -> s.t | "),
        (Databricks, "DELETE FROM IDENTIFIER('s.t')", " ->  | delete s.t"),
        (Snowflake, "DROP TABLE IDENTIFIER('t')", " ->  | drop t"),
        (Snowflake, "DROP TABLE IDENTIFIER($t)", " ->  | "),
        (Snowflake, "SELECT 'IDENTIFIER(''t'')' FROM u", "u ->  | "),
        (Generic, "SELECT identifier('t') FROM u", "u ->  | "),
        (
            BigQuery,
            "SELECT a FROM [my-project:ds.t], [my-project:ds.u] LIMIT 5",
            "my-project.ds.t my-project.ds.u ->  | ",
        ),
        (BigQuery, "SELECT a FROM [ds.t] JOIN [ds.u] ON t.a = u.a", "ds.t ds.u ->  | "),
        (BigQuery, "SELECT a, [b.c], [1, 2] FROM ds.t", "ds.t ->  | "),
        (
            Postgres,
            "SELECT a FROM U&\"or\\0064ers\" JOIN s.u&\"!+000075\" UESCAPE '!' ON true",
            "orders s.u ->  | ",
        ),
        // What spells nothing is no name.
        (Postgres, "SELECT a FROM s.U&\"\\00\"", " ->  | "),
        (Postgres, "SELECT 1 WHERE EXISTS (TABLE s.t)", "s.t ->  | "),
        (Postgres, "SELECT a FROM t UNION ALL TABLE u", "t u ->  | "),
        (Postgres, "WITH c AS (TABLE t) SELECT a FROM u UNION (TABLE c)", "t u ->  | "),
        (Postgres, "CREATE FUNCTION f() RETURNS TABLE (a int) LANGUAGE sql AS 'SELECT a FROM t'", "t ->  | "),
        (
            MySql,
            "SELECT a FROM { OJ t LEFT OUTER JOIN u ON t.a = u.a } WHERE b > {d '2026-01-01'}",
            "t u ->  | ",
        ),
        (MySql, "LOAD XML LOCAL INFILE 'x' INTO TABLE t ROWS IDENTIFIED BY '<r>'", "x -> t | "),
        (MySql, "SELECT a FROM t /*!50003 JOIN u ON t.a = u.a */", "t u ->  | "),
        (MySql, "SELECT a FROM t /*!JOIN u ON t.a = u.a */ JOIN v", "t u v ->  | "),
        (MySql, "SELECT a FROM t /*M!100100 JOIN u ON t.a = u.a */", "t u ->  | "),
        (
            MySql,
            "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1 */",
            " ->  | trigger t",
        ),
        (MySql, "SELECT a FROM t /*!99999 JOIN u /* of nobody */ ON t.a = u.a */ JOIN v", "t v ->  | "),
        (MySql, "SELECT a FROM t /* JOIN u ON t.a = u.a */", "t ->  | "),
        (MySql, "SELECT '/*!50003 JOIN u */' FROM t", "t ->  | "),
        (Postgres, "SELECT a FROM t /*!50003 JOIN u ON t.a = u.a */", "t ->  | "),
    ] {
        assert_eq!(flow(dialect, sql), want, "{sql}");
    }
}

#[test]
fn a_dot_within_a_part_of_a_name_parts_nothing() {
    use Dialect::{BigQuery, MsSql, MySql, Postgres};
    for (dialect, sql, want) in [
        (Postgres, r#"SELECT a FROM "x.y".z JOIN x."y.z" ON true"#, r#""x.y".z x."y.z" ->  | "#),
        (Postgres, r#"SELECT a FROM "x y".z JOIN "x"."y" ON true"#, "x y.z x.y ->  | "),
        (Postgres, r#"DELETE FROM "a"".b""#, r#" ->  | delete "a"".b""#),
        (MySql, "SELECT a FROM `x.y`.z JOIN x.`y.z`", r#""x.y".z x."y.z" ->  | "#),
        (MsSql, "SELECT a FROM [x.y].z", r#""x.y".z ->  | "#),
        // There, quotes hold whole names.
        (BigQuery, "SELECT a FROM `p.d.t` JOIN `p.d`.u ON true", "p.d.t p.d.u ->  | "),
    ] {
        assert_eq!(flow(dialect, sql), want, "{sql}");
    }
}

#[test]
fn a_comment_that_is_run_is_a_part_of_the_shape() {
    let fold = |sql: &str| fold(sql, Dialect::MySql);
    let joined = "select a from t join u on t.a= u.a where b=?";
    for sql in [
        "SELECT a FROM t JOIN u ON t.a = u.a WHERE b = 1",
        "SELECT a FROM t /*!50003 JOIN u ON t.a = u.a */ WHERE b = 1",
        "SELECT a FROM t /*M!100100 JOIN u ON t.a = u.a*/ WHERE b = 1 /* and more */",
        "SELECT a FROM { oj t JOIN u ON t.a = u.a } WHERE b = {d '2026-01-01'}",
        "SELECT a FROM t JOIN u ON t.a = u.a WHERE b = '/*!50003 */'",
    ] {
        assert_eq!(fold(sql), joined, "{sql}");
    }
    assert_eq!(
        fold("SELECT a FROM t /*!99999 JOIN u ON t.a = u.a */ WHERE b = 1"),
        "select a from t where b=?"
    );
    assert_eq!(fold("SELECT 2 * /* 3 */ 4"), "select ?* ?");
    let cache = Cache::new(Dialect::MySql);
    let tables = |sql: &str| {
        let understood = cache.understand(sql);
        understood.analysis.tables.iter().map(|it| it.parts.join(".")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(tables("SELECT a FROM t /*!50003 JOIN u ON t.a = u.a */ WHERE b = 1"), "t u");
    assert_eq!(tables("SELECT a FROM t /*!99999 JOIN u ON t.a = u.a */ WHERE b = 1"), "t");
    let names = Cache::new(Dialect::Postgres);
    for (sign, want) in [("!", "orders"), ("#", "or!0064ers")] {
        let understood = names.understand(&format!("SELECT a FROM U&\"or!0064ers\" UESCAPE '{sign}'"));
        assert_eq!(understood.analysis.tables[0].parts.join("."), want);
    }
}

#[test]
fn an_alias_stands_for_its_table_where_rows_are_changed() {
    use Dialect::{MsSql, MySql, Oracle, Postgres};
    for (dialect, sql, want) in [
        (MsSql, "UPDATE x SET a = 1 FROM t AS x JOIN u ON u.i = x.i", "u -> t | "),
        (MsSql, "UPDATE x SET a += 1 FROM t AS x JOIN u ON u.i = x.i", "u -> t | "),
        (MsSql, "UPDATE t SET a = 1 FROM t x JOIN u ON u.i = x.i", "u -> t | "),
        // PostgreSQL joins the table to itself.
        (Postgres, "UPDATE t SET a = 1 FROM t x", "t -> t | "),
        (MySql, "UPDATE t x JOIN u y ON x.i = y.i SET y.a = 1", "t -> u | "),
        (MySql, "UPDATE t x, u y SET y.a = 1 WHERE x.i = y.i", "t -> u | "),
        (MySql, "DELETE x FROM t x JOIN u y ON x.i = y.i", "u ->  | delete t"),
        (MySql, "DELETE FROM x USING t AS x JOIN u AS y ON x.i = y.i", "u ->  | delete t"),
        (MsSql, "WITH c AS (SELECT i FROM t) DELETE FROM c WHERE i = 1", " ->  | delete t"),
        (
            MsSql,
            "WITH c AS (SELECT i, row_number() OVER (ORDER BY i) n FROM t WHERE i IN (SELECT i FROM u)) DELETE FROM c WHERE n > 1",
            "u ->  | delete t",
        ),
        (MsSql, "WITH c AS (SELECT i FROM s.t), d AS (SELECT i FROM c) UPDATE d SET i = 1", " -> s.t | "),
        (MsSql, "WITH c AS (SELECT i FROM t) UPDATE c SET i = u.i FROM c JOIN u ON u.i = c.i", "u -> t | "),
        (
            MsSql,
            "WITH c AS (SELECT i FROM t) MERGE INTO c USING u ON c.i = u.i WHEN MATCHED THEN UPDATE SET i = 1;",
            "u -> t | ",
        ),
        (MsSql, "WITH c AS (SELECT i FROM t) INSERT INTO c (i) SELECT i FROM u", "u -> t | "),
        // Which of the two is changed, the columns tell where the query says whose they are.
        (MsSql, "WITH c AS (SELECT t.i, u.b FROM t JOIN u ON u.i = t.i) UPDATE c SET i = b", "u -> t | "),
        (MsSql, "WITH c AS (SELECT i FROM t JOIN u ON u.j = t.j) UPDATE c SET i = 1", "t u ->  | "),
        (
            MsSql,
            "WITH c AS (SELECT t.i, u.b FROM t JOIN u ON u.i = t.i) UPDATE c SET i = 1, b = 2",
            "t u ->  | ",
        ),
        (MsSql, "WITH c AS (SELECT i FROM t) DELETE FROM d WHERE i IN (SELECT i FROM c)", "t ->  | delete d"),
        (MsSql, "UPDATE c SET a = 1 FROM (SELECT a FROM t) c", " -> t | "),
        (
            MsSql,
            "DELETE c FROM (SELECT TOP 10 a FROM t ORDER BY a) c JOIN u ON u.a = c.a",
            "u ->  | delete t",
        ),
        (MsSql, "UPDATE c SET a = 1 FROM (SELECT a FROM t JOIN u ON u.b = t.b) c", "t u ->  | "),
        (Oracle, "DELETE FROM (SELECT a FROM s.t WHERE a = 1)", " ->  | delete s.t"),
        (Oracle, "UPDATE (SELECT a FROM t) SET a = 1", " -> t | "),
        (Oracle, "INSERT INTO (SELECT a FROM t) VALUES (1)", " -> t | "),
        (Oracle, "UPDATE (SELECT t.a, u.b FROM t JOIN u ON t.i = u.i) SET a = b", "u -> t | "),
        (Oracle, "UPDATE (SELECT a, u.b FROM t JOIN u ON t.i = u.i) SET a = b", "t u ->  | "),
        (Oracle, "DELETE FROM t WHERE a IN (SELECT a FROM (SELECT a FROM u))", "u ->  | delete t"),
        // PostgreSQL has no table of that name, or another one.
        (Postgres, "WITH c AS (SELECT i FROM t) DELETE FROM d USING c WHERE c.i = d.i", "t ->  | delete d"),
    ] {
        assert_eq!(flow(dialect, sql), want, "{sql}");
    }
}

#[test]
fn a_definition_does_not_do_what_its_body_does() {
    use Dialect::{MsSql, MySql, Oracle, Postgres, Snowflake};
    // `what it does ; what its body does`.
    let told = |dialect: Dialect, sql: &str| {
        let analysis = analyse(sql, dialect);
        let words = |tables: &[super::TableUse]| {
            let word = |it: &super::TableUse| format!("{} {}", it.action.word(), it.parts.join("."));
            tables.iter().map(word).collect::<Vec<_>>().join(", ")
        };
        format!("{} ; {}", words(&analysis.tables), words(&analysis.inside.tables))
    };
    for (dialect, sql, want) in [
        (MySql, "CREATE PROCEDURE p() BEGIN DELETE FROM t; END", " ; write t"),
        (
            MySql,
            "CREATE DEFINER=`a`@`%` TRIGGER x AFTER INSERT ON t FOR EACH ROW DELETE FROM u",
            "touch t ; write u",
        ),
        (MySql, "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM t", " ; write t"),
        (MySql, "CALL p()", " ; "),
        (
            Postgres,
            "CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC DELETE FROM t; SELECT a FROM u; END",
            " ; read u, write t",
        ),
        (Postgres, "CREATE RULE r AS ON INSERT TO t DO ALSO DELETE FROM u", "touch t ; write u"),
        (
            Postgres,
            "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM v)",
            "touch t ; write u, write v",
        ),
        (Postgres, "CREATE POLICY p ON t USING (EXISTS (SELECT 1 FROM u))", "touch t ; read u"),
        (Postgres, "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WITH NO DATA", "touch v ; read t"),
        (Postgres, "CREATE TABLE v AS SELECT a FROM t WITH NO DATA", "touch v ; read t"),
        (Postgres, "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WITH DATA", "read t, write v, touch v ; "),
        (Postgres, "CREATE VIEW v AS SELECT a FROM t", "read t, write v, touch v ; "),
        (
            Postgres,
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM t'; DELETE FROM u",
            "write u ; ",
        ),
        (Postgres, "DO $$ BEGIN DELETE FROM t; END $$", "write t ; "),
        (MsSql, "CREATE PROC p AS DELETE FROM t SELECT a FROM u", " ; read u, write t"),
        (MsSql, "CREATE PROC p AS DELETE FROM t\nGO\nDELETE FROM u", "write u ; write t"),
        (
            MsSql,
            "ALTER TRIGGER x ON t AFTER UPDATE AS INSERT INTO u SELECT a FROM inserted",
            "touch t ; write u",
        ),
        (
            Oracle,
            "CREATE OR REPLACE PROCEDURE p AS BEGIN DELETE FROM t; EXECUTE IMMEDIATE 'DELETE FROM u'; END;",
            " ; write t, write u",
        ),
        (Oracle, "CREATE PACKAGE BODY p AS PROCEDURE q IS BEGIN DELETE FROM t; END; END p;", " ; write t"),
        (Oracle, "BEGIN DELETE FROM t; END;", "write t ; "),
        (Snowflake, "CREATE TASK x WAREHOUSE = w SCHEDULE = '1 minute' AS DELETE FROM t", " ; write t"),
    ] {
        assert_eq!(told(dialect, sql), want, "{sql}");
    }
    let body = analyse("CREATE PROCEDURE p() BEGIN DELETE FROM t; SELECT * FROM u; END", MySql);
    assert_eq!(body.flow.inside.into_iter().collect::<Vec<_>>(), ["delete t", "read u"]);
    // A pattern of the body is one of whoever runs it, and a file that holds the definition still names its tables.
    let cache = Cache::new(Postgres);
    let policy = cache.understand("CREATE POLICY p ON t USING (a IN (SELECT b FROM u, pg_catalog.pg_class))");
    let told = |uses: Vec<super::Told>| {
        let traits =
            |it: &super::Told| it.traits.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let words = |it: &super::Told| format!("{} {} {}", it.action.word(), it.resource, traits(it));
        uses.iter().map(words).collect::<Vec<_>>().join(", ")
    };
    let path = super::SearchPath::default();
    assert_eq!(told(policy.uses(&path)), "touch table:t ");
    let written = "touch table:t , read table:u catalog-probing in-definition";
    assert_eq!(told(policy.uses_as_written(&path)), written);
}

#[test]
fn a_table_that_is_made_and_gone_within_a_text_is_nobody_elses() {
    use Dialect::{Generic, MsSql, Postgres};
    for (dialect, sql, want) in [
        (
            Postgres,
            "CREATE TABLE a AS SELECT i FROM b; INSERT INTO c SELECT i FROM a; DROP TABLE a",
            "b -> c | ",
        ),
        (Postgres, "SELECT i FROM a; DROP TABLE a; CREATE TABLE a AS SELECT 1", "a -> a | create a, drop a"),
        (Postgres, "CREATE TEMP TABLE a AS SELECT i FROM b; SELECT i FROM a", "b ->  | "),
        (MsSql, "SELECT i INTO #a FROM b INSERT INTO c SELECT i FROM #a DROP TABLE #a", "b -> c | "),
        (MsSql, "SELECT i INTO ##a FROM b", "b -> ##a | create ##a"),
        (MsSql, "INSERT INTO @a SELECT i FROM b", "b ->  | "),
        (Generic, "INSERT INTO a SELECT i FROM b; ALTER TABLE a RENAME TO c", "b -> c | rename a, rename c"),
    ] {
        assert_eq!(flow(dialect, sql), want, "{sql}");
    }
}

#[test]
fn text_that_is_run_is_read_with_less_confidence_and_remote_text_is_not() {
    let told = |dialect: Dialect, sql: &str| {
        let analysis = analyse(sql, dialect);
        let words = |it: &super::TableUse| {
            format!("{} {} {}", it.action.word(), it.parts.join("."), it.confidence.word())
        };
        analysis.tables.iter().map(words).collect::<Vec<_>>().join(", ")
    };
    use Dialect::{MsSql, MySql, Oracle, Postgres, Redshift};
    for (dialect, sql, want) in [
        (MsSql, "EXEC sp_executesql N'SELECT a FROM t WHERE i = @i', N'@i int', @i = 1", "read t medium"),
        (MsSql, "EXEC('SELECT a FROM t_' + @suffix)", ""),
        (MsSql, "EXEC('SELECT a FROM t' + @rest)", ""),
        (MsSql, "EXEC('SELECT a FROM ' + @t + ' JOIN u ON 1 = 1')", "read u medium"),
        (MsSql, "EXEC('DELETE FROM t') AT elsewhere", ""),
        (
            MsSql,
            "SELECT q.a FROM OPENQUERY(elsewhere, 'SELECT a FROM t') q JOIN u ON u.a = q.a",
            "read u high",
        ),
        (MsSql, "(@p0 int,@p1 nvarchar(40))select a from t where i = @p0", "read t high"),
        (MySql, "PREPARE s FROM 'SELECT a FROM t WHERE i = ?'", "read t medium"),
        (Oracle, "BEGIN EXECUTE IMMEDIATE 'DELETE FROM t'; END;", "write t medium"),
        (Redshift, "UNLOAD ('SELECT a FROM t WHERE b = ''x''') TO 's3://b/k'", "read t medium"),
        (Postgres, "DO $$ BEGIN EXECUTE format('DELETE FROM %I', 't'); END $$", "write t medium"),
        (Postgres, "DO $$ BEGIN EXECUTE format('DELETE FROM %I', name); END $$", ""),
        (Postgres, "DO $$ BEGIN DELETE FROM t; END $$", "write t low"),
        (Postgres, "SELECT * FROM dblink('host=x', 'SELECT a FROM t') AS d(a int)", ""),
        (Postgres, "DO LANGUAGE plpython3u 'select 1 from t'", ""),
        (Postgres, "SELECT 'DELETE FROM t'", ""),
    ] {
        assert_eq!(told(dialect, sql), want, "{sql}");
    }
}

#[test]
fn statements_need_no_semicolons_where_the_server_needs_none() {
    for (sql, want) in [
        ("SELECT a FROM t UPDATE u SET a = 1 EXEC p DELETE FROM v", "t -> u | delete v"),
        ("SET NOCOUNT ON DELETE FROM t INSERT INTO t SELECT a FROM u", "u -> t | delete t"),
        ("CREATE TABLE t (i int REFERENCES u (i) ON DELETE CASCADE)", " -> t | create t, reference u"),
        ("SELECT a FROM t\nGO\nTRUNCATE TABLE u\nGO 2", "t ->  | truncate u"),
        ("DECLARE c CURSOR FOR SELECT a FROM t OPEN c FETCH NEXT FROM c INTO @a", "t ->  | "),
        ("GRANT SELECT, UPDATE ON OBJECT::dbo.t TO x", " ->  | grant dbo.t"),
    ] {
        assert_eq!(flow(Dialect::MsSql, sql), want, "{sql}");
    }
}

#[test]
fn a_session_tells_where_it_works_and_as_whom() {
    let changes = |dialect: Dialect, sql: &str| analyse(sql, dialect).session;
    let database = |name: &str| vec![SessionChange::Database(Text::from(name))];
    assert_eq!(changes(Dialect::MySql, "USE `shop`"), database("shop"));
    assert_eq!(changes(Dialect::MsSql, "USE [Shop]\nGO\nSELECT 1"), database("shop"));
    assert_eq!(changes(Dialect::Snowflake, "USE WAREHOUSE big"), []);
    assert_eq!(changes(Dialect::MySql, "SELECT a FROM t USE INDEX (i)"), []);
    assert_eq!(changes(Dialect::MySql, "use the other one"), []);
    let taken =
        |name: Option<&str>, local: bool| vec![SessionChange::Role { name: name.map(Text::from), local }];
    let role = |name: Option<&str>| taken(name, false);
    assert_eq!(changes(Dialect::Postgres, "SET ROLE reporting"), role(Some("reporting")));
    assert_eq!(changes(Dialect::Postgres, "SET ROLE 'reporting'"), role(Some("reporting")));
    assert_eq!(changes(Dialect::Postgres, "RESET ROLE"), role(None));
    assert_eq!(changes(Dialect::Postgres, "SET ROLE NONE"), role(None));
    assert_eq!(changes(Dialect::Postgres, "SET LOCAL ROLE reporting"), taken(Some("reporting"), true));
    assert_eq!(changes(Dialect::Postgres, "SET SESSION AUTHORIZATION 'paul'"), role(Some("paul")));
    assert_eq!(changes(Dialect::Postgres, "SET SESSION AUTHORIZATION DEFAULT"), role(None));
    assert_eq!(changes(Dialect::Postgres, "RESET SESSION AUTHORIZATION"), role(None));
    assert_eq!(changes(Dialect::Postgres, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"), []);
}

#[test]
fn a_comment_at_the_end_says_who_asks() {
    let told = |sql: &str| {
        let pairs = tags(sql);
        pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    };
    for (sql, want) in [
        (
            "SELECT 1 /*application='shop',route='%2Forders%2F%7Bid%7D'*/",
            "application=shop route=/orders/{id}",
        ),
        ("SELECT 1 /*action='it\\'s',framework='django%3A4'*/;", "action=it's framework=django:4"),
        (
            "SELECT 1 /*application:shop,controller:orders,action:show*/",
            "application=shop controller=orders action=show",
        ),
        ("SELECT 1 /* application:shop */", "application=shop"),
        ("SELECT 1 /* note: see below */", ""),
        ("SELECT 1 /* TODO */", ""),
        ("SELECT /*+ INDEX(t i) */ 1", ""),
        ("SELECT 1 /*+ INDEX(t) */", ""),
        ("SELECT 1 /*application='shop', and more*/", ""),
        ("SELECT '/*application:shop*/'", ""),
        ("SELECT 1 */", ""),
        ("", ""),
    ] {
        assert_eq!(told(sql), want, "{sql}");
    }
}

#[test]
fn what_only_looks_like_a_table_is_none() {
    for sql in [
        "SELECT * FROM generate_series(1, 3) g",
        "SELECT extract(epoch FROM now())",
        "SELECT a IS DISTINCT FROM b",
        "SELECT 1 FROM pg_catalog.pg_class",
    ] {
        assert_eq!(said(sql), "", "{sql}");
    }
}

#[test]
fn unparsable_text_still_gives_its_tables_with_low_confidence() {
    for (sql, want) in [
        ("SELECT a FROM t WHERE b = 'cut off in the mid", "read t, tokens"),
        ("INSERT INTO public.t (a) VALUES ((((", "write public.t, tokens"),
        ("VACUUM ANALYZE t", "touch t, tokens"),
        ("VACUUM (ANALYZE, VERBOSE) s.t (a, b), u", "touch s.t, touch u, tokens"),
        ("VACUUM (VERBOSE)", "tokens"),
        ("hello from nowhere", "not-sql"),
    ] {
        assert_eq!(said(sql), want, "{sql}");
    }
}

#[test]
fn the_same_statement_in_source_and_in_a_log_has_one_fingerprint() {
    let same = |a: &str, b: &str| {
        assert_eq!(fold(a, Dialect::Postgres), fold(b, Dialect::Postgres));
        assert_eq!(fingerprint(a, Dialect::Postgres), fingerprint(b, Dialect::Postgres));
    };
    same(
        "SELECT a FROM t WHERE id = %s AND d >= %(day)s",
        "select a\n  from t where id = 42 and d >= '2026-10-26'",
    );
    same("SELECT a FROM t WHERE id = $1", "SELECT a FROM t WHERE id = -7 -- note");
    same("SELECT a FROM \"t\" WHERE id IN %s", "SELECT a FROM t WHERE id IN (1, 2, 3)");
    same("INSERT INTO t (a, b) VALUES (%s, %s)", "INSERT INTO t (a,b) VALUES ('x', 2), ('y', 3);");
    same("SELECT a FROM t WHERE d > %s", "SELECT a FROM t WHERE d > '2026-10-26T00:00:00'::timestamptz");
    same("SELECT a FROM t LIMIT 5", "SELECT a FROM t LIMIT 500");
    for other in ["SELECT a FROM t LIMIT 1", "SELECT a FROM t LIMIT 0"] {
        assert_ne!(
            fingerprint(other, Dialect::Postgres),
            fingerprint("SELECT a FROM t LIMIT 5", Dialect::Postgres)
        );
    }
    assert_ne!(
        fingerprint("SELECT a FROM t ORDER BY a LIMIT 5", Dialect::Postgres),
        fingerprint("SELECT a FROM t ORDER BY a", Dialect::Postgres)
    );
}

#[test]
fn patterns_are_named_and_their_harmless_forms_are_not() {
    let traits = |sql: &str| {
        let analysis = analyse(sql, Dialect::Postgres);
        analysis.traits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    for (sql, want) in [
        ("SELECT * FROM t", "select-star = t"),
        ("SELECT * FROM a.t JOIN \"U\" ON true", "select-star = U, select-star = t"),
        ("SELECT x.*, y.b FROM t x JOIN u y ON x.a = y.a", "select-star = t"),
        ("SELECT * FROM (SELECT a FROM t) x", ""),
        ("WITH t AS (SELECT a FROM u) SELECT * FROM t", ""),
        ("SELECT * FROM generate_series(1, 3)", ""),
        ("INSERT INTO t (a) SELECT * FROM u", "bulk-write, select-star = u"),
        ("COPY (SELECT * FROM t) TO STDOUT", "copy-stdout, select-star = t"),
        ("COPY t TO STDOUT", "copy-stdout, copy-without-columns"),
        ("SELECT count(*) FROM t", ""),
        ("SELECT a FROM t WHERE EXISTS (SELECT * FROM u)", ""),
        ("INSERT INTO t VALUES (1)", "insert-without-columns"),
        ("INSERT INTO t (a) VALUES (1)", ""),
        ("SELECT a FROM t ORDER BY 1", "order-by-ordinal"),
        ("SELECT a FROM t ORDER BY a", ""),
        ("SELECT a FROM t LIMIT 100", "limit-without-order"),
        ("SELECT a FROM t WHERE state = 'new' LIMIT $1", "limit-without-order"),
        ("SELECT a FROM t WHERE state = 'new' LIMIT 1", "limit-without-order"),
        ("SELECT a FROM t WHERE customer_id = 5 FETCH FIRST 3 ROWS ONLY", "limit-without-order"),
        ("SELECT a FROM t ORDER BY a LIMIT 100", ""),
        ("SELECT a FROM t LIMIT 1", ""),
        ("SELECT a FROM t LIMIT 0", ""),
        ("SELECT a FROM t LIMIT ALL", ""),
        ("SELECT a FROM t WHERE id = 5 LIMIT 10", ""),
        ("SELECT a FROM t WHERE customer_id = 5 LIMIT 1", ""),
        ("SELECT a FROM t WHERE state = 'new' LIMIT 1 FOR UPDATE SKIP LOCKED", "skip-locked = t"),
        ("SELECT count(*), max(a) FROM t LIMIT 5", ""),
        ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u LIMIT 1)", ""),
        ("SELECT now() LIMIT 5", ""),
        ("SELECT pg_advisory_lock(42)", "advisory-lock = 42"),
        ("NOTIFY orders_changed", "notify = orders_changed"),
    ] {
        assert_eq!(traits(sql), want, "{sql}");
    }
}

#[test]
fn who_comes_first_decides_nothing_for_texts_that_fold_alike() {
    let texts = [
        "SELECT * FROM t WHERE a = 1",
        "SELECT * FROM t WHERE a = 1abc",
        "SELECT * FROM t WHERE a = date '2026-01-01'",
        "SELECT * FROM t WHERE a = date 5",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_advisory_lock(2)",
        "SELECT a FROM t ORDER BY 1",
        "SELECT a FROM t ORDER BY 'x'",
        "SELECT a FROM t WHERE b IN (1, 2)",
        "SELECT a FROM t WHERE b IN (1,, 2)",
    ];
    let told = |cache: &Cache, sql: &str| format!("{:?}", cache.understand(sql));
    let (forward, backward) = (Cache::new(Dialect::Postgres), Cache::new(Dialect::Postgres));
    let first: Vec<String> = texts.iter().map(|sql| told(&forward, sql)).collect();
    let mut second: Vec<String> = texts.iter().rev().map(|sql| told(&backward, sql)).collect();
    second.reverse();
    assert_eq!(first, second);
    let alone: Vec<String> = texts.iter().map(|sql| told(&Cache::new(Dialect::Postgres), sql)).collect();
    assert_eq!(first, alone);
}

#[test]
fn a_hostile_statement_is_survived_on_a_small_stack() {
    let ors = format!("SELECT a FROM t WHERE {}", vec!["a = 1"; 50_000].join(" OR "));
    let nested = format!("SELECT {}1{} FROM t", "(".repeat(10_000), ")".repeat(10_000));
    let long = format!("SELECT a FROM t WHERE b = '{}'", "x".repeat(10_000_000));
    // What looks ahead finds nothing there, again and again.
    let again = [
        "update x ",
        "merge into x ",
        "create function f() as ",
        "alter table x ",
        "exec ",
        "as ( ",
        "begin; ",
        "create table x (",
        "{",
        "$a",
        "/*",
        "select '",
        "grant ",
        "copy x (",
        "select a from x ",
    ];
    let many = |text: &str| {
        let dialects = [Dialect::Postgres, Dialect::MsSql, Dialect::MySql, Dialect::Oracle];
        dialects.map(|dialect| analyse(&text.repeat(4_000), dialect).tables.len())
    };
    let run = move || {
        for text in again {
            assert!(many(text).iter().all(|tables| *tables <= 2), "{text}");
        }
        assert_eq!(said("SELECT a FROM t \0 WHERE b = 'x\u{fffd}"), "read t, tokens");
        [ors, nested, long].map(|sql| said(&sql))
    };
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run).expect("a thread starts");
    let said = thread.join().expect("it does not overflow");
    assert_eq!(said, ["read t, tokens", "read t, tokens", "read t, tokens"]);
    assert_eq!(analyse("UPDATE t SET a = 1", Dialect::Postgres).tables[0].action, Action::Write);
}

#[test]
fn of_tables_that_are_updated_together_the_text_says_which_is_written_or_none_is_sure() {
    let told = |sql: &str| {
        let analysis = analyse(sql, Dialect::MySql);
        let writes = analysis.tables.iter().filter(|it| it.action == Action::Write);
        let word = |it: &super::TableUse| format!("{} {:?}", it.parts.join("."), it.confidence);
        let one_of = Vec::from_iter(analysis.flow.one_of).join(" ");
        format!("{} | {one_of}", writes.map(word).collect::<Vec<_>>().join(", "))
    };
    for (sql, want) in [
        ("UPDATE a JOIN b ON a.i = b.i SET b.x = 1", "b High | "),
        ("UPDATE a JOIN b ON a.i = b.i SET x = 1", "a Low, b Low | a b"),
        ("UPDATE a, b SET x = 1 WHERE a.i = b.i", "a Low, b Low | a b"),
        // Only one of them can be changed.
        ("UPDATE a JOIN (SELECT i FROM b) q ON a.i = q.i SET x = 1", "a High | "),
        ("WITH q AS (SELECT i FROM b) UPDATE a JOIN q ON a.i = q.i SET x = 1", "a High | "),
        ("UPDATE a SET x = 1", "a High | "),
        // What another statement of the text says is sure.
        ("UPDATE a JOIN b ON a.i = b.i SET x = 1; DELETE FROM b", "a Low, b High | a b"),
        ("UPDATE a JOIN b ON a.i = b.i SET x = 1; INSERT INTO b VALUES (1)", "a Low, b High | a"),
        ("UPDATE a, b SET x = 1, y = ((", "a Low, b Low | a b"),
        ("UPDATE a, b SET a.x = 1, y = ((", "a Low | "),
    ] {
        assert_eq!(told(sql), want, "{sql}");
    }
}

#[test]
fn what_engines_call_in_place_of_a_table_is_none_and_what_it_reaches_is_told() {
    use Dialect::{BigQuery, ClickHouse, MsSql, Oracle, Redshift};
    let told = |dialect, sql: &str| {
        let reaches = analyse(sql, dialect).reaches;
        let reaches = reaches.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("{} | {reaches}", flow(dialect, sql))
    };
    let (reads, writes) = ("read external:srv (through-server)", "write external:srv (through-server)");
    for (dialect, sql, want) in [
        (MsSql, "DELETE FROM a OUTPUT deleted.x INTO dbo.log (x)", " -> dbo.log | delete a | ".to_owned()),
        (MsSql, "UPDATE a SET x = 1 OUTPUT inserted.x INTO dbo.log (x)", " -> a dbo.log |  | ".to_owned()),
        (MsSql, "INSERT INTO a (x) OUTPUT inserted.x INTO @t (x) VALUES (1)", " -> a |  | ".to_owned()),
        (MsSql, "UPDATE OPENQUERY(srv, 'SELECT x FROM t') SET x = 2", format!(" ->  |  | {reads}, {writes}")),
        (MsSql, "DELETE OPENQUERY(srv, 'SELECT x FROM t')", format!(" ->  |  | {writes}")),
        (MsSql, "INSERT OPENQUERY(srv, 'SELECT x FROM t') VALUES (1)", format!(" ->  |  | {writes}")),
        (MsSql, "INSERT INTO openqueries (srv) VALUES (1)", " -> openqueries |  | ".to_owned()),
        (MsSql, "SELECT * FROM a, db2..t1 OPTION (OPTIMIZE FOR UNKNOWN)", "a db2..t1 ->  |  | ".to_owned()),
        (BigQuery, "SELECT 1 FROM ds.t AS t WHERE EXISTS (SELECT 1 FROM t.arr)", "ds.t ->  |  | ".to_owned()),
        (BigQuery, "SELECT (SELECT count(*) FROM t.arr) FROM ds.t", "ds.t ->  |  | ".to_owned()),
        (BigQuery, "SELECT ARRAY(SELECT x FROM t.arr x) FROM ds.t t WHERE '", "ds.t ->  |  | ".to_owned()),
        // No row of the query around it is called so.
        (
            BigQuery,
            "SELECT 1 FROM ds.t AS u WHERE EXISTS (SELECT 1 FROM t.arr)",
            "ds.t t.arr ->  |  | ".to_owned(),
        ),
        (
            Redshift,
            "SELECT 1 FROM s.c AS c WHERE EXISTS (SELECT 1 FROM c.orders o)",
            "s.c ->  |  | ".to_owned(),
        ),
        (
            BigQuery,
            "SELECT * FROM ML.EVALUATE(MODEL ds.m, TABLE ds.b), APPENDS(TABLE ds.a, NULL)",
            "ds.a ds.b ->  |  | ".to_owned(),
        ),
        (
            BigQuery,
            "SELECT * FROM EXTERNAL_QUERY('p.us.srv', 'SELECT 1 FROM t')",
            format!(" ->  |  | {reads}"),
        ),
        (
            ClickHouse,
            "INSERT INTO a SELECT * FROM remote('h:9000', db.t)",
            " -> a |  | read database:h:9000/db/ (through-server)".to_owned(),
        ),
        (ClickHouse, "SELECT * FROM remote('h{1,2}', db.t)", " ->  |  | ".to_owned()),
        (Oracle, "INSERT INTO (SELECT x FROM a WITH CHECK OPTION) VALUES (1)", " -> a |  | ".to_owned()),
        (Oracle, "SELECT x FROM (SELECT x FROM a WITH READ ONLY)", "a ->  |  | ".to_owned()),
    ] {
        assert_eq!(told(dialect, sql), want, "{sql}");
    }
}
