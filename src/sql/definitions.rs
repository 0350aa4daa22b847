//! CREATE, ALTER, DROP and RENAME, told from tokens: what is made, after what, and what it refers to. It reads no
//! query: where one follows, its position is given back.

use super::lex::{LOOKAHEAD, Lexed};
use super::tokens::Reader;
use super::utility::{names, touch, unmistakable};
use super::words::{BEFORE_NAMES, KINDS};
use super::{Dialect, Run};

/// The first word after a position that says what is made, and where it stands.
fn kind(lexed: &Lexed<'_>, index: usize) -> Option<(&'static str, usize)> {
    (index..index + 16).take_while(|at| !lexed.is(*at, ";")).find_map(|at| {
        let kind = KINDS.iter().find(|kind| lexed.is(at, kind))?;
        Some((*kind, at))
    })
}

/// Whether a statement defines something whose body is run later, by others: a routine, a trigger, a rule, a policy, an
/// event or a task, or rows that nobody fills in (`WITH NO DATA`).
pub(super) fn has_body(lexed: &Lexed<'_>) -> bool {
    if !lexed.is(0, "create") && !lexed.is(0, "alter") {
        return false;
    }
    let Some((kind, at)) = kind(lexed, 1) else { return false };
    let count = lexed.tokens.len();
    let end = count - usize::from(lexed.is(count - 1, ";"));
    match kind {
        "function" | "procedure" | "proc" | "package" | "trigger" | "rule" | "policy" | "event" | "task"
        | "pipe" => true,
        "type" => lexed.is(at + 1, "body"),
        "table" if lexed.is(at + 1, "function") => true,
        "table" | "view" => {
            let words = ["with", "no", "data"];
            end > 3 && words.iter().zip(end - 3..).all(|(word, at)| lexed.is(at, word))
        }
        _ => false,
    }
}

/// Whether a table that a definition touches so is the one it defines something for, and none of its body's.
pub(super) fn is_own(how: &str) -> bool {
    matches!(how, "trigger" | "rule" | "policy" | "create")
}

pub(super) fn create(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    let Some((kind, at)) = kind(lexed, index + 1) else { return index + 1 };
    let words = |word: &str| (index + 1..at).any(|at| lexed.is(at, word));
    match kind {
        "table" if lexed.is(at + 1, "function") => routine(reader, at + 1),
        "table" => {
            let own =
                words("temp") || words("temporary") && !(words("global") && lexed.dialect == Dialect::Oracle);
            create_table(reader, at + 1, own || words("volatile"))
        }
        // What changes in a table is kept for views of it (Oracle, CREATE MATERIALIZED VIEW LOG).
        "view" if lexed.is(at + 1, "log") && lexed.is(at + 2, "on") => touch(reader, at + 3, "stream"),
        "view" => {
            let at = lexed.skip(at + 1, &BEFORE_NAMES);
            let Some((name, next)) = reader.table(at) else { return at };
            if words("recursive") {
                reader.bar(&name);
            }
            if words("temp") || words("temporary") {
                reader.found.temporary.insert(name);
            } else {
                reader.found.touches.insert((name.clone(), "create"));
                reader.found.writes.insert(name);
            }
            // ClickHouse keeps the rows of a view in a table of its own.
            if lexed.is(next, "to")
                && let Some((target, next)) = reader.table(next + 1)
            {
                reader.found.writes.insert(target);
                return next;
            }
            next
        }
        "index" => after(reader, at, "on", "index"),
        "policy" => after(reader, at, "on", "policy"),
        "statistics" => after(reader, at, "from", "statistics"),
        "synonym" => after(reader, at, "for", "synonym"),
        "stream" => match lexed.find(at, &["table", "view"]) {
            Some(table) => touch(reader, table + 1, "stream"),
            None => at + 1,
        },
        "publication" => match lexed.find(at, &["table"]) {
            Some(table) => names(reader, table + 1, "publish"),
            None => at + 1,
        },
        "trigger" => {
            (reader.procedural, reader.trigger) = (true, lexed.dialect == Dialect::MsSql);
            reader.found.trigger |= reader.trigger;
            let next = after(reader, at, "on", "trigger");
            // The other table of a constraint.
            if lexed.is(next, "from") { touch(reader, next + 1, "reference") } else { next }
        }
        "rule" => {
            reader.procedural = true;
            after(reader, at, "to", "rule")
        }
        "function" | "procedure" | "proc" | "package" | "event" | "task" | "pipe" => routine(reader, at),
        _ => at + 1,
    }
}

/// A table after the next occurrence of a word.
fn after(reader: &mut Reader<'_>, index: usize, word: &str, how: &'static str) -> usize {
    match reader.lexed.find(index, &[word]) {
        Some(at) => touch(reader, at + 1, how),
        None => index + 1,
    }
}

