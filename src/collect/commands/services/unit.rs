//! Unit files of systemd: their syntax (systemd.syntax(7)), which of several files holds, and the drop-ins over it
//! (systemd.unit(5)). It never says what a setting means.

use crate::evidence::Text;
use crate::input::{InputFile, Inputs};
use std::collections::BTreeMap;

/// Where units lie, the most important folder first.
const SYSTEM_FOLDERS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// Where units of users' own managers lie, behind the folder in a user's home.
const USER_FOLDERS: [&str; 4] =
    ["/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"];
/// Endings of templates, from which the unit is made elsewhere.
const TEMPLATE_ENDINGS: [&str; 9] =
    [".j2", ".jinja2", ".jinja", ".erb", ".epp", ".tmpl", ".tpl", ".template", ".in"];
/// How many dashes of a unit's name are looked at for drop-ins over its prefixes.
const MAX_PREFIXES: usize = 16;
/// How many drop-ins over one unit are read.
const MAX_DROP_INS: usize = 64;

/// One assignment.
pub struct Setting<'w> {
    /// The section it stands in, without brackets.
    pub section: String,
    /// Its name.
    pub key: String,
    /// What it is set to, continued lines joined.
    pub value: String,
    /// The file it stands in.
    pub file: &'w InputFile,
    /// Its first line, counted from 1.
    pub line: u64,
}

/// A unit with its drop-ins.
pub struct Unit<'w> {
    settings: Vec<Setting<'w>>,
}

/// What a unit's name finds.
pub enum Found<'w> {
    /// This file.
    File(&'w InputFile),
    /// It is masked: an empty file, or a link to /dev/null.
    Masked,
    /// The scan has no such unit.
    Missing,
}

/// The unit's name that a file has, without what marks it as a template.
pub fn unit_name(file: &InputFile) -> &str {
    let name = file.name();
    TEMPLATE_ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// The folder a file lies in.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The settings of one text.
fn parse<'w>(file: &'w InputFile, text: &str) -> Vec<Setting<'w>> {
    let mut settings = Vec::new();
    let mut section = String::new();
    let mut open: Option<(u64, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        // A comment between continued lines is left out, an empty line outside of them as well.
        if trimmed.starts_with(['#', ';']) || (trimmed.is_empty() && open.is_none()) {
            continue;
        }
        let (number, mut whole) = open.take().unwrap_or((index as u64 + 1, String::new()));
        match trimmed.strip_suffix('\\') {
            Some(part) => {
                whole.push_str(part);
                whole.push(' ');
                open = Some((number, whole));
                continue;
            }
            None => whole.push_str(trimmed),
        }
        if let Some(name) = whole.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, value)) = whole.split_once('=') {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            settings.push(Setting { section: section.clone(), key, value, file, line: number });
        }
    }
    settings
}

impl<'w> Unit<'w> {
    /// Of a unit's file, if it has one, and the drop-ins over it, read in order.
    pub fn read(file: Option<&'w InputFile>, drop_ins: &[&'w InputFile]) -> Unit<'w> {
        let files = file.into_iter().chain(drop_ins.iter().copied());
        // A file that cannot be read has its own gap, which the family states.
        let settings = files.filter_map(|file| Some(parse(file, &file.text().ok()?))).flatten().collect();
        Unit { settings }
    }

    /// Of a unit's text, which stands in this file.
    pub fn of_text(file: &'w InputFile, text: &str) -> Unit<'w> {
        Unit { settings: parse(file, text) }
    }

    /// The settings of a section in order.
    pub fn section<'s>(&'s self, section: &str) -> impl Iterator<Item = &'s Setting<'w>> {
        self.settings.iter().filter(move |setting| setting.section == section)
    }

    /// A list of settings: an empty one takes back what stands before it.
    pub fn list<'s>(&'s self, section: &str, key: &str) -> Vec<&'s Setting<'w>> {
        let mut list = Vec::new();
        for setting in self.section(section).filter(|setting| setting.key == key) {
            if setting.value.is_empty() {
                list.clear();
            } else {
                list.push(setting);
            }
        }
        list
    }

    /// The last value of a setting, if it is not taken back.
    pub fn last<'s>(&'s self, section: &str, key: &str) -> Option<&'s str> {
        let last = self.section(section).filter(|setting| setting.key == key).last()?;
        Some(last.value.as_str()).filter(|value| !value.is_empty())
    }
}

/// `foo@bar.timer` as `foo@.timer`, and `bar`.
pub fn instance(name: &str) -> Option<(String, &str)> {
    let (prefix, rest) = name.split_once('@')?;
    let (instance, kind) = rest.rsplit_once('.')?;
    Some((format!("{prefix}@.{kind}"), instance))
}

