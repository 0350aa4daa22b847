//! Where a session looks for unqualified names: its schemas, its temporary tables, and what the transaction that is
//! open will take back if it does not end well (PostgreSQL manual, SET, CREATE TABLE, ROLLBACK TO SAVEPOINT; tried on a
//! PostgreSQL 15 and a MariaDB 10.11). It reads no statement, and never decides which table a name is.

use super::session::SessionChange;
use super::{Analysis, TableUse};
use crate::evidence::Text;
use std::collections::BTreeSet;

/// How many temporary tables of one session are remembered.
const MAX_TEMPORARY: usize = 256;

/// How many savepoints of one transaction are remembered.
const MAX_SAVEPOINTS: usize = 64;

/// The schema PostgreSQL looks in, unless `search_path` says otherwise.
const DEFAULT_SCHEMA: &str = "public";

/// What stands for the schemas that a session looks in by itself, where a text says that it goes back to them. No schema
/// is called so without quotes.
const DEFAULT: &str = "default";

/// What a transaction that is rolled back takes back.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Held {
    /// In order; none: the default.
    schemas: Vec<Text>,
    /// Whether that was said.
    reset: bool,
    /// Those of the transaction.
    local: Option<Vec<Text>>,
    /// Names of temporary tables. Where a schema is a database they have two parts, of which the first is empty if
    /// nobody knows it.
    temporary: BTreeSet<Vec<Text>>,
    /// Those that end with the transaction.
    until_commit: BTreeSet<Vec<Text>>,
    /// What the client calls itself since it said so.
    application: Option<Text>,
    local_application: Option<Text>,
    /// Whose privileges it has.
    role: Option<Text>,
    local_role: Option<Text>,
}

/// A transaction, or a text of several statements, which is one unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Block {
    /// Whether BEGIN was said.
    explicit: bool,
    /// Whether it is a text of several statements.
    text: bool,
    /// Whether a statement of it failed.
    failed: bool,
    begun: Held,
    savepoints: Vec<(Text, Held)>,
}

/// Where a session looks for unqualified names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SearchPath {
    now: Held,
    block: Option<Box<Block>>,
    /// Whether it is known that no other transaction is open.
    bounded: bool,
}

impl SearchPath {
    /// Of a session that looks in this schema alone; empty: nobody said where it looks.
    pub fn in_schema(schema: &Text) -> SearchPath {
        let schemas = if schema.is_empty() { Vec::new() } else { vec![schema.clone()] };
        SearchPath { now: Held { schemas, ..Held::default() }, ..SearchPath::default() }
    }

    /// Of a session that was seen from its first statement on.
    pub fn from_the_start() -> SearchPath {
        SearchPath { bounded: true, ..SearchPath::default() }
    }

    /// The same, without what only matters to the statements that follow.
    #[must_use]
    pub fn at_once(&self) -> SearchPath {
        let role = self.role().cloned();
        let Held { schemas, local, temporary, .. } = self.now.clone();
        SearchPath {
            now: Held { schemas, local, temporary, role, ..Held::default() },
            ..SearchPath::default()
        }
    }

    /// The same, with only the temporary tables that a statement names which is run in this database; an empty one is
    /// not known.
    #[must_use]
    pub fn as_seen_by(&self, analysis: &Analysis, database: &str) -> SearchPath {
        let hides = |parts: &[Text]| match (listed(parts), parts) {
            (Some(_), [_, name]) => self.hides(std::slice::from_ref(name), Some(database)),
            _ => self.hides(parts, Some(database)),
        };
        let hidden = |table: &&TableUse| hides(&table.parts);
        let mut temporary: BTreeSet<Vec<Text>> =
            analysis.tables.iter().filter(hidden).map(|table| table.parts.clone()).collect();
        // Whatever one of them is renamed to is one, too.
        temporary.extend(analysis.session.iter().filter_map(|change| match change {
            SessionChange::Renamed(old, new) if hides(&within(old, database)) => Some(new.clone()),
            _ => None,
        }));
        SearchPath { now: Held { temporary, ..self.at_once().now }, ..SearchPath::default() }
    }

    /// Whether the session has temporary tables.
    pub fn has_temporary(&self) -> bool {
        !self.now.temporary.is_empty()
    }

    /// What the client called itself since it was let in.
    pub fn application(&self) -> Option<&Text> {
        self.now.local_application.as_ref().or(self.now.application.as_ref())
    }

    /// The role whose privileges it took on since it was let in.
    pub fn role(&self) -> Option<&Text> {
        self.now.local_role.as_ref().or(self.now.role.as_ref())
    }

    /// A statement failed: what is open can only be rolled back.
    pub fn fail(&mut self) {
        if let Some(block) = self.block.as_mut().filter(|block| block.explicit) {
            block.failed = true;
        }
    }

    /// A statement was run though the transaction that was open had failed: that was taken back, as far as it can be.
    /// Tells whether it was so.
    pub fn goes_on(&mut self) -> bool {
        let Some(block) = self.block.as_ref().filter(|block| block.failed) else { return false };
        let back = match block.savepoints.last() {
            Some((name, _)) => SessionChange::RollbackTo(name.clone()),
            None => SessionChange::Rollback { chain: false },
        };
        self.change(&[back]);
        true
    }

