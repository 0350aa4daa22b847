//! Which views are computed from what: by the statements that make them, and that read at once what they are made of.

use super::{EntityId, Link};
use crate::evidence::{Action, Outcome, Scope};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Whether a statement makes a view.
pub(super) fn makes_view(sample: &str) -> bool {
    let mut words = sample.split_whitespace().map(str::to_ascii_lowercase);
    if !words.next().is_some_and(|word| matches!(word.as_str(), "create" | "alter")) {
        return false;
    }
    // CREATE OR REPLACE FORCE TEMPORARY RECURSIVE MATERIALIZED VIEW, and the engine's words between them.
    words
        .take(8)
        .find(|word| matches!(word.as_str(), "view" | "table" | "as" | "select"))
        .is_some_and(|w| w == "view")
}

/// By view: what the statements that make it compute it from. A table that is filled once from another is none.
pub fn views<'a>(links: impl Iterator<Item = &'a Link> + Clone) -> BTreeMap<EntityId, BTreeSet<EntityId>> {
    let counts = |link: &&Link| link.key.outcome == Outcome::Ok && link.key.scope == Scope::Production;
    let mut made: HashMap<(EntityId, u64), BTreeSet<EntityId>> = HashMap::new();
    for link in links.clone().filter(|link| link.key.action == Action::Touch).filter(counts) {
        for it in link.witnesses.iter().filter(|it| makes_view(&it.sample)) {
            made.entry((link.key.consumer, it.shape)).or_default().insert(link.key.resource);
        }
    }
    let mut views: BTreeMap<EntityId, BTreeSet<EntityId>> = BTreeMap::new();
    if made.is_empty() {
        return views;
    }
    for link in links.filter(|link| link.key.action == Action::Read).filter(counts) {
        for it in &link.witnesses {
            let by_it = made.get(&(link.key.consumer, it.shape)).into_iter().flatten();
            for view in by_it.filter(|view| **view != link.key.resource) {
                views.entry(*view).or_default().insert(link.key.resource);
            }
        }
    }
    views
}
