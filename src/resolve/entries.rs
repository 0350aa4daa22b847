//! What inventories state of their consumers, and which links that covers: at the finest grain that is stated for a
//! system. It marks nothing and judges nobody.

use super::consumers::Book;
use super::names::Names;
use super::routes::Routes;
use super::tables::{Tables, target};
use super::{EntityId, Link, Speaks};
use crate::evidence::stated::{fits, is_request as asks_for};
use crate::evidence::{Action, Resource, ResourceKind, request};
use std::collections::{BTreeMap, BTreeSet};

/// How finely an inventory states a use.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Grain {
    /// All of a system.
    System,
    /// A database, by its place in its system.
    Database(String),
    /// A table, by its id.
    Table(String),
    /// One request, by its method and path.
    Request(String),
    /// A key space, a routine or a lock, by its id.
    Part(String),
    /// A channel by its name, at whatever broker unless one is said.
    Channel(String),
    /// A file by its path, on whatever host unless one is said; an object or a host by its id.
    Handed(String),
}

/// One stated use.
#[derive(Debug, Clone)]
struct Claim {
    action: Option<Action>,
    kind: ResourceKind,
    /// The system or host that it names.
    system: Option<String>,
    grain: Grain,
}

/// What the inventories state of one consumer.
#[derive(Debug, Default)]
struct Entry {
    claims: Vec<Claim>,
    speaks: Speaks,
}

/// What the inventories state, by consumer.
#[derive(Debug, Default)]
pub struct Entries(BTreeMap<EntityId, Entry>);

