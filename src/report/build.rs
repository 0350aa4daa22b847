//! Graph, findings and evidence become plain records. Everything is put into a fixed order here, and nothing
//! is left out.

use super::*;
use crate::decisions::Accepted;
use crate::evidence::{Action, Basis, Class, Evidence, Gap, Outcome, Sees, Span, Stamp, Text};
use crate::findings::Finding;
use crate::graph::Graph;
use crate::resolve::{EntityId, Link, LinkKey};
use crate::schedule;
use compact_str::ToCompactString;
use std::collections::{BTreeMap, BTreeSet};

/// How many pieces of evidence a link shows.
const EVIDENCE_SHOWN: usize = 24;

/// What a report is made of.
pub struct Parts<'a> {
    /// All that was stated.
    pub evidence: &'a Evidence,
    /// The graph.
    pub graph: &'a Graph,
    /// The findings, in order.
    pub findings: &'a [Finding],
    /// By finding: why it was accepted.
    pub accepted: &'a [Option<Accepted>],
    /// All gaps, in order.
    pub gaps: &'a [Gap],
    /// The day next runs are counted from.
    pub as_of: jiff::civil::Date,
    /// Whether only who does what is wanted: links then have no ids and no evidence.
    pub brief: bool,
}

fn moment(stamp: Option<Stamp>) -> Option<String> {
    stamp.map(|stamp| stamp.to_string())
}

fn window(span: &Span) -> Window {
    Window { first: moment(Some(span.first)), last: moment(Some(span.last)) }
}

fn sees(sees: Sees) -> String {
    match sees {
        Sees::All => "all".to_owned(),
        Sees::SlowerThan(ms) => format!("slower than {ms} ms"),
        Sees::Ddl => "ddl".to_owned(),
        Sees::Connections => "connections".to_owned(),
        Sees::Sampled => "sampled".to_owned(),
        Sees::Unknown => "unknown".to_owned(),
    }
}

/// Builds the report.
pub fn build(parts: &Parts<'_>) -> Report {
    let spans = parts.evidence.vantages().flat_map(|vantage| vantage.spans.iter().copied());
    let whole = spans.reduce(Span::cover);
    let accepted = AcceptedUses::of(parts);
    let ids: Ids = parts.graph.entities().map(|(_, entity)| Text::from(&*entity.id)).collect();
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        as_of: parts.as_of.to_string(),
        window: whole.as_ref().map(window).unwrap_or_default(),
        migration: None,
        audit: Audit::default(),
        inputs: inputs(parts),
        vantages: vantages(parts),
        entities: entities(parts.graph),
        links: parts
            .graph
            .links()
            .map(|link| LinkRow {
                shadow: link.shadow() && !accepted.hold(parts.graph, link),
                ..link_row(&ids, link, parts.brief)
            })
            .collect(),
        jobs: jobs(parts),
        findings: parts
            .findings
            .iter()
            .zip(parts.accepted)
            .map(|(f, a)| finding(parts.graph, f, a))
            .collect(),
        gaps: parts.gaps.iter().map(gap).collect(),
        folds: folds(parts.evidence),
        coverage: coverage(parts),
        surprise: surprise(parts.graph, &accepted),
    }
}

fn inputs(parts: &Parts<'_>) -> Vec<InputRow> {
    let mut gaps: BTreeMap<&str, u64> = BTreeMap::new();
    for gap in parts.gaps {
        *gaps.entry(&gap.place.input).or_default() += gap.count;
    }
    let why: BTreeMap<&Text, &Text> = parts.evidence.skipped().collect();
    let row = |input: crate::evidence::InputRecord| InputRow {
        gaps: gaps.get(&*input.path).copied().unwrap_or(0),
        why: why.get(&input.path).map(ToString::to_string),
        path: input.path.to_string(),
        kind: input.kind.to_string(),
        status: input.status.word().to_owned(),
        records: input.records,
        statements: (input.statements.all() > 0).then_some(StatementsRow {
            parsed: input.statements.parsed,
            tokens: input.statements.tokens,
            not_sql: input.statements.not_sql,
        }),
        first: moment(input.span.map(|span| span.first)),
        last: moment(input.span.map(|span| span.last)),
    };
    parts.evidence.inputs().into_iter().map(row).collect()
}

