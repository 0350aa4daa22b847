//! `misread-schedule`: a schedule that its scheduler reads otherwise than people do.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::Confidence;
use crate::graph::Graph;
use crate::resolve::Job;
use crate::timing::JobClock;

/// The rule.
pub struct MisreadSchedule;

static MANUAL: Manual = Manual {
    id: "misread-schedule",
    family: "when",
    title: "A schedule means something else to its scheduler than to people",
    what: "A job's scheduler takes its schedule, and makes of it what people do not: day of month and day of week both \
           given, of which most crons take either (crontab(5)) and none of them the days that both mean; a day field \
           that begins with *, which Vixie's cron and cronie AND with the other while Kubernetes and Busybox OR it; the \
           rest of a field that Debian's cron ignores (0~30 is 0); a field that Busybox reports as an error and runs all \
           the same. A pair of day fields of which one is * is read by everybody alike, and is not meant; nor is a \
           schedule that never runs, which is dead-schedule.",
    why: "Whoever rewrites the schedule for the new system writes what it seems to say. The job then runs on other days \
          than it always did, and both systems are right by their own manual.",
    example: "job:batch1/settle (0 2 1-7 * 1, vixie) runs on the 1st to the 7th and on every Monday",
    ask: "When is the job meant to run, and when did it run so far? Which of the two do its users rely on?",
};

impl Rule for MisreadSchedule {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        let mut found = who::OnePerJob::default();
        for job in graph.jobs() {
            let Some(clock) = JobClock::of(job) else { continue };
            let misread = clock.schedule.misread();
            if misread.is_empty() || !clock.runs_after(graph.as_of()) {
                continue;
            }
            found.add(job, || finding(graph, job, &clock, misread));
        }
        out.extend(found.into_findings());
    }
}

fn finding(graph: &Graph, job: &Job, clock: &JobClock, misread: &[String]) -> Finding {
    let name = &graph.entity(job.entity).id;
    let links = graph.links_of(job.entity);
    let mut facts = who::facts(graph, graph.entity(job.entity), &links);
    facts.insert("read as", clock.schedule.words());
    facts.insert("because", misread.join("; "));
    Finding {
        rule: &MANUAL,
        severity: if who::writes(&links) { Severity::Medium } else { Severity::Low },
        confidence: Confidence::High,
        title: format!("{name} ({}) runs {}", job.schedule, clock.schedule.words()),
        consumer: Some(job.entity),
        resource: None,
        upstream: None,
        downstream: None,
        facts,
        question: format!("When is {name} meant to run, and when did it run so far?"),
        places: vec![job.place.clone()],
    }
}
