//! Jobs of AutoSys in its job information language, as `autorep -q` exports them and as they are kept with the
//! source. A job without date conditions starts with its box, and a box with what starts it; a condition is a wait that
//! its scheduler keeps. Boxes, jobs and calendars that other files of the scan have are found there. Global variables
//! are never filled in, an `override_job` is of one run and not read, and a job on hold or on ice is none.

mod condition;
mod jil;

use super::job::{Job, Work, Zone};
use super::windows;
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Order, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule::{self, Clock};
use jil::{Stanza, stanzas};
use std::collections::{BTreeMap, BTreeSet};

const DIALECT: &str = "autosys-jil";
/// How many other files are looked at for boxes, jobs and calendars.
const MAX_FILES: usize = 64;
/// How deep boxes may lie in each other.
const MAX_BOXES: usize = 16;
/// How many dates of a calendar are told.
const MAX_DATES: usize = 400;
/// What is said of times without `timezone`.
const ZONE: &str =
    "AutoSys counts in the zone of its event server, which no JIL tells; timezone: in a job would";
/// The attributes that say when a job starts by the clock.
const CLOCKED: [&str; 5] = ["days_of_week", "run_calendar", "exclude_calendar", "start_times", "start_mins"];

/// Files of JIL.
pub struct Jil;

impl SchedulePlace for Jil {
    fn about(&self) -> &'static About {
        &About { name: "autosys-jil", title: "AutoSys: jobs in JIL", provenance: Provenance::Documented }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let named = [".jil", ".txt", ".cal"].iter().any(|ending| file.name().ends_with(ending));
        let calendar =
            |line: &str| named && (line.starts_with("calendar:") || line.starts_with("extended_calendar:"));
        file.head_text().lines().any(|line| jil::begins(line) || calendar(line)) && is_jil(file)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let (own, whole) = stanzas(text);
        if !whole {
            let detail = "MAX_ATTRIBUTES: the file has more; the rest was not read";
            out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Limit, detail));
        }
        let (twice, kin) = kin(file, text, world);
        let mut estate = Estate { twice, ..Estate::default() };
        estate.add(&own, folder(file));
        let mut others = Vec::new();
        if estate.misses() {
            let read = |it: &&InputFile| Some((stanzas(&it.text().ok()?).0, folder(it).to_owned()));
            others.extend(kin.iter().take(MAX_FILES).filter_map(read));
        }
        for (stanzas, folder) in &others {
            estate.add(stanzas, folder);
        }
        let reader = Reader { file, world, estate };
        let names: BTreeSet<&str> = own.iter().map(|stanza| stanza.name.as_str()).collect();
        let mut jobs = 0;
        for name in names {
            if let Some(job) =
                reader.estate.jobs.get(name).filter(|job| own.iter().any(|own| std::ptr::eq(own, job.first)))
            {
                jobs += u64::from(reader.state(name, job, out));
            }
        }
        jobs
    }
}

fn folder(file: &InputFile) -> &str {
    file.path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The jobs that more than one file of the scan defines, and the other files, those of the same folder first; of what
/// lies elsewhere, only files that define none of the jobs of this one can belong to the same AutoSys.
fn kin<'a>(file: &InputFile, text: &str, world: &World<'a>) -> (BTreeSet<String>, Vec<&'a InputFile>) {
    let own = inserted(text);
    let (mut seen, mut twice) = (own.clone(), BTreeSet::new());
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for other in &world.inputs.files {
        let has = |needle: &str| memchr::memmem::find(&other.head, needle.as_bytes()).is_some();
        if other.path == file.path || !(has("insert_job:") || has("calendar:")) || !Jil.claims(other) {
            continue;
        }
        let Ok(text) = other.text() else { continue };
        let names = inserted(&text);
        if folder(other) == folder(file) {
            near.push(other);
        } else if names.is_disjoint(&own) {
            far.push(other);
        }
        for name in names {
            if !seen.insert(name.clone()) {
                twice.insert(name);
            }
        }
    }
    near.extend(far);
    (twice, near)
}

/// The names of the jobs that a text defines.
fn inserted(text: &str) -> BTreeSet<String> {
    let named = text.lines().filter_map(|line| line.trim_start().strip_prefix("insert_job:"));
    named
        .filter_map(|rest| rest.split_whitespace().next())
        .map(|name| name.trim_matches('"').to_owned())
        .collect()
}

