//! Uses become links: who from `observed` and `consumers`, what from `tables`, all evidence kept on the
//! link. It never drops a use.

use super::consumers::Book;
use super::grouped::Grouped;
use super::hops::{Behind, Hops};
use super::names::Names;
use super::observed::{self, Peers, Verdict};
use super::programs::Programs;
use super::seen::Seen;
use super::tables::{Tables, Target, target};
use super::{EntityId, Job, Link, LinkKey, Sleep, Witness};
use crate::evidence::{
    Action, Activity, Basis, Class, Confidence, Connection, Evidence, Gap, GapCode, MentionKind, Outcome,
    Place, Places, Resource, ResourceKind, Says, Scope, Stamp, Text, Use, What, request,
};
use std::collections::{BTreeMap, BTreeSet};

/// How long after the start of a run, in seconds, its statements may come.
const RUN_SECONDS: i64 = 2 * 3600;

/// Tells whether a job's schedule predicts moments. Evaluating schedules is not this module's work, so the
/// pipeline hands in how: (dialect, text, zone, from, to) to the runs between, in seconds.
pub struct Clock<'a> {
    runs: &'a dyn Fn(&Job, Stamp, Stamp) -> Vec<Stamp>,
}

impl<'a> Clock<'a> {
    /// A clock that evaluates schedules by this function.
    pub fn new(runs: &'a dyn Fn(&Job, Stamp, Stamp) -> Vec<Stamp>) -> Clock<'a> {
        Clock { runs }
    }

    /// Whether every moment of the activity lies in a run of one of the entity's schedules.
    pub fn predicts(&self, jobs: &[Job], entity: EntityId, activity: &Activity) -> bool {
        let (Some(first), Some(last)) = (activity.first(), activity.last()) else { return false };
        let from = first.plus_micros(-RUN_SECONDS * 1_000_000);
        let mut starts: Vec<Stamp> = jobs
            .iter()
            .filter(|job| job.entity == entity)
            .flat_map(|job| (self.runs)(job, from, last))
            .collect();
        starts.sort_unstable();
        let moments = activity.moments();
        !moments.is_empty()
            && moments.iter().all(|moment| {
                let after = starts.partition_point(|start| start.seconds() <= moment.seconds() + 60);
                after > 0 && moment.seconds() - starts[after - 1].seconds() <= RUN_SECONDS
            })
    }
}

/// What acts are told apart on.
pub struct Ground<'a> {
    /// What names mean.
    pub names: &'a Names,
    /// The poolers.
    pub hops: &'a Hops,
    /// Where logins and programs were seen.
    pub seen: &'a Seen,
    /// What calls itself how under one login.
    pub programs: &'a Programs,
    /// The tables.
    pub tables: &'a Tables,
    /// When jobs run.
    pub clock: &'a Clock<'a>,
}

/// Builds the links of all that is told apart, while all else is put to its consumers.
pub fn build(
    uses: Vec<Use>,
    grouped: &mut Grouped<'_>,
    ground: &Ground<'_>,
    book: &mut Book,
) -> BTreeMap<LinkKey, Link> {
    let Ground { names, tables, .. } = *ground;
    let mut links: BTreeMap<LinkKey, Link> = BTreeMap::new();
    let mut peers = Peers::default();
    // Acts without a login come last: who they are, those with one may tell.
    let nameless =
        |it: &Use| it.what.basis == Basis::Observed && it.what.actor.get(MentionKind::User).is_none();
    let mut with = uses;
    let without: Vec<Use> = with.extract_if(.., |it| nameless(it)).collect();
    // Who did what is remembered for those who need it: a request needs only who calls it.
    peers.listen(without.iter().any(|it| it.what.resource.kind != ResourceKind::Endpoint));
    let mut before = None;
    for (uses, named) in [(with, true), (without, false)] {
        for it in uses {
            grouped.up_to(Some(&it.what), named, ground, book, &mut peers);
            match it.what.basis {
                Basis::Observed => {
                    for part in by_holder(it, names) {
                        observed_use(part, ground, book, &mut peers, &mut links, &mut before);
                    }
                }
                Basis::Written | Basis::Declared => {
                    written_use(&it, names, tables, book, &mut peers, &mut links);
                }
            }
        }
        grouped.up_to(None, named, ground, book, &mut peers);
    }
    let gaps = peers.gaps(book);
    book.gaps.extend(gaps);
    for (vantage, name, full) in std::mem::take(&mut book.guesses) {
        let detail = format!(
            "{name} was taken for {full}, the only table of that name known there: where its sessions look for names \
             without a schema nothing says, so it may be another one"
        );
        book.gaps.push(Gap::new(Place::whole(&vantage), GapCode::Unresolved, detail));
    }
    links
}

