//! `undeclared-use`: a listed consumer uses more than the inventory states.

use super::stake::Stake;
use super::{Finding, Manual, Rule, who};
use crate::evidence::Confidence;
use crate::graph::Graph;
use std::collections::BTreeSet;

/// The rule.
pub struct UndeclaredUse;

static MANUAL: Manual = Manual {
    id: "undeclared-use",
    family: "who",
    title: "A listed consumer uses more than the inventory states",
    what: "An inventory lists the consumer and what it uses, and it was seen using, or its text uses, \
           something of a system that lies outside of that. An inventory that stops at databases covers their \
           tables; one that lists tables is held to them.",
    why: "A table that no plan connects with a service is moved, renamed or left behind without asking it.",
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
                if !matches!(graph.entity(system).kind.as_str(), "database" | "broker" | "cache") {
                    continue;
                }
                let beyond: Vec<_> = links
                    .into_iter()
                    .filter(|link| !link.declared && (states_something || !link.written))
                    .collect();
                let resources: BTreeSet<_> = beyond.iter().map(|link| link.key.resource).collect();
                let resource = match resources.iter().collect::<Vec<_>>()[..] {
                    [] => continue,
                    [only] => *only,
                    _ => system,
                };
                let mut facts = who::facts(graph, consumer, &beyond);
                let stake = Stake::of(graph, consumer, &beyond);
                let severity = stake.and(-2, "its owner is known").settle(&mut facts);
                out.push(Finding {
                    rule: &MANUAL,
                    severity,
                    confidence: beyond.iter().map(|link| link.confidence).max().unwrap_or(Confidence::Low),
                    title: format!(
                        "{} uses {}, which its entry does not state",
                        consumer.id,
                        graph.entity(resource).id
                    ),
                    consumer: Some(id),
                    resource: Some(resource),
                    upstream: None,
                    downstream: None,
                    facts,
                    question: format!("Does the owner of {} know of this use?", consumer.id),
                    places: who::places(&beyond),
                });
            }
        }
    }
}
