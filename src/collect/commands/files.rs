//! Commands that make, move and copy files on one host: cp(1), mv(1), ln(1), touch(1), cat(1), tee(1), dd(1), split(1).
//! They state which file is read and which is written, so that hand-overs through files are seen. Where a file goes
//! when it leaves the host belongs to `transfer`.

use super::options::Options;
use super::transfer::{into, last, opened};
use super::{Call, Commands, Out};
use crate::evidence::Action;

/// cp(1), mv(1), install(1), ln(1).
pub struct Move;
/// touch(1).
pub struct Touch;
/// cat(1), tac(1), and what unpacks to the next command: zcat(1).
pub struct Cat;
/// tee(1), sponge(1).
pub struct Tee;
/// dd(1).
pub struct Dd;
/// split(1), csplit(1).
pub struct Split;

impl Commands for Move {
    fn names(&self) -> &'static [&'static str] {
        &["cp", "mv", "install", "ln"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(
            &call.words,
            if call.name() == "install" { "mogSt" } else { "St" },
            &["mode", "owner", "group", "suffix", "target-directory"],
        );
        if call.name() == "install" && options.has(&["d", "directory"]) {
            return;
        }
        let mut words: Vec<&str> = options.plain.iter().map(String::as_str).collect();
        let folder = options.get(&["t", "target-directory"]);
        let Some(target) = folder.or_else(|| words.pop()) else { return };
        // A link is made without a look at what it leads to, which need not be there.
        let links = call.name() == "ln";
        for written in &words {
            let source = &opened(written);
            if !links {
                out.add_file(call, Action::Read, source);
            }
            let name = last(source);
            // What a pattern stands for may be several files, and those go into a folder; one that is given a name of
            // the same ending is a single one.
            let ending = |path: &str| last(path).rsplit_once('.').map(|(_, ending)| ending.to_owned());
            let renamed = ending(target).is_some() && ending(target) == ending(source);
            let pattern = last(written).contains(['*', '?']) && !renamed;
            let several = words.len() > 1 || folder.is_some() || pattern;
            let path = if several {
                format!("{}/{name}", target.trim_end_matches('/'))
            } else {
                into(call, target, name)
            };
            out.add_file(call, Action::Write, &path);
        }
        // `ln -s TARGET` makes a link of its name here.
        if links && words.is_empty() {
            out.add_file(call, Action::Write, last(target));
        }
    }
}

impl Commands for Touch {
    fn names(&self) -> &'static [&'static str] {
        &["touch"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        for path in &Options::of(&call.words, "dtr", &["date", "reference"]).plain {
            out.add_file(call, Action::Write, path);
        }
    }
}

impl Commands for Cat {
    fn names(&self) -> &'static [&'static str] {
        &["cat", "tac", "zcat", "gzcat", "xzcat", "bzcat", "zstdcat", "lzcat"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        for path in &Options::of(&call.words, "", &[]).plain {
            out.add_file(call, Action::Read, path);
        }
    }
}

impl Commands for Tee {
    fn names(&self) -> &'static [&'static str] {
        &["tee", "sponge"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        for path in &Options::of(&call.words, "", &[]).plain {
            out.add_file(call, Action::Write, path);
        }
    }
}

impl Commands for Dd {
    fn names(&self) -> &'static [&'static str] {
        &["dd", "dcfldd"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        for word in &call.words[1..] {
            match word.split_once('=') {
                Some(("if", path)) => out.add_file(call, Action::Read, path),
                Some(("of", path)) => out.add_file(call, Action::Write, path),
                _ => {}
            }
        }
    }
}

impl Commands for Split {
    fn names(&self) -> &'static [&'static str] {
        &["split"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(
            &call.words,
            "abClnt",
            &[
                "suffix-length",
                "bytes",
                "line-bytes",
                "lines",
                "number",
                "separator",
                "additional-suffix",
                "filter",
            ],
        );
        let mut words = options.plain.iter();
        if let Some(path) = words.next() {
            out.add_file(call, Action::Read, path);
        }
        // Its pieces are called like the prefix, with letters behind (split(1)).
        if let Some(prefix) = words.next() {
            out.add_file(call, Action::Write, &format!("{prefix}{{}}"));
        }
    }
}
