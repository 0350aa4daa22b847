//! `data-export`: a program copies data to a machine that is not ours.

use super::stake::Stake;
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
           behind it are those it reads itself, and those read by whoever writes the files it sends. Also one that has \
           the database server itself write or read a file on its own disk (COPY … TO 'path', INTO OUTFILE, LOAD DATA, \
           BULK INSERT), run a command (COPY … PROGRAM), or reach another server (dblink, a linked server, a database \
           link). A backup is not meant, nor is a copy from one host of ours to another, nor COPY to the client.",
    why: "Somebody outside builds on that file: its name, its hour, its columns. Nobody on the other side reads the \
          migration plan, and a file that comes late, empty or with other columns is noticed there first. What the server \
          does itself it does from its new host after the cutover: the folder, the command and the way to the other server \
          are not there, and where the provider runs the server, never will be.",
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
                counted(link)
                    && link.key.action == Action::Export
                    && outside(graph, link.key.resource)
                    && !has(link, "server-file")
            };
            by_server(graph, id, out);
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
                jobs.map(|job| format!("{} ({})", job.schedule, job.zone_told())).collect();
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
                let stake = Stake::of(graph, consumer, &links).and(1, "leaves the estate");
                let stake = if tables.is_empty() {
                    stake.and(-2, "what is in it was not seen")
                } else {
                    stake.with_data(graph, tables.iter().copied())
                };
                let severity = stake.settle(&mut facts);
                let to = &graph.entity(resource).id;
                out.push(Finding {
                    rule: &MANUAL,
                    severity,
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

fn has(link: &Link, how: &str) -> bool {
    link.traits.iter().any(|it| &*it.name == how)
}

/// What a consumer has the server of a database do by itself: a finding for each file, command and other server.
fn by_server(graph: &Graph, id: EntityId, out: &mut Vec<Finding>) {
    let consumer = graph.entity(id);
    let mut told_of = BTreeSet::new();
    for link in
        graph.links_of(id).into_iter().filter(|link| counted(link) && link.key.action != Action::Touch)
    {
        let resource = &graph.entity(link.key.resource).id;
        let files = who::part(link, |it| &*it.name == "server-file");
        let others = who::part(link, |it| &*it.name == "through-server");
        let commands = who::part(link, |it| &*it.name == "copy-program");
        let export = link.key.action == Action::Export;
        let told = [
            files.map(|part| {
                let does = if export { "writes" } else { "reads" };
                (part, format!("the database server {does} {resource} for {}", consumer.id))
            }),
            others.map(|part| (part, format!("the database server reaches {resource} for {}", consumer.id))),
            commands.map(|part| {
                let way = if link.key.action == Action::Read { "from" } else { "to" };
                (
                    part,
                    format!(
                        "the database server runs a command for {}, with data {way} {resource}",
                        consumer.id
                    ),
                )
            }),
        ];
        for (part, title) in told.into_iter().flatten() {
            if !told_of.insert(link.key.resource) {
                continue;
            }
            let mut facts = who::facts(graph, consumer, &[&part]);
            let commands: BTreeSet<&str> = part
                .traits
                .iter()
                .filter(|it| &*it.name == "copy-program")
                .filter_map(|it| it.value.as_deref())
                .collect();
            if !commands.is_empty() {
                facts.insert("command", commands.into_iter().collect::<Vec<_>>().join("; "));
            }
            out.push(Finding {
                rule: &MANUAL,
                severity: Severity::Medium,
                confidence: part.confidence,
                title,
                consumer: Some(id),
                resource: Some(link.key.resource),
                upstream: None,
                downstream: None,
                facts,
                question: format!(
                    "Does the target's server have what {} has this one do, and who reads the result?",
                    consumer.id
                ),
                places: who::places(&[&part]),
            });
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
