//! What is what: a resource as written becomes one entity, by the server's name, the database, and the
//! engine's rule for unqualified names. A table whose server cannot be told stays on a node of its own.

use super::EntityId;
use super::consumers::Book;
use super::names::Names;
use super::routes::Routes;
use crate::evidence::stated::is_pattern;
use crate::evidence::{Holds, Resource, ResourceKind, Text, Use};
use std::collections::{BTreeMap, BTreeSet};

/// The schema PostgreSQL looks in after one named like the user, unless `search_path` says otherwise.
const DEFAULT_SCHEMA: &str = "public";

/// Where a written statement may run: (system, database).
pub type Target = (String, Option<String>);

/// The tables known by their full name, per system and database.
#[derive(Debug, Default)]
pub struct Tables {
    known: BTreeMap<Target, BTreeSet<String>>,
    routines: BTreeMap<Target, BTreeSet<String>>,
    routes: Routes,
}

fn qualified(parts: &[Text]) -> Option<String> {
    match parts {
        [] | [_] => None,
        [.., schema, table] => Some(format!("{schema}.{table}")),
    }
}

impl Tables {
    /// Learns every qualified name that was declared, or written or observed at a known server.
    pub fn learn(uses: &[Use], names: &Names, book: &Book, routes: Routes) -> Tables {
        let mut tables = Tables { routes, ..Tables::default() };
        let stated = book.known.values().flat_map(|known| known.declared_uses.iter().map(|(_, r, _)| r));
        let mut before: Option<&Resource> = None;
        for resource in stated.chain(uses.iter().map(|it| &it.what.resource)) {
            // Uses of one resource follow each other.
            if before.replace(resource) == Some(resource) {
                continue;
            }
            let known = match resource.kind {
                ResourceKind::Table => &mut tables.known,
                ResourceKind::Routine => &mut tables.routines,
                _ => continue,
            };
            // A list of schemas and a pattern are names of no one table.
            let name =
                qualified(&resource.parts).filter(|name| !name.starts_with('{') && !is_pattern(resource));
            if let (Some(server), Some(name)) = (&resource.server, name) {
                known.entry(target(names, server, resource)).or_default().insert(name);
            }
        }
        tables
    }

    /// The full name of a table (or routine) in a database: its own schema; of several the session looks in,
    /// the first that is known to have it; else the only schema known to have it; else the engine's default one.
    pub fn full_name(&self, kind: ResourceKind, target: &Target, parts: &[Text], names: &Names) -> String {
        self.chosen(kind, target, parts, names).0
    }

    /// The full name of a bare one of a log's table, where it is only a guess: the engine looks in another schema unless
    /// the session, its login or its database is told otherwise, and all that speaks for it is that no other table of
    /// that name is known.
    pub fn guess(&self, names: &Names, resource: &Resource) -> Option<String> {
        let (ResourceKind::Table | ResourceKind::Routine, [_]) = (resource.kind, &resource.parts[..]) else {
            return None;
        };
        let at = placed(&target(names, resource.server.as_ref()?, resource), resource, names);
        let (name, guessed) = self.chosen(resource.kind, &at, &resource.parts, names);
        guessed.then_some(name)
    }

    /// The full name, and whether it is only a guess.
    fn chosen(&self, kind: ResourceKind, target: &Target, parts: &[Text], names: &Names) -> (String, bool) {
        let known = if kind == ResourceKind::Routine { &self.routines } else { &self.known };
        let known = known.get(target);
        if let Some(name) = qualified(parts) {
            let [.., schemas, table] = parts else { return (name, false) };
            let Some(list) = schemas.strip_prefix('{').and_then(|list| list.strip_suffix('}')) else {
                return (name, false);
            };
            let mut full = list.split(',').map(|schema| format!("{schema}.{table}"));
            let found = full.find(|full| known.is_some_and(|known| known.contains(full)));
            return (found.unwrap_or(name), false);
        }
        let table = parts.first().map_or("", |part| &**part);
        let suffix = format!(".{table}");
        let (system, database) = target;
        let schema = match names.engine(system).map(|engine| engine.holds) {
            Some(Holds::Schema(schema)) => Some(schema),
            Some(Holds::Databases) => database.as_deref(),
            Some(_) => None,
            None => Some(DEFAULT_SCHEMA),
        };
        let usual = schema.map_or(table.to_owned(), |schema| format!("{schema}.{table}"));
        let known = known.into_iter().flatten();
        match known.filter(|name| name.ends_with(&suffix)).collect::<Vec<_>>()[..] {
            [only] => (only.clone(), *only != usual),
            _ => (usual, false),
        }
    }

