//! Each shape is understood once, from the shape itself and not from the first text that had it: whoever comes first,
//! on whatever thread, changes nothing. Statements of which single literals tell something (the width of a window, a
//! lock) are keyed by a wider shape in which those stand; statements whose literals carry evidence as a whole (COPY to
//! a path, remote queries), and shapes that cannot be parsed as such, by their whole text. The cache is bounded and
//! gives the same answer whether it holds a shape or not.

use super::{Analysis, Dialect, Status, TableUse, analyse, fold, is_sessions, shown_part, state, telling};
use crate::evidence::scrub::scrub_shapes;
use crate::evidence::{Action, Class, Confidence, ResourceKind, Shape, Text};
use std::collections::{BTreeSet, HashMap};
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
    /// Where the server is less than sure to have told all (less than high confidence), what the text was read as stays
    /// beside it, unless it was only guessed at.
    pub fn told(statement: Option<&Understood>, tables: &[TableUse]) -> Understood {
        // A server opens what it changes for reading, too.
        let altered =
            |parts: &[Text]| tables.iter().any(|it| it.action == Action::Touch && it.parts == parts);
        let told = tables.iter().filter(|it| it.action != Action::Read || !altered(&it.parts));
        let planned = statement.is_some_and(Understood::is_planned);
        // What a statement only defines something for, a server may open for reading as well.
        let touched = |it: &TableUse| {
            let own = statement.map(|statement| &statement.analysis.tables[..]).unwrap_or_default();
            let mut same = own.iter().filter(|own| own.parts.last() == it.parts.last()).peekable();
            it.action == Action::Read && same.peek().is_some() && same.all(|own| own.action == Action::Touch)
        };
        let action = |it: &TableUse| if planned || touched(it) { Action::Touch } else { it.action };
        let told: BTreeSet<TableUse> = told
            .map(|it| {
                let parts = it.parts.iter().map(|part| Text::from(shown_part(part))).collect();
                TableUse { action: action(it), parts, confidence: Confidence::High }
            })
            .collect();
        // Routines that the server named stand among them, as what is called.
        let (called, told): (BTreeSet<TableUse>, BTreeSet<TableUse>) =
            told.into_iter().partition(|it| it.action == Action::Call);
        let mut routines: Vec<Vec<Text>> = called.into_iter().map(|it| it.parts).collect();
        // A session's own tables are nobody else's, by whatever name the server calls them.
        let shared = |it: &&TableUse| !is_sessions(&it.parts, Dialect::Postgres);
        let Some(statement) = statement else {
            let acts = told.is_empty() && routines.is_empty();
            let tables = told.iter().filter(shared).cloned().collect();
            let analysis = Analysis { tables, routines, acts, ..Analysis::nothing() };
            return Understood { shape: Shape::none(), analysis, class: Class::App };
        };
        let partial = tables.iter().any(|it| it.confidence != Confidence::High);
        let guessed = statement.analysis.status != Status::Parsed;
        let own = statement.analysis.tables.iter().filter(|own| {
            let mut same = told.iter().filter(|it| it.action == own.action).peekable();
            // Where it is looked for, the server has looked.
            let named = if state::listed(&own.parts).is_some() { &own.parts[1..] } else { &own.parts[..] };
            partial && !(guessed && same.peek().is_some()) && !same.any(|it| it.parts.ends_with(named))
        });
        let tables: BTreeSet<TableUse> = own.chain(told.iter().filter(shared)).cloned().collect();
        // What the text calls in a package that the server named is that.
        let whole = routines.clone();
        let named = |it: &&Vec<Text>| {
            !whole.iter().any(|told| told.starts_with(it) || it.starts_with(told) || is_in(it, told))
        };
        routines.extend(statement.analysis.routines.iter().filter(named).cloned());
        let analysis =
            Analysis { tables: tables.into_iter().collect(), routines, ..statement.analysis.clone() };
        Understood { shape: statement.shape.clone(), analysis, class: statement.class }
    }

    /// Whether the statement is not run: servers ask for the rights to a plan as if it were.
    fn is_planned(&self) -> bool {
        let analysis = &self.analysis;
        analysis.flow.touches.iter().any(|(_, how)| how == "explain")
            && analysis.tables.iter().all(|table| table.action == Action::Touch)
    }

    /// The same without the tables to which one of these is done: the server tells those parts by themselves.
    #[must_use]
    pub fn without(&self, told: &BTreeSet<Action>) -> Understood {
        let others = self.analysis.tables.iter().filter(|table| !told.contains(&table.action));
        let analysis = Analysis {
            tables: others.cloned().collect(),
            status: Status::Parsed,
            acts: false,
            ..self.analysis.clone()
        };
        Understood { shape: self.shape.clone(), analysis, class: self.class }
    }
}

