//! Conditions of JIL (`s(load) & (d(a) | f(b, 12.00))`): for which jobs a job certainly waits. Signs weigh the same and
//! are read from the left, brackets apart ("condition attribute"). Of alternatives only what both have is certain, and
//! that a job does not run (`n(x)`) is no order. A status holds since whenever it came: how far a condition looks back
//! is not read.

use std::collections::BTreeSet;

/// How deep brackets may lie in each other.
const MAX_DEPTH: usize = 16;

/// The jobs that must have ended, or been started, before the condition holds.
pub(super) fn waits_for(condition: &str) -> Vec<String> {
    certain(condition.trim(), 0).into_iter().collect()
}

/// The jobs that a condition speaks of at all.
pub(super) fn named(condition: &str) -> Vec<String> {
    parts(condition)
        .into_iter()
        .filter(|(sign, _)| *sign == Sign::Term)
        .filter_map(|(_, text)| job(text).map(|(_, name)| name))
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    And,
    Or,
    /// A bracket without a status in front.
    Group,
    /// `s(x)`, or anything else.
    Term,
}

fn certain(condition: &str, depth: usize) -> BTreeSet<String> {
    let mut found: Option<BTreeSet<String>> = None;
    let mut either = false;
    if depth > MAX_DEPTH {
        return BTreeSet::new();
    }
    for (sign, text) in parts(condition) {
        let next = match sign {
            Sign::And => {
                either = false;
                continue;
            }
            Sign::Or => {
                either = true;
                continue;
            }
            Sign::Group => certain(text, depth + 1),
            Sign::Term => {
                job(text).filter(|(status, _)| *status != 'n').map(|(_, name)| name).into_iter().collect()
            }
        };
        found = Some(match found {
            None => next,
            Some(before) if either => before.intersection(&next).cloned().collect(),
            Some(before) => before.union(&next).cloned().collect(),
        });
    }
    found.unwrap_or_default()
}

/// The parts of a condition at its own level.
fn parts(condition: &str) -> Vec<(Sign, &str)> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    let mut push = |from: usize, to: usize| {
        let text = condition[from..to].trim();
        if text.is_empty() {
            return;
        }
        // Words between blanks; a bracket belongs to the word it follows.
        let lower = text.to_ascii_lowercase();
        let sign = match lower.as_str() {
            "and" | "&" => Sign::And,
            "or" | "|" => Sign::Or,
            _ if text.starts_with('(') => Sign::Group,
            _ => Sign::Term,
        };
        let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        parts.push((sign, inner.filter(|_| sign == Sign::Group).unwrap_or(text)));
    };
    for (at, c) in condition.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    push(start, at + 1);
                    start = at + 1;
                }
            }
            '&' | '|' if depth == 0 => {
                push(start, at);
                push(at, at + 1);
                start = at + 1;
            }
            c if c.is_whitespace() && depth == 0 => {
                let next = condition[at..].trim_start().starts_with('(');
                let word = condition[start..at].trim();
                // `s (x)` is one term, `and (` are two.
                if !next || matches!(word.to_ascii_lowercase().as_str(), "and" | "or") {
                    push(start, at);
                    start = at;
                }
            }
            _ => {}
        }
    }
    push(start, condition.len());
    parts
}

/// The first letter of a status and the job it is asked of, without how far it looks back.
fn job(term: &str) -> Option<(char, String)> {
    let (status, rest) = term.split_once('(')?;
    let status = status.trim().to_ascii_lowercase();
    let known =
        ["s", "success", "f", "failure", "d", "done", "t", "terminated", "n", "notrunning", "e", "exitcode"];
    if !known.contains(&status.as_str()) {
        return None;
    }
    let inside = rest.split_once(')').map_or(rest, |(inside, _)| inside);
    let name = inside.split(',').next().unwrap_or(inside).trim().trim_matches('"').replace("\\:", ":");
    Some((status.chars().next()?, name)).filter(|(_, name)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_hold_is_waited_for() {
        let rows: [(&str, &[&str]); 12] = [
            ("s(a)", &["a"]),
            ("success(a) AND done(b,12.00)", &["a", "b"]),
            ("s(a)&f(b) & n(c)", &["a", "b"]),
            ("s(a) | s(b)", &[]),
            ("s(a) & (s(b) | s(c))", &["a"]),
            ("(s(a) & (t(b)))", &["a", "b"]),
            ("s(a) & s(b) or s(c)", &[]),
            ("s(a) | s(b) & s(c)", &["c"]),
            ("(s(a) & s(b)) | (d(b) & s(c))", &["b"]),
            ("s (a) & e(b) = 0 & v(FLAG) = \"on\"", &["a", "b"]),
            ("s(a^PRD, 00.00)", &["a^PRD"]),
            ("", &[]),
        ];
        for (condition, expected) in rows {
            assert_eq!(waits_for(condition), expected, "{condition}");
        }
        assert_eq!(named("s(a) | n(b) & v(x) = 1"), ["a", "b"]);
    }
}
