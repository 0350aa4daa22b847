//! Fragile patterns of a parsed statement: what breaks when a column is added, an engine changes, or the
//! clock differs. It names patterns and never says that one is a problem.

mod calls;
mod engine;
mod rows;
mod window;

pub(super) use calls::{arguments, first_argument, function_name, literal, literals};
pub(super) use engine::of_tokens;
use rows::{base_tables, folded, top_level};

use super::Dialect;
use crate::evidence::Trait;
use crate::evidence::scrub::scrub;
use sqlparser::ast::{
    CopySource, CopyTarget, Expr, Insert, JoinOperator, MergeAction, NonBlock, Query, Select, Set, SetExpr,
    SetOperator, Statement, TableFactor, UnaryOperator, Visit, Visitor,
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
        top_level(query, dialect, &mut |found| {
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
        Statement::Merge(merge)
            if merge.clauses.iter().all(|it| matches!(it.action, MergeAction::DoNothing { .. })) => {}
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
