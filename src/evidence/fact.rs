//! What is true without anyone using it: schedules, what runs what, other names, where things live. Facts
//! travel beside uses; only `resolve` draws on them.

use super::mention::{Mention, Text};
use super::place::Place;
use super::program::Role;
use super::stamp::Span;
use super::usage::{Action, Basis, Class, Resource, Scope};
use serde::{Deserialize, Serialize};

/// How a command reaches a server, where that was written: every part as written, passwords never.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// `host`, `host:port`, address or socket path of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Text>,
    /// The login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Text>,
    /// The database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<Text>,
    /// The application name the client sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<Text>,
}

impl Connection {
    /// Whether nothing at all is known.
    pub fn is_empty(&self) -> bool {
        self == &Connection::default()
    }
}

/// What makes a job wait for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The other starts it, or its end does.
    Call,
    /// A sensor or condition of its scheduler waits for the other's success.
    Sensor,
    /// Where both are started, it is started behind the other (`After=` of systemd.unit(5)).
    After,
}

impl Order {
    /// For people, before the other's name.
    pub fn words(self) -> &'static str {
        match self {
            Order::Call => "is started by",
            Order::Sensor => "waits for",
            Order::After => "is ordered after",
        }
    }
}

/// What a fact says. This enum is the grammar of the whole and may be matched on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// Another name of the same thing.
    SameAs(Mention),
    /// It is a part of that.
    PartOf(Mention),
    /// It serves this resource.
    Serves(Resource),
    /// It serves this still, and asks everybody to leave it.
    Retires(Resource),
    /// It runs on this host (or address).
    RunsOn(Mention),
    /// A clock starts it.
    Scheduled {
        /// The schedule as written.
        text: Text,
        /// The scheduler whose rules hold: a name from the schedule dialects.
        dialect: Text,
        /// The zone that the place itself states, if it does.
        zone: Option<Text>,
        /// Guards in the command that change the schedule, as written.
        guards: Vec<Text>,
    },
    /// Its scheduler calls it this.
    Called(Text),
    /// It runs as this operating-system account.
    RunsAs(Text),
    /// It runs this command, and, where the command names one, this script or SQL file.
    Runs {
        /// The command as written, scrubbed.
        command: Text,
        /// The file it names: absolute, or relative to where it runs.
        script: Option<Text>,
        /// How the run reaches a server, where the command line says so (`psql -h db1 -f x.sql`).
        connection: Box<Connection>,
    },
    /// It runs a function, a method or a class of an application: these lines of this file, as reports show it, counted
    /// from 1.
    RunsPart {
        /// The file.
        file: Text,
        /// The first line.
        first: u64,
        /// The last line.
        last: u64,
    },
    /// It takes over the settings and functions of this file: sourced, not run.
    Includes(Text),
    /// It is code that takes in this file of the scan, spelled as that is mentioned itself: imported, not run.
    Imports(Text),
    /// Configuration management puts this file of a tree at this absolute path of the hosts that it is for; `{}` stands for
    /// what only a run fills in. What it is about is the file, or what it is installed from, where the scan has no such file.
    InstalledAt(Text),
    /// What it holds is computed from that.
    DerivesFrom(Resource),
    /// A controller of Kubernetes names its pods, from this name and what that kind of controller puts behind it.
    Pods {
        /// `deployment`, `statefulset`, `daemonset`, `replicaset` or `job`.
        controller: Text,
        /// Its name in its namespace.
        name: Text,
        /// Its namespace, where that is said.
        namespace: Option<Text>,
    },
    /// Its scheduler holds it back for the job that it calls this.
    WaitsFor {
        /// The other's name at the same scheduler, as in [`Says::Called`].
        name: Text,
        /// In which way.
        order: Order,
    },
    /// Its text starts something, sleeps for a fixed time, and goes on with something else.
    Sleeps {
        /// How long it sleeps, in seconds.
        seconds: u64,
        /// What it does before.
        started: Box<(Action, Resource)>,
        /// Whether that goes on in the background.
        background: bool,
        /// What it does after.
        then: Box<(Action, Resource)>,
    },
    /// A pooler or proxy: from this address it goes to that server, for the clients that the vantage saw at it.
    Relays {
        /// The server.
        to: Mention,
        /// The id of the vantage.
        seen_by: Text,
    },
    /// Its local time is this zone.
    InZone(Text),
    /// Somebody answers for it.
    OwnedBy(Text),
    /// Its stage of life: `deprecated`, `experimental` …
    Lifecycle(Text),
    /// An inventory lists it, as this kind of thing (`service`, `job`, `client`, `person`, `partner`,
    /// `database`, `host` …).
    DeclaredAs(Text),
    /// An inventory says it does this to that (no action: any).
    DeclaredUse(Option<Action>, Resource),
    /// An inventory says its uses are of this class.
    OfClass(Class),
    /// An inventory says it is this kind of consumer, whatever it looks like.
    OfRole(Role),
    /// A list of access lets this login do this, in words. It may never have done so: no use, and no proof of one.
    Permitted(Text),
    /// A comment beside it states an order or a wait; quoted, cut at 120 characters, scrubbed.
    Remark(Text),
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about.
    pub about: Mention,
    /// What is so.
    pub says: Says,
    /// How we know.
    pub basis: Basis,
    /// In which part of the world it was written.
    pub scope: Scope,
    /// When it held, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// Where it is written.
    pub place: Place,
}
