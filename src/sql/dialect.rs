//! Whose SQL it is: which parser dialect, how names fold. It never guesses from a statement.

use sqlparser::dialect as parser;

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Nobody's in particular.
    Generic,
    /// PostgreSQL and its kin.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// SQL Server.
    MsSql,
    /// Oracle.
    Oracle,
    /// SQLite.
    Sqlite,
    /// Snowflake.
    Snowflake,
    /// BigQuery.
    BigQuery,
    /// Redshift.
    Redshift,
    /// Hive and Spark.
    Hive,
    /// ClickHouse.
    ClickHouse,
    /// DuckDB.
    DuckDb,
    /// Databricks.
    Databricks,
}

impl Dialect {
    /// The dialect of a word, as people and other tools name them.
    pub fn from_word(word: &str) -> Option<Dialect> {
        Some(match word.to_ascii_lowercase().as_str() {
            "generic" | "ansi" | "non-validating" => Dialect::Generic,
            "postgres" | "postgresql" | "greenplum" | "materialize" | "vertica" => Dialect::Postgres,
            "mysql" | "mariadb" | "starrocks" | "doris" => Dialect::MySql,
            "mssql" | "tsql" | "sqlserver" => Dialect::MsSql,
            "oracle" => Dialect::Oracle,
            "sqlite" => Dialect::Sqlite,
            "snowflake" => Dialect::Snowflake,
            "bigquery" => Dialect::BigQuery,
            "redshift" => Dialect::Redshift,
            "hive" | "spark" | "sparksql" | "impala" => Dialect::Hive,
            "clickhouse" => Dialect::ClickHouse,
            "duckdb" => Dialect::DuckDb,
            "databricks" => Dialect::Databricks,
            _ => return None,
        })
    }

    /// The parser's rules for it.
    pub(super) fn rules(self) -> Box<dyn parser::Dialect> {
        match self {
            Dialect::Generic => Box::new(parser::GenericDialect {}),
            Dialect::Postgres => Box::new(parser::PostgreSqlDialect {}),
            Dialect::MySql => Box::new(parser::MySqlDialect {}),
            Dialect::MsSql => Box::new(parser::MsSqlDialect {}),
            Dialect::Oracle => Box::new(parser::OracleDialect {}),
            Dialect::Sqlite => Box::new(parser::SQLiteDialect {}),
            Dialect::Snowflake => Box::new(parser::SnowflakeDialect {}),
            Dialect::BigQuery => Box::new(parser::BigQueryDialect {}),
            Dialect::Redshift => Box::new(parser::RedshiftSqlDialect {}),
            Dialect::Hive => Box::new(parser::HiveDialect {}),
            Dialect::ClickHouse => Box::new(parser::ClickHouseDialect {}),
            Dialect::DuckDb => Box::new(parser::DuckDbDialect {}),
            Dialect::Databricks => Box::new(parser::DatabricksDialect {}),
        }
    }

    /// A name as the engine stores it: unquoted names fold to lower case (Oracle and Snowflake fold to upper
    /// case; lower case stands for both here, so that one spelling means one name).
    pub(super) fn fold_name(self, name: &str, quoted: bool) -> String {
        let keeps = quoted && matches!(self, Dialect::Postgres | Dialect::Oracle | Dialect::Snowflake);
        if keeps { name.to_owned() } else { name.to_lowercase() }
    }

    /// A name in all its parts: quotes of BigQuery may hold several (its lexical structure, "Table names").
    pub(super) fn split_name(self, parts: Vec<String>) -> Vec<String> {
        if self != Dialect::BigQuery {
            return parts;
        }
        parts.iter().flat_map(|part| part.split('.')).map(str::to_owned).collect()
    }

    /// Whether a query may name a file where others name a table.
    pub(super) fn reads_files(self) -> bool {
        matches!(self, Dialect::Hive | Dialect::Databricks)
    }

    /// Whether names may stand in brackets.
    pub(super) fn brackets_are_quotes(self) -> bool {
        matches!(self, Dialect::MsSql | Dialect::Sqlite)
    }

    /// Whether a row may hold an array that FROM unnests by its name alone.
    pub(super) fn has_arrays_in_rows(self) -> bool {
        matches!(self, Dialect::BigQuery | Dialect::Redshift | Dialect::Hive)
    }

    /// Whether the target of UPDATE and DELETE is the table that is written there, and never one that FROM or USING
    /// gives that name to (PostgreSQL manual, UPDATE and DELETE).
    pub(super) fn names_targets_once(self) -> bool {
        self == Dialect::Postgres
    }

    /// Whether what is called in FROM gives rows of the table that is its first argument (Transact-SQL Reference,
    /// "Rowset functions" and CHANGETABLE; Oracle, "CONTAINERS clause").
    pub(super) fn names_table_in_call(self, name: &[String]) -> bool {
        let [name] = name else { return false };
        match self {
            Dialect::MsSql => matches!(
                name.as_str(),
                "changetable"
                    | "containstable"
                    | "freetexttable"
                    | "semantickeyphrasetable"
                    | "semanticsimilaritytable"
                    | "semanticsimilaritydetailstable"
            ),
            Dialect::Oracle => matches!(name.as_str(), "containers" | "shards"),
            _ => false,
        }
    }

    /// Whether what is called gives rows of another server, which may be changed through it (Transact-SQL Reference,
    /// OPENQUERY, OPENROWSET and OPENDATASOURCE).
    pub(super) fn is_rowset(self, name: &[String]) -> bool {
        let [name] = name else { return false };
        let calls = ["openquery", "openrowset", "opendatasource"];
        matches!(self, Dialect::MsSql | Dialect::Generic) && calls.contains(&name.as_str())
    }

    /// Whether `REPLACE TABLE t` makes a table (Databricks and Delta Lake, CREATE TABLE).
    pub(super) fn replaces_tables(self) -> bool {
        matches!(self, Dialect::Hive | Dialect::Databricks)
    }

    /// Whether a common table expression may name itself without the word RECURSIVE, and then never means a table
    /// (Transact-SQL Reference, "WITH common_table_expression"; Oracle, ORA-32039; SQLite, "circular reference").
    pub(super) fn expressions_see_themselves(self) -> bool {
        matches!(self, Dialect::MsSql | Dialect::Oracle | Dialect::Sqlite)
    }

    /// Whether double quotes hold a string.
    pub(super) fn double_quotes_are_strings(self) -> bool {
        matches!(self, Dialect::MySql | Dialect::BigQuery | Dialect::Hive | Dialect::Databricks)
    }

    /// Whether a backslash escapes inside a string.
    pub(super) fn backslash_escapes(self) -> bool {
        self.double_quotes_are_strings()
    }
}
