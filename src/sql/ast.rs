//! Tables and roles from the parser's tree, with the exact scope of every common table expression: a name
//! means the expression only where the SQL standard says so (ISO/IEC 9075-2, 7.17). It never reads tokens.

use super::{Dialect, Found, reach, routines, session, traits};
use crate::evidence::Trait;
use sqlparser::ast::{
    CopySource, Expr, FromTable, ObjectName, ObjectType, Query, Select, SetExpr, Statement, TableFactor,
    TableObject, TableWithJoins, UpdateTableFromKind, Visit, Visitor,
};
use sqlparser::parser::Parser;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// How deep a statement may nest for the parser.
const RECURSION_LIMIT: usize = 120;

/// Reads a text, if the parser takes all of it.
pub(super) fn read(sql: &str, dialect: Dialect, traits: &mut BTreeSet<Trait>) -> Option<Found> {
    let rules = dialect.rules();
    let statements = Parser::new(&*rules)
        .with_recursion_limit(RECURSION_LIMIT)
        .try_with_sql(sql)
        .ok()?
        .parse_statements()
        .ok()?;
    let mut made: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut found = Found { statement: !statements.is_empty(), ..Found::default() };
    for statement in &statements {
        let mut tables = Tables::new(dialect);
        let _ = statement.visit(&mut tables);
        let one = tables.found;
        found.reads.extend(one.reads.into_iter().filter(|name| !made.contains(name)));
        // A table made and dropped inside the text, or a temporary one, is nobody else's.
        for (name, how) in &one.touches {
            match *how {
                "create-temporary" => {
                    if let [only] = &name[..] {
                        let name = crate::evidence::Text::from(only.as_str());
                        found.session.push(session::SessionChange::Temporary(name));
                    }
                    made.insert(name.clone());
                    traits.insert(Trait::named("temp-table"));
                }
                "drop" => {
                    if found.writes.remove(name) {
                        found.touches.retain(|(other, _)| other != name);
                        continue;
                    }
                    if !made.contains(name) {
                        found.touches.insert((name.clone(), how));
                    }
                }
                _ if made.contains(name) => {}
                how => {
                    found.touches.insert((name.clone(), how));
                }
            }
        }
        found.writes.extend(one.writes.into_iter().filter(|name| !made.contains(name)));
        traits::of_statement(statement, dialect, traits);
        reach::of_statement(statement, dialect, &mut found.reaches);
        routines::of_statement(statement, dialect, &mut found);
        found.session.extend(session::of_statement(statement, dialect));
        found.acts |= session::acts(statement);
    }
    // What is written first and read later in one text is its own product only if it vanished.
    let vanished: BTreeSet<Vec<String>> = found
        .reads
        .iter()
        .filter(|name| {
            let touched = found.touches.iter().any(|(other, _)| other == *name);
            let dropped = statements.iter().any(|s| drops(s, name, dialect));
            dropped && !touched && !found.writes.contains(*name)
        })
        .cloned()
        .collect();
    found.reads.retain(|name| !vanished.contains(name));
    Some(found)
}

fn drops(statement: &Statement, name: &[String], dialect: Dialect) -> bool {
    matches!(statement, Statement::Drop { names, .. } if names.iter().any(|n| parts(n, dialect) == name))
}

/// A name in parts, folded by the dialect; parts that are function calls name nothing.
pub(super) fn parts(name: &ObjectName, dialect: Dialect) -> Vec<String> {
    let part = |part: &sqlparser::ast::ObjectNamePart| {
        part.as_ident().map(|ident| dialect.fold_name(&ident.value, ident.quote_style.is_some()))
    };
    let parts = name.0.iter().map(part).collect::<Option<Vec<String>>>().unwrap_or_default();
    match &parts[..] {
        // Spark reads a file by its format: json.`path` is that path.
        [format, path] if dialect.reads_files() && is_format(format) && path.contains('/') => {
            vec![path.clone()]
        }
        _ => parts,
    }
}

fn is_format(word: &str) -> bool {
    matches!(word, "json" | "parquet" | "csv" | "orc" | "avro" | "delta" | "text" | "binaryfile")
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
}

fn address<T>(it: &T) -> usize {
    std::ptr::from_ref(it).addr()
}

impl Tables {
    fn new(dialect: Dialect) -> Tables {
        let (scopes, bodies, targets) = Default::default();
        Tables { dialect, found: Found::default(), scopes, bodies, targets }
    }

    fn visible(&self, name: &str) -> bool {
        self.scopes.last().is_some_and(|scope| scope.contains(name))
    }

    fn read(&mut self, name: &ObjectName) {
        let parts = parts(name, self.dialect);
        let cte = matches!(&parts[..], [only] if self.visible(only));
        if !parts.is_empty() && !cte {
            self.found.reads.insert(parts);
        }
    }

    fn write(&mut self, name: &ObjectName) {
        let parts = parts(name, self.dialect);
        if !parts.is_empty() {
            self.found.writes.insert(parts);
        }
    }

    fn touch(&mut self, name: &ObjectName, how: &'static str) {
        let parts = parts(name, self.dialect);
        if !parts.is_empty() {
            self.found.touches.insert((parts, how));
        }
    }

