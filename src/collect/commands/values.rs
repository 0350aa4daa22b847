//! What a shell puts in place of `$NAME`, `${NAME:-default}` and `$(command)`: known values, defaults, parts of paths,
//! dates, the script's own folder. It works on text, never runs a command, and answers `{}` where only a run can tell.

use super::normal;
use super::shell::Shell;
use super::words::UNKNOWN;
use crate::evidence::scrub::names_secret;

/// How deep expansions may nest in text.
const MAX_NESTED: usize = 24;
/// How long a value is whose parts are told by patterns.
const MAX_MATCHED: usize = 1024;

/// Where a bracket that is opened in front of `text` closes, quotes and inner brackets skipped.
pub(super) fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0usize, None, false);
    for (at, sign) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match (quote, sign) {
            (_, '\\') if quote != Some('\'') => escaped = true,
            (Some(own), _) if sign == own => quote = None,
            // Inside double quotes brackets of expansions count all the same.
            (Some('\''), _) => {}
            (None, '\'' | '"') => quote = Some(sign),
            (_, _) if sign == open => depth += 1,
            (_, _) if sign == close => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return Some(at),
            },
            _ => {}
        }
    }
    None
}

/// Where a command substitution in backticks ends, of the text behind the first.
pub(super) fn end_of_backticks(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, sign)| {
        let ends = sign == '`' && !escaped;
        escaped = sign == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// The commands of several substitutions in backticks that the grammar takes for one: `` `a` `b` ``; of one, none.
pub(super) fn in_backticks(text: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), text.trim_start());
    if !rest.starts_with('`') || end_of_backticks(&rest[1..]).is_none_or(|end| end + 2 >= rest.len()) {
        return found;
    }
    while let Some((_, inner)) = rest.split_once('`') {
        let end = end_of_backticks(inner).unwrap_or(inner.len());
        found.push(&inner[..end]);
        rest = inner.get(end + 1..).unwrap_or("");
    }
    found
}

