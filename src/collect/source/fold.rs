//! Text that code puts together, worked out as far as the file and what it imports tell: literals, constants,
//! concatenation, formats, defaults of the environment. Unknown parts are `{}`. It follows no data through
//! calls, and a name that is given two values is none.

use super::language::Language;
use super::marks::Parents;
use super::scopes::Scopes;
use crate::evidence::scrub::names_secret;
use std::collections::BTreeMap;
use std::sync::Arc;
use tree_sitter::Node;

/// How deep an expression is folded, and how long text may become, in bytes.
const MAX_DEPTH: usize = 64;
const MAX_TEXT: usize = 256 * 1024;
/// How many placeholders of settings may stand in each other.
const MAX_PLACEHOLDERS: usize = 4;
/// How long the text of a callee may be, in bytes: chains of calls repeat what stands before them.
const MAX_CALLEE: usize = 400;

/// What stands for an unknown part.
pub const UNKNOWN: &str = "{}";

/// Names and the text each stands for.
pub type Constants = BTreeMap<String, String>;

/// One file with the names it knows.
pub struct File<'a> {
    /// Its language.
    pub language: &'a Language,
    /// Its text.
    pub text: &'a str,
    /// Its own names.
    pub scopes: Scopes,
    /// Names of other files.
    pub imported: Constants,
    /// The modules that imported names come from.
    pub origins: BTreeMap<String, String>,
    /// Variables of the environment, as far as a file beside the code sets them.
    pub environment: Constants,
    /// Settings of the component.
    pub properties: Arc<Constants>,
    /// What the words of the file say it works with.
    pub works_with: WorksWith,
    /// What is above the marked nodes.
    pub parents: Parents<'a>,
}

/// What a file works with, by words that it holds somewhere.
pub struct WorksWith {
    /// Classes that are mapped to tables.
    pub classes: bool,
    /// Queries in annotations that are SQL, whatever the annotation is called.
    pub plain_queries: bool,
    /// A store without tables, in the words of mapped classes.
    pub no_tables: bool,
}

/// Whether what a name stands for is a secret, in any spelling of names.
pub fn is_secret(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let mut snake = String::new();
    let mut before = '_';
    for letter in last.chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            snake.push('_');
        }
        snake.push(if letter == '-' { '_' } else { letter });
        before = letter;
    }
    names_secret(&snake)
}

/// `"a\tb"`: what an escape stands for.
fn unescaped(escape: &str) -> &str {
    match escape {
        "\\n" | "\\r" => "\n",
        "\\t" | "\\s" => " ",
        "\\\\" => "\\",
        "\\\"" => "\"",
        "\\'" => "'",
        "\\`" => "`",
        "\\$" => "$",
        // The end of a line that is none (text blocks, template literals).
        "\\\n" => "",
        other => other,
    }
}

/// A call, whatever the grammar calls its parts.
pub struct Call<'t> {
    /// Its arguments.
    pub arguments: Node<'t>,
    /// What it is called on, where it is called on something.
    pub receiver: Option<Node<'t>>,
}

