//! Query and access logs, one file per format. A format only splits and parses; which files are one stream is
//! told in `stream`; statements are heard in `sessions`, which keeps all state that lives across lines, and requests in
//! `requests`. It never decides who a login is.

mod access;
mod access_combined;
mod arrays;
mod auto_explain;
mod aws_load_balancer;
mod bigquery_jobs;
mod digest;
mod envoy;
mod export;
mod export_parts;
mod haproxy;
mod json_access;
mod json_lines;
mod line_log;
mod locks;
mod mapped;
mod mariadb_audit;
mod messages;
mod mongodb;
mod mssql_trace;
mod mssql_xe;
mod mysql;
mod mysql_audit_json;
mod mysql_general;
mod mysql_slow;
mod objects;
mod oracle_unified_audit;
mod pg_stat_statements;
mod pgaudit;
mod pgbouncer;
mod postgres_carriers;
mod postgres_csv;
mod postgres_json;
mod postgres_learned;
mod postgres_lines;
mod postgres_prefix;
mod postgres_record;
mod postgres_stated;
mod postgres_stderr;
mod postgres_translated;
mod postgres_wrapped;
mod redis_monitor;
mod redshift_history;
mod requests;
mod session;
mod sessions;
mod snowflake_history;
mod stamps;
mod stream;
mod syslog;
mod tagged;
mod w3c;
mod warehouse;
mod years;

use super::{Family, World};
use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{
    About, Action, Class, Confidence, Evidence, GapCode, Outcome, Resource, Stamp, Text, Trait,
};
use crate::input::InputFile;
use crate::settings::Settings;
use crate::sql::{Cache, Dialect, TableUse};
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

pub use mapped::ABOUT as MAPPED;
pub use stamps::{Zoned, Zones};
pub use stream::MAX_RECORD_BYTES;
pub use years::Opening;

/// Who a line says it is about; empty where it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    /// The login, scrubbed.
    pub user: Text,
    /// The database, scrubbed.
    pub database: Text,
    /// The application name, scrubbed.
    pub application: Text,
    /// The client's address, host name, or `[local]`.
    pub client: Text,
    /// The client's port, 0 where unknown.
    pub port: u16,
    /// The program that the statement of a record names by itself, whatever the connection calls itself.
    pub tag: Text,
}

impl Who {
    /// The same with every name scrubbed: the outside decides what a client calls itself.
    #[must_use]
    fn scrubbed(self) -> Who {
        Who {
            user: Text::from(scrub_name(&self.user)),
            database: Text::from(scrub_name(&self.database)),
            application: Text::from(scrub(&self.application)),
            client: self.client,
            port: self.port,
            tag: self.tag,
        }
    }
}

/// What a record says happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A statement, as text.
    Statement {
        /// The statement.
        sql: String,
        /// How it ended, where the record was written after that; `None`: it was only announced, and may still fail.
        ended: Option<Ended>,
        /// The server's own number of it within the session, which [`Event::Tables`] refers to; 0: it has none.
        number: u64,
    },
    /// The server itself says which tables a statement uses (an audit's table events): that outranks reading its text.
    Tables {
        /// The server's number of the statement within the session. The statement may come before, or after, or not
        /// at all.
        number: u64,
        /// The statement, where this record holds it.
        sql: Option<String>,
        /// The tables, by what is done to them.
        tables: Vec<TableUse>,
    },
    /// A statement of which one record holds all there is to say, as in the histories that warehouses keep.
    Executed(Box<Executed>),
    /// Something was done that is no SQL: an operation of a document store or a cache.
    Operation(Box<Operation>),
    /// The server's totals of a statement: how often it ran, nobody says when.
    Totals {
        /// The statement.
        sql: String,
        /// How often.
        calls: u64,
    },
    /// From here on, statements of this log that name no database are in this one (`use` in MySQL's slow log).
    InDatabase(Text),
    /// The server started anew: every session has ended.
    Restarted,
    /// How long the statement before it took, in microseconds; it has succeeded.
    Duration(u64),
    /// A statement that ran, seen with its plan (auto_explain), with its duration in microseconds.
    Planned {
        /// The statement.
        sql: String,
        /// How long it took.
        micros: u64,
        /// The tables of the plan that it names with their schema.
        tables: Vec<TableUse>,
        /// Which statements of a text that holds several the plan may be of, a bit for each; 0: the text is one statement.
        parts: u64,
    },
    /// The text behind the EXECUTE just before.
    Prepared(String),
    /// The statement that the error, warning or note just before was about.
    ErrorStatement(String),
    /// Something failed; the flag says it was refused for lack of rights.
    Error(bool),
    /// A statement was found wrong before it ran.
    Rejected,
    /// A statement was read or planned; the server says what that took or gave, and names it, but nothing has run.
    Examined,
    /// A connection was opened from there.
    Connected,
    /// It was let in; `true` for a replication connection.
    Authorized(bool),
    /// It asked for the stream of changes or a base backup.
    Replication,
    /// A pooler opened a connection of its own, for its clients: from this address, at this server.
    Relays(Text, Text),
    /// It was not let in.
    Refused,
    /// It was closed.
    Disconnected,
    /// It goes on under another login, which the record does not name, and the statements after it do not either.
    UserChanged,
    /// A statement was announced in a language that is not read.
    Translated,
    /// A part of an execution that is counted elsewhere, or the server's own business.
    Nothing,
    /// Something was asked for over HTTP.
    Request(Box<Request>),
}

