//! A company that keeps a catalogue and no other list of consumers; `whodepends.toml` names machines alone.

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
const SCRIPT: &str =
    "#!/bin/sh\nexport PGHOST=db1 PGDATABASE=shop PGUSER=export\npsql -c 'SELECT id FROM public.orders'\n";

fn ran(database: &str, user: &str, client: &str, sql: &str) -> String {
    let process: u32 = user.bytes().chain(client.bytes()).map(u32::from).sum();
    format!(
        "2026-10-26 10:00:01.123 UTC [{process}] user={user},db={database},app=tool,client={client} LOG:  duration: 0.120 ms  statement: {sql}\n"
    )
}

/// The whole report of a world.
pub fn report(files: &[(&str, &str)]) -> serde_json::Value {
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
        let text =
            CATALOGUE.replace("dependsOn: [\"resource:default/shop-db\"], consumesApis: [orders-api]", uses);
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
