//! The names of one file and what they stand for, by the function or class that holds them. A name that is
//! given two different values is known to be unknown, and so is a parameter: an outer name of the same
//! spelling is not meant then.

use super::fold::{Constants, File, UNKNOWN, call_of, fits, is_secret};
use super::marks::Marked;
use super::modules::Import;
use std::collections::BTreeMap;
use tree_sitter::Node;

/// How many bytes all values of a file may have together, and one that is put together piece by piece.
pub const MAX_CONSTANTS: usize = 8 * 1024 * 1024;
const MAX_GROWN: usize = 64 * 1024;
/// How many calls of a chain are followed back to what it begins with.
const MAX_CHAIN: usize = 64;
/// How deep tables of constants are looked into.
const MAX_TABLES: usize = 4;

/// A function, class or the whole file.
struct Scope {
    from: usize,
    to: usize,
    above: usize,
    /// Its name, if it is a class.
    class: Option<String>,
    is_class: bool,
}

/// The names of a file.
#[derive(Default)]
pub struct Scopes {
    all: Vec<Scope>,
    /// By name and scope; `None`: nobody can tell.
    values: BTreeMap<String, BTreeMap<usize, Option<String>>>,
    /// Names that hold the one object of a class of this file: `settings = Settings()`.
    objects: BTreeMap<String, String>,
    bytes: usize,
    /// Whether [`MAX_CONSTANTS`] was reached.
    pub full: bool,
}

impl Scopes {
    /// The scopes of a tree, without names.
    pub fn of(root: Node<'_>, file: &File<'_>) -> Scopes {
        let whole = Scope { from: 0, to: usize::MAX, above: 0, class: None, is_class: false };
        let mut all = vec![whole];
        let mut inside = vec![0];
        let mut cursor = root.walk();
        let kinds = file.language.scope_kinds();
        let is = |kinds: &[bool], node: Node<'_>| kinds.get(usize::from(node.kind_id())) == Some(&true);
        'walk: loop {
            let node = cursor.node();
            let is_class = is(&kinds.class, node);
            if is_class || is(&kinds.scope, node) {
                while all[inside[inside.len() - 1]].to < node.end_byte() {
                    inside.pop();
                }
                let name = node.child_by_field_name("name").filter(|_| is_class);
                all.push(Scope {
                    from: node.start_byte(),
                    to: node.end_byte(),
                    above: inside[inside.len() - 1],
                    class: name.map(|name| file.of(name).to_owned()),
                    is_class,
                });
                inside.push(all.len() - 1);
            }
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    break 'walk;
                }
            }
        }
        Scopes { all, ..Scopes::default() }
    }

    /// The innermost scope around a byte.
    fn at(&self, byte: usize) -> usize {
        let mut scope = self.all.partition_point(|scope| scope.from <= byte).saturating_sub(1);
        while scope > 0 && self.all[scope].to <= byte {
            scope = self.all[scope].above;
        }
        scope
    }

    fn class_at(&self, byte: usize) -> Option<usize> {
        let mut scope = self.at(byte);
        while scope > 0 && !self.all[scope].is_class {
            scope = self.all[scope].above;
        }
        (scope > 0).then_some(scope)
    }

    /// What a name stands for where it is used; outer `None`: the file has no such name there.
    pub fn get(&self, name: &str, byte: usize) -> Option<Option<&str>> {
        let held = self.values.get(name)?;
        let mut scope = self.at(byte);
        loop {
            if let Some(value) = held.get(&scope) {
                return Some(value.as_deref());
            }
            if scope == 0 {
                return None;
            }
            scope = self.all[scope].above;
        }
    }

    /// The class that a name at a byte is one of; none: it is one of a function or of the file.
    pub fn class_of(&self, byte: usize) -> Option<&str> {
        self.all.get(self.at(byte)).filter(|scope| scope.is_class).map(|it| it.class.as_deref().unwrap_or(""))
    }

    /// What `this.name` stands for at a byte.
    pub fn of_class_at(&self, byte: usize, name: &str) -> Option<&str> {
        self.values.get(name)?.get(&self.class_at(byte)?)?.as_deref()
    }

    /// What `Class.name`, or `object.name` of an object of the class, stands for.
    pub fn of_class(&self, class: &str, name: &str) -> Option<&str> {
        let class = self.objects.get(class).map_or(class, String::as_str);
        let held = self.values.get(name)?;
        let mut found = held.iter().filter(|(scope, _)| self.all[**scope].class.as_deref() == Some(class));
        found.next().and_then(|(_, value)| value.as_deref())
    }

    /// Where `name` that is given a value at a byte lives: `self.name` in the class, a name that an outer
    /// scope holds there if it is given another value, else in the innermost scope.
    fn home<'n>(&self, name: &'n str, byte: usize, again: bool) -> (usize, &'n str) {
        for own in ["self.", "this.", "cls."] {
            if let Some(name) = name.strip_prefix(own) {
                return (self.class_at(byte).unwrap_or(0), name);
            }
        }
        let mut scope = self.at(byte);
        let inner = scope;
        while again && !self.values.get(name).is_some_and(|held| held.contains_key(&scope)) {
            if scope == 0 {
                return (inner, name);
            }
            scope = self.all[scope].above;
        }
        (scope, name)
    }

    fn set(&mut self, name: &str, scope: usize, value: Option<String>) {
        self.bytes += name.len() + value.as_ref().map_or(0, String::len);
        if self.bytes > MAX_CONSTANTS {
            self.full = true;
            return;
        }
        self.values.entry(name.to_owned()).or_default().insert(scope, value);
    }

    fn give(&mut self, name: &str, scope: usize, value: Option<String>) {
        let held = self.values.get(name).and_then(|held| held.get(&scope));
        match (held, &value) {
            (None, None) => {}
            // A default of a class or a file stays what is written; in a function the name is another now.
            (Some(_), None) if self.all[scope].is_class || scope == 0 => {}
            (Some(other), _) if *other != value => self.set(name, scope, None),
            _ => self.set(name, scope, value),
        }
    }

    /// What the file has for others: names of the file, and `Class.name`.
    pub fn exported(&self) -> Constants {
        let mut out = Constants::new();
        for (name, held) in &self.values {
            for (scope, value) in held {
                let Some(value) = value else { continue };
                let class = self.all[*scope].class.as_ref();
                for (object, _) in self.objects.iter().filter(|(_, of)| Some(*of) == class) {
                    out.insert(format!("{object}.{name}"), value.clone());
                }
                match &self.all[*scope].class {
                    Some(class) => out.insert(format!("{class}.{name}"), value.clone()),
                    None if *scope == 0 => out.insert(name.clone(), value.clone()),
                    None => None,
                };
            }
        }
        out
    }
}

