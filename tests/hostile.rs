//! Hostile input, deterministically: what the fuzz targets are given at length, every run of the tests gives them for a
//! few seconds, as seeds that were cut, torn, doubled and mixed. Nothing may panic, and nothing may take long.

use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};
use whodepends::evidence::{Evidence, file};
use whodepends::scan::{Keep, Plan, collect};

#[path = "../fuzz/src/lib.rs"]
mod entries;

/// How long one input may take, in a build without optimisation on a busy machine.
const LONGEST: Duration = Duration::from_secs(10);
/// How long an input may be that mutation makes.
const MOST_BYTES: usize = 64 * 1024;

/// Pseudo-random numbers that are the same in every run (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }
}

/// Pieces that have a meaning somewhere.
const PIECES: [&[u8]; 24] = [
    b"\n",
    b"\0",
    b"'",
    b"\"",
    b"$$",
    b"/*",
    b"--",
    b"(",
    b")))",
    b"${",
    b"$(",
    b"`",
    b"<<EOF\n",
    b"{{",
    b"&a ",
    b"*a ",
    b"<<: ",
    b"- ",
    b"\xff\xfe",
    b"\xe2\x80\xae",
    b"*/0",
    b"@reboot ",
    b"99999999999999999999",
    b"$ref: '#'\n",
];

/// A seed with some changes.
fn mutated(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut data = seeds[dice.roll(seeds.len())].clone();
    for _ in 0..=dice.roll(6) {
        let at = dice.roll(data.len() + 1);
        let length = dice.roll(40.min(data.len() - at) + 1);
        match dice.roll(7) {
            0 => data.truncate(at),
            1 => drop(data.drain(at..at + length)),
            2 if at < data.len() => data[at] = dice.roll(256) as u8,
            3 => drop(data.splice(at..at, PIECES[dice.roll(PIECES.len())].iter().copied())),
            4 => {
                let part = data[at..at + length].repeat(1 + dice.roll(60));
                drop(data.splice(at..at, part));
            }
            5 => {
                let other = &seeds[dice.roll(seeds.len())];
                let from = dice.roll(other.len());
                drop(data.splice(at.., other[from..].iter().copied()));
            }
            _ => {
                let piece = PIECES[dice.roll(PIECES.len())].repeat(1 + dice.roll(3000));
                drop(data.splice(at..at, piece));
            }
        }
    }
    data.truncate(MOST_BYTES);
    data
}

/// Gives an entry all seeds and this many mutations of them.
fn attack(entry: fn(&[u8]) -> u64, seeds: &[Vec<u8>], rounds: usize) {
    assert!(seeds.iter().any(|seed| entry(seed) > 0), "nothing of the seeds is understood");
    let mut dice = Dice(0x5eed);
    let made = (0..rounds).map(|_| mutated(&mut dice, seeds)).collect::<Vec<_>>();
    for (round, data) in seeds.iter().chain(&made).enumerate() {
        let began = Instant::now();
        let outcome = catch_unwind(|| entry(data));
        let took = began.elapsed();
        let shown = || String::from_utf8_lossy(&data[..data.len().min(400)]).into_owned();
        assert!(outcome.is_ok(), "round {round} panics: {:?}", shown());
        assert!(took < LONGEST, "round {round} takes {took:?}: {:?}", shown());
    }
}

/// Texts, each in front of a byte that chooses what it is given to.
fn chosen(choices: u8, texts: &[&str]) -> Vec<Vec<u8>> {
    let with = |choice: u8| texts.iter().map(move |text| [&[choice], text.as_bytes()].concat());
    (0..choices).flat_map(with).collect()
}

fn recorded(path: &str, most: usize) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let mut bytes = std::fs::read(path).expect("the recording is there");
    bytes.truncate(most);
    bytes
}

#[test]
fn statements() {
    let texts = [
        "SELECT a.id, count(*) FROM shop.orders a JOIN (SELECT 1) b ON a.id = b.id WHERE x IN (1, 2, 'x') LIMIT 5",
        "WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) INSERT INTO u (a) SELECT n FROM t RETURNING *",
        "COPY public.orders (id) TO STDOUT; CREATE TABLE x AS TABLE y; DO $x$ BEGIN PERFORM f(); END $x$",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = E'\\'' /* c */ -- d\n",
    ];
    attack(entries::sql, &chosen(10, &texts), 1500);
}

#[test]
fn schedules() {
    let texts = ["*/5 2-4,7 1,15 JAN-MAR mon-fri", "@daily", "59 23 31 12 *", "0 0 29 2 7", "0 2 * * 1-5/2"];
    attack(entries::schedule, &chosen(1, &texts), 1500);
}

