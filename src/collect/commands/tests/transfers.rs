//! What leaves a host and what comes to it: files, objects, endpoints, repositories.

use super::check;

#[test]
fn downloads_and_uploads_are_told_with_the_files_they_make() {
    check(
        &[
            (
                "curl -sfo/srv/a -X POST https://api.example.org/v1/x?y=1",
                &["call endpoint:api.example.org/POST /v1/x", "write file:h//srv/a"],
            ),
            (
                "cd /srv; curl -O https://dl.example.org/p/a.tgz",
                &["call endpoint:dl.example.org/GET /p/a.tgz", "write file:h//srv/a.tgz"],
            ),
            (
                "wget -P /srv https://dl.example.org/a.tgz; wget -qO- https://dl.example.org/b",
                &[
                    "call endpoint:dl.example.org/GET /a.tgz",
                    "call endpoint:dl.example.org/GET /b",
                    "write file:h//srv/a.tgz",
                ],
            ),
            ("curl -G -d a=b localhost:9200/_cat", &["call endpoint:localhost:9200/GET /_cat"]),
            (
                "curl -T /srv/a https://up.example.org/in/",
                &[
                    "call endpoint:up.example.org/PUT /in/",
                    "export file:up.example.org/in/a",
                    "read file:h//srv/a",
                ],
            ),
            (
                "curl https://$HOST/x",
                &["gap unresolved: an HTTP call whose address is only known when it runs"],
            ),
            ("http POST api.example.org/v1/x a=b", &["call endpoint:api.example.org/POST /v1/x"]),
            ("curl -u bob:SECRET ftp://ftp.example.org/in/a", &["import file:ftp.example.org/in/a"]),
        ],
        &[],
    );
}

#[test]
fn copies_to_other_hosts_say_where_they_land() {
    check(
        &[
            (
                "rsync -a /srv/a.csv bk.example.org::mod",
                &["export file:bk.example.org/mod/a.csv", "read file:h//srv/a.csv"],
            ),
            (
                "rsync -a --exclude x rsync://up.example.org/pub/d/ /srv/d/",
                &["import file:up.example.org/pub/d/", "write file:h//srv/d/"],
            ),
            ("scp -P 22 bob@far:/x/y .", &["import file:far//x/y", "write file:h/y"]),
            (
                "scp /srv/a $HOST:/x",
                &[
                    "gap unresolved: a transfer whose other side is only known when it runs",
                    "read file:h//srv/a",
                ],
            ),
            (
                "cp /srv/a /usr/local/bin; mkdir -p /srv/d; mv /srv/b /srv/d; cp /srv/*.x /srv/y",
                &[
                    "read file:h//srv/a",
                    "read file:h//srv/b",
                    "read file:h//srv/{}.x",
                    "write file:h//srv/d/b",
                    "write file:h//srv/y/{}.x",
                    "write file:h//usr/local/bin/a",
                ],
            ),
            // What a variable holds may be one file, whose name is the target's.
            (
                "cp /srv/$F /srv/z; mv * /srv/w; mv /srv/n-*.rpm /srv/n.rpm",
                &[
                    "read file:h//srv/n-{}.rpm",
                    "read file:h//srv/{}",
                    "write file:h//srv/n.rpm",
                    "write file:h//srv/w/{}",
                    "write file:h//srv/z",
                ],
            ),
            ("mkdir /srv/d; rm -r /srv/d; mv /srv/b /srv/d", &["read file:h//srv/b", "write file:h//srv/d"]),
        ],
        &[],
    );
}

#[test]
fn file_servers_are_followed_line_by_line() {
    check(
        &[
            (
                "sftp bob@partner <<EOF\ncd in\nlcd /srv/out\nput a.csv b.csv\nget /done/c\nbye\nEOF",
                &[
                    "export file:partner/in/b.csv",
                    "import file:partner//done/c",
                    "read file:h//srv/out/a.csv",
                    "write file:h//srv/out/c",
                ],
            ),
            (
                "sftp -b /opt/batch partner",
                &["export file:partner/x", "read file:h//opt/batch", "read file:h//srv/x"],
            ),
            (
                "ftp -n ftp.example.org <<EOF\nuser bob SECRET\nbinary\nput /srv/a\nEOF",
                &["export file:ftp.example.org/a", "read file:h//srv/a"],
            ),
            (
                "lftp -u bob,SECRET -e 'cd /in; mput /srv/a /srv/b; bye' ftp.example.org",
                &[
                    "export file:ftp.example.org//in/a",
                    "export file:ftp.example.org//in/b",
                    "read file:h//srv/a",
                    "read file:h//srv/b",
                ],
            ),
            (
                "lftp <<EOF\nopen -u bob,SECRET ftp.example.org\nmirror -R /srv/out /in\nEOF",
                &["export file:ftp.example.org//in", "read file:h//srv/out"],
            ),
            (
                "smbclient '//files/share' -U 'bob%SECRET' -c 'cd in; put /srv/a b; get c /srv/c'",
                &[
                    "export file:files/share/in/b",
                    "import file:files/share/in/c",
                    "read file:h//srv/a",
                    "write file:h//srv/c",
                ],
            ),
        ],
        &[("/opt/batch", "put /srv/x\n")],
    );
}

