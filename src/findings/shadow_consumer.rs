//! `shadow-consumer`: somebody uses a system, and nothing declared or written says who.

use super::stake::Stake;
use super::{Finding, Manual, Rule, who};
use crate::evidence::{Action, Confidence};
use crate::graph::Graph;
use crate::resolve::{Entity, Link};

/// The rule.
pub struct ShadowConsumer;

static MANUAL: Manual = Manual {
    id: "shadow-consumer",
    family: "who",
    title: "Somebody uses it, and nothing says who",
    what: "A client was seen using a system, its statements or requests worked, they are application traffic \
           (not monitoring, backup, replication or a pool's keep-alive), and neither an inventory nor any \
           source, script or schedule of the scan explains any of them. Of an encrypted connection only the two ends can be \
           seen: it counts where an inventory lists the server and the client is of the estate.",
    why: "Nobody will change its connection string, nobody will test it, and nobody will be called when it \
          stops. It is found on the morning after the cutover, by whoever misses its output.",
    example: "client:report_ro@10.20.3.7 reads public.orders and public.customers, 84 times on 5 days, as \
              Tableau 2024.1",
    ask: "Whose is this login, who runs this program on this host, and what stops when it stops? Ask the \
          owner of the address first, then whoever granted the login.",
};

impl Rule for ShadowConsumer {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            if consumer.declared || consumer.written || consumer.borrows_from.is_some() {
                continue;
            }
            for (system, links) in who::by_system(graph, id) {
                let shadow = |link: &&Link| {
                    link.shadow()
                        && !says_nothing(graph, consumer, link)
                        && !who::may_be_others(consumer, link)
                };
                let links: Vec<_> = links.into_iter().filter(shadow).collect();
                if links.is_empty() {
                    continue;
                }
                let name = &graph.entity(system).id;
                let mut facts = who::facts(graph, consumer, &links);
                let severity = Stake::of(graph, consumer, &links).settle(&mut facts);
                let known_by = if consumer.name == "unknown" { Confidence::Low } else { Confidence::High };
                out.push(Finding {
                    rule: &MANUAL,
                    severity,
                    confidence: links
                        .iter()
                        .map(|l| l.confidence)
                        .max()
                        .unwrap_or(Confidence::Low)
                        .min(known_by),
                    title: format!("{} uses {name}, and nothing says who that is", consumer.id),
                    consumer: Some(id),
                    resource: Some(system),
                    upstream: None,
                    downstream: None,
                    facts,
                    question: format!("Who runs {}, and what stops when it stops?", consumer.id),
                    places: who::places(&links),
                });
            }
        }
    }
}

/// Whether of a use nothing is known but two ends of which one is nobody's here.
fn says_nothing(graph: &Graph, consumer: &Entity, link: &Link) -> bool {
    let encrypted = link.traits.iter().any(|it| &*it.name == "encrypted");
    let system = graph.entity(graph.system_of(link.key.resource));
    let unlisted = system.kind == "external" && !system.declared;
    link.key.action == Action::Connect && encrypted && (who::is_public(consumer) || unlisted)
}
