//! A JSON report read for a question about who does what: the evidence of links is most of it, and is passed over. It
//! reads what this program wrote, and never makes up what is not there.

use super::{EvidenceRow, LinkRow, Report};
use compact_str::CompactString as Word;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// What is read of a link; every other field is passed over.
#[derive(Deserialize)]
struct Brief<'a> {
    #[serde(borrow)]
    consumer: std::borrow::Cow<'a, str>,
    action: Word,
    #[serde(borrow)]
    resource: std::borrow::Cow<'a, str>,
    bases: Vec<Word>,
    class: Word,
    outcome: Word,
    scope: Word,
    explained: bool,
    shadow: bool,
    confidence: Word,
    count: u64,
    first: Option<Word>,
    last: Option<Word>,
}

/// Links, their ids held once however many rows name them.
struct Links;

impl<'de> Visitor<'de> for Links {
    type Value = Vec<LinkRow>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("links")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Vec<LinkRow>, A::Error> {
        let mut ids: HashSet<Arc<str>, foldhash::fast::FixedState> = HashSet::default();
        let mut links = Vec::new();
        while let Some(row) = rows.next_element::<Brief<'de>>()? {
            let mut id = |text: &str| match ids.get(text) {
                Some(known) => known.clone(),
                None => {
                    let new: Arc<str> = Arc::from(text);
                    ids.insert(new.clone());
                    new
                }
            };
            links.push(LinkRow {
                id: String::new(),
                consumer: id(&row.consumer),
                action: row.action,
                resource: id(&row.resource),
                via: Vec::new(),
                bases: row.bases,
                class: row.class,
                outcome: row.outcome,
                scope: row.scope,
                explained: row.explained,
                shadow: row.shadow,
                confidence: row.confidence,
                count: row.count,
                first: row.first,
                last: row.last,
                traits: Vec::new(),
                evidence: Vec::<EvidenceRow>::new(),
            });
        }
        Ok(links)
    }
}

fn links<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<LinkRow>, D::Error> {
    from.deserialize_seq(Links)
}

fn nothing<'de, D: Deserializer<'de>, T: Default>(from: D) -> Result<T, D::Error> {
    IgnoredAny::deserialize(from).map(|_| T::default())
}

/// A report, of which links are read without evidence, and findings and gaps not at all.
#[derive(Deserialize)]
#[serde(remote = "Report")]
struct Whole {
    schema_version: u32,
    tool: super::Tool,
    as_of: String,
    window: super::Window,
    #[serde(default)]
    migration: Option<super::MigrationRow>,
    #[serde(default, deserialize_with = "nothing")]
    audit: super::Audit,
    inputs: Vec<super::InputRow>,
    vantages: Vec<super::VantageRow>,
    entities: Vec<super::EntityRow>,
    #[serde(deserialize_with = "links")]
    links: Vec<LinkRow>,
    jobs: Vec<super::JobRow>,
    #[serde(deserialize_with = "nothing")]
    findings: Vec<super::FindingRow>,
    #[serde(deserialize_with = "nothing")]
    gaps: Vec<super::GapRow>,
    folds: Vec<super::FoldRow>,
    coverage: Vec<super::CoverageRow>,
    surprise: super::Surprise,
}

/// Reads a JSON report for a question about links.
pub fn brief(text: &str) -> Result<Report, serde_json::Error> {
    let mut from = serde_json::Deserializer::from_str(text);
    let report = Whole::deserialize(&mut from)?;
    from.end()?;
    Ok(report)
}