/// Whether a text is nothing else than JIL: its first line that is no comment begins something.
fn is_jil(file: &InputFile) -> bool {
    let head = file.head_text();
    let mut comment = false;
    let first = head.lines().map(str::trim).find(|line| {
        let begins = line.starts_with("/*");
        let inside = comment || begins;
        comment = inside && !line.contains("*/");
        !inside && !line.is_empty() && !line.starts_with('#')
    });
    first.is_some_and(|line| {
        let name = line.split(':').next().unwrap_or("");
        line.contains(':')
            && (name.contains('_') || name == "calendar")
            && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    })
}

/// A job with what later subcommands of its file change.
struct Defined<'a> {
    first: &'a Stanza,
    /// The folder of its file.
    folder: &'a str,
    attributes: BTreeMap<&'a str, &'a jil::Value>,
}

impl Defined<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.attributes.get(name).map(|value| value.text.trim())?;
        let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Some(bare.filter(|bare| !bare.contains('"')).unwrap_or(value).trim())
            .filter(|value| !value.is_empty())
    }

    fn line_of(&self, name: &str) -> u64 {
        self.attributes.get(name).map_or(self.first.line, |value| value.line)
    }

    /// Whether its time attributes count.
    fn dated(&self) -> bool {
        let given = self.get("date_conditions").unwrap_or("0").to_ascii_lowercase();
        matches!(given.as_str(), "1" | "y" | "yes" | "t" | "true")
            && CLOCKED.iter().any(|name| self.get(name).is_some())
    }

    fn is_box(&self) -> bool {
        self.get("job_type")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("b") || kind.eq_ignore_ascii_case("box"))
    }

    fn is_off(&self) -> bool {
        self.get("status").is_some_and(|status| {
            let status = status.to_ascii_lowercase();
            ["on_hold", "on_ice", "on_noexec"].contains(&status.as_str())
        })
    }
}

/// What the files of the scan define.
#[derive(Default)]
struct Estate<'a> {
    /// Names that more than one file of the scan defines.
    twice: BTreeSet<String>,
    jobs: BTreeMap<&'a str, Defined<'a>>,
    /// Dates of calendars; none are told of extended ones.
    calendars: BTreeMap<&'a str, Option<Vec<String>>>,
}

impl<'a> Estate<'a> {
    /// What a job is called where several AutoSys are in the scan: its name, with its folder where another file has it.
    fn called(&self, name: &str) -> String {
        match self.jobs.get(name).map(|job| job.folder) {
            Some(folder) if !folder.is_empty() && self.twice.contains(name) => format!("{folder}/{name}"),
            _ => name.to_owned(),
        }
    }

    /// Adds what a file defines; what is known already stays.
    fn add(&mut self, stanzas: &'a [Stanza], folder: &'a str) {
        let known: BTreeSet<&str> = self.jobs.keys().copied().collect();
        for stanza in stanzas.iter().filter(|stanza| !known.contains(stanza.name.as_str())) {
            let name = stanza.name.as_str();
            match stanza.command.as_str() {
                "insert_job" => {
                    let attributes = BTreeMap::new();
                    _ = self.jobs.insert(name, Defined { first: stanza, folder, attributes });
                    self.update(stanza);
                }
                "update_job" => {
                    self.jobs.entry(name).or_insert_with(|| Defined {
                        first: stanza,
                        folder,
                        attributes: BTreeMap::new(),
                    });
                    self.update(stanza);
                }
                "delete_job" => _ = self.jobs.remove(name),
                "delete_box" => {
                    self.jobs.remove(name);
                    self.jobs.retain(|_, job| job.get("box_name") != Some(name));
                }
                "calendar" => {
                    let dates = stanza.rest.iter().filter_map(|line| date(line)).collect();
                    self.calendars.entry(name).or_insert(Some(dates));
                }
                "extended_calendar" => _ = self.calendars.entry(name).or_insert(None),
                _ => {}
            }
        }
    }

    fn update(&mut self, stanza: &'a Stanza) {
        if let Some(job) = self.jobs.get_mut(stanza.name.as_str()) {
            job.attributes.extend(stanza.attributes.iter().map(|(name, value)| (name.as_str(), value)));
        }
    }

    /// Whether something is named that is not here.
    fn misses(&self) -> bool {
        self.jobs.values().any(|job| {
            let named = job.get("condition").map(condition::named).unwrap_or_default();
            let calendars = ["run_calendar", "exclude_calendar"].iter().filter_map(|name| job.get(name));
            job.get("box_name").is_some_and(|within| !self.jobs.contains_key(within))
                || named.iter().any(|name| !self.jobs.contains_key(name.as_str()))
                || calendars.into_iter().any(|name| !self.calendars.contains_key(name))
                || job.first.command == "update_job"
        })
    }
}

