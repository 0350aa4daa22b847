//! Routes of annotated classes (Spring, JAX-RS, Nest), and interfaces whose routes are calls of another
//! service (Feign). A class that does not say that it serves has no routes, only gaps.

use super::paths::{behind, of_one_segment};
use super::{ANY, Base, METHODS_UNKNOWN, Reader};
use crate::collect::commands;
use crate::collect::source::clients::unnamed;
use crate::collect::source::fold::UNKNOWN;
use crate::collect::source::marks::{Annotation, Marked};
use crate::collect::source::tables::last;
use crate::evidence::Action;
use std::collections::BTreeMap;
use tree_sitter::Node;

/// What the annotations of a class say for its routes.
#[derive(Default)]
struct Class {
    serves: bool,
    /// The address of the service it calls; inner `None`: it cannot be told.
    calls: Option<Option<String>>,
    /// `None`: one cannot be told.
    prefixes: Option<Vec<String>>,
    /// Methods that all its routes have; inner `None`: they cannot be told.
    methods: Option<Option<Vec<String>>>,
    /// Versions of its routes; `None`: they cannot be told.
    versions: Option<Vec<String>>,
    /// The module that its annotations are of, where words of the language say one.
    module: Option<&'static str>,
}

const CALL_UNKNOWN: &str = "a call of another service whose address is only known when it runs";
/// What says the version of a route, which stands in its path, a header or a media type.
const VERSION: &str = "Version";

/// Whether a file takes a name from a module.
fn is_of(marked: &Marked<'_>, name: &str, module: &str) -> bool {
    marked
        .imports
        .iter()
        .any(|it| it.module == module && it.alias.as_deref().or(it.name.as_deref()) == Some(name))
}

