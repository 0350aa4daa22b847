//! Jobs of APScheduler 3 in Python: `add_job`, `@….scheduled_job` and Flask-APScheduler's `@….task` with a trigger, triggers
//! as objects, and tables of jobs (`JOBS`). Rules from APScheduler's user guide and its triggers. What a function does is
//! the application's code; a job without a trigger, or at one moment that a run computes, runs once and is no schedule.

use super::job::{Job, Work, Zone};
use super::python::{self, Call, Module, Round, Value};
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use std::collections::BTreeMap;

/// Jobs of an application.
pub struct Jobs;

const FIELDS: [&str; 8] = ["year", "month", "day", "week", "day_of_week", "hour", "minute", "second"];
const UNITS: [&str; 5] = ["weeks", "days", "hours", "minutes", "seconds"];

impl SchedulePlace for Jobs {
    fn about(&self) -> &'static About {
        &About {
            name: "apscheduler",
            title: "APScheduler: add_job and scheduled_job with a trigger",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        python::has_words(file, &["add_job(", "scheduled_job(", "apscheduler"])
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let Some(tree) = python::parse(file, text, out) else { return 0 };
        let module = Module::of(&tree, text);
        let component = python::component(file);
        let zone = scheduler_zone(&module);
        let mut reader =
            Reader { module: &module, file, world, component, zone, names: BTreeMap::new(), jobs: 0 };
        reader.calls(out);
        reader.decorators(out);
        reader.tables(out);
        module.report_limit(file, out);
        reader.jobs
    }
}

struct Reader<'a, 't> {
    module: &'a Module<'t>,
    file: &'a InputFile,
    world: &'a World<'a>,
    component: String,
    /// What the schedulers of the file are given as their zone.
    zone: Option<Value>,
    /// How often a name was used.
    names: BTreeMap<String, usize>,
    jobs: u64,
}

/// A job's trigger.
#[derive(Default)]
struct Trigger {
    schedules: Vec<String>,
    zone: Option<Value>,
    guards: Vec<Text>,
}

impl Reader<'_, '_> {
    fn gap(&self, line: u64, code: GapCode, detail: &str) -> Gap {
        Gap::new(Place::line(&self.file.path, line), code, scrub(detail).into_owned())
    }

    /// `scheduler.add_job(function, trigger, …)`.
    fn calls(&mut self, out: &mut Evidence) {
        for node in &self.module.calls {
            let name = self.module.callee(*node);
            if !name.is_some_and(|name| name.ends_with(".add_job")) {
                continue;
            }
            for round in self.module.rounds(*node).0 {
                let Some(call) = self.module.call(*node, &round) else { continue };
                // A trigger by its place alone would be taken for one of another library's `add_job`.
                let Some(trigger) =
                    call.get_or("trigger", 1).filter(|it| is_trigger(it) || call.get("trigger").is_some())
                else {
                    continue;
                };
                let work = call.get_or("func", 0).map_or("a function".to_owned(), function);
                let id = call.get("id").or_else(|| call.get("name")).and_then(Value::whole_text);
                let id = id.map_or_else(|| work.clone(), str::to_owned);
                self.state(&id, &work, trigger, &call, out);
            }
        }
    }

    /// `@scheduler.scheduled_job('cron', …)`, `@scheduler.task('interval', …)`.
    fn decorators(&mut self, out: &mut Evidence) {
        for decorated in &self.module.decorated {
            let (decorators, function) = self.module.decorators(*decorated);
            for decorator in decorators.into_iter().filter(|it| it.kind() == "call") {
                let Some(call) = self.module.call(decorator, &Round::new()) else { continue };
                let known =
                    call.name() == "scheduled_job" || (call.name() == "task" && call.callee.contains('.'));
                let Some(trigger) = call.get_or("trigger", 0).filter(|it| known && is_trigger(it)) else {
                    continue;
                };
                let id = call.get("id").or_else(|| call.get("name")).and_then(Value::whole_text);
                let id = id.unwrap_or(function).to_owned();
                self.state(&id, function, trigger, &call, out);
            }
        }
    }

    /// `{"id": …, "func": …, "trigger": "cron", "hour": 5}`.
    fn tables(&mut self, out: &mut Evidence) {
        for node in &self.module.tables {
            let table = self.module.value(*node, &Round::new());
            let Value::Table(entries) = &table else { continue };
            let (Some(trigger), Some(work)) = (table.entry("trigger"), table.entry("func")) else { continue };
            if !is_trigger(trigger) {
                continue;
            }
            let named = |(key, value): &(Value, Value)| Some((key.text()?.to_owned(), value.clone()));
            let call = Call {
                callee: "add_job".to_owned(),
                on: None,
                arguments: Vec::new(),
                keywords: entries.iter().filter_map(named).collect(),
                open: false,
                line: python::line(*node),
            };
            let work = function(work);
            let id =
                table.entry("id").and_then(Value::whole_text).map_or_else(|| work.clone(), str::to_owned);
            self.state(&id, &work, trigger, &call, out);
        }
    }

