//! Which jobs their scheduler holds back for which others. A name is looked for among the jobs of the same scheduler on
//! the same host, or of all hosts where it serves many; one that several jobs could be, or that none is called, orders nothing.

use super::consumers::Book;
use super::jobs::JobLine;
use super::{EntityId, Waits};
use std::collections::{BTreeMap, BTreeSet};

type Scheduler<'a> = (Option<&'a str>, BTreeSet<&'a str>);

/// Dialects of schedulers that keep the jobs of many hosts, each by one name.
const CENTRAL: [&str; 2] = ["autosys-jil", "control-m"];

/// One scheduler: a host and a dialect, or a dialect alone.
fn scheduler<'a>(line: &'a JobLine<'_>) -> Scheduler<'a> {
    let dialects: BTreeSet<&str> = line.dialects().collect();
    let central = dialects.iter().any(|dialect| CENTRAL.contains(dialect));
    (line.host.as_deref().filter(|_| !central), dialects)
}

/// All waits between the jobs of these lines, by the job that waits.
pub(super) fn waits(book: &mut Book, lines: &[JobLine<'_>]) -> Vec<Waits> {
    let mut called: BTreeMap<(Scheduler<'_>, &str), BTreeSet<EntityId>> = BTreeMap::new();
    for line in lines {
        let entity = book.job_entity(line);
        if let Some(name) = line.called() {
            called.entry((scheduler(line), name)).or_default().insert(entity);
        }
    }
    let mut waits = Vec::new();
    for line in lines {
        let waiting = book.job_entity(line);
        for (name, order, place) in line.waits_for() {
            let found = called.get(&(scheduler(line), name));
            let only = found.filter(|found| found.len() == 1).and_then(|found| found.first().copied());
            waits.extend(only.filter(|other| *other != waiting).map(|first| Waits {
                waiting,
                first,
                order,
                place: place.clone(),
            }));
        }
    }
    waits.sort();
    waits.dedup();
    waits
}
