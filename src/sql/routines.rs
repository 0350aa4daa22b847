//! Calls of an application's own functions and procedures: a client that only calls those depends on the
//! database as much as one that names tables. Functions of the engine itself are left out, by the names that
//! PostgreSQL 15 has in `pg_catalog`; a function used inside an expression over tables is not looked for. It
//! never tells what a routine does.

use super::ast::parts;
use super::{Dialect, Found};
use sqlparser::ast::{Expr, ObjectName, SelectItem, SetExpr, Statement, TableFactor};

/// `SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace` of a PostgreSQL 15
/// server, sorted; names that begin with `pg_` are told by that.
static BUILT_IN: &str = include_str!("postgres_functions.txt");

/// What the grammar itself reads as a call (PostgreSQL manual, section 9.18 and 9.26).
const SYNTAX: [&str; 16] = [
    "coalesce",
    "current_schema",
    "exists",
    "greatest",
    "grouping",
    "json_array",
    "json_object",
    "least",
    "nextval",
    "normalize",
    "nullif",
    "row",
    "unnest",
    "xmlagg",
    "xmlelement",
    "xmlforest",
];

fn built_in(name: &[String]) -> bool {
    let (schema, function) = match name {
        [.., schema, function] => (Some(schema.as_str()), function.as_str()),
        [function] => (None, function.as_str()),
        [] => return true,
    };
    match schema {
        Some(schema) => matches!(schema, "pg_catalog" | "information_schema" | "sys"),
        None => {
            let listed = BUILT_IN.lines().any(|known| known == function);
            listed
                || function.starts_with("pg_")
                || function.starts_with("dblink")
                || SYNTAX.contains(&function)
        }
    }
}

fn add(name: &ObjectName, dialect: Dialect, found: &mut Found) {
    let name = parts(name, dialect);
    if !name.is_empty() && !built_in(&name) {
        found.routines.insert(name);
    }
}

/// Adds the routines that a statement calls by itself: `CALL p()`, `SELECT f()`, `FROM f()`.
pub(super) fn of_statement(statement: &Statement, dialect: Dialect, found: &mut Found) {
    if dialect != Dialect::Postgres {
        return;
    }
    match statement {
        Statement::Call(function) => add(&function.name, dialect, found),
        Statement::Query(query) => {
            let SetExpr::Select(select) = &*query.body else { return };
            if select.from.is_empty() {
                for item in &select.projection {
                    let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item
                    else {
                        continue;
                    };
                    if let Expr::Function(function) = expr {
                        add(&function.name, dialect, found);
                    }
                }
            }
            for table in &select.from {
                for factor in
                    std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation))
                {
                    match factor {
                        TableFactor::Table { name, args: Some(_), .. }
                        | TableFactor::Function { name, .. } => {
                            add(name, dialect, found);
                        }
                        _ => {}
                    }
                }
            }
        }
        _ => {}
    }
}
