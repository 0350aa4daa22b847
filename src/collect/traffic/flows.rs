//! Connections: which packets belong together, who opened it, what each side said in order, and which protocol that
//! is, told by content. It never decides who anybody is.

use super::link::{Flags, Segment, Transport};
use super::stream::{Delivered, Direction};
use super::{Conversation, Moment, PROTOCOLS, Protocol, Side, Told};
use crate::evidence::{Confidence, Stamp};
use std::collections::HashMap;
use std::net::IpAddr;

/// How many bytes of each side are looked at to tell the protocol.
const MAX_LOOKED_AT: usize = 4096;
/// How many connections are open at a time; beyond that the longest silent ones end.
pub const MAX_OPEN: usize = 65_536;
/// A connection that was silent for so many seconds may end when room is needed.
const SILENT_SECONDS: i64 = 60;

/// How long after both sides have ended the same ports are taken for another connection, in seconds.
const REUSED_SECONDS: i64 = 1;

/// One end.
pub type End = (IpAddr, u16);

/// A connection, ended.
pub struct Connection {
    /// Who opened it.
    pub client: End,
    /// Who answered.
    pub server: End,
    /// Whether it is TCP.
    pub tcp: bool,
    /// The protocol's name.
    pub protocol: &'static str,
    /// How it stood when it ended.
    pub status: &'static str,
    /// The first and the last packet.
    pub first: Stamp,
    /// See `first`.
    pub last: Stamp,
    /// The number of the first packet.
    pub packet: u64,
    /// Packets of both sides.
    pub packets: u64,
    /// Payload bytes of both sides.
    pub bytes: u64,
    /// Bytes known to be missing.
    pub lost: u64,
    /// Whether only one side was seen, though the other must have spoken.
    pub one_sided: bool,
    /// What was said.
    pub told: Told,
}

struct Open {
    /// The side that sent the first packet.
    ends: [End; 2],
    tcp: bool,
    /// Which end is the client, once that is known.
    client: Option<usize>,
    directions: [Direction; 2],
    /// Until the protocol is known: what was said, by end.
    early: Vec<(usize, Vec<u8>, Moment)>,
    early_bytes: [usize; 2],
    conversation: Option<Box<dyn Conversation>>,
    protocol: Option<&'static dyn Protocol>,
    given_up: bool,
    told: Told,
    syn: Option<u32>,
    answered: bool,
    fins: [bool; 2],
    reset: bool,
    first: Stamp,
    last: Stamp,
    packet: u64,
    packets: u64,
    sent: [u64; 2],
}

type Key = (End, End, bool);

/// All connections of a capture.
#[derive(Default)]
pub struct Flows {
    open: HashMap<Key, Open>,
    order: u64,
    last: Option<Stamp>,
}

fn key(one: End, other: End, tcp: bool) -> Key {
    if one <= other { (one, other, tcp) } else { (other, one, tcp) }
}

impl Flows {
    /// Takes a segment; connections that end by it go to `ended`.
    pub fn segment(
        &mut self,
        segment: &Segment<'_>,
        stamp: Option<Stamp>,
        packet: u64,
        ended: &mut dyn FnMut(Connection),
    ) {
        let stamp = stamp.or(self.last).unwrap_or(Stamp(0));
        self.last = Some(stamp);
        self.order += 1;
        let tcp = matches!(segment.transport, Transport::Tcp { .. });
        let key = key(segment.source, segment.target, tcp);
        let anew = match segment.transport {
            Transport::Tcp { sequence, acknowledged, flags } => self.open.get(&key).is_some_and(|open| {
                let syn = flags.syn && acknowledged.is_none();
                // Another handshake, or one behind data whose handshake was not seen.
                let again = match open.syn {
                    Some(other) => other != sequence,
                    None => open.sent != [0, 0],
                };
                // Data long after both sides have ended is not theirs.
                let over = open.reset || open.fins == [true, true];
                let late = stamp.seconds() - open.last.seconds() >= REUSED_SECONDS;
                (syn && again) || (over && late && !segment.payload.is_empty())
            }),
            Transport::Udp => false,
        };
        if anew && let Some(old) = self.open.remove(&key) {
            // The same ports, opened anew.
            ended(old.finish());
        }
        let open = self.open.entry(key).or_insert_with(|| Open::new(segment, tcp, stamp, packet));
        open.take(segment, Moment { stamp, packet, datagram: !tcp });
        if self.open.len() > MAX_OPEN {
            self.make_room(stamp, ended);
        }
    }

