//! Which cron a host has is told by its own files.

use super::*;

const TABLE: &str = "0~30 4 * * * /opt/jobs/settle.sh\n0 5 * * 5-1 /opt/jobs/load.sh\n";

fn read(host_files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let mut files =
        vec![("batch1/var/spool/cron/crontabs/batch", TABLE), ("batch1/etc/timezone", "Etc/UTC\n")];
    files.extend(host_files);
    let report = report(&files);
    (jobs(&report), refused(&report))
}

/// The two lines of the table in a dialect.
fn both(dialect: &str) -> [String; 2] {
    let line = |number: u8, name: &str, schedule: &str| {
        format!(
            "batch1/var/spool/cron/crontabs/batch:{number} job:batch1/{name}: {schedule} ({dialect}, Etc/UTC) \
             /opt/jobs/{name}.sh"
        )
    };
    [line(1, "settle", "0~30 4 * * *"), line(2, "load", "0 5 * * 5-1")]
}

#[test]
fn without_a_word_it_is_debians() {
    assert_eq!(read(&[]).0, both("vixie"));
    assert_eq!(read(&[("batch1/etc/os-release", "ID=raspbian\nID_LIKE=debian\n")]).0, both("vixie"));
    // Another host's word is none about this one.
    let other = [("app1/etc/os-release", "ID=fedora\n"), ("app1/etc/timezone", "Etc/UTC\n")];
    assert_eq!(read(&other).0, both("vixie"));
}

#[test]
fn fedora_and_its_kin_have_cronie() {
    for release in
        ["ID=fedora\n", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "ID=opensuse-leap\n", "ID=arch\n"]
    {
        for path in ["batch1/etc/os-release", "batch1/usr/lib/os-release"] {
            let (told, refused) = read(&[(path, release)]);
            assert_eq!(told, both("cronie"), "{release}");
            assert_eq!(refused, NOTHING);
        }
    }
}

#[test]
fn cronie_reads_names_with_a_dot_and_fields_strictly() {
    let files = [
        ("batch1/etc/os-release", "ID=fedora\n"),
        ("batch1/etc/cron.d/x.cron", "1.5 * * * * root /opt/x.sh\n"),
        ("batch1/etc/cron.d/y.rpmsave", "1.5 * * * * root /opt/x.sh\n"),
    ];
    assert_eq!(
        read(&files).1,
        [
            "batch1/etc/cron.d/x.cron:1: cron rejects this line: minute: \"1.5\": something follows the number",
            "batch1/etc/cron.d/y.rpmsave: cron ignores this file: its name is one of a copy",
        ]
    );
}

#[test]
fn alpine_has_busybox_for_its_users_tables() {
    let alpine =
        [("batch1/etc/os-release", "ID=alpine\n"), ("batch1/etc/cron.d/x", "0~30 4 * * * root /opt/x.sh\n")];
    let (told, refused) = read(&alpine);
    let system = "batch1/etc/cron.d/x:1 job:batch1/x: 0~30 4 * * * (vixie, Etc/UTC) /opt/x.sh".to_owned();
    assert_eq!(told, [&[system][..], &both("busybox")].concat());
    assert_eq!(refused, NOTHING);
}

#[test]
fn a_zone_in_the_table_is_cronies_alone() {
    let table = "CRON_TZ=Asia/Tokyo\nRANDOM_DELAY=20\n0 5 * * * /opt/jobs/night.sh\n";
    let world = |release: &str| {
        jobs(&report(&[
            ("b/var/spool/cron/root", table),
            ("b/etc/timezone", "Etc/UTC\n"),
            ("b/etc/os-release", release),
        ]))
    };
    assert_eq!(
        world("ID=fedora\n"),
        ["b/var/spool/cron/root:3 job:b/night: CRON_TZ=Asia/Tokyo 0 5 * * * (cronie, Asia/Tokyo) \
          [RANDOM_DELAY=20] /opt/jobs/night.sh"]
    );
    assert_eq!(
        world("ID=debian\n"),
        ["b/var/spool/cron/root:3 job:b/night: 0 5 * * * (vixie, Etc/UTC?) /opt/jobs/night.sh"]
    );
}
