//! What explains a link: an inventory (see `entries`), or production text of the same consumer. It marks links and never
//! judges them.

use super::Stated as StatedUse;
use super::consumers::Book;
use super::entries::{Entries, system_of};
use super::names::Names;
use super::observed::sharers;
use super::tables::Tables;
use super::{EntityId, Link, Resolved, Sleep, Speaks};
use crate::evidence::{Action, Basis, Evidence, Mention, MentionKind, Says, Scope, Text};
use std::collections::{BTreeMap, BTreeSet};

/// Marks what explains each link and puts everything into its final order.
pub fn finish(
    evidence: &Evidence,
    names: &Names,
    tables: &Tables,
    mut book: Book,
    mut links: Vec<Link>,
    stated: Vec<StatedUse>,
    sleeps: Vec<Sleep>,
) -> Resolved {
    let entries = Entries::learn(&book, names, tables);
    let mut texts: BTreeMap<EntityId, BTreeSet<(Action, EntityId)>> = BTreeMap::new();
    // A mapped table is read and written through its class.
    let mut mapped: BTreeSet<(EntityId, EntityId)> = BTreeSet::new();
    for link in &links {
        let written = link.witnesses.iter().any(|witness| witness.basis == Basis::Written);
        if written && link.key.scope == Scope::Production {
            texts.entry(link.key.consumer).or_default().insert((link.key.action, link.key.resource));
            if link.traits.iter().any(|it| &*it.name == "orm-model") {
                mapped.insert((link.key.consumer, link.key.resource));
            }
        }
    }
    for link in &mut links {
        let (consumer, action, resource) = (link.key.consumer, link.key.action, link.key.resource);
        let says = |who: EntityId| {
            let data = matches!(action, Action::Read | Action::Write);
            (data && mapped.contains(&(who, resource)))
                || texts.get(&who).is_some_and(|said| {
                    said.contains(&(action, resource))
                        || ((action == Action::Connect
                            || matches!(
                                &*book.entities[resource.0].kind,
                                "database" | "cache" | "broker" | "lock"
                            ))
                            && on_system(&book, said, resource))
                        || book.entities[resource.0]
                            .part_of
                            .is_some_and(|whole| said.contains(&(action, whole)))
                })
        };
        link.written = says(consumer) || sharers(&book, consumer).into_iter().any(says);
        let mut held = std::iter::once(consumer).chain(sharers(&book, consumer));
        link.declared = held.any(|who| entries.state(who, link, &book, names));
    }
    exclusive_names(&mut book);
    owners(&mut book, names);
    code_owners(&mut book, evidence);
    permitted(&mut book, evidence);
    let has_inventory = evidence.facts().any(|fact| fact.about.kind == MentionKind::Declared);
    Resolved { has_inventory, ..order(book, links, stated, sleeps, entries.speak()) }
}

/// Whether anything a consumer's text says lies on the system of a resource.
fn on_system(book: &Book, said: &BTreeSet<(Action, EntityId)>, resource: EntityId) -> bool {
    let system = system_of(&book.entities[resource.0].id);
    said.iter().any(|(_, other)| system_of(&book.entities[other.0].id) == system)
}

fn owners(book: &mut Book, names: &Names) {
    for entity in &mut book.entities {
        if matches!(entity.kind.as_str(), "database" | "cache" | "broker" | "external") {
            entity.owner = names.owners.get(system_of(&entity.id)).cloned();
            entity.declared = names.is_declared_system(system_of(&entity.id));
        }
    }
}

/// What the logins and the pods of each consumer may do. It is shown and never counted.
fn permitted(book: &mut Book, evidence: &Evidence) {
    let mut may: BTreeMap<&Text, BTreeSet<(String, String)>> = BTreeMap::new();
    for fact in evidence.facts().filter(|fact| fact.scope == Scope::Production) {
        if let (MentionKind::User, Says::Permitted(what)) = (fact.about.kind, &fact.says) {
            let said = (format!("{}: {what}", fact.about.text), fact.place.to_string());
            may.entry(&fact.about.text).or_default().insert(said);
        }
    }
    for fact in evidence.facts().filter(|fact| fact.scope == Scope::Production) {
        if let (MentionKind::Container, Says::Permitted(what)) = (fact.about.kind, &fact.says)
            && let Some(entity) = book.who(&fact.about)
        {
            let said = (what.to_string(), fact.place.to_string());
            book.entities[entity.0].permitted.insert(said);
        }
    }
    if may.is_empty() {
        return;
    }
    for (index, entity) in book.entities.iter_mut().enumerate() {
        let written = book.known.get(&EntityId(index)).into_iter().flat_map(|known| known.users.keys());
        let seen =
            entity.mentions.keys().filter(|it| it.kind == MentionKind::User).map(|it| it.text.to_string());
        let logins: BTreeSet<String> = written.cloned().chain(seen).collect();
        let told = logins.iter().filter_map(|login| may.get(&Text::from(login.as_str()))).flatten();
        entity.permitted.extend(told.cloned());
    }
}

