//! `db2`, the command line processor of Db2 (IBM, "Command line processor"): a connection that later calls keep, SQL,
//! and what is exported to files and loaded from them. Passwords are never looked at.

use super::clients::known;
use super::options::Options;
use super::{Call, Commands, Out};
use crate::evidence::{Action, Connection, Resource};
use crate::sql::{Dialect, split};

/// The command line processor.
pub struct Db2;

impl Commands for Db2 {
    fn names(&self) -> &'static [&'static str] {
        &["db2"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "fzlr", &[]);
        let mut connection = out.kept.get("db2").cloned().unwrap_or_default();
        let said = options.plain.join(" ");
        let texts: Vec<String> = Some(said).into_iter().chain(call.stdin.clone()).collect();
        for text in texts.iter().flat_map(|text| split(text)) {
            statement(call, &mut connection, text, out);
        }
        for path in options.all(&["f"]).chain(call.stdin_file.as_deref()) {
            out.runs(call, path, connection.clone());
        }
        for path in options.all(&["z", "r", "l"]) {
            out.add_file(call, Action::Write, path);
        }
        out.kept.insert("db2", connection);
    }
}

fn statement(call: &Call, connection: &mut Connection, text: &str, out: &mut Out<'_>) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let is = |at: usize, word: &str| lower.get(at).is_some_and(|known| known == word);
    let behind =
        |word: &str| lower.iter().position(|known| known == word).and_then(|at| words.get(at + 1)).copied();
    // The statement that stands behind the words of a utility.
    let from = |word: &str| lower.iter().position(|known| known == word).map(|at| words[at..].join(" "));
    match lower.first().map(String::as_str) {
        Some("connect") if is(1, "to") => {
            *connection = Connection {
                database: known(words.get(2).copied()),
                user: known(behind("user")),
                ..Connection::default()
            };
            if connection.database.is_some() {
                let whole = Resource::database(None, connection.database.clone());
                out.add(call, Some(connection), Action::Connect, whole);
            }
        }
        Some("connect") if is(1, "reset") => *connection = Connection::default(),
        Some("terminate") => *connection = Connection::default(),
        Some("export") => {
            out.add_file(call, Action::Write, behind("to").unwrap_or("-"));
            if let Some(sql) = from("select") {
                out.sql(call, connection, Dialect::Generic, &sql, true);
            }
        }
        Some("import" | "load" | "ingest") => {
            out.add_file(call, Action::Read, behind("from").unwrap_or("-"));
            if let Some(table) = behind("into").filter(|table| !table.contains("{}")) {
                let name = table.split('(').next().unwrap_or(table).to_ascii_lowercase();
                let parts = name.split('.').map(Into::into).collect();
                let table = Resource::table(parts).at(None, connection.database.as_ref());
                out.add(call, Some(connection), Action::Write, table);
            }
        }
        Some(
            "select" | "insert" | "update" | "delete" | "merge" | "with" | "call" | "truncate" | "create"
            | "drop" | "alter",
        ) => {
            out.sql(call, connection, Dialect::Generic, text, true);
        }
        _ => {}
    }
}
