//! Scripts of MySQL's client in statements: each ends with the delimiter that a `DELIMITER` line sets (mysql(1), "mysql
//! Client Commands"). It looks at quotes and comments, and at nothing else.

/// One statement.
pub(super) struct Statement<'a> {
    /// Its text.
    pub text: &'a str,
    /// The line it begins on, counted from 1.
    pub line: u64,
}

/// The statements of a script; empty ones are left out.
pub(super) fn statements(script: &str) -> Vec<Statement<'_>> {
    let bytes = script.as_bytes();
    let (mut found, mut delimiter) = (Vec::new(), ";");
    let (mut at, mut start, mut line, mut counted) = (0, 0, 1, 0);
    let find = |from: usize, what: &[u8]| {
        let from = from.min(bytes.len());
        memchr::memmem::find(&bytes[from..], what).map_or(bytes.len(), |found| from + found + what.len())
    };
    let mut end = |start: usize, end: usize| {
        let lead = script[start..end].len() - script[start..end].trim_start().len();
        line += memchr::memchr_iter(b'\n', &bytes[counted..start + lead]).count() as u64;
        counted = start + lead;
        let text = script[start..end].trim();
        if !text.is_empty() {
            found.push(Statement { text, line });
        }
    };
    while at < bytes.len() {
        if (at == 0 || bytes[at - 1] == b'\n')
            && bytes[at..].get(..9).is_some_and(|word| word.eq_ignore_ascii_case(b"delimiter"))
            && bytes.get(at + 9).is_some_and(u8::is_ascii_whitespace)
        {
            let next = find(at, b"\n");
            end(start, at);
            delimiter = script[at + 9..next].split_whitespace().next().unwrap_or(";");
            (at, start) = (next, next);
            continue;
        }
        if bytes[at..].starts_with(delimiter.as_bytes()) {
            end(start, at);
            at += delimiter.len();
            start = at;
            continue;
        }
        at = match (bytes[at], bytes.get(at + 1), bytes.get(at + 2)) {
            (quote @ (b'\'' | b'"' | b'`'), _, _) => quoted(bytes, at, quote),
            (b'#', _, _) => find(at, b"\n"),
            (b'-', Some(b'-'), None | Some(b' ' | b'\t' | b'\n' | b'\r')) => find(at, b"\n"),
            (b'/', Some(b'*'), next) if next != Some(&b'!') => find(at + 2, b"*/"),
            _ => at + 1,
        };
    }
    end(start, bytes.len());
    found
}

/// Where a literal or a name in quotes ends.
fn quoted(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote != b'`' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}
