//! Makes the table of languages from `grammars/*/language.toml`; it never generates code beyond that table.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

/// The sections of a `language.toml` whose values are lists of words, with the structure each becomes. The
/// structures and what each list means stand in `src/collect/source/language.rs`.
const SECTIONS: [(&str, &str, &[&str]); 10] = [
    (
        "nodes",
        "Nodes",
        &[
            "string",
            "content",
            "escape",
            "interpolation",
            "concatenated",
            "binary",
            "identifier",
            "call",
            "parenthesized",
            "subscript",
            "list",
            "table",
            "scope",
            "class",
        ],
    ),
    (
        "tables",
        "Tables",
        &[
            "assigned",
            "pairs",
            "called",
            "writes",
            "makers",
            "annotations",
            "entities",
            "bases",
            "naming",
            "unless",
        ],
    ),
    ("entities", "Entities", &["annotations", "calls", "native", "marks", "unless"]),
    ("statements", "Statements", &["callees", "parameters"]),
    ("http", "Http", &["callees", "certain", "created", "base", "clients"]),
    ("environment", "Environment", &["callees", "tables", "properties"]),
    ("shell", "Shell", &["callees"]),
    ("format", "Format", &["percent", "braces", "append", "builders", "same"]),
    (
        "routes",
        "Routes",
        &[
            "classes",
            "prefixes",
            "methods",
            "paths",
            "decorators",
            "called",
            "apps",
            "routers",
            "mounts",
            "global",
        ],
    ),
    ("imports", "Imports", &["style", "endings", "index"]),
];

/// Keys of a `language.toml` beside the sections.
const PLAIN: [&str; 8] = ["name", "title", "crate", "provenance", "endings", "shebangs", "commands", "like"];

fn list(value: Option<&toml::Value>) -> String {
    let items = value.and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let texts: Vec<String> =
        items.iter().filter_map(|item| item.as_str()).map(|text| format!("{text:?}")).collect();
    format!("&[{}]", texts.join(", "))
}

/// A language's settings; what it does not say itself, the language it is `like` says.
fn settings(folder: &Path) -> toml::Table {
    let path = folder.join("language.toml");
    println!("cargo:rerun-if-changed={}", path.display());
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let own: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for key in own.keys() {
        let known = PLAIN.contains(&key.as_str()) || SECTIONS.iter().any(|(section, ..)| section == key);
        assert!(known, "{}: nobody reads {key}", path.display());
    }
    for (section, _, keys) in SECTIONS {
        let table = own.get(section).and_then(toml::Value::as_table);
        for key in table.into_iter().flat_map(toml::Table::keys) {
            assert!(keys.contains(&key.as_str()), "{}: nobody reads {section}.{key}", path.display());
        }
    }
    let Some(like) = own.get("like").and_then(toml::Value::as_str) else { return own };
    let mut all = settings(&folder.with_file_name(like));
    all.extend(own);
    all
}

/// The query of a language, or of the one it is like.
fn query(folder: &Path, language: &toml::Table) -> String {
    let own = folder.join("evidence.scm");
    let like = language.get("like").and_then(toml::Value::as_str);
    let path = match like {
        Some(like) if !own.exists() => folder.with_file_name(like).join("evidence.scm"),
        _ => own,
    };
    let path = fs::canonicalize(path).expect("evidence.scm stands beside language.toml");
    path.display().to_string()
}

fn main() {
    println!("cargo:rerun-if-changed=grammars");
    let mut folders: Vec<_> = fs::read_dir("grammars")
        .expect("grammars/ exists")
        .filter_map(Result::ok)
        .filter(|e| e.path().is_dir())
        .collect();
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut out = format!(
        "/// All languages, from `grammars/`.\npub static LANGUAGES: [Language; {}] = [\n",
        folders.len()
    );
    for folder in folders {
        let folder = folder.path();
        let language = settings(&folder);
        let text = |key: &str| {
            language
                .get(key)
                .and_then(toml::Value::as_str)
                .unwrap_or_else(|| panic!("{}: {key} is missing", folder.display()))
        };
        let provenance = match text("provenance") {
            "recorded" => "Recorded",
            "documented" => "Documented",
            "public sample" => "PublicSample",
            other => panic!("{}: provenance {other:?}", folder.display()),
        };
        let sections = SECTIONS.map(|(section, structure, keys)| {
            let within = |key: &str| list(language.get(section).and_then(|table| table.get(key)));
            let fields: Vec<String> = keys.iter().map(|key| format!("{key}: {}", within(key))).collect();
            format!("{section}: {structure} {{ {} }}", fields.join(", "))
        });
        let _ = writeln!(
            out,
            "Language {{ about: About {{ name: {:?}, title: {:?}, provenance: Provenance::{provenance} }}, parser: || {}.into(), \
             query: include_str!({:?}), compiled: std::sync::OnceLock::new(), scopes: std::sync::OnceLock::new(), endings: {}, shebangs: {}, commands: {}, {} }},",
            text("name"),
            text("title"),
            text("crate"),
            query(&folder, &language),
            list(language.get("endings")),
            list(language.get("shebangs")),
            language.get("commands").and_then(toml::Value::as_bool).unwrap_or(false),
            sections.join(", "),
        );
    }
    out.push_str("];\n");
    let target = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("languages.rs");
    fs::write(target, out).expect("OUT_DIR can be written");
}
