//! whodepends finds hidden dependencies before a migration.
#![warn(missing_docs)]
pub mod evidence;
