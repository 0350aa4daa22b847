//! Services and hosts of an Ingress: the names a workload is reached by ("DNS for Services and Pods", "Service",
//! "Ingress"). A name that means several things is stated for none of them.

use super::{MAX_ENTRIES, Object, is_name, line_of, pairs, shown};
use crate::collect::declared::Notes;
use crate::collect::document::Document;
use crate::evidence::{Basis, Mention, MentionKind, Says, Text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The domain a cluster has unless its owner says otherwise.
const DOMAIN: &str = "cluster.local";

/// What a Service leads to.
struct Target {
    /// Its name as a system.
    name: String,
    /// What kind of system that is, where its image tells.
    kind: Option<String>,
}

/// Whether two namespaces may be the same: what a manifest leaves out is whatever it is applied to.
fn may_be(one: &str, other: &str) -> bool {
    one.is_empty() || other.is_empty() || one == other
}

/// The names a Service answers to inside the cluster, the short one only where no other namespace has a Service
/// of that name.
fn names(notes: &Notes<'_>, name: &str, namespace: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let all = format!("service {name}");
    let namespaces: BTreeSet<&str> =
        notes.known(&all).filter_map(|it| it.split('\t').next()).filter(|it| !it.is_empty()).collect();
    if namespaces.len() < 2 {
        names.insert(name.to_owned());
    }
    let only = namespaces.first().copied().filter(|_| namespaces.len() == 1).unwrap_or("");
    let namespace = if namespace.is_empty() { only } else { namespace };
    if !namespace.is_empty() {
        let whole = format!("{name}.{namespace}");
        names.extend([format!("{whole}.svc"), format!("{whole}.svc.{DOMAIN}"), whole]);
    }
    names
}

/// A workload of a manifest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Workload<'a> {
    pub name: &'a str,
    pub namespace: &'a str,
    pub kind: &'a str,
    /// The kind of system it is, where its image tells.
    pub system: &'a str,
}

/// The workloads of a namespace whose pods have all of these labels.
pub(super) fn selecting<'a>(
    notes: &Notes<'a>,
    selector: &BTreeSet<String>,
    namespace: &'a str,
) -> BTreeSet<Workload<'a>> {
    let Some(first) = selector.first() else { return BTreeSet::new() };
    let all = format!("label {first}");
    let mut found = BTreeSet::new();
    for meaning in notes.known(&all) {
        let [name, own, kind, system, labels] = meaning.split('\t').collect::<Vec<_>>()[..] else { continue };
        let labels: BTreeSet<&str> = labels.split(' ').collect();
        if may_be(own, namespace) && selector.iter().all(|pair| labels.contains(pair.as_str())) {
            let namespace = if own.is_empty() { namespace } else { own };
            found.insert(Workload { name, namespace, kind, system });
        }
    }
    found
}

/// The workload that a selector means, if it is one alone, with the kind of system it is.
fn selected(notes: &Notes<'_>, selector: &BTreeSet<String>, namespace: &str) -> Option<Target> {
    let all = selecting(notes, selector, namespace);
    let name =
        |it: &Workload<'_>| Some((shown(notes, it.name, it.namespace, it.kind)?, it.system.to_owned()));
    let found: BTreeSet<(String, String)> = all.iter().map(name).collect::<Option<_>>()?;
    let [(name, system)] = &found.into_iter().collect::<Vec<_>>()[..] else { return None };
    let kind = Some(system.clone()).filter(|it| !it.is_empty());
    Some(Target { name: name.clone(), kind })
}

/// What a Service is as a system: the one of `whodepends.toml` that has one of its names for an address, else the
/// workload it leads to, else itself.
fn target(notes: &Notes<'_>, name: &str, namespace: &str, selector: &BTreeSet<String>) -> Option<Target> {
    let names = names(notes, name, namespace);
    let systems = &notes.settings().systems;
    let host = |address: &str| {
        let bare = address.rsplit_once(':').map_or(address, |(host, _)| host);
        bare.to_ascii_lowercase()
    };
    let listed = systems.iter().find(|it| it.addresses.iter().any(|address| names.contains(&host(address))));
    if let Some(listed) = listed {
        return Some(Target { name: listed.name.clone(), kind: None });
    }
    let own = || {
        let short = names.contains(name);
        let text = if short { name.to_owned() } else { format!("{name}@{namespace}") };
        (short || !namespace.is_empty()).then_some(Target { name: text, kind: None })
    };
    let found = selected(notes, selector, namespace).or_else(own)?;
    // Somebody's system that only has the same name is another.
    let taken = systems.iter().any(|it| it.name == found.name && !it.addresses.is_empty());
    let apart = if namespace.is_empty() { "kubernetes" } else { namespace };
    let name = if taken { format!("{}@{apart}", found.name) } else { found.name };
    Some(Target { name, ..found })
}

