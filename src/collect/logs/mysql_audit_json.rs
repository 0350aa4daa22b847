//! Audit logs in JSON: MySQL Enterprise Audit and Percona's audit_log_filter (an array of records of a class), and the older
//! audit log of Percona Server (an object `audit_record` a line); MySQL manual, "JSON Audit Log File Format"; Percona Server
//! manual, "Audit Log Plugin". An array that is still written is not closed. Records stand on one line or on several. It keeps
//! no state across records.

use super::mysql;
use super::{Block, Context, Ended, Event, LogFormat, Record, Who, Zones};
use crate::evidence::{About, Action, Confidence, Provenance, Text};
use crate::sql::{Dialect, TableUse};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// MySQL's and Percona's audit log in JSON.
pub struct MysqlAuditJson;

/// How much of a file's start is looked at for its first record.
const HEAD_BYTES: usize = 64 * 1024;

/// Within how many bytes the older plugin names its object.
const WRAPPER_BYTES: usize = 32;

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow, default)]
    user: Cow<'a, str>,
    #[serde(borrow, default)]
    host: Cow<'a, str>,
    #[serde(borrow, default)]
    ip: Cow<'a, str>,
}

#[derive(Deserialize)]
struct General<'a> {
    #[serde(borrow, default)]
    command: Cow<'a, str>,
    #[serde(borrow, default)]
    query: Cow<'a, str>,
    #[serde(default)]
    status: u64,
}

#[derive(Deserialize)]
struct Connection<'a> {
    #[serde(default)]
    status: u64,
    #[serde(borrow, default)]
    db: Cow<'a, str>,
    #[serde(borrow, default)]
    connection_attributes: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

#[derive(Deserialize)]
struct TableAccess<'a> {
    #[serde(borrow, default)]
    db: Cow<'a, str>,
    #[serde(borrow, default)]
    table: Cow<'a, str>,
    #[serde(borrow, default)]
    query: Cow<'a, str>,
}

/// A record of MySQL Enterprise Audit.
#[derive(Deserialize)]
struct Audited<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    class: Cow<'a, str>,
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(default)]
    connection_id: u64,
    #[serde(borrow)]
    account: Option<Account<'a>>,
    #[serde(borrow)]
    login: Option<Account<'a>>,
    #[serde(borrow)]
    general_data: Option<General<'a>>,
    #[serde(borrow)]
    connection_data: Option<Connection<'a>>,
    #[serde(borrow)]
    table_access_data: Option<TableAccess<'a>>,
}

/// A record of Percona's older plugin.
#[derive(Deserialize)]
struct Older<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow, default)]
    connection_id: Cow<'a, str>,
    #[serde(default)]
    status: u64,
    #[serde(borrow, default)]
    sqltext: Cow<'a, str>,
    #[serde(borrow, default)]
    user: Cow<'a, str>,
    #[serde(borrow, default)]
    host: Cow<'a, str>,
    #[serde(borrow, default)]
    ip: Cow<'a, str>,
    #[serde(borrow, default)]
    db: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    audit_record: Older<'a>,
}