    fn state(&mut self, id: &str, work: &str, trigger: &Value, call: &Call, out: &mut Evidence) {
        let times = self.names.entry(id.to_owned()).or_default();
        *times += 1;
        let name = match *times {
            1 => format!("{}/{id}", self.component),
            times => format!("{}/{id} ({times})", self.component),
        };
        let trigger = match read(trigger, call) {
            Ok(trigger) => trigger,
            // A moment that a run computes is no schedule: the job runs once, as one without a trigger does.
            Err(_) if is_date(trigger) => return,
            Err(why) => {
                let detail = format!("the trigger of {name} is computed: {why}");
                out.add_gap(self.gap(call.line, GapCode::Unresolved, &detail));
                return;
            }
        };
        let mut clocked = false;
        for text in &trigger.schedules {
            match schedule::parse("apscheduler", text) {
                Ok(read) => clocked |= read.clock() == schedule::Clock::Calendar,
                Err(rejected) => {
                    let detail = format!("APScheduler refuses the trigger of {name}: {}", rejected.reason);
                    out.add_gap(self.gap(call.line, GapCode::BadSchedule, &detail));
                    return;
                }
            }
        }
        let zone = match trigger.zone.as_ref().or(self.zone.as_ref()) {
            _ if !clocked => Zone::None,
            None => Zone::OfHost,
            Some(value) => match zone_name(value) {
                Some(zone) => Zone::Stated(Text::from(zone)),
                None => Zone::Unknown(format!("the timezone of {name} is computed: {}", value.shown())),
            },
        };
        let (environment, scope) = (BTreeMap::new(), scope_of(&self.file.path, &self.file.head_text()));
        let from = Job::of_shell(self.file, self.world, "", "apscheduler", "", &environment);
        let Trigger { schedules, guards, .. } = trigger;
        let part = python::function(work, self.file, self.world);
        let (line, host) = (call.line, self.file.host.clone());
        let work = Work::Code { shown: work, part };
        Job { host, name: Some(&name), schedules, zone, work, guards, line, scope, ..from }.state(out);
        self.jobs += 1;
    }
}

/// Whether a value is a trigger by its own text.
fn is_trigger(value: &Value) -> bool {
    match value {
        Value::Text(text) => matches!(text.as_str(), "cron" | "interval" | "date"),
        Value::Call(call) => call.name() == "from_crontab" || call.name().ends_with("Trigger"),
        _ => false,
    }
}

/// Whether a trigger is one moment.
fn is_date(value: &Value) -> bool {
    value.text() == Some("date") || value.call().is_some_and(|call| call.name() == "DateTrigger")
}

/// What is called, as it is shown.
fn function(value: &Value) -> String {
    match value {
        Value::Call(call) if call.name() == "partial" => {
            call.arguments.first().map_or(value.shown(), function)
        }
        other => other.shown(),
    }
}

/// A trigger, with the arguments of the call where it is only named; the error says what is computed.
fn read(trigger: &Value, call: &Call) -> Result<Trigger, String> {
    let computed = || Err(trigger.shown());
    match trigger {
        Value::Text(kind) if call.open => Err(format!("{kind} with arguments that cannot be seen")),
        Value::Text(kind) => of_kind(kind, call),
        Value::Call(own) if own.open => Err(own.callee.clone() + " with arguments that cannot be seen"),
        Value::Call(own) => match own.name() {
            "CronTrigger" => of_kind("cron", own),
            "IntervalTrigger" => of_kind("interval", own),
            "DateTrigger" => of_kind("date", own),
            "from_crontab" => match own.get_or("expr", 0).and_then(Value::text) {
                Some(text) => Ok(Trigger {
                    schedules: vec![text.to_owned()],
                    zone: own.get_or("timezone", 1).cloned(),
                    guards: Vec::new(),
                }),
                None => computed(),
            },
            "OrTrigger" => match own.get_or("triggers", 0) {
                Some(Value::List(parts)) if !parts.is_empty() => {
                    let mut all = Trigger::default();
                    for part in parts {
                        let part = read(part, own)?;
                        all.schedules.extend(part.schedules);
                        all.zone = all.zone.or(part.zone);
                        all.guards.extend(part.guards);
                    }
                    Ok(all)
                }
                _ => computed(),
            },
            _ => computed(),
        },
        _ => computed(),
    }
}

