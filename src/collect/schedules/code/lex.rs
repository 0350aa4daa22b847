//! The words of Java, Kotlin, JavaScript and TypeScript: names, numbers, strings, signs; comments are no words. It is
//! one reader for four languages because jobs are told from annotations and calls alone, and because no grammar for
//! Kotlin is at hand; it never nests, so hostile text costs no more than its length. Text of JSX between elements is no
//! code, and read as if it were: a quote that its line does not close is a sign, so that it spoils no more than itself.

use super::Language;
use crate::collect::schedules::tokens::{Kind, Token};

/// How many words one text may have.
const MAX_TOKENS: usize = 1_000_000;
/// How deep braces in the code of one string are followed.
const MAX_DEPTH: usize = 64;

/// Signs of two characters that must not be taken for two signs.
const PAIRS: [&str; 17] =
    ["=>", "->", "?.", "::", "==", "!=", "||", "&&", "??", "?:", "<=", ">=", "+=", "-=", "*=", "/=", "!!"];
/// Words behind which a value begins, so that a slash there begins a regular expression.
const BEFORE_VALUES: [&str; 9] = ["return", "typeof", "case", "in", "of", "delete", "void", "throw", "await"];

/// Splits a text; the line is that of a comment which the text does not end, or at which a limit was reached.
pub(super) fn read(text: &str, language: Language) -> (Vec<Token>, Option<(u64, &'static str)>) {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        language,
        at: 0,
        line: 1,
        out: Vec::new(),
        open: None,
        open_template: false,
    };
    if reader.bytes.starts_with(b"#!") {
        reader.skip_line();
    }
    while reader.at < reader.bytes.len() {
        if reader.out.len() >= MAX_TOKENS {
            return (reader.out, Some((reader.line, "more words than MAX_TOKENS")));
        }
        if let Err(broken) = reader.next() {
            return (reader.out, Some(broken));
        }
    }
    (reader.out, None)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    language: Language,
    at: usize,
    line: u64,
    out: Vec<Token>,
    /// A quote that nothing closed, and the line up to which that is known.
    open: Option<(u8, u64)>,
    /// Whether a template was begun that nothing closes.
    open_template: bool,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Goes on to a place, counting lines.
    fn go(&mut self, to: usize) {
        let to = to.min(self.bytes.len());
        self.line += self.bytes[self.at..to].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = to;
    }

    fn push(&mut self, kind: Kind, text: String, from: (usize, u64)) {
        self.out.push(Token { kind, text, line: from.1, text_line: from.1, span: (from.0, self.at) });
    }

    fn skip_line(&mut self) {
        let length = self.bytes[self.at..].iter().position(|byte| *byte == b'\n');
        self.at = length.map_or(self.bytes.len(), |length| self.at + length);
    }

    fn next(&mut self) -> Result<(), (u64, &'static str)> {
        let script = self.language == Language::Script;
        match self.peek(0) {
            byte if byte.is_ascii_whitespace() => self.go(self.at + 1),
            b'/' if self.peek(1) == b'/' => self.skip_line(),
            b'/' if self.peek(1) == b'*' => {
                let end = self.end_of_comment().ok_or((self.line, "a comment that does not end"))?;
                self.go(end);
            }
            b'"' if !script && self.rest().starts_with("\"\"\"") => self.block(),
            b'"' | b'\'' => self.string(),
            b'`' if script => self.template(),
            b'`' => self.quoted_name(),
            b'/' if script && self.may_begin_regex() && self.skip_regex() => {}
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80 => {
                self.word()
            }
            b'#' if script && (self.peek(1).is_ascii_alphabetic() || self.peek(1) == b'_') => self.word(),
            _ => self.sign(),
        }
        Ok(())
    }

    /// Behind the comment that begins here; in Kotlin comments lie in each other.
    fn end_of_comment(&self) -> Option<usize> {
        let mut at = self.at + 2;
        let mut depth = 1usize;
        while let Some(pair) = self.bytes.get(at..at + 2) {
            match pair {
                b"*/" if depth == 1 => return Some(at + 2),
                b"*/" => {
                    depth -= 1;
                    at += 2;
                }
                b"/*" if self.language == Language::Kotlin => {
                    depth += 1;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        None
    }

    /// A text block of Java (JLS 3.10.6) or a raw string of Kotlin.
    fn block(&mut self) {
        let start = (self.at, self.line);
        let from = self.at + 3;
        let Some(length) = self.text[from..].find("\"\"\"") else {
            self.at = from;
            return self.push(Kind::Sign, "\"\"\"".to_owned(), start);
        };
        let inside = self.text[from..from + length].to_owned();
        self.go(from + length + 3);
        let kotlin = self.language == Language::Kotlin;
        let value = if kotlin { inside.replace("${", "#{") } else { unescaped(inside.trim_start(), false) };
        self.push(Kind::Text, value, start);
    }

    /// A string on one line.
    fn string(&mut self) {
        let start = (self.at, self.line);
        let quote = self.peek(0);
        if self.open == Some((quote, self.line)) {
            return self.sign();
        }
        let kotlin = self.language == Language::Kotlin;
        match self.end_of_string(quote, kotlin && quote == b'"', false) {
            Some(end) => {
                let inside = self.text[self.at + 1..end].to_owned();
                self.go(end + 1);
                self.push(Kind::Text, unescaped(&inside, kotlin), start);
            }
            None => {
                self.open = Some((quote, self.line));
                self.sign();
            }
        }
    }

    /// A template of JavaScript, over several lines; its code stays as `#{…}`.
    fn template(&mut self) {
        let start = (self.at, self.line);
        if self.open_template {
            return self.sign();
        }
        match self.end_of_string(b'`', true, true) {
            Some(end) => {
                let inside = self.text[self.at + 1..end].to_owned();
                self.go(end + 1);
                self.push(Kind::Text, unescaped(&inside, true), start);
            }
            None => {
                self.open_template = true;
                self.sign();
            }
        }
    }

    /// Where the quote that ends a string stands; with `code`, quotes inside of `${…}` do not end it.
    fn end_of_string(&self, quote: u8, code: bool, lines: bool) -> Option<usize> {
        let (mut at, mut depth) = (self.at + 1, 0usize);
        loop {
            match *self.bytes.get(at)? {
                b'\n' if !lines => return None,
                b'\\' => at += 1,
                b'$' if code && self.bytes.get(at + 1) == Some(&b'{') && depth < MAX_DEPTH => {
                    depth += 1;
                    at += 1;
                }
                b'{' if depth > 0 && depth < MAX_DEPTH => depth += 1,
                // A string in the code, whose braces are none.
                inner @ (b'"' | b'\'') if depth > 0 => at = self.end_of_inner(at, inner)?,
                b'}' if depth > 0 => depth -= 1,
                byte if byte == quote && depth == 0 => return Some(at),
                _ => {}
            }
            at += 1;
        }
    }

    /// The quote that ends a string of one line in the code of another; where none does, the string's first.
    fn end_of_inner(&self, start: usize, quote: u8) -> Option<usize> {
        let mut at = start + 1;
        loop {
            match *self.bytes.get(at)? {
                b'\n' => return Some(start),
                b'\\' => at += 1,
                byte if byte == quote => return Some(at),
                _ => {}
            }
            at += 1;
        }
    }

    /// A name in backticks of Kotlin.
    fn quoted_name(&mut self) {
        let start = (self.at, self.line);
        match self.end_of_string(b'`', false, false) {
            Some(end) => {
                let name = self.text[self.at + 1..end].to_owned();
                self.at = end + 1;
                self.push(Kind::Word, name, start);
            }
            None => self.sign(),
        }
    }

    fn may_begin_regex(&self) -> bool {
        self.out.last().is_none_or(|last| match last.kind {
            Kind::Sign => !matches!(last.text.as_str(), ")" | "]" | "}" | "!!"),
            Kind::Word => BEFORE_VALUES.contains(&last.text.as_str()),
            _ => false,
        })
    }

    /// A regular expression on one line; its text says nothing to us.
    fn skip_regex(&mut self) -> bool {
        let (mut at, mut set) = (self.at + 1, false);
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'\n' => return false,
                b'\\' => at += 1,
                b'[' => set = true,
                b']' => set = false,
                b'/' if !set => {
                    let start = (self.at, self.line);
                    self.at = at + 1;
                    self.push(Kind::Sign, "//".to_owned(), start);
                    return true;
                }
                _ => {}
            }
            at += 1;
        }
        false
    }

    fn word(&mut self) {
        let start = (self.at, self.line);
        let digits = self.peek(0).is_ascii_digit();
        self.at += 1;
        loop {
            let byte = self.peek(0);
            let part = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80;
            let point = byte == b'.' && digits && self.peek(1).is_ascii_digit();
            if !(part || point) {
                break;
            }
            self.at += 1;
        }
        self.push(Kind::Word, self.text[start.0..self.at].to_owned(), start);
    }

    fn sign(&mut self) {
        let start = (self.at, self.line);
        let two = self.rest().get(..2).unwrap_or("");
        self.at += if PAIRS.contains(&two) { 2 } else { 1 };
        self.push(Kind::Sign, self.text.get(start.0..self.at).unwrap_or("").to_owned(), start);
    }
}

/// What the inside of a string stands for; with `code`, `${…}` is code, and told as `#{…}`.
fn unescaped(inside: &str, code: bool) -> String {
    let (mut value, mut chars) = (String::with_capacity(inside.len()), inside.chars().peekable());
    while let Some(letter) = chars.next() {
        match (letter, chars.peek().copied()) {
            ('\\', Some(next)) => {
                chars.next();
                match next {
                    'n' | 'r' | '\n' => value.push('\n'),
                    't' | 's' => value.push(' '),
                    'u' => {
                        let digits: String = chars.by_ref().take(4).collect();
                        value.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                    }
                    other => value.push(other),
                }
            }
            ('$', Some('{')) if code => value.push('#'),
            _ => value.push(letter),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::{Language, read};
    use crate::collect::schedules::tokens::Kind;

    fn told(text: &str, language: Language) -> Vec<String> {
        let (tokens, broken) = read(text, language);
        assert_eq!(broken, None, "{text}");
        let shown = |kind: Kind| if kind == Kind::Text { "'" } else { "" };
        tokens.iter().map(|it| format!("{}{}{}", it.line, shown(it.kind), it.text)).collect()
    }

    #[test]
    fn comments_are_no_words_and_strings_are_what_they_stand_for() {
        assert_eq!(
            told("// \"no\n@A(x = \"0 \\\"a\\\" ${p:d}\") /* '\n */ 'c' \"\"\"\n  b\n\"\"\"", Language::Java),
            ["2@", "2A", "2(", "2x", "2=", "2'0 \"a\" ${p:d}", "2)", "3'c", "3'b\n"]
        );
        assert_eq!(
            told("/* a /* b */ c */ \"\\${p} ${q(\"}\")} x\" `a b`", Language::Kotlin),
            ["1'${p} #{q(\"}\")} x", "1a b"]
        );
    }

    #[test]
    fn regular_expressions_and_templates_hide_their_quotes() {
        assert_eq!(
            told("x = /['\"`]/g; y = a / b / 'c'; `*/${n} *` + it's\n'z'", Language::Script),
            [
                "1x",
                "1=",
                "1//",
                "1g",
                "1;",
                "1y",
                "1=",
                "1a",
                "1/",
                "1b",
                "1/",
                "1'c",
                "1;",
                "1'*/#{n} *",
                "1+",
                "1it",
                "1'",
                "1s",
                "2'z"
            ]
        );
    }
}
