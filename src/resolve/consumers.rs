//! Who the consumers are before anybody was watched: what inventories list, and the book that holds them with
//! components (`components`), jobs and scripts (`jobs`). A join needs a declared identifier, or two that
//! agree; the reason is kept.

use super::files::Files;
use super::names::Names;
use super::{Entity, EntityId, Job, Waits};
use super::{jobs, orders, runs};
use crate::evidence::{
    Action, Basis, Class, Connection, ENGINE, Engine, Evidence, Fact, Gap, Mention, MentionKind, Outcome,
    Place, Resource, ResourceKind, Says, Scope, Text, Use, What, program_name,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a consumer beside its entity.
#[derive(Debug, Default, Clone)]
pub struct Known {
    /// Logins: (login, how we know).
    pub users: BTreeMap<String, Basis>,
    /// Names it gives itself.
    pub applications: BTreeSet<String>,
    /// Hosts and addresses it runs on, by declared host name where there is one.
    pub hosts: BTreeSet<String>,
    /// (system, database) it connects to, as written.
    pub connects: BTreeSet<(String, Option<String>)>,
    /// Declared uses: the action held to, and the resource.
    pub declared_uses: Vec<(Option<Action>, Resource, Place)>,
    /// Fingerprints of statements written in it.
    pub shapes: BTreeSet<u64>,
}

impl Known {
    /// Whether it calls itself so, but for what changes from one session to the next.
    pub fn may_call_itself(&self, name: &str) -> bool {
        let lasting = || program_name::lasting(name);
        let same = |lasting: String| {
            self.applications.iter().any(|own| program_name::lasting(own).as_ref() == Some(&lasting))
        };
        self.applications.contains(name) || lasting().is_some_and(same)
    }
}

/// Whether what a connection leads to may be where statements of SQL find their tables.
fn names_tables(what: &What) -> bool {
    let named = what.traits.iter().find(|it| &*it.name == ENGINE).and_then(|it| it.value.as_deref());
    named.and_then(Engine::of_word).is_none_or(Engine::has_tables)
}

/// Everybody known so far.
#[derive(Debug, Default)]
pub struct Book {
    /// All entities so far.
    pub entities: Vec<Entity>,
    /// By entity: what is known of consumers.
    pub known: BTreeMap<EntityId, Known>,
    by_id: BTreeMap<String, EntityId>,
    by_mention: BTreeMap<Mention, EntityId>,
    declared_scripts: BTreeMap<Text, EntityId>,
    /// Declared jobs of a host by their id, as [`fold_name`] writes it; nothing, where they are several.
    declared_jobs: BTreeMap<String, Option<EntityId>>,
    /// By script: the consumers that run it, with the connection the run states and the way to it.
    pub runners: BTreeMap<Text, Vec<(EntityId, Connection, String)>>,
    /// By file of code that is no script of its own: the jobs whose files take it in, likewise.
    pub takers: BTreeMap<Text, Vec<(EntityId, Connection, String)>>,
    /// Files of code that jobs take in, and others as well.
    pub shared: BTreeSet<Text>,
    /// By file as shown: the lines that are a job's own function or class.
    pub parts: BTreeMap<Text, BTreeSet<(u64, u64, EntityId)>>,
    /// All jobs.
    pub jobs: Vec<Job>,
    /// Which of them wait for which others.
    pub waits: Vec<Waits>,
    /// What could not be resolved.
    pub gaps: Vec<Gap>,
    /// By vantage: bare names of tables, and what they were taken for although nothing but what is known says so.
    pub guesses: BTreeSet<(Text, String, String)>,
    shape_owners: BTreeMap<u64, BTreeSet<EntityId>>,
    by_name: Option<ByName>,
}

/// Who has which login and sets which application name, once everybody's text is read: what is observed later gives
/// nobody another.
#[derive(Debug, Default)]
struct ByName {
    logins: BTreeMap<String, Vec<EntityId>>,
    applications: BTreeMap<String, Vec<EntityId>>,
    /// Those that an inventory lists, by how it calls them.
    declared: BTreeMap<String, Vec<EntityId>>,
}

/// A name however its words are put together: `order_api` and `Order-API` are one.
pub fn fold_name(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

impl Book {
    /// Learns all consumers that facts and written uses give.
    pub fn learn(evidence: &Evidence, uses: &[Use], names: &Names) -> Book {
        let mut book = Book::default();
        let facts: Vec<&Fact> = evidence.facts().collect();
        book.declared(&facts, names);
        let inputs = evidence.inputs();
        let files = Files::learn(&inputs, uses, &facts, names);
        let lines = jobs::lines(&facts, &files);
        book.components(uses, &facts, &lines, names);
        book.containers(uses, &facts, names);
        book.documented(&facts);
        book.jobs(&lines, names);
        book.waits = orders::waits(&mut book, &lines);
        book.gaps.extend(runs::script_gaps(&facts, &files));
        book.scripts(uses, &facts, &files, names);
        book.written_connections(uses, names);
        book.index();
        book
    }

    fn index(&mut self) {
        let mut by_name = ByName::default();
        for (entity, known) in &self.known {
            for login in known.users.keys() {
                by_name.logins.entry(login.clone()).or_default().push(*entity);
            }
            for application in &known.applications {
                by_name.applications.entry(application.clone()).or_default().push(*entity);
            }
            let entry = &self.entities[entity.0];
            if entry.declared {
                by_name.declared.entry(fold_name(&entry.name)).or_default().push(*entity);
            }
        }
        self.by_name = Some(by_name);
    }

    /// The entity of this id, made if need be.
    pub fn entity(&mut self, id: String, kind: &str, name: &str) -> EntityId {
        if let Some(found) = self.by_id.get(&id) {
            return *found;
        }
        let entity = EntityId(self.entities.len());
        self.by_id.insert(id.clone(), entity);
        self.entities.push(Entity { id, kind: kind.to_owned(), name: name.to_owned(), ..Entity::default() });
        entity
    }

    /// The entity of this id.
    pub fn find(&self, id: &str) -> Option<EntityId> {
        self.by_id.get(id).copied()
    }

    /// The consumer of which an inventory says that this script, by one of its spellings, is its own.
    pub fn with_script(&self, spellings: &[&str]) -> Option<EntityId> {
        spellings.iter().find_map(|script| self.declared_scripts.get(*script)).copied()
    }

    /// The declared job whose id is this one but for case and signs between words, where there is one and its entry states
    /// no script.
    pub fn declared_job(&self, id: &str) -> Option<EntityId> {
        self.declared_jobs
            .get(&fold_name(id))
            .copied()
            .flatten()
            .filter(|entity| !self.states_script(*entity))
    }

    /// Whether an inventory states a script of this consumer.
    pub fn states_script(&self, entity: EntityId) -> bool {
        self.declared_scripts.values().any(|owner| *owner == entity)
    }

    /// Gives an entity one more name. A name that stands for somebody already stays theirs.
    pub fn join(&mut self, entity: EntityId, mention: Mention, why: impl Into<String>) {
        self.by_mention.entry(mention.clone()).or_insert(entity);
        self.entities[entity.0].mentions.entry(mention).or_insert_with(|| why.into());
    }

    /// Whom a mention stands for.
    pub fn who(&self, mention: &Mention) -> Option<EntityId> {
        self.by_mention.get(mention).copied()
    }

    fn declared(&mut self, facts: &[&Fact], names: &Names) {
        let is_consumer = |fact: &&&Fact| fact.about.kind == MentionKind::Declared;
        for fact in facts.iter().filter(is_consumer) {
            let (kind, name) = fact.about.text.split_once(':').unwrap_or(("service", &fact.about.text));
            let host = facts.iter().find_map(|other| match &other.says {
                Says::RunsOn(host) if other.about == fact.about && kind == "job" => Some(host.text.clone()),
                _ => None,
            });
            let id = match host {
                Some(host) => format!("job:{}/{name}", names.host_or_self(&host)),
                None => format!("{kind}:{name}"),
            };
            let folded = (kind == "job").then(|| fold_name(&id));
            let entity = self.entity(id, kind, name);
            self.entities[entity.0].declared = true;
            if let Some(folded) = folded {
                let known = self.declared_jobs.entry(folded).or_insert(Some(entity));
                *known = known.filter(|known| *known == entity);
            }
            self.join(entity, fact.about.clone(), format!("declared at {}", fact.place));
            self.declared_fact(entity, fact, names);
        }
    }

    fn declared_fact(&mut self, entity: EntityId, fact: &Fact, names: &Names) {
        let known = self.known.entry(entity).or_default();
        match &fact.says {
            Says::OwnedBy(owner) => self.entities[entity.0].owner = Some(owner.to_string()),
            Says::OfClass(class) => self.entities[entity.0].class = Some(*class),
            Says::OfRole(role) => self.entities[entity.0].role = Some(*role),
            Says::DeclaredUse(action, resource) => {
                known.declared_uses.push((*action, resource.clone(), fact.place.clone()));
            }
            Says::RunsOn(host) => {
                known.hosts.insert(names.host_or_self(&host.text));
                let why = format!("declared at {}", fact.place);
                self.entities[entity.0].mentions.entry(host.clone()).or_insert(why);
            }
            Says::SameAs(other) => {
                match other.kind {
                    MentionKind::User => {
                        known.users.insert(other.text.to_string(), Basis::Declared);
                    }
                    MentionKind::Application => {
                        known.applications.insert(other.text.to_string());
                    }
                    MentionKind::Script => {
                        self.declared_scripts.entry(other.text.clone()).or_insert(entity);
                    }
                    _ => {}
                }
                self.join(entity, other.clone(), format!("declared at {}", fact.place));
            }
            _ => {}
        }
    }

    /// What documents in a folder say that its application uses.
    fn documented(&mut self, facts: &[&Fact]) {
        let of_folder =
            |fact: &&&Fact| fact.about.kind == MentionKind::Component && fact.scope == Scope::Production;
        for fact in facts.iter().filter(of_folder) {
            let Says::DeclaredUse(action, resource) = &fact.says else { continue };
            let entity = self.who(&fact.about).or_else(|| self.declared_folder(&fact.about.text));
            if let Some(entity) = entity {
                let known = self.known.entry(entity).or_default();
                known.declared_uses.push((*action, resource.clone(), fact.place.clone()));
            }
        }
    }

    /// The consumers that have a login.
    pub fn with_login(&self, login: &str) -> Vec<EntityId> {
        if let Some(by_name) = &self.by_name {
            return by_name.logins.get(login).cloned().unwrap_or_default();
        }
        self.known.iter().filter(|(_, known)| known.users.contains_key(login)).map(|(id, _)| *id).collect()
    }

    /// The consumers that an inventory calls like this, as [`fold_name`] writes it.
    pub fn called(&self, folded: &str) -> &[EntityId] {
        let found = self.by_name.as_ref().and_then(|by_name| by_name.declared.get(folded));
        found.map_or(&[], Vec::as_slice)
    }

    /// The consumers that give themselves one of these names.
    pub fn setting(&self, names: &[&str]) -> BTreeSet<EntityId> {
        let by_name = self.by_name.as_ref().map(|by_name| &by_name.applications);
        let found = names.iter().filter_map(|name| by_name?.get(*name));
        found.flatten().copied().collect()
    }

    /// Which database servers a written consumer connects to, and as whom.
    fn written_connections(&mut self, uses: &[Use], names: &Names) {
        for it in
            uses.iter().filter(|it| it.what.basis == Basis::Written && it.what.scope == Scope::Production)
        {
            for (entity, connection, _) in self.written_by(it) {
                let server = it.what.resource.server.clone().or(connection.server);
                let database = it.what.resource.database.clone().or(connection.database);
                let user = it.what.actor.get(MentionKind::User).cloned().or(connection.user);
                let application =
                    it.what.actor.get(MentionKind::Application).cloned().or(connection.application);
                let known = self.known.entry(entity).or_default();
                let data = matches!(
                    it.what.resource.kind,
                    ResourceKind::Database | ResourceKind::Table | ResourceKind::Routine
                );
                // What keeps documents or keys has none of the tables of its statements.
                let data = data && names_tables(&it.what);
                if let (Some(server), true, Class::App | Class::Backup) = (server, data, it.what.class) {
                    let system = names.system(&server);
                    known.connects.insert((system, database.map(|database| database.to_string())));
                }
                known.applications.extend(application.map(|application| application.to_string()));
                if let Some(user) = user {
                    known.users.entry(user.to_string()).or_insert(Basis::Written);
                }
            }
        }
    }

    /// The consumers whose text a written use stands in, with the connection the way there states.
    pub fn written_by(&self, it: &Use) -> Vec<(EntityId, Connection, Option<String>)> {
        let actor = &it.what.actor;
        if let Some(script) = actor.get(MentionKind::Script) {
            if let Some(runners) = self.runners.get(script) {
                return runners.iter().map(|(e, c, way)| (*e, c.clone(), Some(way.clone()))).collect();
            }
            let own = self.who(&Mention::new(MentionKind::Script, script.clone()));
            return own.map(|entity| (entity, Connection::default(), None)).into_iter().collect();
        }
        if let Some(code) = actor.get(MentionKind::Code) {
            let runs = [&self.runners, &self.takers].into_iter().filter_map(|it| it.get(code)).flatten();
            let mut all: Vec<(EntityId, Connection, Option<String>)> = Vec::new();
            for (entity, connection, way) in runs {
                if all.iter().all(|(known, with, _)| known != entity || with != connection) {
                    all.push((*entity, connection.clone(), Some(way.clone())));
                }
            }
            let component = actor.iter().find(|mention| mention.kind == MentionKind::Component);
            let shared = component.filter(|_| self.shared.contains(code));
            if let Some(entity) = shared.and_then(|component| self.who(component))
                && all.iter().all(|(known, ..)| *known != entity)
            {
                all.push((entity, Connection::default(), None));
            }
            if !all.is_empty() {
                return all;
            }
        }
        let kinds = [MentionKind::Job, MentionKind::Component, MentionKind::Container, MentionKind::Declared];
        let found = actor.iter().filter(|m| kinds.contains(&m.kind)).find_map(|mention| self.who(mention));
        found.map(|entity| (entity, Connection::default(), None)).into_iter().collect()
    }

    /// The consumers whose text a fact about a script or job is of.
    pub fn text_of(&self, about: &Mention) -> Vec<(EntityId, Connection, Option<String>)> {
        if about.kind == MentionKind::Script
            && let Some(runners) = self.runners.get(&about.text)
        {
            return runners.iter().map(|(e, c, way)| (*e, c.clone(), Some(way.clone()))).collect();
        }
        self.who(about).map(|entity| (entity, Connection::default(), None)).into_iter().collect()
    }

    /// Learns which statements each consumer's text holds.
    pub fn assign_shapes(&mut self, uses: &[Use]) {
        for it in
            uses.iter().filter(|it| it.what.basis == Basis::Written && it.what.scope == Scope::Production)
        {
            let fingerprint = it.what.shape.fingerprint;
            if fingerprint == 0 || it.what.outcome != Outcome::Ok {
                continue;
            }
            for (entity, ..) in self.written_by(it) {
                self.known.entry(entity).or_default().shapes.insert(fingerprint);
                self.shape_owners.entry(fingerprint).or_default().insert(entity);
            }
        }
    }

    /// The consumers whose text holds a statement of this shape.
    pub fn writers_of_shape(&self, fingerprint: u64) -> Option<&BTreeSet<EntityId>> {
        self.shape_owners.get(&fingerprint)
    }
}
