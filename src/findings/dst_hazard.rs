//! `dst-hazard`: a job that the change of the clocks leaves out for a day, or runs twice.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::Confidence;
use crate::graph::Graph;
use crate::timing::{ClockChange, JobClock};

/// The rule.
pub struct DstHazard;

static MANUAL: Manual = Manual {
    id: "dst-hazard",
    family: "when",
    title: "A change of the clocks leaves a job out for a day, or runs it twice",
    what: "In the zone of its host, a job's scheduler finds no start for it on the day the clocks go forward, though \
           the schedule means that day, or starts all of that day's runs twice when they go back, within the 24 \
           months after the scan's day. Debian's cron runs a job with a fixed hour and minute once on either day, \
           and moves it out of the hour that does not exist; a job whose minute or hour begins with * follows \
           real time (cron(8)). A job that also runs in other hours of the day loses nothing and is not meant; \
           nor is one whose zone is not known.",
    why: "A day's batch that is missing or doubled looks like a fault of the new system when the change falls \
          near the cutover, and like nothing at all when it does not.",
    example: "job:batch1/settle (*/30 2 * * *, Europe/Berlin) does not run on 2027-03-28",
    ask: "May the job be left out or run twice? Can it run in UTC, or outside the hour that changes?",
};

/// How far ahead changes of the clocks are looked for, in days: 24 months.
const DAYS_AHEAD: i64 = 731;

impl Rule for DstHazard {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        let (from, to) = (graph.as_of(), graph.as_of().plus_micros(DAYS_AHEAD * 86_400 * 1_000_000));
        for job in graph.jobs().iter().filter(|job| job.zone_known) {
            let Some(clock) = JobClock::of(job) else { continue };
            let changes = clock.at_clock_changes(from, to);
            let days = |wanted: ClockChange| {
                let days = changes.iter().filter(|(_, change)| *change == wanted);
                days.map(|(day, _)| day.to_string()).collect::<Vec<_>>().join(", ")
            };
            let (skipped, doubled) = (days(ClockChange::Skipped), days(ClockChange::Doubled));
            let name = &graph.entity(job.entity).id;
            let what = match (skipped.is_empty(), doubled.is_empty()) {
                (true, true) => continue,
                (false, true) => format!("does not run on {skipped}"),
                (true, false) => format!("runs twice on {doubled}"),
                (false, false) => format!("does not run on {skipped}, and runs twice on {doubled}"),
            };
            let links = graph.links_of(job.entity);
            let mut facts = who::facts(graph, graph.entity(job.entity), &links);
            facts.insert("schedule", format!("{} ({})", job.schedule, job.zone_told()));
            out.push(Finding {
                rule: &MANUAL,
                severity: if who::writes(&links) { Severity::Medium } else { Severity::Low },
                confidence: Confidence::High,
                title: format!("{name} {what}, when the clocks change"),
                consumer: Some(job.entity),
                resource: None,
                upstream: None,
                downstream: None,
                facts,
                question: format!("May {name} be left out or run twice?"),
                places: vec![job.place.clone()],
            });
        }
    }
}
