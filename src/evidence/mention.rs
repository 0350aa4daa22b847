//! Names as written. A mention is one name with its kind; an actor is the set of mentions seen together.
//! Nothing here compares, folds or joins names: that is `resolve`.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Shared immutable text.
pub type Text = Arc<str>;

/// The order of two texts; one that is shared need not be looked at.
pub(super) fn cmp_texts(a: &Text, b: &Text) -> Ordering {
    if Arc::ptr_eq(a, b) { Ordering::Equal } else { a.cmp(b) }
}

/// What kind of name a mention is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MentionKind {
    /// A principal of a server: a database login, an HTTP user.
    User,
    /// A host name, as written.
    Host,
    /// An IP address without port.
    Address,
    /// `host:port`, `address:port` or a socket path at which a server is reached.
    Endpoint,
    /// What a client says it is: `application_name`, a user agent.
    Application,
    /// A database name.
    Database,
    /// A part of a source tree that is built or deployed as one: the folder that holds it, relative to
    /// the scan root.
    Component,
    /// A script file: `host:/absolute/path` when the host is known, else its path relative to the input.
    Script,
    /// A code file of a component, which may also be run by itself; the text is like a script's.
    Code,
    /// A scheduled job: `host:place:command`, unique to its line, not yet a name for people.
    Job,
    /// A declared name: of a service, job, client, person or partner in an inventory.
    Declared,
    /// A system as an inventory or a `[[source]]` names it: `shop-db`.
    System,
    /// A server that a vantage watched and nothing named yet; the text is the vantage id.
    Server,
    /// An operating-system account, as in a crontab's user column.
    Account,
    /// A name of a container or compose service.
    Container,
}

impl MentionKind {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            MentionKind::User => "user",
            MentionKind::Host => "host",
            MentionKind::Address => "address",
            MentionKind::Endpoint => "endpoint",
            MentionKind::Application => "application",
            MentionKind::Database => "database",
            MentionKind::Component => "component",
            MentionKind::Script => "script",
            MentionKind::Code => "code",
            MentionKind::Job => "job",
            MentionKind::Declared => "declared",
            MentionKind::System => "system",
            MentionKind::Server => "server",
            MentionKind::Account => "account",
            MentionKind::Container => "container",
        }
    }
}

/// A name exactly as one place spells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mention {
    /// What kind of name it is.
    pub kind: MentionKind,
    /// The name, scrubbed but otherwise as written.
    pub text: Text,
}

impl Mention {
    /// A mention of this kind.
    pub fn new(kind: MentionKind, text: impl Into<Text>) -> Mention {
        Mention { kind, text: text.into() }
    }
}

impl fmt::Display for Mention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.word(), self.text)
    }
}

/// The mentions seen together in one act, in order and each once: identity is made from this co-occurrence. Many uses
/// are of one actor, so it is shared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Actor(Arc<Vec<Mention>>);

impl PartialOrd for Actor {
    fn partial_cmp(&self, other: &Actor) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Actor {
    fn cmp(&self, other: &Actor) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl Actor {
    /// Nobody known.
    pub fn new() -> Actor {
        Actor::default()
    }

    /// With one more mention; empty texts name nobody and are left out.
    #[must_use]
    pub fn with(mut self, kind: MentionKind, text: impl Into<Text>) -> Actor {
        self.add(Mention::new(kind, text));
        self
    }

    /// Adds one mention; empty texts name nobody and are left out.
    pub fn add(&mut self, mention: Mention) {
        if mention.text.is_empty() {
            return;
        }
        if let Err(index) = self.0.binary_search(&mention) {
            Arc::make_mut(&mut self.0).insert(index, mention);
        }
    }

    /// The same, but with this in the place of where it comes from.
    #[must_use]
    pub fn from_elsewhere(&self, from: Mention) -> Actor {
        let place = |mention: &&Mention| matches!(mention.kind, MentionKind::Address | MentionKind::Host);
        self.iter().filter(|mention| !place(mention)).cloned().chain([from]).collect()
    }

    /// The first mention of a kind, in text order.
    pub fn get(&self, kind: MentionKind) -> Option<&Text> {
        self.0.iter().find(|m| m.kind == kind).map(|m| &m.text)
    }

    /// All mentions in order.
    pub fn iter(&self) -> impl Iterator<Item = &Mention> {
        self.0.iter()
    }

    /// Whether two are one in memory: equal for certain; else they may be equal all the same.
    pub fn is_same(&self, other: &Actor) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Mention> for Actor {
    fn from_iter<I: IntoIterator<Item = Mention>>(mentions: I) -> Actor {
        let mut actor = Actor::new();
        for mention in mentions {
            actor.add(mention);
        }
        actor
    }
}
