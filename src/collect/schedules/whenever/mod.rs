//! whenever: `config/schedule.rb`, from which a crontab is written on deployment. The schedules are those that whenever
//! writes, in the host's cron; the commands are its job types filled in (its lib/whenever, version 1.0). It runs no
//! Ruby: what stands under a condition keeps it as a guard, and what is computed stays a placeholder or is a gap.

mod clock;
mod cron;
mod template;

use super::job::{Job, Work, Zone, remark_above};
use super::node::{Kind as NodeKind, Node};
use super::ruby::{
    Arguments, CONDITIONS, Names, OPENING, arguments, begins_statement, between, opens, quantity,
    rest_of_line,
};
use super::tokens::{self, Kind, Language};
use super::values::Values;
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use clock::At;
use cron::{Entry, Often};
use std::collections::BTreeMap;
use template::Templates;

/// The dialect of the crontabs it writes.
const DIALECT: &str = "vixie";
/// How many lines of a crontab one file may become.
const MAX_ENTRIES: usize = 10_000;
/// How many numbers of a range are read.
const MAX_RANGE: i64 = 1000;

/// `config/schedule.rb`.
pub struct Whenever;

impl SchedulePlace for Whenever {
    fn about(&self) -> &'static About {
        &About {
            name: "whenever",
            title: "whenever: schedule.rb that becomes a crontab",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let name = file.name();
        if !name.ends_with(".rb") || !(name.contains("schedule") || file.path.contains("schedule/")) {
            return false;
        }
        let head = file.head_text();
        let every = |line: &str| {
            let line = line.trim_start();
            (line.starts_with("every ") || line.starts_with("every(")) && !line.contains("Clockwork")
        };
        let others = ["Clockwork", "Rufus::Scheduler", "Sidekiq", "scheduler."];
        head.lines().any(every) && !others.iter().any(|other| head.contains(other))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let read = tokens::read(text, Language::Ruby);
        if let Some((line, why)) = read.broken {
            out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
        }
        let values = Values::new(text, &read.tokens, Language::Ruby);
        let mut reader = Reader {
            file,
            world,
            out,
            names: Names::of(&values),
            templates: Templates::of(file, world),
            environment: BTreeMap::new(),
            values,
            open: Vec::new(),
            scopes: Vec::new(),
        };
        reader.read();
        reader.state()
    }
}

/// What is open at a place of the text.
struct Open {
    /// The condition it stands under.
    guard: Option<String>,
    /// The `every` it belongs to, by its place in `scopes`.
    scope: Option<usize>,
    /// Where it ends, where that is a brace.
    ends_at: Option<usize>,
}

/// One `every`, with the jobs in it.
struct Scope {
    line: u64,
    /// How often, or why that is not known.
    often: Result<Vec<Often>, String>,
    options: Vec<(String, Node)>,
    jobs: Vec<Planned>,
}

/// One job of an `every`.
#[derive(Clone)]
struct Planned {
    line: u64,
    /// What the job type is given.
    task: String,
    command: String,
    at: Option<Node>,
    guards: Vec<String>,
}

struct Reader<'a> {
    file: &'a InputFile,
    world: &'a World<'a>,
    out: &'a mut Evidence,
    names: Names,
    templates: Templates,
    environment: BTreeMap<String, String>,
    values: Values<'a>,
    open: Vec<Open>,
    scopes: Vec<Scope>,
}

