//! `relative-window`: somebody comes by the clock and takes what is younger than so much.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Action, Activity, Class, Confidence, Outcome, Scope, Trait};
use crate::graph::Graph;
use crate::resolve::{EntityId, Link, Witness};
use crate::timing::{JobClock, beat};
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub struct RelativeWindow;

static MANUAL: Manual = Manual {
    id: "relative-window",
    family: "when",
    title: "Somebody comes by the clock and takes what is younger than so much",
    what: "A consumer that a schedule starts, or that was seen to come at a fixed period, reads the rows of a window that \
           moves with the clock (ts > now() - interval '1 day', DATE_SUB, DATEADD, SYSDATE - 1, whole days before today). \
           Told is a window that is shorter than the longest time between two starts, one that is exactly as long, and one \
           that is half as long again or longer where its rows are added to a table and nothing keeps out those that are \
           there (INSERT … SELECT without ON CONFLICT, NOT EXISTS or a DELETE before it). A window that is as long as \
           the period and some slack is not meant, nor whole days that are read once a day.",
    why: "What is between two windows is never read, and what is in both is counted twice. A cutover stops the clock for \
          some hours, moves it to another host, or changes the zone: rows fall out that nobody misses until the month's \
          end.",
    example: "job:batch1/hourly_totals reads the last 1 hour of table:shop-db/shop/public.orders every 1 hour, and a start that comes late loses rows",
    ask: "How does the program learn what it has already read, and what does it read after a pause?",
};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// How many days of a schedule are looked at: a month and a week, so that each weekday and the first of a month are
/// among them.
const DAYS_COMPARED: i64 = 38;
/// How many times the period a window is that reads things twice.
const OVERLAPS: f64 = 1.5;

impl Rule for RelativeWindow {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            if consumer.kind == "person" {
                continue;
            }
            let mut worst: BTreeMap<EntityId, Told> = BTreeMap::new();
            for it in windows(graph, id) {
                let Some(rhythm) = Rhythm::of(graph, id, &it) else { continue };
                let Some(told) = judge(it, rhythm) else { continue };
                let table = told.window.link.key.resource;
                let better = worst.get(&table).is_none_or(|held| told.severity > held.severity);
                if better {
                    worst.insert(table, told);
                }
            }
            out.extend(worst.into_values().map(|told| finding(graph, id, told)));
        }
    }
}

/// The rows a statement takes, as far back as it reaches.
struct Window<'a> {
    link: &'a Link,
    /// The tables that the same statement adds those rows to.
    feeds: Vec<&'a Link>,
    witnesses: Vec<&'a Witness>,
    reach: Reach,
}

/// How far back a window reaches, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reach {
    kind: Kind,
    /// Seconds; of months, those of the shortest and the longest.
    least: i64,
    most: i64,
    words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// From so long ago until now, or until some moments ago.
    Moving,
    /// Whole days before today.
    Days,
    /// From a midnight until now.
    SinceMidnight,
}

impl Reach {
    fn of(it: &Trait) -> Option<Reach> {
        let kind = match &*it.name {
            "window" => Kind::Moving,
            "window-of-days" => Kind::Days,
            "window-since-midnight" => Kind::SinceMidnight,
            _ => return None,
        };
        let words = it.value.as_deref()?;
        let (count, unit) = words.split_once(' ')?;
        let count: i64 = count.parse().ok()?;
        let (least, most) = match unit.trim_end_matches('s') {
            "second" => (1, 1),
            "minute" => (60, 60),
            "hour" => (HOUR, HOUR),
            "day" => (DAY, DAY),
            "month" => (28 * DAY, 31 * DAY),
            "year" => (365 * DAY, 366 * DAY),
            _ => return None,
        };
        let (least, most) = (count.checked_mul(least)?, count.checked_mul(most)?);
        Some(Reach { kind, least, most, words: words.to_owned() })
    }
}

