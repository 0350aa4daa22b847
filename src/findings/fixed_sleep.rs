//! `fixed-sleep`: a script gives something a fixed time, and goes on as if it were done.

use super::{Finding, Manual, Rule, Severity};
use crate::evidence::{Action, Class, Confidence, Outcome, Scope};
use crate::graph::Graph;
use crate::resolve::{EntityId, Sleep};
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub struct FixedSleep;

static MANUAL: Manual = Manual {
    id: "fixed-sleep",
    family: "when",
    title: "A script gives something a fixed time, and goes on as if it were done",
    what: "A script starts something that goes on without it (a call, a transfer, a file or rows handed over, a \
           command in the background), sleeps for a fixed time, and then uses what that makes: what somebody else \
           writes, another thing of the same server, or a file it does not make itself. A sleep in a loop or in a \
           branch, one in front of all work, one between two equal questions, one that stands there three times or \
           more, and one of less than five seconds, are not meant.",
    why: "The time was measured on the old system. On the new one the other side takes longer, and the script reads \
          yesterday's rows or half a file, without an error.",
    example: "job:batch1/stock_export asks for an export, sleeps 300 s, and reads the table the export fills",
    ask: "How does the script learn that the other side is done, and what if it is not?",
};

/// Shorter sleeps let a program start or a disk settle.
const SECONDS_AT_LEAST: u64 = 5;

impl Rule for FixedSleep {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        let mut best: BTreeMap<(EntityId, EntityId), (Confidence, &Sleep, Option<EntityId>)> =
            BTreeMap::new();
        for sleep in graph.sleeps().iter().filter(|sleep| sleep.seconds >= SECONDS_AT_LEAST) {
            let Some((confidence, upstream)) = hand_over(graph, sleep) else { continue };
            let held = best.entry((sleep.consumer, sleep.then.1)).or_insert((confidence, sleep, upstream));
            if confidence > held.0 {
                *held = (confidence, sleep, upstream);
            }
        }
        for ((id, resource), (confidence, sleep, upstream)) in best {
            let consumer = &graph.entity(id).id;
            let (started, then) = (&graph.entity(sleep.started.1).id, &graph.entity(resource).id);
            let mut facts = BTreeMap::new();
            facts.insert("sleeps", format!("{} s", sleep.seconds));
            facts.insert("before", format!("{} {started}", sleep.started.0.word()));
            facts.insert("after", format!("{} {then}", sleep.then.0.word()));
            facts.extend(upstream.map(|other| ("written_by", graph.entity(other).id.clone())));
            out.push(Finding {
                rule: &MANUAL,
                severity: Severity::Medium,
                confidence,
                title: format!(
                    "{consumer} sleeps {} s between {} {started} and {} {then}",
                    sleep.seconds,
                    doing(sleep.started.0),
                    doing(sleep.then.0)
                ),
                consumer: Some(id),
                resource: Some(resource),
                upstream,
                downstream: None,
                facts,
                question: format!("How does {consumer} learn that {started} is done, and what if it is not?"),
                places: vec![sleep.place.clone()],
            });
        }
    }
}

fn doing(action: Action) -> &'static str {
    match action {
        Action::Call => "calling",
        Action::Read => "reading",
        Action::Write => "writing",
        Action::Export => "sending",
        Action::Import => "fetching",
        Action::Publish => "publishing to",
        Action::Consume => "taking from",
        Action::Connect | Action::Touch => "touching",
    }
}

/// Whether what is used after a sleep is made by what was started before it: how sure that is, and who makes it.
fn hand_over(graph: &Graph, sleep: &Sleep) -> Option<(Confidence, Option<EntityId>)> {
    let ((did, started), (does, then)) = (sleep.started, sleep.then);
    let own =
        who_does(graph, then, |action| matches!(action, Action::Write | Action::Import | Action::Publish));
    let own_writes = own.contains(&sleep.consumer);
    let others: Vec<EntityId> = own.into_iter().filter(|other| *other != sleep.consumer).collect();
    let only = if let [only] = others[..] { Some(only) } else { None };
    if sleep.background && started == then {
        return Some((Confidence::High, None));
    }
    if does != Action::Call && !others.is_empty() {
        // Rows or a file handed over are read by whoever writes what is used then.
        let takes = who_does(graph, started, |action| matches!(action, Action::Read | Action::Consume));
        let taken = others.iter().any(|other| takes.contains(other));
        if matches!(did, Action::Call | Action::Publish | Action::Export) || taken {
            return Some((Confidence::High, only));
        }
    }
    // Asking the same once more begins nothing (RFC 9110, 9.2.1): the first answer was the second's, too.
    let asks = |entity: EntityId| graph.entity(entity).name.starts_with("GET ");
    if started == then && (did != Action::Call || asks(started)) {
        return None;
    }
    let same_place =
        graph.entity(started).part_of.is_some() && graph.system_of(started) == graph.system_of(then);
    if did == Action::Call && does == Action::Call && same_place {
        return Some((Confidence::Medium, None));
    }
    // A file that the script does not make itself, after something was asked for.
    let then_file = graph.entity(then).kind == "file" && matches!(does, Action::Read | Action::Import);
    if then_file && !own_writes && did == Action::Call && !asks(started) {
        return Some((Confidence::Low, None));
    }
    let sent = matches!(did, Action::Export | Action::Write) && matches!(does, Action::Read | Action::Import);
    let near = near(&graph.entity(started).id, &graph.entity(then).id);
    near.filter(|_| sent && !own_writes).map(|confidence| (confidence, None))
}

/// Whether two files may be a request and its answer: on one other machine, or under one folder of this one.
fn near(one: &str, other: &str) -> Option<Confidence> {
    let split = |id: &str| {
        let (host, path) = id.strip_prefix("file:")?.split_once(':')?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        Some((
            host.to_owned(),
            folder.rsplit_once('/').map_or("", |(above, _)| above).to_owned(),
            folder.to_owned(),
        ))
    };
    let ((host, above, folder), (other_host, other_above, other_folder)) = (split(one)?, split(other)?);
    // `/srv/in/x` and `/srv/out/x` belong together, two files somewhere under `/` do not.
    let relative = folder.is_empty() && other_folder.is_empty();
    let together = relative || folder == other_folder || (above == other_above && !above.is_empty());
    (host == other_host && together).then_some(Confidence::Low)
}

/// Who does this to a resource, in production and with success, as far as anybody saw or wrote.
fn who_does(graph: &Graph, resource: EntityId, does: impl Fn(Action) -> bool) -> BTreeSet<EntityId> {
    let links = graph.links_to(resource).into_iter().filter(|link| {
        let key = &link.key;
        key.class == Class::App
            && key.outcome == Outcome::Ok
            && key.scope == Scope::Production
            && does(key.action)
    });
    links.map(|link| link.key.consumer).collect()
}
