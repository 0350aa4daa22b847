//! Tables told from tokens, for text the parser does not take: truncated, oversize, procedural, or of a
//! dialect it does not know. It follows FROM clauses, the verbs that change rows and the scopes of aliases, and
//! leaves out whatever could be a function, an alias or a common table expression: a gap is better than a wrong
//! table. Statements that are no query are read by `utility`.

use super::lex::{Kind, Lexed};
use super::words::{FROM_INSIDE, HINTS, IDLE, NOT_ALIASES, NOT_TABLES, OPENERS};
use super::{Dialect, Found, blocks, dynamic, reach, utility};
use std::collections::BTreeSet;

/// What a position in a FROM clause holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    /// Not in one.
    None,
    /// A table is next.
    Expect,
    /// A table was just read.
    After,
}

/// What the statement does to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Other,
    Insert,
    InsertAll,
    Update,
    Delete,
    Merge,
}

/// One open parenthesis, or the statement itself.
pub(super) struct Frame {
    /// Whether a FROM here belongs to a query.
    pub(super) query: bool,
    /// Whether one was seen.
    pub(super) from: bool,
    pub(super) clause: Clause,
    /// How the tables of this FROM are called, in lower case.
    names: BTreeSet<String>,
    /// Whether the parenthesis belongs to a function with a FROM of its own.
    inside: bool,
}

/// A table that stands in a FROM clause.
pub(super) struct Source {
    pub(super) name: Vec<String>,
    pub(super) alias: Option<String>,
    pub(super) depth: usize,
    /// Whether it stands before SET of an UPDATE.
    pub(super) listed: bool,
}

/// A table whose rows change.
pub(super) struct Target {
    pub(super) name: Vec<String>,
    pub(super) how: &'static str,
    /// Whether the name may be one that FROM or USING gives to another table.
    pub(super) open: bool,
}

pub(super) struct Reader<'a> {
    pub(super) lexed: &'a Lexed<'a>,
    pub(super) found: Found,
    ctes: BTreeSet<String>,
    pub(super) frames: Vec<Frame>,
    pub(super) verb: Verb,
    pub(super) sources: Vec<Source>,
    pub(super) targets: Vec<Target>,
    /// In front of columns that UPDATE sets.
    pub(super) qualifiers: BTreeSet<String>,
    /// Whether it is the body of a routine or a block, where SELECT INTO fills variables.
    pub(super) procedural: bool,
    /// Whether rows that a trigger sees stand in tables of their own.
    pub(super) trigger: bool,
    /// Whether queries and changes of rows are somebody else's to read.
    pub(super) only_definitions: bool,
}

pub(super) fn frame(clause: Clause, inside: bool) -> Frame {
    Frame { query: false, from: false, clause, names: BTreeSet::new(), inside }
}

/// Reads a text.
pub(super) fn read(lexed: &Lexed<'_>, procedural: bool) -> Found {
    let mut reader = Reader::new(lexed);
    reader.procedural = procedural;
    // A block may begin with its label.
    reader.found.statement = procedural || OPENERS.iter().any(|word| (0..3).any(|at| opens(lexed, at, word)));
    reader.found.acts = !IDLE.iter().any(|word| lexed.is(0, word));
    reader.collect_ctes();
    reader.walk();
    let mut found = reader.found;
    // Words that begin a statement in some dialects, and sentences everywhere.
    found.statement |= match lexed.dialect {
        Dialect::Hive | Dialect::Databricks => lexed.is(0, "from"),
        Dialect::DuckDb => ["from", "pivot", "unpivot"].iter().any(|word| lexed.is(0, word)),
        Dialect::MsSql => {
            let words = [
                "if",
                "while",
                "waitfor",
                "receive",
                "print",
                "raiserror",
                "dbcc",
                "backup",
                "restore",
                "open",
                "close",
            ];
            words.iter().any(|word| lexed.is(0, word))
        }
        Dialect::MySql => ["xa", "backup", "flush", "purge"].iter().any(|word| lexed.is(0, word)),
        Dialect::BigQuery => lexed.is(0, "export") && lexed.is(1, "data"),
        _ => false,
    };
    if !found.statement {
        return Found::default();
    }
    found
}

/// Reads only what is no query and no change of rows.
pub(super) fn definitions(lexed: &Lexed<'_>) -> Found {
    let mut reader = Reader::new(lexed);
    reader.only_definitions = true;
    reader.collect_ctes();
    reader.walk();
    reader.found
}

