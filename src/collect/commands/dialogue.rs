//! Clients of file servers that are told what to do line by line: `ftp`, `sftp`, `lftp`, `smbclient` (their manual
//! pages), from a here-document, a batch file or an option. Logins are never kept.

use super::options::Options;
use super::transfer::{far, last};
use super::{Call, Commands, Out};
use crate::evidence::Action;

/// ftp(1), ncftp(1).
pub struct Ftp;
/// sftp(1).
pub struct Sftp;
/// lftp(1).
pub struct Lftp;
/// smbclient(1).
pub struct Smb;

/// A conversation: where it is, there and here.
#[derive(Debug, Default)]
struct Talk {
    host: Option<String>,
    /// What stands before every path there: the share of a Windows server.
    share: String,
    there: String,
    here: Option<String>,
}

/// A host without login, scheme, port and path.
fn host_of(word: &str) -> Option<(String, String)> {
    let rest = word.split_once("://").map_or(word, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let path = rest[end..].trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
    let host = &rest[..end];
    (!host.is_empty() && !host.contains("{}")).then(|| (host.to_owned(), path.to_owned()))
}

impl Talk {
    fn open(&mut self, word: &str) {
        self.there.clear();
        match host_of(word) {
            Some((host, path)) => {
                self.host = Some(host);
                self.there = path;
            }
            None => self.host = None,
        }
    }

    /// A path there.
    fn remote(&self, path: &str) -> String {
        let path = path.replace('\\', "/");
        let whole = match path.starts_with('/') || self.there.is_empty() {
            true => path,
            false => format!("{}/{path}", self.there.trim_end_matches('/')),
        };
        if self.share.is_empty() {
            whole
        } else {
            format!("{}/{}", self.share, whole.trim_start_matches('/'))
        }
    }

    /// A path here.
    fn local(&self, path: &str) -> String {
        match &self.here {
            Some(here) if !path.starts_with(['/', '~']) => format!("{}/{path}", here.trim_end_matches('/')),
            _ => path.to_owned(),
        }
    }

    /// One line, or one command of a list.
    fn line(&mut self, call: &Call, line: &str, out: &mut Out<'_>) {
        let words = words_of(line);
        let Some((verb, rest)) = words.split_first() else { return };
        // Options of commands stand in front of their words: `put -P`, `mirror -R`.
        let plain: Vec<&str> =
            rest.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
        let option = |letter: char| rest.iter().any(|word| word.starts_with('-') && word.contains(letter));
        let verb = verb.trim_start_matches('-').to_ascii_lowercase();
        match (verb.as_str(), &plain[..]) {
            ("open", _) => {
                // `open -u user,password host`: the login is no place.
                let place = Options::of(&words, "upe", &["user"]).plain.first().cloned();
                self.open(place.as_deref().unwrap_or(""));
            }
            ("cd", [path, ..]) => self.there = self.remote_step(path),
            ("lcd", [path, ..]) => self.here = Some(self.local(path)),
            ("put" | "send" | "append" | "reput", [path, rest @ ..]) => {
                // lftp names the other end with `-o`.
                let to = rest.first().copied().filter(|_| !option('o')).or_else(|| after(&words, "-o"));
                self.sent(call, path, to, out);
            }
            ("get" | "recv" | "reget" | "pget", [path, rest @ ..]) => {
                let to = rest.first().copied().filter(|_| !option('o')).or_else(|| after(&words, "-o"));
                self.fetched(call, path, to, out);
            }
            ("mput", paths) => paths.iter().for_each(|path| self.sent(call, path, None, out)),
            ("mget", paths) => paths.iter().for_each(|path| self.fetched(call, path, None, out)),
            ("mirror", paths) => {
                let (from, to) = (paths.first().copied().unwrap_or("."), paths.get(1).copied());
                match option('R') || rest.iter().any(|word| word == "--reverse") {
                    true => self.sent(call, from, to, out),
                    false => self.fetched(call, from, to, out),
                }
            }
            _ => {}
        }
    }

    fn remote_step(&self, path: &str) -> String {
        let path = path.replace('\\', "/");
        match path.starts_with('/') || self.there.is_empty() {
            true => path,
            false => format!("{}/{path}", self.there.trim_end_matches('/')),
        }
    }

    fn sent(&self, call: &Call, path: &str, to: Option<&str>, out: &mut Out<'_>) {
        out.add_file(call, Action::Read, &self.local(path));
        let name = if matches!(path, "." | "..") { "" } else { last(path) };
        let to = match to {
            Some(folder) if folder.ends_with('/') => format!("{folder}{name}"),
            Some(to) => to.to_owned(),
            None => name.to_owned(),
        };
        self.there(call, Action::Export, &to, out);
    }

    fn fetched(&self, call: &Call, path: &str, to: Option<&str>, out: &mut Out<'_>) {
        self.there(call, Action::Import, path, out);
        let to = to.unwrap_or_else(|| last(path));
        if !to.contains(['*', '?']) && to != "." {
            out.add_file(call, Action::Write, &self.local(to));
        }
    }

    fn there(&self, call: &Call, action: Action, path: &str, out: &mut Out<'_>) {
        match &self.host {
            Some(host) => out.add(call, None, action, far(host, &self.remote(path))),
            None => out.unresolved(call, "a transfer whose other side is only known when it runs"),
        }
    }
}

/// The word behind another.
fn after<'w>(words: &'w [String], option: &str) -> Option<&'w str> {
    let at = words.iter().position(|word| word == option)?;
    words.get(at + 1).map(String::as_str)
}

