//! Capture files, classic and pcapng, as packets in file order: moment, link type, bytes, and how long each was on
//! the wire. A cut tail or a broken record ends the reading with a gap at its place; what came before stays. It
//! never looks into a packet.

use crate::evidence::Stamp;
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};
use std::io::Read;

/// The buffer packets are read through; a single record longer than this cannot be read.
const BUFFER_BYTES: usize = 1024 * 1024;

/// The link type of a packet whose interface the capture does not describe: none that anybody reads.
const UNKNOWN_LINK: i32 = -1;

/// One packet.
pub struct Packet<'a> {
    /// Its number, counted from 1.
    pub number: u64,
    /// When it was seen; pcapng's simple packets have no time.
    pub stamp: Option<Stamp>,
    /// The link type (tcpdump.org/linktypes.html).
    pub link: i32,
    /// The bytes captured.
    pub data: &'a [u8],
    /// How many bytes it had on the wire.
    pub original: usize,
}

/// How the reading ended.
pub enum Ended {
    /// At the end of the file.
    Whole,
    /// Inside a record, or at something that is none: after this many packets.
    Cut(&'static str),
}

/// Whether a file is a capture, told by its magic number.
pub fn recognise(head: &[u8]) -> bool {
    matches!(
        head,
        [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0x0a, 0x0d, 0x0d, 0x0a, ..]
    )
}

/// One interface of a pcapng section.
struct Interface {
    link: i32,
    /// Ticks a second.
    resolution: u64,
    /// Seconds to add.
    offset: i64,
}

/// A moment from ticks of a resolution.
fn moment(ticks: u64, interface: &Interface) -> Stamp {
    let resolution = u128::from(interface.resolution.max(1));
    let micros = u128::from(ticks) * 1_000_000 / resolution;
    let micros = i64::try_from(micros).unwrap_or(i64::MAX);
    Stamp(micros).plus_micros(interface.offset.saturating_mul(1_000_000))
}

/// Reads all packets; the error says why the file is no capture.
pub fn read(file: impl Read + Send, each: &mut dyn FnMut(&Packet<'_>)) -> Result<Ended, String> {
    let mut reader = match create_reader(BUFFER_BYTES, file) {
        Ok(reader) => reader,
        Err(PcapError::Eof) => return Err("it is empty".to_owned()),
        Err(error) => return Err(format!("it is no capture: {error:?}").chars().take(80).collect()),
    };
    let mut interfaces: Vec<Interface> = Vec::new();
    let (mut link, mut nanos, mut number) = (0, false, 0u64);
    let mut starved = 0;
    loop {
        let step = reader.next();
        match step {
            Ok((used, block)) => {
                starved = 0;
                let mut tell = |stamp: Option<Stamp>, link: i32, data: &[u8], original: u32| {
                    number += 1;
                    let original = (original as usize).max(data.len());
                    each(&Packet { number, stamp, link, data, original });
                };
                match block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        link = header.network.0;
                        nanos = header.is_nanosecond_precision();
                    }
                    PcapBlockOwned::Legacy(packet) => {
                        let fraction = i64::from(packet.ts_usec) / if nanos { 1000 } else { 1 };
                        let stamp = Stamp::from_seconds(i64::from(packet.ts_sec)).plus_micros(fraction);
                        let data = &packet.data[..packet.data.len().min(packet.caplen as usize)];
                        tell(Some(stamp), link, data, packet.origlen);
                    }
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => interfaces.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(it)) => interfaces.push(Interface {
                        link: it.linktype.0,
                        resolution: it.ts_resolution().unwrap_or(1_000_000),
                        offset: it.if_tsoffset,
                    }),
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        let interface = interfaces.get(packet.if_id as usize);
                        let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                        let stamp = interface.map(|interface| moment(ticks, interface));
                        let link = interface.map_or(UNKNOWN_LINK, |interface| interface.link);
                        tell(stamp, link, packet.packet_data(), packet.origlen);
                    }
                    PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                        let link = interfaces.first().map_or(UNKNOWN_LINK, |interface| interface.link);
                        tell(None, link, packet.packet_data(), packet.origlen);
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                reader.consume(used);
            }
            Err(PcapError::Eof) => return Ok(Ended::Whole),
            Err(PcapError::Incomplete(_)) if starved < 2 => {
                starved += 1;
                if reader.refill().is_err() {
                    return Ok(Ended::Cut("reading failed"));
                }
            }
            Err(PcapError::Incomplete(_) | PcapError::UnexpectedEof) => {
                return Ok(Ended::Cut("the capture ends inside a record; the packets before it were read"));
            }
            Err(PcapError::BufferTooSmall) => {
                return Ok(Ended::Cut(
                    "BUFFER_BYTES: a record is longer than that; the packets before it were read",
                ));
            }
            Err(_) => return Ok(Ended::Cut("a record is broken; the packets before it were read")),
        }
    }
}

