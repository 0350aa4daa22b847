//! Shell words as nodes of the tree: quotes removed, variables, defaults and the script's own folder resolved, fields
//! split where the shell splits them. What only a run can tell is `{}`, a date is `{date}`. It never runs a command.

use super::shell::{MAX_DEPTH, Shell};
use super::template::{MARK, unmarked};
use super::values::{closing, end_of_backticks, in_backticks};
use std::borrow::Cow;
use tree_sitter::Node;

/// How long a resolved word may become.
const MAX_WORD: usize = 64 * 1024;
/// How many words braces may come to.
const MAX_BRACES: usize = 64;

/// Nobody knows before it runs.
pub(super) const UNKNOWN: &str = "{}";

impl Shell<'_> {
    /// The words an argument becomes: an unquoted variable is split at blanks, `"$@"` is all arguments, `{a,b}` two.
    pub(super) fn fields(&self, node: Node<'_>, depth: usize) -> Vec<String> {
        let text = self.of(node);
        let all = matches!(text, "$@" | "$*" | "\"$@\"" | "\"$*\"" | "${@}" | "\"${@}\"");
        if all {
            return self.state.arguments.clone().unwrap_or_else(|| vec![UNKNOWN.to_owned()]);
        }
        // `"${LIST[@]}"` is every element.
        let list = text.trim_matches('"').strip_prefix("${");
        let list = list.and_then(|inner| inner.strip_suffix("[@]}").or_else(|| inner.strip_suffix("[*]}")));
        if let Some(name) = list.filter(|name| !name.starts_with(['!', '#'])) {
            return self.state.arrays.get(name).cloned().unwrap_or_else(|| vec![UNKNOWN.to_owned()]);
        }
        let inner = if node.kind() == "command_name" { node.named_child(0).unwrap_or(node) } else { node };
        if inner.kind() == "string" && inner.id() != node.id() {
            return self.fields(inner, depth);
        }
        let word = self.word(inner, depth);
        match inner.kind() {
            "simple_expansion" | "expansion" | "command_substitution" => {
                word.split_whitespace().map(str::to_owned).collect()
            }
            "word" | "concatenation" | "brace_expression"
                if text.contains('{') && !text.contains(['"', '\'']) =>
            {
                braces(&word)
            }
            _ => vec![word],
        }
    }

    /// Where the word that a node begins ends. The grammar splits some words in two (`$A/$B-$C`, ``a-`date` ``); blanks
    /// and operators are what ends one.
    pub(super) fn end_of_word(&self, node: Node<'_>) -> usize {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"$_-./{}%+:,@=~*?".contains(b) || *b == MARK as u8;
        let mut end = node.end_byte();
        loop {
            let rest = self.text.get(end..).unwrap_or("");
            let length = match glued(rest).filter(|_| !rest.starts_with('`') || !self.in_backticks(node)) {
                Some(length) => length,
                None => usize::from(rest.as_bytes().first().is_some_and(plain)),
            };
            if length == 0 {
                return end;
            }
            end += length;
        }
    }

    /// Whether a node stands in a command substitution in backticks, which the next one ends.
    fn in_backticks(&self, node: Node<'_>) -> bool {
        let mut above = node.parent();
        while let Some(at) = above {
            if at.kind() == "command_substitution" && self.of(at).trim_start().starts_with('`') {
                return true;
            }
            above = at.parent();
        }
        false
    }

    /// The words of a list of nodes; what is glued to the one before belongs to that.
    pub(super) fn listed(&self, nodes: &[Node<'_>], depth: usize) -> Vec<String> {
        let (mut words, mut done) = (Vec::new(), 0);
        for node in nodes.iter().filter(|node| node.kind() != "comment") {
            if node.start_byte() < done {
                continue;
            }
            done = self.end_of_word(*node);
            match done > node.end_byte() {
                true => words.push(self.whole_word(*node, depth)),
                false => words.extend(self.fields(*node, depth)),
            }
        }
        words
    }

    /// The whole word that a node begins.
    pub(super) fn whole_word(&self, node: Node<'_>, depth: usize) -> String {
        let end = self.end_of_word(node);
        if end == node.end_byte() {
            return self.word(node, depth);
        }
        self.expand(self.text.get(node.start_byte()..end).unwrap_or(""), depth)
    }

    /// What stands in double quotes, with its expansions resolved and everything between them kept.
    fn expanded(&self, node: Node<'_>, depth: usize) -> String {
        let mut out = String::new();
        let mut at = node.start_byte();
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            if matches!(
                child.kind(),
                "simple_expansion" | "expansion" | "command_substitution" | "arithmetic_expansion"
            ) {
                // The grammar counts blanks in front of an expansion to it.
                let blanks = self.of(child).len() - self.of(child).trim_start().len();
                let start = child.start_byte() + blanks;
                out.push_str(&unquoted(self.text.get(at..start).unwrap_or("")));
                out.push_str(&self.word(child, depth + 1));
                at = child.end_byte();
            }
        }
        out.push_str(&unquoted(self.text.get(at..node.end_byte()).unwrap_or("")));
        out
    }

    /// A word with quotes removed and variables resolved.
    pub(super) fn word(&self, node: Node<'_>, depth: usize) -> String {
        if depth > MAX_DEPTH {
            return UNKNOWN.to_owned();
        }
        let text = self.of(node);
        let expands = matches!(node.kind(), "simple_expansion" | "expansion" | "command_substitution");
        let text = if expands { text.trim_start() } else { text };
        let word = match node.kind() {
            "raw_string" => text.trim_start_matches('\'').trim_end_matches('\'').to_owned(),
            "ansi_c_string" => {
                let inner = text.trim_start_matches("$'").trim_end_matches('\'');
                inner.replace("\\n", "\n").replace("\\t", "\t").replace("\\'", "'")
            }
            "string" => {
                let inner = self.expanded(node, depth);
                let inner = inner.strip_prefix('"').unwrap_or(&inner);
                inner.strip_suffix('"').unwrap_or(inner).to_owned()
            }
            "simple_expansion" => self.variable(text.trim_start_matches('$')),
            "expansion" => self.parameter(text, depth),
            "command_substitution" if !in_backticks(text).is_empty() => self.expand(text, depth),
            "command_substitution" => match self.here_text(node, depth) {
                Some(said) => said,
                None => self.substitution(text, depth),
            },
            "arithmetic_expansion" | "process_substitution" => UNKNOWN.to_owned(),
            "concatenation" | "command_name" | "variable_name" if node.named_child_count() > 0 => {
                let mut whole = String::new();
                let mut cursor = node.walk();
                let mut at = node.start_byte();
                for child in node.named_children(&mut cursor) {
                    whole.push_str(&unescaped(self.text.get(at..child.start_byte()).unwrap_or("")));
                    whole.push_str(&self.word(child, depth + 1));
                    at = child.end_byte();
                }
                whole.push_str(&unescaped(self.text.get(at..node.end_byte()).unwrap_or("")));
                whole
            }
            _ => unescaped(text),
        };
        if word.len() > MAX_WORD { UNKNOWN.to_owned() } else { unmarked(&word).into_owned() }
    }

    /// `$(cat <<EOF …)`: the text of the here-document.
    fn here_text(&self, node: Node<'_>, depth: usize) -> Option<String> {
        let inner = self.of(node).trim_start().trim_start_matches("$(").trim_start();
        let rest = inner.strip_prefix("cat")?.trim_start();
        if !rest.starts_with("<<") || rest.starts_with("<<<") {
            return None;
        }
        let mut open = vec![node];
        while let Some(at) = open.pop() {
            if at.kind() == "heredoc_redirect" {
                return self.document(at, depth + 1);
            }
            let mut cursor = at.walk();
            open.extend(at.named_children(&mut cursor).collect::<Vec<_>>());
        }
        None
    }
}

