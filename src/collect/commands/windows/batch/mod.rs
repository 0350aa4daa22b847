//! Batch files: what each command of them is given, in the order of the text. Both branches of `if` are read and what they
//! set differently is unknown; labels are read where they stand, those that `call` names with the call's arguments;
//! what stands behind a jump and no label leads to is not read. Values in a block are those from before it, as `cmd` has
//! them ("setlocal", "EnableDelayedExpansion").

mod expand;
mod flows;
mod parse;

pub(super) use expand::dates;

use super::{Around, Env, Given, MAX_DEPTH, UNKNOWN, own_folder, paths, programs};
use crate::collect::commands::{Context, Out};
use crate::evidence::{Action, GapCode, Trait};
use parse::{Asks, Node, Parser};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many values of a loop are followed.
const MAX_LOOP: usize = 64;
/// How many jumps to one label are kept apart.
const MAX_JUMPS: usize = 32;

/// What the commands so far have set; names are in upper case.
#[derive(Debug, Clone, Default)]
struct State {
    env: Env,
    /// What variables held before the block that is read.
    frozen: Option<Env>,
    arguments: Option<Vec<String>>,
    loops: BTreeMap<char, String>,
    /// The script itself.
    own: Option<String>,
    folder: Option<String>,
    delayed: bool,
}

struct Batch<'a> {
    state: State,
    around: &'a mut Around,
    /// All parts of the text, for routines.
    parts: Rc<Vec<Node>>,
    /// Labels that `call` names, and those that `goto` does.
    called: BTreeSet<String>,
    /// What variables held where the text jumps to a label.
    jumps: BTreeMap<String, Vec<Env>>,
    routines: Vec<String>,
    text_line: u64,
}

/// Reads a text.
pub(super) fn read(
    text: &str,
    line: u64,
    pinned: bool,
    env: Env,
    around: &mut Around,
    context: &Context<'_>,
    out: &mut Out<'_>,
) {
    let mut parser = Parser::new(text, line, pinned);
    let parts = parser.parts(0);
    if parser.deep {
        out.gap(GapCode::Limit, "MAX_DEPTH: blocks that nest deeper were not followed", line);
    }
    let own = own_folder(context).map(|folder| format!("{}/", folder.trim_end_matches('/')));
    let delayed = text.to_ascii_lowercase().contains("delayedexpansion");
    let state = State { env, own, delayed, folder: around.folder.clone(), ..State::default() };
    let mut called = BTreeSet::new();
    targets(&parts, "call", 0, &mut called);
    let parts = Rc::new(parts);
    let mut batch = Batch {
        state,
        around,
        parts: parts.clone(),
        called,
        jumps: BTreeMap::new(),
        routines: Vec::new(),
        text_line: line,
    };
    batch.top(&parts, context, out);
}

/// The labels that a command names.
fn targets(parts: &[Node], command: &str, depth: usize, found: &mut BTreeSet<String>) {
    if depth > MAX_DEPTH {
        return;
    }
    for part in parts {
        match part {
            Node::Simple { text, .. } => found.extend(target(text, command)),
            Node::Block { body, .. } | Node::For { body, .. } | Node::Pipe(body) => {
                targets(body, command, depth + 1, found)
            }
            Node::If { then, other, .. } => {
                targets(then, command, depth + 1, found);
                targets(other, command, depth + 1, found);
            }
            Node::Label(_) => {}
        }
    }
}

/// The label that one command names: `call :label`, `goto label`, `goto :label`.
fn target(text: &str, command: &str) -> Option<String> {
    let text = text.trim_start();
    let rest = text.get(..command.len()).filter(|word| word.eq_ignore_ascii_case(command))?;
    let rest = text[rest.len()..].trim_start();
    let label = match rest.strip_prefix(':') {
        Some(label) => label,
        None if command == "goto" && text.len() > rest.len() + command.len() => rest,
        None => return None,
    };
    label.split_whitespace().next().map(str::to_ascii_lowercase)
}

/// Whether nothing behind a command is reached from it.
fn ends(part: &Node) -> bool {
    let Node::Simple { text, .. } = part else { return false };
    let word = text.trim().split([' ', '\t', ':', '/']).next().unwrap_or("");
    word.eq_ignore_ascii_case("goto") || word.eq_ignore_ascii_case("exit")
}

/// The names that parts set.
fn sets(parts: &[Node], depth: usize, names: &mut BTreeSet<String>) {
    if depth > MAX_DEPTH {
        return;
    }
    for part in parts {
        match part {
            Node::Simple { text, .. } => names.extend(assignment(text).map(|(name, _)| name)),
            Node::Block { body, .. } | Node::For { body, .. } | Node::Pipe(body) => {
                sets(body, depth + 1, names)
            }
            Node::If { then, other, .. } => {
                sets(then, depth + 1, names);
                sets(other, depth + 1, names);
            }
            Node::Label(_) => {}
        }
    }
}

