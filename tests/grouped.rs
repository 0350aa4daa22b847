//! What is asked of one resource is answered from less than the whole scan, and answered alike: of evidence whose uses came
//! by the group, of which only the links were made that the question touches, every answer is byte for byte the one from all
//! links. Recorded companies and random ones are asked about everything they hold, and about names that mean nothing.

use proptest::prelude::*;
use std::io::Read;
use std::path::{Path, PathBuf};
use whodepends::evidence::file;
use whodepends::evidence::{Apart, Basis, Text};
use whodepends::report::Report;
use whodepends::report::on::{Question, ask};
use whodepends::scan::{self, Keep, Plan, Wanted, scan_for};

fn plan(paths: Vec<PathBuf>) -> Plan {
    Plan {
        paths,
        config: None,
        as_of: Some("2026-11-24".to_owned()),
        since: None,
        until: None,
        kinds: Vec::new(),
        filter: None,
        block_bytes: whodepends::collect::BLOCK_BYTES,
    }
}

/// Keeps the evidence of these paths in a file.
fn keep(paths: Vec<PathBuf>, under: &str, to: &Path) {
    let how = Keep { under: under.to_owned(), out: None };
    let all = scan::collect(&plan(paths), &how, &|_, _| ()).expect("it can be collected");
    let bytes = file::write(&all.evidence, all.settings, Vec::new()).expect("a vector can be written to");
    std::fs::write(to, bytes).expect("it can be written");
}

/// The answer, or the complaint, as it is printed.
fn told(report: &Report, question: &Question) -> String {
    ask(report, question).map_or_else(
        |why| why,
        |answer| {
            let json = serde_json::to_string_pretty(&answer).expect("an answer is JSON");
            format!("{}{json}", whodepends::report::on::text(&answer))
        },
    )
}

fn question(pattern: &str, depth: usize, reverse: bool) -> Question {
    Question { pattern: pattern.to_owned(), depth, reverse }
}

/// Asks both ways.
fn compare(paths: &[PathBuf], whole: &Report, question: &Question) -> Result<(), TestCaseError> {
    let outcome = scan_for(&plan(paths.to_vec()), Wanted::Answer(question), &|_, _| ());
    let outcome = outcome.expect("it can be scanned");
    prop_assert_eq!(told(&outcome.report, question), told(whole, question), "{:?}", question);
    Ok(())
}

/// The ids, systems, ends and names of a report that may be asked about.
fn patterns(report: &Report) -> Vec<String> {
    let mut all = vec!["*".to_owned(), "table:*".to_owned(), "nothing-of-this".to_owned()];
    for entity in &report.entities {
        all.push(entity.id.clone());
        all.extend(entity.id.rsplit_once(['/', ':']).map(|(_, end)| end.to_owned()));
        all.extend(entity.mentions.iter().map(|it| format!("{}:{}", it.kind, it.text)));
    }
    all.sort();
    all.dedup();
    all
}

/// How many rows of a file come by the group where nobody must be told apart, and how many observed ones do not.
fn grouped(path: &Path) -> (usize, usize) {
    let bytes = std::fs::read(path).expect("it can be read");
    let from = zstd::Decoder::new(std::io::Cursor::new(bytes)).expect("it is zstd");
    let mut kept = file::read_grouped(&Text::from("x"), from, &|_| (), &Apart::default())
        .unwrap_or_else(|why| panic!("{why}"));
    let groups = kept.evidence.take_groups();
    let rows = groups.iter().map(|group| group.shapes().len()).sum();
    (rows, kept.evidence.uses().iter().filter(|it| it.what.basis == Basis::Observed).count())
}

/// Every `step`th pattern of a recorded company, in both directions and to several depths.
fn ask_a_company(story: &str, step: usize) {
    let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(story).join("world");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("kept.zst");
    keep(vec![world], "", &path);
    let (rows, apart) = grouped(&path);
    assert!(rows > apart, "{story}: {rows} rows came by the group, and {apart} did not");
    let paths = [path];
    let whole = scan_for(&plan(paths.to_vec()), Wanted::Links, &|_, _| ()).expect("it can be scanned").report;
    for (number, pattern) in patterns(&whole).iter().enumerate().step_by(step) {
        let question = question(pattern, 1 + number % 3, number % 2 == 1);
        compare(&paths, &whole, &question).unwrap_or_else(|why| panic!("{story}: {why}"));
    }
}

#[test]
fn the_shop_is_answered_alike() {
    ask_a_company("shop", 31);
}

#[test]
fn the_library_is_answered_alike() {
    ask_a_company("library", 31);
}

#[test]
fn the_estate_is_answered_alike() {
    ask_a_company("estate", 61);
}

/// One act: whose login, from where, under which name, on which day, and what it does.
type Act = (usize, usize, usize, u32, usize);
/// One entry of the inventory: its logins, hosts and names, and how it is classed.
type Entry = (Vec<usize>, Vec<usize>, Vec<usize>, usize);

