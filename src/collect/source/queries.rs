//! Queries over classes (JPQL, HQL) look like SQL and name no tables: this tells which is which, by where the
//! text stands, and by classes of the scan that are spelled like what it names. It states nothing itself.

use super::fold::{File, call_of};
use super::modules::Modules;
use super::tables::{Mapped, last};
use crate::evidence::Text;
use crate::sql::Understood;
use std::borrow::Cow;
use tree_sitter::Node;

/// How far out of a text the annotation or call that holds it is looked for.
const MAX_OUT: usize = 24;

/// What a text is a query over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Tables: whoever takes it takes SQL.
    Tables,
    /// Classes.
    Classes,
    /// Where it stands does not say.
    Either,
}

/// What a text is a query over, by where it stands.
pub fn of_entities(file: &File<'_>, node: Node<'_>, text: &str) -> Of {
    let words = &file.language.entities;
    if words.annotations.is_empty() {
        return Of::Tables;
    }
    let mut at = node;
    for _ in 0..MAX_OUT {
        let Some(parent) = at.parent() else { break };
        if parent.kind() == "annotation" {
            let name = parent.child_by_field_name("name").map_or("", |name| last(file.of(name)));
            if !words.annotations.contains(&name) {
                return Of::Tables;
            }
            let arguments: String = file.of(parent).split_whitespace().collect();
            let native = words.native.iter().any(|word| {
                let word: String = word.split_whitespace().collect();
                arguments.contains(&word)
            });
            return if native || file.works_with.plain_queries { Of::Tables } else { Of::Classes };
        }
        if let Some(call) = call_of(parent).filter(|call| call.arguments.id() == at.id()) {
            let callee = file.callee(call.arguments);
            if words.calls.contains(&last(callee)) {
                return Of::Classes;
            }
            if ["SQL", "Native", "prepare", "jdbc"].iter().any(|word| callee.contains(word)) {
                return Of::Tables;
            }
        }
        if parent.kind().ends_with("statement") || parent.kind().ends_with("body") {
            break;
        }
        at = parent;
    }
    // No query over classes selects a star.
    let star = text.split_whitespace().nth(1).is_some_and(|word| word.starts_with('*'));
    if star { Of::Tables } else { Of::Either }
}

/// A query over classes may leave its SELECT out.
pub fn whole(text: &str) -> Cow<'_, str> {
    let first = text.split_whitespace().next().unwrap_or("");
    if first.eq_ignore_ascii_case("from") { format!("select * {}", text.trim_start()).into() } else { text.into() }
}

/// Whether the names behind FROM are those of classes.
pub fn names_classes(of: Of, file: &File<'_>, text: &str, understood: &Understood, modules: &Modules<'_>) -> bool {
    match of {
        Of::Tables => false,
        Of::Classes => true,
        Of::Either => {
            let single = understood.analysis.tables.iter().filter(|table| table.parts.len() == 1);
            single.map(|table| &table.parts[0]).any(|name| {
                let spelled = spelled(name, text);
                spelled.is_some_and(|spelled| {
                    let known = modules.mapped().contains_key(spelled) && spelled != &**name;
                    let like_a_class = spelled.starts_with(char::is_uppercase)
                        && spelled.contains(char::is_lowercase);
                    known || (file.works_with.classes && like_a_class)
                })
            })
        }
    }
}

/// A name as the text spells it: what was understood is folded to lower case.
fn spelled<'t>(name: &str, text: &'t str) -> Option<&'t str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
    let mut found = words.filter(|word| word.eq_ignore_ascii_case(name));
    // A variable of the query may be spelled like its class.
    found.clone().find(|word| word.starts_with(char::is_uppercase)).or_else(|| found.next())
}

/// The mapped class that a query names: of several the one nearest to the component, if that is one.
pub fn class<'m>(name: &str, text: &str, component: &Text, modules: &'m Modules<'_>) -> Option<&'m Mapped> {
    let spelled = spelled(name, text)?;
    let all = modules.mapped().values().flatten();
    let named: Vec<&Mapped> = all.filter(|it| it.entity == spelled).collect();
    let own: Vec<&Mapped> =
        named.iter().filter(|it| it.path.starts_with(&format!("{component}/"))).copied().collect();
    match (own.as_slice(), named.as_slice()) {
        ([one], _) | ([], [one]) => Some(one),
        _ => None,
    }
}
