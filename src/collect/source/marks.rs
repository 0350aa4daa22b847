//! What a grammar's query marks in a file: the capture vocabulary of `grammars/README.md`. It never folds and
//! never concludes.

use super::language::Language;
use super::modules::Import;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use streaming_iterator::StreamingIterator;
use tree_sitter::{Node, ParseOptions, ParseState, Parser, QueryCursor, Tree};

/// How many nodes may stand in each other: each holds patterns open until it ends.
pub const MAX_NESTED: usize = 4000;
/// How many nodes a file's tree may have: nobody writes as many, and each takes some hundred bytes until the file
/// is read.
pub const MAX_NODES: usize = 1_000_000;
/// How often the parser may report that it goes on, which it does every hundred steps: what is no code at all may
/// keep it for as long as its square.
pub const MAX_STEPS: usize = 60_000;
/// How many parts may stand side by side in what the parser does not take: the query looks at all that follow each.
pub const MAX_BROKEN: u32 = 10_000;

/// Why a file has no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTree {
    /// [`MAX_NESTED`].
    Nested,
    /// [`MAX_NODES`].
    Nodes,
    /// [`MAX_STEPS`].
    Steps,
    /// [`MAX_BROKEN`].
    Broken,
    /// There is no parser for it.
    Parser,
}

impl NoTree {
    /// What a gap says of it.
    pub fn detail(self) -> String {
        let why = match self {
            NoTree::Nested => format!("MAX_NESTED: more than {MAX_NESTED} expressions stand in each other"),
            NoTree::Nodes => format!("MAX_NODES: it has more than {MAX_NODES} parts"),
            NoTree::Steps => format!("MAX_STEPS: parsing it takes more than {MAX_STEPS} hundred steps"),
            NoTree::Broken => format!("MAX_BROKEN: more than {MAX_BROKEN} parts of it are no code"),
            NoTree::Parser => "its parser does not load".to_owned(),
        };
        format!("{why}; nothing of it was read")
    }
}

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
    /// The same, by the node they stand at.
    pub annotated: BTreeMap<usize, Vec<Annotation<'t>>>,
    /// Expressions that may be text.
    pub texts: Vec<Node<'t>>,
    /// Text that is none.
    pub ignored: BTreeSet<usize>,
    /// Imports.
    pub imports: Vec<Import>,
    /// What the file gives others by default.
    pub exported: Vec<Node<'t>>,
    /// Names under which the file gives others its own: the name, what it is here.
    pub given: Vec<Assigned<'t>>,
    /// Named values that stand together.
    pub groups: Groups<'t>,
    /// What is above all of these.
    pub parents: Parents<'t>,
}

impl<'t> Marked<'t> {
    /// The annotations that stand at a node.
    pub fn at(&self, node: Node<'_>) -> &[Annotation<'t>] {
        self.annotated.get(&node.id()).map_or(&[], Vec::as_slice)
    }
}

/// The nodes above the marked ones. A tree finds what is above a node by going down from its root, which takes
/// as long as the node is deep.
#[derive(Default)]
pub struct Parents<'t>(HashMap<usize, Node<'t>, foldhash::fast::FixedState>);

impl<'t> Parents<'t> {
    fn of(root: Node<'t>, marked: &HashSet<usize, foldhash::fast::FixedState>) -> Parents<'t> {
        let mut above = HashMap::default();
        let (mut cursor, mut inside) = (root.walk(), vec![root]);
        'walk: loop {
            if marked.contains(&cursor.node().id()) {
                // What is above a node that is held is held already.
                for pair in inside.windows(2).rev() {
                    if above.insert(pair[1].id(), pair[0]).is_some() {
                        break;
                    }
                }
            }
            if cursor.goto_first_child() {
                inside.push(cursor.node());
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    break 'walk;
                }
                inside.pop();
            }
            inside.pop();
            inside.push(cursor.node());
        }
        Parents(above)
    }

    /// What is above a node.
    pub fn get(&self, node: Node<'_>) -> Option<Node<'t>> {
        self.0.get(&node.id()).copied()
    }
}

/// The tree of a text.
pub fn tree_of(language: &Language, text: &str) -> Result<Tree, NoTree> {
    // Before anything is built: what stands open stays on the parser's stack.
    if is_deep(text) {
        return Err(NoTree::Nested);
    }
    let mut parser = Parser::new();
    parser.set_language(&(language.parser)()).map_err(|_| NoTree::Parser)?;
    let mut steps = 0;
    let mut count = |_: &ParseState| {
        steps += 1;
        if steps > MAX_STEPS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut count);
    let mut rest = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut rest, None, Some(options)).ok_or(NoTree::Steps)?;
    fits_limits(tree.root_node()).map(|()| tree)
}

/// Whether more brackets stand open than nodes may stand in each other, whatever they mean.
fn is_deep(text: &str) -> bool {
    let mut open = 0usize;
    text.bytes().any(|byte| {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open > MAX_NESTED
    })
}

/// Whether no more than [`MAX_NESTED`] nodes stand in each other, and there are no more than [`MAX_NODES`].
fn fits_limits(root: Node<'_>) -> Result<(), NoTree> {
    if root.descendant_count() > MAX_NODES {
        return Err(NoTree::Nodes);
    }
    // What has no more parts than may stand in each other, and is code throughout, cannot be past a limit.
    if root.descendant_count() <= MAX_NESTED && !root.has_error() {
        return Ok(());
    }
    let (mut cursor, mut depth) = (root.walk(), 0);
    loop {
        if cursor.node().is_error() && cursor.node().child_count() > MAX_BROKEN {
            return Err(NoTree::Broken);
        }
        if cursor.goto_first_child() {
            depth += 1;
            if depth > MAX_NESTED {
                return Err(NoTree::Nested);
            }
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Ok(());
            }
            depth -= 1;
        }
    }
}

/// Marks a tree.
pub fn mark<'t>(language: &Language, text: &str, root: Node<'t>) -> Marked<'t> {
    let mut marked = Marked::default();
    let Some(query) = language.query() else { return marked };
    let names = query.capture_names();
    let mut cursor = QueryCursor::new();
    let mut matches = cursor.matches(query, root, text.as_bytes());
    let (mut annotated, mut beside) = (BTreeSet::new(), BTreeSet::new());
    let mut all = HashSet::default();
    while let Some(found) = matches.next() {
        all.extend(found.captures().iter().map(|capture| capture.node.id()));
        let get =
            |name: &str| found.captures().iter().find(|c| names[c.index as usize] == name).map(|c| c.node);
        let pair = |name: &str, value: &str| Some((get(name)?, get(value)?));
        let word = |name: &str| get(name).and_then(|node| text.get(node.byte_range())).map(str::to_owned);
        marked.assigned.extend(pair("assign.name", "assign.value"));
        marked.reassigned.extend(pair("reassign.name", "reassign.value"));
        marked.appended.extend(pair("append.name", "append.value"));
        marked.calls.extend(pair("call.callee", "call.arguments"));
        marked.unknown.extend(get("unknown.name"));
        match pair("export.name", "export.value") {
            Some(named) => marked.given.push(named),
            None => marked.exported.extend(get("export.value")),
        }
        if let (Some(on), Some(name)) = (get("annotation.on"), get("annotation.name")) {
            let arguments = get("annotation.arguments");
            // An optional capture matches with and without: the first, with, holds.
            if annotated.insert(name.id()) {
                let annotation = Annotation { on, name, arguments };
                marked.annotations.push(annotation);
                marked.annotated.entry(on.id()).or_default().push(annotation);
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
    marked.parents = Parents::of(root, &all);
    marked
}
