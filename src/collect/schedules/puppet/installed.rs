//! What resources of the type `file` put onto hosts (its reference): `source => 'puppet:///modules/m/x'`, and `content` of
//! the functions `template`, `epp` and `file`, in the module that the path names. Mount points other than `modules` and
//! templates in the manifest itself are no files of a tree.

use super::super::installed::{Installed, Source, at, ending, open};
use super::super::node::{Call, Kind, Node};
use super::super::{World, values::scalar};
use super::fill::{Fill, variable};
use super::manifest::Attributes;
use crate::evidence::Evidence;
use crate::input::InputFile;

/// How many variables a content may go through.
const MAX_VARIABLES: usize = 4;
/// Functions whose first argument is the path of a file of a module, and the folder that has it there.
const FUNCTIONS: [(&str, &str); 3] = [("template", "templates"), ("epp", "templates"), ("file", "files")];

/// States what a resource at a place installs, by its attributes and its content as the manifest writes it.
pub(super) fn state(
    (file, line): (&InputFile, u64),
    world: &World<'_>,
    title: &str,
    (attributes, content): (&Attributes, Option<&Node>),
    fill: &Fill<'_>,
    out: &mut Evidence,
) {
    let text = |name: &str| attributes.get(name).and_then(Node::text).filter(|text| !text.is_empty());
    let link = text("ensure").is_some_and(|ensure| ["link", "directory"].contains(&ensure));
    let whole = text("recurse").is_some_and(|recurse| ["true", "remote"].contains(&recurse));
    if link && !whole {
        return;
    }
    let path = open(text("path").unwrap_or(title));
    let module = Module { file, world, fill };
    // A define hands both on, and one of them is `undef`.
    let source = attributes.get("source").filter(|it| it.text().is_none_or(|text| !text.is_empty()));
    let content = content.filter(|_| attributes.get("content").is_none_or(|it| it.text() != Some("")));
    let source = match (source, content) {
        (Some(source), _) => module.source(source),
        (None, Some(content)) => module.content(content),
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

/// What a value that a define may hand on was made of, where that is a file of a module: an attribute beside it, of a name
/// that no manifest can write.
pub(super) fn origin(name: &str, value: &Node, fill: &Fill<'_>) -> Option<(String, Node)> {
    let made = match &value.kind {
        Kind::Call(call) if FUNCTIONS.iter().any(|(function, _)| *function == call.name) => {
            let arguments = call.arguments.iter().map(|it| fill.value(it)).collect();
            Kind::Call(Box::new(Call { arguments, ..(**call).clone() }))
        }
        _ => return None,
    };
    Some((behind(name), Node { line: value.line, kind: made }))
}

fn behind(name: &str) -> String {
    format!("{name}\0made of")
}

struct Module<'a, 'w> {
    file: &'a InputFile,
    world: &'a World<'w>,
    fill: &'a Fill<'a>,
}

impl<'w> Module<'_, 'w> {
    /// The first of several that is there, as far as the tree tells.
    fn source(&self, source: &Node) -> Source<'w> {
        let one = scalar(source.line, source.text().unwrap_or(""));
        let several: Vec<&Node> = match source.kind {
            Kind::List(_) => source.items().iter().collect(),
            _ => vec![&one],
        };
        let told: Vec<&str> = several.iter().filter_map(|it| it.text()).collect();
        let missing = || Source::Missing(open(told.first().unwrap_or(&"")));
        if told.iter().any(|source| open(source) != **source) {
            return missing();
        }
        let path = |source: &&str| {
            let rest = source.strip_prefix("puppet://")?;
            // `puppet:///modules/m/x`, or with the name of a server.
            let rest = rest.split_once('/')?.1.strip_prefix("modules/")?;
            let (module, path) = rest.split_once('/')?;
            self.find(module, "files", path)
        };
        told.iter().find_map(path).unwrap_or_else(missing)
    }

    fn content(&self, content: &Node) -> Source<'w> {
        let missing = |what: &str| Source::Missing(format!("{what} in {}", self.file.path));
        let mut content = content.clone();
        for _ in 0..MAX_VARIABLES {
            let handed_on = || self.fill.known(&behind(content.text().and_then(variable)?));
            match handed_on().or_else(|| self.fill.behind(&content)) {
                Some(next) => content = next,
                None => break,
            }
        }
        let Kind::Call(call) = &content.kind else { return missing("a text") };
        let function = FUNCTIONS.iter().find(|(name, _)| *name == call.name);
        let Some((name, folder)) = function else { return missing("a text that is computed") };
        // Several templates become one text.
        if *name == "template" && call.arguments.len() > 1 {
            return missing("several templates");
        }
        let first = call.arguments.first().map(|path| self.fill.value(path));
        let Some(mut path) = first.as_ref().and_then(Node::text).map(str::to_owned) else {
            return missing("a template");
        };
        // The ending may be left out (Puppet's function `epp`).
        if *name == "epp" && !path.ends_with(".epp") {
            path.push_str(".epp");
        }
        let found = path.split_once('/').and_then(|(module, path)| self.find(module, folder, path));
        found.filter(|_| open(&path) == path).unwrap_or_else(|| Source::Missing(open(&path)))
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
