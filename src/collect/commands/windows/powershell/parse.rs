//! PowerShell text as a tree ("about_Parsing", "about_Operators", "about_Quoting_Rules"): statements, pipelines, commands
//! with their arguments, expressions. Operators are taken from left to right, and what it does not take is skipped to
//! the end of its line. Nothing is evaluated here.

use super::super::MAX_DEPTH;
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

impl<'t> Parser<'t> {
    pub fn new(text: &'t str, line: u64, pinned: bool) -> Parser<'t> {
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        Parser { rest, line, pinned, depth: 0, deep: false, within: 0 }
    }

    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(bytes.min(self.rest.len()));
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

    /// `{ … }`.
    fn block(&mut self) -> Vec<Statement> {
        self.skip(true);
        if self.peek() != Some('{') {
            return Vec::new();
        }
        self.one();
        self.statements(Some('}'))
    }

    /// `( … )`.
    fn brackets(&mut self) -> Vec<Statement> {
        self.skip(true);
        if self.peek() != Some('(') {
            return Vec::new();
        }
        self.one();
        self.statements(Some(')'))
    }

    fn statement(&mut self) -> Option<Statement> {
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
    fn cases(&mut self) -> Vec<Vec<Statement>> {
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
    fn parameters(&mut self) -> Vec<(String, Option<Expression>)> {
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
    fn bracketed(&mut self) -> &'t str {
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

    fn pipeline(&mut self) -> Option<Statement> {
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

    fn redirects(&mut self) -> Vec<Expression> {
        let mut files = Vec::new();
        loop {
            self.blanks();
            let digits = usize::from(self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '*'));
            if !self.rest[digits..].starts_with('>') {
                return files;
            }
            let descriptor = self.take(digits);
            self.take(if self.rest.starts_with(">>") { 2 } else { 1 });
            if self.rest.starts_with('&') {
                self.take(2);
                continue;
            }
            self.blanks();
            if let Some(target) = self.argument() {
                if matches!(descriptor, "" | "1" | "*") {
                    files.push(target);
                }
            } else {
                return files;
            }
        }
    }

    fn command(&mut self, how: char) -> Option<Command> {
        let line = self.line;
        let name = self.argument()?;
        let (mut arguments, mut writes) = (Vec::new(), Vec::new());
        loop {
            self.blanks();
            let digit = self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '*')
                && self.rest[1..].starts_with('>');
            match self.peek() {
                None | Some('\n' | ';' | '|' | ')' | '}' | '&' | ']') => break,
                Some('>') => writes.extend(self.redirects()),
                _ if digit => writes.extend(self.redirects()),
                Some('<') => self.one(),
                Some(',') => {
                    self.one();
                    self.skip(true);
                    let next = self.argument();
                    match (arguments.pop(), next) {
                        (Some(Expression::List(mut all)), Some(next)) => {
                            all.push(next);
                            arguments.push(Expression::List(all));
                        }
                        (Some(first), Some(next)) => arguments.push(Expression::List(vec![first, next])),
                        (first, _) => arguments.extend(first),
                    }
                }
                _ => {
                    let before = self.rest.len();
                    arguments.extend(self.argument());
                    if self.rest.len() == before {
                        self.one();
                    }
                }
            }
        }
        Some(Command { how, name, arguments, line, writes })
    }

    /// An argument of a command.
    fn argument(&mut self) -> Option<Expression> {
        match self.peek()? {
            '(' | '{' => return self.postfix_of_primary(),
            '@' if self.rest[1..].starts_with(['(', '{', '\'', '"']) => return self.postfix_of_primary(),
            '@' if self.rest[1..].starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                self.one();
                return Some(Expression::Splat(self.name()));
            }
            _ => {}
        }
        let mut parts = Vec::new();
        let mut quoted = false;
        while let Some(sign) = self.peek() {
            match sign {
                '"' | '\'' => {
                    quoted = true;
                    parts.extend(self.string(sign));
                }
                '$' if self.rest[1..].starts_with(|c: char| c.is_alphanumeric() || "_({?".contains(c)) => {
                    // Inside of a word a dot is no member's.
                    if !parts.is_empty() {
                        if self.rest.starts_with("$(") {
                            self.take(2);
                            parts.push(Part::Inner(self.statements(Some(')'))));
                        } else {
                            parts.push(Part::Variable(self.variable_name()));
                        }
                        continue;
                    }
                    let expression = self.postfix_of_primary()?;
                    if self.ends_word() {
                        return Some(expression);
                    }
                    parts.push(Part::Expression(Box::new(expression)));
                }
                '`' if !self.rest[1..].starts_with(['\n', '\r']) => {
                    self.one();
                    let next = self.peek().map_or(0, char::len_utf8);
                    parts.push(Part::Text(self.take(next).to_owned()));
                }
                '(' if parts.is_empty() => break,
                _ if sign.is_whitespace() || ";|)}{,`".contains(sign) => break,
                '(' => break,
                '&' if parts.is_empty() => break,
                _ => {
                    let end = self
                        .rest
                        .find(|c: char| c.is_whitespace() || ";|(){},`\"'$".contains(c))
                        .unwrap_or(self.rest.len())
                        .max(sign.len_utf8());
                    parts.push(Part::Text(self.take(end).to_owned()));
                }
            }
        }
        match parts.is_empty() {
            true if !quoted => None,
            _ if quoted => Some(Expression::Text(parts)),
            _ => Some(Expression::Bare(parts)),
        }
    }

    fn ends_word(&self) -> bool {
        self.peek().is_none_or(|sign| sign.is_whitespace() || ";|)},]".contains(sign))
    }

    fn name(&mut self) -> String {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        self.take(end).to_lowercase()
    }

    /// `$name`, `${name}`, `$scope:name`, in lower case without the scope; variables of the environment keep theirs.
    fn variable_name(&mut self) -> String {
        self.one();
        let name = if self.rest.starts_with('{') {
            let end = self.rest.find('}').unwrap_or(self.rest.len() - 1);
            self.take(end + 1).trim_matches(['{', '}']).to_lowercase()
        } else if self.rest.starts_with(['$', '?', '^']) {
            self.take(1).to_owned()
        } else {
            let mut name = self.name();
            let scoped = self
                .rest
                .strip_prefix(':')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_alphabetic() || c == '_'));
            if scoped && !name.is_empty() {
                self.one();
                name = format!("{name}:{}", self.name());
            }
            name
        };
        let scopes = ["script:", "global:", "local:", "private:", "using:"];
        scopes.iter().find_map(|scope| name.strip_prefix(scope)).map_or(name.clone(), str::to_owned)
    }

