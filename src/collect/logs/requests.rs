//! Requests of access logs, for every format: who asked for which endpoint, and how it ended. A request stands
//! for itself, so nothing is kept between lines but what they add up to. It is told whole digests of blocks, in the order
//! of the file, so that what its bounds keep is the same however the file was cut. It never decides whose address it is.

use super::digest::{Client, Digest, Page, Reading, Target};
use crate::evidence::{
    About, Action, Activity, Actor, Basis, Class, Confidence, Crowd, Evidence, Gap, GapCode, Mention,
    MentionKind, Outcome, PathTree, Place, Places, Provenance, Resource, Scope, Sees, SessionSketch, Shape,
    Span, Text, Trait, Use, Vantage, What, Zone, request,
};
use foldhash::fast::RandomState;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many clients of one log are told apart by address, login and program.
pub const MAX_CLIENTS: usize = 20_000;
/// What clients beyond [`MAX_CLIENTS`] are called.
const OTHERS: &str = "clients beyond MAX_CLIENTS";
/// How many targets are remembered as written.
const MAX_ASKED: usize = 20_000;
/// How many different sets of names in queries are told apart.
const MAX_QUERIES: usize = 500;
/// How many referring pages are remembered.
const MAX_PAGES: usize = 20_000;

/// How many names of servers behind one are told apart.
const MAX_BEHIND: usize = 500;
/// What stands for a name beyond a bound.
const MORE: &str = "…";

/// An endpoint: a server, a method, a path as far as it was folded when it was first asked for.
type Endpoint = (Text, Text, Text);

/// Who asked for what, and how it ended.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    client: u32,
    endpoint: u32,
    outcome: Outcome,
    query: Option<u16>,
    behind: Option<u16>,
    sent: bool,
}

/// Names of one kind by number, as many as are told apart; those beyond are one.
struct Numbered {
    most: usize,
    numbers: HashMap<Text, u16, RandomState>,
    names: Vec<Text>,
}

impl Numbered {
    /// None yet, of so many at the most.
    fn new(most: usize) -> Numbered {
        Numbered { most, numbers: HashMap::default(), names: Vec::new() }
    }

    /// The number of a name, unless there are too many different ones of its kind.
    fn of(&mut self, name: &Text) -> u16 {
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        let full = self.names.len() >= self.most;
        let name = if full { Text::from(MORE) } else { name.clone() };
        if let Some(known) = self.numbers.get(&name) {
            return *known;
        }
        // Kinds have a few hundred names at the most.
        let number = self.names.len() as u16;
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    fn name(&self, number: u16) -> Option<Text> {
        self.names.get(usize::from(number)).cloned()
    }
}

/// The requests of one stream.
pub struct Requests {
    vantage: Text,
    /// The server the log is of, where that is stated; else each line may name its own.
    stated: Option<Text>,
    anonymous: Text,
    reading: Reading,
    span: Option<Span>,
    clients: HashMap<Client, usize, RandomState>,
    client_list: Vec<Client>,
    endpoints: HashMap<Endpoint, usize, RandomState>,
    endpoint_list: Vec<Endpoint>,
    /// What was asked for before it was folded by its number, to fold it once.
    asked: HashMap<Target, usize, RandomState>,
    trees: BTreeMap<Text, PathTree>,
    done: IndexMap<Key, (Activity, Places), RandomState>,
    /// Pages whose assets browsers loaded.
    pages: BTreeSet<Page>,
    /// The names of queries so far, and of servers behind this one.
    queries: Numbered,
    behind: Numbered,
    limited: Option<(Place, u64)>,
    /// Where paths began to be folded for their number.
    deep: Option<Place>,
    /// Who is told as one.
    crowds: BTreeMap<Text, Crowd>,
    nobody: Option<(Place, u64)>,
    heard: bool,
}

impl Requests {
    /// Of a stream.
    pub fn new(vantage: Text, stated: Option<Text>, anonymous: Text, reading: Reading) -> Requests {
        Requests {
            vantage,
            stated,
            anonymous,
            reading,
            span: None,
            clients: HashMap::default(),
            client_list: Vec::new(),
            endpoints: HashMap::default(),
            endpoint_list: Vec::new(),
            asked: HashMap::default(),
            trees: BTreeMap::new(),
            done: IndexMap::default(),
            pages: BTreeSet::new(),
            queries: Numbered::new(MAX_QUERIES),
            behind: Numbered::new(MAX_BEHIND),
            limited: None,
            deep: None,
            crowds: BTreeMap::new(),
            nobody: None,
            heard: false,
        }
    }