/// `CREATE TABLE`: what it makes, is made like, belongs to and refers to.
fn create_table(reader: &mut Reader<'_>, index: usize, own: bool) -> usize {
    let lexed = reader.lexed;
    let index = lexed.skip(index, &BEFORE_NAMES);
    let Some((name, next)) = reader.table(index) else { return index };
    if own {
        reader.found.temporary.insert(name.clone());
    } else {
        reader.found.touches.insert((name.clone(), "create"));
    }
    let mut depth = 0;
    let mut filled = false;
    let end = lexed.ahead(next, usize::MAX);
    for at in next..end {
        lexed.looked(1);
        if lexed.dialect == Dialect::MsSql && depth == 0 && unmistakable(lexed, at) {
            break;
        }
        match lexed.key(at) {
            ";" => break,
            "(" => depth += 1,
            ")" => depth -= 1,
            // From here on it is a query, which others read.
            "select" | "with" if depth <= 1 && (lexed.is(at, "select") || lexed.is(at - 1, "as")) => {
                filled = true;
                break;
            }
            "table" if lexed.is(at - 1, "as") => {
                filled = true;
                reader.found.reads.extend(reader.table(at + 1).map(|(name, _)| name));
                break;
            }
            "values" if lexed.is(at - 1, "as") => filled = true,
            "like"
                if depth <= 1
                    && (at == next || lexed.is(at - 1, "(") || lexed.is(at - 1, ",") || depth == 0) =>
            {
                reader.found.models.extend(reader.table(at + 1).map(|(name, _)| name));
            }
            "clone" | "copy" if depth == 0 => {
                if let Some((source, _)) = reader.table(at + 1) {
                    filled = true;
                    reader.found.reads.insert(source);
                }
            }
            "of" if depth == 0 && lexed.is(at - 1, "partition") => {
                touch(reader, at + 1, "reference");
            }
            "inherits" if lexed.is(at + 1, "(") => {
                names(reader, at + 2, "reference");
            }
            "references" => {
                touch(reader, at + 1, "reference");
            }
            "on" if depth == 0 && lexed.is(at + 1, "commit") && lexed.is(at + 2, "drop") => {
                reader.found.until_commit = true;
            }
            _ => {}
        }
    }
    if !own {
        if filled { &mut reader.found.writes } else { &mut reader.found.made }.insert(name);
    }
    next
}

/// A routine: its body is a block that follows, or a literal in a language of the engine's own.
fn routine(reader: &mut Reader<'_>, kind: usize) -> usize {
    let lexed = reader.lexed;
    reader.procedural = true;
    let language = lexed.find(kind, &["language"]).map(|at| lexed.raw(at + 1).to_ascii_lowercase());
    let known =
        language.as_deref().is_none_or(|it| matches!(it.trim_matches('\''), "sql" | "plpgsql" | "plsql"));
    let end = lexed.find(kind, &[";"]).unwrap_or(lexed.ahead(kind, LOOKAHEAD));
    let body = (kind..end).find_map(|at| {
        let opens = lexed.is(at, "as") || lexed.is(at, "is");
        if opens { lexed.content(at + 1) } else { None }
    });
    if let Some(body) = body.filter(|_| known) {
        let block = language.as_deref() != Some("sql");
        reader.found.dynamic.push(Run { text: body, block, defined: true });
    }
    let name = lexed.skip(kind + 1, &BEFORE_NAMES);
    lexed.name(name).map_or(name, |(_, next)| next)
}

pub(super) fn alter(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    let Some((kind, at)) = kind(lexed, index + 1) else { return index + 1 };
    match kind {
        "table" => alter_table(reader, at + 1),
        "view" => {
            if reader
                .table(lexed.skip(at + 1, &BEFORE_NAMES))
                .is_some_and(|(_, next)| lexed.is(next, "rename"))
            {
                return alter_table(reader, at + 1);
            }
            let next = touch(reader, at + 1, "alter");
            if let (Some((name, after)), true) = (reader.table(at + 1), lexed.is(next, "as")) {
                reader.found.writes.insert(name);
                return after;
            }
            next
        }
        "publication" => match lexed.find(at, &["table"]) {
            Some(table) => names(reader, table + 1, "publish"),
            None => at + 1,
        },
        "function" | "procedure" | "proc" | "package" => routine(reader, at),
        "trigger" => {
            (reader.procedural, reader.trigger) = (true, lexed.dialect == Dialect::MsSql);
            reader.found.trigger |= reader.trigger;
            after(reader, at, "on", "trigger")
        }
        "policy" => after(reader, at, "on", "policy"),
        _ => at + 1,
    }
}

