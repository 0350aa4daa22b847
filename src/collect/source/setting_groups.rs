//! Settings that together are one connection: `X_HOST`, `X_USER`, `X_NAME` of one X, the keys of one map of YAML or JSON,
//! the section of an option file. What no word beside it calls a database is none.

use super::connections::{Named, Said, Value, engine_of, of_named, state};
use super::fold::{UNKNOWN, placeholders};
use super::place::Where;
use crate::collect::document;
use crate::evidence::{Engine, Evidence, Place};
use crate::input::InputFile;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// How many maps of a file are asked.
const MAX_MAPS: usize = 20_000;
/// The longest file whose maps are asked, in bytes: what is longer is data.
const MAX_BYTES: usize = 1024 * 1024;

/// Words that say a group of settings is about a database.
const ABOUT_DATABASES: [&str; 8] =
    ["DB", "PG", "POSTGRES", "SQL", "DATABASE", "DATABASES", "DATASOURCE", "RDBMS"];

/// Keys of a group in capitals, by what each is.
const HOSTS: [&str; 3] = ["HOSTNAME", "HOST", "SERVER"];
const PARTS: [(&str, &[&str]); 4] = [
    ("port", &["PORT"]),
    ("database", &["NAME", "DATABASE", "DBNAME", "DB", "DATABASE_NAME", "DB_NAME"]),
    ("user", &["USER", "USERNAME", "LOGIN", "USER_NAME"]),
    ("engine", &["CONNECTION", "DRIVER", "ENGINE", "TYPE", "DIALECT", "CLIENT", "ADAPTER"]),
];

/// The engine that one of these words is the name of, and whether any speaks of databases at all.
fn spoken_of<'w>(words: impl Iterator<Item = &'w str> + Clone) -> (Option<&'static Engine>, bool) {
    let engine = words.clone().find_map(|word| Engine::of_word(word).filter(|_| word.len() > 2));
    let about = words.clone().any(|word| ABOUT_DATABASES.contains(&word.to_ascii_uppercase().as_str()));
    (engine, about || engine.is_some())
}

/// `X_HOST`, `X_PORT`, `X_NAME`, `X_USER` with one X that speaks of a database are one connection.
pub fn by_prefix(pairs: &BTreeMap<String, (String, u64)>, at: &Where, file: &InputFile, out: &mut Evidence) {
    let spelled: BTreeMap<String, &(String, u64)> =
        pairs.iter().map(|(name, value)| (name.to_ascii_uppercase().replace('.', "_"), value)).collect();
    for (name, (host, line)) in &spelled {
        let Some(group) = HOSTS.iter().find_map(|end| name.strip_suffix(end)) else { continue };
        let words = group.split('_').filter(|word| !word.is_empty());
        let (engine, about) = spoken_of(words);
        // `MYSQL_ROOT_HOST` says from where the server lets its root in.
        if !about || group.ends_with("ROOT_") || host.is_empty() {
            continue;
        }
        let mut named = Named::default();
        named.add("host", value_of(host));
        for (part, ends) in PARTS {
            let found = ends.iter().find_map(|end| spelled.get(&format!("{group}{end}")));
            if let Some((value, _)) = found.filter(|(value, _)| !value.is_empty()) {
                named.add(part, value_of(value));
            }
        }
        let place = Place::line(&file.path, *line);
        state(of_group(&named, engine), at, place, out);
    }
}

/// A value of settings; what is filled in later is unknown.
fn value_of(text: &str) -> Value {
    let open = text.contains(['$', '{', '<']) || text.contains(UNKNOWN);
    if open { Value::Unknown } else { Value::Known(text.to_owned()) }
}

/// What a group says that speaks of databases; `engine` is what is called so around it.
fn of_group(named: &Named, engine: Option<&'static Engine>) -> Said {
    let own = engine_of(named);
    // `type: service` beside a host: no database after all.
    if own == Some(None) && engine.is_none() {
        return Said::Nothing;
    }
    let engine = own.flatten().or(engine);
    let said = of_named(named, engine, engine.is_some());
    match said {
        Said::Known(None, all) if all.iter().any(|one| one.database.is_none()) => Said::Nothing,
        Said::Known(engine, all) => {
            // Tables lie in a database; a host and no more is somebody's who only watches the server.
            let whole = |engine: &Engine| {
                !engine.has_tables() || all.iter().all(|one| one.database.is_some() || one.user.is_some())
            };
            if engine.is_none_or(whole) { Said::Known(engine, all) } else { Said::Nothing }
        }
        other => other,
    }
}

