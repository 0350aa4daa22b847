//! MongoDB's shells and tools (MongoDB documentation, "mongosh", "mongodump", "mongoexport" …): which collections a
//! script reads and writes, and what is dumped and restored. Of a script only calls on `db` are read, it is never run.
//! Passwords are never looked at.

use super::clients::{at_port, known};
use super::options::Options;
use super::{Call, Commands, Out, split_login};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{Action, Class, Connection, Resource, Text, What};
use regex::Regex;
use std::sync::LazyLock;

/// mongosh and mongo.
pub struct Shell;
/// mongodump, mongorestore, mongoexport, mongoimport.
pub struct Tools;

const LONGS: [&str; 22] = [
    "host",
    "port",
    "username",
    "password",
    "authenticationDatabase",
    "authenticationMechanism",
    "eval",
    "db",
    "collection",
    "uri",
    "out",
    "dir",
    "numParallelCollections",
    "query",
    "file",
    "type",
    "fields",
    "mode",
    "excludeCollection",
    "tlsCAFile",
    "sslCAFile",
    "readPreference",
];

/// `mongodb://user:password@host:port/database?…`, also `mongodb+srv://`.
fn uri(text: &str) -> Option<(Option<Text>, Option<Text>, Option<Text>)> {
    let rest = text.strip_prefix("mongodb://").or_else(|| text.strip_prefix("mongodb+srv://"))?;
    let (login, rest) = split_login(rest);
    let user = login.split(':').next().unwrap_or("");
    let rest = rest.split('?').next().unwrap_or(rest);
    let (server, database) = rest.split_once('/').unwrap_or((rest, ""));
    Some((known(Some(server)), known(Some(user)), known(Some(database))))
}

/// Where a call connects, by options and the plain word that says so.
fn connection(options: &Options, place: Option<&str>) -> Connection {
    let stated = options.get(&["uri"]).or(place).and_then(uri);
    let user = known(options.get(&["u", "username"]));
    if let Some((server, in_uri, database)) = stated {
        let database = database.or_else(|| known(options.get(&["d", "db"])));
        return Connection { server, user: user.or(in_uri), database, application: None };
    }
    // `host:port/database`, or a database alone.
    let (server, database) = match place.and_then(|place| place.split_once('/')) {
        Some((server, database)) => (known(Some(server)), known(Some(database))),
        None => (None, known(place)),
    };
    // `--host set/a,b` names a replica set.
    let host =
        options.get(&["h", "host"]).map(|host| host.split_once('/').map_or(host, |(_, members)| members));
    Connection {
        server: server.or_else(|| at_port(known(host), options.get(&["port"]))),
        user,
        database: database.or_else(|| known(options.get(&["d", "db"]))),
        application: None,
    }
}

/// `db.orders.find(`, `db.getCollection("orders").find(`, `db.getSiblingDB("shop").orders.find(`.
static CALL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?x) \bdb (?: \s*\.\s* getSiblingDB \( \s* ["'] (?P<db>[\w-]+) ["'] \s* \) )?
        \s*\.\s* (?: getCollection \( \s* ["'] (?P<named>[^"']+) ["'] \s* \) | (?P<plain>[A-Za-z_][\w.]*?) )
        \s*\.\s* (?P<method>[A-Za-z]+) \s* \( "#,
    )
    .expect("the pattern is a constant of this file and its tests compile it")
});

/// `use shop` on a line of its own.
static USE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*use\s+([\w-]+)\s*;?\s*$")
        .expect("the pattern is a constant of this file and its tests compile it")
});

