//! All state that lives across the lines of a log, kept once for every format: who a session is, the
//! statement that may still turn out to have failed, the connection that may still be refused. It states
//! uses and never decides who a login belongs to.

use super::{Event, Record, Who};
use crate::evidence::{
    Action, Activity, Actor, Basis, Class, Confidence, Evidence, Gap, GapCode, Mention, MentionKind, Outcome,
    Place, Places, Resource, Scope, Sees, SessionSketch, Shape, Span, Stamp, Text, Use, Vantage, What, Zone,
};
use crate::sql::Understood;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A statement's understanding, for records that hold one.
pub type Understanding = Option<Arc<Understood>>;

/// Statements faster than this, seen with their duration, show that the log holds all of them: one
/// millisecond.
const FAST_MICROS: u64 = 1_000;

/// Programs that watch servers, by the application name they set (their own documentation), lower-case.
const MONITORS: [&str; 12] = [
    "postgres_exporter",
    "pgwatch",
    "zabbix",
    "datadog",
    "telegraf",
    "check_postgres",
    "pganalyze",
    "pgmetrics",
    "prometheus",
    "nagios",
    "newrelic",
    "pmm",
];
/// Programs that copy servers away.
const BACKUPS: [&str; 7] =
    ["pg_dump", "pg_dumpall", "pg_basebackup", "barman", "pgbackrest", "wal-g", "pg_receivewal"];

/// The class a program's own name gives to all it does.
fn class_of(application: &str) -> Option<Class> {
    let name = application.to_ascii_lowercase();
    if BACKUPS.iter().any(|known| name.starts_with(known)) {
        return Some(Class::Backup);
    }
    MONITORS.iter().any(|known| name.starts_with(known)).then_some(Class::Monitoring)
}

#[derive(Debug, Default)]
struct Session {
    who: Who,
    replication: bool,
    authorized: bool,
    pending: Option<(Arc<Understood>, Stamp, Place)>,
    failed: Option<bool>,
}

type Key = (usize, usize, Outcome, bool);

/// The open sessions of one stream, and what they did.
pub struct Sessions {
    vantage: Text,
    server: Text,
    open: HashMap<u64, Session>,
    whos: HashMap<Who, usize>,
    who_list: Vec<Who>,
    shapes: HashMap<usize, Arc<Understood>>,
    done: HashMap<Key, (Activity, Places)>,
    connects: HashMap<(usize, bool, Outcome), (Activity, Places)>,
    unknown: Option<(Place, u64)>,
    span: Option<Span>,
    sees_all: bool,
    statements: bool,
    sketch: SessionSketch,
}

impl Sessions {
    /// Of a stream.
    pub fn new(vantage: Text, server: Text) -> Sessions {
        Sessions {
            vantage,
            server,
            open: HashMap::new(),
            whos: HashMap::new(),
            who_list: Vec::new(),
            shapes: HashMap::new(),
            done: HashMap::new(),
            connects: HashMap::new(),
            unknown: None,
            span: None,
            sees_all: false,
            statements: false,
            sketch: SessionSketch::default(),
        }
    }

