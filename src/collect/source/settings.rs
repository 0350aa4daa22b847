//! Settings files: connection strings under any key, whatever the syntax around them. Only values that say
//! scheme and server count; passwords are never looked at, and other settings state nothing.

use super::fold::{UNKNOWN, is_secret, placeholders};
use super::place::Where;
pub use super::properties::{Pair, pairs};
use crate::collect::commands;
use crate::evidence::{Action, Actor, Evidence, Gap, GapCode, Mention, MentionKind, Place, Resource, Trait};
use crate::input::InputFile;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// A connection string in a line.
static DSN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:postgres(?:ql)?)(?:\+\w+)?://[^\s"'<>,;)\]]+"#)
        .expect("the pattern is a constant of this file")
});
/// `NAME=value` of an env file, `NAME: value` and `- NAME=value` of YAML.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^\s*(?:export\s+|-\s+)?["']?([A-Za-z_][\w.]*)["']?\s*[=:]\s*["']?([^"'#\r\n]*?)["']?\s*,?\s*(?:#.*)?$"#)
        .expect("the pattern is a constant of this file")
});

/// A connection string of another engine in a line.
static OTHER_DSN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)\b(mysql|mariadb|mongodb|sqlserver|mssql|oracle|db2|clickhouse|cassandra|neo4j|redis|redshift|snowflake|couchbase|vertica)[2s]?(?:\+\w+)?:(?://|thin:@)"#)
        .expect("the pattern is a constant of this file")
});

/// The trait of a connection that stands in a settings file: it says how whoever takes the file over would
/// connect, not that they do.
const IN_SETTINGS: &str = "in-settings";

/// Whether a file name is one of settings.
pub fn is_settings(name: &str) -> bool {
    let endings = [".env", ".ini", ".cfg", ".conf", ".toml", ".yaml", ".yml", ".json", ".properties"];
    (name == ".env" || name.starts_with(".env.") || endings.iter().any(|ending| name.ends_with(ending)))
        && !name.ends_with("lock.json")
        && name != "whodepends.toml"
        || XML.contains(&name)
}

/// Settings of Jakarta Persistence, Hibernate and Tomcat.
const XML: [&str; 3] = ["persistence.xml", "hibernate.cfg.xml", "context.xml"];

/// The URIs that a connection string of a driver stands for: SQLAlchemy's `postgresql+psycopg2://`,
/// `r2dbc:pool:postgresql://`, and JDBC's, one for each server it names, with what it says as properties
/// (pgJDBC, "Connecting to the Database").
fn uris(text: &str) -> Vec<String> {
    let Some((scheme, rest)) = text.split_once("://") else { return vec![text.to_owned()] };
    let own = scheme.rsplit(':').next().unwrap_or(scheme);
    let own = own.split('+').next().unwrap_or(own);
    if !scheme.starts_with("jdbc:") {
        return vec![format!("{own}://{rest}")];
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (servers, path) = address.split_once('/').unwrap_or((address, ""));
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let login = value("user")
        .filter(|user| !user.contains(['@', '/', ':', '{']))
        .map_or(String::new(), |user| format!("{user}@"));
    let application =
        value("ApplicationName").map_or(String::new(), |name| format!("?application_name={name}"));
    servers.split(',').map(|server| format!("{own}://{login}{server}/{path}{application}")).collect()
}

/// States the connections a string holds, with the login and the application name.
pub fn connect(text: &str, at: &Where, place: Place, out: &mut Evidence) {
    for uri in uris(text) {
        connect_one(&uri, at, place.clone(), out);
    }
}

fn connect_one(uri: &str, at: &Where, place: Place, out: &mut Evidence) {
    let Some(connection) = commands::database_uri(uri) else { return };
    let host = connection.server.as_ref().filter(|it| !it.starts_with(':') && !it.contains(['{', '$']));
    let Some(server) = host.cloned() else {
        // A default of the environment is often empty: who it is then nobody has written.
        if connection.database.is_some() {
            let detail = "a connection whose host is empty or only known when it runs";
            out.add_gap(Gap::new(place, GapCode::Unresolved, detail));
        }
        return;
    };
    let mut what = at.what(Action::Connect, Resource::database(Some(server), connection.database.clone()));
    for (kind, value) in
        [(MentionKind::User, &connection.user), (MentionKind::Application, &connection.application)]
    {
        if let Some(value) = value {
            what.actor.add(Mention::new(kind, value.clone()));
        }
    }
    if is_settings(place.input.rsplit('/').next().unwrap_or("")) {
        what.traits.insert(Trait::named(IN_SETTINGS));
    }
    out.add_written(what, place);
}

/// The longest line that may give one name a value, in bytes: what is longer is data (pictures, tables on one line).
const MAX_PAIR: usize = 8 * 1024;

/// A name and its value, where a line gives one.
fn pair_of(line: &str) -> Option<regex::Captures<'_>> {
    let may_be = line.len() <= MAX_PAIR && line.contains(['=', ':']);
    may_be.then(|| PAIR.captures(line)).flatten()
}

