//! Manifests of Kubernetes: what they state, what means nobody, and to whom a pod belongs.

use super::company::report;
use super::*;

const MANIFEST: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
  namespace: shop
spec:
  template:
    metadata:
      labels: { app: orders, tier: web }
    spec:
      containers:
      - name: orders
        image: registry.shop.example/orders:1.4
---
apiVersion: v1
kind: Service
metadata:
  name: orders-api
  namespace: shop
spec:
  selector: { app: orders }
  clusterIP: 10.96.4.7
  ports: [{ port: 80, targetPort: 8080 }]
status:
  loadBalancer: { ingress: [{ ip: 203.0.113.9 }] }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db, namespace: shop }
spec:
  serviceName: db-hl
  template:
    metadata: { labels: { app: db } }
    spec: { containers: [{ image: "postgres:16" }, { image: "exporter:1" }] }
---
apiVersion: v1
kind: Service
metadata: { name: db-hl, namespace: shop }
spec: { clusterIP: None, selector: { app: db } }
---
apiVersion: v1
kind: Service
metadata: { name: crm, namespace: shop }
spec: { type: ExternalName, externalName: crm.partner.example }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: shop }
spec:
  rules:
  - host: orders.shop.example
    http: { paths: [{ path: /, backend: { service: { name: orders-api, port: { number: 80 } } } }] }
  - host: shared.shop.example
    http: { paths: [{ path: /a, backend: { service: { name: orders-api } } }, { path: /b, backend: { service: { name: crm } } }] }
  - host: "*.shop.example"
    http: { paths: [{ backend: { service: { name: orders-api } } }] }
"#;

#[test]
fn manifests_state_workloads_services_and_hosts() {
    let evidence = stated(&[("deploy/shop.yaml", MANIFEST)]);
    let wanted = [
        "18: system:orders is endpoint:10.96.4.7",
        "18: system:orders is endpoint:203.0.113.9:80",
        "18: system:orders is endpoint:orders-api",
        "18: system:orders is endpoint:orders-api.shop",
        "18: system:orders is endpoint:orders-api.shop.svc",
        "18: system:orders is endpoint:orders-api.shop.svc.cluster.local",
        "29: container:db has pods of statefulset db in shop",
        "29: container:db is a database",
        "38: system:db is a database",
        "38: system:db is endpoint:db-hl",
        "38: system:db is endpoint:db-hl.shop",
        "38: system:db is endpoint:db-hl.shop.svc",
        "38: system:db is endpoint:db-hl.shop.svc.cluster.local",
        "43: system:crm is endpoint:crm",
        "43: system:crm is endpoint:crm.partner.example",
        "43: system:crm is endpoint:crm.shop",
        "43: system:crm is endpoint:crm.shop.svc",
        "43: system:crm is endpoint:crm.shop.svc.cluster.local",
        "4: container:orders has pods of deployment orders in shop",
        "4: container:orders is a service",
        "51: system:orders is endpoint:orders.shop.example:443",
        "51: system:orders is endpoint:orders.shop.example:80",
    ];
    assert_eq!(facts(&evidence), wanted.map(|line| format!("deploy/shop.yaml:{line}")));
    assert_eq!(gaps(&evidence), NOTHING);
}

fn workload(kind: &str, name: &str, namespace: &str, label: &str) -> String {
    let namespace = if namespace.is_empty() { String::new() } else { format!(", namespace: {namespace}") };
    format!(
        "---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{ name: {name}{namespace} }}\n\
         spec: {{ template: {{ metadata: {{ labels: {{ app: {label} }} }} }} }}\n"
    )
}

