//! Strings of the three languages: what they stand for, with the code in them kept as it is written.

use super::{Kind, Language, MAX_DEPTH, Reader, Told};

impl Reader<'_> {
    /// A string in quotes, of which the reader stands at the first.
    pub(super) fn string(&mut self) -> Told {
        let start = (self.at, self.line);
        let quote = self.peek(0);
        let end =
            end_of(self.bytes, self.at, self.language, 0).ok_or((self.line, "a string that does not end"))?;
        let inside = &self.text[self.at + 1..end - 1];
        let value = if quote == b'\'' && self.language != Language::Hcl {
            single(inside)
        } else {
            double(inside, self.language)
        };
        self.go(end);
        self.push(Kind::Text, value, start);
        Ok(())
    }

    /// `%w(a b)`, `%q(…)`, `%(…)` of Ruby; whether there is one.
    pub(super) fn percent_literal(&mut self) -> bool {
        let kind = self.peek(1);
        let (letter, open) = if kind.is_ascii_alphabetic() { (kind, self.peek(2)) } else { (b'Q', kind) };
        let close = match open {
            b'(' => b')',
            b'[' => b']',
            b'{' => b'}',
            b'<' => b'>',
            b'|' | b'!' | b'/' if letter != b'Q' || kind == b'Q' => open,
            _ => return false,
        };
        if !b"wWiIqQ".contains(&letter) || !self.may_begin_percent() {
            return false;
        }
        let begin = self.at + if kind.is_ascii_alphabetic() { 3 } else { 2 };
        let (mut depth, mut end) = (1usize, begin);
        while depth > 0 {
            let Some(byte) = self.bytes.get(end) else { return false };
            match *byte {
                b'\\' => end += 1,
                byte if byte == close => depth -= 1,
                byte if byte == open => depth += 1,
                _ => {}
            }
            end += 1;
        }
        let start = (self.at, self.line);
        let Some(inside) = self.text.get(begin..end - 1).map(str::to_owned) else { return false };
        self.go(end);
        if !b"wWiI".contains(&letter) {
            let value = if letter == b'q' { inside } else { double(&inside, self.language) };
            self.push(Kind::Text, value, start);
            return true;
        }
        // A list of words is a list.
        self.push(Kind::Sign, "[".to_owned(), start);
        for word in inside.split_whitespace() {
            self.push(Kind::Text, word.to_owned(), start);
            self.push(Kind::Sign, ",".to_owned(), start);
        }
        self.push(Kind::Sign, "]".to_owned(), start);
        true
    }

    /// A percent sign begins a literal where a value begins, or behind a word and a blank (`command %w(a)`).
    fn may_begin_percent(&self) -> bool {
        let blank_before = self.at > 0 && self.bytes[self.at - 1].is_ascii_whitespace();
        self.may_begin_value()
            || (blank_before && self.out.last().is_some_and(|last| last.kind == Kind::Word))
    }
}

/// Where the string that begins here ends, behind its last quote.
pub(super) fn end_of(bytes: &[u8], start: usize, language: Language, depth: usize) -> Option<usize> {
    if depth > MAX_DEPTH {
        return None;
    }
    let quote = bytes[start];
    let holds_code = quote != b'\'';
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match *byte {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            b'#' | b'$' | b'%' if holds_code && opens_code(bytes, at, language) => {
                at = end_of_code(bytes, at + 1, language, depth)?;
            }
            _ => at += 1,
        }
    }
    None
}

/// Whether `#{`, `${` or `%{` begins here, as the language has it.
fn opens_code(bytes: &[u8], at: usize, language: Language) -> bool {
    let sign = match language {
        Language::Ruby => bytes[at] == b'#',
        Language::Puppet | Language::Php | Language::CSharp => bytes[at] == b'$',
        Language::Hcl => bytes[at] != b'#' && bytes.get(at.wrapping_sub(1)) != Some(&bytes[at]),
    };
    sign && bytes.get(at + 1) == Some(&b'{')
}

/// Where the code in a string ends, behind its brace; `start` is at the one that opens it.
fn end_of_code(bytes: &[u8], start: usize, language: Language, depth: usize) -> Option<usize> {
    let (mut open, mut at) = (0usize, start);
    while let Some(byte) = bytes.get(at) {
        match *byte {
            b'{' => open += 1,
            b'}' if open == 1 => return Some(at + 1),
            b'}' => open -= 1,
            b'"' | b'\'' => {
                at = end_of(bytes, at, language, depth + 1)?;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
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

/// What Puppet escapes besides the letters of blanks.
const PUPPET: [char; 6] = ['\\', '"', '\'', '$', 'r', 'u'];

/// What double quotes stand for: escapes are read, code stays as it is written, `$name` of Puppet as `${name}`.
pub(super) fn double(inside: &str, language: Language) -> String {
    let bytes = inside.as_bytes();
    let (mut value, mut at) = (String::with_capacity(inside.len()), 0);
    while let Some(c) = inside.get(at..).and_then(|rest| rest.chars().next()) {
        let mut next = at + c.len_utf8();
        match c {
            '\\' => {
                let escaped = inside[next..].chars().next();
                next += escaped.map_or(0, char::len_utf8);
                match escaped {
                    Some('n') => value.push('\n'),
                    Some('t') => value.push('\t'),
                    Some('s') => value.push(' '),
                    Some('\n') if language == Language::Ruby => {}
                    // An escape that Puppet does not know stays as it is written (language reference, "Strings").
                    Some(other) if language == Language::Puppet && !PUPPET.contains(&other) => {
                        value.extend(['\\', other]);
                    }
                    Some(other) => value.push(other),
                    None => value.push('\\'),
                }
            }
            '#' | '$' | '%' if opens_code(bytes, at, language) => {
                next = end_of_code(bytes, at + 1, language, 0).unwrap_or(inside.len());
                value.push_str(&inside[at..next]);
            }
            '$' if language == Language::Puppet => {
                let name = variable(&inside[next..]);
                next += name.len();
                if name.is_empty() { value.push('$') } else { value.push_str(&format!("${{{name}}}")) }
            }
            _ => value.push(c),
        }
        at = next;
    }
    value
}

/// The name that a text begins with: `a`, `a::b`, `::a`.
fn variable(text: &str) -> &str {
    let bytes = text.as_bytes();
    let name = |at: usize| bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let mut at = 0;
    loop {
        if name(at) {
            at += 1;
        } else if text[at..].starts_with("::") && name(at + 2) {
            at += 2;
        } else {
            return &text[..at];
        }
    }
}
