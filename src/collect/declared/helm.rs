//! Charts of Helm ("Charts": Chart.yaml, values.yaml): a chart that is installed runs as a service, its folder is that
//! service's, and the hosts of an Ingress that `helm create` lays out in the values are its names. What connections the
//! values hold, settings tell; templates that only values fill in stay unknown, and so do values given at an install.

use super::compose::system_kind;
use super::document;
use super::{Inventory, Notes};
use crate::evidence::{About, Basis, Mention, MentionKind, Provenance, Says, Scope, Text};
use crate::input::InputFile;
use serde_json::Value;
use std::collections::BTreeSet;

/// How many hosts of a chart are read.
const MAX_HOSTS: usize = 100;

/// Charts.
pub struct Helm;

impl Inventory for Helm {
    fn about(&self) -> &'static About {
        &About {
            name: "helm",
            title: "Helm charts: Chart.yaml, and the hosts of an Ingress in their values",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let name = file.name();
        let chart = || {
            let head = file.head_text();
            let keys = document::top_keys(&head);
            let version = |value: &str| matches!(value.trim_matches(['"', '\'']), "v1" | "v2");
            keys.iter().any(|(key, value)| *key == "apiVersion" && version(value))
        };
        name == "Chart.yaml" && chart() || is_values(name)
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        if notes.scope() != Scope::Production {
            return Ok(());
        }
        if notes.path_ends("Chart.yaml") {
            let chart = document::parse(text)?;
            let Some(name) = installed(&chart) else { return Ok(()) };
            let about = Mention::new(MentionKind::Container, name);
            let kind = values(notes).unwrap_or("service");
            notes.say(&about, Says::DeclaredAs(Text::from(kind)), Basis::Declared, "name:");
            if !notes.folder().is_empty() {
                let same = Says::SameAs(Mention::new(MentionKind::Component, notes.folder()));
                notes.say(&about, same, Basis::Declared, "name:");
            }
            return Ok(());
        }
        let Some(name) = chart_beside(notes) else { return Ok(()) };
        // Values of which a template makes a part are nobody's yet, and what is broken there Helm tells.
        let Ok(values) = document::parse(text) else { return Ok(()) };
        for host in hosts(&values) {
            for port in [80, 443] {
                let about = Mention::new(MentionKind::System, name.clone());
                let same = Says::SameAs(Mention::new(MentionKind::Endpoint, format!("{host}:{port}")));
                notes.say(&about, same, Basis::Declared, &host);
            }
        }
        Ok(())
    }
}

/// `values.yaml`, and those that people keep beside it for each place (`values-prod.yaml`).
fn is_values(name: &str) -> bool {
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    stem.and_then(|stem| stem.strip_prefix("values"))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '.']))
}

/// The name of a chart that can be installed.
fn installed(chart: &Value) -> Option<String> {
    let text = |key: &str| chart.get(key).and_then(Value::as_str);
    let name = text("name").filter(|name| is_name(name))?;
    (text("type") != Some("library")).then(|| name.to_owned())
}

/// A name that a chart or a host may have (RFC 1123, 2.1).
fn is_name(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    !text.is_empty() && text.len() <= 253 && text.chars().all(fine)
}

/// A file beside this one.
fn beside(notes: &Notes<'_>, name: &str) -> Option<Value> {
    let path = match notes.folder() {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    };
    let file = notes.files().iter().find(|file| *file.path == *path)?;
    document::parse(&file.text().ok()?).ok()
}

fn chart_beside(notes: &Notes<'_>) -> Option<String> {
    installed(&beside(notes, "Chart.yaml")?)
}

/// What kind of system the image of a chart's values is, where it is a known one.
fn values(notes: &Notes<'_>) -> Option<&'static str> {
    let values = beside(notes, "values.yaml")?;
    let image = values.get("image")?;
    system_kind(image.as_str().or_else(|| image.get("repository")?.as_str())?)
}

/// The hosts of an Ingress: `ingress.hosts`, of which each is a map with `host` or a name, or `ingress.hostname`.
fn hosts(values: &Value) -> BTreeSet<String> {
    let Some(ingress) = values.get("ingress") else { return BTreeSet::new() };
    if ingress.get("enabled") == Some(&Value::Bool(false)) {
        return BTreeSet::new();
    }
    let list = ingress.get("hosts").and_then(Value::as_array).into_iter().flatten().take(MAX_HOSTS);
    let named = list.filter_map(|it| it.as_str().or_else(|| it.get("host")?.as_str()));
    let one = ingress.get("hostname").and_then(Value::as_str);
    let found = named.chain(one).filter(|host| is_name(host) && host.contains('.'));
    // What `helm create` and public charts leave there for others to fill in is no host of anybody.
    let placeholder = |host: &str| host.ends_with(".local") || host.ends_with("example.com");
    found.filter(|host| !placeholder(host)).map(str::to_owned).collect()
}
