//! `undeclared-use`: a listed consumer uses more than the inventory states.

use super::stake::Stake;
use super::{Finding, Manual, Rule, who};
use crate::evidence::stated::open_path;
use crate::evidence::{Action, Confidence, Role, request};
use crate::graph::Graph;
use crate::resolve::{EntityId, Link};
use std::collections::BTreeSet;

/// The rule.
pub struct UndeclaredUse;

static MANUAL: Manual = Manual {
    id: "undeclared-use",
    family: "who",
    title: "A listed consumer uses more than the inventory states",
    what: "An inventory lists the consumer and what it uses, and it was seen using, or its text uses, \
           something of a database, broker, cache or service of the estate that lies outside of that. An inventory that \
           stops at databases covers their tables; one that lists tables, requests, channels or keys is held to them. One \
           that lists APIs, channels or files alone speaks of no database, and one that lists no service speaks of no \
           calls: perhaps it never lists them, and nothing of that kind goes beyond it. Where nothing that is stated was \
           met at all, only what was seen counts, and not what a text says. Not meant are calls that ask whether a program \
           is well or read its metrics, a service's calls of itself, a proxy and what it only passes on, what another \
           service that is stated to call this one gets sent back, and systems outside of the estate.",
    why: "A table that no plan connects with a service is moved, renamed or left behind without asking it; a service \
          that nobody knows to be called is switched off while somebody waits for its answer.",
    example: "service:billing reads public.customers, which its entry does not state",
    ask: "Does the owner know? Correct the inventory, or remove the use.",
};

impl Rule for UndeclaredUse {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            if !consumer.declared {
                continue;
            }
            let states_something = graph.links_of(id).iter().any(|link| link.declared);
            for (system, links) in who::by_system(graph, id) {
                let meant = |link: &&Link| match graph.entity(system).kind.as_str() {
                    "database" | "broker" | "cache" => true,
                    "service" => is_work(graph, id, system, link),
                    // A channel whose broker nobody says is a system of its own.
                    "topic" | "queue" => graph.speaks(id).is_some_and(|kinds| kinds.channels),
                    _ => false,
                };
                let beyond: Vec<_> = links
                    .into_iter()
                    .filter(|link| !link.declared && (states_something || !link.written))
                    .filter(meant)
                    .collect();
                let resources: BTreeSet<_> = beyond.iter().map(|link| link.key.resource).collect();
                let resource = match resources.iter().collect::<Vec<_>>()[..] {
                    [] => continue,
                    [only] => *only,
                    _ => system,
                };
                out.push(finding(graph, id, resource, &beyond));
            }
        }
    }
}

fn finding(graph: &Graph, id: EntityId, resource: EntityId, beyond: &[&Link]) -> Finding {
    let consumer = graph.entity(id);
    let mut facts = who::facts(graph, consumer, beyond);
    let stake = Stake::of(graph, consumer, beyond);
    let severity = stake.and(-2, "its owner is known").settle(&mut facts);
    Finding {
        rule: &MANUAL,
        severity,
        confidence: beyond.iter().map(|link| link.confidence).max().unwrap_or(Confidence::Low),
        title: format!("{} uses {}, which its entry does not state", consumer.id, graph.entity(resource).id),
        consumer: Some(id),
        resource: Some(resource),
        upstream: None,
        downstream: None,
        facts,
        question: format!("Does the owner of {} know of this use?", consumer.id),
        places: who::places(beyond),
    }
}

/// Whether a link to a service is a use of it that an entry which states calls would state.
fn is_work(graph: &Graph, id: EntityId, system: EntityId, link: &Link) -> bool {
    let Some(calls) = graph.speaks(id).map(|kinds| &kinds.calls).filter(|calls| !calls.is_empty()) else {
        return false;
    };
    let (consumer, service) = (graph.entity(id), graph.entity(system));
    let itself = id == system || consumer.code_of == Some(system);
    let proxy = [consumer, service].iter().any(|it| it.role == Some(Role::Proxy));
    let asked = graph.entity(link.key.resource).name.split_once(' ');
    let about_itself = asked.is_some_and(|(method, path)| request::asks_about_itself(method, path));
    !itself
        && !proxy
        && !about_itself
        && !is_answer(graph, id, system, link)
        && !passes_on(graph, calls, system, link)
}

/// Whether a call sends something to a service that is itself stated to call this consumer: that one asked for it.
fn is_answer(graph: &Graph, id: EntityId, system: EntityId, link: &Link) -> bool {
    let name = &graph.entity(id).name;
    let knows = || graph.speaks(system).is_some_and(|kinds| kinds.calls.contains(name));
    who::calls_unsafely(graph, link) && knows()
}

/// Whether the service asks one that the consumer states for the same: then it is a hop on the way there. What is put in
/// front of a path may be taken away.
fn passes_on(graph: &Graph, calls: &BTreeSet<String>, system: EntityId, link: &Link) -> bool {
    let Some((method, path)) = graph.entity(link.key.resource).name.split_once(' ') else { return false };
    let path = open_path(path);
    graph.links_of(system).into_iter().filter(|other| other.key.action == Action::Call).any(|other| {
        let further = graph.entity(other.key.resource);
        let stated = calls.contains(&graph.entity(graph.system_of(other.key.resource)).name);
        stated
            && further.name.split_once(' ').is_some_and(|(own, further)| {
                let further = open_path(further);
                own == method && further.contains(char::is_alphabetic) && path.ends_with(&further)
            })
    })
}
