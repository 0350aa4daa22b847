//! What the readers of PHP's and C#'s code share: what a call is given, constants of the same file, the conditions that
//! a place stands under. It runs no code.

use super::node::Node;
use super::tokens::{Kind, Token};
use super::values::{Values, filled};
use crate::evidence::scrub::names_secret;
use crate::schedule;
use std::collections::BTreeMap;

/// How much of a condition is kept.
const MAX_CONDITION: usize = 120;
/// How many conditions of a file are read.
const MAX_CONDITIONS: usize = 1000;
/// How many words a value may have; one with more is taken for code.
const MAX_VALUE: usize = 2000;
/// How many bytes of code are shown as it is written.
const MAX_WRITTEN: usize = 2000;

/// One argument: its name where it has one, and the words it stands between.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    /// `timeZone:`.
    pub name: Option<String>,
    /// Its first word.
    pub start: usize,
    /// Behind its last one.
    pub end: usize,
}

/// The arguments between the brackets that open there.
pub(super) fn arguments(values: &Values<'_>, open: usize) -> Vec<Argument> {
    let close = values.closing(open);
    if close >= values.tokens.len() {
        return Vec::new();
    }
    let (mut found, mut start, mut at) = (Vec::new(), open + 1, open + 1);
    while at <= close.min(values.tokens.len()) {
        let token = values.get(at);
        if at == close || token.is_some_and(|token| token.is(",")) {
            if start < at {
                let named = values.is(start + 1, ":") && start + 2 < at && !values.is(start + 2, ":");
                let name = named.then(|| values.tokens[start].text.clone());
                found.push(Argument { start: if named { start + 2 } else { start }, end: at, name });
            }
            start = at + 1;
        } else if token.is_some_and(|token| ["(", "[", "{"].iter().any(|sign| token.is(sign))) {
            at = values.closing(at);
        }
        at += 1;
    }
    found
}

/// The value of an argument, with the constants of the file filled in.
pub(super) fn value(values: &Values<'_>, argument: &Argument, constants: &Constants) -> Node {
    if argument.end > argument.start + MAX_VALUE {
        let line = values.tokens[argument.start].line;
        return super::values::scalar(
            line,
            format!("${{{}}}", written(values, argument.start, argument.end)),
        );
    }
    constants.fill(&values.within(argument.start, argument.end))
}

/// The text between two places, or as much of it as is shown.
pub(super) fn some_of(text: &str, start: usize, end: usize) -> &str {
    let enough = end.min(start.saturating_add(MAX_WRITTEN));
    let enough = (start..=enough).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(start);
    text.get(start..enough).unwrap_or("")
}

/// The words of an argument as written, on one line.
pub(super) fn written(values: &Values<'_>, start: usize, end: usize) -> String {
    let words: &[Token] = values.tokens.get(start..end).unwrap_or(&[]);
    let span = words.first().zip(words.last()).map(|(first, last)| (first.span.0, last.span.1));
    let text = span.map_or("", |(start, end)| some_of(values.text, start, end));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether what is assigned there ends soon: a literal does.
fn literal_follows(values: &Values<'_>, at: usize) -> bool {
    values.end_of_value(at, &["="]) <= at + 8
}

/// Constants and variables that are given a value exactly once, a literal.
#[derive(Debug, Default)]
pub(super) struct Constants {
    known: BTreeMap<String, Node>,
}

impl Constants {
    /// Those of a file; `sign` stands before the names of variables.
    pub fn of(values: &Values<'_>, sign: &str) -> Constants {
        let mut assigned: BTreeMap<&str, Vec<Node>> = BTreeMap::new();
        for (at, token) in values.tokens.iter().enumerate() {
            let assigns = token.kind == Kind::Word && values.is(at + 1, "=");
            if assigns && literal_follows(values, at + 2) {
                let name = token.text.trim_start_matches(sign);
                assigned.entry(name).or_default().push(values.value(at + 2, &[]).0);
            }
        }
        let literal = |node: &Node| node.text().is_some_and(|text| !schedule::has_placeholder(text));
        let single = assigned.into_iter().filter_map(|(name, mut values)| {
            let only = values.pop().filter(|value| values.is_empty() && literal(value))?;
            Some((name.to_owned(), only))
        });
        Constants { known: single.collect() }
    }

    /// The literal of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.known.get(name).filter(|_| !names_secret(name)).and_then(Node::text)
    }

    fn fill(&self, value: &Node) -> Node {
        filled(value, &|placeholder| {
            let name = placeholder.strip_prefix("${")?.strip_suffix('}')?.trim();
            let name = name.trim_start_matches('$');
            let own = ["self::", "static::", "this->", "this."].iter().find_map(|it| name.strip_prefix(it));
            self.get(own.unwrap_or(name)).map(str::to_owned)
        })
    }
}

/// The conditions under which each place of a text stands: of `if (…) {`, and of what it leaves for `else`.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    /// From, to, and the condition.
    held: Vec<(usize, usize, String)>,
}

impl Conditions {
    /// Those of a text.
    pub fn of(values: &Values<'_>) -> Conditions {
        let mut conditions = Conditions::default();
        for (at, token) in values.tokens.iter().enumerate() {
            let is_if = token.is_word("if") || token.is_word("elseif");
            if !is_if || !values.is(at + 1, "(") {
                continue;
            }
            if conditions.held.len() >= MAX_CONDITIONS {
                break;
            }
            let close = values.closing(at + 1);
            let mut condition = written(values, at + 2, close);
            if condition.chars().count() > MAX_CONDITION {
                condition = condition.chars().take(MAX_CONDITION).chain(['…']).collect();
            }
            let end = end_of_statement(values, close + 1);
            conditions.held.push((close + 1, end, format!("if ({condition})")));
            if values.get(end).is_some_and(|token| token.is_word("else"))
                && !values.get(end + 1).is_some_and(|token| token.is_word("if"))
            {
                let other = end_of_statement(values, end + 1);
                conditions.held.push((end + 1, other, format!("if not ({condition})")));
            }
        }
        conditions
    }

    /// Those that hold at a place, from the outside.
    pub fn at(&self, at: usize) -> impl Iterator<Item = &str> {
        let held = self.held.iter().filter(move |(from, to, _)| (*from..*to).contains(&at));
        held.map(|(_, _, condition)| condition.as_str())
    }
}

/// Behind the statement or the block that begins there.
fn end_of_statement(values: &Values<'_>, start: usize) -> usize {
    if values.is(start, "{") {
        return (values.closing(start) + 1).min(values.tokens.len());
    }
    let mut at = start;
    while let Some(token) = values.get(at) {
        match token.text.as_str() {
            ";" if token.kind == Kind::Sign => return at + 1,
            "(" | "[" | "{" if token.kind == Kind::Sign => at = values.closing(at),
            _ => {}
        }
        at += 1;
    }
    values.tokens.len()
}
