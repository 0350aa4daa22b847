//! A first inventory, as the text of a `whodepends.toml`: everybody that was found, for people to correct. What a text or
//! an inventory of the scan names stands there as an entry; what nobody confirmed stands there as one that is commented
//! out, so that it is never declared by being found; and what cannot be declared is told of in remarks. It reads a report
//! and nothing else, and joins and renames nobody.

mod entry;
mod systems;
mod uses;

use super::{EntityRow, FindingRow, LinkRow, Report};
use entry::Offer;
use std::collections::{BTreeMap, BTreeSet};
use systems::Systems;
pub use uses::UseLine;

/// What a settings file has already, where there is one.
#[derive(Debug, Default)]
pub struct Listed {
    /// Its consumers, as `kind:name`.
    pub consumers: BTreeSet<String>,
    /// Its systems of kind service or external, by name.
    pub asked: BTreeSet<String>,
    /// Whether there is any file at all.
    pub any: bool,
}

/// What is to be added to a settings file, or a whole one.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The text: a whole file, or what comes behind the one that is there.
    pub text: String,
    /// By listed consumer (`kind:name`): the uses that its entry does not state.
    pub beyond: BTreeMap<String, Vec<UseLine>>,
    /// How many entries somebody has to confirm.
    pub to_confirm: usize,
    /// How many entries stand there.
    pub entries: usize,
}

/// Rules about somebody of whom an entry says who that is.
const ANSWERED_BY_ENTRY: [&str; 3] = ["shadow-consumer", "borrowed-credentials", "unofficial-consumer"];

/// A text in the basic strings of TOML (TOML 1.0, "String"), on one line, with what turns the direction of writing shown.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if super::text::hidden(c) || c == '\u{7f}' => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Adds a remark: text from outside stays on its line.
fn remark(out: &mut String, text: &str) {
    super::text::line(out, &format!("# {text}"));
}

/// A heading of the file.
fn part(out: &mut String, title: &str) {
    out.push_str(&format!("\n# ---- {title}\n"));
}

/// Whether a link counts as work of its consumer.
fn works(link: &LinkRow) -> bool {
    link.outcome == "ok" && link.scope == "production"
}

/// What is known of one consumer.
struct Who<'a> {
    row: &'a EntityRow,
    links: Vec<&'a LinkRow>,
    /// The open findings about who it is and what it may use.
    findings: Vec<&'a FindingRow>,
    /// Why it was accepted without an entry.
    accepted: Option<&'a str>,
}

impl Who<'_> {
    fn does_app_work(&self) -> bool {
        self.links.iter().any(|link| works(link) && link.class == "app")
    }

    fn is_written(&self) -> bool {
        self.links.iter().any(|link| link.bases.iter().any(|basis| basis == "written"))
    }

    fn has(&self, rule: &str) -> bool {
        self.findings.iter().any(|finding| finding.rule == rule)
    }

    /// Where inventories declare it.
    fn declared_as(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.row.mentions.iter().filter(|it| it.kind == "declared");
        own.map(|it| (it.text.as_str(), it.why.strip_prefix("declared at ").unwrap_or(&it.why)))
    }

    /// Those it may be, of whom nothing tells it apart.
    fn shared_with(&self) -> Vec<&str> {
        let alike = self.row.not_joined.iter().filter(|other| other.why.starts_with("shares the login"));
        alike.map(|other| other.to.as_str()).collect()
    }

    fn is_sure(&self) -> bool {
        self.links.iter().any(|link| works(link) && link.confidence != "low")
    }

    /// How often and when it was seen, in words.
    fn seen(&self) -> String {
        let count: u64 = self.links.iter().map(|link| link.count).max().unwrap_or(0);
        let first = self.links.iter().filter_map(|link| link.first.as_ref()).min();
        let last = self.links.iter().filter_map(|link| link.last.as_ref()).max();
        match (first, last) {
            (Some(first), Some(last)) if first != last => format!("seen {first} to {last}"),
            (_, Some(last)) if count == 1 => format!("seen once, {last}"),
            (_, Some(last)) => format!("seen {count} times, {last}"),
            _ if count > 0 => "seen, the log does not say when".to_owned(),
            _ => "never seen: only its text says so".to_owned(),
        }
    }
}

/// Everybody who does something, in the order of ids.
fn everybody(report: &Report) -> Vec<Who<'_>> {
    let mut links: BTreeMap<&str, Vec<&LinkRow>> = BTreeMap::new();
    for link in &report.links {
        links.entry(&link.consumer).or_default().push(link);
    }
    let mut findings: BTreeMap<&str, Vec<&FindingRow>> = BTreeMap::new();
    let mut accepted: BTreeMap<&str, &str> = BTreeMap::new();
    for finding in report.findings.iter().filter(|it| it.family == "who") {
        let consumer = finding.consumer.as_deref().unwrap_or("");
        match &finding.accepted {
            None => findings.entry(consumer).or_default().push(finding),
            Some(why) if ANSWERED_BY_ENTRY.contains(&finding.rule.as_str()) => {
                accepted.insert(consumer, why);
            }
            Some(_) => {}
        }
    }
    let who = |row| {
        let row: &EntityRow = row;
        let id = row.id.as_str();
        let links = links.remove(id)?;
        let findings = findings.remove(id).unwrap_or_default();
        Some(Who { row, links, findings, accepted: accepted.get(id).copied() })
    };
    report.entities.iter().filter_map(who).collect()
}

