//! What an expression of code stands for, where the file itself says it: literals, constants with one value, sums of
//! texts, products of numbers, the default of a variable of the environment. A variable of the environment alone, and
//! code inside of a template, stay as placeholders; everything else is computed, and stands for nothing.

use super::{Code, Language};
use crate::collect::schedules::tokens::Kind;
use crate::schedule;
use std::collections::BTreeMap;

/// How deep expressions and constants may lie in each other.
const MAX_DEPTH: usize = 16;
/// How many expressions one may be made of, constants followed.
const MAX_STEPS: u32 = 2_000;
/// How long a value may be, in bytes.
const MAX_VALUE: usize = 4_000;
/// How many words the value of a constant may have.
const MAX_WORDS: usize = 400;

type Span = (usize, usize);

impl Code {
    /// The text or the number that an expression stands for.
    pub fn fold(&self, span: Span) -> Option<String> {
        self.steps.set(0);
        self.folded(span, 0).filter(|value| value.len() <= MAX_VALUE)
    }

    /// Where the one value of a name stands.
    pub fn value_of(&self, name: &str) -> Option<Span> {
        self.constants.get(name).copied().flatten()
    }

    /// The expression as it is written, on one line, for people.
    pub fn written(&self, (from, to): Span) -> String {
        let words = self.tokens[from.min(self.tokens.len())..to.min(self.tokens.len())].iter().take(20);
        words.fold(String::new(), |mut told, token| {
            let close = told.is_empty()
                || told.ends_with("::")
                || told.ends_with(['.', '(', '@', '!'])
                || (token.kind == Kind::Sign
                    && matches!(token.text.as_str(), "." | "(" | ")" | "," | "?." | "::"));
            told.push_str(if close { "" } else { " " });
            match token.kind {
                Kind::Text => told.push_str(&format!("\"{}\"", token.text)),
                _ => told.push_str(&token.text),
            }
            told
        })
    }

    fn folded(&self, (from, to): Span, depth: usize) -> Option<String> {
        let to = self.without_type((from, to));
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MAX_STEPS || depth > MAX_DEPTH || from >= to || to > self.tokens.len() {
            return None;
        }
        if self.is(from, "(") && self.pair(from) + 1 == to {
            return self.folded((from + 1, to - 1), depth + 1);
        }
        if from + 1 == to {
            return self.one(from, depth);
        }
        if !self.signs((from, to), &["?", "==", "!=", "=>", "->"]).is_empty() {
            return None;
        }
        if let Some(at) = self.signs((from, to), &["||", "??", "?:"]).first().copied() {
            return self.environment((from, at)).and_then(|_| self.folded((at + 1, to), depth + 1));
        }
        let plus = self.signs((from, to), &["+"]);
        if !plus.is_empty() {
            return self.sum((from, to), &plus, depth);
        }
        let times = self.signs((from, to), &["*"]);
        if !times.is_empty() {
            let numbers = self.parts((from, to), &times, depth)?;
            let product = numbers.iter().try_fold(1i64, |all, it| all.checked_mul(it.parse().ok()?))?;
            return Some(product.to_string());
        }
        self.environment((from, to))
            .map(|name| format!("${{{name}}}"))
            .or_else(|| self.path((from, to), depth))
    }

    /// Without `as const`, `as string`, `!` behind it.
    fn without_type(&self, (from, to): Span) -> usize {
        if self.language != Language::Script {
            return to;
        }
        let to = self.top(from, to).find(|at| *at > from && self.is_word(*at, "as")).unwrap_or(to);
        if to > from + 1 && self.is(to - 1, "!") { to - 1 } else { to }
    }

    fn one(&self, at: usize, depth: usize) -> Option<String> {
        let token = self.tokens.get(at)?;
        match token.kind {
            Kind::Text => Some(schedule::fill(&token.text, &|hole| self.hole(hole, depth)).into_owned()),
            Kind::Word if token.text.starts_with(|c: char| c.is_ascii_digit()) => number(&token.text),
            Kind::Word => self.constant(&token.text, depth),
            _ => None,
        }
    }

