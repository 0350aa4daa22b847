//! Programs of MySQL and MariaDB beside their client: `mysqldump`, `mysqladmin`, `mysqlimport` (their manual pages).
//! Passwords are never looked at.

use super::clients::{at_port, known, settings};
use super::options::Options;
use super::{Call, Commands, Out};
use crate::evidence::{Action, Class, Connection, Resource, Text, What};

/// mysqldump(1), mysqlpump(1).
pub struct Dump;
/// mysqladmin(1).
pub struct Admin;
/// mysqlimport(1).
pub struct Import;

const LONGS: [&str; 16] = [
    "host",
    "port",
    "user",
    "socket",
    "defaults-file",
    "defaults-extra-file",
    "result-file",
    "tab",
    "where",
    "ignore-table",
    "default-character-set",
    "protocol",
    "ssl-ca",
    "ssl-mode",
    "fields-terminated-by",
    "columns",
];

fn connection(call: &Call, options: &Options, out: &Out<'_>) -> Connection {
    let settings = settings(call, options, out);
    let host = known(options.get(&["h", "host"]).or(call.env.get("MYSQL_HOST").map(String::as_str)));
    Connection {
        server: at_port(host, options.get(&["P", "port"])).or(settings.server),
        user: known(options.get(&["u", "user"])).or(settings.user),
        database: None,
        application: None,
    }
}

/// A table of a database, which is its schema.
fn table(connection: &Connection, database: &Text, name: &str) -> Resource {
    let parts = vec![database.clone(), Text::from(name)];
    Resource::table(parts).at(connection.server.as_ref(), Some(database))
}

impl Commands for Dump {
    fn names(&self) -> &'static [&'static str] {
        &["mysqldump", "mariadb-dump", "mysqlpump", "mysqlhotcopy"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "hPuSrwTp?", &LONGS);
        let connection = connection(call, &options, out);
        for path in options.all(&["r", "result-file"]) {
            out.add_file(call, Action::Write, path);
        }
        let names: Vec<&str> = options.known().collect();
        let whole = |database: Option<Text>| Resource::database(connection.server.clone(), database);
        let resources: Vec<Resource> = if options.has(&["A", "all-databases"]) {
            vec![whole(None)]
        } else if options.has(&["B", "databases"]) {
            names.iter().filter_map(|name| known(Some(name))).map(|name| whole(Some(name))).collect()
        } else {
            match names.split_first() {
                Some((database, tables)) => match known(Some(database)) {
                    Some(database) if tables.is_empty() => vec![whole(Some(database))],
                    Some(database) => {
                        let known = tables.iter().filter(|table| !table.contains("{}"));
                        known.map(|name| table(&connection, &database, name)).collect()
                    }
                    None => Vec::new(),
                },
                None => Vec::new(),
            }
        };
        let nothing = Resource::database(None, None);
        if resources.iter().all(|resource| *resource == nothing) {
            let detail = "a dump of which server and database are only known when it runs";
            out.unresolved(call, detail);
            return;
        }
        for resource in resources {
            let what = What { class: Class::Backup, ..out.what(Action::Read, resource) };
            out.add_use(call, Some(&connection), what);
        }
    }
}

impl Commands for Admin {
    fn names(&self) -> &'static [&'static str] {
        &["mysqladmin", "mariadb-admin"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "hPuSiwp?", &LONGS);
        let connection = connection(call, &options, out);
        let mut words = options.known();
        match (words.next(), words.next().map(|name| known(Some(name)))) {
            (Some("create" | "drop"), Some(Some(name))) => {
                let database = Resource::database(connection.server.clone(), Some(name));
                out.add(call, Some(&connection), Action::Touch, database);
            }
            (Some(_), _) if connection.server.is_some() => {
                let server = Resource::database(connection.server.clone(), None);
                let what = What { class: Class::Monitoring, ..out.what(Action::Connect, server) };
                out.add_use(call, Some(&connection), what);
            }
            _ => {}
        }
    }
}

impl Commands for Import {
    fn names(&self) -> &'static [&'static str] {
        &["mysqlimport", "mariadb-import"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "hPuScp?", &LONGS);
        let connection = connection(call, &options, out);
        let mut words = options.known();
        let Some(database) = words.next() else { return };
        for path in words {
            out.add_file(call, Action::Read, path);
            // The table is called like the file, without what stands behind the first dot.
            let name = path.rsplit('/').next().unwrap_or(path);
            let name = name.split('.').next().unwrap_or(name);
            if let Some(database) = known(Some(database)).filter(|_| !name.is_empty() && !name.contains('{'))
            {
                out.add(call, Some(&connection), Action::Write, table(&connection, &database, name));
            }
        }
    }
}
