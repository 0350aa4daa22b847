//! What an expression of Python stands for, as far as its text tells: literals, tables, calls with their arguments, texts
//! put together of constants. It evaluates no call but those that only put such values together, and never guesses.

use super::{Module, Round, line};
use tree_sitter::Node;

/// How deep values may stand in each other, names followed.
const MAX_DEPTH: usize = 24;
/// How long a text may grow.
const MAX_TEXT: usize = 64 * 1024;
/// How many items a list may have.
const MAX_ITEMS: usize = 2_000;
/// How much of an unknown expression is shown.
const MAX_SHOWN: usize = 60;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Truth(bool),
    /// A number.
    Number(f64),
    /// A text; what only a run can tell is `{{ … }}`.
    Text(String),
    /// A list, tuple or set.
    List(Vec<Value>),
    /// A table.
    Table(Vec<(Value, Value)>),
    /// A call.
    Call(Box<Call>),
    /// A name that the file does not give one value, with what it was imported as.
    Name(String),
    /// Something else, as it is written.
    Unknown(String),
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Call {
    /// What is called, with dots and by the name it was imported as.
    pub callee: String,
    /// What a method is called on, where that is no name alone.
    pub on: Option<Value>,
    /// Arguments by their place.
    pub arguments: Vec<Value>,
    /// Arguments by name.
    pub keywords: Vec<(String, Value)>,
    /// Whether others are given that cannot be seen.
    pub open: bool,
    /// Its line, counted from 1.
    pub line: u64,
}

impl Call {
    /// The last part of what is called.
    pub fn name(&self) -> &str {
        self.callee.rsplit('.').next().unwrap_or(&self.callee)
    }

    /// An argument by its name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.keywords.iter().find(|(keyword, _)| keyword == name).map(|(_, value)| value)
    }

    /// An argument by its name or its place.
    pub fn get_or(&self, name: &str, at: usize) -> Option<&Value> {
        self.get(name).or_else(|| self.arguments.get(at))
    }
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text, if all of it is known.
    pub fn whole_text(&self) -> Option<&str> {
        self.text().filter(|text| !text.contains("{{"))
    }

    /// The call, if it is one.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Value::Call(call) => Some(call),
            _ => None,
        }
    }

    /// The entry of a table.
    pub fn entry(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Table(entries) => {
                entries.iter().rev().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
            }
            Value::Call(call) if call.callee == "dict" => call.get(name),
            _ => None,
        }
    }

    /// As it is shown to people.
    pub fn shown(&self) -> String {
        let list = |items: &[Value]| items.iter().map(Value::shown).collect::<Vec<_>>().join(", ");
        match self {
            Value::None => "None".to_owned(),
            Value::Truth(true) => "True".to_owned(),
            Value::Truth(false) => "False".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            Value::List(items) => list(items),
            Value::Table(_) => "{…}".to_owned(),
            Value::Call(call) if call.arguments.is_empty() && call.keywords.is_empty() => {
                format!("{}()", call.callee)
            }
            Value::Call(call) => format!("{}(…)", call.callee),
            Value::Name(name) => name.clone(),
            Value::Unknown(text) => text.clone(),
        }
    }
}

impl<'t> Module<'t> {
    /// What an expression stands for in a round of the loops around it.
    pub fn value(&self, node: Node<'t>, round: &Round<'t>) -> Value {
        self.value_at(node, round, 0)
    }

    /// A call with its arguments, in a round of the loops around it.
    pub fn call(&self, node: Node<'t>, round: &Round<'t>) -> Option<Call> {
        self.call_at(node, round, 0)
    }

    /// The name of what a node calls, as it was imported.
    pub fn callee(&self, call: Node<'t>) -> Option<String> {
        Some(self.origin(&self.dotted(call.child_by_field_name("function")?)?))
    }

    fn unknown(&self, node: Node<'t>) -> Value {
        let text = self.of_node(node).split_whitespace().collect::<Vec<_>>().join(" ");
        let text: String = text.chars().filter(|c| !matches!(c, '{' | '}')).take(MAX_SHOWN).collect();
        Value::Unknown(text)
    }

