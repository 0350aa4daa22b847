//! One job of Control-M, however it is written, and its statement. It reads no file.

use super::super::World;
use super::super::job::{Job, Work, Zone};
use super::super::windows;
use crate::evidence::scrub::scrub;
use crate::evidence::{Evidence, Gap, GapCode, Order, Place, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule::{self, Clock};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const DIALECT: &str = "control-m";
/// What is said of times without a zone.
const ZONE: &str =
    "Control-M counts in the zone of its server, which no definition tells; a time zone in a job would";

/// What a job does.
#[derive(Debug, Default)]
pub(super) enum Does {
    /// A command line.
    Command(String),
    /// A script by its path.
    Script(String),
    /// A file is waited for.
    Watches(String),
    /// Anything else, as it is shown.
    Other(String),
    /// Nothing.
    #[default]
    Nothing,
}

/// A job as it is defined.
#[derive(Debug, Default)]
pub(super) struct Defined {
    /// `folder/name`.
    pub name: String,
    /// Its line, counted from 1.
    pub line: u64,
    /// When it is ordered and started, without its events, as the dialect has it.
    pub schedule: String,
    /// The host it runs on.
    pub host: Option<String>,
    /// The account it runs as.
    pub account: Option<String>,
    /// The zone it names.
    pub zone: Option<String>,
    /// What it does.
    pub does: Does,
    /// Variables of the job, without the signs in front of their names.
    pub variables: BTreeMap<String, String>,
    /// The events it waits for.
    pub waits: Vec<String>,
    /// Whether each of them must have come, on the same order date.
    pub all: bool,
    /// The jobs of its folder that a flow puts before it, by their whole names.
    pub after: Vec<String>,
    /// The events it adds.
    pub adds: Vec<String>,
}

/// Who adds which events, over all files.
#[derive(Debug, Default)]
pub(super) struct Estate {
    /// By event: the jobs of the same folder, and those of others.
    near: BTreeMap<String, BTreeSet<String>>,
    far: BTreeMap<String, BTreeSet<String>>,
    /// By job, the folders of the files that define it.
    folders: BTreeMap<String, BTreeSet<String>>,
}

impl Estate {
    /// Adds the jobs of a file, and whether it lies in the same folder.
    pub fn add(&mut self, jobs: &[Defined], folder: &str, near: bool) {
        for job in jobs {
            self.folders.entry(job.name.clone()).or_default().insert(folder.to_owned());
        }
        for job in jobs {
            for event in &job.adds {
                let adders = if near { &mut self.near } else { &mut self.far };
                let called = if near { job.name.clone() } else { format!("{folder}/{}", job.name) };
                adders.entry(event.clone()).or_default().insert(called);
            }
        }
    }

    /// What a job of a folder is called: with it, where files of several folders define one of its name.
    fn called(&self, name: &str, folder: &str) -> String {
        let several = self.folders.get(name).is_some_and(|folders| folders.len() > 1);
        if several && !folder.is_empty() { format!("{folder}/{name}") } else { name.to_owned() }
    }

    /// The jobs that add an event: those of the same folder, else those of others.
    fn adders(&self, event: &str, folder: &str) -> BTreeSet<String> {
        if let Some(near) = self.near.get(event) {
            return near.iter().map(|name| self.called(name, folder)).collect();
        }
        let far = self.far.get(event).into_iter().flatten();
        let own = |whole: &String| {
            let job = self
                .folders
                .iter()
                .find(|(name, folders)| folders.iter().any(|it| format!("{it}/{name}") == *whole));
            job.map_or(whole.clone(), |(name, _)| {
                self.called(name, whole.strip_suffix(&format!("/{name}")).unwrap_or(""))
            })
        };
        far.map(own).collect()
    }
}

/// States a job; whether there is one.
pub(super) fn state(
    file: &InputFile,
    world: &World<'_>,
    job: &Defined,
    estate: &Estate,
    folder: &str,
    out: &mut Evidence,
) -> bool {
    let mut gap = |code: GapCode, detail: String| {
        let place = Place::line(&file.path, job.line);
        out.add_gap(Gap::new(place, code, scrub(&detail).into_owned()));
    };
    let mut text = job.schedule.clone();
    if !job.waits.is_empty() {
        // A blank would end the list.
        let events: Vec<String> = job.waits.iter().map(|event| event.replace([' ', ','], "_")).collect();
        text = format!("{text} EVENTS={}", events.join(",")).trim().to_owned();
    }
    let clock = match schedule::parse(DIALECT, &text) {
        Ok(schedule) => schedule.clock(),
        Err(why) => {
            gap(
                GapCode::BadSchedule,
                format!("Control-M has no such schedule ({}): {}", job.name, why.reason),
            );
            return false;
        }
    };
    let nobody = |event: &&String| estate.adders(event, folder).is_empty();
    let missing: Vec<&str> = job.waits.iter().filter(nobody).map(String::as_str).collect();
    if !missing.is_empty() {
        let detail = format!("{} waits for {}, which no job of the scan adds", job.name, missing.join(", "));
        gap(GapCode::Unresolved, detail);
    }
    let zone = match (&job.zone, clock) {
        (_, Clock::Happening | Clock::Interval { .. }) => Zone::None,
        (Some(zone), _) if matches!(zone.as_str(), "GMT" | "UTC") || zone.contains('/') => {
            Zone::Stated(Text::from(zone.as_str()))
        }
        (Some(zone), _) => Zone::Unknown(format!("the time zone {zone} is a name of this Control-M alone")),
        (None, _) => Zone::Unknown(ZONE.to_owned()),
    };
    let environment: BTreeMap<String, String> =
        job.variables.iter().map(|(name, value)| (name.clone(), variables(value))).collect();
    let (shown, shell, steps) = work(job);
    let work = match (&shell, &steps) {
        (_, Some(steps)) => steps.work(&shown, &file.path),
        (Some(text), None) => Work::ShellIn { text, shown: &shown, input: file.path.clone(), line: job.line },
        (None, None) => Work::Named(&shown),
    };
    let known = |text: &&String| !text.contains(['%', '{', '$', '<']);
    let called = estate.called(&job.name, folder);
    Job {
        host: job.host.as_ref().filter(known).map(|host| Text::from(host.as_str())),
        name: Some(&called),
        schedules: vec![text],
        zone,
        account: job.account.as_ref().filter(known).map(|account| Text::from(account.as_str())),
        work,
        waits_for: waits(job, estate, folder),
        line: job.line,
        scope: scope_of(&file.path, ""),
        ..Job::of_shell(file, world, "", DIALECT, "", &environment)
    }
    .state(out);
    true
}

/// The jobs whose events it certainly waits for.
fn waits(job: &Defined, estate: &Estate, folder: &str) -> Vec<(String, Order)> {
    let mut first: BTreeSet<String> = job.after.iter().map(|name| estate.called(name, folder)).collect();
    if job.all {
        let adders = job.waits.iter().map(|event| estate.adders(event, folder));
        first.extend(adders.filter(|adders| adders.len() == 1).flatten());
    }
    first.remove(&estate.called(&job.name, folder));
    first.into_iter().map(|other| (other, Order::Sensor)).collect()
}

/// What is shown of its work, what a shell is given of it, or the steps of a program of Windows.
fn work(job: &Defined) -> (String, Option<String>, Option<windows::Steps>) {
    let (text, shown) = match &job.does {
        Does::Command(text) => (text, text.clone()),
        Does::Script(path) => (path, path.clone()),
        Does::Watches(path) => {
            let text = format!("[ -e \"{}\" ]", variables(path));
            return (format!("waits for the file {path}"), Some(text), None);
        }
        Does::Other(what) => return (what.clone(), None, None),
        Does::Nothing => return ("nothing".to_owned(), None, None),
    };
    if windows::is_of_windows(text) {
        let mut steps = windows::Steps::default();
        steps.add_line(text, job.line);
        return (shown, None, Some(steps));
    }
    let text = match &job.does {
        Does::Script(_) if text.starts_with('/') => format!("\"{}\"", variables(text)),
        Does::Script(_) => return (shown, None, None),
        _ => variables(text),
    };
    (shown, Some(text), None)
}

/// A text with variables of Control-M (`%%NAME`, `%%$NAME`) as those of a shell; the order date is a date.
fn variables(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("%%") {
        out.push_str(before);
        let name = after.trim_start_matches(['$', '\\']);
        let end =
            name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(name.len());
        // A dot behind a name only ends it.
        let rest_of = name[end..].strip_prefix('.').unwrap_or(&name[end..]);
        match end {
            0 => out.push_str("%%"),
            _ if ["ODATE", "DATE"].contains(&&name[..end]) => out.push_str("$(date +%Y%m%d)"),
            _ => out.push_str(&format!("${{{}}}", name[..end].replace('-', "_"))),
        }
        rest = if end == 0 { after } else { rest_of };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_those_of_a_shell() {
        assert_eq!(variables("/in/%%NAME.%%$ODATE..csv 5%% x"), "/in/${NAME}$(date +%Y%m%d).csv 5%% x");
    }
}