/// The variables that the text of an env file sets.
pub fn variables(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with(['#', ';']));
    lines.filter_map(pair_of).map(|pair| (pair[1].to_owned(), pair[2].trim().to_owned())).collect()
}

/// States the connection that named values standing together make: host, database and user at least. Names
/// are those of libpq, of drivers and of Django.
pub fn connect_named(named: &BTreeMap<String, String>, at: &Where, place: Place, out: &mut Evidence) {
    let get =
        |names: &[&str]| names.iter().find_map(|name| named.get(*name)).filter(|value| !value.is_empty());
    let engines = ["engine", "type", "dialect", "client", "driver", "provider"].map(|name| named.get(name));
    let postgres = engines
        .iter()
        .flatten()
        .all(|engine| engine.contains("postgres") || matches!(engine.as_str(), "pg" | "cockroachdb"));
    let host = get(&["host", "hostname", "server"]);
    let database = get(&["dbname", "database", "db", "name"]);
    let user = get(&["user", "username"]);
    let (Some(host), Some(database), Some(user), true) = (host, database, user, postgres) else { return };
    let plain = |text: &String| !text.contains(['{', '/', ' ', '@', ':']);
    if !(plain(host) && plain(database) && plain(user)) {
        return;
    }
    let port = get(&["port"]).filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
    if port.is_some_and(|port| other_engine(port)) {
        return;
    }
    let port = port.map_or(String::new(), |port| format!(":{port}"));
    let name = get(&["application_name"]).filter(|name| plain(name));
    let name = name.map_or(String::new(), |name| format!("?application_name={name}"));
    connect(&format!("postgres://{user}@{host}{port}/{database}{name}"), at, place, out);
}

/// How long a line may become by what is put into it, in bytes.
const MAX_LINE: usize = 2 * 1024;

/// A line with the names that the lines before it gave a value put in; others stay as they stand.
fn placeholders_of(line: &str, pairs: &BTreeMap<String, String>) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        out.push_str(before);
        // `${NAME:-default}`, `${NAME:?what to say without it}`.
        let (name, default) = name.split_once(':').unwrap_or((name, ""));
        match (pairs.get(name), default.strip_prefix('-')) {
            (Some(value), _) => out.push_str(value),
            (None, Some(default)) if !is_secret(name) => out.push_str(default),
            (None, _) => out.push_str(&format!("${{{name}}}")),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Reads a settings file; `${NAME}` and `$NAME` are resolved from the file itself. In a compose file each
/// service's settings are its own.
pub fn read(file: &InputFile, text: &str, at: &Where) -> Evidence {
    let mut out = Evidence::new();
    let mut pairs: BTreeMap<String, String> = BTreeMap::new();
    let mut parts: BTreeMap<String, (String, u64)> = BTreeMap::new();
    let mut services = file.name().contains("compose").then(Services::default);
    let (sources, full) = data_sources(file.name(), text);
    if full {
        let detail = format!("MAX_SOURCES: of its data sources the first {MAX_SOURCES} were put together");
        out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Limit, detail));
    }
    others(file, text, &mut out);
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let place = Place::line(&file.path, index as u64 + 1);
        let mut line = line.to_owned();
        if line.contains("${") {
            // Values that hold each other grow without end.
            line = Some(placeholders_of(&line, &pairs)).filter(|it| it.len() <= MAX_LINE).unwrap_or(line);
        }
        let whose = match &mut services {
            None => at.clone(),
            Some(services) => {
                if services.line(&line) {
                    // What was collected belongs to the service before.
                    connect_parts(&std::mem::take(&mut parts), &services.before(at), file, &mut out);
                }
                services.now(at)
            }
        };
        if let Some(pair) = pair_of(&line) {
            let (name, value) = (pair[1].to_owned(), pair[2].trim().to_owned());
            if value.contains("host=") && value.contains("dbname=") {
                connect(&value, &whose, place.clone(), &mut out);
            }
            parts.insert(name.clone(), (value.clone(), index as u64 + 1));
            pairs.insert(name, value);
        }
        if let Some(uri) = sources.get(&(index as u64 + 1)) {
            connect(uri, &whose, place.clone(), &mut out);
            continue;
        }
        for found in DSN.find_iter(&line) {
            connect(found.as_str(), &whose, place.clone(), &mut out);
        }
    }
    let whose = services.map_or_else(|| at.clone(), |services| services.now(at));
    connect_parts(&parts, &whose, file, &mut out);
    out
}

