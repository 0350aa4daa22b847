//! Requests of access logs, for every format: who asked for which endpoint, and how it ended. A request stands
//! for itself, so nothing is kept between lines but what they add up to. It never decides whose address it is.

use super::{Request, Who};
use crate::collect::Window;
use crate::evidence::{
    About, Action, Activity, Actor, Basis, Class, Confidence, Crowd, Evidence, Gap, GapCode, Mention,
    Outcome, PathTree, Place, Places, Provenance, Scope, Sees, SessionSketch, Shape, Span, Stamp, Text,
    Trait, Use, Vantage, What, Zone, request,
};
use crate::settings::Networks;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

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

/// Endings of what a page loads beside itself. A browser asks for an icon (`.ico`) whatever it shows.
const ASSETS: [&str; 13] = [
    ".css", ".js", ".mjs", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".woff", ".woff2",
    ".ttf",
];

fn is_asset(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ASSETS.iter().any(|ending| path.ends_with(ending))
}

/// Who asked for what, and how it ended: a client, an endpoint, an outcome, with which names in the
/// query, and whether it was sent elsewhere.
type Key = (usize, usize, Outcome, Option<Text>, bool);

/// The requests of one stream.
pub struct Requests {
    vantage: Text,
    /// The server the log is of, where that is stated; else each line may name its own.
    stated: Option<Text>,
    anonymous: Text,
    ours: Networks,
    window: Window,
    span: Option<Span>,
    clients: HashMap<(Actor, Class), usize>,
    client_list: Vec<(Actor, Class)>,
    endpoints: HashMap<(Text, Text, String), usize>,
    /// What was asked for as written, to fold it once.
    asked: HashMap<(Text, Text, Text), usize>,
    endpoint_list: Vec<(Text, Text, String)>,
    trees: BTreeMap<Text, PathTree>,
    done: HashMap<Key, (Activity, Places)>,
    /// Pages whose assets browsers loaded: by the host they name, the paths, and the names in their queries.
    pages: BTreeMap<Text, BTreeSet<(String, Option<Text>)>>,
    /// The names of queries so far.
    queries: BTreeSet<Text>,
    page_count: usize,
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
    pub fn new(
        vantage: Text,
        stated: Option<Text>,
        anonymous: Text,
        ours: Networks,
        window: Window,
    ) -> Requests {
        Requests {
            vantage,
            stated,
            anonymous,
            ours,
            window,
            span: None,
            clients: HashMap::new(),
            client_list: Vec::new(),
            endpoints: HashMap::new(),
            asked: HashMap::new(),
            endpoint_list: Vec::new(),
            trees: BTreeMap::new(),
            done: HashMap::new(),
            pages: BTreeMap::new(),
            queries: BTreeSet::new(),
            page_count: 0,
            limited: None,
            deep: None,
            crowds: BTreeMap::new(),
            nobody: None,
            heard: false,
        }
    }

    /// Whether any request was told.
    pub fn heard(&self) -> bool {
        self.heard
    }

    /// Hears the next request of the stream.
    pub fn tell(&mut self, who: &Who, request: &Request, stamp: Stamp, place: Place) {
        self.heard = true;
        if !self.window.holds(stamp) {
            return;
        }
        let span = Span::at(stamp);
        self.span = Some(self.span.map_or(span, |known| known.cover(span)));
        let Some(client) = self.client(who, request, &place) else { return };
        self.remember_page(self.client_list[client].1, request);
        let server = self.stated.clone().or_else(|| request.host.clone());
        let server = server.unwrap_or_else(|| self.anonymous.clone());
        let endpoint = self.endpoint(server, request, &place);
        let query = request.query.clone().map(|names| self.query(names));
        let (outcome, sent) = (request::outcome(request.status), request::redirects(request.status));
        let key = (client, endpoint, outcome, query, sent);
        let (activity, places) = self.done.entry(key).or_default();
        activity.add(stamp, 0, request.micros);
        places.add(Some(stamp), place);
    }

    /// The endpoint of a request, its path folded as far as is known now.
    fn endpoint(&mut self, server: Text, request: &Request, place: &Place) -> usize {
        let asked = (server, request.method.clone(), request.path.clone());
        if let Some(known) = self.asked.get(&asked) {
            return *known;
        }
        let (server, method, path) = asked.clone();
        let tree = self.trees.entry(server.clone()).or_default();
        let path = tree.add(&crate::evidence::fold_path(&path));
        if tree.limited() {
            self.deep.get_or_insert_with(|| place.clone());
        }
        let next = self.endpoint_list.len();
        let number = *self.endpoints.entry((server.clone(), method.clone(), path.clone())).or_insert(next);
        if number == next {
            self.endpoint_list.push((server, method, path));
        }
        if self.asked.len() < MAX_ASKED {
            self.asked.insert(asked, number);
        }
        number
    }

