//! Compose files (the Compose Specification): which services are deployed, from which folder they are built,
//! under which names and addresses they are reached. A `depends_on` says what starts first, not what uses
//! what, so it states nothing here.

use super::{Inventory, Notes};
use crate::evidence::{About, Basis, Mention, MentionKind, Provenance, Says, Text};
use crate::input::InputFile;
use serde_json::Value;

/// `compose.yaml`, `docker-compose.yml` and their like.
pub struct Compose;

impl Inventory for Compose {
    fn about(&self) -> &'static About {
        &About {
            name: "compose",
            title: "Compose files: services, build folders, names, addresses",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let name = file.name();
        let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
        let text = || String::from_utf8_lossy(&file.head).into_owned();
        yaml && name.contains("compose") && text().lines().any(|line| line.trim_end() == "services:")
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        let document: Value = serde_saphyr::from_str(text)
            .map_err(|error| format!("not valid YAML: {}", error.to_string().lines().next().unwrap_or("")))?;
        let services = document.get("services").and_then(Value::as_object);
        for (name, service) in services.into_iter().flatten() {
            state_service(name, service, notes);
        }
        Ok(())
    }
}

/// The folder a service is built from, relative to the compose file.
fn build_folder(service: &Value) -> Option<&str> {
    let build = service.get("build")?;
    build.as_str().or_else(|| build.get("context").and_then(Value::as_str))
}

/// `./services/x/` below `folder` as a shown path.
fn shown(folder: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Images whose containers are databases, brokers or caches, not consumers: the last part of the name
/// without tag, as the images' own pages give it.
const SYSTEM_IMAGES: [(&str, &str); 12] = [
    ("postgres", "database"),
    ("postgis", "database"),
    ("mysql", "database"),
    ("mariadb", "database"),
    ("mongo", "database"),
    ("redis", "cache"),
    ("valkey", "cache"),
    ("memcached", "cache"),
    ("rabbitmq", "broker"),
    ("kafka", "broker"),
    ("nats", "broker"),
    ("elasticsearch", "database"),
];

/// What kind of system a container of this image is, if it is one.
pub(super) fn system_kind(image: &str) -> Option<&'static str> {
    let image = image.rsplit('/').next().unwrap_or("").split([':', '@']).next().unwrap_or("");
    SYSTEM_IMAGES.iter().find(|(known, _)| *known == image).map(|(_, kind)| *kind)
}

fn state_service(name: &str, service: &Value, notes: &mut Notes<'_>) {
    let near = format!("{name}:");
    let about = Mention::new(MentionKind::Container, name);
    let image = service.get("image").and_then(Value::as_str).unwrap_or("");
    let kind = system_kind(image).unwrap_or("service");
    notes.say(&about, Says::DeclaredAs(Text::from(kind)), Basis::Declared, &near);
    if let Some(folder) = build_folder(service) {
        let path = shown(notes.folder(), folder);
        let same = Says::SameAs(Mention::new(MentionKind::Component, path));
        notes.say(&about, same, Basis::Declared, folder);
    }
    for key in ["container_name", "hostname"] {
        if let Some(other) = service.get(key).and_then(Value::as_str) {
            let same = Says::SameAs(Mention::new(MentionKind::Host, other));
            notes.say(&about, same, Basis::Declared, other);
        }
    }
    let networks = service.get("networks").and_then(Value::as_object);
    for network in networks.into_iter().flatten().map(|(_, network)| network) {
        for key in ["ipv4_address", "ipv6_address"] {
            if let Some(address) = network.get(key).and_then(Value::as_str) {
                let runs = Says::RunsOn(Mention::new(MentionKind::Address, address));
                notes.say(&about, runs, Basis::Declared, address);
            }
        }
    }
}
