//! What stands beside workloads and Services: which pods a NetworkPolicy lets reach which ("Network Policies"), and what
//! a HorizontalPodAutoscaler scales ("Horizontal Pod Autoscaling"), which is a workload even where its own manifest lies
//! elsewhere. What is permitted is never a use. Ranges of addresses, and pods of namespaces that are told by labels, are
//! nobody that can be named: they are left out.

use super::{MAX_ENTRIES, Object, WORKLOADS, is_name, pairs, services, shown};
use crate::collect::declared::Notes;
use crate::evidence::{Basis, GapCode, Mention, MentionKind, Says, Text};
use serde_json::Value;
use std::collections::BTreeSet;

/// The label that every namespace has of its own name ("Automatic labelling").
const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name=";

/// What an autoscaler scales: the kind and the name.
pub(super) fn scaled(value: &Value) -> Option<(&str, &str)> {
    let text = |key: &str| value.pointer("/spec/scaleTargetRef")?.get(key)?.as_str();
    let (kind, name) = (text("kind")?, text("name")?);
    (WORKLOADS.contains(&kind) && is_name(name)).then_some((kind, name))
}

/// States a workload that only its autoscaler names.
pub(super) fn autoscaler(object: &Object<'_>, line: u64, notes: &mut Notes<'_>) {
    let Some((kind, name)) = scaled(object.value) else { return };
    let (workload, own) = (format!("workload {name}"), format!("scaled {name}"));
    if notes.known(&workload).next().is_some() || notes.known(&own).count() != 1 {
        return;
    }
    let about = Mention::new(MentionKind::Container, name);
    notes.say_at(&about, Says::DeclaredAs(Text::from("service")), Basis::Declared, line);
    let namespace = Some(object.namespace).filter(|it| !it.is_empty()).map(Text::from);
    let controller = Text::from(kind.to_ascii_lowercase());
    let pods = Says::Pods { controller, name: Text::from(name), namespace };
    notes.say_at(&about, pods, Basis::Declared, line);
}

/// A list of a policy.
fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().take(MAX_ENTRIES)
}

/// The workloads that a selector of pods means, by what they are called.
fn pods(notes: &Notes<'_>, selector: &Value, namespace: &str) -> BTreeSet<String> {
    let labels = pairs(selector.get("matchLabels"));
    let found = services::selecting(notes, &labels, namespace);
    found.iter().filter_map(|it| shown(notes, it.name, it.namespace, it.kind)).collect()
}

/// The workloads on the other side of a rule: those of the policy's namespace, or of the one that is named.
fn peers(notes: &Notes<'_>, peer: &Value, namespace: &str) -> BTreeSet<String> {
    let Some(selector) = peer.get("podSelector") else { return BTreeSet::new() };
    let Some(other) = peer.get("namespaceSelector") else { return pods(notes, selector, namespace) };
    let labels = pairs(other.get("matchLabels"));
    let named = labels.iter().find_map(|label| label.strip_prefix(NAMESPACE_LABEL));
    named.filter(|_| labels.len() == 1).map(|named| pods(notes, selector, named)).unwrap_or_default()
}

/// Which ports of a rule are open, in words; all, where it lists none.
fn ports(rule: &Value) -> String {
    let port = |port: &Value| match port.get("port")? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(name) if is_name(name) => Some(name.clone()),
        _ => None,
    };
    let ports: Vec<String> = list(rule, "/ports").filter_map(port).collect();
    if ports.is_empty() { String::new() } else { format!(" at port {}", ports.join(", ")) }
}

/// Whether a policy selects by expressions anywhere: what these mean is not worked out.
fn has_expressions(policy: &Value) -> bool {
    let in_peers = |rules: &str, side: &str| {
        list(policy, rules)
            .any(|rule| list(rule, side).any(|peer| peer.pointer("/podSelector/matchExpressions").is_some()))
    };
    policy.pointer("/spec/podSelector/matchExpressions").is_some()
        || in_peers("/spec/ingress", "/from")
        || in_peers("/spec/egress", "/to")
}

/// States whom a policy lets reach whom.
pub(super) fn policy(object: &Object<'_>, line: u64, notes: &mut Notes<'_>) {
    let (value, namespace) = (object.value, object.namespace);
    if has_expressions(value) {
        let detail = format!("NetworkPolicy {} selects pods by expressions, which are not read", object.name);
        return notes.gap(line, GapCode::Unresolved, &detail);
    }
    let Some(selector) = value.pointer("/spec/podSelector") else { return };
    let own = pods(notes, selector, namespace);
    let mut may: BTreeSet<(String, String)> = BTreeSet::new();
    for (rules, side, inward) in [("/spec/ingress", "/from", true), ("/spec/egress", "/to", false)] {
        for rule in list(value, rules) {
            let others: BTreeSet<String> =
                list(rule, side).flat_map(|peer| peers(notes, peer, namespace)).collect();
            let (from, to) = if inward { (&others, &own) } else { (&own, &others) };
            for client in from.iter().take(MAX_ENTRIES) {
                let reached = to.iter().take(MAX_ENTRIES).filter(|it| *it != client);
                may.extend(reached.map(|it| (client.clone(), format!("may reach {it}{}", ports(rule)))));
            }
        }
    }
    for (client, what) in may {
        let says = Says::Permitted(Text::from(format!("{what} (NetworkPolicy {})", object.name)));
        notes.say_at(&Mention::new(MentionKind::Container, client), says, Basis::Declared, line);
    }
}
