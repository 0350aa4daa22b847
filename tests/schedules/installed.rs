//! Files that configuration management installs, and the jobs that run them by the path on the host: each tool's own
//! ways, and what must stay apart.

use super::*;

fn world(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let report = World { files, links: &[] }.report();
    let connects = |link: &String| !link.contains(" connect ");
    (links(&report).into_iter().filter(connects).collect(), gaps(&report))
}

fn writes(table: &str) -> String {
    format!("#!/bin/sh\npsql -h db1 -d shop -c 'INSERT INTO {table} SELECT 1'\n")
}

#[test]
fn tasks_of_ansible_install_what_jobs_run() {
    let tasks = r##"
- template: {src: totals.sh.j2, dest: /usr/local/bin/totals, mode: "0755"}
- copy: src=bin/{{ item }} dest=/opt/shop/ mode=0755
  with_items: [night.sh, other.sh]
- ansible.builtin.copy:
    src: "{{ files }}/shop/shared.sh"
    dest: "{{ shop_dir }}/shared.sh"
- copy:
    content: "#!/bin/sh\n"
    dest: /usr/local/bin/inline.sh
- copy: {src: /srv/there.sh, dest: /usr/local/bin/there.sh, remote_src: yes}
- cron: {name: totals, minute: 5, hour: 1, job: /usr/local/bin/totals}
- cron: {name: night, minute: 6, hour: 1, job: /opt/shop/night.sh}
- cron: {name: shared, minute: 7, hour: 1, job: "{{ shop_dir }}/shared.sh --now"}
- cron: {name: inline, minute: 8, hour: 1, job: /usr/local/bin/inline.sh}
- cron: {name: there, minute: 9, hour: 1, job: /usr/local/bin/there.sh}
"##;
    let template =
        "# {{ ansible_managed }}\n#!/bin/sh\npsql -h db1 -d {{ db }} -c 'INSERT INTO totals SELECT 1'\n";
    let told = world(&[
        ("roles/shop/tasks/main.yml", tasks),
        ("roles/shop/templates/totals.sh.j2", template),
        ("roles/shop/files/bin/night.sh", &writes("night")),
        ("files/shop/shared.sh", &writes("shared")),
        // A namesake of another role, which is none of what these jobs run.
        ("roles/crm/files/night.sh", &writes("wrong")),
        ("roles/crm/files/inline.sh", &writes("wrong")),
        ("roles/crm/files/there.sh", &writes("wrong")),
    ]);
    assert_eq!(
        told,
        (
            [
                "job:roles/shop/night write table:db1/shop/public.night",
                "job:roles/shop/shared write table:db1/shop/public.shared",
                "job:roles/shop/totals write table:db1/public.totals",
                "script:roles/crm/files/inline.sh write table:db1/shop/public.wrong",
                "script:roles/crm/files/night.sh write table:db1/shop/public.wrong",
                "script:roles/crm/files/there.sh write table:db1/shop/public.wrong",
            ]
            .map(str::to_owned)
            .to_vec(),
            [
                "missing-script roles/shop/tasks/main.yml:15: runs /usr/local/bin/inline.sh, which is installed from a text in roles/shop/tasks/main.yml: the scan was not given that",
                "missing-script roles/shop/tasks/main.yml:16: runs /usr/local/bin/there.sh, which the scan was not given",
            ]
            .map(str::to_owned)
            .to_vec(),
        )
    );
}

