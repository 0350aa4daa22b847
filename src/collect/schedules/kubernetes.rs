//! CronJobs of Kubernetes (batch/v1 and v1beta1), in manifests, lists of them, and the templates of Helm charts and
//! Jinja, whose placeholders stay unknown. Rules from the API reference of CronJob. A suspended one is no job; the
//! zone is what `timeZone` says, else that of a controller manager that no manifest names.

use super::helm::Chart;
use super::job::{Job, Work, Zone};
use super::manifest::{self, MASK, Script, Template, command_text, literals, scalar};
use super::{SchedulePlace, World};
use crate::collect::document::{self, Document};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::InputFile;
use crate::schedule;
use regex::Regex;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Manifests and charts.
pub struct CronJobs;

/// How many items of lists within lists are looked at.
const MAX_ITEMS: usize = 10_000;

/// What is said of times whose zone no manifest tells.
const ZONE: &str = "a CronJob without timeZone runs by the clock of its cluster's controller manager, which is UTC \
                    almost everywhere";

impl SchedulePlace for CronJobs {
    fn about(&self) -> &'static About {
        &About {
            name: "kubernetes-cronjob",
            title: "Kubernetes: CronJobs in manifests and Helm charts",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        // Most files hold no such word, and need not become text.
        memchr::memmem::find(&file.head, b"CronJob").is_some() && file.head_text().lines().any(is_kind)
    }

    fn knows(&self, file: &InputFile) -> bool {
        // Within the definition of something else a manifest is that one's.
        let begins = |line: &str| line.starts_with("apiVersion:") || line.starts_with("\"apiVersion\":");
        let json = file.head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        self.claims(file)
            && file.head_text().lines().any(|line| begins(if json { line.trim_start() } else { line }))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let broken = |template: &Template| {
            document::parse_all(&template.text)
                .iter()
                .any(|it| it.value.is_err() && it.text.lines().any(is_kind))
        };
        let whole = Template::of(text);
        // A key in both branches of a condition is there twice: then each branch is read by itself.
        let readings = match manifest::branches(text) {
            readings if readings.len() > 1 && broken(&whole) => {
                readings.iter().map(|it| Template::of(it)).collect()
            }
            _ => vec![whole],
        };
        let mut stated = BTreeSet::new();
        for template in &readings {
            for document in document::parse_all(&template.text) {
                match &document.value {
                    Err(reason) if document.text.lines().any(is_kind) => {
                        let place = Place::line(&file.path, document.line_of("CronJob"));
                        let detail = format!("a CronJob that cannot be read: {reason}");
                        out.add_gap(Gap::new(place, GapCode::Unparsed, detail));
                    }
                    Err(_) => {}
                    Ok(value) => {
                        for (index, spec) in cron_jobs(value).into_iter().enumerate() {
                            let manifest = Manifest { file, world, template, document: &document };
                            stated.extend(manifest.state(spec, index, out).then_some((document.line, index)));
                        }
                    }
                }
            }
        }
        stated.len() as u64
    }
}

/// A line that says it is one, in YAML or JSON.
fn is_kind(line: &str) -> bool {
    let line = line.trim().trim_start_matches("- ").trim_end_matches(',');
    let value = line.strip_prefix("kind:").or_else(|| line.strip_prefix("\"kind\":"));
    value.is_some_and(|value| matches!(value.trim().trim_matches(['"', '\'']), "CronJob" | "CronJobList"))
}

/// The CronJobs of a document, those in lists, too.
fn cron_jobs(value: &Value) -> Vec<&Value> {
    let (mut found, mut open, mut seen) = (Vec::new(), vec![value], 0);
    while let Some(value) = open.pop() {
        seen += 1;
        if seen > MAX_ITEMS {
            break;
        }
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or("");
        match text("kind") {
            "CronJob" if ["batch/", MASK].iter().any(|start| text("apiVersion").starts_with(start)) => {
                found.push(value);
            }
            // Items of a typed list may leave their own kind out.
            "CronJobList" => found.extend(items(value)),
            kind if kind.ends_with("List") => open.extend(items(value).into_iter().rev()),
            _ => {}
        }
    }
    found
}

fn items(value: &Value) -> Vec<&Value> {
    value.get("items").and_then(Value::as_array).into_iter().flatten().collect()
}

/// One document of a file, on its way to jobs.
struct Manifest<'a> {
    file: &'a InputFile,
    world: &'a World<'a>,
    template: &'a Template,
    document: &'a Document<'a>,
}

