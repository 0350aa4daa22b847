//! Access logs of every server that is read: recorded ones against what their clients did, and lines written after each
//! vendor's documentation against what they say; broken lines, cut files and files of several layouts.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// A folder with one log and what is ours.
fn world(name: &str, log: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join(name), log).expect("it can be written");
    std::fs::write(folder.path().join("whodepends.toml"), "[estate]\nnetworks = [\"10.0.0.0/8\"]\n")
        .expect("it can be written");
    folder
}

fn run(arguments: &[&str], path: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whodepends"));
    let output = command.args(arguments).arg(path).output().expect("the program starts");
    String::from_utf8(output.stdout).expect("it is UTF-8")
}

/// The report of one log.
fn report(folder: &tempfile::TempDir, more: &[&str]) -> serde_json::Value {
    let arguments = [&["scan", "--format", "json", "--as-of", "2026-11-27"], more].concat();
    serde_json::from_str(&run(&arguments, folder.path())).expect("the report is JSON")
}

fn word<'a>(value: &'a serde_json::Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// `consumer server endpoint outcome class`, with how often; a server that nothing names is `-`.
fn links(report: &serde_json::Value) -> BTreeMap<String, u64> {
    let links = report["links"].as_array().expect("links are a list").iter();
    let links = links.map(|link| {
        let resource = word(link, "resource").trim_start_matches("endpoint:");
        let at =
            resource.match_indices('/').find(|(at, _)| resource[at + 1..].starts_with(char::is_uppercase));
        let (server, endpoint) = at.map_or((resource, ""), |(at, _)| (&resource[..at], &resource[at + 1..]));
        let server = if server.contains(':') { "-" } else { server };
        let row = format!(
            "{} {server} {endpoint} {} {}",
            word(link, "consumer"),
            word(link, "outcome"),
            word(link, "class")
        );
        (row, link["count"].as_u64().unwrap_or_default())
    });
    links.collect()
}

fn gaps(report: &serde_json::Value) -> Vec<String> {
    let gaps = report["gaps"].as_array().expect("gaps are a list").iter();
    gaps.map(|gap| format!("{} {}", word(gap, "code"), gap["count"])).collect()
}

/// What the truth says of one log, as the report has to say it.
fn truth(log: &str) -> BTreeMap<String, u64> {
    let mut rows = BTreeMap::new();
    for line in include_str!("../fixtures/access/truth.jsonl").lines() {
        let it: serde_json::Value = serde_json::from_str(line).expect("the truth is JSON");
        if word(&it, "log") != log {
            continue;
        }
        let (client, program, user) = (word(&it, "client"), word(&it, "program"), word(&it, "user"));
        let product = program.split('/').next().unwrap_or_default();
        let (consumer, class) = match product {
            "Mozilla" => ("client:browsers".to_owned(), "browsing"),
            "kube-probe" => (format!("client:kube-probe@{client}"), "probe"),
            "" if word(&it, "endpoint") == "GET /healthz" => (format!("client:{client}"), "probe"),
            _ if !client.starts_with("10.") => (format!("client:outside/{product}"), "app"),
            _ if !user.is_empty() => (format!("client:{user}@{client}"), "app"),
            "" => (format!("client:{client}"), "app"),
            _ => (format!("client:{product}@{client}"), "app"),
        };
        let server = Some(word(&it, "server")).filter(|server| !server.is_empty()).unwrap_or("-");
        let row = format!("{consumer} {server} {} {} {class}", word(&it, "endpoint"), word(&it, "outcome"));
        *rows.entry(row).or_default() += it["times"].as_u64().expect("a count");
    }
    assert!(!rows.is_empty(), "the truth knows {log}");
    rows
}

fn recorded(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/access/logs").join(name);
    std::fs::read(path).expect("it was recorded")
}

