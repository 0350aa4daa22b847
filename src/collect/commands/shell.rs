//! Shell text (POSIX sh and bash) as a tree: assignments, functions, pipes, redirections, in the order of the text. What
//! one command does is told in `running`, branches and loops in `branches`. All of a text is read, whichever branch
//! would be taken, and nothing is run.

use super::branches::is_conditional;
use super::pipes::Redirects;
use super::words::UNKNOWN;
use super::{Call, Context, Out, decisions, remarks, template, values};
use crate::evidence::scrub::scrub;
use crate::evidence::{Action, GapCode, MentionKind, Says, Text};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;
use tree_sitter::{Node, Parser};

/// How deep text may nest.
pub(super) const MAX_DEPTH: usize = 200;
/// How many commands one text may come to, functions and loops unrolled.
const MAX_CALLS: usize = 20_000;
/// How long the words of all commands of a text may be together, variables resolved.
pub(super) const MAX_EXPANDED: usize = 8 * 1024 * 1024;
/// How many steps the values of a text may take together.
const MAX_WORK: usize = 16 * 1024 * 1024;
/// How many brackets may be open at once: the grammar's recovery from more takes time that grows with their square.
pub(super) const MAX_OPEN: usize = 1000;
/// How long a text is at most that is read as a shell's.
const MAX_TEXT: usize = 8 * 1024 * 1024;
/// How long a comment is kept, in characters, and how many of one text.
const MAX_REMARK: usize = 120;
const MAX_REMARKS: usize = 16;

/// A function's body, and the line it starts on when it stands in the text that is read.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub(super) body: Rc<str>,
    pub(super) line: Option<u64>,
}

/// What the commands so far have set.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) env: Rc<BTreeMap<String, String>>,
    pub(super) folder: Option<String>,
    /// Folders that `pushd` left.
    pub(super) left: Vec<Option<String>>,
    /// `$1`, `$2` …; `None`: nobody knows how the text is called.
    pub(super) arguments: Option<Vec<String>>,
    pub(super) functions: Rc<BTreeMap<String, Function>>,
    pub(super) arrays: Rc<BTreeMap<String, Vec<String>>>,
    /// Files held open for locks and logs: descriptor to path.
    pub(super) descriptors: BTreeMap<u32, String>,
    /// Paths that the text itself treats as folders.
    pub(super) folders: Rc<BTreeSet<String>>,
    /// The account that a wrapper names.
    pub(super) account: Option<String>,
    /// Files that the text itself has written so far: path to text.
    pub(super) written: Rc<BTreeMap<String, Rc<str>>>,
}

impl State {
    /// Sets a variable.
    pub(super) fn set(&mut self, name: &str, value: String) {
        if self.env.get(name) != Some(&value) {
            Rc::make_mut(&mut self.env).insert(name.to_owned(), value);
        }
    }
}

/// A text being read.
pub(super) struct Shell<'a> {
    pub(super) text: &'a str,
    pub(super) first_line: u64,
    /// Everything inside is said to stand on this line: the text comes from another file.
    pub(super) pinned: Option<u64>,
    pub(super) state: State,
    pub(super) nested: usize,
    /// Commands are followed for what they set and not stated: the text is sourced.
    pub(super) quiet: bool,
    pub(super) own_folder: Option<String>,
    pub(super) host: Option<Text>,
    /// Ranges of which a template engine decides whether they are there.
    pub(super) loose: Vec<Range<usize>>,
    /// Variables of a function that the caller's of the same name come back after.
    pub(super) locals: Option<BTreeMap<String, Option<String>>>,
    /// The bodies of functions that are being followed.
    pub(super) bodies: Vec<Rc<str>>,
    /// The tests that decide over all of the text: they are told already.
    pub(super) decided: Vec<Range<usize>>,
    /// The steps taken so far by this text and all inside of it.
    pub(super) work: Rc<Cell<usize>>,
    /// The variables that the text sets to its own argument, once that was asked.
    pub(super) arguments: Option<BTreeSet<String>>,
}

