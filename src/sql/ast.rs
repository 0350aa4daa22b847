//! Tables and roles from the parser's tree, with the exact scope of every common table expression: a name
//! means the expression only where the SQL standard says so (ISO/IEC 9075-2, 7.17). It never reads tokens.

use super::factors::{address, base, base_of_columns, changes_queries, columns, factors};
use super::words::HINTS;
use super::{Dialect, Found, file_of_format, is_private, reach, routines, session, traits};
use crate::evidence::Trait;
use sqlparser::ast::{
    AssignmentTarget, Delete, Expr, FromTable, FunctionArg, FunctionArgExpr, Insert, JoinOperator,
    MergeAction, ObjectName, OutputClause, Query, Select, SetExpr, Statement, TableFactor, TableFunctionArgs,
    TableObject, TableWithJoins, Update, UpdateTableFromKind, Visit, Visitor,
};
use sqlparser::parser::Parser;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// How deep a statement may nest for the parser.
const RECURSION_LIMIT: usize = 120;

/// Reads one statement, if the parser takes all of it: its queries, and the rows it changes. What it defines is
/// told from its tokens.
pub(super) fn read(sql: &str, dialect: Dialect, traits: &mut BTreeSet<Trait>) -> Option<Found> {
    let rules = dialect.rules();
    let statements = Parser::new(&*rules)
        .with_recursion_limit(RECURSION_LIMIT)
        .try_with_sql(sql)
        .ok()?
        .parse_statements()
        .ok()?;
    let mut found = Found { statement: !statements.is_empty(), ..Found::default() };
    for statement in &statements {
        let mut tables = Tables::new(dialect);
        let _ = statement.visit(&mut tables);
        found.take(tables.found);
        traits::of_statement(statement, dialect, traits);
        reach::of_statement(statement, dialect, &mut found.reaches);
        routines::of_statement(statement, dialect, &mut found);
        found.acts |= session::acts(statement);
    }
    Some(found)
}

/// A name in parts, folded by the dialect; parts that are function calls name nothing.
pub(super) fn parts(name: &ObjectName, dialect: Dialect) -> Vec<String> {
    let part = |part: &sqlparser::ast::ObjectNamePart| {
        part.as_ident().map(|ident| dialect.fold_name(&ident.value, ident.quote_style.is_some()))
    };
    let parts = name.0.iter().map(part).collect::<Option<Vec<String>>>().unwrap_or_default();
    dialect.split_name(parts)
}

struct Tables {
    dialect: Dialect,
    found: Found,
    /// The names visible as common table expressions, one set per open query.
    scopes: Vec<BTreeSet<String>>,
    /// By the address of a common table expression's query: what it may see.
    bodies: BTreeMap<usize, BTreeSet<String>>,
    /// Addresses of table factors that are targets, not sources.
    targets: BTreeSet<usize>,
    /// By the name of a common table expression: the table whose rows change where it stands as target.
    bases: BTreeMap<String, Vec<String>>,
    /// How often a table is read.
    times: BTreeMap<Vec<String>, usize>,
    /// By common table expression and column: the table whose column it is.
    columns: BTreeMap<(String, String), Vec<String>>,
    /// The columns that an UPDATE sets, in lower case.
    set: BTreeSet<String>,
    /// Whether it is the body of a routine, where SELECT INTO fills variables.
    procedural: bool,
    /// How the tables of FROM are called, one set per open SELECT.
    called: Vec<BTreeSet<String>>,
}

impl Tables {
    fn new(dialect: Dialect) -> Tables {
        let (found, scopes, bodies, targets, bases) = Default::default();
        let (times, columns, set, called) = Default::default();
        let procedural = false;
        Tables { dialect, found, scopes, bodies, targets, bases, times, columns, set, procedural, called }
    }

    fn visible(&self, name: &str) -> bool {
        self.scopes.last().is_some_and(|scope| scope.contains(name))
    }

    fn read(&mut self, name: &ObjectName) {
        let parts = parts(name, self.dialect);
        if let Some(file) = file_of_format(&parts, self.dialect) {
            self.found.files_read.insert(file);
        } else if !parts.is_empty() && !self.is_expression(&parts) {
            *self.times.entry(parts.clone()).or_default() += 1;
            self.found.reads.insert(parts);
        }
    }

