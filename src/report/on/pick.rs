//! What a pattern means in a report: ids, ends of ids, systems, names, globs. The first of these that means something
//! holds, so that a glob never takes what was named.

use super::super::Report;
use super::index::{Index, system_of};
use globset::GlobBuilder;
use std::collections::BTreeSet;

/// How many names are given that are nearly what was asked about.
const NEAR: usize = 5;

/// Entities by number, with their names.
pub(in crate::report) trait Named {
    /// How many there are.
    fn count(&self) -> usize;
    /// The id of one.
    fn id(&self, at: usize) -> &str;
    /// Whether one has a name of this kind.
    fn is_called(&self, at: usize, kind: &str, name: &str) -> bool;
}

impl Named for Index<'_> {
    fn count(&self) -> usize {
        self.report.entities.len()
    }

    fn id(&self, at: usize) -> &str {
        &self.report.entities[at].id
    }

    fn is_called(&self, at: usize, kind: &str, name: &str) -> bool {
        self.report.entities[at].mentions.iter().any(|mention| mention.kind == kind && mention.text == name)
    }
}

/// The entities among those that fit which a pattern means.
pub(in crate::report) fn pick(
    entities: &dyn Named,
    pattern: &str,
    fits: &dyn Fn(usize) -> bool,
) -> Vec<usize> {
    let all: Vec<usize> = (0..entities.count()).filter(|at| fits(*at)).collect();
    let which = |says: &dyn Fn(&str) -> bool| -> Vec<usize> {
        all.iter().copied().filter(|at| says(entities.id(*at))).collect()
    };
    // A server that is named as a whole is all its databases, with what lies in them.
    let whole = |found: Vec<usize>| -> Vec<usize> {
        let servers: BTreeSet<&str> = found.iter().filter_map(|at| server_of(entities.id(*at))).collect();
        let more = which(&|id| servers.contains(system_of(id)));
        found.into_iter().chain(more).collect::<BTreeSet<usize>>().into_iter().collect()
    };
    let exact = which(&|id| id == pattern);
    if !exact.is_empty() {
        return whole(exact);
    }
    let ending =
        which(&|id| id.strip_suffix(pattern).is_some_and(|head| head.ends_with([':', '/', '.', ' '])));
    if !ending.is_empty() {
        return whole(ending);
    }
    let system = which(&|id| system_of(id) == pattern);
    if !system.is_empty() {
        return system;
    }
    if let Some((kind, name)) = pattern.split_once(':') {
        let called = |at: &usize| entities.is_called(*at, kind, name);
        let named: Vec<usize> = all.iter().copied().filter(called).collect();
        if !named.is_empty() {
            return named;
        }
    }
    // `*` crosses every sign.
    let glob = GlobBuilder::new(pattern).literal_separator(false).build();
    let Ok(glob) = glob.map(|glob| glob.compile_matcher()) else { return Vec::new() };
    let systems = which(&|id| glob.is_match(system_of(id)));
    if !systems.is_empty() && !pattern.contains(':') {
        return systems;
    }
    which(&|id| glob.is_match(id))
}

/// The server that an id is, where it names no database of it.
fn server_of(id: &str) -> Option<&str> {
    let (kind, rest) = id.split_once(':')?;
    (matches!(kind, "database" | "broker" | "cache") && !rest.contains('/')).then_some(rest)
}

/// Whether an entity is something that is depended on.
pub(in crate::report) fn resource_like(index: &Index<'_>, at: usize) -> bool {
    let acts = ["service", "job", "script", "client", "person", "partner"];
    index.is_used(at) || !acts.contains(&index.entity(at).kind.as_str())
}

/// A whole id of a system that was watched: what nobody names there, nobody was seen to use.
pub(super) fn is_watched_id(report: &Report, pattern: &str) -> bool {
    let Some((kind, rest)) = pattern.split_once(':') else { return false };
    let (Some((system, name)), "table" | "endpoint" | "routine" | "keys") = (rest.split_once('/'), kind)
    else {
        return false;
    };
    let plain = !pattern.contains(['*', '?', '[', '{']);
    plain && !name.is_empty() && report.coverage.iter().any(|row| row.resource == system)
}

/// What is called nearly as was asked: the same last part, or one sign other.
pub(super) fn near(report: &Report, pattern: &str) -> Vec<String> {
    let last = |id: &str| id.rsplit([':', '/', '.']).next().unwrap_or(id).to_lowercase();
    let wanted = last(pattern.trim_matches('*'));
    let like = |id: &str| {
        let own = last(id);
        !wanted.is_empty()
            && (own == wanted || (wanted.len() > 3 && own.contains(&wanted)) || one_off(&own, &wanted))
    };
    let found: BTreeSet<&str> =
        report.entities.iter().map(|it| it.id.as_str()).filter(|id| like(id)).collect();
    found.into_iter().take(NEAR).map(str::to_owned).collect()
}

/// Whether one sign was left out, put in, or taken for another.
fn one_off(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    if short.len() < 4 || long.len() - short.len() > 1 {
        return false;
    }
    let same = long.iter().zip(&short).take_while(|(x, y)| x == y).count();
    let rest = usize::from(long.len() == short.len());
    long[(same + 1).min(long.len())..] == short[(same + rest).min(short.len())..]
}
