//! XML as elements with their lines, for places that are written in it. One text may hold several documents one behind
//! the other, as `schtasks /query /xml` writes them. It expands no entity but the five of XML and knows no schema.

use crate::evidence::scrub::scrub;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// How deep elements may lie in each other.
const MAX_DEPTH: usize = 64;
/// How many elements and attributes one text may have.
const MAX_NODES: usize = 1_000_000;

/// One element.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Its name without prefix.
    pub name: String,
    /// Its attributes, as written.
    pub attributes: Vec<(String, String)>,
    /// Its own text, trimmed.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Element>,
    /// The comment right before it.
    pub comment: String,
    /// Its line, counted from 1.
    pub line: u64,
}

impl Element {
    /// The value of an attribute that is written and not empty.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The first child of a name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of a name, where it has one.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    /// All elements of a name at any depth, in the order of the text.
    pub fn all<'a>(&'a self, name: &str, into: &mut Vec<&'a Element>) {
        for child in &self.children {
            if child.name == name {
                into.push(child);
            }
            child.all(name, into);
        }
    }
}

/// What a text holds, under one element without a name; the error is one line for people and comes with what was
/// read before it.
pub(super) fn read(text: &str) -> (Element, Option<String>) {
    let mut reading = Reading {
        text,
        line: 1,
        counted: 0,
        nodes: 0,
        open: vec![Element::default()],
        comment: String::new(),
    };
    let broken = reading.all().err();
    while reading.open.len() > 1 {
        reading.close();
    }
    (reading.open.pop().unwrap_or_default(), broken)
}

struct Reading<'t> {
    text: &'t str,
    line: u64,
    /// How many bytes its line counts.
    counted: usize,
    nodes: usize,
    open: Vec<Element>,
    comment: String,
}

impl Reading<'_> {
    fn all(&mut self) -> Result<(), String> {
        let mut reader = Reader::from_str(self.text);
        loop {
            let from = reader.buffer_position() as usize;
            let event = reader
                .read_event()
                .map_err(|error| scrub(&format!("not valid XML: {error}")).into_owned())?;
            match event {
                Event::Start(tag) => self.start(&tag, from)?,
                Event::Empty(tag) => {
                    self.start(&tag, from)?;
                    self.close();
                }
                Event::Text(text) => self.add(&text.unescape().unwrap_or_default()),
                Event::CData(text) => self.add(&String::from_utf8_lossy(&text)),
                Event::Comment(text) => self.comment = String::from_utf8_lossy(&text).trim().to_owned(),
                Event::End(_) => self.close(),
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn add(&mut self, text: &str) {
        if let Some(open) = self.open.last_mut() {
            open.text.push_str(text);
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<(), String> {
        let at = at.min(self.text.len());
        self.line +=
            self.text.as_bytes()[self.counted..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.counted = at;
        let attributes: Vec<(String, String)> = tag
            .attributes()
            .with_checks(false)
            .flatten()
            .map(|it| {
                let value = it.unescape_value();
                let value = value.unwrap_or_else(|_| String::from_utf8_lossy(&it.value).into_owned().into());
                (String::from_utf8_lossy(it.key.local_name().as_ref()).into_owned(), value.into_owned())
            })
            .collect();
        self.nodes += 1 + attributes.len();
        if self.nodes > MAX_NODES || self.open.len() > MAX_DEPTH {
            return Err(format!(
                "more than {MAX_NODES} elements (MAX_NODES) or {MAX_DEPTH} in each other (MAX_DEPTH)"
            ));
        }
        self.open.push(Element {
            name: String::from_utf8_lossy(tag.local_name().as_ref()).into_owned(),
            attributes,
            comment: std::mem::take(&mut self.comment),
            line: self.line,
            ..Element::default()
        });
        Ok(())
    }

    fn close(&mut self) {
        // One without a beginning closes nothing.
        if self.open.len() < 2 {
            return;
        }
        let Some(mut done) = self.open.pop() else { return };
        done.text = done.text.trim().to_owned();
        if let Some(outer) = self.open.last_mut() {
            outer.children.push(done);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(element: &Element) -> String {
        let inner: Vec<String> = element.children.iter().map(shown).collect();
        let attributes: Vec<String> = element.attributes.iter().map(|(k, v)| format!(" {k}={v}")).collect();
        let (name, line) = (&element.name, element.line);
        format!("{line}:{name}{}({}{})", attributes.concat(), element.text, inner.join(","))
    }

    #[test]
    fn elements_have_lines_and_several_documents_are_one_list() {
        let text = "<?xml version=\"1.0\"?>\n<!-- \\One -->\n<a>\n  <n:b x='1 &amp; 2'/>t</a>\n<?xml version=\"1.0\"?>\n<a/>";
        let (root, broken) = read(text);
        assert_eq!(broken, None);
        let told: Vec<String> = root.children.iter().map(shown).collect();
        assert_eq!(told, ["3:a(t4:b x=1 & 2())", "6:a()"]);
        assert_eq!(root.children[0].comment, "\\One");
    }

    #[test]
    fn what_is_broken_keeps_what_came_before() {
        let (root, broken) = read("<a><b>x</b><c></a>");
        assert_eq!(root.children.iter().map(shown).collect::<Vec<_>>(), ["1:a(1:b(x),1:c())"]);
        assert!(broken.is_some_and(|why| why.starts_with("not valid XML")));
        let deep = "<a>".repeat(MAX_DEPTH + 2);
        assert!(read(&deep).1.is_some_and(|why| why.contains("MAX_DEPTH")));
    }
}
