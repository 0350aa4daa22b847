//! Batch text as a tree: commands with their redirections, blocks, `if` and `for` ("cmd", "if", "for" of the Windows
//! commands reference). Variables are not touched here, and an open bracket or quote never swallows more than its line
//! or its block.

use super::super::{MAX_DEPTH, UNKNOWN, boundary};

/// A redirection.
#[derive(Debug, Clone)]
pub(super) struct Redirect {
    pub descriptor: u8,
    pub input: bool,
    pub append: bool,
    pub target: String,
}

/// What `if` asks.
#[derive(Debug, Clone)]
pub(super) enum Asks {
    Exist(String),
    Defined(String),
    Other,
}

/// A part of a text.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Simple { text: String, redirects: Vec<Redirect>, line: u64 },
    Block { body: Vec<Node>, redirects: Vec<Redirect>, line: u64 },
    If { asks: Asks, then: Vec<Node>, other: Vec<Node>, line: u64 },
    For { kind: Option<char>, variable: char, list: String, body: Vec<Node>, line: u64 },
    Pipe(Vec<Node>),
    Label(String),
}

pub(super) struct Parser<'t> {
    rest: &'t str,
    line: u64,
    pinned: bool,
    /// Whether something nests deeper than is followed.
    pub deep: bool,
}

impl<'t> Parser<'t> {
    pub fn new(text: &'t str, line: u64, pinned: bool) -> Parser<'t> {
        Parser { rest: text, line, pinned, deep: false }
    }

    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(boundary(self.rest, bytes));
        self.rest = rest;
        if !self.pinned {
            self.line += memchr::memchr_iter(b'\n', taken.as_bytes()).count() as u64;
        }
        taken
    }

    fn skip(&mut self, signs: &[char]) {
        let bytes = self.rest.len() - self.rest.trim_start_matches(signs).len();
        self.take(bytes);
    }

