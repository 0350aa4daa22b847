//! The head of a report: how many consumers there are and how they are known, how much of the traffic is none of an
//! application's, and what to ask whom. It counts rows of the report and looks at nothing else.

use super::on::Index;
use super::{Ask, Audit, FindingRow, Noise, Open, Report};
use crate::findings::Severity;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Counts a whole report.
pub fn audit(report: &Report) -> Audit {
    let mut audit = Audit { asks: asks(report), ..Audit::default() };
    let index = Index::of(report);
    let mut noise: BTreeMap<&str, (BTreeSet<&str>, u64)> = BTreeMap::new();
    let (mut all, mut declared, mut written): (BTreeSet<&str>, _, _) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut observed, mut shadow) = (BTreeSet::new(), BTreeSet::new());
    for link in report.links.iter().filter(|link| link.outcome == "ok" && link.scope == "production") {
        let who = &*link.consumer;
        if link.class != "app" {
            let row = noise.entry(&link.class).or_default();
            row.0.insert(who);
            row.1 = row.1.saturating_add(link.count);
            continue;
        }
        all.insert(who);
        let has = |basis: &str| link.bases.iter().any(|own| own == basis);
        if has("declared") || index.find(who).is_some_and(|at| index.entity(at).declared) {
            declared.insert(who);
        }
        for (basis, seen) in [("written", &mut written), ("observed", &mut observed)] {
            if has(basis) {
                seen.insert(who);
            }
        }
        if link.shadow {
            shadow.insert(who);
        }
    }
    audit.consumers = all.len();
    (audit.declared, audit.written) = (declared.len(), written.len());
    (audit.observed, audit.shadow) = (observed.len(), shadow.len());
    audit.noise = noise
        .into_iter()
        .map(|(class, (who, count))| Noise { class: class.to_owned(), consumers: who.len(), count })
        .collect();
    audit
}

/// Open questions by whoever may answer: the owner of the consumer it is about, else of the resource.
fn asks(report: &Report) -> Vec<Ask> {
    let index = Index::of(report);
    let owner =
        |id: &Option<String>| index.find(id.as_deref()?).and_then(|at| index.entity(at).owner.clone());
    let of_whole = |id: &Option<String>| {
        let at = index.find(id.as_deref()?)?;
        let chain = std::iter::once(at).chain(index.wholes(at));
        chain.filter_map(|at| index.entity(at).owner.clone()).next()
    };
    let whom = |finding: &FindingRow| {
        let consumer = owner(&finding.consumer)
            .or_else(|| owner(&finding.downstream))
            .or_else(|| owner(&finding.upstream));
        match (consumer, of_whole(&finding.resource)) {
            (Some(owner), _) => (0, Some(owner)),
            (None, Some(owner)) => (1, Some(owner)),
            (None, None) => (2, None),
        }
    };
    let mut groups: BTreeMap<(i32, Option<String>), Vec<&FindingRow>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.accepted.is_none()) {
        groups.entry(whom(finding)).or_default().push(finding);
    }
    let words = ["owner of the consumer", "owner of the resource", "nobody known"];
    let group = |((how, owner), mut findings): ((i32, Option<String>), Vec<&FindingRow>)| {
        findings.sort_by_key(|it| (Reverse(Severity::from_word(&it.severity)), &it.rule, &it.fingerprint));
        let open = |it: &FindingRow| Open {
            fingerprint: it.fingerprint.clone(),
            rule: it.rule.clone(),
            severity: it.severity.clone(),
            resource: it.resource.clone(),
            question: it.question.clone(),
        };
        Ask {
            owner,
            because: words[usize::try_from(how).unwrap_or(2)].to_owned(),
            questions: findings.into_iter().map(open).collect(),
        }
    };
    let mut asks: Vec<Ask> = groups.into_iter().map(group).collect();
    // Whoever is asked the gravest comes first; the order among equals stays.
    asks.sort_by_key(|ask| {
        Reverse(ask.questions.iter().filter_map(|it| Severity::from_word(&it.severity)).max())
    });
    asks
}
