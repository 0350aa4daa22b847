//! What sessions did, counted: statements, operations, connections and totals, by who, what and how it ended. It hears no
//! record and knows no open session; who acts and what came of it, whoever calls it says.

use super::Sessions;
use crate::collect::logs::session::{Manner, does};
use crate::collect::logs::{Ended, Operation};
use crate::evidence::{Action, Activity, Outcome, Place, Places, Stamp};
use crate::sql::{Status, Understood};
use std::sync::Arc;

/// Statements faster than this, seen with their duration, show that the log holds all of them: one
/// millisecond.
const FAST_MICROS: u64 = 1_000;

impl Sessions {
    /// Somebody was heard of whom no table is known (yet).
    pub(super) fn hear(&mut self, actor: usize, manner: Manner, stamp: Stamp, place: Place) {
        if self.book.who(actor).who.user.is_empty() || !self.window.holds(stamp) {
            return;
        }
        let number = self.book.anywhere(actor);
        let (activity, places, known) =
            self.heard.entry(number).or_insert_with(|| (Activity::none(), Places::default(), manner));
        *known = (*known).min(manner);
        activity.add(stamp, 0, None);
        places.add(Some(stamp), place);
    }

    /// What a statement shows of what its log holds. Only queries show that it holds all: servers can be told to log
    /// what changes data or tables whole, and queries only when they are slow (PostgreSQL's `log_statement`).
    pub(super) fn saw_statement(&mut self, understood: &Understood, micros: Option<u64>) {
        self.statements = true;
        let sample = understood.shape.sample.trim_start_matches('(');
        let asks = ["select", "with", "table", "values"].iter().any(|word| sample.starts_with(word));
        let tables = &understood.analysis.tables;
        let query = asks && tables.iter().all(|it| it.action == Action::Read);
        if query {
            self.queries = true;
            self.sees_all |= micros.is_none_or(|micros| micros < FAST_MICROS);
        }
        self.changes_data |= tables.iter().any(|it| it.action == Action::Write);
    }

    /// Counts an operation that is no SQL.
    pub(super) fn operation(&mut self, actor: usize, operation: &Operation, stamp: Stamp, place: Place) {
        self.statements = true;
        self.queries = true;
        self.sees_all |= operation.ended.micros.is_none_or(|micros| micros < FAST_MICROS);
        if !self.window.holds(stamp) {
            return;
        }
        let number = self.book.anywhere(actor);
        let micros = operation.ended.micros;
        let kept = Operation { ended: Ended { micros: None, ..operation.ended }, ..operation.clone() };
        let (activity, places) = self.operations.entry((number, kept)).or_default();
        activity.add(stamp, 0, micros);
        places.add(Some(stamp), place);
    }

    /// Counts what a server only has totals of.
    pub(super) fn totals(&mut self, actor: usize, understood: &Arc<Understood>, calls: u64, place: Place) {
        self.totals = true;
        if calls == 0 {
            return;
        }
        if self.book.who(actor).who.user.is_empty() {
            self.nameless.get_or_insert_with(|| (place.clone(), 0)).1 += 1;
        }
        if understood.shape.sample.contains("insufficient privilege") {
            self.withheld.get_or_insert_with(|| (place.clone(), 0)).1 += 1;
        }
        if !self.names_something(understood, &place) {
            if does(understood) && !self.book.who(actor).who.user.is_empty() {
                let number = self.book.anywhere(actor);
                let (activity, places, known) = self
                    .heard
                    .entry(number)
                    .or_insert_with(|| (Activity::none(), Places::default(), Manner::Acted));
                *known = Manner::Acted;
                activity.add_undated(calls);
                places.add(None, place);
            }
            return;
        }
        let (activity, places) = self.entry(actor, understood, Outcome::Ok);
        activity.add_undated(calls);
        places.add(None, place);
    }

    pub(super) fn count(
        &mut self,
        actor: usize,
        understood: &Arc<Understood>,
        outcome: Outcome,
        stamp: Stamp,
        micros: Option<u64>,
        place: Place,
    ) {
        if !self.window.holds(stamp) {
            return;
        }
        // What is only prepared has not run; its EXECUTE is told with the text.
        let sample = &understood.shape.sample;
        if sample.starts_with("prepare ") && !sample.contains(';') {
            return;
        }
        if !self.names_something(understood, &place) {
            if outcome == Outcome::Ok {
                let manner = if does(understood) { Manner::Acted } else { Manner::Idle };
                self.hear(actor, manner, stamp, place);
            }
            return;
        }
        if outcome == Outcome::Ok && !understood.names_something_here() {
            self.hear(actor, Manner::Acted, stamp, place.clone());
        }
        let acting = self.book.who(actor);
        if acting.who.user.is_empty() && !acting.worker {
            let (_, count) = self.unknown.get_or_insert_with(|| (place.clone(), 0));
            *count += 1;
        }
        let (activity, places) = self.entry(actor, understood, outcome);
        activity.add(stamp, 0, micros);
        places.add(Some(stamp), place);
    }

    /// Whether a statement names something that can be used; one that may have done something and names nothing that
    /// the reader can tell is a gap.
    pub(super) fn names_something(&mut self, understood: &Understood, place: &Place) -> bool {
        let analysis = &understood.analysis;
        let locks_only = analysis.tables.is_empty() && analysis.routines.is_empty();
        let named = understood.names_something();
        if !named && does(understood) && analysis.status != Status::Parsed {
            let (_, count) = self.opaque.get_or_insert_with(|| (place.clone(), 0));
            *count += 1;
        }
        named && (self.locks.take(understood) || !locks_only)
    }

    pub(super) fn entry(
        &mut self,
        actor: usize,
        understood: &Arc<Understood>,
        outcome: Outcome,
    ) -> &mut (Activity, Places) {
        let number = Arc::as_ptr(understood).addr();
        let key = (self.book.naming(actor, &understood.analysis), number, outcome);
        let shapes = &mut self.shapes;
        self.done.entry(key).or_insert_with(|| {
            shapes.entry(number).or_insert_with(|| understood.clone());
            Default::default()
        })
    }

    pub(super) fn connect(
        &mut self,
        actor: usize,
        outcome: Outcome,
        manner: Manner,
        stamp: Stamp,
        place: Place,
    ) {
        if !self.window.holds(stamp) {
            return;
        }
        let key = (self.book.anywhere(actor), outcome, manner);
        let (activity, places) = self.connects.entry(key).or_default();
        activity.add(stamp, 0, None);
        places.add(Some(stamp), place);
    }
}
