//! Commands that start work which another file describes: units (systemctl(1), service(8)), the scripts of a folder
//! (run-parts(8)), rules of a Makefile (make(1)), scripts of a `package.json` (npm-run-script(1), `yarn run`). What such a file says is read as what the line does. It never reads
//! a file of another host, and a call that leads nowhere is a gap.

use super::options::Options;
use super::pipes::Redirects;
use super::services::{self, Started};
use super::shell::{Shell, State};
use super::{Call, Context, Out, absolute, make};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{MentionKind, Text};
use crate::input::InputFile;
use std::borrow::Cow;
use std::rc::Rc;

/// How many scripts of a folder are followed.
const MAX_PARTS: usize = 256;
/// How many units one call starts.
const MAX_UNITS: usize = 32;
/// Names of Makefiles in the order in which make(1) looks for them.
const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];
/// Targets of a build (GNU Coding Standards, "Standard Targets").
const BUILDS: [&str; 8] =
    ["all", "install", "install-strip", "uninstall", "clean", "distclean", "check", "test"];
/// What `yarn` and `pnpm` do by themselves when they are given one of these.
const MANAGING: [&str; 30] = [
    "add",
    "audit",
    "autoclean",
    "bin",
    "cache",
    "config",
    "create",
    "dedupe",
    "dlx",
    "exec",
    "global",
    "help",
    "import",
    "info",
    "init",
    "install",
    "link",
    "list",
    "login",
    "logout",
    "outdated",
    "pack",
    "prune",
    "publish",
    "remove",
    "set",
    "unlink",
    "update",
    "upgrade",
    "why",
];

