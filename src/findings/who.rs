//! What the rules about consumers share: the links of a consumer by system, and how they are told in facts.
//! It is no rule and finds nothing itself.

use super::Finding;
use crate::evidence::{Action, Class, MentionKind, Outcome, Place, Role, Scope, Stamp, Trait, request};
use crate::graph::Graph;
use crate::resolve::{Entity, EntityId, Job, Link, Witness, count_acts};
use std::collections::{BTreeMap, BTreeSet};

/// How many tables or statements a fact lists.
const LISTED: usize = 8;

/// Application traffic in production that worked, by the system it went to. Bare connections count only
/// where nothing finer is known; what the server of a database does by itself is told of that server.
pub fn by_system(graph: &Graph, consumer: EntityId) -> BTreeMap<EntityId, Vec<&Link>> {
    let mut systems: BTreeMap<EntityId, Vec<&Link>> = BTreeMap::new();
    for link in graph.links_of(consumer) {
        let key = &link.key;
        let by_server = link.traits.iter().any(|it| matches!(&*it.name, "server-file" | "through-server"));
        let counts = key.class == Class::App && key.outcome == Outcome::Ok && key.scope == Scope::Production;
        if counts && !by_server {
            systems.entry(graph.system_of(key.resource)).or_default().push(link);
        }
    }
    // A lock may be one of a whole server, of which somebody uses one database.
    if systems.len() > 1 {
        systems.retain(|_, links| links.iter().any(|link| graph.entity(link.key.resource).kind != "lock"));
    }
    for links in systems.values_mut() {
        if links.iter().any(|link| link.key.action != Action::Connect) {
            links.retain(|link| link.key.action != Action::Connect);
        }
    }
    systems
}

/// What was done, how often, when, and by which names: the facts of a finding about links.
pub fn facts(graph: &Graph, consumer: &Entity, links: &[&Link]) -> BTreeMap<&'static str, String> {
    let mut facts = BTreeMap::new();
    let mut done: BTreeMap<Action, BTreeSet<&str>> = BTreeMap::new();
    for link in links {
        done.entry(link.key.action).or_default().insert(&graph.entity(link.key.resource).name);
    }
    for (action, names) in &done {
        let mut list: Vec<&str> = names.iter().copied().take(LISTED).collect();
        let more = format!("and {} more", names.len().saturating_sub(LISTED));
        if names.len() > LISTED {
            list.push(&more);
        }
        facts.insert(action.word(), list.join(", "));
    }
    let count = count_acts(links);
    if count > 0 {
        let seen = || links.iter().flat_map(|link| &link.witnesses).map(|witness| &witness.activity);
        let days: BTreeSet<i32> = seen().flat_map(|it| it.days().map(|(day, _)| day)).collect();
        facts.insert(
            "count",
            format!("{count} on {} {}", days.len(), if days.len() == 1 { "day" } else { "days" }),
        );
        let first: Option<Stamp> = seen().filter_map(|it| it.first()).min();
        let last = seen().filter_map(|it| it.last()).max();
        facts.extend(first.map(|first| ("first", first.to_string())));
        facts.extend(last.map(|last| ("last", last.to_string())));
    }
    let traits: BTreeSet<String> =
        links.iter().flat_map(|link| link.traits.iter()).map(|t| t.name.to_string()).collect();
    let silent = [request::QUERY, request::REDIRECTED, "window-on"];
    let traits: BTreeSet<String> =
        traits.into_iter().filter(|name| !silent.contains(&name.as_str())).collect();
    if !traits.is_empty() {
        facts.insert("how", traits.into_iter().collect::<Vec<_>>().join(", "));
    }
    for (name, kind) in [
        ("login", MentionKind::User),
        ("application", MentionKind::Application),
        ("address", MentionKind::Address),
        ("host", MentionKind::Host),
    ] {
        let texts: Vec<&str> =
            consumer.mentions.keys().filter(|m| m.kind == kind).map(|m| &*m.text).take(LISTED).collect();
        // The busiest addresses of the public are those of all that it uses.
        let name = if is_public(consumer) && name == "address" { "busiest_anywhere" } else { name };
        if !texts.is_empty() {
            facts.insert(name, texts.join(", "));
        }
    }
    // What its id says already is not said again.
    let role = consumer.role.map(Role::word).filter(|word| *word != consumer.kind);
    facts.extend(role.map(|role| ("class", role.to_owned())));
    let sample =
        links.iter().flat_map(|link| &link.witnesses).map(|w| &w.sample).find(|sample| !sample.is_empty());
    facts.extend(sample.map(|sample| ("sample", sample.chars().take(160).collect())));
    facts
}

