//! systemd's timers with the services they start (systemd.timer(5), systemd.service(5)): on hosts by the load path
//! with masks, drop-ins and instances, in source trees beside each other, as templates too. A service that no timer
//! starts is no job. A timer that no link enables is off where other timers of its host are enabled by theirs; a copy
//! without links does not show it, and a static unit is started by others. It never evaluates a schedule.
//!
//! What spreads a start (`RandomizedDelaySec=`, `AccuracySec=`) holds for all expressions of a unit and is no part of
//! any, so it travels as written among the job's guards, where whoever expands its runs finds it; conditions do too.

use super::job::{Job, Work, states_order, zone_of};
use super::{SchedulePlace, World};
use crate::collect::commands::services::unit::{Found, Setting, Unit, Units, folder, instance, unit_name};
use crate::collect::commands::services::{
    self,
    exec::{self, Specifiers},
};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Order, Place, Provenance, Scope, Text};
use crate::input::InputFile;
use crate::schedule;
use std::collections::BTreeMap;

const DIALECT: &str = "systemd";

/// `.timer` units, the `.service` units they start, and drop-ins over both.
pub struct Timers;

/// Settings of a timer that start something.
const STARTS: [&str; 6] =
    ["OnCalendar", "OnBootSec", "OnStartupSec", "OnActiveSec", "OnUnitActiveSec", "OnUnitInactiveSec"];
/// How many of them one timer may have.
const MAX_STARTS: usize = 256;
/// How many units one may be ordered after.
const MAX_ORDERED: usize = 256;
/// Settings of a timer that say how far from its moment a start may be.
const SPREADS: [&str; 2] = ["RandomizedDelaySec", "AccuracySec"];

/// What a file is for timers.
enum Kind {
    Timer,
    Service,
    /// Settings over the unit of this name.
    DropIn(String),
    /// Settings over a timer whose name is not told.
    Stray,
}

fn has_section(file: &InputFile, sections: &[&str]) -> bool {
    file.head_text().lines().any(|line| sections.contains(&line.trim()))
}

fn kind(file: &InputFile) -> Option<Kind> {
    let (name, above) = (unit_name(file), folder(&file.path));
    let above = above.rsplit('/').next().unwrap_or(above);
    let masked = file.size == 0 && file.inner.contains("systemd/");
    if name.ends_with(".conf") {
        let over =
            above.strip_suffix(".d").filter(|over| over.ends_with("timer") || over.ends_with("service"));
        return match over {
            Some(over) if has_section(file, &["[Timer]", "[Service]", "[Unit]"]) => {
                Some(Kind::DropIn(over.to_owned()))
            }
            _ if has_section(file, &["[Timer]"]) => Some(Kind::Stray),
            _ => None,
        };
    }
    if name.ends_with(".timer") && (masked || has_section(file, &["[Timer]"])) {
        return Some(Kind::Timer);
    }
    (name.ends_with(".service") && (masked || has_section(file, &["[Service]", "[Unit]"])))
        .then_some(Kind::Service)
}

impl SchedulePlace for Timers {
    fn about(&self) -> &'static About {
        &About {
            name: "systemd-timer",
            title: "systemd timers with their services and drop-ins",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        kind(file).is_some()
    }

    fn read(&self, file: &InputFile, _: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let units = Units::around(world.inputs, file);
        let reader = Reader { file, world, units };
        match kind(file) {
            Some(Kind::Timer) => reader.timer(out),
            Some(Kind::DropIn(over)) => reader.drop_in(&over, out),
            Some(Kind::Stray) => {
                let detail = "settings of a timer, and no name or folder tells of which";
                out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Unresolved, detail));
                0
            }
            Some(Kind::Service) | None => 0,
        }
    }
}

struct Reader<'w> {
    file: &'w InputFile,
    world: &'w World<'w>,
    units: Units<'w>,
}

/// A timer that is to be stated.
struct Timer<'w> {
    unit: Unit<'w>,
    /// What starts it, with what stands in the file.
    starts: Vec<(String, &'w InputFile, u64)>,
}

