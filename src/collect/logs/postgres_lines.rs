//! Lines of PostgreSQL's stderr log put together to records: a record begins with a prefix and goes on in the lines
//! behind it. Lines of several processes may be mixed where something carries them; each has a key. What a format gives
//! it are lines without their carrier; it keeps no state beyond a block.

use super::messages::{self, Severity};
use super::postgres_learned::Learnt;
use super::postgres_prefix::{self, Begun, naming, session};
use super::postgres_stated::Stated;
use super::{Block, Event, Record, Who, Zoned};
use crate::evidence::{GapCode, Stamp};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// What is said where a prefix may be that of several settings.
const UNSURE: &str = "what stands in the prefix may be read in several ways, and no line near says which is the \
                      database: log connections, or state the log_line_prefix with [[source]]";

/// How many prefixes are remembered within a block.
const MAX_NAMES: usize = 4096;

/// How a line goes on with the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// It is the next line.
    Line,
    /// It goes on in the middle of the line.
    Glue,
}

/// A record that may go on.
struct Open<'a> {
    stamp: Stamp,
    session: u64,
    who: Arc<Who>,
    severity: Severity,
    message: Cow<'a, str>,
    line: u64,
    /// Where its last line begins in the block.
    at: usize,
}

/// What a carrier knows of a line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Around {
    /// Lines of one key are in order.
    pub key: u64,
    /// The time, where the line has none.
    pub stamp: Option<Zoned>,
    /// The session, where the line names none.
    pub session: u64,
    /// The line's number within the block.
    pub line: u64,
    /// Where it begins in the block.
    pub at: usize,
}

/// What a prefix was read as.
#[derive(Clone)]
struct Known {
    who: Arc<Who>,
    /// Where the learnt prefix names it: 0, if only the whole line does.
    session: Option<u64>,
    /// Whether it can be read in several ways.
    unsure: bool,
}

/// Puts the lines of one block together.
#[derive(Default)]
pub(super) struct Assembler<'a> {
    /// The record of the key that was heard last, and those of the others.
    last: Option<(u64, Open<'a>)>,
    open: HashMap<u64, Open<'a>, foldhash::fast::FixedState>,
    names: HashMap<String, Known, foldhash::fast::FixedState>,
    /// How the prefix is written, where somebody stated it, or where it was learnt.
    stated: Option<Stated>,
    learnt: Option<Learnt>,
    /// What was put together; lines are counted by whoever gives them.
    pub block: Block,
}

