//! `borrowed-credentials`: a known login is used from a host that is not its owner's.

use super::stake::Stake;
use super::{Finding, Manual, Rule, who};
use crate::evidence::Confidence;
use crate::graph::Graph;

/// The rule.
pub struct BorrowedCredentials;

static MANUAL: Manual = Manual {
    id: "borrowed-credentials",
    family: "who",
    title: "A known login is used from a host that is not its owner's",
    what: "A login that an inventory or settings file gives to one consumer was seen from a host or address \
           on which that consumer does not run, and statements worked; or from its own host, but with a program at which \
           people type statements, where the consumer calls itself otherwise. A pooler's clients count as coming from where \
           they are, and a host before which several consumers' logins come and nowhere else is a way and nobody's.",
    why: "When the login moves or its password is changed with the service it belongs to, the borrower stops. \
          Its traffic hides among the service's own, so counting logins never shows it.",
    example: "client:billing@10.20.3.9 comes with billing's login from a host that is not billing's",
    ask: "Who took this login, for what, and can they have their own before the cutover? Ask the login's \
          owner whether the host is a forgotten part of the service.",
};

impl Rule for BorrowedCredentials {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            let Some(owner) = consumer.borrows_from else { continue };
            let owner = graph.entity(owner);
            for (system, links) in who::by_system(graph, id) {
                let links: Vec<_> = links
                    .into_iter()
                    .filter(|link| link.observed() && !who::may_be_others(consumer, link))
                    .collect();
                if links.is_empty() {
                    continue;
                }
                let mut facts = who::facts(graph, consumer, &links);
                facts.insert("login_of", owner.id.clone());
                let stake = Stake::of(graph, consumer, &links);
                let severity = stake.and(2, "stops when the login moves with its owner").settle(&mut facts);
                out.push(Finding {
                    rule: &MANUAL,
                    severity,
                    confidence: Confidence::High,
                    title: format!(
                        "{} uses {} with the login of {}",
                        consumer.id,
                        graph.entity(system).id,
                        owner.id
                    ),
                    consumer: Some(id),
                    resource: Some(system),
                    upstream: None,
                    downstream: None,
                    facts,
                    question: format!("Who uses {}'s login there, and is that host a part of it?", owner.id),
                    places: who::places(&links),
                });
            }
        }
    }
}
