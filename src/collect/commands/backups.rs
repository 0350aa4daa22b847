//! Backup programs as far as their target is plain: `restic`, `borg`, `duplicity` (their manuals). They state which
//! folders are read and where the repository is. Passphrases are never looked at.

use super::options::Options;
use super::transfer::{Place, far, place};
use super::{Call, Commands, Out};
use crate::evidence::scrub::scrub;
use crate::evidence::{Action, Class, Resource, ResourceKind, Text, What};

/// restic.
pub struct Restic;
/// borg.
pub struct Borg;
/// duplicity.
pub struct Duplicity;

/// Where a repository is: a bucket, a file on a host, or one of this host.
fn repository(call: &Call, text: &str, out: &Out<'_>) -> Option<Resource> {
    let object = |bucket: &str, key: &str| {
        let parts = vec![Text::from(scrub(key).as_ref())];
        let server =
            Some(Text::from(bucket)).filter(|bucket| !bucket.is_empty() && !bucket.contains("{}"))?;
        Some(Resource { kind: ResourceKind::Object, server: Some(server), database: None, parts })
    };
    for kind in ["b2:", "gs:", "azure:", "swift:"] {
        if let Some(rest) = text.strip_prefix(kind) {
            let rest = rest.trim_start_matches('/');
            let (bucket, key) = rest.split_once([':', '/']).unwrap_or((rest, ""));
            return object(bucket, key.trim_start_matches('/'));
        }
    }
    if let Some(rest) = text.strip_prefix("s3:") {
        // `s3:host/bucket/path`, `s3:https://host/bucket`, `s3:s3.amazonaws.com/bucket`; duplicity's `s3://bucket`.
        let (rest, has_host) = match rest.strip_prefix("//") {
            Some(rest) => (rest, rest.split('/').next().is_some_and(|host| host.contains('.'))),
            None => (rest.split_once("://").map_or(rest, |(_, rest)| rest), true),
        };
        let rest = if has_host { rest.split_once('/').map_or("", |(_, rest)| rest) } else { rest };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        return object(bucket, key);
    }
    if let Some(rest) = text.strip_prefix("rclone:") {
        let (remote, path) = rest.split_once(':').unwrap_or((rest, ""));
        return object(remote, path);
    }
    if text.starts_with("rest:") || text.starts_with("http") {
        return None;
    }
    let text = text.strip_prefix("sftp:").filter(|rest| !rest.starts_with("//")).unwrap_or(text);
    let text = text.strip_prefix("file://").unwrap_or(text);
    match place(text) {
        Place::Far { host, path, .. } => Some(far(host, path)),
        Place::Here(path) if !path.contains("://") && !path.is_empty() => Some(out.file(path, call)),
        _ => None,
    }
}

fn state(call: &Call, repository_text: Option<&str>, inward: bool, folders: &[&str], out: &mut Out<'_>) {
    for folder in folders {
        out.add_file(call, if inward { Action::Read } else { Action::Write }, folder);
    }
    let Some(text) = repository_text.filter(|text| !text.is_empty()) else { return };
    let Some(resource) = repository(call, text, out) else {
        out.unresolved(call, "a backup whose repository is only known when it runs");
        return;
    };
    let here = resource.kind == ResourceKind::File && resource.server == out.host();
    let action = match (inward, here) {
        (true, true) => Action::Write,
        (true, false) => Action::Export,
        (false, true) => Action::Read,
        (false, false) => Action::Import,
    };
    let what = What { class: Class::Backup, ..out.what(action, resource) };
    out.add_use(call, None, what);
}

impl Commands for Restic {
    fn names(&self) -> &'static [&'static str] {
        &["restic"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let longs = [
            "repo",
            "password-file",
            "tag",
            "host",
            "exclude",
            "exclude-file",
            "files-from",
            "target",
            "path",
            "include",
            "keep-daily",
            "keep-weekly",
            "keep-monthly",
            "keep-last",
            "keep-yearly",
            "limit-upload",
            "option",
            "cacert",
            "iexclude",
            "stdin-filename",
        ];
        let options = Options::of(&call.words, "rpteHo", &longs);
        let repository =
            options.get(&["r", "repo"]).or(call.env.get("RESTIC_REPOSITORY").map(String::as_str));
        let words: Vec<&str> = options.known().collect();
        match words.split_first() {
            Some((&"backup", folders)) => state(call, repository, true, folders, out),
            Some((&"restore" | &"dump", _)) => {
                let targets: Vec<&str> = options.all(&["t", "target"]).collect();
                state(call, repository, false, &targets, out);
            }
            Some((&"forget" | &"prune", _)) => state(call, repository, true, &[], out),
            Some((&"check" | &"snapshots" | &"ls" | &"stats", _)) => state(call, repository, false, &[], out),
            _ => {}
        }
    }
}

impl Commands for Borg {
    fn names(&self) -> &'static [&'static str] {
        &["borg", "borgbackup"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let longs = [
            "exclude",
            "exclude-from",
            "pattern",
            "patterns-from",
            "compression",
            "comment",
            "last",
            "first",
            "prefix",
            "keep-daily",
            "keep-weekly",
            "keep-monthly",
            "keep-hourly",
            "keep-within",
            "keep-yearly",
            "glob-archives",
            "remote-path",
            "rsh",
            "encryption",
            "lock-wait",
            "format",
            "checkpoint-interval",
            "repo",
        ];
        let options = Options::of(&call.words, "eCPar", &longs);
        let words: Vec<&str> = options.known().collect();
        let Some((verb, rest)) = words.split_first() else { return };
        let around = options.get(&["r", "repo"]).or(call.env.get("BORG_REPO").map(String::as_str));
        // `REPO::ARCHIVE`; without a repository in front that of the environment is meant.
        let named =
            rest.first().map(|word| word.split_once("::").map_or(*word, |(repository, _)| repository));
        let has_archive = rest.first().is_some_and(|word| word.contains("::"));
        let repository =
            named.filter(|name| !name.is_empty() && (has_archive || around.is_none())).or(around);
        match *verb {
            "create" => state(call, repository, true, rest.get(1..).unwrap_or(&[]), out),
            "prune" | "compact" | "delete" | "init" => state(call, repository, true, &[], out),
            "export-tar" => state(call, repository, false, rest.get(1..2).unwrap_or(&[]), out),
            "extract" | "list" | "info" | "check" | "mount" => state(call, repository, false, &[], out),
            _ => {}
        }
    }
}

impl Commands for Duplicity {
    fn names(&self) -> &'static [&'static str] {
        &["duplicity"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let longs = [
            "exclude",
            "include",
            "full-if-older-than",
            "encrypt-key",
            "sign-key",
            "archive-dir",
            "name",
            "volsize",
            "tempdir",
            "time",
            "file-to-restore",
            "ssh-options",
            "log-file",
            "exclude-filelist",
            "include-filelist",
        ];
        let options = Options::of(&call.words, "t", &longs);
        let words: Vec<&str> = options.known().collect();
        let is_url = |word: &str| word.contains("://") || word.starts_with("s3:") || word.starts_with("b2:");
        let restores = words.first() == Some(&"restore");
        let words: Vec<&str> = words
            .into_iter()
            .filter(|word| !matches!(*word, "full" | "incr" | "incremental" | "restore"))
            .collect();
        match words[..] {
            [from, to] if is_url(to) && !restores => state(call, Some(to), true, &[from], out),
            [from, to] if is_url(from) => state(call, Some(from), false, &[to], out),
            [.., url] if is_url(url) => state(call, Some(url), true, &[], out),
            _ => {}
        }
    }
}
