//! Scheduled jobs and scripts: which lines of schedules are one consumer, and whose work the scripts are that each runs.
//! It never joins two jobs because they look alike.

use super::consumers::{Book, fold_name};
use super::files::Files;
use super::names::Names;
use super::runs::{Reached, Trail, host_of, imports, runs_by_subject};
use super::titles::{self, stem};
use super::{EntityId, Job, twins};
use crate::evidence::{Basis, Connection, Fact, Mention, MentionKind, Order, Place, Says, Scope, Text, Use};
use std::collections::{BTreeMap, BTreeSet};

/// One line of a schedule, with all that is stated of it.
#[derive(Clone)]
pub(super) struct JobLine<'a> {
    /// Its mention.
    pub mention: &'a Mention,
    /// The host it runs on, by declared name.
    pub host: Option<String>,
    /// The scripts it runs, directly or through others, with the connection the way there states.
    pub reached: Vec<(Text, Connection)>,
    /// The files that these take in.
    pub imported: BTreeMap<Text, Connection>,
    own: Vec<&'a Fact>,
    /// What tells it from other lines of the host that run the same with other arguments; empty: nothing need.
    label: String,
    /// Whether another line of its name has another command, which no arguments tell apart.
    unlike: bool,
    /// Whether no other line, on any host, has this name, as [`fold_name`] writes it.
    alone: bool,
    /// The line that is the same job, where this one does nothing by itself or is its source or copy.
    twin: Option<Box<JobLine<'a>>>,
    /// Whether another scheduler of the host calls another job like this one.
    namesake: bool,
    /// A comment of a script it runs that states an order or a wait.
    quoted: Option<&'a Text>,
}

/// How many arguments tell jobs of one script apart.
const ARGUMENTS_IN_NAME: usize = 2;

