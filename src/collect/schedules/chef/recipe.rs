//! One recipe or custom resource of Chef: the resources it declares with `type 'name' do … end`, and the variables it
//! assigns once. It runs no Ruby: what stands under a condition or in a loop is there once.

use super::super::node::Node;
use super::super::ruby::{OPENING, begins_statement};
use super::super::tokens::{self, Kind as Word, Language};
use super::super::values::{Values, scalar};
use std::collections::BTreeMap;

/// One resource.
pub(super) struct Resource {
    /// Its type.
    pub kind: String,
    /// What it is called.
    pub name: Node,
    /// The line of its type.
    pub line: u64,
    /// What it is given; what several lines give differently is unknown.
    pub properties: BTreeMap<String, Node>,
}

/// What a text holds.
#[derive(Default)]
pub(super) struct Recipe {
    /// Its resources in order.
    pub resources: Vec<Resource>,
    /// Variables that are assigned exactly once, to a literal.
    pub variables: BTreeMap<String, Node>,
    /// What did not end, and where it began.
    pub broken: Option<(u64, &'static str)>,
}

/// Reads the resources of these types.
pub(super) fn read(text: &str, types: &[&str]) -> Recipe {
    let read = tokens::read(text, Language::Ruby);
    let values = Values::new(text, &read.tokens, Language::Ruby);
    let mut recipe = Recipe { broken: read.broken, ..Recipe::default() };
    let mut assigned: BTreeMap<&str, Vec<Node>> = BTreeMap::new();
    for at in 0..read.tokens.len() {
        let token = &read.tokens[at];
        if token.kind != Word::Word || !begins_statement(&values, at) {
            continue;
        }
        if values.is(at + 1, "=") {
            assigned.entry(&token.text).or_default().push(values.value(at + 2, &["if", "unless"]).0);
        } else if types.contains(&token.text.as_str()) && names(&values, at + 1) {
            recipe.resources.push(resource(&values, at));
        }
    }
    let literal = |node: &Node| node.text().is_some_and(|text| !crate::schedule::has_placeholder(text));
    for (name, values) in assigned {
        if let [only] = &values[..]
            && literal(only)
        {
            recipe.variables.insert(name.to_owned(), only.clone());
        }
    }
    recipe
}

/// Whether what stands there could be the name of a resource: a string, a variable, a call; no operator.
fn names(values: &Values<'_>, at: usize) -> bool {
    values.get(at).is_some_and(|token| match token.kind {
        Word::Text | Word::Word => token.text != "do",
        Word::Sign => token.is("("),
        Word::Newline => false,
    })
}

fn resource(values: &Values<'_>, at: usize) -> Resource {
    let token = &values.tokens[at];
    let (name, end) = values.value(at + 1, &["do"]);
    let mut given: BTreeMap<String, Vec<Node>> = BTreeMap::new();
    if values.get(end).is_some_and(|token| token.is_word("do")) {
        body(values, end + 1, &mut given);
    }
    let settle = |(name, mut told): (String, Vec<Node>)| {
        told.dedup_by(|a, b| a.kind == b.kind);
        let line = told[0].line;
        let value = if told.len() == 1 { told.remove(0) } else { scalar(line, format!("#{{{name}}}")) };
        (name, value)
    };
    let properties = given.into_iter().map(settle).collect();
    Resource { kind: token.text.clone(), name, line: token.line, properties }
}

/// The properties between `do` and its `end`.
fn body(values: &Values<'_>, start: usize, given: &mut BTreeMap<String, Vec<Node>>) {
    let (mut at, mut depth) = (start, 1usize);
    while let Some(token) = values.get(at) {
        let begins = begins_statement(values, at);
        match (token.kind, token.text.as_str()) {
            (Word::Word, "do") => depth += 1,
            (Word::Word, "end") => {
                depth -= 1;
                if depth == 0 {
                    return;
                }
            }
            (Word::Word, word) if begins && OPENING.contains(&word) => depth += 1,
            (Word::Word, word) if begins && names_value(values, at + 1) => {
                let (value, end) = values.value(at + 1, &["if", "unless", "do"]);
                given.entry(word.to_owned()).or_default().push(value);
                at = end.max(at + 1);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Whether a value stands there, so that the word before is a property.
fn names_value(values: &Values<'_>, at: usize) -> bool {
    values.get(at).is_some_and(|token| match token.kind {
        Word::Text => true,
        Word::Word => token.text != "do",
        Word::Sign => ["[", "(", "{"].contains(&token.text.as_str()),
        Word::Newline => false,
    })
}
