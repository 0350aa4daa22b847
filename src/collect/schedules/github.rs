//! Workflows of GitHub Actions that a schedule starts: `on.schedule` of `.github/workflows`, always in UTC unless the
//! entry names a zone. Rules from "Workflow syntax for GitHub Actions". The steps' `run` is what a job does; what an
//! action (`uses`) does is not in the repository, and `${{ … }}` stays unknown.

use super::job::{Job, Work, Zone};
use super::manifest::{Script, literal_map};
use super::{SchedulePlace, World};
use crate::collect::document;
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::InputFile;
use crate::schedule;
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Scheduled workflows.
pub struct Workflows;

impl SchedulePlace for Workflows {
    fn about(&self) -> &'static About {
        &About {
            name: "github-workflow",
            title: "GitHub Actions: workflows with on.schedule",
            provenance: Provenance::Documented,
        }
    }

    fn knows(&self, file: &InputFile) -> bool {
        self.claims(file)
    }

    fn claims(&self, file: &InputFile) -> bool {
        let path = format!("/{}", file.path);
        let yaml = [".yml", ".yaml"].iter().any(|ending| path.ends_with(ending));
        yaml && path.contains("/.github/workflows/") && file.head_text().contains("schedule")
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let workflow = match document::parse(text) {
            Ok(workflow) => workflow,
            Err(reason) => {
                out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Unparsed, reason));
                return 0;
            }
        };
        // In YAML 1.1 the key `on` is a truth.
        let on = workflow.get("on").or_else(|| workflow.get("true"));
        let Some(entries) = on.and_then(|on| on.get("schedule")).and_then(Value::as_array) else { return 0 };
        let mut by_zone: BTreeMap<&str, Vec<(u64, String)>> = BTreeMap::new();
        for entry in entries {
            let Some(cron) = entry.get("cron").and_then(Value::as_str) else { continue };
            let line = line_of(text, cron);
            match schedule::parse("github", cron) {
                Ok(_) => {
                    let zone = entry.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
                    by_zone.entry(zone).or_default().push((line, cron.to_owned()));
                }
                Err(rejected) => {
                    let detail =
                        scrub(&format!("GitHub refuses this schedule: {}", rejected.reason)).into_owned();
                    out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::BadSchedule, detail));
                }
            }
        }
        let several = by_zone.len() > 1;
        let jobs = by_zone.len() as u64;
        for (zone, schedules) in by_zone {
            let name = name(file, several.then_some(zone));
            let line = schedules.iter().map(|(line, _)| *line).min().unwrap_or(1);
            let (script, environment) = steps(text, &workflow);
            let (line, command) = script.beside(line);
            let work = match command.as_str() {
                "" => Work::Named("actions"),
                text => Work::Shell { text, stdin: None },
            };
            let zone = match schedule::zone(zone) {
                Some(_) => Zone::Stated(Text::from(zone)),
                None => Zone::Unknown(format!("timezone {zone}: no zone of that name")),
            };
            let schedules = schedules.into_iter().map(|(_, cron)| cron).collect();
            let scope = document::scope(&file.path);
            let from = Job::of_shell(file, world, "", "github", "", &environment);
            Job { host: None, name: Some(&name), schedules, zone, work, line, scope, ..from }.state(out);
        }
        jobs
    }
}

/// `repository/workflow`, as its folder and file are called.
fn name(file: &InputFile, zone: Option<&str>) -> String {
    let path = format!("/{}", file.path);
    let (above, own) = path.split_once("/.github/workflows/").unwrap_or(("", &path));
    let stem = own.rsplit_once('.').map_or(own, |(stem, _)| stem);
    let repository = above.rsplit('/').next().filter(|it| !it.is_empty());
    let name = repository.map_or(stem.to_owned(), |repository| format!("{repository}/{stem}"));
    zone.map_or(name.clone(), |zone| format!("{name} ({zone})"))
}

/// The line on which a text stands first, outside of comments.
fn line_of(text: &str, near: &str) -> u64 {
    let found =
        text.lines().position(|line| line.contains(near) && !line.trim_start().starts_with('#')).unwrap_or(0);
    found as u64 + 1
}

/// The line on which a step's commands begin: one of their own below `run: |`, or that of `run:` itself.
fn line_of_step(text: &str, run: &str) -> u64 {
    let near = run.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    let is_it = |line: &str| {
        let line = line.trim();
        let inline = line.trim_start_matches("- ").strip_prefix("run:").map(str::trim);
        line == near || inline.is_some_and(|inline| inline.trim_matches(['"', '\'']) == near)
    };
    text.lines().position(is_it).map_or_else(|| line_of(text, near), |found| found as u64 + 1)
}

/// What the steps of all jobs run, and what is set around them.
fn steps(text: &str, workflow: &Value) -> (Script, BTreeMap<String, String>) {
    let (mut script, mut environment) = (Script::default(), BTreeMap::new());
    literal_map(workflow.get("env"), &mut environment);
    let jobs = workflow.get("jobs").and_then(Value::as_object);
    for job in jobs.into_iter().flat_map(|jobs| jobs.values()) {
        literal_map(job.get("env"), &mut environment);
        for step in job.get("steps").and_then(Value::as_array).into_iter().flatten() {
            let Some(run) = step.get("run").and_then(Value::as_str) else { continue };
            let shell = step.get("shell").and_then(Value::as_str).unwrap_or("bash");
            if !["bash", "sh"].iter().any(|known| shell.starts_with(known)) {
                continue;
            }
            literal_map(step.get("env"), &mut environment);
            script.add(line_of_step(text, run), &unknown(run));
        }
    }
    environment.retain(|_, value| !value.contains("${{"));
    (script, environment)
}

/// A text with a variable that nobody sets for each `${{ … }}`.
fn unknown(run: &str) -> String {
    static EXPRESSION: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\$\{\{[^}]*\}\}").expect("the pattern is valid"));
    EXPRESSION.replace_all(run, "$${GITHUB_EXPRESSION}").into_owned()
}
