//! `alphabetical-order`: hand-overs within one folder of cron, and scripts that hand nothing over that way.

use super::*;

const EXPORT: &str =
    "#!/bin/sh\npsql -h db1 -d shop -c 'SELECT id FROM public.orders' > /srv/out/orders.csv\n";
const SHIP: &str = "#!/bin/sh\nscp /srv/out/orders.csv partner.example:/in/\n";

fn with(files: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![(INVENTORY, ESTATE)];
    all.extend(files);
    findings(&all).into_iter().filter(|line| line.starts_with("alphabetical-order")).collect()
}

#[test]
fn a_script_that_reads_what_an_earlier_name_writes_is_found() {
    let found =
        "alphabetical-order: job:batch1/export before job:batch1/ship, file:batch1:/srv/out/orders.csv";
    assert_eq!(
        with(&[("batch1/etc/cron.daily/export", EXPORT), ("batch1/etc/cron.daily/ship", SHIP)]),
        [found]
    );
}

#[test]
fn other_orders_and_other_folders_are_not() {
    // The reader comes first: it reads what the day before left.
    assert_eq!(
        with(&[("batch1/etc/cron.daily/z-export", EXPORT), ("batch1/etc/cron.daily/ship", SHIP)]),
        NOTHING
    );
    assert_eq!(
        with(&[("batch1/etc/cron.daily/export", EXPORT), ("batch1/etc/cron.weekly/ship", SHIP)]),
        NOTHING
    );
    assert_eq!(
        with(&[("batch1/etc/cron.daily/export", EXPORT), ("app1/etc/cron.daily/ship", SHIP)]),
        NOTHING
    );
    let other = "#!/bin/sh\nscp /srv/out/prices.csv partner.example:/in/\n";
    assert_eq!(
        with(&[("batch1/etc/cron.daily/export", EXPORT), ("batch1/etc/cron.daily/ship", other)]),
        NOTHING
    );
}
