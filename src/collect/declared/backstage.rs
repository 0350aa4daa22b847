//! Backstage catalogues ("Descriptor Format of Catalog Entities"): components with their owner, what they depend on
//! and which APIs they provide and consume, resources, APIs with their definition. Annotations and labels but
//! `backstage.io/source-location` are read by nobody here: none is defined to hold a login, a host or a table.

use super::document::{self, Document, top_keys};
use super::openapi::{Described, path_lines};
use super::{Inventory, Notes};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{
    About, Basis, GapCode, Mention, MentionKind, Provenance, Resource, ResourceKind, Says, Scope, Text,
};
use crate::input::InputFile;
use serde_json::Value;
use std::fmt;

/// How many references a field of an entity may list.
pub const MAX_REFERENCES: usize = 1000;

/// `catalog-info.yaml` and what it lists.
pub struct Backstage;

impl Inventory for Backstage {
    fn about(&self) -> &'static About {
        &About {
            name: "backstage",
            title: "Backstage catalogues: components, APIs, resources, owners",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let head = file.head_text();
        top_keys(&head).iter().any(|(key, value)| *key == "apiVersion" && is_version(value))
    }

    fn index(&self, text: &str) -> Vec<(String, String)> {
        let mut index = Vec::new();
        for document in document::parse_all(text) {
            if let Some(entity) = document.value.ok().as_ref().and_then(Entity::of) {
                entity.index(&mut index);
            }
        }
        index
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        let documents = document::parse_all(text);
        let values = documents.iter().filter_map(|document| document.value.as_ref().ok());
        let components = values.filter_map(Entity::of).filter(|it| it.own.kind == "component").count();
        for document in &documents {
            match &document.value {
                Err(reason) => notes.gap(document.line, GapCode::Unparsed, reason),
                // What stands among tests or examples is nobody's inventory.
                Ok(value) if notes.scope() == Scope::Production => {
                    let Some(entity) = Entity::of(value) else {
                        if value.get("apiVersion").and_then(Value::as_str).is_some_and(is_version) {
                            let detail = "an entity without kind, or without a name as catalogues allow them";
                            notes.gap(document.line, GapCode::Unresolved, detail);
                        }
                        continue;
                    };
                    Telling { entity, document, notes, alone: components == 1 }.tell();
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }
}

/// A reference to an entity, as one text compares: kind, namespace and name in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reference {
    kind: String,
    namespace: String,
    /// As written.
    name: String,
}

impl Reference {
    /// `[<kind>:][<namespace>/]<name>`, by the rule of Backstage itself ("Entity References"; `parseEntityRef` of
    /// its package catalog-model): a colon after the slash belongs to the name.
    fn parse(text: &str, kind: Option<&str>, namespace: &str) -> Option<Reference> {
        let slash = text.find('/');
        let colon = text.find(':').filter(|colon| slash.is_none_or(|slash| *colon < slash));
        let after = |at: Option<usize>| at.map_or(0, |at| at + 1);
        let kind = colon.map_or(kind, |colon| Some(&text[..colon]))?.to_ascii_lowercase();
        let namespace = slash.map_or(namespace, |slash| &text[after(colon)..slash]).to_ascii_lowercase();
        let name = &text[after(colon).max(after(slash))..];
        let whole = [kind.as_str(), &namespace, name].iter().all(|part| is_name(part));
        whole.then(|| Reference { kind, namespace, name: scrub_name(name).into_owned() })
    }

    /// The name people read: the namespace stands behind it unless it is the default one. An id is parted by
    /// slashes, and no name of a catalogue holds an `@`.
    fn shown(&self) -> String {
        match self.namespace.as_str() {
            "default" => self.name.clone(),
            namespace => format!("{}@{namespace}", self.name),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.kind, self.namespace, self.name.to_ascii_lowercase())
    }
}

/// The versions of entities; those of templates begin otherwise.
fn is_version(text: &str) -> bool {
    text.starts_with("backstage.io/")
}

/// Names as the catalogue allows them ("name [required]").
fn is_name(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 63 && text.chars().all(fine)
}

/// One entity of a catalogue.
struct Entity<'a> {
    own: Reference,
    value: &'a Value,
}

impl<'a> Entity<'a> {
    fn of(value: &'a Value) -> Option<Entity<'a>> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        text("/apiVersion").filter(|version| is_version(version))?;
        let namespace = text("/metadata/namespace").unwrap_or("default");
        let own = Reference::parse(text("/metadata/name")?, text("/kind"), namespace)?;
        Some(Entity { own, value })
    }

