//! Tasks of the Windows Task Scheduler: its own files and exports (XML of the "Task Scheduler Schema": files below
//! `Windows\System32\Tasks`, `schtasks /query /xml`, `Export-ScheduledTask`), and scripts that create them with
//! `schtasks` or `Register-ScheduledTask`. A task runs programs by Windows' rules for command lines; of those, clients that are alike everywhere
//! (`sqlcmd`, `curl`, `python x.py`) are read, everything else is shown. What a COM handler does is not read.

mod off;
mod powershell;
mod register;
mod schtasks;
mod words;

pub use register::Registered;
pub use schtasks::Schtasks;
pub(super) use words::{Steps, is_of_windows};

use super::job::{Job, zone_of};
use super::xml::{self, Element};
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use std::collections::BTreeMap;

const DIALECT: &str = "windows-task";
/// The name space of the schema.
const SCHEMA: &[u8] = b"schemas.microsoft.com/windows/2004/02/mit/task";
/// Triggers that no clock fires, and what the dialect calls them.
const HAPPENINGS: [(&str, &str); 7] = [
    ("BootTrigger", "boot"),
    ("LogonTrigger", "logon"),
    ("SessionStateChangeTrigger", "session"),
    ("IdleTrigger", "idle"),
    ("RegistrationTrigger", "registration"),
    ("EventTrigger", "event"),
    ("WnfStateChangeTrigger", "event"),
];
/// Settings that hold a task back, and the value that says nothing.
const GUARDS: [(&str, &str); 4] = [
    ("MultipleInstancesPolicy", ""),
    ("StartWhenAvailable", "false"),
    ("RunOnlyIfIdle", "false"),
    ("RunOnlyIfNetworkAvailable", "false"),
];

/// Tasks as XML.
pub struct Tasks;

impl SchedulePlace for Tasks {
    fn about(&self) -> &'static About {
        &About {
            name: "windows-task",
            title: "Windows Task Scheduler: tasks as XML",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let begins = file.head.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        begins == Some(b'<') && memchr::memmem::find(&file.head, SCHEMA).is_some()
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let (root, broken) = xml::read(text);
        if let Some(reason) = broken {
            out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Unparsed, reason));
        }
        let mut tasks = Vec::new();
        root.all("Task", &mut tasks);
        let several = tasks.len() > 1;
        let of_tasks = |task: &&&Element| task.child("Triggers").is_some();
        let stated = tasks.iter().filter(of_tasks).filter(|task| {
            let name = name(file, task, several);
            state(file, world, task, &name, out)
        });
        stated.count() as u64
    }
}

/// What the scheduler calls a task: its path there, without the first backslash. Where no host keeps it apart from
/// another's, the folder it was found in stands before it.
fn name(file: &InputFile, task: &Element, several: bool) -> String {
    let uri = task.child("RegistrationInfo").and_then(|info| info.text_of("URI"));
    // `schtasks /query /xml` writes the path as a comment.
    let told = Some(task.comment.as_str()).filter(|comment| comment.starts_with('\\'));
    let own = match told.or(uri) {
        Some(path) => path.trim_start_matches('\\').replace('\\', "/"),
        None => {
            let below = file.inner.split_once("Windows/System32/Tasks/").map(|(_, below)| below);
            let stem = below.unwrap_or_else(|| file.name());
            let stem = stem.strip_suffix(".xml").unwrap_or(stem);
            if several { format!("{stem} ({})", task.line) } else { stem.to_owned() }
        }
    };
    within(file, own)
}

/// The name of a task that a script creates; one that the script computes is told by where it stands.
fn created(file: &InputFile, task: &str, line: u64) -> String {
    let task = task.replace('\\', "/");
    let task = task.trim_matches('/');
    if schedule::has_placeholder(task) || task.contains('%') {
        return within(file, format!("{} ({line})", file.name()));
    }
    within(file, task.to_owned())
}

/// A name with its folder in front, where the file lies on no known host.
fn within(file: &InputFile, name: String) -> String {
    match file.path.rsplit('/').nth(1) {
        Some(folder) if file.host.is_none() => format!("{folder}/{name}"),
        _ => name,
    }
}

