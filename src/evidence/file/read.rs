//! Reading: batches of lines are decoded on all threads and stated in file order. What is broken is a gap with its
//! line, and what came before it is kept; only a header that cannot be understood refuses the whole file.

use super::super::gap::{Gap, GapCode};
use super::super::groups::{Apart, Groups};
use super::super::mention::Text;
use super::super::place::Place;
use super::super::store::Evidence;
use super::super::usage::Use;
use super::group::Grouping;
use super::row::{Decoder, Key, RawRow, Stated, bounded, wrong};
use super::{BEGINS, FORMAT, Header, MAX_ROW_BYTES};
use rayon::prelude::*;
use serde::Deserialize;
use std::io::{self, BufRead, BufReader, Read};

/// How many bytes of rows are decoded in one go …
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// … and by one thread, …
const CHUNK_BYTES: usize = 512 * 1024;
/// … which knows the parts of keys again within what it reads, where rows are grouped.
const GROUPED_BYTES: usize = 2 * 1024 * 1024;

/// Why nothing at all of a file was read.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Another program, or a later version of this one, wrote it.
    #[error("written by a newer whodepends (format {0}, this one reads up to {FORMAT}): update this one")]
    Newer(u64),
    /// The first line is no header.
    #[error("its header cannot be understood: {0}")]
    Header(String),
    /// It could not be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// What was read from a file.
pub struct Kept {
    /// The first line.
    pub header: Header,
    /// All it states, without the settings that were carried along.
    pub evidence: Evidence,
    /// What of it could not be read, by line of the decompressed file.
    pub gaps: Vec<Gap>,
    /// How many rows it has.
    pub rows: u64,
}

/// Only the version, of whatever may follow it.
#[derive(Deserialize)]
struct Version {
    #[serde(rename = "whodepends-evidence")]
    format: u64,
}

/// The next line without its end, or `None` at the end of the file; longer than [`MAX_ROW_BYTES`] is an error.
pub(super) fn line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<()>> {
    line.clear();
    from.by_ref().take(MAX_ROW_BYTES as u64 + 1).read_until(b'\n', line)?;
    match line.last() {
        None => Ok(None),
        Some(b'\n') => {
            line.pop();
            Ok(Some(()))
        }
        Some(_) if line.len() > MAX_ROW_BYTES => {
            Err(io::Error::other("MAX_ROW_BYTES: a longer row is not read"))
        }
        Some(_) => Ok(Some(())),
    }
}

/// Reads the header, the first line of a decompressed evidence file.
pub fn header(from: &mut impl BufRead) -> Result<Header, Refusal> {
    let mut first = Vec::new();
    line(from, &mut first)?;
    if !first.starts_with(BEGINS) {
        return Err(Refusal::Header("it does not begin as one".to_owned()));
    }
    let wrong = |error: serde_json::Error| Refusal::Header(wrong(&error));
    let Version { format } = serde_json::from_slice(&first).map_err(wrong)?;
    if format > u64::from(FORMAT) {
        return Err(Refusal::Newer(format));
    }
    let header: Header = serde_json::from_slice(&first).map_err(wrong)?;
    let counts = header.inputs.iter().flat_map(|input| {
        let statements = input.statements;
        [input.records, statements.parsed, statements.tokens, statements.not_sql]
    });
    let counts = counts.map(bounded);
    counts.collect::<Result<Vec<u64>, String>>().map_err(Refusal::Header)?;
    Ok(header)
}

/// A kind of break: its first line, and how many there were.
#[derive(Clone, Copy, Default)]
struct Broken {
    first: u64,
    count: u64,
}

impl Broken {
    fn add(&mut self, line: u64, count: u64) {
        if count > 0 && (self.count == 0 || line < self.first) {
            self.first = line;
        }
        self.count += count;
    }
}

/// What one thread makes of some lines.
#[derive(Default)]
struct Chunk {
    /// Uses, and what else is stated: whatever its order, it is the same.
    uses: Vec<Use>,
    others: Vec<Stated>,
    /// Uses that nobody wants told apart, and how many rows they were.
    groups: Groups,
    grouped: u64,
    lines: u64,
    wrong: Broken,
    unordered: Broken,
    first: Option<OwnedKey>,
    last: Option<OwnedKey>,
    /// The line with the last row, counted from 0, and the rows it says there are.
    end: Option<(u64, u64)>,
}

/// A key that outlives its line.
type OwnedKey = (super::row::Kind, String, String);

/// A line as text, where it is some: that of a whole chunk is mostly known to be.
fn text<'a>(whole: Option<&'a str>, from: usize, line: &'a [u8]) -> Option<&'a str> {
    match whole {
        Some(whole) => whole.get(from..from + line.len()),
        None => std::str::from_utf8(line).ok(),
    }
}