    /// Code inside of a template that is the name of a constant.
    fn hole(&self, hole: &str, depth: usize) -> Option<String> {
        let name = hole.strip_prefix("#{")?.strip_suffix('}')?.trim();
        self.constant(name.rsplit('.').next().unwrap_or(name), depth)
    }

    fn constant(&self, name: &str, depth: usize) -> Option<String> {
        let span = self.value_of(name)?;
        self.folded(span, depth + 1)
    }

    fn parts(&self, (from, to): Span, signs: &[usize], depth: usize) -> Option<Vec<String>> {
        let starts = std::iter::once(from).chain(signs.iter().map(|at| at + 1));
        let ends = signs.iter().copied().chain([to]);
        starts.zip(ends).map(|span| self.folded(span, depth + 1)).collect()
    }

    fn sum(&self, span: Span, signs: &[usize], depth: usize) -> Option<String> {
        let parts = self.parts(span, signs, depth)?;
        let numbers: Option<Vec<i64>> = parts.iter().map(|part| part.parse().ok()).collect();
        let text = self.top(span.0, span.1).any(|at| self.tokens[at].kind == Kind::Text);
        match numbers.filter(|_| !text) {
            Some(numbers) => numbers.into_iter().try_fold(0i64, i64::checked_add).map(|sum| sum.to_string()),
            None => Some(parts.concat()),
        }
    }

    /// The variable of the environment that an expression is: `process.env.NAME`.
    fn environment(&self, (from, to): Span) -> Option<&str> {
        let dotted = |at: usize| self.is(at, ".") || self.is(at, "?.");
        if self.is_word(from, "process") && dotted(from + 1) && self.is_word(from + 2, "env") {
            if from + 5 == to && dotted(from + 3) {
                return self.word(from + 4);
            }
            let token = self.tokens.get(from + 4).filter(|it| it.kind == Kind::Text);
            return token.filter(|_| self.is(from + 3, "[") && from + 6 == to).map(|it| it.text.as_str());
        }
        None
    }

    /// `Own.NAME`, `this.name`, where the class is one of this file.
    fn path(&self, (from, to): Span, depth: usize) -> Option<String> {
        let plain = (from..to)
            .all(|at| if (at - from) % 2 == 0 { self.word(at).is_some() } else { self.is(at, ".") });
        let (class, name) = (self.word(to.checked_sub(3)?)?, self.word(to - 1)?);
        let own = class == "this" || self.bodies.iter().any(|body| body.class && body.name == class);
        if plain && (to - from) % 2 == 1 && own { self.constant(name, depth) } else { None }
    }

    /// Names that are given a value once, and fields that a setting fills in.
    pub(super) fn find_constants(&self) -> BTreeMap<String, Option<Span>> {
        let mut out: BTreeMap<String, Option<Span>> = BTreeMap::new();
        let mut learn = |name: &str, span: Span| {
            out.entry(name.to_owned()).and_modify(|value| *value = None).or_insert(Some(span));
        };
        for at in 0..self.tokens.len() {
            if let Some(name) = self.word(at) {
                if let Some(sign) = self.assigned(at) {
                    learn(name, (sign + 1, self.end_of_value(sign + 1)));
                }
            } else if let Some((name, span)) = self.injected(at) {
                learn(name, span);
            }
        }
        out
    }

