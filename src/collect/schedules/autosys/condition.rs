//! Conditions of JIL (`s(load) & (d(a) | f(b, 12.00))`): for which jobs a job certainly waits. Of alternatives none is
//! certain, and that a job does not run (`n(x)`) is no order. Signs of one kind are needed: what `&` and `|` side by
//! side mean without brackets is not read.

/// How deep brackets may lie in each other.
const MAX_DEPTH: usize = 16;

/// The jobs that must have ended, or been started, before the condition holds.
pub(super) fn waits_for(condition: &str) -> Vec<String> {
    let mut found = Vec::new();
    all_of(condition.trim(), 0, &mut found);
    found
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

fn all_of(condition: &str, depth: usize, found: &mut Vec<String>) {
    let parts = parts(condition);
    if depth > MAX_DEPTH || parts.iter().any(|(sign, _)| *sign == Sign::Or) {
        return;
    }
    for (sign, text) in parts {
        match sign {
            Sign::Group => all_of(text, depth + 1, found),
            Sign::Term => {
                if let Some((status, name)) = job(text)
                    && status != 'n'
                {
                    found.push(name);
                }
            }
            Sign::And | Sign::Or => {}
        }
    }
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
    let name = inside.split(',').next().unwrap_or(inside).trim().trim_matches('"');
    Some((status.chars().next()?, name.to_owned())).filter(|(_, name)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_hold_is_waited_for() {
        let rows: [(&str, &[&str]); 10] = [
            ("s(a)", &["a"]),
            ("success(a) AND done(b,12.00)", &["a", "b"]),
            ("s(a)&f(b) & n(c)", &["a", "b"]),
            ("s(a) | s(b)", &[]),
            ("s(a) & (s(b) | s(c))", &["a"]),
            ("(s(a) & (t(b)))", &["a", "b"]),
            ("s(a) & s(b) or s(c)", &[]),
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
