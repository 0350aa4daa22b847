//! Pairs the entities of two reports and compares what hangs on them. An entity is the same when both reports
//! know it by an identifier that nobody else in either report has, strongest kind first; else when its id is
//! the same; else when it alone has its kind and name. Renamed hosts, rotated logs and other threads are no
//! change.

use crate::report::{EntityRow, FindingRow, LinkRow, Report};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Identifiers that pair, strongest first: what somebody declared, the text itself, what a client says.
/// Addresses come last, because they change hands.
const KINDS: [&str; 10] =
    ["declared", "component", "container", "job", "script", "code", "user", "application", "host", "address"];

/// One thing that is in one report only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// `consumer`, `link` or `finding`.
    pub what: &'static str,
    /// Its id, or the title of a finding.
    pub id: String,
    /// One line more, for people.
    pub detail: String,
}

/// What is new and what is gone.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Diff {
    /// In the new report only.
    pub new: Vec<Change>,
    /// In the old report only.
    pub gone: Vec<Change>,
    /// Paired under another id: old, new.
    pub renamed: Vec<(String, String)>,
}

impl Diff {
    /// Whether nothing differs that matters; another spelling is no difference.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.gone.is_empty()
    }
}

/// An identifier without what a host's name brings in: `batch1:/opt/x.sh` is `/opt/x.sh`.
fn plain(kind: &str, text: &str) -> String {
    match kind {
        "script" | "code" => text.split_once(":/").map_or(text.to_owned(), |(_, path)| format!("/{path}")),
        "job" => text.split_once(':').map_or(text.to_owned(), |(_, rest)| rest.to_owned()),
        _ => text.to_owned(),
    }
}

/// By identifier: the only entity that has it.
fn exclusive<'a>(report: &'a Report, kind: &str) -> BTreeMap<String, &'a EntityRow> {
    let mut holders: BTreeMap<String, Vec<&EntityRow>> = BTreeMap::new();
    for entity in &report.entities {
        let own: BTreeSet<String> = entity
            .identifiers
            .iter()
            .filter(|identifier| identifier.kind == kind)
            .map(|identifier| plain(kind, &identifier.text))
            .collect();
        for text in own {
            holders.entry(text).or_default().push(entity);
        }
    }
    holders.into_iter().filter(|(_, all)| all.len() == 1).map(|(text, all)| (text, all[0])).collect()
}

/// By id of the new report: the id of the same thing in the old one.
fn pair(old: &Report, new: &Report) -> BTreeMap<String, String> {
    let mut pairs: BTreeMap<String, String> = BTreeMap::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut join = |mine: &EntityRow, theirs: &EntityRow, pairs: &mut BTreeMap<String, String>| {
        let same_kind = mine.kind == theirs.kind || consumer(&mine.kind) && consumer(&theirs.kind);
        if same_kind && !pairs.contains_key(&mine.id) && taken.insert(theirs.id.clone()) {
            pairs.insert(mine.id.clone(), theirs.id.clone());
        }
    };
    // The same id with an identifier in common needs no further question.
    let by_id: BTreeMap<&str, &EntityRow> = old.entities.iter().map(|e| (e.id.as_str(), e)).collect();
    for kind in KINDS {
        let (before, after) = (exclusive(old, kind), exclusive(new, kind));
        for (text, mine) in &after {
            if let Some(theirs) = before.get(text) {
                join(mine, theirs, &mut pairs);
            }
        }
    }
    for mine in &new.entities {
        if let Some(theirs) = by_id.get(mine.id.as_str()) {
            join(mine, theirs, &mut pairs);
        }
    }
    let alone = |report: &'_ Report| -> BTreeMap<(String, String), Vec<usize>> {
        let mut named: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (index, entity) in report.entities.iter().enumerate() {
            named.entry((entity.kind.clone(), entity.name.clone())).or_default().push(index);
        }
        named
    };
    let (before, after) = (alone(old), alone(new));
    for (name, mine) in &after {
        if let ([mine], Some([theirs])) = (&mine[..], before.get(name).map(Vec::as_slice)) {
            join(&new.entities[*mine], &old.entities[*theirs], &mut pairs);
        }
    }
    pairs
}