impl Shell<'_> {
    /// Follows a call that starts what another file describes; tells whether it was one.
    pub(super) fn starts(
        &mut self,
        name: &str,
        call: &Call,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> bool {
        if self.quiet {
            return false;
        }
        match name {
            "systemctl" => self.systemctl(call, context, out),
            "service" | "invoke-rc.d" => self.service(call, context, out),
            "run-parts" => run_parts(call, context, out),
            "make" | "gmake" => self.make(call, context, out),
            "npm" | "yarn" | "pnpm" => self.package(name, call, context, out),
            _ => return false,
        }
        true
    }

    fn systemctl(&mut self, call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
        let options = Options::of(
            &call.words,
            "tpHMnos",
            &["type", "property", "host", "machine", "signal", "job-mode"],
        );
        let mut words = options.plain.iter().map(String::as_str);
        let verb = words.next().unwrap_or("");
        let now = options.has(&["now"]) && verb == "enable";
        // A user's own units lie in the user's folder.
        if options.has(&["user"])
            || !(now || matches!(verb, "start" | "restart" | "reload-or-restart" | "isolate"))
        {
            return;
        }
        for unit in words.take(MAX_UNITS) {
            let whole = if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") };
            self.unit(&whole, verb, call, context, out);
        }
    }

    /// `service NAME start`.
    fn service(&mut self, call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
        let mut words = call.words[1..].iter().map(String::as_str).filter(|word| !word.starts_with('-'));
        if let (Some(name), Some(verb @ ("start" | "restart"))) = (words.next(), words.next()) {
            self.unit(&format!("{name}.service"), verb, call, context, out);
        }
    }

    /// What a unit runs that is started here.
    fn unit(&mut self, name: &str, verb: &str, call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
        // A timer, a socket or a mount does nothing by being started.
        if !name.ends_with(".service") && !name.ends_with(".target") {
            return;
        }
        if name.contains("{}") {
            return out.not_followed(call, "starts a unit whose name is only known when it runs");
        }
        // What has the letters of a unit's name (systemd.unit(5)) is one, `@` among them.
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b":-_.\\@".contains(&b));
        let shown = if plain { Cow::Borrowed(name) } else { scrub_name(name) };
        if name.ends_with(".target") {
            return out.not_followed(call, &format!("starts {shown}: the units it wants were not followed"));
        }
        let host = match &out.elsewhere {
            Some(None) => {
                return out.not_followed(call, &format!("starts {shown} on a host that is not told"));
            }
            Some(there) => there.clone(),
            None => context.host.clone(),
        };
        let started = match context.inputs {
            Some(inputs) => services::started(inputs, host.as_ref(), &context.input, name),
            None => Started::Missing,
        };
        match started {
            Started::Itself | Started::Nothing => {}
            // What is started again was there before: a service of its own.
            Started::Missing if verb != "start" => {}
            Started::Missing => {
                out.not_followed(call, &format!("starts {shown}, which the scan was not given"))
            }
            Started::Work(work) => {
                let account = work.account.or_else(|| Some("root".to_owned()));
                let env = Rc::new(work.environment);
                let state = State { env, account, ..State::default() };
                self.described(&work.text, state, call, context, out);
                for unit in work.behind {
                    if self.may_nest(call, out) {
                        self.nested += 1;
                        self.unit(&unit, "start", call, context, out);
                        self.nested -= 1;
                    }
                }
            }
        }
    }

    fn make(&mut self, call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "CfIjlloW", &["directory", "file", "makefile", "jobs"]);
        let folder = options.get(&["C", "directory"]).map(|folder| absolute(folder, call));
        let folder = folder.or_else(|| call.folder.clone());
        let named = options.get(&["f", "file", "makefile"]);
        let names: Vec<&str> = named.map_or(MAKEFILES.to_vec(), |name| vec![name]);
        let (set, targets): (Vec<&String>, Vec<&String>) =
            options.plain.iter().partition(|word| word.contains('='));
        let Some(text) = names.iter().find_map(|name| near(name, folder.as_deref(), context, out)) else {
            // Building what was unpacked is no work of the estate.
            if targets.iter().any(|target| !BUILDS.contains(&target.as_str())) {
                out.not_followed(call, "runs make, and the scan was not given its Makefile");
            }
            return;
        };
        let set = set.into_iter().filter_map(|word| word.split_once('='));
        let file = make::Makefile::read(&text, set);
        let targets: Vec<&str> = match targets.is_empty() {
            true => file.first().into_iter().collect(),
            false => targets.into_iter().map(String::as_str).collect(),
        };
        for target in targets {
            match file.recipe(target) {
                Some(recipe) => {
                    let state = State { env: call.env.clone(), folder: folder.clone(), ..State::default() };
                    self.described(&recipe, state, call, context, out);
                }
                None => {
                    let detail =
                        format!("runs make {}, and no rule of its Makefile says how", scrub_name(target));
                    out.not_followed(call, &detail);
                }
            }
        }
    }

    /// `npm run NAME`, `npm start`, `yarn NAME`.
    fn package(&mut self, manager: &str, call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
        let end = call.words.iter().position(|word| word == "--").unwrap_or(call.words.len());
        let options = Options::of(
            &call.words[..end],
            "CwF",
            &["prefix", "cwd", "dir", "workspace", "filter", "loglevel"],
        );
        let mut words = options.plain.iter().map(String::as_str);
        let Some(first) = words.next() else { return };
        let script = match (manager, first) {
            (_, "run" | "run-script") => words.next(),
            (_, "start" | "test" | "stop" | "restart") => Some(first),
            ("yarn" | "pnpm", word) if !MANAGING.contains(&word) => Some(word),
            _ => None,
        };
        let Some(script) = script else { return };
        let shown = format!("{manager} runs {}", scrub_name(script));
        if options.has(&["w", "workspace", "F", "filter"]) {
            return out.not_followed(call, &format!("{shown} of a workspace, which was not followed"));
        }
        let folder = options.get(&["prefix", "cwd", "C", "dir"]).map(|folder| absolute(folder, call));
        let folder = folder.or_else(|| call.folder.clone());
        let Some(text) = near("package.json", folder.as_deref(), context, out) else {
            return out.not_followed(call, &format!("{shown}, and the scan was not given its package.json"));
        };
        let document: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let scripts = document.as_ref().and_then(|document| document.get("scripts"));
        let of = |name: &str| scripts.and_then(|scripts| scripts.get(name)).and_then(|text| text.as_str());
        let Some(own) = of(script) else {
            return out.not_followed(call, &format!("{shown}, which its package.json does not have"));
        };
        // What stands behind the name is given to the script.
        let given = call.words.get(end + 1..).unwrap_or(&[]).iter().map(String::as_str).chain(words);
        let given: Vec<String> = given.map(|word| format!("'{}'", word.replace('\'', ""))).collect();
        let whole = format!("{own} {}", given.join(" "));
        let (pre, post) = (format!("pre{script}"), format!("post{script}"));
        let steps: Vec<&str> = of(&pre).into_iter().chain([whole.as_str()]).chain(of(&post)).collect();
        let state = State { env: call.env.clone(), folder, ..State::default() };
        self.described(&steps.join("\n"), state, call, context, out);
    }

    /// Reads commands that another file holds: what they do is what this line does.
    fn described(&mut self, text: &str, state: State, call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
        if text.trim().is_empty() || !self.may_nest(call, out) || !self.may_work(text.len()) {
            return;
        }
        if super::shell::opens(text) <= super::shell::MAX_OPEN {
            self.inner(text, call.line, Some(call.line), state).run(&Redirects::default(), context, out);
        }
    }
}

