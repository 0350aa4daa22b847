//! Python as text that holds schedules: its calls, what is given a name, loops over literal lists. Names of the same file
//! are followed where they are given one value; nothing is run, no other file is read, and what only a run can tell stays
//! unknown. The places that know a scheduler's own calls stand beside it.

mod function;
mod value;

pub(super) use function::function;
pub(super) use value::{Call, Value};

use crate::evidence::{Evidence, Gap, GapCode, Place};
use crate::input::{HEAD_BYTES, InputFile};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
pub(super) use tree_sitter::Node;
use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

/// How many nodes a file's tree may have.
const MAX_NODES: usize = 1_000_000;
/// How often the parser may report that it goes on, which it does every hundred steps.
const MAX_STEPS: usize = 60_000;
/// How deep brackets may stand in each other.
const MAX_NESTED: usize = 1_000;
/// How many rounds of loops over literal lists one call is looked at in.
pub(super) const MAX_ROUNDS: usize = 200;
/// How many values of one file are put together, names followed.
const MAX_VALUES: usize = 500_000;
/// How many parts a name with dots may have.
const MAX_PARTS: usize = 200;

/// What is looked for around a call.
const FRAMES: [&str; 5] =
    ["for_statement", "function_definition", "lambda", "with_statement", "decorated_definition"];

/// Names of loops and what they stand for in one round.
pub(super) type Round<'t> = Vec<(&'t str, Value)>;

/// What a file gives a name, an attribute or an entry of a table.
pub(super) struct Given<'t> {
    /// The name with dots: `app.conf.beat_schedule`; of an entry, that of its table.
    pub name: String,
    /// The key, where an entry of a table is given a value.
    pub key: Option<Node<'t>>,
    /// The value.
    pub value: Node<'t>,
}

/// One file.
pub(super) struct Module<'t> {
    text: &'t str,
    /// What is given a name, in the order of the file.
    pub given: Vec<Given<'t>>,
    /// Its calls, in the order of the file.
    pub calls: Vec<Node<'t>>,
    /// Tables as they are written, in the order of the file.
    pub tables: Vec<Node<'t>>,
    /// Functions with decorators.
    pub decorated: Vec<Node<'t>>,
    /// By name: which of `given` give it a value, with the function around each.
    by_name: BTreeMap<String, Vec<(usize, usize)>>,
    /// By name as it is used: what was imported.
    imports: BTreeMap<&'t str, String>,
    /// Loops, functions, `with` and decorated definitions, in the order of the file, and the one around each.
    frames: Vec<(Node<'t>, Option<usize>)>,
    /// How many values may still be put together.
    values_left: Cell<usize>,
}

/// Whether a file of Python has one of the words, looked for in all of it.
pub(super) fn has_words(file: &InputFile, words: &[&str]) -> bool {
    if !file.name().ends_with(".py") {
        return false;
    }
    let has = |bytes: &[u8]| words.iter().any(|word| memchr::memmem::find(bytes, word.as_bytes()).is_some());
    has(&file.head) || (file.size > HEAD_BYTES as u64 && file.text().is_ok_and(|text| has(text.as_bytes())))
}

/// Parses a file; one that goes beyond the limits is a gap.
pub(super) fn parse(file: &InputFile, text: &str, out: &mut Evidence) -> Option<Tree> {
    match tree(text) {
        Ok(tree) => Some(tree),
        Err(limit) => {
            let detail = format!("{limit} reached: the schedules of this file were not read");
            out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Limit, detail));
            None
        }
    }
}

fn tree(text: &str) -> Result<Tree, &'static str> {
    let mut open = 0usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_NESTED {
            return Err("MAX_NESTED");
        }
    }
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).map_err(|_| "the parser's version")?;
    let mut steps = 0;
    let mut count = |_: &ParseState| {
        steps += 1;
        if steps > MAX_STEPS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut count);
    let mut rest = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut rest, None, Some(options)).ok_or("MAX_STEPS")?;
    if tree.root_node().descendant_count() > MAX_NODES { Err("MAX_NODES") } else { Ok(tree) }
}

/// The line a node begins on, counted from 1.
pub(super) fn line(node: Node<'_>) -> u64 {
    node.start_position().row as u64 + 1
}

