//! `manifest.json` of dbt ("Manifest JSON file", schema v7 and later): the tables that a project writes as models, seeds
//! and snapshots, those it reads as sources and as its own, and its exposures with whom they belong to. It does not say
//! on which server: the one system of `whodepends.toml` that has the database, or a gap. What lies in the tables and
//! the text of the models state nothing here.

use super::{Inventory, Notes, document};
use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{
    About, Action, Basis, GapCode, Mention, MentionKind, Provenance, Resource, Says, Scope, Text,
};
use crate::input::InputFile;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many nodes, sources and exposures of one manifest are read.
pub const MAX_NODES: usize = 100_000;
/// How many nodes without a table of their own are looked through for what they read.
const MAX_STEPS: usize = 10_000;

/// Where the address of a manifest's schema begins.
const SCHEMA: &str = "schemas.getdbt.com/dbt/manifest/v";
/// The first version that is read.
const OLDEST: u32 = 7;

/// `target/manifest.json`.
pub struct Dbt;

impl Inventory for Dbt {
    fn about(&self) -> &'static About {
        &About {
            name: "dbt-manifest",
            title: "dbt manifest.json: models, sources and exposures with their owners",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        file.name().ends_with(".json")
            && memchr::memmem::find(&file.head, SCHEMA.as_bytes()).is_some()
            && file.head_text().trim_start().starts_with('{')
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        if notes.scope() != Scope::Production {
            return Ok(());
        }
        let value = document::parse(text)?;
        let schema = value.pointer("/metadata/dbt_schema_version").and_then(Value::as_str).unwrap_or("");
        let version =
            schema.split_once(SCHEMA).and_then(|(_, rest)| rest.split('.').next()?.parse::<u32>().ok());
        if version.is_none_or(|version| version < OLDEST) {
            return Err(format!("no manifest of dbt in schema v{OLDEST} or later"));
        }
        let manifest = Manifest::of(&value, notes)?;
        manifest.project(notes);
        manifest.exposures(&value, notes);
        manifest.gaps(notes);
        Ok(())
    }
}

/// One thing that others depend on.
struct Node<'a> {
    /// Whether dbt writes it: a model, seed or snapshot, and no source.
    built: bool,
    /// Its table; none where it has none, as an ephemeral model, a test or an analysis.
    table: Option<Table>,
    depends_on: Vec<&'a str>,
}

/// A table in a database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Table {
    database: String,
    schema: String,
    name: String,
}

struct Manifest<'a> {
    nodes: BTreeMap<&'a str, Node<'a>>,
    project: String,
    /// By database: the one system that has it.
    systems: BTreeMap<String, Option<String>>,
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn dependencies(value: &Value) -> Vec<&str> {
    let list = value.pointer("/depends_on/nodes").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let entries = value.get(key).and_then(Value::as_object);
    entries.into_iter().flatten().map(|(name, entry)| (name.as_str(), entry)).take(MAX_NODES)
}

/// The table of a node, its name under this key, else under `name`.
fn table(value: &Value, key: &str) -> Option<Table> {
    let name = text(value, key).or_else(|| text(value, "name"))?;
    let part = |text: &str| scrub_name(text).into_owned();
    Some(Table {
        database: part(text(value, "database")?),
        schema: part(text(value, "schema")?),
        name: part(name),
    })
}

