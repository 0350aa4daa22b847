//! Variables, functions, wrappers, branches, pipes and templates.

use super::check;

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
            (
                "runuser -u bob -- psql -h db1 -d shop -c 'SELECT a FROM t'",
                &["read table:db1/shop/t as user:bob"],
            ),
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
            (
                "ssh host2 'psql -h db1 -d shop -c \"SELECT a FROM t\"'",
                &["connect host:host2/", "read table:db1/shop/t"],
            ),
            (
                "ssh host2 'cp /srv/a /srv/b'",
                &["connect host:host2/", "read file:host2//srv/a", "write file:host2//srv/b"],
            ),
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
fn operators_and_substitutions_give_parts_of_known_values() {
    check(
        &[
            (
                "F=/srv/in/a.csv.gz; touch /srv/out/${F##*/} ${F%.gz} ${F%%.*}.x",
                &["write file:h//srv/in/a.csv", "write file:h//srv/in/a.x", "write file:h//srv/out/a.csv.gz"],
            ),
            (
                "F=/srv/in/a.csv; touch /srv/out/$(basename $F .csv).gz $(dirname $F)/b",
                &["write file:h//srv/in/b", "write file:h//srv/out/a.gz"],
            ),
            ("touch /srv/${A-${B-x}}/${A:-$(basename /q/y)}", &["write file:h//srv/x/y"]),
            ("D=/srv; D+=/in; touch $D/{a,b}", &["write file:h//srv/in/a", "write file:h//srv/in/b"]),
            ("D=$(cd /srv/a/../b && pwd); touch $D/c", &["write file:h//srv/b/c"]),
            (
                "N=Ab; touch /srv/${N,,}${N^^}${N:0:1} /srv/${N/b/c}",
                &["write file:h//srv/Ac", "write file:h//srv/abABA"],
            ),
            ("touch /srv/$(ls | head -1) /srv/$$ /srv/$((1+1))", &["write file:h//srv/{}"]),
        ],
        &[],
    );
}

#[test]
fn what_a_loop_sets_is_unknown_when_it_begins_again_and_after_it() {
    check(
        &[
            (
                "i=0; while x; do touch /srv/$i; i=1; done; touch /srv/after$i",
                &["write file:h//srv/after{}", "write file:h//srv/{}"],
            ),
            (
                "for f in /srv/in/*.csv; do mv $f /srv/done/; done",
                &["read file:h//srv/in/{}.csv", "write file:h//srv/done/{}.csv"],
            ),
            (
                "while getopts 'd:' o; do case $o in d) D=$OPTARG;; esac; done; touch /srv/$D",
                &["write file:h//srv/{}"],
            ),
            ("D=/srv/a; case $1 in x) D=/srv/b;; *) D=/srv/b;; esac; touch $D", &["write file:h//srv/b"]),
            (
                "f() { local D=/srv/in; touch $D; }; D=/srv/out; f; touch $D",
                &["write file:h//srv/in", "write file:h//srv/out"],
            ),
        ],
        &[],
    );
}

