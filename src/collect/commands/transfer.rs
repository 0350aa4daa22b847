//! Commands that fetch and copy: curl, wget, scp, sftp, rsync, `aws s3`. They state what goes where; whether
//! the other side is a partner is not decided here.

use super::{Call, Commands, Out, split_login};
use crate::evidence::scrub::scrub;
use crate::evidence::{Action, Resource, ResourceKind, Text, Trait, request};

/// curl(1), wget(1).
pub struct Fetch;
/// scp(1), sftp(1), rsync(1).
pub struct Copy;
/// `aws s3`.
pub struct S3;

/// An endpoint of a URL: server as written, `METHOD /path` without query.
pub fn endpoint(method: &str, url: &str) -> Option<Resource> {
    let (scheme, rest) = url.split_once("://")?;
    if !matches!(scheme, "http" | "https") {
        return None;
    }
    let (_, rest) = split_login(rest);
    let (server, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if server.is_empty() || server.contains("{}") {
        return None;
    }
    let path = request::target_path(path);
    let path = if path.is_empty() { "/" } else { &path };
    Some(request::endpoint(&Text::from(server), method, path))
}

impl Commands for Fetch {
    fn names(&self) -> &'static [&'static str] {
        &["curl", "wget"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let words = &call.words;
        let after = |names: &[&str]| {
            let at = words.iter().position(|word| names.contains(&word.as_str()))?;
            words.get(at + 1).cloned()
        };
        let sends = words.iter().any(|word| {
            matches!(
                word.as_str(),
                "-d" | "--data" | "--data-binary" | "--data-raw" | "-F" | "--form" | "--json"
            ) || word.starts_with("--post-")
        });
        let usual = match (sends, words.iter().any(|word| matches!(word.as_str(), "-T" | "--upload-file"))) {
            (_, true) => "PUT",
            (true, _) => "POST",
            _ if words.iter().any(|word| matches!(word.as_str(), "-I" | "--head" | "--spider")) => "HEAD",
            _ => "GET",
        };
        let method = after(&["-X", "--request", "--method"]).unwrap_or_else(|| usual.to_owned());
        for url in words.iter().skip(1).filter(|word| word.contains("://")) {
            let Some(resource) = endpoint(&method, url) else { continue };
            match request::query_names(url) {
                Some(names) => {
                    out.add_trait(call, Action::Call, resource, Trait::valued(request::QUERY, names));
                }
                None => out.add(call, None, Action::Call, resource),
            }
        }
        upload(call, out);
        let to = after(&["-o", "--output", "-O", "--output-document"])
            .filter(|path| !path.contains("://") && path != "-");
        if let Some(path) = to.filter(|path| !path.starts_with("/dev/") && !path.starts_with('-')) {
            let file = out.file(&path, call);
            out.add(call, None, Action::Write, file);
        }
    }
}

/// The files that a call sends along (curl(1): `-T FILE`, `-d @FILE`, `-F name=@FILE`; wget(1): `--post-file`): they are
/// read, and what they hold goes to where the call goes.
fn upload(call: &Call, out: &mut Out<'_>) {
    let words = &call.words;
    let mut files: Vec<&str> = Vec::new();
    for (at, word) in words.iter().enumerate().skip(1) {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (word.as_str(), words.get(at + 1).map(String::as_str)),
        };
        let file = match name {
            "-T" | "--upload-file" | "--post-file" | "--body-file" => value,
            "-d" | "--data" | "--data-binary" | "--data-ascii" | "--json" => {
                value.and_then(|text| text.strip_prefix('@'))
            }
            "-F" | "--form" => {
                let part = value.and_then(|text| text.split_once('=')).map(|(_, part)| part);
                part.and_then(|part| part.strip_prefix(['@', '<']))
                    .map(|part| part.split(';').next().unwrap_or(part))
            }
            _ => None,
        };
        files.extend(file.filter(|file| !file.is_empty() && *file != "-" && !file.contains("://")));
    }
    for file in &files {
        let resource = out.file(file, call);
        out.add(call, None, Action::Read, resource);
    }
    if files.is_empty() {
        return;
    }
    for url in words.iter().skip(1).filter_map(|word| word.split_once("://")) {
        let (_, rest) = split_login(url.1);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.split(':').next().unwrap_or(host);
        if !host.is_empty() && !host.contains("{}") {
            // A folder is given the file's own name (curl(1), -T).
            let own = if path.is_empty() || path.ends_with('/') {
                files[0].rsplit('/').next().unwrap_or("")
            } else {
                ""
            };
            let path = request::target_path(&format!("/{path}{own}"));
            let to = Resource::file(Some(Text::from(host)), path.trim_start_matches('/'));
            out.add(call, None, Action::Export, to);
        }
    }
}

