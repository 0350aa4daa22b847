//! Streams: the ordered files of one log of one server. Blocks are cut at record starts by one reader,
//! parsed by many, and told to the sessions in order, so that neither block size nor threads change a
//! result. It never holds more than a batch of blocks.

use super::digest::{Digest, Reading};
use super::requests::Requests;
use super::sessions::{Sessions, Understanding};
use super::{
    Block, Context, Event, Format, LogFormat, Opening, Record, UNSTATED, World, Zones, format_of, tagged,
};
use crate::evidence::scrub::scrub_shapes;
use crate::evidence::{
    Evidence, Gap, GapCode, InputRecord, InputStatus, Mention, MentionKind, Place, Span, Stamp, Text,
};
use crate::input::InputFile;
use crate::sql::{Cache, Dialect, Status, fold};
use rayon::prelude::*;
use regex::Regex;
use std::collections::BTreeMap;
use std::io;
use std::sync::LazyLock;

/// A record longer than this is cut: what follows its first part counts as unmatched lines.
pub const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;
/// How many blocks each thread parses in one batch.
const BLOCKS_PER_THREAD: usize = 2;

/// Dates and numbers that rotation puts into a name.
static ROTATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"[-_.]?\d{4}-?\d{2}-?\d{2}(?:[-_T]?\d{2,6})?|\.\d{1,4}$|[-_.](?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b",
    )
    .expect("the pattern is a constant of this file")
});

/// An hour, perhaps with its minute, that a server puts into the name of the log it goes on with (`postgresql-%H.log`,
/// `%d_%H`, `%H%M`, `%I%p`), and the day of the month before it.
static CLOCK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[-_.](?:(?P<day>\d\d)[-_.])?(?P<hour>\d\d)(?P<minute>\d\d)?(?:[-_.]?(?P<half>AM|PM))?(?P<end>(?:\.[A-Za-z]\w*)*)$")
        .expect("the pattern is a constant of this file")
});

/// The first time that a log writes.
static WRITTEN: LazyLock<regex::bytes::Regex> = LazyLock::new(|| {
    regex::bytes::Regex::new(r"\b\d{4}-\d\d-(?P<day>\d\d)[ T](?P<hour>\d\d):(?P<minute>\d\d):\d\d")
        .expect("the pattern is a constant of this file")
});

/// A name without what may be an hour in it, and whether that is the one that the file begins in.
fn without_clock(name: &str, head: &[u8]) -> Option<(String, bool)> {
    let clock = CLOCK.captures(name)?;
    let said = |group: &str| clock.name(group).and_then(|it| it.as_str().parse::<u32>().ok());
    let written = WRITTEN.captures(head);
    let begins = |group: &str| {
        let digits = written.as_ref()?.name(group).and_then(|it| std::str::from_utf8(it.as_bytes()).ok());
        digits.and_then(|digits| digits.parse::<u32>().ok())
    };
    let hour = said("hour").map(|hour| match clock.name("half").map(|half| half.as_str()) {
        Some("PM") => hour % 12 + 12,
        Some(_) => hour % 12,
        None => hour,
    });
    let same_day = said("day").is_none_or(|day| begins("day") == Some(day));
    let same_minute = said("minute").is_none_or(|minute| begins("minute").is_some_and(|it| it >= minute));
    let end = clock.name("end").map_or("", |end| end.as_str());
    let stem = format!("{}{end}", &name[..clock.get(0).map_or(0, |all| all.start())]);
    Some((stem, hour.is_some() && hour == begins("hour") && same_day && same_minute))
}

/// A log's name without what rotation put into it, and the same without what may be an hour.
fn names(file: &InputFile) -> (Text, Option<(Text, bool)>) {
    let folder = file.path.rsplit_once('/').map(|(folder, _)| folder);
    let within =
        |stem: &str| folder.map_or(Text::from(stem), |folder| Text::from(format!("{folder}/{stem}")));
    let stem = ROTATION.replace_all(file.name(), "");
    let clock = without_clock(&stem, &file.head).map(|(stem, own)| (within(&stem), own));
    (within(&stem), clock)
}

/// One stream.
pub struct Stream<'a> {
    id: Text,
    format: Format<'a>,
    files: Vec<&'a InputFile>,
    /// What the first block of each has to know, and whether its year had to be assumed.
    openings: Vec<(String, bool)>,
    of: Mention,
    zones: Zones,
    zone_stated: bool,
}

