//! Jobs of SQL Server Agent in scripts that make them: sp_add_job, sp_add_jobstep, sp_add_jobschedule, sp_add_schedule and
//! sp_attach_schedule (their pages on learn.microsoft.com), as people and as "Script Job as" of Management Studio write
//! them, with variables of the script followed. A job or schedule that is not enabled is none. The clock is the server's.

use super::super::job::{Job, Work, Zone};
use super::super::{SchedulePlace, World};
use super::agent_steps::{Step, shown, works};
use super::call::{Constants, Script};
use super::{accepts, gap, is_sql_with, unique_name};
use crate::evidence::{About, Evidence, GapCode, Provenance};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use crate::sql::{Dialect, Kind};
use regex::bytes::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Scripts that make jobs.
pub struct SqlAgent;

const DIALECT: &str = "sql-agent";
/// How many jobs, steps and schedules one script may make.
const MAX_CALLS: usize = 20_000;

static CALLS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\bsp_(add_jobschedule|add_schedule|attach_schedule)\b").expect("the pattern is valid")
});

/// What a schedule is made of, in the order in which it is told.
const SCHEDULE: [&str; 10] = [
    "freq_type",
    "freq_interval",
    "freq_subday_type",
    "freq_subday_interval",
    "freq_relative_interval",
    "freq_recurrence_factor",
    "active_start_date",
    "active_end_date",
    "active_start_time",
    "active_end_time",
];

/// What every script of Management Studio says, and what holds without it.
const DEFAULTS: [(&str, &str); 2] = [("active_end_date", "99991231"), ("active_end_time", "235959")];

impl SchedulePlace for SqlAgent {
    fn about(&self) -> &'static About {
        &About {
            name: "sql-agent",
            title: "SQL Server Agent: jobs that SQL scripts make (sp_add_job, sp_add_jobschedule)",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        is_sql_with(file, &CALLS)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let script = Script::new(text, Dialect::MsSql, 1);
        let mut found = Found { constants: script.constants(), ..Found::default() };
        found.read(&script);
        for (line, detail) in &found.gaps {
            gap(file, *line, GapCode::Unresolved, detail, out);
        }
        found.jobs.iter().map(|job| u64::from(job.state(file, world, out))).sum()
    }
}

/// A schedule.
#[derive(Debug, Clone, Default)]
struct Clock {
    text: String,
    enabled: bool,
    line: u64,
}

/// A job on its way.
#[derive(Debug, Default)]
struct AgentJob {
    name: String,
    enabled: bool,
    steps: Vec<Step>,
    clocks: Vec<Clock>,
    line: u64,
}

impl AgentJob {
    /// States it; whether it is an active one.
    fn state(&self, file: &InputFile, world: &World<'_>, out: &mut Evidence) -> bool {
        let clocks: Vec<&Clock> = self.clocks.iter().filter(|clock| clock.enabled).collect();
        if !self.enabled || clocks.is_empty() {
            return false;
        }
        let name = unique_name(file, None, &self.name);
        let fits = |clock: &&Clock| accepts(file, clock.line, DIALECT, &name, &clock.text, out);
        let schedules: Vec<String> =
            clocks.into_iter().filter(fits).map(|clock| clock.text.clone()).collect();
        if schedules.is_empty() {
            return false;
        }
        let timed = |text: &String| {
            schedule::parse(DIALECT, text).is_ok_and(|schedule| schedule.clock() == schedule::Clock::Calendar)
        };
        let zone = if schedules.iter().any(timed) { Zone::OfHost } else { Zone::None };
        let shown = shown(&self.steps);
        let environment = BTreeMap::new();
        let from = Job::of_shell(file, world, "", DIALECT, "", &environment);
        let scope = scope_of(&file.path, "");
        let line = self.steps.first().map_or(self.line, |step| step.line);
        let work = Work::Several(&shown, works(&self.steps));
        Job { name: Some(&name), schedules, zone, work, line, scope, ..from }.state(out);
        true
    }
}

/// The arguments of a call by name, in lower case and without the sign; those without a name by their position.
struct Call {
    line: u64,
    arguments: Vec<(String, usize, usize)>,
}

#[derive(Default)]
struct Found {
    jobs: Vec<AgentJob>,
    /// Schedules of their own, by name.
    schedules: BTreeMap<String, Clock>,
    /// What variables hold the job or the schedule of this name.
    holders: BTreeMap<String, String>,
    constants: Constants,
    gaps: Vec<(u64, String)>,
}

impl Found {
    fn read(&mut self, script: &Script<'_>) {
        let mut calls = 0;
        for at in 0..script.len() {
            let Some(name) = script.name(at).filter(|name| name.starts_with("sp_")) else {
                self.looked_up(script, at);
                continue;
            };
            if calls > MAX_CALLS || !is_called(script, at) {
                continue;
            }
            calls += 1;
            let call = read_call(script, at);
            match name.as_str() {
                "sp_add_job" => self.add_job(script, &call),
                "sp_add_jobstep" => self.add_step(script, &call),
                "sp_add_jobschedule" => self.add_job_schedule(script, &call),
                "sp_add_schedule" => self.add_schedule(script, &call),
                "sp_attach_schedule" => self.attach(script, &call),
                "sp_update_job" => self.update_job(script, &call),
                "sp_delete_job" => self.delete_job(script, &call),
                _ => {}
            }
        }
    }

