//! Jobs of AutoSys in JIL.

use super::*;

const NIGHT: &str = "\
/* ------------- night ------------- */

insert_job: night   job_type: BOX
owner: batch@h1
date_conditions: 1
days_of_week: mo,tu,we,th,fr
start_times: \"02:00\"
timezone: Europe/Berlin

 insert_job: fetch   job_type: FW
 box_name: night
 machine: h1
 owner: batch@h1
 watch_file: \"/in/orders.csv\"

 insert_job: load   job_type: c
 box_name: night
 machine: h2
 owner: etl@h2
 condition: s(fetch) & n(report)
 command: psql -h db1 -d shop -f /srv/load.sql password=hunter0secret
 std_out_file: /log/load.out
 n_retrys: 2

insert_job: report   job_type: CMD machine: h2 owner: etl@h2 condition: success(load, 12.00) and (s(pay) or s(audit))
command: psql -h db1 -d shop -c 'SELECT * FROM public.orders'
max_run_alarm: 60

# insert_job: commented job_type: CMD
insert_job: pay   job_type: CMD
machine: h1
owner: etl@h1
date_conditions: y
run_calendar: paydays
start_times: \"06\\:30\"
command: /opt/pay.sh

insert_job: month_end job_type: CMD
machine: h1
date_conditions: 1
run_calendar: elsewhere
start_times: \"07:00\"
command: /opt/close.sh

insert_job: by_hand job_type: CMD
machine: h1
command: /opt/hand.sh

insert_job: iced job_type: CMD
machine: h1
status: ON_ICE
date_conditions: 1
days_of_week: all
start_mins: 0
command: /opt/iced.sh

insert_job: wrong job_type: CMD
machine: h1
date_conditions: 1
days_of_week: someday
start_times: \"07:00\"
command: /opt/wrong.sh

insert_job: gone job_type: CMD
machine: h1
condition: s(load)
command: /opt/gone.sh

delete_job: gone
override_job: load
condition: delete
";

#[test]
fn boxes_conditions_and_calendars_of_several_files() {
    let files = [
        ("jil/night.jil", NIGHT),
        ("jil/calendars.jil", "calendar: paydays\ndescription: \n01/30/2026 00:00\n02/27/2026 00:00\n"),
        (
            "jil/audit.jil",
            "insert_job: audit job_type: c\nmachine: h3\ncondition: s(pay)\ncommand: /opt/audit.sh\n",
        ),
        ("jil/notes.txt", "How to write\ninsert_job: example job_type: c\ncondition: s(pay)\ncommand: no\n"),
    ];
    let report = World { files: &files, links: &[] }.report();
    let at = "@ jil/night.jil";
    let clock = "days_of_week: mo,tu,we,th,fr start_times: 02:00";
    let load = "psql -h db1 -d shop -f /srv/load.sql password=‹scrubbed›";
    let report_of = "psql -h db1 -d shop -c 'SELECT * FROM public.orders'";
    let mut expected = [
        "job:h3/audit as -: condition: s(pay) (UTC): /opt/audit.sh @ jil/audit.jil:1".to_owned(),
        format!("job:night as batch: {clock} (Europe/Berlin): box {at}:3"),
        format!(
            "job:h1/fetch as batch: {clock} (Europe/Berlin) [[ -e \"/in/orders.csv\" ]]: watch_file: /in/orders.csv {at}:10"
        ),
        format!(
            "job:h2/load as etl: box_name: night condition: s(fetch) & n(report) (UTC) [n_retrys: 2]: {load} {at}:16"
        ),
        format!(
            "job:h2/report as etl: condition: success(load, 12.00) and (s(pay) or s(audit)) (UTC) [max_run_alarm: 60]: \
             {report_of} {at}:25"
        ),
        format!(
            "job:h1/pay as etl: run_calendar: paydays(2026-01-30,2026-02-27) start_times: 06\\:30 (?): /opt/pay.sh {at}:30"
        ),
        format!(
            "job:h1/month_end as -: run_calendar: elsewhere start_times: 07:00 (?): /opt/close.sh {at}:38"
        ),
    ];
    expected.sort();
    let mut told = jobs(&report);
    told.sort();
    assert_eq!(told, expected);
    assert_eq!(
        waits(&report),
        [
            "job:h1/fetch is started by job:night",
            "job:h2/load waits for job:h1/fetch",
            "job:h2/load is started by job:night",
            "job:h2/report waits for job:h2/load",
            "job:h3/audit waits for job:h1/pay",
        ]
    );
    let gaps: Vec<String> =
        gaps(&report).into_iter().filter(|gap| !gap.starts_with("missing-script")).collect();
    assert_eq!(
        gaps,
        ["bad-schedule jil/night.jil:57: AutoSys refuses wrong: days_of_week: \"someday\" is no day"]
    );
    assert_eq!(
        links(&report),
        [
            "job:h1/fetch read file:h1:/in/orders.csv",
            "job:h2/load write file:h2:/log/load.out",
            "job:h2/load connect database:db1/shop",
            "job:h2/report read table:db1/shop/public.orders",
            "job:h2/report connect database:db1/shop",
        ]
    );
}

#[test]
fn what_a_job_waits_for_and_nobody_has_is_a_gap() {
    let text = "\
insert_job: a job_type: c machine: h1
box_name: missing
condition: s(b^PRD) | s(c)
command: /opt/a.sh
update_job: d
command: /opt/d.sh
";
    let report = World { files: &[("a.jil", text)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        ["job:h1/a as -: box_name: missing condition: s(b^PRD) | s(c) (UTC): /opt/a.sh @ a.jil:1"]
    );
    assert_eq!(waits(&report), [""; 0]);
    let gaps: Vec<String> =
        gaps(&report).into_iter().filter(|gap| !gap.starts_with("missing-script")).collect();
    assert_eq!(
        gaps,
        [
            "unresolved a.jil:1: a waits for b^PRD, c, missing, which the scan was not given",
            "unresolved a.jil:5: d is changed, and the scan was not given what it is",
        ]
    );
}
