//! Literals that tell something: how far back a window reaches, which lock is taken, which channel is heard, which
//! name is looked up in the catalogue. They stay in a second, wider shape, by which such a statement is understood;
//! its fingerprint and its sample stay those of the folded text. It never keeps a literal that stands elsewhere.

use super::{Dialect, fold};

/// What a folded text holds where a literal of it may tell something.
const SIGNS: [&str; 28] = [
    "interval",
    "now()-",
    "current_timestamp-",
    "localtimestamp-",
    "timestamp()-",
    "current_date-",
    "curdate()-",
    "sysdate-",
    "systimestamp-",
    "getdate()-",
    "now() at time zone",
    "dateadd(",
    "timestampadd(",
    "_sub(",
    "advisory_",
    "get_lock(",
    "getapplock",
    "pg_notify(",
    "pg_sleep(",
    "table_name",
    "table_schema",
    "relname",
    "tablename",
    "nspname",
    "schemaname",
    "column_name",
    "object_id(",
    "to_regclass(",
];

/// Functions of which every literal argument tells something.
const CALLS: [&str; 15] = [
    "dateadd",
    "timestampadd",
    "date_sub",
    "date_add",
    "subdate",
    "adddate",
    "timestamp_sub",
    "datetime_sub",
    "make_interval",
    "get_lock",
    "hashtext",
    "hashtextextended",
    "to_regclass",
    "object_id",
    "pg_sleep",
];

/// What stands right before the width of a window.
const BEFORE: [&str; 9] = [
    "interval",
    "interval(",
    "now()-",
    "current_timestamp-",
    "localtimestamp-",
    "current_date-",
    "curdate()-",
    "sysdate-",
    "getdate()-",
];

/// Columns of catalogues that hold a name.
pub(super) const NAMES: [&str; 9] = [
    "table_name",
    "table_schema",
    "relname",
    "nspname",
    "tablename",
    "schemaname",
    "column_name",
    "owner",
    "routine_name",
];

/// Whether a literal of such a statement may tell something.
pub(super) fn has_any(folded: &str) -> bool {
    SIGNS.iter().any(|sign| folded.contains(sign))
}

/// The folded text in which literals that tell something stand as they are.
pub(super) fn shape(sql: &str, dialect: Dialect) -> String {
    fold::fold_but(sql, dialect, Some(stays))
}

/// Whether a literal stays, by the folded text before it and the text behind it.
fn stays(before: &[u8], behind: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    if behind.get(..10).is_some_and(|cast| cast.eq_ignore_ascii_case(b"::interval"))
        || BEFORE.iter().any(|end| before.ends_with(end.as_bytes()))
        || before.ends_with(b"pg_notify(")
    {
        return true;
    }
    if let Some(column) = before.strip_suffix(b"=") {
        // `lower(relname) = 'x'`.
        return names(column.strip_suffix(b")").unwrap_or(column));
    }
    let Some((call, inside)) = open_call(before) else { return false };
    match call {
        b"in" => names(inside.strip_suffix(b"in").unwrap_or(inside).trim_ascii_end()),
        _ if CALLS.iter().any(|known| call == known.as_bytes()) => true,
        _ => {
            let call = String::from_utf8_lossy(call);
            call.contains("advisory_") && call.contains("lock")
        }
    }
}

/// Whether a text ends with a column that holds a name.
fn names(before: &[u8]) -> bool {
    NAMES.iter().any(|name| before.ends_with(name.as_bytes()))
}

/// The word before the parenthesis that is still open, and the text up to it.
fn open_call(before: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut depth = 0_usize;
    let near = before.len().saturating_sub(400);
    for at in (near..before.len()).rev() {
        match before[at] {
            b')' => depth += 1,
            b'(' if depth > 0 => depth -= 1,
            b'(' => {
                let inside = &before[..at];
                let word =
                    inside.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                return Some((&inside[at - word..], inside));
            }
            _ => {}
        }
    }
    None
}
