//! Files that are a list of statements or commands: SQL files, scripts of shells and of Windows. The statements of an SQL
//! file run where whoever runs it connects.

use super::World;
use super::place::Where;
use crate::collect::commands::{self, psql_variables};
use crate::evidence::{Basis, Evidence, Fact, Gap, GapCode, Mention, MentionKind, Place, Says, Text};
use crate::input::InputFile;
use crate::sql::{Cache, Dialect, SearchPath, Status, split};
use std::collections::BTreeMap;

/// Reads an SQL file.
pub fn read(file: &InputFile, text: &str, at: &Where) -> Evidence {
    let mut out = Evidence::new();
    let cache = Cache::of_unknown(Dialect::Postgres);
    // psql's own commands stand on lines of their own.
    let sql: String = text
        .lines()
        .map(|line| if line.trim_start().starts_with('\\') { "\n".to_owned() } else { format!("{line}\n") })
        .collect();
    let sql = psql_variables(&sql);
    let sql = super::queries::backticks(&sql).unwrap_or(sql);
    for (index, line) in text.lines().enumerate() {
        let command = line.trim_start();
        let included = ["\\i ", "\\ir ", "\\include "].iter().find_map(|verb| command.strip_prefix(verb));
        if let Some(included) = included.map(|file| file.trim().trim_matches('\'')) {
            let about = Mention::new(MentionKind::Script, at.script.clone());
            let (says, place) =
                (Says::Includes(Text::from(included)), Place::line(&file.path, index as u64 + 1));
            let (basis, scope) = (Basis::Written, at.scope);
            out.add_fact(Fact { about, says, basis, scope, span: None, place });
        }
    }
    let mut path = SearchPath::default();
    for part in split(&sql) {
        let offset = part.as_ptr().addr() - sql.as_ptr().addr();
        let line = memchr::memchr_iter(b'\n', &sql.as_bytes()[..offset]).count() as u64 + 1;
        let place = Place::line(&file.path, line);
        let understood = cache.understand(part);
        if understood.analysis.status != Status::Parsed {
            let detail = "a statement the parser does not take; its tables were told from tokens";
            out.add_gap(Gap::new(place.clone(), GapCode::Unparsed, detail));
        }
        for told in understood.uses_as_written(&path) {
            // A schema in braces with names in it is a list of schemas.
            let open = |part: &Text| part.contains("{}") || part.contains('?');
            if told.resource.parts.iter().any(open) {
                continue;
            }
            let mut what = at.what(told.action, told.resource);
            what.shape = understood.shape.clone();
            what.traits = told.traits;
            what.confidence = told.confidence;
            what.class = understood.class;
            out.add_written(what, place.clone());
        }
        path.change(&understood.analysis.session);
    }
    out
}

/// Reads a shell script.
pub fn commands(file: &InputFile, text: &str, at: &Where, world: &World<'_>) -> Evidence {
    with_context(file, at, world, |context| commands::read(text, context).evidence)
}

/// Reads a script of Windows.
pub fn windows(
    file: &InputFile,
    text: &str,
    language: commands::WindowsLanguage,
    at: &Where,
    world: &World<'_>,
) -> Evidence {
    with_context(file, at, world, |context| commands::read_windows(text, language, context).evidence)
}

fn with_context(
    file: &InputFile,
    at: &Where,
    world: &World<'_>,
    read: impl FnOnce(&commands::Context<'_>) -> Evidence,
) -> Evidence {
    let host = file.host.clone();
    let inputs = world.inputs;
    let files = move |path: &str| inputs.find(host.as_deref(), path)?.text().ok();
    let context = commands::Context {
        host: file.host.clone(),
        account: None,
        actor: at.actor.clone(),
        about: Mention::new(MentionKind::Script, at.script.clone()),
        input: file.path.clone(),
        first_line: 1,
        scope: at.scope,
        basis: Basis::Written,
        vantage: Text::from("source"),
        env: BTreeMap::new(),
        own_folder: file.inner.rsplit_once('/').map(|(folder, _)| folder.to_owned()),
        files: &files,
        inputs: Some(world.inputs),
    };
    read(&context)
}
