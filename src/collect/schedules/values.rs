//! Values of Puppet, Ruby, HCL, PHP and C#: what is a literal, a list or a map is read; everything else is an expression and
//! stays as it is written, as a placeholder. It computes nothing.

use super::node::{self, Node};
use super::tokens::{Kind, Language, Token};
use std::cell::OnceCell;

/// How deep lists and maps may lie in each other; deeper ones are expressions.
const MAX_DEPTH: usize = 16;
/// How many words are looked at for the end of a bracket before the ends of all are noted.
const NEAR: usize = 64;
/// How much of an expression is kept.
const MAX_EXPRESSION: usize = 200;

/// The words of a text, to read values from.
pub(super) struct Values<'a> {
    /// The text itself.
    pub text: &'a str,
    /// Its words.
    pub tokens: &'a [Token],
    /// Whose text it is.
    pub language: Language,
    /// Where each bracket that opens is closed, found once, so that brackets in brackets cost no more than others.
    closed: OnceCell<Vec<usize>>,
}

/// For each bracket that opens the place of the one that closes it, the end where none does.
fn all_closings(tokens: &[Token]) -> Vec<usize> {
    let (mut closed, mut open) = (vec![tokens.len(); tokens.len()], Vec::new());
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Sign) {
        match token.text.as_str() {
            "(" | "[" | "{" => open.push(at),
            ")" | "]" | "}" => {
                if let Some(start) = open.pop() {
                    closed[start] = at;
                }
            }
            _ => {}
        }
    }
    closed
}

/// A scalar.
pub(super) fn scalar(line: u64, text: impl Into<String>) -> Node {
    Node { line, kind: node::Kind::Text(text.into()) }
}

