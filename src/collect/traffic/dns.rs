//! DNS (RFC 1035) over UDP and TCP, multicast DNS (RFC 6762) and LLMNR (RFC 4795): which names are asked for, and
//! which addresses answers give. Compression pointers are followed within a limit; nothing is looked up.

use super::{Act, Conversation, Framer, Moment, Protocol, Side, Told};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Confidence, Outcome, Provenance, Text};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The protocol.
pub struct Dns;

const PORTS: [u16; 4] = [53, 5353, 5355, 137];
/// How many pointers one name may hold, and how long it may be.
const MAX_POINTERS: usize = 32;
const MAX_NAME: usize = 255;
/// How many records of one message are read.
const MAX_RECORDS: usize = 256;

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// Whether bytes are a message: known opcode, plausible counts, a first name that can be read.
fn is_message(bytes: &[u8]) -> bool {
    let Some(flags) = u16_at(bytes, 2) else { return false };
    let counts: Vec<u16> = [4, 6, 8, 10].iter().filter_map(|at| u16_at(bytes, *at)).collect();
    let opcode = flags >> 11 & 0x0f;
    counts.len() == 4
        && matches!(opcode, 0..=6)
        && counts[0] <= 16
        && counts.iter().all(|count| *count < 512)
        && counts.iter().any(|count| *count > 0)
        && (counts[0] == 0 || name(bytes, 12).is_some())
}

impl Protocol for Dns {
    fn about(&self) -> &'static About {
        &About {
            name: "dns",
            title: "DNS, multicast DNS, LLMNR: names asked for, addresses answered",
            provenance: Provenance::Recorded,
        }
    }

    fn recognise(&self, client: &[u8], server: &[u8], port: u16) -> Option<Confidence> {
        if !PORTS.contains(&port) {
            return None;
        }
        let framed =
            |bytes: &[u8]| u16_at(bytes, 0).is_some_and(|length| length >= 12) && is_message(&bytes[2..]);
        let fits = |bytes: &[u8]| is_message(bytes) || (bytes.len() > 14 && framed(bytes));
        (fits(client) || (client.is_empty() && fits(server))).then_some(Confidence::High)
    }

    fn open(&self) -> Box<dyn Conversation> {
        Box::new(Talk::default())
    }
}

#[derive(Default)]
struct Talk {
    client: Framer,
    server: Framer,
}

impl Conversation for Talk {
    fn bytes(&mut self, side: Side, data: &[u8], moment: Moment, told: &mut Told) {
        if moment.datagram {
            let _ = message(data, moment, told);
            return;
        }
        let framer = if side == Side::Client { &mut self.client } else { &mut self.server };
        framer.push(data);
        while let Some(length) = u16_at(framer.held(), 0).map(usize::from) {
            if framer.held().len() < length + 2 {
                return;
            }
            let whole = framer.take(length + 2);
            let _ = message(&whole[2..], moment, told);
        }
    }

    fn hole(&mut self, side: Side, _told: &mut Told) {
        let framer = if side == Side::Client { &mut self.client } else { &mut self.server };
        framer.clear();
    }

    fn end(&mut self, _told: &mut Told) {}
}

/// A name and where the next field starts.
fn name(bytes: &[u8], start: usize) -> Option<(String, usize)> {
    let (mut at, mut after, mut out) = (start, None, String::new());
    for _ in 0..MAX_POINTERS + MAX_NAME {
        let length = usize::from(*bytes.get(at)?);
        match length {
            0 => return Some((out, after.unwrap_or(at + 1))),
            1..=63 => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(&String::from_utf8_lossy(bytes.get(at + 1..at + 1 + length)?));
                at += 1 + length;
            }
            192.. => {
                after.get_or_insert(at + 2);
                let target = usize::from(u16_at(bytes, at)? & 0x3fff);
                // A pointer only points back; anything else is a loop or broken.
                if target >= at {
                    return None;
                }
                at = target;
            }
            _ => return None,
        }
        if out.len() > MAX_NAME {
            return None;
        }
    }
    None
}

fn kind(number: u16) -> String {
    match number {
        1 => "A".to_owned(),
        2 => "NS".to_owned(),
        5 => "CNAME".to_owned(),
        6 => "SOA".to_owned(),
        12 => "PTR".to_owned(),
        15 => "MX".to_owned(),
        16 => "TXT".to_owned(),
        28 => "AAAA".to_owned(),
        32 => "NB".to_owned(),
        33 => "SRV".to_owned(),
        35 => "NAPTR".to_owned(),
        64 => "SVCB".to_owned(),
        65 => "HTTPS".to_owned(),
        99 => "SPF".to_owned(),
        255 => "ANY".to_owned(),
        other => format!("TYPE{other}"),
    }
}

fn message(bytes: &[u8], moment: Moment, told: &mut Told) -> Option<()> {
    let flags = u16_at(bytes, 2)?;
    let (questions, answers) = (u16_at(bytes, 4)?, u16_at(bytes, 6)?);
    let response = flags & 0x8000 != 0;
    let mut at = 12;
    for _ in 0..usize::from(questions).min(MAX_RECORDS) {
        let (asked, after) = name(bytes, at)?;
        let number = u16_at(bytes, after)?;
        at = after + 4;
        let shown = scrub(&asked).into_owned();
        if response {
            told.answered.insert(Text::from(shown));
        } else {
            let outcome = Outcome::Ok;
            told.acts.push(Act {
                verb: kind(number),
                object: shown,
                moment,
                outcome,
                micros: None,
                who: None,
                page: false,
                redirected: false,
                query: None,
            });
        }
    }
    for _ in 0..usize::from(answers).min(MAX_RECORDS) {
        let (owner, after) = name(bytes, at)?;
        let (number, length) = (u16_at(bytes, after)?, usize::from(u16_at(bytes, after + 8)?));
        let data = bytes.get(after + 10..after + 10 + length)?;
        at = after + 10 + length;
        let address = match (number, data) {
            (1, [a, b, c, d]) => Some(IpAddr::V4(Ipv4Addr::new(*a, *b, *c, *d))),
            (28, data) => <[u8; 16]>::try_from(data).ok().map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes))),
            _ => None,
        };
        if let Some(address) = address.filter(|_| !owner.is_empty()) {
            let owner = owner.to_lowercase();
            told.addresses.insert((Text::from(scrub(&owner).as_ref()), address));
        }
    }
    Some(())
}
