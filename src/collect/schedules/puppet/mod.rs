//! Puppet: jobs in manifests, by the types and defines that the usual modules have for them, also through a define of
//! the tree's own that wraps one of these (found where autoload finds it). Crontabs that a `file` holds as text are
//! read as such. Variables stay placeholders unless the manifest itself assigns them once; data (Hiera), facts and
//! functions are never read.

mod conditions;
mod installed;
mod manifest;
mod types;

use super::crontab::{Table, setting};
use super::crontab_host::Cron;
use super::job::{Job, Work, remark_above};
use super::node::{Kind, Node};
use super::values::scalar;
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use manifest::{Attributes, Manifest, Resource};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use types::{Planned, is_job, is_off};

/// How many defines deep a resource is followed.
const MAX_DEFINES: usize = 4;
/// How many variables one value may go through.
const MAX_STEPS: usize = 6;
/// How long a value may become.
const MAX_VALUE: usize = 16 * 1024;
/// How many resources one manifest may lead to, those of the defines it uses with them.
const MAX_RESOURCES: usize = 50_000;
/// How many variables the values of one resource may take.
const MAX_FILLED: u32 = 10_000;

/// Manifests.
pub struct Puppet;

impl SchedulePlace for Puppet {
    fn about(&self) -> &'static About {
        &About {
            name: "puppet",
            title: "Puppet manifests: cron, systemd::timer::job, the defines around them",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let words = ["class ", "define ", "node ", "=>", "include ", "import "];
        file.name().ends_with(".pp") && words.iter().any(|word| file.head_text().contains(word))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let manifest = Rc::new(manifest::read(text));
        if let Some((line, why)) = manifest.broken {
            out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
        }
        for (kind, line) in manifest.computed.iter().filter(|(kind, _)| is_job(kind)) {
            let why = format!("resources of the type {kind} are made of data, which no manifest tells");
            out.add_gap(Gap::new(Place::line(&file.path, *line), GapCode::Unresolved, why));
        }
        let mut catalog = Catalog { file, text, world, defines: HashMap::new(), out, jobs: 0, resources: 0 };
        let own = manifest.settled(&Attributes::new());
        for resource in &manifest.resources {
            let scope = Scope::of(&manifest, resource);
            catalog.resource(&own, resource, &scope, 0);
        }
        catalog.jobs
    }
}

/// What holds where a resource stands.
struct Scope {
    /// The class, define or file: what tells its jobs from others of the same name.
    owner: String,
    host: Option<Text>,
    /// What a define was given, and what it is called.
    given: Attributes,
    /// The place of the resource that led here, if it is not this one.
    line: Option<u64>,
}

impl Scope {
    fn of(manifest: &Manifest, resource: &Resource) -> Scope {
        let definition = resource.owner.map(|owner| &manifest.definitions[owner]);
        let node =
            definition.filter(|it| it.keyword == "node" && !it.name.is_empty() && it.name != "default");
        Scope {
            owner: definition.filter(|it| it.keyword != "node").map(|it| it.name.clone()).unwrap_or_default(),
            host: node.map(|it| Text::from(it.name.as_str())),
            given: Attributes::new(),
            line: None,
        }
    }
}

struct Catalog<'a> {
    file: &'a InputFile,
    text: &'a str,
    world: &'a World<'a>,
    /// The manifests of defines, by their name; those that are nowhere stay nowhere.
    defines: HashMap<String, Option<Rc<Manifest>>>,
    out: &'a mut Evidence,
    jobs: u64,
    resources: usize,
}

