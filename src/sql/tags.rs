//! What a client says about itself in a comment at a statement's end: sqlcommenter's
//! `/*application='x',route='y'*/` (specification at google.github.io/sqlcommenter/spec) and Marginalia's
//! `/*application:x,controller:y*/`. It reads nothing else of the statement, and takes any other comment for none.

use crate::evidence::scrub::scrub;

/// The longest comment that is read.
const MAX_TAG_BYTES: usize = 4_096;

/// How many pairs are kept.
const MAX_TAGS: usize = 32;

/// Keys and values in the order they are written, decoded, without secrets. Nothing where the text does not end in
/// such a comment.
pub fn tags(text: &str) -> Vec<(String, String)> {
    let end = text.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
    let Some(rest) = end.strip_suffix("*/") else { return Vec::new() };
    let mut from = rest.len().saturating_sub(MAX_TAG_BYTES);
    while !rest.is_char_boundary(from) {
        from += 1;
    }
    let Some(open) = rest[from..].rfind("/*") else { return Vec::new() };
    let comment = rest[from + open + 2..].trim();
    // Hints, and what only some servers run, are no tags.
    if comment.starts_with(['+', '!']) {
        return Vec::new();
    }
    pairs(comment, quoted).or_else(|| pairs(comment, plain)).unwrap_or_default()
}

type Pair<'a> = (String, String, &'a str);

/// All pairs of a comment, if it is made of nothing else.
fn pairs(comment: &str, one: fn(&str) -> Option<Pair<'_>>) -> Option<Vec<(String, String)>> {
    let (mut rest, mut found) = (comment, Vec::new());
    while !rest.is_empty() {
        let (key, value, after) = one(rest)?;
        if found.len() < MAX_TAGS {
            found.push((key, scrub(&value).into_owned()));
        }
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    (!found.is_empty()).then_some(found)
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'%'))
}

/// `key='value'`, percent-encoded, with quotes escaped by a backslash.
fn quoted(text: &str) -> Option<Pair<'_>> {
    let (key, rest) = text.split_once('=')?;
    let rest = rest.strip_prefix('\'')?;
    let mut end = None;
    let mut escaped = false;
    for (at, sign) in rest.char_indices() {
        if sign == '\'' && !escaped {
            end = Some(at);
            break;
        }
        escaped = sign == '\\' && !escaped;
    }
    let end = end?;
    is_key(key).then(|| (decoded(key), decoded(&rest[..end]).replace("\\'", "'"), &rest[end + 1..]))
}

/// `key:value`.
fn plain(text: &str) -> Option<Pair<'_>> {
    let (key, rest) = text.split_once(':')?;
    let end = rest.find(',').unwrap_or(rest.len());
    let value = &rest[..end];
    // `note: see below` is a sentence.
    let lower = key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let whole = lower && is_key(key) && !value.is_empty() && !value.starts_with(char::is_whitespace);
    whole.then(|| (key.to_owned(), value.trim_end().to_owned(), &rest[end..]))
}

fn decoded(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let code = digits.filter(|_| bytes[at] == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}
