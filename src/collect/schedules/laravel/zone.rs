//! What else of an application's files the events need: the zone of `config/app.php`, the signature of a command that is
//! named by its class. Only files of the same tree are asked.

use super::super::World;
use super::super::calls::Constants;
use super::super::node::Node;
use super::super::tokens::{self, Kind, Language};
use super::super::values::Values;
use super::of_environment;
use crate::input::InputFile;

/// The zone of an application, or why it is not known.
pub(super) struct Found {
    /// Its IANA name.
    pub name: Option<String>,
    /// Why there is none.
    pub why: &'static str,
}

/// The folder of the application that a file belongs to, with its slash.
fn root(path: &str) -> &str {
    let marks = ["app/", "routes/", "bootstrap/", "src/", "modules/", "Modules/", "packages/"];
    let at = marks.iter().filter_map(|mark| {
        let inner = format!("/{mark}");
        if path.starts_with(mark) { Some(0) } else { path.find(&inner).map(|at| at + 1) }
    });
    &path[..at.min().unwrap_or(0)]
}

/// The application's name in front of its events, where its folder has one.
pub(super) fn prefix(path: &str) -> String {
    let root = root(path).trim_end_matches('/');
    root.rsplit('/').next().filter(|name| !name.is_empty()).map_or(String::new(), |name| format!("{name}/"))
}

/// The zone that `config/app.php` sets; without such a file Laravel's own default, UTC.
pub(super) fn of_application(file: &InputFile, world: &World<'_>) -> Found {
    let path = format!("{}config/app.php", root(&file.path));
    let config = world.inputs.files.iter().find(|file| *file.path == *path);
    let Some(text) = config.and_then(|config| config.text().ok()) else {
        return Found { name: Some("UTC".to_owned()), why: "" };
    };
    let read = tokens::read(&text, Language::Php);
    let values = Values::new(&text, &read.tokens, Language::Php);
    let setting = |name: &str| {
        let at = (0..read.tokens.len()).find(|at| {
            let token = &read.tokens[*at];
            token.kind == Kind::Text && token.text == name && values.is(at + 1, "=>")
        })?;
        Some(of_environment(values.value(at + 2, &[]).0.text()?))
    };
    let told = setting("schedule_timezone").or_else(|| setting("timezone"));
    let told = told.unwrap_or_else(|| "UTC".to_owned());
    let known = crate::schedule::zone(&told).is_some();
    Found { name: Some(told).filter(|_| known), why: "config/app.php computes the application's zone" }
}

/// The name that a command's class gives itself (`protected $signature = 'name {argument}'`), or the class.
pub(super) fn signature(class: &str, file: &InputFile, world: &World<'_>) -> String {
    let class = class.split('(').next().unwrap_or(class);
    let own = class.rsplit('\\').next().unwrap_or(class);
    let (root, name) = (root(&file.path), format!("/{own}.php"));
    let mut found =
        world.inputs.files.iter().filter(|it| it.path.starts_with(root) && it.path.ends_with(&name));
    let only = found.next().filter(|_| found.next().is_none());
    let text = only.and_then(|file| file.text().ok()).unwrap_or_default();
    let read = tokens::read(&text, Language::Php);
    let values = Values::new(&text, &read.tokens, Language::Php);
    let constants = Constants::of(&values, "$");
    let told = ["signature", "name"].iter().find_map(|name| constants.get(name).map(str::to_owned));
    // `#[AsCommand(name: 'x')]`, `#[Signature('x')]`
    let attribute = || {
        let at = (0..read.tokens.len()).find(|at| {
            let named = ["AsCommand", "Signature"].iter().any(|word| read.tokens[*at].is_word(word));
            named && values.is(at + 1, "(")
        })?;
        let argument = super::super::calls::arguments(&values, at + 1).into_iter().next()?;
        let value: Node = super::super::calls::value(&values, &argument, &constants);
        value.text().map(str::to_owned)
    };
    let told = told.or_else(attribute).unwrap_or_default();
    let name = told.split_whitespace().next().unwrap_or("");
    if name.is_empty() { own.to_owned() } else { name.to_owned() }
}