    /// Takes over what a statement that worked changes.
    pub fn change(&mut self, changes: &[SessionChange]) {
        self.change_in(changes, "");
    }

    /// The same, of a statement that is run in this database; an empty one is not known.
    pub fn change_in(&mut self, changes: &[SessionChange], database: &str) {
        for change in changes {
            match change {
                SessionChange::SearchPath { schemas, local } => self.look_in(schemas, *local),
                SessionChange::Application { name, local: true } if self.block.is_some() => {
                    self.now.local_application = name.clone();
                }
                SessionChange::Application { local: true, .. } => {}
                SessionChange::Application { name, local: false } => {
                    (self.now.application, self.now.local_application) = (name.clone(), None);
                }
                SessionChange::Temporary { name, until_commit } => {
                    self.make(within(name, database), *until_commit);
                }
                SessionChange::Dropped(name) => self.forget(&within(name, database)),
                SessionChange::Renamed(old, new) => {
                    let old = within(old, database);
                    if self.now.temporary.contains(&old) {
                        let until_commit = self.now.until_commit.contains(&old);
                        self.forget(&old);
                        self.make(within(new, database), until_commit);
                    }
                }
                SessionChange::NoTemporary => {
                    self.now.temporary.clear();
                    self.now.until_commit.clear();
                }
                SessionChange::Role { name, local: true } if self.block.is_some() => {
                    self.now.local_role = name.clone();
                }
                SessionChange::Role { local: true, .. } => {}
                SessionChange::Role { name, local: false } => {
                    (self.now.role, self.now.local_role) = (name.clone(), None);
                }
                SessionChange::Database(_) => {}
                SessionChange::Begin => self.begin(false),
                SessionChange::Text { begins: true } => self.begin(true),
                SessionChange::Text { begins: false } => {
                    if self.block.as_ref().is_some_and(|block| !block.explicit) {
                        self.end(false, false);
                    }
                    self.block = self.block.take().filter(|block| block.explicit);
                    if let Some(block) = &mut self.block {
                        block.text = false;
                    }
                }
                SessionChange::Commit { chain } => {
                    let failed = self.block.as_ref().is_some_and(|block| block.failed);
                    self.end(failed, *chain);
                }
                SessionChange::Rollback { chain } => self.end(true, *chain),
                SessionChange::Savepoint(name) => {
                    if let Some(block) = &mut self.block
                        && block.savepoints.len() < MAX_SAVEPOINTS
                    {
                        block.savepoints.push((name.clone(), self.now.clone()));
                    }
                }
                SessionChange::Release(name) => {
                    if let Some((block, at)) = self.savepoint(name) {
                        block.savepoints.truncate(at);
                    }
                }
                SessionChange::RollbackTo(name) => {
                    if let Some((block, at)) = self.savepoint(name) {
                        block.savepoints.truncate(at + 1);
                        block.failed = false;
                        self.now = block.savepoints[at].1.clone();
                    }
                }
            }
        }
    }

    fn savepoint(&mut self, name: &Text) -> Option<(&mut Block, usize)> {
        let block = self.block.as_mut()?;
        let at = block.savepoints.iter().rposition(|(known, _)| known == name)?;
        Some((block, at))
    }

    fn begin(&mut self, text: bool) {
        self.bounded |= !text;
        match &mut self.block {
            Some(block) if text => block.text = true,
            // What a text did before it says BEGIN belongs to the transaction.
            Some(block) => block.explicit = true,
            None => {
                self.now.local = None;
                let (begun, savepoints) = (self.now.clone(), Vec::new());
                let block = Block { explicit: !text, text, failed: false, begun, savepoints };
                self.block = Some(Box::new(block));
            }
        }
    }

    fn end(&mut self, undone: bool, chain: bool) {
        self.bounded = true;
        let Some(mut block) = self.block.take() else {
            self.now.local = None;
            return;
        };
        if undone {
            self.now = std::mem::take(&mut block.begun);
        } else {
            let Held { temporary, until_commit, local, local_application, local_role, .. } = &mut self.now;
            (*local, *local_application, *local_role) = (None, None, None);
            temporary.retain(|name| !until_commit.contains(name));
            until_commit.clear();
        }
        if chain && block.explicit || block.text {
            let (begun, explicit) = (self.now.clone(), chain && block.explicit);
            self.block =
                Some(Box::new(Block { begun, explicit, failed: false, savepoints: Vec::new(), ..*block }));
        }
    }

    fn look_in(&mut self, schemas: &[Text], local: bool) {
        let now = &mut self.now;
        if !local {
            (now.schemas, now.local, now.reset) = (schemas.to_vec(), None, schemas.is_empty());
        } else if self.block.is_some() {
            now.local = Some(schemas.to_vec());
        } else if !self.bounded {
            // Outside of a transaction it changes nothing; but this one may have begun before the log did.
            let mut either = schemas.to_vec();
            let default = [Text::from(DEFAULT_SCHEMA)];
            let before = if now.schemas.is_empty() { &default[..] } else { &now.schemas[..] };
            either.extend(before.iter().filter(|schema| !schemas.contains(schema)).cloned());
            now.local = Some(either);
        }
    }

