//! `accept`: a decision about findings is written into `whodepends.toml`, beside what stands there, comments and all. It
//! looks a finding up and writes what makes it that finding; whether an entry still holds is for the scan to say.

use super::{DONE, Look, Reading, complain, print, report_of};
use crate::findings::RULES;
use crate::report::{self, FindingRow, Report};
use crate::scan::Wanted;
use crate::settings::{Settings, id_glob};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

/// The file decisions stand in.
pub(super) const FILE: &str = "whodepends.toml";

/// What `accept` is told.
#[derive(Args)]
pub struct AcceptArgs {
    /// A finding's fingerprint, as reports show it; a rule or a glob over rules; or a glob over consumers' ids
    /// (client:report_ro@*), which accepts that no inventory lists them (rules *-consumer)
    #[arg(value_name = "FINGERPRINT|RULE|CONSUMER")]
    what: String,
    /// What is scanned to look that up in
    paths: Vec<PathBuf>,
    /// A JSON report or an evidence file to look it up in, instead of scanning
    #[arg(long, value_name = "REPORT.json", conflicts_with = "paths")]
    from: Option<PathBuf>,
    /// For a rule: only findings about consumers whose id fits this glob
    #[arg(long, value_name = "GLOB")]
    consumer: Option<String>,
    /// For a rule: only findings about resources whose id fits this glob
    #[arg(long, value_name = "GLOB")]
    resource: Option<String>,
    /// Why
    #[arg(long)]
    reason: String,
    /// Who decided
    #[arg(long)]
    owner: Option<String>,
    /// The last day it holds, YYYY-MM-DD; after it the findings are back
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: Option<String>,
    /// The settings file to write; default: whodepends.toml at the root of an argument, else here
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn day(text: &str) -> Result<String, String> {
    let day = text.parse::<jiff::civil::Date>();
    day.map(|day| day.to_string()).map_err(|_| "a day is written YYYY-MM-DD".to_owned())
}

/// An entry to be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entry {
    rule: String,
    consumer: Option<String>,
    resource: Option<String>,
    upstream: Option<String>,
    /// What the consumer does now: doing more is not accepted.
    uses: Vec<String>,
}

/// What a pattern over consumers accepts of them.
const NOT_LISTED: &str = "*-consumer";

/// A pattern that fits this id alone.
fn exactly(id: &Option<String>) -> Option<String> {
    id.as_deref().map(globset::escape)
}

impl Entry {
    fn of(finding: &FindingRow, report: &Report) -> Entry {
        Entry {
            uses: if finding.family == "who" { report::does(report, finding) } else { Vec::new() },
            rule: finding.rule.clone(),
            consumer: exactly(&finding.consumer).or_else(|| exactly(&finding.downstream)),
            resource: exactly(&finding.resource),
            upstream: exactly(&finding.upstream),
        }
    }

    /// How many findings of a report it means.
    fn count(&self, report: &Report) -> usize {
        let fits = |pattern: Option<&str>, id: Option<&str>| {
            pattern.and_then(id_glob).is_none_or(|glob| glob.is_match(id.unwrap_or("")))
        };
        let means = |it: &&FindingRow| {
            fits(Some(&self.rule), Some(&it.rule))
                && fits(self.consumer.as_deref(), it.consumer.as_deref().or(it.downstream.as_deref()))
                && fits(self.resource.as_deref(), it.resource.as_deref())
        };
        report.findings.iter().filter(means).count()
    }

    /// What tells entries apart, by key.
    fn keys(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("rule", Some(&self.rule)),
            ("consumer", self.consumer.as_deref()),
            ("resource", self.resource.as_deref()),
            ("upstream", self.upstream.as_deref()),
        ]
    }

    fn is(&self, table: &Table) -> bool {
        self.keys().into_iter().all(|(key, wanted)| table.get(key).and_then(Item::as_str) == wanted)
    }
}

