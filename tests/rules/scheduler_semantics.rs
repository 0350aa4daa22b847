//! `scheduler-semantics`: schedules that another scheduler reads otherwise, and those that mean the same to both.

use super::*;

const TARGET: &str = "[migration]\nscheduler = \"kubernetes\"\n";

fn with(schedule: &str, entries: &str) -> Vec<String> {
    let (inventory, crontab) = (estate(entries), format!("{schedule} /opt/job.sh\n"));
    let files = [(INVENTORY, &*inventory), (CRONTAB, &*crontab), ("batch1/etc/timezone", "Europe/Berlin\n")];
    titles(&files).into_iter().filter(|title| title.contains(" scheduler-semantics: ")).collect()
}

#[test]
fn only_the_days_that_differ_are_told() {
    // Debian's cron moves the start out of the hour that does not exist and starts it once in the one that comes twice.
    assert_eq!(
        with("30 2 * * *", TARGET),
        [
            "medium high scheduler-semantics: job:batch1/job (30 2 * * *) does not start on 2027-03-28, 2028-03-26; starts 2 \
          times instead of 1 on 2027-10-31, 2028-10-29, under kubernetes"
        ]
    );
    // A step after * keeps the star for Debian's cron, and not for Kubernetes: odd days that are Mondays, or both.
    let told = with("0 4 */2 * 1", TARGET);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("starts on 2026-11-25, 2026-11-27, 2026-11-29, 2026-11-30,"), "{told:?}");
    // A reversed range is nothing to Debian's cron and an error to Kubernetes.
    let told = with("0 22-2 * * *", TARGET);
    assert!(told.len() == 1 && told[0].contains("is rejected: "), "{told:?}");
}

#[test]
fn what_means_the_same_to_both_and_what_nobody_asked_about_is_not() {
    assert_eq!(with("0 12 * * *", TARGET), NOTHING);
    assert_eq!(with("*/20 * * * *", TARGET), NOTHING);
    assert_eq!(with("30 2 * * *", ""), NOTHING);
    assert_eq!(with("30 2 * * *", "[migration]\nscheduler = \"vixie\"\n"), NOTHING);
}
