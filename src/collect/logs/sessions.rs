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
use crate::sql::{SearchPath, SessionChange, Understood};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A statement's understanding, for records that hold one.
pub type Understanding = Option<Arc<Understood>>;

/// Statements faster than this, seen with their duration, show that the log holds all of them: one
/// millisecond.
const FAST_MICROS: u64 = 1_000;

/// How many plans of one statement's functions are held until the statement itself is seen.
const MAX_PLANNED: usize = 64;

#[derive(Debug, Default)]
struct Session {
    who: Who,
    replication: bool,
    pending: Option<(Arc<Understood>, Stamp, Place)>,
    planned: Vec<(Arc<Understood>, Stamp, u64, Place)>,
    failed: Option<bool>,
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
    connects: HashMap<(usize, Outcome), (Activity, Places)>,
    acted: BTreeSet<Who>,
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
            acted: BTreeSet::new(),
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
            self.flush(record.session);
            self.open.insert(record.session, Session::default());
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
                let actor = session.actor();
                self.connect(actor, Outcome::Ok, record.stamp, place);
            }
            Event::Refused => {
                let actor = session.actor();
                self.connect(actor, Outcome::Denied, record.stamp, place);
            }
            Event::Disconnected => {
                self.flush(record.session);
                self.open.remove(&record.session);
            }
            Event::Connected => {
                if !record.who.client.is_empty() && record.who.port > 0 {
                    self.sketch.add(&record.who.client, record.who.port, record.stamp);
                }
            }
            Event::Nothing => {}
        }
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
                self.saw_statement(*micros);
                self.count(actor, &understood, Outcome::Ok, record.stamp, *micros, place);
            }
            Event::Planned { micros, .. } => {
                let Some(understood) = understood else { return };
                self.count(actor, &understood, Outcome::Ok, record.stamp, Some(*micros), place);
            }
            Event::Authorized(replication) => {
                self.connect(Acting { replication: *replication, ..actor }, Outcome::Ok, record.stamp, place);
            }
            Event::Refused => self.connect(actor, Outcome::Denied, record.stamp, place),
            _ => {}
        }
    }

    fn saw_statement(&mut self, micros: Option<u64>) {
        self.statements = true;
        self.sees_all |= micros.is_none_or(|micros| micros < FAST_MICROS);
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
        self.saw_statement(micros);
        let Some(session) = self.open.get_mut(&record.session) else { return };
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
            let actor = session.actor();
            self.count(actor, &understood, Outcome::Ok, record.stamp, None, place);
        }
    }

    /// A duration on a line of its own: the statement before it has ended well.
    fn duration(&mut self, id: u64, micros: u64) {
        let Some(session) = self.open.get_mut(&id) else { return };
        if let Some((understood, stamp, place)) = session.pending.take() {
            let actor = session.actor();
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
        let outcome = if session.failed.take() == Some(true) { Outcome::Denied } else { Outcome::Failed };
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
        if outcome == Outcome::Ok && understood.class == Class::App && (named || analysis.acts) {
            self.acted.insert(Who { port: 0, ..actor.who.clone() });
        }
        if !named {
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

    fn connect(&mut self, actor: Acting, outcome: Outcome, stamp: Stamp, place: Place) {
        if !self.window.holds(stamp) {
            return;
        }
        let key = (self.who(Acting { path: SearchPath::default(), ..actor }), outcome);
        let (activity, places) = self.connects.entry(key).or_default();
        activity.add(stamp, 0, None);
        places.add(Some(stamp), place);
    }

    /// States everything heard.
    pub fn finish(mut self, kind: &str, of: Mention, zone: Text, zone_known: bool, out: &mut Evidence) {
        for id in self.open.keys().copied().collect::<Vec<_>>() {
            self.flush(id);
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
        let sees = match (self.sees_all, self.statements) {
            (true, _) => Sees::All,
            (false, true) => Sees::Unknown,
            (false, false) => Sees::Connections,
        };
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
        for ((who, number, outcome), (activity, places)) in std::mem::take(&mut self.done) {
            let (who, understood) = (&self.who_list[who], &self.shapes[&number]);
            for it in self.uses(who, understood, outcome) {
                out.add_use(Use { what: it, activity: activity.clone(), places: places.clone() });
            }
        }
        for ((number, outcome), (activity, places)) in std::mem::take(&mut self.connects) {
            let who = &self.who_list[number];
            let mut what = self.connect_use(who, outcome);
            // A log that holds every statement shows that this one came, and touched nothing of anybody's.
            if sees == Sees::All && what.class == Class::App && !self.acted.contains(&who.who) {
                what.class = Class::Probe;
            }
            out.add_use(Use { what, activity, places });
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
