//! Moments and spans in UTC. It never knows a zone: whoever reads a local time converts it first.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Microseconds in one second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds in one UTC day (POSIX days have no leap seconds).
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Stamp(pub i64);

impl<'de> Deserialize<'de> for Stamp {
    /// A moment outside the calendar (the years -9999 to 9999) is refused, so that what comes from a file can be
    /// subtracted and dated.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Stamp, D::Error> {
        let micros = i64::deserialize(from)?;
        let known = jiff::Timestamp::from_microsecond(micros);
        known.map(|_| Stamp(micros)).map_err(|_| D::Error::custom("a moment outside the calendar"))
    }
}

impl Stamp {
    /// From whole seconds since the epoch.
    pub fn from_seconds(seconds: i64) -> Stamp {
        Stamp(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// The UTC day, counted from 1970-01-01.
    pub fn day(self) -> i32 {
        i32::try_from(self.0.div_euclid(MICROS_PER_DAY)).unwrap_or(i32::MAX)
    }

    /// The second of its UTC day, 0 to 86,399.
    pub fn second_of_day(self) -> u32 {
        (self.0.rem_euclid(MICROS_PER_DAY) / MICROS_PER_SECOND) as u32
    }

    /// The moment `micros` later (earlier when negative).
    pub fn plus_micros(self, micros: i64) -> Stamp {
        Stamp(self.0.saturating_add(micros))
    }
}

impl fmt::Display for Stamp {
    /// RFC 3339 in UTC, whole seconds; a moment outside the calendar prints as `@microseconds`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.seconds()) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "@{}", self.0),
        }
    }
}

/// From the first to the last moment seen, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The earliest moment.
    pub first: Stamp,
    /// The latest moment.
    pub last: Stamp,
}

impl Span {
    /// The span of one moment.
    pub fn at(stamp: Stamp) -> Span {
        Span { first: stamp, last: stamp }
    }

    /// The smallest span that holds both.
    pub fn cover(self, other: Span) -> Span {
        Span { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    /// Whether the moment lies inside, ends included.
    pub fn contains(self, stamp: Stamp) -> bool {
        self.first <= stamp && stamp <= self.last
    }
}
