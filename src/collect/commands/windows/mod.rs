//! Scripts of Windows: batch files (`cmd`) and PowerShell. Both are read by readers of their own, and what they run
//! becomes the same calls that shell text comes to, so that the table of commands says what those do. Nothing is run,
//! and what only a run can tell stays `{}`.

mod batch;
mod files;
mod paths;
mod powershell;
mod programs;
mod transfers;

pub(super) use paths::{is_rooted, unc};

use super::{Call, Context, Out};
use crate::evidence::GapCode;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How long a text is at most that is read.
const MAX_TEXT: usize = 8 * 1024 * 1024;
/// How many steps one text may come to, loops and routines unrolled.
const MAX_STEPS: usize = 20_000;
/// How long all words and values of a text may be together.
const MAX_EXPANDED: usize = 8 * 1024 * 1024;
/// How many texts may stand inside of one another: `cmd /c "powershell -Command …"`.
const MAX_NESTED: usize = 8;
/// How deep blocks and brackets may nest.
const MAX_DEPTH: usize = 100;
/// How long a text is at most that a script writes and another program is given.
const MAX_WRITTEN: usize = 64 * 1024;

/// Nobody knows before it runs.
const UNKNOWN: &str = "{}";
/// A date of the run.
const DATE: &str = "{date}";

/// Variables, by their names.
type Env = Rc<BTreeMap<String, String>>;

/// Which of the two a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `.bat`, `.cmd`.
    Batch,
    /// `.ps1`, `.psm1`.
    PowerShell,
}

/// What both readers know while they read a script and the texts inside of it.
#[derive(Debug, Default)]
struct Around {
    folder: Option<String>,
    left: Vec<Option<String>>,
    /// What drives stand for that the script connects.
    drives: BTreeMap<char, String>,
    /// Texts that the script writes to files, by their paths.
    written: BTreeMap<String, String>,
    steps: usize,
    expanded: usize,
    nested: usize,
    /// Inside of a function or file that only gives its names.
    over: bool,
}

/// What a command is given.
#[derive(Debug, Default, Clone)]
struct Given {
    stdin: Option<String>,
    stdin_file: Option<String>,
    piped: bool,
}

impl Around {
    /// Takes a step; tells whether it may.
    fn may_step(&mut self, length: usize) -> bool {
        self.steps += 1;
        self.expanded = self.expanded.saturating_add(length);
        self.over |= self.steps > MAX_STEPS || self.expanded > MAX_EXPANDED;
        !self.over
    }

    fn call(&self, words: Vec<String>, line: u64) -> Call {
        Call { words, line, folder: self.folder.clone(), ..Call::default() }
    }

    /// The text of a file: what the script itself wrote to it, else what the scan was given.
    fn text_of(&self, path: &str, call: &Call, out: &Out<'_>) -> Option<String> {
        let whole = super::absolute(path, call);
        self.written.get(&whole).cloned().or_else(|| out.text_of(path, call))
    }

    /// Keeps what the script writes to a file.
    fn write(&mut self, path: &str, text: &str, append: bool) {
        let call = self.call(Vec::new(), 0);
        let held = self.written.entry(super::absolute(path, &call)).or_default();
        if !append {
            held.clear();
        }
        if held.len() + text.len() <= MAX_WRITTEN {
            held.push_str(text);
            held.push('\n');
        }
    }

    fn enter(&mut self, path: &str) {
        let call = self.call(Vec::new(), 0);
        self.folder = match path {
            "" | "." | "./" => self.folder.take(),
            path if path.starts_with(UNKNOWN) => None,
            path => Some(super::absolute(path, &call).trim_end_matches('/').to_owned()),
        };
    }
}

/// The folder of the script itself.
fn own_folder(context: &Context<'_>) -> Option<String> {
    let folder = context.own_folder.as_deref()?;
    Some(if is_rooted(folder) { folder.to_owned() } else { format!("/{folder}") })
}

/// The first place from here on where a text may be cut.
fn boundary(text: &str, from: usize) -> usize {
    (from.min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Reads a text.
pub(super) fn read(text: &str, language: Language, context: &Context<'_>, out: &mut Out<'_>) {
    if text.len() > MAX_TEXT {
        let detail = "MAX_TEXT: a script longer than this; nothing of it was read";
        return out.gap(GapCode::Limit, detail, context.first_line);
    }
    let mut around = Around::default();
    inner(text, language, context.first_line, false, Rc::default(), &mut around, context, out);
    if around.over {
        let detail =
            "MAX_STEPS: loops, routines and values come to more than is followed; the rest was left out";
        out.gap(GapCode::Limit, detail, context.first_line);
    }
}

/// Reads a text that may stand inside another one; `pinned`: all of it stands on one line there.
#[expect(clippy::too_many_arguments, reason = "each is a fact of its own about where the text stands")]
fn inner(
    text: &str,
    language: Language,
    line: u64,
    pinned: bool,
    env: Env,
    around: &mut Around,
    context: &Context<'_>,
    out: &mut Out<'_>,
) {
    if around.nested >= MAX_NESTED {
        let detail = "MAX_NESTED: quoted commands that nest deeper were not followed";
        return out.gap(GapCode::Limit, detail, line);
    }
    if !around.may_step(text.len()) {
        return;
    }
    around.nested += 1;
    match language {
        Language::Batch => batch::read(text, line, pinned, env, around, context, out),
        Language::PowerShell => powershell::read(text, line, pinned, env, around, context, out),
    }
    around.nested -= 1;
}
