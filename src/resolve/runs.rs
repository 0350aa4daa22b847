//! What runs what, and what is reached through it; which file a path means is for `files`. What a job runs and the scan
//! was not given, or that could be any of several files, is a gap.

use super::files::{Files, Meant};
use crate::evidence::{Connection, Fact, Gap, GapCode, Mention, MentionKind, Says, Scope, Text};
use std::collections::BTreeMap;

/// How many scripts deep a job is followed.
const MAX_RUN_DEPTH: usize = 16;

/// A sourced file states no connection by being sourced.
static NOTHING: Connection = Connection { server: None, user: None, database: None, application: None };

/// A file that something runs or sources, what that states of the connection, and the input that says so.
type Run<'a> = (&'a Text, &'a Connection, &'a Text);

pub(super) type Runs<'a> = BTreeMap<&'a Mention, Vec<Run<'a>>>;

/// By subject: what it runs or sources.
pub(super) fn runs_by_subject<'a>(facts: &[&'a Fact]) -> Runs<'a> {
    let mut runs: Runs<'a> = BTreeMap::new();
    for fact in facts {
        match &fact.says {
            Says::Runs { script: Some(script), connection, .. } => {
                runs.entry(&fact.about).or_default().push((script, connection, &fact.place.input));
            }
            Says::Includes(file) => {
                runs.entry(&fact.about).or_default().push((file, &NOTHING, &fact.place.input));
            }
            _ => {}
        }
    }
    runs
}

/// What a run states of the connection, over what the way to it has stated.
fn over(stated: &Connection, way: &Connection) -> Connection {
    let pick = |own: &Option<Text>, other: &Option<Text>| own.clone().or_else(|| other.clone());
    Connection {
        server: pick(&stated.server, &way.server),
        user: pick(&stated.user, &way.user),
        database: pick(&stated.database, &way.database),
        application: pick(&stated.application, &way.application),
    }
}

/// By file: the files that its code takes in.
pub(super) type Imports<'a> = BTreeMap<&'a Text, Vec<&'a Text>>;

/// What code in production takes in.
pub(super) fn imports<'a>(facts: &[&'a Fact]) -> Imports<'a> {
    let mut imports: Imports<'a> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.scope == Scope::Production) {
        if let Says::Imports(file) = &fact.says {
            imports.entry(&fact.about.text).or_default().push(file);
        }
    }
    imports
}

/// What is followed: who runs what, what that takes in, and the files of the scan.
pub(super) struct Trail<'s, 'a> {
    pub runs: Runs<'a>,
    pub imports: Imports<'a>,
    pub files: &'s Files<'a>,
}

/// What a subject reaches.
#[derive(Default)]
pub(super) struct Reached {
    /// The files it runs, directly or through others, with the connection that the way there states.
    pub run: Vec<(Text, Connection)>,
    /// The files that these take in.
    pub imported: BTreeMap<Text, Connection>,
}

impl Trail<'_, '_> {
    /// Follows what a subject of this host runs. What a command sends to another host is followed there.
    pub fn follow(&self, subject: &Mention, host: Option<&str>) -> Reached {
        let mut reached = Reached::default();
        self.step(subject, host, &Connection::default(), 0, &mut reached);
        reached
    }

    fn step(
        &self,
        subject: &Mention,
        host: Option<&str>,
        connection: &Connection,
        depth: usize,
        reached: &mut Reached,
    ) {
        if depth > MAX_RUN_DEPTH {
            return;
        }
        for (script, stated, named_in) in self.runs.get(subject).into_iter().flatten() {
            let connection = over(stated, connection);
            let (found, acts) = match self.files.find(script, host, named_in) {
                Meant::One(file) => (file, self.files.acts(file)),
                _ => continue,
            };
            // A file that does nothing itself may take in what does.
            if !acts && !self.imports.contains_key(found) {
                continue;
            }
            if reached.run.iter().any(|(known, with)| known == found && *with == connection) {
                continue;
            }
            if acts {
                reached.run.push((found.clone(), connection.clone()));
            } else if reached.imported.insert(found.clone(), connection.clone()).is_some() {
                continue;
            }
            let there = elsewhere(script).and_then(|_| host_of(found)).or(host);
            self.into(found, there, &connection, depth + 1, reached);
            self.take_in(found, there, &connection, depth + 1, reached);
        }
    }