/// A table of constants, flat: `TABLES.orders`.
fn flatten<'t>(file: &File<'_>, name: &str, node: Node<'t>, depth: usize, out: &mut Vec<(String, Node<'t>)>) {
    let nodes = &file.language.nodes;
    let wrapped = nodes.parenthesized.contains(&node.kind());
    let node = if wrapped { node.named_child(0).unwrap_or(node) } else { node };
    if depth > MAX_TABLES || !nodes.table.contains(&node.kind()) {
        out.push((name.to_owned(), node));
        return;
    }
    let mut cursor = node.walk();
    for pair in node.named_children(&mut cursor) {
        if let (Some(key), Some(value)) = (pair.child_by_field_name("key"), pair.child_by_field_name("value"))
        {
            let key = file.fold(key).unwrap_or_else(|| file.of(key).to_owned());
            flatten(file, &format!("{name}.{key}"), value, depth + 1, out);
        }
    }
}

impl<'a> File<'a> {
    /// Learns the names of the file, and gives back the texts that are put together piece by piece, with where
    /// each begins. Twice, because a constant may stand below its use.
    pub fn learn(&mut self, root: Node<'a>, marked: &Marked<'a>) -> Vec<(Node<'a>, String)> {
        let origin = |it: &Import| {
            let name = it.alias.as_ref().or(it.name.as_ref()).unwrap_or(&it.module);
            (name.clone(), it.module.clone())
        };
        self.origins = marked.imports.iter().map(origin).collect();
        self.scopes = Scopes::of(root, self);
        self.learn_once(root, marked, true);
        self.learn_once(root, marked, false);
        self.append(marked)
    }

