//! Shell words: quotes removed, variables, defaults and the script's own folder resolved, fields split where
//! the shell splits them. What only a run can tell is `{}`, a date is `{date}`. It never runs a command.

use super::shell::{MAX_DEPTH, Shell};
use crate::evidence::scrub::names_secret;
use tree_sitter::Node;

/// How long a resolved word may become.
const MAX_WORD: usize = 64 * 1024;

/// Nobody knows before it runs.
const UNKNOWN: &str = "{}";

impl Shell<'_> {
    /// The words an argument becomes: an unquoted variable is split at blanks, `"$@"` is all arguments.
    pub(super) fn fields(&self, node: Node<'_>, depth: usize) -> Vec<String> {
        let text = self.of(node);
        let all = matches!(text, "$@" | "$*" | "\"$@\"" | "\"$*\"" | "${@}" | "\"${@}\"");
        if all {
            return self.state.arguments.clone().unwrap_or_else(|| vec![UNKNOWN.to_owned()]);
        }
        // `"${LIST[@]}"` is every element.
        let list = text.trim_matches('"').strip_prefix("${");
        let list = list.and_then(|inner| inner.strip_suffix("[@]}").or_else(|| inner.strip_suffix("[*]}")));
        if let Some(name) = list {
            return self.state.arrays.get(name).cloned().unwrap_or_else(|| vec![UNKNOWN.to_owned()]);
        }
        let inner = if node.kind() == "command_name" { node.named_child(0).unwrap_or(node) } else { node };
        if inner.kind() == "string" && inner.id() != node.id() {
            return self.fields(inner, depth);
        }
        let word = self.word(inner, depth);
        if matches!(inner.kind(), "simple_expansion" | "expansion") {
            return word.split_whitespace().map(str::to_owned).collect();
        }
        vec![word]
    }

    /// Where the word that a node begins ends. The grammar splits some words in two (`$A/$B-$C`); blanks and
    /// operators are what ends one.
    pub(super) fn end_of_word(&self, node: Node<'_>) -> usize {
        let rest = self.text.as_bytes().get(node.end_byte()..).unwrap_or(&[]);
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"$_-./{}%+:,@=~*?".contains(b);
        node.end_byte() + rest.iter().take_while(|b| plain(b)).count()
    }

    /// The whole word that a node begins.
    pub(super) fn whole_word(&self, node: Node<'_>, depth: usize) -> String {
        let end = self.end_of_word(node);
        if end == node.end_byte() {
            return self.word(node, depth);
        }
        self.plain(self.text.get(node.start_byte()..end).unwrap_or(""))
    }

    /// The text of a node with its expansions resolved, everything between them kept.
    pub(super) fn expanded(&self, node: Node<'_>, depth: usize) -> String {
        let mut out = String::new();
        let mut at = node.start_byte();
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            if matches!(
                child.kind(),
                "simple_expansion" | "expansion" | "command_substitution" | "arithmetic_expansion"
            ) {
                out.push_str(self.text.get(at..child.start_byte()).unwrap_or(""));
                out.push_str(&self.word(child, depth + 1));
                at = child.end_byte();
            }
        }
        out.push_str(self.text.get(at..node.end_byte()).unwrap_or(""));
        out
    }

    /// What a name stands for, where that is known: a variable or a numbered argument.
    fn known(&self, name: &str) -> Option<String> {
        if let Ok(number) = name.parse::<usize>() {
            return match (number, &self.state.arguments) {
                (0, _) | (_, None) => None,
                (number, Some(arguments)) => Some(arguments.get(number - 1).cloned().unwrap_or_default()),
            };
        }
        self.state.env.get(name).filter(|_| !names_secret(name)).cloned()
    }

    fn variable(&self, name: &str) -> String {
        self.known(name).unwrap_or_else(|| UNKNOWN.to_owned())
    }

    /// A word with quotes removed and variables resolved.
    pub(super) fn word(&self, node: Node<'_>, depth: usize) -> String {
        if depth > MAX_DEPTH {
            return UNKNOWN.to_owned();
        }
        let text = self.of(node);
        let mut word = match node.kind() {
            "raw_string" => text.trim_start_matches('\'').trim_end_matches('\'').to_owned(),
            "ansi_c_string" => text.trim_start_matches("$'").trim_end_matches('\'').to_owned(),
            "string" => {
                let inner = self.expanded(node, depth);
                let inner = inner.strip_prefix('"').unwrap_or(&inner);
                let inner = inner.strip_suffix('"').unwrap_or(inner);
                inner.replace("\\\"", "\"").replace("\\$", "$").replace("\\\n", "").replace("\\`", "`")
            }
            "simple_expansion" => self.variable(text.trim_start_matches('$')),
            "expansion" => self.parameter(text),
            "command_substitution" => match self.here_text(node, depth) {
                Some(said) => said,
                None => self.substitution(text),
            },
            "arithmetic_expansion" | "process_substitution" => UNKNOWN.to_owned(),
            "concatenation" | "command_name" | "variable_name" if node.named_child_count() > 0 => {
                let mut whole = String::new();
                let mut cursor = node.walk();
                let mut at = node.start_byte();
                for child in node.named_children(&mut cursor) {
                    whole.push_str(self.text.get(at..child.start_byte()).unwrap_or(""));
                    whole.push_str(&self.word(child, depth + 1));
                    at = child.end_byte();
                }
                whole.push_str(self.text.get(at..node.end_byte()).unwrap_or(""));
                whole
            }
            _ => text.replace('\\', ""),
        };
        if word.len() > MAX_WORD {
            UNKNOWN.clone_into(&mut word);
        }
        word
    }

    /// `$(cat <<EOF …)`: the text of the here-document.
    fn here_text(&self, node: Node<'_>, depth: usize) -> Option<String> {
        let inner = self.of(node).trim_start_matches("$(").trim_start();
        if !inner.starts_with("cat <<") && !inner.starts_with("cat  <<") {
            return None;
        }
        let mut open = vec![node];
        while let Some(at) = open.pop() {
            if at.kind() == "heredoc_body" {
                return Some(self.expanded(at, depth + 1));
            }
            let mut cursor = at.walk();
            open.extend(at.named_children(&mut cursor).collect::<Vec<_>>());
        }
        None
    }

    /// `${NAME}`, `${NAME:-default}`, `${NAME:=default}`; other operators give an unknown.
    fn parameter(&self, text: &str) -> String {
        let inner = text.trim_start_matches("${");
        let inner = inner.strip_suffix('}').unwrap_or(inner);
        let end = inner.bytes().position(|b| !b.is_ascii_alphanumeric() && b != b'_').unwrap_or(inner.len());
        let (name, rest) = inner.split_at(end);
        let own = matches!(name, "0" | "BASH_SOURCE") && rest.trim_start_matches("[0]") == "%/*";
        if let (true, Some(folder)) = (own, &self.own_folder) {
            return folder.clone();
        }
        let default = [":-", ":=", "-", "="].iter().find_map(|operator| rest.strip_prefix(operator));
        let demanded = rest.starts_with(":?") || rest.starts_with('?');
        match (self.known(name).filter(|value| !value.is_empty()), default) {
            (Some(value), _) if rest.is_empty() || default.is_some() || demanded => value,
            (None, Some(default)) if !names_secret(name) => self.plain(default.trim_matches(['"', '\''])),
            _ => UNKNOWN.to_owned(),
        }
    }

    /// Text that stands inside an expansion, with the simple expansions in it resolved.
    fn plain(&self, text: &str) -> String {
        if text.starts_with("$(") || text.starts_with('`') {
            return self.substitution(text);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let braced = after.starts_with('{');
            let name = after.trim_start_matches('{');
            let length =
                name.bytes().position(|b| !b.is_ascii_alphanumeric() && b != b'_').unwrap_or(name.len());
            let closed = !braced || name[length..].starts_with('}');
            if length == 0 || !closed {
                return UNKNOWN.to_owned();
            }
            out.push_str(&self.variable(&name[..length]));
            rest = &name[length + usize::from(braced)..];
        }
        out.push_str(rest);
        out
    }

    /// What a command substitution gives: a date where it is `date`, the script's own folder where it asks
    /// for that, the host's name; else unknown.
    fn substitution(&self, text: &str) -> String {
        let inner = text.trim_start_matches("$(").trim_start_matches('`').trim_start();
        let inner = inner.strip_suffix([')', '`']).unwrap_or(inner).trim();
        let first = inner.split_whitespace().next().unwrap_or("");
        let program = first.rsplit('/').next().unwrap_or(first);
        if let "which" | "command" | "type" = program {
            // `$(which psql)` is psql.
            let found = inner.split_whitespace().skip(1).find(|word| !word.starts_with('-'));
            return found.unwrap_or(UNKNOWN).to_owned();
        }
        let own = inner.contains("dirname") && (inner.contains("$0") || inner.contains("BASH_SOURCE"));
        match program {
            "date" => "{date}".to_owned(),
            "hostname" if self.host.is_some() && !inner.contains("-f") => {
                self.host.as_deref().unwrap_or(UNKNOWN).to_owned()
            }
            "dirname" | "cd" | "readlink" | "realpath" if own && !inner.contains("..") => {
                self.own_folder.clone().unwrap_or_else(|| UNKNOWN.to_owned())
            }
            _ => UNKNOWN.to_owned(),
        }
    }
}
