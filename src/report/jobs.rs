//! Every job of a report: where and as whom it runs, when it runs next, what it touches, and whether the logs that were
//! looked at span a run of it at all. It reads a report and evaluates its schedules; it never says who a job is.

use super::text::{command, line};
use super::{JobRow, LinkRow, Report};
use crate::schedule::{self, Clock, Guards, Schedule};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How many runs are counted of one job in what was asked about.
const MAX_RUNS: usize = 10_000;
/// How many resources of a kind the text names for one job.
const NAMED: usize = 6;

/// Which jobs are asked about.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Only those of this host.
    pub at: Option<String>,
    /// Only those with a run between these moments (UTC seconds, both included), whose runs are then told.
    pub between: Option<(i64, i64)>,
    /// How many next runs are told of each.
    pub count: usize,
}

/// One job with one schedule.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Told {
    pub job: String,
    pub host: Option<String>,
    pub user: Option<String>,
    pub schedule: String,
    pub words: String,
    pub dialect: String,
    pub zone: String,
    pub zone_known: bool,
    /// The next runs after the report's day began, or those in between; RFC 3339, UTC.
    pub runs: Vec<String>,
    /// How many runs the observed window has; none where nothing was observed, or no clock tells.
    pub runs_observed: Option<usize>,
    pub guards: Vec<String>,
    pub waits: Vec<String>,
    pub command: String,
    pub reads: Vec<String>,
    pub writes: Vec<String>,
    pub other: Vec<String>,
    pub place: String,
}

/// The answer.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Answer {
    pub as_of: String,
    pub window: super::Window,
    pub jobs: Vec<Told>,
}

fn seconds(moment: &Option<String>) -> Option<i64> {
    moment.as_ref()?.parse::<Timestamp>().ok().map(|moment| moment.as_second())
}

fn moments(runs: impl Iterator<Item = i64>) -> Vec<String> {
    runs.filter_map(|run| Timestamp::from_second(run).ok()).map(|run| run.to_string()).collect()
}

/// What a job's schedule means, with what its command makes of it.
struct Meaning {
    schedule: Schedule,
    zone: jiff::tz::TimeZone,
    guards: Guards,
}

impl Meaning {
    fn of(job: &JobRow) -> Option<Meaning> {
        let schedule = schedule::parse(&job.dialect, &job.schedule).ok()?;
        let zone = schedule::zone(schedule.zone().unwrap_or(&job.zone))?;
        Some(Meaning { schedule, zone, guards: Guards::of(job.guards.iter().map(String::as_str)) })
    }

    /// The starts after `from` (UTC seconds) that lead to work.
    fn runs(&self, from: i64) -> impl Iterator<Item = i64> {
        self.schedule.next(&self.zone, from).filter(|run| self.guards.lets(*run, &self.zone))
    }

    /// Those of them up to `to`, as many as are counted.
    fn between(&self, first: i64, last: i64) -> Vec<i64> {
        self.runs(first - 1).take_while(|run| *run <= last).take(MAX_RUNS).collect()
    }
}

/// Answers; the error says what to try.
pub fn ask(report: &Report, question: &Question) -> Result<Answer, String> {
    let hosts: BTreeSet<&str> = report.jobs.iter().filter_map(|job| job.host.as_deref()).collect();
    if let Some(host) = question.at.as_deref().filter(|host| !hosts.contains(host)) {
        let known = hosts.into_iter().collect::<Vec<_>>().join(", ");
        return Err(format!("{host}: no job of this scan runs there; hosts with jobs: {known}"));
    }
    let from = format!("{}T00:00:00Z", report.as_of).parse::<Timestamp>().map_or(0, |day| day.as_second());
    let window = seconds(&report.window.first).zip(seconds(&report.window.last));
    let mut links: BTreeMap<&str, Vec<&LinkRow>> = BTreeMap::new();
    for link in report.links.iter().filter(|link| link.scope == "production" && link.outcome == "ok") {
        links.entry(&link.consumer).or_default().push(link);
    }
    let told = |job: &JobRow| {
        if question.at.is_some() && job.host != question.at {
            return None;
        }
        let meaning = Meaning::of(job);
        let runs = match (&meaning, question.between) {
            (Some(meaning), Some((first, last))) => meaning.between(first, last),
            (Some(meaning), None) => meaning.runs(from - 1).take(question.count).collect(),
            (None, _) => Vec::new(),
        };
        if question.between.is_some() && runs.is_empty() {
            return None;
        }
        let clocked = meaning.as_ref().filter(|meaning| meaning.schedule.clock() == Clock::Calendar);
        let observed = clocked.zip(window).map(|(meaning, (first, last))| meaning.between(first, last).len());
        let of_it = links.get(job.entity.as_str()).map_or(&[][..], |links| links);
        let touched = |actions: &[&str]| -> Vec<String> {
            let fits = of_it.iter().filter(|link| actions.contains(&link.action.as_str()));
            fits.map(|link| link.resource.to_string()).collect::<BTreeSet<_>>().into_iter().collect()
        };
        Some(Told {
            job: job.entity.clone(),
            host: job.host.clone(),
            user: job.user.clone(),
            schedule: job.schedule.clone(),
            words: job.words.clone(),
            dialect: job.dialect.clone(),
            zone: job.zone.clone(),
            zone_known: job.zone_known,
            runs: moments(runs.into_iter()),
            runs_observed: observed,
            guards: job.guards.clone(),
            waits: job.waits.clone(),
            command: job.command.clone(),
            reads: touched(&["read", "import", "consume"]),
            writes: touched(&["write", "export", "publish"]),
            other: touched(&["call", "connect", "touch"]),
            place: job.place.clone(),
        })
    };
    let mut jobs: Vec<Told> = report.jobs.iter().filter_map(told).collect();
    let order = |job: &Told| (job.host.clone(), job.job.clone(), job.schedule.clone(), job.place.clone());
    jobs.sort_by_cached_key(order);
    Ok(Answer { as_of: report.as_of.clone(), window: report.window.clone(), jobs })
}

