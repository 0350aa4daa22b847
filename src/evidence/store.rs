//! All that collectors stated, merged where it is made. Merging is associative and commutative: the union of
//! parts is the whole, whatever the order. It never drops a sentence without counting it.

use super::activity::Activity;
use super::crowd::Crowd;
use super::fact::Fact;
use super::gap::{Gap, GapCode};
use super::groups::Groups;
use super::mention::Text;
use super::order::{self, Heaps, Lent};
use super::place::{Place, Places};
use super::stamp::{Span, Stamp};
use super::usage::{Use, What};
use super::vantage::Vantage;
use indexmap::IndexMap;
use indexmap::map::Entry;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many shapes a (vantage, actor, action, resource …) keeps: those with the smallest fingerprints; the
/// rest fold into `other`.
pub const SHAPES_KEPT: usize = 512;

/// How an input ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputStatus {
    /// All of it was understood.
    Read,
    /// Some of it was not: see its gaps.
    Partly,
    /// It was left out on purpose: a copy of another input, or nothing for us in it.
    Skipped,
    /// It could not be read.
    Failed,
}

impl InputStatus {
    /// The word of reports.
    pub fn word(self) -> &'static str {
        match self {
            InputStatus::Read => "read",
            InputStatus::Partly => "partly",
            InputStatus::Skipped => "skipped",
            InputStatus::Failed => "failed",
        }
    }
}

/// How the statements of an input ended: the three add up to all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Statements {
    /// The parser took them.
    pub parsed: u64,
    /// Their tables were told from tokens.
    pub tokens: u64,
    /// They are no SQL.
    pub not_sql: u64,
}

impl Statements {
    /// All of them.
    pub fn all(self) -> u64 {
        self.parsed.saturating_add(self.tokens).saturating_add(self.not_sql)
    }

    fn is_none(&self) -> bool {
        self.all() == 0
    }

    /// Adds another's.
    pub fn add(&mut self, other: Statements) {
        self.parsed = self.parsed.saturating_add(other.parsed);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.not_sql = self.not_sql.saturating_add(other.not_sql);
    }
}

/// One input and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InputRecord {
    /// The path as the report shows it.
    pub path: Text,
    /// What read it: names from the tables, joined by `+` when several families did.
    pub kind: Text,
    /// How it ended.
    pub status: InputStatus,
    /// Records, statements or lines understood.
    pub records: u64,
    /// The moments it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// How its statements ended, for a log of statements.
    #[serde(default, skip_serializing_if = "Statements::is_none")]
    pub statements: Statements,
    /// Where it lies on a host (`host:/path`), for a copied file of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lies: Option<Text>,
}

impl InputRecord {
    /// An input of which nothing was read yet.
    pub fn new(path: &Text, kind: &str, status: InputStatus) -> InputRecord {
        let (records, span, statements, lies) = (0, None, Statements::default(), None);
        InputRecord { path: path.clone(), kind: Text::from(kind), status, records, span, statements, lies }
    }
}

/// All that collectors stated.
#[derive(Debug, Default)]
pub struct Evidence {
    // As a list with an index: a table of so large entries is half empty, and each of its pages is written to.
    uses: IndexMap<What, (Activity, Places), foldhash::fast::FixedState>,
    /// Uses that came many at once, mostly each its own: they are merged when all are asked for, or when they are many.
    heaps: Heaps,
    /// Uses that nobody wants told apart; none unless somebody asked for it.
    groups: Groups,
    facts: BTreeSet<Fact>,
    vantages: BTreeMap<Text, Vantage>,
    gaps: BTreeMap<(Text, GapCode, Text), (Place, u64)>,
    inputs: BTreeMap<Text, InputRecord>,
    crowds: BTreeMap<Text, Crowd>,
    skipped: BTreeMap<Text, Text>,
}

impl Evidence {
    /// Nothing stated.
    pub fn new() -> Evidence {
        Evidence::default()
    }

    /// States a use that is written or declared: it has a place and no moments.
    pub fn add_written(&mut self, what: What, place: Place) {
        self.uses.entry(what).or_default().1.add(None, place);
    }

