//! All state that lives across the lines of a log, kept once for every format: who a session is, the
//! statement that may still turn out to have failed, the connection that may still be refused. It states
//! uses and never decides who a login belongs to.

mod counting;
mod stating;

use super::locks::Locks;
use super::session::{Acting, Audit, Book, Login, MAX_PLANNED, Manner, Session, does};
use super::{Ended, Event, Executed, Operation, Record, Stage, Who};
use crate::collect::Window;
use crate::evidence::{
    Action, Activity, Class, Confidence, Outcome, Place, Places, SessionSketch, Span, Stamp, Text,
};
use crate::sql::{Dialect, SearchPath, TableUse, Understood};
use foldhash::fast::FixedState;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// A statement's understanding, for records that hold one.
pub type Understanding = Option<Arc<Understood>>;

/// The share of whole sessions that must have shown a statement before the log is believed to hold all.
const SPEAKING_WHEN_ALL: f64 = 0.8;

/// How many pairs of an own address and a server are kept of a pooler.
const MAX_RELAYS: usize = 1_000;

/// Of how many pairs of a login and a database it is kept how lines spell them.
const MAX_SPELLINGS: usize = 10_000;

/// Of how many shapes the plans are kept.
const SHAPES_PLANNED: usize = 50_000;

type Key = (usize, usize, Outcome);
type HashMap<K, V> = std::collections::HashMap<K, V, FixedState>;

/// The open sessions of one stream, and what they did.
pub struct Sessions {
    vantage: Text,
    server: Text,
    open: HashMap<u64, Session>,
    window: Window,
    book: Book,
    shapes: HashMap<usize, Arc<Understood>>,
    /// Statements whose tables the server told, by shape and tables.
    audited: HashMap<(u64, Vec<TableUse>), Arc<Understood>>,
    /// Blocks without what the server tells of their parts, by shape and what is done there.
    outlines: HashMap<(u64, BTreeSet<Action>), Arc<Understood>>,
    /// Those of them whose plan named a temporary table.
    of_temporary: HashSet<usize, FixedState>,
    /// The tables of plans, by login, database and shape.
    plans: HashMap<(Text, Text, u64), BTreeSet<TableUse>>,
    operations: HashMap<(usize, Operation), (Activity, Places)>,
    /// The database of statements that name none, from here on.
    position: Option<Text>,
    totals: bool,
    /// Whether a database is what others call a schema.
    schemas_are_databases: bool,
    /// Whether a session stays in the database it was let in to.
    one_database: bool,
    can_hold_all: bool,
    done: HashMap<Key, (Activity, Places)>,
    connects: HashMap<(usize, Outcome, Manner), (Activity, Places)>,
    /// Logins that were heard without a table: when, and whether anything was done.
    heard: HashMap<usize, (Activity, Places, Manner)>,
    locks: Locks,
    opaque: Option<(Place, u64)>,
    /// Sessions seen from their login to their end, and those of which a statement was seen.
    whole: u64,
    speaking: u64,
    queries: bool,
    unknown: Option<(Place, u64)>,
    unnumbered: Option<(Place, u64)>,
    /// Totals without a login, and without their text.
    nameless: Option<(Place, u64)>,
    withheld: Option<(Place, u64)>,
    /// Statements announced in another language.
    translated: Option<(Place, u64)>,
    /// Whether sessions went on under a login that their statements do not name.
    renamed: bool,
    span: Option<Span>,
    sees_all: bool,
    statements: bool,
    /// Whether a statement changed data.
    changes_data: bool,
    sketch: SessionSketch,
    /// From where this server, a pooler, goes to which servers, and where that was first seen.
    relays: BTreeMap<(Text, Text), Place>,
    /// What a login and a database, as the lines of sessions spell them, are by the server's own word; nothing, where
    /// they are several.
    spellings: std::collections::HashMap<Login, Option<Login>>,
}

