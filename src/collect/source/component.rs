//! What a component's own settings say about its code: application properties (Spring), the path before all
//! of its routes, how classes without a table's name get one, and the classes that are mapped. It never looks
//! at profiles: which one runs nobody has written here.

use super::fold::{Constants, is_secret};
use super::modules::Modules;
use super::tables::{self, Mapped};
use super::{LANGUAGES, settings};
use crate::evidence::Text;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, RwLock};

/// Where Spring looks for settings ("Externalized Configuration"), below a component's folder.
const PLACES: [&str; 4] = ["src/main/resources", "src/main/resources/config", "", "config"];
/// The names it looks for, later ones over earlier ones.
const NAMES: [&str; 6] = [
    "bootstrap.yml",
    "bootstrap.yaml",
    "bootstrap.properties",
    "application.yml",
    "application.yaml",
    "application.properties",
];
/// Settings that say the path before all routes of a component, outermost first.
const BASE_PATHS: [&str; 5] = [
    "server.servlet.context-path",
    "server.servlet.contextPath",
    "server.context-path",
    "spring.webflux.base-path",
    "spring.mvc.servlet.path",
];
/// Settings that say how names of tables are made.
const NAMING: [&str; 3] = [
    "spring.jpa.hibernate.naming.physical-strategy",
    "spring.jpa.properties.hibernate.physical_naming_strategy",
    "hibernate.physical_naming_strategy",
];

/// How names of tables are made of names in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// `OrderItem` is `order_item`, whether somebody wrote it or a class is called so.
    Snake,
    /// As it is written.
    AsWritten,
    /// Nobody can tell.
    Unknown,
}

/// What was found out about components, once each.
#[derive(Default)]
pub struct Components {
    properties: RwLock<HashMap<Text, Arc<Constants>>>,
    mapped: OnceLock<BTreeMap<String, Vec<Mapped>>>,
}

impl Modules<'_> {
    /// The settings of a component, by dotted names; secrets are left out.
    pub fn properties(&self, component: &Text) -> Arc<Constants> {
        let held = &self.components.properties;
        if let Some(known) = held.read().ok().and_then(|held| held.get(component).cloned()) {
            return known;
        }
        let mut all = Constants::new();
        for (place, name) in PLACES.iter().flat_map(|place| NAMES.map(|name| (place, name))) {
            let parts = [component, *place, name];
            let parts = parts.iter().filter(|part| !part.is_empty() && **part != "source tree");
            let path = parts.copied().collect::<Vec<_>>().join("/");
            self.add_properties(&path, &mut all);
        }
        // A config server's repository has a file named like the application.
        if let Some(name) = all.get("spring.application.name").cloned() {
            let names = ["yml", "yaml", "properties"].map(|ending| format!("{name}.{ending}"));
            let found: Vec<Text> =
                names.iter().flat_map(|name| self.named(name)).map(|file| file.path.clone()).collect();
            if let [only] = found.as_slice() {
                self.add_properties(only, &mut all);
            }
        }
        let all = Arc::new(all);
        if let Ok(mut held) = held.write() {
            held.insert(component.clone(), all.clone());
        }
        all
    }

    fn add_properties(&self, path: &str, all: &mut Constants) {
        let files = &self.world.inputs.files;
        let Ok(index) = files.binary_search_by(|known| (*known.path).cmp(path)) else { return };
        let text = files[index].text().unwrap_or_default();
        for pair in settings::pairs(files[index].name(), &text) {
            // What stands behind another document belongs to a profile.
            if pair.document == 0 && !is_secret(&pair.name) {
                all.insert(pair.name, pair.value);
            }
        }
    }

    /// The path before all routes of a component, as its settings say.
    pub fn base_path(&self, component: &Text) -> String {
        let properties = self.properties(component);
        let known = |name: &str| properties.get(name).cloned();
        let paths = BASE_PATHS.iter().filter_map(|name| properties.get(*name));
        paths.map(|path| super::fold::placeholders(path, &known)).collect()
    }

    /// How the tables of a component are named that says nothing else.
    pub fn naming(&self, component: &Text, usual: &[&str]) -> Naming {
        if usual == ["snake"] {
            return Naming::Snake;
        }
        let properties = self.properties(component);
        if let Some(strategy) = NAMING.iter().find_map(|name| properties.get(*name)) {
            let snake = ["SnakeCase", "CamelCaseToUnderscores", "SpringPhysical"];
            return match strategy {
                it if snake.iter().any(|word| it.contains(word)) => Naming::Snake,
                it if it.contains("PhysicalNamingStrategyStandard") => Naming::AsWritten,
                _ => Naming::Unknown,
            };
        }
        let mut folder = if &**component == "source tree" { "" } else { &**component };
        loop {
            for name in ["pom.xml", "build.gradle", "build.gradle.kts"] {
                let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                let files = &self.world.inputs.files;
                let found = files.binary_search_by(|known| (*known.path).cmp(path.as_str()));
                if found.is_ok_and(|index| files[index].head_text().contains("spring-boot")) {
                    return Naming::Snake;
                }
            }
            match folder.rsplit_once('/') {
                Some((above, _)) => folder = above,
                None if folder.is_empty() => return Naming::Unknown,
                None => folder = "",
            }
        }
    }

    /// The mapped classes of the scan, by name.
    pub fn mapped(&self) -> &BTreeMap<String, Vec<Mapped>> {
        self.components.mapped.get_or_init(|| {
            let files = &self.world.inputs.files;
            let found: Vec<Vec<Mapped>> =
                files.par_iter().map(|file| tables::of_file(file, &LANGUAGES, self)).collect();
            let mut all: BTreeMap<String, Vec<Mapped>> = BTreeMap::new();
            for mapped in found.into_iter().flatten() {
                all.entry(mapped.name.clone()).or_default().push(mapped);
            }
            all
        })
    }
}
