//! `scheduler-semantics`: the text of a schedule that means something else to the scheduler it is to be copied to.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Confidence, Stamp};
use crate::graph::Graph;
use crate::resolve::{EntityId, Job};
use crate::schedule::{self, Clock};
use crate::timing::JobClock;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub struct SchedulerSemantics;

static MANUAL: Manual = Manual {
    id: "scheduler-semantics",
    family: "when",
    title: "The scheduler of the new system reads a job's schedule otherwise",
    what: "The settings state the scheduler that crontabs are to be copied to ([migration] scheduler, a dialect of \
           `whodepends formats`). The text of a job's schedule is read by its rules as well: it rejects it, or within \
           the 24 months after the scan's day some days have other starts than today's scheduler gives them: days of \
           month and week that are combined otherwise, a reversed range, the hour that a change of the clocks leaves \
           out or repeats. Only those days are told. Both are read in the zone of the job's host; a job whose zone is \
           not known is not meant, nor one that is of that scheduler already.",
    why: "Whoever copies the text copies what it says and not what it means. It shows on the first day that differs, \
          which may be months after the cutover.",
    example: "job:batch1/settle (30 2 * * *, vixie) does not start on 2027-03-28 under kubernetes",
    ask: "Which of the two was meant? How is it to be written for the new scheduler?",
};

/// How far ahead starts are compared, in days: 24 months.
const DAYS_AHEAD: i64 = 731;
/// How many days a finding names.
const DAYS_NAMED: usize = 8;

/// How a day's starts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// The new scheduler starts nothing.
    Lost,
    /// Today's starts nothing.
    Added,
    /// Both start it, not equally often.
    Count(usize, usize),
    /// As often, at other times.
    Moved,
}

/// The days on which two clocks start a job otherwise.
fn differences(job: &JobClock, target: &JobClock, from: Stamp, to: Stamp) -> BTreeMap<Date, Change> {
    let by_day = |clock: &JobClock| {
        let mut days: BTreeMap<Date, Vec<Stamp>> = BTreeMap::new();
        for start in clock.between(from, to) {
            if let Some(day) = clock.day_of(start) {
                days.entry(day).or_default().push(start);
            }
        }
        days
    };
    let (own, other) = (by_day(job), by_day(target));
    let all: BTreeSet<&Date> = own.keys().chain(other.keys()).collect();
    let changed = all.into_iter().filter_map(|day| {
        let change = match (own.get(day), other.get(day)) {
            (Some(one), Some(two)) if one == two => return None,
            (Some(one), Some(two)) if one.len() == two.len() => Change::Moved,
            (Some(one), Some(two)) => Change::Count(one.len(), two.len()),
            (Some(_), None) => Change::Lost,
            (None, _) => Change::Added,
        };
        Some((*day, change))
    });
    changed.collect()
}

/// Days in words, the first of many.
fn named(days: &[Date]) -> String {
    let shown: Vec<String> = days.iter().take(DAYS_NAMED).map(Date::to_string).collect();
    let more = days.len().saturating_sub(DAYS_NAMED);
    if more > 0 { format!("{} and {more} more days", shown.join(", ")) } else { shown.join(", ") }
}

/// What differs, in words.
fn told(differences: &BTreeMap<Date, Change>) -> String {
    let mut kinds: BTreeMap<Change, Vec<Date>> = BTreeMap::new();
    for (day, change) in differences {
        kinds.entry(*change).or_default().push(*day);
    }
    let words = kinds.iter().map(|(change, days)| {
        let days = named(days);
        match change {
            Change::Lost => format!("does not start on {days}"),
            Change::Added => format!("starts on {days}, and does not today"),
            Change::Count(one, two) => format!("starts {two} times instead of {one} on {days}"),
            Change::Moved => format!("starts at other times on {days}"),
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

impl Rule for SchedulerSemantics {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        let Some(target) = graph.target_scheduler() else { return };
        let (from, to) = (graph.as_of(), graph.as_of().plus_micros(DAYS_AHEAD * 86_400 * 1_000_000));
        let mut done: BTreeSet<(EntityId, &str)> = BTreeSet::new();
        for job in graph.jobs().iter().filter(|job| job.zone_known && job.dialect != target) {
            let Some(clock) = JobClock::of(job) else { continue };
            if clock.schedule.clock() != Clock::Calendar || !done.insert((job.entity, &job.schedule)) {
                continue;
            }
            let (what, severity) = match schedule::parse(target, &job.schedule) {
                Err(rejected) => (format!("is rejected: {}", rejected.reason), Severity::Low),
                Ok(meaning) => {
                    let differences = differences(&clock, &clock.under(meaning), from, to);
                    if differences.is_empty() {
                        continue;
                    }
                    (told(&differences), Severity::Medium)
                }
            };
            out.push(finding(graph, job, target, &what, severity));
        }
    }
}

fn finding(graph: &Graph, job: &Job, target: &str, what: &str, severity: Severity) -> Finding {
    let name = &graph.entity(job.entity).id;
    let links = graph.links_of(job.entity);
    let mut facts = who::facts(graph, graph.entity(job.entity), &links);
    facts.insert("schedule", format!("{} ({}, {})", job.schedule, job.dialect, job.zone_told()));
    facts.insert("target", target.to_owned());
    Finding {
        rule: &MANUAL,
        severity,
        confidence: Confidence::High,
        title: format!("{name} ({}) {what}, under {target}", job.schedule),
        consumer: Some(job.entity),
        resource: None,
        upstream: None,
        downstream: None,
        facts,
        question: format!("What is {name} meant to do on those days, and how is that written for {target}?"),
        places: vec![job.place.clone()],
    }
}
