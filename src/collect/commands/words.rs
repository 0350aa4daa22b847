//! Shell words as nodes of the tree: quotes removed, variables, defaults and the script's own folder resolved, fields
//! split where the shell splits them. What only a run can tell is `{}`, a date is `{date}`. It never runs a command.

use super::shell::{MAX_DEPTH, Shell};
use super::template::{MARK, unmarked};
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

    /// Where the word that a node begins ends. The grammar splits some words in two (`$A/$B-$C`); blanks and
    /// operators are what ends one.
    pub(super) fn end_of_word(&self, node: Node<'_>) -> usize {
        let rest = self.text.as_bytes().get(node.end_byte()..).unwrap_or(&[]);
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"$_-./{}%+:,@=~*?".contains(b) || *b == MARK as u8;
        node.end_byte() + rest.iter().take_while(|b| plain(b)).count()
    }

    /// The whole word that a node begins.
    pub(super) fn whole_word(&self, node: Node<'_>, depth: usize) -> String {
        let end = self.end_of_word(node);
        if end == node.end_byte() {
            return self.word(node, depth);
        }
        self.expand(self.text.get(node.start_byte()..end).unwrap_or(""), depth)
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
        unmarked(&out).into_owned()
    }

    /// A word with quotes removed and variables resolved.
    pub(super) fn word(&self, node: Node<'_>, depth: usize) -> String {
        if depth > MAX_DEPTH {
            return UNKNOWN.to_owned();
        }
        let text = self.of(node);
        let word = match node.kind() {
            "raw_string" => text.trim_start_matches('\'').trim_end_matches('\'').to_owned(),
            "ansi_c_string" => {
                let inner = text.trim_start_matches("$'").trim_end_matches('\'');
                inner.replace("\\n", "\n").replace("\\t", "\t").replace("\\'", "'")
            }
            "string" => {
                let inner = self.expanded(node, depth);
                let inner = inner.strip_prefix('"').unwrap_or(&inner);
                let inner = inner.strip_suffix('"').unwrap_or(inner);
                inner.replace("\\\"", "\"").replace("\\$", "$").replace("\\\n", "").replace("\\`", "`")
            }
            "simple_expansion" => self.variable(text.trim_start_matches('$')),
            "expansion" => self.parameter(text, depth),
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
        let inner = self.of(node).trim_start_matches("$(").trim_start();
        let rest = inner.strip_prefix("cat")?.trim_start();
        if !rest.starts_with("<<") || rest.starts_with("<<<") {
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