impl<'t> Module<'t> {
    /// Of a tree and its text.
    pub fn of(tree: &'t Tree, text: &'t str) -> Module<'t> {
        let (given, calls, tables, decorated, by_name, imports, frames) = Default::default();
        let values_left = Cell::new(MAX_VALUES);
        let mut module =
            Module { text, given, calls, tables, decorated, by_name, imports, frames, values_left };
        let mut cursor = tree.root_node().walk();
        'walk: loop {
            module.see(cursor.node());
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    break 'walk;
                }
            }
        }
        module
    }

    fn see(&mut self, node: Node<'t>) {
        if FRAMES.contains(&node.kind()) {
            let around = self.frame_around(node);
            self.frames.push((node, around));
        }
        match node.kind() {
            "call" => self.calls.push(node),
            "dictionary" => self.tables.push(node),
            "decorated_definition" => self.decorated.push(node),
            "import_from_statement" | "import_statement" => self.import(node),
            "assignment" | "augmented_assignment" => {
                let sides = (node.child_by_field_name("left"), node.child_by_field_name("right"));
                if let (Some(left), Some(value)) = sides {
                    self.give(left, value, node.kind() == "augmented_assignment");
                }
            }
            _ => {}
        }
    }

    /// The innermost frame around a node.
    fn frame_around(&self, node: Node<'t>) -> Option<usize> {
        let (start, end) = (node.start_byte(), node.end_byte());
        let mut at = self.frames.partition_point(|(frame, _)| frame.start_byte() <= start).checked_sub(1);
        while let Some(own) = at.filter(|at| {
            let frame = self.frames[*at].0;
            frame.end_byte() < end || frame == node
        }) {
            at = self.frames[own].1;
        }
        at
    }

    /// Loops, functions, `with` and decorated definitions around a node, from the inside.
    pub fn around(&self, node: Node<'t>) -> impl Iterator<Item = Node<'t>> {
        std::iter::successors(self.frame_around(node), |at| self.frames[*at].1).map(|at| self.frames[at].0)
    }

    /// The function that a node stands in.
    pub fn function_around(&self, node: Node<'t>) -> Option<Node<'t>> {
        self.around(node).find(|node| is_function(*node))
    }

    fn give(&mut self, left: Node<'t>, value: Node<'t>, again: bool) {
        let (left, key) = match left.kind() {
            "subscript" => {
                let parts = (left.child_by_field_name("value"), left.child_by_field_name("subscript"));
                let (Some(table), Some(key)) = parts else { return };
                (table, Some(key))
            }
            _ => (left, None),
        };
        let Some(name) = self.dotted(left) else { return };
        if key.is_none() {
            let function = self.function_around(left).map_or(0, |node| node.start_byte());
            let times = self.by_name.entry(name.clone()).or_default();
            times.push((self.given.len(), function));
            // A value that is added to is not the one that was written.
            if again {
                times.push((self.given.len(), function));
            }
        }
        self.given.push(Given { name, key, value });
    }

    fn import(&mut self, node: Node<'t>) {
        let module = node.child_by_field_name("module_name").map(|module| self.of_node(module));
        let mut cursor = node.walk();
        for name in node.children_by_field_name("name", &mut cursor) {
            let (own, alias) = match name.kind() {
                "aliased_import" => (name.child_by_field_name("name"), name.child_by_field_name("alias")),
                _ => (Some(name), None),
            };
            let Some(own) = own.map(|own| self.of_node(own)) else { continue };
            let used = alias.map_or(own, |alias| self.of_node(alias));
            match (module, alias) {
                (Some(module), _) => self.imports.insert(used, format!("{module}.{own}")),
                (None, Some(_)) => self.imports.insert(used, own.to_owned()),
                (None, None) => None,
            };
        }
    }

    /// Reports the limit on values, if it was reached.
    pub fn report_limit(&self, file: &InputFile, out: &mut Evidence) {
        if self.values_left.get() == 0 {
            let detail = "MAX_VALUES reached: what came after was taken for unknown".to_owned();
            out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Limit, detail));
        }
    }

    /// The text of a node.
    pub fn of_node(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    /// A name with dots, as it is written; a call within is `()`.
    pub fn dotted(&self, node: Node<'t>) -> Option<String> {
        let (mut parts, mut node) = (Vec::new(), node);
        for _ in 0..MAX_PARTS {
            match node.kind() {
                "identifier" => {
                    parts.push(self.of_node(node));
                    parts.reverse();
                    return Some(parts.join("."));
                }
                "attribute" => {
                    parts.push(self.of_node(node.child_by_field_name("attribute")?));
                    node = node.child_by_field_name("object")?;
                }
                "call" | "subscript" | "string" if !parts.is_empty() => {
                    parts.push("()");
                    parts.reverse();
                    return Some(parts.join("."));
                }
                _ => return None,
            }
        }
        None
    }

    /// A name with what its first part was imported as: `datetime.timedelta`.
    pub fn origin(&self, name: &str) -> String {
        let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
        match (self.imports.get(first), rest) {
            (Some(origin), Some(rest)) => format!("{origin}.{rest}"),
            (Some(origin), None) => origin.clone(),
            (None, _) => name.to_owned(),
        }
    }

    /// What a name stands for where it is used, if it is given one value there.
    fn named(&self, name: &str, at: Node<'t>) -> Option<Node<'t>> {
        let held = self.by_name.get(name)?;
        let functions = self.around(at).filter(|node| is_function(*node)).map(Some);
        for function in functions.chain(std::iter::once(None)) {
            let scope = function.map_or(0, |node| node.start_byte());
            let mut own = held.iter().filter(|(_, around)| *around == scope);
            if let Some((index, _)) = own.next() {
                return own.next().is_none().then(|| self.given[*index].value);
            }
            if self.has_parameter(function?, name) {
                return None;
            }
        }
        None
    }

    fn has_parameter(&self, function: Node<'t>, name: &str) -> bool {
        let Some(parameters) = function.child_by_field_name("parameters") else { return false };
        let mut cursor = parameters.walk();
        parameters.named_children(&mut cursor).any(|parameter| {
            let own = match parameter.kind() {
                "identifier" => Some(parameter),
                _ => parameter.child_by_field_name("name").or_else(|| parameter.named_child(0)),
            };
            own.is_some_and(|own| self.of_node(own) == name)
        })
    }

    /// The rounds of the loops around a node within its function: one where there is no loop. Whether
    /// [`MAX_ROUNDS`] was reached.
    pub fn rounds(&self, node: Node<'t>) -> (Vec<Round<'t>>, bool) {
        let mut loops: Vec<Node<'t>> = self
            .around(node)
            .take_while(|node| !is_function(*node))
            .filter(|node| node.kind() == "for_statement")
            .collect();
        loops.reverse();
        let (mut rounds, mut full) = (vec![Round::new()], false);
        for each in loops {
            let sides = (each.child_by_field_name("left"), each.child_by_field_name("right"));
            let (Some(left), Some(right)) = sides else { continue };
            let mut more = Vec::new();
            for round in &rounds {
                let items = match self.value(right, round) {
                    Value::List(items) => items,
                    Value::Table(entries) => entries.into_iter().map(|(key, _)| key).collect(),
                    _ => vec![Value::Unknown(self.of_node(left).to_owned())],
                };
                for item in items {
                    if more.len() == MAX_ROUNDS {
                        full = true;
                        break;
                    }
                    let mut next = round.clone();
                    self.bind(left, item, &mut next);
                    more.push(next);
                }
            }
            rounds = more;
        }
        (rounds, full)
    }

    fn bind(&self, left: Node<'t>, item: Value, round: &mut Round<'t>) {
        if left.kind() == "identifier" {
            round.push((self.of_node(left), item));
            return;
        }
        let mut cursor = left.walk();
        let names: Vec<Node<'t>> = left.named_children(&mut cursor).collect();
        let items = match item {
            Value::List(items) if items.len() == names.len() => items,
            _ => names.iter().map(|name| Value::Unknown(self.of_node(*name).to_owned())).collect(),
        };
        for (name, item) in names.into_iter().zip(items) {
            if name.kind() == "identifier" {
                round.push((self.of_node(name), item));
            }
        }
    }

    /// The decorators of a definition, and its name.
    pub fn decorators(&self, decorated: Node<'t>) -> (Vec<Node<'t>>, &'t str) {
        let mut cursor = decorated.walk();
        let all = decorated.named_children(&mut cursor).filter(|node| node.kind() == "decorator");
        let decorators = all.filter_map(|decorator| decorator.named_child(0)).collect();
        let name = decorated.child_by_field_name("definition").and_then(|it| it.child_by_field_name("name"));
        (decorators, name.map_or("", |name| self.of_node(name)))
    }
}

fn is_function(node: Node<'_>) -> bool {
    matches!(node.kind(), "function_definition" | "lambda")
}

/// `component/file` without its ending, as jobs of an application are told apart by.
pub(super) fn component(file: &InputFile) -> String {
    let path = file.path.strip_suffix(".py").unwrap_or(&file.path);
    let mut parts = path.rsplit('/');
    let own = parts.next().unwrap_or(path);
    parts.next().map_or(own.to_owned(), |folder| format!("{folder}/{own}"))
}
