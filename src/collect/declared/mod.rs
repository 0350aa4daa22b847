//! Inventories: what somebody declared to exist and to use what. One file per inventory. It states what the
//! inventory says and never judges whether that is so.

mod ansible;
mod asyncapi;
mod backstage;
mod codeowners;
mod compose;
mod dbt;
mod helm;
mod host_table;
mod hosts;
mod kubernetes;
mod leases;
mod machines;
mod openapi;
mod own;
mod permissions;
mod proto;
mod records;
mod ssh;
mod wsdl;

use super::{Family, World, document};
use crate::evidence::{
    About, Basis, Evidence, Fact, Gap, GapCode, InputRecord, InputStatus, Mention, Place, Says, Scope, Span,
    Text,
};
use crate::input::InputFile;
use crate::settings::Settings;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// By name: what files of one inventory say under it, for the other files of the same inventory.
pub type Index = BTreeMap<String, BTreeSet<String>>;

/// One kind of inventory.
pub trait Inventory: Sync {
    /// Its row in the table.
    fn about(&self) -> &'static About;
    /// Whether this file is one, told by its content.
    fn claims(&self, file: &InputFile) -> bool;
    /// What its other files may refer to, as (name, meaning); most inventories stand in one file.
    fn index(&self, _text: &str) -> Vec<(String, String)> {
        Vec::new()
    }
    /// States what it declares; the error is one line for people.
    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String>;
}

/// All inventories.
pub static INVENTORIES: &[&dyn Inventory] = &[
    &own::Own,
    &compose::Compose,
    &hosts::HostsFile,
    &hosts::HostItself,
    &openapi::OpenApi,
    &backstage::Backstage,
    &ansible::Ansible,
    &ssh::Ssh,
    &leases::Leases,
    &host_table::HostTable,
    &records::Records,
    &codeowners::CodeOwners,
    &permissions::Permissions,
    &kubernetes::Kubernetes,
    &asyncapi::AsyncApi,
    &proto::Proto,
    &wsdl::Wsdl,
    &dbt::Dbt,
    &helm::Helm,
];

/// Where an inventory writes down what it says, line by line.
pub struct Notes<'a> {
    file: &'a InputFile,
    text: &'a str,
    index: &'a Index,
    settings: &'a Settings,
    inputs: &'a [InputFile],
    evidence: Evidence,
    records: u64,
    lines: HashMap<String, u64>,
}

impl<'a> Notes<'a> {
    /// What the files of this inventory say under a name.
    pub fn known(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.index.get(name).into_iter().flatten().map(String::as_str)
    }

    /// What `whodepends.toml` says.
    pub fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// All files of the scan, by path.
    pub fn files(&self) -> &'a [InputFile] {
        self.inputs
    }

    fn new(file: &'a InputFile, text: &'a str, index: &'a Index, world: &World<'a>) -> Notes<'a> {
        let (settings, inputs) = (world.settings, &*world.inputs.files);
        let (evidence, lines) = (Evidence::new(), HashMap::new());
        Notes { file, text, index, settings, inputs, evidence, records: 0, lines }
    }

    /// The shown path of the folder that holds the inventory; empty at the top.
    pub fn folder(&self) -> &'a str {
        self.file.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The shown path of the inventory.
    pub fn path(&self) -> &'a str {
        &self.file.path
    }

    /// The component that the folder of the inventory is.
    pub fn component(&self) -> String {
        match self.folder() {
            "" => "source tree".to_owned(),
            folder => folder.to_owned(),
        }
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
        let line = self.line(near);
        self.say_at(about, says, basis, line);
    }

    /// States a fact that stands on this line.
    pub fn say_at(&mut self, about: &Mention, says: Says, basis: Basis, line: u64) {
        self.say_within(about, says, basis, line, None);
    }

    /// States a fact that stands on this line and held for a while only.
    pub fn say_within(&mut self, about: &Mention, says: Says, basis: Basis, line: u64, span: Option<Span>) {
        let place = Place::line(&self.file.path, line);
        self.records += 1;
        let scope = self.scope();
        let fact = Fact { about: about.clone(), says, basis, scope, span, place };
        self.evidence.add_fact(fact);
    }

    /// The part of the world the inventory speaks of.
    pub fn scope(&self) -> Scope {
        document::scope(&self.file.path)
    }

    /// Names what could not be read.
    pub fn gap(&mut self, line: u64, code: GapCode, detail: &str) {
        self.evidence.add_gap(Gap::new(Place::line(&self.file.path, line), code, detail));
    }

    /// The first line that holds `near`; each text is looked for once.
    pub fn line(&mut self, near: &str) -> u64 {
        if let Some(line) = self.lines.get(near) {
            return *line;
        }
        let line = self.text.lines().position(|line| line.contains(near)).map_or(1, |index| index as u64 + 1);
        self.lines.insert(near.to_owned(), line);
        line
    }
}

/// The family.
pub struct Declared;

/// By inventory: what its files say to each other.
fn indexes(files: &[&InputFile]) -> BTreeMap<&'static str, Index> {
    let mut indexes: BTreeMap<&'static str, Index> = BTreeMap::new();
    for file in files.iter().filter(|file| document::scope(&file.path) == Scope::Production) {
        // What cannot be read is said when the file itself is read.
        let (Some(inventory), Ok(text)) = (inventory_of(file), file.text()) else { continue };
        let index = indexes.entry(inventory.about().name).or_default();
        for (name, meaning) in inventory.index(&text) {
            index.entry(name).or_default().insert(meaning);
        }
    }
    indexes
}

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

    fn claim(&self, file: &InputFile, _: &Settings) -> Option<&'static str> {
        inventory_of(file).map(|inventory| inventory.about().name)
    }

    fn collect(&self, files: &[&InputFile], world: &World<'_>) -> Evidence {
        let mut evidence = Evidence::new();
        let indexes = indexes(files);
        let none = Index::new();
        for file in files {
            let Some(inventory) = inventory_of(file) else { continue };
            let mut record = InputRecord::new(&file.path, inventory.about().name, InputStatus::Read);
            match file.text() {
                Err(error) => {
                    record.status = InputStatus::Failed;
                    evidence.add_gap(file.gap(&error));
                }
                Ok(text) => {
                    let index = indexes.get(inventory.about().name).unwrap_or(&none);
                    let mut notes = Notes::new(file, &text, index, world);
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
