//! Statements that are no query: privileges, locks, copies, upkeep, and those that run a text.
//! Their grammar is short and differs little between engines, so each is read from its first words on, whether the
//! parser takes the statement or not. It names the tables that are written there and never what a routine does.

use super::definitions::{add_renamed, alter, create, drop, rename};
use super::lex::{Kind, Lexed};
use super::session::SessionChange;
use super::tokens::Reader;
use super::words::{BEFORE_NAMES, KINDS};
use super::{Dialect, Run, dynamic};
use crate::evidence::Text;
use crate::evidence::scrub::scrub_name;

/// Reads a statement that begins at a position; gives the position from which its rest is read like any other
/// text, or `None` where this is not such a statement.
pub(super) fn read(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    match lexed.key(index) {
        "create" => Some(create(reader, index)),
        "replace" if lexed.is(index + 1, "table") && lexed.dialect.replaces_tables() => {
            Some(create(reader, index))
        }
        "alter" => Some(alter(reader, index)),
        "drop" => Some(drop(reader, index)),
        "truncate" if !lexed.is(index + 1, "(") => {
            Some(names(reader, lexed.skip(index + 1, &["table", "if", "exists"]), "truncate"))
        }
        "rename" | "exchange" => Some(rename(reader, index)),
        "lock" => lock(reader, index),
        "grant" | "revoke" | "deny" => Some(grant(reader, index)),
        "comment" if lexed.is(index + 1, "on") => Some(comment(reader, index + 2)),
        "copy" => Some(copy(reader, index + 1)),
        "unload" => Some(unload(reader, index + 1)),
        "load" if lexed.is(index + 1, "data") || lexed.is(index + 1, "xml") => Some(load(reader, index + 2)),
        "bulk" if lexed.is(index + 1, "insert") => Some(bulk(reader, index + 2)),
        "vacuum" | "analyze" | "analyse" | "reindex" | "cluster" => upkeep(reader, index),
        "optimize" | "check" | "repair" | "checksum" | "msck" => {
            let table = lexed.skip(index + 1, &["repair", "local", "no_write_to_binlog"]);
            let named = lexed.is(table, "table") || lexed.is(table, "tables");
            (named || lexed.is(index, "optimize")).then(|| upkeep(reader, index)).flatten()
        }
        "refresh" | "invalidate" => refresh(reader, index),
        "import" if lexed.is(index + 1, "foreign") => Some(import(reader, index)),
        "table" => shorthand(reader, index),
        "handler" => shorthand(reader, index),
        // As a statement of its own (DuckDB, "PIVOT Statement").
        "pivot" | "unpivot" if lexed.dialect == Dialect::DuckDb => shorthand(reader, index),
        "prepare" => prepare(reader, index),
        "execute" | "exec" => Some(execute(reader, index)),
        "flush" => flush(reader, index),
        "load" if lexed.is(index + 1, "index") && lexed.is(index + 2, "into") => {
            Some(names(reader, lexed.skip(index + 3, &["cache"]), "maintain"))
        }
        "call" => call(reader, index),
        "do" => block(reader, index),
        "cache" | "uncache" => cache(reader, index),
        "show" => show(reader, index),
        "describe" | "desc" => describe(reader, index),
        "use" => switch(reader, index),
        "set" | "reset" if takes_role(lexed, index).is_some() => role(reader, index),
        "declare" | "begin" => {
            // A block fills variables by SELECT INTO; a transaction does not, and holds no INTO either.
            let transaction = lexed.is(index, "begin")
                && (index + 1 == lexed.tokens.len()
                    || ["tran", "transaction", "work", ";"].iter().any(|it| lexed.is(index + 1, it)));
            reader.procedural |= !transaction && lexed.dialect != Dialect::MsSql && lexed.is(index, "begin")
                || lexed.dialect == Dialect::Oracle;
            None
        }
        _ => None,
    }
}

/// Whether two words at a position begin such a statement wherever they stand: SQL Server needs no semicolon
/// between statements.
pub(super) fn unmistakable(lexed: &Lexed<'_>, index: usize) -> bool {
    match lexed.key(index) {
        "create" | "alter" | "drop" => {
            KINDS.iter().any(|kind| lexed.is(index + 1, kind)) && !lexed.is(index + 1, "statistics")
        }
        "truncate" => lexed.is(index + 1, "table"),
        "bulk" => lexed.is(index + 1, "insert"),
        "exec" | "execute" => !lexed.is(index + 1, "as") && !lexed.is(index + 1, "on"),
        _ => false,
    }
}