    /// Follows what a file runs.
    fn into(
        &self,
        file: &Text,
        host: Option<&str>,
        connection: &Connection,
        depth: usize,
        reached: &mut Reached,
    ) {
        for kind in [MentionKind::Script, MentionKind::Code] {
            self.step(&Mention::new(kind, file.clone()), host, connection, depth, reached);
        }
    }

    /// Follows what the code of a file takes in, and what that runs.
    fn take_in(
        &self,
        file: &Text,
        host: Option<&str>,
        connection: &Connection,
        depth: usize,
        reached: &mut Reached,
    ) {
        let mut open: Vec<&Text> = vec![file];
        while let Some(file) = open.pop() {
            for next in self.imports.get(file).into_iter().flatten() {
                if !reached.imported.contains_key(*next) {
                    reached.imported.insert((*next).clone(), connection.clone());
                    open.push(next);
                    self.into(next, host, connection, depth, reached);
                }
            }
        }
    }
}

/// The host that a script is written to be on, and its path there: `app1:/opt/x`. `C:/x` is a drive.
pub(super) fn elsewhere(script: &str) -> Option<(&str, &str)> {
    let at = script.find(":/").filter(|at| *at > 1)?;
    let host = &script[..at];
    (!host.contains(['/', '\\', ' '])).then(|| (host, &script[at + 1..]))
}

/// The host that a script of the scan lies on.
pub(super) fn host_of(script: &str) -> Option<&str> {
    script.split_once(":/").map(|(host, _)| host)
}

/// The gaps of scripts that jobs, or scripts of hosts, run and the scan was not given, or that could be any
/// of several. A script that was read and does nothing is none.
pub(super) fn script_gaps(facts: &[&Fact], files: &Files<'_>) -> Vec<Gap> {
    let hosts: BTreeMap<&Mention, &str> = facts
        .iter()
        .filter_map(|fact| match &fact.says {
            Says::RunsOn(host) => Some((&fact.about, &*host.text)),
            _ => None,
        })
        .collect();
    let mut gaps = Vec::new();
    for fact in facts {
        let (script, verb) = match &fact.says {
            Says::Runs { script: Some(script), .. } => (script, "runs"),
            Says::Includes(file) => (file, "sources"),
            _ => continue,
        };
        let is_job = fact.about.kind == MentionKind::Job;
        // The mention of a job has its command in it.
        let own_host = fact.about.text.split_once(":/").map(|(host, _)| host).filter(|_| !is_job);
        let host = hosts.get(&fact.about).copied().or(own_host);
        // A tree's own helper scripts run what only its build or its users have.
        let code = fact.about.kind == MentionKind::Code;
        let matters = is_job || (own_host.is_some() && !code);
        if !matters {
            continue;
        }
        let missing = |why: &str| (GapCode::MissingScript, format!("{verb} {script}, {why}"));
        let (code, detail) = match files.find(script, host, &fact.place.input) {
            // It was read; whether it does something is told there. Whoever sources it has read it.
            Meant::One(file) if files.is_read(file) || verb == "sources" => continue,
            Meant::One(_) => missing("which is of a kind of which no reader knows what it does"),
            Meant::Several => {
                (GapCode::AmbiguousScript, format!("{script} could be any of several files of the scan"))
            }
            Meant::From(source) => {
                missing(&format!("which is installed from {source}: the scan was not given that"))
            }
            Meant::Nothing if files.is_of_system(script) => continue,
            Meant::Nothing => missing("which the scan was not given"),
        };
        gaps.push(Gap::new(fact.place.clone(), code, detail));
    }
    gaps
}