impl Sessions {
    /// Of a stream.
    pub fn new(vantage: Text, server: Text, window: Window) -> Sessions {
        Sessions {
            vantage,
            server,
            window,
            open: HashMap::default(),
            book: Book::default(),
            shapes: HashMap::default(),
            audited: HashMap::default(),
            outlines: HashMap::default(),
            of_temporary: HashSet::default(),
            plans: HashMap::default(),
            operations: HashMap::default(),
            position: None,
            totals: false,
            schemas_are_databases: false,
            one_database: false,
            can_hold_all: true,
            done: HashMap::default(),
            connects: HashMap::default(),
            heard: HashMap::default(),
            locks: Locks::default(),
            opaque: None,
            whole: 0,
            speaking: 0,
            queries: false,
            unknown: None,
            unnumbered: None,
            nameless: None,
            withheld: None,
            translated: None,
            renamed: false,
            span: None,
            sees_all: false,
            statements: false,
            changes_data: false,
            sketch: SessionSketch::default(),
            relays: BTreeMap::new(),
            spellings: std::collections::HashMap::new(),
        }
    }

    /// Whose SQL it is, and whether its log can be believed to hold every statement.
    #[must_use]
    pub fn of(self, dialect: Dialect, can_hold_all: bool) -> Sessions {
        let (one_database, schemas_are_databases) = (dialect == Dialect::Postgres, dialect == Dialect::MySql);
        Sessions { schemas_are_databases, one_database, can_hold_all, ..self }
    }

    /// Hears the next record of the stream.
    pub fn tell(&mut self, record: &Record, understood: Understanding, place: Place) {
        let timeless = matches!(record.event, Event::Totals { .. });
        if !timeless && self.window.holds(record.stamp) {
            let span = Span::at(record.stamp);
            self.span = Some(self.span.map_or(span, |known| known.cover(span)));
        }
        match &record.event {
            Event::InDatabase(name) => return self.position = Some(name.clone()),
            Event::Restarted => return self.restarted(),
            Event::Relays(from, to) => return self.relays(from, to, place),
            Event::Executed(it) => return self.executed_whole(record, it, understood, place),
            Event::Translated => {
                let (_, count) = self.translated.get_or_insert((place, 0));
                *count += 1;
                return;
            }
            _ => {}
        }
        if record.session == 0 {
            return self.unnumbered(record, understood, place);
        }
        if matches!(record.event, Event::UserChanged) {
            self.renamed = true;
            return self.user_changed(record.session);
        }
        if matches!(record.event, Event::Connected) {
            // A process id is used again: what the earlier session left pending has succeeded.
            self.close(record.session, true);
        }
        let over = |it: &Session| it.is_over_at(record, self.one_database);
        if self.open.get(&record.session).is_some_and(over) {
            self.close(record.session, true);
        }
        if self.open.get(&record.session).is_some_and(|session| session.moves(record)) {
            // What it ran before was where it was before.
            self.flush(record.session, understood.as_deref());
        }
        let session = self.open.entry(record.session).or_default();
        if let (Event::Statement { .. }, Some(name)) = (&record.event, &self.position) {
            session.enter(name);
        }
        session.hear_of(record);
        match &record.event {
            Event::Statement { ended, number, .. } => {
                self.statement(record, understood, *ended, *number, place);
            }
            Event::Tables { number, tables, .. } => self.tables(record, understood, *number, tables, place),
            Event::Operation(operation) => {
                session.spoke = true;
                session.acted |= operation.class == Class::App;
                let actor = self.book.of(session);
                self.operation(actor, operation, record.stamp, place);
            }
            Event::Totals { calls, .. } => {
                let (Some(understood), actor) = (understood, self.book.of(session)) else { return };
                self.totals(actor, &understood, *calls, place);
            }
            Event::Duration(micros) => self.duration(record.session, *micros),
            Event::Planned { micros, tables, parts, .. } => {
                let understood = self.with_temporary(understood, tables);
                self.learn_plan(record.session, understood.as_ref(), tables);
                self.planned(record, understood, *micros, *parts, place);
            }
            Event::Prepared(_) => self.executed(record, understood, place),
            Event::Error(denied) => {
                session.failed = Some(*denied);
                session.not_run = *denied;
                session.examined = false;
            }
            Event::Rejected => {
                session.failed = Some(false);
                session.not_run = true;
                session.examined = false;
            }
            Event::Examined => session.examined = true,
            Event::ErrorStatement(_) => self.failed_statement(record, understood, place),
            Event::Authorized(replication) => {
                session.replicates(*replication);
                if self.one_database && !*replication {
                    session.is_let_in(&record.who);
                }
                session.connect = Some((self.book.of(session), record.stamp, place));
            }
            Event::Replication => {
                session.replicates(true);
                session.acted = true;
                let actor = self.book.of(session);
                self.hear(actor, Manner::Acted, record.stamp, place);
            }
            Event::Refused => {
                // Authorized is not let in: the role or the database may be missing.
                session.connect = None;
                let actor = self.book.of(session);
                self.connect(actor, Outcome::Denied, Manner::Acted, record.stamp, place);
            }
            Event::Disconnected => {
                let actor = self.book.of(session);
                if session.connect.is_none() {
                    self.hear(actor, Manner::Acted, record.stamp, place);
                }
                self.close(record.session, true);
            }
            Event::Connected => {
                session.begins();
                if !record.who.client.is_empty() && record.who.port > 0 {
                    self.sketch.add(&record.who.client, record.who.port, record.stamp);
                }
            }
            // Requests are heard elsewhere; these were heard above.
            Event::Request(_)
            | Event::InDatabase(_)
            | Event::Restarted
            | Event::Relays(..)
            | Event::UserChanged
            | Event::Translated
            | Event::Executed(_) => {}
            Event::Nothing => {
                let actor = self.book.of(session);
                if session.connect.is_none() && !session.spoke {
                    self.hear(actor, Manner::Acted, record.stamp, place);
                }
            }
        }
    }

