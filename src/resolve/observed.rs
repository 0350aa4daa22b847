//! Whom an observed act belongs to. The login and the host must agree; among several who share both, the
//! statement itself or the clock tells; a known login from a host that is not its owner's is nobody known.

use super::EntityId;
use super::consumers::{Book, Known, fold_name};
use super::names::Names;
use super::programs::{Part, Programs};
use super::seen::Seen;
use crate::evidence::stated::fits;
use crate::evidence::{
    Action, Actor, Class, Confidence, Gap, GapCode, Mention, MentionKind, Outcome, Place, Resource,
    ResourceKind, Role, Text, Use, program_name,
};
use crate::resolve::links::{Clock, Ground};
use std::collections::{BTreeMap, BTreeSet};

/// The trait of a connection of which only the two ends can be seen.
const ENCRYPTED: &str = "encrypted";

/// The consumer, and how sure that is.
#[derive(Debug, Clone, Copy)]
pub struct Verdict {
    /// The consumer.
    pub entity: EntityId,
    /// How sure.
    pub confidence: Confidence,
}

/// Where an act comes from: declared host name, the host that had the address all the while, address, or host text.
/// Loopback and sockets are the server's own machine.
pub(super) fn origin(it: &Use, system: &str, names: &Names) -> Option<String> {
    let actor = &it.what.actor;
    if local(actor) {
        return Some(names.machine_of(system).unwrap_or(system).to_owned());
    }
    let text = actor.get(MentionKind::Address).or_else(|| actor.get(MentionKind::Host))?;
    let host = names.host(text).or_else(|| names.host_during(text, &it.activity));
    Some(host.unwrap_or(text).to_owned())
}

/// Whether the address stands for the server's own machine: loopback, link-local or a unix socket.
fn local(actor: &Actor) -> bool {
    let text = actor.get(MentionKind::Address).or_else(|| actor.get(MentionKind::Host));
    text.is_some_and(|text| match text.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(v4)) => v4.is_loopback() || v4.is_link_local(),
        Ok(std::net::IpAddr::V6(v6)) => v6.is_loopback() || (v6.segments()[0] & 0xffc0) == 0xfe80,
        Err(_) => &**text == "[local]" || &**text == "localhost",
    })
}

/// Who is known at a server by login or by text: for acts of which only the address was seen, as in a capture
/// that begins in the middle of a session.
#[derive(Default)]
pub struct Peers {
    /// By act: who, and which resource that was.
    acts: BTreeMap<Deed, BTreeSet<(EntityId, EntityId)>>,
    /// By endpoint: whose text calls it.
    callers: BTreeMap<EntityId, BTreeSet<EntityId>>,
    /// What was put to a consumer by this alone: the first place, and how often.
    joined: BTreeMap<EntityId, (Place, u64)>,
    /// Whether anybody will ask who did what.
    listens: bool,
}

/// What was done from where: a statement's part at one table, or a connection, whatever the database.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Deed {
    system: String,
    from: String,
    action: Action,
    shape: u64,
    parts: Vec<Text>,
}

impl Deed {
    fn of(it: &Use, system: &str, names: &Names) -> Option<Deed> {
        let what = &it.what;
        let known = what.action == Action::Connect || what.shape.fingerprint != 0;
        let from = origin(it, system, names).filter(|_| known)?;
        let (system, parts) = (system.to_owned(), what.resource.parts.clone());
        Some(Deed { system, from, action: what.action, shape: what.shape.fingerprint, parts })
    }
}

impl Peers {
    /// Says whether acts without a login will come.
    pub fn listen(&mut self, listens: bool) {
        self.listens = listens;
    }

    /// Whether acts without a login will come.
    pub fn is_listening(&self) -> bool {
        self.listens
    }

    /// Remembers an act whose login was seen.
    pub fn seen(&mut self, it: &Use, system: &str, names: &Names, entity: EntityId, resource: EntityId) {
        if !self.listens {
            return;
        }
        if let Some(deed) = Deed::of(it, system, names) {
            self.acts.entry(deed).or_default().insert((entity, resource));
        }
    }

    /// Remembers a call that stands in somebody's text.
    pub fn written(&mut self, it: &Use, resource: EntityId, entity: EntityId) {
        if it.what.action == Action::Call && it.what.resource.kind == ResourceKind::Endpoint {
            self.callers.entry(resource).or_default().insert(entity);
        }
    }

