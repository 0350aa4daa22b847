//! Merging files as streams: rows with one key become one, all others pass as they are written. It holds one row of
//! each file, never a file, and refuses what [`super::read`] would only report, because who merges throws the parts
//! away.

use super::super::activity::Activity;
use super::super::mention::Text;
use super::super::place::Places;
use super::super::store::{Evidence, SHAPES_KEPT};
use super::super::usage::{Shape, Use};
use super::Header;
use super::read::{self, Refusal};
use super::row::{self, Decoder, Key, Kind, RawRow, Stated};
use super::write::Frames;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::io::{self, BufReader, Read, Write};
use std::ops::Range;

/// Why files were not merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A file is none of ours, or of a later version.
    #[error("{0}: {1}")]
    Refused(String, Refusal),
    /// A row is broken, stands out of order, or is missing.
    #[error("{0}:{1}: {2}; nothing was written")]
    Row(String, u64, String),
    /// Two files hold the same input.
    #[error(
        "{0} and {1} both hold {2}: it would count twice; collect one of them with --under NAME if it is another"
    )]
    Both(String, String, Text),
    /// What was merged could not be written.
    #[error("cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// One file of those that are merged.
struct Source<R> {
    name: String,
    from: BufReader<R>,
    lines: u64,
}

/// The next row of a file, taken apart.
struct Head {
    source: usize,
    line: Vec<u8>,
    kind: Kind,
    of: Range<usize>,
    shape: Range<usize>,
}

impl Head {
    fn part(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.line[range.clone()]).unwrap_or_default()
    }

    fn key(&self) -> Key<'_> {
        Key { kind: self.kind, of: self.part(&self.of), shape: self.part(&self.shape) }
    }

    fn bytes(&self) -> (Kind, &[u8], &[u8]) {
        (self.kind, &self.line[self.of.clone()], &self.line[self.shape.clone()])
    }

    fn stated(&self) -> Result<Stated, String> {
        let line = std::str::from_utf8(&self.line).map_err(|error| error.to_string())?;
        Decoder::default().decode(&RawRow::parse(line)?)
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    /// The smallest key is the greatest head: it is the next one taken from the heap.
    fn cmp(&self, other: &Head) -> Ordering {
        (other.bytes(), other.source).cmp(&(self.bytes(), self.source))
    }
}

impl<R: Read> Source<R> {
    fn wrong(&self, why: impl Into<String>) -> MergeError {
        MergeError::Row(self.name.clone(), self.lines, why.into())
    }

    /// Reads the row after `before`; `None` behind the last one. `line` is used again.
    fn next(
        &mut self,
        source: usize,
        before: Option<&Head>,
        mut line: Vec<u8>,
    ) -> Result<Option<Head>, MergeError> {
        self.lines += 1;
        match read::line(&mut self.from, &mut line) {
            Ok(Some(())) => {}
            Ok(None) => return Err(self.wrong("the file ends early")),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(self.wrong("the file ends early"));
            }
            Err(error) if error.to_string().contains("MAX_") => return Err(self.wrong(error.to_string())),
            Err(_) => return Err(self.wrong("a frame is broken")),
        }
        let text = std::str::from_utf8(&line).map_err(|_| self.wrong("a row that is no UTF-8"))?;
        let row = RawRow::parse(text).map_err(|why| self.wrong(why))?;
        let Some(key) = row.key() else {
            return match row.end {
                Some(rows) => self.end(rows).map(|()| None),
                None => Err(self.wrong("no row of an evidence file")),
            };
        };
        if before.is_some_and(|before| before.key() >= key) {
            return Err(self.wrong("a row out of order"));
        }
        let range = |part: &str| {
            let at = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
            if part.is_empty() { 0..0 } else { at..at + part.len() }
        };
        let (kind, of, shape) = (key.kind, range(key.of), range(key.shape));
        line.push(b'\n');
        Ok(Some(Head { source, line, kind, of, shape }))
    }

    /// The last row is as it says, and nothing follows it.
    fn end(&mut self, rows: u64) -> Result<(), MergeError> {
        if rows != self.lines - 2 {
            return Err(self.wrong(format!("it says that it has {rows} rows, and has {}", self.lines - 2)));
        }
        match read::line(&mut self.from, &mut Vec::new()) {
            Ok(None) => Ok(()),
            _ => Err(self.wrong("something follows the last row")),
        }
    }
}

/// The header of all: every input once.
fn header<R: Read>(sources: &mut [Source<R>]) -> Result<Header, MergeError> {
    let (mut settings, mut skipped, mut inputs) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    let mut owner: BTreeMap<Text, String> = BTreeMap::new();
    for source in sources {
        source.lines += 1;
        let header =
            read::header(&mut source.from).map_err(|why| MergeError::Refused(source.name.clone(), why))?;
        settings.extend(header.settings);
        skipped.extend(header.skipped);
        for input in header.inputs {
            if let Some(other) = owner.insert(input.path.clone(), source.name.clone()) {
                return Err(MergeError::Both(other, source.name.clone(), input.path));
            }
            inputs.insert(input.path.clone(), input);
        }
    }
    Ok(Header::new(settings, inputs.into_values().collect(), skipped))
}