impl Manifest<'_> {
    /// States a CronJob; whether it is an active one.
    fn state(&self, job: &Value, index: usize, out: &mut Evidence) -> bool {
        let spec = job.get("spec").unwrap_or(&Value::Null);
        let chart = Chart { file: self.file, world: self.world };
        let text = |key: &str| {
            let written = spec.get(key).and_then(scalar)?;
            Some(chart.value(&self.template.unmask(&written)).unwrap_or(written))
        };
        let line = self.line_of_schedule(index);
        if text("suspend").as_deref() == Some("true") {
            return false;
        }
        let name = self.name(job);
        let mut bad = |why: String| {
            let detail = scrub(&format!("{}: {why}", name.as_deref().unwrap_or("a CronJob"))).into_owned();
            out.add_gap(Gap::new(Place::line(&self.file.path, line), GapCode::BadSchedule, detail));
            false
        };
        let Some(written) = text("schedule").map(|written| self.template.unmask(&written)) else {
            return bad("it has no schedule".to_owned());
        };
        let clock = match schedule::parse("kubernetes", &written) {
            Ok(schedule) => schedule.clock(),
            Err(rejected) => return bad(format!("Kubernetes refuses its schedule: {}", rejected.reason)),
        };
        let zone = match text("timeZone") {
            _ if matches!(clock, schedule::Clock::Interval { .. }) => Zone::None,
            Some(zone) if schedule::zone(&zone).is_some() => Zone::Stated(Text::from(zone)),
            Some(zone) => {
                Zone::Unknown(format!("timeZone {}: no zone of that name", self.template.blank(&zone)))
            }
            None => Zone::Unknown(ZONE.to_owned()),
        };
        let guards = ["concurrencyPolicy", "startingDeadlineSeconds"].into_iter().filter_map(|key| {
            let value = self.template.blank(&text(key)?);
            (value != "Allow").then(|| Text::from(format!("{key}={value}")))
        });
        let pod = self.pod(spec, line);
        let (line, shell) = pod.script.beside(line);
        let work = match pod.images.as_slice() {
            images if shell.is_empty() => Work::Named(images.first().map_or("a pod", String::as_str)),
            _ => Work::Shell { text: &shell, stdin: None },
        };
        let from = Job::of_shell(self.file, self.world, &written, "kubernetes", "", &pod.environment);
        Job {
            host: None,
            name: name.as_deref(),
            zone,
            work,
            guards: guards.collect(),
            line,
            scope: document::scope(&self.file.path),
            ..from
        }
        .state(out);
        true
    }

    /// `namespace/name`; the namespace only where the manifest says one.
    fn name(&self, job: &Value) -> Option<String> {
        let part = |key: &str| self.template.name(job.get("metadata")?.get(key));
        let name = part("name").or_else(|| part("generateName"))?;
        Some(match part("namespace") {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name,
        })
    }

    /// The line of the document's n-th schedule.
    fn line_of_schedule(&self, index: usize) -> u64 {
        let lines = self.document.text.lines().enumerate();
        let is_schedule = |line: &str| {
            let line = line.trim_start().trim_start_matches("- ").trim_start_matches('"');
            line.strip_prefix("schedule").is_some_and(|rest| rest.trim_start_matches('"').starts_with(':'))
        };
        let found = lines.filter(|(_, line)| is_schedule(line)).nth(index);
        self.document.line + found.map_or(0, |(at, _)| at as u64)
    }

    /// What its containers run, those that prepare the others first.
    fn pod(&self, spec: &Value, line: u64) -> Pod {
        let mut pod = Pod::default();
        let containers = spec.pointer("/jobTemplate/spec/template/spec");
        for list in ["initContainers", "containers"] {
            let list = containers.and_then(|it| it.get(list)).and_then(Value::as_array);
            for container in list.into_iter().flatten() {
                self.container(container, line, &mut pod);
            }
        }
        pod
    }

    fn container(&self, container: &Value, line: u64, pod: &mut Pod) {
        for (name, value) in literals(container.get("env")) {
            if !value.contains(MASK) {
                pod.environment.insert(name.to_owned(), value);
            }
        }
        let words = |key: &str| -> Vec<String> {
            let list = container.get(key).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(scalar).map(|word| self.template.for_shell(&word)).collect()
        };
        let (command, arguments) = (words("command"), words("args"));
        let image = container.get("image").and_then(scalar).map(|image| self.template.blank(&image));
        if command.is_empty() {
            // The image's own entry point runs, which no manifest tells.
            let words = std::iter::once(image.unwrap_or_else(|| "an image".to_owned())).chain(arguments);
            pod.images.push(words.collect::<Vec<_>>().join(" "));
            return;
        }
        let words: Vec<String> = command.into_iter().chain(arguments).collect();
        let text = expand_references(&command_text(&words));
        let near = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
        // Words of a list are written otherwise than the shell would have them; they stand beside the schedule then.
        let own = self.document.text.lines().position(|line| !near.is_empty() && line.contains(near));
        pod.script.add(own.map_or(line, |at| self.document.line + at as u64), &text);
    }
}

/// What a CronJob's containers run.
#[derive(Default)]
struct Pod {
    script: Script,
    /// Images whose own entry point runs, with its arguments.
    images: Vec<String>,
    environment: BTreeMap<String, String>,
}

/// `$(NAME)`, which Kubernetes itself fills in from the container's environment, as a shell writes it.
fn expand_references(text: &str) -> String {
    static REFERENCE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\$\(([A-Z_][A-Z0-9_]*)\)").expect("the pattern is valid"));
    REFERENCE.replace_all(text, "$${$1}").into_owned()
}
