//! Chef: jobs in recipes and custom resources, by its resources `cron`, `cron_d` and `systemd_unit` (their reference),
//! and by `systemd_timer` with the settings of systemd.timer(5) as properties, as operations trees define it. Node
//! attributes stay placeholders; nothing is run.

mod installed;
mod recipe;

use super::crontab::Table;
use super::crontab_host::Cron;
use super::job::{Job, Work, remark_above};
use super::node::{Kind, Node};
use super::units::{self, Timer};
use super::values::filled;
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
pub use installed::Files;
use recipe::{Recipe, Resource};
use std::collections::BTreeMap;

/// The resources that are read.
const TYPES: [&str; 6] = ["cron", "cron_d", "systemd_timer", "systemd_unit", "systemd_service", "file"];
/// Actions after which a resource is not there, or does not start anything.
const OFF: [&str; 4] = ["delete", "remove", "disable", "nothing"];

/// Recipes and custom resources.
pub struct Chef;

impl SchedulePlace for Chef {
    fn about(&self) -> &'static About {
        &About {
            name: "chef",
            title: "Chef recipes: cron, cron_d, systemd_timer, systemd_unit",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let begins = |line: &str| {
            let mut words = line.split_whitespace();
            let known = words
                .next()
                .is_some_and(|word| ["cron", "cron_d", "systemd_timer", "systemd_unit"].contains(&word));
            known
                && words.next().is_some_and(|word| {
                    word.starts_with(['"', '\'', ':']) || line.trim_end().ends_with(" do")
                })
        };
        let crontab = |line: &str| line.trim_start().starts_with("file ") && line.contains("/etc/cron.d/");
        file.name().ends_with(".rb") && file.head_text().lines().any(|line| begins(line) || crontab(line))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let recipe = recipe::read(text, &TYPES);
        if let Some((line, why)) = recipe.broken {
            out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
        }
        let mut stating = Stating { file, text, world, recipe: &recipe, owner: owner(&file.path), out };
        recipe.resources.iter().map(|resource| stating.resource(resource)).sum()
    }
}

/// The cookbook, by its path, and the recipe, as Chef names them: `cookbooks/planet`, `cookbooks/planet::notes`.
fn owner(path: &str) -> String {
    let stem = path.strip_suffix(".rb").unwrap_or(path);
    for kind in ["/recipes/", "/resources/", "/providers/", "/definitions/"] {
        if let Some((cookbook, name)) = stem.rsplit_once(kind) {
            return if name == "default" { cookbook.to_owned() } else { format!("{cookbook}::{name}") };
        }
    }
    stem.to_owned()
}

/// A job that a resource describes.
struct Planned<'a> {
    name: &'a str,
    schedules: Vec<String>,
    dialect: &'static str,
    account: Option<String>,
    command: Option<String>,
    environment: BTreeMap<String, String>,
    guards: Vec<String>,
    line: u64,
}

struct Stating<'a> {
    file: &'a InputFile,
    text: &'a str,
    world: &'a World<'a>,
    recipe: &'a Recipe,
    owner: String,
    out: &'a mut Evidence,
}

