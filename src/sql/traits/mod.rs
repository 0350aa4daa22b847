//! Fragile patterns of a parsed statement: what breaks when a column is added, an engine changes, or the
//! clock differs. It names patterns and never says that one is a problem.

mod engine;
mod window;

pub(super) use engine::of_tokens;

use super::Dialect;
use crate::evidence::Trait;
use crate::evidence::scrub::scrub;
use sqlparser::ast::{
    BinaryOperator, CopySource, CopyTarget, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    GroupByExpr, Ident, Insert, JoinOperator, LimitClause, NonBlock, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, Set, SetExpr, SetOperator, Statement, TableFactor, UnaryOperator, Value,
    Visit, Visitor,
};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Adds the patterns of a statement.
pub(super) fn of_statement(statement: &Statement, dialect: Dialect, traits: &mut BTreeSet<Trait>) {
    let queries: Vec<&Query> = match statement {
        Statement::Query(query) => vec![query],
        Statement::Insert(insert) => insert
            .source
            .iter()
            .filter(|source| !matches!(&*source.body, SetExpr::Values(_)))
            .map(|source| &**source)
            .collect(),
        Statement::CreateTable(table) => table.query.iter().map(|query| &**query).collect(),
        Statement::CreateView(view) => vec![&*view.query],
        Statement::Copy { source: CopySource::Query(query), .. } => vec![&**query],
        _ => Vec::new(),
    };
    for query in queries {
        top_level(query, &mut |found| {
            traits.insert(found);
        });
    }
    let mut add = |name: &str| {
        traits.insert(Trait::named(name));
    };
    match statement {
        Statement::Insert(insert) => {
            if let Some(source) = &insert.source {
                if insert.columns.is_empty() && insert.assignments.is_empty() {
                    add("insert-without-columns");
                }
                if !matches!(&*source.body, SetExpr::Values(_)) {
                    add("bulk-write");
                }
            }
        }
        Statement::CreateTable(table) if table.query.is_some() => add("bulk-write"),
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
            if let CopyTarget::Program { command } = target {
                let command: String = scrub(command).chars().take(MAX_LITERAL).collect();
                traits.insert(Trait::valued("copy-program", command));
            } else {
                add(match target {
                    CopyTarget::File { .. } => "copy-file",
                    CopyTarget::Stdin | CopyTarget::Stdout if *to => "copy-stdout",
                    _ => "copy-stdin",
                });
            }
        }
        Statement::LISTEN { channel } => {
            traits.insert(Trait::valued("listen", scrub(&channel.value)));
        }
        Statement::NOTIFY { channel, .. } => {
            traits.insert(Trait::valued("notify", scrub(&channel.value)));
        }
        Statement::Declare { stmts } => {
            let holds = stmts.iter().any(|it| it.hold == Some(true));
            add(if holds { "cursor-with-hold" } else { "server-side-cursor" });
        }
        Statement::WaitFor(_) => add("sleeps"),
        Statement::Set(Set::SetTimeZone { .. }) => add("set-time-zone"),
        _ => {}
    }
    engine::of_statement(statement, traits);
    let mut everywhere = Everywhere { dialect, traits, windows: window::Windows::new() };
    let _ = statement.visit(&mut everywhere);
    let windows = std::mem::take(&mut everywhere.windows);
    // What deletes or changes by age takes nothing in.
    if !matches!(statement, Statement::Delete(_) | Statement::Update(_)) {
        let found = window::add(windows, traits);
        if let (true, Statement::Insert(insert)) = (found, statement)
            && insert.source.as_ref().is_some_and(|source| appends(insert, source))
        {
            traits.insert(Trait::named("appends"));
        }
    }
}

/// Literals are shown up to here, in characters.
const MAX_LITERAL: usize = 80;

/// Whether an INSERT … SELECT adds its rows whatever is there already: nothing says what to do with a row that is
/// there, and no condition leaves such rows out.
fn appends(insert: &Insert, source: &Query) -> bool {
    struct Guards(bool);
    impl Visitor for Guards {
        type Break = ();
        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            self.0 |= matches!(
                &*query.body,
                SetExpr::SetOperation { op: SetOperator::Except | SetOperator::Minus, .. }
            );
            ControlFlow::Continue(())
        }
        fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
            let outer = |operator: &JoinOperator| {
                matches!(
                    operator,
                    JoinOperator::Left(_)
                        | JoinOperator::LeftOuter(_)
                        | JoinOperator::LeftAnti(_)
                        | JoinOperator::Anti(_)
                )
            };
            let joins = select.from.iter().flat_map(|from| &from.joins);
            let text = select.selection.as_ref().map(ToString::to_string).unwrap_or_default();
            self.0 |= joins.into_iter().any(|join| outer(&join.join_operator)) && text.contains(" IS NULL");
            ControlFlow::Continue(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            self.0 |= match expr {
                Expr::Exists { negated, .. } | Expr::InSubquery { negated, .. } => *negated,
                Expr::UnaryOp { op: UnaryOperator::Not, expr } => matches!(**expr, Expr::Exists { .. }),
                _ => false,
            };
            ControlFlow::Continue(())
        }
    }
    let mut guards = Guards(false);
    let _ = source.visit(&mut guards);
    insert.on.is_none()
        && !insert.replace_into
        && !insert.ignore
        && !insert.overwrite
        && insert.or.is_none()
        && !guards.0
}

