//! Branches and loops of a shell: each branch starts from what held before, and what they set differently is unknown
//! after them. Which branch is taken, and how often a loop runs, is never decided.

use super::pipes::Redirects;
use super::shell::{MAX_DEPTH, Shell, State};
use super::words::UNKNOWN;
use super::{Context, Out};
use crate::evidence::{Action, Trait};
use std::collections::BTreeSet;
use std::rc::Rc;
use tree_sitter::Node;

/// How many values of a literal loop are followed.
const MAX_LOOP: usize = 64;

/// Whether what is inside runs only sometimes, or more than once.
pub(super) fn is_conditional(node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    match node.kind() {
        "if_statement" | "case_statement" | "while_statement" | "for_statement" | "c_style_for_statement" => {
            true
        }
        "list" => node.children(&mut cursor).any(|child| child.kind() == "||"),
        _ => false,
    }
}

/// How many commands of a chain are looked at for a value that is always the same.
const MAX_CHAIN: usize = 64;

impl Shell<'_> {
    /// What a command always gives, as far as its text alone tells: `true`, `false`, and chains that hang on them.
    fn always(&self, node: Node<'_>, depth: usize) -> Option<bool> {
        match node.kind() {
            "command" => match self.of(node).trim() {
                "false" => Some(false),
                "true" | ":" => Some(true),
                _ => None,
            },
            "list" if depth < MAX_CHAIN => {
                let first = self.always(node.named_child(0)?, depth + 1)?;
                // What is left out leaves the value as it was.
                (first == self.is_or(node)).then_some(first)
            }
            _ => None,
        }
    }

    fn is_or(&self, list: Node<'_>) -> bool {
        let mut cursor = list.walk();
        list.children(&mut cursor).any(|child| child.kind() == "||")
    }

    /// Whether a part of a chain or a branch never runs: behind `false &&`, behind `true ||`, below `if false`.
    pub(super) fn is_dead(&self, node: Node<'_>) -> bool {
        let Some(parent) = node.parent() else { return false };
        let first = parent.named_child(0);
        if first.is_none_or(|first| first.id() == node.id()) || self.is_loose(node) {
            return false;
        }
        let before = first.and_then(|first| self.always(first, 0));
        match parent.kind() {
            "list" => before == Some(self.is_or(parent)),
            "if_statement" if !matches!(node.kind(), "elif_clause" | "else_clause") => before == Some(false),
            _ => false,
        }
    }

    /// Each branch starts from what held before; what they set differently is unknown after them.
    pub(super) fn branches(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        let mut cursor = node.walk();
        let (clauses, first): (Vec<Node<'_>>, Vec<Node<'_>>) = node
            .named_children(&mut cursor)
            .partition(|child| matches!(child.kind(), "elif_clause" | "else_clause" | "case_item"));
        // Each branch may copy all variables.
        if !self.may_work(self.state.env.len() * (clauses.len() + 2)) {
            return;
        }
        let before = self.state.clone();
        let whole = clauses.iter().any(|clause| self.takes_the_rest(*clause));
        let mut ends = Vec::new();
        for child in first {
            if self.is_dead(child) {
                continue;
            }
            self.walk(child, redirects, context, out, depth + 1);
        }
        let first = std::mem::replace(&mut self.state, before.clone());
        // What stands in front of the clauses of `case` is no branch.
        if node.kind() == "if_statement" {
            ends.push(first);
        }
        for clause in clauses {
            self.children(clause, redirects, context, out, depth + 1);
            ends.push(std::mem::replace(&mut self.state, before.clone()));
        }
        if !whole || ends.is_empty() {
            ends.push(before);
        }
        self.state = merged(ends);
    }

    /// Whether a clause is the one that takes what no other takes.
    fn takes_the_rest(&self, clause: Node<'_>) -> bool {
        match clause.kind() {
            "else_clause" => true,
            "case_item" => clause.child_by_field_name("value").is_some_and(|value| self.of(value) == "*"),
            _ => false,
        }
    }

    /// `for x in a b c`: the body once per value where all are known.
    pub(super) fn each(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        let variable = node.child_by_field_name("variable").map_or("", |name| self.of(name)).to_owned();
        let mut cursor = node.walk();
        let nodes: Vec<Node<'_>> = node.children_by_field_name("value", &mut cursor).collect();
        let mut values = self.listed(&nodes, depth);
        // What is done to make the list is done once.
        for value in nodes {
            match value.kind() {
                "command_substitution" => {
                    self.walk(value, &Redirects::default(), context, out, depth + 1);
                }
                _ => self.inside(value, context, out, depth + 1),
            }
        }
        // `for x` alone goes through the arguments.
        if values.is_empty() {
            values = self.state.arguments.clone().unwrap_or_else(|| vec![UNKNOWN.to_owned()]);
        }
        let Some(body) = node.child_by_field_name("body") else { return };
        let known = values.len() <= MAX_LOOP && !values.iter().any(|value| value.contains(['{', '*', '?']));
        if values.len() > MAX_LOOP {
            out.gap(
                crate::evidence::GapCode::Limit,
                "MAX_LOOP: a loop over more values; its body was followed once, with the value unknown",
                self.line(node),
            );
            values = vec![UNKNOWN.to_owned()];
        }
        if !self.may_work(self.state.env.len() * 2) {
            return;
        }
        let before = self.state.clone();
        if !known {
            self.forget(node);
        }
        for value in values {
            // A pattern is a name with unknown parts.
            self.state.set(&variable, value.replace(['*', '?'], UNKNOWN));
            self.walk(body, redirects, context, out, depth + 1);
        }
        if !known {
            let after = std::mem::take(&mut self.state);
            self.state = merged(vec![after, before]);
        }
    }

    /// `while`, `until` and `for ((…))`: the body once, with all it sets unknown when it begins.
    pub(super) fn repeated(
        &mut self,
        node: Node<'_>,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        if !self.may_work(self.state.env.len() * 2) {
            return;
        }
        let before = self.state.clone();
        self.forget(node);
        // What a loop is given, its condition reads.
        self.children(node, &Redirects::default(), context, out, depth);
        let after = std::mem::take(&mut self.state);
        self.state = merged(vec![after, before]);
    }

    /// Whatever is set somewhere in a loop is unknown when its body begins again.
    fn forget(&mut self, node: Node<'_>) {
        let mut names = BTreeSet::new();
        let mut open = vec![(node, 0)];
        while let Some((at, depth)) = open.pop() {
            if at.kind() == "variable_assignment" {
                names.extend(at.child_by_field_name("name").map(|name| self.of(name).to_owned()));
            }
            if depth < MAX_DEPTH {
                let mut cursor = at.walk();
                open.extend(at.named_children(&mut cursor).map(|child| (child, depth + 1)));
            }
        }
        for name in names {
            if self.state.arrays.contains_key(&name) {
                Rc::make_mut(&mut self.state.arrays).remove(&name);
            }
            self.state.set(&name, UNKNOWN.to_owned());
        }
    }

    /// `[ -e FILE ]`, `[[ -f FILE ]]`: whoever makes that file decides when this goes on. What is tested to be a folder
    /// is one.
    pub(super) fn tests(&mut self, node: Node<'_>, out: &mut Out<'_>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
            let operator = child.child_by_field_name("operator").map(|operator| self.of(operator).to_owned());
            match operator.as_deref() {
                Some("-e" | "-f" | "-s" | "-r" | "-d") if child.kind() == "unary_expression" => {
                    let last = child.named_child_count().saturating_sub(1) as u32;
                    let path = child.named_child(last).map(|word| self.word(word, depth)).unwrap_or_default();
                    self.tested(operator.as_deref().unwrap_or(""), &path, self.line(child), out);
                }
                _ => self.tests(child, out, depth + 1),
            }
        }
    }

    /// States that the text goes on only if a file is there.
    pub(super) fn tested(&mut self, operator: &str, path: &str, line: u64, out: &mut Out<'_>) {
        if operator == "-d" {
            return self.is_folder(path);
        }
        if self.quiet || !path.contains('/') || path.contains("{}") || path.starts_with("/dev/") {
            return;
        }
        let call = self.bare(line);
        let file = out.file(path, &call);
        out.add_trait(&call, Action::Read, file, Trait::named("tests-file"));
    }
}

