//! A statement in tokens, of any dialect and in any state: cut off, with a quote that never closes, with
//! placeholders of client libraries in it. It runs over the text once and never fails; it knows no grammar.

use super::words::KEYS;
use super::{Dialect, fold, spelling};
use std::cell::Cell;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word without quotes.
    Word,
    /// A name in quotes.
    Quoted,
    /// A literal string.
    Text,
    /// A number.
    Number,
    /// A placeholder or variable: `?`, `$1`, `:a`, `@a`, `%s`, `{a}`.
    Param,
    /// One sign.
    Sign,
}

/// One token: where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    start: u32,
    end: u32,
}

/// A text with its tokens.
pub struct Lexed<'a> {
    text: &'a str,
    /// The dialect it was read by.
    pub dialect: Dialect,
    /// In order.
    pub tokens: Vec<Token>,
    /// How many more tokens may be looked at ahead of the reader.
    looks: Cell<usize>,
}

/// How far a placeholder in braces may reach.
const MAX_BRACES: usize = 200;

/// The longest word that can be a keyword.
const MAX_KEYWORD: usize = 32;

/// How many tokens are looked ahead for a word that tells what a statement is.
pub(super) const LOOKAHEAD: usize = 2_000;

/// How many tokens are looked at ahead of the reader in all: some for any text, and so many for each of its tokens,
/// so that the time a text takes grows with its length and not faster. Beyond that nothing is found ahead.
const LOOKS: usize = 50_000;
const LOOKS_PER_TOKEN: usize = 4;

/// Splits a text into tokens; comments go.
pub fn lex(text: &str, dialect: Dialect) -> Lexed<'_> {
    let mut lexer = Lexer { bytes: text.as_bytes(), at: 0, dialect, tokens: Vec::new() };
    // Positions are 32 bits wide; nobody writes more than that in one statement.
    while lexer.at < lexer.bytes.len().min(u32::MAX as usize - 1) {
        lexer.step();
    }
    let looks = Cell::new(LOOKS + lexer.tokens.len() * LOOKS_PER_TOKEN);
    Lexed { text, dialect, tokens: lexer.tokens, looks }
}

impl<'a> Lexed<'a> {
    /// Where a token begins and ends in the text.
    pub fn span(&self, index: usize) -> (usize, usize) {
        self.tokens
            .get(index)
            .map_or((self.text.len(), self.text.len()), |token| (token.start as usize, token.end as usize))
    }

    /// A token as it is written.
    pub fn raw(&self, index: usize) -> &'a str {
        let (start, end) = self.span(index);
        self.text.get(start..end).unwrap_or("")
    }

    /// The kind of a token.
    pub fn kind(&self, index: usize) -> Option<Kind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    /// Whether a token is this word, in any case, or this sign.
    pub fn is(&self, index: usize, word: &str) -> bool {
        let plain = matches!(self.kind(index), Some(Kind::Word | Kind::Sign));
        plain && self.raw(index).eq_ignore_ascii_case(word)
    }

    /// A keyword of those that readers look for, or a sign of theirs; nothing for anything else.
    pub(super) fn key(&self, index: usize) -> &'static str {
        let raw = match self.kind(index) {
            Some(Kind::Word | Kind::Sign) => self.raw(index).as_bytes(),
            _ => return "",
        };
        let mut lower = [0; MAX_KEYWORD];
        let Some(lower) = lower.get_mut(..raw.len()) else { return "" };
        lower.copy_from_slice(raw);
        lower.make_ascii_lowercase();
        KEYS.binary_search_by(|key| key.as_bytes().cmp(lower)).map_or("", |found| KEYS[found])
    }

    /// Whether two neighbours stand without a blank between them.
    pub(super) fn adjacent(&self, index: usize) -> bool {
        index > 0 && index < self.tokens.len() && self.tokens[index - 1].end == self.tokens[index].start
    }

    /// What a literal holds.
    pub fn content(&self, index: usize) -> Option<String> {
        if self.kind(index) != Some(Kind::Text) {
            return None;
        }
        let raw = self.raw(index);
        if let Some(rest) = raw.strip_prefix('$') {
            let tag = rest.find('$')? + 2;
            let body = raw.get(tag..)?;
            return Some(body.strip_suffix(&raw[..tag]).unwrap_or(body).to_owned());
        }
        let quote = raw.find(['\'', '"'])?;
        let (prefix, body) = raw.split_at(quote);
        let sign = body.chars().next()?;
        if prefix.eq_ignore_ascii_case("q") || prefix.eq_ignore_ascii_case("nq") {
            let body = body.get(2..)?;
            return Some(body.get(..body.len().saturating_sub(2))?.to_owned());
        }
        let body = body[1..].strip_suffix(sign).unwrap_or(&body[1..]);
        let escapes = self.dialect.backslash_escapes() || prefix.eq_ignore_ascii_case("e");
        Some(unescape(body, sign, escapes))
    }

    /// A name in quotes, without them.
    pub fn unquoted(&self, index: usize) -> String {
        let raw = self.raw(index);
        let close = match raw.as_bytes().first() {
            Some(b'[') => ']',
            Some(b'"') => '"',
            _ => '`',
        };
        let body = raw.get(1..).unwrap_or("");
        let body = body.strip_suffix(close).unwrap_or(body);
        body.replace(&format!("{close}{close}"), &close.to_string())
    }
}

