//! Redshift's system tables as a table with names of columns or as JSON (Amazon, "STL_QUERY", "STL_QUERYTEXT",
//! "SVL_STATEMENTTEXT", "STL_DDLTEXT", "STL_UTILITYTEXT", "SYS_QUERY_HISTORY", "STL_CONNECTION_LOG"): times are UTC, texts
//! stand in columns of fixed width, cut at 4000 characters or into rows of 200 that are put together again. What the
//! server's own user does is left out.

use super::export::{Clock, Export, Parts, Row, Rows, named};
use super::{Ended, Event, Executed, Stage};
use crate::evidence::{About, GapCode, Outcome, Provenance, Text};
use crate::sql::Dialect;

/// Redshift's system tables.
pub struct RedshiftHistory;

const COLUMNS: &[&str] = &[
    "userid|user_id",
    "usename|username|user_name",
    "querytxt|query_text",
    "text",
    "sequence",
    "xid|transaction_id",
    "pid|session_id",
    "database|database_name|dbname",
    "starttime|start_time",
    "endtime|end_time",
    "aborted",
    "status",
    "remotehost",
    "remoteport",
    "application_name",
    "event",
    "recordtime",
    "query|query_id",
    "warehouse_name|role_name",
];
const USER_ID: usize = 0;
const USER: usize = 1;
const QUERY_TEXT: usize = 2;
const PART: usize = 3;
const SEQUENCE: usize = 4;
const TRANSACTION: usize = 5;
const PROCESS: usize = 6;
const DATABASE: usize = 7;
const START: usize = 8;
const END: usize = 9;
const ABORTED: usize = 10;
const STATUS: usize = 11;
const REMOTE_HOST: usize = 12;
const REMOTE_PORT: usize = 13;
const APPLICATION: usize = 14;
const EVENT: usize = 15;
const RECORD_TIME: usize = 16;
const QUERY: usize = 17;
const NOT_OURS: usize = 18;

/// The server's own user, and its number (Amazon, "PG_USER_INFO").
const OWN_USER: &str = "rdsdb";
const OWN_USER_ID: i64 = 1;
/// How wide the columns of whole texts are: `querytxt`, `query_text`.
const CUT: [usize; 1] = [4000];

impl RedshiftHistory {
    /// A row of STL_CONNECTION_LOG.
    fn connection(row: &Row<'_>, out: &mut Rows<'_>) {
        let time = row.text(RECORD_TIME).into_owned();
        let Some(stamp) = out.time(&time, Clock::Utc) else { return out.unmatched() };
        let Some(who) = RedshiftHistory::who(row, out) else { return };
        match row.text(EVENT).trim() {
            "authenticated" => out.push(stamp, 0, who, Event::Authorized(false)),
            "authentication failure" => out.push(stamp, 0, who, Event::Refused),
            _ => {}
        }
    }

    /// Who a row names; `None`: the server itself.
    fn who(row: &Row<'_>, out: &mut Rows<'_>) -> Option<std::sync::Arc<super::Who>> {
        let name = row.text(USER).trim().to_owned();
        let number = row.number(USER_ID);
        if name == OWN_USER || name.is_empty() && number == Some(OWN_USER_ID) {
            return None;
        }
        let name = match (name.is_empty(), number) {
            (true, Some(number)) => format!("userid {number}"),
            _ => name,
        };
        let host = row.text(REMOTE_HOST);
        // Addresses are written as those of IPv6 (`::ffff:10.0.3.7`).
        let host = host.trim().trim_start_matches("::ffff:");
        let port = row.number(REMOTE_PORT).and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
        Some(out.who(&name, &row.text(DATABASE), &row.text(APPLICATION), host, port))
    }
}

impl Export for RedshiftHistory {
    fn about(&self) -> &'static About {
        &About {
            name: "redshift-history",
            title: "Redshift's query texts, statement texts, query history and connection log, CSV or JSON",
            provenance: Provenance::Documented,
        }
    }

    /// Texts of statements have none.
    fn holds_times(&self) -> bool {
        false
    }

    fn dialect(&self) -> Dialect {
        Dialect::Redshift
    }

    fn columns(&self) -> Vec<Vec<&str>> {
        named(COLUMNS)
    }

    fn knows(&self, row: &Row<'_>) -> bool {
        let queries = row.has_all(&[USER_ID, QUERY_TEXT, TRANSACTION, PROCESS]);
        let parts = row.has_all(&[USER_ID, SEQUENCE, PART, PROCESS, TRANSACTION]);
        let connections = row.has_all(&[EVENT, RECORD_TIME, REMOTE_HOST, PROCESS]);
        (queries || parts || connections) && !row.has(NOT_OURS)
    }

    fn wanted(&self) -> Vec<(usize, GapCode, String)> {
        let user = "logins stand here as numbers only: join PG_USER by usesysid and export usename";
        vec![
            (USER, GapCode::UnknownSession, user.to_owned()),
            (
                REMOTE_HOST,
                GapCode::UnknownSession,
                "client hosts and programs are not known: join STL_CONNECTION_LOG by pid and export remotehost and \
                 application_name"
                    .to_owned(),
            ),
        ]
    }

    fn parts(&self) -> Option<Parts> {
        Some(Parts { sequence: SEQUENCE, text: PART, same: &[TRANSACTION, PROCESS, START, QUERY], size: 200 })
    }

    fn read(&self, row: &Row<'_>, out: &mut Rows<'_>) {
        if row.has_all(&[EVENT, RECORD_TIME]) {
            return RedshiftHistory::connection(row, out);
        }
        let start = row.text(START).into_owned();
        let Some(stamp) = out.time(&start, Clock::Utc) else {
            if start.is_empty() {
                let detail = "texts without a time: join STL_QUERY by query and export starttime";
                out.gap(GapCode::Unresolved, detail);
            }
            return out.unmatched();
        };
        let end = row.text(END).into_owned();
        let end = out.time(&end, Clock::Utc);
        let Some(who) = RedshiftHistory::who(row, out) else { return };
        let whole = row.text(QUERY_TEXT);
        let sql = if whole.trim().is_empty() {
            row.text(PART).trim_end().to_owned()
        } else {
            out.uncut(whole.trim_end().to_owned().into(), &CUT)
        };
        if sql.is_empty() {
            return;
        }
        // Newlines stand in the texts as two signs.
        let sql = sql.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t");
        let status = row.text(STATUS).trim().to_ascii_lowercase();
        let failed =
            row.number(ABORTED) == Some(1) || matches!(status.as_str(), "failed" | "canceled" | "cancelled");
        let outcome = if failed { Outcome::Failed } else { Outcome::Ok };
        let micros = end.map(|end| u64::try_from(end.0 - stamp.0).unwrap_or(0));
        let ended = Ended { outcome, micros };
        let it =
            Executed { sql: Some(sql), schema: Text::from(""), tables: None, ended, stage: Stage::Whole };
        out.executed(stamp, 0, who, it);
    }
}
