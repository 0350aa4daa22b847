//! `misread-schedule`: what the scheduler makes of it is not what people read.

use super::*;

fn with(table: &str, more: &[(&str, &str)]) -> Vec<String> {
    let mut files = vec![(INVENTORY, ESTATE), (CRONTAB, table)];
    files.extend(more);
    titles(&files).into_iter().filter(|line| line.contains("misread-schedule")).collect()
}

#[test]
fn two_day_fields_that_are_ored_are_found() {
    let script = "#!/bin/sh\npsql -h db1 -d shop -c 'DELETE FROM public.orders WHERE id < 9'\n";
    let title = "job:batch1/purge (0 2 1-7 * 1) runs at 02:00, on day 1-7 of the month and Monday";
    assert_eq!(
        with("0 2 1-7 * 1 /opt/jobs/purge.sh\n", &[("batch1/opt/jobs/purge.sh", script)]),
        [format!("medium high misread-schedule: {title}")]
    );
}

#[test]
fn a_star_with_a_step_and_an_ignored_tail_are_found() {
    let one = "job:batch1/one (0 2 */2 * 1) runs at 02:00, on day */2 of the month if it is Monday";
    let two = "job:batch1/two (0~30 3 * * *) runs at 03:00 every day";
    assert_eq!(
        with("0 2 */2 * 1 /opt/jobs/one.sh\n0~30 3 * * * /opt/jobs/two.sh\n", &[]),
        [one, two].map(|title| format!("low high misread-schedule: {title}"))
    );
}

#[test]
fn a_schedule_that_says_what_it_does_is_not() {
    let plain = "0 2 1-7 * * /opt/jobs/one.sh\n0 3 * * 1 /opt/jobs/two.sh\n*/5 * * * * /opt/jobs/three.sh\n\
                 0 4 1-7 * * [ $(date +\\%u) = 1 ] && /opt/jobs/four.sh\n@daily /opt/jobs/five.sh\n";
    assert_eq!(with(plain, &[]), NOTHING);
}

#[test]
fn what_the_hosts_own_cron_means_by_it_is_not() {
    // Cronie draws a minute there, and its manual says so.
    let manual = |release: &'static str| {
        let inventory = format!("{ESTATE}[[consumer]]\nkind = \"service\"\nname = \"os\"\n");
        let files = [
            (INVENTORY, inventory.as_str()),
            (CRONTAB, "0~30 3 * * * /opt/jobs/two.sh\n"),
            ("batch1/etc/os-release", release),
        ];
        titles(&files).into_iter().filter(|line| line.contains("misread-schedule")).count()
    };
    assert_eq!((manual("ID=fedora\n"), manual("ID=debian\n")), (0, 1));
}
