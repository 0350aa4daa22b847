//! `curl`, `wget` and `http` (their manual pages): which endpoints are called with which method, the files that are
//! sent along and those that are kept. Whether the other side is a partner is not decided here.

use super::options::Options;
use super::out::is_loopback;
use super::{Call, Commands, Out, split_login};
use crate::evidence::scrub::scrub;
use crate::evidence::{Action, Resource, Text, Trait, request};

/// curl(1).
pub struct Curl;
/// wget(1).
pub struct Wget;
/// HTTPie and xh.
pub struct Httpie;

const CURL: &str = "AbcCdDeEFHKmoPQrtTuUwxXyYz";
const CURL_LONG: [&str; 58] = [
    "request",
    "data",
    "data-raw",
    "data-binary",
    "data-ascii",
    "data-urlencode",
    "json",
    "form",
    "form-string",
    "header",
    "user",
    "user-agent",
    "output",
    "output-dir",
    "upload-file",
    "max-time",
    "connect-timeout",
    "retry",
    "retry-delay",
    "retry-max-time",
    "cacert",
    "capath",
    "cert",
    "cert-type",
    "key",
    "key-type",
    "pass",
    "proxy",
    "proxy-user",
    "cookie",
    "cookie-jar",
    "referer",
    "url",
    "write-out",
    "resolve",
    "connect-to",
    "interface",
    "limit-rate",
    "config",
    "range",
    "dump-header",
    "unix-socket",
    "noproxy",
    "ciphers",
    "netrc-file",
    "oauth2-bearer",
    "aws-sigv4",
    "speed-limit",
    "speed-time",
    "max-redirs",
    "socks5",
    "socks5-hostname",
    "stderr",
    "trace",
    "variable",
    "continue-at",
    "dns-servers",
    "keepalive-time",
];
const WGET: &str = "oOaeiBtTwQPUlADRXI";
const WGET_LONG: [&str; 30] = [
    "output-document",
    "output-file",
    "append-output",
    "directory-prefix",
    "user",
    "password",
    "header",
    "post-data",
    "post-file",
    "method",
    "body-data",
    "body-file",
    "tries",
    "timeout",
    "wait",
    "user-agent",
    "input-file",
    "level",
    "accept",
    "reject",
    "domains",
    "http-user",
    "http-password",
    "ca-certificate",
    "certificate",
    "private-key",
    "load-cookies",
    "save-cookies",
    "referer",
    "progress",
];

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

/// A word as a URL: where it has no scheme it is one of HTTP (curl(1), "URL"), if it looks like a host at all.
fn as_url(word: &str) -> Option<String> {
    if word.contains("://") {
        return Some(word.to_owned());
    }
    let host = &word[..word.find(['/', '?']).unwrap_or(word.len())];
    let name = host.split(':').next().unwrap_or(host);
    let signs = |b: u8| b.is_ascii_alphanumeric() || b"-._{}".contains(&b);
    let is_host = name == "localhost" || name.contains('.') || host.contains(':');
    let fits = !name.is_empty() && name.bytes().all(signs) && !word.starts_with(['{', '.', '/']);
    (is_host && fits).then(|| format!("http://{word}"))
}

/// How many addresses one with alternatives stands for at most; of more, what differs is left open.
const MAX_ALTERNATIVES: usize = 16;

/// The addresses that one with alternatives stands for (curl(1), "GLOBBING"): `{one,two}` is each, `[1-9]` is left open.
fn patterns(word: &str) -> Vec<String> {
    let mut made = vec![String::new()];
    let mut rest = word;
    while let Some(at) = rest.find(['{', '[']) {
        let (before, from) = rest.split_at(at);
        let close = if from.starts_with('{') { '}' } else { ']' };
        let Some(end) = from.find(close) else { break };
        let (inner, whole) = (&from[1..end], &from[..=end]);
        rest = &from[end + 1..];
        let alternatives: Vec<&str> = match close {
            '}' if inner.contains(',') && made.len() * inner.split(',').count() <= MAX_ALTERNATIVES => {
                inner.split(',').collect()
            }
            '}' if inner.contains(',') => vec!["{}"],
            // An address of IPv6 has colons, and a range two ends.
            ']' if inner.split_once('-').is_some_and(|(from, to)| !from.is_empty() && !to.is_empty()) => {
                vec!["{}"]
            }
            _ => vec![whole],
        };
        let all =
            made.iter().flat_map(|made| alternatives.iter().map(move |it| format!("{made}{before}{it}")));
        made = all.collect();
    }
    made.iter().map(|made| format!("{made}{rest}")).collect()
}

