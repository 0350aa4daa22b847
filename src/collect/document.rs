//! YAML and JSON as plain values, within named limits: what inventories and places of schedules are written in. It
//! knows none of them, follows no reference and expands no more aliases than the limits allow.

use crate::evidence::Scope;
use crate::evidence::scrub::scrub;
use serde_json::Value;

/// How deep maps and lists may lie in each other.
pub const MAX_DEPTH: usize = 64;
/// How many maps, lists and values one document may have, aliases expanded.
pub const MAX_NODES: usize = 1_000_000;
/// How many bytes the values of one document may have, aliases expanded.
pub const MAX_SCALAR_BYTES: usize = 64 * 1024 * 1024;
/// How many lines of a document are looked through for the place of one thing; beyond, it is the document's own.
const LINES_SEARCHED: usize = 5_000;

/// One document of a file.
pub struct Document<'a> {
    /// The line it begins on, counted from 1.
    pub line: u64,
    /// Its text.
    pub text: &'a str,
    /// Its value; the error is one line for people.
    pub value: Result<Value, String>,
}

impl Document<'_> {
    /// The first line of the document that holds `near`, as a line of the file; else the document's own.
    pub fn line_of(&self, near: &str) -> u64 {
        let found = self.text.lines().take(LINES_SEARCHED).position(|line| line.contains(near));
        self.line + found.unwrap_or(0) as u64
    }
}

/// The part of the world that a path speaks of: an inventory kept among tests, examples or somebody else's code
/// declares nothing about what runs.
pub fn scope(path: &str) -> Scope {
    let among = |names: &[&str]| path.split('/').rev().skip(1).any(|part| names.contains(&part));
    if among(&["node_modules", "vendor", "third_party", "site-packages", ".venv", "venv"]) {
        Scope::Vendored
    } else if among(&["test", "tests", "testing", "__tests__", "testdata"]) {
        Scope::Test
    } else if among(&["example", "examples", "samples"]) {
        Scope::Example
    } else {
        Scope::Production
    }
}

/// One document: JSON where it begins like it, else YAML.
pub fn parse(text: &str) -> Result<Value, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_total_scalar_bytes: MAX_SCALAR_BYTES,
        },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let text = error.to_string();
        format!("not valid YAML: {}", scrub(text.lines().next().unwrap_or("")))
    })
}

/// All documents of a file (YAML 1.2, section 9.2): one that is broken costs itself and no other.
pub fn parse_all(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let (mut start, mut line, mut at, mut number) = (0, 1, 0, 1);
    for whole in text.split_inclusive('\n') {
        let mark = whole.trim_end();
        if mark == "---" || mark.starts_with("--- ") {
            documents.push((line, &text[start..at]));
            (start, line) = (at + whole.len(), number + 1);
        }
        at += whole.len();
        number += 1;
    }
    documents.push((line, &text[start..]));
    let says = |text: &str| text.lines().map(str::trim).any(|l| !l.is_empty() && !l.starts_with(['#', '%']));
    let documents = documents.into_iter().filter(|(_, text)| says(text));
    documents.map(|(line, text)| Document { line, text, value: parse(text) }).collect()
}

/// The keys that stand at the top of a document with what follows on their line, from its first bytes alone.
pub fn top_keys(head: &str) -> Vec<(&str, &str)> {
    let head = head.trim_start_matches('\u{feff}');
    if head.trim_start().starts_with('{') {
        json_keys(head).into_iter().map(|key| (key, "")).collect()
    } else {
        yaml_keys(head)
    }
}

/// Until a line that no map of YAML has at its top: prose, or another language.
fn yaml_keys(head: &str) -> Vec<(&str, &str)> {
    let quotes = ['"', '\''];
    let mut keys = Vec::new();
    for line in head.lines().map(str::trim_end) {
        let Some(first) = line.chars().next() else { continue };
        if matches!(first, ' ' | '\t' | '#' | '%' | '-' | ']' | '}') {
            continue;
        }
        let entry = line.split_once(": ").or_else(|| line.strip_suffix(':').map(|key| (key, "")));
        let Some((key, value)) = entry else { break };
        keys.push((key.trim_matches(quotes), value.trim().trim_matches(quotes)));
    }
    keys
}

fn json_keys(head: &str) -> Vec<&str> {
    let (mut keys, mut depth, mut at) = (Vec::new(), 0, 0);
    let bytes = head.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => {
                let start = at + 1;
                at = start;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let key = head.get(start..at);
                let follows = head.get(at + 1..).is_some_and(|rest| rest.trim_start().starts_with(':'));
                keys.extend(key.filter(|_| depth == 1 && follows));
            }
            _ => {}
        }
        at += 1;
    }
    keys
}
