//! Code in which jobs are written as annotations and calls (Java, Kotlin, JavaScript, TypeScript): its words, which
//! brackets belong together, the classes and functions something stands in, constants of the file. It knows no
//! scheduler, follows no data beyond a constant's one value, and guesses nothing that a run would compute.

mod fold;
mod lex;
mod named;

pub(super) use named::{JobOf, MAX_JOBS, Names, state};

use super::tokens::{Kind, Token};
use std::cell::Cell;
use std::collections::BTreeMap;

/// Whose text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// Java.
    Java,
    /// Kotlin.
    Kotlin,
    /// JavaScript and TypeScript.
    Script,
}

/// An argument of a call or an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Argument<'a> {
    /// `name = …`, or the key in front of a colon.
    pub name: Option<&'a str>,
    /// Its first word, and the one behind its last.
    pub span: (usize, usize),
}

/// A class or a function with its body.
#[derive(Debug)]
struct Body {
    name: String,
    class: bool,
    /// The word that is its name.
    at: usize,
    /// Its opening and its closing brace.
    span: (usize, usize),
}

/// An annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Annotation<'a> {
    /// Its simple name.
    pub name: &'a str,
    /// Its `@`.
    pub at: usize,
    /// Its opening bracket, where it has one.
    pub open: Option<usize>,
    /// Behind it.
    pub end: usize,
}

/// The words of a file.
pub(super) struct Code {
    /// Its language.
    pub language: Language,
    /// The words.
    pub tokens: Vec<Token>,
    /// The line of what never ended.
    pub broken: Option<(u64, &'static str)>,
    /// The closing bracket of each opening one, and the other way round; for other words themselves.
    pairs: Vec<usize>,
    bodies: Vec<Body>,
    /// Names of constants, with where their one value stands.
    constants: BTreeMap<String, Option<(usize, usize)>>,
    /// How many expressions the one that is folded was made of so far.
    steps: Cell<u32>,
}

/// How many brackets that nothing closes may stand between two that belong together.
const MAX_UNCLOSED: usize = 64;
/// How many words of a declaration or a statement are looked through.
const MAX_WORDS: usize = 2_000;
/// How many annotations may stand together.
const MAX_ANNOTATIONS: usize = 50;

/// Words that open a block and are no function.
const NO_FUNCTIONS: [&str; 11] =
    ["if", "for", "while", "switch", "catch", "with", "synchronized", "try", "when", "return", "function"];

impl Code {
    /// Of a text.
    pub fn of(text: &str, language: Language) -> Code {
        let (tokens, broken) = lex::read(text, language);
        let pairs = pairs(&tokens);
        let mut code = Code {
            language,
            tokens,
            broken,
            pairs,
            bodies: Vec::new(),
            constants: BTreeMap::new(),
            steps: Cell::new(0),
        };
        code.bodies = code.find_bodies();
        code.constants = code.find_constants();
        code
    }

    /// Whether this sign stands there.
    pub fn is(&self, at: usize, sign: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(sign))
    }

    /// The name or number that stands there.
    pub fn word(&self, at: usize) -> Option<&str> {
        self.tokens.get(at).filter(|token| token.kind == Kind::Word).map(|token| token.text.as_str())
    }

    /// Whether this word stands there.
    pub fn is_word(&self, at: usize, word: &str) -> bool {
        self.word(at) == Some(word)
    }

    /// The line of a word.
    pub fn line(&self, at: usize) -> u64 {
        self.tokens.get(at).or(self.tokens.last()).map_or(1, |token| token.line)
    }

    /// The bracket that closes the one there, or that opens it; the place itself where none does.
    pub fn pair(&self, at: usize) -> usize {
        self.pairs.get(at).copied().unwrap_or(at)
    }