/// `LOCK TABLE t IN … MODE`, MySQL's `LOCK TABLES t READ`.
fn lock(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    let at = lexed.skip(index + 1, &["table", "tables"]);
    let held = reader.found.touches.clone();
    let end = names(reader, at, "lock");
    // Without the word TABLE, a sentence may begin alike.
    let whole = at > index + 1
        || end >= lexed.tokens.len()
        || [";", "in", "nowait"].iter().any(|word| lexed.is(end, word));
    if !whole {
        reader.found.touches = held;
        return None;
    }
    Some(end)
}

/// A list of tables; what may stand after each of them (columns, an alias, a kind of lock) is passed over.
pub(super) fn names(reader: &mut Reader<'_>, mut index: usize, how: &'static str) -> usize {
    loop {
        index = reader.lexed.skip(index, &BEFORE_NAMES);
        let Some((name, next)) = reader.table(index) else { return index };
        reader.found.touches.insert((name, how));
        index = reader.lexed.after_list(next);
        if how == "lock" {
            if reader.lexed.is(index, "as") {
                index += 2;
            } else if ["read", "write", "low_priority"].iter().any(|word| reader.lexed.is(index + 1, word)) {
                // `t alias READ`, or `t LOW_PRIORITY WRITE`.
                index += usize::from(!reader.lexed.is(index, "low_priority"));
            }
            index = reader.lexed.skip(index, &["read", "write", "low_priority", "local"]);
        }
        index = reader.lexed.skip(index, &["*"]);
        if !reader.lexed.is(index, ",") {
            return index;
        }
        index += 1;
    }
}

/// One table in a role; gives the position after it.
pub(super) fn touch(reader: &mut Reader<'_>, index: usize, how: &'static str) -> usize {
    let index = reader.lexed.skip(index, &BEFORE_NAMES);
    let Some((name, next)) = reader.table(index) else { return index };
    reader.found.touches.insert((name, how));
    next
}

/// Privileges on tables; those on anything else are no table's.
fn grant(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    let Some(end) = lexed.find(index, &["to", "from"]) else { return index + 1 };
    let Some(on) = lexed.find(index, &["on"]).filter(|on| *on < end) else { return index + 1 };
    let others = [
        "schema",
        "database",
        "function",
        "procedure",
        "routine",
        "sequence",
        "language",
        "type",
        "all",
        "foreign",
        "domain",
        "tablespace",
        "large",
        "warehouse",
        "role",
        "integration",
        "stage",
        "account",
        "future",
        "parameter",
        "catalog",
        "login",
        "user",
        "endpoint",
        "assembly",
    ];
    if others.iter().any(|word| lexed.is(on + 1, word))
        && lexed.name(on + 1).is_none_or(|(_, next)| next != end)
    {
        return end;
    }
    let mut at = lexed.skip(on + 1, &["table", "view"]);
    if lexed.is(at, "object") && lexed.is(at + 1, ":") {
        at = lexed.skip(at + 1, &[":"]);
    } else if lexed.is(at + 1, ":") {
        return end;
    }
    names(reader, at, "grant").max(end)
}

fn comment(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    let at = lexed.skip(index, &["materialized", "foreign", "external"]);
    if lexed.is(at, "table") || lexed.is(at, "view") {
        return touch(reader, at + 1, "comment");
    }
    if let Some((mut name, next)) =
        reader.table(at + 1).filter(|(name, _)| lexed.is(at, "column") && name.len() > 1)
    {
        name.pop();
        reader.found.touches.insert((name, "comment"));
        return next;
    }
    at + 1
}

