//! Poolers: whom a server's log sees coming from a pooler is one of the pooler's clients, and the pooler is nobody. The
//! pooler's own log says from where it goes to which server, and who came to it under which login; several under one
//! login are told apart by the names they give themselves, by their statements, and by the clock. It decides only where
//! an act comes from; whose it is, `observed` does.

use super::EntityId;
use super::consumers::Book;
use super::names::Names;
use crate::evidence::{
    Action, Activity, Actor, Evidence, Mention, MentionKind, Outcome, Says, Scope, Text, Use, program_name,
};
use std::collections::{BTreeMap, BTreeSet};

/// How long after a client came to a pooler, in seconds, its statements are looked for where nothing else tells it apart.
const PROMPT_SECONDS: i64 = 5;

/// A pooler before a server.
#[derive(Debug)]
struct Hop {
    /// The pooler's host, or its address, where the server sees it.
    host: String,
    /// The system it goes to.
    system: String,
    /// By login: the pooler's clients, by host or address.
    clients: BTreeMap<Text, BTreeMap<String, Client>>,
}

/// A client of a pooler.
#[derive(Debug, Clone)]
struct Client {
    /// As the pooler names it.
    mention: Mention,
    /// When it came.
    came: Activity,
}

/// All poolers.
#[derive(Debug, Default)]
pub struct Hops(Vec<Hop>);

/// What is behind an act.
pub enum Behind {
    /// No pooler.
    Nothing,
    /// One client of a pooler: by host or address, with the reason.
    One(Mention, String),
    /// The pooler there, and one of these hosts or addresses.
    Several(String, BTreeSet<String>),
}

/// Where a mention of a place stands for, as ids name it.
fn place(mention: &Mention, activity: &Activity, names: &Names) -> String {
    let host = names.host(&mention.text).or_else(|| names.host_during(&mention.text, activity));
    host.unwrap_or(&mention.text).to_owned()
}

fn from(actor: &Actor) -> Option<Mention> {
    let kinds = [MentionKind::Address, MentionKind::Host];
    kinds.iter().find_map(|kind| Some(Mention::new(*kind, actor.get(*kind)?.clone())))
}