const NAMES: [&str; 6] = ["app_a", "psql", "DBeaver 24.0.1", "nightly", "[unknown]", "C0"];
const DOES: [&str; 9] = [
    "SELECT id FROM public.t0 WHERE id = 7",
    "SELECT id, name FROM public.t0",
    "INSERT INTO public.t1 SELECT id FROM public.t0",
    "SELECT id FROM public.t1",
    "UPDATE public.t2 SET x = 1",
    "CREATE VIEW public.v AS SELECT id FROM public.t1",
    "SELECT id FROM public.v",
    "COPY public.t2 TO STDOUT",
    "SELECT x FROM t2",
];

fn acts() -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec((0usize..4, 0usize..5, 0usize..6, 1u32..28, 0usize..9), 1..24)
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let some = |below| prop::collection::vec(0usize..below, 0..3);
    prop::collection::vec((some(4), some(5), some(6), 0usize..4), 0..4)
}

/// A log of these acts.
fn log(acts: &[Act]) -> String {
    let line = |(number, (user, host, name, day, does)): (usize, &Act)| {
        // Of some sessions the log does not say who they are.
        let login = if *user == 3 { "[unknown]".to_owned() } else { format!("u{user}") };
        let (minute, name, sql) = (number % 60, NAMES[*name], DOES[*does]);
        format!(
            "2026-10-{day:02} 02:{minute:02}:00.000 UTC [{number}] user={login},db=shop,app={name},client=10.0.0.{host} LOG:  \
             duration: 0.100 ms  statement: {sql}\n"
        )
    };
    acts.iter().enumerate().map(line).collect()
}

/// Requests of some of them, of which nobody knows a login.
fn requests(acts: &[Act]) -> String {
    let line = |(user, host, name, day, does): &Act| {
        format!(
            "10.0.0.{host} - - [{day:02}/Oct/2026:03:00:00 +0000] \"GET /v1/t{does} HTTP/1.1\" 200 12 \"-\" \"{}/{user}\"\n",
            ["python-requests", "okhttp", "curl"][name % 3]
        )
    };
    acts.iter().map(line).collect()
}

fn settings(entries: &[Entry]) -> String {
    let mut text = String::from("as_of = \"2026-11-01\"\n");
    for host in 0..4 {
        text.push_str(&format!("[[host]]\nname = \"h{host}\"\naddresses = [\"10.0.0.{host}\"]\n"));
    }
    text.push_str("[[source]]\npath = \"**/pg.log\"\nserver = \"db\"\n[[source]]\npath = \"**/access.log\"\nserver = \"api\"\n");
    text.push_str("[[system]]\nkind = \"database\"\nname = \"db\"\naddresses = [\"db1:5432\"]\ndatabases = [\"shop\"]\n");
    text.push_str("[[system]]\nkind = \"service\"\nname = \"api\"\naddresses = [\"api:80\"]\n");
    let quoted = |all: &[usize], name: &dyn Fn(usize) -> String| {
        let all: Vec<String> = all.iter().map(|it| format!("{:?}", name(*it))).collect();
        all.join(", ")
    };
    for (number, (users, hosts, names, what)) in entries.iter().enumerate() {
        text.push_str(&format!(
            "[[consumer]]\nkind = \"{}\"\nname = \"c{number}\"\nusers = [{}]\nhosts = [{}]\napplications = [{}]\n{}",
            ["service", "person", "service", "service"][*what],
            quoted(users, &|it| format!("u{it}")),
            quoted(hosts, &|it| format!("h{it}")),
            quoted(names, &|it| NAMES[it].to_owned()),
            ["uses = [\"db\"]\n", "", "uses = [\"db/shop/public.t0\", \"api\"]\n", "class = \"monitoring\"\n"][*what]
        ));
    }
    text
}

