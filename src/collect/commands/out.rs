//! Where groups of commands state what a call does: uses, runs, gaps. It scrubs what it is given and never decides what
//! a command means.

use super::template::unmarked;
use super::windows::unc;
use super::{Call, Context, absolute, home, sleeps, written};
use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{
    Action, Class, Confidence, Connection, Evidence, Fact, Gap, GapCode, Mention, MentionKind, Outcome,
    Place, Resource, ResourceKind, Says, Shape, Text, Trait, What,
};
use crate::sql::{Cache, Dialect, SearchPath, SessionChange, Status, is_open, names_open, shown_open};
use std::collections::{BTreeMap, BTreeSet};

/// How many guards one command line keeps, and how long one may be.
const MAX_GUARDS: usize = 8;
const MAX_GUARD: usize = 120;
/// How much of a command is kept where it runs a file.
const MAX_COMMAND: usize = 200;

/// Where groups state things.
pub struct Out<'a> {
    pub(super) context: &'a Context<'a>,
    caches: BTreeMap<Dialect, Cache>,
    pub(super) evidence: Evidence,
    /// How many uses were stated.
    pub(super) stated: usize,
    /// How many commands were read, and how long their words were together.
    pub(super) calls: usize,
    pub(super) expanded: usize,
    /// Tests and sleeps before the first command that does anything.
    pub(super) guards: Vec<Text>,
    pub(super) worked: bool,
    /// Sleeps between steps.
    pub(super) sleeps: sleeps::Sleeps,
    /// While a command that runs elsewhere is read: that host, or none that is known.
    pub(super) elsewhere: Option<Option<Text>>,
    /// While a command that runs in a container is read: which.
    pub(super) within: Option<Text>,
    /// Files that the text itself has written.
    pub(super) written: written::Written,
    /// How sure it is that what is read now is done at all.
    pub(super) confidence: Confidence,
    /// Connections that a client keeps from one call to the next (`db2 connect to …`).
    pub(super) kept: BTreeMap<&'static str, Connection>,
}

