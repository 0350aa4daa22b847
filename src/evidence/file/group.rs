//! Rows that nobody wants told apart, taken for their group alone. A row's key is mostly that of the row before, and else
//! made of parts that other keys had: only what is new is decoded. It takes no row that the quick reader would not take,
//! and leaves what is told apart to it.

use super::super::groups::{Apart, Groups, Key as GroupKey, Tally, is_named};
use super::super::usage::{Action, ResourceKind, Shape};
use super::quick::Head;
use super::row::{self, Decoder, Key};
use std::collections::HashMap;
use std::sync::LazyLock;

/// What stands between who did something and what it was, in a key.
const ACTION: &str = ",\"action\":";
/// Finds it.
static ACTIONS: LazyLock<memchr::memmem::Finder<'static>> =
    LazyLock::new(|| memchr::memmem::Finder::new(ACTION));

/// A part of a key that says who.
#[derive(Clone, Copy)]
struct Who {
    number: u32,
    named: bool,
    /// Whether all that it did is told apart.
    apart: bool,
}

/// A part of a key that says what, and how.
#[derive(Clone, Copy)]
struct What {
    action: Action,
    what: u32,
    how: u32,
    /// Whether uses of this kind are told apart.
    apart: bool,
    /// Whether a client without a login is no reason to.
    request: bool,
}

/// Takes the rows of one piece of a file.
pub(super) struct Grouping<'a, 'b> {
    apart: &'b Apart,
    groups: Groups,
    whos: HashMap<&'a str, Who, foldhash::fast::FixedState>,
    whats: HashMap<&'a str, What, foldhash::fast::FixedState>,
    /// The key of the row before, and its group where it is not told apart.
    before: Option<(&'a str, Option<GroupKey>)>,
    tally: Tally,
    /// How many rows were taken.
    pub rows: u64,
}

impl<'a, 'b> Grouping<'a, 'b> {
    pub(super) fn new(apart: &'b Apart) -> Grouping<'a, 'b> {
        Grouping {
            apart,
            groups: Groups::default(),
            whos: HashMap::default(),
            whats: HashMap::default(),
            before: None,
            tally: Tally::default(),
            rows: 0,
        }
    }

    /// Takes a row, if it is one of a use that is not told apart.
    pub(super) fn take(&mut self, decoder: &mut Decoder, line: &'a str) -> Option<Key<'a>> {
        let head = Head::of(line, self.before.map(|(of, _)| of))?;
        let group = match self.before {
            Some((of, group)) if of == head.key.of => group,
            _ => {
                let group = self.group(decoder, head.key.of);
                self.before = Some((head.key.of, group));
                group
            }
        }?;
        if Apart::holds_statement(&head.sample) {
            return None;
        }
        head.tally(&mut self.tally)?;
        self.groups.add(group, head.fingerprint, &self.tally);
        self.rows += 1;
        Some(head.key)
    }

    /// The group of a key, if it is not told apart.
    fn group(&mut self, decoder: &mut Decoder, of: &'a str) -> Option<GroupKey> {
        let (who, what) = of.split_at(ACTIONS.find(of.as_bytes())?);
        let (who, what) = match (self.whos.get(who), self.whats.get(what)) {
            (Some(who), Some(what)) => (*who, *what),
            _ => self.learn(decoder, of, (who, what))?,
        };
        if who.apart || what.apart || !(who.named || what.request) {
            return None;
        }
        Some(GroupKey { who: who.number, action: what.action, what: what.what, how: what.how })
    }

    fn learn(
        &mut self,
        decoder: &mut Decoder,
        of: &'a str,
        (who, what): (&'a str, &'a str),
    ) -> Option<(Who, What)> {
        let said = decoder.what(of, Shape::none()).ok()?;
        // Parts of what is written in another way may not be put together with parts of other keys.
        if row::group(&said) != of {
            return None;
        }
        let key = self.groups.key(&said);
        let learned = (
            Who { number: key.who, named: is_named(&said.actor), apart: self.apart.holds(&said.actor) },
            What {
                action: key.action,
                what: key.what,
                how: key.how,
                apart: Apart::holds_kind(said.basis, said.action),
                request: said.resource.kind == ResourceKind::Endpoint,
            },
        );
        self.whos.insert(who, learned.0);
        self.whats.insert(what, learned.1);
        Some(learned)
    }

    /// What was taken.
    pub(super) fn into_groups(mut self) -> Groups {
        self.groups.close();
        self.groups
    }
}
