//! What a consumer uses, in the words of an inventory: the finest grain that was found. Of files those are stated that are
//! handed over; what those words cannot say (things of servers nobody knows), or should not hold anybody to (files of its
//! own, hosts), is told apart.

use super::systems::Systems;
use super::{Who, quoted, works};
use crate::evidence::stated;
use crate::report::{LinkRow, Report};
use std::collections::{BTreeMap, BTreeSet};

/// One use, for the list of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseLine {
    /// A text as [`stated::read`] takes it.
    pub resource: String,
    /// What is done with it; nothing where a coarse grain means everything.
    pub actions: Vec<String>,
    /// How often, and when last.
    pub seen: String,
    /// Whether an inventory states it already.
    pub declared: bool,
}

impl UseLine {
    /// The element of a list, with its comma and a comment.
    pub fn toml(&self) -> String {
        let resource = quoted(&self.resource);
        let what = if self.actions.is_empty() {
            resource
        } else {
            let actions: Vec<String> = self.actions.iter().map(|action| quoted(action)).collect();
            format!("{{ resource = {resource}, actions = [{}] }}", actions.join(", "))
        };
        format!("{what},  # {}", self.seen)
    }
}

/// The uses of a consumer.
#[derive(Debug, Default)]
pub struct Uses {
    /// Those an entry can state.
    pub stated: Vec<UseLine>,
    /// The others, as `action id`.
    pub others: BTreeSet<String>,
}

/// The files and objects that are handed over: several consumers touch them, or they come from or go to elsewhere.
pub fn handed(report: &Report) -> BTreeSet<String> {
    let mut touched: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut handed = BTreeSet::new();
    for link in report.links.iter().filter(|link| works(link) && link.class == "app") {
        if !link.resource.starts_with("file:") && !link.resource.starts_with("object:") {
            continue;
        }
        touched.entry(&link.resource).or_default().insert(&link.consumer);
        if matches!(&*link.action, "export" | "import") {
            handed.insert(link.resource.to_string());
        }
    }
    let shared = touched.into_iter().filter(|(_, consumers)| consumers.len() > 1);
    handed.extend(shared.map(|(id, _)| id.to_owned()));
    handed
}

/// A text of these that means what has this kind. A star that stands in a name would stand for others as well.
fn readable(texts: [String; 2], kind: &str) -> Option<String> {
    let starred = matches!(kind, "keys" | "file" | "object");
    let is = |text: &String| {
        let read = stated::read(text);
        read.is_ok_and(|it| it.kind.word() == kind && (starred || !stated::is_pattern(&it)))
    };
    texts.into_iter().find(is)
}

/// What an inventory calls a resource, and whether that is as fine as the resource itself.
fn words(id: &str, systems: &Systems) -> Option<(String, bool)> {
    let (kind, rest) = id.split_once(':')?;
    if systems.is_unnamed(rest) {
        return None;
    }
    let rest = systems.renamed(rest);
    if rest.starts_with("?/") || rest == "?" {
        return None;
    }
    let full = format!("{kind}:{rest}");
    let fine = |texts| readable(texts, kind).map(|text| (text, true));
    // What an inventory lists as reached by requests has no databases in its words.
    let requests = systems.is_asked(rest.split('/').next().unwrap_or(&rest));
    let coarse = |text: String| {
        let prefixed = format!("database:{text}");
        let whole = requests && text.contains('/');
        let text = readable([text, prefixed], "database");
        text.filter(|_| !whole).map(|text| (text, false))
    };
    let mut steps = rest.split('/');
    let system = steps.next().filter(|system| !system.is_empty())?.to_owned();
    let whole = match steps.next() {
        Some(database) => format!("{system}/{database}"),
        None => system.clone(),
    };
    let inside = steps.next().is_some();
    match kind {
        "table" if inside && !requests => fine([rest, full]),
        // A table of a server without databases of its own.
        "table" => coarse(system),
        "endpoint" if rest.contains(' ') => fine([rest, full]),
        "keys" | "topic" | "queue" => fine([full.clone(), full]),
        "file" | "object" => systems.is_handed(id).then(|| fine([full.clone(), full])).flatten(),
        "database" => coarse(whole),
        "lock" | "routine" if inside => coarse(whole),
        "external" => systems.is_external(&system).then(|| coarse(system)).flatten(),
        "endpoint" | "service" | "cache" | "broker" | "lock" | "routine" => coarse(system),
        _ => None,
    }
}

