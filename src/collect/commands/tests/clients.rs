//! Clients of databases, caches and brokers: where they connect and what they do there.

use super::check;

#[test]
fn clients_of_sql_engines_are_told_by_their_own_options() {
    check(
        &[
            (
                "mysql -h db1 -u app -pSECRET shop -e 'UPDATE orders SET a = 1'",
                &["write table:db1/shop/shop.orders as user:app"],
            ),
            (
                "mysql -h db1 shop <<EOF\nUSE other;\nDELETE FROM t WHERE id < $1;\nINSERT INTO shop.u SELECT a FROM v;\nEOF",
                &[
                    "read table:db1/other/other.v",
                    "write table:db1/other/other.t",
                    "write table:db1/shop/shop.u",
                ],
            ),
            ("mysql -h db1 shop < /srv/load.sql", &["read file:h//srv/load.sql", "runs /srv/load.sql"]),
            ("zcat /srv/d.sql.gz | mysql shop", &["read file:h//srv/d.sql.gz", "runs /srv/d.sql.gz"]),
            (
                "mysql --defaults-file=/etc/my.cnf -e 'SELECT a FROM t'",
                &["read table:db7:3307/shop/shop.t as user:rep"],
            ),
            (
                "sqlcmd -S tcp:db1,1433 -d shop -U sa -P x -Q 'SELECT a FROM dbo.t' -o /srv/o",
                &["read table:db1:1433/shop/dbo.t as user:sa", "write file:h//srv/o"],
            ),
            (
                "sqlcmd -S db1 -d shop <<EOF\nDELETE FROM t\nGO\nSELECT a FROM u\ngo\nEOF",
                &["read table:db1/shop/u", "write table:db1/shop/t"],
            ),
            ("sqlite3 /srv/x.db \"SELECT a FROM t\"", &["read file:h//srv/x.db", "read table:h//srv/x.db/t"]),
            (
                "sqlite3 -csv /srv/x.db <<EOF\n.output /srv/o.csv\nSELECT a FROM t;\nEOF",
                &["read file:h//srv/x.db", "read table:h//srv/x.db/t", "write file:h//srv/o.csv"],
            ),
            (
                "beeline -u 'jdbc:hive2://hs2:10000/dw;ssl=true' -n etl -p x -e 'SELECT a FROM t'",
                &["read table:hs2:10000/dw/t as user:etl"],
            ),
            (
                "clickhouse-client --host ch1 --password x -d dw --query 'SELECT a FROM t'",
                &["read table:ch1/dw/t"],
            ),
            ("cqlsh -k ks node1 9042 -e 'SELECT a FROM t'", &["read table:node1:9042/ks/t"]),
        ],
        &[("/etc/my.cnf", "[client]\nhost = db7\nport=3307\nuser=rep\npassword=x\ndatabase=shop\n")],
    );
}

#[test]
fn what_oracle_db2_and_bcp_are_told() {
    check(
        &[
            (
                "sqlplus -s scott/SECRET@SHOP <<EOF\nset heading off\nspool /srv/o.txt\nSELECT a FROM t;\nspool off\nEOF",
                &["read table:SHOP/t as user:scott", "write file:h//srv/o.txt"],
            ),
            ("sqlplus scott/x@//db1:1521/SHOP @load", &["runs load.sql"]),
            (
                "sqlplus /nolog <<EOF\nconnect bob/SECRET@OTHER\nDELETE FROM t\n/\n@/opt/more.sql\nEOF",
                &["runs /opt/more.sql", "write table:OTHER/t as user:bob"],
            ),
            (
                "db2 connect to SHOP user bob using SECRET\ndb2 'SELECT a FROM t'\ndb2 \"export to /srv/o.del of del select b from u\"\ndb2 connect reset\ndb2 'DELETE FROM v'",
                &[
                    "read table:SHOP/t as user:bob",
                    "read table:SHOP/u as user:bob",
                    "write file:h//srv/o.del",
                    "write table:v",
                ],
            ),
            (
                "bcp shop.dbo.t out /srv/t.csv -S db1,1433 -U sa -P x -c",
                &["read table:db1:1433/shop.dbo.t as user:sa", "write file:h//srv/t.csv"],
            ),
            (
                "bcp 'SELECT a FROM dbo.u' queryout /srv/u.csv -S db1 -d shop -T",
                &["read table:db1/shop/dbo.u", "write file:h//srv/u.csv"],
            ),
        ],
        &[],
    );
}

#[test]
fn dumps_read_and_restores_write() {
    check(
        &[
            (
                "mysqldump -h db1 shop orders items > /srv/d.sql",
                &[
                    "read table:db1/shop/shop.items",
                    "read table:db1/shop/shop.orders",
                    "write file:h//srv/d.sql",
                ],
            ),
            (
                "mysqldump -h db1 --databases a b -r /srv/d.sql",
                &["read database:db1/a/", "read database:db1/b/", "write file:h//srv/d.sql"],
            ),
            (
                "mysqldump $DB",
                &["gap unresolved: a dump of which server and database are only known when it runs"],
            ),
            (
                "pg_dump --exclude-table-data=x -Fc -h db1 shop -f /srv/d",
                &["read database:db1/shop/", "write file:h//srv/d"],
            ),
            ("pg_restore -h db2 -d shop /srv/d", &["read file:h//srv/d", "write database:db2/shop/"]),
            (
                "createdb -h db1 -T template0 shop; vacuumdb -h db1 -d shop",
                &["touch database:db1/shop/", "touch database:db1/shop/"],
            ),
            (
                "mysqlimport -h db1 shop /srv/in/orders.txt",
                &["read file:h//srv/in/orders.txt", "write table:db1/shop/shop.orders"],
            ),
            (
                "mongodump --uri mongodb://u:x@m1:27017/shop -o /srv/d",
                &["read database:m1:27017/shop/ as user:u", "write file:h//srv/d"],
            ),
            (
                "mongoexport -h m1 -d shop -c orders -o /srv/o.json",
                &["read table:m1/shop/orders", "write file:h//srv/o.json"],
            ),
        ],
        &[],
    );
}

