//! What a service runs: command lines of systemd (systemd.service(5), "Command lines") written as a shell would take
//! them, specifiers resolved where they are fixed, and the environment. It never runs anything, and a specifier that
//! only the machine knows stays as written.

use super::unit::{Setting, Unit, instance};
use crate::input::InputFile;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// What specifiers stand for in one unit.
pub struct Specifiers<'a> {
    /// The unit's whole name.
    pub name: &'a str,
    /// The host it is on.
    pub host: Option<&'a str>,
    /// Whether it is of the system's manager, whose home is root's.
    pub of_system: bool,
}

impl Specifiers<'_> {
    /// A text with its specifiers resolved.
    pub fn resolve(&self, text: &str) -> String {
        let mut out = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match chars.peek().and_then(|letter| self.value(*letter)) {
                Some(value) => {
                    out.push_str(&value);
                    chars.next();
                }
                None => out.push('%'),
            }
        }
        out
    }

    fn value(&self, letter: char) -> Option<String> {
        let stem = self.name.rsplit_once('.').map_or(self.name, |(stem, _)| stem);
        let prefix = stem.split_once('@').map_or(stem, |(prefix, _)| prefix);
        // Without an instance, a template's own name is all that is known.
        let instance = instance(self.name).map(|(_, instance)| instance).filter(|it| !it.is_empty());
        let template = stem.ends_with('@');
        let root = |value: &str| self.of_system.then(|| value.to_owned());
        match letter {
            '%' => Some("%".to_owned()),
            'n' if !template => Some(self.name.to_owned()),
            'N' if !template => Some(stem.to_owned()),
            'p' => Some(prefix.to_owned()),
            'j' => Some(prefix.rsplit('-').next().unwrap_or(prefix).to_owned()),
            'i' => instance.map(str::to_owned),
            'I' => instance.map(unescape),
            'f' => instance.map(|instance| format!("/{}", unescape(instance).trim_start_matches('/'))),
            'H' | 'l' => self.host.map(str::to_owned),
            'h' => root("/root"),
            'u' => root("root"),
            'U' => root("0"),
            't' => root("/run"),
            'S' => root("/var/lib"),
            'C' => root("/var/cache"),
            'L' => root("/var/log"),
            'E' => root("/etc"),
            'T' => Some("/tmp".to_owned()),
            'V' => Some("/var/tmp".to_owned()),
            _ => None,
        }
    }
}

