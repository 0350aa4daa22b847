//! The evidence file: what was collected in one place, to be read in another. JSON lines in zstd frames, the header
//! first, then the rows by their keys, each key once. It holds what [`Evidence`] holds and nothing else, so nothing
//! secret and no path but those reports show; it never holds a conclusion, and never an event by itself.
//!
//! ```text
//! {"whodepends-evidence":1,"tool":…,"version":…,"first":…,"last":…,"settings":[…],"inputs":[…],"skipped":{…}}
//! {"crowd":"outside/okhttp","seen":{"addresses":{…},"more":false}}
//! {"fact":{"about":{"kind":"job","text":…},"says":{"scheduled":{…}},…}}
//! {"gap":[input, code, detail],"seen":{"at":{"line":7},"count":2}}
//! {"use":{"vantage":…,"actor":[["user","app"],…],"action":"read","resource":{…},…},"shape":["00f3…","SELECT …"],
//!  "seen":{"days":[[20387,2,0,[7201,7261]]],"first":…,"last":…,"took":[[41,2]],"at":[[stamp, path, {"line":7}],…]}}
//! {"vantage":"postgres-stderr:db1/postgresql.log","seen":{…}}
//! {"end":4}
//! ```
//!
//! Keys are ordered by kind and then by their JSON as bytes, so that a program that merges needs to understand neither.
//! Everything of one key is associative and commutative ([`Evidence::merge`]), shapes fold to [`super::SHAPES_KEPT`]
//! per group in the file as they do in memory, and a file is a function of the evidence alone: merging equals
//! collecting all at once, byte for byte, as long as no stream, host or source tree was torn apart between files.
//! Moments are microseconds since 1970, days are counted from then, seconds and minutes from midnight UTC.

mod group;
mod merge;
mod quick;
mod read;
mod row;
mod write;

pub use merge::{MergeError, merge};
pub use read::{Kept, Refusal, header, read, read_grouped};
pub use write::{ROWS_PER_FRAME, write};

use super::fact::Fact;
use super::gap::Gap;
use super::mention::Text;
use super::stamp::Span;
use super::store::{Evidence, InputRecord};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format that this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;
/// How an evidence file begins, once decompressed.
pub const BEGINS: &[u8] = b"{\"whodepends-evidence\":";
/// A row may be this many bytes long.
pub const MAX_ROW_BYTES: usize = 64 * 1024 * 1024;

/// The settings that acted where something was collected, and what their file states as an inventory. They travel
/// apart from the evidence, because settings that are given to a later scan take their place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// The path of the settings file as reports show it.
    pub path: Text,
    /// The shown folder its own paths count from.
    pub folder: Text,
    /// What it says, as `settings` wrote it.
    pub says: serde_json::Value,
    facts: Vec<Fact>,
    gaps: Vec<Gap>,
    input: Option<InputRecord>,
}

impl Carried {
    /// Settings with what their file states.
    pub fn new(path: Text, folder: Text, says: serde_json::Value, stated: &Evidence) -> Carried {
        let facts = stated.facts().cloned().collect();
        let input = stated.input_records().find(|record| record.path == path).cloned();
        Carried { path, folder, says, facts, gaps: stated.gaps(), input }
    }

    /// What the file states.
    pub fn stated(&self) -> Evidence {
        let mut stated = Evidence::new();
        self.facts.iter().cloned().for_each(|fact| stated.add_fact(fact));
        self.gaps.iter().cloned().for_each(|gap| stated.add_gap(gap));
        self.input.iter().cloned().for_each(|input| stated.add_input(input));
        stated
    }
}

/// The first line: who wrote it, from which inputs, under which settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    #[serde(rename = "whodepends-evidence")]
    format: u32,
    tool: String,
    version: String,
    /// The earliest moment any input speaks of, for people.
    first: Option<String>,
    last: Option<String>,
    /// The settings that acted: one, or several where what was merged was collected under different ones.
    pub settings: Vec<Carried>,
    /// Every input and how it ended, by path.
    pub inputs: Vec<InputRecord>,
    /// The inputs that were left out, with the reason.
    pub skipped: BTreeMap<Text, Text>,
}

impl Header {
    fn new(mut settings: Vec<Carried>, inputs: Vec<InputRecord>, skipped: BTreeMap<Text, Text>) -> Header {
        settings.sort_by_cached_key(|carried| serde_json::to_string(carried).unwrap_or_default());
        settings.dedup();
        let whole = inputs.iter().filter_map(|input| input.span).reduce(Span::cover);
        Header {
            format: FORMAT,
            tool: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            first: whole.map(|span| span.first.to_string()),
            last: whole.map(|span| span.last.to_string()),
            settings,
            inputs,
            skipped,
        }
    }
}
