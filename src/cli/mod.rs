//! The command line: what was typed becomes what is meant, and what came of it is printed. The only place
//! that knows clap and the terminal; it decides nothing about evidence.

mod ask;
mod decide;
mod init;
mod keep;
mod tables;

use crate::collect::{self, BLOCK_BYTES};
use crate::evidence::file;
use crate::evidence::{MICROS_PER_DAY, Stamp};
use crate::findings::Severity;
use crate::history;
use crate::input::{self, WalkError};
use crate::report::{self, Report};
use crate::scan::{self, Outcome, Plan, Wanted};
use anyhow::{Context, Result, bail};
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

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
    /// Explains a rule, a finding (by fingerprint) or an entity (by id) with its whole evidence
    Explain {
        /// A rule such as shadow-consumer, a finding's fingerprint, or an id such as service:billing; without
        /// one, the list of rules
        what: Option<String>,
        /// What to scan, for a fingerprint or an id
        paths: Vec<PathBuf>,
        /// A JSON report or an evidence file to look it up in, instead of scanning
        #[arg(long, value_name = "REPORT.json", conflicts_with = "paths")]
        from: Option<PathBuf>,
        #[command(flatten)]
        look: Look,
    },
    /// Says who depends on a resource, and what hangs behind them; with --reverse, what a consumer stands on
    On {
        /// An id (table:shop-db/shop/public.orders), its end (public.orders), or a glob (table:*.orders*); with
        /// --reverse a consumer: an id (service:billing), its end, a name of its (user:billing_rw), or a glob
        resource: String,
        /// What to scan
        paths: Vec<PathBuf>,
        /// A JSON report or an evidence file to look it up in, instead of scanning
        #[arg(long, value_name = "REPORT.json", conflicts_with = "paths")]
        from: Option<PathBuf>,
        /// How many steps are followed: 1 is the consumers themselves, 2 who takes what they make of it, …
        #[arg(long, default_value_t = 2)]
        depth: usize,
        /// Asks the other way round: what this consumer uses, who fills that, and what those use
        #[arg(long)]
        reverse: bool,
        /// text or json
        #[arg(long, default_value = "text", value_parser = ["text", "json"])]
        format: String,
        #[command(flatten)]
        look: Look,
    },
    /// Lists every scheduled job: where, as whom, when it runs next, and what it touches
    Jobs(JobsArgs),
    /// Reads what scan reads and writes what it states to an evidence file, to be scanned elsewhere
    Collect(keep::CollectArgs),
    /// Merges evidence files of several machines or days into one
    Merge(keep::MergeArgs),
    /// Writes what was found as an inventory for people to correct: whodepends.toml
    Init(init::InitArgs),
    /// Writes into whodepends.toml that a finding is accepted, why, by whom and until when
    Accept(decide::AcceptArgs),
    /// Compares two JSON reports or evidence files; exits with 1 when they differ
    Diff {
        /// The older
        old: PathBuf,
        /// The newer
        new: PathBuf,
        /// text or json
        #[arg(long, default_value = "text", value_parser = ["text", "json"])]
        format: String,
    },
    /// Lists everything it can read and write
    Formats,
    /// Prints the JSON Schema (draft 2020-12) of the JSON report
    Schema,
    /// Prints a completion script for a shell
    Completions {
        /// Whose
        shell: clap_complete::Shell,
    },
    /// Shows how one statement, schedule or log is understood, as JSON lines
    Inspect {
        #[command(subcommand)]
        lens: ask::Lens,
    },
}

