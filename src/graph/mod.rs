//! The dependency graph and its questions: consumers of a resource, what a consumer does, what hangs behind
//! it. It never changes what `resolve` decided. The only user of petgraph.

use crate::evidence::Stamp;
pub use crate::resolve::Stated;
use crate::resolve::{self, Entity, EntityId, Job, Link, Resolved, Sleep, Speaks, Waits, Watch};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, BTreeSet};

/// Consumers and resources as nodes, links as edges from consumer to resource.
#[derive(Debug)]
pub struct Graph {
    graph: DiGraph<Entity, Link>,
    jobs: Vec<Job>,
    waits: Vec<Waits>,
    has_inventory: bool,
    own_hosts: BTreeSet<String>,
    addressed: BTreeSet<String>,
    stated: Vec<Stated>,
    speaks: BTreeMap<EntityId, Speaks>,
    watches: Vec<Watch>,
    sleeps: Vec<Sleep>,
    as_of: Stamp,
    target_scheduler: Option<String>,
}

impl Graph {
    /// The graph of what was resolved, as of a moment; entity numbers stay node numbers.
    pub fn new(resolved: Resolved, as_of: Stamp) -> Graph {
        let mut graph = DiGraph::with_capacity(resolved.entities.len(), resolved.links.len());
        for entity in resolved.entities {
            graph.add_node(entity);
        }
        for link in resolved.links {
            graph.add_edge(NodeIndex::new(link.key.consumer.0), NodeIndex::new(link.key.resource.0), link);
        }
        Graph {
            graph,
            jobs: resolved.jobs,
            waits: resolved.waits,
            has_inventory: resolved.has_inventory,
            own_hosts: resolved.own_hosts,
            addressed: resolved.addressed,
            stated: resolved.stated,
            speaks: resolved.speaks,
            watches: resolved.watches,
            sleeps: resolved.sleeps,
            as_of,
            target_scheduler: None,
        }
    }

    /// The moment from which what is to come is counted.
    pub fn as_of(&self) -> Stamp {
        self.as_of
    }

    /// With the scheduler that crontabs are to be copied to: a dialect of schedules.
    #[must_use]
    pub fn with_target_scheduler(self, target_scheduler: Option<String>) -> Graph {
        Graph { target_scheduler, ..self }
    }

    /// The scheduler that crontabs are to be copied to, where somebody stated one.
    pub fn target_scheduler(&self) -> Option<&str> {
        self.target_scheduler.as_deref()
    }

    /// The entity of a number.
    pub fn entity(&self, id: EntityId) -> &Entity {
        &self.graph[NodeIndex::new(id.0)]
    }

    /// All entities with their numbers, in the order of their ids.
    pub fn entities(&self) -> impl Iterator<Item = (EntityId, &Entity)> {
        self.graph.node_indices().map(|index| (EntityId(index.index()), &self.graph[index]))
    }

    /// All links, in the order of their keys.
    pub fn links(&self) -> impl Iterator<Item = &Link> + Clone {
        self.graph.raw_edges().iter().map(|edge| &edge.weight)
    }

    /// What a consumer does, in the order of link keys.
    pub fn links_of(&self, consumer: EntityId) -> Vec<&Link> {
        self.edges(consumer, Direction::Outgoing)
    }

    /// Who does something to a resource, in the order of link keys.
    pub fn links_to(&self, resource: EntityId) -> Vec<&Link> {
        self.edges(resource, Direction::Incoming)
    }

    fn edges(&self, node: EntityId, direction: Direction) -> Vec<&Link> {
        let mut links: Vec<&Link> =
            self.graph.edges_directed(NodeIndex::new(node.0), direction).map(|edge| edge.weight()).collect();
        links.sort_by_key(|link| link.key);
        links
    }

    /// The consumers: entities that do something.
    pub fn consumers(&self) -> impl Iterator<Item = (EntityId, &Entity)> {
        self.entities().filter(|(id, _)| {
            self.graph.edges_directed(NodeIndex::new(id.0), Direction::Outgoing).next().is_some()
        })
    }

    /// A resource and all it is part of, the innermost first: a table, its database.
    pub fn wholes(&self, resource: EntityId) -> impl Iterator<Item = EntityId> {
        // A chain is as long as kinds nest; the bound keeps a malformed one from holding the scan.
        std::iter::successors(Some(resource), |at| self.entity(*at).part_of).take(9)
    }

    /// The outermost thing a resource is part of: a table's database; itself when it stands alone.
    pub fn system_of(&self, resource: EntityId) -> EntityId {
        self.wholes(resource).last().unwrap_or(resource)
    }

