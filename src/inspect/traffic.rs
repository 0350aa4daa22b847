//! The traffic lens: one line per connection of a capture, as it was understood. Objects are folded unless they are
//! asked for as they were on the wire; secrets are gone either way.

use crate::collect::traffic::{self, Connection};
use crate::evidence::scrub::{scrub, scrub_shapes};
use crate::evidence::{Class, fold_path};
use crate::input::InputFile;
use crate::sql::{Dialect, fold};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Request {
    verb: String,
    object: String,
    count: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    client: String,
    client_port: u16,
    server: String,
    server_port: u16,
    transport: &'static str,
    protocol: &'static str,
    status: &'static str,
    first: String,
    last: String,
    packets: u64,
    bytes: u64,
    principal: Option<&'a str>,
    program: Option<&'a str>,
    database: Option<&'a str>,
    names: Vec<&'a str>,
    requests: Vec<Request>,
    encrypted: bool,
    gaps: u64,
    class: &'static str,
}

fn object(connection: &Connection, object: &str, raw: bool) -> String {
    match (connection.protocol, raw) {
        ("postgres", true) => scrub(object).into_owned(),
        ("postgres", false) => scrub_shapes(&fold(object, Dialect::Postgres)).into_owned(),
        ("http", false) => fold_path(object),
        _ => object.to_owned(),
    }
}

fn text(connection: &Connection, raw: bool) -> String {
    let told = &connection.told;
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for act in &told.acts {
        *counts.entry((act.verb.clone(), object(connection, &act.object, raw))).or_default() += 1;
    }
    let mut names: Vec<&str> = told.names.iter().map(|name| &**name).collect();
    names.extend(told.addresses.iter().map(|(name, _)| &**name));
    names.extend(told.answered.iter().map(|name| &**name));
    names.sort_unstable();
    names.dedup();
    let class = told.program.as_deref().and_then(Class::of_program).unwrap_or(Class::App);
    let line = Line {
        client: connection.client.0.to_string(),
        client_port: connection.client.1,
        server: connection.server.0.to_string(),
        server_port: connection.server.1,
        transport: if connection.tcp { "tcp" } else { "udp" },
        protocol: connection.protocol,
        status: connection.status,
        first: connection.first.to_string(),
        last: connection.last.to_string(),
        packets: connection.packets,
        bytes: connection.bytes,
        principal: told.principal.as_deref(),
        program: told.program.as_deref(),
        database: told.database.as_deref(),
        names,
        requests: counts.into_iter().map(|((verb, object), count)| Request { verb, object, count }).collect(),
        encrypted: told.encrypted,
        gaps: connection.lost + u64::from(told.malformed),
        class: class.word(),
    };
    serde_json::to_string(&line).unwrap_or_default()
}

/// Gives a line for each connection of a capture to `out`; the error says why the file is none.
pub fn lines(
    file: &InputFile,
    filter: Option<&str>,
    raw: bool,
    out: &mut dyn FnMut(String),
) -> Result<(), String> {
    if !traffic::is_capture(file) {
        return Err("not a capture (pcap or pcapng)".to_owned());
    }
    traffic::connections(file, filter, &mut |connection| out(text(&connection, raw))).map(|_| ())
}