/// States a task that is on and that something starts; whether it is one.
fn state(file: &InputFile, world: &World<'_>, task: &Element, name: &str, out: &mut Evidence) -> bool {
    let settings = task.child("Settings");
    let off = |of: Option<&Element>| {
        of.and_then(|of| of.text_of("Enabled")).is_some_and(|it| matches!(it, "false" | "0"))
    };
    if off(settings) {
        return false;
    }
    let (mut schedules, mut line) = (Vec::new(), task.line);
    for trigger in task.child("Triggers").iter().flat_map(|triggers| &triggers.children) {
        if off(Some(trigger)) {
            continue;
        }
        let text = written(trigger);
        let read =
            text.and_then(|text| schedule::parse(DIALECT, &text).map(|_| text).map_err(|why| why.reason));
        match read {
            Ok(text) => {
                if schedules.is_empty() {
                    line = trigger.line;
                }
                schedules.push(text);
            }
            Err(why) => {
                let why = format!("{name}: Task Scheduler has no such {}: {why}", trigger.name);
                let place = Place::line(&file.path, trigger.line);
                out.add_gap(Gap::new(place, GapCode::BadSchedule, scrub(&why).into_owned()));
            }
        }
    }
    if schedules.is_empty() {
        return false;
    }
    let guards = GUARDS.iter().filter_map(|(key, nothing)| {
        let value = settings?.text_of(key).filter(|value| value != nothing)?;
        Some(Text::from(format!("{key}={value}")))
    });
    let principal = task.child("Principals").and_then(|all| all.child("Principal"));
    let account = principal.and_then(|principal| principal.text_of("UserId")).and_then(account);
    let mut steps = words::Steps::default();
    for action in task.child("Actions").iter().flat_map(|actions| &actions.children) {
        match action.name.as_str() {
            "Exec" => {
                let text = |name: &str| action.text_of(name).unwrap_or("");
                steps.add(text("Command"), text("Arguments"), text("WorkingDirectory"), action.line);
            }
            "ComHandler" => {
                steps.shown.push(format!("COM {}", action.text_of("ClassId").unwrap_or("handler")))
            }
            _ => {}
        }
    }
    let environment = BTreeMap::new();
    let job = Job::of_shell(file, world, "", DIALECT, "", &environment);
    let (zone, guards) = (zone_of(DIALECT, &schedules), guards.collect());
    let scope = scope_of(&file.path, "");
    let shown = steps.shown.join("; ");
    let work = steps.work(&shown, &file.path);
    Job { name: Some(name), schedules, zone, account, work, guards, line, scope, ..job }.state(out);
    true
}

/// An account by its name; the well-known identifiers of services have one.
fn account(written: &str) -> Option<Text> {
    let known = match written.to_ascii_uppercase().as_str() {
        "S-1-5-18" | "NT AUTHORITY\\SYSTEM" | "SYSTEM" => "SYSTEM",
        "S-1-5-19" => "LOCAL SERVICE",
        "S-1-5-20" => "NETWORK SERVICE",
        _ => written,
    };
    (!schedule::has_placeholder(known)).then(|| Text::from(known))
}

/// A trigger as the dialect has it; the error says what is missing.
fn written(trigger: &Element) -> Result<String, String> {
    if let Some((_, what)) = HAPPENINGS.iter().find(|(name, _)| *name == trigger.name) {
        let delay = trigger.text_of("Delay").map(|delay| format!(" delay {delay}"));
        return Ok(format!("{what}{}{}", delay.unwrap_or_default(), repeat(trigger)));
    }
    let start = trigger.text_of("StartBoundary").ok_or("it has no StartBoundary")?;
    let days = match trigger.name.as_str() {
        "TimeTrigger" => "once".to_owned(),
        "CalendarTrigger" => days(trigger)?,
        _ => return Err("nobody here knows it".to_owned()),
    };
    let random = trigger.text_of("RandomDelay").map(|delay| format!(" random {delay}"));
    let until = trigger.text_of("EndBoundary").map(|end| format!(" until={end}"));
    let (random, until) = (random.unwrap_or_default(), until.unwrap_or_default());
    Ok(format!("start={start} {days}{}{random}{until}", repeat(trigger)))
}

fn repeat(trigger: &Element) -> String {
    let Some(repetition) = trigger.child("Repetition") else { return String::new() };
    let Some(interval) = repetition.text_of("Interval") else { return String::new() };
    let whole = repetition.text_of("Duration").map(|whole| format!(" for {whole}"));
    format!(" repeat {interval}{}", whole.unwrap_or_default())
}

/// The days of a calendar trigger.
fn days(trigger: &Element) -> Result<String, String> {
    // Days and months are elements without content of their names; days and weeks of a month have texts.
    let names = |of: &Element, list: &str| -> String {
        let list = of.child(list).map_or(&[][..], |list| &list.children);
        let told = list.iter().map(|it| if it.text.is_empty() { it.name.as_str() } else { it.text.as_str() });
        told.collect::<Vec<_>>().join(",")
    };
    let months = |of: &Element| match of.child("Months").map_or(0, |months| months.children.len()) {
        0 | 12 => String::new(),
        _ => format!(" of {}", names(of, "Months")),
    };
    if let Some(of) = trigger.child("ScheduleByDay") {
        let number = of.text_of("DaysInterval").unwrap_or("1");
        return Ok(format!("every {number} {}", if number == "1" { "day" } else { "days" }));
    }
    if let Some(of) = trigger.child("ScheduleByWeek") {
        let number = of.text_of("WeeksInterval").unwrap_or("1");
        let unit = if number == "1" { "week" } else { "weeks" };
        return Ok(format!("every {number} {unit} on {}", names(of, "DaysOfWeek")));
    }
    if let Some(of) = trigger.child("ScheduleByMonth") {
        return Ok(format!("each month on {}{}", names(of, "DaysOfMonth"), months(of)));
    }
    if let Some(of) = trigger.child("ScheduleByMonthDayOfWeek") {
        let number = |week: &str| match week {
            "1" => "first".to_owned(),
            "2" => "second".to_owned(),
            "3" => "third".to_owned(),
            "4" => "fourth".to_owned(),
            other => other.to_lowercase(),
        };
        // Where weeks are left out, the schema means none; nothing of ours then fits.
        let weeks: Vec<String> = names(of, "Weeks").split(',').map(number).collect();
        return Ok(format!("each month on {} {}{}", weeks.join(","), names(of, "DaysOfWeek"), months(of)));
    }
    Err("no days are told".to_owned())
}
