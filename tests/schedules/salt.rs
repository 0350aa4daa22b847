//! Salt: `cron.present` in both of its forms, and what of `schedule` a text tells.

use super::*;

#[test]
fn states_are_jobs() {
    let states = r#"{% set dir = '/srv' %}
dump-shop:
  cron.present:
    - name: /bin/dump {{ dir }}
    - identifier: DUMP
    - user: shop
    - minute: 5
    - hour: '3'
    - dayweek: mon

/bin/short:
  cron:
    - present
    - minute: random
    - special: '@daily'

gone:
  cron.absent:
    - name: /bin/gone

off:
  cron.present:
    - name: /bin/off
    - commented: True

# commented:
#   cron.present:
#     - name: /bin/no

highstate:
  schedule.present:
    - function: state.highstate
    - cron: '15 */2 * * *'

by-seconds:
  schedule.present:
    - function: test.ping
    - seconds: 3600

/etc/cron.d/file:
  file.managed:
    - name: /etc/cron.d/file
    - contents: |
        5 4 * * * app /bin/file
"#;
    let report = World { files: &[("salt/shop/init.sls", states)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:file as app: 5 4 * * * (?): /bin/file @ salt/shop/init.sls:44",
            "job:salt/shop//bin/short as root: @daily (?): /bin/short @ salt/shop/init.sls:12",
            "job:salt/shop/DUMP as shop: 5 3 * * mon (?): /bin/dump {{ dir }} @ salt/shop/init.sls:3",
            "job:salt/shop/by-seconds as -: OnUnitActiveSec=3600second (UTC): test.ping @ salt/shop/init.sls:36",
            "job:salt/shop/highstate as -: 15 */2 * * * (?): state.highstate @ salt/shop/init.sls:31",
        ]
    );
    assert_eq!(gaps(&report), [""; 0]);
}

#[test]
fn a_state_that_is_one_thing_or_another_is_read_as_each() {
    let states = r#"/usr/local/bin/check:
  {% if certs %}
  file.managed:
    - source: salt://web/check
  {% else %}
  file.absent
  {% endif %}

check-certs:
  {% if certs %}
  cron.present:
    - minute: 0
    - hour: 4
  {% else %}
  cron.absent:
  {% endif %}
    - name: /usr/local/bin/check {{ certs }}
    - user: {{ owner }}

tidy:
  cron.present:
    - name: /usr/local/bin/tidy
    - special: '@daily'

old:
  {% if certs %}
  cron.absent:
  {% else %}
  file.absent:
  {% endif %}
    - name: /usr/local/bin/old
"#;
    let report = World { files: &[("salt/web/init.sls", states)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:salt/web/check-certs as {{ owner }}: 0 4 * * * (?): /usr/local/bin/check {{ certs }} @ salt/web/init.sls:11",
            "job:salt/web/tidy as root: @daily (?): /usr/local/bin/tidy @ salt/web/init.sls:21",
        ]
    );
    let broken: Vec<String> =
        gaps(&report).into_iter().filter(|gap| !gap.starts_with("missing-script")).collect();
    assert_eq!(broken, [""; 0]);
}

#[test]
fn schedules_of_pillars_and_settings_are_jobs() {
    let pillar = "schedule:
  backup:
    when: 1:00am
    function: state.sls
    args:
      - backup
  weekly:
    when:
      - Monday 3pm
      - Tue 15:30
    function: state.highstate
  renew:
    days: 5
    hours: 12
    function: vault.renew_token
  nightly:
    cron: '5 3 * * *'
    function: test.ping
  off:
    enabled: False
    seconds: 5
    function: test.ping
  once:
    once: 2026-01-01T00:00:00
    function: test.ping
  words:
    days: 3
other:
  schedule:
    no:
      seconds: 5
      function: test.ping
";
    let settings = "schedule:\n  own:\n    minutes: 10\n    function: test.ping\n";
    let files = [
        ("pillar/sched.sls", pillar),
        ("etc/salt/minion.d/_schedule.conf", settings),
        ("etc/app.d/schedule.conf", settings),
    ];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:etc/salt/minion.d/_schedule.conf/own as -: OnUnitActiveSec=10minute (UTC): test.ping @ etc/salt/minion.d/_schedule.conf:2",
            "job:pillar/sched/backup as -: 0 1 * * * (?): state.sls @ pillar/sched.sls:2",
            "job:pillar/sched/nightly as -: 5 3 * * * (?): test.ping @ pillar/sched.sls:16",
            "job:pillar/sched/renew as -: OnUnitActiveSec=5day 12hour (UTC): vault.renew_token @ pillar/sched.sls:12",
            "job:pillar/sched/weekly as -: 0 15 * * 1 (?): state.highstate @ pillar/sched.sls:7",
            "job:pillar/sched/weekly as -: 30 15 * * 2 (?): state.highstate @ pillar/sched.sls:7",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved pillar/sched.sls:23: once: when this schedule of Salt runs is not told by a time that is known here"
        ]
    );
}