impl Event {
    /// The statement it is about, where it holds one.
    fn statement(&self) -> Option<&str> {
        match self {
            Event::Statement { sql, .. }
            | Event::Planned { sql, .. }
            | Event::Totals { sql, .. }
            | Event::Prepared(sql)
            | Event::ErrorStatement(sql) => Some(sql),
            Event::Tables { sql, .. } => sql.as_deref(),
            Event::Executed(it) => it.sql.as_deref(),
            _ => None,
        }
    }
}

/// How a statement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ended {
    /// How.
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    pub micros: Option<u64>,
}

impl Ended {
    /// It worked.
    pub fn well(micros: Option<u64>) -> Ended {
        Ended { outcome: Outcome::Ok, micros }
    }
}

/// What a record of a history is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A statement before it ran; the same session's next whole one with the same text is its end.
    Announced,
    /// A part of a batch or of a procedure, of which the whole follows in the same session: it counts where it uses
    /// what the whole does not name.
    Part,
    /// A statement as the client sent it, after it ended.
    Whole,
}

/// A statement of which one record holds all there is to say.
#[derive(Debug, Clone)]
pub struct Executed {
    /// The statement, where the record holds it.
    pub sql: Option<String>,
    /// The schema unqualified names are in; empty: the record does not say, and the server's default holds.
    pub schema: Text,
    /// The tables as the server itself tells them, which outranks reading the text; `None`: it does not say.
    pub tables: Option<Vec<TableUse>>,
    /// How it ended.
    pub ended: Ended,
    /// Of which part of an execution it is.
    pub stage: Stage,
}

/// Something done that is no SQL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation {
    /// What was done.
    pub action: Action,
    /// To what: server and database are those of the session where it does not say.
    pub resource: Resource,
    /// The operation as people know it, values folded: it tells shapes apart.
    pub text: Text,
    /// What kind of traffic.
    pub class: Class,
    /// How it ended.
    pub ended: Ended,
    /// How it was done.
    pub traits: BTreeSet<Trait>,
}

/// One request of an access log.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Text,
    /// The path without its query, scrubbed and not folded.
    pub path: Text,
    /// The names in the target's query, where it had one.
    pub query: Option<Text>,
    /// The virtual host, where the line names it, in lower case.
    pub host: Option<Text>,
    /// The status of the answer; 0: there was none.
    pub status: u16,
    /// How long the answer took, in microseconds.
    pub micros: Option<u64>,
    /// The clients behind the one that was seen, as X-Forwarded-For gives them.
    pub forwarded_for: Text,
    /// The page that led here, where that tells what loaded something.
    pub referrer: Option<Arc<Referrer>>,
    /// What the server calls the one behind it that answered.
    pub behind: Option<Text>,
}

/// The page that led to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// Its host, in lower case.
    pub host: Text,
    /// Its path without the query, scrubbed and not folded.
    pub path: Text,
    /// The names in its query, where it had one.
    pub query: Option<Text>,
}

/// One record of a log.
#[derive(Debug, Clone)]
pub struct Record {
    /// When; [`UNSTATED`]: at the time of the record before it.
    pub stamp: Stamp,
    /// What tells sessions of one server apart: process or session id.
    pub session: u64,
    /// Who, as far as the line itself says.
    pub who: Arc<Who>,
    /// What.
    pub event: Event,
    /// The first line of the record within its block, counted from 0.
    pub line: u64,
}

/// The stamp of a record that states no time of its own.
pub const UNSTATED: Stamp = Stamp(i64::MIN);

/// What a block is read with.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// How local times are read.
    pub zones: &'a Zones,
    /// What earlier blocks of the file told of this one (see [`LogFormat::header`]); empty at the file's start.
    pub header: &'a str,
}

