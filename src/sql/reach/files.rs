//! Files that the server itself writes or reads, and objects in a store: COPY (PostgreSQL manual, COPY; Redshift, COPY
//! and UNLOAD), `SELECT … INTO OUTFILE` and LOAD DATA (MySQL 8.4 Reference Manual, 15.2.13.1 and 15.2.9), BULK INSERT and
//! `OPENROWSET(BULK …)` (Transact-SQL Reference), COPY INTO (Snowflake), EXPORT DATA (BigQuery). A file that the client reads (LOAD DATA
//! LOCAL) is none of the server's. What the parser does not take is told from words and strings.

use super::{Reach, SERVER_FILE};
use crate::evidence::scrub::scrub;
use crate::evidence::{Action, Resource, ResourceKind, Text, Trait};
use crate::sql::traits::literal;
use sqlparser::ast::{CopyTarget, SqlOption, Statement};
use std::collections::BTreeSet;

pub(super) fn of_statement(statement: &Statement, reaches: &mut BTreeSet<Reach>) {
    match statement {
        Statement::Copy { to, target: CopyTarget::File { filename }, .. } => {
            let action = if *to { Action::Export } else { Action::Import };
            reaches.extend(at(action, filename));
        }
        Statement::ExportData(export) => {
            let uri = export.options.iter().find_map(|option| match option {
                SqlOption::KeyValue { key, value } if key.value.eq_ignore_ascii_case("uri") => literal(value),
                _ => None,
            });
            reaches.extend(uri.and_then(|uri| at(Action::Export, &uri)));
        }
        Statement::Unload { to, .. } => reaches.extend(at(Action::Export, &to.value)),
        Statement::CopyIntoSnowflake { into, from_obj, .. } => {
            let text = |name: &sqlparser::ast::ObjectName| {
                name.to_string().trim_matches(|c| matches!(c, '\'' | '"')).to_owned()
            };
            let into = text(into);
            if into.starts_with('@') || into.contains("://") {
                reaches.extend(at(Action::Export, &into));
            } else if let Some(from) = from_obj {
                reaches.extend(at(Action::Import, &text(from)));
            }
        }
        _ => {}
    }
}

/// A path on the server's disk, an object in a store by its URL, or a stage of the warehouse.
fn at(action: Action, place: &str) -> Option<Reach> {
    let reach = |to: Resource, how: &str| Some(Reach { action, to, how: Trait::named(how) });
    if let Some((_, rest)) = place.split_once("://") {
        let rest = without_login(rest);
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let key = scrub(key.split('?').next().unwrap_or(key)).into_owned();
        let (server, parts) = (Some(Text::from(scrub(bucket))), vec![Text::from(key)]);
        let to = Resource { kind: ResourceKind::Object, server, database: None, parts };
        return reach(to, "by-server");
    }
    if let Some(stage) = place.strip_prefix('@') {
        let parts = vec![Text::from(scrub(stage))];
        return reach(
            Resource { kind: ResourceKind::Object, server: None, database: None, parts },
            "by-server",
        );
    }
    // A word of psql or of a template names nothing.
    let named = !place.is_empty() && !place.contains(['{', '$', '%', ':']) || place.get(1..3) == Some(":\\");
    named.then(|| reach(Resource::file(None, scrub(place).into_owned()), SERVER_FILE)).flatten()
}

/// What stands behind the login of a URL; a key may hold a slash.
fn without_login(rest: &str) -> &str {
    let colon = rest.find(':').filter(|colon| rest.find('/').is_none_or(|slash| *colon < slash));
    let login = colon.and_then(|colon| rest[colon..].find('@').map(|at| colon + at + 1));
    login.map_or(rest, |end| &rest[end..])
}

/// A word or a string of a text.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Word(&'a str),
    String(&'a str),
}

/// How many pieces of a text are looked through.
const MAX_PIECES: usize = 4_000;

/// Words, in any case, and strings without their quotes; comments are left out.
fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let bytes = sql.as_bytes();
    let (mut at, mut out) = (0, Vec::new());
    let wordly = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'@' | b'.') || b >= 0x80;
    while at < bytes.len() && out.len() < MAX_PIECES {
        let start = at;
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                let length = memchr::memchr(quote, &bytes[at + 1..]).unwrap_or(bytes.len() - at - 1);
                out.push(Piece::String(&sql[at + 1..at + 1 + length]));
                at += length + 2;
            }
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at += memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at);
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at += memchr::memmem::find(&bytes[at..], b"*/").map_or(bytes.len() - at, |end| end + 2);
            }
            byte if wordly(byte) => {
                while at < bytes.len() && wordly(bytes[at]) {
                    at += 1;
                }
                out.push(Piece::Word(&sql[start..at]));
            }
            _ => at += 1,
        }
    }
    out
}

/// What of this a text says that the parser does not take.
pub(in crate::sql) fn of_text(sql: &str) -> BTreeSet<Reach> {
    let pieces = pieces(sql);
    let is = |index: usize, words: &[&str]| matches!(pieces.get(index), Some(Piece::Word(word)) if words.iter().any(|it| word.eq_ignore_ascii_case(it)));
    let path = |index: usize| match pieces.get(index..) {
        Some([Piece::String(path), ..]) => Some(*path),
        // N'…' of SQL Server.
        Some([Piece::Word("N" | "n"), Piece::String(path), ..]) => Some(*path),
        _ => None,
    };
    let mut reaches = BTreeSet::new();
    for index in 0..pieces.len() {
        let (action, place) = if is(index, &["outfile", "dumpfile"]) && index > 0 && is(index - 1, &["into"])
        {
            (Action::Export, path(index + 1))
        } else if is(index, &["infile"])
            && index > 0
            && is(index - 1, &["data", "xml", "concurrent", "low_priority"])
        {
            (Action::Import, path(index + 1))
        } else if index == 0 && is(0, &["bulk"]) && is(1, &["insert"]) {
            let from = (2..pieces.len().min(8)).find(|at| is(*at, &["from"]));
            (Action::Import, from.and_then(|from| path(from + 1)))
        } else if is(index, &["openrowset"]) && is(index + 1, &["bulk"]) {
            (Action::Import, path(index + 2))
        } else if index == 0 && is(0, &["unload"]) {
            let to = (1..pieces.len().min(8)).find(|at| is(*at, &["to"]));
            (Action::Export, to.and_then(|to| path(to + 1)))
        } else if index == 0 && is(0, &["export"]) && is(1, &["data"]) {
            let uri = (2..pieces.len().min(40)).find(|at| is(*at, &["uri"]));
            (Action::Export, uri.and_then(|uri| path(uri + 1)))
        } else if index == 0 && is(0, &["copy"]) {
            // Redshift: COPY t FROM 's3://…'.
            let from = (1..pieces.len().min(40)).find(|at| is(*at, &["from"]));
            (Action::Import, from.and_then(|from| path(from + 1)).filter(|url| url.contains("://")))
        } else {
            continue;
        };
        reaches.extend(place.and_then(|place| at(action, place)));
    }
    reaches
}