/// An instance's name without its escapes (systemd-escape(1)): `-` is a slash, `\xHH` a byte.
fn unescape(text: &str) -> String {
    let mut out: Vec<u8> = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.strip_prefix(b"x").and_then(|hex| std::str::from_utf8(hex.get(..2)?).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'\\', Some(byte)) => {
                out.push(byte);
                rest = &after[3..];
            }
            (b'-', _) => {
                out.push(b'/');
                rest = after;
            }
            (byte, _) => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The words of a text as systemd splits them: quotes removed, escapes resolved; a placeholder of a template is not
/// split.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(end) = placeholder(rest) {
            word.get_or_insert_default().push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let mut chars = rest.chars();
        chars.next();
        rest = chars.as_str();
        match (c, quote) {
            ('\\', _) => {
                let mut chars = rest.chars().peekable();
                escape(&mut chars, word.get_or_insert_default());
                rest = &rest[rest.len() - chars.map(char::len_utf8).sum::<usize>()..];
            }
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The length of a template's placeholder that a text begins with.
fn placeholder(text: &str) -> Option<usize> {
    let close = [("{{", "}}"), ("<%", "%>"), ("{%", "%}")]
        .iter()
        .find_map(|(open, close)| text.starts_with(open).then_some(*close))?;
    Some(text.find(close)? + close.len())
}

fn escape(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let Some(next) = chars.next() else {
        out.push('\\');
        return;
    };
    match next {
        'n' => out.push('\n'),
        't' => out.push('\t'),
        's' => out.push(' '),
        '\\' | '"' | '\'' => out.push(next),
        // Escapes that are none stay as they are, and control characters tell nothing.
        other => out.extend(['\\', other]),
    }
}

/// What a service runs.
#[derive(Default)]
pub struct Commands {
    /// As a shell would take them, each on its line.
    pub text: String,
    /// What is shown of them: what it starts, without what it does before.
    pub shown: String,
    /// Where the first stands.
    pub line: u64,
}

/// The steps of a start, in order.
const STEPS: [&str; 4] = ["ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost"];

/// The commands of a service, and the file they stand in; `None`: it runs nothing.
pub fn commands<'w>(
    unit: &Unit<'w>,
    specifiers: &Specifiers<'_>,
    env: &BTreeMap<String, String>,
) -> Option<(&'w InputFile, Commands)> {
    let lists = STEPS.map(|key| unit.list("Service", key));
    let file = lists[2].first()?.file;
    let folder = unit.last("Service", "WorkingDirectory").map(|it| it.trim_start_matches('-'));
    let folder = folder.filter(|folder| folder.starts_with('/')).map(|it| specifiers.resolve(it));
    let mut out = Commands::default();
    let mut shown = Vec::new();
    let mut line = 0;
    for setting in lists.iter().flatten() {
        let here = setting.file.path == file.path;
        if out.text.is_empty() {
            line = if here { setting.line } else { lists[2][0].line };
            out.line = line;
            out.text.extend(folder.iter().map(|folder| format!("cd {}; ", quoted(folder))));
        } else {
            // Behind the line it follows, on its own where that is further down.
            let next = if here { setting.line.max(line + 1) } else { line + 1 };
            out.text.extend(std::iter::repeat_n('\n', usize::try_from(next - line).unwrap_or(1)));
            line = next;
        }
        let command = command_line(setting, specifiers, env);
        if setting.key == "ExecStart" {
            shown.push(command.clone());
        }
        out.text.push_str(&command);
    }
    out.shown = shown.join("; ");
    Some((file, out))
}

/// One setting's commands: its prefixes peeled, a `;` between two kept.
fn command_line(
    setting: &Setting<'_>,
    specifiers: &Specifiers<'_>,
    env: &BTreeMap<String, String>,
) -> String {
    let mut told = Vec::new();
    for command in words(&setting.value).split(|word| word == ";") {
        let Some((first, rest)) = command.split_first() else { continue };
        let program = first.trim_start_matches(['-', '@', ':', '+', '!', '|']);
        // Behind `@`, the second word is what the program is told it is called.
        let own_name = first[..first.len() - program.len()].contains('@');
        let plain = first[..first.len() - program.len()].contains(':');
        let words =
            std::iter::once(program).chain(rest.iter().skip(usize::from(own_name)).map(String::as_str));
        let words = words.map(|word| {
            let word = specifiers.resolve(word);
            quoted(&if plain { word } else { substituted(&word, env) })
        });
        told.push(words.collect::<Vec<_>>().join(" "));
    }
    told.join("; ")
}

/// `${NAME}` replaced where the unit sets it; `$$` is a dollar sign. What it does not set is left to a shell.
fn substituted(word: &str, env: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let braced = rest.strip_prefix("${").and_then(|inner| inner.split_once('}'));
        let secret = |name: &str| crate::evidence::scrub::names_secret(name);
        match braced {
            _ if rest.starts_with("$$") => {
                out.push('$');
                rest = &rest[2..];
            }
            Some((name, after)) if env.contains_key(name) && !secret(name) => {
                out.push_str(&env[name]);
                rest = after;
            }
            _ => {
                out.push('$');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// A word as a shell takes it for one.
pub fn quoted(word: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || "_-./:=@%+,^".contains(c);
    let variable = word.strip_prefix('$').is_some_and(|name| {
        let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    });
    if (!word.is_empty() && word.chars().all(safe)) || variable {
        return word.to_owned();
    }
    if !word.contains('\'') {
        return format!("'{word}'");
    }
    format!("\"{}\"", word.replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`"))
}

/// What a service sets before it starts: `Environment=`, and over it the files of `EnvironmentFile=` that the scan
/// has.
pub fn environment(
    unit: &Unit<'_>,
    specifiers: &Specifiers<'_>,
    text_of: impl Fn(&str) -> Option<String>,
) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for setting in unit.list("Service", "Environment") {
        for word in words(&setting.value) {
            if let Some((name, value)) = word.split_once('=') {
                env.insert(name.to_owned(), specifiers.resolve(value));
            }
        }
    }
    for setting in unit.list("Service", "EnvironmentFile") {
        let path = specifiers.resolve(setting.value.trim_start_matches('-'));
        for line in text_of(&path).iter().flat_map(|text| text.lines()) {
            let line = line.trim();
            if let (Some((name, value)), false) = (line.split_once('='), line.starts_with(['#', ';'])) {
                let value = value.trim();
                let unquoted = ['"', '\''].iter().find_map(|q| value.strip_prefix(*q)?.strip_suffix(*q));
                env.insert(name.trim().to_owned(), unquoted.unwrap_or(value).to_owned());
            }
        }
    }
    env
}
