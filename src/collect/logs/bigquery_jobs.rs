//! BigQuery's jobs (Google, "JOBS view" of INFORMATION_SCHEMA) as JSON lines, a JSON array or CSV, and the audit log of
//! the same jobs (Google, "BigQuery audit logs overview", BigQueryAuditMetadata). The tables that BigQuery says a job
//! referenced outrank its text; the temporary table that holds a query's result is nobody's. A script is told by the
//! jobs of its statements, not by itself.

use super::export::{Clock, Export, Row, Rows, named};
use super::warehouse::table;
use super::{Ended, Event, Executed, Stage};
use crate::evidence::{About, Action, GapCode, Outcome, Provenance, Text};
use crate::sql::{Dialect, TableUse};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// BigQuery's jobs.
pub struct BigqueryJobs;

const COLUMNS: &[&str] = &[
    "job_id",
    "creation_time",
    "start_time",
    "end_time",
    "user_email",
    "project_id",
    "job_type",
    "statement_type",
    "query",
    "error_result",
    "referenced_tables",
    "destination_table",
    "labels",
    "protoPayload.metadata|protopayload_auditlog.metadataJson|protopayload_auditlog.metadata",
    "protoPayload.authenticationInfo.principalEmail|protopayload_auditlog.authenticationInfo.principalEmail",
    "protoPayload.requestMetadata.callerIp|protopayload_auditlog.requestMetadata.callerIp",
    "protoPayload.serviceName|protopayload_auditlog.serviceName",
    "protoPayload.resourceName|protopayload_auditlog.resourceName",
    "protoPayload.status|protopayload_auditlog.status",
    "timestamp",
    "protoPayload.requestMetadata.callerSuppliedUserAgent|protopayload_auditlog.requestMetadata.callerSuppliedUserAgent",
];
const JOB: usize = 0;
const CREATED: usize = 1;
const START: usize = 2;
const END: usize = 3;
const USER: usize = 4;
const PROJECT: usize = 5;
const JOB_TYPE: usize = 6;
const STATEMENT_TYPE: usize = 7;
const QUERY: usize = 8;
const ERROR: usize = 9;
const REFERENCED: usize = 10;
const DESTINATION: usize = 11;
const LABELS: usize = 12;
const METADATA: usize = 13;
const PRINCIPAL: usize = 14;
const CALLER: usize = 15;
const SERVICE: usize = 16;
const RESOURCE: usize = 17;
const AUDIT_STATUS: usize = 18;
const TIMESTAMP: usize = 19;
const AGENT: usize = 20;

/// Labels by which programs say what they are, the surest first.
const PROGRAMS: [&str; 5] = ["application", "app", "service", "airflow-dag", "requestor"];

/// A table by project, dataset and name, as it is known: a partition is a part of its table, and a table that is cut
/// by day is one with BigQuery's own sign for it. `None`: the server's own catalogue, or a query's result.
fn resolved(project: &str, dataset: &str, name: &str) -> Option<Vec<Text>> {
    let name = name.split(['$', '@']).next().unwrap_or(name);
    let anonymous = dataset.starts_with('_') || name.starts_with("anon");
    let catalogue = dataset.eq_ignore_ascii_case("information_schema")
        || name.to_ascii_uppercase().starts_with("INFORMATION_SCHEMA");
    if project.is_empty() || dataset.is_empty() || name.is_empty() || anonymous || catalogue {
        return None;
    }
    let day = name.len().checked_sub(8).filter(|at| *at > 1 && name.is_char_boundary(*at));
    let day = day.filter(|at| name[*at..].bytes().all(|b| b.is_ascii_digit()) && name[..*at].ends_with('_'));
    let name = day.map_or(Cow::Borrowed(name), |at| Cow::Owned(format!("{}*", &name[..at])));
    Some([project, dataset, &name].map(|part| Text::from(part.to_lowercase())).to_vec())
}

/// A table of the view: its record, or `project.dataset.table` where a table of text holds it.
fn of_record(value: &Value) -> Option<Vec<Text>> {
    if let Some(text) = value.as_str() {
        let mut names = text.splitn(3, ['.', ':']);
        return resolved(names.next()?, names.next()?, names.next()?);
    }
    let part = |key: &str| value[key].as_str().unwrap_or("");
    resolved(part("project_id"), part("dataset_id"), part("table_id"))
}

