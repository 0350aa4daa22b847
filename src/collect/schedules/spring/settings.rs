//! Settings of an application that its schedules are filled in from: `application.yml`, `application.properties` and
//! their like in `src/main/resources` (Spring Boot, "Externalized Configuration"). The plain file counts, of a profile
//! only where it says otherwise, which is told. Other trees, the environment and what a configuration server keeps are
//! not looked at: a default behind the name is then what is read.

use crate::collect::schedules::node::{Kind, Node};
use crate::collect::schedules::{World, yaml};
use crate::evidence::scrub::scrub;
use crate::evidence::{Gap, GapCode, Place};
use crate::input::InputFile;
use crate::schedule;
use memchr::memmem;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// How many files of settings are looked at for one file of code.
const MAX_FILES: usize = 60;
/// How large one of them may be, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;
/// Files that say how a folder is built.
const BUILDS: [&str; 5] =
    ["pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"];
/// How many placeholders may stand in each other.
const MAX_DEPTH: usize = 4;
/// How deep names may nest.
const MAX_NAMES: usize = 24;

/// The settings around a file.
pub(in crate::collect::schedules) struct Properties<'w> {
    file: &'w InputFile,
    world: &'w World<'w>,
    gaps: RefCell<Vec<Gap>>,
}

/// A value and the file it stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Set {
    value: String,
    file: String,
}

/// What is set for a name: always, and for profiles.
#[derive(Debug, Default)]
struct Found {
    plain: BTreeSet<Set>,
    profiles: BTreeSet<Set>,
}

impl<'w> Properties<'w> {
    /// Around a file of code.
    pub fn of(file: &'w InputFile, world: &'w World<'w>) -> Properties<'w> {
        Properties { file, world, gaps: RefCell::default() }
    }

    /// A place in the file of code.
    pub fn place(&self, line: u64) -> Place {
        Place::line(&self.file.path, line)
    }

    /// What could not be settled so far.
    pub fn gaps(&self) -> Vec<Gap> {
        self.gaps.take()
    }

    /// A text with `${name}` and `${name:default}` filled in as far as the tree says.
    pub fn fill(&self, text: &str, line: u64) -> String {
        self.filled(text, line, 0)
    }

    fn filled(&self, text: &str, line: u64, depth: usize) -> String {
        let with = |placeholder: &str| {
            let inside = placeholder.strip_prefix("${")?.strip_suffix('}')?;
            let (name, default) = match inside.split_once(':') {
                Some((name, default)) => (name, Some(default)),
                None => (inside, None),
            };
            let value = self.value(name.trim(), line).or_else(|| default.map(str::to_owned))?;
            Some(if depth < MAX_DEPTH { self.filled(&value, line, depth + 1) } else { value })
        };
        schedule::fill(text, &with).into_owned()
    }

    /// What the tree sets a name to.
    fn value(&self, name: &str, line: u64) -> Option<String> {
        if name.is_empty() || schedule::has_placeholder(name) {
            return None;
        }
        // Its own module's settings; else those of the modules that are built together with it.
        let folders = self.folders();
        let mut found = folders.iter().map(|folder| Found::of(&self.settings_below(folder), name));
        let found = found.find(Found::is_any).unwrap_or_default();
        let values: BTreeSet<&str> = found.plain.iter().map(|set| set.value.as_str()).collect();
        let otherwise: Vec<&Set> =
            found.profiles.iter().filter(|set| !values.contains(set.value.as_str())).collect();
        if values.len() > 1 || !otherwise.is_empty() {
            let all = found.plain.iter().chain(otherwise);
            let told: Vec<String> = all.map(|set| format!("{} in {}", set.value, set.file)).take(6).collect();
            let why = format!("{name} is set to {}", told.join(", to "));
            let gap = Gap::new(self.place(line), GapCode::Unresolved, scrub(&why).into_owned());
            self.gaps.borrow_mut().push(gap);
        }
        if values.len() == 1 { values.first().map(|value| (*value).to_owned()) } else { None }
    }

    /// The folders above the file that are built as one, from its module outwards, each with a `/` at its end.
    fn folders(&self) -> Vec<&'w str> {
        let path = &*self.file.path;
        let built = |folder: &&str| {
            BUILDS.iter().any(|build| {
                let build = format!("{folder}{build}");
                self.world.inputs.files.binary_search_by(|file| (*file.path).cmp(&build)).is_ok()
            })
        };
        let module = path.find("src/main/").unwrap_or(0);
        let above = path[..module].rmatch_indices('/').map(|(at, _)| &path[..at + 1]).chain([""]);
        // The module itself counts without a file that says how it is built.
        let mut folders = vec![&path[..module]];
        folders.extend(above.skip_while(|folder| *folder == &path[..module]).take_while(built));
        folders
    }

    /// Files of settings below a folder.
    fn settings_below(&self, folder: &str) -> Vec<&'w InputFile> {
        let files = &self.world.inputs.files;
        let first = files.partition_point(|file| &*file.path < folder);
        let below = files[first..].iter().take_while(|file| file.path.starts_with(folder));
        let found = below.filter(|file| {
            let ending = file.name().rsplit_once('.').map(|(_, ending)| ending);
            matches!(ending, Some("yml" | "yaml" | "properties"))
                && file.size <= MAX_BYTES
                && file.host == self.file.host
                && holds_settings(file)
        });
        found.take(MAX_FILES).collect()
    }
}

