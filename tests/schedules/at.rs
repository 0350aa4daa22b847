//! Jobs that wait in the spool of at(1).

use super::*;

#[test]
fn a_waiting_job_runs_once_at_the_moment_in_its_name() {
    let script = "\
#!/bin/sh
# atrun uid=1000 gid=1000
# mail alice 0
umask 22
PGPASSWORD=hunter0secret; export PGPASSWORD
cd /home/alice || {
\t echo 'Execution directory inaccessible' >&2
\t exit 1
}
psql -h db1 -d shop -c 'SELECT id FROM public.orders'
";
    let files = [
        ("batch1/etc/timezone", "UTC\n"),
        ("batch1/var/spool/cron/atjobs/a0000101c8ae78", script),
        ("batch1/var/spool/cron/atjobs/notes", "#!/bin/sh\necho nothing\n"),
    ];
    let report = World { files: &files, links: &[] }.report();
    let at = "batch1/var/spool/cron/atjobs";
    let command = "psql -h db1 -d shop -c 'SELECT id FROM public.orders'";
    assert_eq!(
        jobs(&report),
        [format!("job:batch1/at-1 as alice: 2026-11-27T02:00:00Z (UTC): {command} @ {at}/a0000101c8ae78:10")]
    );
    assert_eq!(
        gaps(&report),
        [format!("bad-schedule {at}/notes: its name tells no moment, as names in the spool of at do")]
    );
    assert_eq!(
        links(&report),
        ["job:batch1/at-1 read table:db1/shop/public.orders", "job:batch1/at-1 connect database:db1/shop"]
    );
}
