//! `git` (its manual pages) where it moves something between hosts: clone, fetch, pull and push with an address. What a
//! named remote stands for is in the repository: that is a gap.

use super::options::Options;
use super::transfer::{Place, far, place};
use super::{Call, Commands, Out, split_login};
use crate::evidence::Action;
use crate::evidence::scrub::scrub_name;

/// git(1).
pub struct Git;

const LONGS: [&str; 14] = [
    "branch",
    "depth",
    "origin",
    "reference",
    "config",
    "template",
    "upload-pack",
    "receive-pack",
    "filter",
    "jobs",
    "server-option",
    "git-dir",
    "work-tree",
    "strategy",
];

/// What an address names.
enum Address {
    Far(crate::evidence::Resource),
    Here(String),
    /// A host that is only known when it runs.
    Unknown,
    /// The name of a remote.
    Named,
}

fn address(word: &str) -> Address {
    if let Some((scheme, rest)) = word.split_once("://") {
        if scheme == "file" {
            return Address::Here(rest.to_owned());
        }
        let (_, rest) = split_login(rest);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.split(':').next().unwrap_or(host);
        if host.is_empty() || host.contains("{}") {
            return Address::Unknown;
        }
        return Address::Far(far(host, path));
    }
    match place(word) {
        Place::Far { host, path, .. } => Address::Far(far(host, path)),
        Place::Unknown => Address::Unknown,
        Place::Here(path) if path.starts_with(['/', '~', '.']) => Address::Here(path.to_owned()),
        Place::Here(_) if word.starts_with("{}") => Address::Unknown,
        Place::Here(_) => Address::Named,
    }
}

/// Says that something is moved by a remote whose address only the repository has.
fn named(verb: &str, remote: &str, call: &Call, out: &mut Out<'_>) {
    out.unresolved(call, &format!("git {verb} by {remote}, whose address stands in the repository"));
}

impl Commands for Git {
    fn names(&self) -> &'static [&'static str] {
        &["git"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        // Git's own options stand in front of the verb.
        let (mut at, mut within) = (1, None);
        while let Some(word) = call.words.get(at).filter(|word| word.starts_with('-')) {
            if word == "-C" {
                within = call.words.get(at + 1);
            }
            at += if matches!(word.as_str(), "-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace") {
                2
            } else {
                1
            };
        }
        let Some(verb) = call.words.get(at) else { return };
        // `git push -u` only says what is pulled later.
        let shorts = if verb == "push" { "o" } else { "bojucXs" };
        let options = Options::of(&call.words[at..], shorts, &LONGS);
        let mut words = options.plain.iter();
        let inward = match verb.as_str() {
            "clone" | "fetch" | "pull" | "ls-remote" => true,
            "push" => false,
            _ => return,
        };
        let Some(first) = words.next() else {
            if verb != "clone" {
                named(verb, "its usual remote", call, out);
            }
            return;
        };
        match address(first) {
            Address::Far(file) => {
                out.add(call, None, if inward { Action::Import } else { Action::Export }, file)
            }
            Address::Here(path) => {
                out.add_file(call, if inward { Action::Read } else { Action::Write }, &path)
            }
            Address::Unknown => out.unresolved(call, "a repository whose address is only known when it runs"),
            Address::Named => named(verb, &format!("the remote {}", scrub_name(first)), call, out),
        }
        if let Some(folder) = words.next().filter(|_| verb == "clone") {
            let folder = folder.trim_end_matches('/');
            let path = match within {
                Some(within) if !folder.starts_with(['/', '~']) => format!("{within}/{folder}"),
                _ => folder.to_owned(),
            };
            out.add_file(call, Action::Write, &path);
        }
    }
}
