//! Routes: what services and API documents say is served, so that a path that was seen, or is written in a call,
//! becomes the endpoint it means. A path that fits no route keeps its own form, and nothing is ever called
//! undocumented where a proxy may only have put something in front of it.

use super::EntityId;
use super::consumers::Book;
use super::names::Names;
use crate::evidence::{Basis, Evidence, Mention, MentionKind, ResourceKind, Says, Scope};
use std::collections::{BTreeMap, BTreeSet};

/// How many leading parts of a path a proxy may have put in front of a route.
const PREFIX_PARTS: usize = 3;

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Route {
    method: String,
    path: String,
    documented: bool,
    deprecated: bool,
}

/// All routes, by who serves them.
#[derive(Debug, Default)]
pub struct Routes {
    by_system: BTreeMap<String, BTreeSet<Route>>,
    by_entity: BTreeMap<EntityId, BTreeSet<Route>>,
}

/// What a path turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub struct Served {
    /// Method and path, as the route spells it.
    pub name: String,
    /// Whether a document lists it; `None`: there is no document, or nothing can be said.
    pub documented: Option<bool>,
    /// Whether a document asks everybody to leave it.
    pub deprecated: bool,
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

/// Whether a part of a route takes any value: `{id}`, or `{}` for all that follows.
fn is_open(part: &str) -> bool {
    part.starts_with('{') && part.ends_with('}')
}

/// Whether one part of a path is what a part of a route says: `{name}.csv` fits `daily.csv`.
fn part_fits(route: &str, part: &str) -> bool {
    match (route.find('{'), route.rfind('}')) {
        (Some(open), Some(close)) if open < close => {
            let (before, after) = (&route[..open], &route[close + 1..]);
            let inner = part.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            inner.is_some_and(|inner| !inner.is_empty())
        }
        _ => route == part,
    }
}

/// Whether a path is one of a route.
fn path_fits(route: &str, path: &[&str]) -> bool {
    let route = parts(route);
    let tail = route.last() == Some(&"{}");
    let whole = if tail { path.len() >= route.len() } else { path.len() == route.len() };
    whole && route.iter().zip(path).all(|(route, part)| part_fits(route, part))
}

/// HEAD is asked of what GET serves (RFC 9110, 9.3.2), OPTIONS of anything.
fn method_fits(route: &str, method: &str) -> bool {
    route == method || route == "ANY" || method == "OPTIONS" || (route == "GET" && method == "HEAD")
}

/// Of several routes that fit, the one that says most by name, from the front on; one that takes all that follows
/// comes last.
fn rank(route: &Route) -> (bool, Vec<bool>) {
    let parts = parts(&route.path);
    (parts.last() == Some(&"{}"), parts.iter().map(|part| is_open(part)).collect())
}

/// What servers answer beside their interface: icons, rules for crawlers, their own document, whether they live.
fn is_beside(path: &[&str]) -> bool {
    const NAMES: [&str; 14] = [
        "favicon.ico",
        "robots.txt",
        "sitemap.xml",
        ".well-known",
        "openapi.json",
        "openapi.yaml",
        "swagger.json",
        "swagger-ui",
        "swagger-ui.html",
        "api-docs",
        "docs",
        "metrics",
        "health",
        "healthz",
    ];
    path.iter().any(|part| NAMES.contains(part))
}

