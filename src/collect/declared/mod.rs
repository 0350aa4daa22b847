//! Inventories: what somebody declared to exist and to use what. One file per inventory. It states what the
//! inventory says and never judges whether that is so.

mod compose;
mod hosts;
mod own;

use super::{Family, World};
use crate::evidence::{
    About, Basis, Evidence, Fact, Gap, GapCode, InputRecord, InputStatus, Mention, Place, Says, Scope, Text,
};
use crate::input::InputFile;

/// One kind of inventory.
pub trait Inventory: Sync {
    /// Its row in the table.
    fn about(&self) -> &'static About;
    /// Whether this file is one, told by its content.
    fn claims(&self, file: &InputFile) -> bool;
    /// States what it declares; the error is one line for people.
    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String>;
}

/// All inventories.
pub static INVENTORIES: &[&dyn Inventory] =
    &[&own::Own, &compose::Compose, &hosts::HostsFile, &hosts::HostItself];

/// Where an inventory writes down what it says, line by line.
pub struct Notes<'a> {
    file: &'a InputFile,
    text: &'a str,
    evidence: Evidence,
    records: u64,
}

impl Notes<'_> {
    /// The shown path of the folder that holds the inventory; empty at the top.
    pub fn folder(&self) -> &str {
        self.file.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The host whose file system the inventory was copied from.
    pub fn host(&self) -> Option<Text> {
        self.file.host.clone()
    }

    /// Whether the inventory's path on its host ends so.
    pub fn path_ends(&self, ending: &str) -> bool {
        self.file.inner.ends_with(ending)
    }

    /// States a fact, at the first line that holds `near`.
    pub fn say(&mut self, about: &Mention, says: Says, basis: Basis, near: &str) {
        let place = self.place(near);
        self.records += 1;
        let fact = Fact { about: about.clone(), says, basis, scope: Scope::Production, span: None, place };
        self.evidence.add_fact(fact);
    }

    /// States a use that is written in the inventory.
    pub fn add_use(&mut self, what: crate::evidence::What, near: &str) {
        let place = self.place(near);
        self.evidence.add_written(what, place);
    }

    fn place(&self, near: &str) -> Place {
        let line = self.text.lines().position(|line| line.contains(near)).map_or(1, |index| index as u64 + 1);
        Place::line(&self.file.path, line)
    }
}

/// The family.
pub struct Declared;

fn inventory_of(file: &InputFile) -> Option<&'static dyn Inventory> {
    if let Some(kind) = &file.forced {
        return INVENTORIES.iter().copied().find(|inventory| inventory.about().name == &**kind);
    }
    INVENTORIES.iter().copied().find(|inventory| !file.ignored && file.is_text() && inventory.claims(file))
}

impl Family for Declared {
    fn name(&self) -> &'static str {
        "declared"
    }

    fn claim(&self, file: &InputFile) -> Option<&'static str> {
        inventory_of(file).map(|inventory| inventory.about().name)
    }

    fn collect(&self, files: &[&InputFile], _world: &World<'_>) -> Evidence {
        let mut evidence = Evidence::new();
        for file in files {
            let Some(inventory) = inventory_of(file) else { continue };
            let mut record = InputRecord {
                path: file.path.clone(),
                kind: Text::from(inventory.about().name),
                status: InputStatus::Read,
                records: 0,
                span: None,
            };
            match file.text() {
                Err(error) => {
                    record.status = InputStatus::Failed;
                    evidence.add_gap(file.gap(&error));
                }
                Ok(text) => {
                    let mut notes = Notes { file, text: &text, evidence: Evidence::new(), records: 0 };
                    let outcome = inventory.read(&text, &mut notes);
                    record.records = notes.records;
                    evidence.merge(notes.evidence);
                    if let Err(reason) = outcome {
                        record.status = InputStatus::Failed;
                        evidence.add_gap(Gap::new(Place::whole(&file.path), GapCode::BadConfig, reason));
                    }
                }
            }
            evidence.add_input(record);
        }
        evidence
    }
}
