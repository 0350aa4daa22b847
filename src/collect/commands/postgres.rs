//! PostgreSQL's clients (`psql`, `pg_dump`, `pg_restore`, `createdb` …, their manual pages in the PostgreSQL
//! documentation): where they connect, and what the SQL they are given does. Passwords are never looked at.

use super::options::Options;
use super::{Call, Commands, Out, is_input, split_login};
use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{Action, Class, Connection, Resource, Text, What};
use crate::sql::Dialect;

/// psql(1).
pub struct Psql;
/// pg_dump(1), pg_dumpall(1), pg_basebackup(1).
pub struct Dump;
/// pg_restore(1).
pub struct Restore;
/// createdb(1), dropdb(1), vacuumdb(1) and their like: the database itself is touched.
pub struct Admin;

/// Options that take a value.
const PSQL: (&str, &[&str]) = (
    "hpUdcfovFRTPL",
    &[
        "host",
        "port",
        "username",
        "dbname",
        "command",
        "file",
        "output",
        "set",
        "variable",
        "field-separator",
        "record-separator",
        "pset",
        "log-file",
        "table-attr",
    ],
);
const DUMP: (&str, &[&str]) = (
    "hpUdflFnNtTeEjSZDXr",
    &[
        "host",
        "port",
        "username",
        "dbname",
        "file",
        "database",
        "format",
        "schema",
        "exclude-schema",
        "table",
        "exclude-table",
        "exclude-table-data",
        "extension",
        "encoding",
        "jobs",
        "superuser",
        "role",
        "compress",
        "pgdata",
        "wal-method",
        "checkpoint",
        "lock-wait-timeout",
        "snapshot",
        "section",
        "exclude-database",
    ],
);
const RESTORE: (&str, &[&str]) = (
    "hpUdfFnNtTIPjSL",
    &[
        "host",
        "port",
        "username",
        "dbname",
        "file",
        "format",
        "schema",
        "table",
        "index",
        "function",
        "trigger",
        "jobs",
        "superuser",
        "role",
        "use-list",
        "section",
    ],
);
const ADMIN: (&str, &[&str]) = (
    "hpUdDEOlTtijP",
    &[
        "host",
        "port",
        "username",
        "dbname",
        "tablespace",
        "encoding",
        "owner",
        "locale",
        "template",
        "table",
        "index",
        "jobs",
        "maintenance-db",
        "parallel",
        "schema",
    ],
);

fn options(call: &Call, (shorts, longs): (&str, &[&str])) -> Options {
    Options::of(&call.words, shorts, longs)
}

fn known(value: Option<String>) -> Option<Text> {
    value
        .filter(|value| !value.is_empty() && !value.contains("{}"))
        .map(|value| Text::from(scrub_name(&value)))
}

/// What a client calls itself: scrubbed as in logs, so that both are one name.
fn application(value: Option<String>) -> Option<Text> {
    value.filter(|value| !value.is_empty() && !value.contains("{}")).map(|value| Text::from(scrub(&value)))
}

/// The entry of pg_service.conf that a call connects by (PostgreSQL documentation, "The Connection Service File"): what
/// stands there goes before the variables.
fn service<'t>(call: &'t Call, database: Option<&'t str>) -> Option<&'t str> {
    let database = database.unwrap_or("");
    let uri = database.split_once("://").filter(|(scheme, _)| scheme.starts_with("postgres"));
    let stated = match uri {
        Some((_, rest)) => rest
            .split_once('?')
            .and_then(|(_, query)| query.split('&').find_map(|pair| pair.strip_prefix("service="))),
        None => database.split_whitespace().find_map(|pair| pair.strip_prefix("service=")),
    };
    let around = || call.env.get("PGSERVICE").map(String::as_str);
    stated.or_else(around).map(|name| name.trim_matches('\'')).filter(|name| !name.is_empty())
}

/// Says that where a call connects stands in a file that is not read.
fn by_service(call: &Call, database: Option<&str>, out: &mut Out<'_>) {
    if let Some(name) = service(call, database) {
        let name = scrub_name(name);
        out.unresolved(call, &format!("connects by the entry {name} of pg_service.conf, which is not read"));
    }
}

/// Where libpq connects when nothing else is said ("Environment Variables").
pub fn environment(call: &Call) -> Connection {
    // An entry of the service file may say each of these otherwise.
    if service(call, None).is_some() {
        return Connection {
            application: application(call.env.get("PGAPPNAME").cloned()),
            ..Connection::default()
        };
    }
    let variable = |name: &str| known(call.env.get(name).cloned());
    Connection {
        server: server(variable("PGHOST").or_else(|| variable("PGHOSTADDR")), variable("PGPORT")),
        user: variable("PGUSER"),
        database: variable("PGDATABASE"),
        application: application(call.env.get("PGAPPNAME").cloned()),
    }
}

/// `host:port`; a socket's folder stays as it is.
fn server(host: Option<Text>, port: Option<Text>) -> Option<Text> {
    match (host, port) {
        (Some(host), Some(port)) if !host.starts_with('/') => Some(Text::from(format!("{host}:{port}"))),
        (host, _) => host,
    }
}

