//! `implicit-order`: one job reads what another wrote earlier, and only the clock keeps them in order.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Action, Confidence, Stamp};
use crate::graph::Graph;
use crate::resolve::{EntityId, Job, Link};
use crate::timing::JobClock;
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub struct ImplicitOrder;

static MANUAL: Manual = Manual {
    id: "implicit-order",
    family: "when",
    title: "One job reads what another wrote, and only the clock keeps them in order",
    what: "Two scheduled jobs share one exact resource: one writes it, the other reads it, and the reader's \
           next start follows the writer's within 12 hours and by less than either's period. No chain, call, \
           shared job or condition of their scheduler ties them, \
           the reader tests no file that the writer makes, and they do not wait for one lock.",
    why: "The reader is right only because the writer usually finishes in time. On a slower or faster target, \
          or after one of the two moved first, it reads yesterday's data and succeeds.",
    example: "job:batch1/ledger_load (02:30) reads finance.daily_settlement, which job:batch1/settle (02:00) writes",
    ask: "What must the first have finished before the second starts, and what does the second do if it has not?",
};

/// How many runs of the writer the offset is looked at for.
const RUNS_COMPARED: usize = 9_000;
/// The days in which those runs are looked for: a year, so that both sides of daylight saving are among them.
const DAYS_COMPARED: i64 = 371;

impl Rule for ImplicitOrder {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        let jobs: BTreeMap<EntityId, &Job> = graph.jobs().iter().map(|job| (job.entity, job)).collect();
        for (resource, sides) in who::hand_overs(graph) {
            for (writer, reader) in sides.pairs() {
                if !kept_in_order(graph, writer, reader)
                    && is_one(graph, resource, jobs[&writer], jobs[&reader])
                {
                    out.extend(hand_off(graph, &jobs, writer, reader, resource));
                }
            }
        }
    }
}

/// Whether both mean the same thing: a table of a server nobody knows may be one on each of two hosts.
fn is_one(graph: &Graph, resource: EntityId, writer: &Job, reader: &Job) -> bool {
    let known = !graph.entity(resource).id.starts_with("table:?/");
    known || (writer.host.is_some() && writer.host == reader.host)
}

/// Whether something other than the clock keeps the two in order: their scheduler does, the reader tests a file that
/// the writer makes, or both wait for one lock.
fn kept_in_order(graph: &Graph, writer: EntityId, reader: EntityId) -> bool {
    let with = |who: EntityId, how: &str| -> BTreeSet<EntityId> {
        let links = graph.links_of(who).into_iter();
        links.filter(|l| l.traits.iter().any(|t| &*t.name == how)).map(|l| l.key.resource).collect()
    };
    let made = |file: &EntityId| writes(graph, writer, *file);
    let locks = with(writer, "waits-for-lock");
    graph.comes_after(reader, writer)
        || with(reader, "tests-file").iter().any(made)
        || with(reader, "waits-for-lock").iter().any(|lock| locks.contains(lock))
}

/// How long after the writer's start the reader starts, in seconds: the smallest and largest usual offset over
/// a year's runs, as far as they lie within either's period.
fn offsets(writer: &Job, reader: &Job) -> Option<(i64, i64)> {
    let (one, two) = (JobClock::of(writer)?, JobClock::of(reader)?);
    let period = one.schedule.period_seconds()?.min(two.schedule.period_seconds()?);
    // Any stretch of days serves, because only the order within a day is compared; a fixed one keeps the
    // answer the same whenever it is asked.
    let from = Stamp::from_seconds(1_767_571_200);
    let to = from.plus_micros(DAYS_COMPARED * 86_400 * 1_000_000);
    let starts = one.between(from, to);
    let followers = two.between(from, to);
    let mut seen = Vec::new();
    for start in starts.iter().take(RUNS_COMPARED) {
        let next = followers.partition_point(|other| other <= start);
        let Some(follower) = followers.get(next) else { break };
        let offset = follower.seconds() - start.seconds();
        if offset < period {
            seen.push(offset);
        }
    }
    // A changing of the clocks makes an odd one or two; what it does to a job is another question.
    seen.sort_unstable();
    let rare = seen.len() / 20;
    let usual = seen.get(rare..seen.len() - rare)?;
    Some((*usual.first()?, *usual.last()?))
}

/// How far ahead changes of the clocks are looked at, in days.
const DAYS_AHEAD: i64 = 366;

/// The first moment after the scan's day at which both start at once because the clocks have changed: a job that the
/// change takes out of the hour that does not exist runs when that hour would have ended (cron(8)), and so does
/// the other. Jobs that meet on other days as well are no such pair.
fn together(graph: &Graph, first: &Job, second: &Job) -> Option<Stamp> {
    let (one, two) = (JobClock::of(first)?, JobClock::of(second)?);
    let (from, to) = (graph.as_of(), graph.as_of().plus_micros(DAYS_AHEAD * 86_400 * 1_000_000));
    let others: BTreeSet<Stamp> = two.between(from, to).into_iter().collect();
    let starts = one.between(from, to).into_iter().take(RUNS_COMPARED);
    let meetings: Vec<Stamp> = starts.filter(|start| others.contains(start)).collect();
    let changed = meetings.iter().all(|at| one.clocks_changed_before(*at) && two.clocks_changed_before(*at));
    meetings.first().copied().filter(|_| changed)
}