#[test]
fn object_stores_queues_and_repositories_are_told() {
    check(
        &[
            (
                "aws --profile p s3 cp /srv/a s3://bkt/in/ --acl x",
                &["export object:bkt/in/a", "read file:h//srv/a"],
            ),
            (
                "aws s3 sync s3://$B/x /srv/d",
                &[
                    "gap unresolved: an object store whose bucket is only known when it runs",
                    "write file:h//srv/d",
                ],
            ),
            (
                "aws sqs send-message --queue-url https://sqs.eu/1/orders --message-body x",
                &["publish queue:orders"],
            ),
            ("gsutil -m cp /srv/a gs://bkt/b", &["export object:bkt/b", "read file:h//srv/a"]),
            ("gcloud storage cp gs://bkt/b /srv/a", &["import object:bkt/b", "write file:h//srv/a"]),
            (
                "az storage blob upload --account-name acc -c con -n b -f /srv/a --account-key x",
                &["export object:acc/con/b", "read file:h//srv/a"],
            ),
            ("rclone sync /srv/d remote:bkt/d", &["export object:remote/bkt/d", "read file:h//srv/d"]),
            ("s3cmd put /srv/a s3://bkt/b", &["export object:bkt/b", "read file:h//srv/a"]),
            (
                "export RESTIC_REPOSITORY=s3:s3.amazonaws.com/bkt/r; restic backup /srv/d",
                &["export object:bkt/r", "read file:h//srv/d"],
            ),
            (
                "borg create ssh://bob@bk:23/./r::a-{now} /srv/d",
                &["export file:bk/./r", "read file:h//srv/d"],
            ),
            ("duplicity /srv/d sftp://bob:SECRET@bk/r", &["export file:bk/r", "read file:h//srv/d"]),
            (
                "git clone https://git.example.org/o/r.git /srv/r; git push git@git.example.org:o/r.git",
                &[
                    "export file:git.example.org/o/r.git",
                    "import file:git.example.org/o/r.git",
                    "write file:h//srv/r",
                ],
            ),
            (
                "git pull origin main; git push -u backup main; git pull; git clone; git status",
                &[
                    "gap unresolved: git pull by its usual remote, whose address stands in the repository",
                    "gap unresolved: git pull by the remote origin, whose address stands in the repository",
                    "gap unresolved: git push by the remote backup, whose address stands in the repository",
                ],
            ),
            (
                "gh repo clone acme/site /srv/site -- --depth 1; gh repo clone acme/site -- --depth 1; gh repo clone ghe.example/a/b; gh repo clone mine",
                &[
                    "gap unresolved: a repository whose address is only known when it runs",
                    "import file:ghe.example/a/b",
                    "import file:github.com/acme/site",
                    "write file:h//srv/site",
                ],
            ),
            (
                "gh api repos/a/b/merges -f base=main; gh api /user; gh api -X DELETE 'repos/{owner}/{repo}'; gh auth login; \
                 gh pr list; GH_HOST=ghe.example gh issue list",
                &[
                    "call endpoint:api.github.com/DELETE /repos/{}/{}",
                    "call endpoint:api.github.com/GET /user",
                    "call endpoint:api.github.com/POST /repos/a/b/merges",
                    "connect host:api.github.com/",
                    "connect host:ghe.example/",
                ],
            ),
            (
                "ssh-keyscan -p 2222 -t rsa h1,h2 >> /srv/k; ssh-keyscan $H",
                &[
                    "connect host:h1:2222/",
                    "connect host:h2:2222/",
                    "gap unresolved: a host that is only known when it runs",
                    "write file:h//srv/k",
                ],
            ),
            (
                "cd /o; curl -fo '#1.html' 'http://s.example/p/{400,401}.html'; curl -g 'http://s.example/{a,b}'; \
                 curl -o 'n#2#.x' 'http://s.example/v[1-9]/{date}'; curl http://[::1]:80/x; curl \"$URL\"",
                &[
                    "call endpoint:[::1]:80/GET /x",
                    "call endpoint:s.example/GET /p/400.html",
                    "call endpoint:s.example/GET /p/401.html",
                    "call endpoint:s.example/GET /v{}/{date}",
                    "call endpoint:s.example/GET /{a,b}",
                    "gap unresolved: an HTTP call whose address is only known when it runs",
                    "write file:h//o/n{}#.x",
                    "write file:h//o/{}.html",
                ],
            ),
            (
                "nc -w 1 irc1 5050; nc -l 80; telnet $H 25; ldapsearch -H ldaps://ldap1:636 -w SECRET",
                &[
                    "connect host:irc1:5050/",
                    "connect host:ldap1:636/",
                    "gap unresolved: a host that is only known when it runs",
                ],
            ),
        ],
        &[],
    );
}

