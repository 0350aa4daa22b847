//! OpenAPI documents: which requests a service says it serves, and where. Versions 3.x (OpenAPI Specification,
//! "Paths Object", "Server Object") and 2.0 (Swagger, "basePath", "host", "schemes"), YAML or JSON. It states what the
//! document lists and never whether anybody serves or uses it; a reference to another file is a gap.

use super::document::{self, top_keys};
use super::{Inventory, Notes};
use crate::evidence::scrub::scrub;
use crate::evidence::{
    About, Basis, GapCode, Mention, MentionKind, Provenance, Resource, ResourceKind, Says, Text,
};
use crate::input::InputFile;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};

/// How many operations, times the servers they are offered at, one document may state.
pub const MAX_OPERATIONS: usize = 20_000;
/// How many references are followed, one after the other, to a path.
const MAX_REFERENCES: usize = 8;
/// How many servers one list may name.
pub const MAX_SERVERS: usize = 100;

/// The fields of a path item that are methods ("Path Item Object"; `query` since 3.2).
const METHODS: [&str; 9] = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

/// `openapi.yaml`, `swagger.json` and their like.
pub struct OpenApi;

impl Inventory for OpenApi {
    fn about(&self) -> &'static About {
        &About {
            name: "openapi",
            title: "OpenAPI 3 and Swagger 2 documents: the requests a service serves",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let head = file.head_text();
        top_keys(&head).iter().any(|(key, _)| matches!(*key, "openapi" | "swagger"))
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        let document = document::parse(text)?;
        let described = Described::of(&document)?;
        let about = [Mention::new(MentionKind::Component, notes.component())];
        let lines = path_lines(text);
        described.state(&about, notes, &|path| lines.get(path).copied().unwrap_or(1));
        Ok(())
    }
}

/// One request a document lists: `GET /v1/orders/{id}`, with the key it stands under.
struct Operation {
    key: String,
    request: String,
    endpoint: Option<String>,
    deprecated: bool,
}

/// What a document describes.
#[derive(Default)]
pub struct Described {
    operations: Vec<Operation>,
    gaps: Vec<(String, GapCode, String)>,
    /// Where it is offered: `host:port` and the path in front of all its paths.
    pub servers: BTreeSet<(String, String)>,
}

impl Described {
    /// Of a document; an error where it is none of OpenAPI.
    pub fn of(document: &Value) -> Result<Described, String> {
        let version = |key: &str| match document.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let new = version("openapi").starts_with("3.");
        if !new && !version("swagger").starts_with('2') {
            return Err("neither OpenAPI 3 nor Swagger 2".to_owned());
        }
        let mut described = Described::default();
        let whole = if new {
            servers(document.get("servers"), &mut described.gaps)
        } else {
            Some(swagger_servers(document))
        };
        let whole = whole.unwrap_or_else(|| vec![Server::default()]);
        let paths = document.get("paths").and_then(Value::as_object);
        for (path, item) in paths.into_iter().flatten().filter(|(path, _)| path.starts_with('/')) {
            if !described.path(document, path, item, &whole) {
                let detail = format!("MAX_OPERATIONS: no more than {MAX_OPERATIONS} operations are read");
                described.gaps.push((path.clone(), GapCode::Limit, detail));
                break;
            }
        }
        for server in &whole {
            let at = server.endpoint.clone().map(|endpoint| (endpoint, server.base.clone()));
            described.servers.extend(at);
        }
        Ok(described)
    }

    /// Says that all of it is deprecated.
    pub fn deprecate(&mut self) {
        self.operations.iter_mut().for_each(|operation| operation.deprecated = true);
    }

    /// Adds the operations of a path; false where there is no room for all.
    fn path(&mut self, document: &Value, path: &str, item: &Value, whole: &[Server]) -> bool {
        let item = match followed(document, item) {
            Ok(item) => item,
            Err(detail) => {
                self.gaps.push((path.to_owned(), GapCode::Unresolved, detail));
                return true;
            }
        };
        let own = servers(item.get("servers"), &mut self.gaps);
        for method in METHODS {
            let Some(operation) = item.get(method).filter(|operation| operation.is_object()) else {
                continue;
            };
            let narrower = servers(operation.get("servers"), &mut self.gaps);
            for server in narrower.as_deref().or(own.as_deref()).unwrap_or(whole) {
                if self.operations.len() == MAX_OPERATIONS {
                    return false;
                }
                let plain = path.split(['?', '#']).next().unwrap_or(path);
                let request = format!("{} {}{plain}", method.to_ascii_uppercase(), server.base);
                let (key, request) = (path.to_owned(), scrub(&request).into_owned());
                // "Operation Object", OpenAPI 3.1.1 and Swagger 2.0: what is deprecated "should be refrained from".
                let deprecated = operation.get("deprecated") == Some(&Value::Bool(true));
                let endpoint = server.endpoint.clone();
                self.operations.push(Operation { key, request, endpoint, deprecated });
            }
        }
        true
    }

    /// States every operation about these, and about the servers the document itself names.
    pub fn state(&self, about: &[Mention], notes: &mut Notes<'_>, line: &dyn Fn(&str) -> u64) {
        for operation in &self.operations {
            let endpoint = Resource {
                kind: ResourceKind::Endpoint,
                server: None,
                database: None,
                parts: vec![Text::from(operation.request.as_str())],
            };
            let retires = operation.deprecated.then(|| Says::Retires(endpoint.clone()));
            let says: Vec<Says> = [Says::Serves(endpoint)].into_iter().chain(retires).collect();
            let server = operation.endpoint.as_deref().map(|it| Mention::new(MentionKind::Endpoint, it));
            for (about, says) in
                about.iter().chain(&server).flat_map(|it| says.iter().map(move |says| (it, says)))
            {
                notes.say_at(about, says.clone(), Basis::Declared, line(&operation.key));
            }
        }
        for (key, code, detail) in &self.gaps {
            notes.gap(line(key), *code, detail);
        }
    }
}

