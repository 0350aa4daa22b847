//! From a packet to the transport payload in it: link layers, tags, tunnels, IP with its fragments. Checksums are
//! not looked at, because captures on the sending machine have none yet. It keeps nothing but fragments, and
//! those within named limits.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many layers may lie in each other.
const MAX_LAYERS: usize = 16;
/// How many datagrams wait for their fragments at a time.
pub const MAX_FRAGMENTED: usize = 64;
/// How long a datagram may become (RFC 791).
const MAX_DATAGRAM: usize = 65_535;

/// What a packet carries.
#[derive(Debug, Clone)]
pub struct Segment<'a> {
    /// From.
    pub source: (IpAddr, u16),
    /// To.
    pub target: (IpAddr, u16),
    /// The transport's own.
    pub transport: Transport,
    /// The payload captured.
    pub payload: std::borrow::Cow<'a, [u8]>,
    /// How many bytes of the payload were not captured.
    pub missing: usize,
}

/// The transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// RFC 9293: sequence number, acknowledgement, flags.
    Tcp {
        /// Of the first byte.
        sequence: u32,
        /// The next byte the other side is expected to send.
        acknowledged: Option<u32>,
        /// SYN, FIN, RST.
        flags: Flags,
    },
    /// RFC 768.
    Udp,
}

/// The flags that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// It opens.
    pub syn: bool,
    /// It closes.
    pub fin: bool,
    /// It breaks off.
    pub rst: bool,
}

type FragmentKey = (IpAddr, IpAddr, u32, u8);

#[derive(Default)]
struct Pieces {
    pieces: BTreeMap<usize, Vec<u8>>,
    whole: Option<usize>,
}

/// Takes packets apart.
#[derive(Default)]
pub struct Layers {
    waiting: BTreeMap<FragmentKey, Pieces>,
    order: VecDeque<FragmentKey>,
    /// Datagrams of which a fragment never came.
    pub incomplete: u64,
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*data.get(at)?, *data.get(at + 1)?]))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes([*data.get(at)?, *data.get(at + 1)?, *data.get(at + 2)?, *data.get(at + 3)?]))
}

/// What the next layer is.
#[derive(Debug, Clone, Copy)]
enum Next {
    Ethernet,
    Type(u16),
    Ip,
}

/// Skips link layers and tags down to IP: where it starts.
fn down(data: &[u8], first: Next) -> Option<usize> {
    let (mut at, mut next) = (0, first);
    for _ in 0..MAX_LAYERS {
        match next {
            Next::Ethernet => {
                next = Next::Type(u16_at(data, at + 12)?);
                at += 14;
            }
            Next::Ip | Next::Type(0x0800 | 0x86dd) => return Some(at),
            // 802.1Q, 802.1ad and what came before it.
            Next::Type(0x8100 | 0x88a8 | 0x9100 | 0x9200) => {
                next = Next::Type(u16_at(data, at + 2)?);
                at += 4;
            }
            // MPLS (RFC 3032): labels down to the bottom of the stack, then IP, or a pseudowire's Ethernet.
            Next::Type(0x8847 | 0x8848) => {
                let label = u32_at(data, at)?;
                at += 4;
                if label & 0x100 != 0 {
                    next = match data.get(at)? >> 4 {
                        4 | 6 => Next::Ip,
                        0 => {
                            at += 4;
                            Next::Ethernet
                        }
                        _ => Next::Ethernet,
                    };
                }
            }
            // PPPoE session (RFC 2516).
            Next::Type(0x8864) => {
                next = Next::Type(match u16_at(data, at + 6)? {
                    0x0021 => 0x0800,
                    0x0057 => 0x86dd,
                    _ => return None,
                });
                at += 8;
            }
            // A length: LLC and SNAP (IEEE 802.2).
            Next::Type(length) if length < 0x0600 => {
                if data.get(at..at + 3)? != [0xaa, 0xaa, 0x03] {
                    return None;
                }
                next = Next::Type(u16_at(data, at + 6)?);
                at += 8;
            }
            Next::Type(_) => return None,
        }
    }
    None
}

