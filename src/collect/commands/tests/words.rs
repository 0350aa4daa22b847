//! What a word comes to: names that go on in a way nobody knows, here-documents, substitutions that are glued on,
//! options in one word, arguments that name functions.

use super::{check, said};

const OPEN_TABLE: &str = "gap unresolved: a statement whose table is only known when it runs";

#[test]
fn a_table_whose_name_goes_on_in_an_unknown_way_is_none_that_is_known() {
    check(
        &[
            ("M=$(date +%Y_%m)\npsql -h db1 -d shop -c \"select * from log_$M\"", &[OPEN_TABLE]),
            ("psql -h db1 -d shop -c \"insert into stats_$(hostname -f) select 1\"", &[OPEN_TABLE]),
            ("psql -h db1 -d shop <<EOF\ndelete from lag_$X;\nEOF", &[OPEN_TABLE]),
            ("mysql -h db1 shop -e \"select * from ${P}_log\"", &[OPEN_TABLE]),
            ("mysql -h db1 shop -e \"truncate lag_${Y}_z\"", &[OPEN_TABLE]),
            (
                "psql -h db1 -d shop -c \"select * from log_a where d = '$M' and n_$M > $N\"",
                &["read table:db1/shop/log_a"],
            ),
            (
                "psql -h db1 -d shop -c \"call move_$M(1)\"",
                &["gap unresolved: a statement of which a name is only known when it runs"],
            ),
        ],
        &[],
    );
}

#[test]
fn a_here_document_whose_word_is_not_quoted_loses_its_backslashes() {
    check(
        &[
            (
                "sqlplus -s scott/tiger@orcl <<EOF\nselect a from hr.emp\\$x;\nEOF",
                &["read table:orcl/hr.emp$x as user:scott"],
            ),
            (
                "mysql -h db1 shop <<EOF\ninsert into \\`orders_new\\` select * from \\`orders\\`;\nEOF",
                &["read table:db1/shop/shop.orders", "write table:db1/shop/shop.orders_new"],
            ),
            (
                "mysql -h db1 shop <<'EOF'\ninsert into `orders_new` select * from `orders`;\nEOF",
                &["read table:db1/shop/shop.orders", "write table:db1/shop/shop.orders_new"],
            ),
            (
                "psql -h db1 -d shop <<EOF\nDO \\$\\$ BEGIN DELETE FROM t; END \\$\\$;\nEOF",
                &["write table:db1/shop/t"],
            ),
            (
                "D=/srv\nsh <<EOF\ntouch $D/a \\$D/b `echo /srv`/c\nEOF",
                &["write file:h//srv/a", "write file:h//srv/b", "write file:h//srv/c"],
            ),
            ("D=/srv\nsh <<'EOF'\ntouch /srv/\\$D\nEOF", &["write file:h//srv/$D"]),
            (
                "psql -h db1 -d shop -c \"$(cat <<EOF\nDELETE FROM t WHERE a = '\\$';\nEOF\n)\"",
                &["write table:db1/shop/t"],
            ),
        ],
        &[],
    );
}

#[test]
fn a_substitution_in_backticks_that_is_glued_to_a_word_belongs_to_it() {
    check(
        &[
            ("echo x > /srv/log-`date +%F`.log", &["write file:h//srv/log-{date}.log"]),
            ("tar czf /bk/`uname -r`-etc.tgz /etc", &["read file:h//etc", "write file:h//bk/{}-etc.tgz"]),
            ("F=/bk/x-`date +%F`.sql\ntouch $F", &["write file:h//bk/x-{date}.sql"]),
            (
                "for f in /bk/`uname -r`.x /bk/y; do touch $f; done",
                &["write file:h//bk/y", "write file:h//bk/{}.x"],
            ),
            // The one that ends a substitution begins none.
            ("echo `cat /srv/a` `cat /srv/b`", &["read file:h//srv/a", "read file:h//srv/b"]),
            ("cp `echo /srv/a` `echo /srv/b`", &["read file:h//srv/a", "write file:h//srv/b"]),
            ("A=`date`x touch /srv/c", &["write file:h//srv/c"]),
        ],
        &[],
    );
}

#[test]
fn what_makes_the_list_of_a_loop_is_done() {
    check(
        &[
            (
                "for i in $(psql -h db1 -d shop -Atc 'select id from t1'); do echo $i; done",
                &["read table:db1/shop/t1"],
            ),
            (
                "for i in `cat /data/list`; do touch /srv/$i; done",
                &["read file:h//data/list", "write file:h//srv/{}"],
            ),
            ("for i in $(echo a b); do :; done", &[]),
        ],
        &[],
    );
}

#[test]
fn blanks_between_values_in_quotes_stay() {
    check(
        &[
            ("C=cp; A='/srv/a /srv/b'; sh -c \"$C $A\"", &["read file:h//srv/a", "write file:h//srv/b"]),
            (
                "A=touch; B=/srv/a; sh -c \"$A ${B} $(echo /srv/c)\"",
                &["write file:h//srv/a", "write file:h//srv/c"],
            ),
            ("sh -c \"rsync -a ${A} ${S} /data/\"", &["write file:h//data/"]),
            ("rsync /data/", &[]),
            ("D=/srv; touch \"$D/a b\"", &["write file:h//srv/a b"]),
        ],
        &[],
    );
}

