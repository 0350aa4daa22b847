//! Jobs of Ruby's queues that a clock starts: sidekiq-cron, sidekiq-scheduler, resque-scheduler, solid_queue, good_job.
//! In YAML (`config/schedule.yml`, `sidekiq.yml`, `recurring.yml`) and in Ruby, wherever a hash has both a `cron` or
//! `every` and a `class`, or settings are assigned as `cron_jobs['name']['cron'] = '…'`. Their schedules are fugit's.
//! sidekiq-cron counts in UTC unless the schedule names a zone; the others in the zone of their process, which no such
//! file tells. What a job does is its class; ERB stays a placeholder.

use super::job::{Job, Part, Work, Zone, remark_above};
use super::node::{Kind as NodeKind, Node};
use super::ruby::Names;
use super::tokens::{self, Kind, Language};
use super::values::Values;
use super::yaml;
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule::{self, Clock};
use std::collections::BTreeMap;

const DIALECT: &str = "fugit";
/// How deep below the root of a YAML file its jobs may lie (`production: scheduler: schedule: name:`).
const MAX_LEVELS: usize = 5;
/// How many words an entry in Ruby may have.
const MAX_ENTRY: usize = 2000;
/// What is said of times whose zone no file tells.
const ZONE: &str = "their scheduler counts in the zone of its process (Rails' Time.zone, TZ, or the host's), which this \
                    file does not tell; a zone at the end of the schedule would";

/// The keys that say when.
const WHEN: [&str; 4] = ["cron", "every", "interval", "schedule"];
/// The keys that say what.
const WHAT: [&str; 5] = ["class", "klass", "job_class", "custom_job_class", "command"];

/// YAML.
pub struct Yaml;
/// Ruby.
pub struct Ruby;

impl SchedulePlace for Yaml {
    fn about(&self) -> &'static About {
        &About {
            name: "sidekiq-yaml",
            title: "sidekiq-cron, sidekiq-scheduler, resque-scheduler, solid_queue: YAML",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let name = file.name();
        let name = name.strip_suffix(".erb").unwrap_or(name);
        let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
        if !yaml || !["schedule", "sidekiq", "resque", "recurring", "cron"].iter().any(|it| name.contains(it))
        {
            return false;
        }
        let head = file.head_text();
        let key = |keys: &[&str]| {
            head.lines().any(|line| {
                let line = line.trim_start().trim_start_matches(['-', ' ', ':', '"', '\'']);
                let (key, rest) = line.split_once(':').unwrap_or((line, "no"));
                keys.contains(&key.trim_end_matches(['"', '\'']))
                    && (rest.is_empty() || rest.starts_with(' '))
            })
        };
        key(&WHEN) && (key(&WHAT) || (name.contains("sidekiq") && key(&["schedule"])))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let blanked = without_code(text);
        let read = yaml::read(&blanked);
        if let Some((line, why)) = read.broken {
            out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
        }
        let in_utc = file.name().starts_with("schedule") || text.contains("sidekiq-cron");
        let mut found = Found { file, text, world, out, in_utc, count: 0 };
        for document in &read.documents {
            found.level(document, None, 0);
        }
        found.count
    }
}

/// ERB that stands by itself on a line is code around the YAML, not a value in it: it is left out.
fn without_code(text: &str) -> String {
    let is_code = |line: &str| {
        let line = line.trim();
        line.starts_with("<%") && !line.starts_with("<%=") && line.ends_with("%>")
    };
    let lines = text.split_inclusive('\n').map(|line| if is_code(line) { "\n" } else { line });
    lines.collect()
}

impl SchedulePlace for Ruby {
    fn about(&self) -> &'static About {
        &About {
            name: "sidekiq-ruby",
            title: "sidekiq-cron, sidekiq-scheduler, resque-scheduler, good_job: Ruby",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let has = |word: &str| memchr::memmem::find(&file.head, word.as_bytes()).is_some();
        let product = ["Sidekiq", "sidekiq", "Resque.schedule", "good_job", "GoodJob", "cron_jobs"];
        file.name().ends_with(".rb")
            && (has("cron:") || has(":cron ") || has("'cron'") || has("\"cron\"") || has("every:"))
            && product.iter().any(|word| has(word))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let read = tokens::read(text, Language::Ruby);
        if let Some((line, why)) = read.broken {
            out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
        }
        let values = Values::new(text, &read.tokens, Language::Ruby);
        let names = Names::of(&values);
        let in_utc = text.contains("Sidekiq::Cron") || text.contains("cron_jobs");
        let mut found = Found { file, text, world, out, in_utc, count: 0 };
        for (name, entry) in hashes(&values).into_iter().chain(assigned(&values)) {
            found.entry(name.as_deref(), &names_in(&entry, &names));
        }
        found.count
    }
}

