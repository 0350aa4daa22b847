//! Statements that change rows, told from tokens: which table is the target of INSERT, UPDATE, DELETE and MERGE, and
//! what an alias in front of it stands for. It reads no FROM clause.

use super::lex::LOOKAHEAD;
use super::tokens::{Clause, Reader, Source, Target, Verb, frame};
use super::words::BEFORE_NO_VERB;
use super::{Dialect, file_of_format, is_private, utility};
use std::collections::BTreeSet;

impl Reader<'_> {
    /// `SET` of an UPDATE: whose columns are set tells which of the tables is written.
    pub(super) fn set(&mut self, index: usize) {
        if self.verb != Verb::Update || self.frames.len() != 1 || !self.targets.is_empty() {
            return;
        }
        self.top().clause = Clause::None;
        let mut depth = 0i32;
        let end = self.lexed.ahead(index, LOOKAHEAD);
        self.lexed.looked(end.saturating_sub(index));
        for at in index..end {
            match self.lexed.key(at) {
                "(" => depth += 1,
                ")" => depth -= 1,
                "where" | "from" | ";" if depth == 0 => break,
                "set" | "," if depth == 0 => {
                    if let Some((name, next)) = self.lexed.name(at + 1)
                        && (self.lexed.is(next, "=") || self.lexed.is(next + 1, "="))
                        && let [.., table, _] = &name[..]
                    {
                        self.qualifiers.insert(table.to_lowercase());
                    }
                }
                _ => {}
            }
        }
        self.choose();
    }

    /// Of the tables that an UPDATE lists, those whose columns it sets.
    fn choose(&mut self) {
        let listed: Vec<usize> = (0..self.sources.len()).filter(|at| self.sources[*at].listed).collect();
        let is_set = |at: &usize| {
            let source = &self.sources[*at];
            let called = source.alias.clone().or_else(|| source.name.last().map(|name| name.to_lowercase()));
            called.is_some_and(|called| self.qualifiers.contains(&called))
        };
        let mut chosen: Vec<usize> = listed.iter().copied().filter(is_set).collect();
        if listed.len() == 1 {
            chosen = listed;
        } else if chosen.is_empty() {
            // The columns do not say of which they are: it is the only one that can be changed, or one of them.
            let may = |at: &usize| self.sources[*at].depth == 1 && !self.is_cte(&self.sources[*at].name);
            chosen = listed.into_iter().filter(may).collect();
            if chosen.len() > 1 && !self.only_definitions {
                let names = chosen.drain(..).map(|at| self.sources[at].name.clone());
                let names: Vec<Vec<String>> = names.collect();
                self.found.unsure.extend(names.iter().cloned());
                self.found.writes.extend(names);
            }
        }
        for at in chosen.into_iter().rev() {
            let source = self.sources.remove(at);
            // What has a name of its own here is no other's.
            let open = source.alias.is_none();
            self.targets.push(Target { name: source.name, how: "update", open });
        }
        // What is joined to them is read.
        for source in &mut self.sources {
            source.listed = false;
        }
    }

    pub(super) fn verb(&mut self, index: usize, key: &str, before: &str) -> usize {
        // `SET NOCOUNT ON DELETE …`: nothing says where the first statement ends.
        let setting = self.lexed.dialect == Dialect::MsSql
            && index > 2
            && (self.lexed.is(index - 3, "set") && !self.any(index - 2, &["null", "default"])
                || (index.saturating_sub(8)..index).any(|at| self.lexed.is(at, "identity_insert")));
        let barred = match before {
            "on" => !setting,
            "then" => self.verb == Verb::Merge,
            "do" => !self.procedural,
            before => BEFORE_NO_VERB.contains(&before),
        };
        let expected = self.top().clause == Clause::Expect;
        if barred || expected || self.lexed.is(index + 1, "(") || self.any(index + 1, &["=", "."]) {
            return index + 1;
        }
        match key {
            "insert" | "upsert" => self.insert(index),
            "replace" => {
                let real = self.lexed.is(index + 1, "into")
                    || index == 0
                    || matches!(before, ";" | "begin" | "then");
                if real { self.insert(index) } else { index + 1 }
            }
            "update" => self.update(index),
            "delete" => self.delete(index),
            _ => self.merge(index),
        }
    }

    fn begin(&mut self, verb: Verb) {
        if self.frames.len() == 1 {
            self.flush();
            self.frames = vec![frame(Clause::None, false)];
        }
        self.verb = verb;
    }

    fn insert(&mut self, index: usize) -> usize {
        if self.any(index + 1, &["row", "values", "*", "default"]) && !self.lexed.is(index + 2, "into") {
            return index + 1;
        }
        self.begin(Verb::Insert);
        if self.any(index + 1, &["all", "first"]) {
            self.verb = Verb::InsertAll;
            return index + 2;
        }
        let words = [
            "low_priority",
            "delayed",
            "high_priority",
            "ignore",
            "or",
            "replace",
            "abort",
            "rollback",
            "fail",
            "top",
            "into",
            "table",
            "overwrite",
            "local",
        ];
        let mut at = self.lexed.skip(index + 1, &words);
        at = self.lexed.skip(self.lexed.after_list(at), &words);
        if self.lexed.is(at, "directory") {
            self.found.files_written.extend(self.lexed.content(at + 1));
            return at + 2;
        }
        use Dialect::{BigQuery, Databricks, Generic, Hive, MsSql, MySql};
        let named = (index + 1..at).any(|at| self.any(at, &["into", "overwrite"]));
        let bare = matches!(self.lexed.dialect, MySql | MsSql | BigQuery | Hive | Databricks | Generic);
        if let Some(next) = self.elsewhere(at) {
            return next;
        }
        let Some((name, next)) = self.table(at).filter(|_| named || bare) else { return at };
        if self.lexed.is(at, "function") {
            return next;
        }
        self.targets.push(Target { name, how: "insert", open: false });
        let rows = self.lexed.after_list(next);
        // `INSERT INTO t TABLE u` is a query.
        if self.lexed.is(rows, "table") { utility::read(self, rows).unwrap_or(rows) } else { next }
    }

    fn update(&mut self, index: usize) -> usize {
        if self.lexed.is(index + 1, "statistics") {
            if let Some((name, next)) = self.table(index + 2) {
                self.found.touches.insert((name, "maintain"));
                return next;
            }
            return index + 2;
        }
        let words = ["only", "ignore", "low_priority", "or", "abort", "replace", "rollback", "fail", "top"];
        let at = self.lexed.skip(self.lexed.after_list(self.lexed.skip(index + 1, &words)), &["only"]);
        if self.lexed.is(at, "set")
            || self.lexed.name(at).is_none()
            || self.lexed.find(at, &["set"]).is_none()
        {
            return index + 1;
        }
        self.begin(Verb::Update);
        let _ = self.elsewhere(at);
        let top = self.top();
        (top.from, top.clause) = (true, Clause::Expect);
        at
    }

    fn delete(&mut self, index: usize) -> usize {
        let words = ["low_priority", "quick", "ignore", "top"];
        let mut at = self.lexed.skip(index + 1, &words);
        at = self.lexed.skip(self.lexed.after_list(at), &["from"]);
        at = self.lexed.skip(at, &["only", "table"]);
        if self.lexed.part(at).is_none() {
            return index + 1;
        }
        self.begin(Verb::Delete);
        if let Some(next) = self.elsewhere(at) {
            return next;
        }
        // `DELETE a, b FROM …`, `DELETE FROM a, b USING …`; `a.*` and `s.a.*` are an old spelling.
        loop {
            let part = |at: usize| self.lexed.part(at).filter(|_| self.lexed.is(at + 1, "."));
            let first = part(at);
            let second = if first.is_some() { part(at + 2) } else { None };
            let name: Vec<String> = first.into_iter().chain(second).collect();
            if !name.is_empty() && self.lexed.is(at + 2 * name.len(), "*") {
                at += 2 * name.len() + 1;
                self.targets.push(Target { name, how: "delete", open: true });
            } else if let Some((name, next)) = self.table(at) {
                self.targets.push(Target { name, how: "delete", open: true });
                at = next;
            } else {
                return at.max(index + 1);
            }
            if !self.lexed.is(at, ",") {
                return at;
            }
            at += 1;
        }
    }

    fn merge(&mut self, index: usize) -> usize {
        let at = self.lexed.skip(self.lexed.after_list(self.lexed.skip(index + 1, &["top"])), &["into"]);
        let Some((name, next)) = self.table(at) else { return index + 1 };
        if self.lexed.find(next, &["using"]).is_none() {
            return index + 1;
        }
        self.begin(Verb::Merge);
        match self.merged(next) {
            Some(how) => self.targets.push(Target { name, how, open: false }),
            None => drop(self.found.reads.insert(name)),
        }
        next
    }

    /// What a MERGE does to its target, by the verbs behind THEN; `None`: only `DO NOTHING`.
    fn merged(&self, index: usize) -> Option<&'static str> {
        let end = self.lexed.ahead(index, LOOKAHEAD);
        self.lexed.looked(end.saturating_sub(index));
        let ends = |at: &usize| !self.lexed.is(*at, ";");
        let mut how = None;
        let mut nothing = false;
        for at in (index..end).take_while(ends).filter(|at| self.lexed.is(*at, "then")) {
            match self.lexed.key(at + 1) {
                "delete" => how = how.or(Some("delete")),
                "do" => nothing = true,
                _ => return Some("merge"),
            }
        }
        // Of one that is cut off, nobody knows what was to come.
        if how.is_some() || nothing { how } else { Some("merge") }
    }

    pub(super) fn into(&mut self, index: usize, before: &str) -> usize {
        let at = index + 1;
        if self.any(at, &["outfile", "dumpfile"]) {
            self.found.files_written.extend(self.lexed.content(at + 1));
            return at + 2;
        }
        if self.only_definitions {
            return at;
        }
        let (verb, dialect, variables) = (self.verb, self.lexed.dialect, self.procedural);
        // Rows that are refused go there (Oracle SQL Language Reference, `error_logging_clause`).
        let refused = dialect == Dialect::Oracle && index >= 2 && self.lexed.is(index - 1, "errors");
        if refused
            && self.lexed.is(index - 2, "log")
            && let Some((name, next)) = self.table(at)
        {
            self.found.writes.insert(name);
            return next;
        }
        let top = self.top();
        let by_select = top.query && !top.from && verb != Verb::InsertAll;
        let makes = matches!(dialect, Dialect::MsSql)
            || matches!(dialect, Dialect::Postgres | Dialect::Redshift | Dialect::Generic) && !variables;
        let output = dialect == Dialect::MsSql
            && !top.query
            && matches!(verb, Verb::Insert | Verb::Update | Verb::Delete | Verb::Merge);
        if verb == Verb::InsertAll && !top.query {
            if let Some((name, next)) = self.table(at) {
                self.targets.push(Target { name, how: "insert", open: false });
                return next;
            }
        } else if output && before != "insert" {
            if let Some((name, next)) = self.table(at) {
                self.found.writes.insert(name);
                return next;
            }
        } else if by_select && makes {
            let own = self.any(at, &["temporary", "temp"]);
            let at = self.lexed.skip(at, &["temporary", "temp", "unlogged", "table"]);
            if let Some((name, next)) = self.table(at) {
                if own || is_private(&name) {
                    self.found.temporary.insert(name);
                } else {
                    self.found.touches.insert((name.clone(), "create"));
                    self.found.writes.insert(name);
                }
                return next;
            }
        }
        at
    }

    /// The table of FROM that a target's name stands for, which is not read then; or itself.
    fn meant(&mut self, name: Vec<String>, same: bool) -> Vec<String> {
        let at = match &name[..] {
            [only] => {
                let called = only.to_lowercase();
                self.sources.iter().position(|source| {
                    let own = (source.alias.is_none() || same)
                        && source.name.last().is_some_and(|it| it.to_lowercase() == called);
                    source.depth == 1 && (source.alias.as_ref() == Some(&called) || own)
                })
            }
            whole => self.sources.iter().position(|source| {
                source.depth == 1 && (source.alias.is_none() || same) && source.name == whole
            }),
        };
        at.map_or(name, |at| self.sources.remove(at).name)
    }

    /// Drops what is an array of the rows of a query around it: `EXISTS (SELECT 1 FROM t.items)`.
    fn without_arrays(&mut self) {
        if !self.lexed.dialect.has_arrays_in_rows() {
            return;
        }
        let called =
            |it: &Source| it.alias.clone().or_else(|| it.name.last().map(|name| name.to_lowercase()));
        let outer: BTreeSet<(String, usize)> =
            self.sources.iter().filter_map(|it| Some((called(it)?, it.depth))).collect();
        self.sources.retain(|it| {
            let first = it.name.first().map(|name| name.to_lowercase()).unwrap_or_default();
            it.name.len() < 2 || outer.range((first.clone(), 0)..(first, it.depth)).next().is_none()
        });
    }

    /// The end of a statement: an alias that is written stands for the table it is given to.
    pub(super) fn flush(&mut self) {
        if self.only_definitions {
            self.sources.clear();
            self.targets.clear();
        }
        if self.verb == Verb::Update && self.targets.is_empty() {
            self.choose();
        }
        // SQL Server takes a target's name for the table of FROM that has it, whatever its alias.
        let same = self.lexed.dialect == Dialect::MsSql;
        let targets = std::mem::take(&mut self.targets);
        for Target { name, how, open } in targets {
            let open = open && !self.lexed.dialect.names_targets_once();
            let real = if open { self.meant(name, same) } else { name };
            if self.is_cte(&real) {
                continue;
            }
            if how == "delete" {
                self.found.touches.insert((real, "delete"));
            } else {
                self.found.writes.insert(real);
            }
        }
        self.without_arrays();
        for source in std::mem::take(&mut self.sources) {
            if let Some(file) = file_of_format(&source.name, self.lexed.dialect) {
                self.found.files_read.insert(file);
            } else if !self.is_cte(&source.name) {
                self.found.reads.insert(source.name);
            }
        }
        self.qualifiers.clear();
        self.verb = Verb::Other;
    }
}