/// How many places a finding names; each link has its own.
const MAX_PLACES: usize = 200;

/// Where the links can be seen, the earliest place of each first.
pub fn places(links: &[&Link]) -> Vec<Place> {
    let witnesses = || links.iter().flat_map(|link| link.witnesses.iter());
    let firsts = witnesses().filter_map(|it| it.places.first());
    let lasts = witnesses().filter_map(|it| it.places.iter().last().map(|(_, place)| place));
    let mut seen: BTreeSet<&Place> = BTreeSet::new();
    firsts.chain(lasts).filter(|place| seen.insert(place)).take(MAX_PLACES).cloned().collect()
}

/// One finding a job, however many of its schedules there is something to say about: the others are named in it.
#[derive(Default)]
pub struct OnePerJob(BTreeMap<EntityId, Finding>);

impl OnePerJob {
    /// Adds a schedule of a job; only the first of a job is asked for the finding.
    pub fn add(&mut self, job: &Job, finding: impl FnOnce() -> Finding) {
        let schedule = format!("{} ({})", job.schedule, job.dialect);
        if let Some(one) = self.0.get_mut(&job.entity) {
            one.facts.entry("schedule").and_modify(|known| *known = format!("{known}; {schedule}"));
            one.places.push(job.place.clone());
            return;
        }
        let mut finding = finding();
        finding.facts.insert("schedule", schedule);
        self.0.insert(job.entity, finding);
    }

    /// All of them.
    pub fn into_findings(self) -> impl Iterator<Item = Finding> {
        self.0.into_values()
    }
}

/// A resource with more writers than this is a shared one (audit tables, queues), not handed over.
const MAX_WRITERS: usize = 20;

/// Jobs that make a thing, and jobs that take it.
#[derive(Debug, Default)]
pub struct Sides {
    writers: BTreeSet<EntityId>,
    readers: BTreeSet<EntityId>,
}

impl Sides {
    /// Each writer with each reader that is another job.
    pub fn pairs(&self) -> impl Iterator<Item = (EntityId, EntityId)> {
        let writers = if self.writers.len() <= MAX_WRITERS { Some(&self.writers) } else { None };
        writers.into_iter().flatten().flat_map(|writer| {
            self.readers.iter().filter(move |reader| *reader != writer).map(|reader| (*writer, *reader))
        })
    }
}

/// What scheduled jobs hand over to each other: tables, files and objects that one writes and another reads.
pub fn hand_overs(graph: &Graph) -> BTreeMap<EntityId, Sides> {
    let jobs: BTreeSet<EntityId> = graph.jobs().iter().map(|job| job.entity).collect();
    let mut all: BTreeMap<EntityId, Sides> = BTreeMap::new();
    for link in graph.links() {
        let key = &link.key;
        // A backup reads everything on purpose, whenever it comes.
        let counted = key.outcome == Outcome::Ok && key.scope == Scope::Production && key.class == Class::App;
        if !counted || !jobs.contains(&key.consumer) {
            continue;
        }
        let handed = || matches!(graph.entity(key.resource).kind.as_str(), "table" | "file" | "object");
        match key.action {
            Action::Write | Action::Export if handed() => {
                all.entry(key.resource).or_default().writers.insert(key.consumer);
            }
            Action::Read | Action::Import => {
                all.entry(key.resource).or_default().readers.insert(key.consumer);
            }
            _ => {}
        }
    }
    all
}