#[test]
fn packers_read_and_make_files() {
    check(
        &[
            ("tar czf /srv/a.tgz -C /srv d", &["read file:h//srv/d", "write file:h//srv/a.tgz"]),
            ("tar -xf /srv/a.tgz -C /srv/d", &["read file:h//srv/a.tgz"]),
            (
                "tar cf - /srv/d | gpg -e -r x -o /srv/d.gpg",
                &["read file:h//srv/d", "write file:h//srv/d.gpg"],
            ),
            (
                "gzip -9 /srv/a; gunzip /srv/b.gz; gzip -c /srv/c > /srv/c.gz",
                &[
                    "read file:h//srv/a",
                    "read file:h//srv/b.gz",
                    "read file:h//srv/c",
                    "write file:h//srv/a.gz",
                    "write file:h//srv/b",
                    "write file:h//srv/c.gz",
                ],
            ),
            (
                "zip -P SECRET /srv/a.zip /srv/a; unzip -d /srv /srv/b.zip",
                &["read file:h//srv/a", "read file:h//srv/b.zip", "write file:h//srv/a.zip"],
            ),
            (
                "dd if=/srv/a of=/srv/b bs=1; split -l 5 /srv/b /srv/part_",
                &[
                    "read file:h//srv/a",
                    "read file:h//srv/b",
                    "write file:h//srv/b",
                    "write file:h//srv/part_{}",
                ],
            ),
        ],
        &[],
    );
}

#[test]
fn mail_takes_files_to_somebody_and_messages_too() {
    check(
        &[
            (
                "mail -s 'orders of today' -a /srv/out/orders.csv partner@example.com < /dev/null",
                &["export external:mailto:partner@example.com", "read file:h//srv/out/orders.csv"],
            ),
            (
                "mailx -s report Ops@Example.com,bi@example.com < /srv/out/report.txt",
                &[
                    "export external:mailto:bi@example.com",
                    "export external:mailto:ops@example.com",
                    "read file:h//srv/out/report.txt",
                ],
            ),
            (
                "echo done | mail -s 'nightly load' ops@example.com",
                &["publish external:mailto:ops@example.com"],
            ),
            (
                "mutt -s x -a /srv/a.csv /srv/b.csv -- bi@example.com </dev/null",
                &[
                    "export external:mailto:bi@example.com",
                    "read file:h//srv/a.csv",
                    "read file:h//srv/b.csv",
                ],
            ),
            (
                "mail -a 'From: cron' -s x ops@example.com <<'X'\nhello\nX",
                &["publish external:mailto:ops@example.com"],
            ),
            (
                "sendmail -f noreply@example.com ops@example.com < /srv/m",
                &["export external:mailto:ops@example.com", "read file:h//srv/m"],
            ),
            ("echo x | mail -s x root", &[]),
            ("mail -f /var/mail/x", &[]),
            ("echo x | mail -s x $TO", &["gap unresolved: mail to somebody who is only known when it runs"]),
        ],
        &[],
    );
}

#[test]
fn a_python_application_of_spark_is_a_script() {
    check(
        &[
            (
                "spark-submit --master yarn --conf a=b --py-files /opt/lib.zip /opt/jobs/load.py 2026-11-26",
                &["runs /opt/jobs/load.py"],
            ),
            (
                "spark-submit --class com.example.Load --master yarn /opt/load.jar x.py",
                &["gap unresolved: an application of Spark, whose code is not in the scan"],
            ),
        ],
        &[],
    );
}
