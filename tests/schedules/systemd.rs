//! systemd's timers: which unit holds, what its drop-ins change, what its service runs, and when a cron file is the
//! same job. Expectations from systemd.unit(5), systemd.timer(5) and systemd.service(5).

use super::*;

const ZONE: (&str, &str) = ("batch1/etc/timezone", "Europe/Berlin\n");
const NIGHTLY: &str =
    "[Unit]\nDescription=Nightly\n\n[Timer]\nOnCalendar=*-*-* 02:30\n\n[Install]\nWantedBy=timers.target\n";
const NONE: [&str; 0] = [];

fn service(command: &str) -> String {
    format!("[Service]\nType=oneshot\nExecStart={command}\n")
}

fn told(files: &[(&str, &str)], links: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let files: Vec<(&str, &str)> = std::iter::once(ZONE).chain(files.iter().copied()).collect();
    let report = World { files: &files, links }.report();
    (jobs(&report), gaps(&report))
}

#[test]
fn a_timer_is_told_with_what_its_service_runs() {
    let timer = "[Timer]\nOnCalendar=Mon..Fri 02:30 Europe/London\nOnBootSec=15min\nRandomizedDelaySec=1h\n";
    let service = "\
[Unit]
ConditionPathExists=/srv/shop
[Service]
Type=oneshot
User=shop
WorkingDirectory=/srv
Environment=DB=shop \"WHERE=db1\"
EnvironmentFile=-/etc/default/nightly
# a comment inside
ExecStartPre=-/usr/bin/touch started
ExecStart=@/usr/bin/psql nightly -h ${WHERE} -d ${DB} \\
  ; a comment between continued lines
  -c \"SELECT id FROM public.orders\"
ExecStart=+/bin/sh -c 'cp in.csv %n.csv; echo $$HOME > /srv/out'
";
    let files = [
        ZONE,
        ("batch1/etc/default/nightly", "# where\nDB='archive'\n"),
        ("batch1/etc/systemd/system/nightly.timer", timer),
        ("batch1/usr/lib/systemd/system/nightly.service", service),
    ];
    let report = World { files: &files, links: &[] }.report();
    let command = "/usr/bin/psql -h db1 -d archive -c 'SELECT id FROM public.orders'; \
                   /bin/sh -c 'cp in.csv nightly.service.csv; echo $HOME > /srv/out'";
    let tail = format!(
        "[RandomizedDelaySec=1h] [ConditionPathExists=/srv/shop]: {command} @ batch1/etc/systemd/system/nightly.timer"
    );
    assert_eq!(
        jobs(&report),
        [
            format!("job:batch1/nightly as shop: Mon..Fri 02:30 Europe/London (Europe/London) {tail}:2"),
            format!("job:batch1/nightly as shop: OnBootSec=15min (Europe/London) {tail}:3"),
        ]
    );
    assert_eq!(
        links(&report),
        [
            "job:batch1/nightly read file:batch1:/srv/in.csv",
            "job:batch1/nightly read table:db1/archive/public.orders",
            "job:batch1/nightly write file:batch1:/srv/nightly.service.csv",
            "job:batch1/nightly write file:batch1:/srv/out",
            "job:batch1/nightly write file:batch1:/srv/started",
            "job:batch1/nightly connect database:db1/archive",
        ]
    );
    assert_eq!(gaps(&report), NONE);
}

#[test]
fn the_administrators_unit_holds_over_the_packages() {
    let own = NIGHTLY.replace("02:30", "04:00");
    let (jobs, gaps) = told(
        &[
            ("batch1/usr/lib/systemd/system/nightly.timer", NIGHTLY),
            ("batch1/usr/lib/systemd/system/nightly.service", &service("/opt/packaged")),
            ("batch1/etc/systemd/system/nightly.timer", &own),
            ("batch1/etc/systemd/system/nightly.service", &service("/opt/own")),
            // Nobody's clock starts this one.
            ("batch1/etc/systemd/system/web.service", &service("/opt/web")),
        ],
        &[],
    );
    let at = "batch1/etc/systemd/system/nightly.timer:5";
    assert_eq!(jobs, [format!("job:batch1/nightly as root: *-*-* 04:00 (Europe/Berlin): /opt/own @ {at}")]);
    let gap = "missing-script batch1/etc/systemd/system/nightly.service:3: runs /opt/own, which the scan was not given";
    assert_eq!(gaps, [gap]);
}