/// What of a link is done in such a way: the statements of which a trait says so, and no others.
pub fn part(link: &Link, says: impl Fn(&Trait) -> bool) -> Option<Link> {
    let mut part = link.clone();
    part.witnesses.retain(|witness| witness.traits.iter().any(&says));
    part.traits = part.witnesses.iter().flat_map(|witness| witness.traits.iter().cloned()).collect();
    (!part.witnesses.is_empty()).then_some(part)
}

/// Whether data is changed: what goes wrong then stays wrong.
pub fn writes(links: &[&Link]) -> bool {
    links.iter().any(|link| matches!(link.key.action, Action::Write | Action::Publish | Action::Import))
}

/// How an endpoint is known to be a page for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Page {
    /// Its path ends like one.
    ByName,
    /// An answer to it was HTML, or browsers loaded something from it.
    Seen,
}

impl Page {
    /// For facts.
    pub fn reason(self) -> &'static str {
        match self {
            Page::Seen => "an answer was HTML, or browsers load what belongs to it from there",
            Page::ByName => "its path ends like a page's",
        }
    }
}

/// Whether what a link asks for is a page made for people, as far as anybody saw. What is asked for with other
/// names in the query may be something else.
pub fn page(graph: &Graph, link: &Link) -> Option<Page> {
    let endpoint = graph.entity(link.key.resource);
    let path = endpoint.name.strip_prefix("GET ").filter(|_| endpoint.kind == "endpoint")?;
    let query = |witness: &Witness| witness.traits.iter().find(|it| &*it.name == request::QUERY).cloned();
    let page = |witness: &Witness| witness.traits.iter().any(|it| &*it.name == request::PAGE);
    let sent = |witness: &&Witness| witness.traits.iter().any(|it| &*it.name == request::REDIRECTED);
    let got: Vec<&Witness> = link.witnesses.iter().filter(|witness| !sent(witness)).collect();
    if got.is_empty() {
        return None;
    }
    let asked: BTreeSet<Option<Trait>> = got.into_iter().map(query).collect();
    let shown =
        graph.links_to(link.key.resource).into_iter().filter(|other| other.key.outcome == Outcome::Ok);
    let seen = shown
        .flat_map(|other| &other.witnesses)
        .any(|witness| page(witness) && asked.contains(&query(witness)));
    if seen {
        return Some(Page::Seen);
    }
    let ends = [".html", ".htm", ".xhtml", ".shtml"].iter().any(|ending| path.ends_with(ending));
    ends.then_some(Page::ByName)
}

/// Whether all that is known of a client is that people use it to look around: what it sends is whatever somebody typed
/// or clicked.
pub fn is_tool(consumer: &Entity) -> bool {
    consumer.kind == "client" && matches!(consumer.role, Some(Role::Person | Role::BiTool))
}

/// Whether a consumer is all that is outside of the estate and runs one program, without a login.
pub fn is_public(consumer: &Entity) -> bool {
    consumer.id.starts_with("client:outside/")
}

/// Whether a link is a connection without a name beside programs that say theirs, of which it may be one's.
pub fn may_be_others(consumer: &Entity, link: &Link) -> bool {
    consumer.rest && link.key.action == Action::Connect
}

/// Whether a link changes something by the method of its call (RFC 9110, 9.2.1).
pub fn calls_unsafely(graph: &Graph, link: &Link) -> bool {
    let name = &graph.entity(link.key.resource).name;
    let method = name.split(' ').next().unwrap_or("");
    link.key.action == Action::Call && matches!(method, "POST" | "PUT" | "PATCH" | "DELETE")
}
