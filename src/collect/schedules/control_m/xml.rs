//! Definitions in XML: folders, smart folders whose jobs may go by a rule-based calendar of theirs, and jobs with their
//! conditions.

use super::super::xml::{self, Element};
use super::define::{Defined, Does};

const FOLDERS: [&str; 8] = [
    "FOLDER",
    "SMART_FOLDER",
    "SUB_FOLDER",
    "SCHED_TABLE",
    "SMART_TABLE",
    "SCHED_GROUP",
    "TABLE",
    "SUB_TABLE",
];
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// All jobs of a text, and why the rest could not be read.
pub(super) fn jobs(text: &str) -> (Vec<Defined>, Option<String>) {
    let (root, broken) = xml::read(text);
    let mut found = Vec::new();
    walk(&root, &[], &mut found);
    (found, broken)
}

fn walk<'a>(element: &'a Element, folders: &[&'a Element], found: &mut Vec<Defined>) {
    for child in &element.children {
        if FOLDERS.contains(&child.name.as_str()) {
            let inner: Vec<&Element> = folders.iter().copied().chain([child]).collect();
            walk(child, &inner, found);
        } else if child.name == "JOB" {
            found.extend(job(child, folders));
        } else {
            walk(child, folders, found);
        }
    }
}

/// What a folder is called.
fn folder_name(folder: &Element) -> Option<&str> {
    ["FOLDER_NAME", "TABLE_NAME", "JOBNAME"].iter().find_map(|name| folder.attribute(name))
}

fn job(job: &Element, folders: &[&Element]) -> Option<Defined> {
    let own = job.attribute("JOBNAME").or_else(|| job.attribute("MEMNAME"))?;
    let mut path: Vec<&str> = folders.iter().filter_map(|folder| folder_name(folder)).collect();
    if let (true, Some(parent)) =
        (path.is_empty(), job.attribute("PARENT_FOLDER").or_else(|| job.attribute("FOLDER_NAME")))
    {
        path.push(parent);
    }
    path.push(own);
    let named = |names: &[&str]| names.iter().find_map(|name| job.attribute(name)).map(str::to_owned);
    let (waits, all) = waits(job);
    let adds = job.children.iter().filter(|child| child.name == "OUTCOND").filter(|child| {
        child.attribute("SIGN").is_none_or(|sign| matches!(sign, "+" | "ADD")) && today(child)
    });
    let variables = job
        .children
        .iter()
        .filter(|child| ["VARIABLE", "AUTOEDIT2", "AUTOEDIT"].contains(&child.name.as_str()));
    Some(Defined {
        name: path.join("/"),
        line: job.line,
        schedule: schedule(job, folders),
        host: named(&["NODEID"]),
        account: named(&["RUN_AS", "OWNER"]),
        zone: named(&["TIMEZONE"])
            .or_else(|| folders.iter().rev().find_map(|it| it.attribute("TIMEZONE")).map(str::to_owned)),
        does: does(job),
        variables: variables
            .filter_map(|it| {
                let name = it.attribute("NAME")?.trim_start_matches(['%', '\\']).to_owned();
                Some((name, it.attribute("VALUE").unwrap_or("").to_owned()))
            })
            .collect(),
        waits,
        all,
        after: Vec::new(),
        adds: adds.filter_map(|child| child.attribute("NAME")).map(str::to_owned).collect(),
    })
}

/// Whether a condition is of the job's own order date.
fn today(condition: &Element) -> bool {
    condition.attribute("ODATE").is_none_or(|date| matches!(date, "ODAT" | "0" | "+0"))
}

/// The conditions it waits for, and whether all of them are needed, today.
fn waits(job: &Element) -> (Vec<String>, bool) {
    let conditions: Vec<&Element> = job.children.iter().filter(|child| child.name == "INCOND").collect();
    let either = |it: &&&Element| it.attribute("AND_OR").is_some_and(|sign| sign.starts_with('O'));
    let all = conditions.iter().filter(either).count() == 0 && conditions.iter().all(|it| today(it));
    (conditions.iter().filter_map(|it| it.attribute("NAME")).map(str::to_owned).collect(), all)
}

fn does(job: &Element) -> Does {
    let kind = job.attribute("TASKTYPE").unwrap_or("");
    if kind.eq_ignore_ascii_case("dummy") {
        return Does::Nothing;
    }
    if let Some(path) = job.attribute("FILE_PATH").filter(|_| kind.eq_ignore_ascii_case("filewatcher")) {
        return Does::Watches(path.to_owned());
    }
    if let Some(command) = job.attribute("CMDLINE") {
        return Does::Command(command.to_owned());
    }
    let member = ["MEMNAME", "FILE_NAME"].iter().find_map(|name| job.attribute(name));
    let library = ["MEMLIB", "FILE_PATH"].iter().find_map(|name| job.attribute(name));
    match (library, member) {
        (Some(library), Some(member)) if library.starts_with(['/', '%', '~']) => {
            Does::Script(format!("{}/{member}", library.trim_end_matches('/')))
        }
        (Some(library), Some(member)) if library.contains('\\') => {
            Does::Script(format!("{}\\{member}", library.trim_end_matches('\\')))
        }
        (Some(library), Some(member)) => Does::Other(format!("{library}({member})")),
        (None, Some(member)) => Does::Other(format!("member {member}")),
        _ => Does::Other(format!("a job of type {}", job.attribute("APPL_TYPE").unwrap_or(kind))),
    }
}