/// What a `set` sets, and to what; nothing is known of what it computes or asks for.
fn assignment(text: &str) -> Option<(String, Option<&str>)> {
    let text = text.trim_start();
    let rest =
        text.get(3..).filter(|_| text.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("set")))?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let computed = rest.get(..2).filter(|option| matches!(option.to_ascii_lowercase().as_str(), "/a" | "/p"));
    let rest = if computed.is_some() { rest[2..].trim_start() } else { rest };
    // Behind the last quote nothing belongs to the value.
    let rest = match rest.strip_prefix('"') {
        Some(inner) => inner.rfind('"').map_or(inner, |end| &inner[..end]),
        None => rest,
    };
    let (name, value) = rest.split_once('=')?;
    let name = name.trim_end_matches(['+', '-', '*', '/']).trim().to_ascii_uppercase();
    Some((name, computed.is_none().then_some(value.trim_end_matches(['\r', '\n']))))
}

/// Two ways to the same place: what they do not agree on is unknown.
fn merge(env: &mut Env, other: &Env) {
    if Rc::ptr_eq(env, other) {
        return;
    }
    let held = Rc::make_mut(env);
    for (name, value) in held.iter_mut() {
        if other.get(name) != Some(value) {
            UNKNOWN.clone_into(value);
        }
    }
    for name in other.keys() {
        held.entry(name.clone()).or_insert_with(|| UNKNOWN.to_owned());
    }
}

/// Words of a command line: blanks part them outside of quotes.
pub(super) fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            // A folder's path may end in a backslash; elsewhere one in front of a quote is for the quote.
            '\\' if signs.peek() == Some(&'"') => {
                let mut ahead = signs.clone();
                ahead.next();
                if quoted && ahead.peek().is_none_or(|next| next.is_whitespace()) {
                    word.push('\\');
                } else {
                    signs.next();
                    word.push('"');
                }
            }
            '"' if quoted && signs.peek() == Some(&'"') => {
                signs.next();
                word.push('"');
            }
            '"' => (quoted, any) = (!quoted, true),
            sign if sign.is_whitespace() && !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            sign => word.push(sign),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

