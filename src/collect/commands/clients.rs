//! Clients of SQL engines, a row each: which options name the server, the database, the statements and files (the
//! clients' manual pages and `--help` texts), and what lines of a script are the client's own. Passwords are never
//! looked at.

use super::options::Options;
use super::{Call, Commands, Out, is_input, split_login};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{Action, Connection, Resource, Text};
use crate::sql::Dialect;

/// What stands in the plain words of a call, in order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plain {
    /// The server, perhaps with its port behind.
    Server,
    /// A port.
    Port,
    /// The database.
    Database,
    /// A file that is the database.
    File,
    /// A statement, or a file where one of that name ends in `.sql`.
    Statement,
}

/// One client.
pub struct Client {
    names: &'static [&'static str],
    dialect: Dialect,
    /// Letters and names that take a value, for [`Options::of`].
    shorts: &'static str,
    longs: &'static [&'static str],
    server: &'static [&'static str],
    port: &'static [&'static str],
    user: &'static [&'static str],
    database: &'static [&'static str],
    /// Options whose value is SQL, and those whose value is a file of it.
    sql: &'static [&'static str],
    file: &'static [&'static str],
    output: &'static [&'static str],
    plain: &'static [Plain],
    /// Whether long options have one dash.
    one_dash: bool,
    /// Variables that name the server, the user and the database.
    variables: [&'static str; 3],
}

/// Nothing: what most rows have.
const NONE: Client = Client {
    names: &[],
    dialect: Dialect::Generic,
    shorts: "",
    longs: &[],
    server: &[],
    port: &[],
    user: &[],
    database: &[],
    sql: &[],
    file: &[],
    output: &[],
    plain: &[],
    one_dash: false,
    variables: ["", "", ""],
};