impl Reader<'_> {
    fn read(&mut self) {
        let mut at = 0;
        while at < self.values.tokens.len() {
            while self.open.last().is_some_and(|open| open.ends_at.is_some_and(|end| at >= end)) {
                self.open.pop();
            }
            at = self.statement(at).max(at + 1);
        }
    }

    /// Reads what stands there; gives where to go on.
    fn statement(&mut self, at: usize) -> usize {
        let token = &self.values.tokens[at];
        if token.kind != Kind::Word {
            return at + 1;
        }
        let begins = begins_statement(&self.values, at);
        match token.text.as_str() {
            "do" => self.push(None, None),
            "end" => {
                let open = self.open.iter().rposition(|open| open.ends_at.is_none());
                open.map(|index| self.open.remove(index));
            }
            "else" if begins => {
                if let Some(guard) = self.open.last_mut().and_then(|open| open.guard.as_mut()) {
                    *guard = format!("not {guard}");
                }
            }
            "elsif" | "when" if begins => {
                let condition = format!("if {}", rest_of_line(&self.values, at + 1));
                if let Some(open) = self.open.last_mut() {
                    open.guard = Some(condition);
                }
            }
            word if OPENING.contains(&word) && opens(&self.values, at) => {
                let condition = format!("{word} {}", rest_of_line(&self.values, at + 1));
                self.push(Some(condition).filter(|_| CONDITIONS.contains(&word)), None);
            }
            "every" if begins => return self.every(at),
            "set" | "env" | "job_type" if begins => return self.setting(at),
            word if begins && self.templates.has(word) && self.in_scope().is_some() => return self.job(at),
            _ => {}
        }
        at + 1
    }

    fn push(&mut self, guard: Option<String>, scope: Option<usize>) {
        self.open.push(Open { guard, scope, ends_at: None });
    }

    fn in_scope(&self) -> Option<usize> {
        self.open.iter().rev().find_map(|open| open.scope)
    }

    fn every(&mut self, at: usize) -> usize {
        let told = arguments(&self.values, at + 1);
        let line = self.values.tokens[at].line;
        let block = told.end;
        let opens = self.values.get(block).is_some_and(|token| token.is_word("do") || token.is("{"));
        if !opens {
            return at + 1;
        }
        let often = told.positional.first().ok_or_else(|| "nothing".to_owned()).and_then(|value| {
            let value = self.names.fill(value);
            how_often(&value).ok_or_else(|| value.text().unwrap_or("a list").to_owned())
        });
        let options = told.named.iter().map(|(name, value)| (name.clone(), self.names.fill(value))).collect();
        self.scopes.push(Scope { line, often, options, jobs: Vec::new() });
        let scope = Some(self.scopes.len() - 1);
        let ends_at = self.values.is(block, "{").then(|| self.values.closing(block));
        self.open.push(Open { guard: None, scope, ends_at });
        block + 1
    }

    fn setting(&mut self, at: usize) -> usize {
        let word = self.values.tokens[at].text.clone();
        let told = arguments(&self.values, at + 1);
        if let [name, value, ..] = &told.positional[..] {
            let (name, value) = (name.text().unwrap_or("").to_owned(), self.names.fill(value));
            match (word.as_str(), value.text()) {
                ("set", _) => {
                    self.templates.set(&name, &value);
                    self.names.set(&name, value);
                }
                ("env", Some(text)) => drop(self.environment.insert(name, text.to_owned())),
                ("job_type", Some(text)) => self.templates.add(&name, text),
                _ => {}
            }
        } else if let ("set", [name], [_, ..]) = (word.as_str(), &told.positional[..], &told.named[..]) {
            // `set :output, error: 'x', standard: 'y'`: a hash without braces.
            let entries = told
                .named
                .iter()
                .map(|(key, value)| (super::values::scalar(value.line, key.clone()), self.names.fill(value)));
            let value = Node { line: name.line, kind: NodeKind::Map(entries.collect()) };
            self.templates.set(name.text().unwrap_or(""), &value);
        }
        told.end
    }

    fn job(&mut self, at: usize) -> usize {
        let token = &self.values.tokens[at];
        let (line, kind) = (token.line, token.text.clone());
        let told = arguments(&self.values, at + 1);
        let Some(index) = self.in_scope() else { return told.end };
        let Some(task) = told.positional.first().map(|task| self.names.fill(task)) else { return told.end };
        let Arguments { named, end, .. } = told;
        let mut options = self.scopes[index].options.clone();
        options.extend(named.iter().map(|(name, value)| (name.clone(), self.names.fill(value))));
        let last =
            |name: &str| options.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        let mut guards: Vec<String> = self.open.iter().filter_map(|open| open.guard.clone()).collect();
        if self.values.get(end).is_some_and(|token| CONDITIONS.contains(&token.text.as_str())) {
            guards.push(rest_of_line(&self.values, end).to_owned());
        }
        let roles = last("roles").map(|roles| match &roles.kind {
            NodeKind::List(items) => items.iter().filter_map(Node::text).collect::<Vec<_>>().join(","),
            _ => roles.text().unwrap_or("").to_owned(),
        });
        guards.extend(roles.filter(|roles| !roles.is_empty()).map(|roles| format!("roles {roles}")));
        let command = match task.text() {
            Some(task) => self.templates.command(&kind, task, &options),
            None => between(&self.values, at, end).to_owned(),
        };
        let task = task.text().unwrap_or(&kind).to_owned();
        self.scopes[index].jobs.push(Planned { line, task, command, at: last("at"), guards });
        end
    }

    fn gap(&mut self, line: u64, code: GapCode, why: String) {
        self.out.add_gap(Gap::new(Place::line(&self.file.path, line), code, scrub(&why).into_owned()));
    }

    /// States all jobs; gives how many.
    fn state(&mut self) -> u64 {
        let mut count = 0;
        for scope in std::mem::take(&mut self.scopes) {
            count += match &scope.often {
                Ok(often) => self.state_scope(&scope, often),
                Err(what) => {
                    for job in &scope.jobs {
                        let why = format!("the schedule of {} is computed: every {what}", job.command);
                        self.gap(job.line, GapCode::Unresolved, why);
                    }
                    0
                }
            };
        }
        count
    }

    /// As whenever does: all jobs of one `every` at all of its times, of which those alike become one line.
    fn state_scope(&mut self, scope: &Scope, often: &[Often]) -> u64 {
        let mut count = 0;
        let mut entries: Vec<Entry<&Planned>> = Vec::new();
        for job in &scope.jobs {
            let times = match times(job.at.as_ref()) {
                Ok(times) => times,
                Err(why) => {
                    let why = format!("the schedule of {} is computed: {why}", job.command);
                    self.gap(job.line, GapCode::Unresolved, why);
                    continue;
                }
            };
            for (often, at) in often.iter().flat_map(|often| times.iter().map(move |at| (often, at))) {
                match cron::schedule(often, at) {
                    Ok(keyword) if keyword.starts_with('@') => count += self.job_of(job, keyword),
                    Ok(schedule) => {
                        let words: Vec<String> = schedule.split_whitespace().map(str::to_owned).collect();
                        let room = entries.len() < MAX_ENTRIES;
                        if let Some(fields) = <[String; 5]>::try_from(words).ok().filter(|_| room) {
                            let task = format!("{} {:?}", job.command, job.guards);
                            entries.push(Entry { fields, task, of: job });
                        }
                    }
                    Err(why) => self.gap(scope.line, GapCode::BadSchedule, why),
                }
            }
        }
        cron::combine(&mut entries);
        for entry in entries {
            count += self.job_of(entry.of, entry.fields.join(" "));
        }
        count
    }

    fn job_of(&mut self, planned: &Planned, schedule: String) -> u64 {
        if let Err(rejected) = schedule::parse(DIALECT, &schedule) {
            let why = format!("{schedule}: cron rejects it: {}", rejected.reason);
            self.gap(planned.line, GapCode::BadSchedule, why);
            return 0;
        }
        let from = Job::of_shell(self.file, self.world, &schedule, DIALECT, "", &self.environment);
        let folder =
            self.file.path.split("/config/").next().filter(|folder| folder.len() < self.file.path.len());
        let folder = folder.and_then(|folder| folder.rsplit('/').next());
        let name = folder.map_or(planned.task.clone(), |folder| format!("{folder}/{}", planned.task));
        Job {
            name: Some(&name),
            zone: Zone::OfHost,
            work: Work::Template(&planned.command),
            guards: planned.guards.iter().map(|guard| Text::from(scrub(guard))).collect(),
            line: planned.line,
            remark: remark_above(self.values.text, planned.line),
            scope: scope_of(&self.file.path, ""),
            ..from
        }
        .state(self.out);
        1
    }
}