/// Groups files into streams: same folder, same format, same name but for what rotation put into it.
pub fn streams<'a>(files: &[&'a InputFile], world: &World<'a>) -> Vec<Stream<'a>> {
    type Key = (Text, &'static str, bool);
    let mut groups: BTreeMap<Key, (Format<'a>, Vec<&'a InputFile>)> = BTreeMap::new();
    let named: Vec<(Text, Option<(Text, bool)>)> = files.iter().map(|file| names(file)).collect();
    // A number is an hour where most files begin in the one they are named by; else it may be an instance's.
    let mut clocks: BTreeMap<&Text, (usize, usize)> = BTreeMap::new();
    for (stem, own) in named.iter().filter_map(|(_, clock)| clock.as_ref()) {
        let (hours, all) = clocks.entry(stem).or_default();
        (*hours, *all) = (*hours + usize::from(*own), *all + 1);
    }
    for (file, (name, clock)) in files.iter().zip(&named) {
        let Some(format) = format_of(file, world.settings) else { continue };
        let hourly = clock.as_ref().map(|(stem, _)| stem);
        let hourly = hourly.filter(|stem| clocks.get(stem).is_some_and(|(hours, all)| hours * 2 > *all));
        let id = hourly.unwrap_or(name).clone();
        let (name, elements) = (format.about().name, matches!(format, Format::Elements(_)));
        groups.entry((id, name, elements)).or_insert_with(|| (format, Vec::new())).1.push(file);
    }
    let make = |((id, name, _), (format, files)): (Key, (Format<'a>, Vec<&'a InputFile>))| {
        let (server, zone) = files.iter().map(|file| world.settings.source_of(&file.path)).next()?;
        let host = files[0].host.clone();
        let zone = zone.or_else(|| {
            let (zone, known) = world.zone_of_host(host.as_deref());
            known.then_some(zone)
        });
        let zones = Zones::new(zone);
        let opened = |file| (file, opening(&format, file, world));
        let mut opened: Vec<(&InputFile, (String, bool))> = files.into_iter().map(opened).collect();
        opened.sort_by_key(|(file, (header, _))| {
            let age = std::cmp::Reverse(rotation(&file.path));
            (first_stamp(&format, file, &zones, header), age, file.path.clone())
        });
        // What one file of a log tells holds for those whose own beginning tells nothing.
        let shared =
            opened.iter().map(|(_, (header, _))| header).find(|it| format.shares_opening(it)).cloned();
        for (_, (header, _)) in &mut opened {
            if let (true, Some(shared)) = (header.is_empty(), &shared) {
                header.clone_from(shared);
            }
        }
        let (files, openings): (Vec<&InputFile>, Vec<(String, bool)>) = opened.into_iter().unzip();
        let id = Text::from(format!("{name}:{id}"));
        let of = match server {
            Some(server) => Mention::new(MentionKind::System, server),
            None => Mention::new(MentionKind::Server, id.clone()),
        };
        let zone_stated = zones.name().is_some();
        Some(Stream { id, format, files, openings, of, zones, zone_stated })
    };
    groups.into_iter().filter_map(make).collect::<Vec<Stream<'a>>>()
}

/// How often a log was rotated away since it was written, by its name (`x.log.2.gz`; logrotate(8)); the one still written
/// to has no number.
fn rotation(path: &str) -> u32 {
    let parts = path.rsplit(['.', '-']).take(3);
    parts.filter(|part| part.len() <= 3).find_map(|part| part.parse().ok()).unwrap_or(0)
}

/// What the first block of a file has to know, and whether its year had to be assumed.
fn opening(format: &Format<'_>, file: &InputFile, world: &World<'_>) -> (String, bool) {
    let year = world.settings.year_of(&file.path);
    let prefix = world.settings.prefix_of(&file.path);
    let head = format.head(file);
    format.opening(&Opening {
        name: file.name(),
        head: &head,
        year,
        today: world.today,
        prefix,
        file: Some(file),
    })
}

fn first_stamp(format: &Format<'_>, file: &InputFile, zones: &Zones, header: &str) -> Option<i64> {
    let block = format.parse(&format.head(file), Context { zones, header });
    let stated = |record: &&Record| record.stamp != UNSTATED;
    block.records.iter().find(stated).map(|record| record.stamp.0)
}

/// Cuts a file into blocks that begin at record starts.
struct Cutter<'a> {
    reader: Box<dyn io::Read + Send>,
    format: &'a dyn LogFormat,
    carry: Vec<u8>,
    size: usize,
    done: bool,
    cut_record: bool,
}