    fn value_at(&self, node: Node<'t>, round: &Round<'t>, depth: usize) -> Value {
        let left = self.values_left.get().saturating_sub(1);
        self.values_left.set(left);
        if depth > MAX_DEPTH || left == 0 {
            return self.unknown(node);
        }
        let child = |at: usize| node.named_child(at as u32).map(|it| self.value_at(it, round, depth + 1));
        match node.kind() {
            "none" => Value::None,
            "true" => Value::Truth(true),
            "false" => Value::Truth(false),
            "integer" | "float" => {
                let text = self.of_node(node).replace('_', "");
                text.parse().map_or_else(|_| self.unknown(node), Value::Number)
            }
            "string" | "concatenated_string" => self.string(node, round, depth),
            "parenthesized_expression" if node.named_child_count() == 1 => {
                child(0).unwrap_or_else(|| self.unknown(node))
            }
            "list" | "tuple" | "set" | "expression_list" => self.list(node, round, depth),
            "dictionary" => self.table(node, round, depth),
            "identifier" | "attribute" => self.name(node, round, depth),
            "subscript" => self.subscript(node, round, depth).unwrap_or_else(|| self.unknown(node)),
            "unary_operator" => match (self.of_node(node).starts_with('-'), child(0)) {
                (true, Some(Value::Number(number))) => Value::Number(-number),
                _ => self.unknown(node),
            },
            "binary_operator" => self.binary(node, round, depth).unwrap_or_else(|| self.unknown(node)),
            "call" => self.called(node, round, depth).unwrap_or_else(|| self.unknown(node)),
            _ => self.unknown(node),
        }
    }

    fn list(&self, node: Node<'t>, round: &Round<'t>, depth: usize) -> Value {
        let mut cursor = node.walk();
        let items = node.named_children(&mut cursor).filter(|it| it.kind() != "comment").take(MAX_ITEMS);
        Value::List(items.map(|item| self.value_at(item, round, depth + 1)).collect())
    }

    fn table(&self, node: Node<'t>, round: &Round<'t>, depth: usize) -> Value {
        let (mut cursor, mut entries) = (node.walk(), Vec::new());
        for entry in node.named_children(&mut cursor).take(MAX_ITEMS) {
            let pair = (entry.child_by_field_name("key"), entry.child_by_field_name("value"));
            if let (Some(key), Some(value)) = pair {
                let key = self.value_at(key, round, depth + 1);
                entries.push((key, self.value_at(value, round, depth + 1)));
            } else if entry.kind() == "dictionary_splat"
                && let Some(inner) = entry.named_child(0)
            {
                match self.value_at(inner, round, depth + 1) {
                    Value::Table(more) => entries.extend(more),
                    other => entries.push((Value::Unknown(format!("**{}", other.shown())), other)),
                }
            }
        }
        Value::Table(entries)
    }

    fn name(&self, node: Node<'t>, round: &Round<'t>, depth: usize) -> Value {
        let Some(name) = self.dotted(node) else { return self.unknown(node) };
        if let Some((_, value)) = round.iter().rev().find(|(bound, _)| *bound == name) {
            return value.clone();
        }
        if name.contains("()") {
            return self.unknown(node);
        }
        match self.named(&name, node) {
            // A name that is given itself (`x = x or y`) is unknown.
            Some(value) if !value.byte_range().contains(&node.start_byte()) => {
                self.value_at(value, round, depth + 1)
            }
            _ => Value::Name(self.origin(&name)),
        }
    }

    fn subscript(&self, node: Node<'t>, round: &Round<'t>, depth: usize) -> Option<Value> {
        let table = self.value_at(node.child_by_field_name("value")?, round, depth + 1);
        let key = self.value_at(node.child_by_field_name("subscript")?, round, depth + 1);
        match (&table, &key) {
            (Value::List(items), Value::Number(at)) if *at >= 0.0 => items.get(*at as usize).cloned(),
            (_, Value::Text(key)) => table.entry(key).cloned(),
            _ => None,
        }
    }

    fn string(&self, node: Node<'t>, round: &Round<'t>, depth: usize) -> Value {
        let mut text = String::new();
        let mut cursor = node.walk();
        if node.kind() == "concatenated_string" {
            for part in node.named_children(&mut cursor).filter(|part| part.kind() == "string") {
                if let Value::Text(part) = self.string(part, round, depth + 1) {
                    text.push_str(&part);
                }
            }
            return Value::Text(text);
        }
        let mut raw = false;
        for part in node.named_children(&mut cursor) {
            match part.kind() {
                "string_start" => raw = self.of_node(part).to_ascii_lowercase().contains('r'),
                "string_content" if raw => text.push_str(self.of_node(part)),
                "string_content" => text.push_str(&self.unescaped(part)),
                "interpolation" => {
                    let inner = part.child_by_field_name("expression").or_else(|| part.named_child(0));
                    let value = inner.map(|inner| self.value_at(inner, round, depth + 1));
                    text.push_str(&value.map_or("{{}}".to_owned(), |value| in_text(&value)));
                }
                _ => {}
            }
            if text.len() > MAX_TEXT {
                return self.unknown(node);
            }
        }
        Value::Text(text)
    }