/// `12/25/2026 00:00` as a date of ISO 8601.
fn date(line: &str) -> Option<String> {
    let mut parts = line.split_whitespace().next()?.split('/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    let fits = |part: &str, digits: usize| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
    (fits(month, 2) && fits(day, 2) && fits(year, 4)).then(|| format!("{year}-{month}-{day}"))
}

struct Reader<'a> {
    file: &'a InputFile,
    world: &'a World<'a>,
    estate: Estate<'a>,
}

impl Reader<'_> {
    fn gap(&self, line: u64, code: GapCode, detail: &str, out: &mut Evidence) {
        out.add_gap(Gap::new(Place::line(&self.file.path, line), code, scrub(detail).into_owned()));
    }

    /// States a job; whether it is one.
    fn state(&self, name: &str, job: &Defined<'_>, out: &mut Evidence) -> bool {
        if job.first.command != "insert_job" {
            let detail = format!("{name} is changed, and the scan was not given what it is");
            self.gap(job.first.line, GapCode::Unresolved, &detail, out);
            return false;
        }
        if job.is_off() || job.get("box_name").is_some_and(|within| self.is_off(within, 0)) {
            return false;
        }
        let text = self.schedule(job, 0);
        let Some(text) = text else {
            // Nothing but a person or another program starts it.
            return false;
        };
        let meaning = match schedule::parse(DIALECT, &text) {
            Ok(meaning) => meaning,
            Err(why) => {
                self.gap(
                    job.first.line,
                    GapCode::BadSchedule,
                    &format!("AutoSys refuses {name}: {}", why.reason),
                    out,
                );
                return false;
            }
        };
        let zone = self.zone(job, meaning.clock(), 0);
        let host = job.get("machine").filter(|machine| is_host(machine)).map(Text::from);
        let account = job.get("owner").map(|owner| owner.split('@').next().unwrap_or(owner)).map(Text::from);
        let account = account.filter(|account| !account.contains(['{', '$', '%', '~']));
        let shown = shown(job);
        let environment = BTreeMap::from([("AUTO_JOB_NAME".to_owned(), name.to_owned())]);
        let for_shell = for_shell(job);
        let mut steps = windows::Steps::default();
        let work = match &for_shell {
            Some((_, line)) if windows::is_of_windows(&shown) => {
                steps.add_line(&shown, *line);
                steps.work(&shown, &self.file.path)
            }
            Some((text, line)) => {
                Work::ShellIn { text, shown: &shown, input: self.file.path.clone(), line: *line }
            }
            None => Work::Named(&shown),
        };
        let waits_for = self.waits(name, job, out);
        let called = self.estate.called(name);
        Job {
            host,
            name: Some(&called),
            schedules: vec![text],
            zone,
            account,
            work,
            guards: guards(job),
            waits_for,
            line: job.first.line,
            scope: scope_of(&self.file.path, ""),
            ..Job::of_shell(self.file, self.world, "", DIALECT, "", &environment)
        }
        .state(out);
        true
    }

    fn is_off(&self, within: &str, depth: usize) -> bool {
        let Some(outer) = self.estate.jobs.get(within).filter(|_| depth < MAX_BOXES) else { return false };
        outer.is_off() || outer.get("box_name").is_some_and(|within| self.is_off(within, depth + 1))
    }

    /// What starts a job, as the dialect has it; that of its box, where it says nothing itself.
    fn schedule(&self, job: &Defined<'_>, depth: usize) -> Option<String> {
        let condition = job.get("condition").map(|condition| format!("condition: {condition}"));
        if job.dated() {
            let mut parts = Vec::new();
            for name in [
                "days_of_week",
                "run_calendar",
                "exclude_calendar",
                "start_times",
                "start_mins",
                "run_window",
            ] {
                let Some(value) = job.get(name) else { continue };
                let value = if name.ends_with("_calendar") { self.calendar(value) } else { value.to_owned() };
                parts.push(format!("{name}: {value}"));
            }
            parts.extend(condition);
            return Some(parts.join(" "));
        }
        let Some(within) = job.get("box_name") else { return condition };
        if let Some(condition) = condition {
            return Some(format!("box_name: {within} {condition}"));
        }
        let outer = self.estate.jobs.get(within).filter(|_| depth < MAX_BOXES);
        let of_box = outer.and_then(|outer| self.schedule(outer, depth + 1));
        // A box that only a condition starts is no clock; what starts its jobs is the box.
        of_box
            .filter(|text| !text.starts_with("condition:") && !text.starts_with("box_name:"))
            .or_else(|| Some(format!("box_name: {within}")))
    }

    /// A calendar's name, with its dates where they are known.
    fn calendar(&self, name: &str) -> String {
        match self.estate.calendars.get(name) {
            Some(Some(dates)) if dates.len() <= MAX_DATES => format!("{name}({})", dates.join(",")),
            _ => name.to_owned(),
        }
    }

    fn zone(&self, job: &Defined<'_>, clock: Clock, depth: usize) -> Zone {
        if clock == Clock::Happening {
            return Zone::None;
        }
        // A job that starts with its box goes by the box's clock.
        let outer =
            job.get("box_name").filter(|_| !job.dated()).and_then(|within| self.estate.jobs.get(within));
        if let Some(outer) = outer.filter(|_| depth < MAX_BOXES) {
            return self.zone(outer, clock, depth + 1);
        }
        match job.get("timezone") {
            Some(zone) if schedule::zone(zone).is_some() => Zone::Stated(Text::from(zone)),
            Some(zone) => Zone::Unknown(format!("timezone: {zone} is a name of this AutoSys alone")),
            None => Zone::Unknown(ZONE.to_owned()),
        }
    }

    /// The jobs it is held back for; what no file of the scan has becomes a gap.
    fn waits(&self, name: &str, job: &Defined<'_>, out: &mut Evidence) -> Vec<(String, Order)> {
        let mut waits = Vec::new();
        let mut missing = Vec::new();
        if let Some(within) = job.get("box_name") {
            let order = if job.dated() { Order::After } else { Order::Call };
            match self.estate.jobs.contains_key(within) {
                true => waits.push((self.estate.called(within), order)),
                false => missing.push(within.to_owned()),
            }
        }
        if let Some(condition) = job.get("condition") {
            let known = |other: &String| self.estate.jobs.contains_key(other.as_str());
            missing.extend(condition::named(condition).into_iter().filter(|other| !known(other)));
            let certain =
                condition::waits_for(condition).into_iter().filter(|other| known(other) && other != name);
            waits.extend(certain.map(|other| (self.estate.called(&other), Order::Sensor)));
        }
        missing.sort();
        missing.dedup();
        if !missing.is_empty() {
            let detail = format!("{name} waits for {}, which the scan was not given", missing.join(", "));
            self.gap(job.first.line, GapCode::Unresolved, &detail, out);
        }
        waits
    }
}