    /// States one observed event.
    pub fn add_event(&mut self, what: What, stamp: Stamp, duration_micros: Option<u64>, place: Place) {
        let (activity, places) = self.uses.entry(what).or_default();
        activity.add(stamp, 0, duration_micros);
        places.add(Some(stamp), place);
    }

    /// States a whole use, merging it with an equal one.
    pub fn add_use(&mut self, it: Use) {
        match self.uses.entry(it.what) {
            Entry::Vacant(free) => drop(free.insert((it.activity, it.places))),
            Entry::Occupied(mut mine) => {
                mine.get_mut().0.merge(&it.activity);
                mine.get_mut().1.merge(it.places);
            }
        }
    }

    /// States many uses at once. It is the same as stating each, and meant for those that mostly differ.
    pub fn add_uses(&mut self, uses: Vec<Use>) {
        self.heaps.add(uses);
    }

    /// States uses by the group, for who does not want them told apart: they are in none of [`Evidence::uses`].
    pub fn add_groups(&mut self, groups: Groups) {
        self.groups.merge(groups);
    }

    /// The uses that were stated by the group, in the order of uses, taken out.
    pub fn take_groups(&mut self) -> Groups {
        let mut groups = std::mem::take(&mut self.groups);
        groups.sort();
        groups
    }

    /// Makes room for so many more uses.
    pub fn expect_uses(&mut self, more: usize) {
        self.uses.reserve_exact(more);
    }

    /// States a fact.
    pub fn add_fact(&mut self, fact: Fact) {
        self.facts.insert(fact);
    }

    /// States who is behind an application name that many addresses are told as.
    pub fn add_crowd(&mut self, name: Text, crowd: Crowd) {
        self.crowds.entry(name).or_default().merge(crowd);
    }

    /// All crowds by the application name they are told as.
    pub fn crowds(&self) -> impl Iterator<Item = (&Text, &Crowd)> {
        self.crowds.iter()
    }

    /// Names a gap; equal ones in one input are counted together and the earliest place stays.
    pub fn add_gap(&mut self, gap: Gap) {
        let key = (gap.place.input.clone(), gap.code, gap.detail);
        let (place, count) = self.gaps.entry(key).or_insert_with(|| (gap.place.clone(), 0));
        *count = count.saturating_add(gap.count);
        if gap.place < *place {
            *place = gap.place;
        }
    }

    /// Adds a vantage, or more of what one saw.
    pub fn add_vantage(&mut self, vantage: Vantage) {
        match self.vantages.get_mut(&vantage.id) {
            None => {
                self.vantages.insert(vantage.id.clone(), vantage);
            }
            Some(mine) => mine.merge(vantage),
        }
    }

    /// Records how an input ended; a second family adds its name and its records.
    pub fn add_input(&mut self, record: InputRecord) {
        match self.inputs.get_mut(&record.path) {
            None => {
                self.inputs.insert(record.path.clone(), record);
            }
            Some(mine) => {
                let kinds: BTreeSet<&str> =
                    mine.kind.split('+').chain(record.kind.split('+')).filter(|k| !k.is_empty()).collect();
                mine.kind = kinds.into_iter().collect::<Vec<_>>().join("+").into();
                mine.records = mine.records.saturating_add(record.records);
                mine.status = mine.status.max(record.status).min(match (mine.status, record.status) {
                    (InputStatus::Skipped, other) | (other, InputStatus::Skipped) => other,
                    _ => InputStatus::Failed,
                });
                mine.statements.add(record.statements);
                mine.span = match (mine.span, record.span) {
                    (Some(a), Some(b)) => Some(a.cover(b)),
                    (a, b) => a.or(b),
                };
                mine.lies = mine.lies.take().or(record.lies);
            }
        }
    }

    /// Records where an input lies on a host: `host:/path`.
    pub fn input_lies(&mut self, path: &Text, lies: Text) {
        if let Some(record) = self.inputs.get_mut(path) {
            record.lies = Some(lies);
        }
    }

    /// Records that an input was left out, and why.
    pub fn add_skipped(&mut self, path: Text, why: Text) {
        self.add_input(InputRecord::new(&path, "", InputStatus::Skipped));
        self.skipped.insert(path, why);
    }

