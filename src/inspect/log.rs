//! The log lens: one line per record of a log, as the reader understood it, literals folded.

use crate::collect::logs::{self, Context, Event, Opening, Request, Stage, UNSTATED, Zones};
use crate::evidence::request::outcome;
use crate::evidence::scrub::{scrub, scrub_shapes};
use crate::evidence::{Outcome, Stamp, fold_path};
use crate::input::InputFile;
use crate::settings::Settings;
use crate::sql::{Dialect, TableUse, fold};
use serde::Serialize;
use std::io::Read;

/// How much of a log the lens reads.
pub const MAX_INSPECTED_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Serialize)]
struct Line<'a> {
    line: u64,
    kind: &'static str,
    time: String,
    zone_known: bool,
    user: &'a str,
    host: &'a str,
    application: &'a str,
    database: &'a str,
    session: String,
    duration_ms: Option<f64>,
    status: &'static str,
    statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tables: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<u64>,
}

/// A request with its path folded.
fn asked(request: &Request) -> String {
    let host = request.host.as_deref().unwrap_or_default();
    format!("{} {host}{} {}", request.method, fold_path(&request.path), request.status)
}

/// The kind of a record of a history.
fn staged(stage: Stage) -> &'static str {
    match stage {
        Stage::Announced => "begins",
        Stage::Part => "part",
        Stage::Whole => "statement",
    }
}

/// A statement with its literals folded. One about a login may hold a password that is no literal, which is
/// why the server refused it.
fn shown(sql: &str, dialect: Dialect) -> String {
    let folded = fold(sql, dialect);
    let logins = ["alter role", "alter user", "create role", "create user"];
    let about_login = logins.iter().any(|verb| folded.starts_with(verb));
    if about_login { scrub(&folded).into_owned() } else { scrub_shapes(&folded).into_owned() }
}

/// Gives each record of a log to `out`; the error says why the file is none.
pub fn lines(file: &InputFile, settings: &Settings, out: &mut dyn FnMut(String)) -> Result<(), String> {
    let format = logs::format_of(file, settings).ok_or("no log format knows it; see `whodepends formats`")?;
    let zones = Zones::new(settings.source_of(&file.path).1);
    let mut bytes = Vec::new();
    let mut reader = format.open(file).map_err(|error| error.to_string())?.take(MAX_INSPECTED_BYTES);
    reader.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let year = settings.year_of(&file.path);
    let head = format.head(file);
    let opening = Opening {
        name: file.name(),
        head: &head,
        year,
        prefix: settings.prefix_of(&file.path),
        file: Some(file),
        today: Some(Stamp(jiff::Timestamp::now().as_microsecond())),
    };
    let (header, _) = format.opening(&opening);
    let block = format.parse(&bytes, Context { zones: &zones, header: &header });
    let mut last = String::new();
    for record in &block.records {
        let (kind, status, sql, micros) = match &record.event {
            Event::Statement { sql, ended, .. } => {
                let outcome = ended.map_or(Outcome::Ok, |ended| ended.outcome);
                ("statement", outcome.word(), Some(sql), ended.and_then(|ended| ended.micros))
            }
            Event::Tables { sql, .. } => ("tables", "ok", sql.as_ref(), None),
            Event::Totals { sql, .. } => ("totals", "ok", Some(sql), None),
            Event::Executed(it) => {
                (staged(it.stage), it.ended.outcome.word(), it.sql.as_ref(), it.ended.micros)
            }
            Event::Operation(it) => ("operation", it.ended.outcome.word(), None, it.ended.micros),
            Event::InDatabase(_) => ("database", "ok", None, None),
            Event::Restarted => ("restarted", "ok", None, None),
            Event::Planned { sql, micros, .. } => ("plan", "ok", Some(sql), Some(*micros)),
            Event::Prepared(sql) => ("prepared", "ok", Some(sql), None),
            Event::Duration(micros) => ("duration", "ok", None, Some(*micros)),
            Event::ErrorStatement(sql) => ("error-statement", "failed", Some(sql), None),
            Event::Error(denied) => ("error", if *denied { "denied" } else { "failed" }, None, None),
            Event::Rejected => ("error", "failed", None, None),
            Event::Examined => ("examined", "ok", None, None),
            Event::Connected => ("connected", "ok", None, None),
            Event::Authorized(_) => ("authorized", "ok", None, None),
            Event::Replication => ("replication", "ok", None, None),
            Event::Relays(..) => ("relayed", "ok", None, None),
            Event::Refused => ("refused", "denied", None, None),
            Event::Disconnected => ("disconnected", "ok", None, None),
            Event::UserChanged => ("user-changed", "ok", None, None),
            Event::Translated => ("translated", "ok", None, None),
            Event::Nothing => ("other", "ok", None, None),
            Event::Request(it) => ("request", outcome(it.status).word(), None, it.micros),
        };
        let request = match &record.event {
            Event::Request(request) => Some(asked(request)),
            _ => None,
        };
        let database = match &record.event {
            Event::InDatabase(name) => name,
            _ => &record.who.database,
        };
        let statement = match &record.event {
            Event::Operation(it) => Some(it.text.to_string()),
            _ => sql.map(|sql| shown(sql, format.dialect())),
        };
        let names = |tables: &[TableUse]| {
            tables.iter().map(|it| format!("{} {}", it.action.word(), it.parts.join("."))).collect()
        };
        let tables = match &record.event {
            Event::Tables { tables, .. } | Event::Planned { tables, .. } => names(tables),
            Event::Executed(it) => it.tables.as_deref().map(names).unwrap_or_default(),
            Event::Operation(it) => vec![format!("{} {}", it.action.word(), it.resource)],
            _ => Vec::new(),
        };
        let calls = match &record.event {
            Event::Totals { calls, .. } => Some(*calls),
            _ => None,
        };
        if record.stamp != UNSTATED {
            last = record.stamp.to_string();
        }
        let line = Line {
            line: record.line + 1,
            kind,
            time: if calls.is_some() { String::new() } else { last.clone() },
            zone_known: !block.zone_assumed,
            user: &record.who.user,
            host: &record.who.client,
            application: if record.who.tag.is_empty() { &record.who.application } else { &record.who.tag },
            database,
            session: format!("{:x}", record.session),
            duration_ms: micros.map(|micros| micros as f64 / 1000.0),
            status,
            statement,
            request,
            tables,
            calls,
        };
        out(serde_json::to_string(&line).unwrap_or_default());
    }
    Ok(())
}
