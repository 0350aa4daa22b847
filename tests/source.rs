//! What cannot be told from source is a gap: the examples of the grammars, and their gaps whole.

use std::path::Path;
use std::process::Command;

/// The gaps of an example, as "place detail".
fn gaps(example: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("grammars");
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["scan", "--format", "json", "--as-of", "2026-11-24"])
        .arg(folder.join(example))
        .output()
        .expect("the program starts");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    let gaps = report["gaps"].as_array().expect("it has gaps").iter();
    let text = |gap: &serde_json::Value, key: &str| gap[key].as_str().unwrap_or("").to_owned();
    let of_source = gaps.filter(|gap| text(gap, "code") != "unrecognised");
    let mut lines: Vec<String> =
        of_source.map(|gap| format!("{} {}", text(gap, "place"), text(gap, "detail"))).collect();
    lines.sort();
    lines
}

const HTTP: &str = "an HTTP call whose address is only known when it runs";
const TABLE: &str = "a statement whose table is only known when it runs";
const ROUTE: &str = "a route whose path is only known when it runs";
const MOUNT: &str = "a route of a router that is mounted where it cannot be told; its path is not known";

#[test]
fn what_java_leaves_open_is_a_gap() {
    assert_eq!(
        gaps("java/examples/Statements.java"),
        [
            format!("Statements.java:31 {TABLE}"),
            "Statements.java:39 a statement the parser does not take; its tables were told from tokens"
                .to_owned(),
            format!("Statements.java:55 {HTTP}")
        ]
    );
    assert_eq!(
        gaps("java/examples/Queries.java"),
        [
            "Queries.java:22 a mapped class whose table's name cannot be told",
            "Queries.java:29 a query over a class whose table is not known"
        ]
    );
    let controller = "src/main/java/com/example/catalog/ProductController.java";
    assert_eq!(
        gaps("java/examples/catalog"),
        [
            format!("{controller}:31 {ROUTE}"),
            format!("{controller}:44 a route of a class that does not say where it is served")
        ]
    );
}

#[test]
fn what_typescript_and_javascript_leave_open_is_a_gap() {
    assert_eq!(
        gaps("typescript/examples/statements.ts"),
        [format!("statements.ts:18 {TABLE}"), format!("statements.ts:29 {HTTP}")]
    );
    assert_eq!(
        gaps("typescript/examples/mapped.ts"),
        ["mapped.ts:20 a mapped class whose table's name cannot be told"]
    );
    assert_eq!(gaps("typescript/examples/nest.ts"), [format!("nest.ts:18 {ROUTE}")]);
    assert_eq!(
        gaps("javascript/examples/checkout"),
        [format!("routes/forgotten.js:4 {MOUNT}"), format!("routes/lonely.js:4 {MOUNT}")]
    );
    assert_eq!(gaps("javascript/examples/stock"), [format!("stock.mjs:6 {ROUTE}")]);
}

#[test]
fn a_router_that_nobody_mounts_is_a_gap_and_a_decorator_of_something_else_is_none() {
    assert_eq!(gaps("python/examples/routes.py"), [format!("routes.py:34 {MOUNT}")]);
}
