//! `init`: what was found as an inventory to correct. Nobody who was only seen is declared by it; confirmed, the next scan
//! is quiet but for what nobody can know; who comes later is a finding.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whodepends"));
    command.args(arguments).current_dir(folder).output().expect("the program starts")
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let out = run(folder, arguments);
    assert_eq!(out.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("it is UTF-8")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("it can be read")
}

/// The same inventory with everything in it confirmed, and a reason wherever one is asked for.
fn confirmed(text: &str) -> String {
    let line = |line: &str| {
        let start = line.len() - line.trim_start().len();
        let (indent, rest) = line.split_at(start);
        let taken = rest.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| !c.is_whitespace()));
        let line = taken.map_or(line.to_owned(), |rest| format!("{indent}{rest}"));
        if line == "reason = \"\"" { "reason = \"agreed\"\n".to_owned() } else { format!("{line}\n") }
    };
    text.lines().map(line).collect()
}

/// The findings about who uses what, as `rule | who | resource`: the open ones, and those that were accepted.
fn findings(folder: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let out = done(folder, &["scan", "world", "--format", "json", "--as-of", "2026-11-24"]);
    let report: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    let (mut open, mut accepted) = (BTreeSet::new(), BTreeSet::new());
    for finding in report["findings"].as_array().into_iter().flatten().filter(|it| it["family"] == "who") {
        let text = |key: &str| finding[key].as_str().unwrap_or("");
        let told = format!("{} | {} | {}", text("rule"), text("consumer"), text("resource"));
        if finding["accepted"].is_null() {
            open.insert(told)
        } else {
            accepted.insert(told)
        };
    }
    (open, accepted)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("it can be made");
    for entry in fs::read_dir(from).expect("it can be read").filter_map(Result::ok) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("it can be copied");
        }
    }
}

/// A copy of a recorded world, with its inventory or as if nobody had ever written one.
fn story(name: &str, with_inventory: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let world = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).join("world");
    copy(&world, &folder.path().join("world"));
    if !with_inventory {
        fs::remove_file(folder.path().join("world/whodepends.toml")).expect("it is there");
    }
    folder
}

/// What is left once an inventory was taken and everything in it confirmed.
fn left(folder: &Path, with_inventory: bool) -> BTreeSet<String> {
    let before = findings(folder).0;
    let arguments = ["init", "--from-scan", "world", "--as-of", "2026-11-24", "--force"];
    done(folder, &arguments);
    let path = folder.join("world/whodepends.toml");
    let text = read(&path);
    // Taken, it declares nobody who was only seen.
    let taken = findings(folder).0;
    if with_inventory {
        assert_eq!(taken, before);
    } else {
        // The servers have other names now; who was a shadow still is.
        let shadows = |all: &BTreeSet<String>| -> BTreeSet<String> {
            let who =
                all.iter().filter(|it| it.starts_with("shadow")).filter_map(|it| it.split(" | ").nth(1));
            who.map(str::to_owned).collect()
        };
        assert_eq!(shadows(&taken), shadows(&before));
    }
    fs::write(&path, confirmed(&text)).expect("it can be written");
    findings(folder).0
}

#[test]
fn with_everything_confirmed_a_recorded_world_is_quiet() {
    // Somebody's psql with a service's login, from where the service itself was never seen: no list of its addresses
    // answers for that.
    let by_hand = ["borrowed-credentials | client:opac@10.44.7.55 | database:ilsdb1-log/ils"];
    for (name, with_inventory, unknown) in
        [("shop", true, &[][..]), ("shop", false, &[]), ("library", true, &[]), ("library", false, &by_hand)]
    {
        let folder = story(name, with_inventory);
        let unknown: BTreeSet<String> = unknown.iter().map(|it| (*it).to_owned()).collect();
        assert_eq!(
            left(folder.path(), with_inventory),
            unknown,
            "{name}, with its inventory: {with_inventory}"
        );
    }
}