impl Catalog<'_> {
    fn resource(&mut self, own: &Attributes, resource: &Resource, scope: &Scope, depth: usize) {
        self.resources += 1;
        if self.resources > MAX_RESOURCES {
            if self.resources == MAX_RESOURCES + 1 {
                self.gap(
                    resource.title.line,
                    GapCode::Limit,
                    "it leads to more resources than MAX_RESOURCES",
                );
            }
            return;
        }
        let text = |name: &str| Some(scope.given.get(name).or_else(|| own.get(name))?.text()?.to_owned());
        if !resource.conditions.may_hold(&text) {
            return;
        }
        let known = known(&scope.given, own);
        let fuel = Cell::new(MAX_FILLED);
        let fill = |value: &Node| filled(value, &known, &fuel, MAX_STEPS);
        let attributes: Attributes =
            resource.attributes.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
        let title = fill(&resource.title);
        let title = title.text().unwrap_or("");
        let line = scope.line.unwrap_or(resource.title.line);
        if is_off(&attributes) {
            return;
        }
        if is_job(&resource.kind) {
            match types::planned(&resource.kind, title, &attributes) {
                Ok(Some(planned)) => self.state(&planned, title, scope, line),
                Ok(None) => {}
                Err(why) => self.gap(line, GapCode::Unresolved, &why),
            }
        } else if resource.kind == "file" {
            installed::state(self.file, self.world, line, title, &attributes, &known, self.out);
            if depth == 0 {
                self.crontab(title, &attributes, scope);
            }
        } else if depth < MAX_DEFINES && resource.kind.contains("::") {
            self.define(&resource.kind, title, attributes, scope, line, depth);
        }
    }

    /// Follows a define of the tree's own to the jobs it wraps.
    fn define(&mut self, kind: &str, title: &str, given: Attributes, scope: &Scope, line: u64, depth: usize) {
        let Some(manifest) = self.manifest_of(kind) else { return };
        let Some(at) = manifest.definitions.iter().position(|it| it.keyword == "define" && it.name == kind)
        else {
            return;
        };
        let mut all = given;
        for name in ["title", "name"] {
            all.insert(name.to_owned(), scalar(line, title));
        }
        let (named, nothing, fuel) = (all.clone(), Attributes::new(), Cell::new(MAX_FILLED));
        let told = known(&named, &nothing);
        for (name, value) in &manifest.definitions[at].parameters {
            all.entry(name.clone()).or_insert_with(|| filled(value, &told, &fuel, MAX_STEPS));
        }
        let inner =
            Scope { owner: scope.owner.clone(), host: scope.host.clone(), given: all, line: Some(line) };
        let own = manifest.settled(&inner.given);
        for resource in manifest.resources.iter().filter(|resource| resource.owner == Some(at)) {
            self.resource(&own, resource, &inner, depth + 1);
        }
    }

    /// Where autoload finds `a::b::c`: in `a/manifests/b/c.pp` beside the other modules.
    fn manifest_of(&mut self, kind: &str) -> Option<Rc<Manifest>> {
        if let Some(known) = self.defines.get(kind) {
            return known.clone();
        }
        let (module, rest) = kind.split_once("::")?;
        let end = self.file.path.find("/manifests/").unwrap_or(0);
        let modules = self.file.path[..end].rsplit_once('/').map_or("", |(modules, _)| modules);
        let separator = if modules.is_empty() { "" } else { "/" };
        let path = format!("{modules}{separator}{module}/manifests/{}.pp", rest.replace("::", "/"));
        let files = &self.world.inputs.files;
        let found = files.binary_search_by(|file| (*file.path).cmp(&path)).ok();
        let manifest = found.and_then(|at| files[at].text().ok()).map(|text| Rc::new(manifest::read(&text)));
        self.defines.insert(kind.to_owned(), manifest.clone());
        manifest
    }

    fn gap(&mut self, line: u64, code: GapCode, why: &str) {
        self.out.add_gap(Gap::new(Place::line(&self.file.path, line), code, scrub(why).into_owned()));
    }

    fn state(&mut self, planned: &Planned, title: &str, scope: &Scope, line: u64) {
        for schedule in &planned.schedules {
            if let Err(rejected) = schedule::parse(planned.dialect, schedule) {
                let why = format!("{schedule}: {} rejects it: {}", planned.dialect, rejected.reason);
                return self.gap(line, GapCode::BadSchedule, &why);
            }
        }
        let environment: BTreeMap<String, String> =
            planned.environment.iter().filter_map(|it| setting(it)).collect();
        let name = match &scope.host {
            Some(_) => title.to_owned(),
            None if scope.owner.is_empty() => title.to_owned(),
            None => format!("{}/{title}", scope.owner),
        };
        let service = format!("{title}.service");
        let work = match &planned.command {
            Some(command) => Work::Template(command),
            None => Work::Named(&service),
        };
        let account = planned.account.as_deref().filter(|account| !schedule::has_placeholder(account));
        let job = Job::of_shell(self.file, self.world, "", planned.dialect, "", &environment);
        Job {
            host: scope.host.clone(),
            name: Some(&name),
            schedules: planned.schedules.clone(),
            zone: Cron::Debian.zone_below(self.world, scope.host.as_deref(), &environment),
            account: account.map(Text::from),
            work,
            guards: planned.guards.iter().map(|guard| Text::from(scrub(guard))).collect(),
            line,
            remark: remark_above(self.text, line),
            scope: scope_of(&self.file.path, ""),
            ..job
        }
        .state(self.out);
        self.jobs += 1;
    }

    /// A crontab that a `file` resource holds as text.
    fn crontab(&mut self, title: &str, attributes: &Attributes, scope: &Scope) {
        let path = attributes.get("path").and_then(Node::text).unwrap_or(title);
        let Some(content) = attributes.get("content") else { return };
        let text = content.text().unwrap_or("");
        let filled_in = schedule::placeholders(text.trim()).next() == Some((0, text.trim().len()));
        if !path.contains("/etc/cron.d/") || text.is_empty() || filled_in {
            return;
        }
        let (file, world, host) = (self.file, self.world, scope.host.clone());
        let (first_line, scope) = (content.line, scope_of(&file.path, ""));
        let table = Table {
            file,
            world,
            cron: Cron::Debian,
            host,
            user_column: true,
            account: None,
            template: true,
            first_line,
            scope,
        };
        self.jobs += table.read(text, self.out);
    }
}

