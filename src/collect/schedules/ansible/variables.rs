//! What a role or a play itself says of its variables: literals of `defaults/main.yml` and `vars/main.yml`, of `vars:`
//! around a task, and the items of a loop. Only a name alone between the braces is filled in, and never a secret.

use super::super::World;
use super::super::node::{Kind, Node};
use super::super::yaml;
use crate::evidence::scrub::names_secret;
use crate::input::InputFile;
use crate::schedule;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many variables one value may go through.
const MAX_STEPS: usize = 8;
/// How many variables one text may take.
const MAX_FILLED: u32 = 1_000;
/// How many bytes a value may become.
const MAX_VALUE: usize = 16 * 1024;

/// The variables that are known.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    /// Shared by all tasks of a file.
    role: Rc<BTreeMap<String, Node>>,
    /// Of plays, blocks and loops, which win.
    own: BTreeMap<String, Node>,
}

impl Variables {
    /// Those of the role that a file of tasks belongs to.
    pub(super) fn of_role(file: &InputFile, world: &World<'_>) -> Variables {
        let mut known = BTreeMap::new();
        let path = &*file.path;
        let end = ["/tasks/", "/handlers/"].iter().find_map(|mark| path.rfind(mark));
        let Some(role) = end.map(|end| &path[..end]) else { return Variables::default() };
        // What stands in vars/ wins over what stands in defaults/.
        for name in ["defaults/main.yml", "defaults/main.yaml", "vars/main.yml", "vars/main.yaml"] {
            let path = format!("{role}/{name}");
            let found = world.inputs.files.binary_search_by(|file| (*file.path).cmp(&path));
            let text = found.ok().and_then(|at| world.inputs.files[at].text().ok());
            for document in text.iter().flat_map(|text| yaml::read(text).documents) {
                known.extend(entries(&document));
            }
        }
        Variables { role: Rc::new(known), own: BTreeMap::new() }
    }

    /// Takes over a map of variables.
    pub(super) fn learn(&mut self, map: &Node) {
        self.own.extend(entries(map));
    }

    /// The text with the variables that are known.
    pub(super) fn fill(&self, text: &str) -> String {
        self.fill_within(text, MAX_STEPS, &Cell::new(MAX_FILLED))
    }

    fn fill_within(&self, text: &str, steps: usize, fuel: &Cell<u32>) -> String {
        let value = |placeholder: &str| {
            let left = fuel.get();
            fuel.set(left.checked_sub(1)?);
            let (name, default) = default_of(placeholder);
            let literal = self.node(&name).map_or(default, Node::text)?;
            let value =
                if steps == 0 { literal.to_owned() } else { self.fill_within(literal, steps - 1, fuel) };
            (value.len() <= MAX_VALUE).then_some(value)
        };
        let filled = schedule::fill(text, &value);
        if filled.len() > MAX_VALUE { text.to_owned() } else { filled.into_owned() }
    }

    /// The value that a text stands for, where it is one placeholder and nothing else.
    pub(super) fn value_of(&self, text: &str) -> Option<&Node> {
        self.node(text.trim())
    }

    /// `{{ name }}`, `{{ name.key }}`, `{{ name['key'] }}`.
    fn node(&self, placeholder: &str) -> Option<&Node> {
        let inside = placeholder.strip_prefix("{{")?.strip_suffix("}}")?.trim_matches([' ', '\t', '\n', '-']);
        let (name, key) = match inside.split_once(['.', '[']) {
            Some((name, key)) => (name, Some(key.trim_end_matches(']').trim_matches(['\'', '"']))),
            None => (inside, None),
        };
        let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !plain(name) || names_secret(name) || key.is_some_and(|key| !plain(key) || names_secret(key)) {
            return None;
        }
        let value = self.own.get(name).or_else(|| self.role.get(name))?;
        match key {
            None => Some(value),
            Some(key) => {
                let at = key.parse::<usize>().ok().and_then(|index| value.items().get(index));
                at.or_else(|| value.get(key))
            }
        }
    }

    /// The variables of each round of a task's loop; one round with the item unknown where the list is.
    pub(super) fn unrolled(&self, task: &Node, most: usize) -> Vec<Variables> {
        let list = ["loop", "with_items", "with_list"].iter().find_map(|key| task.get(key));
        let known = list.and_then(|list| list.text().map_or(Some(list), |text| self.value_of(text)));
        let Some(Kind::List(items)) = known.map(|known| &known.kind) else { return vec![self.clone()] };
        if items.is_empty() || items.len() > most {
            return vec![self.clone()];
        }
        let name = task.get("loop_control").and_then(|control| control.get("loop_var")).and_then(Node::text);
        let round = |item: &Node| {
            let mut variables = self.clone();
            variables.own.insert(name.unwrap_or("item").to_owned(), item.clone());
            variables
        };
        items.iter().map(round).collect()
    }
}

/// A placeholder without the filter `default` behind it, and the literal that the filter states (jinja2's `default`,
/// or `d`): it holds where nobody sets the variable, as a role's own default does.
fn default_of(placeholder: &str) -> (Cow<'_, str>, Option<&str>) {
    let split = placeholder.trim_end_matches("}}").split_once('|');
    let Some((name, filter)) = split.filter(|_| placeholder.starts_with("{{")) else {
        return (Cow::Borrowed(placeholder), None);
    };
    let inside =
        ["default(", "d("].iter().find_map(|open| filter.trim().strip_prefix(open)?.strip_suffix(')'));
    let literal = inside.map(|inside| inside.strip_suffix(", true").unwrap_or(inside).trim());
    let quoted = |text: &'_ str| {
        ['"', '\''].iter().any(|q| text.len() > 1 && text.starts_with(*q) && text.ends_with(*q))
    };
    match literal {
        Some(text) if quoted(text) && !text[1..text.len() - 1].contains(['"', '\'']) => {
            (Cow::Owned(format!("{name}}}}}")), Some(&text[1..text.len() - 1]))
        }
        Some(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            (Cow::Owned(format!("{name}}}}}")), Some(text))
        }
        _ => (Cow::Borrowed(placeholder), None),
    }
}

fn entries(map: &Node) -> impl Iterator<Item = (String, Node)> {
    map.entries().iter().filter_map(|(key, value)| Some((key.text()?.to_owned(), value.clone())))
}