/// `COPY t FROM`, `COPY t TO`, `COPY (query) TO`, `COPY INTO t FROM`, `COPY INTO place FROM`.
fn copy(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    if lexed.is(index, "into") {
        return copy_into(reader, index + 1);
    }
    let at = lexed.skip(index, &["binary"]);
    if lexed.is(at, "(") {
        let to = lexed.after_list(at);
        if lexed.is(to, "to") {
            reader.found.files_written.extend(lexed.content(to + 1));
        }
        return at;
    }
    let Some((name, next)) = reader.table(at) else { return at };
    let way = lexed.after_list(next);
    if lexed.is(way, "to") {
        reader.found.files_written.extend(lexed.content(way + 1));
        reader.found.reads.insert(name);
    } else if lexed.is(way, "from") {
        reader.found.files_read.extend(lexed.content(way + 1));
        reader.found.writes.insert(name);
    }
    way + 1
}

fn copy_into(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    let Some(from) = lexed.find(index, &["from"]) else { return index };
    match reader.table(index) {
        Some((name, _)) => {
            reader.found.writes.insert(name);
            reader.found.files_read.extend(lexed.content(from + 1));
        }
        None => {
            reader.found.files_written.extend(lexed.content(index));
            reader.found.reads.extend(reader.table(from + 1).map(|(name, _)| name));
        }
    }
    from + 1
}

/// `UNLOAD ('query') TO 'place'`: the query is one in a literal, run as it stands.
fn unload(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    if let Some(query) = lexed.content(index + 1) {
        reader.found.dynamic.push(Run::statements(query));
    }
    let to = lexed.after_list(index);
    if lexed.is(to, "to") {
        reader.found.files_written.extend(lexed.content(to + 1));
    }
    index
}

fn load(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    let Some(into) = lexed.find(index, &["into", "overwrite"]) else { return index };
    let file = (index..into).find_map(|at| lexed.content(at));
    reader.found.files_read.extend(file);
    let at = lexed.skip(into + 1, &["into", "table"]);
    let Some((name, next)) = reader.table(at) else { return at };
    reader.found.writes.insert(name);
    next
}

fn bulk(reader: &mut Reader<'_>, index: usize) -> usize {
    let Some((name, next)) = reader.table(index) else { return index };
    reader.found.writes.insert(name);
    if reader.lexed.is(next, "from") {
        reader.found.files_read.extend(reader.lexed.content(next + 1));
    }
    next
}

/// `VACUUM (options) t (columns), u` and the like: the server's upkeep of tables.
fn upkeep(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    let words = [
        "full",
        "freeze",
        "verbose",
        "analyze",
        "table",
        "tables",
        "concurrently",
        "skip_locked",
        "only",
        "repair",
        "local",
        "no_write_to_binlog",
        "incremental",
        "estimate",
    ];
    let at = lexed.skip(lexed.after_list(lexed.skip(index + 1, &words)), &words);
    // REINDEX INDEX, SCHEMA and DATABASE name no table.
    if ["index", "schema", "database", "system", "statistics"].iter().any(|word| lexed.is(at, word)) {
        return Some(at + 1);
    }
    reader.table(at)?;
    Some(names(reader, at, "maintain"))
}

fn refresh(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    if lexed.is(index + 1, "table") {
        return Some(touch(reader, index + 2, "refresh"));
    }
    if matches!(lexed.dialect, Dialect::Hive | Dialect::Databricks) && !lexed.is(index + 1, "materialized") {
        return Some(touch(reader, lexed.skip(index + 1, &["metadata"]), "refresh"));
    }
    if !(lexed.is(index + 1, "materialized") && lexed.is(index + 2, "view")) {
        return None;
    }
    let at = lexed.skip(index + 3, &BEFORE_NAMES);
    let (name, next) = reader.table(at)?;
    reader.found.writes.insert(name);
    Some(next)
}

/// `IMPORT FOREIGN SCHEMA s LIMIT TO (a, b) FROM SERVER x INTO local`: makes `local.a` and `local.b`.
fn import(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    let end =
        lexed.find(index, &["options"]).or_else(|| lexed.find(index, &[";"])).unwrap_or(lexed.tokens.len());
    let (Some(limit), Some(into)) = (lexed.find(index, &["limit"]), lexed.find(index, &["into"])) else {
        return end;
    };
    let Some((local, _)) = lexed.name(into + 1) else { return end };
    let mut at = limit + 3;
    while let Some((name, next)) = reader.table(at).filter(|_| at < into) {
        let whole: Vec<String> = local.iter().cloned().chain(name.last().cloned()).collect();
        reader.found.touches.insert((whole.clone(), "create"));
        reader.found.made.insert(whole);
        at = next + 1;
    }
    end
}

