//! One finding, or one entity, with the whole chain of evidence: the rule's reasons, who everybody is and why
//! they were joined or kept apart, and every piece of evidence of the links it rests on. It adds nothing to
//! the report and looks at nothing else.

use super::text::{accepted_why, line, show};
use super::{EntityRow, FindingRow, LinkRow, Report};
use crate::findings::RULES;
use std::collections::BTreeSet;

/// How many entities deep a resource is followed to what it is a part of.
const MAX_PARTS: usize = 8;

fn heading(out: &mut String, text: &str) {
    line(out, "");
    line(out, text);
}

/// The finding whose fingerprint begins with this text, explained; the error says what to try.
pub fn finding(report: &Report, fingerprint: &str) -> Result<String, String> {
    let wanted = fingerprint.to_ascii_lowercase();
    let found: Vec<_> = report.findings.iter().filter(|f| f.fingerprint.starts_with(&wanted)).collect();
    let found = match found[..] {
        [only] => only,
        [] => return Err(format!("{fingerprint}: no finding of this scan has this fingerprint")),
        _ => return Err(format!("{fingerprint}: several findings begin so; give more of it")),
    };
    let mut out = String::new();
    show(&mut out, found);
    if found.accepted.is_some() {
        line(&mut out, &format!("accepted in whodepends.toml: {}", accepted_why(found)));
    }
    if let Some(rule) = RULES.iter().find(|rule| rule.manual().id == found.rule) {
        line(&mut out, "What the rule finds");
        line(&mut out, &format!("  {}", rule.manual().what));
        heading(&mut out, "Why it hurts at a cutover");
        line(&mut out, &format!("  {}", rule.manual().why));
        heading(&mut out, "What to ask");
        line(&mut out, &format!("  {}", rule.manual().ask));
    }
    let who: Vec<&String> =
        [&found.consumer, &found.upstream, &found.downstream].into_iter().flatten().collect();
    for id in &who {
        identity(&mut out, report, id);
    }
    heading(&mut out, "What it rests on");
    let rests = |link: &&LinkRow| {
        who.iter().any(|id| **id == *link.consumer)
            && found.resource.as_deref().is_none_or(|whole| within(report, &link.resource, whole))
    };
    let mut any = false;
    for row in report.links.iter().filter(rests) {
        any = true;
        link(&mut out, row);
    }
    if !any {
        let place = found.resource.as_deref();
        let there = |link: &&LinkRow| place.is_some_and(|whole| within(report, &link.resource, whole));
        let mut others = report.links.iter().filter(there).peekable();
        let what = if others.peek().is_some() {
            "  no use of theirs was seen or is written; what others do there:"
        } else {
            "  nobody's use of it was seen or is written"
        };
        line(&mut out, what);
        others.for_each(|row| link(&mut out, row));
    }
    Ok(out)
}

/// The entity of this id, explained: its names, whom it was not joined with, what it does and who uses it.
pub fn entity(report: &Report, id: &str) -> Result<String, String> {
    let Some(row) = report.entities.iter().find(|entity| entity.id == id) else {
        let name = id.rsplit([':', '/']).next().unwrap_or(id);
        let near: Vec<&str> = report
            .entities
            .iter()
            .map(|e| e.id.as_str())
            .filter(|other| other.contains(name))
            .take(5)
            .collect();
        let hint =
            if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
        return Err(format!("{id}: no entity of this scan has this id{hint}"));
    };
    let mut out = String::new();
    line(&mut out, &row.id);
    for (name, value) in [("part of", &row.part_of), ("owner", &row.owner), ("class", &row.class)] {
        if let Some(value) = value {
            line(&mut out, &format!("  {name:<10} {value}"));
        }
    }
    line(&mut out, &format!("  {:<10} {}", "declared", if row.declared { "yes" } else { "no" }));
    identity(&mut out, report, id);
    section(&mut out, report, "What it does", |link| &*link.consumer == id);
    section(&mut out, report, "Who uses it", |link| within(report, &link.resource, id));
    Ok(out)
}

