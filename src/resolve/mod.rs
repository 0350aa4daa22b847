//! Who is who and what is what: mentions become entities, uses become links, and every join carries its
//! reason. This is the only place that decides identity; identity is assigned with reasons, never unioned
//! blindly, and a refusal that a person would wonder about is kept beside the entity. It concludes nothing
//! about a link: that is `findings`.

mod components;
mod consumers;
mod entries;
mod explain;
mod files;
mod grouped;
mod hops;
mod jobs;
mod links;
mod names;
mod observed;
mod orders;
mod pods;
mod programs;
mod roles;
mod routes;
mod runs;
mod seen;
mod tables;
mod titles;
mod twins;
mod views;

use crate::evidence::stated::is_pattern;
use crate::evidence::{
    Action, Activity, Actor, Basis, Class, Confidence, Evidence, Gap, GapCode, Groups, Mention, MentionKind,
    Order, Outcome, Place, Places, Resource, ResourceKind, Role, Says, Scope, Sees, Span, Text, Trait, Use,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// An entity's number in [`Resolved::entities`], stable within one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(pub usize);

/// What several mentions turned out to be.
#[derive(Debug, Clone, Default)]
pub struct Entity {
    /// For reading: `table:shop-db/shop/public.orders`, `service:billing`.
    pub id: String,
    /// `service`, `job`, `client`, `person`, `partner`, `script`, `database`, `table`, `host` …
    pub kind: String,
    /// Its own name.
    pub name: String,
    /// What it is a part of.
    pub part_of: Option<EntityId>,
    /// Whether an inventory lists it.
    pub declared: bool,
    /// Whether source, a script or a schedule of the scan is its own text.
    pub written: bool,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What its traffic is, where an inventory says so.
    pub class: Option<Class>,
    /// What kinds of traffic of it worked.
    pub traffic: BTreeSet<Class>,
    /// What kind of consumer it is, as far as that is known: see `roles`.
    pub role: Option<Role>,
    /// Whether it comes from outside of the estate's networks alone.
    pub outside: bool,
    /// Its names, each with the reason it belongs here.
    pub mentions: BTreeMap<Mention, String>,
    /// The names nobody else shares.
    pub exclusive: BTreeSet<Mention>,
    /// Whom it was not joined with, and why.
    pub not_joined: BTreeSet<(String, String)>,
    /// What lists of access let its logins do, and where they say so. It explains nothing.
    pub permitted: BTreeSet<(String, String)>,
    /// For an endpoint of a server that has an API document: whether it is in there.
    pub documented: Option<bool>,
    /// For an endpoint: whether its document asks everybody to leave it.
    pub deprecated: bool,
    /// Whether it is what of several programs under one login says no name: who of them it is, or who else, nobody can say.
    pub rest: bool,
    /// The consumer whose login it comes with, from a host that is not that consumer's.
    pub borrows_from: Option<EntityId>,
    /// A job whose work is code of an application: which. What is asked of the work is asked of that.
    pub code_of: Option<EntityId>,
}

/// What one piece of evidence says of a link.
#[derive(Debug, Clone)]
pub struct Witness {
    /// How it knows.
    pub basis: Basis,
    /// The id of the vantage.
    pub vantage: Text,
    /// The vantage its counts are added to: files of one ring of captures count as one.
    pub counted_as: Text,
    /// When and how often.
    pub activity: Activity,
    /// Where it can be seen.
    pub places: Places,
    /// The fingerprint of the statement or request; 0 where there is none.
    pub shape: u64,
    /// One folded statement or request.
    pub sample: Text,
    /// How it was done.
    pub traits: BTreeSet<Trait>,
    /// The script or file on the way from the consumer to the statement.
    pub via: Option<String>,
}

/// What makes a link this link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkKey {
    /// Who.
    pub consumer: EntityId,
    /// Did what.
    pub action: Action,
    /// To what.
    pub resource: EntityId,
    /// What kind of traffic.
    pub class: Class,
    /// How it ended.
    pub outcome: Outcome,
    /// In which part of the world it is written.
    pub scope: Scope,
}

/// One consumer doing one action to one resource, with all its evidence.
#[derive(Debug, Clone)]
pub struct Link {
    /// What makes it this link.
    pub key: LinkKey,
    /// All evidence.
    pub witnesses: Vec<Witness>,
    /// How it was done, over all evidence.
    pub traits: BTreeSet<Trait>,
    /// How sure it is: the best of its evidence.
    pub confidence: Confidence,
    /// Whether an inventory states it, or something it is a part of, at the grain the inventory has there.
    pub declared: bool,
    /// Whether production source, a script or a schedule of the same consumer says it.
    pub written: bool,
}

