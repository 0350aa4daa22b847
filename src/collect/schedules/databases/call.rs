//! SQL text in tokens with their lines: calls with their arguments, constants, literals that are put together. It knows
//! what neither routine means.

use crate::sql::{Dialect, Kind, Lexed, lex};
use std::collections::BTreeMap;

/// How many tokens one argument may have before it is taken for something computed.
const MAX_VALUE: usize = 400;

/// A text in tokens.
pub(super) struct Script<'a> {
    /// The tokens.
    pub lexed: Lexed<'a>,
    text: &'a str,
    first_line: u64,
    /// Where lines end.
    ends: Vec<usize>,
}

/// One argument: its name in lower case, where it is named, and its tokens.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    pub name: Option<String>,
    pub from: usize,
    pub to: usize,
}

/// Names and what they stand for, where that never changes.
pub(super) type Constants = BTreeMap<String, String>;

impl<'a> Script<'a> {
    pub fn new(text: &'a str, dialect: Dialect, first_line: u64) -> Script<'a> {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        Script { lexed: lex(text, dialect), text, first_line, ends }
    }

    pub fn len(&self) -> usize {
        self.lexed.tokens.len()
    }

    /// The line of a token.
    pub fn line(&self, index: usize) -> u64 {
        let (start, _) = self.lexed.span(index);
        self.first_line + self.ends.partition_point(|end| *end < start) as u64
    }

    /// The line on which what a literal holds begins: that of its first word.
    pub fn text_line(&self, index: usize) -> u64 {
        let raw = self.lexed.raw(index);
        let quote = raw.find(['\'', '"']).filter(|_| !raw.starts_with('$')).map(|at| at + 1);
        let open = quote.or_else(|| Some(raw.get(1..)?.find('$')? + 2)).unwrap_or(0);
        let blank = raw.get(open..).unwrap_or("");
        let lead = &blank[..blank.len() - blank.trim_start().len()];
        self.line(index) + memchr::memchr_iter(b'\n', lead.as_bytes()).count() as u64
    }

    pub fn is(&self, index: usize, word: &str) -> bool {
        self.lexed.is(index, word)
    }

    /// Whether tokens are these words and signs.
    pub fn are(&self, index: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(at, word)| self.is(index + at, word))
    }

    /// A name with or without quotes, in lower case.
    pub fn name(&self, index: usize) -> Option<String> {
        match self.lexed.kind(index)? {
            Kind::Word => Some(self.lexed.raw(index).to_lowercase()),
            Kind::Quoted => Some(self.lexed.unquoted(index).to_lowercase()),
            _ => None,
        }
    }

    /// The same as it is spelt.
    pub fn spelt(&self, index: usize) -> Option<String> {
        match self.lexed.kind(index)? {
            Kind::Word => Some(self.lexed.raw(index).to_owned()),
            Kind::Quoted => Some(self.lexed.unquoted(index)),
            _ => None,
        }
    }

