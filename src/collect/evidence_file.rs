//! Evidence files: what was collected elsewhere, taken over as it is. It states nothing of its own, and leaves out a
//! file whose inputs the scan has already, because they would count twice.

use super::{Family, World};
use crate::evidence::file::{self, Carried, Header, Refusal};
use crate::evidence::{About, Evidence, Gap, GapCode, InputRecord, InputStatus, Place, Provenance, Text};
use crate::input::{InputFile, Inputs};
use crate::settings::Settings;
use std::collections::BTreeMap;
use std::io::BufReader;

/// The row of the table.
pub static ABOUT: About = About {
    name: "evidence",
    title: "what `collect` or `merge` wrote (evidence.jsonl.zst), version 1",
    provenance: Provenance::Recorded,
};

/// The family.
pub struct EvidenceFile;

/// What the headers of all evidence files of a scan say.
#[derive(Default)]
pub struct Survey {
    /// The settings that acted where they were collected, each once.
    pub settings: Vec<Carried>,
    /// The files that are left out, with the reason.
    pub refused: BTreeMap<Text, String>,
    /// The files that are read.
    pub read: Vec<Text>,
}

/// Whether this file is one.
pub fn is_one(file: &InputFile) -> bool {
    match &file.forced {
        Some(kind) => **kind == *ABOUT.name,
        None => file.head.starts_with(file::BEGINS),
    }
}

fn header(file: &InputFile) -> Result<Header, Refusal> {
    file::header(&mut BufReader::new(file.open()?))
}

/// Reads the headers: whose settings act, and which files cannot be read or hold what another input of the scan is.
pub fn survey(inputs: &Inputs) -> Survey {
    let (ours, others): (Vec<&InputFile>, Vec<&InputFile>) =
        inputs.files.iter().partition(|file| is_one(file));
    let mut survey = Survey::default();
    if ours.is_empty() {
        return survey;
    }
    let skipped = inputs.skipped.iter().map(|(path, _)| path);
    let known = others.into_iter().map(|file| &file.path).chain(skipped);
    let mut owner: BTreeMap<Text, Option<Text>> = known.map(|path| (path.clone(), None)).collect();
    for file in ours {
        let header = match header(file) {
            Ok(header) => header,
            Err(why) => {
                survey.refused.insert(file.path.clone(), why.to_string());
                continue;
            }
        };
        let twice = header.inputs.iter().find_map(|input| Some((&input.path, owner.get(&input.path)?)));
        if let Some((path, other)) = twice {
            let other = other.as_deref().unwrap_or("the scan itself");
            let why = format!(
                "left out: it holds {path}, and so does {other}: it would count twice; if it is another, collect it \
                 with --under NAME"
            );
            survey.refused.insert(file.path.clone(), why);
            continue;
        }
        for input in header.inputs {
            owner.insert(input.path, Some(file.path.clone()));
        }
        for carried in header.settings {
            if !survey.settings.contains(&carried) {
                survey.settings.push(carried);
            }
        }
        survey.read.push(file.path.clone());
    }
    survey
}

impl Family for EvidenceFile {
    fn name(&self) -> &'static str {
        "evidence_file"
    }

    fn claim(&self, file: &InputFile, _: &Settings) -> Option<&'static str> {
        is_one(file).then_some(ABOUT.name)
    }

    fn collect(&self, files: &[&InputFile], world: &World<'_>) -> Evidence {
        let mut evidence = Evidence::new();
        let refused = survey(world.inputs).refused;
        for file in files {
            let mut gaps = Vec::new();
            let mut record = InputRecord::new(&file.path, ABOUT.name, InputStatus::Read);
            let failed = |why: String| Gap::new(Place::whole(&file.path), GapCode::Unreadable, why);
            if let Some(why) = refused.get(&file.path) {
                gaps.push(failed(why.clone()));
                record.status = InputStatus::Failed;
            } else {
                let progress = |bytes| (world.progress)(&file.path, bytes);
                let read = file.open().map_err(Refusal::from);
                let kept = read.and_then(|from| match world.apart {
                    Some(apart) => file::read_grouped(&file.path, from, &progress, apart),
                    None => file::read(&file.path, from, &progress),
                });
                match kept {
                    // Of one without a row that should have some, its list of inputs is no more than a promise.
                    Ok(kept) if kept.rows == 0 && !kept.gaps.is_empty() => {
                        gaps = kept.gaps;
                        record.status = InputStatus::Failed;
                    }
                    Ok(kept) => {
                        gaps = kept.gaps;
                        record.records = kept.rows;
                        evidence.merge(kept.evidence);
                    }
                    Err(why) => {
                        gaps.push(failed(why.to_string()));
                        record.status = InputStatus::Failed;
                    }
                }
            }
            // A file that is whole stands for its inputs and is none itself.
            if !gaps.is_empty() {
                evidence.add_input(record);
                gaps.into_iter().for_each(|gap| evidence.add_gap(gap));
            }
        }
        evidence
    }
}
