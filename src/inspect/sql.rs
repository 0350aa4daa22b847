//! The SQL lens: one text, the tables it reads, writes and touches, its fingerprint and its patterns.

use crate::sql::{Dialect, analyse, fingerprint};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Question {
    id: Option<Value>,
    dialect: Option<String>,
    sql: String,
}

#[derive(Serialize)]
struct Touch {
    table: String,
    action: String,
}

#[derive(Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    status: &'static str,
    reads: Vec<String>,
    writes: Vec<String>,
    /// Tables of which one is written, and only the catalogue tells which.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    one_of: BTreeSet<String>,
    touches: Vec<Touch>,
    /// What of these is only done by whoever calls what is defined here, or by what sets it off.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    inside: BTreeSet<String>,
    fingerprints: Vec<String>,
    traits: Vec<String>,
    /// What is used beside tables: locks, channels, files of the server, other servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<String>,
}

/// Answers one JSON line `{"id","dialect","sql"}`.
pub fn answer(line: &str) -> String {
    match serde_json::from_str::<Question>(line) {
        Ok(question) => {
            let word = question.dialect.as_deref().unwrap_or("generic");
            evaluate(question.id, Dialect::from_word(word).unwrap_or(Dialect::Generic), &question.sql)
        }
        Err(error) => serde_json::json!({"status": "not-sql", "error": error.to_string()}).to_string(),
    }
}

/// Answers for one text.
pub fn answer_one(dialect: Dialect, sql: &str) -> String {
    evaluate(None, dialect, sql)
}

fn words<T: ToString>(items: impl Iterator<Item = T>) -> Vec<String> {
    items.map(|item| item.to_string()).collect()
}

fn evaluate(id: Option<Value>, dialect: Dialect, sql: &str) -> String {
    let analysis = analyse(sql, dialect);
    let answer = Answer {
        id,
        status: analysis.status.word(),
        reads: analysis.flow.reads.into_iter().collect(),
        writes: analysis.flow.writes.into_iter().collect(),
        one_of: analysis.flow.one_of,
        touches: analysis.flow.touches.into_iter().map(|(table, action)| Touch { table, action }).collect(),
        inside: analysis.flow.inside,
        fingerprints: vec![format!("{:016x}", fingerprint(sql, dialect))],
        traits: words(analysis.traits.union(&analysis.inside.traits)),
        others: words(analysis.reaches.iter().chain(&analysis.inside.reaches)),
    };
    serde_json::to_string(&answer).unwrap_or_default()
}
