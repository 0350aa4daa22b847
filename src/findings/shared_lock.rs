//! `shared-lock`: programs keep out of each other's way by a lock that lies outside of all tables.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Class, Confidence, Outcome, Scope};
use crate::graph::Graph;
use crate::resolve::{EntityId, Link};
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub struct SharedLock;

static MANUAL: Manual = Manual {
    id: "shared-lock",
    family: "when",
    title: "Programs keep out of each other's way by one lock",
    what: "Two or more consumers, in production, take an advisory lock of one database under the same key \
           (pg_advisory_lock, GET_LOCK, sp_getapplock). A key that is only known when the program runs, and a statement \
           that locks a key for each row, name no lock. A file that jobs of one host lock (flock) moves with them and is \
           not meant.",
    why: "The lock holds only while all of them ask the same server. Who moves first takes a lock that nobody else looks \
          at: both run at once, and nothing fails.",
    example: "job:batch1/settle and service:billing take lock:shop-db/shop/4711",
    ask: "What must not run at the same time, and do all of them move together?",
};

impl Rule for SharedLock {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        let mut held: BTreeMap<EntityId, Vec<&Link>> = BTreeMap::new();
        for link in graph.links().filter(|link| takes(link) && graph.entity(link.key.resource).kind == "lock")
        {
            held.entry(link.key.resource).or_default().push(link);
        }
        for (lock, mut links) in held {
            links.sort_by_key(|link| link.key);
            let who: BTreeSet<EntityId> = links.iter().map(|link| link.key.consumer).collect();
            if who.len() < 2 {
                continue;
            }
            let names: Vec<&str> = who.iter().map(|id| graph.entity(*id).id.as_str()).collect();
            let named = match &names[..] {
                [one, other] => format!("{one} and {other}"),
                [one, other, rest @ ..] => format!("{one}, {other} and {} more", rest.len()),
                _ => continue,
            };
            let lock_name = &graph.entity(lock).id;
            let observed = links.iter().any(|link| link.observed());
            let mut facts = BTreeMap::new();
            facts.insert("consumers", names.join(", "));
            out.push(Finding {
                rule: &MANUAL,
                severity: Severity::Medium,
                confidence: if observed { Confidence::High } else { Confidence::Medium },
                title: format!("{named} take {lock_name}"),
                consumer: None,
                resource: Some(lock),
                upstream: None,
                downstream: None,
                facts,
                question: format!("Do all that take {lock_name} move together?"),
                places: who::places(&links),
            });
        }
    }
}

fn takes(link: &Link) -> bool {
    let key = &link.key;
    key.outcome == Outcome::Ok
        && key.scope == Scope::Production
        && key.class == Class::App
        && link.traits.iter().any(|it| matches!(&*it.name, "waits-for-lock" | "tries-lock"))
}
