//! Celery beat in Python: tables of `beat_schedule` and its older names, `add_periodic_task`, `@periodic_task`. Rules from
//! Celery's "Periodic Tasks" and celery/schedules.py. What a task does is the application's code; schedules that a database
//! holds are not in any file. The zone is what the same tree gives `timezone`, else UTC.

use super::job::{Job, Work, Zone};
use super::python::{self, Call, Module, Node, Round, Value};
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use std::collections::{BTreeMap, BTreeSet};

/// Periodic tasks.
pub struct Beat;

const WORDS: [&str; 6] = [
    "beat_schedule",
    "BEAT_SCHEDULE",
    "add_periodic_task",
    "periodic_task(run_every",
    "CELERYBEAT_SCHEDULE",
    "periodic_task(\n",
];
/// The names of the setting that holds the zone, old and new.
const ZONES: [&str; 3] = ["timezone", "CELERY_TIMEZONE", "CELERY_TIME_ZONE"];

impl SchedulePlace for Beat {
    fn about(&self) -> &'static About {
        &About {
            name: "celery-beat",
            title: "Celery beat: beat_schedule, add_periodic_task, @periodic_task",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        python::has_words(file, &WORDS)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let Some(tree) = python::parse(file, text, out) else { return 0 };
        let module = Module::of(&tree, text);
        let component = python::component(file);
        let mut reader = Reader { module: &module, file, world, component, zone: None, jobs: 0 };
        reader.tables(out);
        reader.calls(out);
        reader.decorators(out);
        module.report_limit(file, out);
        reader.jobs
    }
}

/// Whether a name is that of a table of periodic tasks.
fn is_table(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    let at = last.find("beat_schedule");
    at.is_some_and(|at| {
        let rest = &last[at + "beat_schedule".len()..];
        !rest.starts_with('r') && !rest.starts_with("_filename")
    })
}

struct Reader<'a, 't> {
    module: &'a Module<'t>,
    file: &'a InputFile,
    world: &'a World<'a>,
    component: String,
    /// The zone of the tree, once it was looked for.
    zone: Option<Result<String, String>>,
    jobs: u64,
}

/// One periodic task.
struct Entry<'v> {
    name: String,
    task: String,
    schedule: &'v Value,
    line: u64,
}