/// Where a call connects: options, a connection string, then the environment. Without a login it is that of the
/// account it runs as (libpq, "Parameter Key Words", `user`).
fn connection(call: &Call, options: &Options, database: Option<&str>, login: Option<&str>) -> Connection {
    let option = |names: &[&str]| options.get(names).map(str::to_owned);
    let around = match service(call, database) {
        Some(_) => Connection::default(),
        None => environment(call),
    };
    let database = database.map(str::to_owned);
    let entry = || {
        database.as_deref().is_some_and(|text| text.split_whitespace().any(|it| it.starts_with("service=")))
    };
    let stated = database.as_deref().and_then(uri).or_else(|| entry().then(Connection::default));
    let in_string = stated.is_some();
    let stated = stated.unwrap_or_default();
    let host = known(option(&["h", "host"]));
    let port = known(option(&["p", "port"])).or_else(|| known(call.env.get("PGPORT").cloned()));
    let user = known(option(&["U", "username"]).or_else(|| login.map(str::to_owned)));
    let named = if in_string { None } else { known(database) };
    Connection {
        server: stated.server.or_else(|| server(host, port)).or(around.server),
        user: stated.user.or(user).or(around.user).or_else(|| known(call.account.clone())),
        database: stated.database.or(named).or(around.database),
        application: stated.application.or(around.application),
    }
}

/// `postgresql://user:password@host:port/database` or `host=… dbname=…`; the password is left out.
pub fn uri(text: &str) -> Option<Connection> {
    if let Some((scheme, rest)) = text.split_once("://") {
        if !scheme.starts_with("postgres") {
            return None;
        }
        let (login, rest) = split_login(rest);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (server, database) = rest.split_once('/').unwrap_or((rest, ""));
        let user = login.split(':').next().unwrap_or("");
        let name = query.split('&').find_map(|pair| pair.strip_prefix("application_name="));
        return Some(Connection {
            server: known(Some(server.to_owned())),
            user: known(Some(user.to_owned())),
            database: known(Some(database.to_owned())),
            application: application(name.map(str::to_owned)),
        });
    }
    if !text.contains("dbname=") && !text.contains("host=") {
        return None;
    }
    let value = |key: &str| {
        let pair = text.split_whitespace().find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        pair.map(|value| value.trim_matches('\'').to_owned())
    };
    let server = known(value("host")).map(|host| match known(value("port")) {
        Some(port) => Text::from(format!("{host}:{port}")),
        None => host,
    });
    Some(Connection {
        server,
        user: known(value("user")),
        database: known(value("dbname")),
        application: application(value("application_name")),
    })
}

impl Commands for Psql {
    fn names(&self) -> &'static [&'static str] {
        &["psql", "pgcli"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = options(call, PSQL);
        let mut plain = options.known();
        let database = options.get(&["d", "dbname"]).or_else(|| plain.next());
        by_service(call, database, out);
        let connection = connection(call, &options, database, plain.next());
        let whole = Resource::database(connection.server.clone(), connection.database.clone());
        let only_account = Connection { user: connection.user.clone(), ..Connection::default() }
            == connection
            && call.account.is_some();
        if !connection.is_empty() && !only_account {
            out.add(call, Some(&connection), Action::Connect, whole);
        }
        for sql in options.all(&["c", "command"]) {
            script(call, &connection, sql, true, out);
        }
        for file in options.all(&["f", "file"]).filter(|file| !is_input(file)) {
            match out.written(file, call) {
                Some(text) => script(call, &connection, &text, false, out),
                None => out.runs(call, file, connection.clone()),
            }
        }
        for file in options.all(&["o", "output", "L", "log-file"]) {
            out.add_file(call, Action::Write, file);
        }
        let given =
            options.has(&["c", "command"]) || options.get(&["f", "file"]).is_some_and(|file| !is_input(file));
        if given {
            return;
        }
        if call.piped {
            out.unresolved(
                call,
                "psql reads statements that another command makes: they are only known when it runs",
            );
        }
        if let Some(text) = &call.stdin {
            script(call, &connection, text, false, out);
        }
        if let Some(path) = &call.stdin_file {
            out.runs(call, path, connection.clone());
        }
    }
}

/// SQL text with psql's own commands: `\copy`, `\i`; others do nothing to data.
fn script(call: &Call, connection: &Connection, text: &str, whole: bool, out: &mut Out<'_>) {
    let mut sql = String::new();
    for line in text.lines() {
        let command = line.trim_start();
        if let Some(rest) = command.strip_prefix("\\copy ") {
            copy(call, connection, rest, out);
        } else if let Some(path) = command.strip_prefix("\\i ").or_else(|| command.strip_prefix("\\ir ")) {
            out.runs(call, path.trim(), connection.clone());
        } else if !command.starts_with('\\') {
            sql.push_str(line);
            sql.push('\n');
        }
    }
    if !sql.trim().is_empty() {
        out.sql(call, connection, Dialect::Postgres, &variables(&sql), whole);
    }
}