impl Stating<'_> {
    fn fill(&self, value: &Node) -> Node {
        filled(value, &|placeholder| {
            let name = placeholder.strip_prefix("#{")?.strip_suffix('}')?.trim();
            let known = self.recipe.variables.get(name).and_then(Node::text);
            known.filter(|_| !crate::evidence::scrub::names_secret(name)).map(str::to_owned)
        })
    }

    fn resource(&mut self, resource: &Resource) -> u64 {
        let properties: BTreeMap<&str, Node> =
            resource.properties.iter().map(|(name, value)| (name.as_str(), self.fill(value))).collect();
        let name = self.fill(&resource.name);
        let name = name.text().unwrap_or("");
        let actions = properties.get("action").map(texts).unwrap_or_default();
        if actions.iter().any(|action| OFF.contains(&action.trim_start_matches(':'))) {
            return 0;
        }
        let planned = match resource.kind.as_str() {
            "cron" | "cron_d" => self.cron(resource, name, &properties),
            "systemd_timer" | "systemd_unit" => match self.timer(resource, name, &properties) {
                Some(planned) => Ok(planned),
                None => return 0,
            },
            "file" => return self.crontab(name, &properties),
            _ => return 0,
        };
        match planned {
            Ok(planned) => u64::from(self.state(&planned)),
            Err(why) => {
                self.gap(resource.line, GapCode::Unresolved, why);
                0
            }
        }
    }

    fn cron<'p>(
        &self,
        resource: &Resource,
        name: &'p str,
        properties: &BTreeMap<&str, Node>,
    ) -> Result<Planned<'p>, &'static str> {
        let text = |name: &str| properties.get(name).and_then(Node::text).filter(|text| !text.is_empty());
        let fields = ["minute", "hour", "day", "month", "weekday"];
        let field = |name: &str| {
            let told: Vec<String> =
                properties.get(name).map(texts).unwrap_or_default().into_iter().map(short).collect();
            if told.is_empty() { "*".to_owned() } else { told.join(",") }
        };
        let schedule = match text("time").or_else(|| text("predefined_value")) {
            Some(keyword) => format!("@{}", keyword.trim_start_matches('@')),
            None => fields.map(field).join(" "),
        };
        let command = text("command").ok_or("a cron resource without a command")?;
        let pairs = properties.get("environment").map(Node::entries).unwrap_or_default().iter();
        let mut environment: BTreeMap<String, String> = pairs
            .filter_map(|(name, value)| Some((name.text()?.to_owned(), value.text()?.to_owned())))
            .collect();
        for (property, variable) in [("path", "PATH"), ("home", "HOME"), ("shell", "SHELL")] {
            environment.extend(text(property).map(|value| (variable.to_owned(), value.to_owned())));
        }
        let delay = text("random_delay").map(|minutes| format!("RANDOM_DELAY={minutes}"));
        Ok(Planned {
            name,
            schedules: vec![schedule],
            dialect: "vixie",
            account: Some(text("user").unwrap_or("root").to_owned()),
            command: Some(command.to_owned()),
            environment,
            guards: delay.into_iter().collect(),
            line: resource.line,
        })
    }

    /// A timer with its settings as properties, as a hash, or as the text of its unit; `None`: it is no timer.
    fn timer<'p>(
        &self,
        resource: &Resource,
        name: &'p str,
        properties: &'p BTreeMap<&str, Node>,
    ) -> Option<Planned<'p>> {
        let text = |name: &str| properties.get(name).and_then(Node::text).filter(|text| !text.is_empty());
        let mut timer = Timer::default();
        let mut name = name;
        if resource.kind == "systemd_unit" {
            let own = name.strip_suffix(".timer").filter(|_| !name.contains(".d/"))?;
            let content = properties.get("content")?;
            match &content.kind {
                Kind::Text(text) => timer = units::timer(text),
                _ => {
                    for (setting, value) in content.get("Timer").map(Node::entries).unwrap_or_default() {
                        for value in texts(value) {
                            timer.set(setting.text().unwrap_or(""), value);
                        }
                    }
                }
            }
            name = own;
        } else {
            for (property, value) in properties {
                for value in texts(value) {
                    timer.set(&setting_of(property), value);
                }
            }
            timer.unit = text("unit").map(str::to_owned);
            name = properties.get("timer").and_then(Node::text).unwrap_or(name);
        }
        // Without a schedule it is a drop-in that changes something else.
        if timer.schedules.is_empty() {
            return None;
        }
        let unit = timer.unit.unwrap_or_else(|| format!("{name}.service"));
        let (command, account) = self.service(&unit);
        Some(Planned {
            name,
            schedules: timer.schedules,
            dialect: units::DIALECT,
            account,
            command,
            environment: BTreeMap::new(),
            guards: timer.guards,
            line: resource.line,
        })
    }

    /// What the service of the same text runs, and as whom.
    fn service(&self, unit: &str) -> (Option<String>, Option<String>) {
        let stem = unit.strip_suffix(".service").unwrap_or(unit);
        let named = |it: &&Resource| {
            let name = self.fill(&it.name);
            let name = name.text().unwrap_or("");
            (it.kind == "systemd_service" && name == stem) || (it.kind == "systemd_unit" && name == unit)
        };
        let Some(service) = self.recipe.resources.iter().find(named) else { return (None, None) };
        let content = service.properties.get("content");
        let setting = |property: &str, setting: &str| {
            let inside = content.and_then(|it| it.get("Service")).and_then(|it| it.get(setting));
            let value = service.properties.get(property).or(inside).map(|value| self.fill(value))?;
            let told = texts(&value).join("; ");
            (!told.is_empty()).then_some(told)
        };
        (setting("exec_start", "ExecStart"), setting("user", "User"))
    }

    fn gap(&mut self, line: u64, code: GapCode, why: &str) {
        self.out.add_gap(Gap::new(Place::line(&self.file.path, line), code, scrub(why).into_owned()));
    }

    fn state(&mut self, planned: &Planned<'_>) -> bool {
        for schedule in &planned.schedules {
            if let Err(rejected) = schedule::parse(planned.dialect, schedule) {
                let why = format!("{schedule}: {} rejects it: {}", planned.dialect, rejected.reason);
                self.gap(planned.line, GapCode::BadSchedule, &why);
                return false;
            }
        }
        let name = format!("{}/{}", self.owner, planned.name);
        let service = format!("{}.service", planned.name);
        let work = match &planned.command {
            Some(command) => Work::Template(command),
            None => Work::Named(&service),
        };
        let account = planned.account.as_deref();
        let job = Job::of_shell(self.file, self.world, "", planned.dialect, "", &planned.environment);
        Job {
            host: None,
            name: Some(&name),
            schedules: planned.schedules.clone(),
            zone: Cron::Debian.zone_below(self.world, None, &planned.environment),
            account: account.map(Text::from),
            work,
            guards: planned.guards.iter().map(|guard| Text::from(scrub(guard))).collect(),
            line: planned.line,
            remark: remark_above(self.text, planned.line),
            scope: scope_of(&self.file.path, ""),
            ..job
        }
        .state(self.out);
        true
    }

    /// A crontab that a `file` resource holds as text.
    fn crontab(&mut self, name: &str, properties: &BTreeMap<&str, Node>) -> u64 {
        let path = properties.get("path").and_then(Node::text).unwrap_or(name);
        let Some(content) = properties.get("content") else { return 0 };
        let text = content.text().unwrap_or("");
        if !path.contains("/etc/cron.d/")
            || schedule::placeholders(text.trim()).next() == Some((0, text.trim().len()))
        {
            return 0;
        }
        let (file, world, first_line) = (self.file, self.world, content.line);
        let scope = scope_of(&file.path, "");
        Table {
            file,
            world,
            cron: Cron::Debian,
            host: None,
            user_column: true,
            account: None,
            template: true,
            first_line,
            use_of: None,
            scope,
        }
        .read(text, self.out)
    }
}

/// The texts of a scalar or of a list.
fn texts(value: &Node) -> Vec<&str> {
    match value.kind {
        Kind::List(_) => value.items().iter().filter_map(Node::text).collect(),
        _ => value.text().into_iter().collect(),
    }
}

/// A whole name of a month or a weekday, as Chef takes them, as crontabs have it.
fn short(value: &str) -> String {
    let whole = value.len() > 3 && value.bytes().all(|b| b.is_ascii_alphabetic());
    if whole { value[..3].to_lowercase() } else { value.to_owned() }
}

/// `on_unit_active_sec` as systemd.timer(5) has it.
fn setting_of(property: &str) -> String {
    let mut told = String::new();
    for part in property.split('_') {
        let mut letters = part.chars();
        told.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        told.push_str(letters.as_str());
    }
    told
}
