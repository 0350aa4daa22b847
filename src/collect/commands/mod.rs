//! What commands mean: `psql -c`, `curl`, `scp a b:`, with variables and sourced files resolved. Used by
//! scripts and by schedules. It never runs anything, and what can only be known at run time stays `{}`.

mod database;
mod files;
mod pipes;
mod shell;
mod sleeps;
mod transfer;
mod words;
mod wrappers;

use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{
    Action, Actor, Basis, Class, Confidence, Connection, Evidence, Fact, Gap, GapCode, Mention, MentionKind,
    Outcome, Place, Resource, ResourceKind, Says, Scope, Shape, Text, Trait, What,
};
use crate::sql::{Cache, Dialect, SearchPath};
use std::collections::{BTreeMap, BTreeSet};

/// Where a command stands and what surrounds it.
pub struct Context<'a> {
    /// The host it runs on.
    pub host: Option<Text>,
    /// The account it runs as.
    pub account: Option<Text>,
    /// Whose text it is.
    pub actor: Actor,
    /// What facts are about: the job or script.
    pub about: Mention,
    /// The input it stands in.
    pub input: Text,
    /// The line its first line is, counted from 1.
    pub first_line: u64,
    /// In which part of the world.
    pub scope: Scope,
    /// How we know.
    pub basis: Basis,
    /// The vantage of written uses.
    pub vantage: Text,
    /// Variables that are set before it starts.
    pub env: BTreeMap<String, String>,
    /// The folder of the script itself, for `$(dirname "$0")`.
    pub own_folder: Option<String>,
    /// The text of a file on the same host that it sources.
    pub files: &'a dyn Fn(&str) -> Option<String>,
}

/// One simple command with everything resolved that can be.
#[derive(Default)]
pub struct Call {
    /// The command and its arguments; unknown parts are `{}`, dates `{date}`.
    pub words: Vec<String>,
    /// The variables it sees.
    pub env: BTreeMap<String, String>,
    /// What a here-document or here-string gives it.
    pub stdin: Option<String>,
    /// The file its input comes from.
    pub stdin_file: Option<String>,
    /// The file its output goes to.
    pub stdout_file: Option<String>,
    /// Whether its input comes from a command before it whose output nobody knows.
    pub piped: bool,
    /// The line it stands on, counted from 1.
    pub line: u64,
    /// The folder it runs in, where a `cd` says so.
    pub folder: Option<String>,
}

impl Call {
    /// The arguments that are neither options nor the values of options that take one.
    fn plain(&self, with_value: &[&str]) -> Vec<&str> {
        let mut plain = Vec::new();
        let mut words = self.words.iter().skip(1);
        while let Some(word) = words.next() {
            if with_value.contains(&word.as_str()) {
                words.next();
            } else if !word.starts_with('-') {
                plain.push(word.as_str());
            }
        }
        plain
    }
}

/// A group of commands and what they mean.
pub trait Commands: Sync {
    /// The names it knows.
    fn names(&self) -> &'static [&'static str];
    /// States what a call of one of them does.
    fn state(&self, call: &Call, out: &mut Out<'_>);
}

/// All groups.
pub static COMMANDS: &[&dyn Commands] = &[
    &database::Psql,
    &database::PgDump,
    &transfer::Fetch,
    &transfer::Copy,
    &transfer::S3,
    &files::Move,
    &files::Touch,
    &files::Pack,
];

/// How many guards one command line keeps, and how long one may be.
const MAX_GUARDS: usize = 8;
const MAX_GUARD: usize = 120;

/// Where groups state things.
pub struct Out<'a> {
    context: &'a Context<'a>,
    cache: &'a Cache,
    evidence: Evidence,
    calls: usize,
    /// Tests and sleeps before the first command that does anything.
    guards: Vec<Text>,
    worked: bool,
    /// Sleeps between steps.
    sleeps: sleeps::Sleeps,
    /// While a command that runs elsewhere is read: that host, or none that is known.
    elsewhere: Option<Option<Text>>,
}

