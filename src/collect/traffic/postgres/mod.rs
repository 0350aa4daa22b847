//! PostgreSQL's frontend/backend protocol 3 (manual, chapter "Frontend/Backend Protocol"): who logs in, simple and
//! extended queries counted when they run, what failed, and where encryption begins. Passwords and data are passed
//! over unread.

use super::{Act, Conversation, Framer, Moment, Protocol, Side, Told, tls};
use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{About, Confidence, Outcome, Provenance, Text};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The protocol.
pub struct Postgres;

const STARTUP: u32 = 0x0003_0000;
const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
/// How many named statements and portals one connection may have.
const MAX_NAMED: usize = 4096;
/// How many messages may wait for their answer.
const MAX_WAITING: usize = 65_536;
/// How long a message is read; the rest of a longer one is passed over.
const MAX_READ: usize = 1024 * 1024;
/// How long a message may say it is.
const MAX_MESSAGE: usize = 1 << 30;

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn cstring(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, bytes)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether bytes look like typed messages of a side.
fn typed(bytes: &[u8], kinds: &[u8]) -> bool {
    let Some(length) = number(bytes, 1).map(|length| length as usize) else { return false };
    kinds.contains(&bytes[0]) && (4..MAX_READ).contains(&length) && {
        let next = bytes.get(1 + length);
        next.is_none_or(|next| kinds.contains(next))
    }
}

const CLIENT_KINDS: &[u8] = b"QPBEDSCHXFpdcf";
const SERVER_KINDS: &[u8] = b"RSKZTDCEN123tnsIAGHWdcVv";

impl Protocol for Postgres {
    fn about(&self) -> &'static About {
        &About {
            name: "postgres",
            title: "PostgreSQL protocol 3: simple and extended queries, logins, TLS and GSS upgrades",
            provenance: Provenance::Recorded,
        }
    }

    fn recognise(&self, client: &[u8], server: &[u8], port: u16) -> Option<Confidence> {
        let (length, code) = (number(client, 0), number(client, 4));
        match (length, code) {
            (Some(8), Some(SSL | GSS)) | (Some(16), Some(CANCEL)) => return Some(Confidence::High),
            (Some(length), Some(STARTUP)) if (8..10_000).contains(&length) => return Some(Confidence::High),
            _ => {}
        }
        // In the middle of a connection: both sides must look like it, or one on the usual port.
        let sides = (
            client.len() >= 5 && typed(client, CLIENT_KINDS),
            server.len() >= 5 && typed(server, SERVER_KINDS),
        );
        match sides {
            (true, true) => Some(Confidence::Medium),
            (true, false) if port == 5432 && server.is_empty() => Some(Confidence::Low),
            (false, true) if port == 5432 && client.is_empty() => Some(Confidence::Low),
            _ => None,
        }
    }

    fn open(&self) -> Box<dyn Conversation> {
        Box::new(Talk::default())
    }
}

#[derive(Default, PartialEq)]
enum Stage {
    #[default]
    Start,
    /// An upgrade was asked for; the server answers with one byte.
    Asked,
    Typed,
    Encrypted,
    Lost,
}

/// A message of the client that the server answers.
enum Asked {
    /// A simple query: whatever it gives ends with ReadyForQuery.
    Query,
    /// Parse: the name, and what it meant before.
    Parse(Vec<u8>, Option<Arc<str>>),
    Bind,
    Describe,
    Execute,
    Close,
    Sync,
}

struct Waiting {
    asked: Asked,
    /// The statement of a query or an execution; none: it was prepared before the capture.
    sql: Option<Arc<str>>,
    /// Whether it is one: the second fetch of a portal is none.
    counts: bool,
    moment: Moment,
    failed: Option<Outcome>,
}

/// A portal: its statement, and whether it was executed before.
struct Portal {
    sql: Option<Arc<str>>,
    executed: bool,
}

#[derive(Default)]
struct Talk {
    stage: Stage,
    client: Framer,
    server: Framer,
    statements: HashMap<Vec<u8>, Arc<str>>,
    portals: HashMap<Vec<u8>, Portal>,
    /// Statements of SQL's own PREPARE.
    prepared: HashMap<String, Arc<str>>,
    waiting: VecDeque<Waiting>,
    /// The packet of the last answer to something that was not seen: what was sent before it is answered already.
    answered_until: u64,
    let_in: bool,
    started: Option<Moment>,
    hello: Vec<u8>,
}

