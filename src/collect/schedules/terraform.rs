//! Terraform: schedules of resources, told by their attributes: `schedule_expression`, or any `schedule` of
//! `cron(…)`, `rate(…)` or `at(…)` (EventBridge, Glue, Backup …); Google's `google_cloud_scheduler_job` (five fields,
//! `time_zone`, else UTC), `kubernetes_cron_job` and `gitlab_pipeline_schedule`. Variables and data stay placeholders, literals of `locals` of the
//! same file are filled in. It reads no state, no module's inside and no plan.

use super::job::{Job, Work, Zone, remark_above};
use super::node::Node;
use super::tokens::{self, Kind as Word, Language};
use super::values::{Values, filled};
use super::{SchedulePlace, World, gitlab};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use std::collections::BTreeMap;

/// How deep blocks may lie in each other.
const MAX_DEPTH: usize = 16;

/// Configuration in HCL.
pub struct Terraform;

impl SchedulePlace for Terraform {
    fn about(&self) -> &'static About {
        &About {
            name: "terraform",
            title: "Terraform: EventBridge, Google Cloud Scheduler, Kubernetes cron jobs, GitLab pipeline schedules",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let head = || file.head_text();
        file.name().ends_with(".tf") && head().contains("resource") && head().contains("schedule")
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let read = tokens::read(text, Language::Hcl);
        if let Some((line, why)) = read.broken {
            out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
        }
        let values = Values::new(text, &read.tokens, Language::Hcl);
        let (blocks, _) = blocks(&values, 0, 0);
        let mut locals = BTreeMap::new();
        for block in blocks.iter().filter(|block| block.kind == "locals") {
            locals.extend(block.attributes.iter().map(|(name, value)| (name.as_str(), value)));
        }
        let known = |placeholder: &str| {
            let name = placeholder.strip_prefix("${")?.strip_suffix('}')?.trim().strip_prefix("local.")?;
            let value = locals.get(name).and_then(|value| value.text())?;
            (!schedule::has_placeholder(value)).then(|| value.to_owned())
        };
        let reading = Reading { file, text, world, known: &known };
        let resources = blocks.iter().filter(|block| block.kind == "resource");
        resources.map(|block| reading.resource(block, out)).sum()
    }
}

/// `kind "label" "label" { … }`.
#[derive(Debug, Default)]
struct Block {
    kind: String,
    labels: Vec<String>,
    line: u64,
    attributes: Vec<(String, Node)>,
    blocks: Vec<Block>,
}

impl Block {
    fn get(&self, name: &str) -> Option<&Node> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Node::text).filter(|text| !text.is_empty())
    }

    fn block(&self, kind: &str) -> Option<&Block> {
        self.blocks.iter().find(|block| block.kind == kind)
    }
}

/// The blocks that stand there, up to a closing brace, and where that is; attributes between them are left.
fn blocks(values: &Values<'_>, start: usize, depth: usize) -> (Vec<Block>, usize) {
    let mut body = Block::default();
    let end = fill(values, start, depth, &mut body);
    (body.blocks, end)
}

fn fill(values: &Values<'_>, start: usize, depth: usize, body: &mut Block) -> usize {
    let mut at = start;
    while let Some(token) = values.get(at) {
        if token.is("}") {
            return at;
        }
        if token.kind != Word::Word {
            at += 1;
            continue;
        }
        if values.is(at + 1, "=") {
            let (value, end) = values.value(at + 2, &[]);
            body.attributes.push((token.text.clone(), value));
            at = end.max(at + 2);
            continue;
        }
        let mut next = at + 1;
        let mut labels = Vec::new();
        while let Some(label) = values.get(next).filter(|label| label.kind == Word::Text) {
            labels.push(label.text.clone());
            next += 1;
        }
        if !values.is(next, "{") {
            at += 1;
            continue;
        }
        let mut block = Block { kind: token.text.clone(), labels, line: token.line, ..Block::default() };
        let end = if depth < MAX_DEPTH {
            fill(values, next + 1, depth + 1, &mut block)
        } else {
            values.closing(next)
        };
        body.blocks.push(block);
        at = end + 1;
    }
    at
}

