//! All state that lives across the lines of a log, kept once for every format: who a session is, the
//! statement that may still turn out to have failed, the connection that may still be refused. It states
//! uses and never decides who a login belongs to.

use super::{Event, Record, Who};
use crate::collect::Window;
use crate::evidence::scrub::scrub;
use crate::evidence::{
    Action, Activity, Actor, Basis, Class, Confidence, Evidence, Gap, GapCode, Mention, MentionKind, Outcome,
    Place, Places, Resource, Scope, Sees, SessionSketch, Shape, Span, Stamp, Text, Use, Vantage, What, Zone,
};
use crate::sql::{SearchPath, SessionChange, Status, Understood};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A statement's understanding, for records that hold one.
pub type Understanding = Option<Arc<Understood>>;

/// Statements faster than this, seen with their duration, show that the log holds all of them: one
/// millisecond.
const FAST_MICROS: u64 = 1_000;

/// The share of whole sessions that must have shown a statement before the log is believed to hold all.
const SPEAKING_WHEN_ALL: f64 = 0.8;

/// Whether a statement does anything to the application's data, as far as it is understood.
fn does(understood: &Understood) -> bool {
    let analysis = &understood.analysis;
    let named = !analysis.tables.is_empty() || !analysis.routines.is_empty();
    understood.class == Class::App && (named || analysis.acts)
}

/// How many plans of one statement's functions are held until the statement itself is seen.
const MAX_PLANNED: usize = 64;

#[derive(Debug, Default)]
struct Session {
    who: Who,
    replication: bool,
    pending: Option<(Arc<Understood>, Stamp, Place)>,
    planned: Vec<(Arc<Understood>, Stamp, u64, Place)>,
    failed: Option<bool>,
    /// When and as whom it was let in.
    connect: Option<(Acting, Stamp, Place)>,
    /// Whether a statement of it was seen, and whether one did anything to the application's data.
    spoke: bool,
    acted: bool,
    path: SearchPath,
}

impl Session {
    /// What a statement that worked changes for those after it.
    fn change(&mut self, understood: &Understood) {
        let changes = &understood.analysis.session;
        self.path.change(changes);
        for change in changes {
            if let SessionChange::Application(name) = change {
                self.who.application = Text::from(scrub(name));
            }
        }
    }

    fn actor(&self) -> Acting {
        Acting { who: self.who.clone(), replication: self.replication, path: self.path.clone() }
    }
}

/// Who acts, and where unqualified names are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Acting {
    who: Who,
    replication: bool,
    path: SearchPath,
}

type Key = (usize, usize, Outcome);

/// What a connection turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Manner {
    /// It did something to the application's data, or nobody can say that it did not.
    Acted,
    /// Its statements were seen, and none did.
    Idle,
    /// It ended, and no statement of it was seen.
    Silent,
}

/// The open sessions of one stream, and what they did.
pub struct Sessions {
    vantage: Text,
    server: Text,
    open: HashMap<u64, Session>,
    window: Window,
    whos: HashMap<Acting, usize>,
    who_list: Vec<Acting>,
    shapes: HashMap<usize, Arc<Understood>>,
    done: HashMap<Key, (Activity, Places)>,
    connects: HashMap<(usize, Outcome, Manner), (Activity, Places)>,
    /// Logins that were heard without a table: when, and whether anything was done.
    heard: HashMap<usize, (Activity, Places, Manner)>,
    opaque: Option<(Place, u64)>,
    /// Sessions seen from their login to their end, and those of which a statement was seen.
    whole: u64,
    speaking: u64,
    queries: bool,
    unknown: Option<(Place, u64)>,
    unnumbered: Option<(Place, u64)>,
    span: Option<Span>,
    sees_all: bool,
    statements: bool,
    sketch: SessionSketch,
}

impl Sessions {
    /// Of a stream.
    pub fn new(vantage: Text, server: Text, window: Window) -> Sessions {
        Sessions {
            vantage,
            server,
            window,
            open: HashMap::new(),
            whos: HashMap::new(),
            who_list: Vec::new(),
            shapes: HashMap::new(),
            done: HashMap::new(),
            connects: HashMap::new(),
            heard: HashMap::new(),
            opaque: None,
            whole: 0,
            speaking: 0,
            queries: false,
            unknown: None,
            unnumbered: None,
            span: None,
            sees_all: false,
            statements: false,
            sketch: SessionSketch::default(),
        }
    }

