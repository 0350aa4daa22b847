//! What the logs of MySQL and MariaDB share: how they spell moments, clients and errors, the line that a server writes
//! when it opens a log, and where a text that looks like a record's start stands inside of a literal. It reads no
//! record.

use super::{Who, Zoned, Zones};
use crate::evidence::{Outcome, Text};

/// Errors that mean "not allowed" (MySQL's Server Error Message Reference): access denied to a server, a database, a
/// table, a column, a routine; a privilege that is missing.
const DENIED: [u64; 9] = [1044, 1045, 1095, 1142, 1143, 1227, 1370, 1410, 1698];

/// How a statement that ended with this error number ended; 0: it worked.
pub(super) fn outcome(error: u64) -> Outcome {
    match error {
        0 => Outcome::Ok,
        error if DENIED.contains(&error) => Outcome::Denied,
        _ => Outcome::Failed,
    }
}

/// The bytes of `261126  0:20:13`, as versions before 5.7 and MariaDB write a local time.
pub(super) const SHORT_STAMP: usize = 15;

/// Reads `261126  0:20:13`; two digits are a year of 1970 to 2069.
pub(super) fn short_stamp(text: &[u8], zones: &Zones) -> Option<Zoned> {
    let text = text.get(..SHORT_STAMP)?;
    let layout: [u8; SHORT_STAMP] = *b"000000 _0:00:00";
    let fits = |(byte, sign): (&u8, &u8)| match sign {
        b'0' => byte.is_ascii_digit(),
        b'_' => byte.is_ascii_digit() || *byte == b' ',
        sign => byte == sign,
    };
    if !text.iter().zip(&layout).all(fits) {
        return None;
    }
    let century: &[u8] = if text[0] >= b'7' { b"19" } else { b"20" };
    let hour = [if text[7] == b' ' { b'0' } else { text[7] }, text[8]];
    let parts: [&[u8]; 9] =
        [century, &text[..2], b"-", &text[2..4], b"-", &text[4..6], b"T", &hour, &text[9..15]];
    let mut long = [0u8; 19];
    let mut at = 0;
    for part in parts {
        long[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    zones.read(&long).map(|(zoned, _)| zoned)
}

/// A client by its address, else by its name; a socket's is `[local]`.
pub(super) fn client(host: &str, address: &str) -> Text {
    match (host.trim(), address.trim()) {
        ("localhost", "") => Text::from("[local]"),
        (host, "") => Text::from(host),
        (_, address) => Text::from(address),
    }
}

/// A line of what a server writes when it opens a log: at its start, and after FLUSH LOGS.
pub(super) fn is_banner(line: &[u8]) -> bool {
    line.starts_with(b"Time") && line.ends_with(b"Command\tArgument")
        || line.starts_with(b"Tcp port: ")
        || line.starts_with(b"TCP Port: ")
        || line.ends_with(b"started with:") && memchr::memmem::find(line, b"ersion: ").is_some()
}

/// The program that a statement is known to come from, as nobody else writes it: mysqldump and mariadb-dump put what only
/// some versions take into comments of their own, Mariabackup asks for stages.
pub(super) fn program(sql: &str) -> Option<&'static str> {
    let begins = |what: &str| sql.get(..what.len()).is_some_and(|start| start.eq_ignore_ascii_case(what));
    if begins("/*!40100 SET @@SQL_MODE=") || begins("SELECT /*!40001 SQL_NO_CACHE */ ") {
        return Some("mysqldump");
    }
    begins("BACKUP STAGE ").then_some("mariabackup")
}

/// Whether a statement is how a replica (or whoever reads the stream of changes like one) introduces itself.
pub(super) fn replicates(sql: &str) -> bool {
    let begins = |what: &str| sql.get(..what.len()).is_some_and(|start| start.eq_ignore_ascii_case(what));
    begins("SET @")
        && [
            "SET @mariadb_slave_capability",
            "SET @slave_uuid",
            "SET @replica_uuid",
            "SET @master_binlog_checksum",
            "SET @source_binlog_checksum",
            "SET @master_heartbeat_period",
            "SET @source_heartbeat_period",
        ]
        .iter()
        .any(|what| begins(what))
}

/// The database of `use x`, where that is all of a statement.
pub(super) fn used_database(sql: &str) -> Option<&str> {
    let start = sql.get(..4)?;
    let name = sql.get(4..)?.trim().trim_end_matches(';').trim_end();
    let bare = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')).unwrap_or(name);
    (start.eq_ignore_ascii_case("use ") && !bare.is_empty() && !bare.contains(['`', ' ', '\n']))
        .then_some(bare)
}

/// Who a statement's own text says its client is.
pub(super) fn learn_from(sql: &str, who: &mut Who) {
    if let Some(program) = program(sql) {
        who.application = Text::from(program);
    }
}

/// Where a text ends: in plain SQL, or inside of something that may hold any line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Plain,
    Quote(u8),
    Comment,
}

/// Reads on from a state (MySQL manual, "String Literals" and "Comments").
fn read_on(state: Inside, text: &[u8]) -> Inside {
    let (mut state, mut at) = (state, 0);
    while at < text.len() {
        match state {
            Inside::Plain => match (text[at], text.get(at + 1)) {
                (quote @ (b'\'' | b'"' | b'`'), _) => (state, at) = (Inside::Quote(quote), at + 1),
                (b'/', Some(b'*')) => (state, at) = (Inside::Comment, at + 2),
                (b'#', _) | (b'-', Some(b'-')) => {
                    at += memchr::memchr(b'\n', &text[at..]).unwrap_or(text.len() - at);
                }
                _ => at += 1,
            },
            Inside::Quote(quote) => match memchr::memchr2(quote, b'\\', &text[at..]) {
                None => return state,
                Some(found) if text[at + found] == b'\\' && quote != b'`' => at += found + 2,
                Some(found) if text[at + found] == b'\\' => at += found + 1,
                Some(found) => (state, at) = (Inside::Plain, at + found + 1),
            },
            Inside::Comment => match memchr::memmem::find(&text[at..], b"*/") {
                None => return state,
                Some(found) => (state, at) = (Inside::Plain, at + found + 2),
            },
        }
    }
    state
}

/// Whether a statement is whole, as far as quotes and comments tell.
pub(super) fn is_closed(text: &[u8]) -> bool {
    read_on(Inside::Plain, text) == Inside::Plain
}

/// Whether what looks like the start of a record belongs to the literal of the statement before it: that one is open, and
/// closes in it. (A statement that is itself broken does not close there.)
pub(super) fn goes_on(before: &[u8], after: &[u8]) -> bool {
    let state = read_on(Inside::Plain, before);
    state != Inside::Plain && read_on(state, after) == Inside::Plain
}
