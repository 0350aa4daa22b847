//! What places written in YAML share: values of which a part is filled in by a template (Helm, Jinja), commands as
//! lists of words, and the lines they stand on. It fills in nothing.

use regex::Regex;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// What stands in for a placeholder while YAML is read, and its number.
pub(super) const MASK: &str = "whodependsplaceholder";

/// `{{ … }}`, `{% … %}` and `{# … #}`.
static PLACEHOLDER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}").expect("the pattern is valid"));
static MASKED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("{MASK}([0-9]+)x")).expect("the pattern is valid"));

/// A template made into YAML: lines that only steer it are empty, other placeholders are words of their own.
pub(super) struct Template {
    /// The YAML, line by line that of the file.
    pub text: String,
    masked: Vec<String>,
}

impl Template {
    /// Of a text, whether it has placeholders or not.
    pub fn of(text: &str) -> Template {
        let mut template = Template { text: String::with_capacity(text.len()), masked: Vec::new() };
        let mut at = 0;
        let steering = within_a_line(text);
        for found in PLACEHOLDER.find_iter(text) {
            template.text.push_str(&text[at..found.start()]);
            at = found.end();
            if steering.contains(&found.start()) {
                continue;
            }
            let breaks = found.as_str().matches('\n').count();
            if breaks > 0
                || stands_alone(text, found.start(), found.end())
                || !found.as_str().starts_with("{{")
            {
                template.text.extend(std::iter::repeat_n('\n', breaks));
                continue;
            }
            template.text.push_str(&format!("{MASK}{}x", template.masked.len()));
            template.masked.push(found.as_str().to_owned());
        }
        template.text.push_str(&text[at..]);
        template
    }

    /// A value with its placeholders as they were written.
    pub fn unmask(&self, value: &str) -> String {
        let back = |found: &regex::Captures<'_>| {
            let index = found[1].parse::<usize>().ok();
            index.and_then(|index| self.masked.get(index)).map_or("{{}}", String::as_str).to_owned()
        };
        MASKED.replace_all(value, back).into_owned()
    }

    /// A value with a variable that nobody sets for each placeholder, as a shell is given what is unknown.
    pub fn for_shell(&self, value: &str) -> String {
        MASKED.replace_all(value, "$${TEMPLATE}").into_owned()
    }

    /// A value with `{}` for each placeholder, as names say what is unknown.
    pub fn blank(&self, value: &str) -> String {
        MASKED.replace_all(value, "{}").into_owned()
    }

    /// A name that says something: with `{}` for placeholders, and none that is nothing else.
    pub fn name(&self, value: Option<&Value>) -> Option<String> {
        let name = self.blank(value?.as_str()?);
        name.replace("{}", "").contains(|c: char| c.is_alphanumeric()).then_some(name)
    }
}

/// Where, in bytes, Helm's `{{ if … }}` and `{{ end }}` begin that stand around a part of one line: what is between them is
/// there or not, and both say nothing themselves. With a second branch no part alone would be the line.
fn within_a_line(text: &str) -> BTreeSet<usize> {
    let mut open: Vec<Option<(usize, usize)>> = Vec::new();
    let mut steering = BTreeSet::new();
    for found in PLACEHOLDER.find_iter(text).filter(|found| found.as_str().starts_with("{{")) {
        let inside = found.as_str().trim_matches(['{', '}']).trim_matches('-').trim();
        let (word, rest) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        match word {
            "if" | "with" | "range" | "define" | "block" if !rest.is_empty() => {
                open.push((word == "if").then(|| (found.start(), found.end())));
            }
            "else" => {
                if let Some(last) = open.last_mut() {
                    *last = None;
                }
            }
            "end" if rest.is_empty() => {
                let Some(Some((start, end))) = open.pop() else { continue };
                if !text[end..found.start()].contains('\n') {
                    steering.extend([start, found.start()]);
                }
            }
            _ => {}
        }
    }
    steering
}

/// How many branches of a condition are read, each by itself.
const MAX_BRANCHES: usize = 8;

/// A text with one branch of each condition (`{% if %}` of Jinja, `{{ if }}` of Helm) in turn: the first ones, the second
/// ones, and so on; of one that has fewer its last. Lines stay where they are. A text without `else` is one alone.
pub(super) fn branches(text: &str) -> Vec<Cow<'_, str>> {
    let (conditions, most) = conditions(text);
    if most < 2 {
        return vec![Cow::Borrowed(text)];
    }
    let reading = |pick: usize| {
        let mut bytes = text.as_bytes().to_vec();
        for parts in &conditions {
            let kept = pick.min(parts.len() - 1);
            for (start, end) in parts.iter().enumerate().filter(|(at, _)| *at != kept).map(|(_, part)| *part)
            {
                // What a later branch of it holds goes, and its lines stay.
                for byte in &mut bytes[start..end] {
                    *byte = if *byte == b'\n' { b'\n' } else { b' ' };
                }
            }
        }
        Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
    };
    (0..most.min(MAX_BRANCHES)).map(reading).collect()
}