/// `TABLE t` is a query; `HANDLER t OPEN` reads without one.
fn shorthand(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    let at = lexed.skip(index + 1, &["only"]);
    let (name, next) = reader.table(at)?;
    // Once open, a handler goes by its alias.
    if lexed.is(index, "handler") && !lexed.is(next, "open") {
        return Some(next);
    }
    reader.found.reads.insert(name);
    Some(next)
}

fn prepare(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    let (_, next) = lexed.name(index + 1)?;
    let next = lexed.after_list(next);
    match lexed.key(next) {
        "from" => Some(dynamic::read(reader, next + 1)),
        "as" => Some(next + 1),
        _ => None,
    }
}

/// `EXECUTE 'text'`, `EXEC (text)`, `EXEC sp_executesql N'text'`, `EXEC procedure`.
fn execute(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    let mut at = lexed.skip(index + 1, &["immediate"]);
    if lexed.kind(at) == Some(Kind::Param) && lexed.is(at + 1, "=") {
        at += 2;
    }
    let Some((name, next)) =
        lexed.name(at).filter(|(_, next)| !lexed.is(*next, "(") || lexed.dialect != Dialect::Postgres)
    else {
        return dynamic::read(reader, at);
    };
    if lexed.dialect != Dialect::MsSql || lexed.is(at, "format") || lexed.is(at, "concat") {
        return if lexed.is(index + 1, "immediate") || reader.procedural {
            dynamic::read(reader, at)
        } else {
            next
        };
    }
    let routine = name.last().map(|name| name.to_lowercase()).unwrap_or_default();
    if routine == "sp_rename" {
        let (old, new) = (lexed.content(next), lexed.content(next + 2));
        if let (Some(old), Some(new)) = (old, new) {
            rename_by_text(reader, &old, new);
        }
    } else if dynamic::RUNS_TEXT.contains(&&*routine) {
        return dynamic::argument(reader, next);
    } else if !routine.starts_with("sp_") && !routine.starts_with("xp_") {
        reader.found.routines.insert(name);
    }
    next
}

/// The names of `sp_rename` are literals: the old one qualified, the new one bare.
fn rename_by_text(reader: &mut Reader<'_>, old: &str, new: String) {
    let dialect = reader.lexed.dialect;
    let lexed = super::lex::lex(old, dialect);
    let Some((name, _)) = lexed.name(0).filter(|(_, next)| *next == lexed.tokens.len()) else { return };
    let mut whole = name.clone();
    whole.pop();
    whole.push(dialect.fold_name(&new, true));
    add_renamed(reader, name, whole);
}

/// `FLUSH TABLES t, u WITH READ LOCK`, `… FOR EXPORT`: both lock them (MySQL 8.4 Reference Manual, 15.7.8.3).
fn flush(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    let at = lexed.skip(index + 1, &["no_write_to_binlog", "local"]);
    let named = lexed.is(at, "table") || lexed.is(at, "tables");
    if !named || ["with", "for", ";"].iter().any(|word| lexed.is(at + 1, word)) {
        return None;
    }
    let locks = lexed.find(at, &["lock", "export"]).is_some();
    Some(names(reader, at + 1, if locks { "lock" } else { "maintain" }))
}

fn call(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let (name, next) = reader.lexed.name(index + 1)?;
    reader.found.routines.insert(name);
    Some(next)
}

/// `DO $$ … $$`.
fn block(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    let language = lexed.is(index + 1, "language").then(|| lexed.raw(index + 2).to_ascii_lowercase());
    let at = if language.is_some() { index + 3 } else { index + 1 };
    let body = lexed.content(at)?;
    if language.as_deref().is_none_or(|language| language == "plpgsql") {
        reader.found.dynamic.push(Run { text: body, block: true, defined: false });
    }
    Some(at + 1)
}

/// Spark keeps the rows of a query under a name of the session's own, or those of a table.
fn cache(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    // MySQL keeps a table's indexes in memory.
    if lexed.is(index + 1, "index") && lexed.dialect == Dialect::MySql {
        return Some(names(reader, index + 2, "maintain"));
    }
    let at = lexed.skip(index + 1, &["lazy"]);
    if !lexed.is(at, "table") {
        return None;
    }
    let at = lexed.skip(at + 1, &BEFORE_NAMES);
    let (name, next) = reader.table(at)?;
    if lexed.find(next, &["select"]).is_some() {
        reader.found.temporary.insert(name);
    } else {
        reader.found.touches.insert((name, "cache"));
    }
    Some(next)
}

