//! CronJobs in manifests, lists and charts.

use super::*;

const SETTLE: &str = r#"apiVersion: batch/v1
kind: CronJob
metadata: {name: settle, namespace: shop}
spec:
  schedule: "30 2 * * *"
  timeZone: Europe/Berlin
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - name: settle
              image: shop/settle:1
              env:
                - {name: PGHOST, value: db1}
                - name: PGPASSWORD
                  valueFrom: {secretKeyRef: {name: db, key: password}}
              command: ["/bin/sh", "-c"]
              args:
                - |
                  set -e
                  psql -d shop -c 'SELECT id FROM public.orders'
"#;

#[test]
fn a_manifest_says_when_where_and_what() {
    let report = report(&[("k8s/settle.yaml", SETTLE)]);
    assert_eq!(
        jobs(&report),
        ["k8s/settle.yaml:5 job:shop/settle: 30 2 * * * (kubernetes, Europe/Berlin) \
          [concurrencyPolicy=Forbid] set -e; psql -d shop -c 'SELECT id FROM public.orders'"]
    );
    assert_eq!(uses(&report), ["job:shop/settle reads table:db1/shop/public.orders at k8s/settle.yaml:23"]);
    assert_eq!(refused(&report), NOTHING);
}

#[test]
fn what_is_suspended_or_of_another_kind_is_no_job() {
    let suspended = SETTLE.replace("timeZone: Europe/Berlin", "suspend: true");
    let other = SETTLE.replace("kind: CronJob", "kind: Workflow");
    let comment: String = SETTLE.lines().map(|line| format!("# {line}\n")).collect();
    let prose = "kind: Note\ntext: |\n  a CronJob has a schedule: 0 2 * * *\n";
    let files = [("a.yaml", suspended.as_str()), ("b.yaml", &other), ("c.yaml", &comment), ("d.yaml", prose)];
    let report = report(&files);
    assert_eq!(jobs(&report), NOTHING);
    assert_eq!(refused(&report), NOTHING);
}

#[test]
fn a_list_has_the_jobs_of_its_items_on_their_own_lines() {
    let item = |name: &str, schedule: &str| {
        format!(
            "- apiVersion: batch/v1\n  kind: CronJob\n  metadata:\n    name: {name}\n  spec:\n    jobTemplate:\n      \
             spec: {{template: {{spec: {{containers: [{{name: a, image: 'shop/{name}:1', args: [--all]}}]}}}}}}\n    \
             schedule: '{schedule}'\n"
        )
    };
    let (one, two) = (item("one", "0 1 * * *"), item("two", "0 22-2 * * *"));
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{one}{two}");
    let report = report(&[("jobs.yaml", &list)]);
    assert_eq!(jobs(&report), ["jobs.yaml:11 job:one: 0 1 * * * (kubernetes, UTC?) shop/one:1 --all"]);
    assert_eq!(
        refused(&report),
        [
            "jobs.yaml:19: two: Kubernetes refuses its schedule: hour: \"22-2\": the range ends before it begins"
        ]
    );
}

#[test]
fn of_a_chart_the_placeholders_stay_unknown() {
    let chart = r#"{{- range .Values.jobs }}
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {{ include "shop.fullname" $ }}-{{ .name }}
  labels:
    {{- include "shop.labels" $ | nindent 4 }}
spec:
  schedule: {{ .schedule | quote }}
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - image: "{{ $.Values.image }}:{{ .tag }}"
              command: [psql, -h, db1, -d, shop, -c, "DELETE FROM public.orders WHERE day = '{{ .day }}'"]
              {{- with .resources }}
              resources: {{ toYaml . | nindent 16 }}
              {{- end }}
---
{{- end }}
apiVersion: batch/v1
kind: CronJob
metadata:
  name: fixed
spec:
  schedule: "@every 1h30m"
  jobTemplate: {spec: {template: {spec: {containers: [{image: "shop/fixed:{{ .tag }}"}]}}}}
"#;
    let report = report(&[("chart/templates/jobs.yaml", chart)]);
    assert_eq!(
        jobs(&report),
        [
            "chart/templates/jobs.yaml:27 job:fixed: @every 1h30m (kubernetes, UTC) shop/fixed:{}",
            "chart/templates/jobs.yaml:9 job:psql: {{ .schedule | quote }} (kubernetes, UTC?) \
             psql -h db1 -d shop -c \"DELETE FROM public.orders WHERE day = '?'\"",
        ]
    );
    assert_eq!(
        uses(&report),
        ["job:psql writes table:db1/shop/public.orders at chart/templates/jobs.yaml:9"]
    );
    assert_eq!(refused(&report), NOTHING);
}

#[test]
fn what_cannot_be_read_is_named_and_costs_no_other() {
    let second = SETTLE.replace("settle", "second");
    let broken = format!("{SETTLE}---\nkind: CronJob\nspec: {{schedule: [\n---\n{second}");
    let report = report(&[("k8s/all.yaml", &broken)]);
    let name = |job: &String| job.split(' ').nth(1).unwrap_or("").to_owned();
    assert_eq!(jobs(&report).iter().map(name).collect::<Vec<_>>(), ["job:shop/second:", "job:shop/settle:"]);
    let refused = refused(&report);
    let named = |line: &String| line.starts_with("k8s/all.yaml:25: a CronJob that cannot be read: ");
    assert!(matches!(&refused[..], [one] if named(one)), "{refused:?}");
}

