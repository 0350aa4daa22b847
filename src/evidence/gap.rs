//! What the scan could not see. A broken input is a result, not an error, and never silent.

use super::mention::Text;
use super::place::Place;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why something could not be seen. The list is closed: a report's reader can learn it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapCode {
    /// No collector knows this kind of input.
    Unrecognised,
    /// The input could not be opened or read.
    Unreadable,
    /// The input ends inside a record, or was cut.
    Truncated,
    /// A record, statement or file was not understood; what could be told from its tokens is kept.
    Unparsed,
    /// The content is encrypted.
    Encrypted,
    /// A packet was captured shorter than it was.
    Snaplen,
    /// Packets are missing from a capture.
    LostPackets,
    /// Only one direction of a conversation was seen.
    OneSided,
    /// A named limit was reached; the detail names it.
    Limit,
    /// No zone is known for local times; UTC was assumed.
    UnknownZone,
    /// Log lines do not match the prefix the rest of the log has.
    UnmatchedPrefix,
    /// A session's beginning was not seen, so the user, host or application is unknown.
    UnknownSession,
    /// A schedule's dialect rejects this line.
    BadSchedule,
    /// A job's command could be any of several scripts.
    AmbiguousScript,
    /// A job runs a script that the scan was not given.
    MissingScript,
    /// A name can only be known when it runs: a variable, a template, dynamic SQL.
    Unresolved,
    /// The settings file is not valid; the part that is was used.
    BadConfig,
    /// An `[[accept]]` entry has expired or matches nothing.
    StaleAccept,
}

impl GapCode {
    /// The kebab-case word of reports.
    pub fn word(self) -> &'static str {
        match self {
            GapCode::Unrecognised => "unrecognised",
            GapCode::Unreadable => "unreadable",
            GapCode::Truncated => "truncated",
            GapCode::Unparsed => "unparsed",
            GapCode::Encrypted => "encrypted",
            GapCode::Snaplen => "snaplen",
            GapCode::LostPackets => "lost-packets",
            GapCode::OneSided => "one-sided",
            GapCode::Limit => "limit",
            GapCode::UnknownZone => "unknown-zone",
            GapCode::UnmatchedPrefix => "unmatched-prefix",
            GapCode::UnknownSession => "unknown-session",
            GapCode::BadSchedule => "bad-schedule",
            GapCode::AmbiguousScript => "ambiguous-script",
            GapCode::MissingScript => "missing-script",
            GapCode::Unresolved => "unresolved",
            GapCode::BadConfig => "bad-config",
            GapCode::StaleAccept => "stale-accept",
        }
    }
}

impl fmt::Display for GapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Something the scan could not see, and how often. Gaps with the same code, detail and input are counted
/// together; the earliest place stays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gap {
    /// Where (the first of them).
    pub place: Place,
    /// Why.
    pub code: GapCode,
    /// One line for people, scrubbed: what it was and, where there is something to try, what to try.
    pub detail: Text,
    /// How many of these there were.
    pub count: u64,
}

impl Gap {
    /// One gap.
    pub fn new(place: Place, code: GapCode, detail: impl Into<Text>) -> Gap {
        Gap { place, code, detail: detail.into(), count: 1 }
    }
}
