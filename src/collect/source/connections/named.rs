//! Connections that are written as named values: arguments of a call, a table of settings, a section of a file. Names
//! are those of drivers, of Django and of ORMs; where no driver is known to take them, a host alone is none.

use super::pairs::beside;
use super::texts::{self, oracle};
use super::{Said, connection, host_of, server_of};
use crate::evidence::{Engine, Holds};
use std::collections::BTreeMap;

/// A value, or that there is one which nobody can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// This text.
    Known(String),
    /// Only known when it runs.
    Unknown,
}

/// Named values by their names in lower case, without the signs between words.
#[derive(Debug, Clone, Default)]
pub struct Named(BTreeMap<String, Value>);

/// What the keys are called.
const HOST: [&str; 5] = ["host", "hostname", "server", "address", "addr"];
const DATABASE: [&str; 7] =
    ["database", "dbname", "db", "databasename", "servicename", "sid", "initialcatalog"];
const USER: [&str; 5] = ["user", "username", "uid", "login", "userid"];
/// Keys whose value is a whole connection.
const WHOLE: [&str; 9] = [
    "url",
    "uri",
    "dsn",
    "connectionstring",
    "connectionuri",
    "conninfo",
    "connectstring",
    "connection",
    "jdbcurl",
];
/// Keys whose value says the engine.
const ENGINE: [&str; 9] =
    ["engine", "dialect", "client", "adapter", "drivername", "driver", "provider", "type", "dbtype"];
/// Keys that lead to a server without a host: a socket, a file of settings.
const ELSEWHERE: [&str; 5] = ["unixsocket", "socketpath", "readdefaultfile", "optionfiles", "optionsfile"];

impl Named {
    /// Adds a value; the first of a name stays.
    pub fn add(&mut self, name: &str, value: Value) {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        self.0.entry(name.to_ascii_lowercase()).or_insert(value);
    }

    fn any(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.0.get(*name))
    }

    fn get(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| match self.0.get(*name) {
            Some(Value::Known(text)) if !text.is_empty() => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether any of these is there.
    fn has(&self, names: &[&str]) -> bool {
        self.any(names).is_some()
    }
}

/// What the values themselves say of the engine: outer `None`, nothing; inner `None`, a word that is none.
pub fn engine_of(named: &Named) -> Option<Option<&'static Engine>> {
    let mut said = ENGINE.iter().filter_map(|name| named.get(&[name]));
    let first = said.next()?;
    Some(Engine::of_value(first).or_else(|| said.find_map(Engine::of_value)))
}

/// What named values say. `engine`: as far as it is known from elsewhere; `certain`: they are given to a driver.
pub fn said(named: &Named, engine: Option<&'static Engine>, certain: bool) -> Said {
    let engine = match engine_of(named) {
        Some(Some(own)) => Some(own),
        Some(None) if !certain => return Said::Nothing,
        _ => engine,
    };
    if engine.is_some_and(|engine| engine.holds == Holds::File) {
        return Said::Nothing;
    }
    let (database, user) = (named.get(&DATABASE), named.get(&USER));
    if let Some(said) = whole(named, engine, certain) {
        return beside(said, database, user);
    }
    let database = database.or_else(|| named.get(&["name"]).filter(|_| !certain));
    let host = named.get(&HOST);
    // Django's name of a database of Oracle is the whole way to it.
    if let (Some("oracle"), None, Some(way)) = (engine.map(|it| it.name), host, database)
        && way.contains('/')
    {
        return oracle(way, user);
    }
    if certain {
        return match host {
            Some(host) if host_of(host).is_none() && !is_spelled(host) => Said::Open(engine),
            host => connection(engine, host, port(named), database, user),
        };
    }
    loose(named, engine, host, database, user)
}

/// Values that no driver is seen to take: host, database and login at least, each a plain name.
fn loose(
    named: &Named,
    engine: Option<&'static Engine>,
    host: Option<&str>,
    database: Option<&str>,
    user: Option<&str>,
) -> Said {
    let names = named.has(&DATABASE) || named.has(&["name"]);
    let Some(host) = host else {
        let open = engine.is_some() && named.has(&HOST) && names && named.has(&USER);
        let open = open && (named.any(&HOST) == Some(&Value::Unknown));
        return if open { Said::Open(engine) } else { Said::Nothing };
    };
    let plain = |text: &str| !text.contains(['{', '/', ' ', '@', ':', '<', '$']);
    let tables = engine.is_none_or(Engine::has_tables);
    match (database, user) {
        (Some(database), Some(user)) if plain(database) && plain(user) => {}
        // Stores of documents and keys are reached without either.
        _ if !tables && engine_of(named).is_some() => {}
        _ => return Said::Nothing,
    }
    if !plain(host) && server_of(host, None, engine).is_none() {
        return if engine.is_some() { Said::Open(engine) } else { Said::Nothing };
    }
    let port = port(named);
    let engine = engine.or_else(|| port.and_then(Engine::of_port));
    let application = named.get(&["applicationname"]).filter(|name| plain(name));
    match connection(engine, Some(host), port, database, user) {
        Said::Known(engine, all) => Said::Known(
            engine,
            all.into_iter()
                .map(|one| super::Connection { application: application.map(str::to_owned), ..one })
                .collect(),
        ),
        Said::Open(_) | Said::Nothing => Said::Nothing,
    }
}

