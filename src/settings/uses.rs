//! `uses` of an entry: what each text in it must be to mean something. It says what is wrong and where, and states
//! nothing.

use super::Settings;
use crate::evidence::{Action, Resource, ResourceKind, scrub::scrub, stated};
use serde::{Deserialize, Serialize};

/// A use in the inventory: a plain resource (any action), or a resource with its actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UseEntry {
    /// `"shop-db/shop/public.orders"`
    Plain(String),
    /// `{ resource = "…", actions = ["read"] }`
    Exact(ExactUse),
}

/// A resource with its actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExactUse {
    /// A text as [`stated::read`] takes it.
    pub resource: String,
    /// The actions it is held to; none: any.
    #[serde(default)]
    pub actions: Vec<String>,
}

impl UseEntry {
    /// What it is a use of.
    pub fn resource(&self) -> &str {
        match self {
            UseEntry::Plain(resource) | UseEntry::Exact(ExactUse { resource, .. }) => resource,
        }
    }

    /// The actions it is held to; none: any.
    pub fn actions(&self) -> &[String] {
        match self {
            UseEntry::Plain(_) => &[],
            UseEntry::Exact(exact) => &exact.actions,
        }
    }
}

/// By entry of `[[consumer]]`: the line of each of its uses.
pub(super) fn lines(text: &str) -> Vec<Vec<u64>> {
    let Ok(document) = toml::de::DeTable::parse(text) else { return Vec::new() };
    let entries = document.get_ref().get("consumer").and_then(|entries| entries.get_ref().as_array());
    let line = |at: usize| {
        text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() as u64 + 1
    };
    let of = |entry: &toml::Spanned<toml::de::DeValue<'_>>| {
        let uses = entry.get_ref().as_table().and_then(|table| table.get("uses"));
        let uses = uses.and_then(|uses| uses.get_ref().as_array());
        uses.into_iter().flat_map(|uses| uses.iter()).map(|it| line(it.span().start)).collect()
    };
    entries.into_iter().flat_map(|entries| entries.iter()).map(of).collect()
}

impl Settings {
    /// What is written in `uses` but cannot be meant; `lines` says by entry where each use stands, as far as known.
    pub(super) fn uses_are_meant(&self, lines: &[Vec<u64>]) -> Result<(), String> {
        for (at, consumer) in self.consumers.iter().enumerate() {
            for (index, entry) in consumer.uses.iter().enumerate() {
                if let Err(error) = self.is_meant(entry) {
                    let line = lines.get(at).and_then(|lines| lines.get(index));
                    let line = line.map_or(String::new(), |line| format!("line {line}: "));
                    let what = scrub(entry.resource()).into_owned();
                    let name = &consumer.name;
                    return Err(format!("{line}[[consumer]] name = {name:?}: uses {what:?}: {error}"));
                }
            }
        }
        Ok(())
    }

    fn is_meant(&self, entry: &UseEntry) -> Result<(), String> {
        let resource = stated::read(entry.resource())?;
        self.is_reached_so(&resource)?;
        let odd = entry.actions().iter().find(|action| Action::from_word(action).is_none());
        match odd {
            Some(odd) => Err(format!("{odd:?} is no action (read, write, call, publish, consume …)")),
            None => Ok(()),
        }
    }

    /// What is asked for by requests has no databases: a path without its method would be taken for one.
    fn is_reached_so(&self, resource: &Resource) -> Result<(), String> {
        let system = self.systems.iter().find(|it| Some(it.name.as_str()) == resource.server.as_deref());
        let tables = resource.kind == ResourceKind::Table || resource.database.is_some();
        match system {
            Some(system) if tables && matches!(system.kind.as_str(), "service" | "external") => Err(format!(
                "{:?} is of kind {}, and its requests are stated as SYSTEM/METHOD /path",
                system.name, system.kind
            )),
            _ => Ok(()),
        }
    }
}
