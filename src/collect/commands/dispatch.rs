//! Scripts that run the function which their argument names: `"$@"`, `$1`, `sub=$1; $sub "$@"`, `do_$1`. Which one that is
//! nobody knows before it is called, so each of the text's own functions is followed, as less than sure. It never takes a
//! variable that holds a program for one.

use super::shell::{Function, MAX_DEPTH, Shell};
use super::words::UNKNOWN;
use super::{Call, Context, Out};
use crate::evidence::{Confidence, MentionKind};
use std::collections::BTreeSet;
use tree_sitter::Node;

/// How many functions are followed where any may be meant.
const MAX_FUNCTIONS: usize = 64;

/// How many bytes of a text are looked through in one step of work.
const BYTES_A_STEP: usize = 16;

impl Shell<'_> {
    /// Follows the functions that a command may mean which the text's own argument names; tells whether it is one.
    pub(super) fn dispatched(
        &mut self,
        command: Node<'_>,
        words: &[String],
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> bool {
        // Inside of a function, arguments are the function's own.
        let inside = !self.bodies.is_empty();
        if self.state.functions.is_empty() || self.state.arguments.is_some() || self.quiet || inside {
            return false;
        }
        let (name, text) = (command.child_by_field_name("name"), self.text);
        let named = name.and_then(|name| text.get(name.byte_range())).unwrap_or("");
        let Some((front, back, variable)) = argument(named) else { return false };
        if !(matches!(variable, "1" | "@" | "*") || self.is_set_by_argument(variable)) {
            return false;
        }
        if words.first().is_some_and(|word| self.state.functions.contains_key(word)) {
            return false;
        }
        if !self.may_work(self.text.len() / BYTES_A_STEP) {
            return false;
        }
        // What is called by its name is a help of the others, and told where it is called.
        let called = self.called(command);
        let meant = |name: &String| {
            let fits = name.starts_with(front) && name.ends_with(back);
            name.len() > front.len() + back.len() && fits && !called.contains(name.as_str())
        };
        let found = self.state.functions.iter().filter(|(name, it)| meant(name) && it.line.is_some());
        let found: Vec<(String, Function)> =
            found.map(|(name, it)| (name.clone(), it.clone())).take(MAX_FUNCTIONS).collect();
        if found.is_empty() {
            return false;
        }
        let line = self.line(command);
        if matches!(context.about.kind, MentionKind::Script | MentionKind::Job) {
            let call = self.bare(line);
            out.unresolved(
                &call,
                "runs the function that its argument names; each of them is told, less surely",
            );
        }
        let (sure, before) = (out.confidence, self.state.clone());
        out.confidence = sure.min(Confidence::Medium);
        for (name, function) in found {
            let words = vec![name, UNKNOWN.to_owned()];
            let call = Call { words, env: self.state.env.clone(), ..self.bare(line) };
            self.function(&function, call, context, out);
            self.state = before.clone();
        }
        out.confidence = sure;
        true
    }
}

impl Shell<'_> {
    /// Whether the text sets a variable to its own argument.
    fn is_set_by_argument(&mut self, name: &str) -> bool {
        self.arguments.get_or_insert_with(|| set_by_argument(self.text)).contains(name)
    }

    /// The names of all commands of the text that a command stands in.
    fn called(&self, command: Node<'_>) -> BTreeSet<&str> {
        let mut root = command;
        while let Some(above) = root.parent() {
            root = above;
        }
        let (mut names, mut open) = (BTreeSet::new(), vec![(root, 0)]);
        while let Some((node, depth)) = open.pop() {
            if node.kind() == "command_name" {
                names.insert(self.of(node));
            }
            if depth < MAX_DEPTH {
                let mut cursor = node.walk();
                open.extend(node.named_children(&mut cursor).map(|child| (child, depth + 1)));
            }
        }
        names
    }
}

/// What stands in front of and behind a variable that names a command, and its name; `None`: no variable does.
fn argument(named: &str) -> Option<(&str, &str, &str)> {
    let named = named.trim_matches('"');
    let (front, rest) = named.split_once('$')?;
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let (variable, back) = match rest.strip_prefix('{') {
        Some(inner) => inner.split_once('}')?,
        None if rest.starts_with(['@', '*']) => rest.split_at(1),
        None => {
            rest.split_at(rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len()))
        }
    };
    let name = variable.split([':', '-', '=']).next().unwrap_or("");
    (plain(front) && plain(back)).then_some((front, back, name))
}

/// The variables that a text sets to its own argument: `sub=$1`, `sub="${1:-help}"`.
fn set_by_argument(text: &str) -> BTreeSet<String> {
    let first = |line: &str| {
        let line = line.trim_start();
        let words = ["local ", "declare ", "readonly ", "typeset "];
        let line = words.iter().find_map(|word| line.strip_prefix(word)).unwrap_or(line);
        let (name, value) = line.split_once('=')?;
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let value = value.trim_start_matches('"').strip_prefix('$')?;
        let value = value.strip_prefix('{').unwrap_or(value);
        let is_argument = value.starts_with(['1', '@', '*'])
            && !value[1..].starts_with(|c: char| c.is_ascii_alphanumeric());
        (plain && is_argument).then(|| name.to_owned())
    };
    text.lines().filter_map(first).collect()
}

#[cfg(test)]
mod tests {
    use super::{argument, set_by_argument};

    #[test]
    fn an_argument_is_told_from_a_variable_that_holds_a_program() {
        let text = "sub=${1:-}\n  local act=\"$1\"\nPSQL=psql\nN=1\n";
        for (named, want) in [
            ("\"$@\"", Some(("", ""))),
            ("$1", Some(("", ""))),
            ("do_${1}", Some(("do_", ""))),
            ("$sub", Some(("", ""))),
            ("\"cmd_${act}\"", Some(("cmd_", ""))),
            ("$PSQL", None),
            ("$N", None),
            ("$2", None),
            ("$(x)", None),
            ("/opt/$1", None),
            ("psql", None),
        ] {
            let set = set_by_argument(text);
            let found = argument(named);
            let meant = found.filter(|(.., name)| matches!(*name, "1" | "@" | "*") || set.contains(*name));
            assert_eq!(meant.map(|(front, back, _)| (front, back)), want, "{named}");
        }
    }
}
