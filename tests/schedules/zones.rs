//! What findings say of the zone of a schedule: a zone that is only assumed is not told as one that is known.

use super::*;

/// The schedules that the findings tell of, each once.
fn told(zone: &[(&str, &str)]) -> Vec<String> {
    let jobs = "\
0 2 * * * root psql -h db1 -d shop -c 'INSERT INTO orders_day VALUES (1)'
30 2 * * * root psql -h db1 -d shop -c 'SELECT id FROM orders_day'
";
    let files: Vec<(&str, &str)> =
        [("batch1/etc/cron.d/jobs", jobs)].into_iter().chain(zone.iter().copied()).collect();
    let report = World { files: &files, links: &[] }.report();
    let findings = report["findings"].as_array().expect("findings are a list").iter();
    let facts = findings.filter_map(|finding| finding["facts"].as_object());
    let mut said: Vec<String> = facts
        .flat_map(|facts| facts.iter().filter(|(name, _)| name.ends_with("schedule")))
        .filter_map(|(name, value)| Some(format!("{name}: {}", value.as_str()?)))
        .collect();
    said.sort();
    said.dedup();
    said
}

#[test]
fn a_zone_that_is_assumed_is_told_to_be_unknown() {
    assert_eq!(
        told(&[]),
        ["downstream_schedule: 30 2 * * * (zone unknown)", "upstream_schedule: 0 2 * * * (zone unknown)"]
    );
    assert_eq!(
        told(&[("batch1/etc/timezone", "UTC\n")]),
        ["downstream_schedule: 30 2 * * * (UTC)", "upstream_schedule: 0 2 * * * (UTC)"]
    );
}