fn hand_off(
    graph: &Graph,
    jobs: &BTreeMap<EntityId, &Job>,
    writer: EntityId,
    reader: EntityId,
    resource: EntityId,
) -> Option<Finding> {
    let (first, second) = (jobs[&writer], jobs[&reader]);
    let comparable = first.zone == second.zone || (first.zone_known && second.zone_known);
    let (least, most) = offsets(first, second).filter(|_| comparable)?;
    // Both directions are true of any two daily jobs; the hand-off is the shorter way round.
    let back = offsets(second, first).map(|(least, _)| least);
    let both_ways = writes(graph, reader, resource) && reads(graph, writer, resource);
    if back.is_some_and(|back| back < least) && (both_ways || least > 12 * 3600) {
        return None;
    }
    if least > 12 * 3600 {
        return None;
    }
    let links: Vec<&Link> = graph
        .links_to(resource)
        .into_iter()
        .filter(|link| {
            let key = &link.key;
            (key.consumer == writer && matches!(key.action, Action::Write | Action::Export))
                || (key.consumer == reader && matches!(key.action, Action::Read | Action::Import))
        })
        .collect();
    let mut facts = BTreeMap::new();
    facts.insert("upstream_schedule", format!("{} ({})", first.schedule, first.zone_told()));
    facts.insert("downstream_schedule", format!("{} ({})", second.schedule, second.zone_told()));
    facts.insert(
        "offset",
        if least == most { minutes(least) } else { format!("{} to {}", minutes(least), minutes(most)) },
    );
    for (name, job) in [("upstream_spread", first), ("downstream_spread", second)] {
        let spread = JobClock::of(job).map_or(0, |clock| clock.spread_seconds());
        if spread > 0 {
            facts.insert(name, format!("starts up to {} later", minutes(spread.cast_signed())));
        }
    }
    let slack = observed_slack(&links, writer, reader, first, second);
    if let Some((nights, worst)) = slack {
        facts.insert("observed_nights", nights.to_string());
        facts.insert("least_slack", minutes(worst));
    }
    for (name, job) in [("upstream_remark", first), ("downstream_remark", second)] {
        facts.extend(job.remark.clone().map(|remark| (name, remark)));
    }
    for (name, job) in [("upstream_guard", first), ("downstream_guard", second)] {
        if !job.guards.is_empty() {
            facts.insert(name, job.guards.join("; "));
        }
    }
    if let Some(at) = together(graph, first, second) {
        facts.insert("clocks_change", format!("both start at once on {at}"));
    }
    let observed = links.iter().any(|link| link.observed());
    let mut places = vec![first.place.clone(), second.place.clone()];
    places.extend(who::places(&links));
    let (one, two) = (&graph.entity(writer).id, &graph.entity(reader).id);
    Some(Finding {
        rule: &MANUAL,
        severity: Severity::High,
        confidence: if observed { Confidence::High } else { Confidence::Medium },
        title: format!(
            "{two} reads {} {} after {one} starts to write it",
            graph.entity(resource).id,
            minutes(least)
        ),
        consumer: None,
        resource: Some(resource),
        upstream: Some(writer),
        downstream: Some(reader),
        facts,
        question: format!("What must {one} have finished before {two} starts, and what if it has not?"),
        places,
    })
}

fn writes(graph: &Graph, job: EntityId, resource: EntityId) -> bool {
    graph.links_to(resource).iter().any(|link| link.key.consumer == job && link.key.action == Action::Write)
}

fn reads(graph: &Graph, job: EntityId, resource: EntityId) -> bool {
    graph.links_to(resource).iter().any(|link| link.key.consumer == job && link.key.action == Action::Read)
}

fn minutes(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.abs();
    if seconds < 120 { format!("{sign}{seconds} s") } else { format!("{sign}{} min", seconds / 60) }
}

/// Over the nights both were seen: how many, and the least time from the writer's last write to the
/// reader's first read, in seconds; negative where the reader was first.
fn observed_slack(
    links: &[&Link],
    writer: EntityId,
    reader: EntityId,
    first: &Job,
    second: &Job,
) -> Option<(usize, i64)> {
    let moments = |who: EntityId| -> Vec<Stamp> {
        let mut all: Vec<Stamp> =
            links.iter().filter(|l| l.key.consumer == who).flat_map(|l| l.activity().moments()).collect();
        all.sort_unstable();
        all
    };
    let (written, read) = (moments(writer), moments(reader));
    let (from, to) = (*written.first()?, *read.last()?);
    let day = 86_400 * 1_000_000;
    let (one, two) = (JobClock::of(first)?, JobClock::of(second)?);
    let (mut nights, mut worst) = (0, i64::MAX);
    for start in one.between(from.plus_micros(-day), to) {
        let Some(follow) = two.between(start, start.plus_micros(day)).first().copied() else { continue };
        let next =
            one.between(start, start.plus_micros(day)).first().copied().unwrap_or(start.plus_micros(day));
        let ended = written.iter().filter(|m| **m >= start.plus_micros(-60_000_000) && **m < next).max();
        let began =
            read.iter().find(|m| **m >= follow.plus_micros(-60_000_000) && **m < follow.plus_micros(day / 2));
        if let (Some(ended), Some(began)) = (ended, began) {
            nights += 1;
            worst = worst.min(began.seconds() - ended.seconds());
        }
    }
    (nights > 0).then_some((nights, worst))
}
