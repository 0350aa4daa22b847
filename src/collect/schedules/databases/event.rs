//! Events of MySQL and MariaDB in SQL that makes them, as people and as mysqldump write it: CREATE, ALTER and DROP EVENT
//! (reference manual), with the database, the zone and the server that the script states around them. A disabled event is
//! none. Its clock is the zone of the session that made it; unless the script sets one, that of the server.

use super::super::job::{Job, Work, Zone};
use super::super::{SchedulePlace, World};
use super::call::Script;
use super::statements::{Statement, statements};
use super::{accepts, event_table, is_sql_with, migrations, setting, unique_name};
use crate::evidence::{About, Connection, Evidence, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use crate::sql::Dialect;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// SQL that makes events, and exports of `information_schema.EVENTS`.
pub struct MysqlEvents;

pub(super) const DIALECT: &str = "mysql-event";
/// How much of a statement is looked at for what it is.
const HEAD: usize = 600;

static CREATES: LazyLock<regex::bytes::Regex> = LazyLock::new(|| {
    regex::bytes::Regex::new(r"(?i)\bevent\b[^;]{0,400}?\bon\s+schedule\b").expect("the pattern is valid")
});
static CHANGES: LazyLock<regex::bytes::Regex> = LazyLock::new(|| {
    regex::bytes::Regex::new(r"(?i)\b(create|alter|drop)\b[^;]{0,200}?\bevent\b")
        .expect("the pattern is valid")
});
/// What dumps say of themselves.
static DUMPED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^-- Host: (?<host>\S+) +Database: (?<database>\S+)|^-- (Current )?Database: `?(?<own>[^`\s]+)`?")
        .expect("the pattern is valid")
});

impl SchedulePlace for MysqlEvents {
    fn about(&self) -> &'static About {
        &About {
            name: "mysql-event",
            title: "MySQL and MariaDB: events in SQL files and dumps, exports of information_schema.EVENTS",
            provenance: Provenance::Recorded,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        event_table::is_one(file) || is_sql_with(file, &CREATES)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        if let Some(events) = event_table::events(text) {
            return events.iter().map(|event| u64::from(event.state(file, world, out))).sum();
        }
        let mut found = Found::default();
        found.read(text);
        if !found.events.is_empty() {
            for later in migrations::later(file, world, |it| is_sql_with(it, &CHANGES)) {
                let Ok(text) = later.text() else { continue };
                found.taken_over(&text);
            }
        }
        found.events.iter().map(|event| u64::from(event.state(file, world, out))).sum()
    }
}

/// One event.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Event {
    pub database: Option<String>,
    pub name: String,
    pub schedule: String,
    pub body: String,
    pub login: Option<String>,
    pub server: Option<String>,
    /// The zone of its times, where it is stated and not `SYSTEM`.
    pub zone: Option<String>,
    pub off: bool,
    pub line: u64,
}

impl Event {
    /// States it; whether it is an active one.
    pub fn state(&self, file: &InputFile, world: &World<'_>, out: &mut Evidence) -> bool {
        let own = match &self.database {
            Some(database) => format!("{database}.{}", self.name),
            None => self.name.clone(),
        };
        let name = unique_name(file, self.database.as_deref(), &own);
        if self.off || !accepts(file, self.line, DIALECT, &name, &self.schedule, out) {
            return false;
        }
        let clock = schedule::parse(DIALECT, &self.schedule).map(|schedule| schedule.clock());
        let zone = match &self.zone {
            _ if matches!(clock, Ok(schedule::Clock::Interval { .. })) => Zone::None,
            None => Zone::OfHost,
            Some(zone) if schedule::zone(zone).is_some() => Zone::Stated(Text::from(zone.as_str())),
            Some(zone) => Zone::Unknown(format!("time_zone {zone}: no zone of that name")),
        };
        let scheduler = setting(world, file, ".cnf", "event_scheduler");
        let off =
            scheduler.filter(|value| matches!(value.to_ascii_lowercase().as_str(), "off" | "0" | "disabled"));
        let guards = off.map(|value| Text::from(format!("event_scheduler={value}"))).into_iter().collect();
        let connection = Connection {
            server: self.server.as_deref().map(Text::from),
            user: self.login.as_deref().map(Text::from),
            database: self.database.as_deref().map(Text::from),
            application: None,
        };
        let environment = BTreeMap::new();
        let work = Work::Sql { text: &self.body, dialect: Dialect::MySql, connection };
        let from = Job::of_shell(file, world, &self.schedule, DIALECT, "", &environment);
        let scope = scope_of(&file.path, "");
        Job { name: Some(&name), zone, work, guards, line: self.line, scope, ..from }.state(out);
        true
    }
}

/// The events of a script, and what it has set so far.
#[derive(Default)]
struct Found {
    events: Vec<Event>,
    database: Option<String>,
    server: Option<String>,
    zone: Option<String>,
}

impl Found {
    fn read(&mut self, text: &str) {
        let dumped = DUMPED.captures(beginning(text, 4096));
        if let Some(dumped) = dumped {
            let of = |name: &str| dumped.name(name).map(|found| found.as_str().to_owned());
            self.database = of("database").or_else(|| of("own"));
            self.server = of("host").filter(|host| host != "localhost" && !host.starts_with("127."));
        }
        for statement in statements(text) {
            self.statement(&statement);
        }
    }

    fn statement(&mut self, statement: &Statement<'_>) {
        let head = beginning(statement.text, HEAD);
        let lower = head.to_ascii_lowercase();
        let matters = ["event", "time_zone", "use "].iter().any(|word| lower.contains(word));
        if !matters || lower.starts_with("insert") {
            return;
        }
        let script = Script::new(statement.text, Dialect::MySql, statement.line);
        if script.is(0, "use") {
            self.database = script.spelt(1).or(self.database.take());
        } else if script.is(0, "set") {
            self.set(&script);
        } else if let Some(at) = (0..script.len().min(24)).find(|at| script.is(*at, "event")) {
            let verbs = ["create", "alter", "drop"];
            match verbs.iter().find(|verb| script.is(0, verb)) {
                Some(&"create") => self.create(&script, at),
                Some(&"alter") => self.alter(&script, at),
                Some(_) => self.drop(&script, at),
                None => {}
            }
        }
    }

    /// `SET time_zone = '+00:00'`; what a variable holds is what the session had before, and that is not told.
    fn set(&mut self, script: &Script<'_>) {
        let at = (0..script.len()).find(|at| {
            let raw = script.lexed.raw(*at).to_ascii_lowercase();
            matches!(raw.as_str(), "time_zone" | "@@time_zone" | "@@session.time_zone" | "@@local.time_zone")
        });
        let Some(at) = at.filter(|at| script.is(at + 1, "=")) else { return };
        // The session's own variables are no users' variables, and a global one is no session's.
        if (0..at).any(|at| script.is(at, "global")) {
            return;
        }
        let value = script.lexed.content(at + 2).or_else(|| script.spelt(at + 2));
        self.zone = value.filter(|value| !value.eq_ignore_ascii_case("system"));
    }

    /// The name behind EVENT, its database, and the token after it.
    fn named(&self, script: &Script<'_>, event: usize) -> Option<(Option<String>, String, usize)> {
        let mut at = event + 1;
        for words in [&["if", "not", "exists"][..], &["if", "exists"]] {
            if script.are(at, words) {
                at += words.len();
            }
        }
        let first = script.spelt(at)?;
        if script.is(at + 1, ".") {
            return Some((Some(first), script.spelt(at + 2)?, at + 3));
        }
        Some((self.database.clone(), first, at + 1))
    }

    fn create(&mut self, script: &Script<'_>, event: usize) {
        let Some((database, name, next)) = self.named(script, event) else { return };
        let definer = (0..event).find(|at| script.is(*at, "definer")).map(|at| at + 2);
        let login = definer.and_then(|at| script.lexed.content(at).or_else(|| script.spelt(at)));
        let login = login.filter(|login| !login.eq_ignore_ascii_case("current_user"));
        let (server, zone) = (self.server.clone(), self.zone.clone());
        let line = script.line(0);
        let mut made = Event { database, name, login, server, zone, line, ..Event::default() };
        clauses(script, next, &mut made);
        if made.schedule.is_empty() {
            return;
        }
        self.events.retain(|it| !is_same(it, &made));
        self.events.push(made);
    }

    fn alter(&mut self, script: &Script<'_>, event: usize) {
        let Some((database, name, next)) = self.named(script, event) else { return };
        let aim = Event { database, name, ..Event::default() };
        let zone = self.zone.clone();
        if let Some(it) = self.events.iter_mut().find(|it| is_same(it, &aim)) {
            let before = it.schedule.clone();
            clauses(script, next, it);
            if it.schedule != before {
                it.zone = zone;
            }
        }
    }

    fn drop(&mut self, script: &Script<'_>, event: usize) {
        let Some((database, name, _)) = self.named(script, event) else { return };
        let aim = Event { database, name, ..Event::default() };
        self.events.retain(|it| !is_same(it, &aim));
    }

    /// Leaves out what a later migration drops, makes anew or alters.
    fn taken_over(&mut self, later: &str) {
        let own = self.database.clone();
        let mut theirs = Found { events: self.events.clone(), database: own, ..Found::default() };
        theirs.read(later);
        self.events.retain(|event| theirs.events.contains(event));
    }
}

/// At most so many bytes of a text.
fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

fn is_same(one: &Event, other: &Event) -> bool {
    let databases = one.database.as_ref().zip(other.database.as_ref());
    one.name.eq_ignore_ascii_case(&other.name) && databases.is_none_or(|(one, other)| one == other)
}

/// What stands behind the name: when, whether it is on, and what it does.
fn clauses(script: &Script<'_>, from: usize, event: &mut Event) {
    let body = (from..script.len()).find(|at| script.is(*at, "do"));
    let end = body.unwrap_or(script.len());
    let ends = |at: &usize| {
        ["enable", "disable", "comment", "rename"].iter().any(|word| script.is(*at, word))
            || script.are(*at, &["on", "completion"])
    };
    if let Some(at) = (from..end).find(|at| script.are(*at, &["on", "schedule"])) {
        let stop = (at + 2..end).find(ends).unwrap_or(end);
        let words: Vec<&str> = (at + 2..stop).map(|at| script.lexed.raw(at)).collect();
        event.schedule =
            words.join(" ").replace(" (", "(").replace("( ", "(").replace(" )", ")").replace(" ,", ",");
    }
    for at in from..end {
        if script.is(at, "enable") {
            event.off = false;
        } else if script.is(at, "disable") {
            event.off = true;
        }
    }
    if let Some(at) = body {
        let text = script.rest(at + 1).trim_end().trim_end_matches(';').trim_end();
        // mysqldump puts all of it into a comment that only newer servers read.
        event.body =
            text.strip_suffix("*/").filter(|_| !text.contains("/*")).unwrap_or(text).trim().to_owned();
    }
}
