//! Requests of access logs: who is told apart and who is one, `page-scraper` and `undocumented-endpoint`, and the
//! whole list of findings of each world.

use super::*;
use std::collections::BTreeSet;

const SHOP: &str = r#"
as_of = "2026-11-24"
[estate]
networks = ["10.20.0.0/16"]
zone = "UTC"
[[host]]
name = "app1"
addresses = ["10.20.1.11"]
[[host]]
name = "web1"
addresses = ["10.20.1.5"]
[[system]]
kind = "service"
name = "orders-api"
addresses = ["10.20.1.11:8080", "orders.shop.example"]
[[source]]
path = "logs/*"
server = "orders-api"
"#;
const ACCESS: &str = "logs/access.log";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// A line of the combined format.
fn asked(client: &str, user: &str, request: &str, status: u16, referrer: &str, agent: &str) -> String {
    format!(
        "{client} - {user} [26/Oct/2026:10:00:01 +0100] \"{request} HTTP/1.1\" {status} 512 \"{referrer}\" \"{agent}\"\n"
    )
}

/// A request by a program, answered.
fn got(client: &str, request: &str, agent: &str) -> String {
    asked(client, "-", request, 200, "-", agent)
}

/// `consumer endpoint class outcome count`.
fn calls(files: &[(&str, &str)]) -> BTreeSet<String> {
    let report = report(files);
    let links = report["links"].as_array().expect("links are a list").iter();
    let word = |link: &serde_json::Value, key: &str| link[key].as_str().unwrap_or("").to_owned();
    let call = |link: &serde_json::Value| {
        let named = ["consumer", "resource", "class", "outcome"].map(|key| word(link, key));
        format!("{} {}", named.join(" "), link["count"])
    };
    links.filter(|link| link["bases"].to_string().contains("observed")).map(call).collect()
}

fn set(lines: &[&str]) -> BTreeSet<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn clients_are_told_apart_by_login_address_and_program_and_people_are_one() {
    let behind = |chain: &str| {
        let line = got("10.20.1.5", "GET /v1/orders/17", "curl/8.5.0");
        format!("{} 0.042 \"{chain}\"\n", line.trim_end())
    };
    let log = [
        got("10.20.3.7", "GET /v1/orders/17?token=abc", "python-requests/2.31.0"),
        got("10.20.3.7", "GET /v1/orders/18", "python-requests/2.32.1"),
        asked("10.20.3.9", "freight", "POST /v1/orders", 201, "-", "-"),
        asked("10.20.3.9", "-", "GET /v1/orders/9", 404, "-", "curl/8.5.0"),
        // A proxy of ours is a hop; of two clients behind it each is its own; nobody outside is believed.
        behind("10.20.3.11"),
        behind("10.20.3.12, 10.20.1.6"),
        behind("10.20.3.12, 203.0.113.9"),
        got("203.0.113.1", "GET /v1/orders", "okhttp/4.12.0"),
        got("203.0.113.2", "GET /v1/orders", "okhttp/4.11.0"),
        asked("203.0.113.3", "partner", "GET /v1/orders", 200, "-", "okhttp/4.11.0"),
        got("10.20.4.1", "GET /orders/17", FIREFOX),
        got("10.20.4.2", "GET /orders/18", FIREFOX),
        got("10.20.5.1", "GET /health", "kube-probe/1.29"),
        got("66.249.66.1", "GET /orders/17", "Mozilla/5.0 (compatible; Googlebot/2.1)"),
        "10.20.5.9 - - [26/Oct/2026:10:00:02 +0100] \"\\x16\\x03\\x01\" 400 150 \"-\" \"-\"\n".to_owned(),
    ]
    .concat();
    assert_eq!(
        calls(&[(INVENTORY, SHOP), (ACCESS, &log)]),
        set(&[
            "client:python-requests@10.20.3.7 endpoint:orders-api/GET /v1/orders/{} app ok 2",
            "client:freight@10.20.3.9 endpoint:orders-api/POST /v1/orders app ok 1",
            "client:curl@10.20.3.9 endpoint:orders-api/GET /v1/orders/{} app failed 1",
            "client:curl@10.20.3.11 endpoint:orders-api/GET /v1/orders/{} app ok 1",
            "client:curl@10.20.3.12 endpoint:orders-api/GET /v1/orders/{} app ok 1",
            "client:outside/curl endpoint:orders-api/GET /v1/orders/{} app ok 1",
            "client:outside/okhttp endpoint:orders-api/GET /v1/orders app ok 2",
            "client:partner@203.0.113.3 endpoint:orders-api/GET /v1/orders app ok 1",
            "client:browsers endpoint:orders-api/GET /orders/{} browsing ok 2",
            "client:kube-probe@10.20.5.1 endpoint:orders-api/GET /health probe ok 1",
            "client:outside/Googlebot endpoint:orders-api/GET /orders/{} probe ok 1",
        ])
    );
}

