//! The report for people at a terminal: findings first (who, what, how often, where to look, what to ask),
//! then what could not be seen. Text from outside is escaped, so that no log line can move the cursor.

use super::{Audit, FindingRow, Format, GapRow, LinkRow, OWN, Report, Surprise, SurpriseRow, spans_in_words};
use crate::evidence::About;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// How many gaps of one kind are listed one by one.
const GAPS_LISTED: usize = 5;

/// `--format text`.
pub struct TextFormat;

impl Format for TextFormat {
    fn about(&self) -> &'static About {
        &About { name: "text", title: "findings first, for people", provenance: OWN }
    }

    fn render(&self, report: &Report, to: &mut dyn Write) -> io::Result<()> {
        let mut out = String::new();
        head(&mut out, report);
        let (accepted, open): (Vec<_>, Vec<_>) =
            report.findings.iter().partition(|finding| finding.accepted.is_some());
        if open.is_empty() {
            line(&mut out, "No findings.");
        }
        for finding in open {
            show(&mut out, finding);
        }
        if !accepted.is_empty() {
            let were = if accepted.len() == 1 { "finding was" } else { "findings were" };
            line(&mut out, &format!("{} {were} accepted in whodepends.toml:", accepted.len()));
            for finding in accepted {
                line(&mut out, &format!("  {} ({})", finding.title, accepted_why(finding)));
            }
            line(&mut out, "");
        }
        noise(&mut out, report);
        gaps(&mut out, report);
        tail(&mut out, report);
        to.write_all(out.as_bytes())
    }
}

/// The reason somebody accepted a finding for, who that was, and how long it holds.
pub(super) fn accepted_why(finding: &FindingRow) -> String {
    let mut why = finding.accepted.clone().unwrap_or_default();
    for (word, value) in [("by", &finding.accepted_by), ("until", &finding.accepted_until)] {
        if let Some(value) = value {
            let _ = write!(why, "; {word} {value}");
        }
    }
    why
}

