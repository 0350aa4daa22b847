//! Shell text and what it does, written as sentences. Nothing here reads files.

use super::{Context, read};
use crate::evidence::{Actor, Basis, Mention, MentionKind, Says, Scope, Text};
use std::collections::BTreeMap;

/// What a script states, `action resource` or `runs FILE`, with the files it may source or run.
fn said(script: &str, files: &[(&str, &str)]) -> Vec<String> {
    let find = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
    let context = Context {
        host: Some(Text::from("h")),
        account: None,
        actor: Actor::new().with(MentionKind::Script, "h:/opt/x.sh"),
        about: Mention::new(MentionKind::Script, "h:/opt/x.sh"),
        input: Text::from("x.sh"),
        first_line: 1,
        scope: Scope::Production,
        basis: Basis::Written,
        vantage: Text::from("source"),
        env: BTreeMap::new(),
        own_folder: Some("/opt".to_owned()),
        files: &find,
    };
    let told = read(script, &context);
    let mut said: Vec<String> = told
        .evidence
        .uses()
        .iter()
        .map(|it| {
            let who: Vec<String> = it
                .what
                .actor
                .iter()
                .filter(|mention| mention.kind != MentionKind::Script)
                .map(ToString::to_string)
                .collect();
            let who = if who.is_empty() { String::new() } else { format!(" as {}", who.join(" ")) };
            let how: Vec<String> = it
                .what
                .traits
                .iter()
                .map(ToString::to_string)
                .filter(|how| how == "tests-file" || how == "waits-for-lock")
                .collect();
            let how = if how.is_empty() { String::new() } else { format!(" ({})", how.join(", ")) };
            format!("{} {}{who}{how}", it.what.action.word(), it.what.resource)
        })
        .filter(|said| !said.starts_with("connect "))
        .collect();
    for fact in told.evidence.facts() {
        match &fact.says {
            Says::Runs { script: Some(script), .. } => said.push(format!("runs {script}")),
            Says::Includes(file) => said.push(format!("includes {file}")),
            _ => {}
        }
    }
    said.extend(told.guards.iter().map(|guard| format!("after {guard}")));
    said.sort();
    said
}

fn check(cases: &[(&str, &[&str])], files: &[(&str, &str)]) {
    for (script, want) in cases {
        assert_eq!(said(script, files), *want, "{script}");
    }
}

#[test]
fn variables_defaults_and_the_scripts_own_folder_are_resolved() {
    check(
        &[
            ("D=/srv/out; cp $D/a $D/b", &["read file:h//srv/out/a", "write file:h//srv/out/b"]),
            ("cp ${OUT:-/srv/x}/a /srv/b", &["read file:h//srv/x/a", "write file:h//srv/b"]),
            ("touch /srv/$1.done", &["write file:h//srv/{}.done"]),
            ("touch /srv/x_$(date +%F)", &["write file:h//srv/x_{date}"]),
            ("cd \"$(dirname \"$0\")\" && ./load.sh", &["runs /opt/load.sh"]),
            ("mv $A/$B-$C.gz /srv/z", &["write file:h//srv/z"]),
        ],
        &[],
    );
}

#[test]
fn functions_do_their_work_where_they_are_called_and_nothing_where_they_are_defined() {
    check(
        &[
            ("f() { touch /srv/$1; }\nf a\nf b", &["write file:h//srv/a", "write file:h//srv/b"]),
            ("f() { touch /srv/a; }", &[]),
            (
                ". /opt/lib.sh\nq 'SELECT a FROM t'",
                &["includes /opt/lib.sh", "read table:db1/shop/t as user:u application:lib"],
            ),
            (". /opt/lib.sh", &["includes /opt/lib.sh"]),
            ("f() { f; }\nf", &[]),
        ],
        &[(
            "/opt/lib.sh",
            "export PGHOST=db1 PGDATABASE=shop PGUSER=u PGAPPNAME=lib\nq() { psql -c \"$1\"; }\ntouch /srv/own\n",
        )],
    );
}

#[test]
fn a_wrapper_that_runs_its_arguments_is_read_with_them() {
    let wrapper = "#!/bin/sh\njob=$1; shift\nexport PGAPPNAME=$job\nexec 9>/run/lock/$job\nflock -n 9 || exit 1\n\"$@\"\n";
    check(
        &[
            ("/opt/run nightly /opt/a.sh --x", &["runs /opt/a.sh"]),
            (
                "/opt/run nightly psql -h db1 -d shop -c 'DELETE FROM t'",
                &["write table:db1/shop/t as application:nightly"],
            ),
            ("flock -n /run/x /opt/a.sh", &["runs /opt/a.sh"]),
            ("flock /run/x /opt/a.sh", &["runs /opt/a.sh", "touch file:h//run/x (waits-for-lock)"]),
            ("sudo -u postgres timeout 60 nice -n 5 /opt/a.sh", &["runs /opt/a.sh"]),
            ("su - batch -c '/opt/a.sh && /opt/b.sh'", &["runs /opt/a.sh", "runs /opt/b.sh"]),
        ],
        &[("/opt/run", wrapper)],
    );
}