    /// A session ends, or the log does: what it left pending has succeeded, and its connection is told.
    fn close(&mut self, id: u64, ended: bool) {
        self.flush(id, None);
        let Some(session) = self.open.remove(&id) else { return };
        if let Some((said, meant)) = session.spelling()
            && (self.spellings.len() < MAX_SPELLINGS || self.spellings.contains_key(said))
        {
            let known = self.spellings.entry(said.clone()).or_insert_with(|| Some(meant.clone()));
            *known = known.take().filter(|known| known == meant);
        }
        let Some((actor, stamp, place)) = session.connect else { return };
        let actor = self.book.as_program(actor, &session.who.application);
        self.whole += u64::from(ended);
        self.speaking += u64::from(ended && session.spoke);
        let manner = match (session.acted, session.spoke, ended) {
            (true, ..) => Manner::Acted,
            (false, true, _) => Manner::Idle,
            (false, false, true) => Manner::Silent,
            // It is still open: what it will do nobody has seen.
            (false, false, false) => Manner::Acted,
        };
        self.connect(actor, Outcome::Ok, manner, stamp, place);
    }

    /// A record whose line names no process: it stands for itself, because nothing tells which lines belong
    /// together.
    fn unnumbered(&mut self, record: &Record, understood: Understanding, place: Place) {
        let mut acting = Acting { who: (*record.who).clone(), ..Acting::default() };
        if let (Some(name), true) = (&self.position, acting.who.database.is_empty()) {
            acting.who.database = name.clone();
        }
        let actor = self.book.number(acting.clone());
        match &record.event {
            Event::Statement { ended, .. } => {
                let Some(understood) = understood else { return };
                if ended.is_none() {
                    let (_, count) = self.unnumbered.get_or_insert_with(|| (place.clone(), 0));
                    *count += 1;
                }
                let ended = ended.unwrap_or(Ended::well(None));
                self.saw_statement(&understood, ended.micros);
                self.count(actor, &understood, ended.outcome, record.stamp, ended.micros, place);
            }
            Event::Tables { tables, .. } => {
                let told = self.told(understood.as_ref(), tables.iter().cloned().collect());
                self.count(actor, &told, Outcome::Ok, record.stamp, None, place);
            }
            Event::Operation(operation) => self.operation(actor, operation, record.stamp, place),
            Event::Totals { calls, .. } => {
                let Some(understood) = understood else { return };
                self.totals(actor, &understood, *calls, place);
            }
            Event::Planned { micros, .. } => {
                let Some(understood) = understood else { return };
                self.count(actor, &understood, Outcome::Ok, record.stamp, Some(*micros), place);
            }
            Event::Authorized(replication) => {
                let actor = self.book.number(Acting { replication: *replication, ..acting });
                self.connect(actor, Outcome::Ok, Manner::Acted, record.stamp, place);
            }
            Event::Refused => self.connect(actor, Outcome::Denied, Manner::Acted, record.stamp, place),
            _ => {}
        }
    }

