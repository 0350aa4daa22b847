//! What a shell's assignments set: single values, lists, and names that a function keeps to itself. It never decides
//! whether an assignment is reached.

use super::shell::{MAX_EXPANDED, Shell};
use super::words::UNKNOWN;
use std::rc::Rc;
use tree_sitter::Node;

impl Shell<'_> {
    /// `NAME=value`, `NAME+=value`, `NAME=(a b)`.
    pub(super) fn assign(&mut self, node: Node<'_>, depth: usize) {
        let named = node.child_by_field_name("name");
        let name = named.map_or("", |name| self.of(name)).to_owned();
        let adds = named.is_some_and(|name| self.text[name.end_byte()..node.end_byte()].starts_with("+="));
        let value = node.child_by_field_name("value");
        if let Some(list) = value.filter(|value| value.kind() == "array") {
            let mut cursor = list.walk();
            let words: Vec<Node<'_>> = list.named_children(&mut cursor).collect();
            let words = self.listed(&words, depth);
            let arrays = Rc::make_mut(&mut self.state.arrays);
            match arrays.get_mut(&name) {
                Some(list) if adds => list.extend(words),
                // Added to a list that nobody knows.
                None if adds => {}
                _ => {
                    arrays.insert(name, words);
                }
            }
            return;
        }
        if named.is_some_and(|name| name.kind() == "subscript") {
            let list = name.split('[').next().unwrap_or("");
            Rc::make_mut(&mut self.state.arrays).remove(list);
            return;
        }
        let value = value.map_or(String::new(), |value| self.whole_word(value, depth));
        self.given(node, &name, adds, value);
    }

    /// Sets a variable to a value, or adds that to it.
    fn given(&mut self, node: Node<'_>, name: &str, adds: bool, value: String) {
        let held = self.state.env.get(name);
        let value = match held {
            Some(held) if adds => format!("{held}{value}"),
            None if adds => format!("{UNKNOWN}{value}"),
            // A template may leave this out, or another one of it.
            Some(held) if *held != value && self.is_loose(node) => UNKNOWN.to_owned(),
            _ => value,
        };
        let value = if value.len() > MAX_EXPANDED / 64 { UNKNOWN.to_owned() } else { value };
        self.state.set(name, value);
    }

    /// The assignments in front of a command, and where the last ends. The grammar takes what is glued to a value
    /// (``A=x-`date` ``) for a command: with none behind it, they set the variables of the shell.
    pub(super) fn in_front(&mut self, command: Node<'_>, depth: usize) -> (Vec<(String, String)>, usize) {
        let mut cursor = command.walk();
        let children: Vec<Node<'_>> = command.named_children(&mut cursor).collect();
        let (mut told, mut done) = (Vec::new(), command.start_byte());
        let assigns = |child: &&Node<'_>| child.kind() == "variable_assignment";
        for child in children.iter().filter(assigns) {
            let Some(name) = child.child_by_field_name("name") else { continue };
            let end = self.end_of_word(*child);
            let value = match child.child_by_field_name("value") {
                Some(value) => self.whole_word(value, depth),
                None if end > child.end_byte() => {
                    self.expand(self.text.get(child.end_byte()..end).unwrap_or(""), depth)
                }
                None => String::new(),
            };
            done = done.max(end);
            told.push((self.of(name).to_owned(), value));
        }
        let behind = |child: &Node<'_>| child.kind() != "variable_assignment" && child.start_byte() >= done;
        if !children.iter().any(behind) {
            for (name, value) in &told {
                self.given(command, name, false, value.clone());
            }
        }
        (told, done)
    }

    /// Inside a function, names that are declared are its own.
    pub(super) fn declare(&mut self, node: Node<'_>) {
        let Some(mut locals) = self.locals.take() else { return };
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            let name = match child.kind() {
                "variable_assignment" => child.child_by_field_name("name").map_or("", |name| self.of(name)),
                "variable_name" => self.of(child),
                _ => continue,
            };
            locals.entry(name.to_owned()).or_insert_with(|| self.state.env.get(name).cloned());
        }
        self.locals = Some(locals);
    }
}
