//! Crontabs as trees keep them: templates, fragments under any name, inside of YAML and of scripts.

use super::*;

fn told(path: &str, text: &str) -> Vec<String> {
    // Beside it lies something that is read in any case.
    let report = World { files: &[(path, text), ("whodepends.toml", "")], links: &[] }.report();
    let end = format!(" @ {path}:");
    jobs(&report).iter().map(|job| job.replace(&end, " @ ")).collect()
}

#[test]
fn templates_keep_their_placeholders_and_their_code_is_no_line() {
    let jinja = "MAILTO={{ admin }}\n{% if night %}\n{# 1 1 * * * root /bin/no #}\n{{ minute }} 3 * * * {{ user }} /bin/x {{ dir }}\n{% else %}\n# 1 1 * * * root /bin/no\n5 4 * * * app /bin/y\n{% endif %}\n{% for j in jobs %}\n{{ j.when }} root {{ j.what }} --all now\n{% endfor %}\n";
    assert_eq!(
        told("roles/a/templates/cron.d/shop.cron.j2", jinja),
        [
            "job:shop as root: {{ j.when }} (?): {{ j.what }} --all now @ 10",
            "job:x as {{ user }}: {{ minute }} 3 * * * (?): /bin/x {{ dir }} @ 4",
            "job:y as app: 5 4 * * * (?): /bin/y @ 7",
        ]
    );
    let erb = "<% if @on -%>\n<%= @minute %> <%= @hour %> * * * app /bin/x <%= @dir %>\n<% end -%>\n";
    assert_eq!(
        told("cookbooks/a/templates/default/shop.cron.erb", erb),
        ["job:x as app: <%= @minute %> <%= @hour %> * * * (?): /bin/x <%= @dir %> @ 2"]
    );
}

#[test]
fn a_template_that_fills_in_a_whole_line_is_a_gap() {
    let report =
        World { files: &[("templates/crontab.j2", "5 4 * * * /bin/x\n{{ more }}\n")], links: &[] }.report();
    assert_eq!(jobs(&report), ["job:x as -: 5 4 * * * (?): /bin/x @ templates/crontab.j2:1"]);
    assert_eq!(
        gaps(&report),
        ["unresolved templates/crontab.j2:2: a line that a template fills in: {{ more }}"]
    );
}

#[test]
fn lines_tell_a_crontab_under_any_name_and_nothing_less_does() {
    let table = "# nightly\nPATH=/bin\n5 4 * * * app /bin/x\n";
    assert_eq!(told("roles/a/files/nightly-sync", table), ["job:x as app: 5 4 * * * (?): /bin/x @ 3"]);
    for text in [
        // Rows of numbers, and one line that is none of a crontab.
        "1 2 3 4 5 app /bin/x\n",
        "5 4 * * * app /bin/x\nand so on\n",
        // Without a user it could be prose.
        "5 4 * * * /bin/x\n",
        "A=1\nB=2\n",
    ] {
        assert_eq!(told("roles/a/files/nightly-sync", text), [""; 0], "{text}");
    }
}

#[test]
fn a_sixth_field_is_no_user() {
    let report =
        World { files: &[("files/a.cron", "5 4 * * * app /bin/x\n5 4 * * * * app /bin/y\n")], links: &[] }
            .report();
    assert_eq!(jobs(&report), ["job:x as app: 5 4 * * * (?): /bin/x @ files/a.cron:1"]);
    assert_eq!(gaps(&report), ["bad-schedule files/a.cron:2: cron rejects this line: * is no user's name"]);
}

#[test]
fn names_are_judged_without_the_ending_of_a_template_and_only_in_place() {
    let line = "5 4 * * * app /bin/x\n";
    let want = ["job:x as app: 5 4 * * * (?): /bin/x @ 1"];
    let of_host = ["job:batch1/x as app: 5 4 * * * (?): /bin/x @ 1"];
    assert_eq!(told("batch1/etc/cron.d/shop.j2", line), of_host);
    assert_eq!(told("batch1/etc/cron.d/shop.cron", line), [""; 0]);
    // The tree's own name; where it is put says a task.
    assert_eq!(told("files/cron.d/shop.cron", line), want);
}

#[test]
fn yaml_and_scripts_that_write_crontabs_are_read() {
    let init = "#cloud-config\nwrite_files:\n  - path: /etc/cron.d/shop\n    content: |\n      # 1 1 * * * root /bin/no\n      5 4 * * * app /bin/x\n  - path: /etc/motd\n    content: |\n      5 4 * * * app /bin/no\n  - path: /var/spool/cron/crontabs/app\n    content: |\n      6 4 * * * /bin/y\n";
    assert_eq!(
        told("cloud/init.yml", init),
        ["job:x as app: 5 4 * * * (?): /bin/x @ 6", "job:y as app: 6 4 * * * (?): /bin/y @ 12",]
    );
    let docker = "FROM debian\n# RUN echo '1 1 * * * root /bin/no' > /etc/cron.d/no\nRUN echo \"5 $HOUR * * * root /bin/x\" > /etc/cron.d/x && \\\n    chmod 644 /etc/cron.d/x\n";
    assert_eq!(told("Dockerfile", docker), ["job:x as root: 5 ${HOUR} * * * (?): /bin/x @ 3"]);
    let script = "#!/bin/sh\ncat > /etc/cron.d/y <<EOF\n5 5 * * * root /bin/y\nEOF\ncat > /tmp/n <<EOF\n5 5 * * * root /bin/no\nEOF\n(crontab -l; echo '@daily /bin/z') | crontab -\n";
    assert_eq!(
        told("install.sh", script),
        ["job:y as root: 5 5 * * * (?): /bin/y @ 3", "job:z as -: @daily (?): /bin/z @ 8"]
    );
}

