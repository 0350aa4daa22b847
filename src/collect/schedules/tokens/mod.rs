//! The words of Puppet's, Ruby's, HCL's, PHP's and C#'s text: names, strings, here-documents, signs, ends of lines.
//! Comments are no words. It understands strings that hold code and code that holds strings, and nothing of what they mean; a string
//! that never ends is told.

mod csharp;
mod heredoc;
mod php;
mod strings;

use heredoc::Waiting;

/// How many words one text may have.
const MAX_TOKENS: usize = 1_000_000;
/// How deep strings and the code in them may lie in each other.
const MAX_DEPTH: usize = 32;

/// Whose text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// Puppet's manifests (its language reference, "Lexical structure").
    Puppet,
    /// Ruby, as Chef's recipes use it.
    Ruby,
    /// HashiCorp's configuration language (hclsyntax, "Lexical Elements").
    Hcl,
    /// PHP (its manual, "Basic syntax" and "Strings").
    Php,
    /// C# (its language specification, "Lexical structure").
    CSharp,
}

impl Language {
    /// Whether the end of a line may end a statement.
    fn knows_lines(self) -> bool {
        matches!(self, Language::Ruby | Language::Hcl)
    }
}

/// What kind of word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a variable with its sign, a number.
    Word,
    /// A string; its text is what it stands for, with `${…}` or `#{…}` where code fills it in.
    Text,
    /// A sign of one or two characters.
    Sign,
    /// The end of a line, where the language knows lines.
    Newline,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// What kind.
    pub kind: Kind,
    /// As the kind says.
    pub text: String,
    /// Its line, counted from 1; of a here-document that on which it begins.
    pub line: u64,
    /// The first line of a string's text: behind its quote, or below the line that names its here-document.
    pub text_line: u64,
    /// Where it stands in the text, in bytes.
    pub span: (usize, usize),
}

