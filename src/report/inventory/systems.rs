//! Systems of an inventory: the servers that logs do not name get a name here, which stands in one place of the file and in
//! every use of it, so that whoever corrects the file can change it. Servers that may be one are put beside each other and
//! not made one.

use super::{Listed, part, quoted, remark, uses};
use crate::report::{InputRow, Report};
use std::collections::{BTreeMap, BTreeSet};

/// What servers are called.
#[derive(Debug, Default)]
pub struct Systems {
    /// By the id of a server that a log does not name: its name here.
    names: BTreeMap<String, String>,
    /// By pattern of paths: the name.
    sources: BTreeMap<String, String>,
    /// Servers that nobody named and no name would stand for: their logs tell of others as well.
    unnamed: BTreeSet<String>,
    /// Systems outside of the estate that an inventory lists.
    external: BTreeSet<String>,
    /// Systems that a settings file lists as reached by requests.
    asked: BTreeSet<String>,
    /// Files and objects that are handed over.
    handed: BTreeSet<String>,
}

/// What logs are called everywhere.
const USUAL: [&str; 12] = [
    "postgresql",
    "postgres",
    "mysql",
    "mysqld",
    "mariadb",
    "access",
    "error",
    "general",
    "slow",
    "audit",
    "server",
    "log",
];

/// The file's name without what comes behind its first dot.
fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(file)
}

/// A name for the server of a log at a path: the folder's, where the file has only a usual one.
fn name(path: &str, taken: &BTreeSet<String>) -> String {
    let folder = path.rsplit('/').nth(1).filter(|folder| !folder.is_empty());
    let usual =
        |stem: &str| USUAL.iter().any(|known| stem == *known || stem.starts_with(&format!("{known}-")));
    let own = stem(path);
    let plain = if usual(own) { folder.unwrap_or(own) } else { own };
    let plain: String =
        plain.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    // A name that stands for something else already would join the two.
    let mut name = plain.clone();
    let mut number = 1;
    while taken.contains(&name) {
        name = if number == 1 { format!("{plain}-log") } else { format!("{plain}-log-{number}") };
        number += 1;
    }
    name
}

/// A pattern for a log's path and those it is rotated to, unless that holds a log of another server.
fn pattern(path: &str, own: &BTreeSet<&str>, inputs: &[InputRow], streams: &BTreeSet<&str>) -> String {
    let cut = path.rfind('.').filter(|at| path[*at..].find('/').is_none()).unwrap_or(path.len());
    let head = globset::escape(&path[..cut]);
    let matches =
        |input: &&InputRow| input.path.starts_with(&path[..cut]) && !input.path[cut..].contains('/');
    let log = |input: &&InputRow| {
        streams.iter().any(|stream| stream.ends_with(&input.path)) || own.contains(&*input.path)
    };
    let foreign = inputs.iter().filter(matches).filter(log).any(|input| !own.contains(&*input.path));
    if foreign { globset::escape(path) } else { format!("{head}*") }
}

/// What of an id lies behind a server's own.
fn rest_of<'a>(id: &'a str, of: &str) -> Option<&'a str> {
    let (_, rest) = id.split_once(':')?;
    rest.strip_prefix(of).filter(|behind| behind.is_empty() || behind.starts_with(['/', ':']))
}

/// By what a log's server is called: the ids of what the log told of.
fn seen_by(report: &Report) -> BTreeMap<&str, BTreeSet<&str>> {
    let of: BTreeMap<&str, &str> =
        report.vantages.iter().map(|it| (it.id.as_str(), it.of.as_str())).collect();
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for link in &report.links {
        for piece in link.evidence.iter().filter(|piece| piece.basis == "observed") {
            if let Some(of) = of.get(&*piece.vantage) {
                seen.entry(of).or_default().insert(&link.resource);
            }
        }
    }
    seen
}