/// The scripts of a folder, as far as the scan has them. What `/etc/crontab` starts of `/etc/cron.*` are jobs themselves.
fn run_parts(call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
    let options = Options::of(&call.words, "au", &["arg", "umask", "regex"]);
    let Some(folder) = options.plain.first().map(|folder| absolute(folder, call)) else { return };
    if options.has(&["test", "list"]) || folder.starts_with("/etc/cron.") {
        return;
    }
    let folder = folder.trim_end_matches('/');
    let host = context.host.as_ref().filter(|_| out.elsewhere.is_none());
    let inside = |file: &&InputFile| {
        host.is_some()
            && file.host.as_ref() == host
            && file.inner.rsplit_once('/').is_some_and(|(above, _)| above == folder)
            // Names with other signs are left out (run-parts(8)).
            && file.name().bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    let files = context.inputs.map_or(&[][..], |inputs| &inputs.files);
    let found: Vec<&InputFile> = files.iter().filter(inside).take(MAX_PARTS).collect();
    if found.is_empty() {
        out.not_followed(
            call,
            &format!("runs the scripts of {}, which the scan was not given", scrub_name(folder)),
        );
    }
    for file in found {
        out.runs(call, &file.inner, super::postgres::environment(call));
    }
}

/// The text of a file in a folder of this host. Of a text without a host, whose folder is not told, the nearest one above.
fn near(name: &str, folder: Option<&str>, context: &Context<'_>, out: &Out<'_>) -> Option<String> {
    if out.elsewhere.is_some() || name.contains("{}") || folder.is_some_and(|folder| folder.contains("{}")) {
        return None;
    }
    let path = folder.map_or(name.to_owned(), |folder| format!("{}/{name}", folder.trim_end_matches('/')));
    if path.starts_with('/') || context.about.kind == MentionKind::Script {
        return (context.files)(&path);
    }
    let inputs = context.inputs.filter(|_| context.host.is_none())?;
    let mut above: &str = &context.input;
    while let Some((folder, _)) = above.rsplit_once('/') {
        above = folder;
        let whole = format!("{folder}/{path}");
        if let Some(file) = inputs.files.iter().find(|file| file.host.is_none() && *file.path == *whole) {
            return file.text().ok();
        }
    }
    inputs.files.iter().find(|file| file.path == Text::from(path.as_str()))?.text().ok()
}
