//! Connections of any engine in source and settings: a world recorded from MariaDB whose truth was written first, and for
//! each way to write a connection what is stated of it, beside its near miss.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

fn scan(folder: &Path) -> serde_json::Value {
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["scan", "--format", "json", "--as-of", "2026-11-27"])
        .arg(folder)
        .output()
        .expect("the program starts");
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

fn list<'a>(value: &'a serde_json::Value, key: &str) -> impl Iterator<Item = &'a serde_json::Value> {
    value[key].as_array().expect("it is a list").iter()
}

fn word<'a>(value: &'a serde_json::Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("")
}

/// Who a consumer is in the truth: its last name, without kind, host and ending.
fn name_of(consumer: &str) -> String {
    let last = consumer.rsplit(['/', ':']).next().unwrap_or(consumer);
    last.split('@').next().unwrap_or(last).trim_end_matches(".py").to_owned()
}

type Known = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

/// By consumer: the rules it is found by, and what it does with tables.
fn found(report: &serde_json::Value) -> Known {
    let mut all = Known::new();
    for link in list(report, "links") {
        let Some(table) = word(link, "resource").strip_prefix("table:") else { continue };
        let bases: Vec<&str> =
            list(link, "bases").filter_map(|it| it.as_str()).filter(|basis| *basis != "declared").collect();
        let used = format!("{} {table} {}", word(link, "action"), bases.join(" "));
        all.entry(name_of(word(link, "consumer"))).or_default().1.insert(used);
    }
    for finding in list(report, "findings") {
        all.entry(name_of(word(finding, "consumer"))).or_default().0.insert(word(finding, "rule").to_owned());
    }
    all
}

fn truth(story: &Path) -> Known {
    let text = std::fs::read_to_string(story.join("truth.toml")).expect("the truth is there");
    let table: toml::Table = text.parse().expect("it is TOML");
    let rows = table["consumer"].as_array().expect("it is a list");
    let text = |row: &toml::Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
    rows.iter()
        .map(|row| {
            let rules = BTreeSet::from([text(row, "rule")]).into_iter().filter(|rule| !rule.is_empty());
            let uses = row["uses"].as_array().expect("it is a list").iter();
            let uses = uses.filter_map(|it| it.as_str()).map(str::to_owned);
            (text(row, "name"), (rules.collect(), uses.collect()))
        })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("it can be made");
    for entry in std::fs::read_dir(from).expect("it can be read").filter_map(Result::ok) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("it can be copied");
        }
    }
}

#[test]
fn the_sessions_of_a_mariadb_log_join_the_scripts_that_connect_there_and_no_others() {
    let story = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shelter");
    assert_eq!(found(&scan(&story.join("world"))), truth(&story), "the audit log");
    // The same sessions in a log that says less of itself.
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&story.join("world"), folder.path());
    std::fs::remove_file(folder.path().join("logs/server_audit.log")).expect("it was copied");
    copy(&story.join("general"), &folder.path().join("logs"));
    assert_eq!(found(&scan(folder.path())), truth(&story), "the general log");
}

/// What is stated of files, each in a folder of its own: connections as `engine server/database`, a gap as `gap`.
fn stated(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (at, (name, text)) in files.iter().enumerate() {
        let path = folder.path().join(format!("p{at:03}")).join(name);
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("it can be made");
        std::fs::write(path, text).expect("it can be written");
    }
    let report = scan(folder.path());
    let mut out = vec![Vec::new(); files.len()];
    let at = |text: &str| text.get(1..4).and_then(|number| number.parse::<usize>().ok());
    for link in list(&report, "links").filter(|link| word(link, "action") == "connect") {
        let mut traits = list(link, "traits").filter_map(|it| it.as_str());
        let engine = traits.find_map(|it| it.strip_prefix("engine = ")).unwrap_or("-");
        let resource = word(link, "resource").split_once(':').map_or("", |(_, name)| name);
        for evidence in list(link, "evidence") {
            let index = at(word(evidence, "place")).expect("a place begins with its folder");
            out[index].push(format!("{engine} {resource}"));
        }
    }
    for gap in list(&report, "gaps").filter(|gap| word(gap, "code") == "unresolved") {
        let index = at(word(gap, "place")).expect("a place begins with its folder");
        out[index].push("gap".to_owned());
    }
    out
}

/// Each of these files states these connections, and nothing else.
fn check(cases: &[(&str, &str, &[&str])]) {
    let files: Vec<(&str, &str)> = cases.iter().map(|(name, text, _)| (*name, *text)).collect();
    for ((name, text, want), mut got) in cases.iter().zip(stated(&files)) {
        got.sort();
        let mut want = want.to_vec();
        want.sort_unstable();
        assert_eq!(got, want, "{name}: {text}");
    }
}