/// Whether a routine as a text names it, without its owner, is in a package that a server named, or is it.
fn is_in(written: &[Text], told: &[Text]) -> bool {
    matches!((written, told), ([first, ..], [_, object]) if first == object)
}

/// Understands statements of one dialect.
#[derive(Debug)]
pub struct Cache {
    dialect: Dialect,
    /// Dialects that are tried when the first does not take a text: nobody said whose it is.
    others: &'static [Dialect],
    /// By shape, by wider shape or by text.
    known: RwLock<HashMap<u64, Known, foldhash::fast::FixedState>>,
}

/// How the statements of a shape are understood.
#[derive(Debug, Clone)]
enum Known {
    /// All alike.
    Alike(Arc<Understood>),
    /// Each wider shape by itself.
    Telling,
    /// Each text by itself.
    Texts,
}

/// Statements of which the literals say what they touch.
fn literals_matter(folded: &str) -> bool {
    folded.starts_with("copy")
        || folded.starts_with("do ")
        || folded.starts_with("execute")
        || folded.starts_with("unload")
        || folded.starts_with("create procedure")
        || folded.contains("crosstab(")
        || folded.contains("query_to_xml(")
        || folded.contains("ts_stat(")
        || folded.contains("swap_partitions_between_tables(")
        || folded.contains("dblink")
        || folded.contains("openquery")
        || folded.starts_with("prepare")
        || folded.starts_with("create function")
        || folded.starts_with("create or replace")
        || folded.starts_with("set ")
        || folded.contains("; set ")
        || folded.contains(" uescape ?")
        || folded.contains("(analyze ?")
        || folded.contains(",analyze ?")
        || folded.contains("set_config(")
        || folded.contains(" sleep(")
        || folded.contains("outfile")
        || folded.contains("dumpfile")
        || folded.contains("infile")
        || folded.starts_with("bulk insert")
        || folded.starts_with("unload")
        || folded.starts_with("export data")
        || folded.contains("order by ?")
        || folded.contains("group by ?")
        || has_odd_name(folded)
}

/// Whether a quoted name holds a quote, or the sign that stands for literals: no text of the shape can be made then.
fn has_odd_name(folded: &str) -> bool {
    let mut quoted = false;
    folded.bytes().any(|byte| {
        quoted ^= byte == b'"';
        quoted && matches!(byte, b'?' | b'`')
    }) || folded.contains("\"\"")
}

/// A text of a shape: its literals as strings, or as numbers. Quoted names stand in the quotes that the dialect has for
/// them.
fn text_of_shape(folded: &str, literal: &str, dialect: Dialect) -> String {
    let text = folded.replace(" in ?", &format!(" in ({literal})")).replace('?', literal);
    if dialect == Dialect::MySql { text.replace('"', "`") } else { text }
}