impl Shell<'_> {
    /// What a name stands for, where that is known: a variable, a numbered argument, or what every shell sets.
    fn known(&self, name: &str) -> Option<String> {
        if let Ok(number) = name.parse::<usize>() {
            return match (number, &self.state.arguments) {
                // The script itself: its folder is known, how it is called is not.
                (0, _) => self.own_folder.as_ref().map(|folder| format!("{folder}/{UNKNOWN}")),
                (_, None) => None,
                (number, Some(arguments)) => Some(arguments.get(number - 1).cloned().unwrap_or_default()),
            };
        }
        if names_secret(name) {
            return None;
        }
        self.state.env.get(name).cloned().or_else(|| match name {
            "HOME" => Some("~".to_owned()),
            "PWD" => self.state.folder.clone(),
            "HOSTNAME" => self.host.as_deref().map(str::to_owned),
            "USER" | "LOGNAME" => self.state.account.clone(),
            "BASH_SOURCE" => self.known("0"),
            _ => None,
        })
    }

    pub(super) fn variable(&self, name: &str) -> String {
        self.known(name).unwrap_or_else(|| UNKNOWN.to_owned())
    }

    /// `${NAME}` with its operators (POSIX, "Parameter Expansion"; bash(1)). What an operator makes of an unknown value
    /// is unknown.
    pub(super) fn parameter(&self, text: &str, depth: usize) -> String {
        let inner = text.strip_prefix("${").unwrap_or(text);
        let inner = inner.strip_suffix('}').unwrap_or(inner);
        let end = inner.bytes().position(|b| !b.is_ascii_alphanumeric() && b != b'_').unwrap_or(inner.len());
        let (name, rest) = inner.split_at(end);
        if name.is_empty() {
            return UNKNOWN.to_owned();
        }
        let (value, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((index, rest)) if !names_secret(name) => (self.element(name, index), rest),
            Some((_, rest)) => (None, rest),
            None => (self.known(name), rest),
        };
        let default = [":-", ":=", "-", "="].iter().find_map(|operator| rest.strip_prefix(operator));
        if let Some(default) = default {
            return match value.filter(|value| !value.is_empty()) {
                Some(value) => value,
                None if names_secret(name) => UNKNOWN.to_owned(),
                None => self.expand(default, depth + 1),
            };
        }
        if let Some(other) = rest.strip_prefix(":+").or_else(|| rest.strip_prefix('+')) {
            return match value {
                Some(value) if value.is_empty() => String::new(),
                Some(value) if value != UNKNOWN => self.expand(other, depth + 1),
                _ => UNKNOWN.to_owned(),
            };
        }
        let Some(value) = value else { return UNKNOWN.to_owned() };
        if rest.is_empty() || rest.starts_with(":?") || rest.starts_with('?') {
            return value;
        }
        if value.len() > MAX_MATCHED || depth > MAX_NESTED || !self.may_work(value.len() * value.len()) {
            return UNKNOWN.to_owned();
        }
        self.operated(&value, rest, depth).unwrap_or_else(|| UNKNOWN.to_owned())
    }

    /// One element of an array, or all in one text.
    fn element(&self, name: &str, index: &str) -> Option<String> {
        let Some(list) = self.state.arrays.get(name) else {
            return self.known(name).filter(|_| index == "0");
        };
        match index {
            "@" | "*" => Some(list.join(" ")),
            _ => list.get(index.parse::<usize>().ok()?).cloned(),
        }
    }

    /// What `#`, `##`, `%`, `%%`, `/`, `//`, `^^`, `,,` and `:from:length` make of a value.
    fn operated(&self, value: &str, rest: &str, depth: usize) -> Option<String> {
        let pattern = |text: &str| self.expand(text, depth + 1);
        for (operator, front, longest) in
            [("##", true, true), ("#", true, false), ("%%", false, true), ("%", false, false)]
        {
            if let Some(text) = rest.strip_prefix(operator) {
                return Some(without(value, &pattern(text), front, longest).to_owned());
            }
        }
        match rest {
            "^^" => return Some(value.to_uppercase()),
            ",," => return Some(value.to_lowercase()),
            _ => {}
        }
        if let Some(text) = rest.strip_prefix('/') {
            let (text, all) = text.strip_prefix('/').map_or((text, false), |text| (text, true));
            let (from, to) = text.split_once('/').unwrap_or((text, ""));
            let (from, to) = (pattern(from), pattern(to));
            if from.is_empty()
                || from.contains(['*', '?', '[', '{'])
                || from.starts_with(['#', '%'])
                || value == UNKNOWN
            {
                return None;
            }
            return Some(if all { value.replace(&from, &to) } else { value.replacen(&from, &to, 1) });
        }
        let (from, length) = rest.strip_prefix(':').map(|rest| rest.split_once(':').unwrap_or((rest, "")))?;
        if value.contains('{') || !value.is_ascii() {
            return None;
        }
        let from: usize = if from.is_empty() { 0 } else { from.trim().parse().ok()? };
        let tail = value.get(from..)?;
        match length.trim() {
            "" => Some(tail.to_owned()),
            length => match length.strip_prefix('-') {
                Some(less) => tail.get(..tail.len().checked_sub(less.parse().ok()?)?).map(str::to_owned),
                None => tail.get(..length.parse::<usize>().ok()?.min(tail.len())).map(str::to_owned),
            },
        }
    }

    /// Text as it stands in a script, with quotes removed and expansions resolved.
    pub(super) fn expand(&self, text: &str, depth: usize) -> String {
        if depth > MAX_NESTED || !self.may_work(text.len()) {
            return UNKNOWN.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut quoted = false;
        while let Some(at) = rest.find(['$', '`', '\\', '\'', '"']) {
            out.push_str(&rest[..at]);
            let sign = rest.as_bytes()[at];
            let after = &rest[at + 1..];
            rest = match sign {
                b'\\' => {
                    let next = after.chars().next();
                    out.extend(next);
                    after.get(next.map_or(0, char::len_utf8)..).unwrap_or("")
                }
                b'"' => {
                    quoted = !quoted;
                    after
                }
                b'\'' if quoted => {
                    out.push('\'');
                    after
                }
                b'\'' => {
                    let (inner, after) = after.split_once('\'').unwrap_or((after, ""));
                    out.push_str(inner);
                    after
                }
                b'`' => {
                    let (inner, after) = after.split_once('`').unwrap_or((after, ""));
                    out.push_str(&self.substitution(inner, depth + 1));
                    after
                }
                _ => self.dollar(after, depth, &mut out),
            };
        }
        out.push_str(rest);
        super::template::unmarked(&out).into_owned()
    }

    /// The text of a here-document whose word is not quoted (POSIX, "Here-Document"): expansions are resolved, and a
    /// backslash quotes nothing but `$`, a backtick, itself and the end of a line.
    pub(super) fn here(&self, text: &str, depth: usize) -> String {
        if !self.may_work(text.len()) {
            return UNKNOWN.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['$', '`', '\\']) {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let next = after.chars().next();
            rest = match (rest.as_bytes()[at], next) {
                (b'\\', Some('\n')) => &after[1..],
                (b'\\', Some(sign @ ('$' | '`' | '\\'))) => {
                    out.push(sign);
                    &after[1..]
                }
                (b'\\', _) => {
                    out.push('\\');
                    after
                }
                (b'`', _) => match end_of_backticks(after) {
                    Some(end) => {
                        out.push_str(&self.substitution(&after[..end], depth + 1));
                        &after[end + 1..]
                    }
                    None => {
                        out.push('`');
                        after
                    }
                },
                // What is opened and not closed hides no more than itself.
                (_, Some('(')) if closing(&after[1..], '(', ')').is_none() => {
                    out.push_str(UNKNOWN);
                    &after[1..]
                }
                (_, Some('{')) if closing(&after[1..], '{', '}').is_none() => {
                    out.push_str(UNKNOWN);
                    &after[1..]
                }
                _ => self.dollar(after, depth, &mut out),
            };
        }
        out.push_str(rest);
        super::template::unmarked(&out).into_owned()
    }

    /// What stands behind a dollar sign; gives back what is left.
    fn dollar<'t>(&self, after: &'t str, depth: usize, out: &mut String) -> &'t str {
        let whole = |open: char, close: char| closing(&after[1..], open, close).map(|end| end + 1);
        if after.starts_with('{') {
            let Some(end) = whole('{', '}') else {
                out.push_str(UNKNOWN);
                return "";
            };
            out.push_str(&self.parameter(&after[1..end], depth + 1));
            return &after[end + 1..];
        }
        if after.starts_with('(') {
            let Some(end) = whole('(', ')') else {
                out.push_str(UNKNOWN);
                return "";
            };
            let arithmetic = after.starts_with("((");
            out.push_str(&if arithmetic {
                UNKNOWN.to_owned()
            } else {
                self.substitution(&after[1..end], depth + 1)
            });
            return &after[end + 1..];
        }
        if after.starts_with(|c: char| "@*#?$!-".contains(c)) {
            out.push_str(UNKNOWN);
            return &after[1..];
        }
        let digit = after.starts_with(|c: char| c.is_ascii_digit());
        let length = match digit {
            true => 1,
            false => {
                after.bytes().position(|b| !b.is_ascii_alphanumeric() && b != b'_').unwrap_or(after.len())
            }
        };
        match length {
            0 => out.push('$'),
            _ => out.push_str(&self.variable(&after[..length])),
        }
        &after[length..]
    }

    /// What a command substitution gives: a date where it is `date`, parts of known paths, the script's own folder where
    /// it asks for that, the host's name; else unknown.
    pub(super) fn substitution(&self, text: &str, depth: usize) -> String {
        let inner = text.strip_prefix("$(").and_then(|inner| inner.strip_suffix(')')).unwrap_or(text);
        let inner = inner.trim_matches('`').trim();
        let unknown = || UNKNOWN.to_owned();
        if depth > MAX_NESTED {
            return unknown();
        }
        let first = inner.split_whitespace().next().unwrap_or("");
        if first.rsplit('/').next() == Some("date") {
            return "{date}".to_owned();
        }
        let Some(commands) = commands(inner) else { return unknown() };
        let commands: Vec<Vec<String>> = commands
            .into_iter()
            .map(|words| words.into_iter().map(|word| self.expand(word, depth + 1)).collect())
            .collect();
        // `cd FOLDER && pwd` gives the folder, absolute.
        if let [cd, pwd] = &commands[..]
            && cd.first().is_some_and(|word| word == "cd")
            && pwd.first().is_some_and(|word| word == "pwd")
        {
            let folder = cd.iter().skip(1).find(|word| !word.starts_with('-'));
            return folder
                .filter(|folder| folder.starts_with('/'))
                .map_or_else(unknown, |folder| normal(folder));
        }
        let [words] = &commands[..] else { return unknown() };
        let Some((program, words)) = words.split_first() else { return unknown() };
        let plain: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
        match (program.rsplit('/').next().unwrap_or(program), &plain[..]) {
            // `$(which psql)` is psql.
            ("which" | "command" | "type", [found, ..]) => (*found).clone(),
            ("basename", [path, ..]) => {
                let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
                match plain.get(1) {
                    Some(ending) => {
                        name.strip_suffix(ending.as_str()).filter(|name| !name.is_empty()).unwrap_or(name)
                    }
                    None => name,
                }
                .to_owned()
            }
            ("dirname", [path]) => match path.trim_end_matches('/').rsplit_once('/') {
                Some(("", _)) => "/".to_owned(),
                Some((folder, _)) => folder.to_owned(),
                None => unknown(),
            },
            ("readlink" | "realpath", [path]) if path.starts_with('/') => normal(path),
            ("echo", _) if !plain.is_empty() => {
                plain.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" ")
            }
            ("pwd", []) => self.state.folder.clone().unwrap_or_else(unknown),
            ("hostname", []) if !inner.contains("-f") => self.host.as_deref().unwrap_or(UNKNOWN).to_owned(),
            ("uname", []) if inner.ends_with("-n") => self.host.as_deref().unwrap_or(UNKNOWN).to_owned(),
            ("whoami", []) => self.state.account.clone().unwrap_or_else(unknown),
            _ => unknown(),
        }
    }
}