impl Chunk {
    fn rows(&self) -> u64 {
        (self.uses.len() + self.others.len()) as u64 + self.grouped
    }

    fn keyed<'a>(&mut self, at: u64, key: Key<'a>, last: &mut Option<Key<'a>>) {
        self.unordered.add(at, u64::from(last.is_some_and(|last| last >= key)));
        if self.first.is_none() {
            self.first = Some((key.kind, key.of.to_owned(), key.shape.to_owned()));
        }
        *last = Some(key);
    }
}

fn chunk(bytes: &[u8], apart: Option<&Apart>) -> Chunk {
    let (mut out, mut decoder) = (Chunk::default(), Decoder::default());
    let mut grouping = apart.map(Grouping::new);
    let mut last: Option<Key<'_>> = None;
    let whole = std::str::from_utf8(bytes).ok();
    let mut from = 0;
    while from <= bytes.len() {
        let end = memchr::memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |at| from + at);
        let line = text(whole, from, &bytes[from..end]);
        from = end + 1;
        let at = out.lines;
        out.lines += 1;
        if let Some(key) = line.and_then(|line| grouping.as_mut()?.take(&mut decoder, line)) {
            out.keyed(at, key, &mut last);
            continue;
        }
        if let Some((key, mut it)) = line.and_then(|line| decoder.quick(line)) {
            out.keyed(at, key, &mut last);
            if grouping.is_some() {
                it.lighten();
            }
            out.uses.push(it);
            continue;
        }
        let row = line.and_then(|line| RawRow::parse(line).ok());
        let Some(row) = row else {
            out.wrong.add(at, 1);
            continue;
        };
        if let (Some(rows), None) = (row.end, row.key()) {
            out.wrong.add(at, u64::from(out.end.is_some()));
            out.end = out.end.or(Some((at, rows)));
            continue;
        }
        match (decoder.decode(&row), row.key()) {
            (Ok(stated), Some(key)) => {
                out.keyed(at, key, &mut last);
                match stated {
                    Stated::Use(it) => out.uses.push(it),
                    other => out.others.push(other),
                }
            }
            _ => out.wrong.add(at, 1),
        }
    }
    out.last = last.map(|key| (key.kind, key.of.to_owned(), key.shape.to_owned()));
    if let Some(grouping) = grouping {
        out.grouped = grouping.rows;
        out.groups = grouping.into_groups();
    }
    out
}

/// Cuts whole lines into pieces of about this size for threads; none holds the line's end behind its last line.
fn pieces(mut bytes: &[u8], size: usize) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let from = size.min(bytes.len()) - 1;
        let end = bytes[from..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| from + at);
        all.push(&bytes[..end]);
        bytes = bytes.get(end + 1..).unwrap_or_default();
    }
    all
}

/// What was read so far.
struct Reading<'a> {
    apart: Option<&'a Apart>,
    evidence: Evidence,
    lines: u64,
    rows: u64,
    wrong: Broken,
    unordered: Broken,
    last: Option<OwnedKey>,
    end: Option<(u64, u64)>,
}

