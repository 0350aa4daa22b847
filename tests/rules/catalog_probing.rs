//! `catalog-probing`: names that a program looks up, and what drivers and tools ask by themselves.

use super::*;

fn with_statement(sql: &str) -> Vec<String> {
    titles(&[(INVENTORY, &estate(BILLING)), (LOG, &ran("billing", "10.20.1.11", sql))])
}

#[test]
fn a_table_that_is_looked_up_by_its_name_is_found() {
    for (sql, names) in [
        ("SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'", "orders"),
        (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop' AND table_name IN ('a', 'b')",
            "a, b, shop",
        ),
        ("SELECT to_regclass('shop.orders')", "shop.orders"),
        ("SELECT 1 FROM pg_catalog.pg_class c WHERE c.relname = 'orders'", "orders"),
        ("SELECT 1 FROM pg_tables WHERE lower(tablename) = 'orders'", "orders"),
    ] {
        assert_eq!(
            with_statement(sql),
            [format!(
                "low medium catalog-probing: service:billing looks up {names} in the catalogue of database:shop-db/shop"
            )],
            "{sql}"
        );
    }
}

#[test]
fn what_drivers_and_tools_ask_by_themselves_is_not() {
    for sql in [
        // No name: everything is listed.
        "SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog')",
        "SELECT * FROM information_schema.sequences",
        // psql, SQLAlchemy and Django see to what is visible.
        "SELECT 1 FROM pg_catalog.pg_class c WHERE c.relname = 'orders' AND pg_catalog.pg_table_is_visible(c.oid)",
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relname = 'orders'",
        // Migration tools look for their own.
        "SELECT 1 FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'flyway_schema_history'",
        // The catalogue's own tables, and the server's statistics.
        "SELECT oid FROM pg_class WHERE relname = 'x' AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname = 'pg_toast') AND pg_get_userbyid(relowner) = 'a'",
        "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'orders'",
        // A name that is bound when it runs.
        "SELECT 1 FROM information_schema.tables WHERE table_name = $1",
    ] {
        assert_eq!(with_statement(sql), NOTHING, "{sql}");
    }
}

#[test]
fn somebody_at_a_tool_is_not() {
    let sql = "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'";
    let log = ran("anna", "10.20.4.9", sql).replace("app=tool", "app=pgAdmin 4 - CONN:77");
    let told = titles(&[(INVENTORY, &estate(BILLING)), (LOG, &log)]);
    let told: Vec<&String> = told.iter().filter(|line| line.contains("catalog-probing")).collect();
    assert_eq!(told, Vec::<&String>::new());
}