    /// The places in `from..to` that lie in no bracket of their own, one by one, opening brackets included.
    pub fn top(&self, from: usize, to: usize) -> impl Iterator<Item = usize> + '_ {
        let mut at = from;
        std::iter::from_fn(move || {
            let here = at;
            (here < to.min(self.tokens.len())).then(|| {
                at = self.pair(here).max(here) + 1;
                here
            })
        })
    }

    /// The places where one of these signs stands in no bracket of its own.
    pub fn signs(&self, (from, to): (usize, usize), signs: &[&str]) -> Vec<usize> {
        self.top(from, to).filter(|at| signs.iter().any(|sign| self.is(*at, sign))).collect()
    }

    /// The parts between the brackets that open there: arguments of a call, elements of a list, entries of an object.
    pub fn arguments(&self, open: usize) -> Vec<Argument<'_>> {
        let close = self.pair(open);
        if close <= open {
            return Vec::new();
        }
        let mut ends = self.signs((open + 1, close), &[","]);
        ends.push(close);
        let (mut out, mut from) = (Vec::new(), open + 1);
        for to in ends {
            if from < to {
                out.push(self.argument(from, to));
            }
            from = to + 1;
        }
        out
    }

    fn argument(&self, from: usize, to: usize) -> Argument<'_> {
        let key = self.tokens.get(from).filter(|token| matches!(token.kind, Kind::Word | Kind::Text));
        let sign = if self.language == Language::Script { ":" } else { "=" };
        match key {
            Some(key) if self.is(from + 1, sign) && from + 2 < to => {
                Argument { name: Some(&key.text), span: (from + 2, to) }
            }
            // `{ timeZone }` of JavaScript.
            Some(key) if from + 1 == to && self.language == Language::Script && key.kind == Kind::Word => {
                Argument { name: Some(&key.text), span: (from, to) }
            }
            _ => Argument { name: None, span: (from, to) },
        }
    }

    /// The entries of an object that a span is.
    pub fn object(&self, (from, to): (usize, usize)) -> Option<Vec<Argument<'_>>> {
        (self.is(from, "{") && self.pair(from) + 1 == to).then(|| self.arguments(from))
    }

    /// The elements of a list that a span is, or the span alone.
    pub fn elements(&self, span: (usize, usize)) -> Vec<(usize, usize)> {
        let (from, to) = span;
        let list = (self.is(from, "{") || self.is(from, "[")) && self.pair(from) + 1 == to;
        if list { self.arguments(from).into_iter().map(|it| it.span).collect() } else { vec![span] }
    }

    /// The annotation whose `@` stands there; `@a.b.Name` is told by its last name.
    pub fn annotation(&self, at: usize) -> Option<Annotation<'_>> {
        if !self.is(at, "@") {
            return None;
        }
        let mut name = self.word(at + 1)?;
        let mut end = at + 2;
        // `@get:Name` of Kotlin, `@a.b.Name`.
        while (self.is(end, ".") || (self.is(end, ":") && self.language == Language::Kotlin))
            && let Some(next) = self.word(end + 1)
        {
            name = next;
            end += 2;
        }
        let open = self.is(end, "(").then_some(end);
        let end = open.map_or(end, |open| self.pair(open).max(open) + 1);
        Some(Annotation { name, at, open, end })
    }

    /// All annotations that stand together with one.
    pub fn beside(&self, one: usize) -> Vec<Annotation<'_>> {
        let mut at = one;
        for _ in 0..MAX_ANNOTATIONS {
            let Some(before) = self.annotation_before(at) else { break };
            at = before;
        }
        let mut out = Vec::new();
        while let Some(found) = self.annotation(at).filter(|_| out.len() < 2 * MAX_ANNOTATIONS) {
            at = found.end;
            out.push(found);
        }
        out
    }

    /// The `@` of the annotation that ends right before a place.
    fn annotation_before(&self, end: usize) -> Option<usize> {
        let mut at = end.checked_sub(1)?;
        if self.is(at, ")") {
            at = self.pair(at).checked_sub(1)?;
        }
        self.word(at)?;
        while at >= 2 && self.is(at - 1, ".") && self.word(at - 2).is_some() {
            at -= 2;
        }
        at.checked_sub(1).filter(|at| self.is(*at, "@"))
    }

    /// The name of the function that annotations which end there belong to; a class or a field is none.
    pub fn function_after(&self, end: usize) -> Option<usize> {
        let mut at = end;
        while let Some(more) = self.annotation(at) {
            at = more.end;
        }
        for at in self.top(at, at + 60) {
            if self.is(at, ";") || self.is(at, "{") || self.is(at, "=") || self.is(at, "}") {
                return None;
            }
            let name = self.word(at);
            if matches!(name, Some("class" | "interface" | "object")) {
                return None;
            }
            if name.is_some() && self.is(at + 1, "(") {
                return Some(at);
            }
        }
        None
    }

    /// The class that a place stands in, told by its name.
    pub fn class_at(&self, at: usize) -> Option<&str> {
        self.body_at(at, true).map(|body| body.name.as_str())
    }

    /// The function that a place stands in.
    pub fn function_at(&self, at: usize) -> Option<&str> {
        self.body_at(at, false).map(|body| body.name.as_str())
    }

    /// The lines of the function whose name stands there, counted from 1.
    pub fn lines_of_body(&self, name: usize) -> Option<(u64, u64)> {
        let body = self.bodies.iter().find(|body| !body.class && body.at == name)?;
        Some((self.line(body.at), self.line(body.span.1)))
    }

    /// The lines of the only function of this name.
    pub fn lines_of_function(&self, name: &str) -> Option<(u64, u64)> {
        let mut named = self.bodies.iter().filter(|body| !body.class && body.name == name);
        let only = named.next().filter(|_| named.next().is_none())?;
        self.lines_of_body(only.at)
    }

    /// The lines of what stands in these words, where that is a function.
    pub fn lines_of_closure(&self, (from, to): (usize, usize)) -> Option<(u64, u64)> {
        let is_one =
            self.is_word(from, "function") || (from..to).any(|at| self.is(at, "=>") || self.is(at, "->"));
        is_one.then(|| (self.line(from), self.line(to - 1)))
    }

    fn body_at(&self, at: usize, class: bool) -> Option<&Body> {
        let holds = |body: &&Body| body.class == class && body.span.0 < at && at < body.span.1;
        self.bodies.iter().filter(holds).max_by_key(|body| (body.span.0, body.at))
    }

    /// The annotations of the class that a place stands in.
    pub fn annotations_of_class(&self, at: usize) -> Vec<Annotation<'_>> {
        let Some(body) = self.body_at(at, true) else { return Vec::new() };
        let mut first = body.at.saturating_sub(1);
        while first > 0 && self.word(first - 1).is_some() && self.annotation_before(first).is_none() {
            first -= 1;
        }
        self.annotation_before(first).map_or_else(Vec::new, |one| self.beside(one))
    }

    /// The beginning of the statement that a place stands in: behind the last `;`, `{` or `}` that is not within the
    /// statement's own brackets.
    pub fn statement(&self, at: usize) -> usize {
        let mut at = at;
        for _ in 0..MAX_WORDS {
            let Some(before) = at.checked_sub(1) else { break };
            if [";", "{", "}", "("].iter().any(|sign| self.is(before, sign)) {
                break;
            }
            let new_line = self.language != Language::Java
                && self.line(before) < self.line(at)
                && !self.goes_on(before, at);
            if new_line {
                break;
            }
            at = if self.is(before, ")") || self.is(before, "]") { self.pair(before) } else { before };
        }
        at
    }

    /// Whether a line that ends with the first of two words goes on with the second.
    fn goes_on(&self, last: usize, next: usize) -> bool {
        let sign = |at: usize| self.tokens.get(at).filter(|token| token.kind == Kind::Sign);
        sign(last).is_some_and(|it| !matches!(it.text.as_str(), ")" | "]" | "}" | ";"))
            || sign(next).is_some_and(|it| !matches!(it.text.as_str(), "@" | "(" | "{" | "[" | "}"))
    }

    fn find_bodies(&self) -> Vec<Body> {
        let mut out = Vec::new();
        for at in 0..self.tokens.len() {
            match self.word(at) {
                Some("class" | "interface" | "object" | "record" | "enum") => out.extend(self.class_body(at)),
                _ if self.is(at, "{") && self.pair(at) > at => out.extend(self.function_body(at)),
                _ => {}
            }
        }
        out
    }

    fn class_body(&self, keyword: usize) -> Option<Body> {
        let at = keyword + 1;
        let name = self.word(at)?.to_owned();
        let open = self.top(at, at + 200).find(|at| self.is(*at, "{"))?;
        let close = self.pair(open);
        (close > open).then_some(Body { name, class: true, at, span: (open, close) })
    }

    /// `name(…) {`, with a type or exceptions between.
    fn function_body(&self, open: usize) -> Option<Body> {
        let mut at = open.checked_sub(1)?;
        // `name = (…) => {`.
        let arrow = self.is(at, "=>");
        at = if arrow { at.checked_sub(1)? } else { at };
        for _ in 0..12 {
            if self.is(at, ")") {
                break;
            }
            let of_type = self.word(at).is_some()
                || [".", "<", ">", ",", ":", "[", "]", "|", "?"].iter().any(|sign| self.is(at, sign));
            at = at.checked_sub(1).filter(|_| of_type)?;
        }
        if !self.is(at, ")") {
            return None;
        }
        let mut at = self.pair(at).checked_sub(1)?;
        if arrow {
            at = if self.is_word(at, "async") { at.checked_sub(1)? } else { at };
            at = if self.is(at, "=") { at.checked_sub(1)? } else { return None };
        }
        let name = self.word(at).filter(|name| !NO_FUNCTIONS.contains(name))?;
        let before = at.checked_sub(1);
        let called = before.is_some_and(|at| self.is(at, ".") || self.is_word(at, "new"));
        (!called).then(|| Body { name: name.to_owned(), class: false, at, span: (open, self.pair(open)) })
    }
}

