//! Other servers that a statement reaches through the one that runs it: dblink and foreign servers (PostgreSQL manual,
//! F.12 and CREATE SERVER), linked servers (Transact-SQL Reference, OPENQUERY, four-part names), database links (Oracle
//! SQL Language Reference, "Database Links": `table@link`). Logins and passwords of a connection string are never
//! looked at.

use super::{Reach, THROUGH_SERVER};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{Action, Resource, ResourceKind, Text, Trait};
use crate::sql::Dialect;
use crate::sql::traits::{function_name, literal};
use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, ObjectName, Statement, TableFactor, Visit, Visitor,
};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

pub(super) fn of_statement(statement: &Statement, dialect: Dialect, reaches: &mut BTreeSet<Reach>) {
    if let Statement::CreateServer(server) = statement {
        let option = |name: &str| {
            let found =
                server.options.iter().flatten().find(|option| option.key.value.eq_ignore_ascii_case(name));
            found.map(|option| option.value.value.clone())
        };
        reaches.extend(database(option("host"), option("port"), option("dbname"), Action::Connect));
    }
    let _ = statement.visit(&mut Remote { dialect, reaches });
}

struct Remote<'a> {
    dialect: Dialect,
    reaches: &'a mut BTreeSet<Reach>,
}

/// A database by the parts of a connection string. The server's own sockets and addresses that mean itself name only
/// its database.
fn database(
    host: Option<String>,
    port: Option<String>,
    name: Option<String>,
    action: Action,
) -> Option<Reach> {
    let known =
        |text: Option<String>| text.filter(|text| !text.is_empty() && !text.contains(['{', '$', '%']));
    let own =
        |host: &String| matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1") || host.starts_with('/');
    let (host, name) = (known(host).filter(|host| !own(host)), known(name));
    let server = host.map(|host| match known(port) {
        Some(port) => Text::from(format!("{}:{port}", scrub_name(&host))),
        None => Text::from(scrub_name(&host)),
    });
    if server.is_none() && name.is_none() {
        return None;
    }
    let to = Resource::database(server, name.map(|name| Text::from(scrub_name(&name))));
    Some(Reach { action, to, how: Trait::named(THROUGH_SERVER) })
}

/// The parts of `host=… port=… dbname=…` or of a URI (PostgreSQL manual, 34.1.1).
fn connection(text: &str, action: Action) -> Option<Reach> {
    if let Some((scheme, rest)) = text.split_once("://") {
        if !scheme.starts_with("postgres") {
            return None;
        }
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let rest = rest.split('?').next().unwrap_or(rest);
        let (server, name) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = server.split_once(':').unwrap_or((server, ""));
        return database(Some(host.to_owned()), Some(port.to_owned()), Some(name.to_owned()), action);
    }
    let value = |key: &str| {
        let pair = text.split_whitespace().find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        pair.map(|value| value.trim_matches('\'').to_owned())
    };
    let host = value("host").or_else(|| value("hostaddr"));
    database(host, value("port"), value("dbname"), action)
}

/// A server that only the one that runs the statement knows by this name.
pub(super) fn link(name: &str, action: Action) -> Reach {
    let parts = vec![Text::from(scrub_name(&name.to_lowercase()))];
    let to = Resource { kind: ResourceKind::External, server: None, database: None, parts };
    Reach { action, to, how: Trait::named(THROUGH_SERVER) }
}

/// The arguments of a table function that are expressions.
pub(in crate::sql) fn expressions(arguments: &[FunctionArg]) -> Vec<&Expr> {
    let expr = |argument| match argument {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Some(expr),
        _ => None,
    };
    arguments.iter().filter_map(expr).collect()
}

impl Remote<'_> {
    fn called(&mut self, name: &str, arguments: &[&Expr]) {
        let action = if name == "dblink_exec" { Action::Write } else { Action::Read };
        match (name, arguments) {
            // With a name in front, the string is the second: dblink_connect('name', 'host=…').
            ("dblink" | "dblink_exec" | "dblink_connect" | "dblink_connect_u" | "dblink_open", all) => {
                let texts = all.iter().take(2).filter_map(|argument| literal(argument));
                let action = if name.starts_with("dblink_connect") { Action::Connect } else { action };
                let named = |text: &String| {
                    text.contains("dbname=") || text.contains("host=") || text.contains("://")
                };
                self.reaches.extend(texts.filter(named).find_map(|text| connection(&text, action)));
            }
            ("openquery", [Expr::Identifier(server), ..]) => {
                self.reaches.insert(link(&server.value, Action::Read));
            }
            // BigQuery, "Federated query functions": the connection, and a query for its server.
            ("external_query", [connection, ..]) => {
                let name = literal(connection);
                let known = name.as_deref().and_then(|name| name.rsplit('.').next());
                self.reaches.extend(known.map(|name| link(name, Action::Read)));
            }
            // ClickHouse, "remote, remoteSecure": the address of a server, and a table there.
            ("remote" | "remotesecure", [at, ..]) if self.dialect == Dialect::ClickHouse => {
                let named = |expr: &Expr| match expr {
                    Expr::Identifier(name) => Some(name.value.clone()),
                    Expr::CompoundIdentifier(names) => names.first().map(|name| name.value.clone()),
                    expr => literal(expr),
                };
                let there = arguments.get(1).and_then(|expr| named(expr));
                // A pattern means several servers.
                let at = literal(at).filter(|at| !at.contains(['{', ',', '|', '*']));
                self.reaches.extend(at.and_then(|at| {
                    let (host, port) = at.split_once(':').unwrap_or((&at, ""));
                    database(Some(host.to_owned()), Some(port.to_owned()), there, Action::Read)
                }));
            }
            _ => {}
        }
    }

    /// `server.database.schema.table` and `table@link`.
    fn table(&mut self, name: &ObjectName) {
        let parts: Vec<&str> =
            name.0.iter().filter_map(|part| Some(part.as_ident()?.value.as_str())).collect();
        if let ([server, _, _, _], Dialect::MsSql) = (&parts[..], self.dialect) {
            self.reaches.insert(link(server, Action::Read));
        }
        if let (Some((_, at)), Dialect::Oracle) =
            (parts.last().and_then(|last| last.split_once('@')), self.dialect)
        {
            self.reaches.insert(link(at, Action::Read));
        }
    }
}

impl Visitor for Remote<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: Some(arguments), .. } => {
                let called = name.0.last().and_then(|part| part.as_ident());
                let called = called.map(|name| name.value.to_ascii_lowercase()).unwrap_or_default();
                self.called(&called, &expressions(&arguments.args));
            }
            TableFactor::Function { name, args, .. } => {
                let called = name.to_string().to_ascii_lowercase();
                self.called(&called, &expressions(args));
            }
            TableFactor::Table { name, .. } => self.table(name),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            let arguments = crate::sql::traits::arguments(function);
            self.called(&function_name(function), &arguments);
        }
        ControlFlow::Continue(())
    }
}
