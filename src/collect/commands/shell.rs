//! Shell text (POSIX sh and bash) as a tree: assignments, sourced files, functions, wrappers peeled,
//! here-documents, redirections. It follows text from top to bottom and never decides which branch is taken:
//! all are read, and a variable that branches set differently is unknown after them.

use super::pipes::Redirects;
use super::wrappers::{self, Wrapped};
use super::{Call, Context, Out, state};
use crate::evidence::{Action, Gap, GapCode, Place, Text, Trait};
use std::collections::BTreeMap;
use std::rc::Rc;
use tree_sitter::{Node, Parser};

/// How deep text may nest.
pub(super) const MAX_DEPTH: usize = 200;
/// How many times a command may hold another as text, a function call another, a sourced file another.
const MAX_NESTED_TEXTS: usize = 12;
/// How many commands one text may come to, functions and loops unrolled.
const MAX_CALLS: usize = 20_000;
/// How many values of a literal loop are followed.
const MAX_LOOP: usize = 64;

/// A function's body, and the line it starts on when it stands in the text that is read.
#[derive(Debug, Clone)]
struct Function {
    body: Rc<str>,
    line: Option<u64>,
}

/// What the commands so far have set.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) env: BTreeMap<String, String>,
    pub(super) folder: Option<String>,
    /// `$1`, `$2` …; `None`: nobody knows how the text is called.
    pub(super) arguments: Option<Vec<String>>,
    functions: BTreeMap<String, Function>,
    pub(super) arrays: BTreeMap<String, Vec<String>>,
    /// Files held open for locks and logs: descriptor to path.
    pub(super) descriptors: BTreeMap<u32, String>,
}

/// A text being read.
pub(super) struct Shell<'a> {
    pub(super) text: &'a str,
    first_line: u64,
    /// Everything inside is said to stand on this line: the text comes from another file.
    pinned: Option<u64>,
    pub(super) state: State,
    nested: usize,
    /// Commands are followed for what they set and not stated: the text is sourced.
    quiet: bool,
    pub(super) own_folder: Option<String>,
    pub(super) host: Option<Text>,
}

/// Reads a text.
pub(super) fn read(text: &str, context: &Context<'_>, out: &mut Out<'_>) {
    let state = State { env: context.env.clone(), ..State::default() };
    let mut shell = Shell {
        text,
        first_line: context.first_line,
        pinned: None,
        state,
        nested: 0,
        quiet: false,
        own_folder: context.own_folder.clone(),
        host: context.host.clone(),
    };
    shell.run(context, out);
    if out.calls > MAX_CALLS {
        let place = Place::line(&context.input, context.first_line);
        let detail = "MAX_CALLS: functions and loops come to more commands; the rest was not followed";
        out.evidence.add_gap(Gap::new(place, GapCode::Limit, detail));
    }
}

/// Whether what is inside runs only sometimes, or more than once.
fn is_conditional(node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    match node.kind() {
        "if_statement" | "case_statement" | "while_statement" | "for_statement" | "c_style_for_statement" => {
            true
        }
        "list" => node.children(&mut cursor).any(|child| child.kind() == "||"),
        _ => false,
    }
}

