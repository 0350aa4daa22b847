//! The log of MariaDB's audit plugin (MariaDB manual, "MariaDB Audit Plugin - Log Format"), which MySQL of RDS and Aurora
//! write, too; Aurora's times are microseconds since 1970. A statement stands in single quotes with its line breaks
//! escaped; table events name the tables that the server itself found in it. It keeps no state across records.

use super::mysql;
use super::{Block, Context, Ended, Event, LogFormat, Record, Who, Zones};
use crate::evidence::{About, Action, Confidence, Provenance, Stamp, Text};
use crate::sql::{Dialect, TableUse};
use foldhash::fast::FixedState;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// The log of MariaDB's audit plugin.
pub struct MariadbAudit;

/// `20261126 00:20:13`.
const STAMP: usize = 17;
/// Digits of microseconds since 1970, from 2001 to 2286.
const MICROS: usize = 16;
/// How many lines of a head are tried before a file is said to be no log of this kind.
const LINES_TRIED: usize = 60;

const OPERATIONS: [&str; 13] = [
    "QUERY",
    "READ",
    "WRITE",
    "CONNECT",
    "DISCONNECT",
    "FAILED_CONNECT",
    "CHANGEUSER",
    "CREATE",
    "ALTER",
    "DROP",
    "RENAME",
    "PROXY_CONNECT",
    "TABLE",
];

/// A line, split.
struct Line<'a> {
    stamp: &'a str,
    user: &'a str,
    client: &'a str,
    connection: u64,
    query: u64,
    operation: &'a str,
    database: &'a str,
    /// The object, and behind it the error number.
    rest: &'a str,
}

fn is_stamp(stamp: &[u8]) -> bool {
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    match stamp.len() {
        MICROS => digits(stamp) && stamp[0] != b'0',
        STAMP => {
            digits(&stamp[..8])
                && stamp[8] == b' '
                && stamp[11] == b':'
                && stamp[14] == b':'
                && digits(&stamp[9..11])
        }
        _ => false,
    }
}

fn split(line: &str) -> Option<Line<'_>> {
    let comma = memchr::memchr(b',', line.as_bytes().get(..(STAMP + 1).min(line.len()))?)?;
    if !is_stamp(&line.as_bytes()[..comma]) {
        return None;
    }
    let mut fields = line.splitn(9, ',');
    let stamp = fields.next()?;
    let _server = fields.next()?;
    let (user, client) = (fields.next()?, fields.next()?);
    let connection = fields.next()?.parse().ok()?;
    let query = fields.next()?.parse().ok()?;
    let operation = fields.next().filter(|operation| OPERATIONS.contains(operation))?;
    let (database, rest) = (fields.next()?, fields.next()?);
    Some(Line { stamp, user, client, connection, query, operation, database, rest })
}

/// The object of a line without its quotes, and the error number; a line that was cut has none.
fn object(rest: &str) -> (Cow<'_, str>, u64) {
    let Some(quoted) = rest.strip_prefix('\'') else {
        let (object, error) = rest.split_once(',').unwrap_or((rest, ""));
        return (
            Cow::Borrowed(object),
            error.split(',').next().and_then(|error| error.trim().parse().ok()).unwrap_or(0),
        );
    };
    let bytes = quoted.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'\\', b'\'', &bytes[at..]) {
        if bytes[at + found] == b'\'' {
            at += found;
            break;
        }
        at = (at + found + 2).min(bytes.len());
    }
    let end = if bytes.get(at) == Some(&b'\'') { at } else { bytes.len() };
    let error = quoted.get(end + 1..).and_then(|after| after.strip_prefix(',')).unwrap_or("");
    let error = error.split(',').next().and_then(|error| error.trim().parse().ok()).unwrap_or(0);
    (unescaped(&quoted[..end]), error)
}

/// What the plugin escapes: quotes, backslashes and control characters.
fn unescaped(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let mut signs = rest[at + 1..].chars();
        match signs.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('0') => out.push('\0'),
            Some(sign) => out.push(sign),
            None => {}
        }
        rest = signs.as_str();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The tables of a table event; the server's own are left out.
fn tables(line: &Line<'_>, object: &str) -> Vec<TableUse> {
    let action = match line.operation {
        "READ" => Action::Read,
        "WRITE" => Action::Write,
        _ => Action::Touch,
    };
    let table = |database: &str, name: &str| TableUse {
        action,
        parts: vec![Text::from(database.to_lowercase()), Text::from(name.to_lowercase())],
        // The tables behind a view are told, and the view is not.
        confidence: Confidence::Medium,
    };
    let own = |database: &str| {
        ["mysql", "information_schema", "performance_schema", "sys"]
            .iter()
            .any(|own| own.eq_ignore_ascii_case(database))
    };
    if own(line.database) || line.database.is_empty() || object.is_empty() {
        return Vec::new();
    }
    match (line.operation, object.split_once('|')) {
        ("RENAME", Some((old, new))) => {
            let (database, name) = new.split_once('.').unwrap_or((line.database, new));
            vec![table(line.database, old), table(database, name)]
        }
        _ => vec![table(line.database, object)],
    }
}

/// `10.0.3.7`, a name, and since MariaDB 12 `10.0.3.7:5123`.
fn address(client: &str) -> (Text, u16) {
    let port = client.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    match port.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some((host, port)) => (mysql::client(host.trim_matches(['[', ']']), ""), port),
        None => (mysql::client(client, ""), 0),
    }
}

/// Reads a line's time.
fn moment(stamp: &str, zones: &Zones) -> Option<(Stamp, bool)> {
    if stamp.len() == MICROS {
        return Some((Stamp(stamp.parse().ok()?), true));
    }
    let long = format!("{}-{}-{}T{}", stamp.get(..4)?, stamp.get(4..6)?, stamp.get(6..8)?, stamp.get(9..)?);
    zones.read(long.as_bytes()).map(|(zoned, _)| (zoned.stamp, zoned.known))
}

