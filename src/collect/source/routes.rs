//! Routes that code serves: annotated classes, and routers that are put together over several files. Each
//! file says what it has; once all are read the paths are joined. A route whose whole path cannot be told is
//! a gap, never a shorter path.

use super::fold::{File, UNKNOWN, call_of, fits};
use super::marks::{Annotation, Marked};
use super::modules::{Key, Modules};
use super::place::Where;
use super::tables::last;
use crate::collect::commands;
use crate::evidence::scrub::scrub;
use crate::evidence::{
    Action, Basis, Evidence, Fact, Gap, GapCode, Mention, MentionKind, Place, Resource, ResourceKind, Says,
    Scope, Text,
};
use crate::input::InputFile;
use std::collections::{BTreeMap, BTreeSet};
use tree_sitter::Node;

/// How many routers may be mounted in each other, and at how many places one may be served.
const MAX_MOUNTS: usize = 8;
const MAX_PLACES: usize = 32;
/// How many routers are looked at to find where one is served.
const MAX_ROUTERS: usize = 1024;
/// How many calls of a chain are followed back to its router.
const MAX_CHAIN: usize = 16;

/// Methods of HTTP (RFC 9110, 9.3; RFC 5789), and the word for all of them.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
const ANY: &str = "ANY";

/// What a route's path is below of.
#[derive(Debug, Clone)]
enum Base {
    /// The component as a whole.
    Component,
    /// A router.
    Router(Key),
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

/// A path with its parameters in one style: `{name}`, and `{}` where anything may stand.
pub fn normal(path: &str, slash: bool) -> String {
    let mut out = String::new();
    for segment in split(path) {
        out.push('/');
        out.push_str(&normal_segment(segment));
    }
    if out.is_empty() || (slash && path.ends_with('/') && path.len() > 1) {
        out.push('/');
    }
    out
}

/// The segments of a path; a slash within braces or parentheses belongs to a pattern.
fn split(path: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    let parts = path.split(move |letter: char| {
        match letter {
            '{' | '(' | '<' => depth += 1,
            '}' | ')' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == '/' && depth == 0
    });
    parts.filter(|part| !part.is_empty())
}

fn normal_segment(segment: &str) -> String {
    if segment.starts_with('*') || segment == "**" || segment == "(.*)" {
        return UNKNOWN.to_owned();
    }
    let mut out = String::new();
    let mut rest = segment;
    while let Some(at) = rest.find([':', '{', '<', '(']) {
        out.push_str(&rest[..at]);
        let (open, inner) = (rest.as_bytes()[at], &rest[at + 1..]);
        let end = match open {
            b':' => inner.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inner.len()),
            _ => closing(inner, open).unwrap_or(inner.len()),
        };
        let name = parameter(open, &inner[..end]);
        if open == b':' && name.is_empty() {
            out.push(':');
            rest = inner;
            continue;
        }
        if open != b'(' {
            out.push_str(&format!("{{{name}}}"));
        }
        rest = &inner[(end + usize::from(open != b':')).min(inner.len())..];
        if open == b':' {
            // `:id(\\d+)`, `:id?`
            if let Some(pattern) = rest.strip_prefix('(') {
                rest = closing(pattern, b'(').map_or("", |end| &pattern[end + 1..]);
            }
            rest = rest.trim_start_matches(['?', '+', '*']);
        }
    }
    out.push_str(rest);
    out
}

/// The name of a parameter; empty where it takes the rest of the path.
fn parameter(open: u8, inner: &str) -> &str {
    let inner = inner.trim();
    match open {
        // Flask: `<converter:name>`; `path` takes the rest.
        b'<' => match inner.split_once(':') {
            Some((converter, _)) if converter.starts_with("path") => "",
            Some((_, name)) => name,
            None => inner,
        },
        // Spring and JAX-RS: `{name:pattern}`, `{*rest}`; FastAPI: `{name:path}`.
        b'{' if inner.starts_with('*') => "",
        b'{' => match inner.split_once(':') {
            Some((_, "path" | ".*" | ".+")) => "",
            Some((name, _)) => name.trim(),
            None => inner,
        },
        _ => inner,
    }
}

fn closing(text: &str, open: u8) -> Option<usize> {
    let close = match open {
        b'{' => b'}',
        b'<' => b'>',
        _ => b')',
    };
    let mut depth = 1usize;
    text.bytes().position(|byte| {
        depth = match byte {
            _ if byte == open => depth + 1,
            _ if byte == close => depth - 1,
            _ => depth,
        };
        depth == 0
    })
}

/// One path behind another, with one slash between them.
fn behind(before: &str, path: &str) -> String {
    match (before.trim_end_matches('/'), path.trim_start_matches('/')) {
        (before, "") if path.is_empty() => before.to_owned(),
        (before, path) => format!("{before}/{path}"),
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

/// What the annotations of a class say for its routes.
#[derive(Default)]
struct Class {
    serves: bool,
    /// The address of the service it calls; inner `None`: it cannot be told.
    calls: Option<Option<String>>,
    /// `None`: one cannot be told.
    prefixes: Option<Vec<String>>,
}

impl<'t> Reader<'_, '_> {
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

    fn class_of(&self, node: Node<'t>) -> Option<Node<'t>> {
        let mut at = Some(node);
        while let Some(node) = at {
            if self.file.language.nodes.class.contains(&node.kind()) {
                return Some(node);
            }
            at = node.parent();
        }
        None
    }

    /// The methods that a word of a list gives an annotation or call of this name.
    fn method_of(words: &[&'static str], name: &str) -> Option<&'static str> {
        words.iter().filter_map(|word| word.split_once(' ')).find(|(word, _)| *word == name).map(|(_, it)| it)
    }

    fn class(&self, marked: &Marked<'t>, class: Node<'t>) -> Class {
        let words = &self.file.language.routes;
        let mut found = Class { prefixes: Some(Vec::new()), ..Class::default() };
        for it in marked.annotations.iter().filter(|it| it.on.id() == class.id()) {
            let name = last(self.file.of(it.name));
            found.serves |= words.classes.contains(&name);
            if words.prefixes.contains(&name) {
                let versioned = it.arguments.is_some_and(|arguments| {
                    self.file.arguments(arguments).iter().any(|(name, _)| name.as_deref() == Some("version"))
                });
                let paths = self.paths(it).filter(|_| !versioned);
                found.prefixes = found.prefixes.zip(paths).map(|(held, more)| [held, more].concat());
            }
            if self.file.language.http.clients.contains(&name) {
                found.calls = Some(self.address(it));
            }
        }
        if found.prefixes.as_ref().is_some_and(Vec::is_empty) {
            found.prefixes = Some(vec![String::new()]);
        }
        found
    }

    /// `@FeignClient(name = …, url = …, path = …)`: where it calls.
    fn address(&self, client: &Annotation<'_>) -> Option<String> {
        let arguments = self.file.arguments(client.arguments?);
        let get = |names: &[&str]| {
            let found = arguments.iter().find(|(name, _)| names.contains(&name.as_deref().unwrap_or("")));
            found.map(|(_, value)| self.file.fold(*value).map(|text| self.file.placeholders(&text)))
        };
        let path = get(&["path"]).unwrap_or(Some(String::new()))?;
        let server = match get(&["url"]) {
            Some(url) => url?,
            None => get(&["name", "value", "serviceId", ""])??,
        };
        let address = if server.contains("://") { server } else { format!("http://{server}") };
        (!address.contains(UNKNOWN)).then(|| behind(&address, &path))
    }

    fn classes(&mut self, marked: &Marked<'t>) {
        let words = &self.file.language.routes;
        let mut classes: BTreeMap<usize, Class> = BTreeMap::new();
        for it in &marked.annotations {
            let name = last(self.file.of(it.name));
            let Some(said) = Self::method_of(words.methods, name) else { continue };
            if self.file.language.nodes.class.contains(&it.on.kind()) {
                continue;
            }
            let Some(class) = self.class_of(it.on) else { continue };
            let known = classes.entry(class.id()).or_insert_with(|| self.class(marked, class));
            let mut paths = self.paths(it);
            for more in marked.annotations.iter().filter(|more| more.on.id() == it.on.id()) {
                if words.paths.contains(&last(self.file.of(more.name))) {
                    paths = self.paths(more);
                }
            }
            let full: Option<Vec<String>> = known.prefixes.as_ref().zip(paths).map(|(prefixes, paths)| {
                prefixes.iter().flat_map(|prefix| paths.iter().map(|path| behind(prefix, path))).collect()
            });
            let (serves, calls) = (known.serves, known.calls.clone());
            let methods = self.methods(it, said);
            match (calls, full, serves) {
                (Some(Some(address)), Some(paths), _) => self.calls(it.name, &address, &methods, &paths),
                (Some(_), ..) => self
                    .unknown(it.name, "a call of another service whose address is only known when it runs"),
                (None, Some(paths), true) => {
                    for path in paths {
                        self.route(it.name, Base::Component, methods.clone(), path);
                    }
                }
                (None, None, true) => self.unknown(it.name, "a route whose path is only known when it runs"),
                (None, _, false) => {
                    self.unknown(it.name, "a route of a class that does not say where it is served")
                }
            }
        }
    }

    fn calls(&mut self, node: Node<'_>, address: &str, methods: &[String], paths: &[String]) {
        for (method, path) in methods.iter().flat_map(|method| paths.iter().map(move |path| (method, path))) {
            let url = behind(address, path);
            if let Some(resource) = commands::http_endpoint(method, &super::clients::unnamed(&url)) {
                let place = self.place(node);
                self.out.add_written(self.at.what(Action::Call, resource), place);
            }
        }
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

    fn key(&self, name: &str) -> Key {
        (self.input.path.clone(), name.to_owned())
    }

    /// Routers that the file makes, and what it calls those of others.
    fn routers(&mut self, marked: &Marked<'t>) {
        let words = &self.file.language.routes;
        for import in &marked.imports {
            if let Some((given, target)) = self.modules.targets(self.input, self.file.language, import) {
                let key = self.key(&given);
                self.routing.aliases.insert(key, target);
            }
        }
        if let Some(name) = marked.exported.first() {
            let (own, target) = (self.key("default"), self.key(self.file.of(*name)));
            self.routing.aliases.insert(own, target);
        }
        for (name, value) in marked.assigned.iter().chain(&marked.reassigned) {
            let Some(arguments) = value.child_by_field_name("arguments") else { continue };
            let callee = self.file.callee(arguments);
            let app = fits(callee, words.apps);
            if !app && !fits(callee, words.routers) {
                continue;
            }
            let prefix = self.prefix(arguments).map_or(Some(String::new()), |(prefix, _)| prefix);
            let key = self.key(self.file.of(*name));
            let made = Router { app, prefix };
            match self.routing.routers.get_mut(&key) {
                Some(other) if other.prefix != made.prefix => other.prefix = None,
                _ => drop(self.routing.routers.insert(key, made)),
            }
        }
    }

    /// The prefix among arguments, and whether it stands instead of a router's own; inner `None`: not known.
    fn prefix(&self, arguments: Node<'_>) -> Option<(Option<String>, bool)> {
        let named = self.file.arguments(arguments);
        let found =
            named.iter().find(|(name, _)| matches!(name.as_deref(), Some("prefix" | "url_prefix")))?;
        let text = self.file.fold(found.1).filter(|text| !text.contains(UNKNOWN));
        Some((text, found.0.as_deref() == Some("url_prefix")))
    }

    /// Which router an expression is, as far as this file knows: `users`, `users.router`, `require('./users')`,
    /// `router.routes()`.
    fn router(&self, node: Node<'_>) -> Option<Key> {
        let text = self.file.of(node);
        if let Some(module) = text.strip_prefix("require(").and_then(|rest| rest.strip_suffix(')')) {
            let module = module.trim_matches(['"', '\'', '`']);
            let file = self.modules.find(self.input, module, self.file.language)?;
            return Some((file.path.clone(), "default".to_owned()));
        }
        if let Some(call) = call_of(node).filter(|call| self.file.callee(call.arguments).ends_with(".routes"))
        {
            return self.router(call.receiver?);
        }
        let plain =
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.$".contains(&b));
        plain.then(|| self.router_named(text))
    }

    fn router_named(&self, name: &str) -> Key {
        if let Some((module, inner)) = name.split_once('.')
            && let Some((path, held)) = self.routing.aliases.get(&self.key(module))
        {
            return match held.as_str() {
                "*" | "default" => (path.clone(), inner.to_owned()),
                held => (path.clone(), format!("{held}.{inner}")),
            };
        }
        self.key(name)
    }

    /// `@app.get("/x")` of a router that is known by name.
    fn decorated(&mut self, marked: &Marked<'t>) {
        for it in &marked.annotations {
            let Some((router, verb)) = self.file.of(it.name).rsplit_once('.') else { continue };
            let Some(said) = Self::method_of(self.file.language.routes.decorators, verb) else { continue };
            let Some(arguments) = it.arguments else { continue };
            let named = self.file.arguments(arguments);
            let path = named.iter().find(|(name, _)| matches!(name.as_deref(), None | Some("path" | "rule")));
            let Some((_, path)) = path else { continue };
            let key = self.router_named(router);
            let known = self.is_known(&key);
            match self.file.fold(*path).filter(|path| !path.contains(UNKNOWN)) {
                Some(path) if path.starts_with('/') || (path.is_empty() && known) => {
                    let mut methods = self.methods(it, said);
                    if said == "*" && methods == [ANY] {
                        // Flask ("API", route): GET where nothing is said.
                        methods = vec!["GET".to_owned()];
                    }
                    self.route(it.name, Base::Router(key), methods, path);
                }
                None if known => self.unknown(it.name, "a route whose path is only known when it runs"),
                _ => {}
            }
        }
    }

    /// `router.get('/x', …)`, `router.route('/x').get(…)`, `app.use('/y', router)`.
    fn called(&mut self, marked: &Marked<'t>) {
        let words = &self.file.language.routes;
        for (_, arguments) in &marked.calls {
            let Some((on, verb)) = self.file.callee(*arguments).rsplit_once('.') else { continue };
            let (on, verb) = (on.trim_end_matches('?').trim_end().to_owned(), verb.to_owned());
            if words.mounts.contains(&verb.as_str()) || fits(&format!(".{verb}"), words.mounts) {
                self.mount(&on, *arguments);
            }
            if let Some(said) = Self::method_of(words.called, &verb) {
                self.call(&on, said, *arguments);
            }
        }
    }

    fn mount(&mut self, on: &str, arguments: Node<'t>) {
        let parent = self.router_named(on);
        let mut cursor = arguments.walk();
        let values: Vec<Node<'t>> = arguments.named_children(&mut cursor).collect();
        let Some(first) = values.first() else { return };
        let (prefix, instead) = match self.prefix(arguments) {
            Some(said) => said,
            None if self.is_router(*first) => (Some(String::new()), false),
            None => match self.file.fold(*first) {
                Some(path) => {
                    (Some(path).filter(|path| path.starts_with('/') && !path.contains(UNKNOWN)), false)
                }
                // `use(cors(), router)` has no path; a name may hold one.
                None if self.file.language.nodes.identifier.contains(&first.kind()) => (None, false),
                None => (Some(String::new()), false),
            },
        };
        let children: Vec<Key> = values.into_iter().filter_map(|value| self.router(value)).collect();
        for child in children {
            if self.is_known(&child) && child != parent {
                let (parent, prefix) = (parent.clone(), prefix.clone());
                self.routing.mounts.push(Mount { parent, child, prefix, instead });
            }
        }
    }

    fn is_router(&self, node: Node<'_>) -> bool {
        self.router(node).is_some_and(|key| self.is_known(&key))
    }

    /// Whether a name is a router of this file or something of another one.
    fn is_known(&self, key: &Key) -> bool {
        self.routing.routers.contains_key(key)
            || self.routing.aliases.contains_key(key)
            || key.0 != self.input.path
    }

    fn call(&mut self, on: &str, said: &str, arguments: Node<'t>) {
        let named = self.file.arguments(arguments);
        let get = |wanted: &[&str]| {
            let found = named.iter().find(|(name, _)| wanted.contains(&name.as_deref().unwrap_or("-")));
            found.map(|(_, value)| *value)
        };
        let mut cursor = arguments.walk();
        let values: Vec<Node<'t>> = arguments.named_children(&mut cursor).collect();
        // `route({ method: 'GET', url: '/x' })` says all by name; `route('/x').get(…)` stands behind.
        let (path, on) = if said == "*" {
            (get(&["url", "path"]), on.to_owned())
        } else if on.ends_with(')') {
            self.chained(arguments)
        } else {
            (values.first().copied().filter(|_| values.len() > 1), on.to_owned())
        };
        let Some(path) = path else { return };
        let key = self.router_named(&on);
        let own = self.routing.routers.contains_key(&key);
        let imported = self.routing.aliases.contains_key(&key) || key.0 != self.input.path;
        // Others are called like that too: only what goes by the name of a server is taken for one.
        let by_name =
            matches!(on.as_str(), "app" | "router" | "server" | "fastify" | "this.app" | "this.router");
        if !own && !(by_name && !imported) {
            return;
        }
        let key = if own { key } else { self.given(&on) };
        let methods =
            if said == "*" { self.methods_in(get(&["method", "methods"])) } else { vec![said.to_owned()] };
        match self.file.texts_of(path) {
            Some(paths) => {
                for path in paths.into_iter().filter(|path| path.starts_with(['/', '*']) || path.is_empty()) {
                    self.route(arguments, Base::Router(key.clone()), methods.clone(), path);
                }
            }
            None => self.unknown(arguments, "a route whose path is only known when it runs"),
        }
    }

    /// The path of `router.route('/x').get(…).post(…)`, and its router.
    fn chained(&self, arguments: Node<'t>) -> (Option<Node<'t>>, String) {
        let mut at = arguments.parent().and_then(call_of).and_then(|call| call.receiver);
        for _ in 0..MAX_CHAIN {
            let Some(call) = at.and_then(call_of) else { break };
            if let Some(on) = self.file.callee(call.arguments).strip_suffix(".route") {
                return (call.arguments.named_child(0), on.to_owned());
            }
            at = call.receiver;
        }
        (None, String::new())
    }

    /// A router that the file is given by who calls it: `app` is the application itself, by custom; any other
    /// is what the file gives others, served where those mount it.
    fn given(&mut self, name: &str) -> Key {
        if name.ends_with("app") {
            let key = self.key(name);
            self.routing.routers.insert(key.clone(), Router { app: true, prefix: Some(String::new()) });
            return key;
        }
        self.key("default")
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

/// All mounts by the router that is mounted.
struct Mounts<'a> {
    of: &'a Routing,
    by_child: BTreeMap<Key, Vec<&'a Mount>>,
    /// How many more routers may be looked at for one route.
    left: usize,
}

impl<'a> Mounts<'a> {
    fn new(of: &'a Routing) -> Mounts<'a> {
        let mut by_child: BTreeMap<Key, Vec<&Mount>> = BTreeMap::new();
        for mount in &of.mounts {
            by_child.entry(of.itself(&mount.child)).or_default().push(mount);
        }
        Mounts { of, by_child, left: 0 }
    }

    /// The paths before the routes of a router, wherever it is served; none: it cannot be told.
    fn before(&mut self, key: &Key, depth: usize) -> Vec<String> {
        if depth > MAX_MOUNTS || self.left == 0 {
            return Vec::new();
        }
        self.left -= 1;
        let key = self.of.itself(key);
        let router = self.of.routers.get(&key);
        let own = router.map_or(Some(String::new()), |router| router.prefix.clone());
        let Some(mounts) = self.by_child.get(&key).cloned() else {
            return own.filter(|_| router.is_some_and(|router| router.app)).into_iter().collect();
        };
        let mut out = BTreeSet::new();
        for mount in mounts {
            let inner = match mount.instead {
                true => mount.prefix.clone(),
                false => mount.prefix.clone().zip(own.clone()).map(|(one, other)| behind(&one, &other)),
            };
            let Some(inner) = inner else { continue };
            let parents = self.before(&mount.parent, depth + 1);
            out.extend(parents.iter().map(|parent| behind(parent, &inner)));
        }
        out.into_iter().take(MAX_PLACES).collect()
    }
}

impl Routing {
    /// What a name stands for, through the files that take it over.
    fn itself(&self, key: &Key) -> Key {
        let mut key = key;
        for _ in 0..MAX_MOUNTS {
            match self.aliases.get(key) {
                Some(target) if !self.routers.contains_key(key) => key = target,
                _ => break,
            }
        }
        key.clone()
    }

    /// States all routes with their whole paths.
    pub fn state(&self, modules: &Modules<'_>, out: &mut Evidence) {
        let mut mounts = Mounts::new(self);
        let mut known: BTreeMap<Key, Vec<String>> = BTreeMap::new();
        for route in &self.routes {
            let before = match &route.base {
                Base::Component => {
                    let base = modules.base_path(&route.component);
                    let global = self.global.get(&route.component).map_or(&[][..], Vec::as_slice);
                    let global: BTreeSet<&Option<String>> = global.iter().collect();
                    match global.into_iter().collect::<Vec<_>>().as_slice() {
                        [] => vec![base],
                        [Some(one)] => vec![behind(&base, &format!("/{}", one.trim_start_matches('/')))],
                        _ => Vec::new(),
                    }
                }
                Base::Router(key) => {
                    mounts.left = MAX_ROUTERS;
                    known.entry(key.clone()).or_insert_with(|| mounts.before(key, 0)).clone()
                }
            };
            let before: Vec<&String> = before.iter().filter(|path| !path.contains(UNKNOWN)).collect();
            if before.is_empty() {
                let detail =
                    "a route of a router that is mounted where it cannot be told; its path is not known";
                out.add_gap(Gap::new(route.place.clone(), GapCode::Unresolved, detail));
            }
            for path in before {
                let path = normal(&behind(path, &route.path), route.slash);
                for method in &route.methods {
                    let resource = Resource {
                        kind: ResourceKind::Endpoint,
                        server: None,
                        database: None,
                        parts: vec![Text::from(scrub(&format!("{method} {path}")))],
                    };
                    out.add_fact(Fact {
                        about: Mention::new(MentionKind::Component, route.component.clone()),
                        says: Says::Serves(resource),
                        basis: Basis::Written,
                        scope: route.scope,
                        span: None,
                        place: route.place.clone(),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn parameters_of_any_style_are_one_style() {
        for (path, slash, want) in [
            ("/users/<int:id>", true, "/users/{id}"),
            ("/files/<path:name>", true, "/files/{}"),
            ("/users/:id", false, "/users/{id}"),
            ("/users/:id(\\d+)/x", false, "/users/{id}/x"),
            ("/users/:id?", false, "/users/{id}"),
            ("/flights/:from-:to", false, "/flights/{from}-{to}"),
            ("/items/{id:[0-9]{3}}", false, "/items/{id}"),
            ("/items/{id:\\d+/x}/y", false, "/items/{id}/y"),
            ("/{file:path}", true, "/{}"),
            ("/static/**", false, "/static/{}"),
            ("owners/*/pets/{petId}", false, "/owners/{}/pets/{petId}"),
            ("/report.{format}", false, "/report.{format}"),
            ("/v1/a:cancel", false, "/v1/a{cancel}"),
            ("/items/", true, "/items/"),
            ("/items/", false, "/items"),
            ("", false, "/"),
            ("//a//b", false, "/a/b"),
        ] {
            assert_eq!(normal(path, slash), want, "{path}");
        }
    }
}
