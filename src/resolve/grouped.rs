//! Uses that come by the group, without their moments: whose they are is told once for all that one actor did at one
//! system, and their links are made only where a question touches them. Where statements or moments have a say in whose
//! an act is, it says so, and they must be told apart; it never guesses.

use super::consumers::Book;
use super::hops::Hops;
use super::links::{self, Ground};
use super::names::Names;
use super::observed::{self, Peers, Verdict};
use super::views::makes_view;
use super::{Again, EntityId, Link, LinkKey};
use crate::evidence::{
    Action, Activity, Actor, Confidence, Group, Groups, Outcome, Places, ResourceKind, SHAPES_KEPT, Use, What,
};
use foldhash::fast::FixedState;
use indexmap::IndexSet;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A use for all of a group.
fn example(group: Group<'_>) -> Use {
    Use { what: group.what(), activity: Activity::none(), places: Places::default() }
}

/// The uses with an example of each kind of group among them, from which the same is learned as from all: the first of
/// each actor, resource and manner. Beside them, which are examples.
pub(super) fn with_examples(uses: Vec<Use>, groups: &Groups) -> (Vec<Use>, Vec<bool>) {
    // Who does what at which server and database, and how.
    let mut met: HashSet<(usize, usize, usize, Action), FixedState> = HashSet::default();
    let mut things: HashSet<usize, FixedState> = HashSet::default();
    let mut places: IndexSet<_, FixedState> = IndexSet::default();
    let mut place_of: HashMap<usize, usize, FixedState> = HashMap::default();
    let mut all = Vec::with_capacity(uses.len());
    let mut uses = uses.into_iter().peekable();
    for group in groups.iter() {
        let place = *place_of.entry(group.thing()).or_insert_with(|| {
            let resource = group.resource();
            places.insert_full((resource.server.clone(), resource.database.clone())).0
        });
        let new = met.insert((group.who(), place, group.manner(), group.action()));
        if things.insert(group.thing()) || new {
            while let Some(it) = uses.next_if(|it| group.order(&it.what).is_ge()) {
                all.push((it, false));
            }
            all.push((example(group), true));
        }
    }
    all.extend(uses.map(|it| (it, false)));
    all.into_iter().unzip()
}

/// Whether the groups say enough; else what must be told apart.
pub(super) fn check(
    groups: &Groups,
    uses: &[Use],
    names: &Names,
    hops: &Hops,
    book: &Book,
) -> Result<(), Again> {
    if groups.is_empty() {
        return Ok(());
    }
    // Addresses change hands from one moment to the next, and statements beyond the limit are told as one.
    if names.has_leases() || has_too_many(groups, uses) {
        return Err(Again::Whole);
    }
    let views: HashSet<u64, FixedState> = uses
        .iter()
        .filter(|it| it.what.action == Action::Touch && makes_view(&it.what.shape.sample))
        .map(|it| it.what.shape.fingerprint)
        .collect();
    let mut apart: HashSet<Actor, FixedState> = HashSet::default();
    let mut before = None;
    for group in groups.iter() {
        let actor = group.actor();
        if before.replace(group.who()) != Some(group.who()) {
            let doubtful = observed::is_doubtful(actor, book) || hops.may_stand_before(actor, names);
            if doubtful {
                apart.insert(actor.clone());
            }
        }
        let written = |shape: &u64| *shape != 0 && book.writers_of_shape(*shape).is_some();
        let by_text = !group.is_named() && group.shapes().iter().any(written);
        if by_text || (!views.is_empty() && group.shapes().iter().any(|shape| views.contains(shape))) {
            apart.insert(actor.clone());
        }
    }
    if apart.is_empty() { Ok(()) } else { Err(Again::Apart(apart.into_iter().collect())) }
}

/// Whether any group has more statements than are kept.
fn has_too_many(groups: &Groups, uses: &[Use]) -> bool {
    let mut kept = uses.iter().peekable();
    let mut before: Option<Group<'_>> = None;
    let mut count = 0;
    for group in groups.iter() {
        if before.is_none_or(|before| !before.is_same(group)) {
            count = 0;
            while kept.next_if(|it| group.order(&it.what).is_gt()).is_some() {}
            while kept.next_if(|it| group.order(&it.what).is_eq()).is_some() {
                count += 1;
            }
        }
        count += group.shapes().len();
        if count > SHAPES_KEPT {
            return true;
        }
        before = Some(group);
    }
    false
}

/// A link that may be made of a group.
struct Thin {
    key: LinkKey,
    confidence: Confidence,
    group: u32,
}

