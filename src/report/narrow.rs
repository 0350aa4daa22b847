//! The report of a migration: what depends on the systems that `[migration] systems` names, with everything that reaches
//! them over views, exports, chained jobs and services in between. It only leaves out, and counts what it leaves out; what
//! could not be seen stays whole.

use super::on::{Index, pick, reach, resource_like};
use super::{GapRow, LeftOut, MigrationRow, Report, Surprise, SurpriseRow, Target};
use std::collections::{BTreeMap, BTreeSet};

/// What is kept.
struct Kept {
    resources: BTreeSet<String>,
    /// What the resources are parts of.
    wholes: BTreeSet<String>,
    consumers: BTreeSet<String>,
    /// Who does anything at all in the whole report.
    doing: BTreeSet<String>,
}

/// Narrows a report. A pattern that means nothing is a gap, and where none means anything the report stays whole.
pub fn narrow(report: &mut Report, systems: &[String]) {
    let index = Index::of(report);
    let found: Vec<Vec<usize>> =
        systems.iter().map(|pattern| pick(&index, pattern, &|at| resource_like(&index, at))).collect();
    let targets: Vec<Target> = systems
        .iter()
        .zip(&found)
        .map(|(name, found)| Target { system: name.clone(), matches: found.len() })
        .collect();
    let asked: Vec<usize> = found.into_iter().flatten().collect();
    let (resources, consumers) = reach(&index, &asked);
    let id = |at: &usize| index.id(*at).to_owned();
    let kept = Kept {
        wholes: resources.iter().flat_map(|at| index.wholes(*at)).map(|at| id(&at)).collect(),
        resources: resources.iter().map(id).collect(),
        consumers: consumers.iter().map(id).collect(),
        doing: report.links.iter().map(|link| link.consumer.to_string()).collect(),
    };
    for target in targets.iter().filter(|target| target.matches == 0) {
        report.gaps.push(unmatched(&target.system, asked.is_empty()));
    }
    report.gaps.sort_by(|a, b| (&a.place, &a.code, &a.detail).cmp(&(&b.place, &b.code, &b.detail)));
    let left_out = if asked.is_empty() { LeftOut::default() } else { cut(report, &kept) };
    report.migration = Some(MigrationRow { narrowed: !asked.is_empty(), targets, left_out });
}

fn unmatched(system: &str, all: bool) -> GapRow {
    let whole = if all { ", nor does any other: the report is not narrowed" } else { "" };
    GapRow {
        place: "whodepends.toml".to_owned(),
        code: "bad-config".to_owned(),
        detail: format!("[migration] systems: {system:?} matches nothing of this scan{whole}"),
        count: 1,
    }
}

impl Kept {
    fn link(&self, link: &super::LinkRow) -> bool {
        self.resources.contains(&*link.resource)
            || (self.wholes.contains(&*link.resource) && self.consumers.contains(&*link.consumer))
    }

    fn finding(&self, finding: &super::FindingRow) -> bool {
        let who = [&finding.consumer, &finding.upstream, &finding.downstream];
        let mut who = who.into_iter().flatten();
        match &finding.resource {
            Some(resource) if self.resources.contains(resource) => true,
            // Of a whole, of which only a part is kept: who uses that part, or is known to use nothing.
            Some(resource) if self.wholes.contains(resource) => {
                who.all(|who| self.consumers.contains(who) || !self.doing.contains(who))
            }
            Some(_) => false,
            None => who.any(|who| self.consumers.contains(who)),
        }
    }
}

/// Takes out what is not kept, and what nothing that is kept names any more.
fn cut(report: &mut Report, kept: &Kept) -> LeftOut {
    let before = (report.links.len(), report.findings.len(), report.jobs.len(), report.entities.len());
    report.links.retain(|link| kept.link(link));
    report.findings.retain(|finding| kept.finding(finding));
    let doing: BTreeSet<&str> = report.links.iter().map(|link| &*link.consumer).collect();
    let consumers = kept.doing.iter().filter(|who| !doing.contains(who.as_str())).count();
    let mut named: BTreeSet<String> = kept.wholes.union(&kept.consumers).cloned().collect();
    named.extend(report.links.iter().flat_map(|link| [link.consumer.to_string(), link.resource.to_string()]));
    for finding in &report.findings {
        let ends =
            [&finding.consumer, &finding.resource, &finding.upstream, &finding.downstream, &finding.via];
        named.extend(ends.into_iter().flatten().cloned());
    }
    report.jobs.retain(|job| named.contains(&job.entity));
    let mut open: Vec<String> = named.iter().cloned().collect();
    while let Some(id) = open.pop() {
        let row = report.entities.binary_search_by(|entity| entity.id.cmp(&id));
        let whole = row.ok().and_then(|at| report.entities[at].part_of.clone());
        open.extend(whole.filter(|whole| named.insert(whole.clone())));
    }
    report.entities.retain(|entity| named.contains(&entity.id));
    for entity in &mut report.entities {
        entity.derives_from.retain(|base| named.contains(base));
    }
    report.folds.retain(|fold| named.contains(&fold.to));
    report.surprise = surprise(report);
    LeftOut {
        consumers,
        links: before.0 - report.links.len(),
        findings: before.1 - report.findings.len(),
        jobs: before.2 - report.jobs.len(),
        entities: before.3 - report.entities.len(),
    }
}

/// The surprise of what is kept.
fn surprise(report: &Report) -> Surprise {
    let index = Index::of(report);
    let mut rows: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for link in &report.links {
        let observed = link.bases.iter().any(|basis| basis == "observed");
        if observed && link.class == "app" && link.outcome == "ok" && link.action != "connect" {
            let system = index.find(&link.resource).and_then(|at| index.wholes(at).last().copied());
            let row = rows.entry(system.map_or(&*link.resource, |at| index.id(at))).or_default();
            row.0 += 1;
            row.1 += u64::from(link.shadow);
        }
    }
    let row = |(resource, (all, shadow)): (&&str, &(u64, u64))| SurpriseRow {
        resource: (*resource).to_owned(),
        density: super::share(*shadow, *all),
        observed_links: *all,
        shadow_links: *shadow,
    };
    let by_resource: Vec<SurpriseRow> = rows.iter().map(row).collect();
    let (all, shadow) = rows.values().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    Surprise { density: super::share(shadow, all), observed_links: all, shadow_links: shadow, by_resource }
}
