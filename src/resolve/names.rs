//! Names of hosts, servers and databases: which texts mean the same machine or system, each by a declared
//! identifier, a static address, or sessions that two vantages shared. It never folds loopback or
//! link-local addresses into anything but the host they were seen on, and where two hosts files contradict
//! each other, it believes neither.

use super::pods::Pods;
use crate::evidence::{
    Activity, Basis, ENGINE, Engine, Evidence, Fact, Gap, GapCode, Mention, MentionKind, Outcome, Place,
    Resource, ResourceKind, Says, Scope, Span, Text, Use, Vantage,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many shared sessions make two vantages' servers one.
const SESSIONS_TO_JOIN: usize = 3;
/// How far apart, in seconds, two vantages may see the start of one session.
const SESSION_TOLERANCE: i64 = 2;

/// What texts mean.
#[derive(Debug, Default)]
pub struct Names {
    hosts: BTreeMap<String, String>,
    endpoints: BTreeMap<String, String>,
    systems: BTreeMap<String, String>,
    databases: BTreeMap<String, BTreeSet<String>>,
    aliases: BTreeMap<String, String>,
    /// Owners of systems.
    pub owners: BTreeMap<String, String>,
    /// By first label: the hosts whose names begin with it.
    labels: BTreeMap<String, BTreeSet<String>>,
    /// What the hosts files do not agree on.
    pub gaps: Vec<Gap>,
    /// The hosts of which an address is known.
    addressed: BTreeSet<String>,
    /// By name or address: which hosts had it, and from when to when.
    leases: BTreeMap<String, Vec<(Span, String)>>,
    /// Captures that follow each other at one server: by vantage, the first of them.
    rings: BTreeMap<Text, Text>,
    /// By what a pooler's own log calls its server: the only system that the pooler leads to.
    led: BTreeMap<String, String>,
    /// The same by the pooler's host, for what nobody declared there.
    led_hosts: BTreeMap<String, String>,
    /// By host: the usual ports of engines other than PostgreSQL at which a server is written or seen there.
    usual: BTreeMap<String, BTreeSet<String>>,
    /// By system: the engines that connections to it name.
    engines: BTreeMap<String, BTreeSet<&'static Engine>>,
    pods: Pods,
}

/// The first label of a host name; addresses have none.
fn label(name: &str) -> Option<&str> {
    if name.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    name.split('.').next().filter(|label| !label.is_empty())
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port))
            if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && !host.ends_with(':') =>
        {
            (host, Some(port))
        }
        _ => (text, None),
    }
}

impl Names {
    /// Learns all names that facts and vantages give.
    pub fn learn(evidence: &Evidence, uses: &[Use]) -> Names {
        let mut names = Names { pods: Pods::learn(evidence), ..Names::default() };
        for fact in evidence.facts() {
            let about = fact.about.text.to_string();
            match (fact.about.kind, &fact.says) {
                (MentionKind::Host, _) if fact.basis != Basis::Declared => {}
                (MentionKind::Host, Says::SameAs(other)) => {
                    names.hosts.insert(other.text.to_lowercase(), about);
                }
                (MentionKind::Host, Says::DeclaredAs(_)) => {
                    names.hosts.insert(about.to_lowercase(), about);
                }
                (MentionKind::System, Says::SameAs(other)) => {
                    names.endpoints.insert(other.text.to_lowercase(), about);
                }
                (MentionKind::System, Says::DeclaredAs(kind)) => {
                    names.systems.insert(about, kind.to_string());
                }
                (
                    MentionKind::System,
                    Says::Serves(Resource { kind: ResourceKind::Database, database, .. }),
                ) => {
                    let known = names.databases.entry(about).or_default();
                    known.extend(database.iter().map(|database| database.to_string()));
                }
                (MentionKind::System, Says::OwnedBy(owner)) => {
                    names.owners.insert(about, owner.to_string());
                }
                _ => {}
            }
        }
        names.hosts_files(evidence);
        names.usual_ports(uses);
        let address = |name: &&String| name.parse::<std::net::IpAddr>().is_ok();
        let known = names.hosts.iter().filter(|(name, _)| address(name));
        names.addressed = known.map(|(_, host)| host.clone()).collect();
        names.join_vantages(evidence);
        names.join_rings(evidence);
        names.follow_poolers(evidence);
        names.join_by_database(evidence, uses);
        names.engines(uses);
        names
    }

