//! `page-scraper`: a program reads what was made for people.

use super::{Finding, Manual, Rule, Severity, who};
use crate::evidence::{Action, Confidence};
use crate::graph::Graph;

/// The rule.
pub struct PageScraper;

static MANUAL: Manual = Manual {
    id: "page-scraper",
    family: "who",
    title: "A program reads a page that was made for people",
    what: "A program that is no browser, or a script, asked for a page and got it. That it is a page is known \
           because an answer to it was HTML, because browsers load style sheets and pictures from it, or by its \
           ending. Health checks, monitoring and crawlers are not meant.",
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
            for link in who::by_system(graph, id).into_values().flatten() {
                let resource = link.key.resource;
                let Some(seen) = who::page(graph, resource).filter(|_| link.key.action == Action::Call)
                else {
                    continue;
                };
                let page = graph.entity(resource);
                let mut facts = who::facts(graph, consumer, &[link]);
                facts.insert("page because", seen.reason().to_owned());
                out.push(Finding {
                    rule: &MANUAL,
                    severity: Severity::Medium,
                    confidence: match (seen, link.observed()) {
                        (who::Page::ByName, false) => Confidence::Low,
                        (who::Page::ByName, true) | (_, false) => Confidence::Medium,
                        _ => Confidence::High,
                    },
                    title: format!("{} reads the page {}", consumer.id, page.id),
                    consumer: Some(id),
                    resource: Some(resource),
                    upstream: None,
                    downstream: None,
                    facts,
                    question: format!(
                        "What does {} take from the page, and where else can it get that?",
                        consumer.id
                    ),
                    places: who::places(&[link]),
                });
            }
        }
    }
}
