//! The report as JSON: the contract other programs read. It holds all there is and shortens nothing.

use super::{Format, OWN, Report};
use crate::evidence::About;

/// `--format json`.
pub struct JsonFormat;

impl Format for JsonFormat {
    fn about(&self) -> &'static About {
        &About { name: "json", title: "everything, for programs; versioned", provenance: OWN }
    }

    fn render(&self, report: &Report) -> String {
        let mut text = serde_json::to_string_pretty(report).unwrap_or_else(|error| {
            // Plain records of strings and numbers always serialise; should that ever change, say so.
            format!("{{\"error\": {:?}}}", error.to_string())
        });
        text.push('\n');
        text
    }
}