#[test]
fn recorded_logs_tell_what_their_clients_did_and_nothing_else() {
    for (log, gap) in [
        // HAProxy's times are local, and nothing here says whose.
        ("haproxy-captured.log", vec!["unknown-zone 1"]),
        ("haproxy-plain.log", vec!["unknown-zone 1"]),
        ("nginx-json.log", vec![]),
        ("nginx-template.log", vec![]),
        ("nginx-combined.log", vec![]),
        ("caddy.log", vec![]),
    ] {
        let report = report(&world(log, &recorded(log)), &[]);
        assert_eq!(links(&report), truth(log), "{log}");
        assert_eq!(gaps(&report), gap, "{log}");
    }
}

#[test]
fn connections_that_a_proxy_passes_on_are_a_gap() {
    let report = report(&world("haproxy-tcp.log", &recorded("haproxy-tcp.log")), &[]);
    assert_eq!(links(&report), BTreeMap::new());
    assert_eq!(gaps(&report), ["unparsed 3"]);
}

#[test]
fn what_a_log_says_does_not_depend_on_how_it_is_cut() {
    for log in ["haproxy-captured.log", "nginx-json.log", "nginx-combined.log", "caddy.log"] {
        let folder = world(log, &recorded(log));
        let whole = report(&folder, &[]);
        for size in ["1", "61", "700", "4096"] {
            for threads in ["1", "4"] {
                let cut = report(&folder, &["--block-bytes", size, "--threads", threads]);
                assert_eq!(cut, whole, "{log} in blocks of {size} bytes");
            }
        }
    }
}

/// What `inspect log` says of each line, short: `time user@host application kind request status milliseconds`.
fn said(name: &str, log: &str) -> Vec<String> {
    let folder = world(name, log.as_bytes());
    let text = run(&["inspect", "log"], &folder.path().join(name));
    let or = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let line = |line: &str| {
        let it: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
        let who = format!("{}@{}", or(word(&it, "user")), or(word(&it, "host")));
        let request = or(word(&it, "request"));
        let (time, program, status) = (word(&it, "time"), or(word(&it, "application")), word(&it, "status"));
        format!("{time} {who} {program} {request} {status} {}", it["duration_ms"])
    };
    text.lines().map(line).collect()
}

const IIS: &str = "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2026-11-22 22:26:12\r\n\
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n\
2026-11-22 22:26:12 10.0.0.5 GET /api/orders/42 id=1 443 SHOP\\ann 10.0.3.7 Billing+Client/2.1+(x64) - 200 0 0 31\r\n\
2026-11-22 22:26:13 10.0.0.5 GET /Shared+Files/a - 443 - 2001:db8::7 - - 404 0 2 5\r\n\
#Software: Microsoft Internet Information Services 10.0\r\n#Date: 2026-11-23 00:00:00\r\n\
#Fields: time cs-host cs-method cs-uri-stem c-ip sc-status time-taken sc-win32-status\r\n\
00:00:09 Shop.example POST /api/orders 10.0.3.8 201 7 0\r\n\
00:00:10 shop.example POST /api/orders 10.0.3.8 201 7\r\n";

#[test]
fn iis_names_its_columns_and_may_change_them() {
    assert_eq!(
        said("u_ex261122.log", IIS),
        [
            "2026-11-22T22:26:12Z SHOP\\ann@10.0.3.7 Billing Client/2.1 (x64) GET /api/orders/{} 200 ok 31.0",
            "2026-11-22T22:26:13Z -@2001:db8::7 - GET /Shared%20Files/a 404 failed 5.0",
            "2026-11-23T00:00:09Z -@10.0.3.8 - POST shop.example/api/orders 201 ok 7.0",
        ]
    );
    let folder = world("u_ex261122.log", IIS.as_bytes());
    let whole = report(&folder, &[]);
    assert_eq!(gaps(&whole), ["unmatched-prefix 1"], "a line with a field too few");
    for size in 1..IIS.len() {
        let cut = report_of_blocks(&folder, size);
        assert_eq!(cut, whole, "blocks of {size} bytes");
    }
}

