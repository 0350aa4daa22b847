//! Settings files: connection strings under any key, whatever the syntax around them. Only values that say
//! scheme and server count; passwords are never looked at, and other settings state nothing.

use super::place::Where;
use crate::collect::commands;
use crate::evidence::{Action, Evidence, Mention, MentionKind, Place, Resource};
use crate::input::InputFile;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A connection string in a line.
static DSN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:postgres(?:ql)?)(?:\+\w+)?://[^\s"'<>,;)\]]+"#)
        .expect("the pattern is a constant of this file")
});
/// `NAME=value` of an env file.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*["']?([^"'#\r\n]*?)["']?\s*(?:#.*)?$"#)
        .expect("the pattern is a constant of this file")
});

/// Whether a file name is one of settings.
pub fn is_settings(name: &str) -> bool {
    let endings = [".env", ".ini", ".cfg", ".conf", ".toml", ".yaml", ".yml", ".json", ".properties"];
    (name == ".env" || name.starts_with(".env.") || endings.iter().any(|ending| name.ends_with(ending)))
        && !name.ends_with("lock.json")
        && name != "whodepends.toml"
}

/// States the connection a string holds, with the login and the application name.
pub fn connect(text: &str, at: &Where, place: Place, out: &mut Evidence) {
    let without_driver = match text.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.split('+').next().unwrap_or(scheme)),
        None => text.to_owned(),
    };
    let Some(connection) = commands::database_uri(&without_driver) else { return };
    let Some(server) = connection.server.clone() else { return };
    let mut what = at.what(Action::Connect, Resource::database(Some(server), connection.database.clone()));
    for (kind, value) in
        [(MentionKind::User, &connection.user), (MentionKind::Application, &connection.application)]
    {
        if let Some(value) = value {
            what.actor.add(Mention::new(kind, value.clone()));
        }
    }
    out.add_written(what, place);
}

/// Reads a settings file; `${NAME}` and `$NAME` are resolved from the file itself.
pub fn read(file: &InputFile, text: &str, at: &Where) -> Evidence {
    let mut out = Evidence::new();
    let mut pairs: BTreeMap<String, String> = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let mut line = line.to_owned();
        for (name, value) in &pairs {
            line = line.replace(&format!("${{{name}}}"), value);
        }
        if let Some(pair) = PAIR.captures(&line) {
            pairs.insert(pair[1].to_owned(), pair[2].to_owned());
        }
        for found in DSN.find_iter(&line) {
            connect(found.as_str(), at, Place::line(&file.path, index as u64 + 1), &mut out);
        }
    }
    out
}
