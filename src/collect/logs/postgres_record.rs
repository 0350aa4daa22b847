//! The columns that PostgreSQL's csvlog, its jsonlog and what is made from them (CloudNativePG) share, as the records
//! they are. It never looks at how they were written.

use super::messages::{self, Severity};
use super::{Event, Record, Who, Zoned};
use crate::evidence::Text;
use std::borrow::Cow;
use std::sync::Arc;

/// The columns, empty where they are not there.
#[derive(Debug, Default)]
pub(super) struct Columns<'a> {
    pub user: &'a str,
    pub database: &'a str,
    /// The address, or `[local]`.
    pub host: &'a str,
    pub port: u16,
    /// `6b036fe3.292`: start and process in hexadecimal digits.
    pub session: &'a str,
    pub message: &'a str,
    pub detail: &'a str,
    /// The statement of an error.
    pub query: &'a str,
    /// Whether the error names a place in it.
    pub placed: bool,
    pub application: &'a str,
    /// What kind of process wrote it (`backend_type`); empty where the format does not say.
    pub backend: &'a str,
}

/// Processes that do a part of a statement that another one logs (runtime-config-logging, `%b`).
const WORKER: &str = "parallel worker";

/// `10.0.3.7:5123` or `[local]` in host and port.
pub(super) fn from(text: &str) -> (&str, u16) {
    match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            (host.trim_matches(['[', ']']), port.parse().unwrap_or(0))
        }
        _ => (text, 0),
    }
}

/// A session's number of its id.
pub(super) fn session(id: &str) -> u64 {
    let (start, pid) = id.split_once('.').unwrap_or((id, ""));
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap_or(0);
    number(start) << 32 | number(pid)
}

impl Columns<'_> {
    fn who(&self) -> Who {
        Who {
            user: Text::from(self.user),
            database: Text::from(self.database),
            application: Text::from(self.application),
            client: Text::from(self.host),
            port: self.port,
            ..Who::default()
        }
    }

    /// The record of an event that something else than the message tells.
    pub fn record(&self, event: Event, stamp: Zoned, line: u64) -> Option<Record> {
        let (session, who) = (session(self.session), Arc::new(self.who().scrubbed()));
        let said = !matches!(event, Event::Nothing);
        said.then_some(Record { stamp: stamp.stamp, session, who, event, line })
    }

    /// The records it is.
    pub fn records(&self, severity: Severity, stamp: Zoned, line: u64) -> Vec<Record> {
        if self.backend == WORKER {
            return Vec::new();
        }
        let mut who = Cow::Owned(self.who());
        let event = match messages::event(severity, self.message, &mut who) {
            Event::Error(false) if self.placed => Event::Rejected,
            event => event,
        };
        let detail = messages::event(Severity::More, self.detail, &mut who);
        let who = Arc::new(who.into_owned().scrubbed());
        let session = session(self.session);
        let record = |event: Event| Record { stamp: stamp.stamp, session, who: who.clone(), event, line };
        let mut records = Vec::new();
        if matches!(event, Event::Nothing) {
            // The statement of a warning or of a note stands in a column of the same record.
            if !self.query.is_empty() {
                records.push(record(Event::ErrorStatement(self.query.to_owned())));
            }
        } else {
            let names = matches!(event, Event::Error(_) | Event::Rejected | Event::Examined);
            records.push(record(event));
            if names && !self.query.is_empty() {
                records.push(record(Event::ErrorStatement(self.query.to_owned())));
            }
        }
        if matches!(detail, Event::Prepared(_)) {
            records.push(record(detail));
        }
        records
    }
}
