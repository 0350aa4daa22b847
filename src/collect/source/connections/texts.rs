//! Connections that stand in one text: URLs, JDBC and R2DBC, what Oracle calls a connect identifier, the DSN of Go's
//! MySQL driver; texts of keys and values are read in `pairs`. A text that only looks like one says nothing.

use super::pairs;
use super::{Connection, Said, connection, has_databases, of_libpq, server_of, whole};
use crate::evidence::{Engine, Holds, POSTGRES};
use regex::Regex;
use std::sync::LazyLock;

/// The longest text that is read as a connection, in bytes.
const MAX_BYTES: usize = 4 * 1024;

/// One value of a connect descriptor (Oracle Net Services Reference, "Protocol Address Configuration").
static DESCRIPTOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\(\s*(HOST|PORT|SERVICE_NAME|SID)\s*=\s*([^()]+?)\s*\)")
        .expect("the pattern is a constant of this file and its tests compile it")
});

/// The segments of a scheme: `jdbc:mysql`, `mysql+pymysql`, `mongodb+srv`.
fn engine_of_scheme(scheme: &str) -> Option<&'static Engine> {
    scheme.split([':', '+']).find_map(Engine::of_word)
}

/// Whether a text begins like a connection: what follows may be anything.
pub fn starts_like_one(text: &str) -> bool {
    let head = text.get(..80).unwrap_or(text);
    if let Some((scheme, _)) = head.split_once("://") {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '+' | '-' | '_' | '.');
        return scheme.chars().all(word) && engine_of_scheme(scheme).is_some();
    }
    head.starts_with("jdbc:oracle:") || is_go(text) || pairs::starts_like_one(text)
}

/// What a text says of a connection.
pub fn read(text: &str) -> Said {
    read_as(text, None)
}

/// The same, where keys and values are given to the driver of an engine.
pub(super) fn read_as(text: &str, engine: Option<&'static Engine>) -> Said {
    let text = text.trim();
    if text.len() > MAX_BYTES || text.contains('\n') && !text.contains("dbname=") {
        return Said::Nothing;
    }
    if let Some(rest) = text.strip_prefix("jdbc:oracle:") {
        let (login, rest) = rest.split_once('@').unwrap_or(("", rest));
        let user = login.rsplit(':').next().and_then(|login| login.split('/').next());
        return oracle(rest, user.filter(|user| !user.is_empty()));
    }
    if let Some((scheme, rest)) = text.split_once("://")
        && !scheme.contains([' ', '=', ';'])
    {
        return url(scheme, rest);
    }
    if is_go(text) { go(text) } else { pairs::read(text, engine) }
}

/// A URL of an engine.
fn url(scheme: &str, rest: &str) -> Said {
    let lower = scheme.to_ascii_lowercase();
    let Some(engine) = engine_of_scheme(&lower) else { return Said::Nothing };
    if engine.holds == Holds::File || lower.split(':').any(|word| word == "tc") {
        return Said::Nothing;
    }
    if engine.name == POSTGRES {
        let jdbc = lower.starts_with("jdbc:");
        return if jdbc { jdbc_postgres(rest) } else { of_libpq(&format!("postgresql://{rest}")) };
    }
    let properties = rest.split(['?', ';', '&']).skip(1);
    let value = |names: &[&str]| {
        let mut pairs = properties.clone().filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| names.iter().any(|own| own.eq_ignore_ascii_case(name)))?;
        Some(decoded(value))
    };
    if let Some(inner) = value(&["odbc_connect"]) {
        return pairs::read(&inner, Some(engine));
    }
    // Without a driver the host of pyodbc is a data source (SQLAlchemy, "DSN Connections").
    if lower.ends_with("+pyodbc") && value(&["driver"]).is_none() {
        return Said::Open(Some(engine));
    }
    let (login, rest) = login_of(&lower, rest);
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = address.split(['?', ';']).next().unwrap_or(address);
    // Some spell each server of a set as a URL of its own, behind a comma.
    let path = path.split(['?', ';', '/', '#', ',']).next().unwrap_or(path);
    let user = login.split(':').next().map(decoded).filter(|user| !user.is_empty());
    let user = user.or_else(|| value(&["user", "username", "uid"]));
    let database = value(&["databaseName", "database", "service_name", "db"]);
    let database = database.or_else(|| Some(decoded(path)).filter(|path| !path.is_empty()));
    // `sqlserver://host/instance?database=crm` of Go.
    if address.is_empty() && database.is_none() && user.is_none() {
        return Said::Nothing;
    }
    let mut all = Vec::new();
    for server in address.split(',') {
        let srv = lower.contains("+srv");
        let Some(server) = server_of(server, None, Some(engine).filter(|_| !srv)) else {
            let example = server.split(':').next().is_some_and(super::is_example);
            return if example { Said::Nothing } else { Said::Open(Some(engine)) };
        };
        let database = database.as_deref().and_then(whole).filter(|_| has_databases(Some(engine)));
        all.push(Connection { server, database, user: user.as_deref().and_then(whole), application: None });
    }
    Said::Known(Some(engine), all)
}

