//! What a statement changes for the statements after it in the same session: the schemas unqualified names
//! are looked for in, the name the client gives itself, where a transaction begins and ends. It never keeps a session:
//! whoever reads a log does.

use super::lex::{Kind, Lexed};
use super::{Dialect, shown_part};
use crate::evidence::Text;
use crate::evidence::scrub::scrub_name;
use sqlparser::ast::{Expr, Function, SelectItem, SetExpr, Statement};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionChange {
    /// `search_path` is these schemas; none: the default, `"$user", public`.
    SearchPath {
        /// In order, without `$user` and the catalogue.
        schemas: Vec<Text>,
        /// Until the transaction ends.
        local: bool,
    },
    /// `application_name` is this; none: what it was at the login.
    Application {
        /// The name.
        name: Option<Text>,
        /// Until the transaction ends.
        local: bool,
    },
    /// A transaction begins.
    Begin,
    /// It ends well, unless a statement of it failed.
    Commit {
        /// Another one begins.
        chain: bool,
    },
    /// It is taken back.
    Rollback {
        /// Another one begins.
        chain: bool,
    },
    /// A savepoint is set.
    Savepoint(Text),
    /// A savepoint and those after it are given up.
    Release(Text),
    /// What was done since a savepoint is taken back.
    RollbackTo(Text),
    /// A text of several statements begins, or is over: it is one transaction, unless it says otherwise.
    Text {
        /// Whether it begins.
        begins: bool,
    },
    /// A temporary table exists from now on. Where a schema is a database, its name has two parts, of which the first
    /// is empty if it is not written.
    Temporary {
        /// Its name.
        name: Vec<Text>,
        /// Until the transaction ends.
        until_commit: bool,
    },
    /// A table of this name is dropped: the temporary one, where there is one.
    Dropped(Vec<Text>),
    /// A table goes by another name.
    Renamed(Vec<Text>, Vec<Text>),
    /// All temporary tables are dropped.
    NoTemporary,
    /// Unqualified names are looked for in this database (`USE`).
    Database(Text),
    /// Privileges are those of this role (`SET ROLE`, `SET SESSION AUTHORIZATION`); none: those of the login again.
    Role {
        /// The role.
        name: Option<Text>,
        /// Until the transaction ends.
        local: bool,
    },
}

/// The value of a setting: words, names in quotes and literals, up to the end of the statement.
fn values(lexed: &Lexed<'_>, from: usize) -> Vec<String> {
    let mut values = Vec::new();
    for at in from..lexed.tokens.len() {
        match lexed.kind(at) {
            Some(Kind::Word | Kind::Quoted) => values.extend(lexed.part(at)),
            Some(Kind::Text) => values.extend(lexed.content(at)),
            Some(Kind::Number) => values.push(lexed.raw(at).to_owned()),
            Some(Kind::Sign) if lexed.is(at, ",") => {}
            _ => break,
        }
    }
    values
}

/// The schemas of a list in one text: names fold but for those in quotes (PostgreSQL, `SplitIdentifierString`).
fn schemas_of(list: &str) -> Vec<String> {
    let lexed = super::lex::lex(list, Dialect::Postgres);
    values(&lexed, 0)
}

fn search_path(all: &[String], local: bool) -> SessionChange {
    let standard = all.iter().map(String::as_str).eq(["$user", "public"]);
    let own = |word: &&String| !matches!(word.as_str(), "" | "$user" | "pg_catalog" | "pg_temp");
    let schemas = all.iter().filter(own).filter(|_| !standard);
    SessionChange::SearchPath { schemas: schemas.map(|word| Text::from(shown_part(word))).collect(), local }
}

/// A setting by its name, where it is one of those that matter.
fn setting(name: &str, values: &[String], local: bool) -> Option<SessionChange> {
    match name {
        "search_path" => Some(search_path(values, local)),
        "application_name" => match values {
            [name] => Some(SessionChange::Application { name: Some(Text::from(name.as_str())), local }),
            _ => None,
        },
        _ => None,
    }
}

/// What a setting is at the login.
fn reset(name: &str, local: bool) -> Option<SessionChange> {
    match name {
        "search_path" => Some(SessionChange::SearchPath { schemas: Vec::new(), local }),
        "application_name" => Some(SessionChange::Application { name: None, local }),
        _ => None,
    }
}

/// `SET [SESSION | LOCAL] name = value`, `SET SCHEMA 'name'` (PostgreSQL manual, SET).
fn set(lexed: &Lexed<'_>) -> Option<SessionChange> {
    let local = lexed.is(1, "local");
    let at = lexed.skip(1, &["session", "local"]);
    if lexed.is(at, "schema") {
        return lexed.content(at + 1).map(|schema| search_path(&[schema], local));
    }
    let name = lexed.part(at)?;
    if !(lexed.is(at + 1, "=") || lexed.is(at + 1, "to")) {
        return None;
    }
    if lexed.is(at + 2, "default") {
        return reset(&name, local);
    }
    setting(&name, &values(lexed, at + 2), local)
}

