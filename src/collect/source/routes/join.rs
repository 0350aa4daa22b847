//! Where routers are served, once all files are read: mounts are followed from each router to the application,
//! within named limits. A router that no application mounts is served nowhere that can be told.

use super::paths::{behind, normal};
use super::{Base, Mount, Route, Routing};
use crate::collect::source::fold::UNKNOWN;
use crate::collect::source::modules::{Key, Modules};
use crate::evidence::scrub::scrub;
use crate::evidence::{
    Basis, Evidence, Fact, Gap, GapCode, Mention, MentionKind, Resource, ResourceKind, Says, Text,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many routers may be mounted in each other, and at how many places one may be served.
const MAX_MOUNTS: usize = 8;
const MAX_PLACES: usize = 32;
/// How many routers are looked at to find where one is served.
const MAX_ROUTERS: usize = 1024;

/// All mounts by the router that is mounted.
struct Mounts<'a> {
    of: &'a Routing,
    by_child: BTreeMap<Key, Vec<&'a Mount>>,
    /// Applications that something is mounted in, and components with several applications.
    parents: BTreeSet<Key>,
    several: BTreeSet<&'a Text>,
    /// How many more routers may be looked at for one route.
    left: usize,
}

impl<'a> Mounts<'a> {
    fn new(of: &'a Routing) -> Mounts<'a> {
        let mut by_child: BTreeMap<Key, Vec<&Mount>> = BTreeMap::new();
        for mount in &of.mounts {
            by_child.entry(of.itself(&mount.child)).or_default().push(mount);
        }
        let parents = of.mounts.iter().map(|mount| of.itself(&mount.parent)).collect();
        let mut homes: BTreeMap<&Text, BTreeSet<&Text>> = BTreeMap::new();
        for ((file, _), router) in &of.routers {
            if let Some(home) = &router.home {
                homes.entry(home).or_default().insert(file);
            }
        }
        let several = homes.into_iter().filter(|(_, files)| files.len() > 1).map(|(home, _)| home).collect();
        Mounts { of, by_child, parents, several, left: 0 }
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
            // Of several applications one may be served below another: which is the outermost, its own mounts say.
            let root = router.filter(|router| router.app).is_some_and(|router| {
                let alone = router.home.as_ref().is_none_or(|home| !self.several.contains(home));
                alone || self.parents.contains(&key)
            });
            return own.filter(|_| root).into_iter().collect();
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

    /// The path before all routes of the application that a route is one of; `None`: it cannot be told.
    fn before_all(&self, route: &Route) -> Option<String> {
        let Some(global) = self.global.get(&route.component) else { return Some(String::new()) };
        let starts = self.starts.get(&route.component).filter(|starts| starts.len() > 1);
        // A folder of several applications: each file belongs to the one that is started nearest above it.
        let below = |folder: &str, file: &str| {
            folder.is_empty() || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        };
        let start = |file: &str| {
            let found = starts.into_iter().flatten().filter(|folder| below(folder, file));
            found.max_by_key(|folder| folder.len())
        };
        let own = start(&route.place.input);
        if starts.is_some() && own.is_none() {
            return None;
        }
        let mine = global.iter().filter(|it| start(&format!("{}/", it.folder)) == own);
        let said: BTreeSet<(&Option<String>, &BTreeSet<String>)> =
            mine.map(|it| (&it.path, &it.without)).collect();
        let mut said = said.into_iter();
        let (path, without) = match (said.next(), said.next()) {
            (None, _) => return Some(String::new()),
            (Some(one), None) => one,
            _ => return None,
        };
        let own = normal(&route.path, false);
        let excluded =
            |method: &String| without.contains(&own) || without.contains(&format!("{method} {own}"));
        match route.methods.iter().filter(|method| excluded(method)).count() {
            0 => {}
            all if all == route.methods.len() && route.versions.as_ref().is_some_and(Vec::is_empty) => {
                return Some(String::new());
            }
            _ => return None,
        }
        path.as_ref().map(|path| format!("/{}", path.trim_start_matches('/')))
    }

    /// What the versions of a route put before its path; `None`: it cannot be told.
    fn versions(&self, route: &Route) -> Option<Vec<String>> {
        let versions = route.versions.as_ref()?;
        if versions.is_empty() {
            return Some(vec![String::new()]);
        }
        let one = self.starts.get(&route.component).is_none_or(|starts| starts.len() < 2);
        let told = one && self.versioned.get(&route.component) == Some(&true);
        told.then(|| versions.iter().map(|version| format!("/v{version}")).collect())
    }

    /// States all routes with their whole paths.
    pub fn state(&self, modules: &Modules<'_>, out: &mut Evidence) {
        let mut mounts = Mounts::new(self);
        let mut known: BTreeMap<Key, Vec<String>> = BTreeMap::new();
        for route in &self.routes {
            let before = match &route.base {
                Base::Component => {
                    let base = modules.base_path(&route.component);
                    let before = self.before_all(route);
                    let versions = self.versions(route);
                    let all = before.zip(versions).map(|(one, versions)| {
                        versions.iter().map(|version| behind(&behind(&base, &one), version)).collect()
                    });
                    all.unwrap_or_default()
                }
                Base::Router(key, _) => {
                    mounts.left = MAX_ROUTERS;
                    known.entry(key.clone()).or_insert_with(|| mounts.before(key, 0)).clone()
                }
            };
            let before: Vec<&String> = before.iter().filter(|path| !path.contains(UNKNOWN)).collect();
            let certain = !matches!(route.base, Base::Router(_, false));
            if before.is_empty() && certain {
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
