//! Inventories of Ansible: the hosts and the addresses at which they are reached, from files in INI (Ansible User
//! Guide, "How to build your inventory", and the plugin `ini`), in YAML (plugin `yaml`), and from `host_vars/NAME`.
//! Groups say what is done to hosts, not who they are, so they state nothing. No variable is evaluated: an address
//! that is a template is a gap. A vault is never opened.

use super::machines::{self, Machine};
use super::{Inventory, Notes};
use crate::collect::document;
use crate::evidence::{About, GapCode, Provenance};
use crate::input::InputFile;
use serde_json::Value;

/// Ansible's inventories.
pub struct Ansible;

/// One range of hosts has no more; beyond, it is mostly a typing error.
const MAX_RANGE: usize = 10_000;
/// Groups lie no deeper in each other.
const MAX_GROUPS: usize = 32;

impl Inventory for Ansible {
    fn about(&self) -> &'static About {
        &About {
            name: "ansible-inventory",
            title: "Ansible inventories (INI, YAML, host_vars): hosts and their addresses",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let head = file.head_text();
        if is_host_vars(&file.path) {
            return head.lines().any(|line| connection(line.split(':').next().unwrap_or("")));
        }
        let ending = file.name().rsplit_once('.').map(|(_, ending)| ending);
        match ending {
            Some("yml" | "yaml") => is_yaml(&head),
            None | Some("ini" | "cfg" | "inventory" | "hosts") => is_ini(&file.path, &head),
            // `hosts.production`, `inventory.staging`.
            Some(_) => kept_as_inventory(&file.path) && is_ini(&file.path, &head),
        }
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        if text.starts_with("$ANSIBLE_VAULT") {
            notes.gap(1, GapCode::Encrypted, "a vault of Ansible");
            return Ok(());
        }
        if is_host_vars(notes.path()) {
            let name = host_vars_name(notes.path()).to_owned();
            let value = document::parse(text)?;
            state(&name, &|key| value.get(key).and_then(Value::as_str).map(str::to_owned), notes, None);
            return Ok(());
        }
        if notes.path().ends_with(".yml") || notes.path().ends_with(".yaml") {
            let value = document::parse(text)?;
            for (_, group) in value.as_object().into_iter().flatten() {
                yaml_group(group, notes, 0);
            }
            return Ok(());
        }
        ini(text, notes);
        Ok(())
    }
}

/// The variable that says where a host is reached; the second is that of Ansible before 2.0.
const ADDRESS: [&str; 2] = ["ansible_host", "ansible_ssh_host"];

fn connection(key: &str) -> bool {
    ADDRESS.contains(&key.trim())
}

/// `host_vars/NAME`, `host_vars/NAME.yml` or `host_vars/NAME/any.yml`.
fn is_host_vars(path: &str) -> bool {
    let mut folders = path.rsplit('/').skip(1).take(2);
    folders.any(|folder| folder == "host_vars")
}

fn host_vars_name(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    let (file, folder) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    if folder != "host_vars" {
        return folder;
    }
    file.strip_suffix(".yml").or_else(|| file.strip_suffix(".yaml")).unwrap_or(file)
}

/// Whether a file lies or is named as inventories are.
fn kept_as_inventory(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or("");
    let stem = name.split('.').next().unwrap_or(name);
    matches!(stem, "hosts" | "inventory") || parts.any(|part| matches!(part, "inventory" | "inventories"))
}

/// What a line of a file in INI is.
enum Line<'a> {
    Section(&'a str),
    Host(&'a str, Vec<(&'a str, String)>),
    /// A line that no inventory has.
    Foreign,
}

/// The words of a line, quotes taken off (the plugin reads it as a shell would), until a comment.
fn words(line: &str) -> Vec<(&str, String)> {
    let (mut words, mut at) = (Vec::new(), 0);
    let bytes = line.as_bytes();
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if bytes[at] == b'#' {
            break;
        }
        let (start, mut quote, mut text) = (at, None, Vec::new());
        while let Some(byte) = bytes.get(at) {
            match (quote, byte) {
                (None, byte) if byte.is_ascii_whitespace() => break,
                (None, b'"' | b'\'') => quote = Some(*byte),
                (Some(open), byte) if open == *byte => quote = None,
                (_, byte) => text.push(*byte),
            }
            at += 1;
        }
        words.push((&line[start..at], String::from_utf8_lossy(&text).into_owned()));
    }
    words
}