impl Out<'_> {
    /// The host, where known.
    pub fn host(&self) -> Option<Text> {
        self.elsewhere.clone().unwrap_or_else(|| self.context.host.clone())
    }

    /// States a use.
    pub fn add(&mut self, call: &Call, who: Option<&Connection>, action: Action, resource: Resource) {
        self.add_use(call, who, self.what(action, resource));
    }

    /// States a use that was done in a way that matters.
    pub fn add_trait(&mut self, call: &Call, action: Action, resource: Resource, how: Trait) {
        let mut what = self.what(action, resource);
        what.traits.insert(how);
        self.add_use(call, None, what);
    }

    /// A use by the text that is read, before anything more is known of it.
    pub fn what(&self, action: Action, resource: Resource) -> What {
        What {
            vantage: self.context.vantage.clone(),
            actor: self.context.actor.clone(),
            action,
            resource,
            shape: Shape::none(),
            outcome: Outcome::Ok,
            class: Class::App,
            scope: self.context.scope,
            basis: self.context.basis,
            confidence: Confidence::High,
            traits: BTreeSet::new(),
        }
    }

    /// States a use with all that is known of it; `who` adds the login and the application name.
    /// A file of which nothing is known names nothing and is left out.
    pub fn add_use(&mut self, call: &Call, who: Option<&Connection>, mut what: What) {
        let unknown = what.resource.parts.first().is_some_and(|part| part.starts_with("{}"));
        if what.resource.kind == ResourceKind::File && unknown {
            return;
        }
        let names =
            who.map(|who| [(MentionKind::User, &who.user), (MentionKind::Application, &who.application)]);
        for (kind, name) in names.into_iter().flatten() {
            if let Some(name) = name.as_ref().filter(|name| !name.contains("{}")) {
                what.actor.add(Mention::new(kind, name.clone()));
            }
        }
        self.sleeps.step(what.action, &what.resource);
        self.evidence.add_written(what, Place::line(&self.context.input, call.line));
    }

    /// States that a file is run.
    pub fn runs(&mut self, call: &Call, script: &str, connection: Connection) {
        // What runs elsewhere is a script of that host, which nobody here can find.
        if script.contains("{}") || self.elsewhere.is_some() {
            return;
        }
        // A word with a blank in it is quoted again: a secret of two words is one secret.
        let quoted = |word: &String| if word.contains(' ') { format!("\"{word}\"") } else { word.clone() };
        let words: Vec<String> = call.words.iter().map(quoted).collect();
        let command: String = scrub(&words.join(" ")).chars().take(200).collect();
        let script = Some(Text::from(scrub_name(&absolute(script, call))));
        let says = Says::Runs { command: Text::from(command), script, connection };
        let (about, basis, scope) = (self.context.about.clone(), self.context.basis, self.context.scope);
        let place = Place::line(&self.context.input, call.line);
        self.evidence.add_fact(Fact { about, says, basis, scope, span: None, place });
    }

    /// Notes a test or a sleep in front of all work.
    pub fn guard(&mut self, text: &str) {
        let text: String = scrub(text.trim()).chars().take(MAX_GUARD).collect();
        if !self.worked && self.guards.len() < MAX_GUARDS {
            self.guards.push(Text::from(text));
        }
    }

    /// Names what only a run can tell.
    pub fn unresolved(&mut self, call: &Call, detail: &str) {
        let place = Place::line(&self.context.input, call.line);
        self.evidence.add_gap(Gap::new(place, GapCode::Unresolved, detail));
    }

    /// States that a file is sourced.
    pub fn includes(&mut self, call: &Call, path: &str) {
        if path.contains("{}") {
            return;
        }
        let says = Says::Includes(Text::from(scrub(&absolute(path, call)).as_ref()));
        let (about, basis, scope) = (self.context.about.clone(), self.context.basis, self.context.scope);
        let place = Place::line(&self.context.input, call.line);
        self.evidence.add_fact(Fact { about, says, basis, scope, span: None, place });
    }

    /// A file of this host as a resource.
    pub fn file(&self, path: &str, call: &Call) -> Resource {
        Resource::file(self.host(), scrub(&absolute(path, call)).into_owned())
    }

    /// States what SQL text does. `whole` texts are sent in one piece, others statement by statement.
    pub fn sql(&mut self, call: &Call, connection: &Connection, text: &str, whole: bool) {
        let parts = if whole { vec![text] } else { crate::sql::split(text) };
        let mut path = SearchPath::default();
        for part in parts {
            let understood = self.cache.understand(part);
            let analysis = &understood.analysis;
            let (server, database) = (connection.server.as_ref(), connection.database.as_ref());
            for told in understood.uses_as_written(&path) {
                if told.resource.parts.last().is_some_and(|part| part.contains(['{', '?'])) {
                    continue;
                }
                let what = What {
                    shape: understood.shape.clone(),
                    confidence: told.confidence,
                    traits: told.traits,
                    class: understood.class,
                    ..self.what(told.action, told.resource.at(server, database))
                };
                self.add_use(call, Some(connection), what);
            }
            path.change(&analysis.session);
        }
    }
}

/// The login of a URL behind its scheme, and the rest. A password may hold signs that nobody escaped: what
/// stands where a port would is then none, and the login ends at the last `@`. Without one the server is unknown.
fn split_login(rest: &str) -> (&str, &str) {
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if let Some(at) = authority.rfind('@') {
        return (&rest[..at], &rest[at + 1..]);
    }
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) || port.contains(['{', '$', '<', '%', ']']);
    let ports_fit =
        authority.split(',').all(|server| server.rsplit_once(':').is_none_or(|(_, port)| is_port(port)));
    match rest.rfind('@') {
        _ if ports_fit => ("", rest),
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, ""),
    }
}

