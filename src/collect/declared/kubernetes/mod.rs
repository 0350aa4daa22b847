//! Manifests of Kubernetes, as files, lists and what `kubectl get -o yaml` prints: workloads (Deployment, StatefulSet,
//! DaemonSet, ReplicaSet, Job) with the names their pods get, Services by the names of "DNS for Services and Pods",
//! hosts of an Ingress, what an autoscaler scales, and whom a NetworkPolicy lets reach whom. A workload is what runs, as a
//! container of compose is, and nobody's list of consumers. It states no address of a pod, which changes hands; what a
//! template fills in stays unknown.

mod policies;
mod services;

use super::compose::system_kind;
use super::document::{self, Document};
use super::{Inventory, Notes};
use crate::collect::manifest::{MASK, Template};
use crate::evidence::{About, Basis, GapCode, Mention, MentionKind, Provenance, Says, Scope, Text};
use crate::input::InputFile;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many objects of lists within lists are looked at in one document.
pub const MAX_OBJECTS: usize = 10_000;
/// How many labels of an object, hosts of an Ingress or ports of a Service are read.
const MAX_ENTRIES: usize = 100;

/// Kinds of workloads.
const WORKLOADS: [&str; 5] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"];
/// What else is read.
const OTHERS: [&str; 4] = ["Service", "Ingress", "NetworkPolicy", "HorizontalPodAutoscaler"];

/// Manifests.
pub struct Kubernetes;

impl Inventory for Kubernetes {
    fn about(&self) -> &'static About {
        &About {
            name: "kubernetes",
            title: "Kubernetes manifests: workloads and their pods, Services, Ingress hosts, autoscalers, NetworkPolicies",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        // Most files hold no such word, and need not become text.
        memchr::memmem::find(&file.head, b"apiVersion").is_some() && file.head_text().lines().any(names_kind)
    }

    fn index(&self, text: &str) -> Vec<(String, String)> {
        let template = Template::of(text);
        let mut index = Vec::new();
        for document in document::parse_all(&template.text) {
            let Ok(value) = &document.value else { continue };
            for object in objects(value) {
                object.index(&mut index);
            }
        }
        index
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        // What stands among tests or examples is nobody's inventory.
        if notes.scope() != Scope::Production {
            return Ok(());
        }
        let template = Template::of(text);
        for document in document::parse_all(&template.text) {
            match &document.value {
                Err(reason) if document.text.lines().any(names_kind) => {
                    notes.gap(document.line, GapCode::Unparsed, reason);
                }
                Err(_) => {}
                Ok(value) => state(value, &document, notes),
            }
        }
        Ok(())
    }
}

/// Whether a line says that an object is of a kind that is read here, in YAML or JSON.
fn names_kind(line: &str) -> bool {
    let ours = |kind: &str| {
        let kind = kind.strip_suffix("List").unwrap_or(kind);
        kind.is_empty() || WORKLOADS.contains(&kind) || OTHERS.contains(&kind)
    };
    let yaml = line.strip_prefix("- ").unwrap_or(line).trim_start();
    if let Some(kind) = yaml.strip_prefix("kind:") {
        return ours(kind.split('#').next().unwrap_or("").trim().trim_matches(['"', '\'']));
    }
    let mut values = line.split("\"kind\"").skip(1);
    values.any(|rest| {
        let value = rest.trim_start().strip_prefix(':').map(str::trim_start);
        value.and_then(|value| value.strip_prefix('"')?.split('"').next()).is_some_and(ours)
    })
}

/// A name as objects have them ("Object Names and IDs": DNS subdomain names).
fn is_name(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    !text.is_empty() && text.len() <= 253 && text.chars().all(fine) && !text.contains(MASK)
}

/// One object of a document.
struct Object<'a> {
    kind: &'a str,
    name: &'a str,
    /// Empty where the manifest leaves it to whoever applies it.
    namespace: &'a str,
    value: &'a Value,
}

/// The objects of a document that are read here, those in lists, too. Those that another object made (a ReplicaSet
/// of a Deployment, a Job of a CronJob) are its maker's.
fn objects(value: &Value) -> Vec<Object<'_>> {
    let (mut found, mut open, mut seen) = (Vec::new(), vec![(None, value)], 0);
    while let Some((kind, value)) = open.pop() {
        seen += 1;
        if seen > MAX_OBJECTS {
            break;
        }
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        // Items of a typed list may leave their own kind out.
        let Some(kind) = text("/kind").or(kind) else { continue };
        if let Some(of) = kind.strip_suffix("List") {
            let items = value.get("items").and_then(Value::as_array).into_iter().flatten();
            let of = Some(of).filter(|of| !of.is_empty());
            open.extend(items.rev().map(|item| (of, item)));
            continue;
        }
        let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace").unwrap_or(""));
        // Other groups have kinds of these names, too: a Service of Knative is another thing.
        let group = text("/apiVersion").map_or("", |version| version.rsplit_once('/').map_or("", |(g, _)| g));
        let known = match kind {
            "Service" => group.is_empty(),
            "Ingress" => matches!(group, "" | "networking.k8s.io" | "extensions"),
            "Job" => matches!(group, "" | "batch"),
            "NetworkPolicy" => matches!(group, "networking.k8s.io" | "extensions"),
            "HorizontalPodAutoscaler" => group == "autoscaling",
            kind => WORKLOADS.contains(&kind) && matches!(group, "" | "apps" | "extensions"),
        };
        let owned = value.pointer("/metadata/ownerReferences/0").is_some();
        if let (Some(name), true, false) = (name.filter(|name| is_name(name)), known, owned)
            && (namespace.is_empty() || is_name(namespace))
        {
            found.push(Object { kind, name, namespace, value });
        }
    }
    found
}

