//! Streams: the ordered files of one log of one server. Blocks are cut at record starts by one reader,
//! parsed by many, and told to the sessions in order, so that neither block size nor threads change a
//! result. It never holds more than a batch of blocks.

use super::requests::Requests;
use super::sessions::{Sessions, Understanding};
use super::{Block, Event, LogFormat, Record, World, Zones, format_of, messages};
use crate::evidence::{
    Evidence, Gap, GapCode, InputRecord, InputStatus, Mention, MentionKind, Place, Span, Text,
};
use crate::input::InputFile;
use crate::sql::Cache;
use rayon::prelude::*;
use regex::Regex;
use std::collections::BTreeMap;
use std::io::{self, Read};
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

/// One stream.
pub struct Stream<'a> {
    id: Text,
    format: &'static dyn LogFormat,
    files: Vec<&'a InputFile>,
    of: Mention,
    zones: Zones,
    zone_stated: bool,
}

/// Groups files into streams: same folder, same format, same name but for what rotation put into it.
pub fn streams<'a>(files: &[&'a InputFile], world: &World<'_>) -> Vec<Stream<'a>> {
    let mut groups: BTreeMap<(Text, &'static str), Vec<&'a InputFile>> = BTreeMap::new();
    for file in files {
        let Some(format) = format_of(file) else { continue };
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let stem = ROTATION.replace_all(file.name(), "");
        let id = if folder.is_empty() { stem.to_string() } else { format!("{folder}/{stem}") };
        groups.entry((Text::from(id), format.about().name)).or_default().push(file);
    }
    let make = |((id, name), mut files): ((Text, &'static str), Vec<&'a InputFile>)| {
        let format = super::FORMATS.iter().copied().find(|format| format.about().name == name)?;
        let (server, zone) = files.iter().map(|file| world.settings.source_of(&file.path)).next()?;
        let host = files[0].host.clone();
        let zone = zone.or_else(|| {
            let (zone, known) = world.zone_of_host(host.as_deref());
            known.then_some(zone)
        });
        let zones = Zones::new(zone);
        files.sort_by_key(|file| (first_stamp(format, file, &zones), file.path.clone()));
        let id = Text::from(format!("{name}:{id}"));
        let of = match server {
            Some(server) => Mention::new(MentionKind::System, server),
            None => Mention::new(MentionKind::Server, id.clone()),
        };
        let zone_stated = zones.name().is_some();
        Some(Stream { id, format, files, of, zones, zone_stated })
    };
    groups.into_iter().filter_map(make).collect()
}

fn first_stamp(format: &dyn LogFormat, file: &InputFile, zones: &Zones) -> Option<i64> {
    let block = format.parse(&file.head, zones);
    block.records.first().map(|record| record.stamp.0)
}

/// Cuts a file into blocks that begin at record starts.
struct Cutter<'a> {
    reader: Box<dyn Read + Send>,
    format: &'a dyn LogFormat,
    carry: Vec<u8>,
    size: usize,
    done: bool,
    cut_record: bool,
}

impl Cutter<'_> {
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
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
            let cut = self.format.last_start(&self.carry);
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

impl Heard {
    fn tell(&mut self, record: &Record, understood: Understanding, place: Place) {
        match &record.event {
            Event::Request(request) => self.requests.tell(&record.who, request, record.stamp, place),
            _ => self.sessions.tell(record, understood, place),
        }
    }
}

impl Stream<'_> {
    /// Reads all files of the stream in order.
    pub fn collect(&self, world: &World<'_>, cache: &Cache) -> Evidence {
        let mut evidence = Evidence::new();
        let stated = (self.of.kind == MentionKind::System).then(|| self.of.text.clone());
        let (networks, id) = (world.settings.networks(), self.id.clone());
        let mut heard = Heard {
            sessions: Sessions::new(id.clone(), self.of.text.clone(), world.window),
            requests: Requests::new(id, stated, self.of.text.clone(), networks, world.window),
        };
        let mut assumed = false;
        for file in &self.files {
            assumed |= self.file(file, world, cache, &mut heard, &mut evidence);
        }
        if let Some(file) = self.files.iter().find(|file| messages::is_translated(&file.head_text())) {
            let detail = "the server's messages are translated, and only English ones are understood: \
                          statements and logins are missing; set lc_messages = 'C' and log again";
            evidence.add_gap(Gap::new(Place::whole(&file.path), GapCode::Unparsed, detail));
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
        let kind = self.format.about().name;
        if heard.requests.heard() {
            heard.requests.finish(kind, self.of.clone(), &mut evidence);
        } else {
            heard.sessions.finish(kind, self.of.clone(), zone, known, &mut evidence);
        }
        evidence
    }

    /// Reads one file; tells whether any stamp was read in an assumed zone.
    fn file(
        &self,
        file: &InputFile,
        world: &World<'_>,
        cache: &Cache,
        heard: &mut Heard,
        evidence: &mut Evidence,
    ) -> bool {
        let mut record = InputRecord {
            path: file.path.clone(),
            kind: Text::from(self.format.about().name),
            status: InputStatus::Read,
            records: 0,
            span: None,
        };
        let mut assumed = false;
        let mut gap = |gap: Gap| evidence.add_gap(gap);
        match file.open() {
            Err(error) => {
                record.status = InputStatus::Failed;
                gap(file.gap(&error));
            }
            Ok(reader) => {
                let size = world.block_bytes.max(1);
                let mut cutter = Cutter {
                    reader,
                    format: self.format,
                    carry: Vec::new(),
                    size,
                    done: false,
                    cut_record: false,
                };
                let mut line = 0;
                loop {
                    let mut blocks = Vec::new();
                    let mut failed = None;
                    while blocks.len() < rayon::current_num_threads() * BLOCKS_PER_THREAD && failed.is_none()
                    {
                        match cutter.next() {
                            Ok(Some(block)) => blocks.push(block),
                            Ok(None) => break,
                            Err(error) => failed = Some(error),
                        }
                    }
                    let last = blocks.is_empty();
                    (world.progress)(&file.path, blocks.iter().map(|block| block.len() as u64).sum());
                    for (block, understood) in self.parse(&blocks, cache) {
                        if block.unmatched > 0 {
                            let place = Place::line(&file.path, line + block.first_unmatched + 1);
                            let detail = "lines that fit neither the log's prefix nor a record before them";
                            gap(Gap {
                                count: block.unmatched,
                                ..Gap::new(place, GapCode::UnmatchedPrefix, detail)
                            });
                        }
                        assumed |= block.zone_assumed;
                        record.records += block.records.len() as u64;
                        for (it, understood) in block.records.iter().zip(understood) {
                            record.span = Some(
                                record.span.map_or(Span::at(it.stamp), |span| span.cover(Span::at(it.stamp))),
                            );
                            let place = Place::line(&file.path, line + it.line + 1);
                            heard.tell(it, understood, place);
                        }
                        line += block.lines;
                    }
                    if let Some(error) = failed {
                        gap(file.gap(&error));
                    } else if last {
                        break;
                    }
                }
                if cutter.cut_record {
                    gap(Gap::new(
                        Place::whole(&file.path),
                        GapCode::Limit,
                        "MAX_RECORD_BYTES: a longer record was cut",
                    ));
                }
            }
        }
        evidence.add_input(record);
        assumed
    }

    /// Parses blocks on all threads and understands their statements.
    fn parse(&self, blocks: &[Vec<u8>], cache: &Cache) -> Vec<(Block, Vec<Understanding>)> {
        blocks
            .par_iter()
            .map(|bytes| {
                let block = self.format.parse(bytes, &self.zones);
                let understood = block
                    .records
                    .iter()
                    .map(|record| match &record.event {
                        Event::Statement { sql, .. }
                        | Event::Planned { sql, .. }
                        | Event::Prepared(sql)
                        | Event::ErrorStatement(sql) => Some(cache.understand(sql)),
                        _ => None,
                    })
                    .collect();
                (block, understood)
            })
            .collect()
    }
}