fn vantages(parts: &Parts<'_>) -> Vec<VantageRow> {
    let system = |vantage: &crate::evidence::Vantage| {
        parts.graph.watched_by(&vantage.id).unwrap_or(&vantage.of.text).to_owned()
    };
    parts
        .evidence
        .vantages()
        .map(|vantage| VantageRow {
            id: vantage.id.to_string(),
            kind: vantage.kind.to_string(),
            of: system(vantage),
            zone: vantage.zone.name.to_string(),
            zone_known: vantage.zone.known,
            spans: vantage.spans.iter().map(window).collect(),
            sees: sees(vantage.sees),
            lost: vantage.lost,
        })
        .collect()
}

fn entities(graph: &Graph) -> Vec<EntityRow> {
    let views = graph.views();
    let bases =
        |view: EntityId| views.get(&view).into_iter().flatten().map(|base| graph.entity(*base).id.clone());
    let row = |(number, entity): (EntityId, &crate::resolve::Entity)| EntityRow {
        derives_from: bases(number).collect(),
        id: entity.id.clone(),
        kind: entity.kind.clone(),
        name: entity.name.clone(),
        part_of: entity.part_of.map(|whole| graph.entity(whole).id.clone()),
        class: entity.role.map(|role| role.word().to_owned()),
        declared: entity.declared,
        owner: entity.owner.clone(),
        mentions: entity
            .mentions
            .iter()
            .map(|(mention, why)| MentionRow {
                kind: mention.kind.word().to_owned(),
                text: mention.text.to_string(),
                why: why.clone(),
            })
            .collect(),
        identifiers: entity
            .mentions
            .keys()
            .map(|mention| IdentifierRow {
                kind: mention.kind.word().to_owned(),
                text: mention.text.to_string(),
                exclusive: entity.exclusive.contains(mention),
            })
            .collect(),
        not_joined: entity
            .not_joined
            .iter()
            .map(|(to, why)| NotJoinedRow { to: to.clone(), why: why.clone() })
            .collect(),
        permitted: entity
            .permitted
            .iter()
            .map(|(what, place)| PermittedRow { what: what.clone(), place: place.clone() })
            .collect(),
    };
    graph.entities().map(row).collect()
}

fn word(moment: Option<Stamp>) -> Option<Word> {
    moment.map(|stamp| stamp.to_compact_string())
}

/// The ids of a graph's entities, each held once however many rows name it.
type Ids = Vec<Text>;

/// What a link is called: consumer, action, resource, and what is unusual about it.
fn link_id(link: &Link, consumer: &str, resource: &str) -> String {
    let key = &link.key;
    let mut id = format!("{consumer} {} {resource}", key.action.word());
    for (word, usual) in
        [(key.class.word(), "app"), (key.outcome.word(), "ok"), (key.scope.word(), "production")]
    {
        if word != usual {
            id.push(' ');
            id.push_str(word);
        }
    }
    id.shrink_to_fit();
    id
}