/// The login before the address. Properties of JDBC may hold signs that nobody escaped.
fn login_of<'t>(scheme: &str, rest: &'t str) -> (&'t str, &'t str) {
    if !scheme.starts_with("jdbc:") {
        return crate::collect::commands::split_login(rest);
    }
    let address = rest.split(['/', ';', '?']).next().unwrap_or(rest);
    address.rfind('@').map_or(("", rest), |at| (&rest[..at], &rest[at + 1..]))
}

/// JDBC's for PostgreSQL, one for each server it names, with what it says as properties (pgJDBC, "Connecting to the
/// Database").
fn jdbc_postgres(rest: &str) -> Said {
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (servers, path) = address.split_once('/').unwrap_or((address, ""));
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let login = value("user")
        .filter(|user| !user.contains(['@', '/', ':', '{']))
        .map_or(String::new(), |user| format!("{user}@"));
    let application =
        value("ApplicationName").map_or(String::new(), |name| format!("?application_name={name}"));
    let mut all = Vec::new();
    for server in servers.split(',') {
        match of_libpq(&format!("postgresql://{login}{server}/{path}{application}")) {
            Said::Known(_, mut one) => all.append(&mut one),
            other => return other,
        }
    }
    Said::Known(Engine::of_word(POSTGRES), all)
}

/// A connect identifier of Oracle: Easy Connect, `host:port:sid` of JDBC, a descriptor; a name that only the machine's
/// own settings explain leaves the host open.
pub(super) fn oracle(text: &str, user: Option<&str>) -> Said {
    let engine = Engine::of_word("oracle");
    let text = text.trim();
    if text.starts_with('(') {
        let value = |name: &str| {
            let mut found = DESCRIPTOR.captures_iter(text).filter(|it| it[1].eq_ignore_ascii_case(name));
            found.next().map(|it| it[2].to_owned())
        };
        let (host, port) = (value("HOST"), value("PORT"));
        let database = value("SERVICE_NAME").or_else(|| value("SID"));
        return connection(engine, host.as_deref(), port.as_deref(), database.as_deref(), user);
    }
    let text = text.split(['?', ';']).next().unwrap_or(text);
    let rest = ["//", "tcp://", "tcps://", "ldap://"].iter().find_map(|start| text.strip_prefix(start));
    let plain = rest.unwrap_or(text);
    if text.starts_with("ldap:") || rest.is_none() && !plain.contains([':', '/']) {
        return Said::Open(engine);
    }
    let (server, service) = match plain.split_once('/') {
        Some((server, service)) => (server, service.split([':', '/']).next()),
        None => match plain.splitn(3, ':').collect::<Vec<_>>()[..] {
            [host, port, sid] => return connection(engine, Some(host), Some(port), Some(sid), user),
            _ => (plain, None),
        },
    };
    connection(engine, Some(server), None, service, user)
}

/// `user:password@tcp(host:3306)/database?…` (Go-MySQL-Driver, "DSN (Data Source Name)").
fn is_go(text: &str) -> bool {
    text.contains("@tcp(") && text.contains(")/")
}

fn go(text: &str) -> Said {
    let Some((login, rest)) = text.split_once("@tcp(") else { return Said::Nothing };
    let Some((server, database)) = rest.split_once(")/") else { return Said::Nothing };
    let database = database.split(['?', ' ']).next();
    let user = login.split(':').next();
    connection(Engine::of_word("mysql"), Some(server), None, database, user)
}

/// A text of a URL without its percent-encodings; what is none stays.
fn decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (b'+', ..) => {
                out.push(b' ');
                at += 1;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
