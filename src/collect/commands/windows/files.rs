//! Files that are copied and moved by what Windows brings along (`copy`, `xcopy`, `robocopy`, `move`, `ren`; `Copy-Item`,
//! `Move-Item`): what is read and what is written, on this host or behind a share. It never lists a folder.

use super::super::{Call, Out};
use super::paths::last;
use crate::evidence::Action;

/// A path in which a pattern's signs are unknown parts; all files of a folder are the folder.
pub(super) fn pattern(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "*" | "*.*" | "{}" if !folder.is_empty() => folder.to_owned(),
        _ => path.replace(['*', '?'], "{}"),
    }
}

/// States that one file is read or written. What goes over a share leaves this host, or comes from another.
fn touch(call: &Call, action: Action, path: &str, out: &mut Out<'_>) {
    // Of a name that is wholly unknown nothing is told.
    if path.trim_start_matches("./").starts_with("{}") {
        return;
    }
    let far = super::unc(path).is_some();
    let action = match action {
        Action::Read if far => Action::Import,
        Action::Write if far => Action::Export,
        action => action,
    };
    out.add_file(call, action, path);
}

/// Whether a target is a folder, as far as its spelling tells: it ends like one, or has no ending where what is copied
/// has one.
fn is_folder(target: &str, source: &str) -> bool {
    target.ends_with(['/', ':'])
        || matches!(target, "." | "..")
        || source.contains(['*', '?'])
        || (last(source).contains('.') && !last(target).contains('.'))
}

/// States a copy.
pub(super) fn copy(call: &Call, sources: &[String], target: &str, out: &mut Out<'_>) {
    for source in sources.iter().filter(|source| !source.is_empty()) {
        touch(call, Action::Read, &pattern(source), out);
        let to = if is_folder(target, source) || sources.len() > 1 {
            let target = if target == "." { "" } else { target.trim_end_matches('/') };
            let name = last(source);
            match (name, target) {
                ("*" | "*.*" | "{}", target) => target.to_owned(),
                (name, "") => name.to_owned(),
                (name, target) => format!("{target}/{name}"),
            }
        } else {
            target.to_owned()
        };
        touch(call, Action::Write, &pattern(&to), out);
    }
}

/// `robocopy FROM TO [FILE…]` copies what a folder holds (Microsoft, "robocopy").
pub(super) fn robocopy(call: &Call, words: &[&String], out: &mut Out<'_>) {
    let [from, to, files @ ..] = words else { return };
    let (from, to) = (from.trim_end_matches('/'), to.trim_end_matches('/'));
    let named: Vec<&&String> = files.iter().filter(|file| !matches!(file.as_str(), "*" | "*.*")).collect();
    if named.is_empty() {
        touch(call, Action::Read, &pattern(from), out);
        touch(call, Action::Write, &pattern(to), out);
    }
    for file in named {
        touch(call, Action::Read, &pattern(&format!("{from}/{file}")), out);
        touch(call, Action::Write, &pattern(&format!("{to}/{file}")), out);
    }
}

/// `ren PATH NAME`.
pub(super) fn rename(call: &Call, path: &str, name: &str, out: &mut Out<'_>) {
    touch(call, Action::Read, &pattern(path), out);
    let to = match path.rsplit_once('/') {
        Some((folder, _)) if !name.contains('/') => format!("{folder}/{name}"),
        _ => name.to_owned(),
    };
    touch(call, Action::Write, &pattern(&to), out);
}
