//! A use: somebody did something to something. This is the sentence most collectors state; it never says
//! who that somebody really is.

use super::activity::Activity;
use super::mention::{Actor, Text, cmp_texts};
use super::place::Places;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

/// What was done. This enum is the grammar of the whole and may be matched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Data was taken out.
    Read,
    /// Data was put in, changed or removed (DELETE and TRUNCATE too).
    Write,
    /// An endpoint was called.
    Call,
    /// A message was sent.
    Publish,
    /// A message was received.
    Consume,
    /// Data left the estate or the server for a file or a partner.
    Export,
    /// Data came in from a file or a partner.
    Import,
    /// A connection was made, nothing more is known.
    Connect,
    /// DDL, locks, grants: the thing itself was touched, not its data.
    Touch,
}

impl Action {
    /// The lower-case word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Write => "write",
            Action::Call => "call",
            Action::Publish => "publish",
            Action::Consume => "consume",
            Action::Export => "export",
            Action::Import => "import",
            Action::Connect => "connect",
            Action::Touch => "touch",
        }
    }

    /// The action of that word.
    pub fn from_word(word: &str) -> Option<Action> {
        use Action::{Call, Connect, Consume, Export, Import, Publish, Read, Touch, Write};
        [Read, Write, Call, Publish, Consume, Export, Import, Connect, Touch]
            .into_iter()
            .find(|action| action.word() == word)
    }
}

/// What kind of thing can be depended on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceKind {
    /// A whole database.
    Database,
    /// A table, view, or materialized view.
    Table,
    /// A function or procedure of a database.
    Routine,
    /// An HTTP endpoint: method and path.
    Endpoint,
    /// A topic or channel.
    Topic,
    /// A queue.
    Queue,
    /// A lock that programs take by its name or number (an advisory lock).
    Lock,
    /// A key space of a cache.
    Keys,
    /// A file, or a pattern of files with dates folded.
    File,
    /// A path in an object store.
    Object,
    /// A host, when nothing finer is known.
    Host,
    /// A system outside the estate.
    External,
}

impl ResourceKind {
    /// The word that opens an id.
    pub fn word(self) -> &'static str {
        match self {
            ResourceKind::Database => "database",
            ResourceKind::Table => "table",
            ResourceKind::Routine => "routine",
            ResourceKind::Endpoint => "endpoint",
            ResourceKind::Topic => "topic",
            ResourceKind::Queue => "queue",
            ResourceKind::Lock => "lock",
            ResourceKind::Keys => "keys",
            ResourceKind::File => "file",
            ResourceKind::Object => "object",
            ResourceKind::Host => "host",
            ResourceKind::External => "external",
        }
    }
}

/// A resource as written: nothing here is folded, qualified or resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// What kind of thing.
    pub kind: ResourceKind,
    /// The server or host it is on, as written (`db1:5432`, a system's name, a vantage's server id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Text>,
    /// The database it is in, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Text>,
    /// Its own name in parts, outermost first (`schema`, `table`; a path is one part).
    pub parts: Vec<Text>,
}

impl Resource {
    /// A table by its name in parts; server and database unknown.
    pub fn table(parts: Vec<Text>) -> Resource {
        Resource { kind: ResourceKind::Table, server: None, database: None, parts }
    }

    /// A function or procedure by its name in parts; server and database unknown.
    pub fn routine(parts: Vec<Text>) -> Resource {
        Resource { kind: ResourceKind::Routine, server: None, database: None, parts }
    }

    /// A database as a whole.
    pub fn database(server: Option<Text>, database: Option<Text>) -> Resource {
        Resource { kind: ResourceKind::Database, server, database, parts: Vec::new() }
    }

    /// A file by path on a host, where known.
    pub fn file(host: Option<Text>, path: impl Into<Text>) -> Resource {
        Resource { kind: ResourceKind::File, server: host, database: None, parts: vec![path.into()] }
    }