fn unescape(body: &str, sign: char, escapes: bool) -> String {
    let (mut out, mut chars) = (String::with_capacity(body.len()), body.chars().peekable());
    while let Some(next) = chars.next() {
        if next == sign && chars.peek() == Some(&sign) {
            chars.next();
            out.push(sign);
        } else if next == '\\' && escapes {
            match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => {}
            }
        } else {
            out.push(next);
        }
    }
    out
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    dialect: Dialect,
    tokens: Vec<Token>,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn find(&self, from: usize, what: &[u8]) -> usize {
        let from = from.min(self.bytes.len());
        memchr::memmem::find(&self.bytes[from..], what)
            .map_or(self.bytes.len(), |found| from + found + what.len())
    }

    /// Ends a token that reaches to a position.
    fn push(&mut self, kind: Kind, end: usize) {
        let end = end.min(self.bytes.len()).max(self.at + 1);
        self.tokens.push(Token { kind, start: self.at as u32, end: end as u32 });
        self.at = end;
    }

    fn step(&mut self) {
        let byte = self.bytes[self.at];
        match (byte, self.peek(1)) {
            (b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x0b | 0x0c, _) => self.at += 1,
            // In MySQL only where a blank follows (its manual, "'--' as the Start of a Comment").
            (b'-', b'-') if self.dialect != Dialect::MySql || self.peek(2) <= b' ' => {
                self.at = self.find(self.at, b"\n");
            }
            (b'#', b'{') => self.braces(1),
            (b'#', _) if self.dialect == Dialect::MySql => self.at = self.find(self.at, b"\n"),
            (b'/', b'*') if self.dialect == Dialect::MySql => {
                let rest = &self.bytes[self.at..];
                self.at += match spelling::executable(rest) {
                    Some((mark, true)) => mark,
                    Some((_, false)) => spelling::passed(rest),
                    None => return self.comment(),
                };
            }
            (b'*', b'/') if self.dialect == Dialect::MySql => self.at += 2,
            (b'/', b'*') => self.comment(),
            (b'\'', _) => self.string(self.at, b'\'', false),
            (b'"', _) if self.dialect.double_quotes_are_strings() => self.string(self.at, b'"', false),
            (b'"' | b'`', _) => self.quoted(byte),
            (b'[', _) if self.dialect.brackets_are_quotes() => self.quoted(b']'),
            (b'$', b'{') | (b'%', b'{') => self.braces(1),
            (b'{', b'%') => self.at = self.find(self.at, b"%}"),
            (b'{', _) => self.braces(0),
            // `$$PLSQL_UNIT` asks the compiler (PL/SQL reference, "Conditional Compilation"); no string begins there.
            (b'$', _) if self.dialect == Dialect::Oracle => self.word(),
            (b'$', _) => self.dollar(),
            (b'0'..=b'9', _) => self.number(),
            (b'.', b'0'..=b'9') if !self.after_name() => self.number(),
            (b'?', _) => self.push(Kind::Param, self.at + 1),
            (b'%', b's') if !is_word(self.peek(2)) => self.push(Kind::Param, self.at + 2),
            (b'%', b'(') => self.percent(),
            (b':', next)
                if next.is_ascii_alphabetic() && (self.at == 0 || self.bytes[self.at - 1] != b':') =>
            {
                self.variable(1);
            }
            (b'@', next) if is_word(next) || next == b'@' => self.variable(1),
            (b'#', _) if self.names_have_signs() => self.word(),
            _ if is_word(byte) => self.word(),
            _ => self.push(Kind::Sign, self.at + 1),
        }
    }

    fn names_have_signs(&self) -> bool {
        matches!(self.dialect, Dialect::MsSql | Dialect::Oracle | Dialect::Generic)
    }

    fn after_name(&self) -> bool {
        self.tokens.last().is_some_and(|last| {
            last.end as usize == self.at && matches!(last.kind, Kind::Word | Kind::Quoted | Kind::Param)
        })
    }

    /// Comments nest in PostgreSQL and SQL Server only.
    fn comment(&mut self) {
        if !matches!(self.dialect, Dialect::Postgres | Dialect::MsSql) {
            self.at = self.find(self.at + 2, b"*/");
            return;
        }
        let mut depth = 0;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => {
                    (depth, self.at) = (depth - 1, self.at + 2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// A literal whose token begins at `start` and whose quote is next.
    fn string(&mut self, start: usize, quote: u8, escaped: bool) {
        let escapes = escaped || self.dialect.backslash_escapes();
        let mut at = self.at + 1;
        let three = [quote; 3];
        if self.dialect == Dialect::BigQuery && self.bytes[self.at..].starts_with(&three) {
            at = self.find(self.at + 3, &three);
        } else {
            while at < self.bytes.len() {
                let byte = self.bytes[at];
                if byte == b'\\' && escapes {
                    at += 2;
                } else if byte == quote {
                    at += 1;
                    if self.bytes.get(at) != Some(&quote) {
                        break;
                    }
                    at += 1;
                } else {
                    at += 1;
                }
            }
        }
        self.at = start;
        self.push(Kind::Text, at);
    }

    fn quoted(&mut self, close: u8) {
        let mut at = self.at + 1;
        loop {
            match memchr::memchr(close, &self.bytes[at.min(self.bytes.len())..]) {
                Some(found) if self.bytes.get(at + found + 1) == Some(&close) => at += found + 2,
                Some(found) => return self.push(Kind::Quoted, at + found + 1),
                None => return self.push(Kind::Quoted, self.bytes.len()),
            }
        }
    }

    fn braces(&mut self, before: usize) {
        let start = self.at + before;
        let window = &self.bytes[start..self.bytes.len().min(start + MAX_BRACES)];
        let close: &[u8] = if window.starts_with(b"{{") { b"}}" } else { b"}" };
        match memchr::memmem::find(window, close) {
            Some(end) => self.push(Kind::Param, start + end + close.len()),
            None => self.push(Kind::Sign, self.at + 1),
        }
    }

    /// `$1`, `$name` or a string between dollars.
    fn dollar(&mut self) {
        let rest = &self.bytes[self.at + 1..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let digits = rest.first().is_some_and(u8::is_ascii_digit);
        if rest.get(length) == Some(&b'$') && !digits {
            let tag = self.bytes[self.at..self.at + length + 2].to_vec();
            let end = self.find(self.at + tag.len(), &tag);
            self.push(Kind::Text, end);
        } else if length > 0 {
            self.push(Kind::Param, self.at + 1 + length);
        } else {
            self.push(Kind::Sign, self.at + 1);
        }
    }

    fn number(&mut self) {
        let mut at = self.at + 1;
        while let Some(&byte) = self.bytes.get(at) {
            let exponent = matches!(byte, b'+' | b'-') && matches!(self.bytes[at - 1], b'e' | b'E');
            let fraction = byte == b'.' && self.bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            if !(is_word(byte) || exponent || fraction) {
                break;
            }
            at += 1;
        }
        self.push(Kind::Number, at);
    }

    /// `%(name)s`.
    fn percent(&mut self) {
        let window = &self.bytes[self.at..self.bytes.len().min(self.at + MAX_BRACES)];
        match memchr::memchr(b')', window) {
            Some(end) if window.get(end + 1) == Some(&b's') => self.push(Kind::Param, self.at + end + 2),
            _ => self.push(Kind::Sign, self.at + 1),
        }
    }

    fn variable(&mut self, mut length: usize) {
        while is_word(self.peek(length)) || matches!(self.peek(length), b'@' | b'#') {
            length += 1;
        }
        self.push(Kind::Param, self.at + length);
    }

    /// A word; the letters right before a quote belong to the literal.
    fn word(&mut self) {
        let start = self.at;
        let signs = self.names_have_signs();
        // A table of another Oracle database: `emp@remote`.
        let links = self.dialect == Dialect::Oracle;
        let mut at = start + 1;
        while let Some(&byte) = self.bytes.get(at) {
            let sign = signs && byte == b'#'
                || links && byte == b'@' && self.bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
            if !(is_word(byte) || sign) {
                break;
            }
            at += 1;
        }
        let word = &self.bytes[start..at];
        let next = self.bytes.get(at).copied().unwrap_or(0);
        let doubled = next == b'"' && self.dialect.double_quotes_are_strings();
        if next == b'\'' || doubled {
            let lower = word.to_ascii_lowercase();
            match &lower[..] {
                b"q" | b"nq" if self.dialect == Dialect::Oracle => return self.oracle(at),
                b"e" | b"n" | b"x" | b"b" | b"r" | b"rb" | b"br" => {
                    self.at = at;
                    return self.string(start, next, lower == b"e");
                }
                _ => {}
            }
        }
        self.push(Kind::Word, at);
    }

    /// `q'[…]'`, with any delimiter (Oracle SQL language reference, text literals).
    fn oracle(&mut self, quote: usize) {
        let open = self.bytes.get(quote + 1).copied().unwrap_or(0);
        let close = match open {
            b'[' => b']',
            b'(' => b')',
            b'{' => b'}',
            b'<' => b'>',
            other => other,
        };
        let end = self.find(quote + 2, &[close, b'\'']);
        self.push(Kind::Text, end);
    }
}

impl Lexed<'_> {
    /// One part of a name at a position: an identifier, or what stands for one that only a run can tell.
    pub(super) fn part(&self, index: usize) -> Option<String> {
        match self.kind(index)? {
            Kind::Word => Some(self.dialect.fold_name(self.raw(index), false)),
            Kind::Quoted => Some(self.dialect.fold_name(&self.unquoted(index), true)),
            Kind::Param if self.raw(index).contains('{') => Some(fold::UNKNOWN_NAME.to_owned()),
            _ => None,
        }
    }

    /// One part of a name with what is glued to it: of `t_{}`, the beginning is known and that it goes on.
    fn whole_part(&self, index: usize) -> Option<(String, usize)> {
        let (mut part, mut at) = (self.part(index)?, index + 1);
        while self.adjacent(at) {
            let braces = |at: usize| self.kind(at) == Some(Kind::Param) && self.raw(at).contains('{');
            match self.kind(at) {
                Some(Kind::Param) if braces(at) => part.push_str(fold::UNKNOWN_NAME),
                Some(Kind::Word | Kind::Number) if braces(at - 1) => part.push_str(self.raw(at)),
                _ => break,
            }
            at += 1;
        }
        Some((part, at))
    }

    /// A name in parts and the position after it; `None` where there is none, or only a part of it is known.
    pub(super) fn name(&self, index: usize) -> Option<(Vec<String>, usize)> {
        // `U&"…"` spells a name in a way that nobody reads here.
        if self.is(index, "u") && self.is(index + 1, "&") && self.adjacent(index + 1) {
            return None;
        }
        // A name that a variable holds, where engines may be given one.
        let given = matches!(self.dialect, Dialect::Snowflake | Dialect::Databricks);
        if given && self.is(index, "identifier") && self.is(index + 1, "(") {
            return None;
        }
        let (first, mut at) = self.whole_part(index)?;
        if first == fold::UNKNOWN_NAME && !self.is(at, ".") {
            return None;
        }
        let mut parts = vec![first];
        if self.dialect == Dialect::BigQuery && self.kind(index) == Some(Kind::Word) {
            // Names of projects have hyphens, and need no quotes where a table is expected.
            while self.is(at, "-") && self.adjacent(at) && self.adjacent(at + 1) {
                let more = matches!(self.kind(at + 1)?, Kind::Word | Kind::Number);
                parts[0] = more.then(|| format!("{}-{}", parts[0], self.raw(at + 1).to_lowercase()))?;
                at += 2;
            }
        }
        while self.is(at, ".") {
            // `db..t`: the schema is left out.
            if self.dialect == Dialect::MsSql && self.is(at + 1, ".") && self.adjacent(at + 1) {
                parts.push(String::new());
                at += 1;
                continue;
            }
            let (part, next) = self.whole_part(at + 1)?;
            // `s.U&"…"` as above.
            if self.is(at + 1, "u") && self.is(next, "&") && self.adjacent(next) {
                return None;
            }
            parts.push(part);
            at = next;
        }
        if self.dialect == Dialect::BigQuery
            && self.is(at, "*")
            && self.adjacent(at)
            && let Some(last) = parts.last_mut()
        {
            // All tables whose names begin so.
            last.push('*');
            at += 1;
        }
        // `t_%s`: only the beginning of the name is known, and no sign shows it.
        let glued = |at: usize| self.kind(at) == Some(Kind::Param) && self.adjacent(at);
        if glued(at) || (index > 0 && self.kind(index - 1) == Some(Kind::Param) && self.adjacent(index)) {
            return None;
        }
        let parts = self.dialect.split_name(parts);
        // Only what stands between others may be left out.
        let ends = parts.first().into_iter().chain(parts.last());
        ends.into_iter().all(|part| !part.is_empty()).then_some((parts, at))
    }

    /// The position after what is in parentheses, should they open here; as far as is looked ahead.
    pub(super) fn after_list(&self, index: usize) -> usize {
        if !self.is(index, "(") {
            return index;
        }
        let (mut depth, end) = (0, self.ahead(index, LOOKAHEAD));
        for at in index..end {
            if self.is(at, "(") {
                depth += 1;
            } else if self.is(at, ")") {
                depth -= 1;
                if depth == 0 {
                    self.looked(at - index);
                    return at + 1;
                }
            }
        }
        self.looked(end - index);
        end
    }

    /// How far may be looked ahead of a position.
    pub(super) fn ahead(&self, index: usize, most: usize) -> usize {
        let index = index.min(self.tokens.len());
        self.tokens.len().min(index.saturating_add(most.min(self.looks.get())))
    }

    /// So many tokens were looked at.
    pub(super) fn looked(&self, steps: usize) {
        self.looks.set(self.looks.get().saturating_sub(steps));
    }

    /// The first position from here on that holds none of these words.
    pub(super) fn skip(&self, mut index: usize, words: &[&str]) -> usize {
        while words.iter().any(|word| self.is(index, word)) {
            index += 1;
        }
        index
    }

    /// The first of these words from here to the end of the statement, as far as is looked ahead.
    pub(super) fn find(&self, index: usize, words: &[&str]) -> Option<usize> {
        let end = self.ahead(index, LOOKAHEAD);
        let stops = |at: &usize| self.is(*at, ";") || words.iter().any(|word| self.is(*at, word));
        let found = (index..end).find(stops);
        self.looked(found.unwrap_or(end).saturating_sub(index));
        found.filter(|at| !self.is(*at, ";") || words.contains(&";"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, KEYS, lex};

    #[test]
    fn keys_are_found_by_halves() {
        assert!(KEYS.is_sorted());
    }

    #[test]
    fn literals_give_what_they_hold() {
        for (dialect, text, want) in [
            (Dialect::Postgres, "'it''s'", "it's"),
            (Dialect::Postgres, "E'it\\'s'", "it's"),
            (Dialect::Postgres, "$a$ it's $a$", " it's "),
            (Dialect::Postgres, "'cut o", "cut o"),
            (Dialect::MsSql, "N'x'", "x"),
            (Dialect::MySql, "\"it's\"", "it's"),
            (Dialect::Oracle, "q'[it's]'", "it's"),
        ] {
            assert_eq!(lex(text, dialect).content(0).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn what_asks_oracles_compiler_begins_no_string() {
        let lexed = lex("a := $$PLSQL_UNIT||'x'; b($$PLSQL_LINE);", Dialect::Oracle);
        let words: Vec<&str> = (0..lexed.tokens.len()).map(|at| lexed.raw(at)).collect();
        assert_eq!(
            words,
            ["a", ":", "=", "$$PLSQL_UNIT", "|", "|", "'x'", ";", "b", "(", "$$PLSQL_LINE", ")", ";"]
        );
    }

    #[test]
    fn of_a_name_that_is_known_in_part_it_is_said_where_it_goes_on() {
        let name = |text: &str| lex(text, Dialect::Postgres).name(0).map(|(name, _)| name.join("|"));
        assert_eq!(name("a.\"B c\" x").as_deref(), Some("a|B c"));
        assert_eq!(name("{s}.t_{}_x y").as_deref(), Some("zz_unknown_zz|t_zz_unknown_zz_x"));
        for text in ["{}", "t_%s", "a.", "a.*", "U&\"x\"", "a.U&\"x\"", "'a'", "?"] {
            assert_eq!(name(text), None, "{text}");
        }
    }
}