/// Where each branch of a condition begins and ends, in bytes.
type Branches = Vec<(usize, usize)>;

/// Where the branches of each condition of a template begin and end, and how many the one with most has.
fn conditions(text: &str) -> (Vec<Branches>, usize) {
    let mut done: Vec<Branches> = Vec::new();
    // Whether it is a condition, where its branch begins, and its branches before that.
    let mut open: Vec<(bool, usize, Branches)> = Vec::new();
    for found in PLACEHOLDER.find_iter(text) {
        let inside = found.as_str().trim_matches(['{', '}', '%']).trim_matches(['-', '+']).trim();
        let word = inside.split_whitespace().next().unwrap_or("");
        let jinja = found.as_str().starts_with("{%");
        let helm = found.as_str().starts_with("{{");
        match word {
            "if" if jinja || helm => open.push((true, found.end(), Vec::new())),
            "for" if jinja => open.push((false, found.end(), Vec::new())),
            "with" | "range" | "define" | "block" if helm => open.push((false, found.end(), Vec::new())),
            "else" | "elif" if jinja || helm => {
                if let Some((_, start, parts)) = open.last_mut() {
                    parts.push((*start, found.start()));
                    *start = found.end();
                }
            }
            "endif" | "endfor" | "end" if if word == "end" { helm } else { jinja } => {
                if let Some((true, start, mut parts)) = open.pop() {
                    parts.push((start, found.start()));
                    done.push(parts);
                }
            }
            _ => {}
        }
    }
    done.retain(|parts| parts.len() > 1);
    let most = done.iter().map(Vec::len).max().unwrap_or(1);
    (done, most)
}

/// Whether nothing else stands on the line of a placeholder; a value behind a key does not.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].rsplit('\n').next().unwrap_or("");
    let after = text[end..].split('\n').next().unwrap_or("");
    before.trim().is_empty() && (after.trim().is_empty() || after.trim_start().starts_with(['{', '#']))
}

/// The text of a number, a text or a truth.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// What words as a list run: the text behind `sh -c`, else the words as a shell would be given them.
pub(super) fn command_text(words: &[String]) -> String {
    let name = words.first().map(|word| word.rsplit('/').next().unwrap_or(word));
    if matches!(name, Some("sh" | "bash" | "ash" | "dash" | "ksh" | "zsh")) {
        let options = words.iter().skip(1).take_while(|word| word.starts_with('-')).count();
        let inline = words[1..=options].iter().any(|word| !word.starts_with("--") && word.contains('c'));
        if let (true, Some(text)) = (inline, words.get(options + 1)) {
            return text.clone();
        }
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+${}".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    // Variables stay readable, everything else is the word's own.
    let mut text = String::from("\"");
    for c in word.chars() {
        if matches!(c, '"' | '\\' | '`') {
            text.push('\\');
        }
        text.push(c);
    }
    text + "\""
}

/// Pieces of shell text, each put on its own line of the file, counted from a first line.
#[derive(Default)]
pub(super) struct Script {
    pieces: Vec<(u64, String)>,
}

impl Script {
    /// Adds a piece that begins on this line.
    pub fn add(&mut self, line: u64, text: &str) {
        self.pieces.push((line, text.trim_end().to_owned()));
    }

    /// The text, beginning on the line of what states it or on its own where that comes first, and that line.
    pub fn beside(&self, line: u64) -> (u64, String) {
        let mut pieces: Vec<&(u64, String)> = self.pieces.iter().collect();
        pieces.sort_by_key(|(line, _)| *line);
        let first = pieces.first().map_or(line, |(own, _)| line.min(*own));
        let (mut text, mut at) = (String::new(), first);
        for (line, piece) in pieces {
            let breaks = line.saturating_sub(at).max(u64::from(text.ends_with(|c| c != '\n')));
            text.extend(std::iter::repeat_n('\n', breaks as usize));
            text.push_str(piece);
            at += breaks + piece.matches('\n').count() as u64;
        }
        (first, text)
    }
}

/// The literal values of a list of `name` and `value`.
pub(super) fn literals(list: Option<&Value>) -> impl Iterator<Item = (&str, String)> {
    let entries = list.and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|entry| Some((entry.get("name")?.as_str()?, scalar(entry.get("value")?)?)))
}

/// The literal values of a map.
pub(super) fn literal_map(map: Option<&Value>, into: &mut BTreeMap<String, String>) {
    for (name, value) in map.and_then(Value::as_object).into_iter().flatten() {
        if let Some(value) = scalar(value) {
            into.insert(name.clone(), value);
        }
    }
}
