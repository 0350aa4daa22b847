//! What recipes put onto hosts with the resources `template`, `cookbook_file` and `remote_directory` (their reference; the
//! order in which a cookbook's files are looked for is that of "file specificity", of which only `default` is known here).

use super::super::installed::{Installed, Source, at, last, open};
use super::super::node::Node;
use super::super::values::filled;
use super::super::{SchedulePlace, World};
use super::recipe::{self, Recipe, Resource};
use super::{OFF, texts};
use crate::evidence::{About, Evidence, Provenance};
use crate::input::InputFile;

/// The resources, and the folder of a cookbook that has their files.
const TYPES: [(&str, &str); 3] =
    [("template", "templates"), ("cookbook_file", "files"), ("remote_directory", "files")];

/// Recipes that install files.
pub struct Files;

impl SchedulePlace for Files {
    fn about(&self) -> &'static About {
        &About {
            name: "chef-files",
            title: "Chef recipes: template, cookbook_file, remote_directory",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let begins = |line: &str| {
            let mut words = line.split_whitespace();
            words.next().is_some_and(|word| TYPES.iter().any(|(kind, _)| *kind == word))
                && line.trim_end().ends_with(" do")
        };
        file.name().ends_with(".rb") && cookbook(&file.path).is_some() && file.head_text().lines().any(begins)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let recipe = recipe::read(text, &TYPES.map(|(kind, _)| kind));
        let told = recipe.resources.iter().map(|it| u64::from(state(&recipe, it, file, world, out)));
        told.sum()
    }
}

/// The folder of the cookbook that a recipe or a custom resource belongs to.
fn cookbook(path: &str) -> Option<&str> {
    let parts = ["/recipes/", "/resources/", "/providers/", "/definitions/"];
    parts.iter().find_map(|part| path.rsplit_once(part)).map(|(cookbook, _)| cookbook)
}

fn state(
    recipe: &Recipe,
    resource: &Resource,
    file: &InputFile,
    world: &World<'_>,
    out: &mut Evidence,
) -> bool {
    let fill = |value: &Node| {
        filled(value, &|placeholder| {
            let name = placeholder.strip_prefix("#{")?.strip_suffix('}')?.trim();
            let known = recipe.variables.get(name).and_then(Node::text);
            known.filter(|_| !crate::evidence::scrub::names_secret(name)).map(str::to_owned)
        })
    };
    let property = |name: &str| resource.properties.get(name).map(&fill);
    let text = |name: &str| property(name).and_then(|value| value.text().map(str::to_owned));
    let name = fill(&resource.name);
    let path = open(&text("path").or_else(|| name.text().map(str::to_owned)).unwrap_or_default());
    let off = property("action").is_some_and(|action| {
        texts(&action).iter().any(|action| OFF.contains(&action.trim_start_matches(':')))
    });
    let Some(own) = cookbook(&file.path).filter(|_| !off) else { return false };
    let cookbook = match text("cookbook") {
        None => own.to_owned(),
        Some(other) => {
            format!("{}{other}", own.rsplit_once('/').map_or(String::new(), |(all, _)| format!("{all}/")))
        }
    };
    let folder = TYPES.iter().find(|(kind, _)| *kind == resource.kind).map_or("files", |(_, folder)| folder);
    let usual =
        if resource.kind == "template" { format!("{}.erb", last(&path)) } else { last(&path).to_owned() };
    let sources = property("source")
        .map_or(vec![usual], |source| texts(&source).into_iter().map(str::to_owned).collect());
    let open_source = sources.iter().any(|source| open(source) != *source);
    let paths: Vec<String> = sources
        .iter()
        .flat_map(|source| ["default/", ""].map(|part| format!("{cookbook}/{folder}/{part}{source}")))
        .collect();
    let found = at(&paths, world).filter(|_| !open_source);
    // Only a folder is installed with all that is in it.
    let fits =
        |source: &Source<'_>| matches!(source, Source::Folder(_)) == (resource.kind == "remote_directory");
    let source = found.filter(fits);
    let source = source
        .unwrap_or_else(|| Source::Missing(open(&format!("{cookbook}/{folder}/{}", sources.join(" or ")))));
    Installed { by: file, line: resource.line, path }.state(&source, world, out);
    true
}