/// Whether an entity of this kind does things.
fn consumer(kind: &str) -> bool {
    matches!(kind, "service" | "job" | "script" | "client" | "person" | "partner")
}

type Key = (String, String, String, String, String, String);

/// A link with its ends as the old report names them.
fn key(link: &LinkRow, old_id: &dyn Fn(&str) -> String) -> Key {
    (
        old_id(&link.consumer),
        link.action.to_string(),
        old_id(&link.resource),
        link.class.to_string(),
        link.outcome.to_string(),
        link.scope.to_string(),
    )
}

type Told = (String, String, String, String, String);

fn told(finding: &FindingRow, old_id: &dyn Fn(&str) -> String) -> Told {
    let end = |id: &Option<String>| id.as_deref().map(old_id).unwrap_or_default();
    (
        finding.rule.clone(),
        end(&finding.consumer),
        end(&finding.resource),
        end(&finding.upstream),
        end(&finding.downstream),
    )
}

fn link_change(link: &LinkRow) -> Change {
    let seen = match (&link.first, &link.last) {
        (Some(first), Some(last)) => format!("{} times, {first} to {last}", link.count),
        _ => link.bases.join(", "),
    };
    Change { what: "link", id: link.id.clone(), detail: seen }
}

fn finding_change(finding: &FindingRow) -> Change {
    Change {
        what: "finding",
        id: finding.title.clone(),
        detail: format!("{} {}", finding.rule, finding.fingerprint),
    }
}

/// Compares two reports.
pub fn diff(old: &Report, new: &Report) -> Diff {
    let pairs = pair(old, new);
    let old_id = |id: &str| pairs.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let same = |id: &str| id.to_owned();
    let mut out = Diff::default();
    let paired: BTreeSet<&String> = pairs.values().collect();
    let acts = |report: &Report| -> BTreeSet<String> {
        report
            .links
            .iter()
            .filter(|link| link.outcome == "ok")
            .map(|link| link.consumer.to_string())
            .collect()
    };
    let consumers = |entity: &&EntityRow, acting: &BTreeSet<String>| {
        consumer(&entity.kind) && acting.contains(&entity.id)
    };
    let (old_acting, new_acting) = (acts(old), acts(new));
    for entity in new.entities.iter().filter(|e| consumers(e, &new_acting) && !pairs.contains_key(&e.id)) {
        out.new.push(Change { what: "consumer", id: entity.id.clone(), detail: entity.kind.clone() });
    }
    for entity in old.entities.iter().filter(|e| consumers(e, &old_acting) && !paired.contains(&e.id)) {
        out.gone.push(Change { what: "consumer", id: entity.id.clone(), detail: entity.kind.clone() });
    }
    let before: BTreeSet<Key> = old.links.iter().map(|link| key(link, &same)).collect();
    let after: BTreeSet<Key> = new.links.iter().map(|link| key(link, &old_id)).collect();
    out.new.extend(new.links.iter().filter(|link| !before.contains(&key(link, &old_id))).map(link_change));
    out.gone.extend(old.links.iter().filter(|link| !after.contains(&key(link, &same))).map(link_change));
    let before: BTreeSet<Told> = old.findings.iter().map(|finding| told(finding, &same)).collect();
    let after: BTreeSet<Told> = new.findings.iter().map(|finding| told(finding, &old_id)).collect();
    out.new.extend(new.findings.iter().filter(|f| !before.contains(&told(f, &old_id))).map(finding_change));
    out.gone.extend(old.findings.iter().filter(|f| !after.contains(&told(f, &same))).map(finding_change));
    out.renamed = pairs.into_iter().filter(|(new, old)| new != old).map(|(new, old)| (old, new)).collect();
    out
}

/// Marks the findings that an older report does not have; without one, all are new.
pub fn mark_new(report: &mut Report, old: Option<&Report>) {
    let Some(old) = old else {
        for finding in &mut report.findings {
            finding.new = true;
        }
        return;
    };
    let pairs = pair(old, report);
    let old_id = |id: &str| pairs.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let before: BTreeSet<Told> = old.findings.iter().map(|f| told(f, &|id: &str| id.to_owned())).collect();
    for finding in &mut report.findings {
        finding.new = !before.contains(&told(finding, &old_id));
    }
}
