//! The answer for people at a terminal: one line for each consumer, what nothing explains first, server's own noise last,
//! then who looked and what can be concluded. Text from outside is escaped.

use super::super::text::{line, many};
use super::ask::sees_all;
use super::{Answer, Dependent, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// A longer name pushes the other columns away.
const WIDEST: usize = 46;
/// How many names of a kind stand on one line.
const NAMED: usize = 3;
/// How many places that looked, names by which dependents are told, and jobs are listed.
const LISTED: usize = 8;

/// Some names and how many more.
fn some(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(most);
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// The days between two moments of RFC 3339, rounded up.
fn days(first: &str, last: &str) -> Option<i64> {
    let seconds = |text: &str| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
    let length = seconds(last)?.checked_sub(seconds(first)?)?;
    Some(length.div_euclid(86_400) + i64::from(length.rem_euclid(86_400) > 0))
}

/// What stands in front of a row: what to look at first.
fn mark(row: &Dependent) -> &str {
    match row.class.as_str() {
        "app" if row.shadow => "SHADOW",
        "app" => "",
        class => class,
    }
}

/// Who it is, with what kind of consumer that is where neither the id nor the mark says so.
fn consumer(row: &Dependent) -> String {
    let said = |is: &&String| row.consumer.starts_with(&format!("{is}:")) || **is == row.class;
    match row.is.as_ref().filter(|is| !said(is)) {
        Some(is) => format!("{} ({is})", row.consumer),
        None => row.consumer.clone(),
    }
}

/// Rows in the order in which they are worth reading.
fn order(row: &Dependent) -> (bool, bool, &str, &str) {
    (row.class != "app", !row.shadow, &row.consumer, &row.resource)
}

fn often(row: &Dependent) -> String {
    match (&row.last, row.count) {
        (Some(last), 1) => format!("once, {last}"),
        (Some(last), count) => format!("{count} times, last {last}"),
        (None, 0) if row.bases.iter().any(|basis| basis == "observed") => "seen, nobody says when".to_owned(),
        (None, 0) => "never seen".to_owned(),
        (None, count) => format!("{count} times, nobody says when"),
    }
}

/// The widths of the columns of some rows.
struct Table {
    mark: usize,
    name: usize,
    actions: usize,
    often: usize,
}

impl Table {
    fn of<'a>(rows: impl Iterator<Item = (&'a Dependent, &'a str)> + Clone) -> Table {
        let widest = |width: &dyn Fn(&Dependent, &str) -> usize| {
            rows.clone()
                .map(|(row, name)| width(row, name))
                .filter(|width| *width <= WIDEST)
                .max()
                .unwrap_or(0)
        };
        Table {
            mark: widest(&|row, _| mark(row).len()),
            name: widest(&|_, name| name.chars().count()),
            actions: widest(&|row, _| row.actions.join(", ").len()),
            often: widest(&|row, _| often(row).len()),
        }
    }

    fn row(&self, out: &mut String, row: &Dependent, name: &str) {
        let Table { mark: m, name: n, actions: a, often: o } = *self;
        let gap = if m > 0 { "  " } else { "" };
        let sure =
            if row.confidence == "high" { String::new() } else { format!(", {} confidence", row.confidence) };
        let owner = row.owner.as_ref().map_or(String::new(), |owner| format!("; {owner}"));
        let known = format!("{}{sure}{owner}", row.bases.join(", "));
        let (mark, actions, often) = (mark(row), row.actions.join(", "), often(row));
        line(out, &format!("  {mark:<m$}{gap}{name:<n$}  {actions:<a$}  {often:<o$}  {known}"));
    }

    /// How far names stand from the left.
    fn indent(&self) -> usize {
        if self.mark > 0 { self.mark + 2 } else { 0 }
    }

    /// Who that is, below its row.
    fn names(&self, out: &mut String, row: &Dependent) {
        let kinds = [
            ("user", &row.users),
            ("application", &row.applications),
            ("from", &row.hosts),
            ("script", &row.scripts),
        ];
        let told = kinds.iter().filter(|(_, names)| !names.is_empty());
        let told: Vec<String> = told.map(|(kind, names)| format!("{kind} {}", some(names, NAMED))).collect();
        if !told.is_empty() {
            let indent = self.indent();
            line(out, &format!("  {:indent$}  {}", "", told.join("; ")));
        }
    }
}

/// In a few words, how a resource hangs on the step before.
fn hangs(row: &Dependent) -> String {
    let kind = |id: &str| id.split(':').next().unwrap_or("").to_owned();
    let Some(first) = row.through.first().filter(|first| **first != row.resource) else {
        return String::new();
    };
    let verb = match (kind(first).as_str(), kind(&row.resource).as_str()) {
        ("table", _) => "a view over",
        (_, "endpoint") => "served by",
        _ => "filled by",
    };
    format!("  <- {verb} {}", some(&row.through, NAMED))
}

fn heading(answer: &Answer, step: usize) -> String {
    match (answer.reverse, step) {
        (false, 1) => "Directly".to_owned(),
        (false, 2) => "Behind them: who takes what they make of it".to_owned(),
        (true, 1) => "Uses".to_owned(),
        (true, 2) => "Stands on: who fills that, and what they take".to_owned(),
        (false, step) => format!("{} steps behind", step - 1),
        (true, step) => format!("{} steps down", step - 1),
    }
}

/// The consumers of a step, in one line.
fn sum(rows: &[&Dependent]) -> String {
    let who = |fits: &dyn Fn(&Dependent) -> bool| {
        rows.iter().filter(|row| fits(row)).map(|row| row.consumer.as_str()).collect::<BTreeSet<_>>()
    };
    let shadow = who(&|row| row.class == "app" && row.shadow);
    let app = who(&|row| row.class == "app");
    let noise = who(&|row| row.class != "app").difference(&app).count();
    let mut parts = vec![many(app.len(), "consumer")];
    if !shadow.is_empty() {
        parts.push(format!("{} SHADOW", shadow.len()));
    }
    if noise > 0 {
        parts.push(format!("{noise} of the server's own upkeep and watchers"));
    }
    parts.join(", ")
}

fn steps(out: &mut String, answer: &Answer) {
    let mut steps: BTreeMap<usize, Vec<&Dependent>> = BTreeMap::new();
    for row in &answer.dependents {
        steps.entry(row.step).or_default().push(row);
    }
    for (step, rows) in steps {
        line(out, "");
        line(out, &format!("{}: {}", heading(answer, step), sum(&rows)));
        let group =
            |row: &Dependent| if answer.reverse { row.consumer.clone() } else { row.resource.clone() };
        let name = |row: &Dependent| if answer.reverse { row.resource.clone() } else { consumer(row) };
        let named: Vec<(&Dependent, String)> = rows.iter().map(|row| (*row, name(row))).collect();
        let table = Table::of(named.iter().map(|(row, name)| (*row, name.as_str())));
        let mut groups: BTreeMap<String, Vec<&(&Dependent, String)>> = BTreeMap::new();
        for row in &named {
            groups.entry(group(row.0)).or_default().push(row);
        }
        for (title, mut rows) in groups {
            rows.sort_by_key(|(row, _)| order(row));
            let first = rows[0].0;
            let how = match answer.reverse {
                true if step > 1 => format!("  -> fills {}", some(&first.through, NAMED)),
                true => String::new(),
                false => hangs(first),
            };
            line(out, &format!("{title}{how}"));
            for (row, name) in rows {
                table.row(out, row, name);
                if !answer.reverse {
                    table.names(out, row);
                } else if !row.over.is_empty() {
                    line(
                        out,
                        &format!("  {:w$}  a view over {}", "", some(&row.over, NAMED), w = table.indent()),
                    );
                }
            }
        }
    }
    if answer.more {
        line(out, "");
        line(out, &format!("More hangs behind that: --depth {}", answer.depth + 1));
    }
}

fn beside(out: &mut String, answer: &Answer) {
    if !answer.attempts.is_empty() {
        line(out, "");
        line(out, "Tried in vain, which is no use:");
        for it in &answer.attempts {
            let times = match (&it.last, it.count) {
                (Some(last), 1) => format!("once, {last}"),
                (Some(last), count) => format!("{count} times, last {last}"),
                (None, _) => "never seen".to_owned(),
            };
            line(
                out,
                &format!("  {}  {} of {}: {}; {times}", it.consumer, it.action, it.resource, it.outcome),
            );
        }
    }
    for (scope, who) in &answer.elsewhere {
        line(out, "");
        line(out, &format!("In {scope} code only, not counted: {}", some(who, LISTED)));
    }
    if answer.reverse {
        return;
    }
    // Names that several share are worth a look of their own.
    let mut told = false;
    for (kind, names) in &answer.by {
        for (name, who) in names.iter().filter(|(_, who)| who.len() > 1 && *kind != "owner") {
            if !std::mem::replace(&mut told, true) {
                line(out, "");
                line(out, "Shared among the direct ones:");
            }
            line(out, &format!("  {kind} {name}: {}", some(who, LISTED)));
        }
    }
}

fn looked(out: &mut String, answer: &Answer) {
    line(out, "");
    let systems: BTreeSet<&str> = answer.vantages.iter().map(|vantage| vantage.of.as_str()).collect();
    for system in systems {
        line(out, &format!("Who looked at {system}:"));
        let own: Vec<_> = answer.vantages.iter().filter(|vantage| vantage.of == system).collect();
        for vantage in own.iter().take(LISTED) {
            let spans = match (vantage.spans.first(), vantage.spans.last()) {
                (Some(first), Some(last)) => format!(
                    "{} to {}",
                    first.first.as_deref().unwrap_or("?"),
                    last.last.as_deref().unwrap_or("?")
                ),
                _ => "at no known time".to_owned(),
            };
            let parts = if vantage.spans.len() > 1 {
                format!(" in {} spans", vantage.spans.len())
            } else {
                String::new()
            };
            let lost = if vantage.lost > 0 { format!(", lost {}", vantage.lost) } else { String::new() };
            line(out, &format!("  {spans}{parts}  sees {}{lost}  {}", vantage.sees, vantage.id));
        }
        if own.len() > LISTED {
            line(out, &format!("  … and {} more", own.len() - LISTED));
        }
    }
    if let Some(text) = conclusion(answer) {
        line(out, &text);
    }
    if !answer.jobs_not_due.is_empty() {
        let text = format!(
            "{} had no run in that time, and could not be seen: {}",
            many(answer.jobs_not_due.len(), "job"),
            some(&answer.jobs_not_due, LISTED)
        );
        line(out, &text);
    }
}

/// What not having been seen means.
fn conclusion(answer: &Answer) -> Option<String> {
    let what = some(&answer.resources, NAMED);
    let longest =
        answer.vantages.iter().filter(|vantage| sees_all(vantage)).flat_map(|vantage| &vantage.spans);
    let longest = longest.filter_map(|span| days(span.first.as_deref()?, span.last.as_deref()?)).max();
    let length = longest.map_or(String::new(), |days| many(usize::try_from(days).unwrap_or(0), "day"));
    let blind = "nothing that looked would have seen everybody: that proves nothing.";
    Some(match answer.verdict {
        Verdict::Seen => return None,
        Verdict::NotSeen => format!(
            "Nobody was seen using {what}, and what looked would have seen everybody for {length}: what comes less often is not excluded."
        ),
        Verdict::Stated if longest.is_some() => {
            format!("None of them was seen using {what} in {length} in which everybody would have been.")
        }
        Verdict::Stated => format!("None of them was seen using {what}, and {blind}"),
        Verdict::NotWatched if answer.vantages.is_empty() => {
            format!(
                "Nobody is known to use {what}, and no log or capture of the scan watched it: that proves nothing."
            )
        }
        Verdict::NotWatched => format!("Nobody is known to use {what}, and {blind}"),
    })
}

/// The answer for people.
pub fn text(answer: &Answer) -> String {
    let mut out = String::new();
    let what = match &answer.resources[..] {
        [only] => only.clone(),
        all => format!("{}: {} of this scan", answer.pattern, all.len()),
    };
    line(&mut out, &what);
    match (&answer.window.first, &answer.window.last) {
        (Some(first), Some(last)) => {
            let length = days(first, last).and_then(|days| usize::try_from(days).ok());
            let length = length.map_or(String::new(), |days| format!(" ({})", many(days, "day")));
            line(&mut out, &format!("observed from {first} to {last}{length}"));
        }
        _ => line(&mut out, "nothing was observed: no log or capture of that time among the inputs"),
    }
    if !answer.known {
        let near = some(&answer.near, NAMED);
        let hint = if near.is_empty() { String::new() } else { format!("; did you mean {near}?") };
        line(&mut out, &format!("NOTHING OF THIS SCAN NAMES IT: see that it is spelled so{hint}"));
    }
    steps(&mut out, answer);
    beside(&mut out, answer);
    looked(&mut out, answer);
    out
}
