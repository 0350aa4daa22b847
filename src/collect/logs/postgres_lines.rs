//! Lines of PostgreSQL's stderr log put together to records: a record begins with a prefix and goes on in the lines
//! behind it. Lines of several processes may be mixed where something carries them; each has a key. What a format gives
//! it are lines without their carrier; it keeps no state beyond a block.

use super::messages::{self, Severity};
use super::postgres_prefix::{Begun, naming, session, who};
use super::postgres_stated::Stated;
use super::{Block, Event, Record, Who, Zoned};
use crate::evidence::{GapCode, Stamp};
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

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

/// Puts the lines of one block together.
#[derive(Default)]
pub(super) struct Assembler<'a> {
    /// The record of the key that was heard last, and those of the others.
    last: Option<(u64, Open<'a>)>,
    open: HashMap<u64, Open<'a>, foldhash::fast::FixedState>,
    names: HashMap<String, Arc<Who>, foldhash::fast::FixedState>,
    /// How the prefix is written, where somebody stated it.
    stated: Option<Stated>,
    /// What was put together; lines are counted by whoever gives them.
    pub block: Block,
}

impl<'a> Assembler<'a> {
    /// Of lines whose prefix somebody stated; empty: nobody did.
    pub fn of(prefix: &str) -> Assembler<'a> {
        let stated = if prefix.is_empty() { None } else { Stated::new(prefix) };
        Assembler { stated, ..Assembler::default() }
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
                (self.named(naming(&prefix)), session(&prefix))
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

    fn named(&mut self, naming: &str) -> Arc<Who> {
        if let Some(known) = self.names.get(naming) {
            return known.clone();
        }
        if self.names.len() >= MAX_NAMES {
            self.names.clear();
        }
        let named = Arc::new(who(naming).scrubbed());
        match self.names.entry(naming.to_owned()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(free) => free.insert(named).clone(),
        }
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
