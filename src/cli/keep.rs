//! `collect` and `merge`: evidence that travels. What is written is whole or not written at all.

use super::{DONE, FAILED, NOTHING, Reading, plan_of, print_errors, run_with, spool};
use crate::evidence::file;
use crate::input;
use crate::scan::{self, Collected, Keep};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// What `collect` is told.
#[derive(Args)]
pub struct CollectArgs {
    /// Files and folders of any kind, recognised by their content; `-` is standard input
    #[arg(required_unless_present = "kinds")]
    paths: Vec<PathBuf>,
    /// The evidence file to write, by custom NAME.evidence.jsonl.zst; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Shows all inputs under this folder, to tell machines apart that keep files under the same names
    #[arg(long, value_name = "NAME", default_value = "", value_parser = folder, hide_default_value = true)]
    under: String,
    #[command(flatten)]
    reading: Reading,
}

/// What `merge` is told.
#[derive(Args)]
pub struct MergeArgs {
    /// Evidence files that `collect` or `merge` wrote; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The evidence file to write; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// A folder by which inputs are shown.
fn folder(text: &str) -> Result<String, String> {
    let strange = text.split('/').any(|part| part == "." || part == "..") || text.contains(char::is_control);
    if strange {
        Err("write it as a name, or as names with / between them".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// Where evidence is written. A file is written beside its final place, so that nothing half is ever there.
enum Destination {
    Stdout,
    /// A pipe or a device: it is written to, and never replaced.
    Stream(std::fs::File),
    File(tempfile::NamedTempFile, PathBuf),
}

impl Destination {
    fn of(path: &Path) -> Result<Destination> {
        if path.as_os_str() == "-" {
            return Ok(Destination::Stdout);
        }
        let unwritten = || format!("{}: cannot be written", path.display());
        // A link to a file stays one: what it leads to is replaced.
        let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
            let stream = std::fs::OpenOptions::new().write(true).open(path).with_context(unwritten)?;
            return Ok(Destination::Stream(stream));
        }
        let mut made = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // Whoever may read other files of this user may read this one: what is secret is not in it.
            use std::os::unix::fs::PermissionsExt;
            made.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = made.prefix(".whodepends-").tempfile_in(folder_of(path));
        let file = file.with_context(unwritten)?;
        Ok(Destination::File(file, path.to_path_buf()))
    }

    fn writer(&mut self) -> Box<dyn Write + '_> {
        match self {
            Destination::Stdout => Box::new(std::io::stdout().lock()),
            Destination::Stream(stream) => Box::new(stream),
            Destination::File(file, _) => Box::new(std::io::BufWriter::new(file)),
        }
    }

    /// Puts the file into its place.
    fn keep(self) -> Result<()> {
        if let Destination::File(file, path) = self {
            file.persist(&path).with_context(|| format!("{}: cannot be written", path.display()))?;
        }
        Ok(())
    }
}

/// The folder a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Collects and writes what was collected.
pub fn collect(args: &CollectArgs) -> Result<u8> {
    // Nobody should wait for hours to hear this.
    if !folder_of(&args.output).is_dir() {
        bail!("{}: cannot be written: there is no such folder", args.output.display());
    }
    let stdout = args.output.as_os_str() == "-";
    let keep = Keep { under: args.under.clone(), out: (!stdout).then(|| args.output.clone()) };
    let mut folder = None;
    let plan = plan_of(&args.paths, &args.reading, &mut folder)?;
    run_with(args.reading.threads, |progress| {
        let Collected { evidence, settings, errors, recognised } = scan::collect(&plan, &keep, progress)?;
        print_errors(&errors);
        let mut to = Destination::of(&args.output)?;
        let written = file::write(&evidence, settings, to.writer()).map(drop);
        written.with_context(|| format!("{}: cannot be written", args.output.display()))?;
        to.keep()?;
        Ok(match (errors.is_empty(), recognised) {
            (false, _) => FAILED,
            (true, false) => NOTHING,
            (true, true) => DONE,
        })
    })
}

/// A file that says how much of it was read.
struct Told<'a> {
    name: String,
    from: Box<dyn Read + Send>,
    progress: &'a (dyn Fn(&str, u64) + Sync),
}

impl Read for Told<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.from.read(buffer)?;
        (self.progress)(&self.name, count as u64);
        Ok(count)
    }
}

/// Merges evidence files into one.
pub fn merge(args: &MergeArgs) -> Result<u8> {
    let mut folder = None;
    let files = spool(&args.files, &mut folder)?;
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    if let Some(out) = real(&args.output)
        && files.iter().any(|file| real(file).as_ref() == Some(&out))
    {
        bail!("{}: is one of the inputs; write to another file", args.output.display());
    }
    run_with(None, |progress| {
        let open = |path: &PathBuf| -> Result<(String, Told<'_>)> {
            let name = path.display().to_string();
            let from = input::open(path).with_context(|| name.clone())?;
            Ok((name.clone(), Told { name, from, progress }))
        };
        let opened = files.iter().map(open).collect::<Result<Vec<_>>>()?;
        let mut to = Destination::of(&args.output)?;
        file::merge(opened, to.writer()).map(drop)?;
        to.keep()?;
        Ok(DONE)
    })
}
