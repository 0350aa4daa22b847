//! Puppet: its type `cron`, the defines of the usual modules, and defines of the tree's own.

use super::*;

fn world<'a>(files: &'a [(&'a str, &'a str)]) -> serde_json::Value {
    World { files, links: &[] }.report()
}

#[test]
fn resources_of_cron_are_jobs() {
    let manifest = r#"# cron { 'no': command => '/bin/no', minute => 1 }
class shop::jobs (
  Integer $hour = 4,
) {
  $night = '3'
  Cron { user => 'shop' }
  # after the dump of the other server
  cron { 'dump':
    ensure  => present,
    command => "/bin/dump ${title}",
    minute  => [0, '30'],
    hour    => $night,
    weekday => ['Monday', 'fri'],
  }
  cron {
    default:
      user => 'root';
    'first':
      command => '/bin/first',
      hour    => $hour;
    ['a', 'b']:
      command => '/bin/both',
      minute  => fqdn_rand(60),
  }
  cron { 'boot': command => '/bin/boot', special => 'reboot', environment => ['PATH=/bin', 'A=1'] }
  cron { 'gone': ensure => absent, command => '/bin/gone', minute => 1 }
  if $hour == 5 { notify { 'cron': message => "cron { 'x': }" } }
  $text = @("END")
    cron { 'no': command => '/bin/no' }
    | END
}
"#;
    let report = world(&[("modules/shop/manifests/jobs.pp", manifest)]);
    let at = |line: u32| format!("@ modules/shop/manifests/jobs.pp:{line}");
    assert_eq!(
        jobs(&report),
        [
            format!("job:shop::jobs/a as root: ${{fqdn_rand(60)}} * * * * (?): /bin/both {}", at(21)),
            format!("job:shop::jobs/b as root: ${{fqdn_rand(60)}} * * * * (?): /bin/both {}", at(21)),
            format!("job:shop::jobs/boot as shop: @reboot (?): /bin/boot {}", at(25)),
            format!("job:shop::jobs/dump as shop: 0,30 3 * * mon,fri (?): /bin/dump ${{title}} {}", at(8)),
            format!("job:shop::jobs/first as root: * ${{hour}} * * * (?): /bin/first {}", at(18)),
        ]
    );
    assert_eq!(gaps(&report), [""; 0]);
}

#[test]
fn defines_of_modules_fill_in_what_is_not_given() {
    let manifest = r#"class a {
  cron::daily { 'd': command => '/bin/d', hour => 4 }
  cron::weekly { 'w': command => '/bin/w', user => 'app' }
  cron::monthly { 'm': command => '/bin/m', date => 7 }
  cron::job { 'j': command => '/bin/j', date => '1-7', weekday => 0 }
  systemd::timer::job { 't':
    ensure   => present,
    user     => 'app',
    command  => '/bin/t',
    splay    => 600,
    interval => [
      { 'start' => 'OnCalendar', 'interval' => 'Mon 03:00' },
      { 'start' => 'OnBootSec', 'interval' => '5min' },
    ],
  }
  systemd::timer { 'u.timer': timer_content => "[Timer]\nOnCalendar=daily\n" }
  create_resources('cron', $jobs)
}
"#;
    let report = world(&[("site/a.pp", manifest)]);
    assert_eq!(
        jobs(&report),
        [
            "job:a/d as root: 0 4 * * * (?): /bin/d @ site/a.pp:2",
            "job:a/j as root: * * 1-7 * 0 (?): /bin/j @ site/a.pp:5",
            "job:a/m as root: 0 0 7 * * (?): /bin/m @ site/a.pp:4",
            "job:a/t as app: Mon 03:00 (?) [RandomizedDelaySec=600]: /bin/t @ site/a.pp:6",
            "job:a/t as app: OnBootSec=5min (?) [RandomizedDelaySec=600]: /bin/t @ site/a.pp:6",
            "job:a/u.timer as -: daily (?): u.timer.service @ site/a.pp:16",
            "job:a/w as app: 0 0 * * 0 (?): /bin/w @ site/a.pp:3",
        ]
    );
    assert_eq!(
        gaps(&report),
        ["unresolved site/a.pp:17: resources of the type cron are made of data, which no manifest tells"]
    );
}

