//! Bytes of one direction until they make a message: what was taken is gone, what is passed over is never kept.

/// The bytes that wait.
#[derive(Default)]
pub struct Framer {
    bytes: Vec<u8>,
    start: usize,
    passing: usize,
    /// A message said a length that cannot be.
    pub broken: bool,
}

impl Framer {
    /// Adds bytes.
    pub fn push(&mut self, data: &[u8]) {
        let passed = self.passing.min(data.len());
        self.passing -= passed;
        if self.start > 0 && self.start * 2 >= self.bytes.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(&data[passed..]);
    }

    /// What waits.
    pub fn held(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Takes the first bytes.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let end = (self.start + count).min(self.bytes.len());
        let taken = self.bytes[self.start..end].to_vec();
        self.start = end;
        taken
    }

    /// Passes over so many bytes, those still to come included.
    pub fn skip(&mut self, count: usize) {
        let here = count.min(self.held().len());
        self.start += here;
        self.passing += count - here;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bytes.clear();
        (self.start, self.passing) = (0, 0);
    }

    /// The next message of a kind byte and a length that counts itself, at most `most` bytes of it; one that
    /// says it is longer than `longest` breaks the stream.
    pub fn message(&mut self, most: usize, longest: usize) -> Option<(u8, Vec<u8>)> {
        let held = self.held();
        let length = u32::from_be_bytes(held.get(1..5)?.try_into().ok()?) as usize;
        if !(4..=longest).contains(&length) {
            self.broken = true;
            return None;
        }
        let total = length + 1;
        let read = total.min(most);
        if held.len() < read {
            return None;
        }
        let kind = held[0];
        let body = held[5..read].to_vec();
        self.skip(total);
        Some((kind, body))
    }
}
