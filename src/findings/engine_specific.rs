//! `engine-specific`: somebody's statements are written for one engine.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Action, Confidence};
use crate::graph::Graph;
use crate::resolve::{EntityId, Link};
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub struct EngineSpecific;

static MANUAL: Manual = Manual {
    id: "engine-specific",
    family: "what",
    title: "Somebody's statements are written for one engine",
    what: "An application, in production, uses what only one engine or a few have, or have in their own way: physical \
           addresses (ctid, xmin, rowid, rownum), hints (index and optimizer hints, NOLOCK), functions (NVL, IFNULL, \
           DATE_FORMAT, date_trunc, GROUP_CONCAT …), operators (ILIKE, regular expressions, JSON arrows) and clauses \
           (CONNECT BY, DISTINCT ON, ON CONFLICT, TOP …). One finding for each consumer and system, with all patterns. \
           What the SQL standard has, `::`, LIMIT and RETURNING are not meant; nor are people, their tools, backups, \
           monitoring and scripts that nothing starts.",
    why: "On another engine most of these fail at once, and some go on with another meaning: a hint is ignored, a regular \
          expression matches otherwise, an upsert resolves conflicts by other rules. A physical address is another one \
          after any copy, on the same engine, too.",
    example: "service:pricing uses ctid, distinct-on, ilike in database:shop-db/shop",
    ask: "Does the engine or its major version change? Who rewrites these statements, and who tests them against the target?",
};

/// Patterns that name where a row lies or who wrote it: a copy changes them even between equal engines.
const PHYSICAL: [&str; 5] = ["ctid", "xmin", "rowid", "_rowid_", "rownum"];

/// How many patterns a title shows.
const SHOWN: usize = 6;

impl Rule for EngineSpecific {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            if matches!(consumer.kind.as_str(), "person" | "script") || who::is_tool(consumer) {
                continue;
            }
            // Tables of which nobody could tell the database are told as one system.
            let mut systems: BTreeMap<Option<EntityId>, Vec<Link>> = BTreeMap::new();
            for (system, links) in who::by_system(graph, id) {
                let known = Some(system).filter(|system| graph.entity(*system).kind == "database");
                systems.entry(known).or_default().extend(links.into_iter().filter_map(of_one_engine));
            }
            systems.retain(|_, links| !links.is_empty());
            let found = systems.iter().map(|(system, links)| told(graph, id, *system, links));
            out.extend(found);
        }
    }
}

fn told(graph: &Graph, id: EntityId, system: Option<EntityId>, links: &[Link]) -> Finding {
    let consumer = graph.entity(id);
    let links: Vec<&Link> = links.iter().collect();
    let patterns: BTreeSet<&str> = links
        .iter()
        .flat_map(|link| &link.traits)
        .filter(|it| &*it.name == "engine-specific")
        .filter_map(|it| it.value.as_deref())
        .collect();
    let physical = patterns.iter().any(|pattern| PHYSICAL.contains(pattern));
    let observed = links.iter().any(|link| link.observed());
    let all = patterns.iter().copied().collect::<Vec<_>>().join(", ");
    let more = patterns.len().saturating_sub(SHOWN);
    let shown = patterns.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
    let shown = if more > 0 { format!("{shown} and {more} more") } else { shown };
    let place = system.map_or("a database that nobody could tell", |system| &graph.entity(system).id);
    let mut facts = who::facts(graph, consumer, &links);
    facts.insert("patterns", all);
    Finding {
        rule: &MANUAL,
        severity: if physical { Severity::Low } else { Severity::Info },
        confidence: if observed { Confidence::High } else { Confidence::Medium },
        title: format!("{} uses {shown} in {place}", consumer.id),
        consumer: Some(id),
        resource: system,
        upstream: None,
        downstream: None,
        facts,
        question: format!("Who tests the statements of {} against the target's engine?", consumer.id),
        places: who::places(&links),
    }
}

/// What of a link is written for one engine: the statements that are, and no others. A definition is made once.
fn of_one_engine(link: &Link) -> Option<Link> {
    if link.key.action == Action::Touch {
        return None;
    }
    who::part(link, |it| &*it.name == "engine-specific")
}
