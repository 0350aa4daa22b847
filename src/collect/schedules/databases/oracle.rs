//! Jobs of Oracle in SQL that makes them: DBMS_SCHEDULER.CREATE_JOB with CREATE_SCHEDULE and CREATE_PROGRAM of the same
//! script or tree, and DBMS_JOB.SUBMIT (PL/SQL Packages and Types Reference). A job is made disabled unless it says
//! `enabled => TRUE` or the script enables it. The zone is that of the start date, else the script's `default_timezone`.

use super::super::job::{Job, Work, Zone};
use super::super::{SchedulePlace, World};
use super::call::{Argument, Constants, Script, pick};
use super::oracle_moment::{self, Start};
use super::{accepts, gap, is_sql_with, name_by_work, unique_name};
use crate::evidence::{About, Connection, Evidence, GapCode, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use crate::sql::Dialect;
use regex::bytes::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Scripts that make jobs.
pub struct DbmsScheduler;

const DIALECT: &str = "dbms-scheduler";
/// How many files of the tree are asked for a schedule or a program by its name.
const MAX_ASKED: usize = 500;

static JOBS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(dbms_scheduler\s*\.\s*create_job|dbms_job\s*\.\s*i?submit)\b")
        .expect("the pattern is valid")
});
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\bdbms_scheduler\s*\.\s*create_(schedule|program)\b").expect("the pattern is valid")
});

impl SchedulePlace for DbmsScheduler {
    fn about(&self) -> &'static About {
        &About {
            name: "dbms-scheduler",
            title: "Oracle: jobs that SQL scripts make (DBMS_SCHEDULER, DBMS_JOB)",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        is_sql_with(file, &JOBS)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let mut found = Found::default();
        found.read(text);
        if found.refers_elsewhere() {
            let others =
                world.inputs.files.iter().filter(|it| it.path != file.path && is_sql_with(it, &NAMED));
            for other in others.take(MAX_ASKED) {
                let Ok(text) = other.text() else { continue };
                let mut theirs = Found::default();
                theirs.read(&text);
                found.learn(theirs);
            }
        }
        for (line, detail) in &found.gaps {
            gap(file, *line, GapCode::Unresolved, detail, out);
        }
        found.jobs.iter().map(|job| u64::from(found.state(job, file, world, out))).sum()
    }
}

/// What starts a job.
#[derive(Debug, Clone, Default)]
struct When {
    start: Start,
    /// The local time after which it does not run.
    end: Option<String>,
    interval: Option<String>,
}

/// What a job does.
#[derive(Debug, Clone, Default)]
struct Program {
    kind: String,
    action: String,
}

#[derive(Debug, Clone, Default)]
struct OracleJob {
    name: String,
    when: When,
    schedule_name: Option<String>,
    program: Program,
    program_name: Option<String>,
    enabled: Option<bool>,
    line: u64,
    work_line: u64,
}

#[derive(Default)]
struct Found {
    jobs: Vec<OracleJob>,
    /// By name in lower case, without the owner.
    schedules: BTreeMap<String, When>,
    programs: BTreeMap<String, Program>,
    default_zone: Option<String>,
    gaps: Vec<(u64, String)>,
}

/// A name without its owner and quotes.
fn plain(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).trim_matches('"').to_lowercase()
}