/// One line with control characters (and the marks that turn writing direction) made visible.
pub(super) fn line(out: &mut String, text: &str) {
    for c in text.chars() {
        if hidden(c) {
            let _ = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out.push('\n');
}

/// How much of a command people are shown, in characters; the JSON report and the table have it whole.
const MAX_SHOWN: usize = 300;

/// A command for people.
pub(super) fn command(text: &str) -> Cow<'_, str> {
    if text.chars().count() <= MAX_SHOWN {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(MAX_SHOWN - 1).chain(['…']).collect())
}

/// `1 link`, `2 links`.
pub(super) fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Whether a character moves the cursor, or turns the direction of writing.
pub(super) fn hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn head(out: &mut String, report: &Report) {
    let count = |status: &str| report.inputs.iter().filter(|input| input.status == status).count();
    line(
        out,
        &format!(
            "{} {}, as of {}: {} inputs read, {} partly, {} skipped, {} failed",
            report.tool.name,
            report.tool.version,
            report.as_of,
            count("read"),
            count("partly"),
            count("skipped"),
            count("failed"),
        ),
    );
    match (&report.window.first, &report.window.last) {
        (Some(first), Some(last)) => line(out, &format!("observed from {first} to {last}")),
        _ if report.vantages.is_empty() => {
            line(out, "nothing was observed: no log or capture among the inputs");
        }
        _ => line(out, "nothing was observed at the time that was asked for"),
    }
    let of = |part: fn(&super::StatementsRow) -> u64| {
        report.inputs.iter().filter_map(|input| input.statements.as_ref().map(part)).sum::<u64>()
    };
    let (parsed, tokens, not_sql) = (of(|it| it.parsed), of(|it| it.tokens), of(|it| it.not_sql));
    if parsed + tokens + not_sql > 0 {
        let all = parsed + tokens + not_sql;
        line(
            out,
            &format!("{all} statements in logs: {parsed} parsed, {tokens} by tokens, {not_sql} no SQL"),
        );
    }
    let surprise = &report.surprise;
    if surprise.observed_links > 0 {
        line(
            out,
            &format!(
                "surprise density {:.0} %: {} of {} observed links are explained by nothing",
                surprise.density * 100.0,
                surprise.shadow_links,
                surprise.observed_links
            ),
        );
        densities(out, surprise);
    }
    audit(out, &report.audit);
    migration(out, report);
    asks(out, &report.audit);
    line(out, "");
}

/// What the report was narrowed to, what that leaves out, and what it could not mean.
fn migration(out: &mut String, report: &Report) {
    let Some(migration) = &report.migration else { return };
    let names: Vec<&str> = migration.targets.iter().map(|target| target.system.as_str()).collect();
    let left = &migration.left_out;
    if migration.narrowed {
        let text = format!(
            "migration of {}: only what reaches it is told; left out: {}, {}, {}, {}",
            names.join(", "),
            many(left.consumers, "consumer"),
            many(left.links, "link"),
            many(left.findings, "finding"),
            many(left.jobs, "job")
        );
        line(out, &text);
    }
    for target in migration.targets.iter().filter(|target| target.matches == 0) {
        let whole = if migration.narrowed { "" } else { ": EVERYTHING IS TOLD" };
        line(out, &format!("MIGRATION TARGET {} MATCHES NOTHING OF THIS SCAN{whole}", target.system));
    }
}

fn audit(out: &mut String, audit: &Audit) {
    if audit.consumers + audit.noise.len() == 0 {
        return;
    }
    let Audit { consumers, declared, written, observed, shadow, .. } = audit;
    let noise =
        audit.noise.iter().map(|it| format!("{} {}", it.class, it.consumers)).collect::<Vec<_>>().join(", ");
    let beside =
        if noise.is_empty() { String::new() } else { format!("; beside them, no application's: {noise}") };
    let text = format!(
        "{}: {declared} declared, {written} written, {observed} observed, {shadow} SHADOW{beside}",
        many(*consumers, "consumer")
    );
    line(out, &text);
}

/// How many questions are told of one owner, and of how many owners.
const ASKED: usize = 3;
const OWNERS: usize = 12;

/// What to ask whom.
fn asks(out: &mut String, audit: &Audit) {
    if audit.asks.is_empty() {
        return;
    }
    line(out, "whom to ask:");
    for ask in audit.asks.iter().take(OWNERS) {
        let who = match &ask.owner {
            Some(owner) => format!("{owner} ({})", ask.because),
            None => "nobody is known to answer for these".to_owned(),
        };
        line(out, &format!("  {who}: {}", ask.questions.len()));
        for it in ask.questions.iter().take(ASKED) {
            let about = it.resource.as_ref().map_or(String::new(), |resource| format!(", about {resource}"));
            let text =
                format!("    {} {}  [{}{about}] {}", it.severity, it.question, it.rule, it.fingerprint);
            line(out, &text);
        }
        let more = ask.questions.len().saturating_sub(ASKED);
        if more > 0 {
            line(out, &format!("    … and {more} more below"));
        }
    }
    let more = audit.asks.len().saturating_sub(OWNERS);
    if more > 0 {
        line(out, &format!("  … and {more} more owners; the JSON report has them all"));
    }
}

/// How many resources are listed by their density.
const DENSITIES_LISTED: usize = 8;

/// The density of each resource at which something is explained by nothing, the worst first.
fn densities(out: &mut String, surprise: &Surprise) {
    let mut rows: Vec<&SurpriseRow> =
        surprise.by_resource.iter().filter(|row| row.shadow_links > 0).collect();
    rows.sort_by(|a, b| b.density.total_cmp(&a.density).then(a.resource.cmp(&b.resource)));
    for row in rows.iter().take(DENSITIES_LISTED) {
        let share = row.density * 100.0;
        line(
            out,
            &format!("  {share:>3.0} %  {}: {} of {}", row.resource, row.shadow_links, row.observed_links),
        );
    }
    let more = rows.len().saturating_sub(DENSITIES_LISTED);
    let rest = surprise.by_resource.len() - rows.len();
    for (count, what) in
        [(more, "more; the JSON report has them all"), (rest, "more, where all is explained")]
    {
        if count > 0 {
            line(out, &format!("         and {count} {what}"));
        }
    }
}

/// The order in which facts are worth reading.
const FACT_ORDER: [&str; 9] =
    ["at_stake", "count", "first", "last", "read", "write", "how", "schedule", "offset"];

pub(super) fn show(out: &mut String, finding: &FindingRow) {
    let new = if finding.new { "NEW " } else { "" };
    line(out, &format!("{new}{} [{}] {}", finding.severity.to_uppercase(), finding.rule, finding.title));
    let mut facts: Vec<(&str, &String)> =
        finding.facts.iter().map(|(name, value)| (name.as_str(), value)).collect();
    facts.sort_by_key(|(name, _)| (FACT_ORDER.iter().position(|known| known == name).unwrap_or(99), *name));
    for (name, value) in facts {
        line(out, &format!("    {:<20} {value}", name.replace('_', " ")));
    }
    for (index, place) in finding.places.iter().enumerate() {
        line(out, &format!("    {:<20} {place}", if index == 0 { "look at" } else { "" }));
    }
    line(out, &format!("    {:<20} {}", "ask", finding.question));
    line(out, &format!("    {:<20} {} confidence; explain {}", "", finding.confidence, finding.fingerprint));
    line(out, "");
}

/// How many consumers of one class of noise are listed one by one.
const NOISE_LISTED: usize = 10;

/// What is no application's work, by class and by who: no finding is made of it, and nothing of it is left out.
fn noise(out: &mut String, report: &Report) {
    let mut classes: BTreeMap<&str, BTreeMap<&str, Vec<&LinkRow>>> = BTreeMap::new();
    let noise = |link: &&LinkRow| link.class != "app" && link.outcome == "ok" && link.count > 0;
    for link in report.links.iter().filter(noise) {
        classes.entry(&link.class).or_default().entry(&link.consumer).or_default().push(link);
    }
    if classes.is_empty() {
        return;
    }
    line(out, "Seen, and no application's work:");
    for (class, consumers) in classes {
        line(out, &format!("  {class}: {}", consumers.len()));
        for (consumer, links) in consumers.iter().take(NOISE_LISTED) {
            let most = links.iter().map(|link| link.count).max().unwrap_or(0);
            let last = links.iter().filter_map(|link| link.last.as_ref()).max();
            let last = last.map_or(String::new(), |last| format!(", last {last}"));
            let often = match (links.len(), most) {
                (1, 1) => "once".to_owned(),
                (1, _) => format!("{most} times"),
                (things, _) => format!("{things} uses, up to {most} times each"),
            };
            line(out, &format!("    {consumer}: {often}{last}"));
        }
        if consumers.len() > NOISE_LISTED {
            let more = consumers.len() - NOISE_LISTED;
            line(out, &format!("    … and {more} more; the JSON report has them all"));
        }
    }
    line(out, "");
}

fn gaps(out: &mut String, report: &Report) {
    let mut skipped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for input in report.inputs.iter().filter(|input| input.status == "skipped") {
        if let Some(why) = &input.why {
            skipped.entry(why).or_default().push(&input.path);
        }
    }
    if report.gaps.is_empty() && skipped.is_empty() {
        line(out, "Nothing stayed unseen in the inputs.");
        return;
    }
    line(out, "What could not be seen:");
    if !skipped.is_empty() {
        line(out, &format!("  skipped: {}", skipped.values().map(Vec::len).sum::<usize>()));
    }
    for (why, paths) in skipped {
        let more = if paths.len() > 1 { format!(" (and {} more)", paths.len() - 1) } else { String::new() };
        line(out, &format!("    {}{more}: {why}", paths[0]));
    }
    let mut by_code: BTreeMap<&str, Vec<&GapRow>> = BTreeMap::new();
    for gap in &report.gaps {
        by_code.entry(&gap.code).or_default().push(gap);
    }
    for (code, gaps) in by_code {
        let total: u64 = gaps.iter().map(|gap| gap.count).sum();
        line(out, &format!("  {code}: {total}"));
        for gap in gaps.iter().take(GAPS_LISTED) {
            let times = if gap.count > 1 { format!(" ({} times)", gap.count) } else { String::new() };
            line(out, &format!("    {}: {}{times}", gap.place, gap.detail));
        }
        if gaps.len() > GAPS_LISTED {
            line(
                out,
                &format!("    … and {} more places; the JSON report has them all", gaps.len() - GAPS_LISTED),
            );
        }
    }
}

fn tail(out: &mut String, report: &Report) {
    for vantage in &report.vantages {
        let spans = spans_in_words(&vantage.spans);
        if !spans.is_empty() {
            line(
                out,
                &format!("looked: {} at {}, sees {}: {}", vantage.kind, vantage.of, vantage.sees, spans),
            );
        }
    }
}