/// Words of a line, quotes removed.
fn words_of(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for sign in line.chars() {
        match (quote, sign) {
            (Some(open), _) if sign == open => quote = None,
            (None, '"' | '\'') => (quote, begun) = (Some(sign), true),
            (None, _) if sign.is_whitespace() => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => word.push(sign),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

/// All lines; several commands of one line stand between semicolons.
fn talk(call: &Call, talk: &mut Talk, text: &str, out: &mut Out<'_>) {
    for line in text.lines().flat_map(|line| line.split(';')) {
        talk.line(call, line.trim(), out);
    }
}

/// States that a host was reached of which nothing more is said.
fn reached(call: &Call, host: Option<&String>, before: usize, out: &mut Out<'_>) {
    if let Some(host) = host.filter(|_| out.stated == before) {
        out.add_host(call, host, None);
    }
}

impl Commands for Ftp {
    fn names(&self) -> &'static [&'static str] {
        &["ftp", "ncftp", "tnftp", "pftp"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "NPsTqru", &[]);
        let mut with = Talk::default();
        with.open(options.known().next().unwrap_or(""));
        let before = out.stated;
        talk(call, &mut with, call.stdin.as_deref().unwrap_or(""), out);
        reached(call, with.host.as_ref(), before, out);
    }
}

impl Commands for Sftp {
    fn names(&self) -> &'static [&'static str] {
        &["sftp", "psftp"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "BbcDFiJloPRSsX", &[]);
        let mut with = Talk::default();
        let Some(place) = options.known().next() else { return };
        with.open(place);
        let before = out.stated;
        let batch = options.get(&["b"]).filter(|path| *path != "-");
        match batch {
            Some(path) => {
                out.add_file(call, Action::Read, path);
                if let Some(text) = out.text_of(path, call) {
                    talk(call, &mut with, &text, out);
                }
            }
            // `sftp host:path` fetches that path.
            None if call.stdin.is_none()
                && !with.there.is_empty()
                && !call.piped
                && call.stdin_file.is_none() =>
            {
                let path = std::mem::take(&mut with.there);
                with.fetched(call, &path, options.known().nth(1), out);
            }
            None => {
                let file = call.stdin_file.as_ref().and_then(|path| out.text_of(path, call));
                let text = call.stdin.clone().or(file).unwrap_or_default();
                talk(call, &mut with, &text, out);
            }
        }
        reached(call, with.host.as_ref(), before, out);
    }
}

impl Commands for Lftp {
    fn names(&self) -> &'static [&'static str] {
        &["lftp", "lftpget"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "efcpu", &["user", "port", "env-password"]);
        let mut with = Talk::default();
        with.open(options.known().next().unwrap_or(""));
        let before = out.stated;
        let file = options.get(&["f"]).and_then(|path| out.text_of(path, call));
        let given = options.all(&["e", "c"]).map(str::to_owned).chain(file).chain(call.stdin.clone());
        for text in given.collect::<Vec<_>>() {
            talk(call, &mut with, &text, out);
        }
        reached(call, with.host.as_ref(), before, out);
    }
}

impl Commands for Smb {
    fn names(&self) -> &'static [&'static str] {
        &["smbclient"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(
            &call.words,
            "cUDpIAWmLTnRs",
            &[
                "command",
                "user",
                "directory",
                "port",
                "ip-address",
                "authentication-file",
                "workgroup",
                "max-protocol",
            ],
        );
        let Some(service) = options.known().next().map(|word| word.replace('\\', "/")) else { return };
        let (host, share) = service.trim_start_matches('/').split_once('/').unwrap_or((&service, ""));
        let mut with = Talk { share: share.trim_matches('/').to_owned(), ..Talk::default() };
        with.host = Some(host.trim_start_matches('/').to_owned())
            .filter(|host| !host.is_empty() && !host.contains("{}"));
        with.there = options.get(&["D", "directory"]).unwrap_or("").replace('\\', "/");
        let before = out.stated;
        let given = options.all(&["c", "command"]).map(str::to_owned).chain(call.stdin.clone());
        for text in given.collect::<Vec<_>>() {
            talk(call, &mut with, &text, out);
        }
        reached(call, with.host.as_ref(), before, out);
    }
}
