//! Source trees: languages from `grammars/`, settings files, SQL files. What a tree's text says is stated
//! with the part of the tree it belongs to; beyond constants that are imported by name it never follows data
//! from one file to another, and it never executes anything.

mod engine;
mod modules;
mod place;
mod settings;
mod sqlfile;

use super::{Family, World};
use crate::evidence::{About, Evidence, InputRecord, InputStatus, Provenance, Text};
use crate::input::InputFile;
use rayon::prelude::*;

/// The kinds of tree nodes that folding needs, by the grammar's own names.
pub struct Nodes {
    /// A string literal.
    pub string: &'static [&'static str],
    /// The literal part of one.
    pub content: &'static [&'static str],
    /// An escape in one.
    pub escape: &'static [&'static str],
    /// An interpolated expression in one.
    pub interpolation: &'static [&'static str],
    /// Adjacent strings.
    pub concatenated: &'static [&'static str],
    /// An operator with two sides.
    pub binary: &'static [&'static str],
    /// A name.
    pub identifier: &'static [&'static str],
    /// A call.
    pub call: &'static [&'static str],
    /// Parentheses.
    pub parenthesized: &'static [&'static str],
    /// An element of a table by its key.
    pub subscript: &'static [&'static str],
    /// A list of values.
    pub list: &'static [&'static str],
}

/// One language, from its folder in `grammars/`.
pub struct Language {
    /// Its row in the table.
    pub about: About,
    /// Its parser.
    pub parser: fn() -> tree_sitter::Language,
    /// The query.
    pub query: &'static str,
    /// File endings.
    pub endings: &'static [&'static str],
    /// Interpreters of a first line.
    pub shebangs: &'static [&'static str],
    /// Whether it is read as commands.
    pub commands: bool,
    /// Node kinds.
    pub nodes: Nodes,
    /// Names whose value is an ORM class's table.
    pub tables_assigned: &'static [&'static str],
    /// Calls whose first argument is a table.
    pub tables_called: &'static [&'static str],
    /// Words in callees of HTTP clients.
    pub http: &'static [&'static str],
    /// Calls that read a variable of the environment with a default.
    pub environment: &'static [&'static str],
    /// Tables that hold the variables of the environment.
    pub environment_tables: &'static [&'static str],
    /// Calls that run a command.
    pub shells: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/languages.rs"));

/// The family.
pub struct Source;

/// Who reads a file of a source tree.
enum Reader {
    Code(&'static Language),
    Settings,
    Sql,
    /// A file that only says that its folder is built or deployed as one.
    Mark,
}

/// The readers of this family that are no language.
pub const OTHER_READERS: [&str; 2] = ["settings", "sql-file"];

fn reader_of(file: &InputFile) -> Option<Reader> {
    if let Some(kind) = &file.forced {
        return match &**kind {
            "settings" => Some(Reader::Settings),
            "sql-file" => Some(Reader::Sql),
            name => LANGUAGES.iter().find(|language| language.about.name == name).map(Reader::Code),
        };
    }
    if file.ignored || !file.is_text() {
        return None;
    }
    let name = file.name();
    if file.size == 0 && name != "__init__.py" {
        return None;
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let first = file.head_text().lines().next().unwrap_or("").to_owned();
    let interpreter = first.strip_prefix("#!").map(|rest| {
        let mut words = rest.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
        let word = words.next().unwrap_or("");
        if word == "env" {
            words.find(|word| !word.starts_with('-')).unwrap_or("").to_owned()
        } else {
            word.to_owned()
        }
    });
    let by_line = interpreter.as_deref().and_then(|word| {
        let plain = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        LANGUAGES.iter().find(|language| language.shebangs.contains(&plain))
    });
    let by_ending =
        ending.as_deref().and_then(|e| LANGUAGES.iter().find(|language| language.endings.contains(&e)));
    if let Some(language) = by_line.or(by_ending) {
        return Some(Reader::Code(language));
    }
    if ending.as_deref() == Some("sql") {
        return Some(Reader::Sql);
    }
    if settings::is_settings(name) {
        return Some(Reader::Settings);
    }
    place::MARKS.contains(&name).then_some(Reader::Mark)
}

impl Family for Source {
    fn name(&self) -> &'static str {
        "source"
    }

    fn claim(&self, file: &InputFile) -> Option<&'static str> {
        Some(match reader_of(file)? {
            Reader::Code(language) => language.about.name,
            Reader::Settings => "settings",
            Reader::Sql => "sql-file",
            Reader::Mark => "component-mark",
        })
    }

    fn collect(&self, files: &[&InputFile], world: &World<'_>) -> Evidence {
        let modules = modules::Modules::new(world);
        let parts: Vec<Evidence> = files.par_iter().map(|file| read(file, world, &modules)).collect();
        let mut evidence = Evidence::new();
        for part in parts {
            evidence.merge(part);
        }
        evidence
    }
}

fn read(file: &InputFile, world: &World<'_>, modules: &modules::Modules<'_>) -> Evidence {
    let mut evidence = Evidence::new();
    let Some(reader) = reader_of(file) else { return evidence };
    let kind = match &reader {
        Reader::Code(language) => language.about.name,
        Reader::Settings => "settings",
        Reader::Sql => "sql-file",
        Reader::Mark => "component-mark",
    };
    let mut record = InputRecord {
        path: file.path.clone(),
        kind: Text::from(kind),
        status: InputStatus::Read,
        records: 1,
        span: None,
    };
    match file.text() {
        Err(error) => {
            record.status = InputStatus::Failed;
            evidence.add_gap(file.gap(&error));
        }
        Ok(text) => {
            let at = place::Where::of(file, world);
            evidence.merge(match reader {
                Reader::Code(language) if language.commands => sqlfile::commands(file, &text, &at, world),
                Reader::Code(language) => engine::read(language, file, &text, &at, modules, world),
                Reader::Settings => settings::read(file, &text, &at),
                Reader::Sql => sqlfile::read(file, &text, &at),
                Reader::Mark => Evidence::new(),
            });
            (world.progress)(&file.path, text.len() as u64);
        }
    }
    evidence.add_input(record);
    evidence
}
