//! What a statement does to which tables: roles with exact scopes of common table expressions, a fingerprint
//! so that each shape is parsed once, fragile patterns, and a token-level reading with lower confidence for
//! what the parser does not take. It never decides which server a table is on, and never invents a name it
//! cannot read. The only user of sqlparser.

mod ast;
mod blocks;
mod cache;
mod definitions;
mod dialect;
mod dynamic;
mod explain;
mod factors;
mod filled;
mod fold;
mod holds;
mod lex;
mod reach;
mod routines;
mod rows;
mod script;
mod session;
mod spelling;
mod state;
mod tags;
mod telling;
mod tokens;
mod traits;
mod utility;
mod words;

pub use cache::{Cache, SHAPES_CACHED, Understood};
pub use dialect::Dialect;
pub use filled::{filled, is_open, names_open, shown_open};
pub use fold::{FOLDED_BYTES, fingerprint, fold};
pub use lex::{Kind, Lexed, Token, lex};
pub use reach::{Reach, Told};
pub use session::SessionChange;
pub use state::SearchPath;
pub use tags::tags;

use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{Action, Confidence, Text, Trait};
use std::collections::{BTreeMap, BTreeSet};

/// Statements longer than this are read by their tokens: the tree of a very long one cannot be dropped on a
/// worker's stack.
pub const MAX_PARSED_BYTES: usize = 64 * 1024;

/// How far a text was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The parser took all of it.
    Parsed,
    /// Tables were told from tokens.
    Tokens,
    /// It is not SQL.
    NotSql,
}

impl Status {
    /// The word of the lens.
    pub fn word(self) -> &'static str {
        match self {
            Status::Parsed => "parsed",
            Status::Tokens => "tokens",
            Status::NotSql => "not-sql",
        }
    }
}

/// One table in one role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableUse {
    /// Read, Write (INSERT, UPDATE, DELETE, TRUNCATE, MERGE, COPY FROM …) or Touch (DDL, locks, grants); Call only where
    /// a server names a routine among them.
    pub action: Action,
    /// Its name in parts, folded by the dialect's rule, as qualified as written.
    pub parts: Vec<Text>,
    /// How sure the reading is.
    pub confidence: Confidence,
}

/// Data flow only, as the lens shows it: names joined by dots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flow {
    /// Tables data comes from.
    pub reads: BTreeSet<String>,
    /// Tables data goes to.
    pub writes: BTreeSet<String>,
    /// Tables of which one is written, and the text does not say which.
    pub one_of: BTreeSet<String>,
    /// Tables touched otherwise, with how: `delete`, `truncate`, `create`, `alter`, `drop`, `lock` …
    pub touches: BTreeSet<(String, String)>,
    /// What of this is only done by whoever calls what is defined here, or by what sets it off: `read t`, `delete t`.
    pub inside: BTreeSet<String>,
}

/// What the body of a definition does, whenever it is run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inside {
    /// The application's tables.
    pub tables: Vec<TableUse>,
    /// How it does it.
    pub traits: BTreeSet<Trait>,
    /// The application's own routines that it calls, in name parts.
    pub routines: Vec<Vec<Text>>,
    /// What else it uses.
    pub reaches: Vec<Reach>,
}

/// What a text does.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// How far it was understood.
    pub status: Status,
    /// The application's tables; catalogues of the server are left out.
    pub tables: Vec<TableUse>,
    /// How it does it.
    pub traits: BTreeSet<Trait>,
    /// What the routines, triggers and rules do that it defines: nobody does that by defining them.
    pub inside: Inside,
    /// Data flow only.
    pub flow: Flow,
    /// The application's own functions and procedures that are called, in name parts.
    pub routines: Vec<Vec<Text>>,
    /// What else it uses: locks, channels, files of the server, other servers.
    pub reaches: Vec<Reach>,
    /// What changes for later statements of the session.
    pub session: Vec<SessionChange>,
    /// Whether something is done even where no table is named: definitions, grants, procedural blocks, or
    /// a statement that was not understood.
    pub acts: bool,
}

