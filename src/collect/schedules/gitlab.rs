//! Pipelines of GitLab that a schedule starts. The schedules are kept by the server: they are read from an export of
//! its API (`GET /projects/:id/pipeline_schedules`, "Pipeline schedules API"). `.gitlab-ci.yml` only says which jobs a
//! schedule starts ("CI/CD YAML syntax reference": `rules`, `only`); where no export is at hand, that is a gap, and
//! names them. Nothing is asked of a server.

use super::code::{JobOf, Names, state};
use super::job::Zone;
use super::node::{Kind, Node};
use super::{SchedulePlace, World, yaml};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::InputFile;
use crate::schedule;
use memchr::memmem;
use serde_json::Value;
use std::collections::BTreeSet;

/// Pipeline schedules and the jobs that they start.
pub struct Schedules;

/// How far `extends` is followed.
const MAX_EXTENDS: usize = 8;
/// How many jobs a gap names.
const MAX_NAMED: usize = 12;
/// Keys at the top of a pipeline that are no jobs.
const NO_JOBS: [&str; 9] =
    ["default", "include", "stages", "variables", "workflow", "image", "services", "cache", "spec"];

impl SchedulePlace for Schedules {
    fn about(&self) -> &'static About {
        &About {
            name: "gitlab-schedules",
            title: "GitLab: pipeline schedules as its API exports them; jobs of .gitlab-ci.yml they start",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        is_export(file) || (is_pipeline(file) && memmem::find(&file.head, b"schedule").is_some())
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        if is_export(file) { export(file, text, world, out) } else { pipeline(file, text, world, out) }
    }
}

/// JSON with the keys that only a pipeline schedule has.
fn is_export(file: &InputFile) -> bool {
    let keys = ["\"cron\"", "\"cron_timezone\"", "\"ref\"", "\"active\""];
    let json = file.head.iter().find(|byte| !byte.is_ascii_whitespace());
    file.name().ends_with(".json")
        && matches!(json, Some(b'[' | b'{'))
        && keys.iter().all(|key| memmem::find(&file.head, key.as_bytes()).is_some())
}

fn is_pipeline(file: &InputFile) -> bool {
    let yaml = file.name().ends_with(".yml") || file.name().ends_with(".yaml");
    yaml && (file.name().contains("gitlab-ci")
        || file.path.contains(".gitlab/")
        || file.path.contains("gitlab-ci/"))
}

/// States the schedules of an export.
fn export(file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            let why = scrub(&format!("not valid JSON: {error}")).into_owned();
            out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Unparsed, why));
            return 0;
        }
    };
    let all = match &value {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut names = Names::of(file);
    let mut from = 0;
    let mut jobs = 0;
    for one in all {
        let word = |key: &str| one.get(key).and_then(Value::as_str);
        let (Some(cron), Some(branch)) = (word("cron"), word("ref")) else { continue };
        let id = one.get("id").and_then(Value::as_u64);
        let line = line_of(text, id, &mut from);
        if one.get("active").and_then(Value::as_bool) == Some(false) {
            continue;
        }
        let described = word("description").map(str::trim).filter(|text| !text.is_empty());
        let name = described.map_or_else(|| format!("schedule {}", id.unwrap_or(0)), str::to_owned);
        let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
        let place = Place::line(&file.path, line);
        let detail = "the jobs of the pipelines that these schedules start were not followed";
        out.add_gap(Gap::new(place, GapCode::MissingScript, detail));
        let job = JobOf {
            name,
            what: format!("pipeline of {branch}"),
            lines: None,
            class: None,
            schedules: vec![Ok(cron.to_owned())],
            dialect: "gitlab",
            zone: Some(zone(word("cron_timezone").unwrap_or("UTC"))),
            guards: Vec::new(),
            line,
        };
        jobs += u64::from(state(job, &mut names, file, world, out));
    }
    jobs
}

/// The zone of a schedule: an IANA name, or one of Rails'.
pub(super) fn zone(name: &str) -> Zone {
    match schedule::zone_of_rails(name) {
        Some(zone) => Zone::Stated(Text::from(zone)),
        None => Zone::Unknown(format!("{name}: no zone of that name is known here")),
    }
}