impl Systems {
    /// Names the servers that nobody named.
    pub fn of(report: &Report, listed: &Listed) -> Systems {
        let (asked, handed) = (listed.asked.clone(), uses::handed(report));
        let mut systems = Systems { asked, handed, ..Systems::default() };
        let ids: BTreeSet<&str> = report.vantages.iter().map(|vantage| vantage.id.as_str()).collect();
        let streams: BTreeSet<&str> =
            ids.iter().filter_map(|id| id.split_once(':')).map(|(_, path)| path).collect();
        let mut taken: BTreeSet<String> = report
            .entities
            .iter()
            .filter_map(|entity| entity.id.split_once(':'))
            .flat_map(|(_, rest)| {
                let system = rest.split('/').next().unwrap_or(rest);
                [rest, system, system.split(':').next().unwrap_or(system)].map(str::to_owned)
            })
            .collect();
        let external = report.entities.iter().filter(|entity| entity.kind == "external" && entity.declared);
        systems.external = external.map(|entity| entity.name.clone()).collect();
        let mut paths: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for vantage in report.vantages.iter().filter(|vantage| ids.contains(vantage.of.as_str())) {
            let path = vantage.id.split_once(':').map_or(vantage.id.as_str(), |(_, path)| path);
            paths.entry(&vantage.of).or_default().insert(path);
        }
        let systems_of = seen_by(report);
        let none = BTreeSet::new();
        for (of, paths) in paths {
            // A log that says of each of its lines whose it is needs no other name for its server.
            let seen = systems_of.get(of).unwrap_or(&none);
            if !seen.iter().any(|id| rest_of(id, of).is_some()) {
                continue;
            }
            if !seen.iter().all(|id| rest_of(id, of).is_some()) {
                systems.unnamed.insert(of.to_owned());
                continue;
            }
            let first = of.split_once(':').map_or(of, |(_, path)| path);
            let name = name(first, &taken);
            taken.insert(name.clone());
            for path in &paths {
                systems.sources.insert(pattern(path, &paths, &report.inputs, &streams), name.clone());
            }
            systems.names.insert(of.to_owned(), name);
        }
        systems
    }

    /// Whether an inventory lists a system outside of the estate by this name.
    pub fn is_external(&self, name: &str) -> bool {
        self.external.contains(name)
    }

    /// Whether a settings file lists a system as one that is reached by requests.
    pub fn is_asked(&self, name: &str) -> bool {
        self.asked.contains(name)
    }

    /// Whether a file or object is one that is handed over.
    pub fn is_handed(&self, id: &str) -> bool {
        self.handed.contains(id)
    }

    /// The rest of an id, behind its kind, with the server as it is called here.
    pub fn renamed(&self, rest: &str) -> String {
        for (of, name) in &self.names {
            if let Some(behind) = rest.strip_prefix(of.as_str())
                && (behind.is_empty() || behind.starts_with(['/', ':']))
            {
                return format!("{name}{behind}");
            }
            // A client on the server's own machine comes from it.
            if let Some(who) = rest.strip_suffix(of.as_str()).filter(|who| who.ends_with('@')) {
                return format!("{who}{name}");
            }
        }
        rest.to_owned()
    }

    /// A whole id with the server as it is called here.
    pub fn renamed_id(&self, id: &str) -> String {
        match id.split_once(':') {
            Some((kind, rest)) => format!("{kind}:{}", self.renamed(rest)),
            None => id.to_owned(),
        }
    }

    /// Whether the rest of an id lies on a server that has no name to state.
    pub fn is_unnamed(&self, rest: &str) -> bool {
        self.unnamed
            .iter()
            .any(|of| rest == of || rest.strip_prefix(of.as_str()).is_some_and(|it| it.starts_with('/')))
    }

    /// Writes what logs are of, and which servers may be one.
    pub fn write(&self, out: &mut String, report: &Report, listed: &Listed) {
        let mut databases: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for entity in report.entities.iter().filter(|entity| entity.kind == "database" && !entity.declared) {
            let place = self.renamed(entity.id.split_once(':').map_or("", |(_, rest)| rest));
            if let Some((system, _)) = place.split_once('/').filter(|(system, _)| *system != "?") {
                databases.entry(&entity.name).or_default().insert(system.to_owned());
            }
        }
        databases.retain(|_, systems| systems.len() > 1);
        if self.sources.is_empty() && (databases.is_empty() || listed.any) {
            return;
        }
        part(out, "Servers");
        if !self.sources.is_empty() {
            remark(
                out,
                "These logs do not say whose they are. The names are made from their paths: call the servers as you do,",
            );
            remark(out, "here and in the uses below.");
        }
        for (path, name) in &self.sources {
            out.push_str(&format!("\n[[source]]\npath = {}\nserver = {}\n", quoted(path), quoted(name)));
        }
        for (database, systems) in databases {
            out.push('\n');
            let systems: Vec<String> = systems.into_iter().collect();
            remark(
                out,
                &format!(
                    "Each of {} has a database {database}. If they are one server, give it one name",
                    systems.join(", ")
                ),
            );
            remark(
                out,
                "everywhere, and list the others as its addresses in a [[system]] (kind, name, addresses, databases).",
            );
        }
    }
}
