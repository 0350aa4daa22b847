//! Conclusions: one rule a file, each its own manual page. A rule sees only the graph (and the timing
//! functions over it) and never another rule.

mod alphabetical_order;
mod borrowed_credentials;
mod catalog_probing;
mod column_order;
mod data_export;
mod dead_schedule;
mod dst_hazard;
mod engine_specific;
mod fixed_sleep;
mod implicit_order;
mod misread_schedule;
mod orphan_declaration;
mod page_scraper;
mod queue_table;
mod relative_window;
mod row_order;
mod scheduler_semantics;
mod shadow_consumer;
mod shared_lock;
mod stake;
mod undeclared_use;
mod undocumented_endpoint;
mod unofficial_consumer;
mod unscheduled_periodic;
mod who;
mod zombie_endpoint;

use crate::evidence::{Basis, Confidence, Place};
use crate::graph::Graph;
use crate::resolve::EntityId;
use std::collections::BTreeMap;

/// How much it hurts when it is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Delay or noise.
    Low,
    /// It fails loudly.
    Medium,
    /// It goes wrong silently, or nobody will notice in time.
    High,
}

impl Severity {
    /// The word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }

    /// The severity of that word.
    pub fn from_word(word: &str) -> Option<Severity> {
        [Severity::Info, Severity::Low, Severity::Medium, Severity::High]
            .into_iter()
            .find(|severity| severity.word() == word)
    }
}

/// A rule's manual page.
#[derive(Debug, Clone, Copy)]
pub struct Manual {
    /// The rule's name: it names the problem, so that "accept shadow-consumer" reads as English.
    pub id: &'static str,
    /// `who`, `what`, `when` or `migration`.
    pub family: &'static str,
    /// One line.
    pub title: &'static str,
    /// What it finds, exactly.
    pub what: &'static str,
    /// Why that hurts at a cutover.
    pub why: &'static str,
    /// An example of the finding.
    pub example: &'static str,
    /// What to ask, and of whom.
    pub ask: &'static str,
}

/// One conclusion.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Manual,
    /// How much it hurts.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// One line for people.
    pub title: String,
    /// The consumer it is about.
    pub consumer: Option<EntityId>,
    /// The resource it is about.
    pub resource: Option<EntityId>,
    /// For an order: who must come first.
    pub upstream: Option<EntityId>,
    /// For an order: who comes after.
    pub downstream: Option<EntityId>,
    /// What was measured: name to value.
    pub facts: BTreeMap<&'static str, String>,
    /// What to ask the migration team.
    pub question: String,
    /// Where to look.
    pub places: Vec<Place>,
}

impl Finding {
    /// Rule, who and what: the same finding in another scan has the same fingerprint.
    pub fn fingerprint(&self, graph: &Graph) -> String {
        let id = |entity: Option<EntityId>| entity.map_or("", |entity| graph.entity(entity).id.as_str());
        let text = [id(self.consumer), id(self.resource), id(self.upstream), id(self.downstream)].join("\n");
        let hash = blake3::hash(format!("{}\n{text}", self.rule.id).as_bytes());
        hash.to_hex()[..12].to_owned()
    }
}

/// One rule.
pub trait Rule: Sync {
    /// Its manual page.
    fn manual(&self) -> &'static Manual;
    /// Adds what it finds.
    fn check(&self, graph: &Graph, out: &mut Vec<Finding>);
}

/// All rules, in the order of reports.
pub static RULES: &[&dyn Rule] = &[
    &shadow_consumer::ShadowConsumer,
    &borrowed_credentials::BorrowedCredentials,
    &unofficial_consumer::UnofficialConsumer,
    &undeclared_use::UndeclaredUse,
    &undocumented_endpoint::UndocumentedEndpoint,
    &zombie_endpoint::ZombieEndpoint,
    &page_scraper::PageScraper,
    &data_export::DataExport,
    &orphan_declaration::OrphanDeclaration,
    &column_order::ColumnOrder,
    &row_order::RowOrder,
    &engine_specific::EngineSpecific,
    &catalog_probing::CatalogProbing,
    &implicit_order::ImplicitOrder,
    &alphabetical_order::AlphabeticalOrder,
    &relative_window::RelativeWindow,
    &queue_table::QueueTable,
    &shared_lock::SharedLock,
    &fixed_sleep::FixedSleep,
    &dst_hazard::DstHazard,
    &scheduler_semantics::SchedulerSemantics,
    &misread_schedule::MisreadSchedule,
    &dead_schedule::DeadSchedule,
    &unscheduled_periodic::UnscheduledPeriodic,
];

/// How many places a finding shows.
const PLACES_SHOWN: usize = 6;

/// What is said of a finding whose evidence was read in a format that is only documented.
const UNTRIED: &str =
    "a format written from its documentation, never tried on the real thing: check the places";

/// Whether all that was seen of a finding's consumers and resource was read in a format that nobody here tried on what
/// a real server wrote: it may be true, and raises nothing above medium.
fn is_untried(graph: &Graph, finding: &Finding) -> bool {
    let who = [finding.consumer, finding.upstream, finding.downstream];
    let mut vantages = who
        .into_iter()
        .flatten()
        .flat_map(|consumer| graph.links_of(consumer))
        .filter(|link| {
            finding.resource.is_none_or(|resource| {
                link.key.resource == resource
                    || graph.system_of(link.key.resource) == graph.system_of(resource)
            })
        })
        .flat_map(|link| link.witnesses.iter().filter(|witness| witness.basis == Basis::Observed))
        .map(|witness| graph.is_untried(&witness.vantage))
        .peekable();
    vantages.peek().is_some() && vantages.all(|untried| untried)
}

/// Asks every rule; the worst come first, then by rule and by who and what.
pub fn check_all(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        rule.check(graph, &mut findings);
    }
    for finding in &mut findings {
        if finding.severity == Severity::High && is_untried(graph, finding) {
            finding.severity = Severity::Medium;
            finding.facts.insert("read from", UNTRIED.to_owned());
        }
        finding.places.dedup();
        finding.places.truncate(PLACES_SHOWN);
    }
    let rank = |finding: &Finding| RULES.iter().position(|rule| rule.manual().id == finding.rule.id);
    findings.sort_by(|a, b| {
        let key = |f: &Finding| {
            (std::cmp::Reverse((f.severity, f.confidence)), rank(f), f.consumer, f.upstream, f.resource)
        };
        key(a).cmp(&key(b))
    });
    findings
}
