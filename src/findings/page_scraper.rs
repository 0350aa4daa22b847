//! `page-scraper`: a program reads what was made for people.

use super::stake::Stake;
use super::{Finding, Manual, Rule, who};
use crate::evidence::{Action, Confidence};
use crate::graph::Graph;
use crate::resolve::{EntityId, Link};
use std::collections::BTreeSet;

/// How often, and on how many days, a program from outside must have come for one page.
const PUBLIC_COUNT: u64 = 10;
const PUBLIC_DAYS: usize = 2;

/// The rule.
pub struct PageScraper;

static MANUAL: Manual = Manual {
    id: "page-scraper",
    family: "who",
    title: "A program reads a page that was made for people",
    what: "A program that is no browser, or a script, asked for a page and got it. That it is a page is known \
           because an answer to it was HTML, because browsers load style sheets and pictures from it, or by its \
           ending; what is asked for with other names in the query counts as another thing. Health checks, monitoring and crawlers \
           are not meant, nor are programs from outside of the estate that do not come back for a page.",
    why: "A page has no contract. The new system shows the same figures in other markup, under another path or \
          behind a login, and the program that cut them out of the old one gets nothing, or the wrong cell.",
    example: "client:python-requests@10.20.3.90 reads the page GET /admin/stock of orders-api",
    ask: "What does the program take from the page? Which interface can give it that before the cutover?",
};

impl Rule for PageScraper {
    fn manual(&self) -> &'static Manual {
        &MANUAL
    }

    fn check(&self, graph: &Graph, out: &mut Vec<Finding>) {
        for (id, consumer) in graph.consumers() {
            for (system, links) in who::by_system(graph, id) {
                let calls = links.into_iter().filter(|link| link.key.action == Action::Call);
                let pages: Vec<(&Link, who::Page)> =
                    calls.filter_map(|link| Some((link, who::page(graph, link)?))).collect();
                let Some(seen) = pages.iter().map(|(_, page)| *page).max() else { continue };
                let links: Vec<&Link> = pages.iter().map(|(link, _)| *link).collect();
                if who::is_public(consumer) && !comes_back(&links) {
                    continue;
                }
                let resources: BTreeSet<EntityId> = links.iter().map(|link| link.key.resource).collect();
                let (resource, what) = match resources.into_iter().collect::<Vec<_>>()[..] {
                    [only] => (only, format!("the page {}", graph.entity(only).id)),
                    ref all => (system, format!("{} pages of {}", all.len(), graph.entity(system).name)),
                };
                let observed = links.iter().any(|link| link.observed());
                let mut facts = who::facts(graph, consumer, &links);
                facts.insert("page_because", seen.reason().to_owned());
                let severity = Stake::of(graph, consumer, &links).settle(&mut facts);
                out.push(Finding {
                    rule: &MANUAL,
                    severity,
                    confidence: match (seen, observed) {
                        (who::Page::ByName, false) => Confidence::Low,
                        (who::Page::ByName, true) | (_, false) => Confidence::Medium,
                        _ => Confidence::High,
                    },
                    title: format!("{} reads {what}", consumer.id),
                    consumer: Some(id),
                    resource: Some(resource),
                    upstream: None,
                    downstream: None,
                    facts,
                    question: format!(
                        "What does {} take from there, and where else can it get that?",
                        consumer.id
                    ),
                    places: who::places(&links),
                });
            }
        }
    }
}

/// Whether somebody from outside comes for the same page again and again, which a reader of the public web does not.
fn comes_back(links: &[&Link]) -> bool {
    links.iter().any(|link| link.count() >= PUBLIC_COUNT && link.activity().days().count() >= PUBLIC_DAYS)
}
