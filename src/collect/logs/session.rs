//! One session of a log: who it is, the statement that may still turn out to have failed, what the server said a
//! statement uses. It keeps state and counts nothing.

use super::Who;
use crate::evidence::scrub::scrub;
use crate::evidence::{Class, Place, Stamp, Text};
use crate::sql::{SearchPath, SessionChange, TableUse, Understood};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Whether a statement does anything to the application's data, as far as it is understood.
pub(super) fn does(understood: &Understood) -> bool {
    let analysis = &understood.analysis;
    let named = !analysis.tables.is_empty() || !analysis.routines.is_empty();
    understood.class == Class::App && (named || analysis.acts)
}

/// How many tables the server may name for one statement; more are left out.
const MAX_AUDITED_TABLES: usize = 1024;

/// What the server says a statement uses.
#[derive(Debug)]
pub(super) struct Audit {
    /// The server's number: the statement in the upper half, a part of it (a statement of a function) in the lower.
    pub number: u64,
    /// The tables it named.
    pub tables: BTreeSet<TableUse>,
    /// The statement, where a record held it.
    pub statement: Option<Arc<Understood>>,
    /// When it was said.
    pub stamp: Stamp,
    /// Where.
    pub place: Place,
}

impl Audit {
    /// Whether it is about this statement.
    pub fn is_of(&self, number: u64, understood: &Understood) -> bool {
        let same = |it: &Arc<Understood>| it.shape.fingerprint == understood.shape.fingerprint;
        (number != 0 && number == self.number) || self.statement.as_ref().is_some_and(same)
    }

    /// Whether both are parts of one statement.
    pub fn is_beside(&self, number: u64) -> bool {
        self.number >> 32 == number >> 32
    }

    /// Takes over more tables.
    pub fn add(&mut self, tables: &[TableUse]) {
        let room = MAX_AUDITED_TABLES.saturating_sub(self.tables.len());
        self.tables.extend(tables.iter().take(room).cloned());
    }
}

/// How many plans of one statement's functions are held until the statement itself is seen.
pub(super) const MAX_PLANNED: usize = 64;

/// An open session.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Who it is, as far as is known.
    pub who: Who,
    /// Whether it replicates.
    pub replication: bool,
    /// A statement that was announced, with its number.
    pub pending: Option<(Arc<Understood>, Stamp, Place, u64)>,
    /// Statements seen with their plan, whose own line may follow.
    pub planned: Vec<(Arc<Understood>, Stamp, u64, Place)>,
    /// What the server said of statements that are not told yet.
    pub audits: Vec<Audit>,
    /// An error was seen: whether for lack of rights.
    pub failed: Option<bool>,
    /// When and as whom it was let in.
    pub connect: Option<(Acting, Stamp, Place)>,
    /// Whether a statement of it was seen.
    pub spoke: bool,
    /// Whether one did anything to the application's data.
    pub acted: bool,
    /// Where it looks for unqualified names.
    pub path: SearchPath,
}

impl Session {
    /// What a statement that worked changes for those after it.
    pub fn change(&mut self, understood: &Understood) {
        let changes = &understood.analysis.session;
        self.path.change(changes);
        for change in changes {
            if let SessionChange::Application(name) = change {
                self.who.application = Text::from(scrub(name));
            }
        }
    }

    /// Who acts now.
    pub fn actor(&self) -> Acting {
        Acting { who: self.who.clone(), replication: self.replication, path: self.path.clone() }
    }
}

/// Who acts, and where unqualified names are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Acting {
    pub who: Who,
    pub replication: bool,
    pub path: SearchPath,
}

/// What a connection turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Manner {
    /// It did something to the application's data, or nobody can say that it did not.
    Acted,
    /// Its statements were seen, and none did.
    Idle,
    /// It ended, and no statement of it was seen.
    Silent,
}

/// Takes over what a line says beyond what is known.
pub(super) fn learn(mine: &mut Who, said: &Who) {
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