#[test]
fn names_in_several_namespaces_are_told_apart() {
    let service = |namespace: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{ name: db, namespace: {namespace} }}\nspec: {{ selector: {{ app: x }} }}\n"
        )
    };
    let a = workload("Deployment", "db", "a", "x") + &service("a");
    let b = workload("Deployment", "db", "b", "x") + &service("b");
    let evidence =
        stated(&[("a.yaml", &a), ("b.yaml", &b), ("c.yaml", &workload("Deployment", "db", "", "x"))]);
    let told = facts(&evidence);
    let short: Vec<_> = told.iter().filter(|line| line.ends_with("is endpoint:db")).collect();
    assert_eq!(short, Vec::<&String>::new());
    let of = |file: &str| told.iter().filter(|line| line.starts_with(file)).cloned().collect::<Vec<_>>();
    let wanted = [
        "a.yaml:4: container:db@a has pods of deployment db in a",
        "a.yaml:4: container:db@a is a service",
        "a.yaml:9: system:db@a is endpoint:db.a",
        "a.yaml:9: system:db@a is endpoint:db.a.svc",
        "a.yaml:9: system:db@a is endpoint:db.a.svc.cluster.local",
    ];
    assert_eq!(of("a.yaml"), wanted);
    assert_eq!(of("c.yaml"), NOTHING);
    let wanted =
        ["c.yaml:4 unresolved: Deployment db has no namespace, and there is one of its name in several (1)"];
    assert_eq!(gaps(&evidence), wanted);
}

#[test]
fn a_service_in_front_of_two_is_neither() {
    let text = workload("Deployment", "stable", "s", "web")
        + &workload("Deployment", "canary", "s", "web")
        + "---\napiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: s }\nspec: { selector: { app: web } }\n";
    let told = facts(&stated(&[("k.yaml", &text)]));
    let systems: Vec<_> = told.iter().filter(|line| line.contains("system:")).cloned().collect();
    let ends = ["web", "web.s", "web.s.svc", "web.s.svc.cluster.local"];
    assert_eq!(systems, ends.map(|end| format!("k.yaml:14: system:web is endpoint:{end}")));
}

#[test]
fn a_list_of_json_is_read_and_what_others_made_is_theirs() {
    let text = r#"{ "apiVersion": "v1", "kind": "List", "items": [
  { "apiVersion": "apps/v1", "kind": "DaemonSet",
    "metadata": {
      "name": "shipper", "namespace": "ops" }, "spec": {} },
  { "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": { "name": "orders-7d9f8b6c5d",
    "ownerReferences": [{ "kind": "Deployment", "name": "orders" }] } },
  { "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "fill", "namespace": "ops" },
    "spec": { "template": { "spec": { "containers": [{ "image": "postgres:16", "command": ["psql"] }] } } } },
  { "apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": { "name": "fn", "namespace": "ops" } } ] }"#;
    let wanted = [
        "all.json:1: container:fill has pods of job fill in ops",
        "all.json:1: container:fill is a job",
        "all.json:1: container:shipper has pods of daemonset shipper in ops",
        "all.json:1: container:shipper is a service",
    ];
    assert_eq!(facts(&stated(&[("all.json", text)])), wanted);
}

#[test]
fn what_a_template_names_or_a_test_holds_is_nobody() {
    let template = "{{- if .Values.on }}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-web\nspec: {}\n{{- end }}\n";
    let evidence = stated(&[
        ("chart/templates/web.yaml", template),
        ("tests/k.yaml", &workload("Deployment", "web", "", "web")),
        (
            "kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [web.yaml]\n",
        ),
    ]);
    assert_eq!(facts(&evidence), NOTHING);
    assert_eq!(gaps(&evidence), NOTHING);
}

const ESTATE: &str = "as_of = \"2026-11-24\"\n[[source]]\npath = \"logs/*\"\nserver = \"db\"\nzone = \"UTC\"\n\
    [[consumer]]\nkind = \"service\"\nname = \"billing\"\nusers = [\"billing\"]\n\
    [[consumer]]\nkind = \"service\"\nname = \"shipper\"\nusers = [\"shipper\"]\n";

