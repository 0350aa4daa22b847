//! Variables of batch text: `%NAME%`, parts and replacements of them, `!NAME!`, arguments, loop variables. A date becomes
//! `{date}`; what only a run can tell is `{}`.

use super::super::{DATE, UNKNOWN};
use super::State;

/// What a part or a replacement (`:~0,4`, `:a=b`) makes of a value ("set").
fn changed(value: &str, how: &str) -> String {
    if value.contains('{') {
        return if value == DATE { DATE.to_owned() } else { UNKNOWN.to_owned() };
    }
    if let Some(part) = how.strip_prefix('~') {
        let mut numbers = part.split(',').map(|number| number.trim().parse::<i64>());
        let length = value.chars().count() as i64;
        let Some(Ok(from)) = numbers.next() else { return UNKNOWN.to_owned() };
        let from = if from < 0 { (length + from).max(0) } else { from.min(length) };
        let to = match numbers.next() {
            None => length,
            Some(Ok(count)) if count < 0 => (length + count).max(from),
            Some(Ok(count)) => from.saturating_add(count).min(length),
            Some(Err(_)) => return UNKNOWN.to_owned(),
        };
        return value.chars().skip(from as usize).take((to - from) as usize).collect();
    }
    match how.split_once('=') {
        Some((old, new)) if !old.is_empty() && !old.starts_with('*') => value.replace(old, new),
        _ => UNKNOWN.to_owned(),
    }
}

impl State {
    /// What a variable holds.
    fn value(&self, name: &str, delayed: bool) -> String {
        let upper = name.trim().to_ascii_uppercase();
        let held = self.frozen.as_ref().filter(|_| !delayed).unwrap_or(&self.env).get(&upper);
        match (held, upper.as_str()) {
            (Some(held), _) => held.clone(),
            (None, "DATE" | "TIME") => DATE.to_owned(),
            (None, "CD") => self.folder.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
            _ => UNKNOWN.to_owned(),
        }
    }

    /// A variable with what stands behind its colon.
    fn named(&self, inner: &str, delayed: bool) -> String {
        match inner.split_once(':') {
            Some((name, how)) => changed(&self.value(name, delayed), how),
            None => self.value(inner, delayed),
        }
    }

    /// An argument or a loop's variable with the letters that ask for parts of its path (`%~dpnx1`).
    fn parts(&self, value: Option<&str>, letters: &str, own: bool) -> String {
        let Some(value) = value else { return UNKNOWN.to_owned() };
        let value = value.trim_matches('"');
        if letters.is_empty() || letters == "f" {
            return value.to_owned();
        }
        let path = value.replace('\\', "/");
        let (folder, name) =
            path.rsplit_once('/').map_or((None, &*path), |(folder, name)| (Some(folder), name));
        let (stem, ending) =
            name.rsplit_once('.').map_or((name, String::new()), |(s, e)| (s, format!(".{e}")));
        let mut told = String::new();
        if letters.contains('p') || letters.contains('d') {
            match folder.filter(|_| letters.contains('p')) {
                Some(folder) => told.push_str(&format!("{folder}/")),
                None if own && letters.contains('p') => {}
                None => told.push_str(UNKNOWN),
            }
        }
        let asks = |letter: char| letters.contains(letter);
        if letters.chars().any(|letter| !"dpnxfs".contains(letter)) {
            return if asks('t') { DATE.to_owned() } else { UNKNOWN.to_owned() };
        }
        if asks('n') {
            told.push_str(stem);
        }
        if asks('x') {
            told.push_str(&ending);
        }
        told
    }

    /// What stands behind a `%`: its value, and how many bytes it takes; nothing where the sign stands for itself.
    fn percent(&self, rest: &str) -> Option<(String, usize)> {
        // `%%i`, `%%~nxi`.
        let (doubled, body) = match rest.strip_prefix('%') {
            Some(body) => (1, body),
            None => (0, rest),
        };
        let tilde = usize::from(body.starts_with('~'));
        let letters: String = body[tilde..].chars().take_while(char::is_ascii_alphabetic).collect();
        let behind = body[tilde + letters.len()..].chars().next();
        if doubled == 1 {
            // The last letter is the variable; those in front of it are what is asked for.
            let end = if tilde == 1 { letters.len() } else { letters.len().min(1) };
            let known =
                (1..=end).rev().find(|end| self.loops.contains_key(&letters.as_bytes()[end - 1].into()));
            if let Some(end) = known.filter(|_| !letters.is_empty()) {
                let variable = letters.as_bytes()[end - 1].into();
                let value =
                    self.parts(self.loops.get(&variable).map(String::as_str), &letters[..end - 1], false);
                return Some((value, 1 + tilde + end));
            }
            return if letters.is_empty() { Some(("%".to_owned(), 1)) } else { None };
        }
        // On a command line, and by mistake in files, loops have one sign.
        if tilde == 0 && letters.len() == 1 && behind != Some('%') {
            let variable = letters.as_bytes()[0].into();
            if let Some(value) = self.loops.get(&variable) {
                return Some((value.clone(), 1));
            }
        }
        if let Some(digit) = behind.filter(|c| c.is_ascii_digit() && (tilde == 1 || letters.is_empty())) {
            let at = digit.to_digit(10).unwrap_or(0) as usize;
            let value = match at {
                0 => self.own.as_deref(),
                at => self.arguments.as_ref().and_then(|given| given.get(at - 1)).map(String::as_str),
            };
            // An argument that a call leaves out is empty.
            let left_out = at > 0 && self.arguments.is_some() && value.is_none();
            let value = if left_out { String::new() } else { self.parts(value, &letters, at == 0) };
            return Some((value, tilde + letters.len() + 1));
        }
        if body.starts_with('*') {
            let all = self.arguments.as_ref().map(|given| given.join(" "));
            return Some((all.unwrap_or_else(|| UNKNOWN.to_owned()), 1));
        }
        let end = body.find('%').filter(|end| *end > 0 && !body[..*end].contains(['\n', '"']))?;
        Some((self.named(&body[..end], false), end + 1))
    }

    /// A text with its variables resolved.
    pub(super) fn expand(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(at) = rest.find(['%', '!']) {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if rest[at..].starts_with('%') {
                match self.percent(after) {
                    Some((value, bytes)) => {
                        out.push_str(&value);
                        rest = &after[bytes..];
                    }
                    None => {
                        out.push('%');
                        rest = after;
                    }
                }
                continue;
            }
            let end = after.find('!').filter(|end| {
                let name = after[..*end].split(':').next().unwrap_or("");
                self.delayed && !name.is_empty() && !name.contains([' ', '%', '"'])
            });
            match end {
                Some(end) => {
                    out.push_str(&self.named(&after[..end], true));
                    rest = &after[end + 1..];
                }
                None => {
                    out.push('!');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        dates(&out)
    }
}

/// Dates that are put together of several parts are one.
pub(in super::super) fn dates(text: &str) -> String {
    if !text.contains(DATE) {
        return text.to_owned();
    }
    let mut text = text.to_owned();
    for between in ["", "-", "_", ".", " "] {
        let two = format!("{DATE}{between}{DATE}");
        while text.contains(&two) {
            text = text.replace(&two, DATE);
        }
    }
    text
}