impl Cutter<'_> {
    fn next(&mut self, header: &str) -> io::Result<Option<Vec<u8>>> {
        while !self.done {
            let start = self.carry.len();
            self.carry.resize(start + self.size, 0);
            let mut filled = start;
            while filled < self.carry.len() {
                match self.reader.read(&mut self.carry[filled..]) {
                    Ok(0) => {
                        self.done = true;
                        break;
                    }
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        self.carry.truncate(filled);
                        self.done = true;
                        return Err(error);
                    }
                }
            }
            self.carry.truncate(filled);
            if self.done {
                break;
            }
            let cut = self.format.last_start_of(&self.carry, header);
            if cut > 0 {
                let rest = self.carry.split_off(cut);
                return Ok(Some(std::mem::replace(&mut self.carry, rest)));
            }
            if self.carry.len() > MAX_RECORD_BYTES {
                self.cut_record = true;
                return Ok(Some(std::mem::take(&mut self.carry)));
            }
        }
        if self.carry.is_empty() { Ok(None) } else { Ok(Some(std::mem::take(&mut self.carry))) }
    }
}

/// Who listens to a stream's records: a log holds statements or requests.
struct Heard {
    sessions: Sessions,
    requests: Requests,
}

impl Stream<'_> {
    /// Reads all files of the stream in order.
    pub fn collect(&self, world: &World<'_>, cache: &Cache) -> Evidence {
        let mut evidence = Evidence::new();
        let stated = (self.of.kind == MentionKind::System).then(|| self.of.text.clone());
        let (networks, id) = (world.settings.networks(), self.id.clone());
        let mut heard = Heard {
            sessions: Sessions::new(id.clone(), self.of.text.clone(), world.window)
                .of(self.dialect(), self.format.can_hold_all()),
            requests: Requests::new(
                id,
                stated,
                self.of.text.clone(),
                Reading { ours: networks, window: world.window },
            ),
        };
        let mut assumed = false;
        for (file, opening) in self.files.iter().zip(&self.openings) {
            assumed |= self.file((file, opening), world, cache, &mut heard, &mut evidence);
        }
        if assumed && !self.zone_stated {
            let first = self.files.first().map(|file| Place::whole(&file.path));
            let detail =
                "the stamps name no zone that is known; UTC was assumed: state it as [[source]] zone";
            evidence.add_gap(Gap::new(first.unwrap_or(Place::whole(&self.id)), GapCode::UnknownZone, detail));
        }
        let zone = match (self.zones.name(), assumed) {
            (Some(zone), _) => zone.clone(),
            (None, true) => Text::from("UTC"),
            (None, false) => Text::from("as stamped"),
        };
        let known = self.zone_stated || !assumed;
        let kind = self.format.about();
        if let (Some(detail), Some(file)) = (self.format.never_says(), self.files.first()) {
            evidence.add_gap(Gap::new(Place::whole(&file.path), GapCode::OneSided, detail));
        }
        if heard.requests.heard() {
            heard.requests.finish(kind, self.of.clone(), &mut evidence);
        } else {
            heard.sessions.finish(kind, self.of.clone(), zone, known, &mut evidence);
        }
        evidence
    }

    /// Whose SQL its statements are.
    pub fn dialect(&self) -> Dialect {
        self.format.dialect()
    }

    /// Reads one file; tells whether any stamp was read in an assumed zone.
    fn file(
        &self,
        (file, opening): (&InputFile, &(String, bool)),
        world: &World<'_>,
        cache: &Cache,
        heard: &mut Heard,
        evidence: &mut Evidence,
    ) -> bool {
        let record = InputRecord::new(&file.path, self.format.about().name, InputStatus::Read);
        let mut told = Told {
            path: &file.path,
            record,
            line: 0,
            last: None,
            lines_unmatched: 0,
            example: None,
            gaps: BTreeMap::new(),
            passed: None,
            early: Vec::new(),
        };
        let mut assumed = false;
        match self.format.open(file) {
            Err(error) => {
                told.record.status = InputStatus::Failed;
                evidence.add_gap(file.gap(&error));
            }
            Ok(reader) => {
                let size = world.block_bytes.max(1);
                let (format, carry) = (&*self.format, Vec::new());
                let mut cutter = Cutter { reader, format, carry, size, done: false, cut_record: false };
                let (mut header, year_assumed) = opening.clone();
                if year_assumed {
                    let year = header.split(' ').next().unwrap_or_default();
                    let detail = format!(
                        "the stamps name no year; {year} was assumed for the first: keep the rotation's date in the \
                         file's name, or state it as [[source]] year"
                    );
                    evidence.add_gap(Gap::new(Place::whole(&file.path), GapCode::UnknownZone, detail));
                }
                let reading = heard.requests.reading().clone();
                let mut batch = self.batch(&mut cutter, &mut header);
                let mut waiting: Vec<(Read, Vec<Understanding>)> = Vec::new();
                // One batch is told while the next is parsed and the one after it is read.
                while !(batch.blocks.is_empty() && batch.failed.is_none() && waiting.is_empty()) {
                    if let Some(error) = batch.failed.take() {
                        evidence.add_gap(file.gap(&error));
                    }
                    let bytes = batch.blocks.iter().map(|(block, _)| block.len() as u64).sum();
                    let tell = || {
                        for (block, understood) in waiting {
                            assumed |= block.parsed.zone_assumed;
                            told.block(block, understood, heard);
                        }
                    };
                    let ahead = || {
                        let parse = || self.parse(&batch.blocks, cache, &reading);
                        rayon::join(parse, || self.batch(&mut cutter, &mut header))
                    };
                    let ((), (parsed, next)) = rayon::join(tell, ahead);
                    (world.progress)(&file.path, bytes);
                    (waiting, batch) = (parsed, next);
                }
                if cutter.cut_record {
                    let detail = "MAX_RECORD_BYTES: a longer record was cut";
                    evidence.add_gap(Gap::new(Place::whole(&file.path), GapCode::Limit, detail));
                }
            }
        }
        told.finish(evidence);
        assumed
    }

    /// Reads the next blocks of a file, each with what those before it tell of it.
    fn batch(&self, cutter: &mut Cutter<'_>, header: &mut String) -> Batch {
        let mut batch = Batch::default();
        while batch.blocks.len() < rayon::current_num_threads() * BLOCKS_PER_THREAD {
            match cutter.next(header) {
                Ok(Some(block)) => {
                    let next = self.format.header(&block, header);
                    batch.blocks.push((block, header.clone()));
                    *header = next.unwrap_or_else(|| std::mem::take(header));
                }
                Ok(None) => break,
                Err(error) => {
                    batch.failed = Some(error);
                    break;
                }
            }
        }
        batch
    }

    /// Parses blocks on all threads and understands their statements.
    fn parse(
        &self,
        blocks: &[(Vec<u8>, String)],
        cache: &Cache,
        reading: &Reading,
    ) -> Vec<(Read, Vec<Understanding>)> {
        let parse = |(bytes, header): &(Vec<u8>, String)| {
            let mut parsed = self.format.parse(bytes, Context { zones: &self.zones, header });
            let requests = Digest::take(&mut parsed.records, reading);
            tagged::name_programs(&mut parsed);
            let understand = |record: &Record| record.event.statement().map(|sql| cache.understand(sql));
            let understood = parsed.records.iter().map(understand).collect();
            let example = (parsed.unmatched > 0).then(|| example(bytes, parsed.first_unmatched));
            (Read { parsed, requests, example }, understood)
        };
        blocks.par_iter().map(parse).collect()
    }
}

