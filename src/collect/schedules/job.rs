//! One job of a schedule, stated: its mention, its facts, and what its command touches. Every place states its
//! jobs through this, so that they are told alike. It never evaluates a schedule and never says whose job it is.

use super::World;
use crate::collect::commands;
use crate::evidence::scrub::scrub;
use crate::evidence::{
    Actor, Basis, Connection, Evidence, Fact, Gap, GapCode, Mention, MentionKind, Order, Place, Says, Scope,
    Text,
};
use crate::input::InputFile;
use crate::schedule::{self, Clock};
use crate::sql::Dialect;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How long a command may be where it is told whole.
const MAX_COMMAND: usize = 16 * 1024;
/// How long a command may be in a job's mention; a longer one is told from others by a digest.
const MAX_IN_MENTION: usize = 300;
/// How long a quoted comment may be.
const MAX_REMARK: usize = 120;

/// The zone of a schedule's times.
pub(super) enum Zone {
    /// That of the host it runs on; where nobody states it, UTC is assumed and a gap says so.
    OfHost,
    /// The place states it, or the scheduler always counts in it: an IANA name.
    Stated(Text),
    /// It cannot be told, for this reason; the times are read as those of the host.
    Unknown(String),
    /// That of the process that runs its scheduler, which no file tells: said once for all jobs of a file, and why.
    OfProcess(&'static str),
    /// The schedule has no clock times, so none is needed.
    None,
}

/// What a job does.
pub(super) enum Work<'a> {
    /// A shell reads it: the text, and what stands on its standard input.
    Shell {
        /// What the shell is given.
        text: &'a str,
        /// Its standard input, where the schedule itself holds it.
        stdin: Option<&'a str>,
    },
    /// A shell reads it once a template is filled in: its placeholders are shown, and mean nothing known.
    Template(&'a str),
    /// Commands that stand in another file than the schedule.
    ShellIn {
        /// What the shell is given.
        text: &'a str,
        /// What is shown of it.
        shown: &'a str,
        /// The file they stand in.
        input: Text,
        /// The line they begin on, counted from 1.
        line: u64,
    },
    /// A command line of Windows, as a batch file has it, in the file it stands in.
    WindowsIn {
        /// The line.
        text: &'a str,
        /// What is shown of it.
        shown: &'a str,
        /// The file it stands in.
        input: Text,
        /// The line it begins on, counted from 1.
        line: u64,
    },
    /// A database server runs it: SQL text, its dialect, and where it is sent and as whom, as far as the place states
    /// it. Where no server is stated, its tables are those of an unknown one, as in SQL files.
    Sql {
        /// The statements, in one piece.
        text: &'a str,
        /// Whose SQL it is.
        dialect: Dialect,
        /// The server, the database and the login.
        connection: Connection,
    },
    /// A file runs, found by the path that is written.
    File(&'a str),
    /// Several pieces, each with the line it begins on; shown as this.
    Several(&'a str, Vec<(u64, Work<'a>)>),
    /// Something else runs it (an image, a unit); shown, and not read further.
    Named(&'a str),
    /// An application runs it: a method, a class, a task of its own code, whose lines are told where they are certain.
    Code {
        /// What is shown of it.
        shown: &'a str,
        /// Where it stands.
        part: Option<Part>,
    },
}

/// Lines of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The file, as reports show it.
    pub file: Text,
    /// The first line and the last, counted from 1.
    pub lines: (u64, u64),
}

impl Part {
    /// The file of a class, where one file alone of the tree, or of the host, is named like it.
    pub fn of_class(class: &str, endings: &[&str], near: &InputFile, world: &World<'_>) -> Option<Part> {
        let is_it = |file: &&InputFile| {
            let stem = endings.iter().find_map(|ending| file.path.strip_suffix(ending));
            file.host == near.host
                && stem
                    .and_then(|stem| stem.strip_suffix(class))
                    .is_some_and(|above| above.is_empty() || above.ends_with('/'))
        };
        let mut found = world.inputs.files.iter().filter(is_it);
        let only = found.next().filter(|_| !class.is_empty() && found.next().is_none())?;
        Some(Part { file: only.path.clone(), lines: (1, u64::MAX) })
    }
}

/// Said once for each file whose jobs are an application's code.
const OF_THE_APPLICATION: &str = "jobs here are code of an application: of what they read and write, what stands in the \
                                  job's own function or class is told of the job, what that calls of the application alone";

/// Said once for each file of jobs that lies among examples.
const OF_AN_EXAMPLE: &str = "jobs here are an example, by their path: they are listed, and nothing is concluded from what \
                             they read and write; scan the place where they are kept";

impl Work<'_> {
    /// As it is shown.
    fn shown(&self) -> String {
        match self {
            Work::Shell { text, .. } | Work::Template(text) => cut(&on_one_line(text), MAX_COMMAND),
            Work::Sql { text, .. } => {
                cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), MAX_COMMAND)
            }
            Work::ShellIn { shown, .. } | Work::WindowsIn { shown, .. } => cut(shown, MAX_COMMAND),
            Work::Several(what, _) => cut(&on_one_line(what), MAX_COMMAND),
            Work::File(what) | Work::Named(what) | Work::Code { shown: what, .. } => cut(what, MAX_COMMAND),
        }
    }

    /// The files among its pieces.
    fn files(&self) -> Vec<&str> {
        match self {
            Work::File(path) => vec![path],
            Work::Several(_, pieces) => pieces.iter().flat_map(|(_, piece)| piece.files()).collect(),
            _ => Vec::new(),
        }
    }
}