fn some(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// The zone of a job's times, and whether it is only assumed.
fn zone(job: &Told) -> String {
    format!("{}{}", job.zone, if job.zone_known { "" } else { ", assumed" })
}

/// The answer for people, host by host.
pub fn text(answer: &Answer) -> String {
    let mut out = String::new();
    let mut at: Option<&Option<String>> = None;
    // A host whose jobs all run by one clock has it in its head; else each job says its own.
    let mut zones: BTreeMap<&Option<String>, BTreeSet<String>> = BTreeMap::new();
    for job in &answer.jobs {
        zones.entry(&job.host).or_default().insert(zone(job));
    }
    for job in &answer.jobs {
        if at != Some(&job.host) {
            if at.is_some() {
                line(&mut out, "");
            }
            let host = job.host.as_deref().unwrap_or("on no known host");
            match zones.get(&job.host).filter(|zones| zones.len() == 1).and_then(BTreeSet::first) {
                Some(zone) => line(&mut out, &format!("{host} ({zone})")),
                None => line(&mut out, host),
            }
            at = Some(&job.host);
        }
        let user = job.user.as_ref().map_or(String::new(), |user| format!(" as {user}"));
        let next = match job.runs.first() {
            Some(first) if job.runs.len() == 1 => format!("; {first}"),
            Some(_) => format!("; {}", job.runs.join(", ")),
            None => String::new(),
        };
        let words = if job.words.is_empty() { "a schedule nobody can read" } else { &job.words };
        let own = zones.get(&job.host).is_some_and(|zones| zones.len() > 1);
        let by = if own { format!(" ({})", zone(job)) } else { String::new() };
        line(&mut out, &format!("  {}{user}: {words}{by}{next}", job.job));
        line(&mut out, &format!("      {}  {}  ({})", job.schedule, command(&job.command), job.place));
        for (verb, names) in [("reads", &job.reads), ("writes", &job.writes), ("also touches", &job.other)] {
            if !names.is_empty() {
                line(&mut out, &format!("      {verb} {}", some(names)));
            }
        }
        if !job.guards.is_empty() {
            line(&mut out, &format!("      held back by {}", job.guards.join(", ")));
        }
        for wait in &job.waits {
            line(&mut out, &format!("      {wait}"));
        }
        if job.runs_observed == Some(0) {
            line(
                &mut out,
                "      no run of it lies in what was observed: that it was not seen proves nothing",
            );
        }
    }
    if answer.jobs.is_empty() {
        line(&mut out, "No job that was asked about.");
    }
    if let (Some(first), Some(last)) = (&answer.window.first, &answer.window.last) {
        line(&mut out, "");
        line(&mut out, &format!("observed from {first} to {last}; as of {}", answer.as_of));
    }
    out
}

/// A cell of a table that spreadsheets open: what they would take for a formula is text, controls are blanks.
fn cell(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let formula = plain.starts_with(['=', '+', '-', '@']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, plain.replace('"', "\"\""))
}

/// The answer as a table (RFC 4180); lists have `; ` between their parts.
pub fn csv(answer: &Answer) -> String {
    let head = "host,job,user,schedule,words,dialect,zone,zone_known,runs,runs_observed,guards,waits,command,reads,writes,other,place";
    let mut out = format!("{head}\r\n");
    for job in &answer.jobs {
        let cells = [
            job.host.clone().unwrap_or_default(),
            job.job.clone(),
            job.user.clone().unwrap_or_default(),
            job.schedule.clone(),
            job.words.clone(),
            job.dialect.clone(),
            job.zone.clone(),
            job.zone_known.to_string(),
            job.runs.join("; "),
            job.runs_observed.map_or(String::new(), |count| count.to_string()),
            job.guards.join("; "),
            job.waits.join("; "),
            job.command.clone(),
            job.reads.join("; "),
            job.writes.join("; "),
            job.other.join("; "),
            job.place.clone(),
        ];
        out.push_str(&cells.map(|text| cell(&text)).join(","));
        out.push_str("\r\n");
    }
    out
}
