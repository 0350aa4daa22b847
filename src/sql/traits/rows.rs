//! Patterns of rows and columns where they leave a statement: columns taken as they stand in a table, positions in place
//! of names, rows that happen to come first. It looks at the outermost query and what that is made of.

use crate::evidence::Trait;
use crate::sql::Dialect;
use sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, LimitClause, NonBlock, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableFactor, TableWithJoins, TopQuantity, Value,
};
use std::collections::BTreeSet;

/// Patterns that matter where rows leave the statement.
pub(super) fn top_level(query: &Query, dialect: Dialect, add: &mut dyn FnMut(Trait)) {
    of_body(&query.body, &with_names(query, &BTreeSet::new()), add);
    let ordinal =
        |expr: &Expr| matches!(expr, Expr::Value(value) if matches!(value.value, Value::Number(..)));
    let ordered = query.order_by.as_ref();
    if let Some(OrderByKind::Expressions(list)) = ordered.map(|order| &order.kind)
        && list.iter().any(|item| ordinal(&item.expr))
    {
        add(Trait::named("order-by-ordinal"));
    }
    // ROWNUM counts rows before ORDER BY does anything to them (Oracle SQL Language Reference, "ROWNUM Pseudocolumn").
    let numbered = dialect == Dialect::Oracle && limit(query).is_none() && numbers_any_rows(query);
    if ordered.is_none() && takes_any_rows(query) || numbered {
        add(Trait::named("limit-without-order"));
    }
    if let SetExpr::Select(select) = &*query.body
        && let GroupByExpr::Expressions(list, _) = &select.group_by
        && list.iter().any(ordinal)
    {
        add(Trait::named("group-by-ordinal"));
    }
}

/// How many rows a query takes at most, where it limits them.
enum Limit {
    /// None: it asks for the columns only.
    None,
    /// One.
    One,
    /// Some, or as many as somebody says when it runs.
    Some,
}

fn limit(query: &Query) -> Option<Limit> {
    let by_clause = match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit, .. }) => limit.as_ref(),
        Some(LimitClause::OffsetCommaLimit { limit, .. }) => Some(limit),
        None => None,
    };
    if let SetExpr::Select(select) = &*query.body
        && let Some(top) = &select.top
    {
        return Some(match &top.quantity {
            _ if top.percent => Limit::Some,
            Some(TopQuantity::Constant(number)) => of_number(&number.to_string()),
            Some(TopQuantity::Expr(expr)) => of_expr(expr)?,
            None => Limit::One,
        });
    }
    let number = by_clause.or(query.fetch.as_ref().and_then(|fetch| fetch.quantity.as_ref()));
    // `FETCH FIRST ROW ONLY` takes one.
    let Some(number) = number else { return query.fetch.as_ref().map(|_| Limit::One) };
    of_expr(number)
}

fn of_expr(number: &Expr) -> Option<Limit> {
    let number = if let Expr::Nested(inner) = number { inner } else { number };
    let Expr::Value(value) = number else { return Some(Limit::Some) };
    match &value.value {
        Value::Number(text, _) => Some(of_number(text)),
        Value::Null => None,
        _ => Some(Limit::Some),
    }
}

fn of_number(text: &str) -> Limit {
    match text {
        "0" => Limit::None,
        "1" => Limit::One,
        _ => Limit::Some,
    }
}

/// Whether a query takes some rows by ROWNUM, of tables as they stand: of a query in FROM, the order may be known.
fn numbers_any_rows(query: &Query) -> bool {
    let SetExpr::Select(select) = &*query.body else { return false };
    let derived = |factor: &TableFactor| !matches!(factor, TableFactor::Table { args: None, .. });
    let joined = |from: &TableWithJoins| from.joins.iter().any(|join| derived(&join.relation));
    let tables =
        query.with.is_none() && !select.from.iter().any(|from| derived(&from.relation) || joined(from));
    let mut conditions: Vec<&Expr> = select.selection.iter().collect();
    let (mut limit, mut others) = (None, false);
    while let Some(condition) = conditions.pop() {
        match condition {
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => conditions.extend([&**left, &**right]),
            Expr::Nested(inner) => conditions.push(inner),
            Expr::BinaryOp { left, op, right } if is_rownum(left) => limit = of_comparison(op, right),
            _ => others = true,
        }
    }
    match limit {
        Some(limit) if tables => takes(select, &limit, others),
        _ => false,
    }
}

fn is_rownum(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("rownum"))
}

/// How many rows `ROWNUM <= n`, `< n` and `= 1` take; other comparisons take none, or all.
fn of_comparison(op: &BinaryOperator, number: &Expr) -> Option<Limit> {
    let is_two =
        matches!(number, Expr::Value(value) if matches!(&value.value, Value::Number(text, _) if text == "2"));
    match op {
        BinaryOperator::Lt if is_two => Some(Limit::One),
        BinaryOperator::LtEq | BinaryOperator::Lt => of_expr(number),
        BinaryOperator::Eq => of_expr(number).filter(|limit| matches!(limit, Limit::One)),
        _ => None,
    }
}

