//! `scp` and `rsync` (their manual pages): which files go to which host, and which come from one. Whether the other
//! side is a partner is not decided here.

use super::options::Options;
use super::{Call, Commands, Out, wrappers};
use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{Action, Resource, Text};

/// scp(1).
pub struct Scp;
/// rsync(1), and rsync-ssl(1), which takes the same words.
pub struct Rsync;
/// `docker cp`, `kubectl cp`: what is in a container is no file of a host, and a gap.
pub struct Container;

const RSYNC_LONG: [&str; 40] = [
    "rsh",
    "exclude",
    "include",
    "filter",
    "files-from",
    "exclude-from",
    "include-from",
    "log-file",
    "bwlimit",
    "timeout",
    "contimeout",
    "password-file",
    "chmod",
    "chown",
    "temp-dir",
    "partial-dir",
    "backup-dir",
    "suffix",
    "link-dest",
    "compare-dest",
    "copy-dest",
    "block-size",
    "max-size",
    "min-size",
    "rsync-path",
    "port",
    "sockopts",
    "out-format",
    "log-file-format",
    "info",
    "debug",
    "usermap",
    "groupmap",
    "compress-level",
    "skip-compress",
    "modify-window",
    "max-delete",
    "iconv",
    "address",
    "checksum-choice",
];

/// A word as a place: on another host, or here.
pub(super) enum Place<'w> {
    /// `user@host:path`, `host::module/path`, or a URL.
    Far { host: &'w str, path: &'w str, module: bool },
    /// A host that is only known when it runs.
    Unknown,
    /// A path of this host.
    Here(&'w str),
}

/// What a word of scp or rsync names.
pub(super) fn place(word: &str) -> Place<'_> {
    let schemes = ["sftp://", "rsync://", "scp://", "ssh://"];
    let url = schemes.iter().find_map(|scheme| word.strip_prefix(scheme));
    // Whatever stands in front of the last @ before the path is a login, perhaps with more than its name.
    let host_of = |text: &str| text.rsplit_once('@').map_or(0, |(login, _)| login.len() + 1);
    let (host, path, module) = match url {
        Some(rest) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = &authority[host_of(authority)..];
            (host.split(':').next().unwrap_or(host), path, word.starts_with("rsync://"))
        }
        None => {
            let from = word.find('/').map_or(host_of(word), |slash| host_of(&word[..slash]));
            let Some((host, path)) = word[from..].split_once(':') else { return Place::Here(word) };
            // A slash before the first colon: the colon is the path's (rsync(1), scp(1)).
            if host.contains('/') {
                return Place::Here(word);
            }
            match path.strip_prefix(':') {
                Some(path) => (host, path, true),
                None => (host, path, false),
            }
        }
    };
    if host.is_empty() {
        Place::Here(word)
    } else if host.contains("{}") {
        Place::Unknown
    } else {
        Place::Far { host, path, module }
    }
}

/// A file on another host.
pub(super) fn far(host: &str, path: &str) -> Resource {
    Resource::file(Some(Text::from(host)), scrub(path).into_owned())
}

/// A path with what a pattern stands for left open: `*.csv` is `{}.csv`.
pub(super) fn opened(path: &str) -> std::borrow::Cow<'_, str> {
    if !path.contains(['*', '?']) {
        return path.into();
    }
    let mut open = path.replace(['*', '?'], "{}");
    while open.contains("{}{}") {
        open = open.replace("{}{}", "{}");
    }
    open.into()
}

