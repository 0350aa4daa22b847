//! Writing: rows are ordered by the bytes of their keys and cut into frames that can be read each by itself. What is
//! written depends on the evidence alone, never on threads.

use super::super::order::Lent;
use super::super::store::Evidence;
use super::row::{self, Stated};
use super::{Carried, Header, MAX_ROW_BYTES};
use rayon::prelude::*;
use std::io::{self, Write};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

/// A frame holds this many rows …
pub const ROWS_PER_FRAME: usize = 4096;
/// … or fewer, when they reach this many bytes.
const FRAME_BYTES: usize = 8 * 1024 * 1024;
/// zstd's own default.
const LEVEL: i32 = 3;

/// Puts lines into frames.
pub(super) struct Frames<W: Write> {
    out: W,
    whole: Vec<Vec<u8>>,
    open: Vec<u8>,
    rows: usize,
    all: u64,
}

impl<W: Write> Frames<W> {
    /// A file that begins with this header, in a frame of its own.
    pub(super) fn begin(out: W, header: &Header) -> io::Result<Frames<W>> {
        let mut frames = Frames { out, whole: Vec::new(), open: Vec::new(), rows: 0, all: 0 };
        frames.open = serde_json::to_vec(header)?;
        frames.open.push(b'\n');
        fits(&frames.open)?;
        frames.close()?;
        Ok(frames)
    }

    /// Adds a row's line.
    pub(super) fn add(&mut self, line: &[u8]) -> io::Result<()> {
        fits(line)?;
        self.open.extend_from_slice(line);
        self.rows += 1;
        self.all += 1;
        if self.rows == ROWS_PER_FRAME || self.open.len() >= FRAME_BYTES { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> io::Result<()> {
        self.whole.push(std::mem::take(&mut self.open));
        self.rows = 0;
        if self.whole.len() >= rayon::current_num_threads() { self.compress() } else { Ok(()) }
    }

    fn compress(&mut self) -> io::Result<()> {
        let compress = |frame: &Vec<u8>| -> io::Result<Vec<u8>> {
            let mut compressor = Compressor::new(LEVEL)?;
            compressor.set_parameter(CParameter::ChecksumFlag(true))?;
            compressor.compress(frame)
        };
        let done: Vec<io::Result<Vec<u8>>> = self.whole.par_iter().map(compress).collect();
        self.whole.clear();
        done.into_iter().try_for_each(|frame| self.out.write_all(&frame?))
    }

    /// Writes the last row, which says how many came before, and gives back what was written to.
    pub(super) fn end(mut self) -> io::Result<W> {
        self.open.extend_from_slice(format!("{{\"end\":{}}}\n", self.all).as_bytes());
        self.close()?;
        self.compress()?;
        self.out.flush()?;
        Ok(self.out)
    }
}

fn fits(line: &[u8]) -> io::Result<()> {
    if line.len() <= MAX_ROW_BYTES {
        return Ok(());
    }
    Err(io::Error::other("MAX_ROW_BYTES: one row would be longer than may be read again"))
}

/// Rows of one kind, by key.
fn rows(frames: &mut Frames<impl Write>, stated: impl Iterator<Item = Stated>) -> io::Result<()> {
    let mut rows: Vec<(String, Vec<u8>)> = stated.map(|it| row::encode(&it)).collect();
    rows.par_sort_unstable();
    rows.iter().try_for_each(|(_, line)| frames.add(line))
}

fn uses(frames: &mut Frames<impl Write>, uses: &[Lent<'_>]) -> io::Result<()> {
    let groups: Vec<&[Lent<'_>]> = uses.chunk_by(|a, b| a.what.cmp_but_shape(b.what).is_eq()).collect();
    let mut groups: Vec<(String, &[Lent<'_>])> =
        groups.into_par_iter().map(|group| (row::group(group[0].what), group)).collect();
    groups.par_sort_by(|a, b| a.0.cmp(&b.0));
    let rows: Vec<(&str, &Lent<'_>)> =
        groups.iter().flat_map(|(of, group)| group.iter().map(move |it| (of.as_str(), it))).collect();
    for some in rows.chunks(ROWS_PER_FRAME) {
        let line = |(of, it): &(&str, &Lent<'_>)| row::line_of_use(of, &it.shape, &it.activity, &it.places);
        let lines: Vec<Vec<u8>> = some.par_iter().map(line).collect();
        lines.iter().try_for_each(|line| frames.add(line))?;
    }
    Ok(())
}

/// Writes evidence, with the settings it was collected under, and gives back what was written to.
pub fn write<W: Write>(evidence: &Evidence, settings: Vec<Carried>, out: W) -> io::Result<W> {
    let inputs = evidence.input_records().cloned().collect();
    let skipped = evidence.skipped().map(|(path, why)| (path.clone(), why.clone())).collect();
    let mut frames = Frames::begin(out, &Header::new(settings, inputs, skipped))?;
    rows(&mut frames, evidence.crowds().map(|(name, crowd)| Stated::Crowd(name.clone(), crowd.clone())))?;
    rows(&mut frames, evidence.facts().cloned().map(Stated::Fact))?;
    rows(&mut frames, evidence.gaps().into_iter().map(Stated::Gap))?;
    uses(&mut frames, &evidence.lent())?;
    rows(&mut frames, evidence.vantages().cloned().map(Stated::Vantage))?;
    frames.end()
}
