//! What a statement uses beside tables and routines: locks by name, channels, files on the server's own disk, objects in
//! a store, other servers that are reached through this one, and names that are looked up in the catalogue. It says
//! nothing where a name is only known when it runs, and never decides on which machine a path or a server is.

mod catalog;
mod files;
mod remote;

use super::traits::{function_name, literal, literals};
use super::{Analysis, Dialect, Inside, SearchPath, Status, TableUse, Understood, fold};
use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{Action, Confidence, Resource, ResourceKind, Text, Trait};
use sqlparser::ast::{Expr, Function, Statement, Visit, Visitor};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::ControlFlow;

pub(super) use files::of_text;

/// The trait of whoever waits until it has a lock.
const WAITS: &str = "waits-for-lock";
/// The trait of whoever goes on without, where somebody else has it.
const TRIES: &str = "tries-lock";
/// The trait of a path on the disk of the server that runs the statement.
const SERVER_FILE: &str = "server-file";
/// The trait of another server that is reached through the one that runs the statement.
const THROUGH_SERVER: &str = "through-server";

/// The trait of what the body of a definition does, whenever that is run.
const INSIDE: &str = "in-definition";

/// One thing beside tables that a statement uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// What is done to it.
    pub action: Action,
    /// What it is, as written; without a server it is where the statement runs.
    pub to: Resource,
    /// How.
    pub how: Trait,
}

pub(super) use remote::expressions;

impl Reach {
    /// Whether all of the name is known before the statement runs.
    pub(super) fn is_known(&self) -> bool {
        let to = &self.to;
        let open = |text: &Text| text.contains(['{', '}', '$', '%']) || text.contains(fold::UNKNOWN_NAME);
        !to.server.iter().chain(&to.database).chain(&to.parts).chain(&self.how.value).any(open)
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.action.word(), self.to, self.how)
    }
}

/// One use that a statement is.
#[derive(Debug, Clone)]
pub struct Told {
    /// What is done.
    pub action: Action,
    /// To what; without a server where the statement does not say it.
    pub resource: Resource,
    /// How sure the reading is.
    pub confidence: Confidence,
    /// How it is done.
    pub traits: BTreeSet<Trait>,
}

impl Understood {
    /// Whether anything is named that can be used.
    pub fn names_something(&self) -> bool {
        let analysis = &self.analysis;
        !analysis.tables.is_empty() || !analysis.routines.is_empty() || !analysis.reaches.is_empty()
    }

    /// Whether something of the server itself is named that runs the statement, and not only what that one reaches.
    pub fn names_something_here(&self) -> bool {
        let analysis = &self.analysis;
        let here = |reach: &Reach| {
            (reach.to.server.is_none() && reach.to.database.is_none())
                && matches!(reach.to.kind, ResourceKind::Lock | ResourceKind::Topic | ResourceKind::Database)
        };
        !analysis.tables.is_empty() || !analysis.routines.is_empty() || analysis.reaches.iter().any(here)
    }

    /// The uses that the statement is, in a session that looks for unqualified names there.
    pub fn uses(&self, path: &SearchPath) -> Vec<Told> {
        let Analysis { tables, routines, reaches, traits, .. } = &self.analysis;
        self.uses_of(path, tables, routines, reaches, traits)
    }

    /// The same with what the bodies of its definitions do, marked so: whoever writes a definition depends on the tables
    /// that it names, and whoever sends it to a server has not used them.
    pub fn uses_as_written(&self, path: &SearchPath) -> Vec<Told> {
        let Inside { tables, routines, reaches, traits } = &self.analysis.inside;
        let mut told = self.uses(path);
        let inside = self.uses_of(path, tables, routines, reaches, traits);
        told.extend(inside.into_iter().map(|mut told| {
            told.traits.insert(Trait::named(INSIDE));
            told
        }));
        told
    }

    fn uses_of(
        &self,
        path: &SearchPath,
        tables: &[TableUse],
        routines: &[Vec<Text>],
        reaches: &[Reach],
        traits: &BTreeSet<Trait>,
    ) -> Vec<Told> {
        let tables = tables.iter().filter_map(|table| {
            let resource = Resource::table(path.qualify(&table.parts)?);
            let (action, confidence, traits) = (table.action, table.confidence, traits.clone());
            Some(Told { action, resource, confidence, traits })
        });
        let routines = routines.iter().filter_map(|name| {
            let resource = Resource::routine(path.qualify(name)?);
            let (action, confidence, traits) = (Action::Call, Confidence::Medium, traits.clone());
            Some(Told { action, resource, confidence, traits })
        });
        let sure = if self.analysis.status == Status::Parsed { Confidence::High } else { Confidence::Low };
        let reaches = reaches.iter().map(|reach| Told {
            action: reach.action,
            resource: reach.to.clone(),
            confidence: sure,
            traits: BTreeSet::from([reach.how.clone()]),
        });
        tables.chain(routines).chain(reaches).collect()
    }
}

