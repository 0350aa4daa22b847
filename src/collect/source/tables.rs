//! Tables that code is mapped to: what annotations of classes name, what a convention makes of a class's name
//! where it is certain, and which table a query over classes (JPQL, HQL) means. A class is never taken for a
//! table: where the mapping is not known, it is a gap.

use super::component::Naming;
use super::fold::{File, UNKNOWN, call_of, fits};
use super::language::Language;
use super::marks::{Annotation, Marked, mark, tree_of};
use super::modules::Modules;
use crate::evidence::{Confidence, Text};
use crate::input::InputFile;
use tree_sitter::Node;

/// The table of a mapped class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Table {
    /// It is named: schema, if one is, and name.
    Named(Vec<String>),
    /// The convention names it.
    ByClass,
    /// It is named by something that is only known when it runs.
    Unknown,
}

/// A class that is mapped to a table.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// The class.
    pub name: String,
    /// What queries call it.
    pub entity: String,
    /// The class it extends.
    pub above: Option<String>,
    /// Whether classes that extend it have tables of their own.
    pub split: bool,
    /// Its table.
    pub table: Table,
    /// The file, as shown.
    pub path: Text,
}

/// Which table it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// This one.
    Table(Vec<Text>, Confidence),
    /// That of the class it extends.
    OfAbove,
    /// Nobody can tell.
    Unknown,
}

/// The last part of an annotation's name.
pub fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

impl File<'_> {
    /// Arguments with their names; a table of named values as an argument is further arguments.
    pub fn arguments<'t>(&self, arguments: Node<'t>) -> Vec<(Option<String>, Node<'t>)> {
        let mut out = Vec::new();
        let mut cursor = arguments.walk();
        for argument in arguments.named_children(&mut cursor) {
            if self.language.nodes.table.contains(&argument.kind()) {
                let mut inner = argument.walk();
                let pairs: Vec<Node<'t>> = argument.named_children(&mut inner).collect();
                out.extend(pairs.into_iter().filter_map(|pair| self.named(pair)));
            } else if argument.kind() != "comment" && !argument.kind().ends_with("_comment") {
                out.push(self.named(argument).unwrap_or((None, argument)));
            }
        }
        out
    }

    /// `name = value`, `name: value`.
    fn named<'t>(&self, pair: Node<'t>) -> Option<(Option<String>, Node<'t>)> {
        let name = pair.child_by_field_name("key").or_else(|| pair.child_by_field_name("name"))?;
        let value = pair.child_by_field_name("value")?;
        let name = self.fold(name).filter(|_| self.language.nodes.string.contains(&name.kind()));
        let key = pair.child_by_field_name("key").or_else(|| pair.child_by_field_name("name"))?;
        Some((Some(name.unwrap_or_else(|| self.of(key).to_owned())), value))
    }

    /// The texts of a value, or of a list of values; `None`: one is not known.
    pub fn texts_of(&self, value: Node<'_>) -> Option<Vec<String>> {
        let known = |node| self.fold(node).filter(|text| !text.contains(UNKNOWN));
        if self.language.nodes.list.contains(&value.kind()) {
            let mut cursor = value.walk();
            return value.named_children(&mut cursor).map(known).collect();
        }
        known(value).map(|text| vec![text])
    }
}

/// How many calls of a chain are looked at.
const MAX_CHAIN: usize = 64;

/// Whether a name is one whose value is a table, in this class: by words with what the file must hold.
pub fn is_named(file: &File<'_>, name: Node<'_>, class: Option<&str>, words: &[&str]) -> bool {
    let name = file.of(name).trim_matches(['"', '\'']);
    words.iter().any(|word| {
        let mut all = word.split(' ');
        let (own, mut marks) = (all.next().unwrap_or(""), all.peekable());
        let fits = match own.split_once('.') {
            Some((holder, own)) => class == Some(holder) && name == own,
            None => name == own,
        };
        fits && (marks.peek().is_none() || marks.any(|mark| file.text.contains(mark)))
    })
}

/// Whether a call is one whose first argument is a table. Where it matters what it comes from, metadata as its
/// second argument tell as well (SQLAlchemy's `db.Table("orders", db.metadata)`).
pub fn is_called(file: &File<'_>, callee: &str, arguments: Node<'_>) -> bool {
    let words = file.language.tables.called;
    if file.takes(callee, words) {
        return true;
    }
    let second = arguments.named_child(1).map_or("", |it| last(file.of(it)).trim_end_matches("()"));
    let metadata = matches!(second, "metadata" | "meta" | "MetaData" | "metadata_obj");
    metadata && words.iter().filter_map(|word| word.split_once(' ')).any(|(word, _)| fits(callee, &[word]))
}

