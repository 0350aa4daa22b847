//! SQL Server's Extended Events (Microsoft, "sys.fn_xe_file_target_read_file", "Extended Events overview"): as XML, one
//! event after the other or one in each field of a table, or as a table with a column for each of an event's fields, as
//! Management Studio exports them. An event is written when it ends; a statement's time is when it began.

use super::export::{Clock, Export, Row, Rows, named};
use super::mssql_trace::{CUT, Told, executed, is_noise};
use super::{Block, Context, Event, LogFormat, Record, Stage, Who, Zones};
use crate::evidence::{About, Confidence, GapCode, Outcome, Provenance, Stamp, Text};
use crate::sql::Dialect;
use quick_xml::events::Event as Xml;
use std::collections::HashMap;
use std::sync::Arc;

/// SQL Server's Extended Events.
pub struct MssqlXe;

/// The same, where each field has its column.
struct XeTable;

const COLUMNS: &[&str] = &[
    "name|event_name|object_name|event",
    "timestamp_utc|timestamp (utc)",
    "timestamp|event_timestamp",
    "batch_text",
    "statement",
    "sql_text",
    "server_principal_name|session_server_principal_name|username|session_nt_username|nt_username",
    "client_hostname",
    "client_app_name",
    "database_name",
    "session_id",
    "duration|duration (us)|duration_us",
    "result",
    "is_system",
];
const NAME: usize = 0;
const TIME_UTC: usize = 1;
const TIME: usize = 2;
const BATCH: usize = 3;
const STATEMENT: usize = 4;
const SQL_TEXT: usize = 5;
const LOGIN: usize = 6;
const HOST: usize = 7;
const APPLICATION: usize = 8;
const DATABASE: usize = 9;
const SESSION: usize = 10;
const DURATION: usize = 11;
const RESULT: usize = 12;
const SYSTEM: usize = 13;

/// What begins an event in XML; inside of values the sign is escaped.
const BEGINS: &[u8] = b"<event name=";
const ENDS: &[u8] = b"</event>";
/// How long the attributes of an event may be.
const HEAD: usize = 400;

/// What an event tells, by its name; `None`: that is the name of no event that is known.
fn told(name: &str) -> Option<Told> {
    Some(match name.trim() {
        "sql_batch_completed" | "rpc_completed" => Told::Statement(Stage::Whole),
        "sql_batch_starting" | "rpc_starting" => Told::Statement(Stage::Announced),
        "sql_statement_completed" | "sp_statement_completed" => Told::Statement(Stage::Part),
        "login" | "existing_connection" => Told::Login,
        "logout" => Told::Logout,
        "sql_statement_starting"
        | "sp_statement_starting"
        | "module_start"
        | "module_end"
        | "attention"
        | "error_reported"
        | "xml_deadlock_report"
        | "wait_info"
        | "lock_deadlock"
        | "blocked_process_report" => Told::Other,
        _ => return None,
    })
}

/// One event, whatever it was written as.
#[derive(Default)]
struct Fields {
    values: [String; COLUMNS.len()],
}

impl Fields {
    fn get(&self, column: usize) -> &str {
        &self.values[column]
    }

    fn number(&self, column: usize) -> Option<u64> {
        self.get(column).trim().parse().ok()
    }

    /// The text of a statement: of the batch, of the call, else what the session ran when the event was written.
    fn sql(&self) -> &str {
        [BATCH, STATEMENT, SQL_TEXT]
            .map(|column| self.get(column))
            .into_iter()
            .find(|sql| !sql.trim().is_empty())
            .unwrap_or("")
    }

    fn outcome(&self) -> Outcome {
        // 0 is OK, 1 Error, 2 Abort.
        match self.get(RESULT).trim() {
            "1" | "2" | "Error" | "Abort" | "1 - Error" | "2 - Abort" => Outcome::Failed,
            _ => Outcome::Ok,
        }
    }
}

/// When a statement began: its event was written when it ended.
fn began(stamp: Stamp, micros: Option<u64>, stage: Stage) -> Stamp {
    let took = if stage == Stage::Announced { 0 } else { micros.unwrap_or(0) };
    stamp.plus_micros(-i64::try_from(took).unwrap_or(0))
}