/// When it is ordered, by its own days, else by those of its smart folder, and started.
fn schedule(job: &Element, folders: &[&Element]) -> String {
    let mut parts = Vec::new();
    let by_days = |it: &Element| days(it);
    let own = by_days(job);
    let of_folders = || {
        folders.iter().rev().find_map(|folder| {
            by_days(folder).or_else(|| {
                let calendars =
                    folder.children.iter().filter(|it| it.name.starts_with("RULE_BASED_CALENDAR"));
                calendars.filter(|it| called(job, it)).find_map(by_days)
            })
        })
    };
    match own.or_else(of_folders) {
        Some(days) => parts.push(days),
        None => {
            let calendar = job.children.iter().filter(|it| it.name.starts_with("RULE_BASED_CALENDAR"));
            match calendar.filter_map(|it| it.attribute("NAME")).find(|name| *name != "*") {
                Some(name) => parts.push(format!("CALENDAR={}", name.replace(' ', "_"))),
                None => parts.push("ORDER=HAND".to_owned()),
            }
        }
    }
    let times = |name: &str| {
        let of = std::iter::once(job).chain(folders.iter().rev().copied());
        // `>` lets it start after the next new day.
        of.filter_map(|it| it.attribute(name)).find(|time| *time != ">").map(str::to_owned)
    };
    for (name, key) in [("TIMEFROM", "TIMEFROM"), ("TIMETO", "TIMETO")] {
        parts.extend(times(name).map(|time| format!("{key}={time}")));
    }
    parts.extend(cyclic(job));
    parts.join(" ")
}

/// Whether a job goes by a calendar of its folder.
fn called(job: &Element, calendar: &Element) -> bool {
    let mut names = job.children.iter().filter(|it| it.name.starts_with("RULE_BASED_CALENDAR"));
    names.any(|it| it.attribute("NAME") == Some("*") || it.attribute("NAME") == calendar.attribute("NAME"))
}

/// The days of a job, a folder or a calendar; `None`: it tells none.
fn days(of: &Element) -> Option<String> {
    let month_days = of.attribute("DAYS");
    let weekdays = of.attribute("WEEKDAYS").or_else(|| of.attribute("WDAYS"));
    let dates = of.children.iter().any(|it| it.name == "DATES") || of.attribute("DATE").is_some();
    let calendars = ["DAYSCAL", "WEEKSCAL", "WCAL", "CONFCAL"].iter().find_map(|name| of.attribute(name));
    if month_days.is_none() && weekdays.is_none() && calendars.is_none() && !dates {
        return None;
    }
    let mut parts = Vec::new();
    let months: Vec<&str> = MONTHS.into_iter().filter(|month| of.attribute(month) == Some("1")).collect();
    if (1..12).contains(&months.len()) {
        parts.push(format!("MONTHS={}", months.join(",")));
    }
    let plain = |text: &str| text.replace(' ', "");
    // Days that a calendar counts or moves: `D1`, `+3`, `>15`.
    let relative =
        |text: &str| text.split(',').any(|day| day.trim().starts_with(['D', '+', '-', '>', '<', 'W', '*']));
    let told = [("DAYS", month_days), ("WEEKDAYS", weekdays)];
    if dates || told.iter().any(|(_, days)| days.is_some_and(relative)) {
        parts.push("RELATIVE=Y".to_owned());
    } else {
        parts.extend(told.iter().filter_map(|(key, days)| Some(format!("{key}={}", plain(days.as_ref()?)))));
        let both = month_days.is_some() && weekdays.is_some();
        if both {
            let sign =
                of.attribute("DAYS_AND_OR").map_or("O", |sign| if sign.starts_with('A') { "A" } else { "O" });
            parts.push(format!("DAYS_AND_OR={sign}"));
        }
    }
    parts.extend(calendars.map(|name| format!("CALENDAR={}", plain(name))));
    Some(parts.join(" "))
}

/// How a cyclic job comes again.
fn cyclic(job: &Element) -> Option<String> {
    if job.attribute("CYCLIC") != Some("1") {
        return None;
    }
    if job.attribute("CYCLIC_TYPE") == Some("S") {
        return job
            .attribute("CYCLIC_TIMES_SEQUENCE")
            .map(|times| format!("TIMES={}", times.replace(' ', "")));
    }
    // A sequence of intervals has no one length.
    if job.attribute("CYCLIC_TYPE") == Some("V") {
        return Some("CALENDAR=CYCLIC_INTERVAL_SEQUENCE".to_owned());
    }
    let interval = job.attribute("INTERVAL")?;
    let (number, unit) = match interval.split_at_checked(interval.len() - 1) {
        Some((number, unit)) if unit.bytes().all(|b| b.is_ascii_alphabetic()) => (number, unit),
        _ => (interval, "M"),
    };
    let number = number.trim_start_matches('0');
    let from_end =
        if job.attribute("IND_CYCLIC").is_some_and(|it| it.starts_with('E')) { " FROM_END=Y" } else { "" };
    Some(format!("EVERY={number}{unit}{from_end}"))
}