    /// Marks a factor as target and gives its name; an alias of the FROM list stands for the table there.
    fn target<'a>(&mut self, table: &'a TableFactor, from: &'a [TableWithJoins]) -> Option<&'a ObjectName> {
        self.targets.insert(address(table));
        let TableFactor::Table { name, .. } = table else { return None };
        let [part] = &name.0[..] else { return Some(name) };
        // `UPDATE ONLY t` is taken by the parser as table ONLY with the alias t.
        if part.to_string().eq_ignore_ascii_case("only") {
            return None;
        }
        let alias = part.as_ident().map(|ident| ident.value.as_str())?;
        let factors =
            from.iter().flat_map(|t| std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation)));
        for factor in factors {
            if let TableFactor::Table { name: real, alias: Some(given), .. } = factor
                && given.name.value.eq_ignore_ascii_case(alias)
            {
                self.targets.insert(address(factor));
                return Some(real);
            }
        }
        Some(name)
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Insert(insert) => {
                if let TableObject::TableName(name) = &insert.table {
                    self.write(name);
                }
            }
            Statement::Update(update) => {
                let from: &[TableWithJoins] = match &update.from {
                    Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) => from,
                    None => &[],
                };
                if let Some(name) = self.target(&update.table.relation, from) {
                    self.write(name);
                }
            }
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
                if delete.tables.is_empty() {
                    for table in from {
                        if let Some(name) =
                            self.target(&table.relation, delete.using.as_deref().unwrap_or(&[]))
                        {
                            self.touch(name, "delete");
                        }
                    }
                }
                for name in &delete.tables {
                    self.touch(name, "delete");
                }
            }
            Statement::Merge(merge) => {
                if let Some(name) = self.target(&merge.table, &[]) {
                    self.write(name);
                }
            }
            Statement::Truncate(truncate) => {
                for target in &truncate.table_names {
                    self.touch(&target.name, "truncate");
                }
            }
            Statement::Copy { source: CopySource::Table { table_name, .. }, to, .. } => {
                if *to {
                    self.read(table_name)
                } else {
                    self.write(table_name)
                }
            }
            Statement::Directory { path, .. } => {
                self.found.writes.insert(vec![path.clone()]);
            }
            _ => self.definition(statement),
        }
    }

    fn definition(&mut self, statement: &Statement) {
        match statement {
            Statement::CreateTable(table) => {
                let temporary = table.temporary
                    || matches!(&table.name.0[..], [only] if only.to_string().starts_with(['#', '[']) && only.to_string().contains('#'));
                let how = if temporary { "create-temporary" } else { "create" };
                self.touch(&table.name, how);
                if table.query.is_some() || table.clone.is_some() {
                    self.write(&table.name);
                }
                if let Some(source) = &table.clone {
                    self.read(source);
                }
            }
            Statement::CreateView(view) => {
                self.touch(&view.name, if view.temporary { "create-temporary" } else { "create" });
                self.write(&view.name);
            }
            Statement::AlterTable(alter) => self.touch(&alter.name, "alter"),
            Statement::CreateIndex(index) => self.touch(&index.table_name, "index"),
            Statement::Drop { object_type, names, .. } => {
                let table = matches!(
                    object_type,
                    ObjectType::Table | ObjectType::View | ObjectType::MaterializedView
                );
                for name in names.iter().filter(|_| table) {
                    self.touch(name, "drop");
                }
            }
            Statement::Lock(lock) => {
                for target in &lock.tables {
                    self.touch(&target.name, "lock");
                }
            }
            Statement::Analyze(analyze) => {
                if let Some(name) = &analyze.table_name {
                    self.touch(name, "analyze");
                }
            }
            Statement::CreateTrigger(trigger) => self.touch(&trigger.table_name, "trigger"),
            _ => {}
        }
    }

    fn select_into(&mut self, select: &Select) {
        for target in select.into.iter().flat_map(|into| &into.targets) {
            let idents = match target {
                Expr::Identifier(ident) => std::slice::from_ref(ident),
                Expr::CompoundIdentifier(idents) => idents,
                _ => continue,
            };
            let name = ObjectName::from(idents.to_vec());
            let own = idents.last().is_some_and(|ident| ident.value.starts_with('#'));
            if own || select.into.as_ref().is_some_and(|into| into.temporary) {
                self.touch(&name, "create-temporary");
            } else {
                self.write(&name);
            }
        }
    }
}

impl Visitor for Tables {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        self.statement(statement);
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let SetExpr::Table(table) = &*query.body
            && let Some(name) = &table.table_name
        {
            let mut parts: Vec<String> = table.schema_name.iter().cloned().collect();
            parts.push(name.clone());
            self.found.reads.insert(parts.iter().map(|part| self.dialect.fold_name(part, false)).collect());
        }
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
                seen.push((address(&*cte.query), scope.clone()));
                scope.insert(name(cte));
            }
            self.bodies.extend(seen);
        }
        self.scopes.push(scope);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.select_into(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: None, alias, .. } = factor
            && !self.targets.contains(&address(factor))
        {
            // `FROM ONLY t` is taken by the parser as table ONLY with the alias t.
            let only = matches!(&name.0[..], [part] if part.to_string().eq_ignore_ascii_case("only"));
            match (only, alias) {
                (true, Some(alias)) if !alias.explicit => {
                    self.read(&ObjectName::from(vec![alias.name.clone()]));
                }
                _ => self.read(name),
            }
        }
        ControlFlow::Continue(())
    }
}
