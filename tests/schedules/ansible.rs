//! Ansible's module `cron`: what its documentation says of each parameter, in roles and playbooks.

use super::*;

fn world<'a>(files: &'a [(&'a str, &'a str)]) -> serde_json::Value {
    World { files, links: &[] }.report()
}

#[test]
fn tasks_of_a_role_are_jobs_with_what_the_role_itself_says() {
    let tasks = r#"---
- name: nightly
  cron:
    name: dump shop
    minute: "{{ dump_minute }}"
    hour: '3'
    user: "{{ dump_user }}"
    job: "psql -h db1 -d shop -c 'SELECT id FROM public.orders' > {{ dump_dir }}/orders.csv"
# must run after the dump
- name: all other fields are forgotten
  ansible.builtin.cron: name="old form" minute=*/10 job="/opt/sync.sh --to {{ target }}"
- block:
    - name: by keyword
      cron: {name: at boot, special_time: reboot, user: app, job: /opt/warm.sh}
    - name: both days
      cron:
        name: "clean {{ item.of }}"
        job: "/opt/clean.sh {{ item.of }}"
        weekday: "{{ item.day }}"
        hour: "{{ night | default('4') }}"
        minute: 0
      loop:
        - { of: logs, day: "1-5" }
        - { of: dumps, day: sun }
  become: true
  become_user: cleaner
"#;
    let defaults = "dump_minute: 15\ndump_user: \"{{ app_user }}\"\napp_user: shop\ndump_password: x\n";
    let report = world(&[
        ("roles/shop/dump/tasks/main.yml", tasks),
        ("roles/shop/dump/defaults/main.yml", defaults),
        ("roles/shop/dump/vars/main.yml", "target: store1\n"),
    ]);
    assert_eq!(
        jobs(&report),
        [
            "job:roles/shop/dump/at boot as app: @reboot (?): /opt/warm.sh @ roles/shop/dump/tasks/main.yml:14",
            "job:roles/shop/dump/clean dumps as cleaner: 0 4 * * sun (?): /opt/clean.sh dumps @ roles/shop/dump/tasks/main.yml:16",
            "job:roles/shop/dump/clean logs as cleaner: 0 4 * * 1-5 (?): /opt/clean.sh logs @ roles/shop/dump/tasks/main.yml:16",
            "job:roles/shop/dump/dump shop as shop: 15 3 * * * (?): psql -h db1 -d shop -c 'SELECT id FROM public.orders' > {{ dump_dir }}/orders.csv @ roles/shop/dump/tasks/main.yml:3",
            "job:roles/shop/dump/old form as -: */10 * * * * (?): /opt/sync.sh --to store1 @ roles/shop/dump/tasks/main.yml:11",
        ]
    );
    assert_eq!(
        links(&report),
        [
            "job:roles/shop/dump/dump shop read table:db1/shop/public.orders",
            "job:roles/shop/dump/dump shop connect database:db1/shop",
        ]
    );
}

#[test]
fn what_is_off_or_no_job_is_none() {
    let tasks = r#"- cron: {name: a, state: absent, minute: "1", job: /opt/a.sh}
- cron: {name: b, disabled: true, minute: "1", job: /opt/b.sh}
- cron: {name: PATH, env: true, job: /opt/bin, user: app}
- cron: {name: d, minute: "1", job: /opt/d.sh}
  when: false
# - cron: {name: e, minute: "1", job: /opt/e.sh}
- copy: {dest: /etc/cron, content: "1 1 1 1 1 root /opt/f.sh"}
- debug: {msg: "cron: x"}
"#;
    let report = world(&[("roles/a/tasks/main.yml", tasks)]);
    assert_eq!(jobs(&report), [""; 0]);
    assert_eq!(gaps(&report), [""; 0]);
}

#[test]
fn what_cannot_be_told_is_a_gap_or_a_placeholder() {
    let tasks = r#"- cron: "{{ item }}"
  with_items: "{{ all_jobs }}"
- cron:
    name: at random
    minute: "{{ 59 | random(seed=inventory_hostname) }}"
    job: /opt/a.sh
- cron: {name: wrong, minute: "61", job: /opt/b.sh}
- cron: {name: nothing, minute: "1"}
"#;
    let report = world(&[("roles/a/handlers/main.yml", tasks)]);
    let place = "roles/a/handlers/main.yml";
    assert_eq!(
        jobs(&report),
        [format!(
            "job:roles/a/at random as -: {{{{ 59 | random(seed=inventory_hostname) }}}} * * * * (?): /opt/a.sh @ {place}:3"
        )]
    );
    assert_eq!(
        gaps(&report),
        [
            format!("unresolved {place}:1: the jobs of this task are filled in elsewhere: {{{{ item }}}}"),
            format!("missing-script {place}:3: runs /opt/a.sh, which the scan was not given"),
            format!("bad-schedule {place}:7: cron rejects this job: minute: 61 is not in 0-59"),
            format!("bad-schedule {place}:8: a task of the module cron without a job"),
        ]
    );
}