/// Puts a use to the link of a consumer and a resource.
pub(super) fn add(
    links: &mut BTreeMap<LinkKey, Link>,
    names: &Names,
    it: Use,
    (consumer, resource): (EntityId, EntityId),
    confidence: crate::evidence::Confidence,
    via: Option<String>,
    class: Option<Class>,
) {
    let Use { what, activity, places } = it;
    let class = class.unwrap_or(what.class);
    let key =
        LinkKey { consumer, action: what.action, resource, class, outcome: what.outcome, scope: what.scope };
    let confidence = confidence.min(what.confidence);
    let link = links.entry(key).or_insert_with(|| Link {
        key,
        witnesses: Vec::new(),
        traits: BTreeSet::new(),
        confidence,
        declared: false,
        written: false,
    });
    link.traits.extend(what.traits.iter().cloned());
    link.confidence = link.confidence.max(confidence);
    if link.witnesses.is_empty() {
        // Most links have one, and a list begins with room for four.
        link.witnesses.reserve_exact(1);
    }
    link.witnesses.push(Witness {
        basis: what.basis,
        counted_as: names.counted_as(&what.vantage),
        vantage: what.vantage,
        activity,
        places,
        shape: what.shape.fingerprint,
        sample: what.shape.sample,
        traits: what.traits,
        via,
    });
}

/// What the use before was found to be: those that differ in the statement alone follow each other.
struct Before {
    what: What,
    system: String,
    resource: EntityId,
    /// How sure it is that it is this resource.
    sure: Confidence,
    /// The consumer, where statements and moments have no say in it.
    verdict: Option<Verdict>,
}

/// A use at the server that it means: of one that was asked for by name, and seen at an address, the one of the two that
/// somebody declared.
pub(super) fn seen_there(mut it: Use, names: &Names) -> Use {
    let asked = it.what.resource.server.as_deref();
    let known = asked.is_some_and(|asked| names.is_declared_system(&names.system(asked)));
    let seen = it.what.traits.iter().find(|it| &*it.name == request::SEEN_AT);
    if let (false, Some(seen)) = (known, seen.and_then(|it| it.value.clone()))
        && names.is_declared_system(&names.system(&seen))
    {
        it.what.resource.server = Some(seen);
    }
    it
}

/// The system that a use is at, the entity of what was used, and how sure it is that it is this one.
pub(super) fn place(it: &Use, ground: &Ground<'_>, book: &mut Book) -> (String, EntityId, Confidence) {
    let system = it.what.resource.server.as_deref().map(|server| ground.names.system(server));
    let resource = ground.tables.entity(book, ground.names, &it.what.resource, &BTreeSet::new());
    let Some(full) = ground.tables.guess(ground.names, &it.what.resource) else {
        return (system.unwrap_or_default(), resource, Confidence::High);
    };
    book.guesses.insert((it.what.vantage.clone(), it.what.resource.parts.join("."), full));
    (system.unwrap_or_default(), resource, Confidence::Medium)
}

/// What an inventory says that a consumer's traffic is: it knows better than the text of a statement.
pub(super) fn class(consumer: EntityId, seen: Class, book: &Book) -> Option<Class> {
    book.entities[consumer.0].class.filter(|_| seen == Class::App)
}