/// The units of one manager, seen from one of its files.
pub struct Units<'w> {
    inputs: &'w Inputs,
    near: Near,
}

/// From where units are looked for.
struct Near {
    host: Option<Text>,
    /// The path on the host.
    inner: Text,
    path: Text,
}

impl<'w> Units<'w> {
    /// Those among which a file stands.
    pub fn around(inputs: &'w Inputs, near: &InputFile) -> Units<'w> {
        let (host, inner, path) = (near.host.clone(), near.inner.clone(), near.path.clone());
        Units { inputs, near: Near { host, inner, path } }
    }

    /// Those of a host's own manager; without a host, those of the tree that holds this path.
    pub fn of(inputs: &'w Inputs, host: Option<&Text>, path: &Text) -> Units<'w> {
        let inner = match host {
            Some(_) => Text::from(format!("{}/-", SYSTEM_FOLDERS[0])),
            None => path.clone(),
        };
        Units { inputs, near: Near { host: host.cloned(), inner, path: path.clone() } }
    }

    /// The folders of the manager on a host, the most important first.
    fn folders(&self) -> Vec<String> {
        let inner = &*self.near.inner;
        match inner.split_once("/systemd/user/") {
            None => SYSTEM_FOLDERS.map(str::to_owned).to_vec(),
            Some((above, _)) => {
                let own = Some(format!("{above}/systemd/user")).filter(|own| !USER_FOLDERS.contains(&&**own));
                own.into_iter().chain(USER_FOLDERS.map(str::to_owned)).collect()
            }
        }
    }

    /// Whether the file lies where a manager looks for units, and not in a folder of links or a source tree.
    pub fn placed(&self) -> bool {
        self.near.host.is_some() && self.folders().iter().any(|own| own == folder(&self.near.inner))
    }

    /// The file of a unit; of an instance without a file of its own, that of its template.
    pub fn find(&self, name: &str) -> Found<'w> {
        let found = if self.placed() { self.on_host(name) } else { self.in_tree(name) };
        match (found, instance(name)) {
            (Found::Missing, Some((template, _))) if template != name => {
                if self.placed() {
                    self.on_host(&template)
                } else {
                    self.in_tree(&template)
                }
            }
            (found, _) => found,
        }
    }

    fn at(&self, path: &str) -> Option<&'w InputFile> {
        let host = &self.near.host;
        self.inputs.files.iter().find(|file| file.host == *host && &*file.inner == path)
    }