/// What becomes of a consumer.
enum Place {
    /// It stands in the settings file.
    Listed(String),
    /// Another inventory has it, at these places.
    Elsewhere(Vec<String>),
    /// Its text is of the scan, and nothing is open about it.
    Known,
    /// Somebody has to confirm it.
    ToConfirm(&'static str),
    /// It was accepted as what it is.
    Accepted,
    /// It cannot be declared, and why.
    Unknown(String),
    /// What it does is no application's work.
    Noise,
    /// Nothing it tried worked.
    Failed,
}

fn place(who: &Who<'_>, listed: &Listed) -> Place {
    if let Some((name, _)) = who.declared_as().find(|(name, _)| listed.consumers.contains(*name)) {
        return Place::Listed(name.to_owned());
    }
    if who.row.declared && !who.has("undeclared-use") {
        return Place::Elsewhere(who.declared_as().map(|(_, place)| place.to_owned()).collect());
    }
    if !who.links.iter().any(|link| works(link)) {
        return Place::Failed;
    }
    if !who.does_app_work() && !who.is_written() {
        return Place::Noise;
    }
    let alike = who.shared_with();
    if who.row.kind == "client" && !alike.is_empty() {
        let why = format!("nothing tells it apart from {}", alike.join(", "));
        return Place::Unknown(format!("{why}; give each an application name of its own"));
    }
    if who.row.kind == "client" && who.row.name == "unknown" {
        return Place::Unknown(
            "the log says neither a login nor a program nor a host; have it log them".to_owned(),
        );
    }
    if who.row.declared {
        return Place::ToConfirm("another inventory has it, and does not state all of this");
    }
    if who.findings.iter().any(|finding| ANSWERED_BY_ENTRY.contains(&finding.rule.as_str())) {
        return Place::ToConfirm(if who.is_written() {
            "its text is of the scan, and no inventory lists it"
        } else {
            "it was seen, and nothing says who that is"
        });
    }
    if who.accepted.is_some() && listed.any {
        return Place::Accepted;
    }
    if !who.is_sure() {
        return Place::ToConfirm("low confidence: what its text means is a guess");
    }
    if who.is_written() { Place::Known } else { Place::ToConfirm("it was seen, and nobody declared it") }
}

/// Everything by where it goes.
#[derive(Default)]
struct Sorted<'a> {
    known: Vec<&'a Who<'a>>,
    to_confirm: Vec<(&'a Who<'a>, &'static str)>,
    unknown: Vec<(&'a Who<'a>, String)>,
    elsewhere: Vec<(&'a Who<'a>, Vec<String>)>,
    listed: Vec<(&'a Who<'a>, String)>,
    accepted: Vec<&'a Who<'a>>,
    noise: Vec<&'a Who<'a>>,
    failed: Vec<&'a Who<'a>>,
}

/// The inventory of a report. What stands in a settings file already is not written again.
pub fn inventory(report: &Report, listed: &Listed) -> Inventory {
    let all = everybody(report);
    let systems = Systems::of(report, listed);
    let mut sorted = Sorted::default();
    for who in &all {
        match place(who, listed) {
            Place::Listed(name) => sorted.listed.push((who, name)),
            Place::Elsewhere(places) => sorted.elsewhere.push((who, places)),
            Place::Accepted => sorted.accepted.push(who),
            Place::Known => sorted.known.push(who),
            Place::ToConfirm(why) => sorted.to_confirm.push((who, why)),
            Place::Unknown(why) => sorted.unknown.push((who, why)),
            Place::Noise => sorted.noise.push(who),
            Place::Failed => sorted.failed.push(who),
        }
    }
    let offer =
        Offer::new(report, &systems, sorted.known.iter().chain(sorted.to_confirm.iter().map(|(who, _)| who)));
    let mut out = Inventory::default();
    head(&mut out.text, report, listed);
    systems.write(&mut out.text, report, listed);
    known(&mut out, &offer, &sorted);
    to_confirm(&mut out, &offer, &sorted);
    unknown(&mut out.text, &sorted);
    not_answered(&mut out, report, &systems, &sorted);
    apart(&mut out.text, &sorted);
    for (who, name) in &sorted.listed {
        if who.has("undeclared-use") {
            let beyond =
                uses::of(who, &systems).stated.into_iter().filter(|it| !it.declared).collect::<Vec<_>>();
            out.to_confirm += usize::from(!beyond.is_empty());
            out.beyond.insert(name.clone(), beyond);
        }
    }
    out
}

fn head(out: &mut String, report: &Report, listed: &Listed) {
    let window = match (&report.window.first, &report.window.last) {
        (Some(first), Some(last)) => format!("observed from {first} to {last}"),
        _ => "nothing was observed".to_owned(),
    };
    if listed.any {
        part(out, &format!("Found by `whodepends init` as of {}, {window}", report.as_of));
    } else {
        remark(
            out,
            &format!("Who uses what, as `whodepends init` found it as of {}; {window}.", report.as_of),
        );
        remark(out, "It is a beginning: correct names, owners and uses, and scan again.");
    }
    remark(
        out,
        "A line that begins with # and a blank is a remark. One that begins with # alone is part of an entry that",
    );
    remark(out, "somebody has to confirm: take the # away if it is right, delete it if it is not.");
}

fn known(out: &mut Inventory, offer: &Offer<'_>, sorted: &Sorted<'_>) {
    if !sorted.elsewhere.is_empty() {
        part(&mut out.text, "Listed in other inventories, which are read wherever they lie in the scan");
        for (who, places) in &sorted.elsewhere {
            remark(&mut out.text, &format!("{} at {}", who.row.id, places.join(", ")));
        }
    }
    if sorted.known.is_empty() {
        return;
    }
    part(&mut out.text, "Consumers whose source, script or schedule is in the scan");
    for who in &sorted.known {
        out.entries += 1;
        offer.write(&mut out.text, who, None);
    }
}

fn to_confirm(out: &mut Inventory, offer: &Offer<'_>, sorted: &Sorted<'_>) {
    if sorted.to_confirm.is_empty() {
        return;
    }
    part(&mut out.text, "To correct: nobody has confirmed these. Each stays a finding until somebody does.");
    for (who, why) in &sorted.to_confirm {
        out.to_confirm += 1;
        offer.write(&mut out.text, who, Some(why));
    }
}

fn unknown(out: &mut String, sorted: &Sorted<'_>) {
    if sorted.unknown.is_empty() {
        return;
    }
    part(out, "To find out: no entry can say who these are");
    for (who, why) in &sorted.unknown {
        remark(out, &format!("{}: {why} ({})", who.row.id, who.seen()));
    }
}

/// Findings that stay whatever an inventory says. A reason for one is no guess, so it is left empty, which is not valid.
fn not_answered(out: &mut Inventory, report: &Report, systems: &Systems, sorted: &Sorted<'_>) {
    let unknown: BTreeSet<&str> = sorted.unknown.iter().map(|(who, _)| who.row.id.as_str()).collect();
    let stays = |finding: &&FindingRow| {
        let entry = ANSWERED_BY_ENTRY.contains(&finding.rule.as_str()) || finding.rule == "undeclared-use";
        let open = finding.family == "who" && finding.accepted.is_none();
        open && !entry && finding.consumer.as_deref().is_none_or(|consumer| !unknown.contains(consumer))
    };
    let mut stays = report.findings.iter().filter(stays).peekable();
    if stays.peek().is_none() {
        return;
    }
    part(&mut out.text, "What no entry answers: ask, then change it, or accept it and write down why");
    for finding in stays {
        out.to_confirm += 1;
        out.text.push('\n');
        remark(&mut out.text, &finding.title);
        remark(&mut out.text, &finding.question);
        out.text.push_str("#[[accept]]\n");
        for (key, id) in [
            ("rule", Some(&finding.rule)),
            ("consumer", finding.consumer.as_ref()),
            ("resource", finding.resource.as_ref()),
        ] {
            if let Some(id) = id {
                let id = if key == "rule" { id.clone() } else { globset::escape(&systems.renamed_id(id)) };
                out.text.push_str(&format!("#{key} = {}\n", quoted(&id)));
            }
        }
        out.text.push_str("#reason = \"\"\n");
    }
}

/// What is counted and needs no entry.
fn apart(out: &mut String, sorted: &Sorted<'_>) {
    if !sorted.accepted.is_empty() {
        part(out, "Accepted above without an entry");
        for who in &sorted.accepted {
            remark(out, &format!("{}: {} ({})", who.row.id, who.accepted.unwrap_or(""), who.seen()));
        }
    }
    if !sorted.noise.is_empty() {
        part(out, "Seen, and no application's work: monitoring, probes, backups, people at browsers");
        for who in &sorted.noise {
            let classes: BTreeSet<&str> = who.links.iter().map(|link| &*link.class).collect();
            let classes = classes.into_iter().collect::<Vec<_>>().join(", ");
            remark(out, &format!("{}: {classes}, {}", who.row.id, who.seen()));
        }
    }
    if !sorted.failed.is_empty() {
        part(out, "Tried, and got nothing");
        for who in &sorted.failed {
            remark(out, &format!("{}: {}", who.row.id, who.seen()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_the_same_behind_its_quotes(text in ".{0,40}") {
            let document = format!("key = {}", quoted(&text));
            prop_assert_eq!(document.lines().count(), 1);
            let table: toml::Table = document.parse().expect("it is TOML");
            prop_assert_eq!(table["key"].as_str(), Some(text.as_str()));
        }
    }

    #[test]
    fn what_moves_the_cursor_is_written_out() {
        assert_eq!(quoted("a\u{1b}[2J\n\"\\\u{202e}é"), "\"a\\u001B[2J\\n\\\"\\\\\\u202Eé\"");
    }
}
