//! What kind of consumer somebody is: what an inventory says, else what all of its traffic is, else what was joined with it
//! (a schedule, a script, a source folder), else what the program it calls itself is for, else whether it comes from
//! outside. Where these say nothing, nothing is said; nobody is joined, left out or kept apart by it.

use super::{Entity, Resolved};
use crate::evidence::{Class, MentionKind, Role};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The name that clients from outside share begins with this.
const OUTSIDE: &str = "outside/";

impl Resolved {
    /// Says of everybody who may use something what kind of consumer it is; `is_ours` knows the estate's networks.
    pub fn assign_roles(&mut self, is_ours: &dyn Fn(IpAddr) -> bool) {
        for entity in &mut self.entities {
            entity.outside = is_outside(entity, is_ours);
            if entity.role.is_none() {
                entity.role = role(entity);
            }
        }
    }
}

/// Whether all addresses of a client lie outside.
fn is_outside(entity: &Entity, is_ours: &dyn Fn(IpAddr) -> bool) -> bool {
    let text = |kind| entity.mentions.keys().filter(move |mention| mention.kind == kind).map(|it| &*it.text);
    if text(MentionKind::Application).any(|name| name.starts_with(OUTSIDE)) {
        return true;
    }
    let mut addresses = text(MentionKind::Address).filter_map(|it| it.parse::<IpAddr>().ok()).peekable();
    let client = matches!(entity.kind.as_str(), "client" | "person" | "partner");
    client && addresses.peek().is_some() && addresses.all(|address| !is_ours(address))
}

fn role(entity: &Entity) -> Option<Role> {
    let kind = match entity.kind.as_str() {
        "service" => Some(Role::Service),
        "job" => Some(Role::Job),
        "script" => Some(Role::Script),
        "person" => Some(Role::Person),
        "partner" => Some(Role::Partner),
        "client" => None,
        // What is only used is no consumer.
        _ => return None,
    };
    let stated = entity.class.and_then(Role::of_class);
    stated
        .or_else(|| by_traffic(&entity.traffic))
        .or(kind)
        .or_else(|| by_program(entity))
        .or(entity.outside.then_some(Role::Partner))
}

/// What does nothing but one thing that is no application's work. The upkeep of a server says nothing about who does it.
fn by_traffic(classes: &BTreeSet<Class>) -> Option<Role> {
    let roles: Option<BTreeSet<Role>> = classes.iter().map(|class| Role::of_class(*class)).collect();
    let mut roles = roles?;
    // Whoever watches or copies looks first whether somebody is there.
    if roles.len() > 1 {
        roles.remove(&Role::Probe);
    }
    if roles.len() == 1 { roles.first().copied() } else { None }
}

/// What all the programs are for that a client calls itself.
fn by_program(entity: &Entity) -> Option<Role> {
    let names = entity.mentions.keys().filter(|mention| mention.kind == MentionKind::Application);
    let roles: Option<BTreeSet<Role>> =
        names.map(|it| Role::of_program(it.text.strip_prefix(OUTSIDE).unwrap_or(&it.text))).collect();
    match roles?.into_iter().collect::<Vec<_>>()[..] {
        [only] => Some(only),
        _ => None,
    }
}