impl<'t> Reader<'_, 't> {
    fn gap(&self, line: u64, code: GapCode, detail: &str) -> Gap {
        Gap::new(Place::line(&self.file.path, line), code, scrub(detail).into_owned())
    }

    /// Tables that are given a name, added to one, or given as an argument.
    fn tables(&mut self, out: &mut Evidence) {
        let whole = Round::new();
        let mut nodes = Vec::new();
        for given in self.module.given.iter().filter(|given| is_table(&given.name)) {
            match given.key {
                None => nodes.push(given.value),
                Some(key) => {
                    let value = self.module.value(given.value, &whole);
                    let name = self.module.value(key, &whole).shown();
                    self.entry(&name, &value, python::line(given.value), out);
                }
            }
        }
        for call in &self.module.calls {
            let Some(arguments) = call.child_by_field_name("arguments") else { continue };
            let function = call.child_by_field_name("function").and_then(|it| self.module.dotted(it));
            let updated = function.as_deref().and_then(|name| name.strip_suffix(".update"));
            let mut cursor = arguments.walk();
            for argument in arguments.named_children(&mut cursor) {
                let named = argument.child_by_field_name("name").map(|name| self.module.of_node(name));
                match (named, argument.child_by_field_name("value")) {
                    (Some(name), Some(value)) if is_table(name) => nodes.push(value),
                    (None, _) if updated.is_some_and(is_table) => nodes.push(argument),
                    _ => {}
                }
            }
        }
        // `CELERY = {"beat_schedule": {…}}`.
        for table in &self.module.tables {
            let mut cursor = table.walk();
            for pair in table.named_children(&mut cursor) {
                let sides = (pair.child_by_field_name("key"), pair.child_by_field_name("value"));
                let (Some(key), Some(value)) = sides else { continue };
                if key.kind() == "string" && self.module.value(key, &whole).text().is_some_and(is_table) {
                    nodes.push(value);
                }
            }
        }
        let mut seen = BTreeSet::new();
        for node in nodes {
            if seen.insert(node.start_byte()) {
                self.table(node, out);
            }
        }
    }

    fn table(&mut self, node: Node<'t>, out: &mut Evidence) {
        let line = python::line(node);
        if node.kind() != "dictionary" {
            // A name of a table of this file was read where that is written.
            match self.module.value(node, &Round::new()) {
                Value::Table(entries) => {
                    for (key, value) in entries {
                        self.entry(&key.shown(), &value, line, out);
                    }
                }
                Value::None => {}
                Value::Name(name) if is_table(&name) => {}
                other => {
                    let detail =
                        format!("the periodic tasks of {} are computed: {}", self.component, other.shown());
                    out.add_gap(self.gap(line, GapCode::Unresolved, &detail));
                }
            }
            return;
        }
        let mut cursor = node.walk();
        for pair in node.named_children(&mut cursor).filter(|pair| pair.kind() != "comment") {
            let line = python::line(pair);
            let sides = (pair.child_by_field_name("key"), pair.child_by_field_name("value"));
            let (Some(key), Some(value)) = sides else {
                match pair.named_child(0).map(|inner| self.module.value(inner, &Round::new())) {
                    Some(Value::Table(entries)) => {
                        for (key, value) in entries {
                            self.entry(&key.shown(), &value, line, out);
                        }
                    }
                    Some(Value::Name(name)) if is_table(&name) => {}
                    other => {
                        let shown = other.map_or(String::new(), |other| other.shown());
                        let detail = format!("periodic tasks of {} are computed: {shown}", self.component);
                        out.add_gap(self.gap(line, GapCode::Unresolved, &detail));
                    }
                }
                continue;
            };
            let name = self.module.value(key, &Round::new()).shown();
            let value = self.module.value(value, &Round::new());
            self.entry(&name, &value, line, out);
        }
    }

    /// One entry of a table.
    fn entry(&mut self, name: &str, value: &Value, line: u64, out: &mut Evidence) {
        let (task, schedule) = (value.entry("task"), value.entry("schedule"));
        let (Some(task), Some(schedule)) = (task, schedule) else {
            let detail =
                format!("the periodic task {name} of {} is computed: {}", self.component, value.shown());
            out.add_gap(self.gap(line, GapCode::Unresolved, &detail));
            return;
        };
        // Schedulers of Celery that keep their entries elsewhere know a switch.
        if value.entry("enabled") == Some(&Value::Truth(false)) {
            return;
        }
        self.state(&Entry { name: name.to_owned(), task: task.shown(), schedule, line }, out);
    }

    /// `sender.add_periodic_task(crontab(…), task.s(…), name=…)`.
    fn calls(&mut self, out: &mut Evidence) {
        let mut unnamed: BTreeMap<String, usize> = BTreeMap::new();
        for node in &self.module.calls {
            let function = node.child_by_field_name("function").and_then(|it| self.module.dotted(it));
            if !function
                .is_some_and(|name| name == "add_periodic_task" || name.ends_with(".add_periodic_task"))
            {
                continue;
            }
            for round in self.module.rounds(*node).0 {
                let Some(call) = self.module.call(*node, &round) else { continue };
                let (Some(schedule), Some(task)) = (call.get_or("schedule", 0), call.get_or("sig", 1)) else {
                    continue;
                };
                let task = signature(task);
                let name = match call.get("name") {
                    Some(name) => name.shown(),
                    None => {
                        let times = unnamed.entry(task.clone()).or_default();
                        *times += 1;
                        if *times == 1 { task.clone() } else { format!("{task} ({times})") }
                    }
                };
                self.state(&Entry { name, task, schedule, line: call.line }, out);
            }
        }
    }

    /// `@periodic_task(run_every=crontab(…))`, as Celery had it until version 4.
    fn decorators(&mut self, out: &mut Evidence) {
        for decorated in &self.module.decorated {
            let (decorators, function) = self.module.decorators(*decorated);
            for decorator in decorators.into_iter().filter(|it| it.kind() == "call") {
                let Some(call) = self.module.call(decorator, &Round::new()) else { continue };
                let (true, Some(schedule)) = (call.name() == "periodic_task", call.get("run_every")) else {
                    continue;
                };
                let name = call.get("name").map_or(function.to_owned(), Value::shown);
                let entry = Entry { task: name.clone(), name, schedule, line: call.line };
                self.state(&entry, out);
            }
        }
    }

    fn state(&mut self, entry: &Entry<'_>, out: &mut Evidence) {
        let name = format!("{}/{}", self.component, entry.name);
        let Some(text) = text(entry.schedule) else {
            let detail = format!("the schedule of {name} is computed: {}", entry.schedule.shown());
            out.add_gap(self.gap(entry.line, GapCode::Unresolved, &detail));
            return;
        };
        let zone = match schedule::parse("celery", &text) {
            Err(rejected) => {
                let detail = format!("Celery refuses the schedule of {name}: {}", rejected.reason);
                out.add_gap(self.gap(entry.line, GapCode::BadSchedule, &detail));
                return;
            }
            Ok(read) if read.clock() != schedule::Clock::Calendar => Zone::None,
            Ok(_) => {
                if self.zone.is_none() {
                    self.zone = Some(zone_of_tree(self.module, self.file, self.world));
                }
                match self.zone.clone() {
                    Some(Ok(zone)) => Zone::Stated(Text::from(zone)),
                    Some(Err(why)) => Zone::Unknown(why),
                    None => Zone::OfHost,
                }
            }
        };
        let (environment, scope) = (BTreeMap::new(), scope_of(&self.file.path, &self.file.head_text()));
        let from = Job::of_shell(self.file, self.world, &text, "celery", "", &environment);
        let part = python::function(&entry.task, self.file, self.world);
        let (work, line) = (Work::Code { shown: &entry.task, part }, entry.line);
        Job { host: None, name: Some(&name), zone, work, line, scope, ..from }.state(out);
        self.jobs += 1;
    }
}