/// What a method of a collection does to it (MongoDB documentation, "Collection Methods").
fn action(method: &str) -> Option<Action> {
    Some(match method {
        "find"
        | "findOne"
        | "aggregate"
        | "count"
        | "countDocuments"
        | "estimatedDocumentCount"
        | "distinct"
        | "mapReduce"
        | "watch"
        | "stats"
        | "dataSize" => Action::Read,
        "insert" | "insertOne" | "insertMany" | "update" | "updateOne" | "updateMany" | "replaceOne"
        | "save" | "remove" | "deleteOne" | "deleteMany" | "findAndModify" | "findOneAndUpdate"
        | "findOneAndReplace" | "findOneAndDelete" | "bulkWrite" => Action::Write,
        "drop" | "createIndex" | "createIndexes" | "ensureIndex" | "dropIndex" | "dropIndexes"
        | "reIndex" | "renameCollection" | "validate" => Action::Touch,
        _ => return None,
    })
}

/// What calls on `db` in a script do.
fn script(call: &Call, connection: &Connection, text: &str, out: &mut Out<'_>) {
    let uses: Vec<(usize, &str)> = USE
        .captures_iter(text)
        .filter_map(|found| found.get(1))
        .map(|name| (name.start(), name.as_str()))
        .collect();
    for found in CALL.captures_iter(text) {
        let start = found.get(0).map_or(0, |whole| whole.start());
        let Some(name) = found.name("named").or(found.name("plain")).map(|name| name.as_str()) else {
            continue;
        };
        let Some(action) = found.name("method").and_then(|method| action(method.as_str())) else { continue };
        if name.contains("{}") {
            out.unresolved(call, "a statement whose table is only known when it runs");
            continue;
        }
        let used = uses.iter().rev().find(|(at, _)| *at < start).map(|(_, name)| *name);
        let database = known(found.name("db").map(|name| name.as_str()).or(used));
        let database = database.or_else(|| connection.database.clone());
        let table = Resource::table(vec![Text::from(scrub_name(name))]);
        out.add(call, Some(connection), action, table.at(connection.server.as_ref(), database.as_ref()));
    }
}

impl Commands for Shell {
    fn names(&self) -> &'static [&'static str] {
        &["mongo", "mongosh"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "uph", &LONGS);
        let mut words = options.known().filter(|word| !word.ends_with(".js"));
        let connection = connection(&options, words.next());
        if connection.server.is_some() || connection.database.is_some() {
            let whole = Resource::database(connection.server.clone(), connection.database.clone());
            out.add(call, Some(&connection), Action::Connect, whole);
        }
        for file in options.known().filter(|word| word.ends_with(".js")) {
            out.runs(call, file, connection.clone());
        }
        for text in options.all(&["eval"]).map(str::to_owned).chain(call.stdin.clone()) {
            script(call, &connection, &text, out);
        }
        if let Some(path) = &call.stdin_file {
            out.runs(call, path, connection.clone());
        }
    }
}

impl Commands for Tools {
    fn names(&self) -> &'static [&'static str] {
        &["mongodump", "mongorestore", "mongoexport", "mongoimport"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "uphdcoqfkj", &LONGS);
        let connection = connection(&options, options.known().find(|word| word.contains("://")));
        let outward = matches!(call.name(), "mongodump" | "mongoexport");
        let files = if outward { ["o", "out", "archive"] } else { ["file", "dir", "archive"] };
        // `--archive` alone is standard output or input; a file is glued to it.
        for path in options.all(&files) {
            out.add_file(call, if outward { Action::Write } else { Action::Read }, path);
        }
        for path in options.known().filter(|word| !outward && !word.contains("://")) {
            out.add_file(call, Action::Read, path);
        }
        let collection = known(options.get(&["c", "collection"]));
        let resource = match collection {
            Some(name) => {
                Resource::table(vec![name]).at(connection.server.as_ref(), connection.database.as_ref())
            }
            None if connection.server.is_some() || connection.database.is_some() => {
                Resource::database(connection.server.clone(), connection.database.clone())
            }
            None => {
                out.unresolved(call, "a dump of which server and database are only known when it runs");
                return;
            }
        };
        let action = if outward { Action::Read } else { Action::Write };
        let class = if call.name() == "mongodump" { Class::Backup } else { Class::App };
        let what = What { class, ..out.what(action, resource) };
        out.add_use(call, Some(&connection), what);
    }
}
