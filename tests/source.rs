//! What cannot be told from source is a gap: the examples of the grammars, and their gaps whole.

use std::path::Path;
use std::process::Command;

/// The gaps of an example, as "place detail", without files that nobody reads.
fn gaps(example: &str) -> Vec<String> {
    let of_source = |code: &str| code != "unrecognised";
    gaps_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("grammars").join(example), of_source)
}

/// The gaps of a file or folder, as "place detail", with these codes.
fn gaps_of(path: &Path, codes: impl Fn(&str) -> bool) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["scan", "--format", "json", "--as-of", "2026-11-24"])
        .arg(path)
        .output()
        .expect("the program starts");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    let gaps = report["gaps"].as_array().expect("it has gaps").iter();
    let text = |gap: &serde_json::Value, key: &str| gap[key].as_str().unwrap_or("").to_owned();
    let of_source = gaps.filter(|gap| codes(&text(gap, "code")));
    let mut lines: Vec<String> =
        of_source.map(|gap| format!("{} {}", text(gap, "place"), text(gap, "detail"))).collect();
    lines.sort();
    lines
}

const HTTP: &str = "an HTTP call whose address is only known when it runs";
const TABLE: &str = "a statement whose table is only known when it runs";
const ROUTE: &str = "a route whose path is only known when it runs";
const METHOD: &str = "an HTTP call whose method is only known when it runs";
const METHODS: &str = "a route whose methods are only known when it runs";
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
    assert_eq!(gaps("java/examples/Formats.java"), [format!("Formats.java:4 {TABLE}")]);
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
        [
            format!("statements.ts:18 {TABLE}"),
            format!("statements.ts:38 {HTTP}"),
            format!("statements.ts:9 {HOST}")
        ]
    );
    assert_eq!(
        gaps("typescript/examples/mapped.ts"),
        ["mapped.ts:20 a mapped class whose table's name cannot be told"]
    );
    assert_eq!(gaps("typescript/examples/nest.ts"), [format!("nest.ts:18 {MOUNT}")]);
    assert_eq!(
        gaps("javascript/examples/checkout"),
        [format!("routes/forgotten.js:4 {MOUNT}"), format!("routes/lonely.js:4 {MOUNT}")]
    );
    assert_eq!(gaps("javascript/examples/stock"), [format!("stock.mjs:6 {ROUTE}")]);
}

#[test]
fn a_router_that_nobody_mounts_is_a_gap_and_a_decorator_of_something_else_is_none() {
    assert_eq!(
        gaps("python/examples/routes.py"),
        [format!("routes.py:42 {MOUNT}"), format!("routes.py:54 {METHODS}")]
    );
}

#[test]
fn a_call_whose_method_or_address_cannot_be_told_is_a_gap_and_other_calls_with_urls_are_none() {
    assert_eq!(
        gaps("typescript/examples/clients.ts"),
        [format!("clients.ts:21 {METHOD}"), format!("clients.ts:29 {HTTP}")]
    );
    assert_eq!(gaps("typescript/examples/mocked.ts"), Vec::<String>::new());
    assert_eq!(
        gaps("python/examples/clients.py"),
        [format!("clients.py:19 {METHOD}"), format!("clients.py:20 {HTTP}")]
    );
    assert_eq!(gaps("java/examples/Clients.java"), [format!("Clients.java:12 {METHOD}")]);
    assert_eq!(
        gaps("java/examples/Partners.java"),
        ["Partners.java:14 a call of another service whose address is only known when it runs"]
    );
}

#[test]
fn what_stands_before_some_routes_leaves_those_open_that_it_may_stand_before() {
    assert_eq!(gaps("typescript/examples/versions.ts"), [format!("versions.ts:11 {MOUNT}")]);
    assert_eq!(gaps("typescript/examples/shelves"), [format!("libs/health.controller.ts:6 {MOUNT}")]);
    assert_eq!(gaps("typescript/examples/left"), [format!("main.ts:6 {MOUNT}")]);
    assert_eq!(gaps("typescript/examples/admin"), [format!("admin.ts:6 {MOUNT}")]);
    assert_eq!(gaps("java/examples/prefixed"), [format!("Prefixed.java:12 {MOUNT}")]);
}

#[test]
fn a_route_is_one_of_a_framework_and_has_the_methods_that_are_written() {
    assert_eq!(
        gaps("typescript/examples/homemade.ts"),
        ["homemade.ts:6 a route of a class that does not say where it is served"]
    );
    assert_eq!(gaps("javascript/examples/named"), Vec::<String>::new());
    assert_eq!(gaps("java/examples/Jobs.java"), [format!("Jobs.java:17 {METHODS}")]);
}

/// What `inspect source` states of a folder with these files, a line each, and the gaps, as "place detail".
fn read(files: &[(&str, &[u8])]) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("it can be made");
        std::fs::write(path, content).expect("it can be written");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["inspect", "source"])
        .arg(folder.path())
        .output()
        .expect("the program starts");
    let stated = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    (stated, gaps_of(folder.path(), |_| true))
}

const HOST: &str = "a connection whose host is empty or only known when it runs";

