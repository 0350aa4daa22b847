//! Jobs of Jenkins that a clock starts: the triggers of pipelines (`Jenkinsfile`, Job DSL) and of jobs as the
//! controller keeps them (`config.xml`). Rules from "Pipeline Syntax: triggers" and the triggers' own classes. What a
//! job does are its shell steps; what a plugin's step does is not read. The end of another job that starts it
//! (`upstream`) is one more schedule of it, and a wait of that one alone.

use super::groovy::{Lined, Token, block, tokens};
use super::job::{Job, Work, Zone};
use super::manifest::Script;
use super::{SchedulePlace, World};
use crate::collect::document;
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Order, Place, Provenance, Text};
use crate::input::InputFile;
use crate::schedule;
use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::BTreeMap;

/// Pipelines in a repository.
pub struct Jenkinsfile;
/// Jobs in the controller's own folder.
pub struct JobConfig;

/// What is said of times without `TZ=`.
const ZONE: &str = "Jenkins runs it by the clock of its controller, which no file of a job tells; TZ= in the first line \
                    of the schedule would";

impl SchedulePlace for Jenkinsfile {
    fn about(&self) -> &'static About {
        &About {
            name: "jenkinsfile",
            title: "Jenkins: pipelines and Job DSL with triggers",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let name = file.name();
        let named =
            name.contains("Jenkinsfile") || name.ends_with(".jenkinsfile") || name.ends_with(".groovy");
        let triggers = ["triggers", "pipelineTriggers", "TimerTrigger", "SCMTrigger"];
        named && triggers.iter().any(|word| file.head_text().contains(word))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let tokens = tokens(text);
        let mut found = Found { name: pipeline_name(file), ..Found::new(file, world) };
        for (at, (token, line)) in tokens.iter().enumerate() {
            let inside = match token {
                Token::Word(word) if word == "triggers" => block(&tokens, at + 1, '{', '}'),
                Token::Word(word) if word == "pipelineTriggers" => block(&tokens, at + 1, '(', ')'),
                _ => None,
            };
            match inside {
                Some(inside) => found.triggers(inside, &tokens, out),
                None => found.step(&tokens, at, *line),
            }
        }
        found.state(out)
    }
}

/// `repository/Jenkinsfile`, as its folder and file are called.
fn pipeline_name(file: &InputFile) -> String {
    let mut parts = file.path.rsplit('/');
    let own = parts.next().unwrap_or("Jenkinsfile");
    parts.next().map_or(own.to_owned(), |folder| format!("{folder}/{own}"))
}

/// What starts a job and what it does, gathered.
struct Found<'a> {
    file: &'a InputFile,
    world: &'a World<'a>,
    name: String,
    /// Schedules with their line and what holds them back.
    specs: Vec<(String, u64, Vec<Text>)>,
    /// The jobs whose end starts it, and the line that says so.
    upstream: Option<(Vec<String>, u64)>,
    script: Script,
    environment: BTreeMap<String, String>,
}

/// What starts a job once.
struct Start {
    schedules: Vec<String>,
    zone: Zone,
    line: u64,
    guards: Vec<Text>,
    waits_for: Vec<(String, Order)>,
}

