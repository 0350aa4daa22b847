//! JSON around PostgreSQL's log, one object a line: the server's own jsonlog (runtime-config-logging, "Using JSON-Format
//! Log Output"), the records of CloudNativePG (its documentation, "Logging"), and what carries a line of text: Cloud
//! SQL (`textPayload` of a LogEntry), Docker's json-file (`log`), the journal (`MESSAGE`, systemd.journal-fields(7)) and
//! shippers (`message`). It reads one object and keeps nothing.

use super::json_lines::Json;
use super::messages;
use super::pgaudit::Audit;
use super::postgres_record::{self, Columns};
use super::stamps::Clock;
use super::{Record, Zoned};
use crate::evidence::Stamp;

/// What an object is.
pub(super) enum Read {
    /// A record of jsonlog.
    Jsonlog(Vec<Record>, bool),
    /// One of CloudNativePG: none where another of its programs wrote it.
    CloudNative(Vec<Record>, bool),
    /// A record of pgaudit in Cloud SQL's audit log.
    CloudAudit(Vec<Record>, bool),
    /// A line of text.
    Text(Carried),
}

/// A line of text in an object.
pub(super) struct Carried {
    /// Who carries it.
    pub carrier: Carrier,
    /// The text.
    pub text: String,
    /// When it was written.
    pub stamp: Option<Zoned>,
    /// Lines of one origin are in order.
    pub origin: String,
    /// The process.
    pub pid: u64,
    /// Whether it is PostgreSQL's, as far as its carrier says.
    pub ours: bool,
}

/// What carries text in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    CloudSql,
    Docker,
    Journal,
    Shipper,
}

/// Reads an object.
pub(super) fn read(line: &str, clock: &mut Clock<'_>, number: u64) -> Option<Read> {
    if !line.starts_with('{') {
        return None;
    }
    let object = Json::object(line)?;
    if let (Some(severity), Some(time)) = (text(&object, "error_severity"), text(&object, "timestamp")) {
        let (records, known) = jsonlog(&object, severity, time, clock, number)?;
        return Some(Read::Jsonlog(records, known));
    }
    if let Some(record @ Json::Object(_)) = object.get("record") {
        let (records, known) = cloud_native(record, clock, number).unwrap_or((Vec::new(), true));
        return Some(Read::CloudNative(records, known));
    }
    if let Some((records, known)) = cloud_audit(&object, clock, number) {
        return Some(Read::CloudAudit(records, known));
    }
    carried(&object, clock).map(Read::Text)
}

/// A record of pgaudit as Cloud SQL writes it among its data access logs (its documentation, "View database audit
/// logs": `protoPayload.request` is a `PgAuditEntry`). A long text comes in chunks, of which the first begins it.
fn cloud_audit(object: &Json<'_>, clock: &mut Clock<'_>, number: u64) -> Option<(Vec<Record>, bool)> {
    let entry = object.get("protoPayload")?.get("request")?;
    if !text(entry, "@type")?.ends_with("PgAuditEntry") {
        return None;
    }
    let (stamp, _) = clock.read(text(object, "timestamp")?.as_bytes())?;
    let whole = |key: &str| match entry.get(key) {
        Some(Json::Whole(number)) => number.to_string(),
        Some(other) => other.text().unwrap_or_default().to_owned(),
        None => String::new(),
    };
    if !matches!(whole("chunkIndex").as_str(), "" | "0" | "1") {
        return Some((Vec::new(), stamp.known));
    }
    let session = whole("databaseSessionId");
    let columns = Columns {
        user: or_empty(entry, "user"),
        database: or_empty(entry, "database"),
        host: "",
        port: 0,
        session: &session,
        message: "",
        detail: "",
        query: "",
        placed: false,
        application: "",
        backend: "",
    };
    let (statement_id, substatement_id) = (whole("statementId"), whole("substatementId"));
    let event = Audit {
        kind: or_empty(entry, "auditType"),
        statement_id: &statement_id,
        substatement_id: &substatement_id,
        class: or_empty(entry, "auditClass"),
        command: or_empty(entry, "command"),
        object_type: or_empty(entry, "objectType"),
        object_name: or_empty(entry, "object"),
        statement: or_empty(entry, "statement"),
    }
    .event();
    Some((columns.record(event, stamp, number).into_iter().collect(), stamp.known))
}

/// The text of a key, if it has one.
fn text<'a>(object: &'a Json<'_>, key: &str) -> Option<&'a str> {
    object.get(key)?.text().filter(|text| !text.is_empty())
}

/// The same, or nothing.
fn or_empty<'a>(object: &'a Json<'_>, key: &str) -> &'a str {
    text(object, key).unwrap_or_default()
}