/// The system of a resource, or its database where it has one.
fn whole(id: &str, systems: &Systems) -> Option<String> {
    let (kind, rest) = id.split_once(':')?;
    let rest = systems.renamed(rest);
    let steps = match kind {
        "table" => 2,
        "file" | "object" => return None,
        "topic" | "queue" if !rest.contains('/') => return None,
        _ => 1,
    };
    let text = rest.splitn(3, '/').take(steps).collect::<Vec<_>>().join("/");
    readable([text.clone(), format!("database:{text}")], "database")
}

/// How often something was done.
fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// How often and when last a use was seen, in words; by action where there are several.
fn seen(links: &[&LinkRow]) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for link in links {
        let most = counts.entry(&link.action).or_default();
        *most = (*most).max(link.count);
    }
    let told: Vec<String> = match counts.len() {
        1 => counts.values().filter(|count| **count > 0).map(|count| times(*count)).collect(),
        _ => {
            let seen = counts.iter().filter(|(_, count)| **count > 0);
            seen.map(|(action, count)| format!("{action} {}", times(*count))).collect()
        }
    };
    if told.is_empty() {
        return "written, never seen".to_owned();
    }
    let last = links.iter().filter_map(|link| link.last.as_ref()).max();
    let last = last.map_or(String::new(), |last| format!(", last {last}"));
    // Comments are one line; what stands in this one is numbers and a moment.
    format!("{}{last}", told.join(", ")).chars().filter(|c| !c.is_control()).collect()
}

/// The uses of a consumer: its own work at the finest grain; of a backup and the like only where it goes.
pub fn of(who: &Who<'_>, systems: &Systems) -> Uses {
    let mut uses = Uses::default();
    let mut lines: BTreeMap<(String, bool), Vec<&LinkRow>> = BTreeMap::new();
    for link in who.links.iter().copied().filter(|link| works(link)) {
        match words(&link.resource, systems) {
            None if link.class == "app" => {
                uses.others.insert(format!("{} {}", link.action, link.resource));
            }
            None => {}
            Some((resource, fine)) if fine && link.class == "app" && link.action != "connect" => {
                lines.entry((resource, true)).or_default().push(link);
            }
            Some((_, true)) => {
                // Of what is no work, or only a connection, it is enough to know where it goes.
                if let Some(whole) = whole(&link.resource, systems) {
                    lines.entry((whole, false)).or_default().push(link);
                }
            }
            Some((resource, false)) => lines.entry((resource, false)).or_default().push(link),
        }
    }
    let fine: BTreeSet<String> =
        lines.keys().filter(|(_, fine)| *fine).map(|(resource, _)| resource.clone()).collect();
    let covered = |whole: &str| {
        let place = |text: &str| {
            fine.iter().any(|it| it.strip_prefix(text).is_some_and(|rest| rest.starts_with('/')))
        };
        place(whole)
            || ["keys", "topic", "queue", "table", "endpoint"]
                .iter()
                .any(|kind| place(&format!("{kind}:{whole}")))
    };
    for ((resource, is_fine), links) in lines {
        // Who is told by tables is held to them; that it connects says nothing more.
        if !is_fine && covered(&resource) {
            continue;
        }
        let request = stated::read(&resource).is_ok_and(|it| it.kind.word() == "endpoint");
        let actions: BTreeSet<String> = links.iter().map(|link| link.action.to_string()).collect();
        uses.stated.push(UseLine {
            actions: if is_fine && !request { actions.into_iter().collect() } else { Vec::new() },
            seen: seen(&links),
            declared: links.iter().all(|link| link.bases.iter().any(|basis| basis == "declared")),
            resource,
        });
    }
    uses
}
