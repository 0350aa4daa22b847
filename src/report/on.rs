//! Who depends on a resource, and what hangs behind them: the consumers of everything a pattern matches, by
//! who they are and when they were last seen, then what those consumers make of it and who takes that. It
//! reads a report and nothing else; that nobody was seen is said only with who looked.

use super::text::line;
use super::{LinkRow, Report, spans_in_words};
use globset::{GlobBuilder, GlobMatcher};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How many steps behind a resource are followed at most.
pub const MAX_STEPS: usize = 16;

/// A pattern over ids in which `*` crosses every sign.
fn matcher(pattern: &str) -> Option<GlobMatcher> {
    GlobBuilder::new(pattern).literal_separator(false).build().ok().map(|glob| glob.compile_matcher())
}

/// One consumer of one resource.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Dependent {
    pub step: usize,
    pub resource: String,
    pub consumer: String,
    /// What kind of consumer it is, where that is known.
    pub is: Option<String>,
    pub actions: Vec<String>,
    pub class: String,
    pub bases: Vec<String>,
    pub shadow: bool,
    pub count: u64,
    pub first: Option<String>,
    pub last: Option<String>,
    pub owner: Option<String>,
    pub names: Vec<String>,
}

/// The answer.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Answer {
    pub pattern: String,
    pub resources: Vec<String>,
    pub window: super::Window,
    pub dependents: Vec<Dependent>,
    pub coverage: Vec<super::CoverageRow>,
}

/// The resources of a report that a pattern means: an id, a glob over ids, or the end of an id.
fn resources(report: &Report, pattern: &str) -> Vec<String> {
    let used: BTreeSet<&str> = report.links.iter().map(|link| &*link.resource).collect();
    let whole: BTreeSet<&str> = report.entities.iter().filter_map(|e| e.part_of.as_deref()).collect();
    let candidates = report.entities.iter().map(|entity| entity.id.as_str());
    let known: Vec<&str> = candidates.filter(|id| used.contains(id) || whole.contains(id)).collect();
    let pick = |fits: &dyn Fn(&str) -> bool| -> Vec<String> {
        known.iter().filter(|id| fits(id)).map(|id| (*id).to_owned()).collect()
    };
    let exact = pick(&|id| id == pattern);
    if !exact.is_empty() {
        return exact;
    }
    let ending =
        pick(&|id| id.strip_suffix(pattern).is_some_and(|head| head.ends_with([':', '/', '.', ' '])));
    if !ending.is_empty() {
        return ending;
    }
    let system = pick(&|id| system_of(id) == pattern);
    if !system.is_empty() {
        return system;
    }
    match matcher(pattern) {
        Some(glob) => pick(&|id| glob.is_match(id)),
        None => Vec::new(),
    }
}

/// Whether a resource is, or is a part of, another.
fn within(report: &Report, resource: &str, whole: &str) -> bool {
    let mut at = Some(resource);
    for _ in 0..8 {
        match at {
            Some(id) if id == whole => return true,
            Some(id) => {
                let row = report.entities.binary_search_by(|entity| entity.id.as_str().cmp(id)).ok();
                at = row.and_then(|index| report.entities[index].part_of.as_deref());
            }
            None => return false,
        }
    }
    false
}

fn gives(link: &LinkRow) -> bool {
    matches!(link.action.as_str(), "write" | "export" | "publish")
}

fn takes(link: &LinkRow) -> bool {
    matches!(link.action.as_str(), "read" | "import" | "consume" | "call")
}

/// Whether the consumer of a link makes the resource itself.
fn makes(links: &[&LinkRow], link: &LinkRow) -> bool {
    links
        .iter()
        .any(|other| other.consumer == link.consumer && other.resource == link.resource && gives(other))
}

/// Answers; `depth` counts steps: 1 is the consumers themselves. The error says what to try.
pub fn ask(report: &Report, pattern: &str, depth: usize) -> Result<Answer, String> {
    let found = resources(report, pattern);
    if found.is_empty() {
        return Err(format!(
            "{pattern}: no resource of this scan; an id (table:shop-db/shop/public.orders), its end (public.orders) or a glob (table:*.orders*)"
        ));
    }
    let worked: Vec<&LinkRow> =
        report.links.iter().filter(|link| link.outcome == "ok" && link.scope == "production").collect();
    let mut dependents = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut at: BTreeSet<String> = found.iter().cloned().collect();
    for step in 1..=depth.clamp(1, MAX_STEPS) {
        let mut consumers: BTreeSet<&str> = BTreeSet::new();
        let mut rows: BTreeMap<(&str, &str, &str), Vec<&LinkRow>> = BTreeMap::new();
        for link in &worked {
            // The first step is everybody; behind it only those who take what the step before gave.
            let touches = at.iter().any(|whole| within(report, &link.resource, whole));
            let handed = link.class == "app" && takes(link) && !makes(&worked, link);
            if touches && (step == 1 || handed) {
                rows.entry((&link.resource, &link.consumer, &link.class)).or_default().push(link);
                // Who only fills it hands nothing of it on.
                if takes(link) {
                    consumers.insert(&link.consumer);
                }
            }
        }
        dependents.extend(rows.into_iter().map(|((resource, consumer, class), links)| {
            dependent(report, step, resource, consumer, class, &links)
        }));
        seen.extend(std::mem::take(&mut at));
        let next = worked.iter().filter(|link| link.class == "app" && gives(link));
        at = next
            .filter(|link| consumers.contains(&*link.consumer) && !seen.contains(&*link.resource))
            .map(|link| link.resource.to_string())
            .collect();
        // Who calls a service hangs behind what the service takes.
        let served = report.entities.iter().filter(|entity| {
            entity.kind == "endpoint" && entity.part_of.as_deref().is_some_and(|of| consumers.contains(of))
        });
        at.extend(served.map(|entity| entity.id.clone()).filter(|id| !seen.contains(id)));
        if at.is_empty() {
            break;
        }
    }
    let systems: BTreeSet<&str> = found.iter().map(|id| system_of(id)).collect();
    let coverage =
        report.coverage.iter().filter(|row| systems.contains(row.resource.as_str())).cloned().collect();
    Ok(Answer {
        pattern: pattern.to_owned(),
        resources: found,
        window: report.window.clone(),
        dependents,
        coverage,
    })
}

