//! What logs have in common of which each line is one record: where a block's last record starts, which lines fit
//! nowhere, how much of a head has to fit before a file is said to be such a log. It never knows what a line says.

use super::{Block, Record};
use crate::evidence::Confidence;

/// How many lines of a head are tried before a file is said to be no log.
pub const LINES_TRIED: usize = 12;

/// Where the last line of a block starts; 0: it has only one.
pub fn last_start(block: &[u8]) -> usize {
    let inner = block.len().saturating_sub(1);
    memchr::memrchr(b'\n', &block[..inner]).map_or(0, |newline| newline + 1)
}

/// What a line is.
pub enum Is<T> {
    /// A record, or more than one.
    This(T),
    /// Part of the format, but no record: a comment, a header, a blank line.
    Known,
    /// A record of something that is not told here, and what that is: a gap says so.
    Passed(&'static str),
    /// It fits the format nowhere.
    Unmatched,
}

/// How sure a head is a log of a format: two thirds of its whole lines must be what `is` takes for records, and what it
/// takes for known counts neither way. A last line without an end may be cut, unless it is the only one.
pub fn recognise(head: &[u8], is: &mut dyn FnMut(&str) -> Is<()>) -> Option<Confidence> {
    let text = String::from_utf8_lossy(head);
    let whole = text.rfind('\n').map_or(&*text, |end| &text[..end]);
    let (mut fit, mut tried) = (0usize, 0usize);
    for line in whole.lines().filter(|line| !line.trim().is_empty()) {
        match is(line) {
            Is::This(()) | Is::Passed(_) => fit += 1,
            Is::Known => continue,
            Is::Unmatched => {}
        }
        tried += 1;
        if tried == LINES_TRIED {
            break;
        }
    }
    (fit > 0 && fit * 3 >= tried * 2).then_some(Confidence::High)
}

/// Reads a block line by line; `read` is given each line without its end. Records get the number of their line.
pub fn parse<'t>(text: &'t str, read: &mut dyn FnMut(&'t str) -> Is<Record>) -> Block {
    let mut parsed = Block::default();
    for raw in text.split_inclusive('\n') {
        let number = parsed.lines;
        parsed.lines += 1;
        let line = raw.trim_end_matches(['\n', '\r']);
        if line.trim().is_empty() {
            continue;
        }
        match read(line) {
            Is::This(record) => parsed.records.push(Record { line: number, ..record }),
            Is::Known => {}
            Is::Passed(what) => parsed.passed.get_or_insert((number, 0, what)).1 += 1,
            Is::Unmatched => {
                if parsed.unmatched == 0 {
                    parsed.first_unmatched = number;
                }
                parsed.unmatched += 1;
            }
        }
    }
    parsed
}