/// Whether a word is written as fingerprints are.
fn is_fingerprint(word: &str) -> bool {
    word.len() >= 6 && word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The report of what a decision is looked up in.
fn looked_up(args: &AcceptArgs) -> Result<Report> {
    let reading = Reading { config: args.config.clone().filter(|file| file.exists()), ..Reading::default() };
    let look = Look { reading, ..Look::default() };
    report_of(&args.what, &args.paths, args.from.as_deref(), &look, Wanted::All)
}

/// The entry, and what it is of, for people.
fn entry(args: &AcceptArgs) -> Result<(Entry, Option<String>)> {
    if is_fingerprint(&args.what) {
        if args.consumer.is_some() || args.resource.is_some() {
            bail!("{}: a fingerprint is one finding; --consumer and --resource go with a rule", args.what);
        }
        let report = looked_up(args)?;
        let mut found = report.findings.iter().filter(|finding| finding.fingerprint.starts_with(&args.what));
        let Some(finding) = found.next() else {
            bail!("{}: no finding of this scan has that fingerprint", args.what);
        };
        if found.next().is_some() {
            bail!("{}: several findings begin so; write all of it", args.what);
        }
        return Ok((Entry::of(finding, &report), Some(finding.title.clone())));
    }
    for (name, pattern) in [("--consumer", &args.consumer), ("--resource", &args.resource)] {
        if pattern.as_deref().is_some_and(|pattern| id_glob(pattern).is_none()) {
            bail!("{name} {}: no pattern", pattern.as_deref().unwrap_or(""));
        }
    }
    if args.what.contains(':') {
        if args.consumer.is_some() || id_glob(&args.what).is_none() {
            bail!("{}: one pattern over consumers' ids, and no --consumer beside it", args.what);
        }
        let (rule, consumer) = (NOT_LISTED.to_owned(), Some(args.what.clone()));
        return Ok((Entry { rule, consumer, resource: args.resource.clone(), ..Entry::default() }, None));
    }
    let fits = id_glob(&args.what).filter(|glob| RULES.iter().any(|rule| glob.is_match(rule.manual().id)));
    if fits.is_none() {
        bail!("{}: no rule fits, and it is no fingerprint; `whodepends explain` lists the rules", args.what);
    }
    let (rule, consumer, resource) = (args.what.clone(), args.consumer.clone(), args.resource.clone());
    Ok((Entry { rule, consumer, resource, ..Entry::default() }, None))
}

/// The settings file that a scan of the same paths reads.
fn file_of(args: &AcceptArgs) -> PathBuf {
    if let Some(config) = &args.config {
        return config.clone();
    }
    let root = args.paths.iter().find(|path| path.is_dir());
    root.map_or_else(|| PathBuf::from(FILE), |root| root.join(FILE))
}

/// A list with each element on a line of its own, where there are several.
fn list(texts: &[String]) -> Array {
    let mut list: Array = texts.iter().collect();
    if texts.len() > 1 {
        list.iter_mut().for_each(|text| text.decor_mut().set_prefix("\n    "));
        list.set_trailing_comma(true);
        list.set_trailing("\n");
    }
    list
}

/// Puts a decision into the text of a settings file; tells whether one of the same findings stood there.
fn decide(text: &str, entry: &Entry, args: &AcceptArgs, title: Option<&str>) -> Result<(String, bool)> {
    let mut document: DocumentMut = text.parse().context("it is no TOML")?;
    let entries = document.entry("accept").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(entries) = entries.as_array_of_tables_mut() else {
        bail!("`accept` is there and is no list of [[accept]] tables");
    };
    let known = entries.iter().position(|table| entry.is(table));
    let mut new = Table::new();
    let table = match known {
        Some(at) => entries.get_mut(at).unwrap_or(&mut new),
        None => &mut new,
    };
    for (key, wanted) in entry.keys() {
        if let (Some(wanted), None) = (wanted, known) {
            table.insert(key, value(wanted));
        }
    }
    if !entry.uses.is_empty() {
        table.insert("uses", value(list(&entry.uses)));
    }
    table.insert("reason", value(args.reason.trim()));
    for (key, given) in [("owner", &args.owner), ("until", &args.until)] {
        match given {
            Some(given) => drop(table.insert(key, value(given.as_str()))),
            // A decision that is made again without an end has none.
            None if key == "until" => drop(table.remove(key)),
            None => {}
        }
    }
    if known.is_none() {
        if let Some(title) = title {
            let shown: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            new.decor_mut().set_prefix(format!("\n# {shown}\n"));
        }
        entries.push(new);
    }
    Ok((document.to_string(), known.is_some()))
}

/// Writes a file as a whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = || format!("{}: cannot be written", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(shown)?;
    if let Ok(known) = std::fs::metadata(path) {
        file.as_file().set_permissions(known.permissions()).with_context(shown)?;
    }
    file.write_all(text.as_bytes()).with_context(shown)?;
    file.persist(path).map(drop).with_context(shown)
}

/// Accepts findings.
pub fn accept(args: &AcceptArgs) -> Result<u8> {
    if args.reason.trim().is_empty() {
        bail!("--reason: say why; whoever reads it later was not there");
    }
    let (entry, title) = entry(args)?;
    let path = file_of(args);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.with_context(|| path.display().to_string())?,
    };
    if let Err(error) = Settings::parse(&text) {
        bail!("{}: {error}", path.display());
    }
    let (text, again) =
        decide(&text, &entry, args, title.as_deref()).with_context(|| path.display().to_string())?;
    if let Err(error) = Settings::parse(&text) {
        bail!("{}: it would not be valid any more: {error}", path.display());
    }
    let what = match &title {
        Some(title) => title.clone(),
        // Of a pattern somebody wants to know whether it means what it was meant to.
        None if !args.paths.is_empty() || args.from.is_some() => {
            let count = entry.count(&looked_up(args)?);
            if count == 0 {
                complain(&format!("{}: it fits no finding of this scan", args.what));
            }
            format!("{} ({count} {})", args.what, if count == 1 { "finding" } else { "findings" })
        }
        None => args.what.clone(),
    };
    write(&path, &text)?;
    if args.until.is_none() {
        complain("no --until: the entry holds until somebody removes it");
    }
    let shown: String = what.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let how = if again { "changed the entry for" } else { "accepted" };
    print(&format!("{how} {shown} in {}\n", path.display())).map(|()| DONE)
}