    /// Whether a host is one of ours: declared, or in the scan with files of its own.
    pub fn is_own_host(&self, host: &str) -> bool {
        self.own_hosts.contains(host) || matches!(host, "localhost" | "127.0.0.1" | "::1")
    }

    /// Whether a job may run where a client comes from, `name@host` or `name@address`: a host whose addresses are known
    /// is none of the machines that only an address is known of.
    pub fn may_run_there(&self, job: &Job, client: &Entity) -> bool {
        let from = client.id.strip_prefix("client:").and_then(|rest| rest.rsplit_once('@'));
        match (from, &job.host) {
            (Some((_, from)), Some(host)) if from.parse::<std::net::IpAddr>().is_ok() => {
                !self.addressed.contains(host)
            }
            (Some((_, from)), Some(host)) => from == host,
            _ => true,
        }
    }

    /// All jobs, by entity and place.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// What a job's scheduler holds it back for.
    pub fn waits_of(&self, job: EntityId) -> impl Iterator<Item = &Waits> {
        let from = self.waits.partition_point(|it| it.waiting < job);
        self.waits[from..].iter().take_while(move |it| it.waiting == job)
    }

    /// Whether a job's scheduler starts it only behind another, directly or over others in between.
    pub fn comes_after(&self, job: EntityId, other: EntityId) -> bool {
        let (mut seen, mut open) = (BTreeSet::from([job]), vec![job]);
        while let Some(at) = open.pop() {
            for wait in self.waits_of(at) {
                if wait.first == other {
                    return true;
                }
                if seen.insert(wait.first) {
                    open.push(wait.first);
                }
            }
        }
        false
    }

    /// The uses that inventories state, by consumer and resource.
    pub fn stated_uses(&self) -> &[Stated] {
        &self.stated
    }

    /// Of what kinds inventories speak where they state what a consumer uses; nothing where they state no uses.
    pub fn speaks(&self, consumer: EntityId) -> Option<&Speaks> {
        self.speaks.get(&consumer)
    }

    /// The fixed sleeps between steps of consumers' texts, by consumer.
    pub fn sleeps(&self) -> &[Sleep] {
        &self.sleeps
    }

    /// The system that a vantage watched, by the name ids give it.
    pub fn watched_by(&self, vantage: &str) -> Option<&str> {
        self.watches.iter().find(|watch| &*watch.vantage == vantage).map(|watch| watch.system.as_str())
    }

    /// Whether a vantage's format was never tried on what a real server or program wrote.
    pub fn is_untried(&self, vantage: &str) -> bool {
        self.watches.iter().any(|watch| &*watch.vantage == vantage && !watch.tried)
    }

    /// Who watched the system of a resource.
    pub fn watches(&self, resource: EntityId) -> impl Iterator<Item = &Watch> {
        let id = &self.entity(self.system_of(resource)).id;
        let system = id.split_once(':').map_or(&**id, |(_, rest)| rest);
        let system = system.split('/').next().unwrap_or(system).to_owned();
        self.watches.iter().filter(move |watch| watch.system == system)
    }

    /// Who does something to a resource or to a part of it: to a whole server, whatever database it is in.
    pub fn links_within(&self, resource: EntityId) -> impl Iterator<Item = &Link> {
        let whole = &self.entity(resource).id;
        let place = whole.split_once(':').map_or(&**whole, |(_, rest)| rest);
        let (exact, below) = (resource, format!("{place}/"));
        self.links().filter(move |link| {
            let id = &self.entity(link.key.resource).id;
            let rest = id.split_once(':').map_or(&**id, |(_, rest)| rest);
            link.key.resource == exact
                || self.system_of(link.key.resource) == exact
                || rest.starts_with(&below)
        })
    }

    /// Strangers that may be this consumer: they share its login, and nothing tells them apart.
    pub fn may_be(&self, consumer: EntityId) -> BTreeSet<EntityId> {
        let own = &self.entity(consumer).id;
        let doubts = |entity: &Entity| entity.not_joined.iter().any(|(id, _)| id == own);
        self.entities().filter(|(_, entity)| doubts(entity)).map(|(id, _)| id).collect()
    }

    /// By view: what the statements that make it compute it from. A table that is filled once from another is none.
    pub fn views(&self) -> BTreeMap<EntityId, BTreeSet<EntityId>> {
        resolve::views(self.links())
    }

    /// Whether any inventory lists any consumer.
    pub fn has_inventory(&self) -> bool {
        self.has_inventory
    }
}
