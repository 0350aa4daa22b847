//! Components of source trees and containers: which consumer a folder or a compose service is. It never joins
//! two folders because they look alike.

use super::EntityId;
use super::consumers::Book;
use super::files::role;
use super::jobs::JobLine;
use super::names::Names;
use crate::evidence::{Basis, Fact, Mention, MentionKind, Says, Scope, Text, Use};
use std::collections::{BTreeMap, BTreeSet};

/// Who runs files of a component.
enum Runner<'a> {
    /// One job alone.
    One(&'a JobLine<'a>),
    /// More than one.
    Several,
}

/// The last part of a folder's path that says what it is about.
fn telling_name(folder: &str) -> &str {
    const GENERIC: [&str; 12] =
        ["etc", "conf", "config", "settings", "src", "app", "bin", "lib", "sql", "scripts", "opt", "current"];
    let last = folder.rsplit('/').next().unwrap_or(folder);
    folder.rsplit('/').find(|part| !GENERIC.contains(part)).unwrap_or(last)
}

/// Endings of files that a program is told things by. What such a file says, all of its folder may go by.
const TOLD_BY: [&str; 11] =
    ["env", "properties", "yml", "yaml", "json", "toml", "ini", "cfg", "conf", "config", "xml"];
/// Endings of code that sees the rest of its package without naming it: what of it a job takes in, no import tells.
const PACKAGED: [&str; 9] = ["java", "kt", "kts", "scala", "groovy", "cs", "vb", "go", "rs"];

fn ending(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// Which files of code jobs run or take in.
struct Taken<'a> {
    /// All of them.
    all: BTreeSet<&'a Text>,
    /// Those that code which no job takes takes in as well.
    shared: BTreeSet<&'a Text>,
}

impl<'a> Taken<'a> {
    fn of(lines: &'a [JobLine<'a>], facts: &[&Fact]) -> Taken<'a> {
        let files = lines.iter().flat_map(|line| line.files());
        let all: BTreeSet<&Text> = files.collect();
        let run: BTreeSet<&Text> =
            lines.iter().flat_map(|line| line.reached.iter().map(|it| &it.0)).collect();
        let mut shared = BTreeSet::new();
        for (file, takes_in) in super::runs::imports(facts) {
            if !all.contains(file) {
                shared.extend(
                    takes_in.into_iter().filter_map(|it| all.get(it)).filter(|it| !run.contains(**it)),
                );
            }
        }
        Taken { all, shared }
    }

    /// Whether a use stands in a file that is only ever a job's.
    fn alone(&self, it: &Use) -> bool {
        let code = it.what.actor.get(MentionKind::Code);
        code.is_some_and(|code| self.all.contains(code) && !self.shared.contains(code))
    }

    /// Whether a folder is as a whole the one job that runs a file of it: no other program stands there.
    fn is_whole(&self, uses: &[&Use], line: &JobLine<'_>) -> bool {
        let packaged = line.reached.iter().any(|(file, _)| PACKAGED.contains(&ending(file)));
        let works = uses.iter().filter(|it| it.what.scope == Scope::Production);
        let told_by = |it: &Use| {
            it.what.actor.get(MentionKind::Code).is_none_or(|file| TOLD_BY.contains(&ending(file)))
        };
        packaged || works.copied().all(|it| told_by(it) || self.alone(it))
    }
}

/// Whether the files of a folder may be one thing: those of several roles or modules of configuration management are not.
fn is_one(uses: &[&Use]) -> bool {
    let files = uses.iter().filter_map(|it| it.what.actor.get(MentionKind::Code));
    files.map(|file| role(file)).collect::<BTreeSet<_>>().len() < 2
}