fn link_row(ids: &Ids, link: &Link, brief: bool) -> LinkRow {
    let key = &link.key;
    let span = link.span();
    let (consumer, resource) = (ids[key.consumer.0].clone(), ids[key.resource.0].clone());
    let id = if brief { String::new() } else { link_id(link, &consumer, &resource) };
    let shown = if brief { 0 } else { EVIDENCE_SHOWN };
    let via: BTreeSet<&String> = link.witnesses.iter().filter_map(|witness| witness.via.as_ref()).collect();
    let evidence = link.witnesses.iter().take(shown).map(|witness| EvidenceRow {
        basis: witness.basis.word().into(),
        collector: if witness.basis == Basis::Observed { "logs" } else { "source" }.into(),
        vantage: witness.vantage.clone(),
        place: witness.places.first().map(ToString::to_string),
        count: witness.activity.count(),
        first: word(witness.activity.first()),
        last: word(witness.activity.last()),
        sample: witness.sample.clone(),
    });
    LinkRow {
        evidence: evidence.collect(),
        id,
        consumer,
        action: key.action.word().into(),
        resource,
        via: via.into_iter().cloned().collect(),
        bases: link.bases().into_iter().map(|basis| basis.word().into()).collect(),
        class: key.class.word().into(),
        outcome: key.outcome.word().into(),
        scope: key.scope.word().into(),
        explained: link.explained(),
        shadow: link.shadow(),
        confidence: link.confidence.word().into(),
        count: link.count(),
        first: word(span.map(|span| span.first)),
        last: word(span.map(|span| span.last)),
        traits: link.traits.iter().map(ToString::to_string).collect(),
    }
}

fn jobs(parts: &Parts<'_>) -> Vec<JobRow> {
    let from =
        parts.as_of.to_zoned(jiff::tz::TimeZone::UTC).map(|time| time.timestamp().as_second()).unwrap_or(0);
    let row = |job: &crate::resolve::Job| {
        let parsed = schedule::parse(&job.dialect, &job.schedule).ok();
        let zone = schedule::zone(&job.zone);
        let guards = schedule::Guards::of(job.guards.iter().map(String::as_str));
        let next = parsed
            .as_ref()
            .zip(zone.as_ref())
            .and_then(|(schedule, zone)| schedule.next(zone, from - 1).find(|run| guards.lets(*run, zone)));
        JobRow {
            entity: parts.graph.entity(job.entity).id.clone(),
            host: job.host.clone(),
            user: job.account.clone(),
            schedule: job.schedule.clone(),
            words: parsed.as_ref().map(schedule::Schedule::words).unwrap_or_default(),
            dialect: job.dialect.clone(),
            zone: job.zone.clone(),
            zone_known: job.zone_known,
            next: moment(next.map(Stamp::from_seconds)),
            guards: job.guards.clone(),
            waits: once(parts.graph.waits_of(job.entity).map(|it| waits(parts.graph, it))),
            command: job.command.clone(),
            place: job.place.to_string(),
        }
    };
    parts.graph.jobs().iter().map(row).collect()
}

/// Each text once, in the order it first came.
fn once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for text in texts {
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told
}

/// `waits for job:x`.
fn waits(graph: &Graph, it: &crate::resolve::Waits) -> String {
    format!("{} {}", it.order.words(), graph.entity(it.first).id)
}

fn finding(graph: &Graph, finding: &Finding, accepted: &Option<Accepted>) -> FindingRow {
    let id = |entity: Option<EntityId>| entity.map(|entity| graph.entity(entity).id.clone());
    FindingRow {
        fingerprint: finding.fingerprint(graph),
        rule: finding.rule.id.to_owned(),
        family: finding.rule.family.to_owned(),
        severity: finding.severity.word().to_owned(),
        confidence: finding.confidence.word().to_owned(),
        title: finding.title.clone(),
        consumer: id(finding.consumer),
        resource: id(finding.resource),
        upstream: id(finding.upstream),
        downstream: id(finding.downstream),
        via: None,
        facts: finding.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        question: finding.question.clone(),
        places: finding.places.iter().map(ToString::to_string).collect(),
        new: false,
        accepted: accepted.as_ref().map(|it| it.reason.clone()),
        accepted_until: accepted.as_ref().and_then(|it| it.until).map(|day| day.to_string()),
        accepted_by: accepted.as_ref().and_then(|it| it.owner.clone()),
    }
}

fn gap(gap: &Gap) -> GapRow {
    GapRow {
        place: gap.place.to_string(),
        code: gap.code.word().to_owned(),
        detail: gap.detail.to_string(),
        count: gap.count,
    }
}