impl<'a> Values<'a> {
    /// Of a text with its words.
    pub fn new(text: &'a str, tokens: &'a [Token], language: Language) -> Values<'a> {
        Values { text, tokens, language, closed: OnceCell::new() }
    }

    /// The word there.
    pub fn get(&self, at: usize) -> Option<&'a Token> {
        self.tokens.get(at)
    }

    /// Whether this sign stands there.
    pub fn is(&self, at: usize, sign: &str) -> bool {
        self.get(at).is_some_and(|token| token.is(sign))
    }

    /// The first place from there that is no end of a line.
    pub fn skip_lines(&self, mut at: usize) -> usize {
        while self.get(at).is_some_and(|token| token.kind == Kind::Newline) {
            at += 1;
        }
        at
    }

    /// The value that begins there, and where it ends: at a comma, a semicolon, a closing bracket, the end of a line,
    /// or at one of these signs or words.
    pub fn value(&self, at: usize, ends: &[&str]) -> (Node, usize) {
        let end = self.end_of_value(at, ends);
        (self.between(at, end, 0), end)
    }

    /// The value that the words between two places make.
    pub fn within(&self, start: usize, end: usize) -> Node {
        self.between(start, end.min(self.tokens.len()), 0)
    }

    /// The entries between the brackets that open there, whatever their kind.
    pub fn map_at(&self, at: usize) -> Node {
        let line = self.get(at).map_or(1, |token| token.line);
        Node { line, kind: node::Kind::Map(self.map(at + 1, self.closing(at), 0)) }
    }

    /// Where the bracket that opens there is closed; the end of the text, if nowhere.
    pub fn closing(&self, at: usize) -> usize {
        let near = self.tokens.len().min(at.saturating_add(NEAR));
        if let Some(found) = self.closing_before(at, near) {
            return found;
        }
        let opens = |token: &Token| ["(", "[", "{"].iter().any(|sign| token.is(sign));
        if self.get(at).is_some_and(opens) {
            let closed = self.closed.get_or_init(|| all_closings(self.tokens));
            return closed.get(at).copied().unwrap_or(self.tokens.len());
        }
        self.closing_before(at, self.tokens.len()).unwrap_or(self.tokens.len())
    }

    fn closing_before(&self, at: usize, end: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (index, token) in self.tokens.iter().enumerate().take(end).skip(at) {
            if token.kind != Kind::Sign {
                continue;
            }
            match token.text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(index);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Where the value that begins there ends.
    pub fn end_of_value(&self, start: usize, ends: &[&str]) -> usize {
        let mut at = start;
        while let Some(token) = self.get(at) {
            let named = token.kind != Kind::Text && ends.contains(&token.text.as_str()) && at > start;
            match (token.kind, token.text.as_str()) {
                _ if named => break,
                (Kind::Sign, "(" | "[" | "{") => at = self.closing(at),
                (Kind::Sign, "," | ";" | ")" | "]" | "}") => break,
                (Kind::Newline, _) if !self.goes_on(at) => break,
                _ => {}
            }
            at += 1;
        }
        at.min(self.tokens.len())
    }

    /// Whether a line that ends there is not yet done.
    fn goes_on(&self, at: usize) -> bool {
        let last = at.checked_sub(1).and_then(|at| self.get(at));
        let open = ["+", "||", "&&", "?", "=", "=>", ","];
        last.is_some_and(|last| last.kind == Kind::Sign && open.contains(&last.text.as_str()))
            || self.get(self.skip_lines(at)).is_some_and(|next| next.is("."))
    }

    /// The value that stands between two places.
    fn between(&self, start: usize, end: usize, depth: usize) -> Node {
        let start = self.skip_lines(start);
        let mut end = end.max(start);
        while end > start && self.tokens[end - 1].kind == Kind::Newline {
            end -= 1;
        }
        let Some(first) = self.get(start).filter(|_| start < end) else {
            let line = self.get(start).or(self.tokens.last()).map_or(1, |token| token.line);
            return scalar(line, "");
        };
        let whole = |open: &str| first.is(open) && self.closing(start) + 1 == end && depth < MAX_DEPTH;
        if whole("[") {
            return Node { line: first.line, kind: node::Kind::List(self.list(start + 1, end - 1, depth)) };
        }
        if whole("{") {
            return Node { line: first.line, kind: node::Kind::Map(self.map(start + 1, end - 1, depth)) };
        }
        if whole("(") {
            return self.between(start + 1, end - 1, depth + 1);
        }
        self.text_of(start, end)
    }

    fn list(&self, start: usize, end: usize, depth: usize) -> Vec<Node> {
        let (mut items, mut at) = (Vec::new(), self.skip_lines(start));
        while at < end {
            let stop = self.end_of_value(at, &[]).min(end);
            items.push(self.between(at, stop, depth + 1));
            at = self.skip_lines(stop.max(at) + 1);
        }
        items
    }

    /// `key => value`, `key: value`, `key = value`.
    fn map(&self, start: usize, end: usize, depth: usize) -> Vec<(Node, Node)> {
        let (mut entries, mut at) = (Vec::new(), self.skip_lines(start));
        while at < end {
            let signs = ["=>", ":", "="];
            let sign = (at..end).find(|at| signs.iter().any(|sign| self.is(*at, sign)));
            let stop = self.end_of_value(sign.map_or(at, |sign| self.skip_lines(sign + 1)), &[]).min(end);
            if let Some(sign) = sign.filter(|sign| *sign < stop) {
                let key = match &self.tokens[at..sign] {
                    // A name in front of a colon is no variable.
                    [Token { kind: Kind::Word, text, line, .. }] => scalar(*line, text.clone()),
                    _ => self.between(at, sign, depth + 1),
                };
                entries.push((key, self.between(sign + 1, stop, depth + 1)));
            }
            at = self.skip_lines(stop.max(at) + 1);
        }
        entries
    }

    /// A literal, strings that are put together, or an expression as a placeholder.
    fn text_of(&self, start: usize, end: usize) -> Node {
        let parts = &self.tokens[start..end];
        let first = &parts[0];
        if let [only] = parts {
            return match only.kind {
                Kind::Text => scalar(only.text_line, only.text.clone()),
                _ => scalar(only.line, self.word(&only.text)),
            };
        }
        // What these methods of Ruby's strings take away is no matter.
        if let [text @ Token { kind: Kind::Text, .. }, point, method] = parts
            && point.is(".")
            && ["strip", "chomp", "freeze", "to_s", "squish", "lstrip", "rstrip"]
                .contains(&method.text.as_str())
        {
            return scalar(text.text_line, text.text.clone());
        }
        if let Some(words) = self.shell_words(start, end) {
            return scalar(first.line, words);
        }
        let joint = match self.language {
            Language::Ruby | Language::CSharp => "+",
            Language::Php => ".",
            Language::Puppet | Language::Hcl => "",
        };
        if parts.iter().any(|part| part.is(joint)) && parts.iter().any(|part| part.kind == Kind::Text) {
            let mut joined = String::new();
            for part in parts.split(|part| part.is(joint)) {
                let told: Vec<&Token> = part.iter().filter(|token| token.kind != Kind::Newline).collect();
                match told[..] {
                    [only @ Token { kind: Kind::Text, .. }] => joined.push_str(&only.text),
                    [] => {}
                    [from, ..] => joined.push_str(&self.expression(from.span.0, told[told.len() - 1].span.1)),
                }
            }
            return scalar(first.line, joined);
        }
        scalar(first.line, self.expression(first.span.0, parts[parts.len() - 1].span.1))
    }

    /// The words that Puppet's `shellquote` makes one line of (its functions' reference): those of its arguments and of
    /// lists among them.
    fn shell_words(&self, start: usize, end: usize) -> Option<String> {
        let call = self.language == Language::Puppet && self.get(start)?.is_word("shellquote");
        if !call || !self.is(start + 1, "(") || self.closing(start + 1) + 1 != end {
            return None;
        }
        let mut words = Vec::new();
        for argument in self.list(start + 2, end - 1, 0) {
            let told = match &argument.kind {
                node::Kind::List(items) => items.iter().map(Node::text).collect::<Option<Vec<_>>>()?,
                _ => vec![argument.text()?],
            };
            words.extend(told.into_iter().map(|word| {
                // A word that only a run fills in stays one to see.
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=,@%+${}".contains(&b);
                let bare = !word.is_empty() && word.bytes().all(plain);
                if bare { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
            }));
        }
        Some(words.join(" "))
    }

    /// What one word stands for by itself.
    fn word(&self, word: &str) -> String {
        let literal = match self.language {
            Language::Puppet => !word.starts_with('$'),
            _ => matches!(word, "true" | "false") || word.starts_with(|c: char| c.is_ascii_digit()),
        };
        match word {
            "undef" | "nil" | "null" => String::new(),
            _ if literal => word.to_owned(),
            _ => self
                .held(word.strip_prefix('$').filter(|_| self.language == Language::Puppet).unwrap_or(word)),
        }
    }

    fn expression(&self, start: usize, end: usize) -> String {
        // What is cut away later need not be looked at.
        let enough = end.min(start + 8 * MAX_EXPRESSION);
        let enough = (start..=enough).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(start);
        let text = self.text.get(start..enough).unwrap_or("");
        let mut told = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if told.len() > MAX_EXPRESSION {
            let cut = (0..=MAX_EXPRESSION).rev().find(|at| told.is_char_boundary(*at)).unwrap_or(0);
            // Braces that the cut leaves open would hold what follows.
            told.truncate(cut);
            told = told.replace(['{', '}'], " ");
        }
        self.held(&told)
    }

    fn held(&self, what: &str) -> String {
        if self.language == Language::Ruby { format!("#{{{what}}}") } else { format!("${{{what}}}") }
    }
}

/// A value with its placeholders filled in as `with` says.
pub(super) fn filled(value: &Node, with: &dyn Fn(&str) -> Option<String>) -> Node {
    let kind = match &value.kind {
        node::Kind::Text(text) => node::Kind::Text(crate::schedule::fill(text, with).into_owned()),
        node::Kind::List(items) => node::Kind::List(items.iter().map(|item| filled(item, with)).collect()),
        node::Kind::Map(entries) => {
            let entry = |(key, value): &(Node, Node)| (filled(key, with), filled(value, with));
            node::Kind::Map(entries.iter().map(entry).collect())
        }
    };
    Node { line: value.line, kind }
}