impl Token {
    /// Whether it is this sign.
    pub fn is(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    /// Whether it is this word.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }
}

/// The words of a text, and the line of what never ended.
pub(super) struct Tokens {
    /// The words.
    pub tokens: Vec<Token>,
    /// The line on which a string or a comment begins that the text does not end, or at which a limit was reached.
    pub broken: Option<(u64, &'static str)>,
}

/// Splits a text.
pub(super) fn read(text: &str, language: Language) -> Tokens {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        language,
        at: 0,
        line: 1,
        out: Vec::new(),
        waiting: Vec::new(),
    };
    if language == Language::Php {
        reader.skip_to_code();
    }
    let broken = reader.run().err();
    Tokens { tokens: reader.out, broken }
}

type Told = Result<(), (u64, &'static str)>;

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    language: Language,
    at: usize,
    line: u64,
    out: Vec<Token>,
    /// Here-documents whose text begins on the next line.
    waiting: Vec<Waiting>,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
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

    fn run(&mut self) -> Told {
        while self.at < self.bytes.len() {
            if self.out.len() >= MAX_TOKENS {
                return Err((self.line, "more words than MAX_TOKENS"));
            }
            self.next()?;
        }
        match self.waiting.first() {
            Some(waiting) => Err((waiting.line, "a here-document without its text")),
            None => Ok(()),
        }
    }

    fn next(&mut self) -> Told {
        let start = (self.at, self.line);
        let own = match self.language {
            Language::Php => self.php(),
            Language::CSharp => self.csharp(),
            _ => None,
        };
        if let Some(told) = own {
            return told;
        }
        match self.peek(0) {
            b'\n' => {
                self.go(self.at + 1);
                if self.language.knows_lines() {
                    self.push(Kind::Newline, String::new(), start);
                }
                return self.heredocs();
            }
            byte if byte.is_ascii_whitespace() => self.at += 1,
            b'\\' if self.peek(1) == b'\n' => self.go(self.at + 2),
            b'#' => self.skip_line(),
            b'/' if self.peek(1) == b'*' && self.language != Language::Ruby => {
                let end = self.text[self.at + 2..].find("*/");
                let end = end.ok_or((self.line, "a comment that does not end"))?;
                self.go(self.at + 2 + end + 2);
            }
            b'/' if self.peek(1) == b'/' && self.has_slashed_comments() => self.skip_line(),
            b'=' if self.language == Language::Ruby
                && self.begins_line()
                && self.rest().starts_with("=begin") =>
            {
                let end = self.rest().find("\n=end").ok_or((self.line, "a comment that does not end"))?;
                self.go(self.at + end + "\n=end".len());
                self.skip_line();
            }
            b'"' | b'\'' | b'`' => return self.string(),
            b'%' if self.language == Language::Ruby && self.percent_literal() => return Ok(()),
            b'/' if !self.has_slashed_comments() && self.may_begin_regex() && self.skip_regex() => {}
            b'@' if self.language == Language::Puppet && self.peek(1) == b'(' => {
                return self.puppet_heredoc();
            }
            b'<' if self.peek(1) == b'<' && self.named_heredoc() => {}
            byte if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 => self.word(),
            b'$' | b'@' if self.language != Language::Hcl && self.names_variable() => self.word(),
            b':' if self.language == Language::Puppet && self.rest().starts_with("::") => self.word(),
            b':' if self.language == Language::Ruby && self.symbol() => {}
            b'?' if self.language == Language::Ruby && self.character() => {}
            _ => self.sign(),
        }
        Ok(())
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn has_slashed_comments(&self) -> bool {
        matches!(self.language, Language::Hcl | Language::Php | Language::CSharp)
    }

    fn begins_line(&self) -> bool {
        self.at == 0 || self.bytes[self.at - 1] == b'\n'
    }

    fn skip_line(&mut self) {
        let length = self.bytes[self.at..].iter().position(|byte| *byte == b'\n');
        self.at = length.map_or(self.bytes.len(), |length| self.at + length);
    }

    /// `$x`, `@x`, `@@x`, `$::x`.
    fn names_variable(&self) -> bool {
        let name = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':';
        name(self.peek(1)) || (self.peek(0) == b'@' && self.peek(1) == b'@' && name(self.peek(2)))
    }

    fn word(&mut self) {
        let start = (self.at, self.line);
        let digits = self.peek(0).is_ascii_digit();
        while matches!(self.peek(0), b'$' | b'@') {
            self.at += 1;
        }
        loop {
            let byte = self.peek(0);
            let part = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
            let scope = byte == b':' && self.peek(1) == b':' && self.language != Language::Hcl;
            let point = byte == b'.' && digits && self.peek(1).is_ascii_digit();
            let dash = byte == b'-' && self.language == Language::Hcl && self.peek(1).is_ascii_alphabetic();
            let space = byte == b'\\' && self.language == Language::Php && !digits;
            match (part || point || dash || space, scope) {
                (true, _) => self.at += 1,
                (_, true) => self.at += 2,
                _ => break,
            }
        }
        let ends = self.language == Language::Ruby && matches!(self.peek(0), b'?' | b'!') && !digits;
        if ends && self.peek(1) != b'=' && self.peek(1) != b'"' {
            self.at += 1;
        }
        self.push(Kind::Word, self.text[start.0..self.at].to_owned(), start);
    }

    /// `:name` and `:"name"` of Ruby: a string for us.
    fn symbol(&mut self) -> bool {
        let start = (self.at, self.line);
        if self.peek(1) == b':' {
            self.at += 2;
            self.push(Kind::Sign, "::".to_owned(), start);
            return true;
        }
        if !self.peek(1).is_ascii_alphabetic() && self.peek(1) != b'_' {
            return false;
        }
        self.at += 1;
        while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' {
            self.at += 1;
        }
        self.push(Kind::Text, self.text[start.0 + 1..self.at].to_owned(), start);
        true
    }

    /// `?x` of Ruby, where a value may stand.
    fn character(&mut self) -> bool {
        let alone = !self.peek(2).is_ascii_alphanumeric() && self.peek(1).is_ascii_alphanumeric();
        if !alone || !self.may_begin_value() {
            return false;
        }
        let start = (self.at, self.line);
        self.at += 2;
        self.push(Kind::Text, self.text[start.0 + 1..self.at].to_owned(), start);
        true
    }

    /// Whether a value may begin here, rather than go on: after nothing, a sign or a keyword.
    fn may_begin_value(&self) -> bool {
        match self.out.last() {
            None => true,
            Some(last) => match last.kind {
                Kind::Newline => true,
                Kind::Sign => !matches!(last.text.as_str(), ")" | "]" | "}"),
                Kind::Word => {
                    ["if", "unless", "when", "and", "or", "not", "return", "elsif", "while", "node", "in"]
                        .contains(&last.text.as_str())
                }
                Kind::Text => false,
            },
        }
    }

    fn may_begin_regex(&self) -> bool {
        let puppet_block =
            self.out.last().is_some_and(|last| last.is("}") && self.language == Language::Puppet);
        self.may_begin_value() || puppet_block
    }

    /// A regular expression on one line; its text says nothing to us.
    fn skip_regex(&mut self) -> bool {
        let rest = self.rest().as_bytes();
        let (mut at, mut set) = (1, false);
        while let Some(byte) = rest.get(at) {
            match byte {
                b'\n' => return false,
                b'\\' => at += 1,
                b'[' => set = true,
                b']' => set = false,
                b'/' if !set => {
                    let start = (self.at, self.line);
                    self.at += at + 1;
                    self.push(Kind::Sign, "//".to_owned(), start);
                    return true;
                }
                _ => {}
            }
            at += 1;
        }
        false
    }

    fn sign(&mut self) {
        let start = (self.at, self.line);
        let two = self.rest().get(..2).unwrap_or("");
        let known = [
            "=>", "->", "~>", "<-", "==", "!=", "=~", "!~", "||", "&&", "+>", "<=", ">=", "<<", ">>", "<|",
            "|>",
        ];
        let length =
            if known.contains(&two) { 2 } else { self.rest().chars().next().map_or(1, char::len_utf8) };
        self.at += length;
        self.push(Kind::Sign, self.text[start.0..self.at].to_owned(), start);
    }
}

#[cfg(test)]
mod tests;
