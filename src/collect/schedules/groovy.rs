//! Groovy as far as pipelines need it: words, texts, signs, each with its line. Comments are left out, and nothing is
//! evaluated: what stands in `${…}` of a text stays as written.

/// How many tokens of a file are read.
const MAX_TOKENS: usize = 200_000;

/// A piece of Groovy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name.
    Word(String),
    /// A text, its escapes undone.
    Text(String),
    /// Any other sign.
    Sign(char),
}

impl Token {
    /// Whether it is this name.
    pub fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(own) if own == word)
    }
}

/// A piece and the line its content begins on, counted from 1.
pub(super) type Lined = (Token, u64);

/// All pieces of a text.
pub(super) fn tokens(text: &str) -> Vec<Lined> {
    let mut reader = Reader { rest: text, line: 1, tokens: Vec::new() };
    while reader.tokens.len() < MAX_TOKENS && reader.step() {}
    reader.tokens
}

struct Reader<'a> {
    rest: &'a str,
    line: u64,
    tokens: Vec<Lined>,
}

impl Reader<'_> {
    fn take(&mut self, bytes: usize) {
        self.line += self.rest[..bytes].matches('\n').count() as u64;
        self.rest = &self.rest[bytes..];
    }

    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        let end_of = |text: &str, end: &str| text.find(end).map_or(text.len(), |at| at + end.len());
        if self.rest.starts_with("//") || self.rest.starts_with("#!") {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.take(end_of(self.rest, "*/"));
        } else if let Some(quote) =
            ["'''", "\"\"\"", "'", "\""].into_iter().find(|it| self.rest.starts_with(it))
        {
            self.text(quote);
        } else if first.is_alphabetic() || first == '_' || first == '$' {
            let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
            let end = end.unwrap_or(self.rest.len());
            self.tokens.push((Token::Word(self.rest[..end].to_owned()), self.line));
            self.take(end);
        } else {
            if !first.is_whitespace() || first == '\n' {
                self.tokens.push((Token::Sign(first), self.line));
            }
            self.take(first.len_utf8());
        }
        true
    }

    /// A text up to its closing quote; one of a single quote ends with its line.
    fn text(&mut self, quote: &str) {
        self.take(quote.len());
        let line = self.line;
        let (mut value, mut at) = (String::new(), 0);
        let mut chars = self.rest.char_indices();
        while let Some((index, c)) = chars.next() {
            at = index;
            if self.rest[index..].starts_with(quote) || (quote.len() == 1 && c == '\n') {
                break;
            }
            at = index + c.len_utf8();
            if c != '\\' {
                value.push(c);
                continue;
            }
            match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                // A line that goes on in the next.
                Some((_, '\n')) => {}
                Some((_, other)) => value.push(other),
                None => break,
            }
            at = chars.clone().next().map_or(self.rest.len(), |(index, _)| index);
        }
        self.tokens.push((Token::Text(value), line));
        self.take(at);
        if self.rest.starts_with(quote) {
            self.take(quote.len());
        }
    }
}

/// The pieces between the opening sign at `at` and its closing one.
pub(super) fn block(tokens: &[Lined], at: usize, open: char, close: char) -> Option<&[Lined]> {
    if tokens.get(at)?.0 != Token::Sign(open) {
        return None;
    }
    let mut depth = 0usize;
    for (index, (token, _)) in tokens.iter().enumerate().skip(at) {
        match token {
            Token::Sign(sign) if *sign == open => depth += 1,
            Token::Sign(sign) if *sign == close => {
                depth -= 1;
                if depth == 0 {
                    return Some(&tokens[at + 1..index]);
                }
            }
            _ => {}
        }
    }
    None
}