#[test]
fn drop_ins_take_back_and_add() {
    let (jobs, _) = told(
        &[
            ("batch1/usr/lib/systemd/system/nightly.timer", NIGHTLY),
            ("batch1/usr/lib/systemd/system/nightly.service", &service("/usr/bin/true")),
            // The packaged drop-in of the same name does not hold; 20-… comes after 10-….
            ("batch1/usr/lib/systemd/system/nightly.timer.d/10-when.conf", "[Timer]\nOnCalendar=hourly\n"),
            (
                "batch1/etc/systemd/system/nightly.timer.d/10-when.conf",
                "[Timer]\nOnCalendar=\nOnCalendar=05:00\n",
            ),
            ("batch1/run/systemd/system/nightly.timer.d/20-more.conf", "[Timer]\nOnUnitActiveSec=6h\n"),
            (
                "batch1/etc/systemd/system/nightly.service.d/x.conf",
                "[Service]\nExecStart=\nExecStart=/bin/false x\nUser=ops\n",
            ),
            // Not one: the name does not end in .conf.
            ("batch1/etc/systemd/system/nightly.timer.d/30.bak", "[Timer]\nOnCalendar=yearly\n"),
        ],
        &[],
    );
    let first = "/bin/false x @ batch1/etc/systemd/system/nightly.timer.d/10-when.conf:3";
    let more = "/bin/false x @ batch1/run/systemd/system/nightly.timer.d/20-more.conf:2";
    assert_eq!(
        jobs,
        [
            format!("job:batch1/nightly as ops: 05:00 (Europe/Berlin): {first}"),
            format!("job:batch1/nightly as ops: OnUnitActiveSec=6h (Europe/Berlin): {more}"),
        ]
    );
}

#[test]
fn masked_units_start_nothing() {
    let unit = ("batch1/usr/lib/systemd/system/nightly.timer", NIGHTLY);
    let run = service("/usr/bin/true");
    let runs = ("batch1/usr/lib/systemd/system/nightly.service", &*run);
    let masks = ("batch1/etc/systemd/system/nightly.timer", "/dev/null");
    let service_masks = ("batch1/etc/systemd/system/nightly.service", "/dev/null");
    assert_eq!(told(&[unit, runs], &[masks]).0, NONE);
    assert_eq!(told(&[unit, runs], &[service_masks]).0, NONE);
    assert_eq!(told(&[unit, runs, ("batch1/etc/systemd/system/nightly.timer", "")], &[]).0, NONE);
    // On another host the same unit runs.
    let elsewhere = [unit, runs, ("batch2/etc/timezone", "UTC\n")];
    let line = "job:batch1/nightly as root: *-*-* 02:30 (Europe/Berlin): /usr/bin/true @ batch1/usr/lib/systemd/system/nightly.timer:5";
    assert_eq!(told(&elsewhere, &[("batch2/etc/systemd/system/nightly.timer", "/dev/null")]).0, [line]);
}

#[test]
fn a_template_runs_once_for_each_instance() {
    let unit = ("batch1/usr/lib/systemd/system/dump@.timer", NIGHTLY);
    let run = service("/usr/bin/dump %i /srv/%I");
    let runs = ("batch1/usr/lib/systemd/system/dump@.service", &*run);
    let target = "/usr/lib/systemd/system/dump@.timer";
    let wants = "batch1/etc/systemd/system/timers.target.wants";
    let (shop, deep) = (format!("{wants}/dump@shop.timer"), format!("{wants}/dump@a-b\\x2dc.timer"));
    let (jobs, _) = told(&[unit, runs], &[(&shop, target), (&deep, target)]);
    let at = "batch1/usr/lib/systemd/system/dump@.timer:5";
    assert_eq!(
        jobs,
        [
            format!(
                "job:batch1/dump@a-b\\x2dc as root: *-*-* 02:30 (Europe/Berlin): /usr/bin/dump 'a-b\\x2dc' /srv/a/b-c @ {at}"
            ),
            format!(
                "job:batch1/dump@shop as root: *-*-* 02:30 (Europe/Berlin): /usr/bin/dump shop /srv/shop @ {at}"
            ),
        ]
    );
    let (jobs, gaps) = told(&[unit, runs], &[]);
    assert_eq!(jobs, NONE);
    let gap = "unresolved batch1/usr/lib/systemd/system/dump@.timer: \
               dump@.timer is a template, and no link on this host tells an instance of it";
    assert_eq!(gaps, [gap]);
}