/// Keeps the shapes with the smallest fingerprints of each group and folds the others, as [`Evidence::uses`] does.
#[derive(Default)]
struct Folding {
    group: String,
    kept: usize,
    other: Option<(Activity, Places)>,
}

impl Folding {
    /// Whether a use of this group is kept as it is; else it is told to [`Folding::fold`].
    fn keeps(&mut self, shape: &str) -> bool {
        let keeps = self.kept < SHAPES_KEPT && shape != row::shape(&Shape::other());
        self.kept += usize::from(keeps);
        keeps
    }

    fn fold(&mut self, it: Use) {
        let (activity, places) = self.other.get_or_insert_with(|| (Activity::none(), Places::default()));
        activity.merge(&it.activity);
        places.merge(it.places);
    }

    /// Begins another group, with what is left of the last one written.
    fn turn(&mut self, group: &str, frames: &mut Frames<impl Write>) -> io::Result<()> {
        if let Some((activity, places)) = self.other.take() {
            frames.add(&row::line_of_use(&self.group, &Shape::other(), &activity, &places))?;
        }
        self.group.clear();
        self.group.push_str(group);
        self.kept = 0;
        Ok(())
    }
}

/// Rows of one key as one.
fn as_one(heads: &[Head]) -> Result<Stated, (usize, String)> {
    let mut all = Evidence::new();
    for head in heads {
        match head.stated().map_err(|why| (head.source, why))? {
            Stated::Crowd(name, crowd) => all.add_crowd(name, crowd),
            Stated::Fact(fact) => all.add_fact(fact),
            Stated::Gap(gap) => all.add_gap(gap),
            Stated::Use(it) => all.add_use(it),
            Stated::Vantage(vantage) => all.add_vantage(vantage),
        }
    }
    let crowd = all.crowds().map(|(name, crowd)| Stated::Crowd(name.clone(), crowd.clone())).next();
    let fact = || all.facts().next().cloned().map(Stated::Fact);
    let gap = || all.gaps().into_iter().next().map(Stated::Gap);
    let used = || all.uses().into_iter().next().map(Stated::Use);
    let vantage = || all.vantages().next().cloned().map(Stated::Vantage);
    let one = crowd.or_else(fact).or_else(gap).or_else(used).or_else(vantage);
    one.ok_or_else(|| (heads[0].source, "no row of an evidence file".to_owned()))
}

/// Merges decompressed evidence files, each with the name errors call it by, and gives back what was written to.
pub fn merge<R: Read, W: Write>(files: Vec<(String, R)>, out: W) -> Result<W, MergeError> {
    let source = |(name, from)| Source { name, from: BufReader::with_capacity(256 * 1024, from), lines: 0 };
    let mut sources: Vec<Source<_>> = files.into_iter().map(source).collect();
    let mut frames = Frames::begin(out, &header(&mut sources)?)?;
    let mut heap = BinaryHeap::with_capacity(sources.len());
    for (index, source) in sources.iter_mut().enumerate() {
        heap.extend(source.next(index, None, Vec::new())?);
    }
    let (mut folding, mut same) = (Folding::default(), Vec::new());
    while let Some(first) = heap.pop() {
        same.push(first);
        while heap.peek().is_some_and(|next| next.bytes() == same[0].bytes()) {
            same.extend(heap.pop());
        }
        row(&same, &mut folding, &mut frames).map_err(|(source, why)| match source {
            Some(source) => sources[source].wrong(why),
            None => MergeError::Write(io::Error::other(why)),
        })?;
        for head in same.drain(..) {
            let source = head.source;
            heap.extend(sources[source].next(source, Some(&head), Vec::new())?);
        }
    }
    folding.turn("", &mut frames)?;
    Ok(frames.end()?)
}

/// Writes rows of one key; the error names the source of a row that is wrong.
fn row(
    same: &[Head],
    folding: &mut Folding,
    frames: &mut Frames<impl Write>,
) -> Result<(), (Option<usize>, String)> {
    let writing = |error: io::Error| (None, error.to_string());
    let wrong = |(source, why)| (Some(source), why);
    let key = same[0].key();
    let group = if key.kind == Kind::Use { key.of } else { "" };
    if folding.group != group {
        folding.turn(group, frames).map_err(writing)?;
    }
    if key.kind == Kind::Use && !folding.keeps(key.shape) {
        for head in same {
            let stated = head.stated().map_err(|why| wrong((head.source, why)))?;
            if let Stated::Use(it) = stated {
                folding.fold(it);
            }
        }
        return Ok(());
    }
    match same {
        [alone] => frames.add(&alone.line).map_err(writing),
        _ => frames.add(&row::encode(&as_one(same).map_err(wrong)?).1).map_err(writing),
    }
}