/// Patterns that matter where rows leave the statement.
fn top_level(query: &Query, add: &mut dyn FnMut(Trait)) {
    of_body(&query.body, &with_names(query, &BTreeSet::new()), add);
    let ordinal =
        |expr: &Expr| matches!(expr, Expr::Value(value) if matches!(value.value, Value::Number(..)));
    let ordered = query.order_by.as_ref();
    if let Some(OrderByKind::Expressions(list)) = ordered.map(|order| &order.kind)
        && list.iter().any(|item| ordinal(&item.expr))
    {
        add(Trait::named("order-by-ordinal"));
    }
    if ordered.is_none() && takes_any_rows(query) {
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
    let number = by_clause.or(query.fetch.as_ref().and_then(|fetch| fetch.quantity.as_ref()));
    // `FETCH FIRST ROW ONLY` takes one.
    let Some(number) = number else { return query.fetch.as_ref().map(|_| Limit::One) };
    let Expr::Value(value) = number else { return Some(Limit::Some) };
    Some(match &value.value {
        Value::Number(text, _) if text == "0" => Limit::None,
        Value::Number(text, _) if text == "1" => Limit::One,
        Value::Null => return None,
        _ => Limit::Some,
    })
}

/// Whether a query without ORDER BY takes some of several rows: those that happen to come first. A look-up by a
/// key finds one anyway, an aggregate is one row, who skips locked rows wants any, and who asks for one row of a
/// whole table looks at what it is like.
fn takes_any_rows(query: &Query) -> bool {
    let Some(limit) = limit(query) else { return false };
    let skips = query.locks.iter().any(|lock| matches!(lock.nonblock, Some(NonBlock::SkipLocked)));
    let SetExpr::Select(select) = &*query.body else { return matches!(limit, Limit::Some) && !skips };
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
        _ if skips || one_row || by_key || select.from.is_empty() => false,
        Limit::None => false,
        Limit::One => select.selection.is_some(),
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
fn folded(name: &Ident) -> String {
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
fn base_tables(factor: &TableFactor, names: &BTreeSet<String>, out: &mut Vec<(String, String)>) {
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

/// Patterns that matter anywhere in the statement.
struct Everywhere<'a> {
    dialect: Dialect,
    traits: &'a mut BTreeSet<Trait>,
    windows: window::Windows,
}

/// The tables whose rows a query takes one by one, leaving out those that somebody else has taken.
fn locked_in_turn(query: &Query) -> BTreeSet<String> {
    let SetExpr::Select(select) = &*query.body else { return BTreeSet::new() };
    let mut tables = Vec::new();
    for from in &select.from {
        base_tables(&from.relation, &BTreeSet::new(), &mut tables);
        for join in &from.joins {
            base_tables(&join.relation, &BTreeSet::new(), &mut tables);
        }
    }
    let mut locked = BTreeSet::new();
    for lock in query.locks.iter().filter(|lock| matches!(lock.nonblock, Some(NonBlock::SkipLocked))) {
        let of = lock.of.as_ref().and_then(|of| of.0.last()?.as_ident().map(folded));
        let meant =
            tables.iter().filter(|(alias, table)| of.as_ref().is_none_or(|of| of == alias || of == table));
        locked.extend(meant.map(|(_, table)| table.clone()));
    }
    locked
}

/// A function's own name, in lower case and without its schema.
pub(super) fn function_name(function: &Function) -> String {
    let last = function.name.0.last().and_then(|part| part.as_ident());
    last.map(|name| name.value.to_ascii_lowercase()).unwrap_or_default()
}

/// The arguments of a call that are expressions; none where one is anything else.
pub(super) fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let expr = |argument| match argument {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Some(expr),
        _ => None,
    };
    list.args.iter().map(expr).collect::<Option<_>>().unwrap_or_default()
}

/// A function's first argument, where it is an expression.
pub(super) fn first_argument(function: &Function) -> Option<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.first()? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

/// The literals that a function is called with; none where an argument is anything else.
pub(super) fn literals(function: &Function) -> Option<Vec<String>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let literal = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => literal(expr),
        _ => None,
    };
    list.args.iter().map(literal).collect()
}

/// A literal's text.
pub(super) fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => Some(number.to_string()),
            Value::SingleQuotedString(text) | Value::NationalStringLiteral(text) => Some(text.clone()),
            _ => None,
        },
        Expr::Cast { expr, .. } | Expr::Nested(expr) => literal(expr),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => literal(expr).map(|text| format!("-{text}")),
        _ => None,
    }
}

impl Visitor for Everywhere<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.traits
            .extend(locked_in_turn(query).into_iter().map(|table| Trait::valued("skip-locked", table)));
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        engine::of_select(select, self.traits);
        window::of_select(select, self.dialect, &mut self.windows);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        // What others call SKIP LOCKED is a hint there (Transact-SQL Reference, "Table hints").
        if let TableFactor::Table { name, with_hints, .. } = factor
            && with_hints.iter().any(|hint| hint.to_string().eq_ignore_ascii_case("readpast"))
        {
            let table = name.0.last().and_then(|part| part.as_ident()).map(folded);
            self.traits.extend(table.map(|table| Trait::valued("skip-locked", table)));
        }
        engine::of_factor(factor, self.traits);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        engine::of_expr(expr, self.dialect, self.traits);
        if let Expr::Function(function) = expr {
            let name = function_name(function);
            let first = first_argument(function).and_then(literal);
            let with = |kind: &str| match &first {
                Some(value) => {
                    Trait::valued(kind, scrub(value).chars().take(MAX_LITERAL).collect::<String>())
                }
                None => Trait::named(kind),
            };
            match name.as_str() {
                "pg_notify" => {
                    self.traits.insert(with("notify"));
                }
                "pg_sleep" | "sleep" => {
                    self.traits.insert(with("sleeps"));
                }
                "nextval" | "currval" | "lastval" | "last_insert_id" | "scope_identity" => {
                    self.traits.insert(Trait::named("sequence"));
                }
                _ if name.contains("advisory_") && name.contains("lock") && !name.contains("unlock") => {
                    self.traits.insert(with("advisory-lock"));
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests;