/// What `every` is given; `None`: it is computed.
fn how_often(value: &Node) -> Option<Vec<Often>> {
    if let NodeKind::List(items) = &value.kind {
        return items.iter().map(how_often).collect::<Option<Vec<_>>>().map(|all| all.concat());
    }
    if let Some((number, unit)) = quantity(value) {
        return cron::seconds(number, unit).map(|seconds| vec![Often::Seconds(seconds)]);
    }
    let text = value.text().filter(|text| !schedule::has_placeholder(text))?;
    Some(cron::each(text))
}

/// The times that `at` is given.
fn times(at: Option<&Node>) -> Result<Vec<At>, String> {
    let Some(at) = at else { return Ok(vec![At::Number(0)]) };
    if let NodeKind::List(items) = &at.kind {
        return items
            .iter()
            .map(|item| times(Some(item)))
            .collect::<Result<Vec<_>, _>>()
            .map(|all| all.concat());
    }
    let text = at.text().unwrap_or("");
    let bare = text.strip_prefix("#{").and_then(|text| text.strip_suffix('}')).unwrap_or(text).trim();
    // Of a range each number is meant.
    if let Some((first, last)) = bare.split_once("..")
        && let (Ok(first), Ok(last)) = (first.trim().parse::<i64>(), last.trim().parse::<i64>())
    {
        return Ok((first..=last.min(first.saturating_add(MAX_RANGE))).map(At::Number).collect());
    }
    if let Some(number) = bare.parse().ok().filter(|_| bare.bytes().all(|b| b.is_ascii_digit())) {
        return Ok(vec![At::Number(number)]);
    }
    if schedule::has_placeholder(text) {
        return Err(format!("at {bare}"));
    }
    cron::each_at(text)
}