/// How many addresses of data sources a file may have: each is put together from all of its settings.
const MAX_SOURCES: usize = 1000;

/// Engines that the settings connect to and nobody here reads, as one gap: what uses them is not told.
fn others(file: &InputFile, text: &str, out: &mut Evidence) {
    let lines = text.lines().enumerate().map(|(index, line)| (index as u64 + 1, line));
    let lines = lines.filter(|(_, line)| !line.trim_start().starts_with(['#', ';']));
    let written = lines.flat_map(|(at, line)| {
        OTHER_DSN.captures_iter(line).map(move |found| (at, found[1].to_ascii_lowercase()))
    });
    // Spring Data names the engine and not the scheme: `spring.data.mongodb.host`.
    let named = pairs(file.name(), text).into_iter().filter_map(|pair| {
        let (group, last) = pair.name.strip_prefix("spring.data.")?.split_once('.')?;
        let known = ["mongodb", "redis", "cassandra", "neo4j", "couchbase"].contains(&group);
        (known && matches!(last, "host" | "uri" | "url")).then(|| (pair.line, group.to_owned()))
    });
    let found: Vec<(u64, String)> = written.chain(named).collect();
    let Some(first) = found.iter().map(|(line, _)| *line).min() else { return };
    let engines: BTreeSet<&str> = found.iter().map(|(_, engine)| engine.as_str()).collect();
    let engines = engines.into_iter().collect::<Vec<_>>().join(", ");
    let detail = format!("a connection of an engine that is not read: {engines}");
    out.add_gap(Gap::new(Place::line(&file.path, first), GapCode::Unrecognised, detail));
}

/// An attribute of XML settings: `name="…" value="…"`.
static ATTRIBUTES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"name="([^"]+)"(?:\s+value="([^"]*)"|\s*>([^<]*)<)"#)
        .expect("the pattern is a constant of this file")
});