    fn is_expression(&self, parts: &[String]) -> bool {
        matches!(parts, [only] if self.visible(only))
    }

    fn write(&mut self, name: &ObjectName) {
        let changed = self.changed(name);
        self.found.writes.extend(changed);
    }

    fn delete(&mut self, name: &ObjectName) {
        let changed = self.changed(name);
        self.found.touches.extend(changed.map(|name| (name, "delete")));
    }

    /// The table whose rows change where a name stands as target. That of a common table expression was taken for one
    /// that is read.
    fn changed(&mut self, name: &ObjectName) -> Option<Vec<String>> {
        let own = parts(name, self.dialect);
        // Elsewhere no row of a common table expression can be changed: a target of its name is a table.
        if !changes_queries(self.dialect) || !self.is_expression(&own) {
            return (!own.is_empty()).then_some(own);
        }
        let base = self.bases.get(&own[0]).or_else(|| self.behind_columns(&own[0]))?.clone();
        if let Some(times) = self.times.get_mut(&base) {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.found.reads.remove(&base);
            }
        }
        Some(base)
    }

    /// The one table of which all columns are that an UPDATE of a common table expression sets.
    fn behind_columns(&self, name: &str) -> Option<&Vec<String>> {
        let table = |column: &String| self.columns.get(&(name.to_owned(), column.clone()));
        let tables = self.set.iter().map(table).collect::<Option<BTreeSet<&Vec<String>>>>()?;
        tables.first().copied().filter(|_| tables.len() == 1)
    }

    /// The table that a target's name stands for: one of the FROM list that goes by it, or itself. It is marked,
    /// so that it is not read as well.
    fn real<'a>(&mut self, name: &'a ObjectName, from: &'a [TableWithJoins]) -> Option<&'a ObjectName> {
        if self.dialect.names_targets_once() {
            return Some(name);
        }
        let [part] = &name.0[..] else {
            let mut same = factors(from).into_iter();
            let same = same
                .find(|it| matches!(it, TableFactor::Table { name: own, alias: None, .. } if own == name));
            self.targets.extend(same.map(address));
            return Some(name);
        };
        let Some(called) = part.as_ident().map(|ident| ident.value.as_str()) else { return Some(name) };
        for factor in factors(from) {
            if let TableFactor::Derived { subquery, alias: Some(alias), .. } = factor
                && alias.name.value.eq_ignore_ascii_case(called)
                && changes_queries(self.dialect)
            {
                return self.behind(subquery);
            }
            let TableFactor::Table { name: real, alias, args: None, .. } = factor else { continue };
            let own = real.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.as_str());
            let is = |it: &str| it.eq_ignore_ascii_case(called);
            // SQL Server takes a target's name for the table of FROM that has it, whatever its alias.
            let same = alias.is_none() || self.dialect == Dialect::MsSql;
            if alias.as_ref().is_some_and(|alias| is(&alias.name.value)) || same && own.is_some_and(is) {
                self.targets.insert(address(factor));
                return Some(real);
            }
        }
        Some(name)
    }

    /// Marks a factor as target and gives the name of its table.
    fn target(&mut self, table: &TableFactor, from: &[TableWithJoins]) -> Option<ObjectName> {
        self.targets.insert(address(table));
        match table {
            TableFactor::Table { name, alias: Some(alias), .. } if is_only(name) => {
                Some(ObjectName::from(vec![alias.name.clone()]))
            }
            // Rows of another server: what is written there, only that one knows.
            TableFactor::Table { name, args: Some(arguments), .. }
                if !are_hints(arguments, self.dialect)
                    && self.dialect.is_rowset(&parts(name, self.dialect)) =>
            {
                let arguments = reach::expressions(&arguments.args);
                self.found.reaches.extend(reach::written_elsewhere(&arguments));
                None
            }
            // What has a name of its own here is no other's.
            TableFactor::Table { name, alias: Some(_), .. } => Some(name.clone()),
            TableFactor::Table { name, .. } => self.real(name, from).cloned(),
            TableFactor::Derived { subquery, .. } => self.behind(subquery).cloned(),
            _ => None,
        }
    }

    /// The table whose rows change where a query stands as target; it is marked like one. Of several, it is the one whose
    /// columns are set.
    fn behind<'a>(&mut self, query: &'a Query) -> Option<&'a ObjectName> {
        let found = base(query).or_else(|| base_of_columns(query, &self.set));
        let (factor, name) = found.filter(|_| changes_queries(self.dialect))?;
        self.targets.insert(address(factor));
        Some(name)
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.deleted(delete),
            Statement::Merge(merge) => {
                let does = merge.clauses.iter().map(|clause| &clause.action);
                let mut does = does.filter(|it| !matches!(it, MergeAction::DoNothing { .. })).peekable();
                // One that does nothing only reads its target, like any other table.
                if does.peek().is_some()
                    && let Some(name) = self.target(&merge.table, &[])
                {
                    let only = does.all(|it| matches!(it, MergeAction::Delete { .. }));
                    if only { self.delete(&name) } else { self.write(&name) }
                }
                self.output(merge.output.as_ref());
            }
            _ => {}
        }
    }

    fn insert(&mut self, insert: &Insert) {
        let more = insert.multi_table_into_clauses.iter();
        let more = more.chain(insert.multi_table_when_clauses.iter().flat_map(|when| &when.into_clauses));
        let more = more.chain(insert.multi_table_else_clause.iter().flatten());
        let mut several = false;
        for clause in more {
            several = true;
            self.write(&clause.table_name);
        }
        let target = match &insert.table {
            TableObject::TableName(name) => Some(name),
            TableObject::TableQuery(query) => self.behind(query),
            TableObject::TableFunction(_) => None,
        };
        let elsewhere = target.is_some_and(|name| self.dialect.is_rowset(&parts(name, self.dialect)));
        if elsewhere {
            // The parser takes the arguments of OPENQUERY for columns.
            let server =
                insert.columns.first().and_then(|column| column.0.first()).and_then(|it| it.as_ident());
            self.found.reaches.extend(server.map(|server| reach::written_at(&server.value)));
        } else if let Some(name) = target.filter(|_| !several) {
            self.write(name);
        }
        self.output(insert.output.as_ref());
    }

    /// Of the tables that an UPDATE lists, those whose columns it sets are written.
    fn update(&mut self, update: &Update) {
        let from: &[TableWithJoins] = match &update.from {
            Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) => from,
            None => &[],
        };
        let listed = factors(std::slice::from_ref(&update.table));
        let mut qualifiers = BTreeSet::new();
        self.set.clear();
        for assignment in &update.assignments {
            let columns = match &assignment.target {
                AssignmentTarget::ColumnName(name) => std::slice::from_ref(name),
                AssignmentTarget::Tuple(names) => names,
            };
            for column in columns {
                let own = column.0.last().and_then(|part| part.as_ident());
                self.set.extend(own.map(|ident| ident.value.to_lowercase()));
                if let [.., table, _] = &column.0[..] {
                    qualifiers.extend(table.as_ident().map(|ident| ident.value.to_lowercase()));
                }
            }
        }
        let is_set = |factor: &&TableFactor| {
            let TableFactor::Table { name, alias, .. } = factor else { return false };
            let own = name.0.last().and_then(|part| part.as_ident()).map(|ident| &ident.value);
            let called = alias.as_ref().map(|alias| &alias.name.value).or(own);
            called.is_some_and(|called| qualifiers.contains(&called.to_lowercase()))
        };
        let mut chosen: Vec<&TableFactor> = listed.iter().copied().filter(is_set).collect();
        if listed.len() == 1 {
            chosen = listed;
        } else if chosen.is_empty() {
            return self.one_of(&listed, update);
        }
        for factor in chosen {
            if let Some(name) = self.target(factor, from) {
                self.write(&name);
            }
        }
        self.set.clear();
        self.output(update.output.as_ref());
    }

    /// An UPDATE of several tables whose columns do not say of which they are (MySQL 8.4 Reference Manual, 15.2.17): the one
    /// that can be changed, where the rest are queries; else it is one of them, and only the catalogue tells which.
    fn one_of(&mut self, listed: &[&TableFactor], update: &Update) {
        let may = |factor: &&&TableFactor| match factor {
            TableFactor::Table { name, args: None, .. } => !self.is_expression(&parts(name, self.dialect)),
            _ => false,
        };
        let may: Vec<&TableFactor> = listed.iter().filter(may).copied().collect();
        if let [only] = may[..] {
            if let Some(name) = self.target(only, &[]) {
                self.write(&name);
            }
        } else {
            for factor in may {
                let TableFactor::Table { name, .. } = factor else { continue };
                let name = parts(name, self.dialect);
                if !name.is_empty() {
                    self.found.unsure.insert(name.clone());
                    self.found.writes.insert(name);
                }
            }
        }
        self.set.clear();
        self.output(update.output.as_ref());
    }

    fn deleted(&mut self, delete: &Delete) {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let using = delete.using.as_deref().unwrap_or(&[]);
        for name in &delete.tables {
            if let Some(name) = self.real(name, if using.is_empty() { from } else { using }) {
                self.delete(name);
            }
        }
        if delete.tables.is_empty() {
            for table in from {
                if let Some(name) = self.target(&table.relation, using) {
                    self.delete(&name);
                }
            }
        }
        self.output(delete.output.as_ref());
    }

    /// `OUTPUT … INTO t` of SQL Server.
    fn output(&mut self, output: Option<&OutputClause>) {
        if let Some(OutputClause::Output { into_table: Some(into), .. }) = output {
            // With columns in parentheses behind it, a table looks like a call.
            let name = |target: &Expr| match target {
                Expr::Function(call) => Some(call.name.clone()),
                target => name_of(target),
            };
            for name in into.targets.iter().filter_map(name) {
                self.write(&name);
            }
        }
    }

    fn select_into(&mut self, select: &Select) {
        // Elsewhere it fills variables.
        let makes =
            matches!(self.dialect, Dialect::Postgres | Dialect::MsSql | Dialect::Redshift | Dialect::Generic);
        let Some(into) = select.into.as_ref().filter(|_| makes && !self.procedural) else { return };
        for name in into.targets.iter().filter_map(name_of) {
            let parts = parts(&name, self.dialect);
            if into.temporary || is_private(&parts) {
                self.found.temporary.insert(parts);
            } else {
                self.found.touches.insert((parts, "create"));
                self.write(&name);
            }
        }
    }

    /// `TABLE t`, alone and in a union.
    fn shorthands(&mut self, body: &SetExpr) {
        let mut open = vec![body];
        while let Some(body) = open.pop() {
            match body {
                SetExpr::SetOperation { left, right, .. } => open.extend([&**left, &**right]),
                SetExpr::Table(table) => {
                    let parts = table.schema_name.iter().chain(&table.table_name);
                    let parts: Vec<String> = parts.map(|part| self.dialect.fold_name(part, false)).collect();
                    if !parts.is_empty() && !self.is_expression(&parts) {
                        self.found.reads.insert(parts);
                    }
                }
                _ => {}
            }
        }
    }

    /// `FROM t, t.items`: where rows hold arrays, a name that begins with a table of the same list is one, or with one of
    /// a query around it: `EXISTS (SELECT 1 FROM t.items)`.
    fn arrays(&mut self, select: &Select) {
        for join in select.from.iter().flat_map(|table| &table.joins) {
            use JoinOperator::{ArrayJoin, InnerArrayJoin, LeftArrayJoin};
            if matches!(join.join_operator, ArrayJoin | LeftArrayJoin | InnerArrayJoin) {
                self.targets.insert(address(&join.relation));
            }
        }
        let mut names = BTreeSet::new();
        if !self.dialect.has_arrays_in_rows() {
            return self.called.push(names);
        }
        for factor in factors(&select.from) {
            let TableFactor::Table { name, alias, .. } = factor else { continue };
            let idents: Vec<String> = name
                .0
                .iter()
                .filter_map(|part| part.as_ident())
                .map(|ident| ident.value.to_lowercase())
                .collect();
            let around = || self.called.iter().any(|outer| outer.contains(&idents[0]));
            if idents.len() > 1 && (names.contains(&idents[0]) || around()) {
                self.targets.insert(address(factor));
            }
            let called = alias.as_ref().map(|alias| alias.name.value.to_lowercase());
            names.extend(called.or_else(|| idents.last().cloned()));
        }
        self.called.push(names);
    }
}