impl<'a> Found<'a> {
    fn new(file: &'a InputFile, world: &'a World<'a>) -> Found<'a> {
        let (specs, upstream, script, environment) = Default::default();
        Found { file, world, name: String::new(), specs, upstream, script, environment }
    }

    /// The triggers of a block: `cron('…')`, `pollSCM('…')`, `scm('…')`.
    fn triggers(&mut self, inside: &[Lined], all: &[Lined], out: &mut Evidence) {
        for (at, (token, line)) in inside.iter().enumerate() {
            let Token::Word(kind) = token else { continue };
            if kind == "upstream" {
                // The text is the first argument, or that of `upstreamProjects:`; `threshold:` is none.
                let arguments = block(inside, at + 1, '(', ')').unwrap_or(&inside[at + 1..]);
                if let Some((text, line)) = arguments.iter().find_map(|(it, line)| match it {
                    Token::Text(text) => Some((text, line)),
                    _ => None,
                }) {
                    self.upstream = Some((listed(text), *line)).filter(|(others, _)| !others.is_empty());
                }
            }
            if !["cron", "pollSCM", "scm", "parameterizedCron"].contains(&kind.as_str()) {
                continue;
            }
            let arguments = match block(inside, at + 1, '(', ')') {
                Some(arguments) => arguments,
                // Groovy needs no brackets around the last argument.
                None => {
                    let rest = &inside[(at + 1).min(inside.len())..];
                    let end = rest.iter().position(|(token, _)| *token == Token::Sign('\n'));
                    &rest[..end.unwrap_or(rest.len())]
                }
            };
            match argument(defined(arguments, all).unwrap_or(arguments)) {
                Some((spec, line, condition)) if !spec.trim().is_empty() => {
                    let mut guards: Vec<Text> = condition.into_iter().map(Text::from).collect();
                    if kind == "pollSCM" || kind == "scm" {
                        guards.push(Text::from("only if the source has changed"));
                    }
                    self.specs.push((spec, line, guards));
                }
                Some(_) => {}
                None if arguments.is_empty() => {}
                None => {
                    let detail = format!("the schedule of {} is computed ({kind})", self.name);
                    let gap = Gap::new(Place::line(&self.file.path, *line), GapCode::Unresolved, detail);
                    out.add_gap(gap);
                }
            }
        }
    }

    /// A step that a shell runs, or a value that is set for all of them.
    fn step(&mut self, tokens: &[Lined], at: usize, line: u64) {
        let (token, _) = &tokens[at];
        if token.is("sh") {
            let mut at = at + 1;
            if let Some((Token::Sign('('), _)) = tokens.get(at) {
                at += 1;
            }
            while let [(Token::Word(word), _), (Token::Sign(':'), _), ..] = &tokens[at.min(tokens.len())..] {
                // `sh(label: 'x', script: '…')`: what stands before the script is skipped.
                at += 2;
                if word != "script" {
                    let comma = tokens[at..].iter().position(|(token, _)| *token == Token::Sign(','));
                    let Some(comma) = comma else { return };
                    at += comma + 1;
                }
            }
            if let Some((Token::Text(text), line)) = tokens.get(at) {
                self.script.add(*line, text);
            }
        } else if token.is("environment") {
            let inside = block(tokens, at + 1, '{', '}').unwrap_or(&[]);
            for entry in inside.windows(3) {
                if let [(Token::Word(name), _), (Token::Sign('='), _), (Token::Text(value), _)] = entry {
                    self.environment.insert(name.clone(), value.clone());
                }
            }
        } else if let [
            (Token::Text(class), _),
            (Token::Sign(','), _),
            (Token::Word(key), _),
            (Token::Sign(':'), _),
            (Token::Text(spec), _),
            ..,
        ] = &tokens[at..]
            && class.ends_with("TimerTrigger")
            && key == "spec"
        {
            // `[$class: 'TimerTrigger', spec: '…']`, as pipelines wrote it before.
            self.specs.push((spec.clone(), line, Vec::new()));
        }
    }

    /// States the job of each trigger; gives how many there were.
    fn state(self, out: &mut Evidence) -> u64 {
        let mut jobs = 0;
        let several = self.specs.len() + usize::from(self.upstream.is_some()) > 1;
        for (number, (spec, line, guards)) in self.specs.iter().enumerate() {
            let gap = |why: &str| {
                let detail =
                    scrub(&format!("Jenkins refuses the schedule of {}: {why}", self.name)).into_owned();
                Gap::new(Place::line(&self.file.path, *line), GapCode::BadSchedule, detail)
            };
            // Parameters stand behind a percent sign (Parameterized Scheduler).
            let lines = spec.lines().map(|line| line.split('%').next().unwrap_or(line).trim());
            let spec: String = lines.collect::<Vec<_>>().join("\n");
            if let Err(rejected) = schedule::parse("jenkins", spec.trim()) {
                out.add_gap(gap(&rejected.reason));
                continue;
            }
            let mut zone = Zone::Unknown(ZONE.to_owned());
            let mut schedules = Vec::new();
            for line in spec.trim().lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                match line.strip_prefix("TZ=") {
                    Some(name) => zone = Zone::Stated(Text::from(name)),
                    None => schedules.push(line.to_owned()),
                }
            }
            let name = if several { format!("{} ({})", self.name, number + 1) } else { self.name.clone() };
            let start = Start { schedules, zone, line: *line, guards: guards.clone(), waits_for: Vec::new() };
            self.job(&name, start, out);
            jobs += 1;
        }
        if let Some((others, line)) = &self.upstream {
            let number = self.specs.len() + 1;
            let name = if several { format!("{} ({number})", self.name) } else { self.name.clone() };
            let waits_for = others.iter().map(|other| (self.whole(other), Order::Call)).collect();
            let schedules = vec![format!("upstream {}", others.join(", "))];
            let start = Start { schedules, zone: Zone::None, line: *line, guards: Vec::new(), waits_for };
            self.job(&name, start, out);
            jobs += 1;
        }
        jobs
    }