impl Link {
    /// Whether a log or the wire saw it.
    pub fn observed(&self) -> bool {
        self.witnesses.iter().any(|witness| witness.basis == Basis::Observed)
    }

    /// Declared, or written in production scope by the same consumer.
    pub fn explained(&self) -> bool {
        self.declared || self.written
    }

    /// Observed, succeeded, application traffic, and nothing explains it.
    pub fn shadow(&self) -> bool {
        self.observed()
            && self.key.outcome == Outcome::Ok
            && self.key.class == Class::App
            && !self.explained()
    }

    /// The bases it rests on.
    pub fn bases(&self) -> BTreeSet<Basis> {
        let mut bases: BTreeSet<Basis> = self.witnesses.iter().map(|witness| witness.basis).collect();
        if self.declared {
            bases.insert(Basis::Declared);
        }
        if self.written {
            bases.insert(Basis::Written);
        }
        bases
    }

    /// How often it was seen: see [`count_acts`].
    pub fn count(&self) -> u64 {
        let one = self.witnesses.windows(2).all(|pair| pair[0].counted_as == pair[1].counted_as);
        if !one {
            return count_acts(&[self]);
        }
        // Of one vantage there is nothing to compare.
        let (mut dated, mut undated) = (0u64, 0u64);
        for witness in &self.witnesses {
            let days = witness.activity.days();
            dated = days.fold(dated, |sum, (_, day)| sum.saturating_add(day.count));
            undated = undated.saturating_add(witness.activity.undated());
        }
        dated.max(undated)
    }

    /// From the first to the last observed moment.
    pub fn span(&self) -> Option<Span> {
        let first = self.witnesses.iter().filter_map(|witness| witness.activity.first()).min()?;
        let last = self.witnesses.iter().filter_map(|witness| witness.activity.last()).max()?;
        Some(Span { first, last })
    }

    /// All observed activity; counts of several vantages are not to be read from it (see [`Link::count`]).
    pub fn activity(&self) -> Activity {
        let mut all = Activity::none();
        for witness in &self.witnesses {
            all.merge(&witness.activity);
        }
        all
    }
}

/// The day of what nobody dates.
const UNDATED: i32 = i32::MIN;

/// How many statements or requests links rest on. One statement on two tables is one act; per day the largest
/// number that any one vantage gives counts, summed over days: the same query in two logs is one query.
pub fn count_acts(links: &[&Link]) -> u64 {
    // By vantage and shape the most that any one link gives on a day; shapes are told apart only within
    // one actor, so equal statements of one link are added first.
    let mut acts: BTreeMap<(&Text, u64, i32), u64> = BTreeMap::new();
    for link in links {
        let mut own: BTreeMap<(&Text, u64, i32), u64> = BTreeMap::new();
        for witness in &link.witnesses {
            for (day, what) in witness.activity.days() {
                let count = own.entry((&witness.counted_as, witness.shape, day)).or_default();
                *count = count.saturating_add(what.count);
            }
            let undated = witness.activity.undated();
            if undated > 0 {
                let count = own.entry((&witness.counted_as, witness.shape, UNDATED)).or_default();
                *count = count.saturating_add(undated);
            }
        }
        for (key, count) in own {
            let most = acts.entry(key).or_default();
            *most = (*most).max(count);
        }
    }
    let mut per_vantage: BTreeMap<(i32, &Text), u64> = BTreeMap::new();
    for ((vantage, _, day), count) in acts {
        let sum = per_vantage.entry((day, vantage)).or_default();
        *sum = sum.saturating_add(count);
    }
    let mut largest: BTreeMap<i32, u64> = BTreeMap::new();
    for ((day, _), count) in per_vantage {
        let most = largest.entry(day).or_default();
        *most = (*most).max(count);
    }
    // A server's totals count what its logs count, and what was before them.
    let undated = largest.remove(&UNDATED).unwrap_or(0);
    largest.values().fold(0, |sum: u64, count| sum.saturating_add(*count)).max(undated)
}

/// A job that a clock starts.
#[derive(Debug, Clone)]
pub struct Job {
    /// Which consumer it is.
    pub entity: EntityId,
    /// The host it runs on.
    pub host: Option<String>,
    /// The account it runs as.
    pub account: Option<String>,
    /// The schedule as written.
    pub schedule: String,
    /// The scheduler whose rules hold.
    pub dialect: String,
    /// The zone of its local times.
    pub zone: String,
    /// Whether that zone is known, not assumed.
    pub zone_known: bool,
    /// Guards in the command that change when it does its work, as written: `sleep 600`, a test of the day.
    pub guards: Vec<String>,
    /// The command, scrubbed.
    pub command: String,
    /// A comment beside it that states an order or a wait.
    pub remark: Option<String>,
    /// Where it is written.
    pub place: Place,
}