    /// Whose an act without a login is, and of which resource: the only one known to do just this from this host.
    pub fn attribute(
        &mut self,
        it: &Use,
        resource: EntityId,
        system: &str,
        names: &Names,
        book: &mut Book,
    ) -> Option<(Verdict, EntityId)> {
        let (all, why): (BTreeSet<(EntityId, EntityId)>, _) = if it.what.resource.kind
            == ResourceKind::Endpoint
        {
            let from = origin(it, system, names)?;
            let runs_here =
                |entity: &&EntityId| book.known.get(entity).is_some_and(|known| known.hosts.contains(&from));
            let here = self.callers.get(&resource)?.iter().filter(runs_here);
            (here.map(|entity| (*entity, resource)).collect(), "its text alone calls this from this host")
        } else {
            let acts = self.acts.get(&Deed::of(it, system, names)?)?;
            (acts.clone(), "where logins are seen, it alone does this from this host")
        };
        let consumers: BTreeSet<EntityId> = all.iter().map(|(consumer, _)| *consumer).collect();
        let [only] = consumers.into_iter().collect::<Vec<_>>()[..] else { return None };
        for mention in it.what.actor.iter().filter(|mention| mention.kind != MentionKind::Database) {
            book.entities[only.0].mentions.entry(mention.clone()).or_insert_with(|| why.to_owned());
        }
        let place = it.places.first().cloned().unwrap_or(Place::whole(&it.what.vantage));
        self.joined.entry(only).or_insert((place, 0)).1 += it.activity.count();
        let resource =
            if let [(_, same)] = all.into_iter().collect::<Vec<_>>()[..] { same } else { resource };
        Some((Verdict { entity: only, confidence: Confidence::Medium }, resource))
    }

    /// What somebody who reads the report must know: these acts have their consumer by inference.
    pub fn gaps(&self, book: &Book) -> Vec<Gap> {
        let gap = |(entity, (place, count)): (&EntityId, &(Place, u64))| {
            let who = &book.entities[entity.0].id;
            let detail = format!(
                "acts without a login were put to {who}, which is alone known to do the same from the same host"
            );
            Gap { count: *count, ..Gap::new(place.clone(), GapCode::UnknownSession, detail) }
        };
        self.joined.iter().map(gap).collect()
    }
}

/// Whether a person types what a program of this name sends.
fn is_for_people(program: &str) -> bool {
    Role::of_program(program) == Some(Role::Person)
}

/// Whether neither the statement nor the moments of an act have a say in whose it is: acts that differ in nothing else
/// are then one consumer's.
pub fn is_steady(it: &Use, names: &Names, book: &Book) -> bool {
    it.what.actor.get(MentionKind::User).is_some()
        && !names.has_leases()
        && !is_doubtful(&it.what.actor, book)
}

/// Whether a client's login is that of several, or of one who may have lent it to a person: then statements and moments
/// have a say in whose an act is.
pub fn is_doubtful(actor: &Actor, book: &Book) -> bool {
    let owners = actor.get(MentionKind::User).map_or(0, |login| book.with_login(login).len());
    let program = actor.get(MentionKind::Application);
    owners > 1 || (owners == 1 && program.is_some_and(|program| is_for_people(program)))
}

