//! The requests of one block, put together where blocks are read in parallel: who is behind each, what kind of client
//! it is, and which of them are the same. What is left to do in the order of the file is little for each different
//! use, and next to nothing for each line. It never folds by what other blocks hold.

use super::{Event, Record, Request, Who};
use crate::collect::Window;
use crate::evidence::{Actor, Class, Outcome, Span, Stamp, Text, fold_path, request};
use crate::settings::Networks;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// With what the requests of a stream are read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What is ours.
    pub ours: Networks,
    /// The moments that are asked about.
    pub window: Window,
}

/// A client, as it is told apart, and as it is shown.
pub type Client = (Actor, Class);

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The host that the line names.
    pub host: Option<Text>,
    /// The method.
    pub method: Text,
    /// The path, folded lexically.
    pub path: Text,
}

/// A page that a browser loaded something of: its host, its path folded lexically, the names in its query.
pub type Page = (Text, String, Option<Text>);

/// One request of a use.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// When.
    pub stamp: Stamp,
    /// How long it took, in microseconds.
    pub micros: Option<u64>,
    /// The line within the block.
    pub line: u64,
}

/// Requests of one client for one thing that ended alike; the numbers are places in the lists of the digest.
#[derive(Debug)]
pub struct Done {
    /// The client.
    pub client: usize,
    /// What was asked for.
    pub target: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// The names in the query.
    pub query: Option<Text>,
    /// What answered behind the server.
    pub behind: Option<Text>,
    /// Whether the client was sent elsewhere.
    pub sent: bool,
    /// Each of the requests, in the order of the file.
    pub moments: Vec<Moment>,
}

/// The requests of a block. All lists are in the order of what comes first in the file.
#[derive(Debug, Default)]
pub struct Digest {
    /// How many there are.
    pub count: u64,
    /// From when to when.
    pub span: Option<Span>,
    /// The time of the last.
    pub last: Option<Stamp>,
    /// From when to when, of those that are asked about.
    pub within: Option<Span>,
    /// Those that name nobody: the line of the first, and how many.
    pub nobody: Option<(u64, u64)>,
    /// Clients, with the line of the first request of each.
    pub clients: Vec<(Client, u64)>,
    /// Which address of a client asked how often.
    pub addresses: Vec<(usize, Text, u64)>,
    /// What was asked for, with the line of the first request for each.
    pub targets: Vec<(Target, u64)>,
    /// Pages that browsers loaded something of.
    pub pages: Vec<Page>,
    /// Who asked for what.
    pub done: Vec<Done>,
}

type Numbers<K> = HashMap<K, usize, RandomState>;

/// What makes a digest of records. Texts and people of a block are the same where they are kept at the same place; where
/// they are not, only time is lost.
#[derive(Default)]
struct Making {
    digest: Digest,
    /// By who and by whom they are behind: the number of the client and of the address; `None`: nobody.
    people: HashMap<(usize, usize), Option<(usize, usize)>, RandomState>,
    classes: HashMap<usize, Class, RandomState>,
    clients: Numbers<Client>,
    addresses: Numbers<(usize, Text)>,
    targets: Numbers<(usize, usize, usize)>,
    different: Numbers<Target>,
    folded: HashMap<usize, Text, RandomState>,
    pages: Numbers<Page>,
    referred: HashMap<usize, (), RandomState>,
    done: Numbers<(usize, usize, Outcome, bool, usize, usize)>,
}

fn place(text: &Text) -> usize {
    text.as_ptr().addr()
}

fn place_of(text: Option<&Text>) -> usize {
    text.map_or(0, place)
}

impl Digest {
    /// Takes the requests out of the records of a block.
    pub fn take(records: &mut Vec<Record>, reading: &Reading) -> Digest {
        let mut making = Making::default();
        let mut others = Vec::new();
        // The texts have to stay where they are until the end.
        let all = std::mem::take(records);
        for record in &all {
            match &record.event {
                Event::Request(it) => making.hear(record, it, reading),
                _ => others.push(record.clone()),
            }
        }
        *records = others;
        making.digest
    }
}

