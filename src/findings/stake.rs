//! What is at stake when a use stops or goes wrong: whether data is changed, whether it looks like that of people, how much
//! of it goes, whether it goes out of the estate, whether it still comes. One scale for all rules about consumers, with its
//! reasons in the finding. That something is rare lowers nothing: what comes once a month is what breaks.

use super::{Severity, who};
use crate::evidence::{Action, Span, Stamp};
use crate::graph::Graph;
use crate::resolve::{Entity, EntityId, Link, count_acts};
use std::collections::{BTreeMap, BTreeSet};

/// From how many points on a finding is high, and from how many medium. Below that it is low, and never less.
const HIGH: i32 = 4;
const MEDIUM: i32 = 2;

/// How many acts a day, over the days it came, are much.
const MUCH_A_DAY: u64 = 100;
/// How many acts are much where nobody says when they were.
const MUCH: u64 = 10_000;

/// On how many days somebody must have come for staying away to mean something.
const DAYS_TO_BE_USUAL: usize = 3;
/// How many days must have been watched for that.
const DAYS_WATCHED: i64 = 4;
const DAY_SECONDS: i64 = 24 * 3600;

/// How many names a reason lists.
const LISTED: usize = 3;

/// Words that stand for people and what is known of them, in the singular; the last ones as German schemas have them.
const PERSONAL: [&str; 42] = [
    "person",
    "people",
    "customer",
    "user",
    "member",
    "patient",
    "patron",
    "employee",
    "staff",
    "student",
    "pupil",
    "citizen",
    "resident",
    "subscriber",
    "applicant",
    "contact",
    "guest",
    "donor",
    "passenger",
    "salary",
    "salaries",
    "payroll",
    "wage",
    "iban",
    "ssn",
    "passport",
    "birth",
    "birthday",
    "birthdate",
    "email",
    "phone",
    "medical",
    "diagnosis",
    "diagnoses",
    "prescription",
    "kunde",
    "kunden",
    "mitarbeiter",
    "gehalt",
    "gehaelter",
    "patienten",
    "personen",
];

