//! `queue-table`: one program hands work to another through a table.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Action, Class, Confidence, Outcome, Scope};
use crate::graph::Graph;
use crate::resolve::{EntityId, Link, Witness};
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub struct QueueTable;

static MANUAL: Manual = Manual {
    id: "queue-table",
    family: "when",
    title: "One program hands work to another through a table",
    what: "A consumer, in production, takes rows of a table that nobody else has taken (SELECT … FOR UPDATE SKIP LOCKED, or \
           the same within an UPDATE or DELETE), and another one inserts into that table. Who fills a queue that it works \
           off itself is not meant.",
    why: "The table is a queue without a broker: what lies in it at the cutover is copied and worked off again on the other \
          side, or never. Both must stop and move together, and workers on both sides take the same row twice.",
    example: "service:billing hands work to service:mailer through table:shop-db/shop/public.outbox",
    ask: "Is the queue empty at the cutover, and what happens to a row that is worked off twice?",
};

/// How many consumers a fact lists.
const LISTED: usize = 8;

impl Rule for QueueTable {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        let mut tables: BTreeMap<EntityId, Vec<&Link>> = BTreeMap::new();
        for link in
            graph.links().filter(|link| counted(link) && graph.entity(link.key.resource).kind == "table")
        {
            tables.entry(link.key.resource).or_default().push(link);
        }
        for (table, links) in tables {
            let full = &graph.entity(table).name;
            let own = full.rsplit('.').next().unwrap_or(full).to_owned();
            let works = |link: &Link| works(link, &own);
            let who = |is: &dyn Fn(&Link) -> bool| -> BTreeSet<EntityId> {
                links.iter().filter(|link| is(link)).map(|link| link.key.consumer).collect()
            };
            let workers = who(&works);
            // A script that nothing starts fills a table once, by hand.
            let by_hand =
                |link: &Link| matches!(graph.entity(link.key.consumer).kind.as_str(), "script" | "person");
            let fill = |link: &Link| fills(link) && !by_hand(link) && !workers.contains(&link.key.consumer);
            let fillers = who(&fill);
            if workers.is_empty() || fillers.is_empty() {
                continue;
            }
            let mut shown: Vec<&Link> =
                links.iter().copied().filter(|link| works(link) || fill(link)).collect();
            shown.sort_by_key(|link| link.key);
            let observed = shown.iter().all(|link| link.observed());
            let only = |of: &BTreeSet<EntityId>| of.first().copied().filter(|_| of.len() == 1);
            let name = &graph.entity(table).id;
            let mut facts = BTreeMap::new();
            facts.insert("filled_by", list(graph, &fillers));
            facts.insert("worked_off_by", list(graph, &workers));
            out.push(Finding {
                rule: &MANUAL,
                severity: Severity::Medium,
                confidence: if observed { Confidence::High } else { Confidence::Medium },
                title: format!(
                    "{} hands work to {} through {name}",
                    some(graph, &fillers),
                    some(graph, &workers)
                ),
                consumer: None,
                resource: Some(table),
                upstream: only(&fillers),
                downstream: only(&workers),
                facts,
                question: format!("Is {name} empty at the cutover, and may a row of it be worked off twice?"),
                places: who::places(&shown),
            });
        }
    }
}

/// The only one of several, or how many they are.
fn some(graph: &Graph, of: &BTreeSet<EntityId>) -> String {
    match (of.first(), of.len()) {
        (Some(only), 1) => graph.entity(*only).id.clone(),
        (_, count) => format!("each of {count} consumers"),
    }
}

fn list(graph: &Graph, of: &BTreeSet<EntityId>) -> String {
    let mut names: Vec<&str> = of.iter().take(LISTED).map(|id| graph.entity(*id).id.as_str()).collect();
    let more = format!("and {} more", of.len().saturating_sub(LISTED));
    if of.len() > LISTED {
        names.push(&more);
    }
    names.join(", ")
}

fn counted(link: &Link) -> bool {
    let key = &link.key;
    key.outcome == Outcome::Ok && key.scope == Scope::Production && key.class == Class::App
}

/// Whether somebody takes rows of this table that nobody else has taken.
fn works(link: &Link, table: &str) -> bool {
    matches!(link.key.action, Action::Read | Action::Write)
        && link.traits.iter().any(|it| &*it.name == "skip-locked" && it.value.as_deref() == Some(table))
}

/// Whether somebody puts rows in.
fn fills(link: &Link) -> bool {
    let puts = |witness: &Witness| {
        let text = witness.sample.trim_start_matches('(');
        ["insert", "copy", "merge", "replace"].iter().any(|verb| text.starts_with(verb))
    };
    matches!(link.key.action, Action::Write | Action::Import) && link.witnesses.iter().any(puts)
}
