//! What calls itself how under one login from one place, before anybody is told apart: an office behind one address, or a
//! host of many hands, is as many clients as it has programs. What only sometimes says its name, and what names itself by
//! chance, stays one. It decides nothing about consumers that are known.

use super::consumers::Book;
use super::hops::{Behind, Hops};
use super::links;
use super::names::Names;
use super::observed;
use crate::evidence::{Action, Actor, Basis, MentionKind, Outcome, Text, Use, program_name};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// With how many names that no table knows one login from one place still is several programs. Beyond, something else than
/// programs is named: users, requests, runs.
pub const NAMES_APART: usize = 12;

/// What was seen under one login from one place.
#[derive(Debug, Default)]
struct Under {
    /// The lasting names of programs, and whether statements came with them.
    names: BTreeMap<Text, bool>,
    /// Whether any statement came.
    works: bool,
    /// The systems at which a name was seen.
    shown: BTreeSet<String>,
    /// The systems at which a program was seen that says its name at once.
    named: BTreeSet<String>,
    /// The systems at which statements came without a name.
    nameless: BTreeSet<String>,
}

/// Whose an act under a login from a place is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Of the only one there.
    Whole,
    /// Of the program of this lasting name, beside these.
    Program(Text, BTreeSet<Text>),
    /// Of no program that says its name, or of one of these, and nobody can say which.
    Rest(BTreeSet<Text>),
}

/// All programs under logins.
#[derive(Debug, Default)]
pub struct Programs {
    under: BTreeMap<(Text, String), Under>,
}

impl Programs {
    /// Learns from all that worked under a login.
    pub fn learn(uses: &[Use], names: &Names, hops: &Hops, book: &Book) -> Programs {
        let mut programs = Programs::default();
        let mut lasting: HashMap<Text, Option<Text>> = HashMap::new();
        let mut before: Option<(&Actor, &Text, bool)> = None;
        // Where an address or a pooler may stand for another each time, each act has a place of its own.
        let steady = !names.has_leases() && hops.is_empty();
        for it in uses.iter().filter(|it| counts(it)) {
            let what = &it.what;
            let now = (&what.actor, &what.vantage, what.action == Action::Connect);
            if steady && before.replace(now) == Some(now) {
                continue;
            }
            let name = what.actor.get(MentionKind::Application).and_then(|name| {
                let make = || program_name::lasting(name).map(Text::from);
                lasting.entry(name.clone()).or_insert_with(make).clone()
            });
            if steady {
                programs.add(it, name, names, hops, book);
                continue;
            }
            for part in links::by_holder(it.clone(), names) {
                programs.add(&part, name.clone(), names, hops, book);
            }
        }
        programs
    }

    fn add(&mut self, it: &Use, name: Option<Text>, names: &Names, hops: &Hops, book: &Book) {
        let system =
            it.what.resource.server.as_deref().map(|server| names.system(server)).unwrap_or_default();
        let Some(login) = it.what.actor.get(MentionKind::User).cloned() else { return };
        let from = match hops.behind(it, &system, names, book) {
            Behind::One(client, _) => {
                let mut behind = it.clone();
                behind.what.actor = it.what.actor.from_elsewhere(client);
                observed::origin(&behind, &system, names)
            }
            Behind::Nothing | Behind::Several(..) => observed::origin(it, &system, names),
        };
        let under = self.under.entry((login, from.unwrap_or_default())).or_default();
        let note = |systems: &mut BTreeSet<String>| {
            if !systems.contains(&system) {
                systems.insert(system.clone());
            }
        };
        let works = it.what.action != Action::Connect;
        under.works |= works;
        match name {
            Some(name) => {
                note(&mut under.shown);
                if program_name::is_named_at_once(&name) {
                    note(&mut under.named);
                }
                *under.names.entry(name).or_default() |= works;
            }
            // Whoever only connects may say its name later.
            None if works => note(&mut under.nameless),
            None => {}
        }
    }

    /// Whose an act is among those under its login from a place; `known` are the lasting names of consumers who have the login
    /// and run there.
    pub fn part(&self, it: &Use, system: &str, from: Option<&str>, known: &BTreeSet<String>) -> Part {
        let Some(login) = it.what.actor.get(MentionKind::User) else { return Part::Whole };
        let Some(under) = self.under.get(&(login.clone(), from.unwrap_or_default().to_owned())) else {
            return Part::Whole;
        };
        // A connection may have a name that its statements have not: where these are seen, they tell.
        let names = under.names.iter().filter_map(|(name, works)| (*works || !under.works).then_some(name));
        let strange: BTreeSet<&Text> = names.filter(|name| !known.contains(&***name)).collect();
        let by_chance = strange.iter().filter(|name| !program_name::is_known(name)).count() > NAMES_APART;
        let tells = |name: &str| !by_chance || program_name::is_known(name);
        let told: BTreeSet<&Text> = strange.into_iter().filter(|name| tells(name)).collect();
        let late: BTreeSet<&Text> =
            told.iter().copied().filter(|name| !program_name::is_named_at_once(name)).collect();
        // A program that is never nameless did nothing of what came without a name beside it.
        let unnamed = late.is_empty() && known.is_empty() && !under.named.is_disjoint(&under.nameless);
        if told.len() + usize::from(unnamed || by_chance) < 2 {
            return Part::Whole;
        }
        let beside = |own: Text| {
            let others = told.iter().filter(|name| ***name != own).map(|name| (*name).clone()).collect();
            Part::Program(own, others)
        };
        let own = it.what.actor.get(MentionKind::Application).and_then(|name| program_name::lasting(name));
        let only_came = |own: &str| under.works && under.names.get(own).is_some_and(|works| !works);
        match (own.filter(|own| tells(own) && !only_came(own)), late.iter().collect::<Vec<_>>().as_slice()) {
            (Some(own), _) => beside(Text::from(own)),
            // A log that shows no names shows nobody's.
            (None, _) if !under.shown.contains(system) => Part::Rest(told.into_iter().cloned().collect()),
            // It says its name after it has come.
            (None, [only]) if !by_chance => beside((**only).clone()),
            (None, _) => Part::Rest(late.into_iter().cloned().collect()),
        }
    }
}

fn counts(it: &Use) -> bool {
    let what = &it.what;
    what.basis == Basis::Observed
        && what.outcome == Outcome::Ok
        && what.actor.get(MentionKind::User).is_some()
}