/// The words of a name: parted by what is no letter, and by capitals within.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_alphabetic() || (small && c.is_uppercase()) {
            words.push(String::new());
        }
        small = c.is_lowercase();
        if let (true, Some(word)) = (c.is_alphabetic(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    words
}

/// Whether a resource's own name has a whole word that stands for people.
fn looks_personal(resource: &Entity) -> bool {
    let own = match resource.kind.as_str() {
        "table" => resource.name.rsplit('.').next(),
        "file" | "object" => resource.name.rsplit(['/', '\\']).next(),
        "endpoint" | "topic" | "queue" | "keys" => Some(resource.name.as_str()),
        _ => None,
    };
    let is = |word: &String| {
        PERSONAL.contains(&word.as_str()) || word.strip_suffix('s').is_some_and(|one| PERSONAL.contains(&one))
    };
    own.is_some_and(|own| words(own).iter().any(is))
}

/// What is at stake, and why.
#[derive(Debug)]
pub struct Stake {
    points: i32,
    reasons: Vec<String>,
}

impl Stake {
    /// What is at stake in what a consumer does.
    pub fn of(graph: &Graph, consumer: &Entity, links: &[&Link]) -> Stake {
        let mut stake = Stake { points: 0, reasons: Vec::new() };
        stake.by_action(graph, links);
        stake.by_data(graph, links.iter().map(|link| link.key.resource));
        stake.by_volume(links);
        if who::is_public(consumer) {
            stake = stake.and(-2, "open to everybody outside");
        } else if consumer.outside {
            stake = stake.and(1, "from outside of the estate");
        }
        stake.by_recency(graph, links);
        stake
    }

    /// With what a rule knows beside it.
    #[must_use]
    pub fn and(mut self, points: i32, reason: &str) -> Stake {
        self.points += points;
        self.reasons.push(reason.to_owned());
        self
    }

    /// With what is known of the data behind it.
    #[must_use]
    pub fn with_data(mut self, graph: &Graph, resources: impl Iterator<Item = EntityId>) -> Stake {
        self.by_data(graph, resources);
        self
    }

    /// How grave it is; why, goes to a finding's facts.
    pub fn settle(self, facts: &mut BTreeMap<&'static str, String>) -> Severity {
        facts.insert("at_stake", self.reasons.join("; "));
        match self.points {
            HIGH.. => Severity::High,
            MEDIUM.. => Severity::Medium,
            _ => Severity::Low,
        }
    }

    fn by_action(&mut self, graph: &Graph, links: &[&Link]) {
        let changes = who::writes(links) || links.iter().any(|link| who::calls_unsafely(graph, link));
        let does = |action: Action| links.iter().any(|link| link.key.action == action);
        let (points, reason) = if changes {
            (4, "changes data")
        } else if does(Action::Export) {
            (2, "copies data out")
        } else if does(Action::Read) || does(Action::Call) || does(Action::Consume) {
            (2, "reads")
        } else {
            (2, "what it does there was not seen")
        };
        self.points += points;
        self.reasons.push(reason.to_owned());
    }

    fn by_data(&mut self, graph: &Graph, resources: impl Iterator<Item = EntityId>) {
        let personal: BTreeSet<&str> = resources
            .map(|resource| graph.entity(resource))
            .filter(|resource| looks_personal(resource))
            .map(|resource| resource.name.as_str())
            .collect();
        if personal.is_empty() {
            return;
        }
        let mut names: Vec<&str> = personal.iter().copied().take(LISTED).collect();
        let more = format!("{} more", personal.len().saturating_sub(LISTED));
        names.extend((personal.len() > LISTED).then_some(more.as_str()));
        self.points += 1;
        let verb = if personal.len() == 1 { "is" } else { "are" };
        self.reasons.push(format!("{} {verb} named like data of people", names.join(", ")));
    }

    fn by_volume(&mut self, links: &[&Link]) {
        let count = count_acts(links);
        let days = days(links).len() as u64;
        let much = count.checked_div(days).map_or(count >= MUCH, |a_day| a_day >= MUCH_A_DAY);
        if much {
            self.points += 1;
            self.reasons.push(format!("much: {count} times"));
        }
    }

    /// Somebody who came day by day and stays away may be gone. Who came once or twice may come once a month.
    fn by_recency(&mut self, graph: &Graph, links: &[&Link]) {
        let last = links.iter().flat_map(|link| &link.witnesses).filter_map(|it| it.activity.last()).max();
        let (Some(last), Some(watched)) = (last, watched(graph, links)) else { return };
        let seconds = |from: Stamp, to: Stamp| to.seconds() - from.seconds();
        let away = seconds(last, watched.last);
        let long = seconds(watched.first, watched.last);
        let usual = days(links).len() >= DAYS_TO_BE_USUAL && long >= DAYS_WATCHED * DAY_SECONDS;
        if usual && away > long / 2 {
            self.points -= 1;
            let days = away / DAY_SECONDS;
            self.reasons.push(format!("not seen in the last {days} of {} days", long / DAY_SECONDS));
        }
    }
}

/// The days on which something was seen.
fn days(links: &[&Link]) -> BTreeSet<i32> {
    let seen = links.iter().flat_map(|link| &link.witnesses);
    seen.flat_map(|witness| witness.activity.days().map(|(day, _)| day)).collect()
}

/// From when to when the systems of links were watched.
fn watched(graph: &Graph, links: &[&Link]) -> Option<Span> {
    let resources: BTreeSet<EntityId> = links.iter().map(|link| link.key.resource).collect();
    let spans =
        resources.into_iter().flat_map(|resource| graph.watches(resource)).filter_map(|watch| watch.span);
    spans.reduce(Span::cover)
}

#[cfg(test)]
mod tests {
    use super::looks_personal;
    use crate::resolve::Entity;

    #[test]
    fn names_are_told_by_whole_words() {
        for (kind, name, want) in [
            ("table", "public.customers", true),
            ("table", "crm.CustomerAddress", true),
            ("table", "hr.salary_2026", true),
            ("table", "hr.bank_iban", true),
            ("table", "ledger.session_users", true),
            // A word within a word is another word, and a schema says nothing about each of its tables.
            ("table", "public.customizations", false),
            ("table", "public.userland", false),
            ("table", "customers.shipping_rates", false),
            ("table", "public.orders", false),
            ("table", "public.session", false),
            ("endpoint", "GET /v1/customers/{id}", true),
            ("endpoint", "GET /v1/prices", false),
            ("file", "/srv/out/patients.csv", true),
            ("file", "/home/user/report.csv", false),
            ("host", "customers", false),
        ] {
            let entity = Entity { kind: kind.to_owned(), name: name.to_owned(), ..Entity::default() };
            assert_eq!(looks_personal(&entity), want, "{kind} {name}");
        }
    }
}