    fn spec(&self, field: &str) -> Option<&'a str> {
        self.value.get("spec")?.get(field)?.as_str()
    }

    /// The texts of a field that lists references; what is no text is empty, and no reference.
    fn list(&self, field: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let list = self.value.get("spec").and_then(|spec| spec.get(field)).and_then(Value::as_array);
        list.into_iter().flatten().map(|it| it.as_str().unwrap_or("")).take(MAX_REFERENCES)
    }

    fn reference(&self, text: &str, kind: &str) -> Option<Reference> {
        Reference::parse(text, Some(kind), &self.own.namespace)
    }

    /// What the other files of the catalogue may refer to.
    fn index(&self, index: &mut Vec<(String, String)>) {
        let role = role(self.spec("type").unwrap_or(""));
        index.push((format!("entity {}", self.own), format!("{role}:{}", self.own.shown())));
        for api in self.list("providesApis").filter_map(|api| self.reference(api, "api")) {
            index.push((format!("provides {api}"), self.own.to_string()));
        }
        if self.own.kind == "api" {
            for (endpoint, _) in self.described().ok().flatten().map(|it| it.servers).unwrap_or_default() {
                index.push((format!("at {endpoint}"), self.own.to_string()));
            }
        }
    }

    /// The definition that stands in an API itself, if it is one of OpenAPI; the error says what it is instead.
    fn described(&self) -> Result<Option<Described>, String> {
        let definition = self.value.get("spec").and_then(|spec| spec.get("definition"));
        match definition {
            Some(Value::String(text)) if self.spec("type") == Some("openapi") => {
                Described::of(&document::parse(text)?).map(Some)
            }
            Some(Value::Object(placeholder)) => {
                // `$text: ./openapi.yaml` ("Substitutions in the Descriptor Format"): the file is read as itself.
                let elsewhere = placeholder.values().filter_map(Value::as_str).any(|at| at.contains("://"));
                if elsewhere { Err("its definition is kept elsewhere".to_owned()) } else { Ok(None) }
            }
            Some(_) => Err("its definition is none of OpenAPI".to_owned()),
            None => Ok(None),
        }
    }
}

/// What a component of this type is among consumers; the types that the catalogue itself knows are services,
/// websites and libraries.
fn role(kind: &str) -> &'static str {
    if matches!(kind, "cronjob" | "job" | "batch" | "batch-job" | "scheduled-job") {
        "job"
    } else {
        "service"
    }
}

/// One entity on its way into the notes.
struct Telling<'a, 'b, 'n> {
    entity: Entity<'a>,
    document: &'a Document<'a>,
    notes: &'b mut Notes<'n>,
    /// Whether its file holds one component and no more.
    alone: bool,
}

