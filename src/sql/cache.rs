//! Each shape is understood once. Statement kinds whose literals carry evidence (COPY to a path, NOTIFY,
//! remote queries) are keyed by their whole text instead. The cache is bounded and gives the same answer
//! whether it holds a shape or not.

use super::{Analysis, Dialect, Status, analyse, fold};
use crate::evidence::scrub::scrub_shapes;
use crate::evidence::{Class, Shape, Text};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// How many shapes are held; beyond that each statement is understood anew.
pub const SHAPES_CACHED: usize = 100_000;

/// A statement, understood.
#[derive(Debug)]
pub struct Understood {
    /// Fingerprint and folded text.
    pub shape: Shape,
    /// What it does.
    pub analysis: Analysis,
    /// What kind of traffic, as far as the text tells.
    pub class: Class,
}

/// Understands statements of one dialect.
#[derive(Debug)]
pub struct Cache {
    dialect: Dialect,
    /// Dialects that are tried when the first does not take a text: nobody said whose it is.
    others: &'static [Dialect],
    known: RwLock<HashMap<u64, Arc<Understood>, foldhash::fast::FixedState>>,
}

/// Statements of which the literals say what they touch.
fn literals_matter(folded: &str) -> bool {
    folded.starts_with("copy")
        || folded.starts_with("do ?")
        || folded.contains("dblink")
        || folded.contains("openquery")
        || folded.starts_with("prepare")
        || folded.starts_with("create function")
        || folded.starts_with("create or replace")
        || folded.starts_with("set ")
        || folded.contains("set_config(")
}

/// Whether the statement only keeps a connection alive.
fn keeps_alive(folded: &str) -> bool {
    matches!(
        folded,
        "" | "select ?"
            | "select version()"
            | "select pg_catalog.version()"
            | "select now()"
            | "select current_timestamp"
            | "select current_schema()"
            | "select ? from dual"
            | "show transaction isolation level"
            | "show standard_conforming_strings"
    )
}

/// Whether the statement is the server's own upkeep.
fn maintains(folded: &str) -> bool {
    ["vacuum", "analyze", "reindex", "cluster", "checkpoint"].iter().any(|verb| {
        folded.strip_prefix(verb).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '(', ';']))
    })
}

/// Whether the statement looks only at the server's own statistics.
fn watches_server(folded: &str, analysis: &Analysis) -> bool {
    let probing = analysis.traits.iter().any(|it| &*it.name == "catalog-probing");
    let names = [
        "pg_stat_",
        "pg_statio_",
        "pg_locks",
        "pg_replication",
        "pg_database_size",
        "pg_settings",
        "pg_is_in_recovery",
    ];
    analysis.tables.is_empty()
        && analysis.routines.is_empty()
        && probing
        && names.iter().any(|name| folded.contains(name))
}

impl Cache {
    /// An empty cache.
    pub fn new(dialect: Dialect) -> Cache {
        Cache { dialect, others: &[], known: RwLock::default() }
    }

    /// An empty cache for text of which nobody says whose SQL it is; `dialect` is tried first, and shapes fold
    /// by its rules.
    pub fn of_unknown(dialect: Dialect) -> Cache {
        const OTHERS: &[Dialect] = &[Dialect::MySql, Dialect::Hive, Dialect::Generic];
        Cache { others: OTHERS, ..Cache::new(dialect) }
    }

    /// Understands a statement.
    pub fn understand(&self, sql: &str) -> Arc<Understood> {
        let folded = fold::fold_all(sql, self.dialect);
        let fingerprint = fold::hash(&folded);
        let key = if literals_matter(&folded) { fold::hash(sql) } else { fingerprint };
        let held = self.known.read().ok().and_then(|known| known.get(&key).cloned());
        if let Some(held) = held {
            return held;
        }
        let mut analysis = analyse(sql, self.dialect);
        if analysis.status == Status::Tokens {
            let parsed =
                |other: &Dialect| Some(analyse(sql, *other)).filter(|it| it.status == Status::Parsed);
            analysis = self.others.iter().find_map(parsed).unwrap_or(analysis);
        }
        let class = if keeps_alive(&folded) {
            Class::Keepalive
        } else if maintains(&folded) {
            Class::Maintenance
        } else if watches_server(&folded, &analysis) {
            Class::Monitoring
        } else {
            Class::App
        };
        let mut sample = folded;
        fold::cut(&mut sample);
        // Literals are gone; what stands in double quotes is a name only where the client was right.
        let shape = Shape { fingerprint, sample: Text::from(scrub_shapes(&sample)) };
        let understood = Arc::new(Understood { shape, analysis, class });
        if let Ok(mut known) = self.known.write()
            && known.len() < SHAPES_CACHED
        {
            known.insert(key, understood.clone());
        }
        understood
    }
}