#[test]
fn logs() {
    let stderr = recorded("fixtures/shop/world/logs/shop-db/postgresql.log", 3000);
    let csv = recorded("fixtures/shop/world/logs/shop-db/postgresql-2026-10-26.csv", 3000);
    let access = b"10.20.3.7 - ann [26/Oct/2026:10:00:01 +0100] \"GET /v1/orders/17?a=b HTTP/1.1\" 200 512 \"https://x/y\" \"curl/8.5.0\" 0.042 \"10.20.3.11\"\n".repeat(4);
    let general = recorded("fixtures/mysql/addresses/general.log", 3000);
    let slow = recorded("fixtures/mysql/addresses/slow.log", 3000);
    let plugin = recorded("fixtures/mysql/addresses/server_audit.log", 3000);
    let records = br#"[
{ "timestamp": "2026-11-22 22:26:12", "id": 0, "class": "general", "event": "status", "connection_id": 42, "account": { "user": "app", "host": "web1" }, "general_data": { "command": "Query", "query": "SELECT a FROM t", "status": 0 } },
{"audit_record":{"name":"Query","timestamp":"2026-11-22T22:26:13 UTC","connection_id":"42","status":0,"sqltext":"SELECT \"a\" FROM t","user":"app[app] @ web1 [10.0.3.7]"}},
"#;
    let haproxy = recorded("fixtures/access/logs/haproxy-captured.log", 3000);
    let caddy = recorded("fixtures/access/logs/caddy.log", 3000);
    let nginx = recorded("fixtures/access/logs/nginx-template.log", 3000);
    let envoy = b"[2026-11-22T22:26:12.123Z] \"GET /a HTTP/2\" 200 - 0 34 3 2 \"10.0.3.7\" \"x\" \"id\" \"h\" \"-\"\n".repeat(4);
    let alb = b"http 2026-11-22T22:26:13.0Z app/l/5 [2001:db8::7]:2817 - -1 -1 0.1 503 - 34 0 \"POST http://a:80/b HTTP/1.1\" \"x\" - - arn:a:targetgroup/o/7\n".repeat(4);
    let iis = b"#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status time-taken cs(User-Agent)\n2026-11-22 22:26:12 10.0.3.7 GET /a%2 b=%zz 200 31 \"a\"\"b\"\n".repeat(3);
    let audit = b"2026-10-21 22:00:00.000 UTC [99] ann@shop LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,s.t,\"select \"\"a\"\"\n\t, b\",<none>\n2026-10-21 22:00:00.000 UTC [99] ann@shop LOG:  duration: 1.5 ms  plan:\n\tQuery Text: SELECT a\n\tSeq Scan on s.t  (cost=0.00..1.00 rows=1 width=4)\n".repeat(3);
    let json = b"{\"timestamp\":\"2026-10-21 22:00:00.000 UTC\",\"user\":\"ann\",\"dbname\":\"shop\",\"session_id\":\"6b077cd1.572\",\"error_severity\":\"LOG\",\"message\":\"statement: SELECT a FROM t\"}\n".repeat(4);
    let syslog = recorded("fixtures/postgres/syslog.log", 6000);
    let docker = b"{\"log\":\"2026-10-21 22:00:00.000 UTC [99] ann@shop LOG:  statement: SELECT a\\n\",\"stream\":\"stderr\",\"time\":\"2026-10-21T22:00:00.1Z\"}\n2026-10-21T22:00:00.1Z stderr P 2026-10-21 22:00:00.000 UTC [99] ann@shop LOG:  statement: SELECT 1\n".repeat(4);
    let cloud = b"{\"textPayload\":\"[24]: [1-1] db=shop,user=ann LOG:  statement: SELECT a\",\"timestamp\":\"2026-10-21T22:00:00.1Z\"}\n".repeat(4);
    let totals = recorded("fixtures/postgres/totals-joined.csv", 4000);
    let pooler = recorded("fixtures/postgres/pgbouncer.log", 4000);
    let seeds: [(u8, &[u8]); 25] = [
        (0, &stderr),
        (0, &audit),
        (1, &csv),
        (1, &stderr),
        (2, &access),
        (2, &csv),
        (3, &general),
        (4, &slow),
        (5, &plugin),
        (6, records),
        (4, &general),
        (15, &haproxy),
        (16, &caddy),
        (16, &nginx),
        (17, &envoy),
        (18, &alb),
        (19, &alb[5..]),
        (20, &iis),
        (22, &json),
        (23, &syslog),
        (23, &stderr),
        (24, &docker),
        (25, &cloud),
        (26, &totals),
        (27, &pooler),
    ];
    let seeds = seeds.map(|(choice, text)| [&[choice], text].concat());
    attack(entries::log, &seeds, 500);
}

