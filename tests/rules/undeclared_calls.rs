//! `undeclared-use` of services: calls beyond those that an entry states, and calls that go beyond nothing.

use super::*;

const SHOP: &str = r#"
as_of = "2026-11-24"
[estate]
networks = ["10.20.0.0/16"]
zone = "UTC"
[[host]]
name = "app1"
addresses = ["10.20.1.11"]
[[host]]
name = "app2"
addresses = ["10.20.1.12"]
[[system]]
kind = "service"
name = "orders-api"
addresses = ["10.20.1.12:8080", "orders.shop.example"]
[[system]]
kind = "service"
name = "stock-api"
addresses = ["10.20.1.13:8080", "stock.shop.example"]
[[system]]
kind = "database"
name = "shop-db"
addresses = ["db1:5432"]
databases = ["shop"]
[[source]]
path = "logs/orders/*"
server = "orders-api"
[[source]]
path = "logs/stock/*"
server = "stock-api"
[[source]]
path = "logs/edge/*"
server = "edge"
"#;
const ORDERS: &str = "logs/orders/access.log";
const STOCK: &str = "logs/stock/access.log";

/// A listed service that states this.
fn billing(uses: &str) -> String {
    consumer("billing", "app1", uses)
}

fn consumer(name: &str, host: &str, uses: &str) -> String {
    format!(
        "[[consumer]]\nkind = \"service\"\nname = \"{name}\"\nusers = [\"{name}\"]\nhosts = [\"{host}\"]\nuses = [{uses}]\n"
    )
}

/// A request that was answered.
fn got(client: &str, user: &str, request: &str) -> String {
    format!(
        "{client} - {user} [26/Oct/2026:10:00:01 +0000] \"{request} HTTP/1.1\" 200 512 \"-\" \"{user}/1.0\"\n"
    )
}

fn told(entries: &str, files: &[(&str, &str)]) -> Vec<String> {
    let settings = format!("{SHOP}{entries}");
    let mut all = vec![(INVENTORY, settings.as_str())];
    all.extend(files);
    findings(&all).into_iter().filter(|line| line.starts_with("undeclared-use")).collect()
}

/// What billing is found to do beyond these uses, where it asks both services for one thing.
fn asking_both(uses: &str) -> Vec<String> {
    let orders = got("10.20.1.11", "billing", "GET /v1/orders/17");
    let stock = got("10.20.1.11", "billing", "GET /v1/stock/9");
    told(&billing(uses), &[(ORDERS, &orders), (STOCK, &stock)])
}

const FOUND: [&str; 1] = ["undeclared-use: service:billing, endpoint:stock-api/GET /v1/stock/{}"];

#[test]
fn a_call_of_a_service_beyond_the_stated_ones_is_found() {
    assert_eq!(asking_both("\"orders-api\""), FOUND);
    assert_eq!(asking_both("\"service:orders-api\", \"shop-db\""), FOUND);
    // Several requests of one service are told of the service.
    let stock =
        got("10.20.1.11", "billing", "GET /v1/stock/9") + &got("10.20.1.11", "billing", "PUT /v1/stock/9");
    let told = told(
        &billing("\"orders-api\""),
        &[(ORDERS, &got("10.20.1.11", "billing", "GET /v1/orders/1")), (STOCK, &stock)],
    );
    assert_eq!(told, ["undeclared-use: service:billing, service:stock-api"]);
}

#[test]
fn an_entry_that_lists_requests_is_held_to_them() {
    let own = "\"orders-api/GET /v1/orders/{id}\"";
    assert_eq!(asking_both(own), FOUND);
    assert_eq!(asking_both(&format!("{own}, \"stock-api/GET /v1/stock/*\"")), NOTHING);
    assert_eq!(asking_both(&format!("{own}, \"endpoint:stock-api/* /v1/stock/{{sku}}\"")), NOTHING);
    assert_eq!(asking_both(&format!("{own}, \"stock-api/PUT /v1/stock/{{sku}}\"")), FOUND);
    assert_eq!(asking_both(&format!("{own}, \"stock-api\"")), NOTHING);
}

#[test]
fn an_entry_that_states_no_calls_may_be_of_an_inventory_that_never_lists_them() {
    assert_eq!(asking_both("\"shop-db/shop/public.orders\""), NOTHING);
    assert_eq!(asking_both("\"topic:orders\", \"file:/srv/out/a.csv\""), NOTHING);
    assert_eq!(asking_both(""), NOTHING);
}

#[test]
fn a_call_that_stands_in_the_consumers_text_is_found() {
    let source = "import requests\nrequests.get('http://orders.shop.example/v1/orders')\nrequests.get('http://stock.shop.example/v1/stock')\n\
                  requests.get('https://api.partner.example/v1/rates')\n";
    let files =
        [("services/billing/app.py", source), ("services/billing/Dockerfile", "FROM python:3.11-slim\n")];
    let entry = |uses: &str| billing(uses) + "source = [\"services/billing\"]\n";
    let found = ["undeclared-use: service:billing, endpoint:stock-api/GET /v1/stock"];
    assert_eq!(told(&entry("\"orders-api\""), &files), found);
    // The partner is no service of the estate: of the two that are, both are stated.
    assert_eq!(told(&entry("\"orders-api\", \"stock-api\""), &files), NOTHING);
    // Of what it states nothing was met: perhaps its names are other ones than those of the text.
    assert_eq!(told(&entry("\"crm-api/GET /v1/people\""), &files), NOTHING);
    let test = [("services/billing/tests/test_app.py", source), files[1]];
    assert_eq!(told(&entry("\"orders-api\""), &test), NOTHING);
}