/// What the lines of one block share.
#[derive(Default)]
struct Known<'a> {
    whos: HashMap<(&'a str, &'a str, &'a str), Arc<Who>, FixedState>,
    stamp: Option<(&'a str, Stamp, bool)>,
}

impl<'a> Known<'a> {
    fn who(&mut self, user: &'a str, client: &'a str, database: &'a str) -> Arc<Who> {
        let make = || {
            let (client, port) = address(client);
            let who = Who {
                user: Text::from(user),
                database: Text::from(database),
                client,
                port,
                ..Who::default()
            };
            Arc::new(who.scrubbed())
        };
        self.whos.entry((user, client, database)).or_insert_with(make).clone()
    }

    fn moment(&mut self, stamp: &'a str, zones: &Zones) -> Option<(Stamp, bool)> {
        match self.stamp {
            Some((known, at, zone_known)) if known == stamp => Some((at, zone_known)),
            _ => {
                let (at, zone_known) = moment(stamp, zones)?;
                self.stamp = Some((stamp, at, zone_known));
                Some((at, zone_known))
            }
        }
    }
}

/// What a line says happened.
fn events<'a>(line: &Line<'a>, known: &mut Known<'a>, out: &mut Vec<(Arc<Who>, Event)>) {
    let (object, error) = object(line.rest);
    let number = line.query.wrapping_shl(32);
    match line.operation {
        "QUERY" => {
            let mut who = known.who(line.user, line.client, line.database);
            if mysql::replicates(&object) {
                out.push((who.clone(), Event::Replication));
            }
            if mysql::program(&object).is_some() {
                let mut named = (*who).clone();
                mysql::learn_from(&object, &mut named);
                who = Arc::new(named);
            }
            let ended = Some(Ended { outcome: mysql::outcome(error), micros: None });
            out.push((who, Event::Statement { sql: object.into_owned(), ended, number }));
        }
        "CONNECT" | "FAILED_CONNECT" => {
            let who = known.who(line.user, line.client, line.database);
            out.push((known.who("", line.client, ""), Event::Connected));
            let let_in = line.operation == "CONNECT" && error == 0;
            out.push((who, if let_in { Event::Authorized(false) } else { Event::Refused }));
        }
        "DISCONNECT" => out.push((known.who(line.user, line.client, line.database), Event::Disconnected)),
        // It names nobody, and the statements after it are written under the login from before (seen with 10.11): what the
        // session does from here on is its table events' login's.
        "CHANGEUSER" => out.push((known.who(line.user, line.client, ""), Event::UserChanged)),
        "PROXY_CONNECT" => out.push((known.who("", "", ""), Event::Nothing)),
        _ => {
            let tables = tables(line, &object);
            if !tables.is_empty() {
                // Whose rights are used: of a view or a routine that may be its owner's.
                out.push((
                    known.who(line.user, line.client, ""),
                    Event::Tables { number, sql: None, tables },
                ));
            }
        }
    }
}

impl LogFormat for MariadbAudit {
    fn about(&self) -> &'static About {
        &About {
            name: "mariadb-audit",
            title: "log of MariaDB's audit plugin (server_audit); Amazon's MySQL as documented",
            provenance: Provenance::Recorded,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let text = String::from_utf8_lossy(head);
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).take(LINES_TRIED).collect();
        let matched = lines.iter().filter(|line| split(line).is_some()).count();
        (matched > 0 && matched * 3 >= lines.len()).then_some(Confidence::High)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        let mut end = block.len();
        while let Some(newline) = memchr::memrchr(b'\n', &block[..end]) {
            if begins(&block[newline + 1..]) {
                return newline + 1;
            }
            end = newline;
        }
        0
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let text = super::as_text(block);
        let (mut parsed, mut known, mut told) = (Block::default(), Known::default(), Vec::new());
        let mut at = 0;
        while at < text.len() {
            let end = record_end(text.as_bytes(), at);
            let number = parsed.lines;
            parsed.lines += memchr::memchr_iter(b'\n', &text.as_bytes()[at..end]).count() as u64
                + u64::from(!text.as_bytes()[at..end].ends_with(b"\n"));
            let whole = text.get(at..end).unwrap_or_default().trim_end_matches(['\n', '\r']);
            at = end;
            if whole.is_empty() {
                continue;
            }
            let line = split(whole);
            let Some((line, (stamp, zone_known))) =
                line.and_then(|line| known.moment(line.stamp, context.zones).map(|moment| (line, moment)))
            else {
                if parsed.unmatched == 0 {
                    parsed.first_unmatched = number;
                }
                parsed.unmatched += 1;
                continue;
            };
            parsed.zone_assumed |= !zone_known;
            events(&line, &mut known, &mut told);
            for (who, event) in told.drain(..) {
                parsed.records.push(Record { stamp, session: line.connection, who, event, line: number });
            }
        }
        parsed
    }
}

/// Whether a line can begin a record.
fn begins(line: &[u8]) -> bool {
    let comma = line.get(..(STAMP + 1).min(line.len())).and_then(|start| memchr::memchr(b',', start));
    comma.is_some_and(|comma| is_stamp(&line[..comma]))
}

/// Where the record is over that begins here: at the next line that can begin one. (Older versions of the plugin left the
/// line breaks of statements as they were.)
fn record_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        let Some(newline) = memchr::memchr(b'\n', &text[at..]) else { return text.len() };
        at += newline + 1;
        if at == text.len() || begins(&text[at..]) {
            return at;
        }
    }
}