/// `user@host:path`, `host:path` or a URL of sftp and rsync; a plain path is local.
fn remote(word: &str) -> Option<(&str, &str)> {
    let url = ["sftp://", "rsync://", "scp://"].iter().find_map(|scheme| word.strip_prefix(scheme));
    // Whatever stands in front of the last @ before the path is a login, perhaps with more than its name.
    let host_of = |text: &'_ str| text.rsplit_once('@').map_or(0, |(login, _)| login.len() + 1);
    let (host, path) = match url {
        Some(rest) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = &authority[host_of(authority)..];
            (host.split(':').next().unwrap_or(host), path)
        }
        None => {
            let from = word.find('/').map_or(host_of(word), |slash| host_of(&word[..slash]));
            word[from..].split_once(':')?
        }
    };
    (!host.contains('/') && !host.is_empty() && !host.contains("{}")).then_some((host, path))
}

impl Commands for Copy {
    fn names(&self) -> &'static [&'static str] {
        &["scp", "sftp", "rsync"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        // Options with values: scp(1), sftp(1), rsync(1).
        let with_value: &[&str] = match call.words[0].rsplit('/').next() {
            Some("scp") => &["-c", "-D", "-F", "-i", "-J", "-l", "-o", "-P", "-S", "-X"],
            Some("sftp") => {
                &["-B", "-b", "-c", "-D", "-F", "-i", "-J", "-l", "-o", "-P", "-R", "-S", "-s", "-X"]
            }
            _ => &[
                "-e",
                "-f",
                "-T",
                "-B",
                "-M",
                "--rsh",
                "--exclude",
                "--include",
                "--filter",
                "--files-from",
                "--exclude-from",
                "--include-from",
                "--log-file",
                "--bwlimit",
                "--timeout",
                "--password-file",
                "--chmod",
                "--chown",
                "--temp-dir",
                "--partial-dir",
                "--backup-dir",
                "--suffix",
                "--link-dest",
            ],
        };
        let plain = call.plain(with_value);
        let far = |host: &str, path: &str| Resource::file(Some(Text::from(host)), scrub(path).into_owned());
        if call.words[0].ends_with("sftp") {
            if let Some(word) = plain.first() {
                let host = remote(word).map_or(*word, |(host, _)| host);
                let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
                for line in call.stdin.iter().flat_map(|text| text.lines()) {
                    let mut words = line.split_whitespace();
                    match (words.next(), words.next()) {
                        (Some("put" | "mput"), Some(path)) => {
                            let file = out.file(path, call);
                            out.add(call, None, Action::Read, file);
                            out.add(call, None, Action::Export, far(host, words.next().unwrap_or(path)));
                        }
                        (Some("get" | "mget"), Some(path)) => {
                            out.add(call, None, Action::Import, far(host, path))
                        }
                        _ => {}
                    }
                }
            }
            return;
        }
        let Some((target, sources)) = plain.split_last() else { return };
        for source in sources {
            match (remote(source), remote(target)) {
                (None, Some((host, path))) => {
                    let file = out.file(source, call);
                    out.add(call, None, Action::Read, file);
                    let name = source.rsplit('/').next().unwrap_or(source);
                    let path = if path.is_empty() || path.ends_with('/') {
                        format!("{path}{name}")
                    } else {
                        path.to_owned()
                    };
                    out.add(call, None, Action::Export, far(host, &path));
                }
                (Some((host, path)), None) => {
                    out.add(call, None, Action::Import, far(host, path));
                    let file = out.file(target, call);
                    out.add(call, None, Action::Write, file);
                }
                (None, None) => {
                    for (path, action) in [(source, Action::Read), (target, Action::Write)] {
                        let file = out.file(path, call);
                        out.add(call, None, action, file);
                    }
                }
                (Some(_), Some(_)) => {}
            }
        }
    }
}

impl Commands for S3 {
    fn names(&self) -> &'static [&'static str] {
        &["aws"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let plain: Vec<&str> =
            call.words.iter().skip(1).map(String::as_str).filter(|word| !word.starts_with('-')).collect();
        let ["s3", "cp" | "sync" | "mv", from, to, ..] = plain[..] else { return };
        for (path, near, far) in [(from, Action::Read, Action::Import), (to, Action::Write, Action::Export)] {
            match path.strip_prefix("s3://") {
                Some(key) => {
                    let (bucket, key) = key.split_once('/').unwrap_or((key, ""));
                    let resource = Resource {
                        kind: ResourceKind::Object,
                        server: Some(Text::from(bucket)),
                        database: None,
                        parts: vec![Text::from(scrub(key))],
                    };
                    out.add(call, None, far, resource);
                }
                None => {
                    let file = out.file(path, call);
                    out.add(call, None, near, file);
                }
            }
        }
    }
}
