//! The lenses through which a person checks the tool and conformance is measured: one file per lens, JSON
//! lines in, JSON lines out. They print nothing themselves and know nothing of the command line.

pub mod log;
pub mod schedule;
pub mod source;
pub mod sql;
pub mod traffic;