    /// A session goes on as somebody else: it is another one, of the same client.
    fn user_changed(&mut self, id: u64) {
        let client = self.open.get(&id).map(|session| session.who.client.clone());
        self.close(id, true);
        self.open.entry(id).or_default().goes_on_as_another(client.unwrap_or_default());
    }

    /// A pooler opened a connection of its own.
    fn relays(&mut self, from: &Text, to: &Text, place: Place) {
        if self.relays.len() < MAX_RELAYS {
            self.relays.entry((from.clone(), to.clone())).or_insert(place);
        }
    }

    /// The server started anew: what was open has ended.
    fn restarted(&mut self) {
        let mut open: Vec<u64> = self.open.keys().copied().collect();
        open.sort_unstable();
        for id in open {
            self.close(id, true);
        }
    }

    /// The same statement with the tables that the server says it uses; they outrank what its text was read as.
    fn told(&mut self, understood: Option<&Arc<Understood>>, tables: BTreeSet<TableUse>) -> Arc<Understood> {
        if let (Some(understood), true) = (understood, tables.is_empty()) {
            return understood.clone();
        }
        // Each statement of a text that holds several is told with all of it: the rest is told beside it.
        let several = understood.is_some_and(|it| crate::sql::split(&it.shape.sample).len() > 1);
        let sure = |it: TableUse| match it.confidence {
            Confidence::Medium if several => TableUse { confidence: Confidence::High, ..it },
            _ => it,
        };
        let tables: Vec<TableUse> = tables.into_iter().map(sure).collect();
        let fingerprint = understood.map_or(0, |it| it.shape.fingerprint);
        let told = || Arc::new(Understood::told(understood.map(|it| &**it), &tables));
        self.audited.entry((fingerprint, tables.clone())).or_insert_with(told).clone()
    }

    /// What the server says, by itself, of statements inside of the one that a session is at.
    fn inside(&self, id: u64) -> BTreeSet<Action> {
        let Some(session) = self.open.get(&id) else { return BTreeSet::new() };
        let audited = session.audits.iter().flat_map(|audit| &audit.tables);
        // Where the server does not name relations, its text does.
        let nameless = session.audits.iter().filter(|audit| audit.tables.is_empty());
        let read = nameless.filter_map(|audit| audit.statement.as_ref());
        let read = read.filter(|it| !it.shape.sample.starts_with("do ")).flat_map(|it| &it.analysis.tables);
        let planned = session.planned.iter().flat_map(|(part, ..)| &part.analysis.tables);
        audited.chain(read).chain(planned).map(|table| table.action).collect()
    }

    /// A block without what its statements do, where each of them is told by itself.
    fn outline(&mut self, it: Arc<Understood>, inside: &BTreeSet<Action>) -> Arc<Understood> {
        if inside.is_empty() || !it.shape.sample.starts_with("do ") {
            return it;
        }
        let key = (it.shape.fingerprint, inside.clone());
        self.outlines.entry(key).or_insert_with(|| Arc::new(it.without(inside))).clone()
    }

    /// A statement whose plan names a temporary table of the session's: that is said of this execution alone.
    fn with_temporary(&mut self, understood: Understanding, tables: &[TableUse]) -> Understanding {
        let is_temporary =
            |it: &TableUse| it.parts.first().is_some_and(|schema| schema.starts_with("pg_temp"));
        if !tables.iter().any(is_temporary) {
            return understood;
        }
        let told = self.told(Some(&understood?), tables.iter().cloned().collect());
        self.of_temporary.insert(Arc::as_ptr(&told).addr());
        Some(told)
    }

