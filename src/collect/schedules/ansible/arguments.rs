//! What a task gives the module `cron`: as a map, as the old `key=value` text, or through `action`. It decides
//! nothing about what they mean beyond the names that the module's documentation gives.

use super::super::node::{Kind, Node};
use super::variables::Variables;
use std::collections::BTreeMap;

/// The module's names, and those of the module that only sets variables of a crontab.
pub(super) const MODULES: [&str; 6] = [
    "cron",
    "ansible.builtin.cron",
    "ansible.legacy.cron",
    "cronvar",
    "community.general.cronvar",
    "ansible.builtin.cronvar",
];
/// Other names of the module's parameters, as its documentation lists them.
const ALIASES: [(&str, &str); 3] = [("dom", "day"), ("dow", "weekday"), ("value", "job")];

/// Whether a value is true for Ansible.
pub(super) fn is_on(value: &str) -> bool {
    ["yes", "true", "on", "1", "y", "t"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// A task's call of the module.
pub(super) struct Call<'a> {
    /// Its line.
    pub line: u64,
    /// Whether the module is the one that only sets variables.
    sets: bool,
    arguments: &'a Node,
}

/// The task's call of one of these modules, if it is one.
pub(super) fn of_task<'t>(task: &'t Node, modules: &[&str]) -> Option<Call<'t>> {
    let call = |line: u64, module: &str, arguments| {
        let sets = module.ends_with("cronvar");
        modules.contains(&module).then_some(Call { line, sets, arguments })
    };
    for (key, value) in task.entries() {
        let name = key.text().unwrap_or("");
        let through = (name == "action" || name == "local_action").then(|| {
            let module = value.get("module").and_then(Node::text);
            module.or_else(|| value.text()?.split_whitespace().next()).unwrap_or("")
        });
        if let Some(call) = call(key.line, through.unwrap_or(name), value) {
            return Some(call);
        }
    }
    None
}

/// The arguments of one task.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    values: BTreeMap<String, String>,
    sets: bool,
}

impl Arguments {
    /// Of a task, with what is known filled in; the error says why nobody can tell.
    pub(super) fn of(call: &Call<'_>, variables: &Variables) -> Result<Arguments, String> {
        let node = call.arguments;
        let mut arguments = Arguments { sets: call.sets, ..Arguments::default() };
        let known = node.text().and_then(|text| variables.value_of(text));
        match known.unwrap_or(node) {
            node @ Node { kind: Kind::Map(_), .. } => arguments.add(node, variables),
            Node { kind: Kind::Text(text), .. } => {
                let pairs = pairs(text);
                if pairs.is_empty() {
                    return Err(format!("the jobs of this task are filled in elsewhere: {text}"));
                }
                for (name, value) in pairs {
                    arguments.insert(&name, variables.fill(&value));
                }
            }
            Node { kind: Kind::List(_) | Kind::Call(_), .. } => {
                return Err("a list is no job of the module cron".to_owned());
            }
        }
        Ok(arguments)
    }

    /// Takes over the entries of a map.
    pub(super) fn add(&mut self, map: &Node, variables: &Variables) {
        for (key, value) in map.entries() {
            if let (Some(name), Some(value)) = (key.text(), value.text()) {
                self.insert(name, variables.fill(value));
            }
        }
    }

    fn insert(&mut self, name: &str, value: String) {
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
        self.values.insert(name.to_owned(), value);
    }

    /// An argument that says something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .map(String::as_str)
            .filter(|value| !matches!(*value, "" | "null" | "~" | "{{ omit }}"))
    }

    /// Whether it sets a variable of the crontab and is no job.
    pub(super) fn is_setting(&self) -> bool {
        self.sets || self.get("env").is_some_and(is_on)
    }

    /// The schedule as the module writes it: a keyword, or five fields, of which each is `*` unless stated.
    pub(super) fn schedule(&self) -> String {
        if let Some(keyword) = self.get("special_time") {
            return format!("@{keyword}");
        }
        if self.get("reboot").is_some_and(is_on) {
            return "@reboot".to_owned();
        }
        ["minute", "hour", "day", "month", "weekday"].map(|field| self.get(field).unwrap_or("*")).join(" ")
    }
}

/// The `key=value` pairs of a text, as Ansible splits them: at blanks outside of quotes and of Jinja's braces.
fn pairs(text: &str) -> Vec<(String, String)> {
    words(text)
        .iter()
        .filter_map(|word| {
            let (name, value) = word.split_once('=')?;
            let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let unquoted =
                ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
            plain.then(|| (name.to_owned(), unquoted.unwrap_or(value).to_owned()))
        })
        .collect()
}

fn words(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quote, mut braces) = (None::<char>, 0usize);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('{', _) if chars.peek() == Some(&'{') => braces += 1,
            ('}', _) if chars.peek() == Some(&'}') => braces = braces.saturating_sub(1),
            ('\\', Some(_)) if chars.peek() == quote.as_ref() => {
                word.extend(chars.next());
                continue;
            }
            (c, Some(open)) if c == open && braces == 0 => quote = None,
            ('"' | '\'', None) if braces == 0 => quote = Some(c),
            (c, None) if c.is_whitespace() && braces == 0 => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn old_arguments_are_split_outside_of_quotes_and_braces() {
        let told = pairs(
            "name=\"a b\" minute=*/5 job='x --y=\"1 2\" {{ z | d(\"q r\") }}' user={{ who }}\n  state=present",
        );
        let want = [
            ("name", "a b"),
            ("minute", "*/5"),
            ("job", "x --y=\"1 2\" {{ z | d(\"q r\") }}"),
            ("user", "{{ who }}"),
            ("state", "present"),
        ];
        assert_eq!(told, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(pairs("{{ item }}"), []);
    }
}