#[test]
fn a_define_of_the_tree_is_followed_to_the_job_it_wraps() {
    let define = r#"define wrap::job (
  String $command,
  String $when = 'daily',
  String $who = "run-${title}",
) {
  $full = "/bin/wrap ${command}"
  systemd::timer::job { "wrapped_${title}":
    command  => $full,
    user     => $who,
    interval => { 'start' => 'OnCalendar', 'interval' => $when },
  }
}
"#;
    let class = "class shop {\n  wrap::job { 'x': command => '/bin/x', when => '*-*-* 05:00:00' }\n  wrap::job { \"y-${title}\": command => '/bin/y' }\n  other::job { 'z': command => '/bin/z' }\n}\n";
    let report =
        world(&[("modules/wrap/manifests/job.pp", define), ("modules/shop/manifests/init.pp", class)]);
    assert_eq!(
        jobs(&report),
        [
            "job:shop/wrapped_x as run-x: *-*-* 05:00:00 (?): /bin/wrap /bin/x @ modules/shop/manifests/init.pp:2",
            "job:shop/wrapped_y-${title} as run-y-${title}: daily (?): /bin/wrap /bin/y @ modules/shop/manifests/init.pp:3",
            "job:wrap::job/wrapped_${title} as ${who}: ${when} (?): /bin/wrap ${command} @ modules/wrap/manifests/job.pp:7",
        ]
    );
}

#[test]
fn conditions_on_what_a_define_is_given_hold() {
    let define = r#"define wrap::sync (
  Boolean $auto = true,
  String $how = 'timer',
) {
  if $auto and $facts['x'] in $y {
    $there = 'present'
  } else {
    $there = 'absent'
  }
  if $how == 'cron' {
    cron { "cron-${title}": ensure => $there, command => '/bin/c', minute => 5 }
  } elsif $how == 'none' {
    notify { 'none': }
  } else {
    systemd::timer::job { "timer-${title}":
      ensure   => $there,
      command  => '/bin/t',
      interval => { 'start' => 'OnCalendar', 'interval' => 'daily' },
    }
  }
  unless $auto {
    cron { "by-hand-${title}": command => '/bin/h', minute => 6 }
  }
}
"#;
    let class = "class shop {\n  wrap::sync { 'a': }\n  wrap::sync { 'b': how => 'cron' }\n  wrap::sync { 'c': auto => false }\n  wrap::sync { 'd': how => none }\n  wrap::sync { 'e': how => $x }\n}\n";
    let report =
        world(&[("modules/wrap/manifests/sync.pp", define), ("modules/shop/manifests/init.pp", class)]);
    let own = |job: &String| job.contains("job:shop/");
    let told: Vec<String> = jobs(&report).into_iter().filter(own).collect();
    let at = |line: u32| format!("@ modules/shop/manifests/init.pp:{line}");
    assert_eq!(
        told,
        [
            format!("job:shop/by-hand-c as root: 6 * * * * (?): /bin/h {}", at(4)),
            format!("job:shop/cron-b as root: 5 * * * * (?): /bin/c {}", at(3)),
            format!("job:shop/cron-e as root: 5 * * * * (?): /bin/c {}", at(6)),
            format!("job:shop/timer-a as -: daily (?): /bin/t {}", at(2)),
            format!("job:shop/timer-e as -: daily (?): /bin/t {}", at(6)),
        ]
    );
}

#[test]
fn nodes_are_hosts_and_files_may_be_crontabs() {
    let manifest = r##"node 'batch1.shop.example' {
  cron { 'n': command => '/bin/n', minute => 5 }
  file { '/etc/cron.d/two':
    content => "# x\n5 4 * * * app /bin/two\n",
  }
  file { '/etc/cron.d/three': ensure => absent, content => "5 4 * * * app /bin/three\n" }
  file { '/etc/motd': content => "5 4 * * * app /bin/four\n" }
}
"##;
    let report = world(&[("manifests/site.pp", manifest)]);
    assert_eq!(
        jobs(&report),
        [
            "job:batch1.shop.example/n as root: 5 * * * * (?): /bin/n @ manifests/site.pp:2",
            "job:batch1.shop.example/two as app: 5 4 * * * (?): /bin/two @ manifests/site.pp:5",
        ]
    );
}

#[test]
fn what_is_wrong_is_a_gap_with_its_line() {
    let manifest = "class a {\n  cron { 'x': command => '/bin/x', hour => 25 }\n  cron { 'y': minute => 5 }\n  systemd::timer::job { 't': command => '/bin/t', interval => { 'start' => 'OnUnitActiveSec', 'interval' => 'hourly' } }\n  $b = \"never ends\n}\n";
    let report = world(&[("a.pp", manifest)]);
    assert_eq!(jobs(&report), [""; 0]);
    assert_eq!(
        gaps(&report),
        [
            "bad-schedule a.pp:2: * 25 * * *: vixie rejects it: hour: 25 is not in 0-23",
            "unresolved a.pp:3: a cron resource without a command",
            "bad-schedule a.pp:4: OnUnitActiveSec=hourly: systemd rejects it: \"hourly\" is no time span",
            "unparsed a.pp:5: a string that does not end",
        ]
    );
}