    /// Hears the next record of the stream.
    pub fn tell(&mut self, record: &Record, understood: Understanding, place: Place) {
        if self.window.holds(record.stamp) {
            let span = Span::at(record.stamp);
            self.span = Some(self.span.map_or(span, |known| known.cover(span)));
        }
        if record.session == 0 {
            return self.unnumbered(record, understood, place);
        }
        if matches!(record.event, Event::Connected) {
            // A process id is used again: what the earlier session left pending has succeeded.
            self.close(record.session, true);
        }
        let session = self.open.entry(record.session).or_default();
        learn(&mut session.who, &record.who);
        match &record.event {
            Event::Statement { micros, .. } => self.statement(record, understood, *micros, place),
            Event::Duration(micros) => self.duration(record.session, *micros),
            Event::Planned { micros, .. } => self.planned(record, understood, *micros, place),
            Event::Prepared(_) => self.executed(record, understood, place),
            Event::Error(denied) => session.failed = Some(*denied),
            Event::ErrorStatement(_) => self.failed_statement(record, understood, place),
            Event::Authorized(replication) => {
                session.replication = *replication;
                session.connect = Some((session.actor(), record.stamp, place));
            }
            Event::Replication => {
                session.replication = true;
                session.acted = true;
                let actor = session.actor();
                self.hear(actor, Manner::Acted, record.stamp, place);
            }
            Event::Refused => {
                // Authorized is not let in: the role or the database may be missing.
                session.connect = None;
                let actor = session.actor();
                self.connect(actor, Outcome::Denied, Manner::Acted, record.stamp, place);
            }
            Event::Disconnected => {
                let actor = session.actor();
                if session.connect.is_none() {
                    self.hear(actor, Manner::Acted, record.stamp, place);
                }
                self.close(record.session, true);
            }
            Event::Connected => {
                if !record.who.client.is_empty() && record.who.port > 0 {
                    self.sketch.add(&record.who.client, record.who.port, record.stamp);
                }
            }
            // Requests are heard elsewhere.
            Event::Request(_) => {}
            Event::Nothing => {
                let actor = session.actor();
                if session.connect.is_none() && !session.spoke {
                    self.hear(actor, Manner::Acted, record.stamp, place);
                }
            }
        }
    }

