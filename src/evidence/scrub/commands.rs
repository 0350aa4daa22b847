//! Finds the secrets that command lines give to programs, after the table of `programs`. It looks at each word once
//! for each level of quotes, and never at more levels than [`DEPTH`].

use super::SCRUBBED;
use super::programs::{PROGRAMS, Program, Secret, WRAPPERS, WRAPPERS_WITH_A_WORD};
use super::words::{Word, split};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

/// How many levels of quotes are opened: `ssh h "su - u -c 'sshpass …'"` has two.
const DEPTH: usize = 4;
/// How many words behind a program are its arguments: this keeps a line of nothing but programs cheap.
const MOST_WORDS: usize = 256;
/// No name of the table is longer.
const LONGEST_NAME: usize = 24;

/// The table by name.
static BY_NAME: LazyLock<HashMap<&'static str, Vec<&'static Program>>> = LazyLock::new(|| {
    let mut named: HashMap<&str, Vec<&Program>> = HashMap::new();
    for program in PROGRAMS {
        for name in program.names {
            named.entry(name).or_default().push(program);
        }
    }
    named
});

/// Programs whose own commands the table has.
static HOSTS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| PROGRAMS.iter().flat_map(|program| program.inside).copied().collect());

/// Headers that are secrets, by how their names end: a session, a login or a key.
const SECRET_HEADERS: &[&str] = &[
    "cookie",
    "authorization",
    "token",
    "secret",
    "api-key",
    "apikey",
    "auth-key",
    "access-key",
    "password",
    "subscription-key",
    "functions-key",
];

/// How schemes of logins are called that stand in front of the secret (IANA, HTTP Authentication Schemes).
const SCHEMES: &[&str] = &["bearer ", "basic ", "digest ", "token ", "negotiate ", "apikey "];

/// The text without what its command lines give to programs as a secret, if they do.
pub(super) fn without_arguments(text: &str) -> Option<String> {
    if !text.contains(char::is_whitespace) {
        return None;
    }
    let mut found = Vec::new();
    look(text, 0..text.len(), DEPTH, &HashSet::new(), &mut found);
    found.retain(|place: &Range<usize>| !place.is_empty());
    if found.is_empty() {
        return None;
    }
    found.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for place in found {
        if place.start >= done {
            out.push_str(&text[done..place.start]);
            out.push_str(SCRUBBED);
        }
        done = done.max(place.end);
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// The secrets of a part of a text. `hosts` are the programs that came before it.
fn look(
    text: &str,
    part: Range<usize>,
    depth: usize,
    hosts: &HashSet<&'static str>,
    found: &mut Vec<Range<usize>>,
) {
    let split = split(&text[part.clone()]);
    let mut hosts = hosts.clone();
    for words in split.commands {
        let words: Vec<Word> = words
            .into_iter()
            .map(|word| Word { at: word.at.start + part.start..word.at.end + part.start, ..word })
            .collect();
        let first = first_words(text, &words);
        for at in 0..words.len() {
            let Some(name) = program_name(&text[words[at].at.clone()]) else { continue };
            let end = words.len().min(at + 1 + MOST_WORDS);
            let called = Call { text, words: &words[at + 1..end] };
            for program in BY_NAME.get(name.as_str()).into_iter().flatten() {
                let begins = !program.first || at <= first || is_path(text, &words[at]);
                let within =
                    program.inside.is_empty() || program.inside.iter().any(|host| hosts.contains(host));
                if begins && within {
                    called.secrets(program, found);
                }
            }
            hosts.extend(HOSTS.get(name.as_str()));
        }
    }
    for inner in split.inner {
        let inner = inner.start + part.start..inner.end + part.start;
        if depth > 0 && text[inner.clone()].contains(char::is_whitespace) {
            look(text, inner, depth - 1, &hosts, found);
        }
    }
}

/// Whether a program is written with its folder.
fn is_path(text: &str, word: &Word) -> bool {
    text[word.at.clone()].contains(['/', '\\'])
}

/// What a word is called as a program: without its folder, its quotes and `.exe`.
fn program_name(word: &str) -> Option<String> {
    let bare = word.trim_matches(['"', '\'', '`', '@', '{', '[']);
    let base = bare.rsplit(['/', '\\']).next().unwrap_or(bare);
    if base.is_empty() || base.len() > LONGEST_NAME + ".exe".len() {
        return None;
    }
    let name = base.to_ascii_lowercase();
    Some(name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name))
}

/// The last word that may be the program of a command: those before it run it, set a variable or say when.
fn first_words(text: &str, words: &[Word]) -> usize {
    let mut spare = 0;
    for (at, word) in words.iter().enumerate() {
        let shown = &text[word.at.clone()];
        let name = program_name(shown).unwrap_or_default();
        let assigned = shown.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        let number = shown.bytes().all(|b| b.is_ascii_digit() || b"*/,-.smhd".contains(&b));
        if WRAPPERS.contains(&name.as_str()) {
            spare = 0;
        } else if WRAPPERS_WITH_A_WORD.contains(&name.as_str()) || shown.starts_with('-') {
            spare = 1;
        } else if !(assigned || number || word.redirect) {
            if spare == 0 {
                return at;
            }
            spare -= 1;
        }
    }
    words.len()
}

/// A program's arguments.
struct Call<'t> {
    text: &'t str,
    words: &'t [Word],
}

