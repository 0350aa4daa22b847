//! Values of a Helm chart (its documentation, "Values Files"): what a template's `{{ .Values.x }}` is, where the chart's own
//! values say it and none of its other files of values says otherwise. Whoever installs the chart may still give another.

use super::World;
use crate::collect::document;
use crate::collect::manifest::scalar;
use crate::input::InputFile;
use std::collections::BTreeSet;

/// How many files of values a chart is asked for.
const MAX_FILES: usize = 64;
/// What of a pipeline leaves a text what it is.
const SAME: [&str; 4] = ["quote", "squote", "toString", "trim"];

/// The chart that a template belongs to.
pub(super) struct Chart<'a> {
    /// The template.
    pub file: &'a InputFile,
    /// The scan.
    pub world: &'a World<'a>,
}

impl Chart<'_> {
    /// What a text is that is nothing but one value; `None`: it is something else, or the values do not tell.
    pub fn value(&self, text: &str) -> Option<String> {
        let inside = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim_matches('-').trim();
        let mut pipeline = inside.split('|').map(str::trim);
        let path = pipeline.next()?.trim_start_matches('$').strip_prefix(".Values.")?;
        let plain =
            |key: &str| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if !path.split('.').all(plain) {
            return None;
        }
        let mut otherwise = None;
        for step in pipeline {
            match step.split_once(' ') {
                Some(("default", value)) => otherwise = Some(value.trim().trim_matches('"').to_owned()),
                _ if SAME.contains(&step) => {}
                _ => return None,
            }
        }
        let stated = self.stated(path)?;
        match stated.into_iter().collect::<Vec<_>>().as_slice() {
            [only] => Some(only.clone()),
            [] => otherwise.filter(|value| !value.is_empty() && !value.contains(['(', '.', '$'])),
            _ => None,
        }
    }

    /// What each file of values says at a path.
    fn stated(&self, path: &str) -> Option<BTreeSet<String>> {
        let (folder, _) = self.file.path.rsplit_once("templates/")?;
        let files = &self.world.inputs.files;
        let start = files.partition_point(|file| *file.path < *folder);
        let own = files[start..].iter().take_while(|file| file.path.starts_with(folder)).filter(|file| {
            let name = &file.path[folder.len()..];
            name.starts_with("values") && !name.contains('/') && name.ends_with(".yaml")
                || name == "values.yml"
        });
        let mut told = BTreeSet::new();
        for file in own.take(MAX_FILES) {
            // A file that cannot be read may say anything.
            let value = document::parse(&file.text().ok()?).ok()?;
            let found = path.split('.').try_fold(&value, |value, key| value.get(key)).and_then(scalar);
            told.extend(found.filter(|text| !text.is_empty() && !text.contains("{{")));
        }
        Some(told)
    }
}