impl Shell<'_> {
    fn run(&mut self, context: &Context<'_>, out: &mut Out<'_>) {
        let mut parser = Parser::new();
        if parser.set_language(&tree_sitter_bash::LANGUAGE.into()).is_err() {
            return;
        }
        if let Some(tree) = parser.parse(self.text, None) {
            self.walk(tree.root_node(), &Redirects::default(), context, out, 0);
        }
    }

    pub(super) fn of(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    fn line(&self, node: Node<'_>) -> u64 {
        self.pinned.unwrap_or(self.first_line + node.start_position().row as u64)
    }

    pub(super) fn walk(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        if depth > MAX_DEPTH || out.calls > MAX_CALLS {
            return;
        }
        let asks = is_conditional(node);
        if asks {
            out.sleeps.enter();
        }
        self.node(node, redirects, context, out, depth);
        if asks {
            out.sleeps.leave();
        }
    }

    fn node(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        match node.kind() {
            "variable_assignment" => {
                let (name, value) = self.assignment(node, depth);
                self.inside(node, context, out, depth);
                if let Some(list) = node.child_by_field_name("value").filter(|value| value.kind() == "array")
                {
                    let mut cursor = list.walk();
                    let words = list.named_children(&mut cursor).collect::<Vec<_>>();
                    let words = words.into_iter().flat_map(|word| self.fields(word, depth)).collect();
                    self.state.arrays.insert(name, words);
                } else {
                    self.state.env.insert(name, value);
                }
            }
            "function_definition" => self.define(node),
            "command" => self.command(node, redirects, context, out, depth),
            "test_command" => {
                if self.nested == 0 {
                    out.guard(self.of(node));
                }
                self.tests(node, out, depth);
                self.inside(node, context, out, depth);
            }
            "redirected_statement" => self.redirected(node, redirects, context, out, depth),
            "if_statement" | "case_statement" => self.branches(node, redirects, context, out, depth),
            "for_statement" => self.each(node, redirects, context, out, depth),
            "pipeline" => self.pipeline(node, redirects, context, out, depth),
            "subshell" | "command_substitution" | "process_substitution" => {
                let before = self.state.clone();
                self.children(node, redirects, context, out, depth);
                self.state = before;
            }
            _ => self.children(node, redirects, context, out, depth),
        }
    }

    fn children(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
            let background = child.next_sibling().is_some_and(|next| next.kind() == "&");
            if background {
                out.sleeps.behind();
            }
            self.walk(child, redirects, context, out, depth + 1);
            if background {
                out.sleeps.ahead();
            }
        }
    }

    /// Each branch starts from what held before; what they set differently is unknown after them.
    fn branches(
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
        let before = self.state.clone();
        let mut ends = Vec::new();
        for child in first {
            self.walk(child, redirects, context, out, depth + 1);
        }
        ends.push(std::mem::replace(&mut self.state, before.clone()));
        for clause in clauses {
            self.children(clause, redirects, context, out, depth + 1);
            ends.push(std::mem::replace(&mut self.state, before.clone()));
        }
        self.state = before;
        for end in ends {
            self.state.functions.extend(end.functions);
            self.state.descriptors.extend(end.descriptors);
            for (name, value) in end.env {
                let held = self.state.env.entry(name).or_insert_with(|| value.clone());
                if *held != value {
                    "{}".clone_into(held);
                }
            }
        }
    }

    /// `for x in a b c`: the body once per value where all are known.
    fn each(
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
        let mut values: Vec<String> = nodes.iter().flat_map(|value| self.fields(*value, depth)).collect();
        for value in nodes {
            self.inside(value, context, out, depth + 1);
        }
        if values.is_empty()
            || values.len() > MAX_LOOP
            || values.iter().any(|value| value.contains(['{', '*']))
        {
            values = vec!["{}".to_owned()];
        }
        let Some(body) = node.child_by_field_name("body") else { return };
        for value in values {
            self.state.env.insert(variable.clone(), value);
            self.walk(body, redirects, context, out, depth + 1);
        }
    }

    fn define(&mut self, node: Node<'_>) {
        let name = node.child_by_field_name("name").map_or("", |name| self.of(name)).to_owned();
        let Some(body) = node.child_by_field_name("body") else { return };
        let line = (!self.quiet && self.pinned.is_none())
            .then_some(self.first_line + body.start_position().row as u64);
        self.state.functions.insert(name, Function { body: Rc::from(self.of(body)), line });
    }

    /// `[ -e FILE ]`, `[[ -f FILE ]]`: whoever makes that file decides when this goes on.
    fn tests(&mut self, node: Node<'_>, out: &mut Out<'_>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
            let operator = child.child_by_field_name("operator").map(|operator| self.of(operator));
            if child.kind() == "unary_expression" && matches!(operator, Some("-e" | "-f" | "-s" | "-r")) {
                let last = child.named_child_count().saturating_sub(1) as u32;
                let path = child.named_child(last).map(|word| self.word(word, depth)).unwrap_or_default();
                self.tested(&path, self.line(child), out);
            } else {
                self.tests(child, out, depth + 1);
            }
        }
    }

    /// States that the text goes on only if a file is there.
    fn tested(&self, path: &str, line: u64, out: &mut Out<'_>) {
        if self.quiet || !path.contains('/') || path.contains("{}") || path.starts_with("/dev/") {
            return;
        }
        let call = self.bare(line);
        let file = out.file(path, &call);
        out.add_trait(&call, Action::Read, file, Trait::named("tests-file"));
    }

    /// States that a lock is taken, and waited for.
    fn locked(&self, path: &str, line: u64, out: &mut Out<'_>) {
        if self.quiet || path.is_empty() || path.contains("{}") {
            return;
        }
        let call = self.bare(line);
        let file = out.file(path, &call);
        out.add_trait(&call, Action::Touch, file, Trait::named("waits-for-lock"));
    }

    /// A call that is only a place.
    fn bare(&self, line: u64) -> Call {
        Call { line, folder: self.state.folder.clone(), ..Call::default() }
    }

    /// Commands inside substitutions of a word.
    pub(super) fn inside(&mut self, node: Node<'_>, context: &Context<'_>, out: &mut Out<'_>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
            if matches!(child.kind(), "command_substitution" | "process_substitution") {
                self.walk(child, &Redirects::default(), context, out, depth + 1);
            } else {
                self.inside(child, context, out, depth + 1);
            }
        }
    }

    fn assignment(&self, node: Node<'_>, depth: usize) -> (String, String) {
        let name = node.child_by_field_name("name").map_or("", |name| self.of(name)).to_owned();
        let value = node.child_by_field_name("value").map_or(String::new(), |value| self.word(value, depth));
        (name, value)
    }

    fn command(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        let mut env = self.state.env.clone();
        let mut words = Vec::new();
        let mut own = redirects.clone();
        let mut cursor = node.walk();
        let mut done = 0;
        for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
            match child.kind() {
                "variable_assignment" => {
                    let (name, value) = self.assignment(child, depth);
                    env.insert(name, value);
                }
                kind if kind.ends_with("_redirect") => self.redirect(child, &mut own, depth),
                "comment" => {}
                _ if child.start_byte() < done => {}
                _ => {
                    let end = self.end_of_word(child);
                    if end > child.end_byte() {
                        words.push(self.whole_word(child, depth));
                    } else {
                        words.extend(self.fields(child, depth));
                    }
                    done = end;
                }
            }
        }
        self.inside(node, context, out, depth + 1);
        let call = Call {
            words,
            env,
            stdin: own.stdin,
            stdin_file: own.stdin_file,
            stdout_file: own.stdout_file,
            piped: own.piped,
            line: self.line(node),
            folder: self.state.folder.clone(),
        };
        self.call(call, context, out);
    }

    /// One command: what changes the shell itself, functions, wrappers, and the rest.
    fn call(&mut self, mut call: Call, context: &Context<'_>, out: &mut Out<'_>) {
        out.calls += 1;
        loop {
            let Some(command) = call.words.first() else { return };
            if let Some(function) = self.state.functions.get(command.as_str()).cloned() {
                return self.function(&function, &call, context, out);
            }
            let name = command.rsplit('/').next().unwrap_or(command).to_owned();
            match name.as_str() {
                "." | "source" => return self.source(&call, context, out),
                "cd" => {
                    let folder = call.words.get(1).filter(|folder| !folder.contains("{}"));
                    self.state.folder = folder.map(|folder| super::absolute(folder, &call));
                    return;
                }
                "shift" => {
                    let by = call.words.get(1).and_then(|by| by.parse().ok()).unwrap_or(1usize);
                    if let Some(arguments) = &mut self.state.arguments {
                        arguments.drain(..by.min(arguments.len()));
                    }
                    return;
                }
                "set" if call.words.get(1).is_some_and(|word| word == "--") => {
                    self.state.arguments = Some(call.words[2..].to_vec());
                    return;
                }
                "trap" => return self.text(call.words.get(1).cloned(), &call, context, out),
                "eval" => return self.text(Some(call.words[1..].join(" ")), &call, context, out),
                "test" | "[" => {
                    if self.nested == 0 {
                        out.guard(&call.words.join(" "));
                    }
                    if let Some(at) =
                        call.words.iter().position(|w| matches!(w.as_str(), "-e" | "-f" | "-s" | "-r"))
                    {
                        let path = call.words.get(at + 1).cloned().unwrap_or_default();
                        self.tested(&path, call.line, out);
                    }
                    return;
                }
                "flock" => {
                    let lock = wrappers::flock(&call.words);
                    let path = lock
                        .descriptor
                        .map_or(lock.path, |fd| self.state.descriptors.get(&fd).cloned().unwrap_or_default());
                    if lock.waits {
                        self.locked(&path, call.line, out);
                    }
                    match lock.wrapped {
                        Wrapped::Text(text) => return self.text(Some(text), &call, context, out),
                        Wrapped::Words(words) => call.words = words,
                    }
                }
                "ssh" | "docker" | "podman" | "nerdctl" | "docker-compose" | "kubectl" | "oc" => {
                    return self.elsewhere(&name, call, context, out);
                }
                _ => match wrappers::peel(&name, &call.words) {
                    Some(Wrapped::Text(text)) => return self.text(Some(text), &call, context, out),
                    Some(Wrapped::Words(words)) => call.words = words,
                    None if self.quiet => return,
                    None => {
                        if !self.wrapper(&call, context, out) {
                            state(&call, out);
                        }
                        return;
                    }
                },
            }
            // Assignments in front of the wrapped command (`env A=b cmd`).
            while let Some((name, value)) = call.words.first().and_then(|word| word.split_once('=')) {
                call.env.insert(name.to_owned(), value.to_owned());
                call.words.remove(0);
            }
        }
    }

    /// A command that runs on another host or in a container: what it does to databases it does, its files are
    /// not this host's.
    fn elsewhere(&mut self, name: &str, mut call: Call, context: &Context<'_>, out: &mut Out<'_>) {
        let remote = wrappers::remote(name, &call.words);
        let before = out.elsewhere.take();
        let text = match remote {
            // `ssh HOST <<EOF`: the text is given to a shell there.
            None if name == "ssh" && call.stdin.is_some() => call.stdin.take(),
            None => {
                out.elsewhere = before;
                if !self.quiet {
                    state(&call, out);
                }
                return;
            }
            Some(remote) => {
                out.elsewhere = Some(remote.host.map(Text::from));
                match remote.wrapped {
                    Wrapped::Text(text) => Some(text),
                    Wrapped::Words(words) => {
                        let inner = Call { words, env: BTreeMap::new(), folder: None, ..call };
                        self.call(inner, context, out);
                        out.elsewhere = before;
                        return;
                    }
                }
            }
        };
        out.elsewhere.get_or_insert(None);
        let there = Call { env: BTreeMap::new(), ..call };
        self.text(text, &there, context, out);
        out.elsewhere = before;
    }

    /// A text inside this one, with the state it starts from.
    fn inner<'t>(&self, text: &'t str, first_line: u64, pinned: Option<u64>, state: State) -> Shell<'t> {
        Shell {
            text,
            first_line,
            pinned,
            state,
            nested: self.nested + 1,
            quiet: self.quiet,
            own_folder: self.own_folder.clone(),
            host: self.host.clone(),
        }
    }

    /// A command given as text.
    fn text(&mut self, text: Option<String>, call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
        let Some(text) = text.filter(|_| self.nested < MAX_NESTED_TEXTS) else { return };
        let state = State { env: call.env.clone(), ..self.state.clone() };
        self.inner(&text, call.line, self.pinned, state).run(context, out);
    }

    /// A function's body, with the call's words as its arguments.
    fn function(&mut self, function: &Function, call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
        if self.nested >= MAX_NESTED_TEXTS {
            return;
        }
        let arguments = Some(call.words[1..].to_vec());
        let before = self.state.arguments.clone();
        let state = State { env: call.env.clone(), arguments, ..std::mem::take(&mut self.state) };
        let pinned = if function.line.is_some() { self.pinned } else { Some(call.line) };
        let mut inner = self.inner(&function.body, function.line.unwrap_or(call.line), pinned, state);
        inner.run(context, out);
        self.state = State { arguments: before, ..inner.state };
    }

    /// A sourced file gives its variables and functions; what it does is stated where it is read itself.
    fn source(&mut self, call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
        let Some(path) = call.words.get(1).filter(|_| self.nested < MAX_NESTED_TEXTS) else { return };
        if !self.quiet {
            out.includes(call, path);
        }
        let Some(text) = (context.files)(&super::absolute(path, call)) else { return };
        let state = std::mem::take(&mut self.state);
        let mut inner = self.inner(&text, 1, Some(call.line), state);
        inner.quiet = true;
        inner.run(context, out);
        self.state = inner.state;
    }

    /// A script that runs its own arguments (`"$@"`) is read with them, as what the line does; tells whether
    /// the call is one of such a script.
    fn wrapper(&mut self, call: &Call, context: &Context<'_>, out: &mut Out<'_>) -> bool {
        let path = &call.words[0];
        if call.words.len() < 2 || !path.contains('/') || self.nested >= MAX_NESTED_TEXTS {
            return false;
        }
        let text = (context.files)(&super::absolute(path, call));
        let Some(text) = text.filter(|text| wrappers::runs_arguments(text)) else { return false };
        let arguments = Some(call.words[1..].to_vec());
        let state =
            State { env: call.env.clone(), folder: call.folder.clone(), arguments, ..State::default() };
        let mut inner = self.inner(&text, call.line, Some(call.line), state);
        inner.own_folder = path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        inner.run(context, out);
        true
    }
}
