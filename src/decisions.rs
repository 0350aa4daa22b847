//! What was decided about findings, `[[accept]]` in the settings: which findings each entry means, and which entries no
//! longer hold. An entry that expired or was overtaken accepts nothing, and is told of with its line and key; no finding
//! is left out for it.

use crate::evidence::{Action, Class, Gap, GapCode, Outcome, Place, Scope, Text};
use crate::findings::Finding;
use crate::graph::Graph;
use crate::resolve::{EntityId, Link};
use crate::settings::{AcceptEntry, id_glob};
use jiff::civil::Date;
use std::collections::BTreeSet;

/// Why a finding is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The reason.
    pub reason: String,
    /// Who decided.
    pub owner: Option<String>,
    /// The last day it holds.
    pub until: Option<Date>,
}

/// How many uses a message lists.
const LISTED: usize = 4;

/// Rules about somebody whom no inventory lists.
const ABOUT_STRANGERS: [&str; 3] = ["shadow-consumer", "borrowed-credentials", "unofficial-consumer"];

/// Which findings are accepted, in their order, and which entries no longer hold. A finding that an expired entry meant
/// says so in its facts.
pub fn apply(
    graph: &Graph,
    findings: &mut [Finding],
    entries: &[AcceptEntry],
    as_of: Date,
    file: &Text,
) -> (Vec<Option<Accepted>>, Vec<Gap>) {
    let mut book = Book { graph, as_of, file, accepted: vec![None; findings.len()], stale: Vec::new() };
    let mut lapsed = Vec::new();
    for entry in entries {
        let hits: Vec<usize> = (0..findings.len()).filter(|at| book.means(entry, &findings[*at])).collect();
        let ended = entry.until.as_deref().map(|until| until.parse::<Date>());
        match ended {
            Some(Err(_)) => book.say(entry, "until", "is no day (YYYY-MM-DD): it accepts nothing".to_owned()),
            Some(Ok(until)) if until < as_of => lapsed.push((entry, until, hits)),
            Some(Ok(_)) | None if hits.is_empty() => book.unused(entry, findings),
            until => book.accept(entry, until.and_then(Result::ok), &hits, findings),
        }
    }
    for (entry, until, hits) in lapsed {
        book.lapse(entry, until, &hits, findings);
    }
    (book.accepted, book.stale)
}

struct Book<'a> {
    graph: &'a Graph,
    as_of: Date,
    file: &'a Text,
    accepted: Vec<Option<Accepted>>,
    stale: Vec<Gap>,
}

/// A pattern that is not given fits everything.
fn fits(pattern: Option<&str>, id: &str) -> bool {
    pattern.is_none_or(|pattern| id_glob(pattern).is_some_and(|glob| glob.is_match(id)))
}