/// The call that a node is.
pub fn call_of(node: Node<'_>) -> Option<Call<'_>> {
    let arguments = node.child_by_field_name("arguments")?;
    let receiver = node.child_by_field_name("object").or_else(|| {
        let function = node.child_by_field_name("function")?;
        function.child_by_field_name("object")
    });
    Some(Call { arguments, receiver })
}

/// Whether a word of a list fits a callee: `.name` is one of anything, `*` stands for any text.
pub fn fits(callee: &str, words: &[&str]) -> bool {
    words.iter().any(|word| match word.split_once('*') {
        Some((before, after)) => {
            callee.len() >= before.len() + after.len()
                && callee.starts_with(before)
                && callee.ends_with(after)
        }
        None => callee == *word || (word.starts_with('.') && callee.ends_with(word)),
    })
}

impl<'a> File<'a> {
    /// A file that knows no names yet.
    pub fn new(language: &'a Language, text: &'a str, parents: Parents<'a>) -> File<'a> {
        let holds = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let works_with = WorksWith {
            classes: holds(language.entities.marks),
            plain_queries: holds(language.entities.unless),
            no_tables: holds(language.tables.unless),
        };
        File {
            language,
            text,
            scopes: Scopes::default(),
            imported: Constants::new(),
            origins: BTreeMap::new(),
            environment: Constants::new(),
            properties: Arc::default(),
            works_with,
            parents,
        }
    }

    /// The node above a marked one, or above one that is above a marked one.
    pub fn parent(&self, node: Node<'_>) -> Option<Node<'a>> {
        self.parents.get(node)
    }
}

impl File<'_> {
    /// The text of a node.
    pub fn of(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    /// What is called: the text from the call's beginning to its arguments, without type arguments; of a long
    /// chain the end.
    pub fn callee(&self, arguments: Node<'_>) -> &str {
        let start = self.parent(arguments).map_or(arguments.start_byte(), |call| call.start_byte());
        let from = start.max(arguments.start_byte().saturating_sub(MAX_CALLEE));
        let from = (from..=arguments.start_byte()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(from);
        let text = self.text.get(from..arguments.start_byte()).unwrap_or("").trim_end();
        match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((before, _)) => before.trim_end_matches(':'),
            None => text.trim_end_matches("?."),
        }
    }

    /// Whether a word of a list fits a callee, as [`fits`] says; behind a word stand the modules that what is
    /// called must come from, if it matters.
    pub fn takes(&self, callee: &str, words: &[&str]) -> bool {
        words.iter().any(|word| {
            let (word, modules) = word.split_once(' ').unwrap_or((word, ""));
            fits(callee, &[word]) && (modules.is_empty() || self.comes_from(callee, modules))
        })
    }

    fn comes_from(&self, callee: &str, modules: &str) -> bool {
        let first = callee.split('.').next().unwrap_or(callee);
        let origin = self.origins.get(first).map_or("", |module| module.split('.').next().unwrap_or(module));
        modules.split(' ').any(|module| module == origin)
    }

    /// The text an expression gives, unknown parts as `{}`; `None`: it is no text.
    pub fn fold(&self, node: Node<'_>) -> Option<String> {
        self.folded(node, 0)
    }

    fn folded(&self, node: Node<'_>, depth: usize) -> Option<String> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (kind, nodes) = (node.kind(), &self.language.nodes);
        let mut cursor = node.walk();
        let folded = if nodes.string.contains(&kind) {
            Some(self.literal(node, depth))
        } else if nodes.concatenated.contains(&kind) {
            node.named_children(&mut cursor)
                .map(|child| self.folded(child, depth + 1))
                .collect::<Option<Vec<_>>>()
                .map(|parts| parts.concat())
        } else if nodes.parenthesized.contains(&kind) {
            node.named_child(0).and_then(|inner| self.folded(inner, depth + 1))
        } else if nodes.identifier.contains(&kind) {
            self.name(node)
        } else if nodes.binary.contains(&kind) {
            self.binary(node, depth)
        } else if nodes.call.contains(&kind) {
            self.call(node, depth)
        } else if nodes.subscript.contains(&kind) {
            self.element(node, depth)
        } else {
            None
        };
        folded.filter(|text| text.len() <= MAX_TEXT)
    }

    fn or_unknown(&self, node: Node<'_>, depth: usize) -> String {
        self.folded(node, depth + 1).unwrap_or_else(|| UNKNOWN.to_owned())
    }

    fn literal(&self, node: Node<'_>, depth: usize) -> String {
        let nodes = &self.language.nodes;
        let mut out = String::new();
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            let kind = child.kind();
            if nodes.content.contains(&kind) {
                // A grammar that keeps escapes inside of the content has no nodes for them beside it.
                out.push_str(&self.of(child).replace("\\n", "\n").replace("\\\"", "\"").replace("\\'", "'"));
            } else if nodes.escape.contains(&kind) {
                out.push_str(unescaped(self.of(child)));
            } else if nodes.interpolation.contains(&kind) {
                let inner = child.named_child(0).and_then(|inner| self.folded(inner, depth + 1));
                out.push_str(&inner.unwrap_or_else(|| UNKNOWN.to_owned()));
            }
        }
        out
    }

    fn name(&self, node: Node<'_>) -> Option<String> {
        self.known(self.of(node), node.start_byte()).flatten()
    }

    /// What a name stands for at a byte; outer `None`: nobody knows the name, inner `None`: nobody can tell its value.
    pub fn known(&self, name: &str, here: usize) -> Option<Option<String>> {
        for table in self.language.environment.tables {
            if let Some(variable) = name.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')) {
                return Some(self.environment.get(variable).cloned());
            }
        }
        if let Some(own) = self.scopes.get(name, here) {
            return Some(own.map(str::to_owned));
        }
        let own = |(object, last): (&str, &str)| match object {
            "self" | "cls" | "this" => self.scopes.of_class_at(here, last),
            // `Order.TABLE` is the file's own if the class is; a name of another module is not.
            _ => self.scopes.of_class(object.rsplit('.').next().unwrap_or(object), last),
        };
        let parts = name.rsplit_once('.');
        let found = parts.and_then(own).map(str::to_owned).or_else(|| self.imported.get(name).cloned());
        found.map(Some)
    }

    fn binary(&self, node: Node<'_>, depth: usize) -> Option<String> {
        let operator = node.child_by_field_name("operator").map(|operator| self.of(operator))?;
        let (left, right) = (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
        match operator {
            "+" => self.sum(node, depth),
            // The left one is what the environment says, the right one the default.
            "||" | "??" | "or" => self.folded(left, depth + 1).or_else(|| self.folded(right, depth + 1)),
            "%" => {
                let format = self.folded(left, depth + 1)?;
                let mut cursor = right.walk();
                let values: Vec<String> = match right.kind() {
                    "tuple" => {
                        right.named_children(&mut cursor).map(|value| self.or_unknown(value, depth)).collect()
                    }
                    _ => vec![self.or_unknown(right, depth)],
                };
                let mut values = values.into_iter();
                let mut parts = format.split("%s");
                let mut out = parts.next().unwrap_or("").to_owned();
                for part in parts {
                    out.push_str(&values.next().unwrap_or_else(|| UNKNOWN.to_owned()));
                    out.push_str(part);
                }
                Some(out)
            }
            _ => None,
        }
    }

    /// `a + b + c`: the sides of a long sum nest to the left, as deep as it is long.
    fn sum(&self, node: Node<'_>, depth: usize) -> Option<String> {
        let mut sides = Vec::new();
        let mut at = node;
        loop {
            let plus = at.child_by_field_name("operator").is_some_and(|operator| self.of(operator) == "+");
            let pair = at.child_by_field_name("left").zip(at.child_by_field_name("right"));
            match pair.filter(|_| plus && self.language.nodes.binary.contains(&at.kind())) {
                Some((left, right)) => {
                    sides.push(right);
                    at = left;
                }
                None => break,
            }
        }
        sides.push(at);
        let mut known = false;
        let mut out = String::new();
        for side in sides.into_iter().rev() {
            let folded = self.folded(side, depth + 1);
            known |= folded.is_some();
            out.push_str(folded.as_deref().unwrap_or(UNKNOWN));
            if out.len() > MAX_TEXT {
                return None;
            }
        }
        known.then_some(out)
    }

    /// `os.environ["NAME"]`.
    fn element(&self, node: Node<'_>, depth: usize) -> Option<String> {
        let (table, key) = (node.named_child(0)?, node.named_child(1)?);
        if !self.language.environment.tables.contains(&self.of(table)) {
            return None;
        }
        self.environment.get(&self.folded(key, depth + 1)?).cloned()
    }

    /// Calls that give text: of formats, of the environment with a default, and those that change nothing.
    fn call(&self, node: Node<'_>, depth: usize) -> Option<String> {
        let call = call_of(node)?;
        let callee = self.callee(call.arguments);
        let mut cursor = call.arguments.walk();
        let values: Vec<Node<'_>> = call.arguments.named_children(&mut cursor).collect();
        let format = &self.language.format;
        if self.language.environment.callees.contains(&callee) {
            let set = values.first().and_then(|name| self.folded(*name, depth + 1));
            let set = set.and_then(|name| self.environment.get(&name).cloned());
            return set.or_else(|| values.get(1).and_then(|default| self.folded(*default, depth + 1)));
        }
        if fits(callee, format.builders) && values.len() < 2 {
            return Some(values.first().and_then(|first| self.folded(*first, depth + 1)).unwrap_or_default());
        }
        let receiver = || call.receiver.and_then(|receiver| self.folded(receiver, depth + 1));
        if fits(callee, format.same) {
            return receiver();
        }
        if fits(callee, format.append) {
            let before = receiver()?;
            return Some(
                before + &values.first().map_or(String::new(), |value| self.or_unknown(*value, depth)),
            );
        }
        if fits(callee, format.percent) {
            // `String.format(Locale.ROOT, "…")` has its text second; `"…".formatted(…)` before the dot.
            let own = receiver();
            let texts = if own.is_some() {
                0
            } else {
                1 + values.iter().position(|v| self.folded(*v, depth + 1).is_some())?
            };
            let text = own.or_else(|| self.folded(values[texts - 1], depth + 1))?;
            let values = values[texts..].iter().map(|value| self.or_unknown(*value, depth)).collect();
            return Some(percent(&text, values));
        }
        if fits(callee, format.braces) {
            return self.braces(&receiver()?, &values, depth);
        }
        None
    }

    fn braces(&self, format: &str, values: &[Node<'_>], depth: usize) -> Option<String> {
        let mut plain =
            values.iter().filter(|v| v.kind() != "keyword_argument").map(|v| self.or_unknown(*v, depth));
        let named: BTreeMap<&str, String> = values
            .iter()
            .filter_map(|v| {
                let (name, value) = (v.child_by_field_name("name")?, v.child_by_field_name("value")?);
                Some((self.of(name), self.folded(value, depth + 1)?))
            })
            .collect();
        let (mut out, mut rest) = (String::new(), format);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            out.push_str(before);
            let value = if name.is_empty() || name.bytes().all(|b| b.is_ascii_digit()) {
                plain.next()
            } else {
                named.get(name).cloned()
            };
            out.push_str(&value.unwrap_or_else(|| UNKNOWN.to_owned()));
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }

    /// Text of settings with its placeholders resolved: `${name}`, `${name:default}`.
    pub fn placeholders(&self, text: &str) -> String {
        placeholders(text, &|name| self.environment.get(name).or_else(|| self.properties.get(name)).cloned())
    }
}

/// Text with its placeholders resolved: `${name}`, `${name:default}`, `${name:-default}`; unknown ones without
/// a default are `{}`.
pub fn placeholders(text: &str, known: &dyn Fn(&str) -> Option<String>) -> String {
    fn inner(text: &str, known: &dyn Fn(&str) -> Option<String>, depth: usize) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let mut open = 1usize;
            let end = after.char_indices().find_map(|(at, letter)| {
                open = match letter {
                    '{' => open + 1,
                    '}' => open - 1,
                    _ => open,
                };
                (open == 0).then_some(at)
            });
            let Some(end) = end else {
                out.push_str(UNKNOWN);
                return out;
            };
            let (name, default) = match after[..end].split_once(':') {
                Some((name, default)) => (name, Some(default.strip_prefix('-').unwrap_or(default))),
                None => (&after[..end], None),
            };
            let value = known(name).or_else(|| default.map(str::to_owned));
            match value.filter(|_| depth < MAX_PLACEHOLDERS && !is_secret(name)) {
                Some(value) if out.len() + value.len() <= MAX_TEXT => {
                    out.push_str(&inner(&value, known, depth + 1));
                }
                _ => out.push_str(UNKNOWN),
            }
            rest = &after[end + 1..];
        }
        out.push_str(rest);
        out
    }
    inner(text, known, 0)
}

/// `%s`, `%d`, `%5.2f`, `%1$s` of printf and its heirs, filled in.
fn percent(format: &str, values: Vec<String>) -> String {
    let (mut out, mut rest, mut next) = (String::new(), format, 0);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let length = after.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(after.len());
        let kind = after[length..].chars().next();
        let end = length + kind.map_or(0, char::len_utf8);
        match kind {
            Some('%') if length == 0 => out.push('%'),
            Some('n') => out.push('\n'),
            Some('s' | 'd' | 'S' | 'f' | 'x' | 'b' | 'c') if length < 8 => {
                let numbered = after[..length].split_once('$').and_then(|(number, _)| number.parse().ok());
                let index = numbered.map_or(next, |number: usize| number.saturating_sub(1));
                next += usize::from(numbered.is_none());
                out.push_str(values.get(index).map_or(UNKNOWN, String::as_str));
            }
            // A percent sign of SQL: LIKE 'a%'.
            _ => {
                out.push('%');
                rest = after;
                continue;
            }
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::{is_secret, percent, placeholders};

    #[test]
    fn formats_are_filled_in_and_what_is_no_place_stays() {
        let values = || vec!["orders".to_owned(), "id".to_owned()];
        for (format, want) in [
            ("SELECT %2$s FROM %1$s", "SELECT id FROM orders"),
            ("FROM %s WHERE %s LIKE 'a%%'", "FROM orders WHERE id LIKE 'a%'"),
            ("FROM %s WHERE a LIKE '%'", "FROM orders WHERE a LIKE '%'"),
            ("%s %s %s", "orders id {}"),
        ] {
            assert_eq!(percent(format, values()), want);
        }
    }

    #[test]
    fn placeholders_take_what_is_known_before_their_default() {
        let known = |name: &str| (name == "HOST").then(|| "db1".to_owned());
        for (text, want) in [
            ("jdbc:postgresql://${HOST:db2}/${NAME:shop}", "jdbc:postgresql://db1/shop"),
            ("${URL:jdbc:postgresql://${HOST}/x}", "jdbc:postgresql://db1/x"),
            ("${MISSING}/x", "{}/x"),
            ("${DB_PASSWORD:hunter2}", "{}"),
            ("${open", "{}"),
        ] {
            assert_eq!(placeholders(text, &known), want);
        }
    }

    #[test]
    fn secrets_are_told_in_every_spelling_of_names() {
        for (name, want) in
            [("dbPassword", true), ("spring.datasource.password", true), ("API_KEY", true), ("tokens", false)]
        {
            assert_eq!(is_secret(name), want, "{name}");
        }
    }
}