    /// A plan tells the tables of a shape, whether it comes before the statement's own line or behind it.
    fn learn_plan(&mut self, id: u64, understood: Option<&Arc<Understood>>, tables: &[TableUse]) {
        let (Some(understood), Some(session), false) = (understood, self.open.get(&id), tables.is_empty())
        else {
            return;
        };
        if self.of_temporary.contains(&Arc::as_ptr(understood).addr()) {
            return;
        }
        let of = (session.who.user.clone(), session.who.database.clone(), understood.shape.fingerprint);
        if self.plans.len() < SHAPES_PLANNED || self.plans.contains_key(&of) {
            self.plans.entry(of).or_default().extend(tables.iter().cloned());
        }
    }

    /// A statement with the tables that its plans tell, for whoever it was that ran it.
    fn with_plan(&self, who: &Who, understood: &Arc<Understood>) -> Arc<Understood> {
        let of = (who.user.clone(), who.database.clone(), understood.shape.fingerprint);
        let exact = self.of_temporary.contains(&Arc::as_ptr(understood).addr());
        let Some(plan) = self.plans.get(&of).filter(|_| !exact) else { return understood.clone() };
        let tables: Vec<TableUse> = plan.iter().cloned().collect();
        Arc::new(Understood::told(Some(understood), &tables))
    }

    /// What the server said of this statement, taken out of what is held of the session.
    fn audit_of(&mut self, id: u64, number: u64, understood: &Arc<Understood>) -> Option<Arc<Understood>> {
        let audits = &mut self.open.get_mut(&id)?.audits;
        let index = audits.iter().position(|audit| audit.is_of(number, understood))?;
        let audit = audits.remove(index);
        Some(self.told(Some(understood), audit.tables))
    }

    /// The same of a statement that has failed: of an EXECUTE, what it ran.
    fn audit_for(&mut self, id: u64, understood: &Arc<Understood>) -> Option<Arc<Understood>> {
        let session = self.open.get_mut(&id)?;
        let index = session.audit_ahead(understood)?;
        let audits = &mut session.audits;
        let audit = audits.remove(index);
        let text = audit.statement.as_ref().unwrap_or(understood).clone();
        Some(self.told(Some(&text), audit.tables))
    }

    /// The server says which tables a statement uses.
    fn tables(
        &mut self,
        record: &Record,
        understood: Understanding,
        number: u64,
        tables: &[TableUse],
        place: Place,
    ) {
        let Some(session) = self.open.get_mut(&record.session) else { return };
        session.spoke = true;
        if let Some(audit) = session.audits.iter_mut().find(|audit| audit.number == number) {
            audit.add(tables);
            return;
        }
        // A function that a statement calls is told beside the statement, with its text and without a table.
        // What a query creates is told as another part of it, with the same text.
        let repeats = |it: &&mut Audit| {
            let one = tables.is_empty() || it.tables.is_empty() || it.is_first();
            it.repeats(number, understood.as_ref()) && one || it.holds(number, tables, understood.as_ref())
        };
        if let Some(audit) = session.audits.iter_mut().find(repeats) {
            audit.add(tables);
            return;
        }
        if tables.is_empty() && session.is_told(understood.as_ref()) {
            return;
        }
        let beside = session.audits.first().is_none_or(|audit| audit.is_beside(number));
        // What was said of an earlier statement, whose own line never came; where statements are numbered, it may still.
        let numbered = number.trailing_zeros() >= 32;
        if !numbered && !beside && session.pending.is_none() || session.audits.len() >= MAX_PLANNED {
            self.flush(record.session, None);
        }
        let Some(session) = self.open.get_mut(&record.session) else { return };
        let stamp = record.stamp;
        let mut audit = Audit { number, tables: BTreeSet::new(), statement: understood, stamp, place };
        audit.add(tables);
        session.audits.push(audit);
    }