#[test]
fn a_connection_to_an_empty_host_is_a_gap() {
    let open =
        b"import os\nHOST = os.getenv('DATABASE_HOST', '')\nURL = f'postgresql://web@{HOST}:5432/shop'\n";
    let known =
        b"import os\nHOST = os.getenv('DATABASE_HOST', 'db1')\nURL = f'postgresql://web@{HOST}:5432/shop'\n";
    let (stated, gaps) = read(&[("open.py", open), ("known.py", known)]);
    assert_eq!(stated, ["connect database:db1:5432/shop/"]);
    assert_eq!(gaps, [format!("open.py:3 {HOST}")]);
}

#[test]
fn connections_of_any_engine_are_stated_and_words_of_one_are_not() {
    let properties = b"# jdbc:oracle:thin:@db9:1521/x\nspring.datasource.url=jdbc:mysql://db1/shop\n\
                       old.url=jdbc:mysql://db2/shop\nspring.data.mongodb.host=db3\n";
    let env = b"DATABASE_URL=mysql2://web@db1/shop\nNEXT_URL=mysql2://web@$NEXT_HOST/shop\n";
    let ours = b"DATABASE_URL=postgres://web@db4/shop\nNOTE=mysql is gone\n";
    let (stated, gaps) = read(&[("a/application.properties", properties), ("b/.env", env), ("c/.env", ours)]);
    assert_eq!(
        stated,
        [
            "connect database:db1:3306/shop/",
            "connect database:db4/shop/",
            "connect database:db1:3306/shop/",
            "connect database:db2:3306/shop/",
            "connect database:db3:27017/",
        ]
    );
    assert_eq!(gaps, ["b/.env:2 a connection of mysql whose host is empty or only known when it runs"]);
}

#[test]
fn data_sources_are_put_together_within_a_bound() {
    let sources = |count: usize| {
        let lines = (0..count).map(|at| format!("s{at}.url=jdbc:mysql://db1/shop\n"));
        lines.chain(["z.url=jdbc:postgresql://db2/shop\n".to_owned()]).collect::<String>()
    };
    let limit = "MAX_SOURCES: of its data sources the first 1000 were put together";
    let (_, gaps) =
        read(&[("a.properties", sources(999).as_bytes()), ("b.properties", sources(1000).as_bytes())]);
    assert_eq!(gaps, [format!("b.properties {limit}")]);
}

#[test]
fn a_text_in_utf_16_is_read() {
    let text = "cursor.execute('SELECT id FROM orders')\n";
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.bytes().flat_map(|byte| [byte, 0])).collect();
    let (stated, gaps) = read(&[("plain.py", text.as_bytes()), ("wide.py", &wide)]);
    assert_eq!(stated, ["read table:orders", "read table:orders"]);
    assert_eq!(gaps, [""; 0]);
}

#[test]
fn files_that_would_keep_the_reader_are_gaps() {
    let query = "pool.query('SELECT id FROM orders');\n";
    let flat = format!("{query}const a = [{}];", "1,".repeat(100_000));
    let wide = format!("{query}const a = [{}];", "1,".repeat(510_000));
    let open = format!("{query}`{}", "${`".repeat(150_000));
    let broken = "not ".repeat(100_000);
    let files = [("flat.js", &flat), ("wide.js", &wide), ("open.js", &open), ("broken.py", &broken)];
    let (stated, gaps) = read(&files.map(|(name, text)| (name, text.as_bytes())));
    assert_eq!(stated, ["read table:orders"]);
    assert_eq!(
        gaps,
        [
            "broken.py MAX_BROKEN: more than 10000 parts of it are no code; nothing of it was read",
            "open.js MAX_NESTED: more than 4000 expressions stand in each other; nothing of it was read",
            "wide.js MAX_NODES: it has more than 1000000 parts; nothing of it was read"
        ]
    );
}

#[test]
fn what_python_leaves_open_is_a_gap() {
    assert_eq!(
        gaps("python/examples/mapped.py"),
        ["mapped.py:43 a table whose schema is only known when it runs"]
    );
}

#[test]
fn a_file_that_is_sourced_by_its_name_lies_beside_the_script_or_above_it() {
    let script = b"#!/bin/sh\nsource common.conf\necho x >> $OUT/a\n";
    let files = |place: &'static str| {
        let other: (&str, &[u8]) = (place, b"OUT=/srv/lists\n");
        read(&[("modules/mail/files/bin/backup.sh", script), other])
    };
    let of_script = |stated: Vec<String>| -> Vec<String> {
        stated.into_iter().filter(|line| line.contains("/srv/lists")).collect()
    };
    for near in ["modules/mail/files/bin/common.conf", "modules/mail/common.conf", "common.conf"] {
        let (stated, _) = files(near);
        assert_eq!(of_script(stated).len(), 1, "{near}");
    }
    let (stated, open) = files("modules/ban/files/common.conf");
    assert_eq!(of_script(stated), [""; 0]);
    assert_eq!(
        open,
        [
            "modules/mail/files/bin/backup.sh:2 sources common.conf, and the file of that name lies neither beside it nor \
             above; it was not followed"
        ]
    );
}