impl Routes {
    /// Learns what facts say is served.
    pub fn learn(evidence: &Evidence, names: &Names, book: &Book) -> Routes {
        let mut routes = Routes::default();
        for fact in evidence.facts().filter(|fact| fact.scope == Scope::Production) {
            let (resource, deprecated) = match &fact.says {
                Says::Serves(resource) => (resource, false),
                Says::Retires(resource) => (resource, true),
                _ => continue,
            };
            if resource.kind != ResourceKind::Endpoint {
                continue;
            }
            let Some((method, path)) = resource.parts.first().and_then(|name| name.split_once(' ')) else {
                continue;
            };
            // A method of gRPC or an operation of SOAP stands behind its request: such a document lists nothing else that
            // is served.
            let documented = fact.basis == Basis::Declared && resource.parts.len() == 1;
            let route = Route { method: method.to_owned(), path: path.to_owned(), documented, deprecated };
            match fact.about.kind {
                MentionKind::Endpoint | MentionKind::System => {
                    let system = names.system(&fact.about.text);
                    routes.by_system.entry(system).or_default().insert(route);
                }
                MentionKind::Component => {
                    let entity = component(&fact.about.text, book);
                    match entity {
                        Some(entity) => routes.by_entity.entry(entity).or_default().insert(route),
                        None => {
                            let name = fact.about.text.rsplit('/').next().unwrap_or_default().to_owned();
                            routes.by_system.entry(name).or_default().insert(route)
                        }
                    };
                }
                _ => {
                    if let Some(entity) = book.who(&fact.about) {
                        routes.by_entity.entry(entity).or_default().insert(route);
                    }
                }
            }
        }
        routes
    }

    /// The service that a server's name stands for: named like it, or the container that answers to it.
    pub fn named(server: &str, book: &Book) -> Option<EntityId> {
        let bare = server.rsplit_once(':').map_or(server, |(host, _)| host);
        let container = || book.who(&Mention::new(MentionKind::Container, bare));
        let found = book.find(&format!("service:{server}")).or_else(container)?;
        (book.entities[found.0].kind == "service").then_some(found)
    }

    /// The service with routes that is alone on the machine of a server nobody declared. What else listens there nobody
    /// knows.
    fn alone(&self, server: &str, names: &Names, book: &Book) -> Option<EntityId> {
        if names.is_declared_system(server) {
            return None;
        }
        let machine = names.host(server.rsplit_once(':').map_or(server, |(host, _)| host))?;
        let here = book.known.iter().filter(|(entity, known)| {
            book.entities[entity.0].kind == "service" && known.hosts.contains(machine)
        });
        match here.map(|(entity, _)| *entity).collect::<Vec<_>>()[..] {
            [only] => Some(only).filter(|only| self.by_entity.contains_key(only)),
            _ => None,
        }
    }

    /// The endpoint a request for `METHOD PATH` at a server means.
    pub fn find(&self, server: &str, request: &str, names: &Names, book: &Book) -> Served {
        let unknown = |documented| Served { name: request.to_owned(), documented, deprecated: false };
        let own = self.by_system.get(server).into_iter().flatten();
        let named = Routes::named(server, book);
        let certain = named.is_some() || self.by_system.contains_key(server);
        let serving = named.or_else(|| self.alone(server, names, book));
        let theirs = serving.and_then(|entity| self.by_entity.get(&entity)).into_iter().flatten();
        let all: Vec<&Route> = own.chain(theirs).collect();
        let Some((method, path)) = request.split_once(' ') else { return unknown(None) };
        let asked = parts(path);
        let documents = all.iter().any(|route| route.documented);
        let fits = |route: &&&Route, path: &[&str]| {
            method_fits(&route.method, method) && path_fits(&route.path, path)
        };
        let best = all.iter().filter(|route| fits(route, &asked)).min_by_key(|route| rank(route));
        if let Some(route) = best {
            // The document and the source may spell one route with different names for its values.
            let same = all.iter().filter(|other| fits(other, &asked) && rank(other) == rank(route));
            let spelled = same.clone().find(|other| other.documented).unwrap_or(route);
            let documented = documents.then(|| same.clone().any(|other| other.documented));
            let deprecated = same.clone().any(|other| other.deprecated);
            let method = if spelled.method == "ANY" { method } else { &spelled.method };
            return Served { name: format!("{method} {}", spelled.path), documented, deprecated };
        }
        // A proxy may have put something in front of what is served, or taken something away.
        let added = (1..=PREFIX_PARTS.min(asked.len().saturating_sub(1)))
            .any(|cut| all.iter().any(|route| fits(&route, &asked[cut..])));
        let taken = all.iter().filter(|route| method_fits(&route.method, method)).any(|route| {
            let served = parts(&route.path);
            let most = PREFIX_PARTS.min(served.len().saturating_sub(1));
            (1..=most).any(|cut| {
                let (gone, left) = served.split_at(cut);
                let tells = gone.iter().all(|part| !is_open(part)) && left.iter().any(|part| !is_open(part));
                tells && path_fits(&left.join("/"), &asked)
            })
        });
        let says = documents && certain && !added && !taken && !is_beside(&asked);
        unknown(if says { Some(false) } else { None })
    }
}