/// The system part of an id.
fn system_of(id: &str) -> &str {
    let rest = id.split_once(':').map_or(id, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

fn dependent(
    report: &Report,
    step: usize,
    resource: &str,
    consumer: &str,
    class: &str,
    links: &[&LinkRow],
) -> Dependent {
    let all = |pick: &dyn Fn(&LinkRow) -> Vec<String>| -> Vec<String> {
        links.iter().flat_map(|link| pick(link)).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let row = report.entities.iter().find(|entity| entity.id == consumer);
    let kinds = ["user", "application", "host", "address", "script"];
    let names = row.map_or(Vec::new(), |row| {
        let told = row.mentions.iter().filter(|mention| kinds.contains(&mention.kind.as_str()));
        told.map(|mention| format!("{} {}", mention.kind, mention.text)).take(8).collect()
    });
    Dependent {
        step,
        resource: resource.to_owned(),
        consumer: consumer.to_owned(),
        is: row.and_then(|row| row.class.clone()),
        actions: all(&|link| vec![link.action.to_string()]),
        class: class.to_owned(),
        bases: all(&|link| link.bases.iter().map(ToString::to_string).collect()),
        shadow: links.iter().any(|link| link.shadow),
        count: links.iter().map(|link| link.count).max().unwrap_or(0),
        first: links.iter().filter_map(|link| link.first.as_ref()).min().map(ToString::to_string),
        last: links.iter().filter_map(|link| link.last.as_ref()).max().map(ToString::to_string),
        owner: row.and_then(|row| row.owner.clone()),
        names,
    }
}

/// The answer for people.
pub fn text(answer: &Answer) -> String {
    let mut out = String::new();
    match (&answer.window.first, &answer.window.last) {
        (Some(first), Some(last)) => line(&mut out, &format!("observed from {first} to {last}")),
        _ => line(&mut out, "nothing was observed: no log or capture of that time among the inputs"),
    }
    let mut at: Option<(usize, &str)> = None;
    for row in &answer.dependents {
        if at != Some((row.step, &row.resource)) {
            line(&mut out, "");
            let behind =
                if row.step > 1 { format!(" (step {} behind it)", row.step - 1) } else { String::new() };
            line(&mut out, &format!("{}{behind}", row.resource));
            at = Some((row.step, &row.resource));
        }
        let class = if row.class == "app" { String::new() } else { format!(" [{}]", row.class) };
        // What its id says already is not said again.
        let is =
            row.is.as_ref().filter(|is| !row.consumer.starts_with(&format!("{is}:")) && **is != row.class);
        let is = is.map_or(String::new(), |is| format!(" ({is})"));
        let shadow = if row.shadow { " SHADOW" } else { "" };
        let often = match (&row.last, row.count) {
            (Some(last), 1) => format!("once, {last}"),
            (Some(last), count) => format!("{count} times, last {last}"),
            (None, _) => "never seen".to_owned(),
        };
        let owner = row.owner.as_ref().map_or(String::new(), |owner| format!(", {owner}"));
        line(
            &mut out,
            &format!(
                "  {}{is}{class}{shadow}: {}; {often}; {}{owner}",
                row.consumer,
                row.actions.join(", "),
                row.bases.join(", ")
            ),
        );
        if !row.names.is_empty() {
            line(&mut out, &format!("      {}", row.names.join(", ")));
        }
    }
    if answer.dependents.is_empty() {
        line(&mut out, "");
        line(
            &mut out,
            &format!("Nobody was seen using {}, and no text of the scan does.", answer.resources.join(", ")),
        );
    }
    line(&mut out, "");
    if answer.coverage.is_empty() {
        line(&mut out, "No log of the scan watched this: that nobody was seen proves nothing.");
    }
    for row in &answer.coverage {
        let spans = spans_in_words(&row.spans);
        line(&mut out, &format!("looked at {}: {} (sees {})", row.resource, spans, row.sees));
    }
    out
}
