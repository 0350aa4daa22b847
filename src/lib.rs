//! whodepends finds hidden dependencies before a migration.
#![warn(missing_docs)]
pub mod evidence;
pub mod schedule;
pub mod settings;
pub mod input;
pub mod sql;
pub mod collect;
pub mod resolve;
pub mod inspect;
