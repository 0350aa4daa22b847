//! `sqlplus` (Oracle, "SQL*Plus User's Guide and Reference"): where it logs in, the script it is given, and its own
//! commands between statements. A login's password is left out.

use super::clients::known;
use super::options::Options;
use super::{Call, Commands, Out};
use crate::evidence::{Action, Connection, Resource};
use crate::sql::Dialect;

/// SQL*Plus and SQLcl.
pub struct Sqlplus;

/// Commands of SQL*Plus that take the rest of their line and change no data.
const OWN: [&str; 26] = [
    "accept",
    "archive",
    "break",
    "btitle",
    "clear",
    "col",
    "column",
    "compute",
    "define",
    "describe",
    "desc",
    "exit",
    "prompt",
    "pause",
    "print",
    "quit",
    "rem",
    "remark",
    "repfooter",
    "repheader",
    "set",
    "show",
    "timing",
    "ttitle",
    "undefine",
    "whenever",
];

/// `user/password@tns`, `user@//host:1521/service`, `/ as sysdba`.
pub(super) fn login(text: &str) -> Connection {
    let text = text.trim().trim_matches(['"', '\'']);
    let text = text.split_whitespace().next().unwrap_or("");
    let (login, place) = text.rsplit_once('@').unwrap_or((text, ""));
    let user = login.split('/').next().unwrap_or("");
    let easy = place.trim_start_matches("//");
    let (server, database) = match easy.split_once('/') {
        Some((server, service)) => (known(Some(server)), known(service.split(':').next())),
        // A host and port without a service, or the name of a net service.
        None if easy.contains(':') => (known(Some(easy)), None),
        None => (None, known(Some(easy))),
    };
    Connection { server, user: known(Some(user)), database, application: None }
}

impl Commands for Sqlplus {
    fn names(&self) -> &'static [&'static str] {
        &["sqlplus", "sqlplus64", "sql"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "CMRc", &[]);
        let variable = |name: &str| known(call.env.get(name).map(String::as_str));
        let around = variable("TWO_TASK").or_else(|| variable("ORACLE_SID"));
        let mut connection = Connection { database: around.clone(), ..Connection::default() };
        let mut words = options.plain.iter();
        let mut scripts = Vec::new();
        if let Some(first) = words.next() {
            match first.strip_prefix('@') {
                Some(script) => scripts.push(script),
                None if first.starts_with('/') || first == "{}" => {}
                None => {
                    let stated = login(first);
                    connection = Connection { database: stated.database.clone().or(around), ..stated };
                }
            }
        }
        // Behind a script, words are the script's.
        scripts.extend(words.find_map(|word| word.strip_prefix('@')).filter(|_| scripts.is_empty()));
        connect(call, &connection, out);
        for script in scripts {
            match out.written(&ended(script), call) {
                Some(text) => statements(call, connection.clone(), &text, out),
                None => out.runs(call, &ended(script), connection.clone()),
            }
        }
        if let Some(text) = &call.stdin {
            statements(call, connection.clone(), text, out);
        }
        if let Some(path) = &call.stdin_file {
            out.runs(call, path, connection.clone());
        }
    }
}

pub(super) fn connect(call: &Call, connection: &Connection, out: &mut Out<'_>) {
    if connection.server.is_some() || connection.database.is_some() {
        let whole = Resource::database(connection.server.clone(), connection.database.clone());
        out.add(call, Some(connection), Action::Connect, whole);
    }
}

/// A script's file: `.sql` where no ending is given ("@ (at sign)").
fn ended(script: &str) -> String {
    let name = script.rsplit('/').next().unwrap_or(script);
    if name.contains('.') { script.to_owned() } else { format!("{script}.sql") }
}

/// Statements with SQL*Plus's own commands between them.
fn statements(call: &Call, mut connection: Connection, text: &str, out: &mut Out<'_>) {
    let mut sql = String::new();
    for line in text.lines() {
        let line = line.trim();
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let word = first.trim_end_matches(';').to_ascii_lowercase();
        let rest = rest.trim().trim_end_matches(';').trim();
        let between = sql.trim().is_empty() || sql.trim_end().ends_with(';');
        match word.as_str() {
            "/" => sql.push_str(";\n"),
            _ if !between => {
                sql.push_str(line);
                sql.push('\n');
            }
            "connect" | "conn" => {
                flush(call, &connection, &mut sql, out);
                connection = login(rest);
                connect(call, &connection, out);
            }
            "spool" | "spo" if !matches!(rest.to_ascii_lowercase().as_str(), "off" | "out" | "") => {
                out.add_file(call, Action::Write, rest.split_whitespace().next().unwrap_or("-"));
            }
            "exec" | "execute" => sql.push_str(&executed(rest)),
            "start" => {
                out.runs(call, &ended(rest.split_whitespace().next().unwrap_or("{}")), connection.clone())
            }
            "spool" | "spo" | "host" | "ho" => {}
            _ if word.starts_with('@') => {
                out.runs(
                    call,
                    &ended(first.trim_start_matches('@').trim_end_matches(';')),
                    connection.clone(),
                );
            }
            _ if OWN.contains(&word.as_str()) || word.starts_with("--") => {}
            _ => {
                sql.push_str(line);
                sql.push('\n');
            }
        }
    }
    flush(call, &connection, &mut sql, out);
}

/// `EXECUTE name(…)` is a block around it; by itself a call says the same (SQL*Plus User's Guide, "EXECUTE").
fn executed(statement: &str) -> String {
    let name = statement.split('(').next().unwrap_or("").trim();
    let signs = |c: char| c.is_alphanumeric() || "_.$#\"@".contains(c);
    match !name.is_empty() && name.chars().all(signs) {
        true if statement.contains('(') => format!("CALL {statement};\n"),
        true => format!("CALL {statement}();\n"),
        false => format!("BEGIN {statement}; END;\n"),
    }
}

fn flush(call: &Call, connection: &Connection, sql: &mut String, out: &mut Out<'_>) {
    if !sql.trim().is_empty() {
        out.sql(call, connection, Dialect::Oracle, sql, false);
    }
    sql.clear();
}