    fn line_end(&mut self) -> &'t str {
        let bytes = self.rest.find('\n').unwrap_or(self.rest.len());
        self.take(bytes)
    }

    /// The word of letters that comes next, in lower case.
    fn keyword(&self) -> String {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let behind = self.rest[end..].chars().next();
        let ends = behind.is_none_or(|c| !c.is_ascii_alphanumeric() && !"_.:\\-".contains(c));
        if ends { self.rest[..end].to_ascii_lowercase() } else { String::new() }
    }

    /// All parts up to the end, or to the bracket that closes a block.
    pub fn parts(&mut self, depth: usize) -> Vec<Node> {
        let mut parts = Vec::new();
        loop {
            self.skip(&[' ', '\t', '\r', '\n', '&', '|']);
            match self.rest.chars().next() {
                None => return parts,
                Some(')') if depth > 0 => {
                    self.take(1);
                    return parts;
                }
                Some(')') => {
                    // Behind a bracket that closes nothing, cmd reads no more of the line.
                    self.line_end();
                }
                _ => parts.extend(self.pipeline(depth)),
            }
        }
    }

    fn pipeline(&mut self, depth: usize) -> Option<Node> {
        let mut stages: Vec<Node> = self.command(depth).into_iter().collect();
        loop {
            self.skip(&[' ', '\t']);
            if !self.rest.starts_with('|') || self.rest.starts_with("||") {
                break;
            }
            self.take(1);
            stages.extend(self.command(depth));
        }
        if stages.len() > 1 { Some(Node::Pipe(stages)) } else { stages.pop() }
    }

    fn command(&mut self, depth: usize) -> Option<Node> {
        self.skip(&[' ', '\t', '@', ',', ';', '=']);
        if let Some(label) = self.rest.strip_prefix(':') {
            let comment = label.starts_with(':');
            let text = self.line_end()[1..].trim();
            let name = text.split([' ', '\t', '&', '|', '<', '>', ':']).next().unwrap_or("");
            return (!comment && !name.is_empty()).then(|| Node::Label(name.to_ascii_lowercase()));
        }
        let line = self.line;
        // What a merge left behind is no command.
        if ["<<<<<<<", ">>>>>>>"].iter().any(|mark| self.rest.starts_with(mark)) {
            self.line_end();
            return None;
        }
        if depth > MAX_DEPTH {
            self.deep = true;
            self.line_end();
            return None;
        }
        if self.rest.starts_with('(') {
            self.take(1);
            let body = self.parts(depth + 1);
            let (_, redirects) = self.words(depth, true);
            return Some(Node::Block { body, redirects, line });
        }
        match self.keyword().as_str() {
            "rem" => {
                self.line_end();
                None
            }
            "if" => Some(self.asks(depth)),
            "for" => self.each(depth),
            _ => {
                let (text, redirects) = self.words(depth, false);
                let nothing = text.trim().is_empty() && redirects.is_empty();
                (!nothing).then_some(Node::Simple { text, redirects, line })
            }
        }
    }

    /// The text of a command up to its end, redirections taken out; `only`: redirections alone, behind a block.
    fn words(&mut self, depth: usize, only: bool) -> (String, Vec<Redirect>) {
        let (mut text, mut redirects, mut quoted) = (String::new(), Vec::new(), false);
        while let Some(sign) = self.rest.chars().next() {
            match sign {
                '\n' => break,
                '\r' if self.rest[1..].starts_with('\n') => break,
                '"' => quoted = !quoted,
                _ if quoted => {}
                '^' => {
                    self.take(1);
                    let next = self.rest.chars().next();
                    match next {
                        Some('\r' | '\n') => {
                            let bytes = if self.rest.starts_with("\r\n") { 2 } else { 1 };
                            self.take(bytes);
                        }
                        Some(next) => text.push_str(self.take(next.len_utf8())),
                        None => {}
                    }
                    continue;
                }
                '&' | '|' => break,
                ')' if depth > 0 => break,
                // `<server>` stands for what somebody fills in.
                '<' if self.placeholder() > 0 => {
                    self.take(self.placeholder());
                    text.push_str(UNKNOWN);
                    continue;
                }
                '>' | '<' => {
                    redirects.extend(self.redirect(&mut text, depth));
                    continue;
                }
                ' ' | '\t' => {}
                _ if only && !self.rest.get(1..).is_some_and(|rest| rest.starts_with(['>', '<'])) => break,
                _ => {}
            }
            text.push_str(self.take(sign.len_utf8()));
        }
        (text, redirects)
    }

    /// How long the placeholder is that comes next, `<name>`; nothing where none does.
    fn placeholder(&self) -> usize {
        let end = self.rest.find('>').unwrap_or(0);
        let name = self.rest.get(1..end).unwrap_or("");
        let fits = |c: char| c.is_alphanumeric() || " _-".contains(c);
        let is_name = name.starts_with(char::is_alphabetic) && !name.ends_with(' ') && name.chars().all(fits);
        if is_name { end + 1 } else { 0 }
    }

    fn redirect(&mut self, text: &mut String, depth: usize) -> Option<Redirect> {
        let mut descriptor = None;
        if let Some(digit) = text.chars().next_back().filter(char::is_ascii_digit) {
            let before = text[..text.len() - 1].chars().next_back();
            if before.is_none_or(|c| c.is_whitespace() || c == '"') {
                descriptor = digit.to_digit(10).map(|digit| digit as u8);
                text.pop();
            }
        }
        let input = self.take(1) == "<";
        let append = self.rest.starts_with('>');
        if append {
            self.take(1);
        }
        self.skip(&[' ', '\t']);
        let (mut target, mut quoted) = (String::new(), false);
        while let Some(sign) = self.rest.chars().next() {
            match sign {
                '\n' | '\r' => break,
                '"' => quoted = !quoted,
                _ if quoted => target.push(sign),
                '&' if target.is_empty() => target.push(sign),
                ' ' | '\t' | '&' | '|' | '<' | '>' => break,
                ')' if depth > 0 => break,
                _ => target.push(sign),
            }
            self.take(sign.len_utf8());
        }
        let descriptor = descriptor.unwrap_or(if input { 0 } else { 1 });
        let is_file = !target.is_empty() && !target.starts_with('&');
        is_file.then_some(Redirect { descriptor, input, append, target })
    }

    /// A word of a condition.
    fn word(&mut self) -> String {
        self.skip(&[' ', '\t']);
        let mut quoted = false;
        let end = self.rest.find(|c: char| {
            quoted ^= c == '"';
            c == '\n' || (!quoted && matches!(c, ' ' | '\t' | '\r'))
        });
        self.take(end.unwrap_or(self.rest.len())).to_owned()
    }

    fn asks(&mut self, depth: usize) -> Node {
        let line = self.line;
        self.take(2);
        let mut not = false;
        let asks = loop {
            let word = self.word();
            match word.to_ascii_lowercase().as_str() {
                "/i" => {}
                "not" => not = !not,
                "exist" => break Asks::Exist(self.word()),
                "defined" => break Asks::Defined(self.word()),
                "errorlevel" | "cmdextversion" => {
                    self.word();
                    break Asks::Other;
                }
                "" => break Asks::Other,
                // `a==b`, `a == b`, `a== b`, `a EQU b`.
                text => {
                    if text.ends_with("==") {
                        self.word();
                    } else if !text.contains("==") {
                        let operator = self.word();
                        if operator == "==" || !operator.contains("==") {
                            self.word();
                        }
                    }
                    break Asks::Other;
                }
            }
        };
        let then: Vec<Node> = self.branch(depth);
        let mut other = Vec::new();
        let held = (self.rest, self.line);
        self.skip(&[' ', '\t']);
        if self.keyword() == "else" {
            self.take(4);
            other = self.branch(depth);
        } else {
            (self.rest, self.line) = held;
        }
        // What holds where a variable is not set is as good as any.
        if not && matches!(asks, Asks::Defined(_)) {
            return Node::If { asks, then, other, line };
        }
        let asks = if matches!(asks, Asks::Defined(_)) { Asks::Other } else { asks };
        Node::If { asks, then, other, line }
    }

    /// What stands behind a condition: a block, or commands up to the end of the line.
    fn branch(&mut self, depth: usize) -> Vec<Node> {
        self.skip(&[' ', '\t', '@']);
        let mut parts: Vec<Node> = self.pipeline(depth + 1).into_iter().collect();
        let block = matches!(parts[..], [Node::Block { .. }]);
        if block {
            return parts;
        }
        loop {
            self.skip(&[' ', '\t']);
            if !self.rest.starts_with('&') {
                break;
            }
            self.skip(&['&']);
            parts.extend(self.pipeline(depth + 1));
        }
        parts
    }

    fn each(&mut self, depth: usize) -> Option<Node> {
        let line = self.line;
        self.take(3);
        let (mut kind, mut variable) = (None, None);
        loop {
            let word = self.word();
            let lower = word.to_ascii_lowercase();
            if let Some(name) = word.strip_prefix('%') {
                variable = name.trim_start_matches('%').chars().next();
            } else if lower == "in" {
                break;
            } else if let Some(letter) = lower.strip_prefix('/').and_then(|rest| rest.chars().next()) {
                kind = Some(letter);
            } else if word.is_empty() {
                self.line_end();
                return None;
            }
            if lower.starts_with("in(") {
                return None;
            }
        }
        self.skip(&[' ', '\t']);
        let mut list = String::new();
        if self.rest.starts_with('(') {
            self.take(1);
            let mut quoted = None;
            while let Some(sign) = self.rest.chars().next() {
                match (sign, quoted) {
                    (sign, Some(open)) if sign == open => quoted = None,
                    ('"' | '\'', None) => quoted = Some(sign),
                    (')', None) => break,
                    _ => {}
                }
                list.push_str(self.take(sign.len_utf8()));
            }
            self.take(usize::from(self.rest.starts_with(')')));
        }
        self.skip(&[' ', '\t', '\r', '\n']);
        if self.keyword() == "do" {
            self.take(2);
        }
        let body = self.branch(depth);
        Some(Node::For { kind, variable: variable?, list, body, line })
    }
}