#[test]
fn plays_name_hosts_and_one_name_in_two_crontabs_is_two_jobs() {
    let play = r#"- hosts: batch1.shop.example
  tasks:
    - cron: {name: x, minute: "5", job: /bin/x, user: root, cron_file: one}
    - cron: {name: x, minute: "6", job: /bin/y, user: root, cron_file: two}
- hosts: webservers
  become: yes
  tasks:
    - cron: {name: z, hour: "5", minute: "0", job: /bin/z}
"#;
    let report = world(&[("play.yml", play)]);
    assert_eq!(
        jobs(&report),
        [
            "job:batch1.shop.example/one/x as root: 5 * * * * (?): /bin/x @ play.yml:3",
            "job:batch1.shop.example/two/x as root: 6 * * * * (?): /bin/y @ play.yml:4",
            "job:play/z as root: 0 5 * * * (?): /bin/z @ play.yml:8",
        ]
    );
}

#[test]
fn crontabs_that_tasks_write_are_read_and_tests_say_so() {
    let tasks =
        "- copy:\n    dest: /etc/cron.d/dump\n    content: |\n      # no\n      5 4 * * * app /bin/dump\n";
    let report = world(&[("roles/a/tasks/main.yml", tasks)]);
    assert_eq!(jobs(&report), ["job:dump as app: 5 4 * * * (?): /bin/dump @ roles/a/tasks/main.yml:5"]);
    let job = "- cron: {name: x, minute: \"5\", job: \"curl http://app1:8080/ping\"}\n";
    let told = |path: &str| links(&world(&[(path, job)]));
    assert_eq!(told("roles/a/tasks/main.yml"), ["job:roles/a/x call endpoint:app1:8080/GET /ping"]);
    // What stands among tests is no production's.
    let report = world(&[("roles/a/tests/tasks/main.yml", job)]);
    let scope = |link: &serde_json::Value| link["scope"].as_str().map(str::to_owned);
    let scopes: Vec<_> = report["links"].as_array().expect("links are a list").iter().map(scope).collect();
    assert_eq!(scopes, [Some("test".to_owned())]);
}

#[test]
fn a_task_and_the_crontab_line_that_it_wrote_are_one_job() {
    let tasks = "\
- name: nightly load
  cron:
    name: nightly load
    minute: '30'
    hour: '2'
    user: etl
    job: psql -h db1 -d shop -c 'DELETE FROM old_orders'
- name: another account
  cron:
    name: another account
    minute: '30'
    hour: '3'
    user: other
    job: /opt/a.sh
- name: another time
  cron:
    name: another time
    minute: '31'
    hour: '4'
    user: etl
    job: /opt/b.sh
";
    let crontab = "\
#Ansible: nightly load
30 2 * * * psql -h db1 -d shop -c 'DELETE FROM old_orders'
30 3 * * * /opt/a.sh
30 4 * * * /opt/b.sh
";
    let files = [
        ("roles/shop/tasks/main.yml", tasks),
        ("batch1/var/spool/cron/crontabs/etl", crontab),
        ("batch1/etc/timezone", "Europe/Berlin\n"),
    ];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:batch1/a as etl: 30 3 * * * (Europe/Berlin): /opt/a.sh @ batch1/var/spool/cron/crontabs/etl:3",
            "job:batch1/b as etl: 30 4 * * * (Europe/Berlin): /opt/b.sh @ batch1/var/spool/cron/crontabs/etl:4",
            "job:batch1/psql as etl: 30 2 * * * (Europe/Berlin): psql -h db1 -d shop -c 'DELETE FROM old_orders' @ batch1/var/spool/cron/crontabs/etl:2",
            "job:roles/shop/another account as other: 30 3 * * * (?): /opt/a.sh @ roles/shop/tasks/main.yml:9",
            "job:roles/shop/another time as etl: 31 4 * * * (?): /opt/b.sh @ roles/shop/tasks/main.yml:16"
        ]
    );
    assert_eq!(
        links(&report),
        [
            "job:batch1/psql write table:db1/shop/public.old_orders",
            "job:batch1/psql connect database:db1/shop"
        ]
    );
}
