//! What the readers of Ruby's small languages of schedules share: where a statement begins, where a block ends, what a
//! call is given, which names stand for a literal. It runs no Ruby.

use super::node::{Kind as NodeKind, Node};
use super::tokens::{Kind, Token};
use super::values::{Values, filled};
use crate::evidence::scrub::names_secret;
use crate::schedule;
use std::collections::BTreeMap;

/// Words that begin a block at the start of a statement, to be closed by `end`.
pub(super) const OPENING: [&str; 10] =
    ["if", "unless", "case", "while", "until", "begin", "for", "def", "class", "module"];

/// Words behind a call that make it conditional.
pub(super) const CONDITIONS: [&str; 2] = ["if", "unless"];

/// How many words a value may have; one with more is taken for code.
const MAX_VALUE: usize = 500;
/// How many arguments of a call are read.
const MAX_ARGUMENTS: usize = 64;

/// Whether a statement may begin there.
pub(super) fn begins_statement(values: &Values<'_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|at| values.get(at)) else { return true };
    before.kind == Kind::Newline
        || ["do", "then", "else", "|", ";", "{"].contains(&before.text.as_str()) && before.kind != Kind::Text
}

/// What a call is given.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// By place.
    pub positional: Vec<Node>,
    /// By name.
    pub named: Vec<(String, Node)>,
    /// Where the arguments end.
    pub end: usize,
}

impl Arguments {
    /// What is given under a name.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.named.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }
}

/// The arguments that begin there, in brackets or without.
pub(super) fn arguments(values: &Values<'_>, start: usize) -> Arguments {
    let bracket = values.is(start, "(");
    let stop = if bracket { values.closing(start) } else { values.tokens.len() };
    let mut told = Arguments::default();
    let mut at = if bracket { start + 1 } else { start };
    while at < stop {
        if bracket {
            at = values.skip_lines(at);
        }
        let Some(first) = values.get(at).filter(|_| at < stop) else { break };
        let closes = !bracket && (first.is("}") || first.is_word("end"));
        if first.kind == Kind::Newline || first.is_word("do") || closes {
            break;
        }
        let name = (first.kind != Kind::Sign && (values.is(at + 1, ":") || values.is(at + 1, "=>")))
            .then(|| first.text.clone());
        let from = if name.is_some() { values.skip_lines(at + 2) } else { at };
        // A block of one line ends behind its only statement.
        let ends = ["do", "if", "unless", "end"];
        if told.positional.len() + told.named.len() >= MAX_ARGUMENTS
            || values.end_of_value(from, &ends) > from + MAX_VALUE
        {
            break;
        }
        let (value, end) = values.value(from, &ends);
        match name {
            Some(name) => told.named.push((name, value)),
            None => told.positional.push(value),
        }
        at = end.max(at + 1).min(stop);
        if !values.is(at, ",") {
            break;
        }
        at = values.skip_lines(at + 1);
    }
    told.end = if bracket { (stop + 1).min(values.tokens.len()) } else { at };
    told
}

/// Whether `if`, `case` and the like open a block there, rather than stand behind a statement.
pub(super) fn opens(values: &Values<'_>, at: usize) -> bool {
    begins_statement(values, at) || at.checked_sub(1).is_some_and(|before| values.is(before, "="))
}

/// The words of a line from there, as written.
pub(super) fn rest_of_line<'a>(values: &Values<'a>, at: usize) -> &'a str {
    let end = (at..values.tokens.len())
        .find(|at| values.tokens[*at].kind == Kind::Newline)
        .unwrap_or(values.tokens.len());
    between(values, at, end)
}

/// The text of the words between two places.
pub(super) fn between<'a>(values: &Values<'a>, start: usize, end: usize) -> &'a str {
    let words: &'a [Token] = values.tokens;
    match words.get(start..end).unwrap_or(&[]) {
        [] => "",
        [first, .., last] => super::calls::some_of(values.text, first.span.0, last.span.1),
        [only] => values.text.get(only.span.0..only.span.1).unwrap_or(""),
    }
}

/// Names that are given a value exactly once, a literal: constants and local variables.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: BTreeMap<String, Node>,
}

impl Names {
    /// Those of a text.
    pub fn of(values: &Values<'_>) -> Names {
        let mut assigned: BTreeMap<&str, Vec<Node>> = BTreeMap::new();
        for at in 0..values.tokens.len() {
            let token = &values.tokens[at];
            let assigns = token.kind == Kind::Word && values.is(at + 1, "=") && begins_statement(values, at);
            if assigns && values.end_of_value(at + 2, &CONDITIONS) <= at + MAX_VALUE {
                let value = values.value(at + 2, &CONDITIONS).0;
                assigned.entry(&token.text).or_default().push(value);
            }
        }
        let mut names = Names::default();
        for (name, values) in assigned {
            if let [only] = &values[..]
                && !only.text().is_some_and(schedule::has_placeholder)
            {
                names.set(name, only.clone());
            }
        }
        names
    }

    /// Gives a name its value.
    pub fn set(&mut self, name: &str, value: Node) {
        self.known.insert(name.to_owned(), value);
    }

    /// The value with these names filled in; a secret stays unknown.
    pub fn fill(&self, value: &Node) -> Node {
        let name_of = |placeholder: &str| {
            let name = placeholder.strip_prefix("#{")?.strip_suffix('}')?.trim();
            Some(name.trim_start_matches('@').to_owned()).filter(|name| !names_secret(name))
        };
        // A name by itself may stand for a list.
        if let Some(known) = value.text().and_then(name_of).and_then(|name| self.known.get(&name))
            && !matches!(known.kind, NodeKind::Text(_))
        {
            return Node { line: value.line, kind: known.kind.clone() };
        }
        filled(value, &|placeholder| {
            let known = self.known.get(&name_of(placeholder)?)?;
            known.text().map(str::to_owned)
        })
    }
}

/// A number of something: `1.day` and `3.hours` as `(1, "day")` and `(3, "hours")`, `60` as `(60, "")`.
pub(super) fn quantity(value: &Node) -> Option<(u64, &str)> {
    let text = value.text()?;
    let text = text.strip_prefix("#{").and_then(|text| text.strip_suffix('}')).unwrap_or(text).trim();
    let (number, unit) = text.split_once('.').unwrap_or((text, ""));
    let number = number.replace('_', "");
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let one_word = unit.bytes().all(|b| b.is_ascii_lowercase());
    Some((number.parse().ok().filter(|_| plain && one_word)?, unit))
}
