//! What a host's cron does with a file that is not quite a crontab: Debian's ignores all of it, cronie the line.

use super::*;

const GOOD: &str = "5 4 * * * root /opt/good.sh\n";

fn read(path: &str, text: &str, release: &str) -> (Vec<String>, Vec<String>) {
    let files = [(path, text), ("batch1/etc/timezone", "Etc/UTC\n"), ("batch1/etc/os-release", release)];
    let report = report(&files);
    (jobs(&report), refused(&report))
}

fn good(place: &str, dialect: &str) -> String {
    format!("{place} job:batch1/good: 5 4 * * * ({dialect}, Etc/UTC) /opt/good.sh")
}

#[test]
fn a_wrong_line_costs_the_whole_file_on_debian_and_itself_on_fedora() {
    for (line, why) in [
        ("5/15 * * * * root /opt/bad.sh\n", "minute: a step needs a range or *"),
        ("6 4 * * * root\n", "it has no user, or no command"),
    ] {
        let text = format!("{GOOD}{line}@daily root /opt/other.sh\n");
        for path in ["batch1/etc/crontab", "batch1/etc/cron.d/shop"] {
            let (told, refused) = read(path, &text, "ID=debian\n");
            assert_eq!(told, NOTHING, "{line}");
            assert_eq!(
                refused,
                [format!(
                    "{path}:2: Debian's cron ignores the whole file because of this line: {why}; 2 jobs of it do \
                     not run"
                )]
            );
        }
    }
    let text = format!("{GOOD}6 4 * * * root\n");
    let (told, refused) = read("batch1/etc/cron.d/shop", &text, "ID=fedora\n");
    assert_eq!(told, [good("batch1/etc/cron.d/shop:1", "cronie")]);
    assert_eq!(refused, ["batch1/etc/cron.d/shop:2: cron rejects this line: it has no user, or no command"]);
}

#[test]
fn a_byte_order_mark_and_a_missing_newline_cost_it_too() {
    let path = "batch1/var/spool/cron/crontabs/app";
    let ignored = "Debian's cron ignores the whole file because of this line";
    let user = "5 4 * * * /opt/good.sh\n";
    for (text, want) in [
        (
            format!("\u{feff}{user}"),
            "1: {}: a byte order mark (BOM) stands in front of it; it has no other job",
        ),
        (
            format!("{user}6 4 * * * /opt/last.sh"),
            "2: {}: the newline at the end of the file is missing; 2 jobs of it do not run",
        ),
    ] {
        let (told, refused) = read(path, &text, "ID=debian\n");
        assert_eq!(told, NOTHING, "{text:?}");
        assert_eq!(refused, [format!("{path}:{}", want.replace("{}", ignored))]);
    }
    // A comment may lack it, and so may what no cron reads from there.
    let text = format!("{user}# the end");
    assert_eq!(read(path, &text, "ID=debian\n"), (vec![good(&format!("{path}:1"), "vixie")], vec![]));
    let tree = "batch1/srv/src/files/crontab";
    let (told, refused) = read(tree, user.trim_end(), "ID=debian\n");
    assert_eq!((told, refused), (vec![good(&format!("{tree}:1"), "vixie")], vec![]));
}

#[test]
fn a_sign_in_front_leaves_out_cronies_log_and_nothing_else() {
    let line = "-*/15 * * * * root /opt/quick.sh\n-@daily root /opt/slow.sh\n";
    let place = "batch1/etc/crontab";
    let (told, refused) = read(place, line, "ID=opensuse-leap\n");
    assert_eq!(
        told,
        [
            format!("{place}:1 job:batch1/quick: */15 * * * * (cronie, Etc/UTC) /opt/quick.sh"),
            format!("{place}:2 job:batch1/slow: @daily (cronie, Etc/UTC) /opt/slow.sh"),
        ]
    );
    assert_eq!(refused, NOTHING);
    let own = "-5 4 * * * /opt/good.sh\n";
    let of = |user: &str| read(&format!("batch1/var/spool/cron/{user}"), own, "ID=fedora\n");
    assert_eq!(of("root").0, [good("batch1/var/spool/cron/root:1", "cronie")]);
    assert_eq!(of("app").0, NOTHING);
    assert_eq!(
        of("app").1,
        ["batch1/var/spool/cron/app:1: cron rejects this line: only root may leave out the log"]
    );
    assert_eq!(read(place, line, "ID=debian\n").0, NOTHING);
}