impl Book<'_> {
    fn id(&self, entity: Option<EntityId>) -> &str {
        entity.map_or("", |entity| self.graph.entity(entity).id.as_str())
    }

    /// By key of an entry: what it says, and what a finding has there.
    fn keys<'e>(
        &'e self,
        entry: &'e AcceptEntry,
        finding: &Finding,
    ) -> [(&'static str, Option<&'e str>, &'e str); 4] {
        let consumer = finding.consumer.or(finding.downstream);
        [
            ("rule", Some(&entry.rule), finding.rule.id),
            ("consumer", entry.consumer.as_deref(), self.id(consumer)),
            ("resource", entry.resource.as_deref(), self.id(finding.resource)),
            ("upstream", entry.upstream.as_deref(), self.id(finding.upstream)),
        ]
    }

    fn means(&self, entry: &AcceptEntry, finding: &Finding) -> bool {
        self.keys(entry, finding).into_iter().all(|(_, pattern, id)| fits(pattern, id))
    }

    /// Tells of an entry, at the line of one of its keys.
    fn say(&mut self, entry: &AcceptEntry, key: &str, what: String) {
        let line = entry.lines.get(key).or_else(|| entry.lines.get("rule")).copied();
        let place = line.map_or(Place::whole(self.file), |line| Place::line(self.file, line));
        let value = match key {
            "consumer" => entry.consumer.as_deref(),
            "resource" => entry.resource.as_deref(),
            "upstream" => entry.upstream.as_deref(),
            "until" => entry.until.as_deref(),
            _ => None,
        };
        let at = value.map_or(String::new(), |value| format!("{key} = {value:?} "));
        let detail = format!("[[accept]] rule = {:?}, reason = {:?} {at}{what}", entry.rule, entry.reason);
        self.stale.push(Gap::new(place, GapCode::StaleAccept, detail));
    }

    fn accept(&mut self, entry: &AcceptEntry, until: Option<Date>, hits: &[usize], findings: &[Finding]) {
        let stated: BTreeSet<&str> = entry.uses.iter().map(String::as_str).collect();
        for hit in hits {
            let does = does(self.graph, &findings[*hit]);
            let beyond: Vec<&str> =
                does.iter().map(String::as_str).filter(|it| !stated.contains(it)).collect();
            if !stated.is_empty() && !beyond.is_empty() {
                let more = beyond.len().saturating_sub(LISTED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let beyond = beyond.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
                let who = self.id(findings[*hit].consumer).to_owned();
                let what = format!(
                    "is contradicted: {who} also does {beyond}{more}, which `uses` does not state; the finding is back"
                );
                self.say(entry, "uses", what);
                continue;
            }
            let own = Accepted { reason: entry.reason.clone(), owner: entry.owner.clone(), until };
            let before = self.accepted[*hit].replace(own);
            if before.is_some_and(|before| before.reason != entry.reason) {
                self.say(
                    entry,
                    "reason",
                    "gives another reason than an entry before it for one finding".to_owned(),
                );
            }
        }
    }

    fn lapse(&mut self, entry: &AcceptEntry, until: Date, hits: &[usize], findings: &mut [Finding]) {
        let mut back = 0;
        for hit in hits.iter().filter(|hit| self.accepted[**hit].is_none()) {
            back += 1;
            findings[*hit].facts.insert("was_accepted", format!("until {until}: {}", entry.reason));
        }
        let days = i64::from(self.as_of.since(until).map_or(0, |span| span.get_days()));
        let ago = if days == 1 { "1 day ago".to_owned() } else { format!("{days} days ago") };
        let what = match back {
            0 => format!("has expired {ago}, and no finding is left that it means"),
            1 => format!("has expired {ago}; its finding is back"),
            _ => format!("has expired {ago}; its {back} findings are back"),
        };
        self.say(entry, "until", what);
    }

    /// An entry that means no finding: because somebody declared what it accepts, or by which key.
    fn unused(&mut self, entry: &AcceptEntry, findings: &[Finding]) {
        let about_strangers = ABOUT_STRANGERS.iter().any(|rule| fits(Some(&entry.rule), rule));
        let listed = entry.consumer.as_deref().filter(|_| about_strangers).and_then(|pattern| {
            let mut all = self.graph.consumers().map(|(_, entity)| entity);
            let found = all.find(|entity| entity.declared && fits(Some(pattern), &entity.id))?;
            let declared = found.mentions.values().find_map(|why| why.strip_prefix("declared at "));
            Some(format!(
                "is declared at {} as well: one of the two is out of date",
                declared.unwrap_or("another place")
            ))
        });
        if let Some(what) = listed {
            return self.say(entry, "consumer", what);
        }
        let mut left: Vec<&Finding> = findings.iter().collect();
        for key in ["rule", "consumer", "resource", "upstream"] {
            left.retain(|finding| {
                let own = self.keys(entry, finding).into_iter().find(|(name, ..)| *name == key);
                own.is_none_or(|(_, pattern, id)| fits(pattern, id))
            });
            if left.is_empty() {
                return self.say(entry, key, "matches no finding".to_owned());
            }
        }
    }
}

/// What the consumer of a finding does at its resource, as `ACTION ID`.
fn does(graph: &Graph, finding: &Finding) -> BTreeSet<String> {
    let (Some(consumer), Some(resource)) = (finding.consumer, finding.resource) else {
        return BTreeSet::new();
    };
    let counts = |link: &&Link| {
        let key = &link.key;
        let worked = key.outcome == Outcome::Ok && key.scope == Scope::Production && key.class == Class::App;
        worked && key.action != Action::Connect && graph.wholes(key.resource).any(|whole| whole == resource)
    };
    let told = |link: &Link| format!("{} {}", link.key.action.word(), graph.entity(link.key.resource).id);
    graph.links_of(consumer).into_iter().filter(counts).map(told).collect()
}