fn show(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    let at = lexed.skip(index + 1, &["full", "extended"]);
    if lexed.is(at, "create") && (lexed.is(at + 1, "table") || lexed.is(at + 1, "view")) {
        return Some(touch(reader, at + 2, "describe"));
    }
    let of_table = ["columns", "fields", "index", "indexes", "keys"].iter().any(|word| lexed.is(at, word));
    if !of_table || !(lexed.is(at + 1, "from") || lexed.is(at + 1, "in")) {
        return Some(at + 1);
    }
    let (mut name, next) = reader.table(at + 2)?;
    if (lexed.is(next, "from") || lexed.is(next, "in"))
        && let Some((database, _)) = lexed.name(next + 1)
        && name.len() == 1
    {
        name.splice(0..0, database);
    }
    reader.found.touches.insert((name, "describe"));
    Some(next + 2)
}

fn describe(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    let at = lexed.skip(index + 1, &["formatted", "extended", "table", "view"]);
    let others = [
        "function", "database", "schema", "query", "insert", "update", "delete", "replace", "input",
        "output", "user",
    ];
    if others.iter().any(|word| lexed.is(at, word)) {
        return Some(at + 1);
    }
    let (name, next) = reader.table(at)?;
    // One column may follow, and no sentence.
    if (next..=next + 1).any(|at| at >= lexed.tokens.len() || lexed.is(at, ";") || lexed.is(at, "partition"))
    {
        reader.found.touches.insert((name, "describe"));
    }
    Some(next)
}

/// `USE db`, Snowflake's `USE ROLE r`.
fn switch(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    if lexed.is(index + 1, "role") && lexed.name(index + 2).is_some() {
        return role(reader, index);
    }
    let others = ["schema", "warehouse", "catalog", "secondary", "index", "plan"];
    if others.iter().any(|word| lexed.is(index + 1, word)) && lexed.name(index + 2).is_some() {
        return Some(index + 2);
    }
    let database = lexed.is(index + 1, "database") && lexed.name(index + 2).is_some();
    let (name, next) = lexed.name(index + 1 + usize::from(database))?;
    // What follows tells a statement from a sentence that begins with the word.
    let ends = next >= lexed.tokens.len()
        || lexed.is(next, ";")
        || lexed.is(next, "go")
        || lexed.dialect == Dialect::MsSql;
    if let ([name], true) = (&name[..], ends) {
        reader.found.session.push(SessionChange::Database(Text::from(scrub_name(name))));
    }
    Some(next)
}

/// Where the role stands in `SET [SESSION | LOCAL] ROLE r` and `SET [SESSION | LOCAL] SESSION AUTHORIZATION r`, and in
/// the same with RESET (PostgreSQL 17 Documentation, SET ROLE, SET SESSION AUTHORIZATION).
fn takes_role(lexed: &Lexed<'_>, index: usize) -> Option<usize> {
    let scoped = lexed.is(index + 1, "local") || lexed.is(index + 1, "session");
    let named = |at: usize| {
        let authorization = lexed.is(at, "session") && lexed.is(at + 1, "authorization");
        if authorization { Some(at + 2) } else { lexed.is(at, "role").then_some(at + 1) }
    };
    named(index + 1).or_else(|| named(index + 2).filter(|_| scoped))
}

/// `SET ROLE r`, `SET LOCAL ROLE r`, `SET ROLE NONE`, `RESET ROLE`, and the same of the session's authorization.
fn role(reader: &mut Reader<'_>, index: usize) -> Option<usize> {
    let lexed = reader.lexed;
    let at = takes_role(lexed, index).unwrap_or(index + 2);
    let own = lexed.is(index, "reset") || lexed.is(at, "none") || lexed.is(at, "default");
    let name = lexed.part(at).or_else(|| lexed.content(at));
    let name = name.filter(|_| !own).map(|name| Text::from(scrub_name(&name)));
    reader.found.session.push(SessionChange::Role { name, local: lexed.is(index + 1, "local") });
    Some(at + 1)
}