impl JobLine<'_> {
    /// What the job is called for people: its name at its scheduler, else the first script it names, else its
    /// program; and the arguments, where other lines of the host run the same with other ones.
    pub fn name(&self) -> String {
        if let Some(name) = self.called() {
            return name.to_string();
        }
        if self.label.is_empty() { self.program() } else { format!("{} {}", self.program(), self.label) }
    }

    /// Whether its scheduler has a name for it.
    pub fn has_name(&self) -> bool {
        self.called().is_some()
    }

    /// The dialects of its schedules.
    pub fn dialects(&self) -> impl Iterator<Item = &str> {
        self.own.iter().filter_map(|fact| match &fact.says {
            Says::Scheduled { dialect, .. } => Some(&**dialect),
            _ => None,
        })
    }

    /// The files that it runs or that these take in.
    pub fn files(&self) -> impl Iterator<Item = &Text> {
        self.reached.iter().map(|(file, _)| file).chain(self.imported.keys())
    }

    /// Its schedules, as written.
    pub fn schedules(&self) -> Vec<&str> {
        let texts = self.own.iter().filter_map(|fact| match &fact.says {
            Says::Scheduled { text, .. } => Some(&**text),
            _ => None,
        });
        texts.collect()
    }

    /// The account it runs as.
    pub fn account(&self) -> Option<&Text> {
        self.own.iter().find_map(|fact| match &fact.says {
            Says::RunsAs(account) => Some(account),
            _ => None,
        })
    }

    /// The file it is kept in, as shown.
    pub fn file(&self) -> &str {
        let place = self.own.iter().find_map(|fact| match &fact.says {
            Says::Scheduled { .. } => Some(&*fact.place.input),
            _ => None,
        });
        place.unwrap_or("")
    }

    /// Where its schedules stand.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        let scheduled = self.own.iter().filter(|fact| matches!(fact.says, Says::Scheduled { .. }));
        scheduled.map(|fact| &fact.place)
    }

    /// What holds it back, as written.
    pub fn guards(&self) -> impl Iterator<Item = &Text> {
        self.own.iter().flat_map(|fact| match &fact.says {
            Says::Scheduled { guards, .. } => guards.as_slice(),
            _ => &[],
        })
    }

    /// What its scheduler calls it.
    pub fn called(&self) -> Option<&Text> {
        self.own.iter().find_map(|fact| match &fact.says {
            Says::Called(name) => Some(name),
            _ => None,
        })
    }

    /// What its scheduler holds it back for: the other's name, in which way, and where that is written.
    pub fn waits_for(&self) -> impl Iterator<Item = (&str, Order, &Place)> {
        self.own.iter().filter_map(|fact| match &fact.says {
            Says::WaitsFor { name, order } => Some((&**name, *order, &fact.place)),
            _ => None,
        })
    }

    /// What tells it from another job of its name: the folder it is kept in, where its scheduler has a name for it and
    /// no host is known; else the file it runs.
    pub fn kept_apart_by(&self) -> Option<&str> {
        match (self.called(), &self.host) {
            (Some(_), Some(_)) => None,
            (Some(_), None) => Some(self.folder()),
            (None, _) => self.runs().map(|(script, _)| &**script),
        }
    }

    /// The folder of the file it is kept in, as shown.
    fn folder(&self) -> &str {
        self.file().rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    fn program(&self) -> String {
        let script = self.runs().map(|(script, _)| stem(script).to_owned());
        script.unwrap_or_else(|| titles::program(self.command(), self.file()))
    }

    fn runs(&self) -> Option<(&Text, &Text)> {
        self.own.iter().find_map(|fact| match &fact.says {
            Says::Runs { script: Some(script), command, .. } => Some((script, command)),
            _ => None,
        })
    }

    /// The first plain words behind the script, else the first values of its options.
    fn arguments(&self) -> String {
        let Some((script, command)) = self.runs() else { return String::new() };
        let file = script.rsplit('/').next().unwrap_or(script);
        let words: Vec<&str> =
            command.split_whitespace().skip_while(|word| !word.ends_with(file)).skip(1).collect();
        let signs = |word: &str, more: &[u8]| {
            word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b) || more.contains(&b))
        };
        let plain = |word: &&&str| word.starts_with(|c: char| c.is_ascii_alphabetic()) && signs(word, b"");
        let told: Vec<&str> = words.iter().take_while(plain).take(ARGUMENTS_IN_NAME).copied().collect();
        if !told.is_empty() {
            return told.join(" ");
        }
        let ends = |word: &&&str| !word.contains(['>', '<', '|', ';', '&']);
        let values = words.iter().take_while(ends).filter_map(|word| match word.strip_prefix('-') {
            Some(option) => option.split_once('=').map(|(_, value)| value),
            None => Some(*word),
        });
        let short = values.map(|value| value.rsplit('/').next().unwrap_or(value));
        let fine = |value: &&str| !value.is_empty() && signs(value, b",@+");
        let told: Vec<&str> = short.filter(fine).take(ARGUMENTS_IN_NAME).collect();
        if !told.is_empty() {
            return told.join(" ");
        }
        let flags = words.iter().take_while(ends).map(|word| word.trim_start_matches('-')).filter(fine);
        flags.take(ARGUMENTS_IN_NAME).collect::<Vec<_>>().join(" ")
    }

    fn names_script(&self) -> bool {
        self.own.iter().any(|fact| matches!(&fact.says, Says::Runs { script: Some(_), .. }))
    }

    /// Its command as it is shown.
    pub fn command(&self) -> &str {
        let stated = self.own.iter().find_map(|fact| match &fact.says {
            Says::Runs { command, script: None, .. } => Some(&**command),
            _ => None,
        });
        stated.unwrap_or_else(|| self.mention.text.splitn(3, ':').nth(2).unwrap_or(&self.mention.text))
    }

    fn find<'s>(&'s self, pick: impl Fn(&'s Says) -> Option<String>) -> Option<String> {
        self.own.iter().find_map(|fact| pick(&fact.says))
    }
}

/// A script's path on its host.
fn stem_path(script: &str) -> String {
    script.split_once(":/").map_or(script.to_owned(), |(_, path)| format!("/{path}"))
}