impl<'w> Reader<'w> {
    /// The jobs of a timer's file: one, or one for each instance of a template.
    fn timer(&self, out: &mut Evidence) -> u64 {
        let name = unit_name(self.file);
        if self.file.host.is_some() && folder(&self.file.inner).ends_with(".wants") {
            return 0;
        }
        if self.units.placed() {
            match self.units.find(name) {
                Found::File(file) if file.path == self.file.path => {}
                // Another file of the same name holds, or none does.
                _ => return 0,
            }
        }
        if self.is_off(name) {
            let detail =
                format!("nothing enables {name}, and other timers of this host are: it was taken to be off");
            out.add_gap(Gap::new(
                Place::whole(&self.file.path),
                GapCode::Unresolved,
                scrub(&detail).into_owned(),
            ));
            return 0;
        }
        let template = instance(name).is_some_and(|(_, instance)| instance.is_empty());
        if !template || !self.units.placed() {
            return u64::from(self.state(name, Some(self.file), out));
        }
        let instances = self.units.instances(name);
        if instances.is_empty() {
            let detail = format!("{name} is a template, and no link on this host tells an instance of it");
            out.add_gap(Gap::new(Place::whole(&self.file.path), GapCode::Unresolved, detail));
        }
        let own = |name: &&String| matches!(self.units.find(name), Found::File(file) if file.path == self.file.path);
        let stated = instances.iter().filter(own).filter(|name| self.state(name, Some(self.file), out));
        stated.count() as u64
    }

    /// Whether a timer that is enabled by links (`[Install]`) has none on a host where other timers have theirs, and no other
    /// unit starts it (systemctl(1), "enable"). A copy without links tells nothing.
    fn is_off(&self, name: &str) -> bool {
        if !self.units.placed() {
            return false;
        }
        let unit = Unit::read(Some(self.file), &self.units.drop_ins(name, Some(self.file)));
        let installed = unit.section("Install").next().is_some();
        let wanted = self.units.wanted(".timer");
        installed
            && !wanted.is_empty()
            && !wanted.iter().any(|other| *other == name || same_template(other, name))
            && !self.units.is_started_by_another(name)
    }

    /// A drop-in over a timer that the scan does not have says when it starts all the same; the first one tells.
    fn drop_in(&self, over: &str, out: &mut Evidence) -> u64 {
        let whole =
            !matches!(over, "timer" | "service") && !over.ends_with("-.timer") && over.ends_with(".timer");
        let above = folder(folder(&self.file.path));
        // Seen from the folder that would hold the timer.
        let near = InputFile {
            path: Text::from(format!("{above}/{over}").trim_start_matches('/')),
            inner: Text::from(format!("{}/{over}", folder(folder(&self.file.inner)))),
            ..self.file.clone()
        };
        let units = Units::around(self.world.inputs, &near);
        let missing = matches!(units.find(over), Found::Missing);
        let first = units.drop_ins(over, None).first().is_some_and(|first| first.path == self.file.path);
        if !whole || !missing || !first {
            return 0;
        }
        let reader = Reader { file: &near, world: self.world, units };
        u64::from(reader.state(over, None, out))
    }

    /// States a timer's job; whether there is one.
    fn state(&self, name: &str, file: Option<&'w InputFile>, out: &mut Evidence) -> bool {
        let timer = self.plan(name, file, out);
        let Some((_, at, line)) = timer.starts.first() else {
            if timer.unit.section("Timer").any(|setting| is_computed(&setting.key)) {
                let detail = format!("what starts {name} is filled in elsewhere");
                out.add_gap(Gap::new(Place::whole(&self.file.path), GapCode::Unresolved, detail));
            }
            return false;
        };
        let schedules: Vec<String> = timer.starts.iter().map(|(text, ..)| text.clone()).collect();
        let specifiers = self.specifiers(name);
        let stem = name.strip_suffix(".timer").unwrap_or(name);
        let service = timer.unit.last("Timer", "Unit").map(|unit| specifiers.resolve(unit));
        let service = service.unwrap_or_else(|| format!("{stem}.service"));
        let called = self.called(stem);
        let none = BTreeMap::new();
        let mut guards = spreads(&timer.unit);
        guards.extend(conditions(&timer.unit));
        let remark = self.remark(&timer);
        let job = Job {
            file: at,
            world: self.world,
            host: self.file.host.clone(),
            name: Some(&called),
            zone: zone_of(DIALECT, &schedules),
            schedules,
            dialect: DIALECT,
            account: None,
            work: Work::Named(&service),
            guards,
            waits_for: Vec::new(),
            line: *line,
            places: timer.starts.iter().map(|(_, file, line)| Place::line(&file.path, *line)).collect(),
            environment: &none,
            remark: remark.as_deref(),
            scope: Scope::Production,
        };
        self.state_service(&service, job, out)
    }

