//! Which statements take locks of a few names, and which take one for each row: the key of a row is no name of a lock
//! that programs share. It only counts, and the answer is the same in whatever order the keys came.

use crate::evidence::{ResourceKind, Text};
use crate::sql::Understood;
use std::collections::{BTreeSet, HashMap};

/// How many locks one statement may take under names of their own.
const MAX_LOCKS: usize = 32;

/// The locks of one stream, by statement.
#[derive(Debug, Default)]
pub struct Locks {
    keys: HashMap<u64, BTreeSet<Text>>,
}

impl Locks {
    /// Counts the locks that a statement takes; false where it takes nothing but locks of too many names.
    pub fn take(&mut self, understood: &Understood) -> bool {
        if understood.analysis.reaches.is_empty() {
            return true;
        }
        let mut other = false;
        for reach in &understood.analysis.reaches {
            if reach.to.kind != ResourceKind::Lock {
                other = true;
                continue;
            }
            let keys = self.keys.entry(understood.shape.fingerprint).or_default();
            if keys.len() <= MAX_LOCKS {
                keys.extend(reach.to.parts.first().cloned());
            }
        }
        other || !self.vary(understood)
    }

    /// Whether a statement takes locks of too many names.
    pub fn vary(&self, understood: &Understood) -> bool {
        self.keys.get(&understood.shape.fingerprint).is_some_and(|keys| keys.len() > MAX_LOCKS)
    }
}
