//! The schedule lens: one expression in any dialect, its next runs, its meaning in words. It never assumes
//! a zone other than UTC when none is given.

use crate::schedule;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many next runs one answer may hold.
pub const MAX_COUNT: usize = 10_000;

#[derive(Deserialize)]
struct Question {
    id: Option<Value>,
    dialect: String,
    expr: String,
    tz: Option<String>,
    from: Option<String>,
    count: Option<usize>,
}

#[derive(Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    status: &'static str,
    next: Vec<String>,
    words: String,
    notes: Vec<String>,
}

impl Answer {
    fn rejected(id: Option<Value>, note: String) -> Answer {
        Answer { id, status: "rejected", next: Vec::new(), words: String::new(), notes: vec![note] }
    }

    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Answers one JSON line `{"id","dialect","expr","tz","from","count"}`.
pub fn answer(line: &str) -> String {
    match serde_json::from_str::<Question>(line) {
        Err(error) => Answer::rejected(None, format!("not a question: {error}")).text(),
        Ok(question) => evaluate(question).text(),
    }
}

/// Answers for one expression.
pub fn answer_one(dialect: &str, zone: &str, from: &str, count: usize, expr: &str) -> String {
    let question = Question {
        id: None,
        dialect: dialect.to_owned(),
        expr: expr.to_owned(),
        tz: Some(zone.to_owned()),
        from: Some(from.to_owned()),
        count: Some(count),
    };
    evaluate(question).text()
}

fn evaluate(question: Question) -> Answer {
    let id = question.id.clone();
    let parsed = match schedule::parse(&question.dialect, &question.expr) {
        Ok(parsed) => parsed,
        Err(rejected) => return Answer::rejected(id, rejected.reason),
    };
    let name = question.tz.as_deref().unwrap_or("UTC");
    let Some(zone) = schedule::zone(name) else {
        return Answer::rejected(id, format!("{name}: no such zone; IANA names and offsets are known"));
    };
    let from = question.from.as_deref().unwrap_or("1970-01-01T00:00:00Z");
    let Ok(from) = from.parse::<jiff::Timestamp>() else {
        return Answer::rejected(id, format!("{from}: not an RFC 3339 time"));
    };
    let count = question.count.unwrap_or(5).min(MAX_COUNT);
    let next: Vec<String> = parsed
        .next(&zone, from.as_second())
        .take(count)
        .filter_map(|run| jiff::Timestamp::from_second(run).ok())
        .map(|run| run.to_string())
        .collect();
    let by_calendar = parsed.clock() == schedule::Clock::Calendar;
    let status = if next.is_empty() && count > 0 && by_calendar { "never" } else { "ok" };
    Answer { id, status, next, words: parsed.words(), notes: parsed.notes().to_vec() }
}
