//! The report: what a scan found, as plain records with a version, and one file per way of showing it. A
//! report never looks at the graph again and never decides anything.

mod audit;
mod brief;
mod build;
mod dot;
pub mod inventory;
pub mod jobs;
mod json;
mod narrow;
pub mod on;
mod text;
mod why;

pub use audit::audit;
pub use brief::brief;
pub use build::{Parts, build};
pub use narrow::narrow;
pub use why::{does, entity, finding};

use crate::evidence::{About, Provenance, Text};
use compact_str::CompactString as Word;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The version of the JSON contract; adding a field does not change it.
pub const SCHEMA_VERSION: u32 = 1;

/// The contract of the JSON report, as JSON Schema (draft 2020-12): every field there is, and no other.
pub const SCHEMA: &str = include_str!("schema.json");

/// A way of showing a report.
pub trait Format: Sync {
    /// Its row in the table.
    fn about(&self) -> &'static About;
    /// Writes the whole report.
    fn render(&self, report: &Report, to: &mut dyn Write) -> io::Result<()>;
}

/// All ways of showing a report.
pub static FORMATS: &[&dyn Format] = &[&text::TextFormat, &json::JsonFormat, &dot::DotFormat];

/// Reports are written by this program, so their provenance is the program itself.
const OWN: Provenance = Provenance::Recorded;

/// The program that made the report.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

/// From the first to the last observed moment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Window {
    pub first: Option<String>,
    pub last: Option<String>,
}

/// Spans as people read them: `FIRST to LAST; FIRST to LAST`.
fn spans_in_words(spans: &[Window]) -> String {
    let text = |moment: &Option<String>| moment.clone().unwrap_or_default();
    let words = spans.iter().map(|span| format!("{} to {}", text(&span.first), text(&span.last)));
    words.collect::<Vec<_>>().join("; ")
}

/// How the statements of a log ended: the three add up to all of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StatementsRow {
    pub parsed: u64,
    pub tokens: u64,
    pub not_sql: u64,
}

/// One input and how it ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct InputRow {
    pub path: String,
    pub kind: String,
    pub status: String,
    pub records: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub statements: Option<StatementsRow>,
    pub gaps: u64,
    pub first: Option<String>,
    pub last: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// One place that watched.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct VantageRow {
    pub id: String,
    pub kind: String,
    pub of: String,
    pub zone: String,
    pub zone_known: bool,
    pub spans: Vec<Window>,
    pub sees: String,
    pub lost: u64,
}

/// A name of an entity and why it is its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MentionRow {
    pub kind: String,
    pub text: String,
    pub why: String,
}

/// A name by which an entity is recognised between scans.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct IdentifierRow {
    pub kind: String,
    pub text: String,
    pub exclusive: bool,
}

/// Whom an entity was not joined with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct NotJoinedRow {
    pub to: String,
    pub why: String,
}

/// What a list of access lets an entity's login do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PermittedRow {
    pub what: String,
    pub place: String,
}

/// One entity.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EntityRow {
    pub id: String,
    pub kind: String,
    pub name: String,
    pub part_of: Option<String>,
    pub class: Option<String>,
    pub declared: bool,
    pub owner: Option<String>,
    pub mentions: Vec<MentionRow>,
    pub identifiers: Vec<IdentifierRow>,
    pub not_joined: Vec<NotJoinedRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permitted: Vec<PermittedRow>,
    /// For a view: what the statement that made it computes it from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derives_from: Vec<String>,
}

/// One piece of evidence.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EvidenceRow {
    pub basis: Word,
    pub collector: Word,
    pub vantage: Text,
    pub place: Option<String>,
    pub count: u64,
    pub first: Option<Word>,
    pub last: Option<Word>,
    pub sample: Text,
}

/// One link.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LinkRow {
    pub id: String,
    pub consumer: Text,
    pub action: Word,
    pub resource: Text,
    pub via: Vec<String>,
    pub bases: Vec<Word>,
    pub class: Word,
    pub outcome: Word,
    pub scope: Word,
    pub explained: bool,
    pub shadow: bool,
    pub confidence: Word,
    pub count: u64,
    pub first: Option<Word>,
    pub last: Option<Word>,
    pub traits: Vec<String>,
    pub evidence: Vec<EvidenceRow>,
}