/// Whether a chain of calls holds one of these, before this call or behind it.
pub fn chain_has(file: &File<'_>, call: Node<'_>, words: &[&str]) -> bool {
    let is = |call: Node<'_>| call_of(call).is_some_and(|it| fits(file.callee(it.arguments), words));
    let before = std::iter::successors(Some(call), |at| call_of(*at)?.receiver);
    let behind = std::iter::successors(file.parent(call), |at| {
        let above = file.parent(*at)?;
        let on = |name| above.child_by_field_name(name).is_some_and(|it| it.id() == at.id());
        (on("object") || on("function")).then_some(above)
    });
    before.take(MAX_CHAIN).any(is) || behind.take(MAX_CHAIN).any(is)
}

/// The table an annotation names; `None`: it names none.
pub fn named(file: &File<'_>, annotation: &Annotation<'_>) -> Option<Table> {
    let arguments = file.arguments(annotation.arguments?);
    let get =
        |names: &[&str]| arguments.iter().find(|(name, _)| names.contains(&name.as_deref().unwrap_or("")));
    let name = get(&["name", "tableName", "value", ""]).filter(|(name, value)| {
        name.is_some() || file.language.nodes.string.contains(&value.kind()) || file.fold(*value).is_some()
    });
    let known =
        |value: Node<'_>| file.fold(value).filter(|text| !text.contains(UNKNOWN) && !text.trim().is_empty());
    let schema = get(&["schema"]).map(|(_, value)| known(*value));
    let Some((_, name)) = name else {
        // A schema alone leaves the name to the convention, which is told without one.
        return schema.map(|_| Table::Unknown);
    };
    match (known(*name), schema) {
        (Some(name), None) => Some(Table::Named(name.split('.').map(str::to_owned).collect())),
        (Some(name), Some(Some(schema))) => Some(Table::Named(vec![schema, name])),
        _ => Some(Table::Unknown),
    }
}

/// The classes of a file that are mapped, with the node each stands at.
pub fn of_tree<'t>(file: &File<'_>, marked: &Marked<'t>, path: &Text) -> Vec<(Node<'t>, Mapped)> {
    let words = &file.language.tables;
    if file.works_with.no_tables {
        return Vec::new();
    }
    let is = |it: &Annotation<'_>, names: &[&str]| names.contains(&last(file.of(it.name)));
    let mut out = Vec::new();
    for entity in marked.annotations.iter().filter(|it| is(it, words.entities)) {
        let Some(class) = entity.on.child_by_field_name("name") else { continue };
        let of_class = || marked.at(entity.on).iter();
        let table = of_class().filter(|it| is(it, words.annotations)).find_map(|it| named(file, it));
        let name = file.of(class).to_owned();
        let own = entity.arguments.filter(|_| !is(entity, words.annotations));
        let own = own.map(|arguments| file.arguments(arguments)).unwrap_or_default();
        let own = own.iter().find(|(name, _)| name.as_deref() == Some("name"));
        let heritage = entity.on.child_by_field_name("superclass").or_else(|| {
            let mut cursor = entity.on.walk();
            entity.on.named_children(&mut cursor).find(|child| child.kind() == "class_heritage")
        });
        let above = heritage.and_then(|node| {
            let text = file.of(node).strip_prefix("extends")?.trim_start();
            Some(last(text.split(|c: char| !(c.is_alphanumeric() || "._$".contains(c))).next()?).to_owned())
        });
        let split = of_class().filter(|it| last(file.of(it.name)) == "Inheritance").any(|it| {
            let strategy = it.arguments.map_or("", |arguments| file.of(arguments));
            strategy.contains("JOINED") || strategy.contains("TABLE_PER_CLASS")
        });
        let entity_name = own.and_then(|(_, value)| file.fold(*value)).unwrap_or_else(|| name.clone());
        let (table, path) = (table.unwrap_or(Table::ByClass), path.clone());
        out.push((class, Mapped { name, entity: entity_name, above, split, table, path }));
    }
    out
}