/// A table of the audit log: `projects/p/datasets/d/tables/t`.
fn of_path(path: &str) -> Option<Vec<Text>> {
    let mut words = path.split('/');
    let mut after = |word: &str| (words.next() == Some(word)).then(|| words.next()).flatten();
    let (project, dataset) = (after("projects")?, after("datasets")?);
    resolved(project, dataset, after("tables")?)
}

/// What a job reads and writes.
fn uses(read: impl Iterator<Item = Vec<Text>>, written: Option<Vec<Text>>, statement: &str) -> Vec<TableUse> {
    let defines = ["CREATE", "ALTER", "DROP"].iter().any(|verb| statement.starts_with(verb));
    let with_data = !defines || statement.contains("AS_SELECT");
    let action = if with_data { Action::Write } else { Action::Touch };
    // What a statement changes it also references.
    let read = read.filter(|it| Some(it) != written.as_ref());
    let read: BTreeSet<Vec<Text>> = read.collect();
    let read = read.into_iter().map(|it| table(Action::Read, it));
    read.chain(written.clone().map(|it| table(action, it))).collect()
}

/// How a job ended: by the reason or code of its error.
fn outcome(error: Option<&Value>) -> Outcome {
    let Some(error) = error.filter(|error| !error.is_null()) else { return Outcome::Ok };
    // google.rpc.Code 7 is PERMISSION_DENIED.
    let denied = error["reason"] == "accessDenied" || error["code"] == 7;
    match (denied, error) {
        (true, _) => Outcome::Denied,
        (false, Value::Object(fields)) if fields.is_empty() => Outcome::Ok,
        _ => Outcome::Failed,
    }
}

impl BigqueryJobs {
    /// What a job's labels say its program is: a list of key and value, or an object.
    fn program(labels: Option<Value>) -> String {
        let find = |key: &&str| match &labels {
            Some(Value::Array(list)) => {
                list.iter().find(|label| label["key"] == **key).and_then(|label| label["value"].as_str())
            }
            Some(object) => object[*key].as_str(),
            None => None,
        };
        PROGRAMS.iter().find_map(find).unwrap_or("").to_owned()
    }

    /// A record of the audit log: a job that is done, or a table that was read without one.
    fn audited(row: &Row<'_>, out: &mut Rows<'_>) {
        let Some(metadata) = row.json(METADATA) else { return out.unmatched() };
        let written = row.text(TIMESTAMP).into_owned();
        let principal = row.text(PRINCIPAL).into_owned();
        let caller = row.text(CALLER).into_owned();
        if let Some(read) = metadata.get("tableDataRead") {
            // A job's reads are told by the job.
            let reason = read["reason"].as_str().unwrap_or("");
            let path = row.text(RESOURCE).into_owned();
            let (Some(name), false) = (of_path(&path), reason == "JOB") else { return };
            let Some(stamp) = out.time(&written, Clock::Utc) else { return out.unmatched() };
            let agent = crate::evidence::request::program(&row.text(AGENT));
            let who = out.who(&principal, &name[0].clone(), &agent, &caller, 0);
            let ended = Ended { outcome: outcome(row.json(AUDIT_STATUS).as_ref()), micros: None };
            let tables = Some(vec![table(Action::Read, name)]);
            let it = Executed { sql: None, schema: Text::from(""), tables, ended, stage: Stage::Whole };
            return out.executed(stamp, 0, who, it);
        }
        let change = &metadata["jobChange"];
        let (job, after) = (&change["job"], change["after"].as_str().unwrap_or(""));
        if job.is_null() || !matches!(after, "DONE" | "") {
            return;
        }
        let (config, stats) = (&job["jobConfig"], &job["jobStats"]);
        let time = |key: &str| stats[key].as_str().unwrap_or("").to_owned();
        let start = if time("startTime").is_empty() { written } else { time("startTime") };
        let Some(stamp) = out.time(&start, Clock::Utc) else { return out.unmatched() };
        let end = out.time(&time("endTime"), Clock::Utc);
        let project = job["jobName"].as_str().unwrap_or("").split('/').nth(1).unwrap_or("").to_owned();
        let who =
            out.who(&principal, &project, &BigqueryJobs::program(config.get("labels").cloned()), &caller, 0);
        let query = &config["queryConfig"];
        let statement = query["statementType"].as_str().unwrap_or("");
        if statement == "SCRIPT" {
            return;
        }
        let destination = ["queryConfig", "loadConfig", "tableCopyConfig"]
            .iter()
            .find_map(|kind| config[*kind]["destinationTable"].as_str());
        let list = |value: &Value| -> Vec<Vec<Text>> {
            let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter().filter_map(Value::as_str).filter_map(of_path).collect()
        };
        let mut read = list(&stats["queryStats"]["referencedTables"]);
        read.extend(list(&config["tableCopyConfig"]["sourceTables"]));
        read.extend(config["extractConfig"]["sourceTable"].as_str().and_then(of_path));
        let tables = uses(read.into_iter(), destination.and_then(of_path), statement);
        let sql = query["query"].as_str().filter(|sql| !sql.is_empty()).map(str::to_owned);
        let micros = end.map(|end| u64::try_from(end.0 - stamp.0).unwrap_or(0));
        let ended = Ended { outcome: outcome(job["jobStatus"].get("errorResult")), micros };
        BigqueryJobs::tell(sql, tables, ended, stamp, who, out);
    }

