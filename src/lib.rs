//! whodepends finds hidden dependencies before a migration.
#![warn(missing_docs)]
pub mod collect;
pub mod evidence;
pub mod input;
pub mod settings;
