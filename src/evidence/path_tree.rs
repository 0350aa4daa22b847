//! Folding of paths by how many there are: below one place of a server's path tree, more than a bound of different
//! names are names of one kind. What it folds is a function of the set of paths, whatever their order. It never
//! unfolds a place again.

use super::mention::Text;
use std::collections::BTreeMap;

/// How many different names may stand at one place of the tree before they are one kind.
pub const CHILDREN_KEPT: usize = 200;
/// How many places of one server's tree are told apart; beyond, new names are folded at once.
pub const PLACES_KEPT_APART: usize = 20_000;
/// How deep a path is told apart.
const MAX_DEPTH: usize = 24;
/// What stands for a folded name.
const ANY: &str = "{}";

/// The paths of one server.
#[derive(Debug, Default)]
pub struct PathTree {
    root: Node,
    places: usize,
    limited: bool,
}

#[derive(Debug, Default)]
struct Node {
    children: BTreeMap<Text, Node>,
    collapsed: bool,
}

impl PathTree {
    /// Adds a path, and gives it as it is folded so far: what is folded later is folded by [`PathTree::fold`].
    pub fn add(&mut self, path: &str) -> String {
        let (mut node, mut out) = (&mut self.root, Vec::new());
        for (depth, part) in path.split('/').enumerate() {
            if depth >= MAX_DEPTH {
                out.push(ANY);
                break;
            }
            let new = !node.children.contains_key(part);
            let full = new && (self.places >= PLACES_KEPT_APART || node.children.len() >= CHILDREN_KEPT);
            if full && !node.collapsed && node.children.len() >= CHILDREN_KEPT {
                node.collapse();
            }
            self.limited |= full && !node.collapsed;
            let part = if node.collapsed || full { ANY } else { part };
            if !node.children.contains_key(part) {
                self.places += 1;
                node.children.insert(Text::from(part), Node::default());
            }
            out.push(part);
            node = node.children.get_mut(part).expect("it was put in above");
        }
        out.join("/")
    }

    /// Whether [`PLACES_KEPT_APART`] was reached.
    pub fn limited(&self) -> bool {
        self.limited
    }

    /// A path that was added, folded by all that is known now.
    pub fn fold(&self, path: &str) -> String {
        let mut node = Some(&self.root);
        let fold = |part| {
            let known = node?;
            let part = if known.collapsed { ANY } else { part };
            node = known.children.get(part);
            Some(part)
        };
        path.split('/').map_while(fold).collect::<Vec<_>>().join("/")
    }
}

impl Node {
    /// All children become one, with all that is below them.
    fn collapse(&mut self) {
        let mut one = Node::default();
        for child in std::mem::take(&mut self.children).into_values() {
            one.absorb(child);
        }
        self.children.insert(Text::from(ANY), one);
        self.collapsed = true;
    }

    fn absorb(&mut self, other: Node) {
        if other.collapsed && !self.collapsed {
            self.collapse();
        }
        for (name, child) in other.children {
            let name = if self.collapsed { Text::from(ANY) } else { name };
            self.children.entry(name).or_default().absorb(child);
        }
        if self.children.len() > CHILDREN_KEPT {
            self.collapse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CHILDREN_KEPT, PathTree};

    /// All paths added in an order, then folded.
    fn folded<'a>(paths: impl Iterator<Item = &'a String> + Clone) -> Vec<String> {
        let mut tree = PathTree::default();
        let added: Vec<String> = paths.map(|path| tree.add(path)).collect();
        let mut all: Vec<String> = added.iter().map(|path| tree.fold(path)).collect();
        all.sort();
        all.dedup();
        all
    }

    #[test]
    fn many_names_at_one_place_are_one_kind_in_any_order() {
        let name = |n: usize| {
            format!("/users/name{}x/orders", char::from(b'a' + (n % 26) as u8).to_string().repeat(1 + n / 26))
        };
        let mut paths: Vec<String> = (0..=CHILDREN_KEPT).map(name).collect();
        paths.push("/users/list".to_owned());
        paths.push("/health".to_owned());
        let want = vec!["/health".to_owned(), "/users/{}".to_owned(), "/users/{}/orders".to_owned()];
        assert_eq!(folded(paths.iter()), want);
        assert_eq!(folded(paths.iter().rev()), want);
    }

    #[test]
    fn as_many_names_as_may_be_stay_names() {
        let paths: Vec<String> = (0..CHILDREN_KEPT).map(|n| format!("/pages/p{n}q")).collect();
        let mut want = paths.clone();
        want.sort();
        assert_eq!(folded(paths.iter()), want);
    }
}
