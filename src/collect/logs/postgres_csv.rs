//! PostgreSQL's csvlog (runtime-config-logging, "Using CSV-Format Log Output"): 23 columns before version
//! 13, 24 in 13, 26 since 14. Statements hold raw newlines, so records are split by quotes. It keeps no
//! state across records.

use super::messages;
use super::postgres_record::{self, Columns};
use super::{Block, Context, LogFormat, Record, Zones};
use crate::collect::csv_table::Fields;
use crate::evidence::{About, Confidence, Provenance};

/// PostgreSQL's csvlog.
pub struct PostgresCsv;

const COLUMNS: std::ops::RangeInclusive<usize> = 23..=30;
/// How many records of a head are tried before a file is said to be no log.
const RECORDS_TRIED: usize = 8;
const LOG_TIME: usize = 0;
const USER: usize = 1;
const DATABASE: usize = 2;
const FROM: usize = 4;
const SESSION: usize = 5;
const SEVERITY: usize = 11;
const MESSAGE: usize = 13;
const DETAIL: usize = 14;
const QUERY: usize = 19;
const QUERY_POSITION: usize = 20;
const APPLICATION: usize = 22;
const BACKEND: usize = 23;

/// The length of the first record with its newline; `None`: it is not whole.
fn record_length(bytes: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for at in memchr::memchr2_iter(b'"', b'\n', bytes) {
        match bytes[at] {
            b'"' => quoted = !quoted,
            _ if !quoted => return Some(at + 1),
            // A record that was torn (a full disk, a copy of a living file) ends where the next one begins.
            _ if begins_record(&bytes[at + 1..]) => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Whether a line begins like a record: `2026-10-21 22:30:00.000 UTC,`.
fn begins_record(line: &[u8]) -> bool {
    let Some(stamp) = line.get(..24) else { return false };
    let digits = |range: std::ops::Range<usize>| stamp[range].iter().all(u8::is_ascii_digit);
    let signs =
        stamp[4] == b'-' && stamp[7] == b'-' && stamp[10] == b' ' && stamp[13] == b':' && stamp[19] == b'.';
    let zone = line[24..].iter().take(8).position(|b| *b == b',');
    signs
        && digits(0..4)
        && digits(11..13)
        && digits(20..23)
        && stamp[23] == b' '
        && zone.is_some_and(|at| at > 0)
}

fn valid(fields: &Fields) -> bool {
    COLUMNS.contains(&fields.len()) && messages::severity(&fields.text(SEVERITY)).is_some()
}

impl LogFormat for PostgresCsv {
    fn about(&self) -> &'static About {
        &About {
            name: "postgres-csvlog",
            title: "PostgreSQL csvlog, version 9 to 17",
            provenance: Provenance::Recorded,
        }
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        // A copy may begin inside a record: one of the first whole ones tells.
        let (mut rest, mut fields) = (head, Fields::new(b','));
        for _ in 0..RECORDS_TRIED {
            let length = record_length(rest).unwrap_or(rest.len());
            fields.read(&rest[..length]);
            if valid(&fields) && Zones::new(None).read(fields.text(LOG_TIME).as_bytes()).is_some() {
                return Some(Confidence::High);
            }
            rest = &rest[length..];
            if rest.is_empty() {
                break;
            }
        }
        None
    }

    fn last_start(&self, block: &[u8]) -> usize {
        let (mut start, mut last) = (0, 0);
        while let Some(length) = record_length(&block[start..]) {
            last = start;
            start += length;
        }
        if start < block.len() { start } else { last }
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let zones = context.zones;
        let (mut parsed, mut fields) = (Block::default(), Fields::new(b','));
        let mut start = 0;
        while start < block.len() {
            let length = record_length(&block[start..]).unwrap_or(block.len() - start);
            let record = &block[start..start + length];
            let number = parsed.lines;
            parsed.lines += memchr::memchr_iter(b'\n', record).count().max(1) as u64;
            start += length;
            if record.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            fields.read(record);
            match read(&fields, zones, number) {
                Some((record, known)) => {
                    parsed.zone_assumed |= !known;
                    parsed.records.extend(record);
                }
                None => {
                    if parsed.unmatched == 0 {
                        parsed.first_unmatched = number;
                    }
                    parsed.unmatched += 1;
                }
            }
        }
        parsed
    }
}

fn read(fields: &Fields, zones: &Zones, line: u64) -> Option<(Vec<Record>, bool)> {
    if !COLUMNS.contains(&fields.len()) {
        return None;
    }
    let severity = messages::severity(&fields.text(SEVERITY))?;
    let (stamp, _) = zones.read(fields.text(LOG_TIME).as_bytes())?;
    let from = fields.text(FROM);
    let (host, port) = postgres_record::from(&from);
    let columns = Columns {
        user: &fields.text(USER),
        database: &fields.text(DATABASE),
        host,
        port,
        session: &fields.text(SESSION),
        message: &fields.text(MESSAGE),
        detail: &fields.text(DETAIL),
        query: &fields.text(QUERY),
        placed: !fields.text(QUERY_POSITION).is_empty(),
        application: &fields.text(APPLICATION),
        backend: &fields.text(BACKEND),
    };
    Some((columns.records(severity, stamp, line), stamp.known))
}
