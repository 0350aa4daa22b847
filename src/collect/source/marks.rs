//! What a grammar's query marks in a file: the capture vocabulary of `grammars/README.md`. It never folds and
//! never concludes.

use super::language::Language;
use super::modules::Import;
use std::collections::{BTreeMap, BTreeSet};
use streaming_iterator::StreamingIterator;
use tree_sitter::{Node, Parser, QueryCursor, Tree};

/// By group of named values: where it stands, and its pairs of name and value.
pub type Groups<'t> = BTreeMap<usize, (Node<'t>, Vec<(Node<'t>, Node<'t>)>)>;

/// A name with the value that it is given.
pub type Assigned<'t> = (Node<'t>, Node<'t>);

/// An annotation or decorator.
#[derive(Clone, Copy)]
pub struct Annotation<'t> {
    /// What it stands at.
    pub on: Node<'t>,
    /// Its name.
    pub name: Node<'t>,
    /// Its arguments, where it has some.
    pub arguments: Option<Node<'t>>,
}

/// What the query marks.
#[derive(Default)]
pub struct Marked<'t> {
    /// Names that are made with a value.
    pub assigned: Vec<Assigned<'t>>,
    /// Names that are given another value.
    pub reassigned: Vec<Assigned<'t>>,
    /// Names that a text is put behind.
    pub appended: Vec<Assigned<'t>>,
    /// Names that hold something nobody can tell: parameters.
    pub unknown: Vec<Node<'t>>,
    /// Calls: what is called, its arguments.
    pub calls: Vec<(Node<'t>, Node<'t>)>,
    /// Annotations.
    pub annotations: Vec<Annotation<'t>>,
    /// Expressions that may be text.
    pub texts: Vec<Node<'t>>,
    /// Text that is none.
    pub ignored: BTreeSet<usize>,
    /// Imports.
    pub imports: Vec<Import>,
    /// What the file gives others by default.
    pub exported: Vec<Node<'t>>,
    /// Named values that stand together.
    pub groups: Groups<'t>,
}

/// The tree of a text.
pub fn tree_of(language: &Language, text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&(language.parser)()).ok()?;
    parser.parse(text, None)
}

/// Marks a tree.
pub fn mark<'t>(language: &Language, text: &str, root: Node<'t>) -> Marked<'t> {
    let mut marked = Marked::default();
    let Some(query) = language.query() else { return marked };
    let names = query.capture_names();
    let mut cursor = QueryCursor::new();
    let mut matches = cursor.matches(query, root, text.as_bytes());
    let (mut annotated, mut beside) = (BTreeSet::new(), BTreeSet::new());
    while let Some(found) = matches.next() {
        let get =
            |name: &str| found.captures().iter().find(|c| names[c.index as usize] == name).map(|c| c.node);
        let pair = |name: &str, value: &str| Some((get(name)?, get(value)?));
        let word = |name: &str| get(name).and_then(|node| text.get(node.byte_range())).map(str::to_owned);
        marked.assigned.extend(pair("assign.name", "assign.value"));
        marked.reassigned.extend(pair("reassign.name", "reassign.value"));
        marked.appended.extend(pair("append.name", "append.value"));
        marked.calls.extend(pair("call.callee", "call.arguments"));
        marked.unknown.extend(get("unknown.name"));
        marked.exported.extend(get("export.value"));
        if let (Some(on), Some(name)) = (get("annotation.on"), get("annotation.name")) {
            let arguments = get("annotation.arguments");
            // An optional capture matches with and without: the first, with, holds.
            if annotated.insert(name.id()) {
                marked.annotations.push(Annotation { on, name, arguments });
            }
        }
        if let (Some(group), Some(pair)) = (get("pair.group"), pair("pair.name", "pair.value")) {
            marked.groups.entry(group.id()).or_insert_with(|| (group, Vec::new())).1.push(pair);
        }
        if let Some(module) = word("import.module") {
            let (name, alias) = (word("import.name"), word("import.alias"));
            let default = get("import.default").is_some();
            marked.imports.push(Import { module, name, alias, default });
        }
        if let Some(module) = word("import.beside").filter(|class| beside.insert(class.clone())) {
            marked.imports.push(Import { module, name: None, alias: None, default: false });
        }
        marked.texts.extend(get("text"));
        marked.ignored.extend(get("ignore").map(|node| node.id()));
    }
    marked
}
