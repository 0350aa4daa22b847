//! `dead-schedule`: accepted, and never comes.

use super::*;

fn with(table: &str) -> Vec<String> {
    let told = titles(&[(INVENTORY, ESTATE), (CRONTAB, table)]);
    told.into_iter().filter(|line| line.contains("dead-schedule")).collect()
}

#[test]
fn a_day_that_never_comes_and_a_reversed_range_are_found() {
    let (one, two) = ("job:batch1/one (0 2 30 2 *) never runs", "job:batch1/two (0 22-2 * * *) never runs");
    assert_eq!(
        with("0 2 30 2 * /opt/jobs/one.sh\n0 22-2 * * * /opt/jobs/two.sh\n"),
        [one, two].map(|title| format!("medium high dead-schedule: {title}"))
    );
}

#[test]
fn what_comes_seldom_or_by_no_clock_is_not() {
    let table = "0 2 29 2 * /opt/jobs/one.sh\n0 2 */29 2 0 /opt/jobs/two.sh\n@reboot /opt/jobs/three.sh\n\
                 0 22,23,0-2 * * * /opt/jobs/four.sh\n";
    assert_eq!(with(table), NOTHING);
}
