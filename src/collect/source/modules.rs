//! What other files of the same tree give a file: constants taken over by name, the settings beside the code.
//! Where a module is looked for is the language's own rule. Constants that the other file imports itself are
//! not followed.

use super::component::Components;
use super::fold::Constants;
use super::language::Language;
use super::{engine, settings};
use crate::collect::World;
use crate::evidence::Text;
use crate::input::InputFile;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};

/// How many files of one name are looked at when a class is looked for.
const MAX_NAMESAKES: usize = 256;

/// The modules of a scan, read at most once each.
pub struct Modules<'a> {
    pub(super) world: &'a World<'a>,
    held: RwLock<HashMap<Text, Arc<Constants>>>,
    /// The files of each name, by index.
    named: BTreeMap<&'a str, Vec<usize>>,
    /// What is known of components.
    pub(super) components: Components,
}

/// One import: the module as written, the name taken from it (none: the module itself), the name it is given.
pub struct Import {
    /// `billing.settings`, `.settings`, `..common`, `./settings`, `com.shop.Tables`.
    pub module: String,
    /// The name taken.
    pub name: Option<String>,
    /// The name given instead.
    pub alias: Option<String>,
    /// Whether what the module gives by default is taken.
    pub default: bool,
}

/// A name of a file: what an imported name is there. `*` is the file itself, `default` what it gives by default.
pub type Key = (Text, String);

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

