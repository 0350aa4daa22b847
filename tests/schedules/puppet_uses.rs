//! Puppet: defines that write the file of a job themselves, and resources that are made of data: each use is a job.

use super::*;

fn world<'a>(files: &'a [(&'a str, &'a str)]) -> serde_json::Value {
    World { files, links: &[] }.report()
}

/// What tells where a job stands, after its path up to the module.
fn told(report: &serde_json::Value) -> Vec<String> {
    jobs(report).into_iter().filter(|job| !job.contains("/templates/")).collect()
}

#[test]
fn each_use_of_a_define_that_writes_a_crontab_is_a_job() {
    let define = r#"define shop::line ($hour, $command = undef, $minute = 0, $user = 'root', $mail = undef, $ensure = 'present') {
  $there = $ensure ? {
    'off'   => 'absent',
    default => $ensure,
  }
  $run = $command ? {
    undef   => "/opt/${title}",
    default => $command,
  }
  file { "/etc/cron.d/${title}":
    ensure  => $there,
    content => template('shop/line.erb'),
  }
  file { "/etc/motd.d/${title}": content => template('shop/line.erb') }
}
"#;
    let template = "# written\n<% unless @mail.nil? || @mail.empty? -%>\nMAILTO=<%= @mail %>\n<% end -%>\n\
                    <%= @minute %> <%= @hour %> * * * <%= @user %> <%= @run %>\n";
    let class = r#"class shop {
  shop::line { 'totals':
    command => '/opt/totals',
    hour    => 1,
  }
  shop::line { 'mail': command => '/opt/mail', hour => $when, user => 'mailer', mail => 'ops@shop.example' }
  shop::line { 'off': command => '/opt/off', hour => 2, ensure => 'off' }
  shop::line { ['a', 'b']: command => "/opt/${module_name}", hour => 3 }
  shop::line { 'usual': hour => 5 }
  other::line { 'none': command => '/opt/none', hour => 4 }
}
"#;
    let report = world(&[
        ("modules/shop/manifests/line.pp", define),
        ("modules/shop/manifests/init.pp", class),
        ("modules/shop/templates/line.erb", template),
    ]);
    let at = |line: u32| format!("@ modules/shop/manifests/init.pp:{line}");
    assert_eq!(
        told(&report),
        [
            format!("job:shop/a as root: 0 3 * * * (?): /opt/shop {}", at(8)),
            format!("job:shop/b as root: 0 3 * * * (?): /opt/shop {}", at(8)),
            format!("job:shop/mail as mailer: 0 ${{when}} * * * (?): /opt/mail {}", at(6)),
            format!("job:shop/totals as root: 0 1 * * * (?): /opt/totals {}", at(2)),
            format!("job:shop/usual as root: 0 5 * * * (?): /opt/usual {}", at(9)),
        ]
    );
}

#[test]
fn the_text_may_stand_in_the_define() {
    let define = r#"define shop::own (String $run, Array $at = []) {
  if $run != 'none' {
    file { "/etc/cron.d/own-${name}":
      content => inline_epp(@(END)),
        <% $at.each |$hour| { -%>
        5 <%= $hour %> * * * shop <%= $run %> <%= $facts['x'] %>
        <% } -%>
        | END
    }
  }
}
define shop::plain ($run) {
  file { "/etc/cron.d/${title}": content => "7 4 * * * shop ${run} # ${title}\n" }
}
"#;
    let class = "class shop {\n  shop::own { 'x': run => '/opt/x', at => [1, 13] }\n  shop::own { 'y': run => none, at => [1] }\n}\n";
    let report =
        world(&[("modules/shop/manifests/own.pp", define), ("modules/shop/manifests/init.pp", class)]);
    let own = |job: &String| job.contains("init.pp");
    let told: Vec<String> = jobs(&report).into_iter().filter(own).collect();
    assert_eq!(
        told,
        [
            "job:shop/own-x as shop: 5 1 * * * (?): /opt/x <%= $facts['x'] %> @ modules/shop/manifests/init.pp:2",
            "job:shop/own-x as shop: 5 13 * * * (?): /opt/x <%= $facts['x'] %> @ modules/shop/manifests/init.pp:2",
        ]
    );
}

