//! The job types of whenever: templates of commands, filled in with what `set` and the job's own options say (its
//! lib/whenever/setup.rb, job.rb and output_redirection.rb). Where it is deployed stays a placeholder.

use super::super::World;
use super::super::node::{Kind, Node};
use crate::input::InputFile;
use std::collections::BTreeMap;

/// Job types, and what their templates are filled in with.
pub(super) struct Templates {
    types: BTreeMap<String, String>,
    set: BTreeMap<String, Node>,
}

/// The types that whenever brings.
const TYPES: [(&str, &str); 4] = [
    ("command", ":task :output"),
    ("rake", "cd :path && :environment_variable=:environment :bundle_command rake :task --silent :output"),
    ("script", "cd :path && :environment_variable=:environment :bundle_command script/:task :output"),
    ("runner", "cd :path && :bundle_command :runner_command -e :environment ':task' :output"),
];

fn text(line: u64, value: &str) -> Node {
    super::super::values::scalar(line, value)
}

impl Templates {
    /// Those that whenever brings, in the folder of this `config/schedule.rb`.
    pub fn of(file: &InputFile, world: &World<'_>) -> Templates {
        let folder = file.path.strip_suffix("config/schedule.rb").unwrap_or("");
        let has = |name: &str| {
            let path = format!("{folder}{name}");
            world.inputs.files.iter().any(|file| *file.path == *path)
        };
        // An application that is not there is taken for one of today.
        let runner = match (has("bin/rails"), has("script/rails"), has("Gemfile")) {
            (true, ..) | (false, false, false) => "bin/rails runner",
            (false, true, _) => "script/rails runner",
            (false, false, true) => "script/runner",
        };
        let known = [
            ("environment_variable", "RAILS_ENV"),
            ("environment", "production"),
            ("path", "#{path}"),
            ("job_template", "/bin/bash -l -c ':job'"),
            ("runner_command", runner),
            ("bundle_command", if has("Gemfile") { "bundle exec" } else { "" }),
        ];
        let owned = |(name, template): (&str, &str)| (name.to_owned(), template.to_owned());
        Templates {
            types: TYPES.into_iter().map(owned).collect(),
            set: known.into_iter().map(|(name, value)| (name.to_owned(), text(0, value))).collect(),
        }
    }

    /// Whether there is such a type.
    pub fn has(&self, name: &str) -> bool {
        self.types.contains_key(name)
    }

    /// Adds a type.
    pub fn add(&mut self, name: &str, template: &str) {
        self.types.insert(name.to_owned(), template.to_owned());
    }

    /// Sets what all templates are filled in with.
    pub fn set(&mut self, name: &str, value: &Node) {
        self.set.insert(name.to_owned(), value.clone());
    }

    /// The command of a job as a shell is given it.
    pub fn command(&self, kind: &str, task: &str, options: &[(String, Node)]) -> String {
        let mut all = self.set.clone();
        all.extend(options.iter().cloned());
        let redirection = all.get("output").map(redirection).unwrap_or_default();
        let mut filling: BTreeMap<&str, String> =
            all.iter().filter_map(|(name, value)| Some((name.as_str(), value.text()?.to_owned()))).collect();
        filling.insert("output", redirection);
        filling.insert("task", task.to_owned());
        let job = fill(self.types.get(kind).map_or("", String::as_str), &filling);
        let template = all.get("job_template").and_then(Node::text).unwrap_or("");
        filling.insert("job", job);
        // Without a template around it, which `nil` says, the job stands by itself.
        fill(if template.is_empty() { ":job" } else { template }, &filling)
    }
}

/// A template with `:name` filled in, quotes in it kept whole, blanks made single.
fn fill(template: &str, filling: &BTreeMap<&str, String>) -> String {
    let (mut filled, mut at) = (String::new(), 0);
    while let Some(found) = template[at..].find(':') {
        let colon = at + found;
        filled.push_str(&template[at..colon]);
        let rest = &template[colon + 1..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = &rest[..length];
        match filling.get(name) {
            Some(value) => {
                let around = (template[..colon].chars().last(), rest[length..].chars().next());
                match around {
                    (Some('\''), Some('\'')) => filled.push_str(&value.replace('\'', r"'\''")),
                    (Some('"'), Some('"')) => filled.push_str(&value.replace('"', "\\\"")),
                    _ => filled.push_str(value),
                }
            }
            None => filled.push_str(&template[colon..colon + 1 + length]),
        }
        at = colon + 1 + length;
    }
    filled.push_str(&template[at..]);
    filled.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where the output goes.
fn redirection(output: &Node) -> String {
    let null = |value: &Node| match value.text() {
        Some("") | None => "/dev/null".to_owned(),
        Some(text) => text.to_owned(),
    };
    match &output.kind {
        Kind::Text(text) if text.is_empty() => ">> /dev/null 2>&1".to_owned(),
        Kind::Text(text) if text.starts_with("#{lambda") || text.starts_with("#{->") => text.clone(),
        Kind::Text(text) => format!(">> {text} 2>&1"),
        Kind::Map(_) => {
            let (standard, error) = (output.get("standard").map(null), output.get("error").map(null));
            match (standard.as_deref(), error.as_deref()) {
                (Some("/dev/null"), Some("/dev/null")) => "> /dev/null 2>&1".to_owned(),
                (Some(standard), Some("/dev/null")) => format!(">> {standard} 2> /dev/null"),
                (Some(standard), Some(error)) => format!(">> {standard} 2>> {error}"),
                (None, Some("/dev/null")) => "2> /dev/null".to_owned(),
                (None, Some(error)) => format!("2>> {error}"),
                (Some("/dev/null"), None) => "> /dev/null".to_owned(),
                (Some(standard), None) => format!(">> {standard}"),
                (None, None) => String::new(),
            }
        }
        Kind::List(_) | Kind::Call(_) => String::new(),
    }
}