impl Conversation for Talk {
    fn bytes(&mut self, side: Side, data: &[u8], moment: Moment, told: &mut Told) {
        match (&self.stage, side) {
            (Stage::Encrypted, Side::Client) => {
                if self.hello.len() < tls::MAX_HELLO {
                    self.hello.extend_from_slice(data);
                    tls::hello(&self.hello, told);
                }
            }
            (Stage::Encrypted, Side::Server) => {}
            (Stage::Lost, _) => self.resume(side, data, moment, told),
            (_, Side::Client) => {
                self.client.push(data);
                while self.client_message(moment, told) {}
            }
            (_, Side::Server) => {
                self.server.push(data);
                while self.server_message(moment, told) {}
            }
        }
    }

    fn hole(&mut self, _side: Side, told: &mut Told) {
        if self.stage != Stage::Encrypted {
            // Which answer belongs to which of them can no longer be told.
            told.unmatched += self.waiting.drain(..).filter(|it| it.counts).count() as u64;
            self.stage = Stage::Lost;
            self.client.clear();
            self.server.clear();
        }
    }

    fn end(&mut self, told: &mut Told) {
        self.settle(told);
    }
}

impl Talk {
    /// After a hole: a segment that begins with a message of its side goes on.
    fn resume(&mut self, side: Side, data: &[u8], moment: Moment, told: &mut Told) {
        let kinds = if side == Side::Client { CLIENT_KINDS } else { SERVER_KINDS };
        if data.len() >= 5 && typed(data, kinds) {
            self.stage = Stage::Typed;
            self.let_in = true;
            self.bytes(side, data, moment, told);
        }
    }

    fn client_message(&mut self, moment: Moment, told: &mut Told) -> bool {
        match self.stage {
            Stage::Start => self.first(moment, told),
            Stage::Typed => {
                let Some((kind, body)) = self.client.message(MAX_READ, MAX_MESSAGE) else {
                    if self.client.broken {
                        self.stage = Stage::Lost;
                    }
                    return false;
                };
                self.typed(kind, &body, moment, told);
                true
            }
            _ => false,
        }
    }

    fn first(&mut self, moment: Moment, told: &mut Told) -> bool {
        let bytes = self.client.held();
        let (Some(length), Some(code)) = (number(bytes, 0), number(bytes, 4)) else { return false };
        let length = length as usize;
        if !(8..=10_000).contains(&length) || !matches!(code, STARTUP | SSL | GSS | CANCEL) {
            if bytes.len() >= 5 && typed(bytes, CLIENT_KINDS) {
                self.stage = Stage::Typed;
                self.let_in = true;
                return true;
            }
            told.malformed = true;
            self.stage = Stage::Lost;
            return false;
        }
        if bytes.len() < length {
            return false;
        }
        let body = self.client.take(length);
        match code {
            SSL | GSS => {
                self.stage = Stage::Asked;
                return false;
            }
            STARTUP => {
                self.startup(&body[8..], told);
                self.started = Some(moment);
                self.stage = Stage::Typed;
            }
            _ => self.stage = Stage::Lost,
        }
        true
    }

    fn startup(&mut self, mut rest: &[u8], told: &mut Told) {
        while let Some((name, after)) = cstring(rest) {
            let Some((value, after)) = cstring(after).filter(|_| !name.is_empty()) else { break };
            let value = Text::from(scrub_name(&text(value)).as_ref());
            match name {
                b"user" => told.principal = Some(value),
                b"database" => told.database = Some(value),
                b"application_name" => {
                    let program = Text::from(scrub(&value).as_ref());
                    told.program = Some(program).filter(|program| !program.is_empty());
                }
                b"replication" if &*value != "false" && &*value != "0" => told.replication = true,
                _ => {}
            }
            rest = after;
        }
        if told.database.is_none() {
            told.database.clone_from(&told.principal);
        }
    }