impl Reading<'_> {
    fn batch(&mut self, bytes: &[u8]) {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let apart = self.apart;
        let size = if apart.is_some() { GROUPED_BYTES } else { CHUNK_BYTES };
        let chunks: Vec<Chunk> =
            pieces(bytes, size).into_par_iter().map(|bytes| chunk(bytes, apart)).collect();
        for chunk in chunks {
            let (begin, rows) = (self.lines + 1, chunk.rows());
            self.lines += chunk.lines;
            self.wrong.add(begin + chunk.wrong.first, chunk.wrong.count);
            self.unordered.add(begin + chunk.unordered.first, chunk.unordered.count);
            if self.end.is_some() {
                // Nothing may follow the last row.
                self.wrong.add(begin, rows);
            }
            if let (Some(last), Some(first)) = (&self.last, &chunk.first) {
                self.unordered.add(begin, u64::from(last >= first));
            }
            self.last = chunk.last.or(self.last.take());
            if let Some((at, rows)) = chunk.end {
                self.wrong.add(begin + at, u64::from(self.end.is_some()));
                self.end = self.end.or(Some((begin + at, rows)));
            }
            self.rows += rows;
            self.evidence.add_uses(chunk.uses);
            self.evidence.add_groups(chunk.groups);
            for stated in chunk.others {
                match stated {
                    Stated::Crowd(name, crowd) => self.evidence.add_crowd(name, crowd),
                    Stated::Fact(fact) => self.evidence.add_fact(fact),
                    Stated::Gap(gap) => self.evidence.add_gap(gap),
                    Stated::Use(it) => self.evidence.add_use(it),
                    Stated::Vantage(vantage) => self.evidence.add_vantage(vantage),
                }
            }
        }
    }

    /// Everything up to the end of the file, or to what cannot be read. While some is decoded, more is read.
    fn all(&mut self, from: &mut (impl Read + Send), progress: &(dyn Fn(u64) + Sync)) -> io::Result<()> {
        // What is decoded now, what is read meanwhile, and the beginning of a line that is cut off.
        let (mut whole, mut next, mut cut) = (Vec::new(), Vec::new(), Vec::new());
        let (mut outcome, mut done) = (Ok(()), false);
        while !done && outcome.is_ok() {
            next.clear();
            next.append(&mut cut);
            let fill = || {
                let before = next.len();
                next.reserve(BATCH_BYTES);
                let got = from.by_ref().take(BATCH_BYTES as u64).read_to_end(&mut next).map(|got| got == 0);
                progress((next.len() - before) as u64);
                got
            };
            let (got, ()) = rayon::join(fill, || self.batch(&whole));
            match got {
                Ok(end) => done = end,
                Err(error) => outcome = Err(error),
            }
            let lines = match memchr::memrchr(b'\n', &next) {
                _ if done => next.len(),
                Some(at) => at + 1,
                None => 0,
            };
            cut.extend_from_slice(&next[lines..]);
            next.truncate(lines);
            if cut.len() > MAX_ROW_BYTES {
                outcome = Err(io::Error::other("MAX_ROW_BYTES: a longer row is not read"));
            }
            std::mem::swap(&mut whole, &mut next);
        }
        self.batch(&whole);
        outcome
    }

    fn gaps(&self, path: &Text, outcome: io::Result<()>) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut gap = |line: u64, count: u64, code: GapCode, detail: String| {
            gaps.push(Gap { count, ..Gap::new(Place::line(path, line), code, detail) });
        };
        if self.wrong.count > 0 {
            let detail = "rows that cannot be understood; the others were read".to_owned();
            gap(self.wrong.first, self.wrong.count, GapCode::Unparsed, detail);
        }
        if self.unordered.count > 0 {
            let detail = "rows out of order: no program of ours wrote this file as it is".to_owned();
            gap(self.unordered.first, self.unordered.count, GapCode::Unparsed, detail);
        }
        let what = match self.rows {
            0 => "nothing of it was read",
            _ => "what came before was read",
        };
        match (outcome, self.end) {
            (Err(error), _) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let detail = format!("the file ends early; {what}");
                gap(self.lines + 1, 1, GapCode::Truncated, detail);
            }
            (Err(error), _) => {
                let named = error.get_ref().map(ToString::to_string).filter(|text| text.contains("MAX_"));
                let code = if named.is_some() { GapCode::Limit } else { GapCode::Unreadable };
                let why = named.unwrap_or_else(|| "a frame is broken".to_owned());
                gap(self.lines + 1, 1, code, format!("{why}; {what}"));
            }
            (Ok(()), None) => {
                let detail = format!("the file ends early; {what}");
                gap(self.lines + 1, 1, GapCode::Truncated, detail);
            }
            (Ok(()), Some((line, rows))) if rows != line - 2 => {
                let detail = format!("it says that it has {rows} rows, and has {}", line - 2);
                gap(line, 1, GapCode::Truncated, detail);
            }
            (Ok(()), Some(_)) => {}
        }
        gaps
    }
}

/// Reads a decompressed evidence file that reports show under `path`; `progress` is told bytes.
pub fn read(path: &Text, from: impl Read + Send, progress: &(dyn Fn(u64) + Sync)) -> Result<Kept, Refusal> {
    read_as(path, from, progress, None)
}

/// The same, with all uses that are not to be told apart by the group.
pub fn read_grouped(
    path: &Text,
    from: impl Read + Send,
    progress: &(dyn Fn(u64) + Sync),
    apart: &Apart,
) -> Result<Kept, Refusal> {
    read_as(path, from, progress, Some(apart))
}

fn read_as(
    path: &Text,
    from: impl Read + Send,
    progress: &(dyn Fn(u64) + Sync),
    apart: Option<&Apart>,
) -> Result<Kept, Refusal> {
    let mut from = BufReader::with_capacity(256 * 1024, from);
    let header = header(&mut from)?;
    let mut reading = Reading {
        apart,
        evidence: Evidence::new(),
        lines: 1,
        rows: 0,
        wrong: Broken::default(),
        unordered: Broken::default(),
        last: None,
        end: None,
    };
    let outcome = reading.all(&mut from, progress);
    let gaps = reading.gaps(path, outcome);
    let Reading { mut evidence, rows, .. } = reading;
    for input in &header.inputs {
        evidence.add_input(input.clone());
    }
    for (path, why) in &header.skipped {
        evidence.add_skipped(path.clone(), why.clone());
    }
    Ok(Kept { header, evidence, gaps, rows })
}