/// Whether a query without ORDER BY takes some of several rows: those that happen to come first. A look-up by a
/// key finds one anyway, an aggregate is one row, who skips locked rows wants any, and who asks for one row of a
/// whole table looks at what it is like.
fn takes_any_rows(query: &Query) -> bool {
    let Some(limit) = limit(query) else { return false };
    let skips = query.locks.iter().any(|lock| matches!(lock.nonblock, Some(NonBlock::SkipLocked)));
    let SetExpr::Select(select) = &*query.body else { return matches!(limit, Limit::Some) && !skips };
    !skips && takes(select, &limit, select.selection.is_some())
}

/// Whether a limit takes some of several rows; with conditions beside it, or none.
fn takes(select: &Select, limit: &Limit, conditions: bool) -> bool {
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty());
    let functions = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => is_aggregate(expr),
        _ => false,
    };
    let one_row = !grouped && select.projection.iter().all(functions);
    let mut keys = Vec::new();
    if let Some(condition) = &select.selection {
        equalities(condition, &mut keys);
    }
    let by_key = keys.iter().any(|column| match limit {
        Limit::One => names_one(column) || column.ends_with("_id"),
        _ => names_one(column),
    });
    match limit {
        _ if one_row || by_key || select.from.is_empty() => false,
        Limit::None => false,
        Limit::One => conditions,
        Limit::Some => true,
    }
}

/// Aggregates that give one row without GROUP BY (PostgreSQL manual, 9.21).
fn is_aggregate(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let name = function.name.to_string().to_ascii_lowercase();
    function.over.is_none()
        && matches!(name.as_str(), "count" | "sum" | "min" | "max" | "avg" | "bool_or" | "bool_and" | "every")
}

/// The columns that a condition holds to one value each.
fn equalities(condition: &Expr, out: &mut Vec<String>) {
    match condition {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            equalities(left, out);
            equalities(right, out);
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            for (side, other) in [(left, right), (right, left)] {
                let column = match &**side {
                    Expr::Identifier(name) => Some(folded(name)),
                    Expr::CompoundIdentifier(names) => names.last().map(folded),
                    _ => None,
                };
                // Two columns that are equal are a join.
                if !matches!(&**other, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                    out.extend(column);
                }
            }
        }
        Expr::Nested(inner) => equalities(inner, out),
        _ => {}
    }
}

/// Whether a column's name says that a value of it is one row's own.
fn names_one(column: &str) -> bool {
    matches!(
        column,
        "id" | "uuid"
            | "guid"
            | "oid"
            | "code"
            | "key"
            | "sku"
            | "slug"
            | "email"
            | "login"
            | "username"
            | "isbn"
            | "name"
    ) || ["_uuid", "_guid", "_key", "_code", "_no", "_number"].iter().any(|end| column.ends_with(end))
}

fn of_body(body: &SetExpr, names: &BTreeSet<String>, add: &mut dyn FnMut(Trait)) {
    match body {
        SetExpr::Select(select) => {
            for table in starred(select, names) {
                add(Trait::valued("select-star", table));
            }
        }
        SetExpr::Query(query) => of_body(&query.body, &with_names(query, names), add),
        SetExpr::SetOperation { left, right, .. } => {
            add(Trait::named("union-by-position"));
            of_body(left, names, add);
            of_body(right, names, add);
        }
        _ => {}
    }
}

/// The names a query gives to its common table expressions, and those from around it.
fn with_names(query: &Query, outer: &BTreeSet<String>) -> BTreeSet<String> {
    let own = query.with.iter().flat_map(|with| &with.cte_tables).map(|cte| folded(&cte.alias.name));
    own.chain(outer.iter().cloned()).collect()
}

/// An identifier as the server looks it up: in lower case unless quoted (PostgreSQL manual, 4.1.1).
pub(super) fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

/// The tables whose columns a star stands for, as they stand in the table; of what a subquery or a function
/// returns, the columns are its own.
fn starred(select: &Select, names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut tables = Vec::new();
    for from in &select.from {
        base_tables(&from.relation, names, &mut tables);
        for join in &from.joins {
            base_tables(&join.relation, names, &mut tables);
        }
    }
    let mut covered = BTreeSet::new();
    for item in &select.projection {
        match item {
            SelectItem::Wildcard(_) => covered.extend(tables.iter().map(|(_, table)| table.clone())),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let wanted = name.0.last().and_then(|part| part.as_ident()).map(folded);
                let of = tables.iter().filter(|(alias, _)| Some(alias) == wanted.as_ref());
                covered.extend(of.map(|(_, table)| table.clone()));
            }
            _ => {}
        }
    }
    covered
}

/// The tables of a FROM item: the name each goes by in the statement, and its own.
pub(super) fn base_tables(factor: &TableFactor, names: &BTreeSet<String>, out: &mut Vec<(String, String)>) {
    match factor {
        TableFactor::Table { name, alias, args: None, .. } => {
            let Some(own) = name.0.last().and_then(|part| part.as_ident()).map(folded) else { return };
            if name.0.len() == 1 && names.contains(&own) {
                return;
            }
            let alias = alias.as_ref().map_or_else(|| own.clone(), |alias| folded(&alias.name));
            out.push((alias, own));
        }
        TableFactor::NestedJoin { table_with_joins, .. } => {
            base_tables(&table_with_joins.relation, names, out);
            for join in &table_with_joins.joins {
                base_tables(&join.relation, names, out);
            }
        }
        _ => {}
    }
}