/// A name of a file with what `#1` stands for left open: the first alternative of the address (curl(1), "--output").
fn numbered(path: &str) -> String {
    let mut parts = path.split('#');
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        out.push_str(if rest.len() < part.len() { "{}" } else { "#" });
        out.push_str(rest);
    }
    out
}

/// States a call of a URL, and a transfer where it is one of FTP.
fn call_url(call: &Call, method: &str, url: &str, out: &mut Out<'_>) {
    let scheme = url.split("://").next().unwrap_or("");
    if matches!(scheme, "ftp" | "ftps" | "sftp" | "scp") {
        if let Some(file) = far(url) {
            out.add(call, None, if method == "PUT" { Action::Export } else { Action::Import }, file);
        }
        return;
    }
    let Some(resource) = endpoint(method, url) else {
        if matches!(scheme, "http" | "https" | "{}") {
            out.unresolved(call, "an HTTP call whose address is only known when it runs");
        }
        return;
    };
    match request::query_names(url) {
        Some(names) => out.add_trait(call, Action::Call, resource, Trait::valued(request::QUERY, names)),
        None => out.add(call, None, Action::Call, resource),
    }
}

/// The file on another host that a URL names.
fn far(url: &str) -> Option<Resource> {
    let (_, rest) = split_login(url.split_once("://")?.1);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.split(':').next().unwrap_or(host);
    (!host.is_empty() && !host.contains("{}"))
        .then(|| Resource::file(Some(Text::from(host)), scrub(path).into_owned()))
}

/// The name that a download is kept under: the last part of the path (curl(1), `-O`).
fn name_of(url: &str) -> Option<&str> {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let (_, name) = path.rsplit_once('/')?;
    (!name.is_empty() && name != "{}").then_some(name)
}

/// A name in a folder that a call gives.
fn within(folder: Option<&str>, name: &str) -> String {
    match folder {
        Some(folder) => format!("{}/{name}", folder.trim_end_matches('/')),
        None => name.to_owned(),
    }
}

/// The files that are sent along are read, and what they hold goes to where the call goes.
fn send(call: &Call, files: &[&str], urls: &[String], out: &mut Out<'_>) {
    for file in files {
        out.add_file(call, Action::Read, file);
    }
    let Some(first) = files.first() else { return };
    for url in urls {
        let Some(mut to) = far(url) else { continue };
        // What a program of this host is given goes nowhere.
        if to.server.as_deref().is_some_and(is_loopback) {
            continue;
        }
        let path = to.parts.first().map(|path| path.to_string()).unwrap_or_default();
        // A folder is given the file's own name (curl(1), -T).
        let own =
            if path.is_empty() || path.ends_with('/') { first.rsplit('/').next().unwrap_or("") } else { "" };
        let path = request::target_path(&format!("/{path}{own}"));
        to.parts = vec![Text::from(path.trim_start_matches('/'))];
        out.add(call, None, Action::Export, to);
    }
}

/// A value that names a file to send: `@FILE`, also behind a name.
fn sent_file(value: &str) -> Option<&str> {
    let part = value.split_once('=').map_or(value, |(_, part)| part);
    let file = value.strip_prefix('@').or_else(|| part.strip_prefix(['@', '<']))?;
    let file = file.split(';').next().unwrap_or(file);
    (!file.is_empty() && file != "-" && !file.contains("://")).then_some(file)
}

