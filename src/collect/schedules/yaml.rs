//! YAML with its lines: scalars as they are written, so that `08` and `*/5` stay what they were, and the line of each
//! value, so that a job's place is its own. Within named limits; it knows no schema and guesses no type.

use super::node::{Kind, Node};
use serde_saphyr::granit_parser::{Event, Parser};
use std::collections::HashMap;

/// How deep maps and lists may lie in each other.
const MAX_DEPTH: usize = 64;
/// How many maps, lists and values one file may have, aliases expanded.
const MAX_NODES: usize = 500_000;

/// What a file holds: its documents up to the end or to what could not be read, and then why.
pub(super) struct Documents {
    /// The documents that were read whole.
    pub documents: Vec<Node>,
    /// The line at which reading ended early, and why, in one line for people.
    pub broken: Option<(u64, String)>,
}

/// A list or a map that is still open.
struct Open {
    line: u64,
    anchor: usize,
    items: Vec<Node>,
    is_map: bool,
}

impl Open {
    fn close(self) -> Node {
        let kind = if self.is_map {
            let mut items = self.items.into_iter();
            let mut entries = Vec::new();
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                entries.push((key, value));
            }
            Kind::Map(entries)
        } else {
            Kind::List(self.items)
        };
        Node { line: self.line, kind }
    }
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

/// Reads all documents of a text. What is filled in by a template before it is YAML breaks it: that is told.
pub(super) fn read(text: &str) -> Documents {
    let mut builder = Builder::default();
    let mut broken = None;
    for next in Parser::new_from_str(text.trim_start_matches('\u{feff}')) {
        let told = match next {
            Err(error) => Err((error.marker().line() as u64, error.info())),
            Ok((event, span)) => {
                let line = span.start.line() as u64;
                builder.take(event, line).map_err(|why| (line, why.to_owned()))
            }
        };
        if let Err((line, why)) = told {
            broken = Some((line, format!("not valid YAML: {why}")));
            break;
        }
    }
    Documents { documents: builder.documents, broken }
}

impl Builder {
    fn take(&mut self, event: Event<'_>, line: u64) -> Result<(), &'static str> {
        match event {
            Event::Scalar(text, _, anchor, _) => {
                self.add(Node { line, kind: Kind::Text(text.into_owned()) }, anchor, 1)
            }
            Event::SequenceStart(_, anchor, _) => self.open(line, anchor, false),
            Event::MappingStart(_, anchor, _) => self.open(line, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let anchor = open.anchor;
                    self.add(open.close(), anchor, 1)
                }
                None => Ok(()),
            },
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id).cloned() else {
                    return Err("it refers to an anchor inside of itself");
                };
                let (size, depth) = measure(&node);
                if self.open.len() + depth > MAX_DEPTH {
                    return Err("deeper than MAX_DEPTH");
                }
                self.add(node, 0, size)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, line: u64, anchor: usize, is_map: bool) -> Result<(), &'static str> {
        if self.open.len() >= MAX_DEPTH {
            return Err("deeper than MAX_DEPTH");
        }
        self.open.push(Open { line, anchor, items: Vec::new(), is_map });
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), &'static str> {
        self.nodes += size;
        if self.nodes > MAX_NODES {
            return Err("more values than MAX_NODES");
        }
        if anchor != 0 {
            // A copy for the anchor counts as well.
            self.nodes += measure(&node).0;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.items.push(node),
            None => self.documents.push(node),
        }
        Ok(())
    }
}

/// How many values a node is, and how deep.
fn measure(node: &Node) -> (usize, usize) {
    let sum = |parts: &mut dyn Iterator<Item = &Node>| {
        parts.map(measure).fold((1, 1), |(size, depth), (s, d)| (size + s, depth.max(d + 1)))
    };
    match &node.kind {
        Kind::Text(_) | Kind::Call(_) => (1, 0),
        Kind::List(items) => sum(&mut items.iter()),
        Kind::Map(entries) => sum(&mut entries.iter().flat_map(|(key, value)| [key, value])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Node) -> String {
        let line = node.line;
        match &node.kind {
            Kind::Text(text) => format!("{line}:{text}"),
            Kind::Call(call) => format!("{line}:{}", call.written),
            Kind::List(items) => {
                format!("{line}:[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" "))
            }
            Kind::Map(entries) => {
                let told: Vec<String> =
                    entries.iter().map(|(key, value)| format!("{}={}", shown(key), shown(value))).collect();
                format!("{line}:{{{}}}", told.join(" "))
            }
        }
    }

    #[test]
    fn scalars_stay_as_written_and_know_their_lines() {
        let read = read(
            "---\n- name: x\n  cron:\n    minute: 08\n    hour: \"*/5\"\n    job: >-\n      a\n      b\n...\n",
        );
        assert_eq!(read.broken, None);
        let told: Vec<String> = read.documents.iter().map(shown).collect();
        assert_eq!(told, ["2:[2:{2:name=2:x 3:cron=4:{4:minute=4:08 5:hour=5:*/5 6:job=7:a b}}]"],);
    }

    #[test]
    fn aliases_and_merges_are_followed_and_unknown_tags_are_no_matter() {
        let read = read("base: &b {user: root}\njob:\n  <<: *b\n  pass: !vault |\n    secret\n");
        let job = read.documents[0].get("job").expect("it is there");
        assert_eq!(job.get("user").and_then(Node::text), Some("root"));
        assert_eq!(job.get("pass").and_then(Node::text), Some("secret\n"));
    }

    #[test]
    fn what_is_no_yaml_ends_it_with_the_line() {
        let read = read("- a\n---\nminute: {{ m }}: x\n");
        assert_eq!(read.documents.len(), 1);
        assert_eq!(read.broken.as_ref().map(|(line, _)| *line), Some(3), "{:?}", read.broken);
        let deep = super::read(&format!("{}x", "- ".repeat(100)));
        assert_eq!(deep.broken, Some((1, "not valid YAML: deeper than MAX_DEPTH".to_owned())));
    }

    #[test]
    fn aliases_that_multiply_end_at_the_limit() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = level - 1;
            text += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(", "));
        }
        let read = read(&text);
        let why = read.broken.map(|(_, why)| why);
        assert_eq!(why.as_deref(), Some("not valid YAML: more values than MAX_NODES"));
    }
}
