//! What runs what: which script of the scan a command means, found by host and longest unique path suffix, and what is
//! reached through it. It never guesses among several scripts: that is a gap.

use super::names::Names;
use crate::evidence::{Connection, Evidence, Fact, Gap, GapCode, Mention, MentionKind, Says, Text, Use};
use std::collections::{BTreeMap, BTreeSet};

/// How many scripts deep a job is followed.
const MAX_RUN_DEPTH: usize = 16;

/// A sourced file states no connection by being sourced.
static NOTHING: Connection = Connection { server: None, user: None, database: None, application: None };

pub(super) type Runs<'a> = BTreeMap<&'a Mention, Vec<(&'a Text, &'a Connection)>>;

/// By subject: the files that it runs or sources, with what that states of the connection.
pub(super) fn runs_by_subject<'a>(facts: &[&'a Fact]) -> Runs<'a> {
    let mut runs: Runs<'a> = BTreeMap::new();
    for fact in facts {
        match &fact.says {
            Says::Runs { script: Some(script), connection, .. } => {
                runs.entry(&fact.about).or_default().push((script, connection));
            }
            Says::Includes(file) => runs.entry(&fact.about).or_default().push((file, &NOTHING)),
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

/// What is followed: who runs what, the scripts of the scan, and what hosts are called.
pub(super) struct Trail<'s, 'a> {
    pub runs: Runs<'a>,
    pub scripts: &'s BTreeSet<&'a Text>,
    pub names: &'s Names,
}

impl Trail<'_, '_> {
    /// Follows what a subject of this host runs: a script is found by host and path, else by the longest path suffix that
    /// only one script has. What a command sends to another host is followed there.
    pub fn follow(&self, subject: &Mention, host: Option<&str>) -> Vec<(Text, Connection)> {
        let mut reached = Vec::new();
        self.step(subject, host, &Connection::default(), 0, &mut reached);
        reached
    }

    fn step(
        &self,
        subject: &Mention,
        host: Option<&str>,
        connection: &Connection,
        depth: usize,
        reached: &mut Vec<(Text, Connection)>,
    ) {
        if depth > MAX_RUN_DEPTH {
            return;
        }
        for (script, stated) in self.runs.get(subject).into_iter().flatten() {
            let connection = over(stated, connection);
            let Some(found) = find_script(script, host, self.scripts, self.names) else {
                continue;
            };
            if reached.iter().any(|(known, with)| known == found && *with == connection) {
                continue;
            }
            reached.push((found.clone(), connection.clone()));
            let there = elsewhere(script).and_then(|_| host_of(found));
            for kind in [MentionKind::Script, MentionKind::Code] {
                let next = Mention::new(kind, found.clone());
                self.step(&next, there.or(host), &connection, depth + 1, reached);
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

pub(super) fn find_script<'a>(
    path: &str,
    host: Option<&str>,
    scripts: &BTreeSet<&'a Text>,
    names: &Names,
) -> Option<&'a Text> {
    match candidates(path, host, scripts, names)[..] {
        [only] => Some(only),
        _ => None,
    }
}

/// The scripts a path can mean: the one at that place of the host, else those that share its longest suffix
/// with any. On a known host a suffix is at least a folder and a name, because what runs there may be a copy
/// of a tree; a name alone would be a guess.
fn candidates<'a>(
    path: &str,
    host: Option<&str>,
    scripts: &BTreeSet<&'a Text>,
    names: &Names,
) -> Vec<&'a Text> {
    if let Some((there, path)) = elsewhere(path) {
        return on_host(there, path, scripts, names);
    }
    let on_host = host.map(|host| Text::from(format!("{host}:{path}")));
    if let Some(found) = on_host.and_then(|text| scripts.get(&text).copied()) {
        return vec![found];
    }
    let mut relative = path.trim_start_matches("./").trim_start_matches('/');
    let own = |script: &&&Text| {
        script.split_once(":/").is_none_or(|(theirs, _)| Some(theirs) == host || host.is_none())
    };
    loop {
        let fits = |script: &&&Text| {
            script.strip_suffix(relative).is_some_and(|head| head.is_empty() || head.ends_with(['/', ':']))
        };
        let found: Vec<&Text> = scripts.iter().filter(own).filter(fits).copied().collect();
        if !found.is_empty() {
            return found;
        }
        match relative.split_once('/') {
            Some((_, rest)) if host.is_none() || rest.contains('/') => relative = rest,
            _ => return Vec::new(),
        }
    }
}

/// The script at a path of a host: among the host's own files, else as for what the host itself runs.
fn on_host<'a>(host: &str, path: &str, scripts: &BTreeSet<&'a Text>, names: &Names) -> Vec<&'a Text> {
    let found = own_files(host, path, scripts, names);
    if found.is_empty() { candidates(path, Some(&names.host_or_self(host)), scripts, names) } else { found }
}

