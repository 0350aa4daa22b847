//! Which links an answer may need, told before they are made: those that the steps from a question's resources, or its
//! consumer, come by, and one of each other resource and consumer, so that a pattern means what it means in the whole. It
//! may take in more than is needed, never less.

use super::pick::{Named, pick};
use super::{MAX_STEPS, Question};
use crate::evidence::{Action, Outcome, Scope};
use crate::resolve::{EntityId, LinkKey, Outline};
use std::collections::BTreeSet;

/// How many entities deep a part is followed to its whole.
const MAX_PARTS: usize = 8;

fn gives(link: &LinkKey) -> bool {
    matches!(link.action, Action::Write | Action::Export | Action::Publish)
}

fn takes(link: &LinkKey) -> bool {
    matches!(link.action, Action::Read | Action::Import | Action::Consume | Action::Call)
}

/// Whether a link is use.
fn counts(link: &LinkKey) -> bool {
    link.outcome == Outcome::Ok && link.scope == Scope::Production
}

impl Named for Outline<'_> {
    fn count(&self) -> usize {
        self.entities.len()
    }

    fn id(&self, at: usize) -> &str {
        &self.entities[at].id
    }

    fn is_called(&self, at: usize, kind: &str, name: &str) -> bool {
        let mut mentions = self.entities[at].mentions.keys();
        mentions.any(|mention| mention.kind.word() == kind && &*mention.text == name)
    }
}

/// An outline by entity.
struct Map<'a> {
    outline: &'a Outline<'a>,
    does: Vec<Vec<u32>>,
    done: Vec<Vec<u32>>,
    parts: Vec<Vec<u32>>,
    /// The views that are computed from it.
    views: Vec<Vec<u32>>,
    chosen: Vec<bool>,
}

impl<'a> Map<'a> {
    fn of(outline: &'a Outline<'a>) -> Map<'a> {
        let lists = || vec![Vec::new(); outline.entities.len()];
        let (mut does, mut done, mut parts, mut views) = (lists(), lists(), lists(), lists());
        let mut chosen = vec![false; outline.links.len()];
        let mut met: Vec<(bool, bool)> = vec![(false, false); outline.entities.len()];
        for (at, link) in outline.links.iter().enumerate() {
            does[link.consumer.0].push(at as u32);
            done[link.resource.0].push(at as u32);
            if counts(link) {
                // One of each says that it is there.
                chosen[at] = !met[link.consumer.0].0 || !met[link.resource.0].1;
                met[link.consumer.0].0 = true;
                met[link.resource.0].1 = true;
            }
        }
        for (at, entity) in outline.entities.iter().enumerate() {
            if let Some(whole) = entity.part_of {
                parts[whole.0].push(at as u32);
            }
        }
        for (view, bases) in outline.views {
            bases.iter().for_each(|base| views[base.0].push(view.0 as u32));
        }
        Map { outline, does, done, parts, views, chosen }
    }

    fn is_used(&self, at: usize) -> bool {
        !self.parts[at].is_empty() || self.counted(&self.done[at])
    }

    fn is_consumer(&self, at: usize) -> bool {
        self.counted(&self.does[at])
    }

    fn counted(&self, links: &[u32]) -> bool {
        links.iter().any(|link| counts(&self.outline.links[*link as usize]))
    }

    /// These, and what hangs on them directly or over others.
    fn grown(from: impl IntoIterator<Item = usize>, by: &[Vec<u32>]) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<usize> = from.into_iter().collect();
        while let Some(at) = open.pop() {
            if seen.insert(at) {
                open.extend(by[at].iter().map(|next| *next as usize));
            }
        }
        seen
    }

    /// Chooses links that fit, and says what stands at their other ends.
    fn choose(
        &mut self,
        links: &[u32],
        fits: impl Fn(&LinkKey) -> bool,
        end: impl Fn(&LinkKey) -> EntityId,
        ends: &mut BTreeSet<usize>,
    ) {
        for at in links {
            let link = &self.outline.links[*at as usize];
            if fits(link) {
                self.chosen[*at as usize] = true;
                ends.insert(end(link).0);
            }
        }
    }

    /// From resources to everybody behind them.
    fn up(&mut self, found: Vec<usize>, depth: usize) {
        let mut at = Map::grown(found, &self.parts);
        let mut seen = BTreeSet::new();
        for step in 1..=depth + 1 {
            at = Map::grown(at, &self.views);
            let mut takers = BTreeSet::new();
            for resource in &at {
                let done = std::mem::take(&mut self.done[*resource]);
                self.choose(&done, |_| true, |link| link.consumer, &mut BTreeSet::new());
                self.choose(&done, |link| counts(link) && takes(link), |link| link.consumer, &mut takers);
                self.done[*resource] = done;
            }
            if step > depth {
                return;
            }
            seen.extend(at);
            let mut next = BTreeSet::new();
            for taker in takers {
                let does = std::mem::take(&mut self.does[taker]);
                self.choose(&does, gives, |link| link.resource, &mut next);
                self.does[taker] = does;
                let parts = self.parts[taker].iter().map(|part| *part as usize);
                next.extend(parts.filter(|part| self.outline.entities[*part].kind == "endpoint"));
                next.extend((self.outline.entities[taker].kind == "job").then_some(taker));
            }
            at = &next - &seen;
        }
    }

    /// From consumers to all they stand on.
    fn down(&mut self, found: Vec<usize>, depth: usize) {
        let bases = self.bases();
        let mut at: BTreeSet<usize> = found.into_iter().collect();
        let mut seen = at.clone();
        for step in 1..=depth + 1 {
            let mut taken = BTreeSet::new();
            for consumer in &at {
                let does = std::mem::take(&mut self.does[*consumer]);
                self.choose(&does, |_| true, |link| link.resource, &mut BTreeSet::new());
                self.choose(&does, |link| counts(link) && takes(link), |link| link.resource, &mut taken);
                self.does[*consumer] = does;
            }
            if step > depth {
                return;
            }
            let mut next = BTreeSet::new();
            for resource in Map::grown(taken, &bases) {
                let done = std::mem::take(&mut self.done[resource]);
                self.choose(&done, gives, |link| link.consumer, &mut next);
                self.done[resource] = done;
                let part_of = |at: &EntityId| self.outline.entities[at.0].part_of;
                let wholes = std::iter::successors(Some(EntityId(resource)), part_of).take(MAX_PARTS + 1);
                next.extend(wholes.map(|whole| whole.0).filter(|whole| self.is_consumer(*whole)));
            }
            at = &next - &seen;
            seen.extend(&at);
        }
    }

    /// By view: what it is computed from.
    fn bases(&self) -> Vec<Vec<u32>> {
        let mut all = vec![Vec::new(); self.outline.entities.len()];
        for (view, bases) in self.outline.views {
            all[view.0] = bases.iter().map(|base| base.0 as u32).collect();
        }
        all
    }
}

/// The links of an outline that the answer to a question may need.
pub fn touch(outline: &Outline<'_>, question: &Question) -> Vec<bool> {
    let mut map = Map::of(outline);
    let fits = |at: usize| if question.reverse { map.is_consumer(at) } else { map.is_used(at) };
    let found = pick(outline, &question.pattern, &fits);
    let depth = question.depth.clamp(1, MAX_STEPS);
    if question.reverse {
        map.down(found, depth);
    } else {
        map.up(found, depth);
    }
    map.chosen
}