    fn make_room(&mut self, now: Stamp, ended: &mut dyn FnMut(Connection)) {
        let mut silent: Vec<(Stamp, u64, Key)> =
            self.open.iter().map(|(key, open)| (open.last, open.packet, *key)).collect();
        silent.sort_unstable();
        let old = silent.iter().filter(|(last, ..)| now.seconds() - last.seconds() > SILENT_SECONDS).count();
        for (.., key) in silent.into_iter().take(old.max(MAX_OPEN / 8)) {
            if let Some(open) = self.open.remove(&key) {
                ended(open.finish());
            }
        }
    }

    /// The capture ends.
    pub fn finish(self, ended: &mut dyn FnMut(Connection)) {
        let mut left: Vec<Open> = self.open.into_values().collect();
        left.sort_by_key(|open| open.packet);
        for open in left {
            ended(open.finish());
        }
    }
}

impl Open {
    fn new(segment: &Segment<'_>, tcp: bool, stamp: Stamp, packet: u64) -> Open {
        Open {
            ends: [segment.source, segment.target],
            tcp,
            client: None,
            directions: Default::default(),
            early: Vec::new(),
            early_bytes: [0; 2],
            conversation: None,
            protocol: None,
            given_up: false,
            told: Told::default(),
            syn: None,
            answered: false,
            fins: [false; 2],
            reset: false,
            first: stamp,
            last: stamp,
            packet,
            packets: 0,
            sent: [0; 2],
        }
    }