    /// What a link on the host leads to.
    fn link(&self, path: &str) -> Option<&'w str> {
        let host = &self.near.host;
        self.inputs.links.iter().find(|it| it.host == *host && &*it.inner == path).map(|it| &*it.target)
    }

    fn on_host(&self, name: &str) -> Found<'w> {
        for folder in self.folders() {
            let path = format!("{folder}/{name}");
            match (self.at(&path), self.link(&path)) {
                (Some(file), _) if file.size == 0 => return Found::Masked,
                (Some(file), _) => return Found::File(file),
                (None, Some("/dev/null")) => return Found::Masked,
                (None, Some(target)) => {
                    let target = if target.starts_with('/') {
                        target.to_owned()
                    } else {
                        format!("{folder}/{target}")
                    };
                    if let Some(file) = self.at(&target) {
                        return Found::File(file);
                    }
                }
                (None, None) => {}
            }
        }
        Found::Missing
    }

    /// In a source tree: beside the file, else the one that shares most of its path.
    fn in_tree(&self, name: &str) -> Found<'w> {
        let shared = |file: &InputFile| {
            let parts = folder(&file.path).split('/').zip(folder(&self.near.path).split('/'));
            parts.take_while(|(one, other)| one == other).count()
        };
        let named =
            |file: &&&InputFile| unit_name(file) == name && file.host == self.near.host && file.size > 0;
        let beside = |file: &&&InputFile| folder(&file.path) == folder(&self.near.path);
        let candidates: Vec<&InputFile> = self.inputs.files.iter().collect();
        if let Some(file) = candidates.iter().filter(named).find(beside) {
            return Found::File(file);
        }
        let mut candidates: Vec<(usize, &InputFile)> =
            candidates.iter().filter(named).map(|file| (shared(file), *file)).collect();
        candidates.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.path.cmp(&b.1.path)));
        match candidates[..] {
            [(_, only)] => Found::File(only),
            [(best, first), (second, _), ..] if best > second && best > 0 => Found::File(first),
            _ => Found::Missing,
        }
    }

    /// The drop-ins over a unit in the order in which they are read: by file name, whatever folder they lie in.
    pub fn drop_ins(&self, name: &str, file: Option<&'w InputFile>) -> Vec<&'w InputFile> {
        let folders = if self.placed() {
            self.folders()
        } else {
            vec![folder(file.map_or(&self.near.path, |file| &file.path)).to_owned()]
        };
        let mut by_name: BTreeMap<&str, Option<&'w InputFile>> = BTreeMap::new();
        for own in drop_in_folders(name) {
            for above in &folders {
                let prefix = if above.is_empty() { format!("{own}/") } else { format!("{above}/{own}/") };
                let path = |file: &'w InputFile| if self.placed() { &*file.inner } else { &*file.path };
                for file in self.inputs.files.iter().filter(|file| file.host == self.near.host) {
                    let Some(rest) = path(file).strip_prefix(&*prefix) else { continue };
                    if rest.ends_with(".conf") && !rest.contains('/') {
                        by_name.entry(rest).or_insert(Some(file).filter(|file| file.size > 0));
                    }
                }
                for link in self.inputs.links.iter().filter(|link| link.host == self.near.host) {
                    let Some(rest) = link.inner.strip_prefix(&*prefix) else { continue };
                    if &*link.target == "/dev/null" {
                        by_name.entry(rest).or_insert(None);
                    }
                }
            }
        }
        by_name.into_values().flatten().take(MAX_DROP_INS).collect()
    }

    /// The names of the units of a kind that links on the host start with others (`x.target.wants/NAME`); in a copy that
    /// followed links they are files.
    pub fn wanted(&self, kind: &str) -> Vec<&'w str> {
        let here = |inner: &&str| {
            let above = folder(inner);
            let wants =
                above.ends_with(".wants") || above.ends_with(".requires") || above.ends_with(".upholds");
            inner.ends_with(kind) && wants && self.folders().iter().any(|own| own == folder(above))
        };
        let links = self.inputs.links.iter().filter(|link| link.host == self.near.host);
        let links = links.filter(|link| &*link.target != "/dev/null").map(|link| &*link.inner);
        let files = self.inputs.files.iter().filter(|file| file.host == self.near.host && file.size > 0);
        let all = links.chain(files.map(|file| &*file.inner)).filter(here);
        all.filter_map(|inner| inner.rsplit('/').next()).collect()
    }

    /// Whether another unit of the host starts this one.
    pub fn is_started_by_another(&self, name: &str) -> bool {
        const STARTS: [&str; 8] =
            ["Wants", "Requires", "Upholds", "BindsTo", "Requisite", "OnSuccess", "OnFailure", "Also"];
        let folders = self.folders();
        let units = self.inputs.files.iter().filter(|file| {
            let own = file.inner.as_ref();
            file.host == self.near.host && folders.iter().any(|folder| own.starts_with(folder.as_str()))
        });
        let mut texts =
            units.filter(|file| unit_name(file) != name).filter_map(|file| Some((file, file.text().ok()?)));
        texts.any(|(file, text)| {
            let names = |value: &str| value.split_whitespace().any(|word| word == name);
            text.contains(name)
                && parse(file, &text).iter().any(|it| STARTS.contains(&it.key.as_str()) && names(&it.value))
        })
    }

    /// The names of a template's instances that links on the host have.
    pub fn instances(&self, template: &str) -> Vec<String> {
        let links = self.inputs.links.iter().filter(|link| link.host == self.near.host);
        let names = links.filter_map(|link| {
            let name = link.inner.rsplit('/').next()?;
            let (of, instance) = instance(name)?;
            let masked = &*link.target == "/dev/null";
            (of == template && !instance.is_empty() && !masked).then(|| name.to_owned())
        });
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The folders that hold drop-ins for a unit, its own first: of its template, of its prefixes up to each dash, and
/// of all units of its kind.
fn drop_in_folders(name: &str) -> Vec<String> {
    let mut folders = vec![format!("{name}.d")];
    let own = instance(name).map(|(template, _)| template).filter(|template| template != name);
    folders.extend(own.map(|template| format!("{template}.d")));
    if let Some((stem, kind)) = name.rsplit_once('.') {
        let dashes = stem.match_indices('-').map(|(at, _)| at).rev().take(MAX_PREFIXES);
        folders.extend(dashes.map(|at| format!("{}-.{kind}.d", &stem[..at])));
        folders.push(format!("{kind}.d"));
    }
    folders
}
