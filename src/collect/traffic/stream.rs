//! One direction of a TCP connection, put in order (RFC 9293): the first bytes of an overlap win, what comes early is
//! held within named limits, and what never came is a hole that is told. It never keeps what was delivered.

/// How many segments, and how many bytes of them, are held while one before them is missing.
const MAX_HELD: usize = 256;
const MAX_HELD_BYTES: usize = 256 * 1024;
/// How many held segments it takes to believe that acknowledged bytes are missing from the capture.
const HELD_WHEN_ACKNOWLEDGED: usize = 3;

/// What a direction delivers.
pub enum Delivered<'a> {
    /// The next bytes, with the packet they came in.
    Bytes(&'a [u8], u64),
    /// Bytes are missing here; how many is counted in [`Direction::lost`].
    Hole,
}

struct Held {
    sequence: u32,
    data: Vec<u8>,
    missing: usize,
    packet: u64,
}

/// One direction.
#[derive(Default)]
pub struct Direction {
    next: Option<u32>,
    held: Vec<Held>,
    held_bytes: usize,
    /// Bytes that are missing from the capture.
    pub lost: u64,
}

impl Direction {
    /// The sequence number its first byte will have, told by a SYN.
    pub fn open(&mut self, sequence: u32) {
        self.next.get_or_insert(sequence.wrapping_add(1));
    }

    /// Takes a segment; `missing` bytes at its end were not captured.
    pub fn segment(
        &mut self,
        sequence: u32,
        data: &[u8],
        missing: usize,
        packet: u64,
        out: &mut dyn FnMut(Delivered<'_>),
    ) {
        if data.is_empty() && missing == 0 {
            return;
        }
        let next = *self.next.get_or_insert(sequence);
        // Signed distance: RFC 9293 compares sequence numbers modulo 2^32.
        let ahead = sequence.wrapping_sub(next).cast_signed();
        if ahead > 0 {
            self.held_bytes += data.len();
            let at = self.held.partition_point(|h| h.sequence.wrapping_sub(sequence).cast_signed() <= 0);
            self.held.insert(at, Held { sequence, data: data.to_vec(), missing, packet });
            if self.held.len() > MAX_HELD || self.held_bytes > MAX_HELD_BYTES {
                self.skip(out);
            }
            return;
        }
        self.deliver(sequence, data, missing, packet, out);
        self.drain(out);
    }

    /// Hears that the other side has received everything before this.
    pub fn acknowledged(&mut self, until: u32, out: &mut dyn FnMut(Delivered<'_>)) {
        let Some(first) = self.held.first() else { return };
        let covered = until.wrapping_sub(first.sequence).cast_signed() >= 0;
        if covered && self.held.len() >= HELD_WHEN_ACKNOWLEDGED {
            self.skip(out);
        }
    }

    /// The capture or the connection ends: what is held is delivered with its holes.
    pub fn finish(&mut self, out: &mut dyn FnMut(Delivered<'_>)) {
        while !self.held.is_empty() {
            self.skip(out);
        }
    }

    fn deliver(
        &mut self,
        sequence: u32,
        data: &[u8],
        missing: usize,
        packet: u64,
        out: &mut dyn FnMut(Delivered<'_>),
    ) {
        let next = self.next.unwrap_or(sequence);
        let known = next.wrapping_sub(sequence) as usize;
        let end = sequence.wrapping_add((data.len() + missing) as u32);
        if end.wrapping_sub(next).cast_signed() <= 0 {
            return;
        }
        if let Some(fresh) = data.get(known..).filter(|fresh| !fresh.is_empty()) {
            out(Delivered::Bytes(fresh, packet));
        }
        if missing > 0 {
            self.lost += missing as u64;
            out(Delivered::Hole);
        }
        self.next = Some(end);
    }

    fn drain(&mut self, out: &mut dyn FnMut(Delivered<'_>)) {
        while let (Some(first), Some(next)) = (self.held.first(), self.next) {
            if first.sequence.wrapping_sub(next).cast_signed() > 0 {
                return;
            }
            let held = self.held.remove(0);
            self.held_bytes -= held.data.len();
            self.deliver(held.sequence, &held.data, held.missing, held.packet, out);
        }
    }

    /// Gives the hole before the first held segment up.
    fn skip(&mut self, out: &mut dyn FnMut(Delivered<'_>)) {
        let (Some(first), Some(next)) = (self.held.first(), self.next) else {
            self.held.clear();
            return;
        };
        let hole = u64::from(first.sequence.wrapping_sub(next));
        self.lost += hole;
        self.next = Some(first.sequence);
        out(Delivered::Hole);
        self.drain(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is delivered of segments `(sequence, text)`, holes as `<n>`.
    fn said(first: u32, segments: &[(u32, &str)]) -> String {
        let mut direction = Direction::default();
        direction.open(first.wrapping_sub(1));
        let mut said = String::new();
        let mut out = |delivered: Delivered<'_>| match delivered {
            Delivered::Bytes(bytes, _) => said.push_str(&String::from_utf8_lossy(bytes)),
            Delivered::Hole => said.push_str("<>"),
        };
        for (sequence, text) in segments {
            direction.segment(*sequence, text.as_bytes(), 0, 1, &mut out);
        }
        direction.finish(&mut out);
        said
    }

    #[test]
    fn segments_are_put_in_order_and_holes_are_told() {
        assert_eq!(said(10, &[(10, "ab"), (12, "cd")]), "abcd");
        assert_eq!(said(10, &[(12, "cd"), (10, "ab"), (14, "ef")]), "abcdef");
        assert_eq!(said(10, &[(10, "ab"), (10, "XY"), (11, "Zc")]), "abc", "the first bytes win");
        assert_eq!(said(10, &[(10, "ab"), (15, "fg")]), "ab<>fg");
        assert_eq!(
            said(u32::MAX - 1, &[(u32::MAX - 1, "ab"), (0, "cd"), (2, "ef")]),
            "abcdef",
            "numbers turn over"
        );
    }
}