/// Attributes an observed use; `behind` are the hosts of whom it may be of where it came through a pooler.
pub fn attribute(
    it: &Use,
    system: &str,
    behind: Option<&BTreeSet<String>>,
    ground: &Ground<'_>,
    book: &mut Book,
) -> Verdict {
    let Ground { names, seen, programs, clock, .. } = *ground;
    let there = There { system, programs, by_way: false };
    let actor = &it.what.actor;
    let from = origin(it, system, names);
    let login = actor.get(MentionKind::User).map(|user| user.to_string());
    let owners = login.as_deref().map(|login| book.with_login(login)).unwrap_or_default();
    if let Some(hosts) = behind {
        let may = |entity: &EntityId| !book.known[entity].hosts.is_disjoint(hosts);
        let placed: Vec<EntityId> = owners.iter().copied().filter(may).collect();
        return stranger(it, There { by_way: true, ..there }, from, &owners, &placed, book);
    }
    let here = |book: &Book, entity: &EntityId| {
        let hosts = &book.known[entity].hosts;
        !hosts.is_empty() && from.as_ref().is_some_and(|from| hosts.contains(from))
    };
    let placed: Vec<EntityId> = owners.iter().copied().filter(|entity| here(book, entity)).collect();
    // An address that is nobody's known one contradicts no host of which no address is known; a host that is only known
    // by its address has one.
    let unaddressed =
        |host: &String| !names.addressed().contains(host) && host.parse::<std::net::IpAddr>().is_err();
    let bare = from.as_ref().is_some_and(|from| from.parse::<std::net::IpAddr>().is_ok());
    let unplaced: Vec<EntityId> = owners
        .iter()
        .copied()
        .filter(|entity| {
            let hosts = &book.known[entity].hosts;
            hosts.is_empty() || (bare && hosts.iter().all(unaddressed))
        })
        .collect();
    if let Some(verdict) = by_pod(it, there, &owners, names, book) {
        return verdict;
    }
    if let Some(verdict) = by_hand(it, there, &placed, &from, book) {
        return verdict;
    }
    if let Some(verdict) = among(&placed, it, book, clock, "login and host agree") {
        return verdict;
    }
    if placed.is_empty() && (from.is_none() || local(actor) || unplaced.len() == owners.len()) {
        let why = if from.is_none() {
            "the login is its own; the log does not say the host"
        } else {
            "the login is its own; where it runs is stated nowhere"
        };
        let candidates = if from.is_none() || local(actor) { &owners } else { &unplaced };
        if let Some(verdict) = among(candidates, it, book, clock, why) {
            return Verdict { confidence: verdict.confidence.min(Confidence::Medium), ..verdict };
        }
    }
    let way = |from: &String| names.is_way_to(system, from) || seen.is_gate(system, from, book);
    if placed.is_empty() && from.as_ref().is_some_and(way) {
        // Whoever is behind it, the host is not theirs: it says nothing of who it is.
        let fits: Vec<EntityId> =
            owners.iter().copied().filter(|owner| fits_name(*owner, it, book)).collect();
        let why = "the login is its own; the host is one by which others reach the server, too";
        if let Some(verdict) = among(&fits, it, book, clock, why) {
            return Verdict { confidence: verdict.confidence.min(Confidence::Medium), ..verdict };
        }
        return stranger(it, There { by_way: true, ..there }, from, &owners, &fits, book);
    }
    if owners.is_empty()
        && let Some(verdict) = by_application(actor, &from, book)
            .or_else(|| by_own_name(actor, &from, book))
            .or_else(|| by_statement(it, login.is_none(), book))
            .or_else(|| by_stated_use(it, system, &from, (names, seen), book))
    {
        return verdict;
    }
    stranger(it, there, from, &owners, &placed, book)
}

/// A person with a consumer's login on its own host: a program for people, where the consumer calls itself otherwise and
/// its text does not hold the statement. Where one of the host calls itself by no name, it may be that one's; but no
/// service and no job has windows.
fn by_hand(
    it: &Use,
    there: There<'_>,
    placed: &[EntityId],
    from: &Option<String>,
    book: &mut Book,
) -> Option<Verdict> {
    let program = it.what.actor.get(MentionKind::Application)?;
    let owner = *placed.first()?;
    let otherwise = |owner: &EntityId| {
        let known = &book.known[owner];
        let works_alone = || matches!(book.entities[owner.0].kind.as_str(), "service" | "job");
        let named = !known.applications.is_empty() || (Role::has_windows(program) && works_alone());
        named
            && !known.applications.contains(&**program)
            && !known.shapes.contains(&it.what.shape.fingerprint)
    };
    // What asks whether a service is well types at no window, and a window looks around in the catalogue first.
    let worked = it.what.class == Class::App || Role::has_windows(program);
    let did = it.what.outcome == Outcome::Ok && worked;
    if !did || !is_for_people(program) || !placed.iter().all(otherwise) {
        return None;
    }
    let verdict = stranger(it, there, from.clone(), &[], &[], book);
    let why = format!("has its login and comes from its host, but with {program}, a program for people");
    for owner in placed {
        let (mine, other) = (book.entities[verdict.entity.0].id.clone(), book.entities[owner.0].id.clone());
        book.entities[verdict.entity.0].not_joined.insert((other, why.clone()));
        book.entities[owner.0].not_joined.insert((mine, why.clone()));
    }
    book.entities[verdict.entity.0].borrows_from = Some(owner);
    Some(Verdict { confidence: Confidence::Medium, ..verdict })
}

