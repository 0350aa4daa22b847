//! SQL inside of literals that a statement runs: `EXECUTE '…'`, `sp_executesql N'…'`, `PREPARE s FROM '…'`,
//! `crosstab('…')`. Where such a text is put together from parts, what is not a literal is a name that only a run can
//! tell. Text that another server runs is left alone.

use super::Run;
use super::lex::{Kind, Lexed};
use super::tokens::Reader;

/// Procedures of SQL Server that run a text they are given (Transact-SQL reference, "System stored procedures").
pub(super) const RUNS_TEXT: [&str; 7] = [
    "sp_executesql",
    "sp_prepexec",
    "sp_prepare",
    "sp_cursoropen",
    "sp_cursorprepare",
    "sp_cursorprepexec",
    "sp_prepexecrpc",
];

/// Words that a statement in a literal begins with.
const BEGINS: [&str; 14] = [
    "select", "insert", "update", "delete", "merge", "with", "exec", "execute", "declare", "set", "if",
    "create", "truncate", "call",
];

/// How many tokens of arguments are looked through.
const MAX_ARGUMENTS: usize = 400;

/// Reads a text that is put together at a position; gives the position after it.
pub(super) fn read(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    let formatted = lexed.is(index, "format") && lexed.is(index + 1, "(");
    if formatted && let Some(text) = lexed.content(index + 2) {
        let mut arguments = Vec::new();
        let mut at = index + 3;
        while lexed.is(at, ",") && arguments.len() < MAX_ARGUMENTS {
            // An argument that is more than a literal is not known.
            let alone = lexed.is(at + 2, ",") || lexed.is(at + 2, ")");
            arguments.push(lexed.content(at + 1).filter(|_| alone));
            at += 2;
        }
        reader.found.dynamic.push(Run::statements(filled(&text, &arguments)));
        return index + 3;
    }
    let listed = lexed.is(index, "concat") && lexed.is(index + 1, "(");
    let mut at = if listed { index + 2 } else { lexed.skip(index, &["("]) };
    let wrapped = at > index;
    let (mut text, mut told) = (String::new(), false);
    while at < lexed.tokens.len().min(index + MAX_ARGUMENTS) {
        match lexed.kind(at) {
            Some(Kind::Text) => {
                text.push_str(&lexed.content(at).unwrap_or_default());
                told = true;
            }
            Some(Kind::Param | Kind::Word | Kind::Quoted | Kind::Number) => text.push_str("{}"),
            _ => break,
        }
        at = lexed.after_list(at + 1);
        let joins = lexed.is(at, "+") || lexed.is(at, "|") || listed && lexed.is(at, ",");
        if !joins {
            break;
        }
        at = lexed.skip(at, &["+", "|", ","]);
    }
    let at = if wrapped { lexed.skip(at, &[")"]) } else { at };
    // `EXEC ('…') AT server` runs it there.
    if told && !(wrapped && lexed.is(at, "at")) {
        reader.found.dynamic.push(Run::statements(text));
    }
    at.max(index)
}

/// The first literal among the arguments that is a statement.
pub(super) fn argument(reader: &mut Reader<'_>, index: usize) -> usize {
    let lexed = reader.lexed;
    for at in index..lexed.tokens.len().min(index + MAX_ARGUMENTS) {
        if lexed.is(at, ";") {
            return at;
        }
        let Some(text) = lexed.content(at) else { continue };
        let first: String = text.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
        if BEGINS.contains(&&*first.to_ascii_lowercase()) || text.trim_start().starts_with(['(', '-', '/']) {
            return read(reader, at);
        }
    }
    index
}

/// `format()` of PostgreSQL (manual, 9.4.1): literals are filled in, anything else is not known.
fn filled(text: &str, arguments: &[Option<String>]) -> String {
    let (mut out, mut chars, mut next_argument) =
        (String::with_capacity(text.len()), text.chars().peekable(), 0);
    while let Some(next) = chars.next() {
        if next != '%' {
            out.push(next);
            continue;
        }
        let mut position = String::new();
        while let Some(sign) = chars.next_if(|it| it.is_ascii_digit() || matches!(it, '$' | '-' | '*')) {
            position.push(sign);
        }
        if let Some(number) = position.strip_suffix('$').and_then(|number| number.parse::<usize>().ok()) {
            next_argument = number.saturating_sub(1);
        }
        match chars.next() {
            Some('%') => out.push('%'),
            Some('I' | 's') => {
                out.push_str(arguments.get(next_argument).and_then(Option::as_deref).unwrap_or("{}"));
                next_argument += 1;
            }
            Some('L') => {
                out.push_str("NULL");
                next_argument += 1;
            }
            Some(other) => out.extend(['%', other]),
            None => {}
        }
    }
    out
}

/// Functions of a query that run the text of their first argument, or name tables in literals.
pub(super) fn function(reader: &mut Reader<'_>, name: usize) {
    let lexed = reader.lexed;
    let (first, dialect) = (name + 2, lexed.dialect);
    match lexed.key(name) {
        // PostgreSQL manual, F.43 and 9.15.3; 9.13.
        "crosstab" | "query_to_xml" | "ts_stat" => {
            if let Some(text) = lexed.content(first) {
                reader.found.dynamic.push(Run::statements(text));
            }
        }
        // Vertica: SWAP_PARTITIONS_BETWEEN_TABLES(staging, from, to, target).
        "swap_partitions_between_tables" => {
            let table = |at: usize| {
                let text = lexed.content(at)?;
                let parts: Vec<String> = text.split('.').map(|part| dialect.fold_name(part, false)).collect();
                parts.iter().all(|part| !part.is_empty()).then_some(parts)
            };
            if let (Some(staging), Some(target)) = (table(first), table(first + 6)) {
                reader.found.reads.insert(staging);
                reader.found.writes.insert(target);
            }
        }
        _ => {}
    }
}

/// Whether a position opens the arguments of such a function.
pub(super) fn is_call(lexed: &Lexed<'_>, open: usize) -> bool {
    open > 0 && lexed.kind(open - 1) == Some(Kind::Word) && lexed.is(open, "(")
}