/// The mapped classes of a file, read by themselves.
pub fn of_file(file: &InputFile, languages: &[Language], modules: &Modules<'_>) -> Vec<Mapped> {
    let ending = file.name().rsplit_once('.').map_or("", |(_, ending)| ending);
    let language = languages.iter().find(|it| it.endings.contains(&ending) && !it.tables.entities.is_empty());
    let Some(language) = language.filter(|_| !file.ignored) else { return Vec::new() };
    let text = file.text().unwrap_or_default();
    if !language.tables.entities.iter().any(|word| text.contains(&format!("@{word}"))) {
        return Vec::new();
    }
    let Ok(tree) = tree_of(language, &text) else { return Vec::new() };
    let mut marked = mark(language, &text, tree.root_node());
    let parents = std::mem::take(&mut marked.parents);
    let imported = modules.imported(file, language, &marked.imports);
    let mut known = File { imported, ..File::new(language, &text, parents) };
    known.learn(tree.root_node(), &marked);
    of_tree(&known, &marked, &file.path).into_iter().map(|(_, mapped)| mapped).collect()
}

/// `OrderItem` as `order_item`, by the rule of Hibernate's and Spring's naming strategy.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| letters[index]);
        let after = letters.get(index + 1);
        let hump = letter.is_uppercase()
            && before.is_some_and(|before| before.is_lowercase() || before.is_ascii_digit())
            && after.is_none_or(|after| after.is_lowercase() || after.is_ascii_digit());
        if hump {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

/// Whether a name is spelled with a letter that is upper case behind one that is not.
fn has_hump(name: &str) -> bool {
    let letters: Vec<char> = name.chars().collect();
    letters.windows(2).any(|pair| pair[0].is_lowercase() && pair[1].is_uppercase())
}

/// A part of a table's name as the server has it: `None`, if that cannot be told.
fn part(name: &str, naming: Naming, folds: bool) -> Option<String> {
    let quoted = name.trim_matches(['"', '`', '[', ']']);
    if quoted.len() != name.len() {
        return Some(quoted.to_owned());
    }
    match naming {
        _ if !folds => Some(name.to_owned()),
        Naming::Snake => Some(snake(name)),
        Naming::Unknown if has_hump(name) => None,
        _ => Some(name.to_lowercase()),
    }
}

/// The parts of a table's name as the server has them; `None`: that cannot be told.
pub fn parts(names: &[String], language: &Language, naming: Naming) -> Option<Vec<Text>> {
    // Spring's strategy treats what somebody wrote like what it makes itself; others take it as it stands.
    let folds = language.tables.naming == ["spring"];
    names.iter().map(|name| part(name, naming, folds).map(Text::from)).collect()
}

impl Mapped {
    /// Which table it comes to, under a component's naming.
    pub fn resolve(&self, language: &Language, naming: Naming, modules: &Modules<'_>) -> Resolved {
        match &self.table {
            Table::Unknown => Resolved::Unknown,
            Table::Named(names) => match parts(names, language, naming) {
                Some(parts) => Resolved::Table(parts, Confidence::Medium),
                None => Resolved::Unknown,
            },
            Table::ByClass => {
                let above = self.above.as_ref().and_then(|above| modules.mapped().get(above)?.first());
                if above.is_some_and(|above| !above.split) {
                    return Resolved::OfAbove;
                }
                let own = match naming {
                    Naming::Snake => Some(snake(&self.entity)),
                    Naming::AsWritten => Some(self.entity.to_lowercase()),
                    Naming::Unknown => (!has_hump(&self.entity)).then(|| self.entity.to_lowercase()),
                };
                own.map_or(Resolved::Unknown, |name| Resolved::Table(vec![Text::from(name)], Confidence::Low))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Naming, part, snake};

    #[test]
    fn names_are_made_as_the_strategy_makes_them() {
        for (name, want) in [
            ("OrderItem", "order_item"),
            ("URLCheck", "urlcheck"),
            ("orders", "orders"),
            ("Vet", "vet"),
            ("ItemV2", "item_v2"),
        ] {
            assert_eq!(snake(name), want);
        }
    }

    #[test]
    fn a_written_name_whose_spelling_decides_is_unknown_without_the_strategy() {
        for (name, naming, folds, want) in [
            ("orderItems", Naming::Unknown, true, None),
            ("orderItems", Naming::Snake, true, Some("order_items")),
            ("ORDERS", Naming::Unknown, true, Some("orders")),
            ("orderItems", Naming::Snake, false, Some("orderItems")),
            ("\"Order\"", Naming::Unknown, true, Some("Order")),
        ] {
            assert_eq!(part(name, naming, folds).as_deref(), want, "{name}");
        }
    }
}
