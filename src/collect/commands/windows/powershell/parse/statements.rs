//! Statements of PowerShell ("about_If", "about_Foreach", "about_Try_Catch_Finally", "about_Functions") and pipelines. It
//! takes what it knows and leaves the rest of a line out.

use super::{Expression, Parser, Stage, Statement, body};
use std::rc::Rc;

impl<'t> Parser<'t> {
    /// `{ … }`.
    pub(super) fn block(&mut self) -> Vec<Statement> {
        self.skip(true);
        if self.peek() != Some('{') {
            return Vec::new();
        }
        self.one();
        self.statements(Some('}'))
    }

    /// `( … )`.
    pub(super) fn brackets(&mut self) -> Vec<Statement> {
        self.skip(true);
        if self.peek() != Some('(') {
            return Vec::new();
        }
        self.one();
        self.statements(Some(')'))
    }

    pub(super) fn statement(&mut self) -> Option<Statement> {
        let word = self.keyword();
        let length = word.len();
        match word.as_str() {
            "if" => {
                self.take(length);
                let mut ways = vec![(self.brackets(), self.block())];
                let mut other = None;
                loop {
                    let held = (self.rest, self.line);
                    self.skip(true);
                    match self.keyword().as_str() {
                        "elseif" => {
                            self.take(6);
                            ways.push((self.brackets(), self.block()));
                        }
                        "else" => {
                            self.take(4);
                            other = Some(self.block());
                            break;
                        }
                        _ => {
                            (self.rest, self.line) = held;
                            break;
                        }
                    }
                }
                Some(Statement::If(ways, other))
            }
            "foreach" if self.rest[length..].trim_start().starts_with('(') => {
                self.take(length);
                self.skip(true);
                self.one();
                self.skip(true);
                let name = if self.peek() == Some('$') { self.variable_name() } else { String::new() };
                self.skip(true);
                if self.keyword() == "in" {
                    self.take(2);
                }
                let list = self.statements(Some(')'));
                Some(Statement::Each(name, list, self.block()))
            }
            "for" | "while" => {
                self.take(length);
                let mut all = self.brackets();
                all.extend(self.block());
                Some(Statement::Loop(all))
            }
            "do" => {
                self.take(length);
                let mut all = self.block();
                self.skip(true);
                let tail = self.keyword();
                if matches!(tail.as_str(), "while" | "until") {
                    self.take(tail.len());
                    all.extend(self.brackets());
                }
                Some(Statement::Loop(all))
            }
            "switch" => {
                self.take(length);
                self.skip(true);
                while self.peek() == Some('-') {
                    self.take(self.rest.find([' ', '(']).unwrap_or(self.rest.len()));
                    self.skip(true);
                }
                let asked = self.brackets();
                Some(Statement::Switch(asked, self.cases()))
            }
            "try" => {
                self.take(length);
                let body = self.block();
                let (mut catches, mut finally) = (Vec::new(), Vec::new());
                loop {
                    let held = (self.rest, self.line);
                    self.skip(true);
                    match self.keyword().as_str() {
                        "catch" => {
                            self.take(5);
                            self.skip(true);
                            while self.peek().is_some_and(|sign| matches!(sign, '[' | ',')) {
                                self.take(
                                    self.rest
                                        .find([']', '{'])
                                        .map_or(1, |at| at + usize::from(self.rest[at..].starts_with(']')))
                                        .max(1),
                                );
                                self.skip(true);
                            }
                            catches.push(self.block());
                        }
                        "finally" => {
                            self.take(7);
                            finally = self.block();
                        }
                        _ => {
                            (self.rest, self.line) = held;
                            break;
                        }
                    }
                }
                Some(Statement::Try(body, catches, finally))
            }
            "function" | "filter" | "workflow" => {
                self.take(length);
                self.skip(true);
                let end = self
                    .rest
                    .find(|c: char| c.is_whitespace() || "({".contains(c))
                    .unwrap_or(self.rest.len());
                let name = self.take(end).to_ascii_lowercase();
                let name = name.rsplit(':').next().unwrap_or("").to_owned();
                self.skip(true);
                let mut parameters = Vec::new();
                if self.peek() == Some('(') {
                    parameters = self.parameters();
                }
                let statements = self.block();
                Some(Statement::Function(name, Rc::new(body(parameters, statements))))
            }
            "param" if self.rest[length..].trim_start().starts_with('(') => {
                self.take(length);
                self.skip(true);
                Some(Statement::Parameters(self.parameters()))
            }
            "return" | "throw" | "exit" => {
                self.take(length);
                self.skip(false);
                let ends = self.peek().is_none_or(|sign| matches!(sign, '\n' | '\r' | ';' | '}'));
                let value = if ends { None } else { self.statement().map(Box::new) };
                Some(if word == "return" {
                    Statement::Return(value)
                } else {
                    Statement::Block(value.into_iter().map(|value| *value).collect())
                })
            }
            "begin" | "process" | "end" | "trap" | "dynamicparam"
                if self.rest[length..].trim_start().starts_with('{') =>
            {
                self.take(length);
                Some(Statement::Block(self.block()))
            }
            "class" | "enum" | "configuration" => {
                self.take(self.rest.find(['{', '\n']).unwrap_or(self.rest.len()));
                self.block();
                None
            }
            "using" | "break" | "continue" => {
                self.take(self.rest.find(['\n', ';', '}']).unwrap_or(self.rest.len()));
                None
            }
            _ => self.pipeline(),
        }
    }