/// The report, read in blocks of so many bytes; done within this process, because it is done often.
fn report_of_blocks(folder: &tempfile::TempDir, size: usize) -> serde_json::Value {
    let plan = whodepends::scan::Plan {
        paths: vec![folder.path().to_path_buf()],
        config: None,
        as_of: Some("2026-11-27".to_owned()),
        since: None,
        until: None,
        kinds: Vec::new(),
        filter: None,
        block_bytes: size,
    };
    let outcome = whodepends::scan::scan(&plan, &|_, _| {}).expect("it can be read");
    let format = whodepends::report::FORMATS.iter().find(|format| format.about().name == "json");
    let mut shown = Vec::new();
    format.expect("there is JSON").render(&outcome.report, &mut shown).expect("a vector can be written to");
    serde_json::from_slice(&shown).expect("the report is JSON")
}

#[test]
fn other_logs_of_the_extended_format_state_no_unit_that_is_not_shown() {
    let log = "#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri sc-status time-taken cs(User-Agent)\n\
2026-11-22 22:26:12.250 10.0.3.7 GET http://shop.example/a?b=1 200 0.120 \"Fetcher \"\"7\"\" (x y)\"\n\
2026-11-22 22:26:13 10.0.3.7 GET /a 200 120 \"x\"\n\
2026-11-22 22:26:14 10.0.3.7 CONNECT shop.example:443 200 120 \"x\"\n";
    assert_eq!(
        said("proxy.log", log),
        [
            "2026-11-22T22:26:12Z -@10.0.3.7 Fetcher \"\"7\"\" (x y) GET shop.example/a 200 ok 120.0",
            "2026-11-22T22:26:13Z -@10.0.3.7 x GET /a 200 ok null",
            "2026-11-22T22:26:14Z -@10.0.3.7 x - ok null",
        ]
    );
}

#[test]
fn cloudfront_encodes_what_it_writes() {
    let log = "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for\n\
2026-11-22\t22:26:12\tFRA56-P1\t335\t203.0.113.9\tGET\td1.cloudfront.net\t/a%2520b/7\t200\t-\tFetch%20er/1.0%20(x)\tq=1\t-\tHit\tid==\tshop.example\thttps\t123\t0.338\t-\n\
2026-11-22\t22:26:13\tFRA56-P1\t335\t10.0.0.2\tGET\td1.cloudfront.net\t/b\t000\t-\tOld%2520Agent/2\t-\t-\tError\tid==\t-\thttps\t123\t0.001\t10.0.3.7%252C%252010.0.0.3\n";
    assert_eq!(
        said("E2.2026-11-22-22.abc", log),
        [
            "2026-11-22T22:26:12Z -@203.0.113.9 Fetch er/1.0 (x) GET shop.example/a%20b/{} 200 ok 338.0",
            "2026-11-22T22:26:13Z -@10.0.0.2 Old Agent/2 GET d1.cloudfront.net/b 0 failed 1.0",
        ]
    );
}

const ALB: &str = r#"https 2026-11-22T22:26:12.000000Z app/lb/50dc6c495c0c9188 10.0.3.7:2817 10.0.0.1:80 0.000 0.001 0.002 200 200 34 366 "GET https://API.example.com:443/v1/orders/42?x=1 HTTP/1.1" "curl/7.46.0" ECDHE TLSv1.2 arn:aws:elasticloadbalancing:eu-1:123456789012:targetgroup/orders/73e2d6bc24d8a067 "Root=1-58" "api.example.com" "-" 0 2026-11-22T22:26:11.999000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234
http 2026-11-22T22:26:13.000000Z app/lb/50dc6c495c0c9188 2001:db8::7:2817 - -1 -1 -1 503 - 34 0 "POST http://api.example.com:80/v1/orders HTTP/1.1" "say \x22hi\x22/1" - - arn:aws:elasticloadbalancing:eu-1:123456789012:targetgroup/orders/73e2d6bc24d8a067 "Root=1-58"
http 2026-11-22T22:26:14.000000Z app/lb/50dc6c495c0c9188 10.0.3.9:2817 - -1 -1 -1 400 - 0 0 "- http://lb.example:80- -" "-" - - - "-" "-" "-" - 2026-11-22T22:26:11.999000Z "-" "-" "-" "-" "-" "-" "-"
http 2026-11-22T22:26:15.000000Z app/lb/50dc6c495c0c9188 10.0.3.9:2817 10.0.0.1:80 0.0 0.1 0.2 460 - 0 0 "GET http://lb.example:80/a b HTTP/1.1" "-" - - - "-"
"#;