    /// Which usual ports of other engines are spoken of, by host.
    fn usual_ports(&mut self, uses: &[Use]) {
        let servers: BTreeSet<&Text> =
            uses.iter().filter_map(|it| it.what.resource.server.as_ref()).collect();
        for server in servers {
            let lower = server.to_lowercase();
            if let (host, Some(port)) = split_port(&lower)
                && Engine::is_usual_port(port)
            {
                self.usual.entry(host.to_owned()).or_default().insert(port.to_owned());
            }
        }
    }

    /// Which engine each system is, as connections to it say.
    fn engines(&mut self, uses: &[Use]) {
        for it in uses {
            let named = it.what.traits.iter().find(|it| &*it.name == ENGINE);
            let engine = named.and_then(|it| Engine::of_word(it.value.as_deref()?));
            if let (Some(engine), Some(server)) = (engine, &it.what.resource.server) {
                let system = self.system(server);
                self.engines.entry(system).or_default().insert(engine);
            }
        }
    }

    /// The engine of a system, where all that is said of it agrees on what it keeps: MySQL's drivers speak to MariaDB.
    pub fn engine(&self, system: &str) -> Option<&'static Engine> {
        let mut said = self.engines.get(system)?.iter();
        let first = *said.next()?;
        said.all(|other| other.holds == first.holds).then_some(first)
    }

    /// A pooler is the server it leads to, under another address.
    fn follow_poolers(&mut self, evidence: &Evidence) {
        let vantages: BTreeMap<&Text, &Mention> = evidence.vantages().map(|it| (&it.id, &it.of)).collect();
        type Ways = BTreeMap<String, BTreeSet<String>>;
        let (mut ways, mut hosts): (Ways, Ways) = Default::default();
        for fact in evidence.facts().filter(|fact| fact.scope == Scope::Production) {
            let Says::Relays { to, seen_by } = &fact.says else { continue };
            let (host, system) = (self.host_or_self(&fact.about.text), self.system(&to.text));
            let own = vantages.get(seen_by).map(|of| of.text.to_string());
            hosts.entry(host.to_lowercase()).or_default().insert(system.clone());
            if let Some(own) = own.filter(|own| *own != system) {
                ways.entry(own).or_default().insert(system);
            }
        }
        let alone = |ways: Ways| -> BTreeMap<String, String> {
            let of_one = ways.into_iter().filter(|(_, systems)| systems.len() == 1);
            of_one.filter_map(|(name, systems)| Some((name, systems.into_iter().next()?))).collect()
        };
        (self.led, self.led_hosts) = (alone(ways), alone(hosts));
    }

    /// Whether a host is one of several by which a system is reached: the server's own, or one before it.
    pub fn is_way_to(&self, system: &str, host: &str) -> bool {
        let addresses = self.endpoints.iter().filter(|(_, of)| of.as_str() == system);
        let hosts: BTreeSet<&str> =
            addresses.filter_map(|(endpoint, _)| self.host(split_port(endpoint).0)).collect();
        hosts.len() > 1 && hosts.contains(host)
    }

    /// Captures of one server of which none begins before the one before has ended are one vantage in several
    /// files: what they saw is added. Where any two overlap, each counts by itself.
    fn join_rings(&mut self, evidence: &Evidence) {
        let mut captures: BTreeMap<&Text, Vec<(Span, &Text)>> = BTreeMap::new();
        for vantage in evidence.vantages().filter(|vantage| &*vantage.kind == "capture") {
            let all = vantage.spans.iter().copied().reduce(Span::cover);
            if let Some(span) = all {
                captures.entry(&vantage.of.text).or_default().push((span, &vantage.id));
            }
        }
        for files in captures.values_mut() {
            files.sort_by_key(|(span, id)| (span.first, span.last, *id));
            if files.windows(2).all(|pair| pair[0].0.last < pair[1].0.first) {
                let first = files[0].1.clone();
                self.rings.extend(files.iter().map(|(_, id)| ((*id).clone(), first.clone())));
            }
        }
    }

    /// The vantage that a vantage's counts are added to: itself, or the first file of its ring.
    pub fn counted_as(&self, vantage: &Text) -> Text {
        self.rings.get(vantage).unwrap_or(vantage).clone()
    }

    /// What hosts say of each other, beneath what an inventory says.
    fn hosts_files(&mut self, evidence: &Evidence) {
        let declared: Vec<(String, String)> = self.hosts.clone().into_iter().collect();
        for (name, host) in &declared {
            for name in [name, &host.to_lowercase()] {
                let label = label(name).map(str::to_owned);
                self.labels.entry(label.unwrap_or_default()).or_default().insert(host.clone());
            }
        }
        let written = |fact: &&Fact| fact.about.kind == MentionKind::Host && fact.basis != Basis::Declared;
        // A line of a file is told by its place: an address and its names.
        let mut lines: BTreeMap<(&Place, &Text), Vec<&Fact>> = BTreeMap::new();
        for fact in evidence.facts().filter(written) {
            if matches!(fact.says, Says::SameAs(_)) && fact.scope == Scope::Production {
                lines.entry((&fact.place, &fact.about.text)).or_default().push(fact);
            }
        }
        let full = |name: &Text| name.to_lowercase();
        // A label that full names of two domains begin with names neither of them.
        let mut domains: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (_, first) in lines.keys() {
            if let Some(label) = label(first).filter(|_| first.contains('.')) {
                domains.entry(label.to_lowercase()).or_default().insert(full(first));
            }
        }
        let short = |first: &'_ Text| -> String {
            let shared = |label: &&str| {
                let all = domains.get(&label.to_lowercase()).map_or(0, BTreeSet::len);
                first.contains('.') && all > 1
            };
            label(first).filter(|label| !shared(label)).unwrap_or(first).to_owned()
        };
        let mut claims: BTreeMap<String, BTreeMap<String, &Fact>> = BTreeMap::new();
        let mut leased = Vec::new();
        for ((_, first), facts) in lines {
            let others = facts.iter().filter_map(|fact| match &fact.says {
                Says::SameAs(other) => Some(&other.text),
                _ => None,
            });
            let all: Vec<&Text> = std::iter::once(first).chain(others).collect();
            // The host whose declared name or address stands on the line, else its first name's own.
            let known = all.iter().find_map(|name| self.host(name));
            // What an answer on the wire says gives a known address another name, and never a known host
            // another address: anybody can answer.
            let answered = facts[0].basis == Basis::Observed;
            if answered && known.is_some() && !all[1..].iter().any(|address| self.host(address).is_some()) {
                continue;
            }
            let host = known.map_or_else(|| short(first), str::to_owned);
            if facts.iter().any(|fact| fact.span.is_some()) {
                leased.push((host, facts));
                continue;
            }
            for name in all {
                claims.entry(name.to_lowercase()).or_default().insert(host.clone(), facts[0]);
            }
        }
        for (name, hosts) in claims {
            if self.hosts.contains_key(&name) {
                continue;
            }
            let mut all = hosts.into_iter();
            match (all.next(), all.next()) {
                (Some((host, _)), None) => {
                    if let Some(label) = label(&name) {
                        self.labels.entry(label.to_owned()).or_default().insert(host.clone());
                    }
                    self.hosts.insert(name, host);
                }
                (Some((one, _)), Some((other, fact))) => {
                    let detail =
                        format!("{name} is {one} in one list of hosts and {other} here; neither is believed");
                    self.gaps.push(Gap::new(fact.place.clone(), GapCode::Unresolved, detail));
                }
                (None, _) => {}
            }
        }
        for (host, facts) in leased {
            for fact in facts {
                let (Says::SameAs(other), Some(span)) = (&fact.says, fact.span) else { continue };
                self.leases.entry(other.text.to_lowercase()).or_default().push((span, host.clone()));
            }
        }
    }

    /// Whether any name or address changes hands.
    pub fn has_leases(&self) -> bool {
        !self.leases.is_empty()
    }

    /// The host that had an address for a while, where all of this happened within the time of one.
    pub fn host_during(&self, text: &str, activity: &Activity) -> Option<&str> {
        let leases = self.leases.get(&text.to_lowercase())?;
        if activity.undated() > 0 {
            return None;
        }
        let mut only = None;
        for moment in activity.moments() {
            // Moments are whole seconds; of busy days, whole minutes.
            let mut then = leases.iter().filter(|(span, _)| span.contains(moment)).map(|(_, host)| host);
            let host = then.next()?;
            if then.any(|other| other != host) || only.is_some_and(|only| only != host) {
                return None;
            }
            only = Some(host);
        }
        only.map(String::as_str)
    }

    /// Anonymous servers become the server of a vantage that kept the same sessions.
    fn join_vantages(&mut self, evidence: &Evidence) {
        let vantages: Vec<&Vantage> = evidence.vantages().collect();
        for (index, one) in vantages.iter().enumerate() {
            if one.of.kind != MentionKind::Server {
                continue;
            }
            let shares = |other: &&&Vantage| {
                let shared = one.sessions.shared_with(&other.sessions, SESSION_TOLERANCE);
                // Of a vantage that saw fewer, all are enough: a pool may be one connection.
                let all = one.sessions.len().min(other.sessions.len());
                shared >= SESSIONS_TO_JOIN || (shared > 0 && shared == all)
            };
            // A capture names a server by its address, which an inventory may know; a log by nothing.
            let addressed = |other: &&&Vantage| other.of.text.parse::<std::net::SocketAddr>().is_ok();
            if addressed(&one) {
                continue;
            }
            let named = vantages.iter().filter(|other| other.of.kind == MentionKind::System).find(shares);
            let named = named.or_else(|| vantages.iter().filter(addressed).find(shares));
            let earlier = || vantages[..index].iter().find(shares);
            if let Some(other) = named.or_else(earlier) {
                let target = self.aliases.get(&*other.of.text).cloned().unwrap_or(other.of.text.to_string());
                self.aliases.insert(one.of.text.to_string(), target);
            }
        }
    }

    /// A log that names no server is that of the only server which is written to have one of its databases, where the
    /// logins agree, too, and no other log has that database. It is said, so that somebody can state it.
    fn join_by_database(&mut self, evidence: &Evidence, uses: &[Use]) {
        type Logins = BTreeMap<(String, Text), BTreeSet<Text>>;
        let (mut written, mut logged): (Logins, Logins) = Default::default();
        let anonymous: BTreeSet<Text> = evidence
            .vantages()
            .filter(|vantage| vantage.of.kind == MentionKind::Server && &*vantage.kind != "capture")
            .map(|vantage| vantage.of.text.clone())
            .filter(|server| self.system(server) == **server)
            .collect();
        if anonymous.is_empty() {
            return;
        }
        let mut systems: BTreeMap<&Text, String> = BTreeMap::new();
        for it in uses {
            let what = &it.what;
            let counts = what.scope == Scope::Production && what.outcome == Outcome::Ok;
            let (Some(server), Some(database)) = (&what.resource.server, &what.resource.database) else {
                continue;
            };
            let Some(user) = what.actor.get(MentionKind::User).filter(|_| counts) else { continue };
            let (side, system) = match what.basis {
                Basis::Written => {
                    let system = systems.entry(server).or_insert_with(|| self.system(server));
                    (&mut written, system.clone())
                }
                Basis::Observed if anonymous.contains(server) => (&mut logged, server.to_string()),
                _ => continue,
            };
            side.entry((system, database.clone())).or_default().insert(user.clone());
        }
        let alone =
            |side: &Logins, database: &Text| side.keys().filter(|(_, other)| other == database).count() == 1;
        // A copy of the server has the same database, and other logins: two that agree tell the one from the other.
        let told_apart = |system: &String, database: &Text, users: &BTreeSet<Text>| {
            let shared = |it: &BTreeSet<Text>| users.intersection(it).count();
            let mut others = written.iter().filter(|((other, of), _)| of == database && other != system);
            let own = written.get(&(system.clone(), database.clone())).map_or(0, shared);
            own > 1 && others.all(|(_, theirs)| shared(theirs) == 0)
        };
        let mut found: BTreeMap<&String, BTreeSet<(&String, &Text, &Text)>> = BTreeMap::new();
        for ((log, database), users) in &logged {
            for ((system, other), theirs) in &written {
                let same = users.intersection(theirs).next().filter(|_| other == database);
                let only = || alone(&written, database) || told_apart(system, database, users);
                if let Some(user) = same.filter(|_| alone(&logged, database) && only()) {
                    found.entry(log).or_default().insert((system, database, user));
                }
            }
        }
        for (log, systems) in found {
            let names: BTreeSet<&String> = systems.iter().map(|(system, ..)| *system).collect();
            if let ([only], Some((_, database, user))) =
                (&names.iter().collect::<Vec<_>>()[..], systems.first())
            {
                let detail = format!(
                    "this log names no server; it was taken for that of {only}, where alone the database {database} and \
                     the login {user} are written: state it as [[source]] server"
                );
                let place = log.split_once(':').map_or(log.as_str(), |(_, path)| path);
                self.gaps.push(Gap::new(Place::whole(&Text::from(place)), GapCode::Unresolved, detail));
                self.aliases.insert(log.clone(), (**only).clone());
            }
        }
    }

    /// An activity from one address by whose that was at the time: one part where the address has one holder for good.
    pub fn parted(&self, text: &str, activity: Activity) -> Vec<(Option<&str>, Activity)> {
        if self.leases.is_empty() {
            return vec![(None, activity)];
        }
        let leases = self.leases.get(&text.to_lowercase()).filter(|_| self.host(text).is_none());
        let Some(leases) = leases.filter(|_| activity.undated() == 0) else { return vec![(None, activity)] };
        let holder = |at: crate::evidence::Stamp| {
            let mut then = leases.iter().filter(|(span, _)| span.contains(at)).map(|(_, host)| host.as_str());
            let host = then.next()?;
            then.all(|other| other == host).then_some(host)
        };
        activity.parted(holder)
    }

    /// The host that a name, alias or address means, as declared; else the only known host whose name begins
    /// with the same label: `web1.example.org` is `web1` unless there is another `web1`.
    pub fn host(&self, text: &str) -> Option<&str> {
        let lower = text.to_lowercase();
        if let Some(host) = self.hosts.get(&lower) {
            return Some(host);
        }
        if let Some(workload) = self.pods.workload(text) {
            return Some(&workload.text);
        }
        let hosts = self.labels.get(label(&lower)?)?;
        let [only] = hosts.iter().collect::<Vec<_>>()[..] else { return None };
        // Two full names with different domains are two hosts until somebody says otherwise.
        let long = lower.contains('.') && only.contains('.') && lower != only.to_lowercase();
        (!long).then_some(only)
    }

    /// The workload whose pod is named so, unless an inventory or a hosts file knows a host of that name.
    pub fn workload(&self, text: &str) -> Option<&Mention> {
        self.pods.workload(text).filter(|_| !self.hosts.contains_key(&text.to_lowercase()))
    }

    /// The host's declared name, else the text itself.
    pub fn host_or_self(&self, text: &str) -> String {
        self.host(text).unwrap_or(text).to_owned()
    }

    /// The system a server text means: a system's name, one of its addresses, or the same machine and port.
    /// A server nobody named keeps its text.
    pub fn system(&self, server: &str) -> String {
        let system = self.system_there(server);
        self.led.get(&system).cloned().unwrap_or(system)
    }

    /// The system at a server's own address, be it a pooler.
    fn system_there(&self, server: &str) -> String {
        if self.systems.contains_key(server) {
            return server.to_owned();
        }
        if let Some(target) = self.aliases.get(server).filter(|target| *target != server) {
            return self.system_there(target);
        }
        let lower = server.to_lowercase();
        if let Some(system) = self.endpoints.get(&lower) {
            return system.clone();
        }
        let (host, port) = split_port(&lower);
        let machine = self.host(host).map(str::to_lowercase);
        // A pod under a Service is reached as what the Service leads to.
        if let Some(workload) = self.workload(host)
            && self.endpoints.values().any(|system| **system == *workload.text)
        {
            return workload.text.to_string();
        }
        let same = |endpoint: &str| {
            let (their_host, their_port) = split_port(endpoint);
            let their_machine = self.host(their_host).map(str::to_lowercase);
            let same_host = their_host == host || (machine.is_some() && machine == their_machine);
            let same_port = port.is_none() || their_port.is_none() || port == their_port;
            same_host && same_port
        };
        let found: BTreeSet<&String> =
            self.endpoints.iter().filter(|(endpoint, _)| same(endpoint)).map(|(_, system)| system).collect();
        match found.into_iter().collect::<Vec<_>>()[..] {
            [only] => only.clone(),
            // What nobody declared on a pooler's host is the pooler.
            [] if let Some(system) = self.led_hosts.get(machine.as_deref().unwrap_or(host)) => system.clone(),
            _ => self.without_usual_port(server).to_owned(),
        }
    }

    /// A server without its engine's usual port: a client that names no port means that one (libpq, "port"). Where two
    /// engines other than PostgreSQL have theirs on one host, each keeps its own.
    fn without_usual_port<'s>(&self, server: &'s str) -> &'s str {
        let (host, port) = split_port(server);
        let alone = || self.usual.get(&host.to_lowercase()).is_none_or(|ports| ports.len() == 1);
        match port {
            Some("5432") => host,
            Some(port) if Engine::is_usual_port(port) && alone() => host,
            _ => server,
        }
    }

    /// The one host that all addresses of a system lie on: where its own sockets are.
    pub fn machine_of(&self, system: &str) -> Option<&str> {
        let addresses = self.endpoints.iter().filter(|(_, of)| of.as_str() == system);
        let hosts: BTreeSet<&str> =
            addresses.filter_map(|(endpoint, _)| self.host(split_port(endpoint).0)).collect();
        match hosts.into_iter().collect::<Vec<_>>()[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The hosts of which an address is known.
    pub fn addressed(&self) -> &BTreeSet<String> {
        &self.addressed
    }

    /// Whether somebody declared a system, and as one that is not the estate's own.
    pub fn is_external(&self, system: &str) -> bool {
        self.systems.get(system).is_some_and(|kind| kind == "external")
    }

    /// Whether somebody declared a system, and as a database.
    pub fn is_database(&self, system: &str) -> bool {
        self.systems.get(system).is_some_and(|kind| kind == "database")
    }

    /// What holds data, as somebody declared it: `database`, `cache` or `broker`.
    pub fn store_kind(&self, system: &str) -> Option<&str> {
        let kind = self.systems.get(system)?.as_str();
        matches!(kind, "database" | "cache" | "broker").then_some(kind)
    }

    /// Whether somebody declared a system, and as a service.
    pub fn is_service(&self, system: &str) -> bool {
        self.systems.get(system).is_some_and(|kind| kind == "service")
    }

    /// Whether a consumer reaches such a system at all (somebody declared it).
    pub fn is_declared_system(&self, system: &str) -> bool {
        self.systems.contains_key(system)
    }

    /// The only database a declared system has.
    pub fn only_database(&self, system: &str) -> Option<Text> {
        let known = self.databases.get(system)?;
        match known.iter().collect::<Vec<_>>()[..] {
            [only] => Some(Text::from(only.as_str())),
            _ => None,
        }
    }
}