#[cfg(all(test, feature = "capture"))]
mod tests {
    use super::read;
    use std::path::Path;

    /// Microseconds, length on the wire, bytes.
    type Row = (i64, usize, Vec<u8>);

    fn ours(bytes: &[u8]) -> Vec<Row> {
        let mut rows = Vec::new();
        let _ = read(bytes, &mut |packet| {
            let micros = packet.stamp.map_or(0, |stamp| stamp.0);
            rows.push((micros, packet.original, packet.data.to_vec()));
        });
        rows
    }

    /// What libpcap reads, up to the first error.
    fn theirs(path: &Path) -> Vec<Row> {
        let mut rows = Vec::new();
        let Ok(mut capture) = pcap::Capture::from_file(path) else { return rows };
        while let Ok(packet) = capture.next_packet() {
            let time = packet.header.ts;
            rows.push((
                time.tv_sec * 1_000_000 + time.tv_usec,
                packet.header.len as usize,
                packet.data.to_vec(),
            ));
        }
        rows
    }

    /// A classic capture written anew with the other byte order, or with nanoseconds (pcap(5), savefile).
    fn rewritten(classic: &[u8], big: bool, nanos: bool) -> Vec<u8> {
        let number = |at: usize| u32::from_le_bytes(classic[at..at + 4].try_into().expect("four bytes"));
        let put = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
        let put_short = |number: u16| if big { number.to_be_bytes() } else { number.to_le_bytes() };
        let mut out = Vec::new();
        out.extend(put(if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }));
        out.extend(put_short(2));
        out.extend(put_short(4));
        for at in [8, 12, 16, 20] {
            out.extend(put(number(at)));
        }
        let mut at = 24;
        while at + 16 <= classic.len() {
            let length = number(at + 8) as usize;
            out.extend(put(number(at)));
            out.extend(put(number(at + 4) * if nanos { 1000 } else { 1 }));
            out.extend(put(number(at + 8)));
            out.extend(put(number(at + 12)));
            out.extend(&classic[at + 16..at + 16 + length]);
            at += 16 + length;
        }
        out
    }

    #[test]
    fn packets_are_those_that_libpcap_reads() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["shop-db", "orders-api"] {
            let path =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/shop/captures/{name}.pcap"));
            let classic = std::fs::read(&path).expect("the capture is there");
            for (big, nanos) in [(false, false), (true, false), (false, true), (true, true)] {
                let bytes = rewritten(&classic, big, nanos);
                for length in [bytes.len(), bytes.len() - 1, bytes.len() / 2, 40, 24] {
                    let path = folder.path().join("x.pcap");
                    std::fs::write(&path, &bytes[..length]).expect("it is written");
                    let (ours, theirs) = (ours(&bytes[..length]), theirs(&path));
                    assert_eq!(ours.len(), theirs.len(), "{name} {big} {nanos} {length}");
                    assert!(ours == theirs, "{name} {big} {nanos} {length}");
                    assert!(length < 100 || !ours.is_empty());
                }
            }
        }
    }
}