/// The commands of a simple text as raw words; `None`: it holds pipes, redirections or more than a list.
fn commands(text: &str) -> Option<Vec<Vec<&str>>> {
    let mut commands = vec![Vec::new()];
    let (mut at, mut start) = (0, None);
    while let Some(sign) = text[at..].chars().next() {
        let next = at + sign.len_utf8();
        match sign {
            _ if sign.is_whitespace() || sign == ';' || text[at..].starts_with("&&") => {
                if let (Some(from), Some(last)) = (start.take(), commands.last_mut()) {
                    last.push(&text[from..at]);
                }
                if sign == ';' || sign == '&' {
                    commands.push(Vec::new());
                }
                at = if sign == '&' { next + 1 } else { next };
                continue;
            }
            '|' | '<' | '>' | '&' => return None,
            _ => {}
        }
        start.get_or_insert(at);
        at = match sign {
            '\\' => next + text[next..].chars().next().map_or(0, char::len_utf8),
            '\'' => next + text[next..].find('\'')? + 1,
            '"' => next + end_of_quoted(&text[next..])? + 1,
            '`' => next + text[next..].find('`')? + 1,
            '$' if text[next..].starts_with('(') => next + 1 + closing(&text[next + 1..], '(', ')')? + 1,
            '$' if text[next..].starts_with('{') => next + 1 + closing(&text[next + 1..], '{', '}')? + 1,
            _ => next,
        };
    }
    if let (Some(from), Some(last)) = (start, commands.last_mut()) {
        last.push(&text[from..]);
    }
    commands.retain(|words| !words.is_empty());
    Some(commands)
}