impl Analysis {
    /// Of no text at all.
    pub(self) fn nothing() -> Analysis {
        Analysis {
            status: Status::Parsed,
            tables: Vec::new(),
            traits: BTreeSet::new(),
            inside: Inside::default(),
            flow: Flow::default(),
            routines: Vec::new(),
            reaches: Vec::new(),
            session: Vec::new(),
            acts: false,
        }
    }
}

/// Whether a name is the server's own catalogue.
fn is_catalogue(parts: &[String]) -> bool {
    let schema = parts.len().checked_sub(2).map(|index| parts[index].as_str());
    let table = parts.last().map_or("", String::as_str);
    match schema {
        Some(schema) => matches!(
            schema,
            "pg_catalog"
                | "information_schema"
                | "sys"
                | "mysql"
                | "performance_schema"
                | "pg_toast"
                | "account_usage"
                | "organization_usage"
        ),
        None => table.starts_with("pg_"),
    }
}

/// Whether a name is of a temporary table of SQL Server, `#t`; other sessions see `##t`.
fn is_private(parts: &[String]) -> bool {
    parts.last().is_some_and(|name| name.starts_with('#') && !name.starts_with("##"))
}

/// Whether a name is in the schema of PostgreSQL that holds a session's temporary tables: `pg_temp`, or `pg_temp_3` as
/// the server calls it.
fn is_sessions<T: AsRef<str>>(parts: &[T], dialect: Dialect) -> bool {
    let [.., schema, _] = parts else { return false };
    let schema = schema.as_ref();
    let numbered = schema.strip_prefix("pg_temp_").or_else(|| schema.strip_prefix("pg_toast_temp_"));
    let own = schema == "pg_temp" || numbered.is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    own && dialect == Dialect::Postgres
}

/// The file that a name stands for where a query may name one by its format: json.`path`.
fn file_of_format(parts: &[String], dialect: Dialect) -> Option<String> {
    const FORMATS: [&str; 8] = ["json", "parquet", "csv", "orc", "avro", "delta", "text", "binaryfile"];
    match parts {
        [format, path] if dialect.reads_files() && FORMATS.contains(&&**format) && path.contains('/') => {
            Some(path.clone())
        }
        _ => None,
    }
}

/// A part of a name as it is shown: whoever takes double quotes for those of a literal names a table or column after
/// somebody's data. One that holds a dot keeps its quotes, so that `"x.y".z` and `x."y.z"` stay two tables.
fn shown_part(part: &str) -> String {
    let part = scrub_name(part).replace(fold::UNKNOWN_NAME, "{}");
    let quoted = part.len() > 2 && part.starts_with('"') && part.ends_with('"');
    // Of a list of schemas, each part is shown already.
    let listed = part.starts_with('{') && part.ends_with('}');
    if part.contains('.') && !quoted && !listed { format!("\"{}\"", part.replace('"', "\"\"")) } else { part }
}

/// A name as it is shown.
fn shown(parts: &[String]) -> String {
    match (state::shown_schema(parts), parts) {
        (Some(Some(schema)), [_, table]) => return format!("{schema}.{}", shown_part(table)),
        (Some(None), [_, table]) => return shown_part(table),
        _ => {}
    }
    parts.iter().map(|part| shown_part(part)).collect::<Vec<_>>().join(".")
}

/// The application's tables among names with what is done to them; a look into a catalogue is a trait.
fn tables_of<'a>(
    uses: impl Iterator<Item = (&'a Vec<String>, Action, Confidence)>,
    traits: &mut BTreeSet<Trait>,
) -> Vec<TableUse> {
    let mut tables: BTreeMap<(Action, Vec<Text>), Confidence> = BTreeMap::new();
    for (parts, action, confidence) in uses {
        if is_catalogue(parts) && !parts.concat().contains(fold::UNKNOWN_NAME) {
            traits.insert(Trait::named("catalog-probing"));
        } else if !parts.is_empty() {
            let parts = parts.iter().map(|part| Text::from(shown_part(part))).collect();
            let held = tables.entry((action, parts)).or_insert(confidence);
            *held = (*held).max(confidence);
        }
    }
    tables.into_iter().map(|((action, parts), confidence)| TableUse { action, parts, confidence }).collect()
}

