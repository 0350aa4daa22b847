//! PostgreSQL's log as something else carries it: syslog, the journal, Heroku, Cloud SQL, containers, shippers, JSON.
//! One mechanism takes the carrier off each line; what is left is a record, or a line of the stderr log, which
//! `postgres_lines` puts together as it does for the server's own file. It knows nothing of what a line says.

use super::json_lines::Json;
use super::postgres_carriers::{Inner, Kind, Piece};
use super::postgres_lines::{Around, Assembler, Joint};
use super::postgres_prefix::Begun;
use super::stamps::Clock;
use super::syslog;
use super::years::{Opening, Years};
use super::{Block, Context, LogFormat, Zones};
use crate::evidence::{About, Confidence, Provenance};
use std::borrow::Cow;
use std::collections::HashSet;

/// How far apart two lines of one record may begin, in bytes of the log: other processes write between them.
const REACH: usize = 64 * 1024;
/// What each record of Heroku begins with.
const HEROKU_PREFIX: &str = "sql_error_code = ";
/// How many lines of a head are tried.
const LINES_TRIED: usize = 400;
/// How many lines after a part of a line its rest may come.
const REST_WITHIN: usize = 4;
/// How many places for a cut are tried before a block is made longer.
const CUTS_TRIED: usize = 200;

/// One of these formats.
pub struct Wrapped {
    kind: Kind,
    about: About,
}

/// PostgreSQL's jsonlog.
pub static JSONLOG: Wrapped = Wrapped {
    kind: Kind::Jsonlog,
    about: About {
        name: "postgres-jsonlog",
        title: "PostgreSQL jsonlog, version 15 and newer",
        provenance: Provenance::Recorded,
    },
};

/// Syslog.
pub static SYSLOG: Wrapped = Wrapped {
    kind: Kind::Syslog,
    about: About {
        name: "postgres-syslog",
        title: "PostgreSQL's log in syslog (RFC 3164, RFC 5424) or in the journal's text",
        provenance: Provenance::Recorded,
    },
};

/// The journal as JSON.
pub static JOURNAL: Wrapped = Wrapped {
    kind: Kind::Journal,
    about: About {
        name: "postgres-journal",
        title: "PostgreSQL's log in the journal (journalctl -o json)",
        provenance: Provenance::Documented,
    },
};

/// Containers and shippers.
pub static CONTAINER: Wrapped = Wrapped {
    kind: Kind::Container,
    about: About {
        name: "postgres-container",
        title: "PostgreSQL's log of a container (CRI, Docker), of CloudWatch, or shipped as JSON (log, message)",
        provenance: Provenance::Documented,
    },
};

/// CloudNativePG.
pub static CLOUDNATIVEPG: Wrapped = Wrapped {
    kind: Kind::CloudNative,
    about: About {
        name: "cloudnativepg",
        title: "CloudNativePG's JSON log, with pgaudit",
        provenance: Provenance::Documented,
    },
};

/// Google Cloud SQL.
pub static CLOUDSQL: Wrapped = Wrapped {
    kind: Kind::CloudSql,
    about: About {
        name: "cloudsql",
        title: "PostgreSQL of Google Cloud SQL, LogEntry objects one a line",
        provenance: Provenance::Documented,
    },
};

/// Heroku.
pub static HEROKU: Wrapped = Wrapped {
    kind: Kind::Heroku,
    about: About {
        name: "heroku-logplex",
        title: "PostgreSQL of Heroku, the log of heroku logs -p postgres",
        provenance: Provenance::Documented,
    },
};

impl Wrapped {
    /// The beginning of a record, if a line of a piece is one.
    fn begin<'t>(piece: &Piece<'_>, text: &'t str, clock: &mut Clock<'_>) -> Option<Begun<'t>> {
        // Only the first part of a message, and the lines of it that have a prefix of their own, begin a record.
        // Heroku's prefix stands in each of them, behind a blank more.
        let prefixed = text.trim_start().starts_with(HEROKU_PREFIX);
        let inside = piece.part.is_some_and(|it| it.part > 1) && text.starts_with([' ', '\t']) && !prefixed;
        if inside { None } else { Begun::read(text, clock, piece.stamp.is_some()) }
    }
}

/// The lines of a block that are whole, each with where it begins.
fn lines(block: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', block).chain([block.len()]);
    ends.filter_map(move |end| {
        let line = (start, &block[start.min(end)..end]);
        start = end + 1;
        (line.0 < block.len()).then_some(line)
    })
}

/// The text of a line without its end.
fn text(line: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line))
}

