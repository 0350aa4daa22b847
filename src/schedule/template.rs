//! Schedules of which a part is filled in elsewhere: `{{ hour }}` of Jinja and Helm, `<%= @hour %>` of ERB,
//! `#{hour}` of Ruby, `${HOUR}` of Terraform, properties and shells. It never guesses the value.

use super::{Clock, Meaning};
use jiff::tz::TimeZone;

/// What opens a placeholder, and what closes it.
const PLACEHOLDERS: [(&str, &str); 5] = [("{{", "}}"), ("<%", "%>"), ("#{", "}"), ("${", "}"), ("%{", "}")];

/// Whether a part of a text is filled in elsewhere.
pub(super) fn has_placeholder(text: &str) -> bool {
    placeholders(text).next().is_some()
}

fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (start, close) = PLACEHOLDERS
            .iter()
            .filter_map(|(open, close)| rest.find(open).map(|start| (start, *close)))
            .min_by_key(|(start, _)| *start)?;
        let end = start + rest[start..].find(close)? + close.len();
        let found = &rest[start..end];
        rest = &rest[end..];
        Some(found)
    })
}

/// A schedule whose moments only the filled-in text tells.
#[derive(Debug)]
pub(super) struct Unsettled {
    text: String,
    notes: Vec<String>,
}

impl Unsettled {
    /// Of a text with placeholders.
    pub(super) fn new(text: &str) -> Unsettled {
        let names: Vec<&str> = placeholders(text).collect();
        let note = format!("{} is filled in elsewhere, so no run can be told", names.join(" and "));
        Unsettled { text: text.to_owned(), notes: vec![note] }
    }

    /// Of a text of which the scheduler itself draws a part.
    pub(super) fn drawn(text: &str, why: String) -> Unsettled {
        Unsettled { text: text.to_owned(), notes: vec![why] }
    }
}

impl Meaning for Unsettled {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        format!("at times that nobody can tell from here: {}", self.text)
    }

    fn clock(&self) -> Clock {
        Clock::Unsettled
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