#[test]
fn a_line_that_starts_a_folder_is_a_job_where_nothing_tells_of_its_scripts() {
    let table = "<%= @m %> * * * * root cd / && run-parts --report /etc/cron.hourly\n25 6 * * * root test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )\n9 9 * * * <%= @owner %> /usr/local/bin/x\n";
    let template = ("templates/etc/crontab.erb", table);
    let own = "17 * * * * root cd / && run-parts /etc/cron.hourly\n25 6 * * * root cd / && run-parts /etc/cron.daily\n";
    let script = "#!/bin/sh\n/bin/tidy\n";
    let files = [template, ("batch1/etc/crontab", own), ("batch1/etc/cron.daily/tidy", script)];
    assert_eq!(
        jobs(&World { files: &files, links: &[] }.report()),
        [
            "job:batch1/cron.hourly as root: 17 * * * * (?): cd / && run-parts /etc/cron.hourly @ batch1/etc/crontab:1",
            "job:batch1/tidy as root: 25 6 * * * (?): /etc/cron.daily/tidy @ batch1/etc/cron.daily/tidy:1",
            "job:cron.daily as root: 25 6 * * * (?) [test -x /usr/sbin/anacron]: test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily ) @ templates/etc/crontab.erb:2",
            "job:cron.hourly as root: <%= @m %> * * * * (?): cd / && run-parts --report /etc/cron.hourly @ templates/etc/crontab.erb:1",
            "job:x as <%= @owner %>: 9 9 * * * (?): /usr/local/bin/x @ templates/etc/crontab.erb:3",
        ]
    );
}

#[test]
fn scripts_without_an_ending_write_crontabs_and_scripts_of_clocks() {
    let env = "#!/usr/bin/env bash\ncat > \"$1/etc/cron.d/diag\" << EOF\n0 7,19 * * * root sleep \\$((RANDOM\\%9)); diagnosis run\nEOF\n";
    assert_eq!(
        told("hooks/01-conf", env),
        [
            "job:diagnosis as root: 0 7,19 * * * (?) [sleep $((RANDOM%9))]: sleep $((RANDOM%9)); diagnosis run @ 3"
        ]
    );
    let daily = "#!/bin/bash\ncat > /etc/cron.daily/fetch << 'EOF'\n#!/bin/sh\ntouch /srv/fetched\nEOF\n";
    assert_eq!(
        told("hooks/02-conf", daily),
        ["job:fetch as root: 25 6 * * * (?): /etc/cron.daily/fetch @ 3"]
    );
    for (path, text) in [
        ("hooks/03-conf", env.replace("env bash", "env python3")),
        ("hooks/04-conf", daily.replace("cron.daily", "cron.later")),
        // run-parts leaves such a name out.
        ("hooks/05-conf", daily.replace("daily/fetch", "daily/fetch.sh")),
    ] {
        assert_eq!(told(path, &text), [""; 0], "{path}");
    }
}

#[test]
fn a_job_is_called_by_its_program_and_not_by_what_stands_in_front() {
    let table = "59 1 * * 7 root PATH=\"$PATH:/usr/local/bin/\" pihole update\n*/30 * * * * root (sleep $((RANDOM/9))); <%= @script %> 2>&1 | logger -t x\n";
    let named: Vec<String> = told("files/facts.cron.erb", table);
    let named: Vec<&str> = named.iter().map(|job| job.split(" as ").next().unwrap_or("")).collect();
    assert_eq!(named, ["job:facts", "job:pihole"]);
}

#[test]
fn an_escape_that_puppet_does_not_know_is_crons() {
    let manifest = "class w {\n  file { '/etc/cron.d/w':\n    content => \"0 1 * * * ws /bin/dump > /bk/$(date +\\%F).sql\\n\",\n  }\n}\n";
    assert_eq!(
        told("modules/w/manifests/init.pp", manifest),
        ["job:dump as ws: 0 1 * * * (?): /bin/dump > /bk/$(date +%F).sql @ 3"]
    );
    // Ruby takes the sign behind any backslash, and then cron reads it.
    let recipe =
        "file '/etc/cron.d/w' do\n  content \"0 1 * * * ws /bin/dump > /bk/$(date +\\\\%F).sql\\n\"\nend\n";
    assert_eq!(
        told("cookbooks/w/recipes/default.rb", recipe),
        ["job:dump as ws: 0 1 * * * (?): /bin/dump > /bk/$(date +%F).sql @ 2"]
    );
}