/// The name of a host as an inventory spells it: a host name or address, with ranges and a port.
fn is_pattern(text: &str) -> bool {
    let sign = |b: u8| b.is_ascii_alphanumeric() || b"-_.:[]".contains(&b);
    let open = text.bytes().filter(|b| *b == b'[').count() == text.bytes().filter(|b| *b == b']').count();
    !text.is_empty() && text.bytes().all(sign) && open && text.bytes().any(|b| b.is_ascii_alphanumeric())
}

fn line<'a>(text: &'a str, section: &str) -> Option<Line<'a>> {
    let text = text.trim();
    if text.is_empty() || text.starts_with(['#', ';']) {
        return None;
    }
    // A range may open a line, too: `[a:c].example`. A section ends with its bracket.
    if let Some(rest) = text.strip_prefix('[') {
        let end = rest.split_once(']').filter(|(_, after)| {
            let after = after.trim();
            after.is_empty() || after.starts_with(['#', ';'])
        });
        let Some((name, _)) = end else { return Some(Line::Foreign) };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let known = match name.split_once(':') {
            None => name,
            Some((name, "children" | "vars")) => name,
            Some(_) => "",
        };
        let fits = !known.is_empty() && known.bytes().all(plain);
        return Some(if fits { Line::Section(name) } else { Line::Foreign });
    }
    if section.ends_with(":vars") {
        return None;
    }
    let words = words(text);
    let (first, _) = words.first()?;
    if !is_pattern(first) {
        return Some(Line::Foreign);
    }
    if section.ends_with(":children") {
        return (words.len() > 1).then_some(Line::Foreign);
    }
    let mut variables = Vec::new();
    for (raw, word) in &words[1..] {
        let key = raw.split_once('=').map(|(key, _)| key);
        let named =
            |key: &&str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let (Some(key), Some((_, value))) = (key.filter(named), word.split_once('=')) else {
            return Some(Line::Foreign);
        };
        variables.push((key, value.to_owned()));
    }
    Some(Line::Host(first, variables))
}

/// Whether this is an inventory in INI and no other file in INI: each line is one that an inventory may have, and
/// one that no other file has is among them, or the file is kept as inventories are.
fn is_ini(path: &str, head: &str) -> bool {
    let (mut section, mut hosts, mut groups, mut sure) = ("", 0u32, 0u32, false);
    // The last line of a long file may be cut.
    let whole = head.rsplit_once('\n').map_or(head, |(whole, _)| whole);
    for text in whole.lines() {
        if section.ends_with(":vars") {
            sure |= text.trim_start().starts_with("ansible_");
        }
        match line(text, section) {
            None => {}
            Some(Line::Foreign) => return false,
            Some(Line::Section(name)) => {
                section = name;
                groups += 1;
                sure |= name.ends_with(":children");
            }
            Some(Line::Host(_, variables)) => {
                hosts += 1;
                sure |= variables.iter().any(|(key, _)| key.starts_with("ansible_"));
            }
        }
    }
    hosts > 0 && (sure || (groups > 0 && kept_as_inventory(path)))
}

/// Whether this is an inventory in YAML: groups at the top, which hold hosts, groups and variables and no more.
fn is_yaml(head: &str) -> bool {
    let keys = document::top_keys(head);
    if keys.is_empty() || !keys.iter().all(|(_, value)| value.is_empty()) {
        return false;
    }
    let (mut depth, mut hosts) = (None, false);
    for text in head.lines() {
        let content = text.trim_start();
        let indent = text.len() - content.len();
        if content.is_empty() || content.starts_with('#') || indent == 0 {
            if indent == 0 {
                depth = None;
            }
            continue;
        }
        let depth = *depth.get_or_insert(indent);
        if indent == depth
            && !matches!(content.trim_end(), "hosts:" | "children:" | "vars:" | "hosts: {}" | "vars: {}")
        {
            return false;
        }
        hosts |= content.trim_end() == "hosts:";
    }
    hosts && (keys.iter().any(|(key, _)| *key == "all") || head.contains("ansible_"))
}