/// The windows of what a consumer reads, statement by statement.
fn windows(graph: &Graph, consumer: EntityId) -> Vec<Window<'_>> {
    let counted = |link: &&Link| {
        let key = &link.key;
        key.outcome == Outcome::Ok && key.scope == Scope::Production && key.class == Class::App
    };
    let links: Vec<&Link> = graph.links_of(consumer).into_iter().filter(counted).collect();
    let mut found = Vec::new();
    for link in links.iter().filter(|link| matches!(link.key.action, Action::Read | Action::Export)) {
        let name = &graph.entity(link.key.resource).name;
        let table = name.rsplit('.').next().unwrap_or(name);
        let mut shapes: BTreeMap<(u64, &str, &str), Vec<&Witness>> = BTreeMap::new();
        for witness in &link.witnesses {
            let mine = witness
                .traits
                .iter()
                .any(|it| &*it.name == "window-on" && it.value.as_deref() == Some(table));
            let Some(it) = witness.traits.iter().find(|it| Reach::of(it).is_some()).filter(|_| mine) else {
                continue;
            };
            let key = (witness.shape, &*it.name, it.value.as_deref().unwrap_or(""));
            shapes.entry(key).or_default().push(witness);
        }
        for ((shape, name, value), witnesses) in shapes {
            let Some(reach) = Reach::of(&Trait::valued(name, value)) else { continue };
            let adds = |link: &&&Link| {
                let same =
                    |it: &Witness| it.shape == shape && it.traits.iter().any(|it| &*it.name == "appends");
                link.key.action == Action::Write && link.witnesses.iter().any(same) && !empties(link)
            };
            let feeds = links.iter().filter(adds).copied().collect();
            found.push(Window { link, feeds, witnesses, reach });
        }
    }
    found
}

/// Whether rows of a table are taken out by whoever adds to it: what was there before may be gone.
fn empties(link: &Link) -> bool {
    let removes =
        |it: &Witness| ["delete", "truncate", "merge"].iter().any(|verb| it.sample.starts_with(verb));
    link.witnesses.iter().any(removes)
}

/// The times between starts.
struct Rhythm {
    /// The longest, in seconds.
    longest: i64,
    /// The usual one.
    usual: i64,
    /// As a schedule says, or as it was seen.
    words: String,
    seen: bool,
}

impl Rhythm {
    fn of(graph: &Graph, consumer: EntityId, window: &Window<'_>) -> Option<Rhythm> {
        Rhythm::scheduled(graph, consumer).or_else(|| Rhythm::seen(window))
    }

    /// By all schedules of a job together. A command that tests the day or waits runs less often than its schedule.
    fn scheduled(graph: &Graph, consumer: EntityId) -> Option<Rhythm> {
        let jobs: Vec<_> = graph.jobs().iter().filter(|job| job.entity == consumer).collect();
        let (to, from) = (graph.as_of(), graph.as_of().plus_micros(-DAYS_COMPARED * DAY * 1_000_000));
        let mut starts = BTreeSet::new();
        for job in &jobs {
            let sleeps = job.guards.iter().all(|guard| guard.starts_with("sleep"));
            starts.extend(JobClock::of(job).filter(|_| sleeps)?.between(from, to));
        }
        let starts: Vec<i64> = starts.into_iter().map(|start| start.seconds()).collect();
        // The clocks' change makes one day an hour longer or shorter, and what counts in days knows it.
        let in_days = |gap: i64| match gap % DAY {
            HOUR => gap - HOUR,
            left if left == DAY - HOUR => gap + HOUR,
            _ => gap,
        };
        let gaps = || starts.windows(2).map(|pair| pair[1] - pair[0]);
        let whole = gaps().filter(|gap| gap % DAY == 0).count() * 2 > starts.len();
        let mut gaps: Vec<i64> = gaps().map(|gap| if whole { in_days(gap) } else { gap }).collect();
        gaps.sort_unstable();
        let (longest, usual) = (*gaps.last()?, *gaps.get(gaps.len() / 2)?);
        let words: BTreeSet<String> =
            jobs.iter().map(|job| format!("{} ({})", job.schedule, job.zone_told())).collect();
        let words = words.into_iter().collect::<Vec<_>>().join(", ");
        Some(Rhythm { longest, usual, words, seen: false })
    }

    /// By the moments at which this very statement was seen.
    fn seen(window: &Window<'_>) -> Option<Rhythm> {
        let mut activity = Activity::none();
        for witness in &window.witnesses {
            activity.merge(&witness.activity);
        }
        let found = beat(&activity.moments())?;
        let words = format!("seen at {} of {} beats", found.hits, found.beats);
        Some(Rhythm { longest: found.period, usual: found.period, words, seen: true })
    }
}

/// What is wrong with a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Gap,
    NoSlack,
    Twice,
}

