//! What the tables say, for people: formats and rules. It adds nothing to them.

use crate::collect::{declared, evidence_file, logs, schedules, source, traffic};
use crate::evidence::About;
use crate::findings::RULES;
use crate::history::Diff;
use crate::report;
use crate::schedule::DIALECTS;
use std::fmt::Write;

fn section(out: &mut String, title: &str, rows: &mut dyn Iterator<Item = &'static About>) {
    let _ = writeln!(out, "{title}");
    for about in rows {
        let _ = writeln!(out, "  {:<20} {:<14} {}", about.name, about.provenance.word(), about.title);
    }
    out.push('\n');
}

/// Everything that can be read and written, from the tables.
pub fn formats() -> String {
    let mut out = String::new();
    let mapped = std::iter::once(&logs::MAPPED);
    section(&mut out, "Log formats", &mut logs::FORMATS.iter().map(|it| it.about()).chain(mapped));
    let captures = std::iter::once(&traffic::ABOUT);
    section(&mut out, "Captures", &mut captures.chain(traffic::PROTOCOLS.iter().map(|it| it.about())));
    section(&mut out, "Schedules", &mut schedules::PLACES.iter().map(|it| it.about()));
    section(&mut out, "Installed files", &mut schedules::INSTALLERS.iter().map(|it| it.about()));
    section(&mut out, "Inventories", &mut declared::INVENTORIES.iter().map(|it| it.about()));
    section(&mut out, "Source", &mut source::LANGUAGES.iter().map(|it| &it.about));
    section(&mut out, "Evidence files", &mut std::iter::once(&evidence_file::ABOUT));
    section(&mut out, "Reports", &mut report::FORMATS.iter().map(|it| it.about()));
    out.push_str("Schedule dialects\n");
    for dialect in DIALECTS {
        let _ = writeln!(out, "  {:<20} {:<14} {}", dialect.name(), "", dialect.title());
    }
    out.push_str("\nRules\n");
    for rule in RULES {
        let manual = rule.manual();
        let _ = writeln!(out, "  {:<20} {:<14} {}", manual.id, manual.family, manual.title);
    }
    out
}

/// The names of everything that reads a file, for `--as`.
pub fn readers() -> Vec<&'static str> {
    let logs = logs::FORMATS.iter().map(|it| it.about().name);
    let schedules = schedules::PLACES.iter().map(|it| it.about().name);
    let declared = declared::INVENTORIES.iter().map(|it| it.about().name);
    let source = source::LANGUAGES.iter().map(|it| it.about.name);
    let captures = [traffic::ABOUT.name, evidence_file::ABOUT.name];
    logs.chain(captures).chain(schedules).chain(declared).chain(source).chain(source::OTHER_READERS).collect()
}

/// The list of rules.
pub fn rules() -> String {
    let mut out = String::new();
    for rule in RULES {
        let _ = writeln!(out, "{:<22} {}", rule.manual().id, rule.manual().title);
    }
    out
}

/// A rule's manual page.
pub fn manual(id: &str) -> Option<String> {
    let manual = RULES.iter().find(|rule| rule.manual().id == id)?.manual();
    let mut out = format!("{}: {}\n\n", manual.id, manual.title);
    for (title, text) in [
        ("What it finds", manual.what),
        ("Why it hurts at a cutover", manual.why),
        ("Example", manual.example),
        ("What to ask", manual.ask),
    ] {
        let _ = writeln!(out, "{title}\n  {text}\n");
    }
    Some(out)
}

/// What changed, for people.
pub fn changes(diff: &Diff) -> String {
    let shown = |text: &str| -> String {
        text.chars()
            .flat_map(|c| if c.is_control() { c.escape_unicode().collect() } else { vec![c] })
            .collect()
    };
    let mut out = String::new();
    for (title, changes) in [("new", &diff.new), ("gone", &diff.gone)] {
        for change in changes {
            let _ = writeln!(
                out,
                "{title:<5} {:<9} {} ({})",
                change.what,
                shown(&change.id),
                shown(&change.detail)
            );
        }
    }
    for (old, new) in &diff.renamed {
        let _ = writeln!(out, "same  {} is now {}", shown(old), shown(new));
    }
    if diff.is_empty() {
        out.push_str("nothing is new and nothing is gone\n");
    }
    out
}
