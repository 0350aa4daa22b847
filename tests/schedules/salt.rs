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
            "job:salt/shop/highstate as -: 15 */2 * * * (?): state.highstate @ salt/shop/init.sls:31",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved salt/shop/init.sls:36: by-seconds: this schedule of Salt's minion is none that a crontab could say"
        ]
    );
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
