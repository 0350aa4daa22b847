//! Statements that say which program sent them, in a comment at their end (sqlcommenter, Marginalia): that is who asks,
//! whatever the connection calls itself. It reads nothing else of a statement.

use super::{Block, Who};
use crate::evidence::Text;
use crate::sql;
use std::collections::HashMap;
use std::sync::Arc;

/// The keys that name the program: the one of sqlcommenter and Marginalia, and those that people set beside it.
const PROGRAM: [&str; 4] = ["application", "app", "service", "service_name"];

/// The program that a statement names.
fn program(sql: &str) -> Option<String> {
    if !sql.trim_end_matches(|c: char| c.is_whitespace() || c == ';').ends_with("*/") {
        return None;
    }
    let tags = sql::tags(sql);
    let named = |key: &&str| tags.iter().find(|(name, value)| name == *key && !value.is_empty());
    PROGRAM.iter().find_map(named).map(|(_, value)| value.clone())
}

/// Calls the senders of a block's statements what these call them.
pub(super) fn name_programs(block: &mut Block) {
    // The first of a pair is held so that its address stays its own.
    let mut named: HashMap<(usize, String), (Arc<Who>, Arc<Who>)> = HashMap::new();
    for record in &mut block.records {
        let Some(program) = record.event.statement().and_then(program) else { continue };
        let tag = Text::from(program.as_str());
        let own = &record.who;
        let key = (Arc::as_ptr(own).addr(), program);
        let tagged = || (own.clone(), Arc::new(Who { tag, ..(**own).clone() }));
        let (_, who) = named.entry(key).or_insert_with(tagged);
        record.who = who.clone();
    }
}