#[test]
fn stores_without_sql_are_told_by_their_calls() {
    check(
        &[
            (
                "mongosh m1:27017/shop --eval 'db.orders.find({a: 1}); db.getCollection(\"x-y\").insertOne({})'",
                &["read table:m1:27017/shop/orders", "write table:m1:27017/shop/x-y"],
            ),
            ("mongo m1/a <<EOF\nuse b\ndb.t.remove({});\ndb.stats();\nEOF", &["write table:m1/b/t"]),
            ("redis-cli -h r1 -a SECRET DEL cart:17 cart:18", &["write keys:r1/cart:{}"]),
            ("redis-cli -n 2 GET user:$ID:name", &["read keys:2/user:{}:name"]),
            ("redis-cli publish news x", &["publish topic:news"]),
            ("echo x | kcat -b k1:9092,k2 -t orders", &["publish topic:k1:9092/orders"]),
            (
                "kafka-console-consumer.sh --bootstrap-server k1:9092 --topic orders --from-beginning",
                &["consume topic:k1:9092/orders"],
            ),
            ("kcat -C -b k1 -t $TOPIC", &["gap unresolved: a topic that is only known when it runs"]),
        ],
        &[],
    );
}

#[test]
fn an_entry_of_the_service_file_is_no_database() {
    let gap = "gap unresolved: connects by the entry prod of pg_service.conf, which is not read";
    let script = "psql service=prod -c 'select 1 from p1'; psql 'postgresql:///?service=prod' -c 'select 1 from p2'; \
                  PGHOST=db1 PGSERVICE=prod psql -c 'select 1 from p3'; pg_dump -d service=prod; psql -h db1 -d services \
                  -c 'select 1 from p4'";
    check(
        &[(
            script,
            &[gap, "read table:db1/services/p4", "read table:p1", "read table:p2", "read table:p3"]
                .map(|it| it),
        )],
        &[],
    );
}

#[test]
fn a_client_reads_what_it_is_given_where_its_file_is_its_input() {
    check(
        &[
            ("psql -h db1 -d shop -f - <<E\ndelete from t1;\nE", &["write table:db1/shop/t1"]),
            ("psql -h db1 -d shop -f /dev/stdin <<E\ndelete from t2;\nE", &["write table:db1/shop/t2"]),
            ("psql -h db1 -d shop -f x.sql <<E\ndelete from t3;\nE", &["runs x.sql"]),
            ("echo 'delete from t4' | vsql -h v1 -d w -f -", &["write table:v1/w/t4"]),
        ],
        &[],
    );
}

#[test]
fn tools_of_oracle_say_which_tables_they_move() {
    check(
        &[
            (
                "rman target / catalog rc/SECRET@RC log=/srv/r.log <<E\nbackup database;\nE",
                &["write file:h//srv/r.log"],
            ),
            ("ORACLE_SID=SHOP rman target / <<E\nbackup database;\nE", &["read database:SHOP/"]),
            (
                "expdp system/SECRET@PROD tables=HR.EMP,HR.D% dumpfile=x.dmp; impdp s/SECRET@PROD schemas=HR",
                &[
                    "gap unresolved: a transfer of which database or tables are only known when it runs",
                    "read table:PROD/hr.emp as user:system",
                    "write database:PROD/ as user:s",
                ],
            ),
            (
                "exp --help; imp x y; expdp parfile=/srv/p.par",
                &["read database:PAR/ as user:p", "read file:h//srv/p.par"],
            ),
            (
                "sqlldr userid=hr/SECRET@PROD control=/srv/emp.ctl log=/srv/emp.log",
                &[
                    "read file:h//srv/emp.csv",
                    "read file:h//srv/emp.ctl",
                    "write file:h//srv/emp.log",
                    "write table:PROD/hr.emp as user:hr",
                ],
            ),
            (
                "sqlldr hr/SECRET@PROD other data=/srv/o.csv",
                &[
                    "gap unresolved: the tables it loads stand in a file that the scan was not given",
                    "read file:h//srv/o.csv",
                    "read file:h/other.ctl",
                ],
            ),
            (
                "sqlplus a/SECRET@DB <<E\nexec pkg.tidy(1);\nexec pkg.all\nexecute :n := 3\nE",
                &["call routine:DB/pkg.all as user:a", "call routine:DB/pkg.tidy as user:a"],
            ),
        ],
        &[
            ("/srv/p.par", "userid=p/SECRET@PAR\n# tables=x\nfull=y\n"),
            (
                "/srv/emp.ctl",
                "load data\n-- into table no\ninfile '/srv/emp.csv'\ninto table hr.emp\n(a, b)\n",
            ),
        ],
    );
}
