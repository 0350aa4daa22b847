//! Names of pods: which workload a pod belongs to, by what each controller of Kubernetes puts behind its own name. It
//! takes no name for a pod's that no stated workload can have given, and none that two can.

use crate::evidence::{Evidence, Mention, Says, Scope, Text};
use std::collections::{BTreeMap, BTreeSet};

/// How many characters the API server puts behind a `generateName` (k8s.io/apiserver, `names/generate.go`).
const RANDOM: usize = 5;
/// What it takes them from (k8s.io/apimachinery, `util/rand`): no vowels, and nothing that looks like another.
const ALPHABET: &str = "bcdfghjklmnpqrstvwxz2456789";
/// What the digits of a template's hash become in the same alphabet (`SafeEncodeString`); the hash has 32 bits.
const HASH: &str = "456789bcdf";
/// What a name is cut to before the random part.
const MAX_BASE: usize = 58;

/// One stated workload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Workload {
    controller: Text,
    namespace: Option<Text>,
    who: Mention,
}

/// All stated workloads, by name.
#[derive(Debug, Default)]
pub struct Pods {
    workloads: BTreeMap<Text, BTreeSet<Workload>>,
}

/// Whether a text is as long and of these characters.
fn is_of(text: &str, alphabet: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.chars().all(|c| alphabet.contains(c))
}

/// The names of controllers that may have named a pod, with the kinds they are of.
fn controllers(pod: &str) -> Vec<(&str, &'static [&'static str])> {
    let mut found: Vec<(&str, &'static [&'static str])> = Vec::new();
    let Some((base, last)) = pod.rsplit_once('-') else { return found };
    // "StatefulSets", ordinal index: a number without leading zeros.
    let zeros = last.len() > 1 && last.starts_with('0');
    if is_of(last, "0123456789", 1..=10) && !zeros {
        found.push((base, &["statefulset"]));
    }
    if is_of(last, ALPHABET, RANDOM..=RANDOM) {
        found.push((base, &["daemonset", "replicaset", "job"]));
        if let Some((name, middle)) = base.rsplit_once('-') {
            // "Deployments": the name of its ReplicaSet is its own and the hash of the template.
            if is_of(middle, HASH, 1..=10) {
                found.push((name, &["deployment"]));
            }
            // "Jobs", completion mode Indexed.
            if is_of(middle, "0123456789", 1..=10) {
                found.push((name, &["job"]));
            }
        }
    }
    found.retain(|(base, _)| !base.is_empty() && base.len() <= MAX_BASE);
    found
}

impl Pods {
    /// What inventories state.
    pub fn learn(evidence: &Evidence) -> Pods {
        let mut pods = Pods::default();
        for fact in evidence.facts().filter(|fact| fact.scope == Scope::Production) {
            if let Says::Pods { controller, name, namespace } = &fact.says {
                let (controller, namespace) = (controller.clone(), namespace.clone());
                let workload = Workload { controller, namespace, who: fact.about.clone() };
                pods.workloads.entry(name.clone()).or_default().insert(workload);
            }
        }
        pods
    }

    /// The workload whose pod is named so: by its bare name, or by the full one that it has under a Service
    /// (`pod.service.namespace.svc.cluster.local`, "DNS for Services and Pods").
    pub fn workload(&self, text: &str) -> Option<&Mention> {
        if self.workloads.is_empty() {
            return None;
        }
        let (pod, domain) = text.split_once('.').unwrap_or((text, ""));
        let labels: Vec<&str> = domain.split('.').collect();
        let namespace = match labels[..] {
            [""] => None,
            [_, namespace, "svc", ..] => Some(namespace),
            _ => return None,
        };
        let mut found = BTreeSet::new();
        for (base, kinds) in controllers(pod) {
            for workload in self.workloads.get(base).into_iter().flatten() {
                let own = workload.namespace.as_deref();
                let apart = own.zip(namespace).is_some_and(|(own, other)| own != other);
                if kinds.contains(&&*workload.controller) && !apart {
                    found.insert(&workload.who);
                }
            }
        }
        match found.into_iter().collect::<Vec<_>>()[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Basis, Fact, MentionKind, Place};

    fn pods(stated: &[(&str, &str, Option<&str>, &str)]) -> Pods {
        let mut evidence = Evidence::new();
        for (controller, name, namespace, who) in stated {
            let says = Says::Pods {
                controller: Text::from(*controller),
                name: Text::from(*name),
                namespace: namespace.map(Text::from),
            };
            let about = Mention::new(MentionKind::Container, *who);
            let place = Place::line(&Text::from("k8s.yaml"), 1);
            let (basis, scope) = (Basis::Declared, Scope::Production);
            evidence.add_fact(Fact { about, says, basis, scope, span: None, place });
        }
        Pods::learn(&evidence)
    }

    #[test]
    fn each_controller_names_its_pods_in_its_own_way() {
        let pods = pods(&[
            ("deployment", "orders", None, "orders"),
            ("statefulset", "db", Some("shop"), "db"),
            ("daemonset", "shipper", None, "shipper"),
            ("job", "load", None, "load"),
        ]);
        let cases = [
            ("orders-7d9f8b6c5d-x2k4q", Some("orders")),
            ("orders-x2k4q", None),
            ("orders-7d9f8b6c5d-x2k4", None),
            ("orders-7d9f8b6c5d-x2k4a", None),
            ("orders-staging1-x2k4q", None),
            ("orders-api-7d9f8b6c5d-x2k4q", None),
            ("orders", None),
            ("db-0", Some("db")),
            ("db-12", Some("db")),
            ("db-01", None),
            ("db-x2k4q", None),
            ("db-0.db.shop.svc.cluster.local", Some("db")),
            ("db-0.db.other.svc.cluster.local", None),
            ("db-0.example.org", None),
            ("shipper-x2k4q", Some("shipper")),
            ("shipper-0", None),
            ("load-x2k4q", Some("load")),
            ("load-3-x2k4q", Some("load")),
        ];
        let told = cases.map(|(pod, _)| (pod, pods.workload(pod).map(|who| who.text.to_string())));
        assert_eq!(told, cases.map(|(pod, who)| (pod, who.map(str::to_owned))));
    }

    #[test]
    fn a_name_that_two_may_have_given_is_nobodys() {
        let pods = pods(&[
            ("deployment", "orders", Some("a"), "orders@a"),
            ("deployment", "orders", Some("b"), "orders@b"),
        ]);
        assert_eq!(pods.workload("orders-7d9f8b6c5d-x2k4q"), None);
        let full = pods.workload("orders-7d9f8b6c5d-x2k4q.orders.b.svc.cluster.local");
        assert_eq!(full.map(|who| &*who.text), Some("orders@b"));
    }
}
