//! Manifests of dbt: what a project writes and reads, and who is said to use it.

use super::*;
use whodepends::evidence::Resource;

const ESTATE: &str = "[[system]]\nkind = \"database\"\nname = \"dwh\"\ndatabases = [\"shop\"]\n";

const MANIFEST: &str = r#"{
  "metadata": { "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "project_name": "sales", "adapter_type": "postgres" },
  "nodes": {
    "model.sales.orders": { "resource_type": "model", "package_name": "sales", "database": "shop", "schema": "mart", "alias": "orders", "name": "orders_v1",
      "relation_name": "\"shop\".\"mart\".\"orders\"", "depends_on": { "nodes": ["model.sales.clean", "seed.sales.rates"] } },
    "model.sales.clean": { "resource_type": "model", "package_name": "sales", "database": "shop", "schema": "mart", "alias": "clean", "name": "clean",
      "relation_name": null, "config": { "materialized": "ephemeral" }, "depends_on": { "nodes": ["source.sales.app.orders", "source.sales.crm.people"] } },
    "seed.sales.rates": { "resource_type": "seed", "package_name": "sales", "database": "shop", "schema": "mart", "name": "rates",
      "relation_name": "\"shop\".\"mart\".\"rates\"", "depends_on": {} },
    "test.sales.unique": { "resource_type": "test", "package_name": "sales", "database": "shop", "schema": "audit", "name": "unique",
      "relation_name": "\"shop\".\"audit\".\"unique\"", "depends_on": { "nodes": ["model.sales.orders"] } }
  },
  "sources": {
    "source.sales.app.orders": { "resource_type": "source", "database": "shop", "schema": "public", "identifier": "orders", "name": "app_orders" },
    "source.sales.app.unread": { "resource_type": "source", "database": "shop", "schema": "public", "identifier": "unread", "name": "unread" },
    "source.sales.crm.people": { "resource_type": "source", "database": "crm", "schema": "public", "identifier": "people", "name": "people" }
  },
  "exposures": {
    "exposure.sales.weekly": { "name": "weekly", "type": "dashboard", "owner": { "name": "Finance", "email": "fin@shop.example" },
      "depends_on": { "nodes": ["model.sales.orders", "model.sales.clean"] } },
    "exposure.sales.app": { "name": "app", "type": "application", "owner": {}, "depends_on": { "nodes": ["metric.sales.m"] } }
  }
}"#;

/// Facts with their actions.
fn told(evidence: &Evidence) -> Vec<String> {
    let name = |it: &Resource| format!("{}/{}", it.server.as_deref().unwrap_or("?"), it.parts.join("."));
    let line = |fact: &whodepends::evidence::Fact| {
        let says = match &fact.says {
            Says::DeclaredUse(Some(action), it) => format!("{} {}", action.word(), name(it)),
            Says::DeclaredAs(kind) => format!("is a {kind}"),
            Says::OwnedBy(owner) => format!("is owned by {owner}"),
            Says::SameAs(it) => format!("is {it}"),
            other => format!("{other:?}"),
        };
        format!("{} {says}", fact.about.text)
    };
    let own = |fact: &&whodepends::evidence::Fact| !fact.place.input.starts_with("whodepends.toml");
    let mut lines: Vec<String> = evidence.facts().filter(own).map(line).collect();
    lines.sort();
    lines
}

#[test]
fn a_project_writes_its_models_and_reads_its_sources() {
    let evidence = stated(&[("whodepends.toml", ESTATE), ("dwh/sales/target/manifest.json", MANIFEST)]);
    let wanted = [
        "client:weekly is a client",
        "client:weekly is owned by Finance",
        "client:weekly read dwh/mart.orders",
        "client:weekly read dwh/public.orders",
        "service:app is a service",
        "service:sales is a service",
        "service:sales is component:dwh/sales",
        "service:sales read dwh/mart.orders",
        "service:sales read dwh/mart.rates",
        "service:sales read dwh/public.orders",
        "service:sales write dwh/mart.orders",
        "service:sales write dwh/mart.rates",
    ];
    assert_eq!(told(&evidence), wanted);
    let wanted = "dwh/sales/target/manifest.json:1 unresolved: no one system of whodepends.toml has the database crm: \
        uses of 1 of its tables are not stated (1)";
    assert_eq!(gaps(&evidence), [wanted]);
}

#[test]
fn a_database_that_two_systems_have_is_neither_s() {
    let two = format!("{ESTATE}[[system]]\nkind = \"database\"\nname = \"copy\"\ndatabases = [\"shop\"]\n");
    let evidence = stated(&[("whodepends.toml", &two), ("manifest.json", MANIFEST)]);
    let wanted = [
        "client:weekly is a client",
        "client:weekly is owned by Finance",
        "service:app is a service",
        "service:sales is a service",
    ];
    assert_eq!(told(&evidence), wanted);
    assert_eq!(gaps(&evidence).len(), 2);
}

#[test]
fn other_manifests_and_older_ones_state_nothing() {
    let old = MANIFEST.replace("manifest/v12", "manifest/v6");
    let evidence = stated(&[("whodepends.toml", ESTATE), ("manifest.json", &old)]);
    assert_eq!(told(&evidence), NOTHING);
    assert_eq!(gaps(&evidence), ["manifest.json bad-config: no manifest of dbt in schema v7 or later (1)"]);
    for text in
        [MANIFEST.replace("dbt/manifest", "dbt/catalog"), "{ \"name\": \"web\", \"icons\": [] }".to_owned()]
    {
        let evidence = stated(&[("whodepends.toml", ESTATE), ("manifest.json", &text)]);
        assert_eq!(told(&evidence), NOTHING);
        assert_eq!(gaps(&evidence), NOTHING);
    }
    let evidence = stated(&[("whodepends.toml", ESTATE), ("examples/manifest.json", MANIFEST)]);
    assert_eq!(told(&evidence), NOTHING);
}