/// Whether a machine is one host: not a list of several, a variable, or this one.
fn is_host(machine: &str) -> bool {
    let plain = machine.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    plain && !machine.eq_ignore_ascii_case("localhost")
}

/// What holds it back or repeats it, as written.
fn guards(job: &Defined<'_>) -> Vec<Text> {
    let told = ["n_retrys", "max_run_alarm", "term_run_time"].iter().filter_map(|name| {
        let value = job.get(name).filter(|value| *value != "0")?;
        Some(Text::from(format!("{name}: {value}")))
    });
    told.collect()
}

/// What is shown of its work.
fn shown(job: &Defined<'_>) -> String {
    if let Some(command) = job.get("command") {
        return command.to_owned();
    }
    if let Some(file) = job.get("watch_file") {
        return format!("watch_file: {file}");
    }
    if job.is_box() { "box".to_owned() } else { format!("job_type: {}", job.get("job_type").unwrap_or("c")) }
}

/// Its command for a shell, with its streams and the profile before it, and the line it stands on.
fn for_shell(job: &Defined<'_>) -> Option<(String, u64)> {
    // `$$NAME` is a global variable of AutoSys, of which a shell knows as much as of any other.
    let unfilled = |text: &str| text.replace("$$", "$");
    if let Some(file) = job.get("watch_file") {
        return Some((format!("[ -e \"{}\" ]", unfilled(file)), job.line_of("watch_file")));
    }
    let mut text = unfilled(job.get("command")?);
    for (name, sign) in [("std_in_file", "<"), ("std_out_file", ">"), ("std_err_file", "2>")] {
        if let Some(file) = job.get(name) {
            let file = file.trim_start_matches('>').trim().trim_matches('"');
            text.push_str(&format!(" {sign} \"{}\"", unfilled(file)));
        }
    }
    if let Some(profile) = job.get("profile").filter(|profile| profile.starts_with('/')) {
        text = format!(". \"{profile}\"; {text}");
    }
    Some((text, job.line_of("command")))
}