/// The name of a task behind `.s(…)` and its like.
fn signature(value: &Value) -> String {
    let name = match value {
        Value::Call(call) => call.callee.clone(),
        other => other.shown(),
    };
    let ends = [".s", ".si", ".signature", ".subtask"];
    ends.iter().find_map(|end| name.strip_suffix(end)).map_or(name.clone(), str::to_owned)
}

/// A schedule as text of the dialect.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Number(seconds) => Some(seconds.to_string()),
        Value::Call(call) => match call.name() {
            "crontab" if !call.open => crontab(call),
            "from_string" => call.arguments.first()?.text().map(str::to_owned),
            "timedelta" => interval(call),
            // `schedule(run_every=…)`.
            "schedule" => text(call.get_or("run_every", 0)?),
            "solar" => {
                let all: Vec<String> = call
                    .arguments
                    .iter()
                    .chain(call.keywords.iter().map(|(_, it)| it))
                    .map(Value::shown)
                    .collect();
                Some(format!("solar({})", all.join(", ")))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The five fields of `crontab(minute, hour, day_of_week, day_of_month, month_of_year)` in the order of a crontab.
fn crontab(call: &Call) -> Option<String> {
    let names = ["minute", "hour", "day_of_week", "day_of_month", "month_of_year"];
    let mut fields = [const { String::new() }; 5];
    for (at, name) in names.iter().enumerate() {
        fields[at] = match call.get_or(name, at) {
            None => "*".to_owned(),
            Some(value) => field(value)?,
        };
    }
    let [minute, hour, weekday, day, month] = fields;
    Some(format!("{minute} {hour} {day} {month} {weekday}"))
}

fn field(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.split_whitespace().collect()),
        Value::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(field).collect();
            items.filter(|items| !items.is_empty()).map(|items| items.join(","))
        }
        _ => None,
    }
}

