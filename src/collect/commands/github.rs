//! `gh` (GitHub CLI manual): which repository it clones and which paths of the API it calls. Of its other commands no more
//! is told than the host they reach; tokens are never looked at.

use super::options::Options;
use super::transfer::far;
use super::{Call, Commands, Out, http};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{Action, Resource};

/// GitHub CLI.
pub struct Gh;

/// Commands that reach nothing, or what only their own settings tell.
const OWN: [&str; 8] = ["alias", "auth", "browse", "completion", "config", "extension", "help", "version"];

/// The host that stands in front of a repository (`ghe.example/owner/name`), else the one of the environment.
fn host_of<'t>(repository: &'t str, call: &'t Call) -> (&'t str, &'t str) {
    let usual = call.env.get("GH_HOST").map_or("github.com", String::as_str);
    let bare = repository.split_once("://").map_or(repository, |(_, rest)| rest);
    match bare.split_once('/') {
        Some((host, path)) if path.contains('/') => (host, path),
        _ => (usual, bare),
    }
}

/// Where a host has its API (GitHub CLI manual, "gh api"; GitHub Enterprise Server, "REST API").
fn api(host: &str) -> String {
    if host == "github.com" { "https://api.github.com".to_owned() } else { format!("https://{host}/api/v3") }
}

/// `gh api PATH`: a parameter makes it a POST, where no method is given.
fn called(words: &[String], call: &Call, out: &mut Out<'_>) {
    let longs =
        ["method", "field", "raw-field", "header", "hostname", "input", "jq", "template", "preview", "cache"];
    let options = Options::of(words, "XfFHqtp", &longs);
    let sends = options.has(&["f", "F", "field", "raw-field", "input"]);
    let method = options.get(&["X", "method"]).unwrap_or(if sends { "POST" } else { "GET" });
    for path in options.all(&["input"]) {
        out.add_file(call, Action::Read, path);
    }
    let usual = call.env.get("GH_HOST").map_or("github.com", String::as_str);
    let host = options.get(&["hostname"]).unwrap_or(usual);
    let Some(path) = options.plain.first().filter(|path| *path != "{}" && !host.contains("{}")) else {
        return out.unresolved(call, "an HTTP call whose address is only known when it runs");
    };
    // `{owner}` and `{repo}` are filled in from the repository it is called in.
    let mut path = path.trim_start_matches('/').to_owned();
    for filled in ["{owner}", "{repo}", "{branch}"] {
        path = path.replace(filled, "{}");
    }
    if let Some(resource) = http::endpoint(method, &format!("{}/{path}", api(host))) {
        out.add(call, None, Action::Call, resource);
    }
}

/// `gh repo clone OWNER/NAME [FOLDER]`; a name alone is one of whoever is logged in.
fn cloned(words: &[String], call: &Call, out: &mut Out<'_>) {
    // Behind two dashes, words are those of git.
    let own = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let options = Options::of(&words[..own], "u", &["upstream-remote-name"]);
    let mut plain = options.plain.iter();
    let repository = plain.next().map_or("{}", String::as_str);
    let (host, path) = host_of(repository, call);
    if !path.contains('/') || path.contains("{}") || host.contains("{}") {
        return out.unresolved(call, "a repository whose address is only known when it runs");
    }
    let file: Resource = far(&scrub_name(host), path);
    out.add(call, None, Action::Import, file);
    if let Some(folder) = plain.next() {
        out.add_file(call, Action::Write, folder);
    }
}

impl Commands for Gh {
    fn names(&self) -> &'static [&'static str] {
        &["gh"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let words = &call.words[1..];
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["api", ..] => called(words, call, out),
            ["repo", "clone", ..] => cloned(&words[1..], call, out),
            [] => {}
            [first, ..] if first.starts_with('-') || OWN.contains(&first) => {}
            _ => {
                let repository = Options::of(words, "R", &["repo"]).get(&["R", "repo"]).map(str::to_owned);
                let repository = repository.unwrap_or_default();
                let host = host_of(&repository, call).0;
                if host.contains("{}") {
                    return out.unresolved(call, "a host that is only known when it runs");
                }
                let address = api(host);
                let host =
                    address.trim_start_matches("https://").split('/').next().unwrap_or(host).to_owned();
                out.add_host(call, &host, None);
            }
        }
    }
}
