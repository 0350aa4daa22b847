//! Inventories that others keep: what an OpenAPI document and a Backstage catalogue state, fact by fact, and what a
//! company that has only a catalogue is told. Whole lists are compared, and each claim has its near miss.

use std::path::Path;
use std::process::Command;
use whodepends::collect::{World, collect_all};
use whodepends::evidence::{Evidence, Says};
use whodepends::input::walk;
use whodepends::settings::Settings;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("folders can be made");
        std::fs::write(path, text).expect("files can be written");
    }
}

/// What all files of a world state.
fn stated(files: &[(&str, &str)]) -> Evidence {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), files);
    let (inputs, errors) = walk(&[folder.path().to_path_buf()], &[]);
    assert!(errors.is_empty());
    let own = files.iter().find(|(path, _)| *path == "whodepends.toml").map_or("", |(_, text)| text);
    let settings = Settings::parse(own).expect("the settings are right");
    collect_all(&World::new(&inputs, &settings, &|_, _| ()))
}

/// The facts, a line each, without those of `whodepends.toml`.
fn facts(evidence: &Evidence) -> Vec<String> {
    let line = |fact: &whodepends::evidence::Fact| {
        let says = match &fact.says {
            Says::Serves(it) => format!("serves {}", it.parts.join("/")),
            Says::SameAs(it) => format!("is {it}"),
            Says::PartOf(it) => format!("is part of {it}"),
            Says::DeclaredAs(kind) => format!("is a {kind}"),
            Says::DeclaredUse(_, it) => format!("uses {it}"),
            Says::OwnedBy(it) => format!("is owned by {it}"),
            Says::Lifecycle(it) => format!("is {it}"),
            other => format!("{other:?}"),
        };
        format!("{}: {} {says}", fact.place, fact.about)
    };
    let own = |line: &String| !line.starts_with("whodepends.toml");
    let mut lines: Vec<String> = evidence.facts().map(line).filter(own).collect();
    lines.sort();
    lines
}

fn gaps(evidence: &Evidence) -> Vec<String> {
    let line = |gap: &whodepends::evidence::Gap| {
        format!("{} {}: {} ({})", gap.place, gap.code, gap.detail, gap.count)
    };
    evidence.gaps().iter().map(line).collect()
}

const NOTHING: [&str; 0] = [];

mod openapi {
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
            (
                "notes.md",
                "# How to write one\n\nBegin like this\n\n```yaml\nopenapi: 3.0.3\npaths: {}\n```\n",
            ),
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
}

mod backstage {
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
        let evidence =
            stated(&[("services/billing/catalog-info.yaml", BILLING), ("catalog/all.yaml", SHARED)]);
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
        let text = entity("Component", "a", "dependsOn: [shop-db, 'user:ann']")
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
            "catalog-info.yaml:5 bad-config: component:default/a: dependsOn needs references with their kind",
            "catalog-info.yaml:5 bad-config: component:default/a: only components, resources and APIs can be used",
            "catalog-info.yaml:7 unparsed: not valid YAML: ",
            "catalog-info.yaml:13 unparsed: api:default/grpc-api: its definition is none of OpenAPI",
            "catalog-info.yaml:18 unparsed: api:default/far-api: its definition is kept elsewhere",
            "catalog-info.yaml:23 unresolved: location:default/more: lists entities that are kept elsewhere",
        ] {
            assert!(begin(gap), "{gap:?} is missing in {told:#?}");
        }
        assert_eq!(told.len(), 6, "{told:#?}");
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
        assert_eq!(
            folders(own, &located("https://git.shop.example/shop/estate/tree/main/services/other")),
            NOTHING
        );
        assert_eq!(folders("catalog/billing.yaml", BILLING), NOTHING);
        let two = entity("Component", "a", "type: service") + &entity("Component", "b", "type: service");
        assert_eq!(folders(own, &two), NOTHING);
        assert_eq!(facts(&stated(&[("billing/examples/catalog-info.yaml", BILLING)])), NOTHING);
    }

    #[test]
    fn a_component_that_is_listed_already_is_the_same_consumer() {
        let own = "[[consumer]]\nkind = \"job\"\nname = \"nightly\"\nhosts = [\"batch1\"]\naliases = [\"night-run\"]\n";
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
}

/// A company that keeps a catalogue and no other list of consumers; `whodepends.toml` names machines alone.
mod company {
    use super::*;