/// How a scan looks at its inputs.
#[derive(Args, Default)]
struct Look {
    /// The day next runs and expiry are counted from, YYYY-MM-DD; default: what the settings say, else today
    #[arg(long, value_name = "DAY")]
    as_of: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// How inputs are read.
#[derive(Args, Default)]
pub(crate) struct Reading {
    /// The settings; default: whodepends.toml at the root of an argument, else those an evidence file carries
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Leaves out what was observed before this day or RFC 3339 moment (UTC)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Stamp>,
    /// Leaves out what was observed after this day or RFC 3339 moment (UTC)
    #[arg(long, value_name = "WHEN", value_parser = until)]
    until: Option<Stamp>,
    /// Reads PATH as this kind whatever its content says (a name from `whodepends formats`), or as a copy of
    /// a host's files (host:NAME); may be repeated
    #[arg(long = "as", value_name = "KIND=PATH", value_parser = kind_pair)]
    kinds: Vec<(String, PathBuf)>,
    /// Reads only packets of captures that this filter lets through, in the language of tcpdump (pcap-filter(7))
    #[arg(long, value_name = "EXPRESSION", value_parser = filter)]
    bpf: Option<String>,
    /// How many threads work; default: all cores
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// How many bytes of a log are parsed as one unit
    #[arg(long, hide = true, default_value_t = BLOCK_BYTES)]
    block_bytes: usize,
}

#[derive(Args)]
struct ScanArgs {
    /// Files and folders of any kind, recognised by their content; `-` is standard input
    #[arg(required_unless_present = "kinds")]
    paths: Vec<PathBuf>,
    /// How the report is printed (see `whodepends formats`)
    #[arg(long, default_value = "text", value_parser = report_name)]
    format: String,
    /// Writes the report to a file as well, as FORMAT=FILE; may be repeated
    #[arg(long, value_name = "FORMAT=FILE", value_parser = out_pair)]
    out: Vec<(String, PathBuf)>,
    /// Exit with 1 on findings that are: new (with --baseline), shadow, any, or at least low, medium, high
    #[arg(long, value_name = "WHAT", value_parser = ["new", "shadow", "any", "low", "medium", "high"])]
    fail_on: Option<String>,
    /// Marks the findings that this JSON report does not have as new; `none` says there is no older one
    #[arg(long, value_name = "REPORT.json|none")]
    baseline: Option<String>,
    #[command(flatten)]
    look: Look,
}

#[derive(Args)]
struct JobsArgs {
    /// What to scan
    paths: Vec<PathBuf>,
    /// A JSON report or an evidence file to look in, instead of scanning
    #[arg(long, value_name = "REPORT.json", conflicts_with = "paths")]
    from: Option<PathBuf>,
    /// Only jobs of this host
    #[arg(long, value_name = "HOST")]
    at: Option<String>,
    /// Only jobs that run between two days or RFC 3339 moments (UTC), with their runs
    #[arg(long, value_name = "FROM..TO", value_parser = between)]
    between: Option<(i64, i64)>,
    /// How many next runs are told of each job
    #[arg(long, default_value_t = 3)]
    count: usize,
    /// text, json or csv
    #[arg(long, default_value = "text", value_parser = ["text", "json", "csv"])]
    format: String,
    #[command(flatten)]
    look: Look,
}

/// Two moments, as seconds.
fn between(text: &str) -> Result<(i64, i64), String> {
    let (from, to) =
        text.split_once("..").ok_or("write it as FROM..TO, for instance 2026-11-27..2026-11-30")?;
    let (from, to) = (since(from)?.seconds(), until(to)?.seconds());
    if from > to { Err("it ends before it begins".to_owned()) } else { Ok((from, to)) }
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

/// A day (its first or last moment) or an RFC 3339 moment.
fn moment(text: &str, end_of_day: bool) -> Result<Stamp, String> {
    let wrong =
        || "write it as YYYY-MM-DD or as an RFC 3339 time, for instance 2026-10-26T06:00:00Z".to_owned();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Stamp(time.as_microsecond()));
    }
    let day: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    let start = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?.timestamp();
    let start = Stamp(start.as_microsecond());
    Ok(if end_of_day { start.plus_micros(MICROS_PER_DAY - 1) } else { start })
}

fn since(text: &str) -> Result<Stamp, String> {
    moment(text, false)
}

fn until(text: &str) -> Result<Stamp, String> {
    moment(text, true)
}