    /// A session ends, or the log does: what it left pending has succeeded, and its connection is told.
    fn close(&mut self, id: u64, ended: bool) {
        self.flush(id);
        let Some(session) = self.open.remove(&id) else { return };
        let Some((actor, stamp, place)) = session.connect else { return };
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

    /// Somebody was heard of whom no table is known (yet).
    fn hear(&mut self, actor: Acting, manner: Manner, stamp: Stamp, place: Place) {
        if actor.who.user.is_empty() || !self.window.holds(stamp) {
            return;
        }
        let number = self.who(Acting { path: SearchPath::default(), ..actor });
        let (activity, places, known) =
            self.heard.entry(number).or_insert_with(|| (Activity::none(), Places::default(), manner));
        *known = (*known).min(manner);
        activity.add(stamp, 0, None);
        places.add(Some(stamp), place);
    }

    /// A record whose line names no process: it stands for itself, because nothing tells which lines belong
    /// together.
    fn unnumbered(&mut self, record: &Record, understood: Understanding, place: Place) {
        let actor = Acting { who: (*record.who).clone(), ..Acting::default() };
        match &record.event {
            Event::Statement { micros, .. } => {
                let Some(understood) = understood else { return };
                let (_, count) = self.unnumbered.get_or_insert_with(|| (place.clone(), 0));
                *count += 1;
                self.saw_statement(&understood, *micros);
                self.count(actor, &understood, Outcome::Ok, record.stamp, *micros, place);
            }
            Event::Planned { micros, .. } => {
                let Some(understood) = understood else { return };
                self.count(actor, &understood, Outcome::Ok, record.stamp, Some(*micros), place);
            }
            Event::Authorized(replication) => {
                let actor = Acting { replication: *replication, ..actor };
                self.connect(actor, Outcome::Ok, Manner::Acted, record.stamp, place);
            }
            Event::Refused => self.connect(actor, Outcome::Denied, Manner::Acted, record.stamp, place),
            _ => {}
        }
    }

    fn saw_statement(&mut self, understood: &Understood, micros: Option<u64>) {
        self.statements = true;
        self.sees_all |= micros.is_none_or(|micros| micros < FAST_MICROS);
        let sample = &understood.shape.sample;
        self.queries |= sample.starts_with("select") || sample.starts_with("with");
    }

    fn statement(&mut self, record: &Record, understood: Understanding, micros: Option<u64>, place: Place) {
        let Some(understood) = understood else { return };
        if let Some(session) = self.open.get_mut(&record.session) {
            // The plan of this very statement was logged just before it.
            let same = |it: &(Arc<Understood>, Stamp, u64, Place)| {
                it.0.shape.fingerprint == understood.shape.fingerprint
            };
            if let (Some(_), Some(index)) = (micros, session.planned.iter().position(same)) {
                session.planned.remove(index);
            }
        }
        self.flush(record.session);
        self.saw_statement(&understood, micros);
        let Some(session) = self.open.get_mut(&record.session) else { return };
        session.spoke = true;
        // What is only announced may still fail: it has acted when it has worked.
        session.acted |= micros.is_some() && does(&understood);
        match micros {
            // Logged after it ended: it has succeeded.
            Some(micros) => {
                let actor = session.actor();
                session.change(&understood);
                self.count(actor, &understood, Outcome::Ok, record.stamp, Some(micros), place);
            }
            // Logged before it ran: whether it failed shows in the session's next line.
            None => {
                session.failed = None;
                session.pending = Some((understood, record.stamp, place));
            }
        }
    }

    /// The text behind an EXECUTE: it ran if the EXECUTE did.
    fn executed(&mut self, record: &Record, understood: Understanding, place: Place) {
        let (Some(understood), Some(session)) = (understood, self.open.get_mut(&record.session)) else {
            return;
        };
        if let Some(pending) = &mut session.pending {
            pending.0 = understood;
        } else {
            session.acted |= does(&understood);
            let actor = session.actor();
            self.count(actor, &understood, Outcome::Ok, record.stamp, None, place);
        }
    }

    /// A duration on a line of its own: the statement before it has ended well.
    fn duration(&mut self, id: u64, micros: u64) {
        let Some(session) = self.open.get_mut(&id) else { return };
        if let Some((understood, stamp, place)) = session.pending.take() {
            let actor = session.actor();
            session.acted |= does(&understood);
            session.change(&understood);
            session.failed = None;
            self.count(actor, &understood, Outcome::Ok, stamp, Some(micros), place);
        }
    }

    /// A statement seen with its plan: the pending one, or one that a function ran, or one whose own line
    /// follows.
    fn planned(&mut self, record: &Record, understood: Understanding, micros: u64, place: Place) {
        let (Some(understood), Some(session)) = (understood, self.open.get_mut(&record.session)) else {
            return;
        };
        self.statements = true;
        session.spoke = true;
        session.acted |= does(&understood);
        let pending = session.pending.as_ref();
        if pending.is_some_and(|(it, ..)| it.shape.fingerprint == understood.shape.fingerprint) {
            return;
        }
        if session.planned.len() < MAX_PLANNED {
            session.planned.push((understood, record.stamp, micros, place));
        } else {
            let actor = session.actor();
            self.count(actor, &understood, Outcome::Ok, record.stamp, Some(micros), place);
        }
    }

    fn failed_statement(&mut self, record: &Record, understood: Understanding, place: Place) {
        let (Some(understood), Some(session)) = (understood, self.open.get_mut(&record.session)) else {
            return;
        };
        session.spoke = true;
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
        let outcome = if denied { Outcome::Denied } else { Outcome::Failed };
        let same = session
            .pending
            .as_ref()
            .is_some_and(|(p, ..)| p.shape.fingerprint == understood.shape.fingerprint);
        let actor = session.actor();
        if same {
            session.pending = None;
        }
        self.count(actor, &understood, outcome, record.stamp, None, place);
    }

    /// A pending statement that no error followed has succeeded.
    fn flush(&mut self, id: u64) {
        let Some(session) = self.open.get_mut(&id) else { return };
        let failed = session.failed.take();
        let actor = session.actor();
        let planned = std::mem::take(&mut session.planned);
        let pending = session.pending.take();
        if let (Some((understood, ..)), None) = (&pending, failed) {
            session.acted |= does(understood);
            session.change(understood);
        }
        for (understood, stamp, micros, place) in planned {
            self.count(actor.clone(), &understood, Outcome::Ok, stamp, Some(micros), place);
        }
        if let Some((understood, stamp, place)) = pending {
            let outcome = match failed {
                None => Outcome::Ok,
                Some(true) => Outcome::Denied,
                Some(false) => Outcome::Failed,
            };
            self.count(actor, &understood, outcome, stamp, None, place);
        }
    }

    fn who(&mut self, actor: Acting) -> usize {
        // The port tells sessions apart, not consumers.
        let actor = Acting { who: Who { port: 0, ..actor.who }, ..actor };
        if let Some(known) = self.whos.get(&actor) {
            return *known;
        }
        let number = self.who_list.len();
        self.who_list.push(actor.clone());
        self.whos.insert(actor, number);
        number
    }

    fn count(
        &mut self,
        actor: Acting,
        understood: &Arc<Understood>,
        outcome: Outcome,
        stamp: Stamp,
        micros: Option<u64>,
        place: Place,
    ) {
        if !self.window.holds(stamp) {
            return;
        }
        let analysis = &understood.analysis;
        // What is only prepared has not run; its EXECUTE is told with the text.
        let sample = &understood.shape.sample;
        if sample.starts_with("prepare ") && !sample.contains(';') {
            return;
        }
        let named = !analysis.tables.is_empty() || !analysis.routines.is_empty();
        if !named {
            let acts = does(understood);
            if acts && analysis.status != Status::Parsed {
                let (_, count) = self.opaque.get_or_insert_with(|| (place.clone(), 0));
                *count += 1;
            }
            if outcome == Outcome::Ok {
                let manner = if acts { Manner::Acted } else { Manner::Idle };
                self.hear(actor, manner, stamp, place);
            }
            return;
        }
        if actor.who.user.is_empty() {
            let (_, count) = self.unknown.get_or_insert_with(|| (place.clone(), 0));
            *count += 1;
        }
        let actor = Acting { path: actor.path.as_seen_by(analysis), ..actor };
        let number = Arc::as_ptr(understood).addr();
        self.shapes.entry(number).or_insert_with(|| understood.clone());
        let key = (self.who(actor), number, outcome);
        let (activity, places) = self.done.entry(key).or_default();
        activity.add(stamp, 0, micros);
        places.add(Some(stamp), place);
    }

    fn connect(&mut self, actor: Acting, outcome: Outcome, manner: Manner, stamp: Stamp, place: Place) {
        if !self.window.holds(stamp) {
            return;
        }
        let key = (self.who(Acting { path: SearchPath::default(), ..actor }), outcome, manner);
        let (activity, places) = self.connects.entry(key).or_default();
        activity.add(stamp, 0, None);
        places.add(Some(stamp), place);
    }

    /// States everything heard.
    pub fn finish(mut self, kind: &str, of: Mention, zone: Text, zone_known: bool, out: &mut Evidence) {
        let mut open: Vec<u64> = self.open.keys().copied().collect();
        open.sort_unstable();
        for id in open {
            self.close(id, false);
        }
        if let Some((place, count)) = self.unknown.take() {
            let detail = "the session began before the log did, so its login is not known";
            out.add_gap(Gap { count, ..Gap::new(place, GapCode::UnknownSession, detail) });
        }
        if let Some((place, count)) = self.unnumbered.take() {
            let detail = "the prefix names no process (%p or %c), so sessions cannot be told apart: a failed \
                          statement may count as one that worked";
            out.add_gap(Gap { count, ..Gap::new(place, GapCode::UnknownSession, detail) });
        }
        if let Some((place, count)) = self.opaque.take() {
            let detail = "statements that name nothing the reader can tell; who sent them is kept";
            out.add_gap(Gap { count, ..Gap::new(place, GapCode::Unparsed, detail) });
        }
        let sees = self.sees();
        out.add_vantage(Vantage {
            id: self.vantage.clone(),
            kind: Text::from(kind),
            of,
            zone: Zone { name: zone, known: zone_known },
            spans: self.span.into_iter().collect(),
            sees,
            lost: 0,
            sessions: std::mem::take(&mut self.sketch),
        });
        let busy: BTreeSet<usize> = self.done.keys().map(|(who, ..)| *who).collect();
        for ((who, number, outcome), (activity, places)) in std::mem::take(&mut self.done) {
            let (who, understood) = (&self.who_list[who], &self.shapes[&number]);
            for it in self.uses(who, understood, outcome) {
                out.add_use(Use { what: it, activity: activity.clone(), places: places.clone() });
            }
        }
        let login = |number: &usize| {
            let who = &self.who_list[*number].who;
            (who.user.clone(), who.client.clone())
        };
        let mut told: BTreeSet<(Text, Text)> =
            self.connects.keys().map(|(number, ..)| login(number)).collect();
        told.extend(busy.iter().map(login));
        for ((number, outcome, manner), (activity, places)) in std::mem::take(&mut self.connects) {
            let mut what = self.connect_use(&self.who_list[number], outcome);
            what.class = Sessions::class_of(what.class, manner, sees);
            out.add_use(Use { what, activity, places });
        }
        for (number, (activity, places, manner)) in std::mem::take(&mut self.heard) {
            let actor = &self.who_list[number];
            // A login that has a connection or a table from there is told by that.
            if told.contains(&(actor.who.user.clone(), actor.who.client.clone())) {
                continue;
            }
            let mut what = self.connect_use(actor, Outcome::Ok);
            what.class = Sessions::class_of(what.class, manner, sees);
            out.add_use(Use { what, activity, places });
        }
    }

    /// What a bare connection is: a log that holds every statement shows that it touched nothing of anybody's.
    fn class_of(class: Class, manner: Manner, sees: Sees) -> Class {
        match (class, manner) {
            (Class::App, Manner::Idle) => Class::Probe,
            (Class::App, Manner::Silent) if sees == Sees::All => Class::Probe,
            (class, _) => class,
        }
    }

    /// How much of what happened the log holds: told by the sessions that were seen from login to end, where
    /// there are any; else by what kinds of statements there are.
    fn sees(&self) -> Sees {
        if !self.statements {
            return Sees::Connections;
        }
        if self.whole > 0 && self.speaking as f64 <= SPEAKING_WHEN_ALL * self.whole as f64 {
            return Sees::Unknown;
        }
        match (self.sees_all, self.queries) {
            (true, true) => Sees::All,
            (true, false) => Sees::Ddl,
            (false, _) => Sees::Unknown,
        }
    }

    fn actor(who: &Who) -> Actor {
        let kind = if who.client.parse::<std::net::IpAddr>().is_ok() {
            MentionKind::Address
        } else {
            MentionKind::Host
        };
        Actor::new()
            .with(MentionKind::User, who.user.clone())
            .with(MentionKind::Database, who.database.clone())
            .with(MentionKind::Application, who.application.clone())
            .with(kind, who.client.clone())
    }

    fn database(who: &Who) -> Option<Text> {
        (!who.database.is_empty()).then(|| who.database.clone())
    }

    fn connect_use(&self, actor: &Acting, outcome: Outcome) -> What {
        let who = &actor.who;
        let by_name = Class::of_program(&who.application).unwrap_or(Class::App);
        let class = if actor.replication { Class::Replication } else { by_name };
        What {
            vantage: self.vantage.clone(),
            actor: Sessions::actor(who),
            action: Action::Connect,
            resource: Resource::database(Some(self.server.clone()), Sessions::database(who)),
            shape: Shape::none(),
            outcome,
            class,
            scope: Scope::Production,
            basis: Basis::Observed,
            confidence: Confidence::High,
            traits: BTreeSet::new(),
        }
    }

    fn uses(&self, actor: &Acting, understood: &Understood, outcome: Outcome) -> Vec<What> {
        let who = &actor.who;
        let by_name = Class::of_program(&who.application);
        let class = if actor.replication { Class::Replication } else { by_name.unwrap_or(understood.class) };
        let use_of = |action: Action, resource: Resource, confidence: Confidence| What {
            vantage: self.vantage.clone(),
            actor: Sessions::actor(who),
            action,
            resource: resource.at(Some(&self.server), Sessions::database(who).as_ref()),
            shape: understood.shape.clone(),
            outcome,
            class,
            scope: Scope::Production,
            basis: Basis::Observed,
            confidence,
            traits: understood.analysis.traits.clone(),
        };
        let tables = understood.analysis.tables.iter().filter_map(|table| {
            let parts = actor.path.qualify(&table.parts)?;
            Some(use_of(table.action, Resource::table(parts), table.confidence))
        });
        let routines = understood.analysis.routines.iter().filter_map(|name| {
            Some(use_of(Action::Call, Resource::routine(actor.path.qualify(name)?), Confidence::Medium))
        });
        tables.chain(routines).collect()
    }
}

/// Takes over what a line says beyond what is known.
fn learn(mine: &mut Who, said: &Who) {
    for (mine, said) in [
        (&mut mine.user, &said.user),
        (&mut mine.database, &said.database),
        (&mut mine.application, &said.application),
        (&mut mine.client, &said.client),
    ] {
        if !said.is_empty() {
            *mine = said.clone();
        }
    }
    if said.port != 0 {
        mine.port = said.port;
    }
}