fn section(out: &mut String, report: &Report, title: &str, belongs: impl Fn(&LinkRow) -> bool) {
    let mut rows = report.links.iter().filter(|link| belongs(link)).peekable();
    if rows.peek().is_some() {
        heading(out, title);
    }
    for row in rows {
        link(out, row);
    }
}

/// What the consumer of a finding does at its resource, as `ACTION ID`.
pub fn does(report: &Report, finding: &FindingRow) -> Vec<String> {
    let (Some(consumer), Some(resource)) = (&finding.consumer, &finding.resource) else { return Vec::new() };
    let counts = |link: &&LinkRow| {
        let worked = link.class == "app" && link.outcome == "ok" && link.scope == "production";
        worked
            && link.action != "connect"
            && &*link.consumer == consumer
            && within(report, &link.resource, resource)
    };
    let told = report.links.iter().filter(counts).map(|link| format!("{} {}", link.action, link.resource));
    told.collect::<BTreeSet<String>>().into_iter().collect()
}

/// Whether a resource is, or is a part of, another.
fn within(report: &Report, resource: &str, whole: &str) -> bool {
    let mut at = resource;
    for _ in 0..MAX_PARTS {
        if at == whole {
            return true;
        }
        let row = report.entities.binary_search_by(|entity| entity.id.as_str().cmp(at)).ok();
        match row.and_then(|index| report.entities[index].part_of.as_deref()) {
            Some(part_of) => at = part_of,
            None => return false,
        }
    }
    false
}

/// Who somebody is: the names with their reasons, and the refusals.
fn identity(out: &mut String, report: &Report, id: &str) {
    let Some(row) = report.entities.iter().find(|entity| entity.id == id) else { return };
    if !row.mentions.is_empty() {
        heading(out, &format!("Why these are all {id}"));
        names(out, row);
    }
    if !row.not_joined.is_empty() {
        heading(out, &format!("Kept apart from {id}"));
        for other in &row.not_joined {
            line(out, &format!("  {}: {}", other.to, other.why));
        }
    }
    if !row.permitted.is_empty() {
        heading(out, "What its logins may do, which proves no use");
        for may in &row.permitted {
            line(out, &format!("  {} ({})", may.what, may.place));
        }
    }
    for job in report.jobs.iter().filter(|job| job.entity == id) {
        heading(out, &format!("When {id} starts"));
        line(out, &format!("  {} = {} ({}), {}", job.schedule, job.words, job.zone, job.place));
        line(out, &format!("  runs {}", super::text::command(&job.command)));
    }
}

fn names(out: &mut String, row: &EntityRow) {
    let exclusive: BTreeSet<(&str, &str)> = row
        .identifiers
        .iter()
        .filter(|identifier| identifier.exclusive)
        .map(|identifier| (identifier.kind.as_str(), identifier.text.as_str()))
        .collect();
    for mention in &row.mentions {
        let alone = exclusive.contains(&(mention.kind.as_str(), mention.text.as_str()));
        let shared = if alone { "" } else { " (shared with others)" };
        line(out, &format!("  {:<12} {}: {}{shared}", mention.kind, mention.text, mention.why));
    }
}

fn link(out: &mut String, row: &LinkRow) {
    let mut head = format!("  {} [{}]", row.id, row.bases.join(", "));
    if row.count > 0 {
        head.push_str(&format!(" {} times", row.count));
    }
    if let (Some(first), Some(last)) = (&row.first, &row.last) {
        head.push_str(&format!(", {first} to {last}"));
    }
    line(out, &format!("{head}; {} confidence", row.confidence));
    for piece in &row.evidence {
        let place = piece.place.as_deref().unwrap_or("");
        let times = if piece.count > 0 { format!(" {} times", piece.count) } else { String::new() };
        line(out, &format!("    {:<9} {place}{times}", piece.basis));
        if !piece.sample.is_empty() {
            line(out, &format!("              {}", piece.sample));
        }
    }
}
