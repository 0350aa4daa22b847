//! Routes of routers that are made, called and mounted (Express, Fastify, Koa, Flask, FastAPI): what one file
//! says of its own routers, and of those that it takes from others or gives them.

use super::{ANY, Base, METHODS_UNKNOWN, Mount, Reader, Router};
use crate::collect::source::clients::{MAX_HEAD, head};
use crate::collect::source::fold::{UNKNOWN, call_of, fits};
use crate::collect::source::marks::Marked;
use crate::collect::source::modules::Key;
use crate::evidence::Scope;
use tree_sitter::Node;

/// How many calls of a chain are followed back to its router.
const MAX_CHAIN: usize = 16;

impl<'t> Reader<'_, 't> {
    fn key(&self, name: &str) -> Key {
        (self.input.path.clone(), name.to_owned())
    }

    /// Routers that the file makes, and what it calls those of others.
    pub(super) fn routers(&mut self, marked: &Marked<'t>) {
        let words = &self.file.language.routes;
        for import in &marked.imports {
            if let Some((given, target)) = self.modules.targets(self.input, self.file.language, import) {
                let key = self.key(&given);
                self.routing.aliases.insert(key, target);
            }
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
            let home = Some(self.at.component.clone()).filter(|_| app && self.at.scope == Scope::Production);
            let made = Router { app, prefix, home };
            match self.routing.routers.get_mut(&key) {
                Some(other) if other.prefix != made.prefix => other.prefix = None,
                _ => drop(self.routing.routers.insert(key, made)),
            }
        }
        for (name, value) in &marked.given {
            let own = self.key(self.file.of(*name));
            if let Some(target) = self.router(*value).filter(|target| *target != own) {
                self.routing.aliases.insert(own, target);
            }
        }
        if let Some(target) = marked.exported.first().and_then(|value| self.router(*value)) {
            let own = self.key("default");
            self.routing.aliases.insert(own, target);
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
            return self.router(call.receiver.filter(|on| call_of(*on).is_none())?);
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
    pub(super) fn decorated(&mut self, marked: &Marked<'t>) {
        for it in &marked.annotations {
            let Some((router, verb)) = self.file.of(it.name).rsplit_once('.') else { continue };
            let Some(said) = Self::method_of(self.file.language.routes.decorators, verb) else { continue };
            let Some(arguments) = it.arguments else { continue };
            let named = self.file.arguments(arguments);
            let path = named.iter().find(|(name, _)| matches!(name.as_deref(), None | Some("path" | "rule")));
            let Some((_, path)) = path else { continue };
            let key = self.router_named(router);
            let known = self.is_known(&key);
            // Other decorators are called like that, too: `@mock.patch`.
            let by_name =
                ["app", "router", "api", "bp", "blueprint"].iter().any(|name| router.ends_with(name));
            match self.file.fold(*path).filter(|path| !path.contains(UNKNOWN)) {
                Some(path) if path.starts_with('/') || (path.is_empty() && known) => {
                    let Some(mut methods) = self.methods(marked, it, said) else {
                        self.unknown(it.name, METHODS_UNKNOWN);
                        continue;
                    };
                    if said == "*" && methods == [ANY] {
                        // Flask ("API", route): GET where nothing is said.
                        methods = vec!["GET".to_owned()];
                    }
                    self.route(it.name, Base::Router(key, known || by_name), methods, path);
                }
                None if known => self.unknown(it.name, "a route whose path is only known when it runs"),
                _ => {}
            }
        }
    }

    /// `router.get('/x', …)`, `router.route('/x').get(…)`, `app.use('/y', router)`.
    pub(super) fn called(&mut self, marked: &Marked<'t>) {
        let words = &self.file.language.routes;
        for (_, arguments) in &marked.calls {
            let Some((on, verb)) = self.file.callee(*arguments).rsplit_once('.') else { continue };
            let (on, verb) = (on.trim_end_matches('?').trim_end().to_owned(), verb.to_owned());
            if words.mounts.contains(&verb.as_str()) || fits(&format!(".{verb}"), words.mounts) {
                self.mount(&on, *arguments);
            }
            if let Some(said) = Self::method_of(words.called, &verb) {
                self.call(marked, &on, said, *arguments);
            }
        }
    }

    fn mount(&mut self, on: &str, arguments: Node<'t>) {
        let parent = self.router_named(on);
        let mut cursor = arguments.walk();
        let values: Vec<Node<'t>> = arguments.named_children(&mut cursor).collect();
        let Some(first) = values.first() else { return };
        let (prefixes, instead) = match self.prefix(arguments) {
            Some((said, instead)) => (vec![said], instead),
            None if self.is_router(*first) => (vec![Some(String::new())], false),
            None => match self.file.fold(*first) {
                Some(path) => (vec![Some(path)], false),
                // `use(['/a', '/b'], router)`.
                None if self.file.language.nodes.list.contains(&first.kind()) => {
                    match self.file.texts_of(*first) {
                        Some(paths) => (paths.into_iter().map(Some).collect(), false),
                        None => (vec![None], false),
                    }
                }
                // `use(cors(), router)` has no path; a name may hold one.
                None if self.file.language.nodes.identifier.contains(&first.kind()) => (vec![None], false),
                None => (vec![Some(String::new())], false),
            },
        };
        let told = |path: String| {
            (path.is_empty() || path.starts_with('/')).then_some(path).filter(|path| !path.contains(UNKNOWN))
        };
        let prefixes: Vec<Option<String>> = prefixes.into_iter().map(|it| it.and_then(told)).collect();
        let children: Vec<Key> = values.into_iter().filter_map(|value| self.router(value)).collect();
        let parent = if self.is_known(&parent) { parent } else { self.given(on) };
        for child in children {
            if !self.is_known(&child) || child == parent {
                continue;
            }
            for prefix in &prefixes {
                let (parent, child, prefix) = (parent.clone(), child.clone(), prefix.clone());
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

    fn call(&mut self, marked: &Marked<'t>, on: &str, said: &str, arguments: Node<'t>) {
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
        let handled = values.iter().any(|it| it.kind().contains("function"));
        // Others are called like that too: only what goes by the name of a server is taken for one.
        let by_name =
            matches!(on.as_str(), "app" | "router" | "server" | "fastify" | "this.app" | "this.router");
        let key = if own || self.is_known(&key) {
            key
        } else if by_name && said != "*" && !handled && !self.may_serve(marked, &on, &values) {
            return;
        } else if by_name {
            self.given(&on)
        } else {
            return;
        };
        let methods = match get(&["method", "methods"]) {
            _ if said != "*" => Some(vec![said.to_owned()]),
            Some(value) => self.methods_in(marked, value),
            None => Some(vec![ANY.to_owned()]),
        };
        let Some(methods) = methods else { return self.unknown(arguments, METHODS_UNKNOWN) };
        match self.file.texts_of(path) {
            Some(paths) => {
                for path in paths.into_iter().filter(|path| path.starts_with(['/', '*']) || path.is_empty()) {
                    self.route(arguments, Base::Router(key.clone(), own || by_name), methods.clone(), path);
                }
            }
            None => self.unknown(arguments, "a route whose path is only known when it runs"),
        }
    }

    /// Whether what only goes by the name of a server may be one: the file speaks of a framework, gives the
    /// name no other value, and hands over something that may be a function.
    fn may_serve(&self, marked: &Marked<'t>, name: &str, values: &[Node<'t>]) -> bool {
        let words = self.file.language.routes.apps.iter();
        let text = head(self.file.text, MAX_HEAD);
        let mut words = words.filter_map(|word| word.trim_start_matches("new ").split(['.', '(']).next());
        let speaks = words.any(|word| word != "require" && text.contains(word));
        let given = marked.assigned.iter().chain(&marked.reassigned);
        let made = given.clone().any(|(given, value)| {
            self.file.of(*given) == name && self.file.language.nodes.call.contains(&value.kind())
        });
        let taken = marked.imports.iter().any(|it| {
            it.alias.as_deref().or(it.name.as_deref()) == Some(name) && !it.module.starts_with('.')
        });
        let nodes = &self.file.language.nodes;
        let handed = values.last().is_some_and(|last| {
            let kind = last.kind();
            nodes.identifier.contains(&kind) || nodes.call.contains(&kind) || nodes.list.contains(&kind)
        });
        speaks && !made && !taken && handed
    }

    /// The path of `router.route('/x').get(…).post(…)`, and its router.
    fn chained(&self, arguments: Node<'t>) -> (Option<Node<'t>>, String) {
        let mut at = self.file.parent(arguments).and_then(call_of).and_then(|call| call.receiver);
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
            self.routing
                .routers
                .insert(key.clone(), Router { app: true, prefix: Some(String::new()), home: None });
            return key;
        }
        self.key("default")
    }
}
