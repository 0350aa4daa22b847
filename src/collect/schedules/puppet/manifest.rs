//! One Puppet manifest: its resources, resource defaults, variables, and the classes, defined types and nodes they
//! stand in (Puppet's language reference). It evaluates nothing: both branches of a
//! condition are there, with what must hold for them.

use super::super::node::{Kind, Node};
use super::super::tokens::{self, Kind as Word, Language, Token};
use super::super::values::Values;
use super::conditions::{Blocks, Conditions};
use std::collections::BTreeMap;

/// What a resource or a define is given.
pub(super) type Attributes = BTreeMap<String, Node>;

/// One resource.
pub(super) struct Resource {
    /// Its type, lower-case, without a leading `::`.
    pub kind: String,
    /// What it is called.
    pub title: Node,
    /// What it is given.
    pub attributes: Attributes,
    /// Where it stands: in which definition of the manifest.
    pub owner: Option<usize>,
    /// What must hold for it.
    pub conditions: Conditions,
}

/// A class, a defined type or a node.
pub(super) struct Definition {
    /// `class`, `define` or `node`.
    pub keyword: String,
    /// Its name; of nodes the only literal one.
    pub name: String,
    /// Its parameters with their defaults.
    pub parameters: Attributes,
    span: (usize, usize),
}

