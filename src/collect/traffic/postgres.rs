//! PostgreSQL's frontend/backend protocol 3 (manual, chapter "Frontend/Backend Protocol"): who logs in, simple and
//! extended queries counted when they run, what failed, and where encryption begins. Passwords and data are passed
//! over unread.

use super::{Act, Conversation, Framer, Moment, Protocol, Side, Told, tls};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{About, Confidence, Outcome, Provenance, Text};
use std::collections::{HashMap, VecDeque};

/// The protocol.
pub struct Postgres;

const STARTUP: u32 = 0x0003_0000;
const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
/// How many named statements and portals one connection may have.
const MAX_NAMED: usize = 4096;
/// How many statements may wait for their answer.
const MAX_WAITING: usize = 1024;
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

struct Waiting {
    sql: String,
    moment: Moment,
    simple: bool,
    failed: Option<Outcome>,
}

#[derive(Default)]
struct Talk {
    stage: Stage,
    client: Framer,
    server: Framer,
    statements: HashMap<Vec<u8>, String>,
    portals: HashMap<Vec<u8>, String>,
    waiting: VecDeque<Waiting>,
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
            self.settle(told);
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
                self.typed(kind, &body, moment);
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
                b"application_name" => told.program = Some(value).filter(|program| !program.is_empty()),
                b"replication" if &*value != "false" && &*value != "0" => told.replication = true,
                _ => {}
            }
            rest = after;
        }
        if told.database.is_none() {
            told.database.clone_from(&told.principal);
        }
    }

    fn typed(&mut self, kind: u8, body: &[u8], moment: Moment) {
        match kind {
            b'Q' => {
                let sql = cstring(body).map_or_else(|| text(body), |(sql, _)| text(sql));
                self.wait(sql, moment, true);
            }
            b'P' => {
                if let Some((name, rest)) = cstring(body)
                    && self.statements.len() < MAX_NAMED
                {
                    let sql = cstring(rest).map_or_else(|| text(rest), |(sql, _)| text(sql));
                    self.statements.insert(name.to_vec(), sql);
                }
            }
            b'B' => {
                let names = cstring(body).and_then(|(portal, rest)| Some((portal, cstring(rest)?.0)));
                if let Some((portal, statement)) = names
                    && self.portals.len() < MAX_NAMED
                {
                    let sql = self.statements.get(statement).cloned().unwrap_or_default();
                    self.portals.insert(portal.to_vec(), sql);
                }
            }
            b'E' => {
                let sql = cstring(body).and_then(|(portal, _)| self.portals.get(portal)).cloned();
                self.wait(sql.unwrap_or_default(), moment, false);
            }
            b'C' => {
                if let (Some(what), Some((name, _))) = (body.first(), cstring(body.get(1..).unwrap_or(&[]))) {
                    let from = if *what == b'S' { &mut self.statements } else { &mut self.portals };
                    from.remove(name);
                }
            }
            _ => {}
        }
    }

    fn wait(&mut self, sql: String, moment: Moment, simple: bool) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(Waiting { sql, moment, simple, failed: None });
        }
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
            b'E' => self.error(&body, told),
            // The end of one execution of the extended protocol.
            b'C' | b's' | b'I' if self.waiting.front().is_some_and(|first| !first.simple) => {
                self.done(Outcome::Ok, moment, told);
            }
            b'Z' => {
                while let Some(first) = self.waiting.front() {
                    let outcome = first.failed.unwrap_or(Outcome::Ok);
                    // What stood behind an error up to here was passed over by the server.
                    let skipped = !first.simple && first.failed.is_none();
                    if skipped && self.waiting.iter().any(|other| other.failed.is_some()) {
                        self.waiting.pop_front();
                        continue;
                    }
                    if skipped {
                        break;
                    }
                    let simple = first.simple;
                    self.done(outcome, moment, told);
                    if simple {
                        break;
                    }
                }
            }
            _ => {}
        }
        true
    }

    fn error(&mut self, body: &[u8], told: &mut Told) {
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
        if let Some(first) = self.waiting.front_mut() {
            first.failed = Some(outcome);
        }
    }

    fn done(&mut self, outcome: Outcome, moment: Moment, told: &mut Told) {
        if let Some(first) = self.waiting.pop_front()
            && !first.sql.is_empty()
        {
            let micros = u64::try_from(moment.stamp.0 - first.moment.stamp.0).ok();
            told.acts.push(Act {
                verb: "query".to_owned(),
                object: first.sql,
                moment: first.moment,
                outcome,
                micros,
            });
        }
    }

    /// Statements whose answer was not seen: they were sent, and nothing says that they failed.
    fn settle(&mut self, told: &mut Told) {
        while let Some(first) = self.waiting.pop_front() {
            if !first.sql.is_empty() {
                let outcome = first.failed.unwrap_or(Outcome::Ok);
                let (verb, object) = ("query".to_owned(), first.sql);
                told.acts.push(Act { verb, object, moment: first.moment, outcome, micros: None });
            }
        }
    }
}
