//! Conditions around what a manifest declares, as far as one variable, a comparison with a literal, or several of these
//! joined by `and` tell. What they say is known only where the variables are; all else may hold or not.

use super::super::tokens::{Kind, Token};
use super::super::values::Values;
use std::collections::HashMap;

/// How many blocks of one manifest are told apart; what stands in later ones may hold or not.
const MAX_BLOCKS: usize = 2_000;

/// One part of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    variable: String,
    /// What it is compared with; without, it is asked whether it is true.
    literal: Option<String>,
    negated: bool,
}

/// Parts that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct All {
    terms: Vec<Term>,
    /// Whether there is nothing beside them.
    exact: bool,
}

/// What must hold, and what must not, where something stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Conditions(Vec<(All, bool)>);

impl Conditions {
    /// Whether they may hold, where a variable that is known has this text.
    pub fn may_hold(&self, known: &dyn Fn(&str) -> Option<String>) -> bool {
        self.0.iter().all(|(all, wanted)| all.holds(known) != Some(!wanted))
    }
}

impl All {
    fn holds(&self, known: &dyn Fn(&str) -> Option<String>) -> Option<bool> {
        let told: Vec<Option<bool>> = self.terms.iter().map(|term| term.holds(known)).collect();
        if told.contains(&Some(false)) {
            return Some(false);
        }
        (self.exact && told.iter().all(|it| *it == Some(true))).then_some(true)
    }

    fn of(tokens: &[Token]) -> All {
        if tokens.iter().any(|token| token.is_word("or")) {
            return All::default();
        }
        let parts: Vec<Option<Term>> = tokens.split(|token| token.is_word("and")).map(Term::of).collect();
        let exact = parts.iter().all(Option::is_some);
        All { terms: parts.into_iter().flatten().collect(), exact }
    }
}

impl Term {
    fn of(tokens: &[Token]) -> Option<Term> {
        if let [open, inner @ .., close] = tokens
            && open.is("(")
            && close.is(")")
        {
            return Term::of(inner);
        }
        if let Some(at) = tokens.iter().position(|token| token.is("==") || token.is("!=")) {
            let [other] = &tokens[at + 1..] else { return None };
            let plain = other.kind != Kind::Sign && !other.text.contains('$');
            // What is not given is given as nothing.
            let literal = if other.is_word("undef") { String::new() } else { other.text.clone() };
            let literal = Some(literal).filter(|_| plain)?;
            let (variable, negated) = (variable(&tokens[..at])?, tokens[at].is("!="));
            return Some(Term { variable, literal: Some(literal), negated });
        }
        match tokens {
            [not, one @ ..] if not.is("!") => {
                Some(Term { variable: variable(one)?, literal: None, negated: true })
            }
            one => Some(Term { variable: variable(one)?, literal: None, negated: false }),
        }
    }

    fn holds(&self, known: &dyn Fn(&str) -> Option<String>) -> Option<bool> {
        let value = known(&self.variable).filter(|value| !crate::schedule::has_placeholder(value))?;
        let holds = match &self.literal {
            // Puppet compares texts without regard to case.
            Some(literal) => value.eq_ignore_ascii_case(literal),
            None => !matches!(value.as_str(), "" | "false"),
        };
        Some(holds != self.negated)
    }
}

/// A variable, or a part of one: `$name`, `$name['key']`.
fn variable(tokens: &[Token]) -> Option<String> {
    let (first, parts) = tokens.split_first()?;
    let mut name = first.text.strip_prefix('$').filter(|_| first.kind == Kind::Word)?.to_owned();
    for part in parts.chunks(3) {
        let [open, key, close] = part else { return None };
        let plain = key.kind == Kind::Text && !key.text.contains(['\'', '$']);
        if !open.is("[") || !close.is("]") || !plain {
            return None;
        }
        name += &format!("['{}']", key.text);
    }
    Some(name)
}

/// The blocks of a manifest that stand under conditions.
#[derive(Default)]
pub(super) struct Blocks {
    blocks: Vec<((usize, usize), Conditions)>,
    /// By the place of the brace that ends them.
    ends: HashMap<usize, usize>,
}

impl Blocks {
    /// Notes the block that `if`, `unless`, `elsif` or `else` at this place begins.
    pub fn note(&mut self, values: &Values<'_>, at: usize) {
        if self.blocks.len() >= MAX_BLOCKS {
            return;
        }
        let open = (at + 1..values.tokens.len()).find(|index| values.is(*index, "{"));
        let Some(open) = open else { return };
        let before =
            at.checked_sub(1).and_then(|end| self.ends.get(&end)).map(|block| &self.blocks[*block].1);
        let mut conditions = Conditions::default();
        let word = values.tokens[at].text.as_str();
        if let (Some(before), "elsif" | "else") = (before, word) {
            conditions = before.clone();
            if let Some((_, wanted)) = conditions.0.last_mut() {
                *wanted = !*wanted;
            }
        }
        if word != "else" {
            conditions.0.push((All::of(&values.tokens[at + 1..open]), word != "unless"));
        }
        let end = values.closing(open);
        self.ends.insert(end, self.blocks.len());
        self.blocks.push(((open, end), conditions));
    }

    /// The conditions of all blocks around a place.
    pub fn around(&self, at: usize) -> Conditions {
        let inside = self.blocks.iter().filter(|((open, end), _)| *open < at && at < *end);
        Conditions(inside.flat_map(|(_, conditions)| conditions.0.iter().cloned()).collect())
    }
}
