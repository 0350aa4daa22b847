//! Values of a manifest with what is known where they stand: variables, their parts, choices between cases, templates,
//! and the few functions that only put texts together. What needs a host or data stays a placeholder.

use super::super::node::{Call, Kind, Node};
use super::super::values::scalar;
use super::manifest::Attributes;
use super::modules::Modules;
use super::template::{self, Language};
use crate::evidence::scrub::names_secret;
use crate::schedule;
use std::cell::Cell;

/// How many variables one value may go through.
const MAX_STEPS: usize = 6;
/// How long a value may become.
const MAX_VALUE: usize = 16 * 1024;
/// How many variables the values of one resource may take.
const MAX_FILLED: u32 = 10_000;

/// What a variable is: its value, and whether that is said where the resource stands, so that nothing in it is filled
/// in by what is called the same in a define.
pub(super) type Known<'k> = dyn Fn(&str) -> Option<(Node, bool)> + 'k;

/// What is given goes before what the manifest itself assigns.
pub(super) fn known<'k>(
    given: &'k Attributes,
    own: &'k Attributes,
) -> impl Fn(&str) -> Option<(Node, bool)> + 'k {
    move |name| {
        let given = given.get(name).map(|value| (value.clone(), true));
        given.or_else(|| own.get(name).map(|value| (value.clone(), false)))
    }
}

/// Fills in values of one resource.
pub(super) struct Fill<'k> {
    known: &'k Known<'k>,
    modules: &'k Modules<'k>,
    fuel: Cell<u32>,
}

impl<'k> Fill<'k> {
    /// With what is known, and the modules whose templates may be asked for.
    pub fn new(known: &'k Known<'k>, modules: &'k Modules<'k>) -> Fill<'k> {
        Fill { known, modules, fuel: Cell::new(MAX_FILLED) }
    }

    /// A value with the variables that are known: a list or a map takes the place of a variable that is all of a text.
    pub fn value(&self, value: &Node) -> Node {
        self.filled(value, MAX_STEPS)
    }

    fn filled(&self, value: &Node, steps: usize) -> Node {
        let inner = |value: &Node| self.filled(value, steps);
        let kind = match &value.kind {
            Kind::List(items) => Kind::List(items.iter().map(inner).collect()),
            Kind::Map(entries) => {
                Kind::Map(entries.iter().map(|(key, value)| (inner(key), inner(value))).collect())
            }
            Kind::Call(call) => match self.called(call, value.line, steps) {
                Some(told) => return told,
                // Its parts are of this place, and are not filled in at another one.
                None => Kind::Text(call.written.clone()),
            },
            Kind::Text(text) => {
                if let Some(whole) =
                    variable(text).filter(|_| steps > 0).and_then(|name| self.whole(name, steps))
                {
                    return whole;
                }
                Kind::Text(self.text(text, steps))
            }
        };
        Node { line: value.line, kind }
    }

    /// The value of a variable that is all of a text, where it is more than a text.
    fn whole(&self, name: &str, steps: usize) -> Option<Node> {
        let (node, closed) = self.part(name).filter(|(node, _)| !matches!(node.kind, Kind::Text(_)))?;
        if !self.taken() {
            return None;
        }
        match &node.kind {
            Kind::Call(call) => self.called(call, node.line, steps - 1),
            _ if closed => Some(node),
            _ => Some(self.filled(&node, steps - 1)),
        }
    }

    /// What a name stands for, not filled in.
    pub fn known(&self, name: &str) -> Option<Node> {
        (self.known)(name).map(|(node, _)| node)
    }

    /// What a text that is one variable stands for, not filled in.
    pub fn behind(&self, value: &Node) -> Option<Node> {
        let name = variable(value.text()?)?;
        self.part(name).map(|(node, _)| node).filter(|node| node.text() != value.text())
    }

    /// What a name with its subscripts stands for.
    fn part(&self, name: &str) -> Option<(Node, bool)> {
        let (base, keys) = subscripts(name)?;
        let (mut node, closed) = (self.known)(base)?;
        for key in keys {
            node = match &node.kind {
                Kind::List(items) => items.get(key.parse::<usize>().ok()?)?.clone(),
                _ => entry(&node, key)?.clone(),
            };
        }
        Some((node, closed))
    }

    /// Whether one more variable may be taken.
    fn taken(&self) -> bool {
        let left = self.fuel.get();
        self.fuel.set(left.saturating_sub(1));
        left > 0
    }

    fn text(&self, text: &str, steps: usize) -> String {
        let value = |placeholder: &str| {
            let name = variable(placeholder)?;
            let (node, closed) = self.part(name).filter(|_| self.taken())?;
            let called = match &node.kind {
                Kind::Call(call) if steps > 0 => Some(self.called(call, node.line, steps - 1)?),
                _ => None,
            };
            let closed = closed || called.is_some();
            let value = called.as_ref().unwrap_or(&node).text()?;
            if value == placeholder || names_secret(name) {
                return None;
            }
            let told = if closed || steps == 0 { value.to_owned() } else { self.text(value, steps - 1) };
            // An expression says less than the name of the variable that holds it.
            let whole = schedule::placeholders(&told).next() == Some((0, told.len()));
            let expression = whole && variable(&told).is_none_or(|name| name.contains('['));
            (!expression).then_some(told)
        };
        let filled = schedule::fill(text, &value);
        if filled.len() > MAX_VALUE { text.to_owned() } else { filled.into_owned() }
    }

    /// What a function gives, or a choice; `None`: only a run tells.
    fn called(&self, call: &Call, line: u64, steps: usize) -> Option<Node> {
        if !self.taken() || steps == 0 {
            return None;
        }
        let arguments: Vec<Node> = call.arguments.iter().map(|it| self.filled(it, steps - 1)).collect();
        let text = |at: usize| arguments.get(at).and_then(Node::text);
        let told = match call.name.as_str() {
            "?" => return chosen(text(0)?, arguments.get(1)?),
            "template" => {
                let texts = arguments
                    .iter()
                    .map(|path| self.modules.template(path.text()?))
                    .collect::<Option<Vec<_>>>()?;
                self.rendered(&texts.concat(), Language::Erb, None)
            }
            "epp" => self.rendered(&self.modules.template(text(0)?)?, Language::Epp, arguments.get(1)),
            "inline_template" => {
                let texts = arguments.iter().map(Node::text).collect::<Option<Vec<_>>>()?;
                self.rendered(&texts.concat(), Language::Erb, None)
            }
            "inline_epp" => self.rendered(text(0)?, Language::Epp, arguments.get(1)),
            "shellquote" => words(&arguments)?.into_iter().map(shell_word).collect::<Vec<_>>().join(" "),
            // What a variable alone stands for may be a list.
            "join" if arguments.first()?.text().is_none() => {
                words(arguments.get(..1)?)?.join(text(1).unwrap_or(""))
            }
            "String" | "to_string" | "stdlib::to_string" if arguments.len() == 1 => text(0)?.to_owned(),
            "merge" | "stdlib::merge" => return merged(&arguments),
            _ => return None,
        };
        Some(scalar(line, told))
    }

    fn rendered(&self, text: &str, language: Language, given: Option<&Node>) -> String {
        let value = |name: &str| {
            let name = name.trim_start_matches("::");
            if names_secret(name) {
                return None;
            }
            if let Some(own) = given.and_then(|given| entry(given, name)) {
                return Some(own.clone());
            }
            let (node, closed) = self.part(name).filter(|_| self.taken())?;
            Some(if closed { node } else { self.filled(&node, MAX_STEPS - 1) })
        };
        template::rendered(text, language, &value)
    }
}

