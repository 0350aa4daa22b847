//! Snowflake's histories as CSV with names of columns or as JSON (Snowflake, "QUERY_HISTORY view", "ACCESS_HISTORY
//! view"): one row a query. Where a row has the objects that the query accessed (an export that joins both views by
//! QUERY_ID, or ACCESS_HISTORY alone), these outrank its text; views are then told by the tables beneath them. What
//! Snowflake's own pages ask for by themselves is left out.

use super::export::{Clock, Export, Row, Rows, named};
use super::warehouse::{parts, table, unquoted};
use super::{Ended, Event, Executed, Stage};
use crate::evidence::{About, Action, GapCode, Outcome, Provenance, Text};
use crate::sql::{Dialect, TableUse};
use serde_json::Value;

/// Snowflake's histories.
pub struct SnowflakeHistory;

const COLUMNS: &[&str] = &[
    "query_id",
    "query_text",
    "user_name",
    "start_time|query_start_time",
    "database_name",
    "schema_name",
    "execution_status",
    "error_code",
    "total_elapsed_time",
    "client_environment",
    "client_application_id|client_application",
    "base_objects_accessed",
    "direct_objects_accessed",
    "objects_modified",
    "object_modified_by_ddl",
    "warehouse_name|role_name|warehouse_id|session_id",
    "is_client_generated_statement",
];
const QUERY_ID: usize = 0;
const TEXT: usize = 1;
const USER: usize = 2;
const START: usize = 3;
const DATABASE: usize = 4;
const SCHEMA: usize = 5;
const STATUS: usize = 6;
const ERROR: usize = 7;
const ELAPSED: usize = 8;
const ENVIRONMENT: usize = 9;
const APPLICATION: usize = 10;
const BASE: usize = 11;
const DIRECT: usize = 12;
const MODIFIED: usize = 13;
const BY_DDL: usize = 14;
const SESSION: usize = 15;
const GENERATED: usize = 16;

/// Snowflake's own database of histories and samples.
const OWN_DATABASE: &str = "snowflake";
/// "Insufficient privileges to operate on …".
const INSUFFICIENT: i64 = 3001;

/// The tables of a list of objects, or of the one object of a definition.
fn objects(value: Option<Value>, action: Action, out: &mut Vec<TableUse>) {
    let list = match value {
        Some(Value::Array(list)) => list,
        Some(object @ Value::Object(_)) => vec![object],
        _ => return,
    };
    for object in list {
        let domain = object["objectDomain"].as_str().unwrap_or("").to_ascii_lowercase();
        let name = parts(object["objectName"].as_str().unwrap_or(""));
        let catalogue = name.first().is_some_and(|it| &**it == OWN_DATABASE)
            || name.iter().any(|it| &**it == "information_schema");
        if (domain.ends_with("table") || domain.ends_with("view") || domain == "stream")
            && !catalogue
            && name.len() == 3
        {
            out.push(table(action, name));
        }
    }
}

impl Export for SnowflakeHistory {
    fn about(&self) -> &'static About {
        &About {
            name: "snowflake-history",
            title: "Snowflake's QUERY_HISTORY and ACCESS_HISTORY, CSV or JSON",
            provenance: Provenance::Documented,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::Snowflake
    }

    fn columns(&self) -> Vec<Vec<&str>> {
        named(COLUMNS)
    }

    fn knows(&self, row: &Row<'_>) -> bool {
        let queries = row.has(TEXT) && row.has(SESSION) && (row.has(DATABASE) || row.has(STATUS));
        let accesses = row.has(BASE) || row.has(DIRECT);
        row.has_all(&[QUERY_ID, USER, START]) && (queries || accesses)
    }

    fn wanted(&self) -> Vec<(usize, GapCode, String)> {
        let application = "the export has no CLIENT_APPLICATION_ID, so programs of one login are not told apart: join \
                           SESSIONS by SESSION_ID";
        vec![(APPLICATION, GapCode::UnknownSession, application.to_owned())]
    }

    fn read(&self, row: &Row<'_>, out: &mut Rows<'_>) {
        let start = row.text(START).into_owned();
        let Some(stamp) = out.time(&start, Clock::Local) else { return out.unmatched() };
        let environment = row.json(ENVIRONMENT);
        let named =
            environment.as_ref().and_then(|it| it["APPLICATION"].as_str()).filter(|name| !name.is_empty());
        let driver = row.text(APPLICATION).into_owned();
        let application = named.unwrap_or(&driver).to_owned();
        let database = unquoted(&row.text(DATABASE));
        let who = out.who(&row.text(USER), &database, &application, "", 0);
        if row.text(GENERATED).eq_ignore_ascii_case("true") {
            return;
        }
        let status = row.text(STATUS).to_ascii_lowercase();
        let code = row.number(ERROR).unwrap_or(0);
        let outcome = match (status.as_str(), code) {
            (_, INSUFFICIENT) => Outcome::Denied,
            ("success" | "", 0) => Outcome::Ok,
            // What still runs has not failed.
            ("running" | "queued" | "resuming_warehouse", 0) => Outcome::Ok,
            _ => Outcome::Failed,
        };
        let mut tables = Vec::new();
        objects(row.json(if row.has(BASE) { BASE } else { DIRECT }), Action::Read, &mut tables);
        objects(row.json(MODIFIED), Action::Write, &mut tables);
        if tables.is_empty() {
            objects(row.json(BY_DDL), Action::Touch, &mut tables);
        }
        let sql = row.text(TEXT);
        let sql = (!sql.trim().is_empty()).then(|| sql.into_owned());
        if sql.is_none() && tables.is_empty() {
            return out.push(stamp, 0, who, Event::Nothing);
        }
        let micros =
            row.number(ELAPSED).and_then(|it| u64::try_from(it).ok()).map(|it| it.saturating_mul(1000));
        let schema = Text::from(unquoted(&row.text(SCHEMA)));
        let tables = (!tables.is_empty()).then_some(tables);
        let it = Executed { sql, schema, tables, ended: Ended { outcome, micros }, stage: Stage::Whole };
        out.executed(stamp, 0, who, it);
    }
}
