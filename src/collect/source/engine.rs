//! One engine for all languages: the grammar's query marks assignments, calls and text; constants are folded
//! within the file and taken over from files it imports; folded text that is SQL, a URL in an HTTP call, or a connection string is evidence.
//! Unknown parts stay `{}`, and a table whose name holds one is a gap, never a table.

use super::modules::{Import, Modules};
use super::place::Where;
use super::settings;
use super::{Language, Nodes, World};
use crate::collect::commands;
use crate::evidence::scrub::names_secret;
use crate::evidence::{
    Action, Basis, Confidence, Evidence, Fact, Gap, GapCode, Mention, MentionKind, Place, Resource, Says,
    Text, Trait,
};
use crate::input::InputFile;
use crate::sql::{Cache, Dialect, Status};
use std::collections::{BTreeMap, BTreeSet};
use streaming_iterator::StreamingIterator;
use tree_sitter::{Node, Parser, Query, QueryCursor, Tree};

/// How deep an expression is folded, and how long text may become.
const MAX_DEPTH: usize = 64;
const MAX_TEXT: usize = 256 * 1024;

/// Words that open SQL worth reading, with what must follow somewhere: prose is not SQL.
const OPENERS: [(&str, &str); 11] = [
    ("select", " from "),
    ("select", "("),
    ("call", "("),
    ("with", " select "),
    ("insert into", ""),
    ("update", " set "),
    ("delete from", ""),
    ("merge into", ""),
    ("truncate", ""),
    ("copy", ""),
    ("refresh materialized", ""),
];

struct File<'a> {
    nodes: &'a Nodes,
    language: &'a Language,
    text: &'a str,
    constants: Constants,
    /// Variables of the environment, as far as a file beside the code sets them.
    environment: Constants,
}

fn looks_like_sql(text: &str) -> bool {
    // Prose may begin like a statement; it does not shout its verb, and it has none of SQL's signs.
    let verb = text.split_whitespace().next().unwrap_or("");
    let shouted = verb.chars().all(|c| c.is_ascii_uppercase());
    let quiet = verb.chars().all(|c| c.is_ascii_lowercase());
    let signs = text.contains(['=', '(', '*', ';', '_', '.', '{']);
    if !(shouted || (quiet && signs)) {
        return false;
    }
    let words: Vec<String> = text.split_whitespace().take(4000).map(str::to_ascii_lowercase).collect();
    let flat = format!("{} ", words.join(" "));
    OPENERS.iter().any(|(opener, needs)| flat.starts_with(&format!("{opener} ")) && flat.contains(needs))
}

