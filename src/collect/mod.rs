//! The table of collector families and their fan-out. Every family is asked about every file; what they
//! state is merged into one body of evidence. A collector never concludes and never decides identity.

pub mod commands;
mod csv_table;
pub mod declared;
mod document;
pub mod evidence_file;
pub mod logs;
mod manifest;
pub mod schedules;
pub mod source;
pub mod traffic;

use crate::evidence::{Apart, Evidence, Gap, GapCode, InputRecord, InputStatus, Place, Stamp, Text};
use crate::input::{InputFile, Inputs};
use crate::settings::Settings;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// The moments a scan asks about; open where nothing was asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    /// Nothing before.
    pub since: Option<Stamp>,
    /// Nothing after.
    pub until: Option<Stamp>,
}

impl Window {
    /// Whether a moment is asked about.
    pub fn holds(&self, stamp: Stamp) -> bool {
        self.since.is_none_or(|since| stamp >= since) && self.until.is_none_or(|until| stamp <= until)
    }
}

/// What collectors may look at beside the files they read.
pub struct World<'a> {
    /// All files of the scan.
    pub inputs: &'a Inputs,
    /// What `whodepends.toml` says.
    pub settings: &'a Settings,
    /// The zone of each host that says one.
    pub host_zones: BTreeMap<Text, Text>,
    /// Told after each unit of work: the path, and how many bytes of it are done since last told.
    pub progress: &'a (dyn Fn(&str, u64) + Sync),
    /// How many bytes of a log are parsed as one unit.
    pub block_bytes: usize,
    /// The moments that are asked about.
    pub window: Window,
    /// The day the scan counts from, where it is known.
    pub today: Option<Stamp>,
    /// Which packets of captures are asked about (pcap-filter(7)).
    pub filter: Option<&'a str>,
    /// Where uses may come by the group: which of them are told apart. Only evidence files know groups.
    pub apart: Option<&'a Apart>,
}

impl<'a> World<'a> {
    /// The world of a scan.
    pub fn new(
        inputs: &'a Inputs,
        settings: &'a Settings,
        progress: &'a (dyn Fn(&str, u64) + Sync),
    ) -> World<'a> {
        World {
            inputs,
            settings,
            host_zones: {
                let mut zones = inputs.host_zones();
                // A name that is no zone says nothing; whose times need it then say so.
                zones.retain(|_, name| crate::schedule::zone(name).is_some());
                zones
            },
            progress,
            block_bytes: BLOCK_BYTES,
            window: Window::default(),
            today: None,
            filter: None,
            apart: None,
        }
    }

    /// The zone a host's local times are in, and whether that is known: its own file, the settings, else
    /// UTC assumed.
    pub fn zone_of_host(&self, host: Option<&str>) -> (Text, bool) {
        let own = host.and_then(|host| self.host_zones.get(host).cloned());
        let stated = || host.and_then(|host| self.settings.zone_of_host(host)).map(Text::from);
        let estate = || self.settings.estate.zone.as_deref().map(Text::from);
        match own.or_else(stated).or_else(estate) {
            Some(zone) => (zone, true),
            None => (Text::from("UTC"), false),
        }
    }
}

/// How many bytes of a log are parsed as one unit, unless a test says otherwise.
pub const BLOCK_BYTES: usize = 128 * 1024;

/// A family of collectors: one folder here.
pub trait Family: Sync {
    /// The folder's name.
    fn name(&self) -> &'static str;
    /// The name of the reader that takes this file, told by content; `None`: not ours.
    fn claim(&self, file: &InputFile, settings: &Settings) -> Option<&'static str>;
    /// Reads the files it claimed. Broken content becomes gaps; every file gets an input record.
    fn collect(&self, files: &[&InputFile], world: &World<'_>) -> Evidence;
}

/// All families.
pub static FAMILIES: &[&dyn Family] = &[
    &declared::Declared,
    &evidence_file::EvidenceFile,
    &logs::Logs,
    &schedules::Schedules,
    &source::Source,
    &traffic::Traffic,
];

/// Asks every family about every file and merges what they state. A file nobody takes is skipped with a gap.
pub fn collect_all(world: &World<'_>) -> Evidence {
    let claims: Vec<Vec<Option<&'static str>>> = world
        .inputs
        .files
        .par_iter()
        .map(|file| {
            // What was collected elsewhere is evidence, whatever words of other formats are in it.
            let kept = evidence_file::is_one(file);
            if file.is_archive() {
                return FAMILIES.iter().map(|_| None).collect();
            }
            let asked = |family: &&dyn Family| !kept || family.name() == evidence_file::EvidenceFile.name();
            let claim = |family: &&dyn Family| family.claim(file, world.settings).filter(|_| asked(family));
            FAMILIES.iter().map(claim).collect()
        })
        .collect();
    let parts: Vec<Evidence> = FAMILIES
        .par_iter()
        .enumerate()
        .map(|(index, family)| {
            let pairs = world.inputs.files.iter().zip(&claims);
            let files: Vec<&InputFile> =
                pairs.filter(|(_, claims)| claims[index].is_some()).map(|(f, _)| f).collect();
            if files.is_empty() { Evidence::new() } else { family.collect(&files, world) }
        })
        .collect();
    let mut evidence = Evidence::new();
    for part in parts {
        evidence.merge(part);
    }
    for (file, claims) in world.inputs.files.iter().zip(&claims) {
        if claims.iter().all(Option::is_none) {
            evidence.add_input(InputRecord::new(&file.path, "", InputStatus::Skipped));
            let what = if file.is_archive() {
                "it is an archive: unpack it, and name the folder"
            } else if file.size == 0 {
                "it is empty"
            } else if file.is_text() {
                "no reader knows this kind of text"
            } else {
                "it is binary, and no reader knows it"
            };
            evidence.add_gap(Gap::new(Place::whole(&file.path), GapCode::Unrecognised, what));
        }
    }
    for file in &world.inputs.files {
        if let Some(host) = &file.host {
            evidence.input_lies(&file.path, Text::from(format!("{host}:{}", file.inner)));
        }
    }
    for (path, why) in &world.inputs.skipped {
        evidence.add_skipped(path.clone(), Text::from(why.as_str()));
    }
    for gap in &world.inputs.gaps {
        evidence.add_input(InputRecord::new(&gap.place.input, "", InputStatus::Failed));
        evidence.add_gap(gap.clone());
    }
    evidence
}
