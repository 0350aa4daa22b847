//! Source trees: languages from `grammars/`, settings files, SQL files. What a tree's text says is stated
//! with the part of the tree it belongs to; beyond constants that are imported by name and routers that are
//! mounted it never follows data from one file to another, and it never executes anything.

mod clients;
mod component;
mod connections;
mod data_sources;
mod engine;
mod fold;
mod language;
mod marks;
mod modules;
mod place;
mod properties;
mod queries;
mod routes;
mod scopes;
mod setting_groups;
mod settings;
mod sqlfile;
mod tables;

pub use language::{LANGUAGES, Language};

use super::commands::WindowsLanguage;
use super::{Family, World};
use crate::evidence::{Evidence, InputRecord, InputStatus};
use crate::input::InputFile;
use crate::settings::Settings;
use rayon::prelude::*;
use routes::Routing;

/// The family.
pub struct Source;

/// Who reads a file of a source tree.
enum Reader {
    Code(&'static Language),
    Settings,
    Sql,
    /// A script of Windows.
    Windows(WindowsLanguage),
    /// Code that no grammar reads, for its connections.
    Unparsed(&'static connections::Tongue),
    /// A file that only says that its folder is built or deployed as one.
    Mark,
}

impl Reader {
    fn name(&self) -> &'static str {
        match self {
            Reader::Code(language) => language.about.name,
            Reader::Settings => "settings",
            Reader::Sql => "sql-file",
            Reader::Windows(WindowsLanguage::Batch) => "batch",
            Reader::Windows(WindowsLanguage::PowerShell) => "powershell",
            Reader::Unparsed(_) => "connections",
            Reader::Mark => "component-mark",
        }
    }
}

/// The readers of this family that are no language.
pub const OTHER_READERS: [&str; 5] = ["settings", "sql-file", "batch", "powershell", "connections"];

/// Endings of templates (Jinja, ERB, EPP), and in how many lines the first of a script may stand.
const TEMPLATES: [&str; 5] = [".j2", ".jinja2", ".jinja", ".erb", ".epp"];
const HEAD_OF_TEMPLATE: usize = 5;

fn reader_of(file: &InputFile) -> Option<Reader> {
    let own_ending = || file.name().rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    if let Some(kind) = &file.forced {
        return match &**kind {
            "settings" => Some(Reader::Settings),
            "sql-file" => Some(Reader::Sql),
            "batch" => Some(Reader::Windows(WindowsLanguage::Batch)),
            "powershell" => Some(Reader::Windows(WindowsLanguage::PowerShell)),
            "connections" => connections::tongue_of(&own_ending(), &file.head_text()).map(Reader::Unparsed),
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
    let ending = |name: &str| name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    // `job.sh.j2` is a template of `job.sh`, whose first line may stand behind a comment of the template.
    let template = TEMPLATES.iter().find_map(|end| name.strip_suffix(end));
    let ending = ending(template.unwrap_or(name));
    let head = file.head_text();
    let mut lines = head.lines().take(if template.is_some() { HEAD_OF_TEMPLATE } else { 1 });
    let first = lines.find(|line| template.is_none() || line.starts_with("#!")).unwrap_or("").to_owned();
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
        // Of templates only shell text is read; other languages do not parse with blanks in them.
        return (template.is_none() || language.commands).then_some(Reader::Code(language));
    }
    if template.is_some() {
        return None;
    }
    match ending.as_deref() {
        Some("sql") => return Some(Reader::Sql),
        Some("bat" | "cmd") => return Some(Reader::Windows(WindowsLanguage::Batch)),
        Some("ps1" | "psm1") => return Some(Reader::Windows(WindowsLanguage::PowerShell)),
        _ => {}
    }
    if settings::is_settings(name) && !describes(&file.head_text()) && !is_records(&file.head_text()) {
        return Some(Reader::Settings);
    }
    if let Some(tongue) = connections::tongue_of(&own_ending(), &file.head_text()) {
        return Some(Reader::Unparsed(tongue));
    }
    place::MARKS.contains(&name).then_some(Reader::Mark)
}

/// Whether a text is records of JSON, one in each line: a log or an export, whatever its name.
fn is_records(head: &str) -> bool {
    let object = |line: &str| line.starts_with('{') && line.trim_end().ends_with('}');
    let mut lines = head.lines().filter(|line| !line.trim().is_empty());
    lines.next().is_some_and(object) && lines.next().is_some_and(object)
}

/// Whether a file describes interfaces or catalogues instead of setting anything: an address in there is prose or an
/// example.
fn describes(head: &str) -> bool {
    let key = |line: &str| {
        let line = line.trim_end_matches([' ', ',']);
        ["openapi:", "swagger:", "apiVersion: backstage.io/"].iter().any(|key| line.starts_with(key))
    };
    let json = head.trim_start().strip_prefix('{').map(|rest| rest.trim_start());
    let first = json.is_some_and(|rest| rest.starts_with("\"openapi\"") || rest.starts_with("\"swagger\""));
    first || head.lines().any(key)
}

impl Family for Source {
    fn name(&self) -> &'static str {
        "source"
    }

    fn claim(&self, file: &InputFile, _: &Settings) -> Option<&'static str> {
        Some(reader_of(file)?.name())
    }

