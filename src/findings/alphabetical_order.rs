//! `alphabetical-order`: two scripts of one folder of cron, the second of which reads what the first wrote, and only their
//! names keep them in order.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Action, Confidence};
use crate::graph::Graph;
use crate::resolve::{EntityId, Job, Link};
use std::collections::BTreeMap;

/// The rule.
pub struct AlphabeticalOrder;

static MANUAL: Manual = Manual {
    id: "alphabetical-order",
    family: "when",
    title: "Two scripts of one folder hand something over, and only their names keep them in order",
    what: "Two scripts of the same cron.hourly, cron.daily, cron.weekly or cron.monthly of a host: the one that comes first \
           writes exactly what the other reads. run-parts(8) starts the scripts of a folder one after the other, in the \
           order of their names by the bytes (C locale). A reader that comes before its writer reads what an earlier run \
           left, and is not meant; nor are scripts of different folders.",
    why: "Nothing says that the order matters. A script that gets another name, a folder that is turned into timers or jobs \
          of a cluster, or one that starts its scripts at once, breaks it without an error.",
    example: "job:batch1/ship (cron.daily/ship) reads file:batch1:/srv/out/orders.csv, which cron.daily/export writes before it",
    ask: "Must the second run after the first? Can one job do both, or the second wait for what it reads?",
};

/// The folders whose scripts run-parts starts.
const FOLDERS: [&str; 4] = ["cron.hourly", "cron.daily", "cron.weekly", "cron.monthly"];

/// The folder and the name of a script that run-parts starts.
fn part(job: &Job) -> Option<(&str, &str)> {
    let (path, name) = job.command.rsplit_once('/')?;
    let folder = path.rsplit('/').next().filter(|folder| FOLDERS.contains(folder))?;
    job.place.input.ends_with(&format!("{folder}/{name}")).then_some((folder, name))
}

impl Rule for AlphabeticalOrder {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        let parts: BTreeMap<EntityId, (&Job, &str, &str)> = graph
            .jobs()
            .iter()
            .filter_map(|job| part(job).map(|(folder, name)| (job.entity, (job, folder, name))))
            .collect();
        for (resource, sides) in who::hand_overs(graph) {
            for (writer, reader) in sides.pairs() {
                let (Some((first, folder, one)), Some((second, other, two))) =
                    (parts.get(&writer), parts.get(&reader))
                else {
                    continue;
                };
                if first.host.is_some() && first.host == second.host && folder == other && one < two {
                    out.push(finding(graph, (first, one), (second, two), folder, resource));
                }
            }
        }
    }
}

fn finding(
    graph: &Graph,
    (first, one): (&Job, &str),
    (second, two): (&Job, &str),
    folder: &str,
    resource: EntityId,
) -> Finding {
    let of_either = |link: &&Link| {
        let key = &link.key;
        (key.consumer == first.entity && matches!(key.action, Action::Write | Action::Export))
            || (key.consumer == second.entity && matches!(key.action, Action::Read | Action::Import))
    };
    let links: Vec<&Link> = graph.links_to(resource).into_iter().filter(of_either).collect();
    let (writer, reader) = (&graph.entity(first.entity).id, &graph.entity(second.entity).id);
    let mut places = vec![first.place.clone(), second.place.clone()];
    places.extend(who::places(&links));
    Finding {
        rule: &MANUAL,
        severity: Severity::Medium,
        confidence: Confidence::High,
        title: format!(
            "{reader} reads {}, which {writer} writes before it, because {folder}/{one} comes before {two}",
            graph.entity(resource).id
        ),
        consumer: None,
        resource: Some(resource),
        upstream: Some(first.entity),
        downstream: Some(second.entity),
        facts: BTreeMap::from([
            ("upstream_schedule", format!("{} ({})", first.schedule, first.zone_told())),
            ("order", format!("{folder}: {one}, then {two}")),
        ]),
        question: format!("Must {reader} run after {writer}?"),
        places,
    }
}
