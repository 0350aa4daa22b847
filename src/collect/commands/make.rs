//! Makefiles as far as their recipes are commands (GNU make manual, "Rule Syntax", "How to Use Variables"): which lines
//! run for a target, what they need first, plain variables filled in. Functions, patterns and conditionals are not
//! evaluated: what they would give stays unknown.

use std::collections::{BTreeMap, BTreeSet};

/// How many targets one call leads to.
const MAX_TARGETS: usize = 200;
/// How deep a variable may hold others.
const MAX_DEPTH: usize = 8;
/// How long one line may become.
const MAX_LINE: usize = 64 * 1024;
/// A variable of the shell that nobody sets.
const UNKNOWN: &str = "$WHODEPENDS_UNKNOWN";

/// One rule.
#[derive(Debug, Default)]
struct Rule {
    needs: Vec<String>,
    recipe: Vec<String>,
}

/// A Makefile that was read.
#[derive(Debug, Default)]
pub(super) struct Makefile {
    /// By name: the text, or `None` where several texts could hold.
    variables: BTreeMap<String, Option<String>>,
    rules: BTreeMap<String, Rule>,
    first: Option<String>,
}

impl Makefile {
    /// Reads one; what the call sets goes before what the file sets.
    pub(super) fn read<'t>(text: &str, set: impl Iterator<Item = (&'t str, &'t str)>) -> Makefile {
        let mut file = Makefile::default();
        let fixed: BTreeMap<String, String> =
            set.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut open: Vec<String> = Vec::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let mut whole = line.to_owned();
            let recipe = line.starts_with('\t');
            while whole.ends_with('\\') && whole.len() < MAX_LINE {
                let Some(next) = lines.next() else { break };
                if recipe {
                    whole.push('\n');
                    whole.push_str(next.strip_prefix('\t').unwrap_or(next));
                } else {
                    whole.pop();
                    whole.push_str(next.trim_start());
                }
            }
            if recipe {
                for target in &open {
                    if let Some(rule) = file.rules.get_mut(target) {
                        rule.recipe.push(whole[1..].to_owned());
                    }
                }
                continue;
            }
            let line = whole.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            open.clear();
            if let Some((name, value)) = assignment(line) {
                file.set(name, value);
            } else if let Some((targets, needs)) = line.split_once(':') {
                open = file.rule(targets, needs);
            }
        }
        file.variables.extend(fixed.into_iter().map(|(name, value)| (name, Some(value))));
        file
    }

    fn set(&mut self, name: &str, value: &str) {
        let value = Some(value.to_owned());
        match self.variables.get(name) {
            Some(held) if *held != value => self.variables.insert(name.to_owned(), None),
            _ => self.variables.insert(name.to_owned(), value),
        };
    }

    /// Takes a rule's first line; gives the targets whose recipe follows.
    fn rule(&mut self, targets: &str, needs: &str) -> Vec<String> {
        let needs = needs.trim_start_matches(':');
        // A variable of this target alone.
        if assignment(needs).is_some() {
            return Vec::new();
        }
        let (needs, inline) =
            needs.split_once(';').map_or((needs, None), |(needs, line)| (needs, Some(line)));
        let targets: Vec<String> = self.expand(targets, 0).split_whitespace().map(str::to_owned).collect();
        let needs: Vec<String> =
            needs.split_whitespace().filter(|need| *need != "|").map(str::to_owned).collect();
        for target in &targets {
            if self.first.is_none() && !target.starts_with('.') && !target.contains('%') {
                self.first = Some(target.clone());
            }
            let rule = self.rules.entry(target.clone()).or_default();
            rule.needs.extend(needs.iter().cloned());
            rule.recipe.extend(inline.map(|line| line.trim().to_owned()));
        }
        targets
    }

    /// The target that is made when none is named.
    pub(super) fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// The commands that run for a target, those it needs first; each line has a shell of its own. `None`: no rule makes it.
    pub(super) fn recipe(&self, target: &str) -> Option<String> {
        self.rules.get(target)?;
        let (mut text, mut seen) = (String::new(), BTreeSet::new());
        self.write(target, &mut seen, &mut text);
        Some(text)
    }

    fn write(&self, target: &str, seen: &mut BTreeSet<String>, text: &mut String) {
        let Some(rule) = self.rules.get(target) else { return };
        if seen.len() >= MAX_TARGETS || !seen.insert(target.to_owned()) {
            return;
        }
        let needs: Vec<String> = rule.needs.iter().map(|need| self.expand(need, 0)).collect();
        for need in needs.iter().flat_map(|needs| needs.split_whitespace()) {
            self.write(need, seen, text);
        }
        for line in &rule.recipe {
            let line = line.trim_start_matches(['@', '-', '+', ' ']);
            let line = line.replace("$@", target).replace("$<", needs.first().map_or("", String::as_str));
            text.push_str("(\n");
            text.push_str(&self.expand(&line, 0));
            text.push_str("\n)\n");
        }
    }

    /// A text with its variables filled in; those the file does not set are left to the shell.
    fn expand(&self, text: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let close = match rest.chars().next() {
                Some('(') => ')',
                Some('{') => '}',
                _ => {
                    out.push_str(UNKNOWN);
                    let mut chars = rest.chars();
                    chars.next();
                    rest = chars.as_str();
                    continue;
                }
            };
            let Some((name, after)) = enclosed(&rest[1..], close) else {
                out.push_str(UNKNOWN);
                break;
            };
            rest = after;
            match self.variables.get(name) {
                Some(Some(value)) if depth < MAX_DEPTH && out.len() < MAX_LINE => {
                    out.push_str(&self.expand(value, depth + 1));
                }
                None if is_name(name) => {
                    out.push_str("${");
                    out.push_str(name);
                    out.push('}');
                }
                _ => out.push_str(UNKNOWN),
            }
        }
        out.push_str(rest);
        out
    }
}

/// `NAME = value` with all its signs; a `:` behind which no `=` stands is a rule's.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("export ").or_else(|| line.strip_prefix("override ")).unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end_matches([':', '?', '+', '!']).trim();
    is_name(name).then(|| (name, value.trim()))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

/// What stands before the bracket that closes, brackets of the same kind inside left whole.
fn enclosed(text: &str, close: char) -> Option<(&str, &str)> {
    let open = if close == ')' { '(' } else { '{' };
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            c if c == open => depth += 1,
            c if c == close && depth == 0 => return Some((&text[..at], &text[at + 1..])),
            c if c == close => depth -= 1,
            _ => {}
        }
    }
    None
}