/// Data sources that are written as several settings, by the line of the address: Spring, Quarkus, Hikari,
/// Hibernate. Each document of a file is by itself; placeholders are resolved from the file and by their
/// defaults. Also, whether [`MAX_SOURCES`] was reached.
fn data_sources(name: &str, text: &str) -> (BTreeMap<u64, String>, bool) {
    let all = if XML.contains(&name) {
        let lines = text.lines().enumerate();
        let found = lines.filter_map(|(index, line)| Some((index as u64 + 1, ATTRIBUTES.captures(line)?)));
        let value = |it: &regex::Captures<'_>| {
            it.get(2).or(it.get(3)).map_or(String::new(), |value| value.as_str().to_owned())
        };
        found
            .map(|(line, it)| Pair { name: it[1].to_owned(), value: value(&it), line, document: 0 })
            .collect()
    } else {
        pairs(name, text)
    };
    let mut out = BTreeMap::new();
    let names: Vec<String> =
        all.iter().map(|it| it.name.to_ascii_lowercase().replace(['-', '_'], "")).collect();
    let addresses = all.iter().zip(&names).filter_map(|(pair, name)| {
        let (group, last) = name.rsplit_once('.')?;
        matches!(last, "url" | "jdbcurl").then_some((pair, group))
    });
    let full = addresses.clone().nth(MAX_SOURCES).is_some();
    for (pair, group) in addresses.take(MAX_SOURCES) {
        let known = |name: &str| {
            let own = |it: &&Pair| it.name == name && it.document <= pair.document && it.line != pair.line;
            all.iter().rev().find(own).map(|it| it.value.clone())
        };
        let uri = placeholders(&pair.value, &known);
        if !(uri.contains("postgresql://") || uri.starts_with("postgres://")) {
            continue;
        }
        // `quarkus.datasource.jdbc.url` stands one deeper than its user.
        let groups = [Some(group), group.rsplit_once('.').map(|(above, _)| above)];
        let find = |fits: &dyn Fn(&str) -> bool| {
            let found = groups.iter().flatten().find_map(|group| {
                let own = |name: &String| {
                    name.strip_prefix(*group).and_then(|rest| rest.strip_prefix('.')).is_some_and(fits)
                };
                let mut pairs = all.iter().zip(&names).filter(|(it, _)| it.document == pair.document);
                pairs.find(|(_, name)| own(name)).map(|(it, _)| placeholders(&it.value, &known))
            });
            found.filter(|it| {
                !it.is_empty() && !it.contains(UNKNOWN) && !it.contains(['@', '/', ' ', ':', '&'])
            })
        };
        let user = find(&|own| matches!(own, "username" | "user"));
        // `hikari.data-source-properties.ApplicationName`, pgJDBC's own name for it.
        let application = find(&|own| own.ends_with(".applicationname"));
        let whole = match uri.split_once("://") {
            Some(_) if uri.starts_with("jdbc:") => {
                let mut whole = uri.clone();
                for (name, value) in [("user", user), ("ApplicationName", application)] {
                    if let Some(value) = value.filter(|_| !uri.contains(&format!("{name}="))) {
                        let sign = if whole.contains('?') { '&' } else { '?' };
                        whole.push_str(&format!("{sign}{name}={value}"));
                    }
                }
                whole
            }
            Some((scheme, rest)) if uri.starts_with("r2dbc:") && !rest.contains('@') => {
                user.map_or(uri.clone(), |user| format!("{scheme}://{user}@{rest}"))
            }
            _ => uri,
        };
        out.insert(pair.line, whole);
    }
    (out, full)
}

/// Where in a compose file a line stands.
#[derive(Default)]
struct Services {
    inside: bool,
    indent: usize,
    name: Option<String>,
    last: Option<String>,
}

impl Services {
    /// Follows one line; tells whether another service begins with it.
    fn line(&mut self, line: &str) -> bool {
        let indent = line.len() - line.trim_start().len();
        let key = line.trim().strip_suffix(':').filter(|key| !key.contains([' ', '"', '\'']));
        if indent == 0 && !line.trim().is_empty() {
            self.inside = key == Some("services");
            self.indent = 0;
            self.last = self.name.take();
            return true;
        }
        let Some(key) = key.filter(|_| self.inside) else { return false };
        if self.indent == 0 {
            self.indent = indent;
        }
        if indent != self.indent {
            return false;
        }
        self.last = self.name.replace(key.to_owned());
        true
    }

    fn as_service(at: &Where, name: Option<&String>) -> Where {
        let mut whose = at.clone();
        if let Some(name) = name {
            whose.actor = Actor::new().with(MentionKind::Container, name.as_str());
        }
        whose
    }

    fn now(&self, at: &Where) -> Where {
        Services::as_service(at, self.name.as_ref())
    }

    fn before(&self, at: &Where) -> Where {
        Services::as_service(at, self.last.as_ref())
    }
}

/// Words that say a group of settings is about a database.
const ABOUT_DATABASES: [&str; 6] = ["DB", "PG", "POSTGRES", "SQL", "DATABASE", "DATASOURCE"];