impl Found {
    fn read(&mut self, text: &str) {
        let script = Script::new(text, Dialect::Oracle, 1);
        let constants = script.constants();
        for at in 0..script.len() {
            let package = script.name(at).unwrap_or_default();
            if !matches!(package.as_str(), "dbms_scheduler" | "dbms_job") || !script.is(at + 1, ".") {
                continue;
            }
            let Some((arguments, _)) = script.arguments(at + 3) else { continue };
            let call =
                Call { script: &script, constants: &constants, arguments: &arguments, line: script.line(at) };
            let procedure = script.name(at + 2).unwrap_or_default();
            match (package.as_str(), procedure.as_str()) {
                ("dbms_scheduler", "create_job") => self.create_job(&call),
                ("dbms_scheduler", "create_schedule") => {
                    let Some(name) = call.text(&["schedule_name"], 0) else { continue };
                    self.schedules.insert(plain(&name), call.when(1, 2));
                }
                ("dbms_scheduler", "create_program") => {
                    let Some(name) = call.text(&["program_name"], 0) else { continue };
                    self.programs
                        .insert(plain(&name), call.program(&["program_type"], &["program_action"], 1));
                }
                ("dbms_scheduler", "enable") => self.switch(&call, true),
                ("dbms_scheduler", "disable") => self.switch(&call, false),
                ("dbms_scheduler", "drop_job") => {
                    let names = call.names();
                    self.jobs.retain(|job| !names.contains(&plain(&job.name)));
                }
                ("dbms_scheduler", "set_attribute") => self.attribute(&call),
                ("dbms_scheduler", "set_scheduler_attribute") => {
                    let (name, value) = (call.text(&["attribute"], 0), call.text(&["value"], 1));
                    if name.is_some_and(|name| name.eq_ignore_ascii_case("default_timezone")) {
                        self.default_zone = value;
                    }
                }
                ("dbms_job", "submit" | "isubmit") => self.submit(&call),
                _ => {}
            }
        }
    }

    fn create_job(&mut self, call: &Call<'_>) {
        let Some(name) = call.text(&["job_name"], 0) else {
            self.gaps.push((call.line, "the name of a job is computed".to_owned()));
            return;
        };
        // Only the form with a type has positions that cannot be mistaken.
        let typed = call.argument(&["job_type"], 1).is_some();
        let far = if typed { 0 } else { 99 };
        let when = call.when(4 + far, 5 + far);
        if call.argument(&["repeat_interval"], 5 + far).is_some_and(|it| !call.is_null(it))
            && when.interval.is_none()
        {
            let detail = format!("the schedule of {name} is computed");
            self.gaps.push((call.line, detail));
            return;
        }
        let action = call.argument(&["job_action"], 2 + far);
        self.jobs.push(OracleJob {
            when,
            schedule_name: call.text(&["schedule_name"], 99),
            program: call.program(&["job_type"], &["job_action"], 1 + far),
            program_name: call.text(&["program_name"], 99),
            enabled: call.flag("enabled", 8 + far),
            line: call.line,
            work_line: action.map_or(call.line, |it| call.script.text_line(it.from)),
            name,
        });
    }

    /// `DBMS_JOB.SUBMIT(job, what, next_date, interval)`.
    fn submit(&mut self, call: &Call<'_>) {
        let Some(what) = call.text(&["what"], 1) else {
            self.gaps.push((call.line, "what a job of DBMS_JOB does is computed".to_owned()));
            return;
        };
        let name = name_by_work(&what);
        let interval = call.argument(&["interval"], 3).filter(|it| !call.is_null(it));
        let text = interval.and_then(|it| call.script.value(it.from, it.to, call.constants));
        if interval.is_some() && text.is_none() {
            self.gaps.push((call.line, format!("the schedule of {name} is computed")));
            return;
        }
        let start = call.argument(&["next_date"], 2).map(|it| call.start(it)).unwrap_or_default();
        self.jobs.push(OracleJob {
            name,
            when: When { start, end: None, interval: text.filter(|text| !text.eq_ignore_ascii_case("null")) },
            program: Program { kind: "plsql_block".to_owned(), action: what },
            enabled: Some(true),
            line: call.line,
            work_line: call.argument(&["what"], 1).map_or(call.line, |it| call.script.text_line(it.from)),
            ..OracleJob::default()
        });
    }

    fn switch(&mut self, call: &Call<'_>, on: bool) {
        let names = call.names();
        for job in self.jobs.iter_mut().filter(|job| names.contains(&plain(&job.name))) {
            job.enabled = Some(on);
        }
    }