    /// The names of a query; beyond so many different ones they are not told apart.
    fn query(&mut self, names: Text) -> Text {
        if self.queries.len() >= MAX_QUERIES && !self.queries.contains(&names) {
            return Text::from("…");
        }
        self.queries.insert(names.clone());
        names
    }

    /// Whom a request is from; `None`: the line does not say.
    fn client(&mut self, who: &Who, request: &Request, place: &Place) -> Option<usize> {
        let is_ours = |address| self.ours.hold(address);
        let peer: Option<IpAddr> = who.client.parse().ok();
        let behind = peer.map(|peer| request::client(peer, &request.forwarded_for, &is_ours));
        let shown = behind.map_or(who.client.to_string(), |address| address.to_string());
        let some = |text: &Text| (!text.is_empty()).then(|| text.clone());
        let (principal, program) = (some(&who.user), some(&who.application));
        if shown.is_empty() && principal.is_none() {
            let (_, count) = self.nobody.get_or_insert_with(|| (place.clone(), 0));
            *count += 1;
            return None;
        }
        // A name instead of an address was looked up by the server: it is known by name.
        let ours = behind.is_none_or(is_ours);
        let class = program.as_deref().map_or(Class::App, request::class);
        let mut key = (request::actor(&shown, ours, principal.as_ref(), program.as_ref()), class);
        if !self.clients.contains_key(&key) && self.client_list.len() >= MAX_CLIENTS {
            let (_, count) = self.limited.get_or_insert_with(|| (place.clone(), 0));
            *count += 1;
            key.0 = Actor::new().with(crate::evidence::MentionKind::Application, OTHERS);
        }
        if let Some(name) = request::crowd(&key.0) {
            self.crowds.entry(name.clone()).or_default().add(&shown);
        }
        if let Some(known) = self.clients.get(&key) {
            return Some(*known);
        }
        let number = self.client_list.len();
        self.client_list.push(key.clone());
        self.clients.insert(key, number);
        Some(number)
    }

    /// What a browser loads beside a page names that page: it was shown to somebody.
    fn remember_page(&mut self, class: Class, request: &Request) {
        let Some(page) = request.referrer.as_ref().filter(|_| class == Class::Browsing) else { return };
        // A style sheet loads pictures too, and is no page.
        if !is_asset(&request.path) || is_asset(&page.path) || self.page_count >= MAX_PAGES {
            return;
        }
        let own = request.host.as_deref().is_none_or(|own| {
            let bare = |name: &str| name.split(':').next().unwrap_or(name).to_owned();
            bare(own) == bare(&page.host)
        });
        if own {
            let shown = (crate::evidence::fold_path(&page.path), page.query.clone());
            let new = self.pages.entry(page.host.clone()).or_default().insert(shown);
            self.page_count += usize::from(new);
        }
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
        for (name, crowd) in self.crowds {
            out.add_crowd(name, crowd);
        }
        out.add_vantage(Vantage {
            id: self.vantage.clone(),
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
        let pages: BTreeSet<&(String, Option<Text>)> = self.pages.values().flatten().collect();
        for ((client, endpoint, outcome, query, sent), (activity, places)) in &self.done {
            let (actor, class) = &self.client_list[*client];
            let (server, method, path) = &self.endpoint_list[*endpoint];
            let path = self.trees.get(server).map_or(path.clone(), |tree| tree.fold(path));
            let resource = request::endpoint(server, method, &path);
            let shown = (path, query.clone());
            let page = *class == Class::Browsing && &**method == "GET" && pages.contains(&shown);
            let page = page.then(|| Trait::named(request::PAGE));
            let query = query.clone().map(|names| Trait::valued(request::QUERY, names));
            let sent = sent.then(|| Trait::named(request::REDIRECTED));
            let what = What {
                vantage: self.vantage.clone(),
                actor: actor.clone(),
                action: Action::Call,
                shape: Shape::of_request(&resource.parts[0]),
                resource,
                outcome: *outcome,
                class: *class,
                scope: Scope::Production,
                basis: Basis::Observed,
                confidence: Confidence::High,
                traits: page.into_iter().chain(query).chain(sent).collect(),
            };
            out.add_use(Use { what, activity: activity.clone(), places: places.clone() });
        }
    }
}