    /// Another job's full name: as it is seen from this one's folder, or from the root.
    fn whole(&self, other: &str) -> String {
        match (other.strip_prefix('/'), self.name.rsplit_once('/')) {
            (Some(from_root), _) => from_root.to_owned(),
            (None, Some((folder, _))) => format!("{folder}/{other}"),
            (None, None) => other.to_owned(),
        }
    }

    /// States the job of one start.
    fn job(&self, name: &str, start: Start, out: &mut Evidence) {
        let Start { schedules, zone, line, guards, waits_for } = start;
        let (line, command) = self.script.beside(line);
        let work = match command.as_str() {
            "" => Work::Named("steps of plugins"),
            text => Work::Shell { text, stdin: None },
        };
        let from = Job::of_shell(self.file, self.world, "", "jenkins", "", &self.environment);
        let scope = document::scope(&self.file.path);
        Job { host: None, name: Some(name), schedules, zone, work, guards, waits_for, line, scope, ..from }
            .state(out);
    }
}

/// The names of a list of jobs.
fn listed(text: &str) -> Vec<String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty() && !name.contains(['$', '{']));
    names.map(str::to_owned).collect()
}

/// What the file gives a name, where the argument is one and it is given once.
fn defined<'t>(argument: &[Lined], all: &'t [Lined]) -> Option<&'t [Lined]> {
    let mut words = argument.iter().filter(|(token, _)| *token != Token::Sign('\n'));
    let (Some((Token::Word(name), _)), None) = (words.next(), words.next()) else { return None };
    let gives = |pair: &[Lined]| pair[0].0.is(name) && pair[1].0 == Token::Sign('=');
    let mut found = all.windows(3).enumerate().filter(|(_, it)| gives(it) && it[2].0 != Token::Sign('='));
    let (at, _) = found.next()?;
    let rest = &all[at + 2..];
    let end = rest.iter().position(|(token, _)| *token == Token::Sign('\n')).unwrap_or(rest.len());
    found.next().is_none().then_some(&rest[..end])
}

/// A text alone; or one that a condition picks against an empty one, and the condition.
fn argument(tokens: &[Lined]) -> Option<(String, u64, Option<String>)> {
    let tokens: Vec<&Lined> = tokens.iter().filter(|(token, _)| *token != Token::Sign('\n')).collect();
    let tokens = match tokens.as_slice() {
        // `cron(spec: '…')`.
        [(Token::Word(_), _), (Token::Sign(':'), _), rest @ ..] => rest,
        all => all,
    };
    if let [(Token::Text(text), line)] = tokens {
        return Some((text.clone(), *line, None));
    }
    let at = tokens.iter().position(|(token, _)| *token == Token::Sign('?'))?;
    let [(Token::Text(yes), one), (Token::Sign(':'), _), (Token::Text(no), other)] = &tokens[at + 1..] else {
        return None;
    };
    let words = tokens[..at].iter().map(|(token, _)| match token {
        Token::Word(word) => word.clone(),
        Token::Text(text) => format!("'{text}'"),
        Token::Sign(sign) => sign.to_string(),
    });
    let condition: String = words.collect();
    match (yes.trim().is_empty(), no.trim().is_empty()) {
        (false, true) => Some((yes.clone(), *one, Some(format!("only if {condition}")))),
        (true, false) => Some((no.clone(), *other, Some(format!("unless {condition}")))),
        _ => None,
    }
}

