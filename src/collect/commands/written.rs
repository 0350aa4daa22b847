//! Files that a text writes itself and then has run: `cat > x.sql <<EOF`, `psql -f x.sql`. What such a file does is read
//! where it is run. It never takes a file for one whose name is wholly unknown, and keeps a bounded number of them.

use super::pipes::Redirects;
use super::shell::Shell;
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
        if let Some(path) = call.stdin_file.clone().filter(|_| call.stdin.is_none())
            && let Some(text) = self.own_text(&path, call, out)
        {
            call.stdin = Some(text.to_string());
            call.stdin_file = None;
        }
        let shell = matches!(call.name(), "sh" | "bash" | "dash" | "ksh" | "zsh");
        let file = match shell {
            true => call.words.iter().skip(1).position(|word| !word.starts_with('-')).map(|at| at + 1),
            false => Some(0).filter(|_| call.words[0].contains('/')),
        };
        // Behind `-c` stands a text.
        let inline =
            shell && call.words.iter().skip(1).any(|word| word.starts_with('-') && word.ends_with('c'));
        let Some(at) = file.filter(|_| !inline) else { return false };
        let Some(text) = self.own_text(&call.words[at], call, out) else { return false };
        let first = text.lines().next().unwrap_or("");
        if first.starts_with("#!") && !first.contains("sh") {
            return false;
        }
        let before = self.state.clone();
        self.state.arguments = Some(call.words[at + 1..].to_vec());
        self.text(Some(text.to_string()), call, context, out);
        self.state = before;
        true
    }
}