#[test]
fn what_no_entry_answers_is_left_without_a_reason() {
    let folder = story("shop", true);
    done(folder.path(), &["init", "--from-scan", "world", "--as-of", "2026-11-24", "--force"]);
    let path = folder.path().join("world/whodepends.toml");
    // Everybody is listed, and no reason is written down.
    let text = confirmed(&read(&path));
    let entries = text.split("# ---- What no entry answers").next().expect("it has a beginning");
    fs::write(&path, entries).expect("it can be written");
    let wanted = [
        "data-export | job:batch1/partner_export | file:sftp.partner-freight.example:incoming/orders_{date}.csv",
        "orphan-declaration | job:batch1/stock_count | table:shop-db/shop/public.products",
        "orphan-declaration | service:catalog | table:shop-db/shop/catalog.synonyms",
        "page-scraper | client:python-requests@10.20.3.60 | endpoint:checkout/GET /offers",
        "undocumented-endpoint | client:python-requests@10.20.3.52 | endpoint:orders-api/GET /v1/reports/open-orders",
    ];
    assert_eq!(findings(folder.path()).0, wanted.map(str::to_owned).into());
}

const LOG: &str = "\
2026-11-24 00:30:00.000 UTC [7] [unknown]@[unknown] LOG:  connection received: host=10.0.0.5 port=4711
2026-11-24 00:30:00.000 UTC [7] app@shop LOG:  connection authorized: user=app database=shop application_name=nightly
2026-11-24 00:30:01.000 UTC [7] app@shop LOG:  statement: SELECT id FROM public.orders
2026-11-24 00:31:00.000 UTC [8] [unknown]@[unknown] LOG:  connection received: host=10.0.0.6 port=4712
2026-11-24 00:31:00.000 UTC [8] other@shop LOG:  connection authorized: user=other database=shop application_name=we\"ek\\ly
2026-11-24 00:31:01.000 UTC [8] other@shop LOG:  statement: SELECT id FROM public.orders
2026-11-24 00:31:02.000 UTC [8] other@shop LOG:  statement: DELETE FROM public.orders WHERE id = 3
2026-11-24 00:32:00.000 UTC [9] [unknown]@[unknown] LOG:  connection received: host=10.0.0.9 port=4713
2026-11-24 00:32:00.000 UTC [9] mon@shop LOG:  connection authorized: user=mon database=shop application_name=pgwatch
2026-11-24 00:32:01.000 UTC [9] mon@shop LOG:  statement: SELECT id FROM public.orders
";
const LATER: &str = "\
2026-11-24 00:40:00.000 UTC [17] [unknown]@[unknown] LOG:  connection received: host=10.0.0.7 port=4721
2026-11-24 00:40:00.000 UTC [17] app@shop LOG:  connection authorized: user=app database=shop application_name=nightly
2026-11-24 00:40:01.000 UTC [17] app@shop LOG:  statement: SELECT id FROM public.orders
2026-11-24 00:41:00.000 UTC [18] [unknown]@[unknown] LOG:  connection received: host=10.0.0.6 port=4722
2026-11-24 00:41:00.000 UTC [18] third@shop LOG:  connection authorized: user=third database=shop application_name=monthly
2026-11-24 00:41:01.000 UTC [18] third@shop LOG:  statement: SELECT id FROM public.orders
2026-11-24 00:42:00.000 UTC [19] [unknown]@[unknown] LOG:  connection received: host=10.0.0.5 port=4723
2026-11-24 00:42:00.000 UTC [19] app@shop LOG:  connection authorized: user=app database=shop application_name=nightly
2026-11-24 00:42:01.000 UTC [19] app@shop LOG:  statement: DELETE FROM public.orders WHERE id = 4
";

fn small() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("world")).expect("it can be made");
    fs::write(folder.path().join("world/postgresql.log"), LOG).expect("it can be written");
    folder
}

const TAKEN: &str = r##"# Who uses what, as `whodepends init` found it as of 2026-11-24; observed from 2026-11-24T00:30:00Z to 2026-11-24T00:32:01Z.
# It is a beginning: correct names, owners and uses, and scan again.
# A line that begins with # and a blank is a remark. One that begins with # alone is part of an entry that
# somebody has to confirm: take the # away if it is right, delete it if it is not.

# ---- Servers
# These logs do not say whose they are. The names are made from their paths: call the servers as you do,
# here and in the uses below.

[[source]]
path = "postgresql*"
server = "postgresql"

# ---- To correct: nobody has confirmed these. Each stays a finding until somebody does.

