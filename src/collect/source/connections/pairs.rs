//! Connections that stand in one text as keys and values: ODBC, ADO.NET, PDO of PHP, DBI of Perl, libpq. Which engine
//! a text of ADO.NET means is told by keys that one engine's client alone has; where none does, none is named.

use super::texts::oracle;
use super::{Connection, Said, connection, has_databases, of_libpq, whole};
use crate::evidence::{Engine, Holds};
use std::collections::BTreeMap;

/// What the keys of a server, a database, a login and a port are called, in lower case and without spaces (Microsoft,
/// "SqlConnection.ConnectionString"; MySQL Connector/ODBC and Connector/NET, "Connection Parameters"; FreeTDS, "ODBC
/// connection attributes").
const SERVER: [&str; 6] = ["server", "datasource", "host", "address", "addr", "networkaddress"];
const DATABASE: [&str; 5] = ["database", "initialcatalog", "dbname", "databasename", "sid"];
const USER: [&str; 4] = ["userid", "uid", "user", "username"];
/// Keys that only the client of SQL Server has.
const SQL_SERVER: [&str; 8] = [
    "initialcatalog",
    "trustedconnection",
    "integratedsecurity",
    "trustservercertificate",
    "multipleactiveresultsets",
    "encrypt",
    "attachdbfilename",
    "multisubnetfailover",
];
/// Keys that only the client of MySQL has.
const MYSQL: [&str; 6] = [
    "sslmode",
    "allowuservariables",
    "convertzerodatetime",
    "characterset",
    "charset",
    "allowpublickeyretrieval",
];

/// Prefixes of PDO's and DBI's texts, with the engine each means.
fn prefixed(text: &str) -> Option<(&'static Engine, &str)> {
    let rest = text.get(..4).filter(|head| head.eq_ignore_ascii_case("dbi:")).map_or(text, |_| &text[4..]);
    let (word, rest) = rest.split_once(':')?;
    // A scheme is short, and a text may be long.
    let known = word.len() < 16 && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let engine = if known { Engine::of_word(word) } else { None };
    Some((engine.filter(|it| it.has_tables())?, rest))
}

/// Keys in lower case without spaces, with their values; braces and quotes around a value are left out.
fn pairs_of(text: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let (mut piece, mut closes) = (String::new(), None);
    for letter in text.chars().chain([';']) {
        match (letter, closes) {
            (';', None) => {
                if let Some((name, value)) = piece.split_once('=') {
                    let name: String = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).collect();
                    let value = value.trim().trim_matches(['"', '\'']).to_owned();
                    out.entry(name.to_ascii_lowercase()).or_insert(value);
                }
                piece.clear();
            }
            (letter, Some(end)) if letter == end => closes = None,
            // `{}` stands for what nobody knows.
            ('{', None) if piece.trim_end().ends_with('=') && !piece.is_empty() => {
                closes = Some('}');
                piece.push('\u{1}');
            }
            (letter, _) => piece.push(letter),
        }
    }
    // An empty brace was no quote.
    for value in out.values_mut() {
        *value = if value == "\u{1}" { "{}".to_owned() } else { value.replace('\u{1}', "") };
    }
    out
}

/// Whether a text begins like keys and values that connect.
pub fn starts_like_one(text: &str) -> bool {
    if let Some((_, rest)) = prefixed(text) {
        let rest = rest.to_ascii_lowercase();
        let keys = ["host=", "server=", "dbname=", "database="].iter().any(|key| rest.contains(key));
        return keys || text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("dbi:"));
    }
    let pairs = text.len() < 2048 && text.contains('=') && text.contains(';');
    if !pairs {
        return text.contains("host=") && text.contains("dbname=");
    }
    let lower = text.to_ascii_lowercase();
    let first = lower.split('=').next().unwrap_or("").replace(' ', "");
    let server = SERVER.iter().chain(&["driver", "provider", "dsn", "port"]).chain(&DATABASE).chain(&USER);
    server.clone().any(|key| *key == first)
        && ["server=", "data source=", "datasource=", "host=", "dsn="].iter().any(|key| lower.contains(key))
        && ["uid=", "user", "trusted_connection=", "integrated security=", "pwd=", "password="]
            .iter()
            .any(|key| lower.contains(key))
}

