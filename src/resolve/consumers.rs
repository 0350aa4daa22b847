//! Who the consumers are before anybody was watched: what inventories list, components of source trees,
//! scheduled jobs, scripts. A join needs a declared identifier, or two that agree; the reason is kept.

use super::names::Names;
use super::{Entity, EntityId, Job};
use crate::evidence::{
    Action, Basis, Class, Connection, Evidence, Fact, Gap, GapCode, Mention, MentionKind, Outcome, Place,
    Resource, Says, Scope, Text, Use,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many scripts deep a job is followed.
const MAX_RUN_DEPTH: usize = 16;

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

/// Everybody known so far.
#[derive(Debug, Default)]
pub struct Book {
    /// All entities so far.
    pub entities: Vec<Entity>,
    /// By entity: what is known of consumers.
    pub known: BTreeMap<EntityId, Known>,
    by_id: BTreeMap<String, EntityId>,
    by_mention: BTreeMap<Mention, EntityId>,
    /// By script: the consumers that run it, with the connection the run states and the way to it.
    pub runners: BTreeMap<Text, Vec<(EntityId, Connection, String)>>,
    /// All jobs.
    pub jobs: Vec<Job>,
    /// What could not be resolved.
    pub gaps: Vec<Gap>,
    shape_owners: BTreeMap<u64, BTreeSet<EntityId>>,
}

/// The last part of a path, without extension.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

impl Book {
    /// Learns all consumers that facts and written uses give.
    pub fn learn(evidence: &Evidence, uses: &[Use], names: &Names) -> Book {
        let mut book = Book::default();
        let facts: Vec<&Fact> = evidence.facts().collect();
        book.declared(&facts, names);
        book.components(uses, names);
        book.containers(&facts, names);
        let scripts = all_scripts(uses, &facts);
        book.jobs(&facts, &scripts, names);
        book.gaps.extend(script_gaps(&facts, &scripts));
        book.scripts(uses, names);
        book.written_connections(uses, names);
        book
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
            let entity = self.entity(id, kind, name);
            self.entities[entity.0].declared = true;
            self.join(entity, fact.about.clone(), format!("declared at {}", fact.place));
            self.declared_fact(entity, fact, names);
        }
    }

    fn declared_fact(&mut self, entity: EntityId, fact: &Fact, names: &Names) {
        let known = self.known.entry(entity).or_default();
        match &fact.says {
            Says::OwnedBy(owner) => self.entities[entity.0].owner = Some(owner.to_string()),
            Says::OfClass(class) => self.entities[entity.0].class = Some(*class),
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
                    _ => {}
                }
                self.join(entity, other.clone(), format!("declared at {}", fact.place));
            }
            _ => {}
        }
    }

    /// Components of source trees that do or hold anything in production.
    fn components(&mut self, uses: &[Use], names: &Names) {
        let mut folders: BTreeMap<&Text, Vec<&Use>> = BTreeMap::new();
        for it in uses.iter().filter(|it| it.what.basis == Basis::Written) {
            let standalone = it.what.actor.get(MentionKind::Script).is_some();
            if let (Some(folder), false) = (it.what.actor.get(MentionKind::Component), standalone) {
                folders.entry(folder).or_default().push(it);
            }
        }
        for (folder, uses) in folders {
            if uses.iter().all(|it| it.what.scope != Scope::Production) {
                continue;
            }
            let mention = Mention::new(MentionKind::Component, folder.clone());
            let logins: BTreeSet<&Text> =
                uses.iter().filter_map(|it| it.what.actor.get(MentionKind::User)).collect();
            let (entity, why) = match self.declared_component(&mention, &logins) {
                Some(found) => found,
                None => {
                    let name = folder.rsplit('/').next().unwrap_or(folder).to_owned();
                    (
                        self.entity(format!("service:{name}"), "service", &name),
                        "its own source folder".to_owned(),
                    )
                }
            };
            self.entities[entity.0].written = true;
            self.join(entity, mention, why);
            let known = self.known.entry(entity).or_default();
            for it in uses {
                if let Some(host) = it.what.actor.get(MentionKind::Host) {
                    known.hosts.insert(names.host_or_self(host));
                }
                if let Some(application) = it.what.actor.get(MentionKind::Application) {
                    known.applications.insert(application.to_string());
                }
                if let (Some(user), Scope::Production) = (it.what.actor.get(MentionKind::User), it.what.scope)
                {
                    known.users.entry(user.to_string()).or_insert(Basis::Written);
                }
            }
        }
    }

    /// The declared consumer that a component is: by a declared folder, by its name, or by a login that one
    /// declared consumer alone has and that stands in this component's settings.
    fn declared_component(
        &self,
        component: &Mention,
        logins: &BTreeSet<&Text>,
    ) -> Option<(EntityId, String)> {
        if let Some(entity) = self.who(component) {
            return Some((entity, "its folder is declared".to_owned()));
        }
        let name = component.text.rsplit('/').next().unwrap_or(&component.text);
        let named = |alias: &str| self.who(&Mention::new(MentionKind::Declared, alias));
        let by_name = named(&format!("service:{name}")).or_else(|| named(name));
        if let Some(entity) = by_name {
            return Some((entity, format!("the folder {} is named like it", component.text)));
        }
        for login in logins {
            if let [only] = self.with_login(login)[..] {
                return Some((only, format!("the login {login} in its settings is declared for it alone")));
            }
        }
        None
    }

    /// The consumers that have a login.
    pub fn with_login(&self, login: &str) -> Vec<EntityId> {
        self.known.iter().filter(|(_, known)| known.users.contains_key(login)).map(|(id, _)| *id).collect()
    }

    /// Containers of compose files: the component they are built from, the address they are given.
    fn containers(&mut self, facts: &[&Fact], names: &Names) {
        let containers: BTreeSet<&Mention> = facts
            .iter()
            .filter(|fact| fact.about.kind == MentionKind::Container)
            .filter(|fact| matches!(&fact.says, Says::DeclaredAs(kind) if &**kind == "service"))
            .map(|fact| &fact.about)
            .collect();
        for container in containers {
            let own = || facts.iter().filter(|fact| fact.about == *container);
            let built = own().find_map(|fact| match &fact.says {
                Says::SameAs(other) if other.kind == MentionKind::Component => self.who(other),
                _ => None,
            });
            let named = || {
                let names = [format!("service:{}", container.text), container.text.to_string()];
                names.into_iter().find_map(|name| self.who(&Mention::new(MentionKind::Declared, name)))
            };
            let Some(entity) = built.or_else(named) else { continue };
            let why = if built.is_some() { "built from its folder" } else { "named like it" };
            self.join(entity, container.clone(), format!("compose service {}: {why}", container.text));
            for fact in own() {
                if let Says::RunsOn(address) = &fact.says {
                    let host = names.host_or_self(&address.text);
                    self.known.entry(entity).or_default().hosts.insert(host);
                    let why =
                        format!("compose service {} has this address at {}", container.text, fact.place);
                    self.entities[entity.0].mentions.entry(address.clone()).or_insert(why);
                }
            }
        }
    }

    fn jobs(&mut self, facts: &[&Fact], scripts: &BTreeSet<&Text>, names: &Names) {
        let scheduled: BTreeSet<&Mention> = facts
            .iter()
            .filter(|fact| matches!(fact.says, Says::Scheduled { .. }))
            .map(|fact| &fact.about)
            .collect();
        let runs = runs_by_subject(facts);
        for mention in scheduled {
            let own: Vec<&&Fact> = facts.iter().filter(|fact| fact.about == *mention).collect();
            let host = own.iter().find_map(|fact| match &fact.says {
                Says::RunsOn(host) => Some(names.host_or_self(&host.text)),
                _ => None,
            });
            let mut reached = Vec::new();
            follow(mention, host.as_deref(), &runs, scripts, &Connection::default(), 0, &mut reached);
            let entity = self.job_entity(mention, host.as_deref(), &reached, &own);
            self.entities[entity.0].written = true;
            if let Some(host) = &host {
                self.known.entry(entity).or_default().hosts.insert(host.clone());
            }
            self.join(entity, mention.clone(), "its line in the schedule");
            for (script, connection) in reached {
                let way = stem_path(&script);
                // A line that runs two declared jobs in a chain does the work of each under its own name.
                let whose = self.declared_script(&script, host.as_deref()).unwrap_or(entity);
                self.entities[whose.0].written = true;
                self.join(whose, Mention::new(MentionKind::Script, script.clone()), "the job runs it");
                self.runners.entry(script).or_default().push((whose, connection, way));
            }
            self.schedule_lines(entity, host, &own);
        }
        for runners in self.runners.values_mut() {
            runners.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            runners.dedup();
        }
    }

    fn job_entity(
        &mut self,
        mention: &Mention,
        host: Option<&str>,
        reached: &[(Text, Connection)],
        own: &[&&Fact],
    ) -> EntityId {
        let declared = reached.iter().find_map(|(script, _)| self.declared_script(script, host));
        if let Some(entity) = declared {
            return entity;
        }
        let named_script = own.iter().find_map(|fact| match &fact.says {
            Says::Runs { script: Some(script), .. } => Some(stem(script).to_owned()),
            _ => None,
        });
        let command = mention.text.splitn(3, ':').nth(2).unwrap_or(&mention.text);
        let program = || stem(command.split_whitespace().next().unwrap_or("command")).to_owned();
        let name = named_script.clone().unwrap_or_else(program);
        let id = match host {
            Some(host) => format!("job:{host}/{name}"),
            None => format!("job:{name}"),
        };
        let taken = self.find(&id).is_some_and(|entity| !self.entities[entity.0].declared);
        if named_script.is_none() && taken {
            let digest = blake3::hash(command.as_bytes()).to_hex();
            return self.entity(format!("{id}-{}", &digest[..6]), "job", &name);
        }
        self.entity(id, "job", &name)
    }

    /// The declared consumer that a script belongs to, if it runs on this host.
    fn declared_script(&self, script: &str, host: Option<&str>) -> Option<EntityId> {
        let path = stem_path(script);
        let mentions = [script.to_owned(), path].map(|text| Mention::new(MentionKind::Script, text));
        let entity = mentions.iter().find_map(|mention| self.who(mention))?;
        let hosts = self.known.get(&entity).map(|known| &known.hosts);
        let here =
            hosts.is_none_or(|hosts| hosts.is_empty() || host.is_some_and(|host| hosts.contains(host)));
        (self.entities[entity.0].declared && here).then_some(entity)
    }

    fn schedule_lines(&mut self, entity: EntityId, host: Option<String>, own: &[&&Fact]) {
        let find = |pick: &dyn Fn(&Says) -> Option<String>| own.iter().find_map(|fact| pick(&fact.says));
        let account = find(&|says| match says {
            Says::RunsAs(account) => Some(account.to_string()),
            _ => None,
        });
        let zone = find(&|says| match says {
            Says::InZone(zone) => Some(zone.to_string()),
            _ => None,
        });
        let command = find(&|says| match says {
            Says::Runs { command, script: None, .. } => Some(command.to_string()),
            _ => None,
        });
        let remark = find(&|says| match says {
            Says::Remark(text) => Some(text.to_string()),
            _ => None,
        });
        for fact in own {
            if let Says::Scheduled { text, dialect, zone: known, .. } = &fact.says {
                self.jobs.push(Job {
                    entity,
                    host: host.clone(),
                    account: account.clone(),
                    schedule: text.to_string(),
                    dialect: dialect.to_string(),
                    zone: known.as_deref().map(str::to_owned).or(zone.clone()).unwrap_or("UTC".into()),
                    zone_known: known.is_some(),
                    command: command.clone().unwrap_or_default(),
                    remark: remark.clone(),
                    place: fact.place.clone(),
                });
            }
        }
    }

    /// Scripts that do something and that no known job runs are consumers themselves.
    fn scripts(&mut self, uses: &[Use], names: &Names) {
        for it in uses {
            let script = it.what.actor.get(MentionKind::Script);
            let Some(script) = script.filter(|_| it.what.basis == Basis::Written) else { continue };
            if self.runners.contains_key(script) || it.what.scope != Scope::Production {
                continue;
            }
            let mention = Mention::new(MentionKind::Script, script.clone());
            if self.who(&mention).is_some() {
                continue;
            }
            let (host, path) = match script.split_once(":/") {
                Some((host, path)) => (Some(names.host_or_self(host)), format!("/{path}")),
                None => (None, script.to_string()),
            };
            let declared = self.who(&Mention::new(MentionKind::Script, path.as_str()));
            let entity =
                declared.unwrap_or_else(|| self.entity(format!("script:{script}"), "script", stem(&path)));
            self.entities[entity.0].written = true;
            self.join(entity, mention, "its own text");
            self.known.entry(entity).or_default().hosts.extend(host);
        }
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
                let known = self.known.entry(entity).or_default();
                if let (Some(server), Class::App | Class::Backup) = (server, it.what.class) {
                    let system = names.system(&server);
                    known.connects.insert((system, database.map(|database| database.to_string())));
                }
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
        let kinds = [MentionKind::Job, MentionKind::Component, MentionKind::Container, MentionKind::Declared];
        let found = actor.iter().filter(|m| kinds.contains(&m.kind)).find_map(|mention| self.who(mention));
        found.map(|entity| (entity, Connection::default(), None)).into_iter().collect()
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

fn stem_path(script: &str) -> String {
    script.split_once(":/").map_or(script.to_owned(), |(_, path)| format!("/{path}"))
}

type Runs<'a> = BTreeMap<&'a Mention, Vec<(&'a Text, &'a Connection)>>;

fn runs_by_subject<'a>(facts: &[&'a Fact]) -> Runs<'a> {
    let mut runs: Runs<'a> = BTreeMap::new();
    for fact in facts {
        if let Says::Runs { script: Some(script), connection, .. } = &fact.says {
            runs.entry(&fact.about).or_default().push((script, connection));
        }
    }
    runs
}

