//! Clients of file servers that scripts of Windows are told apart by: `ftp -s:file` and WinSCP. What they are told to do is
//! handed to the readers that know such conversations. Logins are never kept.

use super::super::{Call, Out, state};
use super::Around;
use super::paths::{self, last};
use super::programs::after;
use crate::evidence::Action;
use std::collections::BTreeMap;

/// `ftp -s:file host` reads its commands from a file ("ftp" of the Windows commands reference).
pub(super) fn ftp(mut call: Call, around: &Around, out: &mut Out<'_>) {
    let file = call.words.iter().find_map(|word| word.strip_prefix("-s:").map(str::to_owned));
    if let Some(path) = file {
        call.stdin = around.text_of(&path, &call, out);
        if call.stdin.is_none() {
            out.unresolved(&call, "a transfer whose commands stand in a file that the scan was not given");
        }
        if !around.written.contains_key(&super::super::absolute(&path, &call)) {
            out.add_file(&call, Action::Read, &path);
        }
    }
    call.stdin = call.stdin.map(|text| text.replace('\\', "/"));
    call.words = std::iter::once("ftp".to_owned())
        .chain(call.words[1..].iter().filter(|word| !word.starts_with('-')).cloned())
        .collect();
    state(&call, out);
}

/// WinSCP ("Scripting and Task Automation"): commands as words behind `/command`, or in a file.
pub(super) fn winscp(mut call: Call, around: &Around, out: &mut Out<'_>) {
    let at = call.words.iter().position(|word| word.eq_ignore_ascii_case("/command"));
    let script = call.words.iter().find_map(|word| {
        let (option, path) = word.split_once('=')?;
        matches!(option.to_ascii_lowercase().as_str(), "/script" | "-script").then(|| path.to_owned())
    });
    let script = script.or_else(|| after(&call.words, "/script"));
    let mut text = String::new();
    if let Some(at) = at {
        text = call.words[at + 1..].join("\n");
    }
    if let Some(path) = script {
        match around.text_of(&path, &call, out) {
            Some(told) => text = told,
            None => {
                out.unresolved(
                    &call,
                    "a transfer whose commands stand in a file that the scan was not given",
                );
            }
        }
    }
    if let Some(url) = call.words.iter().skip(1).find(|word| word.contains("://")).filter(|_| at.is_none()) {
        text = format!("open {url}\n{text}");
    }
    let lines: Vec<String> = text.lines().map(|line| winscp_line(line, &around.drives)).collect();
    call.words = vec!["lftp".to_owned()];
    call.stdin = Some(lines.join("\n"));
    state(&call, out);
}

/// A command of WinSCP without its options, as other clients have it.
fn winscp_line(line: &str, drives: &BTreeMap<char, String>) -> String {
    let line = line.trim().trim_matches('"').replace("\"\"", "\"");
    let words = super::batch::words(&line);
    let Some((verb, rest)) = words.split_first() else { return String::new() };
    let verb = verb.to_ascii_lowercase();
    let mut plain: Vec<String> = rest
        .iter()
        .filter(|word| !word.starts_with('-'))
        .map(|word| if word.contains("://") { word.clone() } else { paths::folded(word, drives) })
        .collect();
    // A folder as the target keeps the file's name.
    if let [from, to] = &mut plain[..] {
        let name = last(from).to_owned();
        if matches!(verb.as_str(), "put" | "get") && to.ends_with('/') && !name.contains(['*', '?']) {
            to.push_str(&name);
        }
    }
    let quoted: Vec<String> = plain.iter().map(|word| format!("\"{word}\"")).collect();
    format!("{verb} {}", quoted.join(" "))
}