#[test]
fn manifests_of_puppet_install_what_jobs_run() {
    let class = r#"
class shop (String $bin = '/usr/local/bin') {
  file { "${bin}/totals":
    source => "puppet:///modules/${module_name}/totals.sh",
    mode   => '0755',
  }
  file { '/usr/bin/system-totals':
    source => 'puppet:///modules/shop/totals.sh',
  }
  shop::tool { 'night':
    content => template('shop/night.erb'),
  }
  file { '/usr/local/bin/secret':
    source => 'puppet:///private/shop/secret.sh',
  }
  file { '/usr/local/bin/off':
    ensure => absent,
    source => 'puppet:///modules/shop/totals.sh',
  }
  shop::timed { 'by-ticket': command => '/usr/local/bin/totals' }
  shop::timed { 'by-other': command => '/usr/local/bin/none' }
  cron { 'totals': command => '/usr/local/bin/totals', hour => 1, minute => 5 }
  cron { 'system': command => '/usr/bin/system-totals', hour => 1, minute => 6 }
  cron { 'night': command => shellquote(['/usr/bin/nice', '-n', '19', '/usr/local/bin/night', '-f', '/etc/a b']), hour => 1, minute => 7 }
  cron { 'secret': command => '/usr/local/bin/secret', hour => 1, minute => 8 }
  cron { 'off': command => '/usr/local/bin/off', hour => 1, minute => 9 }
}
"#;
    // What stands glued in front of the command is another one, or nothing.
    let timed = "define shop::timed ($command) {\n  if $shop::kerberos {\n    $pre = \"/usr/bin/ticket shop \"\n  } else {\n    $pre = ''\n  }\n  cron { $title: command => \"${pre}${command}\", hour => 1, minute => 9 }\n}\n";
    let tool =
        "define shop::tool ($content) {\n  file { \"/usr/local/bin/${name}\": content => $content }\n}\n";
    let told = world(&[
        ("modules/shop/manifests/init.pp", class),
        ("modules/shop/manifests/tool.pp", tool),
        ("modules/shop/files/totals.sh", &writes("totals")),
        ("modules/shop/templates/night.erb", &writes("night")),
        ("modules/shop/manifests/timed.pp", timed),
        ("modules/crm/files/secret", &writes("wrong")),
    ]);
    assert_eq!(
        told,
        (
            [
                "job:shop/by-ticket write table:db1/shop/public.totals",
                "job:shop/night write table:db1/shop/public.night",
                "job:shop/system write table:db1/shop/public.totals",
                "job:shop/totals write table:db1/shop/public.totals",
                "script:modules/crm/files/secret write table:db1/shop/public.wrong",
            ]
            .map(str::to_owned)
            .to_vec(),
            [
                "missing-script modules/shop/manifests/init.pp:21: runs {}/usr/local/bin/none, which the scan was not given",
                "missing-script modules/shop/manifests/init.pp:25: runs /usr/local/bin/secret, which is installed from puppet:///private/shop/secret.sh: the scan was not given that",
                "missing-script modules/shop/manifests/init.pp:26: runs /usr/local/bin/off, which the scan was not given",
            ]
            .map(str::to_owned)
            .to_vec(),
        )
    );
}

#[test]
fn recipes_of_chef_and_states_of_salt_install_what_jobs_run() {
    let recipe = r##"dir = "/srv/shop"
template "/usr/local/bin/totals" do
  source "totals.sh.erb"
  mode "755"
end
template "#{dir}/bin/update" do
  mode "755"
end
cookbook_file "/usr/local/bin/shared" do
  cookbook "common"
end
cron "totals" do
  minute "5"
  command "/usr/local/bin/totals"
end
cron "update" do
  minute "6"
  command "#{dir}/bin/update"
end
cron "shared" do
  minute "7"
  command "/usr/local/bin/shared"
end
"##;
    let states = r#"
night:
  file.managed:
    - names: [/usr/local/bin/night, /opt/night]
    - source: salt://shop/files/night.sh
/usr/local/bin/gone:
  file:
    - managed
    - source: salt://shop/files/gone.sh
night_cron:
  cron.present:
    - name: /opt/night
    - minute: 8
gone_cron:
  cron.present:
    - name: /usr/local/bin/gone
    - minute: 9
"#;
    let told = world(&[
        ("cookbooks/shop/recipes/default.rb", recipe),
        ("cookbooks/shop/templates/default/totals.sh.erb", &writes("totals")),
        ("cookbooks/shop/templates/default/update.erb", &writes("updates")),
        ("cookbooks/common/files/default/shared", &writes("shared")),
        ("cookbooks/shop/files/default/shared", &writes("wrong")),
        ("salt/shop/init.sls", states),
        ("salt/shop/files/night.sh", &writes("night")),
    ]);
    assert_eq!(
        told,
        (
            [
                "job:cookbooks/shop/shared write table:db1/shop/public.shared",
                "job:cookbooks/shop/totals write table:db1/shop/public.totals",
                "job:cookbooks/shop/update write table:db1/shop/public.updates",
                "job:salt/shop/night_cron write table:db1/shop/public.night",
                "script:cookbooks/shop/files/default/shared write table:db1/shop/public.wrong",
            ]
            .map(str::to_owned)
            .to_vec(),
            ["missing-script salt/shop/init.sls:15: runs /usr/local/bin/gone, which is installed from salt://shop/files/gone.sh: the scan was not given that".to_owned()].to_vec(),
        )
    );
}

