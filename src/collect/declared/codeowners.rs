//! CODEOWNERS (GitHub Docs, "About code owners"; GitLab Docs, "Code Owners"): who answers for which folders and
//! scripts of a source tree. The last rule that fits counts; in GitLab's sections, the last one of each. Owners of
//! code are stated and never asked who they are, and an owner is no proof of any use.

use super::{Inventory, Notes};
use crate::evidence::{About, Basis, GapCode, Mention, MentionKind, Provenance, Says, Text};
use crate::input::InputFile;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::{BTreeMap, BTreeSet};

/// `CODEOWNERS`.
pub struct CodeOwners;

/// GitHub reads no file of more than 3 MB; a file of more rules is not read.
const MAX_RULES: usize = 20_000;
/// A tree of more folders and scripts is not looked through.
const MAX_PATHS: usize = 200_000;
/// What is run by itself; owners of other files are those of their folders.
const SCRIPTS: [&str; 9] = ["sh", "bash", "ksh", "sql", "py", "pl", "rb", "ps1", "bat"];

impl Inventory for CodeOwners {
    fn about(&self) -> &'static About {
        &About {
            name: "codeowners",
            title: "CODEOWNERS: who answers for folders and scripts",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        file.name() == "CODEOWNERS"
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        let (rules, set) = rules(text, notes)?;
        let root = root(notes.folder());
        let mut folders: BTreeSet<String> = BTreeSet::from([root.to_owned()]);
        let mut scripts: BTreeMap<String, Mention> = BTreeMap::new();
        for file in notes.files() {
            let Some(inside) = below(root, &file.path) else { continue };
            let (folder, _) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
            let mut at = folder;
            while at.len() > root.len() && folders.insert(at.to_owned()) {
                at = at.rsplit_once('/').map_or("", |(above, _)| above);
            }
            let ending = inside.rsplit_once('.').map_or("", |(_, ending)| ending);
            if SCRIPTS.contains(&ending) {
                let text = match &file.host {
                    Some(host) => format!("{host}:{}", file.inner),
                    None => file.path.to_string(),
                };
                scripts.insert(file.path.to_string(), Mention::new(MentionKind::Script, text));
            }
        }
        if folders.len() + scripts.len() > MAX_PATHS {
            notes.gap(
                1,
                GapCode::Limit,
                "MAX_PATHS: a tree of more folders and scripts is not looked through",
            );
            return Ok(());
        }
        let mut owners: BTreeMap<String, Owner> = BTreeMap::new();
        for folder in folders {
            // Whatever lies in it and is named by no rule of its own.
            let own = owner(&rules, &set, &inside_of(root, &format!("{folder}/\u{1}")));
            let above = folder.rsplit_once('/').map_or("", |(above, _)| above);
            let inherited = owners.get(above).filter(|_| folder != root).map_or("", |above| &*above.names);
            if own.names != inherited {
                let shown = if folder.is_empty() { "source tree" } else { &folder };
                say(&Mention::new(MentionKind::Component, shown), &own, notes);
            }
            owners.insert(folder, own);
        }
        for (path, script) in scripts {
            let own = owner(&rules, &set, &inside_of(root, &path));
            // What is kept by its path on a host lies in no folder of the tree that anybody looks up.
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let same = owners.get(folder).is_some_and(|folder| folder.names == own.names);
            if !same || *script.text != *path {
                say(&script, &own, notes);
            }
        }
        Ok(())
    }
}

fn say(about: &Mention, owner: &Owner, notes: &mut Notes<'_>) {
    if owner.line > 0 {
        let says = Says::OwnedBy(Text::from(owner.names.as_str()));
        notes.say_at(about, says, Basis::Declared, owner.line);
    }
}

/// The tree a file of owners speaks of: that of its folder, or of the one above where it lies as the servers ask.
fn root(folder: &str) -> &str {
    let (above, own) = folder.rsplit_once('/').unwrap_or(("", folder));
    if matches!(own, ".github" | ".gitlab" | "docs" | ".gitea" | ".forgejo") { above } else { folder }
}

fn below<'a>(root: &str, path: &'a str) -> Option<&'a str> {
    if root.is_empty() { Some(path) } else { path.strip_prefix(root)?.strip_prefix('/') }
}

fn inside_of(root: &str, path: &str) -> String {
    below(root, path).unwrap_or(path).trim_start_matches('/').to_owned()
}