/// A record of either kind.
enum Any<'a> {
    Older(Box<Older<'a>>),
    Audited(Box<Audited<'a>>),
}

/// What a record says: its time, its connection, who, and events.
struct Said {
    timestamp: String,
    session: u64,
    events: Vec<(Who, Event)>,
}

fn statement(sql: &str, error: u64, who: Who) -> Vec<(Who, Event)> {
    let mut who = who;
    let mut events = Vec::new();
    if mysql::replicates(sql) {
        events.push((who.clone(), Event::Replication));
    }
    mysql::learn_from(sql, &mut who);
    if let Some(name) = mysql::used_database(sql).filter(|_| error == 0) {
        who.database = Text::from(name);
    }
    let ended = Some(Ended { outcome: mysql::outcome(error), micros: None });
    events.push((who.scrubbed(), Event::Statement { sql: sql.to_owned(), ended, number: 0 }));
    events
}

/// The login of `root[root] @ localhost []`, as statements spell it, or of the bare name of connections.
fn login_of(account: &str) -> &str {
    let before = account.split(" @ ").next().unwrap_or_default();
    before.split_once('[').and_then(|(_, login)| login.split(']').next()).unwrap_or(before)
}

/// The server's number of a statement it gives none: the same text of the same connection at the same time is one.
fn number(record: &Audited<'_>, query: &str) -> u64 {
    let mut first = [0u8; 8];
    let text = format!("{} {} {query}", record.connection_id, record.timestamp);
    first.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
    u64::from_be_bytes(first).max(1)
}

fn audited(record: &Audited<'_>) -> Vec<(Who, Event)> {
    let mut who = Who::default();
    // What the client called itself goes before the account whose rights it got.
    for account in [&record.account, &record.login].into_iter().flatten() {
        if !account.user.is_empty() {
            who.user = Text::from(login_of(&account.user));
        }
        if !account.host.is_empty() || !account.ip.is_empty() {
            who.client = mysql::client(&account.host, &account.ip);
        }
    }
    let who = who.scrubbed();
    match (&record.general_data, &record.connection_data, &record.table_access_data) {
        // Percona's filter writes a statement when it begins (`log`), too.
        (Some(_), ..) if !matches!(&*record.event, "status" | "") => vec![(who, Event::Nothing)],
        (Some(general), ..) => match &*general.command {
            "Query" | "Execute" if !general.query.is_empty() => {
                statement(&general.query, general.status, who)
            }
            "Init DB" if general.status == 0 && !general.query.is_empty() => {
                vec![(Who { database: Text::from(&*general.query), ..who }.scrubbed(), Event::Nothing)]
            }
            "Binlog Dump" | "Binlog Dump GTID" => vec![(who, Event::Replication)],
            _ => vec![(who, Event::Nothing)],
        },
        (_, Some(connection), _) => {
            let program = connection.connection_attributes.get("program_name").cloned().unwrap_or_default();
            let who =
                Who { database: Text::from(&*connection.db), application: Text::from(&*program), ..who }
                    .scrubbed();
            match (&*record.event, connection.status) {
                ("connect" | "change_user", 0) => {
                    let opened = Who { client: who.client.clone(), ..Who::default() };
                    vec![(opened, Event::Connected), (who, Event::Authorized(false))]
                }
                ("connect" | "change_user", _) => vec![(who, Event::Refused)],
                ("disconnect", _) => vec![(who, Event::Disconnected)],
                _ => vec![(who, Event::Nothing)],
            }
        }
        (_, _, Some(access)) => {
            let action = match &*record.event {
                "read" => Action::Read,
                _ => Action::Write,
            };
            let parts = vec![Text::from(access.db.to_lowercase()), Text::from(access.table.to_lowercase())];
            let tables = vec![TableUse { action, parts, confidence: Confidence::High }];
            let number = number(record, &access.query);
            let sql = (!access.query.is_empty()).then(|| access.query.to_string());
            let own = ["mysql", "information_schema", "performance_schema", "sys"].contains(&&*access.db);
            if own || access.db.is_empty() || access.table.is_empty() {
                return vec![(who, Event::Nothing)];
            }
            vec![(who, Event::Tables { number, sql, tables })]
        }
        // Shutdown and startup, and what has no data of its own.
        _ if record.event == "startup" => vec![(who, Event::Restarted)],
        _ => vec![(who, Event::Nothing)],
    }
}

fn older(record: &Older<'_>) -> Vec<(Who, Event)> {
    let who = Who {
        user: Text::from(login_of(&record.user)),
        database: Text::from(&*record.db),
        client: mysql::client(&record.host, &record.ip),
        ..Who::default()
    };
    let who = who.scrubbed();
    match &*record.name {
        "Query" | "Execute" if !record.sqltext.is_empty() => statement(&record.sqltext, record.status, who),
        "Connect" | "Change user" if record.status == 0 => {
            let opened = Who { client: who.client.clone(), ..Who::default() };
            vec![(opened, Event::Connected), (who, Event::Authorized(false))]
        }
        "Connect" | "Change user" => vec![(who, Event::Refused)],
        "Quit" => vec![(who, Event::Disconnected)],
        "Binlog Dump" | "Binlog Dump GTID" => vec![(who, Event::Replication)],
        _ => vec![(who, Event::Nothing)],
    }
}

fn said(record: &Any<'_>) -> Said {
    match record {
        Any::Audited(record) => Said {
            timestamp: record.timestamp.to_string(),
            session: record.connection_id,
            events: audited(record),
        },
        Any::Older(record) => {
            let session = record.connection_id.parse().unwrap_or(0);
            Said { timestamp: record.timestamp.to_string(), session, events: older(record) }
        }
    }
}

/// Whether a line begins a record: an object that no other holds. Strings hold no line breaks, and the objects inside of a
/// record stand behind their key.
fn begins(line: &[u8]) -> bool {
    line.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'[' | b',')) == Some(&b'{')
}