impl Job {
    /// The zone of its times as people are told: one that is only assumed is not known.
    pub fn zone_told(&self) -> &str {
        if self.zone_known { &self.zone } else { "zone unknown" }
    }
}

/// One job that its scheduler holds back for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waits {
    /// Who waits.
    pub waiting: EntityId,
    /// For whom.
    pub first: EntityId,
    /// In which way.
    pub order: Order,
    /// Where that is written.
    pub place: Place,
}

/// A use that an inventory states of somebody who would be known again where it was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stated {
    /// Who.
    pub consumer: EntityId,
    /// What: a table, a database, or a whole server.
    pub resource: EntityId,
    /// Where it is stated.
    pub place: Place,
}

/// Of what kinds an inventory speaks where it states what a consumer uses: of any other kind it may say nothing of anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Speaks {
    /// The systems that it is stated to call, by name.
    pub calls: BTreeSet<String>,
    /// Whether any channel is stated.
    pub channels: bool,
}

/// A fixed sleep between two steps of a consumer's text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sleep {
    /// Whose text it is.
    pub consumer: EntityId,
    /// How long it sleeps.
    pub seconds: u64,
    /// What it does before.
    pub started: (Action, EntityId),
    /// Whether that goes on in the background.
    pub background: bool,
    /// What it does after.
    pub then: (Action, EntityId),
    /// Where it sleeps.
    pub place: Place,
}

/// Who watched a system, and when.
#[derive(Debug, Clone)]
pub struct Watch {
    /// The system, as ids name it.
    pub system: String,
    /// The vantage.
    pub vantage: Text,
    /// From when to when.
    pub span: Option<Span>,
    /// How much it sees.
    pub sees: Sees,
    /// Whether its format was tried on what a real server or program wrote.
    pub tried: bool,
}

/// The outcome.
#[derive(Debug, Default)]
pub struct Resolved {
    /// All entities, by id.
    pub entities: Vec<Entity>,
    /// All links, by key.
    pub links: Vec<Link>,
    /// All jobs, by entity and place.
    pub jobs: Vec<Job>,
    /// Which of them their scheduler holds back for which others, by the one that waits.
    pub waits: Vec<Waits>,
    /// What could not be resolved.
    pub gaps: Vec<Gap>,
    /// Whether anybody declared any consumer.
    pub has_inventory: bool,
    /// The hosts that are ours: declared ones, and those whose files are in the scan.
    pub own_hosts: BTreeSet<String>,
    /// The hosts of which an address is known.
    pub addressed: BTreeSet<String>,
    /// The uses that inventories state.
    pub stated: Vec<Stated>,
    /// By consumer of which inventories state uses: of what kinds they speak.
    pub speaks: BTreeMap<EntityId, Speaks>,
    /// The fixed sleeps between steps.
    pub sleeps: Vec<Sleep>,
    /// Who watched what.
    pub watches: Vec<Watch>,
}

pub use links::Clock;
pub use views::views;

/// What is known of all links before any of those by the group is made.
pub struct Outline<'a> {
    /// All entities.
    pub entities: &'a [Entity],
    /// What makes the links, by the numbers of these entities.
    pub links: &'a [LinkKey],
    /// By view: what it is computed from.
    pub views: &'a BTreeMap<EntityId, BTreeSet<EntityId>>,
}

/// Which links of an outline a question touches.
pub type Touches<'a> = dyn Fn(&Outline<'_>) -> Vec<bool> + 'a;

/// Why uses by the group do not say enough.
#[derive(Debug)]
pub enum Again {
    /// What these did must be told apart.
    Apart(Vec<Actor>),
    /// All must.
    Whole,
}

