//! What one command does to the shell itself, and the texts and files it makes a shell read: wrappers peeled, functions
//! called, files sourced, commands on other hosts and in containers. A command that is none of this is stated.

use super::pipes::Redirects;
use super::shell::{Function, Shell, State};
use super::words::UNKNOWN;
use super::wrappers::{self, Wrapped};
use super::{Call, Context, Out, state, template};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{Action, Text, Trait};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many times a command may hold another as text, a function call another, a sourced file another.
const MAX_NESTED_TEXTS: usize = 12;
/// How many times a function is followed inside of itself.
const MAX_RECURSION: usize = 2;
/// How many wrappers stand in front of one command.
const MAX_WRAPPERS: usize = 32;

/// What a command that a shell knows itself leads to.
enum Own {
    /// It was followed.
    Done,
    /// It is none.
    No,
}

impl Shell<'_> {
    /// One command: what changes the shell itself, functions, wrappers, and the rest.
    pub(super) fn call(&mut self, mut call: Call, context: &Context<'_>, out: &mut Out<'_>) {
        out.calls += 1;
        for _ in 0..MAX_WRAPPERS {
            let Some(command) = call.words.first() else { return };
            if let Some(function) = self.state.functions.get(command.as_str()).cloned() {
                return self.function(&function, call, context, out);
            }
            if self.runs_written(&mut call, context, out) {
                return;
            }
            let name = call.name().to_owned();
            if let Own::Done = self.own(&name, &call, context, out) {
                return;
            }
            match name.as_str() {
                "flock" => {
                    let lock = wrappers::flock(&call.words);
                    let path = lock
                        .descriptor
                        .map_or(lock.path, |fd| self.state.descriptors.get(&fd).cloned().unwrap_or_default());
                    if lock.waits {
                        self.locked(&path, call.line, out);
                    }
                    match lock.wrapped {
                        Wrapped::Text(text) => return self.text(Some(text), &call, context, out),
                        Wrapped::Words(words) => call.words = words,
                        Wrapped::Input => return,
                    }
                }
                "ssh" | "autossh" | "rsh" | "docker" | "podman" | "nerdctl" | "docker-compose"
                | "kubectl" | "oc" | "chroot" | "pssh" | "parallel-ssh" | "pdsh" | "clush" => {
                    return self.elsewhere(&name, call, context, out);
                }
                "find" => {
                    for words in wrappers::found(&call.words) {
                        self.call(Call { words, ..call.clone() }, context, out);
                    }
                    return;
                }
                _ => {
                    let Some((wrapped, account)) = wrappers::peel(&name, &call.words) else {
                        let started = self.starts(&name, &call, context, out);
                        if !started && !self.quiet && !self.wrapper(&call, context, out) {
                            out.written = self.state.written.clone();
                            state(&call, out);
                        }
                        return;
                    };
                    call.account = account.or(call.account);
                    match wrapped {
                        Wrapped::Text(text) => return self.text(Some(text), &call, context, out),
                        Wrapped::Input => return self.input(call, context, out),
                        Wrapped::Words(words) => call.words = words,
                    }
                }
            }
            // Assignments in front of the wrapped command (`env A=b cmd`).
            while let Some((name, value)) = call.words.first().and_then(|word| word.split_once('=')) {
                Rc::make_mut(&mut call.env).insert(name.to_owned(), value.to_owned());
                call.words.remove(0);
            }
        }
    }

    /// Commands of the shell itself.
    fn own(&mut self, name: &str, call: &Call, context: &Context<'_>, out: &mut Out<'_>) -> Own {
        let words = &call.words[1..];
        match name {
            "." | "source" => self.source(call, context, out),
            "cd" | "pushd" => {
                let folder = words.iter().find(|word| !word.starts_with('-'));
                if name == "pushd" {
                    self.state.left.push(self.state.folder.clone());
                }
                self.enter(folder, call);
            }
            "popd" => self.state.folder = self.state.left.pop().flatten(),
            "mkdir" => {
                for folder in words.iter().filter(|word| !word.starts_with('-')) {
                    self.is_folder(folder);
                }
                return Own::No;
            }
            "mv" | "rm" | "rmdir" => {
                let taken = words.iter().filter(|word| !word.starts_with('-'));
                let last = words.len().saturating_sub(usize::from(name == "mv"));
                let taken: Vec<String> = taken.take(last).map(|path| super::absolute(path, call)).collect();
                if taken.iter().any(|path| self.state.folders.contains(path.trim_end_matches('/'))) {
                    let gone = |path: &String| {
                        taken.iter().any(|taken| taken.trim_end_matches('/') == path.as_str())
                    };
                    Rc::make_mut(&mut self.state.folders).retain(|path| !gone(path));
                }
                return Own::No;
            }
            "shift" => {
                let by = words.first().and_then(|by| by.parse().ok()).unwrap_or(1usize);
                if let Some(arguments) = &mut self.state.arguments {
                    arguments.drain(..by.min(arguments.len()));
                }
            }
            "set" if words.first().is_some_and(|word| word == "--") => {
                self.state.arguments = Some(words[1..].to_vec());
            }
            "read" | "mapfile" | "readarray" | "getopts" => {
                for name in words.iter().filter(|word| !word.starts_with('-')) {
                    Rc::make_mut(&mut self.state.arrays).remove(name);
                    self.state.set(name, UNKNOWN.to_owned());
                }
            }
            "printf" if words.first().is_some_and(|word| word == "-v") => {
                if let Some(name) = words.get(1) {
                    self.state.set(name, UNKNOWN.to_owned());
                }
            }
            "trap" => {
                self.text(words.iter().find(|word| !word.starts_with('-')).cloned(), call, context, out)
            }
            "eval" => self.text(Some(words.join(" ")), call, context, out),
            "test" | "[" => self.test(call, out),
            _ => return Own::No,
        }
        Own::Done
    }

    fn enter(&mut self, folder: Option<&String>, call: &Call) {
        self.state.folder = match folder {
            Some(folder) if folder.starts_with(UNKNOWN) => None,
            Some(folder) => Some(super::absolute(folder, call).trim_end_matches('/').to_owned()),
            None => Some("~".to_owned()),
        };
        if self.state.folder.as_deref() == Some("") {
            self.state.folder = Some("/".to_owned());
        }
        if let Some(folder) = self.state.folder.clone() {
            self.is_folder(&folder);
        }
    }

    fn test(&mut self, call: &Call, out: &mut Out<'_>) {
        if self.nested == 0 {
            out.guard(&call.words.join(" "));
        }
        for (at, operator) in call.words.iter().enumerate() {
            if matches!(operator.as_str(), "-e" | "-f" | "-s" | "-r" | "-d") {
                let path = call.words.get(at + 1).cloned().unwrap_or_default();
                self.tested(operator, &path, call.line, out);
            }
        }
    }

    /// States that a lock is taken, and waited for.
    fn locked(&self, path: &str, line: u64, out: &mut Out<'_>) {
        if self.quiet || path.is_empty() || path.contains(UNKNOWN) {
            return;
        }
        let call = self.bare(line);
        let file = out.file(path, &call);
        out.add_trait(&call, Action::Touch, file, Trait::named("waits-for-lock"));
    }

    /// A command that runs on another host or in a container: what it does to databases it does, its files are
    /// not this host's.
    fn elsewhere(&mut self, name: &str, call: Call, context: &Context<'_>, out: &mut Out<'_>) {
        let Some(remote) = wrappers::remote(name, &call.words) else {
            if !self.quiet {
                state(&call, out);
            }
            return;
        };
        if matches!(name, "ssh" | "autossh" | "rsh") && !self.quiet {
            match &remote.host {
                Some(host) => out.add_host(&call, host, None),
                None => out.unresolved(&call, "a host that is only known when it runs"),
            }
        }
        if matches!(name, "pssh" | "parallel-ssh" | "pdsh" | "clush") && !self.quiet {
            for host in &remote.several {
                out.add_host(&call, host, None);
            }
            if remote.several.is_empty() {
                out.unresolved(&call, "a host that is only known when it runs");
            }
        }
        // The text of a local file that is given to a shell there is known here.
        let given = call.stdin_file.as_ref().and_then(|path| out.text_of(path, &call));
        let before = out.elsewhere.replace(remote.host.map(Text::from));
        let whose = remote.whose.map(|whose| Text::from(scrub_name(&whose)));
        let within = std::mem::replace(&mut out.within, whose);
        let here = self.state.folder.take();
        let arguments = self.state.arguments.take();
        let there = Call { env: Rc::default(), folder: None, account: None, ..call };
        match remote.wrapped {
            Wrapped::Text(text) => self.text(Some(text), &there, context, out),
            Wrapped::Words(words) => self.call(Call { words, ..there }, context, out),
            // `ssh HOST <<EOF`: the text is given to a shell there.
            Wrapped::Input => {
                self.text(there.stdin.clone().or(given), &Call { stdin: None, ..there }, context, out)
            }
        }
        self.state.folder = here;
        self.state.arguments = arguments;
        out.elsewhere = before;
        out.within = within;
    }

    /// A shell that reads its input: the text is known, or a file that is then run.
    fn input(&mut self, mut call: Call, context: &Context<'_>, out: &mut Out<'_>) {
        if let Some(text) = call.stdin.take() {
            return self.text(Some(text), &call, context, out);
        }
        let Some(path) = call.stdin_file.take().filter(|_| !self.quiet) else {
            if call.piped && !self.quiet {
                out.unresolved(&call, "a shell reads commands that another command makes");
            }
            return;
        };
        match (context.files)(&super::absolute(&path, &call)).filter(|_| out.elsewhere.is_some()) {
            Some(text) => self.text(Some(text), &call, context, out),
            None => out.runs(&call, &path, super::postgres::environment(&call)),
        }
    }

    /// A text inside this one, with the state it starts from.
    pub(super) fn inner<'t>(
        &self,
        text: &'t str,
        first_line: u64,
        pinned: Option<u64>,
        state: State,
    ) -> Shell<'t> {
        Shell {
            text,
            first_line,
            pinned,
            state,
            nested: self.nested + 1,
            quiet: self.quiet,
            own_folder: self.own_folder.clone(),
            host: self.host.clone(),
            loose: Vec::new(),
            locals: None,
            bodies: self.bodies.clone(),
            decided: Vec::new(),
            work: self.work.clone(),
            arguments: None,
        }
    }

    /// Whether one more text may be read inside of this one; otherwise a gap says so.
    pub(super) fn may_nest(&self, call: &Call, out: &mut Out<'_>) -> bool {
        if self.nested >= MAX_NESTED_TEXTS {
            let detail = "MAX_NESTED_TEXTS: functions, sourced files or quoted commands that nest deeper were not followed";
            out.gap(crate::evidence::GapCode::Limit, detail, call.line);
        }
        self.nested < MAX_NESTED_TEXTS && self.may_work(64)
    }

    /// A command given as text.
    pub(super) fn text(
        &mut self,
        text: Option<String>,
        call: &Call,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) {
        let Some(text) = text.filter(|text| !text.trim().is_empty() && text != UNKNOWN) else { return };
        if !self.may_nest(call, out)
            || !self.may_work(text.len())
            || super::shell::opens(&text) > super::shell::MAX_OPEN
        {
            return;
        }
        let state = State { env: call.env.clone(), account: call.account.clone(), ..self.state.clone() };
        let given = given(call);
        let pinned = if call.of_file { Some(call.line) } else { self.pinned };
        self.inner(&text, call.line, pinned, state).run(&given, context, out);
    }

    /// A function's body, with the call's words as its arguments.
    pub(super) fn function(
        &mut self,
        function: &Function,
        call: Call,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) {
        // What a function does that calls itself, it does once more with other arguments; twice tells it.
        let again = self.bodies.iter().filter(|body| Rc::ptr_eq(body, &function.body)).count();
        if again >= MAX_RECURSION || !self.may_nest(&call, out) || !self.may_work(function.body.len()) {
            return;
        }
        let (given, line) = (given(&call), call.line);
        let arguments = Some(call.words[1..].to_vec());
        let before = self.state.arguments.clone();
        // Variables in front of the call are those of the call alone.
        let own: Vec<(String, Option<String>)> = match Rc::ptr_eq(&call.env, &self.state.env) {
            true => Vec::new(),
            false => {
                let held = |name: &String| self.state.env.get(name);
                let own = call.env.iter().filter(|(name, value)| held(name) != Some(*value));
                own.map(|(name, _)| (name.clone(), held(name).cloned())).collect()
            }
        };
        let state = State { env: call.env, arguments, ..std::mem::take(&mut self.state) };
        let pinned = if function.line.is_some() { self.pinned } else { Some(line) };
        let mut inner = self.inner(&function.body, function.line.unwrap_or(line), pinned, state);
        inner.locals = Some(BTreeMap::new());
        inner.bodies.push(function.body.clone());
        inner.run(&given, context, out);
        let locals = inner.locals.take().unwrap_or_default();
        self.state = State { arguments: before, ..inner.state };
        // Names that it declared, and those that stood in front of its call, are the caller's again.
        for (name, held) in locals.into_iter().chain(own) {
            let env = Rc::make_mut(&mut self.state.env);
            match held {
                Some(held) => env.insert(name, held),
                None => env.remove(&name),
            };
        }
    }

    /// A sourced file gives its variables and functions. What it does is stated where it is read itself; one that nothing
    /// tells to be a script is read nowhere else, and does it here.
    fn source(&mut self, call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
        let Some(path) = call.words.get(1) else { return };
        let own = self.own_text(path, call, out);
        let text = match &own {
            Some(text) => Ok(Some(text.to_string())),
            None => self.sourced(path, call, context),
        };
        let Ok(text) = text else {
            if !self.quiet {
                let detail = format!(
                    "sources {}, and the file of that name lies neither beside it nor above; it was not followed",
                    scrub_name(path)
                );
                out.gap(crate::evidence::GapCode::AmbiguousScript, &detail, call.line);
            }
            return;
        };
        if !self.quiet && own.is_none() {
            out.includes(call, path);
        }
        let text = text.filter(|_| out.elsewhere.is_none());
        let Some(text) = text else { return };
        if !self.may_nest(call, out) || !self.may_work(text.len()) {
            return;
        }
        let state = std::mem::take(&mut self.state);
        let blanked = template::blank(&text);
        let mut inner = self.inner(&blanked.text, 1, Some(call.line), state);
        inner.quiet = self.quiet || (own.is_none() && is_script(path, &text));
        inner.loose = blanked.loose.clone();
        inner.run(&Redirects::default(), context, out);
        self.state = inner.state;
    }

    /// The text of a file that is sourced. A name that is no whole path means a file beside the script, or one below a
    /// folder that the script lies in; the error: the scan has one elsewhere, and nothing tells that it is meant.
    fn sourced(&self, path: &str, call: &Call, context: &Context<'_>) -> Result<Option<String>, ()> {
        let whole = super::absolute(path, call);
        if whole.starts_with(['/', '~']) || whole.contains(UNKNOWN) {
            return Ok((context.files)(&whole));
        }
        let beside = self.own_folder.as_ref().map(|own| super::normal(&format!("{own}/{whole}")));
        if let Some(text) = beside.and_then(|path| (context.files)(&path)) {
            return Ok(Some(text));
        }
        let Some(inputs) = context.inputs else { return Ok((context.files)(&whole)) };
        let Some(found) = inputs.find(context.host.as_deref(), &whole) else { return Ok(None) };
        let above = found.path.strip_suffix(&*whole).unwrap_or("").trim_end_matches('/');
        let rest = context.input.strip_prefix(above);
        let within = above.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'));
        if within { Ok(found.text().ok()) } else { Err(()) }
    }

    /// A script that runs its own arguments (`"$@"`), or hands them on to a known command, is read with them, as what the
    /// line does; tells whether the call is one of such a script.
    fn wrapper(&mut self, call: &Call, context: &Context<'_>, out: &mut Out<'_>) -> bool {
        let path = &call.words[0];
        if call.words.len() < 2 || !path.contains('/') || out.elsewhere.is_some() {
            return false;
        }
        let text = (context.files)(&super::absolute(path, call));
        let known = |name: &str| super::BY_NAME.contains_key(name);
        let takes = |text: &String| wrappers::runs_arguments(text) || wrappers::hands_on(text, &known);
        let Some(text) = text.filter(takes) else { return false };
        if !self.may_nest(call, out) {
            return false;
        }
        let arguments = Some(call.words[1..].to_vec());
        let state =
            State { env: call.env.clone(), folder: call.folder.clone(), arguments, ..State::default() };
        let mut inner = self.inner(&text, call.line, Some(call.line), state);
        inner.own_folder = path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        inner.run(&given(call), context, out);
        true
    }
}

/// Whether a file says by its name or its first line that it is a script.
fn is_script(path: &str, text: &str) -> bool {
    text.starts_with("#!") || [".sh", ".bash", ".ksh"].iter().any(|ending| path.ends_with(ending))
}

/// What the commands of a text that a call runs are given.
fn given(call: &Call) -> Redirects {
    Redirects::of(call.stdin.clone(), call.stdin_file.clone(), call.piped)
}