/// Reads a text.
pub(super) fn read(text: &str, context: &Context<'_>, out: &mut Out<'_>) {
    if text.len() > MAX_TEXT {
        let detail = "MAX_TEXT: a shell text longer than this; nothing of it was read";
        return out.gap(GapCode::Limit, detail, context.first_line);
    }
    if opens(text) > MAX_OPEN {
        let detail = "MAX_OPEN: a shell text with more open brackets than this; nothing of it was read";
        return out.gap(GapCode::Limit, detail, context.first_line);
    }
    // A place that keeps schedules quotes a word that it knows to be filled in, and tells of it by its name.
    let quoted = context.about.kind == MentionKind::Job && (text.contains("'{{") || text.contains("'<%"));
    let blanked = if quoted { template::whole(text) } else { template::blank(text) };
    let state = State { env: Rc::new(context.env.clone()), ..State::default() };
    let mut shell = Shell {
        text: &blanked.text,
        first_line: context.first_line,
        pinned: None,
        state,
        nested: 0,
        quiet: false,
        own_folder: context.own_folder.clone(),
        host: context.host.clone(),
        loose: blanked.loose,
        locals: None,
        bodies: Vec::new(),
        decided: Vec::new(),
        work: Rc::new(Cell::new(0)),
        arguments: None,
    };
    shell.run(&Redirects::default(), context, out);
    if out.calls > MAX_CALLS || out.expanded > MAX_EXPANDED || shell.work.get() > MAX_WORK {
        let detail =
            "MAX_CALLS: functions, loops and values come to more than is followed; the rest was left out";
        out.gap(GapCode::Limit, detail, context.first_line);
    }
}

