//! Walking the arguments. Evidence folders are walked whole; a `.gitignore` prunes folders and marks files,
//! as git would (gitignore(5)). Symbolic links are not followed, except when an argument is one, so that a
//! loop cannot hold the walk. It never opens anything but heads, `.gitignore` and `etc/hostname`.

use super::{Compression, HEAD_BYTES, InputFile, Inputs, Link, open, reason};
use crate::evidence::{Gap, GapCode, Place, Text};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// How deep folders may be nested below an argument.
pub const MAX_DEPTH: usize = 128;

/// A named argument that cannot be scanned.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct WalkError {
    /// The argument as typed.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

struct Found {
    shown: String,
    real: PathBuf,
    ignored: bool,
    named: bool,
}

/// The name each argument's files are shown under: none for a single folder, its last component when there
/// are several, the argument as typed when two would look alike.
fn prefixes(paths: &[PathBuf]) -> Vec<String> {
    let last = |path: &Path| {
        let canonical = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        canonical.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let names: Vec<String> = paths.iter().map(|path| last(path)).collect();
    let several = paths.len() > 1;
    let prefix = |(index, name): (usize, &String)| {
        let alike = names.iter().enumerate().any(|(other, n)| other != index && n == name);
        match (paths[index].is_dir(), several, alike) {
            (true, false, _) => String::new(),
            (_, _, true) => paths[index].to_string_lossy().into_owned(),
            _ => name.clone(),
        }
    };
    names.iter().enumerate().map(prefix).collect()
}

/// The `.gitignore` matchers from the argument's folder down, made once per folder.
struct Ignores {
    made: HashMap<PathBuf, Option<Gitignore>>,
}

impl Ignores {
    fn of(&mut self, folder: &Path) -> Option<&Gitignore> {
        self.made
            .entry(folder.to_path_buf())
            .or_insert_with(|| {
                let file = folder.join(".gitignore");
                if !file.is_file() {
                    return None;
                }
                let mut builder = GitignoreBuilder::new(folder);
                // A line that is no valid pattern is left out by git as well.
                let _ = builder.add(file);
                builder.build().ok()
            })
            .as_ref()
    }

    /// Whether the nearest `.gitignore` that has an opinion says to leave the path out.
    fn ignored(&mut self, top: &Path, path: &Path, is_folder: bool) -> bool {
        for folder in path.ancestors().skip(1) {
            if let Some(matcher) = self.of(folder) {
                let verdict = matcher.matched(path, is_folder);
                if !verdict.is_none() {
                    return verdict.is_ignore();
                }
            }
            if folder == top {
                break;
            }
        }
        false
    }
}

fn walk_folder(top: &Path, prefix: &str, found: &mut Vec<Found>, inputs: &mut Inputs) {
    let shown = |path: &Path| {
        let relative = path.strip_prefix(top).unwrap_or(path).to_string_lossy().into_owned();
        match (prefix.is_empty(), relative.is_empty()) {
            (true, _) => relative,
            (false, true) => prefix.to_owned(),
            (false, false) => format!("{}/{relative}", prefix.trim_end_matches('/')),
        }
    };
    let mut ignores = Ignores { made: HashMap::new() };
    let mut walker = WalkDir::new(top).sort_by_file_name().max_depth(MAX_DEPTH).into_iter();
    while let Some(entry) = walker.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let at = error.path().map_or_else(|| prefix.to_owned(), shown);
                let why = error.io_error().map_or_else(|| "cannot be walked".to_owned(), reason);
                inputs.gaps.push(Gap::new(Place::whole(&Text::from(at)), GapCode::Unreadable, why));
                continue;
            }
        };
        let kind = entry.file_type();
        let ignored = entry.depth() > 0 && ignores.ignored(top, entry.path(), kind.is_dir());
        if kind.is_dir() {
            if entry.depth() > 0 && entry.file_name() == ".git" {
                walker.skip_current_dir();
            } else if ignored {
                let why = "left out by .gitignore; name it as an argument to scan it".to_owned();
                inputs.skipped.push((Text::from(shown(entry.path())), why));
                walker.skip_current_dir();
            } else if entry.depth() == MAX_DEPTH {
                let place = Place::whole(&Text::from(shown(entry.path())));
                inputs.gaps.push(Gap::new(place, GapCode::Limit, "MAX_DEPTH: folders below are not read"));
            }
        } else if kind.is_file() {
            found.push(Found {
                shown: shown(entry.path()),
                real: entry.path().to_path_buf(),
                ignored,
                named: false,
            });
        } else {
            let why =
                if kind.is_symlink() { "a symbolic link is not followed" } else { "not a regular file" };
            if let Ok(target) = fs::read_link(entry.path()) {
                let (inner, target) = (Text::from(shown(entry.path())), target.to_string_lossy());
                inputs.links.push(Link { host: None, inner, target: Text::from(target.as_ref()) });
            }
            inputs.skipped.push((Text::from(shown(entry.path())), why.to_owned()));
        }
    }
}

