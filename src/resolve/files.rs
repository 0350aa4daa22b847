//! Which file of the scan a path means: what the host has there, what configuration management installs there, else the
//! file that alone shares the longest suffix of the path. A file that does nothing counts like one that does. It never
//! guesses among several: whoever asks is told that there are several.

use super::names::Names;
use super::runs::elsewhere;
use crate::evidence::{Fact, InputRecord, MentionKind, Says, Text, Use};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The reader that takes nothing but connections out of a file.
const CONNECTIONS: &str = "connections";
/// Endings of templates (Jinja, ERB, EPP): `x.sh.j2` becomes `x.sh` where it is installed.
const TEMPLATES: [&str; 5] = [".j2", ".jinja2", ".jinja", ".erb", ".epp"];
/// Kinds of files that tell when something runs, and are never what runs.
const TABLES: [&str; 4] = ["anacrontab", "at-spool", "crontab-system", "crontab-user"];
/// Folders of settings that are named like the program they are for (Filesystem Hierarchy Standard, `/etc`).
const SETTINGS: [&str; 6] =
    ["logrotate.d/", "etc/default/", "sysconfig/", "sudoers.d/", "rsyslog.d/", "tmpfiles.d/"];
/// Where the programs of a system lie, which are rarely a tree's own.
const SYSTEM: [&str; 4] = ["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"];
/// How many folders below a role a file may lie that shares a name alone with a whole path: `/templates/default/x`.
const DEEP: usize = 3;
/// What stands for what only a run can tell.
const UNKNOWN: &str = "{}";

/// What a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant<'a> {
    /// This file of the scan.
    One(&'a Text),
    /// Any of several.
    Several,
    /// What is installed there comes from this, which the scan was not given.
    From(&'a Text),
    /// None of the scan.
    Nothing,
}

/// A file that configuration management installs.
struct Install<'a> {
    path: &'a str,
    source: &'a Text,
    /// The role, module or cookbook that does so.
    by: Option<&'a str>,
}

/// All files of the scan, as scripts are mentioned: `host:/path`, or the path as shown.
pub(super) struct Files<'a> {
    /// Those that do something or run something.
    acting: BTreeSet<&'a Text>,
    /// What read each; empty: nothing.
    readers: BTreeMap<&'a Text, &'a str>,
    by_name: HashMap<&'a str, BTreeSet<&'a Text>>,
    installed: HashMap<&'a str, Vec<Install<'a>>>,
    /// By file: where it is installed.
    places: HashMap<&'a Text, Vec<&'a str>>,
    names: &'a Names,
}

impl<'a> Files<'a> {
    /// Of all that was read and stated.
    pub fn learn(
        inputs: &'a [InputRecord],
        uses: &'a [Use],
        facts: &[&'a Fact],
        names: &'a Names,
    ) -> Files<'a> {
        let acting = acting(uses, facts);
        let mut readers: BTreeMap<&Text, &str> = BTreeMap::new();
        for input in inputs {
            readers.insert(input.lies.as_ref().unwrap_or(&input.path), &input.kind);
        }
        for script in &acting {
            readers.entry(script).or_insert("script");
        }
        let mut by_name: HashMap<&str, BTreeSet<&Text>> = HashMap::new();
        for file in readers.keys().copied().filter(|file| may_run(file, readers[*file])) {
            for name in [last(file), last(unfolded(file))] {
                by_name.entry(name).or_default().insert(file);
            }
        }
        let mut files =
            Files { acting, readers, by_name, installed: HashMap::new(), places: HashMap::new(), names };
        for fact in facts {
            if let Says::InstalledAt(path) = &fact.says {
                let install = Install { path, source: &fact.about.text, by: role(&fact.place.input) };
                files.places.entry(&fact.about.text).or_default().push(path);
                files.installed.entry(last(path)).or_default().push(install);
            }
        }
        files
    }