/// psql's `:'name'` is a literal when it is sent; a parameter stands for it.
pub fn variables(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(":'") {
        let after = &rest[at + 2..];
        let end = after
            .find('\'')
            .filter(|end| after[..*end].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        match end {
            Some(end) if !rest[..at].ends_with(':') => {
                out.push_str(&rest[..at]);
                out.push_str("$1");
                rest = &after[end + 1..];
            }
            _ => {
                out.push_str(&rest[..at + 2]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// `\copy … to|from 'file'`: the server sees COPY … TO STDOUT or FROM STDIN, the client the file.
fn copy(call: &Call, connection: &Connection, text: &str, out: &mut Out<'_>) {
    let lower = text.to_ascii_lowercase();
    let (mut depth, mut found) = (0, None);
    for (at, c) in lower.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ' ' | '\t' if depth == 0 => {
                let rest = lower[at..].trim_start();
                for (word, out) in [("to ", true), ("from ", false)] {
                    if rest.starts_with(word) && found.is_none() {
                        found = Some((at, lower.len() - rest.len() + word.len(), out));
                    }
                }
            }
            _ => {}
        }
    }
    let Some((before, after, outward)) = found else { return };
    let rest = text.get(after..).unwrap_or("").trim_start();
    let (path, options) = match rest.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'').unwrap_or((quoted, "")),
        None => rest.split_once(' ').unwrap_or((rest, "")),
    };
    let direction = if outward { "TO STDOUT" } else { "FROM STDIN" };
    let sql = format!("COPY {} {direction} {options}", text.get(..before).unwrap_or(""));
    out.sql(call, connection, Dialect::Postgres, &variables(&sql), true);
    if !matches!(
        path.to_ascii_lowercase().trim_end_matches(';'),
        "stdout" | "stdin" | "pstdout" | "pstdin" | "program"
    ) {
        out.add_file(call, if outward { Action::Write } else { Action::Read }, path);
    }
}

impl Commands for Dump {
    fn names(&self) -> &'static [&'static str] {
        &["pg_dump", "pg_dumpall", "pg_basebackup"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = options(call, DUMP);
        let named = options.get(&["d", "dbname"]).or_else(|| options.known().next());
        let mut connection = connection(call, &options, named, None);
        if call.name() != "pg_dump" {
            // The database that is named is only where it logs in.
            connection.database = None;
        }
        for file in options.all(&["f", "file"]) {
            out.add_file(call, Action::Write, file);
        }
        let (server, database) = (connection.server.clone(), connection.database.clone());
        if server.is_none() && database.is_none() && service(call, named).is_some() {
            return by_service(call, named, out);
        }
        if server.is_none() && database.is_none() {
            let detail = "a dump of which server and database are only known when it runs";
            out.unresolved(call, detail);
            return;
        }
        let mut add = |resource: Resource| {
            let what = What { class: Class::Backup, ..out.what(Action::Read, resource) };
            out.add_use(call, Some(&connection), what);
        };
        let tables: Vec<&str> = options.all(&["t", "table"]).filter(|_| call.name() == "pg_dump").collect();
        for table in tables.iter().filter(|table| !table.contains(['*', '?', '{', '"'])) {
            let parts = table.split('.').map(Text::from).collect();
            add(Resource::table(parts).at(server.as_ref(), database.as_ref()));
        }
        if tables.is_empty() {
            add(Resource::database(server, database));
        }
    }
}

impl Commands for Restore {
    fn names(&self) -> &'static [&'static str] {
        &["pg_restore"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = options(call, RESTORE);
        for file in options.known() {
            out.add_file(call, Action::Read, file);
        }
        for file in options.all(&["f", "file"]) {
            out.add_file(call, Action::Write, file);
        }
        let Some(database) = options.get(&["d", "dbname"]) else { return };
        by_service(call, Some(database), out);
        let connection = connection(call, &options, Some(database), None);
        if connection.database.is_some() {
            let whole = Resource::database(connection.server.clone(), connection.database.clone());
            out.add(call, Some(&connection), Action::Write, whole);
        }
    }
}

impl Commands for Admin {
    fn names(&self) -> &'static [&'static str] {
        &["createdb", "dropdb", "vacuumdb", "reindexdb", "clusterdb", "createuser", "dropuser", "pgbench"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = options(call, ADMIN);
        let users = call.name().ends_with("user");
        let named = options.get(&["d", "dbname"]).or_else(|| options.known().next().filter(|_| !users));
        by_service(call, named, out);
        let connection = connection(call, &options, named, None);
        if connection.database.is_none() && connection.server.is_none() {
            return;
        }
        let upkeep = matches!(call.name(), "vacuumdb" | "reindexdb" | "clusterdb");
        let whole = Resource::database(connection.server.clone(), connection.database.clone());
        let class = if upkeep { Class::Maintenance } else { Class::App };
        let what = What { class, ..out.what(Action::Touch, whole) };
        out.add_use(call, Some(&connection), what);
    }
}
