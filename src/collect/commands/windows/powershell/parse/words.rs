//! Commands of PowerShell with their arguments, redirections, strings and names. Variables stay variables here.

use super::{Command, Expression, Parser, Part};

impl Parser<'_> {
    pub(super) fn redirects(&mut self) -> Vec<Expression> {
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

    pub(super) fn command(&mut self, how: char) -> Option<Command> {
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
    pub(super) fn argument(&mut self) -> Option<Expression> {
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

    pub(super) fn ends_word(&self) -> bool {
        self.peek().is_none_or(|sign| sign.is_whitespace() || ";|)},]".contains(sign))
    }

    pub(super) fn name(&mut self) -> String {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        self.take(end).to_lowercase()
    }

    /// `$name`, `${name}`, `$scope:name`, in lower case without the scope; variables of the environment keep theirs.
    pub(super) fn variable_name(&mut self) -> String {
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
    pub(super) fn string(&mut self, quote: char) -> Vec<Part> {
        self.one();
        self.string_up_to(quote, None)
    }

    pub(super) fn string_up_to(&mut self, quote: char, close: Option<&str>) -> Vec<Part> {
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

    pub(super) fn here_string(&mut self) -> Expression {
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
}
