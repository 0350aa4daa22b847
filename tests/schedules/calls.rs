//! What jobs start that another file describes: scripts on other hosts, units, rules of Makefiles, scripts of packages.
//! What is started that the scan was not given is a gap. Expectations from ssh(1), systemctl(1), the GNU make manual and
//! npm-run-script(1).

use super::*;

const ZONE: (&str, &str) = ("db1/etc/timezone", "Europe/Berlin\n");
const APP: (&str, &str) = ("app1/etc/timezone", "Europe/Berlin\n");

fn sql(table: &str) -> String {
    format!("psql -h pg1 -d shop -c 'DELETE FROM {table}'")
}

fn script(table: &str) -> String {
    format!("#!/bin/sh\n{}\n", sql(table))
}

/// What the jobs of a crontab of `db1` write, and the gaps.
fn told(crontab: &str, files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let own = [ZONE, APP, ("db1/etc/cron.d/jobs", crontab)];
    let files: Vec<(&str, &str)> = own.into_iter().chain(files.iter().copied()).collect();
    let report = World { files: &files, links: &[] }.report();
    let writes = links(&report).into_iter().filter(|link| link.contains(" write ")).collect();
    (writes, gaps(&report))
}

#[test]
fn a_script_of_another_host_is_that_hosts() {
    let crontab = "\
0 1 * * * root ssh app1 /opt/jobs/nightly.sh
0 2 * * * root ssh -i /etc/keys/batch batch@app1 'cd /opt/jobs; ./weekly.sh --all'
0 3 * * * root ssh app2 /opt/jobs/nightly.sh
0 4 * * * root ssh app1 monthly.sh
";
    let (here, nightly, weekly) = (script("here"), script("nightly"), script("weekly"));
    let files = [
        // Of the same path on the host that only sends the command.
        ("db1/opt/jobs/nightly.sh", &*here),
        ("app1/opt/jobs/nightly.sh", &*nightly),
        ("app1/opt/jobs/weekly.sh", &*weekly),
        ("app1/opt/jobs/monthly.sh", &*weekly),
    ];
    let (writes, gaps) = told(crontab, &files);
    assert_eq!(
        writes,
        [
            "job:db1/nightly-0f7853 write table:pg1/shop/public.nightly",
            "job:db1/weekly write table:pg1/shop/public.weekly",
            "script:app1:/opt/jobs/monthly.sh write table:pg1/shop/public.weekly",
            "script:db1:/opt/jobs/nightly.sh write table:pg1/shop/public.here"
        ]
    );
    assert_eq!(
        gaps,
        [
            "missing-script db1/etc/cron.d/jobs:3: runs app2:/opt/jobs/nightly.sh, which the scan was not given",
            "missing-script db1/etc/cron.d/jobs:4: runs monthly.sh on app1; it was not followed"
        ]
    );
}

#[test]
fn a_started_unit_does_its_work_and_a_service_that_stays_does_its_own() {
    let crontab = "\
0 1 * * * root systemctl start report.service
0 2 * * * root systemctl start --no-block once
0 3 * * * root systemctl restart shop.service
0 4 * * * root systemctl start nowhere.service
0 5 * * * root systemctl stop report.service
0 6 * * * root ssh app1 systemctl start report
";
    let unit = |table: &str, tail: &str| {
        let command = sql(table);
        format!("[Service]\nType=oneshot\nExecStart=/usr/bin/{command}\n{tail}")
    };
    let (report, behind, there) = (
        format!("[Unit]\nOnSuccess=behind.service\n{}", unit("reports", "")),
        unit("behind", ""),
        unit("there", ""),
    );
    let once = format!("[Service]\nExecStart=/usr/bin/{}\n", sql("once"));
    let shop = format!("[Service]\nRestart=always\nExecStart=/usr/bin/{}\n", sql("shop"));
    let files = [
        ("db1/etc/systemd/system/report.service", &*report),
        ("db1/etc/systemd/system/behind.service", &*behind),
        ("db1/etc/systemd/system/once.service", &*once),
        ("db1/etc/systemd/system/shop.service", &*shop),
        ("app1/etc/systemd/system/report.service", &*there),
    ];
    let (writes, gaps) = told(crontab, &files);
    assert_eq!(
        writes,
        [
            "job:db1/ssh write table:pg1/shop/public.there",
            "job:db1/systemctl-028614 write table:pg1/shop/public.behind",
            "job:db1/systemctl-028614 write table:pg1/shop/public.reports",
            "job:db1/systemctl-9f0813 write table:pg1/shop/public.once"
        ]
    );
    assert_eq!(
        gaps,
        ["missing-script db1/etc/cron.d/jobs:4: starts nowhere.service, which the scan was not given"]
    );
}

