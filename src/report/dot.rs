//! The graph for people to walk through, in Graphviz' language: systems and hosts as clusters, the kind of a
//! thing as its shape, how a link is known as its line, shadow links standing out, orders between jobs as
//! arrows of their own. Text from outside is escaped, and the order is the report's. It lays nothing out and
//! leaves out only what is no application's work: monitoring, backups, probes.

use super::{EntityRow, Format, LinkRow, OWN, Report};
use crate::evidence::About;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};

/// `--format dot`.
pub struct DotFormat;

impl Format for DotFormat {
    fn about(&self) -> &'static About {
        &About {
            name: "dot",
            title: "the graph for Graphviz: clusters, lines by basis, a legend",
            provenance: OWN,
        }
    }

    fn render(&self, report: &Report, to: &mut dyn Write) -> io::Result<()> {
        let drawn: Vec<&LinkRow> = report.links.iter().filter(|link| is_drawn(link)).collect();
        let ends: BTreeSet<&str> = drawn.iter().flat_map(|link| [&*link.consumer, &*link.resource]).collect();
        let mut out = String::from("digraph whodepends {\n");
        out.push_str(
            "  graph [rankdir=LR, fontname=\"Helvetica\", fontsize=11, ranksep=1.2, nodesep=0.25];\n",
        );
        out.push_str(
            "  node [fontname=\"Helvetica\", fontsize=10, shape=box, style=filled, fillcolor=white];\n",
        );
        out.push_str("  edge [fontname=\"Helvetica\", fontsize=9];\n");
        let _ = writeln!(out, "  label={};", quoted(&title(report)));
        let entities: Vec<&EntityRow> =
            report.entities.iter().filter(|entity| ends.contains(entity.id.as_str())).collect();
        clusters(&mut out, report, &entities);
        edges(&mut out, &drawn);
        orders(&mut out, report, &ends);
        legend(&mut out);
        out.push_str("}\n");
        to.write_all(out.as_bytes())
    }
}

/// Application traffic in production that worked; a bare connection only where nothing finer is drawn.
fn is_drawn(link: &LinkRow) -> bool {
    link.class == "app" && link.outcome == "ok" && link.scope == "production" && link.action != "connect"
}

/// A string of the language: quotes and backslashes escaped, entities disarmed, control characters shown.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push_str("\\n"),
            c if super::text::hidden(c) => {
                let _ = write!(out, "\\\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn title(report: &Report) -> String {
    let window = match (&report.window.first, &report.window.last) {
        (Some(first), Some(last)) => format!("observed {first} to {last}"),
        _ => "nothing observed".to_owned(),
    };
    // What is not drawn is counted.
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for link in report.links.iter().filter(|link| link.class != "app" && link.outcome == "ok") {
        *left.entry(&link.class).or_default() += 1;
    }
    let left: Vec<String> = left.into_iter().map(|(class, count)| format!("{count} {class}")).collect();
    let left = if left.is_empty() { String::new() } else { format!("\nnot drawn: {}", left.join(", ")) };
    format!("whodepends, as of {}; {window}{left}", report.as_of)
}

/// The cluster a thing is drawn in: the system it is a part of, or the host it lives on.
fn cluster_of<'a>(report: &'a Report, entity: &'a EntityRow) -> Option<&'a str> {
    if let Some(whole) = entity.part_of.as_deref() {
        return Some(whole);
    }
    let rest = entity.id.split_once(':').map(|(_, rest)| rest)?;
    match entity.kind.as_str() {
        // A service is drawn with what it serves.
        "service" if report.entities.iter().any(|part| part.part_of.as_deref() == Some(&*entity.id)) => {
            Some(&entity.id)
        }
        "file" => rest.split_once(':').map(|(host, _)| host),
        "job" => rest.split_once('/').map(|(host, _)| host),
        "script" => rest.split_once(":/").map(|(host, _)| host),
        _ => report.jobs.iter().find(|job| job.entity == entity.id).and_then(|job| job.host.as_deref()),
    }
}

fn clusters(out: &mut String, report: &Report, entities: &[&EntityRow]) {
    let shadows: BTreeSet<&str> = report
        .findings
        .iter()
        .filter(|f| {
            matches!(f.rule.as_str(), "shadow-consumer" | "borrowed-credentials") && f.accepted.is_none()
        })
        .filter_map(|finding| finding.consumer.as_deref())
        .collect();
    let mut grouped: BTreeMap<Option<&str>, Vec<&EntityRow>> = BTreeMap::new();
    for entity in entities {
        grouped.entry(cluster_of(report, entity)).or_default().push(entity);
    }
    for (index, (cluster, members)) in grouped.into_iter().enumerate() {
        let indent = if cluster.is_some() { "    " } else { "  " };
        if let Some(name) = cluster {
            let _ = writeln!(out, "  subgraph cluster_{index} {{");
            let _ = writeln!(
                out,
                "    label={}; style=\"rounded,filled\"; color=\"#b0b7c3\"; fillcolor=\"#f5f7fa\";",
                quoted(name)
            );
        }
        for entity in members {
            let colour = if shadows.contains(entity.id.as_str()) {
                ", fillcolor=\"#ffd9d6\", color=\"#b00020\", penwidth=2"
            } else {
                ""
            };
            // One program on two machines is two clients.
            let shown = entity.id.strip_prefix("client:").unwrap_or(&entity.name);
            // What its shape says already is not said again.
            let class = entity.class.as_ref().filter(|class| **class != entity.kind);
            let shown = class.map_or(shown.to_owned(), |class| format!("{shown}\n({class})"));
            let _ = writeln!(
                out,
                "{indent}{} [label={}, tooltip={}, shape={}{colour}];",
                quoted(&entity.id),
                quoted(&shown),
                quoted(&entity.id),
                shape(&entity.kind)
            );
        }
        if cluster.is_some() {
            out.push_str("  }\n");
        }
    }
}

fn shape(kind: &str) -> &'static str {
    match kind {
        "service" => "component",
        "job" => "cds",
        "script" => "note",
        "client" | "person" | "partner" => "ellipse",
        "table" | "keys" => "box",
        "routine" => "parallelogram",
        "lock" => "octagon",
        "database" | "cache" => "cylinder",
        "endpoint" | "external" => "hexagon",
        "file" | "object" => "folder",
        _ => "box",
    }
}