#[test]
fn the_load_balancers_of_amazon() {
    assert_eq!(
        said("alb.log", ALB),
        [
            "2026-11-22T22:26:12Z -@10.0.3.7 curl/7.46.0 GET api.example.com/v1/orders/{} 200 ok 3.0",
            "2026-11-22T22:26:13Z -@2001:db8::7 say \"hi\"/1 POST api.example.com/v1/orders 503 failed null",
            "2026-11-22T22:26:14Z -@10.0.3.9 - - ok null",
            "2026-11-22T22:26:15Z -@10.0.3.9 - GET lb.example/a b 460 failed 300.0",
        ]
    );
    let elb = r#"2026-11-22T22:26:12.123456Z my-lb 10.0.3.7:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/v1/7 HTTP/1.1" "ELB-HealthChecker/1.0" - -
2026-11-22T22:26:13.123456Z my-lb 10.0.3.7:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:8080/ HTTP/1.1"
2026-11-22T22:26:14.123456Z my-lb 10.0.3.7:2817 10.0.0.1:80 0.001069 0.000028 0.000041 - - 82 305 "- - - " "-" - -
"#;
    assert_eq!(
        said("elb.log", elb),
        [
            "2026-11-22T22:26:12Z -@10.0.3.7 ELB-HealthChecker/1.0 GET www.example.com/v1/{} 200 ok 1.178",
            "2026-11-22T22:26:13Z -@10.0.3.7 - GET www.example.com:8080/ 200 ok 1.178",
        ]
    );
    assert_eq!(gaps(&report(&world("elb.log", elb.as_bytes()), &[])), ["unparsed 1"]);
}

#[test]
fn envoy_names_the_client_that_the_nearest_proxy_saw() {
    let log = r#"[2026-11-22T22:26:12.123Z] "GET /v1/orders/7?x=1 HTTP/1.1" 200 - 0 34 3 2 "203.0.113.9, 10.0.3.7" "okhttp/4" "req-id" "Orders.svc" "10.0.0.1:8080"
[2026-11-22T22:26:13.123Z] "GET /v1/orders HTTP/2" 0 DC 0 0 15 - "-" "say "hi" now" "req-id" "orders.svc" "-"
[2026-11-22T22:26:14.123Z] "- - -" 0 - 144 84 4 - "-" "-" "-" "-" "10.0.0.1:8080"
"#;
    assert_eq!(
        said("envoy.log", log),
        [
            "2026-11-22T22:26:12Z -@10.0.3.7 okhttp/4 GET orders.svc/v1/orders/{} 200 ok 3.0",
            "2026-11-22T22:26:13Z -@- say \"hi\" now GET orders.svc/v1/orders 0 failed 15.0",
        ]
    );
    let report = report(&world("envoy.log", log.as_bytes()), &[]);
    assert_eq!(gaps(&report), ["unknown-session 1", "unparsed 1"]);
    assert_eq!(
        links(&report).into_keys().collect::<Vec<_>>(),
        ["client:outside/okhttp orders.svc GET /v1/orders/{} ok app"]
    );
    let istio = r#"[2026-11-22T22:26:12.123Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 4 4 "-" "curl/7.73.0" "84961386" "httpbin:8000" "10.44.1.27:80" outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.23:37652 10.0.45.184:8000 10.44.1.23:46520 - default
"#;
    assert_eq!(
        said("istio.log", istio),
        ["2026-11-22T22:26:12Z -@10.44.1.23 curl/7.73.0 GET httpbin:8000/status/{} 418 failed 4.0"]
    );
}