/// What a variable is: its value, and whether that is said where the resource stands, so that nothing in it is filled
/// in by what is called the same in a define.
type Known<'k> = dyn Fn(&str) -> Option<(Node, bool)> + 'k;

fn known<'k>(given: &'k Attributes, own: &'k Attributes) -> impl Fn(&str) -> Option<(Node, bool)> + 'k {
    move |name| {
        let given = given.get(name).map(|value| (value.clone(), true));
        given.or_else(|| own.get(name).map(|value| (value.clone(), false)))
    }
}

/// A value with the variables that are known: a list or a map takes the place of a variable that is all of a text.
fn filled(value: &Node, known: &Known<'_>, fuel: &Cell<u32>, steps: usize) -> Node {
    let inner = |value: &Node| filled(value, known, fuel, steps);
    let kind = match &value.kind {
        Kind::List(items) => Kind::List(items.iter().map(inner).collect()),
        Kind::Map(entries) => {
            Kind::Map(entries.iter().map(|(key, value)| (inner(key), inner(value))).collect())
        }
        Kind::Text(text) => {
            let whole = variable(text)
                .and_then(known)
                .filter(|(node, _)| node.text().is_none() && steps > 0 && taken(fuel));
            match whole {
                Some((node, true)) => return node,
                Some((node, false)) => return filled(&node, known, fuel, steps - 1),
                None => Kind::Text(filled_text(text, known, fuel, steps)),
            }
        }
    };
    Node { line: value.line, kind }
}

/// Whether one more variable may be taken.
fn taken(fuel: &Cell<u32>) -> bool {
    let left = fuel.get();
    fuel.set(left.saturating_sub(1));
    left > 0
}

fn filled_text(text: &str, known: &Known<'_>, fuel: &Cell<u32>, steps: usize) -> String {
    let value = |placeholder: &str| {
        let name = variable(placeholder)?;
        let (node, closed) = known(name).filter(|_| taken(fuel))?;
        let value = node.text()?;
        // An expression says less than the name of the variable that holds it.
        let expression =
            schedule::placeholders(value).next() == Some((0, value.len())) && variable(value).is_none();
        if expression || value == placeholder || crate::evidence::scrub::names_secret(name) {
            return None;
        }
        Some(if closed || steps == 0 { value.to_owned() } else { filled_text(value, known, fuel, steps - 1) })
    };
    let filled = schedule::fill(text, &value);
    if filled.len() > MAX_VALUE { text.to_owned() } else { filled.into_owned() }
}

/// The name in `${name}`, where a name is all there is.
fn variable(placeholder: &str) -> Option<&str> {
    let name = placeholder.strip_prefix("${")?.strip_suffix('}')?;
    let name = name.strip_prefix('$').unwrap_or(name);
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
    plain.then_some(name)
}