/// A client whose host, or whose own name for itself, is a pod's belongs to the workload, where nobody else has the
/// login. A login of others is theirs only where nothing says who the workload is.
fn by_pod(
    it: &Use,
    there: There<'_>,
    owners: &[EntityId],
    names: &Names,
    book: &mut Book,
) -> Option<Verdict> {
    let actor = &it.what.actor;
    let named = [MentionKind::Host, MentionKind::Application];
    let workload = named.iter().find_map(|kind| names.workload(actor.get(*kind)?))?;
    let own = match book.who(workload) {
        Some(own) if owners.is_empty() || owners.contains(&own) => own,
        Some(_) => {
            return Some(stranger(it, there, Some(workload.text.to_string()), owners, &[], book));
        }
        None if owners.is_empty() => book.workload(workload),
        None => return None,
    };
    let why = format!("a pod of {}, by the name that its controller gives its pods", workload.text);
    for mention in actor.iter().filter(|mention| mention.kind != MentionKind::Database) {
        book.entities[own.0].mentions.entry(mention.clone()).or_insert_with(|| why.clone());
    }
    Some(Verdict { entity: own, confidence: Confidence::High })
}

/// One of several who share login and host: the only one; the only one whose text holds the statement; the
/// only one whose schedule predicts the moments.
fn among(
    candidates: &[EntityId],
    it: &Use,
    book: &mut Book,
    clock: &Clock<'_>,
    why: &str,
) -> Option<Verdict> {
    let name = |book: &mut Book, entity: EntityId, reason: String| {
        for mention in it.what.actor.iter().filter(|mention| mention.kind != MentionKind::Database) {
            book.entities[entity.0].mentions.entry(mention.clone()).or_insert_with(|| reason.clone());
        }
    };
    let (candidates, by_name) = by_given_name(candidates, it, book);
    if let (Some(application), [only]) = (&by_name, &candidates[..]) {
        let reason = format!("{why}, and it alone sets the application name {application}");
        name(book, *only, reason);
        return Some(Verdict { entity: *only, confidence: Confidence::High });
    }
    let candidates = &candidates[..];
    let shape = it.what.shape.fingerprint;
    let writers: Vec<EntityId> = match book.writers_of_shape(shape) {
        Some(owners) if shape != 0 => candidates.iter().copied().filter(|c| owners.contains(c)).collect(),
        _ => Vec::new(),
    };
    let found = match (candidates, &writers[..]) {
        ([], _) => return None,
        ([only], _) => Some((*only, why.to_owned(), Confidence::High)),
        (_, [only]) => {
            Some((*only, format!("{why}, and its text alone holds the statement"), Confidence::High))
        }
        (_, writers) => {
            let timed: Vec<EntityId> = if writers.is_empty() { candidates } else { writers }
                .iter()
                .copied()
                .filter(|entity| clock.predicts(&book.jobs, *entity, &it.activity))
                .collect();
            match timed[..] {
                [only] => Some((
                    only,
                    format!("{why}, and its schedule alone predicts the moments"),
                    Confidence::Medium,
                )),
                _ => None,
            }
        }
    };
    let (entity, reason, confidence) = found?;
    name(book, entity, reason);
    Some(Verdict { entity, confidence })
}

/// Those among candidates that give themselves the application name seen; without any, those that give
/// themselves no other. The name is returned where it told them apart.
fn by_given_name(candidates: &[EntityId], it: &Use, book: &Book) -> (Vec<EntityId>, Option<String>) {
    let all = || (candidates.to_vec(), None);
    let Some(seen) = it.what.actor.get(MentionKind::Application) else { return all() };
    if candidates.len() < 2 {
        return all();
    }
    let names = |entity: &&EntityId| &book.known[*entity].applications;
    let mut setters: Vec<EntityId> =
        candidates.iter().filter(|c| names(c).contains(&**seen)).copied().collect();
    if setters.is_empty() {
        let may = |entity: &&EntityId| book.known[*entity].may_call_itself(seen);
        setters = candidates.iter().filter(may).copied().collect();
    }
    if !setters.is_empty() {
        return (setters, Some(seen.to_string()));
    }
    let silent: Vec<EntityId> = candidates.iter().filter(|c| names(c).is_empty()).copied().collect();
    if silent.is_empty() { all() } else { (silent, None) }
}