    /// `SELECT @jobId = job_id FROM msdb.dbo.sysjobs WHERE name = N'x'`.
    fn looked_up(&mut self, script: &Script<'_>, at: usize) {
        const NEAR: usize = 30;
        if script.lexed.kind(at) != Some(Kind::Param) || !script.is(at + 1, "=") {
            return;
        }
        if !matches!(script.name(at + 2).as_deref(), Some("job_id" | "schedule_id")) {
            return;
        }
        let near = (at + 3..script.len().min(at + NEAR)).find(|at| script.are(*at, &["name", "="]));
        let value = near.and_then(|near| script.value(near + 2, near + 3, &self.constants));
        if let Some(name) = value {
            self.holders.insert(script.lexed.raw(at).to_lowercase(), name);
        }
    }

    fn get(&self, script: &Script<'_>, call: &Call, name: &str, position: usize) -> Option<Option<String>> {
        let position = position.to_string();
        let found = call.arguments.iter().find(|(own, ..)| own == name);
        let found = found.or_else(|| call.arguments.iter().find(|(own, ..)| *own == position));
        found.map(|(_, from, to)| script.value(*from, *to, &self.constants))
    }

    fn text(&self, script: &Script<'_>, call: &Call, name: &str, position: usize) -> Option<String> {
        self.get(script, call, name, position).flatten()
    }

    /// The variable of an argument.
    fn variable(script: &Script<'_>, call: &Call, name: &str) -> Option<String> {
        let (_, from, _) = call.arguments.iter().find(|(own, ..)| own == name)?;
        (script.lexed.kind(*from) == Some(Kind::Param)).then(|| script.lexed.raw(*from).to_lowercase())
    }

    /// The job that a call is about, by name or by the variable that holds its number.
    fn job(&mut self, script: &Script<'_>, call: &Call) -> Option<&mut AgentJob> {
        let by_id = Found::variable(script, call, "job_id").and_then(|name| self.holders.get(&name).cloned());
        let name = by_id.or_else(|| self.text(script, call, "job_name", 99))?;
        self.jobs.iter_mut().rev().find(|job| job.name.eq_ignore_ascii_case(&name))
    }

    fn add_job(&mut self, script: &Script<'_>, call: &Call) {
        let name = self.text(script, call, "job_name", 0);
        let name = name.unwrap_or_else(|| {
            // What computes its name tells it apart within the script.
            let computed = call.arguments.iter().find(|(own, ..)| own == "job_name");
            computed.map_or("a job".to_owned(), |(_, from, to)| script.raw(*from, *to).to_owned())
        });
        if let Some(variable) = Found::variable(script, call, "job_id") {
            self.holders.insert(variable, name.clone());
        }
        let enabled = self.text(script, call, "enabled", 1).is_none_or(|value| value != "0");
        self.jobs.push(AgentJob { name, enabled, line: call.line, ..AgentJob::default() });
    }

    fn add_step(&mut self, script: &Script<'_>, call: &Call) {
        let command = call.arguments.iter().find(|(own, ..)| own == "command");
        let line = command.map_or(call.line, |(_, from, _)| script.text_line(*from));
        let step = Step {
            subsystem: self.text(script, call, "subsystem", 99).unwrap_or_else(|| "TSQL".to_owned()),
            command: self.text(script, call, "command", 99).unwrap_or_default(),
            database: self.text(script, call, "database_name", 99),
            line,
        };
        let computed = command.is_some() && step.command.is_empty();
        let Some(job) = self.named(script, call) else { return };
        if computed {
            let detail = format!("what a step of {} does is computed", self.jobs[job].name);
            self.gaps.push((call.line, detail));
        }
        self.jobs[job].steps.push(step);
    }

    /// The position of the job that a call is about; one that no job of the script fits is that of another script.
    fn named(&mut self, script: &Script<'_>, call: &Call) -> Option<usize> {
        let by_id = Found::variable(script, call, "job_id").and_then(|name| self.holders.get(&name).cloned());
        let name = by_id.or_else(|| self.text(script, call, "job_name", 0)).or_else(|| {
            let computed = call.arguments.iter().find(|(own, ..)| own == "job_name")?;
            Some(script.raw(computed.1, computed.2).to_owned())
        })?;
        if let Some(at) = self.jobs.iter().rposition(|job| job.name.eq_ignore_ascii_case(&name)) {
            return Some(at);
        }
        self.jobs.push(AgentJob { name, enabled: true, line: call.line, ..AgentJob::default() });
        Some(self.jobs.len() - 1)
    }