/// Blocks of a file, each with what those before it tell of it; and what ended the reading early.
#[derive(Default)]
struct Batch {
    blocks: Vec<(Vec<u8>, String)>,
    failed: Option<io::Error>,
}

/// A block that was read, with the first line of it that fits nowhere.
struct Read {
    parsed: Block,
    /// Its requests, which are no longer among its records.
    requests: Digest,
    example: Option<Text>,
}

/// How much of a line that was not understood is shown.
const EXAMPLE_BYTES: usize = 120;

/// A line of a block (counted from 0) as it may be shown: what could be somebody's data is folded.
fn example(block: &[u8], line: u64) -> Text {
    let skip = usize::try_from(line).unwrap_or(usize::MAX);
    let line = block.split(|b| *b == b'\n').nth(skip).unwrap_or_default();
    let line = String::from_utf8_lossy(&line[..line.len().min(4 * EXAMPLE_BYTES)]).into_owned();
    let folded = fold(&line, Dialect::Generic);
    let mut shown = scrub_shapes(&folded).into_owned();
    let end = (0..=EXAMPLE_BYTES.min(shown.len())).rev().find(|at| shown.is_char_boundary(*at)).unwrap_or(0);
    shown.truncate(end);
    Text::from(shown)
}

/// How far a file was told.
struct Told<'a> {
    path: &'a Text,
    record: InputRecord,
    /// Lines of the blocks before.
    line: u64,
    /// The time of the record before.
    last: Option<Stamp>,
    lines_unmatched: u64,
    /// The first line that fits nowhere.
    example: Option<(Place, Text)>,
    /// What the format knows it did not see: the first place, and how often.
    gaps: BTreeMap<(GapCode, Text), (Place, u64)>,
    /// Records of what is not told here: the first, how many, and what they are.
    passed: Option<(Place, u64, &'static str)>,
    /// Records before the first time of the file: a server states none where the second is still that of the file before,
    /// so they are of the second that the next one ends.
    early: Vec<(Record, Understanding, Place)>,
}