impl Call<'_> {
    fn shown(&self, at: usize) -> &str {
        &self.text[self.words[at].at.clone()]
    }

    /// The secrets of a call, as places in the text.
    fn secrets(&self, program: &Program, found: &mut Vec<Range<usize>>) {
        let Some(behind) = self.behind(program) else { return };
        let operands = self.operands(program, behind);
        for secret in program.secrets {
            match *secret {
                Secret::Value(option) => self.values(program, option, false, found),
                Secret::Short(option) => self.values(program, option, true, found),
                Secret::Part(option, sign) => self.parts(program, option, sign, found),
                Secret::Prefixed(option, prefix) => self.prefixed(program, option, prefix, found),
                Secret::Operand(number) => {
                    found.extend(operands.get(number - 1).and_then(|at| self.whole(program, *at)));
                }
                Secret::NoPair => {
                    let alone = |at: &&usize| !self.shown(**at).contains('=');
                    found.extend(operands.first().filter(alone).and_then(|at| self.whole(program, *at)));
                }
                Secret::OperandPart(sign) => {
                    found.extend(
                        operands.first().and_then(|at| self.behind_sign(self.words[*at].at.clone(), sign)),
                    );
                }
                Secret::LastWith(letter) => {
                    let flag = |at: usize| {
                        let shown = self.shown(at);
                        shown.starts_with('-') && !shown.starts_with("--") && shown.contains(letter)
                    };
                    if (0..self.words.len()).any(flag) && operands.len() >= 2 {
                        found.extend(operands.last().and_then(|at| self.whole(program, *at)));
                    }
                }
                Secret::BehindShare => {
                    let share = |at: &usize| {
                        let shown = self.shown(*at).trim_start_matches(['"', '\'']);
                        shown.starts_with(r"\\") || shown.starts_with("//")
                    };
                    let number = operands.iter().position(share);
                    if let Some([share, next, ..]) = number.and_then(|number| operands.get(number..)) {
                        let close = (share + 1..*next).all(|at| self.shown(at).starts_with('/'));
                        found.extend(self.whole(program, *next).filter(|_| close));
                    }
                }
                Secret::Login => self.login(&operands, found),
                Secret::LoginBehind(word) => {
                    for value in self.of_option(program, word, false) {
                        found.extend(self.password(value));
                    }
                }
                Secret::Header(option) => self.headers(program, option, found),
                Secret::Here => {
                    let here = (0..self.words.len()).filter(|at| self.words[*at].here);
                    found.extend(here.filter_map(|at| self.whole(program, at)));
                }
            }
        }
    }

    /// Behind which word the subcommand ends, where it is this one.
    fn behind(&self, program: &Program) -> Option<usize> {
        let mut at = 0;
        for wanted in program.sub {
            while at < self.words.len() && self.shown(at).starts_with('-') {
                at += 1;
            }
            if at >= self.words.len() || !self.shown(at).eq_ignore_ascii_case(wanted) {
                return None;
            }
            at += 1;
        }
        Some(at)
    }

    /// The words that are no options and no values of options.
    fn operands(&self, program: &Program, from: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut value = false;
        for at in from..self.words.len() {
            let shown = self.shown(at);
            let word = &self.words[at];
            if std::mem::take(&mut value) || word.redirect || word.here {
                continue;
            }
            let option = shown.starts_with('-') && shown.len() > 1;
            if option || (program.windows && shown.starts_with('/') && !shown.starts_with("//")) {
                value = program.valued.iter().any(|option| {
                    option.eq_ignore_ascii_case(shown) && (program.windows || *option == shown)
                });
                continue;
            }
            found.push(at);
        }
        found
    }

    /// The places of an option's values: the next word, or what stands in the same word.
    fn of_option(&self, program: &Program, option: &str, glued: bool) -> Vec<Range<usize>> {
        let any_case = program.windows || !option.starts_with('-');
        let mut found = Vec::new();
        for at in 0..self.words.len() {
            let word = &self.words[at];
            let shown = self.shown(at);
            let lead = shown.len() - shown.trim_start_matches(['"', '\'']).len();
            let bare = &shown[lead..];
            let Some(head) = bare.get(..option.len()) else { continue };
            if word.redirect || head != option && !(any_case && head.eq_ignore_ascii_case(option)) {
                continue;
            }
            let rest = &bare[option.len()..];
            let from = word.at.start + lead + option.len();
            if rest.is_empty() {
                found
                    .extend(self.words.get(at + 1).filter(|next| !next.redirect).map(|next| next.at.clone()));
            } else if rest.starts_with('=') || (rest.starts_with(':') && option.starts_with('/')) {
                found.push(from + 1..word.at.end);
            } else if glued {
                found.push(from..word.at.end);
            }
        }
        found
    }

    fn values(&self, program: &Program, option: &str, glued: bool, found: &mut Vec<Range<usize>>) {
        for value in self.of_option(program, option, glued) {
            found.extend(self.secret(program, value));
        }
    }

    fn parts(&self, program: &Program, option: &str, sign: char, found: &mut Vec<Range<usize>>) {
        for value in self.of_option(program, option, true) {
            found.extend(self.behind_sign(value, sign));
        }
    }

    fn prefixed(&self, program: &Program, option: &str, prefix: &str, found: &mut Vec<Range<usize>>) {
        for value in self.of_option(program, option, false) {
            let bare = self.bare(value);
            if self.text[bare.clone()].starts_with(prefix) {
                found.extend(self.secret(program, bare.start + prefix.len()..bare.end));
            }
        }
    }

    fn headers(&self, program: &Program, option: &str, found: &mut Vec<Range<usize>>) {
        for value in self.of_option(program, option, true) {
            let bare = self.bare(value);
            let Some((name, rest)) = self.text[bare.clone()].split_once(':') else { continue };
            let name = name.trim().to_ascii_lowercase();
            if !SECRET_HEADERS.iter().any(|end| name.ends_with(end)) {
                continue;
            }
            let value = rest.trim_start();
            let scheme = SCHEMES.iter().find(|scheme| {
                value.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
            });
            let from = bare.end - value.len() + scheme.map_or(0, |scheme| scheme.len());
            found.extend(self.secret(program, from..bare.end));
        }
    }

    /// `user/password@place`: as the first word that is no option, or as `userid`.
    fn login(&self, operands: &[usize], found: &mut Vec<Range<usize>>) {
        for (number, at) in operands.iter().enumerate() {
            let place = self.bare(self.words[*at].at.clone());
            let shown = &self.text[place.clone()];
            match shown.split_once('=') {
                Some((name, _)) if name.eq_ignore_ascii_case("userid") => {
                    found.extend(self.password(place.start + name.len() + 1..place.end));
                }
                None if number == 0 => found.extend(self.password(place)),
                _ => {}
            }
        }
    }

    /// The password of `user/password@place`; a path is no login.
    fn password(&self, value: Range<usize>) -> Option<Range<usize>> {
        let bare = self.bare(value);
        let shown = &self.text[bare.clone()];
        let slash = shown.find('/')?;
        let user = &shown[..slash];
        if user.is_empty() || user.starts_with(['.', '~', '-']) {
            return None;
        }
        let rest = &shown[slash + 1..];
        // The place may hold slashes, and `as sysdba` may follow.
        let end = rest.rfind('@').or_else(|| rest.find(char::is_whitespace)).unwrap_or(rest.len());
        if rest[..end].contains('/') {
            return None;
        }
        self.kept_out(bare.start + slash + 1..bare.start + slash + 1 + end, false)
    }

    /// What stands behind a sign.
    fn behind_sign(&self, value: Range<usize>, sign: char) -> Option<Range<usize>> {
        let bare = self.bare(value);
        let at = self.text[bare.clone()].find(sign)?;
        self.kept_out(bare.start + at + sign.len_utf8()..bare.end, false)
    }

    fn whole(&self, program: &Program, at: usize) -> Option<Range<usize>> {
        self.secret(program, self.words[at].at.clone())
    }

    /// A place without the quotes around it.
    fn bare(&self, value: Range<usize>) -> Range<usize> {
        let quotes = ['"', '\'', '\\'];
        let shown = &self.text[value.clone()];
        let start = value.end - shown.trim_start_matches(quotes).len();
        let inner = &self.text[start..value.end];
        let escaped = inner.trim_end_matches(['"', '\'']);
        let end =
            if escaped.len() < inner.len() { escaped.trim_end_matches('\\').len() } else { inner.len() };
        start..start + end
    }

    /// The place where it is a secret, not an option, a name of one, or what only a run can tell.
    fn secret(&self, program: &Program, value: Range<usize>) -> Option<Range<usize>> {
        if self.text[value.clone()].starts_with('-') {
            return None;
        }
        self.kept_out(value, program.windows)
    }

    fn kept_out(&self, value: Range<usize>, windows: bool) -> Option<Range<usize>> {
        let shown = &self.text[value.clone()];
        let literal = shown.starts_with('\'');
        let bare = shown.trim_matches(['"', '\'']);
        let name =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let variable = bare.strip_prefix('$').is_some_and(|rest| {
            name(rest) && !windows || rest.starts_with('{') && rest.ends_with('}') || rest.starts_with('(')
        });
        let percent = bare.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')).is_some_and(name);
        let computed = variable || bare.starts_with('`') || (windows && percent);
        let filled = matches!(bare, "" | "?" | "*" | "{}" | "-")
            || bare.starts_with(['‹', '{']) && bare.ends_with(['›', '}']);
        (!filled && (literal || !computed)).then_some(value)
    }
}
