//! What a statement does to which tables: roles with exact scopes of common table expressions, a fingerprint
//! so that each shape is parsed once, fragile patterns, and a token-level reading with lower confidence for
//! what the parser does not take. It never decides which server a table is on, and never invents a name it
//! cannot read. The only user of sqlparser.

mod ast;
mod cache;
mod dialect;
mod fold;
mod reach;
mod routines;
mod session;
mod telling;
mod tokens;
mod traits;

pub use cache::{Cache, SHAPES_CACHED, Understood};
pub use dialect::Dialect;
pub use fold::{FOLDED_BYTES, fingerprint, fold};
pub use reach::{Reach, Told};
pub use session::{SearchPath, SessionChange};

use crate::evidence::scrub::scrub_name;
use crate::evidence::{Action, Confidence, Text, Trait};
use std::collections::BTreeSet;

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
    /// Read, Write (INSERT, UPDATE, DELETE, TRUNCATE, MERGE, COPY FROM …) or Touch (DDL, locks, grants).
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
    /// Tables touched otherwise, with how: `delete`, `truncate`, `create`, `alter`, `drop`, `lock` …
    pub touches: BTreeSet<(String, String)>,
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
            "pg_catalog" | "information_schema" | "sys" | "mysql" | "performance_schema" | "pg_toast"
        ),
        None => table.starts_with("pg_"),
    }
}

/// Whether a text holds something that the parser takes and misunderstands: lists of functions as a table,
/// names in Unicode escapes, UPDATE ONLY.
fn misparsed(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    lower.contains("rows from") || lower.contains("u&\"") || lower.contains("update only ")
}

/// Reads a text, which may hold several statements.
pub fn analyse(sql: &str, dialect: Dialect) -> Analysis {
    let mut traits = BTreeSet::new();
    let parsed = if sql.len() <= MAX_PARSED_BYTES && !misparsed(sql) {
        ast::read(sql, dialect, &mut traits).or_else(|| {
            // Placeholders of client libraries are no SQL; a parameter stands in for them.
            let neutral = fold::neutral(sql)?;
            traits.clear();
            ast::read(&neutral, dialect, &mut traits)
        })
    } else {
        None
    };
    let (status, confidence, mut found) = match parsed {
        Some(found) => (Status::Parsed, Confidence::High, found),
        None => {
            let folded = fold::fold_all(sql, dialect);
            let mut found = tokens::read(&folded);
            if found.statement {
                traits::of_tokens(&folded, &mut traits);
                found.reaches = reach::of_text(sql);
            }
            let status = if found.statement { Status::Tokens } else { Status::NotSql };
            (status, Confidence::Low, found)
        }
    };
    // Whoever takes double quotes for those of a literal names a table or column after somebody's data.
    let shown_part = |part: &String| scrub_name(part).replace(fold::UNKNOWN_NAME, "{}");
    let shown = |parts: &Vec<String>| parts.iter().map(shown_part).collect::<Vec<_>>().join(".");
    let mut tables = BTreeSet::new();
    let mut flow = Flow::default();
    let mut add = |parts: &Vec<String>, action: Action| {
        if is_catalogue(parts) && !parts.concat().contains(fold::UNKNOWN_NAME) {
            traits.insert(Trait::named("catalog-probing"));
        } else if !parts.is_empty() {
            let parts = parts.iter().map(|part| Text::from(shown_part(part))).collect();
            tables.insert(TableUse { action, parts, confidence });
        }
    };
    for parts in &found.reads {
        add(parts, Action::Read);
        flow.reads.insert(shown(parts));
    }
    for parts in &found.writes {
        add(parts, Action::Write);
        flow.writes.insert(shown(parts));
    }
    for (parts, how) in &found.touches {
        let removes = matches!(*how, "delete" | "truncate");
        add(parts, if removes { Action::Write } else { Action::Touch });
        flow.touches.insert((shown(parts), (*how).to_owned()));
    }
    let text = |name: &Vec<String>| name.iter().map(|part| Text::from(part.as_str())).collect();
    found.routines.retain(|name| !name.concat().contains(fold::UNKNOWN_NAME));
    found.reaches.retain(Reach::is_known);
    Analysis {
        status,
        tables: tables.into_iter().collect(),
        traits,
        flow,
        routines: found.routines.iter().map(text).collect(),
        reaches: found.reaches.into_iter().collect(),
        session: found.session,
        acts: found.acts,
    }
}

/// What one reading of a text found, before roles are told as actions.
#[derive(Debug, Default)]
struct Found {
    reads: BTreeSet<Vec<String>>,
    writes: BTreeSet<Vec<String>>,
    touches: BTreeSet<(Vec<String>, &'static str)>,
    routines: BTreeSet<Vec<String>>,
    reaches: BTreeSet<Reach>,
    session: Vec<SessionChange>,
    acts: bool,
    /// Whether the text is a statement at all.
    statement: bool,
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
