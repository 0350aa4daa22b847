//! `data-export`: a program copies data to a machine that is not ours.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Action, Class, Confidence, Outcome, Scope};
use crate::graph::Graph;
use crate::resolve::{EntityId, Link};
use std::collections::BTreeSet;

/// The rule.
pub struct DataExport;

static MANUAL: Manual = Manual {
    id: "data-export",
    family: "who",
    title: "A program copies data to a machine that is not ours",
    what: "A script or program, in production, sends a file by scp, sftp or rsync to a host that is neither declared \
           as [[host]] nor among the hosts of the scan, or puts an object into a store of objects. The tables \
           behind it are those it reads itself, and those read by whoever writes the files it sends. A backup is \
           not meant, nor is a copy from one host of ours to another.",
    why: "Somebody outside builds on that file: its name, its hour, its columns. Nobody on the other side reads the \
          migration plan, and a file that comes late, empty or with other columns is noticed there first.",
    example: "job:batch1/partner_export sends data out to file:sftp.partner.example:incoming/orders_{date}.csv",
    ask: "Who takes it on the other side, what do they build on, and is the transfer agreed?",
};

/// How many steps back from a file to the tables in it are followed.
const STEPS: usize = 4;

/// How many tables a fact lists.
const LISTED: usize = 12;

impl Rule for DataExport {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            let leaves = |link: &&Link| {
                counted(link) && link.key.action == Action::Export && outside(graph, link.key.resource)
            };
            let exports: Vec<&Link> = graph.links_of(id).into_iter().filter(leaves).collect();
            let resources: BTreeSet<EntityId> = exports.iter().map(|link| link.key.resource).collect();
            if resources.is_empty() {
                continue;
            }
            let mut tables = BTreeSet::new();
            behind(graph, id, STEPS, &mut BTreeSet::new(), &mut tables);
            let more = tables.len().saturating_sub(LISTED);
            let mut names: Vec<&str> =
                tables.iter().take(LISTED).map(|table| graph.entity(*table).id.as_str()).collect();
            let rest = format!("and {more} more");
            names.extend((more > 0).then_some(rest.as_str()));
            let jobs = graph.jobs().iter().filter(|job| job.entity == id);
            let schedules: BTreeSet<String> =
                jobs.map(|job| format!("{} ({})", job.schedule, job.zone)).collect();
            let schedules = schedules.into_iter().collect::<Vec<_>>().join(", ");
            for resource in resources {
                let links: Vec<&Link> =
                    exports.iter().copied().filter(|link| link.key.resource == resource).collect();
                let mut facts = who::facts(graph, consumer, &links);
                if !names.is_empty() {
                    facts.insert("data_of", names.join(", "));
                }
                if !schedules.is_empty() {
                    facts.insert("schedule", schedules.clone());
                }
                let to = &graph.entity(resource).id;
                out.push(Finding {
                    rule: &MANUAL,
                    severity: if tables.is_empty() { Severity::Low } else { Severity::Medium },
                    confidence: links.iter().map(|link| link.confidence).max().unwrap_or(Confidence::Low),
                    title: format!("{} sends data out to {to}", consumer.id),
                    consumer: Some(id),
                    resource: Some(resource),
                    upstream: None,
                    downstream: None,
                    facts,
                    question: format!("Who takes {to} on the other side, and what do they build on?"),
                    places: who::places(&links),
                });
            }
        }
    }
}

fn counted(link: &Link) -> bool {
    let key = &link.key;
    key.outcome == Outcome::Ok && key.scope == Scope::Production && key.class == Class::App
}

/// Whether a resource lies on no host of ours. An object store always does.
fn outside(graph: &Graph, resource: EntityId) -> bool {
    let entity = graph.entity(resource);
    match entity.kind.as_str() {
        "object" => true,
        "file" => {
            let host = entity.id.strip_prefix("file:").and_then(|rest| rest.split_once(':'));
            host.is_some_and(|(host, _)| !host.contains('{') && !graph.is_own_host(host))
        }
        _ => false,
    }
}

/// The tables a consumer's data comes from: those it reads, and those of whoever writes the files it reads.
fn behind(
    graph: &Graph,
    consumer: EntityId,
    steps: usize,
    seen: &mut BTreeSet<EntityId>,
    tables: &mut BTreeSet<EntityId>,
) {
    if steps == 0 || !seen.insert(consumer) {
        return;
    }
    let reads = |link: &&Link| counted(link) && matches!(link.key.action, Action::Read | Action::Import);
    for link in graph.links_of(consumer).into_iter().filter(reads) {
        match graph.entity(link.key.resource).kind.as_str() {
            "table" => {
                tables.insert(link.key.resource);
            }
            "file" | "object" => {
                let writes =
                    |link: &&Link| counted(link) && matches!(link.key.action, Action::Write | Action::Export);
                for writer in graph.links_to(link.key.resource).into_iter().filter(writes) {
                    behind(graph, writer.key.consumer, steps - 1, seen, tables);
                }
            }
            _ => {}
        }
    }
}