/// The pairs of a map of labels or a selector, as `key=value`.
fn pairs(map: Option<&Value>) -> BTreeSet<String> {
    let entries = map.and_then(Value::as_object).into_iter().flatten().take(MAX_ENTRIES);
    let pair = |(key, value): (&String, &Value)| {
        let pair = format!("{key}={}", value.as_str()?);
        (!pair.contains(['\t', ' ']) && !pair.contains(MASK)).then_some(pair)
    };
    entries.filter_map(pair).collect()
}

fn joined(pairs: &BTreeSet<String>) -> String {
    pairs.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

impl Object<'_> {
    fn is_workload(&self) -> bool {
        WORKLOADS.contains(&self.kind)
    }

    /// What kind of system its first container is, if that is of a known image. A Job of such an image only takes a
    /// client out of it.
    fn system(&self) -> Option<&'static str> {
        if self.kind == "Job" {
            return None;
        }
        let containers = self.value.pointer("/spec/template/spec/containers").and_then(Value::as_array);
        let images = containers.into_iter().flatten().filter_map(|it| it.get("image")?.as_str());
        images.take(1).find_map(system_kind)
    }

    /// What other files may refer to: workloads by name and by each label of their pods, Services and hosts by name.
    fn index(&self, index: &mut Vec<(String, String)>) {
        let Object { kind, name, namespace, value } = self;
        if self.is_workload() {
            index.push((format!("workload {name}"), format!("{namespace}\t{kind}")));
            let labels = pairs(value.pointer("/spec/template/metadata/labels"));
            let system = self.system().unwrap_or("");
            for label in &labels {
                let meaning = format!("{name}\t{namespace}\t{kind}\t{system}\t{}", joined(&labels));
                index.push((format!("label {label}"), meaning));
            }
        } else if *kind == "Service" {
            let selector = joined(&pairs(value.pointer("/spec/selector")));
            index.push((format!("service {name}"), format!("{namespace}\t{selector}")));
        } else if let ("HorizontalPodAutoscaler", Some((kind, name))) = (*kind, policies::scaled(value)) {
            index.push((format!("scaled {name}"), format!("{namespace}\t{kind}")));
        } else if *kind == "Ingress" {
            for (host, service) in services::backends(value) {
                index.push((format!("host {host}"), format!("{namespace}\t{service}")));
            }
        }
    }
}

/// What a workload is called: its name, with what tells it from another of that name behind it. None where nobody can
/// tell which it is.
fn shown(notes: &Notes<'_>, name: &str, namespace: &str, kind: &str) -> Option<String> {
    let mut by_namespace: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let all = format!("workload {name}");
    for (namespace, kind) in notes.known(&all).filter_map(|it| it.split_once('\t')) {
        by_namespace.entry(namespace).or_default().insert(kind);
    }
    let named = by_namespace.keys().filter(|it| !it.is_empty()).count();
    let kinds: BTreeSet<&&str> = match named {
        // A base without namespace and one overlay with it are one.
        0 | 1 => by_namespace.values().flatten().collect(),
        _ => by_namespace.get(namespace).into_iter().flatten().collect(),
    };
    let mut text = name.to_owned();
    if named > 1 {
        text = Some(format!("{name}@{namespace}")).filter(|_| !namespace.is_empty())?;
    }
    if kinds.len() > 1 {
        text.push_str(&format!("@{}", kind.to_ascii_lowercase()));
    }
    Some(text)
}

fn state(value: &Value, document: &Document<'_>, notes: &mut Notes<'_>) {
    let found = objects(value);
    if found.len() == MAX_OBJECTS {
        let detail = format!("MAX_OBJECTS: no more than {MAX_OBJECTS} objects of a list are read");
        notes.gap(document.line, GapCode::Limit, &detail);
    }
    for object in &found {
        let line = line_of(document, object.name);
        if object.is_workload() {
            workload(object, line, notes);
            continue;
        }
        match object.kind {
            "Service" => services::service(object, line, notes),
            "NetworkPolicy" => policies::policy(object, line, notes),
            "HorizontalPodAutoscaler" => policies::autoscaler(object, line, notes),
            _ => services::ingress(object, document, notes),
        }
    }
}

/// The line an object's name stands on, else that of its document.
fn line_of(document: &Document<'_>, name: &str) -> u64 {
    let yaml = format!("name: {name}");
    let is_it = |line: &str| {
        let line = line.trim().trim_end_matches(',').trim_start_matches("- ");
        line == yaml || (line.starts_with("\"name\"") && line.ends_with(&format!("\"{name}\"")))
    };
    let at = document.text.lines().take(MAX_LINES).position(is_it);
    at.map_or_else(|| document.line_of(&yaml), |at| document.line + at as u64)
}

/// How many lines of a document are looked through for the name of one object.
const MAX_LINES: usize = 5_000;

fn workload(object: &Object<'_>, line: u64, notes: &mut Notes<'_>) {
    let Some(shown) = shown(notes, object.name, object.namespace, object.kind) else {
        let detail = format!(
            "{} {} has no namespace, and there is one of its name in several",
            object.kind, object.name
        );
        return notes.gap(line, GapCode::Unresolved, &detail);
    };
    let about = Mention::new(MentionKind::Container, shown);
    let kind = object.system().unwrap_or(if object.kind == "Job" { "job" } else { "service" });
    notes.say_at(&about, Says::DeclaredAs(Text::from(kind)), Basis::Declared, line);
    let pods = Says::Pods {
        controller: Text::from(object.kind.to_ascii_lowercase()),
        name: Text::from(object.name),
        namespace: Some(object.namespace).filter(|it| !it.is_empty()).map(Text::from),
    };
    notes.say_at(&about, pods, Basis::Declared, line);
}
