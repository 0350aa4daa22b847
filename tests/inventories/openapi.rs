//! OpenAPI documents: what they state, and what is no such document.

use super::*;

const ORDERS: &str = r#"openapi: 3.0.3
info: { title: Orders, version: "1" }
servers:
  - url: https://{env}.shop.example/v1/
    variables: { env: { default: orders, enum: [orders, staging] } }
  - url: http://app1:8080
  - url: http://localhost:8080/dev
paths:
  /orders:
    get: { responses: { 200: { description: all } } }
    post: { deprecated: true, responses: { 201: { description: one } } }
    parameters: []
    x-internal: { get: {} }
  /orders/{id}:
    $ref: '#/components/pathItems/order'
  /health:
    servers: [ { url: /internal } ]
    get:
      servers: [ { url: "https://ops.shop.example:8443" } ]
    head: {}
components:
  pathItems:
    order:
      delete: {}
"#;

#[test]
fn every_request_is_stated_at_every_server_and_of_the_folder() {
    let evidence = stated(&[("services/orders/openapi.yaml", ORDERS)]);
    let at = |line: u32, who: &str, what: &str| {
        format!("services/orders/openapi.yaml:{line}: {who} serves {what}")
    };
    let component = "component:services/orders";
    let mut wanted = Vec::new();
    for (line, method, path) in
        [(9, "GET", "/orders"), (9, "POST", "/orders"), (14, "DELETE", "/orders/{id}")]
    {
        wanted.push(at(line, component, &format!("{method} /v1{path}")));
        wanted.push(at(line, component, &format!("{method} {path}")));
        wanted.push(at(line, component, &format!("{method} /dev{path}")));
        wanted.push(at(line, "endpoint:orders.shop.example:443", &format!("{method} /v1{path}")));
        wanted.push(at(line, "endpoint:app1:8080", &format!("{method} {path}")));
    }
    // One of them is deprecated.
    let posts: Vec<String> = wanted.iter().filter(|line| line.contains(" POST ")).cloned().collect();
    wanted.extend(posts.iter().map(|line| line.replace(" serves ", " retires ")));
    wanted.push(at(16, component, "GET /health"));
    wanted.push(at(16, "endpoint:ops.shop.example:8443", "GET /health"));
    wanted.push(at(16, component, "HEAD /internal/health"));
    wanted.sort();
    assert_eq!(facts(&evidence), wanted);
    assert_eq!(gaps(&evidence), NOTHING);
}

#[test]
fn swagger_puts_its_base_path_before_each_path() {
    let text = r#"{ "swagger": "2.0", "host": "api.shop.example", "basePath": "/v2", "schemes": ["https", "ws"],
  "paths": {
    "/prices/{sku}": { "get": {} }
  } }"#;
    let evidence = stated(&[("swagger.json", text)]);
    let wanted = [
        "swagger.json:3: component:source tree serves GET /v2/prices/{sku}",
        "swagger.json:3: endpoint:api.shop.example:443 serves GET /v2/prices/{sku}",
    ];
    assert_eq!(facts(&evidence), wanted);
    assert_eq!(gaps(&evidence), NOTHING);
}

#[test]
fn a_version_that_is_a_number_is_one() {
    let evidence = stated(&[("a/api.yml", "swagger: 2.0\npaths:\n  /x: { get: {} }\n")]);
    assert_eq!(facts(&evidence), ["a/api.yml:3: component:a serves GET /x"]);
}

#[test]
fn what_cannot_be_told_is_a_gap_and_nothing_else_is_lost() {
    let text = "openapi: 3.1.0\nservers:\n- url: https://{tenant}.shop.example\npaths:\n  /a: { $ref: 'a.yaml' }\n  \
        /b: { $ref: 'b.yaml' }\n  /c: { $ref: '#/paths/~1c' }\n  /d: { $ref: '#/nothing' }\n  /e:\n    servers: [{url: /}]\n    get: {}\n";
    let evidence = stated(&[("a/openapi.yaml", text)]);
    assert_eq!(facts(&evidence), ["a/openapi.yaml:9: component:a serves GET /e"]);
    let wanted = [
        "a/openapi.yaml:1 unresolved: the address of a server holds a variable without default, or is no address (1)",
        "a/openapi.yaml:5 unresolved: a path is described in another file, which is not followed (2)",
        "a/openapi.yaml:7 unresolved: MAX_REFERENCES: a path refers on more than 8 times (1)",
        "a/openapi.yaml:8 unresolved: a path refers to nothing in this document (1)",
    ];
    assert_eq!(gaps(&evidence), wanted);
}

