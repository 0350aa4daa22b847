//! JSON objects in a text, however they are laid out: one a line, an array over many lines, one after the other.
//! A newline before `{` begins a new object whatever stood before it, so that one that was torn costs itself only;
//! whoever prints objects nicely indents what is inside of them. It keeps no state and knows no keys.

use serde_json::Value;
use std::borrow::Cow;

/// Where the first object begins and how long it is. `None`: there is no whole one.
pub fn next(bytes: &[u8]) -> Option<(usize, usize)> {
    let start = memchr::memchr(b'{', bytes)?;
    let (mut at, mut depth) = (start, 0usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at + 1)?,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some((start, at + 1 - start));
                }
            }
            b'\n' if bytes.get(at + 1) == Some(&b'{') => return Some((start, at + 1 - start)),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the quote stands that ends a string begun before; a raw newline ends one that was torn.
fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let found = at + memchr::memchr3(b'"', b'\\', b'\n', bytes.get(at..)?)?;
        match bytes[found] {
            b'\\' => at = found + 2,
            b'"' => return Some(found),
            // The newline is looked at again: it may begin an object.
            _ => return Some(found - 1),
        }
    }
}

/// Where the last object of a block starts; 0: the block has only one.
pub fn last_start(block: &[u8]) -> usize {
    let (mut from, mut last) = (0, 0);
    while let Some((start, length)) = next(&block[from..]) {
        last = from + start;
        from = last + length;
    }
    match memchr::memchr(b'{', &block[from..]) {
        Some(start) => from + start,
        None => last,
    }
}

/// A value by its key, or by keys with dots between them; a number stands for an element of a list.
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let path = path.strip_prefix("$.").unwrap_or(path);
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    let step = |value: &'a Value, key: &str| match value {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        _ => value.get(key),
    };
    path.split('.').try_fold(value, step)
}

/// A value as text: nothing is empty, what is no text is JSON.
pub fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<&str> {
        let (mut from, mut found) = (0, Vec::new());
        while let Some((start, length)) = next(&text.as_bytes()[from..]) {
            found.push(text[from + start..from + start + length].trim());
            from += start + length;
        }
        found
    }

    #[test]
    fn objects_are_found_in_lines_arrays_and_nice_print() {
        for text in [
            "{\"a\":\"}\\\"{\"}\n{\"b\":[{}]}\n",
            "[{\"a\":\"}\\\"{\"},{\"b\":[{}]}]",
            "[\n  {\"a\":\"}\\\"{\"},\n  {\"b\":[{}]}\n]\n",
        ] {
            assert_eq!(all(text), ["{\"a\":\"}\\\"{\"}", "{\"b\":[{}]}"], "{text:?}");
            assert_eq!(&text[last_start(text.as_bytes())..][..4], "{\"b\"", "{text:?}");
        }
        assert_eq!(all("{\"a\":\"torn\n{\"b\":1}\n{\"c\""), ["{\"a\":\"torn", "{\"b\":1}"]);
    }
}