impl Commands for Curl {
    fn names(&self) -> &'static [&'static str] {
        &["curl"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, CURL, &CURL_LONG);
        let body: &[&str] = &[
            "d",
            "data",
            "data-raw",
            "data-binary",
            "data-ascii",
            "data-urlencode",
            "json",
            "F",
            "form",
            "form-string",
        ];
        let usual = match () {
            () if options.has(&["T", "upload-file"]) => "PUT",
            () if options.has(&["I", "head"]) => "HEAD",
            () if options.has(body) && !options.has(&["G", "get"]) => "POST",
            () => "GET",
        };
        let method = options.get(&["X", "request"]).unwrap_or(usual);
        let plain = options.known().map(str::to_owned).chain(options.all(&["url"]).map(str::to_owned));
        let several = !options.has(&["g", "globoff"]);
        let plain = plain.flat_map(|word| if several { patterns(&word) } else { vec![word] });
        let urls: Vec<String> = plain.filter_map(|word| as_url(&word)).collect();
        if urls.is_empty() && options.plain.iter().any(|word| word.starts_with("{}")) {
            out.unresolved(call, "an HTTP call whose address is only known when it runs");
        }
        for url in &urls {
            call_url(call, method, url, out);
        }
        let uploads = options.all(&["T", "upload-file"]).filter(|file| !matches!(*file, "-" | "." | ""));
        let files: Vec<&str> = uploads
            .chain(options.all(&body[..5]).chain(options.all(&body[6..9])).filter_map(sent_file))
            .collect();
        send(call, &files, &urls, out);
        let folder = options.get(&["output-dir"]);
        for path in options.all(&["o", "output"]) {
            let path = if several { numbered(path) } else { path.to_owned() };
            out.add_file(call, Action::Write, &within(folder, &path));
        }
        for path in options.all(&["D", "dump-header", "c", "cookie-jar"]) {
            out.add_file(call, Action::Write, path);
        }
        if options.has(&["O", "remote-name", "remote-name-all"]) && !options.has(&["J", "remote-header-name"])
        {
            for name in urls.iter().filter_map(|url| name_of(url)) {
                out.add_file(call, Action::Write, &within(folder, name));
            }
        }
    }
}

impl Commands for Wget {
    fn names(&self) -> &'static [&'static str] {
        &["wget", "wget2"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, WGET, &WGET_LONG);
        let usual = match () {
            () if options.has(&["post-data", "post-file"]) => "POST",
            () if options.has(&["spider"]) => "HEAD",
            () => "GET",
        };
        let method = options.get(&["method"]).unwrap_or(usual);
        let urls: Vec<String> = options.known().filter_map(as_url).collect();
        for url in &urls {
            call_url(call, method, url, out);
        }
        let files: Vec<&str> = options.all(&["post-file", "body-file"]).collect();
        send(call, &files, &urls, out);
        for path in options.all(&["o", "output-file", "a", "append-output"]) {
            out.add_file(call, Action::Write, path);
        }
        if let Some(path) = options.get(&["O", "output-document"]) {
            out.add_file(call, Action::Write, path);
            return;
        }
        // Names that the server gives, and whole trees, are only known when it runs.
        let unnamed = ["spider", "content-disposition", "r", "recursive", "m", "mirror", "delete-after"];
        if !options.has(&unnamed) {
            for name in urls.iter().filter_map(|url| name_of(url)) {
                out.add_file(call, Action::Write, &within(options.get(&["P", "directory-prefix"]), name));
            }
        }
    }
}

impl Commands for Httpie {
    fn names(&self) -> &'static [&'static str] {
        &["http", "https", "xh"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let longs = [
            "output",
            "auth",
            "auth-type",
            "timeout",
            "session",
            "pretty",
            "print",
            "proxy",
            "verify",
            "cert",
        ];
        let options = Options::of(&call.words, "oaAps", &longs);
        let mut words: Vec<&str> = options.known().collect();
        let method = words.first().copied().filter(|word| word.bytes().all(|b| b.is_ascii_uppercase()));
        if method.is_some() {
            words.remove(0);
        }
        let Some((address, items)) = words.split_first() else { return };
        let sends = items.iter().any(|item| item.contains([':', '=', '@']) && !item.contains("=="))
            && items.iter().any(|item| item.contains(['=', '@']));
        let method = method.unwrap_or(if sends { "POST" } else { "GET" });
        // `:8000/x` is this host (HTTPie documentation, "URL shortcuts for localhost").
        let address = match address.strip_prefix(':') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => format!("localhost:{rest}"),
            Some(rest) => format!("localhost{rest}"),
            None => (*address).to_owned(),
        };
        let url = if address.contains("://") {
            address
        } else {
            format!("{}://{address}", call.name().replace("xh", "http"))
        };
        call_url(call, method, &url, out);
        for path in options.all(&["o", "output"]) {
            out.add_file(call, Action::Write, path);
        }
    }
}