#[test]
fn what_a_timers_service_starts_behind_it_is_the_timers() {
    let nightly = format!(
        "[Unit]\nOnSuccess=done.service\nOnFailure=gone@%n.service\n[Service]\nType=oneshot\nExecStart=/usr/bin/{}\n",
        sql("nightly")
    );
    let done = format!("[Service]\nType=oneshot\nExecStart=/usr/bin/{}\n", sql("done"));
    let files = [
        ("db1/etc/systemd/system/nightly.timer", "[Timer]\nOnCalendar=*-*-* 02:30\n"),
        ("db1/etc/systemd/system/nightly.service", &*nightly),
        ("db1/etc/systemd/system/done.service", &*done),
    ];
    let (writes, gaps) = told("", &files);
    assert_eq!(
        writes,
        [
            "job:db1/nightly write table:pg1/shop/public.done",
            "job:db1/nightly write table:pg1/shop/public.nightly"
        ]
    );
    assert_eq!(
        gaps,
        [
            "missing-script db1/etc/systemd/system/nightly.timer:2: starts gone@nightly.service.service, which the scan was not given"
        ]
    );
}

#[test]
fn rules_and_scripts_of_packages_run_their_commands_alone() {
    let crontab = "\
0 1 * * * root make -C /opt/jobs nightly TABLE=given
0 2 * * * root cd /opt/jobs && npm run nightly
0 3 * * * root cd /opt/jobs && yarn weekly --all
0 4 * * * root cd /opt/jobs && yarn install
0 5 * * * root make -C /opt/jobs nothing
0 6 * * * root cd /opt/other && npm run nightly
0 7 * * * root make -C /opt/other nightly
0 8 * * * root make -C /opt/other && make -C /opt/other install
";
    let makefile = format!(
        "DB := shop\nTABLE ?= held\n.PHONY: nightly\nall: other\nnightly: pre # first\n\t@psql -h pg1 -d $(DB) -c 'DELETE FROM $(TABLE)'\npre:\n\t{}\nother:\n\t{}\n",
        sql("pre"),
        sql("not_made")
    );
    let package = serde_json::json!({"scripts": {
        "prenightly": sql("npm_pre"), "nightly": sql("npm_nightly"), "weekly": sql("npm_weekly"), "other": sql("not_run"),
    }});
    let package = package.to_string();
    let files = [("db1/opt/jobs/Makefile", &*makefile), ("db1/opt/jobs/package.json", &*package)];
    let (writes, gaps) = told(crontab, &files);
    assert_eq!(
        writes,
        [
            "job:db1/cd write table:pg1/shop/public.npm_nightly",
            "job:db1/cd write table:pg1/shop/public.npm_pre",
            "job:db1/cd-3e92f7 write table:pg1/shop/public.npm_weekly",
            "job:db1/make write table:pg1/shop/public.given",
            "job:db1/make write table:pg1/shop/public.pre"
        ]
    );
    assert_eq!(
        gaps,
        [
            "missing-script db1/etc/cron.d/jobs:5: runs make nothing, and no rule of its Makefile says how",
            "missing-script db1/etc/cron.d/jobs:6: npm runs nightly, and the scan was not given its package.json",
            "missing-script db1/etc/cron.d/jobs:7: runs make, and the scan was not given its Makefile"
        ]
    );
}

#[test]
fn what_runs_in_a_container_or_by_java_and_what_find_runs() {
    let crontab = "\
0 1 * * * root docker compose -f /srv/c.yml --profile jobs run --rm worker python jobs/x.py
0 2 * * * root docker run --rm --memory 1g billing:1 /app/run.sh
0 3 * * * root docker run --rm billing:2
0 4 * * * root docker exec db psql -d shop -c 'DELETE FROM inside'
0 5 * * * root java -Xmx1g -cp /opt/lib/a.jar -jar /opt/jobs/x.jar --day
0 6 * * * root find /srv/in -name '*.a' -exec /opt/jobs/a.sh {} \\; -o -name '*.b' -exec /opt/jobs/b.sh {} +
0 7 * * * root find /srv/in -name '*.a' -print0 | xargs -0 -n1 -I % /opt/jobs/a.sh %
0 8 * * * root docker ps
";
    let (a, b) = (script("a"), script("b"));
    let files = [("db1/opt/jobs/a.sh", &*a), ("db1/opt/jobs/b.sh", &*b)];
    let (writes, gaps) = told(crontab, &files);
    assert_eq!(
        writes,
        [
            "job:db1/a write table:pg1/shop/public.a",
            "job:db1/a write table:pg1/shop/public.b",
            "job:db1/docker-a89132 write table:?/shop/inside"
        ]
    );
    assert_eq!(
        gaps,
        [
            "missing-script db1/etc/cron.d/jobs:1: runs jobs/x.py in worker; it was not followed",
            "missing-script db1/etc/cron.d/jobs:2: runs /app/run.sh in billing:1; it was not followed",
            "missing-script db1/etc/cron.d/jobs:3: runs what the image of billing:2 says; it was not followed",
            "missing-script db1/etc/cron.d/jobs:5: runs /opt/jobs/x.jar, which the scan was not given"
        ]
    );
}