/// The line on which a schedule's id stands, looked for from the last one on.
fn line_of(text: &str, id: Option<u64>, from: &mut usize) -> u64 {
    let written = id.map(|id| [format!("\"id\":{id},"), format!("\"id\": {id},")]);
    let found = written.and_then(|written| {
        let rest = &text[*from..];
        written.iter().filter_map(|it| rest.find(it.as_str()).map(|at| *from + at)).min()
    });
    *from = found.unwrap_or(*from);
    text[..*from].matches('\n').count() as u64 + 1
}

/// Tells which jobs of a pipeline a schedule starts, unless the schedules are in the scan.
fn pipeline(file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
    // What is no YAML is told by other readers.
    let read = yaml::read(text);
    let mut jobs: Vec<(&str, u64)> = Vec::new();
    for document in &read.documents {
        let top = document.entries();
        let named = top.iter().filter_map(|(key, job)| Some((key.text()?, key.line, job)));
        let real = named.filter(|(name, _, _)| !name.starts_with('.') && !NO_JOBS.contains(name));
        jobs.extend(
            real.filter(|(_, _, job)| by_schedule(job, document)).map(|(name, line, _)| (name, line)),
        );
    }
    let Some((_, line)) = jobs.first().copied() else { return 0 };
    if world.inputs.files.iter().any(|file| is_export(file) || is_terraform(file)) {
        return 0;
    }
    let shown: BTreeSet<&str> = jobs.iter().map(|(name, _)| *name).collect();
    let mut told: Vec<&str> = shown.iter().copied().take(MAX_NAMED).collect();
    let more = format!("{} more", shown.len().saturating_sub(MAX_NAMED));
    if shown.len() > MAX_NAMED {
        told.push(&more);
    }
    let why = format!(
        "pipeline schedules of GitLab start {}, and when is kept by the server: give the scan the export of \
         /projects/:id/pipeline_schedules",
        told.join(", ")
    );
    out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unresolved, scrub(&why).into_owned()));
    0
}

fn is_terraform(file: &InputFile) -> bool {
    file.name().ends_with(".tf") && memmem::find(&file.head, b"\"gitlab_pipeline_schedule\"").is_some()
}

/// Whether a job's own rules, or those of what it extends, say that a schedule starts it.
fn by_schedule(job: &Node, document: &Node) -> bool {
    let (mut at, mut seen) = (vec![job], 0);
    while let Some(node) = at.pop() {
        seen += 1;
        if seen > MAX_EXTENDS {
            return false;
        }
        // The nearest rules count; those of what is extended only where there are none.
        if let Some(rules) = node.get("rules") {
            return rules.items().iter().any(|rule| starts(rule, document));
        }
        if let Some(only) = node.get("only") {
            let refs = only.get("refs").unwrap_or(only);
            return refs.text() == Some("schedules")
                || refs.items().iter().any(|it| it.text() == Some("schedules"));
        }
        let extended = match node.get("extends").map(|it| &it.kind) {
            Some(Kind::Text(name)) => vec![name.as_str()],
            // Of several the last one counts first.
            Some(Kind::List(names)) => names.iter().filter_map(Node::text).collect(),
            _ => Vec::new(),
        };
        at.extend(extended.into_iter().filter_map(|name| document.get(name)));
    }
    false
}

/// Whether a rule lets a schedule start the job; `!reference [.name, rules]` stands for the rules of another.
fn starts(rule: &Node, document: &Node) -> bool {
    if let [name, _key] = rule.items()
        && let Some(rules) = name.text().and_then(|name| document.get(name)?.get("rules"))
    {
        return rules.items().iter().any(|rule| rule.items().is_empty() && starts(rule, document));
    }
    let never = rule.get("when").and_then(Node::text) == Some("never");
    let condition = rule.get("if").and_then(Node::text).unwrap_or("");
    !never && is_schedule(condition)
}

/// `$CI_PIPELINE_SOURCE == "schedule"` as a part of a condition.
fn is_schedule(condition: &str) -> bool {
    let plain: String =
        condition.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '"' | '{' | '}')).collect();
    plain.contains("$CI_PIPELINE_SOURCE==schedule") || plain.contains("schedule==$CI_PIPELINE_SOURCE")
}
