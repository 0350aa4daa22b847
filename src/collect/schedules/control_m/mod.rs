//! Jobs of Control-M: exports as XML (`exportdeftable`, "Control-M XML definitions") and jobs as code in JSON ("Control-M
//! Automation API, code reference"). Events that one job adds and another waits for are joined by their names over all
//! files of the scan; one that several add, or that is of another order date, orders nothing. Calendars of a site, its
//! new day time and what connection profiles hold are not in the definitions and never guessed.

mod define;
mod json;
mod xml;

use super::{SchedulePlace, World};
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance};
use crate::input::InputFile;
use define::{Defined, Estate, state};

/// Exports as XML.
pub struct Export;
/// Jobs as code.
pub struct AsCode;

/// How many other files are looked at for who adds an event.
const MAX_FILES: usize = 64;
/// The roots of XML definitions.
const ROOTS: [&[u8]; 4] = [b"<DEFTABLE", b"<DEFFOLDER", b"<DEFJOB", b"<DEFCAL"];

fn has(file: &InputFile, needle: &[u8]) -> bool {
    memchr::memmem::find(&file.head, needle).is_some()
}

impl SchedulePlace for Export {
    fn about(&self) -> &'static About {
        &About { name: "control-m", title: "Control-M: exports as XML", provenance: Provenance::Documented }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let begins = file.head.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        begins == Some(b'<') && ROOTS.iter().any(|root| has(file, root))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let (jobs, broken) = xml::jobs(text);
        all(file, world, jobs, broken, out)
    }
}

impl SchedulePlace for AsCode {
    fn about(&self) -> &'static About {
        &About {
            name: "control-m-json",
            title: "Control-M: jobs as code in JSON",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        file.name().ends_with(".json") && has(file, b"\"Type\"") && has(file, b"\"Job:")
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let (jobs, broken) = json::jobs(text);
        all(file, world, jobs, broken, out)
    }
}

fn folder(file: &InputFile) -> &str {
    file.path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The jobs of a file of either kind.
fn jobs_of(file: &InputFile) -> Vec<Defined> {
    let Ok(text) = file.text() else { return Vec::new() };
    if Export.claims(file) { xml::jobs(&text).0 } else { json::jobs(&text).0 }
}

/// States all jobs of a file.
fn all(
    file: &InputFile,
    world: &World<'_>,
    jobs: Vec<Defined>,
    broken: Option<String>,
    out: &mut Evidence,
) -> u64 {
    if let Some(reason) = broken {
        out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Unparsed, reason));
    }
    let mut estate = Estate::default();
    estate.add(&jobs, folder(file), true);
    let others = world.inputs.files.iter().filter(|it| it.path != file.path && it.is_text());
    let mut kin: Vec<&InputFile> = others.filter(|it| Export.claims(it) || AsCode.claims(it)).collect();
    kin.sort_by_key(|it| folder(it) != folder(file));
    if kin.len() > MAX_FILES {
        let detail = format!(
            "MAX_FILES: events of {MAX_FILES} other files are looked at, and there are {}",
            kin.len()
        );
        out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Limit, detail));
    }
    for other in kin.into_iter().take(MAX_FILES) {
        estate.add(&jobs_of(other), folder(other), folder(other) == folder(file));
    }
    jobs.iter().filter(|job| state(file, world, job, &estate, folder(file), out)).count() as u64
}