/// Addresses that are told as one: the busiest, each with its requests.
fn folds(evidence: &Evidence) -> Vec<FoldRow> {
    let row = |name: &Text, address: &str, count: u64| FoldRow {
        from: address.to_owned(),
        to: format!("client:{name}"),
        count,
    };
    let rows = |(name, crowd): (&Text, &crate::evidence::Crowd)| {
        let busiest = crowd.busiest().into_iter().map(|(address, count)| row(name, address, count));
        busiest.collect::<Vec<_>>()
    };
    evidence.crowds().flat_map(rows).collect()
}

fn coverage(parts: &Parts<'_>) -> Vec<CoverageRow> {
    let mut rows: BTreeMap<String, Vec<&crate::evidence::Vantage>> = BTreeMap::new();
    for vantage in parts.evidence.vantages() {
        let system = parts.graph.watched_by(&vantage.id).unwrap_or(&vantage.of.text);
        rows.entry(system.to_owned()).or_default().push(vantage);
    }
    let row = |(resource, vantages): (String, Vec<&crate::evidence::Vantage>)| CoverageRow {
        resource,
        vantages: vantages.iter().map(|vantage| vantage.id.to_string()).collect(),
        spans: vantages.iter().flat_map(|vantage| vantage.spans.iter().map(window)).collect(),
        sees: vantages.iter().map(|vantage| vantage.sees).max().map(sees).unwrap_or_default(),
    };
    rows.into_iter().map(row).collect()
}

/// Rules that say of somebody's use that nothing explains it.
const ABOUT_SURPRISE: [&str; 4] =
    ["shadow-consumer", "borrowed-credentials", "unofficial-consumer", "undeclared-use"];

/// What somebody accepted: whose use of what surprises nobody.
struct AcceptedUses(BTreeSet<(EntityId, EntityId)>);

impl AcceptedUses {
    fn of(parts: &Parts<'_>) -> AcceptedUses {
        let accepted = parts.findings.iter().zip(parts.accepted).filter(|(_, accepted)| accepted.is_some());
        let about = accepted.filter(|(finding, _)| ABOUT_SURPRISE.contains(&finding.rule.id));
        AcceptedUses(about.filter_map(|(finding, _)| Some((finding.consumer?, finding.resource?))).collect())
    }

    /// Whether this use is among them, or that of all its system.
    fn hold(&self, graph: &Graph, link: &Link) -> bool {
        let LinkKey { consumer, resource, .. } = link.key;
        self.0.contains(&(consumer, graph.system_of(resource))) || self.0.contains(&(consumer, resource))
    }
}

/// The share of observed application traffic that worked and that nothing explains: declared, written by the same
/// consumer, or accepted. A bare connection is a use where its consumer does nothing finer at that system.
fn surprise(graph: &Graph, accepted: &AcceptedUses) -> Surprise {
    let observed =
        |link: &&Link| link.observed() && link.key.class == Class::App && link.key.outcome == Outcome::Ok;
    let connects = |link: &Link| link.key.action == Action::Connect;
    let at = |link: &Link| (link.key.consumer, graph.system_of(link.key.resource));
    let finer: BTreeSet<(EntityId, EntityId)> =
        graph.links().filter(observed).filter(|link| !connects(link)).map(at).collect();
    let mut rows: BTreeMap<EntityId, (u64, u64)> = BTreeMap::new();
    for link in graph.links().filter(observed) {
        if connects(link) && finer.contains(&at(link)) {
            continue;
        }
        let row = rows.entry(graph.system_of(link.key.resource)).or_default();
        row.0 += 1;
        row.1 += u64::from(link.shadow() && !accepted.hold(graph, link));
    }
    let by_resource: Vec<SurpriseRow> = rows
        .iter()
        .map(|(system, (all, shadow))| SurpriseRow {
            resource: graph.entity(*system).id.clone(),
            density: share(*shadow, *all),
            observed_links: *all,
            shadow_links: *shadow,
        })
        .collect();
    let all: u64 = rows.values().map(|(all, _)| all).sum();
    let shadow = rows.values().map(|(_, shadow)| shadow).sum();
    Surprise { density: share(shadow, all), observed_links: all, shadow_links: shadow, by_resource }
}