fn runner<'a>(uses: &[&Use], lines: &'a [JobLine<'a>]) -> Option<Runner<'a>> {
    let files: BTreeSet<&Text> = uses.iter().filter_map(|it| it.what.actor.get(MentionKind::Code)).collect();
    let mut running = lines.iter().filter(|line| line.files().any(|file| files.contains(file)));
    let first = running.next()?;
    // The same job on two lines is one.
    let others = running.any(|line| line.name() != first.name());
    Some(if others { Runner::Several } else { Runner::One(first) })
}

impl Book {
    /// Components of source trees that do or hold anything in production. A component of which one job alone
    /// runs a file is that job, where that file takes in all others of it that do something.
    pub(super) fn components(&mut self, uses: &[Use], facts: &[&Fact], lines: &[JobLine<'_>], names: &Names) {
        let mut folders: BTreeMap<&Text, Vec<&Use>> = BTreeMap::new();
        for it in uses.iter().filter(|it| it.what.basis == Basis::Written) {
            let standalone = it.what.actor.get(MentionKind::Script).is_some();
            if let (Some(folder), false) = (it.what.actor.get(MentionKind::Component), standalone) {
                folders.entry(folder).or_default().push(it);
            }
        }
        // Who only serves uses nothing, and is somebody all the same.
        let serves = |fact: &&&Fact| {
            let routes = matches!(fact.says, Says::Serves(_)) && fact.basis == Basis::Written;
            routes && fact.about.kind == MentionKind::Component && fact.scope == Scope::Production
        };
        let serving: BTreeSet<&Text> = facts.iter().filter(serves).map(|fact| &fact.about.text).collect();
        for folder in &serving {
            folders.entry(folder).or_default();
        }
        let taken = Taken::of(lines, facts);
        self.shared = taken.shared.iter().map(|file| (*file).clone()).collect();
        for (folder, uses) in folders {
            let works = uses.iter().any(|it| it.what.scope == Scope::Production);
            if !works && !serving.contains(folder) {
                continue;
            }
            let mention = Mention::new(MentionKind::Component, folder.clone());
            let logins: BTreeSet<&Text> =
                uses.iter().filter_map(|it| it.what.actor.get(MentionKind::User)).collect();
            let (entity, why) = match self.declared_component(&mention, &logins) {
                Some(found) => found,
                None => match runner(&uses, lines).filter(|_| is_one(&uses)) {
                    Some(Runner::One(line)) if !serving.contains(folder) && taken.is_whole(&uses, line) => {
                        (self.job_entity(line), "a job, and it alone, runs a file of this folder".to_owned())
                    }
                    // Each job does what its own files say; the folder is nobody.
                    Some(_) if !serving.contains(folder) && uses.iter().all(|it| taken.alone(it)) => continue,
                    _ => {
                        let name = self.free_name(folder);
                        let entity = self.entity(format!("service:{name}"), "service", &name);
                        (entity, "its own source folder".to_owned())
                    }
                },
            };
            self.entities[entity.0].written = true;
            self.join(entity, mention, why);
            let known = self.known.entry(entity).or_default();
            for it in uses {
                if let Some(host) = it.what.actor.get(MentionKind::Host) {
                    known.hosts.insert(names.host_or_self(host));
                }
                if let Some(application) = it.what.actor.get(MentionKind::Application) {
                    known.applications.insert(application.to_string());
                }
                if let (Some(user), Scope::Production) = (it.what.actor.get(MentionKind::User), it.what.scope)
                {
                    known.users.entry(user.to_string()).or_insert(Basis::Written);
                }
            }
        }
    }

    /// A name for the service of a folder: its own, with that of the folder above where another folder has it.
    fn free_name(&self, folder: &str) -> String {
        let own = telling_name(folder);
        let taken = |name: &str| {
            let known = self.find(&format!("service:{name}"));
            known.is_some_and(|entity| {
                self.entities[entity.0].mentions.keys().any(|other| other.kind == MentionKind::Component)
            })
        };
        let above = folder.rsplit('/').skip_while(|part| *part != own).nth(1);
        let longer = above.map_or(own.to_owned(), |above| format!("{above}-{own}"));
        match (taken(own), taken(&longer)) {
            (false, _) => own.to_owned(),
            (true, false) => longer,
            (true, true) => folder.replace('/', "-"),
        }
    }

    /// The declared consumer whose source folder this is, or lies in.
    pub(super) fn declared_folder(&self, folder: &str) -> Option<EntityId> {
        let mut folder = folder;
        loop {
            let found = self.who(&Mention::new(MentionKind::Component, folder));
            if let Some(entity) = found.filter(|entity| self.entities[entity.0].declared) {
                return Some(entity);
            }
            folder = folder.rsplit_once('/')?.0;
        }
    }

    /// The declared consumer that a component is: by a declared folder, by its name, or by a login that one
    /// declared consumer alone has and that stands in this component's settings.
    fn declared_component(
        &self,
        component: &Mention,
        logins: &BTreeSet<&Text>,
    ) -> Option<(EntityId, String)> {
        if let Some(entity) = self.declared_folder(&component.text) {
            return Some((entity, "its folder is declared".to_owned()));
        }
        let name = component.text.rsplit('/').next().unwrap_or(&component.text);
        let named = |alias: &str| self.who(&Mention::new(MentionKind::Declared, alias));
        let by_name = named(&format!("service:{name}")).or_else(|| named(name));
        if let Some(entity) = by_name {
            return Some((entity, format!("the folder {} is named like it", component.text)));
        }
        for login in logins {
            // Another folder that has the login is a neighbour, and no inventory.
            let listed = |entity: &EntityId| {
                let users = self.known.get(entity).map(|known| &known.users);
                users.and_then(|users| users.get(&***login)) == Some(&Basis::Declared)
            };
            let owners: Vec<EntityId> = self.with_login(login).into_iter().filter(listed).collect();
            // A job that says which script is its own is no other one beside it.
            if let [only] = owners[..]
                && !self.states_script(only)
            {
                return Some((only, format!("the login {login} in its settings is declared for it alone")));
            }
        }
        None
    }

    /// The service that a workload is of which nothing else is known.
    pub(super) fn workload(&mut self, workload: &Mention) -> EntityId {
        let name = workload.text.to_string();
        let entity = self.entity(format!("service:{name}"), "service", &name);
        self.known.entry(entity).or_default();
        self.join(entity, workload.clone(), format!("workload {name}: its pods were seen"));
        entity
    }

    /// Containers of compose files and workloads of Kubernetes: the component they are built from, the address they are given.
    pub(super) fn containers(&mut self, uses: &[Use], facts: &[&Fact], names: &Names) {
        let containers: BTreeSet<&Mention> = facts
            .iter()
            .filter(|fact| fact.about.kind == MentionKind::Container)
            .filter(|fact| matches!(&fact.says, Says::DeclaredAs(kind) if &**kind == "service"))
            .map(|fact| &fact.about)
            .collect();
        for container in containers {
            let own = || facts.iter().filter(|fact| fact.about == *container);
            let built = own().find_map(|fact| match &fact.says {
                Says::SameAs(other) if other.kind == MentionKind::Component => {
                    self.who(other).or_else(|| self.declared_folder(&other.text))
                }
                _ => None,
            });
            let named = || {
                let names = [format!("service:{}", container.text), container.text.to_string()];
                names.into_iter().find_map(|name| self.who(&Mention::new(MentionKind::Declared, name)))
            };
            let said = |it: &&Use| it.what.actor.iter().any(|mention| mention == container);
            let (entity, why) = match (built, named(), uses.iter().find(said)) {
                (Some(entity), ..) => (entity, "built from its folder"),
                (None, Some(entity), _) => (entity, "named like it"),
                (None, None, Some(it)) if it.what.scope == Scope::Production => {
                    let name = container.text.to_string();
                    let entity = self.entity(format!("service:{name}"), "service", &name);
                    self.entities[entity.0].written = true;
                    (entity, "its settings say what it connects to")
                }
                (None, None, _) => continue,
            };
            let pods = own().any(|fact| matches!(fact.says, Says::Pods { .. }));
            let what = if pods { "workload" } else { "compose service" };
            self.join(entity, container.clone(), format!("{what} {}: {why}", container.text));
            for fact in own() {
                if let Says::RunsOn(address) = &fact.says {
                    let host = names.host_or_self(&address.text);
                    self.known.entry(entity).or_default().hosts.insert(host);
                    let why =
                        format!("compose service {} has this address at {}", container.text, fact.place);
                    self.entities[entity.0].mentions.entry(address.clone()).or_insert(why);
                }
            }
        }
    }
}