#[test]
fn exports() {
    let seeds: [(u8, &str); 11] = [
        (7, "tests/exports/bigquery_array/jobs.json"),
        (7, "tests/exports/bigquery_csv/jobs.csv"),
        (8, "tests/exports/mongodb/mongod.log"),
        (9, "tests/exports/mssql_trace/trace.csv"),
        (10, "tests/exports/mssql_xe_table/events.csv"),
        (10, "tests/exports/mssql_xe_xml/events.xml"),
        (10, "tests/exports/mssql_xe_in_fields/events.csv"),
        (11, "tests/exports/oracle_unified_audit/audit.csv"),
        (12, "fixtures/redis/world/cache.log"),
        (13, "tests/exports/redshift_texts/svl_statementtext.csv"),
        (14, "tests/exports/snowflake_queries/history.csv"),
    ];
    let seeds = seeds.map(|(choice, path)| [&[choice], &recorded(path, 3000)[..]].concat());
    attack(entries::log, &seeds, 400);
}

#[test]
fn captures() {
    let seeds = [
        recorded("fixtures/shop/captures/shop-db.pcap", 12_000),
        recorded("fixtures/shop/captures/orders-api.pcap", 12_000),
    ];
    attack(entries::capture, &seeds, 400);
}

#[test]
fn commands() {
    let texts = [
        "#!/bin/sh\n. /opt/env.sh\nfor t in a b; do psql -h db1 -d shop -c \"SELECT * FROM $t\" > /tmp/$t.csv; done\n",
        "#!/bin/bash\nx=$(date +%F)\nif [ -f /tmp/lock ]; then sleep 5; fi\nscp /out/\"$x\".csv p@partner:/in/ && curl -u a:b http://x/y\n",
        "MAILTO=x\nCRON_TZ=Europe/Berlin\n*/5 * * * * root flock -n /l /opt/x.sh % in\n@reboot root f() { f | f & }; f\n",
    ];
    attack(entries::shell, &chosen(4, &texts), 300);
}

#[test]
fn configuration_management() {
    let texts = [
        "- hosts: h.x\n  tasks:\n  - cron: name=\"a {{ b }}\" minute=*/5 job='x y' user={{ u }}\n    loop: &l [1, {a: 2}]\n  - block:\n    - cron: {name: \"{{ item.a }}\", job: x, hour: \"{{ h | default('3') }}\"}\n      with_items: *l\n  vars: {u: \"{{ h }}\", h: \"{{ u }}\"}\n",
        "define a::b ($x = \"${y}\", $y = [1]) {\n $p = \"$q$q\" $q = \"$p$p\"\n cron { \"c-${x}\": command => @(\"E\"/L), minute => [$y, { 'a' => /b{2}/ }], ;\n x $p\n | E\n 'd': * => $h }\n a::b { $title: x => $p }\n}\n",
        "h = \"3\"\ncron \"a-#{b[\"c\"]}\" do\n  minute %w(1 2).join(\",\")\n  hour h unless x do |y| end\n  command <<~A + <<-'B'\n  x #{\"y\"}\n  A\n  z\n  B\nend\nsystemd_unit \"x.timer\" do content({ Timer: { OnCalendar: [\"daily\", :a] } }) end\n",
        "{% set a = 1 %}\nb:\n  cron.present:\n    - name: c {{ a }}\n    - minute: random\n  schedule:\n    - present\n    - cron: '* * * * *'\n",
        "locals { a = \"cron(0 3 * * ? *)\" }\nresource \"aws_scheduler_schedule\" \"b\" {\n  schedule_expression = \"${local.a}\" # c\n  target { arn = <<-E\n  x\n  E\n }\n}\n",
        "{% if a %}\n{{ m }} 3 * * * {{ u }} x {# y #}\n<% z -%><%= w %> 1 * * * root v\n{% endif %}\n",
        "write_files:\n- path: /etc/cron.d/x\n  content: |\n    5 4 * * * root y\n",
        "RUN echo \"5 $H * * * root x\" > /etc/cron.d/x && (crontab -l; printf '@daily y\\n') | crontab -u a -\ncat >/etc/cron.d/y <<'E'\n1 1 * * * root z\nE\n",
    ];
    attack(entries::management, &chosen(8, &texts), 600);
}

