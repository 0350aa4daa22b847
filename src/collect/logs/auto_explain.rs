//! The plans of auto_explain (appendix F.3 of PostgreSQL's manual) in all four formats: the statement, and the tables
//! its plan reads where it names their schema (`auto_explain.log_verbose`). It never guesses the schema of a table.

use super::Event;
use super::messages::prepared;
use crate::evidence::scrub::scrub_name;
use crate::evidence::{Action, Confidence, Text};
use crate::sql::TableUse;
use std::collections::BTreeSet;

/// How many tables of one plan are kept.
const MAX_TABLES: usize = 256;

/// What is done by the nodes of text plans that end in ` on TABLE`.
const NODES: [(&str, Action); 12] = [
    ("Seq Scan", Action::Read),
    ("Sample Scan", Action::Read),
    ("Index Scan", Action::Read),
    ("Index Only Scan", Action::Read),
    ("Index Scan Backward", Action::Read),
    ("Index Only Scan Backward", Action::Read),
    ("Bitmap Heap Scan", Action::Read),
    ("Tid Scan", Action::Read),
    ("Tid Range Scan", Action::Read),
    ("Foreign Scan", Action::Read),
    ("Custom Scan", Action::Read),
    ("Delete", Action::Write),
];

/// What a plan says.
pub(super) fn planned(plan: &str, micros: u64) -> Event {
    let read = if plan.starts_with('{') {
        json(plan)
    } else if plan.starts_with('<') {
        xml(plan)
    } else if plan.starts_with("Query Text: \"") && plan.contains("\nPlan:") {
        yaml(plan)
    } else {
        text(plan)
    };
    // To change a table its rows are looked for: that is no reading of its own.
    let writes = |it: &TableUse| {
        it.action == Action::Read
            && read.tables.iter().any(|other| other.action == Action::Write && other.parts == it.parts)
    };
    let tables = read.tables.iter().filter(|it| !writes(it)).take(MAX_TABLES).cloned().collect();
    let Some(sql) = &read.sql else { return Event::Nothing };
    // Whoever runs what was prepared is told with the text that prepared it.
    let sql = prepared(sql).unwrap_or(sql).to_owned();
    let parts = if read.several { parts(&sql, &read) } else { 0 };
    Event::Planned { sql, micros, tables, parts }
}

/// Which statements of a text a plan may be of: those that do what it does at its top, and name most of what it names;
/// 0: the text is one statement.
fn parts(sql: &str, plan: &Read) -> u64 {
    /// What no plan is made for.
    const UNPLANNED: [&str; 9] =
        ["begin", "start", "commit", "end", "rollback", "set", "reset", "savepoint", "release"];
    const WRITES: [&str; 4] = ["insert", "update", "delete", "merge"];
    let statements = crate::sql::split(sql);
    let statements: Vec<String> =
        statements.iter().map(|it| it.trim().to_ascii_lowercase()).filter(|it| !it.is_empty()).collect();
    if statements.len() < 2 {
        return 0;
    }
    let top = plan.top.to_ascii_lowercase();
    let is_of = |statement: &str| {
        let verb = statement.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        match verb {
            "with" => WRITES.iter().all(|word| *word != top) || statement.contains(&top),
            verb if WRITES.contains(&verb) || WRITES.contains(&&*top) => verb == top,
            verb => !UNPLANNED.contains(&verb),
        }
    };
    let names = |statement: &str| {
        let words: BTreeSet<&str> = statement.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        plan.names.iter().filter(|name| words.contains(name.to_lowercase().as_str())).count()
    };
    let scores = statements.iter().take(64).map(|it| is_of(it).then(|| names(it))).collect::<Vec<_>>();
    let most = scores.iter().flatten().max();
    let may = |score: &Option<usize>| score.as_ref() == most || most.is_none();
    let bits = scores.iter().enumerate().filter(|(_, score)| may(score)).map(|(index, _)| 1 << index);
    bits.fold(0, |all, bit| all | bit)
}

/// What a plan holds.
#[derive(Default)]
struct Read {
    sql: Option<String>,
    /// The tables that it names with their schema, and what is done to them.
    tables: BTreeSet<TableUse>,
    /// What it does at its top, where that is a change.
    top: String,
    /// Of a text that may hold several statements: the tables it names, without their schemas.
    names: BTreeSet<String>,
    several: bool,
}

impl Read {
    fn of(sql: Option<String>) -> Read {
        let several = sql.as_ref().is_some_and(|sql| sql.contains(';'));
        Read { sql, several, ..Read::default() }
    }

    fn name(&mut self, action: Action, schema: &str, name: &str) {
        if self.several && !name.is_empty() && self.names.len() < MAX_TABLES {
            self.names.insert(name.to_owned());
        }
        self.tables.extend(table(action, schema, name));
    }
}

/// A table of a plan, which a partition is as well.
fn table(action: Action, schema: &str, name: &str) -> Option<TableUse> {
    if name.is_empty() || matches!(schema, "" | "pg_catalog" | "information_schema" | "pg_toast") {
        return None;
    }
    let parts = [schema, name].iter().map(|part| Text::from(scrub_name(part))).collect();
    // What the planner left out of a plan is still what the statement names.
    Some(TableUse { action, parts, confidence: Confidence::Medium })
}