    fn typed(&mut self, kind: u8, body: &[u8], moment: Moment, told: &mut Told) {
        match kind {
            b'Q' => {
                let sql = cstring(body).map_or_else(|| text(body), |(sql, _)| text(sql));
                let sql = self.simple(sql);
                self.wait(Asked::Query, sql, true, moment, told);
            }
            b'P' => {
                let Some((name, rest)) = cstring(body) else { return };
                let sql: Arc<str> = cstring(rest).map_or_else(|| text(rest), |(sql, _)| text(sql)).into();
                let room = self.statements.len() < MAX_NAMED || self.statements.contains_key(name);
                let before = if room || name.is_empty() {
                    self.statements.insert(name.to_vec(), sql)
                } else {
                    told.limited = true;
                    None
                };
                self.wait(Asked::Parse(name.to_vec(), before), None, false, moment, told);
            }
            b'B' => {
                if let Some((portal, rest)) = cstring(body)
                    && let Some((statement, _)) = cstring(rest)
                {
                    let sql = self.statements.get(statement).cloned();
                    if self.portals.len() < MAX_NAMED
                        || self.portals.contains_key(portal)
                        || portal.is_empty()
                    {
                        self.portals.insert(portal.to_vec(), Portal { sql, executed: false });
                    } else {
                        told.limited = true;
                    }
                }
                self.wait(Asked::Bind, None, false, moment, told);
            }
            b'D' => self.wait(Asked::Describe, None, false, moment, told),
            b'E' => {
                let portal = cstring(body).and_then(|(portal, _)| self.portals.get_mut(portal));
                let (sql, first) = match portal {
                    Some(portal) => (portal.sql.clone(), !std::mem::replace(&mut portal.executed, true)),
                    None => (None, true),
                };
                self.wait(Asked::Execute, sql, first, moment, told);
            }
            b'C' => {
                if let (Some(what), Some((name, _))) = (body.first(), cstring(body.get(1..).unwrap_or(&[]))) {
                    if *what == b'S' {
                        self.statements.remove(name);
                    } else {
                        self.portals.remove(name);
                    }
                }
                self.wait(Asked::Close, None, false, moment, told);
            }
            b'S' => self.wait(Asked::Sync, None, false, moment, told),
            _ => {}
        }
    }

    /// A simple query's statement: SQL's own PREPARE is remembered, and EXECUTE is what was prepared; what the
    /// session forgets is forgotten.
    fn simple(&mut self, sql: String) -> Option<Arc<str>> {
        let mut words =
            sql.split(|c: char| c.is_whitespace() || matches!(c, '(' | ';')).filter(|w| !w.is_empty());
        let verb = words.next().unwrap_or("").to_ascii_lowercase();
        let name = words.next().unwrap_or("").to_lowercase();
        match verb.as_str() {
            "prepare" if self.prepared.len() < MAX_NAMED || self.prepared.contains_key(&name) => {
                let lower = sql.to_ascii_lowercase();
                if let Some(text) = lower.find(" as ").and_then(|at| sql.get(at + 4..)) {
                    self.prepared.insert(name, text.into());
                }
            }
            "execute" => return self.prepared.get(&name).cloned(),
            "deallocate" | "discard" if name == "all" => {
                self.statements.clear();
                self.prepared.clear();
            }
            "deallocate" => {
                self.statements.remove(name.as_bytes());
                self.prepared.remove(&name);
            }
            _ => {}
        }
        Some(sql.into())
    }

