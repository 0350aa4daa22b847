//! Routes that code serves: annotated classes, and routers that are put together over several files. Each
//! file says what it has; once all are read the paths are joined. A route whose whole path cannot be told is
//! a gap, never a shorter path.

mod classes;
mod join;
mod paths;
mod routers;

use super::fold::{File, UNKNOWN, fits};
use super::marks::{Annotation, Marked};
use super::modules::{Key, Modules};
use super::place::Where;
use super::tables::last;
use crate::evidence::{Evidence, Gap, GapCode, Place, Scope, Text};
use crate::input::InputFile;
use std::collections::{BTreeMap, BTreeSet};
use tree_sitter::Node;

/// Methods of HTTP (RFC 9110, 9.3; RFC 5789), and the word for all of them.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
const ANY: &str = "ANY";

/// What a route's path is below of.
#[derive(Debug, Clone)]
enum Base {
    /// The component as a whole.
    Component,
    /// A router; whether it is certain that it is one.
    Router(Key, bool),
}

/// One route, as far as its file says.
#[derive(Debug, Clone)]
struct Route {
    base: Base,
    methods: Vec<String>,
    path: String,
    place: Place,
    component: Text,
    scope: Scope,
    /// Whether a slash at the end is kept: frameworks of Python tell `/x/` from `/x`.
    slash: bool,
}

/// A router or an application.
#[derive(Debug, Clone)]
struct Router {
    app: bool,
    /// The path before its routes; `None`: it cannot be told.
    prefix: Option<String>,
    /// The component that an application is one of.
    home: Option<Text>,
}

/// One router mounted in another.
#[derive(Debug, Clone)]
struct Mount {
    parent: Key,
    child: Key,
    prefix: Option<String>,
    /// Whether the prefix stands instead of the router's own (Flask's `url_prefix`).
    instead: bool,
}

/// What the files of a scan say of routes.
#[derive(Debug, Default)]
pub struct Routing {
    routes: Vec<Route>,
    routers: BTreeMap<Key, Router>,
    mounts: Vec<Mount>,
    aliases: BTreeMap<Key, Key>,
    /// By component: paths before all routes.
    global: BTreeMap<Text, Vec<Option<String>>>,
}

impl Routing {
    /// Takes over what another file says.
    pub fn merge(&mut self, other: Routing) {
        self.routes.extend(other.routes);
        self.routers.extend(other.routers);
        self.mounts.extend(other.mounts);
        self.aliases.extend(other.aliases);
        for (component, paths) in other.global {
            self.global.entry(component).or_default().extend(paths);
        }
    }
}

/// The file that routes are read from.
pub struct Reader<'a, 'f> {
    /// It.
    pub file: &'a File<'f>,
    /// Its place in the scan.
    pub input: &'a InputFile,
    /// Whose it is.
    pub at: &'a Where,
    /// The others.
    pub modules: &'a Modules<'a>,
    /// What it says.
    pub routing: Routing,
    /// Calls of other services and gaps.
    pub out: &'a mut Evidence,
}

impl<'t> Reader<'_, 't> {
    fn place(&self, node: Node<'_>) -> Place {
        Place::line(&self.input.path, node.start_position().row as u64 + 1)
    }

    fn unknown(&mut self, node: Node<'_>, detail: &str) {
        let place = self.place(node);
        self.out.add_gap(Gap::new(place, GapCode::Unresolved, detail));
    }

    /// Reads all of the file.
    pub fn read(&mut self, marked: &Marked<'t>) {
        let words = &self.file.language.routes;
        if !words.methods.is_empty() {
            self.classes(marked);
        }
        if !words.apps.is_empty() {
            self.routers(marked);
            self.decorated(marked);
            self.called(marked);
        }
        self.global(marked);
    }

    /// The paths an annotation gives: none said is the empty one, `None` is not known.
    fn paths(&self, annotation: &Annotation<'_>) -> Option<Vec<String>> {
        let Some(arguments) = annotation.arguments else { return Some(vec![String::new()]) };
        let arguments = self.file.arguments(arguments);
        let said =
            arguments.iter().find(|(name, _)| matches!(name.as_deref(), None | Some("value" | "path")));
        let Some((_, value)) = said else { return Some(vec![String::new()]) };
        let texts = if self.file.language.nodes.list.contains(&value.kind()) {
            let mut cursor = value.walk();
            value.named_children(&mut cursor).map(|node| self.file.fold(node)).collect::<Option<Vec<_>>>()?
        } else {
            vec![self.file.fold(*value)?]
        };
        let resolved: Vec<String> = texts
            .iter()
            .map(|text| if text.contains("${") { self.file.placeholders(text) } else { text.clone() })
            .collect();
        (!resolved.iter().any(|path| path.contains(UNKNOWN))).then_some(resolved)
    }

    fn methods(&self, annotation: &Annotation<'_>, said: &str) -> Vec<String> {
        if said != "*" {
            return vec![said.to_owned()];
        }
        let arguments = annotation.arguments.map(|it| self.file.arguments(it)).unwrap_or_default();
        let named = arguments.iter().find(|(name, _)| matches!(name.as_deref(), Some("method" | "methods")));
        self.methods_in(named.map(|(_, value)| *value))
    }

    fn methods_in(&self, value: Option<Node<'_>>) -> Vec<String> {
        let text = value.map_or("", |value| self.file.of(value)).to_ascii_uppercase();
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphabetic()).collect();
        let found: Vec<String> =
            METHODS.iter().filter(|it| words.contains(*it)).map(|it| (*it).to_owned()).collect();
        if found.is_empty() { vec![ANY.to_owned()] } else { found }
    }

    /// The methods that a word of a list gives an annotation or call of this name.
    fn method_of(words: &[&'static str], name: &str) -> Option<&'static str> {
        words.iter().filter_map(|word| word.split_once(' ')).find(|(word, _)| *word == name).map(|(_, it)| it)
    }

    fn route(&mut self, node: Node<'_>, base: Base, methods: Vec<String>, path: String) {
        let (place, component) = (self.place(node), self.at.component.clone());
        let slash = self.file.language.imports.style == ["dotted"];
        self.routing.routes.push(Route {
            base,
            methods,
            path,
            place,
            component,
            scope: self.at.scope,
            slash,
        });
    }

    /// `app.setGlobalPrefix('api')`, `@ApplicationPath("/api")`.
    fn global(&mut self, marked: &Marked<'t>) {
        let words = self.file.language.routes.global;
        let mut found: Vec<Option<String>> = Vec::new();
        for (_, arguments) in &marked.calls {
            if !words.is_empty() && fits(self.file.callee(*arguments), words) {
                let path = arguments.named_child(0).and_then(|path| self.file.fold(path));
                found.push(path.filter(|path| !path.contains(UNKNOWN)));
            }
        }
        for it in marked.annotations.iter().filter(|it| words.contains(&last(self.file.of(it.name)))) {
            found.push(self.paths(it).and_then(|paths| paths.first().cloned()));
        }
        if !found.is_empty() && self.at.scope == Scope::Production {
            self.routing.global.entry(self.at.component.clone()).or_default().extend(found);
        }
    }
}