/// The path item itself, references inside of the document followed (RFC 6901, JSON Pointer).
fn followed<'a>(document: &'a Value, item: &'a Value) -> Result<&'a Map<String, Value>, String> {
    let mut item = item;
    for _ in 0..MAX_REFERENCES {
        match item.get("$ref").and_then(Value::as_str) {
            None => return item.as_object().ok_or_else(|| "a path describes nothing".to_owned()),
            Some(reference) => {
                let elsewhere = "a path is described in another file, which is not followed";
                let inner = decoded(reference.strip_prefix('#').ok_or(elsewhere)?);
                item = document.pointer(&inner).ok_or("a path refers to nothing in this document")?;
            }
        }
    }
    Err(format!("MAX_REFERENCES: a path refers on more than {MAX_REFERENCES} times"))
}

/// A fragment of a URI without its percent-encoding (RFC 6901, section 6).
fn decoded(fragment: &str) -> String {
    let mut parts = fragment.split('%');
    let mut out = parts.next().unwrap_or("").as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                out.extend(&part.as_bytes()[2..]);
            }
            None => out.extend([b"%", part.as_bytes()].concat()),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where something is offered.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// `host:port`; none: where the document itself is.
    pub(super) endpoint: Option<String>,
    /// What stands before every path, without a slash at its end.
    pub(super) base: String,
}

/// The servers of such a list, if there is one.
fn servers(list: Option<&Value>, gaps: &mut Vec<(String, GapCode, String)>) -> Option<Vec<Server>> {
    let list = list.and_then(Value::as_array).filter(|list| !list.is_empty())?;
    if list.len() > MAX_SERVERS {
        let detail = format!("MAX_SERVERS: no more than {MAX_SERVERS} servers of a list are read");
        gaps.push(("servers".to_owned(), GapCode::Limit, detail));
    }
    let mut found = Vec::new();
    for entry in list.iter().take(MAX_SERVERS) {
        let server = filled(entry).as_deref().and_then(server);
        match server {
            Some(server) if found.contains(&server) => {}
            Some(server) => found.push(server),
            None => {
                let detail = "the address of a server holds a variable without default, or is no address";
                gaps.push(("servers".to_owned(), GapCode::Unresolved, detail.to_owned()));
            }
        }
    }
    Some(found)
}

/// The address of a server with its variables' defaults ("Server Variable Object").
fn filled(entry: &Value) -> Option<String> {
    let mut rest = entry.get("url")?.as_str()?;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let default = entry.get("variables")?.get(name)?.get("default")?;
        out.push_str(before);
        match default {
            Value::String(text) => out.push_str(text),
            Value::Number(number) => out.push_str(&number.to_string()),
            _ => return None,
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// Host, port and base path of an address (RFC 3986); a relative one has only the last.
pub(super) fn server(url: &str) -> Option<Server> {
    let url = url.split(['?', '#']).next().unwrap_or(url).trim();
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => match url.strip_prefix("//") {
            Some(rest) => ("", rest),
            None => return Some(Server { endpoint: None, base: base(url.trim_start_matches('.')) }),
        },
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    Some(Server { endpoint: endpoint(scheme, authority)?, base: base(path) })
}

/// `/v1` of `/v1/` and of `v1`.
fn base(path: &str) -> String {
    let path = path.trim_end_matches('/');
    if path.is_empty() || path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// `host:port`, the port by the scheme where it is not said. Loopback is whoever reads the document, so it names
/// no server.
fn endpoint(scheme: &str, authority: &str) -> Option<Option<String>> {
    let authority = authority.to_ascii_lowercase();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
        _ => (
            authority.trim_end_matches(':'),
            match scheme {
                "https" => "443",
                "http" => "80",
                "" => "",
                _ => return None,
            },
        ),
    };
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let own = host == "localhost" || address.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
    match (host, port) {
        ("", _) => None,
        _ if own => Some(None),
        (host, "") => Some(Some(scrub(host).into_owned())),
        (host, port) => Some(Some(format!("{}:{port}", scrub(host)))),
    }
}

/// Where a document of version 2.0 says it is offered: a host at each scheme, with the base path.
fn swagger_servers(document: &Value) -> Vec<Server> {
    let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or("").trim();
    let base = base(text("basePath"));
    let listed = document.get("schemes").and_then(Value::as_array);
    let listed = listed.into_iter().flatten().filter_map(Value::as_str);
    let mut schemes: Vec<&str> = listed.filter(|scheme| matches!(*scheme, "http" | "https")).collect();
    if schemes.is_empty() {
        // "The default scheme to be used is the one used to access the definition", which nobody knows here.
        schemes.push("");
    }
    let at = |scheme: &&str| endpoint(scheme, text("host")).flatten();
    let mut found: Vec<Server> = Vec::new();
    for endpoint in schemes.iter().map(at) {
        let server = Server { endpoint, base: base.clone() };
        if !found.contains(&server) {
            found.push(server);
        }
    }
    found
}

/// By path: the line it stands on, counted from 1.
pub fn path_lines(text: &str) -> HashMap<&str, u64> {
    let mut lines = HashMap::new();
    for (line, number) in text.lines().zip(1u64..) {
        let key = line.trim();
        let key = match key.chars().next() {
            Some(quote @ ('"' | '\'')) => key[1..].split(quote).next().unwrap_or(""),
            _ => key.split(": ").next().unwrap_or("").trim_end_matches(':'),
        };
        if key.starts_with('/') {
            lines.entry(key).or_insert(number);
        }
    }
    lines
}