#[test]
fn what_systemd_rejects_is_a_gap_and_the_rest_holds() {
    let timer = "[Timer]\nOnCalendar=5min\nOnUnitActiveSec=soon\nOnBootSec=5min\nOnClockChange=yes\n";
    let (jobs, gaps) = told(&[("batch1/etc/systemd/system/x.timer", timer)], &[]);
    let at = "batch1/etc/systemd/system/x.timer";
    assert_eq!(jobs, [format!("job:batch1/x as -: OnBootSec=5min (UTC): x.service @ {at}:4")]);
    assert_eq!(
        gaps,
        [
            format!("bad-schedule {at}:2: systemd rejects OnCalendar=5min: \"min\" cannot follow a number"),
            format!("bad-schedule {at}:3: systemd rejects OnUnitActiveSec=soon: \"soon\" is no time span"),
            format!("missing-script {at}:4: starts x.service, which the scan was not given"),
        ]
    );
}

#[test]
fn timers_of_source_trees_keep_what_is_filled_in() {
    let timer = "[Timer]\nOnCalendar={{ when }}\nUnit=load.service\n";
    let run = "[Service]\nUser={{ account }}\nExecStart={{ home }}/load.sh --all\n";
    let files = [
        ("roles/load/templates/load-daily.timer.j2", timer),
        ("roles/load/files/load.service", run),
        ("roles/other/files/load.service", "[Service]\nExecStart=/bin/false\n"),
        // Named alike in two trees, they are two jobs.
        ("roles/a/files/clean.timer", "[Timer]\nOnCalendar=daily\n"),
        ("roles/a/files/clean.service", "[Service]\nExecStart=/usr/bin/clean a\n"),
        ("roles/b/files/clean.timer", "[Timer]\nOnCalendar=weekly\n"),
        ("roles/b/files/clean.service", "[Service]\nExecStart=/usr/bin/clean b\n"),
        // No timer is named by this one.
        ("roles/c/templates/when.conf.j2", "[Timer]\nOnCalendar={{ when }}\n"),
        ("roles/d/templates/any.timer.erb", "[Timer]\n<%= @kind %>=<%= @when %>\n"),
    ];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:load-daily as {{ account }}: {{ when }} (?): '{{ home }}/load.sh' --all @ roles/load/templates/load-daily.timer.j2:2",
            "job:roles/a/files/clean as -: daily (?): /usr/bin/clean a @ roles/a/files/clean.timer:2",
            "job:roles/b/files/clean as -: weekly (?): /usr/bin/clean b @ roles/b/files/clean.timer:2",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved roles/c/templates/when.conf.j2: settings of a timer, and no name or folder tells of which",
            "unresolved roles/d/templates/any.timer.erb: what starts any.timer is filled in elsewhere",
            "missing-script roles/load/files/load.service:3: runs {{ home }}/load.sh, which the scan was not given",
        ]
    );
}

/// A package's timer, with the cron file that it brings for hosts without systemd.
fn twice(cron: (&str, &str)) -> Vec<String> {
    let renew = service("/usr/bin/renew -q all");
    let files = [
        ZONE,
        ("batch1/usr/lib/systemd/system/renew.timer", NIGHTLY),
        ("batch1/usr/lib/systemd/system/renew.service", &*renew),
        cron,
    ];
    let report = World { files: &files, links: &[] }.report();
    jobs(&report).iter().map(|line| line.split(" as ").next().unwrap_or("").to_owned()).collect()
}

#[test]
fn a_cron_file_that_does_nothing_where_systemd_runs_is_the_timers_job() {
    let one = ["job:batch1/renew"];
    let line = |command: &str| twice(("batch1/etc/cron.d/renew", &format!("0 */12 * * * root {command}\n")));
    assert_eq!(line("test -x /usr/bin/renew -a \\! -d /run/systemd/system && renew -q all"), one);
    assert_eq!(line("[ ! -d /run/systemd/system ] && /usr/bin/renew -q all >/dev/null"), one);
    let script = "#!/bin/sh\nset -e\nif [ -d /run/systemd/system ]; then\n  exit 0\nfi\nrenew -q all\n";
    assert_eq!(twice(("batch1/etc/cron.daily/renew", script)), one);
}

