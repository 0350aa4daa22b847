//! Fragile patterns of a parsed statement: what breaks when a column is added, an engine changes, or the
//! clock differs. It names patterns and never says that one is a problem.

use crate::evidence::Trait;
use crate::evidence::scrub::scrub;
use sqlparser::ast::{
    CopySource, CopyTarget, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, NonBlock,
    OrderByKind, Query, Select, SelectItem, SetExpr, Statement, Value, Visit, Visitor,
};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Adds the patterns of a statement.
pub(super) fn of_statement(statement: &Statement, traits: &mut BTreeSet<Trait>) {
    let mut add = |name: &str| {
        traits.insert(Trait::named(name));
    };
    match statement {
        Statement::Query(query) => top_level(query, &mut add),
        Statement::Insert(insert) => {
            if let Some(source) = &insert.source {
                if insert.columns.is_empty() && insert.assignments.is_empty() {
                    add("insert-without-columns");
                }
                if !matches!(&*source.body, SetExpr::Values(_)) {
                    add("bulk-write");
                    top_level(source, &mut add);
                }
            }
        }
        Statement::CreateTable(table) => {
            if let Some(query) = &table.query {
                add("bulk-write");
                top_level(query, &mut add);
            }
        }
        Statement::CreateView(view) => top_level(&view.query, &mut add),
        Statement::Truncate(_) | Statement::Merge(_) => add("bulk-write"),
        Statement::Update(update) if update.selection.is_none() => add("bulk-write"),
        Statement::Delete(delete) if delete.selection.is_none() => add("bulk-write"),
        Statement::Copy { source, to, target, .. } => {
            if matches!(source, CopySource::Table { columns, .. } if columns.is_empty()) {
                add("copy-without-columns");
            }
            if !to {
                add("bulk-write");
            }
            add(match target {
                CopyTarget::File { .. } => "copy-file",
                CopyTarget::Program { .. } => "copy-program",
                CopyTarget::Stdin | CopyTarget::Stdout if *to => "copy-stdout",
                _ => "copy-stdin",
            });
        }
        Statement::LISTEN { channel } => {
            traits.insert(Trait::valued("listen", scrub(&channel.value)));
        }
        Statement::NOTIFY { channel, .. } => {
            traits.insert(Trait::valued("notify", scrub(&channel.value)));
        }
        Statement::Declare { .. } => add("server-side-cursor"),
        _ => {}
    }
    let mut everywhere = Everywhere { traits };
    let _ = statement.visit(&mut everywhere);
}

/// Patterns that matter where rows leave the statement.
fn top_level(query: &Query, add: &mut dyn FnMut(&str)) {
    of_body(&query.body, add);
    let ordinal =
        |expr: &Expr| matches!(expr, Expr::Value(value) if matches!(value.value, Value::Number(..)));
    let ordered = query.order_by.as_ref();
    if let Some(OrderByKind::Expressions(list)) = ordered.map(|order| &order.kind)
        && list.iter().any(|item| ordinal(&item.expr))
    {
        add("order-by-ordinal");
    }
    if (query.limit_clause.is_some() || query.fetch.is_some()) && ordered.is_none() {
        add("limit-without-order");
    }
    if let SetExpr::Select(select) = &*query.body
        && let GroupByExpr::Expressions(list, _) = &select.group_by
        && list.iter().any(ordinal)
    {
        add("group-by-ordinal");
    }
}

fn of_body(body: &SetExpr, add: &mut dyn FnMut(&str)) {
    match body {
        SetExpr::Select(select) if has_star(select) => add("select-star"),
        SetExpr::Query(query) => of_body(&query.body, add),
        SetExpr::SetOperation { left, right, .. } => {
            add("union-by-position");
            of_body(left, add);
            of_body(right, add);
        }
        _ => {}
    }
}

fn has_star(select: &Select) -> bool {
    let star =
        |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    !select.from.is_empty() && select.projection.iter().any(star)
}

/// Patterns that matter anywhere in the statement.
struct Everywhere<'a> {
    traits: &'a mut BTreeSet<Trait>,
}

/// The text of a function's first argument, when it is a literal.
fn first_literal(arguments: &FunctionArguments) -> Option<String> {
    let FunctionArguments::List(list) = arguments else { return None };
    match list.args.first()? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::Number(number, _) => Some(number.to_string()),
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

impl Visitor for Everywhere<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if query.locks.iter().any(|lock| matches!(lock.nonblock, Some(NonBlock::SkipLocked))) {
            self.traits.insert(Trait::named("skip-locked"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            let name = function.name.to_string().to_ascii_lowercase();
            let literal = first_literal(&function.args);
            let with = |kind: &str| match &literal {
                Some(value) => Trait::valued(kind, scrub(value).chars().take(80).collect::<String>()),
                None => Trait::named(kind),
            };
            if name.contains("advisory_") && name.contains("lock") {
                self.traits.insert(with("advisory-lock"));
            } else if name == "pg_notify" {
                self.traits.insert(with("notify"));
            } else if name == "pg_sleep" {
                self.traits.insert(with("pg-sleep"));
            }
        }
        ControlFlow::Continue(())
    }
}
