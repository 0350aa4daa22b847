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
const METHODS_UNKNOWN: &str = "a route whose methods are only known when it runs";
/// How much of a call's arguments is looked at for a word, in bytes.
const MAX_AROUND: usize = 2000;

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
    /// Versions of it, which may stand in its path; `None`: they cannot be told.
    versions: Option<Vec<String>>,
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
    global: BTreeMap<Text, Vec<Global>>,
    /// By component: the folders of the files where an application of it is started.
    starts: BTreeMap<Text, BTreeSet<String>>,
    /// By component: whether versions stand in paths, as `/v1`, everywhere they are spoken of.
    versioned: BTreeMap<Text, bool>,
}

/// A path before all routes of an application.
#[derive(Debug, Clone)]
struct Global {
    /// The folder of the file that says so.
    folder: String,
    /// `None`: it cannot be told.
    path: Option<String>,
    /// Routes that it does not stand before: a path, or one behind its method.
    without: BTreeSet<String>,
}

fn folder_of(path: &str) -> String {
    path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned()
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
        for (component, folders) in other.starts {
            self.starts.entry(component).or_default().extend(folders);
        }
        for (component, versioned) in other.versioned {
            *self.versioned.entry(component).or_insert(true) &= versioned;
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

    /// The methods that an annotation gives its route; `None`: they cannot be told.
    fn methods(&self, marked: &Marked<'t>, annotation: &Annotation<'t>, said: &str) -> Option<Vec<String>> {
        if said != "*" {
            return Some(vec![said.to_owned()]);
        }
        let any = || Some(vec![ANY.to_owned()]);
        self.named_methods(marked, annotation).unwrap_or_else(any)
    }

    /// The methods among the arguments of an annotation; outer `None`: it says none.
    fn named_methods(&self, marked: &Marked<'t>, annotation: &Annotation<'t>) -> Option<Option<Vec<String>>> {
        let arguments = annotation.arguments.map(|it| self.file.arguments(it)).unwrap_or_default();
        let named = arguments.iter().find(|(name, _)| matches!(name.as_deref(), Some("method" | "methods")));
        let (_, value) = named?;
        Some(self.methods_in(marked, *value))
    }

    /// The methods that a value or a list of values names, itself or by a name that is given one list only.
    fn methods_in(&self, marked: &Marked<'t>, value: Node<'t>) -> Option<Vec<String>> {
        let name = self.file.of(value);
        let mut given = marked.assigned.iter().chain(&marked.reassigned).chain(&marked.appended);
        let mut given = given.by_ref().filter(|(given, _)| self.file.of(*given) == name);
        let value = match (given.next(), given.next()) {
            (Some((_, list)), None) => *list,
            (Some(_), Some(_)) => return None,
            (None, _) => value,
        };
        let nodes = &self.file.language.nodes;
        let listed = nodes.list.contains(&value.kind()) || matches!(value.kind(), "tuple" | "set");
        let mut cursor = value.walk();
        let mut found = BTreeSet::new();
        let values = if listed { value.named_children(&mut cursor).collect() } else { vec![value] };
        let values: Vec<Node<'t>> = values.into_iter().filter(|it| !it.kind().ends_with("comment")).collect();
        for value in &values {
            // `"POST"`, `RequestMethod.POST`, `POST`.
            let text = self.file.fold(*value).unwrap_or_else(|| last(self.file.of(*value)).to_owned());
            match METHODS.iter().position(|it| text.eq_ignore_ascii_case(it)) {
                Some(known) => drop(found.insert(known)),
                None if text == "*" => return Some(vec![ANY.to_owned()]),
                None if text == "TRACE" => {}
                None => return None,
            }
        }
        let names = found.into_iter().map(|at| METHODS[at].to_owned()).collect();
        Some(if values.is_empty() { vec![ANY.to_owned()] } else { names })
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
            versions: Some(Vec::new()),
            slash,
        });
    }

    /// `app.setGlobalPrefix('api')`, `@ApplicationPath("/api")`, and where applications are started. What a word
    /// of the list says behind its call: `=` an application is started, `?` a path stands before some routes,
    /// which ones is not told; `v` versions of routes are spoken of.
    fn global(&mut self, marked: &Marked<'t>) {
        if self.at.scope != Scope::Production {
            return;
        }
        let words = self.file.language.routes.global;
        let folder = folder_of(&self.input.path);
        let unknown = || Global { folder: folder.clone(), path: None, without: BTreeSet::new() };
        let mut found: Vec<Global> = Vec::new();
        for (_, arguments) in marked.calls.iter().filter(|_| !words.is_empty()) {
            let callee = self.file.callee(*arguments);
            // A generic call stands above its `await` in the tree.
            let callee = callee.strip_prefix("await ").unwrap_or(callee);
            let said = words.iter().map(|word| word.split_once(' ').unwrap_or((word, "")));
            match said.into_iter().find(|(word, _)| fits(callee, &[word])) {
                None => {}
                Some((_, "")) => found.push(self.before_all(*arguments).unwrap_or_else(unknown)),
                Some((_, "=")) => {
                    let starts = &mut self.routing.starts;
                    starts.entry(self.at.component.clone()).or_default().insert(folder.clone());
                }
                Some((_, "v")) => {
                    let all: String = self.file.of(*arguments).chars().take(MAX_AROUND).collect();
                    // A version by default stands before routes that say none (Nest, "Versioning").
                    found.extend(all.contains("defaultVersion").then(unknown));
                    let path = all.contains(".URI") || arguments.named_child(0).is_none();
                    let plain = path && !all.contains("prefix");
                    let held = self.routing.versioned.entry(self.at.component.clone());
                    *held.or_insert(true) &= plain;
                }
                Some(_) => found.push(unknown()),
            }
        }
        for it in marked.annotations.iter().filter(|it| words.contains(&last(self.file.of(it.name)))) {
            let path = self.paths(it).and_then(|paths| paths.first().cloned());
            found.push(Global { path, ..unknown() });
        }
        if !found.is_empty() {
            self.routing.global.entry(self.at.component.clone()).or_default().extend(found);
        }
    }

    /// The path that a call puts before all routes; `None`: it cannot be told, or not before which.
    fn before_all(&self, arguments: Node<'_>) -> Option<Global> {
        let mut cursor = arguments.walk();
        let values: Vec<Node<'_>> = arguments.named_children(&mut cursor).collect();
        let path = self.file.fold(*values.first()?).filter(|path| !path.contains(UNKNOWN))?;
        let mut without = BTreeSet::new();
        for (name, value) in values.get(1).map(|_| self.file.arguments(arguments)).unwrap_or_default() {
            match name.as_deref() {
                Some("exclude") => {
                    let listed = self.file.language.nodes.list.contains(&value.kind());
                    let mut cursor = value.walk();
                    let entries: Vec<Node<'_>> = value.named_children(&mut cursor).collect();
                    for entry in entries.into_iter().filter(|it| !it.kind().ends_with("comment")) {
                        without.insert(self.excluded(entry).filter(|_| listed)?);
                    }
                    listed.then_some(())?;
                }
                Some(_) => return None,
                None => {}
            }
        }
        // Options in a name hold anything, and so does a name in options (`{ exclude }`, `{ ...options }`).
        let written = |node: &Node<'_>| {
            let mut cursor = node.walk();
            self.file.language.nodes.table.contains(&node.kind())
                && node.named_children(&mut cursor).all(|it| it.child_by_field_name("value").is_some())
        };
        values.iter().skip(1).all(written).then_some(())?;
        Some(Global { folder: folder_of(&self.input.path), path: Some(path), without })
    }

    /// `'health'`, `{ path: 'health', method: RequestMethod.GET }`; `None`: it cannot be told.
    fn excluded(&self, entry: Node<'_>) -> Option<String> {
        let plain = |path: &String| !path.contains(['*', '(', '{']);
        let path = |node| self.file.fold(node).filter(plain).map(|path| paths::normal(&path, false));
        if !self.file.language.nodes.table.contains(&entry.kind()) {
            return path(entry);
        }
        let mut cursor = entry.walk();
        let (mut said, mut method) = (None, None);
        for pair in entry.named_children(&mut cursor) {
            let value = pair.child_by_field_name("value")?;
            match self.file.of(pair.child_by_field_name("key")?) {
                "path" => said = Some(path(value)?),
                "method" => method = Some(last(self.file.of(value))),
                _ => return None,
            }
        }
        match method {
            None | Some("ALL") => said,
            Some(method) => METHODS.contains(&method).then(|| said.map(|path| format!("{method} {path}")))?,
        }
    }
}