impl Making {
    fn hear(&mut self, record: &Record, it: &Request, reading: &Reading) {
        let span = Span::at(record.stamp);
        let digest = &mut self.digest;
        digest.count += 1;
        digest.span = Some(digest.span.map_or(span, |known| known.cover(span)));
        digest.last = Some(record.stamp);
        if !reading.window.holds(record.stamp) {
            return;
        }
        digest.within = Some(digest.within.map_or(span, |known| known.cover(span)));
        let Some((client, address)) = self.client(record, it, reading) else {
            let (_, count) = self.digest.nobody.get_or_insert((record.line, 0));
            *count += 1;
            return;
        };
        self.digest.addresses[address].2 += 1;
        if self.digest.clients[client].0.1 == Class::Browsing {
            self.page(it);
        }
        let target = self.target(it, record.line);
        let (outcome, sent) = (request::outcome(it.status), request::redirects(it.status));
        let places = (place_of(it.query.as_ref()), place_of(it.behind.as_ref()));
        let key = (client, target, outcome, sent, places.0, places.1);
        let done = &mut self.digest.done;
        let number = *self.done.entry(key).or_insert_with(|| {
            let (query, behind) = (it.query.clone(), it.behind.clone());
            done.push(Done { client, target, outcome, query, behind, sent, moments: Vec::new() });
            done.len() - 1
        });
        done[number].moments.push(Moment { stamp: record.stamp, micros: it.micros, line: record.line });
    }

    /// Whom a request is from; `None`: the line does not say.
    fn client(&mut self, record: &Record, it: &Request, reading: &Reading) -> Option<(usize, usize)> {
        let key = (Arc::as_ptr(&record.who).addr(), place(&it.forwarded_for));
        if let Some(known) = self.people.get(&key) {
            return *known;
        }
        let number = self.new_client(&record.who, it, record.line, reading);
        self.people.insert(key, number);
        number
    }

    fn new_client(
        &mut self,
        who: &Who,
        it: &Request,
        line: u64,
        reading: &Reading,
    ) -> Option<(usize, usize)> {
        let is_ours = |address| reading.ours.hold(address);
        let peer: Option<IpAddr> = who.client.parse().ok();
        let behind = peer.map(|peer| request::client(peer, &it.forwarded_for, &is_ours));
        let shown = behind.map_or(who.client.clone(), |address| Text::from(address.to_string()));
        let some = |text: &Text| (!text.is_empty()).then(|| text.clone());
        let (principal, program) = (some(&who.user), some(&who.application));
        if shown.is_empty() && principal.is_none() {
            return None;
        }
        // A name instead of an address was looked up by the server: it is known by name.
        let ours = behind.is_none_or(is_ours);
        let class = program.as_ref().map_or(Class::App, |program| {
            *self.classes.entry(place(program)).or_insert_with(|| request::class(program))
        });
        let actor = request::actor_of(&shown, ours, principal.as_ref(), program.as_ref(), class);
        let clients = &mut self.digest.clients;
        let client = *self.clients.entry((actor, class)).or_insert_with_key(|key| {
            clients.push((key.clone(), line));
            clients.len() - 1
        });
        let addresses = &mut self.digest.addresses;
        let address = *self.addresses.entry((client, shown)).or_insert_with_key(|(_, shown)| {
            addresses.push((client, shown.clone(), 0));
            addresses.len() - 1
        });
        Some((client, address))
    }

    /// The number of what is asked for.
    fn target(&mut self, it: &Request, line: u64) -> usize {
        let key = (place_of(it.host.as_ref()), place(&it.method), place(&it.path));
        if let Some(known) = self.targets.get(&key) {
            return *known;
        }
        let folded = self.folded.entry(place(&it.path)).or_insert_with(|| Text::from(fold_path(&it.path)));
        let target = Target { host: it.host.clone(), method: it.method.clone(), path: folded.clone() };
        let targets = &mut self.digest.targets;
        let number = *self.different.entry(target).or_insert_with_key(|target| {
            targets.push((target.clone(), line));
            targets.len() - 1
        });
        self.targets.insert(key, number);
        number
    }

    /// What a browser loads beside a page names that page: it was shown to somebody.
    fn page(&mut self, it: &Request) {
        let Some(page) = &it.referrer else { return };
        // A style sheet loads pictures too, and is no page.
        if !request::is_asset(&it.path) || request::is_asset(&page.path) {
            return;
        }
        let own = it.host.as_deref().is_none_or(|own| {
            let bare = |name: &str| name.split(':').next().unwrap_or(name).to_owned();
            bare(own) == bare(&page.host)
        });
        if !own || self.referred.insert(Arc::as_ptr(page).addr(), ()).is_some() {
            return;
        }
        let shown = (page.host.clone(), fold_path(&page.path), page.query.clone());
        if !self.pages.contains_key(&shown) {
            self.pages.insert(shown.clone(), self.digest.pages.len());
            self.digest.pages.push(shown);
        }
    }
}