impl SchedulePlace for JobConfig {
    fn about(&self) -> &'static About {
        &About {
            name: "jenkins-config",
            title: "Jenkins: config.xml of jobs with a timer",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let has = |tag: &str| memchr::memmem::find(&file.head, tag.as_bytes()).is_some();
        let triggers = ["TimerTrigger>", "SCMTrigger>", "ReverseBuildTrigger>"];
        file.name() == "config.xml" && triggers.into_iter().any(has)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let mut found = Found { name: config_name(file), ..Found::new(file, world) };
        match elements(text, &mut found) {
            Ok(true) => found.state(out),
            Ok(false) => 0,
            Err(reason) => {
                out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Unparsed, reason));
                0
            }
        }
    }
}

/// The job's full name: the folders between `jobs` in its path.
fn config_name(file: &InputFile) -> String {
    let parts: Vec<&str> = file.path.split('/').collect();
    let names = parts.windows(2).filter(|pair| pair[0] == "jobs").map(|pair| pair[1]);
    let name = names.collect::<Vec<_>>().join("/");
    if name.is_empty() { pipeline_name(file) } else { name }
}

/// Gathers what a config.xml says; whether the job is switched on.
fn elements(text: &str, found: &mut Found<'_>) -> Result<bool, String> {
    let mut reader = Reader::from_str(text);
    let (mut path, mut value, mut start): (Vec<String>, String, usize) = Default::default();
    let mut enabled = true;
    loop {
        let event =
            reader.read_event().map_err(|error| scrub(&format!("not valid XML: {error}")).into_owned())?;
        match event {
            Event::Start(tag) => {
                path.push(String::from_utf8_lossy(tag.name().as_ref()).into_owned());
                value.clear();
                start = reader.buffer_position() as usize;
            }
            Event::Text(text) => value.push_str(&text.unescape().unwrap_or_default()),
            Event::CData(text) => value.push_str(&String::from_utf8_lossy(&text)),
            Event::End(_) => {
                let line = text[..start.min(text.len())].matches('\n').count() as u64 + 1;
                let parts: Vec<&str> = path.iter().rev().take(2).map(String::as_str).collect();
                match parts.as_slice() {
                    ["spec", parent] if parent.ends_with("TimerTrigger") => {
                        found.specs.push((value.clone(), line, Vec::new()));
                    }
                    ["spec", parent] if parent.ends_with("SCMTrigger") => {
                        let guards = vec![Text::from("only if the source has changed")];
                        found.specs.push((value.clone(), line, guards));
                    }
                    ["upstreamProjects", parent] if parent.ends_with("ReverseBuildTrigger") => {
                        found.upstream = Some((listed(&value), line));
                    }
                    ["disabled", _] if path.len() == 2 => enabled = value.trim() != "true",
                    ["command", "hudson.tasks.Shell"] => found.script.add(line, &value),
                    ["script", _] => {
                        let mut tokens = tokens(&value);
                        tokens.iter_mut().for_each(|(_, own)| *own += line - 1);
                        for at in 0..tokens.len() {
                            found.step(&tokens, at, line);
                        }
                    }
                    _ => {}
                }
                path.pop();
                value.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    found.specs.retain(|(spec, _, _)| !spec.trim().is_empty());
    found.upstream = found.upstream.take().filter(|(others, _)| !others.is_empty());
    Ok(enabled)
}
