//! What a statement changes for the statements after it in the same session: the schemas unqualified names
//! are looked for in, the name the client gives itself, where a transaction ends. It never keeps a session:
//! whoever reads a log does.

use super::{Analysis, Dialect, TableUse};
use crate::evidence::Text;
use crate::evidence::scrub::scrub_name;
use sqlparser::ast::{
    ContextModifier, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Reset, SelectItem, Set,
    SetExpr, Statement, Value,
};
use std::collections::BTreeSet;

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
    /// `application_name` is this.
    Application(Text),
    /// The transaction ends.
    TransactionEnd,
    /// A temporary table of this name exists from now on.
    Temporary(Text),
    /// Unqualified names are looked for in this database (`USE`).
    Database(Text),
    /// Privileges are those of this role (`SET ROLE`); none: those of the login again.
    Role(Option<Text>),
}

/// How many temporary tables of one session are remembered.
const MAX_TEMPORARY: usize = 256;

/// Where a session looks for unqualified names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SearchPath {
    session: Vec<Text>,
    transaction: Option<Vec<Text>>,
    temporary: BTreeSet<Text>,
}

impl SearchPath {
    /// Of a session that looks in this schema alone; empty: nobody said where it looks.
    pub fn in_schema(schema: &Text) -> SearchPath {
        let session = if schema.is_empty() { Vec::new() } else { vec![schema.clone()] };
        SearchPath { session, ..SearchPath::default() }
    }

    /// The same, with only the temporary tables that a statement names.
    #[must_use]
    pub fn as_seen_by(&self, analysis: &Analysis) -> SearchPath {
        let named = |table: &TableUse| match &table.parts[..] {
            [name] => self.temporary.get(name).cloned(),
            _ => None,
        };
        SearchPath {
            session: self.session.clone(),
            transaction: self.transaction.clone(),
            temporary: analysis.tables.iter().filter_map(named).collect(),
        }
    }

    /// Whether the session made temporary tables.
    pub fn has_temporary(&self) -> bool {
        !self.temporary.is_empty()
    }

    /// Takes over what a statement that worked changes.
    pub fn change(&mut self, changes: &[SessionChange]) {
        for change in changes {
            match change {
                SessionChange::SearchPath { schemas, local: false } => self.session = schemas.clone(),
                SessionChange::SearchPath { schemas, local: true } => {
                    self.transaction = Some(schemas.clone());
                }
                SessionChange::TransactionEnd => self.transaction = None,
                SessionChange::Temporary(name) => {
                    if self.temporary.len() < MAX_TEMPORARY {
                        self.temporary.insert(name.clone());
                    }
                }
                SessionChange::Application(_) | SessionChange::Database(_) | SessionChange::Role(_) => {}
            }
        }
    }

    /// An unqualified name with the schema it is looked for in; several schemas stand in braces, in order,
    /// and whoever knows the tables tells which of them has it. `None`: a temporary table of the session's
    /// own, which is nobody else's (PostgreSQL looks there first).
    pub fn qualify(&self, parts: &[Text]) -> Option<Vec<Text>> {
        // SQL Server's temporary tables tell by their names (CREATE TABLE, "Temporary tables").
        if matches!(parts, [.., name] if name.starts_with('#'))
            || matches!(parts, [name] if self.temporary.contains(name))
        {
            return None;
        }
        let schemas = self.transaction.as_ref().unwrap_or(&self.session);
        Some(match (parts, &schemas[..]) {
            ([name], [schema]) => vec![schema.clone(), name.clone()],
            ([name], [_, ..]) => {
                let list: Vec<&str> = schemas.iter().map(|schema| &**schema).collect();
                vec![Text::from(format!("{{{}}}", list.join(","))), name.clone()]
            }
            _ => parts.to_vec(),
        })
    }
}

/// One word of a list: `'a, b'`, `a`, `"a"`, `DEFAULT`.
fn words(expr: &Expr) -> Vec<String> {
    match expr {
        Expr::Identifier(ident) => vec![ident.value.clone()],
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => {
                text.split(',').map(|part| part.trim().trim_matches('"').to_owned()).collect()
            }
            Value::Number(number, _) => vec![number.to_string()],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn search_path(values: &[Expr], local: bool) -> SessionChange {
    let all: Vec<String> = values.iter().flat_map(words).filter(|word| !word.is_empty()).collect();
    let default = all.len() == 1 && all[0].eq_ignore_ascii_case("default");
    let standard = all.iter().map(String::as_str).eq(["$user", "public"]);
    let schemas = if default || standard {
        Vec::new()
    } else {
        let own = |word: &&String| word.as_str() != "$user" && word.as_str() != "pg_catalog";
        all.iter().filter(own).map(|word| Text::from(scrub_name(word))).collect()
    };
    SessionChange::SearchPath { schemas, local }
}

fn named(name: &str, values: &[Expr], local: bool) -> Option<SessionChange> {
    match name.to_ascii_lowercase().as_str() {
        "search_path" => Some(search_path(values, local)),
        "application_name" => {
            let text = match values {
                [Expr::Value(value)] => match &value.value {
                    Value::SingleQuotedString(text) => text.clone(),
                    _ => return None,
                },
                [Expr::Identifier(ident)] => ident.value.clone(),
                _ => return None,
            };
            Some(SessionChange::Application(Text::from(text)))
        }
        _ => None,
    }
}

/// `SELECT set_config('search_path', '…', false)`.
fn set_config(function: &Function) -> Option<SessionChange> {
    let name = function.name.to_string().to_ascii_lowercase();
    if name.rsplit('.').next() != Some("set_config") {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    let values: Vec<&Expr> = list
        .args
        .iter()
        .filter_map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect();
    let [name, value, local] = values[..] else { return None };
    let local = matches!(local, Expr::Value(value) if matches!(value.value, Value::Boolean(true)));
    named(words(name).first()?, std::slice::from_ref(value), local)
}

/// What a statement changes.
pub(super) fn of_statement(statement: &Statement, dialect: Dialect) -> Option<SessionChange> {
    if dialect != Dialect::Postgres {
        return None;
    }
    match statement {
        Statement::Set(Set::SingleAssignment { scope, variable, values, .. }) => {
            let local = matches!(scope, Some(ContextModifier::Local));
            named(&variable.to_string(), values, local)
        }
        Statement::Reset(reset) => match &reset.reset {
            Reset::ConfigurationParameter(name) if name.to_string().eq_ignore_ascii_case("search_path") => {
                Some(SessionChange::SearchPath { schemas: Vec::new(), local: false })
            }
            Reset::ALL => Some(SessionChange::SearchPath { schemas: Vec::new(), local: false }),
            _ => None,
        },
        Statement::Discard { .. } => Some(SessionChange::SearchPath { schemas: Vec::new(), local: false }),
        Statement::Commit { .. } | Statement::Rollback { .. } => Some(SessionChange::TransactionEnd),
        Statement::Query(query) => {
            let SetExpr::Select(select) = &*query.body else { return None };
            select.projection.iter().find_map(|item| match item {
                SelectItem::UnnamedExpr(Expr::Function(function)) => set_config(function),
                _ => None,
            })
        }
        _ => None,
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
