//! What every entry of every table says about itself, so that `formats`, `--help` and the README print
//! from one source. It never describes a finding: rules have their own manual page.

/// How far the reading of a format was tried against the real thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provenance {
    /// Tried on output recorded from the real server or program by a script of this repository.
    Recorded,
    /// Written from the cited specification or manual page; never seen from the real program here.
    Documented,
    /// Tried on samples that somebody published.
    PublicSample,
}

impl Provenance {
    /// The word printed in tables.
    pub fn word(self) -> &'static str {
        match self {
            Provenance::Recorded => "recorded",
            Provenance::Documented => "documented",
            Provenance::PublicSample => "public sample",
        }
    }
}

/// One row of a table: a log format, a language, a scheduler, an inventory, a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The name a person types or reads, kebab-case.
    pub name: &'static str,
    /// One line: what it is.
    pub title: &'static str,
    /// How far it was tried.
    pub provenance: Provenance,
}