/// The record of an event.
fn event(told: Told, fields: &Fields, sql: String) -> Option<(Event, Stage)> {
    let micros = fields.number(DURATION);
    Some(match told {
        Told::Statement(stage) if !is_noise(&sql) && !sql.trim().is_empty() => {
            (Event::Executed(Box::new(executed(sql, fields.outcome(), micros, stage))), stage)
        }
        Told::Login => (Event::Authorized(false), Stage::Announced),
        Told::Logout => (Event::Disconnected, Stage::Announced),
        Told::Refused => (Event::Refused, Stage::Announced),
        _ => return None,
    })
}

impl Export for XeTable {
    fn about(&self) -> &'static About {
        LogFormat::about(&MssqlXe)
    }

    fn dialect(&self) -> Dialect {
        Dialect::MsSql
    }

    fn columns(&self) -> Vec<Vec<&str>> {
        named(COLUMNS)
    }

    fn knows(&self, row: &Row<'_>) -> bool {
        let text = row.has(BATCH) || row.has(SQL_TEXT) || row.has(STATEMENT);
        let time = row.has(TIME) || row.has(TIME_UTC);
        let server = row.has(APPLICATION) || row.has(HOST) || row.has(BATCH);
        row.has(NAME) && time && text && server
    }

    fn wanted(&self) -> Vec<(usize, GapCode, String)> {
        let lacks = |column, name: &str, what: &str| {
            let detail = format!("the events have no {name}, so {what}: add the action to the session");
            (column, GapCode::UnknownSession, detail)
        };
        vec![
            lacks(LOGIN, "server_principal_name", "logins are not known"),
            lacks(HOST, "client_hostname", "client hosts are not known"),
            lacks(APPLICATION, "client_app_name", "programs of one login are not told apart"),
            lacks(DATABASE, "database_name", "databases are not told apart"),
        ]
    }

    fn read(&self, row: &Row<'_>, out: &mut Rows<'_>) {
        let mut fields = Fields::default();
        for (column, value) in fields.values.iter_mut().enumerate() {
            row.text(column).as_ref().clone_into(value);
        }
        let Some(told) = told(fields.get(NAME)) else { return out.unmatched() };
        let stamp = match fields.get(TIME_UTC) {
            "" => out.time(fields.get(TIME), Clock::Local),
            utc => out.time(utc, Clock::Utc),
        };
        let Some(stamp) = stamp else { return out.unmatched() };
        if matches!(fields.get(SYSTEM), "true" | "True" | "1") {
            return;
        }
        let sql = out.uncut(fields.sql().to_owned().into(), &CUT);
        let who =
            out.who(fields.get(LOGIN), fields.get(DATABASE), fields.get(APPLICATION), fields.get(HOST), 0);
        if let Some((event, stage)) = event(told, &fields, sql) {
            out.push(
                began(stamp, fields.number(DURATION), stage),
                fields.number(SESSION).unwrap_or(0),
                who,
                event,
            );
        }
    }
}

/// Whether a text is events as XML, and whether their quotes are doubled because they stand in fields of a table.
fn is_xml(text: &[u8]) -> Option<bool> {
    let at = memchr::memmem::find(text, BEGINS)?;
    let head = &text[at..text.len().min(at + HEAD)];
    let known = memchr::memmem::find(head, b"package=").is_some()
        && memchr::memmem::find(head, b"timestamp=").is_some();
    known.then(|| head[BEGINS.len()..].starts_with(b"\"\""))
}

/// Whether a text begins a table with a column for each field.
fn is_table(text: &[u8]) -> bool {
    XeTable.recognise(text).is_some()
}

/// Reads one event: the values of its fields, and of its actions.
fn read(xml: &str) -> Option<Fields> {
    let mut fields = Fields::default();
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut column, mut depth, mut value_at): (Option<usize>, usize, Option<usize>) = (None, 0, None);
    loop {
        match reader.read_event().ok()? {
            Xml::Start(tag) => {
                depth += 1;
                let attribute = |name: &str| {
                    let found = tag.try_get_attribute(name).ok().flatten()?;
                    Some(found.unescape_value().ok()?.into_owned())
                };
                match tag.name().as_ref() {
                    b"event" if depth == 1 => {
                        fields.values[NAME] = attribute("name")?;
                        fields.values[TIME_UTC] = attribute("timestamp")?;
                    }
                    b"data" | b"action" if depth == 2 => {
                        let name = attribute("name").unwrap_or_default();
                        let names = |names: &&str| names.split('|').any(|it| it == name);
                        column = COLUMNS.iter().position(names).filter(|it| *it > TIME);
                    }
                    b"value" if depth == 3 => value_at = column,
                    _ => value_at = None,
                }
            }
            Xml::End(_) => {
                depth = depth.saturating_sub(1);
                value_at = None;
                if depth == 0 {
                    return Some(fields);
                }
            }
            Xml::Text(text) => {
                if let Some(column) = value_at {
                    fields.values[column].push_str(&text.unescape().ok()?);
                }
            }
            Xml::CData(text) => {
                if let Some(column) = value_at {
                    fields.values[column].push_str(&String::from_utf8_lossy(&text));
                }
            }
            Xml::Eof => return None,
            _ => {}
        }
    }
}