/// Follows what runs what: a script is found by host and path, else by the longest path suffix that only one
/// script has.
fn follow(
    subject: &Mention,
    host: Option<&str>,
    runs: &Runs<'_>,
    scripts: &BTreeSet<&Text>,
    connection: &Connection,
    depth: usize,
    reached: &mut Vec<(Text, Connection)>,
) {
    if depth > MAX_RUN_DEPTH {
        return;
    }
    for (script, stated) in runs.get(subject).into_iter().flatten() {
        let connection = if stated.is_empty() { connection.clone() } else { (*stated).clone() };
        let Some(found) = find_script(script, host, scripts) else {
            continue;
        };
        if reached.iter().any(|(known, with)| known == found && *with == connection) {
            continue;
        }
        reached.push((found.clone(), connection.clone()));
        let next = Mention::new(MentionKind::Script, found.clone());
        follow(&next, host, runs, scripts, &connection, depth + 1, reached);
    }
}

fn find_script<'a>(path: &str, host: Option<&str>, scripts: &BTreeSet<&'a Text>) -> Option<&'a Text> {
    let on_host = host.map(|host| format!("{host}:{path}"));
    if let Some(found) =
        on_host.and_then(|text| scripts.iter().find(|script| script.as_ref() == text.as_str()))
    {
        return Some(found);
    }
    let relative = path.trim_start_matches("./").trim_start_matches('/');
    let fits = |script: &&&Text| {
        let other_host = script.split_once(":/").is_some_and(|(theirs, _)| Some(theirs) != host);
        let suffix = script.strip_suffix(relative).is_some_and(|head| head.is_empty() || head.ends_with('/'));
        suffix && (host.is_none() || !other_host)
    };
    let mut found = scripts.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Every script of the scan: those that do something and those that run something.