# client:app@10.0.0.5: seen 2026-11-24T00:30:00Z to 2026-11-24T00:30:01Z
# it was seen, and nothing says who that is
# shadow-consumer (medium): Who runs client:app@10.0.0.5, and what stops when it stops?
#[[consumer]]
#kind = "client"
#name = "app@10.0.0.5"
# owner = ""  # who answers for it?
#users = ["app"]
#addresses = ["10.0.0.5"]
#applications = ["nightly"]
#uses = [
#{ resource = "postgresql/shop/public.orders", actions = ["read"] },  # once, last 2026-11-24T00:30:01Z
#]

# client:other@10.0.0.6: seen 2026-11-24T00:31:00Z to 2026-11-24T00:31:02Z
# it was seen, and nothing says who that is
# shadow-consumer (high): Who runs client:other@10.0.0.6, and what stops when it stops?
#[[consumer]]
#kind = "client"
#name = "other@10.0.0.6"
# owner = ""  # who answers for it?
#users = ["other"]
#addresses = ["10.0.0.6"]
#applications = ["we\"ek\\ly"]
#uses = [
#{ resource = "postgresql/shop/public.orders", actions = ["read", "write"] },  # read once, write once, last 2026-11-24T00:31:02Z
#]

# ---- Seen, and no application's work: monitoring, probes, backups, people at browsers
# client:mon@10.0.0.9: monitoring, seen 2026-11-24T00:32:00Z to 2026-11-24T00:32:01Z
"##;

#[test]
fn a_first_inventory_is_written_whole_and_names_who_comes_later() {
    let folder = small();
    let path = folder.path().join("world/whodepends.toml");
    let out = run(folder.path(), &["init", "--from-scan", "world", "--as-of", "2026-11-24"]);
    assert_eq!(String::from_utf8_lossy(&out.stdout), "wrote 0 entries to world/whodepends.toml\n");
    assert_eq!(
        String::from_utf8_lossy(&out.stderr),
        "whodepends: 2 entries are commented out until somebody confirms them\n"
    );
    assert_eq!(read(&path), TAKEN);
    fs::write(&path, confirmed(TAKEN)).expect("it can be written");
    assert_eq!(findings(folder.path()).0, BTreeSet::new());
    // A known login from elsewhere, another login at a known host, and a known one that now deletes.
    fs::write(folder.path().join("world/postgresql.log"), format!("{LOG}{LATER}"))
        .expect("it can be written");
    let wanted = [
        "borrowed-credentials | client:app@10.0.0.7 | database:postgresql/shop",
        "shadow-consumer | client:third@10.0.0.6 | database:postgresql/shop",
        "undeclared-use | client:app@10.0.0.5 | table:postgresql/shop/public.orders",
    ];
    assert_eq!(findings(folder.path()).0, wanted.map(str::to_owned).into());
}

#[test]
fn a_report_that_was_kept_gives_the_same_inventory() {
    let folder = small();
    done(folder.path(), &["scan", "world", "--as-of", "2026-11-24", "--out", "json=report.json"]);
    assert_eq!(done(folder.path(), &["init", "--from", "report.json", "-o", "-"]), TAKEN);
    assert_eq!(
        done(
            folder.path(),
            &["init", "--from-scan", "world", "--as-of", "2026-11-24", "-o", "-", "--threads", "1"]
        ),
        TAKEN
    );
    assert!(!folder.path().join("world/whodepends.toml").exists());
}

#[test]
fn what_stands_in_a_file_is_never_lost() {
    let folder = small();
    let path = folder.path().join("world/whodepends.toml");
    let own = "# What is ours.\n[[source]]\npath = \"*.log\"\nserver = \"db\"\n\n[[consumer]]\nkind = \"client\"   # the ledger\nname = \"app\"\nusers = [\"app\"]\nuses = [\n  \"db/other\"  # as agreed\n]\n";
    fs::write(&path, own).expect("it can be written");
    let out = run(folder.path(), &["init", "--from-scan", "world", "--as-of", "2026-11-24"]);
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&out.stderr),
        "whodepends: world/whodepends.toml: is there already; --force writes what was found behind what stands in it\n"
    );
    assert_eq!(read(&path), own);
    done(folder.path(), &["init", "--from-scan", "world", "--as-of", "2026-11-24", "--force"]);
    let added = "\n# ---- Found by `whodepends init` as of 2026-11-24, observed from 2026-11-24T00:30:00Z to 2026-11-24T00:32:01Z