#[test]
fn timers_that_defines_write_start_their_services() {
    let timer = r#"define shop::timer ($run, $hour = '*', $who = 'shop', $env = {}) {
  $when = "*-*-* ${hour}:05:00"
  if $who == 'shop' {
    $service = template('shop/day.service.erb')
  } else {
    $service = "[Service]\nUser=${who}\nExecStart=${run} --night\n"
  }
  shop::units { $title:
    timer   => template('shop/any.timer.erb'),
    service => $service,
  }
}
"#;
    let units = r#"define shop::units ($timer = undef, $service = undef) {
  file {
    "/etc/systemd/system/${title}.timer":
      content => $timer;
    "/etc/systemd/system/${title}.service":
      content => $service;
    "/etc/systemd/system/${title}.socket":
      content => $timer;
  }
}
"#;
    let class = r#"class shop {
  shop::timer { 'day': run => '/opt/day', hour => '3', env => { 'PGHOST' => 'db1' } }
  shop::timer { 'night': run => '/opt/night', who => 'owl' }
  shop::units { 'alone': service => "[Service]\nExecStart=/opt/alone\n" }
}
"#;
    let report = world(&[
        ("modules/shop/manifests/timer.pp", timer),
        ("modules/shop/manifests/units.pp", units),
        ("modules/shop/manifests/init.pp", class),
        ("modules/shop/templates/any.timer.erb", "[Timer]\nOnCalendar=<%= @when %>\nRandomizedDelaySec=60\n"),
        (
            "modules/shop/templates/day.service.erb",
            "[Service]\nUser=<%= @who %>\n<% @env.each do |k, v| -%>\nEnvironment=\"<%= k %>=<%= v %>\"\n<% end -%>\nExecStart=<%= @run %> ${PGHOST}\n",
        ),
    ]);
    let own = |job: &String| job.contains("job:shop/");
    let told: Vec<String> = jobs(&report).into_iter().filter(own).collect();
    let at = |line: u32| format!("@ modules/shop/manifests/init.pp:{line}");
    assert_eq!(
        told,
        [
            format!(
                "job:shop/day as shop: *-*-* 3:05:00 (?) [RandomizedDelaySec=60]: /opt/day db1 {}",
                at(2)
            ),
            format!(
                "job:shop/night as owl: *-*-* *:05:00 (?) [RandomizedDelaySec=60]: /opt/night --night {}",
                at(3)
            ),
        ]
    );
}

#[test]
fn resources_made_of_data_are_jobs_of_each_level_that_has_some() {
    let task = r#"define shop::task ($hour, $minute = 0, $database = 'none', $ensure = 'present') {
  $there = $ensure ? { 'disabled' => 'absent', default => $ensure }
  $run = shellquote(['/opt/copy', '-f', "/etc/copy/${title}.cfg", $database])
  cron { $name: ensure => $there, command => $run, user => $shop::user, hour => $hour, minute => $minute }
}
"#;
    let class = r#"class shop ($tasks = {}, $other = {}, $user = 'shop') {
  create_resources(shop::task, $tasks, { 'minute' => 9 })
  create_resources('shop::task', $other)
  create_resources('sudo::conf', $tasks)
  $found = hiera_hash('shop_found', {})
  create_resources('cron', $found)
  create_resources('cron', { 'own' => { 'command' => '/opt/own', 'hour' => 6 } })
}
"#;
    let common = "shop::tasks:\n  push: &push\n    hour: '1'\n    database: my orders\n  push_twice:\n    <<: *push\n    hour: 13\n    minute: 30\n  off: {hour: 2, ensure: disabled}\nother::tasks:\n  none: {hour: 3}\nshop_found:\n  found: {command: /opt/found, special: daily}\n";
    let host = "shop::tasks:\n  pull:\n    hour: \"%{hiera('h')}\"\n    minute: 5\n";
    let report = world(&[
        ("modules/shop/manifests/task.pp", task),
        ("modules/shop/manifests/init.pp", class),
        ("data/common.yaml", common),
        ("data/nodes/db1.shop.example.yaml", host),
        ("data/notes.yaml", "notes: shop::tasks\n"),
    ]);
    let own = |job: &String| !job.contains("job:shop::task/");
    let told: Vec<String> = jobs(&report).into_iter().filter(own).collect();
    assert_eq!(
        told,
        [
            "job:db1.shop.example/pull as ${shop::user}: 5 ${hour} * * * (?): /opt/copy -f /etc/copy/pull.cfg none @ data/nodes/db1.shop.example.yaml:2",
            "job:shop/found as root: @daily (?): /opt/found @ data/common.yaml:13",
            "job:shop/own as root: * 6 * * * (?): /opt/own @ modules/shop/manifests/init.pp:7",
            "job:shop/push as ${shop::user}: 9 1 * * * (?): /opt/copy -f /etc/copy/push.cfg \"my orders\" @ data/common.yaml:2",
            "job:shop/push_twice as ${shop::user}: 30 13 * * * (?): /opt/copy -f /etc/copy/push_twice.cfg \"my orders\" @ data/common.yaml:5",
        ]
    );
    let of_data = |gap: &String| gap.starts_with("unresolved");
    assert_eq!(
        gaps(&report).into_iter().filter(of_data).collect::<Vec<_>>(),
        [
            "unresolved modules/shop/manifests/init.pp:3: resources of the type shop::task are made of data, which no manifest tells"
        ]
    );
}