/// The hashes and argument lists that have a key that says when and one that says what, with the key before them.
fn hashes(values: &Values<'_>) -> Vec<(Option<String>, Node)> {
    let (mut found, mut open, mut done): (_, Vec<usize>, usize) = (Vec::new(), Vec::new(), 0);
    for at in 0..values.tokens.len() {
        let token = &values.tokens[at];
        if token.kind == Kind::Sign {
            match token.text.as_str() {
                "{" | "(" | "[" => open.push(at),
                "}" | ")" | "]" => drop(open.pop()),
                _ => {}
            }
            continue;
        }
        let key = WHEN.contains(&token.text.as_str()) && (values.is(at + 1, ":") || values.is(at + 1, "=>"));
        let Some(start) = open.last().copied().filter(|start| key && *start >= done) else { continue };
        if values.closing(start) > start + MAX_ENTRY {
            continue;
        }
        let entry = values.map_at(start);
        if WHAT.iter().any(|what| entry.get(what).is_some()) {
            found.push((name_before(values, start), entry));
            done = values.closing(start);
        }
    }
    found
}

/// The key whose value begins there.
fn name_before(values: &Values<'_>, start: usize) -> Option<String> {
    let sign = start.checked_sub(1).filter(|sign| values.is(*sign, "=>") || values.is(*sign, ":"))?;
    values.get(sign.checked_sub(1)?).filter(|token| token.kind != Kind::Sign).map(|token| token.text.clone())
}

/// `cron_jobs['name']['cron'] ||= '…'` and what else is assigned to the same name.
fn assigned(values: &Values<'_>) -> Vec<(Option<String>, Node)> {
    let text_at = |at: usize| values.get(at).filter(|token| token.kind == Kind::Text);
    let mut jobs: BTreeMap<String, Vec<(Node, Node)>> = BTreeMap::new();
    for at in 0..values.tokens.len() {
        let (Some(name), Some(key)) = (text_at(at + 1), text_at(at + 4)) else { continue };
        let shape =
            values.is(at, "[") && values.is(at + 2, "]") && values.is(at + 3, "[") && values.is(at + 5, "]");
        let sign = if values.is(at + 6, "||") { at + 7 } else { at + 6 };
        let known = WHEN.contains(&key.text.as_str()) || WHAT.contains(&key.text.as_str());
        if shape && known && values.is(sign, "=") {
            let value = values.value(values.skip_lines(sign + 1), &["if", "unless"]).0;
            let key = super::values::scalar(key.line, key.text.clone());
            jobs.entry(name.text.clone()).or_default().push((key, value));
        }
    }
    let whole = jobs.into_iter().filter(|(_, entries)| {
        entries.iter().any(|(key, _)| key.text().is_some_and(|key| WHEN.contains(&key)))
    });
    whole
        .map(|(name, entries)| (Some(name), Node { line: entries[0].0.line, kind: NodeKind::Map(entries) }))
        .collect()
}

fn names_in(entry: &Node, names: &Names) -> Node {
    let entries = entry.entries().iter().map(|(key, value)| (key.clone(), names.fill(value)));
    Node { line: entry.line, kind: NodeKind::Map(entries.collect()) }
}

struct Found<'a> {
    file: &'a InputFile,
    text: &'a str,
    world: &'a World<'a>,
    out: &'a mut Evidence,
    /// Whether its scheduler counts in UTC where the schedule names no zone.
    in_utc: bool,
    count: u64,
}

/// A key with or without the colon that makes it a symbol.
fn plain(key: &str) -> &str {
    key.trim_start_matches(':').trim_end_matches(':')
}

fn get<'n>(entry: &'n Node, key: &str) -> Option<&'n Node> {
    entry.get(key).or_else(|| {
        entry.entries().iter().find(|(own, _)| own.text().map(plain) == Some(key)).map(|(_, value)| value)
    })
}

/// The text of a value, of a list that of its first element.
fn first_text(value: &Node) -> Option<&str> {
    value.text().or_else(|| value.items().first().and_then(Node::text))
}