/// What was found of groups so far.
pub(super) struct Grouped<'a> {
    groups: &'a Groups,
    /// How far those with a login are told, and those without.
    named: usize,
    nameless: usize,
    systems: IndexSet<String, FixedState>,
    /// By resource and manner: at which system, which entity, and how sure that is.
    places: HashMap<(usize, usize), (usize, EntityId, Confidence), FixedState>,
    /// By actor, system, manner, and whether it is a request.
    verdicts: HashMap<(usize, usize, usize, bool), Verdict, FixedState>,
    links: Vec<Thin>,
}

impl<'a> Grouped<'a> {
    pub(super) fn new(groups: &'a Groups) -> Grouped<'a> {
        Grouped {
            groups,
            named: 0,
            nameless: 0,
            systems: IndexSet::default(),
            places: HashMap::default(),
            verdicts: HashMap::default(),
            links: Vec::with_capacity(groups.len()),
        }
    }

    /// Tells all groups of those with, or without, a login that come before a use: nobody is met in another order than where
    /// all are told apart.
    pub(super) fn up_to(
        &mut self,
        what: Option<&What>,
        named: bool,
        ground: &Ground<'_>,
        book: &mut Book,
        peers: &mut Peers,
    ) {
        let groups = self.groups;
        let mut at = if named { self.named } else { self.nameless };
        while at < groups.len() {
            let group = groups.get(at);
            if what.is_some_and(|what| group.order(what).is_gt()) {
                break;
            }
            if group.is_named() == named {
                self.observe(group, at as u32, ground, book, peers);
            }
            at += 1;
        }
        *(if named { &mut self.named } else { &mut self.nameless }) = at;
    }

    fn observe(
        &mut self,
        group: Group<'_>,
        number: u32,
        ground: &Ground<'_>,
        book: &mut Book,
        peers: &mut Peers,
    ) {
        let names = ground.names;
        let (system, resource, sure) = self.place(group, ground, book);
        let request = group.resource().kind == ResourceKind::Endpoint;
        let by_peer = if group.is_named() {
            None
        } else {
            peers.attribute(
                &links::seen_there(example(group), names),
                resource,
                &self.systems[system],
                names,
                book,
            )
        };
        let (verdict, resource) = by_peer.unwrap_or_else(|| {
            let key = (group.who(), system, group.manner(), request);
            let known = self.verdicts.get(&key).copied();
            let verdict = known.unwrap_or_else(|| {
                let it = links::seen_there(example(group), names);
                let verdict = observed::attribute(&it, &self.systems[system], None, ground, book);
                self.verdicts.insert(key, verdict);
                verdict
            });
            (verdict, resource)
        });
        if group.is_named() && group.outcome() == Outcome::Ok && peers.is_listening() {
            let mut it = links::seen_there(example(group), names);
            for shape in group.shapes() {
                it.what.shape.fingerprint = *shape;
                peers.seen(&it, &self.systems[system], names, verdict.entity, resource);
            }
        }
        let key = LinkKey {
            consumer: verdict.entity,
            action: group.action(),
            resource,
            class: links::class(verdict.entity, group.class(), book).unwrap_or(group.class()),
            outcome: group.outcome(),
            scope: group.scope(),
        };
        let confidence = verdict.confidence.min(sure);
        self.links.push(Thin { key, confidence, group: number });
    }

    /// The system and the entity of what something was done to, and how sure that is.
    fn place(
        &mut self,
        group: Group<'_>,
        ground: &Ground<'_>,
        book: &mut Book,
    ) -> (usize, EntityId, Confidence) {
        let key = (group.thing(), group.manner());
        if let Some(known) = self.places.get(&key) {
            return *known;
        }
        let it = links::seen_there(example(group), ground.names);
        let (system, resource, sure) = links::place(&it, ground, book);
        let place = (self.systems.insert_full(system).0, resource, sure);
        self.places.insert(key, place);
        place
    }

    /// What makes the links, those of groups and those that are made already: each once.
    pub(super) fn keys(&mut self, links: &BTreeMap<LinkKey, Link>) -> Vec<LinkKey> {
        self.links.sort_unstable_by_key(|thin| (thin.key, thin.group));
        let mut keys: Vec<LinkKey> = links.keys().copied().collect();
        keys.extend(self.links.iter().map(|thin| thin.key));
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Makes the links that are touched, of [`Grouped::keys`].
    pub(super) fn make(
        self,
        keys: &[LinkKey],
        touched: &[bool],
        links: &mut BTreeMap<LinkKey, Link>,
        names: &Names,
    ) {
        let mut at = 0;
        for Thin { key, confidence, group } in self.links {
            while keys.get(at).is_some_and(|other| *other < key) {
                at += 1;
            }
            if touched.get(at) != Some(&true) {
                continue;
            }
            let group = self.groups.get(group as usize);
            let it = Use { activity: group.activity(), ..example(group) };
            links::add(links, names, it, (key.consumer, key.resource), confidence, None, Some(key.class));
        }
    }
}