    /// `SET_ATTRIBUTE('job', 'repeat_interval', 'FREQ=…')`.
    fn attribute(&mut self, call: &Call<'_>) {
        let name = call.text(&["name"], 0).map(|name| plain(&name));
        let (Some(name), Some(attribute)) = (name, call.text(&["attribute"], 1)) else { return };
        let value = call.text(&["value"], 2);
        for job in self.jobs.iter_mut().filter(|job| plain(&job.name) == name) {
            match (attribute.to_ascii_lowercase().as_str(), &value) {
                ("repeat_interval", Some(value)) => job.when.interval = Some(value.clone()),
                ("job_action", Some(value)) => job.program.action = value.clone(),
                ("start_date", _) => {
                    if let Some(it) = call.argument(&["value"], 2) {
                        job.when.start = call.start(it);
                    }
                }
                _ => {}
            }
        }
    }

    fn refers_elsewhere(&self) -> bool {
        self.jobs.iter().any(|job| {
            let lacks = |name: &Option<String>, known: &dyn Fn(&str) -> bool| {
                name.as_ref().is_some_and(|name| !known(&plain(name)))
            };
            lacks(&job.schedule_name, &|name| self.schedules.contains_key(name))
                || lacks(&job.program_name, &|name| self.programs.contains_key(name))
        })
    }

    /// Takes over the schedules and programs of another script; those of its own stay.
    fn learn(&mut self, other: Found) {
        for (name, when) in other.schedules {
            self.schedules.entry(name).or_insert(when);
        }
        for (name, program) in other.programs {
            self.programs.entry(name).or_insert(program);
        }
    }

    /// States a job; whether it is an active one.
    fn state(&self, job: &OracleJob, file: &InputFile, world: &World<'_>, out: &mut Evidence) -> bool {
        let name = unique_name(file, None, &job.name);
        match job.enabled {
            Some(true) => {}
            Some(false) => return false,
            None => {
                let detail = format!("{name} is made disabled, and nothing in this script enables it");
                gap(file, job.line, GapCode::Unresolved, &detail, out);
                return false;
            }
        }
        let when = match &job.schedule_name {
            None => &job.when,
            Some(schedule) => match self.schedules.get(&plain(schedule)) {
                Some(when) => when,
                None => {
                    let detail =
                        format!("{name} runs by the schedule {schedule}, which the scan was not given");
                    gap(file, job.line, GapCode::Unresolved, &detail, out);
                    return false;
                }
            },
        };
        let Some(text) = schedule_text(when) else {
            // Without either it runs once, when it is made.
            return false;
        };
        let frequency =
            text.rsplit(';').any(|part| part.trim_start().to_ascii_lowercase().starts_with("freq"));
        if !frequency && schedule::parse(DIALECT, &text).is_err() {
            let detail = format!("the schedule of {name} is computed: {text}");
            gap(file, job.line, GapCode::Unresolved, &detail, out);
            return false;
        }
        if !accepts(file, job.line, DIALECT, &name, &text, out) {
            return false;
        }
        let zone = self.zone(&when.start, &text);
        let program = job.program_name.as_ref().and_then(|name| self.programs.get(&plain(name)));
        let program = program.unwrap_or(&job.program);
        let named = job.program_name.clone().unwrap_or_default();
        let called = format!("CALL {}()", program.action.trim().trim_end_matches("()"));
        let sql = |text| Work::Sql { text, dialect: Dialect::Oracle, connection: Connection::default() };
        let work = match program.kind.to_ascii_lowercase().as_str() {
            _ if program.action.is_empty() => {
                Work::Named(if named.is_empty() { "a program" } else { &named })
            }
            "plsql_block" | "sql_script" => sql(&program.action),
            "stored_procedure" => sql(&called),
            "executable" if program.action.starts_with('/') => {
                Work::Shell { text: &program.action, stdin: None }
            }
            _ => Work::Named(&program.action),
        };
        let environment = BTreeMap::new();
        let from = Job::of_shell(file, world, &text, DIALECT, "", &environment);
        let scope = scope_of(&file.path, "");
        Job { name: Some(&name), zone, work, line: job.work_line, scope, ..from }.state(out);
        true
    }