/// Adds what a parsed statement uses beside tables.
pub(super) fn of_statement(statement: &Statement, dialect: Dialect, reaches: &mut BTreeSet<Reach>) {
    match statement {
        Statement::LISTEN { channel } => {
            let name = dialect.fold_name(&channel.value, channel.quote_style.is_some());
            reaches.insert(channel_of(Action::Consume, &name, "listen"));
        }
        Statement::NOTIFY { channel, .. } => {
            let name = dialect.fold_name(&channel.value, channel.quote_style.is_some());
            reaches.insert(channel_of(Action::Publish, &name, "notify"));
        }
        Statement::Execute { name: Some(name), parameters, .. } => {
            let name = name.to_string().to_ascii_lowercase();
            if name.rsplit('.').next() == Some("sp_getapplock") {
                reaches.extend(application_lock(parameters));
            }
        }
        _ => {}
    }
    files::of_statement(statement, reaches);
    remote::of_statement(statement, dialect, reaches);
    catalog::of_statement(statement, dialect, reaches);
    let _ = statement.visit(&mut Functions { reaches });
}

/// A name in a database that is no table: a channel or a lock.
fn within(kind: ResourceKind, name: &str) -> Resource {
    Resource { kind, server: None, database: None, parts: vec![Text::from(scrub_name(name))] }
}

fn channel_of(action: Action, name: &str, how: &str) -> Reach {
    Reach { action, to: within(ResourceKind::Topic, name), how: Trait::named(how) }
}

/// A server whose rows a statement changes through the one that runs it: `UPDATE OPENQUERY(server, '…')`.
pub(super) fn written_elsewhere(arguments: &[&Expr]) -> Option<Reach> {
    let Some(Expr::Identifier(server)) = arguments.first() else { return None };
    Some(remote::link(&server.value, Action::Write))
}

/// The same where the statement was not parsed.
pub(super) fn written_at(server: &str) -> Reach {
    remote::link(server, Action::Write)
}

/// Whoever takes messages from a queue of Service Broker.
pub(super) fn received(name: &[String]) -> Reach {
    channel_of(Action::Consume, &name.join("."), "receive")
}

fn lock_of(name: &str, how: &str) -> Reach {
    Reach { action: Action::Touch, to: within(ResourceKind::Lock, name), how: Trait::named(how) }
}

/// `EXEC sp_getapplock @Resource = 'x', …` (Transact-SQL Reference).
fn application_lock(parameters: &[Expr]) -> Option<Reach> {
    parameters.iter().find_map(|parameter| match parameter {
        Expr::BinaryOp { left, right, .. } if left.to_string().eq_ignore_ascii_case("@resource") => {
            Some(lock_of(&literal(right)?, WAITS))
        }
        _ => None,
    })
}

struct Functions<'a> {
    reaches: &'a mut BTreeSet<Reach>,
}

impl Visitor for Functions<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            self.reaches.extend(lock(function));
            if function_name(function) == "pg_notify"
                && let Some(channel) = first(function)
            {
                self.reaches.insert(channel_of(Action::Publish, &channel, "notify"));
            }
        }
        ControlFlow::Continue(())
    }
}

/// The first argument, where it is a literal.
fn first(function: &Function) -> Option<String> {
    literal(super::traits::first_argument(function)?)
}

/// The lock that a function takes, where its key is a literal: PostgreSQL's advisory locks (manual, table 9.101, one key
/// of 64 bits or two of 32) and MySQL's `GET_LOCK` (8.4 Reference Manual, 14.14). A hashed name is the name.
fn lock(function: &Function) -> Option<Reach> {
    let name = function_name(function);
    let how = if name.contains("_try_") || name == "get_lock" { TRIES } else { WAITS };
    if name == "get_lock" {
        return Some(lock_of(&first(function)?, how));
    }
    let takes = matches!(
        name.strip_suffix("_shared").unwrap_or(&name),
        "pg_advisory_lock" | "pg_advisory_xact_lock" | "pg_try_advisory_lock" | "pg_try_advisory_xact_lock"
    );
    if !takes {
        return None;
    }
    if let Some(Expr::Function(hashed)) = super::traits::first_argument(function)
        && matches!(function_name(hashed).as_str(), "hashtext" | "hashtextextended")
    {
        return Some(lock_of(&scrub(&first(hashed)?), how));
    }
    let keys = literals(function).filter(|keys| (1..=2).contains(&keys.len()))?;
    Some(lock_of(&keys.join(","), how))
}