    const ESTATE: &str = r#"
as_of = "2026-11-24"
[estate]
networks = ["10.20.0.0/16"]
zone = "UTC"
[[host]]
name = "app1"
addresses = ["10.20.1.11"]
[[host]]
name = "batch1"
addresses = ["10.20.2.21"]
[[system]]
kind = "database"
name = "shop-db"
addresses = ["10.20.0.10:5432", "db1:5432"]
databases = ["shop"]
[[system]]
kind = "database"
name = "crm-db"
addresses = ["10.20.0.11:5432", "db2:5432"]
databases = ["crm"]
[[source]]
path = "logs/shop/*"
server = "shop-db"
[[source]]
path = "logs/crm/*"
server = "crm-db"
"#;

    const CATALOGUE: &str = r#"apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: billing }
spec: { type: service, owner: team-finance, dependsOn: ["resource:default/shop-db"], consumesApis: [orders-api] }
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: { name: shop-db }
spec: { type: database, owner: team-dba }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: orders-api }
spec:
  type: openapi
  definition: |
    openapi: 3.0.0
    servers: [{ url: "http://orders.shop.example:8080" }]
    paths:
      /orders: { get: {} }
"#;

    const ENVIRONMENT: &str = "PGHOST=db1\nPGDATABASE=shop\nPGUSER=billing\n";
    const CODE: &str = "import psycopg\nimport requests\n\ndef bills(db):\n    requests.get('http://orders.shop.example:8080/orders')\n    \
        return db.execute('SELECT id FROM public.invoices')\n";
    const SCRIPT: &str = "#!/bin/sh\nexport PGHOST=db1 PGDATABASE=shop PGUSER=export\npsql -c 'SELECT id FROM public.orders'\n";

    fn ran(database: &str, user: &str, client: &str, sql: &str) -> String {
        let process: u32 = user.bytes().chain(client.bytes()).map(u32::from).sum();
        format!(
            "2026-10-26 10:00:01.123 UTC [{process}] user={user},db={database},app=tool,client={client} LOG:  duration: 0.120 ms  statement: {sql}\n"
        )
    }

    /// The whole report of a world.
    fn report(files: &[(&str, &str)]) -> serde_json::Value {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), files);
        let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
            .current_dir(folder.path())
            .args(["scan", ".", "--format", "json"])
            .output()
            .expect("the program starts");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
        for input in report["inputs"].as_array().expect("inputs are a list") {
            assert_eq!(input["status"], "read", "{input}");
        }
        report
    }

    /// Findings, a line each: rule, who, what, and who answers for them.
    fn told(files: &[(&str, &str)]) -> Vec<String> {
        let report = report(files);
        let owner = |id: &serde_json::Value| {
            let entities = report["entities"].as_array().expect("entities are a list");
            let own = entities.iter().find(|entity| entity["id"] == *id).map(|entity| &entity["owner"]);
            own.and_then(|own| own.as_str()).unwrap_or("nobody").to_owned()
        };
        let line = |finding: &serde_json::Value| {
            let word = |key: &str| finding[key].as_str().unwrap_or("").to_owned();
            format!(
                "{}: {} ({}), {}",
                word("rule"),
                word("consumer"),
                owner(&finding["consumer"]),
                word("resource")
            )
        };
        let mut lines: Vec<String> =
            report["findings"].as_array().expect("findings are a list").iter().map(line).collect();
        lines.sort();
        lines
    }

    /// The company with this catalogue and these logs of its two servers.
    fn company(catalogue: &str, shop: &str, crm: &str) -> Vec<String> {
        told(&[
            ("whodepends.toml", ESTATE),
            ("services/billing/catalog-info.yaml", catalogue),
            ("services/billing/.env", ENVIRONMENT),
            ("services/billing/billing.py", CODE),
            ("batch1/var/spool/cron/crontabs/batch", "15 5 * * * /opt/jobs/export.sh\n"),
            ("batch1/opt/jobs/export.sh", SCRIPT),
            ("logs/shop/postgresql.log", shop),
            ("logs/crm/postgresql.log", crm),
        ])
    }

    fn shop() -> String {
        ran("shop", "billing", "10.20.1.11", "SELECT id FROM public.invoices")
            + &ran("shop", "billing", "10.20.1.11", "SELECT id FROM public.payments")
            + &ran("shop", "export", "10.20.2.21", "SELECT id FROM public.orders")
            + &ran("shop", "report_ro", "10.20.3.7", "SELECT id FROM public.orders")
    }

    fn crm() -> String {
        ran("crm", "billing", "10.20.1.11", "SELECT id FROM public.contacts")
    }

    #[test]
    fn a_catalogue_alone_tells_listed_from_unlisted() {
        let wanted = [
            "shadow-consumer: client:report_ro@10.20.3.7 (nobody), database:shop-db/shop",
            "undeclared-use: service:billing (team-finance), table:crm-db/crm/public.contacts",
            "unofficial-consumer: job:batch1/export (nobody), database:shop-db/shop",
        ];
        assert_eq!(company(CATALOGUE, &shop(), &crm()), wanted);
    }

    #[test]
    fn what_the_catalogue_lists_as_well_is_no_finding() {
        let more = CATALOGUE
            .replace("\"resource:default/shop-db\"", "\"resource:default/shop-db\", \"resource:crm-db\"")
            + "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: export }\nspec: { type: cronjob, dependsOn: [\"resource:shop-db\"] }\n"
            + "---\napiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata: { name: crm-db }\nspec: { type: database, owner: team-dba }\n";
        let wanted = ["shadow-consumer: client:report_ro@10.20.3.7 (nobody), database:shop-db/shop"];
        assert_eq!(company(&more, &shop(), &crm()), wanted);
        // A job of that name that two hosts run could be either: then it is neither.
        let twice = told(&[
            ("whodepends.toml", ESTATE),
            ("catalogue/catalog-info.yaml", &more),
            ("batch1/var/spool/cron/crontabs/batch", "15 5 * * * /opt/jobs/export.sh\n"),
            ("batch1/opt/jobs/export.sh", SCRIPT),
            ("batch2/var/spool/cron/crontabs/batch", "15 5 * * * /opt/jobs/export.sh\n"),
            ("batch2/opt/jobs/export.sh", SCRIPT),
            ("logs/shop/postgresql.log", &shop()),
            ("logs/crm/postgresql.log", &crm()),
        ]);
        let unlisted: Vec<&String> =
            twice.iter().filter(|line| line.starts_with("unofficial-consumer")).collect();
        let each = ["batch1", "batch2"]
            .map(|host| format!("unofficial-consumer: job:{host}/export (nobody), database:shop-db/shop"));
        assert_eq!(unlisted, each.iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_catalogue_that_lists_apis_alone_speaks_of_no_database() {
        let listed = |uses: &str| -> Vec<String> {
            let text = CATALOGUE
                .replace("dependsOn: [\"resource:default/shop-db\"], consumesApis: [orders-api]", uses);
            let told = company(&text, &shop(), &crm());
            told.into_iter().filter(|line| line.starts_with("undeclared-use")).collect()
        };
        assert_eq!(listed("consumesApis: [orders-api]"), NOTHING);
        assert_eq!(listed("lifecycle: production"), NOTHING);
        let other = "dependsOn: [\"resource:default/crm-db\"], consumesApis: [orders-api]";
        assert_eq!(listed(other), ["undeclared-use: service:billing (team-finance), database:shop-db/shop"]);
    }

    #[test]
    fn a_call_is_declared_where_the_catalogue_says_whose_api_it_is() {
        let bases = |catalogue: &str| -> Vec<String> {
            let report = report(&[
                ("whodepends.toml", ESTATE),
                ("services/billing/catalog-info.yaml", catalogue),
                ("services/billing/.env", ENVIRONMENT),
                ("services/billing/billing.py", CODE),
                ("logs/shop/postgresql.log", &shop()),
                ("logs/crm/postgresql.log", &crm()),
            ]);
            let links = report["links"].as_array().expect("links are a list").iter();
            links.filter(|link| link["action"] == "call").map(|link| link["bases"].to_string()).collect()
        };
        assert_eq!(bases(CATALOGUE), ["[\"declared\",\"written\"]"]);
        assert_eq!(
            bases(&CATALOGUE.replace("consumesApis: [orders-api]", "consumesApis: []")),
            ["[\"written\"]"]
        );
        assert_eq!(bases(&CATALOGUE.replace("orders.shop.example", "other.shop.example")), ["[\"written\"]"]);
    }

    #[test]
    fn without_a_catalogue_nobody_is_unlisted() {
        let nobody = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: { name: team-finance }\nspec: { type: team }\n";
        let wanted = ["shadow-consumer: client:report_ro@10.20.3.7 (nobody), database:shop-db/shop"];
        assert_eq!(company(nobody, &shop(), &crm()), wanted);
    }
}

/// What documents list, held against what an access log saw.
mod requests {
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

    const DOCUMENT: &str = "openapi: 3.0.3\nservers: [{ url: 'http://10.20.1.11:8080/v1' }]\npaths:\n  /orders/{id}:\n    get: {}\n";

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
        let own = findings.filter(|finding| finding["rule"] == "undocumented-endpoint");
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
}