#[test]
fn a_cron_file_that_runs_all_the_same_or_runs_something_else_is_another_job() {
    let lines = |command: &str| {
        let lines = twice(("batch1/etc/cron.d/renew", &format!("0 */12 * * * root {command}\n")));
        assert_eq!(lines.len(), 2, "{command}: {lines:?}");
    };
    lines("renew -q all");
    lines("[ -d /run/systemd/system ] && renew -q all");
    lines("[ ! -d /run/systemd/system ] && renew -q some");
    lines("[ ! -d /run/systemd/system ] && renew -q all --again");
    lines("[ ! -d /run/systemd/system ] && /opt/renew -q all");
    // Of one name, and nothing says that it leaves its work to the timer.
    let script = "#!/bin/sh\nrenew -q all\n";
    let told = twice(("batch1/etc/cron.daily/renew", script));
    assert_eq!(told.len(), 2, "{told:?}");
    assert_ne!(told[0], told[1]);
}

#[test]
fn a_service_ordered_after_another_timers_oneshot_waits_for_it() {
    let ordered = "[Unit]\nAfter=network.target load.service web.service other.service\nWants=load.service\n";
    let report_of = format!("{ordered}{}", service("/opt/report.sh"));
    let load = service("/opt/load.sh");
    let web = "[Service]\nExecStart=/opt/web.sh\n";
    let other = service("/opt/other.sh");
    let folder = "batch1/etc/systemd/system";
    let path = |name: &str| format!("{folder}/{name}");
    let named = [
        "report.timer",
        "report.service",
        "load.timer",
        "load.service",
        "web.timer",
        "web.service",
        "other.service",
    ];
    let paths = named.map(path);
    let texts = [NIGHTLY, &report_of, NIGHTLY, &load, NIGHTLY, web, &other];
    let files: Vec<(&str, &str)> = paths.iter().map(String::as_str).zip(texts).chain([ZONE]).collect();
    let report = World { files: &files, links: &[] }.report();
    // web is done once it is started, and no timer starts other.
    assert_eq!(waits(&report), ["job:batch1/report is ordered after job:batch1/load"]);
}

#[test]
fn a_timer_that_nothing_enables_is_off_where_other_timers_are_on() {
    let one = service("/opt/a.sh");
    let static_timer = "[Timer]\nOnCalendar=*-*-* 05:00\n";
    let files = [
        ("batch1/etc/systemd/system/on.timer", NIGHTLY),
        ("batch1/etc/systemd/system/on.service", &*one),
        ("batch1/etc/systemd/system/off.timer", NIGHTLY),
        ("batch1/etc/systemd/system/off.service", &*one),
        // Without `[Install]` it is others that start it, and one is started by a unit.
        ("batch1/etc/systemd/system/static.timer", static_timer),
        ("batch1/etc/systemd/system/static.service", &*one),
        ("batch1/etc/systemd/system/wanted.timer", NIGHTLY),
        ("batch1/etc/systemd/system/wanted.service", &*one),
        ("batch1/etc/systemd/system/all.target", "[Unit]\nWants=wanted.timer\n"),
        ("batch1/opt/a.sh", "#!/bin/sh\ntrue\n"),
        // Of a host without links nothing is known.
        ("batch2/etc/systemd/system/off.timer", NIGHTLY),
        ("batch2/etc/systemd/system/off.service", &*one),
        ("batch2/opt/a.sh", "#!/bin/sh\ntrue\n"),
    ];
    let links = [("batch1/etc/systemd/system/timers.target.wants/on.timer", "/etc/systemd/system/on.timer")];
    let (told, gaps) = told(&files, &links);
    let names: Vec<&str> = told.iter().filter_map(|job| job.split(' ').next()).collect();
    assert_eq!(names, ["job:batch1/on", "job:batch1/static", "job:batch1/wanted", "job:batch2/off"]);
    assert_eq!(
        gaps,
        [
            "unresolved batch1/etc/systemd/system/off.timer: nothing enables off.timer, and other timers of this host are: \
          it was taken to be off"
        ]
    );
}
