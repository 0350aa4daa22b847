//! Captured traffic: files of packets become connections, connections become what was said in them, one file per wire
//! protocol, recognised by content and never by port alone. What is encrypted, lost, cut or one-sided is a gap. It
//! opens no socket, and whose address it is is for `resolve`.

mod capture;
mod dns;
mod filter;
mod flows;
mod framer;
mod http;
mod link;
mod postgres;
mod stream;
mod tls;

pub use filter::check as check_filter;
pub use flows::{Connection, MAX_OPEN};
pub use framer::Framer;

use super::{Family, World};
use crate::evidence::{
    About, Action, Actor, Basis, Class, Confidence, Crowd, Evidence, Fact, Gap, GapCode, InputRecord,
    InputStatus, Mention, MentionKind, Outcome, Place, Resource, Says, Scope, Sees, SessionSketch, Shape,
    Span, Stamp, Text, Trait, Vantage, What, Zone, request,
};
use crate::input::InputFile;
use crate::settings::{Networks, Settings};
use crate::sql::{Cache, Dialect, SearchPath, Understood};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Which side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who opened it.
    Client,
    /// Who answers.
    Server,
}

/// When and where bytes were seen.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// When.
    pub stamp: Stamp,
    /// The packet, counted from 1.
    pub packet: u64,
    /// Whether they are one datagram, not a part of a stream.
    pub datagram: bool,
}

/// One thing that was asked for.
#[derive(Debug, Clone)]
pub struct Act {
    /// What the protocol calls it: `query`, `GET`, `A`.
    pub verb: String,
    /// Of what: a statement, a path, a name.
    pub object: String,
    /// When it was asked for.
    pub moment: Moment,
    /// How it ended.
    pub outcome: Outcome,
    /// How long the answer took in microseconds.
    pub micros: Option<u64>,
    /// Who this one is from, where requests of one connection may be from several.
    pub who: Option<Who>,
    /// Whether the answer was a page for people.
    pub page: bool,
    /// Whether the answer sent the client elsewhere.
    pub redirected: bool,
    /// The names in the query it was asked for with.
    pub query: Option<Text>,
}

/// Who one request is from.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// Who logged in.
    pub principal: Option<Text>,
    /// The program the client says it is.
    pub program: Option<Text>,
    /// The chain of clients behind the one that was seen, as X-Forwarded-For gives it.
    pub forwarded_for: Option<Text>,
}

/// What a connection said so far.
#[derive(Debug, Default)]
pub struct Told {
    /// Who logged in.
    pub principal: Option<Text>,
    /// The program the client says it is.
    pub program: Option<Text>,
    /// The database.
    pub database: Option<Text>,
    /// Names of the server that the client used: Host, SNI.
    pub names: BTreeSet<Text>,
    /// Names that answers were about.
    pub answered: BTreeSet<Text>,
    /// Names and the addresses that answers gave them.
    pub addresses: BTreeSet<(Text, IpAddr)>,
    /// Whether the login was let in, where that is seen.
    pub authorised: Option<bool>,
    /// Whether the rest is encrypted.
    pub encrypted: bool,
    /// Whether it is a replication connection.
    pub replication: bool,
    /// Whether something was no valid message.
    pub malformed: bool,
    /// Executions of statements that were prepared before the capture.
    pub unknown: u64,
    /// Requests whose answer cannot be told from others', because bytes are missing.
    pub unmatched: u64,
    /// Whether a limit was reached, and something was not followed.
    pub limited: bool,
    /// What was asked for.
    pub acts: Vec<Act>,
}

/// A conversation in one protocol: a state machine over bytes, without any input or output of its own.
pub trait Conversation {
    /// The next bytes of a side.
    fn bytes(&mut self, side: Side, data: &[u8], moment: Moment, told: &mut Told);
    /// Bytes of a side are missing here.
    fn hole(&mut self, side: Side, told: &mut Told);
    /// Nothing more comes.
    fn end(&mut self, told: &mut Told);
}

/// One wire protocol.
pub trait Protocol: Sync {
    /// Its row in the table.
    fn about(&self) -> &'static About;
    /// How sure it is that these are the first bytes of the two sides; the server's port is a hint.
    fn recognise(&self, client: &[u8], server: &[u8], port: u16) -> Option<Confidence>;
    /// A new conversation.
    fn open(&self) -> Box<dyn Conversation>;
}