/// Who is seen in a log that names these users, hosts and applications.
fn consumers(seen: &[(&str, &str, &str)]) -> Vec<String> {
    let line = |(number, (user, host, program)): (usize, &(&str, &str, &str))| {
        format!(
            "2026-10-26 10:00:01.123 UTC [{}] user={user},db=shop,app={program},client={host} LOG:  duration: 0.120 ms  statement: SELECT id FROM public.orders\n",
            number + 1
        )
    };
    let log: String = seen.iter().enumerate().map(line).collect();
    let manifest = MANIFEST.to_owned() + &workload("DaemonSet", "shipper", "shop", "shipper");
    let report = report(&[
        ("whodepends.toml", ESTATE),
        ("deploy/shop.yaml", &manifest),
        ("logs/postgresql.log", &log),
    ]);
    let mut told: Vec<String> = report["links"]
        .as_array()
        .expect("links are a list")
        .iter()
        .filter(|link| link["action"] == "read")
        .map(|link| format!("{} {} {}", link["consumer"], link["count"], link["resource"]).replace('"', ""))
        .collect();
    told.sort();
    told
}

#[test]
fn a_client_that_is_a_pod_is_its_workload() {
    let table = "table:db/shop/public.orders";
    // By host, by the name it gives itself, and under a Service; two pods are one consumer.
    let told = consumers(&[
        ("web", "orders-7d9f8b6c5d-x2k4q", "tool"),
        ("web", "orders-7d9f8b6c5d-zz4lm", "tool"),
        ("web", "10.244.1.5", "orders-7d9f8b6c5d-zz4lm"),
    ]);
    assert_eq!(told, [format!("service:orders 3 {table}")]);
    // A host that only looks like one.
    let told = consumers(&[("web", "orders-x2k4q", "tool")]);
    assert_eq!(told, [format!("client:web@orders-x2k4q 1 {table}")]);
    // A declared consumer of the workload's name, with its own login and with somebody else's.
    let told = consumers(&[("shipper", "shipper-x2k4q", "tool"), ("billing", "shipper-zz4lm", "tool")]);
    assert_eq!(told, [format!("client:billing@shipper 1 {table}"), format!("service:shipper 1 {table}")]);
    // Who a workload is that nothing names nobody knows: the login tells.
    let told = consumers(&[("billing", "orders-7d9f8b6c5d-x2k4q", "tool")]);
    assert_eq!(told, [format!("service:billing 1 {table}")]);
}

#[test]
fn a_policy_permits_and_an_autoscaler_names_a_workload() {
    let policy = |name: &str, spec: &str| {
        format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{ name: {name}, namespace: s }}\nspec: {spec}\n"
        )
    };
    let scaler = |name: &str| {
        format!(
            "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{ name: hpa, namespace: s }}\n\
             spec: {{ scaleTargetRef: {{ apiVersion: apps/v1, kind: Deployment, name: {name} }}, maxReplicas: 9 }}\n"
        )
    };
    let text = workload("Deployment", "web", "s", "web")
        + &workload("StatefulSet", "db", "s", "db")
        + &workload("Deployment", "etl", "t", "etl")
        + &policy(
            "to-db",
            "{ podSelector: { matchLabels: { app: db } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: web } } }, \
             { namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: t } }, podSelector: { matchLabels: { app: etl } } }, \
             { ipBlock: { cidr: 10.0.0.0/8 } }], ports: [{ port: 5432 }] }] }",
        )
        // Whoever they are, they are not told by name.
        + &policy("all", "{ podSelector: {}, ingress: [{ from: [{ namespaceSelector: {} }] }] }")
        + &policy("some", "{ podSelector: { matchExpressions: [{ key: app, operator: Exists }] }, ingress: [{}] }")
        + &scaler("web")
        + &scaler("mail");
    let evidence = stated(&[("k.yaml", &text)]);
    let told: Vec<String> = facts(&evidence).into_iter().filter(|line| !line.contains(":4: ")).collect();
    let own = |line: &&String| line.contains("Permitted") || line.contains("mail");
    let told: Vec<&String> = told.iter().filter(own).collect();
    assert_eq!(
        told,
        [
            "k.yaml:19: container:etl Permitted(\"may reach db at port 5432 (NetworkPolicy to-db)\")",
            "k.yaml:19: container:web Permitted(\"may reach db at port 5432 (NetworkPolicy to-db)\")",
            "k.yaml:39: container:mail has pods of deployment mail in s",
            "k.yaml:39: container:mail is a service",
        ]
    );
    assert_eq!(
        gaps(&evidence),
        ["k.yaml:29 unresolved: NetworkPolicy some selects pods by expressions, which are not read (1)"]
    );
}
