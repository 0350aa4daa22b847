//! Makes the table of languages from `grammars/*/language.toml`; it never generates code beyond that table.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn list(value: Option<&toml::Value>) -> String {
    let items = value.and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let texts: Vec<String> =
        items.iter().filter_map(|item| item.as_str()).map(|text| format!("{text:?}")).collect();
    format!("&[{}]", texts.join(", "))
}

fn main() {
    println!("cargo:rerun-if-changed=grammars");
    let mut folders: Vec<_> = fs::read_dir("grammars")
        .expect("grammars/ exists")
        .filter_map(Result::ok)
        .filter(|e| e.path().is_dir())
        .collect();
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut out =
        String::from("/// All languages, from `grammars/`.\npub static LANGUAGES: &[Language] = &[\n");
    for folder in folders {
        let path = folder.path().join("language.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let language: toml::Table =
            text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = |key: &str| {
            language
                .get(key)
                .and_then(toml::Value::as_str)
                .unwrap_or_else(|| panic!("{}: {key} is missing", path.display()))
        };
        let within = |table: &str, key: &str| list(language.get(table).and_then(|table| table.get(key)));
        let provenance = match text("provenance") {
            "recorded" => "Recorded",
            "documented" => "Documented",
            "public sample" => "PublicSample",
            other => panic!("{}: provenance {other:?}", path.display()),
        };
        let query = fs::canonicalize(folder.path().join("evidence.scm"))
            .expect("evidence.scm stands beside language.toml");
        let _ = writeln!(
            out,
            "Language {{ about: About {{ name: {:?}, title: {:?}, provenance: Provenance::{provenance} }}, parser: || {}.into(), \
             query: include_str!({:?}), endings: {}, shebangs: {}, commands: {}, nodes: Nodes {{ {} }}, \
             tables_assigned: {}, tables_called: {}, http: {}, environment: {}, environment_tables: {}, shells: {} }},",
            text("name"),
            text("title"),
            text("crate"),
            query.display().to_string(),
            list(language.get("endings")),
            list(language.get("shebangs")),
            language.get("commands").and_then(toml::Value::as_bool).unwrap_or(false),
            [
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
                "list"
            ]
            .map(|key| format!("{key}: {}", within("nodes", key)))
            .join(", "),
            within("tables", "assigned"),
            within("tables", "called"),
            within("http", "callees"),
            within("environment", "callees"),
            within("environment", "tables"),
            within("shell", "callees"),
        );
    }
    out.push_str("];\n");
    let target = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("languages.rs");
    fs::write(target, out).expect("OUT_DIR can be written");
}
