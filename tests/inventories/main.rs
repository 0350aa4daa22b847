//! Inventories that others keep: what an OpenAPI document and a Backstage catalogue state, fact by fact, and what a
//! company that has only a catalogue is told. Whole lists are compared, and each claim has its near miss.

mod backstage;
mod codeowners;
mod company;
mod dbt;
mod helm;
mod interfaces;
mod kubernetes;
mod leases;
mod machines;
mod openapi;
mod permissions;
mod requests;

use std::path::Path;
use std::process::Command;
use whodepends::collect::{World, collect_all};
use whodepends::evidence::{Evidence, Says};
use whodepends::input::walk;
use whodepends::settings::Settings;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("folders can be made");
        std::fs::write(path, text).expect("files can be written");
    }
}

/// What all files of a world state.
fn stated(files: &[(&str, &str)]) -> Evidence {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), files);
    let (inputs, errors) = walk(&[folder.path().to_path_buf()], &[]);
    assert!(errors.is_empty());
    let own = files.iter().find(|(path, _)| *path == "whodepends.toml").map_or("", |(_, text)| text);
    let settings = Settings::parse(own).expect("the settings are right");
    collect_all(&World::new(&inputs, &settings, &|_, _| ()))
}

/// The facts, a line each, without those of `whodepends.toml`.
fn facts(evidence: &Evidence) -> Vec<String> {
    let line = |fact: &whodepends::evidence::Fact| {
        let says = match &fact.says {
            Says::Serves(it) => format!("serves {}", it.parts.join("/")),
            Says::Retires(it) => format!("retires {}", it.parts.join("/")),
            Says::SameAs(it) => format!("is {it}"),
            Says::PartOf(it) => format!("is part of {it}"),
            Says::DeclaredAs(kind) => format!("is a {kind}"),
            Says::DeclaredUse(_, it) => format!("uses {it}"),
            Says::OwnedBy(it) => format!("is owned by {it}"),
            Says::Lifecycle(it) => format!("is {it}"),
            Says::Pods { controller, name, namespace } => {
                format!("has pods of {controller} {name} in {}", namespace.as_deref().unwrap_or("?"))
            }
            other => format!("{other:?}"),
        };
        format!("{}: {} {says}", fact.place, fact.about)
    };
    let own = |line: &String| !line.starts_with("whodepends.toml");
    let mut lines: Vec<String> = evidence.facts().map(line).filter(own).collect();
    lines.sort();
    lines
}

fn gaps(evidence: &Evidence) -> Vec<String> {
    let line = |gap: &whodepends::evidence::Gap| {
        format!("{} {}: {} ({})", gap.place, gap.code, gap.detail, gap.count)
    };
    evidence.gaps().iter().map(line).collect()
}

const NOTHING: [&str; 0] = [];
