//! What entries state beside tables: keys, channels, files, with `*` in their names; what lies beyond, and what nobody saw.

use super::*;

const CACHE_AND_BROKER: &str = r#"
[[host]]
name = "cache1"
addresses = ["10.20.0.30"]
[[system]]
kind = "cache"
name = "cache"
addresses = ["cache1:6379"]
[[system]]
kind = "broker"
name = "kafka"
addresses = ["kafka1:9092"]
[[source]]
path = "redis/*"
server = "cache"
"#;
const SCRIPT: &str = "#!/bin/sh\nredis-cli -h cache1 SET cart:17 full\nkcat -P -b kafka1:9092 -t orders.created\n\
                      kcat -P -t loose.ends\ncp /srv/in/a.csv /srv/out/b.csv\n";

/// What a listed job is found to do beyond these uses, where its script does all of the above.
fn beyond(uses: &str) -> Vec<String> {
    let entry = format!(
        "[[consumer]]\nkind = \"job\"\nname = \"export\"\nhosts = [\"batch1\"]\nscripts = [\"/opt/jobs/export.sh\"]\nuses = [{uses}]\n"
    );
    findings(&[
        (INVENTORY, &estate(&format!("{CACHE_AND_BROKER}{entry}"))),
        (CRONTAB, "15 5 * * * /opt/jobs/export.sh\n"),
        ("batch1/opt/jobs/export.sh", SCRIPT),
    ])
}

#[test]
fn a_list_of_all_its_parts_is_gone_beyond_by_none() {
    let all = "\"keys:cache/cart:*\", \"topic:kafka/orders.*\", \"topic:loose.ends\", \"file:batch1:/srv/in/*.csv\", \
               { resource = \"file:/srv/out/b.csv\", actions = [\"write\"] }";
    assert_eq!(beyond(all), NOTHING);
    // Whole systems cover what lies in them.
    assert_eq!(beyond("\"cache\", \"kafka\""), NOTHING);
}

#[test]
fn a_key_beyond_the_stated_ones_is_found() {
    let found = ["undeclared-use: job:batch1/export, keys:cache/cart:{}"];
    assert_eq!(beyond("\"keys:cache/basket:*\", \"kafka\""), found);
    assert_eq!(beyond("{ resource = \"keys:cache/cart:*\", actions = [\"read\"] }, \"kafka\""), found);
    assert_eq!(beyond("{ resource = \"keys:cache/cart:*\", actions = [\"write\"] }, \"kafka\""), NOTHING);
}

#[test]
fn of_several_consumers_of_a_host_each_has_the_keys_that_it_alone_states() {
    let entry = |name: &str, key: &str| {
        let entry = "[[consumer]]\nkind = \"service\"\nhosts = [\"app2\"]\n";
        format!("{entry}name = \"{name}\"\nuses = [\"keys:cache/{key}\"]\n")
    };
    let monitor = |key: &str| format!("OK\n1793005200.418361 [0 10.20.1.12:33811] \"SET\" \"{key}\" \"1\"\n");
    let told = |entries: &str, key: &str| {
        findings(&[
            (INVENTORY, &estate(&format!("{CACHE_AND_BROKER}{entries}"))),
            ("redis/monitor.log", &monitor(key)),
        ])
    };
    let both = entry("bed", "cart:*") + &entry("ward", "stock:*");
    assert_eq!(told(&both, "cart:17"), NOTHING);
    // What nobody states and what both state is nobody's.
    let shadow = ["shadow-consumer: client:app2, cache:cache"];
    let found = |key: &str| -> Vec<String> {
        told(&both, key).into_iter().map(|line| line.replace("keys:cache/basket:{}", "cache:cache")).collect()
    };
    assert_eq!(found("basket:17"), shadow);
    assert_eq!(told(&(entry("bed", "cart:*") + &entry("ward", "cart:*")), "cart:17"), shadow);
}

#[test]
fn a_channel_beyond_the_stated_ones_is_found() {
    let found = |channel: &str| vec![format!("undeclared-use: job:batch1/export, topic:{channel}")];
    assert_eq!(beyond("\"cache\", \"topic:orders.created\""), found("loose.ends"));
    assert_eq!(beyond("\"cache\", \"topic:loose.ends\""), found("kafka/orders.created"));
    let reads = "\"cache\", \"topic:loose.ends\", { resource = \"topic:kafka/orders.created\", actions = [\"consume\"] }";
    assert_eq!(beyond(reads), found("kafka/orders.created"));
}