impl LogFormat for Wrapped {
    fn about(&self) -> &'static About {
        match self.kind {
            Kind::Syslog => &SYSLOG.about,
            Kind::Heroku => &HEROKU.about,
            Kind::Journal => &JOURNAL.about,
            Kind::CloudSql => &CLOUDSQL.about,
            Kind::Container => &CONTAINER.about,
            Kind::Jsonlog => &JSONLOG.about,
            Kind::CloudNative => &CLOUDNATIVEPG.about,
        }
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let zones = Zones::new(None);
        let mut clock = Clock::new(&zones);
        let mut years = Years::parse("1970 1");
        let (mut tried, mut records, mut more) = (0, 0, 0);
        for (_, line) in lines(head).filter(|(_, line)| !line.is_empty()).take(LINES_TRIED) {
            tried += 1;
            match self.kind.unwrap(&text(line), 0, &mut clock, &mut years) {
                Some(Inner::Records(..)) => records += 1,
                Some(Inner::Text(piece)) if !piece.is_foreign() => {
                    let first = piece.text.split('\n').next().unwrap_or_default();
                    let begins = Wrapped::begin(&piece, first, &mut clock).is_some();
                    records += u32::from(begins);
                    more += u32::from(!begins && first.starts_with('\t'));
                }
                _ => {}
            }
        }
        match records {
            0 => None,
            // Anybody's container may once show an error of PostgreSQL.
            _ if self.kind == Kind::Container && (records + more) * 2 < tried => None,
            // A system's log holds much beside PostgreSQL's.
            _ if records * 4 < tried => Some(Confidence::Medium),
            _ => Some(Confidence::High),
        }
    }

    fn last_start(&self, block: &[u8]) -> usize {
        let whole = memchr::memrchr(b'\n', block).map_or(0, |at| at + 1);
        if matches!(self.kind, Kind::Jsonlog | Kind::CloudNative) {
            return whole;
        }
        self.cut(&block[..whole]).unwrap_or(0)
    }

    fn opening(&self, opening: &Opening<'_>) -> (String, bool) {
        if self.kind != Kind::Syslog {
            return (String::new(), false);
        }
        let mut first = None;
        let mut inner = None;
        let zones = Zones::new(None);
        let mut clock = Clock::new(&zones);
        for (_, line) in lines(opening.head).take(LINES_TRIED) {
            let line = text(line);
            let Some(line) = syslog::Line::read(&line, &mut clock) else { continue };
            if let (syslog::Time::Yearless(month, day, ..), None) = (line.time, first) {
                first = Some((month, day));
            }
            inner = inner.or_else(|| year_in(line.message));
        }
        let opened = first.map(|first| Years::open(first, inner, opening));
        opened.map_or((String::new(), false), |(years, assumed)| (years.text(), assumed))
    }

    fn header(&self, block: &[u8], before: &str) -> Option<String> {
        let mut years = Years::parse(before).filter(|_| self.kind == Kind::Syslog)?;
        for (_, line) in lines(block) {
            // Behind the priority, if there is one.
            let line = match line.first() {
                Some(b'<') => {
                    memchr::memchr(b'>', &line[..line.len().min(5)]).map_or(line, |at| &line[at + 1..])
                }
                _ => line,
            };
            let head = std::str::from_utf8(&line[..line.len().min(32)]).unwrap_or_default();
            if let Some((syslog::Time::Yearless(month, ..), _)) = syslog::yearless(head) {
                years.of(month);
            }
        }
        Some(years.text())
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let mut clock = Clock::new(context.zones);
        let mut years = Years::parse(context.header).or(Years::parse("1970 1"));
        let mut assembler = Assembler::default();
        let mut rests = Rests::default();
        let mut number = 0;
        for (at, line) in lines(block) {
            let line = text(line);
            let here = number;
            number += 1;
            match self.kind.unwrap(&line, here, &mut clock, &mut years) {
                None if line.is_empty() => {}
                // What other programs write into a system's log is no line of this one.
                Some(Inner::Foreign) => {}
                None if self.kind != Kind::Jsonlog && is_foreign(&line) => {}
                None => assembler.unmatched(here),
                Some(Inner::Records(records, known)) => {
                    assembler.block.zone_assumed |= !known && !records.is_empty();
                    assembler.block.records.extend(records);
                }
                Some(Inner::Text(piece)) => {
                    let around =
                        Around { key: piece.key, stamp: piece.stamp, session: piece.session, line: here, at };
                    let rest = rests.take(piece.key, number);
                    if !piece.is_foreign() && !put(&piece, rest, around, &mut clock, &mut assembler) {
                        assembler.unmatched(here);
                    }
                    rests.note(&piece, number);
                }
            }
        }
        assembler.block.lines = number;
        let mut block = assembler.finish();
        block.records.sort_by_key(|record| record.line);
        block
    }
}

