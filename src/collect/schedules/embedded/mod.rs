//! Crontabs inside of other text: a file that a YAML document writes (`path: /etc/cron.d/x` with its content, as
//! cloud-init, Ansible's `copy`, Salt and container templates have it), and lines that a shell script or a Dockerfile
//! puts into `/etc/cron.d` or into `crontab`. Only text that stands there is read; what a script computes is not.

mod script;

use super::crontab::Table;
use super::crontab_host::Cron;
use super::node::Node;
use super::{SchedulePlace, World, yaml};
use crate::evidence::{About, Evidence, Provenance, Text};
use crate::input::{InputFile, scope_of};

pub use script::ScriptedCrontab;

/// YAML that writes crontabs.
pub struct YamlCrontab;

/// What a map calls the file it writes, and what it calls its content.
const PATHS: [&str; 6] = ["path", "dest", "destination", "name", "filename", "file"];
const CONTENTS: [&str; 4] = ["content", "contents", "block", "inline"];

impl SchedulePlace for YamlCrontab {
    fn about(&self) -> &'static About {
        &About {
            name: "yaml-crontab",
            title: "crontabs that YAML writes: cloud-init, copy, container templates",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let name = file.name().trim_end_matches(".erb").trim_end_matches(".j2");
        let yaml = [".yml", ".yaml", ".sls", ".cfg"].iter().any(|ending| name.ends_with(ending));
        yaml && writes(&file.head_text())
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        // What a template breaks as YAML is another reader's to tell.
        yaml::read(text).documents.iter().map(|document| in_yaml(document, file, world, out)).sum()
    }
}

/// Whether a text names a crontab and a content.
pub(super) fn writes(head: &str) -> bool {
    let target = ["/etc/cron.d/", "/etc/crontab", "var/spool/cron/"].iter().any(|path| head.contains(path));
    target && CONTENTS.iter().any(|key| head.contains(&format!("{key}:")))
}

/// The crontabs that a value writes, in all its parts; how deep is bounded by the YAML.
pub(super) fn in_yaml(value: &Node, file: &InputFile, world: &World<'_>, out: &mut Evidence) -> u64 {
    // Salt gives arguments as a list of maps of one entry.
    let of = |key: &str| value.get(key).or_else(|| value.items().iter().find_map(|item| one(item)?.get(key)));
    let path = PATHS.iter().filter_map(|key| of(key)?.text()).find_map(target);
    let content = CONTENTS.iter().find_map(|key| of(key).filter(|it| it.text().is_some()));
    let mut jobs = 0;
    if let (Some(target), Some(content)) = (path, content) {
        jobs += target.table(file, world, content.line).read(content.text().unwrap_or(""), out);
    }
    let inside = value.items().iter().chain(value.entries().iter().map(|(_, value)| value));
    jobs + inside.map(|value| in_yaml(value, file, world, out)).sum::<u64>()
}

/// A map of one entry.
fn one(value: &Node) -> Option<&Node> {
    (value.entries().len() == 1).then_some(value)
}

/// A crontab by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    user_column: bool,
    account: Option<String>,
}

impl Target {
    fn table<'a>(&self, file: &'a InputFile, world: &'a World<'a>, first_line: u64) -> Table<'a> {
        let cron = if self.user_column { Cron::of_system(file, world) } else { Cron::of_user(file, world) };
        Table {
            file,
            world,
            cron,
            host: file.host.clone(),
            user_column: self.user_column,
            account: self.account.as_deref().map(Text::from),
            template: true,
            first_line,
            use_of: None,
            scope: scope_of(&file.path, ""),
        }
    }
}

/// What kind of crontab lies at a path.
fn target(path: &str) -> Option<Target> {
    if path == "/etc/crontab" || path.contains("/etc/cron.d/") {
        return Some(Target { user_column: true, account: None });
    }
    let owner = path.split_once("/var/spool/cron/").map(|(_, rest)| rest.trim_start_matches("crontabs/"))?;
    let plain = !owner.is_empty() && owner.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    Some(Target { user_column: false, account: plain.then(|| owner.to_owned()) })
}
