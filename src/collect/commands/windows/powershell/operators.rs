//! Operators of PowerShell over what is known of their sides ("about_Operators"). A side that is only known when it runs
//! leaves its part of a text unknown.

use super::super::{DATE, UNKNOWN, batch::dates};
use super::{Value, is_date};

/// `+`: texts are put together, lists too.
pub(super) fn add(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::List(one), other) => {
            let mut all = one.clone();
            match other {
                Value::List(more) => all.extend(more.iter().cloned()),
                other => all.push(other.clone()),
            }
            Value::List(all)
        }
        (Value::Text(one), other) => Value::Text(dates(&format!("{one}{}", other.text()))),
        (Value::Unknown, Value::Text(two)) => Value::Text(format!("{UNKNOWN}{two}")),
        _ => Value::Unknown,
    }
}

/// `"{0:yyyy}_{1}" -f a, b`.
pub(super) fn format(text: &str, values: &[Value]) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        let inner = &rest[at + 1..];
        let Some(end) = inner.find('}') else {
            rest = &rest[at..];
            break;
        };
        let number = inner[..end].split([':', ',']).next().unwrap_or("");
        match number.parse::<usize>() {
            Ok(number) => out.push_str(&values.get(number).map_or_else(|| UNKNOWN.to_owned(), Value::text)),
            Err(_) => {
                out.push('{');
                out.push_str(&inner[..=end]);
            }
        }
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    dates(&out)
}

/// Any operator with two sides.
pub(super) fn binary(operator: &str, left: &Value, right: &Value) -> Value {
    match operator {
        "+" => add(left, right),
        "-f" => Value::Text(format(&left.text(), &right.each())),
        "-join" => {
            let texts: Vec<String> = left.each().iter().map(Value::text).collect();
            Value::Text(dates(&texts.join(&right.text())))
        }
        "-replace" | "-ireplace" | "-creplace" => {
            let (text, sides) = (left.text(), right.each());
            let (old, new) = (sides.first().map(Value::text), sides.get(1).map(Value::text));
            let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
            let plain = !old.is_empty() && !old.contains(|c: char| "\\^$.|?*+()[]{}".contains(c));
            match plain {
                _ if is_date(left) => Value::Text(DATE.to_owned()),
                true if !text.contains('{') => Value::Text(text.replace(&old, &new)),
                _ => Value::Unknown,
            }
        }
        // A date less some days is one.
        "-" if is_date(left) => left.clone(),
        _ => Value::Unknown,
    }
}