/// The system part of a resource's id: between the kind and the first slash.
pub fn system_of(id: &str) -> &str {
    let rest = id.split_once(':').map_or(id, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// Whether what has this kind is reached by requests.
fn is_request(kind: &str) -> bool {
    matches!(kind, "endpoint" | "external")
}

/// Whether what has this kind is told no finer than by its database: who writes tables of a database connects to it, and
/// takes its locks.
fn is_whole(kind: &str) -> bool {
    matches!(kind, "database" | "cache" | "broker" | "lock" | "topic" | "queue" | "routine")
}

/// Whether what has this kind says nothing of databases: an inventory that lists such alone may list no others.
fn is_apart(kind: ResourceKind) -> bool {
    use ResourceKind::{Endpoint, File, Host, Object, Queue, Topic};
    matches!(kind, Endpoint | Topic | Queue | File | Object | Host)
}

/// Whether a channel is one that an address with parameters means (`orders.{region}`, AsyncAPI, "Channel Address").
fn is_channel(address: &str, name: &str) -> bool {
    let mut pieces = address.split('{');
    let Some(mut left) = name.strip_prefix(pieces.next().unwrap_or("")) else { return false };
    let mut open = false;
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let literal = piece.split_once('}').map_or(piece, |(_, literal)| literal);
        // A parameter takes one character at least, and what it takes ends where the next word begins.
        let Some(first) = left.chars().next() else { return false };
        left = &left[first.len_utf8()..];
        open = literal.is_empty();
        if !open {
            let at = if pieces.peek().is_some() { left.find(literal) } else { left.rfind(literal) };
            let Some(at) = at else { return false };
            left = &left[at + literal.len()..];
        }
    }
    open || left.is_empty()
}

/// Whether a table is one that a pattern means; one without a schema means those of each.
fn is_table(pattern: &str, id: &str) -> bool {
    let name = |id: &str| id.rsplit('/').next().unwrap_or(id).to_owned();
    let bare = || {
        let (place, own) = id.rsplit_once('/').unwrap_or(("", id));
        let table = own.rsplit('.').next().unwrap_or(own);
        !name(pattern).contains('.') && fits(pattern, &format!("{place}/{table}"))
    };
    fits(pattern, id) || (pattern.contains('*') && bare())
}

/// A server as ids name it: of a container, the service that runs in it.
fn named(server: &str, names: &Names, book: &Book) -> String {
    let system = names.system(server);
    if names.is_declared_system(&system) {
        return system;
    }
    match Routes::named(&system, book) {
        Some(service) => book.entities[service.0].name.clone(),
        None => system,
    }
}

/// What a stated resource claims.
fn claim(action: Option<Action>, it: &Resource, names: &Names, tables: &Tables, book: &Book) -> Claim {
    use ResourceKind::{Endpoint, File, Host, Keys, Lock, Object, Queue, Routine, Table, Topic};
    let name = it.parts.join(".");
    let host = || it.server.as_deref().map(|host| names.host_or_self(host));
    let made = |system: Option<String>, grain| Claim { action, kind: it.kind, system, grain };
    match it.kind {
        Topic | Queue => made(it.server.as_deref().map(|server| names.system(server)), Grain::Channel(name)),
        File => made(host(), Grain::Handed(name)),
        Object | Host => {
            let host = host().unwrap_or_default();
            let id = if name.is_empty() { host.clone() } else { format!("{host}/{name}") };
            made(Some(host), Grain::Handed(format!("{}:{id}", it.kind.word())))
        }
        Endpoint => {
            let system = named(it.server.as_deref().unwrap_or(""), names, book);
            made(Some(system), if name.is_empty() { Grain::System } else { Grain::Request(name) })
        }
        _ => {
            let server = it.server.as_deref().unwrap_or("");
            let (system, database) = target(names, server, it);
            let place = database.as_ref().map(|database| format!("{system}/{database}"));
            let grain = match (it.kind, &it.database, place) {
                (Table, _, Some(place)) if it.parts.iter().any(|part| part.contains('*')) => {
                    Grain::Table(format!("table:{place}/{name}"))
                }
                (Table, _, Some(place)) => {
                    let full = tables.full_name(it.kind, &(system.clone(), database), &it.parts, names);
                    Grain::Table(format!("table:{place}/{full}"))
                }
                (Keys, ..) => Grain::Part(format!("keys:{system}/{name}")),
                (Routine | Lock, Some(_), Some(place)) => {
                    Grain::Part(format!("{}:{place}/{name}", it.kind.word()))
                }
                (Routine | Lock, ..) => Grain::Part(format!("{}:{system}/{name}", it.kind.word())),
                (_, Some(_), Some(place)) => Grain::Database(place),
                _ => Grain::System,
            };
            let system = if it.database.is_none() { named(server, names, book) } else { system };
            made(Some(system), grain)
        }
    }
}

impl Claim {
    fn does(&self, link: &Link) -> bool {
        self.action.is_none_or(|action| action == link.key.action)
    }

    /// Whether the claim is as fine as any can be at its system.
    fn is_fine(&self) -> bool {
        matches!(self.grain, Grain::Table(_) | Grain::Request(_))
            || (self.kind == ResourceKind::Keys && matches!(self.grain, Grain::Part(_)))
    }

    /// Whether a channel of this id and name is the one that is meant.
    fn is_channel(&self, id: &str, name: &str) -> bool {
        let Grain::Channel(own) = &self.grain else { return false };
        let means = |name: &str| fits(own, name) || is_channel(own, name);
        let Some(system) = &self.system else { return means(name) };
        let rest = id.split_once(':').map_or(id, |(_, rest)| rest);
        // A name that holds a slash is no broker's.
        let whole = || fits(&format!("{system}/{own}"), rest);
        rest.strip_prefix(&format!("{system}/")).is_some_and(|rest| means(rest) || means(name)) || whole()
    }

    /// Whether a file, object or host of this id is the one that is meant.
    fn is_handed(&self, id: &str) -> bool {
        let Grain::Handed(own) = &self.grain else { return false };
        match (self.kind, &self.system) {
            (ResourceKind::File, Some(host)) => fits(&format!("file:{host}:{own}"), id),
            (ResourceKind::File, None) => {
                let (_, path) = crate::evidence::stated::file(id.strip_prefix("file:").unwrap_or(id));
                id.starts_with("file:") && fits(own, path)
            }
            _ => fits(own, id),
        }
    }
}

impl Entries {
    /// Learns what is stated of whom.
    pub fn learn(book: &Book, names: &Names, tables: &Tables) -> Entries {
        let mut entries = BTreeMap::new();
        for (consumer, known) in book.known.iter().filter(|(_, known)| !known.declared_uses.is_empty()) {
            let mut entry = Entry::default();
            for (action, resource, _) in &known.declared_uses {
                let claim = claim(*action, resource, names, tables, book);
                if let Some(system) = claim.system.as_ref().filter(|it| is_called(resource, it, names, book))
                {
                    entry.speaks.calls.insert(system.clone());
                }
                entry.speaks.channels |= matches!(claim.grain, Grain::Channel(_));
                entry.claims.push(claim);
            }
            entries.insert(*consumer, entry);
        }
        Entries(entries)
    }

    /// Of what kinds the inventory speaks, by consumer.
    pub fn speak(&self) -> BTreeMap<EntityId, Speaks> {
        self.0.iter().map(|(consumer, entry)| (*consumer, entry.speaks.clone())).collect()
    }

    /// Whether the inventory states this link of a consumer, or speaks of nothing of its kind.
    pub fn state(&self, consumer: EntityId, link: &Link, book: &Book, names: &Names) -> bool {
        let Some(known) = book.known.get(&consumer) else { return false };
        let declared = book.entities[consumer.0].declared;
        if known.declared_uses.is_empty() && declared {
            // The inventory stops at names: it states no use that this one could go beyond.
            return true;
        }
        let Some(entry) = self.0.get(&consumer) else { return false };
        let entity = &book.entities[link.key.resource.0];
        // Channels and hand-offs are held to their own kind alone.
        let own: Vec<&Claim> = entry
            .claims
            .iter()
            .filter(|claim| {
                claim.kind.word() == entity.kind
                    && matches!(claim.grain, Grain::Channel(_) | Grain::Handed(_))
            })
            .collect();
        if !own.is_empty() {
            return own.into_iter().any(|claim| {
                let is = claim.is_channel(&entity.id, &entity.name) || claim.is_handed(&entity.id);
                is && claim.does(link)
            });
        }
        if declared && entry.claims.iter().all(|claim| is_apart(claim.kind)) && !is_request(&entity.kind) {
            // A catalogue that lists the APIs a service calls, and no resource, speaks of no database.
            return true;
        }
        entry.state_at(link, book, names)
    }
}

/// Whether a stated use is one of what is reached by requests: it is written so, or its system is no store of data.
fn is_called(resource: &Resource, system: &str, names: &Names, book: &Book) -> bool {
    let whole = resource.kind == ResourceKind::Database && resource.database.is_none();
    let known = || names.is_service(system) || names.is_external(system);
    let found = || names.store_kind(system).is_none() && book.find(&format!("service:{system}")).is_some();
    resource.kind == ResourceKind::Endpoint || (whole && (known() || found()))
}

impl Entry {
    /// Whether what is stated of a link's system holds the link.
    fn state_at(&self, link: &Link, book: &Book, names: &Names) -> bool {
        let entity = &book.entities[link.key.resource.0];
        let own = system_of(&entity.id).to_owned();
        // What a proxy's log says a server behind it answered is a use of that one.
        let behind = link.traits.iter().filter(|it| &*it.name == request::BEHIND);
        // Traefik names a service with where it was told of it (`orders@docker`).
        let behind = behind.filter_map(|it| it.value.as_deref()?.split('@').next());
        let behind = behind.map(|server| named(server, names, book));
        let systems: BTreeSet<String> = std::iter::once(own.clone()).chain(behind).collect();
        let about: Vec<&Claim> = self
            .claims
            .iter()
            .filter(|claim| !matches!(claim.grain, Grain::Channel(_) | Grain::Handed(_)))
            .filter(|claim| claim.system.as_ref().is_some_and(|system| systems.contains(system)))
            .collect();
        let unknown = entity.kind == "endpoint" && entity.id == format!("endpoint:{own}");
        if link.key.action == Action::Connect || is_whole(&entity.kind) || unknown {
            return !about.is_empty();
        }
        let whole = entity.part_of.map_or(entity.id.as_str(), |whole| &book.entities[whole.0].id);
        let place = whole.split_once(':').map_or(whole, |(_, place)| place);
        // The finest grain that is stated for the system is the grain compared.
        let coarse = !about.iter().any(|claim| claim.is_fine());
        about.into_iter().any(|claim| {
            let holds = match &claim.grain {
                Grain::Table(id) => is_table(id, &entity.id),
                Grain::Request(asked) => entity.kind == "endpoint" && asks_for(asked, &entity.name),
                Grain::Part(id) => fits(id, &entity.id),
                Grain::Database(stated) => coarse && fits(stated, place),
                Grain::System => coarse,
                Grain::Channel(_) | Grain::Handed(_) => false,
            };
            holds && claim.does(link)
        })
    }
}