/// `timedelta(…)` of known numbers.
fn interval(call: &Call) -> Option<String> {
    // `timedelta(days, seconds)`.
    let placed = ["days", "seconds"].into_iter().zip(&call.arguments);
    let named = call.keywords.iter().map(|(name, value)| (name.as_str(), value));
    let parts: Option<Vec<String>> = placed
        .chain(named)
        .map(|(name, value)| match value {
            Value::Number(number) => Some(format!("{name}={number}")),
            _ => None,
        })
        .collect();
    parts
        .filter(|parts| !parts.is_empty() && !call.open)
        .map(|parts| format!("timedelta({})", parts.join(", ")))
}

/// The zone that the file, else the tree around it, gives Celery; UTC where none does (`timezone`, "Configuration and
/// defaults"). The error says why it cannot be told.
fn zone_of_tree(module: &Module<'_>, file: &InputFile, world: &World<'_>) -> Result<String, String> {
    if let Some(zone) = zone_of_module(module) {
        return zone;
    }
    let top = file.path.split('/').next().unwrap_or("");
    let has = |other: &InputFile, word: &str| memchr::memmem::find(&other.head, word.as_bytes()).is_some();
    let others = world.inputs.files.iter().filter(|other| {
        other.name().ends_with(".py")
            && other.path != file.path
            && other.path.split('/').next() == Some(top)
            && scope_of(&other.path, "") == scope_of(&file.path, "")
            && (has(other, "CELERY_TIMEZONE") || has(other, "conf.timezone") || has(other, "conf.update"))
    });
    let mut zones = BTreeSet::new();
    for other in others {
        let Ok(text) = other.text() else { continue };
        let Some(tree) = python::parse(other, &text, &mut Evidence::new()) else { continue };
        zones.extend(zone_of_module(&Module::of(&tree, &text)));
    }
    match zones.len() {
        0 => Ok("UTC".to_owned()),
        1 => zones.pop_first().unwrap_or_else(|| Ok("UTC".to_owned())),
        _ => Err("files of this tree give Celery different timezones".to_owned()),
    }
}

/// `app.conf.timezone = …`, `CELERY_TIMEZONE = …`, `app.conf.update(timezone=…)`.
fn zone_of_module(module: &Module<'_>) -> Option<Result<String, String>> {
    let whole = Round::new();
    let assigned = module.given.iter().filter(|given| {
        let last = given.name.rsplit('.').next().unwrap_or("");
        // A plain `timezone` is Celery's in a file that also holds its table.
        let plain = given.name == "timezone"
            && !module.given.iter().any(|it| is_table(&it.name) && it.name == "beat_schedule");
        given.key.is_none() && ZONES.contains(&last) && !plain
    });
    let mut values: Vec<Value> = assigned.map(|given| module.value(given.value, &whole)).collect();
    for call in &module.calls {
        let Some(callee) = module.callee(*call) else { continue };
        if callee.ends_with("conf.update") || callee.rsplit('.').next() == Some("Celery") {
            let call = module.call(*call, &whole);
            values.extend(
                call.and_then(|call| call.get("timezone").or_else(|| call.get("CELERY_TIMEZONE")).cloned()),
            );
        }
    }
    let zone = |value: &Value| match value {
        Value::Text(name) => schedule::zone(name).map(|_| name.clone()),
        Value::Call(call) if matches!(call.name(), "timezone" | "ZoneInfo") => {
            let name = call.arguments.first()?.text()?;
            schedule::zone(name).map(|_| name.to_owned())
        }
        Value::Name(name) if name.to_ascii_lowercase().ends_with(".utc") => Some("UTC".to_owned()),
        _ => None,
    };
    let last = values.last()?;
    Some(zone(last).ok_or_else(|| format!("the timezone of Celery is computed: {}", last.shown())))
}
