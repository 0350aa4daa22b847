//! Jobs of pg_cron in SQL that makes them: `cron.schedule`, `cron.schedule_in_database`, `cron.unschedule` and
//! `cron.alter_job` (its README), in statements and in blocks that are run at once (DO). A job that a later statement or a
//! later migration of the same folder takes back or makes anew is none here. Its clock is GMT unless `cron.timezone` says
//! otherwise.

use super::super::job::{Job, Work, Zone};
use super::super::{SchedulePlace, World};
use super::call::{Argument, Constants, Script, pick};
use super::{accepts, gap, is_sql_with, migrations, name_by_work, pg_cron_table, setting, unique_name};
use crate::evidence::{About, Connection, Evidence, GapCode, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use crate::sql::{Dialect, Kind};
use regex::bytes::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// SQL that schedules, and exports of `cron.job`.
pub struct PgCron;

pub(super) const DIALECT: &str = "pg-cron";
/// How deep blocks may stand in each other.
const MAX_DEPTH: usize = 4;

static CALLS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)\bcron"?\s*\.\s*"?(schedule|unschedule|alter_job|job\b)"#)
        .expect("the pattern is valid")
});

impl SchedulePlace for PgCron {
    fn about(&self) -> &'static About {
        &About {
            name: "pg-cron",
            title: "pg_cron: cron.schedule in SQL files, exports of cron.job",
            provenance: Provenance::Recorded,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        pg_cron_table::is_one(file) || is_sql_with(file, &CALLS)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        if let Some(jobs) = pg_cron_table::jobs(text) {
            return jobs.iter().map(|job| u64::from(job.state(file, world, out))).sum();
        }
        let mut found = Found::default();
        found.read(text, 1, 0, true);
        for (line, detail) in std::mem::take(&mut found.gaps) {
            gap(file, line, GapCode::Unresolved, &detail, out);
        }
        if found.jobs.values().any(|job| job.name.is_some()) {
            for later in migrations::later(file, world, |it| is_sql_with(it, &CALLS)) {
                let Ok(text) = later.text() else { continue };
                found.taken_over(&text);
            }
        }
        found.jobs.values().map(|job| u64::from(job.state(file, world, out))).sum()
    }
}

/// One job.
#[derive(Debug, Clone, Default)]
pub(super) struct CronJob {
    pub name: Option<String>,
    pub schedule: String,
    pub command: String,
    pub connection: Connection,
    pub line: u64,
    pub off: bool,
}

impl CronJob {
    /// States it; whether it is an active one.
    pub fn state(&self, file: &InputFile, world: &World<'_>, out: &mut Evidence) -> bool {
        let name = self.name.clone().unwrap_or_else(|| name_by_work(&self.command));
        let database = self.connection.database.as_deref();
        let name = unique_name(file, database, &name);
        if self.off || !accepts(file, self.line, DIALECT, &name, &self.schedule, out) {
            return false;
        }
        let environment = BTreeMap::new();
        let from = Job::of_shell(file, world, &self.schedule, DIALECT, "", &environment);
        let clock = schedule::parse(DIALECT, &self.schedule).map(|schedule| schedule.clock());
        let zone = match clock {
            Ok(schedule::Clock::Interval { .. } | schedule::Clock::Boot) => Zone::None,
            _ => zone(world, file),
        };
        let work = Work::Sql {
            text: &self.command,
            dialect: Dialect::Postgres,
            connection: self.connection.clone(),
        };
        let scope = scope_of(&file.path, "");
        Job { name: Some(&name), zone, work, line: self.line, scope, ..from }.state(out);
        true
    }
}

/// GMT, or what `cron.timezone` of the server says.
fn zone(world: &World<'_>, file: &InputFile) -> Zone {
    match setting(world, file, ".conf", "cron.timezone") {
        None => Zone::Stated(Text::from("UTC")),
        Some(zone) if schedule::zone(&zone).is_some() => Zone::Stated(Text::from(zone)),
        Some(zone) => Zone::Unknown(format!("cron.timezone {zone}: no zone of that name")),
    }
}

/// The jobs of a file, by the order in which they are made.
#[derive(Default)]
struct Found {
    jobs: BTreeMap<usize, CronJob>,
    made: usize,
    gaps: Vec<(u64, String)>,
}