/// States the names of a Service about what it leads to.
pub(super) fn service(object: &Object<'_>, line: u64, notes: &mut Notes<'_>) {
    let selector = pairs(object.value.pointer("/spec/selector"));
    let Some(target) = target(notes, object.name, object.namespace, &selector) else { return };
    let about = Mention::new(MentionKind::System, target.name);
    if let Some(kind) = target.kind {
        notes.say_at(&about, Says::DeclaredAs(Text::from(kind)), Basis::Declared, line);
    }
    let mut ends = names(notes, object.name, object.namespace);
    ends.extend(addresses(object.value));
    for end in ends {
        let same = Says::SameAs(Mention::new(MentionKind::Endpoint, end));
        notes.say_at(&about, same, Basis::Declared, line);
    }
}

/// Addresses of a Service: its own inside of the cluster, those of its load balancer with each of its ports, and the
/// name that an ExternalName stands for.
fn addresses(value: &Value) -> BTreeSet<String> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    let list = |pointer: &str| {
        value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().take(MAX_ENTRIES)
    };
    // "None" is a headless Service, which has no address.
    let usable = |text: &&str| {
        text.parse::<IpAddr>().is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
    };
    let mut found: BTreeSet<String> =
        Some(text("/spec/clusterIP")).filter(usable).map(str::to_owned).into_iter().collect();
    let external = text("/spec/externalName").trim_end_matches('.');
    if text("/spec/type") == "ExternalName" && is_name(external) && external.contains('.') {
        found.insert(external.to_owned());
    }
    let ends = list("/status/loadBalancer/ingress").flat_map(|end| {
        let own = |key: &str| end.get(key).and_then(Value::as_str);
        [own("ip").filter(usable), own("hostname").filter(|name| is_name(name))]
    });
    let outside: BTreeSet<&str> = ends
        .flatten()
        .chain(list("/spec/externalIPs").filter_map(Value::as_str).filter(usable))
        .chain(Some(text("/spec/loadBalancerIP")).filter(usable))
        .collect();
    for port in list("/spec/ports").filter_map(|port| port.get("port")?.as_u64()) {
        found.extend(outside.iter().map(|end| format!("{end}:{port}")));
    }
    found
}

/// The hosts of an Ingress with the Services their paths lead to; of networking.k8s.io/v1, and of the versions before.
pub(super) fn backends(value: &Value) -> BTreeSet<(String, String)> {
    let rules = value.pointer("/spec/rules").and_then(Value::as_array).into_iter().flatten();
    let mut found = BTreeSet::new();
    for rule in rules.take(MAX_ENTRIES) {
        let Some(host) = rule.get("host").and_then(Value::as_str).filter(|host| is_name(host)) else {
            continue;
        };
        let paths = rule.pointer("/http/paths").and_then(Value::as_array).into_iter().flatten();
        for path in paths.take(MAX_ENTRIES) {
            let named = ["/backend/service/name", "/backend/serviceName"];
            let service = named.iter().find_map(|at| path.pointer(at)?.as_str());
            // A path that leads elsewhere makes the host that of nobody alone.
            let service = service.filter(|name| is_name(name)).unwrap_or("");
            found.insert((host.to_owned(), service.to_owned()));
        }
    }
    found
}

/// States the hosts of an Ingress of which all paths lead to one Service that is known.
pub(super) fn ingress(object: &Object<'_>, document: &Document<'_>, notes: &mut Notes<'_>) {
    for (host, service) in backends(object.value) {
        let all = format!("host {host}");
        if notes.known(&all).count() != 1 {
            continue;
        }
        let entry = format!("service {service}");
        let mut known = notes.known(&entry).filter_map(|it| it.split_once('\t'));
        let fits: Vec<_> = known.by_ref().filter(|(own, _)| may_be(own, object.namespace)).collect();
        let [(own, selector)] = fits[..] else { continue };
        let selector: BTreeSet<String> =
            selector.split(' ').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
        let namespace = if own.is_empty() { object.namespace } else { own };
        let Some(target) = target(notes, &service, namespace, &selector) else { continue };
        let about = Mention::new(MentionKind::System, target.name);
        let line = document.line_of(&host).max(line_of(document, object.name));
        for port in [80, 443] {
            let same = Says::SameAs(Mention::new(MentionKind::Endpoint, format!("{host}:{port}")));
            notes.say_at(&about, same, Basis::Declared, line);
        }
    }
}