    /// What hosts are called.
    pub fn names(&self) -> &'a Names {
        self.names
    }

    /// Whether a file does or runs something.
    pub fn acts(&self, file: &Text) -> bool {
        self.acting.contains(file)
    }

    /// Whether any reader took a file that reads what it does.
    pub fn is_read(&self, file: &Text) -> bool {
        let reads = |kind: &str| !kind.is_empty() && kind != CONNECTIONS;
        self.readers.get(file).is_some_and(|reader| reader.split('+').any(reads))
    }

    /// Whether a path is that of a program of the system, which no scan is expected to have.
    pub fn is_of_system(&self, path: &str) -> bool {
        SYSTEM.iter().any(|folder| path.starts_with(folder))
    }

    /// What a path means that is named in a file of the scan, for something that runs on this host.
    pub fn find(&self, path: &str, host: Option<&str>, named_in: &str) -> Meant<'a> {
        if let Some((there, path)) = elsewhere(path) {
            let own = self.own_files(there, path);
            let declared = self.names.host_or_self(there);
            return if own.is_empty() { self.find(path, Some(&declared), named_in) } else { one_of(&own) };
        }
        let own = host.map(|host| Text::from(format!("{host}:{path}")));
        if let Some((own, _)) = own.and_then(|own| self.readers.get_key_value(&own)) {
            return Meant::One(own);
        }
        match self.installed(path, named_in) {
            Meant::Nothing if self.is_of_system(path) => Meant::Nothing,
            Meant::Nothing => self.by_suffix(path, host, named_in),
            meant => meant,
        }
    }

    /// Whether what a fact says is run is any file of the scan, on whatever host.
    pub fn has(&self, fact: &Fact) -> bool {
        let Says::Runs { script: Some(script), .. } = &fact.says else { return false };
        let host = fact.about.text.split_once(':').map(|(host, _)| host).filter(|host| !host.is_empty());
        self.find(script, host, &fact.place.input) != Meant::Nothing
    }

    /// The file that acts among those a path could mean, where it is the only one.
    pub fn find_acting(&self, path: &str, host: Option<&str>, named_in: &str) -> Option<&'a Text> {
        match self.find(path, host, named_in) {
            Meant::One(file) if self.acts(file) => Some(file),
            _ => None,
        }
    }

    /// What is installed at a path. Where several roles install something there, that of the file which names the path
    /// counts; a folder that only a run can tell is the same one only within a role.
    fn installed(&self, path: &str, named_in: &str) -> Meant<'a> {
        let own = role(named_in);
        let tail = path.rsplit(UNKNOWN).next().unwrap_or(path);
        // What is glued in front of a whole path is a command that runs it: `{}/usr/local/bin/x`.
        let whole = if path.starts_with(UNKNOWN) && tail.matches('/').count() > 1 { tail } else { path };
        let is_it = |install: &&Install<'_>| {
            let here = own.is_some() && install.by == own;
            let open = install.path.contains(UNKNOWN) || path.contains(UNKNOWN);
            install.path == whole
                || (here && open && {
                    let theirs = install.path.rsplit(UNKNOWN).next().unwrap_or(install.path);
                    ends_in(path, theirs) || ends_in(install.path, tail)
                })
        };
        let found: Vec<&Install<'_>> =
            self.installed.get(last(path)).into_iter().flatten().filter(is_it).collect();
        let here: Vec<&Install<'_>> =
            found.iter().copied().filter(|it| own.is_some() && it.by == own).collect();
        let sources: BTreeSet<&Text> =
            if here.is_empty() { found } else { here }.into_iter().map(|install| install.source).collect();
        match sources.into_iter().collect::<Vec<_>>()[..] {
            [] => Meant::Nothing,
            [only] => match self.readers.get_key_value(only) {
                Some((file, _)) => Meant::One(file),
                None => Meant::From(only),
            },
            _ => Meant::Several,
        }
    }

    /// The files that share the longest suffix of a path with any. On a known host a suffix is at least a folder and a
    /// name, because what runs there may be a copy of a tree; a name alone would be a guess. So it is for a whole path
    /// that a role names, unless that role has the file.
    fn by_suffix(&self, path: &str, host: Option<&str>, named_in: &str) -> Meant<'a> {
        let own_role = role(named_in);
        let mut relative = path.rsplit(UNKNOWN).next().unwrap_or(path);
        relative = relative.trim_start_matches("./").trim_start_matches('/');
        let of_host = |file: &&Text| {
            file.split_once(":/").is_none_or(|(theirs, _)| Some(theirs) == host || host.is_none())
        };
        let named = self.by_name.get(last(relative));
        let pool: Vec<&'a Text> = named.into_iter().flatten().copied().filter(of_host).collect();
        loop {
            let fits = |file: &&Text| ends_in(file, relative) || ends_in(unfolded(file), relative);
            let mut found: Vec<&Text> = pool.iter().copied().filter(fits).collect();
            if !relative.contains('/') {
                found.retain(|file| self.may_be_named(file, path, own_role));
            }
            if found.len() > 1 && own_role.is_some() {
                let here: Vec<&Text> = found.iter().copied().filter(|file| role(file) == own_role).collect();
                if here.len() == 1 {
                    return Meant::One(here[0]);
                }
            }
            if !found.is_empty() {
                return one_of(&found);
            }
            match relative.split_once('/') {
                Some((_, rest)) if host.is_none() || rest.contains('/') => relative = rest,
                _ => return Meant::Nothing,
            }
        }
    }

    /// Whether a file can be what a path means that shares only its name: not one that is installed elsewhere, and for a
    /// whole path, or one whose folder nobody can tell, of a role only one of that role.
    fn may_be_named(&self, file: &Text, path: &str, own_role: Option<&str>) -> bool {
        let whole = path.starts_with('/');
        let open = path.contains(UNKNOWN);
        let elsewhere = self.places.get(file).is_some_and(|places| {
            whole && !open && places.iter().all(|place| !place.contains(UNKNOWN) && *place != path)
        });
        let theirs = role(file);
        // A whole path does not mean what lies deep in a role among other things.
        let deep = || theirs.is_some_and(|theirs| file[theirs.len()..].matches('/').count() > DEEP);
        let foreign = (whole || open) && own_role.is_some() && (theirs != own_role || whole && deep());
        !elsewhere && !foreign
    }

    /// What lies at a path of a host, however its files and the command spell that host: its own, or in a folder of its name.
    fn own_files(&self, host: &str, path: &str) -> Vec<&'a Text> {
        if let Some((found, _)) = self.readers.get_key_value(&Text::from(format!("{host}:{path}"))) {
            return vec![found];
        }
        let declared = self.names.host_or_self(host);
        let is_it = |own: &str| own == host || (!own.is_empty() && self.names.host_or_self(own) == declared);
        let there = |file: &&Text| {
            let above = file.strip_suffix(path);
            above.is_some_and(|above| match above.strip_suffix(':') {
                Some(own) => is_it(own),
                None => is_it(above.rsplit('/').next().unwrap_or(above)),
            })
        };
        self.by_name.get(last(path)).into_iter().flatten().copied().filter(there).collect()
    }
}

