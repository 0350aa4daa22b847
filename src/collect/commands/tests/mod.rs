//! Shell text and what it does, written as sentences. Nothing here reads files.

mod clients;
mod hostile;
mod shell;
mod transfers;
mod windows;
mod words;

use super::{Context, Told, read};
use crate::evidence::{Actor, Basis, Mention, MentionKind, Says, Scope, Text};
use std::collections::BTreeMap;

/// What a script states, `action resource` or `runs FILE`, with the files it may source or run.
fn said(script: &str, files: &[(&str, &str)]) -> Vec<String> {
    said_by(files, |context| read(script, context))
}

fn said_by(files: &[(&str, &str)], read: impl FnOnce(&Context<'_>) -> Told) -> Vec<String> {
    let find = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
    let context = Context {
        host: Some(Text::from("h")),
        account: None,
        actor: Actor::new().with(MentionKind::Script, "h:/opt/x.sh"),
        about: Mention::new(MentionKind::Script, "h:/opt/x.sh"),
        input: Text::from("x.sh"),
        first_line: 1,
        scope: Scope::Production,
        basis: Basis::Written,
        vantage: Text::from("source"),
        env: BTreeMap::new(),
        own_folder: Some("/opt".to_owned()),
        files: &find,
        inputs: None,
    };
    let told = read(&context);
    let mut said: Vec<String> = told
        .evidence
        .uses()
        .iter()
        .map(|it| {
            let who: Vec<String> = it
                .what
                .actor
                .iter()
                .filter(|mention| mention.kind != MentionKind::Script)
                .map(ToString::to_string)
                .collect();
            let who = if who.is_empty() { String::new() } else { format!(" as {}", who.join(" ")) };
            let how: Vec<String> = it
                .what
                .traits
                .iter()
                .map(ToString::to_string)
                .filter(|how| how == "tests-file" || how == "waits-for-lock")
                .collect();
            let how = if how.is_empty() { String::new() } else { format!(" ({})", how.join(", ")) };
            format!("{} {}{who}{how}", it.what.action.word(), it.what.resource)
        })
        .filter(|said| !said.starts_with("connect database:"))
        .collect();
    for fact in told.evidence.facts() {
        match &fact.says {
            Says::Runs { script: Some(script), .. } => said.push(format!("runs {script}")),
            Says::Includes(file) => said.push(format!("includes {file}")),
            Says::Remark(text) => said.push(format!("remark {text}")),
            _ => {}
        }
    }
    said.extend(told.evidence.gaps().iter().map(|gap| format!("gap {}: {}", gap.code, gap.detail)));
    said.extend(told.guards.iter().map(|guard| format!("after {guard}")));
    said.sort();
    said
}

fn check(cases: &[(&str, &[&str])], files: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (script, want) in cases {
        let said = said(script, files);
        if said != *want {
            wrong.push(format!("{script}\n  says {said:#?}\n  not {want:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
