//! Expressions of PowerShell: values, members, tables, operators from left to right. It evaluates nothing.

use super::{Expression, Parser, Part, body};
use std::rc::Rc;

const OPERATORS: [&str; 41] = [
    "-f",
    "-join",
    "-split",
    "-replace",
    "-creplace",
    "-ireplace",
    "-eq",
    "-ne",
    "-gt",
    "-ge",
    "-lt",
    "-le",
    "-like",
    "-notlike",
    "-match",
    "-notmatch",
    "-contains",
    "-notcontains",
    "-in",
    "-notin",
    "-and",
    "-or",
    "-xor",
    "-is",
    "-isnot",
    "-as",
    "-band",
    "-bor",
    "-bxor",
    "-shl",
    "-shr",
    "-ceq",
    "-ieq",
    "-cne",
    "-ine",
    "-clike",
    "-ilike",
    "-cmatch",
    "-imatch",
    "-csplit",
    "-isplit",
];

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Option<Expression> {
        if !self.enter() {
            self.depth -= 1;
            return None;
        }
        let first = self.unary_list(true);
        let whole = first.map(|first| self.operators(first, true));
        self.depth -= 1;
        whole
    }

    /// `a, b, c`; in a list of parameters the comma parts those.
    pub(super) fn unary_list(&mut self, commas: bool) -> Option<Expression> {
        let first = self.unary()?;
        let mut all = vec![first];
        loop {
            if !commas {
                break;
            }
            let held = (self.rest, self.line);
            self.blanks();
            if self.peek() != Some(',') {
                (self.rest, self.line) = held;
                break;
            }
            self.one();
            self.skip(true);
            match self.unary() {
                Some(next) => all.push(next),
                None => break,
            }
        }
        if all.len() == 1 { all.pop() } else { Some(Expression::List(all)) }
    }

    pub(super) fn operators(&mut self, first: Expression, commas: bool) -> Expression {
        let mut left = first;
        loop {
            self.blanks();
            let lower: String = self.rest.chars().take(13).collect::<String>().to_ascii_lowercase();
            let word = OPERATORS.iter().find(|operator| {
                lower.starts_with(**operator)
                    && !lower[operator.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
            });
            let sign = ["+", "*", "/", "%", ".."]
                .into_iter()
                .find(|sign| self.rest.starts_with(sign) && !self.rest[sign.len()..].starts_with(['=', '+']));
            let minus = (self.rest.starts_with("- ")).then_some("-");
            let Some(operator) = word.copied().or(sign).or(minus) else { return left };
            self.take(operator.len());
            self.skip(true);
            let Some(right) = self.unary_list(commas || operator == "-f") else { return left };
            left = Expression::Binary(operator.to_owned(), Box::new(left), Box::new(right));
        }
    }

    pub(super) fn unary(&mut self) -> Option<Expression> {
        self.blanks();
        for operator in ["-not", "!", "++", "--", "-", "+", ","] {
            if self.rest.len() >= operator.len()
                && self.rest.get(..operator.len()).is_some_and(|it| it.eq_ignore_ascii_case(operator))
            {
                let unary_join = ["-join", "-split"]
                    .iter()
                    .find(|it| self.rest.get(..it.len()).is_some_and(|word| word.eq_ignore_ascii_case(it)));
                if unary_join.is_some() {
                    self.take(5);
                    self.enter_unary()?;
                    return Some(Expression::Not);
                }
                self.take(operator.len());
                self.enter_unary();
                return Some(Expression::Not);
            }
        }
        self.postfix_of_primary()
    }

    pub(super) fn enter_unary(&mut self) -> Option<Expression> {
        let inner = if self.enter() { self.unary() } else { None };
        self.depth -= 1;
        inner
    }

    pub(super) fn primary(&mut self) -> Option<Expression> {
        match self.peek()? {
            '$' if self.rest.starts_with("$(") => {
                self.take(2);
                Some(Expression::Inner(self.statements(Some(')'))))
            }
            '$' => Some(Expression::Variable(self.variable_name())),
            '@' if self.rest.starts_with("@(") => {
                self.take(2);
                let inner = self.statements(Some(')'));
                Some(Expression::List(vec![Expression::Inner(inner)]))
            }
            '@' if self.rest.starts_with("@{") => {
                self.take(2);
                Some(self.table())
            }
            '@' if self.rest.starts_with("@\"") || self.rest.starts_with("@'") => Some(self.here_string()),
            '@' => {
                self.one();
                Some(Expression::Splat(self.name()))
            }
            '(' => {
                self.one();
                Some(Expression::Inner(self.statements(Some(')'))))
            }
            '{' => {
                self.one();
                let statements = self.statements(Some('}'));
                Some(Expression::Block(Rc::new(body(Vec::new(), statements))))
            }
            '[' => {
                let name = self.bracketed().trim().to_lowercase();
                if self.rest.starts_with("::") {
                    return Some(Expression::Type(name));
                }
                self.blanks();
                let inner = self.enter_unary();
                Some(match inner {
                    Some(inner) => Expression::Cast(Box::new(inner)),
                    None => Expression::Type(name),
                })
            }
            quote @ ('"' | '\'') => Some(Expression::Text(self.string(quote))),
            sign if sign.is_alphanumeric() || "_.\\/%".contains(sign) => {
                let end = self
                    .rest
                    .find(|c: char| c.is_whitespace() || ";|(){},`\"'$]".contains(c))
                    .unwrap_or(self.rest.len());
                (end > 0).then(|| Expression::Bare(vec![Part::Text(self.take(end).to_owned())]))
            }
            _ => None,
        }
    }

    pub(super) fn table(&mut self) -> Expression {
        let mut pairs = Vec::new();
        if !self.enter() {
            self.depth -= 1;
            return Expression::Not;
        }
        let within = std::mem::take(&mut self.within);
        loop {
            self.skip(true);
            match self.peek() {
                None => break,
                Some('}') => {
                    self.one();
                    break;
                }
                Some(';' | ',') => self.one(),
                Some(sign) => {
                    let key = if matches!(sign, '"' | '\'') {
                        self.string(sign)
                            .into_iter()
                            .map(|part| if let Part::Text(text) = part { text } else { String::new() })
                            .collect()
                    } else {
                        let end = self
                            .rest
                            .find(|c: char| c.is_whitespace() || "=;}".contains(c))
                            .unwrap_or(self.rest.len());
                        self.take(end).to_owned()
                    };
                    self.skip(true);
                    if self.peek() != Some('=') {
                        if self.peek().is_some_and(|sign| sign != '}') {
                            self.one();
                        }
                        continue;
                    }
                    self.one();
                    self.skip(true);
                    let value = self.statement();
                    pairs.push((key.to_lowercase(), value.into_iter().collect()));
                }
            }
        }
        self.within = within;
        self.depth -= 1;
        Expression::Table(pairs)
    }

    pub(super) fn postfix_of_primary(&mut self) -> Option<Expression> {
        if !self.enter() {
            self.depth -= 1;
            return None;
        }
        let mut whole = self.primary();
        while let Some(inner) = whole.take() {
            let member =
                if self.rest.starts_with("::") { 2 } else { usize::from(self.rest.starts_with('.')) };
            let behind = self.rest[member..].chars().next();
            if member > 0
                && behind.is_some_and(|c| c.is_alphabetic() || c == '_')
                && !matches!(inner, Expression::Bare(_))
            {
                self.take(member);
                let name = self.name();
                if self.peek() == Some('(') {
                    self.one();
                    let given = self.given();
                    whole = Some(Expression::Call(Box::new(inner), name, given));
                } else {
                    whole = Some(Expression::Member(Box::new(inner), name));
                }
            } else if self.peek() == Some('[') && !matches!(inner, Expression::Bare(_) | Expression::Cast(_))
            {
                self.one();
                self.within += 1;
                let index = self.expression();
                self.within -= 1;
                self.skip(true);
                if self.peek() == Some(']') {
                    self.one();
                }
                whole = Some(Expression::Index(Box::new(inner), Box::new(index.unwrap_or(Expression::Not))));
            } else {
                whole = Some(inner);
                break;
            }
        }
        self.depth -= 1;
        whole
    }

    /// What a method is given.
    pub(super) fn given(&mut self) -> Vec<Expression> {
        let mut all = Vec::new();
        self.within += 1;
        loop {
            self.skip(true);
            match self.peek() {
                None => break,
                Some(')') => {
                    self.one();
                    break;
                }
                Some(',') => self.one(),
                _ => {
                    let before = self.rest.len();
                    if let Some(first) = self.unary_list(false) {
                        all.push(self.operators(first, false));
                    }
                    if self.rest.len() == before {
                        self.one();
                    }
                }
            }
        }
        self.within -= 1;
        all
    }
}
