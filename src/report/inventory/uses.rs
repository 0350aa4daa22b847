//! What a consumer uses, in the words of an inventory: the finest grain that was found. What those words cannot say (files,
//! hosts, things of servers nobody knows) is told apart from what they can.

use super::systems::Systems;
use super::{Who, quoted, works};
use crate::report::LinkRow;
use std::collections::{BTreeMap, BTreeSet};

/// One use, for the list of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseLine {
    /// `SYSTEM`, `SYSTEM/DATABASE`, `SYSTEM/DATABASE/SCHEMA.TABLE` or `SYSTEM/METHOD /path`.
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

/// What an inventory calls a resource, and whether that is as fine as the resource itself.
fn stated(id: &str, systems: &Systems) -> Option<(String, bool)> {
    let (kind, rest) = id.split_once(':')?;
    if systems.is_unnamed(rest) {
        return None;
    }
    let rest = systems.renamed(rest);
    if rest.starts_with("?/") || rest == "?" {
        return None;
    }
    let mut steps = rest.split('/');
    let system = steps.next().filter(|system| !system.is_empty())?;
    let whole = match steps.next() {
        Some(database) => format!("{system}/{database}"),
        None => system.to_owned(),
    };
    let inside = steps.next().is_some();
    match kind {
        "table" if inside => Some((rest, true)),
        // A table of a server without databases of its own.
        "table" => Some((system.to_owned(), false)),
        "endpoint" if rest.contains(' ') => Some((rest, true)),
        "database" => Some((whole, false)),
        "lock" | "routine" if inside => Some((whole, false)),
        "external" => systems.is_external(system).then(|| (system.to_owned(), false)),
        "endpoint" | "service" | "keys" | "topic" | "queue" | "cache" | "broker" | "lock" | "routine" => {
            Some((system.to_owned(), false))
        }
        _ => None,
    }
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
        match stated(&link.resource, systems) {
            None if link.class == "app" => {
                uses.others.insert(format!("{} {}", link.action, link.resource));
            }
            None => {}
            Some((resource, fine)) if fine && link.class == "app" && link.action != "connect" => {
                lines.entry((resource, true)).or_default().push(link);
            }
            Some((resource, true)) => {
                let whole: Vec<&str> =
                    resource.splitn(3, '/').take(if resource.contains(' ') { 1 } else { 2 }).collect();
                lines.entry((whole.join("/"), false)).or_default().push(link);
            }
            Some((resource, false)) => lines.entry((resource, false)).or_default().push(link),
        }
    }
    let fine: BTreeSet<String> =
        lines.keys().filter(|(_, fine)| *fine).map(|(resource, _)| resource.clone()).collect();
    let covered = |whole: &str| fine.iter().any(|it| it.starts_with(&format!("{whole}/")));
    for ((resource, is_fine), links) in lines {
        // Who is told by tables is held to them; that it connects says nothing more.
        if !is_fine && covered(&resource) {
            continue;
        }
        let request = resource.contains(' ');
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