impl Found {
    /// Reads statements; `runs`: they are run as they stand, and not only when somebody calls them.
    fn read(&mut self, text: &str, first_line: u64, depth: usize, runs: bool) {
        let script = Script::new(text, Dialect::Postgres, first_line);
        let constants = script.constants();
        for at in 0..script.len() {
            if script.lexed.kind(at) == Some(Kind::Text) {
                self.block(&script, at, depth, runs);
                continue;
            }
            if script.name(at).as_deref() == Some("cron") && script.is(at + 1, ".") && runs {
                let open = at + 3;
                match (script.name(at + 2).as_deref(), script.arguments(open)) {
                    (Some("schedule"), Some((arguments, _))) => {
                        self.schedule(&script, at, &arguments, &constants, false)
                    }
                    (Some("schedule_in_database"), Some((arguments, _))) => {
                        self.schedule(&script, at, &arguments, &constants, true);
                    }
                    (Some("unschedule"), Some((arguments, _))) => {
                        self.unschedule(&script, at, &arguments, &constants)
                    }
                    (Some("alter_job"), Some((arguments, _))) => {
                        self.alter(&script, at, &arguments, &constants)
                    }
                    (Some("job"), _) => self.changed(&script, at),
                    _ => {}
                }
            }
        }
    }

    /// A literal that is a block: of DO or behind EXECUTE it is run, of a routine it is only kept.
    fn block(&mut self, script: &Script<'_>, at: usize, depth: usize, runs: bool) {
        let raw = script.lexed.raw(at);
        if depth >= MAX_DEPTH || !CALLS.is_match(raw.as_bytes()) {
            return;
        }
        let start = script.statement(at);
        let run = script.is(start, "do") || (at > 0 && script.is(at - 1, "execute"));
        if run && runs {
            if let Some(content) = script.lexed.content(at) {
                self.read(&content, script.line(at), depth + 1, true);
            }
        } else if script.is(start, "create") && raw.starts_with('$') && runs {
            let makes =
                Regex::new(r"(?i)\bcron\s*\.\s*schedule").is_ok_and(|makes| makes.is_match(raw.as_bytes()));
            if makes {
                let name = (start..at).find(|at| script.is(*at, "function") || script.is(*at, "procedure"));
                let name = name.map_or("", |name| {
                    script.raw(name, (name..at).find(|at| script.is(*at, "(")).unwrap_or(name))
                });
                let detail =
                    format!("{name} makes jobs of pg_cron when it is called; which, only a call tells");
                self.gaps.push((script.line(at), detail));
            }
        }
    }

    fn schedule(
        &mut self,
        script: &Script<'_>,
        at: usize,
        arguments: &[Argument],
        constants: &Constants,
        elsewhere: bool,
    ) {
        let named = arguments.len() > 2 || elsewhere;
        let base = usize::from(named);
        let text = |names: &[&str], position: usize| {
            pick(arguments, names, position).map(|it| script.value(it.from, it.to, constants))
        };
        let line = script.line(at);
        let name = if named { text(&["job_name"], 0) } else { None };
        let shown = name.clone().flatten().unwrap_or_else(|| "a job of pg_cron".to_owned());
        let computed = |what: &str| (line, format!("{what} of {shown} is computed"));
        if name == Some(None) {
            self.gaps.push(computed("the name"));
            return;
        }
        let Some(Some(when)) = text(&["schedule"], base) else {
            self.gaps.push(computed("the schedule"));
            return;
        };
        let command = match text(&["command"], base + 1) {
            Some(Some(command)) => command,
            _ => {
                self.gaps.push(computed("what"));
                String::new()
            }
        };
        let extra =
            |name: &str, position: usize| if elsewhere { text(&[name], position).flatten() } else { None };
        let off = extra("active", 5).is_some_and(|active| is_false(&active)) || says_false(script, arguments);
        let connection = Connection {
            database: extra("database", 3).map(Text::from),
            user: extra("username", 4).map(Text::from),
            ..Connection::default()
        };
        let job = CronJob { name: name.flatten(), schedule: when, command, connection, line, off };
        // A name that is there already is given the new schedule.
        if let Some(name) = &job.name {
            self.jobs
                .retain(|_, it| it.name.as_ref() != Some(name) || it.connection.user != job.connection.user);
        }
        self.jobs.insert(self.made, job);
        self.made += 1;
    }

