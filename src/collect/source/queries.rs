//! Queries over classes (JPQL, HQL) look like SQL and name no tables: this tells which is which, by where the
//! text stands, and by classes of the scan that are spelled like what it names. It states nothing itself.

use super::fold::{File, call_of};
use super::modules::Modules;
use super::tables::{Mapped, last};
use crate::evidence::{Action, Text};
use std::borrow::Cow;
use tree_sitter::Node;

/// How far out of a text the annotation or call that holds it is looked for.
const MAX_OUT: usize = 24;
/// How many words of a query over classes are read.
const MAX_WORDS: usize = 10_000;

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

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What it is a query over, if it is one.
    pub of: Of,
    /// Whether who takes it takes nothing but statements.
    pub certain: bool,
}

/// Where a text stands: in which annotation, in which call.
pub fn standing(file: &File<'_>, node: Node<'_>, text: &str) -> Standing {
    let words = &file.language.entities;
    let takes = file.language.statements.callees;
    let mut at = node;
    for _ in 0..MAX_OUT {
        let Some(parent) = file.parent(at) else { break };
        if parent.kind() == "annotation" {
            let name = parent.child_by_field_name("name").map_or("", |name| last(file.of(name)));
            if !words.annotations.contains(&name) {
                let certain = takes.iter().any(|word| word.strip_prefix('@') == Some(name));
                return Standing { of: Of::Tables, certain };
            }
            let arguments: String = file.of(parent).split_whitespace().collect();
            let native = words.native.iter().any(|word| {
                let word: String = word.split_whitespace().collect();
                arguments.contains(&word)
            });
            let of = if native || file.works_with.plain_queries { Of::Tables } else { Of::Classes };
            return Standing { of, certain: true };
        }
        if let Some(call) = call_of(parent).filter(|call| call.arguments.id() == at.id()) {
            let callee = file.callee(call.arguments);
            if words.calls.contains(&last(callee)) {
                return Standing { of: Of::Classes, certain: true };
            }
            if file.takes(callee, takes) {
                return Standing { of: Of::Tables, certain: true };
            }
        }
        if parent.kind().ends_with("statement") || parent.kind().ends_with("body") {
            break;
        }
        at = parent;
    }
    // Only queries over classes fetch what they join; none of them selects a star.
    if !words.annotations.is_empty() && text.to_ascii_lowercase().contains(" join fetch ") {
        return Standing { of: Of::Classes, certain: false };
    }
    let star = text.split_whitespace().nth(1).is_some_and(|word| word.starts_with('*'));
    let of = if star || words.annotations.is_empty() { Of::Tables } else { Of::Either };
    Standing { of, certain: false }
}

/// A statement as the server gets it: a query over classes may leave its SELECT out, JDBC has an escape for
/// calls, `{? = call f(?)}`, and marks of its own for parameters.
pub fn whole<'t>(file: &File<'_>, of: Of, text: &'t str) -> Cow<'t, str> {
    let first = text.split_whitespace().next().unwrap_or("");
    if of == Of::Classes && first.eq_ignore_ascii_case("from") {
        return format!("select * {}", text.trim_start()).into();
    }
    if let Some(quoted) = backticks(text) {
        return whole(file, of, &quoted).into_owned().into();
    }
    if file.language.statements.parameters.is_empty() || !text.contains('?') && !text.contains("{call") {
        return text.into();
    }
    let escaped = text.trim().strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
    let called = escaped.map(|inner| inner.trim().trim_start_matches(['?', '=', ' ']));
    let called = called.filter(|inner| inner.get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case("call ")));
    numbered(called.unwrap_or(text)).into()
}

/// A statement whose names are quoted as MySQL does, quoted as the standard says: a quoted name keeps its case,
/// as it does in `@Table(name = "`Order`")`, and one that is not is folded. Hibernate quotes no name by itself,
/// so that PostgreSQL folds what stands plain in `@Table`; the mappers that quote all names (TypeORM, Sequelize,
/// knex, SQLAlchemy) keep them as written. PostgreSQL has no other use for a backtick.
pub fn backticks(text: &str) -> Option<String> {
    let count = text.bytes().filter(|byte| *byte == b'`').count();
    (count > 0 && count.is_multiple_of(2)).then(|| text.replace('`', "\""))
}

