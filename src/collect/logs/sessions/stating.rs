//! What the sessions of a stream add up to, stated: a use for each table, operation and connection, and what the log
//! could see. It hears nothing and decides who nobody is.

use super::{SPEAKING_WHEN_ALL, Sessions};
use crate::collect::logs::session::{Acting, Manner};
use crate::collect::logs::{Operation, Who};
use crate::evidence::{
    About, Action, Actor, Basis, Class, Confidence, Evidence, Fact, Gap, GapCode, Mention, MentionKind,
    Outcome, Provenance, Resource, ResourceKind, Says, Scope, Sees, Shape, Text, Trait, Use, Vantage, What,
    Zone,
};
use crate::sql::{Told, Understood};
use std::collections::BTreeSet;

/// The login stays who it is; the role whose privileges it took on (`SET ROLE`) is told beside.
fn as_role(role: &Text) -> Trait {
    Trait::valued("as-role", role.clone())
}

impl Sessions {
    /// States everything heard.
    pub fn finish(mut self, format: &About, of: Mention, zone: Text, zone_known: bool, out: &mut Evidence) {
        let mut open: Vec<u64> = self.open.keys().copied().collect();
        open.sort_unstable();
        for id in open {
            self.close(id, false);
        }
        self.book.correct(&self.spellings);
        // Where logins are told, whoever has none and was only seen at work is no client.
        let logins = self.book.names_a_login();
        if let Some((place, count)) = self.unknown.take() {
            let detail = if self.renamed {
                "the session began before the log did, or goes on under another login (COM_CHANGE_USER), which no line of \
                 it names, so its login is not known"
            } else if self.book.names_a_login() {
                "the session began before the log did, so its login is not known"
            } else {
                "no line names a login that can be told: log connections, or state the log_line_prefix of the log \
                 with [[source]]"
            };
            out.add_gap(Gap { count, ..Gap::new(place, GapCode::UnknownSession, detail) });
        }
        if let Some((place, count)) = self.unnumbered.take() {
            let detail = "no process (%p or %c) was found in the prefix, so sessions cannot be told apart: a failed \
                          statement may count as one that worked; state the log_line_prefix with [[source]]";
            out.add_gap(Gap { count, ..Gap::new(place, GapCode::UnknownSession, detail) });
        }
        if let Some((place, count)) = self.nameless.take() {
            let detail = "the export names no login (only userid): join it with pg_roles and pg_database";
            out.add_gap(Gap { count, ..Gap::new(place, GapCode::UnknownSession, detail) });
        }
        if let Some((place, count)) = self.translated.take() {
            let detail = "the server's messages are translated, and only English ones are understood: statements and \
                          logins are missing; set lc_messages = 'C' and log again";
            out.add_gap(Gap { count, ..Gap::new(place, GapCode::Unparsed, detail) });
        }
        if let Some((place, count)) = self.withheld.take() {
            let detail = "texts of other logins are withheld: export as a member of pg_read_all_stats";
            out.add_gap(Gap { count, ..Gap::new(place, GapCode::Unparsed, detail) });
        }
        if let Some((place, count)) = self.opaque.take() {
            let detail = "statements that name nothing the reader can tell; who sent them is kept";
            out.add_gap(Gap { count, ..Gap::new(place, GapCode::Unparsed, detail) });
        }
        let sees = self.sees();
        out.add_vantage(Vantage {
            id: self.vantage.clone(),
            kind: Text::from(format.name),
            of,
            zone: Zone { name: zone, known: zone_known },
            spans: self.span.into_iter().collect(),
            sees,
            lost: 0,
            sessions: std::mem::take(&mut self.sketch),
            tried: format.provenance != Provenance::Documented,
        });
        for ((from, to), place) in std::mem::take(&mut self.relays) {
            let (about, to) =
                (Mention::new(MentionKind::Address, from), Mention::new(MentionKind::Server, to));
            let says = Says::Relays { to, seen_by: self.vantage.clone() };
            let (basis, scope) = (Basis::Observed, Scope::Production);
            out.add_fact(Fact { about, says, basis, scope, span: None, place });
        }
        let mut busy: BTreeSet<usize> = BTreeSet::new();
        for ((number_of_who, number, outcome), (activity, places)) in std::mem::take(&mut self.done) {
            let who = self.book.who(number_of_who);
            if who.worker && logins {
                continue;
            }
            let understood = self.with_plan(&who.who, &self.shapes[&number]);
            for it in self.uses(who, &understood, outcome) {
                // What the server does elsewhere for somebody says nothing of what they do here.
                let elsewhere =
                    |it: &Trait| matches!(&*it.name, "server-file" | "by-server" | "through-server");
                if !it.traits.iter().any(elsewhere) {
                    busy.insert(number_of_who);
                }
                out.add_use(Use { what: it, activity: activity.clone(), places: places.clone() });
            }
        }
        for ((who, operation), (activity, places)) in std::mem::take(&mut self.operations) {
            busy.insert(who);
            out.add_use(Use { what: self.operation_use(self.book.who(who), &operation), activity, places });
        }
        let login = |number: &usize| {
            let who = &self.book.who(*number).who;
            (who.user.clone(), who.client.clone())
        };
        let mut told: BTreeSet<(Text, Text)> =
            self.connects.keys().map(|(number, ..)| login(number)).collect();
        told.extend(busy.iter().map(login));
        for ((number, outcome, manner), (activity, places)) in std::mem::take(&mut self.connects) {
            let mut what = self.connect_use(self.book.who(number), outcome);
            what.class = Sessions::class_of(what.class, manner, sees);
            out.add_use(Use { what, activity, places });
        }
        for (number, (activity, places, manner)) in std::mem::take(&mut self.heard) {
            let actor = self.book.who(number);
            if actor.worker && logins {
                continue;
            }
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
        if self.totals || !self.can_hold_all {
            return Sees::Unknown;
        }
        if !self.statements {
            return Sees::Connections;
        }
        if self.whole > 0 && self.speaking as f64 <= SPEAKING_WHEN_ALL * self.whole as f64 {
            return Sees::Unknown;
        }
        match (self.sees_all, self.queries || self.changes_data) {
            (true, _) => Sees::All,
            (false, false) => Sees::Ddl,
            (false, true) => Sees::Unknown,
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
        let by_name = Class::of_client(&who.application, &who.user).unwrap_or(Class::App);
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

    fn operation_use(&self, actor: &Acting, operation: &Operation) -> What {
        let who = &actor.who;
        let database = Sessions::database(who);
        What {
            vantage: self.vantage.clone(),
            actor: Sessions::actor(who),
            action: operation.action,
            resource: operation.resource.clone().at(Some(&self.server), database.as_ref()),
            shape: Shape::of_request(&operation.text),
            outcome: operation.ended.outcome,
            class: Class::of_client(&who.application, &who.user).unwrap_or(operation.class),
            scope: Scope::Production,
            basis: Basis::Observed,
            confidence: Confidence::High,
            traits: operation.traits.clone(),
        }
    }

    /// A resource where it is: on this server, and in the session's database. A name in MySQL is in a database, which is
    /// its schema, and a lock there is one of the whole server (MySQL 8.4 Reference Manual, 14.14).
    fn placed(&self, resource: Resource, who: &Who) -> Resource {
        let database = Sessions::database(who);
        let here = |resource: Resource| resource.at(Some(&self.server), database.as_ref());
        if !self.schemas_are_databases {
            return here(resource);
        }
        match (resource.kind, &resource.parts[..]) {
            (ResourceKind::Lock, _) => resource.at(Some(&self.server), None),
            (ResourceKind::Table | ResourceKind::Routine, [named, _]) => {
                here(Resource { database: Some(named.clone()), ..resource })
            }
            (ResourceKind::Table | ResourceKind::Routine, [name]) if database.is_some() => {
                let parts = database.iter().cloned().chain([name.clone()]).collect();
                here(Resource { parts, ..resource })
            }
            _ => here(resource),
        }
    }

    fn uses(&self, actor: &Acting, understood: &Understood, outcome: Outcome) -> Vec<What> {
        let who = &actor.who;
        let by_name = Class::of_client(&who.application, &who.user);
        let class = if actor.replication { Class::Replication } else { by_name.unwrap_or(understood.class) };
        let use_of = |told: Told| What {
            vantage: self.vantage.clone(),
            actor: Sessions::actor(who),
            action: told.action,
            resource: self.placed(told.resource, who),
            shape: understood.shape.clone(),
            outcome,
            class,
            scope: Scope::Production,
            basis: Basis::Observed,
            confidence: told.confidence,
            traits: told.traits.into_iter().chain(actor.path.role().map(as_role)).collect(),
        };
        let told = understood.uses(&actor.path).into_iter();
        let told =
            told.filter(|told| told.resource.kind != ResourceKind::Lock || !self.locks.vary(understood));
        told.map(use_of).collect()
    }
}
