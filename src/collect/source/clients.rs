//! Calls of HTTP clients: where they go, as far as the text tells. A path without an address is only told
//! where the client it is given to was made with one.

use super::fold::{File, UNKNOWN, call_of, fits};
use super::marks::Marked;
use crate::collect::commands;
use crate::evidence::Resource;
use std::collections::BTreeMap;
use tree_sitter::Node;

/// How much of the code around a call is looked at for its method, in bytes.
const MAX_AROUND: usize = 2000;
/// Methods as clients name their functions.
const VERBS: [(&str, &str); 7] = [
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("delete", "DELETE"),
    ("patch", "PATCH"),
    ("head", "HEAD"),
    ("options", "OPTIONS"),
];

/// A URL whose named parameters are unknown parts: `{id}` is filled in when it runs.
pub fn unnamed(url: &str) -> String {
    let (mut out, mut rest) = (String::new(), url);
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push_str(UNKNOWN);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out
}

/// Clients that the file makes with a base address, by the name they are given.
pub fn bases(file: &File<'_>, marked: &Marked<'_>) -> BTreeMap<String, String> {
    let words = &file.language.http;
    let mut out = BTreeMap::new();
    for (name, value) in marked.assigned.iter().chain(&marked.reassigned) {
        let mut at = Some(*value);
        // The base is set somewhere in a chain: `builder.baseUrl("…").build()`.
        while let Some(call) = at.and_then(call_of) {
            if fits(file.callee(call.arguments), words.created) {
                let arguments = file.arguments(call.arguments);
                let base = arguments.iter().find(|(name, _)| match name {
                    Some(name) => words.base.contains(&name.as_str()),
                    None => words.base.is_empty(),
                });
                let base = base.and_then(|(_, value)| file.fold(*value));
                if let Some(base) = base.filter(|base| base.contains("://") && !base.starts_with(UNKNOWN)) {
                    out.insert(plain(file.of(*name)).to_owned(), base);
                }
                break;
            }
            at = call.receiver;
        }
    }
    out
}

fn plain(name: &str) -> &str {
    ["self.", "this."].iter().find_map(|own| name.strip_prefix(own)).unwrap_or(name)
}

/// Whether a call that says no address is one of HTTP all the same.
pub fn is_certain(file: &File<'_>, arguments: Node<'_>) -> bool {
    arguments.named_child(0).is_some() && fits(file.callee(arguments), file.language.http.certain)
}

/// What one call asks for.
pub fn endpoint(file: &File<'_>, bases: &BTreeMap<String, String>, arguments: Node<'_>) -> Option<Resource> {
    let callee = file.callee(arguments);
    let lower = callee.to_ascii_lowercase();
    let given = file.arguments(arguments);
    let url = |(name, value): &(Option<String>, Node<'_>)| {
        matches!(name.as_deref(), None | Some("url" | "uri")).then(|| file.fold(*value)).flatten()
    };
    // The URL is the first argument, or the second behind a method: `request("GET", url)`.
    let known = |text: &String| text.contains("://") || text.starts_with('/');
    let said = given.iter().take(3).filter_map(url).find(known);
    // `new URL("…").openStream()` is given nothing.
    let on = || call_of(file.parent(arguments)?)?.receiver.and_then(|on| file.fold(on)).filter(known);
    let text = said.or_else(|| if given.is_empty() { on() } else { None })?;
    let on = callee.split(['.', '(', '?']).find(|part| !matches!(*part, "this" | "self")).unwrap_or(callee);
    let base = bases.get(on.trim());
    let client = file.language.http.callees.iter().any(|word| lower.contains(word));
    let url = match base {
        Some(base) if text.starts_with('/') => format!("{}{text}", base.trim_end_matches('/')),
        _ if text.contains("://") && (client || base.is_some()) => text,
        _ => return None,
    };
    commands::http_endpoint(&method(file, callee, arguments), &unnamed(&url))
}

/// The method of a call: its own name, what its arguments say, what the calls around it in a chain say; GET
/// where nothing is said, as the clients do.
fn method(file: &File<'_>, callee: &str, arguments: Node<'_>) -> String {
    let last = callee.rsplit('.').next().unwrap_or(callee).trim();
    let lower = last.to_ascii_lowercase();
    let verb =
        |name: &str| VERBS.iter().find(|(verb, _)| name == *verb).map(|(_, method)| (*method).to_owned());
    // `post`, `postForObject`, `HttpPost`.
    let own = VERBS.iter().find(|(verb, _)| {
        let rest = lower.strip_prefix(verb).or_else(|| lower.strip_prefix(&format!("new http{verb}")));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("for"))
    });
    if let Some((_, method)) = own {
        return (*method).to_owned();
    }
    let text: String = file.of(arguments).chars().take(MAX_AROUND).collect();
    if let Some(method) = named(&text) {
        return method;
    }
    // `client.post().uri("…")` before it, `builder.uri(URI.create("…")).POST(…)` behind it.
    let before = callee.split(['.', '(']).map(str::trim).rev().find_map(verb);
    before.unwrap_or_else(|| behind(file, arguments).unwrap_or_else(|| "GET".to_owned()))
}

/// `HttpMethod.POST`, `method: 'POST'`, `method="POST"`, `"POST", url`.
fn named(arguments: &str) -> Option<String> {
    let words = |text: &str| {
        let word: String = text
            .trim_start_matches([' ', ':', '=', '"', '\'', '`'])
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect();
        VERBS.iter().find(|(_, method)| word.eq_ignore_ascii_case(method)).map(|(_, it)| (*it).to_owned())
    };
    let marked = ["HttpMethod.", "method"].iter().find_map(|mark| words(arguments.split_once(mark)?.1));
    marked.or_else(|| words(arguments.strip_prefix('(')?).filter(|_| arguments.starts_with(['(', '"'])))
}

/// The method that a chain says behind a call.
fn behind(file: &File<'_>, arguments: Node<'_>) -> Option<String> {
    let mut at = file.parent(arguments)?;
    for _ in 0..12 {
        let above = file.parent(at)?;
        if let Some(call) = call_of(above) {
            let last = file.callee(call.arguments).rsplit('.').next().unwrap_or("").to_ascii_lowercase();
            let found = VERBS.iter().find(|(verb, _)| last == *verb);
            if let Some((_, method)) = found.filter(|_| call.arguments.id() != at.id()) {
                return Some((*method).to_owned());
            }
            if last == "method" {
                return named(&format!("method{}", file.of(call.arguments).trim_start_matches('(')));
            }
        } else if above.kind().ends_with("statement") || above.kind().contains("declarat") {
            return None;
        }
        at = above;
    }
    None
}
