//! Uses by the group: those that differ in nothing but their statement as one, with the fingerprints of the statements and
//! how often they were seen on which day. It is for who asks who does what, and how often: moments, durations, texts and
//! places are not kept, and what needs one of those is told apart ([`Apart`]). What is kept is exact.

use super::activity::{Activity, Day, Durations};
use super::mention::{Actor, MentionKind, Text, cmp_texts};
use super::place::Places;
use super::stamp::Stamp;
use super::usage::{Action, Basis, Class, Confidence, Outcome, Resource, Scope, Shape, Trait, Use, What};
use foldhash::fast::FixedState;
use indexmap::IndexSet;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

/// Which uses are told apart, each by itself, while all others are grouped.
#[derive(Debug, Clone, Default)]
pub struct Apart {
    actors: HashSet<Actor, FixedState>,
}

impl Apart {
    /// Tells all that these did apart, too.
    pub fn add(&mut self, actors: impl IntoIterator<Item = Actor>) {
        self.actors.extend(actors);
    }

    /// Whether all that somebody did is told apart.
    pub fn holds(&self, actor: &Actor) -> bool {
        self.actors.contains(actor)
    }

    /// Whether uses of this kind are told apart, whoever did them: texts, which have places, and connections, which have
    /// moments.
    pub fn holds_kind(basis: Basis, action: Action) -> bool {
        basis != Basis::Observed || action == Action::Connect
    }

    /// Whether a statement is told apart, whoever sent it: it may make a view.
    pub fn holds_statement(sample: &str) -> bool {
        let first = sample.split_whitespace().next().unwrap_or("");
        ["create", "alter"].iter().any(|word| first.eq_ignore_ascii_case(word))
    }
}

impl Use {
    /// Drops what nobody asks of what was observed, where uses may come by the group: places and durations.
    pub(super) fn lighten(&mut self) {
        if self.what.basis == Basis::Observed {
            self.places = Places::default();
            self.activity.drop_durations();
        }
    }
}

/// Whether somebody bears a login.
pub(super) fn is_named(actor: &Actor) -> bool {
    actor.get(MentionKind::User).is_some()
}

/// How often one use was seen on which day.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Days since 1970-01-01, ascending, each with its events.
    pub days: Vec<(i32, u64)>,
    pub first: Option<Stamp>,
    pub last: Option<Stamp>,
    pub undated: u64,
}

impl Tally {
    /// Begins anew, in the same room.
    pub fn clear(&mut self) {
        self.days.clear();
        (self.first, self.last, self.undated) = (None, None, 0);
    }

    /// Takes over another's, as [`Activity::merge`] does.
    fn merge(&mut self, other: &Tally) {
        let new = if self.days.is_empty() { &other.days[..] } else { &[] };
        self.days.extend_from_slice(new);
        for (day, count) in &other.days[new.len()..] {
            match self.days.binary_search_by_key(day, |(day, _)| *day) {
                Ok(at) => self.days[at].1 = self.days[at].1.saturating_add(*count),
                Err(at) => self.days.insert(at, (*day, *count)),
            }
        }
        self.first = match (self.first, other.first) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        self.last = self.last.max(other.last);
        self.undated = self.undated.saturating_add(other.undated);
    }
}

/// How something was done: all of a use that is neither who, nor what, nor the statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct How {
    outcome: Outcome,
    class: Class,
    scope: Scope,
    basis: Basis,
    confidence: Confidence,
    traits: BTreeSet<Trait>,
}

/// What makes a group, by the numbers that its parts have here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub who: u32,
    pub action: Action,
    pub what: u32,
    pub how: u32,
}

/// A group. Its statements and its days lie beside those of the others.
#[derive(Debug)]
struct Row {
    key: Key,
    shapes: (usize, u32),
    days: (usize, u32),
    first: Option<Stamp>,
    last: Option<Stamp>,
    undated: u64,
}