/// A filter over packets.
fn filter(text: &str) -> Result<String, String> {
    collect::traffic::check_filter(text).map(|()| text.to_owned())
}

fn kind_pair(text: &str) -> Result<(String, PathBuf), String> {
    let (kind, path) =
        text.split_once('=').ok_or("write it as KIND=PATH, for instance postgres-stderr=old.log")?;
    let host = kind.strip_prefix("host:").is_some_and(|name| !name.is_empty());
    if host || tables::readers().contains(&kind) {
        return Ok((kind.to_owned(), PathBuf::from(path)));
    }
    Err(format!("{kind} is no reader; one of host:NAME, {}", tables::readers().join(", ")))
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
        Verb::Explain { what, paths, from, look } => explain(what.as_deref(), &paths, from.as_deref(), &look)
            .and_then(|text| print(&text))
            .map(|()| DONE),
        Verb::On { resource, paths, from, depth, reverse, format, look } => {
            let question = report::on::Question { pattern: resource, depth, reverse };
            on_verb(&question, &paths, from.as_deref(), &format, &look)
        }
        Verb::Jobs(args) => jobs_verb(&args),
        Verb::Collect(args) => keep::collect(&args),
        Verb::Merge(args) => keep::merge(&args),
        Verb::Init(args) => init::init(&args),
        Verb::Accept(args) => decide::accept(&args),
        Verb::Diff { old, new, format } => diff_verb(&old, &new, &format),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Typed::command(), "whodepends", &mut script);
            print(&String::from_utf8_lossy(&script)).map(|()| DONE)
        }
        Verb::Schema => print(report::SCHEMA).map(|()| DONE),
        Verb::Formats => print(&tables::formats()).map(|()| DONE),
        Verb::Inspect { lens } => ask::answer(&lens).map(|()| DONE),
    };
    outcome.unwrap_or_else(|error| {
        complain(&format!("{error:#}"));
        FAILED
    })
}

/// Prints to standard output; a reader that has gone away is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    printed(std::io::stdout().lock().write_all(text.as_bytes()))
}

/// Who stops reading what is printed wants no more of it.
fn printed(outcome: std::io::Result<()>) -> Result<()> {
    match outcome {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("standard output"),
    }
}

/// A worker's stack: deep statements are parsed on it.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Where standard input is kept while it is read: files are recognised by their first bytes and read again.
fn spool(paths: &[PathBuf], folder: &mut Option<tempfile::TempDir>) -> Result<Vec<PathBuf>> {
    let mut real = Vec::with_capacity(paths.len());
    for path in paths {
        if path.as_os_str() != "-" {
            real.push(path.clone());
        } else if folder.is_none() {
            let made = tempfile::tempdir().context("cannot make a temporary folder for standard input")?;
            let file = made.path().join("stdin");
            let mut out = std::fs::File::create(&file).context("cannot keep standard input")?;
            std::io::copy(&mut std::io::stdin().lock(), &mut out).context("standard input")?;
            *folder = Some(made);
            real.push(file);
        }
    }
    Ok(real)
}

/// The most of a log that is parsed as one unit, in bytes.
const MAX_BLOCK_BYTES: usize = 256 * 1024 * 1024;

/// The plan of a scan; standard input is kept in `folder` while it is read.
fn plan_of(paths: &[PathBuf], reading: &Reading, folder: &mut Option<tempfile::TempDir>) -> Result<Plan> {
    if let (Some(since), Some(until)) = (reading.since, reading.until)
        && since > until
    {
        bail!("--since {since} is after --until {until}: nothing lies between");
    }
    let mut paths = spool(paths, folder)?;
    let beside: Vec<PathBuf> =
        reading.kinds.iter().map(|(_, path)| path.clone()).filter(|path| !within(path, &paths)).collect();
    paths.extend(beside);
    Ok(Plan {
        paths,
        config: reading.config.clone(),
        as_of: None,
        since: reading.since,
        until: reading.until,
        kinds: reading.kinds.clone(),
        filter: reading.bpf.clone(),
        block_bytes: if reading.block_bytes == 0 {
            BLOCK_BYTES
        } else {
            reading.block_bytes.min(MAX_BLOCK_BYTES)
        },
    })
}

