//! `unofficial-consumer`: written in a script or source of the scan, listed in no inventory.

use super::stake::Stake;
use super::{Finding, Manual, Rule, who};
use crate::evidence::{Confidence, Place};
use crate::graph::Graph;
use crate::resolve::EntityId;

/// The rule.
pub struct UnofficialConsumer;

static MANUAL: Manual = Manual {
    id: "unofficial-consumer",
    family: "who",
    title: "A script or program uses it, and no inventory lists it",
    what: "Source, a script or a schedule of the scan uses a system in production, an inventory exists, and \
           the inventory lists neither this consumer nor anything it was joined with.",
    why: "The migration plan was made from the inventory. A job that hands a table to a partner at night is \
          in nobody's plan, though its script lies on the host for everyone to read.",
    example: "job:batch1/partner_export reads public.orders at 05:15 every day and copies it to a partner",
    ask: "Is it still needed, who answers for it, and who is on the other side? Then list it in the inventory.",
};

impl Rule for UnofficialConsumer {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        if !graph.has_inventory() {
            return;
        }
        for (id, consumer) in graph.consumers() {
            // The work of a job in an application's code is the application's, which is asked about itself.
            if consumer.declared || !consumer.written || consumer.code_of.is_some() {
                continue;
            }
            for (system, links) in who::by_system(graph, id) {
                // Only systems that somebody owns: a file of its own is nobody's inventory entry.
                let whole = graph.entity(system);
                let store = matches!(whole.kind.as_str(), "database" | "broker" | "cache");
                let listed = whole.declared && matches!(whole.kind.as_str(), "external" | "service");
                if !(store || listed) {
                    continue;
                }
                out.push(finding(graph, id, system, &links));
            }
        }
    }
}

fn finding(graph: &Graph, id: EntityId, system: EntityId, links: &[&crate::resolve::Link]) -> Finding {
    let consumer = graph.entity(id);
    let seen = links.iter().any(|link| link.observed());
    let mut facts = who::facts(graph, consumer, links);
    facts.insert("observed", if seen { "yes" } else { "never" }.to_owned());
    let mut places: Vec<Place> = Vec::new();
    for job in graph.jobs().iter().filter(|job| job.entity == id) {
        facts.insert("schedule", format!("{} ({})", job.schedule, job.zone_told()));
        places.push(job.place.clone());
    }
    places.extend(who::places(links));
    // Written and never seen, where others were seen: perhaps it no longer runs. Where nobody looked, it counts.
    let watched = graph.links().any(|link| link.observed() && graph.system_of(link.key.resource) == system);
    let stake = Stake::of(graph, consumer, links);
    let stake = if seen || !watched { stake } else { stake.and(-2, "never seen, where others were") };
    let severity = stake.settle(&mut facts);
    Finding {
        rule: &MANUAL,
        severity,
        confidence: links.iter().map(|link| link.confidence).max().unwrap_or(Confidence::Low),
        title: format!("{} uses {}, and no inventory lists it", consumer.id, graph.entity(system).id),
        consumer: Some(id),
        resource: Some(system),
        upstream: None,
        downstream: None,
        facts,
        question: format!("Is {} still needed, and who answers for it?", consumer.id),
        places,
    }
}