/// All groups.
#[derive(Debug, Default)]
pub struct Groups {
    whos: IndexSet<(Text, Actor), FixedState>,
    whats: IndexSet<Resource, FixedState>,
    hows: IndexSet<How, FixedState>,
    rows: Vec<Row>,
    shapes: Vec<u64>,
    days: Vec<u8>,
    /// The group that is added to, and where its statements begin.
    open: Option<(Key, usize)>,
    tally: Tally,
}

impl Groups {
    /// The key of a use's group.
    pub(super) fn key(&mut self, what: &What) -> Key {
        let number = |(index, _): (usize, bool)| index as u32;
        let how = How {
            outcome: what.outcome,
            class: what.class,
            scope: what.scope,
            basis: what.basis,
            confidence: what.confidence,
            traits: what.traits.clone(),
        };
        Key {
            who: number(self.whos.insert_full((what.vantage.clone(), what.actor.clone()))),
            action: what.action,
            what: number(self.whats.insert_full(what.resource.clone())),
            how: number(self.hows.insert_full(how)),
        }
    }

    /// Adds a use to its group. Uses of one group had better follow each other.
    pub(super) fn add(&mut self, key: Key, fingerprint: u64, tally: &Tally) {
        if self.open.is_none_or(|(open, _)| open != key) {
            self.close();
            self.open = Some((key, self.shapes.len()));
        }
        self.shapes.push(fingerprint);
        self.tally.merge(tally);
    }

    /// Ends the group that is added to.
    pub(super) fn close(&mut self) {
        let Some((key, begin)) = self.open.take() else { return };
        let (from, mut before) = (self.days.len(), 0);
        for (day, count) in &self.tally.days {
            // Days ascend; only the first may lie before 1970.
            let step = i64::from(*day) - before;
            put(&mut self.days, ((step << 1) ^ (step >> 63)) as u64);
            put(&mut self.days, *count);
            before = i64::from(*day);
        }
        self.rows.push(Row {
            key,
            shapes: (begin, (self.shapes.len() - begin) as u32),
            days: (from, (self.days.len() - from) as u32),
            first: self.tally.first,
            last: self.tally.last,
            undated: self.tally.undated,
        });
        self.tally.clear();
    }

    /// Takes over others.
    pub fn merge(&mut self, mut other: Groups) {
        self.close();
        other.close();
        if self.rows.is_empty() {
            *self = other;
            return;
        }
        let whos: Vec<u32> = other.whos.into_iter().map(|who| self.whos.insert_full(who).0 as u32).collect();
        let whats: Vec<u32> =
            other.whats.into_iter().map(|what| self.whats.insert_full(what).0 as u32).collect();
        let hows: Vec<u32> = other.hows.into_iter().map(|how| self.hows.insert_full(how).0 as u32).collect();
        let (shapes, days) = (self.shapes.len(), self.days.len());
        self.shapes.append(&mut other.shapes);
        self.days.append(&mut other.days);
        self.rows.extend(other.rows.into_iter().map(|mut row| {
            let Key { who, what, how, .. } = &mut row.key;
            (*who, *what, *how) = (whos[*who as usize], whats[*what as usize], hows[*how as usize]);
            row.shapes.0 += shapes;
            row.days.0 += days;
            row
        }));
    }

    /// Puts the groups into the order of uses.
    pub fn sort(&mut self) {
        self.close();
        let whos = ranks(&self.whos, |a, b| cmp_texts(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
        let whats = ranks(&self.whats, Resource::in_order);
        let hows = ranks(&self.hows, How::cmp);
        self.rows.sort_by_key(|row| {
            let Key { who, action, what, how } = row.key;
            (whos[who as usize], action, whats[what as usize], hows[how as usize])
        });
    }

    /// How many there are; what several files or blocks have of one group counts several times.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A group by its number.
    pub fn get(&self, at: usize) -> Group<'_> {
        Group { all: self, row: &self.rows[at] }
    }

    /// All, in the order they have now.
    pub fn iter(&self) -> impl Iterator<Item = Group<'_>> {
        self.rows.iter().map(|row| Group { all: self, row })
    }
}