impl File<'_> {
    fn of(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    /// The text an expression gives, unknown parts as `{}`; `None`: it is no text.
    fn fold(&self, node: Node<'_>, depth: usize) -> Option<String> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (kind, nodes) = (node.kind(), self.nodes);
        let mut cursor = node.walk();
        let folded = if nodes.string.contains(&kind) {
            let mut out = String::new();
            for child in node.children(&mut cursor) {
                if nodes.content.contains(&child.kind()) {
                    out.push_str(
                        &self.of(child).replace("\\n", "\n").replace("\\\"", "\"").replace("\\'", "'"),
                    );
                } else if nodes.interpolation.contains(&child.kind()) {
                    let inner = child.named_child(0).and_then(|inner| self.fold(inner, depth + 1));
                    out.push_str(&inner.unwrap_or_else(|| "{}".to_owned()));
                }
            }
            Some(out)
        } else if nodes.concatenated.contains(&kind) {
            node.named_children(&mut cursor)
                .map(|child| self.fold(child, depth + 1))
                .collect::<Option<Vec<_>>>()
                .map(|parts| parts.concat())
        } else if nodes.parenthesized.contains(&kind) {
            node.named_child(0).and_then(|inner| self.fold(inner, depth + 1))
        } else if nodes.identifier.contains(&kind) {
            let name = self.of(node);
            // `self.TABLE` and `Order.TABLE` are the file's own; a name of another module is not.
            let own = |(object, last)| {
                let here = matches!(object, "self" | "cls") || object.starts_with(char::is_uppercase);
                if here { self.constants.get(last) } else { None }
            };
            self.constants.get(name).or_else(|| name.rsplit_once('.').and_then(own)).cloned()
        } else if nodes.binary.contains(&kind) {
            self.binary(node, depth)
        } else if nodes.call.contains(&kind) {
            self.call(node, depth)
        } else if nodes.subscript.contains(&kind) {
            self.element(node, depth)
        } else {
            None
        };
        folded.filter(|text| text.len() <= MAX_TEXT)
    }

    fn binary(&self, node: Node<'_>, depth: usize) -> Option<String> {
        let operator = node.child_by_field_name("operator").map(|operator| self.of(operator))?;
        let (left, right) = (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
        match operator {
            "+" => {
                let sides = [self.fold(left, depth + 1), self.fold(right, depth + 1)];
                if sides.iter().all(Option::is_none) {
                    return None;
                }
                Some(sides.map(|side| side.unwrap_or_else(|| "{}".to_owned())).concat())
            }
            "%" => {
                let format = self.fold(left, depth + 1)?;
                let mut cursor = right.walk();
                let values: Vec<String> = match right.kind() {
                    "tuple" => right
                        .named_children(&mut cursor)
                        .map(|v| self.fold(v, depth + 1).unwrap_or("{}".into()))
                        .collect(),
                    _ => vec![self.fold(right, depth + 1).unwrap_or("{}".into())],
                };
                let mut values = values.into_iter();
                let mut parts = format.split("%s");
                let mut out = parts.next().unwrap_or("").to_owned();
                for part in parts {
                    out.push_str(&values.next().unwrap_or_else(|| "{}".to_owned()));
                    out.push_str(part);
                }
                Some(out)
            }
            _ => None,
        }
    }

    /// `os.environ["NAME"]`.
    fn element(&self, node: Node<'_>, depth: usize) -> Option<String> {
        let (table, key) = (node.named_child(0)?, node.named_child(1)?);
        if !self.language.environment_tables.contains(&self.of(table)) {
            return None;
        }
        self.environment.get(&self.fold(key, depth + 1)?).cloned()
    }

    /// `"…".format(a, b)`, and reading a variable of the environment with a default.
    fn call(&self, node: Node<'_>, depth: usize) -> Option<String> {
        let function = node.child_by_field_name("function")?;
        let arguments = node.child_by_field_name("arguments")?;
        let mut cursor = arguments.walk();
        let values: Vec<Node<'_>> = arguments.named_children(&mut cursor).collect();
        let callee = self.of(function);
        if self.language.environment.contains(&callee) {
            let set = values.first().and_then(|name| self.fold(*name, depth + 1));
            let set = set.and_then(|name| self.environment.get(&name).cloned());
            return set.or_else(|| values.get(1).and_then(|default| self.fold(*default, depth + 1)));
        }
        let object = function.child_by_field_name("object")?;
        if !callee.ends_with(".format") {
            return None;
        }
        let format = self.fold(object, depth + 1)?;
        let mut plain = values
            .iter()
            .filter(|v| v.kind() != "keyword_argument")
            .map(|v| self.fold(*v, depth + 1).unwrap_or("{}".into()));
        let named: BTreeMap<&str, String> = values
            .iter()
            .filter_map(|v| {
                Some((
                    self.of(v.child_by_field_name("name")?),
                    self.fold(v.child_by_field_name("value")?, depth + 1)?,
                ))
            })
            .collect();
        let (mut out, mut rest) = (String::new(), format.as_str());
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            out.push_str(before);
            let value = if name.is_empty() || name.bytes().all(|b| b.is_ascii_digit()) {
                plain.next()
            } else {
                named.get(name).cloned()
            };
            out.push_str(&value.unwrap_or_else(|| "{}".to_owned()));
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }
}

/// Names and the text each stands for.
pub type Constants = BTreeMap<String, String>;

/// By group of named values: where it stands, and its pairs of name and value.
type Groups<'t> = BTreeMap<usize, (Node<'t>, Vec<(Node<'t>, Node<'t>)>)>;

/// What the grammar's query marks in a file.
#[derive(Default)]
struct Marked<'t> {
    assigned: Vec<(Node<'t>, Node<'t>)>,
    calls: Vec<(Node<'t>, Node<'t>)>,
    texts: Vec<Node<'t>>,
    ignored: BTreeSet<usize>,
    imports: Vec<Import>,
    /// By group: where it stands, and its named values.
    groups: Groups<'t>,
}

