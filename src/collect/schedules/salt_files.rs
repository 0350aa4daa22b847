//! What states of Salt put onto minions with `file.managed` and `file.recurse` (their reference): the file that `salt://`
//! names below the root of the states, which is the nearest folder that has it. Pillars and grains are never read.

use super::installed::{Installed, Source, above, open};
use super::manifest::Template;
use super::node::Node;
use super::{SchedulePlace, World, yaml};
use crate::evidence::{About, Evidence, Provenance};
use crate::input::InputFile;

/// States that install files.
pub struct Files;

impl SchedulePlace for Files {
    fn about(&self) -> &'static About {
        &About {
            name: "salt-files",
            title: "Salt states: file.managed, file.recurse",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let known = |line: &str| {
            let line = line.trim_start_matches([' ', '-']).trim_end();
            ["file.managed:", "file.recurse:", "file:"].contains(&line)
        };
        file.name().ends_with(".sls") && file.head_text().lines().any(known)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let template = Template::of(text);
        let mut told = 0;
        for document in &yaml::read(&template.text).documents {
            for (id, body) in document.entries() {
                for (name, arguments) in body.entries() {
                    let state = State { file, world, template: &template, id, line: name.line };
                    told += u64::from(state.state(name.text().unwrap_or(""), arguments, out));
                }
            }
        }
        told
    }
}

struct State<'a> {
    file: &'a InputFile,
    world: &'a World<'a>,
    template: &'a Template,
    id: &'a Node,
    line: u64,
}

impl State<'_> {
    /// One state: `file.managed` with a list of arguments, or `file` with the function among them.
    fn state(&self, name: &str, arguments: &Node, out: &mut Evidence) -> bool {
        let listed = arguments.items().iter().find_map(Node::text);
        let function = name.strip_prefix("file.").or(listed.filter(|_| name == "file"));
        let argument = |key: &str| arguments.items().iter().find_map(|argument| argument.get(key));
        let text = |value: &Node| value.text().map(|text| open(&self.template.unmask(text)));
        let whole = match function {
            Some("managed") => false,
            Some("recurse") => true,
            _ => return false,
        };
        let sources: Vec<String> = match argument("source") {
            Some(source) if source.text().is_some() => text(source).into_iter().collect(),
            Some(source) => source.items().iter().filter_map(text).collect(),
            None => Vec::new(),
        };
        let names: Vec<String> = match argument("names") {
            Some(names) => names.items().iter().filter_map(text).collect(),
            None => argument("name").or(Some(self.id)).and_then(text).into_iter().collect(),
        };
        let Some(first) = sources.first() else { return false };
        // The first that exists is taken: of several, one that only a run tells may go first.
        let known = sources.iter().filter(|_| !sources.iter().any(|source| source.contains("{}")));
        let found = known.filter_map(|source| source.strip_prefix("salt://")).find_map(|path| {
            let path = path.split('?').next().unwrap_or(path);
            above(self.file, path, self.world)
        });
        let fits = |source: &Source<'_>| matches!(source, Source::Folder(_)) == whole;
        let source = found.filter(fits).unwrap_or_else(|| Source::Missing(first.clone()));
        for path in names {
            Installed { by: self.file, line: self.line, path }.state(&source, self.world, out);
        }
        true
    }
}
