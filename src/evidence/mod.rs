//! The sentences collectors state: who used what (`Use`), what is true anyway (`Fact`), who watched
//! (`Vantage`) and what nobody could see (`Gap`), with names exactly as each place wrote them.
//!
//! This module never decides that two names are the same thing and never concludes anything: identity
//! belongs to `resolve`, conclusions to `findings`. It imports no sibling.

mod about;
mod activity;
mod crowd;
mod engine;
mod fact;
pub mod file;
mod gap;
mod groups;
mod mention;
mod order;
mod path;
mod path_tree;
mod place;
mod program;
pub mod program_name;
pub mod request;
pub mod scrub;
mod stamp;
pub mod stated;
mod store;
mod usage;
mod vantage;

pub use about::{About, Provenance};
pub use activity::{Activity, Day, Durations, MINUTES_PER_DAY, SECONDS_KEPT};
pub use crowd::{BUSIEST, Crowd, MAX_ADDRESSES};
pub use engine::{ENGINE, ENGINES, Engine, Holds, POSTGRES};
pub use fact::{Connection, Fact, Order, Says};
pub use gap::{Gap, GapCode};
pub use groups::{Apart, Group, Groups};
pub use mention::{Actor, Mention, MentionKind, Text};
pub use path::fold_path;
pub use path_tree::{CHILDREN_KEPT, PLACES_KEPT_APART, PathTree};
pub use place::{At, PLACES_KEPT, Place, Places};
pub use program::Role;
pub use stamp::{MICROS_PER_DAY, MICROS_PER_SECOND, Span, Stamp};
pub use store::{Evidence, InputRecord, InputStatus, SHAPES_KEPT, Statements};
pub use usage::{
    Action, Basis, Class, Confidence, Outcome, Resource, ResourceKind, Scope, Shape, Trait, Use, What,
};
pub use vantage::{SESSIONS_KEPT, Sees, SessionSketch, Vantage, Zone};