    fn wait(&mut self, asked: Asked, sql: Option<Arc<str>>, counts: bool, moment: Moment, told: &mut Told) {
        if moment.packet < self.answered_until {
            // It was answered before it could be read: which of the answers was its own is not known.
            told.unmatched += u64::from(counts);
        } else if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(Waiting { asked, sql, counts, moment, failed: None });
        } else {
            told.limited = true;
        }
    }

    /// An answer to the next message of a kind; those before it were answered by something that is missing.
    fn answered(&mut self, is: fn(&Asked) -> bool) -> Option<Waiting> {
        let up_to = self.waiting.iter().position(|it| is(&it.asked) || matches!(it.asked, Asked::Sync))?;
        if !is(&self.waiting[up_to].asked) {
            return None;
        }
        self.waiting.drain(..up_to);
        self.waiting.pop_front()
    }

    fn server_message(&mut self, moment: Moment, told: &mut Told) -> bool {
        if self.stage == Stage::Asked {
            let Some(answer) = self.server.held().first().copied() else { return false };
            self.server.take(1);
            match answer {
                b'S' | b'G' => {
                    told.encrypted = true;
                    self.stage = Stage::Encrypted;
                    let early = self.client.take(self.client.held().len());
                    self.hello.extend_from_slice(&early);
                    tls::hello(&self.hello, told);
                    return false;
                }
                b'N' => self.stage = Stage::Start,
                _ => self.stage = Stage::Lost,
            }
            while self.client_message(moment, told) {}
            return self.stage != Stage::Lost;
        }
        if self.stage == Stage::Start
            && self.server.held().len() >= 5
            && typed(self.server.held(), SERVER_KINDS)
        {
            // The beginning was not captured.
            self.stage = Stage::Typed;
            self.let_in = true;
        }
        if self.stage != Stage::Typed {
            return false;
        }
        let Some((kind, body)) = self.server.message(MAX_READ, MAX_MESSAGE) else {
            if self.server.broken {
                self.stage = Stage::Lost;
            }
            return false;
        };
        match kind {
            b'R' if number(&body, 0) == Some(0) => {
                self.let_in = true;
                told.authorised = Some(true);
            }
            b'E' | b'C' | b's' | b'I' | b'Z' if self.waiting.is_empty() => {
                if kind == b'E' && !self.let_in {
                    told.authorised = Some(false);
                }
                self.answered_until = moment.packet;
            }
            b'E' => self.error(&body, moment, told),
            b'1' => drop(self.answered(|it| matches!(it, Asked::Parse(..)))),
            b'2' => drop(self.answered(|it| matches!(it, Asked::Bind))),
            b'3' => drop(self.answered(|it| matches!(it, Asked::Close))),
            b'T' | b'n' if matches!(self.waiting.front(), Some(Waiting { asked: Asked::Describe, .. })) => {
                self.waiting.pop_front();
            }
            // The end of one execution; a simple query ends with ReadyForQuery, however many statements it has.
            b'C' | b's' | b'I'
                if !matches!(self.waiting.front(), Some(Waiting { asked: Asked::Query, .. })) =>
            {
                if let Some(done) = self.answered(|it| matches!(it, Asked::Execute)) {
                    Talk::done(done, Outcome::Ok, moment, told);
                }
            }
            b'Z' => {
                // What stands before the Sync, the server passed over.
                while let Some(first) = self.waiting.pop_front() {
                    match first.asked {
                        Asked::Query => {
                            let outcome = first.failed.unwrap_or(Outcome::Ok);
                            Talk::done(first, outcome, moment, told);
                            break;
                        }
                        Asked::Sync => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        true
    }

    fn error(&mut self, body: &[u8], moment: Moment, told: &mut Told) {
        let mut rest = body;
        let mut denied = false;
        while let Some((field, after)) = rest.split_first() {
            let Some((value, after)) = cstring(after).filter(|_| *field != 0) else { break };
            // SQLSTATE 42501 insufficient_privilege, class 28 invalid authorization.
            denied |= *field == b'C' && (value == b"42501" || value.starts_with(b"28"));
            rest = after;
        }
        let outcome = if denied { Outcome::Denied } else { Outcome::Failed };
        if !self.let_in {
            told.authorised = Some(false);
        }
        if let Some(Waiting { asked: Asked::Query, failed, .. }) = self.waiting.front_mut() {
            *failed = Some(outcome);
            return;
        }
        // The first execution up to the next Sync has failed, wherever in it; what follows is passed over.
        let end = self.waiting.iter().position(|it| matches!(it.asked, Asked::Sync | Asked::Query));
        let passed: Vec<Waiting> = self.waiting.drain(..end.unwrap_or(self.waiting.len())).collect();
        for it in passed.iter().rev() {
            // A Parse that failed, or was passed over, leaves its name what it was.
            if let Asked::Parse(name, before) = &it.asked {
                match before {
                    Some(before) => self.statements.insert(name.clone(), before.clone()),
                    None => self.statements.remove(name),
                };
            }
        }
        if let Some(failed) = passed.into_iter().find(|it| matches!(it.asked, Asked::Execute)) {
            Talk::done(failed, outcome, moment, told);
        }
    }

    fn done(it: Waiting, outcome: Outcome, moment: Moment, told: &mut Told) {
        if !it.counts {
            return;
        }
        let Some(sql) = it.sql else {
            told.unknown += 1;
            return;
        };
        if !sql.is_empty() {
            let micros = u64::try_from(moment.stamp.0 - it.moment.stamp.0).ok();
            let (verb, object) = ("query".to_owned(), sql.to_string());
            told.acts.push(Act {
                verb,
                object,
                moment: it.moment,
                outcome,
                micros,
                who: None,
                page: false,
                redirected: false,
                query: None,
            });
        }
    }

    /// Statements whose answer was not seen: they were sent, and nothing says that they failed.
    fn settle(&mut self, told: &mut Told) {
        while let Some(it) = self.waiting.pop_front() {
            let outcome = it.failed.unwrap_or(Outcome::Ok);
            let Some(sql) = it.sql.filter(|_| it.counts) else {
                told.unknown += u64::from(it.counts);
                continue;
            };
            if !sql.is_empty() {
                let (verb, object) = ("query".to_owned(), sql.to_string());
                told.acts.push(Act {
                    verb,
                    object,
                    moment: it.moment,
                    outcome,
                    micros: None,
                    who: None,
                    page: false,
                    redirected: false,
                    query: None,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
