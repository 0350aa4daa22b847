//! Folding and fingerprints at memory speed: literals and placeholders become `?` but for `LIMIT 1` and `LIMIT 0`,
//! lists of them become one, comments go, unquoted words are lower-case. A statement written in source and the same statement seen in
//! a log fold alike. It never parses.

use super::{Dialect, spelling};

/// How much of a folded text is kept as the sample.
pub const FOLDED_BYTES: usize = 2_000;

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

struct Folder<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<u8>,
    dialect: Dialect,
    /// How many comments that are run, and joins of ODBC, are open.
    run: usize,
    joins: usize,
    /// Whether a literal stays, by what stands before and behind it; none stays without.
    keeps: Option<Keeps>,
}

/// Whether a literal stays as it is, by the folded text before it and the text behind it.
pub(super) type Keeps = fn(&[u8], &[u8]) -> bool;

/// Names that mean something else where they stand bare in FROM.
const SPELLED_LIKE_WORDS: [&[u8]; 4] = [b"only", b"lateral", b"unnest", b"dual"];

/// Longer literals never stay.
const KEPT_BYTES: usize = 100;

/// The whole folded text.
pub(super) fn fold_all(sql: &str, dialect: Dialect) -> String {
    fold_but(sql, dialect, None)
}

/// The whole folded text, in which some literals stay.
pub(super) fn fold_but(sql: &str, dialect: Dialect, keeps: Option<Keeps>) -> String {
    let out = Vec::with_capacity(sql.len().min(4096));
    let mut folder = Folder { text: sql.as_bytes(), at: 0, out, dialect, run: 0, joins: 0, keeps };
    folder.run();
    while matches!(folder.out.last(), Some(b';' | b' ')) {
        folder.out.pop();
    }
    // Only whole words, quoted names and ASCII are ever copied, so the bytes stay UTF-8.
    String::from_utf8(folder.out)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// What stands for a name that only a run can tell, in text that is parsed.
pub(super) const UNKNOWN_NAME: &str = "zz_unknown_zz";

/// The text with `%s`, `%(name)s` and `:name` replaced by a parameter, and `{}` and `{name}` by an unknown
/// name; `None` where it has none of them. A list bound as one parameter gets its parentheses.
pub(super) fn neutral(sql: &str) -> Option<String> {
    let bytes = sql.as_bytes();
    let (mut out, mut at, mut kept, mut found) = (String::with_capacity(sql.len()), 0, 0, false);
    let mut quoted = false;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let run = |from: usize| {
            rest[from..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
        };
        quoted ^= rest[0] == b'\'';
        let length = match rest {
            [b'%', b's', ..] if run(1) == 1 => 2,
            [b'%', b'(', ..] => memchr::memchr(b')', rest)
                .filter(|end| rest.get(end + 1) == Some(&b's'))
                .map_or(0, |end| end + 2),
            [b':', next, ..] if next.is_ascii_alphabetic() && (at == 0 || bytes[at - 1] != b':') => {
                1 + run(1)
            }
            [b'{', ..] if !quoted => match rest.get(1 + run(1)) {
                Some(b'}') => run(1) + 2,
                _ => 0,
            },
            _ => 0,
        };
        if length > 0 {
            out.push_str(sql.get(kept..at)?);
            let before = out.trim_end().to_ascii_lowercase();
            let list = before.ends_with("values") || before.ends_with(" in") || before.ends_with("\nin");
            out.push_str(match (rest[0], list) {
                (b'{', _) => UNKNOWN_NAME,
                (_, true) => "($1)",
                (_, false) => "$1",
            });
            found = true;
            at += length;
            kept = at;
        } else {
            at += 1;
        }
    }
    out.push_str(sql.get(kept..)?);
    found.then_some(out)
}

/// The folded text, cut at [`FOLDED_BYTES`].
pub fn fold(sql: &str, dialect: Dialect) -> String {
    let mut text = fold_all(sql, dialect);
    cut(&mut text);
    text
}

pub(super) fn cut(text: &mut String) {
    if text.len() > FOLDED_BYTES {
        let mut end = FOLDED_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
}

/// The hash of a whole folded text; never 0 or the largest number, which mean "none" and "other".
pub(super) fn hash(folded: &str) -> u64 {
    let mut first = [0u8; 8];
    first.copy_from_slice(&blake3::hash(folded.as_bytes()).as_bytes()[..8]);
    u64::from_be_bytes(first).clamp(1, u64::MAX - 1)
}

/// The fingerprint of a statement.
pub fn fingerprint(sql: &str, dialect: Dialect) -> u64 {
    hash(&fold_all(sql, dialect))
}

impl Folder<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn run(&mut self) {
        while self.at < self.text.len() {
            let byte = self.text[self.at];
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x0b | 0x0c => self.at += 1,
                b'-' if self.peek(1) == b'-' && self.opens_comment() => self.skip_line(),
                b'#' if self.dialect == Dialect::MySql => self.skip_line(),
                b'/' | b'*' | b'{' | b'}' if self.dialect == Dialect::MySql && self.passes() => {}
                b'/' if self.peek(1) == b'*' => self.skip_comment(),
                b'\'' => self.string(b'\''),
                b'"' if self.dialect.double_quotes_are_strings() => self.string(b'"'),
                b'"' | b'`' => self.quoted(byte),
                b'[' if self.dialect == Dialect::MsSql => self.quoted(b']'),
                b'$' if !self.dollar() => self.word(),
                b'$' => {}
                b'0'..=b'9' => self.number(),
                b'.' if self.peek(1).is_ascii_digit() && !self.after_name() => self.number(),
                b'?' => {
                    self.at += 1;
                    self.literal();
                }
                b'@' if self.peek(1) == b'@' && self.dialect == Dialect::MySql => self.system_variable(),
                b'%' | b':' | b'@' | b'{' if self.placeholder(byte) => {}
                byte if is_word(byte) => self.word(),
                _ => self.punctuation(byte),
            }
        }
    }

    fn after_name(&self) -> bool {
        self.out.last().is_some_and(|last| is_word(*last) || matches!(last, b'"' | b'`' | b']'))
    }

    /// `--` opens a comment; in MySQL only where a blank follows (its manual, "'--' as the Start of a Comment").
    fn opens_comment(&self) -> bool {
        self.dialect != Dialect::MySql || self.peek(2) <= b' '
    }

    fn skip_line(&mut self) {
        let rest = &self.text[self.at..];
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    /// Passes over what MySQL reads as if it were not there: the marks of comments that it runs and of ODBC's joins, and
    /// comments that no server runs.
    fn passes(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let (open, length) = match (rest[0], rest.get(1)) {
            (b'/', Some(b'*')) => match spelling::executable(rest) {
                Some((mark, true)) => (&mut self.run, mark),
                Some((_, false)) => {
                    self.at += spelling::passed(rest);
                    return true;
                }
                None => return false,
            },
            (b'{', _) => match spelling::outer_join(rest) {
                Some(mark) => (&mut self.joins, mark),
                None => return false,
            },
            (b'*', Some(b'/')) if self.run > 0 => {
                (self.run, self.at) = (self.run - 1, self.at + 2);
                return true;
            }
            (b'}', _) if self.joins > 0 => {
                (self.joins, self.at) = (self.joins - 1, self.at + 1);
                return true;
            }
            _ => return false,
        };
        *open += 1;
        self.at += length;
        true
    }

    /// Comments nest in PostgreSQL and not in MySQL; for others, the difference only shows in broken text.
    fn skip_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.text.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') if depth == 0 || self.dialect != Dialect::MySql => {
                    (depth, self.at) = (depth + 1, self.at + 2)
                }
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

    /// A string; a prefix such as E, N or X was written as a word just before and is taken back.
    fn string(&mut self, quote: u8) {
        let prefixed = self.at > 0 && self.text[self.at - 1].is_ascii_alphabetic();
        // The E of `LIKE'…'` belongs to the word and makes no escapes.
        let lone = self.at < 2 || !is_word(self.text[self.at - 2]);
        let escapes = self.dialect.backslash_escapes()
            || (prefixed && lone && matches!(self.text[self.at - 1], b'e' | b'E'));
        if prefixed && matches!(self.out.last(), Some(b'e' | b'n' | b'x' | b'b')) {
            let lone = self.out.len() < 2 || !is_word(self.out[self.out.len() - 2]);
            if lone {
                self.out.pop();
            }
        }
        let start = self.at;
        self.at += 1;
        while self.at < self.text.len() {
            let byte = self.text[self.at];
            if byte == b'\\' && escapes {
                self.at += 2;
            } else if byte == quote && !escapes && self.text[self.at - 1] == b'\\' && is_word(self.peek(1)) {
                // `'it\'s'` of another engine, or of a server with the old setting: no literal of the standard
                // is followed by a word without a blank.
                self.at += 1;
            } else if byte == quote {
                self.at += 1;
                if self.peek(0) != quote {
                    break;
                }
                self.at += 1;
            } else {
                self.at += 1;
            }
        }
        self.at = self.at.min(self.text.len());
        if !self.kept(start) {
            self.literal();
        }
    }

    /// Takes a literal over as it is, where it is to stay.
    fn kept(&mut self, start: usize) -> bool {
        let Some(keeps) = self.keeps else { return false };
        let literal = &self.text[start..self.at];
        let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'\\' | b'?' | b'"' | b'\'');
        // Strings stand in the quotes that all dialects take.
        let (inner, quote) = match literal {
            [b'\'' | b'"', inner @ .., b'\'' | b'"'] => (inner, &b"'"[..]),
            _ => (literal, &b""[..]),
        };
        let stays = literal.len() <= KEPT_BYTES && inner.iter().all(plain);
        if !stays || !keeps(&self.out, &self.text[self.at..]) {
            return false;
        }
        self.space_before_word();
        for part in [quote, inner, quote] {
            self.out.extend_from_slice(part);
        }
        true
    }

    /// A quoted name: bare where quoting changes nothing, else kept with double quotes.
    fn quoted(&mut self, close: u8) {
        let start = self.at + 1;
        let mut end = start;
        // A quote that stands twice is part of the name.
        let doubled = loop {
            end += memchr::memchr(close, &self.text[end..]).unwrap_or(self.text.len() - end);
            if self.text.get(end + 1) != Some(&close) {
                break self.text[start..end].contains(&close);
            }
            end += 2;
        };
        let name = &self.text[start..end];
        self.at = (end + 1).min(self.text.len());
        if doubled || close != b'"' && name.contains(&b'"') {
            return self.odd(close, start, end);
        }
        let plain = !SPELLED_LIKE_WORDS.contains(&name)
            && !name.is_empty()
            && !name[0].is_ascii_digit()
            && name.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_');
        self.space_before_word();
        if plain {
            self.out.extend_from_slice(name);
        } else {
            self.out.push(b'"');
            self.out.extend_from_slice(name);
            self.out.push(b'"');
        }
    }

    /// A name that holds quotes: kept in double quotes, where those of its own stand twice.
    fn odd(&mut self, close: u8, start: usize, end: usize) {
        self.space_before_word();
        self.out.push(b'"');
        let mut at = start;
        while at < end {
            let byte = self.text[at];
            if byte == b'"' {
                self.out.push(b'"');
            }
            self.out.push(byte);
            at += if byte == close { 2 } else { 1 };
        }
        self.out.push(b'"');
    }

    /// `$1`, or a dollar-quoted string; false where the sign belongs to a word.
    fn dollar(&mut self) -> bool {
        if self.peek(1).is_ascii_digit() {
            self.at += 1;
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
            self.literal();
            return true;
        }
        let rest = &self.text[self.at + 1..];
        let length = rest.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_').unwrap_or(rest.len());
        if rest.get(length) != Some(&b'$') {
            return false;
        }
        let tag = &self.text[self.at..self.at + length + 2];
        let body = &self.text[self.at + tag.len()..];
        let end = memchr::memmem::find(body, tag).map_or(body.len(), |end| end + tag.len());
        self.at += tag.len() + end;
        self.literal();
        true
    }

    fn number(&mut self) {
        let start = self.at;
        while is_word(self.peek(0))
            || (self.peek(0) == b'.' && self.peek(1).is_ascii_digit())
            || (matches!(self.peek(0), b'+' | b'-')
                && matches!(self.text[self.at - 1], b'e' | b'E')
                && self.peek(1).is_ascii_digit())
        {
            self.at += 1;
            if self.at >= self.text.len() {
                break;
            }
        }
        // One row, or none, is another question than some rows.
        let (number, limits) =
            (&self.text[start..self.at], [&b" limit"[..], b" fetch first", b" fetch next"]);
        if matches!(number, b"0" | b"1") && limits.iter().any(|limit| self.out.ends_with(limit)) {
            self.space_before_word();
            self.out.extend_from_slice(number);
            return;
        }
        if !self.kept(start) {
            self.literal();
        }
    }

    /// `%s`, `%(name)s`, `:name`, `@name`, `{}` and `{name}`.
    fn placeholder(&mut self, byte: u8) -> bool {
        let rest = &self.text[self.at..];
        let run = |from: usize| from + rest[from..].iter().take_while(|b| is_word(**b)).count();
        let length = match byte {
            b'%' if rest.get(1) == Some(&b's') && !rest.get(2).is_some_and(|b| is_word(*b)) => 2,
            b'%' if rest.get(1) == Some(&b'(') => match memchr::memchr(b')', rest) {
                Some(end) if rest.get(end + 1) == Some(&b's') => end + 2,
                _ => return false,
            },
            b':' if rest.get(1).is_some_and(|b| is_word(*b))
                && self.at > 0
                && self.text[self.at - 1] != b':' =>
            {
                run(1)
            }
            b'@' if rest.get(1).is_some_and(|b| is_word(*b)) && !self.after_name() => run(1),
            b'{' => match memchr::memchr(b'}', &rest[..rest.len().min(200)]) {
                Some(end) => end + 1,
                None => return false,
            },
            _ => return false,
        };
        self.at += length;
        self.literal();
        true
    }

    /// `@@name` of MySQL, which is no parameter.
    fn system_variable(&mut self) {
        self.space_before_word();
        self.out.extend_from_slice(b"@@");
        self.at += 2;
        while self.at < self.text.len() && is_word(self.text[self.at]) {
            self.out.push(self.text[self.at].to_ascii_lowercase());
            self.at += 1;
        }
    }

    fn word(&mut self) {
        self.space_before_word();
        while self.at < self.text.len() && is_word(self.text[self.at]) {
            self.out.push(self.text[self.at].to_ascii_lowercase());
            self.at += 1;
        }
    }

    fn space_before_word(&mut self) {
        if !matches!(self.out.last(), None | Some(b'(' | b'.' | b' ')) {
            self.out.push(b' ');
        }
    }

    /// Writes `?`: a list of them is one, a sign before it and a cast after it belong to it.
    fn literal(&mut self) {
        if let [.., before, b'-' | b'+'] = self.out[..]
            && matches!(before, b'(' | b',' | b'=' | b'<' | b'>')
        {
            self.out.pop();
        }
        if self.out.ends_with(b"?,") {
            self.out.pop();
        } else if !self.out.ends_with(b" ?") || self.out.ends_with(b", ?") {
            if !matches!(self.out.last(), None | Some(b'(' | b'.' | b' ' | b'=' | b'<' | b'>')) {
                self.out.push(b' ');
            }
            self.out.push(b'?');
        } else {
            // Adjacent literals: 'a' 'b' is one string in SQL.
        }
        self.skip_cast();
    }

    fn skip_cast(&mut self) {
        while self.peek(0) == b':' && self.peek(1) == b':' {
            let mut at = self.at + 2;
            while at < self.text.len()
                && (is_word(self.text[at]) || matches!(self.text[at], b'.' | b'[' | b']'))
            {
                at += 1;
            }
            self.at = at;
        }
    }

    fn punctuation(&mut self, byte: u8) {
        self.at += 1;
        if byte == b'*' && (self.out.ends_with(b"select") || self.out.ends_with(b"distinct")) {
            self.out.push(b' ');
        }
        if byte == b')' && self.out.ends_with(b" in(?") {
            // A list bound as one parameter (`IN %s`) and a written list are one shape.
            self.out.truncate(self.out.len() - 2);
            self.out.extend_from_slice(b" ?");
            return;
        }
        if byte == b'-' && self.out.last() == Some(&b'-') {
            // Two signs, and no comment.
            self.out.push(b' ');
        }
        self.out.push(byte);
        if byte == b')' && self.out.ends_with(b"(?),(?)") {
            self.out.truncate(self.out.len() - 4);
        }
    }
}
