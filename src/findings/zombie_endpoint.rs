//! `zombie-endpoint`: somebody still calls what its own document asks everybody to leave.

use super::stake::Stake;
use super::{Finding, Manual, Rule, who};
use crate::evidence::{Action, Confidence};
use crate::graph::Graph;

/// The rule.
pub struct ZombieEndpoint;

static MANUAL: Manual = Manual {
    id: "zombie-endpoint",
    family: "who",
    title: "Somebody still calls an endpoint that is declared deprecated",
    what: "An API document marks an operation as deprecated, or a catalogue the whole API, and a consumer called it and was \
           answered, or its text calls it. Operations without that mark, calls that failed, health checks and monitoring are \
           not meant.",
    why: "What is deprecated is left out of the target first, because everybody believes that nobody uses it. Whoever still \
          does is known here by name before the old one is switched off.",
    example: "service:billing still calls GET /v1/orders/{id} of orders-api, which openapi.yaml marks as deprecated",
    ask: "Is it in the target? If not, when does this consumer move to what replaces it?",
};

impl Rule for ZombieEndpoint {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            for link in who::by_system(graph, id).into_values().flatten() {
                let endpoint = graph.entity(link.key.resource);
                if !endpoint.deprecated || link.key.action != Action::Call {
                    continue;
                }
                let mut facts = who::facts(graph, consumer, &[link]);
                let stake = Stake::of(graph, consumer, &[link]);
                let stake = if link.observed() { stake } else { stake.and(-2, "never seen") };
                let severity = stake.settle(&mut facts);
                out.push(Finding {
                    rule: &MANUAL,
                    severity,
                    confidence: if link.observed() { Confidence::High } else { Confidence::Medium },
                    title: format!(
                        "{} still calls {}, which is declared deprecated",
                        consumer.id, endpoint.id
                    ),
                    consumer: Some(id),
                    resource: Some(link.key.resource),
                    upstream: None,
                    downstream: None,
                    facts,
                    question: format!("When does {} move to what replaces {}?", consumer.id, endpoint.name),
                    places: who::places(&[link]),
                });
            }
        }
    }
}
