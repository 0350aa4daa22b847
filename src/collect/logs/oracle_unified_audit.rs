//! Oracle's unified audit trail as a table with names of columns (Oracle Database Reference, "UNIFIED_AUDIT_TRAIL"):
//! each row is one action on one object, which the server names itself; a statement that uses several objects has a row
//! for each. Rows about logins and about the auditing itself are none of anybody's data.

use super::export::{Clock, Export, Row, Rows, named};
use super::warehouse::{table, unquoted};
use super::{Ended, Event, Executed, Stage, Zones};
use crate::evidence::{About, Action, GapCode, Outcome, Provenance, Stamp, Text};
use crate::sql::Dialect;

/// Oracle's unified audit trail.
pub struct OracleUnifiedAudit;

const COLUMNS: &[&str] = &[
    "event_timestamp_utc",
    "event_timestamp",
    "dbusername",
    "userhost",
    "client_program_name",
    "action_name",
    "object_schema",
    "object_name",
    "object_type",
    "sql_text",
    "return_code",
    "current_user",
    "db_name|dbname|con_name|pdb_name",
];
const TIME_UTC: usize = 0;
const TIME: usize = 1;
const USER: usize = 2;
const HOST: usize = 3;
const PROGRAM: usize = 4;
const ACTION: usize = 5;
const SCHEMA: usize = 6;
const OBJECT: usize = 7;
const OBJECT_TYPE: usize = 8;
const SQL: usize = 9;
const CODE: usize = 10;
const CURRENT_USER: usize = 11;
const DATABASE: usize = 12;

/// Schemas that hold the server's own dictionary.
const DICTIONARY: [&str; 6] = ["sys", "system", "audsys", "xdb", "mdsys", "ctxsys"];
/// Lengths at which clients cut long columns unless told not to (SQL*Plus, "SET LONG"; V$SQL).
const CUT: [usize; 4] = [80, 1000, 2000, 4000];
/// ORA-00942 (no such table, or no right to know of it), ORA-01031 (insufficient privileges), ORA-01017 (logon denied),
/// ORA-01045 (no CREATE SESSION), ORA-28000 (account locked).
const DENIED: [i64; 5] = [942, 1031, 1017, 1045, 28_000];

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// `22-NOV-26 10.42.43.123456 PM +00:00`, the default of NLS_TIMESTAMP_TZ_FORMAT, with fraction, half of the day and
/// zone optional; or any form that other exports have.
fn time(text: &str, zones: &Zones) -> Option<(Stamp, bool)> {
    let mut words = text.split_whitespace();
    let mut date = words.next()?.split('-');
    let (day, month, year) = (date.next()?, date.next()?, date.next()?);
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
    let (day, year): (u32, u32) = (day.parse().ok()?, year.parse().ok()?);
    let year = if year < 100 { 2000 + year } else { year };
    let clock = words.next()?;
    let mut clock = clock.split(['.', ':']);
    let mut number = || clock.next().map(str::parse::<u32>);
    let (mut hour, minute) = (number()?.ok()?, number()?.ok()?);
    let second = number().unwrap_or(Ok(0)).ok()?;
    let fraction: String = clock.next().unwrap_or("0").chars().take(6).collect();
    let mut zone = words.next();
    let half = zone.filter(|word| word.eq_ignore_ascii_case("AM") || word.eq_ignore_ascii_case("PM"));
    if let Some(half) = half {
        hour = hour % 12 + if half.eq_ignore_ascii_case("PM") { 12 } else { 0 };
        zone = words.next();
    }
    let zone = zone.unwrap_or("");
    let stated = zone.starts_with(['+', '-']) || zone == "UTC";
    let written = format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{fraction} {}",
        if stated { zone } else { "" }
    );
    // A region (`EUROPE/BERLIN`) is a zone of its own.
    let region = (!stated && !zone.is_empty()).then(|| Zones::new(Some(Text::from(zone))));
    let (zoned, _) = region.as_ref().unwrap_or(zones).read(written.trim_end().as_bytes())?;
    words.next().is_none().then_some((zoned.stamp, zoned.known))
}

/// What an action does to a table, or to a routine (V$UNIFIED_AUDIT_TRAIL, AUDIT_ACTIONS); `None`: it is about no table's data.
fn action(name: &str) -> Option<Action> {
    Some(match name.trim().to_ascii_uppercase().as_str() {
        // Data Pump takes the rows of a table out, or puts rows into it (Oracle Database Security Guide, "Auditing Oracle
        // Data Pump Events").
        "SELECT" | "EXPORT" => Action::Read,
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE TABLE" | "IMPORT" => Action::Write,
        "LOCK" | "LOCK TABLE" | "CREATE TABLE" | "ALTER TABLE" | "DROP TABLE" | "CREATE VIEW"
        | "DROP VIEW" | "ALTER VIEW" | "COMMENT" | "RENAME" | "ANALYZE TABLE" | "FLASHBACK TABLE" => {
            Action::Touch
        }
        "EXECUTE" => Action::Call,
        _ => return None,
    })
}