#[test]
fn drivers_of_python_are_told_by_what_is_imported() {
    check(&[
        (
            "a.py",
            "import pymysql\npymysql.connect(host='my1', user='u', password='p', database='shop')\n",
            &["mysql my1/shop"],
        ),
        ("a.py", "import MySQLdb as m\nm.connect('my1', 'u', 'p', 'shop')\n", &["mysql my1/shop"]),
        ("a.py", "from pymysql import connect as c\nc(host='my1', database='shop')\n", &["mysql my1/shop"]),
        (
            "a.py",
            "import mysql.connector\nmysql.connector.connect(host='my1', port=3307, db='shop')\n",
            &["mysql my1:3307/shop"],
        ),
        (
            "a.py",
            "import mariadb\nC = {'host': 'my1', 'user': 'u', 'database': 'shop'}\nmariadb.connect(**C)\n",
            &["mariadb my1/shop"],
        ),
        (
            "a.py",
            "import pyodbc\npyodbc.connect('DRIVER={SQL Server};SERVER=ms1;DATABASE=shop;UID=u;PWD=p')\n",
            &["mssql ms1/shop"],
        ),
        (
            "a.py",
            "import oracledb\noracledb.connect(user='u', password='p', dsn='or1/shop')\n",
            &["oracle or1/shop"],
        ),
        ("a.py", "import redis\nredis.Redis('cache1', db=2)\n", &["redis cache1"]),
        (
            "a.py",
            "from pymongo import MongoClient\nMongoClient('mongodb://u:p@mo1/shop')\n",
            &["mongodb mo1/shop"],
        ),
        (
            "a.py",
            "from sqlalchemy import create_engine\ncreate_engine('mysql+pymysql://u:p@my1/shop')\n",
            &["mysql my1/shop"],
        ),
        (
            "s.py",
            "D = {'ENGINE': 'django.db.backends.mysql', 'NAME': 'shop', 'USER': 'u', 'HOST': 'my1'}\n",
            &["mysql my1/shop"],
        ),
        (
            "a.py",
            "import psycopg2, pymysql\npsycopg2.connect(host='pg1', dbname='dw', user='w')\npymysql.connect(host='my1', db='shop')\n",
            &["mysql my1/shop", "- pg1/dw"],
        ),
        // Near misses: another library, a comment, prose, SQLite.
        ("a.py", "import chat\nchat.connect(host='my1', user='u', room='shop')\n", &[]),
        ("a.py", "import chat as pymysql_like\npymysql_like.connect(host='my1', user='u')\n", &[]),
        ("a.py", "# pymysql.connect(host='my1', user='u', database='shop')\nimport pymysql\n", &[]),
        ("a.py", "HELP = 'mysql://user:password@host:port/database'\n", &[]),
        ("a.py", "from sqlalchemy import create_engine\ncreate_engine('sqlite:///shop.db')\n", &[]),
        // A connection all the same, and where is only known when it runs.
        (
            "a.py",
            "import pymysql\ndef f(h):\n    pymysql.connect(host=h, database='a')\n    pymysql.connect(host=h, database='b')\n",
            &["gap"],
        ),
        ("a.py", "import pymysql\npymysql.connect(read_default_file='~/.my.cnf')\n", &["gap"]),
        ("a.py", "import pyodbc\npyodbc.connect('DSN=shop;UID=u;PWD=p')\n", &["gap"]),
    ]);
}

#[test]
fn drivers_of_javascript_typescript_and_java_are_told_by_what_is_imported() {
    check(&[
        (
            "a.js",
            "const mysql = require('mysql2/promise');\nmysql.createPool({ host: 'my1', database: 'shop' });\n",
            &["mysql my1/shop"],
        ),
        (
            "a.ts",
            "import { createConnection } from 'mysql';\ncreateConnection({ host: 'my1', port: 3307, database: 'shop' });\n",
            &["mysql my1:3307/shop"],
        ),
        (
            "a.js",
            "const knex = require('knex')({ client: 'mysql2', connection: { host: 'my1', user: 'u', database: 'shop' } });\n",
            &["mysql my1/shop"],
        ),
        (
            "knexfile.js",
            "module.exports = { live: { client: 'pg', connection: { host: 'pg1', user: 'u', database: 'shop' } } };\n",
            &["- pg1/shop"],
        ),
        (
            "a.js",
            "const { Sequelize } = require('sequelize');\nnew Sequelize('shop', 'u', 'p', { host: 'my1', dialect: 'mariadb' });\n",
            &["mariadb my1/shop"],
        ),
        (
            "a.ts",
            "import { DataSource } from 'typeorm';\nnew DataSource({ type: 'mssql', host: 'ms1', username: 'u', database: 'shop' });\n",
            &["mssql ms1/shop"],
        ),
        (
            "a.js",
            "const redis = require('redis');\nredis.createClient({ socket: { host: 'cache1' } });\n",
            &["redis cache1"],
        ),
        (
            "a.js",
            "const m = require('mongoose');\nm.connect('mongodb+srv://u:p@mo1.example.net/shop');\n",
            &["mongodb mo1.example.net/shop"],
        ),
        (
            "A.java",
            "import java.sql.DriverManager;\nclass A { void f() throws Exception { DriverManager.getConnection(\"jdbc:mysql://my1/shop\", \"u\", \"p\"); } }\n",
            &["mysql my1/shop"],
        ),
        (
            "B.java",
            "class B { String u = \"jdbc:sqlserver://ms1;databaseName=shop;user=u\"; }\n",
            &["mssql ms1/shop"],
        ),
        (
            "a.js",
            "const io = require('socket.io-client');\nio.connect({ host: 'my1', user: 'u', room: 'shop' });\n",
            &[],
        ),
        ("a.js", "// mysql.createPool({ host: 'my1', user: 'u', database: 'shop' })\n", &[]),
        (
            "a.js",
            "const mysql = require('mysql');\nmysql.createConnection({ host: config.host, database: 'shop' });\n",
            &["gap"],
        ),
    ]);
}

