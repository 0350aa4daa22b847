//! Files that a text writes itself and then has run: `cat > x.sql <<EOF`, `psql -f x.sql`. What such a file does is read
//! where it is run. It never takes a file for one whose name is wholly unknown, and keeps a bounded number of them.

use super::pipes::Redirects;
use super::shell::{Shell, State};
use super::words::UNKNOWN;
use super::{Call, Context, Out, absolute};
use std::collections::BTreeMap;
use std::rc::Rc;
use tree_sitter::Node;

/// How many files are kept, and how long they are together.
const MAX_FILES: usize = 64;
const MAX_WRITTEN: usize = 1024 * 1024;

/// Written files by their paths.
pub(super) type Written = Rc<BTreeMap<String, Rc<str>>>;

/// The text of a written file.
pub(super) fn text_of(written: &Written, path: &str, call: &Call) -> Option<Rc<str>> {
    if written.is_empty() {
        return None;
    }
    written.get(&absolute(path, call)).cloned()
}

impl Shell<'_> {
    /// Remembers what `cat` and `tee` write of a here-document or a constant text.
    pub(super) fn remember(&mut self, node: Node<'_>, own: &Redirects, depth: usize, out: &Out<'_>) {
        let Some(command) = node.child_by_field_name("body").filter(|body| body.kind() == "command") else {
            return;
        };
        let mut cursor = command.walk();
        let words: Vec<Node<'_>> = command.named_children(&mut cursor).collect();
        let words = self.listed(&words, depth);
        let Some((name, rest)) = words.split_first() else { return };
        let (files, options): (Vec<&String>, Vec<&String>) =
            rest.iter().partition(|word| !word.starts_with('-'));
        let name = name.rsplit('/').next().unwrap_or(name);
        let files: Vec<String> = match name {
            "cat" if files.is_empty() => own.writes().map(str::to_owned).collect(),
            "tee" => files.into_iter().cloned().collect(),
            _ => return,
        };
        let Some(text) = own.stdin.as_ref().filter(|_| out.elsewhere.is_none()) else { return };
        let adds = options.iter().any(|it| *it == "-a") || self.of(node).contains(">>");
        for path in files {
            let path = absolute(&path, &self.bare(0));
            if path.starts_with(UNKNOWN) || path.ends_with(&format!("/{UNKNOWN}")) {
                continue;
            }
            let before = self.state.written.get(&path).filter(|_| adds);
            let whole = before.map_or_else(|| text.clone(), |before| format!("{before}{text}"));
            let held: usize = self.state.written.values().map(|text| text.len()).sum();
            if self.state.written.len() < MAX_FILES && held + whole.len() <= MAX_WRITTEN {
                Rc::make_mut(&mut self.state.written).insert(path, Rc::from(whole));
            }
        }
    }

    /// The text of a file that this text has written.
    pub(super) fn own_text(&self, path: &str, call: &Call, out: &Out<'_>) -> Option<Rc<str>> {
        text_of(&self.state.written, path, call).filter(|_| out.elsewhere.is_none())
    }

    /// Gives a call the text of the written file that it reads, or runs the one that it runs; tells whether it did.
    pub(super) fn runs_written(&mut self, call: &mut Call, context: &Context<'_>, out: &mut Out<'_>) -> bool {
        if self.state.written.is_empty() {
            return false;
        }
        let given = call.stdin_file.as_ref().filter(|_| call.stdin.is_none());
        let given = given.and_then(|path| self.own_text(path, call, out));
        if let Some(text) = &given {
            call.stdin = Some(text.to_string());
            call.stdin_file = None;
            call.of_file = true;
        }
        let shell = matches!(call.name(), "sh" | "bash" | "dash" | "ksh" | "zsh");
        let plain = |word: &String| !word.starts_with('-');
        let (text, arguments) = match call.words.iter().skip(1).position(plain) {
            // Behind `-c` stands a text.
            _ if shell && call.words.iter().skip(1).any(|it| it.starts_with('-') && it.ends_with('c')) => {
                return false;
            }
            Some(at) if shell => (self.own_text(&call.words[at + 1], call, out), at + 2),
            None if shell => (given, call.words.len()),
            _ if call.words[0].contains('/') => (self.own_text(&call.words[0], call, out), 1),
            _ => return false,
        };
        let Some(text) = text else { return false };
        let first = text.lines().next().unwrap_or("");
        if (first.starts_with("#!") && !first.contains("sh")) || !self.may_nest(call, out) {
            return false;
        }
        let arguments = Some(call.words[arguments..].to_vec());
        let account = call.account.clone();
        let state = State { env: call.env.clone(), account, arguments, ..self.state.clone() };
        // Its lines are not those of the text that writes it.
        self.inner(&text, call.line, Some(call.line), state).run(&Redirects::default(), context, out);
        true
    }
}