#[test]
fn an_entry_of_files_alone_speaks_of_no_store_and_holds_nobody_to_its_files() {
    assert_eq!(beyond("\"file:batch1:/srv/elsewhere/*\""), NOTHING);
}

#[test]
fn files_that_are_stated_are_shown_as_declared() {
    let entry = "[[consumer]]\nkind = \"job\"\nname = \"export\"\nhosts = [\"batch1\"]\nscripts = [\"/opt/jobs/export.sh\"]\n\
                 uses = [{ resource = \"file:batch1:/srv/out/*\", actions = [\"write\"] }, \"file:batch2:/srv/in/a.csv\"]\n";
    let report = report(&[
        (INVENTORY, &estate(entry)),
        (CRONTAB, "15 5 * * * /opt/jobs/export.sh\n"),
        ("batch1/opt/jobs/export.sh", "#!/bin/sh\ncp /srv/in/a.csv /srv/out/b.csv\n"),
    ]);
    let links = report["links"].as_array().expect("links are a list").iter();
    let told: Vec<String> =
        links.map(|link| format!("{} {} {}", link["action"], link["resource"], link["bases"])).collect();
    assert_eq!(
        told,
        [
            "\"read\" \"file:batch1:/srv/in/a.csv\" [\"written\"]",
            "\"write\" \"file:batch1:/srv/out/b.csv\" [\"declared\",\"written\"]",
        ]
    );
}

/// A command of a cache's MONITOR on one of two days.
fn command(day: u32, client: &str, words: &str) -> String {
    format!("{}.000000 [0 {client}:4711] {words}\n", 1_792_800_000 + u64::from(day) * 86_400)
}

#[test]
fn a_key_that_nobody_saw_where_all_was_watched_is_an_orphan() {
    let log: String = (0..2)
        .map(|day| {
            command(day, "10.20.1.11", "\"CLIENT\" \"SETNAME\" \"shop\"")
                + &command(day, "10.20.1.11", "\"GET\" \"cart:17\"")
        })
        .collect();
    let told = |uses: &str| {
        let entry = format!(
            "[[consumer]]\nkind = \"service\"\nname = \"shop\"\nhosts = [\"app1\"]\napplications = [\"shop\"]\nuses = [{uses}]\n"
        );
        findings(&[(INVENTORY, &estate(&format!("{CACHE_AND_BROKER}{entry}"))), ("redis/monitor.log", &log)])
    };
    assert_eq!(told("\"keys:cache/cart:*\""), NOTHING);
    let found = ["orphan-declaration: service:shop, keys:cache/basket:*"];
    assert_eq!(told("\"keys:cache/cart:*\", \"keys:cache/basket:*\""), found);
    // What is handed over, and channels of no broker, are watched by nobody.
    assert_eq!(told("\"keys:cache/cart:*\", \"file:app1:/srv/out/a.csv\", \"topic:orders\""), NOTHING);
}

#[test]
fn a_pattern_of_tables_that_nobody_saw_is_an_orphan() {
    let day =
        connected("billing", "10.20.1.11") + &ran("billing", "10.20.1.11", "SELECT id FROM finance.invoices");
    let log = day.replace("2026-10-26", "2026-10-24") + &day;
    let told = |uses: &str| {
        let entry = BILLING.replace("\"shop-db/shop\"", uses);
        findings(&[(INVENTORY, &estate(&entry)), (LOG, &log)])
    };
    assert_eq!(told("\"shop-db/shop/finance.*\""), NOTHING);
    assert_eq!(told("\"shop-db/shop/inv*\""), NOTHING);
    assert_eq!(
        told("\"shop-db/shop/finance.*\", \"shop-db/shop/crm.*\""),
        ["orphan-declaration: service:billing, table:shop-db/shop/crm.*"]
    );
    assert_eq!(
        told("\"shop-db/shop/crm.*\""),
        [
            "orphan-declaration: service:billing, table:shop-db/shop/crm.*",
            "undeclared-use: service:billing, table:shop-db/shop/finance.invoices"
        ]
    );
}