/// All wire protocols.
pub static PROTOCOLS: &[&dyn Protocol] = &[&postgres::Postgres, &http::Http, &tls::Tls, &dns::Dns];

/// The reader's name.
const CAPTURE: &str = "capture";

/// Its row in the table.
pub static ABOUT: About = About {
    name: CAPTURE,
    title: "captures, pcap and pcapng: Ethernet, VLAN, MPLS, PPPoE, SLL, raw, IPv4/IPv6, GRE, VXLAN, Geneve",
    provenance: crate::evidence::Provenance::Recorded,
};

/// Whether a file is a capture.
pub fn is_capture(file: &InputFile) -> bool {
    match &file.forced {
        Some(kind) => &**kind == CAPTURE,
        None => capture::recognise(&file.head),
    }
}

/// Counts of one capture.
#[derive(Debug, Default)]
pub struct Read {
    /// Packets.
    pub packets: u64,
    /// Packets whose link layer or network layer nobody here knows.
    pub other: u64,
    /// Packets captured shorter than they were.
    pub cut: u64,
    /// Datagrams of which a fragment never came.
    pub incomplete: u64,
    /// From the first to the last packet.
    pub span: Option<Span>,
    /// Packets a filter could not be applied to.
    pub unfiltered: u64,
    /// Why the reading ended early.
    pub ended: Option<&'static str>,
}

/// Reads a capture, or those packets of it that a filter lets through; each connection goes to `each` when it ends.
pub fn connections(
    file: &InputFile,
    filter: Option<&str>,
    each: &mut dyn FnMut(Connection),
) -> Result<Read, String> {
    let mut filter = filter::Filter::new(filter);
    let reader = file.open().map_err(|error| error.to_string())?;
    let (mut layers, mut flows, mut read) =
        (link::Layers::default(), flows::Flows::default(), Read::default());
    let ended = capture::read(reader, &mut |packet| {
        if !filter.passes(packet.link, packet.data) {
            return;
        }
        read.packets += 1;
        read.cut += u64::from(packet.original > packet.data.len());
        if let Some(stamp) = packet.stamp {
            read.span = Some(read.span.map_or(Span::at(stamp), |span| span.cover(Span::at(stamp))));
        }
        match layers.segment(packet.link, packet.data, packet.original) {
            Some(segment) => flows.segment(&segment, packet.stamp, packet.number, each),
            None => read.other += 1,
        }
    })?;
    if let capture::Ended::Cut(why) = ended {
        read.ended = Some(why);
    }
    read.unfiltered = filter.unfiltered;
    read.incomplete = layers.finish();
    flows.finish(each);
    Ok(read)
}

/// The family.
pub struct Traffic;

impl Family for Traffic {
    fn name(&self) -> &'static str {
        "traffic"
    }

    fn claim(&self, file: &InputFile, _: &Settings) -> Option<&'static str> {
        is_capture(file).then_some(CAPTURE)
    }

    fn collect(&self, files: &[&InputFile], world: &World<'_>) -> Evidence {
        let cache = Cache::new(Dialect::Postgres);
        let parts: Vec<Evidence> = files.par_iter().map(|file| collect(file, world, &cache)).collect();
        let mut evidence = Evidence::new();
        for part in parts {
            evidence.merge(part);
        }
        evidence
    }
}

fn collect(file: &InputFile, world: &World<'_>, cache: &Cache) -> Evidence {
    let mut teller = Teller {
        file,
        world,
        cache,
        out: Evidence::new(),
        servers: BTreeMap::new(),
        names: BTreeMap::new(),
        crowds: BTreeMap::new(),
        ours: world.settings.networks(),
    };
    let mut record = InputRecord::new(&file.path, CAPTURE, InputStatus::Read);
    match connections(file, world.filter, &mut |connection| teller.tell(connection)) {
        Err(reason) => {
            record.status = InputStatus::Failed;
            teller.out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Unreadable, reason));
        }
        Ok(read) => {
            record.records = read.packets;
            record.span = read.span;
            teller.gaps(&read);
        }
    }
    (world.progress)(&file.path, file.size);
    let mut out = teller.finish();
    out.add_input(record);
    out
}