/// A use by whose its address was at the time.
pub(super) fn by_holder(it: Use, names: &Names) -> Vec<Use> {
    let Some(address) = it.what.actor.get(MentionKind::Address).cloned() else { return vec![it] };
    let Use { what, activity, places } = it;
    let mut parts = names.parted(&address, activity);
    if let [(_, activity)] = &mut parts[..] {
        return vec![Use { what, activity: std::mem::take(activity), places }];
    }
    let holder_of = |stamp: Option<Stamp>| {
        let at = stamp.map(Activity::at)?;
        names.host_during(&address, &at).map(str::to_owned)
    };
    let part = |(holder, activity): (Option<&str>, Activity)| {
        let mut own = Places::default();
        for (stamp, place) in places.iter().filter(|(stamp, _)| holder_of(*stamp).as_deref() == holder) {
            own.add(*stamp, place.clone());
        }
        Use { what: what.clone(), activity, places: own }
    };
    parts.into_iter().map(part).collect()
}

fn observed_use(
    it: Use,
    ground: &Ground<'_>,
    book: &mut Book,
    peers: &mut Peers,
    links: &mut BTreeMap<LinkKey, Link>,
    before: &mut Option<Before>,
) {
    let Ground { names, hops, .. } = *ground;
    let same = before.take().filter(|before| before.what.is_but_shape(&it.what));
    let what = if same.is_some() { None } else { Some(it.what.clone()) };
    let mut it = seen_there(it, names);
    let mut known = same.unwrap_or_else(|| {
        let (system, resource, sure) = place(&it, ground, book);
        Before { what: what.unwrap_or_else(|| it.what.clone()), system, resource, sure, verdict: None }
    });
    let (system, resource, sure) = (&known.system, known.resource, known.sure);
    let (mut through, mut because, mut several) = (None, None, None);
    match hops.behind(&it, system, names, book) {
        Behind::Nothing => {}
        Behind::One(client, why) => {
            it.what.actor = it.what.actor.from_elsewhere(client.clone());
            because = Some((client, why));
        }
        // A connection that the pooler keeps for whoever comes next is nobody's.
        Behind::Several(pooler, _) if it.what.action == Action::Connect => through = Some(pooler),
        Behind::Several(_, hosts) => several = Some(hosts),
    }
    if let Some(pooler) = through {
        let entity = observed::pooler(&pooler, &it, book);
        return add(links, names, it, (entity, resource), Confidence::High, None, Some(Class::Keepalive));
    }
    let named = it.what.actor.get(MentionKind::User).is_some();
    let by_peer = if named { None } else { peers.attribute(&it, resource, system, names, book) };
    let (verdict, resource) = by_peer.unwrap_or_else(|| {
        let told = || observed::attribute(&it, system, several.as_ref(), ground, book);
        (known.verdict.unwrap_or_else(told), resource)
    });
    let direct = because.is_none() && several.is_none();
    if let Some((client, why)) = because {
        let reason = book.entities[verdict.entity.0].mentions.entry(client).or_default();
        if !reason.starts_with("declared at") {
            *reason = why;
        }
    }
    if known.verdict.is_none() && named && direct && observed::is_steady(&it, names, book) {
        known.verdict = Some(verdict);
    }
    if named && it.what.outcome == Outcome::Ok {
        peers.seen(&it, &known.system, names, verdict.entity, resource);
    }
    *before = Some(known);
    let class = class(verdict.entity, it.what.class, book);
    add(links, names, it, (verdict.entity, resource), verdict.confidence.min(sure), None, class);
}

fn written_use(
    it: &Use,
    names: &Names,
    tables: &Tables,
    book: &mut Book,
    peers: &mut Peers,
    links: &mut BTreeMap<LinkKey, Link>,
) {
    let in_settings = it.what.traits.iter().any(|it| &*it.name == "in-settings");
    for (consumer, connection, via) in book.written_by(it) {
        // A job that takes a settings file over knows how to connect; whether it does, its text says.
        if in_settings && via.is_some() {
            continue;
        }
        let said = (it.what.action, &it.what.resource);
        let guess = may_be_elsewhere(it, consumer, book);
        let entity = written_resource(said, consumer, &connection, guess, names, tables, book);
        peers.written(it, entity, consumer);
        if it.what.scope == Scope::Production {
            book.entities[consumer.0].written = true;
        }
        for (job, part) in parts(it, consumer, book) {
            book.entities[job.0].code_of = Some(consumer);
            add(links, names, part, (job, entity), it.what.confidence, Some(PART.to_owned()), None);
        }
        add(links, names, it.clone(), (consumer, entity), it.what.confidence, via, None);
    }
}

