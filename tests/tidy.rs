//! The house rules: who may name whom, one home for each large dependency, what every file opens with, and
//! no printing outside of the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn sources() -> BTreeMap<String, String> {
    fn walk(folder: &Path, root: &Path, out: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(folder).expect("src/ can be read").filter_map(Result::ok) {
            let path: PathBuf = entry.path();
            if path.is_dir() {
                walk(&path, root, out);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name =
                    path.strip_prefix(root).expect("it lies below").to_string_lossy().replace('\\', "/");
                out.insert(name, std::fs::read_to_string(&path).expect("it is UTF-8"));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut out = BTreeMap::new();
    walk(&root, &root, &mut out);
    out
}

/// The part of the tree a file belongs to: the longest of the table's names that is a prefix of its path.
fn part<'a>(file: &str, parts: &[&'a str]) -> &'a str {
    let found =
        parts.iter().filter(|part| file.starts_with(&format!("{part}/")) || file == format!("{part}.rs"));
    found.max_by_key(|part| part.len()).copied().unwrap_or("")
}

/// Part by part: the parts it may name.
const MAY_NAME: [(&str, &[&str]); 24] = [
    ("evidence", &[]),
    ("schedule", &[]),
    ("settings", &["evidence", "schedule"]),
    ("input", &["evidence"]),
    ("sql", &["evidence"]),
    ("collect", &["evidence", "input", "settings", "sql", "schedule", "collect"]),
    ("collect/commands", &["evidence", "input", "sql", "schedule"]),
    ("collect/source", &["evidence", "input", "settings", "sql", "schedule", "collect/commands"]),
    ("collect/logs", &["evidence", "input", "settings", "sql", "schedule"]),
    ("collect/schedules", &["evidence", "input", "settings", "sql", "schedule", "collect/commands"]),
    ("collect/declared", &["evidence", "input", "settings"]),
    ("collect/evidence_file", &["evidence", "input", "settings"]),
    ("collect/traffic", &["evidence", "input", "settings", "sql"]),
    ("resolve", &["evidence"]),
    ("graph", &["evidence", "resolve"]),
    ("timing", &["evidence", "schedule", "resolve", "graph"]),
    ("findings", &["evidence", "schedule", "timing", "resolve", "graph"]),
    ("decisions", &["evidence", "settings", "resolve", "graph", "findings"]),
    ("report", &["evidence", "schedule", "resolve", "graph", "findings", "decisions"]),
    ("history", &["report"]),
    ("inspect", &["evidence", "input", "settings", "sql", "schedule", "collect"]),
    (
        "scan",
        &[
            "evidence",
            "input",
            "settings",
            "collect",
            "resolve",
            "graph",
            "timing",
            "findings",
            "decisions",
            "report",
        ],
    ),
    (
        "cli",
        &[
            "evidence", "input", "settings", "sql", "schedule", "collect", "findings", "report", "history",
            "inspect", "scan",
        ],
    ),
    ("main", &[]),
];

#[test]
fn nobody_names_what_the_import_table_does_not_allow() {
    let parts: Vec<&str> = MAY_NAME.iter().map(|(part, _)| *part).collect();
    let mut wrong = Vec::new();
    for (file, text) in sources().iter().filter(|(file, _)| *file != "lib.rs") {
        let own = part(file, &parts);
        let allowed = MAY_NAME.iter().find(|(part, _)| *part == own).map(|(_, allowed)| *allowed);
        let Some(allowed) = allowed else {
            wrong.push(format!("{file}: stands in no part of the import table"));
            continue;
        };
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for path in line.split("crate::").skip(1) {
                let path: String =
                    path.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
                let named = part(&format!("{}/", path.trim_end_matches(':').replace("::", "/")), &parts);
                let fine = named.is_empty()
                    || named == own
                    || allowed.contains(&named)
                    || (named == "collect" && own.starts_with("collect/"))
                    || allowed.iter().any(|part| named.starts_with(&format!("{part}/")));
                if !fine {
                    wrong.push(format!(
                        "{file}: {own} may not name {named}; see the import table in tests/tidy.rs"
                    ));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn each_large_dependency_has_one_home() {
    let homes: [(&str, &[&str]); 12] = [
        ("clap", &["cli/"]),
        ("indicatif", &["cli/"]),
        ("walkdir", &["input/"]),
        ("ignore::", &["input/"]),
        ("tree_sitter", &["collect/source/", "collect/commands/", "collect/schedules/python/"]),
        ("sqlparser", &["sql/"]),
        ("petgraph", &["graph/"]),
        ("serde_saphyr", &["collect/document.rs", "collect/declared/", "collect/schedules/yaml.rs"]),
        ("pcap_parser", &["collect/traffic/"]),
        ("pcap", &["collect/traffic/"]),
        ("httparse", &["collect/traffic/"]),
        ("base64", &["collect/traffic/"]),
    ];
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (dependency, home) in homes {
                let named =
                    line.contains(&format!("use {dependency}")) || line.contains(&format!("{dependency}::"));
                if named && !line.contains("crate::") && !home.iter().any(|home| file.starts_with(home)) {
                    wrong.push(format!("{file}: {dependency} lives in {home:?} only"));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    let without: Vec<String> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(file, _)| file).collect();
    assert_eq!(without, Vec::<String>::new(), "these files do not open with //!");
}

#[test]
fn nothing_prints_outside_of_the_command_line() {
    let mut wrong = Vec::new();
    for (file, text) in sources().iter().filter(|(file, _)| !file.starts_with("cli/")) {
        for banned in ["println!", "eprintln!", "print!(", "io::stdout", "io::stderr", "process::exit"] {
            if text.contains(banned) {
                wrong.push(format!("{file}: {banned} belongs into cli/"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn each_file_of_a_table_stands_in_its_table() {
    let all = sources();
    let tables: [(&str, &[&str]); 3] = [
        ("findings", &["mod", "stake", "who"]),
        ("collect/declared", &["mod", "machines"]),
        ("report", &["mod", "audit", "brief", "build", "inventory", "jobs", "narrow", "on", "why"]),
    ];
    let mut missing = Vec::new();
    for (folder, helpers) in tables {
        let table = &all[&format!("{folder}/mod.rs")];
        let list = table.split("pub static ").nth(1).unwrap_or("");
        for file in all.keys().filter_map(|file| file.strip_prefix(&format!("{folder}/"))) {
            // An entry that is a folder stands in the table by the folder's name.
            let name = file.trim_end_matches(".rs").split('/').next().unwrap_or(file);
            if !helpers.contains(&name) && !list.contains(&format!("&{name}::")) {
                missing.push(format!("{folder}/{file} stands in no table of {folder}/mod.rs"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
