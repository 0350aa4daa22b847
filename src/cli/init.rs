//! `init`: what a scan found becomes an inventory for people to correct, in a settings file of its own or behind what
//! stands in the one there is, whose comments stay. It declares nobody who was only seen, and overwrites nothing unless
//! it is told to.

use super::decide::{FILE, write};
use super::{DONE, Look, complain, print, read_report, scan_paths};
use crate::report::Report;
use crate::report::inventory::{self, Inventory, Listed, UseLine};
use crate::scan::Wanted;
use crate::settings::Settings;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item};

/// What `init` is told.
#[derive(Args)]
pub struct InitArgs {
    /// What is scanned
    #[arg(long = "from-scan", value_name = "PATH", num_args = 1.., required_unless_present = "from")]
    paths: Vec<PathBuf>,
    /// A JSON report or an evidence file, instead of scanning
    #[arg(long, value_name = "REPORT.json", conflicts_with = "paths")]
    from: Option<PathBuf>,
    /// The file to write; default: whodepends.toml at the root of an argument, else here; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Writes where a file is already. What stands in the settings that act is kept, and what was found comes behind it
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    look: Look,
}

/// The report, and the settings file that acted in its scan.
fn found(args: &InitArgs) -> Result<(Report, Option<PathBuf>)> {
    if let Some(path) = &args.from {
        return Ok((read_report(path, Wanted::All)?, args.look.reading.config.clone()));
    }
    let outcome = scan_paths(&args.paths, &args.look, Wanted::All)?;
    match outcome.errors.first() {
        Some(error) => bail!("{error}"),
        None => Ok((outcome.report, outcome.settings)),
    }
}

/// The text of a settings file, if there is one.
fn text_of(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => Ok(Some(read.with_context(|| path.display().to_string())?)),
    }
}

/// A text without what would draw or move on a terminal.
fn shown(path: &Path) -> String {
    path.display().to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Puts uses that nobody confirmed behind those of an entry, commented out.
fn add_uses(document: &mut DocumentMut, consumer: &str, uses: &[UseLine]) -> bool {
    let Some(entries) = document.get_mut("consumer").and_then(Item::as_array_of_tables_mut) else {
        return false;
    };
    let (kind, name) = consumer.split_once(':').unwrap_or(("", consumer));
    let is = |key: &str, wanted: &str, table: &toml_edit::Table| {
        table.get(key).and_then(Item::as_str) == Some(wanted)
    };
    let mut own = entries.iter_mut().filter(|table| is("kind", kind, table) && is("name", name, table));
    let Some(list) = own.next().and_then(|table| table.get_mut("uses")).and_then(Item::as_array_mut) else {
        return false;
    };
    // A remark behind the last element would swallow the comma that an element after it needs.
    let last = list.len().checked_sub(1).and_then(|at| list.get_mut(at));
    let behind = last.map(|last| {
        let suffix = last.decor().suffix().and_then(|it| it.as_str()).unwrap_or("").trim_end().to_owned();
        last.decor_mut().set_suffix("");
        suffix
    });
    list.set_trailing_comma(!list.is_empty());
    let trailing = list.trailing().as_str().unwrap_or("").trim_end();
    let before = format!("{}{trailing}", behind.unwrap_or_default());
    let mut lines = format!("{before}\n  # not stated here so far: take the # away from what is right\n");
    for it in uses {
        lines.push_str(&format!("  #{}\n", it.toml()));
    }
    list.set_trailing(lines);
    true
}

/// What stands in a settings file, with what was found behind it.
fn joined(base: &str, found: &Inventory) -> Result<String> {
    let mut document: DocumentMut = base.parse().context("it is no TOML")?;
    let mut left = Vec::new();
    for (consumer, uses) in &found.beyond {
        if !add_uses(&mut document, consumer, uses) {
            left.push(consumer);
        }
    }
    let mut text = document.to_string();
    text.push_str(&found.text);
    for consumer in left {
        let consumer: String = consumer.chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!(
            "\n# {consumer} states no uses here, and does more than is stated elsewhere\n"
        ));
    }
    Ok(text)
}

/// Writes an inventory.
pub fn init(args: &InitArgs) -> Result<u8> {
    let root = || {
        args.paths
            .iter()
            .find(|path| path.is_dir())
            .map_or_else(|| PathBuf::from(FILE), |root| root.join(FILE))
    };
    let target = args.output.clone().unwrap_or_else(root);
    let printed = target.as_os_str() == "-";
    if !printed && !args.force && target.exists() {
        bail!("{}: is there already; --force writes what was found behind what stands in it", shown(&target));
    }
    let (report, acting) = found(args)?;
    let base = match (&acting, printed) {
        (Some(acting), _) => text_of(acting)?,
        (None, false) => text_of(&target)?,
        (None, true) => None,
    };
    let base = base.unwrap_or_default();
    let settings = Settings::parse(&base).map_err(|error| anyhow::anyhow!("{}: {error}", shown(&target)))?;
    let consumers = settings.consumers.iter().map(|it| format!("{}:{}", it.kind, it.name)).collect();
    let asked = settings.systems.iter().filter(|it| matches!(it.kind.as_str(), "service" | "external"));
    let asked = asked.map(|it| it.name.clone()).collect();
    let listed = Listed { consumers, asked, any: !base.trim().is_empty() };
    let inventory = inventory::inventory(&report, &listed);
    let text = joined(&base, &inventory)?;
    if let Err(error) = Settings::parse(&text) {
        bail!("{}: it would not be valid: {error}", shown(&target));
    }
    if printed {
        return print(&text).map(|()| DONE);
    }
    write(&target, &text)?;
    if inventory.to_confirm > 0 {
        complain(&format!("{} entries are commented out until somebody confirms them", inventory.to_confirm));
    }
    print(&format!("wrote {} entries to {}\n", inventory.entries, shown(&target))).map(|()| DONE)
}