/// Text in double quotes without the signs that quote the next one (POSIX, "Double-Quotes").
fn unquoted(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let (mut out, mut signs) = (String::with_capacity(text.len()), text.chars().peekable());
    while let Some(sign) = signs.next() {
        match (sign, signs.peek()) {
            ('\\', Some('\n')) => drop(signs.next()),
            ('\\', Some('"' | '$' | '`' | '\\')) => out.extend(signs.next()),
            _ => out.push(sign),
        }
    }
    Cow::Owned(out)
}

/// How long a command substitution is that a text begins with.
fn glued(text: &str) -> Option<usize> {
    match text.strip_prefix("$(") {
        Some(inner) => Some(2 + closing(inner, '(', ')')? + 1),
        None => Some(1 + end_of_backticks(text.strip_prefix('`')?)? + 1),
    }
}

/// Plain text without the signs that quote the next one; `$$` is the number of a process.
fn unescaped(text: &str) -> String {
    if !text.contains(['\\', '$']) {
        return text.to_owned();
    }
    text.replace("$$", UNKNOWN).replace("\\\n", "").replace('\\', "")
}

/// Brace expansion (bash(1)): `a{b,c}d` is `abd` and `acd`.
fn braces(word: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![word.to_owned()];
    while let Some(word) = open.pop() {
        let Some((start, end)) = list(&word) else {
            done.push(word);
            continue;
        };
        let options: Vec<&str> = word[start + 1..end].split(',').collect();
        if done.len() + open.len() + options.len() > MAX_BRACES {
            return vec![word];
        }
        for option in options.iter().rev() {
            open.push(format!("{}{option}{}", &word[..start], &word[end + 1..]));
        }
    }
    done
}

/// The first list in braces that holds no other.
fn list(word: &str) -> Option<(usize, usize)> {
    let mut start = None;
    for (at, sign) in word.char_indices() {
        match (sign, start) {
            ('{', _) => start = Some(at),
            ('}', Some(from)) => {
                if word[from..at].contains(',') {
                    return Some((from, at));
                }
                start = None;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::braces;

    #[test]
    fn braces_with_a_comma_are_a_list() {
        assert_eq!(braces("/srv/{a,b}/c{1,2}"), ["/srv/a/c1", "/srv/a/c2", "/srv/b/c1", "/srv/b/c2"]);
        assert_eq!(braces("/srv/{}/{date}/x{"), ["/srv/{}/{date}/x{"]);
    }
}
