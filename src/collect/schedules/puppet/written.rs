//! What `file` resources write that is a schedule: tables in `/etc/cron.d`, and timers with the services they start
//! (systemd.timer(5)), where a manifest tells their text. A template that is read where it stands is not read again
//! for a class; what a define fills in is told for each of its uses.

use super::super::crontab::Table;
use super::super::crontab_host::Cron;
use super::super::job::{Job, Work, blanked, zone_of};
use super::super::node::{Kind, Node};
use super::super::units;
use super::manifest::Attributes;
use super::{Catalog, Origin, Scope};
use crate::collect::commands::services::exec::{self, Specifiers};
use crate::collect::commands::services::unit::Unit;
use crate::evidence::scrub::scrub;
use crate::evidence::{GapCode, Text};
use crate::input::scope_of;
use crate::schedule;

/// The text of a unit that a resource writes.
pub(super) struct Written<'a> {
    /// The unit's name.
    name: String,
    text: String,
    /// What its job is called, and where it runs.
    owner: String,
    host: Option<Text>,
    origin: Origin<'a>,
}

impl<'a> Catalog<'a> {
    /// A `file` resource, its content as the manifest writes it and as it is filled in.
    pub(super) fn file(
        &mut self,
        title: &str,
        attributes: &Attributes,
        written: Option<&Node>,
        scope: &Scope<'a>,
        origin: &Origin<'a>,
    ) {
        let path = attributes.get("path").and_then(Node::text).unwrap_or(title);
        let unit = path.rsplit('/').next().unwrap_or(path);
        let is_unit = path.contains("/systemd/")
            && (unit.ends_with(".timer") || unit.ends_with(".service"))
            && !path.contains(".d/");
        let is_table = path.contains("/etc/cron.d/");
        if !is_unit && !is_table {
            return;
        }
        let text = |name: &str| attributes.get(name).and_then(Node::text).filter(|text| !text.is_empty());
        let source = || text("source").and_then(|source| self.modules.source(source)).filter(|_| is_unit);
        let Some(content) = text("content").map(str::to_owned).or_else(source) else { return };
        let filled_in = schedule::placeholders(content.trim()).next() == Some((0, content.trim().len()));
        let stands = scope.origin.is_none() && written.is_some_and(|written| self.stands(written));
        if filled_in || (stands && !unit.ends_with(".service")) {
            return;
        }
        if is_unit {
            self.unit(unit, &content, scope, origin);
            return;
        }
        // A text that stands in the manifest has lines of its own.
        let own = written.filter(|it| matches!(it.kind, Kind::Text(_)) && scope.origin.is_none());
        let name = self.called(unit, scope);
        let table = Table {
            file: origin.file,
            world: self.world,
            cron: Cron::Debian,
            host: scope.host.clone(),
            user_column: true,
            account: None,
            template: true,
            first_line: own.map_or(origin.line, |own| own.line),
            use_of: own.is_none().then_some(name.as_str()),
            scope: scope_of(&origin.file.path, ""),
        };
        self.jobs += table.read(&content, self.out);
    }

    /// Keeps the text of a unit, until all of the manifest is read.
    pub(super) fn unit(&mut self, name: &str, text: &str, scope: &Scope<'a>, origin: &Origin<'a>) {
        let (owner, host) = (scope.owner.clone(), scope.host.clone());
        let (name, text, origin) = (name.to_owned(), text.to_owned(), origin.clone());
        self.units.push(Written { name, text, owner, host, origin });
    }

    /// Whether a content is a template that is read as a schedule where it stands.
    fn stands(&self, content: &Node) -> bool {
        let Kind::Call(call) = &content.kind else { return false };
        let names = call.arguments.iter().filter_map(Node::text);
        let mut files = names.filter_map(|name| self.modules.template_file(name));
        ["template", "epp"].contains(&call.name.as_str())
            && files.any(|file| super::super::place_of(file).is_some())
    }

    /// States the timers that were written, with what their services run.
    pub(super) fn timers(&mut self) {
        let units = std::mem::take(&mut self.units);
        for timer in units.iter().filter(|unit| unit.name.ends_with(".timer")) {
            let read = units::timer(&timer.text);
            if read.schedules.is_empty() {
                let why = format!("{}: what starts this timer is filled in elsewhere", timer.name);
                self.gap(&timer.origin, GapCode::Unresolved, &why);
                continue;
            }
            let stem = timer.name.strip_suffix(".timer").unwrap_or(&timer.name);
            let service = read.unit.clone().unwrap_or_else(|| format!("{stem}.service"));
            let beside = |unit: &&Written<'_>| unit.name == service && unit.owner == timer.owner;
            self.timer(timer, read, &service, units.iter().find(beside));
        }
    }

    fn timer(
        &mut self,
        timer: &Written<'a>,
        read: units::Timer,
        service: &str,
        beside: Option<&Written<'a>>,
    ) {
        for schedule in &read.schedules {
            if let Err(rejected) = schedule::parse(units::DIALECT, schedule) {
                let why = format!("{schedule}: systemd rejects it: {}", rejected.reason);
                return self.gap(&timer.origin, GapCode::BadSchedule, &why);
            }
        }
        let Origin { file, text, line } = &timer.origin;
        let unit = Unit::of_text(file, beside.map_or("", |service| &service.text));
        let host = timer.host.as_deref();
        let specifiers = Specifiers { name: service, host, of_system: true };
        let environment =
            exec::environment(&unit, &specifiers, |path| self.world.inputs.find(host, path)?.text().ok());
        let account = unit.last("Service", "User").map(|user| Text::from(specifiers.resolve(user)));
        let commands = exec::commands(&unit, &specifiers, &environment).map(|(_, commands)| commands);
        let lines =
            commands.iter().flat_map(|it| it.text.lines()).map(str::trim).filter(|line| !line.is_empty());
        let run = lines.collect::<Vec<_>>().join("; ");
        let run = blanked(&run).into_owned();
        let work = match &commands {
            Some(commands) => {
                Work::ShellIn { text: &run, shown: &commands.shown, input: file.path.clone(), line: *line }
            }
            None => Work::Named(service),
        };
        let stem = timer.name.strip_suffix(".timer").unwrap_or(&timer.name);
        let name = if timer.host.is_some() || timer.owner.is_empty() {
            stem.to_owned()
        } else {
            format!("{}/{stem}", timer.owner)
        };
        let zone = zone_of(units::DIALECT, &read.schedules);
        let job = Job::of_shell(file, self.world, "", units::DIALECT, "", &environment);
        Job {
            host: timer.host.clone(),
            name: Some(&name),
            schedules: read.schedules,
            zone,
            account,
            work,
            guards: read.guards.iter().map(|guard| Text::from(scrub(guard))).collect(),
            line: *line,
            remark: super::super::job::remark_above(text, *line),
            scope: scope_of(&file.path, ""),
            ..job
        }
        .state(self.out);
        self.jobs += 1;
    }
}