/// An application name that exactly one consumer sets, from a host that does not contradict it.
fn by_application(actor: &Actor, from: &Option<String>, book: &mut Book) -> Option<Verdict> {
    let application = actor.get(MentionKind::Application)?;
    let setters = book.setting(&[application, program_name::unversioned(application)]);
    let setters: Vec<EntityId> = setters.into_iter().collect();
    let [only] = setters[..] else { return None };
    let hosts = &book.known[&only].hosts;
    let contradicts = !hosts.is_empty() && from.as_ref().is_some_and(|from| !hosts.contains(from));
    if contradicts {
        let text = actor.get(MentionKind::Address).or_else(|| actor.get(MentionKind::Host));
        let client = text.map_or("?".to_owned(), |text| text.to_string());
        let why = format!("sets the application name {application}, but from a host that is not its own");
        book.entities[only.0].not_joined.insert((client, why));
        return None;
    }
    let why = format!("the application name {application} is set in it alone");
    for mention in actor.iter().filter(|mention| mention.kind != MentionKind::Database) {
        book.entities[only.0].mentions.entry(mention.clone()).or_insert_with(|| why.clone());
    }
    Some(Verdict { entity: only, confidence: Confidence::Medium })
}

/// Whether a consumer may call itself as the client of an act does.
fn fits_name(owner: EntityId, it: &Use, book: &Book) -> bool {
    let known = &book.known[&owner];
    let seen = it.what.actor.get(MentionKind::Application);
    let seen = seen.and_then(|seen| program_name::telling_name(seen));
    known.applications.is_empty() || seen.is_none_or(|seen| known.may_call_itself(seen))
}

/// A client that calls itself, or whose login is called, as an inventory calls exactly one consumer of which it states
/// nothing else: no host, no login and no program that would say otherwise.
fn by_own_name(actor: &Actor, from: &Option<String>, book: &mut Book) -> Option<Verdict> {
    let application =
        actor.get(MentionKind::Application).map(|name| fold_name(program_name::unversioned(name)));
    let login = actor.get(MentionKind::User).map(|login| fold_name(login));
    let mut found = BTreeMap::new();
    for (name, is_program) in [(&login, false), (&application, true)] {
        for entity in name.as_deref().map_or(&[][..], |name| book.called(name)) {
            let known = &book.known[entity];
            let here = known.hosts.is_empty() || from.as_ref().is_some_and(|from| known.hosts.contains(from));
            let silent = if is_program { known.applications.is_empty() } else { known.users.is_empty() };
            if here && silent {
                found.insert(*entity, is_program);
            }
        }
    }
    let found: Vec<(EntityId, bool)> = found.into_iter().collect();
    let [(only, by_name)] = found[..] else { return None };
    let what = if by_name { "calls itself" } else { "has a login that is called" };
    let why = format!("{what} as the inventory calls it, and nothing says otherwise");
    for mention in actor.iter().filter(|mention| mention.kind != MentionKind::Database) {
        book.entities[only.0].mentions.entry(mention.clone()).or_insert_with(|| why.clone());
    }
    Some(Verdict { entity: only, confidence: Confidence::Medium })
}

/// The pooler itself, for connections that are nobody's yet.
pub fn pooler(host: &str, it: &Use, book: &mut Book) -> EntityId {
    let entity = book.entity(format!("proxy:{host}"), "proxy", host);
    for kind in [MentionKind::Address, MentionKind::Host] {
        if let Some(text) = it.what.actor.get(kind) {
            let why = "from there it goes to the server".to_owned();
            book.entities[entity.0].mentions.entry(Mention::new(kind, text.clone())).or_insert(why);
        }
    }
    entity
}

/// A statement that exactly one consumer's text holds, when the log does not say who sent it.
fn by_statement(it: &Use, login_unknown: bool, book: &mut Book) -> Option<Verdict> {
    if !login_unknown || it.what.shape.fingerprint == 0 {
        return None;
    }
    let only = match book.writers_of_shape(it.what.shape.fingerprint)?.iter().collect::<Vec<_>>()[..] {
        [only] => *only,
        _ => return None,
    };
    for mention in it.what.actor.iter().filter(|mention| mention.kind != MentionKind::Database) {
        let why = "its text alone holds the statement".to_owned();
        book.entities[only.0].mentions.entry(mention.clone()).or_insert(why);
    }
    Some(Verdict { entity: only, confidence: Confidence::Medium })
}