/// Who answers for what a consumer's text lies in, where nothing says who answers for the consumer itself: the owner of
/// its script, else of the nearest folder that has one. Texts of different owners have none in common.
fn code_owners(book: &mut Book, evidence: &Evidence) {
    let mut owned: BTreeMap<&Mention, &Text> = BTreeMap::new();
    for fact in evidence.facts().filter(|fact| fact.scope == Scope::Production) {
        if let (MentionKind::Component | MentionKind::Script, Says::OwnedBy(owner)) =
            (fact.about.kind, &fact.says)
        {
            owned.insert(&fact.about, owner);
        }
    }
    if owned.is_empty() {
        return;
    }
    let of = |mention: &Mention| -> Option<&Text> {
        if !matches!(mention.kind, MentionKind::Component | MentionKind::Script | MentionKind::Code) {
            return None;
        }
        if let Some(owner) = owned.get(mention) {
            return Some(owner);
        }
        let mut path = &*mention.text;
        while let Some((above, _)) = path.rsplit_once('/') {
            path = above;
            if let Some(owner) = owned.get(&Mention::new(MentionKind::Component, path)) {
                return Some(owner);
            }
        }
        owned.get(&Mention::new(MentionKind::Component, "source tree")).copied()
    };
    for entity in book.entities.iter_mut().filter(|entity| entity.owner.is_none()) {
        let owners: BTreeSet<&Text> = entity.mentions.keys().filter_map(of).collect();
        if let [only] = owners.into_iter().collect::<Vec<_>>()[..] {
            // An empty name: a rule says that nobody answers for it.
            entity.owner = Some(only.to_string()).filter(|owner| !owner.is_empty());
        }
    }
}

fn exclusive_names(book: &mut Book) {
    let mut holders: BTreeMap<Mention, usize> = BTreeMap::new();
    for entity in &book.entities {
        for mention in entity.mentions.keys() {
            *holders.entry(mention.clone()).or_default() += 1;
        }
    }
    for entity in &mut book.entities {
        entity.exclusive = entity.mentions.keys().filter(|mention| holders[*mention] == 1).cloned().collect();
    }
}

/// Numbers entities by id, so that nothing depends on the order in which they were met.
fn order(
    book: Book,
    links: Vec<Link>,
    mut stated: Vec<StatedUse>,
    mut sleeps: Vec<Sleep>,
    speaks: BTreeMap<EntityId, Speaks>,
) -> Resolved {
    let mut by_id: Vec<usize> = (0..book.entities.len()).collect();
    by_id.sort_by(|a, b| book.entities[*a].id.cmp(&book.entities[*b].id));
    let mut number = vec![EntityId(0); by_id.len()];
    for (new, old) in by_id.iter().enumerate() {
        number[*old] = EntityId(new);
    }
    let mut entities: Vec<_> = book.entities.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(entities.len());
    for old in by_id {
        let mut entity = entities[old].take().unwrap_or_default();
        entity.part_of = entity.part_of.map(|id| number[id.0]);
        entity.borrows_from = entity.borrows_from.map(|id| number[id.0]);
        entity.code_of = entity.code_of.map(|id| number[id.0]);
        ordered.push(entity);
    }
    let mut links = links;
    for link in &mut links {
        link.key.consumer = number[link.key.consumer.0];
        link.key.resource = number[link.key.resource.0];
        link.witnesses.sort_by(|a, b| {
            (a.basis, &a.vantage, &a.places, &a.sample, &a.via)
                .cmp(&(b.basis, &b.vantage, &b.places, &b.sample, &b.via))
        });
    }
    links.sort_by_key(|link| link.key);
    let mut jobs = book.jobs;
    for job in &mut jobs {
        job.entity = number[job.entity.0];
    }
    jobs.sort_by(|a, b| (a.entity, &a.place, &a.schedule).cmp(&(b.entity, &b.place, &b.schedule)));
    let mut waits = book.waits;
    for it in &mut waits {
        (it.waiting, it.first) = (number[it.waiting.0], number[it.first.0]);
    }
    waits.sort();
    for it in &mut stated {
        (it.consumer, it.resource) = (number[it.consumer.0], number[it.resource.0]);
    }
    stated.sort();
    for it in &mut sleeps {
        it.consumer = number[it.consumer.0];
        for step in [&mut it.started, &mut it.then] {
            step.1 = number[step.1.0];
        }
    }
    sleeps.sort();
    let gaps = book.gaps;
    let speaks = speaks.into_iter().map(|(consumer, kinds)| (number[consumer.0], kinds)).collect();
    Resolved { speaks, entities: ordered, links, jobs, waits, gaps, stated, sleeps, ..Resolved::default() }
}