impl<'t> Reader<'_, 't> {
    fn class_of(&self, node: Node<'t>) -> Option<Node<'t>> {
        let mut at = Some(node);
        while let Some(node) = at {
            if self.file.language.nodes.class.contains(&node.kind()) {
                return Some(node);
            }
            at = self.file.parent(node);
        }
        None
    }

    fn class(&self, marked: &Marked<'t>, class: Node<'t>) -> Class {
        let words = &self.file.language.routes;
        let mut found = Class { prefixes: Some(Vec::new()), versions: Some(Vec::new()), ..Class::default() };
        for it in marked.at(class) {
            let name = last(self.file.of(it.name));
            for word in words.classes {
                let (class, module) = word.split_once(' ').map_or((*word, None), |(it, of)| (it, Some(of)));
                if class == name && module.is_none_or(|module| is_of(marked, name, module)) {
                    (found.serves, found.module) = (true, module);
                }
            }
            if words.prefixes.contains(&name) {
                let given = it.arguments.map(|arguments| self.file.arguments(arguments)).unwrap_or_default();
                if let Some((_, said)) = given.iter().find(|(name, _)| name.as_deref() == Some("version")) {
                    found.versions = self.file.texts_of(*said);
                }
                let paths = self.paths(it);
                let paths = paths.map(|paths| self.crossing(name, paths));
                found.methods = self.named_methods(marked, it).or(found.methods);
                found.prefixes = found.prefixes.zip(paths).map(|(held, more)| [held, more].concat());
            }
            if self.file.language.http.clients.contains(&name) {
                found.calls = Some(self.address(it));
            }
        }
        let said = marked.at(class).iter().find(|it| last(self.file.of(it.name)) == VERSION);
        found.versions = said.map_or(found.versions, |said| self.versions(said));
        if found.prefixes.as_ref().is_some_and(Vec::is_empty) {
            found.prefixes = Some(vec![String::new()]);
        }
        found
    }

    /// Only patterns of a path that is added to others (JAX-RS 3.1, 3.4) go over several segments.
    fn crossing(&self, name: &str, paths: Vec<String>) -> Vec<String> {
        match self.file.language.routes.paths.contains(&name) {
            true => paths,
            false => paths.iter().map(|path| of_one_segment(path)).collect(),
        }
    }

    /// `@FeignClient(name = …, url = …, path = …)`: where it calls.
    fn address(&self, client: &Annotation<'_>) -> Option<String> {
        let arguments = self.file.arguments(client.arguments?);
        let get = |names: &[&str]| {
            let found = arguments.iter().find(|(name, _)| names.contains(&name.as_deref().unwrap_or("")));
            found.map(|(_, value)| self.file.fold(*value).map(|text| self.file.placeholders(&text)))
        };
        let path = get(&["path"]).unwrap_or(Some(String::new()))?;
        let server = match get(&["url", "baseUri"]) {
            Some(url) => url?,
            None => get(&["name", "value", "serviceId", ""])??,
        };
        let address = if server.contains("://") { server } else { format!("http://{server}") };
        (!address.contains(UNKNOWN)).then(|| behind(&address, &path))
    }

    /// Reads the annotated functions of all classes.
    pub(super) fn classes(&mut self, marked: &Marked<'t>) {
        let words = &self.file.language.routes;
        let mut classes: BTreeMap<usize, Class> = BTreeMap::new();
        let versioned = self.versioned(marked);
        for it in &marked.annotations {
            let name = last(self.file.of(it.name));
            let Some(said) = Self::method_of(words.methods, name) else { continue };
            if self.file.language.nodes.class.contains(&it.on.kind()) {
                continue;
            }
            let Some(class) = self.class_of(it.on) else { continue };
            let known = classes.entry(class.id()).or_insert_with(|| self.class(marked, class));
            let mut paths = self.paths(it).map(|paths| self.crossing(name, paths));
            for more in marked.at(it.on) {
                match last(self.file.of(more.name)) {
                    name if words.paths.contains(&name) => paths = self.paths(more),
                    _ => {}
                }
            }
            let versions = versioned.get(&it.on.id()).map_or(known.versions.clone(), |own| own.clone());
            let full: Option<Vec<String>> = known.prefixes.as_ref().zip(paths).map(|(prefixes, paths)| {
                prefixes.iter().flat_map(|prefix| paths.iter().map(|path| behind(prefix, path))).collect()
            });
            let own = known.module.is_none_or(|module| is_of(marked, name, module));
            let (serves, calls) = (known.serves && own, known.calls.clone());
            let of_class = known.methods.clone();
            // JAX-RS has no path in these: an interface of a client has (Retrofit).
            let client = it.arguments.is_some_and(|all| all.named_child(0).is_some())
                && name == said
                && !words.paths.is_empty();
            let Some(methods) = self.methods_with(marked, it, said, of_class) else {
                self.unknown(it.name, METHODS_UNKNOWN);
                continue;
            };
            match (calls, full, serves) {
                (Some(Some(address)), Some(paths), _) => self.calls(it.name, &address, &methods, &paths),
                (Some(_), ..) => self.unknown(it.name, CALL_UNKNOWN),
                (None, ..) if client => self.unknown(it.name, CALL_UNKNOWN),
                (None, Some(paths), true) => {
                    for path in paths {
                        self.route(it.name, Base::Component, methods.clone(), path);
                        if let Some(route) = self.routing.routes.last_mut() {
                            route.versions = versions.clone();
                        }
                    }
                }
                (None, None, true) => self.unknown(it.name, "a route whose path is only known when it runs"),
                (None, _, false) => {
                    self.unknown(it.name, "a route of a class that does not say where it is served")
                }
            }
        }
    }

    /// The versions that `@Version('1')` says.
    fn versions(&self, annotation: &Annotation<'_>) -> Option<Vec<String>> {
        self.file.texts_of(annotation.arguments?.named_child(0)?)
    }

    /// The versions of decorators that stand together with one that says them; each is its own node of the
    /// tree.
    fn versioned(&self, marked: &Marked<'t>) -> BTreeMap<usize, Option<Vec<String>>> {
        let mut all: Vec<&Annotation<'t>> =
            marked.annotations.iter().filter(|it| it.on.kind() == "decorator").collect();
        all.sort_by_key(|it| it.on.start_byte());
        // What stands between two of one function has no body and no call.
        let together = |pair: &Annotation<'t>, next: &Annotation<'t>| {
            let between = self.file.text.get(pair.on.end_byte()..next.on.start_byte());
            between.is_some_and(|text| !text.contains(['{', '}', '(', ')', ';', '=']))
        };
        let groups = all.chunk_by(|one, next| together(one, next));
        let mut out = BTreeMap::new();
        for group in groups {
            if let Some(said) = group.iter().find(|it| last(self.file.of(it.name)) == VERSION) {
                let versions = self.versions(said);
                out.extend(group.iter().map(|it| (it.on.id(), versions.clone())));
            }
        }
        out
    }

    /// The methods of a route: its own and those of its class (Spring, "combine").
    fn methods_with(
        &self,
        marked: &Marked<'t>,
        annotation: &Annotation<'t>,
        said: &str,
        of_class: Option<Option<Vec<String>>>,
    ) -> Option<Vec<String>> {
        let own = self.methods(marked, annotation, said)?;
        let Some(of_class) = of_class else { return Some(own) };
        let mut all = of_class?;
        if own != [ANY] {
            all.extend(own);
        }
        all.sort();
        all.dedup();
        Some(all)
    }

    fn calls(&mut self, node: Node<'_>, address: &str, methods: &[String], paths: &[String]) {
        for (method, path) in methods.iter().flat_map(|method| paths.iter().map(move |path| (method, path))) {
            let url = behind(address, path);
            if let Some(resource) = commands::http_endpoint(method, &unnamed(&url)) {
                let place = self.place(node);
                self.out.add_written(self.at.what(Action::Call, resource), place);
            }
        }
    }
}