/// A path made absolute where the folder is known; folding of dates stays.
fn absolute(path: &str, call: &Call) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    match (&call.folder, path.starts_with('/') || path.starts_with('~')) {
        (Some(folder), false) => format!("{}/{path}", folder.trim_end_matches('/')),
        _ => path.to_owned(),
    }
}

/// What a text does, and what it waits for or asks before it does anything.
pub struct Told {
    /// What it does.
    pub evidence: Evidence,
    /// Tests and sleeps in front, as written: `sleep 600`, `[ $(date +%d) -le 7 ]`.
    pub guards: Vec<Text>,
}

/// States what a whole script, or one command line of a schedule, does.
pub fn read(text: &str, context: &Context<'_>) -> Told {
    let cache = Cache::new(Dialect::Postgres);
    let mut out = Out {
        context,
        cache: &cache,
        evidence: Evidence::new(),
        calls: 0,
        guards: Vec::new(),
        worked: false,
        sleeps: sleeps::Sleeps::default(),
        elsewhere: None,
    };
    shell::read(text, context, &mut out);
    for pair in std::mem::take(&mut out.sleeps).finish() {
        let says = Says::Sleeps {
            seconds: pair.seconds,
            background: pair.started.background,
            started: (pair.started.action, pair.started.resource),
            then: (pair.then.action, pair.then.resource),
        };
        let (about, basis, scope) = (context.about.clone(), context.basis, context.scope);
        let place = Place::line(&context.input, pair.line);
        out.evidence.add_fact(Fact { about, says, basis, scope, span: None, place });
    }
    Told { evidence: out.evidence, guards: out.guards }
}

/// States what one call does: a known command, or a script that is run.
fn state(call: &Call, out: &mut Out<'_>) {
    let Some(command) = call.words.first() else { return };
    let name = command.rsplit('/').next().unwrap_or(command);
    match name {
        "sleep" => out.sleeps.sleep(&call.words[1..], call.line),
        "wait" => out.sleeps.wait(),
        _ => {}
    }
    match name {
        "sleep" if !out.worked => out.guard(&call.words.join(" ")),
        "sleep" | "true" | "false" | ":" | "echo" | "logger" | "exit" | "export" | "umask" | "ulimit" => {}
        _ => out.worked = true,
    }
    match COMMANDS.iter().find(|group| group.names().contains(&name)) {
        Some(group) => group.state(call, out),
        None => {
            if call.words[1..].iter().any(|word| matches!(word.rsplit('/').next(), Some("psql" | "pg_dump")))
            {
                out.unresolved(call, "a command that nobody here knows is given psql or pg_dump to run");
            }
            run_file(command, name, call, out);
        }
    }
    if let Some(path) = &call.stdout_file
        && !path.starts_with("/dev/")
    {
        let resource = out.file(path, call);
        out.add(call, None, Action::Write, resource);
    }
}

/// Interpreters whose first plain argument is the file they run.
const INTERPRETERS: [&str; 10] =
    ["sh", "bash", "dash", "ksh", "zsh", "python", "perl", "ruby", "node", "php"];
/// Endings of files that are run by their path alone.
const RUN_ENDINGS: [&str; 6] = [".sh", ".py", ".pl", ".rb", ".bash", ".ksh"];

fn run_file(command: &str, name: &str, call: &Call, out: &mut Out<'_>) {
    if INTERPRETERS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')) {
        let rest = &call.words[1..];
        // Behind the script, words are the script's.
        let mut options = rest.iter().take_while(|word| word.starts_with('-'));
        let inline = options.any(|word| matches!(word.as_str(), "-c" | "-e"));
        if inline {
            return;
        }
        // `python -m package.module` runs package/module.py.
        if let (true, Some(at)) = (name.starts_with("python"), rest.iter().position(|word| word == "-m")) {
            if let Some(module) = rest.get(at + 1) {
                out.runs(call, &format!("{}.py", module.replace('.', "/")), database::environment(call));
            }
            return;
        }
        if let Some(script) = call.words[1..].iter().find(|word| !word.starts_with('-')) {
            out.runs(call, script, database::environment(call));
        }
        return;
    }
    let by_path = command.starts_with("./") || RUN_ENDINGS.iter().any(|ending| name.ends_with(ending));
    let system =
        ["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"].iter().any(|folder| command.starts_with(folder));
    if by_path || (command.starts_with('/') && !system) {
        out.runs(call, command, database::environment(call));
    }
}

pub use database::{uri as database_uri, variables as psql_variables};
pub use transfer::endpoint as http_endpoint;

#[cfg(test)]
mod tests;
