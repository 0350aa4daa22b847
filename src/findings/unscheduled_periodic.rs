//! `unscheduled-periodic`: somebody comes by the clock, and no schedule of the scan starts them.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Action, Class, Confidence, Outcome, Stamp};
use crate::graph::Graph;
use crate::resolve::{Entity, EntityId, Link};
use crate::timing::{Beat, beat, job_runs};
use rayon::prelude::*;

/// The rule.
pub struct UnscheduledPeriodic;

static MANUAL: Manual = Manual {
    id: "unscheduled-periodic",
    family: "when",
    title: "Somebody comes by the clock, and no schedule of the scan starts them",
    what: "A consumer that no source or script of the scan explains uses one resource at a fixed period, for \
           at least fourteen beats, and no schedule of a host it may run on predicts those moments.",
    why: "A scheduler exists that nobody looked at: a crontab on a forgotten host, a cloud function, a \
          dashboard's refresh. After the cutover it goes on asking the old system, or fails every quarter of an hour.",
    example: "client:status_ro@10.20.3.44 reads public.orders every 15 min, 480 of 480 beats",
    ask: "Whose is this, where does it run, and who answers when it stops?",
};

/// The share of moments a schedule must predict to explain them.
const PREDICTED: f64 = 0.8;
/// How far, in seconds, a moment may lie from a scheduled start.
const NEAR: i64 = 120;

impl Rule for UnscheduledPeriodic {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        let consumers: Vec<_> = graph.consumers().filter(|(_, consumer)| !consumer.written).collect();
        let found: Vec<Option<Finding>> =
            consumers.into_par_iter().map(|(id, consumer)| kept_time(graph, id, consumer)).collect();
        out.extend(found.into_iter().flatten());
    }
}

/// The use of a consumer that keeps time best, where no schedule predicts it.
fn kept_time(graph: &Graph, id: EntityId, consumer: &Entity) -> Option<Finding> {
    let mut best: Option<(&Link, Beat)> = None;
    for link in graph.links_of(id) {
        let app = link.key.class == Class::App && link.key.outcome == Outcome::Ok;
        if !app || !link.observed() || link.key.action == Action::Connect {
            continue;
        }
        let moments = link.activity().moments();
        let Some(found) = beat(&moments) else { continue };
        if predicted(graph, consumer, &moments) {
            continue;
        }
        if best.as_ref().is_none_or(|(_, other)| found.hits > other.hits) {
            best = Some((link, found));
        }
    }
    let (link, found) = best?;
    let name = &graph.entity(link.key.resource).id;
    let mut facts = who::facts(graph, consumer, &[link]);
    facts.insert("period", period(found.period));
    facts.insert("beats", format!("{} of {} hit, within {} s", found.hits, found.beats, found.tolerance));
    let minutes = found.phase / 60;
    if found.period <= 3600 {
        facts.insert("phase", format!("{minutes} min {} s after each multiple", found.phase % 60));
    }
    Some(Finding {
        rule: &MANUAL,
        severity: Severity::Medium,
        confidence: Confidence::High,
        title: format!(
            "{} uses {name} every {}, and no schedule starts it",
            consumer.id,
            period(found.period)
        ),
        consumer: Some(id),
        resource: Some(link.key.resource),
        upstream: None,
        downstream: None,
        facts,
        question: format!("Where does the scheduler of {} run, and who answers for it?", consumer.id),
        places: who::places(&[link]),
    })
}

fn period(seconds: i64) -> String {
    match seconds {
        s if s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s % 3600 == 0 => format!("{} h", s / 3600),
        s => format!("{} min", s / 60),
    }
}

/// Whether any one schedule of a host that may be the client's own predicts most of the moments.
fn predicted(graph: &Graph, client: &Entity, moments: &[Stamp]) -> bool {
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else { return false };
    let margin = NEAR * 1_000_000;
    graph.jobs().iter().filter(|job| graph.may_run_there(job, client)).any(|job| {
        let runs = job_runs(job, first.plus_micros(-margin), last.plus_micros(margin));
        let near = |moment: &&Stamp| {
            let after = runs.partition_point(|run| run <= *moment);
            let close =
                |run: Option<&Stamp>| run.is_some_and(|run| (moment.seconds() - run.seconds()).abs() <= NEAR);
            close(after.checked_sub(1).and_then(|index| runs.get(index))) || close(runs.get(after))
        };
        // A schedule as dense as every few minutes is near everything and explains nothing.
        let dense = runs.windows(2).any(|pair| pair[1].seconds() - pair[0].seconds() <= 2 * NEAR);
        let hits = moments.iter().filter(near).count();
        let missed = runs.len().saturating_sub(hits);
        !dense && hits as f64 >= PREDICTED * moments.len() as f64 && missed <= runs.len() / 2
    })
}
