//! Tables told from tokens, for text the parser does not take: truncated, oversize, or of a dialect it does
//! not know. It works on folded text, where literals and comments are gone, and leaves out whatever could be
//! a function, an alias or a common table expression: a gap is better than a wrong table.

use super::Found;
use std::collections::BTreeSet;

/// Splits folded text into words (with dotted names whole) and single signs.
fn split(folded: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let bytes = folded.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        if bytes[at] == b' ' {
            at += 1;
            continue;
        }
        let wordly =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$' | b'#' | b'@') || b >= 0x80;
        if wordly(bytes[at]) || bytes[at] == b'"' {
            while at < bytes.len() && (wordly(bytes[at]) || bytes[at] == b'"') {
                if bytes[at] == b'"' {
                    at += 1 + memchr::memchr(b'"', &bytes[at + 1..]).unwrap_or(bytes.len() - at - 1);
                }
                at = (at + 1).min(bytes.len());
            }
        } else {
            at += 1;
        }
        tokens.push(&folded[start..at]);
    }
    tokens
}

/// Words that open a statement.
const OPENERS: [&str; 36] = [
    "select", "insert", "update", "delete", "merge", "with", "truncate", "copy", "create", "alter", "drop",
    "lock", "grant", "revoke", "call", "exec", "execute", "begin", "commit", "rollback", "set", "show",
    "explain", "declare", "load", "replace", "vacuum", "analyze", "do", "use", "prepare", "refresh",
    "reindex", "cluster", "table", "import",
];

/// Words that cannot be a table where a table is expected.
const NOT_TABLES: [&str; 28] = [
    "select",
    "where",
    "set",
    "values",
    "on",
    "using",
    "as",
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "group",
    "order",
    "having",
    "limit",
    "union",
    "except",
    "intersect",
    "returning",
    "when",
    "then",
    "end",
    "default",
    "dual",
    "unnest",
    "stdin",
];

/// Functions whose arguments hold a FROM of their own.
const FROM_INSIDE: [&str; 5] = ["extract", "substring", "trim", "overlay", "position"];

struct Reader<'a> {
    tokens: Vec<&'a str>,
    ctes: BTreeSet<&'a str>,
    found: Found,
}

/// Reads folded text.
pub(super) fn read(folded: &str) -> Found {
    let tokens = split(folded);
    let mut reader = Reader { tokens, ctes: BTreeSet::new(), found: Found::default() };
    reader.found.statement = reader.tokens.first().is_some_and(|first| OPENERS.contains(first));
    if reader.found.statement {
        let idle = ["begin", "commit", "rollback", "set", "show", "explain", "select", "vacuum", "analyze"];
        reader.found.acts = !idle.contains(&reader.at(0));
        reader.collect_ctes();
        reader.walk();
    }
    reader.found
}