    fn tell(
        sql: Option<String>,
        tables: Vec<TableUse>,
        ended: Ended,
        stamp: crate::evidence::Stamp,
        who: std::sync::Arc<super::Who>,
        out: &mut Rows<'_>,
    ) {
        let tables = (!tables.is_empty()).then_some(tables);
        if sql.is_none() && tables.is_none() {
            return out.push(stamp, 0, who, Event::Nothing);
        }
        let it = Executed { sql, schema: Text::from(""), tables, ended, stage: Stage::Whole };
        out.executed(stamp, 0, who, it);
    }
}

impl Export for BigqueryJobs {
    fn about(&self) -> &'static About {
        &About {
            name: "bigquery-jobs",
            title: "BigQuery's INFORMATION_SCHEMA.JOBS, JSON or CSV, and its audit log, JSON",
            provenance: Provenance::Documented,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::BigQuery
    }

    fn columns(&self) -> Vec<Vec<&str>> {
        named(COLUMNS)
    }

    fn knows(&self, row: &Row<'_>) -> bool {
        let job =
            row.has(USER) && (row.has(CREATED) || row.has(START)) && (row.has(JOB) || row.has(REFERENCED));
        job && (row.has(QUERY) || row.has(REFERENCED)) || row.text(SERVICE) == "bigquery.googleapis.com"
    }

    fn wanted(&self) -> Vec<(usize, GapCode, String)> {
        let lacks = |column, code, name: &str, what: &str| {
            (column, code, format!("the export has no {name}, so {what}: export it as well"))
        };
        vec![
            lacks(
                REFERENCED,
                GapCode::Unresolved,
                "referenced_tables",
                "tables are read from the statements alone",
            ),
            lacks(
                ERROR,
                GapCode::UnknownSession,
                "error_result",
                "what failed cannot be told from what worked",
            ),
        ]
    }

    fn read(&self, row: &Row<'_>, out: &mut Rows<'_>) {
        if row.has(METADATA) {
            return BigqueryJobs::audited(row, out);
        }
        let text = |column: usize| row.text(column).into_owned();
        let start = [START, CREATED].map(text).into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        let Some(stamp) = out.time(&start, Clock::Utc) else { return out.unmatched() };
        let end = out.time(&text(END), Clock::Utc);
        let who = out.who(&text(USER), &text(PROJECT), &BigqueryJobs::program(row.json(LABELS)), "", 0);
        let statement = text(STATEMENT_TYPE);
        if statement == "SCRIPT" {
            return;
        }
        let read = match row.json(REFERENCED) {
            Some(Value::Array(list)) => list.iter().filter_map(of_record).collect(),
            _ => Vec::new(),
        };
        let destination = row.json(DESTINATION).as_ref().and_then(of_record);
        let tables = uses(read.into_iter(), destination, &statement);
        let query = text(QUERY);
        let sql = (!query.trim().is_empty() && text(JOB_TYPE) != "LOAD").then_some(query);
        let micros = end.map(|end| u64::try_from(end.0 - stamp.0).unwrap_or(0));
        let error = row.json(ERROR).or_else(|| {
            let text = row.text(ERROR);
            (!text.is_empty()).then(|| Value::String(text.into_owned()))
        });
        let ended = Ended { outcome: outcome(error.as_ref()), micros };
        BigqueryJobs::tell(sql, tables, ended, stamp, who, out);
    }
}