/// Works on that many threads, with the progress on a terminal.
fn run_with<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce(&(dyn Fn(&str, u64) + Sync)) -> Result<T> + Send,
) -> Result<T> {
    let mut pool = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES);
    if let Some(threads) = threads {
        if threads == 0 {
            bail!("--threads 0: at least one thread is needed");
        }
        pool = pool.num_threads(threads);
    }
    let pool = pool.build().context("cannot start worker threads")?;
    let bar = bar();
    let progress = |path: &str, bytes: u64| {
        if let Some(bar) = &bar {
            bar.set_message(path.chars().filter(|c| !c.is_control()).collect::<String>());
            bar.inc(bytes);
        }
    };
    let outcome = pool.install(|| work(&progress));
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    outcome
}

/// Scans, with the progress on a terminal.
fn scan_paths(paths: &[PathBuf], look: &Look, wanted: Wanted<'_>) -> Result<Outcome> {
    let mut folder = None;
    let plan = Plan { as_of: look.as_of.clone(), ..plan_of(paths, &look.reading, &mut folder)? };
    run_with(look.reading.threads, |progress| Ok(scan::scan_for(&plan, wanted, progress)?))
}

/// Names the arguments that could not be read.
fn print_errors(errors: &[WalkError]) {
    errors.iter().for_each(|error| complain(&error.to_string()));
}

/// Says on standard error what went wrong. Names in it may be anybody's: a terminal is not to obey them.
fn complain(text: &str) {
    let shown: String = text
        .chars()
        .flat_map(|c| if c.is_control() && c != '\n' { c.escape_unicode().collect() } else { vec![c] })
        .collect();
    let _ = writeln!(std::io::stderr(), "whodepends: {shown}");
}

/// Whether a path lies in one that is scanned anyway.
fn within(path: &Path, paths: &[PathBuf]) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    paths.iter().any(|whole| real(path).starts_with(real(whole)))
}

fn explain(what: Option<&str>, paths: &[PathBuf], from: Option<&Path>, look: &Look) -> Result<String> {
    let Some(what) = what else { return Ok(tables::rules()) };
    if let Some(page) = tables::manual(what) {
        return Ok(page);
    }
    let fingerprint = what.len() >= 4 && what.bytes().all(|b| b.is_ascii_hexdigit());
    if !fingerprint && !what.contains(':') {
        bail!("{what}: no such rule; `whodepends explain` lists them");
    }
    let report = report_of(what, paths, from, look, Wanted::All)?;
    let told = if fingerprint { report::finding(&report, what) } else { report::entity(&report, what) };
    told.map_err(anyhow::Error::msg)
}

/// A JSON report of this program, or the report of an evidence file.
fn read_report(path: &Path, wanted: Wanted<'_>) -> Result<Report> {
    let mut head = Vec::new();
    let begins =
        |from: Box<dyn std::io::Read + Send>| from.take(file::BEGINS.len() as u64).read_to_end(&mut head);
    if input::open(path).and_then(begins).is_ok() && head == file::BEGINS {
        let outcome = scan_paths(&[path.to_path_buf()], &Look::default(), wanted)?;
        return match outcome.errors.first() {
            Some(error) => bail!("{error}"),
            None => Ok(outcome.report),
        };
    }
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let whole = matches!(wanted, Wanted::All);
    let read = if whole { serde_json::from_str(&text) } else { report::brief(&text) };
    read.with_context(|| format!("{}: not a JSON report of this program", path.display()))
}