    fn take(&mut self, segment: &Segment<'_>, moment: Moment) {
        let end = usize::from(segment.source != self.ends[0]);
        self.packets += 1;
        self.first = self.first.min(moment.stamp);
        self.last = self.last.max(moment.stamp);
        self.sent[end] += (segment.payload.len() + segment.missing) as u64;
        let mut said: Vec<(usize, Option<Vec<u8>>, u64)> = Vec::new();
        match segment.transport {
            Transport::Udp => {
                self.client.get_or_insert_with(|| udp_client(&self.ends));
                if !segment.payload.is_empty() {
                    said.push((end, Some(segment.payload.to_vec()), moment.packet));
                }
            }
            Transport::Tcp { sequence, acknowledged, flags } => {
                self.flags(end, sequence, acknowledged, flags);
                let mut tell = |from: usize, delivered: Delivered<'_>| match delivered {
                    Delivered::Bytes(bytes, packet) => said.push((from, Some(bytes.to_vec()), packet)),
                    Delivered::Hole => said.push((from, None, moment.packet)),
                };
                let begins = if flags.syn { sequence.wrapping_add(1) } else { sequence };
                self.directions[end].segment(
                    begins,
                    &segment.payload,
                    segment.missing,
                    moment.packet,
                    &mut |delivered| tell(end, delivered),
                );
                if let Some(until) = acknowledged {
                    self.directions[1 - end].acknowledged(until, &mut |delivered| tell(1 - end, delivered));
                }
            }
        }
        for (end, bytes, packet) in said {
            self.hear(end, bytes, Moment { packet, ..moment });
        }
    }

    fn flags(&mut self, end: usize, sequence: u32, acknowledged: Option<u32>, flags: Flags) {
        if flags.syn {
            self.directions[end].open(sequence);
            match acknowledged {
                None => {
                    self.syn = Some(sequence);
                    self.client = Some(end);
                }
                Some(_) => {
                    self.client.get_or_insert(1 - end);
                    self.answered = true;
                }
            }
        }
        self.fins[end] |= flags.fin;
        self.reset |= flags.rst;
    }

    /// Hears the next bytes of an end, or that some are missing.
    fn hear(&mut self, end: usize, bytes: Option<Vec<u8>>, moment: Moment) {
        if self.given_up {
            return;
        }
        let Some(bytes) = bytes else {
            if let (Some(conversation), Some(client)) = (&mut self.conversation, self.client) {
                conversation.hole(side(end, client), &mut self.told);
            } else {
                // Nothing was recognised yet, and what comes now is no beginning.
                self.early.retain(|(other, ..)| *other != end);
                self.early_bytes[end] = 0;
            }
            return;
        };
        if let (Some(conversation), Some(client)) = (&mut self.conversation, self.client) {
            conversation.bytes(side(end, client), &bytes, moment, &mut self.told);
            return;
        }
        self.early_bytes[end] += bytes.len();
        self.early.push((end, bytes, moment));
        self.recognise();
        if self.conversation.is_none() && self.early_bytes.iter().all(|bytes| *bytes > MAX_LOOKED_AT) {
            self.given_up = true;
            self.early.clear();
        }
        if self.conversation.is_none() && self.early_bytes.iter().any(|bytes| *bytes > 8 * MAX_LOOKED_AT) {
            self.given_up = true;
            self.early.clear();
        }
    }

    fn recognise(&mut self) {
        let said = |end: usize| -> Vec<u8> {
            let own = self.early.iter().filter(|(other, ..)| *other == end);
            own.flat_map(|(_, bytes, _)| bytes).copied().take(MAX_LOOKED_AT).collect()
        };
        let said = [said(0), said(1)];
        let clients = match self.client {
            Some(client) => vec![client],
            None => vec![0, 1],
        };
        let mut best: Option<(Confidence, usize, &'static dyn Protocol)> = None;
        for client in clients {
            let (mine, theirs) = (&said[client], &said[1 - client]);
            let port = self.ends[1 - client].1;
            for protocol in PROTOCOLS {
                let Some(sure) = protocol.recognise(mine, theirs, port) else { continue };
                if best.as_ref().is_none_or(|(other, ..)| sure > *other) {
                    best = Some((sure, client, *protocol));
                }
            }
        }
        let Some((_, client, protocol)) = best else { return };
        self.client = Some(client);
        self.protocol = Some(protocol);
        let mut conversation = protocol.open();
        for (end, bytes, moment) in std::mem::take(&mut self.early) {
            conversation.bytes(side(end, client), &bytes, moment, &mut self.told);
        }
        self.conversation = Some(conversation);
    }

    fn finish(mut self) -> Connection {
        for end in [0, 1] {
            let mut said: Vec<(Option<Vec<u8>>, u64)> = Vec::new();
            self.directions[end].finish(&mut |delivered| match delivered {
                Delivered::Bytes(bytes, packet) => said.push((Some(bytes.to_vec()), packet)),
                Delivered::Hole => said.push((None, 0)),
            });
            for (bytes, packet) in said {
                let moment = Moment { stamp: self.last, packet, datagram: !self.tcp };
                self.hear(end, bytes, moment);
            }
        }
        if let Some(mut conversation) = self.conversation.take() {
            conversation.end(&mut self.told);
        }
        let client = self.client.unwrap_or_else(|| likely_client(&self.ends));
        let status = match (self.tcp, self.syn.is_some(), self.answered) {
            (true, true, false) if self.reset => "refused",
            (true, true, false) if self.sent == [0, 0] => "attempt",
            _ if self.reset => "reset",
            _ if self.fins.contains(&true) => "closed",
            _ => "open",
        };
        Connection {
            client: self.ends[client],
            server: self.ends[1 - client],
            tcp: self.tcp,
            protocol: self.protocol.map_or("unknown", |protocol| protocol.about().name),
            status,
            first: self.first,
            last: self.last,
            packet: self.packet,
            packets: self.packets,
            bytes: self.sent[0] + self.sent[1],
            lost: self.directions[0].lost + self.directions[1].lost,
            one_sided: self.tcp
                && (self.sent[0] == 0) != (self.sent[1] == 0)
                && self.sent[0] + self.sent[1] > 0,
            told: self.told,
        }
    }
}

fn side(end: usize, client: usize) -> Side {
    if end == client { Side::Client } else { Side::Server }
}

/// Without a handshake and a protocol: the end with the larger port, else who spoke first.
fn likely_client(ends: &[End; 2]) -> usize {
    usize::from(ends[0].1 < ends[1].1)
}

/// Who spoke first asked, unless that came from a port of a service and went to none.
fn udp_client(ends: &[End; 2]) -> usize {
    let service = |port: u16| port < 1024 || matches!(port, 5353 | 5355);
    usize::from(service(ends[0].1) && !service(ends[1].1))
}
