//! One Puppet manifest: its resources, resource defaults, variables, and the classes, defined types, nodes and loops
//! they stand in (Puppet's language reference). It evaluates nothing: both branches of a
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
    /// The loops of the manifest around it, outer ones first.
    pub loops: Vec<usize>,
}

/// Resources that a function makes of data: `create_resources`, `ensure_resource` and its like.
pub(super) struct Computed {
    /// Their type, as written.
    pub kind: Node,
    /// Titles with what each is given; where only titles are told, the attributes of all of them are below.
    pub of: Node,
    /// What all of them are given.
    pub shared: Node,
    /// In which definition it stands.
    pub owner: Option<usize>,
    /// What must hold for it.
    pub conditions: Conditions,
    /// The loops around it, outer ones first.
    pub loops: Vec<usize>,
    /// Its line.
    pub line: u64,
}

/// A loop: `over.each |$names| { … }`.
pub(super) struct Loop {
    /// What it goes over.
    pub over: Node,
    /// What it calls each element.
    pub names: Vec<String>,
    span: (usize, usize),
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
    /// What functions make of data.
    pub computed: Vec<Computed>,
    /// Its loops, outer ones first.
    pub loops: Vec<Loop>,
    /// What did not end, and where it began.
    pub broken: Option<(u64, &'static str)>,
}

/// How many words of what a loop goes over are looked at.
const MAX_SUBJECT: usize = 2_000;
/// How many loops of one manifest are told apart; what stands in later ones is told once.
const MAX_LOOPS: usize = 500;

impl Manifest {
    /// The definition and the loops around a place.
    fn around(&self, at: usize) -> (Option<usize>, Vec<usize>) {
        let owner = self.definitions.iter().rposition(|it| it.span.0 < at && at < it.span.1);
        let loops = self.loops.iter().enumerate().filter(|(_, it)| it.span.0 < at && at < it.span.1);
        (owner, loops.map(|(index, _)| index).collect())
    }

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
                let alone =
                    end == at + 3 || matches!(value.kind, Kind::List(_) | Kind::Map(_) | Kind::Call(_));
                let value = if alone { value } else { values.value_of_one(at + 2) };
                let told = manifest.variables.entry(token.text[1..].to_owned()).or_default();
                told.push((value, blocks.around(at)));
                at + 2
            }
            Word::Word if token.text == "each" => each(&values, at, &mut manifest),
            Word::Word if values.is(at + 1, "(") => computed(&values, at, &blocks, &mut manifest),
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
    /// The value that ends where the next statement of Puppet begins, as far as one word, a list, a map, a call or a
    /// choice tells.
    fn value_of_one(&self, at: usize) -> Node {
        let mut end = if self.is(at, "[") || self.is(at, "{") { self.closing(at) + 1 } else { at + 1 };
        while self.is(end, "[") || (end == at + 1 && self.is(end, "(")) {
            end = self.closing(end) + 1;
        }
        if self.is(end, "?") && self.is(end + 1, "{") {
            end = self.closing(end + 1) + 1;
        }
        let last = self.get(end.saturating_sub(1)).map_or(0, |last| last.line);
        let begins = |token: &Token| token.kind != Word::Sign && token.line > last;
        if !self.get(end).is_none_or(|next| begins(next) || next.is("}")) {
            return super::super::values::scalar(0, "${}");
        }
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

/// `create_resources('cron', …)` and its like: resources that only data tells; where reading goes on.
fn computed(values: &Values<'_>, at: usize, blocks: &Blocks, manifest: &mut Manifest) -> usize {
    let token = &values.tokens[at];
    let makes = ["create_resources", "ensure_resource", "ensure_resources"].contains(&token.text.as_str());
    if !makes {
        return at + 1;
    }
    let mut arguments = Vec::new();
    let (mut next, end) = (at + 2, values.closing(at + 1));
    while next < end {
        let (value, stop) = values.value(next, &[]);
        arguments.push(value);
        next = stop.max(next) + 1;
    }
    let mut arguments = arguments.into_iter();
    if let (Some(kind), Some(of)) = (arguments.next(), arguments.next()) {
        let shared = arguments.next().unwrap_or(Node { line: token.line, kind: Kind::Map(Vec::new()) });
        let (owner, loops) = manifest.around(at);
        let (conditions, line) = (blocks.around(at), token.line);
        manifest.computed.push(Computed { kind, of, shared, owner, conditions, loops, line });
    }
    at + 1
}

/// `over.each |$a, $b| {` and `each(over) |$a| {`; where reading goes on.
fn each(values: &Values<'_>, at: usize, manifest: &mut Manifest) -> usize {
    let method = at.checked_sub(1).is_some_and(|before| values.is(before, "."));
    let bar = if method { at + 1 } else { values.closing(at + 1) + 1 };
    if !values.is(bar, "|") || (!method && !values.is(at + 1, "(")) || manifest.loops.len() >= MAX_LOOPS {
        return at + 1;
    }
    let Some(length) = values.tokens[bar + 1..].iter().position(|token| token.is("|")) else { return at + 1 };
    let (inside, open) = (bar + 1..bar + 1 + length, bar + 2 + length);
    if !values.is(open, "{") {
        return at + 1;
    }
    let over = if method { subject(values, at - 1) } else { Some(values.within(at + 2, bar - 1)) };
    let names = values.tokens[inside].iter().filter_map(|token| token.text.strip_prefix('$'));
    let names = names.map(str::to_owned).collect();
    let over = over.unwrap_or_else(|| super::super::values::scalar(0, "${}"));
    manifest.loops.push(Loop { over, names, span: (open, values.closing(open)) });
    open + 1
}

/// What stands in front of a method's point, where it is one variable, list, map or call.
fn subject(values: &Values<'_>, point: usize) -> Option<Node> {
    let last = values.get(point.checked_sub(1)?)?;
    let mut start = point - 1;
    if last.kind == Word::Sign {
        // What a bracket closes begins where the bracket is opened.
        start = (point.saturating_sub(MAX_SUBJECT)..point).rev().find(|at| {
            ["(", "[", "{"].iter().any(|sign| values.is(*at, sign)) && values.closing(*at) == point - 1
        })?;
        let word = start.checked_sub(1).and_then(|at| values.get(at)).is_some_and(|it| it.kind == Word::Word);
        let beside = word && values.tokens[start - 1].span.1 == values.tokens[start].span.0;
        start -= usize::from(beside);
    }
    let chained = start.checked_sub(1).is_some_and(|at| values.is(at, ".") || values.is(at, "|"));
    (!chained).then(|| values.within(start, point))
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
    let (owner, loops) = manifest.around(at);
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
                let (conditions, loops) = (conditions.clone(), loops.clone());
                manifest.resources.push(Resource { kind, title, attributes, owner, conditions, loops });
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
