//! What only C#'s text has: verbatim, interpolated and raw strings, characters in quotes, lines for the preprocessor
//! (its language specification, "Lexical structure"). Code that a condition of the preprocessor leaves out is read, too.

use super::{Kind, MAX_DEPTH, Reader, Told};

/// How a string begins.
#[derive(Default)]
struct Opening {
    /// How many bytes stand before its text.
    length: usize,
    /// Doubled quotes instead of escapes.
    verbatim: bool,
    /// How many dollars: so many braces open code; 0: none.
    dollars: usize,
    /// How many quotes open and close a raw one; 1 or 0: it is none.
    quotes: usize,
}

impl Reader<'_> {
    /// A piece that only C# has; `None`: there is none here.
    pub(super) fn csharp(&mut self) -> Option<Told> {
        match self.peek(0) {
            b'#' => self.skip_line(),
            b'\'' => self.csharp_character(),
            b'"' | b'@' | b'$' => {
                if let Some(opening) = self.csharp_opening() {
                    return Some(self.csharp_string(&opening));
                }
                // `@name` is a name that is a keyword otherwise.
                if self.peek(0) != b'@' {
                    return None;
                }
                self.at += 1;
            }
            _ => return None,
        }
        Some(Ok(()))
    }

    fn csharp_character(&mut self) {
        let start = (self.at, self.line);
        let rest = &self.bytes[self.at + 1..];
        let from = if rest.first() == Some(&b'\\') { 2 } else { 1 };
        let end = rest.iter().skip(from).take(12).position(|byte| *byte == b'\'').map(|end| end + from);
        let end = end.map_or(self.at + 1, |end| self.at + 1 + end + 1);
        let text = self.text.get(self.at + 1..end.max(self.at + 2) - 1).unwrap_or("").to_owned();
        self.go(end);
        self.push(Kind::Text, text, start);
    }

    fn csharp_opening(&self) -> Option<Opening> {
        let mut opening = Opening::default();
        loop {
            match self.peek(opening.length) {
                b'@' => opening.verbatim = true,
                b'$' => opening.dollars += 1,
                b'"' => break,
                _ => return None,
            }
            opening.length += 1;
        }
        while self.peek(opening.length + opening.quotes) == b'"' {
            opening.quotes += 1;
        }
        if opening.quotes < 3 || opening.verbatim {
            opening.quotes = 1;
        }
        opening.length += opening.quotes;
        Some(opening)
    }

    fn csharp_string(&mut self, opening: &Opening) -> Told {
        let (start, broken) = ((self.at, self.line), (self.line, "a string that does not end"));
        let (mut value, mut at) = (String::new(), self.at + opening.length);
        loop {
            let rest = self.text.get(at..).unwrap_or("");
            let Some(c) = rest.chars().next() else { return Err(broken) };
            let quotes = rest.bytes().take_while(|byte| *byte == b'"').count();
            if opening.quotes > 1 && quotes >= opening.quotes {
                at += quotes;
                break;
            }
            match c {
                '"' if opening.quotes == 1 && opening.verbatim && rest.starts_with("\"\"") => {
                    value.push('"');
                    at += 2;
                }
                '"' if opening.quotes == 1 => {
                    at += 1;
                    break;
                }
                '\n' if opening.quotes == 1 && !opening.verbatim => return Err(broken),
                '\\' if opening.quotes == 1 && !opening.verbatim => {
                    let escaped = rest[1..].chars().next().ok_or(broken)?;
                    match escaped {
                        'n' => value.push('\n'),
                        't' => value.push('\t'),
                        'r' => {}
                        other => value.push(other),
                    }
                    at += 1 + escaped.len_utf8();
                }
                '{' if opening.dollars > 0 && rest.starts_with("{{") && opening.quotes == 1 => {
                    value.push('{');
                    at += 2;
                }
                '{' if opening.dollars > 0
                    && rest.bytes().take_while(|byte| *byte == b'{').count() >= opening.dollars =>
                {
                    let length = end_of_code(rest).ok_or(broken)?;
                    let held = rest[..length].trim_matches(['{', '}']).trim();
                    value.push_str(&format!("${{{}}}", held.replace(['{', '}'], " ")));
                    at += length;
                }
                '}' if opening.dollars > 0 && rest.starts_with("}}") && opening.quotes == 1 => {
                    value.push('}');
                    at += 2;
                }
                c => {
                    value.push(c);
                    at += c.len_utf8();
                }
            }
        }
        self.go(at);
        self.push(Kind::Text, value, start);
        Ok(())
    }
}

/// The length of the code in a string, with its braces; strings in it are passed over.
fn end_of_code(text: &str) -> Option<usize> {
    let (mut depth, mut quoted) = (0usize, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' if depth >= MAX_DEPTH => return None,
            b'{' => depth += 1,
            b'}' if depth <= 1 => return Some(at + 1),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}