struct Told<'a> {
    window: Window<'a>,
    rhythm: Rhythm,
    wrong: Wrong,
    severity: Severity,
}

fn judge<'a>(window: Window<'a>, rhythm: Rhythm) -> Option<Told<'a>> {
    let reach = &window.reach;
    let feeds = !window.feeds.is_empty();
    let day_starts = (rhythm.longest + DAY / 2) / DAY;
    let wrong = match reach.kind {
        Kind::Moving if reach.most < rhythm.longest => Wrong::Gap,
        Kind::Moving if reach.least == rhythm.longest => Wrong::NoSlack,
        // A start on the day after is enough for all of the day before.
        Kind::Days | Kind::SinceMidnight if day_starts * DAY > reach.most => Wrong::Gap,
        Kind::Moving | Kind::Days if feeds && reach.least as f64 >= OVERLAPS * rhythm.usual as f64 => {
            Wrong::Twice
        }
        Kind::SinceMidnight if feeds && reach.least >= rhythm.usual => Wrong::Twice,
        _ => return None,
    };
    let severity = match wrong {
        Wrong::Gap if feeds => Severity::High,
        Wrong::Gap | Wrong::Twice => Severity::Medium,
        Wrong::NoSlack if feeds => Severity::Medium,
        Wrong::NoSlack => Severity::Low,
    };
    Some(Told { window, rhythm, wrong, severity })
}

fn finding(graph: &Graph, id: EntityId, told: Told<'_>) -> Finding {
    let Told { window, rhythm, wrong, severity } = told;
    let (consumer, table) = (graph.entity(id), &graph.entity(window.link.key.resource).id);
    let whole = if window.reach.kind == Kind::Days { "whole " } else { "" };
    let part = format!("the last {whole}{} of {table}", window.reach.words);
    let (usual, longest) = (length(rhythm.usual), length(rhythm.longest));
    let feeds: Vec<&str> =
        window.feeds.iter().map(|link| graph.entity(link.key.resource).id.as_str()).collect();
    let title = match wrong {
        Wrong::Gap if rhythm.longest == rhythm.usual => {
            format!("{} reads {part} every {usual}, and never what is between", consumer.id)
        }
        Wrong::Gap => format!("{} reads {part}, and up to {longest} pass between two starts", consumer.id),
        Wrong::NoSlack => {
            format!("{} reads {part} every {longest}, and a start that comes late loses rows", consumer.id)
        }
        Wrong::Twice => {
            format!(
                "{} adds {part} to {} every {usual}, and rows are there twice",
                consumer.id,
                feeds.join(", ")
            )
        }
    };
    let links: Vec<&Link> = std::iter::once(window.link).chain(window.feeds.iter().copied()).collect();
    let shape: BTreeSet<u64> = window.witnesses.iter().map(|witness| witness.shape).collect();
    let parts: Vec<Link> = links
        .iter()
        .map(|link| {
            let mut part = (*link).clone();
            part.witnesses.retain(|witness| shape.contains(&witness.shape));
            part.traits = part.witnesses.iter().flat_map(|witness| witness.traits.iter().cloned()).collect();
            part
        })
        .collect();
    let parts: Vec<&Link> = parts.iter().collect();
    let mut facts = who::facts(graph, consumer, &parts);
    facts.insert("window", format!("{whole}{}", window.reach.words));
    facts.insert("starts_every", if longest == usual { usual } else { format!("{usual} to {longest}") });
    facts.insert(if rhythm.seen { "rhythm" } else { "schedule" }, rhythm.words);
    let observed = parts.iter().any(|link| link.observed());
    let confidence = match (wrong, observed) {
        (Wrong::NoSlack, _) | (_, false) => Confidence::Medium,
        (_, true) => Confidence::High,
    };
    Finding {
        rule: &MANUAL,
        severity,
        confidence,
        title,
        consumer: Some(id),
        resource: Some(window.link.key.resource),
        upstream: None,
        downstream: None,
        facts,
        question: format!(
            "What does {} read after a pause, and how does it know what it has read?",
            consumer.id
        ),
        places: who::places(&parts),
    }
}

/// A length of time in the largest unit that divides it.
fn length(seconds: i64) -> String {
    let (count, unit) = match seconds {
        s if s % DAY == 0 => (s / DAY, "day"),
        s if s % HOUR == 0 => (s / HOUR, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