/// `SELECT set_config('search_path', '…', false)`.
fn set_config(lexed: &Lexed<'_>, at: usize) -> Option<SessionChange> {
    let called = lexed.part(at).is_some_and(|name| name == "set_config") && lexed.is(at + 1, "(");
    let listed = lexed.is(at + 3, ",") && lexed.is(at + 5, ",");
    let (name, value) = (lexed.content(at + 2).filter(|_| called && listed)?, lexed.content(at + 4)?);
    let word = lexed.content(at + 6).unwrap_or_else(|| lexed.raw(at + 6).to_owned()).to_ascii_lowercase();
    let local = matches!(&*word, "true" | "t" | "on" | "yes" | "1");
    match name.to_ascii_lowercase().as_str() {
        "search_path" => Some(search_path(&schemas_of(&value), local)),
        name => setting(name, &[value], local),
    }
}

/// Where a transaction begins and ends (PostgreSQL manual, BEGIN, COMMIT, ROLLBACK, SAVEPOINT, PREPARE TRANSACTION).
fn transaction(lexed: &Lexed<'_>, verb: &str) -> Option<SessionChange> {
    let at = lexed.skip(1, &["work", "transaction"]);
    let over = |at: usize| at >= lexed.tokens.len() || lexed.is(at, ";");
    let chain = lexed.is(at, "and") && lexed.is(at + 1, "chain");
    let name = |at: usize| {
        let at = lexed.skip(at, &["savepoint"]);
        lexed.part(at).map(|name| Text::from(scrub_name(&name)))
    };
    let ends = over(at) || lexed.is(at, "and");
    match verb {
        "begin" => {
            let modes = ["isolation", "read", "deferrable", "not"];
            (over(at) || modes.iter().any(|mode| lexed.is(at, mode))).then_some(SessionChange::Begin)
        }
        "start" => lexed.is(1, "transaction").then_some(SessionChange::Begin),
        "commit" | "end" => ends.then_some(SessionChange::Commit { chain }),
        "rollback" | "abort" if lexed.is(at, "to") => name(at + 1).map(SessionChange::RollbackTo),
        "rollback" | "abort" => ends.then_some(SessionChange::Rollback { chain }),
        "savepoint" => name(1).map(SessionChange::Savepoint),
        "release" => name(1).map(SessionChange::Release),
        "prepare" => (lexed.is(1, "transaction") && lexed.content(2).is_some())
            .then_some(SessionChange::Commit { chain: false }),
        _ => None,
    }
}

/// What a statement changes, by its tokens.
pub(super) fn of_tokens(lexed: &Lexed<'_>) -> Vec<SessionChange> {
    if lexed.dialect != Dialect::Postgres {
        return Vec::new();
    }
    let all = |names: &[&str]| names.iter().filter_map(|name| reset(name, false)).collect();
    let verb = lexed.raw(0).to_ascii_lowercase();
    match &*verb {
        "set" => set(lexed).into_iter().collect(),
        "reset" if lexed.is(1, "all") => all(&["search_path", "application_name"]),
        "reset" => all(&[&*lexed.part(1).unwrap_or_default()]),
        "discard" if lexed.is(1, "all") => {
            let mut changes: Vec<SessionChange> = all(&["search_path", "application_name"]);
            changes.extend([SessionChange::NoTemporary, SessionChange::Role { name: None, local: false }]);
            changes
        }
        "discard" if lexed.is(1, "temp") || lexed.is(1, "temporary") => vec![SessionChange::NoTemporary],
        "select" => (1..lexed.tokens.len()).filter_map(|at| set_config(lexed, at)).collect(),
        verb => transaction(lexed, verb).into_iter().collect(),
    }
}

/// Functions of the engine that reach data or other servers without naming a table.
fn has_effect(function: &Function) -> bool {
    let name = function.name.to_string().to_ascii_lowercase();
    let name = name.rsplit('.').next().unwrap_or(&name);
    matches!(name, "nextval" | "setval" | "pg_notify" | "query_to_xml" | "table_to_xml" | "cursor_to_xml")
        || name.starts_with("dblink")
        || name.starts_with("lo_")
}

/// Whether a statement does something to the application's world even where it names no table: definitions,
/// grants, procedural blocks. Queries, settings and transactions do not.
pub(super) fn acts(statement: &Statement) -> bool {
    if let Statement::Query(query) = statement {
        let SetExpr::Select(select) = &*query.body else { return false };
        return select.projection.iter().any(|item| match item {
            SelectItem::UnnamedExpr(Expr::Function(function))
            | SelectItem::ExprWithAlias { expr: Expr::Function(function), .. } => has_effect(function),
            _ => false,
        });
    }
    !matches!(
        statement,
        Statement::Query(_)
            | Statement::Set(_)
            | Statement::Reset(_)
            | Statement::Discard { .. }
            | Statement::Commit { .. }
            | Statement::Rollback { .. }
            | Statement::StartTransaction { .. }
            | Statement::Savepoint { .. }
            | Statement::ReleaseSavepoint { .. }
            | Statement::ShowVariable { .. }
            | Statement::ShowVariables { .. }
            | Statement::Deallocate { .. }
            | Statement::Close { .. }
            | Statement::UNLISTEN { .. }
            | Statement::Vacuum(_)
            | Statement::Analyze(_)
    )
}
