//! Backstage catalogues: what they state over all their files, and what they leave to nobody.

use super::*;

const BILLING: &str = r#"# The billing team's own file.
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: billing
  annotations:
    backstage.io/source-location: url:https://git.shop.example/shop/estate/tree/main/services/billing/
spec:
  type: service
  lifecycle: production
  owner: team-finance
  system: shop
  subcomponentOf: component:default/finance
  dependsOn: [resource:default/shop-db, Component:mailer]
  consumesApis: [Orders-API, stripe]
"#;

const SHARED: &str = r#"---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: orders, namespace: shop }
spec:
  type: service
  owner: user:ann
  providesApis: [default/orders-api]
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: orders-api }
spec:
  type: openapi
  definition: |
    openapi: 3.0.0
    servers: [{ url: "https://orders.shop.example/v1" }]
    paths:
      /orders:
        get: {}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: stripe }
spec: { type: openapi, definition: { $text: ./stripe.yaml } }
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: { name: shop-db }
spec: { type: database, owner: team-dba, dependencyOf: ["component:nightly"] }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: nightly }
spec: { type: cronjob, owner: other/team-batch }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: mailer }
spec: { type: service }
"#;

#[test]
fn a_catalogue_is_stated_over_all_its_files() {
    let evidence = stated(&[("services/billing/catalog-info.yaml", BILLING), ("catalog/all.yaml", SHARED)]);
    let told = facts(&evidence);
    let shared = [
        "17: system:orders@shop is endpoint:orders.shop.example:443",
        "19: declared:service:orders@shop serves GET /v1/orders",
        "19: endpoint:orders.shop.example:443 serves GET /v1/orders",
        "23: system:stripe is a external",
        "28: system:shop-db is a database",
        "30: declared:job:nightly uses database:shop-db/",
        "30: system:shop-db is owned by team-dba",
        "33: declared:job:nightly is a job",
        "35: declared:job:nightly is owned by team-batch@other",
        "38: declared:service:mailer is a service",
        "3: declared:service:orders@shop is a service",
        "7: declared:service:orders@shop is owned by user:ann@shop",
        "8: system:orders@shop is a service",
    ];
    let billing = [
        "10: declared:service:billing is production",
        "11: declared:service:billing is owned by team-finance",
        "12: declared:service:billing is part of declared:system:shop",
        "13: declared:service:billing is part of declared:service:finance",
        "14: declared:service:billing uses database:shop-db/",
        "14: declared:service:billing uses endpoint:mailer/",
        "14: system:mailer is a service",
        "15: declared:service:billing uses endpoint:orders@shop/",
        "15: declared:service:billing uses endpoint:stripe/",
        "3: declared:service:billing is a service",
        "3: declared:service:billing is component:services/billing",
    ];
    let shared = shared.map(|line| format!("catalog/all.yaml:{line}"));
    let billing = billing.map(|line| format!("services/billing/catalog-info.yaml:{line}"));
    let wanted: Vec<String> = shared.into_iter().chain(billing).collect();
    assert_eq!(told, wanted);
    assert_eq!(gaps(&evidence), NOTHING);
}

/// One entity of a catalogue.
fn entity(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata: {{ name: {name} }}\nspec: {{ {spec} }}\n"
    )
}

#[test]
fn what_is_no_entity_or_no_reference_is_a_gap_and_costs_itself() {
    let text = entity("Component", "a", "dependsOn: [shop-db, 'user:ann', { resource: shop-db }]")
        + "---\napiVersion: backstage.io/v1alpha1\nkind: [\n"
        + &entity("API", "grpc-api", "type: grpc, definition: 'service X {}'")
        + &entity(
            "API",
            "far-api",
            "type: openapi, definition: { $text: 'https://git.shop.example/o.yaml' }",
        )
        + &entity("Location", "more", "targets: ['https://git.shop.example/c.yaml', ./b.yaml]")
        + &entity("Component", "'not a name'", "type: service");
    let evidence = stated(&[("catalog-info.yaml", &text)]);
    let wanted = [
        "catalog-info.yaml:3: declared:service:a is a service",
        "catalog-info.yaml:3: declared:service:a is component:source tree",
        "catalog-info.yaml:11: system:grpc-api is a external",
        "catalog-info.yaml:16: system:far-api is a external",
    ];
    let mut wanted = wanted.map(str::to_owned);
    wanted.sort();
    assert_eq!(facts(&evidence), wanted);
    let told = gaps(&evidence);
    let begin = |text: &str| told.iter().any(|gap| gap.starts_with(text));
    for gap in [
        "catalog-info.yaml:2 bad-config: component:default/a: dependsOn needs references with their kind (2)",
        "catalog-info.yaml:5 bad-config: component:default/a: only components, resources and APIs can be used",
        "catalog-info.yaml:25 unresolved: an entity without kind, or without a name as catalogues allow them (1)",
        "catalog-info.yaml:7 unparsed: not valid YAML: ",
        "catalog-info.yaml:13 unparsed: api:default/grpc-api: its definition is none of OpenAPI",
        "catalog-info.yaml:18 unparsed: api:default/far-api: its definition is kept elsewhere",
        "catalog-info.yaml:23 unresolved: location:default/more: lists entities that are kept elsewhere",
    ] {
        assert!(begin(gap), "{gap:?} is missing in {told:#?}");
    }
    assert_eq!(told.len(), 7, "{told:#?}");
}

