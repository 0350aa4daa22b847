//! The source lens: what the text of one file states, a line per use, as written: nothing is resolved.

use crate::collect::{self, World};
use crate::evidence::Says;
use crate::input::Inputs;
use crate::settings::Settings;

/// `action resource` for every use the source family states, `serves resource` for every route, with repeats
/// on other lines kept.
pub fn lines(inputs: &Inputs) -> Vec<String> {
    let settings = Settings::default();
    let quiet = |_: &str, _: u64| {};
    let world = World::new(inputs, &settings, &quiet);
    let Some(source) = collect::FAMILIES.iter().find(|family| family.name() == "source") else {
        return Vec::new();
    };
    let files: Vec<_> = inputs.files.iter().filter(|file| source.claim(file, &settings).is_some()).collect();
    let evidence = source.collect(&files, &world);
    let mut lines = Vec::new();
    for it in evidence.uses() {
        for _ in it.places.iter() {
            lines.push(format!("{} {}", it.what.action.word(), it.what.resource));
        }
    }
    for fact in evidence.facts() {
        if let Says::Serves(resource) = &fact.says {
            lines.push(format!("serves {resource}"));
        }
    }
    lines
}