/// What marks the folder above it as the root of a host's file system.
const HOST_MARKS: [&str; 15] = [
    "etc/crontab",
    "etc/anacrontab",
    "etc/systemd/system/",
    "usr/lib/systemd/system/",
    "etc/cron.d/",
    "etc/cron.hourly/",
    "etc/cron.daily/",
    "etc/cron.weekly/",
    "etc/cron.monthly/",
    "etc/hosts",
    "etc/hostname",
    "etc/timezone",
    "etc/os-release",
    "var/spool/cron/",
    "Windows/System32/Tasks/",
];

/// The roots of host file systems among the paths shown: root prefix (with a closing slash, or empty).
fn host_roots(found: &[Found]) -> BTreeSet<String> {
    let mut roots = BTreeSet::new();
    for file in found {
        for mark in HOST_MARKS {
            for (at, _) in file.shown.match_indices(mark) {
                let whole = mark.ends_with('/') || at + mark.len() == file.shown.len();
                if whole && (at == 0 || file.shown.as_bytes()[at - 1] == b'/') {
                    roots.insert(file.shown[..at].to_owned());
                }
            }
        }
    }
    roots
}

/// Folders of source trees that hold what is copied onto many hosts, and are no host's name.
const FOLDERS_OF_TREES: [&str; 5] = ["files", "templates", "rootfs", "overlay", "static"];

/// The name of the host at a root: what its `etc/hostname` says, else the folder's name.
fn host_name(root: &str, found: &[Found], paths: &[PathBuf]) -> Option<Text> {
    let file = format!("{root}etc/hostname");
    let stated = found.iter().find(|f| f.shown == file).and_then(|f| fs::read_to_string(&f.real).ok());
    if let Some(name) = stated.as_deref().map(str::trim).filter(|name| !name.is_empty() && name.len() < 254) {
        return Some(Text::from(name.split('.').next().unwrap_or(name)));
    }
    if let Some(folder) = root.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty()) {
        return Some(folder).filter(|name| !FOLDERS_OF_TREES.contains(name)).map(Text::from);
    }
    let canonical = paths.first().and_then(|path| fs::canonicalize(path).ok())?;
    canonical.file_name().map(|name| Text::from(name.to_string_lossy()))
}

/// The host a path lies on and its path there.
fn place_on_host(shown: &str, hosts: &BTreeMap<String, Option<Text>>) -> (Option<Text>, Text) {
    match hosts.iter().rev().find(|(root, _)| shown.starts_with(root.as_str())) {
        Some((root, name)) => (name.clone(), Text::from(format!("/{}", &shown[root.len()..]))),
        None => (None, Text::from(shown)),
    }
}

fn look(found: &Found, hosts: &BTreeMap<String, Option<Text>>) -> Result<InputFile, Gap> {
    let path = Text::from(found.shown.as_str());
    let failed = |error: std::io::Error| {
        Gap::new(Place::whole(&path), GapCode::Unreadable, format!("cannot be read: {}", reason(&error)))
    };
    let size = fs::metadata(&found.real).map_err(failed)?.len();
    let (compression, head) = open::head(&found.real, size, HEAD_BYTES).map_err(failed)?;
    let (host, inner) = place_on_host(&found.shown, hosts);
    Ok(InputFile {
        path,
        real: found.real.clone(),
        size,
        ignored: found.ignored,
        host,
        inner,
        compression,
        forced: None,
        named: found.named,
        head: head.into(),
    })
}