    /// A statement of a history. Of what a session said of one execution (it begins, parts of it ended, it ended), each
    /// use counts once.
    fn executed_whole(&mut self, record: &Record, it: &Executed, understood: Understanding, place: Place) {
        let told = match (&it.tables, understood) {
            (Some(tables), read) => self.told(read.as_ref(), tables.iter().cloned().collect()),
            (None, Some(read)) => read,
            (None, None) => return,
        };
        let micros = it.ended.micros;
        self.saw_statement(&told, micros);
        let path = SearchPath::in_schema(&it.schema);
        let actor = Acting { who: (*record.who).clone(), path: path.clone(), ..Acting::default() };
        let actor = self.book.number(actor);
        let number = record.session;
        if number != 0 {
            let session = self.open.entry(number).or_default();
            session.hear_of(record);
            session.looks(path);
            session.spoke = true;
            session.acted |= does(&told);
            match it.stage {
                Stage::Announced => {
                    self.flush(number, None);
                    if let Some(session) = self.open.get_mut(&number) {
                        session.pending = Some((told, record.stamp, place, 0));
                    }
                    return;
                }
                Stage::Part if session.planned.len() < MAX_PLANNED => {
                    session.planned.push((told, record.stamp, micros.unwrap_or(0), place));
                    return;
                }
                Stage::Part => {}
                Stage::Whole => {
                    let begun = session
                        .pending
                        .take_if(|(begun, ..)| begun.shape.fingerprint == told.shape.fingerprint);
                    drop(begun);
                    let whole = &told.analysis.tables;
                    session
                        .planned
                        .retain(|(part, ..)| part.analysis.tables.iter().any(|it| !whole.contains(it)));
                    self.flush(number, None);
                }
            }
        }
        self.count(actor, &told, it.ended.outcome, record.stamp, micros, place);
    }

    fn statement(
        &mut self,
        record: &Record,
        understood: Understanding,
        ended: Option<Ended>,
        number: u64,
        place: Place,
    ) {
        let Some(understood) = understood else { return };
        let micros = ended.and_then(|ended| ended.micros);
        let inside = self.inside(record.session);
        let mut unplanned = false;
        // What the server said of it before its own line stands for the line's own reading.
        let earlier = ended.and_then(|_| self.audit_of(record.session, number, &understood));
        if let (None, Some(session)) = (&earlier, self.open.get_mut(&record.session))
            && session.audits.last().is_some_and(|audit| audit.sets_off(number, &understood))
        {
            session.spoke = true;
            return;
        }
        if let Some(session) = self.open.get_mut(&record.session) {
            // The plan of this very statement was logged just before it.
            let same = |it: &(Arc<Understood>, Stamp, u64, Place)| {
                it.0.shape.fingerprint == understood.shape.fingerprint
            };
            let planned = session.planned.len();
            // A text of several statements has a plan for each.
            session.planned.retain(|it| micros.is_none() || !same(it));
            unplanned = micros.is_some() && planned == session.planned.len();
        }
        // A statement with a number of its own (one inside of a routine) says nothing of what others use.
        let others = match self.open.get_mut(&record.session) {
            Some(session) if number != 0 => std::mem::take(&mut session.audits),
            _ => Vec::new(),
        };
        // The plan of what an EXECUTE runs was logged before it; the text it is of follows.
        let executed = match self.open.get_mut(&record.session) {
            Some(session) if ended.is_some() && understood.shape.sample.starts_with("execute ") => {
                std::mem::take(&mut session.planned)
            }
            _ => Vec::new(),
        };
        self.flush(record.session, Some(&understood));
        self.saw_statement(&understood, micros);
        let Some(session) = self.open.get_mut(&record.session) else { return };
        session.declares(&understood);
        session.planned.extend(executed);
        session.audits.extend(others);
        session.spoke = true;
        session.unplanned = unplanned.then_some(understood.shape.fingerprint);
        // What is only announced may still fail: it has acted when it has worked.
        session.acted |= ended.is_some() && does(&understood);
        match ended {
            Some(ended) => {
                session.failed = None;
                let actor = self.book.of(session);
                match ended.outcome {
                    Outcome::Ok => session.change(&understood),
                    _ => session.fail(),
                }
                let told = self.outline(earlier.unwrap_or(understood), &inside);
                self.count(actor, &told, ended.outcome, record.stamp, ended.micros, place);
            }
            // Logged before it ran: whether it failed shows in the session's next line.
            None => {
                (session.failed, session.executes) = (None, None);
                session.pending = Some((understood, record.stamp, place, number));
            }
        }
    }