#[test]
fn asking_whether_it_is_well_is_no_use_of_it() {
    let orders = got("10.20.1.11", "billing", "GET /v1/orders/17");
    for request in ["GET /health", "GET /shop/healthz", "GET /metrics", "HEAD /ping", "GET /actuator/info"] {
        let stock = got("10.20.1.11", "billing", request);
        assert_eq!(
            told(&billing("\"orders-api\""), &[(ORDERS, &orders), (STOCK, &stock)]),
            NOTHING,
            "{request}"
        );
    }
    // What only begins so is a thing of the business.
    let stock = got("10.20.1.11", "billing", "GET /health/rollup");
    assert_eq!(
        told(&billing("\"orders-api\""), &[(ORDERS, &orders), (STOCK, &stock)]),
        ["undeclared-use: service:billing, endpoint:stock-api/GET /health/rollup"]
    );
}

#[test]
fn a_call_that_failed_goes_beyond_nothing() {
    let orders = got("10.20.1.11", "billing", "GET /v1/orders/17");
    let stock = got("10.20.1.11", "billing", "GET /v1/stock/9").replace(" 200 ", " 403 ");
    assert_eq!(told(&billing("\"orders-api\""), &[(ORDERS, &orders), (STOCK, &stock)]), NOTHING);
}

#[test]
fn replicas_that_ask_each_other_are_one_service() {
    let entry = consumer("orders-api", "app2", "\"stock-api\"");
    let orders = got("10.20.1.12", "orders-api", "GET /v1/orders/17");
    let stock = got("10.20.1.12", "orders-api", "GET /v1/stock/9");
    assert_eq!(told(&entry, &[(ORDERS, &orders), (STOCK, &stock)]), NOTHING);
}

#[test]
fn what_the_other_side_asked_to_be_sent_is_its_own_use() {
    let orders = consumer("orders-api", "app2", "\"shop-db\", \"prices-api/GET /v1/prices\"");
    let sent = got("10.20.1.12", "orders-api", "POST /hooks/orders");
    let of_stock = |uses: &str| orders.clone() + &consumer("stock-api", "app1", uses);
    assert_eq!(told(&of_stock("\"orders-api\""), &[(STOCK, &sent)]), NOTHING);
    let found =
        |request: &str| vec![format!("undeclared-use: service:orders-api, endpoint:stock-api/{request}")];
    assert_eq!(told(&of_stock("\"shop-db\""), &[(STOCK, &sent)]), found("POST /hooks/orders"));
    // Nobody sends what somebody else takes.
    let taken = got("10.20.1.12", "orders-api", "GET /v1/stock");
    assert_eq!(told(&of_stock("\"orders-api\""), &[(STOCK, &taken)]), found("GET /v1/stock"));
}

#[test]
fn a_proxy_is_a_hop() {
    let edge = "[[system]]\nkind = \"service\"\nname = \"edge\"\naddresses = [\"10.20.1.20:80\"]\n";
    let asked = got("10.20.1.11", "billing", "GET /shop/v1/orders/17");
    let seen = |entries: &str, orders: &str| {
        told(
            &format!("{edge}{}{entries}", billing("\"orders-api\"")),
            &[("logs/edge/access.log", &asked), (ORDERS, orders)],
        )
    };
    let own = got("10.20.1.11", "billing", "GET /v1/prices");
    let found = ["undeclared-use: service:billing, endpoint:edge/GET /shop/v1/orders/{}"];
    assert_eq!(seen("", &own), found);
    // It asks the stated one for the same, without what it put in front.
    let passed = got("10.20.1.20", "edge", "GET /v1/orders/17");
    let entry = consumer("edge", "10.20.1.20", "");
    assert_eq!(seen(&entry, &(own.clone() + &passed)), NOTHING);
    let other = got("10.20.1.20", "edge", "GET /v1/prices/17");
    assert_eq!(seen(&entry, &(own.clone() + &other)), found);
    // Or its own log says who answered.
    let answered = |by: &str| {
        let log = format!(
            "{{\"RequestMethod\":\"GET\",\"RequestPath\":\"/v1/orders/17\",\"DownstreamStatus\":200,\"StartUTC\":\"2026-10-26T10:00:01Z\",\
             \"ClientAddr\":\"10.20.1.11:4711\",\"ClientUsername\":\"billing\",\"ServiceName\":\"{by}@docker\"}}\n"
        );
        told(
            &format!("{edge}{}", billing("\"orders-api\"")),
            &[("logs/edge/access.log", &log), (ORDERS, &own)],
        )
    };
    assert_eq!(answered("orders-api"), NOTHING);
    let past = ["undeclared-use: service:billing, endpoint:edge/GET /v1/orders/{}"];
    assert_eq!(answered("stock-api"), past);
    // Or somebody says what it is.
    assert_eq!(seen(&entry.replace("hosts", "class = \"proxy\"\nhosts"), &own), NOTHING);
}

#[test]
fn a_catalogue_is_held_to_the_apis_it_lists() {
    let catalogue = |consumed: &str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: billing }}\n\
             spec: {{ type: service, owner: team-a, consumesApis: [{consumed}] }}\n---\n\
             apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: orders-api }}\n\
             spec: {{ type: service, providesApis: [orders] }}\n---\n\
             apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: stock-api }}\n\
             spec: {{ type: service, providesApis: [stock] }}\n"
        )
    };
    let orders = got("10.20.1.11", "billing", "GET /v1/orders/17");
    let stock = got("10.20.1.11", "billing", "GET /v1/stock/9");
    let seen = |consumed: &str| {
        told("", &[("catalog-info.yaml", &catalogue(consumed)), (ORDERS, &orders), (STOCK, &stock)])
    };
    assert_eq!(seen("orders"), FOUND);
    assert_eq!(seen("orders, stock"), NOTHING);
    assert_eq!(seen(""), NOTHING);
}
