//! Constants of other files of the same tree: what `from settings import SCHEMA` brings in. A module is looked
//! for beside the importing file and in the folders above it, nearest first, as a program started there would
//! find it. Constants that the other file imports itself are not followed.

use super::engine::{self, Constants};
use super::{Language, World, settings};
use crate::input::InputFile;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// The modules of a scan, read at most once each.
pub struct Modules<'a> {
    world: &'a World<'a>,
    held: RwLock<HashMap<crate::evidence::Text, Arc<Constants>>>,
}

/// One import: the module as written, the name taken from it (none: the module itself), the name it is given.
pub struct Import {
    /// `billing.settings`, `.settings`, `..common`.
    pub module: String,
    /// The name taken.
    pub name: Option<String>,
    /// The name given instead.
    pub alias: Option<String>,
}

impl<'a> Modules<'a> {
    /// The modules of a scan.
    pub fn new(world: &'a World<'a>) -> Modules<'a> {
        Modules { world, held: RwLock::default() }
    }

    /// The constants that imports bring into a file, by the names they have there.
    pub fn imported(&self, from: &InputFile, language: &Language, imports: &[Import]) -> Constants {
        let mut all = Constants::new();
        for import in imports {
            let Some(name) = &import.name else {
                let name = import.alias.as_ref().unwrap_or(&import.module);
                self.whole(from, language, &import.module, name, &mut all);
                continue;
            };
            let given = import.alias.as_ref().unwrap_or(name);
            let taken = self.find(from, &import.module, language);
            let value = taken.and_then(|file| self.constants(file, language).get(name).cloned());
            match value {
                Some(value) => {
                    all.insert(given.clone(), value);
                }
                // The name may be a module itself: `from billing import settings`.
                None => {
                    let dot = if import.module.ends_with('.') { "" } else { "." };
                    let module = format!("{}{dot}{name}", import.module);
                    self.whole(from, language, &module, given, &mut all);
                }
            }
        }
        all
    }

    /// All constants of a module, as `name.CONSTANT`.
    fn whole(&self, from: &InputFile, language: &Language, module: &str, name: &str, all: &mut Constants) {
        let Some(file) = self.find(from, module, language) else { return };
        for (constant, value) in self.constants(file, language).iter() {
            all.insert(format!("{name}.{constant}"), value.clone());
        }
    }

    fn find(&self, from: &InputFile, module: &str, language: &Language) -> Option<&'a InputFile> {
        let dots = module.bytes().take_while(|b| *b == b'.').count();
        let path = module[dots..].replace('.', "/");
        let mut folder = from.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for _ in 1..dots {
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
        let ending = language.endings.first()?;
        loop {
            let join = |name: String| if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let package = if path.is_empty() { String::new() } else { format!("{path}/") };
            let names = [format!("{path}.{ending}"), format!("{package}__init__.{ending}")];
            for name in names.map(join) {
                let files = &self.world.inputs.files;
                if let Ok(index) = files.binary_search_by(|known| (*known.path).cmp(&name)) {
                    return (*files[index].path != *from.path).then_some(&files[index]);
                }
            }
            if dots > 0 || folder.is_empty() {
                return None;
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }

    /// The variables that the nearest `.env` file at or above a file's folder sets.
    pub fn environment(&self, from: &InputFile) -> Constants {
        let mut folder = from.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        loop {
            let name = if folder.is_empty() { ".env".to_owned() } else { format!("{folder}/.env") };
            let files = &self.world.inputs.files;
            if let Ok(index) = files.binary_search_by(|known| (*known.path).cmp(&name)) {
                let text = files[index].text().unwrap_or_default();
                return settings::variables(&text);
            }
            match folder.rsplit_once('/') {
                Some((above, _)) => folder = above,
                None if folder.is_empty() => return Constants::new(),
                None => folder = "",
            }
        }
    }

    fn constants(&self, file: &InputFile, language: &Language) -> Arc<Constants> {
        if let Some(held) = self.held.read().ok().and_then(|held| held.get(&file.path).cloned()) {
            return held;
        }
        let environment = self.environment(file);
        let read =
            file.text().map(|text| engine::constants(language, &text, environment)).unwrap_or_default();
        let read = Arc::new(read);
        if let Ok(mut held) = self.held.write() {
            held.insert(file.path.clone(), read.clone());
        }
        read
    }
}
