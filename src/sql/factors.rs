//! What stands in FROM and may be changed: the tables of a list, and the one table behind a query whose rows are that
//! table's. It tells names only, and never what is done to them.

use super::Dialect;
use sqlparser::ast::{
    Expr, GroupByExpr, Ident, ObjectName, Query, SelectItem, SetExpr, TableFactor, TableWithJoins,
};
use std::collections::BTreeSet;

/// By which nodes of a tree are told apart.
pub(super) fn address<T>(it: &T) -> usize {
    std::ptr::from_ref(it).addr()
}

/// Whether rows of a query can be changed where a table is expected (Transact-SQL, UPDATE and DELETE; Oracle SQL Language
/// Reference, `dml_table_expression_clause`).
pub(super) fn changes_queries(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::MsSql | Dialect::Oracle | Dialect::Generic)
}

/// The only table of a query whose rows are those of that table; of several, the columns tell which one changes, and
/// those nobody knows here.
pub(super) fn base(query: &Query) -> Option<(&TableFactor, &ObjectName)> {
    let mut query = query;
    loop {
        let SetExpr::Select(select) = &*query.body else { return None };
        let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(all, _) if all.is_empty());
        let [TableWithJoins { relation, joins }] = &select.from[..] else { return None };
        if grouped || select.distinct.is_some() || !joins.is_empty() || query.with.is_some() {
            return None;
        }
        match relation {
            TableFactor::Table { name, args: None, .. } => return Some((relation, name)),
            TableFactor::Derived { subquery, .. } => query = subquery,
            _ => return None,
        }
    }
}

/// The columns of a query that it says itself to be those of one of its tables, with that table.
pub(super) fn columns<'a>(query: &'a Query) -> Vec<(String, &'a TableFactor, &'a ObjectName)> {
    let SetExpr::Select(select) = &*query.body else { return Vec::new() };
    let factors = factors(&select.from);
    let table = |called: &Ident| {
        factors.iter().find_map(|factor| {
            let TableFactor::Table { name, alias, args: None, .. } = factor else { return None };
            let own = name.0.last().and_then(|part| part.as_ident());
            let own = alias.as_ref().map(|alias| &alias.name).or(own)?;
            own.value.eq_ignore_ascii_case(&called.value).then_some((*factor, name))
        })
    };
    let column = |item: &'a SelectItem| {
        let (expr, called) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
            _ => return None,
        };
        let Expr::CompoundIdentifier(names) = expr else { return None };
        let [.., qualifier, own] = &names[..] else { return None };
        let (factor, name) = table(qualifier)?;
        Some((called.unwrap_or(own).value.to_lowercase(), factor, name))
    };
    select.projection.iter().filter_map(column).collect()
}

/// The one table of a query of which all these columns are.
pub(super) fn base_of_columns<'a>(
    query: &'a Query,
    set: &BTreeSet<String>,
) -> Option<(&'a TableFactor, &'a ObjectName)> {
    let columns = columns(query);
    let table = |name: &String| {
        columns.iter().find(|(own, ..)| own == name).map(|(_, factor, name)| (*factor, *name))
    };
    let tables = set.iter().map(table).collect::<Option<Vec<_>>>()?;
    let (first, rest) = tables.split_first()?;
    rest.iter().all(|(factor, _)| address(*factor) == address(first.0)).then_some(*first)
}

/// All factors of a FROM list, those of its joins included.
pub(super) fn factors(from: &[TableWithJoins]) -> Vec<&TableFactor> {
    let mut open: Vec<&TableWithJoins> = from.iter().rev().collect();
    let mut all = Vec::new();
    while let Some(table) = open.pop() {
        for factor in std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation)) {
            match factor {
                TableFactor::NestedJoin { table_with_joins, .. } => open.push(table_with_joins),
                factor => all.push(factor),
            }
        }
    }
    all
}