/// Whether a host is spelled with its port or transport: `tcp:db1,1433`, `(local)`.
fn is_spelled(host: &str) -> bool {
    server_of(host, None, None).is_some()
}

fn port(named: &Named) -> Option<&str> {
    named.get(&["port"]).filter(|port| port.parse::<u16>().is_ok())
}

/// A value that is a whole connection, or that leads to one.
fn whole(named: &Named, engine: Option<&'static Engine>, certain: bool) -> Option<Said> {
    // `MongoClient(host="mongodb://…")`.
    let names = WHOLE.iter().chain(&HOST);
    let text = names.clone().find_map(|name| named.get(&[name]).filter(|text| texts::starts_like_one(text)));
    if let Some(text) = text {
        return Some(texts::read_as(text, engine)).filter(|said| *said != Said::Nothing || certain);
    }
    if !certain {
        return None;
    }
    let oracles = engine.is_some_and(|engine| engine.name == "oracle");
    if let Some(text) = named.get(&WHOLE).filter(|_| oracles && !named.has(&HOST)) {
        // `user/password@host:1521/service`.
        let (login, way) = text.rsplit_once('@').map_or(("", text), |(login, way)| (login, way));
        let user = login.split('/').next().filter(|user| !user.is_empty());
        return Some(oracle(way, user));
    }
    if let Some(text) = named.get(&WHOLE).filter(|text| text.contains('=')) {
        let told = super::pairs::read(text, engine);
        return Some(if told == Said::Nothing { Said::Open(engine) } else { told });
    }
    // A URL of no engine that is known here, or of a file.
    let file = |text: &str| text.starts_with("sqlite") || text.starts_with("jdbc:h2") || text == ":memory:";
    if named.get(&WHOLE).is_some_and(file) {
        return Some(Said::Nothing);
    }
    let open = named.has(&ELSEWHERE) || WHOLE.iter().any(|name| named.0.get(*name) == Some(&Value::Unknown));
    (open && named.get(&HOST).is_none()).then_some(Said::Open(engine))
}

#[cfg(test)]
mod tests {
    use super::super::Said;
    use super::{Named, Value, said};
    use crate::evidence::Engine;

    fn shown(values: &[(&str, &str)], engine: &str, certain: bool) -> String {
        let mut named = Named::default();
        for (name, value) in values {
            let value = if *value == "?" { Value::Unknown } else { Value::Known((*value).to_owned()) };
            named.add(name, value);
        }
        super::super::shown(&said(&named, Engine::of_word(engine), certain))
    }

    #[test]
    fn what_a_driver_is_given_needs_a_host_and_what_nobody_takes_needs_more() {
        let host = [("host", "db1"), ("user", "web")];
        assert_eq!(shown(&host, "mysql", true), "mysql db1:3306 as web");
        assert_eq!(shown(&host, "mysql", false), "-");
        let open = [("host", "?"), ("user", "web"), ("database", "shop")];
        assert_eq!(shown(&open, "mysql", true), "open mysql");
        assert_eq!(shown(&open, "mysql", false), "open mysql");
        assert_eq!(shown(&open, "", false), "-");
    }

    #[test]
    fn the_values_own_word_says_the_engine_and_an_unknown_one_says_that_it_is_none() {
        let of = |word: &str| {
            shown(&[("ENGINE", word), ("HOST", "db1"), ("NAME", "shop"), ("USER", "web")], "", false)
        };
        assert_eq!(of("django.db.backends.mysql"), "mysql db1:3306/shop as web");
        assert_eq!(of("django.db.backends.postgresql"), "postgresql db1/shop as web");
        assert_eq!(of("django.db.backends.sqlite3"), "-");
        assert_eq!(of("ldap"), "-");
    }

    #[test]
    fn a_socket_or_a_file_of_settings_leaves_the_host_open() {
        assert_eq!(shown(&[("read_default_file", "~/.my.cnf")], "mysql", true), "open mysql");
        assert_eq!(shown(&[("unix_socket", "/run/s"), ("user", "web")], "mysql", true), "open mysql");
        assert_ne!(Said::Nothing, Said::Open(None));
    }
}