/// Applies what a person said of paths: the most exact path holds.
fn force(files: &mut [InputFile], kinds: &[(String, PathBuf)]) {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let mut kinds: Vec<(&str, PathBuf)> =
        kinds.iter().map(|(kind, path)| (kind.as_str(), real(path))).collect();
    kinds.sort_by_key(|(_, path)| path.components().count());
    for file in files.iter_mut().filter(|_| !kinds.is_empty()) {
        let whole = real(&file.real);
        for (kind, path) in kinds.iter().filter(|(_, path)| whole.starts_with(path)) {
            match kind.strip_prefix("host:") {
                Some(host) => {
                    let inner = whole.strip_prefix(path).unwrap_or(&whole).to_string_lossy();
                    file.host = Some(Text::from(host));
                    file.inner = Text::from(format!("/{inner}"));
                }
                None => file.forced = Some(Text::from(*kind)),
            }
        }
    }
}

/// How the files of configuration management end.
const WRITTEN: [&str; 11] =
    [".yml", ".yaml", ".pp", ".rb", ".tf", ".sls", ".j2", ".erb", ".epp", ".cron", ".timer"];

/// Files with the same content as an earlier one are skipped, so that a copy of a log counts once.
fn drop_copies(inputs: &mut Inputs) {
    let mut sizes: HashMap<u64, usize> = HashMap::new();
    for file in &inputs.files {
        *sizes.entry(file.size).or_default() += 1;
    }
    let digest = |file: &InputFile| {
        let mut hasher = blake3::Hasher::new();
        let mut reader = fs::File::open(&file.real).ok()?;
        std::io::copy(&mut reader, &mut hasher).ok()?;
        Some(*hasher.finalize().as_bytes())
    };
    let expanded = |file: &InputFile| {
        let mut hasher = blake3::Hasher::new();
        std::io::copy(&mut file.open().ok()?, &mut hasher).ok()?;
        Some(*hasher.finalize().as_bytes())
    };
    let paths: HashMap<&str, &InputFile> = inputs.files.iter().map(|file| (&*file.path, file)).collect();
    // A log beside its own compressed copy: whoever compressed it kept both.
    let beside = |file: &InputFile| {
        let (stem, _) = file.path.rsplit_once('.').filter(|_| file.compression != Compression::None)?;
        let plain = paths.get(stem).filter(|plain| plain.compression == Compression::None)?;
        (expanded(file)? == digest(plain)?).then(|| plain.path.clone())
    };
    let compressed: Vec<Option<Text>> = inputs.files.par_iter().map(beside).collect();
    // Small files repeat for good reasons (an empty `__init__.py`, one crontab on two hosts); only an
    // evidence-sized file of one host that occurs twice is a copy.
    // Configuration management repeats a role for each version of a product: each of them is its own.
    let written = |file: &InputFile| WRITTEN.iter().any(|ending| file.name().ends_with(ending));
    let worth = |file: &InputFile| file.size >= 512 && sizes[&file.size] > 1 && !written(file);
    let digests: Vec<Option<[u8; 32]>> =
        inputs.files.par_iter().map(|file| if worth(file) { digest(file) } else { None }).collect();
    let mut seen: HashMap<([u8; 32], Option<Text>), Text> = HashMap::new();
    let mut kept = Vec::with_capacity(inputs.files.len());
    let told = std::mem::take(&mut inputs.files).into_iter().zip(digests).zip(compressed);
    for ((file, digest), beside) in told {
        let first = beside.or_else(|| {
            let digest = digest?;
            let key = (digest, file.host.clone());
            let earlier = seen.get(&key).cloned();
            if earlier.is_none() {
                seen.insert(key, file.path.clone());
            }
            earlier
        });
        match first {
            Some(first) => inputs.skipped.push((file.path.clone(), format!("same as {first}"))),
            None => kept.push(file),
        }
    }
    inputs.files = kept;
}

