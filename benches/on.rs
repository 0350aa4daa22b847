//! How fast `on` answers: of an evidence file of 500,000 records, and of a JSON report of 50,000 links, both of an estate
//! that is generated (`measure/estate.rs`). Printed are seconds on the clock, seconds of processors, and the peak memory so
//! far. `cargo bench --bench on -- RECORDS LINKS [FOLDER]` chooses the sizes, and keeps the files.

#![allow(clippy::print_stdout)]

mod measure;

use measure::{Step, estate, plan};
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use whodepends::evidence::file;
use whodepends::report::on::{Question, ask, text};
use whodepends::report::{self, FORMATS, Report};
use whodepends::scan::{Wanted, scan, scan_for};

fn question(pattern: &str) -> Question {
    Question { pattern: pattern.to_owned(), depth: 2, reverse: false }
}

fn answer(report: &Report, pattern: &str) -> Result<String, Box<dyn Error>> {
    Ok(text(&ask(report, &question(pattern))?))
}

/// What is asked: one table, one table of each server, and a whole server.
const PATTERNS: [&str; 3] = ["table:db3/main/app.table_7", "table:*.table_11", "db5"];
/// Of so many records the answer is compared with that from all links, which takes much longer.
const COMPARED: u64 = 50_000;

/// The answer from an evidence file is the one from all links of it.
fn of_evidence(path: &Path, records: u64) -> Result<(), Box<dyn Error>> {
    for records in [records.min(COMPARED), records] {
        let out = BufWriter::new(File::create(path)?);
        file::write(&estate::evidence(records), Vec::new(), out)?;
        if records <= COMPARED {
            let whole = scan_for(&plan(path), Wanted::Links, &|_, _| ())?.report;
            for pattern in PATTERNS {
                let question = question(pattern);
                let one = scan_for(&plan(path), Wanted::Answer(&question), &|_, _| ())?.report;
                assert_eq!(answer(&one, pattern)?, answer(&whole, pattern)?, "{pattern} is answered alike");
            }
        }
    }
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(16 << 20).build()?;
        for pattern in PATTERNS {
            let (step, question) = (Step::begin(), question(pattern));
            let outcome = pool.install(|| scan_for(&plan(path), Wanted::Answer(&question), &|_, _| ()))?;
            let told = answer(&outcome.report, pattern)?;
            step.end(&format!("on {pattern}, {threads} thread(s), {} lines", told.lines().count()), records);
        }
    }
    Ok(())
}

fn of_report(folder: &Path, links: u64) -> Result<(), Box<dyn Error>> {
    let (kept, path) = (folder.join("links.evidence.jsonl.zst"), folder.join("report.json"));
    // About three statements stand behind one link of such an estate.
    file::write(&estate::evidence(links * 5 / 2), Vec::new(), BufWriter::new(File::create(&kept)?))?;
    let whole = scan(&plan(&kept), &|_, _| ())?.report;
    let json = FORMATS.iter().find(|format| format.about().name == "json").ok_or("there is JSON")?;
    json.render(&whole, &mut File::create(&path)?)?;
    let pattern = "table:db3/main/app.table_7";
    let wanted = answer(&whole, pattern)?;
    let step = Step::begin();
    let read = report::brief(&std::fs::read_to_string(&path)?)?;
    let told = answer(&read, pattern)?;
    let size = std::fs::metadata(&path)?.len() / 1_000_000;
    step.end(
        &format!("on {pattern} of a report with {} links ({size} MB)", read.links.len()),
        read.links.len() as u64,
    );
    assert_eq!(told, wanted, "a report answers as the scan does");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let typed: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let number = |at: usize, usual: u64| typed.get(at).map_or(Ok(usual), |text| text.parse::<u64>());
    let made = tempfile::tempdir()?;
    let folder = typed.get(2).map_or_else(|| made.path().to_path_buf(), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    of_evidence(&folder.join("estate.evidence.jsonl.zst"), number(0, 500_000)?)?;
    of_report(&folder, number(1, 50_000)?)
}
