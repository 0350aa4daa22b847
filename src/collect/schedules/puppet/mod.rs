//! Puppet: jobs in manifests, by the types and defines that the usual modules have for them, also through a define of
//! the tree's own that wraps one of these or writes the file of one (found where autoload finds it). Crontabs that a
//! `file` holds as text are read as such. Variables stay placeholders unless the manifest itself assigns them once;
//! resources that are made of data are told for each level of Hiera that has some; facts are never read.

mod conditions;
mod data;
mod fill;
mod installed;
mod manifest;
mod modules;
mod template;
mod types;
mod written;

use super::crontab::setting;
use super::crontab_host::Cron;
use super::job::{Job, Work, remark_above};
use super::node::{Kind, Node};
use super::values::scalar;
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use data::Level;
use fill::{Fill, known, variable};
use manifest::{Attributes, Computed, Manifest, Resource};
use modules::Modules;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use types::{Planned, is_job, is_off};
use written::Written;

/// How many defines deep a resource is followed.
const MAX_DEFINES: usize = 4;
/// How many resources one manifest may lead to, those of the defines it uses with them.
const MAX_RESOURCES: usize = 50_000;
/// How many elements of loops one resource may stand for.
const MAX_ELEMENTS: usize = 2_000;

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
        let modules = &Modules::around(file, world.inputs);
        let mut catalog = Catalog::new(file, Rc::from(text), world, modules, out);
        catalog.all(&manifest);
        catalog.timers();
        catalog.jobs
    }
}

/// Where what is stated of a resource stands: the line, its file and its text.
#[derive(Clone)]
struct Origin<'a> {
    file: &'a InputFile,
    text: Rc<str>,
    line: u64,
}

/// What holds where a resource stands.
#[derive(Clone)]
struct Scope<'a> {
    /// The class, define or file: what tells its jobs from others of the same name.
    owner: String,
    host: Option<Text>,
    /// What a define was given and what a loop gives names to.
    given: Attributes,
    /// The place of the resource or of the data that led here, if it is not this one.
    origin: Option<Origin<'a>>,
}

impl<'a> Scope<'a> {
    fn of(manifest: &Manifest, owner: Option<usize>) -> Scope<'a> {
        let definition = owner.map(|owner| &manifest.definitions[owner]);
        let node =
            definition.filter(|it| it.keyword == "node" && !it.name.is_empty() && it.name != "default");
        Scope {
            owner: definition.filter(|it| it.keyword != "node").map(|it| it.name.clone()).unwrap_or_default(),
            host: node.map(|it| Text::from(it.name.as_str())),
            given: Attributes::new(),
            origin: None,
        }
    }
}

/// What something goes over.
enum Subject {
    /// It is told here.
    Known(Node),
    /// Data of this name, and what is taken where there is none.
    Data(String, Option<Node>),
    Unknown,
}

/// A manifest with what holds in all of it.
struct Around<'m> {
    manifest: &'m Manifest,
    /// The variables that are settled there.
    own: Attributes,
    /// How many defines led to it.
    depth: usize,
}

struct Catalog<'a> {
    file: &'a InputFile,
    text: Rc<str>,
    world: &'a World<'a>,
    modules: &'a Modules<'a>,
    /// The manifests of defines, by their name; those that are nowhere stay nowhere.
    defines: HashMap<String, Option<Rc<Manifest>>>,
    /// What data says of a key.
    levels: RefCell<BTreeMap<String, Rc<Vec<Level<'a>>>>>,
    /// The texts of units that resources write.
    units: Vec<Written<'a>>,
    out: &'a mut Evidence,
    jobs: u64,
    resources: usize,
}