    /// With what its blocks are read.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Whether any request was told.
    pub fn heard(&self) -> bool {
        self.heard
    }

    /// Hears the requests of the next block of the stream.
    pub fn hear(&mut self, digest: Digest, place: &dyn Fn(u64) -> Place) {
        self.heard |= digest.count > 0;
        if let Some(span) = digest.within {
            self.span = Some(self.span.map_or(span, |known| known.cover(span)));
        }
        if let Some((line, more)) = digest.nobody {
            let (_, count) = self.nobody.get_or_insert_with(|| (place(line), 0));
            *count += more;
        }
        let clients = self.hear_clients(&digest, place);
        for page in digest.pages {
            if self.pages.len() < MAX_PAGES {
                self.pages.insert(page);
            }
        }
        let endpoints: Vec<usize> =
            digest.targets.into_iter().map(|(target, line)| self.endpoint(target, place, line)).collect();
        for done in digest.done {
            let query = done.query.map(|names| self.queries.of(&names));
            let behind = done.behind.map(|name| self.behind.of(&name));
            let (client, endpoint) = (clients[done.client], endpoints[done.target]);
            // Clients and endpoints have limits that fit.
            let (client, endpoint) = (client as u32, endpoint as u32);
            let key = Key { client, endpoint, outcome: done.outcome, query, behind, sent: done.sent };
            let (activity, places) = self.done.entry(key).or_default();
            for moment in done.moments {
                activity.add(moment.stamp, 0, moment.micros);
                places.add(Some(moment.stamp), place(moment.line));
            }
        }
    }

    /// The numbers of a digest's clients.
    fn hear_clients(&mut self, digest: &Digest, place: &dyn Fn(u64) -> Place) -> Vec<usize> {
        let mut numbers = Vec::with_capacity(digest.clients.len());
        let mut beyond = vec![false; digest.clients.len()];
        for (index, (client, line)) in digest.clients.iter().enumerate() {
            let mut client = client.clone();
            if !self.clients.contains_key(&client) && self.client_list.len() >= MAX_CLIENTS {
                self.limited.get_or_insert_with(|| (place(*line), 0));
                client.0 = Actor::new().with(MentionKind::Application, OTHERS);
                beyond[index] = true;
            }
            let list = &mut self.client_list;
            let number = *self.clients.entry(client).or_insert_with_key(|client| {
                list.push(client.clone());
                list.len() - 1
            });
            numbers.push(number);
        }
        for (index, address, count) in &digest.addresses {
            if let (true, Some((_, all))) = (beyond[*index], &mut self.limited) {
                *all += count;
            }
            if let Some(name) = request::crowd(&self.client_list[numbers[*index]].0) {
                self.crowds.entry(name.clone()).or_default().add_many(address, *count);
            }
        }
        numbers
    }

    /// The number of the endpoint of a target, its path folded as far as is known now.
    fn endpoint(&mut self, target: Target, place: &dyn Fn(u64) -> Place, line: u64) -> usize {
        if let Some(known) = self.asked.get(&target) {
            return *known;
        }
        let server = self.stated.clone().or_else(|| target.host.clone());
        let server = server.unwrap_or_else(|| self.anonymous.clone());
        let tree = self.trees.entry(server.clone()).or_default();
        let path = Text::from(tree.add(&target.path));
        if tree.limited() {
            self.deep.get_or_insert_with(|| place(line));
        }
        let list = &mut self.endpoint_list;
        let number =
            *self.endpoints.entry((server, target.method.clone(), path)).or_insert_with_key(|endpoint| {
                list.push(endpoint.clone());
                list.len() - 1
            });
        if self.asked.len() < MAX_ASKED {
            self.asked.insert(target, number);
        }
        number
    }