    /// The text of a literal, with what stands for its escapes and for doubled braces of a format.
    fn unescaped(&self, node: Node<'t>) -> String {
        let (mut text, mut at) = (String::new(), node.start_byte());
        let mut cursor = node.walk();
        for part in node.named_children(&mut cursor) {
            text.push_str(self.text.get(at..part.start_byte()).unwrap_or(""));
            at = part.end_byte();
            let escape = self.of_node(part);
            match (part.kind(), escape) {
                ("escape_interpolation", _) => text.push_str(&escape[..escape.len() / 2]),
                (_, "\\n") => text.push('\n'),
                (_, "\\t") => text.push('\t'),
                (_, "\\\\") => text.push('\\'),
                (_, "\\'") => text.push('\''),
                (_, "\\\"") => text.push('"'),
                (_, escape) if escape.starts_with("\\\n") || escape.starts_with("\\\r") => {}
                (_, escape) => text.push_str(escape),
            }
        }
        text.push_str(self.text.get(at..node.end_byte()).unwrap_or(""));
        text
    }

    fn binary(&self, node: Node<'t>, round: &Round<'t>, depth: usize) -> Option<Value> {
        let left = self.value_at(node.child_by_field_name("left")?, round, depth + 1);
        let right = self.value_at(node.child_by_field_name("right")?, round, depth + 1);
        let sign = self.of_node(node.child_by_field_name("operator")?);
        match (sign, left, right) {
            ("+", Value::Number(a), Value::Number(b)) => Some(Value::Number(a + b)),
            ("-", Value::Number(a), Value::Number(b)) => Some(Value::Number(a - b)),
            ("*", Value::Number(a), Value::Number(b)) => Some(Value::Number(a * b)),
            ("/", Value::Number(a), Value::Number(b)) if b != 0.0 => Some(Value::Number(a / b)),
            ("//", Value::Number(a), Value::Number(b)) if b != 0.0 => Some(Value::Number((a / b).floor())),
            ("+", Value::List(mut a), Value::List(b)) => {
                a.extend(b);
                a.truncate(MAX_ITEMS);
                Some(Value::List(a))
            }
            ("+", a @ (Value::Text(_) | Value::Name(_)), b)
                if matches!(a, Value::Text(_)) || b.text().is_some() =>
            {
                let text = in_text(&a) + &in_text(&b);
                (text.len() <= MAX_TEXT).then_some(Value::Text(text))
            }
            ("|", Value::Table(mut a), Value::Table(b)) => {
                a.extend(b);
                Some(Value::Table(a))
            }
            // Assets of Airflow: what is written once all, or any, of them are.
            ("&" | "|", a @ (Value::Call(_) | Value::List(_)), b @ (Value::Call(_) | Value::List(_))) => {
                let callee = if sign == "&" { "AssetAll" } else { "AssetAny" }.to_owned();
                let (on, keywords, open, line) = (None, Vec::new(), false, line(node));
                let call = Call { callee, on, arguments: vec![a, b], keywords, open, line };
                Some(Value::Call(Box::new(call)))
            }
            ("%", Value::Text(form), given) => percent(&form, &given).map(Value::Text),
            _ => None,
        }
    }

    fn call_at(&self, node: Node<'t>, round: &Round<'t>, depth: usize) -> Option<Call> {
        let function = node.child_by_field_name("function")?;
        let callee = self.origin(&self.dotted(function)?);
        let on = match function.child_by_field_name("object") {
            Some(object)
                if object.kind() != "identifier" || self.named(self.of_node(object), object).is_some() =>
            {
                Some(self.value_at(object, round, depth + 1))
            }
            _ => None,
        };
        let mut call =
            Call { callee, on, arguments: Vec::new(), keywords: Vec::new(), open: false, line: line(node) };
        let arguments = node.child_by_field_name("arguments")?;
        let mut cursor = arguments.walk();
        for argument in arguments.named_children(&mut cursor).take(MAX_ITEMS) {
            match argument.kind() {
                "comment" => {}
                "keyword_argument" => {
                    let name = self.of_node(argument.child_by_field_name("name")?);
                    let value = argument.child_by_field_name("value")?;
                    call.keywords.push((name.to_owned(), self.value_at(value, round, depth + 1)));
                }
                "dictionary_splat" => {
                    let inner = self.value_at(argument.named_child(0)?, round, depth + 1);
                    match inner {
                        Value::Table(entries) => {
                            for (key, value) in entries {
                                match key {
                                    Value::Text(key) => call.keywords.push((key, value)),
                                    _ => call.open = true,
                                }
                            }
                        }
                        Value::Call(inner) if inner.callee == "dict" => call.keywords.extend(inner.keywords),
                        _ => call.open = true,
                    }
                }
                "list_splat" => call.open = true,
                _ => call.arguments.push(self.value_at(argument, round, depth + 1)),
            }
        }
        Some(call)
    }