impl<'a> Reader<'a> {
    fn at(&self, index: usize) -> &'a str {
        self.tokens.get(index).copied().unwrap_or("")
    }

    /// Any `name as (` or `name (columns) as (`: more than the common table expressions, never less.
    fn collect_ctes(&mut self) {
        // `UPDATE x … FROM t AS x`: an alias is no table; a table with its own name as alias is a gap.
        for pair in self.tokens.windows(2).filter(|pair| pair[0] == "as") {
            self.ctes.insert(pair[1]);
        }
        if !self.tokens.contains(&"with") {
            return;
        }
        // Spark leaves AS out: `with name (select …)`.
        for index in 0..self.tokens.len() {
            let opens =
                self.at(index + 2) == "(" && matches!(self.at(index + 3), "select" | "with" | "values");
            if matches!(self.at(index), "with" | "recursive" | ",") && opens {
                self.ctes.insert(self.at(index + 1));
            }
        }
        for index in 1..self.tokens.len() {
            if self.at(index) == "as" && matches!(self.at(index + 1), "(" | "materialized" | "not") {
                let mut name = index - 1;
                if self.at(name) == ")" {
                    while name > 0 && self.at(name) != "(" {
                        name -= 1;
                    }
                    name = name.saturating_sub(1);
                }
                self.ctes.insert(self.at(name));
            }
        }
    }

    /// The name at a position, if it is one of a table.
    fn name(&self, index: usize) -> Option<Vec<String>> {
        let word = self.at(index);
        let starts = word.chars().next().is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '"' | '#'));
        // `ROWS FROM (…)` is a list of functions; `U&"…"` is a spelling nobody reads here.
        let spelled = matches!((word, self.at(index + 1)), ("rows", "from") | ("u", "&"));
        let barred = spelled
            || NOT_TABLES.contains(&word)
            || self.ctes.contains(word)
            || word.ends_with('.')
            || word.contains("..");
        if !starts
            || barred
            || self.at(index + 1) == "(" && !matches!(self.at(index.wrapping_sub(1)), "into" | "copy")
        {
            return None;
        }
        Some(word.split('.').map(|part| part.trim_matches('"').to_owned()).collect())
    }

    /// The name at a position where a column list may follow it.
    fn bare_name(&self, index: usize) -> Option<Vec<String>> {
        let word = self.at(index);
        let starts = word.chars().next().is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '"'));
        let whole = !word.ends_with('.') && !word.contains("..");
        (starts && whole).then(|| word.split('.').map(|part| part.trim_matches('"').to_owned()).collect())
    }

    fn skip(&self, mut index: usize, words: &[&str]) -> usize {
        while words.contains(&self.at(index)) {
            index += 1;
        }
        index
    }

    fn walk(&mut self) {
        let mut calls: Vec<&str> = Vec::new();
        for index in 0..self.tokens.len() {
            let before = if index > 0 { self.at(index - 1) } else { "" };
            match self.at(index) {
                "(" => calls.push(before),
                ")" => {
                    calls.pop();
                }
                "from" if before == "delete" => self.touch(self.skip(index + 1, &["only"]), "delete"),
                "from"
                    if before != "distinct"
                        && !calls.last().is_some_and(|call| FROM_INSIDE.contains(call)) =>
                {
                    self.sources(index + 1);
                }
                "join" => self.read_at(self.skip(index + 1, &["only", "lateral"])),
                "using" if self.at(0) == "delete" || self.at(0) == "merge" => self.read_at(index + 1),
                "into" if matches!(before, "insert" | "merge" | "replace" | "ignore" | "overwrite") => {
                    self.write_at(self.skip(index + 1, &["table"]));
                }
                "update"
                    if !matches!(before, "for" | "on" | "do" | "then" | "key" | "no")
                        && self.at(index + 1) != "set" =>
                {
                    self.write_at(self.skip(index + 1, &["only", "ignore", "low_priority"]));
                }
                "truncate" if index == 0 || before == ";" => {
                    self.touch(self.skip(index + 1, &["table", "only"]), "truncate");
                }
                "vacuum" | "analyze" | "reindex" | "cluster" if index == 0 || before == ";" => {
                    self.upkeep(index)
                }
                "table" if index == 0 => self.read_at(1),
                "refresh" if index == 0 && self.at(1) == "materialized" && self.at(2) == "view" => {
                    self.write_at(self.skip(3, &["concurrently"]));
                }
                "copy" if index == 0 || before == ";" => self.copy(index),
                _ => {}
            }
        }
    }

    /// `VACUUM (options) t (columns), u`: the server's upkeep of tables.
    fn upkeep(&mut self, index: usize) {
        let words = ["full", "freeze", "verbose", "analyze", "table", "concurrently", "skip_locked", "only"];
        let mut at = self.skip(self.after_list(index + 1), &words);
        // REINDEX INDEX, SCHEMA and DATABASE name no table.
        while !matches!(self.at(at), "index" | "schema" | "database" | "system") {
            let Some(name) = self.bare_name(at) else { return };
            self.found.touches.insert((name, "maintain"));
            at = self.after_list(at + 1);
            if self.at(at) != "," {
                return;
            }
            at += 1;
        }
    }

    /// The position after a list in parentheses, should one stand here.
    fn after_list(&self, index: usize) -> usize {
        if self.at(index) != "(" {
            return index;
        }
        let close = self.tokens[index..].iter().position(|token| *token == ")");
        close.map_or(self.tokens.len(), |close| index + close + 1)
    }

    fn copy(&mut self, index: usize) {
        let rest = &self.tokens[index..];
        let out = rest.iter().position(|t| *t == "to").unwrap_or(usize::MAX);
        let into = rest.iter().position(|t| *t == "from").unwrap_or(usize::MAX);
        if self.at(index + 1) != "(" {
            if out < into { self.read_at(index + 1) } else { self.write_at(index + 1) }
        }
    }

    fn sources(&mut self, mut index: usize) {
        loop {
            index = self.skip(index, &["only", "lateral"]);
            self.read_at(index);
            if self.at(index) == "(" {
                return;
            }
            index = self.skip(index + 1, &["as"]);
            if self.at(index) != "," {
                index += 1;
            }
            if self.at(index) != "," {
                return;
            }
            index += 1;
        }
    }

    fn read_at(&mut self, index: usize) {
        self.found.reads.extend(self.name(index));
    }

    fn write_at(&mut self, index: usize) {
        self.found.writes.extend(self.name(index));
    }

    fn touch(&mut self, index: usize, how: &'static str) {
        self.found.touches.extend(self.name(index).map(|name| (name, how)));
    }
}