fn alter_table(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    let index = lexed.skip(index, &BEFORE_NAMES);
    let Some((name, next)) = reader.table(index) else { return index };
    let (mut renamed, mut end) = (false, next);
    for at in next..lexed.ahead(next, usize::MAX) {
        lexed.looked(1);
        let more = |index: usize| reader.table(index);
        if lexed.is(at, ";") || lexed.dialect == Dialect::MsSql && unmistakable(lexed, at) {
            break;
        }
        match lexed.key(at) {
            "rename" => {
                let to = lexed.skip(at + 1, &["to", "as"]);
                let column = ["column", "constraint", "index", "key", "partition"]
                    .iter()
                    .any(|it| lexed.is(at + 1, it));
                let named = to > at + 1 || lexed.dialect == Dialect::MySql;
                if let Some((new, after)) = more(to).filter(|_| !column && named)
                    && !lexed.is(after, "to")
                {
                    let mut whole = name.clone();
                    if new.len() == 1 {
                        whole.pop();
                        whole.extend(new);
                    } else {
                        whole = new;
                    }
                    renamed = true;
                    add_renamed(reader, name.clone(), whole);
                    end = after;
                }
            }
            "references" => end = touch(reader, at + 1, "reference"),
            "inherit" => end = touch(reader, at + 1, "alter"),
            "attach" | "detach" if lexed.is(at + 1, "partition") => {
                let whole = lexed.dialect == Dialect::Postgres;
                end = if whole { touch(reader, at + 2, "alter") } else { end };
            }
            "table" if lexed.is(at - 1, "with") => end = exchange(reader, at + 1, &name),
            "with" if lexed.is(at - 1, "swap") => end = exchange(reader, at + 1, &name),
            // The rows of another table become this one's (Redshift, "ALTER TABLE APPEND").
            "append" if lexed.is(at + 1, "from") => {
                if let Some((other, after)) = more(at + 2) {
                    reader.found.touches.insert((other.clone(), "delete"));
                    reader.found.reads.insert(other);
                    reader.found.writes.insert(name.clone());
                    (end, renamed) = (after, true);
                }
            }
            "switch" => {
                if let Some((other, after)) = lexed.find(at, &["to"]).and_then(|to| more(to + 1)) {
                    reader.found.reads.insert(name.clone());
                    reader.found.writes.insert(other);
                    end = after;
                }
            }
            _ => {}
        }
    }
    if !renamed {
        reader.found.touches.insert((name, "alter"));
    }
    end
}

/// Rows of another table and of this one change places.
fn exchange(reader: &mut Reader<'_>, index: usize, name: &[String]) -> usize {
    let Some((other, next)) = reader.table(index) else { return index };
    reader.found.touches.insert((other.clone(), "alter"));
    reader.found.reads.insert(other);
    reader.found.writes.insert(name.to_vec());
    next
}

pub(super) fn add_renamed(reader: &mut Reader<'_>, old: Vec<String>, new: Vec<String>) {
    reader.found.touches.insert((old.clone(), "rename"));
    reader.found.touches.insert((new.clone(), "rename"));
    reader.found.renamed.push((old, new));
}

/// `RENAME TABLE a TO b, c TO d`, and ClickHouse's `EXCHANGE TABLES a AND b`.
pub(super) fn rename(reader: &mut Reader<'_>, index: usize) -> usize {
    let mut at = reader.lexed.skip(index + 1, &["table", "tables", "if", "exists"]);
    while let Some((old, next)) = reader.table(at) {
        let joined = ["to", "and"].iter().any(|word| reader.lexed.is(next, word));
        let Some((new, after)) = reader.table(next + 1).filter(|_| joined) else { return next };
        if reader.lexed.is(index, "exchange") {
            reader.found.touches.insert((old, "rename"));
            reader.found.touches.insert((new, "rename"));
        } else {
            add_renamed(reader, old, new);
        }
        at = after;
        if reader.lexed.is(at, ",") {
            at += 1;
        }
    }
    at
}

pub(super) fn drop(reader: &mut Reader<'_>, index: usize) -> usize {
    let Some((kind, at)) = kind(reader.lexed, index + 1) else { return index + 1 };
    match kind {
        // Nobody else's is dropped, whether the session is known to have one or not (MySQL manual, DROP TABLE).
        "table" | "tables" if reader.lexed.is(at - 1, "temporary") => {
            let held = std::mem::take(&mut reader.found.touches);
            let next = names(reader, at + 1, "drop");
            let dropped = std::mem::replace(&mut reader.found.touches, held);
            reader.found.gone.extend(dropped.into_iter().map(|(name, _)| name));
            next
        }
        "table" | "tables" | "view" => names(reader, at + 1, "drop"),
        "index" | "trigger" | "policy" | "rule" => {
            let name = reader.lexed.skip(at + 1, &BEFORE_NAMES);
            let Some((_, next)) = reader.lexed.name(name) else { return name };
            let how = match kind {
                "index" => "index",
                "trigger" => "trigger",
                "policy" => "policy",
                _ => "rule",
            };
            if reader.lexed.is(next, "on") { touch(reader, next + 1, how) } else { next }
        }
        _ => at + 1,
    }
}