    /// The cases of `switch`.
    pub(super) fn cases(&mut self) -> Vec<Vec<Statement>> {
        let mut all = Vec::new();
        self.skip(true);
        if self.peek() != Some('{') {
            return all;
        }
        self.one();
        loop {
            self.skip(true);
            match self.peek() {
                None => return all,
                Some('}') => {
                    self.one();
                    return all;
                }
                Some('{') => all.push(self.block()),
                _ => {
                    let before = self.rest.len();
                    self.argument();
                    if self.rest.len() == before {
                        self.one();
                    }
                }
            }
        }
    }

    /// `( [type]$name = default, … )`.
    pub(super) fn parameters(&mut self) -> Vec<(String, Option<Expression>)> {
        let mut all = Vec::new();
        self.one();
        self.within += 1;
        loop {
            self.skip(true);
            match self.peek() {
                None => break,
                Some(')') => {
                    self.one();
                    break;
                }
                Some('[') => {
                    self.bracketed();
                }
                Some('$') => {
                    let name = self.variable_name();
                    self.skip(true);
                    let mut default = None;
                    if self.peek() == Some('=') {
                        self.one();
                        self.skip(true);
                        default = self.unary_list(false);
                        default = default.map(|first| self.operators(first, false));
                    }
                    all.push((name, default));
                }
                _ => self.one(),
            }
        }
        self.within -= 1;
        all
    }

    /// The text between brackets that nest: `[string[]]`.
    pub(super) fn bracketed(&mut self) -> &'t str {
        let (mut open, mut quote) = (0usize, None);
        for (at, sign) in self.rest.char_indices() {
            match (sign, quote) {
                (sign, Some(close)) if sign == close => quote = None,
                (_, Some(_)) => {}
                ('\'' | '"', None) => quote = Some(sign),
                ('[', None) => open += 1,
                (']', None) => {
                    open -= 1;
                    if open == 0 {
                        let taken = self.take(at + 1);
                        return &taken[1..taken.len() - 1];
                    }
                }
                _ => {}
            }
        }
        self.take(1);
        ""
    }

    pub(super) fn pipeline(&mut self) -> Option<Statement> {
        let mut stages = Vec::new();
        loop {
            let line = self.line;
            match self.peek()? {
                '&' | '.'
                    if !self.rest[1..]
                        .starts_with(|c: char| c == '&' || c.is_ascii_digit() || "\\/.".contains(c)) =>
                {
                    let how = self.peek().unwrap_or('&');
                    self.one();
                    self.blanks();
                    stages.push(Stage::Command(self.command(how)?));
                }
                '$' | '(' | '[' | '@' | '"' | '\'' | '!' | '-' | '+' | '{' | '0'..='9' => {
                    let expression = self.expression()?;
                    self.blanks();
                    let operator = ["=", "+=", "-=", "*=", "/=", "%=", "??="]
                        .into_iter()
                        .find(|operator| self.rest.starts_with(operator) && !self.rest.starts_with("=="));
                    if let Some(operator) = operator.filter(|_| stages.is_empty()) {
                        self.take(operator.len());
                        self.skip(true);
                        let value = self.statement()?;
                        return Some(Statement::Assign(expression, operator == "+=", Box::new(value)));
                    }
                    let writes = self.redirects();
                    stages.push(Stage::Expression(expression, writes, line));
                }
                _ => stages.push(Stage::Command(self.command(' ')?)),
            }
            self.blanks();
            // A pipe may begin the next line.
            let held = (self.rest, self.line);
            self.skip(true);
            if !self.rest.starts_with('|') {
                (self.rest, self.line) = held;
            }
            if self.rest.starts_with('|') && !self.rest.starts_with("||") {
                self.one();
                self.skip(true);
                continue;
            }
            if self.rest.starts_with("&&") || self.rest.starts_with("||") {
                self.take(2);
                self.skip(true);
            }
            return Some(Statement::Pipeline(stages));
        }
    }
}
