//! SQL Server's traces (SQL Trace, Profiler) as a table with the names of the columns in front, as `fn_trace_gettable`
//! gives them (Microsoft, "Describing Events by Using Data Columns" and the event classes). Durations are microseconds,
//! as since SQL Server 2008 R2; times are the server's own. What the server does for itself (`IsSystem`) is left out.

use super::export::{Clock, Export, Row, Rows, named};
use super::{Ended, Event, Executed, Stage};
use crate::evidence::{About, GapCode, Outcome, Provenance, Text};
use crate::sql::Dialect;

/// Traces of SQL Server.
pub struct MssqlTrace;

const COLUMNS: &[&str] = &[
    "eventclass|eventname|event class",
    "textdata|text data",
    "starttime|start time",
    "endtime|end time",
    "duration",
    "loginname|sessionloginname|login name",
    "ntusername",
    "hostname|host name",
    "applicationname|application name",
    "databasename|database name",
    "spid",
    "error",
    "issystem",
    "success",
];
const CLASS: usize = 0;
const TEXT: usize = 1;
const START: usize = 2;
const END: usize = 3;
const DURATION: usize = 4;
const LOGIN: usize = 5;
const NT_USER: usize = 6;
const HOST: usize = 7;
const APPLICATION: usize = 8;
const DATABASE: usize = 9;
const SPID: usize = 10;
const ERROR: usize = 11;
const SYSTEM: usize = 12;
const SUCCESS: usize = 13;

/// Lengths at which clients cut a column unless they are told not to: sqlcmd, and the grid of Management Studio.
pub(super) const CUT: [usize; 4] = [256, 8192, 43_679, 65_535];

/// What a class of events tells; by number (sys.trace_events) or by name.
fn told(class: &str) -> Option<Told> {
    Some(match class.trim() {
        "10" | "12" | "RPC:Completed" | "SQL:BatchCompleted" => Told::Statement(Stage::Whole),
        "11" | "13" | "RPC:Starting" | "SQL:BatchStarting" => Told::Statement(Stage::Announced),
        "41" | "45" | "SQL:StmtCompleted" | "SP:StmtCompleted" => Told::Statement(Stage::Part),
        "14" | "17" | "Audit Login" | "ExistingConnection" => Told::Login,
        "15" | "Audit Logout" => Told::Logout,
        "20" | "Audit Login Failed" => Told::Refused,
        "" => return None,
        _ => Told::Other,
    })
}

/// What an event of SQL Server tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// A statement, or a part of one.
    Statement(Stage),
    /// Somebody was let in.
    Login,
    /// Somebody left.
    Logout,
    /// Somebody was not let in.
    Refused,
    /// Nothing about anybody's use.
    Other,
}

/// What drivers ask for between uses of a connection (Microsoft, "SQL Server connection pooling").
pub(super) fn is_noise(sql: &str) -> bool {
    let word =
        sql.trim().trim_start_matches("exec ").trim_start_matches("EXEC ").trim_end_matches([';', ' ']);
    word.eq_ignore_ascii_case("sp_reset_connection") || word.eq_ignore_ascii_case("sys.sp_reset_connection")
}

/// A statement of SQL Server: unqualified names are looked for in `dbo`, the default schema of whom nobody gave another
/// (CREATE USER, "DEFAULT_SCHEMA").
pub(super) fn executed(sql: String, outcome: Outcome, micros: Option<u64>, stage: Stage) -> Executed {
    let (schema, ended) = (Text::from("dbo"), Ended { outcome, micros });
    Executed { sql: Some(sql), schema, tables: None, ended, stage }
}

impl Export for MssqlTrace {
    fn about(&self) -> &'static About {
        &About {
            name: "mssql-trace",
            title: "SQL Server traces, a table with names of columns (fn_trace_gettable, Profiler)",
            provenance: Provenance::Documented,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::MsSql
    }

    fn columns(&self) -> Vec<Vec<&str>> {
        named(COLUMNS)
    }

    fn knows(&self, row: &Row<'_>) -> bool {
        row.has_all(&[CLASS, TEXT, START]) && (row.has(SPID) || row.has(LOGIN))
    }

    fn wanted(&self) -> Vec<(usize, GapCode, String)> {
        let lacks = |column, name: &str, what: &str| {
            (
                column,
                GapCode::UnknownSession,
                format!("the trace has no column {name}, so {what}: trace it as well"),
            )
        };
        vec![
            lacks(LOGIN, "LoginName", "logins are not known"),
            lacks(HOST, "HostName", "client hosts are not known"),
            lacks(APPLICATION, "ApplicationName", "programs of one login are not told apart"),
            lacks(DATABASE, "DatabaseName", "databases are not told apart"),
        ]
    }

    fn read(&self, row: &Row<'_>, out: &mut Rows<'_>) {
        let Some(told) = told(&row.text(CLASS)) else { return out.unmatched() };
        let start = row.text(START).into_owned();
        let start = if start.is_empty() { row.text(END).into_owned() } else { start };
        if start.is_empty() && told == Told::Other {
            return;
        }
        let Some(stamp) = out.time(&start, Clock::Local) else { return out.unmatched() };
        if row.text(SYSTEM).trim() == "1" {
            return;
        }
        let login = row.text(LOGIN);
        let login = if login.is_empty() { row.text(NT_USER) } else { login };
        let text = |column: usize| row.text(column);
        let who = out.who(&login, &text(DATABASE), &text(APPLICATION), &text(HOST), 0);
        let session = row.number(SPID).and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        match told {
            Told::Statement(stage) => {
                let sql = row.text(TEXT);
                if is_noise(&sql) || sql.trim().is_empty() {
                    return;
                }
                let sql = out.uncut(sql, &CUT);
                let failed = row.number(ERROR).is_some_and(|error| matches!(error, 1 | 2));
                let outcome = if failed { Outcome::Failed } else { Outcome::Ok };
                let micros = row.number(DURATION).and_then(|micros| u64::try_from(micros).ok());
                out.executed(stamp, session, who, executed(sql, outcome, micros, stage));
            }
            Told::Login if row.text(SUCCESS).trim() == "0" => out.push(stamp, 0, who, Event::Refused),
            Told::Login => out.push(stamp, session, who, Event::Authorized(false)),
            Told::Logout => out.push(stamp, session, who, Event::Disconnected),
            Told::Refused => out.push(stamp, 0, who, Event::Refused),
            Told::Other => {}
        }
    }
}