fn mark<'t>(language: &Language, text: &str, root: Node<'t>) -> Marked<'t> {
    let mut marked = Marked::default();
    let Ok(query) = Query::new(&(language.parser)(), language.query) else { return marked };
    let names = query.capture_names();
    let mut cursor = QueryCursor::new();
    let mut matches = cursor.matches(&query, root, text.as_bytes());
    while let Some(found) = matches.next() {
        let get =
            |name: &str| found.captures().iter().find(|c| names[c.index as usize] == name).map(|c| c.node);
        let word = |name: &str| get(name).and_then(|node| text.get(node.byte_range())).map(str::to_owned);
        if let (Some(name), Some(value)) = (get("assign.name"), get("assign.value")) {
            marked.assigned.push((name, value));
        }
        if let (Some(callee), Some(arguments)) = (get("call.callee"), get("call.arguments")) {
            marked.calls.push((callee, arguments));
        }
        if let (Some(group), Some(name), Some(value)) =
            (get("pair.group"), get("pair.name"), get("pair.value"))
        {
            let held = marked.groups.entry(group.id()).or_insert_with(|| (group, Vec::new()));
            held.1.push((name, value));
        }
        if let Some(module) = word("import.module") {
            marked.imports.push(Import { module, name: word("import.name"), alias: word("import.alias") });
        }
        marked.texts.extend(get("text"));
        marked.ignored.extend(get("ignore").map(|node| node.id()));
    }
    marked
}

impl File<'_> {
    /// Learns the constants of the file; a name that is given two different values is none.
    fn learn(&mut self, assigned: &[(Node<'_>, Node<'_>)]) {
        let mut unsure = BTreeSet::new();
        let mut own = BTreeSet::new();
        for (name, value) in assigned {
            // What a secret's name stands for is never put where it is used.
            if let Some(folded) = self.fold(*value, 0).filter(|_| !names_secret(self.of(*name))) {
                let name = self.of(*name).to_owned();
                match self.constants.get(&name) {
                    Some(other) if *other != folded && own.contains(&name) => {
                        unsure.insert(name);
                    }
                    _ => {
                        own.insert(name.clone());
                        self.constants.insert(name, folded);
                    }
                }
            }
        }
        for name in unsure {
            self.constants.remove(&name);
        }
    }
}

fn tree_of(language: &Language, text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&(language.parser)()).ok()?;
    parser.parse(text, None)
}

/// The constants of a file by themselves.
pub fn constants(language: &Language, text: &str, environment: Constants) -> Constants {
    let Some(tree) = tree_of(language, text) else { return Constants::new() };
    let marked = mark(language, text, tree.root_node());
    let constants = Constants::new();
    let mut file = File { nodes: &language.nodes, language, text, constants, environment };
    file.learn(&marked.assigned);
    file.constants
}

/// Reads a file.
pub fn read(
    language: &Language,
    input: &InputFile,
    text: &str,
    at: &Where,
    modules: &Modules<'_>,
    world: &World<'_>,
) -> Evidence {
    let mut out = Evidence::new();
    let Some(tree) = tree_of(language, text) else {
        let detail = "the parser gave up on this file";
        out.add_gap(Gap::new(Place::whole(&input.path), GapCode::Unparsed, detail));
        return out;
    };
    let marked = mark(language, text, tree.root_node());
    let constants = modules.imported(input, language, &marked.imports);
    let environment = modules.environment(input);
    let mut file = File { nodes: &language.nodes, language, text, constants, environment };
    file.learn(&marked.assigned);
    let cache = Cache::of_unknown(Dialect::Postgres);
    let mut say = Sayer { file: &file, input, at, cache: &cache, world, told: Vec::new(), out: &mut out };
    say.assignments(&marked.assigned);
    say.connections(&marked.groups);
    say.calls(&marked.calls);
    say.texts(&marked.texts, &marked.ignored);
    out
}

struct Sayer<'a> {
    file: &'a File<'a>,
    input: &'a InputFile,
    at: &'a Where,
    cache: &'a Cache,
    world: &'a World<'a>,
    /// Byte ranges that were read as commands: their texts are told.
    told: Vec<std::ops::Range<usize>>,
    out: &'a mut Evidence,
}