impl<'a> Out<'a> {
    /// For one text.
    pub(super) fn new(context: &'a Context<'a>) -> Out<'a> {
        Out {
            context,
            caches: BTreeMap::new(),
            evidence: Evidence::new(),
            stated: 0,
            calls: 0,
            expanded: 0,
            guards: Vec::new(),
            worked: false,
            sleeps: sleeps::Sleeps::default(),
            elsewhere: None,
            within: None,
            written: written::Written::default(),
            confidence: Confidence::High,
            kept: BTreeMap::new(),
        }
    }

    /// The host, where known.
    pub fn host(&self) -> Option<Text> {
        self.elsewhere.clone().unwrap_or_else(|| self.context.host.clone())
    }

    /// The text of a file of this host.
    pub(super) fn text_of(&self, path: &str, call: &Call) -> Option<String> {
        if path.contains("{}") || self.elsewhere.is_some() {
            return None;
        }
        (self.context.files)(&absolute(path, call))
    }

    /// The text of a file that the text itself has written.
    pub(super) fn written(&self, path: &str, call: &Call) -> Option<std::rc::Rc<str>> {
        written::text_of(&self.written, path, call).filter(|_| self.elsewhere.is_none())
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

    /// States that a file of this host is read or written.
    pub(super) fn add_file(&mut self, call: &Call, action: Action, path: &str) {
        // Devices hold nothing; a pattern is no file.
        let nothing = path.is_empty() || path == "-" || path.starts_with('&') || path.contains(['*', '?']);
        if nothing || ["/dev/", "/proc/", "/sys/"].iter().any(|kernel| path.starts_with(kernel)) {
            return;
        }
        // A share of a server that nobody knows is no file of this host.
        if unc(&absolute(path, call)).is_some_and(|(server, _)| server.contains("{}")) {
            return self.unresolved(call, "a file of a server that is only known when it runs");
        }
        let file = self.file(path, call);
        self.add(call, None, action, file);
    }

    /// States that a host is reached, at a port where one is given.
    pub(super) fn add_host(&mut self, call: &Call, host: &str, port: Option<&str>) {
        let host = host.rsplit('@').next().unwrap_or(host);
        if host.is_empty() || host.contains("{}") || host.starts_with('-') || is_loopback(host) {
            return;
        }
        let name = match port.filter(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())) {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let server = Some(Text::from(scrub_name(&name)));
        let host = Resource { kind: ResourceKind::Host, server, database: None, parts: Vec::new() };
        self.add(call, None, Action::Connect, host);
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
            confidence: self.confidence,
            traits: BTreeSet::new(),
        }
    }

    /// States a use with all that is known of it; `who` adds the login and the application name.
    /// A file of which nothing is known names nothing and is left out.
    pub fn add_use(&mut self, call: &Call, who: Option<&Connection>, mut what: What) {
        let moved = matches!(what.action, Action::Import | Action::Export);
        let unknown = |part: &Text| if moved { &**part == "{}" } else { part.starts_with("{}") };
        if what.resource.kind == ResourceKind::File && what.resource.parts.first().is_some_and(unknown) {
            return;
        }
        let here = |resource: &Resource| resource.kind == ResourceKind::File && resource.server.is_none();
        if self.elsewhere == Some(None) && here(&what.resource) {
            return self.not_of_this_host(call, &what.resource);
        }
        let names =
            who.map(|who| [(MentionKind::User, &who.user), (MentionKind::Application, &who.application)]);
        for (kind, name) in names.into_iter().flatten() {
            if let Some(name) = name.as_ref().filter(|name| !name.contains("{}")) {
                what.actor.add(Mention::new(kind, name.clone()));
            }
        }
        self.stated += 1;
        self.sleeps.step(what.action, &what.resource);
        self.evidence.add_written(what, self.place(call.line));
    }

    /// Names a file of a container, or of a host that is not told: it is not the one of that path here.
    fn not_of_this_host(&mut self, call: &Call, file: &Resource) {
        let path = file.parts.first().map_or("", |path| path);
        let detail = match &self.within {
            Some(whose) => format!("a file in {whose} and not of this host: {path}"),
            None => format!("a file of a host that is not told: {path}"),
        };
        self.unresolved(call, &detail);
    }

    fn place(&self, line: u64) -> Place {
        Place::line(&self.context.input, line)
    }

    /// States a fact about the job or script.
    pub(super) fn say(&mut self, says: Says, line: u64) {
        let (about, basis, scope) = (self.context.about.clone(), self.context.basis, self.context.scope);
        let place = self.place(line);
        self.evidence.add_fact(Fact { about, says, basis, scope, span: None, place });
    }

    /// States that a file is run: of this host, or of the one that the command is sent to (`host:/path`).
    /// Of a job also one whose folder only a run can tell: which file that is, others may know.
    pub fn runs(&mut self, call: &Call, script: &str, connection: Connection) {
        let is_job = self.context.about.kind == MentionKind::Job;
        if script.contains("{}") && is_job && script.rsplit('/').next().is_some_and(|it| it.contains("{}")) {
            return self.unresolved(call, "runs a file whose name is only known when it runs");
        }
        if script.contains("{}") && !(is_job && self.elsewhere.is_none()) {
            return;
        }
        let there = match &self.elsewhere {
            None => None,
            Some(Some(host)) => Some(host.clone()).filter(|host| !is_loopback(host)),
            Some(None) => {
                let script = scrub_name(script);
                let detail = match &self.within {
                    Some(whose) => format!("runs {script} in {whose}; it was not followed"),
                    None => format!("runs {script} on a host that is not told; it was not followed"),
                };
                return self.not_followed(call, &detail);
            }
        };
        // A word with a blank in it is quoted again: a secret of two words is one secret.
        let quoted = |word: &String| if word.contains(' ') { format!("\"{word}\"") } else { word.clone() };
        let words: Vec<String> = call.words.iter().map(quoted).collect();
        let command: String = scrub(&words.join(" ")).chars().take(MAX_COMMAND).collect();
        // What a folder nobody knows begins with is in no folder of this line.
        let open = script.starts_with("{}");
        let mut script = if open { script.replace("{}{}", "{}") } else { absolute(script, call) };
        if let (None, Some(file)) = (&there, home::file(&script, self.context)) {
            script = file;
        }
        if let Some(host) = there {
            if !script.starts_with('/') {
                let detail = format!("runs {} on {host}; it was not followed", scrub_name(&script));
                return self.not_followed(call, &detail);
            }
            script = format!("{host}:{script}");
        }
        let script = Some(Text::from(scrub_name(&script)));
        self.say(
            Says::Runs { command: Text::from(command), script, connection: Box::new(connection) },
            call.line,
        );
    }

    /// Notes a test or a sleep in front of all work.
    pub fn guard(&mut self, text: &str) {
        let text: String = scrub(&unmarked(text.trim())).chars().take(MAX_GUARD).collect();
        if !self.worked && self.guards.len() < MAX_GUARDS {
            self.guards.push(Text::from(text));
        }
    }

    /// Names a call whose work is told nowhere. What a tree's own helpers start, only its build or its users have.
    pub(super) fn not_followed(&mut self, call: &Call, detail: &str) {
        let kind = self.context.about.kind;
        if kind == MentionKind::Job || (kind == MentionKind::Script && self.context.host.is_some()) {
            self.gap(GapCode::MissingScript, detail, call.line);
        }
    }

    /// Names what only a run can tell.
    pub fn unresolved(&mut self, call: &Call, detail: &str) {
        self.gap(GapCode::Unresolved, detail, call.line);
    }

    /// Names what could not be read.
    pub(super) fn gap(&mut self, code: GapCode, detail: &str, line: u64) {
        let place = self.place(line);
        self.evidence.add_gap(Gap::new(place, code, detail));
    }

    /// States that a file is sourced.
    pub fn includes(&mut self, call: &Call, path: &str) {
        let path = absolute(path, call);
        let path = match &self.elsewhere {
            None => path,
            Some(Some(host)) if path.starts_with('/') => format!("{host}:{path}"),
            Some(_) => return,
        };
        if !path.contains("{}") {
            self.say(Says::Includes(Text::from(scrub(&path).as_ref())), call.line);
        }
    }

    /// A file of this host as a resource.
    pub fn file(&self, path: &str, call: &Call) -> Resource {
        let path = absolute(path, call);
        if let Some((server, there)) = unc(&path) {
            return Resource::file(Some(Text::from(scrub_name(server))), scrub(&there).into_owned());
        }
        // `~` is the folder of the account that the schedule names, where no wrapper names another.
        let account = self.context.account.as_deref().filter(|_| self.elsewhere.is_none());
        let path = match (path.strip_prefix("~/"), account) {
            (Some(rest), Some(account)) => format!("~{account}/{rest}"),
            _ => path,
        };
        Resource::file(self.host(), scrub(&path).into_owned())
    }

    /// States what SQL text does. `whole` texts are sent in one piece, others statement by statement.
    pub fn sql(&mut self, call: &Call, connection: &Connection, dialect: Dialect, text: &str, whole: bool) {
        let parts = if whole { vec![text] } else { crate::sql::split(text) };
        let cache = self.caches.remove(&dialect).unwrap_or_else(|| Cache::new(dialect));
        let mut path = SearchPath::default();
        let mut database = connection.database.clone();
        for part in parts {
            let part = part.replace("{date}", "{}");
            let text = crate::sql::filled(&part, dialect);
            let understood = cache.understand(&text);
            for change in &understood.analysis.session {
                if let SessionChange::Database(name) = change {
                    database = Some(name.clone()).filter(|name| !is_open(name));
                }
            }
            let told = understood.uses_as_written(&path);
            // What is named by an unknown name alone is told nowhere else.
            let read = understood.analysis.status != Status::NotSql;
            if told.is_empty() && read && names_open(&text) {
                self.unresolved(call, "a statement of which a name is only known when it runs");
            }
            for told in told {
                if told.resource.parts.iter().any(|part| is_open(part)) {
                    self.unresolved(call, "a statement whose table is only known when it runs");
                    continue;
                }
                let shape = &understood.shape;
                let what = What {
                    shape: Shape { sample: Text::from(shown_open(&shape.sample).as_ref()), ..shape.clone() },
                    confidence: told.confidence.min(self.confidence),
                    traits: told.traits,
                    class: understood.class,
                    ..self.what(told.action, placed(told.resource, connection, database.as_ref(), dialect))
                };
                self.add_use(call, Some(connection), what);
            }
            path.change(&understood.analysis.session);
        }
        self.caches.insert(dialect, cache);
    }
}

/// A resource of a statement at the server it is sent to. In MySQL a schema is a database (reference manual, "CREATE
/// DATABASE").
fn placed(resource: Resource, to: &Connection, database: Option<&Text>, dialect: Dialect) -> Resource {
    let here = |resource: Resource| resource.at(to.server.as_ref(), database);
    let named = matches!(resource.kind, ResourceKind::Table | ResourceKind::Routine);
    match &resource.parts[..] {
        [schema, _] if named && dialect == Dialect::MySql => {
            here(Resource { database: Some(schema.clone()), ..resource })
        }
        [name] if named && dialect == Dialect::MySql && database.is_some() => {
            let parts = database.into_iter().cloned().chain([name.clone()]).collect();
            here(Resource { parts, ..resource })
        }
        _ => here(resource),
    }
}

/// The machine itself.
pub(super) fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "::1" | "[::1]" | "0.0.0.0") || host.starts_with("127.")
}
