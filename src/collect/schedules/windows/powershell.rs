//! The words of PowerShell as far as calls of commands need them ("about_Parsing"): calls with their parameters, values
//! given to variables once, tables of parameters (`@{ … }`) that are splatted. Nothing is evaluated: what a script
//! computes stays a placeholder.

use std::collections::BTreeMap;
use std::ops::Range;

/// How many words of a script are read.
const MAX_TOKENS: usize = 200_000;
/// How often a variable may lead to another one.
const MAX_STEPS: usize = 8;

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare word, `-Name` among them.
    Word(String),
    /// A variable's name without its sign; splatted where it has `@`.
    Variable(String, bool),
    /// A string; variables in it as `${name}`.
    Text(String),
    /// A sign.
    Sign(char),
    /// The end of a statement.
    End,
}

/// A script.
pub(super) struct Script {
    tokens: Vec<(Token, u64)>,
    /// What each variable is given; nothing where it is given more than once.
    values: BTreeMap<String, Option<Range<usize>>>,
}

/// A command with its parameters, by their names in lower case.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// Where the values stand; empty for a switch.
    given: BTreeMap<String, Range<usize>>,
    /// Its line, counted from 1.
    pub line: u64,
    /// Which word of the script it begins with.
    pub at: usize,
}

impl Call {
    /// Whether a parameter is given.
    pub fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }
}

impl Script {
    /// Of a text.
    pub fn of(text: &str) -> Script {
        let tokens = tokens(text);
        let mut values: BTreeMap<String, Option<Range<usize>>> = BTreeMap::new();
        for at in 0..tokens.len().saturating_sub(2) {
            let (Token::Variable(name, false), Token::Sign('=')) = (&tokens[at].0, &tokens[at + 1].0) else {
                continue;
            };
            let range = at + 2..end(&tokens, at + 2);
            values.entry(name.to_lowercase()).and_modify(|known| *known = None).or_insert(Some(range));
        }
        Script { tokens, values }
    }

    /// All calls of a command.
    pub fn calls(&self, command: &str) -> Vec<Call> {
        self.calls_in(command, 0..self.tokens.len())
    }

    fn calls_in(&self, command: &str, within: Range<usize>) -> Vec<Call> {
        let is = |at: &usize| matches!(&self.tokens[*at].0, Token::Word(word) if word.eq_ignore_ascii_case(command));
        within.filter(is).map(|at| self.call(at)).collect()
    }

    /// The calls of a command that a parameter's value holds, or what its variables were given.
    pub fn calls_of(&self, call: &Call, parameter: &str, command: &str) -> Vec<Call> {
        let Some(range) = call.given.get(parameter) else { return Vec::new() };
        let mut found = Vec::new();
        self.follow(range.clone(), command, 0, &mut found);
        found
    }

    fn follow(&self, range: Range<usize>, command: &str, depth: usize, found: &mut Vec<Call>) {
        found.extend(self.calls_in(command, range.clone()));
        if depth == MAX_STEPS {
            return;
        }
        for at in range {
            if let Token::Variable(name, _) = &self.tokens[at].0
                && let Some(Some(value)) = self.values.get(&name.to_lowercase())
                // A value that speaks of its own variable leads nowhere.
                && !value.contains(&at)
            {
                self.follow(value.clone(), command, depth + 1, found);
            }
        }
    }

    fn call(&self, at: usize) -> Call {
        let last = end(&self.tokens, at);
        let mut call = Call { line: self.tokens[at].1, at, ..Call::default() };
        let mut next = at + 1;
        while next < last {
            match &self.tokens[next].0 {
                Token::Word(word) if word.starts_with('-') && word.len() > 1 => {
                    let name = word[1..].trim_end_matches(':').to_lowercase();
                    let from = next + 1;
                    next = self.value_end(from, last);
                    call.given.insert(name, from..next);
                }
                Token::Variable(name, true) => {
                    self.splat(name, &mut call);
                    next += 1;
                }
                _ => next += 1,
            }
        }
        call
    }

    /// Where the value that begins here ends: at the next parameter.
    fn value_end(&self, from: usize, last: usize) -> usize {
        let mut depth = 0usize;
        for at in from..last {
            match &self.tokens[at].0 {
                Token::Sign('(' | '{') => depth += 1,
                Token::Sign(')' | '}') => depth = depth.saturating_sub(1),
                Token::Word(word)
                    if depth == 0 && word.starts_with('-') && word[1..].starts_with(char::is_alphabetic) =>
                {
                    return at;
                }
                Token::Variable(_, true) if depth == 0 => return at,
                _ => {}
            }
        }
        last
    }