/// Uses of an inventory that name a system nobody declares, serves or uses in the scan: mostly a typing error, and a
/// consumer that is held to nothing for it. Hosts of files and buckets are no systems.
fn unknown_systems(
    evidence: &Evidence,
    uses: &[Use],
    names: &names::Names,
    book: &consumers::Book,
) -> Vec<Gap> {
    let server = |resource: &Resource| resource.server.as_ref().map(|server| names.system(server));
    let written: HashSet<&Text> = uses.iter().filter_map(|it| it.what.resource.server.as_ref()).collect();
    let seen: BTreeSet<String> = written.into_iter().map(|server| names.system(server)).collect();
    let mut gaps = Vec::new();
    for fact in evidence.facts() {
        let Says::DeclaredUse(_, resource) = &fact.says else { continue };
        if matches!(resource.kind, ResourceKind::File | ResourceKind::Object | ResourceKind::Host) {
            continue;
        }
        let serves = |system: &String| book.find(&format!("service:{system}")).is_some();
        let known =
            |system: &String| names.is_declared_system(system) || seen.contains(system) || serves(system);
        let unknown = server(resource).filter(|system| !known(system));
        if let Some(system) = unknown {
            let who = &fact.about.text;
            let detail = format!("uses of {who}: no system {system} is declared, and nothing uses one");
            gaps.push(Gap::new(fact.place.clone(), GapCode::BadConfig, detail));
        }
    }
    gaps
}

/// What names, consumers and tables mean, before anybody is told by what was observed.
struct Learned {
    names: names::Names,
    book: consumers::Book,
    tables: tables::Tables,
    hops: hops::Hops,
    seen: seen::Seen,
    programs: programs::Programs,
}

impl Learned {
    fn of(evidence: &Evidence, uses: &[Use]) -> Learned {
        let mut names = names::Names::learn(evidence, uses);
        let gaps = std::mem::take(&mut names.gaps);
        let mut book = consumers::Book::learn(evidence, uses, &names);
        let routes = routes::Routes::learn(evidence, &names, &book);
        let tables = tables::Tables::learn(uses, &names, &book, routes);
        book.gaps.extend(gaps);
        book.gaps.extend(unknown_systems(evidence, uses, &names, &book));
        book.assign_shapes(uses);
        let hops = hops::Hops::learn(evidence, uses, &names);
        let seen = seen::Seen::learn(uses, &names, &book);
        let programs = programs::Programs::learn(uses, &names, &hops, &book);
        Learned { names, book, tables, hops, seen, programs }
    }
}

/// Resolves everything collectors stated; `clock` evaluates schedules. The uses are taken out of the evidence: what was
/// seen of them goes to the links.
pub fn resolve(evidence: &mut Evidence, clock: &Clock<'_>) -> Resolved {
    let uses = evidence.take_uses();
    let learned = Learned::of(evidence, &uses);
    let groups = Groups::default();
    resolve_uses(evidence, uses, learned, grouped::Grouped::new(&groups), clock, None)
}

/// Resolves evidence of which uses came by the group. Identity is decided as if all had been told apart; of the links those
/// are made that a question touches.
pub fn resolve_for(
    evidence: &mut Evidence,
    clock: &Clock<'_>,
    touches: &Touches<'_>,
) -> Result<Resolved, Again> {
    let groups = evidence.take_groups();
    let (uses, examples) = grouped::with_examples(evidence.take_uses(), &groups);
    let learned = Learned::of(evidence, &uses);
    let own = uses.into_iter().zip(examples).filter(|(_, example)| !example).map(|(it, _)| it).collect();
    let uses: Vec<Use> = own;
    grouped::check(&groups, &uses, &learned.names, &learned.hops, &learned.book)?;
    Ok(resolve_uses(evidence, uses, learned, grouped::Grouped::new(&groups), clock, Some(touches)))
}

fn resolve_uses(
    evidence: &Evidence,
    uses: Vec<Use>,
    learned: Learned,
    mut grouped: grouped::Grouped<'_>,
    clock: &Clock<'_>,
    touches: Option<&Touches<'_>>,
) -> Resolved {
    let Learned { names, mut book, tables, hops, seen, programs } = learned;
    let ground = links::Ground {
        names: &names,
        hops: &hops,
        seen: &seen,
        programs: &programs,
        tables: &tables,
        clock,
    };
    let mut links = links::build(uses, &mut grouped, &ground, &mut book);
    name_crowds(evidence, &mut book);
    let stated = stated_uses(&names, &tables, &mut book);
    let sleeps = links::sleeps(evidence, &names, &tables, &mut book);
    let keys = grouped.keys(&links);
    for key in keys.iter().filter(|key| key.outcome == Outcome::Ok) {
        book.entities[key.consumer.0].traffic.insert(key.class);
    }
    if let Some(touches) = touches {
        let views = views(links.values());
        let touched = touches(&Outline { entities: &book.entities, links: &keys, views: &views });
        grouped.make(&keys, &touched, &mut links, &names);
    }
    let links = links.into_values().collect();
    let watches = watches(evidence, &names);
    let own_hosts = own_hosts(evidence, &names);
    let addressed = names.addressed().clone();
    Resolved {
        own_hosts,
        addressed,
        watches,
        ..explain::finish(evidence, &names, &tables, book, links, stated, sleeps)
    }
}