#[test]
fn a_namesake_that_does_nothing_counts_and_a_role_has_its_own_file() {
    let tasks = "- cron: {name: update, minute: 5, job: /srv/web/update.sh}\n";
    let idle = "#!/bin/sh\necho nothing to do\n";
    // Its own file does nothing, and so does the job.
    let told = world(&[
        ("roles/web/tasks/main.yml", tasks),
        ("roles/web/files/update.sh", idle),
        ("tools/other/update.sh", &writes("wrong")),
    ]);
    let other = "script:tools/other/update.sh write table:db1/shop/public.wrong".to_owned();
    assert_eq!(told, (vec![other.clone()], vec![]));
    // Its own file does something.
    let told = world(&[
        ("roles/web/tasks/main.yml", tasks),
        ("roles/web/files/update.sh", &writes("pages")),
        ("tools/other/update.sh", &writes("wrong")),
    ]);
    assert_eq!(
        told,
        (vec!["job:roles/web/update write table:db1/shop/public.pages".to_owned(), other.clone()], vec![])
    );
    // It has none: a file of its name elsewhere is another one.
    let told = world(&[("roles/web/tasks/main.yml", tasks), ("tools/other/update.sh", &writes("wrong"))]);
    let missing =
        "missing-script roles/web/tasks/main.yml:1: runs /srv/web/update.sh, which the scan was not given";
    assert_eq!(told, (vec![other.clone()], vec![missing.to_owned()]));
    // It has two, and nothing says which is put there.
    let told = world(&[
        ("roles/web/tasks/main.yml", tasks),
        ("roles/web/files/a/update.sh", &writes("pages")),
        ("roles/web/files/b/update.sh", idle),
    ]);
    let several = "ambiguous-script roles/web/tasks/main.yml:1: /srv/web/update.sh could be any of several files of the scan";
    let own = "script:roles/web/files/a/update.sh write table:db1/shop/public.pages";
    assert_eq!(told, (vec![own.to_owned()], vec![several.to_owned()]));
}

#[test]
fn a_crontab_is_not_the_program_it_is_named_like() {
    let told = world(&[("files/tag-cleanup", "0 4 * * * root /usr/local/sbin/tag-cleanup --old 30\n")]);
    let missing =
        "missing-script files/tag-cleanup:1: runs /usr/local/sbin/tag-cleanup, which the scan was not given";
    assert_eq!(told, (vec![], vec![missing.to_owned()]));
}

#[test]
fn files_by_a_pattern_are_installed_one_by_one() {
    let base = "- copy: src={{ item }} dest=/usr/local/bin/\n  with_fileglob:\n    - common/*.sh\n";
    let told = world(&[
        ("roles/base/tasks/main.yml", base),
        ("roles/base/files/common/nag.sh", &writes("nag")),
        ("roles/base/files/common/deep/deep.sh", &writes("deep")),
        (
            "roles/web/tasks/main.yml",
            "- cron: {name: nag, minute: 5, job: /usr/local/bin/nag.sh}\n- cron: {name: deep, minute: 6, job: /usr/local/bin/deep.sh}\n",
        ),
    ]);
    assert_eq!(
        told,
        (
            vec![
                "job:roles/web/nag write table:db1/shop/public.nag".to_owned(),
                "script:roles/base/files/common/deep/deep.sh write table:db1/shop/public.deep".to_owned(),
            ],
            vec!["missing-script roles/web/tasks/main.yml:2: runs /usr/local/bin/deep.sh, which the scan was not given".to_owned()],
        )
    );
}

#[test]
fn a_folder_that_is_filled_in_ties_a_job_to_its_own_role_alone() {
    let tasks = "- copy: {src: x.sh, dest: '{{ bin }}/x.sh'}\n- cron: {name: x, minute: 5, job: '{{ bin }}/x.sh -q'}\n- cron: {name: y, minute: 6, job: '{{ bin }}/y.sh'}\n- cron: {name: z, minute: 7, job: '{{ command }} now'}\n- cron: {name: w, minute: 8, job: '{{ wrapper }}{{ bin }}/w.sh'}\n";
    let told = world(&[
        ("roles/a/tasks/main.yml", tasks),
        ("roles/a/files/x.sh", &writes("x")),
        ("roles/b/files/y.sh", &writes("y")),
    ]);
    assert_eq!(
        told,
        (
            vec![
                "job:roles/a/x write table:db1/shop/public.x".to_owned(),
                "script:roles/b/files/y.sh write table:db1/shop/public.y".to_owned(),
            ],
            vec![
                "missing-script roles/a/tasks/main.yml:3: runs {}/y.sh, which the scan was not given"
                    .to_owned(),
                "unresolved roles/a/tasks/main.yml:4: a command that is only known when it runs".to_owned(),
                "missing-script roles/a/tasks/main.yml:5: runs {}/w.sh, which the scan was not given"
                    .to_owned(),
            ],
        )
    );
}