/// How the files of a walk are shown beyond what its arguments say.
#[derive(Default)]
pub struct Shown<'a> {
    /// A folder that all of them are shown under; empty: none.
    pub under: &'a str,
    /// A settings file beside the arguments: shown by its name, it changes nothing of how they are shown.
    pub settings: Option<&'a Path>,
}

impl Shown<'_> {
    fn prefix(&self, prefix: String) -> String {
        match (self.under.trim_matches('/'), prefix.as_str()) {
            ("", _) => prefix,
            (under, "") => under.to_owned(),
            (under, prefix) => format!("{under}/{}", prefix.trim_start_matches('/')),
        }
    }

    /// The settings file: by its name, or as it was typed where another file has that name.
    fn beside(&self, found: &[Found]) -> Option<Found> {
        let path = self.settings?;
        let name = path.file_name()?.to_string_lossy().into_owned();
        let taken = found.iter().any(|file| file.shown == name);
        let shown = if taken { path.to_string_lossy().into_owned() } else { name };
        Some(Found { shown, real: path.to_path_buf(), ignored: false, named: false })
    }
}

/// Walks the arguments and reads every file's head. An argument that does not exist or cannot be opened is
/// an error per argument, beside what the others gave. `kinds` names the reader of the files at or below a
/// path, or their host as `host:NAME`.
pub fn walk(paths: &[PathBuf], kinds: &[(String, PathBuf)]) -> (Inputs, Vec<WalkError>) {
    walk_as(paths, kinds, &Shown::default())
}

/// [`walk`], with the files shown as stated.
pub fn walk_as(
    paths: &[PathBuf],
    kinds: &[(String, PathBuf)],
    shown: &Shown<'_>,
) -> (Inputs, Vec<WalkError>) {
    let mut inputs = Inputs::default();
    let mut errors = Vec::new();
    let mut found = Vec::new();
    let prefixes = prefixes(paths).into_iter().map(|prefix| shown.prefix(prefix));
    for (path, prefix) in paths.iter().zip(prefixes) {
        let fail = |reason: String| WalkError { path: path.to_string_lossy().into_owned(), reason };
        match fs::metadata(path) {
            Err(error) => errors.push(fail(reason(&error))),
            Ok(meta) if meta.is_dir() => match fs::read_dir(path) {
                Err(error) => errors.push(fail(reason(&error))),
                Ok(_) => walk_folder(path, &prefix, &mut found, &mut inputs),
            },
            Ok(meta) if meta.is_file() => match fs::File::open(path) {
                Err(error) => errors.push(fail(reason(&error))),
                Ok(_) => found.push(Found { shown: prefix, real: path.clone(), ignored: false, named: true }),
            },
            Ok(_) => errors.push(fail("neither a file nor a folder".to_owned())),
        }
    }
    found.extend(shown.beside(&found));
    found.sort_by(|a, b| a.shown.cmp(&b.shown).then_with(|| a.real.cmp(&b.real)));
    found.dedup_by(|a, b| a.shown == b.shown && a.real == b.real);
    let hosts: BTreeMap<String, Option<Text>> =
        host_roots(&found).into_iter().map(|root| (root.clone(), host_name(&root, &found, paths))).collect();
    for outcome in found.par_iter().map(|file| look(file, &hosts)).collect::<Vec<_>>() {
        match outcome {
            Ok(file) => inputs.files.push(file),
            Err(gap) => inputs.gaps.push(gap),
        }
    }
    for link in &mut inputs.links {
        (link.host, link.inner) = place_on_host(&link.inner, &hosts);
    }
    inputs.links.sort_by(|a, b| (&a.host, &a.inner).cmp(&(&b.host, &b.inner)));
    force(&mut inputs.files, kinds);
    drop_copies(&mut inputs);
    inputs.skipped.sort();
    inputs.gaps.sort();
    (inputs, errors)
}