/// What is done to a table that is touched so.
fn action_of(how: &str) -> Action {
    if matches!(how, "delete" | "truncate") { Action::Write } else { Action::Touch }
}

fn named(routines: BTreeSet<Vec<String>>) -> Vec<Vec<Text>> {
    let known = |name: &Vec<String>| !name.concat().contains(fold::UNKNOWN_NAME);
    let text = |name: Vec<String>| name.iter().map(|part| Text::from(shown_part(part))).collect();
    routines.into_iter().filter(known).map(text).collect()
}

/// Reads a text, which may hold several statements.
pub fn analyse(sql: &str, dialect: Dialect) -> Analysis {
    let mut whole = script::read(sql, dialect);
    let flow = flow_of(&whole);
    let mut traits = std::mem::take(&mut whole.traits);
    let inside = inside_of(std::mem::take(&mut whole.body));
    let reads = whole.reads.iter().map(|(name, sure)| (name, Action::Read, *sure));
    let writes = whole.writes.iter().map(|(name, sure)| (name, Action::Write, *sure));
    let models = whole.models.iter().map(|(name, sure)| (name, Action::Touch, *sure));
    let touches = whole.touches.iter().map(|((name, how), sure)| (name, action_of(how), *sure));
    let tables = tables_of(reads.chain(writes).chain(models).chain(touches), &mut traits);
    whole.reaches.retain(Reach::is_known);
    Analysis {
        status: whole.status.unwrap_or(Status::Parsed),
        tables,
        traits,
        inside,
        flow,
        routines: named(whole.routines),
        reaches: whole.reaches.into_iter().collect(),
        session: whole.session,
        acts: whole.acts,
    }
}

/// What bodies do that are told as uses of whoever wrote them.
fn inside_of(body: script::Body) -> Inside {
    let script::Body { reads, writes, touches, mut traits, routines, mut reaches } = body;
    let uses = reads.iter().map(|(name, sure)| (name, Action::Read, *sure));
    let uses = uses.chain(writes.iter().map(|(name, sure)| (name, Action::Write, *sure)));
    let uses = uses.chain(touches.iter().map(|((name, how), sure)| (name, action_of(how), *sure)));
    let tables = tables_of(uses, &mut traits);
    reaches.retain(Reach::is_known);
    Inside { tables, traits, routines: named(routines), reaches: reaches.into_iter().collect() }
}

/// The data flow of a text, bodies of definitions and all.
fn flow_of(whole: &script::Whole) -> Flow {
    let mut flow = Flow::default();
    flow.reads.extend(whole.reads.keys().chain(whole.models.keys()).map(|name| shown(name)));
    flow.touches.extend(whole.touches.keys().map(|(name, how)| (shown(name), (*how).to_owned())));
    for parts in whole.writes.keys().chain(&whole.made) {
        let kept = if whole.unsure.contains(parts) { &mut flow.one_of } else { &mut flow.writes };
        kept.insert(shown(whole.renamed.get(parts).unwrap_or(parts)));
    }
    // What a routine does is data flow of its text, and done by whoever calls it.
    for name in whole.defined.reads.iter().chain(whole.body.reads.keys()) {
        flow.reads.insert(shown(name));
        flow.inside.insert(format!("read {}", shown(name)));
    }
    for name in whole.defined.writes.iter().chain(whole.body.writes.keys()) {
        flow.writes.insert(shown(name));
        flow.inside.insert(format!("write {}", shown(name)));
    }
    for (name, how) in whole.defined.touches.iter().chain(whole.body.touches.keys()) {
        flow.touches.insert((shown(name), (*how).to_owned()));
        flow.inside.insert(format!("{how} {}", shown(name)));
    }
    // Files are ends of the flow, and no tables.
    flow.reads.extend(whole.files_read.iter().map(|file| scrub(file).into_owned()));
    flow.writes.extend(whole.files_written.iter().map(|file| scrub(file).into_owned()));
    flow
}

