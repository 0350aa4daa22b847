//! The report as JSON: the contract other programs read. It holds all there is and shortens nothing.

use super::{Format, OWN, Report};
use crate::evidence::About;
use std::io::{self, BufWriter, Write};

/// `--format json`.
pub struct JsonFormat;

impl Format for JsonFormat {
    fn about(&self) -> &'static About {
        &About { name: "json", title: "everything, for programs; versioned", provenance: OWN }
    }

    fn render(&self, report: &Report, to: &mut dyn Write) -> io::Result<()> {
        // Reports may be long: they are written as they are made, and never held as one text.
        let mut out = BufWriter::new(to);
        serde_json::to_writer_pretty(&mut out, report)?;
        out.write_all(b"\n")?;
        out.flush()
    }
}