impl<'a> Assembler<'a> {
    /// Of lines whose prefix somebody stated, or that was learnt; empty: neither.
    pub fn of(prefix: &str) -> Assembler<'a> {
        let learnt = Learnt::of(prefix);
        let stated = if prefix.is_empty() || learnt.is_some() { None } else { Stated::new(prefix) };
        Assembler { stated, learnt, ..Assembler::default() }
    }

    /// Who a line names, and its session.
    fn heads(&mut self, begun: &Begun<'_>, line: u64) -> (Arc<Who>, u64) {
        let stated = self.stated.as_ref().map(|stated| stated.read(begun.whole));
        match stated {
            Some(Some((who, session))) => (Arc::new(who.scrubbed()), session),
            Some(None) => {
                let detail = "the line does not begin as [[source]] log_line_prefix says";
                self.block.gap(line, GapCode::BadConfig, detail);
                (Arc::default(), 0)
            }
            None => {
                let prefix = begun.prefix();
                let (who, session, unsure) = self.named(&prefix);
                if unsure {
                    self.block.gap(line, GapCode::UnknownSession, UNSURE);
                }
                (who, session)
            }
        }
    }

    /// A line begins a record; the message is the line's, borrowed where it can be.
    pub fn begin(&mut self, begun: &Begun<'_>, message: Cow<'a, str>, around: Around) -> bool {
        let Some(stamp) = begun.stamp.or(around.stamp) else { return false };
        self.select(around.key);
        if let Some((_, open)) = self.last.take() {
            self.close(open);
        }
        self.block.zone_assumed |= !stamp.known;
        let (who, own) = self.heads(begun, around.line);
        let open = Open {
            stamp: stamp.stamp,
            session: if own == 0 { around.session } else { own },
            who,
            severity: begun.severity,
            message,
            line: around.line,
            at: around.at,
        };
        self.last = Some((around.key, open));
        true
    }

    /// A line goes on with the record of its key, if that has one whose last line is at most `reach` bytes away.
    pub fn go_on(&mut self, text: &str, joint: Joint, around: Around, reach: usize) -> bool {
        self.select(around.key);
        let Some((_, open)) = &mut self.last else { return false };
        if around.at - open.at > reach {
            return false;
        }
        open.at = around.at;
        let message = open.message.to_mut();
        if joint == Joint::Line {
            message.push('\n');
        }
        message.push_str(text);
        true
    }

    /// The record of a key is over: what follows goes on with something that was not read.
    pub fn end(&mut self, key: u64) {
        self.select(key);
        if let Some((_, open)) = self.last.take() {
            self.close(open);
        }
    }

    /// A line that fits nowhere.
    pub fn unmatched(&mut self, line: u64) {
        if self.block.unmatched == 0 {
            self.block.first_unmatched = line;
        }
        self.block.unmatched += 1;
    }

    /// Takes the record of a key to the front.
    fn select(&mut self, key: u64) {
        match &self.last {
            Some((last, _)) if *last == key => {}
            None if self.open.is_empty() => {}
            _ => {
                let next = self.open.remove(&key);
                if let Some((last, open)) = self.last.take() {
                    self.open.insert(last, open);
                }
                self.last = next.map(|open| (key, open));
            }
        }
    }

    /// Who a prefix names, its session, and whether it can be read in several ways. What lines of one client have in
    /// common is read once.
    fn named(&mut self, prefix: &str) -> (Arc<Who>, u64, bool) {
        let apart = self.learnt.as_ref().map(|learnt| learnt.apart(prefix));
        let (key, own) = match apart {
            None => (naming(prefix), None),
            Some(Some((key, session))) => (key, Some(session)),
            Some(None) => (prefix, None),
        };
        let known = match self.names.get(key) {
            Some(known) => known.clone(),
            None => {
                let known = self.read(prefix, key);
                if self.names.len() >= MAX_NAMES {
                    self.names.clear();
                }
                self.names.insert(key.to_owned(), known.clone());
                known
            }
        };
        // The process is not among what is remembered where it was told apart.
        let learnt = known.session.map(|session| own.unwrap_or(session));
        (known.who, learnt.unwrap_or_else(|| session(prefix)), known.unsure)
    }

    fn read(&self, prefix: &str, key: &str) -> Known {
        let learnt = self.learnt.as_ref().and_then(|learnt| learnt.read(prefix));
        if let Some((who, session)) = learnt {
            return Known { who: Arc::new(who.scrubbed()), session: Some(session), unsure: false };
        }
        let named = postgres_prefix::who(if self.learnt.is_some() { naming(prefix) } else { key });
        Known { who: Arc::new(named.who.scrubbed()), session: None, unsure: named.unsure }
    }

    fn close(&mut self, open: Open<'a>) {
        let mut own = Cow::Borrowed(&*open.who);
        let event = messages::event(open.severity, open.message.trim_end(), &mut own);
        let own = match own {
            Cow::Owned(own) => Some(own),
            Cow::Borrowed(_) => None,
        };
        if matches!(event, Event::Nothing) && open.severity == Severity::More {
            return;
        }
        let who = own.map_or(open.who, |own| Arc::new(own.scrubbed()));
        let (stamp, session, line) = (open.stamp, open.session, open.line);
        self.block.records.push(Record { stamp, session, who, event, line });
    }

    /// The block, its records in the order of their first lines.
    pub fn finish(mut self) -> Block {
        let mut open: Vec<Open<'a>> = std::mem::take(&mut self.open).into_values().collect();
        open.extend(self.last.take().map(|(_, open)| open));
        let several = open.len() > 1 || !self.open.is_empty();
        open.sort_by_key(|open| open.line);
        for open in open {
            self.close(open);
        }
        if several {
            self.block.records.sort_by_key(|record| record.line);
        }
        self.block
    }
}