    /// The text from one token to the one before another.
    pub fn raw(&self, from: usize, to: usize) -> &'a str {
        let (start, _) = self.lexed.span(from);
        let end = if to == 0 { 0 } else { self.lexed.span(to - 1).1 };
        self.text.get(start..end.max(start)).unwrap_or("")
    }

    /// The text from one token on.
    pub fn rest(&self, from: usize) -> &'a str {
        self.text.get(self.lexed.span(from).0..).unwrap_or("")
    }

    /// The first token of the statement that a token is in.
    pub fn statement(&self, index: usize) -> usize {
        (0..index).rev().find(|at| self.is(*at, ";")).map_or(0, |at| at + 1)
    }

    /// The token that ends the statement that a token is in.
    pub fn statement_end(&self, index: usize) -> usize {
        (index..self.len()).find(|at| self.is(*at, ";")).unwrap_or(self.len())
    }

    /// The arguments of a call whose bracket opens here, and the token behind it.
    pub fn arguments(&self, open: usize) -> Option<(Vec<Argument>, usize)> {
        if !self.is(open, "(") {
            return None;
        }
        let (mut arguments, mut depth, mut from) = (Vec::new(), 0usize, open + 1);
        for at in open..self.len() {
            if self.is(at, "(") {
                depth += 1;
            } else if self.is(at, ")") {
                depth -= 1;
            }
            if depth == 0 || (depth == 1 && self.is(at, ",")) {
                if from < at {
                    arguments.push(self.argument(from, at));
                }
                from = at + 1;
            }
            if depth == 0 {
                return Some((arguments, at + 1));
            }
        }
        None
    }

    fn argument(&self, from: usize, to: usize) -> Argument {
        let named = (self.are(from + 1, &["=", ">"]) || self.are(from + 1, &[":", "="])) && from + 3 < to;
        match self.name(from).filter(|_| named) {
            Some(name) => Argument { name: Some(name), from: from + 3, to },
            None => Argument { name: None, from, to },
        }
    }

    /// What some tokens stand for: literals put together, constants, numbers; `None`: something else computes it.
    /// Placeholders of a template stay as they are.
    pub fn value(&self, from: usize, to: usize, constants: &Constants) -> Option<String> {
        if to.saturating_sub(from) > MAX_VALUE || from >= to {
            return None;
        }
        let (mut out, mut at) = (String::new(), from);
        // Brackets around all of it are none.
        if self.is(from, "(") && self.is(to - 1, ")") {
            return self.value(from + 1, to - 1, constants);
        }
        loop {
            at = self.one(at, to, constants, &mut out)?;
            // A cast says nothing of the text.
            while self.are(at, &[":", ":"]) {
                at += 3;
            }
            if at >= to {
                return (at == to).then_some(out);
            }
            at += match () {
                () if self.are(at, &["|", "|"]) => 2,
                () if self.is(at, "+") && self.lexed.dialect == Dialect::MsSql => 1,
                () => return None,
            };
        }
    }

    fn one(&self, at: usize, to: usize, constants: &Constants, out: &mut String) -> Option<usize> {
        match self.lexed.kind(at).filter(|_| at < to)? {
            Kind::Text => out.push_str(&self.lexed.content(at)?),
            Kind::Number => out.push_str(self.lexed.raw(at)),
            Kind::Param if self.lexed.raw(at).contains('{') => out.push_str(self.lexed.raw(at)),
            Kind::Param | Kind::Word => {
                let name = self.lexed.raw(at).to_lowercase();
                if name == "chr" && self.is(at + 1, "(") && self.is(at + 3, ")") {
                    out.push(' ');
                    return Some(at + 4);
                }
                match constants.get(&name) {
                    Some(text) => out.push_str(text),
                    // A word that stands alone is text there (Transact-SQL, EXECUTE).
                    None if self.lexed.dialect == Dialect::MsSql
                        && self.lexed.kind(at) == Some(Kind::Word) =>
                    {
                        out.push_str(self.lexed.raw(at));
                    }
                    None => return None,
                }
            }
            Kind::Sign if self.is(at, "-") && self.lexed.kind(at + 1) == Some(Kind::Number) => {
                out.push('-');
                out.push_str(self.lexed.raw(at + 1));
                return Some(at + 2);
            }
            _ => return None,
        }
        Some(at + 1)
    }

    /// `name type := 'text';` and `SET @name = N'text'`, where the name gets one value only.
    pub fn constants(&self) -> Constants {
        let (mut found, mut times) = (Constants::new(), BTreeMap::<String, usize>::new());
        for at in 0..self.len() {
            let (name, value) = if self.are(at, &[":", "="]) {
                let start = self.declared(at);
                (self.name(start), at + 2)
            } else if self.is(at, "=") && self.lexed.dialect == Dialect::MsSql {
                (self.assigned(at), at + 1)
            } else {
                continue;
            };
            let Some(name) = name else { continue };
            *times.entry(name.clone()).or_default() += 1;
            let ends = |at: &usize| self.is(*at, ";") || self.is(*at, ",") || self.starts_statement(*at);
            let end = (value..self.len().min(value + MAX_VALUE)).find(ends).unwrap_or(self.len());
            if let Some(text) = self.value(value, end, &found) {
                found.insert(name, text);
            }
        }
        found.retain(|name, _| times.get(name) == Some(&1));
        found
    }

    /// The name that `name constant type :=` declares.
    fn declared(&self, at: usize) -> usize {
        let stops = |at: &usize| {
            self.is(*at, ";")
                || ["declare", "begin", "is", "as", "then", "else", "loop"]
                    .iter()
                    .any(|word| self.is(*at, word))
        };
        (at.saturating_sub(12)..at).rev().find(stops).map_or(at.saturating_sub(1), |at| at + 1)
    }

    /// The variable in front of `=`: `@name =` behind SET or SELECT, `@name type =` behind DECLARE.
    fn assigned(&self, at: usize) -> Option<String> {
        let from = at.saturating_sub(6);
        let variable = (from..at).rev().find(|it| self.lexed.kind(*it) == Some(Kind::Param))?;
        let before = variable.checked_sub(1)?;
        let fits = ["set", "select", "declare"].iter().any(|word| self.is(before, word))
            || (self.is(before, ",") && variable + 1 < at);
        fits.then(|| self.lexed.raw(variable).to_lowercase())
    }

    /// Whether a word begins a statement of Transact-SQL, which needs no semicolon before it.
    pub fn starts_statement(&self, at: usize) -> bool {
        const WORDS: [&str; 14] = [
            "exec", "execute", "if", "set", "select", "declare", "begin", "end", "go", "use", "goto",
            "commit", "print", "update",
        ];
        self.lexed.dialect == Dialect::MsSql && WORDS.iter().any(|word| self.is(at, word))
    }
}

/// The argument of a name, or at a position where arguments are not named.
pub(super) fn pick<'b>(arguments: &'b [Argument], names: &[&str], position: usize) -> Option<&'b Argument> {
    let named = arguments.iter().find(|it| it.name.as_deref().is_some_and(|name| names.contains(&name)));
    named.or_else(|| {
        let plain = arguments.iter().take(position + 1).all(|it| it.name.is_none());
        arguments.get(position).filter(|_| plain)
    })
}