/// The table.
pub static CLIENTS: [Client; 12] = [
    // mysql(1), mariadb(1): a password is only ever glued to its letter.
    Client {
        names: &["mysql", "mariadb", "mycli"],
        dialect: Dialect::MySql,
        shorts: "hPuDeSp?",
        longs: &[
            "host",
            "port",
            "user",
            "database",
            "execute",
            "socket",
            "defaults-file",
            "defaults-extra-file",
            "default-character-set",
            "protocol",
            "ssl-ca",
            "ssl-mode",
            "login-path",
            "delimiter",
            "init-command",
        ],
        server: &["h", "host"],
        port: &["P", "port"],
        user: &["u", "user"],
        database: &["D", "database"],
        sql: &["e", "execute", "init-command"],
        plain: &[Plain::Database],
        variables: ["MYSQL_HOST", "", ""],
        ..NONE
    },
    // sqlcmd, osql: Microsoft, "sqlcmd utility".
    Client {
        names: &["sqlcmd", "osql"],
        dialect: Dialect::MsSql,
        shorts: "SdUPQqiovwhsltaHKym",
        server: &["S"],
        user: &["U"],
        database: &["d"],
        sql: &["Q", "q"],
        file: &["i"],
        output: &["o"],
        variables: ["SQLCMDSERVER", "SQLCMDUSER", "SQLCMDDBNAME"],
        ..NONE
    },
    // FreeTDS: tsql(1), bsqldb(1), fisql(1).
    Client {
        names: &["tsql", "fisql", "bsqldb"],
        dialect: Dialect::MsSql,
        shorts: "SHpUPDCio",
        server: &["S", "H"],
        port: &["p"],
        user: &["U"],
        database: &["D"],
        file: &["i"],
        output: &["o"],
        ..NONE
    },
    // Apache Hive, "LanguageManual CLI" and "HiveServer2 Clients".
    Client {
        names: &["hive", "spark-sql"],
        dialect: Dialect::Hive,
        shorts: "efid",
        longs: &["database", "hiveconf", "hivevar", "define", "master", "conf", "jars", "name", "queue"],
        database: &["database"],
        sql: &["e"],
        file: &["f", "i"],
        ..NONE
    },
    Client {
        names: &["beeline"],
        dialect: Dialect::Hive,
        shorts: "unpefdi",
        longs: &["hiveconf", "hivevar"],
        server: &["u"],
        user: &["n"],
        sql: &["e"],
        file: &["f", "i"],
        ..NONE
    },
    Client {
        names: &["impala-shell"],
        dialect: Dialect::Hive,
        shorts: "iqfdou",
        longs: &["impalad", "query", "query_file", "database", "output_file", "user"],
        server: &["i", "impalad"],
        user: &["u", "user"],
        database: &["d", "database"],
        sql: &["q", "query"],
        file: &["f", "query_file"],
        output: &["o", "output_file"],
        ..NONE
    },
    // ClickHouse documentation, "Command-line client".
    Client {
        names: &["clickhouse-client"],
        dialect: Dialect::ClickHouse,
        shorts: "hudqf",
        longs: &[
            "host",
            "port",
            "user",
            "password",
            "database",
            "query",
            "queries-file",
            "format",
            "config-file",
        ],
        server: &["h", "host"],
        port: &["port"],
        user: &["u", "user"],
        database: &["d", "database"],
        sql: &["q", "query"],
        file: &["queries-file"],
        ..NONE
    },
    // sqlite3(1), DuckDB documentation, "Command Line Arguments": long options have one dash.
    Client {
        names: &["sqlite3", "sqlite"],
        dialect: Dialect::Sqlite,
        longs: &["separator", "cmd", "init", "newline", "nullvalue"],
        one_dash: true,
        plain: &[Plain::File, Plain::Statement],
        ..NONE
    },
    Client {
        names: &["duckdb"],
        dialect: Dialect::DuckDb,
        longs: &["separator", "cmd", "init", "newline", "nullvalue"],
        one_dash: true,
        shorts: "csf",
        sql: &["c", "s"],
        file: &["f"],
        plain: &[Plain::File, Plain::Statement],
        ..NONE
    },
    // cqlsh(1): CQL reads and writes tables as SQL does.
    Client {
        names: &["cqlsh"],
        shorts: "upekf",
        longs: &["username", "password", "execute", "keyspace", "file", "request-timeout"],
        user: &["u", "username"],
        database: &["k", "keyspace"],
        sql: &["e", "execute"],
        file: &["f", "file"],
        plain: &[Plain::Server, Plain::Port],
        variables: ["CQLSH_HOST", "", ""],
        ..NONE
    },
    // Trino documentation, "Command line interface".
    Client {
        names: &["trino", "presto"],
        dialect: Dialect::Generic,
        shorts: "f",
        longs: &["server", "user", "catalog", "schema", "execute", "file", "output-format"],
        server: &["server"],
        user: &["user"],
        database: &["catalog"],
        sql: &["execute"],
        file: &["f", "file"],
        ..NONE
    },
    // Vertica documentation, "vsql command-line options"; isql of unixODBC names a data source, not a server.
    Client {
        names: &["vsql"],
        dialect: Dialect::Postgres,
        shorts: "hpUwdcfovFRPT",
        longs: &["host", "port", "username", "password", "dbname", "command", "file", "output"],
        server: &["h", "host"],
        port: &["p", "port"],
        user: &["U", "username"],
        database: &["d", "dbname"],
        sql: &["c", "command"],
        file: &["f", "file"],
        output: &["o", "output"],
        plain: &[Plain::Database],
        one_dash: false,
        variables: ["VSQL_HOST", "VSQL_USER", "VSQL_DATABASE"],
    },
];

impl Commands for Client {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = if self.one_dash {
            Options::of(&two_dashes(&call.words), self.shorts, self.longs)
        } else {
            Options::of(&call.words, self.shorts, self.longs)
        };
        self.told(call, &options, out);
    }
}

/// Long options with one dash, as two dashes have them.
fn two_dashes(words: &[String]) -> Vec<String> {
    let long = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.len() > 2;
    words.iter().map(|word| if long(word) { format!("-{word}") } else { word.clone() }).collect()
}

/// A name that is known as a whole.
pub(super) fn known(text: Option<&str>) -> Option<Text> {
    let text = text?.trim();
    (!text.is_empty() && !text.contains("{}")).then(|| Text::from(scrub_name(text)))
}

