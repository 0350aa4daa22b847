//! Schedules of which a part is filled in elsewhere: `{{ hour }}` of Jinja and Helm, `<%= @hour %>` of ERB,
//! `#{hour}` of Ruby, `${HOUR}` of Terraform, properties and shells. It never guesses the value.

use super::{Clock, Meaning};
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// What opens a placeholder, and what closes it.
const PLACEHOLDERS: [(&str, &str); 5] = [("{{", "}}"), ("<%", "%>"), ("#{", "}"), ("${", "}"), ("%{", "}")];

/// Whether a part of a text is filled in elsewhere.
pub fn has_placeholder(text: &str) -> bool {
    spans(text).next().is_some()
}

/// The text with each placeholder filled in as `with` says, which is given it with its signs; `None` leaves it.
pub fn fill<'a>(text: &'a str, with: &dyn Fn(&str) -> Option<String>) -> Cow<'a, str> {
    let (mut filled, mut done) = (String::new(), 0);
    for (start, end) in spans(text) {
        if let Some(value) = with(&text[start..end]) {
            filled.push_str(&text[done..start]);
            filled.push_str(&value);
            done = end;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    filled.push_str(&text[done..]);
    Cow::Owned(filled)
}

/// Where the placeholders of a text begin and end. Those with one brace may hold braces.
pub fn spans(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let (start, close) = PLACEHOLDERS
            .iter()
            .filter_map(|(open, close)| rest.find(open).map(|start| (start, *close)))
            .min_by_key(|(start, _)| *start)?;
        let length = match close {
            "}" => closing_brace(&rest[start..])?,
            _ => rest[start..].find(close)? + close.len(),
        };
        let found = (at + start, at + start + length);
        at = found.1;
        Some(found)
    })
}

/// The length of a text up to the brace that closes its first one.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at + 1),
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
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
        let names: Vec<&str> = spans(text).map(|(start, end)| &text[start..end]).collect();
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
