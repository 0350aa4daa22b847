//! `data-export` where the database server itself does it: files on its disk, commands, other servers. Channels and
//! stages, which are no finding, are held here by their links.

use super::*;

fn with_statement(sql: &str) -> Vec<String> {
    titles(&[(INVENTORY, &estate(BILLING)), (LOG, &ran("billing", "10.20.1.11", sql))])
}

#[test]
fn files_commands_and_other_servers_are_found() {
    for (sql, title) in [
        (
            "COPY public.orders (id) TO '/srv/out/orders.csv' CSV",
            "the database server writes file:db1:/srv/out/orders.csv for service:billing",
        ),
        (
            "COPY public.orders (id) FROM '/srv/in/orders.csv' CSV",
            "the database server reads file:db1:/srv/in/orders.csv for service:billing",
        ),
        (
            "COPY public.orders (id) TO PROGRAM 'gzip > /srv/out/orders.gz'",
            "the database server runs a command for service:billing, with data from table:shop-db/shop/public.orders",
        ),
        (
            "SELECT a FROM dblink('host=crm1 port=5432 dbname=crm user=x password=hunter2', 'SELECT a FROM t') AS t(a int)",
            "the database server reaches database:crm1/crm for service:billing",
        ),
        (
            "SELECT a FROM dblink('dbname=archive', 'SELECT a FROM t') AS t(a int)",
            "the database server reaches database:shop-db/archive for service:billing",
        ),
    ] {
        assert_eq!(with_statement(sql), [format!("medium high data-export: {title}")], "{sql}");
    }
}

#[test]
fn what_goes_to_the_client_and_names_of_connections_are_not() {
    for sql in [
        "COPY public.orders (id) TO STDOUT",
        "COPY public.orders (id) FROM STDIN",
        "SELECT a FROM dblink('crm', 'SELECT a FROM t') AS t(a int)",
    ] {
        assert_eq!(with_statement(sql), NOTHING, "{sql}");
    }
}

#[test]
fn channels_are_links() {
    let log = ran("billing", "10.20.1.11", "NOTIFY orders_new, 'x'")
        + &ran("billing", "10.20.1.11", "SELECT pg_notify('Orders', 'id 7')")
        + &ran("billing", "10.20.1.11", "SELECT pg_notify($1, $2)")
        + &ran("billing", "10.20.1.11", "LISTEN Orders_New");
    let report = report(&[(INVENTORY, &estate(BILLING)), (LOG, &log)]);
    let links = report["links"].as_array().expect("links are a list").iter();
    let mut told: Vec<String> = links
        .map(|link| {
            format!("{} {}", link["action"].as_str().unwrap_or(""), link["resource"].as_str().unwrap_or(""))
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "consume topic:shop-db/shop/orders_new",
            "publish topic:shop-db/shop/Orders",
            "publish topic:shop-db/shop/orders_new",
        ]
    );
}