impl Found<'_> {
    /// The jobs of one level of a YAML file, under the name of their parent.
    fn level(&mut self, node: &Node, name: Option<&str>, depth: usize) {
        if depth > MAX_LEVELS {
            return;
        }
        let is_job = WHEN.iter().any(|when| get(node, when).is_some_and(|value| first_text(value).is_some()));
        if is_job && (WHAT.iter().any(|what| get(node, what).is_some()) || depth > 1) {
            self.entry(name, node);
            return;
        }
        for item in node.items() {
            self.level(item, None, depth + 1);
        }
        for (key, value) in node.entries() {
            self.level(value, key.text().map(plain), depth + 1);
        }
    }

    fn entry(&mut self, key: Option<&str>, entry: &Node) {
        let text = |name: &str| get(entry, name).and_then(first_text).filter(|text| !text.is_empty());
        let off = text("status") == Some("disabled") || text("enabled") == Some("false");
        if off {
            return;
        }
        let name = text("name").or(key);
        let class = WHAT.iter().find_map(|what| text(what)).or(name).unwrap_or("a job");
        let class = class.trim_start_matches("#{").trim_end_matches('}').trim_end_matches(".to_s");
        let Some((when, value)) = WHEN.iter().find_map(|when| Some((*when, get(entry, when)?))) else {
            return;
        };
        let Some(schedule) = first_text(value).filter(|text| !text.is_empty()) else {
            let why = format!("the schedule of {class} is computed");
            return self.gap(value.line, GapCode::Unresolved, &why);
        };
        let schedule = length(schedule).unwrap_or_else(|| schedule.to_owned());
        let parsed = match schedule::parse(DIALECT, &schedule) {
            Ok(parsed) => parsed,
            Err(rejected) => {
                let why =
                    format!("{schedule}: fugit rejects it, or it is not read here: {}", rejected.reason);
                return self.gap(value.line, GapCode::BadSchedule, &why);
            }
        };
        let zone = match (parsed.clock(), parsed.zone()) {
            (Clock::Interval { .. }, _) => Zone::None,
            (_, Some(zone)) => Zone::Stated(Text::from(zone)),
            (_, None) if self.in_utc && when == "cron" => Zone::Stated(Text::from("UTC")),
            (_, None) => Zone::OfProcess(ZONE),
        };
        let owner =
            self.file.path.split("/config/").next().filter(|owner| owner.len() < self.file.path.len());
        let owner = owner.and_then(|owner| owner.rsplit('/').next()).filter(|owner| *owner != "config");
        let name = name.unwrap_or(class);
        let name = owner.map_or(name.to_owned(), |owner| format!("{owner}/{name}"));
        let environment = BTreeMap::new();
        let from = Job::of_shell(self.file, self.world, &schedule, DIALECT, "", &environment);
        Job {
            name: Some(&name),
            zone,
            work: Work::Code {
                shown: class,
                part: Part::of_class(&file_of(class), &[".rb"], self.file, self.world),
            },
            line: value.line,
            remark: remark_above(self.text, entry.line),
            scope: scope_of(&self.file.path, ""),
            ..from
        }
        .state(self.out);
        self.count += 1;
    }

    fn gap(&mut self, line: u64, code: GapCode, why: &str) {
        self.out.add_gap(Gap::new(Place::line(&self.file.path, line), code, scrub(why).into_owned()));
    }
}

/// The file of a class as Rails' autoloader looks for it: `Admin::PurgeWorker` is `admin/purge_worker`.
fn file_of(class: &str) -> String {
    let mut out = String::new();
    let class = class.replace("::", "/");
    let chars: Vec<char> = class.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let begins = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_ascii_uppercase()
                        && chars.get(at + 1).is_some_and(char::is_ascii_lowercase))
            });
        if begins {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// `5.minutes` of Ruby as fugit has lengths of time.
fn length(text: &str) -> Option<String> {
    let inner = text.strip_prefix("#{")?.strip_suffix('}')?;
    let (number, unit) = inner.trim_end_matches(".to_i").trim_end_matches(".to_s").split_once('.')?;
    let known = ["second", "minute", "hour", "day", "week"].contains(&unit.trim_end_matches('s'));
    (known && number.bytes().all(|b| b.is_ascii_digit())).then(|| format!("{number} {unit}"))
}
