//! What resources of the type `file` put onto hosts (its reference): `source => 'puppet:///modules/m/x'`, and `content` of
//! the functions `template`, `epp` and `file`, in the module that the path names. Mount points other than `modules` and
//! templates in the manifest itself are no files of a tree.

use super::super::installed::{Installed, Source, at, ending, open};
use super::super::node::{Kind, Node};
use super::super::{World, values::scalar};
use super::manifest::Attributes;
use super::{Known, MAX_FILLED, MAX_STEPS, filled_text, variable};
use crate::evidence::Evidence;
use crate::input::InputFile;
use std::cell::Cell;

/// How many variables a content may go through.
const MAX_VARIABLES: usize = 4;
/// Functions whose first text is the path of a file of a module, and the folder that has it there.
const FUNCTIONS: [(&str, &str); 3] = [("template(", "templates"), ("epp(", "templates"), ("file(", "files")];

/// States what a resource installs, with what is known of the variables around it.
pub(super) fn state(
    file: &InputFile,
    world: &World<'_>,
    line: u64,
    title: &str,
    attributes: &Attributes,
    known: &Known<'_>,
    out: &mut Evidence,
) {
    let text = |name: &str| attributes.get(name).and_then(Node::text).filter(|text| !text.is_empty());
    let link = text("ensure").is_some_and(|ensure| ["link", "directory"].contains(&ensure));
    let whole = text("recurse").is_some_and(|recurse| ["true", "remote"].contains(&recurse));
    if link && !whole {
        return;
    }
    let path = open(text("path").unwrap_or(title));
    let module = Module { file, world };
    // A define hands both on, and one of them is `undef`.
    let stated = |text: &str| Some(settled(text, known)).filter(|text| !text.is_empty());
    let source = attributes.get("source").filter(|it| it.text().is_none_or(|text| stated(text).is_some()));
    let source = match (source, text("content").and_then(stated)) {
        (Some(source), _) => module.source(source, known),
        (None, Some(content)) => module.content(&content, known),
        (None, None) => return,
    };
    let fits = match source {
        Source::Folder(_) => whole,
        _ => true,
    };
    if fits {
        Installed { by: file, line, path }.state(&source, world, out);
    }
}

struct Module<'a, 'w> {
    file: &'a InputFile,
    world: &'a World<'w>,
}

impl<'w> Module<'_, 'w> {
    /// The first of several that is there, as far as the tree tells.
    fn source(&self, source: &Node, known: &Known<'_>) -> Source<'w> {
        let one = scalar(source.line, source.text().unwrap_or(""));
        let several: Vec<&Node> = match source.kind {
            Kind::List(_) => source.items().iter().collect(),
            _ => vec![&one],
        };
        let told: Vec<String> = several
            .iter()
            .filter_map(|it| it.text())
            .map(|text| self.filled(&settled(text, known), known))
            .collect();
        let missing = || Source::Missing(open(told.first().map_or("", String::as_str)));
        if told.iter().any(|source| open(source) != **source) {
            return missing();
        }
        let path = |source: &String| {
            let rest = source.strip_prefix("puppet://")?;
            // `puppet:///modules/m/x`, or with the name of a server.
            let rest = rest.split_once('/')?.1.strip_prefix("modules/")?;
            let (module, path) = rest.split_once('/')?;
            self.find(module, "files", path)
        };
        told.iter().find_map(path).unwrap_or_else(missing)
    }

    fn content(&self, content: &str, known: &Known<'_>) -> Source<'w> {
        let missing = |what: &str| Source::Missing(format!("{what} in {}", self.file.path));
        let Some(call) = content.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
            return missing("a text");
        };
        let function = FUNCTIONS.iter().find_map(|(name, folder)| Some((call.strip_prefix(name)?, *folder)));
        let Some((inside, folder)) = function else { return missing("a text that is computed") };
        let Some((first, rest)) = first_text(inside) else { return missing("a template") };
        // Several templates become one text.
        if folder == "templates" && call.starts_with("template(") && rest.contains(['\'', '"']) {
            return missing("several templates");
        }
        let mut path = self.filled(first, known);
        // The ending may be left out (Puppet's function `epp`).
        if call.starts_with("epp(") && !path.ends_with(".epp") {
            path.push_str(".epp");
        }
        let found = path.split_once('/').and_then(|(module, path)| self.find(module, folder, path));
        found.filter(|_| open(&path) == path).unwrap_or_else(|| Source::Missing(open(&path)))
    }

    /// A text with the variables that are known, the module's own name among them.
    fn filled(&self, text: &str, known: &Known<'_>) -> String {
        let text = filled_text(text, known, &Cell::new(MAX_FILLED), MAX_STEPS);
        match self.own() {
            Some((_, module)) => text.replace("${module_name}", module),
            None => text,
        }
    }

    /// The folder of the modules that the manifest lies in, and the module's name.
    fn own(&self) -> Option<(&str, &str)> {
        let end = self.file.path.find("/manifests/")?;
        let module = &self.file.path[..end];
        Some(module.rsplit_once('/').unwrap_or(("", module)))
    }

    /// A file of a module: of one beside the manifest's own, else of the only one of this name.
    fn find(&self, module: &str, folder: &str, path: &str) -> Option<Source<'w>> {
        let path = format!("{module}/{folder}/{}", path.trim_end_matches('/'));
        let beside = match self.own() {
            Some((modules, _)) if !modules.is_empty() => format!("{modules}/{path}"),
            _ => path.clone(),
        };
        at(&[beside, path.clone()], self.world).or_else(|| ending(&path, self.world))
    }
}

/// A value behind the variables it is handed on by.
fn settled(text: &str, known: &Known<'_>) -> String {
    let mut text = text.to_owned();
    for _ in 0..MAX_VARIABLES {
        let value = variable(&text).and_then(known);
        match value.as_ref().and_then(|(node, _)| node.text()) {
            Some(next) if next != text => text = next.to_owned(),
            _ => break,
        }
    }
    text
}

/// The first quoted text, and what stands behind it.
fn first_text(call: &str) -> Option<(&str, &str)> {
    let inside = call.trim_start();
    let quote = inside.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    inside[1..].split_once(quote)
}