/// The consumer that a folder belongs to: the nearest above it that is somebody's.
fn component(folder: &str, book: &Book) -> Option<EntityId> {
    let mut folder = folder;
    loop {
        if let Some(entity) = book.who(&Mention::new(MentionKind::Component, folder)) {
            return Some(entity);
        }
        folder = folder.rsplit_once('/')?.0;
    }
}

#[cfg(test)]
mod tests {
    use super::{Book, Names, Route, Routes, Served};

    #[test]
    fn a_path_becomes_the_route_that_says_most() {
        let route = |method: &str, path: &str, documented| Route {
            method: method.to_owned(),
            path: path.to_owned(),
            documented,
            deprecated: path.starts_with("/old"),
        };
        let mut routes = Routes::default();
        routes.by_system.insert(
            "api".to_owned(),
            [
                route("GET", "/v1/orders/{id}", true),
                route("GET", "/v1/orders/{order}", false),
                route("GET", "/v1/orders/latest", false),
                route("GET", "/v1/exports/{name}.csv", true),
                route("ANY", "/files/{}", true),
                route("POST", "/v1/orders", true),
                route("GET", "/old/{id}", true),
            ]
            .into(),
        );
        routes.by_system.insert("other".to_owned(), [route("GET", "/x/{id}", false)].into());
        routes.by_system.insert(
            "wide".to_owned(),
            [route("GET", "/apps/{}", false), route("GET", "/apps/{id}/clusters/{c}", false)].into(),
        );
        let (names, book) = (Names::default(), Book::default());
        for (server, request, name, documented) in [
            ("api", "GET /v1/orders/{}", "GET /v1/orders/{id}", Some(true)),
            ("api", "HEAD /v1/orders/abc/", "GET /v1/orders/{id}", Some(true)),
            ("api", "GET /v1/orders/latest", "GET /v1/orders/latest", Some(false)),
            ("api", "GET /v1/exports/daily.csv", "GET /v1/exports/{name}.csv", Some(true)),
            ("api", "GET /v1/exports/daily.xml", "GET /v1/exports/daily.xml", Some(false)),
            ("api", "PUT /files/a/b/c", "PUT /files/{}", Some(true)),
            ("api", "GET /old/{}", "GET /old/{id}", Some(true)),
            ("api", "GET /files", "GET /files", Some(false)),
            ("api", "DELETE /v1/orders/{}", "DELETE /v1/orders/{}", Some(false)),
            // A gateway may have put `/shop` there.
            ("api", "GET /shop/v1/orders/{}", "GET /shop/v1/orders/{}", None),
            // One may have taken `/v1` away.
            ("api", "GET /orders/{}", "GET /orders/{}", None),
            ("api", "GET /favicon.ico", "GET /favicon.ico", None),
            ("wide", "GET /apps/{}/clusters/{}", "GET /apps/{id}/clusters/{c}", None),
            ("wide", "GET /apps/{}/other", "GET /apps/{}", None),
            ("other", "GET /x/{}", "GET /x/{id}", None),
            ("other", "GET /y/{}", "GET /y/{}", None),
            ("nobody", "GET /x/{}", "GET /x/{}", None),
        ] {
            let deprecated = name.contains("/old");
            let served = Served { name: name.to_owned(), documented, deprecated };
            assert_eq!(routes.find(server, request, &names, &book), served, "{request}");
        }
    }
}