/// Whether a file lies where an application finds its settings: directly in `src/main/resources` or a `config` folder
/// of it, or by name.
fn holds_settings(file: &InputFile) -> bool {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if folder.contains("src/test/") {
        return false;
    }
    folder.ends_with("src/main/resources")
        || folder.ends_with("src/main/resources/config")
        || (file.name().starts_with("application") && folder.ends_with("config"))
}

impl Found {
    fn is_any(&self) -> bool {
        !self.plain.is_empty() || !self.profiles.is_empty()
    }

    fn of(files: &[&InputFile], name: &str) -> Found {
        let last = name.rsplit('.').next().unwrap_or(name);
        // In YAML a part of a name may be spelled otherwise; its first letters are not.
        let near = last.split('-').next().unwrap_or(last).as_bytes();
        let mut found = Found::default();
        for file in files {
            let may = memmem::find(&file.head, near).is_some() || file.size > file.head.len() as u64;
            let Some(text) = may.then(|| file.text().ok()).flatten() else { continue };
            let shown = file.path.rsplit('/').next().unwrap_or(&file.path);
            let stem = shown.rsplit_once('.').map_or(shown, |(stem, _)| stem);
            let of_profile = stem.starts_with("application-") || stem.starts_with("bootstrap-");
            for document in documents(shown, &text) {
                let profile = of_profile
                    || ["spring.config.activate.on-profile", "spring.profiles"]
                        .iter()
                        .any(|key| document.contains_key(*key));
                let Some(value) = document.iter().find(|(key, _)| same(key, name)).map(|(_, value)| value)
                else {
                    continue;
                };
                let set = Set { value: value.clone(), file: shown.to_owned() };
                if profile {
                    found.profiles.insert(set)
                } else {
                    found.plain.insert(set)
                };
            }
        }
        found
    }
}

/// Whether a key is the one a placeholder names: `a.b-c` finds `a.bC` too (Spring Boot, "Relaxed binding").
fn same(key: &str, name: &str) -> bool {
    key == name
        || (!name.contains(|c: char| c.is_ascii_uppercase())
            && key.replace(['-', '_'], "").eq_ignore_ascii_case(&name.replace(['-', '_'], "")))
}

/// The settings of each document of a file, by their full names.
fn documents(file: &str, text: &str) -> Vec<BTreeMap<String, String>> {
    if file.ends_with(".properties") {
        return properties(text);
    }
    let read = yaml::read(text);
    read.documents
        .iter()
        .map(|document| {
            let mut out = BTreeMap::new();
            flatten(document, String::new(), 0, &mut out);
            out
        })
        .collect()
}

fn flatten(node: &Node, name: String, depth: usize, out: &mut BTreeMap<String, String>) {
    if depth > MAX_NAMES {
        return;
    }
    match &node.kind {
        Kind::Text(text) => {
            out.insert(name, text.clone());
        }
        Kind::List(_) | Kind::Call(_) => {}
        Kind::Map(entries) => {
            for (key, value) in entries {
                let Some(key) = key.text() else { continue };
                let full = if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
                flatten(value, full, depth + 1, out);
            }
        }
    }
}

/// `name=value`, `name: value`, `name value`; a backslash at the end goes on (java.util.Properties, "load").
fn properties(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut out = vec![BTreeMap::new()];
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if matches!(line, "#---" | "!---") {
            out.push(BTreeMap::new());
        }
        if line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        while whole.ends_with('\\') {
            whole.pop();
            let Some(next) = lines.next() else { break };
            whole.push_str(next.trim());
        }
        let Some(at) = whole.find(['=', ':', ' ']) else { continue };
        let value = whole[at..].trim_start();
        let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim();
        if let Some(last) = out.last_mut() {
            last.insert(whole[..at].to_owned(), value.replace("\\:", ":").replace("\\=", "="));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{documents, same};

    fn shown(file: &str, text: &str) -> Vec<String> {
        let told = documents(file, text).into_iter().enumerate();
        told.flat_map(|(number, it)| {
            it.into_iter().map(move |(name, value)| format!("{number} {name}={value}"))
        })
        .collect()
    }

    #[test]
    fn names_are_those_above_them() {
        assert_eq!(
            shown("a.yml", "job:\n  cron: \"0 0 2 * * *\"\n  list: [1]\njob.off: '-'\n---\nx: 1\n"),
            ["0 job.cron=0 0 2 * * *", "0 job.off=-", "1 x=1"]
        );
        assert_eq!(
            shown("a.properties", "# a=b\na.b = 0 0 2 \\\n  * * *\n#---\nc: d\n"),
            ["0 a.b=0 0 2 * * *", "1 c=d"]
        );
    }

    #[test]
    fn only_a_name_in_dashes_is_looked_for_in_other_spellings() {
        assert!(same("job.cleanUp", "job.clean-up"));
        assert!(!same("job.clean-up", "job.cleanUp"));
        assert!(!same("job.cleanup2", "job.clean-up"));
    }
}
