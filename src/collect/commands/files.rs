//! Commands that make, move and copy files on one host: cp(1), mv(1), touch(1), ln(1), gzip(1). They state
//! which file is read and which is written, so that hand-overs through files are seen. Where a file goes
//! when it leaves the host belongs to `transfer`.

use super::{Call, Commands, Out};
use crate::evidence::Action;

/// cp(1), mv(1), install(1), ln(1).
pub struct Move;
/// touch(1).
pub struct Touch;
/// gzip(1) and its like in their plain form: `gzip FILE` makes `FILE.gz`.
pub struct Pack;

fn add(call: &Call, action: Action, path: &str, out: &mut Out<'_>) {
    // A path that is unknown from its first part on names nothing.
    if path.is_empty() || path.starts_with("{}") || path.starts_with("/dev/") || path.contains('*') {
        return;
    }
    let file = out.file(path, call);
    out.add(call, None, action, file);
}

impl Commands for Move {
    fn names(&self) -> &'static [&'static str] {
        &["cp", "mv", "install", "ln"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let plain = call.plain(&["-m", "-o", "-g", "-S", "--mode", "--owner", "--group", "--suffix"]);
        let Some((target, sources)) = plain.split_last() else { return };
        // A link is made without a look at what it leads to, which need not be there.
        let links = call.words[0].rsplit('/').next() == Some("ln");
        let folder = target.ends_with('/') || sources.len() > 1;
        for source in sources {
            if !links {
                add(call, Action::Read, source, out);
            }
            let name = source.rsplit('/').next().unwrap_or(source);
            let path = if folder {
                format!("{}/{name}", target.trim_end_matches('/'))
            } else {
                (*target).to_owned()
            };
            add(call, Action::Write, &path, out);
        }
    }
}

impl Commands for Touch {
    fn names(&self) -> &'static [&'static str] {
        &["touch"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        for path in call.plain(&["-d", "-t", "-r", "--date", "--reference"]) {
            add(call, Action::Write, path, out);
        }
    }
}

impl Commands for Pack {
    fn names(&self) -> &'static [&'static str] {
        &["gzip", "bzip2", "xz", "zstd"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let to_stdout = call.words.iter().any(|word| {
            word == "--stdout" || (word.starts_with('-') && !word.starts_with("--") && word.contains('c'))
        });
        let unpacks = call.words.iter().any(|word| word == "-d" || word == "--decompress");
        let ending = match call.words[0].rsplit('/').next().unwrap_or("") {
            "bzip2" => "bz2",
            "xz" => "xz",
            "zstd" => "zst",
            _ => "gz",
        };
        for path in call.plain(&["-S", "-o", "-T"]) {
            add(call, Action::Read, path, out);
            if !to_stdout && !unpacks {
                add(call, Action::Write, &format!("{path}.{ending}"), out);
            }
        }
    }
}