    /// The inputs that were left out on purpose, with the reason.
    pub fn skipped(&self) -> impl Iterator<Item = (&Text, &Text)> {
        self.skipped.iter()
    }

    /// Takes over all another states.
    pub fn merge(&mut self, mut other: Evidence) {
        // Whose uses are more takes the others in: it makes no difference but to the time it takes.
        if other.uses.len() > self.uses.len() {
            std::mem::swap(&mut self.uses, &mut other.uses);
        }
        for (what, (activity, places)) in other.uses {
            self.add_use(Use { what, activity, places });
        }
        self.heaps.merge(other.heaps);
        self.groups.merge(other.groups);
        self.facts.extend(other.facts);
        for vantage in other.vantages.into_values() {
            self.add_vantage(vantage);
        }
        for ((_, code, detail), (place, count)) in other.gaps {
            self.add_gap(Gap { place, code, detail, count });
        }
        for record in other.inputs.into_values() {
            self.add_input(record);
        }
        for (name, crowd) in other.crowds {
            self.add_crowd(name, crowd);
        }
        self.skipped.extend(other.skipped);
    }

    /// Takes out what one input states: its facts, its gaps, and how it ended. Uses stay: an input that states uses
    /// shares them with others.
    pub fn take_input(&mut self, path: &Text) -> Evidence {
        let mut taken = Evidence::new();
        let (own, facts) = std::mem::take(&mut self.facts).into_iter().partition(|f| f.place.input == *path);
        (taken.facts, self.facts) = (own, facts);
        let (own, gaps) = std::mem::take(&mut self.gaps).into_iter().partition(|(key, _)| key.0 == *path);
        (taken.gaps, self.gaps) = (own, gaps);
        taken.inputs.extend(self.inputs.remove_entry(path));
        taken
    }

    /// All uses in a fixed order, with shapes beyond [`SHAPES_KEPT`] folded into `other`.
    pub fn uses(&self) -> Vec<Use> {
        self.lent().into_iter().map(Lent::into_use).collect()
    }

    /// The same, of which no more is copied than what is folded.
    pub(super) fn lent(&self) -> Vec<Lent<'_>> {
        let single = self.uses.iter().map(|(what, (activity, places))| Lent::of(what, activity, places));
        let many = self.heaps.iter().map(|it| Lent::of(&it.what, &it.activity, &it.places));
        order::folded(order::once(many.chain(single).collect()))
    }

    /// The same, taken out: there may be too many to be held twice.
    pub fn take_uses(&mut self) -> Vec<Use> {
        let single = std::mem::take(&mut self.uses).into_iter();
        let single = single.map(|(what, (activity, places))| Use { what, activity, places });
        let mut all = std::mem::take(&mut self.heaps).into_one(single.len());
        all.extend(single);
        order::folded(order::once(all))
    }

    /// All facts in a fixed order.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter()
    }

    /// All vantages by id.
    pub fn vantages(&self) -> impl Iterator<Item = &Vantage> {
        self.vantages.values()
    }

    /// All gaps in a fixed order.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = self
            .gaps
            .iter()
            .map(|((_, code, detail), (place, count))| Gap {
                place: place.clone(),
                code: *code,
                detail: detail.clone(),
                count: *count,
            })
            .collect();
        gaps.sort();
        gaps
    }

    /// How each input ended by itself, by path: what its gaps make of that is said by [`Evidence::inputs`].
    pub fn input_records(&self) -> impl Iterator<Item = &InputRecord> {
        self.inputs.values()
    }

    /// All inputs by path, `read` turned into `partly` where gaps say so.
    pub fn inputs(&self) -> Vec<InputRecord> {
        let with_gaps: BTreeSet<&Text> = self.gaps.keys().map(|(input, ..)| input).collect();
        let mut inputs: Vec<InputRecord> = self.inputs.values().cloned().collect();
        for record in &mut inputs {
            if record.status == InputStatus::Read && with_gaps.contains(&record.path) {
                record.status = InputStatus::Partly;
            }
        }
        inputs
    }
}