/// Where a double-quoted text ends, quotes inside of its substitutions skipped.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(sign) = text[at..].chars().next() {
        let next = at + sign.len_utf8();
        at = match sign {
            '"' => return Some(at),
            '\\' => next + text[next..].chars().next().map_or(0, char::len_utf8),
            '$' if text[next..].starts_with('(') => next + 1 + closing(&text[next + 1..], '(', ')')? + 1,
            _ => next,
        };
    }
    None
}

/// A value without what a pattern takes away at its front or its end.
fn without<'v>(value: &'v str, pattern: &str, front: bool, longest: bool) -> &'v str {
    let cuts = value.char_indices().map(|(at, _)| at).chain([value.len()]);
    let cuts: Vec<usize> = cuts.collect();
    let fits = |cut: &&usize| match front {
        true => matches(pattern, &value[..**cut]),
        false => matches(pattern, &value[**cut..]),
    };
    // The longest front ends last, the longest end begins first.
    let found = if front == longest { cuts.iter().rev().find(fits) } else { cuts.iter().find(fits) };
    match (found, front) {
        (Some(cut), true) => &value[*cut..],
        (Some(cut), false) => &value[..*cut],
        (None, _) => value,
    }
}

/// Whether a pattern of `*` and `?` fits all of a text.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(sign) if *sign == b'?' || *sign == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match &mut star {
                Some((at, from)) => {
                    *from += 1;
                    (p, t) = (*at + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|sign| *sign == b'*')
}

#[cfg(test)]
mod tests {
    use super::{commands, matches, without};

    #[test]
    fn patterns_take_away_the_shortest_or_the_longest() {
        let value = "/srv/in/a.tar.gz";
        assert_eq!(without(value, "*/", true, true), "a.tar.gz");
        assert_eq!(without(value, "*/", true, false), "srv/in/a.tar.gz");
        assert_eq!(without(value, ".*", false, false), "/srv/in/a.tar");
        assert_eq!(without(value, ".*", false, true), "/srv/in/a");
        assert_eq!(without(value, "x", true, true), value);
        assert!(matches("a*b?c", "axxbyc") && !matches("a*b", "axc") && matches("*", ""));
    }

    #[test]
    fn a_list_of_commands_is_told_from_a_pipeline() {
        let list = commands("cd \"$(dirname \"$0\")/..\" && pwd -P");
        assert_eq!(list, Some(vec![vec!["cd", "\"$(dirname \"$0\")/..\""], vec!["pwd", "-P"]]));
        assert_eq!(commands("a | b"), None);
        assert_eq!(commands("a 'x y' \"q"), None);
    }
}