/// What one reading of a statement found, before roles are told as actions.
#[derive(Debug, Default)]
struct Found {
    reads: BTreeSet<Vec<String>>,
    writes: BTreeSet<Vec<String>>,
    touches: BTreeSet<(Vec<String>, &'static str)>,
    /// Tables that are defined without rows, and those whose definition is taken over.
    made: BTreeSet<Vec<String>>,
    models: BTreeSet<Vec<String>>,
    /// Of the tables that are written, those of which the text does not say whether it is this one.
    unsure: BTreeSet<Vec<String>>,
    /// Tables of the session's own, whether they end with the transaction, and those that are dropped.
    temporary: BTreeSet<Vec<String>>,
    until_commit: bool,
    gone: BTreeSet<Vec<String>>,
    renamed: Vec<(Vec<String>, Vec<String>)>,
    files_read: BTreeSet<String>,
    files_written: BTreeSet<String>,
    routines: BTreeSet<Vec<String>>,
    reaches: BTreeSet<Reach>,
    /// Texts in literals that are SQL.
    dynamic: Vec<Run>,
    session: Vec<SessionChange>,
    acts: bool,
    /// Whether rows that a trigger sees stand in tables of their own.
    trigger: bool,
    /// Whether the text is a statement at all.
    statement: bool,
}

/// A text in a literal that is run as SQL.
#[derive(Debug)]
struct Run {
    text: String,
    /// Whether it is a block of a procedural language.
    block: bool,
    /// Whether it is only defined here: whoever calls it runs it.
    defined: bool,
}

impl Run {
    fn statements(text: String) -> Run {
        Run { text, block: false, defined: false }
    }
}

impl Found {
    /// Whether anything at all was found.
    fn tells(&self) -> bool {
        let named = [&self.reads, &self.writes, &self.made, &self.models, &self.routines];
        let own = [&self.temporary, &self.gone];
        named.iter().chain(&own).any(|names| !names.is_empty())
            || !self.touches.is_empty()
            || !self.dynamic.is_empty()
            || !self.session.is_empty()
    }

    /// Takes over what another reading of the same statement found.
    fn take(&mut self, other: Found) {
        self.reads.extend(other.reads);
        self.writes.extend(other.writes);
        self.touches.extend(other.touches);
        self.made.extend(other.made);
        self.models.extend(other.models);
        self.unsure.extend(other.unsure);
        self.temporary.extend(other.temporary);
        self.until_commit |= other.until_commit;
        self.gone.extend(other.gone);
        self.renamed.extend(other.renamed);
        self.files_read.extend(other.files_read);
        self.files_written.extend(other.files_written);
        self.routines.extend(other.routines);
        self.reaches.extend(other.reaches);
        self.dynamic.extend(other.dynamic);
        self.session.extend(other.session);
        self.trigger |= other.trigger;
    }
}

/// Splits a script into its statements at semicolons outside of strings, comments and quoted names, as a
/// client does before it sends them one by one. Empty ones are left out.
pub fn split(script: &str) -> Vec<&str> {
    let bytes = script.as_bytes();
    let (mut at, mut start, mut parts) = (0, 0, Vec::new());
    let find = |from: usize, what: &[u8]| {
        memchr::memmem::find(&bytes[from.min(bytes.len())..], what)
            .map_or(bytes.len(), |found| from + found + what.len())
    };
    while at < bytes.len() {
        match bytes[at] {
            b'\'' => at = find(at + 1, b"'"),
            b'"' => at = find(at + 1, b"\""),
            b'-' if bytes.get(at + 1) == Some(&b'-') => at = find(at, b"\n"),
            b'/' if bytes.get(at + 1) == Some(&b'*') => at = find(at + 2, b"*/"),
            b'$' => {
                let tag = bytes[at + 1..].iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_');
                let end = tag.map(|length| at + 1 + length).filter(|end| bytes[*end] == b'$');
                let named = end
                    .is_some_and(|end| !bytes.get(at + 1).is_some_and(u8::is_ascii_digit) || end == at + 1);
                at = match end {
                    Some(end) if named => find(end + 1, &bytes[at..=end]),
                    _ => at + 1,
                };
            }
            b';' => {
                parts.push(&script[start..at]);
                at += 1;
                start = at;
            }
            _ => at += 1,
        }
    }
    parts.push(&script[start.min(script.len())..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests;
