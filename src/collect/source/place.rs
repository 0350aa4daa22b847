//! Where a file stands in its tree: which part is built or deployed as one, in which scope, and as whose
//! text it counts. It never reads the file.

use super::World;
use crate::evidence::{
    Action, Actor, Basis, Class, Confidence, MentionKind, Outcome, Resource, Scope, Shape, Text, Trait, What,
};
use crate::input::{InputFile, scope_of};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Files that mark the folder of something built or deployed as one.
pub(super) const MARKS: [&str; 15] = [
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "Pipfile",
    "package.json",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "Dockerfile",
    ".env",
    "go.mod",
    "Cargo.toml",
    "Gemfile",
    "composer.json",
];

/// A catalogue's entry for what lies beside it: it marks a folder, though not a whole repository, which may hold entries
/// of all that is in it (Backstage, "Descriptor Format").
const ENTRIES: [&str; 2] = ["catalog-info.yaml", "catalog-info.yml"];

/// Of how many folders side by side must be marked for the folder around them to hold one thing in each.
const SIDE_BY_SIDE: usize = 2;

/// The folders of what is built or deployed as one, as far as the tree and the inventory tell.
pub struct Roots {
    marked: HashSet<String>,
    /// Folders without a mark that hold several with one: whatever else lies in them beside those is one, too.
    holding: HashSet<String>,
}

impl Roots {
    /// Of all files of a scan.
    pub fn of(world: &World<'_>) -> Roots {
        let mut marked = HashSet::new();
        for file in &world.inputs.files {
            let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
            if MARKS.contains(&name) || (ENTRIES.contains(&name) && !folder.is_empty()) {
                marked.insert(folder.to_owned());
            }
        }
        for source in world.settings.consumers.iter().flat_map(|consumer| &consumer.source) {
            let source = source.trim_start_matches("./").trim_end_matches('/');
            if !source.is_empty() {
                marked.insert(source.to_owned());
            }
        }
        let mut beside: BTreeMap<&str, usize> = BTreeMap::new();
        for folder in &marked {
            if let Some((around, _)) = folder.rsplit_once('/') {
                *beside.entry(around).or_default() += 1;
            }
        }
        let several = |(folder, count): (&str, usize)| {
            (count >= SIDE_BY_SIDE && !marked.contains(folder)).then(|| folder.to_owned())
        };
        let holding = beside.into_iter().filter_map(several).collect();
        Roots { marked, holding }
    }
}

/// Where a file stands.
#[derive(Clone)]
pub struct Where {
    /// Whose text it is.
    pub actor: Actor,
    /// The folder of its component, as shown.
    pub component: Text,
    /// In which part of the world.
    pub scope: Scope,
    /// `host:/path` or the shown path.
    pub script: Text,
}

/// The folder of the component a file belongs to, as a shown path: the nearest one above it with a mark, or beside
/// others with one; it may be the folder that was scanned (empty). Without, on a copied host the file's own folder,
/// elsewhere the top one.
fn component(file: &InputFile, roots: &Roots) -> String {
    let path = &*file.path;
    let root = path.strip_suffix(&*file.inner).map(str::len).filter(|_| file.host.is_some());
    let own = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut folder = own;
    loop {
        if root.is_some_and(|root| folder.len() <= root) {
            return own.to_owned();
        }
        let beside = || folder.rsplit_once('/').is_some_and(|(around, _)| roots.holding.contains(around));
        if roots.marked.contains(folder) || beside() {
            return folder.to_owned();
        }
        match folder.rsplit_once('/') {
            Some((above, _)) => folder = above,
            None if folder.is_empty() => {
                return path.split_once('/').map_or(String::new(), |(top, _)| top.to_owned());
            }
            None => folder = "",
        }
    }
}

/// A file as what it does is mentioned: `host:/path`, or its path as shown.
pub fn script_of(file: &InputFile) -> Text {
    match &file.host {
        Some(host) => Text::from(format!("{host}:{}", file.inner)),
        None => file.path.clone(),
    }
}

impl Where {
    /// Of a file.
    pub fn of(file: &InputFile, roots: &Roots) -> Where {
        let script = script_of(file);
        let folder = component(file, roots);
        let folder = if folder.is_empty() { "source tree".to_owned() } else { folder };
        let name = file.name();
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        let listed = matches!(ending.as_deref(), Some("sql" | "sh" | "bat" | "cmd" | "ps1" | "psm1"));
        let standalone = listed || file.head.starts_with(b"#!");
        let kind = if standalone { MentionKind::Script } else { MentionKind::Code };
        let component = Text::from(folder);
        let actor = Actor::new().with(MentionKind::Component, component.clone()).with(kind, script.clone());
        Where { actor, component, scope: scope_of(&file.path, &file.head_text()), script }
    }

    /// A written use of this place.
    pub fn what(&self, action: Action, resource: Resource) -> What {
        What {
            vantage: Text::from("source"),
            actor: self.actor.clone(),
            action,
            resource,
            shape: Shape::none(),
            outcome: Outcome::Ok,
            class: Class::App,
            scope: self.scope,
            basis: Basis::Written,
            confidence: Confidence::High,
            traits: BTreeSet::<Trait>::new(),
        }
    }
}