#[test]
fn one_command_of_two_roles_runs_each_roles_own_file() {
    let tasks = "- copy: {src: keep, dest: /usr/local/bin/keep, mode: '0755'}\n- template: {src: keep.cron, dest: /etc/cron.d/keep}\n";
    let cron = "5 1 * * * root /usr/local/bin/keep {{ item }}\n";
    let (mut files, texts) = (Vec::new(), ["a", "b"].map(writes));
    let paths = ["a", "b"].map(|role| {
        ["tasks/main.yml", "files/keep", "templates/keep.cron"].map(|part| format!("roles/{role}/{part}"))
    });
    for (paths, text) in paths.iter().zip(&texts) {
        files.extend([(paths[0].as_str(), tasks), (&paths[1], text), (&paths[2], cron)]);
    }
    let (links, _) = world(&files);
    let of = |table: &str| -> Vec<&str> {
        let end = format!("public.{table}");
        links.iter().filter(|link| link.ends_with(&end)).filter_map(|link| link.split(' ').next()).collect()
    };
    let (one, other) = (of("a"), of("b"));
    assert!(one.len() == 1 && other.len() == 1 && one != other, "{links:?}");
    assert!(links.iter().all(|link| link.starts_with("job:keep-")), "{links:?}");
}

#[test]
fn a_file_that_only_shares_its_name_deep_in_a_role_is_not_what_a_whole_path_means() {
    let cron = |path: &str| {
        format!("class m {{\n  cron {{ 'x': command => '{path}', hour => 1, minute => 5 }}\n}}\n")
    };
    let told = |file: &str| {
        let (links, gaps) =
            world(&[("modules/m/manifests/init.pp", &cron("/srv/app/manage.sh")), (file, &writes("t"))]);
        (links.iter().any(|link| link.starts_with("job:")), gaps.len())
    };
    assert_eq!(told("modules/m/files/manage.sh"), (true, 0));
    assert_eq!(told("modules/m/files/idp/other/thing/manage.sh"), (false, 1));
}

#[test]
fn of_a_program_in_a_language_that_is_not_read_a_job_says_so() {
    let cron = "class m {\n  cron { 'x': command => '/usr/local/bin/load.pl', hour => 1, minute => 5 }\n}\n";
    let perl =
        "#!/usr/bin/perl\nuse DBI;\nmy $d = DBI->connect('dbi:mysql:database=shop;host=db1', 'loader');\n";
    let (_, gaps) = world(&[("modules/m/manifests/init.pp", cron), ("modules/m/files/load.pl", perl)]);
    let of_job: Vec<&String> = gaps.iter().filter(|gap| gap.contains("missing-script")).collect();
    assert_eq!(
        of_job,
        [
            "missing-script modules/m/manifests/init.pp:2: runs /usr/local/bin/load.pl, which is of a kind of which no reader knows what it does"
        ]
    );
}

#[test]
fn what_a_manifest_installs_and_tells_is_one_job() {
    let cron = "*/30 * * * * root <%= @script %> 2>&1\n";
    let facts = "class pm::facts {
  $script = '/usr/local/sbin/facts.rb'
  file { '/etc/cron.d/facts':
    content => template(\"${module_name}/facts.cron.erb\");
  }
}
";
    let timer = "[Timer]\nOnBootSec=1h\n[Install]\nWantedBy=timers.target\n";
    let service = "[Service]\nType=oneshot\nExecStart=/usr/bin/docker system prune -f\n";
    let units = "class dk {
  file {
    '/etc/systemd/system/prune.timer':
      source => 'puppet:///modules/dk/prune.timer';
    '/etc/systemd/system/prune.service':
      source => 'puppet:///modules/dk/prune.service';
  }
}
";
    let files = [
        ("modules/pm/manifests/facts.pp", facts),
        ("modules/pm/templates/facts.cron.erb", cron),
        // Nobody installs this one.
        ("modules/pm/templates/other.cron.erb", "*/30 * * * * root /usr/local/sbin/other.rb\n"),
        ("modules/dk/manifests/init.pp", units),
        ("modules/dk/files/prune.timer", timer),
        ("modules/dk/files/prune.service", service),
        ("modules/dk/files/kept.timer", timer),
        ("modules/dk/files/kept.service", service),
    ];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:dk/prune as -: OnBootSec=1h (UTC): /usr/bin/docker system prune -f @ modules/dk/manifests/init.pp:3",
            "job:kept as -: OnBootSec=1h (UTC): /usr/bin/docker system prune -f @ modules/dk/files/kept.timer:2",
            "job:other as root: */30 * * * * (?): /usr/local/sbin/other.rb @ modules/pm/templates/other.cron.erb:1",
            "job:pm::facts/facts as root: */30 * * * * (?): /usr/local/sbin/facts.rb 2>&1 @ modules/pm/manifests/facts.pp:3",
        ]
    );
}
