//! `orphan-declaration`: an inventory states a use that nobody saw, where everything was watched.

use super::{Finding, Manual, Rule, Severity};
use crate::evidence::stated::fits;
use crate::evidence::{Confidence, Scope, Sees, Stamp};
use crate::graph::{Graph, Stated};
use crate::resolve::{EntityId, Link, Watch};
use crate::timing::job_runs;
use std::collections::BTreeMap;

/// The rule.
pub struct OrphanDeclaration;

static MANUAL: Manual = Manual {
    id: "orphan-declaration",
    family: "who",
    title: "An inventory states a use that nobody saw, where everything was watched",
    what: "An inventory says that a consumer uses something; a log or capture that sees all of that server watched it \
           for a day or longer and never saw the consumer there; and no text of the consumer names it, or it is a job \
           that nothing is seen to start: no schedule, and nowhere an act of it. A consumer whose schedules did not \
           all come round while it was watched, one whose login others share without being told apart, and servers \
           nobody watched are not meant.",
    why: "A dead entry costs a migration work for nobody, or hides that the consumer has moved to another way: then \
          the entry looks answered, and the real dependency is in no plan.",
    example: "service:legacy-crm states orders-db/shop/public.prices; 12 days of its whole log never show it",
    ask: "Is the consumer still running? If it is, how does it get at this now?",
};

/// How long, in seconds, somebody must have watched.
const WATCHED_AT_LEAST: i64 = 24 * 3600;
/// From how many days on a finding is more than a hint, and from how many it is sure.
const DAYS_MEDIUM: i64 = 7;
const DAYS_HIGH: i64 = 35;

impl Rule for OrphanDeclaration {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for stated in graph.stated_uses() {
            let consumer = graph.entity(stated.consumer);
            let watches: Vec<&Watch> =
                graph.watches(stated.resource).filter(|watch| watch.sees == Sees::All).collect();
            let Some(watched) =
                longest(&watches).filter(|(first, last)| seconds(*first, *last) >= WATCHED_AT_LEAST)
            else {
                continue;
            };
            if is_used(graph, stated) || !came_round(graph, stated.consumer, watched) {
                continue;
            }
            let days = seconds(watched.0, watched.1) / 86_400;
            let resource = &graph.entity(stated.resource).id;
            let mut facts = BTreeMap::new();
            facts.insert("watched", format!("{} to {}", watched.0, watched.1));
            facts.insert("days", days.to_string());
            let ids: Vec<&str> = watches.iter().map(|watch| &*watch.vantage).collect();
            facts.insert("watched_by", ids.join(", "));
            out.push(Finding {
                rule: &MANUAL,
                severity: Severity::Low,
                confidence: match days {
                    days if days >= DAYS_HIGH => Confidence::High,
                    days if days >= DAYS_MEDIUM => Confidence::Medium,
                    _ => Confidence::Low,
                },
                title: format!("{} states that it uses {resource}, and nobody saw it there", consumer.id),
                consumer: Some(stated.consumer),
                resource: Some(stated.resource),
                upstream: None,
                downstream: None,
                facts,
                question: format!("Is {} still running, and how does it get at {resource} now?", consumer.id),
                places: vec![stated.place.clone()],
            });
        }
    }
}

fn seconds(first: Stamp, last: Stamp) -> i64 {
    last.seconds() - first.seconds()
}

/// The longest stretch that one vantage watched.
fn longest(watches: &[&Watch]) -> Option<(Stamp, Stamp)> {
    let spans = watches.iter().filter_map(|watch| watch.span).map(|span| (span.first, span.last));
    spans.max_by_key(|(first, last)| (seconds(*first, *last), *first))
}

/// Whether the consumer, or somebody who may be it, was seen or is written to use the resource or a part of it, or
/// something of that name on a server its text does not tell.
fn is_used(graph: &Graph, stated: &Stated) -> bool {
    let may_be = graph.may_be(stated.consumer);
    let own = |who: EntityId| who == stated.consumer || may_be.contains(&who);
    // What stands in tests and examples is nobody's use, and neither is the text of a job that nothing starts.
    let idle = is_idle(graph, stated.consumer);
    let counts = |link: &Link| link.observed() || (link.key.scope == Scope::Production && !idle);
    let entity = graph.entity(stated.resource);
    let somewhere = |link: &Link| {
        let used = graph.entity(link.key.resource);
        let unknown = used.id.split_once(':').is_some_and(|(_, rest)| rest.starts_with("?/"));
        let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        counts(link) && unknown && (entity.kind != "table" || last(&used.name) == last(&entity.name))
    };
    let fitting = |link: &Link| {
        counts(link) && fits(&entity.id, &graph.entity(link.key.resource).id) && own(link.key.consumer)
    };
    graph.links_within(stated.resource).any(|link| own(link.key.consumer) && counts(link))
        || (entity.id.contains('*') && graph.links().any(fitting))
        || graph.links_of(stated.consumer).into_iter().any(somewhere)
}

/// Whether it is a job that no schedule among what was read starts, and of which no act was seen anywhere.
fn is_idle(graph: &Graph, consumer: EntityId) -> bool {
    let scheduled = graph.jobs().iter().any(|job| job.entity == consumer);
    graph.entity(consumer).kind == "job"
        && !scheduled
        && !graph.links_of(consumer).into_iter().any(|link| link.observed())
}

/// Whether each schedule of the consumer had a run while it was watched.
fn came_round(graph: &Graph, consumer: EntityId, (first, last): (Stamp, Stamp)) -> bool {
    let own = graph.jobs().iter().filter(|job| job.entity == consumer);
    own.into_iter().all(|job| !job_runs(job, first, last).is_empty())
}