/// What lies at a path of a host, however its files and the command spell that host: its own, or in a folder of its name.
fn own_files<'a>(host: &str, path: &str, files: &BTreeSet<&'a Text>, names: &Names) -> Vec<&'a Text> {
    if let Some(found) = files.get(&Text::from(format!("{host}:{path}"))) {
        return vec![*found];
    }
    let declared = names.host_or_self(host);
    let is_it = |own: &str| own == host || (!own.is_empty() && names.host_or_self(own) == declared);
    let there = |file: &&&Text| {
        let above = file.strip_suffix(path);
        above.is_some_and(|above| match above.strip_suffix(':') {
            Some(own) => is_it(own),
            None => is_it(above.rsplit('/').next().unwrap_or(above)),
        })
    };
    files.iter().filter(there).copied().collect()
}

/// Every script of the scan: those that do something and those that run something.
pub(super) fn all_scripts<'a>(uses: &'a [Use], facts: &[&'a Fact]) -> BTreeSet<&'a Text> {
    let running = facts.iter().map(|fact| &fact.about).filter(|about| about.kind == MentionKind::Script);
    let kinds = [MentionKind::Script, MentionKind::Code];
    let doing = uses.iter().flat_map(|it| kinds.map(|kind| it.what.actor.get(kind)).into_iter().flatten());
    running.map(|about| &about.text).chain(doing).collect()
}

/// The gaps of scripts that jobs, or scripts of hosts, run and the scan was not given, or that could be any
/// of several. A script that was read and does nothing is none.
pub(super) fn script_gaps(
    evidence: &Evidence,
    facts: &[&Fact],
    scripts: &BTreeSet<&Text>,
    names: &Names,
) -> Vec<Gap> {
    let inputs = evidence.inputs();
    let paths: BTreeSet<&Text> = inputs.iter().map(|input| &input.path).collect();
    let kinds: BTreeMap<&Text, &Text> = inputs.iter().map(|input| (&input.path, &input.kind)).collect();
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
        let own_host = fact.about.text.split_once(":/").map(|(host, _)| host);
        let host = hosts.get(&fact.about).copied().or(own_host);
        // A tree's own helper scripts run what only its build or its users have.
        let code = fact.about.kind == MentionKind::Code;
        let matters = fact.about.kind == MentionKind::Job || (own_host.is_some() && !code);
        let found = candidates(script, host, scripts, names);
        if !matters || found.len() == 1 {
            continue;
        }
        // Among all inputs, by the same rule; a host's own files are known by their path there.
        let given = match elsewhere(script) {
            Some((there, path)) => own_files(there, path, &paths, names),
            None => candidates(script, None, &paths, names),
        };
        let read = |path: &&Text| kinds.get(*path).is_some_and(|kind| !kind.is_empty());
        let (code, detail) = match given.first() {
            // It was read, and does nothing that a reader knows.
            Some(path) if read(path) => continue,
            // Whoever sources it has read it.
            Some(_) if verb == "sources" => continue,
            Some(_) => {
                (GapCode::MissingScript, format!("{verb} {script}, which is of a kind that no reader knows"))
            }
            None if found.len() > 1 => {
                (GapCode::AmbiguousScript, format!("{script} could be any of several scripts of the scan"))
            }
            None => (GapCode::MissingScript, format!("{verb} {script}, which the scan was not given")),
        };
        gaps.push(Gap::new(fact.place.clone(), code, detail));
    }
    gaps
}