#[test]
fn a_home_folder_is_where_the_host_says_and_names_a_file_that_is_there() {
    let passwd = "bob:x:9:9::/srv/bob:/bin/sh\nann:x:8:8::/srv/ann:/bin/sh\n";
    let files = [("/etc/passwd", passwd), ("/srv/bob/x.sh", "true"), ("/home/eve/x.sh", "true")];
    check(
        &[
            ("sh ~bob/x.sh", &["runs /srv/bob/x.sh"]),
            ("sh ~eve/x.sh", &["runs /home/eve/x.sh"]),
            ("sh ~ann/x.sh", &["runs ~ann/x.sh"]),
            ("sh ~/x.sh", &["runs ~/x.sh"]),
        ],
        &files,
    );
}

#[test]
fn letters_in_one_word_end_in_the_one_that_takes_a_value() {
    check(
        &[
            ("ssh -Ti /k/id h9 uptime", &["connect host:h9/"]),
            ("ssh -qp 22 h8 uptime", &["connect host:h8/"]),
            ("ssh -p22 -vv h7 uptime", &["connect host:h7/"]),
            ("ssh -Ti /k/id $node uptime", &["gap unresolved: a host that is only known when it runs"]),
            ("sudo -Hu bob psql -h db1 -d shop -c 'SELECT a FROM t'", &["read table:db1/shop/t as user:bob"]),
            ("perl -MCGI /opt/a.pl", &["runs /opt/a.pl"]),
            ("ls | xargs -0I F touch /srv/F", &["write file:h//srv/F"]),
        ],
        &[],
    );
}

const NAMED: &str =
    "gap unresolved: runs the function that its argument names; each of them is told, less surely";

#[test]
fn functions_that_an_argument_names_are_followed() {
    let functions = "up() { touch /srv/up; }\ndown() { touch /srv/down; }\n";
    for (call, want) in [
        ("sub=${1:-}\n$sub \"$@\"", &[NAMED, "write file:h//srv/down", "write file:h//srv/up"][..]),
        ("\"$@\"", &[NAMED, "write file:h//srv/down", "write file:h//srv/up"]),
        ("u$1", &[NAMED, "write file:h//srv/up"]),
        ("sub=$PROGRAM\n$sub x", &[]),
        ("$2 x", &[]),
        // The arguments of a function are its caller's.
        ("run() { \"$@\"; }\nrun touch /srv/x", &["write file:h//srv/x"]),
        // An entry point that runs any program, with helpers of its own.
        ("up\ndown\n\"$@\"", &["write file:h//srv/down", "write file:h//srv/up"]),
        ("down\n\"$@\"", &[NAMED, "write file:h//srv/down", "write file:h//srv/up"]),
        ("case $1 in up) up;; esac", &["write file:h//srv/up"]),
    ] {
        assert_eq!(said(&format!("{functions}{call}"), &[]), want, "{call}");
    }
}

#[test]
fn a_file_that_a_text_writes_and_runs_is_read_where_it_is_run() {
    check(
        &[
            (
                "S=/tmp/p-$$.sql\ncat <<-EOF > $S\n  connect / as sysdba\n  select a from hr.emp\\$x;\nEOF\nsqlplus /nolog @$S",
                &["read table:hr.emp$x", "write file:h//tmp/p-{}.sql"],
            ),
            (
                "cat > /tmp/q.sql <<'EOF'\nDELETE FROM t;\nEOF\ncat >> /tmp/q.sql <<'EOF'\nDELETE FROM u;\nEOF\npsql -h db1 -d shop -f /tmp/q.sql",
                &["write file:h//tmp/q.sql", "write table:db1/shop/t", "write table:db1/shop/u"],
            ),
            (
                "cd /tmp; tee q.sql <<'EOF'\nDELETE FROM t;\nEOF\nmysql -h db1 shop < /tmp/q.sql",
                &["read file:h//tmp/q.sql", "write file:h//tmp/q.sql", "write table:db1/shop/shop.t"],
            ),
            (
                "cat > /tmp/x.sh <<'EOF'\ntouch /srv/$1\nEOF\nbash -e /tmp/x.sh a; chmod +x /tmp/x.sh; sudo /tmp/x.sh b",
                &["write file:h//srv/a", "write file:h//srv/b", "write file:h//tmp/x.sh"],
            ),
            (
                "cat > /tmp/x.py <<'EOF'\n#!/usr/bin/python3\nx > y\nEOF\n/tmp/x.py",
                &["runs /tmp/x.py", "write file:h//tmp/x.py"],
            ),
            // Another file is another text, and what is only known when it runs is any.
            (
                "cat > /tmp/a.sql <<'EOF'\nDELETE FROM t;\nEOF\npsql -h db1 -d shop -f /tmp/b.sql",
                &["runs /tmp/b.sql", "write file:h//tmp/a.sql"],
            ),
            (
                "cat > /tmp/$1 <<'EOF'\nDELETE FROM t;\nEOF\npsql -h db1 -d shop -f /tmp/$2",
                &["write file:h//tmp/{}"],
            ),
            (
                "if x; then cat > /tmp/q.sql <<'EOF'\nDELETE FROM t;\nEOF\nelse cat > /tmp/q.sql <<'EOF'\nDELETE FROM u;\nEOF\nfi\npsql -h db1 -d shop -f /tmp/q.sql",
                &["runs /tmp/q.sql", "write file:h//tmp/q.sql"],
            ),
        ],
        &[],
    );
}