fn jsonlog(
    object: &Json<'_>,
    severity: &str,
    time: &str,
    clock: &mut Clock<'_>,
    number: u64,
) -> Option<(Vec<Record>, bool)> {
    let severity = messages::severity(severity)?;
    let (stamp, _) = clock.read(time.as_bytes())?;
    let port = match object.get("remote_port") {
        Some(Json::Whole(port)) => u16::try_from(*port).unwrap_or(0),
        _ => 0,
    };
    let columns = Columns {
        user: or_empty(object, "user"),
        database: or_empty(object, "dbname"),
        host: or_empty(object, "remote_host"),
        port,
        session: or_empty(object, "session_id"),
        message: or_empty(object, "message"),
        detail: or_empty(object, "detail"),
        query: or_empty(object, "statement"),
        placed: object.get("cursor_position").is_some(),
        application: or_empty(object, "application_name"),
        backend: or_empty(object, "backend_type"),
    };
    Some((columns.records(severity, stamp, number), stamp.known))
}

/// The columns of csvlog by name, all of them text; a record of pgaudit is taken apart.
fn cloud_native(record: &Json<'_>, clock: &mut Clock<'_>, number: u64) -> Option<(Vec<Record>, bool)> {
    let severity = messages::severity(text(record, "error_severity")?)?;
    let (stamp, _) = clock.read(text(record, "log_time")?.as_bytes())?;
    let (host, port) = postgres_record::from(or_empty(record, "connection_from"));
    let columns = Columns {
        user: or_empty(record, "user_name"),
        database: or_empty(record, "database_name"),
        host,
        port,
        session: or_empty(record, "session_id"),
        message: or_empty(record, "message"),
        detail: or_empty(record, "detail"),
        query: or_empty(record, "query"),
        placed: text(record, "query_pos").is_some_and(|at| at != "0"),
        application: or_empty(record, "application_name"),
        backend: or_empty(record, "backend_type"),
    };
    let Some(audit) = record.get("audit") else {
        return Some((columns.records(severity, stamp, number), stamp.known));
    };
    let event = Audit {
        kind: or_empty(audit, "audit_type"),
        statement_id: or_empty(audit, "statement_id"),
        substatement_id: or_empty(audit, "substatement_id"),
        class: or_empty(audit, "class"),
        command: or_empty(audit, "command"),
        object_type: or_empty(audit, "object_type"),
        object_name: or_empty(audit, "object_name"),
        statement: or_empty(audit, "statement"),
    }
    .event();
    Some((columns.record(event, stamp, number).into_iter().collect(), stamp.known))
}

/// A line of text in an object, by the key that holds it.
fn carried(object: &Json<'_>, clock: &mut Clock<'_>) -> Option<Carried> {
    let mut moment = |keys: &[&str]| {
        let mut times = keys.iter().filter_map(|key| text(object, key));
        times.find_map(|time| clock.read(time.as_bytes())).map(|(stamp, _)| stamp)
    };
    let line = |carrier: Carrier, text: &str, stamp: Option<Zoned>, origin: &str| Carried {
        carrier,
        text: text.to_owned(),
        stamp,
        origin: origin.to_owned(),
        pid: 0,
        ours: true,
    };
    if let Some(payload) = text(object, "textPayload") {
        let of = |key: &str| object.at(&["resource", "labels", key]).and_then(Json::text).unwrap_or_default();
        let kind = object.at(&["resource", "type"]).and_then(Json::text);
        let ours = kind.is_none_or(|kind| kind == "cloudsql_database");
        let stamp = moment(&["timestamp"]);
        return Some(Carried { ours, ..line(Carrier::CloudSql, payload, stamp, of("database_id")) });
    }
    if let Some(message) = object.get("MESSAGE") {
        let message = match message {
            Json::Text(text) => text.to_string(),
            // What is no text is held as bytes.
            Json::List(bytes) => {
                let byte =
                    |it: &Json<'_>| if let Json::Whole(byte) = it { u8::try_from(*byte).ok() } else { None };
                String::from_utf8_lossy(&bytes.iter().filter_map(byte).collect::<Vec<u8>>()).into_owned()
            }
            _ => return None,
        };
        let micros = text(object, "__REALTIME_TIMESTAMP")?.parse().ok()?;
        let stamp = Some(Zoned { stamp: Stamp(micros), known: true });
        let pid = ["SYSLOG_PID", "_PID"].iter().find_map(|key| text(object, key)?.parse().ok()).unwrap_or(0);
        let named =
            ["SYSLOG_IDENTIFIER", "_COMM", "_SYSTEMD_UNIT"].iter().filter_map(|key| text(object, key));
        let names: Vec<&str> = named.collect();
        let ours = names.is_empty() || names.iter().any(|name| name.contains("postgres"));
        return Some(Carried { pid, ours, ..line(Carrier::Journal, &message, stamp, "") });
    }
    if let Some(log) = text(object, "log") {
        return Some(line(Carrier::Docker, log, moment(&["time", "@timestamp"]), or_empty(object, "stream")));
    }
    // Azure's diagnostic settings put the line one level down.
    let inner = || object.at(&["properties", "message"]).and_then(Json::text);
    let message = text(object, "message").or_else(inner)?;
    Some(line(Carrier::Shipper, message, moment(&["@timestamp", "time", "timestamp"]), ""))
}