/// `host:port`, of a host and a port where one is known.
pub(super) fn at_port(host: Option<Text>, port: Option<&str>) -> Option<Text> {
    let host = host?;
    let port = port.filter(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    Some(match port {
        Some(port) if !host.contains([':', '/', '\\']) => Text::from(format!("{host}:{port}")),
        _ => host,
    })
}

/// The address and the database of a JDBC URL or one like it: `jdbc:hive2://host:10000/sales;ssl=true`.
fn url(text: &str) -> Option<(Option<Text>, Option<Text>)> {
    let (_, rest) = text.split_once("://")?;
    let (_, rest) = split_login(rest);
    let rest = rest.split([';', '?']).next().unwrap_or(rest);
    let (server, database) = rest.split_once('/').unwrap_or((rest, ""));
    Some((known(Some(server)), known(Some(database))))
}

impl Client {
    fn told(&self, call: &Call, options: &Options, out: &mut Out<'_>) {
        let (connection, statements, file) = self.connection(call, options, out);
        let whole = Resource::database(connection.server.clone(), connection.database.clone());
        if connection.server.is_some() || connection.database.is_some() {
            out.add(call, Some(&connection), Action::Connect, whole);
        }
        if let Some(file) = file {
            out.add(call, None, Action::Read, file);
        }
        let mut given = false;
        let sql = options.all(self.sql).map(str::to_owned).chain(statements);
        for sql in sql.filter(|sql| !sql.is_empty()) {
            given = true;
            self.script(call, &connection, &sql, out);
        }
        for path in options.all(self.file).filter(|path| !is_input(path)) {
            given = true;
            out.runs(call, path, connection.clone());
        }
        for path in options.all(self.output) {
            out.add_file(call, Action::Write, path);
        }
        if given {
            return;
        }
        if call.piped {
            let detail = format!(
                "{} reads statements that another command makes: they are only known when it runs",
                call.name()
            );
            out.unresolved(call, &detail);
        }
        if let Some(text) = &call.stdin {
            self.script(call, &connection, text, out);
        }
        if let Some(path) = &call.stdin_file {
            out.runs(call, path, connection.clone());
        }
    }

    /// Where a call connects, the statements among its plain words, and the file that is its database.
    fn connection(
        &self,
        call: &Call,
        options: &Options,
        out: &Out<'_>,
    ) -> (Connection, Vec<String>, Option<Resource>) {
        let variable = |at: usize| call.env.get(self.variables[at]).map(String::as_str);
        let mut port = options.get(self.port).map(str::to_owned);
        let mut server = options.get(self.server).or(variable(0)).map(str::to_owned);
        let mut database = options.get(self.database).or(variable(2)).map(str::to_owned);
        let (mut statements, mut file) = (Vec::new(), None);
        let mut places = self.plain.iter();
        for word in options.known() {
            match places.next() {
                Some(Plain::Server) => server = Some(word.to_owned()),
                Some(Plain::Port) => port = Some(word.to_owned()),
                Some(Plain::Database) => database = Some(word.to_owned()),
                Some(Plain::File) if word == ":memory:" => {}
                Some(Plain::File) if word.contains("{}") => {}
                Some(Plain::File) => {
                    let resource = out.file(word, call);
                    server = resource.server.as_deref().map(str::to_owned);
                    database = resource.parts.first().map(|path| path.to_string());
                    file = Some(resource);
                }
                Some(Plain::Statement) => statements.push(word.to_owned()),
                None => break,
            }
        }
        let settings = settings(call, options, out);
        let at_url = server.as_deref().and_then(url);
        let (server, named) = match at_url {
            Some((server, named)) => (server, named),
            None => (known(server.as_deref()).map(|server| plain_server(&server)), None),
        };
        let server = at_port(server, port.as_deref()).or(settings.server);
        let user = known(options.get(self.user).or(variable(1))).or(settings.user);
        let database = known(database.as_deref()).or(named).or(settings.database);
        (Connection { server, user, database, application: None }, statements, file)
    }

    /// Statements with the lines that are the client's own taken out.
    fn script(&self, call: &Call, connection: &Connection, text: &str, out: &mut Out<'_>) {
        let mut sql = String::with_capacity(text.len());
        for line in text.lines() {
            match own_line(self.dialect, line.trim()) {
                Own::No => {
                    sql.push_str(line);
                    sql.push('\n');
                }
                Own::Ends => sql.push_str(";\n"),
                Own::Runs(file) => out.runs(call, file, connection.clone()),
                Own::Writes(file) => out.add_file(call, Action::Write, file),
                Own::Reads(file) => out.add_file(call, Action::Read, file),
                Own::Nothing => sql.push('\n'),
            }
        }
        if !sql.trim().is_empty() {
            out.sql(call, connection, self.dialect, &sql, false);
        }
    }
}

/// A server as Microsoft's clients spell it: `tcp:db1,1433` is `db1:1433`.
fn plain_server(server: &str) -> Text {
    let server = server.strip_prefix("tcp:").unwrap_or(server);
    match server.rsplit_once(',') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            Text::from(format!("{host}:{port}"))
        }
        _ => Text::from(server),
    }
}