    /// The text behind an EXECUTE: it ran if the EXECUTE did.
    fn executed(&mut self, record: &Record, understood: Understanding, place: Place) {
        let (Some(understood), Some(session)) = (understood, self.open.get_mut(&record.session)) else {
            return;
        };
        if let Some(pending) = &mut session.pending {
            session.executes = Some(pending.0.shape.fingerprint);
            pending.0 = understood;
        } else {
            session.acted |= does(&understood);
            session.planned.retain(|it| it.0.shape.fingerprint != understood.shape.fingerprint);
            let actor = self.book.of(session);
            let told = self.audit_of(record.session, 0, &understood).unwrap_or(understood);
            self.count(actor, &told, Outcome::Ok, record.stamp, None, place);
        }
    }

    /// A duration on a line of its own: the statement before it has ended well.
    fn duration(&mut self, id: u64, micros: u64) {
        let inside = self.inside(id);
        let Some(session) = self.open.get_mut(&id) else { return };
        if let Some((understood, stamp, place, number)) = session.pending.take() {
            let actor = self.book.of(session);
            session.acted |= does(&understood);
            session.change(&understood);
            session.failed = None;
            session.unplanned = Some(understood.shape.fingerprint);
            let told = self.audit_of(id, number, &understood).unwrap_or(understood);
            let told = self.outline(told, &inside);
            self.count(actor, &told, Outcome::Ok, stamp, Some(micros), place);
        }
    }

    /// A statement seen with its plan: the pending one, or one that a function ran, or one whose own line
    /// follows.
    fn planned(&mut self, record: &Record, understood: Understanding, micros: u64, parts: u64, place: Place) {
        let (Some(understood), Some(session)) = (understood, self.open.get_mut(&record.session)) else {
            return;
        };
        self.statements = true;
        session.spoke = true;
        session.acted |= does(&understood);
        let fingerprint = understood.shape.fingerprint;
        let pending = session.pending.as_ref().is_some_and(|it| it.0.shape.fingerprint == fingerprint);
        // In the extended protocol a plan is written when its portal is closed, behind the statement's own line.
        if pending || session.unplanned == Some(fingerprint) {
            session.unplanned = None;
            return;
        }
        let declared = understood.shape.sample.starts_with("declare ") && session.has_declared(fingerprint);
        if declared || session.is_planned_text(fingerprint, parts) {
            return;
        }
        if session.planned.len() < MAX_PLANNED {
            session.planned.push((understood, record.stamp, micros, place));
        } else {
            let actor = self.book.of(session);
            self.count(actor, &understood, Outcome::Ok, record.stamp, Some(micros), place);
        }
    }

