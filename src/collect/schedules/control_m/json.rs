//! Jobs as code: folders with jobs, flows and events in them, and defaults that hold for all.

use super::super::node::Node;
use super::super::yaml;
use super::define::{Defined, Does};

/// How deep folders may lie in each other.
const MAX_DEPTH: usize = 16;

/// All jobs of a text, and why the rest could not be read.
pub(super) fn jobs(text: &str) -> (Vec<Defined>, Option<String>) {
    let read = yaml::read(text);
    let mut found = Vec::new();
    for document in &read.documents {
        let defaults = document.get("Defaults");
        for (name, object) in document.entries() {
            let (Some(name), Some(kind)) = (name.text(), kind(object)) else { continue };
            if matches!(kind, "Folder" | "SimpleFolder" | "SubFolder") {
                folder(name, object, &[object], &Defaults(defaults), 0, &mut found);
            }
        }
    }
    (found, read.broken.map(|(line, why)| format!("line {line}: {why}")))
}

fn kind(object: &Node) -> Option<&str> {
    object.get("Type").and_then(Node::text)
}

/// What holds where an object says nothing: for all, for its kind, and for the first part of its kind.
struct Defaults<'a>(Option<&'a Node>);

impl<'a> Defaults<'a> {
    fn get(&self, kind: &str, key: &str) -> Option<&'a Node> {
        let defaults = self.0?;
        let family = kind.split(':').next().unwrap_or(kind);
        let of_kind = defaults.get(kind).and_then(|of| of.get(key));
        of_kind.or_else(|| defaults.get(family)?.get(key)).or_else(|| defaults.get(key))
    }
}

/// The jobs of a folder, those of its subfolders among them.
fn folder(
    path: &str,
    object: &Node,
    folders: &[&Node],
    defaults: &Defaults<'_>,
    depth: usize,
    found: &mut Vec<Defined>,
) {
    if depth > MAX_DEPTH {
        return;
    }
    let first = found.len();
    let listed = object.get("Jobs").map_or(&[][..], Node::items);
    let listed = listed.iter().filter_map(|job| Some((job.get("Name")?.text()?, job, job.line)));
    let named = object.entries().iter().filter_map(|(name, job)| Some((name.text()?, job, name.line)));
    let mut flows: Vec<Vec<&str>> = Vec::new();
    for (name, inner, line) in named.chain(listed) {
        let Some(kind) = kind(inner) else { continue };
        let path = format!("{path}/{name}");
        if kind == "SubFolder" {
            let folders: Vec<&Node> = folders.iter().copied().chain([inner]).collect();
            folder(&path, inner, &folders, defaults, depth + 1, found);
        } else if kind.starts_with("Job") {
            found.push(job(path, inner, kind, line, folders, defaults));
        } else if kind == "Flow" {
            let sequence = inner.get("Sequence").map_or(&[][..], Node::items);
            flows.push(sequence.iter().filter_map(Node::text).collect());
        }
    }
    // A flow of a folder may name the jobs of its subfolders as `sub:job`.
    for pair in flows.iter().flat_map(|flow| flow.windows(2)) {
        let whole = |name: &str| format!("{path}/{}", name.replace(':', "/"));
        let (before, behind) = (whole(pair[0]), whole(pair[1]));
        if found[first..].iter().any(|job| job.name == before) {
            found[first..]
                .iter_mut()
                .filter(|job| job.name == behind)
                .for_each(|job| job.after.push(before.clone()));
        }
    }
}

