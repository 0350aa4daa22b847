//! `EXPLAIN`: where the statement begins that it is about, and whether that is run (PostgreSQL manual, EXPLAIN; MySQL
//! 8.4 Reference Manual, 15.8.2; MariaDB, ANALYZE statement; Oracle SQL Language Reference, EXPLAIN PLAN). A plan alone
//! touches tables: nothing of them is read, and nothing changes. It reads no statement.

use super::Found;
use super::lex::{Kind, Lexed};

/// How many tokens may stand before the statement.
const MAX_OPTIONS: usize = 48;

/// Words that a statement begins with of which there is a plan.
const OPENERS: [&str; 10] =
    ["select", "with", "insert", "update", "delete", "merge", "replace", "values", "create", "execute"];

/// What engines take between EXPLAIN and the statement.
const OPTIONS: [&str; 40] = [
    "analyze",
    "analyse",
    "verbose",
    "extended",
    "partitions",
    "format",
    "json",
    "tree",
    "traditional",
    "text",
    "xml",
    "yaml",
    "graphviz",
    "tabular",
    "plan",
    "for",
    "set",
    "statement_id",
    "using",
    "query",
    "query_plan",
    "logical",
    "distributed",
    "type",
    "ast",
    "syntax",
    "pipeline",
    "estimate",
    "formatted",
    "codegen",
    "cost",
    "cbo",
    "authorization",
    "locks",
    "vectorization",
    "dependency",
    "rewrite",
    "validate",
    "io",
    "reoptimization",
];

/// The statement that an EXPLAIN is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Explained {
    /// The token it begins with.
    pub at: usize,
    /// Whether it is run.
    pub runs: bool,
}

/// What the statement in a text explains; `None`: it is no EXPLAIN of a statement.
pub(super) fn explained(lexed: &Lexed<'_>) -> Option<Explained> {
    let verb = ["explain", "analyze", "desc", "describe"].iter().position(|verb| lexed.is(0, verb))?;
    let opens = |at: usize| OPENERS.iter().any(|word| lexed.is(at, word));
    let query = |at: usize| lexed.is(at, "(") && (opens(at + 1) || lexed.is(at + 1, "("));
    // ANALYZE of a statement is MariaDB's; of anything else it counts rows. DESC TABLE is of a table.
    let (mut runs, mut at) = (verb == 1, 1);
    while at < MAX_OPTIONS {
        if opens(at) || query(at) || verb == 0 && lexed.is(at, "table") {
            return Some(Explained { at, runs });
        }
        if lexed.is(at, "(") {
            let end = lexed.after_list(at);
            for option in at + 1..end.min(at + MAX_OPTIONS) {
                if lexed.is(option, "analyze") || lexed.is(option, "analyse") {
                    let off = lexed.content(option + 1).unwrap_or_else(|| lexed.raw(option + 1).to_owned());
                    runs = !matches!(&*off.to_ascii_lowercase(), "false" | "off" | "0");
                }
            }
            at = end;
            continue;
        }
        runs |= lexed.is(at, "analyze") || lexed.is(at, "analyse");
        at = match lexed.kind(at)? {
            Kind::Word if lexed.is(at, "into") => lexed.name(at + 1).map_or(at + 2, |(_, next)| next),
            Kind::Word if OPTIONS.iter().any(|word| lexed.is(at, word)) => at + 1,
            Kind::Word if lexed.is(at - 1, "=") => at + 1,
            Kind::Text | Kind::Param | Kind::Number => at + 1,
            Kind::Sign if lexed.is(at, "=") || lexed.is(at, ",") => at + 1,
            _ => return None,
        };
    }
    None
}

/// What is left of a statement that is not run.
pub(super) fn planned(found: Found) -> Found {
    let touched = found.touches.into_iter().map(|(name, _)| name);
    let names = touched.chain(found.reads).chain(found.writes).chain(found.models);
    Found {
        touches: names.map(|name| (name, "explain")).collect(),
        statement: found.statement,
        ..Found::default()
    }
}