# A line that begins with # and a blank is a remark. One that begins with # alone is part of an entry that
# somebody has to confirm: take the # away if it is right, delete it if it is not.

# ---- To correct: nobody has confirmed these. Each stays a finding until somebody does.

# client:other@10.0.0.6: seen 2026-11-24T00:31:00Z to 2026-11-24T00:31:02Z
# it was seen, and nothing says who that is
# shadow-consumer (high): Who runs client:other@10.0.0.6, and what stops when it stops?
#[[consumer]]
#kind = \"client\"
#name = \"other@10.0.0.6\"
# owner = \"\"  # who answers for it?
#users = [\"other\"]
#addresses = [\"10.0.0.6\"]
#applications = [\"we\\\"ek\\\\ly\"]
#uses = [
#{ resource = \"db/shop/public.orders\", actions = [\"read\", \"write\"] },  # read once, write once, last 2026-11-24T00:31:02Z
#]

# ---- Seen, and no application's work: monitoring, probes, backups, people at browsers
# client:mon@10.0.0.9: monitoring, seen 2026-11-24T00:32:00Z to 2026-11-24T00:32:01Z
";
    let beyond = "  # not stated here so far: take the # away from what is right
  #{ resource = \"db/shop/public.orders\", actions = [\"read\"] },  # once, last 2026-11-24T00:30:01Z\n]";
    let kept =
        own.replace("\"db/other\"  # as agreed\n]\n", &format!("\"db/other\",  # as agreed\n{beyond}\n"));
    assert_eq!(read(&path), format!("{kept}{added}"));
    // Confirmed, the list is one.
    fs::write(&path, confirmed(&read(&path))).expect("it can be written");
    assert_eq!(findings(folder.path()).0, BTreeSet::new());
}

#[test]
fn names_from_outside_write_no_entries_of_their_own() {
    let folder = small();
    let record = |user: &str, application: &str, table: &str| {
        serde_json::json!({
            "timestamp": "2026-11-24 00:30:01.000 UTC", "user": user, "dbname": "shop", "pid": 7,
            "remote_host": "10.0.0.5", "remote_port": 4711, "session_id": "6923a1b2.7", "line_num": 1,
            "error_severity": "LOG", "application_name": application, "backend_type": "client backend",
            "message": format!("statement: SELECT id FROM public.\"{table}\""),
        })
        .to_string()
    };
    let entry = "x\n[[accept]]\nrule = \"*\"\nreason = \"mine\"\n";
    let log = format!("{}\n{}\n", record(entry, entry, "a"), record("ev\"il\\", "\u{1b}[2J\u{202e}", entry));
    fs::write(folder.path().join("world/postgresql.log"), log).expect("it can be written");
    let taken = done(folder.path(), &["init", "--from-scan", "world", "-o", "-", "--as-of", "2026-11-24"]);
    let active: Vec<&str> = taken.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(active, ["[[source]]", "path = \"postgresql*\"", "server = \"postgresql\""]);
    assert!(!taken.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{taken}");
    // Confirmed, it is valid, accepts nothing, and means who was found.
    fs::write(folder.path().join("world/whodepends.toml"), confirmed(&taken)).expect("it can be written");
    let settings: toml::Table = confirmed(&taken).parse().expect("it is TOML");
    assert!(!settings.contains_key("accept"), "{taken}");
    assert_eq!(findings(folder.path()).0, BTreeSet::new());
}

#[test]
fn who_cannot_be_told_apart_is_no_entry() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let world = folder.path().join("world");
    fs::create_dir(&world).expect("it can be made");
    // A log that says neither login nor host, as `log_line_prefix = '%m [%p] '` without connections has it.
    let log = "2026-11-24 00:30:01.000 UTC [7] LOG:  statement: SELECT id FROM public.orders\n";
    fs::write(world.join("postgresql.log"), log).expect("it can be written");
    let taken = done(folder.path(), &["init", "--from-scan", "world", "-o", "-", "--as-of", "2026-11-24"]);
    let end = taken.split("# ---- To find out: no entry can say who these are\n").nth(1);
    assert_eq!(
        end,
        Some(
            "# client:unknown@postgres-stderr:postgresql.log: the log says neither a login nor a program nor a host; have it log them (seen once, 2026-11-24T00:30:01Z)\n"
        )
    );
    // It stays a finding: nobody can know who that is.
    fs::write(world.join("whodepends.toml"), confirmed(&taken)).expect("it can be written");
    let open = ["shadow-consumer | client:unknown@postgresql | database:postgresql"];
    assert_eq!(findings(folder.path()).0, open.map(str::to_owned).into());
}

