//! `row-order`: somebody takes the rows that happen to come first.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Action, Confidence};
use crate::graph::Graph;
use crate::resolve::{EntityId, Link};
use std::collections::BTreeSet;

/// The rule.
pub struct RowOrder;

static MANUAL: Manual = Manual {
    id: "row-order",
    family: "what",
    title: "Somebody takes the rows that happen to come first",
    what: "An application, in production, limits the rows it takes and does not say by what order (LIMIT, FETCH FIRST \
           without ORDER BY). A look-up by a key, one row of a whole table, an aggregate, and who skips locked rows \
           and so wants any, are not meant; nor are people, backups and monitoring.",
    why: "Which rows come first is the old engine's habit: the order of insertion, of an index, of a scan. A new \
          engine, a reload or another plan gives others, and the program goes on without an error, with other rows.",
    example: "client:label_printer@10.20.3.81 takes rows of public.orders without saying in which order",
    ask: "Does it matter which rows the program gets? Can it say ORDER BY before the cutover?",
};

impl Rule for RowOrder {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            if consumer.kind == "person" {
                continue;
            }
            for (system, links) in who::by_system(graph, id) {
                let fragile: Vec<Link> = links.into_iter().filter_map(any_rows).collect();
                let fragile: Vec<&Link> = fragile.iter().collect();
                let resources: BTreeSet<EntityId> = fragile.iter().map(|link| link.key.resource).collect();
                let resource = match resources.into_iter().collect::<Vec<_>>()[..] {
                    [] => continue,
                    [only] => only,
                    _ => system,
                };
                let name = &graph.entity(resource).id;
                out.push(Finding {
                    rule: &MANUAL,
                    severity: Severity::Low,
                    confidence: Confidence::Medium,
                    title: format!("{} takes rows of {name} without saying in which order", consumer.id),
                    consumer: Some(id),
                    resource: Some(resource),
                    upstream: None,
                    downstream: None,
                    facts: who::facts(graph, consumer, &fragile),
                    question: format!("Does it matter which rows {} gets?", consumer.id),
                    places: who::places(&fragile),
                });
            }
        }
    }
}

/// What of a link takes any rows: the statements that do, and no others.
fn any_rows(link: &Link) -> Option<Link> {
    if !matches!(link.key.action, Action::Read | Action::Export) {
        return None;
    }
    who::part(link, |it| &*it.name == "limit-without-order")
}