    /// Which of several targets has this table, when exactly one does.
    fn pick(&self, targets: &BTreeSet<Target>, resource: &Resource, names: &Names) -> Option<Target> {
        let targets: BTreeSet<Target> =
            targets.iter().map(|target| placed(target, resource, names)).collect();
        if targets.len() == 1 {
            // The one database its settings name, unless that one is not known to have the table and
            // another is: then the settings are not the whole story.
            let only = targets.first()?;
            let name = self.full_name(resource.kind, only, &resource.parts, names);
            let has = |target: &Target| self.known.get(target).is_some_and(|known| known.contains(&name));
            let elsewhere = !has(only) && self.known.keys().any(has);
            return (!elsewhere).then(|| only.clone());
        }
        let mut with = targets.iter().filter(|target| {
            let name = self.full_name(resource.kind, target, &resource.parts, names);
            self.known.get(target).is_some_and(|known| known.contains(&name))
        });
        match (with.next(), with.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }

    /// The entity of a resource. `targets` are the databases its consumer connects to, used when the
    /// resource does not say its server.
    pub fn entity(
        &self,
        book: &mut Book,
        names: &Names,
        resource: &Resource,
        targets: &BTreeSet<Target>,
    ) -> EntityId {
        match resource.kind {
            ResourceKind::Table | ResourceKind::Routine => self.table(book, names, resource, targets),
            ResourceKind::Database => {
                let at = match &resource.server {
                    Some(server) => Some(target(names, server, resource)),
                    None if targets.len() == 1 => targets.first().cloned(),
                    None => None,
                };
                match at {
                    Some(at) => database(book, names, &at),
                    None => {
                        let name = resource.database.as_deref().unwrap_or("?");
                        book.entity(format!("database:?/{name}"), "database", name)
                    }
                }
            }
            ResourceKind::Endpoint => self.endpoint(book, names, resource),
            ResourceKind::Lock | ResourceKind::Topic => within(book, names, resource, targets),
            kind => other(book, names, kind, resource),
        }
    }

    /// An endpoint by the route it is one of, a part of the server it is at.
    fn endpoint(&self, book: &mut Book, names: &Names, resource: &Resource) -> EntityId {
        let asked = resource.parts.join(".");
        let Some(server) = resource.server.as_deref().map(|server| names.system(server)) else {
            return other(book, names, ResourceKind::Endpoint, resource);
        };
        let named = if names.is_database(&server) { None } else { Routes::named(&server, book) };
        // A container is called by what compose calls it, and is the service that runs in it.
        let server = match named {
            Some(service) if !names.is_declared_system(&server) => book.entities[service.0].name.clone(),
            _ => server,
        };
        let whole = named.unwrap_or_else(|| {
            let kind = if names.is_service(&server) { "service" } else { "external" };
            book.entity(format!("{kind}:{server}"), kind, &server)
        });
        if asked.is_empty() {
            let entity = book.entity(format!("endpoint:{server}"), "endpoint", &server);
            book.entities[entity.0].part_of = Some(whole);
            return entity;
        }
        let served = self.routes.find(&server, &asked, names, book);
        let entity = book.entity(format!("endpoint:{server}/{}", served.name), "endpoint", &served.name);
        book.entities[entity.0].part_of = Some(whole);
        book.entities[entity.0].documented = served.documented;
        book.entities[entity.0].deprecated = served.deprecated;
        entity
    }

    fn table(
        &self,
        book: &mut Book,
        names: &Names,
        resource: &Resource,
        targets: &BTreeSet<Target>,
    ) -> EntityId {
        let kind = resource.kind.word();
        let at = match &resource.server {
            Some(server) => Some(target(names, server, resource)),
            None => self.pick(targets, resource, names),
        };
        let Some(mut at) = at.map(|at| placed(&at, resource, names)) else {
            let name = resource.parts.join(".");
            // Of two databases of servers nobody knows, a table of one is none of the other.
            let place = resource.database.as_deref().map_or(String::new(), |database| format!("{database}/"));
            return book.entity(format!("{kind}:?/{place}{name}"), kind, &name);
        };
        if let [database, _, _] = &resource.parts[..] {
            at.1 = Some(database.to_string());
        }
        let name = self.full_name(resource.kind, &at, &resource.parts, names);
        let whole = database(book, names, &at);
        let place = place_of(book, whole);
        let entity = book.entity(format!("{kind}:{place}/{name}"), kind, &name);
        book.entities[entity.0].part_of = Some(whole);
        entity
    }
}

/// Where a table lies that is looked for from a database: its schema is one where the engine knows no others.
fn placed((system, database): &Target, resource: &Resource, names: &Names) -> Target {
    let databases = || names.engine(system).is_some_and(|engine| engine.holds == Holds::Databases);
    match &resource.parts[..] {
        [schema, _] if databases() => (system.clone(), Some(schema.to_string())),
        _ => (system.clone(), database.clone()),
    }
}

/// The system and database a resource with a server means.
pub fn target(names: &Names, server: &str, resource: &Resource) -> Target {
    let system = names.system(server);
    let database = resource.database.clone().or_else(|| names.only_database(&system));
    (system, database.map(|database| database.to_string()))
}

/// The entity of a database, or of a whole server where no database is known: of the kind that an inventory says the server
/// is of.
pub fn database(book: &mut Book, names: &Names, at: &Target) -> EntityId {
    let (system, database) = at;
    let keys = || names.engine(system).is_some_and(|engine| engine.holds == Holds::Keys);
    let kind = names.store_kind(system).unwrap_or(if keys() { "cache" } else { "database" });
    let id = match database {
        Some(database) => format!("{kind}:{system}/{database}"),
        None => format!("{kind}:{system}"),
    };
    book.entity(id, kind, database.as_deref().unwrap_or(system))
}

/// Where the parts of a whole lie: its id without its kind.
fn place_of(book: &Book, whole: EntityId) -> String {
    let id = &book.entities[whole.0].id;
    id.split_once(':').map_or(&**id, |(_, place)| place).to_owned()
}

/// A lock or a channel of a database: a part of the one that is named, or of the only one that its consumer connects
/// to. A lock without a database is one of the whole server, a topic without one stands for itself.
fn within(book: &mut Book, names: &Names, resource: &Resource, targets: &BTreeSet<Target>) -> EntityId {
    let at = match &resource.server {
        Some(server) => Some(target(names, server, resource))
            .filter(|(_, database)| database.is_some() || resource.kind == ResourceKind::Lock),
        None if targets.len() == 1 => targets.first().cloned(),
        None => None,
    };
    let (kind, name) = (resource.kind.word(), resource.parts.join("."));
    let Some(at) = at else { return other(book, names, resource.kind, resource) };
    let whole = database(book, names, &at);
    let place = place_of(book, whole);
    let entity = book.entity(format!("{kind}:{place}/{name}"), kind, &name);
    book.entities[entity.0].part_of = Some(whole);
    entity
}

fn other(book: &mut Book, names: &Names, kind: ResourceKind, resource: &Resource) -> EntityId {
    let name = resource.parts.join(".");
    // A file that a server of a database writes lies on the machine that it runs on.
    let machine = |server: &str| match (kind, names.host(server)) {
        (ResourceKind::File, None) => names.machine_of(&names.system(server)).unwrap_or(server).to_owned(),
        (ResourceKind::Keys | ResourceKind::Topic | ResourceKind::Queue, _) => names.system(server),
        _ => names.host_or_self(server),
    };
    let server = resource.server.as_deref().map(machine);
    let id = match (kind, &server) {
        (ResourceKind::File, Some(host)) => format!("file:{host}:{name}"),
        (_, Some(server)) if name.is_empty() => format!("{}:{server}", kind.word()),
        (_, Some(server)) => format!("{}:{server}/{name}", kind.word()),
        (_, None) => format!("{}:{name}", kind.word()),
    };
    let shown = if name.is_empty() { server.clone().unwrap_or_default() } else { name };
    let entity = book.entity(id, kind.word(), &shown);
    if let Some(server) = &resource.server {
        let system = names.system(server);
        let whole = match (kind, names.store_kind(&system)) {
            (ResourceKind::Keys | ResourceKind::Topic | ResourceKind::Queue, Some(_)) => {
                Some(database(book, names, &(system, None)))
            }
            (ResourceKind::Keys, None) => Some(book.entity(format!("cache:{system}"), "cache", &system)),
            _ => None,
        };
        book.entities[entity.0].part_of = whole.or(book.entities[entity.0].part_of);
    }
    entity
}