    /// The entries of a table of parameters.
    fn splat(&self, name: &str, call: &mut Call) {
        let Some(Some(range)) = self.values.get(&name.to_lowercase()) else { return };
        let mut at = range.start;
        while at + 1 < range.end {
            if let (Token::Word(key), Token::Sign('=')) = (&self.tokens[at].0, &self.tokens[at + 1].0) {
                let from = at + 2;
                let last = end(&self.tokens, from).min(range.end);
                call.given.insert(key.to_lowercase(), from..last);
                at = last;
            } else {
                at += 1;
            }
        }
    }

    /// A parameter as one text: a string, a bare word, or a variable that was given one. What is computed is a
    /// placeholder.
    pub fn text(&self, call: &Call, parameter: &str) -> Option<String> {
        Some(self.list(call, parameter)?.join(","))
    }

    /// A parameter as a list of texts.
    pub fn list(&self, call: &Call, parameter: &str) -> Option<Vec<String>> {
        let range = call.given.get(parameter).filter(|range| !range.is_empty())?;
        let texts = self.texts(range.clone(), 0);
        Some(texts.unwrap_or_else(|| vec![format!("${{{parameter}}}")]))
    }

    /// The one argument of a method that a parameter's value calls: `[TimeSpan]::FromMinutes(5)`.
    pub fn argument_of(&self, call: &Call, parameter: &str, method: &str) -> Option<String> {
        let range = call.given.get(parameter)?;
        let words = self.tokens.get(range.clone())?.windows(4);
        let mut found = words.filter_map(|it| match it {
            [
                (Token::Word(name), _),
                (Token::Sign('('), _),
                (Token::Word(number), _),
                (Token::Sign(')'), _),
            ] => name.eq_ignore_ascii_case(method).then(|| number.clone()),
            _ => None,
        });
        found.next()
    }

    /// What stands right behind a command, where that is no parameter.
    pub fn first_text(&self, call: &Call) -> Option<String> {
        let next = call.at + 1;
        match &self.tokens.get(next)?.0 {
            Token::Word(word) if word.starts_with('-') => None,
            Token::Word(_) | Token::Text(_) | Token::Variable(_, false) => {
                self.texts(next..next + 1, 0).map(|texts| texts.join(","))
            }
            _ => None,
        }
    }

    /// The call of a command whose output a call is given: `Get-ScheduledTask x | Disable-ScheduledTask`.
    pub fn piped_into(&self, call: &Call, command: &str) -> Option<Call> {
        let pipe = call.at.checked_sub(1).filter(|at| self.tokens[*at].0 == Token::Sign('|'))?;
        let begins = self.tokens[..pipe]
            .iter()
            .rposition(|(token, _)| matches!(token, Token::End | Token::Sign('|' | '{' | '}')));
        self.calls_in(command, begins.map_or(0, |at| at + 1)..pipe).into_iter().next()
    }

    /// Whether a call comes behind another one whenever the script gets to the end of the other's block: it stands in that
    /// block or in one around it, and in none of its own.
    pub fn follows(&self, first: &Call, call: &Call) -> bool {
        let (mut depth, mut least) = (0i64, 0i64);
        for (token, _) in self.tokens.get(first.at..call.at).unwrap_or(&[]) {
            depth += i64::from(*token == Token::Sign('{')) - i64::from(*token == Token::Sign('}'));
            least = least.min(depth);
        }
        depth == least
    }

    fn texts(&self, range: Range<usize>, depth: usize) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        for at in range.clone() {
            match &self.tokens[at].0 {
                Token::Text(text) => texts.push(text.clone()),
                Token::Word(word) => texts.push(word.clone()),
                Token::Variable(name, _) => {
                    let value = self.values.get(&name.to_lowercase()).and_then(Option::as_ref);
                    let known = value.filter(|value| depth < MAX_STEPS && !value.contains(&at));
                    match known.map(|value| self.texts(value.clone(), depth + 1)) {
                        Some(Some(known)) => texts.extend(known),
                        _ => texts.push(format!("${{{name}}}")),
                    }
                }
                Token::Sign(',' | '@') | Token::End => {}
                Token::Sign('(' | ')') if self.tokens[range.clone()].iter().all(|(it, _)| plain(it)) => {}
                _ => return None,
            }
        }
        Some(texts)
    }
}

