//! `dead-schedule`: a schedule that is accepted and never comes.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::Confidence;
use crate::graph::Graph;
use crate::resolve::Job;
use crate::schedule::Clock;
use crate::timing::JobClock;

/// The rule.
pub struct DeadSchedule;

static MANUAL: Manual = Manual {
    id: "dead-schedule",
    family: "when",
    title: "A job's schedule is accepted and never comes",
    what: "A job's scheduler takes its schedule without a word, and no moment after the scan's day fits it within 40 \
           years: a day that its month does not have (30 February), a range that ends before it begins, which Debian's \
           cron reads as nothing (22-2), years that have passed. A schedule that its scheduler rejects is a gap and not \
           meant; nor is one that starts with the machine, counts from its last run, or is filled in elsewhere.",
    why: "Somebody believes that the job runs. Written anew for the new system, it is likely to become one that does, and \
          does for the first time, at the cutover, what it was meant to do for years.",
    example: "job:batch1/archive (0 22-2 * * *, vixie) never runs",
    ask: "What was the job meant to do, and who noticed that it does not? May it be left behind?",
};

impl Rule for DeadSchedule {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        let mut found = who::OnePerJob::default();
        for job in graph.jobs() {
            let Some(clock) = JobClock::of(job) else { continue };
            if clock.schedule.clock() != Clock::Calendar || clock.runs_after(graph.as_of()) {
                continue;
            }
            found.add(job, || finding(graph, job, &clock));
        }
        out.extend(found.into_findings());
    }
}

fn finding(graph: &Graph, job: &Job, clock: &JobClock) -> Finding {
    let name = &graph.entity(job.entity).id;
    let links = graph.links_of(job.entity);
    let mut facts = who::facts(graph, graph.entity(job.entity), &links);
    if !clock.schedule.notes().is_empty() {
        facts.insert("because", clock.schedule.notes().join("; "));
    }
    Finding {
        rule: &MANUAL,
        severity: Severity::Medium,
        confidence: Confidence::High,
        title: format!("{name} ({}) never runs", job.schedule),
        consumer: Some(job.entity),
        resource: None,
        upstream: None,
        downstream: None,
        facts,
        question: format!("What was {name} meant to do, and who noticed that it does not?"),
        places: vec![job.place.clone()],
    }
}
