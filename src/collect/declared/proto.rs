//! Services of Protocol Buffers (`.proto`, "Language Guide", "Defining Services"): each method is the request
//! `POST /package.Service/Method` (gRPC over HTTP/2, "Requests"). It reads no messages, follows no import, and does not
//! say that whoever keeps the file serves all that is in it, or nothing else: callers keep a copy, too.

use super::{Inventory, Notes};
use crate::evidence::{
    About, Basis, GapCode, Mention, MentionKind, Provenance, Resource, ResourceKind, Says, Scope, Text,
};
use crate::input::InputFile;

/// How many methods of one file are stated.
pub const MAX_METHODS: usize = 20_000;

/// `orders.proto` and its like.
pub struct Proto;

impl Inventory for Proto {
    fn about(&self) -> &'static About {
        &About {
            name: "proto",
            title: "Protocol Buffers: the requests that gRPC services answer",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let begins = |line: &str| {
            let word = line.split_whitespace().next().unwrap_or("");
            matches!(word, "service" | "package" | "message" | "import" | "option")
                || line.starts_with("syntax")
                || line.starts_with("edition")
        };
        file.name().ends_with(".proto") && file.head_text().lines().any(begins)
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        if notes.scope() != Scope::Production {
            return Ok(());
        }
        let about = Mention::new(MentionKind::Component, notes.component());
        for (number, (line, path)) in methods(text).into_iter().enumerate() {
            if number == MAX_METHODS {
                let detail = format!("MAX_METHODS: no more than {MAX_METHODS} methods are read");
                notes.gap(line, GapCode::Limit, &detail);
                break;
            }
            let parts = vec![Text::from(format!("POST {path}")), Text::from("rpc")];
            let kind = ResourceKind::Endpoint;
            let serves = Says::Serves(Resource { kind, server: None, database: None, parts });
            notes.say_at(&about, serves, Basis::Declared, line);
        }
        Ok(())
    }
}

/// The words and marks of a file with their lines; comments are left out, strings are one mark.
fn tokens(text: &str) -> Vec<(u64, &str)> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1u64);
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if matches!(first, '"' | '\'') {
            let mut escaped = false;
            let mut end = rest.len();
            for (at, c) in rest.char_indices().skip(1) {
                if c == '\n' || (c == first && !escaped) {
                    end = at + 1;
                    break;
                }
                escaped = c == '\\' && !escaped;
            }
            tokens.push((line, "\""));
            end
        } else if word(first) {
            rest.find(|c| !word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        if word(first) || (token.len() == 1 && "{}();=[]".contains(first)) {
            tokens.push((line, token));
        }
        line += token.matches('\n').count() as u64;
        rest = after;
    }
    tokens
}

/// The methods of a file as paths of requests, with their lines.
fn methods(text: &str) -> Vec<(u64, String)> {
    let tokens = tokens(text);
    let at = |index: usize| tokens.get(index).map_or("", |(_, token)| *token);
    let is_name = |token: &str| token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let (mut package, mut service, mut depth) = (String::new(), None, 0u32);
    let mut found = Vec::new();
    for (index, (line, token)) in tokens.iter().enumerate() {
        match *token {
            "{" => depth = depth.saturating_add(1),
            "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    service = None;
                }
            }
            "package" if depth == 0 && is_name(at(index + 1)) && at(index + 2) == ";" => {
                package = format!("{}.", at(index + 1));
            }
            "service" if depth == 0 && is_name(at(index + 1)) && at(index + 2) == "{" => {
                service = Some(at(index + 1));
            }
            "rpc" if depth == 1 && is_name(at(index + 1)) && at(index + 2) == "(" => {
                let path = service.map(|service| format!("/{package}{service}/{}", at(index + 1)));
                found.extend(path.map(|path| (*line, path)));
            }
            _ => {}
        }
    }
    found
}