/// One block's records.
#[derive(Debug, Default)]
pub struct Block {
    /// In the order of the file.
    pub records: Vec<Record>,
    /// Lines that fit the format nowhere, with the first of them (counted from 0).
    pub unmatched: u64,
    /// The first unmatched line.
    pub first_unmatched: u64,
    /// Lines in the block.
    pub lines: u64,
    /// Whether any stamp had to be read in an assumed zone.
    pub zone_assumed: bool,
    /// Lines that are records, but of something that is not told here: the first of them, how many, and what it is.
    pub passed: Option<(u64, u64, &'static str)>,
    /// What the format knows it did not see, with the first line of each (counted from 0) and how often.
    pub gaps: BTreeMap<(GapCode, Text), (u64, u64)>,
}

impl Block {
    /// Notes something that is not to be seen on a line.
    fn gap(&mut self, line: u64, code: GapCode, detail: impl Into<Text>) {
        self.gaps.entry((code, detail.into())).or_insert((line, 0)).1 += 1;
    }

    /// Notes a line that fits the format nowhere.
    fn unmatched(&mut self, line: u64) {
        if self.unmatched == 0 {
            self.first_unmatched = line;
        }
        self.unmatched += 1;
    }
}

/// Bytes as text; what is no UTF-8 is replaced. Nearly all is, and is looked through at the speed of memory.
fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// One log format.
pub trait LogFormat: Sync {
    /// Its row in the table.
    fn about(&self) -> &'static About;
    /// Whose SQL its statements are.
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }
    /// What its logs never say, and whoever reads a report has to know.
    fn never_says(&self) -> Option<&'static str> {
        None
    }
    /// Whether a log of it can be believed to hold every statement, if what it holds looks like it.
    fn can_hold_all(&self) -> bool {
        true
    }
    /// Whether its logs hold times: most files hold none, and are no log.
    fn holds_times(&self) -> bool {
        true
    }
    /// How sure it is that this is one of its logs.
    fn recognise(&self, head: &[u8]) -> Option<Confidence>;
    /// Where, in a block that begins at a record's start, its last record starts; 0: the block has only one.
    fn last_start(&self, block: &[u8]) -> usize;
    /// The same for a format whose records can only be told by what earlier blocks of the file said.
    fn last_start_of(&self, block: &[u8], _header: &str) -> usize {
        self.last_start(block)
    }
    /// What the blocks after this one have to know of it and of what was known before: the names of columns, which
    /// stand at a file's start. `None`: nothing changes. It is asked for every block in order, so it has to be quick.
    fn header(&self, _block: &[u8], _before: &str) -> Option<String> {
        None
    }
    /// What the first block of a file has to know beside its content (see [`LogFormat::header`]), and whether its year
    /// had to be assumed.
    fn opening(&self, _opening: &Opening<'_>) -> (String, bool) {
        (String::new(), false)
    }
    /// Whether the other files of a stream, whose own beginnings tell nothing, are to be read with this opening, too.
    fn shares_opening(&self, _opening: &str) -> bool {
        false
    }
    /// Parses a block that begins at a record's start.
    fn parse(&self, block: &[u8], context: Context<'_>) -> Block;
}

/// All log formats.
pub static FORMATS: &[&dyn LogFormat] = &[
    &access_combined::AccessCombined,
    &aws_load_balancer::Alb,
    &aws_load_balancer::Elb,
    &bigquery_jobs::BigqueryJobs,
    &envoy::Envoy,
    &haproxy::HaProxy,
    &json_access::SERVERS,
    &json_access::PROXIES,
    &mariadb_audit::MariadbAudit,
    &mongodb::Mongodb,
    &mssql_trace::MssqlTrace,
    &mssql_xe::MssqlXe,
    &mysql_audit_json::MysqlAuditJson,
    &mysql_general::MysqlGeneral,
    &mysql_slow::MysqlSlow,
    &oracle_unified_audit::OracleUnifiedAudit,
    &redis_monitor::RedisMonitor,
    &redshift_history::RedshiftHistory,
    &snowflake_history::SnowflakeHistory,
    &w3c::CLOUDFRONT,
    &w3c::IIS,
    &pg_stat_statements::PgStatStatements,
    &pgbouncer::PgBouncer,
    &postgres_csv::PostgresCsv,
    &postgres_stderr::PostgresStderr,
    &postgres_wrapped::JSONLOG,
    &postgres_wrapped::SYSLOG,
    &postgres_wrapped::JOURNAL,
    &postgres_wrapped::CONTAINER,
    &postgres_wrapped::CLOUDNATIVEPG,
    &postgres_wrapped::CLOUDSQL,
    &postgres_wrapped::HEROKU,
];

