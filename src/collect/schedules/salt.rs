//! Salt: states of the modules `cron` and `schedule` in SLS files (their reference). Jinja in them stays a
//! placeholder, each branch of it is read by itself; pillars and grains are never read. Of `schedule` only `cron:` is a time that a text tells.

use super::crontab_host::Cron;
use super::job::{Job, Work, remark_above};
use super::manifest::{Template, branches};
use super::node::Node;
use super::{SchedulePlace, World, embedded, yaml};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use std::collections::{BTreeMap, BTreeSet};

/// The dialect of the crontabs that the module writes.
const DIALECT: &str = "vixie";

/// SLS files.
pub struct Salt;

impl SchedulePlace for Salt {
    fn about(&self) -> &'static About {
        &About {
            name: "salt",
            title: "Salt states: cron.present, schedule.present",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let known = |line: &str| {
            let line = line.trim_start_matches([' ', '-']).trim_end();
            ["cron.present:", "cron:", "schedule.present:"].contains(&line)
        };
        file.name().ends_with(".sls") && file.head_text().lines().any(known)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        // A state that is one thing or another is read as each of them.
        let (mut jobs, mut stated) = (0, BTreeSet::new());
        for (at, reading) in branches(text).iter().enumerate() {
            let template = Template::of(reading);
            let read = yaml::read(&template.text);
            if let Some((line, why)) = read.broken {
                out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
            }
            let states = States { file, text, world, template: &template };
            for document in &read.documents {
                for (id, body) in document.entries() {
                    let told =
                        body.entries().iter().filter(|(name, state)| states.state(id, name, state, out));
                    stated.extend(told.map(|(name, _)| name.line));
                }
                // Those of a branch that is read again are the same.
                let written = embedded::in_yaml(document, file, world, out);
                jobs += if at == 0 { written } else { 0 };
            }
        }
        jobs + stated.len() as u64
    }
}

struct States<'a> {
    file: &'a InputFile,
    text: &'a str,
    world: &'a World<'a>,
    template: &'a Template,
}

impl States<'_> {
    /// One state: `cron.present` with a list of arguments, or `cron` with the function among them.
    fn state(&self, id: &Node, name: &Node, arguments: &Node, out: &mut Evidence) -> bool {
        let (module, function) = match name.text().unwrap_or("").split_once('.') {
            Some((module, function)) => (module, Some(function)),
            None => (name.text().unwrap_or(""), None),
        };
        let listed = arguments.items().iter().find_map(Node::text);
        let present = function.or(listed) == Some("present");
        let mut given = BTreeMap::new();
        for argument in arguments.items() {
            for (key, value) in argument.entries() {
                if let (Some(key), Some(value)) = (key.text(), value.text()) {
                    given.insert(key, self.template.unmask(value));
                }
            }
        }
        let id = self.template.unmask(id.text().unwrap_or(""));
        match module {
            "cron" if present => self.cron(&id, name.line, &given, out),
            "schedule" if present => self.schedule(&id, name.line, &given, out),
            _ => false,
        }
    }

    fn cron(&self, id: &str, line: u64, given: &BTreeMap<&str, String>, out: &mut Evidence) -> bool {
        let text = |name: &str| given.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        if text("commented").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
            return false;
        }
        let fields = ["minute", "hour", "daymonth", "month", "dayweek"];
        let schedule = match text("special") {
            Some(special) => format!("@{}", special.trim_start_matches('@')),
            None => fields.map(|field| text(field).unwrap_or("*")).join(" "),
        };
        // The module draws a number of its own for it, once.
        let schedule = schedule.replace("random", "{{ random }}");
        let command = text("name").unwrap_or(id);
        let name = text("identifier").filter(|it| !it.eq_ignore_ascii_case("false")).unwrap_or(id);
        let account = text("user").unwrap_or("root");
        self.job(name, &schedule, Work::Template(command), Some(account), line, out)
    }

    fn schedule(&self, id: &str, line: u64, given: &BTreeMap<&str, String>, out: &mut Evidence) -> bool {
        if given.get("enabled").is_some_and(|it| it.eq_ignore_ascii_case("false")) {
            return false;
        }
        let name = given.get("name").map_or(id, String::as_str);
        match given.get("cron") {
            Some(cron) => {
                let function = given.get("function").map_or("a function of Salt", String::as_str);
                self.job(name, cron, Work::Named(function), None, line, out)
            }
            None => {
                let why = format!("{name}: this schedule of Salt's minion is none that a crontab could say");
                let place = Place::line(&self.file.path, line);
                out.add_gap(Gap::new(place, GapCode::Unresolved, scrub(&why).into_owned()));
                false
            }
        }
    }

    fn job(
        &self,
        name: &str,
        schedule: &str,
        work: Work<'_>,
        account: Option<&str>,
        line: u64,
        out: &mut Evidence,
    ) -> bool {
        if let Err(rejected) = schedule::parse(DIALECT, schedule) {
            let why = format!("{schedule}: cron rejects it: {}", rejected.reason);
            let place = Place::line(&self.file.path, line);
            out.add_gap(Gap::new(place, GapCode::BadSchedule, scrub(&why).into_owned()));
            return false;
        }
        let stem = self.file.path.trim_end_matches(".sls");
        let own = format!("{}/{name}", stem.strip_suffix("/init").unwrap_or(stem));
        let environment = BTreeMap::new();
        let job = Job::of_shell(self.file, self.world, schedule, DIALECT, "", &environment);
        Job {
            host: None,
            name: Some(&own),
            zone: Cron::Debian.zone_below(self.world, None, &environment),
            account: account.map(Text::from),
            work,
            line,
            remark: remark_above(self.text, line),
            scope: scope_of(&self.file.path, ""),
            ..job
        }
        .state(out);
        true
    }
}
