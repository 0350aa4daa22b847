//! WSDL 1.1 (W3C Note of 15 March 2001): the address of each port of a service ("soap:address", section 3.8) and the
//! operations of its binding, each a POST to that address (SOAP 1.1, section 6). It follows no import, and says nothing
//! of whoever keeps the file, which is mostly a caller.

use super::openapi::server;
use super::{Inventory, Notes};
use crate::evidence::scrub::scrub;
use crate::evidence::{
    About, Basis, GapCode, Mention, MentionKind, Provenance, Resource, ResourceKind, Says, Scope, Text,
};
use crate::input::InputFile;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::{BTreeMap, BTreeSet};

/// How many operations, times the ports they are offered at, one file may state.
pub const MAX_OPERATIONS: usize = 20_000;

/// `orders.wsdl` and its like.
pub struct Wsdl;

impl Inventory for Wsdl {
    fn about(&self) -> &'static About {
        &About {
            name: "wsdl",
            title: "WSDL 1.1: addresses and operations of SOAP services",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let holds = |word: &str| memchr::memmem::find(&file.head, word.as_bytes()).is_some();
        // The namespace itself; those of its bindings begin like it.
        ['"', '\''].iter().any(|quote| holds(&format!("http://schemas.xmlsoap.org/wsdl/{quote}")))
            && holds("definitions")
            && file.head_text().trim_start_matches('\u{feff}').trim_start().starts_with('<')
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        if notes.scope() != Scope::Production {
            return Ok(());
        }
        let (described, outcome) = Described::of(text);
        described.state(notes);
        outcome
    }
}

/// What a file describes.
#[derive(Default)]
struct Described {
    /// By binding: its operations, with their lines.
    bindings: BTreeMap<String, BTreeSet<(u64, String)>>,
    /// Ports: binding, address, line.
    ports: Vec<(String, String, u64)>,
}

/// A name without its prefix.
fn local(name: &[u8]) -> &[u8] {
    name.rsplit(|byte| *byte == b':').next().unwrap_or(name)
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).ok().flatten()?;
    found.unescape_value().ok().map(|value| value.trim().to_owned())
}

fn unprefixed(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

impl Described {
    /// Of a text, as far as it can be read.
    fn of(text: &str) -> (Described, Result<(), String>) {
        let mut described = Described::default();
        let mut reader = Reader::from_str(text);
        let (mut open, mut binding, mut port) = (Vec::<Vec<u8>>::new(), None, None);
        let (mut line, mut counted) = (1, 0);
        loop {
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => return (described, Err(format!("not valid XML: {error}"))),
            };
            let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(text.len());
            line += text.as_bytes()[counted..at].iter().filter(|byte| **byte == b'\n').count() as u64;
            counted = at;
            let (element, stays) = match &event {
                Event::Start(element) => (element, true),
                Event::Empty(element) => (element, false),
                Event::End(_) => {
                    open.pop();
                    continue;
                }
                Event::Eof => return (described, Ok(())),
                _ => continue,
            };
            let name = local(element.name().as_ref()).to_vec();
            let above: Vec<&[u8]> = open.iter().skip(1).map(Vec::as_slice).collect();
            match (&above[..], &name[..]) {
                ([], b"binding") => binding = attribute(element, "name"),
                ([b"binding"], b"operation") => {
                    if let (Some(binding), Some(name)) = (&binding, attribute(element, "name")) {
                        described.bindings.entry(binding.clone()).or_default().insert((line, name));
                    }
                }
                ([b"service"], b"port") => {
                    port = attribute(element, "binding").map(|name| unprefixed(&name));
                }
                ([b"service", b"port"], b"address") => {
                    if let (Some(port), Some(location)) = (&port, attribute(element, "location")) {
                        described.ports.push((port.clone(), location, line));
                    }
                }
                _ => {}
            }
            if stays {
                open.push(name);
            }
        }
    }

    fn state(&self, notes: &mut Notes<'_>) {
        let mut stated = 0;
        for (binding, location, line) in &self.ports {
            // What a generator writes where the address is set later is nobody's.
            let Some(at) = server(location).filter(|at| at.endpoint.is_some()) else {
                let detail = "the address of a port is none of a server";
                notes.gap(*line, GapCode::Unresolved, detail);
                continue;
            };
            let about = at.endpoint.map(|endpoint| Mention::new(MentionKind::Endpoint, endpoint));
            let path = if at.base.is_empty() { "/" } else { &at.base };
            for (_, operation) in self.bindings.get(binding).into_iter().flatten() {
                stated += 1;
                if stated > MAX_OPERATIONS {
                    let detail = format!("MAX_OPERATIONS: no more than {MAX_OPERATIONS} operations are read");
                    return notes.gap(*line, GapCode::Limit, &detail);
                }
                let request = scrub(&format!("POST {path}")).into_owned();
                let parts = vec![Text::from(request), Text::from(operation.as_str())];
                let kind = ResourceKind::Endpoint;
                let serves = Says::Serves(Resource { kind, server: None, database: None, parts });
                if let Some(about) = &about {
                    notes.say_at(about, serves, Basis::Declared, *line);
                }
            }
        }
    }
}