/// A company in a folder: an inventory, two jobs of one host that share a login, and two logs in two places.
fn company(folder: &Path, acts: &[Act], entries: &[Entry]) {
    let write = |path: &str, text: String| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("folders can be made");
        std::fs::write(path, text).expect("it can be written");
    };
    let half = acts.len() / 2;
    write("whodepends.toml", settings(entries));
    write("one/pg.log", log(&acts[..half]));
    write("two/pg.log", log(&acts[half..]));
    write("web/access.log", requests(acts));
    write(
        "hosts/h1/etc/crontab",
        format!(
            "PGHOST=db1\n0 2 * * * u0 psql -U u0 -d shop -c \"{}\"\n30 2 * * * u0 psql -U u0 -d shop -c \"{}\"\n",
            DOES[0], DOES[4]
        ),
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_random_company_is_answered_alike(acts in acts(), entries in entries(), parts in any::<bool>(), from in 0usize..16) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let world = folder.path().join("world");
        company(&world, &acts, &entries);
        let files = [folder.path().join("a.zst"), folder.path().join("b.zst")];
        if parts {
            // One log lies apart, so that groups come from two files.
            keep(vec![world.join("two")], "two", &files[1]);
            std::fs::remove_dir_all(world.join("two")).expect("it is there");
        }
        keep(vec![world.clone()], "", &files[0]);
        let config = Some(world.join("whodepends.toml"));
        let paths: Vec<PathBuf> = files.iter().filter(|file| file.exists()).cloned().collect();
        let plan = Plan { config: config.clone().filter(|_| parts), ..plan(paths) };
        let whole = scan_for(&plan, Wanted::Links, &|_, _| ()).expect("it can be scanned").report;
        let all = patterns(&whole);
        for (number, pattern) in all.iter().enumerate().skip(from % all.len()).step_by(17) {
            for reverse in [false, true] {
                let question = question(pattern, 1 + number % 3, reverse);
                let outcome = scan_for(&plan, Wanted::Answer(&question), &|_, _| ()).expect("it can be scanned");
                prop_assert_eq!(told(&outcome.report, &question), told(&whole, &question), "{:?}", question);
            }
        }
    }
}

#[test]
fn a_row_that_is_wrong_is_wrong_by_the_group_too() {
    let good = "{\"use\":{\"vantage\":\"v\",\"actor\":[[\"user\",\"u\"]],\"action\":\"read\",\"resource\":{\"kind\":\"table\",\"parts\":[\"s\",\"t\"]}},\
                \"shape\":[\"00000000000000aa\",\"select a\"],\"seen\":{\"days\":[[20387,2,0,[7201,7261]]],\"first\":1761436801000000,\
                \"last\":1761436861000000,\"took\":[[41,2]],\"at\":[[1761436801000000,\"v.log\",{\"line\":7}]]}}";
    let header = "{\"whodepends-evidence\":1,\"tool\":\"t\",\"version\":\"1\",\"first\":null,\"last\":null,\"settings\":[],\"inputs\":[],\"skipped\":{}}";
    for (from, to) in [
        ("7201,7261", "7201,86400"),
        ("7201,7261", "07201"),
        ("[7201,7261]", "[7201],[1440]"),
        ("20387", "99999999"),
        ("[20387,2,", "[20387,-2,"),
        ("[[41,2]]", "[[60000,2]]"),
        ("{\"line\":7}", "{\"line\":-7}"),
        ("1761436861000000", "9999999999999999999"),
        ("select a", "select \u{1}a"),
        ("\"took\"", "\"tock\""),
        ("00000000000000aa", "00000000000000ag"),
        ("\"read\"", "\"reed\""),
        ("7201,7261", "7201,7261"),
    ] {
        let text = format!("{header}\n{}\n{{\"end\":1}}\n", good.replace(from, to));
        let name = Text::from("x");
        let whole = file::read(&name, text.as_bytes(), &|_| ()).unwrap_or_else(|why| panic!("{why}"));
        let by_group = file::read_grouped(&name, text.as_bytes(), &|_| (), &Apart::default());
        let mut by_group = by_group.unwrap_or_else(|why| panic!("{why}"));
        assert_eq!((by_group.gaps, by_group.rows), (whole.gaps, whole.rows), "{to}");
        let groups = by_group.evidence.take_groups();
        let (uses, apart) = (whole.evidence.uses(), by_group.evidence.uses());
        assert_eq!(groups.len() + apart.len(), uses.len(), "{to}");
        for (group, it) in groups.iter().zip(&uses) {
            let days = |activity: &whodepends::evidence::Activity| {
                let days = activity.days().map(|(day, what)| (day, what.count)).collect::<Vec<_>>();
                (days, activity.first(), activity.last(), activity.undated())
            };
            assert_eq!(days(&group.activity()), days(&it.activity));
            assert_eq!(
                (group.shapes(), group.order(&it.what)),
                (&[it.what.shape.fingerprint][..], std::cmp::Ordering::Equal)
            );
        }
    }
}

#[test]
fn a_file_that_is_read_by_the_group_is_read_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let world = folder.path().join("world");
    company(&world, &[(0, 1, 0, 3, 0), (0, 1, 0, 4, 1), (1, 2, 0, 4, 0), (2, 2, 1, 5, 3)], &[]);
    let path = folder.path().join("kept.zst");
    keep(vec![world], "", &path);
    let mut text = String::new();
    let bytes = std::fs::read(&path).expect("it can be read");
    zstd::Decoder::new(&bytes[..]).expect("it is zstd").read_to_string(&mut text).expect("it is text");
    let observed =
        text.lines().filter(|line| line.starts_with("{\"use\"") && !line.contains("\"basis\"")).count();
    let (rows, apart) = grouped(&path);
    assert_eq!(rows + apart, observed);
}