/// How many records before the first time of a file are held until there is one.
const EARLY_HELD: usize = 20_000;

impl Told<'_> {
    fn block(&mut self, read: Read, understood: Vec<Understanding>, heard: &mut Heard) {
        let block = read.parsed;
        if let (Some(example), None) = (read.example, &self.example) {
            self.example = Some((Place::line(self.path, self.line + block.first_unmatched + 1), example));
        }
        self.lines_unmatched += block.unmatched;
        for (gap, (line, count)) in block.gaps {
            let place = || (Place::line(self.path, self.line + line + 1), 0);
            self.gaps.entry(gap).or_insert_with(place).1 += count;
        }
        if let Some((line, count, what)) = block.passed {
            let first = || (Place::line(self.path, self.line + line + 1), 0, what);
            self.passed.get_or_insert_with(first).1 += count;
            self.record.records += count;
        }
        self.requests(read.requests, heard);
        for (mut it, understood) in block.records.into_iter().zip(understood) {
            let place = Place::line(self.path, self.line + it.line + 1);
            if let Some(understood) = &understood {
                let statements = &mut self.record.statements;
                match understood.analysis.status {
                    Status::Parsed => statements.parsed += 1,
                    Status::Tokens => statements.tokens += 1,
                    Status::NotSql => statements.not_sql += 1,
                }
            }
            // The totals of a server have no time at all.
            if it.stamp == UNSTATED && !matches!(it.event, Event::Totals { .. }) {
                let Some(last) = self.last else {
                    if self.early.len() < EARLY_HELD {
                        self.early.push((it, understood, place));
                    } else {
                        self.timeless(place);
                    }
                    continue;
                };
                it.stamp = last;
            } else if it.stamp != UNSTATED {
                self.last = Some(it.stamp);
                for (early, understood, place) in std::mem::take(&mut self.early) {
                    self.record(&Record { stamp: it.stamp, ..early }, understood, place, heard);
                }
            }
            self.record(&it, understood, place, heard);
        }
        self.line += block.lines;
    }

    /// What stands before the first time of a file, and has none.
    fn timeless(&mut self, place: Place) {
        self.lines_unmatched += 1;
        self.example.get_or_insert((place, Text::from("a record before the first time")));
    }

    fn record(&mut self, it: &Record, understood: Understanding, place: Place, heard: &mut Heard) {
        self.record.records += 1;
        if !matches!(it.event, Event::Totals { .. }) {
            let span = Span::at(it.stamp);
            self.record.span = Some(self.record.span.map_or(span, |known| known.cover(span)));
        }
        heard.sessions.tell(it, understood, place);
    }

    fn requests(&mut self, requests: Digest, heard: &mut Heard) {
        self.record.records += requests.count;
        self.last = requests.last.or(self.last);
        if let Some(span) = requests.span {
            self.record.span = Some(self.record.span.map_or(span, |known| known.cover(span)));
        }
        let (path, before) = (self.path, self.line);
        heard.requests.hear(requests, &|line| Place::line(path, before + line + 1));
    }

    /// States how the file ended: one of which most fits nowhere was not read.
    fn finish(mut self, evidence: &mut Evidence) {
        for (_, _, place) in std::mem::take(&mut self.early) {
            self.timeless(place);
        }
        if let Some((place, count, what)) = self.passed {
            evidence.add_gap(Gap { count, ..Gap::new(place, GapCode::Unparsed, what) });
        }
        if let Some((place, example)) = self.example {
            let failed = self.lines_unmatched > self.record.records;
            let detail = if failed {
                self.record.status = InputStatus::Failed;
                let kind = &self.record.kind;
                format!(
                    "{} of {} lines fit no record of {kind}, the first: `{example}`; nobody here knows how they begin: \
                     see `whodepends formats`, or state the format with --as, its log_line_prefix or its columns \
                     with [[source]]",
                    self.lines_unmatched.min(self.line),
                    self.line
                )
            } else {
                "lines that fit neither the log's prefix nor a record before them".to_owned()
            };
            let count = self.lines_unmatched;
            evidence.add_gap(Gap { count, ..Gap::new(place, GapCode::UnmatchedPrefix, detail) });
        }
        for ((code, detail), (place, count)) in self.gaps {
            evidence.add_gap(Gap { count, ..Gap::new(place, code, detail) });
        }
        evidence.add_input(self.record);
    }
}
