//! Routes of annotated classes (Spring, JAX-RS, Nest), and interfaces whose routes are calls of another
//! service (Feign). A class that does not say that it serves has no routes, only gaps.

use super::paths::behind;
use super::{Base, Reader};
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
        let mut found = Class { prefixes: Some(Vec::new()), ..Class::default() };
        for it in marked.at(class) {
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

    /// Reads the annotated functions of all classes.
    pub(super) fn classes(&mut self, marked: &Marked<'t>) {
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
            for more in marked.at(it.on) {
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
            if let Some(resource) = commands::http_endpoint(method, &unnamed(&url)) {
                let place = self.place(node);
                self.out.add_written(self.at.what(Action::Call, resource), place);
            }
        }
    }
}
