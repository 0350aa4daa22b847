//! Values with their lines, as YAML and the languages of configuration management have them: scalars, lists, maps. It
//! knows no language.

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Its line in the file, counted from 1.
    pub line: u64,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A scalar as written, quotes removed.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file.
    Map(Vec<(Node, Node)>),
    /// An expression whose parts are told.
    Call(Box<Call>),
}

/// A function that is called, or a choice between cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// What is called; `?` chooses.
    pub name: String,
    /// With what; of a choice the value that decides and the map of its cases.
    pub arguments: Vec<Node>,
    /// How all of it is written, as a placeholder.
    pub written: String,
}

impl Node {
    /// The scalar; of an expression how it is written.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Call(call) => Some(&call.written),
            _ => None,
        }
    }

    /// The elements of a list; nothing else has any.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a map; nothing else has any.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value under a key, of the map itself or of one it merges (`<<`).
    pub fn get(&self, key: &str) -> Option<&Node> {
        let own = self.entries().iter().find(|(name, _)| name.text() == Some(key));
        own.map(|(_, value)| value).or_else(|| {
            let merged = self.entries().iter().filter(|(name, _)| name.text() == Some("<<"));
            merged.map(|(_, value)| value).find_map(|value| match &value.kind {
                Kind::List(maps) => maps.iter().find_map(|map| map.get(key)),
                _ => value.get(key),
            })
        })
    }
}
