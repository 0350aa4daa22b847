//! Data of Hiera (its documentation, "Hierarchies"): which levels of a tree say something of a key, and of which host,
//! as far as the level's path tells. Which levels hold for whom only a host knows, so all of them are told, and none
//! is merged with another.

use super::super::node::{Kind, Node};
use super::super::yaml;
use super::modules::Modules;
use crate::evidence::Text;
use crate::input::{HEAD_BYTES, InputFile};
use std::rc::Rc;

/// How many levels may say something of one key.
const MAX_LEVELS: usize = 2_000;
/// Folders whose files are named after hosts.
const OF_HOSTS: [&str; 9] =
    ["node", "nodes", "host", "hosts", "fqdn", "hostname", "certname", "clientcert", "trusted.certname"];

/// What one file says of a key.
pub(super) struct Level<'a> {
    /// The file.
    pub file: &'a InputFile,
    /// Its text.
    pub text: Rc<str>,
    /// The host it is for, where its path says one.
    pub host: Option<Text>,
    /// What it says.
    pub value: Node,
}

/// What the data of an environment says of a key.
pub(super) fn levels<'a>(modules: &Modules<'a>, key: &str) -> Vec<Level<'a>> {
    let yaml = |file: &&InputFile| {
        [".yaml", ".yml", ".eyaml"].iter().any(|ending| file.name().ends_with(ending)) && file.is_text()
    };
    let read = modules.environment().filter(yaml).filter_map(|file| level(modules, file, key));
    read.take(MAX_LEVELS).collect()
}

fn level<'a>(modules: &Modules<'a>, file: &'a InputFile, key: &str) -> Option<Level<'a>> {
    let holds = |bytes: &[u8]| memchr::memmem::find(bytes, key.as_bytes()).is_some();
    if file.head.len() < HEAD_BYTES && !holds(&file.head) {
        return None;
    }
    let text = file.text().ok().filter(|text| holds(text.as_bytes()))?;
    // What is broken behind the key is told by nobody; what stands before it was read.
    let read = yaml::read(&text);
    let value = read.documents.iter().find_map(|document| document.get(key)).map(whole)?;
    Some(Level { file, host: host(modules.within(&file.path)), text: Rc::from(text), value })
}

/// A value with what its maps merge as entries of their own.
fn whole(value: &Node) -> Node {
    let kind = match &value.kind {
        Kind::List(items) => Kind::List(items.iter().map(whole).collect()),
        Kind::Map(entries) => {
            let mut told: Vec<(Node, Node)> = Vec::new();
            let is_merge = |key: &Node| key.text() == Some("<<");
            for (key, value) in entries.iter().filter(|(key, _)| !is_merge(key)) {
                told.push((key.clone(), whole(value)));
            }
            for (_, merged) in entries.iter().filter(|(key, _)| is_merge(key)) {
                let maps =
                    if merged.items().is_empty() { std::slice::from_ref(merged) } else { merged.items() };
                for (key, value) in maps.iter().map(whole).flat_map(|map| map.entries().to_vec()) {
                    if !told.iter().any(|(own, _)| own.text() == key.text()) {
                        told.push((key, value));
                    }
                }
            }
            Kind::Map(told)
        }
        kind => kind.clone(),
    };
    Node { line: value.line, kind }
}

/// The host that a level is named after: `nodes/db1.shop.example.yaml`.
fn host(path: &str) -> Option<Text> {
    let mut parts = path.rsplit('/');
    let name = parts.next()?;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let folder = parts.next()?;
    let named = !["common", "default", "defaults", "global"].contains(&stem);
    (OF_HOSTS.contains(&folder) && named).then(|| Text::from(stem))
}

#[cfg(test)]
mod tests {
    use super::{host, whole};
    use crate::collect::schedules::{node::Node, yaml};

    #[test]
    fn a_level_is_of_a_host_where_its_folder_says_so() {
        let told = |path| host(path).map(|host| host.to_string());
        assert_eq!(told("data/nodes/db1.shop.example.yaml").as_deref(), Some("db1.shop.example"));
        assert_eq!(told("hieradata/hosts/db1.yaml").as_deref(), Some("db1"));
        assert_eq!(told("data/nodes/common.yaml"), None);
        assert_eq!(told("data/roles/db1.yaml"), None);
        assert_eq!(told("nodes.yaml"), None);
    }

    #[test]
    fn what_a_map_merges_is_its_own_unless_it_says_otherwise() {
        let read = yaml::read("a: &a {hour: 1, minute: 2}\nb:\n  <<: *a\n  hour: 3\n");
        let told = whole(&read.documents[0]);
        let b = told.get("b").expect("it is there");
        let entries: Vec<_> = b.entries().iter().map(|(key, value)| (key.text(), value.text())).collect();
        assert_eq!(entries, [(Some("hour"), Some("3")), (Some("minute"), Some("2"))]);
        assert_eq!(b.get("minute").and_then(Node::text), Some("2"));
    }
}
