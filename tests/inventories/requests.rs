//! What documents and catalogues list, held against what an access log saw.

use super::*;

const ESTATE: &str = r#"
as_of = "2026-11-24"
[estate]
networks = ["10.20.0.0/16"]
[[system]]
kind = "service"
name = "orders-api"
addresses = ["10.20.1.11:8080"]
[[source]]
path = "logs/*"
server = "orders-api"
"#;

const DOCUMENT: &str =
    "openapi: 3.0.3\nservers: [{ url: 'http://10.20.1.11:8080/v1' }]\npaths:\n  /orders/{id}:\n    get: {}\n";

const CATALOGUE: &str = r#"apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: orders-api }
spec: { type: service, providesApis: [orders] }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: orders }
spec:
  type: openapi
  definition: |
    swagger: "2.0"
    basePath: /v1
    paths:
      /orders/{id}:
        get: {}
"#;

/// Endpoints that are called and that no document lists.
fn undocumented(path: &str, text: &str) -> Vec<String> {
    found("undocumented-endpoint", path, text)
}

/// Endpoints that a rule finds, where these calls are in the log.
fn found(rule: &str, path: &str, text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let asked = |request: &str, status: u16| {
        format!(
            "10.20.3.7 - - [26/Oct/2026:10:00:01 +0000] \"{request} HTTP/1.1\" {status} 512 \"-\" \"curl/8.5.0\"\n"
        )
    };
    let log = asked("GET /v1/orders/17", 200)
        + &asked("DELETE /v1/orders/17", 204)
        + &asked("GET /internal/dump", 200)
        + &asked("GET /wp-login.php", 404);
    write(folder.path(), &[("whodepends.toml", ESTATE), ("logs/access.log", &log), (path, text)]);
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(folder.path())
        .args(["scan", ".", "--format", "json"])
        .output()
        .expect("the program starts");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    let findings = report["findings"].as_array().expect("findings are a list").iter();
    let own = findings.filter(|finding| finding["rule"] == rule);
    let mut told: Vec<String> = own.filter_map(|it| it["resource"].as_str().map(str::to_owned)).collect();
    told.sort();
    told
}

#[test]
fn what_a_document_does_not_list_is_told() {
    let wanted = ["endpoint:orders-api/DELETE /v1/orders/{}", "endpoint:orders-api/GET /internal/dump"];
    assert_eq!(undocumented("services/orders-api/openapi.yaml", DOCUMENT), wanted);
    // By its server alone, wherever the document lies; and by the name of its folder alone.
    assert_eq!(undocumented("docs/openapi.yaml", DOCUMENT), wanted);
    let nowhere = DOCUMENT.replace("http://10.20.1.11:8080", "");
    assert_eq!(undocumented("services/orders-api/openapi.yaml", &nowhere), wanted);
    assert_eq!(undocumented("catalogue/all.yaml", CATALOGUE), wanted);
}

#[test]
fn a_document_of_somebody_else_says_nothing() {
    let other = DOCUMENT.replace("10.20.1.11:8080", "10.20.1.12:8080");
    assert_eq!(undocumented("services/prices/openapi.yaml", &other), NOTHING);
    assert_eq!(undocumented("services/orders-api/tests/openapi.yaml", DOCUMENT), NOTHING);
    assert_eq!(
        undocumented("catalogue/all.yaml", &CATALOGUE.replace("name: orders-api", "name: prices")),
        NOTHING
    );
}

#[test]
fn who_still_calls_what_is_deprecated_is_told() {
    let document = |operation: &str, others: &str| {
        format!(
            "openapi: 3.0.3\nservers: [{{ url: 'http://10.20.1.11:8080/v1' }}]\npaths:\n  /orders/{{id}}:\n    get: {operation}\n    \
             delete: {others}\n    put: {{ deprecated: true }}\n"
        )
    };
    let zombies = |text: &str| found("zombie-endpoint", "docs/openapi.yaml", text);
    let called = "endpoint:orders-api/GET /v1/orders/{id}";
    assert_eq!(zombies(&document("{ deprecated: true }", "{}")), [called]);
    // Of a whole API its catalogue says it.
    let catalogue = CATALOGUE.replace("  type: openapi\n", "  type: openapi\n  lifecycle: deprecated\n");
    assert_eq!(found("zombie-endpoint", "catalogue/all.yaml", &catalogue), [called]);
    // Another stage, a flag that says no, and an operation that nobody calls.
    let stable = CATALOGUE.replace("  type: openapi\n", "  type: openapi\n  lifecycle: production\n");
    assert_eq!(found("zombie-endpoint", "catalogue/all.yaml", &stable), NOTHING);
    assert_eq!(zombies(&document("{ deprecated: false }", "{ deprecated: 'yes' }")), NOTHING);
    // A call that failed used nothing.
    let failed = DOCUMENT
        .replace("/orders/{id}", "/wp-login.php")
        .replace("/v1", "")
        .replace("get: {}", "get: { deprecated: true }");
    assert_eq!(zombies(&failed), NOTHING);
}