    /// Hears the next record of the stream.
    pub fn tell(&mut self, record: &Record, understood: Understanding, place: Place) {
        let span = Span::at(record.stamp);
        self.span = Some(self.span.map_or(span, |known| known.cover(span)));
        if matches!(record.event, Event::Connected) {
            // A process id is used again: what the earlier session left pending has succeeded.
            self.flush(record.session);
            self.open.insert(record.session, Session::default());
        }
        let session = self.open.entry(record.session).or_default();
        learn(&mut session.who, &record.who);
        match &record.event {
            Event::Statement { micros, .. } => self.statement(record, understood, *micros, place),
            Event::Error(denied) => session.failed = Some(*denied),
            Event::ErrorStatement(_) => self.failed_statement(record, understood, place),
            Event::Authorized(replication) => {
                session.replication = *replication;
                session.authorized = true;
                let (who, replication) = (session.who.clone(), *replication);
                self.connect(who, replication, Outcome::Ok, record.stamp, place);
            }
            Event::Refused => {
                let who = session.who.clone();
                self.connect(who, false, Outcome::Denied, record.stamp, place);
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

    fn statement(&mut self, record: &Record, understood: Understanding, micros: Option<u64>, place: Place) {
        let Some(understood) = understood else { return };
        self.flush(record.session);
        self.statements = true;
        self.sees_all |= micros.is_none_or(|micros| micros < FAST_MICROS);
        let Some(session) = self.open.get_mut(&record.session) else { return };
        match micros {
            // Logged after it ended: it has succeeded.
            Some(micros) => {
                let (who, replication) = (session.who.clone(), session.replication);
                self.count(who, replication, &understood, Outcome::Ok, record.stamp, Some(micros), place);
            }
            // Logged before it ran: whether it failed shows in the session's next line.
            None => {
                session.failed = None;
                session.pending = Some((understood, record.stamp, place));
            }
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
        let (who, replication) = (session.who.clone(), session.replication);
        if same {
            session.pending = None;
        }
        self.count(who, replication, &understood, outcome, record.stamp, None, place);
    }

    /// A pending statement that no error followed has succeeded.
    fn flush(&mut self, id: u64) {
        let Some(session) = self.open.get_mut(&id) else { return };
        let failed = session.failed.take();
        if let Some((understood, stamp, place)) = session.pending.take() {
            let (who, replication) = (session.who.clone(), session.replication);
            let outcome = match failed {
                None => Outcome::Ok,
                Some(true) => Outcome::Denied,
                Some(false) => Outcome::Failed,
            };
            self.count(who, replication, &understood, outcome, stamp, None, place);
        }
    }

    fn who(&mut self, who: Who) -> usize {
        // The port tells sessions apart, not consumers.
        let who = Who { port: 0, ..who };
        if let Some(known) = self.whos.get(&who) {
            return *known;
        }
        let number = self.who_list.len();
        self.who_list.push(who.clone());
        self.whos.insert(who, number);
        number
    }

    #[allow(clippy::too_many_arguments)]
    fn count(
        &mut self,
        who: Who,
        replication: bool,
        understood: &Arc<Understood>,
        outcome: Outcome,
        stamp: Stamp,
        micros: Option<u64>,
        place: Place,
    ) {
        if understood.analysis.tables.is_empty() {
            return;
        }
        if who.user.is_empty() {
            let (_, count) = self.unknown.get_or_insert_with(|| (place.clone(), 0));
            *count += 1;
        }
        let number = Arc::as_ptr(understood).addr();
        self.shapes.entry(number).or_insert_with(|| understood.clone());
        let key = (self.who(who), number, outcome, replication);
        let (activity, places) = self.done.entry(key).or_default();
        activity.add(stamp, 0, micros);
        places.add(Some(stamp), place);
    }

    fn connect(&mut self, who: Who, replication: bool, outcome: Outcome, stamp: Stamp, place: Place) {
        let key = (self.who(who), replication, outcome);
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
        let busy: BTreeSet<usize> = self.done.keys().map(|(who, ..)| *who).collect();
        for ((who, number, outcome, replication), (activity, places)) in std::mem::take(&mut self.done) {
            let (who, understood) = (&self.who_list[who], &self.shapes[&number]);
            for it in self.uses(who, replication, understood, outcome) {
                out.add_use(Use { what: it, activity: activity.clone(), places: places.clone() });
            }
        }
        for ((who, replication, outcome), (activity, places)) in std::mem::take(&mut self.connects) {
            let mut what = self.connect_use(&self.who_list[who], replication, outcome);
            // A log that holds every statement shows that this one came, and touched nothing of anybody's.
            if sees == Sees::All && what.class == Class::App && !busy.contains(&who) {
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

    fn connect_use(&self, who: &Who, replication: bool, outcome: Outcome) -> What {
        let class =
            if replication { Class::Replication } else { class_of(&who.application).unwrap_or(Class::App) };
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

    fn uses(&self, who: &Who, replication: bool, understood: &Understood, outcome: Outcome) -> Vec<What> {
        let by_name = class_of(&who.application);
        let class = if replication { Class::Replication } else { by_name.unwrap_or(understood.class) };
        let use_of = |table: &crate::sql::TableUse| What {
            vantage: self.vantage.clone(),
            actor: Sessions::actor(who),
            action: table.action,
            resource: Resource::table(table.parts.clone())
                .at(Some(&self.server), Sessions::database(who).as_ref()),
            shape: understood.shape.clone(),
            outcome,
            class,
            scope: Scope::Production,
            basis: Basis::Observed,
            confidence: table.confidence,
            traits: understood.analysis.traits.clone(),
        };
        understood.analysis.tables.iter().map(use_of).collect()
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
