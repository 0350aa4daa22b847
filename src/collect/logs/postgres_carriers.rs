//! What carries PostgreSQL's log, one line at a time: syslog, Heroku's logplex, container runtimes, objects of JSON.
//! What is left is a record, or a piece of the server's own text with what its carrier knows of it. It joins nothing.

use super::postgres_json::{self, Carrier, Read};
use super::stamps::Clock;
use super::syslog;
use super::years::Years;
use super::{Record, Zoned};
use std::borrow::Cow;
use std::hash::BuildHasher;

/// How a log is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Syslog,
    Heroku,
    Journal,
    CloudSql,
    Container,
    Jsonlog,
    CloudNative,
}

/// What is left of a line without its carrier.
pub(super) enum Inner<'a> {
    Records(Vec<Record>, bool),
    Text(Piece<'a>),
    /// The line of another program.
    Foreign,
}

/// A piece of the server's log.
pub(super) struct Piece<'a> {
    pub text: Cow<'a, str>,
    pub stamp: Option<Zoned>,
    /// Lines of one key are in order.
    pub key: u64,
    pub session: u64,
    /// The part of a message, where syslog numbers them.
    pub part: Option<Part>,
    /// The line goes on in the next of its key.
    pub partial: bool,
    /// Whether all of it is PostgreSQL's.
    pub ours: bool,
}

impl Piece<'_> {
    /// Whether another program of the same machine wrote it: nothing says that it is PostgreSQL's.
    pub fn is_foreign(&self) -> bool {
        !self.ours && self.part.is_none()
    }
}

fn key(of: &[&str]) -> u64 {
    foldhash::fast::FixedState::default().hash_one(of)
}

/// `[8-3] ` in front of a message: its number in the process, that of the part, and what follows.
fn part(message: &str) -> Option<(Part, &str)> {
    let (numbers, rest) = message.strip_prefix('[')?.split_once(']')?;
    let (message, part) = numbers.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(message) || !digits(part) {
        return None;
    }
    let part = Part { message: message.parse().ok()?, part: part.parse().ok()? };
    Some((part, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// The part of a message that a line is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    message: u64,
    pub part: u32,
}

impl Part {
    /// Parts of different messages have nothing to do with each other.
    fn key(part: Option<Part>) -> u64 {
        part.map_or(0, |it| (it.message + 1) << 32)
    }
}

/// What syslog daemons write for control characters: `#011` for a tab.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains("#01") {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("#011", "\t").replace("#012", "\n").replace("#015", ""))
}

/// A line of syslog.
fn from_syslog<'a>(line: &syslog::Line<'a>, stamp: Zoned) -> (Kind, Piece<'a>) {
    let heroku = line.is_heroku();
    let message = if heroku {
        // The colour of the database's attachment.
        line.message
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("] "))
            .map_or(line.message, |(_, rest)| rest)
    } else {
        // Solaris puts a message's id there.
        let id = line.message.strip_prefix("[ID ").and_then(|rest| rest.split_once("] "));
        id.map_or(line.message, |(_, rest)| rest)
    };
    let (part, text) = part(message).map_or((None, message), |(part, text)| (Some(part), text));
    let piece = Piece {
        text: unescaped(text),
        stamp: Some(stamp),
        key: key(&[line.host, line.program]) ^ line.pid ^ Part::key(part),
        session: line.pid,
        part,
        partial: false,
        ours: line.program.contains("postgres"),
    };
    (if heroku { Kind::Heroku } else { Kind::Syslog }, piece)
}

/// `2026-11-22T22:42:43.123Z stdout F …` of a container runtime (CRI), or the time alone of CloudWatch.
fn from_container<'a>(line: &'a str, clock: &mut Clock<'_>) -> Option<Piece<'a>> {
    if line.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let (stamp, used) = clock.read(line.as_bytes())?;
    let rest = line.get(used..)?.strip_prefix(' ')?;
    let piece = |text: &'a str, stream: &str, partial: bool| Piece {
        text: Cow::Borrowed(text),
        stamp: Some(stamp),
        key: key(&[stream]),
        session: 0,
        part: None,
        partial,
        // Beside the server, its operator writes objects.
        ours: !text.starts_with('{'),
    };
    let mut words = rest.splitn(3, ' ');
    let (stream, flag, text) = (words.next()?, words.next().unwrap_or(""), words.next().unwrap_or(""));
    if matches!(stream, "stdout" | "stderr") && matches!(flag, "F" | "P") {
        return Some(piece(text, stream, flag == "P"));
    }
    // What CloudWatch has put its time in front of has one itself.
    clock.read(rest.as_bytes()).map(|_| piece(rest, "", false))
}

impl Kind {
    /// Takes the carrier off a line; `None`: it is not carried that way.
    pub fn unwrap<'a>(
        self,
        line: &'a str,
        number: u64,
        clock: &mut Clock<'_>,
        years: &mut Option<Years>,
    ) -> Option<Inner<'a>> {
        match self {
            Kind::Syslog | Kind::Heroku => {
                let line = syslog::Line::read(line, clock)?;
                let (kind, piece) = from_syslog(&line, line.time.moment(years, clock)?);
                Some(if kind == self { Inner::Text(piece) } else { Inner::Foreign })
            }
            Kind::Container => match from_container(line, clock) {
                Some(piece) => match postgres_json::read(&piece.text, clock, number) {
                    Some(Read::Jsonlog(records, known) | Read::CloudNative(records, known)) => {
                        Some(Inner::Records(records, known))
                    }
                    _ => Some(Inner::Text(piece)),
                },
                None => match postgres_json::read(line, clock, number)? {
                    Read::Text(carried) => self.carried(carried, number, clock),
                    _ => None,
                },
            },
            _ => match (self, postgres_json::read(line, clock, number)?) {
                (Kind::Jsonlog, Read::Jsonlog(records, known))
                | (Kind::CloudNative, Read::CloudNative(records, known))
                | (Kind::CloudSql, Read::CloudAudit(records, known)) => Some(Inner::Records(records, known)),
                (_, Read::Text(carried)) => self.carried(carried, number, clock),
                _ => None,
            },
        }
    }

    /// The text of an object.
    fn carried<'a>(
        self,
        carried: postgres_json::Carried,
        number: u64,
        clock: &mut Clock<'_>,
    ) -> Option<Inner<'a>> {
        let kind = match carried.carrier {
            Carrier::CloudSql => Kind::CloudSql,
            Carrier::Journal => Kind::Journal,
            Carrier::Docker | Carrier::Shipper => Kind::Container,
        };
        if kind != self {
            return None;
        }
        let whole = carried.text.ends_with('\n');
        let text = carried.text.trim_end_matches(['\n', '\r']);
        // What a container writes may be JSON itself.
        if let Some(Read::Jsonlog(records, known) | Read::CloudNative(records, known)) =
            postgres_json::read(text, clock, number)
        {
            return Some(Inner::Records(records, known));
        }
        let numbered = if kind == Kind::Journal { part(text) } else { None };
        let (part, text) = numbered.map_or((None, text), |(part, rest)| (Some(part), rest));
        Some(Inner::Text(Piece {
            text: Cow::Owned(text.to_owned()),
            stamp: carried.stamp,
            key: key(&[&carried.origin]) ^ carried.pid ^ Part::key(part),
            session: carried.pid,
            part,
            // Docker cuts long lines: only the last part of one ends with its newline.
            partial: carried.carrier == Carrier::Docker && !whole,
            ours: carried.ours,
        }))
    }
}