/// The next record at the start of a text, and how long it is.
fn next(text: &[u8]) -> Option<(Any<'_>, usize)> {
    fn one<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Option<(T, usize)> {
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<T>();
        let value = values.next()?.ok()?;
        Some((value, values.byte_offset()))
    }
    if memchr::memmem::find(&text[..text.len().min(WRAPPER_BYTES)], b"\"audit_record\"").is_some() {
        one::<Wrapped<'_>>(text).map(|(it, length)| (Any::Older(Box::new(it.audit_record)), length))
    } else {
        one::<Audited<'_>>(text).map(|(it, length)| (Any::Audited(Box::new(it)), length))
    }
}

impl LogFormat for MysqlAuditJson {
    fn about(&self) -> &'static About {
        &About {
            name: "mysql-audit-json",
            title: "audit log in JSON of MySQL Enterprise and Percona Server",
            provenance: Provenance::Documented,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let head = &head[..head.len().min(HEAD_BYTES)];
        let start = memchr::memchr(b'{', head)?;
        // Only the beginning of a file, or of a copy that begins behind a comma, stands in front of the first record.
        if !head[..start].iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'[' | b',')) {
            return None;
        }
        match next(&head[start..])?.0 {
            Any::Older(record) => (!record.name.is_empty()).then_some(Confidence::High),
            Any::Audited(record) => {
                let classes = [
                    "audit",
                    "connection",
                    "general",
                    "table_access",
                    "authentication",
                    "stored_program",
                    "command",
                ];
                classes.contains(&&*record.class).then_some(Confidence::High)
            }
        }
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
        let (text, mut parsed) = (super::as_text(block), Block::default());
        let bytes = text.as_bytes();
        let lines =
            |from: usize, until: usize| memchr::memchr_iter(b'\n', &bytes[from..until]).count() as u64;
        let mut at = 0;
        while at < bytes.len() {
            if matches!(bytes[at], b' ' | b'\t' | b'\r' | b'\n' | b'[' | b']' | b',') {
                parsed.lines += u64::from(bytes[at] == b'\n');
                at += 1;
                continue;
            }
            let record = next(&bytes[at..])
                .and_then(|(record, length)| read(&said(&record), context.zones).map(|read| (read, length)));
            let Some(((records, known), length)) = record else {
                // What is no record goes on until one begins.
                let mut end = bytes.len();
                for newline in memchr::memchr_iter(b'\n', &bytes[at..]) {
                    if begins(&bytes[at + newline + 1..]) {
                        end = at + newline + 1;
                        break;
                    }
                }
                if parsed.unmatched == 0 {
                    parsed.first_unmatched = parsed.lines;
                }
                parsed.unmatched += lines(at, end).max(1);
                parsed.lines += lines(at, end);
                at = end;
                continue;
            };
            parsed.zone_assumed |= !known;
            let line = parsed.lines;
            parsed.records.extend(records.into_iter().map(|record| Record { line, ..record }));
            parsed.lines += lines(at, at + length);
            at += length;
        }
        parsed.lines += u64::from(!bytes.is_empty() && !bytes.ends_with(b"\n"));
        parsed
    }
}

/// A record's events at their moment. Times are UTC (MySQL manual, same section).
fn read(said: &Said, zones: &Zones) -> Option<(Vec<Record>, bool)> {
    let text = said.timestamp.trim_end_matches(" UTC").trim_end_matches('Z');
    let (zoned, _) = zones.read(format!("{text}Z").as_bytes())?;
    let record = |(who, event): &(Who, Event)| Record {
        stamp: zoned.stamp,
        session: said.session,
        who: Arc::new(who.clone()),
        event: event.clone(),
        line: 0,
    };
    Some((said.events.iter().map(record).collect(), zoned.known))
}
