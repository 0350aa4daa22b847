//! Salt: states of the modules `cron` and `schedule` in SLS files (their reference), and the schedules that pillars and settings
//! give minions and masters ("Scheduling Jobs"). Jinja in them stays a placeholder, each branch of it is read by itself; other
//! pillars and grains are never read.

use super::crontab_host::Cron;
use super::job::{Job, Work, Zone, remark_above};
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

/// The dialect of a time between two runs.
const BETWEEN: &str = "systemd";

/// `1:00am`, `17:30`, `Monday 3pm` as five fields: the times of `when` that come again; `None`: another one.
fn time_of_day(when: &str) -> Option<String> {
    const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let text = when.trim().to_ascii_lowercase();
    let (day, time) = match text.split_once(' ') {
        Some((word, rest)) if DAYS.iter().any(|day| word.len() >= 3 && day.starts_with(word)) => {
            (DAYS.iter().position(|day| day.starts_with(word)), rest.trim())
        }
        _ => (None, text.as_str()),
    };
    let (digits, noon) = match (time.strip_suffix("am"), time.strip_suffix("pm")) {
        (Some(rest), _) => (rest.trim(), Some(false)),
        (_, Some(rest)) => (rest.trim(), Some(true)),
        _ => (time, None),
    };
    // A number alone is no time of day.
    let (hour, minute) = match digits.split_once(':') {
        Some((hour, minute)) => (hour, minute.strip_suffix(":00").unwrap_or(minute)),
        None if noon.is_some() => (digits, "0"),
        None => return None,
    };
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let hour = match noon {
        Some(after) if (1..=12).contains(&hour) => hour % 12 + if after { 12 } else { 0 },
        Some(_) => return None,
        None => hour,
    };
    let day = day.map_or("*".to_owned(), |day| day.to_string());
    (hour < 24 && minute < 60).then(|| format!("{minute} {hour} * * {day}"))
}

/// SLS files.
pub struct Salt;

impl SchedulePlace for Salt {
    fn about(&self) -> &'static About {
        &About {
            name: "salt",
            title: "Salt: cron.present, schedule.present, schedules of pillars and settings",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let known = |line: &str| {
            let line = line.trim_start_matches([' ', '-']).trim_end();
            ["cron.present:", "cron:", "schedule.present:"].contains(&line)
        };
        // What minions and masters are told to do stands at the top of a pillar or of their settings.
        let of_salt = |line: &str| line.trim_end() == "schedule:";
        let settings = file.name().ends_with(".conf")
            && ["/minion.d/", "/master.d/", "/proxy.d/"].iter().any(|folder| file.path.contains(folder));
        let states = file.name().ends_with(".sls");
        (states || settings) && file.head_text().lines().any(|line| states && known(line) || of_salt(line))
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
                    if id.text() == Some("schedule") {
                        let told = body.entries().iter().filter(|(name, job)| states.planned(name, job, out));
                        stated.extend(told.map(|(name, _)| name.line));
                    }
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
        self.job((DIALECT, &schedule), name, Work::Template(command), Some(account), line, out)
    }

    fn schedule(&self, id: &str, line: u64, given: &BTreeMap<&str, String>, out: &mut Evidence) -> bool {
        if given.get("enabled").is_some_and(|it| it.eq_ignore_ascii_case("false")) {
            return false;
        }
        let name = given.get("name").map_or(id, String::as_str);
        self.planned_at(name, line, given, &[], out)
    }

    /// One job of a `schedule:` that a pillar or the settings of a minion or master have.
    fn planned(&self, name: &Node, job: &Node, out: &mut Evidence) -> bool {
        let text = |value: &Node| value.text().map(|text| self.template.unmask(text));
        let given: BTreeMap<&str, String> =
            job.entries().iter().filter_map(|(key, value)| Some((key.text()?, text(value)?))).collect();
        if !given.contains_key("function")
            || given.get("enabled").is_some_and(|it| it.eq_ignore_ascii_case("false"))
        {
            return false;
        }
        let when: Vec<String> =
            job.get("when").map(|when| when.items().iter().filter_map(text).collect()).unwrap_or_default();
        let line = name.line;
        let name = self.template.unmask(name.text().unwrap_or(""));
        self.planned_at(&name, line, &given, &when, out)
    }

    /// A job of the scheduler of minions and masters: `cron`, one `when` or several, or a time between its runs.
    fn planned_at(
        &self,
        name: &str,
        line: u64,
        given: &BTreeMap<&str, String>,
        several: &[String],
        out: &mut Evidence,
    ) -> bool {
        let function = given.get("function").map_or("a function of Salt", String::as_str);
        let single = given.get("when").into_iter();
        let times: Option<Vec<String>> = single.chain(several).map(|when| time_of_day(when)).collect();
        let lengths = ["days", "hours", "minutes", "seconds"];
        let length: Vec<String> = lengths
            .iter()
            .filter_map(|unit| Some(format!("{}{}", given.get(unit)?.trim(), &unit[..unit.len() - 1])))
            .collect();
        let told: Vec<(&str, String)> = match (given.get("cron"), times) {
            (Some(cron), _) => vec![(DIALECT, cron.clone())],
            (None, Some(times)) if !times.is_empty() => {
                times.into_iter().map(|time| (DIALECT, time)).collect()
            }
            (None, Some(_)) if !length.is_empty() => {
                vec![(BETWEEN, format!("OnUnitActiveSec={}", length.join(" ")))]
            }
            _ => Vec::new(),
        };
        if told.is_empty() {
            let why =
                format!("{name}: when this schedule of Salt runs is not told by a time that is known here");
            let place = Place::line(&self.file.path, line);
            out.add_gap(Gap::new(place, GapCode::Unresolved, scrub(&why).into_owned()));
        }
        let mut stated = false;
        for (dialect, schedule) in told {
            stated |= self.job((dialect, &schedule), name, Work::Named(function), None, line, out);
        }
        stated
    }

    fn job(
        &self,
        (dialect, schedule): (&'static str, &str),
        name: &str,
        work: Work<'_>,
        account: Option<&str>,
        line: u64,
        out: &mut Evidence,
    ) -> bool {
        if let Err(rejected) = schedule::parse(dialect, schedule) {
            let why = format!("{schedule}: cron rejects it: {}", rejected.reason);
            let place = Place::line(&self.file.path, line);
            out.add_gap(Gap::new(place, GapCode::BadSchedule, scrub(&why).into_owned()));
            return false;
        }
        let stem = self.file.path.trim_end_matches(".sls");
        let own = format!("{}/{name}", stem.strip_suffix("/init").unwrap_or(stem));
        let environment = BTreeMap::new();
        let job = Job::of_shell(self.file, self.world, schedule, dialect, "", &environment);
        Job {
            host: None,
            name: Some(&own),
            zone: match dialect {
                BETWEEN => Zone::None,
                _ => Cron::Debian.zone_below(self.world, None, &environment),
            },
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
