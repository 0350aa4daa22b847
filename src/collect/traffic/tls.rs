//! TLS, as far as it is spoken in the clear: the ClientHello (RFC 8446, section 4.1.2) with the server's name
//! (RFC 6066) and the protocols offered (RFC 7301). Nothing behind it is looked at.

use super::{Conversation, Moment, Protocol, Side, Told};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Confidence, Provenance, Text};

/// The protocol.
pub struct Tls;

/// How many bytes a ClientHello may take, over several records.
pub const MAX_HELLO: usize = 32 * 1024;

impl Protocol for Tls {
    fn about(&self) -> &'static About {
        &About {
            name: "tls",
            title: "TLS ClientHello: server name and protocols offered",
            provenance: Provenance::Recorded,
        }
    }

    fn recognise(&self, client: &[u8], server: &[u8], _port: u16) -> Option<Confidence> {
        let hello =
            |bytes: &[u8], kind: u8| matches!(bytes, [0x16, 0x03, 0..=4, _, _, first, ..] if *first == kind);
        (hello(client, 1) || (client.is_empty() && hello(server, 2))).then_some(Confidence::High)
    }

    fn open(&self) -> Box<dyn Conversation> {
        Box::new(Talk::default())
    }
}

#[derive(Default)]
struct Talk {
    hello: Vec<u8>,
}

impl Conversation for Talk {
    fn bytes(&mut self, side: Side, data: &[u8], _moment: Moment, told: &mut Told) {
        told.encrypted = true;
        if side == Side::Client && self.hello.len() < MAX_HELLO && told.names.is_empty() {
            self.hello.extend_from_slice(data);
            hello(&self.hello, told);
        }
    }

    fn hole(&mut self, _side: Side, _told: &mut Told) {}

    fn end(&mut self, _told: &mut Told) {}
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])))
}

/// Reads what is there of a ClientHello and adds the names in it.
pub fn hello(bytes: &[u8], told: &mut Told) {
    if let Some(message) = handshake(bytes) {
        let _ = names(&message, told);
    }
}

/// The first handshake message, put together from records; `None`: it is not whole.
fn handshake(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut at, mut message) = (0, Vec::new());
    loop {
        if message.len() >= 4 {
            let length =
                usize::from(message[1]) << 16 | usize::from(message[2]) << 8 | usize::from(message[3]);
            if message.len() >= length + 4 {
                message.truncate(length + 4);
                return Some(message);
            }
        }
        if *bytes.get(at)? != 0x16 {
            return None;
        }
        let length = u16_at(bytes, at + 3)?;
        message.extend_from_slice(bytes.get(at + 5..at + 5 + length)?);
        at += 5 + length;
    }
}

fn names(message: &[u8], told: &mut Told) -> Option<()> {
    if *message.first()? != 1 {
        return None;
    }
    let mut at = 4 + 2 + 32;
    at += 1 + usize::from(*message.get(at)?);
    at += 2 + u16_at(message, at)?;
    at += 1 + usize::from(*message.get(at)?);
    let end = at + 2 + u16_at(message, at)?;
    at += 2;
    while at + 4 <= end.min(message.len()) {
        let (kind, length) = (u16_at(message, at)?, u16_at(message, at + 2)?);
        let body = message.get(at + 4..at + 4 + length)?;
        if kind == 0 && body.get(2) == Some(&0) {
            let name = body.get(5..5 + u16_at(body, 3)?)?;
            let name = String::from_utf8_lossy(name).to_lowercase();
            told.names.insert(Text::from(scrub(&name).as_ref()));
        }
        at += 4 + length;
    }
    Some(())
}
