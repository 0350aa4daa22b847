//! Who depends on a resource, and what hangs behind them: the consumers of everything a pattern means, of the views over
//! it, then what those consumers make of it and who takes that; or, the other way round, what a consumer uses and what
//! that stands on. It reads a report and nothing else; that nobody was seen is said only with who looked.

mod ask;
mod index;
mod pick;
mod text;
mod touch;

pub use ask::ask;
pub(super) use ask::reach;
pub(super) use index::Index;
pub(super) use pick::{pick, resource_like};
pub use text::text;
pub use touch::touch;

use super::{CoverageRow, VantageRow, Window};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many steps behind a resource are followed at most.
pub const MAX_STEPS: usize = 16;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// An id, its end, a system's name, `kind:name` of a mention, or a glob over ids.
    pub pattern: String,
    /// How many steps are followed: 1 is the consumers themselves.
    pub depth: usize,
    /// Whether the pattern means a consumer, and what it uses is asked.
    pub reverse: bool,
}

/// What is known about the use of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Somebody was seen.
    Seen,
    /// Somebody's text or an inventory says so; nobody was seen.
    Stated,
    /// A vantage that sees everything looked, and saw nobody.
    NotSeen,
    /// Nobody is known, and nothing looked that would have seen everybody.
    NotWatched,
}

/// One consumer of one resource.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Dependent {
    /// 1: it uses what was asked about; 2: what those make of it; …
    pub step: usize,
    pub resource: String,
    pub consumer: String,
    /// What kind of consumer it is, where that is known.
    pub is: Option<String>,
    pub actions: Vec<String>,
    /// How the resource hangs on what was asked about: the views and consumers one step before.
    pub through: Vec<String>,
    /// Where the resource is a view: what it is computed from.
    pub over: Vec<String>,
    pub class: String,
    pub bases: Vec<String>,
    pub shadow: bool,
    pub confidence: String,
    pub count: u64,
    pub first: Option<String>,
    pub last: Option<String>,
    pub owner: Option<String>,
    pub users: Vec<String>,
    pub applications: Vec<String>,
    pub hosts: Vec<String>,
    pub scripts: Vec<String>,
    pub names: Vec<String>,
}

/// Somebody who tried, and got nothing.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Attempt {
    pub resource: String,
    pub consumer: String,
    pub action: String,
    pub outcome: String,
    pub count: u64,
    pub last: Option<String>,
}

/// The direct dependents by a name of theirs.
pub type By = BTreeMap<&'static str, BTreeMap<String, Vec<String>>>;

/// The answer.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Answer {
    pub pattern: String,
    pub reverse: bool,
    pub depth: usize,
    /// What the pattern means.
    pub resources: Vec<String>,
    /// Whether anything of the scan names what was asked about.
    pub known: bool,
    /// What is called nearly so, where nothing of the scan names it.
    pub near: Vec<String>,
    pub verdict: Verdict,
    pub window: Window,
    pub dependents: Vec<Dependent>,
    /// Whether more hangs behind the last step.
    pub more: bool,
    pub by: By,
    /// What was refused or failed and is no use.
    pub attempts: Vec<Attempt>,
    /// Who names it in tests, examples and the like, by scope.
    pub elsewhere: BTreeMap<String, Vec<String>>,
    /// Everything that watched the systems asked about.
    pub vantages: Vec<VantageRow>,
    pub coverage: Vec<CoverageRow>,
    /// Where nobody was seen: the jobs of the scan that had no run in what was observed.
    pub jobs_not_due: Vec<String>,
}