    /// States everything heard.
    pub fn finish(self, format: &About, of: Mention, out: &mut Evidence) {
        if let Some((place, count)) = &self.limited {
            let detail = "MAX_CLIENTS: more clients than are told apart; the rest are one";
            out.add_gap(Gap { count: *count, ..Gap::new(place.clone(), GapCode::Limit, detail) });
        }
        if let Some((place, count)) = &self.nobody {
            let detail = "requests of which the line does not say from whom; they are left out";
            out.add_gap(Gap { count: *count, ..Gap::new(place.clone(), GapCode::UnknownSession, detail) });
        }
        if let Some(place) = &self.deep {
            let detail = "PLACES_KEPT_APART: more paths than are told apart; their last parts are folded";
            out.add_gap(Gap::new(place.clone(), GapCode::Limit, detail));
        }
        // What only served to tell things apart goes before anything is made of the rest.
        let Requests { crowds, trees, done, client_list, endpoint_list, vantage, .. } = self;
        drop((self.asked, self.clients, self.endpoints));
        for (name, crowd) in crowds {
            out.add_crowd(name, crowd);
        }
        out.add_vantage(Vantage {
            id: vantage.clone(),
            kind: Text::from(format.name),
            of,
            zone: Zone { name: Text::from("as stamped"), known: true },
            spans: self.span.into_iter().collect(),
            // What bypasses the server, or what it was told not to log, nothing in the log says.
            sees: Sees::Unknown,
            lost: 0,
            sessions: SessionSketch::default(),
            tried: format.provenance != Provenance::Documented,
        });
        let pages: BTreeSet<(&str, Option<&Text>)> =
            self.pages.iter().map(|(_, path, query)| (path.as_str(), query.as_ref())).collect();
        let served = |(server, method, path): &Endpoint| {
            let path = trees.get(server).map_or(path.to_string(), |tree| tree.fold(path));
            let resource = request::endpoint(server, method, &path);
            (Shape::of_request(&resource.parts[0]), resource, path)
        };
        // One endpoint is named by many uses: its texts are made once.
        let endpoints: Vec<(Shape, Resource, String)> = endpoint_list.iter().map(served).collect();
        out.expect_uses(done.len());
        for (key, (activity, places)) in done {
            let (actor, class) = &client_list[key.client as usize];
            let (shape, resource, path) = &endpoints[key.endpoint as usize];
            let query = key.query.and_then(|it| self.queries.name(it));
            let shown = (path.as_str(), query.as_ref());
            let method = &*endpoint_list[key.endpoint as usize].1;
            let page = *class == Class::Browsing && method == "GET" && pages.contains(&shown);
            let page = page.then(|| Trait::named(request::PAGE));
            let query = query.map(|names| Trait::valued(request::QUERY, names));
            let behind = key
                .behind
                .and_then(|it| self.behind.name(it))
                .map(|name| Trait::valued(request::BEHIND, name));
            let sent = key.sent.then(|| Trait::named(request::REDIRECTED));
            let what = What {
                vantage: vantage.clone(),
                actor: actor.clone(),
                action: Action::Call,
                shape: shape.clone(),
                resource: resource.clone(),
                outcome: key.outcome,
                class: request::class_of(*class, method, path),
                scope: Scope::Production,
                basis: Basis::Observed,
                confidence: Confidence::High,
                traits: page.into_iter().chain(query).chain(behind).chain(sent).collect(),
            };
            out.add_use(Use { what, activity, places });
        }
    }
}
