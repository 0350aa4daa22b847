//! Each shape is understood once, from the shape itself and not from the first text that had it: whoever comes first,
//! on whatever thread, changes nothing. Statements whose literals carry evidence (COPY to a path, NOTIFY, remote
//! queries), and shapes that cannot be parsed as such, are keyed by their whole text instead. The cache is bounded
//! and gives the same answer whether it holds a shape or not.

use super::{Analysis, Dialect, Status, TableUse, analyse, fold};
use crate::evidence::scrub::scrub_shapes;
use crate::evidence::{Action, Class, Shape, Text};
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

impl Understood {
    /// A statement whose tables the server itself told; without its text, where the server told no more than that.
    pub fn told(statement: Option<&Understood>, tables: Vec<TableUse>) -> Understood {
        let read = statement.map(|it| it.analysis.clone());
        let shape = statement.map_or(Shape::none(), |it| it.shape.clone());
        let class = statement.map_or(Class::App, |it| it.class);
        // A server opens what it changes for reading, too.
        let altered =
            |parts: &[Text]| tables.iter().any(|it| it.action == Action::Touch && it.parts == parts);
        let told = tables.iter().filter(|it| it.action != Action::Read || !altered(&it.parts));
        let tables = told.cloned().collect();
        let analysis = Analysis { tables, ..read.unwrap_or(Analysis::nothing()) };
        Understood { shape, analysis, class }
    }
}

/// Understands statements of one dialect.
#[derive(Debug)]
pub struct Cache {
    dialect: Dialect,
    /// Dialects that are tried when the first does not take a text: nobody said whose it is.
    others: &'static [Dialect],
    /// By shape or by text; a shape without anything is one whose texts are understood one by one.
    known: RwLock<HashMap<u64, Option<Arc<Understood>>, foldhash::fast::FixedState>>,
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
        || folded.contains("advisory")
        || folded.contains("pg_sleep")
        || folded.contains("get_lock(")
        || folded.contains(" sleep(")
        || folded.contains("order by ?")
        || folded.contains("group by ?")
}

/// A text of a shape: its literals as strings, or as numbers. Quoted names stand in the quotes that the dialect has for
/// them.
fn text_of_shape(folded: &str, literal: &str, dialect: Dialect) -> String {
    let text = folded.replace(" in ?", &format!(" in ({literal})")).replace('?', literal);
    if dialect == Dialect::MySql { text.replace('"', "`") } else { text }
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
            | "do ?"
            | "select @@version_comment limit 1"
            | "select @@version_comment"
            | "select @@version"
            | "select database()"
            | "select user()"
            | "select connection_id()"
            | "show warnings"
    ) || asks_for_settings(folded)
}

/// Whether the statement asks only what MySQL's session is set to, as its drivers do for each connection.
fn asks_for_settings(folded: &str) -> bool {
    let Some(list) = folded.strip_prefix("select @@") else { return false };
    list.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@' | b',' | b' '))
        && !list.contains(" from ")
        && !list.contains(" into ")
}

/// Whether the statement is the server's own upkeep.
fn maintains(folded: &str) -> bool {
    ["vacuum", "analyze", "reindex", "cluster", "checkpoint", "optimize", "repair", "check", "flush"]
        .iter()
        .any(|verb| {
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
        "performance_schema.",
        "information_schema.processlist",
        "information_schema.innodb_",
        "information_schema.global_",
    ];
    if watches_mysql(folded) {
        return true;
    }
    analysis.tables.is_empty()
        && analysis.routines.is_empty()
        && probing
        && names.iter().any(|name| folded.contains(name))
}

/// Whether the statement shows MySQL's own state, as its monitoring does.
fn watches_mysql(folded: &str) -> bool {
    let Some(what) = folded.strip_prefix("show ") else { return false };
    let what = ["global ", "session ", "full "]
        .iter()
        .fold(what, |what, word| what.strip_prefix(word).unwrap_or(what));
    [
        "status",
        "processlist",
        "engine ",
        "slave status",
        "replica status",
        "master status",
        "binary log status",
        "all slaves status",
        "slave hosts",
        "replicas",
        "binary logs",
        "open tables",
    ]
    .iter()
    .any(|state| what.starts_with(state))
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
        let by_shape = self.others.is_empty()
            && matches!(self.dialect, Dialect::Postgres | Dialect::MySql)
            && !literals_matter(&folded);
        if by_shape {
            match self.held(fingerprint) {
                Some(Some(held)) => return held,
                Some(None) => {}
                None => {
                    let parsed = |literal: &&str| {
                        let analysis = analyse(&text_of_shape(&folded, literal, self.dialect), self.dialect);
                        (analysis.status == Status::Parsed).then_some(analysis)
                    };
                    let understood = ["'0'", "0"]
                        .iter()
                        .find_map(parsed)
                        .map(|analysis| Arc::new(understood(&folded, fingerprint, analysis)));
                    self.hold(fingerprint, understood.clone());
                    if let Some(understood) = understood {
                        return understood;
                    }
                }
            }
        }
        // Texts and shapes never share a key: a text is told apart by a byte that no folded text begins with.
        let key = fold::hash(&format!("\0{sql}"));
        if let Some(Some(held)) = self.held(key) {
            return held;
        }
        let mut analysis = analyse(sql, self.dialect);
        if analysis.status == Status::Tokens {
            let parsed =
                |other: &Dialect| Some(analyse(sql, *other)).filter(|it| it.status == Status::Parsed);
            analysis = self.others.iter().find_map(parsed).unwrap_or(analysis);
        }
        let understood = Arc::new(understood(&folded, fingerprint, analysis));
        self.hold(key, Some(understood.clone()));
        understood
    }

    fn held(&self, key: u64) -> Option<Option<Arc<Understood>>> {
        self.known.read().ok()?.get(&key).cloned()
    }

    fn hold(&self, key: u64, understood: Option<Arc<Understood>>) {
        if let Ok(mut known) = self.known.write()
            && known.len() < SHAPES_CACHED
        {
            known.insert(key, understood);
        }
    }
}

/// A statement with its shape and class.
fn understood(folded: &str, fingerprint: u64, analysis: Analysis) -> Understood {
    let class = if keeps_alive(folded) {
        Class::Keepalive
    } else if maintains(folded) {
        Class::Maintenance
    } else if watches_server(folded, &analysis) {
        Class::Monitoring
    } else {
        Class::App
    };
    let mut sample = folded.to_owned();
    fold::cut(&mut sample);
    // Literals are gone; what stands in double quotes is a name only where the client was right.
    let shape = Shape { fingerprint, sample: Text::from(scrub_shapes(&sample)) };
    Understood { shape, analysis, class }
}
