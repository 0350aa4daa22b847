//! `psql`, `pg_dump` and their like (their manual pages in the PostgreSQL documentation): where they
//! connect, and what the SQL they are given does. Passwords are never looked at.

use super::{Call, Commands, Out, split_login};
use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{Action, Class, Connection, Resource, Text, What};

/// psql(1).
pub struct Psql;
/// pg_dump(1), pg_dumpall(1), pg_restore(1).
pub struct PgDump;

/// Options that take a value, short and long, of psql and pg_dump.
const WITH_VALUE: [&str; 44] = [
    "-h",
    "--host",
    "-p",
    "--port",
    "-U",
    "--username",
    "-d",
    "--dbname",
    "-c",
    "--command",
    "-f",
    "--file",
    "-o",
    "--output",
    "-v",
    "--set",
    "--variable",
    "-F",
    "--field-separator",
    "-R",
    "--record-separator",
    "-T",
    "-P",
    "--pset",
    "-L",
    "--log-file",
    "-t",
    "--table",
    "-n",
    "--schema",
    "-N",
    "--exclude-schema",
    "-j",
    "--jobs",
    "-Z",
    "--compress",
    "-E",
    "--encoding",
    "-S",
    "--superuser",
    "--role",
    "--format",
    "--exclude-table",
    "--lock-wait-timeout",
];

/// Options with their values, and plain words.
fn options(words: &[String], flags: &[&str]) -> (Vec<(String, String)>, Vec<String>) {
    let (mut options, mut plain) = (Vec::new(), Vec::new());
    let mut at = 1;
    while at < words.len() {
        let word = words[at].as_str();
        if let Some((name, value)) = word.split_once('=').filter(|_| word.starts_with("--")) {
            options.push((name.to_owned(), value.to_owned()));
        } else if WITH_VALUE.contains(&word) && !flags.contains(&word) {
            options.push((word.to_owned(), words.get(at + 1).cloned().unwrap_or_default()));
            at += 1;
        } else if word.starts_with('-') && !word.starts_with("--") && word.len() > 2 {
            short(word, words, &mut at, flags, &mut options);
        } else if !word.starts_with('-') {
            plain.push(word.to_owned());
        }
        at += 1;
    }
    (options, plain)
}

/// `-hdb1`, `-qAtc 'SELECT 1'`: single letters, the first that takes a value takes the rest or the next word.
fn short(word: &str, words: &[String], at: &mut usize, flags: &[&str], options: &mut Vec<(String, String)>) {
    for (index, letter) in word.char_indices().skip(1) {
        let option = format!("-{letter}");
        if WITH_VALUE.contains(&option.as_str()) && !flags.contains(&option.as_str()) {
            let rest = &word[index + letter.len_utf8()..];
            let value = if rest.is_empty() {
                *at += 1;
                words.get(*at).cloned().unwrap_or_default()
            } else {
                rest.to_owned()
            };
            options.push((option, value));
            return;
        }
    }
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

/// Where libpq connects when nothing else is said ("Environment Variables").
pub fn environment(call: &Call) -> Connection {
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

/// Where a call connects: options, a connection string, then the environment.
fn connection(call: &Call, options: &[(String, String)], plain: &[String]) -> Connection {
    let option = |names: [&str; 2]| {
        options.iter().rev().find(|(name, _)| names.contains(&name.as_str())).map(|(_, v)| v.clone())
    };
    let around = environment(call);
    let database = option(["-d", "--dbname"]).or_else(|| plain.first().cloned());
    let stated = database.as_deref().and_then(uri);
    let in_string = stated.is_some();
    let stated = stated.unwrap_or_default();
    let host = known(option(["-h", "--host"]));
    let port = known(option(["-p", "--port"])).or_else(|| known(call.env.get("PGPORT").cloned()));
    let user = known(option(["-U", "--username"]).or_else(|| plain.get(1).cloned()));
    let named = if in_string { None } else { known(database) };
    Connection {
        server: stated.server.or_else(|| server(host, port)).or(around.server),
        user: stated.user.or(user).or(around.user),
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
        &["psql"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        // psql's -t, -n, -S, -E and -N are flags; pg_dump's take values.
        let (options, plain) = options(&call.words, &["-t", "-n", "-S", "-E", "-N", "-j", "-Z"]);
        let connection = connection(call, &options, &plain);
        let whole = Resource::database(connection.server.clone(), connection.database.clone());
        if !connection.is_empty() {
            out.add(call, Some(&connection), Action::Connect, whole);
        }
        for (name, value) in &options {
            match name.as_str() {
                "-c" | "--command" => script(call, &connection, value, true, out),
                "-f" | "--file" if value != "-" => out.runs(call, value, connection.clone()),
                "-o" | "--output" => {
                    let file = out.file(value, call);
                    out.add(call, None, Action::Write, file);
                }
                _ => {}
            }
        }
        let given =
            options.iter().any(|(name, _)| matches!(name.as_str(), "-c" | "--command" | "-f" | "--file"));
        if call.piped && !given {
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
        out.sql(call, connection, &variables(&sql), whole);
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
    out.sql(call, connection, &variables(&sql), true);
    if !matches!(
        path.to_ascii_lowercase().trim_end_matches(';'),
        "stdout" | "stdin" | "pstdout" | "pstdin" | "program"
    ) {
        let file = out.file(path, call);
        out.add(call, None, if outward { Action::Write } else { Action::Read }, file);
    }
}

impl Commands for PgDump {
    fn names(&self) -> &'static [&'static str] {
        &["pg_dump", "pg_dumpall", "pg_basebackup"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let (options, plain) = options(&call.words, &[]);
        let connection = connection(call, &options, &plain);
        let (server, database) = (connection.server.clone(), connection.database.clone());
        if server.is_none() && database.is_none() {
            let detail = "a dump of which server and database are only known when it runs";
            out.unresolved(call, detail);
            return;
        }
        let mut add = |resource: Resource| {
            let what = What { class: Class::Backup, ..out.what(Action::Read, resource) };
            out.add_use(call, Some(&connection), what);
        };
        let tables: Vec<&String> =
            options.iter().filter(|(n, _)| n == "-t" || n == "--table").map(|(_, v)| v).collect();
        for table in tables.iter().filter(|table| !table.contains(['*', '?', '{'])) {
            let parts = table.split('.').map(Text::from).collect();
            add(Resource::table(parts).at(server.as_ref(), database.as_ref()));
        }
        if tables.is_empty() {
            add(Resource::database(server, database));
        }
        if let Some((_, path)) = options.iter().find(|(name, _)| name == "-f" || name == "--file") {
            let file = out.file(path, call);
            out.add(call, None, Action::Write, file);
        }
    }
}
