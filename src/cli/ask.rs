//! `inspect`: typed questions become the lenses' questions. It never answers anything itself.

use super::{filter, print};
use crate::input;
use crate::inspect;
use crate::settings::Settings;
use crate::sql::Dialect;
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use std::io::BufRead;
use std::path::PathBuf;

/// The lenses.
#[derive(Subcommand)]
pub enum Lens {
    /// Tables, roles, fingerprint and patterns of SQL; `-` reads JSON lines {"id","dialect","sql"}
    Sql {
        /// Whose SQL it is
        #[arg(long, default_value = "generic")]
        dialect: String,
        /// A file with SQL, or `-`
        file: PathBuf,
    },
    /// Meaning and next runs of a schedule; `-` reads JSON lines {"id","dialect","expr","tz","from","count"}
    Schedule {
        /// Whose schedule it is
        #[arg(long, default_value = "vixie")]
        dialect: String,
        /// The zone of its local times
        #[arg(long, default_value = "UTC")]
        zone: String,
        /// Runs after this moment, RFC 3339; default: now
        #[arg(long)]
        from: Option<String>,
        /// How many runs
        #[arg(long, default_value_t = 5)]
        count: usize,
        /// The expression, or `-`
        expr: String,
    },
    /// One line per use that the text of source files, scripts and settings states
    Source {
        /// A file or folder
        file: PathBuf,
    },
    /// One JSON line per connection of captures
    Traffic {
        /// Keeps statements and paths as they were on the wire, except secrets
        #[arg(long)]
        raw: bool,
        /// Reads only packets that this filter lets through, in the language of tcpdump (pcap-filter(7))
        #[arg(long, value_name = "EXPRESSION", value_parser = filter)]
        bpf: Option<String>,
        /// The captures
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// One JSON line per record of a log, literals folded
    Log {
        /// A whodepends.toml, whose [[source]] says how the log is read
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The log
        file: PathBuf,
    },
}

fn lines(answer: impl Fn(&str) -> String) -> Result<()> {
    for line in std::io::stdin().lock().split(b'\n') {
        let line = line.context("standard input")?;
        let line = String::from_utf8_lossy(&line);
        if !line.trim().is_empty() {
            print(&format!("{}\n", answer(&line)))?;
        }
    }
    Ok(())
}

/// Answers through a lens.
pub fn answer(lens: &Lens) -> Result<()> {
    match lens {
        Lens::Sql { file, .. } if file.as_os_str() == "-" => lines(inspect::sql::answer),
        Lens::Sql { dialect, file } => {
            let Some(known) = Dialect::from_word(dialect) else { bail!("{dialect}: no such SQL dialect") };
            let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
            print(&format!("{}\n", inspect::sql::answer_one(known, &String::from_utf8_lossy(&bytes))))
        }
        Lens::Schedule { expr, .. } if expr == "-" => lines(inspect::schedule::answer),
        Lens::Schedule { dialect, zone, from, count, expr } => {
            let now = || jiff::Timestamp::now().to_string();
            let from = from.clone().unwrap_or_else(now);
            print(&format!("{}\n", inspect::schedule::answer_one(dialect, zone, &from, *count, expr)))
        }
        Lens::Source { file } => {
            let (inputs, errors) = input::walk(std::slice::from_ref(file), &[]);
            if let Some(error) = errors.first() {
                bail!("{error}");
            }
            inspect::source::lines(&inputs).iter().try_for_each(|line| print(&format!("{line}\n")))
        }
        Lens::Traffic { raw, bpf, files } => {
            let (inputs, errors) = input::walk(files, &[]);
            if let Some(error) = errors.first() {
                bail!("{error}");
            }
            let mut failed = None;
            for file in &inputs.files {
                let outcome = inspect::traffic::lines(file, bpf.as_deref(), *raw, &mut |line| {
                    failed = failed.take().or_else(|| print(&format!("{line}\n")).err());
                });
                outcome.map_err(|reason| anyhow::anyhow!("{}: {reason}", file.path))?;
            }
            failed.map_or(Ok(()), Err)
        }
        Lens::Log { config, file } => {
            let mut settings = match config {
                Some(path) => {
                    let shown = path.display().to_string();
                    let text = std::fs::read_to_string(path).with_context(|| shown.clone())?;
                    Settings::parse(&text).map_err(|reason| anyhow::anyhow!("{shown}: {reason}"))?
                }
                None => Settings::default(),
            };
            let (inputs, errors) = input::walk(std::slice::from_ref(file), &[]);
            if let Some(error) = errors.first() {
                bail!("{error}");
            }
            if let Some(config) = config {
                settings.place(config, inputs.files.iter().map(|file| (&*file.path, &*file.real)));
            }
            let mut failed = None;
            for file in &inputs.files {
                let outcome = inspect::log::lines(file, &settings, &mut |line| {
                    failed = failed.take().or_else(|| print(&format!("{line}\n")).err());
                });
                outcome.map_err(|reason| anyhow::anyhow!("{}: {reason}", file.path))?;
            }
            failed.map_or(Ok(()), Err)
        }
    }
}
