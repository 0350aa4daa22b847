//! What commands mean: `psql -c`, `curl`, `scp a b:`, with variables and sourced files resolved. Used by
//! scripts and by schedules. It never runs anything, and what can only be known at run time stays `{}`.

mod database;
mod shell;
mod transfer;

use crate::evidence::scrub::scrub;
use crate::evidence::{
    Action, Actor, Basis, Class, Confidence, Connection, Evidence, Fact, Mention, MentionKind, Outcome,
    Place, Resource, Says, Scope, Shape, Text, What,
};
use crate::sql::{Cache, Dialect};
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
    /// The text of a file on the same host that it sources.
    pub files: &'a dyn Fn(&str) -> Option<String>,
}

/// One simple command with everything resolved that can be.
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
    /// The line it stands on, counted from 1.
    pub line: u64,
    /// The folder it runs in, where a `cd` says so.
    pub folder: Option<String>,
}

/// A group of commands and what they mean.
pub trait Commands: Sync {
    /// The names it knows.
    fn names(&self) -> &'static [&'static str];
    /// States what a call of one of them does.
    fn state(&self, call: &Call, out: &mut Out<'_>);
}

/// All groups.
pub static COMMANDS: &[&dyn Commands] =
    &[&database::Psql, &database::PgDump, &transfer::Fetch, &transfer::Copy, &transfer::S3];

/// Where groups state things.
pub struct Out<'a> {
    context: &'a Context<'a>,
    cache: &'a Cache,
    evidence: Evidence,
}

impl Out<'_> {
    /// The host, where known.
    pub fn host(&self) -> Option<Text> {
        self.context.host.clone()
    }

    /// States a use.
    pub fn add(&mut self, call: &Call, login: Option<&str>, action: Action, resource: Resource) {
        self.add_shaped(
            call,
            login,
            action,
            resource,
            Shape::none(),
            Confidence::High,
            BTreeSet::new(),
            Class::App,
        );
    }

    /// States a use with all that is known of it.
    #[allow(clippy::too_many_arguments)]
    pub fn add_shaped(
        &mut self,
        call: &Call,
        login: Option<&str>,
        action: Action,
        resource: Resource,
        shape: Shape,
        confidence: Confidence,
        traits: BTreeSet<crate::evidence::Trait>,
        class: Class,
    ) {
        let mut actor = self.context.actor.clone();
        if let Some(login) = login.filter(|login| !login.contains("{}")) {
            actor.add(Mention::new(MentionKind::User, login));
        }
        let what = What {
            vantage: self.context.vantage.clone(),
            actor,
            action,
            resource,
            shape,
            outcome: Outcome::Ok,
            class,
            scope: self.context.scope,
            basis: self.context.basis,
            confidence,
            traits,
        };
        self.evidence.add_written(what, Place::line(&self.context.input, call.line));
    }

    /// States that a file is run.
    pub fn runs(&mut self, call: &Call, script: &str, connection: Connection) {
        if script.contains("{}") {
            return;
        }
        let command: String = scrub(&call.words.join(" ")).chars().take(200).collect();
        let script = Some(Text::from(absolute(script, call)));
        let says = Says::Runs { command: Text::from(command), script, connection };
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
        for part in parts {
            let understood = self.cache.understand(part);
            for table in &understood.analysis.tables {
                if table.parts.iter().any(|part| part.contains(['{', '?'])) {
                    continue;
                }
                let resource = Resource::table(table.parts.clone())
                    .at(connection.server.as_ref(), connection.database.as_ref());
                let traits = understood.analysis.traits.clone();
                let shape = understood.shape.clone();
                let login = connection.user.as_deref();
                self.add_shaped(
                    call,
                    login,
                    table.action,
                    resource,
                    shape,
                    table.confidence,
                    traits,
                    understood.class,
                );
            }
            for name in &understood.analysis.routines {
                let resource = Resource::routine(name.clone())
                    .at(connection.server.as_ref(), connection.database.as_ref());
                let shape = understood.shape.clone();
                let (login, traits) = (connection.user.as_deref(), BTreeSet::new());
                let (sure, class) = (Confidence::Medium, understood.class);
                self.add_shaped(call, login, Action::Call, resource, shape, sure, traits, class);
            }
        }
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

/// States what a whole script, or one command line of a schedule, does.
pub fn read(text: &str, context: &Context<'_>) -> Evidence {
    let cache = Cache::new(Dialect::Postgres);
    let mut out = Out { context, cache: &cache, evidence: Evidence::new() };
    shell::read(text, context, &mut out);
    out.evidence
}

/// States what one call does: a known command, or a script that is run.
fn state(call: &Call, out: &mut Out<'_>) {
    let Some(command) = call.words.first() else { return };
    let name = command.rsplit('/').next().unwrap_or(command);
    match COMMANDS.iter().find(|group| group.names().contains(&name)) {
        Some(group) => group.state(call, out),
        None => run_file(command, name, call, out),
    }
    if let Some(path) = &call.stdout_file
        && !path.starts_with("/dev/")
    {
        let resource = out.file(path, call);
        out.add(call, None, Action::Write, resource);
    }
}

/// Interpreters whose first plain argument is the file they run.
const INTERPRETERS: [&str; 11] =
    ["sh", "bash", "dash", "ksh", "zsh", "python", "python3", "perl", "ruby", "node", "php"];
/// Endings of files that are run by their path alone.
const RUN_ENDINGS: [&str; 6] = [".sh", ".py", ".pl", ".rb", ".bash", ".ksh"];

fn run_file(command: &str, name: &str, call: &Call, out: &mut Out<'_>) {
    if INTERPRETERS.contains(&name) {
        if let Some(script) = call.words[1..].iter().find(|word| !word.starts_with('-')) {
            out.runs(call, script, Connection::default());
        }
        return;
    }
    let by_path = command.starts_with("./") || RUN_ENDINGS.iter().any(|ending| name.ends_with(ending));
    let system =
        ["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"].iter().any(|folder| command.starts_with(folder));
    if by_path || (command.starts_with('/') && !system) {
        out.runs(call, command, Connection::default());
    }
}

pub use database::{uri as database_uri, variables as psql_variables};
pub use transfer::endpoint as http_endpoint;