    /// The `=` that gives a name its value, with a type between or without.
    fn assigned(&self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1);
        let argument = before.is_some_and(|it| self.is(it, "(") || self.is(it, ","));
        if self.is(at + 1, "=") {
            return (!argument).then_some(at + 1);
        }
        let declared = before.is_some_and(|it| self.word(it).is_some());
        if self.language == Language::Java || !self.is(at + 1, ":") || !declared {
            return None;
        }
        (at + 2..at + 8)
            .take_while(|it| self.word(*it).is_some() || self.is(*it, ".") || self.is(*it, "?"))
            .map(|it| it + 1)
            .find(|it| self.is(*it, "="))
    }

    /// `@Value("${a.b}") private String name;`.
    fn injected(&self, at: usize) -> Option<(&str, Span)> {
        let annotation = self.annotation(at).filter(|it| it.name == "Value")?;
        let [argument] = self.arguments(annotation.open?)[..] else { return None };
        let mut end = annotation.end;
        while let Some(more) = self.annotation(end) {
            end = more.end;
        }
        let stops = [";", "=", ",", ")", ":", "{"];
        let stop = self.top(end, end + 12).find(|at| stops.iter().any(|sign| self.is(*at, sign)))?;
        // A field with a value of its own is told by that value already.
        let name = self.word(stop.checked_sub(1)?).filter(|_| stop > end && !self.is(stop, "="))?;
        Some((name, argument.span))
    }

    /// Where the value that begins there ends.
    pub fn end_of_value(&self, from: usize) -> usize {
        let ends = |at: usize| [";", ",", ")", "}", "]"].iter().any(|sign| self.is(at, sign));
        let mut last = from;
        for at in self.top(from, from + MAX_WORDS) {
            let new_line = self.language != Language::Java
                && at > from
                && self.line(last) < self.line(at)
                && !self.goes_on(last, at);
            if ends(at) || new_line {
                return at;
            }
            last = self.pair(at).max(at);
        }
        (last + 1).min(self.tokens.len())
    }
}

/// `60_000L`, `5`, `1.5`.
fn number(text: &str) -> Option<String> {
    let plain = text.replace('_', "");
    let plain = plain.trim_end_matches(['L', 'l', 'n', 'f', 'F', 'd', 'D']);
    plain.parse::<f64>().ok().filter(|_| plain.bytes().all(|b| b.is_ascii_digit() || b == b'.'))?;
    Some(plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{Code, Language};

    fn value(text: &str, language: Language) -> Option<String> {
        let code = Code::of(text, language);
        let at = (0..code.tokens.len()).rfind(|at| code.is_word(*at, "x") && code.is(at + 1, "("))? + 1;
        code.fold((at + 1, code.pair(at)))
    }

    #[test]
    fn what_the_file_says_is_folded_and_nothing_else() {
        let java = |text: &str| value(text, Language::Java);
        let class =
            "class A { static final String H = \"2\"; String twice = \"a\"; void f() { twice = \"b\"; } } ";
        let told = |text: &str| java(&format!("{class}{text}"));
        assert_eq!(told("x(\"0 0 \" + A.H + \" * * *\")").as_deref(), Some("0 0 2 * * *"));
        assert_eq!(told("x(5 * 60 * 1_000L)").as_deref(), Some("300000"));
        assert_eq!(told("x(B.H)"), None);
        assert_eq!(told("x(twice)"), None);
        assert_eq!(told("x(f(H))"), None);
        assert_eq!(
            java(
                "class A { @Value(\"${a.b:0}\") private String c; void f(@Value(\"${d}\") String e) {} x(c) }"
            )
            .as_deref(),
            Some("${a.b:0}")
        );
    }

    #[test]
    fn scripts_have_an_environment_and_templates() {
        let told = |text: &str| value(text, Language::Script);
        assert_eq!(told("x(process.env.CRON)").as_deref(), Some("${CRON}"));
        assert_eq!(told("x(process.env.CRON || '0 1 * * *')").as_deref(), Some("0 1 * * *"));
        assert_eq!(
            told("const H = 2\nconst D: string = '*'\nx(`0 ${H} * * ${D} ${f()}`)").as_deref(),
            Some("0 2 * * * #{f()}")
        );
        assert_eq!(told("x(config.cron || '0 1 * * *')"), None);
        assert_eq!(told("x(a ? '1' : '2')"), None);
    }

    #[test]
    fn kotlin_writes_placeholders_with_a_backslash() {
        let told = |text: &str| value(text, Language::Kotlin);
        assert_eq!(told("const val C = \"\\${a.b}\"\nx(C)").as_deref(), Some("${a.b}"));
        assert_eq!(
            told("object Z { const val H = 4\n}\nx(\"0 0 ${Z.H} * * *\")").as_deref(),
            Some("0 0 4 * * *")
        );
    }
}