    /// The order of resources, as derived: what is shared need not be looked at.
    pub(super) fn in_order(&self, other: &Resource) -> Ordering {
        let texts = |a: Option<&Text>, b: Option<&Text>| match (a, b) {
            (Some(a), Some(b)) => cmp_texts(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        let parts = || {
            let differ = self.parts.iter().zip(&other.parts).map(|(a, b)| cmp_texts(a, b));
            differ.into_iter().find(|order| order.is_ne()).unwrap_or(self.parts.len().cmp(&other.parts.len()))
        };
        (self.kind.cmp(&other.kind))
            .then_with(|| texts(self.server.as_ref(), other.server.as_ref()))
            .then_with(|| texts(self.database.as_ref(), other.database.as_ref()))
            .then_with(parts)
    }

    /// The same resource at this server and database, where it does not say itself.
    #[must_use]
    pub fn at(mut self, server: Option<&Text>, database: Option<&Text>) -> Resource {
        if self.server.is_none() {
            self.server = server.cloned();
        }
        if self.database.is_none() {
            self.database = database.cloned();
        }
        self
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind.word())?;
        for part in [&self.server, &self.database].into_iter().flatten() {
            write!(f, "{part}/")?;
        }
        f.write_str(&self.parts.join("."))
    }
}

/// The fingerprint of a statement or request, with its folded text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// A hash of the folded text; 0 where there is no statement.
    pub fingerprint: u64,
    /// The folded text, cut; a function of the fingerprint.
    pub sample: Text,
}

impl Shape {
    /// No statement known.
    pub fn none() -> Shape {
        Shape { fingerprint: 0, sample: Text::from("") }
    }

    /// The shape of a request by its text, a method and a folded path: what differs is another shape.
    pub fn of_request(text: &Text) -> Shape {
        let mut first = [0u8; 8];
        first.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
        let fingerprint = u64::from_be_bytes(first).clamp(1, u64::MAX - 1);
        Shape { fingerprint, sample: text.clone() }
    }

    /// What shapes beyond the limit fold into.
    pub fn other() -> Shape {
        Shape { fingerprint: u64::MAX, sample: Text::from("other") }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It worked, as far as can be seen.
    Ok,
    /// It failed.
    Failed,
    /// It was refused.
    Denied,
}

impl Outcome {
    /// The word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Failed => "failed",
            Outcome::Denied => "denied",
        }
    }
}

/// Logins that programs which watch servers ask for in their documentation (Zabbix, mysqld_exporter, postgres_exporter,
/// Datadog, New Relic, PMM, pganalyze, Telegraf).
const MONITOR_LOGINS: [&str; 10] = [
    "zbx_monitor",
    "zabbix",
    "mysqld_exporter",
    "postgres_exporter",
    "redis_exporter",
    "datadog",
    "newrelic",
    "pmm",
    "pganalyze",
    "telegraf",
];

/// What kind of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// An application's own work.
    App,
    /// Somebody watching the server itself.
    Monitoring,
    /// A health probe.
    Probe,
    /// A pool keeping its connections alive.
    Keepalive,
    /// A backup.
    Backup,
    /// Replication.
    Replication,
    /// The server's own upkeep: VACUUM, ANALYZE, REINDEX.
    Maintenance,
    /// Somebody at a browser: what is made for people is read by people.
    Browsing,
}

impl Class {
    /// The word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Class::App => "app",
            Class::Monitoring => "monitoring",
            Class::Probe => "probe",
            Class::Keepalive => "keepalive",
            Class::Backup => "backup",
            Class::Replication => "replication",
            Class::Maintenance => "maintenance",
            Class::Browsing => "browsing",
        }
    }

    /// The class that a program's own name gives to all it does, where it gives one.
    pub fn of_program(name: &str) -> Option<Class> {
        super::program::class_of(&name.to_ascii_lowercase())
    }

    /// The class of a client by the name of its program, else, where it bears none, by its login: the programs' own
    /// documentation calls the login it asks for like the program.
    pub fn of_client(program: &str, login: &str) -> Option<Class> {
        let by_login = || MONITOR_LOGINS.contains(&login).then_some(Class::Monitoring);
        Class::of_program(program).or_else(|| if program.is_empty() { by_login() } else { None })
    }

    /// The class of that word.
    pub fn from_word(word: &str) -> Option<Class> {
        use Class::{App, Backup, Browsing, Keepalive, Maintenance, Monitoring, Probe, Replication};
        [App, Monitoring, Probe, Keepalive, Backup, Replication, Maintenance, Browsing]
            .into_iter()
            .find(|c| c.word() == word)
    }
}