/// What a manifest holds.
#[derive(Default)]
pub(super) struct Manifest {
    /// Its resources in order.
    pub resources: Vec<Resource>,
    /// Classes, defined types and nodes, outer ones first.
    pub definitions: Vec<Definition>,
    /// What variables are assigned, each time with what must hold.
    pub variables: BTreeMap<String, Vec<(Node, Conditions)>>,
    /// Types whose resources a function makes of data, with the line.
    pub computed: Vec<(String, u64)>,
    /// What did not end, and where it began.
    pub broken: Option<(u64, &'static str)>,
}

impl Manifest {
    /// The variables of which only one assignment may hold, given these values of parameters.
    pub fn settled(&self, given: &Attributes) -> Attributes {
        let text = |name: &str| Some(given.get(name)?.text()?.to_owned());
        let one = |told: &Vec<(Node, Conditions)>| {
            let mut may = told.iter().filter(|(_, conditions)| conditions.may_hold(&text));
            let first = may.next().map(|(value, _)| value.clone());
            first.filter(|_| may.next().is_none())
        };
        self.variables.iter().filter_map(|(name, told)| Some((name.clone(), one(told)?))).collect()
    }
}

/// Words in front of a brace that are no types.
const KEYWORDS: [&str; 12] =
    ["class", "define", "node", "if", "else", "elsif", "unless", "case", "default", "inherits", "in", "and"];

/// Reads a manifest.
pub(super) fn read(text: &str) -> Manifest {
    let read = tokens::read(text, Language::Puppet);
    let values = Values::new(text, &read.tokens, Language::Puppet);
    let mut manifest = Manifest { broken: read.broken, ..Manifest::default() };
    let mut defaults: BTreeMap<String, Attributes> = BTreeMap::new();
    let mut blocks = Blocks::default();
    let mut at = 0;
    while let Some(token) = values.get(at) {
        at = match token.kind {
            Word::Word if ["class", "define", "node"].contains(&token.text.as_str()) => {
                definition(&values, at, &mut manifest)
            }
            Word::Word if ["if", "elsif", "else", "unless"].contains(&token.text.as_str()) => {
                blocks.note(&values, at);
                at + 1
            }
            Word::Word if values.is(at + 1, "{") => {
                resources(&values, at, &blocks, &mut manifest, &mut defaults)
            }
            Word::Word if token.text.starts_with('$') && values.is(at + 1, "=") => {
                let (value, end) = values.value(at + 2, &[]);
                // A value without an end of its own runs into the next statement: only what stands alone counts.
                let alone = end == at + 3 || matches!(value.kind, Kind::List(_) | Kind::Map(_));
                let value = if alone { value } else { values.value_of_one(at + 2) };
                let told = manifest.variables.entry(token.text[1..].to_owned()).or_default();
                told.push((value, blocks.around(at)));
                at + 2
            }
            Word::Word if values.is(at + 1, "(") => computed(&values, at, &mut manifest),
            _ => at + 1,
        };
    }
    for resource in &mut manifest.resources {
        for (name, value) in defaults.get(&resource.kind).into_iter().flatten() {
            resource.attributes.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    manifest
}

impl Values<'_> {
    /// The value that ends where the next statement of Puppet begins, as far as one word, a list or a map tells.
    fn value_of_one(&self, at: usize) -> Node {
        let ends = |token: &Token| token.kind == Word::Word || token.kind == Word::Text || token.is("}");
        let next = self.get(at + 1).is_none_or(|next| ends(next) && next.line > self.tokens[at].line);
        let bracket = self.is(at, "[") || self.is(at, "{");
        let call = self.is(at + 1, "(");
        let end = match (bracket || call, next) {
            (true, _) => self.closing(at + usize::from(call && !bracket)) + 1,
            (false, true) => at + 1,
            (false, false) => return super::super::values::scalar(0, "${}"),
        };
        let part = Values::new(self.text, self.tokens.get(..end).unwrap_or(self.tokens), self.language);
        part.value(at, &[]).0
    }
}

/// `class a (…) {`, `define a (…) {`, `node 'a' {`; where its body begins.
fn definition(values: &Values<'_>, at: usize, manifest: &mut Manifest) -> usize {
    let keyword = &values.tokens[at].text;
    let Some(name) = values.get(at + 1).filter(|name| !name.is("{")) else { return at + 1 };
    let mut next = at + 2;
    let mut parameters = Attributes::new();
    if values.is(next, "(") {
        let end = values.closing(next);
        parameters = parameters_of(values, next + 1, end);
        next = end + 1;
    }
    let several = keyword == "node" && values.is(next, ",");
    while values.get(next).is_some() && !values.is(next, "{") {
        next += 1;
    }
    let literal = keyword != "node" || (name.kind == Word::Text && !several);
    let name = if literal { name.text.trim_start_matches("::").to_owned() } else { String::new() };
    let span = (next, values.closing(next));
    manifest.definitions.push(Definition { keyword: keyword.clone(), name, parameters, span });
    next + 1
}

/// `Type $name = default, …`.
fn parameters_of(values: &Values<'_>, start: usize, end: usize) -> Attributes {
    let (mut parameters, mut at) = (Attributes::new(), start);
    while at < end {
        let token = &values.tokens[at];
        if matches!(token.text.as_str(), "[" | "{" | "(") && token.kind == Word::Sign {
            at = values.closing(at) + 1;
            continue;
        }
        if token.kind == Word::Word && token.text.starts_with('$') {
            let name = token.text[1..].to_owned();
            if values.is(at + 1, "=") {
                let (value, stop) = values.value(at + 2, &[]);
                parameters.insert(name, value);
                at = stop.max(at + 2);
                continue;
            }
            parameters.insert(name.clone(), super::super::values::scalar(token.line, format!("${{{name}}}")));
        }
        at += 1;
    }
    parameters
}

/// `create_resources('cron', …)` and its like: jobs that only data tells.
fn computed(values: &Values<'_>, at: usize, manifest: &mut Manifest) -> usize {
    let token = &values.tokens[at];
    let makes = ["create_resources", "ensure_resource", "ensure_resources"].contains(&token.text.as_str());
    if let Some(kind) = values.get(at + 2).filter(|_| makes) {
        manifest.computed.push((kind.text.to_lowercase().trim_start_matches("::").to_owned(), token.line));
    }
    at + 1
}

/// `type { title: attributes; … }`, `Type { attributes }`; where reading goes on.
fn resources(
    values: &Values<'_>,
    at: usize,
    blocks: &Blocks,
    manifest: &mut Manifest,
    defaults: &mut BTreeMap<String, Attributes>,
) -> usize {
    let name = values.tokens[at].text.trim_start_matches('@').trim_start_matches("::");
    if KEYWORDS.contains(&name) || name.starts_with('$') {
        return at + 1;
    }
    let (kind, mut next) = (name.to_lowercase(), at + 2);
    if name.starts_with(|c: char| c.is_ascii_uppercase()) {
        if values.is(next + 1, "=>") {
            let (attributes, end) = attributes(values, next);
            defaults.entry(kind).or_default().extend(attributes);
            return end;
        }
        return at + 1;
    }
    let owner = manifest.definitions.iter().rposition(|it| it.span.0 < at && at < it.span.1);
    let conditions = blocks.around(at);
    let mut shared = Attributes::new();
    loop {
        let (title, end) = values.value(next, &[":", "=>"]);
        if !values.is(end, ":") {
            // A block of code, not a resource.
            return if next == at + 2 { at + 1 } else { next };
        }
        let (mut attributes, end) = attributes(values, end + 1);
        if title.text() == Some("default") {
            shared = attributes;
        } else {
            for (name, value) in &shared {
                attributes.entry(name.clone()).or_insert_with(|| value.clone());
            }
            let titles = if title.items().is_empty() { std::slice::from_ref(&title) } else { title.items() };
            for title in titles {
                let (kind, title, attributes) = (kind.clone(), title.clone(), attributes.clone());
                let conditions = conditions.clone();
                manifest.resources.push(Resource { kind, title, attributes, owner, conditions });
            }
        }
        next = end + 1;
        if !values.is(end, ";") || values.is(next, "}") {
            return next;
        }
    }
}

/// `name => value, …`, and the place of what ends them: a semicolon or a closing brace.
fn attributes(values: &Values<'_>, start: usize) -> (Attributes, usize) {
    let (mut attributes, mut at) = (Attributes::new(), start);
    while let Some(token) = values.get(at) {
        if token.is(";") || token.is("}") {
            break;
        }
        if values.is(at + 1, "=>") || values.is(at + 1, "+>") {
            let (value, end) = values.value(at + 2, &[]);
            attributes.insert(token.text.clone(), value);
            at = end.max(at + 2);
            continue;
        }
        at += 1;
    }
    (attributes, at)
}