    fn collect(&self, files: &[&InputFile], world: &World<'_>) -> Evidence {
        let (modules, roots) = (modules::Modules::new(world), place::Roots::of(world));
        let read = |file: &&InputFile| {
            let mut open = Vec::new();
            let (evidence, routing) = read(file, (world, &roots), &modules, &mut open);
            (evidence, routing, open)
        };
        let parts: Vec<(Evidence, Routing, Vec<connections::Open>)> = files.par_iter().map(read).collect();
        // Asked for only where a call is open: each file's uses are looked at for it.
        let told = if parts.iter().all(|(.., open)| open.is_empty()) {
            connections::Told::new()
        } else {
            parts.par_iter().flat_map_iter(|(evidence, ..)| connections::told(evidence)).collect()
        };
        let (mut evidence, mut routing, mut open) = (Evidence::new(), Routing::default(), Vec::new());
        for (part, routes, connections) in parts {
            evidence.merge(part);
            routing.merge(routes);
            open.extend(connections);
        }
        connections::settle(open, &told, &mut evidence);
        routing.state(&modules, &mut evidence);
        evidence
    }
}

fn read(
    file: &InputFile,
    (world, roots): (&World<'_>, &place::Roots),
    modules: &modules::Modules<'_>,
    open: &mut Vec<connections::Open>,
) -> (Evidence, Routing) {
    let (mut evidence, mut routing) = (Evidence::new(), Routing::default());
    let Some(reader) = reader_of(file) else { return (evidence, routing) };
    let kind = reader.name();
    let mut record = InputRecord { records: 1, ..InputRecord::new(&file.path, kind, InputStatus::Read) };
    match file.text() {
        Err(error) => {
            record.status = InputStatus::Failed;
            let mut gap = file.gap(&error);
            if gap.detail.starts_with("MAX_TEXT_BYTES") {
                gap.detail = format!("{}; nothing of it was read", gap.detail).into();
            }
            evidence.add_gap(gap);
        }
        Ok(text) => {
            let at = place::Where::of(file, roots);
            evidence.merge(match reader {
                Reader::Code(language) if language.commands => sqlfile::commands(file, &text, &at, world),
                Reader::Code(language) => {
                    let (read, routes) = engine::read(language, file, &text, &at, modules, world, open);
                    routing = routes;
                    read
                }
                Reader::Settings => settings::read(file, &text, &at),
                Reader::Sql => sqlfile::read(file, &text, &at),
                Reader::Windows(language) => sqlfile::windows(file, &text, language, &at, world),
                Reader::Unparsed(tongue) => {
                    connections::read_unparsed(file, &text, tongue, &modules.environment(file), &at)
                }
                Reader::Mark => Evidence::new(),
            });
            (world.progress)(&file.path, text.len() as u64);
        }
    }
    evidence.add_input(record);
    (evidence, routing)
}