/// States the connections of a file's maps or sections; a compose file's belong to its services.
pub fn by_map(file: &InputFile, text: &str, at: &Where, out: &mut Evidence) {
    let name = file.name();
    if text.len() > MAX_BYTES || name.contains("compose") {
        return;
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&[".yml", ".yaml", ".json"]) {
        // Nothing to find costs no parsing.
        let lower = text.to_ascii_lowercase();
        if !["host", "server", "hostname"].iter().any(|key| lower.contains(key)) {
            return;
        }
        let mut maps = Maps { file, at, out, left: MAX_MAPS };
        for document in document::parse_all(text) {
            if let Ok(value) = &document.value {
                maps.walk(value, &mut Vec::new(), &document);
            }
        }
    } else if ends(&[".ini", ".cnf", ".cfg", ".conf", ".toml"]) {
        sections(file, text, at, out);
    }
}

/// The maps of a document.
struct Maps<'m> {
    file: &'m InputFile,
    at: &'m Where,
    out: &'m mut Evidence,
    left: usize,
}

impl Maps<'_> {
    fn walk(&mut self, value: &Json, path: &mut Vec<String>, document: &document::Document<'_>) {
        if self.left == 0 || path.len() > document::MAX_DEPTH {
            return;
        }
        match value {
            Json::Array(items) => {
                for item in items {
                    self.walk(item, path, document);
                }
            }
            Json::Object(map) => {
                self.left -= 1;
                self.map(map, path, document);
                for (key, value) in map.iter().filter(|(key, _)| *key != "<<") {
                    path.push(key.clone());
                    self.walk(value, path, document);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn map(
        &mut self,
        map: &serde_json::Map<String, Json>,
        path: &[String],
        document: &document::Document<'_>,
    ) {
        let mut named = Named::default();
        let mut near = None;
        // `<<: *default` of YAML 1.1: what the map says itself goes first.
        let merged = map.get("<<").and_then(Json::as_object);
        for (key, value) in map.iter().chain(merged.into_iter().flatten()) {
            let text = match value {
                Json::String(text) => text.clone(),
                Json::Number(number) => number.to_string(),
                _ => continue,
            };
            if near.is_none() && ["host", "hostname", "server"].contains(&key.to_ascii_lowercase().as_str()) {
                near = Some(text.clone());
            }
            named.add(key, value_of(&placeholders(&text, &|_| None)));
        }
        let Some(near) = near.filter(|near| !near.is_empty()) else { return };
        // What other maps are made from is none by itself.
        let made_from = path.last().is_some_and(|key| document.text.contains(&format!("{key}: &")));
        if made_from && !["database", "dbname"].iter().any(|key| map.contains_key(*key)) {
            return;
        }
        let words = path.iter().flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric()));
        let (engine, about) = spoken_of(words.filter(|word| !word.is_empty()));
        let own = engine_of(&named).flatten();
        if !about && own.is_none() {
            return;
        }
        let place = Place::line(&self.file.path, document.line_of(&near));
        state(of_group(&named, engine), self.at, place, self.out);
    }
}

/// Sections in brackets: those of option files that clients read (MariaDB, "Configuring MariaDB with Option Files"),
/// data sources of ODBC, sections called after a database.
fn sections(file: &InputFile, text: &str, at: &Where, out: &mut Evidence) {
    let mut section = String::new();
    let (mut named, mut line_of_host) = (Named::default(), None);
    for (index, line) in text.lines().chain(["[]"]).enumerate() {
        let line = line.trim();
        if let Some(next) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            if let Some(line) = line_of_host.take() {
                let of_client = section == "client" || section.starts_with("client-") || section == "mysql";
                let option_file = file.name().ends_with(".cnf");
                let words =
                    section.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
                let (engine, about) = spoken_of(words);
                let engine = if option_file && of_client { Engine::of_word("mysql") } else { engine };
                let sources = file.name().ends_with("odbc.ini");
                if (about || engine_of(&named).flatten().is_some() || sources || engine.is_some())
                    && (!option_file || of_client)
                {
                    state(of_group(&named, engine), at, Place::line(&file.path, line), out);
                }
            }
            (section, named) = (next.trim().to_ascii_lowercase(), Named::default());
            continue;
        }
        if line.starts_with(['#', ';']) {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim().trim_matches(['"', '\'']));
        if ["host", "hostname", "server", "servername"].contains(&name.to_ascii_lowercase().as_str())
            && !value.is_empty()
        {
            line_of_host = Some(index as u64 + 1);
        }
        let name = if name.eq_ignore_ascii_case("servername") { "server" } else { name };
        named.add(name, value_of(value));
    }
}