/// Names the busiest addresses of those who are told as one.
fn name_crowds(evidence: &Evidence, book: &mut consumers::Book) {
    for (name, crowd) in evidence.crowds() {
        let Some(entity) = book.find(&format!("client:{name}")) else { continue };
        let (size, more) = crowd.size();
        let more = if more { " or more" } else { "" };
        for (address, count) in crowd.busiest() {
            let why = format!("one of the busiest of {size}{more} addresses: {count} requests");
            let mention = Mention::new(MentionKind::Address, address.clone());
            book.entities[entity.0].mentions.insert(mention, why);
        }
    }
}

/// The uses that inventories state of consumers that would be known again, by their entities.
fn stated_uses(names: &names::Names, tables: &tables::Tables, book: &mut consumers::Book) -> Vec<Stated> {
    let listed: Vec<(EntityId, Resource, Place)> = book
        .known
        .iter()
        // Of whom neither login nor program is known nobody could say that it was not there.
        .filter(|(_, known)| !known.users.is_empty() || !known.applications.is_empty())
        .flat_map(|(entity, known)| {
            known.declared_uses.iter().map(|(_, resource, place)| (*entity, resource.clone(), place.clone()))
        })
        .collect();
    let mut stated = Vec::new();
    // A channel without its broker is met under the name of a broker, and by its own name nowhere; what is handed over
    // lies on no server that anybody watches.
    let met = |resource: &Resource| match resource.kind {
        ResourceKind::Topic | ResourceKind::Queue => resource.server.is_some(),
        ResourceKind::File | ResourceKind::Object | ResourceKind::Host => false,
        // A pattern of paths is none of the routes that it fits.
        ResourceKind::Endpoint => !is_pattern(resource),
        _ => true,
    };
    for (consumer, mut resource, place) in listed.into_iter().filter(|(_, resource, _)| met(resource)) {
        if resource.kind == ResourceKind::Table && resource.parts.len() == 1 && is_pattern(&resource) {
            resource.parts.insert(0, Text::from("*"));
        }
        let server = resource.server.as_deref().map(|server| names.system(server)).unwrap_or_default();
        // What is no database was met as another kind of system, if at all.
        let service = || book.find(&format!("service:{server}")).filter(|_| !names.is_database(&server));
        let other = book.find(&format!("external:{server}")).or_else(service);
        let other = other.filter(|_| resource.database.is_none());
        let resource = other.unwrap_or_else(|| tables.entity(book, names, &resource, &BTreeSet::new()));
        stated.push(Stated { consumer, resource, place });
    }
    stated
}

/// Who watched which system.
fn watches(evidence: &Evidence, names: &names::Names) -> Vec<Watch> {
    let watch = |vantage: &crate::evidence::Vantage| Watch {
        system: names.system(&vantage.of.text),
        vantage: vantage.id.clone(),
        span: vantage.spans.iter().copied().reduce(Span::cover),
        sees: if vantage.lost > 0 { Sees::Unknown } else { vantage.sees },
        tried: vantage.tried,
    };
    evidence.vantages().map(watch).collect()
}

/// Hosts that an inventory declares, that jobs run on, or whose own files are in the scan.
fn own_hosts(evidence: &Evidence, names: &names::Names) -> BTreeSet<String> {
    let mut own = BTreeSet::new();
    for fact in evidence.facts() {
        match (fact.about.kind, &fact.says) {
            // What is listed among tests and examples is nobody's machine.
            (MentionKind::Host, Says::DeclaredAs(_)) if fact.scope != Scope::Production => {}
            (MentionKind::Host, Says::DeclaredAs(_) | Says::InZone(_)) => {
                own.insert(names.host_or_self(&fact.about.text));
            }
            (MentionKind::Job, Says::RunsOn(host)) => {
                own.insert(names.host_or_self(&host.text));
            }
            // Where a system of ours answers, and a container, is ours.
            (MentionKind::System, Says::SameAs(end)) if !names.is_external(&fact.about.text) => {
                let host = end.text.rsplit_once(':').map_or(&*end.text, |(host, _)| host);
                own.insert(names.host_or_self(host));
            }
            (MentionKind::Container, _) => {
                own.insert(fact.about.text.to_string());
            }
            _ => {}
        }
    }
    own
}