impl<'a> Modules<'a> {
    /// The modules of a scan.
    pub fn new(world: &'a World<'a>) -> Modules<'a> {
        let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, file) in world.inputs.files.iter().enumerate() {
            named.entry(file.path.rsplit('/').next().unwrap_or(&file.path)).or_default().push(index);
        }
        Modules { world, held: RwLock::default(), named, components: Components::default() }
    }

    /// The constants that imports bring into a file, by the names they have there.
    pub fn imported(&self, from: &InputFile, language: &Language, imports: &[Import]) -> Constants {
        let mut all = Constants::new();
        for import in imports {
            if language.imports.style == ["classes"] {
                self.class(from, language, import, &mut all);
                continue;
            }
            let Some(name) = &import.name else {
                let name = import.alias.as_ref().unwrap_or(&import.module);
                self.whole(from, language, &import.module, name, &mut all);
                continue;
            };
            let given = import.alias.as_ref().unwrap_or(name);
            let taken = self.find(from, &import.module, language).map(|file| self.constants(file, language));
            let before = all.len();
            for (constant, value) in taken.iter().flat_map(|taken| taken.iter()) {
                if let Some(rest) = constant.strip_prefix(name.as_str())
                    && (rest.is_empty() || rest.starts_with('.'))
                {
                    all.insert(format!("{given}{rest}"), value.clone());
                }
            }
            if all.len() == before && language.imports.style == ["dotted"] {
                // The name may be a module itself: `from billing import settings`.
                self.whole(from, language, &submodule(&import.module, name), given, &mut all);
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

    /// The constants of an imported class, as `Class.NAME`; of a static import, as `NAME`.
    fn class(&self, from: &InputFile, language: &Language, import: &Import, all: &mut Constants) {
        if let Some(file) = self.find(from, &import.module, language) {
            all.extend(
                self.constants(file, language).iter().map(|(name, value)| (name.clone(), value.clone())),
            );
            if let Some(class) = import.module.rsplit('.').next().filter(|_| import.alias.is_some()) {
                self.statics(file, language, class, None, all);
            }
        } else if let Some((module, name)) = import.module.rsplit_once('.')
            && let Some(file) = self.find(from, module, language)
        {
            self.statics(file, language, module.rsplit('.').next().unwrap_or(module), Some(name), all);
        }
    }

    fn statics(
        &self,
        file: &InputFile,
        language: &Language,
        class: &str,
        only: Option<&str>,
        all: &mut Constants,
    ) {
        for (name, value) in self.constants(file, language).iter() {
            let own = name.strip_prefix(class).and_then(|rest| rest.strip_prefix('.'));
            if let Some(own) = own.filter(|own| only.is_none_or(|only| only == *own)) {
                all.insert(own.to_owned(), value.clone());
            }
        }
    }

    /// The names of other files that imports bring into a file.
    pub fn targets(&self, from: &InputFile, language: &Language, import: &Import) -> Option<(String, Key)> {
        let given = import.alias.as_ref().or(import.name.as_ref()).unwrap_or(&import.module).clone();
        if let Some(name) = &import.name
            && language.imports.style == ["dotted"]
            && let Some(file) = self.find(from, &submodule(&import.module, name), language)
        {
            return Some((given, (file.path.clone(), "*".to_owned())));
        }
        let file = self.find(from, &import.module, language)?;
        let name = match &import.name {
            Some(name) => name.as_str(),
            None if import.default => "default",
            None => "*",
        };
        Some((given, (file.path.clone(), name.to_owned())))
    }

    /// The files of the scan that a file takes in, each once. Where classes of one package see each other without an
    /// import, no list tells them.
    pub fn taken_in(&self, from: &InputFile, language: &Language, imports: &[Import]) -> Vec<&'a InputFile> {
        if language.imports.style == ["classes"] {
            return Vec::new();
        }
        let mut found: BTreeMap<&str, &InputFile> = BTreeMap::new();
        for import in imports {
            let own = import.name.as_ref().filter(|_| language.imports.style == ["dotted"]);
            let modules = own.map(|name| submodule(&import.module, name)).into_iter();
            for module in modules.chain([import.module.clone()]) {
                found.extend(self.find(from, &module, language).map(|file| (&*file.path, file)));
            }
        }
        found.into_values().collect()
    }

    /// The file a module is.
    pub fn find(&self, from: &InputFile, module: &str, language: &Language) -> Option<&'a InputFile> {
        let found = match language.imports.style {
            ["relative"] => self.relative(from, module, language),
            ["classes"] => self.by_class(from, module, language),
            _ => self.dotted(from, module, language),
        };
        found.filter(|found| found.path != from.path)
    }

    fn at(&self, path: &str) -> Option<&'a InputFile> {
        let files = &self.world.inputs.files;
        files.binary_search_by(|known| (*known.path).cmp(path)).ok().map(|index| &files[index])
    }

    /// Python: beside the importing file and in the folders above it, nearest first, as a program started
    /// there would find it.
    fn dotted(&self, from: &InputFile, module: &str, language: &Language) -> Option<&'a InputFile> {
        let dots = module.bytes().take_while(|b| *b == b'.').count();
        let path = module[dots..].replace('.', "/");
        let mut folder = folder_of(&from.path);
        for _ in 1..dots {
            folder = folder_of(folder);
        }
        let ending = language.endings.first()?;
        loop {
            let package = if path.is_empty() { String::new() } else { format!("{path}/") };
            for name in [format!("{path}.{ending}"), format!("{package}__init__.{ending}")] {
                if let Some(file) = self.at(&join(folder, &name)) {
                    return Some(file);
                }
            }
            if dots > 0 || folder.is_empty() {
                return None;
            }
            folder = folder_of(folder);
        }
    }

    /// JavaScript: a path from the importing file, with any ending, or a folder's index; a path that a
    /// bundler rewrites is not found.
    fn relative(&self, from: &InputFile, module: &str, language: &Language) -> Option<&'a InputFile> {
        if !module.starts_with('.') {
            return None;
        }
        let mut parts: Vec<&str> = folder_of(&from.path).split('/').filter(|part| !part.is_empty()).collect();
        for part in module.split('/') {
            match part {
                "." | "" => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        let path = parts.join("/");
        // `./x.js` in TypeScript is the file that x.js is made from.
        let stem = path.strip_suffix(".js").unwrap_or(&path);
        let endings = language.imports.endings;
        let files = endings.iter().map(|ending| format!("{stem}.{ending}"));
        let index = language.imports.index.first().unwrap_or(&"");
        let folders = endings.iter().map(|ending| format!("{path}/{index}.{ending}"));
        std::iter::once(path.clone()).chain(files).chain(folders).find_map(|path| self.at(&path))
    }

    /// Java: the file named like the class whose path ends like the package; of several the nearest. A name
    /// without a package is one of the same package.
    fn by_class(&self, from: &InputFile, module: &str, language: &Language) -> Option<&'a InputFile> {
        let class = module.rsplit('.').next()?;
        let name = format!("{class}.{}", language.endings.first()?);
        if !module.contains('.') {
            return self.at(&join(folder_of(&from.path), &name));
        }
        let suffix = format!("/{}.{}", module.replace('.', "/"), language.endings.first()?);
        let files = &self.world.inputs.files;
        let found = self.named.get(name.as_str())?.iter().take(MAX_NAMESAKES).map(|index| &files[*index]);
        let fitting = found.filter(|file| format!("/{}", file.path).ends_with(&suffix));
        let near = |file: &&InputFile| {
            file.path.bytes().zip(from.path.bytes()).take_while(|(one, other)| one == other).count()
        };
        fitting.max_by_key(near)
    }

    /// The files of this name.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &'a InputFile> + use<'a, '_> {
        let files = &self.world.inputs.files;
        self.named.get(name).into_iter().flatten().map(|index| &files[*index])
    }

    /// The variables that the nearest `.env` file at or above a file's folder sets.
    pub fn environment(&self, from: &InputFile) -> Constants {
        let mut folder = folder_of(&from.path);
        loop {
            if let Some(file) = self.at(&join(folder, ".env")) {
                return settings::variables(&file.text().unwrap_or_default());
            }
            if folder.is_empty() {
                return Constants::new();
            }
            folder = folder_of(folder);
        }
    }

    fn constants(&self, file: &InputFile, language: &Language) -> Arc<Constants> {
        if let Some(held) = self.held.read().ok().and_then(|held| held.get(&file.path).cloned()) {
            return held;
        }
        let ending = file.name().rsplit_once('.').map_or("", |(_, ending)| ending);
        let language = Language::of_ending(ending).unwrap_or(language);
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

fn submodule(module: &str, name: &str) -> String {
    let dot = if module.ends_with('.') { "" } else { "." };
    format!("{module}{dot}{name}")
}