/// How many brackets are open at most at one place of a text.
pub(super) fn opens(text: &str) -> usize {
    let (mut open, mut most) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' => open += 1,
            b')' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

impl Shell<'_> {
    /// Reads the text, whose commands are given this.
    pub(super) fn run(&mut self, given: &Redirects, context: &Context<'_>, out: &mut Out<'_>) {
        let mut parser = Parser::new();
        if parser.set_language(&tree_sitter_bash::LANGUAGE.into()).is_err() {
            return;
        }
        let Some(tree) = parser.parse(self.text, None) else { return };
        let root = tree.root_node();
        // What a program of another language gives to a shell holds unknown parts where its text was put together.
        let whole = matches!(context.about.kind, MentionKind::Script | MentionKind::Job);
        if root.has_error() && self.nested == 0 && whole {
            self.unparsed(root, out);
        }
        if self.nested == 0 {
            self.remarks(root, out);
            // Only of a line that a clock starts is it known that nothing else starts it.
            if context.about.kind == MentionKind::Job {
                for (test, told) in decisions::decisions(root, self.text) {
                    out.guard(&told);
                    self.decided.push(test);
                }
            }
        }
        self.walk(root, given, context, out, 0);
    }

    /// Names the first place that is no shell text the grammar takes.
    fn unparsed(&self, root: Node<'_>, out: &mut Out<'_>) {
        let mut at = root;
        let broken = |node: Node<'_>| node.has_error() || node.is_missing();
        while let Some(index) = (0..at.child_count()).find(|index| at.child(*index).is_some_and(broken)) {
            let Some(inner) = at.child(index) else { break };
            at = inner;
            if at.is_error() || at.is_missing() {
                break;
            }
        }
        let detail = "shell text that does not parse here: an open quote, here-document or bracket; what stands around it was read";
        out.gap(GapCode::Unparsed, detail, self.line(at));
    }

    /// Comments that state an order or a wait.
    fn remarks(&self, root: Node<'_>, out: &mut Out<'_>) {
        let mut open = vec![(root, 0)];
        let mut found = Vec::new();
        while let Some((node, depth)) = open.pop() {
            if node.kind() == "comment" {
                let text = self.of(node).trim_start_matches('#').trim();
                if !text.starts_with('!') && remarks::in_script(text) {
                    found.push((node.start_position().row, text));
                }
            } else if depth < MAX_DEPTH {
                let mut cursor = node.walk();
                open.extend(node.named_children(&mut cursor).map(|child| (child, depth + 1)));
            }
        }
        found.sort_unstable();
        for (row, text) in found.into_iter().take(MAX_REMARKS) {
            let text: String = scrub(&template::unmarked(text)).chars().take(MAX_REMARK).collect();
            out.say(Says::Remark(Text::from(text)), self.pinned.unwrap_or(self.first_line + row as u64));
        }
    }

    pub(super) fn of(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    pub(super) fn line(&self, node: Node<'_>) -> u64 {
        self.pinned.unwrap_or(self.first_line + node.start_position().row as u64)
    }

    /// Takes some steps; tells whether that many are left.
    pub(super) fn may_work(&self, steps: usize) -> bool {
        let done = self.work.get().saturating_add(steps);
        self.work.set(done);
        done <= MAX_WORK
    }

    pub(super) fn walk(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        if depth > MAX_DEPTH {
            return out.gap(
                GapCode::Limit,
                "MAX_DEPTH: text that nests deeper was not followed",
                self.line(node),
            );
        }
        if out.calls > MAX_CALLS || out.expanded > MAX_EXPANDED || self.work.get() > MAX_WORK {
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
                self.assign(node, depth);
                self.inside(node, context, out, depth);
            }
            "declaration_command" => {
                if matches!(self.of(node).split_whitespace().next(), Some("local" | "declare" | "typeset")) {
                    self.declare(node);
                }
                self.children(node, redirects, context, out, depth);
            }
            "unset_command" => {
                let names: Vec<String> =
                    self.of(node).split_whitespace().skip(1).map(str::to_owned).collect();
                for name in names {
                    Rc::make_mut(&mut self.state.env).remove(&name);
                }
            }
            "function_definition" => self.define(node),
            "command" => {
                let told = self.decided.contains(&node.byte_range());
                if decisions::waits_at_random(self.of(node)) {
                    out.guard(self.of(node));
                }
                // What is told already is no guard of its own.
                self.nested += usize::from(told);
                self.command(node, redirects, context, out, depth);
                self.nested -= usize::from(told);
            }
            "test_command" => {
                if self.nested == 0 && !self.decided.contains(&node.byte_range()) {
                    out.guard(self.of(node));
                }
                self.tests(node, out, depth);
                self.inside(node, context, out, depth);
            }
            "redirected_statement" => self.redirected(node, redirects, context, out, depth),
            "if_statement" | "case_statement" => self.branches(node, redirects, context, out, depth),
            "for_statement" => self.each(node, redirects, context, out, depth),
            "while_statement" | "c_style_for_statement" => self.repeated(node, context, out, depth),
            "pipeline" => self.pipeline(node, redirects, context, out, depth),
            "subshell" | "command_substitution" | "process_substitution" => {
                let before = self.state.clone();
                let whole = self.text;
                let several = values::in_backticks(whole.get(node.byte_range()).unwrap_or(""));
                if several.is_empty() {
                    self.children(node, redirects, context, out, depth);
                }
                for text in several {
                    let call = Call { env: self.state.env.clone(), ..self.bare(self.line(node)) };
                    self.text(Some(text.to_owned()), &call, context, out);
                }
                self.state = before;
            }
            _ => self.children(node, redirects, context, out, depth),
        }
    }

    pub(super) fn children(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
            if self.is_dead(child) {
                continue;
            }
            let background = child.next_sibling().is_some_and(|next| next.kind() == "&");
            if background {
                out.sleeps.behind();
            }
            self.walk(child, redirects, context, out, depth + 1);
            if background {
                out.sleeps.ahead();
            }
            if node.kind() == "program" && !background && self.ends(child) {
                break;
            }
        }
    }

    /// Whether nothing of a text comes behind a command of its: it ends it, whatever came before.
    fn ends(&self, node: Node<'_>) -> bool {
        let name = node.child_by_field_name("name").map_or("", |name| self.of(name));
        node.kind() == "command" && name == "exit" && !self.is_loose(node)
    }

    fn define(&mut self, node: Node<'_>) {
        let name = node.child_by_field_name("name").map_or("", |name| self.of(name)).to_owned();
        let Some(body) = node.child_by_field_name("body") else { return };
        let line = (!self.quiet && self.pinned.is_none())
            .then_some(self.first_line + body.start_position().row as u64);
        let function = Function { body: Rc::from(self.of(body)), line };
        Rc::make_mut(&mut self.state.functions).insert(name, function);
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

    pub(super) fn is_loose(&self, node: Node<'_>) -> bool {
        self.loose.iter().any(|range| range.contains(&node.start_byte()))
    }

    fn command(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        let (given, mut done) = self.in_front(node, depth);
        let mut env = self.state.env.clone();
        if !given.is_empty() {
            Rc::make_mut(&mut env).extend(given);
        }
        // The grammar joins some commands with those of the next line; a line that ends is one that ends.
        let mut lines: Vec<(u64, Vec<String>)> = vec![(self.line(node), Vec::new())];
        let mut own = redirects.clone();
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
            match child.kind() {
                "variable_assignment" => {}
                kind if kind.ends_with("_redirect") => self.redirect(child, &mut own, depth),
                "comment" => {}
                _ if child.start_byte() < done => {}
                _ => {
                    let between = self.text.get(done..child.start_byte()).unwrap_or("");
                    if between.contains('\n') && between.replace("\\\n", "").contains('\n') {
                        lines.push((self.line(child), Vec::new()));
                    }
                    let end = self.end_of_word(child);
                    let words = if end > child.end_byte() {
                        vec![self.whole_word(child, depth)]
                    } else {
                        self.fields(child, depth)
                    };
                    if let Some((_, line)) = lines.last_mut() {
                        line.extend(words);
                    }
                    done = end;
                }
            }
        }
        self.inside(node, context, out, depth + 1);
        let length = lines.iter().flat_map(|(_, words)| words).map(String::len).sum::<usize>();
        out.expanded += length + own.stdin.as_ref().map_or(0, String::len);
        let first = self.line(node);
        self.state_files(&own, Action::Read, first, out);
        if self.dispatched(node, &lines[0].1, context, out) {
            return self.state_files(&own, Action::Write, first, out);
        }
        let last = lines.len() - 1;
        for (index, (line, words)) in lines.into_iter().enumerate() {
            // What is given, the first one is given; no copy of the variables is held beside the last one's.
            let env = if index == last { std::mem::take(&mut env) } else { env.clone() };
            let (stdin, stdin_file) = (own.stdin.take(), own.stdin_file.take());
            let piped = std::mem::take(&mut own.piped);
            let call = Call { words, env, stdin, stdin_file, piped, ..self.bare(line) };
            self.call(call, context, out);
        }
        self.state_files(&own, Action::Write, first, out);
    }

    /// A call that is only a place.
    pub(super) fn bare(&self, line: u64) -> Call {
        Call {
            line,
            folder: self.state.folder.clone(),
            account: self.state.account.clone(),
            folders: self.state.folders.clone(),
            ..Call::default()
        }
    }

    /// Remembers that a path is a folder.
    pub(super) fn is_folder(&mut self, path: &str) {
        let path = super::absolute(path, &self.bare(0));
        let path = path.trim_end_matches('/');
        if !path.is_empty() && path != UNKNOWN && !self.state.folders.contains(path) {
            Rc::make_mut(&mut self.state.folders).insert(path.to_owned());
        }
    }
}