/// The family.
pub struct Logs;

/// What a file is read with.
pub enum Format<'a> {
    /// A format of the table.
    Known(&'static dyn LogFormat),
    /// The same of records that are elements of one value of JSON.
    Elements(&'static dyn LogFormat),
    /// The mapping that the settings state for the file.
    Mapped(mapped::Mapped<'a>),
}

impl<'a> std::ops::Deref for Format<'a> {
    type Target = dyn LogFormat + 'a;

    fn deref(&self) -> &Self::Target {
        match self {
            Format::Known(format) | Format::Elements(format) => *format,
            Format::Mapped(mapped) => mapped,
        }
    }
}

/// What a file is read with: the format a person named, the mapping of the settings, else the format that is surest
/// it is one of its logs.
pub fn format_of<'a>(file: &InputFile, settings: &'a Settings) -> Option<Format<'a>> {
    if let Some(kind) = &file.forced {
        let named = FORMATS.iter().copied().find(|format| format.about().name == &**kind)?;
        let elements = || arrays::head(&file.head).is_some_and(|head| named.recognise(&head).is_some());
        let rolled = named.recognise(&file.head).is_none() && elements();
        return Some(if rolled { Format::Elements(named) } else { Format::Known(named) });
    }
    if let Some(source) = settings.mapping_of(&file.path) {
        return Some(Format::Mapped(mapped::Mapped::new(source)));
    }
    if settings.prefix_of(&file.path).is_some() {
        return Some(Format::Known(&postgres_stderr::PostgresStderr));
    }
    // A program is no log, whatever it prints.
    if file.head.starts_with(b"#!") {
        return None;
    }
    // A table of which only the names of its columns were exported has no times either.
    let one_line = memchr::memchr_iter(b'\n', &file.head).take(2).count() < 2;
    let timed = one_line || holds_a_time(&file.head);
    let surest = |head: &[u8]| {
        let asked = FORMATS.iter().filter(|format| timed || !format.holds_times());
        let recognised = asked.filter_map(|format| Some((format.recognise(head)?, *format)));
        recognised.max_by_key(|(confidence, _)| *confidence).map(|(_, format)| format)
    };
    let elements = || surest(&arrays::head(&file.head).filter(|_| timed)?).map(Format::Elements);
    surest(&file.head).map(Format::Known).or_else(elements)
}

impl Format<'_> {
    /// The beginning of a file as it is read.
    pub fn head<'f>(&self, file: &'f InputFile) -> Cow<'f, [u8]> {
        let elements = if let Format::Elements(_) = self { arrays::head(&file.head) } else { None };
        elements.map_or(Cow::Borrowed(&file.head), Cow::Owned)
    }

    /// Opens a file as it is read.
    pub fn open(&self, file: &InputFile) -> io::Result<Box<dyn io::Read + Send>> {
        let inner = file.open()?;
        Ok(if let Format::Elements(_) = self { arrays::lines(inner) } else { inner })
    }
}

/// Whether a time of day or a number of seconds since 1970 stands anywhere. Asking every format about every file of a
/// source tree takes longer than reading the tree.
fn holds_a_time(head: &[u8]) -> bool {
    /// How many digits the seconds since 1970 have since 2001.
    const EPOCH_DIGITS: usize = 10;
    let mut digits = 0;
    // How many groups of two digits with a colon between them end here.
    let mut groups = 0;
    for byte in head {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                if digits >= EPOCH_DIGITS || groups >= 2 && digits == 2 {
                    return true;
                }
            }
            b':' if digits >= 1 => (groups, digits) = (groups + 1, 0),
            _ => {
                (groups, digits) = (0, 0);
            }
        }
    }
    false
}

impl Family for Logs {
    fn name(&self) -> &'static str {
        "logs"
    }

    fn claim(&self, file: &InputFile, settings: &Settings) -> Option<&'static str> {
        format_of(file, settings).map(|format| format.about().name)
    }

    fn collect(&self, files: &[&InputFile], world: &World<'_>) -> Evidence {
        let streams = stream::streams(files, world);
        let dialects: BTreeSet<Dialect> = streams.iter().map(stream::Stream::dialect).collect();
        let caches: BTreeMap<Dialect, Cache> =
            dialects.into_iter().map(|dialect| (dialect, Cache::new(dialect))).collect();
        let collect = |stream: &stream::Stream<'_>| stream.collect(world, &caches[&stream.dialect()]);
        let parts: Vec<Evidence> = streams.par_iter().map(collect).collect();
        let mut evidence = Evidence::new();
        for part in parts {
            evidence.merge(part);
        }
        evidence
    }
}