#[test]
fn what_branches_set_differently_is_unknown_and_literal_loops_are_followed() {
    check(
        &[
            (
                "if [ $E = p ]; then H=a; else H=b; fi; touch /srv/$H",
                &["after [ $E = p ]", "write file:h//srv/{}"],
            ),
            ("H=a; if x; then y; fi; touch /srv/$H", &["write file:h//srv/a"]),
            ("case $1 in a) T=/srv/a;; b) T=/srv/b;; esac; touch $T", &[]),
            ("for t in a b; do touch /srv/$t; done", &["write file:h//srv/a", "write file:h//srv/b"]),
            ("for t in $(ls); do touch /srv/$t; done", &["write file:h//srv/{}"]),
            ("( cd /srv; touch a ); touch b", &["write file:h//srv/a", "write file:h/b"]),
        ],
        &[],
    );
}

#[test]
fn files_that_are_waited_for_and_guards_in_front_of_work_are_told() {
    check(
        &[
            (
                "while [ ! -e /srv/m ]; do sleep 5; done\ntouch /srv/n",
                &[
                    "after [ ! -e /srv/m ]",
                    "after sleep 5",
                    "read file:h//srv/m (tests-file)",
                    "write file:h//srv/n",
                ],
            ),
            ("sleep 600; /opt/a.sh", &["after sleep 600", "runs /opt/a.sh"]),
            ("/opt/a.sh; sleep 600", &["runs /opt/a.sh"]),
            (
                "test -f /srv/m && /opt/a.sh",
                &["after test -f /srv/m", "read file:h//srv/m (tests-file)", "runs /opt/a.sh"],
            ),
        ],
        &[],
    );
}

#[test]
fn the_words_after_dash_c_belong_to_the_command_that_takes_them() {
    check(
        &[
            ("flock -n /tmp/l psql -h db1 -d shop -c 'SELECT a FROM t'", &["read table:db1/shop/t"]),
            ("flock -n /tmp/l /opt/jobs/x.sh -c y", &["runs /opt/jobs/x.sh"]),
            ("flock -n /tmp/l -c '/opt/jobs/x.sh -c y'", &["runs /opt/jobs/x.sh"]),
            ("runuser -u bob -- psql -h db1 -d shop -c 'SELECT a FROM t'", &["read table:db1/shop/t as user:bob"]),
            ("bash /opt/jobs/x.sh -c conf.ini", &["runs /opt/jobs/x.sh"]),
            ("sh /opt/jobs/x.sh -exec foo", &["runs /opt/jobs/x.sh"]),
        ],
        &[],
    );
}

#[test]
fn what_is_piped_into_psql_is_its_text() {
    check(
        &[
            ("echo 'SELECT a FROM t' | psql -h db1 -d shop", &["read table:db1/shop/t"]),
            ("cat <<'EOF' | psql -h db1 shop\nDELETE FROM t;\nEOF", &["write table:db1/shop/t"]),
            (
                "while read -r x; do :; done < <(psql -h db1 -d shop -At -c 'SELECT id FROM w')",
                &["read table:db1/shop/w"],
            ),
            ("cat <<'EOF' | tr a-z A-Z\nDELETE FROM t;\nEOF", &[]),
        ],
        &[],
    );
}

#[test]
fn arrays_hold_words_and_commands() {
    check(
        &[
            (
                "T=(a b); for t in \"${T[@]}\"; do psql -h db1 -d shop -c \"TRUNCATE $t\"; done",
                &["write table:db1/shop/a", "write table:db1/shop/b"],
            ),
            ("P=(psql -h db1 -d shop); \"${P[@]}\" -c 'SELECT a FROM t'", &["read table:db1/shop/t"]),
        ],
        &[],
    );
}

#[test]
fn what_runs_on_another_machine_is_not_this_machines() {
    check(
        &[
            ("ssh host2 'psql -h db1 -d shop -c \"SELECT a FROM t\"'", &["read table:db1/shop/t"]),
            ("ssh host2 'cp /srv/a /srv/b'", &["read file:host2//srv/a", "write file:host2//srv/b"]),
            ("docker exec db psql -d shop -c 'SELECT a FROM t'", &["read table:shop/t"]),
            (
                "scp /srv/a user:hunter0secret@partner:/in/",
                &["export file:partner//in/a", "read file:h//srv/a"],
            ),
        ],
        &[],
    );
}

#[test]
fn endless_and_hostile_text_ends() {
    let doubling = (0..40).map(|n| format!("f{n}() {{ f{}; f{}; }}\n", n + 1, n + 1)).collect::<String>();
    assert_eq!(said(&format!("{doubling}f40() {{ touch /srv/a; }}\nf0"), &[]), Vec::<String>::new());
    let nested = format!("{}touch /srv/a{}", "(".repeat(5000), ")".repeat(5000));
    let _ = said(&nested, &[]);
    let _ = said("X=$X$X$X$X$X$X$X$X; eval \"$X\"; . /opt/lib.sh", &[("/opt/lib.sh", ". /opt/lib.sh")]);
}