impl Telling<'_, '_, '_> {
    fn tell(mut self) {
        match self.entity.own.kind.as_str() {
            "component" => self.component(),
            "api" => self.api(),
            "resource" => self.resource(),
            "location" => self.location(),
            _ => {}
        }
    }

    fn say(&mut self, about: &Mention, says: Says, near: &str) {
        let line = self.document.line_of(near);
        self.notes.say_at(about, says, Basis::Declared, line);
    }

    fn gap(&mut self, code: GapCode, near: &str, detail: &str) {
        let detail = format!("{}: {detail}", self.entity.own);
        self.notes.gap(self.document.line_of(near), code, &detail);
    }

    /// The owner as people read it: a group by its name, a user as one.
    fn owner(&mut self) -> Option<Says> {
        let owner = self.entity.reference(self.entity.spec("owner")?, "group")?;
        let shown = owner.shown();
        let text = if owner.kind == "group" { shown } else { format!("{}:{shown}", owner.kind) };
        Some(Says::OwnedBy(Text::from(text)))
    }

    fn component(&mut self) {
        let own = self.entity.own.clone();
        let kind = role(self.entity.spec("type").unwrap_or(""));
        let about = declared(self.notes, kind, &own.shown());
        let kind = about.text.split(':').next().map(Text::from).unwrap_or_default();
        self.say(&about, Says::DeclaredAs(kind), "kind:");
        if let Some(owner) = self.owner() {
            self.say(&about, owner, "owner:");
        }
        if let Some(stage) = self.entity.spec("lifecycle").filter(|stage| is_name(stage)) {
            self.say(&about, Says::Lifecycle(Text::from(stage)), "lifecycle:");
        }
        for (field, kind) in [("subcomponentOf", "component"), ("system", "system")] {
            let whole = self.entity.spec(field).and_then(|text| self.entity.reference(text, kind));
            if let Some(whole) = whole {
                let whole = match kind {
                    "component" => self.consumer(&whole),
                    _ => Mention::new(MentionKind::Declared, format!("system:{}", whole.shown())),
                };
                self.say(&about, Says::PartOf(whole), field);
            }
        }
        if let Some(folder) = self.folder() {
            let same = Says::SameAs(Mention::new(MentionKind::Component, folder));
            self.say(&about, same, "kind:");
        }
        self.dependencies(&about);
        if self.entity.list("providesApis").next().is_some() {
            let system = Mention::new(MentionKind::System, own.shown());
            self.say(&system, Says::DeclaredAs(Text::from("service")), "providesApis");
        }
    }

    /// What a component depends on, and the APIs it consumes.
    fn dependencies(&mut self, about: &Mention) {
        for text in self.entity.list("dependsOn").collect::<Vec<_>>() {
            match Reference::parse(text, None, &self.entity.own.namespace) {
                Some(target) => self.uses(about, &target, text),
                None => self.gap(GapCode::BadConfig, text, "dependsOn needs references with their kind"),
            }
        }
        for text in self.entity.list("consumesApis").collect::<Vec<_>>() {
            match self.entity.reference(text, "api") {
                Some(target) => self.uses(about, &target, text),
                None => self.gap(GapCode::BadConfig, text, "consumesApis holds what is no reference"),
            }
        }
    }

    /// The consumer that a component is, as its own entry spells it.
    fn consumer(&self, component: &Reference) -> Mention {
        let listed = self.notes.known(&format!("entity {component}")).next();
        let shown = component.shown();
        let (kind, name) = listed.and_then(|it| it.split_once(':')).unwrap_or(("service", &shown));
        declared(self.notes, kind, name)
    }

    /// The name of a resource or component as its own entry spells it.
    fn system(&self, of: &Reference) -> String {
        let listed = self.notes.known(&format!("entity {of}")).next().and_then(|it| it.split_once(':'));
        listed.map_or_else(|| of.shown(), |(_, name)| name.to_owned())
    }

    /// States that a component uses what a reference means: a resource, a component, or whoever provides an API.
    fn uses(&mut self, about: &Mention, target: &Reference, near: &str) {
        let listed = self.notes.known(&format!("entity {target}")).next().is_some();
        let mut systems = Vec::new();
        match target.kind.as_str() {
            "api" => {
                let providers: Vec<&str> = self.notes.known(&format!("provides {target}")).collect();
                let providers = providers.iter().filter_map(|text| Reference::parse(text, None, "default"));
                systems.extend(providers.map(|provider| self.system(&provider)));
            }
            "resource" => {}
            "component" => {
                if listed {
                    let system = Mention::new(MentionKind::System, self.system(target));
                    self.say(&system, Says::DeclaredAs(Text::from("service")), near);
                }
            }
            _ => {
                return self.gap(GapCode::BadConfig, near, "only components, resources and APIs can be used");
            }
        }
        if systems.is_empty() {
            systems.push(self.system(target));
        }
        let requests = |of: &Text| Resource {
            kind: ResourceKind::Endpoint,
            server: Some(of.clone()),
            database: None,
            parts: Vec::new(),
        };
        for system in systems.into_iter().map(Text::from) {
            // A component is reached by requests, as an API is; only a resource may be a database.
            let resource = target.kind == "resource";
            let used = if resource { Resource::database(Some(system), None) } else { requests(&system) };
            self.say(about, Says::DeclaredUse(None, used), near);
        }
    }

    fn resource(&mut self) {
        let about = Mention::new(MentionKind::System, self.entity.own.shown());
        let kind = self.entity.spec("type").filter(|kind| is_name(kind)).unwrap_or("resource");
        self.say(&about, Says::DeclaredAs(Text::from(kind)), "kind:");
        if let Some(owner) = self.owner() {
            self.say(&about, owner, "owner:");
        }
        let used = Resource::database(Some(about.text.clone()), None);
        for text in self.entity.list("dependencyOf").collect::<Vec<_>>() {
            match Reference::parse(text, None, &self.entity.own.namespace) {
                Some(user) if user.kind == "component" => {
                    let user = self.consumer(&user);
                    self.say(&user, Says::DeclaredUse(None, used.clone()), text);
                }
                _ => self.gap(GapCode::BadConfig, text, "dependencyOf needs references to components"),
            }
        }
    }

    fn api(&mut self) {
        let own = self.entity.own.clone();
        let providers: Vec<&str> = self.notes.known(&format!("provides {own}")).collect();
        let providers: Vec<Reference> =
            providers.iter().filter_map(|text| Reference::parse(text, None, "default")).collect();
        if providers.is_empty() {
            // Nobody of the catalogue provides it: it is a system of its own, mostly somebody else's.
            let system = Mention::new(MentionKind::System, own.shown());
            self.say(&system, Says::DeclaredAs(Text::from("external")), "kind:");
        }
        let stage = self.entity.spec("lifecycle").unwrap_or("").to_owned();
        let described = match self.entity.described() {
            Ok(None) => return,
            Ok(Some(mut described)) => {
                if stage == "deprecated" {
                    described.deprecate();
                }
                described
            }
            Err(reason) => return self.gap(GapCode::Unparsed, "definition", &reason),
        };
        let about: Vec<Mention> = providers.iter().map(|provider| self.consumer(provider)).collect();
        let document = self.document;
        let lines = path_lines(document.text);
        let line = |path: &str| document.line + lines.get(path).map_or(0, |line| line - 1);
        described.state(&about, self.notes, &line);
        let system = match &providers[..] {
            [] => own.shown(),
            [only] => self.system(only),
            _ => return,
        };
        for (endpoint, base) in &described.servers {
            if self.is_its_own(endpoint, base) {
                let system = Mention::new(MentionKind::System, system.as_str());
                self.say(
                    &system,
                    Says::SameAs(Mention::new(MentionKind::Endpoint, endpoint.as_str())),
                    "servers",
                );
            }
        }
    }

    /// Whether an address belongs to one API alone: no other of the catalogue names it, no other entry of
    /// `whodepends.toml` has it, and what stands before its paths tells versions apart and no services.
    fn is_its_own(&self, endpoint: &str, base: &str) -> bool {
        let version = |part: &str| {
            let number = part.strip_prefix('v').unwrap_or("");
            matches!(part, "" | "api" | "rest") || number.starts_with(|c: char| c.is_ascii_digit())
        };
        let mut taken = self.notes.settings().systems.iter().flat_map(|system| &system.addresses);
        self.notes.known(&format!("at {endpoint}")).count() == 1
            && base.split('/').all(version)
            && !taken.any(|address| address.eq_ignore_ascii_case(endpoint))
    }

    fn location(&mut self) {
        let targets = self.entity.list("targets").chain(self.entity.spec("target"));
        for target in targets.filter(|target| target.contains("://")).collect::<Vec<_>>() {
            self.gap(GapCode::Unresolved, target, "lists entities that are kept elsewhere");
        }
    }

    /// The folder a component's source lies in: that of its own file, where no other component shares the file
    /// and its source location, if it has one ("Well-known Annotations"), is that folder.
    fn folder(&self) -> Option<String> {
        let folder = self.notes.folder();
        let location = "/metadata/annotations/backstage.io~1source-location";
        let location = self.entity.value.pointer(location).and_then(Value::as_str);
        let here = match location.map(within_repository) {
            None => self.alone,
            // The root of a repository, which the catalogue's own folder then is.
            Some(path) if path.is_empty() => self.alone,
            Some(path) => folder == path || folder.ends_with(&format!("/{path}")),
        };
        let shown = if folder.is_empty() { "source tree" } else { folder };
        here.then(|| shown.to_owned())
    }
}

