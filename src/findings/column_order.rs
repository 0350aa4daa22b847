//! `column-order`: somebody takes a table's columns as they stand, or fills them in that order.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Action, Confidence};
use crate::graph::Graph;
use crate::resolve::{EntityId, Link};
use std::collections::BTreeSet;

/// The rule.
pub struct ColumnOrder;

static MANUAL: Manual = Manual {
    id: "column-order",
    family: "what",
    title: "Somebody takes a table's columns as they stand, or fills them in that order",
    what: "An application, in production, reads a table with a star (SELECT *, t.*) or writes it without naming \
           columns (INSERT INTO t VALUES …, COPY t FROM …). A star over a subquery or a common table expression, \
           and count(*), take no table's columns and are not meant; nor are people, backups and monitoring.",
    why: "Which column is which is decided by their order in the old table. A target that adds, drops or reorders \
          one gives such a program other values under the old positions: an INSERT goes wrong silently where the \
          types still fit, a report by position shows the wrong figure.",
    example: "client:feed_ro@10.20.3.30 writes public.feed_out without naming its columns",
    ask: "Does the program take columns by name or by position? Can it name them before the cutover?",
};

impl Rule for ColumnOrder {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            if consumer.kind == "person" {
                continue;
            }
            for (system, links) in who::by_system(graph, id) {
                let fragile: Vec<Link> =
                    links.into_iter().filter_map(|link| by_position(graph, link)).collect();
                let fragile: Vec<&Link> = fragile.iter().collect();
                let resources: BTreeSet<EntityId> = fragile.iter().map(|link| link.key.resource).collect();
                let resource = match resources.into_iter().collect::<Vec<_>>()[..] {
                    [] => continue,
                    [only] => only,
                    _ => system,
                };
                let writes = who::writes(&fragile);
                let observed = fragile.iter().any(|link| link.observed());
                let how = if writes { "writes" } else { "reads" };
                let names =
                    if writes { "without naming its columns" } else { "with all its columns as they stand" };
                let first = fragile.iter().find(|link| !writes || who::writes(&[**link]));
                let shown = first.map_or(resource, |link| link.key.resource);
                let more = match fragile.len() {
                    1 => String::new(),
                    more => format!(", and {} more like it", more - 1),
                };
                out.push(Finding {
                    rule: &MANUAL,
                    severity: if writes { Severity::Medium } else { Severity::Low },
                    confidence: if observed { Confidence::High } else { Confidence::Medium },
                    title: format!("{} {how} {} {names}{more}", consumer.id, graph.entity(shown).id),
                    consumer: Some(id),
                    resource: Some(resource),
                    upstream: None,
                    downstream: None,
                    facts: who::facts(graph, consumer, &fragile),
                    question: format!("Does {} take columns by name or by position?", consumer.id),
                    places: who::places(&fragile),
                });
            }
        }
    }
}

/// What of a link depends on the order of this table's columns: the statements that do, and no others.
fn by_position(graph: &Graph, link: &Link) -> Option<Link> {
    let name = &graph.entity(link.key.resource).name;
    let table = name.rsplit('.').next().unwrap_or(name);
    who::part(link, |it| match (&*it.name, link.key.action) {
        ("select-star", Action::Read | Action::Export) => it.value.as_deref() == Some(table),
        ("insert-without-columns", Action::Write | Action::Import) => true,
        ("copy-without-columns", _) => true,
        _ => false,
    })
}
