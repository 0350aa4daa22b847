//! Settings of ssh (ssh_config(5)): by which other names one's own account reaches machines. `Host` with patterns
//! names no machine, `Match` and `Include` depend on where it runs and are left out. Only names are stated: that
//! somebody could log in is no use.

use super::machines::{self, Machine};
use super::{Inventory, Notes};
use crate::evidence::{About, GapCode, Provenance};
use crate::input::InputFile;

/// `~/.ssh/config` and `/etc/ssh/ssh_config`.
pub struct Ssh;

impl Inventory for Ssh {
    fn about(&self) -> &'static About {
        &About {
            name: "ssh-config",
            title: "ssh_config: other names of machines",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let path = &file.path;
        let kept = path.ends_with(".ssh/config")
            || file.name() == "ssh_config"
            || file.name() == "ssh-config"
            || path.contains(".ssh/config.d/")
            || path.contains("ssh_config.d/");
        let head = file.head_text();
        kept && head.lines().filter_map(directive).any(|(key, _)| key == "host" || key == "match")
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        let mut block: Option<Block> = None;
        for (line, number) in text.lines().zip(1u64..) {
            let Some((key, value)) = directive(line) else { continue };
            match key.as_str() {
                "host" => {
                    state(block.take(), notes);
                    block = Some(Block { names: words(value), line: number, ..Block::default() });
                }
                "match" => state(block.take(), notes),
                "include" => {
                    notes.gap(number, GapCode::Unresolved, "Include: only files of the scan are read");
                }
                // The first value counts (ssh_config(5)).
                "hostname" => {
                    if let Some(block) = block.as_mut().filter(|block| block.target.is_none()) {
                        block.target = words(value).into_iter().next();
                    }
                }
                _ => {}
            }
        }
        state(block, notes);
        Ok(())
    }
}

/// The settings of one `Host` line.
#[derive(Default)]
struct Block {
    names: Vec<String>,
    target: Option<String>,
    line: u64,
}

/// The keyword of a line in lower case, and what follows it, with or without `=`.
fn directive(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    let end = line.find(|c: char| c.is_whitespace() || c == '=')?;
    let (key, rest) = line.split_at(end);
    let named = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric());
    let rest = rest.trim_start();
    named.then(|| (key.to_ascii_lowercase(), rest.strip_prefix('=').unwrap_or(rest).trim()))
}

fn words(value: &str) -> Vec<String> {
    let before = value.split(" #").next().unwrap_or(value);
    before.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect()
}

/// What a block says: the names on its line, where none is a pattern, are one machine.
fn state(block: Option<Block>, notes: &mut Notes<'_>) {
    let Some(Block { names, target: Some(target), line }) = block else { return };
    // `%h` is the name itself, so that each name is another machine.
    let pattern = |text: &String| text.contains(['*', '?', '!', '%']);
    if names.iter().any(pattern) || pattern(&target) {
        return;
    }
    let addresses: Vec<_> = machines::address(&target).into_iter().collect();
    let mut all: Vec<&str> = machines::name(&target).into_iter().collect();
    if all.is_empty() && addresses.is_empty() {
        return;
    }
    all.extend(names.iter().filter_map(|name| machines::name(name)));
    let Some((name, aliases)) = all.split_first() else { return };
    Machine { name, aliases: aliases.to_vec(), addresses, span: None }.state(notes, line);
}