    fn make(&mut self, name: Vec<Text>, until_commit: bool) {
        // Whatever ends with a transaction is gone where there is none.
        if self.now.temporary.len() >= MAX_TEMPORARY || until_commit && self.block.is_none() {
            return;
        }
        if until_commit {
            self.now.until_commit.insert(name.clone());
        }
        self.now.temporary.insert(name);
    }

    fn forget(&mut self, name: &[Text]) {
        // Where nobody knows the database that one of them is in, it is the same.
        let same = |known: &Vec<Text>| match (&known[..], name) {
            ([_, own], [database, table]) if database.is_empty() => own == table,
            ([own, known], [_, table]) if own.is_empty() => known == table,
            _ => known == name,
        };
        self.now.temporary.retain(|known| !same(known));
        self.now.until_commit.retain(|known| !same(known));
    }

    /// Whether a name is one of a temporary table, of a statement that is run in this database; an empty one is not
    /// known, `None`: there is none but the one that is named.
    pub(super) fn hides(&self, parts: &[Text], database: Option<&str>) -> bool {
        let temporary = &self.now.temporary;
        if temporary.is_empty() || temporary.contains(parts) {
            return !temporary.is_empty();
        }
        temporary.iter().any(|known| match (&known[..], parts) {
            ([own, known], [table]) => {
                let here = database.is_some_and(|database| database.is_empty() || database == &**own);
                known == table && (own.is_empty() || here)
            }
            ([own, known], [_, table]) => own.is_empty() && known == table,
            _ => false,
        })
    }

    /// An unqualified name with the schema it is looked for in; several schemas stand in braces, in order,
    /// and whoever knows the tables tells which of them has it. `None`: a temporary table of the session's
    /// own, which is nobody else's (PostgreSQL looks there first).
    pub fn qualify(&self, parts: &[Text]) -> Option<Vec<Text>> {
        // SQL Server's temporary tables tell by their names (CREATE TABLE, "Temporary tables").
        if matches!(parts, [.., name] if name.starts_with('#')) || self.hides(parts, None) {
            return None;
        }
        match (listed(parts), parts) {
            (Some(_), [_, name]) if self.hides(std::slice::from_ref(name), None) => None,
            (Some(DEFAULT), [_, name]) => Some(vec![name.clone()]),
            (Some(list), [_, name]) if !list.contains(',') => Some(vec![Text::from(list), name.clone()]),
            _ => Some(self.place(parts)),
        }
    }

    /// The same of a name that is no temporary table's.
    fn place(&self, parts: &[Text]) -> Vec<Text> {
        let schemas = self.now.local.as_ref().unwrap_or(&self.now.schemas);
        match (parts, &schemas[..]) {
            ([name], [schema]) => vec![schema.clone(), name.clone()],
            ([name], [_, ..]) => vec![list(schemas), name.clone()],
            _ => parts.to_vec(),
        }
    }

    /// The same of a text of which nobody knows yet whether its session has a temporary table of that name: the schemas
    /// stand in braces, even a single one.
    pub(super) fn place_in_text(&self, parts: &[Text]) -> Vec<Text> {
        let schemas = self.now.local.as_ref().unwrap_or(&self.now.schemas);
        match (parts, &schemas[..]) {
            ([name], [_, ..]) => vec![list(schemas), name.clone()],
            ([name], []) if self.now.reset || self.now.local.is_some() => {
                vec![list(&[Text::from(DEFAULT)]), name.clone()]
            }
            _ => parts.to_vec(),
        }
    }
}

/// How a name is shown that is looked for in these schemas: in a single one, or in those that nobody names.
pub(super) fn shown_schema(parts: &[String]) -> Option<Option<&str>> {
    let [schemas, _] = parts else { return None };
    match schemas.strip_prefix('{')?.strip_suffix('}')? {
        DEFAULT => Some(None),
        list => (!list.is_empty() && !list.contains(',')).then_some(Some(list)),
    }
}

fn list(schemas: &[Text]) -> Text {
    let all: Vec<&str> = schemas.iter().map(|schema| &**schema).collect();
    Text::from(format!("{{{}}}", all.join(",")))
}

/// The schemas in whose list an unqualified name is looked for; `None`: the name is qualified, or none was said.
pub(super) fn listed(parts: &[Text]) -> Option<&str> {
    let [schemas, _] = parts else { return None };
    schemas.strip_prefix('{')?.strip_suffix('}').filter(|list| !list.is_empty())
}

/// A temporary table's name in a database: an empty first part stands for the one that is used.
fn within(name: &[Text], database: &str) -> Vec<Text> {
    match name {
        [own, table] if own.is_empty() => vec![Text::from(database), table.clone()],
        _ => name.to_vec(),
    }
}
