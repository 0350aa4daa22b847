//! What changed between two reports. Things are paired first, by what identifies them and not by how they are
//! spelled, then links and findings are compared. It looks at reports only and decides nothing about them.

mod diff;

pub use diff::{Change, Diff, diff, mark_new};
