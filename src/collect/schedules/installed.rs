//! What configuration management puts onto hosts: which file of the tree it installs at which path, stated as facts, so
//! that a job which runs the path is known to run the file. How each tool names its files is for its own reader; here is
//! what they share. It never reads what is installed, and never decides what a path means.

use super::World;
use crate::evidence::scrub::scrub_name;
use crate::evidence::{Basis, Evidence, Fact, Mention, MentionKind, Place, Says, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;

/// How many files of one folder are stated that is installed whole.
const MAX_OF_FOLDER: usize = 1_000;
/// How long a path, or what a file is installed from, may be.
const MAX_PATH: usize = 1024;

/// A text with `{}` for what only a run fills in.
pub(super) fn open(text: &str) -> String {
    schedule::fill(text, &|_| Some("{}".to_owned())).into_owned()
}

/// The last part of a path.
pub(super) fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// Where what is installed comes from.
pub(super) enum Source<'w> {
    /// A file of the tree.
    File(&'w InputFile),
    /// A folder of the tree, as shown, whose files are all installed below the path.
    Folder(String),
    /// Nothing that the scan has, as it is written.
    Missing(String),
}

/// One installation, as a reader of a tool tells it.
pub(super) struct Installed<'a> {
    /// The file that says so.
    pub by: &'a InputFile,
    /// The line.
    pub line: u64,
    /// The path on the hosts; `{}` stands for what only a run fills in.
    pub path: String,
}

impl Installed<'_> {
    /// States it, where the path says anything.
    pub fn state(&self, source: &Source<'_>, world: &World<'_>, out: &mut Evidence) {
        match source {
            Source::File(file) => self.say(&mention(file), &self.path, out),
            Source::Missing(what) => self.say(&Text::from(scrub_name(what)), &self.path, out),
            Source::Folder(folder) => {
                let prefix = format!("{}/", folder.trim_end_matches('/'));
                let files = &world.inputs.files;
                let start = files.partition_point(|file| *file.path < *prefix);
                let inside = files[start..].iter().take_while(|file| file.path.starts_with(&prefix));
                for file in inside.take(MAX_OF_FOLDER) {
                    let below = &file.path[prefix.len()..];
                    self.say(&mention(file), &format!("{}/{below}", self.path.trim_end_matches('/')), out);
                }
            }
        }
    }

    fn say(&self, source: &Text, path: &str, out: &mut Evidence) {
        let path = scrub_name(path);
        // A path of which nothing is known, or not even the name, ties nothing.
        let tells = path.starts_with(['/', '{', 'C']) && !last(&path).contains("{}") && path.len() > 1;
        if !tells || path.len() > MAX_PATH || source.is_empty() || source.len() > MAX_PATH {
            return;
        }
        out.add_fact(Fact {
            about: Mention::new(MentionKind::Script, source.clone()),
            says: Says::InstalledAt(Text::from(path)),
            basis: Basis::Written,
            scope: scope_of(&self.by.path, ""),
            span: None,
            place: Place::line(&self.by.path, self.line),
        });
    }
}

/// A file as scripts are mentioned.
fn mention(file: &InputFile) -> Text {
    match &file.host {
        Some(host) => Text::from(format!("{host}:{}", file.inner)),
        None => file.path.clone(),
    }
}

/// What lies at one of these shown paths, the first that is there: a file, or a folder with files.
pub(super) fn at<'w>(paths: &[String], world: &World<'w>) -> Option<Source<'w>> {
    let files = &world.inputs.files;
    paths.iter().filter(|path| !path.is_empty()).find_map(|path| {
        let path = path.trim_end_matches('/');
        if let Ok(at) = files.binary_search_by(|file| (*file.path).cmp(path)) {
            return Some(Source::File(&files[at]));
        }
        let below = format!("{path}/");
        let first = files.get(files.partition_point(|file| *file.path < *below));
        first.filter(|file| file.path.starts_with(&below)).map(|_| Source::Folder(path.to_owned()))
    })
}

/// The file of the tree whose shown path alone ends in this, which has a folder and a name at least.
pub(super) fn ending<'w>(path: &str, world: &World<'w>) -> Option<Source<'w>> {
    let path = path.trim_start_matches('/');
    if !path.contains('/') || path.contains("{}") {
        return None;
    }
    let suffix = format!("/{path}");
    let mut found =
        world.inputs.files.iter().filter(|file| *file.path == *path || file.path.ends_with(&suffix));
    let only = found.next()?;
    found.next().is_none().then_some(Source::File(only))
}

/// What lies below the folder of a file, or below one above it, at this relative path: the nearest.
pub(super) fn above<'w>(file: &InputFile, path: &str, world: &World<'w>) -> Option<Source<'w>> {
    let path = path.trim_start_matches('/');
    let mut folder: &str = &file.path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        if let Some(found) = at(&[format!("{above}/{path}")], world) {
            return Some(found);
        }
        folder = above;
    }
    at(&[path.to_owned()], world)
}