/// By number: the place of each in an order.
fn ranks<T>(all: &IndexSet<T, FixedState>, order: impl Fn(&T, &T) -> Ordering) -> Vec<u32> {
    let mut sorted: Vec<usize> = (0..all.len()).collect();
    sorted.sort_by(|a, b| order(&all[*a], &all[*b]));
    let mut ranks = vec![0; all.len()];
    for (rank, at) in sorted.into_iter().enumerate() {
        ranks[at] = rank as u32;
    }
    ranks
}

/// Writes a number, seven bits to a byte, the lowest first; the last byte has no high bit.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads what [`put`] wrote.
fn take(bytes: &mut std::slice::Iter<'_, u8>) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = *bytes.next()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
        shift += 7;
    }
}

/// One group.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    all: &'a Groups,
    row: &'a Row,
}

impl<'a> Group<'a> {
    /// The number of who did it, at which vantage.
    pub fn who(self) -> usize {
        self.row.key.who as usize
    }

    /// The number of what it was done to.
    pub fn thing(self) -> usize {
        self.row.key.what as usize
    }

    /// The number of how it was done.
    pub fn manner(self) -> usize {
        self.row.key.how as usize
    }

    /// Who did it.
    pub fn actor(self) -> &'a Actor {
        &self.all.whos[self.who()].1
    }

    /// Whether who did it bears a login.
    pub fn is_named(self) -> bool {
        is_named(self.actor())
    }

    /// What was done.
    pub fn action(self) -> Action {
        self.row.key.action
    }

    /// To what it was done.
    pub fn resource(self) -> &'a Resource {
        &self.all.whats[self.thing()]
    }

    /// How it ended.
    pub fn outcome(self) -> Outcome {
        self.how().outcome
    }

    /// What kind of traffic it is.
    pub fn class(self) -> Class {
        self.how().class
    }

    /// In which part of the world.
    pub fn scope(self) -> Scope {
        self.how().scope
    }

    fn how(self) -> &'a How {
        &self.all.hows[self.manner()]
    }

    /// The fingerprints of its statements.
    pub fn shapes(self) -> &'a [u64] {
        let (begin, count) = self.row.shapes;
        &self.all.shapes[begin..begin + count as usize]
    }

    /// All of it but its statements.
    pub fn what(self) -> What {
        let ((vantage, actor), how) = (&self.all.whos[self.who()], self.how());
        What {
            vantage: vantage.clone(),
            actor: actor.clone(),
            action: self.action(),
            resource: self.resource().clone(),
            shape: Shape::none(),
            outcome: how.outcome,
            class: how.class,
            scope: how.scope,
            basis: how.basis,
            confidence: how.confidence,
            traits: how.traits.clone(),
        }
    }

    /// How often, by day, from when and until when; without moments and durations.
    pub fn activity(self) -> Activity {
        let (begin, length) = self.row.days;
        let mut bytes = self.all.days[begin..begin + length as usize].iter();
        let (mut days, mut number) = (Vec::new(), 0i64);
        while let (Some(step), Some(count)) = (take(&mut bytes), take(&mut bytes)) {
            number += (step >> 1) as i64 ^ -((step & 1) as i64);
            days.push((number as i32, Day::counted(count)));
        }
        let Row { first, last, undated, .. } = *self.row;
        Activity::from_parts(days, first, last, Durations::default(), undated)
    }

    /// The order of a group and a use, whatever the statement.
    pub fn order(self, what: &What) -> Ordering {
        let ((vantage, actor), how) = (&self.all.whos[self.who()], self.how());
        cmp_texts(vantage, &what.vantage)
            .then_with(|| actor.cmp(&what.actor))
            .then_with(|| self.action().cmp(&what.action))
            .then_with(|| self.resource().in_order(&what.resource))
            .then_with(|| how.outcome.cmp(&what.outcome))
            .then_with(|| how.class.cmp(&what.class))
            .then_with(|| how.scope.cmp(&what.scope))
            .then_with(|| how.basis.cmp(&what.basis))
            .then_with(|| how.confidence.cmp(&what.confidence))
            .then_with(|| how.traits.cmp(&what.traits))
    }

    /// Whether two are one group that was told in parts.
    pub fn is_same(self, other: Group<'_>) -> bool {
        self.row.key == other.row.key
    }
}