/// One job as a place of schedules tells it.
pub(super) struct Job<'a> {
    /// Where it stands.
    pub file: &'a InputFile,
    /// What else the scan has.
    pub world: &'a World<'a>,
    /// The host it runs on; `None`: the place does not tell.
    pub host: Option<Text>,
    /// What its scheduler calls it, where it has a name of its own.
    pub name: Option<&'a str>,
    /// The schedules that start it, as written; several add up.
    pub schedules: Vec<String>,
    /// The dialect they are written in.
    pub dialect: &'static str,
    /// The zone of their times.
    pub zone: Zone,
    /// The operating-system account it runs as.
    pub account: Option<Text>,
    /// What it does.
    pub work: Work<'a>,
    /// What holds it back, as written (`ConcurrencyPolicy=Forbid`), beside what its command says.
    pub guards: Vec<Text>,
    /// The jobs that its scheduler starts before it, by the names it calls them.
    pub waits_for: Vec<(String, Order)>,
    /// Its line, counted from 1.
    pub line: u64,
    /// Where each of its schedules stands, where that is not its line.
    pub places: Vec<Place>,
    /// What is set before it starts.
    pub environment: &'a BTreeMap<String, String>,
    /// A comment beside it that states an order or a wait, as written.
    pub remark: Option<&'a str>,
    /// In which part of the world it stands.
    pub scope: Scope,
}

/// A command whose placeholders are what only a run can tell; `${NAME}` is left to the shell, which may know it.
pub(super) fn blanked(text: &str) -> Cow<'_, str> {
    schedule::fill(text, &|placeholder| {
        let name = placeholder.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let plain = name.is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        (!plain).then(|| commands::MARK.to_string())
    })
}

fn cut(text: &str, most: usize) -> String {
    shortened(&scrub(text), most)
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// A command as a job's mention has it.
fn in_mention(shown: &str) -> Cow<'_, str> {
    if shown.chars().count() <= MAX_IN_MENTION {
        return Cow::Borrowed(shown);
    }
    let digest = blake3::hash(shown.as_bytes()).to_hex();
    Cow::Owned(format!("{} {}", shortened(shown, MAX_IN_MENTION), &digest[..6]))
}

