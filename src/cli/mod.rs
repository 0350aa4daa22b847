//! The command line: what was typed becomes what is meant, and what came of it is printed. The only place
//! that knows clap and the terminal; it decides nothing about evidence.

mod ask;
mod tables;

use crate::collect::BLOCK_BYTES;
use crate::findings::Severity;
use crate::report::{self, Report};
use crate::scan::{self, Plan};
use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// It worked, findings or not.
pub const DONE: u8 = 0;
/// Findings at or above `--fail-on`.
pub const FOUND: u8 = 1;
/// Usage error, or a named input could not be read.
pub const FAILED: u8 = 2;
/// Nothing recognisable among the inputs.
pub const NOTHING: u8 = 3;

/// Finds hidden dependencies before a migration: who uses this, and what only works because of when it runs.
#[derive(Parser)]
#[command(name = "whodepends", version, about, arg_required_else_help = true, max_term_width = 100)]
struct Typed {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Reads logs, crontabs, scripts, source and inventories, and reports who depends on what
    Scan(ScanArgs),
    /// Prints the manual page of a rule; without one, the list of rules
    Explain {
        /// A rule, such as shadow-consumer
        rule: Option<String>,
    },
    /// Lists everything it can read and write
    Formats,
    /// Shows how one statement, schedule or log is understood, as JSON lines
    Inspect {
        #[command(subcommand)]
        lens: ask::Lens,
    },
}

#[derive(Args)]
struct ScanArgs {
    /// Files and folders of any kind, recognised by their content
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// How the report is printed (see `whodepends formats`)
    #[arg(long, default_value = "text", value_parser = report_name)]
    format: String,
    /// Writes the report to a file as well, as FORMAT=FILE; may be repeated
    #[arg(long, value_name = "FORMAT=FILE", value_parser = out_pair)]
    out: Vec<(String, PathBuf)>,
    /// The settings; default: whodepends.toml at the root of an argument
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The day next runs and expiry are counted from, YYYY-MM-DD; default: what the settings say, else today
    #[arg(long, value_name = "DAY")]
    as_of: Option<String>,
    /// How many threads work; default: all cores
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Exit with 1 on findings that are: shadow, any, or at least low, medium, high
    #[arg(long, value_name = "WHAT", value_parser = ["shadow", "any", "low", "medium", "high"])]
    fail_on: Option<String>,
    /// How many bytes of a log are parsed as one unit
    #[arg(long, hide = true, default_value_t = BLOCK_BYTES)]
    block_bytes: usize,
}

fn report_name(text: &str) -> Result<String, String> {
    let names: Vec<&str> = report::FORMATS.iter().map(|format| format.about().name).collect();
    if names.contains(&text) { Ok(text.to_owned()) } else { Err(format!("one of {}", names.join(", "))) }
}

fn out_pair(text: &str) -> Result<(String, PathBuf), String> {
    let (format, file) =
        text.split_once('=').ok_or("write it as FORMAT=FILE, for instance json=report.json")?;
    Ok((report_name(format)?, PathBuf::from(file)))
}

/// Runs the program and gives its exit code.
pub fn run() -> u8 {
    let typed = match Typed::try_parse() {
        Ok(typed) => typed,
        Err(error) => {
            let code = if error.use_stderr() { FAILED } else { DONE };
            let _ = error.print();
            return code;
        }
    };
    let outcome = match typed.verb {
        Verb::Scan(args) => scan_verb(&args),
        Verb::Explain { rule } => {
            tables::explain(rule.as_deref()).and_then(|text| print(&text)).map(|()| DONE)
        }
        Verb::Formats => print(&tables::formats()).map(|()| DONE),
        Verb::Inspect { lens } => ask::answer(&lens).map(|()| DONE),
    };
    outcome.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "whodepends: {error:#}");
        FAILED
    })
}

/// Prints to standard output; a reader that has gone away is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("standard output"),
    }
}

/// A worker's stack: deep statements are parsed on it.
const STACK_BYTES: usize = 16 * 1024 * 1024;

fn scan_verb(args: &ScanArgs) -> Result<u8> {
    let mut pool = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES);
    if let Some(threads) = args.threads {
        if threads == 0 {
            bail!("--threads 0: at least one thread is needed");
        }
        pool = pool.num_threads(threads);
    }
    let pool = pool.build().context("cannot start worker threads")?;
    let plan = Plan {
        paths: args.paths.clone(),
        config: args.config.clone(),
        as_of: args.as_of.clone(),
        block_bytes: args.block_bytes.max(1),
    };
    let bar = bar();
    let progress = |path: &str, bytes: u64| {
        if let Some(bar) = &bar {
            bar.set_message(path.chars().filter(|c| !c.is_control()).collect::<String>());
            bar.inc(bytes);
        }
    };
    let outcome = pool.install(|| scan::scan(&plan, &progress));
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    let outcome = outcome?;
    for error in &outcome.errors {
        let _ = writeln!(std::io::stderr(), "whodepends: {error}");
    }
    print(&render(&args.format, &outcome.report))?;
    for (format, file) in &args.out {
        let shown = file.display();
        std::fs::write(file, render(format, &outcome.report))
            .with_context(|| format!("{shown}: cannot be written"))?;
    }
    if !outcome.errors.is_empty() {
        return Ok(FAILED);
    }
    if !outcome.recognised {
        let _ = writeln!(
            std::io::stderr(),
            "whodepends: nothing recognisable among the inputs; see `whodepends formats`"
        );
        return Ok(NOTHING);
    }
    Ok(if fails(args.fail_on.as_deref(), &outcome.report) { FOUND } else { DONE })
}

fn bar() -> Option<indicatif::ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = indicatif::ProgressBar::new_spinner();
    let style = indicatif::ProgressStyle::with_template("{spinner} {bytes} read, {bytes_per_sec} {msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    Some(bar)
}

fn render(format: &str, report: &Report) -> String {
    let known = report::FORMATS.iter().find(|known| known.about().name == format);
    known.map(|known| known.render(report)).unwrap_or_default()
}

fn fails(on: Option<&str>, report: &Report) -> bool {
    let Some(on) = on else { return false };
    report.findings.iter().filter(|finding| finding.accepted.is_none()).any(|finding| match on {
        "any" => true,
        "shadow" => finding.rule == "shadow-consumer",
        level => Severity::from_word(finding.severity) >= Severity::from_word(level),
    })
}