/// Whether the statement only keeps a connection alive.
fn keeps_alive(folded: &str, dialect: Dialect) -> bool {
    // In PostgreSQL that is a block of statements.
    (dialect == Dialect::MySql && folded == "do ?")
        || matches!(
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
                | "select database()"
                | "select user()"
                | "select connection_id()"
                | "show warnings"
        )
        || asks_for_settings(folded)
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
        if self.others.is_empty() && matches!(self.dialect, Dialect::Postgres | Dialect::MySql) {
            let known = self.held(fingerprint).unwrap_or_else(|| self.first_of(&folded, fingerprint));
            match known {
                Known::Alike(understood) => return understood,
                Known::Telling => {
                    if let Some(understood) = self.telling(sql, &folded, fingerprint) {
                        return understood;
                    }
                }
                Known::Texts => {}
            }
        }
        // Texts and shapes never share a key: a text is told apart by a byte that no folded text begins with.
        let key = fold::hash(&format!("\0{sql}"));
        if let Some(Known::Alike(held)) = self.held(key) {
            return held;
        }
        let mut analysis = analyse(sql, self.dialect);
        if analysis.status == Status::Tokens {
            let parsed =
                |other: &Dialect| Some(analyse(sql, *other)).filter(|it| it.status == Status::Parsed);
            analysis = self.others.iter().find_map(parsed).unwrap_or(analysis);
        }
        let understood = Arc::new(understood(&folded, fingerprint, analysis, self.dialect));
        self.hold(key, Known::Alike(understood.clone()));
        understood
    }

    /// How the statements of a shape are understood that nobody met before.
    fn first_of(&self, folded: &str, fingerprint: u64) -> Known {
        let known = if literals_matter(folded) {
            Known::Texts
        } else if telling::has_any(folded) {
            Known::Telling
        } else {
            let understood =
                |analysis| Known::Alike(Arc::new(understood(folded, fingerprint, analysis, self.dialect)));
            self.parsed(folded, &["'0'", "0"]).map_or(Known::Texts, understood)
        };
        self.hold(fingerprint, known.clone());
        known
    }

    /// Understands a statement by its wider shape, where that can be parsed.
    fn telling(&self, sql: &str, folded: &str, fingerprint: u64) -> Option<Arc<Understood>> {
        let wide = telling::shape(sql, self.dialect);
        let key = fold::hash(&format!("\x01{wide}"));
        match self.held(key) {
            Some(Known::Alike(held)) => return Some(held),
            Some(_) => return None,
            None => {}
        }
        // A literal that did not stay must not be taken for one that did.
        let analysis = self.parsed(&wide, &["$1"]).or_else(|| self.parsed(&wide, &["'0'", "0"]));
        let understood =
            analysis.map(|analysis| Arc::new(understood(folded, fingerprint, analysis, self.dialect)));
        self.hold(key, understood.clone().map_or(Known::Texts, Known::Alike));
        understood
    }

    /// What a shape does, if the parser takes a text of it with one of these in the place of its literals.
    fn parsed(&self, shape: &str, literals: &[&str]) -> Option<Analysis> {
        let parsed = |literal: &&str| {
            let mut analysis = analyse(&text_of_shape(shape, literal, self.dialect), self.dialect);
            if !literal.starts_with('$') {
                // Names that stood in literals are made up here; those of channels are written without quotes.
                analysis
                    .reaches
                    .retain(|reach| reach.to.kind == ResourceKind::Topic && !shape.contains("pg_notify"));
            }
            (analysis.status == Status::Parsed).then_some(analysis)
        };
        literals.iter().find_map(parsed)
    }

    fn held(&self, key: u64) -> Option<Known> {
        self.known.read().ok()?.get(&key).cloned()
    }

    fn hold(&self, key: u64, known: Known) {
        if let Ok(mut all) = self.known.write()
            && all.len() < SHAPES_CACHED
        {
            all.insert(key, known);
        }
    }
}

/// A statement with its shape and class.
fn understood(folded: &str, fingerprint: u64, analysis: Analysis, dialect: Dialect) -> Understood {
    let class = if keeps_alive(folded, dialect) {
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