#[test]
fn wrappers_are_peeled_and_say_whose_account_it_is() {
    check(
        &[
            ("sudo -u postgres psql -d shop -c 'SELECT a FROM t'", &["read table:shop/t as user:postgres"]),
            ("chpst -u web:web -e /etc/env touch /srv/a", &["write file:h//srv/a"]),
            ("setlock -n /run/l timeout -k 5 60 ionice -c3 env A=b touch /srv/a", &["write file:h//srv/a"]),
            ("systemd-run --uid=web -p Nice=5 touch /srv/a", &["write file:h//srv/a"]),
            ("lock-wrapper name 'cd /srv && touch a'", &["write file:h//srv/a"]),
            ("find /srv -name '*.x' -exec cp {} /srv/out/b ;", &["write file:h//srv/out/b"]),
            ("ls | xargs -I X -P 4 touch /srv/X", &["write file:h//srv/X"]),
            ("bash -lc 'touch /srv/a'", &["write file:h//srv/a"]),
            ("su - web -c \"touch /srv/a\"", &["write file:h//srv/a"]),
            ("sudo -u web bash <<'EOF'\ntouch /srv/a\nEOF", &["write file:h//srv/a"]),
            ("echo 'touch /srv/a' | sh", &["write file:h//srv/a"]),
            (
                "cd /srv; ssh host2 'touch a'; touch b",
                &["connect host:host2/", "write file:h//srv/b", "write file:host2/a"],
            ),
            (
                "ssh host2 bash -s < /opt/far.sh",
                &["connect host:host2/", "read file:h//opt/far.sh", "write file:host2//srv/far"],
            ),
            ("/etc/init.d/ssh restart", &["runs /etc/init.d/ssh"]),
            // Files below another root, in a container or on a host that nobody tells are not this host's.
            (
                "chroot /srv/root cp /a /b; docker exec c1 sh -c 'cat /c > /d'; ssh $H touch /e",
                &[
                    "gap unresolved: a file in /srv/root and not of this host: /a",
                    "gap unresolved: a file in /srv/root and not of this host: /b",
                    "gap unresolved: a file in c1 and not of this host: /c",
                    "gap unresolved: a file in c1 and not of this host: /d",
                    "gap unresolved: a file of a host that is not told: /e",
                    "gap unresolved: a host that is only known when it runs",
                ],
            ),
            (
                "docker exec c1 cat x > /f; kubectl cp ns/pod:/g /h; docker cp /i c1:/j; cp c1:/k /l",
                &[
                    "gap unresolved: a file in c1 and not of this host: x",
                    "gap unresolved: copies /g out of ns/pod, whose files are not of this host",
                    "gap unresolved: copies /i to /j in c1, whose files are not of this host",
                    "read file:h//i",
                    "read file:h/c1:/k",
                    "write file:h//f",
                    "write file:h//h",
                    "write file:h//l",
                ],
            ),
            (
                "pssh -H 'a u@b' 'psql -h db1 -d shop -c \"select 1 from t\"; touch /x'; pdsh -w c[1-3] uptime; pdsh -w d touch /y",
                &[
                    "connect host:a/",
                    "connect host:b/",
                    "connect host:d/",
                    "gap unresolved: a file in a and b and not of this host: /x",
                    "gap unresolved: a host that is only known when it runs",
                    "read table:db1/shop/t",
                    "write file:d//y",
                ],
            ),
            (
                "which psql; apt-get install mysql; frob psql; echo 'touch /later' | at noon; tmux new -d 'touch /t'",
                &[
                    "gap unresolved: a command that nobody here knows is given psql to run",
                    "write file:h//later",
                    "write file:h//t",
                ],
            ),
        ],
        &[("/opt/far.sh", "touch /srv/far\n")],
    );
}

#[test]
fn files_of_redirections_are_stated_where_they_stand() {
    check(
        &[
            ("{ echo a; echo b; } > /srv/a 2> /srv/errors", &["write file:h//srv/a"]),
            (
                "while read x; do :; done < /srv/in > /srv/out",
                &["read file:h//srv/in", "write file:h//srv/out"],
            ),
            ("f() { echo; }\nf >> /srv/a", &["write file:h//srv/a"]),
            ("exec > /srv/log; date > /dev/null; echo >&2", &["write file:h//srv/log"]),
            (
                "ssh host2 'cat /srv/a' > /srv/b",
                &["connect host:host2/", "read file:host2//srv/a", "write file:h//srv/b"],
            ),
            ("exec 3</dev/tcp/db1/5432", &["connect host:db1:5432/"]),
            (
                "cat /srv/a.gz | gunzip | tee /srv/b | gzip > /srv/c.gz",
                &["read file:h//srv/a.gz", "write file:h//srv/b", "write file:h//srv/c.gz"],
            ),
        ],
        &[],
    );
}