#[test]
fn json_is_read_by_the_keys_of_its_server() {
    let log = r#"{"start_time":"2026-11-22T22:26:12.123Z","method":"GET","path":"/v1/orders/7","response_code":200,"duration":3,"x_forwarded_for":"10.0.3.9","user_agent":"okhttp/4","authority":"orders:80","upstream_host":"10.0.0.1:80","upstream_cluster":"inbound|80||","downstream_remote_address":"10.0.3.7:5123","downstream_peer_uri_san":"spiffe://cluster.local/ns/shop/sa/billing"}
{"start_time":"2026-11-22T22:26:13.123Z","method":null,"path":null,"response_code":0,"duration":3,"upstream_host":"10.0.0.1:5432","downstream_remote_address":"10.0.3.7:5123"}
{"ClientAddr":"10.0.3.7:58422","ClientHost":"10.0.3.7","ClientUsername":"-","DownstreamStatus":204,"Duration":1234567,"RequestAddr":"shop.example:80","RequestHost":"shop.example","RequestMethod":"PUT","RequestPath":"/v1/orders/7?x=1","ServiceName":"orders@docker","StartUTC":"2026-11-22T22:26:14.123456789Z","level":"info","msg":"","request_User-Agent":"billing/2.1","time":"2026-11-22T22:26:14Z"}
{"level":"info","msg":"Configuration loaded from file: /etc/traefik.yml","time":"2026-11-22T22:26:14Z"}
{"level":"info","ts":1795386375.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"10.0.3.7","remote_port":"1","proto":"HTTP/2.0","method":"GET","host":"Shop.example","uri":"/a?b=1","headers":{"User-Agent":["x/1"],"X-Forwarded-For":["10.0.3.8","10.0.3.9"]},"tls":{"client_common_name":"robot"}},"user_id":"","duration":0.25,"status":200}
{"level":"error","ts":1795386375.5,"logger":"http.log.error","msg":"dial tcp","request":{"remote_ip":"10.0.3.7","method":"GET","host":"shop.example","uri":"/a","headers":{}},"duration":0.25,"status":502}
{"msec":"1795386376.500","remote_addr":"10.0.3.7","remote_user":"ann","ssl_client_s_dn":"CN=depot,O=Shop","request":"GET /a b/7 HTTP/1.1","status":"200","request_time":"0.007"}
{"time_local":"22/Nov/2026:23:26:17 +0100","remote_addr":"2001:db8::7","request":"GET /a HTTP/1.1","status":499}
"#;
    let (proxies, servers) =
        log.split_at(log.find("{\"level\":\"info\",\"ts\"").expect("Caddy's stand behind"));
    assert_eq!(
        said("proxy.json", proxies),
        [
            "2026-11-22T22:26:12Z spiffe://cluster.local/ns/shop/sa/billing@10.0.3.7 okhttp/4 GET orders:80/v1/orders/{} 200 ok 3.0",
            "2026-11-22T22:26:14Z -@10.0.3.7 billing/2.1 PUT shop.example/v1/orders/{} 204 ok 1.234",
        ]
    );
    assert_eq!(
        said("access.json", servers),
        [
            "2026-11-22T22:26:15Z robot@10.0.3.7 x/1 GET shop.example/a 200 ok 250.0",
            "2026-11-22T22:26:16Z depot@10.0.3.7 - GET /a b/{} 200 ok 7.0",
            "2026-11-22T22:26:17Z -@2001:db8::7 - GET /a 499 failed null",
        ]
    );
    assert_eq!(gaps(&report(&world("proxy.json", proxies.as_bytes()), &[])), ["unparsed 1"]);
    // Somebody's own keys, of which nobody says what they mean.
    let own = "{\"time\":\"2026-11-22T22:26:12Z\",\"ip\":\"10.0.3.7\",\"url\":\"/a\",\"status\":200,\"duration\":3}\n";
    assert_eq!(gaps(&report(&world("own.log", own.as_bytes()), &[])), ["unrecognised 1"]);
}