/// Gives the lines of a piece to the assembler; tells whether all of them fit.
fn put(
    piece: &Piece<'_>,
    rest: bool,
    around: Around,
    clock: &mut Clock<'_>,
    assembler: &mut Assembler<'_>,
) -> bool {
    let mut fits = true;
    for (index, line) in piece.text.split('\n').enumerate() {
        let line = line.trim_end_matches('\r');
        if index == 0 && rest {
            fits &= assembler.go_on(line, Joint::Glue, around, REACH);
            continue;
        }
        if let Some(begun) = Wrapped::begin(piece, line, clock) {
            assembler.begin(&begun, Cow::Owned(begun.message.to_owned()), around);
            continue;
        }
        // Syslog cuts messages at newlines, which a tab follows, and where they get too long.
        let cut = index == 0 && piece.part.is_some() && !line.starts_with('\t');
        let joint = if cut { Joint::Glue } else { Joint::Line };
        let text = if cut { line } else { line.strip_prefix('\t').unwrap_or(line) };
        fits &= assembler.go_on(text, joint, around, REACH) || line.is_empty();
    }
    fits
}

/// Lines of which the rest is to come, by their key.
#[derive(Default)]
struct Rests(Vec<(u64, u64)>);

impl Rests {
    /// Whether a line of this key, which is the `number`th, is the rest of one.
    fn take(&mut self, key: u64, number: u64) -> bool {
        let index = self.0.iter().position(|(of, _)| *of == key);
        let taken = index.map(|index| self.0.remove(index));
        taken.is_some_and(|(_, at)| number - at <= REST_WITHIN as u64)
    }

    fn note(&mut self, piece: &Piece<'_>, number: u64) {
        self.0.retain(|(_, at)| number - at <= REST_WITHIN as u64);
        if piece.partial {
            self.0.push((piece.key, number));
        }
    }
}

/// Whether a line is somebody else's: a whole object that carries nothing of PostgreSQL, or what journalctl says itself.
fn is_foreign(line: &str) -> bool {
    line.starts_with("-- ") || (line.starts_with('{') && Json::object(line).is_some())
}

/// The year of the first date with one in a message.
fn year_in(message: &str) -> Option<(i64, i64, i64)> {
    let text = message.as_bytes().windows(10).take(120).find(|text| {
        let digits = |range: std::ops::Range<usize>| text[range].iter().all(u8::is_ascii_digit);
        digits(0..4) && text[4] == b'-' && digits(5..7) && text[7] == b'-' && digits(8..10)
    })?;
    let number =
        |range: std::ops::Range<usize>| text[range].iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
    let day = (number(0..4), number(5..7), number(8..10));
    ((1990..2100).contains(&day.0) && (1..=12).contains(&day.1)).then_some(day)
}

impl Wrapped {
    /// Where a block of whole lines may be cut: at a line behind which, as far as a record may reach, nothing goes on
    /// with what began before.
    fn cut(&self, block: &[u8]) -> Option<usize> {
        let last = memchr::memrchr(b'\n', &block[..block.len().checked_sub(1)?]).map_or(0, |at| at + 1);
        let mut end = last.checked_sub(REACH)?;
        let zones = Zones::new(None);
        for _ in 0..CUTS_TRIED {
            let at = memchr::memrchr(b'\n', &block[..end])? + 1;
            if self.is_clean(block, at, &zones) {
                return Some(at);
            }
            end = at - 1;
        }
        None
    }

    /// Whether everything within reach behind a place belongs to records that begin there or later.
    fn is_clean(&self, block: &[u8], at: usize, zones: &Zones) -> bool {
        let mut clock = Clock::new(zones);
        let mut years = Years::parse("1970 1");
        let mut begun: HashSet<u64> = HashSet::new();
        // The rest of a line is told by the lines before it.
        let before =
            memchr::memrchr_iter(b'\n', &block[..at]).nth(REST_WITHIN).map_or(0, |newline| newline + 1);
        let mut rests = Rests::default();
        for (number, (offset, line)) in lines(&block[before..]).enumerate() {
            let (offset, number) = (before + offset, number as u64);
            if offset > at + REACH {
                break;
            }
            let line = text(line);
            let Some(Inner::Text(piece)) = self.kind.unwrap(&line, 0, &mut clock, &mut years) else {
                continue;
            };
            let rest = rests.take(piece.key, number);
            rests.note(&piece, number);
            if offset < at || piece.is_foreign() {
                continue;
            }
            let first = piece.text.split('\n').next().unwrap_or_default();
            if !rest && Wrapped::begin(&piece, first, &mut clock).is_some() {
                begun.insert(piece.key);
            } else if !begun.contains(&piece.key) {
                return false;
            }
        }
        true
    }
}