impl<'a> Catalog<'a> {
    fn new(
        file: &'a InputFile,
        text: Rc<str>,
        world: &'a World<'a>,
        modules: &'a Modules<'a>,
        out: &'a mut Evidence,
    ) -> Catalog<'a> {
        let (defines, levels, units) = (HashMap::new(), RefCell::default(), Vec::new());
        Catalog { file, text, world, modules, defines, levels, units, out, jobs: 0, resources: 0 }
    }

    /// The manifest's own resources.
    fn all(&mut self, manifest: &Manifest) {
        let around = Around { manifest, own: self.settled(manifest, &Attributes::new()), depth: 0 };
        for resource in &manifest.resources {
            self.resource(&around, resource, &Scope::of(manifest, resource.owner));
        }
        for computed in &manifest.computed {
            self.computed(&around, computed, &Scope::of(manifest, computed.owner));
        }
    }

    /// The variables that are known in a manifest by itself.
    fn settled(&self, manifest: &Manifest, given: &Attributes) -> Attributes {
        let mut own = manifest.settled(given);
        own.entry("module_name".to_owned()).or_insert_with(|| scalar(1, self.modules.own.as_str()));
        own
    }

    fn origin(&self, scope: &Scope<'a>, line: u64) -> Origin<'a> {
        let own = || Origin { file: self.file, text: Rc::clone(&self.text), line };
        scope.origin.clone().unwrap_or_else(own)
    }

    /// A resource, for each element of the loops around it.
    fn resource(&mut self, around: &Around<'_>, resource: &Resource, scope: &Scope<'a>) {
        // Most types are no matter of schedules.
        let kind = resource.kind.as_str();
        if !is_job(kind) && kind != "file" && self.manifest_of(kind).is_none() {
            return;
        }
        for scope in self.elements(around, &resource.loops, resource.owner, scope) {
            let given = |name: &str| around.given(&scope, name);
            if !resource.conditions.may_hold(&given) {
                continue;
            }
            let known = known(&scope.given, &around.own);
            let fill = Fill::new(&known, self.modules);
            let mut attributes: Attributes =
                resource.attributes.iter().map(|(name, value)| (name.clone(), fill.value(value))).collect();
            for (name, value) in &resource.attributes {
                attributes.extend(installed::origin(name, value, &fill));
            }
            let title = fill.value(&resource.title);
            let titles = if title.items().is_empty() { std::slice::from_ref(&title) } else { title.items() };
            let content = resource.attributes.get("content");
            for title in titles.iter().filter_map(Node::text) {
                let origin = self.origin(&scope, resource.title.line);
                if kind == "file" && !is_off(&attributes) {
                    let place = (self.file, origin.line);
                    installed::state(place, self.world, title, (&attributes, content), &fill, self.out);
                }
                self.made(&resource.kind, title, attributes.clone(), content, &scope, origin, around.depth);
            }
        }
    }

    /// A resource with what it is given; its content as it is written, too.
    #[expect(clippy::too_many_arguments)]
    fn made(
        &mut self,
        kind: &str,
        title: &str,
        mut attributes: Attributes,
        content: Option<&Node>,
        scope: &Scope<'a>,
        origin: Origin<'a>,
        depth: usize,
    ) {
        self.resources += 1;
        if self.resources > MAX_RESOURCES {
            if self.resources == MAX_RESOURCES + 1 {
                self.gap(&origin, GapCode::Limit, "it leads to more resources than MAX_RESOURCES");
            }
            return;
        }
        // What a hash gives is given like all else.
        if let Some(Node { kind: Kind::Map(entries), .. }) = attributes.get("*").cloned() {
            attributes.remove("*");
            for (key, value) in entries {
                attributes.entry(key.text().unwrap_or("").to_owned()).or_insert(value);
            }
        }
        if is_off(&attributes) {
            return;
        }
        if is_job(kind) {
            match types::planned(kind, title, &attributes) {
                Ok(Some(planned)) => self.state(&planned, title, scope, &origin),
                Ok(None) => {}
                Err(why) => self.gap(&origin, GapCode::Unresolved, &why),
            }
        } else if kind == "file" {
            self.file(title, &attributes, content, scope, &origin);
        } else if depth < MAX_DEFINES {
            self.define(kind, title, attributes, scope, origin, depth);
        }
    }

    /// The scopes of all elements of loops; one that goes over what nobody tells is gone through once, its names left
    /// open.
    fn elements(
        &self,
        around: &Around<'_>,
        loops: &[usize],
        owner: Option<usize>,
        scope: &Scope<'a>,
    ) -> Vec<Scope<'a>> {
        let mut scopes = vec![scope.clone()];
        for each in loops.iter().filter_map(|at| around.manifest.loops.get(*at)) {
            let inner = scopes.into_iter().flat_map(|scope| {
                let elements = match self.subject(around, &each.over, owner, &scope) {
                    Subject::Unknown => Vec::new(),
                    subject => self.entries(subject, &scope),
                };
                if elements.is_empty() || each.names.len() > 2 || each.names.is_empty() {
                    return vec![scope];
                }
                let named = elements.into_iter().enumerate().map(|(at, (key, value, scope))| {
                    let mut scope = scope;
                    let first = match (&key, each.names.len()) {
                        (None, 1) => value.clone(),
                        (None, _) => scalar(value.line, at.to_string()),
                        (Some(key), 2) => key.clone(),
                        (Some(key), _) => {
                            Node { line: key.line, kind: Kind::List(vec![key.clone(), value.clone()]) }
                        }
                    };
                    scope.given.insert(each.names[0].clone(), first);
                    if let Some(second) = each.names.get(1) {
                        scope.given.insert(second.clone(), value);
                    }
                    scope
                });
                named.collect()
            });
            scopes = inner.take(MAX_ELEMENTS).collect();
        }
        scopes
    }

    /// The entries of what is gone over, those of data with the level they stand in.
    fn entries(&self, subject: Subject, scope: &Scope<'a>) -> Vec<(Option<Node>, Node, Scope<'a>)> {
        let of = |value: &Node, scope: &dyn Fn(u64) -> Scope<'a>| -> Vec<(Option<Node>, Node, Scope<'a>)> {
            match &value.kind {
                Kind::Map(entries) => {
                    let entry =
                        |(key, value): &(Node, Node)| (Some(key.clone()), value.clone(), scope(key.line));
                    entries.iter().map(entry).collect()
                }
                _ => value.items().iter().map(|item| (None, item.clone(), scope(item.line))).collect(),
            }
        };
        let here = |_: u64| scope.clone();
        match subject {
            Subject::Known(value) => of(&value, &here),
            Subject::Unknown => Vec::new(),
            Subject::Data(key, otherwise) => {
                let mut told: Vec<_> = otherwise.iter().flat_map(|value| of(value, &here)).collect();
                for level in self.levels(&key).iter() {
                    let there = |line: u64| {
                        let origin = Origin { file: level.file, text: Rc::clone(&level.text), line };
                        let host = level.host.clone().or_else(|| scope.host.clone());
                        Scope { host, origin: Some(origin), ..scope.clone() }
                    };
                    told.extend(of(&level.value, &there));
                }
                told
            }
        }
    }

    /// What data says of a key; asked once.
    fn levels(&self, key: &str) -> Rc<Vec<Level<'a>>> {
        let mut known = self.levels.borrow_mut();
        let levels = known.entry(key.to_owned()).or_insert_with(|| Rc::new(data::levels(self.modules, key)));
        Rc::clone(levels)
    }

    /// What a value is that something goes over.
    fn subject(&self, around: &Around<'_>, value: &Node, owner: Option<usize>, scope: &Scope<'a>) -> Subject {
        let class = owner.map(|owner| &around.manifest.definitions[owner]);
        let class = class.filter(|it| it.keyword == "class" && around.depth == 0);
        let mut value = value.clone();
        for _ in 0..MAX_DEFINES {
            let name = match &value.kind {
                Kind::Text(text) => variable(text),
                Kind::Call(call) => match data_of(call) {
                    Some((key, otherwise)) => return Subject::Data(key, otherwise),
                    None => break,
                },
                _ => break,
            };
            let Some(name) = name.filter(|name| !scope.given.contains_key(*name)) else { break };
            match (around.own.get(name), class) {
                (Some(own), _) => value = own.clone(),
                (None, Some(class)) if class.parameters.contains_key(name) => {
                    let usual = &class.parameters[name];
                    let key = format!("{}::{name}", class.name);
                    // Data of the parameter's own name goes before what its default looks up.
                    if matches!(usual.kind, Kind::Call(_)) && self.levels(&key).is_empty() {
                        value = usual.clone();
                        continue;
                    }
                    let usual = Some(usual).filter(|it| !it.items().is_empty() || !it.entries().is_empty());
                    return Subject::Data(key, usual.cloned());
                }
                _ => break,
            }
        }
        let known = known(&scope.given, &around.own);
        match Fill::new(&known, self.modules).value(&value) {
            told if matches!(told.kind, Kind::List(_) | Kind::Map(_)) => Subject::Known(told),
            _ => Subject::Unknown,
        }
    }

    /// Resources that a function makes: of a hash of titles, or of titles and what all of them are given.
    fn computed(&mut self, around: &Around<'_>, computed: &Computed, scope: &Scope<'a>) {
        for scope in self.elements(around, &computed.loops, computed.owner, scope) {
            let given = |name: &str| around.given(&scope, name);
            if !computed.conditions.may_hold(&given) {
                continue;
            }
            let known = known(&scope.given, &around.own);
            let fill = Fill::new(&known, self.modules);
            let kind = fill.value(&computed.kind);
            let kind = kind.text().unwrap_or("").to_lowercase();
            let kind = kind.trim_start_matches("::");
            let shared = fill.value(&computed.shared);
            let titles = fill.value(&computed.of);
            let titled = matches!(&titles.kind, Kind::Text(text) if !schedule::has_placeholder(text));
            let entries = if titled {
                vec![(Some(titles), shared.clone(), scope.clone())]
            } else {
                self.entries(self.subject(around, &computed.of, computed.owner, &scope), &scope)
            };
            if entries.is_empty() && self.leads_to_jobs(kind, around.depth) {
                let why = format!("resources of the type {kind} are made of data, which no manifest tells");
                let origin = self.origin(&scope, computed.line);
                self.gap(&origin, GapCode::Unresolved, &why);
            }
            for (title, value, scope) in entries {
                // A list tells titles alone.
                let (title, value) = match title {
                    Some(title) => (title, value),
                    None => (value, shared.clone()),
                };
                let told = value.entries().iter().chain(shared.entries());
                let mut attributes = Attributes::new();
                for (name, value) in told {
                    attributes.entry(name.text().unwrap_or("").to_owned()).or_insert_with(|| value.clone());
                }
                let origin = self.origin(&scope, computed.line);
                let content = attributes.get("content").cloned();
                let title = title.text().unwrap_or("").to_owned();
                self.made(kind, &title, attributes, content.as_ref(), &scope, origin, around.depth);
            }
        }
    }

    /// Whether resources of a type are jobs, or a define of the tree's own makes some of them.
    fn leads_to_jobs(&mut self, kind: &str, depth: usize) -> bool {
        if is_job(kind) {
            return true;
        }
        let mut nothing = Evidence::new();
        let mut tried =
            Catalog::new(self.file, Rc::clone(&self.text), self.world, self.modules, &mut nothing);
        let scope = Scope { owner: String::new(), host: None, given: Attributes::new(), origin: None };
        let origin = tried.origin(&scope, 1);
        tried.made(kind, "${title}", Attributes::new(), None, &scope, origin, depth);
        tried.timers();
        tried.jobs > 0
    }

    /// Follows a define of the tree's own to the jobs it wraps.
    fn define(
        &mut self,
        kind: &str,
        title: &str,
        given: Attributes,
        scope: &Scope<'a>,
        origin: Origin<'a>,
        depth: usize,
    ) {
        let Some(manifest) = self.manifest_of(kind) else { return };
        let Some(at) = manifest.definitions.iter().position(|it| it.keyword == "define" && it.name == kind)
        else {
            return;
        };
        let mut all = given;
        for name in ["title", "name"] {
            all.insert(name.to_owned(), scalar(origin.line, title));
        }
        let (named, nothing) = (all.clone(), Attributes::new());
        let told = known(&named, &nothing);
        let fill = Fill::new(&told, self.modules);
        for (name, value) in &manifest.definitions[at].parameters {
            all.entry(name.clone()).or_insert_with(|| fill.value(value));
        }
        let mut own = self.settled(&manifest, &all);
        let module = kind.split("::").next().unwrap_or(kind);
        own.insert("module_name".to_owned(), scalar(1, module));
        let around = Around { manifest: &manifest, own, depth: depth + 1 };
        let (owner, host) = (scope.owner.clone(), scope.host.clone());
        let inner = Scope { owner, host, given: all, origin: Some(origin) };
        for resource in manifest.resources.iter().filter(|resource| resource.owner == Some(at)) {
            self.resource(&around, resource, &inner);
        }
        for computed in manifest.computed.iter().filter(|computed| computed.owner == Some(at)) {
            self.computed(&around, computed, &inner);
        }
    }

    fn manifest_of(&mut self, kind: &str) -> Option<Rc<Manifest>> {
        if let Some(known) = self.defines.get(kind) {
            return known.clone();
        }
        let text = self.modules.manifest(kind).and_then(|file| file.text().ok());
        let manifest = text.map(|text| Rc::new(manifest::read(&text)));
        self.defines.insert(kind.to_owned(), manifest.clone());
        manifest
    }

    fn gap(&mut self, origin: &Origin<'_>, code: GapCode, why: &str) {
        let place = Place::line(&origin.file.path, origin.line);
        self.out.add_gap(Gap::new(place, code, scrub(why).into_owned()));
    }

    /// What a job is called: with what it stands in, where no host tells it from others.
    fn called(&self, title: &str, scope: &Scope<'_>) -> String {
        match &scope.host {
            None if !scope.owner.is_empty() => format!("{}/{title}", scope.owner),
            _ => title.to_owned(),
        }
    }

    fn state(&mut self, planned: &Planned, title: &str, scope: &Scope<'a>, origin: &Origin<'a>) {
        for schedule in &planned.schedules {
            if let Err(rejected) = schedule::parse(planned.dialect, schedule) {
                let why = format!("{schedule}: {} rejects it: {}", planned.dialect, rejected.reason);
                return self.gap(origin, GapCode::BadSchedule, &why);
            }
        }
        let environment: BTreeMap<String, String> =
            planned.environment.iter().filter_map(|it| setting(it)).collect();
        let name = self.called(title, scope);
        let service = format!("{title}.service");
        let work = match &planned.command {
            Some(command) => Work::Template(command),
            None => Work::Named(&service),
        };
        let Origin { file, text, line } = origin;
        let job = Job::of_shell(file, self.world, "", planned.dialect, "", &environment);
        Job {
            host: scope.host.clone(),
            name: Some(&name),
            schedules: planned.schedules.clone(),
            zone: Cron::Debian.zone_below(self.world, scope.host.as_deref(), &environment),
            account: planned.account.as_deref().map(Text::from),
            work,
            guards: planned.guards.iter().map(|guard| Text::from(scrub(guard))).collect(),
            line: *line,
            remark: remark_above(text, *line),
            scope: scope_of(&file.path, ""),
            ..job
        }
        .state(self.out);
        self.jobs += 1;
    }
}