/// What the container of a pod runs: its command, else its image.
fn container(block: &Block) -> Option<String> {
    if block.kind == "container" {
        let words =
            |name: &str| block.get(name).map(Node::items).unwrap_or_default().iter().filter_map(Node::text);
        let command: Vec<&str> = words("command").chain(words("args")).collect();
        return if command.is_empty() {
            block.text("image").map(str::to_owned)
        } else {
            Some(command.join(" "))
        };
    }
    block.blocks.iter().find_map(container)
}

/// A schedule of a resource.
struct Planned<'a> {
    schedule: &'a Node,
    dialect: &'static str,
    zone: Zone,
    what: String,
    guards: Vec<String>,
}

struct Reading<'a> {
    file: &'a InputFile,
    text: &'a str,
    world: &'a World<'a>,
    known: &'a dyn Fn(&str) -> Option<String>,
}

impl Reading<'_> {
    fn resource(&self, block: &Block, out: &mut Evidence) -> u64 {
        let [kind, name] = &block.labels[..] else { return 0 };
        let off = block.text("state") == Some("DISABLED")
            || block.text("is_enabled") == Some("false")
            || block.text("enabled") == Some("false")
            || (kind == "gitlab_pipeline_schedule" && block.text("active") == Some("false"))
            || block.text("paused") == Some("true");
        if off {
            return 0;
        }
        let mut planned = Vec::new();
        match kind.as_str() {
            "google_cloud_scheduler_job" => planned.extend(self.google(block)),
            "gitlab_pipeline_schedule" => planned.extend(self.gitlab(block)),
            "kubernetes_cron_job" | "kubernetes_cron_job_v1" => planned.extend(self.kubernetes(block)),
            _ => self.amazon(block, kind, MAX_DEPTH, &mut planned),
        }
        if let (Some(other), true) = (block.get("schedule"), planned.is_empty()) {
            let text = other.text().unwrap_or("");
            if !text.is_empty() && !schedule::has_placeholder(text) {
                let why = format!("{kind} has a schedule that no dialect here reads: {text}");
                let place = Place::line(&self.file.path, other.line);
                out.add_gap(Gap::new(place, GapCode::Unresolved, scrub(&why).into_owned()));
            }
        }
        planned.into_iter().map(|planned| u64::from(self.state(block, name, planned, out))).sum()
    }

    fn zone(&self, zone: Option<&str>, else_zone: &str) -> Zone {
        let zone = zone.map(|zone| schedule::fill(zone, self.known).into_owned());
        match zone {
            Some(zone) if schedule::has_placeholder(&zone) => {
                Zone::Unknown(format!("{zone}: the zone of this schedule is filled in elsewhere"))
            }
            Some(zone) => Zone::Stated(Text::from(zone)),
            None => Zone::Stated(Text::from(else_zone)),
        }
    }

    /// What a block starts, by the place that it calls its target.
    fn target(&self, block: &Block, kind: &str) -> String {
        let inside = block
            .block("target")
            .or_else(|| block.block("http_target"))
            .or_else(|| block.block("pubsub_target"));
        let named = ["arn", "uri", "topic_name"].iter().find_map(|name| inside?.text(name));
        named.unwrap_or(kind).to_owned()
    }

    fn google<'b>(&self, block: &'b Block) -> Option<Planned<'b>> {
        Some(Planned {
            schedule: block.get("schedule")?,
            dialect: "vixie",
            zone: self.zone(block.text("time_zone"), "UTC"),
            what: self.target(block, "google_cloud_scheduler_job"),
            guards: Vec::new(),
        })
    }

    fn gitlab<'b>(&self, block: &'b Block) -> Option<Planned<'b>> {
        let zone = block.text("cron_timezone").unwrap_or("UTC");
        let zone = schedule::fill(zone, self.known);
        let branch = block.text("ref").unwrap_or("").trim_start_matches("refs/heads/");
        Some(Planned {
            schedule: block.get("cron")?,
            dialect: "gitlab",
            zone: if schedule::has_placeholder(&zone) {
                self.zone(Some(&zone), "")
            } else {
                gitlab::zone(&zone)
            },
            what: format!("pipeline of {branch}"),
            guards: Vec::new(),
        })
    }

    fn kubernetes<'b>(&self, block: &'b Block) -> Option<Planned<'b>> {
        let spec = block.block("spec")?;
        if spec.text("suspend") == Some("true") {
            return None;
        }
        let policy = spec.text("concurrency_policy").map(|policy| format!("ConcurrencyPolicy={policy}"));
        let zone = match spec.text("timezone").or_else(|| spec.text("time_zone")) {
            None => Zone::Unknown("the cluster's own zone counts, which no file tells".to_owned()),
            zone => self.zone(zone, ""),
        };
        let what = container(spec).unwrap_or_else(|| "kubernetes_cron_job".to_owned());
        Some(Planned {
            schedule: spec.get("schedule")?,
            dialect: "kubernetes",
            zone,
            what,
            guards: policy.into_iter().collect(),
        })
    }

    /// Schedules of Amazon's services, in the resource or in blocks of it.
    fn amazon<'b>(&self, block: &'b Block, kind: &str, depth: usize, planned: &mut Vec<Planned<'b>>) {
        let written = |node: &&Node| {
            let text = node.text().unwrap_or("");
            let held =
                kind.starts_with("aws_") && schedule::placeholders(text).next() == Some((0, text.len()));
            held || ["cron(", "rate(", "at("].iter().any(|open| text.trim_start().starts_with(open))
        };
        let stated =
            block.get("schedule_expression").filter(|node| node.text().is_some_and(|text| !text.is_empty()));
        if let Some(schedule) = stated.or_else(|| block.get("schedule").filter(written)) {
            let window =
                block.block("flexible_time_window").and_then(|it| it.text("maximum_window_in_minutes"));
            planned.push(Planned {
                schedule,
                dialect: if kind == "aws_scheduler_schedule" { "aws-scheduler" } else { "aws" },
                zone: self.zone(block.text("schedule_expression_timezone"), "UTC"),
                what: self.target(block, kind),
                guards: window
                    .map(|minutes| format!("maximum_window_in_minutes={minutes}"))
                    .into_iter()
                    .collect(),
            });
        }
        if depth > 0 {
            for inner in &block.blocks {
                self.amazon(inner, kind, depth - 1, planned);
            }
        }
    }

    fn state(&self, block: &Block, name: &str, planned: Planned<'_>, out: &mut Evidence) -> bool {
        let line = planned.schedule.line;
        let text = filled(planned.schedule, self.known);
        let text = text.text().unwrap_or("");
        if let Err(rejected) = schedule::parse(planned.dialect, text) {
            let why = format!("{text}: {} rejects it: {}", planned.dialect, rejected.reason);
            let place = Place::line(&self.file.path, line);
            out.add_gap(Gap::new(place, GapCode::BadSchedule, scrub(&why).into_owned()));
            return false;
        }
        // A label is one resource in its folder; what attributes call it may be what several are called.
        let folder = self.file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let own = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let environment = BTreeMap::new();
        let address = format!("{}.{name}", block.labels[0]);
        let what = format!("{address} starts {}", schedule::fill(&planned.what, self.known));
        let what = if *planned.what == block.labels[0] { address } else { what };
        let job = Job::of_shell(self.file, self.world, text, planned.dialect, "", &environment);
        Job {
            host: None,
            name: Some(&own),
            zone: planned.zone,
            work: Work::Named(&what),
            guards: planned.guards.into_iter().map(Text::from).collect(),
            line,
            remark: remark_above(self.text, block.line),
            scope: scope_of(&self.file.path, ""),
            ..job
        }
        .state(out);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::node::Kind;
    use super::{Language, Values, blocks, tokens};

    #[test]
    fn blocks_hold_attributes_and_blocks() {
        let text = "resource \"a\" \"b\" {\n  x = \"1\" # no\n  y = [1, 2]\n  z {\n    w = var.v\n  }\n}\nlocals { q = 5 }\n";
        let read = tokens::read(text, Language::Hcl);
        let values = Values::new(text, &read.tokens, Language::Hcl);
        let (told, _) = blocks(&values, 0, 0);
        assert_eq!(told.len(), 2);
        assert_eq!((told[0].text("x"), told[0].line), (Some("1"), 1));
        assert!(matches!(told[0].get("y").map(|y| &y.kind), Some(Kind::List(items)) if items.len() == 2));
        assert_eq!(told[0].block("z").and_then(|z| z.text("w")), Some("${var.v}"));
        assert_eq!(told[1].text("q"), Some("5"));
    }
}