#[test]
fn a_loop_is_gone_through_as_far_as_its_elements_are_told() {
    let class = r#"class shop ($dumps = {}) {
  $dumps.each |String $db, Hash $it| {
    if $it['more'] != undef {
      cron { "more-${db}": command => '/opt/more', hour => 7, minute => $it['more']['minute'] }
    }
    if $it['more'] == undef {
      cron { "less-${db}": command => '/opt/less', hour => 8 }
    }
    cron { "dump-${db}": command => "/opt/dump ${db}", hour => $it['hour'], * => $it['more'] }
  }
  ['a', 'b'].each |$i, $name| {
    cron { "list-${name}": command => '/opt/list', minute => $i }
  }
  $facts['disks'].each |$disk| {
    cron { "disk-${disk}": command => "/opt/check ${disk}", hour => 5 }
  }
  $often = { minute => '*/5', user => 'stats' }
  cron { 'stats':
    command => '/opt/stats',
    *       => $often,
  }
  cron { 'unknown': command => '/opt/unknown', * => $options }
}
"#;
    let data = "shop::dumps:\n  orders:\n    hour: 1\n    more: {minute: 2}\n  users: {hour: 3}\n";
    let report = world(&[("modules/shop/manifests/init.pp", class), ("hieradata/common.yaml", data)]);
    let at = |line: u32| format!("@ modules/shop/manifests/init.pp:{line}");
    assert_eq!(
        jobs(&report),
        [
            format!("job:shop/disk-${{disk}} as root: * 5 * * * (?): /opt/check ${{disk}} {}", at(15)),
            "job:shop/dump-orders as root: 2 1 * * * (?): /opt/dump orders @ hieradata/common.yaml:2"
                .to_owned(),
            "job:shop/less-users as root: * 8 * * * (?): /opt/less @ hieradata/common.yaml:5".to_owned(),
            format!("job:shop/list-a as root: 0 * * * * (?): /opt/list {}", at(12)),
            format!("job:shop/list-b as root: 1 * * * * (?): /opt/list {}", at(12)),
            "job:shop/more-orders as root: 2 7 * * * (?): /opt/more @ hieradata/common.yaml:2".to_owned(),
            format!("job:shop/stats as stats: */5 * * * * (?): /opt/stats {}", at(18)),
        ]
    );
    let open = "the schedule of this resource is computed: its attributes are a hash";
    let told: Vec<String> = gaps(&report).into_iter().filter(|gap| gap.starts_with("unresolved")).collect();
    assert_eq!(
        told,
        [
            format!("unresolved hieradata/common.yaml:5: {open}"),
            format!("unresolved modules/shop/manifests/init.pp:22: {open}"),
        ]
    );
}