impl<'a> Manifest<'a> {
    fn of(value: &'a Value, notes: &mut Notes<'_>) -> Result<Manifest<'a>, String> {
        let mut nodes = BTreeMap::new();
        let mut packages = BTreeSet::new();
        for (id, entry) in entries(value, "nodes") {
            let built = matches!(text(entry, "resource_type"), Some("model" | "seed" | "snapshot"));
            // Only what becomes a table or a view has a relation.
            let table = text(entry, "relation_name").filter(|_| built).and_then(|_| table(entry, "alias"));
            packages.extend(text(entry, "package_name"));
            nodes.insert(id, Node { built, table, depends_on: dependencies(entry) });
        }
        for (id, entry) in entries(value, "sources") {
            nodes
                .insert(id, Node { built: false, table: table(entry, "identifier"), depends_on: Vec::new() });
        }
        for key in ["nodes", "sources", "exposures"] {
            if value.get(key).and_then(Value::as_object).is_some_and(|all| all.len() > MAX_NODES) {
                let detail = format!("MAX_NODES: no more than {MAX_NODES} {key} are read");
                notes.gap(1, GapCode::Limit, &detail);
            }
        }
        let named =
            value.pointer("/metadata/project_name").and_then(Value::as_str).filter(|it| !it.is_empty());
        let only = packages.first().copied().filter(|_| packages.len() == 1);
        let project = named.or(only).ok_or("it does not say which project it is of")?;
        let project = scrub_name(project).into_owned();
        let databases: BTreeSet<&String> =
            nodes.values().filter_map(|node| Some(&node.table.as_ref()?.database)).collect();
        let systems = &notes.settings().systems;
        let of = |database: &str| {
            let mut having = systems.iter().filter(|it| it.databases.iter().any(|own| own == database));
            having.next().filter(|_| having.next().is_none()).map(|it| it.name.clone())
        };
        let systems = databases.into_iter().map(|database| (database.clone(), of(database))).collect();
        Ok(Manifest { nodes, project, systems })
    }

    /// A table as a resource, where its server is known.
    fn resource(&self, table: &Table) -> Option<Resource> {
        let system = self.systems.get(&table.database)?.as_ref()?;
        let parts = vec![Text::from(table.schema.as_str()), Text::from(table.name.as_str())];
        let (system, database) = (Text::from(system.as_str()), Text::from(table.database.as_str()));
        Some(Resource::table(parts).at(Some(&system), Some(&database)))
    }

    /// The tables that these mean; what has none is what it reads itself.
    fn tables(&self, ids: &[&'a str]) -> BTreeSet<&Table> {
        let (mut open, mut seen, mut found) = (ids.to_vec(), BTreeSet::new(), BTreeSet::new());
        while let Some(id) = open.pop() {
            if seen.len() > MAX_STEPS || !seen.insert(id) {
                continue;
            }
            match self.nodes.get(id) {
                Some(Node { table: Some(table), .. }) => {
                    found.insert(table);
                }
                Some(node) => open.extend(&node.depends_on),
                None => {}
            }
        }
        found
    }

    /// States the project: what it writes and what it reads.
    fn project(&self, notes: &mut Notes<'_>) {
        let about = Mention::new(MentionKind::Declared, format!("service:{}", self.project));
        let say = |notes: &mut Notes<'_>, says| notes.say_at(&about, says, Basis::Declared, 1);
        say(notes, Says::DeclaredAs(Text::from("service")));
        // dbt writes its artifacts to `target` in the folder of the project ("target-path").
        let folder = notes.folder().strip_suffix("/target").map(str::to_owned);
        if let Some(folder) = folder {
            say(notes, Says::SameAs(Mention::new(MentionKind::Component, folder)));
        }
        let mut uses = BTreeSet::new();
        for node in self.nodes.values() {
            if let Some(table) = node.table.as_ref().filter(|_| node.built) {
                uses.extend(self.resource(table).map(|resource| (Action::Write, resource)));
            }
            let read = node.depends_on.iter().filter_map(|id| self.nodes.get(id)?.table.as_ref());
            uses.extend(read.filter_map(|table| Some((Action::Read, self.resource(table)?))));
        }
        for (action, resource) in uses {
            say(notes, Says::DeclaredUse(Some(action), resource));
        }
    }

    /// States who is said to use what the project makes ("Exposure properties").
    fn exposures(&self, value: &'a Value, notes: &mut Notes<'_>) {
        for (_, exposure) in entries(value, "exposures") {
            let Some(name) = text(exposure, "name") else { continue };
            let kind = if text(exposure, "type") == Some("application") { "service" } else { "client" };
            let about = Mention::new(MentionKind::Declared, format!("{kind}:{}", scrub_name(name)));
            notes.say_at(&about, Says::DeclaredAs(Text::from(kind)), Basis::Declared, 1);
            let owner =
                exposure.get("owner").and_then(|owner| text(owner, "name").or_else(|| text(owner, "email")));
            if let Some(owner) = owner {
                let owner = Says::OwnedBy(Text::from(scrub(owner).as_ref()));
                notes.say_at(&about, owner, Basis::Declared, 1);
            }
            for table in self.tables(&dependencies(exposure)) {
                if let Some(resource) = self.resource(table) {
                    notes.say_at(&about, Says::DeclaredUse(Some(Action::Read), resource), Basis::Declared, 1);
                }
            }
        }
    }

    /// Says of which databases nobody said where they are: the uses of their tables are left out.
    fn gaps(&self, notes: &mut Notes<'_>) {
        for (database, _) in self.systems.iter().filter(|(_, system)| system.is_none()) {
            let tables = self.nodes.values().filter_map(|node| node.table.as_ref());
            let tables = tables.filter(|table| table.database == *database).collect::<BTreeSet<_>>().len();
            let detail = format!(
                "no one system of whodepends.toml has the database {database}: uses of {tables} of its tables are not stated"
            );
            notes.gap(1, GapCode::Unresolved, &detail);
        }
    }
}
