//! What tasks of the modules `copy` and `template` put onto hosts (ansible.builtin.copy, ansible.builtin.template; where a
//! file is looked for: "Search paths in Ansible"). What stands on the host already (`remote_src`) is no file of the tree.

use super::super::installed::{Installed, Source, above, at, last, open};
use super::super::{SchedulePlace, World, yaml};
use super::arguments::{Arguments, is_on};
use super::variables::Variables;
use super::{Frame, Task, Tasks, is_list, names_module};
use crate::evidence::{About, Evidence, Provenance};
use crate::input::InputFile;

/// The modules' names.
const MODULES: [&str; 6] = [
    "copy",
    "template",
    "ansible.builtin.copy",
    "ansible.builtin.template",
    "ansible.legacy.copy",
    "ansible.legacy.template",
];
/// Last parts of paths that are folders, whatever stands there.
const FOLDERS: [&str; 8] =
    ["bin", "sbin", "scripts", "libexec", "cron.hourly", "cron.daily", "cron.weekly", "cron.monthly"];

/// Tasks that install files.
pub struct Files;

impl SchedulePlace for Files {
    fn about(&self) -> &'static About {
        &About {
            name: "ansible-files",
            title: "Ansible: the files that tasks of copy and template install",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let head = file.head_text();
        is_list(file, &head) && head.lines().any(|line| names_module(line, &MODULES))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let mut tasks = Tasks { world, modules: &MODULES, found: Vec::new() };
        let role = Variables::of_role(file, world);
        for document in &yaml::read(text).documents {
            tasks.walk(document, &Frame { variables: role.clone(), ..Frame::default() });
        }
        let states = |task: &Task, out: &mut Evidence| match &task.arguments {
            Err(_) => false,
            Ok(arguments) if task.patterns.is_empty() => state(file, task.line, arguments, world, out),
            Ok(arguments) => globbed(file, task, arguments, world, out),
        };
        tasks.found.iter().map(|task| u64::from(states(task, out))).sum()
    }
}

/// Each file that fits a pattern is put into a folder, or where its own name says (`with_fileglob`).
fn globbed(
    file: &InputFile,
    task: &Task,
    arguments: &Arguments,
    world: &World<'_>,
    out: &mut Evidence,
) -> bool {
    let item = arguments.get("src").is_some_and(|src| src.replace(' ', "") == "{{item}}");
    let Some(dest) = arguments.get("dest").map(open).filter(|dest| item && !dest.contains("{}")) else {
        return false;
    };
    for pattern in &task.patterns {
        let Some((folder, name)) = pattern.rsplit_once('/') else { continue };
        let (Source::Folder(folder), Some((before, after))) =
            (source(folder, file, world), name.split_once('*'))
        else {
            continue;
        };
        let prefix = format!("{folder}/");
        let files = &world.inputs.files;
        let inside = files[files.partition_point(|file| *file.path < *prefix)..].iter();
        for found in inside.take_while(|file| file.path.starts_with(&prefix)) {
            let own = &found.path[prefix.len()..];
            let long = own.len() >= before.len() + after.len();
            if long && !own.contains('/') && own.starts_with(before) && own.ends_with(after) {
                let path = format!("{}/{own}", dest.trim_end_matches('/'));
                Installed { by: file, line: task.line, path }.state(&Source::File(found), world, out);
            }
        }
    }
    true
}

fn state(file: &InputFile, line: u64, arguments: &Arguments, world: &World<'_>, out: &mut Evidence) -> bool {
    let (Some(dest), false) = (arguments.get("dest"), arguments.get("remote_src").is_some_and(is_on)) else {
        return false;
    };
    let source = match (arguments.get("src"), arguments.get("content")) {
        (Some(src), _) => source(src, file, world),
        (None, Some(_)) => Source::Missing(format!("a text in {}", file.path)),
        (None, None) => return false,
    };
    let (src, mut path) = (open(arguments.get("src").unwrap_or("")), open(dest));
    let into = path.ends_with('/') || FOLDERS.contains(&last(&path));
    let whole = matches!(source, Source::Folder(_));
    // A folder goes into the other one, its content alone where its path ends in a slash.
    if (into && !whole) || (whole && !src.ends_with('/')) {
        path = format!("{}/{}", path.trim_end_matches('/'), last(&src));
    }
    Installed { by: file, line, path }.state(&source, world, out);
    true
}

/// Where the file lies that a task names.
fn source<'w>(src: &str, file: &InputFile, world: &World<'w>) -> Source<'w> {
    let missing = || Source::Missing(open(src));
    // A folder by a variable of its name: `{{ files }}/x`; that of the playbook by Ansible's own.
    if let Some((variable, rest)) = src.strip_prefix("{{").and_then(|rest| rest.split_once("}}/")) {
        let variable = variable.trim();
        let plain = variable.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !plain || open(rest) != rest {
            return missing();
        }
        let found = match variable {
            "role_path" => role(file).and_then(|role| at(&[format!("{role}/{rest}")], world)),
            "playbook_dir" | "inventory_dir" => above(file, rest, world),
            folder => above(file, &format!("{folder}/{rest}"), world),
        };
        return found.unwrap_or_else(missing);
    }
    if src.starts_with('/') || open(src) != src {
        return missing();
    }
    let own = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let role = role(file);
    let mut paths = Vec::new();
    for folder in role.into_iter().chain([own]) {
        let within = |part: &str| match folder {
            "" => normal(&format!("{part}{src}")),
            _ => normal(&format!("{folder}/{part}{src}")),
        };
        paths.extend(["files/", "templates/", ""].map(within));
    }
    // Tasks that a play includes look beside the play.
    let beside =
        || ["files/", "templates/", ""].iter().find_map(|part| above(file, &format!("{part}{src}"), world));
    let found = at(&paths, world);
    found.or_else(|| if role.is_none() { beside() } else { None }).unwrap_or_else(missing)
}

/// The folder of the role that a file of tasks belongs to.
fn role(file: &InputFile) -> Option<&str> {
    let end = ["/tasks/", "/handlers/"].iter().find_map(|mark| file.path.rfind(mark));
    end.map(|end| &file.path[..end])
}

/// A path without steps that lead nowhere.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if !parts.is_empty() => _ = parts.pop(),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}