/// Which brackets belong together; one that nothing closes belongs to itself.
fn pairs(tokens: &[Token]) -> Vec<usize> {
    let mut pairs: Vec<usize> = (0..tokens.len()).collect();
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Sign) {
        match token.text.as_str() {
            "(" => open.push((at, ")")),
            "[" => open.push((at, "]")),
            "{" => open.push((at, "}")),
            close @ (")" | "]" | "}") => {
                // A bracket of another kind in between is one that nothing closes.
                let back = open.iter().rev().take(MAX_UNCLOSED).position(|(_, wanted)| *wanted == close);
                let Some(index) = back.map(|back| open.len() - 1 - back) else { continue };
                let (other, _) = open[index];
                open.truncate(index);
                (pairs[other], pairs[at]) = (at, other);
            }
            _ => {}
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::{Code, Language};
    use std::time::{Duration, Instant};

    #[test]
    fn annotations_and_bodies_are_told_from_words() {
        let text = "@Component(\"x\") @a.b.Lazy public final class Shop<T> extends Base { \
                    @Lock(name = \"l\") @Run @Value public Map<A, B> all(int x) throws E { if (x) { here(); } } }";
        let code = Code::of(text, Language::Java);
        let at = |word: &str| (0..code.tokens.len()).find(|at| code.is_word(*at, word)).expect("it is there");
        let run = at("Run") - 1;
        assert_eq!(code.beside(run).iter().map(|it| it.name).collect::<Vec<_>>(), ["Lock", "Run", "Value"]);
        let method = code.annotation(run).and_then(|it| code.function_after(it.end));
        assert_eq!(method.and_then(|at| code.word(at)), Some("all"));
        assert_eq!((code.class_at(at("here")), code.function_at(at("here"))), (Some("Shop"), Some("all")));
        let of_class = code.annotations_of_class(at("here"));
        assert_eq!(of_class.iter().map(|it| it.name).collect::<Vec<_>>(), ["Component", "Lazy"]);
    }

    #[test]
    fn hostile_text_ends_soon() {
        let began = Instant::now();
        for text in ["(]", "{", "@A ", "`${", "\"${", "'", "class a ", "x=x+x;", "a(){", "/*", "@Value(a) x,"]
        {
            for language in [Language::Java, Language::Kotlin, Language::Script] {
                let code = Code::of(&text.repeat(40_000), language);
                for at in [0, 1, 5_000, 39_999] {
                    code.beside(at);
                    code.statement(at);
                    code.fold((at, at + 9));
                    code.class_at(at);
                }
            }
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    }
}