impl OracleUnifiedAudit {
    fn stamp(row: &Row<'_>, out: &mut Rows<'_>) -> Option<Stamp> {
        for (column, clock) in [(TIME_UTC, Clock::Utc), (TIME, Clock::Local)] {
            let text = row.text(column).trim().to_owned();
            if text.is_empty() {
                continue;
            }
            let utc = (clock == Clock::Utc).then(|| Zones::new(Some(Text::from("UTC"))));
            let read = time(&text, utc.as_ref().unwrap_or(out.zones()));
            if let Some((stamp, known)) = read {
                if !known {
                    out.assumed();
                }
                return Some(stamp);
            }
            return out.time(&text, clock);
        }
        None
    }
}

impl Export for OracleUnifiedAudit {
    fn about(&self) -> &'static About {
        &About {
            name: "oracle-unified-audit",
            title: "Oracle's UNIFIED_AUDIT_TRAIL, a table with names of columns",
            provenance: Provenance::Documented,
        }
    }

    /// Its usual format has dots: `22-NOV-26 10.26.12.123456 PM`.
    fn holds_times(&self) -> bool {
        false
    }

    fn dialect(&self) -> Dialect {
        Dialect::Oracle
    }

    fn columns(&self) -> Vec<Vec<&str>> {
        named(COLUMNS)
    }

    fn knows(&self, row: &Row<'_>) -> bool {
        row.has_all(&[USER, ACTION])
            && (row.has(TIME) || row.has(TIME_UTC))
            && (row.has(OBJECT) || row.has(SQL))
    }

    fn wanted(&self) -> Vec<(usize, GapCode, String)> {
        let lacks = |column, name: &str, what: &str| {
            let detail = format!("the export has no column {name}, so {what}: export it as well");
            (column, GapCode::UnknownSession, detail)
        };
        vec![
            lacks(HOST, "USERHOST", "client hosts are not known"),
            lacks(PROGRAM, "CLIENT_PROGRAM_NAME", "programs of one login are not told apart"),
            lacks(CODE, "RETURN_CODE", "what failed cannot be told from what worked"),
            lacks(SCHEMA, "OBJECT_SCHEMA", "whose tables they are is read from the statements alone"),
        ]
    }

    fn read(&self, row: &Row<'_>, out: &mut Rows<'_>) {
        let Some(stamp) = OracleUnifiedAudit::stamp(row, out) else { return out.unmatched() };
        let database = row.text(DATABASE).to_lowercase();
        let who = out.who(&row.text(USER), &database, &row.text(PROGRAM), &row.text(HOST), 0);
        let code = row.number(CODE).unwrap_or(0);
        let outcome = match code {
            0 => Outcome::Ok,
            code if DENIED.contains(&code) => Outcome::Denied,
            _ => Outcome::Failed,
        };
        let name = row.text(ACTION).trim().to_ascii_uppercase();
        match name.as_str() {
            "LOGON" if outcome == Outcome::Ok => return out.push(stamp, 0, who, Event::Authorized(false)),
            "LOGON" => return out.push(stamp, 0, who, Event::Refused),
            "LOGOFF" | "LOGOFF BY CLEANUP" => return,
            _ => {}
        }
        let (owner, object) = (unquoted(&row.text(SCHEMA)), unquoted(&row.text(OBJECT)));
        if DICTIONARY.contains(&owner.as_str()) {
            return;
        }
        let kind = row.text(OBJECT_TYPE).trim().to_ascii_uppercase();
        let action = action(&name);
        let fits = match kind.as_str() {
            "" | "SYNONYM" => true,
            "TABLE" | "VIEW" | "MATERIALIZED VIEW" => action != Some(Action::Call),
            "PROCEDURE" | "FUNCTION" | "PACKAGE" | "PACKAGE BODY" => action == Some(Action::Call),
            _ => false,
        };
        let tables = match (action, object.is_empty() || owner.is_empty()) {
            (Some(action), false) if fits => {
                Some(vec![table(action, vec![Text::from(owner), Text::from(object)])])
            }
            _ => None,
        };
        let sql = row.text(SQL);
        let sql = if sql.trim().is_empty() { None } else { Some(out.uncut(sql, &CUT)) };
        if sql.is_none() && tables.is_none() {
            return out.push(stamp, 0, who, Event::Nothing);
        }
        // Unqualified names are those of whom the statement ran as.
        let schema = [CURRENT_USER, USER].map(|column| unquoted(&row.text(column)));
        let schema = schema.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let ended = Ended { outcome, micros: None };
        let it = Executed { sql, schema: Text::from(schema), tables, ended, stage: Stage::Whole };
        out.executed(stamp, 0, who, it);
    }
}
