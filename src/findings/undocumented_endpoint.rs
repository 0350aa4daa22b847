//! `undocumented-endpoint`: somebody calls what the API's own document does not list.

use super::stake::Stake;
use super::{Finding, Manual, Rule, who};
use crate::evidence::{Action, Confidence};
use crate::graph::Graph;

/// The rule.
pub struct UndocumentedEndpoint;

static MANUAL: Manual = Manual {
    id: "undocumented-endpoint",
    family: "who",
    title: "Somebody calls an endpoint that the API's document does not list",
    what: "The server has an API document (OpenAPI), and a consumer called, or its text calls, an endpoint that is not \
           in it and that answered. A path that is documented behind something a proxy may have put in front, a page \
           for people, a call that failed, health checks and monitoring are not meant.",
    why: "The new system is built from the document. What is not in it is not built, and its consumers learn of \
          that on the night of the cutover.",
    example: "client:export-tool@10.20.3.91 calls GET /internal/orders/dump of orders-api, which openapi.yaml does not list",
    ask: "Does the target serve this endpoint? If not, what takes its place for this consumer?",
};

impl Rule for UndocumentedEndpoint {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            for link in who::by_system(graph, id).into_values().flatten() {
                let resource = link.key.resource;
                let endpoint = graph.entity(resource);
                let beyond = endpoint.documented == Some(false) && link.key.action == Action::Call;
                if !beyond || who::page(graph, link).is_some() {
                    continue;
                }
                let mut facts = who::facts(graph, consumer, &[link]);
                let severity = Stake::of(graph, consumer, &[link]).settle(&mut facts);
                out.push(Finding {
                    rule: &MANUAL,
                    severity,
                    confidence: if link.observed() { Confidence::High } else { Confidence::Medium },
                    title: format!("{} calls {}, which no API document lists", consumer.id, endpoint.id),
                    consumer: Some(id),
                    resource: Some(resource),
                    upstream: None,
                    downstream: None,
                    facts,
                    question: format!("Does the target serve {} for {}?", endpoint.name, consumer.id),
                    places: who::places(&[link]),
                });
            }
        }
    }
}
