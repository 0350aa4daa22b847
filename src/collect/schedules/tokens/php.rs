//! What only PHP's text has: code between `<?php` and `?>`, comments from `#`, strings in which a variable needs no
//! braces, here-documents from `<<<` (its manual, "Basic syntax" and "Strings").

use super::{Kind, MAX_DEPTH, Reader, Told};

impl Reader<'_> {
    /// Goes on behind the next `<?php` or `<?=`, or to the end: what stands before is no code.
    pub(super) fn skip_to_code(&mut self) {
        let found = self.rest().find("<?");
        let Some(start) = found.map(|found| self.at + found) else { return self.go(self.bytes.len()) };
        let rest = &self.text[start + 2..];
        let tag = ["php", "="].iter().find(|tag| rest.starts_with(**tag)).map_or(0, |tag| tag.len());
        self.go(start + 2 + tag);
    }

    /// A piece that only PHP has; `None`: there is none here.
    pub(super) fn php(&mut self) -> Option<Told> {
        match (self.peek(0), self.peek(1)) {
            (b'?', b'>') => self.skip_to_code(),
            // An attribute begins with a bracket and is no comment.
            (b'#', b'[') => {
                let start = (self.at, self.line);
                self.at += 1;
                self.push(Kind::Sign, "#".to_owned(), start);
            }
            (b'\\', next) if next.is_ascii_alphabetic() || next == b'_' => self.word(),
            (b'\'', _) => return Some(self.php_string(b'\'')),
            (b'"', _) => return Some(self.php_string(b'"')),
            (b'`', _) => return Some(self.php_string(b'`')),
            (b'<', b'<') if self.peek(2) == b'<' => return self.php_heredoc(),
            _ => return None,
        }
        Some(Ok(()))
    }

    fn php_string(&mut self, quote: u8) -> Told {
        let start = (self.at, self.line);
        let mut end = self.at + 1;
        loop {
            match self.bytes.get(end) {
                None => return Err((self.line, "a string that does not end")),
                Some(b'\\') => end += 2,
                Some(byte) if *byte == quote => break,
                Some(_) => end += 1,
            }
        }
        let inside = self.text.get(self.at + 1..end).unwrap_or("");
        let value = if quote == b'\'' { single(inside) } else { double(inside) };
        self.go(end + 1);
        self.push(Kind::Text, value, start);
        Ok(())
    }

    /// `<<<NAME`, `<<<"NAME"`, `<<<'NAME'` up to the line that begins with the name.
    fn php_heredoc(&mut self) -> Option<Told> {
        let start = (self.at, self.line);
        let rest = self.rest()[3..].trim_start_matches([' ', '\t']);
        let raw = rest.starts_with('\'');
        let name = rest.trim_start_matches(['\'', '"']);
        let length = name.bytes().position(|b| !b.is_ascii_alphanumeric() && b != b'_').unwrap_or(name.len());
        let name = name[..length].to_owned();
        let line_end = self.rest().find('\n').filter(|_| !name.is_empty())?;
        let (body, mut at) = (self.at + line_end + 1, self.at + line_end + 1);
        loop {
            let Some(line) = self.text.get(at..).and_then(|rest| rest.lines().next()) else {
                return Some(Err((self.line, "a here-document without its end")));
            };
            let own = line.trim_start();
            let ends = own.strip_prefix(name.as_str());
            if ends.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')) {
                let inside = &self.text[body..at.max(body + 1) - 1];
                let value = if raw { inside.to_owned() } else { double(inside) };
                self.go(at + (line.len() - own.len()) + name.len());
                self.push(Kind::Text, value, start);
                return Some(Ok(()));
            }
            at += line.len() + 1;
            if at >= self.bytes.len() {
                return Some(Err((self.line, "a here-document without its end")));
            }
        }
    }
}

/// What single quotes stand for: only they and the backslash are escaped.
fn single(inside: &str) -> String {
    let (mut value, mut chars) = (String::with_capacity(inside.len()), inside.chars().peekable());
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('\'' | '\\')) => value.extend(chars.next()),
            _ => value.push(c),
        }
    }
    value
}

/// What double quotes stand for: escapes are read; `$name`, `$name->part`, `{$…}` and `${…}` are kept as `${…}`.
fn double(inside: &str) -> String {
    let (mut value, mut at) = (String::with_capacity(inside.len()), 0);
    while let Some(c) = inside[at..].chars().next() {
        let rest = &inside[at..];
        let next = rest[1..].chars().next();
        match (c, next) {
            ('\\', Some(escaped)) => {
                match escaped {
                    'n' => value.push('\n'),
                    't' => value.push('\t'),
                    '$' | '"' | '\\' => value.push(escaped),
                    other => value.extend(['\\', other]),
                }
                at += 1 + escaped.len_utf8();
            }
            ('{', Some('$')) | ('$', Some('{')) => {
                let length = closing(rest).unwrap_or(rest.len());
                let held = rest[1..length].trim_start_matches(['{', '$']).trim_end_matches('}');
                value.push_str(&format!("${{{held}}}"));
                at += length;
            }
            ('$', Some(first)) if first.is_alphabetic() || first == '_' => {
                let name = |from: usize| {
                    let end = rest[from..].find(|c: char| !c.is_alphanumeric() && c != '_');
                    end.map_or(rest.len(), |end| from + end)
                };
                let mut length = name(1);
                if rest[length..].starts_with("->") && name(length + 2) > length + 2 {
                    length = name(length + 2);
                }
                value.push_str(&format!("${{{}}}", &rest[1..length]));
                at += length;
            }
            _ => {
                value.push(c);
                at += c.len_utf8();
            }
        }
    }
    value
}

/// The length of a text up to the brace that closes its first one.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if depth >= MAX_DEPTH => return None,
            b'{' => depth += 1,
            b'}' if depth <= 1 => return Some(at + 1),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}