/// Whether brackets around such words only group them.
fn plain(token: &Token) -> bool {
    match token {
        Token::Text(_) | Token::Variable(..) | Token::Sign('(' | ')' | ',' | '@') | Token::End => true,
        Token::Word(_) | Token::Sign(_) => false,
    }
}

/// Where the statement that begins here ends: at the end of a line or a bracket that was open before.
fn end(tokens: &[(Token, u64)], from: usize) -> usize {
    let mut depth = 0usize;
    for (at, (token, _)) in tokens.iter().enumerate().skip(from) {
        match token {
            Token::Sign('(' | '{') => depth += 1,
            Token::Sign(')' | '}') if depth == 0 => return at,
            Token::Sign(')' | '}') => depth -= 1,
            Token::End | Token::Sign('|') if depth == 0 => return at,
            _ => {}
        }
    }
    tokens.len()
}

/// A string with `$name` and `$env:NAME` as `${name}`.
fn filled(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let end = after.find(|c: char| !c.is_alphanumeric() && !"_:".contains(c)).unwrap_or(after.len());
        let name = after[..end].trim_end_matches(':');
        match name {
            "" => out.push('$'),
            name => out.push_str(&format!("${{{name}}}")),
        }
        rest = &after[name.len()..];
    }
    out + rest
}

fn tokens(text: &str) -> Vec<(Token, u64)> {
    let (mut tokens, mut rest, mut line) = (Vec::new(), text, 1u64);
    while let Some(first) = rest.chars().next() {
        if tokens.len() == MAX_TOKENS {
            break;
        }
        let until = |text: &str, end: &str| text.find(end).map_or(text.len(), |at| at + end.len());
        let (token, length) = if rest.starts_with("<#") {
            (None, until(rest, "#>"))
        } else if first == '#' {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("`\r\n") || rest.starts_with("`\n") {
            (None, rest.find('\n').map_or(rest.len(), |at| at + 1))
        } else if rest.starts_with("@'") || rest.starts_with("@\"") {
            let close = if rest.starts_with("@'") { "\n'@" } else { "\n\"@" };
            let length = 2 + until(&rest[2..], close);
            let body = rest[2..length].strip_suffix(close).unwrap_or(&rest[2..length]);
            (Some(Token::Text(body.trim_start_matches(['\r', '\n']).to_owned())), length)
        } else if first == '\'' || first == '"' {
            let (text, length) = string(rest, first);
            (Some(Token::Text(if first == '"' { filled(&text) } else { text })), length)
        } else if (matches!(first, '$' | '@')
            && rest[1..].starts_with(|c: char| c.is_alphabetic() || c == '_'))
            || rest.starts_with("${")
        {
            let body = rest[1..].trim_start_matches('{');
            let length = body.find(|c: char| !c.is_alphanumeric() && !"_:".contains(c)).unwrap_or(body.len());
            let braces = usize::from(rest[1..].starts_with('{'));
            let close = usize::from(braces == 1 && body[length..].starts_with('}'));
            (Some(Token::Variable(body[..length].to_owned(), first == '@')), 1 + braces + length + close)
        } else if matches!(first, '\n' | ';') {
            (Some(Token::End), 1)
        } else if first.is_whitespace() || first == '`' {
            (None, first.len_utf8())
        } else if "(){}=,|@$&".contains(first) {
            (Some(Token::Sign(first)), 1)
        } else {
            let length = rest
                .find(|c: char| c.is_whitespace() || "(){}=,|;\"'".contains(c))
                .unwrap_or(rest.len())
                .max(1);
            (Some(Token::Word(rest[..length].to_owned())), length)
        };
        tokens.extend(token.map(|token| (token, line)));
        line += rest[..length].matches('\n').count() as u64;
        rest = &rest[length..];
    }
    tokens
}

/// A string and its length with its quotes; a quote is doubled, or has a backtick in front where variables are filled in.
fn string(text: &str, quote: char) -> (String, usize) {
    let (mut value, mut chars) = (String::new(), text.char_indices().skip(1).peekable());
    while let Some((at, c)) = chars.next() {
        if c == quote {
            match chars.next_if(|(_, next)| *next == quote) {
                Some(_) => value.push(quote),
                None => return (value, at + 1),
            }
        } else if c == '`' && quote == '"' {
            if let Some((_, escaped)) = chars.next() {
                value.push(escaped);
            }
        } else {
            value.push(c);
        }
    }
    (value, text.len())
}