    fn unschedule(&mut self, script: &Script<'_>, at: usize, arguments: &[Argument], constants: &Constants) {
        let Some(first) = arguments.first() else { return };
        let names = match script.value(first.from, first.to, constants) {
            Some(name) => vec![name],
            None => named_jobs(script, at),
        };
        let (start, end) = (script.statement(at), script.statement_end(at));
        let all = (start..end).any(|at| script.are(at, &["from", "cron", ".", "job"]))
            && !(start..end).any(|at| script.is(at, "where"));
        if all {
            self.jobs.clear();
            return;
        }
        self.jobs.retain(|_, job| job.name.as_ref().is_none_or(|name| !names.contains(name)));
    }

    /// `cron.alter_job((SELECT jobid FROM cron.job WHERE jobname = 'x'), schedule := '…', active := false)`.
    fn alter(&mut self, script: &Script<'_>, at: usize, arguments: &[Argument], constants: &Constants) {
        let names = named_jobs(script, at);
        let text = |name: &str, position: usize| {
            pick(arguments, &[name], position)
                .map(|it| script.raw(it.from, it.to).to_owned())
                .zip(pick(arguments, &[name], position).map(|it| script.value(it.from, it.to, constants)))
        };
        if names.is_empty() && !self.jobs.is_empty() {
            let detail = "cron.alter_job changes a job by its number, which nobody here knows".to_owned();
            self.gaps.push((script.line(at), detail));
        }
        for job in
            self.jobs.values_mut().filter(|job| job.name.as_ref().is_some_and(|name| names.contains(name)))
        {
            let set = |own: &mut String, told: Option<(String, Option<String>)>| {
                if let Some((_, Some(value))) = told {
                    *own = value;
                }
            };
            set(&mut job.schedule, text("schedule", 1));
            set(&mut job.command, text("command", 2));
            if let Some((_, Some(database))) = text("database", 3) {
                job.connection.database = Some(Text::from(database));
            }
            if let Some((_, Some(user))) = text("username", 4) {
                job.connection.user = Some(Text::from(user));
            }
            if let Some((raw, _)) = text("active", 5) {
                job.off = is_false(raw.trim());
            }
        }
    }

    /// `DELETE FROM cron.job WHERE jobname = 'x'`, `UPDATE cron.job SET active = false WHERE …`.
    fn changed(&mut self, script: &Script<'_>, at: usize) {
        let start = script.statement(at);
        let deletes = script.is(start, "delete");
        let stops = script.is(start, "update")
            && (start..script.statement_end(at)).any(|at| script.are(at, &["active", "=", "false"]));
        if deletes || stops {
            let names = named_jobs(script, at);
            self.jobs.retain(|_, job| job.name.as_ref().is_none_or(|name| !names.contains(name)));
        }
    }

    /// Leaves out what a later migration takes back or makes anew.
    fn taken_over(&mut self, later: &str) {
        let mut theirs = Found { jobs: self.jobs.clone(), made: self.made, gaps: Vec::new() };
        theirs.read(later, 1, 0, true);
        let stays = |key: &usize, job: &CronJob| {
            theirs.jobs.get(key).is_some_and(|it| it.schedule == job.schedule && it.off == job.off)
        };
        self.jobs.retain(|key, job| stays(key, job));
    }
}

fn is_false(text: &str) -> bool {
    matches!(text.trim_matches('\'').to_ascii_lowercase().as_str(), "false" | "f" | "off" | "no" | "0")
}

/// `active := false`, which is a word and no literal.
fn says_false(script: &Script<'_>, arguments: &[Argument]) -> bool {
    let named = arguments.iter().find(|it| it.name.as_deref() == Some("active"));
    named.or_else(|| arguments.get(5)).is_some_and(|it| is_false(script.raw(it.from, it.to).trim()))
}

/// The jobs that a statement picks by name: `jobname = 'x'`, `jobname IN ('x', 'y')`.
fn named_jobs(script: &Script<'_>, at: usize) -> Vec<String> {
    let (start, end) = (script.statement(at), script.statement_end(at));
    let mut names = Vec::new();
    for at in (start..end).filter(|at| script.is(*at, "jobname")) {
        let list = if script.is(at + 1, "=") { at + 2 } else { at + 1 };
        let literals = (list..end).skip_while(|at| script.is(*at, "in") || script.is(*at, "("));
        let literals =
            literals.take_while(|at| script.is(*at, ",") || script.lexed.kind(*at) == Some(Kind::Text));
        names.extend(literals.filter_map(|at| script.lexed.content(at)));
    }
    names
}