#[test]
fn what_a_template_fills_in_is_unknown_and_what_it_decides_is_open() {
    check(
        &[
            (
                "cp /srv/{{ name }}/a /srv/<%= @b %>.csv",
                &["read file:h//srv/{}/a", "write file:h//srv/{}.csv"],
            ),
            (
                "{% if prod %}\nD=/srv/a\n{% else %}\nD=/srv/b\n{% endif %}\ntouch $D/x /srv/y",
                &["write file:h//srv/y"],
            ),
            ("{% if prod %}\nD=/srv/a\n{% endif %}\ntouch $D/x", &["write file:h//srv/a/x"]),
            (
                "psql -h {{ host }} -d shop -c 'SELECT a FROM {{ table }}'",
                &["gap unresolved: a statement whose table is only known when it runs"],
            ),
            ("docker inspect -f '{{.State}}' x; touch /srv/a", &["write file:h//srv/a"]),
        ],
        &[],
    );
}

#[test]
fn comments_that_state_an_order_are_quoted() {
    check(
        &[
            (
                "# must run after the nightly import, by 6am\ntouch /srv/a # set it before use",
                &["remark must run after the nightly import, by 6am", "write file:h//srv/a"],
            ),
            ("# check before anything else\ntouch /srv/a", &["write file:h//srv/a"]),
        ],
        &[],
    );
}

#[test]
fn a_line_that_ends_ends_its_command() {
    // The grammar takes the words of the line after such a pipeline as words of its last command.
    let script = "f() {\n  echo a | ts | tee -a \"${LOG:-/srv/l}\"\n\n  sudo psql -d shop -c 'DELETE FROM t' && \\\n  touch /srv/b\n}\nf";
    check(&[(script, &["write file:h//srv/b", "write file:h//srv/l", "write table:shop/t"])], &[]);
}

#[test]
fn programs_of_other_languages_on_the_command_line_are_named_where_they_reach_out() {
    check(
        &[
            (
                "python3 -c 'import psycopg2; psycopg2.connect(\"dbname=shop\")'",
                &[
                    "gap unresolved: a program for python3 on the command line reaches PostgreSQL; it is not read",
                ],
            ),
            (
                "perl -MDBI -e 'my $d = DBI->connect(\"dbi:Pg:dbname=shop\")'",
                &[
                    "gap unresolved: a program for perl on the command line reaches a database; it is not read",
                ],
            ),
            (
                "python3 - <<'X'\nimport urllib.request\nX",
                &[
                    "gap unresolved: a program for python3 on the command line reaches an address; it is not read",
                ],
            ),
            ("perl -e 'print time' > /srv/t; python3 -c 'import sys'", &["write file:h//srv/t"]),
        ],
        &[],
    );
}

#[test]
fn what_never_runs_does_nothing() {
    check(
        &[
            ("false && psql -d a -c 'DELETE FROM dead'\ntee /srv/x", &["write file:h//srv/x"]),
            ("false && tee /srv/a && tee /srv/b || tee /srv/c", &["write file:h//srv/c"]),
            ("true || tee /srv/a", &[]),
            ("if false; then tee /srv/a; else tee /srv/b; fi", &["write file:h//srv/b"]),
            ("tee /srv/a\nexit 0\ntee /srv/b", &["write file:h//srv/a"]),
            // What may run is told.
            ("true && tee /srv/a", &["write file:h//srv/a"]),
            ("probe || exit 1\ntee /srv/a", &["write file:h//srv/a"]),
            ("f() { exit 1\ntee /srv/b; }\ntee /srv/a", &["write file:h//srv/a"]),
            ("if x; then exit; fi\ntee /srv/a", &["write file:h//srv/a"]),
            ("falsework && tee /srv/a", &["write file:h//srv/a"]),
        ],
        &[],
    );
}

#[test]
fn a_sourced_file_that_is_no_script_by_itself_does_its_work_where_it_is_sourced() {
    check(
        &[
            (
                ". /opt/common\ntee $OUT",
                &["includes /opt/common", "write file:h//srv/common", "write file:h//srv/out"],
            ),
            (". /opt/own\ntee $OUT", &["includes /opt/own", "write file:h//srv/out"]),
            (". /opt/gone", &["includes /opt/gone"]),
        ],
        &[
            ("/opt/common", "OUT=/srv/out\ntee /srv/common\n"),
            ("/opt/own", "#!/bin/sh\nOUT=/srv/out\ntee /srv/common\n"),
        ],
    );
}
