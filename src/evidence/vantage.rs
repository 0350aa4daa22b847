//! One place that watched: a server's log stream, a capture point, a source tree. It never says who was
//! seen, only what this place was able to see, and when.

use super::mention::{Mention, MentionKind, Text};
use super::stamp::{Span, Stamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;

/// How much of what happened at its server a vantage sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sees {
    /// Every statement.
    All,
    /// Statements slower than this many milliseconds.
    SlowerThan(u64),
    /// Schema changes only.
    Ddl,
    /// Connections only.
    Connections,
    /// A sample.
    Sampled,
    /// Nothing in the stream says.
    Unknown,
}

/// The zone a stream's local times were read in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Zone {
    /// IANA name, fixed offset, or `UTC`.
    pub name: Text,
    /// False where UTC was assumed because nothing said.
    pub known: bool,
}

/// How many sessions a vantage keeps to be recognised by.
pub const SESSIONS_KEPT: usize = 256;

/// The sessions with the smallest hash of (client address, client port), each with its start second: two
/// vantages of one server keep the same ones (a bottom-k sketch, Cohen and Kaplan 2007).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionSketch(BTreeSet<(u64, i64)>);

impl Serialize for SessionSketch {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|(hash, start)| (format!("{hash:016x}"), start)))
    }
}

impl<'de> Deserialize<'de> for SessionSketch {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<SessionSketch, D::Error> {
        let listed = Vec::<(String, i64)>::deserialize(from)?;
        let hash = |text: &str| u64::from_str_radix(text, 16).map_err(serde::de::Error::custom);
        let all = listed.iter().map(|(text, start)| Ok((hash(text)?, *start)));
        let mut sketch = SessionSketch(all.collect::<Result<_, D::Error>>()?);
        sketch.trim();
        Ok(sketch)
    }
}

impl SessionSketch {
    /// Adds a session by its client's address and port and the second it started.
    pub fn add(&mut self, address: &str, port: u16, start: Stamp) {
        let hash = blake3::hash(format!("{address} {port}").as_bytes());
        let mut first = [0u8; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        self.0.insert((u64::from_be_bytes(first), start.seconds()));
        self.trim();
    }

    fn trim(&mut self) {
        while self.0.len() > SESSIONS_KEPT {
            self.0.pop_last();
        }
    }

    /// The union, trimmed again.
    pub fn merge(&mut self, other: &SessionSketch) {
        self.0.extend(other.0.iter().copied());
        self.trim();
    }

    /// How many sessions it keeps.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it keeps none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many sessions both kept: same client address and port, start within `tolerance` seconds.
    pub fn shared_with(&self, other: &SessionSketch, tolerance: i64) -> usize {
        self.0
            .iter()
            .filter(|(hash, start)| {
                other
                    .0
                    .range(
                        (*hash, start.saturating_sub(tolerance))..=(*hash, start.saturating_add(tolerance)),
                    )
                    .next()
                    .is_some()
            })
            .count()
    }
}

/// One place that watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Vantage {
    /// Stable name: the stream's path stem, a capture's path, a source tree's path.
    pub id: Text,
    /// The format's or collector's name, as its table has it.
    pub kind: Text,
    /// What it watched: a declared system, a host, or the anonymous server of this very vantage.
    pub of: Mention,
    /// The zone its times were read in.
    pub zone: Zone,
    /// When it watched.
    pub spans: Vec<Span>,
    /// How much it sees.
    pub sees: Sees,
    /// Records it knows it lost.
    pub lost: u64,
    /// The sessions it can be recognised by.
    pub sessions: SessionSketch,
    /// Whether its format was tried on what a real server or program wrote; what only others say raises no finding
    /// above medium.
    pub tried: bool,
}

impl Vantage {
    /// Takes over what the same vantage saw at another time. Of what the two say differently of themselves, the same
    /// holds whichever comes first: a system that was named, a zone that is known, else the smaller name.
    pub(super) fn merge(&mut self, other: Vantage) {
        let spans: BTreeSet<Span> = self.spans.iter().chain(&other.spans).copied().collect();
        self.spans = spans.into_iter().collect();
        self.lost = self.lost.saturating_add(other.lost);
        self.sessions.merge(&other.sessions);
        self.sees = self.sees.max(other.sees);
        self.tried &= other.tried;
        let rank = |zone: &Zone| (!zone.known, zone.name.clone());
        if rank(&other.zone) < rank(&self.zone) {
            self.zone = other.zone;
        }
        let named = |of: &Mention| (of.kind != MentionKind::System, of.clone());
        if named(&other.of) < named(&self.of) {
            self.of = other.of;
        }
        if other.kind < self.kind {
            self.kind = other.kind;
        }
    }
}
