//! What resources of Puppet say of jobs: its own type `cron` (the type reference of the module cron_core), the defines
//! of the modules puppet-cron and puppet-systemd (their README), and `systemd::timer::job` as operations trees write
//! it (`interval => { start, interval }`). A define that only wraps one of these is no matter of this file.

use super::super::node::{Kind, Node};
use super::super::units;
use super::manifest::Attributes;

/// A job that a resource describes.
#[derive(Debug, Default)]
pub(super) struct Planned {
    /// Its schedules; several add up.
    pub schedules: Vec<String>,
    /// The dialect they are written in.
    pub dialect: &'static str,
    /// Whose it is.
    pub account: Option<String>,
    /// What a shell or systemd runs.
    pub command: Option<String>,
    /// What is set before it starts.
    pub environment: Vec<String>,
    /// What holds it back.
    pub guards: Vec<String>,
}

/// The defines of puppet-cron that fill in a part of the schedule: name, and what holds for minute, hour, day of the
/// month, month and weekday unless it is given.
const DEFINES: [(&str, [&str; 5]); 9] = [
    ("cron", ["*", "*", "*", "*", "*"]),
    ("cron::job", ["*", "*", "*", "*", "*"]),
    ("cron::hourly", ["0", "*", "*", "*", "*"]),
    ("cron::daily", ["0", "0", "*", "*", "*"]),
    ("cron::weekly", ["0", "0", "*", "*", "0"]),
    ("cron::monthly", ["0", "0", "1", "*", "*"]),
    ("cron_core::job", ["*", "*", "*", "*", "*"]),
    ("cron::user::crontab", ["*", "*", "*", "*", "*"]),
    ("cron::jobs", ["*", "*", "*", "*", "*"]),
];

/// Whether resources of this type are jobs.
pub(super) fn is_job(kind: &str) -> bool {
    DEFINES.iter().any(|(name, _)| *name == kind)
        || ["systemd::timer::job", "systemd::timer", "systemd::unit_file", "systemd::manage_unit"]
            .contains(&kind)
}

/// Whether a resource is there at all.
pub(super) fn is_off(attributes: &Attributes) -> bool {
    let ensure = attributes.get("ensure").and_then(Node::text);
    ensure.is_some_and(|ensure| ["absent", "purged", "false", "stopped"].contains(&ensure))
}

fn text<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.get(name).and_then(Node::text).filter(|text| !text.is_empty())
}

/// The texts of a scalar or of a list.
fn texts(value: &Node) -> Vec<&str> {
    match value.kind {
        Kind::List(_) => value.items().iter().filter_map(Node::text).collect(),
        _ => value.text().into_iter().collect(),
    }
}

/// The job that a resource of such a type is; `Ok(None)`: it is none after all.
pub(super) fn planned(kind: &str, title: &str, attributes: &Attributes) -> Result<Option<Planned>, String> {
    match DEFINES.iter().find(|(name, _)| *name == kind) {
        Some((_, usual)) => cron(attributes, *usual).map(Some),
        None => timer(kind, title, attributes),
    }
}

fn cron(attributes: &Attributes, usual: [&str; 5]) -> Result<Planned, String> {
    if attributes.contains_key("*") {
        return Err("the schedule of this resource is computed: its attributes are a hash".to_owned());
    }
    let special = text(attributes, "special").filter(|special| *special != "absent");
    let names = [["minute", ""], ["hour", ""], ["monthday", "date"], ["month", ""], ["weekday", ""]];
    let field = |names: [&str; 2], usual: &str| {
        let value = names.iter().find_map(|name| attributes.get(*name));
        let told: Vec<String> = value.map(texts).unwrap_or_default().into_iter().map(named).collect();
        let told = told.join(",");
        if told.is_empty() || told == "absent" { usual.to_owned() } else { told }
    };
    let schedule = match special {
        Some(special) => format!("@{}", special.trim_start_matches('@')),
        None => {
            names.iter().zip(usual).map(|(names, usual)| field(*names, usual)).collect::<Vec<_>>().join(" ")
        }
    };
    let command = text(attributes, "command").map(str::to_owned);
    if command.is_none() {
        return Err("a cron resource without a command".to_owned());
    }
    Ok(Planned {
        schedules: vec![schedule],
        dialect: "vixie",
        // The type runs as whoever Puppet runs as, the defines as root.
        account: Some(text(attributes, "user").unwrap_or("root").to_owned()),
        command,
        environment: attributes
            .get("environment")
            .map(texts)
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        guards: Vec::new(),
    })
}

/// A name of a month or a weekday as crontabs have it: Puppet takes whole ones.
fn named(value: &str) -> String {
    let whole = value.len() > 3 && value.bytes().all(|b| b.is_ascii_alphabetic()) && value != "absent";
    if whole { value[..3].to_lowercase() } else { value.to_owned() }
}

fn timer(kind: &str, title: &str, attributes: &Attributes) -> Result<Option<Planned>, String> {
    let content = ["timer_content", "content"].iter().find_map(|name| text(attributes, name));
    let interval = attributes.get("interval").or_else(|| attributes.get("timer_intervals"));
    let mut planned = Planned {
        dialect: units::DIALECT,
        account: text(attributes, "user").map(str::to_owned),
        ..Planned::default()
    };
    let command = attributes.get("command").map(texts).unwrap_or_default();
    planned.command = (!command.is_empty()).then(|| command.join("; "));
    if let Some(splay) = text(attributes, "splay").filter(|splay| *splay != "0") {
        planned.guards.push(format!("RandomizedDelaySec={splay}"));
    }
    match (interval, content) {
        (Some(interval), _) => {
            let several =
                if interval.items().is_empty() { std::slice::from_ref(interval) } else { interval.items() };
            for one in several {
                planned.schedules.push(schedule_of(one)?);
            }
        }
        (None, Some(content)) => {
            let is_unit = kind.starts_with("systemd::timer") || title.ends_with(".timer");
            let unit = units::timer(content);
            if !is_unit || (unit.schedules.is_empty() && crate::schedule::has_placeholder(content)) {
                // The template is read where it stands.
                return Ok(None);
            }
            planned.guards.extend(unit.guards);
            planned.schedules = unit.schedules;
        }
        (None, None) => {
            let here = attributes.contains_key("*");
            return if here {
                Err("the schedule of this timer is computed: its attributes are a hash".to_owned())
            } else {
                Ok(None)
            };
        }
    }
    if planned.schedules.is_empty() {
        return Err("a timer without a schedule".to_owned());
    }
    Ok(Some(planned))
}

/// `{ 'start' => 'OnCalendar', 'interval' => 'daily' }`, or only the expression.
fn schedule_of(interval: &Node) -> Result<String, String> {
    if let Some(text) = interval.text() {
        return Ok(text.to_owned());
    }
    let part = |name: &str| interval.get(name).and_then(Node::text);
    match (part("start"), part("interval")) {
        (Some(start), Some(value)) => Ok(units::schedule(start, value)),
        _ => Err("the interval of this timer says no start and no interval".to_owned()),
    }
}
