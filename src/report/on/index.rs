//! A report with its rows found by number: whose links, links to what, what is a part of what, which view is computed
//! from what. It is built once for a question and concludes nothing.

use super::super::{EntityRow, LinkRow, Report};
use std::collections::{BTreeSet, HashMap};

/// How many entities deep a resource is followed to what it is a part of.
const MAX_PARTS: usize = 8;

/// Rows by number.
pub(in crate::report) struct Index<'a> {
    /// The report.
    pub report: &'a Report,
    by_id: HashMap<&'a str, usize, foldhash::fast::FixedState>,
    /// By entity: what it is a part of.
    whole: Vec<Option<usize>>,
    /// By entity: its parts.
    parts: Vec<Vec<usize>>,
    /// By entity: the views that are computed from it.
    views: Vec<Vec<usize>>,
    /// By entity: its links as a consumer, those that count.
    does: Vec<Vec<usize>>,
    /// By entity: the links to it as a resource, those that count.
    done: Vec<Vec<usize>>,
}

/// Whether a link is use: it worked, and production does it.
fn counts(link: &LinkRow) -> bool {
    link.outcome == "ok" && link.scope == "production"
}

impl<'a> Index<'a> {
    /// The rows of a report.
    pub fn of(report: &'a Report) -> Index<'a> {
        let by_id: HashMap<&str, usize, _> =
            report.entities.iter().enumerate().map(|(at, entity)| (entity.id.as_str(), at)).collect();
        let lists = || vec![Vec::new(); report.entities.len()];
        let (mut parts, mut views, mut does, mut done) = (lists(), lists(), lists(), lists());
        let mut whole = vec![None; report.entities.len()];
        for (at, entity) in report.entities.iter().enumerate() {
            if let Some(of) = entity.part_of.as_deref().and_then(|of| by_id.get(of)) {
                whole[at] = Some(*of);
                parts[*of].push(at);
            }
            for base in entity.derives_from.iter().filter_map(|base| by_id.get(base.as_str())) {
                views[*base].push(at);
            }
        }
        for (at, link) in report.links.iter().enumerate().filter(|(_, link)| counts(link)) {
            if let (Some(consumer), Some(resource)) = (by_id.get(&*link.consumer), by_id.get(&*link.resource))
            {
                does[*consumer].push(at);
                done[*resource].push(at);
            }
        }
        Index { report, by_id, whole, parts, views, does, done }
    }

    /// The number of an id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The row of a number.
    pub fn entity(&self, at: usize) -> &'a EntityRow {
        &self.report.entities[at]
    }

    /// The id of a number.
    pub fn id(&self, at: usize) -> &'a str {
        &self.entity(at).id
    }

    /// What a consumer does.
    pub fn does(&self, consumer: usize) -> impl Iterator<Item = &'a LinkRow> {
        self.does[consumer].iter().map(|link| &self.report.links[*link])
    }

    /// What is done to a resource itself.
    pub fn done(&self, resource: usize) -> impl Iterator<Item = &'a LinkRow> {
        self.done[resource].iter().map(|link| &self.report.links[*link])
    }

    /// Whether somebody uses it.
    pub fn is_used(&self, at: usize) -> bool {
        !self.done[at].is_empty() || !self.parts[at].is_empty()
    }

    /// Whether it uses something.
    pub fn is_consumer(&self, at: usize) -> bool {
        !self.does[at].is_empty()
    }

    /// A resource with all its parts, and theirs.
    pub fn with_parts(&self, all: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        let mut open: Vec<usize> = all.into_iter().collect();
        while let Some(at) = open.pop() {
            if seen.insert(at) {
                open.extend(&self.parts[at]);
            }
        }
        seen
    }

    /// What a resource is a part of, from the inside out.
    pub fn wholes(&self, at: usize) -> Vec<usize> {
        let mut chain = Vec::new();
        let mut at = self.whole[at];
        while let Some(of) = at.filter(|_| chain.len() < MAX_PARTS) {
            chain.push(of);
            at = self.whole[of];
        }
        chain
    }

    /// The views that are computed from these, directly or over others, each with what it is computed from here.
    pub fn views_over(&self, all: &BTreeSet<usize>) -> Vec<(usize, usize)> {
        let mut seen: BTreeSet<usize> = all.clone();
        let mut open: Vec<usize> = all.iter().copied().collect();
        let mut found = Vec::new();
        while let Some(base) = open.pop() {
            for view in &self.views[base] {
                if seen.insert(*view) {
                    found.push((*view, base));
                    open.push(*view);
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// Whether it is a view of which is known what it is computed from.
    pub fn is_view(&self, at: usize) -> bool {
        !self.entity(at).derives_from.is_empty()
    }

    /// What a view is computed from.
    pub fn bases(&self, view: usize) -> impl Iterator<Item = usize> {
        self.entity(view).derives_from.iter().filter_map(|base| self.find(base))
    }

    /// The endpoints that a service serves.
    pub fn serves(&self, service: usize) -> impl Iterator<Item = usize> {
        self.parts[service].iter().copied().filter(|part| self.entity(*part).kind == "endpoint")
    }
}

/// The system part of an id: between the kind and the first slash.
pub(super) fn system_of(id: &str) -> &str {
    let rest = id.split_once(':').map_or(id, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