/// The report a question is about: one that was kept, or one made now.
fn report_of(
    question: &str,
    paths: &[PathBuf],
    from: Option<&Path>,
    look: &Look,
    wanted: Wanted<'_>,
) -> Result<Report> {
    if let Some(path) = from {
        return read_report(path, wanted);
    }
    if paths.is_empty() && look.reading.kinds.is_empty() {
        bail!("{question}: name what to scan, or a JSON report with --from, to look it up in");
    }
    let outcome = scan_paths(paths, look, wanted)?;
    match outcome.errors.first() {
        Some(error) => bail!("{error}"),
        None => Ok(outcome.report),
    }
}

fn on_verb(
    question: &report::on::Question,
    paths: &[PathBuf],
    from: Option<&Path>,
    format: &str,
    look: &Look,
) -> Result<u8> {
    let report = report_of(&question.pattern, paths, from, look, Wanted::Answer(question))?;
    let answer = report::on::ask(&report, question).map_err(anyhow::Error::msg)?;
    let shown = match format {
        "json" => format!("{}\n", serde_json::to_string_pretty(&answer)?),
        _ => report::on::text(&answer),
    };
    print(&shown).map(|()| DONE)
}

fn jobs_verb(args: &JobsArgs) -> Result<u8> {
    let report = report_of("jobs", &args.paths, args.from.as_deref(), &args.look, Wanted::Links)?;
    let question = report::jobs::Question { at: args.at.clone(), between: args.between, count: args.count };
    let answer = report::jobs::ask(&report, &question).map_err(anyhow::Error::msg)?;
    let shown = match args.format.as_str() {
        "json" => format!("{}\n", serde_json::to_string_pretty(&answer)?),
        "csv" => report::jobs::csv(&answer),
        _ => report::jobs::text(&answer),
    };
    print(&shown).map(|()| DONE)
}

fn diff_verb(old: &Path, new: &Path, format: &str) -> Result<u8> {
    let diff = history::diff(&read_report(old, Wanted::All)?, &read_report(new, Wanted::All)?);
    let shown = match format {
        "json" => format!("{}\n", serde_json::to_string_pretty(&diff)?),
        _ => tables::changes(&diff),
    };
    print(&shown)?;
    Ok(if diff.is_empty() { DONE } else { FOUND })
}

fn scan_verb(args: &ScanArgs) -> Result<u8> {
    if args.fail_on.as_deref() == Some("new") && args.baseline.is_none() {
        bail!("--fail-on new needs --baseline REPORT.json, or --baseline none for a first run");
    }
    // The older report is read first: a scan whose outcome cannot be compared is not worth its time.
    let baseline = match args.baseline.as_deref() {
        None => None,
        Some("none") => Some(None),
        Some(path) => Some(Some(read_report(Path::new(path), Wanted::All)?)),
    };
    let mut outcome = scan_paths(&args.paths, &args.look, Wanted::All)?;
    if let Some(old) = &baseline {
        history::mark_new(&mut outcome.report, old.as_ref());
    }
    print_errors(&outcome.errors);
    print_report(&args.format, &outcome.report)?;
    for (format, file) in &args.out {
        let shown = file.display();
        let written = std::fs::File::create(file).and_then(|mut to| render(format, &outcome.report, &mut to));
        written.with_context(|| format!("{shown}: cannot be written"))?;
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

fn render(format: &str, report: &Report, to: &mut dyn Write) -> std::io::Result<()> {
    let known = report::FORMATS.iter().find(|known| known.about().name == format);
    known.map_or(Ok(()), |known| known.render(report, to))
}

fn print_report(format: &str, report: &Report) -> Result<()> {
    printed(render(format, report, &mut std::io::stdout().lock()))
}

fn fails(on: Option<&str>, report: &Report) -> bool {
    let Some(on) = on else { return false };
    report.findings.iter().filter(|finding| finding.accepted.is_none()).any(|finding| match on {
        "any" => true,
        "new" => finding.new,
        "shadow" => finding.rule == "shadow-consumer",
        level => Severity::from_word(&finding.severity) >= Severity::from_word(level),
    })
}
