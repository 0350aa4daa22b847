//! Anacron's table (anacrontab(5)), and what it changes for the scripts of run-parts.

use super::*;

const ZONE: (&str, &str) = ("batch1/etc/timezone", "UTC\n");
const SCRIPT: (&str, &str) = ("batch1/etc/cron.daily/clean", "#!/bin/sh\ntouch /srv/cleaned\n");
const TABLE: &str = "\
SHELL=/bin/sh
START_HOURS_RANGE=3-22
RANDOM_DELAY=45

#period delay identifier command
1 5 cron.daily nice run-parts /etc/cron.daily
# after the daily ones
@monthly 45 report.monthly /usr/bin/report --all
#7 25 off /usr/bin/off
7 x broken /usr/bin/x
1 5 short
";

fn told(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let report = World { files, links: &[] }.report();
    (jobs(&report), gaps(&report))
}

#[test]
fn lines_are_jobs_and_folders_are_started_by_their_line() {
    let (jobs, gaps) = told(&[ZONE, SCRIPT, ("batch1/etc/anacrontab", TABLE)]);
    assert_eq!(
        jobs,
        [
            "job:batch1/clean as root: 1 5 (UTC): /etc/cron.daily/clean @ batch1/etc/cron.daily/clean:1",
            "job:batch1/report.monthly as root: @monthly 45 (UTC) [START_HOURS_RANGE=3-22] [RANDOM_DELAY=45]: \
             /usr/bin/report --all @ batch1/etc/anacrontab:8",
        ]
    );
    assert_eq!(
        gaps,
        [
            "bad-schedule batch1/etc/anacrontab:10: anacron rejects this line: x is no delay in minutes",
            "bad-schedule batch1/etc/anacrontab:11: anacron rejects this line: it has no command",
        ]
    );
}

#[test]
fn a_folder_that_cron_starts_by_itself_is_not_left_to_anacron() {
    let line = |command: &str| format!("25 6 * * * root {command}\n");
    let own = line("run-parts /etc/cron.daily");
    let left = line("test -x /usr/sbin/anacron || run-parts /etc/cron.daily");
    for (crontab, schedule) in [(&own, "25 6 * * *"), (&left, "1 5")] {
        let files = [
            ZONE,
            SCRIPT,
            ("batch1/etc/anacrontab", "1 5 cron.daily run-parts /etc/cron.daily\n"),
            ("batch1/etc/crontab", crontab),
        ];
        let job = format!(
            "job:batch1/clean as root: {schedule} (UTC): /etc/cron.daily/clean @ batch1/etc/cron.daily/clean:1"
        );
        assert_eq!(told(&files).0, [job]);
    }
}