    /// One pass over all that is given a name; `growing`: what is learned can be used at once.
    fn learn_once(&mut self, root: Node<'a>, marked: &Marked<'a>, growing: bool) {
        let mut fresh = Scopes::of(root, self);
        for name in &marked.unknown {
            let scope = fresh.at(name.start_byte());
            fresh.set(self.of(*name), scope, None);
        }
        for (name, value) in self.injected(marked) {
            let scope = fresh.at(name.start_byte());
            fresh.set(self.of(name), scope, Some(value));
        }
        for (name, value) in &marked.assigned {
            let made = value.child_by_field_name("arguments").map(|arguments| self.callee(arguments));
            let class = made.map(|callee| callee.trim_start_matches("new ").to_owned());
            let own = class.filter(|class| fresh.all.iter().any(|scope| scope.class.as_ref() == Some(class)));
            if let Some(class) = own.filter(|_| fresh.at(name.start_byte()) == 0) {
                fresh.objects.insert(self.of(*name).to_owned(), class);
            }
        }
        if growing {
            std::mem::swap(&mut self.scopes, &mut fresh);
        }
        for (assigned, again) in [(&marked.assigned, false), (&marked.reassigned, true)] {
            for (name, value) in assigned {
                let mut flat = Vec::new();
                flatten(self, self.of(*name), *value, 0, &mut flat);
                for (full, value) in flat {
                    // What a secret's name stands for is never put where it is used.
                    let folded = self.fold(value).filter(|_| !is_secret(&full));
                    let scopes = if growing { &mut self.scopes } else { &mut fresh };
                    let (scope, own) = scopes.home(&full, name.start_byte(), again);
                    scopes.give(own, scope, folded);
                }
            }
        }
        // `module.exports = { mysql: { host: … } }`: others call it `name.mysql.host`.
        for node in &marked.exported {
            let mut flat = Vec::new();
            flatten(self, "", *node, 0, &mut flat);
            for (full, value) in flat {
                let Some(own) = full.strip_prefix('.').filter(|own| own.contains('.') && !is_secret(own))
                else {
                    continue;
                };
                let folded = self.fold(value);
                let scopes = if growing { &mut self.scopes } else { &mut fresh };
                scopes.give(own, 0, folded);
            }
        }
        if !growing {
            self.scopes = fresh;
        }
    }

    /// `@Value("${name:default}") String x`: names that settings give a value.
    fn injected(&self, marked: &Marked<'a>) -> Vec<(Node<'a>, String)> {
        let words = self.language.environment.properties;
        let found = marked.annotations.iter().filter(|it| words.contains(&self.of(it.name)));
        found
            .filter_map(|it| {
                let text = self.fold(it.arguments?.named_child(0)?)?;
                let declared = it.on.child_by_field_name("declarator").unwrap_or(it.on);
                let name = declared.child_by_field_name("name").filter(|name| !is_secret(self.of(*name)))?;
                let value = self.placeholders(&text);
                (!value.contains(UNKNOWN) && !text.contains("#{")).then_some((name, value))
            })
            .collect()
    }

    /// The name that a chain of calls begins with.
    fn root_name(&self, arguments: Node<'_>) -> Option<Node<'a>> {
        let mut root = self.parent(arguments)?;
        for _ in 0..MAX_CHAIN {
            let Some(receiver) = call_of(root).and_then(|call| call.receiver) else { break };
            root = receiver;
        }
        self.language.nodes.identifier.contains(&root.kind()).then_some(root)
    }

    /// Whether a call puts text behind what a name holds.
    pub fn is_put_behind_a_name(&self, arguments: Node<'_>) -> bool {
        self.root_name(arguments).is_some()
    }

    /// `sql += "…"`, `builder.append("…")`.
    fn append(&mut self, marked: &Marked<'a>) -> Vec<(Node<'a>, String)> {
        let mut pieces = marked.appended.clone();
        for (_, arguments) in &marked.calls {
            if !self.language.format.append.is_empty()
                && fits(self.callee(*arguments), self.language.format.append)
            {
                pieces.extend(self.root_name(*arguments).zip(arguments.named_child(0)));
            }
        }
        pieces.sort_by_key(|(_, value)| value.start_byte());
        let mut grown: BTreeMap<(usize, String), String> = BTreeMap::new();
        for (name, value) in &pieces {
            let text = self.of(*name).to_owned();
            let (scope, own) = self.scopes.home(&text, name.start_byte(), true);
            let base = self.scopes.values.get(own).and_then(|held| held.get(&scope)).cloned().flatten();
            let key = (scope, own.to_owned());
            let Some(before) = grown.get(&key).cloned().or(base) else { continue };
            let piece = self.fold(*value).unwrap_or_else(|| UNKNOWN.to_owned());
            if before.len() + piece.len() <= MAX_GROWN {
                grown.insert(key, before + &piece);
            }
        }
        let mut whole = Vec::new();
        for ((scope, name), text) in grown {
            let first = marked.assigned.iter().find(|(assigned, _)| {
                let (home, own) = self.scopes.home(self.of(*assigned), assigned.start_byte(), false);
                home == scope && own == name
            });
            whole.extend(first.map(|(_, value)| (*value, text.clone())));
            self.scopes.set(&name, scope, Some(text));
        }
        whole
    }
}
