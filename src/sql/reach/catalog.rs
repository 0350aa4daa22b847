//! Names that a statement looks up in the server's catalogue: whoever asks for a table by its name in there builds on
//! what the catalogue looks like. What drivers, ORMs and psql ask by themselves is no such question.

use super::Reach;
use crate::evidence::scrub::scrub_name;
use crate::evidence::{Action, Resource, Trait};
use crate::sql::traits::literal;
use crate::sql::{Dialect, telling};
use sqlparser::ast::{BinaryOperator, Expr, Function, ObjectName, Statement, Visit, Visitor};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// The trait's name; its value lists the names.
const PROBES: &str = "catalog-probing";

/// How many names are kept.
const MAX_NAMES: usize = 8;

/// Names of the engine's own schemas: who asks for those wants the catalogue itself.
const OWN: [&str; 6] = ["pg_catalog", "information_schema", "pg_toast", "sys", "mysql", "performance_schema"];

/// Tables in which migration tools keep what they have done; each looks for its own before it begins.
const OF_TOOLS: [&str; 14] = [
    "__efmigrationshistory",
    "_prisma_migrations",
    "alembic_version",
    "ar_internal_metadata",
    "databasechangelog",
    "databasechangeloglock",
    "django_migrations",
    "flyway_schema_history",
    "hibernate_sequence",
    "knex_migrations",
    "knex_migrations_lock",
    "migrations",
    "schema_migrations",
    "sequelizemeta",
];

/// Functions that drivers, ORMs and psql put into their own questions, and hardly anybody else.
const BOILERPLATE: [&str; 6] = [
    "pg_table_is_visible",
    "format_type",
    "pg_get_expr",
    "pg_get_constraintdef",
    "pg_get_indexdef",
    "pg_get_userbyid",
];

pub(super) fn of_statement(statement: &Statement, dialect: Dialect, reaches: &mut BTreeSet<Reach>) {
    let mut probe = Probe { dialect, ..Probe::default_of(dialect) };
    let _ = statement.visit(&mut probe);
    let real = |name: &&String| {
        !OWN.contains(&name.as_str()) && !OF_TOOLS.contains(&name.to_ascii_lowercase().as_str())
    };
    let names: Vec<&String> = probe.names.iter().filter(real).take(MAX_NAMES).collect();
    let tool = probe.names.iter().any(|name| OF_TOOLS.contains(&name.to_ascii_lowercase().as_str()));
    if !probe.asks || probe.boilerplate || tool || names.is_empty() {
        return;
    }
    let names = names.iter().map(|name| scrub_name(name).into_owned()).collect::<Vec<_>>().join(", ");
    let how = Trait::valued(PROBES, names);
    reaches.insert(Reach { action: Action::Read, to: Resource::database(None, None), how });
}

struct Probe {
    dialect: Dialect,
    /// Whether a relation of the catalogue is read, or a function looks a name up there.
    asks: bool,
    boilerplate: bool,
    names: BTreeSet<String>,
}

impl Probe {
    fn default_of(dialect: Dialect) -> Probe {
        Probe { dialect, asks: false, boilerplate: false, names: BTreeSet::new() }
    }

    fn function(&mut self, function: &Function) {
        let name = super::function_name(function);
        self.boilerplate |= BOILERPLATE.contains(&name.as_str());
        if matches!(name.as_str(), "to_regclass" | "object_id")
            && let Some(table) = super::first(function)
        {
            self.asks = true;
            self.names.insert(table);
        }
    }
}

/// Whether a column holds names of tables, schemas or columns.
fn holds_names(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(name) => telling::NAMES.contains(&name.value.to_ascii_lowercase().as_str()),
        Expr::CompoundIdentifier(names) => names
            .last()
            .is_some_and(|name| telling::NAMES.contains(&name.value.to_ascii_lowercase().as_str())),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => holds_names(inner),
        Expr::Function(function) if matches!(super::function_name(function).as_str(), "lower" | "upper") => {
            super::super::traits::first_argument(function).is_some_and(holds_names)
        }
        _ => false,
    }
}

impl Visitor for Probe {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let parts: Vec<String> =
            relation.0.iter().filter_map(|part| Some(part.as_ident()?.value.to_ascii_lowercase())).collect();
        let asks = match &parts[..] {
            [.., schema, _] => OWN.contains(&schema.as_str()),
            [table] => {
                table.starts_with("pg_")
                    || (self.dialect == Dialect::Oracle
                        && ["all_", "user_", "dba_"].iter().any(|view| table.starts_with(view)))
                    || table == "sqlite_master"
            }
            [] => false,
        };
        self.asks |= asks;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                for (column, value) in [(left, right), (right, left)] {
                    if holds_names(column) {
                        self.names.extend(literal(value));
                    }
                }
            }
            Expr::InList { expr, list, negated: false } if holds_names(expr) => {
                self.names.extend(list.iter().filter_map(literal));
            }
            Expr::Function(function) => self.function(function),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