/// Reads a block of events.
fn parse(block: &[u8], doubled: bool) -> Block {
    let mut out = Block::default();
    let utc = Zones::new(Some(Text::from("UTC")));
    let mut whos: HashMap<Who, Arc<Who>> = HashMap::new();
    let starts: Vec<usize> = memchr::memmem::find_iter(block, BEGINS).collect();
    let (mut line, mut counted) = (0u64, 0);
    for (index, start) in starts.iter().enumerate() {
        line += memchr::memchr_iter(b'\n', &block[counted..*start]).count() as u64;
        counted = *start;
        let end = starts.get(index + 1).copied().unwrap_or(block.len());
        let whole = memchr::memmem::find(&block[*start..end], ENDS).map(|at| *start + at + ENDS.len());
        let text = String::from_utf8_lossy(&block[*start..whole.unwrap_or(*start)]);
        let text = if doubled { text.replace("\"\"", "\"").into() } else { text };
        let record = read(&text).and_then(|fields| {
            let (zoned, _) = utc.read(fields.get(TIME_UTC).as_bytes())?;
            Some((fields, zoned.stamp))
        });
        let Some((fields, stamp)) = record else {
            out.unmatched(line);
            continue;
        };
        let system = matches!(fields.get(SYSTEM), "true" | "1");
        let Some(told) = told(fields.get(NAME)).filter(|_| !system) else { continue };
        let text = |column: usize| Text::from(fields.get(column).trim());
        let who = Who {
            user: text(LOGIN),
            database: text(DATABASE),
            application: text(APPLICATION),
            client: text(HOST),
            port: 0,
            ..Who::default()
        };
        if let Some((event, stage)) = event(told, &fields, fields.sql().to_owned()) {
            let who = whos.entry(who.clone()).or_insert_with(|| Arc::new(who.scrubbed())).clone();
            let session = fields.number(SESSION).unwrap_or(0);
            let stamp = began(stamp, fields.number(DURATION), stage);
            out.records.push(Record { stamp, session, who, event, line });
        }
    }
    out.lines = memchr::memchr_iter(b'\n', block).count() as u64;
    out
}

/// What tells blocks after the first that events are XML, and that their quotes are doubled.
const AS_XML: &str = "xml";
const AS_DOUBLED: &str = "xml in fields";

impl LogFormat for MssqlXe {
    fn about(&self) -> &'static About {
        &About {
            name: "mssql-xe",
            title: "SQL Server Extended Events, XML (alone or in fields) or a table with names of columns",
            provenance: Provenance::Documented,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::MsSql
    }

    /// A session of events holds what its filters let through.
    fn can_hold_all(&self) -> bool {
        false
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        is_xml(head).map(|_| Confidence::High).or_else(|| XeTable.recognise(head))
    }

    fn last_start(&self, block: &[u8]) -> usize {
        self.last_start_of(block, "")
    }

    fn last_start_of(&self, block: &[u8], header: &str) -> usize {
        let told = if header.is_empty() { is_xml(block).is_some() } else { header.starts_with(AS_XML) };
        if told || header.is_empty() && !is_table(block) {
            // What stands before the first event belongs to it.
            let first = memchr::memmem::find(block, BEGINS);
            let last = memchr::memmem::rfind(block, BEGINS);
            return last.filter(|last| first != Some(*last)).unwrap_or(0);
        }
        XeTable.last_start_of(block, header)
    }

    fn header(&self, block: &[u8], before: &str) -> Option<String> {
        if !before.is_empty() {
            return None;
        }
        match is_xml(block) {
            Some(doubled) => Some(if doubled { AS_DOUBLED } else { AS_XML }.to_owned()),
            None => XeTable.header(block, before),
        }
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let xml = match context.header {
            "" => is_xml(block),
            AS_XML => Some(false),
            AS_DOUBLED => Some(true),
            _ => None,
        };
        match xml {
            Some(doubled) => parse(block, doubled),
            None => XeTable.parse(block, context),
        }
    }
}