/// One arrow per consumer and resource: what is done, how often, and how it is known.
fn edges(out: &mut String, drawn: &[&LinkRow]) {
    let mut pairs: BTreeMap<(&str, &str), Vec<&LinkRow>> = BTreeMap::new();
    for link in drawn {
        pairs.entry((&link.consumer, &link.resource)).or_default().push(link);
    }
    for ((consumer, resource), links) in pairs {
        let actions: BTreeSet<&str> = links.iter().map(|link| link.action.as_str()).collect();
        let most = links.iter().map(|link| link.count).max().unwrap_or(0);
        let actions = actions.into_iter().collect::<Vec<_>>().join(", ");
        let label = if most > 0 { format!("{actions} {most}") } else { actions };
        let observed = links.iter().any(|link| link.bases.iter().any(|basis| basis == "observed"));
        let shadow = links.iter().any(|link| link.shadow);
        let style = match (shadow, observed) {
            (true, _) => "color=\"#b00020\", fontcolor=\"#b00020\", penwidth=2",
            (false, true) => "color=\"#2f3b52\"",
            (false, false) => "color=\"#7a8499\", style=dashed",
        };
        let _ = writeln!(
            out,
            "  {} -> {} [label={}, {style}];",
            quoted(consumer),
            quoted(resource),
            quoted(&label)
        );
    }
}

/// Orders that only the clock keeps, from the first job to the one that comes after.
fn orders(out: &mut String, report: &Report, ends: &BTreeSet<&str>) {
    for finding in report.findings.iter().filter(|finding| finding.accepted.is_none()) {
        let (Some(upstream), Some(downstream)) = (&finding.upstream, &finding.downstream) else { continue };
        if ends.contains(upstream.as_str()) && ends.contains(downstream.as_str()) {
            let offset = finding.facts.get("offset").map_or("", String::as_str);
            let _ = writeln!(
                out,
                "  {} -> {} [label={}, color=\"#c77700\", fontcolor=\"#c77700\", penwidth=2, style=bold, constraint=false];",
                quoted(upstream),
                quoted(downstream),
                quoted(&format!("{} {offset}", finding.rule))
            );
        }
    }
}

fn legend(out: &mut String) {
    out.push_str("  subgraph cluster_legend {\n    label=\"legend\"; style=rounded; color=\"#b0b7c3\";\n");
    let rows = [
        ("observed", "observed, explained", "color=\"#2f3b52\""),
        ("written", "written or declared, not observed", "color=\"#7a8499\", style=dashed"),
        ("shadow", "observed, explained by nothing", "color=\"#b00020\", penwidth=2"),
        ("clock", "only the clock keeps the order", "color=\"#c77700\", penwidth=2, style=bold"),
    ];
    for (name, meaning, style) in rows {
        let _ = writeln!(
            out,
            "    legend_{name}_a [label=\"\", shape=point]; legend_{name}_b [label=\"{meaning}\", shape=plaintext, style=\"\"];"
        );
        let _ = writeln!(out, "    legend_{name}_a -> legend_{name}_b [{style}];");
    }
    out.push_str("  }\n");
}