/// `?` and `?2` outside of quotes as `$1` and `$2`; `??` is the operator `?`.
fn numbered(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let (mut quote, mut next) = (None, 0);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\'' | '"', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            ('?', None) if letters.next_if_eq(&'?').is_some() => {}
            ('?', None) => {
                next += 1;
                let digits = letters.peek().is_some_and(char::is_ascii_digit);
                out.push('$');
                if !digits {
                    out.push_str(&next.to_string());
                }
                continue;
            }
            _ => {}
        }
        out.push(letter);
    }
    out
}

/// Whether the names behind FROM are those of classes.
pub fn names_classes(of: Of, file: &File<'_>, text: &str, modules: &Modules<'_>) -> bool {
    match of {
        Of::Tables => false,
        Of::Classes => true,
        Of::Either => classes(text).iter().any(|(_, name)| {
            let capital = name.starts_with(char::is_uppercase);
            let like_a_class = capital && name.contains(char::is_lowercase);
            let known = || modules.mapped().values().flatten().any(|it| it.entity == *name);
            (capital && modules.mapped().contains_key(name.as_str()))
                || (like_a_class && (file.works_with.classes || known()))
        }),
    }
}

/// The classes that a query names, and what is done with them (Jakarta Persistence, "Query Language"): behind
/// FROM, UPDATE, DELETE and JOIN. A path (`o.items`) names none.
pub fn classes(text: &str) -> Vec<(Action, String)> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ").replace(',', " , ");
    let words: Vec<&str> = spaced.split_whitespace().take(MAX_WORDS).collect();
    let word = |at: usize| words.get(at).map_or(String::new(), |word| word.to_ascii_lowercase());
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (verb, mut next) = (word(at), at + 1);
        let action = match verb.as_str() {
            "update" | "delete" if at == 0 => Action::Write,
            "from" | "join" => Action::Read,
            _ => {
                at += 1;
                continue;
            }
        };
        while matches!(word(next).as_str(), "from" | "fetch") {
            next += 1;
        }
        // `from A a, B b`; `join` has one.
        loop {
            let name = words.get(next).copied().unwrap_or("");
            let called = word(next + 1) == "(";
            if !name.is_empty() && !name.contains('.') && !called && !matches!(name, "(" | ")" | ",") {
                out.push((action, name.to_owned()));
            }
            next += 1;
            let alias = if word(next) == "as" { 2 } else { usize::from(word(next) != ",") };
            if verb == "from" && word(next + alias) == "," {
                next += alias + 1;
            } else {
                break;
            }
        }
        at = next;
    }
    out
}

/// The mapped class that a query names: of several the one of the component, if that is one.
pub fn class<'m>(name: &str, component: &Text, modules: &'m Modules<'_>) -> Option<&'m Mapped> {
    let all = modules.mapped().values().flatten();
    let named: Vec<&Mapped> = all.filter(|it| it.entity == name).collect();
    let own: Vec<&Mapped> =
        named.iter().filter(|it| it.path.starts_with(&format!("{component}/"))).copied().collect();
    match (own.as_slice(), named.as_slice()) {
        ([one], _) | ([], [one]) => Some(one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, classes, numbered};

    #[test]
    fn classes_are_told_from_paths_and_functions() {
        for (text, want) in [
            ("select o from Order as o left join fetch o.items i where i.id = 1", vec!["Order"]),
            (
                "select o, c from Order o, Customer as c join Tag t on t.id = o.id",
                vec!["Order", "Customer", "Tag"],
            ),
            (
                "select o from Order o, in(o.items) i where o.at > (select max(p.at) from Pay p)",
                vec!["Order", "Pay"],
            ),
            ("select extract(year from o.at) from Order o", vec!["Order"]),
            ("from Order", vec!["Order"]),
        ] {
            let named: Vec<String> = classes(text).into_iter().map(|(_, name)| name).collect();
            assert_eq!(named, want, "{text}");
        }
        assert_eq!(classes("delete from Order o where o.x = 1"), [(Action::Write, "Order".to_owned())]);
        assert_eq!(classes("update Order set x = 1"), [(Action::Write, "Order".to_owned())]);
    }

    #[test]
    fn marks_of_parameters_are_numbered_and_text_in_quotes_stays() {
        for (text, want) in [
            ("SELECT a FROM t WHERE b = ? AND c = ?", "SELECT a FROM t WHERE b = $1 AND c = $2"),
            ("SELECT a FROM t WHERE b = ?2 AND c = ?1", "SELECT a FROM t WHERE b = $2 AND c = $1"),
            ("SELECT '?' FROM t WHERE b ?? 'x'", "SELECT '?' FROM t WHERE b ? 'x'"),
        ] {
            assert_eq!(numbered(text), want);
        }
    }
}