/// Whether a word opens the text, within parentheses or after a label at most.
fn opens(lexed: &Lexed<'_>, at: usize, word: &str) -> bool {
    lexed.is(at, word) && (0..at).all(|before| lexed.is(before, "("))
}

impl<'a> Reader<'a> {
    pub(super) fn new(lexed: &'a Lexed<'a>) -> Reader<'a> {
        Reader {
            lexed,
            found: Found::default(),
            ctes: BTreeSet::new(),
            frames: vec![frame(Clause::None, false)],
            verb: Verb::Other,
            sources: Vec::new(),
            targets: Vec::new(),
            qualifiers: BTreeSet::new(),
            procedural: false,
            trigger: false,
            only_definitions: false,
        }
    }

    pub(super) fn any(&self, index: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.lexed.is(index, word))
    }

    /// Any `name as (` or `name (columns) as (`, and Spark's `with name (select`: more than the common table
    /// expressions, never less.
    fn collect_ctes(&mut self) {
        let count = self.lexed.tokens.len();
        if !(0..count).any(|at| self.lexed.is(at, "with")) {
            return;
        }
        for index in 1..count {
            if self.lexed.is(index, "as") && self.any(index + 1, &["(", "materialized", "not"]) {
                let mut name = index - 1;
                let mut steps = 0;
                if self.lexed.is(name, ")") {
                    while name > 0 && !self.lexed.is(name, "(") && steps < 500 {
                        (name, steps) = (name - 1, steps + 1);
                    }
                    name = name.saturating_sub(1);
                }
                self.ctes.extend(self.lexed.part(name));
            }
            let opens = self.lexed.is(index + 1, "(") && self.any(index + 2, &["select", "with", "values"]);
            if opens && self.any(index - 1, &["with", "recursive", ","]) {
                self.ctes.extend(self.lexed.part(index));
            }
        }
    }

    /// The name at a position, if it can be one of a table.
    pub(super) fn table(&self, index: usize) -> Option<(Vec<String>, usize)> {
        let (name, next) = self.lexed.name(index)?;
        let plain = name.len() == 1 && self.lexed.kind(index) == Some(Kind::Word);
        let barred = plain && self.any(index, &NOT_TABLES)
            // `ROWS FROM (…)` is a list of functions.
            || self.lexed.is(index, "rows") && self.lexed.is(index + 1, "from")
            || name.len() == 1 && self.ctes.contains(&name[0])
            || self.lexed.is(next, "(") && self.lexed.dialect.is_rowset(&name)
            || self.trigger && plain && self.any(index, &["inserted", "deleted"]);
        (!barred).then_some((name, next))
    }

    fn walk(&mut self) {
        let mut index = 0;
        while index < self.lexed.tokens.len() {
            let start = index == 0 || self.starts(index);
            let next = if start { utility::read(self, index) } else { None };
            self.found.statement |= index == 0 && next.is_some() && self.found.tells();
            if start && next.is_none() && self.procedural {
                self.found.routines.extend(blocks::call(self.lexed, index));
            }
            index = match next {
                Some(next) => next.max(index + 1),
                None => self.step(index),
            };
        }
        self.flush();
    }

    /// Whether a statement begins at a position.
    fn starts(&self, index: usize) -> bool {
        let words = [
            ";", "begin", "then", "else", "do", "loop", "try", "catch", "atomic", "explain", "analyze",
            "verbose", "go",
        ];
        if self.any(index - 1, &words) || self.lexed.is(index - 1, "as") && self.procedural {
            return true;
        }
        // TABLE t is a query wherever one may stand.
        if self.lexed.is(index, "table")
            && matches!(self.lexed.dialect, Dialect::Postgres | Dialect::MySql)
            && self.any(index - 1, &["(", "as", "union", "all", "except", "intersect", "distinct"])
        {
            return true;
        }
        // SQL Server needs no semicolons.
        self.lexed.dialect == Dialect::MsSql
            && self.frames.len() == 1
            && utility::unmistakable(self.lexed, index)
    }

    pub(super) fn top(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(frame(Clause::None, false));
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    /// Takes one token, or all of what begins there; gives the position after it.
    fn step(&mut self, index: usize) -> usize {
        if self.top().clause == Clause::Expect
            && let Some(next) = self.source(index)
        {
            return next;
        }
        let key = self.lexed.key(index);
        match key {
            "" => {}
            "(" => self.open(index),
            "," => {
                if self.top().clause == Clause::After {
                    self.top().clause = Clause::Expect;
                }
            }
            ")" => {
                self.frames.pop();
                if self.frames.is_empty() {
                    self.frames.push(frame(Clause::None, false));
                }
            }
            ";" => {
                self.flush();
                self.frames = vec![frame(Clause::None, false)];
            }
            _ => return self.keyword(index, key),
        }
        index + 1
    }

    fn open(&mut self, index: usize) {
        let group = self.top().clause == Clause::Expect;
        if group {
            self.top().clause = Clause::After;
        }
        let inside = index > 0 && self.any(index - 1, &FROM_INSIDE);
        if dynamic::is_call(self.lexed, index) {
            dynamic::function(self, index - 1);
        }
        self.frames
            .push(Frame { from: group, ..frame(if group { Clause::Expect } else { Clause::None }, inside) });
    }

    fn keyword(&mut self, index: usize, key: &str) -> usize {
        let before = if index > 0 { self.lexed.key(index - 1) } else { "" };
        match key {
            "select" | "perform" if key == "select" || self.procedural => {
                let top = self.top();
                (top.query, top.from, top.clause) = (true, false, Clause::None);
                top.names.clear();
            }
            // A cursor is no table.
            "fetch" | "move" if self.of_cursor(index) => {
                let top = self.top();
                (top.query, top.from, top.clause) = (false, false, Clause::None);
            }
            "from" => self.from(index, before),
            "join" | "apply" | "straight_join" => {
                // ARRAY JOIN of ClickHouse unnests columns.
                let unnests = before == "array";
                let top = self.top();
                top.clause = if top.from && !unnests { Clause::Expect } else { top.clause };
            }
            "using" => {
                let first = !self.top().from && matches!(self.verb, Verb::Delete | Verb::Merge);
                if first || self.verb == Verb::Delete && !self.lexed.is(index + 1, "(") {
                    let top = self.top();
                    (top.from, top.clause) = (true, Clause::Expect);
                }
            }
            "on" if self.any(index + 1, &["duplicate", "conflict"]) => self.top().clause = Clause::None,
            // `OPEN c FOR 'text'` of PL/SQL.
            "for"
                if self.procedural
                    && index >= 2
                    && self.lexed.is(index - 2, "open")
                    && self.lexed.kind(index + 1) == Some(Kind::Text) =>
            {
                return dynamic::read(self, index + 1);
            }
            "where" | "group" | "order" | "having" | "limit" | "union" | "except" | "intersect" | "minus"
            | "qualify" | "window" | "returning" | "for" | "lateral" | "values" | "connect" | "start" => {
                self.top().clause = Clause::None;
            }
            "set" => self.set(index),
            "insert" | "replace" | "upsert" | "update" | "delete" | "merge" => {
                return self.verb(index, key, before);
            }
            "into" => return self.into(index, before),
            "receive" if matches!(before, "" | "(" | ";" | "begin") => return self.receive(index),
            "execute" | "exec" | "immediate" if self.procedural || key == "immediate" => {
                return dynamic::read(self, index + 1);
            }
            _ => {}
        }
        index + 1
    }

    /// `RECEIVE … FROM queue` of Service Broker: rows of a queue, and of no table (Transact-SQL Reference, RECEIVE).
    fn receive(&mut self, index: usize) -> usize {
        let from = self.lexed.find(index, &["from"]).filter(|_| self.lexed.dialect == Dialect::MsSql);
        let Some((name, next)) = from.and_then(|from| self.lexed.name(from + 1)) else { return index + 1 };
        self.found.reaches.insert(reach::received(&name));
        next
    }

    fn of_cursor(&self, index: usize) -> bool {
        let words = ["next", "prior", "first", "last", "forward", "backward", "all"];
        self.any(self.lexed.skip(index + 1, &words), &["from", "in"])
    }

    fn from(&mut self, index: usize, before: &str) {
        let verb = self.verb;
        let first = index == 0 || matches!(before, "(" | ";" | "with");
        let top = self.top();
        // IS DISTINCT FROM; FROM of a function; FETCH FROM a cursor.
        if !top.query && (top.inside || before == "distinct") {
            return;
        }
        if before == "distinct" && index >= 2 && self.any(index - 2, &["is", "not"]) {
            return;
        }
        let of_verb = matches!(verb, Verb::Update | Verb::Delete | Verb::Merge) && self.frames.len() == 1;
        let top = self.top();
        if top.query || of_verb || first {
            (top.from, top.clause) = (true, Clause::Expect);
            top.query |= first;
        }
    }

    /// Reads what stands where a table is expected; `None` where it is nothing of that kind.
    fn source(&mut self, index: usize) -> Option<usize> {
        if self.any(index, &["only", "lateral"]) {
            let next = index + 1;
            let real =
                self.lexed.is(next, "(") || self.lexed.name(next).is_some() && !self.any(next, &NOT_ALIASES);
            if real {
                return Some(next);
            }
        }
        if self.lexed.is(index, "(") {
            return None;
        }
        self.top().clause = Clause::After;
        if matches!(self.lexed.kind(index), Some(Kind::Param | Kind::Text)) {
            let file = self.lexed.content(index).filter(|text| text.contains('/'));
            self.found.files_read.extend(file);
            if !self.lexed.is(index + 1, ".") {
                return Some(self.alias(index + 1).1);
            }
        }
        let Some((name, next)) = self.lexed.name(index) else {
            self.top().clause = Clause::None;
            return self.lexed.is(index + 1, ".").then_some(index + 1);
        };
        if self.lexed.is(next, "(") && !self.hinted(next) {
            if self.lexed.dialect.names_table_in_call(&name) {
                let table = self.lexed.skip(next + 1, &["changes", "version"]);
                let named = self.table(table).map(|(name, _)| name);
                self.found.reads.extend(named);
            }
            self.tables_in_call(next);
            return Some(next);
        }
        let after_hints = if self.lexed.is(next, "(") { self.lexed.after_list(next) } else { next };
        let (alias, after) = self.alias(after_hints);
        let Some((name, _)) = self.table(index).or_else(|| self.is_cte(&name).then(|| (name.clone(), 0)))
        else {
            self.top().clause = Clause::None;
            return None;
        };
        // `FROM t, t.items` unnests where arrays are columns.
        let nested = name.len() > 1
            && self.lexed.dialect.has_arrays_in_rows()
            && self.top().names.contains(&name[0].to_lowercase());
        let called = alias.clone().unwrap_or_else(|| name.last().cloned().unwrap_or_default());
        self.top().names.insert(called.to_lowercase());
        if !nested {
            let depth = self.frames.len();
            let listed = self.verb == Verb::Update && self.targets.is_empty();
            self.sources.push(Source { name, alias, depth, listed });
        }
        Some(after)
    }

    /// `TABLE t` among the arguments of a call in FROM (BigQuery, "Table function calls").
    fn tables_in_call(&mut self, open: usize) {
        if self.lexed.dialect != Dialect::BigQuery {
            return;
        }
        let end = self.lexed.after_list(open);
        self.lexed.looked(end.saturating_sub(open));
        for at in open + 1..end {
            if self.lexed.is(at, "table") && self.any(at - 1, &["(", ","]) {
                let named = self.table(at + 1).map(|(name, _)| name);
                self.found.reads.extend(named);
            }
        }
    }

    /// What stands for the rows of another server as target: `OPENQUERY(server, '…')`. Gives the position behind it.
    pub(super) fn elsewhere(&mut self, index: usize) -> Option<usize> {
        let (name, next) = self.lexed.name(index)?;
        if !self.lexed.is(next, "(") || !self.lexed.dialect.is_rowset(&name) {
            return None;
        }
        let server = self.lexed.part(next + 1).filter(|_| self.lexed.is(next + 2, ","));
        self.found.reaches.extend(server.map(|server| reach::written_at(&server)));
        Some(self.lexed.after_list(next))
    }

    /// A name that is no table from here on.
    pub(super) fn bar(&mut self, name: &[String]) {
        self.ctes.extend(name.last().cloned());
    }

    pub(super) fn is_cte(&self, name: &[String]) -> bool {
        name.len() == 1 && self.ctes.contains(&name[0])
    }

    /// Whether the parentheses hold hints of SQL Server.
    fn hinted(&self, open: usize) -> bool {
        matches!(self.lexed.dialect, Dialect::MsSql | Dialect::Generic)
            && self.any(open + 1, &HINTS)
            && self.any(open + 2, &[")", ","])
    }

    /// The alias at a position, and the position after it.
    fn alias(&self, index: usize) -> (Option<String>, usize) {
        let at = self.lexed.skip(index, &["as"]);
        if at == index && self.any(at, &NOT_ALIASES) || self.lexed.is(at, "of") {
            return (None, index);
        }
        match (self.lexed.kind(at), self.lexed.part(at)) {
            (Some(Kind::Word | Kind::Quoted), Some(alias)) => (Some(alias.to_lowercase()), at + 1),
            _ => (None, at),
        }
    }
}
