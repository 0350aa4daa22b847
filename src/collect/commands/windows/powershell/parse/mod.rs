//! PowerShell text as a tree ("about_Parsing", "about_Operators", "about_Quoting_Rules"): statements, pipelines, commands
//! with their arguments, expressions. Operators are taken from left to right, and what it does not take is skipped to
//! the end of its line. Nothing is evaluated here.

mod expressions;
mod statements;
mod words;

use super::super::{MAX_DEPTH, boundary};
use std::rc::Rc;

/// A part of a string or a bare word.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Text(String),
    Variable(String),
    Inner(Vec<Statement>),
    Expression(Box<Expression>),
}

#[derive(Debug, Clone)]
pub(super) enum Expression {
    Text(Vec<Part>),
    /// A word without quotes.
    Bare(Vec<Part>),
    Variable(String),
    Splat(String),
    Member(Box<Expression>, String),
    Call(Box<Expression>, String, Vec<Expression>),
    Type(String),
    Cast(Box<Expression>),
    Index(Box<Expression>, Box<Expression>),
    Table(Vec<(String, Vec<Statement>)>),
    List(Vec<Expression>),
    Inner(Vec<Statement>),
    Block(Rc<Body>),
    Binary(String, Box<Expression>, Box<Expression>),
    Not,
}

/// A script block or a function's body.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub parameters: Vec<(String, Option<Expression>)>,
    pub statements: Vec<Statement>,
}

#[derive(Debug, Clone)]
pub(super) struct Command {
    /// `&`, `.` or a space.
    pub how: char,
    pub name: Expression,
    pub arguments: Vec<Expression>,
    pub line: u64,
    /// Files of `>` and `>>`.
    pub writes: Vec<Expression>,
}

#[derive(Debug, Clone)]
pub(super) enum Stage {
    Command(Command),
    Expression(Expression, Vec<Expression>, u64),
}

#[derive(Debug, Clone)]
pub(super) enum Statement {
    Assign(Expression, bool, Box<Statement>),
    Pipeline(Vec<Stage>),
    If(Vec<(Vec<Statement>, Vec<Statement>)>, Option<Vec<Statement>>),
    Each(String, Vec<Statement>, Vec<Statement>),
    Loop(Vec<Statement>),
    Switch(Vec<Statement>, Vec<Vec<Statement>>),
    Try(Vec<Statement>, Vec<Vec<Statement>>, Vec<Statement>),
    Function(String, Rc<Body>),
    Return(Option<Box<Statement>>),
    Block(Vec<Statement>),
    Parameters(Vec<(String, Option<Expression>)>),
}

pub(super) struct Parser<'t> {
    rest: &'t str,
    line: u64,
    pinned: bool,
    depth: usize,
    pub deep: bool,
    /// Inside of brackets, where a line's end ends nothing.
    within: usize,
}

impl<'t> Parser<'t> {
    pub fn new(text: &'t str, line: u64, pinned: bool) -> Parser<'t> {
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        Parser { rest, line, pinned, depth: 0, deep: false, within: 0 }
    }

    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(boundary(self.rest, bytes));
        self.rest = rest;
        if !self.pinned {
            self.line += memchr::memchr_iter(b'\n', taken.as_bytes()).count() as u64;
        }
        taken
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn one(&mut self) {
        let bytes = self.peek().map_or(0, char::len_utf8);
        self.take(bytes);
    }

    /// Skips blanks, comments and continued lines; line ends too where `lines`.
    fn skip(&mut self, lines: bool) {
        loop {
            let rest = self.rest;
            if rest.starts_with("<#") {
                self.take(rest.find("#>").map_or(rest.len(), |at| at + 2));
            } else if rest.starts_with('#') {
                self.take(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("`\n") {
                self.take(2);
            } else if rest.starts_with("`\r\n") {
                self.take(3);
            } else if rest.starts_with('\n') {
                if !lines {
                    return;
                }
                self.take(1);
            } else if self.peek().is_some_and(char::is_whitespace) {
                self.one();
            } else {
                return;
            }
        }
    }

    fn blanks(&mut self) {
        self.skip(self.within > 0);
    }

    /// The word of letters that comes next, in lower case.
    fn keyword(&self) -> String {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let behind = self.rest[end..].chars().next();
        let ends = behind.is_none_or(|c| !c.is_ascii_alphanumeric() && !"_-.\\:=".contains(c));
        if ends { self.rest[..end].to_ascii_lowercase() } else { String::new() }
    }

    /// Goes one step deeper; tells whether it may.
    fn enter(&mut self) -> bool {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.deep = true;
            self.rest = "";
        }
        self.depth <= MAX_DEPTH
    }

    /// Statements up to a closing sign or the end.
    pub fn statements(&mut self, close: Option<char>) -> Vec<Statement> {
        let mut all = Vec::new();
        if !self.enter() {
            self.depth -= 1;
            return all;
        }
        let within = std::mem::take(&mut self.within);
        loop {
            self.skip(true);
            let Some(sign) = self.peek() else { break };
            if Some(sign) == close {
                self.one();
                break;
            }
            if matches!(sign, ';' | '}' | ')' | ']' | '|' | ',') {
                self.one();
                continue;
            }
            let before = self.rest.len();
            all.extend(self.statement());
            if self.rest.len() == before {
                // What is no statement is left out.
                self.one();
            }
        }
        self.within = within;
        self.depth -= 1;
        all
    }
}

/// A body whose `param` block, if any, gives its parameters.
fn body(mut parameters: Vec<(String, Option<Expression>)>, mut statements: Vec<Statement>) -> Body {
    let at = statements.iter().position(|statement| matches!(statement, Statement::Parameters(_)));
    if let Some(at) = at
        && let Statement::Parameters(own) = statements.remove(at)
    {
        parameters.extend(own);
    }
    Body { parameters, statements }
}