/// Tools give out logs as one value of JSON.
#[test]
fn records_that_are_elements_of_one_value_are_read_like_lines() {
    let record = |second: u32| {
        format!(
            r#"{{"time_local":"22/Nov/2026:23:26:{second} +0100","remote_addr":"10.0.3.7","remote_user":"ann","request":"GET /a/{second} HTTP/1.1","status":200}}"#
        )
    };
    let (one, two) = (record(17), record(18));
    let told = |name: &str, text: &str| {
        let report = report(&world(name, text.as_bytes()), &[]);
        (Vec::from_iter(links(&report)), gaps(&report))
    };
    let lines = (vec![("client:ann@10.0.3.7 - GET /a/{} ok app".to_owned(), 2)], Vec::<String>::new());
    assert_eq!(told("a.log", &format!("{one}\n{two}\n")), lines);
    assert_eq!(told("a.json", &format!("[{one},{two}]")), lines);
    assert_eq!(told("a.json", &format!(r#"{{"nextToken":"[x","events":[{one}, {two}],"n":[1]}}"#)), lines);
    let pretty = |text: &str| text.replace(",\"", ",\n    \"").replace('{', "{\n    ").replace('}', "\n  }");
    let text = format!("[\n  {},\n  {}\n]\n", pretty(&one), pretty(&two));
    assert_eq!(told("a.json", &text), lines);
    let folder = world("a.json", text.as_bytes());
    let shown = run(&["inspect", "log"], &folder.path().join("a.json"));
    let numbers = shown
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["line"].clone());
    assert_eq!(numbers.collect::<Vec<_>>(), [2, 9], "each is where it begins");
    // Settings are no log.
    assert_eq!(told("a.json", r#"{"jobs":[{"at":"12:30:00","run":"x"}]}"#).0, Vec::new());
}

#[test]
fn haproxy_behind_any_syslog_with_what_its_headers_can_only_be() {
    let at = "[22/Nov/2026:22:26:12.100]";
    let line = |front: &str, captured: &str, request: &str| {
        format!(
            "{front}10.0.3.7:33317 {at} http-in~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {captured}{request}\n"
        )
    };
    let request = "\"GET /v1/orders/7?x=#22 HTTP/1.1\"";
    for (front, captured, asked, want) in [
        ("Nov 22 22:26:12 lb1 haproxy[674]: ", "", request, "-@10.0.3.7 - GET /v1/orders/{} 200 ok 109.0"),
        (
            "<134>1 2026-11-22T22:26:12Z lb1 haproxy 674 - - ",
            "",
            request,
            "-@10.0.3.7 - GET /v1/orders/{} 200 ok 109.0",
        ),
        (
            "",
            "{shop.example|curl/8.5|} {text/html} ",
            request,
            "-@10.0.3.7 curl/8.5 GET shop.example/v1/orders/{} 200 ok 109.0",
        ),
        // What may be several things is none of them.
        (
            "",
            "{a.example|b.example|keep-alive|17|application/json} ",
            request,
            "-@10.0.3.7 - GET /v1/orders/{} 200 ok 109.0",
        ),
        ("", "", "\"<BADREQ>\"", "-@10.0.3.7 - - ok null"),
        ("", "", "\"GET https://shop.example/a HTTP/2.0\"", "-@10.0.3.7 - GET shop.example/a 200 ok 109.0"),
        // An absolute target outranks what else names a host, in HTTP/1, too.
        ("", "", "\"GET http://other.example/a HTTP/1.1\"", "-@10.0.3.7 - GET other.example/a 200 ok 109.0"),
        ("", "", "\"GET http://127.0.0.1:80/a HTTP/1.1\"", "-@10.0.3.7 - GET /a 200 ok 109.0"),
        (
            "",
            "",
            "\"GET /a HTTP/1.1\" 0/0000000000000000/0/0/0 shop.example/TLSv1.3/TLS_AES",
            "-@10.0.3.7 - GET shop.example/a 200 ok 109.0",
        ),
        // Cut at 1,024 bytes: within the query, and within the path.
        ("", "", "\"GET /a/b?c=ddd", "-@10.0.3.7 - GET /a/b 200 ok 109.0"),
        ("", "", "\"GET /a/bbbbbb", ""),
    ] {
        let log = line(front, captured, asked);
        let told = said("haproxy.log", &(line("", "", "\"GET /first HTTP/1.1\"").repeat(2) + &log));
        let want = if want.is_empty() { vec![] } else { vec![format!("2026-11-22T22:26:12Z {want}")] };
        assert_eq!(told[2..], want, "{log}");
    }
}

#[test]
fn traefiks_common_format_states_its_unit() {
    let log = "10.0.3.7 - ann [22/Nov/2026:22:26:12 +0000] \"GET /a/7 HTTP/1.1\" 200 34 \"-\" \"curl/8\" 12 \"orders@docker\" \"http://10.0.0.1:80\" 31ms\n";
    assert_eq!(said("traefik.log", log), ["2026-11-22T22:26:12Z ann@10.0.3.7 curl/8 GET /a/{} 200 ok 31.0"]);
}

#[test]
fn each_log_is_of_one_format() {
    let head = |name: &str| String::from_utf8(recorded(name)).expect("it is UTF-8");
    let combined =
        "10.0.3.7 - - [22/Nov/2026:22:26:12 +0000] \"GET /a HTTP/1.1\" 200 34 \"-\" \"curl/8\"\n".to_owned();
    let envoy =
        "[2026-11-22T22:26:12.123Z] \"GET /a HTTP/2\" 200 - 0 34 3 2 \"-\" \"x\" \"id\" \"h\" \"-\"\n"
            .to_owned();
    let elb = "2026-11-22T22:26:13.1Z lb 10.0.3.7:2817 10.0.0.1:80 0.1 0.1 0.1 200 200 0 29 \"GET http://x:80/ HTTP/1.1\"\n".to_owned();
    for (want, text) in [
        ("access-combined", combined),
        ("access-combined", head("nginx-combined.log")),
        ("aws-alb", ALB.to_owned()),
        ("aws-elb", elb),
        ("envoy", envoy),
        ("haproxy", head("haproxy-captured.log")),
        ("haproxy", head("haproxy-plain.log")),
        ("haproxy", head("haproxy-tcp.log")),
        ("iis-w3c", IIS.to_owned()),
        ("json-access", head("caddy.log")),
        ("json-access", head("nginx-template.log")),
        ("json-proxy", "{\"start_time\":\"2026-11-22T22:26:12.123Z\",\"method\":\"GET\",\"path\":\"/a\",\"response_code\":200,\"duration\":3,\"user_agent\":\"x\",\"authority\":\"a\",\"upstream_cluster\":\"inbound|80||\",\"upstream_host\":\"10.0.0.1:80\",\"downstream_remote_address\":\"10.0.3.7:5\"}\n".to_owned()),
    ] {
        let formats = whodepends::collect::logs::FORMATS.iter();
        let claims = formats.filter(|format| format.recognise(text.as_bytes()).is_some());
        let claims: Vec<&str> = claims.map(|format| format.about().name).collect();
        assert_eq!(claims, [want], "{text}");
    }
}

#[test]
fn hostile_lines_end_as_records_or_gaps() {
    for (name, first) in [("iis.log", IIS), ("alb.log", ALB)] {
        let mut log = first.repeat(6).into_bytes();
        log.extend_from_slice(b"\x00\xff\xfe \"\n\n\"\"\"\n[[[ {{{ %%% #Fields\n");
        log.extend_from_slice(&b"a".repeat(70_000));
        let report = report(&world(name, &log), &[]);
        assert!(
            gaps(&report).iter().any(|gap| gap.starts_with("unmatched-prefix ")),
            "{name}: {:?}",
            gaps(&report)
        );
    }
}