impl Hops {
    /// Learns what poolers' logs say of themselves and of those who came to them.
    pub fn learn(evidence: &Evidence, uses: &[Use], names: &Names) -> Hops {
        let mut seen: BTreeMap<&Text, BTreeSet<(String, String)>> = BTreeMap::new();
        for fact in evidence.facts().filter(|fact| fact.scope == Scope::Production) {
            if let Says::Relays { to, seen_by } = &fact.says {
                let host = names.host_or_self(&fact.about.text);
                seen.entry(seen_by).or_default().insert((host, names.system(&to.text)));
            }
        }
        let mut hops = Vec::new();
        for (vantage, ways) in seen {
            let mut clients: BTreeMap<Text, BTreeMap<String, Client>> = BTreeMap::new();
            let comes = |it: &&Use| it.what.vantage == *vantage && it.what.outcome == Outcome::Ok;
            for it in uses.iter().filter(comes).filter(|it| it.what.action == Action::Connect) {
                let (Some(login), Some(mention)) =
                    (it.what.actor.get(MentionKind::User), from(&it.what.actor))
                else {
                    continue;
                };
                for (_, activity) in names.parted(&mention.text, it.activity.clone()) {
                    let at = place(&mention, &activity, names);
                    let of_login = clients.entry(login.clone()).or_default();
                    let client = || Client { mention: mention.clone(), came: Activity::none() };
                    of_login.entry(at).or_insert_with(client).came.merge(&activity);
                }
            }
            hops.extend(ways.into_iter().map(|(host, system)| Hop {
                host,
                system,
                clients: clients.clone(),
            }));
        }
        Hops(hops)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a client may be a pooler's, at whatever system.
    pub fn may_stand_before(&self, actor: &Actor, names: &Names) -> bool {
        let (Some(login), Some(at)) = (actor.get(MentionKind::User), from(actor)) else { return false };
        let at = place(&at, &Activity::none(), names);
        self.0.iter().any(|hop| hop.host == at && hop.clients.contains_key(login))
    }

    /// Who is behind an act at a system.
    pub fn behind(&self, it: &Use, system: &str, names: &Names, book: &Book) -> Behind {
        let (Some(login), Some(at)) = (it.what.actor.get(MentionKind::User), from(&it.what.actor)) else {
            return Behind::Nothing;
        };
        let at = place(&at, &it.activity, names);
        let Some(hop) = self.0.iter().find(|hop| hop.host == at && hop.system == system) else {
            return Behind::Nothing;
        };
        // The pooler's own host may run programs of its own: they come to the pooler as well, or under another login.
        let Some(clients) = hop.clients.get(login) else { return Behind::Nothing };
        match pick(it, login, clients, book) {
            Some((host, why)) => {
                let why = format!("a client of the pooler on {at}: {why}");
                clients.get(&host).map_or(Behind::Nothing, |client| Behind::One(client.mention.clone(), why))
            }
            None => Behind::Several(at, clients.keys().cloned().collect()),
        }
    }
}

/// Which of a pooler's clients under one login an act is of.
fn pick(
    it: &Use,
    login: &str,
    clients: &BTreeMap<String, Client>,
    book: &Book,
) -> Option<(String, &'static str)> {
    if let [only] = clients.keys().collect::<Vec<_>>()[..] {
        return Some((only.clone(), "it alone comes to it with this login"));
    }
    // Who is known to have the login and to run where a client comes from.
    let owners: Vec<(EntityId, &String)> = book
        .with_login(login)
        .into_iter()
        .flat_map(|owner| book.known[&owner].hosts.iter().map(move |host| (owner, host)))
        .filter(|(_, host)| clients.contains_key(*host))
        .collect();
    let only = |found: Vec<&(EntityId, &String)>| -> Option<String> {
        let who: BTreeSet<EntityId> = found.iter().map(|(owner, _)| *owner).collect();
        (who.len() == 1).then(|| found[0].1.clone())
    };
    let names_of = |owner: &EntityId| &book.known[owner].applications;
    let named = it.what.actor.get(MentionKind::Application).and_then(|name| program_name::telling_name(name));
    if let Some(name) = named {
        let exact = owners.iter().filter(|(owner, _)| names_of(owner).contains(name)).collect();
        let lasting = owners.iter().filter(|(owner, _)| book.known[owner].may_call_itself(name)).collect();
        if let Some(host) = only(exact).or_else(|| only(lasting)) {
            return Some((host, "its owner alone calls itself so"));
        }
    }
    // Who calls itself by another name is none of those who call themselves by theirs.
    let other = |owner: &EntityId| named.is_some() && !names_of(owner).is_empty();
    let left: Vec<&(EntityId, &String)> = owners.iter().filter(|(owner, _)| !other(owner)).collect();
    let shape = it.what.shape.fingerprint;
    if let Some(writers) = book.writers_of_shape(shape).filter(|_| shape != 0)
        && let Some(host) = only(left.iter().copied().filter(|(owner, _)| writers.contains(owner)).collect())
    {
        return Some((host, "its owner's text alone holds the statement"));
    }
    let ruled_out: BTreeSet<&String> =
        owners.iter().filter(|(owner, _)| other(owner)).map(|(_, host)| *host).collect();
    let may = |host: &&String| !ruled_out.contains(host) || left.iter().any(|(_, other)| other == host);
    let moments = it.activity.moments();
    let prompt = |client: &Client| !moments.is_empty() && moments.iter().all(|at| came_before(client, *at));
    let near: Vec<&String> =
        clients.iter().filter(|(_, client)| prompt(client)).map(|(host, _)| host).filter(may).collect();
    if let [only] = near[..] {
        return Some((only.clone(), "it alone came to it just before, each time"));
    }
    match clients.keys().filter(may).collect::<Vec<_>>()[..] {
        [only] => Some((only.clone(), "the others with this login call themselves otherwise")),
        _ => None,
    }
}

/// Whether a client came to the pooler just before a moment.
fn came_before(client: &Client, at: crate::evidence::Stamp) -> bool {
    let before =
        |came: &crate::evidence::Stamp| (0..=PROMPT_SECONDS).contains(&(at.seconds() - came.seconds()));
    client.came.moments().iter().any(before)
}