/// `cron[…]`, `interval[…]` or `date[…]` of a call's arguments.
fn of_kind(kind: &str, call: &Call) -> Result<Trigger, String> {
    let mut parts = Vec::new();
    let mut guards = Vec::new();
    for (name, value) in &call.keywords {
        let taken = match kind {
            "cron" => FIELDS.contains(&name.as_str()) || name == "jitter",
            "interval" => UNITS.contains(&name.as_str()),
            _ => false,
        };
        let shown = match value {
            Value::None => continue,
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other if taken => return Err(format!("{name} is {}", other.shown())),
            _ => continue,
        };
        match (taken, name.as_str()) {
            (true, _) if kind == "cron" => parts.push(format!("{name}='{shown}'")),
            (true, _) => parts.push(format!("{name}={shown}")),
            (false, "start_date" | "end_date" | "jitter" | "max_instances") if kind != "date" => {
                guards.push(Text::from(format!("{name}={shown}")));
            }
            _ => {}
        }
    }
    // `CronTrigger(year, month, …)`, `IntervalTrigger(weeks, …)`; of `add_job` the places are others'.
    if call.name().ends_with("Trigger") {
        let names: &[&str] = if kind == "cron" { &FIELDS } else { &UNITS };
        for (name, value) in names.iter().zip(&call.arguments).filter(|_| kind != "date") {
            match value {
                Value::None => {}
                Value::Text(_) | Value::Number(_) => {
                    let quote = if kind == "cron" { "'" } else { "" };
                    parts.push(format!("{name}={quote}{}{quote}", value.shown()));
                }
                other => return Err(format!("{name} is {}", other.shown())),
            }
        }
    }
    let text = match kind {
        "date" => {
            let at = call
                .get("run_date")
                .or_else(|| call.arguments.first().filter(|_| call.name() == "DateTrigger"));
            date(at)?
        }
        // Without a length it is a second.
        "interval" if parts.is_empty() => "interval[seconds=1]".to_owned(),
        kind => format!("{kind}[{}]", parts.join(", ")),
    };
    Ok(Trigger { schedules: vec![text], zone: call.get("timezone").cloned(), guards })
}

/// `date[…]` of a literal date; one that is told at run time is a moment that nobody can tell from here.
fn date(at: Option<&Value>) -> Result<String, String> {
    match at {
        Some(Value::Text(text)) => Ok(format!("date[{text}]")),
        Some(Value::Call(call)) if matches!(call.name(), "datetime" | "date") => {
            let parts: Option<Vec<i64>> = call
                .arguments
                .iter()
                .map(|it| match it {
                    Value::Number(number) => Some(*number as i64),
                    _ => None,
                })
                .collect();
            let parts = parts.filter(|parts| (3..=6).contains(&parts.len()) && call.keywords.is_empty());
            let at = |parts: &[i64], at: usize| parts.get(at).copied().unwrap_or(0);
            parts.map_or_else(
                || Err(call.callee.clone()),
                |parts| {
                    let time = [3, 4, 5].map(|place| format!("{:02}", at(&parts, place))).join(":");
                    Ok(format!("date[{:04}-{:02}-{:02} {time}]", parts[0], parts[1], parts[2]))
                },
            )
        }
        Some(other) => Err(other.shown()),
        None => Err("it runs once, at once".to_owned()),
    }
}

/// The zone that schedulers of the file are made or configured with.
fn scheduler_zone(module: &Module<'_>) -> Option<Value> {
    let mut zones: Vec<Value> = Vec::new();
    for node in &module.calls {
        let Some(callee) = module.callee(*node) else { continue };
        let last = callee.rsplit('.').next().unwrap_or("");
        if !(last.ends_with("Scheduler") || callee.ends_with(".configure")) {
            continue;
        }
        let call = module.call(*node, &Round::new());
        zones.extend(call.and_then(|call| call.get("timezone").cloned()));
    }
    let set = module.given.iter().filter(|given| given.key.is_none() && given.name == "SCHEDULER_TIMEZONE");
    zones.extend(set.map(|given| module.value(given.value, &Round::new())));
    zones.dedup();
    if zones.len() < 2 { zones.pop() } else { Some(Value::Unknown("several zones".to_owned())) }
}

/// The name of a zone that an expression stands for.
fn zone_name(value: &Value) -> Option<String> {
    let name = match value {
        Value::Text(text) => text.clone(),
        Value::Call(call) if matches!(call.name(), "timezone" | "ZoneInfo" | "gettz") => {
            call.arguments.first().or_else(|| call.get("key"))?.text()?.to_owned()
        }
        Value::Name(name) if name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("utc")) => {
            "UTC".to_owned()
        }
        _ => return None,
    };
    let name = if name.eq_ignore_ascii_case("utc") { "UTC".to_owned() } else { name };
    schedule::zone(&name).map(|_| name)
}