    /// A call, or what it puts together.
    fn called(&self, node: Node<'t>, round: &Round<'t>, depth: usize) -> Option<Value> {
        let call = self.call_at(node, round, depth)?;
        let number = |value: Option<&Value>| match value {
            Some(Value::Number(number)) => Some(*number as i64),
            _ => None,
        };
        match (call.name(), call.on.as_ref(), &call.arguments[..]) {
            ("items", Some(Value::Table(entries)), []) => {
                let pairs = entries.iter().map(|(key, value)| Value::List(vec![key.clone(), value.clone()]));
                return Some(Value::List(pairs.collect()));
            }
            ("keys", Some(Value::Table(entries)), []) => {
                return Some(Value::List(entries.iter().map(|(key, _)| key.clone()).collect()));
            }
            ("values", Some(Value::Table(entries)), []) => {
                return Some(Value::List(entries.iter().map(|(_, value)| value.clone()).collect()));
            }
            ("copy" | "strip" | "dedent", Some(value), []) => return Some(value.clone()),
            ("dedent", _, [Value::Text(text)]) => return Some(Value::Text(text.clone())),
            ("lower", Some(Value::Text(text)), []) => return Some(Value::Text(text.to_lowercase())),
            ("upper", Some(Value::Text(text)), []) => return Some(Value::Text(text.to_uppercase())),
            ("replace", Some(Value::Text(text)), [Value::Text(from), Value::Text(to)])
                if !from.is_empty() =>
            {
                let text = text.replace(from.as_str(), to);
                return (text.len() <= MAX_TEXT).then_some(Value::Text(text));
            }
            ("format", Some(Value::Text(form)), _) if !call.open => {
                return format(form, &call).map(Value::Text);
            }
            ("str", None, [value @ (Value::Text(_) | Value::Number(_))]) => {
                return Some(Value::Text(in_text(value)));
            }
            ("int" | "float", None, [value @ Value::Number(_)]) => return Some(value.clone()),
            ("list" | "tuple" | "set" | "sorted", None, [Value::List(items)]) => {
                return Some(Value::List(items.clone()));
            }
            ("range", None, arguments @ ([_] | [_, _] | [_, _, _])) => {
                let (from, to) = match arguments {
                    [to] => (0, number(Some(to))?),
                    _ => (number(arguments.first())?, number(arguments.get(1))?),
                };
                let step = if arguments.len() == 3 { number(arguments.get(2))? } else { 1 };
                let step = usize::try_from(step).ok().filter(|step| *step > 0)?;
                let items = (from..to).step_by(step).take(MAX_ITEMS).map(|it| Value::Number(it as f64));
                return Some(Value::List(items.collect()));
            }
            ("dict", None, []) if !call.open && call.callee == "dict" => {
                let entries = call.keywords.into_iter().map(|(key, value)| (Value::Text(key), value));
                return Some(Value::Table(entries.collect()));
            }
            _ => {}
        }
        Some(Value::Call(Box::new(call)))
    }
}

/// A value within a text; what is unknown is a placeholder.
fn in_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(_) | Value::Truth(_) | Value::None => value.shown(),
        other => format!("{{{{ {} }}}}", other.shown()),
    }
}

/// `form % given`, with `%s` and `%d` alone.
fn percent(form: &str, given: &Value) -> Option<String> {
    let (mut text, mut rest, mut at) = (String::new(), form, 0);
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        if let Some((name, after)) = after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            text.push_str(&in_text(given.entry(name)?));
            rest = after.strip_prefix(['s', 'd'])?;
            continue;
        }
        rest = after.strip_prefix(['s', 'd'])?;
        match given {
            Value::List(items) => text.push_str(&in_text(items.get(at)?)),
            one if at == 0 => text.push_str(&in_text(one)),
            _ => return None,
        }
        at += 1;
    }
    text.push_str(rest);
    (text.len() <= MAX_TEXT).then_some(text)
}

/// `form.format(…)`, with plain fields alone.
fn format(form: &str, call: &Call) -> Option<String> {
    let (mut text, mut rest, mut next) = (String::new(), form, 0);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        if let Some(doubled) = ["{{", "}}"].iter().find(|sign| after.starts_with(**sign)) {
            text.push_str(&doubled[..1]);
            rest = &after[2..];
            continue;
        }
        let (field, after) = after.strip_prefix('{')?.split_once('}')?;
        let value = match (field, field.parse::<usize>()) {
            ("", _) => {
                next += 1;
                call.arguments.get(next - 1)
            }
            (_, Ok(at)) => call.arguments.get(at),
            (name, _) => call.get(name),
        };
        text.push_str(&in_text(value?));
        rest = after;
    }
    text.push_str(rest);
    (text.len() <= MAX_TEXT).then_some(text)
}