fn job(
    name: String,
    job: &Node,
    kind: &str,
    line: u64,
    folders: &[&Node],
    defaults: &Defaults<'_>,
) -> Defined {
    // A folder's own settings hold for its jobs.
    let given = |key: &str| -> Option<&Node> {
        let of_folders = || folders.iter().rev().find_map(|folder| folder.get(key));
        job.get(key).or_else(of_folders).or_else(|| defaults.get(kind, key))
    };
    let text = |key: &str| given(key).and_then(Node::text).filter(|text| !text.is_empty()).map(str::to_owned);
    let own = |key: &str| job.get(key).and_then(Node::text).map(str::to_owned);
    let does = match kind {
        "Job:Command" => own("Command").map_or(Does::Nothing, Does::Command),
        "Job:Script" => match (text("FilePath"), own("FileName")) {
            (Some(path), Some(file)) => {
                let sign = if path.contains('\\') { '\\' } else { '/' };
                Does::Script(format!("{}{sign}{file}", path.trim_end_matches(sign)))
            }
            _ => Does::Other(kind.to_owned()),
        },
        "Job:EmbeddedScript" => own("Script").map_or(Does::Nothing, Does::Command),
        "Job:Dummy" => Does::Nothing,
        _ if kind.starts_with("Job:FileWatcher") => own("Path").map_or(Does::Nothing, Does::Watches),
        _ => Does::Other(kind.to_owned()),
    };
    let mut waits = Vec::new();
    let (mut adds, mut all) = (Vec::new(), true);
    for (_, inner) in job.entries() {
        let events = inner.get("Events").map_or(&[][..], Node::items);
        match inner.get("Type").and_then(Node::text) {
            Some("WaitForEvents") => {
                all &= events
                    .iter()
                    .all(|event| event.text().is_none_or(|sign| !sign.eq_ignore_ascii_case("OR")));
                all &= events.iter().all(today);
                waits.extend(events.iter().filter_map(|event| event.get("Event")?.text().map(str::to_owned)));
            }
            Some("AddEvents") => {
                let today = events.iter().filter(|event| today(event));
                adds.extend(today.filter_map(|event| event.get("Event")?.text().map(str::to_owned)));
            }
            _ => {}
        }
    }
    let when = given("When");
    let variables = given("Variables").map_or(&[][..], Node::items).iter().flat_map(Node::entries);
    Defined {
        name,
        line,
        schedule: schedule(job, when),
        host: text("Host"),
        account: text("RunAs"),
        zone: text("TimeZone"),
        does,
        variables: variables
            .filter_map(|(name, value)| Some((name.text()?.to_owned(), value.text()?.to_owned())))
            .collect(),
        waits,
        all,
        after: Vec::new(),
        adds,
    }
}

/// Whether an event is of the job's own order date.
fn today(event: &Node) -> bool {
    event.get("Date").and_then(Node::text).is_none_or(|date| date == "OrderDate")
}

fn schedule(job: &Node, when: Option<&Node>) -> String {
    let mut parts = Vec::new();
    let list = |key: &str| {
        let items = when?.get(key)?.items();
        let texts: Vec<&str> = items.iter().filter_map(Node::text).collect();
        (!texts.is_empty()).then(|| texts.join(",").to_ascii_uppercase().replace(' ', ""))
    };
    let text = |key: &str| when?.get(key)?.text().filter(|text| !text.is_empty());
    if text("Schedule").is_some_and(|it| it.eq_ignore_ascii_case("never")) {
        parts.push("ORDER=HAND".to_owned());
    }
    parts.extend(list("Months").map(|months| format!("MONTHS={months}")));
    let (days, weekdays) = (list("MonthDays"), list("WeekDays"));
    let relative = |days: &String| days.split(',').any(|day| day.starts_with(['D', '+', '-', '>', '<', '*']));
    let calendar = [
        "RuleBasedCalendars",
        "DaysCalendar",
        "MonthDaysCalendar",
        "WeekDaysCalendar",
        "ConfirmationCalendars",
        "Dates",
        "SpecificDates",
    ];
    let calendar = calendar.iter().find(|key| when.is_some_and(|when| when.get(key).is_some()));
    let relation = match text("DaysRelation").map(str::to_ascii_uppercase).as_deref() {
        Some("AND") => Some("A"),
        Some("OR") => Some("O"),
        _ => None,
    };
    if days.as_ref().is_some_and(relative) || weekdays.as_ref().is_some_and(relative) {
        parts.push("RELATIVE=Y".to_owned());
    } else {
        if let (Some(_), Some(_), Some(relation)) = (&days, &weekdays, relation) {
            parts.push(format!("DAYS_AND_OR={relation}"));
        }
        parts.extend(days.map(|days| format!("DAYS={days}")));
        parts.extend(weekdays.map(|days| format!("WEEKDAYS={days}")));
    }
    parts.extend(calendar.map(|key| format!("CALENDAR={key}")));
    for (key, known) in [("FromTime", "TIMEFROM"), ("ToTime", "TIMETO")] {
        parts.extend(text(key).filter(|time| *time != ">").map(|time| format!("{known}={time}")));
    }
    parts.extend(again(job));
    if parts.is_empty() { "DAYS=ALL".to_owned() } else { parts.join(" ") }
}

/// How a cyclic job comes again.
fn again(job: &Node) -> Option<String> {
    if let Some(rerun) = job.get("Rerun") {
        let every = rerun.get("Every")?.text()?;
        let unit = rerun.get("Units").and_then(Node::text).unwrap_or("Minutes").chars().next()?;
        let from_end =
            rerun.get("From").and_then(Node::text).is_some_and(|from| from.eq_ignore_ascii_case("end"));
        return Some(format!("EVERY={every}{unit}{}", if from_end { " FROM_END=Y" } else { "" }));
    }
    let times = job.get("RerunSpecificTimes")?.get("At")?.items();
    let times: Vec<&str> = times.iter().filter_map(Node::text).collect();
    (!times.is_empty()).then(|| format!("TIMES={}", times.join(",")))
}
