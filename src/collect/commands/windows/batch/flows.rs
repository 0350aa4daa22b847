//! What flows between commands of batch files: redirections, pipes, what `echo` says, and what `for` goes through. It never
//! decides what a command makes of what it is given.

use super::super::{DATE, Given, UNKNOWN, paths};
use super::parse::{Node, Redirect};
use super::{Batch, MAX_LOOP, merge, sets, words};
use crate::collect::commands::{Context, Out};
use crate::evidence::{Action, GapCode};
use std::collections::BTreeSet;

impl Batch<'_> {
    /// States what redirections read and write, and gives what they hand to the command.
    pub(super) fn redirected(
        &mut self,
        redirects: &[Redirect],
        given: &Given,
        text: &str,
        line: u64,
        out: &mut Out<'_>,
    ) -> Given {
        let mut given = given.clone();
        let call = self.around.call(Vec::new(), line);
        for redirect in redirects {
            let target = paths::folded(&self.state.expand(&redirect.target), &self.around.drives);
            let device =
                ["nul", "con", "prn", "aux", "nul:", "con:"].contains(&target.to_ascii_lowercase().as_str());
            // Errors are no hand-over.
            if device || target == UNKNOWN || redirect.descriptor == 2 {
                continue;
            }
            if redirect.input {
                out.add_file(&call, Action::Read, &target);
                match self.around.written.get(&crate::collect::commands::absolute(&target, &call)) {
                    Some(written) => given.stdin = Some(written.clone()),
                    None => given.stdin_file = Some(target),
                }
                given.piped = false;
            } else {
                out.add_file(&call, Action::Write, &target);
            }
        }
        if let Some(said) = self.said(text) {
            self.keep(redirects, &said);
        }
        given
    }

    /// Keeps what the script itself writes to a file.
    pub(super) fn keep(&mut self, redirects: &[Redirect], said: &str) {
        for redirect in redirects.iter().filter(|it| !it.input && it.descriptor == 1 && !said.is_empty()) {
            let target = paths::folded(&self.state.expand(&redirect.target), &self.around.drives);
            self.around.write(&target, said, redirect.append);
        }
    }

    /// What `echo` says.
    pub(super) fn said(&self, text: &str) -> Option<String> {
        let text = text.trim_start();
        let rest =
            text.get(4..).filter(|_| text.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("echo")))?;
        let rest = match rest.chars().next() {
            Some(sign) if " \t.:,;/(".contains(sign) => &rest[1..],
            _ => return None,
        };
        let off = matches!(rest.trim().to_ascii_lowercase().as_str(), "off" | "on");
        (!off).then(|| self.state.expand(rest))
    }

    pub(super) fn echoed(&self, part: &Node) -> Option<String> {
        match part {
            Node::Simple { text, .. } => self.said(text).map(|said| said + "\n"),
            _ => None,
        }
    }

    /// What a stage of a pipe hands to the next.
    pub(super) fn produced(&self, stage: &Node) -> Given {
        let unknown = Given { piped: true, ..Given::default() };
        let Node::Simple { text, .. } = stage else { return unknown };
        if let Some(said) = self.said(text) {
            return Given { stdin: Some(said), ..Given::default() };
        }
        let words = words(&self.state.expand(text));
        match &words[..] {
            [command, path] if command.eq_ignore_ascii_case("type") && !path.contains(UNKNOWN) => {
                let path = paths::folded(path, &self.around.drives);
                Given { stdin_file: Some(path), ..Given::default() }
            }
            _ => unknown,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a loop")]
    pub(super) fn each(
        &mut self,
        kind: Option<char>,
        variable: char,
        list: &str,
        body: &[Node],
        line: u64,
        depth: usize,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) {
        let text = self.state.expand(list);
        let values: Vec<String> = match kind {
            None => words(&text.replace([',', ';'], " "))
                .iter()
                .map(|it| it.replace(['*', '?'], UNKNOWN))
                .collect(),
            Some('f') => vec![self.lines_of(&text, line, context, out)],
            _ => vec![UNKNOWN.to_owned()],
        };
        let known = values.len() <= MAX_LOOP && !values.iter().any(|value| value.contains(UNKNOWN));
        if values.len() > MAX_LOOP {
            let detail =
                "MAX_LOOP: a loop over more values; its body was followed once, with the value unknown";
            out.gap(GapCode::Limit, detail, line);
        }
        let values = if values.len() > MAX_LOOP { vec![UNKNOWN.to_owned()] } else { values };
        let (before, loops) = (self.state.env.clone(), self.state.loops.clone());
        if !known {
            let mut names = BTreeSet::new();
            sets(body, 0, &mut names);
            self.forget(names);
        }
        for value in values {
            // `for /f "tokens=…"` sets the letters behind as well.
            if kind == Some('f') {
                let letters = (b'a'..=b'z').chain(b'A'..=b'Z').map(char::from);
                let more = letters.filter(|letter| {
                    *letter > variable && letter.is_ascii_lowercase() == variable.is_ascii_lowercase()
                });
                for letter in more {
                    self.state.loops.entry(letter).or_insert_with(|| value.clone());
                }
            }
            self.state.loops.insert(variable, value);
            self.block(body, depth + 1, context, out);
        }
        self.state.loops = loops;
        // A date that a loop takes apart is one afterwards.
        if !known && kind != Some('f') {
            merge(&mut self.state.env, &before);
        }
    }

    /// What `for /f` goes through: a date where that is asked for; a command is run.
    pub(super) fn lines_of(
        &mut self,
        text: &str,
        line: u64,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> String {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        if [DATE, "date /t", "time /t", "localdatetime", "get-date"].iter().any(|word| lower.contains(word)) {
            return DATE.to_owned();
        }
        let quote = text.chars().next().filter(|sign| matches!(sign, '\'' | '`'));
        if let Some(command) = quote.and_then(|quote| text[1..].strip_suffix(quote)) {
            super::super::inner(
                command,
                super::super::Language::Batch,
                line,
                true,
                self.state.env.clone(),
                self.around,
                context,
                out,
            );
        } else if !text.starts_with('"') && !text.contains(UNKNOWN) && !text.is_empty() {
            let call = self.around.call(Vec::new(), line);
            for path in words(text) {
                out.add_file(&call, Action::Read, &paths::folded(&path, &self.around.drives));
            }
        }
        UNKNOWN.to_owned()
    }
}