/// A text of several lines as one.
fn on_one_line(text: &str) -> String {
    if !text.contains('\n') {
        return text.to_owned();
    }
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

impl<'a> Job<'a> {
    /// A job that a shell on the file's own host runs, without anything else known.
    pub(super) fn of_shell(
        file: &'a InputFile,
        world: &'a World<'a>,
        schedule: &str,
        dialect: &'static str,
        command: &'a str,
        environment: &'a BTreeMap<String, String>,
    ) -> Job<'a> {
        Job {
            file,
            world,
            host: file.host.clone(),
            name: None,
            schedules: vec![schedule.to_owned()],
            dialect,
            zone: Zone::OfHost,
            account: None,
            work: Work::Shell { text: command, stdin: None },
            guards: Vec::new(),
            waits_for: Vec::new(),
            line: 1,
            places: Vec::new(),
            environment,
            remark: None,
            scope: Scope::Production,
        }
    }

    /// States it.
    pub(super) fn state(&self, out: &mut Evidence) {
        let shown_host = self.host.as_deref().unwrap_or("");
        let shown = self.work.shown();
        // Two jobs of one file may run the same command under two names; the command stays as it is.
        let own = self.name.map(|name| format!("#{}", cut(name, MAX_REMARK).replace(':', ".")));
        // The same statements in two databases are two jobs.
        let database = match &self.work {
            Work::Sql { connection: Connection { database: Some(database), .. }, .. } => {
                format!("@{}", database.replace(':', "."))
            }
            _ => String::new(),
        };
        let within = format!("{}{}{database}", self.file.inner, own.unwrap_or_default());
        let job = Mention::new(MentionKind::Job, format!("{shown_host}:{within}:{}", in_mention(&shown)));
        let place = Place::line(&self.file.path, self.line);
        let (zone, known) = self.settle_zone(out);
        let told = self.tell(&job, &self.work, self.line);
        let mut guards = self.guards.clone();
        guards.extend(told.iter().flat_map(|told| told.guards.iter().cloned()));
        let mut say_at = |says: Says, place: &Place| {
            let (about, place) = (job.clone(), place.clone());
            out.add_fact(Fact { about, says, basis: Basis::Written, scope: self.scope, span: None, place });
        };
        for (at, schedule) in self.schedules.iter().enumerate() {
            let says = Says::Scheduled {
                text: Text::from(schedule.split_whitespace().collect::<Vec<_>>().join(" ")),
                dialect: Text::from(self.dialect),
                zone: known.then(|| zone.clone()),
                guards: guards.clone(),
            };
            say_at(says, self.places.get(at).unwrap_or(&place));
        }
        let mut say = |says: Says| say_at(says, &place);
        say(Says::InZone(zone));
        if let Some(name) = self.name {
            say(Says::Called(Text::from(cut(name, MAX_REMARK))));
        }
        for (name, order) in &self.waits_for {
            say(Says::WaitsFor { name: Text::from(cut(name, MAX_REMARK)), order: *order });
        }
        if let Some(host) = &self.host {
            say(Says::RunsOn(Mention::new(MentionKind::Host, host.clone())));
        }
        if let Some(account) = &self.account {
            say(Says::RunsAs(account.clone()));
        }
        if let Some(remark) = self.remark {
            say(Says::Remark(Text::from(cut(remark, MAX_REMARK))));
        }
        if let Work::Code { part: Some(Part { file, lines: (first, last) }), .. } = &self.work {
            say(Says::RunsPart { file: file.clone(), first: *first, last: *last });
        }
        let command = Text::from(shown);
        for path in self.work.files() {
            let (command, script) = (command.clone(), Some(Text::from(path)));
            say(Says::Runs { command, script, connection: Default::default() });
        }
        say(Says::Runs { command, script: None, connection: Default::default() });
        for told in told {
            out.merge(told.evidence);
        }
        if matches!(self.work, Work::Code { .. }) && self.scope == Scope::Production {
            out.add_gap(Gap::new(place, GapCode::Unresolved, OF_THE_APPLICATION));
        }
        if self.scope == Scope::Example {
            out.add_gap(Gap::new(Place::whole(&self.file.path), GapCode::Unresolved, OF_AN_EXAMPLE));
        }
    }

    /// What its work does, piece by piece.
    fn tell(&self, job: &Mention, work: &Work<'_>, line: u64) -> Vec<commands::Told> {
        let own = &self.file.path;
        let told = match work {
            Work::Shell { text, stdin } => self.read_command(job, text, *stdin, line),
            Work::ShellIn { text, input, line, .. } => {
                self.read_command_at(job, text.to_string(), input, *line)
            }
            Work::WindowsIn { text, input, line, .. } => {
                let language = commands::WindowsLanguage::Batch;
                self.read_in(job, input, *line, &|context| commands::read_windows(text, language, context))
            }
            Work::Template(text) => self.read_command(job, &blanked(text), None, line),
            Work::Sql { text, dialect, connection } => self
                .read_in(job, own, line, &|context| commands::read_sql(text, *dialect, connection, context)),
            Work::Several(_, pieces) => {
                return pieces.iter().flat_map(|(line, piece)| self.tell(job, piece, *line)).collect();
            }
            Work::File(_) | Work::Named(_) | Work::Code { .. } => return Vec::new(),
        };
        vec![told]
    }

    /// The zone its times are read in, and whether that is known; a gap says why not.
    fn settle_zone(&self, out: &mut Evidence) -> (Text, bool) {
        let (of_host, known) = self.world.zone_of_host(self.host.as_deref());
        match &self.zone {
            Zone::None => (Text::from("UTC"), true),
            Zone::Stated(zone) => (zone.clone(), true),
            Zone::Unknown(why) => {
                let whole = Place::whole(&self.file.path);
                out.add_gap(Gap::new(whole, GapCode::UnknownZone, scrub(why).into_owned()));
                (of_host, false)
            }
            Zone::OfProcess(why) => {
                out.add_gap(Gap::new(Place::whole(&self.file.path), GapCode::UnknownZone, *why));
                (of_host, false)
            }
            Zone::OfHost => {
                if !known {
                    let whose = match self.host.as_deref() {
                        Some(host) => format!("host {host}"),
                        None => "a schedule without host".to_owned(),
                    };
                    let detail = format!(
                        "{whose}: no zone known, UTC assumed; state it as [[host]] zone or [estate] zone"
                    );
                    out.add_gap(Gap::new(Place::whole(&self.file.path), GapCode::UnknownZone, detail));
                }
                (of_host, known)
            }
        }
    }

    fn read_command(&self, job: &Mention, text: &str, stdin: Option<&str>, line: u64) -> commands::Told {
        let text = match stdin {
            Some(stdin) => format!("{text} <<'CRON_STDIN'\n{stdin}\nCRON_STDIN\n"),
            None => text.to_owned(),
        };
        self.read_command_at(job, text, &self.file.path, line)
    }

    fn read_command_at(&self, job: &Mention, text: String, input: &Text, line: u64) -> commands::Told {
        self.read_in(job, input, line, &|context| commands::read(&text, context))
    }

    /// Lets its work be read in its own context.
    fn read_in(
        &self,
        job: &Mention,
        input: &Text,
        line: u64,
        read: &dyn Fn(&commands::Context<'_>) -> commands::Told,
    ) -> commands::Told {
        let (host, inputs) = (self.host.clone(), self.world.inputs);
        let files = move |path: &str| inputs.find(host.as_deref(), path)?.text().ok();
        let context = commands::Context {
            host: self.host.clone(),
            // Nobody's home is that of an account which is filled in elsewhere.
            account: self.account.clone().filter(|account| !schedule::has_placeholder(account)),
            actor: Actor::new().with(MentionKind::Job, job.text.clone()),
            about: job.clone(),
            input: input.clone(),
            first_line: line,
            scope: self.scope,
            basis: Basis::Written,
            vantage: Text::from("source"),
            env: self.environment.clone(),
            own_folder: None,
            files: &files,
            inputs: Some(self.world.inputs),
        };
        read(&context)
    }
}

/// The zone of schedules that may name their own: it, where all that have clock times name one; none, where none has
/// clock times; else the host's.
pub(super) fn zone_of(dialect: &str, schedules: &[String]) -> Zone {
    let read = schedules.iter().filter_map(|text| schedule::parse(dialect, text).ok());
    let by_clock: Vec<_> = read
        .filter(|it| !matches!(it.clock(), Clock::Boot | Clock::Interval { .. } | Clock::Happening))
        .collect();
    let zones: Vec<Option<&str>> = by_clock.iter().map(|it| it.zone()).collect();
    match zones.first() {
        None => Zone::None,
        Some(Some(zone)) if zones.iter().all(Option::is_some) => Zone::Stated(Text::from(*zone)),
        _ => Zone::OfHost,
    }
}

/// Whether a comment speaks of order or of waiting.
pub(super) fn states_order(comment: &str) -> bool {
    let comment = comment.to_ascii_lowercase();
    ["after", "before", "once ", "leave time", "wait", "must be done", "finish", "stagger", "collid"]
        .iter()
        .any(|word| comment.contains(word))
}

/// The comment right above a line that states an order or a wait, where each line of it begins with `#`.
pub(super) fn remark_above(text: &str, line: u64) -> Option<&str> {
    // Only what stands right above is looked at, so that a file of many jobs costs no more than its length.
    let ends = usize::try_from(line).ok()?.checked_sub(2)?;
    let end = memchr::memchr_iter(b'\n', text.as_bytes()).nth(ends)?;
    let lines = text.get(..end)?.rsplit('\n');
    let comments = lines.map_while(|line| line.trim().strip_prefix('#')).map(str::trim);
    comments.filter(|comment| states_order(comment)).last()
}