#[test]
fn a_file_that_only_speaks_of_openapi_is_none() {
    for (path, text) in [
        (
            "package.json",
            r#"{ "dependencies": { "openapi": "3.0.1", "swagger": "2.0.0" }, "paths": { "/x": { "get": {} } } }"#,
        ),
        ("notes.yaml", "tools:\n  openapi: 3.0.3\npaths:\n  /x: { get: {} }\n"),
        ("notes.md", "# How to write one\n\nBegin like this\n\n```yaml\nopenapi: 3.0.3\npaths: {}\n```\n"),
    ] {
        let evidence = stated(&[(path, text)]);
        assert_eq!(facts(&evidence), NOTHING, "{path}");
        let readers: Vec<_> = evidence.inputs().into_iter().map(|input| input.kind).collect();
        assert!(readers.iter().all(|kind| &**kind != "openapi"), "{path}: {readers:?}");
    }
    let evidence = stated(&[("later.yaml", "openapi: 4.0.0\npaths:\n  /x: { get: {} }\n")]);
    assert_eq!(facts(&evidence), NOTHING);
    assert_eq!(gaps(&evidence), ["later.yaml bad-config: neither OpenAPI 3 nor Swagger 2 (1)"]);
}

#[test]
fn a_password_in_an_address_goes_nowhere() {
    let text = "openapi: 3.0.0\nservers: [{url: 'https://ann:hunter2secret@api.shop.example/v1?token=hunter2secret'}]\n\
        paths:\n  '/x?api_key=hunter2secret': { get: {} }\n";
    let told = facts(&stated(&[("a/o.yaml", text)]));
    assert_eq!(told.iter().filter(|line| line.contains("hunter2secret")).count(), 0, "{told:?}");
    assert_eq!(told.iter().filter(|line| line.ends_with("serves GET /v1/x")).count(), 2, "{told:?}");
}

#[test]
fn aliases_that_multiply_and_nests_without_end_are_limits() {
    let mut bomb = "openapi: 3.0.0\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
    }
    let deep = format!("openapi: 3.0.0\nx: {}{}\n", "[".repeat(200), "]".repeat(200));
    let deep_json =
        format!("{{\"openapi\": \"3.0.0\", \"x\": {}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    for (path, text) in [("bomb.yaml", &bomb), ("deep.yaml", &deep), ("deep.json", &deep_json)] {
        let told = gaps(&stated(&[(path, text)]));
        assert!(
            told.len() == 1 && told[0].starts_with(&format!("{path} bad-config: not valid YAML: ")),
            "{told:?}"
        );
    }
}

#[test]
fn more_operations_than_the_limit_are_said() {
    let paths: String = (0..20_001).map(|n| format!("  /p{n}: {{ get: {{}} }}\n")).collect();
    let text = format!("openapi: 3.0.0\npaths:\n{paths}");
    let evidence = stated(&[("a/openapi.yaml", &text)]);
    assert_eq!(facts(&evidence).len(), 20_000);
    let told = gaps(&evidence);
    assert!(told[0].contains("limit: MAX_OPERATIONS: no more than 20000"), "{told:?}");
}

#[test]
fn a_document_that_is_made_to_be_slow_is_not() {
    let paths = "  /p: &p { get: { x: 1 } }\n".to_owned()
        + &(0..30_000).map(|n| format!("  /p{n}: {{ $ref: '#/paths/~1p' }}\n")).collect::<String>();
    let servers: String = (0..30_000).map(|n| format!("- url: http://s{n}.example\n")).collect();
    let own = format!("openapi: 3.0.0\nx-long:\n{}paths:\n{paths}", "  - a\n".repeat(60_000));
    let many = format!("openapi: 3.0.0\nservers:\n{servers}paths: {{ /x: {{ get: {{}} }} }}\n");
    let indented: String = own.lines().map(|line| format!("    {line}\n")).collect();
    let inner = format!(
        "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{ name: a }}\nspec:\n  type: openapi\n  definition: |\n{indented}"
    );
    let began = std::time::Instant::now();
    let told = stated(&[("a/o.yaml", &own), ("b/o.yaml", &many), ("c/catalog-info.yaml", &inner)]);
    assert!(began.elapsed() < std::time::Duration::from_secs(60), "it took {:?}", began.elapsed());
    let limits: Vec<String> = gaps(&told).into_iter().filter(|gap| gap.contains("MAX_")).collect();
    assert_eq!(limits.len(), 3, "{limits:?}");
    let of = |folder: &str| facts(&told).iter().filter(|line| line.starts_with(folder)).count();
    assert_eq!((of("a/"), of("b/")), (20_000, 101));
}