    /// A string's parts; a here-string begins with `@`.
    fn string(&mut self, quote: char) -> Vec<Part> {
        self.one();
        self.string_up_to(quote, None)
    }

    fn string_up_to(&mut self, quote: char, close: Option<&str>) -> Vec<Part> {
        let (mut parts, mut text) = (Vec::new(), String::new());
        while let Some(sign) = self.peek() {
            if let Some(close) = close {
                if self.rest.starts_with(close) {
                    self.take(close.len());
                    break;
                }
            } else if sign == quote {
                self.one();
                if self.peek() != Some(quote) {
                    break;
                }
                text.push(quote);
                self.one();
                continue;
            }
            match sign {
                '`' if quote == '"' => {
                    self.one();
                    match self.peek() {
                        Some('n') => text.push('\n'),
                        Some('t') => text.push('\t'),
                        Some('r' | '0') | None => {}
                        Some('\n') => {}
                        Some(other) => text.push(other),
                    }
                    self.one();
                }
                '$' if quote == '"' && self.rest[1..].starts_with('(') => {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                    self.take(2);
                    let inner = self.statements(Some(')'));
                    parts.push(Part::Inner(inner));
                }
                '$' if quote == '"'
                    && self.rest[1..].starts_with(|c: char| c.is_alphanumeric() || "_{".contains(c)) =>
                {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                    let name = self.variable_name();
                    parts.push(Part::Variable(name));
                }
                _ => text.push_str(self.take(sign.len_utf8())),
            }
        }
        parts.push(Part::Text(text));
        parts
    }

    fn here_string(&mut self) -> Expression {
        let quote = if self.rest.starts_with("@'") { '\'' } else { '"' };
        self.take(2);
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        self.take(end);
        let close = if quote == '"' { "\"@" } else { "'@" };
        // An empty one closes on the next line.
        if self.rest.starts_with(close) {
            self.take(2);
            return Expression::Text(Vec::new());
        }
        let close = format!("\n{close}");
        Expression::Text(self.string_up_to(quote, Some(&close)))
    }

    fn expression(&mut self) -> Option<Expression> {
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
    fn unary_list(&mut self, commas: bool) -> Option<Expression> {
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

    fn operators(&mut self, first: Expression, commas: bool) -> Expression {
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

    fn unary(&mut self) -> Option<Expression> {
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

    fn enter_unary(&mut self) -> Option<Expression> {
        let inner = if self.enter() { self.unary() } else { None };
        self.depth -= 1;
        inner
    }

    fn primary(&mut self) -> Option<Expression> {
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

    fn table(&mut self) -> Expression {
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

    fn postfix_of_primary(&mut self) -> Option<Expression> {
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
    fn given(&mut self) -> Vec<Expression> {
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