#[test]
fn a_carriage_return_is_a_part_of_the_command() {
    let script = "#!/bin/sh\npsql -h db1 -d shop -c 'DELETE FROM public.sessions'\n";
    let world = |ends: &str, words: &str| {
        let text = format!("# nightly{ends}5 4 * * * root {words}{ends}");
        let report = report(&[
            ("batch1/etc/cron.d/shop", &text),
            ("batch1/opt/good.sh", script),
            ("batch1/etc/timezone", "Etc/UTC\n"),
        ]);
        (jobs(&report), refused(&report), uses(&report))
    };
    let (told, refused, touched) = world("\n", "/opt/good.sh");
    assert_eq!(told, [good("batch1/etc/cron.d/shop:2", "vixie")]);
    let by = |who: &str| vec![format!("{who} writes table:db1/shop/public.sessions at batch1/opt/good.sh:2")];
    assert_eq!((refused, touched), (vec![], by("job:batch1/good")));
    let (told, refused, touched) = world("\r\n", "/opt/good.sh");
    assert_eq!(told, [good("batch1/etc/cron.d/shop:2", "vixie")]);
    assert_eq!(
        refused,
        ["batch1/etc/cron.d/shop:2: lines end in CR LF: cron leaves the carriage return at the end of each \
          command, so a script named there is not found, and an argument or a file there has another name"]
    );
    // The script stays one that nobody is seen to start.
    assert_eq!(touched, by("script:batch1:/opt/good.sh"));
    assert_eq!(world("\r\n", "sh /opt/good.sh").2, touched);
    // Here it ends an argument, and a redirection.
    for words in ["/opt/good.sh --all", "/opt/good.sh > /dev/null"] {
        assert_eq!(world("\r\n", words).2, by("job:batch1/good"), "{words}");
    }
}

#[cfg(unix)]
#[test]
fn run_parts_skips_what_is_not_executable_beside_what_is() {
    let files = [
        ("batch1/etc/cron.daily/off", "#!/bin/sh\n/opt/off.sh\n"),
        ("batch1/etc/cron.daily/on", "#!/bin/sh\n/opt/on.sh\n"),
        ("batch1/etc/timezone", "Etc/UTC\n"),
    ];
    let job = |name: &str| {
        format!(
            "batch1/etc/cron.daily/{name}:1 job:batch1/{name}: 25 6 * * * (vixie, Etc/UTC) /etc/cron.daily/{name}"
        )
    };
    let one = report_with(&files, &["batch1/etc/cron.daily/on"]);
    assert_eq!(jobs(&one), [job("on")]);
    assert_eq!(
        refused(&one),
        [
            "batch1/etc/cron.daily/off: run-parts skips this file: it is not executable, and others beside it are"
        ]
    );
    // The copy has lost its modes.
    let none = report(&files);
    assert_eq!((jobs(&none), refused(&none)), (vec![job("off"), job("on")], vec![]));
}

#[test]
fn scripts_of_a_table_that_is_ignored_do_not_run() {
    let world = |more: &str| {
        let table = format!("25 6 * * * root cd / && run-parts --report /etc/cron.daily\n{more}");
        let report = report(&[
            ("batch1/etc/crontab", &table),
            ("batch1/etc/cron.daily/on", "#!/bin/sh\n/opt/on.sh\n"),
            ("batch1/etc/timezone", "Etc/UTC\n"),
        ]);
        (jobs(&report).len(), refused(&report))
    };
    assert_eq!(world("6 4 * * * root /opt/x.sh\n"), (2, vec![]));
    assert_eq!(
        world("6 4 * * root\n"),
        (
            0,
            vec![
                "batch1/etc/cron.daily/on: cron does not start this script: it ignores /etc/crontab as a whole"
                    .to_owned(),
                "batch1/etc/crontab:2: Debian's cron ignores the whole file because of this line: day of week: \
                 root is neither a number nor a name; 1 job of it does not run"
                    .to_owned(),
            ]
        )
    );
}