/// What a line of a script is to the client itself.
enum Own<'l> {
    /// It is SQL.
    No,
    /// It ends a batch.
    Ends,
    /// It runs a file.
    Runs(&'l str),
    /// It writes one.
    Writes(&'l str),
    /// It reads one.
    Reads(&'l str),
    /// It changes nothing that is told here.
    Nothing,
}

fn own_line(dialect: Dialect, line: &str) -> Own<'_> {
    let lower = line.to_ascii_lowercase();
    let behind =
        |word: &str| lower.starts_with(word).then(|| line[word.len()..].trim().trim_matches(['\'', '"']));
    match dialect {
        // mysql(1), "mysql Client Commands".
        Dialect::MySql => match behind("source ").or_else(|| behind("\\. ")) {
            Some(file) => Own::Runs(file.trim_end_matches(';')),
            None => match behind("tee ").or_else(|| behind("\\t ")) {
                Some(file) => Own::Writes(file.trim_end_matches(';')),
                None if lower.starts_with("delimiter ") || lower.starts_with("\\") => Own::Nothing,
                None => Own::No,
            },
        },
        // sqlcmd utility, "sqlcmd Commands".
        Dialect::MsSql => match behind(":r ") {
            Some(file) => Own::Runs(file),
            None if lower == "go" || lower.starts_with("go ") => Own::Ends,
            None if lower.starts_with(':') || lower == "exit" || lower == "quit" => Own::Nothing,
            None => Own::No,
        },
        // sqlite3(1), "dot-commands".
        Dialect::Sqlite | Dialect::DuckDb => match behind(".read ") {
            Some(file) => Own::Runs(file),
            None => match (behind(".output "), behind(".import ")) {
                (Some(file), _) => Own::Writes(if file == "stdout" { "-" } else { file }),
                (_, Some(rest)) => Own::Reads(rest.split_whitespace().next().unwrap_or("-")),
                _ if lower.starts_with('.') => Own::Nothing,
                _ => Own::No,
            },
        },
        // Beeline's and Hive's own commands begin with `!`.
        Dialect::Hive if lower.starts_with('!') => Own::Nothing,
        _ => Own::No,
    }
}

/// What a settings file of MySQL that the call names says of where to connect (reference manual, "Using Option
/// Files").
pub(super) fn settings(call: &Call, options: &Options, out: &Out<'_>) -> Connection {
    let file = options.get(&["defaults-file", "defaults-extra-file"]);
    let Some(text) = file.and_then(|file| out.text_of(file, call)) else { return Connection::default() };
    let (mut host, mut port, mut user, mut database) = (None, None, None, None);
    for line in text.lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let value = value.trim().trim_matches(['"', '\'']);
        match name.trim() {
            "host" => host = known(Some(value)),
            "port" => port = Some(value.to_owned()),
            "user" => user = known(Some(value)),
            "database" => database = known(Some(value)),
            _ => {}
        }
    }
    Connection { server: at_port(host, port.as_deref()), user, database, application: None }
}