/// What holds after any of these ends.
fn merged(ends: Vec<State>) -> State {
    let mut ends = ends.into_iter();
    let Some(mut state) = ends.next() else { return State::default() };
    for end in ends {
        if !Rc::ptr_eq(&state.functions, &end.functions) {
            Rc::make_mut(&mut state.functions)
                .extend(end.functions.iter().map(|(name, function)| (name.clone(), function.clone())));
        }
        if !Rc::ptr_eq(&state.folders, &end.folders) {
            Rc::make_mut(&mut state.folders).extend(end.folders.iter().cloned());
        }
        if !Rc::ptr_eq(&state.written, &end.written) {
            Rc::make_mut(&mut state.written).retain(|path, text| end.written.get(path) == Some(text));
        }
        state.descriptors.extend(end.descriptors);
        if state.folder != end.folder {
            state.folder = None;
        }
        if state.arguments != end.arguments {
            state.arguments = None;
        }
        if !Rc::ptr_eq(&state.arrays, &end.arrays) {
            let same = |name: &String, list: &Vec<String>| end.arrays.get(name) == Some(list);
            Rc::make_mut(&mut state.arrays).retain(|name, list| same(name, list));
        }
        if !Rc::ptr_eq(&state.env, &end.env) {
            let env = Rc::make_mut(&mut state.env);
            for (name, held) in env.iter_mut() {
                if end.env.get(name) != Some(held) {
                    UNKNOWN.clone_into(held);
                }
            }
            for name in end.env.keys() {
                env.entry(name.clone()).or_insert_with(|| UNKNOWN.to_owned());
            }
        }
    }
    state
}