impl Around<'_> {
    /// The text of a variable, for conditions.
    fn given(&self, scope: &Scope<'_>, name: &str) -> Option<String> {
        let (base, keys) = fill::subscripts(name)?;
        let mut value = scope.given.get(base).or_else(|| self.own.get(base))?;
        for key in keys {
            match (fill::entry(value, key), &value.kind) {
                (Some(part), _) => value = part,
                // What a hash does not have is nothing.
                (None, Kind::Map(_)) => return Some(String::new()),
                (None, _) => return None,
            }
        }
        // A list or a hash is something, and no text that it could be compared with.
        Some(value.text().unwrap_or("[]").to_owned())
    }
}

/// The key that a function looks up in data, and what it takes where there is none.
fn data_of(call: &super::node::Call) -> Option<(String, Option<Node>)> {
    let known = ["hiera", "hiera_hash", "hiera_array", "lookup"].contains(&call.name.as_str());
    let key = call.arguments.first()?.text().filter(|key| known && !schedule::has_placeholder(key))?;
    let usual = match (call.name.as_str(), call.arguments.last()) {
        // `lookup` takes it as an option, or behind a type and a way of merging.
        ("lookup", Some(last)) => last.get("default_value").or(call.arguments.get(3)),
        (_, _) => call.arguments.get(1),
    };
    let usual = usual.filter(|it| !it.items().is_empty() || !it.entries().is_empty());
    Some((key.trim_start_matches("::").to_owned(), usual.cloned()))
}
