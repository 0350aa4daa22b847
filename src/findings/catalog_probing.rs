//! `catalog-probing`: somebody looks up tables by name in the server's catalogue.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Action, Class, Confidence, Outcome, Scope};
use crate::graph::Graph;
use crate::resolve::Link;
use std::collections::BTreeSet;

/// The rule.
pub struct CatalogProbing;

static MANUAL: Manual = Manual {
    id: "catalog-probing",
    family: "what",
    title: "Somebody looks up tables by name in the server's catalogue",
    what: "An application, in production, asks information_schema, pg_catalog, sys or ALL_TABLES for tables, schemas or \
           columns by a name that stands in the statement (table_name = 'orders', to_regclass('public.orders')). What \
           drivers, ORMs, migration tools, psql and tools for people ask by themselves, and who watches the server, are \
           not meant; nor is a question without a name.",
    why: "The program decides by what the catalogue says: it skips a table that is not there under that name, takes every \
          new one, or fails on columns that another engine or version describes otherwise. None of that shows in the \
          tables it reads.",
    example: "client:sync@10.20.3.12 looks up orders, public in the catalogue of database:shop-db/shop",
    ask: "What does the program do if the name is not there, or is in another schema?",
};

/// How many names a title shows.
const SHOWN: usize = 5;

impl Rule for CatalogProbing {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            if consumer.kind == "person" || who::is_tool(consumer) {
                continue;
            }
            for link in graph.links_of(id).into_iter().filter_map(probing) {
                let names: BTreeSet<&str> = link
                    .traits
                    .iter()
                    .filter(|it| &*it.name == "catalog-probing")
                    .flat_map(|it| it.value.as_deref().unwrap_or("").split(", "))
                    .collect();
                let names: Vec<&str> = names.into_iter().collect();
                let more = names.len().saturating_sub(SHOWN);
                let shown = names[..names.len() - more].join(", ");
                let shown = if more > 0 { format!("{shown} and {more} more") } else { shown };
                let database = graph.entity(link.key.resource).id.as_str();
                let database =
                    if database.ends_with('?') { "a database that nobody could tell" } else { database };
                let mut facts = who::facts(graph, consumer, &[&link]);
                facts.insert("names", names.join(", "));
                out.push(Finding {
                    rule: &MANUAL,
                    severity: Severity::Low,
                    confidence: Confidence::Medium,
                    title: format!("{} looks up {shown} in the catalogue of {database}", consumer.id),
                    consumer: Some(id),
                    resource: Some(link.key.resource),
                    upstream: None,
                    downstream: None,
                    facts,
                    question: format!("What does {} do if a name is not in the catalogue?", consumer.id),
                    places: who::places(&[&link]),
                });
            }
        }
    }
}

/// What of a link looks names up.
fn probing(link: &Link) -> Option<Link> {
    let key = &link.key;
    let counts = key.action == Action::Read
        && key.class == Class::App
        && key.outcome == Outcome::Ok
        && key.scope == Scope::Production;
    let names = |it: &crate::evidence::Trait| &*it.name == "catalog-probing" && it.value.is_some();
    counts.then(|| who::part(link, names)).flatten()
}
