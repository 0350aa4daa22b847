//! The arguments of a command of PowerShell: by name, by place, and as the words a program is given. It decides nothing of
//! what they mean.

use super::Value;

/// Parameters that take no value.
const SWITCHES: [&str; 44] = [
    "recurse",
    "force",
    "append",
    "notypeinformation",
    "nti",
    "passthru",
    "verbose",
    "usebasicparsing",
    "wait",
    "nonewwindow",
    "whatif",
    "confirm",
    "asplaintext",
    "bodyashtml",
    "usessl",
    "asjob",
    "noclobber",
    "raw",
    "container",
    "directory",
    "leaf",
    "parent",
    "persist",
    "encryptconnection",
    "trustservercertificate",
    "outputsqlerrors",
    "abortonerror",
    "disablevariables",
    "disablecommands",
    "includesqluserdefinederrors",
    "suppressprovidercontextwarning",
    "usedefaultcredentials",
    "skipcertificatecheck",
    "noprofile",
    "noninteractive",
    "nologo",
    "unique",
    "asarray",
    "compress",
    "autosize",
    "wrap",
    "useculture",
    "file_only",
    "nonewline",
];

/// The arguments of a command.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub named: Vec<(String, Value)>,
    /// Values that no parameter takes, in order.
    pub plain: Vec<Value>,
    /// All of it as words, for a program.
    pub words: Vec<String>,
    /// Parameters of which nobody knows anything are among them.
    pub unknown: bool,
    pending: bool,
}

impl Given {
    /// A parameter with its value.
    pub fn set(&mut self, name: &str, value: Value) {
        self.words.push(format!("-{name}"));
        self.words.push(value.text());
        self.named.push((name.to_lowercase(), value));
        self.pending = false;
    }

    /// `-Name`, `-Name:value`, or an option of a program.
    pub fn option(&mut self, text: &str) {
        self.words.push(text.to_owned());
        let (name, value) =
            text[1..].split_once(':').map_or((&text[1..], None), |(name, value)| (name, Some(value)));
        let name = name.to_lowercase();
        let value = value.filter(|value| !value.is_empty()).map(|value| Value::Text(value.to_owned()));
        self.pending = value.is_none() && !SWITCHES.contains(&name.as_str());
        self.named.push((name, value.unwrap_or(Value::Unknown)));
    }

    /// What stands behind.
    pub fn value(&mut self, value: Value) {
        match &value {
            Value::List(all) => self.words.push(all.iter().map(Value::text).collect::<Vec<_>>().join(",")),
            other => self.words.push(other.text()),
        }
        match self.named.last_mut().filter(|_| self.pending) {
            Some((_, held)) => *held = value,
            None => self.plain.push(value),
        }
        self.pending = false;
    }

    /// A parameter's value by its whole name or the start of it.
    pub fn named(&self, name: &str) -> Option<&Value> {
        let exact = self.named.iter().find(|(given, _)| given == name);
        let cut = || self.named.iter().find(|(given, _)| given.len() > 2 && name.starts_with(given.as_str()));
        exact.or_else(cut).map(|(_, value)| value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.named(name).is_some()
    }

    /// The first of these parameters, else the plain value at a place.
    pub fn get(&self, names: &[&str], place: Option<usize>) -> Option<Value> {
        let named = names.iter().find_map(|name| self.named(name));
        named.or_else(|| place.and_then(|place| self.plain.get(place))).cloned()
    }

    pub fn text(&self, names: &[&str], place: Option<usize>) -> Option<String> {
        self.get(names, place).map(|value| value.text()).filter(|text| !text.is_empty())
    }
}