#[test]
fn a_manifest_is_one_whatever_its_file_is_called() {
    let when = |report: &serde_json::Value| -> Vec<String> {
        jobs(report).iter().map(|job| job.split(" (").next().unwrap_or("").to_owned()).collect()
    };
    let queue = "tidy:\n  cron: '5 4 * * *'\n  class: TidyJob\n  description: a kind of CronJob\n";
    let tasks = "- name: tidy\n  cron:\n    name: tidy\n    minute: 5\n    hour: 3\n    job: /bin/tidy\n- k8s:\n    definition:\n      apiVersion: batch/v1\n      kind: CronJob\n";
    let files = [
        ("cron.yml", SETTLE),
        ("config/schedule.yml", SETTLE),
        ("deploy/cron.d/settle.yaml", SETTLE),
        ("shop/config/schedule.yml", queue),
        ("roles/shop/tasks/main.yml", tasks),
    ];
    assert_eq!(
        when(&report(&files)),
        [
            "config/schedule.yml:5 job:config/shop/settle: 30 2 * * *",
            "cron.yml:5 job:shop/settle: 30 2 * * *",
            "deploy/cron.d/settle.yaml:5 job:deploy/cron.d/shop/settle: 30 2 * * *",
            "roles/shop/tasks/main.yml:2 job:roles/shop/tidy: 5 3 * * *",
            "shop/config/schedule.yml:2 job:shop/tidy: 5 4 * * *",
        ]
    );
}

#[test]
fn what_both_branches_of_a_condition_say_is_read_branch_by_branch() {
    let chart = r#"apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec:
{% if env == 'staging' %}
  schedule: "30 2 * * *"
{% else %}
  schedule: "30 3 * * *"
{% endif %}
  jobTemplate:
    spec: {template: {spec: {containers: [{name: a, image: 'shop/report:1'}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: same}
spec:
  schedule: "5 4 * * *"
{% if env == 'staging' %}
  suspend: false
{% endif %}
  jobTemplate:
    spec: {template: {spec: {containers: [{name: a, image: 'shop/same:1'}]}}}
"#;
    let report = report(&[("templates/report.yml.j2", chart)]);
    let when = |job: &String| job.split(" (").next().unwrap_or("").to_owned();
    assert_eq!(
        jobs(&report).iter().map(when).collect::<Vec<_>>(),
        [
            "templates/report.yml.j2:17 job:same: 5 4 * * *",
            "templates/report.yml.j2:6 job:report: 30 2 * * *",
            "templates/report.yml.j2:8 job:report: 30 3 * * *",
        ]
    );
    assert_eq!(refused(&report), NOTHING);
}

fn in_chart(name: &str, schedule: &str) -> String {
    SETTLE.replace("settle", name).replace("\"30 2 * * *\"", schedule)
}

#[test]
fn a_value_of_the_chart_is_taken_where_its_files_of_values_agree() {
    let [own, chosen, open, usual, part] = [
        ("own", "\"{{ .Values.jobs.own }}\""),
        ("chosen", "{{ $.Values.chosen | quote }}"),
        ("open", "{{ .Values.open | quote }}"),
        ("usual", "{{ .Values.usual | default \"4 4 * * *\" | quote }}"),
        ("part", "\"{{ .Values.minute }} 5 * * *\""),
    ]
    .map(|(name, schedule)| in_chart(name, schedule));
    let files = [
        ("chart/values.yaml", "jobs: {own: '1 1 * * *'}\nchosen: 2 2 * * *\nminute: 7\n"),
        ("chart/values-live.yaml", "chosen: 3 3 * * *\n"),
        ("chart/templates/own.yaml", &own),
        ("chart/templates/deep/chosen.yaml", &chosen),
        ("chart/templates/open.yaml", &open),
        ("chart/templates/usual.yaml", &usual),
        ("chart/templates/part.yaml", &part),
        ("other/templates/own.yaml", &own.replace("own", "far")),
    ];
    let schedules: Vec<String> = report(&files)["jobs"]
        .as_array()
        .expect("jobs are a list")
        .iter()
        .map(|job| {
            format!("{} {}", job["entity"].as_str().unwrap_or(""), job["schedule"].as_str().unwrap_or(""))
        })
        .collect();
    assert_eq!(
        schedules,
        [
            "job:shop/chosen {{ $.Values.chosen | quote }}",
            "job:shop/far {{ .Values.jobs.far }}",
            "job:shop/open {{ .Values.open | quote }}",
            "job:shop/own 1 1 * * *",
            "job:shop/part {{ .Values.minute }} 5 * * *",
            "job:shop/usual 4 4 * * *",
        ]
    );
}

#[test]
fn a_condition_around_a_part_of_a_line_leaves_the_part() {
    let zone = |written: &str| SETTLE.replace("timeZone: Europe/Berlin", written);
    let inline = zone("{{ if .zone }}timeZone: \"{{ .zone }}\"{{- end }}");
    let chosen = SETTLE.replace("\"30 2 * * *\"", "\"{{ if .live }}1 1 * * *{{ else }}2 2 * * *{{ end }}\"");
    let report = report(&[("a/templates/inline.yaml", &inline), ("b/templates/chosen.yaml", &chosen)]);
    let told: Vec<String> =
        jobs(&report).iter().map(|job| job.split(" (").next().unwrap_or("").to_owned()).collect();
    assert_eq!(
        told,
        [
            "a/templates/inline.yaml:5 job:a/templates/shop/settle: 30 2 * * *",
            "b/templates/chosen.yaml:5 job:b/templates/shop/settle: {{ if .live }}1 1 * * *{{ else }}2 2 * * *{{ end }}",
        ]
    );
    assert_eq!(refused(&report), NOTHING);
}