/// `Query Text: …`, then a tree of `  ->  Seq Scan on public.t c  (cost=…)`.
fn text(plan: &str) -> Read {
    let Some(rest) = plan.strip_prefix("Query Text: ") else { return Read::default() };
    // The plan's first line is the first that holds a node's cost.
    let (mut end, mut at) = (rest.len(), 0);
    for line in rest.split_inclusive('\n') {
        let of_plan = line.contains("  (cost=")
            || line.starts_with("Query Identifier:")
            || line.starts_with("Query Parameters:");
        if of_plan {
            end = at;
            break;
        }
        at += line.len();
    }
    let mut read = Read::of(Some(rest[..end].trim().to_owned()));
    for (index, line) in rest[end..].lines().filter(|line| line.contains("  (cost=")).enumerate() {
        let Some((what, action, parts)) = node(line) else { continue };
        if index == 0 && action == Action::Write {
            read.top = what.trim_start_matches("Foreign ").to_owned();
        }
        match &parts[..] {
            [schema, name] => read.name(action, schema, name),
            [name] => read.name(action, "", name),
            _ => {}
        }
    }
    read
}

/// What a node's line does, and the parts of its table's name.
fn node(line: &str) -> Option<(&str, Action, Vec<String>)> {
    let (node, _) = line.split_once("  (cost=")?;
    let node = node.trim_start().trim_start_matches("->").trim_start();
    let (what, table_and_alias) = node.split_once(" on ")?;
    let what = what.split(" using ").next().unwrap_or(what);
    let what = what.trim_start_matches("Parallel ").trim_start_matches("Async ");
    let known = NODES.iter().find(|(name, _)| *name == what).map(|(_, action)| *action);
    let action = match what {
        "Insert" | "Update" | "Merge" | "Foreign Insert" | "Foreign Update" | "Foreign Delete" => {
            Some(Action::Write)
        }
        _ if what.starts_with("Custom Scan") => Some(Action::Read),
        _ => known,
    }?;
    Some((what, action, super::pgaudit::parts(qualified(table_and_alias))?))
}

/// The name up to the blank before the alias, blanks in quotes kept.
fn qualified(text: &str) -> &str {
    let mut quoted = false;
    let end = text.find(|sign: char| {
        quoted ^= sign == '"';
        sign == ' ' && !quoted
    });
    &text[..end.unwrap_or(text.len())]
}

/// Whether a node of a structured plan writes: ModifyTable with its operation.
fn action(node: &str, operation: &str) -> Action {
    let writes = ["Insert", "Update", "Delete", "Merge"].contains(&operation);
    if writes && matches!(node, "ModifyTable" | "Foreign Scan") { Action::Write } else { Action::Read }
}

/// `{"Query Text": …, "Plan": {"Node Type": …, "Relation Name": …, "Schema": …, "Plans": […]}}`.
fn json(plan: &str) -> Read {
    let Ok(plan) = serde_json::from_str::<serde_json::Value>(plan) else { return Read::default() };
    let word = |value: Option<&serde_json::Value>| value.and_then(|text| text.as_str()).map(str::to_owned);
    let top = plan.get("Plan").and_then(|top| word(top.get("Operation"))).unwrap_or_default();
    let mut read = Read { top, ..Read::of(word(plan.get("Query Text"))) };
    let mut open = vec![&plan];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(node) => {
                let word = |key: &str| node.get(key).and_then(|it| it.as_str()).unwrap_or_default();
                let action = action(word("Node Type"), word("Operation"));
                read.name(action, word("Schema"), word("Relation Name"));
                open.extend(node.values());
            }
            serde_json::Value::Array(nodes) => open.extend(nodes),
            _ => {}
        }
    }
    read
}

/// What a node of a line-wise plan has said so far.
#[derive(Default)]
struct Node {
    kind: String,
    operation: String,
    relation: String,
    schema: String,
}

impl Node {
    /// Takes the next property over; a node begins with its type.
    fn hear(&mut self, key: &str, value: String, read: &mut Read) {
        match key {
            "Node Type" => {
                self.tell(read);
                self.kind = value;
            }
            "Operation" => {
                if read.names.is_empty() && read.top.is_empty() {
                    read.top.clone_from(&value);
                }
                self.operation = value;
            }
            "Relation Name" => self.relation = value,
            "Schema" => self.schema = value,
            _ => {}
        }
    }

    fn tell(&mut self, read: &mut Read) {
        let node = std::mem::take(self);
        read.name(action(&node.kind, &node.operation), &node.schema, &node.relation);
    }
}

/// `Query Text: "…"`, then `Plan:` with `  Relation Name: "t"`; strings are those of JSON.
fn yaml(plan: &str) -> Read {
    let (mut read, mut node) = (Read::default(), Node::default());
    for line in plan.lines() {
        let line = line.trim_start().trim_start_matches("- ");
        let Some((key, value)) = line.split_once(": ") else { continue };
        let Ok(value) = serde_json::from_str::<String>(value.trim()) else { continue };
        if key == "Query Text" && read.sql.is_none() {
            read = Read::of(Some(value));
        } else {
            node.hear(key, value, &mut read);
        }
    }
    node.tell(&mut read);
    read
}

/// `<explain …><Query-Text>…</Query-Text><Plan><Relation-Name>t</Relation-Name>…`, each element on a line but for the
/// text of the statement.
fn xml(plan: &str) -> Read {
    let (mut read, mut node) = (Read::default(), Node::default());
    let mut rest = plan;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((name, after)) = after.split_once('>') else { break };
        rest = after;
        let close = format!("</{name}>");
        let leaf = matches!(name, "Query-Text" | "Node-Type" | "Operation" | "Relation-Name" | "Schema");
        let Some((value, after)) = leaf.then(|| after.split_once(close.as_str())).flatten() else { continue };
        rest = after;
        let value = unescaped(value);
        if name == "Query-Text" && read.sql.is_none() {
            read = Read::of(Some(value));
        } else {
            node.hear(&name.replace('-', " "), value, &mut read);
        }
    }
    node.tell(&mut read);
    read
}

/// The text of an element (escape_xml of PostgreSQL).
fn unescaped(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&#x0d;", "\r"), ("&quot;", "\""), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