/// How a job comes to what an application's code does.
const PART: &str = "the function or class that the job runs";

/// The jobs whose own function or class of a consumer's code a use stands in, each with the use as far as it does.
fn parts(it: &Use, consumer: EntityId, book: &Book) -> Vec<(EntityId, Use)> {
    let Some(input) = it.places.first().map(|place| &place.input) else { return Vec::new() };
    let jobs = book.parts.get(input).into_iter().flatten().filter(|(.., job)| *job != consumer);
    let within = jobs.map(|(first, last, job)| (*job, it.places.within(input, *first, *last)));
    let held = within.filter(|(_, places)| !places.is_empty());
    held.map(|(job, places)| (job, Use { places, ..it.clone() })).collect()
}

/// Whether a use stands in the commands of a job or script: each command connects by itself. Code connects as its settings
/// say, wherever in it a statement stands.
fn may_be_elsewhere(it: &Use, consumer: EntityId, book: &Book) -> bool {
    let commands =
        [MentionKind::Job, MentionKind::Script].iter().any(|kind| it.what.actor.get(*kind).is_some());
    commands && matches!(book.entities[consumer.0].kind.as_str(), "job" | "script")
}

/// Whether a path of Windows starts at a drive, however its steps are parted.
fn has_drive(path: &str) -> bool {
    path.contains(":\\") || path.as_bytes().get(1..3) == Some(b":/")
}

/// What a consumer's text means by a resource: where it says no server, the one its command or its settings
/// connect to. A file without a folder lies where the consumer runs, which is nobody else's folder.
fn written_resource(
    (action, resource): (Action, &Resource),
    consumer: EntityId,
    connection: &Connection,
    alone: bool,
    names: &Names,
    tables: &Tables,
    book: &mut Book,
) -> EntityId {
    let mut resource = resource.clone();
    use ResourceKind::{Database, Lock, Routine, Table, Topic};
    let in_database = matches!(resource.kind, Database | Table | Routine | Lock | Topic);
    if let (None, Some(_), true) = (&resource.server, &connection.server, in_database) {
        resource = resource.at(connection.server.as_ref(), connection.database.as_ref());
    }
    if resource.server.is_none() && in_database {
        resource = resource.at(None, connection.database.as_ref());
    }
    let moved = matches!(action, Action::Import | Action::Export);
    if let (ResourceKind::File, [path], false) = (resource.kind, &mut resource.parts[..], moved)
        && !path.starts_with(['/', '~'])
        && !has_drive(path)
        && !path.starts_with("\\\\")
    {
        *path = Text::from(format!("{path} of {}", book.entities[consumer.0].id));
    }
    let targets: BTreeSet<Target> = match &resource.server {
        Some(server) => BTreeSet::from([target(names, server, &resource)]),
        // What one command of a script connects to is nothing another one says.
        None if alone => BTreeSet::new(),
        None => book
            .known
            .get(&consumer)
            .map(|known| {
                let filled = |(system, database): &Target| {
                    let only = || names.only_database(system).map(|name| name.to_string());
                    (system.clone(), database.clone().or_else(only))
                };
                known.connects.iter().map(filled).collect()
            })
            .unwrap_or_default(),
    };
    tables.entity(book, names, &resource, &targets)
}

/// The fixed sleeps between steps of consumers' texts.
pub fn sleeps(evidence: &Evidence, names: &Names, tables: &Tables, book: &mut Book) -> Vec<Sleep> {
    let mut sleeps = Vec::new();
    for fact in evidence.facts().filter(|fact| fact.scope == Scope::Production) {
        let Says::Sleeps { seconds, started, background, then } = &fact.says else { continue };
        for (consumer, connection, _) in book.text_of(&fact.about) {
            let mut entity = |action, resource| {
                written_resource((action, resource), consumer, &connection, true, names, tables, book)
            };
            let (one, other) =
                ((started.0, entity(started.0, &started.1)), (then.0, entity(then.0, &then.1)));
            let (seconds, background, place) = (*seconds, *background, fact.place.clone());
            sleeps.push(Sleep { consumer, seconds, started: one, background, then: other, place });
        }
    }
    sleeps
}