/// What is known of one server's traffic.
#[derive(Default)]
struct Server {
    span: Option<Span>,
    sessions: SessionSketch,
    lost: u64,
    hidden: bool,
}

/// Turns connections into evidence.
struct Teller<'a> {
    file: &'a InputFile,
    world: &'a World<'a>,
    cache: &'a Cache,
    out: Evidence,
    servers: BTreeMap<Text, Server>,
    /// What answers gave: name, address, the first packet.
    names: BTreeMap<Text, BTreeMap<IpAddr, u64>>,
    /// Who is told as one.
    crowds: BTreeMap<Text, Crowd>,
    /// The networks of the estate.
    ours: Networks,
}

impl Teller<'_> {
    fn place(&self, packet: u64) -> Place {
        Place { input: self.file.path.clone(), at: crate::evidence::At::Packet(packet.max(1)) }
    }

    fn gap(&mut self, packet: u64, code: GapCode, detail: &str) {
        let place = self.place(packet);
        self.out.add_gap(Gap::new(place, code, detail));
    }

    fn gaps(&mut self, read: &Read) {
        let whole = Place::whole(&self.file.path);
        for (count, code, detail) in [
            (read.cut, GapCode::Snaplen, "packets were captured shorter than they were"),
            (read.incomplete, GapCode::LostPackets, "datagrams of which a fragment is missing"),
            (
                read.unfiltered,
                GapCode::Unrecognised,
                "packets of a link type the filter cannot be applied to; they were left out",
            ),
            (read.other, GapCode::Unrecognised, "packets that carry neither TCP nor UDP over IP"),
        ] {
            if count > 0 {
                self.out.add_gap(Gap { count, ..Gap::new(whole.clone(), code, detail) });
            }
        }
        if let Some(why) = read.ended {
            self.out.add_gap(Gap::new(whole, GapCode::Truncated, why));
        }
    }

    fn tell(&mut self, connection: Connection) {
        // Multicast DNS and LLMNR are what any neighbour says.
        if connection.server.1 == 53 {
            for (name, address) in &connection.told.addresses {
                self.names.entry(name.clone()).or_default().entry(*address).or_insert(connection.packet);
            }
        }
        let data = matches!(connection.protocol, "postgres" | "http" | "tls");
        if connection.tcp && connection.protocol == "unknown" && connection.bytes > 0 {
            self.gap(
                connection.packet,
                GapCode::Unrecognised,
                "connections in a protocol that is not read, or whose beginning is missing: who and what is not seen",
            );
        }
        if !connection.tcp || !data || !self.world.window.holds(connection.last) {
            return;
        }
        let server = Text::from(end(connection.server));
        let held = self.servers.entry(server.clone()).or_default();
        let span = Span { first: connection.first, last: connection.last };
        held.span = Some(held.span.map_or(span, |known| known.cover(span)));
        held.lost += connection.lost;
        let told = &connection.told;
        held.hidden |= told.encrypted || connection.lost > 0 || connection.one_sided;
        held.hidden |= told.unknown > 0 || told.unmatched > 0 || told.limited;
        held.sessions.add(&connection.client.0.to_string(), connection.client.1, connection.first);
        let place = self.place(connection.packet);
        for (count, code, detail) in [
            (
                connection.told.unknown,
                GapCode::UnknownSession,
                "executions of statements that were prepared before the capture: what they do is not known",
            ),
            (
                connection.told.unmatched,
                GapCode::LostPackets,
                "requests whose answer cannot be told from others', because bytes are missing; they are left out",
            ),
            (
                u64::from(connection.told.limited),
                GapCode::Limit,
                "MAX_NAMED, MAX_WAITING: a connection has more open statements than are followed",
            ),
            (
                u64::from(connection.told.malformed),
                GapCode::Unparsed,
                "connections with something that is no message of their protocol",
            ),
        ] {
            if count > 0 {
                self.out.add_gap(Gap { count, ..Gap::new(place.clone(), code, detail) });
            }
        }
        if connection.lost > 0 {
            self.gap(
                connection.packet,
                GapCode::LostPackets,
                "bytes of a connection are missing from the capture",
            );
        }
        if connection.one_sided {
            self.gap(connection.packet, GapCode::OneSided, "only one side of a connection was captured");
        }
        if connection.told.encrypted {
            self.gap(
                connection.packet,
                GapCode::Encrypted,
                "encrypted connections: who and what cannot be seen",
            );
        }
        match connection.protocol {
            "postgres" => self.postgres(&connection, &server),
            "http" => self.http(&connection, &server),
            "tls" if !connection.one_sided => self.tls(&connection, &server),
            _ => {}
        }
    }

    fn name(&mut self, name: &Text, address: IpAddr, packet: u64) {
        if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
            return;
        }
        let about = Mention::new(MentionKind::Host, name.clone());
        let says = Says::SameAs(Mention::new(MentionKind::Address, address.to_string()));
        let (basis, scope, place) = (Basis::Observed, Scope::Production, self.place(packet));
        self.out.add_fact(Fact { about, says, basis, scope, span: None, place });
    }

    fn vantage(&self, server: &str) -> Text {
        Text::from(format!("{CAPTURE}:{} {server}", self.file.path))
    }

    fn actor(connection: &Connection) -> Actor {
        let told = &connection.told;
        let mut actor = Actor::new().with(MentionKind::Address, connection.client.0.to_string());
        for (kind, name) in [
            (MentionKind::User, &told.principal),
            (MentionKind::Application, &told.program),
            (MentionKind::Database, &told.database),
        ] {
            if let Some(name) = name {
                actor.add(Mention::new(kind, name.clone()));
            }
        }
        actor
    }

    fn what(&self, connection: &Connection, server: &Text, action: Action, resource: Resource) -> What {
        What {
            vantage: self.vantage(server),
            actor: Teller::actor(connection),
            action,
            resource,
            shape: Shape::none(),
            outcome: Outcome::Ok,
            class: Class::App,
            scope: Scope::Production,
            basis: Basis::Observed,
            confidence: Confidence::High,
            traits: BTreeSet::new(),
        }
    }

    fn postgres(&mut self, connection: &Connection, server: &Text) {
        let told = &connection.told;
        let by_name = if told.replication {
            Some(Class::Replication)
        } else {
            told.program.as_deref().and_then(Class::of_program)
        };
        let mut path = SearchPath::default();
        let mut acted = false;
        for act in &told.acts {
            let understood = self.cache.understand(&act.object);
            let worked = act.outcome == Outcome::Ok;
            acted |= worked && understood.class == Class::App && does(&understood);
            if self.world.window.holds(act.moment.stamp) {
                self.statement(connection, server, act, &understood, &path, by_name);
            }
            if worked {
                path.change(&understood.analysis.session);
            } else {
                path.fail();
            }
        }
        if told.principal.is_none() && !told.encrypted && !told.acts.is_empty() {
            // The login was before the capture; the statements say who is there.
            return;
        }
        let whole = Resource::database(Some(server.clone()), told.database.clone());
        let mut what = self.what(connection, server, Action::Connect, whole);
        what.class = by_name.unwrap_or(if acted || told.encrypted { Class::App } else { Class::Probe });
        if told.authorised == Some(false) {
            what.outcome = Outcome::Denied;
        }
        if told.encrypted && told.principal.is_none() {
            what.traits.insert(Trait::named("encrypted"));
        }
        let place = self.place(connection.packet);
        self.out.add_event(what, connection.first, None, place);
    }

    fn statement(
        &mut self,
        connection: &Connection,
        server: &Text,
        act: &Act,
        understood: &Understood,
        path: &SearchPath,
        by_name: Option<Class>,
    ) {
        for told in understood.uses(path) {
            let resource = told.resource.at(Some(server), connection.told.database.as_ref());
            let what = What {
                shape: understood.shape.clone(),
                outcome: act.outcome,
                class: by_name.unwrap_or(understood.class),
                confidence: told.confidence,
                traits: told.traits,
                ..self.what(connection, server, told.action, resource)
            };
            let place = self.place(act.moment.packet);
            self.out.add_event(what, act.moment.stamp, act.micros, place);
        }
    }

    fn http(&mut self, connection: &Connection, server: &Text) {
        for act in &connection.told.acts {
            if !self.world.window.holds(act.moment.stamp) || act.verb == "CONNECT" {
                continue;
            }
            let who = act.who.clone().unwrap_or_default();
            let is_ours = |address| self.ours.hold(address);
            let chain = who.forwarded_for.as_deref().unwrap_or_default();
            let client = request::client(connection.client.0, chain, &is_ours);
            let resource = request::endpoint(server, &act.verb, &act.object);
            let mut what = self.what(connection, server, Action::Call, resource);
            let (principal, program) = (who.principal.as_ref(), who.program.as_ref());
            let client = (client.to_string(), is_ours(client));
            what.actor = request::actor(&client.0, client.1, principal, program);
            if let Some(name) = request::crowd(&what.actor) {
                self.crowds.entry(name.clone()).or_default().add(&client.0);
            }
            what.outcome = act.outcome;
            let class = program.map_or(Class::App, |program| request::class(program));
            what.class = request::class_of(class, &act.verb, &act.object);
            let answer = [(act.page, request::PAGE), (act.redirected, request::REDIRECTED)];
            what.traits.extend(answer.iter().filter(|(so, _)| *so).map(|(_, name)| Trait::named(name)));
            let query = act.query.clone();
            what.traits.extend(query.map(|names| Trait::valued(request::QUERY, names)));
            // Each endpoint is a shape of its own: calls of several are several.
            what.shape = Shape::of_request(&what.resource.parts[0]);
            let place = self.place(act.moment.packet);
            self.out.add_event(what, act.moment.stamp, act.micros, place);
        }
    }

    /// A connection of which only the ends and the name that the client asks for can be seen. The name is what an
    /// inventory mostly knows; the address stands beside it.
    fn tls(&mut self, connection: &Connection, server: &Text) {
        let port = connection.server.1;
        let named = match connection.told.names.iter().collect::<Vec<_>>()[..] {
            [only] => Some(Text::from(format!("{only}:{port}"))),
            _ => None,
        };
        let mut resource = request::endpoint(server, "", "");
        resource.parts.clear();
        let seen = Trait::valued(request::SEEN_AT, server.clone());
        resource.server = Some(named.unwrap_or(server.clone()));
        let mut what = self.what(connection, server, Action::Connect, resource);
        what.traits.extend([Trait::named("encrypted"), seen]);
        let (client, ours) = (connection.client.0.to_string(), self.ours.hold(connection.client.0));
        what.actor = request::actor(&client, ours, None, Some(&Text::from("encrypted")).filter(|_| !ours));
        if let Some(name) = request::crowd(&what.actor) {
            self.crowds.entry(name.clone()).or_default().add(&client);
        }
        let place = self.place(connection.packet);
        self.out.add_event(what, connection.first, None, place);
    }

    fn finish(mut self) -> Evidence {
        for (name, crowd) in std::mem::take(&mut self.crowds) {
            self.out.add_crowd(name, crowd);
        }
        for (name, addresses) in std::mem::take(&mut self.names) {
            // A name with several addresses is a service on several machines, and none of them.
            if let [(address, packet)] = addresses.into_iter().collect::<Vec<_>>()[..] {
                self.name(&name, address, packet);
            }
        }
        for (server, seen) in std::mem::take(&mut self.servers) {
            self.out.add_vantage(Vantage {
                id: self.vantage(&server),
                kind: Text::from(CAPTURE),
                of: Mention::new(MentionKind::Server, server),
                zone: Zone { name: Text::from("UTC"), known: true },
                spans: seen.span.into_iter().collect(),
                sees: if seen.hidden { Sees::Unknown } else { Sees::All },
                lost: seen.lost,
                sessions: seen.sessions,
                tried: true,
            });
        }
        self.out
    }
}

/// Whether a statement does anything to the application's data.
fn does(understood: &Understood) -> bool {
    understood.names_something() || understood.analysis.acts
}

/// `address:port`, an IPv6 address in brackets.
pub fn end((address, port): flows::End) -> String {
    match address {
        IpAddr::V4(v4) => format!("{v4}:{port}"),
        IpAddr::V6(v6) => format!("[{v6}]:{port}"),
    }
}