impl Layers {
    /// The segment in a packet of a link type; `original` is its length on the wire.
    pub fn segment<'a>(&mut self, link: i32, data: &'a [u8], original: usize) -> Option<Segment<'a>> {
        let cut = original.saturating_sub(data.len());
        let (from, first) = match link {
            1 => (0, Next::Ethernet),
            0 | 108 => (4, Next::Ip),
            12 | 14 | 101 | 228 | 229 => (0, Next::Ip),
            113 => (16, Next::Type(u16_at(data, 14)?)),
            276 => (20, Next::Type(u16_at(data, 0)?)),
            // PPP with its two bytes in front, and without.
            9 if data.first() == Some(&0xff) => (4, Next::Ip),
            9 => (2, Next::Ip),
            _ => return None,
        };
        let rest = data.get(from..)?;
        let at = down(rest, first)?;
        self.ip(rest.get(at..)?, cut, 0)
    }

    fn ip<'a>(&mut self, data: &'a [u8], cut: usize, depth: usize) -> Option<Segment<'a>> {
        if depth > MAX_LAYERS {
            return None;
        }
        match data.first()? >> 4 {
            4 => self.v4(data, cut, depth),
            6 => self.v6(data, cut, depth),
            _ => None,
        }
    }

    fn v4<'a>(&mut self, data: &'a [u8], cut: usize, depth: usize) -> Option<Segment<'a>> {
        let head = usize::from(data[0] & 0x0f) * 4;
        let total = usize::from(u16_at(data, 2)?);
        let bytes = data.get(12..20)?;
        let source = IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]));
        let target = IpAddr::V4(Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]));
        // A length of 0 is a segment that the network card was left to cut (segmentation offload).
        let end = if total >= head { total.min(data.len()) } else { data.len() };
        let payload = data.get(head..end)?;
        let fragment = u16_at(data, 6)?;
        let (offset, more) = (usize::from(fragment & 0x1fff) * 8, fragment & 0x2000 != 0);
        let (protocol, missing) = (*data.get(9)?, cut.min(total.saturating_sub(end)));
        if offset == 0 && !more {
            return self.transport(source, target, protocol, payload, missing, depth);
        }
        let key = (source, target, u32::from(u16_at(data, 4)?), protocol);
        let whole = self.fragment(key, offset, more, payload)?;
        owned(self.transport(source, target, protocol, &whole, 0, depth)?)
    }

    fn v6<'a>(&mut self, data: &'a [u8], cut: usize, depth: usize) -> Option<Segment<'a>> {
        let address = |at: usize| {
            let bytes: [u8; 16] = data.get(at..at + 16)?.try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        };
        let (source, target) = (address(8)?, address(24)?);
        let length = usize::from(u16_at(data, 4)?);
        let end = if length > 0 { (40 + length).min(data.len()) } else { data.len() };
        let missing = cut.min((40 + length).saturating_sub(end));
        let (mut next, mut at) = (*data.get(6)?, 40);
        for _ in 0..MAX_LAYERS {
            match next {
                // Hop-by-hop, routing, destination options: RFC 8200.
                0 | 43 | 60 => {
                    next = *data.get(at)?;
                    at += (usize::from(*data.get(at + 1)?) + 1) * 8;
                }
                51 => {
                    next = *data.get(at)?;
                    at += (usize::from(*data.get(at + 1)?) + 2) * 4;
                }
                44 => {
                    let field = u16_at(data, at + 2)?;
                    let (offset, more) = (usize::from(field & 0xfff8), field & 1 != 0);
                    let identification = u32_at(data, at + 4)?;
                    next = *data.get(at)?;
                    at += 8;
                    if offset != 0 || more {
                        let key = (source, target, identification, next);
                        let whole = self.fragment(key, offset, more, data.get(at..end)?)?;
                        return owned(self.transport(source, target, next, &whole, 0, depth)?);
                    }
                }
                _ => return self.transport(source, target, next, data.get(at..end)?, missing, depth),
            }
        }
        None
    }

    /// Keeps a fragment; gives the datagram when it is whole. The first bytes of an overlap win.
    fn fragment(&mut self, key: FragmentKey, offset: usize, more: bool, data: &[u8]) -> Option<Vec<u8>> {
        if offset + data.len() > MAX_DATAGRAM {
            return None;
        }
        if !self.waiting.contains_key(&key) {
            self.order.push_back(key);
            while self.order.len() > MAX_FRAGMENTED {
                if self.order.pop_front().and_then(|oldest| self.waiting.remove(&oldest)).is_some() {
                    self.incomplete += 1;
                }
            }
        }
        let held = self.waiting.entry(key).or_default();
        held.pieces.entry(offset).or_insert_with(|| data.to_vec());
        if !more {
            held.whole = Some(offset + data.len());
        }
        let whole = held.whole?;
        let mut out = Vec::with_capacity(whole);
        for (offset, piece) in &held.pieces {
            if *offset > out.len() {
                return None;
            }
            let skip = out.len() - offset;
            out.extend_from_slice(piece.get(skip..).unwrap_or(&[]));
        }
        if out.len() < whole {
            return None;
        }
        self.waiting.remove(&key);
        self.order.retain(|other| *other != key);
        Some(out)
    }

    /// Datagrams that still wait when the capture ends.
    pub fn finish(&mut self) -> u64 {
        self.incomplete + self.waiting.len() as u64
    }

    fn transport<'a>(
        &mut self,
        source: IpAddr,
        target: IpAddr,
        protocol: u8,
        data: &'a [u8],
        missing: usize,
        depth: usize,
    ) -> Option<Segment<'a>> {
        match protocol {
            6 => {
                let ports = (u16_at(data, 0)?, u16_at(data, 2)?);
                let head = usize::from(data.get(12)? >> 4) * 4;
                let bits = *data.get(13)?;
                let flags = Flags { syn: bits & 2 != 0, fin: bits & 1 != 0, rst: bits & 4 != 0 };
                let acknowledged = if bits & 16 != 0 { u32_at(data, 8) } else { None };
                Some(Segment {
                    source: (source, ports.0),
                    target: (target, ports.1),
                    transport: Transport::Tcp { sequence: u32_at(data, 4)?, acknowledged, flags },
                    payload: data.get(head.max(20)..).unwrap_or(&[]).into(),
                    missing,
                })
            }
            17 => {
                let ports = (u16_at(data, 0)?, u16_at(data, 2)?);
                let payload = data.get(8..)?;
                if let Some(inner) = self.tunnel(ports, payload, missing, depth) {
                    return Some(inner);
                }
                Some(Segment {
                    source: (source, ports.0),
                    target: (target, ports.1),
                    transport: Transport::Udp,
                    payload: payload.into(),
                    missing,
                })
            }
            // IP in IP, 6in4: RFC 2003, RFC 4213.
            4 | 41 => self.ip(data, missing, depth + 1),
            // GRE: RFC 2784 and 2890.
            47 => {
                let bits = u16_at(data, 0)?;
                let mut at = 4;
                at += if bits & 0x8000 != 0 { 4 } else { 0 };
                at += if bits & 0x2000 != 0 { 4 } else { 0 };
                at += if bits & 0x1000 != 0 { 4 } else { 0 };
                let next = match u16_at(data, 2)? {
                    0x6558 => Next::Ethernet,
                    kind => Next::Type(kind),
                };
                let rest = data.get(at..)?;
                let down = down(rest, next)?;
                self.ip(rest.get(down..)?, missing, depth + 1)
            }
            _ => None,
        }
    }

    /// VXLAN (RFC 7348) and Geneve (RFC 8926) on their ports.
    fn tunnel<'a>(
        &mut self,
        ports: (u16, u16),
        data: &'a [u8],
        missing: usize,
        depth: usize,
    ) -> Option<Segment<'a>> {
        let (at, next) = match ports.1 {
            4789 | 8472 if data.first()? & 0x08 != 0 => (8, Next::Ethernet),
            6081 => {
                let options = usize::from(data.first()? & 0x3f) * 4;
                let next = match u16_at(data, 2)? {
                    0x6558 => Next::Ethernet,
                    kind => Next::Type(kind),
                };
                (8 + options, next)
            }
            _ => return None,
        };
        let rest = data.get(at..)?;
        let down = down(rest, next)?;
        self.ip(rest.get(down..)?, missing, depth + 1)
    }
}

/// The segment of a datagram that was put together here.
fn owned<'a>(segment: Segment<'_>) -> Option<Segment<'a>> {
    Some(Segment {
        source: segment.source,
        target: segment.target,
        transport: segment.transport,
        payload: segment.payload.into_owned().into(),
        missing: segment.missing,
    })
}