/// `X_HOST`, `X_PORT`, `X_NAME`, `X_USER` with one X that speaks of a database are one connection.
fn connect_parts(pairs: &BTreeMap<String, (String, u64)>, at: &Where, file: &InputFile, out: &mut Evidence) {
    let spelled: BTreeMap<String, &(String, u64)> =
        pairs.iter().map(|(name, value)| (name.to_ascii_uppercase().replace('.', "_"), value)).collect();
    for (name, (host, line)) in &spelled {
        let Some(group) = ["HOSTNAME", "HOST", "SERVER"].iter().find_map(|end| name.strip_suffix(end)) else {
            continue;
        };
        let words: Vec<&str> = group.split('_').filter(|word| !word.is_empty()).collect();
        let about = words.iter().any(|word| ABOUT_DATABASES.contains(word)) || group == "PG";
        let get = |ends: &[&str]| {
            let found = ends.iter().find_map(|end| spelled.get(&format!("{group}{end}")));
            found.map(|(value, _)| value.as_str()).filter(|value| !value.is_empty() && !value.contains('$'))
        };
        let database = get(&["NAME", "DATABASE", "DBNAME", "DB"]);
        let plain = |text: &str| !text.is_empty() && !text.contains(['$', '{', '/', ' ', '<', '@']);
        let (Some(database), true, true) = (database, about, plain(host)) else { continue };
        let port = get(&["PORT"]).map_or(String::new(), |port| format!(":{port}"));
        let user = get(&["USER", "USERNAME", "LOGIN"]).map_or(String::new(), |user| format!("{user}@"));
        if !plain(database) || get(&["PORT"]).is_some_and(|port| port != "5432" && other_engine(port)) {
            continue;
        }
        let uri = format!("postgres://{user}{host}{port}/{database}");
        connect(&uri, at, Place::line(&file.path, *line), out);
    }
}

/// Words of drivers of other engines, and of drivers of PostgreSQL.
const OTHERS: [&str; 9] =
    ["mysql", "maria", "mssql", "oracledb", "cx_Oracle", "mongo", "redis", "clickhouse", "tedious"];
const OURS: [&str; 8] = ["postgres", "psycopg", "pgx", "asyncpg", "'pg'", "\"pg\"", "pg-promise", "slonik"];

/// Whether a call that connects is one of another engine: `mysql.createPool`.
pub fn is_other_engine(callee: &str) -> bool {
    OTHERS.iter().any(|word| callee.contains(word))
}

/// Whether a file speaks of another engine and not of PostgreSQL.
pub fn speaks_of_other_engine(text: &str) -> bool {
    is_other_engine(text) && !OURS.iter().any(|word| text.contains(word))
}

/// Ports on which other engines listen by default: MySQL, SQL Server, Oracle, MongoDB, Redis.
fn other_engine(port: &str) -> bool {
    matches!(port, "3306" | "1433" | "1521" | "27017" | "6379")
}

#[cfg(test)]
mod tests {
    use super::{data_sources, uris};

    #[test]
    fn a_data_source_is_put_together_from_its_settings() {
        let text = "spring:\n  datasource:\n    url: ${URL:jdbc:postgresql://db1:5432/shop}\n    username: web\n    \
                    hikari:\n      data-source-properties:\n        ApplicationName: shop-web\n---\nspring:\n  datasource:\n    \
                    url: jdbc:postgresql://db2/shop\nother:\n  datasource:\n    url: jdbc:mysql://db3/shop\n";
        let found: Vec<(u64, String)> = data_sources("application.yml", text).0.into_iter().collect();
        let first = "jdbc:postgresql://db1:5432/shop?user=web&ApplicationName=shop-web";
        assert_eq!(found, [(3, first.to_owned()), (11, "jdbc:postgresql://db2/shop".to_owned())]);
        let xml = "<property name=\"jakarta.persistence.jdbc.url\" value=\"jdbc:postgresql://db1/shop\"/>\n\
                   <property name=\"jakarta.persistence.jdbc.user\" value=\"web\"/>\n";
        let found: Vec<(u64, String)> = data_sources("persistence.xml", xml).0.into_iter().collect();
        assert_eq!(found, [(1, "jdbc:postgresql://db1/shop?user=web".to_owned())]);
    }

    #[test]
    fn an_address_of_jdbc_may_name_several_servers() {
        assert_eq!(
            uris("jdbc:postgresql://a:5432,b:5433/shop?user=web&ApplicationName=x"),
            [
                "postgresql://web@a:5432/shop?application_name=x",
                "postgresql://web@b:5433/shop?application_name=x"
            ]
        );
        assert_eq!(uris("postgresql+psycopg2://web:p@a/shop"), ["postgresql://web:p@a/shop"]);
    }
}
