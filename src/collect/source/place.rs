//! Where a file stands in its tree: which part is built or deployed as one, in which scope, and as whose
//! text it counts. It never reads the file.

use super::World;
use crate::evidence::{
    Action, Actor, Basis, Class, Confidence, MentionKind, Outcome, Resource, Scope, Shape, Text, Trait, What,
};
use crate::input::{InputFile, scope_of};
use std::collections::BTreeSet;

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

/// The folder of the component a file belongs to, as a shown path: the nearest one above it with a mark, which
/// may be the folder that was scanned (empty); without, on a copied host the file's own folder, elsewhere the
/// top one.
fn component(file: &InputFile, world: &World<'_>) -> String {
    let path = &*file.path;
    let root = path.strip_suffix(&*file.inner).map(str::len).filter(|_| file.host.is_some());
    let own = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut folder = own;
    loop {
        if root.is_some_and(|root| folder.len() <= root) {
            return own.to_owned();
        }
        let marked = |mark: &&str| {
            let file = if folder.is_empty() { (*mark).to_owned() } else { format!("{folder}/{mark}") };
            world.inputs.files.binary_search_by(|known| (*known.path).cmp(&file)).is_ok()
        };
        if MARKS.iter().any(marked) {
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

impl Where {
    /// Of a file.
    pub fn of(file: &InputFile, world: &World<'_>) -> Where {
        let script = match &file.host {
            Some(host) => Text::from(format!("{host}:{}", file.inner)),
            None => file.path.clone(),
        };
        let folder = component(file, world);
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
