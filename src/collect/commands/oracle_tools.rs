//! Oracle's tools that move whole tables: `rman` (Backup and Recovery Reference), `expdp` and `impdp` with their elders `exp`
//! and `imp`, and `sqlldr` (Database Utilities). Dump files lie on the server, in a folder that only it knows, and are not
//! told; passwords are never looked at.

use super::clients::known;
use super::oracle::{connect, login};
use super::{Call, Commands, Out};
use crate::evidence::{Action, Class, Connection, Resource, Text, What};

/// Recovery Manager.
pub struct Rman;
/// Data Pump, and Export and Import before it.
pub struct Pump;
/// SQL*Loader.
pub struct Loader;

/// Parameters as `name=value` words, and those of a parameter file, which name the same.
struct Parameters {
    named: Vec<(String, String)>,
    plain: Vec<String>,
}

impl Parameters {
    fn of(call: &Call, out: &mut Out<'_>) -> Parameters {
        let mut parameters = Parameters { named: Vec::new(), plain: Vec::new() };
        call.words[1..].iter().for_each(|word| parameters.add(word));
        if let Some(path) = parameters.get("parfile").map(str::to_owned) {
            out.add_file(call, Action::Read, &path);
            match out.text_of(&path, call) {
                Some(text) => {
                    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
                    lines.filter(|line| line.contains('=')).for_each(|line| parameters.add(line));
                }
                None => out.unresolved(call, "its parameters stand in a file that the scan was not given"),
            }
        }
        parameters
    }

    fn add(&mut self, word: &str) {
        let name =
            |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        match word.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
            Some((key, value)) if name(key) => self.named.push((key.to_ascii_lowercase(), value.to_owned())),
            _ => self.plain.push(word.to_owned()),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The values of a list: `a,b`, `(a, b)`.
    fn list(&self, name: &str) -> Vec<&str> {
        let text = self.get(name).unwrap_or("").trim_matches(['(', ')']);
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
    }

    /// Where it logs in: the first plain word or `userid`; without a name of a service, that of the environment.
    fn connection(&self, call: &Call) -> Connection {
        let stated = self.get("userid").or(self.plain.first().map(String::as_str)).unwrap_or("");
        placed(stated, call)
    }
}

fn placed(stated: &str, call: &Call) -> Connection {
    let around =
        ["TWO_TASK", "ORACLE_SID"].iter().find_map(|name| known(call.env.get(*name).map(String::as_str)));
    let stated = login(stated);
    Connection { database: stated.database.clone().or(around), ..stated }
}

/// A table of a connection, `owner.name`; `None`: it is a pattern, or only known when it runs.
fn table(name: &str, connection: &Connection) -> Option<Resource> {
    // A partition stands behind a colon.
    let name = name.split(':').next().unwrap_or(name).trim_matches('"');
    let fits =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "_$#".contains(c));
    let parts: Vec<Text> = name.split('.').map(|part| Text::from(part.to_lowercase())).collect();
    name.split('.')
        .all(fits)
        .then(|| Resource::table(parts).at(connection.server.as_ref(), connection.database.as_ref()))
}

fn whole(connection: &Connection) -> Resource {
    Resource::database(connection.server.clone(), connection.database.clone())
}

fn is_known(connection: &Connection) -> bool {
    connection.server.is_some() || connection.database.is_some()
}

impl Commands for Rman {
    fn names(&self) -> &'static [&'static str] {
        &["rman"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let mut words = call.words[1..].iter();
        let mut target = placed("", call);
        while let Some(word) = words.next() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            match name.to_ascii_lowercase().as_str() {
                role @ ("target" | "catalog" | "rcvcat" | "auxiliary") => {
                    let stated =
                        if value.is_empty() { words.next().map_or("", String::as_str) } else { value };
                    // Only the target is what a variable may name.
                    let at = if role == "target" { placed(stated, call) } else { login(stated) };
                    connect(call, &at, out);
                    if role == "target" {
                        target = at;
                    }
                }
                "log" | "msglog" if !value.is_empty() => out.add_file(call, Action::Write, value),
                "cmdfile" if !value.is_empty() => commands(call, &target, value, out),
                name if name.starts_with('@') => commands(call, &target, &word[1..], out),
                _ => {}
            }
        }
        if let Some(text) = &call.stdin {
            ordered(call, &target, text, out);
        }
        if let Some(path) = call.stdin_file.clone() {
            commands(call, &target, &path, out);
        }
    }
}