/// One line of a schedule.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct JobRow {
    pub entity: String,
    pub host: Option<String>,
    pub user: Option<String>,
    pub schedule: String,
    pub words: String,
    pub dialect: String,
    pub zone: String,
    pub zone_known: bool,
    pub next: Option<String>,
    pub guards: Vec<String>,
    /// What its scheduler holds it back for: `waits for job:x`.
    #[serde(default)]
    pub waits: Vec<String>,
    pub command: String,
    pub place: String,
}

/// One finding.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FindingRow {
    pub fingerprint: String,
    pub rule: String,
    pub family: String,
    pub severity: String,
    pub confidence: String,
    pub title: String,
    pub consumer: Option<String>,
    pub resource: Option<String>,
    pub upstream: Option<String>,
    pub downstream: Option<String>,
    pub via: Option<String>,
    pub facts: BTreeMap<String, String>,
    pub question: String,
    pub places: Vec<String>,
    pub new: bool,
    pub accepted: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_until: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<String>,
}

/// One gap.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct GapRow {
    pub place: String,
    pub code: String,
    pub detail: String,
    pub count: u64,
}

/// One fold: many names that became one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FoldRow {
    pub from: String,
    pub to: String,
    pub count: u64,
}

/// Who looked at a resource, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CoverageRow {
    pub resource: String,
    pub vantages: Vec<String>,
    pub spans: Vec<Window>,
    pub sees: String,
}

/// The surprise of one resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SurpriseRow {
    pub resource: String,
    pub density: f64,
    pub observed_links: u64,
    pub shadow_links: u64,
}

/// The share of observed use that nothing explains.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Surprise {
    pub density: f64,
    pub observed_links: u64,
    pub shadow_links: u64,
    pub by_resource: Vec<SurpriseRow>,
}

/// A share as reports round it, to a thousandth.
fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { (1000.0 * part as f64 / all as f64).round() / 1000.0 }
}

/// Traffic that is no application's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Noise {
    pub class: String,
    pub consumers: usize,
    pub count: u64,
}

/// One question that a finding raises and nobody has answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Open {
    pub fingerprint: String,
    pub rule: String,
    pub severity: String,
    pub resource: Option<String>,
    pub question: String,
}

/// Questions for one owner; none: nobody is known to answer for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Ask {
    pub owner: Option<String>,
    pub because: String,
    pub questions: Vec<Open>,
}

/// The consumers of applications, how they are known, and what to ask whom. Of one consumer several may be true.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Audit {
    pub consumers: usize,
    pub declared: usize,
    pub written: usize,
    pub observed: usize,
    pub shadow: usize,
    pub noise: Vec<Noise>,
    pub asks: Vec<Ask>,
}

/// A system that is migrated, as the settings name it, and how many resources that means.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Target {
    pub system: String,
    pub matches: usize,
}

/// What was found and does not reach what is migrated.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LeftOut {
    pub consumers: usize,
    pub links: usize,
    pub findings: usize,
    pub jobs: usize,
    pub entities: usize,
}

/// What the report was narrowed to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MigrationRow {
    pub narrowed: bool,
    pub targets: Vec<Target>,
    pub left_out: LeftOut,
}

/// Everything a scan found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Report {
    pub schema_version: u32,
    pub tool: Tool,
    pub as_of: String,
    pub window: Window,
    /// What `[migration] systems` narrowed it to, where that is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<MigrationRow>,
    /// The head; reports of older versions have none.
    #[serde(default)]
    pub audit: Audit,
    pub inputs: Vec<InputRow>,
    pub vantages: Vec<VantageRow>,
    pub entities: Vec<EntityRow>,
    pub links: Vec<LinkRow>,
    pub jobs: Vec<JobRow>,
    pub findings: Vec<FindingRow>,
    pub gaps: Vec<GapRow>,
    pub folds: Vec<FoldRow>,
    pub coverage: Vec<CoverageRow>,
    pub surprise: Surprise,
}