#[test]
fn of_those_who_are_told_as_one_the_busiest_addresses_are_named() {
    let log = got("203.0.113.1", "GET /v1/orders", "okhttp/4.12.0")
        + &got("203.0.113.2", "GET /v1/orders", "okhttp/4.11.0").repeat(3)
        + &got("10.20.3.7", "GET /v1/orders", "curl/8");
    let report = report(&[(INVENTORY, SHOP), (ACCESS, &log)]);
    let rows = report["folds"].as_array().expect("folds are a list").iter();
    let told: Vec<String> =
        rows.map(|row| format!("{} {} {}", row["from"], row["to"], row["count"])).collect();
    let okhttp = "\"client:outside/okhttp\"";
    assert_eq!(told, [format!("\"203.0.113.2\" {okhttp} 3"), format!("\"203.0.113.1\" {okhttp} 1")]);
}

#[test]
fn who_calls_a_service_hangs_behind_what_the_service_reads() {
    let service =
        "[[consumer]]\nkind = \"service\"\nname = \"orders-api\"\nusers = [\"orders\"]\nhosts = [\"app1\"]\n";
    let database = "[[system]]\nkind = \"database\"\nname = \"shop-db\"\naddresses = [\"db1:5432\"]\ndatabases = [\"shop\"]\n";
    let source = "[[source]]\npath = \"db/*\"\nserver = \"shop-db\"\n";
    let estate = format!("{SHOP}{source}{database}{service}");
    let sql = ran("orders", "10.20.1.11", "SELECT id FROM public.orders WHERE id = 1");
    let log = got("10.20.3.7", "GET /v1/orders/17", "kiosk/2.1");
    let files = [(INVENTORY, estate.as_str()), (ACCESS, &log), ("db/postgresql.log", &sql)];
    let found = "shadow-consumer: client:kiosk@10.20.3.7, service:orders-api";
    assert_eq!(findings(&files), [found]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("report.json");
    std::fs::write(&path, report(&files).to_string()).expect("it can be written");
    let answer = |depth: &str| -> Vec<String> {
        let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
            .args(["on", "public.orders", "--depth", depth, "--from"])
            .arg(&path)
            .output()
            .expect("the program starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines()
            .filter(|line| line.starts_with("  ") && line.contains(" observed"))
            .map(str::to_owned)
            .collect()
    };
    let service = "  service:orders-api  read  once, 2026-10-26T10:00:01Z  declared, observed";
    let kiosk = "  SHADOW  client:kiosk@10.20.3.7  call  once, 2026-10-26T09:00:01Z  observed";
    assert_eq!(answer("1"), [service]);
    assert_eq!(answer("2"), [service, kiosk]);
}

#[test]
fn a_program_nobody_listed_is_a_shadow_and_people_probes_and_failures_are_not() {
    let log = [
        got("10.20.3.7", "GET /v1/orders/17", "python-requests/2.31.0"),
        asked("10.20.3.8", "-", "GET /v1/orders/9", 404, "-", "curl/8.5.0"),
        got("10.20.4.1", "GET /orders/17", FIREFOX),
        got("10.20.5.1", "GET /health", "check_http/v2.3.3 (monitoring-plugins 2.3.3)"),
    ]
    .concat();
    let found = "shadow-consumer: client:python-requests@10.20.3.7, service:orders-api";
    assert_eq!(findings(&[(INVENTORY, SHOP), (ACCESS, &log)]), [found]);
}

#[test]
fn a_request_without_a_login_is_the_hosts_only_consumer_that_states_the_server() {
    let estate = |uses: &str, more: &str| {
        format!(
            "{SHOP}[[host]]\nname = \"app2\"\naddresses = [\"10.20.1.12\"]\n[[consumer]]\nkind = \"service\"\nname = \"bed\"\nhosts = [\"app2\"]\n{uses}{more}"
        )
    };
    let log = got("10.20.1.12", "GET /v1/orders", "axios/1.7");
    let told = |uses: &str, more: &str| findings(&[(INVENTORY, &estate(uses, more)), (ACCESS, &log)]);
    let shadow = "shadow-consumer: client:axios@app2, service:orders-api";
    let uses = "uses = [\"orders-api\"]\n";
    assert_eq!(told(uses, ""), NOTHING);
    // What it states is one request, and this is it.
    assert_eq!(told("uses = [\"orders-api/GET /v1/orders\"]\n", ""), NOTHING);
    // It states another server, calls itself something else, or is not the only one there.
    assert_eq!(told("uses = [\"stock-api\"]\n", ""), [shadow]);
    assert_eq!(told("uses = [\"orders-api\"]\napplications = [\"bed-agent\"]\n", ""), [shadow]);
    let other =
        "[[consumer]]\nkind = \"service\"\nname = \"ward\"\nhosts = [\"app2\"]\nuses = [\"orders-api\"]\n";
    assert_eq!(told(uses, other), [shadow]);
    let neighbour = "[[consumer]]\nkind = \"job\"\nname = \"sweep\"\nhosts = [\"app2\"]\n";
    assert_eq!(told(uses, neighbour), [shadow]);
}

#[test]
fn of_several_consumers_of_a_host_a_program_is_the_ones_that_states_what_it_asks_for() {
    let bed = "[[consumer]]\nkind = \"service\"\nname = \"bed\"\nhosts = [\"app2\"]\nuses = [\"orders-api/GET /v1/orders/{id}\"]\n";
    let ward = "[[consumer]]\nkind = \"service\"\nname = \"ward\"\nhosts = [\"app2\"]\nuses = [\"orders-api/GET /v1/stock\"]\n";
    let told = |entries: &str, log: &[String]| {
        let host = "[[host]]\nname = \"app2\"\naddresses = [\"10.20.1.12\"]\n";
        findings(&[(INVENTORY, &format!("{SHOP}{host}{entries}")), (ACCESS, &log.concat())])
    };
    let both = format!("{bed}{ward}");
    let order = |agent: &str| got("10.20.1.12", "GET /v1/orders/17", agent);
    let stock = |agent: &str| got("10.20.1.12", "GET /v1/stock?day=1", agent);
    assert_eq!(told(&both, &[order("GuzzleHttp/7"), stock("Faraday v2.7.4")]), NOTHING);
    // What else the program asks for is its owner's, too.
    let more = [order("GuzzleHttp/7"), got("10.20.1.12", "GET /v1/prices", "GuzzleHttp/7")];
    assert_eq!(told(&both, &more), ["undeclared-use: service:bed, endpoint:orders-api/GET /v1/prices"]);
    // Nobody can say whose a program is that asks for what two state, or what another program asks for, too.
    let shadow = |program: &str| format!("shadow-consumer: client:{program}@app2, service:orders-api");
    let one = [order("curl/8.5.0"), stock("curl/8.5.0")];
    assert_eq!(told(&both, &one), [shadow("curl")]);
    assert_eq!(
        told(&both, &[order("curl/8.5.0"), order("GuzzleHttp/7")]),
        [shadow("GuzzleHttp"), shadow("curl")]
    );
    // What it calls itself is stated otherwise.
    let named = both.replace("name = \"bed\"\n", "name = \"bed\"\napplications = [\"bed-agent\"]\n");
    assert_eq!(told(&named, &[order("GuzzleHttp/7")]), [shadow("GuzzleHttp")]);
}

#[test]
fn a_script_that_calls_a_listed_service_and_is_in_no_inventory_is_found() {
    let consumer = "[[consumer]]\nkind = \"service\"\nname = \"orders-api\"\nhosts = [\"app1\"]\n";
    let estate = format!("{SHOP}{consumer}");
    let told = |url: &str| {
        let job = format!("#!/bin/sh\ncurl -fsS {url}\n");
        findings(&[
            (INVENTORY, &estate),
            (ACCESS, &got("10.20.5.1", "GET /health", "kube-probe/1.29")),
            ("batch1/opt/job.sh", &job),
            (CRONTAB, "0 3 * * * /opt/job.sh\n"),
        ])
    };
    let found = "unofficial-consumer: job:batch1/job, service:orders-api";
    assert_eq!(told("http://app1:8080/v1/orders"), [found]);
    // What nobody lists is nobody's, and everybody fetches from the public web.
    assert_eq!(told("https://storage.example/tool.tar.gz"), NOTHING);
}

#[test]
fn a_virtual_host_in_the_line_names_the_server() {
    let estate = SHOP.replace("[[source]]\npath = \"logs/*\"\nserver = \"orders-api\"\n", "");
    let line = got("10.20.3.7", "GET /v1/orders", "curl/8.5.0");
    let log = format!("orders.shop.example {line}stock.shop.example:8443 {line}");
    assert_eq!(
        calls(&[(INVENTORY, &estate), (ACCESS, &log)]),
        set(&[
            "client:curl@10.20.3.7 endpoint:orders-api/GET /v1/orders app ok 1",
            "client:curl@10.20.3.7 endpoint:stock.shop.example:8443/GET /v1/orders app ok 1",
        ])
    );
}

#[test]
fn rotated_files_are_one_log_and_a_copy_counts_once() {
    let (one, other) = (got("10.20.3.7", "GET /a", "curl/8"), got("10.20.3.7", "GET /b", "curl/8"));
    let both = format!("{one}{other}");
    let want = set(&[
        "client:curl@10.20.3.7 endpoint:orders-api/GET /a app ok 1",
        "client:curl@10.20.3.7 endpoint:orders-api/GET /b app ok 1",
    ]);
    assert_eq!(calls(&[(INVENTORY, SHOP), (ACCESS, &other), ("logs/access.log.1", &one)]), want);
    // The service's own log behind the proxy saw the same requests.
    let inner =
        both.replace("\"curl/8\"\n", "\"curl/8\" \"10.20.3.7\"\n").replace("10.20.3.7 - -", "10.20.1.5 - -");
    assert_eq!(calls(&[(INVENTORY, SHOP), (ACCESS, &both), ("logs/inner.log", &inner)]), want);
}

mod routes {
    use super::*;

    const APP: &str = "from fastapi import FastAPI\napp = FastAPI()\n\n@app.get(\"/v1/stock/{sku}\")\ndef stock(sku):\n    return {}\n";
    const COMPOSE: &str = "services:\n  stock:\n    build: ./stock\n    networks:\n      shop:\n        ipv4_address: 10.20.1.11\n";

    /// The endpoints that a job calls, beside the source of a service that is built as `stock`.
    fn called(url: &str, more: &[(&str, &str)]) -> Vec<String> {
        let estate = SHOP.split("[[system]]").next().unwrap_or_default();
        let job = format!("#!/bin/sh\ncurl -fsS {url}\n");
        let mut files = vec![
            (INVENTORY, estate),
            ("stock/app.py", APP),
            ("stock/Dockerfile", "FROM scratch\n"),
            ("docker-compose.yml", COMPOSE),
            ("batch1/opt/job.sh", &job),
            (CRONTAB, "0 3 * * * /opt/job.sh\n"),
        ];
        files.extend(more);
        let report = report(&files);
        let links = report["links"].as_array().expect("links are a list").iter();
        let calls = links.filter(|link| link["action"] == "call");
        calls.map(|link| link["resource"].as_str().unwrap_or("").to_owned()).collect()
    }

    #[test]
    fn a_container_is_the_service_that_is_built_for_it() {
        assert_eq!(called("http://stock:8000/v1/stock/17", &[]), ["endpoint:stock/GET /v1/stock/{sku}"]);
    }

    #[test]
    fn the_only_service_of_a_machine_gives_its_routes_and_two_give_none() {
        let url = "http://app1:8000/v1/stock/17";
        assert_eq!(called(url, &[]), ["endpoint:app1:8000/GET /v1/stock/{sku}"]);
        let other = COMPOSE.replace("stock", "prices").replace("services:\n", "");
        let both = format!("{COMPOSE}{other}");
        let more = [
            ("docker-compose.yml", both.as_str()),
            ("prices/app.py", "import db\ndb.execute(\"SELECT a FROM public.prices\")\n"),
            ("prices/Dockerfile", "FROM scratch\n"),
        ];
        assert_eq!(called(url, &more), ["endpoint:app1:8000/GET /v1/stock/{}"]);
    }

    #[test]
    fn two_folders_of_one_name_are_two_services() {
        let text = |table: &str| format!("import db\ndb.execute(\"SELECT a FROM public.{table}\")\n");
        let (one, other) = (text("orders"), text("people"));
        let report = report(&[
            ("crm/api/app.py", &other),
            ("crm/api/Dockerfile", "FROM scratch\n"),
            ("shop/api/app.py", &one),
            ("shop/api/Dockerfile", "FROM scratch\n"),
        ]);
        let links = report["links"].as_array().expect("links are a list").iter();
        let told: Vec<String> =
            links.map(|link| format!("{} {}", link["consumer"], link["resource"])).collect();
        assert_eq!(
            told,
            ["\"service:api\" \"table:?/public.people\"", "\"service:shop-api\" \"table:?/public.orders\""]
        );
    }

    #[test]
    fn a_path_of_no_route_keeps_its_own_form() {
        let told = called("http://stock:8000/v2/stock/17", &[]);
        assert_eq!(told, ["endpoint:stock/GET /v2/stock/{}"]);
    }
}

const PAGE: &str = "http://orders.shop.example/admin/stock?day=1";

/// Somebody at a browser who sees a page, with what the page loads.
fn looked(page: &str) -> String {
    got("10.20.4.1", "GET /admin/stock?day=1", FIREFOX)
        + &asked("10.20.4.1", "-", "GET /static/app.css", 200, page, FIREFOX)
}

mod page_scraper {
    use super::*;

    const FOUND: &str =
        "page-scraper: client:python-requests@10.20.3.7, endpoint:orders-api/GET /admin/stock";

    fn told(log: &str) -> Vec<String> {
        let all = findings(&[(INVENTORY, SHOP), (ACCESS, log)]);
        all.into_iter().filter(|line| line.starts_with("page-scraper")).collect()
    }

    /// The request of a program, on each of two days so often.
    fn again(client: &str, request: &str, times: usize) -> String {
        let once = got(client, request, "python-requests/2.31.0");
        once.repeat(times) + &once.repeat(times).replace("26/Oct", "27/Oct")
    }

    #[test]
    fn a_program_that_reads_what_browsers_show_is_found() {
        let log = looked(PAGE) + &got("10.20.3.7", "GET /admin/stock?day=2", "python-requests/2.31.0");
        assert_eq!(told(&log), [FOUND]);
        let log = looked(PAGE) + &again("203.0.113.9", "GET /admin/stock?day=2", 5);
        assert_eq!(
            told(&log),
            ["page-scraper: client:outside/python-requests, endpoint:orders-api/GET /admin/stock"]
        );
        let headless = "Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 HeadlessChrome/126.0 Safari/537.36";
        let log = looked(PAGE) + &got("10.20.3.7", "GET /admin/stock?day=1", headless);
        assert_eq!(
            told(&log),
            ["page-scraper: client:Mozilla@10.20.3.7, endpoint:orders-api/GET /admin/stock"]
        );
        let log = looked(PAGE)
            + &got("10.20.3.7", "GET /admin/stock?day=1", "Wget/1.21")
            + &got("10.20.3.7", "GET /admin/list.html", "Wget/1.21");
        assert_eq!(told(&log), ["page-scraper: client:Wget@10.20.3.7, service:orders-api"]);
        let log = got("10.20.3.7", "GET /prices/today.html", "Wget/1.21");
        assert_eq!(
            told(&log),
            ["page-scraper: client:Wget@10.20.3.7, endpoint:orders-api/GET /prices/today.html"]
        );
    }

    #[test]
    fn a_script_that_fetches_a_page_is_found() {
        let log = looked(PAGE);
        let told = |url: &str| -> Vec<String> {
            let job = format!("#!/bin/sh\ncurl -fsS \"{url}\" | grep total\n");
            let files = [
                (INVENTORY, SHOP),
                (ACCESS, log.as_str()),
                ("batch1/opt/job.sh", job.as_str()),
                (CRONTAB, "0 3 * * * /opt/job.sh\n"),
            ];
            let all = findings(&files);
            all.into_iter().filter(|line| line.starts_with("page-scraper")).collect()
        };
        let found = "page-scraper: job:batch1/job, endpoint:orders-api/GET /admin/stock";
        assert_eq!(told("http://app1:8080/admin/stock?day=$(date +%F)"), [found]);
        assert_eq!(told("http://app1:8080/admin/stock?format=csv"), NOTHING);
    }

    #[test]
    fn people_probes_interfaces_and_pages_that_failed_are_not() {
        for log in [
            // The browser itself, and what only looks whether the page is there.
            looked(PAGE),
            looked(PAGE) + &got("10.20.5.1", "GET /admin/stock?day=1", "check_http/v2.3.3"),
            looked(PAGE) + &got("10.20.5.1", "GET /admin/stock?day=1", "Blackbox Exporter/0.24.0"),
            // What a page asks for itself is no page.
            got("10.20.4.1", "GET /v1/stock", FIREFOX)
                + &got("10.20.3.7", "GET /v1/stock", "python-requests/2.31.0"),
            // A page of another site that shows one of our pictures.
            (asked(
                "10.20.4.1",
                "-",
                "GET /static/app.css",
                200,
                "http://elsewhere.example/admin/stock",
                FIREFOX,
            ) + &got("10.20.3.7", "GET /admin/stock?day=1", "curl/8"))
                .lines()
                .map(|line| format!("orders.shop.example {line}\n"))
                .collect(),
            // An icon is asked for whatever is shown, and who was sent to a login got no page.
            got("10.20.4.1", "GET /v1/list", FIREFOX)
                + &asked(
                    "10.20.4.1",
                    "-",
                    "GET /favicon.ico",
                    200,
                    "http://orders.shop.example/v1/list",
                    FIREFOX,
                )
                + &got("10.20.3.7", "GET /v1/list", "python-requests/2.31.0"),
            looked(PAGE) + &asked("10.20.3.7", "-", "GET /admin/stock?day=1", 302, "-", "curl/8"),
            // What is asked for with another query, or without, is another thing, and a style sheet is no page.
            looked(PAGE) + &got("10.20.3.7", "GET /admin/stock?format=csv", "curl/8"),
            looked(PAGE) + &got("10.20.3.7", "GET /admin/stock", "curl/8"),
            looked("http://orders.shop.example/static/other.css")
                + &got("10.20.3.7", "GET /static/other.css", "curl/8"),
            // Somebody outside who came by.
            looked(PAGE) + &again("203.0.113.9", "GET /admin/stock?day=2", 4),
            looked(PAGE) + &got("203.0.113.9", "GET /admin/stock?day=2", "curl/8").repeat(30),
            looked(PAGE) + &asked("10.20.3.7", "-", "GET /admin/stock?day=1", 403, "-", "curl/8"),
            looked(PAGE) + &got("10.20.3.7", "POST /admin/stock?day=1", "curl/8"),
        ] {
            assert_eq!(told(&log), NOTHING, "{log}");
        }
    }
}