    /// States a job with what its service runs. A masked service never starts.
    fn state_service(&self, service: &str, job: Job<'_>, out: &mut Evidence) -> bool {
        let found = if service.ends_with(".service") { self.units.find(service) } else { Found::Missing };
        let file = match found {
            Found::File(file) => file,
            Found::Masked => return false,
            Found::Missing => {
                let detail = format!("starts {service}, which the scan was not given");
                let place = Place::line(&job.file.path, job.line);
                out.add_gap(Gap::new(place, GapCode::MissingScript, scrub(&detail).into_owned()));
                job.state(out);
                return true;
            }
        };
        let unit = Unit::read(Some(file), &self.units.drop_ins(service, Some(file)));
        let specifiers = self.specifiers(service);
        let host = self.file.host.as_deref();
        let text_of = |path: &str| self.world.inputs.find(host, path)?.text().ok();
        let env = exec::environment(&unit, &specifiers, text_of);
        let account = unit.last("Service", "User").map(|user| Text::from(specifiers.resolve(user)));
        let account = account.or_else(|| self.units.placed().then(|| Text::from("root")));
        let account = account.filter(|_| specifiers.of_system || unit.last("Service", "User").is_some());
        let mut guards = job.guards.clone();
        guards.extend(conditions(&unit));
        let waits_for = self.ordered_after(&unit, &specifiers);
        let behind = services::behind(&unit, &specifiers);
        let starts: Vec<String> =
            behind.iter().map(|name| format!("systemctl start {}", exec::quoted(name))).collect();
        let behind: Vec<(u64, Work<'_>)> =
            starts.iter().map(|text| (job.line, Work::Shell { text, stdin: None })).collect();
        match exec::commands(&unit, &specifiers, &env) {
            None => Job { account, guards, waits_for, ..job }.state(out),
            Some((at, commands)) => {
                let (text, shown, input) = (&*commands.text, &*commands.shown, at.path.clone());
                let own = || Work::ShellIn { text, shown, input: input.clone(), line: commands.line };
                let pieces = std::iter::once((commands.line, own())).chain(behind).collect::<Vec<_>>();
                let work = if pieces.len() == 1 { own() } else { Work::Several(shown, pieces) };
                Job { account, guards, waits_for, work, environment: &env, ..job }.state(out);
            }
        }
        true
    }

    /// The timers whose services are ordered before a service: it is not started while one of them still is. Only one of
    /// `Type=oneshot` is being started as long as it runs (systemd.service(5)); others are done at once.
    fn ordered_after(&self, unit: &Unit<'_>, specifiers: &Specifiers<'_>) -> Vec<(String, Order)> {
        let settings = unit.section("Unit").filter(|setting| setting.key == "After");
        let names = settings.flat_map(|setting| setting.value.split_whitespace());
        let mut waits: Vec<(String, Order)> = Vec::new();
        for name in names.map(|name| specifiers.resolve(name)).take(MAX_ORDERED) {
            let Some(stem) = name.strip_suffix(".service").filter(|stem| !stem.ends_with('@')) else {
                continue;
            };
            let Found::File(service) = self.units.find(&name) else { continue };
            let other = Unit::read(Some(service), &self.units.drop_ins(&name, Some(service)));
            // Without a type it is `simple`, unless it runs nothing.
            if other.last("Service", "Type") != Some("oneshot")
                || other.last("Service", "RemainAfterExit").is_some()
            {
                continue;
            }
            let timer = format!("{stem}.timer");
            let Found::File(file) = self.units.find(&timer) else { continue };
            let timed = Unit::read(Some(file), &self.units.drop_ins(&timer, Some(file)));
            if timed.last("Timer", "Unit").is_none_or(|unit| unit == name) {
                let reader =
                    Reader { file, world: self.world, units: Units::around(self.world.inputs, file) };
                waits.push((reader.called(stem), Order::After));
            }
        }
        waits.dedup();
        waits
    }

    fn specifiers<'s>(&'s self, name: &'s str) -> Specifiers<'s> {
        let of_system = !self.file.inner.contains("/systemd/user/");
        Specifiers { name, host: self.file.host.as_deref(), of_system }
    }

    /// What the timer is called: its stem on a host, where it is unique; in a source tree with its folder where
    /// another tree of the scan has one of the same name.
    fn called(&self, stem: &str) -> String {
        let name = unit_name(self.file);
        let others =
            self.world.inputs.files.iter().filter(|file| file.host.is_none() && file.path != self.file.path);
        let alike = self.file.host.is_none() && others.into_iter().any(|file| unit_name(file) == name);
        match folder(&self.file.path) {
            above if alike && !above.is_empty() => format!("{above}/{stem}"),
            _ => stem.to_owned(),
        }
    }

    /// The timer with its drop-ins; what systemd would reject of it becomes a gap.
    fn plan(&self, name: &str, file: Option<&'w InputFile>, out: &mut Evidence) -> Timer<'w> {
        let unit = Unit::read(file, &self.units.drop_ins(name, file));
        let specifiers = self.specifiers(name);
        let mut starts = Vec::new();
        for setting in unit.section("Timer").filter(|setting| STARTS.contains(&setting.key.as_str())) {
            // An empty one takes back all of them, whatever they are called.
            if setting.value.is_empty() {
                starts.clear();
                continue;
            }
            if starts.len() == MAX_STARTS {
                let detail = format!("MAX_STARTS: {name} has more schedules; the rest was not read");
                out.add_gap(Gap::new(Place::line(&setting.file.path, setting.line), GapCode::Limit, detail));
                break;
            }
            let text = written(setting, &specifiers);
            match schedule::parse(DIALECT, &text) {
                Ok(_) => starts.push((text, setting.file, setting.line)),
                Err(why) => {
                    let detail = format!("systemd rejects {}={}: {}", setting.key, setting.value, why.reason);
                    let place = Place::line(&setting.file.path, setting.line);
                    out.add_gap(Gap::new(place, GapCode::BadSchedule, scrub(&detail).into_owned()));
                }
            }
        }
        Timer { unit, starts }
    }

    /// A comment right above its first schedule, or its description, that states an order or a wait.
    fn remark(&self, timer: &Timer<'w>) -> Option<String> {
        let (_, file, line) = timer.starts.first()?;
        let text = file.text().ok()?;
        let above: Vec<&str> = text.lines().take(usize::try_from(*line).ok()?.saturating_sub(1)).collect();
        let comments =
            above.iter().rev().map(|line| line.trim()).take_while(|line| line.starts_with(['#', ';']));
        let comments = comments.map(|line| line.trim_start_matches(['#', ';', ' ']).to_owned());
        let described = timer.unit.last("Unit", "Description").map(str::to_owned);
        comments.chain(described).find(|comment| states_order(comment))
    }
}

/// Whether a unit is an instance of a template.
fn same_template(unit: &str, template: &str) -> bool {
    instance(unit).is_some_and(|(of, _)| of == template)
}

/// Whether a setting's own name is filled in elsewhere.
fn is_computed(key: &str) -> bool {
    ["<%", "{{", "${", "#{"].iter().any(|open| key.contains(open))
}

/// A setting as the dialect reads it: a calendar event alone, the others with their names.
fn written(setting: &Setting<'_>, specifiers: &Specifiers<'_>) -> String {
    let value = specifiers.resolve(&setting.value);
    if setting.key == "OnCalendar" { value } else { format!("{}={value}", setting.key) }
}

/// What spreads a timer's starts, as written.
fn spreads(unit: &Unit<'_>) -> Vec<Text> {
    let told = SPREADS.iter().filter_map(|key| Some(format!("{key}={}", unit.last("Timer", key)?)));
    told.map(Text::from).collect()
}

/// The conditions of a unit, as written; an empty one takes back those before it.
fn conditions(unit: &Unit<'_>) -> Vec<Text> {
    const MAX_CONDITIONS: usize = 8;
    let mut told: Vec<Text> = Vec::new();
    for setting in unit.section("Unit") {
        let condition = setting.key.starts_with("Condition") || setting.key.starts_with("Assert");
        match (condition, setting.value.is_empty()) {
            (true, true) => told.clear(),
            (true, false) if told.len() < MAX_CONDITIONS => {
                told.push(Text::from(scrub(&format!("{}={}", setting.key, setting.value)).as_ref()));
            }
            _ => {}
        }
    }
    told
}