fn one_of<'a>(found: &[&'a Text]) -> Meant<'a> {
    match found {
        [] => Meant::Nothing,
        [only] => Meant::One(only),
        _ => Meant::Several,
    }
}

/// Every script that does something or runs something.
fn acting<'a>(uses: &'a [Use], facts: &[&'a Fact]) -> BTreeSet<&'a Text> {
    let running = facts.iter().filter(|fact| !matches!(fact.says, Says::InstalledAt(_)));
    let running = running.map(|fact| &fact.about).filter(|about| about.kind == MentionKind::Script);
    let kinds = [MentionKind::Script, MentionKind::Code];
    let doing = uses.iter().flat_map(|it| kinds.map(|kind| it.what.actor.get(kind)).into_iter().flatten());
    running.map(|about| &about.text).chain(doing).collect()
}

/// Whether a file can be one that is run at all.
fn may_run(file: &str, reader: &str) -> bool {
    let table = !reader.is_empty() && reader.split('+').all(|kind| TABLES.contains(&kind));
    let settings = reader.is_empty() && SETTINGS.iter().any(|folder| file.contains(folder));
    !table && !settings
}

/// The last part of a path.
fn last(path: &str) -> &str {
    path.rsplit(['/', ':']).next().unwrap_or(path)
}

/// A path without the ending of a template.
pub(super) fn unfolded(path: &str) -> &str {
    TEMPLATES.iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(path)
}

/// Whether a path ends in another one, part by part.
fn ends_in(path: &str, end: &str) -> bool {
    let end = end.trim_start_matches('/');
    path.strip_suffix(end).is_some_and(|head| head.is_empty() || head.ends_with(['/', ':', '}']))
}

/// The role, module or cookbook that a file belongs to, by the layouts of Ansible, Puppet, Chef and Salt: the folder above
/// its `tasks`, `manifests`, `recipes`, `files` …; of states of Salt, the folder they lie in.
pub(super) fn role(path: &str) -> Option<&str> {
    const GROUPS: [&str; 4] = ["roles/", "modules/", "cookbooks/", "site-cookbooks/"];
    const PARTS: [&str; 11] = [
        "/tasks/",
        "/handlers/",
        "/files/",
        "/templates/",
        "/manifests/",
        "/recipes/",
        "/resources/",
        "/providers/",
        "/definitions/",
        "/defaults/",
        "/vars/",
    ];
    let begins = |at: usize| at == 0 || path.as_bytes()[at - 1] == b'/';
    let group = |group: &&str| path.find(*group).filter(|at| begins(*at)).map(|at| at + group.len());
    if let Some(start) = GROUPS.iter().filter_map(group).min() {
        return path[start..].find('/').map(|end| &path[..start + end]);
    }
    let part = PARTS.iter().filter_map(|part| path.find(part)).min();
    let states = || path.ends_with(".sls").then(|| path.rsplit_once('/').map(|(folder, _)| folder)).flatten();
    part.map(|end| &path[..end]).or_else(states)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_told_by_the_layout_of_its_tool() {
        for (path, told) in [
            ("roles/web/tasks/main.yml", Some("roles/web")),
            ("playbooks/roles/web/files/etc/roles/x", Some("playbooks/roles/web")),
            ("modules/m/manifests/a/b.pp", Some("modules/m")),
            ("cookbooks/c/templates/default/x.erb", Some("cookbooks/c")),
            ("salt/backup/init.sls", Some("salt/backup")),
            ("salt/backup/files/x.sh", Some("salt/backup")),
            ("web/tasks/main.yml", Some("web")),
            ("bin/update.sh", None),
            ("b1:/etc/cron.d/x", None),
        ] {
            assert_eq!(role(path), told, "{path}");
        }
    }

    #[test]
    fn a_path_ends_in_another_by_whole_parts() {
        assert!(ends_in("roles/a/files/x.sh", "files/x.sh") && ends_in("h:/x.sh", "/x.sh"));
        assert!(!ends_in("roles/a/files/xx.sh", "x.sh"));
    }
}