const JOBS: &str = "15 5 * * * /opt/jobs/make.sh\n45 5 * * * /opt/jobs/take.sh\n";
const MAKE: &str = "#!/bin/sh\nredis-cli -h cache1 SET cart:17 full\nkcat -P -t orders.created\necho done > /var/tmp/own.txt\n\
                    cp /srv/in/a.csv /srv/hand/over.csv\n";
const TAKE: &str =
    "#!/bin/sh\ncurl -s http://stock-api:8080/v1/stock\nscp /srv/hand/over.csv partner.example:in/b.csv\n";

/// A host with two jobs, of which one hands a file to the other, and an inventory of others.
fn two_jobs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in [
        (
            "whodepends.toml",
            "[[system]]\nkind = \"service\"\nname = \"stock-api\"\naddresses = [\"stock-api:8080\"]\n",
        ),
        ("batch1/var/spool/cron/crontabs/batch", JOBS),
        ("batch1/opt/jobs/make.sh", MAKE),
        ("batch1/opt/jobs/take.sh", TAKE),
    ] {
        let path = folder.path().join("world").join(path);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("it can be made");
        fs::write(path, text).expect("it can be written");
    }
    folder
}

#[test]
fn keys_channels_requests_and_what_is_handed_over_are_stated() {
    let folder = two_jobs();
    let taken = done(folder.path(), &["init", "--from-scan", "world", "-o", "-", "--as-of", "2026-11-24"]);
    let lines = |start: &[&str]| -> Vec<String> {
        let own =
            taken.lines().map(str::trim_start).filter(|line| start.iter().any(|it| line.starts_with(it)));
        own.map(|line| line.split("  # ").next().unwrap_or(line).to_owned()).collect()
    };
    let wanted = [
        "{ resource = \"file:batch1:/srv/hand/over.csv\", actions = [\"write\"] },",
        "{ resource = \"keys:cache1/cart:{}\", actions = [\"write\"] },",
        "{ resource = \"topic:orders.created\", actions = [\"publish\"] },",
        "{ resource = \"file:batch1:/srv/hand/over.csv\", actions = [\"read\"] },",
        "{ resource = \"file:partner.example:in/b.csv\", actions = [\"export\"] },",
        "\"stock-api/GET /v1/stock\",",
    ];
    assert_eq!(lines(&["{ resource", "\"stock"]), wanted);
    // What nobody else touches holds nobody.
    let own = ["# besides: read file:batch1:/srv/in/a.csv; write file:batch1:/var/tmp/own.txt"];
    assert_eq!(lines(&["# besides"]), own);
}

#[test]
fn what_comes_to_keys_channels_and_calls_that_are_stated_is_found() {
    let folder = two_jobs();
    done(folder.path(), &["init", "--from-scan", "world", "--as-of", "2026-11-24", "--force"]);
    let path = folder.path().join("world/whodepends.toml");
    let data = "data-export | job:batch1/take | file:partner.example:in/b.csv".to_owned();
    fs::write(
        &path,
        confirmed(&read(&path)).split("# ---- What no entry answers").next().expect("a beginning"),
    )
    .expect("it can be written");
    assert_eq!(findings(folder.path()).0, BTreeSet::from([data.clone()]));
    let more = format!("{MAKE}redis-cli -h cache1 GET session:4\nkcat -C -t orders.paid\n");
    fs::write(folder.path().join("world/batch1/opt/jobs/make.sh"), more).expect("it can be written");
    let more = format!("{TAKE}curl -s -X DELETE http://stock-api:8080/v1/stock\n");
    fs::write(folder.path().join("world/batch1/opt/jobs/take.sh"), more).expect("it can be written");
    let wanted = [
        data,
        "undeclared-use | job:batch1/make | keys:cache1/session:{}".to_owned(),
        "undeclared-use | job:batch1/make | topic:orders.paid".to_owned(),
        "undeclared-use | job:batch1/take | endpoint:stock-api/DELETE /v1/stock".to_owned(),
    ];
    assert_eq!(findings(folder.path()).0, BTreeSet::from(wanted));
}