/// The last part of a path.
pub(super) fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// States that `sources` are copied to `target`. `contents`: a source that ends in a slash stands for what it holds.
fn copy(call: &Call, sources: &[String], target: &str, contents: bool, out: &mut Out<'_>) {
    for written in sources {
        let source = &opened(written);
        let name = if contents && source.ends_with('/') { "" } else { last(source) };
        match (place(source), place(target)) {
            (Place::Here(path), Place::Far { host, path: to, module }) => {
                out.add_file(call, Action::Read, path);
                // A module is a folder; so is a path that ends like one, or is none.
                let folder = to.is_empty() || to.ends_with('/') || (module && !to.contains('/'));
                let glob = last(written).contains(['*', '?']) || matches!(name, "." | "..");
                let to = match folder && !name.is_empty() && !glob {
                    true if to.is_empty() || to.ends_with('/') => format!("{to}{name}"),
                    true => format!("{to}/{name}"),
                    false => to.to_owned(),
                };
                if !to.is_empty() {
                    out.add(call, None, Action::Export, far(host, &to));
                } else {
                    out.add_host(call, host, None);
                }
            }
            (Place::Far { host, path, .. }, Place::Here(to)) => {
                out.add(call, None, Action::Import, far(host, path));
                out.add_file(call, Action::Write, &into(call, to, name));
            }
            (Place::Here(from), Place::Here(to)) => {
                out.add_file(call, Action::Read, from);
                out.add_file(call, Action::Write, &into(call, to, name));
            }
            (Place::Far { host, path, .. }, Place::Far { host: other, path: to, .. }) => {
                out.add(call, None, Action::Import, far(host, path));
                out.add(call, None, Action::Export, far(other, to));
            }
            (from, to) => {
                out.unresolved(call, "a transfer whose other side is only known when it runs");
                if let Place::Here(path) = from {
                    out.add_file(call, Action::Read, path);
                }
                if let Place::Here(path) = to {
                    out.add_file(call, Action::Write, &into(call, path, name));
                }
            }
        }
    }
}

/// Where a file of that name lands: in a folder under its name, else as written.
pub(super) fn into(call: &Call, target: &str, name: &str) -> String {
    if name.is_empty() || name.contains(['*', '?']) || !call.is_folder(target) {
        return target.to_owned();
    }
    if target == "." { name.to_owned() } else { format!("{}/{name}", target.trim_end_matches('/')) }
}

impl Commands for Scp {
    fn names(&self) -> &'static [&'static str] {
        &["scp", "pscp"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "cDFiJloPSX", &[]);
        // `scp -t` and `scp -f` are the other end of one.
        if options.has(&["t", "f"]) {
            return;
        }
        let words: Vec<String> = options.known().map(str::to_owned).collect();
        if let Some((target, sources)) = words.split_last() {
            copy(call, sources, target, false, out);
        }
    }
}

impl Commands for Rsync {
    fn names(&self) -> &'static [&'static str] {
        &["rsync", "rsync-ssl"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "efTBM", &RSYNC_LONG);
        if options.has(&["server", "daemon"]) {
            return;
        }
        let words: Vec<String> = options.known().map(str::to_owned).collect();
        match words.split_last() {
            // One word alone is only listed.
            Some((only, [])) => {
                let last = options.plain.len() > 1 && options.plain.last() == Some(only);
                match place(only) {
                    Place::Far { host, path, .. } => {
                        out.add(call, None, Action::Import, far(host, path));
                    }
                    // What it is made from is only known when it runs.
                    _ if last => out.add_file(call, Action::Write, only),
                    _ => {}
                }
            }
            Some((target, sources)) => copy(call, sources, target, true, out),
            None => {}
        }
        for path in options.all(&["log-file"]) {
            out.add_file(call, Action::Write, path);
        }
        for path in options.all(&["files-from"]) {
            out.add_file(call, Action::Read, path);
        }
    }
}

impl Commands for Container {
    fn names(&self) -> &'static [&'static str] {
        &["docker", "docker-compose", "podman", "nerdctl", "kubectl", "oc"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        if let Some(contained) = wrappers::container(call.name(), &call.words) {
            let whose = scrub_name(&contained.whose);
            return out
                .not_followed(call, &format!("runs what the image of {whose} says; it was not followed"));
        }
        let options = Options::of(&call.words, "nc", &["namespace", "container", "context", "kubeconfig"]);
        let words: Vec<&str> = options.known().collect();
        let [.., "cp", from, to] = words[..] else { return };
        // `container:path` on one side.
        let copied = match (from.split_once(':'), to.split_once(':')) {
            (Some((whose, path)), None) => {
                out.add_file(call, Action::Write, &into(call, to, last(path)));
                format!("copies {path} out of {whose}")
            }
            (None, Some((whose, path))) => {
                out.add_file(call, Action::Read, from);
                format!("copies {from} to {path} in {whose}")
            }
            _ => return,
        };
        out.unresolved(call, &format!("{}, whose files are not of this host", scrub_name(&copied)));
    }
}