/// An act of which only the two ends can be seen. An encrypted connection is the only consumer's of that host that states,
/// or whose text says, that it uses the server. A request without a login, or a command at a cache or broker, is so, too,
/// where no other job is known on that host; of several consumers of a host it is the one's that alone states what the
/// program asks for. None is, where it calls itself by another name.
fn by_stated_use(
    it: &Use,
    system: &str,
    from: &Option<String>,
    (names, seen): (&Names, &Seen),
    book: &mut Book,
) -> Option<Verdict> {
    let encrypted = it.what.traits.iter().any(|it| &*it.name == ENCRYPTED);
    let app = it.what.class == Class::App;
    let request = it.what.resource.kind == ResourceKind::Endpoint && app;
    // What a cache or broker shows of its clients names no login.
    let store = matches!(names.store_kind(system), Some("cache" | "broker")) && app;
    let nameless = it.what.actor.get(MentionKind::User).is_none();
    let from = from.as_ref().filter(|_| nameless && (encrypted || request || store))?;
    let says = |known: &Known| {
        // The host of a file and a bucket are no systems.
        let at = |resource: &&Resource| {
            !matches!(resource.kind, ResourceKind::File | ResourceKind::Object | ResourceKind::Host)
        };
        let stated = known.declared_uses.iter().map(|(_, resource, _)| resource).filter(at);
        let stated = stated.filter_map(|resource| resource.server.as_deref());
        stated.into_iter().any(|server| names.system(server) == system)
            || known.connects.iter().any(|(server, _)| server == system)
    };
    let program =
        it.what.actor.get(MentionKind::Application).map(|program| program_name::unversioned(program));
    let caller = program.filter(|_| request).and_then(|program| seen.caller(system, from, program));
    let unnamed = |entity: &EntityId| book.known[entity].applications.is_empty();
    if let Some(only) = caller.filter(unnamed) {
        let why = "no login, from a host where its entry alone states what this program asks for";
        return Some(by_its_ends(only, it, why, book));
    }
    let of_host = book.known.iter().filter(|(_, known)| known.hosts.contains(from) && says(known));
    let of_host: Vec<EntityId> = of_host.map(|(entity, _)| *entity).collect();
    // Of several who keep something there, each its own keys.
    let stating: Vec<EntityId> = match of_host[..] {
        [_, _, ..] if store => {
            of_host.into_iter().filter(|entity| states_keys(&book.known[entity], it, system, names)).collect()
        }
        _ => of_host,
    };
    let [only] = stating[..] else { return None };
    // Jobs of one host share its address, and any of them may call, whether its entry says so or not.
    let is_job = |entity: &EntityId| *entity != only && book.entities[entity.0].kind == "job";
    let jobs = book.known.iter().any(|(entity, known)| known.hosts.contains(from) && is_job(entity));
    if !encrypted && jobs {
        return None;
    }
    let own_names = &book.known[&only].applications;
    if program.is_some_and(|program| !own_names.is_empty() && !own_names.contains(program)) {
        return None;
    }
    // Of several programs on one host, of which it states none, nobody can say which is its own.
    let programs = seen.programs(system, from).map_or(0, BTreeSet::len);
    if program.is_some() && own_names.is_empty() && programs > 1 {
        let program = program.unwrap_or_default();
        let why = "runs on a host where it states this use, among other programs; it says of none that it is its own";
        book.entities[only.0].not_joined.insert((format!("client:{program}@{from}"), why.to_owned()));
        return None;
    }
    let what = if encrypted { "encrypted" } else { "no login" };
    let why = format!("{what}, from a host where it alone states that it uses {system}");
    Some(by_its_ends(only, it, &why, book))
}

/// Whether an inventory states these very keys of a consumer.
fn states_keys(known: &Known, it: &Use, system: &str, names: &Names) -> bool {
    let own = &it.what.resource;
    known.declared_uses.iter().any(|(_, stated, _)| {
        let there = stated.server.as_deref().is_some_and(|server| names.system(server) == system);
        there
            && (stated.kind, own.kind) == (ResourceKind::Keys, ResourceKind::Keys)
            && fits(&stated.parts.join("."), &own.parts.join("."))
    })
}