/// `FROM ONLY t` is taken by the parser as table ONLY with the alias t.
fn is_only(name: &ObjectName) -> bool {
    matches!(&name.0[..], [part] if part.to_string().eq_ignore_ascii_case("only"))
}

fn name_of(target: &Expr) -> Option<ObjectName> {
    Some(ObjectName::from(match target {
        Expr::Identifier(ident) => vec![ident.clone()],
        Expr::CompoundIdentifier(idents) => idents.clone(),
        _ => return None,
    }))
}

/// Whether the arguments of a table are hints of SQL Server: `FROM t (NOLOCK)`.
fn are_hints(arguments: &TableFunctionArgs, dialect: Dialect) -> bool {
    let hint = |argument: &FunctionArg| {
        matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(ident)))
            if HINTS.contains(&&*ident.value.to_lowercase()))
    };
    matches!(dialect, Dialect::MsSql | Dialect::Generic)
        && !arguments.args.is_empty()
        && arguments.args.iter().all(hint)
}

impl Visitor for Tables {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        self.procedural |= matches!(
            statement,
            Statement::CreateProcedure { .. } | Statement::CreateFunction(_) | Statement::CreateTrigger(_)
        ) && self.dialect != Dialect::MsSql;
        self.statement(statement);
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let outer = self.scopes.last().cloned().unwrap_or_default();
        let mut scope = self.bodies.get(&address(query)).cloned().unwrap_or(outer);
        if let Some(with) = &query.with {
            let name = |cte: &sqlparser::ast::Cte| {
                let ident = &cte.alias.name;
                self.dialect.fold_name(&ident.value, ident.quote_style.is_some())
            };
            if with.recursive {
                scope.extend(with.cte_tables.iter().map(name));
            }
            let mut seen = Vec::new();
            for cte in &with.cte_tables {
                let mut body = scope.clone();
                if self.dialect.expressions_see_themselves() {
                    body.insert(name(cte));
                }
                seen.push((address(&*cte.query), body));
                let table = base(&cte.query).filter(|_| changes_queries(self.dialect));
                if let Some((_, table)) = table {
                    let table = parts(table, self.dialect);
                    let expression = matches!(&table[..], [only] if scope.contains(only));
                    let table = if expression { self.bases.get(&table[0]).cloned() } else { Some(table) };
                    self.bases.extend(table.map(|table| (name(cte), table)));
                } else if changes_queries(self.dialect) {
                    for (column, _, table) in columns(&cte.query) {
                        let table = parts(table, self.dialect);
                        if !matches!(&table[..], [only] if scope.contains(only)) {
                            self.columns.insert((name(cte), column), table);
                        }
                    }
                }
                scope.insert(name(cte));
            }
            self.bodies.extend(seen);
        }
        self.scopes.push(scope);
        self.shorthands(&query.body);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.select_into(select);
        self.arrays(select);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _select: &Select) -> ControlFlow<()> {
        self.called.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: Some(arguments), .. } = factor
            && self.dialect.names_table_in_call(&parts(name, self.dialect))
            && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(table))) = arguments.args.first()
            && let Some(table) = name_of(table)
        {
            self.read(&table);
        }
        if let TableFactor::Table { name, args, alias, .. } = factor
            && args.as_ref().is_none_or(|arguments| are_hints(arguments, self.dialect))
            && !self.targets.contains(&address(factor))
        {
            match alias {
                Some(alias) if is_only(name) && !alias.explicit => {
                    self.read(&ObjectName::from(vec![alias.name.clone()]));
                }
                _ => self.read(name),
            }
        }
        ControlFlow::Continue(())
    }
}
