//! What a job's line starts through something else: runners of an environment, folders of scripts, services, scripts that
//! hand their arguments on; and lines that run one script with other words.

use super::*;

fn told(crontab: &str, files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let table = ("b1/etc/cron.d/x", crontab);
    let files: Vec<(&str, &str)> = [table].into_iter().chain(files.iter().copied()).collect();
    let report = World { files: &files, links: &[] }.report();
    let of_jobs = |link: &String| link.starts_with("job:") && !link.contains(" connect ");
    (links(&report).into_iter().filter(of_jobs).collect(), gaps(&report))
}

fn writes(table: &str) -> String {
    format!("#!/bin/sh\npsql -h db1 -d shop -c 'INSERT INTO {table} SELECT 1'\n")
}

#[test]
fn runners_folders_and_services_are_followed() {
    let crontab = "\
1 1 * * * root run-parts --report /opt/parts
2 1 * * * root service nightly start
3 1 * * * root cd /opt/app && poetry run bin/sync.sh
4 1 * * * root cd /opt/app && uv run --with httpx bin/load.sh
5 1 * * * root run-parts /opt/none
6 1 * * * root run-parts --test /opt/parts
7 1 * * * root poetry install
";
    let told = told(
        crontab,
        &[
            ("b1/etc/systemd/system/nightly.service", "[Service]\nExecStart=/opt/night.sh\n"),
            ("b1/opt/night.sh", &writes("night")),
            ("b1/opt/parts/part", &writes("part")),
            ("b1/opt/parts/part.bak", &writes("wrong")),
            ("b1/opt/parts/deep/part", &writes("wrong")),
            ("b1/opt/app/bin/sync.sh", &writes("sync")),
            ("b1/opt/app/bin/load.sh", &writes("load")),
        ],
    );
    assert_eq!(
        told,
        (
            [
                "job:b1/load write table:db1/shop/public.load",
                "job:b1/night write table:db1/shop/public.night",
                "job:b1/part write table:db1/shop/public.part",
                "job:b1/sync write table:db1/shop/public.sync",
            ]
            .map(str::to_owned)
            .to_vec(),
            vec![
                "missing-script b1/etc/cron.d/x:5: runs the scripts of /opt/none, which the scan was not given"
                    .to_owned()
            ],
        )
    );
}

#[test]
fn a_script_that_hands_its_arguments_on_is_read_with_them() {
    let quiet = "#!/bin/sh\nrsync -q \"$@\"\n";
    let logs = "#!/bin/sh\nlogger \"$@\"\n";
    let told = told(
        "1 1 * * * root /opt/quiet -a rsync://mirror.example/dist/ /srv/dist/\n2 1 * * * root /opt/logs a b\n3 1 * * * root rsync-loud rsync://mirror.example/a /srv/a\n4 1 * * * root curl -sf \"$(cat /etc/url)/x\"\n5 1 * * * root /opt/lock night /usr/local/bin/night -q\n",
        &[
            ("b1/opt/quiet", quiet),
            ("b1/opt/logs", logs),
            ("b1/opt/lock", "#!/bin/sh\nshift\nsetsid \"$1\"\n"),
        ],
    );
    assert_eq!(
        told,
        (
            [
                "job:b1/curl read file:b1:/etc/url",
                "job:b1/quiet write file:b1:/srv/dist/",
                "job:b1/quiet import file:mirror.example:dist/",
            ]
            .map(str::to_owned)
            .to_vec(),
            [
                "unresolved b1/etc/cron.d/x:3: a command that nobody here knows is given an address",
                "unresolved b1/etc/cron.d/x:4: an HTTP call whose address is only known when it runs",
                "missing-script b1/etc/cron.d/x:5: lock is given /usr/local/bin/night; whether it runs that was not followed",
            ]
            .map(str::to_owned)
            .to_vec(),
        )
    );
}

#[test]
fn lines_with_different_commands_are_different_jobs() {
    let crontab = "\
0 1 * * * root /opt/export.sh -t orders > /out/orders.csv
0 5 * * * root /opt/export.sh -t customers > /out/customers.csv
0 2 * * * root /usr/bin/curl -T /out/customers.csv https://partner.example/in
0 3 * * * root /opt/load.sh --full
0 4 * * * root /opt/load.sh --full > /var/log/load.log
";
    let again = "30 3 * * * root /opt/load.sh --full\n";
    let report = World {
        files: &[
            ("b1/etc/cron.d/x", crontab),
            ("b1/etc/cron.d/y", again),
            ("b1/opt/export.sh", "#!/bin/sh\npsql -h db1 -d shop -c \"select a from $2\"\n"),
            ("b1/opt/load.sh", &writes("stage")),
        ],
        links: &[],
    }
    .report();
    let told: Vec<String> = links(&report).into_iter().filter(|link| !link.contains(" connect ")).collect();
    assert_eq!(
        told,
        [
            "job:b1/curl read file:b1:/out/customers.csv",
            "job:b1/curl call endpoint:partner.example/PUT /in",
            "job:b1/curl export file:partner.example:in",
            "job:b1/export customers write file:b1:/out/customers.csv",
            "job:b1/export orders write file:b1:/out/orders.csv",
            "job:b1/load-461fb4 write file:b1:/var/log/load.log",
            "job:b1/load-461fb4 write table:db1/shop/public.stage",
            "job:b1/load-84934a write table:db1/shop/public.stage",
        ]
    );
    // The same command in two files is one job that starts twice.
    let lines = report["jobs"].as_array().expect("jobs").iter();
    let told: Vec<String> =
        lines.map(|job| format!("{} {}", word(job, "entity"), word(job, "schedule"))).collect();
    assert_eq!(
        told,
        [
            "job:b1/curl 0 2 * * *",
            "job:b1/export customers 0 5 * * *",
            "job:b1/export orders 0 1 * * *",
            "job:b1/load-461fb4 0 4 * * *",
            "job:b1/load-84934a 0 3 * * *",
            "job:b1/load-84934a 30 3 * * *",
        ]
    );
    let orders: Vec<&str> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|finding| word(finding, "rule") == "implicit-order")
        .map(|finding| word(finding, "title"))
        .collect();
    assert_eq!(orders, Vec::<&str>::new(), "what is sent at two was written the day before");
}

#[test]
fn jobs_that_lie_among_examples_are_told_to_be_examples() {
    let line = "5 1 * * * root psql -h db1 -d shop -c 'INSERT INTO x SELECT 1'\n";
    let files = [("conf/examples/crontab", line), ("conf/crontab", line)];
    let report = World { files: &files, links: &[] }.report();
    let explained = "unresolved conf/examples/crontab: jobs here are an example, by their path: they are listed, and nothing is concluded from what they read and write; scan the place where they are kept";
    assert_eq!(gaps(&report), [explained]);
    let scopes = report["links"].as_array().expect("links").iter();
    let scopes: Vec<String> =
        scopes.map(|link| format!("{} {}", word(link, "action"), word(link, "scope"))).collect();
    assert_eq!(scopes, ["write production", "connect production", "write example", "connect example"]);
}