    fn zone(&self, start: &Start, text: &str) -> Zone {
        let clock = schedule::parse(DIALECT, text).map(|schedule| schedule.clock());
        let zone = start.zone.clone().or_else(|| self.default_zone.clone().filter(|_| !start.is_now));
        match zone {
            _ if !matches!(clock, Ok(schedule::Clock::Calendar)) => Zone::None,
            Some(zone) if schedule::zone(&zone).is_some() => Zone::Stated(Text::from(zone)),
            Some(zone) => Zone::Unknown(format!("{zone}: no zone of that name")),
            // PL/SQL that counts from SYSDATE has the clock of the server's host.
            None if !text.to_ascii_lowercase().contains("freq") => Zone::OfHost,
            None if start.is_now => Zone::Unknown(
                "its start date is the moment it was made, with the offset the server had then: it does not follow \
                 changes of the clocks"
                    .to_owned(),
            ),
            None => Zone::Unknown(
                "its start date names no zone, so that it is that of the session or the scheduler's default_timezone"
                    .to_owned(),
            ),
        }
    }
}

/// The schedule as the dialect takes it; none: it runs once, when it is made.
fn schedule_text(when: &When) -> Option<String> {
    let interval = when.interval.as_deref().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let calendar = interval.as_ref().is_none_or(|text| text.to_ascii_lowercase().starts_with("freq"));
    let end = when.end.as_ref().map_or(String::new(), |end| format!("end_date={end};"));
    match (&when.start.moment, interval) {
        (Some(start), Some(interval)) if calendar => Some(format!("start_date={start};{end}{interval}")),
        (None, Some(interval)) if calendar => Some(format!("{end}{interval}")),
        (_, Some(interval)) => Some(interval),
        (Some(start), None) => Some(format!("start_date={start}")),
        (None, None) => None,
    }
}

/// One call with its arguments.
struct Call<'a> {
    script: &'a Script<'a>,
    constants: &'a Constants,
    arguments: &'a [Argument],
    line: u64,
}

impl Call<'_> {
    fn argument(&self, names: &[&str], position: usize) -> Option<&Argument> {
        pick(self.arguments, names, position)
    }

    fn text(&self, names: &[&str], position: usize) -> Option<String> {
        let it = self.argument(names, position)?;
        self.script.value(it.from, it.to, self.constants)
    }

    fn is_null(&self, it: &Argument) -> bool {
        it.to == it.from + 1 && self.script.is(it.from, "null")
    }

    fn flag(&self, name: &str, position: usize) -> Option<bool> {
        let it = self.argument(&[name], position)?;
        Some(self.script.is(it.from, "true"))
    }

    fn start(&self, it: &Argument) -> Start {
        oracle_moment::read(self.script, it.from, it.to, self.constants)
    }

    fn when(&self, start: usize, interval: usize) -> When {
        let start = self.argument(&["start_date"], start).filter(|it| !self.is_null(it));
        When {
            start: start.map(|it| self.start(it)).unwrap_or_default(),
            end: self.argument(&["end_date"], 99).and_then(|it| self.start(it).moment),
            interval: self.text(&["repeat_interval"], interval).filter(|text| !text.trim().is_empty()),
        }
    }

    fn program(&self, kind: &[&str], action: &[&str], first: usize) -> Program {
        Program {
            kind: self.text(kind, first).unwrap_or_default(),
            action: self.text(action, first + 1).unwrap_or_default(),
        }
    }

    /// The names of the first argument, which may be several with commas between them.
    fn names(&self) -> Vec<String> {
        let text = self.text(&["name", "job_name"], 0).unwrap_or_default();
        text.split(',').map(|name| plain(name.trim())).collect()
    }
}