/// In which part of the world something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// What runs.
    Production,
    /// Tests.
    Test,
    /// Examples and documentation.
    Example,
    /// Somebody else's code kept in the tree.
    Vendored,
    /// Code made by a program.
    Generated,
}

impl Scope {
    /// The word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Scope::Production => "production",
            Scope::Test => "test",
            Scope::Example => "example",
            Scope::Vendored => "vendored",
            Scope::Generated => "generated",
        }
    }
}

/// How we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// An inventory says so.
    Declared,
    /// Source, script or schedule says so.
    Written,
    /// A log or the wire saw it.
    Observed,
}

impl Basis {
    /// The word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Basis::Declared => "declared",
            Basis::Written => "written",
            Basis::Observed => "observed",
        }
    }
}

/// How sure something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// A guess with a reason.
    Low,
    /// Likely.
    Medium,
    /// As good as the evidence.
    High,
}

impl Confidence {
    /// The word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }
}

/// A name, or name and value, that says how something was done: `select-star`, `window = 1 day`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trait {
    /// The kebab-case name.
    pub name: Text,
    /// Its value, where it has one.
    pub value: Option<Text>,
}

impl Trait {
    /// A trait that is only a name.
    pub fn named(name: &str) -> Trait {
        Trait { name: Text::from(name), value: None }
    }

    /// A trait with a value.
    pub fn valued(name: &str, value: impl Into<Text>) -> Trait {
        Trait { name: Text::from(name), value: Some(value.into()) }
    }
}

impl fmt::Display for Trait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} = {value}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Everything about a use but when, how often and where exactly it was found: uses with the same `What` are
/// one use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct What {
    /// The id of the vantage that saw it, or of the source tree in which it is written.
    pub vantage: Text,
    /// Who, as the set of mentions seen together.
    pub actor: Actor,
    /// Did what.
    pub action: Action,
    /// To what.
    pub resource: Resource,
    /// With which statement or request.
    pub shape: Shape,
    /// How it ended.
    pub outcome: Outcome,
    /// What kind of traffic.
    pub class: Class,
    /// In which part of the world it is written.
    pub scope: Scope,
    /// How we know.
    pub basis: Basis,
    /// How sure the reading of the resource is.
    pub confidence: Confidence,
    /// How it was done.
    pub traits: BTreeSet<Trait>,
}

impl What {
    /// Whether two uses differ in their shapes alone, if at all.
    pub fn is_but_shape(&self, other: &What) -> bool {
        self.cmp_but_shape(other).is_eq()
    }

    /// The order of uses, whatever their shapes: those that differ in the shape alone are equal here.
    pub(super) fn cmp_but_shape(&self, other: &What) -> Ordering {
        let rest = |what: &What| (what.outcome, what.class, what.scope, what.basis, what.confidence);
        cmp_texts(&self.vantage, &other.vantage)
            .then_with(|| self.actor.cmp(&other.actor))
            .then_with(|| self.action.cmp(&other.action))
            .then_with(|| self.resource.in_order(&other.resource))
            .then_with(|| rest(self).cmp(&rest(other)))
            .then_with(|| self.traits.cmp(&other.traits))
    }
}

/// Somebody did something to something, then and then, and this is where it can be seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Use {
    /// Who, what, how.
    pub what: What,
    /// When and how often.
    pub activity: Activity,
    /// Where it can be seen.
    pub places: Places,
}
