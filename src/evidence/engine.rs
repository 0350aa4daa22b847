//! Engines that hold data, a row each: what settings, drivers and URLs call them, the port they listen on when none is
//! said, and where a name without a schema lies. It never says which engine a server is: a connection that names one
//! bears the trait [`ENGINE`].

/// The trait of a connection that names its engine, with the engine's name as its value. PostgreSQL's bears none:
/// what nobody says otherwise is named by its rules.
pub const ENGINE: &str = "engine";

/// What an engine keeps, and with it where a name without a schema lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// Tables; this schema is looked in when none is said.
    Schema(&'static str),
    /// Tables; a schema is a database (MySQL 8.4 Reference Manual, 9.2.2 "Identifier Qualifiers").
    Databases,
    /// Tables of which nobody knows the schema: it is the login's own, or the settings of the server say it.
    Tables,
    /// Documents: no statement of SQL means them.
    Documents,
    /// Keys: no statement of SQL means them.
    Keys,
    /// Nothing that others reach: a file beside the program.
    File,
}

/// One engine.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Engine {
    /// Its name in reports.
    pub name: &'static str,
    /// What settings, drivers and the schemes of URLs call it, in lower case.
    pub words: &'static [&'static str],
    /// The port that is meant when none is said; 0: there is none.
    pub port: u16,
    /// What it keeps.
    pub holds: Holds,
}

const fn row(name: &'static str, port: u16, holds: Holds, words: &'static [&'static str]) -> Engine {
    Engine { name, words, port, holds }
}

/// Ports at which nothing else than the engine they are the usual one of is to be expected (Oracle's listener, MySQL,
/// SQL Server, Redis, MongoDB): that of Redshift is a second PostgreSQL's elsewhere.
const UNMISTAKABLE: [u16; 5] = [1433, 1521, 3306, 6379, 27017];

/// PostgreSQL, which bears no trait.
pub const POSTGRES: &str = "postgresql";

/// The table. Ports are those that the engines' own documentation calls the default.
pub static ENGINES: [Engine; 19] = [
    row(
        POSTGRES,
        5432,
        Holds::Schema("public"),
        &[
            "postgresql",
            "postgres",
            "pgsql",
            "pg",
            "postgis",
            "npgsql",
            "psycopg",
            "psycopg2",
            "asyncpg",
            "pgx",
            "cockroachdb",
        ],
    ),
    row(
        "mysql",
        3306,
        Holds::Databases,
        &[
            "mysql",
            "mysql2",
            "mysqli",
            "mysqldb",
            "mysqlclient",
            "pymysql",
            "aiomysql",
            "asyncmy",
            "mysqlconnector",
            "tidb",
        ],
    ),
    row("mariadb", 3306, Holds::Databases, &["mariadb", "mariadbconnector"]),
    row(
        "mssql",
        1433,
        Holds::Schema("dbo"),
        &[
            "mssql",
            "sqlserver",
            "sqlsrv",
            "dblib",
            "tedious",
            "pymssql",
            "mssqlnative",
            "freetds",
            "sqloledb",
            "msoledbsql",
            "sqlncli",
            "sqlncli11",
        ],
    ),
    row("oracle", 1521, Holds::Tables, &["oracle", "oracledb", "oci", "oci8", "cx_oracle"]),
    row("db2", 50000, Holds::Tables, &["db2", "ibm_db_sa", "ibm_db"]),
    row("clickhouse", 0, Holds::Databases, &["clickhouse", "clickhousedb", "ch"]),
    row("redshift", 5439, Holds::Schema("public"), &["redshift"]),
    row("snowflake", 0, Holds::Tables, &["snowflake"]),
    row("vertica", 5433, Holds::Schema("public"), &["vertica"]),
    row("firebird", 3050, Holds::Tables, &["firebird", "firebirdsql"]),
    row("sybase", 0, Holds::Tables, &["sybase"]),
    row("cassandra", 9042, Holds::Documents, &["cassandra"]),
    row("couchbase", 0, Holds::Documents, &["couchbase"]),
    row("neo4j", 7687, Holds::Documents, &["neo4j", "bolt"]),
    row("mongodb", 27017, Holds::Documents, &["mongodb", "mongo", "mongoose"]),
    row("redis", 6379, Holds::Keys, &["redis", "rediss", "valkey", "predis", "phpredis", "ioredis"]),
    row(
        "sqlite",
        0,
        Holds::File,
        &["sqlite", "sqlite2", "sqlite3", "aiosqlite", "sqljs", "spatialite", "better"],
    ),
    row("h2", 0, Holds::File, &["h2", "hsqldb", "derby", "duckdb", "tc"]),
];

impl Engine {
    /// The engine of exactly this name or word, in any case.
    pub fn of_word(word: &str) -> Option<&'static Engine> {
        let word = word.to_ascii_lowercase();
        ENGINES.iter().find(|engine| engine.words.contains(&word.as_str()))
    }

    /// The engine that a value of settings names, as a whole or in one of its parts: `mysql2`, `mysql+pymysql`,
    /// `django.db.backends.mysql`, `com.mysql.cj.jdbc.Driver`, `postgresql_backend`.
    pub fn of_value(value: &str) -> Option<&'static Engine> {
        let whole = value.to_ascii_lowercase().replace("sql server", "sqlserver");
        Engine::of_word(&whole)
            .or_else(|| {
                whole.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').find_map(Engine::of_word)
            })
            .or_else(|| whole.split(|c: char| !c.is_ascii_alphanumeric()).find_map(Engine::of_word))
    }

    /// Whether statements of SQL may mean what it keeps.
    pub fn has_tables(&self) -> bool {
        matches!(self.holds, Holds::Schema(_) | Holds::Databases | Holds::Tables)
    }

    /// The engine whose usual port this is, where it is that of nothing else. MariaDB's is MySQL's.
    pub fn of_port(port: &str) -> Option<&'static Engine> {
        let number: u16 = port.parse().ok().filter(|number| UNMISTAKABLE.contains(number))?;
        ENGINES.iter().find(|engine| engine.port == number)
    }

    /// Whether a port is the usual one of an engine other than PostgreSQL, and of nothing else.
    pub fn is_usual_port(port: &str) -> bool {
        port.parse().is_ok_and(|port: u16| UNMISTAKABLE.contains(&port))
    }
}

#[cfg(test)]
mod tests {
    use super::{ENGINES, Engine};
    use std::collections::BTreeMap;

    #[test]
    fn a_value_names_an_engine_as_a_whole_or_in_a_part() {
        for (value, want) in [
            ("django.db.backends.mysql", Some("mysql")),
            ("mysql+pymysql", Some("mysql")),
            ("com.microsoft.sqlserver.jdbc.SQLServerDriver", Some("mssql")),
            ("ODBC Driver 17 for SQL Server", Some("mssql")),
            ("org.postgresql.Driver", Some("postgresql")),
            ("better-sqlite3", Some("sqlite")),
            ("mysqlx-tools", None),
            ("application", None),
        ] {
            assert_eq!(Engine::of_value(value).map(|it| it.name), want, "{value}");
        }
    }

    #[test]
    fn no_word_means_two_engines() {
        let mut of: BTreeMap<&str, &str> = BTreeMap::new();
        for engine in &ENGINES {
            for word in engine.words {
                assert_eq!(of.insert(word, engine.name), None, "{word}");
            }
        }
    }
}