#[test]
fn inventories() {
    let texts = [
        "openapi: 3.0.0\nservers: [{url: 'https://{a}.x/v1', variables: {a: {default: b}}}]\npaths:\n  /x/{id}: {get: {}, $ref: '#/paths/~1x'}\n",
        "{\"swagger\": \"2.0\", \"host\": \"x:1\", \"basePath\": \"/v1\", \"paths\": {\"/x\": {\"get\": {}}}}",
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a, annotations: {backstage.io/source-location: 'url:https://x/y/tree/m/z'}}\nspec: {type: service, owner: group:x/y, dependsOn: [resource:a/b, component:c], providesApis: [d]}\n---\napiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: d}\nspec: {type: openapi, definition: \"openapi: 3.0.0\"}\n",
        "services:\n  web: {build: ./web, image: postgres:15, networks: {n: {ipv4_address: 10.0.0.1}}}\nx: &a [1]\ny: *a\n",
        "127.0.0.1 localhost\n10.0.0.1 a b.c # d\nfe80::1%eth0 x\n",
        "[a]\nb[01:20:2]-[a:f]:22 ansible_host=\"10.0.0.5\" x='y z' # c\n[a:children]\nb\n[a:vars]\nc=d\n",
        "Host a \"b c\"\n  HostName=10.0.0.1 # d\nMatch all\nHost *\n  hostname %h.x\n",
        "Name,IP Address;x\n\"a\",\"10.0.0.1/24, fe80::1\"\nb,\n",
        "lease 10.0.0.1 {\n starts 1 2026/10/26 06:00:00;\n ends never;\n binding state free;\n client-hostname \"a\";\n}\n",
        "address,valid_lifetime,expire,hostname,state\n10.0.0.1,3600,1792998000,a,0\n",
        "$ORIGIN 0.10.in-addr.arpa.\n@ IN SOA a. b. 1\n1.2 3600 IN PTR c.d.\nx A 10.0.0.1\n3.0.0.10.in-addr.arpa domain name pointer e.f.\n",
        "* @a\n[S][2] @b\n/x/**/y\\ z/ @c # d\n!a/*\n*.[s]h e@f.g\n",
        "host a,\"b c\" d,+e 10.0.0.0 255.0.0.0 md5 x=y\nGRANT SELECT(a), ALL ON TABLE b.c TO \"d e\", 'f'@'%' WITH GRANT OPTION;\n",
    ];
    attack(entries::inventory, &chosen(11, &texts), 200);
}

#[test]
fn settings() {
    let texts = [
        "as_of = \"2026-11-24\"\n[estate]\nnetworks = [\"10.0.0.0/8\"]\n[[consumer]]\nkind = \"job\"\nname = \"x\"\nhosts = [\"h\"]\nuses = [\"a/b/c.d\", { resource = \"e\", actions = [\"read\"] }]\n[[accept]]\nrule = \"*\"\nreason = \"r\"\nuntil = \"2026-01-01\"\n",
        "DATABASE_URL=postgresql://u:p@db1:5432/shop?application_name=x\nPGHOST=db1\nPGPASSWORD=x\n",
        "db1:5432:shop:billing:not-a-real-secret\n*:*:*:*:x\n",
        "spring:\n  datasource:\n    url: jdbc:postgresql://db1/shop\n    username: ${U:x}\n",
    ];
    attack(entries::settings, &chosen(4, &texts), 300);
}

#[test]
fn source() {
    let texts = [
        "import psycopg\nQ = 'SELECT id FROM ' + T\ndef f(c):\n    c.execute(f'{Q} WHERE a = {1}' % (2,))\n    os.system('psql -c \"SELECT 1\"')\n",
        "CREATE FUNCTION f() RETURNS void AS $$ SELECT 1 $$ LANGUAGE sql;\nINSERT INTO a.b VALUES (1);\n",
        "@Entity @Table(name = \"orders\", schema = \"shop\")\nclass Order { static final String Q = \"SELECT \" + X; }\n",
        "const q = `SELECT ${a} FROM t`;\napp.get('/x/:id', async (req) => pool.query(q));\n",
    ];
    attack(entries::source, &chosen(5, &texts), 300);
}

#[test]
fn evidence_files() {
    let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop/world");
    let plan = Plan {
        paths: vec![world],
        config: None,
        as_of: None,
        since: None,
        until: None,
        kinds: Vec::new(),
        filter: None,
        block_bytes: whodepends::collect::BLOCK_BYTES,
    };
    let shop = collect(&plan, &Keep::default(), &|_, _| ()).expect("it can be collected").evidence;
    let lines = |evidence: &Evidence| -> Vec<String> {
        let packed = file::write(evidence, Vec::new(), Vec::new()).expect("a vector can be written to");
        let text = String::from_utf8(zstd::decode_all(&packed[..]).expect("it is zstd")).expect("it is text");
        text.lines().map(|line| line.to_owned() + "\n").collect()
    };
    // A short header, so that what is changed mostly lies in the rows; each seed has others of them.
    let header = &lines(&Evidence::new())[0];
    let rows = lines(&shop).split_off(1);
    let seed = |from: usize| {
        let some = rows.iter().skip(from).step_by(29).take(25);
        [header.clone().into_bytes(), some.flat_map(|row| row.bytes()).collect()].concat()
    };
    attack(entries::evidence, &(0..12).map(seed).collect::<Vec<_>>(), 600);
}