    /// The schedule of a call, in one text.
    fn clock(&mut self, script: &Script<'_>, call: &Call, whose: &str) -> Option<Clock> {
        let mut parts = Vec::new();
        for name in SCHEDULE {
            match self.get(script, call, name, 99) {
                None => {}
                Some(Some(value)) if value.eq_ignore_ascii_case("null") => {}
                // What is as if it were not said is left out.
                Some(Some(value)) if value == "0" || DEFAULTS.contains(&(name, value.as_str())) => {}
                Some(Some(value)) => parts.push(format!("{name}={value}")),
                // A start that is computed is the day the script runs.
                Some(None) if name == "active_start_date" => {}
                Some(None) => {
                    self.gaps.push((call.line, format!("the schedule of {whose} is computed: {name}")));
                    return None;
                }
            }
        }
        let enabled = self.text(script, call, "enabled", 99).is_none_or(|value| value != "0");
        Some(Clock { text: parts.join(" "), enabled, line: call.line })
    }

    fn add_job_schedule(&mut self, script: &Script<'_>, call: &Call) {
        let Some(job) = self.named(script, call) else {
            self.gaps.push((call.line, "which job a schedule is for is computed".to_owned()));
            return;
        };
        let whose = self.jobs[job].name.clone();
        if let Some(clock) = self.clock(script, call, &whose) {
            self.jobs[job].clocks.push(clock);
        }
    }

    fn add_schedule(&mut self, script: &Script<'_>, call: &Call) {
        let name = self.text(script, call, "schedule_name", 0).unwrap_or_default();
        if let Some(variable) = Found::variable(script, call, "schedule_id") {
            self.holders.insert(variable, name.clone());
        }
        if let Some(clock) = self.clock(script, call, &name) {
            self.schedules.insert(name.to_lowercase(), clock);
        }
    }

    fn attach(&mut self, script: &Script<'_>, call: &Call) {
        let by_id =
            Found::variable(script, call, "schedule_id").and_then(|name| self.holders.get(&name).cloned());
        let name = by_id.or_else(|| self.text(script, call, "schedule_name", 1));
        let clock = name.as_ref().and_then(|name| self.schedules.get(&name.to_lowercase()).cloned());
        let job = self.named(script, call);
        match (job, clock) {
            (Some(job), Some(clock)) => self.jobs[job].clocks.push(clock),
            (Some(job), None) => {
                let name = name.unwrap_or_else(|| "a schedule".to_owned());
                let detail =
                    format!("{} runs by {name}, which this script does not make", self.jobs[job].name);
                self.gaps.push((call.line, detail));
            }
            _ => {}
        }
    }

    fn update_job(&mut self, script: &Script<'_>, call: &Call) {
        let enabled = self.text(script, call, "enabled", 99);
        if let (Some(job), Some(value)) = (self.job(script, call), enabled) {
            job.enabled = value != "0";
        }
    }

    fn delete_job(&mut self, script: &Script<'_>, call: &Call) {
        let Some(name) = self.job(script, call).map(|job| job.name.clone()) else { return };
        self.jobs.retain(|job| job.name != name);
    }
}

/// Whether a procedure's name stands behind EXEC, with what its status goes to and its schema between.
fn is_called(script: &Script<'_>, at: usize) -> bool {
    let mut before = at;
    while before >= 2 && script.is(before - 1, ".") {
        // `msdb..sp_add_job` leaves the schema out.
        before -= if script.is(before - 2, ".") { 1 } else { 2 };
    }
    let called = |at: usize| script.is(at, "exec") || script.is(at, "execute");
    let status =
        before >= 3 && script.is(before - 1, "=") && script.lexed.kind(before - 2) == Some(Kind::Param);
    before >= 1 && (called(before - 1) || (status && called(before - 3)))
}

/// The arguments behind a procedure's name: `@name = value`, a comma between them.
fn read_call(script: &Script<'_>, at: usize) -> Call {
    let mut call = Call { line: script.line(at), arguments: Vec::new() };
    let mut from = at + 1;
    for position in 0..64 {
        let named = script.lexed.kind(from) == Some(Kind::Param) && script.is(from + 1, "=");
        let value = if named { from + 2 } else { from };
        let end = value_end(script, value);
        let output = ["output", "out"].iter().any(|word| end > value && script.is(end - 1, word));
        let name = if named {
            script.lexed.raw(from).trim_start_matches('@').to_lowercase()
        } else {
            position.to_string()
        };
        if end > value {
            call.arguments.push((name, value, end - usize::from(output)));
        }
        if !script.is(end, ",") {
            break;
        }
        from = end + 1;
    }
    call
}

/// Where a value ends: EXECUTE takes one constant or variable; what is added to it, or a function of it, is read as well,
/// and a label or statement may follow without any sign.
fn value_end(script: &Script<'_>, value: usize) -> usize {
    let mut end = value + 1 + usize::from(script.is(value, "-"));
    loop {
        end = match script.arguments(end) {
            Some((_, after)) => after,
            None if script.is(end, "+") => end + 2,
            None if script.is(end, "output") || script.is(end, "out") => end + 1,
            None => return end.min(script.len()),
        };
    }
}