fn commands(call: &Call, target: &Connection, path: &str, out: &mut Out<'_>) {
    match out.text_of(path, call) {
        Some(text) => ordered(call, target, &text, out),
        None => out.unresolved(call, "its commands stand in a file that the scan was not given"),
    }
}

/// What RMAN is told to do with its target.
fn ordered(call: &Call, target: &Connection, text: &str, out: &mut Out<'_>) {
    let mut target = target.clone();
    for line in text.lines() {
        let line = line.trim().trim_end_matches(';');
        let mut words = line.split_whitespace();
        let mut next = || words.next().unwrap_or("").to_ascii_lowercase();
        let (verb, behind) = (next(), next());
        match (verb.as_str(), behind.as_str()) {
            ("connect", "target" | "catalog" | "auxiliary") => {
                let stated = line.split_whitespace().nth(2).unwrap_or("");
                let at = if behind == "target" { placed(stated, call) } else { login(stated) };
                connect(call, &at, out);
                if behind == "target" {
                    target = at;
                }
            }
            ("backup", _) if is_known(&target) => {
                let what = What { class: Class::Backup, ..out.what(Action::Read, whole(&target)) };
                out.add_use(call, Some(&target), what);
            }
            ("restore" | "recover", _) if is_known(&target) => {
                out.add(call, Some(&target), Action::Write, whole(&target));
            }
            _ => {}
        }
    }
}

impl Commands for Pump {
    fn names(&self) -> &'static [&'static str] {
        &["expdp", "impdp", "exp", "imp"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let parameters = Parameters::of(call, out);
        let (name, connection) = (call.name(), parameters.connection(call));
        let logs_in = parameters.plain.first().is_some_and(|word| word.contains(['/', '@']))
            || parameters.get("userid").is_some();
        // Names as short as these are others' as well.
        if name.len() == 3 && !logs_in {
            return;
        }
        connect(call, &connection, out);
        let outward = name.starts_with("exp");
        let class = if outward { Class::Backup } else { Class::App };
        let action = if outward { Action::Read } else { Action::Write };
        let tables = parameters.list("tables");
        let mut open = !is_known(&connection);
        let mut resources = Vec::new();
        for name in &tables {
            match table(name, &connection) {
                Some(table) => resources.push(table),
                None => open = true,
            }
        }
        if tables.is_empty() && is_known(&connection) {
            resources.push(whole(&connection));
        }
        if open {
            out.unresolved(call, "a transfer of which database or tables are only known when it runs");
        }
        for resource in resources {
            let what = What { class, ..out.what(action, resource) };
            out.add_use(call, Some(&connection), what);
        }
        if name.len() == 3 {
            // The elder tools write on the client.
            for path in parameters.list("file") {
                out.add_file(call, if outward { Action::Write } else { Action::Read }, path);
            }
            for path in parameters.list("log") {
                out.add_file(call, Action::Write, path);
            }
        }
    }
}

impl Commands for Loader {
    fn names(&self) -> &'static [&'static str] {
        &["sqlldr"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let parameters = Parameters::of(call, out);
        let connection = parameters.connection(call);
        connect(call, &connection, out);
        for path in parameters.list("data") {
            out.add_file(call, Action::Read, path);
        }
        for name in ["log", "bad", "discard"] {
            for path in parameters.list(name) {
                out.add_file(call, Action::Write, path);
            }
        }
        let control = parameters.get("control").or(parameters.plain.get(1).map(String::as_str));
        // Without an ending it is `.ctl`.
        let control =
            control.map(|path| match path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
                true => path.to_owned(),
                false => format!("{path}.ctl"),
            });
        let Some(control) = control else { return };
        out.add_file(call, Action::Read, &control);
        let Some(text) = out.text_of(&control, call) else {
            return out.unresolved(call, "the tables it loads stand in a file that the scan was not given");
        };
        let text =
            text.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join(" ");
        let words: Vec<&str> = text.split_whitespace().collect();
        for at in 0..words.len() {
            let is = |offset: usize, word: &str| {
                words.get(at + offset).is_some_and(|it| it.eq_ignore_ascii_case(word))
            };
            if is(0, "into") && is(1, "table") {
                match words.get(at + 2).and_then(|name| table(name, &connection)) {
                    Some(table) => out.add(call, Some(&connection), Action::Write, table),
                    None => out.unresolved(call, "a table whose name the control file leaves open"),
                }
            }
            if is(0, "infile") && parameters.get("data").is_none() {
                let path = words.get(at + 1).map_or("", |path| path.trim_matches(['\'', '"']));
                if path != "*" {
                    out.add_file(call, Action::Read, path);
                }
            }
        }
    }
}