#[test]
fn settings_name_the_engine_beside_the_host() {
    check(&[
        (
            ".env",
            "DB_CONNECTION=mysql\nDB_HOST=my1\nDB_DATABASE=shop\nDB_USERNAME=u\nREDIS_HOST=cache1\n",
            &["mysql my1/shop", "redis cache1"],
        ),
        (
            "application.yml",
            "spring:\n  datasource:\n    url: jdbc:mariadb://my1/shop\n    username: u\n  data:\n    redis:\n      host: cache1\n",
            &["mariadb my1/shop", "redis cache1"],
        ),
        ("application.properties", "spring.data.mongodb.uri=mongodb://mo1/shop\n", &["mongodb mo1/shop"]),
        (
            "database.yml",
            "default: &default\n  adapter: mysql2\n  host: my1\n  username: u\n\nproduction:\n  <<: *default\n  database: shop\n",
            &["mysql my1/shop"],
        ),
        (
            "appsettings.json",
            "{\"ConnectionStrings\": {\"Shop\": \"Server=ms1;Database=shop;User Id=u;Password=p;Encrypt=True\"}}\n",
            &["mssql ms1/shop"],
        ),
        (
            "config.json",
            "{\n \"live\": {\"username\": \"u\", \"database\": \"shop\", \"host\": \"my1\", \"dialect\": \"mysql\"}\n}\n",
            &["mysql my1/shop"],
        ),
        (
            "my.cnf",
            "[client]\nhost = my1\nuser = u\ndatabase = shop\n\n[mysqld]\nbind-address = 0.0.0.0\n",
            &["mysql my1/shop"],
        ),
        // Near misses: a comment, the server's own settings, whom the server lets in, a host that is no database's.
        (".env", "# DATABASE_URL=mysql://u:p@my1/shop\n", &[]),
        ("my.cnf", "[mysqld]\nhost = my1\nuser = mysql\n", &[]),
        (".env", "MYSQL_ROOT_HOST=my1\nMYSQL_DATABASE=shop\nMYSQL_USER=u\n", &[]),
        ("config.json", "{\"mail\": {\"host\": \"smtp1\", \"user\": \"u\", \"name\": \"shop\"}}\n", &[]),
        (".env", "DB_CONNECTION=mysql\nDB_HOST=$HOST_OF_SHOP\nDB_DATABASE=shop\n", &["gap"]),
    ]);
}

#[test]
fn code_that_no_grammar_reads_is_read_for_its_connections() {
    check(&[
        ("a.php", "<p>don't</p><?php $c = new mysqli('my1', 'u', 'p', 'shop');\n", &["mysql my1/shop"]),
        (
            "a.php",
            "<?php\n$h = 'my1';\nmysqli_connect($h, 'u', 'p', 'shop', 3307);\n",
            &["mysql my1:3307/shop"],
        ),
        ("a.php", "<?php new PDO('pgsql:host=pg1;dbname=shop', 'u', 'p');\n", &["- pg1/shop"]),
        (
            "wp-config.php",
            "<?php\ndefine('DB_NAME', 'shop');\ndefine('DB_USER', 'u');\ndefine('DB_HOST', 'my1');\n",
            &["mysql my1/shop"],
        ),
        (
            "a.go",
            "package a\nfunc f() { sql.Open(\"mysql\", \"u:p@tcp(my1:3306)/shop\") }\n",
            &["mysql my1/shop"],
        ),
        ("a.rb", "Mysql2::Client.new(host: 'my1', username: 'u', database: 'shop')\n", &["mysql my1/shop"]),
        (
            "a.pl",
            "my $d = DBI->connect('DBI:mysql:database=shop;host=my1', 'u', 'p');\n",
            &["mysql my1/shop"],
        ),
        (
            "A.cs",
            "var c = new MySqlConnection(\"Server=my1;Database=shop;Uid=u;Pwd=p\");\n",
            &["mysql my1/shop"],
        ),
        ("A.kt", "val u = \"jdbc:mysql://my1/shop?user=u\"\n", &["mysql my1/shop"]),
        ("a.php", "<?php\n// new mysqli('my1', 'u', 'p', 'shop');\nmysqli_connect_error();\n", &[]),
        ("a.go", "package a\nvar help = `u:p@tcp(host:3306)/shop`\n", &[]),
        ("a.php", "<?php new mysqli($host, $user, $p, 'shop');\n", &["gap"]),
    ]);
}
