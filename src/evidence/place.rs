//! Where something can be looked up: file and line, byte offset, or packet number. It never holds content.

use super::mention::Text;
use super::stamp::Stamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The position inside an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// The whole input.
    Whole,
    /// A line, counted from 1.
    Line(u64),
    /// A byte offset, counted from 0.
    Byte(u64),
    /// A packet number, counted from 1.
    Packet(u64),
}

/// A position in one input, named relative to the argument it was found under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The input's path as the report shows it.
    pub input: Text,
    /// Where inside.
    pub at: At,
}

impl Place {
    /// A line of an input, counted from 1.
    pub fn line(input: &Text, line: u64) -> Place {
        Place { input: input.clone(), at: At::Line(line) }
    }

    /// An input as a whole.
    pub fn whole(input: &Text) -> Place {
        Place { input: input.clone(), at: At::Whole }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            At::Whole => write!(f, "{}", self.input),
            At::Line(n) => write!(f, "{}:{n}", self.input),
            At::Byte(n) => write!(f, "{}@{n}", self.input),
            At::Packet(n) => write!(f, "{}#{n}", self.input),
        }
    }
}

/// How many places a use keeps at most: the two earliest and the two latest.
pub const PLACES_KEPT: usize = 4;

/// The two earliest and the two latest places of a use, ordered by moment and then by place, so that which
/// ones are kept is a function of the set and not of the order of arrival.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Places(Vec<(Option<Stamp>, Place)>);

impl Places {
    /// One place, with the moment it speaks of where it has one.
    pub fn one(stamp: Option<Stamp>, place: Place) -> Places {
        Places(vec![(stamp, place)])
    }

    /// Adds a place.
    pub fn add(&mut self, stamp: Option<Stamp>, place: Place) {
        let half = PLACES_KEPT / 2;
        if self.0.len() == PLACES_KEPT {
            let entry = (stamp, &place);
            let second = (self.0[half - 1].0, &self.0[half - 1].1);
            let third = (self.0[half].0, &self.0[half].1);
            if second < entry && entry < third {
                return;
            }
        }
        let item = (stamp, place);
        let Err(mut index) = self.0.binary_search(&item) else { return };
        if self.0.len() == PLACES_KEPT {
            // The innermost of its half makes room.
            let inner = if index < half { half - 1 } else { half };
            self.0.remove(inner);
            index -= usize::from(index > inner);
        } else if self.0.len() == self.0.capacity() {
            // Most uses have one place, and a list begins with room for four.
            self.0.reserve_exact(1);
        }
        self.0.insert(index, item);
    }

    /// Takes over the places of another.
    pub fn merge(&mut self, other: Places) {
        for (stamp, place) in other.0 {
            self.add(stamp, place);
        }
    }

    /// The places kept, earliest first, with their moments.
    pub fn iter(&self) -> impl Iterator<Item = &(Option<Stamp>, Place)> {
        self.0.iter()
    }

    /// Those of the places kept that lie in these lines of an input.
    pub fn within(&self, input: &str, first: u64, last: u64) -> Places {
        let inside = |place: &Place| {
            matches!(place.at, At::Line(line) if (first..=last).contains(&line)) && &*place.input == input
        };
        Places(self.0.iter().filter(|(_, place)| inside(place)).cloned().collect())
    }

    /// Whether no place is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The earliest place, if any is known.
    pub fn first(&self) -> Option<&Place> {
        self.0.first().map(|(_, place)| place)
    }
}