/// What a text of keys and values says; `engine` is known from elsewhere.
pub fn read(text: &str, engine: Option<&'static Engine>) -> Said {
    if let Some((engine, rest)) = prefixed(text) {
        return of_prefix(engine, rest);
    }
    if text.contains("host=") && text.contains("dbname=") && !text.contains(';') {
        return of_libpq(text);
    }
    if !text.contains('=') {
        return Said::Nothing;
    }
    let pairs = pairs_of(text);
    let get = |keys: &[&str]| keys.iter().find_map(|key| pairs.get(*key)).map(String::as_str);
    let named = get(&["driver"]).or_else(|| get(&["provider"]));
    let engine = named.and_then(Engine::of_value).or(engine).or_else(|| by_keys(&pairs));
    if engine.is_some_and(|engine| engine.holds == Holds::File) {
        return Said::Nothing;
    }
    let server = get(&SERVER).or_else(|| get(&["servername", "dbq"]));
    if server.is_none() && get(&["dsn"]).is_none() && named.is_none() {
        return Said::Nothing;
    }
    // A file, or the engine that a program starts for itself.
    if server.is_some_and(|server| {
        server.starts_with("(localdb)") || server.ends_with(".db") || server == ":memory:"
    }) {
        return Said::Nothing;
    }
    let (database, user) = (get(&DATABASE), get(&USER));
    let oracles = engine.is_some_and(|engine| engine.name == "oracle");
    match server {
        Some(server)
            if database.is_none() && (oracles || server.starts_with('(') || server.contains('/')) =>
        {
            oracle(server, user)
        }
        server => connection(engine, server, get(&["port", "portnumber"]), database, user),
    }
}

/// The engine whose client alone has one of these keys.
fn by_keys(pairs: &BTreeMap<String, String>) -> Option<&'static Engine> {
    let has = |keys: &[&str]| keys.iter().any(|key| pairs.contains_key(*key));
    let port = pairs.get("port").map(String::as_str);
    let word = if has(&["host"]) && has(&["username"]) {
        "postgresql"
    } else if has(&SQL_SERVER)
        || pairs.get("server").is_some_and(|it| it.starts_with("tcp:") || it.contains([',', '\\']))
    {
        "mssql"
    } else if port == Some("3306") || has(&MYSQL) {
        "mysql"
    } else {
        return None;
    };
    Engine::of_word(word)
}

/// PDO's `mysql:host=…;dbname=…` (PHP manual, "PDO Drivers"), DBI's `DBI:mysql:database=…;host=…` and
/// `DBI:mysql:database:host:port` (DBD::mysql, "Class Methods").
fn of_prefix(engine: &'static Engine, rest: &str) -> Said {
    if engine.holds == Holds::File {
        return Said::Nothing;
    }
    if !rest.contains('=') {
        let parts: Vec<&str> = rest.split([':', '@']).collect();
        return match parts[..] {
            [database, host] => connection(Some(engine), Some(host), None, Some(database), None),
            [database, host, port] => connection(Some(engine), Some(host), Some(port), Some(database), None),
            [database] if !database.is_empty() => Said::Open(Some(engine)),
            _ => Said::Nothing,
        };
    }
    let pairs = pairs_of(&rest.replace(' ', ";"));
    let get = |keys: &[&str]| keys.iter().find_map(|key| pairs.get(*key)).map(String::as_str);
    let (host, database, user) = (get(&SERVER), get(&DATABASE).or_else(|| get(&["db"])), get(&USER));
    match (engine.name, host, database) {
        ("oracle", None, Some(name)) => oracle(name, user),
        _ => match connection(Some(engine), host, get(&["port"]), database, user) {
            Said::Known(_, all) => Said::Known(Some(engine), all),
            other => other,
        },
    }
}

/// What is said with the database and login that stand beside it.
pub fn beside(said: Said, database: Option<&str>, user: Option<&str>) -> Said {
    let Said::Known(engine, all) = said else { return said };
    let filled = all.into_iter().map(|one| Connection {
        database: one.database.or_else(|| database.and_then(whole)).filter(|_| has_databases(engine)),
        user: one.user.or_else(|| user.and_then(whole)),
        ..one
    });
    Said::Known(engine, filled.collect())
}
