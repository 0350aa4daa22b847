//! Schedules that databases keep by themselves: pg_cron, events of MySQL, jobs of SQL Server Agent and of Oracle, in SQL
//! files that make them and in exports of the tables that hold them. The same files are read as SQL by another family. A
//! job that a routine makes when it is called is no job; that it does is a gap.

mod agent;
mod agent_steps;
mod call;
mod event;
mod event_table;
mod migrations;
mod oracle;
mod oracle_moment;
mod pg_cron;
mod pg_cron_table;
mod statements;
mod table;

pub use agent::SqlAgent;
pub use event::MysqlEvents;
pub use oracle::DbmsScheduler;
pub use pg_cron::PgCron;

use super::World;
use crate::evidence::scrub::scrub;
use crate::evidence::{Evidence, Gap, GapCode, Place};
use crate::input::{HEAD_BYTES, InputFile};
use crate::schedule;
use regex::bytes::Regex;

/// How files are called that hold SQL; templates have one more ending.
const ENDINGS: [&str; 10] =
    [".sql", ".psql", ".pgsql", ".tsql", ".ddl", ".pls", ".plsql", ".pkb", ".prc", ".dump"];
const TEMPLATES: [&str; 6] = [".j2", ".erb", ".tpl", ".tmpl", ".template", ".in"];

/// Whether a file is called as one of SQL is, and any of its text fits a pattern. Dumps have their events at the end.
fn is_sql_with(file: &InputFile, pattern: &Regex) -> bool {
    let name = file.name().to_ascii_lowercase();
    let stem = TEMPLATES.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    if !ENDINGS.iter().any(|end| stem.ends_with(end)) {
        return false;
    }
    pattern.is_match(&file.head)
        || (file.head.len() >= HEAD_BYTES && file.text().is_ok_and(|text| pattern.is_match(text.as_bytes())))
}

/// A job as its place found it, before its name is made unique.
fn unique_name(file: &InputFile, database: Option<&str>, name: &str) -> String {
    match (file.host.is_some(), database) {
        (_, Some(database)) if !name.starts_with(&format!("{database}.")) => format!("{database}/{name}"),
        (true, _) | (_, Some(_)) => name.to_owned(),
        _ => {
            let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let folder = folder.rsplit('/').find(|part| !is_plumbing(part)).unwrap_or("");
            if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
        }
    }
}

/// Folders that every project calls alike, and that name nothing.
fn is_plumbing(folder: &str) -> bool {
    matches!(
        folder,
        "migrations"
            | "supabase"
            | "sql"
            | "db"
            | "database"
            | "schemas"
            | "scripts"
            | "src"
            | "seeds"
            | "migration"
    )
}

/// What a job without a name is called: the beginning of what it does.
fn name_by_work(work: &str) -> String {
    let words: Vec<&str> = work.split_whitespace().take(6).collect();
    words.join(" ").trim_end_matches(';').replace('/', " ")
}

fn gap(file: &InputFile, line: u64, code: GapCode, detail: &str, out: &mut Evidence) {
    out.add_gap(Gap::new(Place::line(&file.path, line), code, scrub(detail).into_owned()));
}

/// Whether a schedule is one; a gap says why not.
fn accepts(file: &InputFile, line: u64, dialect: &str, whose: &str, text: &str, out: &mut Evidence) -> bool {
    match schedule::parse(dialect, text) {
        Ok(_) => true,
        Err(rejected) => {
            let detail = format!("{whose}: {text}: {dialect} rejects it: {}", rejected.reason);
            gap(file, line, GapCode::BadSchedule, &detail, out);
            false
        }
    }
}

/// A setting of a server as a file of the same host has it; where no host is known, as all files of the scan have it
/// that belong to none.
fn setting(world: &World<'_>, file: &InputFile, ending: &str, name: &str) -> Option<String> {
    let mut told: Option<String> = None;
    let files = world.inputs.files.iter().filter(|it| it.host == file.host && it.name().ends_with(ending));
    // MySQL takes a dash for an underscore in the names of options.
    let dashed = name.replace('_', "-");
    let names = |it: &&InputFile| {
        [name, &dashed].iter().any(|name| memchr::memmem::find(&it.head, name.as_bytes()).is_some())
    };
    for config in files.filter(names) {
        let text = config.head_text();
        let values = text.lines().filter_map(|line| {
            let line = line.split('#').next().unwrap_or("").trim();
            let (key, value) = line.split_once('=').or_else(|| line.split_once(char::is_whitespace))?;
            let same = key.trim().replace('-', "_").eq_ignore_ascii_case(name);
            same.then(|| value.trim().trim_matches(['\'', '"']).to_owned())
        });
        for value in values.filter(|value| !value.is_empty()) {
            // The last line of a file holds; files that disagree tell nothing.
            match &told {
                Some(known) if *known != value && file.host.is_none() => return None,
                _ => told = Some(value),
            }
        }
    }
    told
}