/// All lines of schedules, in the order of their mentions.
pub(super) fn lines<'a>(facts: &[&'a Fact], files: &Files<'a>) -> Vec<JobLine<'a>> {
    let names = files.names();
    let mut by_job: BTreeMap<&Mention, Vec<&'a Fact>> = BTreeMap::new();
    for fact in facts.iter().copied().filter(|fact| fact.about.kind == MentionKind::Job) {
        // A program of the system is no file of the estate, unless somebody installs one there.
        let system =
            matches!(&fact.says, Says::Runs { script: Some(script), .. } if files.is_of_system(script));
        if !system || files.has(fact) {
            by_job.entry(&fact.about).or_default().push(fact);
        }
    }
    let trail = Trail { runs: runs_by_subject(facts), imports: imports(facts), files };
    let mut quoted: BTreeMap<&Text, (&Place, &'a Text)> = BTreeMap::new();
    for fact in facts.iter().copied().filter(|fact| fact.about.kind == MentionKind::Script) {
        if let Says::Remark(text) = &fact.says {
            let said = (&fact.place, text);
            let first = quoted.entry(&fact.about.text).or_insert(said);
            *first = said.min(*first);
        }
    }
    let scheduled = |own: &Vec<&Fact>| own.iter().any(|fact| matches!(fact.says, Says::Scheduled { .. }));
    let mut lines: Vec<JobLine<'a>> = by_job
        .into_iter()
        .filter(|(_, own)| scheduled(own))
        .map(|(mention, own)| {
            let host = own.iter().find_map(|fact| match &fact.says {
                Says::RunsOn(host) => Some(names.host_or_self(&host.text)),
                _ => None,
            });
            let Reached { run: reached, imported } = trail.follow(mention, host.as_deref());
            let quoted = reached.iter().find_map(|(script, _)| quoted.get(script).map(|(_, text)| *text));
            let (unlike, alone, namesake, label) = (false, false, false, String::new());
            let twin = None;
            JobLine { mention, host, reached, imported, own, label, unlike, alone, twin, namesake, quoted }
        })
        .collect();
    let twins = twins::twins(&lines, facts);
    tell_apart(&mut lines, &twins);
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    for line in &lines {
        *named.entry(fold_name(&line.name())).or_default() += 1;
    }
    for line in &mut lines {
        line.alone = named[&fold_name(&line.name())] == 1;
    }
    let namesakes = twins::namesakes(&lines, &twins);
    for (line, namesake) in lines.iter_mut().zip(namesakes) {
        line.namesake = namesake;
    }
    let twins: Vec<Option<Box<JobLine<'a>>>> =
        twins.into_iter().map(|at| Some(Box::new(lines[at?].clone()))).collect();
    for (line, twin) in lines.iter_mut().zip(twins) {
        line.twin = twin;
    }
    lines
}

/// Names the lines of one script of a host so that two commands are two jobs: by their arguments where these differ, else
/// by the whole command. One command that is written twice stays one job.
fn tell_apart(lines: &mut [JobLine<'_>], twins: &[Option<usize>]) {
    let unnamed = |line: &JobLine<'_>, twin: &Option<usize>| line.called().is_none() && twin.is_none();
    let mut told: BTreeMap<(Option<String>, String), BTreeSet<String>> = BTreeMap::new();
    for line in lines.iter() {
        told.entry((line.host.clone(), line.program())).or_default().insert(line.arguments());
    }
    for line in lines.iter_mut().filter(|line| line.called().is_none()) {
        if told[&(line.host.clone(), line.program())].len() > 1 {
            line.label = line.arguments();
        }
    }
    let words = |line: &JobLine<'_>| line.command().split_whitespace().collect::<Vec<_>>().join(" ");
    let mut commands: BTreeMap<(Option<String>, String), BTreeSet<String>> = BTreeMap::new();
    for (line, _) in lines.iter().zip(twins).filter(|(line, twin)| unnamed(line, twin)) {
        commands.entry((line.host.clone(), line.name())).or_default().insert(words(line));
    }
    // Where no host is known, one command runs each role's own file.
    let mut reached: BTreeMap<String, BTreeSet<Vec<&Text>>> = BTreeMap::new();
    let files = |line: &'_ JobLine<'_>| line.reached.iter().map(|(file, _)| file.clone()).collect::<Vec<_>>();
    let all: Vec<Vec<Text>> = lines.iter().map(files).collect();
    for ((line, _), files) in
        lines.iter().zip(twins).zip(&all).filter(|((line, twin), _)| unnamed(line, twin))
    {
        if line.host.is_none() {
            reached.entry(line.name()).or_default().insert(files.iter().collect());
        }
    }
    for (line, twin) in lines.iter_mut().zip(twins) {
        let several = |line: &JobLine<'_>| {
            let commands = commands.get(&(line.host.clone(), line.name()));
            let reached = reached.get(&line.name()).filter(|_| line.host.is_none());
            commands.is_some_and(|commands| commands.len() > 1)
                || reached.is_some_and(|reached| reached.len() > 1)
        };
        line.unlike = unnamed(line, twin) && line.names_script() && several(line);
    }
}

impl Book {
    /// Learns the jobs of all lines.
    pub(super) fn jobs(&mut self, lines: &[JobLine<'_>], names: &Names) {
        for line in lines {
            let host = line.host.as_deref();
            let entity = self.job_entity(line);
            self.entities[entity.0].written = true;
            if let Some(host) = &line.host {
                self.known.entry(entity).or_default().hosts.insert(host.clone());
            }
            match &line.twin {
                Some(twin) => {
                    self.join(entity, twin.mention.clone(), "its line in the schedule");
                    self.join(entity, line.mention.clone(), twins::why(line, twin));
                }
                None => self.join(entity, line.mention.clone(), "its line in the schedule"),
            }
            for (script, connection) in &line.reached {
                // What it has another host do, it does from there.
                let there = host_of(script).map(|host| names.host_or_self(host));
                if let (Some(there), Some(_)) = (&there, host) {
                    self.known.entry(entity).or_default().hosts.insert(there.clone());
                }
                // A line that runs two declared jobs in a chain does the work of each under its own name.
                let declared = self.declared_script(script, host);
                let declared = declared.or_else(|| self.declared_script(script, there.as_deref()));
                let whose = declared.unwrap_or(entity);
                self.entities[whose.0].written = true;
                self.join(whose, Mention::new(MentionKind::Script, script.clone()), "the job runs it");
                let way = stem_path(script);
                self.runners.entry(script.clone()).or_default().push((whose, connection.clone(), way));
            }
            for (file, connection) in &line.imported {
                let way = stem_path(file);
                self.takers.entry(file.clone()).or_default().push((entity, connection.clone(), way));
            }
            for fact in &line.own {
                if let Says::RunsPart { file, first, last } = &fact.says {
                    self.parts.entry(file.clone()).or_default().insert((*first, *last, entity));
                }
            }
            // A line that does nothing here starts nothing.
            if line.twin.is_none() {
                self.schedule_lines(entity, line);
            }
        }
        for runners in self.runners.values_mut().chain(self.takers.values_mut()) {
            runners.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            runners.dedup();
        }
    }

    /// The consumer that a line of a schedule is: a declared one whose script it runs, else a job named by
    /// its host and its script.
    pub(super) fn job_entity(&mut self, line: &JobLine<'_>) -> EntityId {
        let line = line.twin.as_deref().unwrap_or(line);
        let host = line.host.as_deref();
        let by_script = |(script, _): &(Text, Connection)| {
            self.declared_script(script, host).or_else(|| self.declared_script(script, host_of(script)))
        };
        let declared = line.reached.iter().find_map(by_script);
        if let Some(entity) = declared.or_else(|| self.declared_name(line)) {
            return entity;
        }
        let name = line.name();
        let id = match host {
            Some(host) => format!("job:{host}/{name}"),
            None => format!("job:{name}"),
        };
        if let Some(entity) = self.declared_job(&id).filter(|_| host.is_some() && line.alone && !line.unlike)
        {
            let why = "its host's only line of a schedule that is named like it";
            self.join(entity, line.mention.clone(), why);
            return entity;
        }
        if line.called().is_some() {
            let folder = line.folder();
            let id = if line.namesake && !folder.is_empty() { format!("job:{folder}/{name}") } else { id };
            return self.entity(id, "job", &name);
        }
        if line.namesake {
            let whose = line.runs().map_or(line.command(), |(script, _)| script);
            let digest = blake3::hash(whose.as_bytes()).to_hex();
            return self.entity(format!("{id}-{}", &digest[..6]), "job", &name);
        }
        if line.unlike {
            // Of two places whose hosts nobody knows, each has its own.
            let whose = if host.is_none() { line.folder() } else { "" };
            let digest = blake3::hash(format!("{}{whose}", line.command()).as_bytes()).to_hex();
            return self.entity(format!("{id}-{}", &digest[..6]), "job", &name);
        }
        let taken = self.find(&id).is_some_and(|entity| !self.entities[entity.0].declared);
        let itself = self.who(line.mention).is_some();
        if !line.names_script() && taken && !itself {
            let digest = blake3::hash(line.command().as_bytes()).to_hex();
            return self.entity(format!("{id}-{}", &digest[..6]), "job", &name);
        }
        self.entity(id, "job", &name)
    }

    /// The declared job of a line's name, where its entry says neither a host nor a script, as in catalogues that
    /// have no words for them, and no other line of any host is named like it.
    fn declared_name(&mut self, line: &JobLine<'_>) -> Option<EntityId> {
        let name = Mention::new(MentionKind::Declared, format!("job:{}", line.name()));
        let entity = self.who(&name).filter(|_| line.alone)?;
        let runs_elsewhere = self.known.get(&entity).is_some_and(|known| !known.hosts.is_empty());
        // Asked again, the answer stays, although the host is known by then.
        let itself = self.who(line.mention) == Some(entity);
        if !itself && (runs_elsewhere || self.states_script(entity)) {
            return None;
        }
        self.join(entity, line.mention.clone(), "the only line of a schedule that is named like it");
        Some(entity)
    }

    /// The declared consumer that a script belongs to, if it runs on this host: by a declared path, or by a
    /// declared source folder of a job that holds it.
    fn declared_script(&self, script: &str, host: Option<&str>) -> Option<EntityId> {
        let path = stem_path(script);
        let by_path = self.with_script(&[script, &path]);
        let entity = by_path.or_else(|| {
            self.entities_with_folders().find(|(_, folder)| holds(folder, &path)).map(|(entity, _)| entity)
        })?;
        let hosts = self.known.get(&entity).map(|known| &known.hosts);
        let here =
            hosts.is_none_or(|hosts| hosts.is_empty() || host.is_some_and(|host| hosts.contains(host)));
        (self.entities[entity.0].declared && here).then_some(entity)
    }

    /// Declared jobs with their declared source folders.
    fn entities_with_folders(&self) -> impl Iterator<Item = (EntityId, &Text)> {
        let jobs = self.entities.iter().enumerate().filter(|(_, it)| it.declared && it.kind == "job");
        jobs.flat_map(|(index, it)| {
            let folders = it.mentions.keys().filter(|mention| mention.kind == MentionKind::Component);
            folders.map(move |mention| (EntityId(index), &mention.text))
        })
    }

    fn schedule_lines(&mut self, entity: EntityId, line: &JobLine<'_>) {
        let account = line.find(|says| match says {
            Says::RunsAs(account) => Some(account.to_string()),
            _ => None,
        });
        let zone = line.find(|says| match says {
            Says::InZone(zone) => Some(zone.to_string()),
            _ => None,
        });
        let command = line.find(|says| match says {
            Says::Runs { command, script: None, .. } => Some(command.to_string()),
            _ => None,
        });
        let remark = line.find(|says| match says {
            Says::Remark(text) => Some(text.to_string()),
            _ => None,
        });
        for fact in &line.own {
            if let Says::Scheduled { text, dialect, zone: known, guards } = &fact.says {
                self.jobs.push(Job {
                    entity,
                    host: line.host.clone(),
                    account: account.clone(),
                    schedule: text.to_string(),
                    dialect: dialect.to_string(),
                    zone: known.as_deref().map(str::to_owned).or(zone.clone()).unwrap_or("UTC".into()),
                    zone_known: known.is_some(),
                    guards: guards.iter().map(|guard| guard.to_string()).collect(),
                    command: command.clone().unwrap_or_default(),
                    remark: remark.clone().or_else(|| line.quoted.map(|text| text.to_string())),
                    place: fact.place.clone(),
                });
            }
        }
    }

    /// Scripts that do something and that no known job runs are consumers themselves, or a part of the
    /// declared consumer whose source folder holds them.
    pub(super) fn scripts(&mut self, uses: &[Use], facts: &[&Fact], files: &Files<'_>, names: &Names) {
        let parts = included(uses, facts, files);
        for it in uses {
            let script = it.what.actor.get(MentionKind::Script);
            let Some(script) = script.filter(|_| it.what.basis == Basis::Written) else { continue };
            if self.runners.contains_key(script) || it.what.scope != Scope::Production {
                continue;
            }
            let mention = Mention::new(MentionKind::Script, script.clone());
            if self.who(&mention).is_some() {
                continue;
            }
            let (host, path) = match script.split_once(":/") {
                Some((host, path)) => (Some(names.host_or_self(host)), format!("/{path}")),
                None => (None, script.to_string()),
            };
            let declared = self.with_script(&[script, &path]);
            let folder = it.what.actor.get(MentionKind::Component);
            let part = parts.get(script).and_then(|component| self.who(component));
            if let Some(entity) = part.filter(|_| declared.is_none()) {
                self.join(entity, mention, "its code reads this file");
                continue;
            }
            let (entity, why) = match declared.or_else(|| self.declared_folder(folder?)) {
                Some(entity) if declared.is_none() => (entity, "it lies in its declared source folder"),
                Some(entity) => (entity, "its path is declared"),
                None => (self.entity(format!("script:{script}"), "script", stem(&path)), "its own text"),
            };
            self.entities[entity.0].written = true;
            self.join(entity, mention, why);
            self.known.entry(entity).or_default().hosts.extend(host);
        }
    }
}

/// By script: the component whose code alone reads it.
fn included(uses: &[Use], facts: &[&Fact], files: &Files<'_>) -> BTreeMap<Text, Mention> {
    let mut components: BTreeMap<&Text, &Mention> = BTreeMap::new();
    for it in uses {
        let component = it.what.actor.iter().find(|mention| mention.kind == MentionKind::Component);
        if let (Some(code), Some(component)) = (it.what.actor.get(MentionKind::Code), component) {
            components.insert(code, component);
        }
    }
    let mut readers: BTreeMap<Text, BTreeSet<&Mention>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.about.kind == MentionKind::Code) {
        let Says::Includes(file) = &fact.says else { continue };
        let host = fact.about.text.split_once(":/").map(|(host, _)| host);
        let found = files.find_acting(file, host, &fact.place.input);
        if let (Some(script), Some(component)) = (found, components.get(&fact.about.text)) {
            readers.entry(script.clone()).or_default().insert(component);
        }
    }
    let alone =
        |(script, readers): (Text, BTreeSet<&Mention>)| match readers.into_iter().collect::<Vec<_>>()[..] {
            [only] => Some((script, only.clone())),
            _ => None,
        };
    readers.into_iter().filter_map(alone).collect()
}

/// Whether a folder as an inventory spells it holds a path of a host: the same path, or a shown path that
/// ends in it with at least two parts.
fn holds(folder: &str, path: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    let mut above = path.rsplit_once('/').map_or("", |(above, _)| above);
    while above.matches('/').count() >= 2 || above == folder && !above.is_empty() {
        if folder == above || folder.ends_with(above) {
            return true;
        }
        above = above.rsplit_once('/').map_or("", |(above, _)| above);
    }
    false
}