/// One rule.
struct Rule {
    owners: Vec<String>,
    /// Its section; rules before any are in the first.
    section: usize,
    /// Whether it takes paths out of its section.
    except: bool,
    line: u64,
}

/// Who it is, by which line; line 0: no rule speaks of it.
#[derive(Default)]
struct Owner {
    names: String,
    line: u64,
}

fn owner(rules: &[Rule], set: &GlobSet, path: &str) -> Owner {
    // By section the last rule that fits.
    let mut last: BTreeMap<usize, &Rule> = BTreeMap::new();
    for index in set.matches(path) {
        if let Some(rule) = rules.get(index / 2) {
            let known = last.entry(rule.section).or_insert(rule);
            if rule.line > known.line {
                *known = rule;
            }
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for rule in last.values().filter(|rule| !rule.except) {
        for name in &rule.owners {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    let line = last.values().map(|rule| rule.line).max().unwrap_or(0);
    Owner { names: names.join(", "), line }
}

/// The words of a line, until a comment; a backslash keeps the sign behind it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut signs) = (Vec::new(), String::new(), line.chars());
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => word.extend(['\\'].into_iter().chain(signs.next())),
            '#' if word.is_empty() => break,
            sign if sign.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            sign => word.push(sign),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// A section of GitLab: `[Name]`, `^[Name][2] @owner`: the owners it gives to rules that have none.
fn section(line: &str) -> Option<Vec<String>> {
    let rest = line.strip_prefix('^').unwrap_or(line).strip_prefix('[')?;
    let (name, rest) = rest.split_once(']')?;
    let rest = match rest.strip_prefix('[') {
        Some(count) => count.split_once(']')?.1,
        None => rest,
    };
    let plain = !name.is_empty() && (rest.is_empty() || rest.starts_with(char::is_whitespace));
    plain.then(|| words(rest))
}

fn rules(text: &str, notes: &mut Notes<'_>) -> Result<(Vec<Rule>, GlobSet), String> {
    let (mut rules, mut set) = (Vec::new(), GlobSetBuilder::new());
    let (mut sections, mut given): (Vec<String>, Vec<String>) = (vec![String::new()], Vec::new());
    let mut current = 0;
    for (line, number) in text.lines().zip(1u64..) {
        let trimmed = line.trim();
        if let Some(owners) = section(trimmed) {
            // Sections of one name are one, whatever their case.
            let name = trimmed.trim_start_matches('^').split(']').next().unwrap_or("").to_lowercase();
            current = sections.iter().position(|known| *known == name).unwrap_or(sections.len());
            if current == sections.len() {
                sections.push(name);
            }
            given = owners;
            continue;
        }
        let words = words(trimmed);
        let Some((pattern, owners)) = words.split_first() else { continue };
        let except = pattern.starts_with('!');
        let Some(globs) = globs(pattern.trim_start_matches('!')) else {
            notes.gap(number, GapCode::Unparsed, "no pattern of CODEOWNERS");
            continue;
        };
        if rules.len() == MAX_RULES {
            notes.gap(number, GapCode::Limit, "MAX_RULES: rules beyond are not read");
            break;
        }
        globs.into_iter().for_each(|glob| {
            set.add(glob);
        });
        let owners = if owners.is_empty() { given.clone() } else { owners.to_vec() };
        rules.push(Rule { owners, section: current, except, line: number });
    }
    let set = set.build().map_err(|_| "its patterns are too large together".to_owned())?;
    Ok((rules, set))
}

/// The two globs that a pattern is: what it names, and what lies below that (the same again where nothing may).
fn globs(pattern: &str) -> Option<[globset::Glob; 2]> {
    let anchored = pattern.trim_end_matches('/').contains('/');
    let inner = pattern.trim_start_matches('/').trim_end_matches('/');
    // Neither server knows brackets and braces.
    let mut text = String::from(if anchored { "" } else { "**/" });
    for sign in inner.chars() {
        match sign {
            '[' | ']' | '{' | '}' => text.extend(['\\', sign]),
            sign => text.push(sign),
        }
    }
    let whole = pattern.ends_with('/');
    // `docs/*` is what lies in `docs` itself, and nothing deeper.
    let flat = anchored && inner.ends_with("/*");
    let below = if inner.is_empty() { "**".to_owned() } else { format!("{text}/**") };
    let first = if whole { &below } else { &text };
    let second = if flat { &text } else { &below };
    let glob =
        |text: &str| GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build().ok();
    Some([glob(first)?, glob(second)?])
}