impl Sayer<'_> {
    fn place(&self, node: Node<'_>) -> Place {
        Place::line(&self.input.path, node.start_position().row as u64 + 1)
    }

    fn orm(&mut self, node: Node<'_>, name: &str) {
        let mut what = self.at.what(Action::Read, Resource::table(name.split('.').map(Text::from).collect()));
        // A class maps its table; what is done with it the mapping does not tell.
        what.confidence = Confidence::Medium;
        what.traits.insert(Trait::named("orm-model"));
        let place = self.place(node);
        self.out.add_written(what, place);
    }

    fn assignments(&mut self, assigned: &[(Node<'_>, Node<'_>)]) {
        // A schema beside the table name belongs to it (SQLAlchemy's __table_args__).
        for (name, value) in assigned {
            if self.file.language.tables_assigned.contains(&self.file.of(*name))
                && let Some(table) = self.file.fold(*value, 0).filter(|table| !table.contains("{}"))
            {
                let schema = assigned.iter().find_map(|(other, value)| {
                    let same = other
                        .parent()
                        .and_then(|n| n.parent())
                        .and_then(|n| n.parent())
                        .map(|n| n.id())
                        == name.parent().and_then(|n| n.parent()).and_then(|n| n.parent()).map(|n| n.id());
                    let text = self.file.of(*value);
                    let found = (same && self.file.of(*other) == "__table_args__")
                        .then(|| text.split("schema").nth(1))
                        .flatten()?;
                    found
                        .split(['"', '\''])
                        .find(|part| {
                            part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !part.is_empty()
                        })
                        .map(str::to_owned)
                });
                let full = schema.map_or(table.clone(), |schema| format!("{schema}.{table}"));
                self.orm(*value, &full);
            }
        }
    }

    /// `connect(host=…, dbname=…, user=…)`, `{"HOST": …, "NAME": …, "USER": …}`.
    fn connections(&mut self, groups: &Groups<'_>) {
        for (group, pairs) in groups.values() {
            let named: BTreeMap<String, String> = pairs
                .iter()
                .filter_map(|(name, value)| {
                    let name = self.file.fold(*name, 0).unwrap_or_else(|| self.file.of(*name).to_owned());
                    Some((name.to_ascii_lowercase(), self.file.fold(*value, 0)?))
                })
                .collect();
            let place = self.place(*group);
            settings::connect_named(&named, self.at, place, self.out);
        }
    }

    /// A command that the code runs: what it does is what the code does.
    fn shell(&mut self, callee: Node<'_>, argument: Node<'_>) {
        let nodes = &self.file.language.nodes;
        let text = if nodes.list.contains(&argument.kind()) {
            let mut cursor = argument.walk();
            let quoted = |node: Node<'_>| match self.file.fold(node, 0) {
                Some(word) if !word.contains('\'') => format!("'{word}'"),
                _ => "\"$UNKNOWN\"".to_owned(),
            };
            argument.named_children(&mut cursor).map(quoted).collect::<Vec<_>>().join(" ")
        } else {
            self.file.fold(argument, 0).unwrap_or_default()
        };
        if text.trim().is_empty() {
            return;
        }
        self.told.push(argument.byte_range());
        let (host, inputs) = (self.input.host.clone(), self.world.inputs);
        let files = move |path: &str| inputs.find(host.as_deref(), path)?.text().ok();
        let context = commands::Context {
            host: self.input.host.clone(),
            account: None,
            actor: self.at.actor.clone(),
            about: Mention::new(MentionKind::Code, self.at.script.clone()),
            input: self.input.path.clone(),
            first_line: callee.start_position().row as u64 + 1,
            scope: self.at.scope,
            basis: Basis::Written,
            vantage: Text::from("source"),
            env: self.file.environment.clone(),
            own_folder: self.input.inner.rsplit_once('/').map(|(folder, _)| folder.to_owned()),
            files: &files,
        };
        self.out.merge(commands::read(&text, &context).evidence);
    }

    fn calls(&mut self, calls: &[(Node<'_>, Node<'_>)]) {
        for (callee, arguments) in calls {
            let callee_text = self.file.of(*callee).to_owned();
            if self.file.language.shells.contains(&callee_text.as_str())
                && let Some(argument) = arguments.named_child(0)
            {
                self.shell(*callee, argument);
                continue;
            }
            let last = callee_text.rsplit('.').next().unwrap_or(&callee_text).to_ascii_lowercase();
            let first = arguments.named_child(0).and_then(|first| self.file.fold(first, 0));
            let Some(first) = first else { continue };
            if self.file.language.tables_called.contains(&callee_text.as_str())
                && !first.contains("{}")
                && !first.is_empty()
            {
                self.orm(*callee, &first);
            }
            let lower = callee_text.to_ascii_lowercase();
            if first.contains("://") && self.file.language.http.iter().any(|word| lower.contains(word)) {
                let method = match last.as_str() {
                    "post" | "put" | "delete" | "patch" | "head" => last.to_ascii_uppercase(),
                    _ => "GET".to_owned(),
                };
                if let Some(resource) = commands::http_endpoint(&method, &first) {
                    let place = self.place(*callee);
                    self.out.add_written(self.at.what(Action::Call, resource), place);
                }
            }
        }
    }

    fn texts(&mut self, texts: &[Node<'_>], ignored: &BTreeSet<usize>) {
        let nodes = &self.file.language.nodes;
        for node in texts {
            // Only the outermost expression counts; what it is made of was folded into it.
            let mut outer = *node;
            let mut part = ignored.contains(&node.id())
                || self.told.iter().any(|told| told.contains(&node.start_byte()));
            while let Some(parent) = outer.parent() {
                let kind = parent.kind();
                let folding = nodes.binary.contains(&kind)
                    || nodes.concatenated.contains(&kind)
                    || nodes.interpolation.contains(&kind);
                let formats = nodes.identifier.contains(&kind);
                if folding {
                    part = true;
                    break;
                }
                if !formats && !nodes.parenthesized.contains(&kind) {
                    break;
                }
                outer = parent;
            }
            if part {
                continue;
            }
            // `"…".format(…)`: the call around it gives the text.
            let around = outer
                .parent()
                .filter(|parent| nodes.call.contains(&parent.kind()) && outer.id() != node.id());
            let folded = around.and_then(|call| self.file.fold(call, 0)).or_else(|| self.file.fold(*node, 0));
            let Some(text) = folded else { continue };
            if text.ends_with(".sql") && text.len() < 200 && !text.contains([' ', '{', '\n']) {
                // A file of statements that the code reads is a part of the code.
                let (about, basis) =
                    (Mention::new(MentionKind::Code, self.at.script.clone()), Basis::Written);
                let says = Says::Includes(Text::from(text.as_str()));
                let (scope, place) = (self.at.scope, self.place(*node));
                self.out.add_fact(Fact { about, says, basis, scope, span: None, place });
                continue;
            }
            let pairs = text.contains("host=") && text.contains("dbname=");
            if pairs || (text.starts_with("postgres") && text.contains("://")) {
                let place = self.place(*node);
                settings::connect(&text, self.at, place, self.out);
            } else if looks_like_sql(&text) {
                self.sql(*node, &text);
            }
        }
    }

    fn sql(&mut self, node: Node<'_>, text: &str) {
        let understood = self.cache.understand(text);
        // Without FROM it is SQL only if the parser says so and it calls something.
        let calls_only = !text.to_ascii_lowercase().contains("from") && understood.analysis.tables.is_empty();
        if calls_only
            && (understood.analysis.status != Status::Parsed || understood.analysis.routines.is_empty())
        {
            return;
        }
        let place = self.place(node);
        let mut unknown = text.contains("from {}") || text.contains("FROM {}");
        for table in &understood.analysis.tables {
            if table.parts.iter().any(|part| part.contains(['{', '}', '?'])) {
                unknown = true;
                continue;
            }
            let mut what = self.at.what(table.action, Resource::table(table.parts.clone()));
            what.shape = understood.shape.clone();
            what.traits = understood.analysis.traits.clone();
            what.confidence = table.confidence;
            what.class = understood.class;
            self.out.add_written(what, place.clone());
        }
        for name in &understood.analysis.routines {
            let mut what = self.at.what(Action::Call, Resource::routine(name.clone()));
            what.shape = understood.shape.clone();
            what.confidence = Confidence::Medium;
            self.out.add_written(what, place.clone());
        }
        if unknown {
            let detail = "a statement whose table is only known when it runs";
            self.out.add_gap(Gap::new(place.clone(), GapCode::Unresolved, detail));
        }
        if understood.analysis.status == Status::Tokens {
            let detail = "a statement the parser does not take; its tables were told from tokens";
            self.out.add_gap(Gap::new(place, GapCode::Unparsed, detail));
        }
    }
}