#[test]
fn prose_and_scripts_that_quote_a_catalogue_are_none() {
    let own = entity("Component", "a", "type: service");
    let quoted = format!("# How to\n\nEach file begins so:\n\n```yaml\n{own}{own}{own}```\n");
    let script = format!("#!/bin/sh\ncat <<EOF\n{own}EOF\n");
    assert_eq!(facts(&stated(&[("README.md", &quoted), ("make.sh", &script)])), NOTHING);
    let told = facts(&stated(&[("a/catalog-info.yaml", &format!("# Ours.\n%YAML 1.2\n{own}"))]));
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn an_address_that_two_apis_share_is_neithers() {
    let api = |name: &str, base: &str| {
        let spec = format!(
            "type: openapi, definition: 'openapi: 3.0.0\n\n  servers: [{{ url: https://api.shop.example{base} }}]'"
        );
        entity("API", name, &spec)
    };
    let joined = |text: &str, own: &str| -> Vec<String> {
        let told = facts(&stated(&[("whodepends.toml", own), ("c/all.yaml", text)]));
        told.into_iter().filter(|line| line.contains(" is endpoint:")).collect()
    };
    let alone = ["c/all.yaml:7: system:prices is endpoint:api.shop.example:443"];
    assert_eq!(joined(&api("prices", "/api/v2"), ""), alone);
    assert_eq!(joined(&(api("prices", "/v2") + &api("orders", "/v1")), ""), NOTHING);
    assert_eq!(joined(&api("prices", "/prices/v2"), ""), NOTHING);
    let taken =
        "[[system]]\nkind = \"service\"\nname = \"gateway\"\naddresses = [\"API.shop.example:443\"]\n";
    assert_eq!(joined(&api("prices", "/api/v2"), taken), NOTHING);
}

#[test]
fn a_folder_is_a_components_only_where_its_own_file_says_so() {
    let located = |location: &str| {
        BILLING.replace("https://git.shop.example/shop/estate/tree/main/services/billing/", location)
    };
    let folders = |path: &str, text: &str| -> Vec<String> {
        let told = facts(&stated(&[(path, text)]));
        told.iter()
            .filter_map(|line| line.split_once(" is component:").map(|(_, it)| it.to_owned()))
            .collect()
    };
    let own = "services/billing/catalog-info.yaml";
    assert_eq!(folders(own, &located("https://git.shop.example/shop/billing")), ["services/billing"]);
    for elsewhere in [
        "https://git.shop.example/shop/estate/tree/main/services/other",
        "https://git.shop.example/shop/estate/src/main/services/other",
        "https://git.shop.example/shop/estate/src/branch/main/services/other",
        "https://git.shop.example/shop/estate/-/blob/main/services/other/README.md",
    ] {
        assert_eq!(folders(own, &located(elsewhere)), NOTHING, "{elsewhere}");
    }
    assert_eq!(folders("catalog/billing.yaml", BILLING), NOTHING);
    let two = entity("Component", "a", "type: service") + &entity("Component", "b", "type: service");
    assert_eq!(folders(own, &two), NOTHING);
    assert_eq!(facts(&stated(&[("billing/examples/catalog-info.yaml", BILLING)])), NOTHING);
}

#[test]
fn a_component_that_is_listed_already_is_the_same_consumer() {
    let own =
        "[[consumer]]\nkind = \"job\"\nname = \"nightly\"\nhosts = [\"batch1\"]\naliases = [\"night-run\"]\n";
    let about = |name: &str, own: &str| -> Vec<String> {
        let text = entity("Component", name, "type: service, lifecycle: production");
        let told = facts(&stated(&[("whodepends.toml", own), ("c/catalog-info.yaml", &text)]));
        told.iter()
            .filter_map(|l| Some(l.strip_suffix(" is production")?.split_once(": ")?.1.to_owned()))
            .collect()
    };
    assert_eq!(about("nightly", own), ["declared:job:nightly"]);
    assert_eq!(about("night-run", own), ["declared:job:nightly"]);
    assert_eq!(about("nightly2", own), ["declared:service:nightly2"]);
    let person = own.replace("\"job\"", "\"person\"");
    assert_eq!(about("nightly", &person), ["declared:service:nightly"]);
}
