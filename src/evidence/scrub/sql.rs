//! Passwords that statements of SQL set. It knows the clauses of the engines' manuals and reads no statement: what is
//! not a literal behind such a clause stays.

use super::{SCRUBBED, compiled, replace};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Words of SQL that stand behind `PASSWORD` or a column called `token` and are no secret (MySQL, "ALTER USER"; PostgreSQL, "ALTER ROLE").
pub(super) const KEYWORDS: &[&str] = &[
    "for", "to", "from", "where", "expire", "history", "reuse", "require", "null", "lock", "unlock",
    "verify", "never", "default", "interval",
];

/// A literal with what engines put in front of it, also as quoted once more inside a word of a shell.
const LITERAL: &str = r#"(?:[NEUBX]|_\w+\s)?(?:'\\''.*?'\\''|\\'[^'\n]*?\\'|\\"[^"\n]*?\\"|'(?:[^'\\]|\\.|'')*'|'[^']*'|"(?:[^"\\]|\\.|"")*"|\$\w*\$.*?\$\w*\$)"#;

/// `SET PASSWORD [FOR user] = [PASSWORD(]'…'` (MySQL and MariaDB, "SET PASSWORD").
static SET: LazyLock<Regex> = LazyLock::new(|| {
    compiled(&format!(
        r#"(?i)(\bset\s+password\s*(?:\sfor\s+(?:'[^']*'|"[^"]*"|`[^`]*`|[^\s='"`])+\s*)?(?:=|\sto\s)\s*(?:(?:old_)?password\s*\(\s*)?){LITERAL}"#
    ))
});

/// `PASSWORD('…')` of MySQL.
static FUNCTION: LazyLock<Regex> =
    LazyLock::new(|| compiled(&format!(r"(?i)(\b(?:old_)?password\s*\(\s*){LITERAL}")));

/// `IDENTIFIED BY [PASSWORD] '…'`, `IDENTIFIED WITH plugin AS '…'`, `IDENTIFIED VIA plugin USING '…'`, and Oracle's
/// `IDENTIFIED BY VALUES '…'`.
static IDENTIFIED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(&format!(
        r#"(?i)(\bidentified\s+(?:(?:with|via)\s+['"`]?\w+['"`]?\s+)?(?:by|as|using)\s+(?:(?:password|values)\s*\(?\s*)?){LITERAL}"#
    ))
});

/// The password that was, behind the new one (MySQL and Oracle, "ALTER USER").
static REPLACED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(&format!(
        r"(?i)(\bidentified\s+by\s+(?:‹scrubbed›|[^\s'\x22;]+)\s+replace\s+)(?:{LITERAL}|[^\s;]+)"
    ))
});

/// `PASSWORD '…'` and `PASSWORD = N'…'` (PostgreSQL, "ALTER ROLE"; SQL Server, "CREATE LOGIN").
static CLAUSE: LazyLock<Regex> =
    LazyLock::new(|| compiled(&format!(r"(?i)(\b(?:old_)?(?:password|secret)\s*(?:=\s*)?){LITERAL}")));

/// The text without the passwords of its statements.
pub(super) fn without_passwords(text: Cow<'_, str>) -> Cow<'_, str> {
    let mark = format!("${{1}}{SCRUBBED}");
    let mut current = text;
    for pattern in [&SET, &FUNCTION, &IDENTIFIED, &REPLACED, &CLAUSE] {
        current = replace(current, pattern, mark.as_str());
    }
    current
}
