//! A file without a folder is nobody else's: no hand-over is told of two scripts that name one alike.

use super::*;

fn with(export: &str, ship: &str) -> Vec<String> {
    let export = format!("#!/bin/sh\n{export}\n");
    let ship = format!("#!/bin/sh\n{ship}\n");
    let all = [
        (INVENTORY, ESTATE),
        ("batch1/etc/cron.daily/export", export.as_str()),
        ("batch1/etc/cron.daily/ship", ship.as_str()),
    ];
    findings(&all).into_iter().filter(|line| line.starts_with("alphabetical-order")).collect()
}

#[test]
fn the_same_name_in_no_folder_is_another_file() {
    assert_eq!(with("date > orders.csv", "scp orders.csv partner.example:/in/"), NOTHING);
    assert_eq!(
        with("cd $X && date > orders.csv", "cd /srv/out; scp orders.csv partner.example:/in/"),
        NOTHING
    );
}

#[test]
fn a_folder_that_the_script_goes_to_makes_it_the_same() {
    let found =
        "alphabetical-order: job:batch1/export before job:batch1/ship, file:batch1:/srv/out/orders.csv";
    assert_eq!(
        with("cd /srv/out\ndate > orders.csv", "scp /srv/out/orders.csv partner.example:/in/"),
        [found]
    );
}