fn all_scripts<'a>(uses: &'a [Use], facts: &[&'a Fact]) -> BTreeSet<&'a Text> {
    let running = facts.iter().map(|fact| &fact.about).filter(|about| about.kind == MentionKind::Script);
    let doing = uses.iter().filter_map(|it| it.what.actor.get(MentionKind::Script));
    running.map(|about| &about.text).chain(doing).collect()
}

/// The gaps of scripts that jobs run and the scan was not given, or that could be any of several.
fn script_gaps(facts: &[&Fact], scripts: &BTreeSet<&Text>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for fact in facts {
        let Says::Runs { script: Some(script), .. } = &fact.says else { continue };
        let host = facts.iter().find_map(|other| match &other.says {
            Says::RunsOn(host) if other.about == fact.about => Some(&*host.text),
            _ => None,
        });
        let host = host.or_else(|| fact.about.text.split_once(":/").map(|(host, _)| host));
        if find_script(script, host, scripts).is_none() {
            let relative = script.trim_start_matches("./").trim_start_matches('/');
            let several = scripts.iter().filter(|known| known.ends_with(&format!("/{relative}"))).count() > 1;
            let (code, detail) = if several {
                (GapCode::AmbiguousScript, format!("{script} could be any of several scripts of the scan"))
            } else {
                (
                    GapCode::MissingScript,
                    format!(
                        "runs {script}, which the scan was not given or which does nothing a reader knows"
                    ),
                )
            };
            gaps.push(Gap::new(fact.place.clone(), code, detail));
        }
    }
    gaps
}