/// Gives an act to a consumer, by where it came from and where it went.
fn by_its_ends(entity: EntityId, it: &Use, why: &str, book: &mut Book) -> Verdict {
    for mention in it.what.actor.iter().filter(|mention| mention.kind != MentionKind::Database) {
        book.entities[entity.0].mentions.entry(mention.clone()).or_insert_with(|| why.to_owned());
    }
    Verdict { entity, confidence: Confidence::Medium }
}

/// Where an act was seen.
#[derive(Clone, Copy)]
struct There<'a> {
    system: &'a str,
    programs: &'a Programs,
    /// Whether it came from a host by which others reach the server.
    by_way: bool,
}

/// Somebody nobody listed: a node of its own, named by the best thing known.
fn stranger(
    it: &Use,
    there: There<'_>,
    from: Option<String>,
    owners: &[EntityId],
    placed: &[EntityId],
    book: &mut Book,
) -> Verdict {
    let actor = &it.what.actor;
    let login = actor.get(MentionKind::User).map(|user| user.to_string());
    let application = actor.get(MentionKind::Application).filter(|name| &***name != "[unknown]");
    // A version is not a name: the next one is the same client.
    let program = application.map(|application| program_name::unversioned(application).to_owned());
    let who = login.clone().or(program);
    let at = from;
    let (id, name) = match (who, at.clone()) {
        (Some(who), Some(at)) => (format!("client:{who}@{at}"), who),
        (Some(who), None) => (format!("client:{who}"), who),
        (None, Some(at)) => (format!("client:{at}"), at),
        (None, None) => (format!("client:unknown@{}", there.system), "unknown".to_owned()),
    };
    let own = own_names(it, at.as_deref().filter(|_| !there.by_way), book);
    let part = there.programs.part(it, there.system, at.as_deref(), &own);
    let (base, is_rest) = (id, matches!(part, Part::Rest(_)));
    let (id, others, why) = match part {
        Part::Whole => (base.clone(), BTreeSet::new(), ""),
        Part::Program(name, others) => (format!("{base}/{name}"), others, "calls itself otherwise"),
        Part::Rest(others) => (base.clone(), others, "says its name, which this does not"),
    };
    let entity = book.entity(id.clone(), "client", &name);
    book.entities[entity.0].rest |= is_rest;
    for other in others {
        let why = format!("has the same login and comes from the same place, but {why}");
        book.entities[entity.0].not_joined.insert((format!("{base}/{other}"), why));
    }
    for mention in actor.iter().filter(|mention| mention.kind != MentionKind::Database) {
        let why = "as the log names it".to_owned();
        book.entities[entity.0].mentions.entry(mention.clone()).or_insert(why);
    }
    book.known.entry(entity).or_default();
    let login = login.unwrap_or_default();
    for owner in owners {
        let other = book.entities[owner.0].id.clone();
        let why = if placed.contains(owner) {
            format!(
                "shares the login {login} and the host with others; neither statement nor clock tells which"
            )
        } else {
            format!("comes with its login {login}, but from a host that is not its own")
        };
        book.entities[entity.0].not_joined.insert((other, why.clone()));
        book.entities[owner.0].not_joined.insert((id.clone(), why));
    }
    let worked = it.what.outcome == Outcome::Ok && it.what.class == Class::App;
    if let (Some(first), true, true) = (owners.first(), placed.is_empty(), worked) {
        book.entities[entity.0].borrows_from = Some(*first);
    }
    Verdict { entity, confidence: Confidence::High }
}

/// What consumers who have the login of an act call themselves: those who run where it comes from, all where they may come
/// from anywhere.
fn own_names(it: &Use, only_on: Option<&str>, book: &Book) -> BTreeSet<String> {
    let owners = it.what.actor.get(MentionKind::User).map(|login| book.with_login(login));
    let known = owners.iter().flatten().map(|owner| &book.known[owner]);
    let here = known.filter(|known| only_on.is_none_or(|host| known.hosts.contains(host)));
    let names = here.flat_map(|known| &known.applications);
    names.filter_map(|name| program_name::lasting(name)).collect()
}

/// The consumers that share a login and a host with an act nobody can be told apart for.
pub fn sharers(book: &Book, entity: EntityId) -> BTreeSet<EntityId> {
    let refused = &book.entities[entity.0].not_joined;
    refused
        .iter()
        .filter(|(_, why)| why.starts_with("shares the login"))
        .filter_map(|(id, _)| book.find(id))
        .collect()
}