    fn failed_statement(&mut self, record: &Record, understood: Understanding, place: Place) {
        let (Some(understood), Some(session)) = (understood, self.open.get_mut(&record.session)) else {
            return;
        };
        let worker = session.failed.is_none() && session.is_worker();
        session.spoke |= !worker;
        if std::mem::take(&mut session.examined) {
            return;
        }
        if session.failed.is_some() && session.pending.is_none() && self.one_database {
            let before = session.audits_before(&understood);
            for audit in before {
                self.audited_alone(record.session, audit, &BTreeSet::new());
            }
        }
        let Some(session) = self.open.get_mut(&record.session) else { return };
        let Some(denied) = session.failed.take() else {
            session.acted |= does(&understood);
            // The statement of a warning or of a note (a temporary file, a wait for a lock): it runs.
            let pending = session.pending.as_ref();
            let told = pending.is_some_and(|(it, ..)| it.shape.fingerprint == understood.shape.fingerprint)
                || session.planned.iter().any(|it| it.0.shape.fingerprint == understood.shape.fingerprint);
            if !told && session.planned.len() < MAX_PLANNED {
                session.planned.push((understood, record.stamp, 0, place));
            }
            return;
        };
        session.fail();
        let outcome = if denied { Outcome::Denied } else { Outcome::Failed };
        let shape = understood.shape.fingerprint;
        // The error of an EXECUTE is told with the EXECUTE, whose place the text it runs has taken.
        let executes = session.executes == Some(shape);
        let failed = session.pending.take_if(|(pending, ..)| executes || pending.shape.fingerprint == shape);
        let same = failed.is_some();
        let understood = failed.map_or(understood, |(pending, ..)| pending);
        let actor = self.book.of(session);
        // What never ran was never audited.
        let ran = !std::mem::take(&mut session.not_run);
        let audit = if ran { self.audit_for(record.session, &understood) } else { None };
        let told = audit.unwrap_or(understood);
        self.count(actor, &told, outcome, record.stamp, None, place);
        // What its functions ran is undone with it.
        let Some(session) = self.open.get_mut(&record.session).filter(|_| same) else { return };
        for audit in std::mem::take(&mut session.audits) {
            let told = self.told(audit.statement.as_ref(), audit.tables);
            self.count(actor, &told, outcome, audit.stamp, None, audit.place);
        }
    }

    /// A pending statement that no error followed has succeeded. What the server said of the statement that comes next
    /// is kept: in the extended protocol it says so when it binds, before it announces the execution.
    fn flush(&mut self, id: u64, next: Option<&Understood>) {
        let inside = self.inside(id);
        let Some(session) = self.open.get_mut(&id) else { return };
        let failed = session.failed.take();
        let actor = self.book.of(session);
        let planned = std::mem::take(&mut session.planned);
        let pending = session.pending.take();
        match (&pending, failed) {
            (Some((understood, ..)), None) => {
                session.acted |= does(understood);
                session.change(understood);
            }
            (_, Some(_)) => session.fail(),
            _ => {}
        }
        for (understood, stamp, micros, place) in planned {
            self.count(actor, &understood, Outcome::Ok, stamp, Some(micros), place);
        }
        let outcome = match failed {
            None => Outcome::Ok,
            Some(true) => Outcome::Denied,
            Some(false) => Outcome::Failed,
        };
        if let Some((understood, stamp, place, number)) = pending {
            let told = self.audit_of(id, number, &understood).unwrap_or(understood);
            let told = self.outline(told, &inside);
            self.count(actor, &told, outcome, stamp, None, place);
        }
        let Some(session) = self.open.get_mut(&id) else { return };
        let of_next = next.and_then(|next| session.audit_ahead(next));
        let mut audits = std::mem::take(&mut session.audits);
        session.audits.extend(of_next.map(|index| audits.remove(index)));
        for audit in audits {
            if self.one_database && outcome == Outcome::Ok {
                self.audited_alone(id, audit, &inside);
                continue;
            }
            let told = self.told(audit.statement.as_ref(), audit.tables);
            let told = self.outline(told, &inside);
            if let (Outcome::Ok, Some(session)) = (outcome, self.open.get_mut(&id)) {
                session.acted |= does(&told);
            }
            self.count(actor, &told, outcome, audit.stamp, None, audit.place);
        }
    }

    /// A statement that only its audit told has worked, and changes the session as its own line would.
    fn audited_alone(&mut self, id: u64, audit: Audit, inside: &BTreeSet<Action>) {
        let told = self.told(audit.statement.as_ref(), audit.tables.clone());
        let told = self.outline(told, inside);
        let Some(session) = self.open.get_mut(&id) else { return };
        session.runs();
        session.acted |= does(&told);
        let actor = self.book.of(session);
        session.change_alone(&audit);
        self.count(actor, &told, Outcome::Ok, audit.stamp, None, audit.place);
    }
}