fn ini(text: &str, notes: &mut Notes<'_>) {
    let mut section = "";
    for (text, number) in text.lines().zip(1u64..) {
        match line(text, section) {
            Some(Line::Section(name)) => section = name,
            Some(Line::Host(pattern, variables)) => {
                let value = |key: &str| {
                    variables.iter().rev().find(|(own, _)| *own == key).map(|(_, value)| value.clone())
                };
                match expand(pattern) {
                    Some(names) => names.iter().for_each(|name| state(name, &value, notes, Some(number))),
                    None => notes.gap(number, GapCode::Limit, "MAX_RANGE: a range of hosts is not read"),
                }
            }
            Some(Line::Foreign) => notes.gap(number, GapCode::Unparsed, "no line of an inventory"),
            None => {}
        }
    }
}

fn yaml_group(group: &Value, notes: &mut Notes<'_>, depth: usize) {
    if depth > MAX_GROUPS {
        notes.gap(1, GapCode::Limit, "MAX_GROUPS: groups below are not read");
        return;
    }
    for (pattern, variables) in group.get("hosts").and_then(Value::as_object).into_iter().flatten() {
        let value = |key: &str| variables.get(key).and_then(Value::as_str).map(str::to_owned);
        for name in expand(pattern).unwrap_or_default() {
            state(&name, &value, notes, None);
        }
    }
    for (_, child) in group.get("children").and_then(Value::as_object).into_iter().flatten() {
        yaml_group(child, notes, depth + 1);
    }
}

/// The hosts a pattern with ranges is short for: `web[01:20]`, `db-[a:f]`, `n[1:9:2]`. A port behind it is left out.
/// `None`: too many, or no range.
fn expand(pattern: &str) -> Option<Vec<String>> {
    let mut done = vec![String::new()];
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('[') {
        let (range, behind) = after.split_once(']')?;
        let mut bounds = range.split(':');
        let (first, last) = (bounds.next()?, bounds.next()?);
        let step: usize = bounds.next().map_or(Some(1), |step| step.parse().ok()).filter(|step| *step > 0)?;
        let parts: Vec<String> = match (first.parse::<usize>(), last.parse::<usize>()) {
            (first_number, Ok(end)) if first.is_empty() || first_number.is_ok() => {
                let start = first_number.unwrap_or(0);
                // As wide as the first bound is written, if that begins with a zero.
                let width = if first.starts_with('0') { first.len() } else { 0 };
                let count = (end.checked_sub(start)? / step).saturating_add(1);
                (count <= MAX_RANGE).then_some(())?;
                (start..=end).step_by(step).map(|number| format!("{number:0width$}")).collect()
            }
            _ => {
                let letter = |text: &str| match text.as_bytes() {
                    [byte] if byte.is_ascii_alphabetic() => Some(*byte),
                    _ => None,
                };
                let (start, end) = (letter(first)?, letter(last)?);
                (start..=end).step_by(step).map(|byte| char::from(byte).to_string()).collect()
            }
        };
        (done.len().saturating_mul(parts.len()) <= MAX_RANGE).then_some(())?;
        let with = |start: &String| -> Vec<String> {
            parts.iter().map(|part| format!("{start}{before}{part}")).collect()
        };
        done = done.iter().flat_map(with).collect();
        rest = behind;
    }
    done.iter_mut().for_each(|name| name.push_str(rest));
    for name in &mut done {
        let port = name.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        if let Some((host, _)) = port.filter(|(host, _)| !host.contains(':')) {
            *name = host.to_owned();
        }
    }
    Some(done)
}

/// States a host by its name and what its variables say of where it is.
fn state(written: &str, value: &dyn Fn(&str) -> Option<String>, notes: &mut Notes<'_>, line: Option<u64>) {
    let line = line.unwrap_or_else(|| notes.line(written));
    let reached = ADDRESS.iter().find_map(|key| value(key));
    let local = value("ansible_connection").is_some_and(|kind| kind == "local");
    // A host without a name is its address, of which nothing more is said.
    let Some(name) = machines::name(written).filter(|_| !local) else { return };
    machines::own(name, notes, line);
    let Some(reached) = reached else { return };
    if reached.contains("{{") {
        let detail = format!("the address of {name} is a template");
        return notes.gap(line, GapCode::Unresolved, &detail);
    }
    let addresses: Vec<_> = machines::address(&reached).into_iter().collect();
    let aliases: Vec<&str> = machines::name(&reached).into_iter().collect();
    Machine { name, aliases, addresses, span: None }.state(notes, line);
}