/// The path inside of a repository that a source location means: what follows the branch in
/// `url:https://host/owner/repository/tree/main/services/billing/`, or a path beside the file.
fn within_repository(location: &str) -> String {
    let target = location.split_once(':').map_or(location, |(_, target)| target);
    let path = match target.split_once("://") {
        None => target,
        Some((_, address)) => {
            // GitHub and GitLab; Bitbucket, and Gitea, which says `branch` before its name.
            let marks = ["/tree/", "/blob/", "/src/branch/", "/src/"];
            let after = marks.iter().find_map(|mark| address.split_once(mark)).map_or("", |(_, after)| after);
            after.split_once('/').map_or("", |(_, path)| path)
        }
    };
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

/// The name of a consumer. One that `whodepends.toml` lists under this name, whatever its kind, is spelled as there.
fn declared(notes: &Notes<'_>, kind: &str, name: &str) -> Mention {
    let runs = |kind: &str| matches!(kind, "service" | "job" | "client");
    let mut same: Vec<_> = notes.settings().consumers.iter().filter(|it| runs(&it.kind)).collect();
    same.retain(|it| it.name == name || it.aliases.iter().any(|alias| alias == name));
    let listed = same.iter().find(|it| it.kind == kind).or(if same.len() == 1 { same.first() } else { None });
    let text = match listed {
        Some(listed) => format!("{}:{}", listed.kind, listed.name),
        None => format!("{kind}:{name}"),
    };
    Mention::new(MentionKind::Declared, text)
}