/// The value of a map's own entry.
pub(super) fn entry<'n>(map: &'n Node, key: &str) -> Option<&'n Node> {
    map.entries().iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
}

/// The case of a choice that a value takes; a pattern among the cases before it is not tried.
fn chosen(value: &str, cases: &Node) -> Option<Node> {
    if schedule::has_placeholder(value) {
        return None;
    }
    let mut otherwise = None;
    let unsettled = |c: char| c == '$' || c.is_ascii_uppercase();
    for (case, told) in cases.entries() {
        match case.text()? {
            "default" => otherwise = Some(told),
            case if case.eq_ignore_ascii_case(value) => return Some(told.clone()),
            // What is given as nothing is what is not given.
            "undef" if value.is_empty() => return Some(told.clone()),
            // Patterns, variables and types are not tried.
            case if schedule::has_placeholder(case) || case.starts_with(unsettled) => return None,
            _ => {}
        }
    }
    otherwise.cloned()
}

/// The texts of values and of lists among them.
fn words(values: &[Node]) -> Option<Vec<&str>> {
    let mut told = Vec::new();
    for value in values {
        match &value.kind {
            Kind::List(items) => told.extend(items.iter().map(Node::text).collect::<Option<Vec<_>>>()?),
            _ => told.push(value.text()?),
        }
    }
    Some(told)
}

/// A word as the function `shellquote` of Puppet writes it; what is filled in elsewhere stays readable.
fn shell_word(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%_+=:,./-".contains(c);
    let bare = schedule::fill(word, &|_| Some(String::new()));
    if !word.is_empty() && bare.chars().all(safe) {
        return word.to_owned();
    }
    if !bare.contains(['"', '`', '$', '\\']) {
        return format!("\"{word}\"");
    }
    if word.contains('\'') { format!("\"{}\"", word.replace('"', "\\\"")) } else { format!("'{word}'") }
}

/// Maps in one, later ones first; `None`: one of them is none.
fn merged(maps: &[Node]) -> Option<Node> {
    let mut entries: Vec<(Node, Node)> = Vec::new();
    for map in maps {
        let Kind::Map(own) = &map.kind else { return None };
        for (key, value) in own {
            entries.retain(|(other, _)| other.text() != key.text());
            entries.push((key.clone(), value.clone()));
        }
    }
    Some(Node { line: maps.first()?.line, kind: Kind::Map(entries) })
}

/// The name in `${name}` or `${name['key']}`, where it is all there is.
pub(super) fn variable(placeholder: &str) -> Option<&str> {
    let name = placeholder.strip_prefix("${")?.strip_suffix('}')?;
    let name = name.strip_prefix('$').unwrap_or(name);
    let name = name.strip_prefix("::").unwrap_or(name);
    subscripts(name).map(|_| name)
}

/// A name, and the keys in brackets behind it.
pub(super) fn subscripts(name: &str) -> Option<(&str, Vec<&str>)> {
    let end = name.find('[').unwrap_or(name.len());
    let (base, mut rest) = name.split_at(end);
    let plain = !base.is_empty() && base.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
    let mut keys = Vec::new();
    while plain && !rest.is_empty() {
        let (key, after) = rest.strip_prefix('[')?.split_once(']')?;
        let key = key.trim();
        let quoted = ['\'', '"'].iter().find_map(|quote| key.strip_prefix(*quote)?.strip_suffix(*quote));
        let number = !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
        keys.push(quoted.or(Some(key).filter(|_| number))?);
        rest = after;
    }
    plain.then_some((base, keys))
}