impl Batch<'_> {
    /// The parts of the text itself, with its labels.
    fn top(&mut self, parts: &[Node], context: &Context<'_>, out: &mut Out<'_>) {
        let mut reached = true;
        for (at, part) in parts.iter().enumerate() {
            let Node::Label(name) = part else {
                if reached {
                    self.part(part, &Given::default(), 0, context, out);
                    reached = !ends(part);
                }
                continue;
            };
            // A routine is read where it is called.
            if self.called.contains(name) {
                reached = false;
                continue;
            }
            let mut ways = self.jumps.remove(name).unwrap_or_default();
            if !reached && let Some(first) = ways.pop() {
                self.state.env = first;
            }
            for way in ways {
                merge(&mut self.state.env, &way);
            }
            reached = true;
            self.forget_repeated(name, &parts[at..]);
        }
    }

    /// What a text sets between a label and a jump back to it is unknown there.
    fn forget_repeated(&mut self, name: &str, behind: &[Node]) {
        let jumps_back = |part: &Node| {
            let mut found = BTreeSet::new();
            targets(std::slice::from_ref(part), "goto", 0, &mut found);
            found.contains(name)
        };
        let Some(last) = behind.iter().rposition(jumps_back) else { return };
        let mut names = BTreeSet::new();
        sets(&behind[..=last], 0, &mut names);
        self.forget(names);
    }

    fn forget(&mut self, names: BTreeSet<String>) {
        for name in names {
            if self.state.env.contains_key(&name) {
                Rc::make_mut(&mut self.state.env).insert(name, UNKNOWN.to_owned());
            }
        }
    }

    fn all(&mut self, parts: &[Node], depth: usize, context: &Context<'_>, out: &mut Out<'_>) {
        for part in parts {
            self.part(part, &Given::default(), depth, context, out);
            if ends(part) {
                break;
            }
        }
    }

    /// Parts whose variables are filled in before any of them runs.
    fn block(&mut self, parts: &[Node], depth: usize, context: &Context<'_>, out: &mut Out<'_>) {
        let outer = self.state.frozen.clone();
        self.state.frozen = outer.clone().or_else(|| Some(self.state.env.clone()));
        self.all(parts, depth, context, out);
        self.state.frozen = outer;
    }

    fn part(&mut self, part: &Node, given: &Given, depth: usize, context: &Context<'_>, out: &mut Out<'_>) {
        if depth > MAX_DEPTH || !self.around.may_step(0) {
            return;
        }
        match part {
            Node::Simple { text, redirects, line } => {
                let given = self.redirected(redirects, given, text, *line, out);
                self.simple(text, &given, *line, context, out);
            }
            Node::Block { body, redirects, line } => {
                self.redirected(redirects, given, "", *line, out);
                let echoed: String = body.iter().filter_map(|part| self.echoed(part)).collect();
                self.keep(redirects, &echoed);
                self.block(body, depth + 1, context, out);
            }
            Node::If { asks, then, other, line } => {
                if let Asks::Exist(path) = asks {
                    self.exists(path, *line, out);
                }
                out.sleeps.enter();
                let before = self.state.env.clone();
                self.block(then, depth + 1, context, out);
                let leaves = then.iter().any(ends);
                let first = std::mem::replace(&mut self.state.env, before);
                self.block(other, depth + 1, context, out);
                if !leaves {
                    match other.iter().any(ends) {
                        true => self.state.env = first,
                        false => merge(&mut self.state.env, &first),
                    }
                }
                if let Asks::Defined(name) = asks {
                    self.defaulted(name, then);
                }
                out.sleeps.leave();
            }
            Node::For { kind, variable, list, body, line } => {
                out.sleeps.enter();
                self.each(*kind, *variable, list, body, *line, depth, context, out);
                out.sleeps.leave();
            }
            Node::Pipe(stages) => {
                let mut given = given.clone();
                for stage in stages {
                    self.part(stage, &given, depth + 1, context, out);
                    given = self.produced(stage);
                }
            }
            Node::Label(_) => {}
        }
    }

    /// `if not defined X set X=value`: where nothing else is known of it, that is its value.
    fn defaulted(&mut self, name: &str, then: &[Node]) {
        let name = name.trim().to_ascii_uppercase();
        let held = self.state.env.get(&name).cloned();
        let sets = then.iter().find_map(|part| match part {
            Node::Simple { text, .. } => assignment(text).filter(|(set, _)| *set == name)?.1,
            _ => None,
        });
        if let (Some(value), true) = (sets, held.is_none_or(|held| held == UNKNOWN)) {
            let value = self.state.expand(value);
            Rc::make_mut(&mut self.state.env).insert(name, value);
        }
    }

    fn exists(&mut self, path: &str, line: u64, out: &mut Out<'_>) {
        let path = paths::folded(&self.state.expand(path), &self.around.drives);
        // `if exist folder\` and `folder\nul` ask for a folder.
        let folder = path.ends_with('/') || paths::last(&path).eq_ignore_ascii_case("nul");
        if folder || path.contains(['*', '?']) || path.contains(UNKNOWN) || !paths::last(&path).contains('.')
        {
            return;
        }
        let call = self.around.call(Vec::new(), line);
        let file = out.file(&path, &call);
        out.add_trait(&call, Action::Read, file, Trait::named("tests-file"));
    }

    fn simple(&mut self, text: &str, given: &Given, line: u64, context: &Context<'_>, out: &mut Out<'_>) {
        if let Some((name, value)) = assignment(text) {
            let value = value.map_or_else(|| UNKNOWN.to_owned(), |value| self.state.expand(value));
            self.around.may_step(value.len());
            Rc::make_mut(&mut self.state.env).insert(name, value);
            return;
        }
        if let Some(label) = target(text, "goto") {
            let ways = self.jumps.entry(label).or_default();
            if ways.len() < MAX_JUMPS {
                ways.push(self.state.env.clone());
            }
            return;
        }
        if self.said(text).is_some() {
            return;
        }
        let whole = self.state.expand(text);
        if !self.around.may_step(whole.len()) {
            return;
        }
        let mut words = words(&whole);
        while words.first().is_some_and(|word| word.eq_ignore_ascii_case("call")) && words.len() > 1 {
            if let Some(label) = target(text, "call") {
                return self.routine(&label, words[2..].to_vec(), context, out);
            }
            words.remove(0);
        }
        // `cd..` and `cd\jobs` need no blank.
        if let Some(first) = words.first_mut()
            && let Some(path) = first.get(2..).filter(|path| path.starts_with(['\\', '.', '/']))
            && first[..2].eq_ignore_ascii_case("cd")
        {
            let path = path.to_owned();
            first.truncate(2);
            words.insert(1, path);
        }
        let env = self.state.env.clone();
        programs::run(words, given, line, &env, self.around, context, out);
        self.state.folder.clone_from(&self.around.folder);
    }

    /// The parts behind a label, up to where they return.
    fn routine(&mut self, label: &str, arguments: Vec<String>, context: &Context<'_>, out: &mut Out<'_>) {
        if label == "eof" || self.routines.iter().any(|open| open == label) {
            return;
        }
        let parts = self.parts.clone();
        let Some(at) = parts.iter().position(|part| matches!(part, Node::Label(name) if name == label))
        else {
            return;
        };
        if self.routines.len() >= super::MAX_NESTED {
            let detail = "MAX_NESTED: routines that nest deeper were not followed";
            return out.gap(GapCode::Limit, detail, self.text_line);
        }
        self.routines.push(label.to_owned());
        let outer = self.state.arguments.replace(arguments);
        let frozen = self.state.frozen.take();
        for part in &parts[at + 1..] {
            self.part(part, &Given::default(), 0, context, out);
            if ends(part) {
                break;
            }
        }
        self.state.frozen = frozen;
        self.state.arguments = outer;
        self.routines.pop();
    }
}
