//! What was seen of logins and hosts before anybody is told apart: from where each login comes, and which programs a host
//! runs against a system. It decides nobody's identity; it says where one address may stand for several.

use super::EntityId;
use super::consumers::Book;
use super::names::Names;
use crate::evidence::stated::is_request;
use crate::evidence::{Basis, Class, MentionKind, Outcome, ResourceKind, Text, Use, program_name};
use std::collections::{BTreeMap, BTreeSet};

/// How many consumers' logins must come from one host, and from nowhere else, before it is taken for a way to the server.
const LOGINS_OF_A_GATE: usize = 2;

/// Where logins and programs were seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// By system and login: the hosts or addresses it comes from.
    logins: BTreeMap<(String, Text), BTreeSet<String>>,
    /// By system and host or address: the logins that come from there.
    here: BTreeMap<(String, String), BTreeSet<Text>>,
    /// By system and host or address: what acts without a login call themselves.
    programs: BTreeMap<(String, String), BTreeSet<String>>,
    /// By system, host or address and program: whose it is by what it asks for.
    callers: BTreeMap<(String, String, String), EntityId>,
}

/// By system and host or address, and by program: what is asked for without a login.
type Asked<'u> = BTreeMap<(String, String), BTreeMap<String, BTreeSet<&'u Text>>>;

impl Seen {
    /// Learns from all that worked and that an application did.
    pub fn learn(uses: &[Use], names: &Names, book: &Book) -> Seen {
        let mut seen = Seen::default();
        let mut asked = Asked::new();
        let callers = Callers::of(names, book);
        let counts = |it: &&Use| {
            let what = &it.what;
            what.basis == Basis::Observed && what.outcome == Outcome::Ok && what.class == Class::App
        };
        // Servers are few, uses many.
        let mut systems: BTreeMap<&str, String> = BTreeMap::new();
        for it in uses.iter().filter(counts) {
            let actor = &it.what.actor;
            let from = actor.get(MentionKind::Address).or_else(|| actor.get(MentionKind::Host));
            let (Some(server), Some(from)) = (it.what.resource.server.as_deref(), from) else { continue };
            let system = systems.entry(server).or_insert_with(|| names.system(server)).clone();
            let host = names.host_or_self(from);
            match (actor.get(MentionKind::User), actor.get(MentionKind::Application)) {
                (Some(login), _) => {
                    let from = (system.clone(), host.clone());
                    if seen.logins.entry((system, login.clone())).or_default().insert(host) {
                        seen.here.entry(from).or_default().insert(login.clone());
                    }
                }
                (None, Some(program)) => {
                    let program = program_name::unversioned(program).to_owned();
                    if let (ResourceKind::Endpoint, [request]) =
                        (it.what.resource.kind, &it.what.resource.parts[..])
                        && callers.0.contains_key(&(system.clone(), host.clone()))
                    {
                        let at = asked.entry((system.clone(), host.clone())).or_default();
                        at.entry(program.clone()).or_default().insert(request);
                    }
                    seen.programs.entry((system, host)).or_default().insert(program);
                }
                (None, None) => {}
            }
        }
        seen.callers = callers.tell(&asked);
        seen
    }

    /// Whose a program without a login is that asks a system from a host: the only one of the host whose entry states
    /// what it asks for, where no other program from there asks for any of that.
    pub fn caller(&self, system: &str, host: &str, program: &str) -> Option<EntityId> {
        self.callers.get(&(system.to_owned(), host.to_owned(), program.to_owned())).copied()
    }

    /// Whether a host is no consumer's, and stands before the server for several of them: the logins of at least
    /// [`LOGINS_OF_A_GATE`] consumers, each of one alone, come from there and from nowhere else, their own hosts among it. One
    /// who borrows a login is seen beside its owner.
    pub fn is_gate(&self, system: &str, host: &str, book: &Book) -> bool {
        let here = self.here.get(&(system.to_owned(), host.to_owned())).into_iter().flatten();
        let mut owners = BTreeSet::new();
        for login in here {
            let [owner] = book.with_login(login)[..] else { continue };
            let known = &book.known[&owner];
            if known.hosts.contains(host) {
                return false;
            }
            let alone = |hosts: &BTreeSet<String>| hosts.len() == 1;
            let only = self.logins.get(&(system.to_owned(), login.clone())).is_some_and(alone);
            if only && !known.hosts.is_empty() {
                owners.insert(owner);
            }
        }
        owners.len() >= LOGINS_OF_A_GATE
    }

    /// What acts without a login from a host call themselves at a system.
    pub fn programs(&self, system: &str, host: &str) -> Option<&BTreeSet<String>> {
        self.programs.get(&(system.to_owned(), host.to_owned()))
    }
}

/// By system and host: the consumers there whose entries state requests of it, and which.
struct Callers<'b>(BTreeMap<(String, String), BTreeMap<EntityId, Vec<&'b Text>>>);

impl<'b> Callers<'b> {
    fn of(names: &Names, book: &'b Book) -> Callers<'b> {
        let mut all: BTreeMap<(String, String), BTreeMap<EntityId, Vec<&Text>>> = BTreeMap::new();
        for (entity, known) in &book.known {
            for (_, resource, _) in &known.declared_uses {
                let (ResourceKind::Endpoint, Some(server), [request]) =
                    (resource.kind, &resource.server, &resource.parts[..])
                else {
                    continue;
                };
                let system = names.system(server);
                for host in &known.hosts {
                    let at = all.entry((system.clone(), host.clone())).or_default();
                    at.entry(*entity).or_default().push(request);
                }
            }
        }
        Callers(all)
    }

    /// Whose each program is, where one and only one states what it asks for, and it alone asks for what that one states.
    fn tell(&self, asked: &Asked<'_>) -> BTreeMap<(String, String, String), EntityId> {
        let mut told = BTreeMap::new();
        for ((system, host), programs) in asked {
            let Some(stating) = self.0.get(&(system.clone(), host.clone())) else { continue };
            let asks = |requests: &BTreeSet<&Text>, stated: &[&Text]| {
                requests.iter().any(|asked| stated.iter().any(|stated| is_request(stated, asked)))
            };
            let mut owners: BTreeMap<&String, Vec<EntityId>> = BTreeMap::new();
            let mut owned: BTreeMap<EntityId, usize> = BTreeMap::new();
            for (program, requests) in programs {
                for (entity, _) in stating.iter().filter(|(_, stated)| asks(requests, stated)) {
                    owners.entry(program).or_default().push(*entity);
                    *owned.entry(*entity).or_default() += 1;
                }
            }
            for (program, owners) in owners {
                if let [only] = owners[..]
                    && owned[&only] == 1
                {
                    told.insert((system.clone(), host.clone(), program.clone()), only);
                }
            }
        }
        told
    }
}
