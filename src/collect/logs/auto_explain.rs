//! The plans of auto_explain (appendix F.3 of PostgreSQL's manual) in all four formats: the statement, and the tables
//! its plan reads where it names their schema (`auto_explain.log_verbose`). It never guesses the schema of a table.

use super::Event;
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
    let (sql, tables) = if plan.starts_with('{') {
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
            && tables.iter().any(|other| other.action == Action::Write && other.parts == it.parts)
    };
    let tables = tables.iter().filter(|it| !writes(it)).take(MAX_TABLES).cloned().collect();
    sql.map_or(Event::Nothing, |sql| Event::Planned { sql, micros, tables })
}

/// The statement, and the tables with what is done to them.
type Read = (Option<String>, BTreeSet<TableUse>);

/// A table of a plan, which a partition is as well.
fn table(action: Action, schema: &str, name: &str) -> Option<TableUse> {
    if name.is_empty()
        || matches!(schema, "" | "pg_catalog" | "information_schema" | "pg_toast")
        || schema.starts_with("pg_temp")
    {
        return None;
    }
    let parts = [schema, name].iter().map(|part| Text::from(scrub_name(part))).collect();
    // What the planner left out of a plan is still what the statement names.
    Some(TableUse { action, parts, confidence: Confidence::Medium })
}

/// `Query Text: …`, then a tree of `  ->  Seq Scan on public.t c  (cost=…)`.
fn text(plan: &str) -> Read {
    let Some(rest) = plan.strip_prefix("Query Text: ") else { return (None, BTreeSet::new()) };
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
    let tables = rest[end..].lines().filter_map(node).collect();
    (Some(rest[..end].trim().to_owned()), tables)
}

/// The table of a node's line.
fn node(line: &str) -> Option<TableUse> {
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
    let name = super::pgaudit::parts(qualified(table_and_alias))?;
    let [schema, name] = &name[..] else { return None };
    table(action, schema, name)
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
    let Ok(plan) = serde_json::from_str::<serde_json::Value>(plan) else { return (None, BTreeSet::new()) };
    let sql = plan.get("Query Text").and_then(|text| text.as_str()).map(str::to_owned);
    let (mut tables, mut open) = (BTreeSet::new(), vec![&plan]);
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(node) => {
                let word = |key: &str| node.get(key).and_then(|it| it.as_str()).unwrap_or_default();
                let action = action(word("Node Type"), word("Operation"));
                tables.extend(table(action, word("Schema"), word("Relation Name")));
                open.extend(node.values());
            }
            serde_json::Value::Array(nodes) => open.extend(nodes),
            _ => {}
        }
    }
    (sql, tables)
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
    fn hear(&mut self, key: &str, value: String, tables: &mut BTreeSet<TableUse>) {
        match key {
            "Node Type" => {
                self.tell(tables);
                self.kind = value;
            }
            "Operation" => self.operation = value,
            "Relation Name" => self.relation = value,
            "Schema" => self.schema = value,
            _ => {}
        }
    }

    fn tell(&mut self, tables: &mut BTreeSet<TableUse>) {
        let node = std::mem::take(self);
        tables.extend(table(action(&node.kind, &node.operation), &node.schema, &node.relation));
    }
}

/// `Query Text: "…"`, then `Plan:` with `  Relation Name: "t"`; strings are those of JSON.
fn yaml(plan: &str) -> Read {
    let (mut sql, mut tables, mut node) = (None, BTreeSet::new(), Node::default());
    for line in plan.lines() {
        let line = line.trim_start().trim_start_matches("- ");
        let Some((key, value)) = line.split_once(": ") else { continue };
        let Ok(value) = serde_json::from_str::<String>(value.trim()) else { continue };
        if key == "Query Text" && sql.is_none() {
            sql = Some(value);
        } else {
            node.hear(key, value, &mut tables);
        }
    }
    node.tell(&mut tables);
    (sql, tables)
}

/// `<explain …><Query-Text>…</Query-Text><Plan><Relation-Name>t</Relation-Name>…`, each element on a line but for the
/// text of the statement.
fn xml(plan: &str) -> Read {
    let (mut sql, mut tables, mut node) = (None, BTreeSet::new(), Node::default());
    let mut rest = plan;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((name, after)) = after.split_once('>') else { break };
        rest = after;
        let close = format!("</{name}>");
        let leaf = matches!(name, "Query-Text" | "Node-Type" | "Operation" | "Relation-Name" | "Schema");
        let Some((value, after)) = leaf.then(|| after.split_once(close.as_str())).flatten() else { continue };
        rest = after;
        let value = unescaped(value);
        if name == "Query-Text" && sql.is_none() {
            sql = Some(value);
        } else {
            node.hear(&name.replace('-', " "), value, &mut tables);
        }
    }
    node.tell(&mut tables);
    (sql, tables)
}

/// The text of an element (escape_xml of PostgreSQL).
fn unescaped(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&#x0d;", "\r"), ("&quot;", "\""), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
