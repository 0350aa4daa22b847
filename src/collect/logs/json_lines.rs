//! Logs of which each line is one JSON object (RFC 8259), also as the elements of an array that has a line for each.
//! Values borrow from the line where they can. It never knows what a key means, and never reads deeper than the
//! parser's own bound of 128 levels.

use super::line_log::{self, Is};
use super::{Block, Record};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A value of JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of at most 64 bits.
    Whole(i128),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object, in the order of the text.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// The object that a line holds, with what an array puts around it: `[` before, `,` or `]` behind. Servers that
    /// fill in a template of JSON by their own rule of escaping write `\x22` (nginx, "log_format", `escape=default`;
    /// mod_log_config, "Format Notes"), which is no JSON, and is read as what was meant.
    pub fn object(line: &'a str) -> Option<Json<'a>> {
        let line = line.trim().trim_start_matches('[').trim_end_matches(']');
        let line = line.trim_end().trim_end_matches(',').trim();
        if !line.starts_with('{') || !line.ends_with('}') {
            return None;
        }
        let strict = serde_json::from_str(line).ok();
        strict.or_else(|| serde_json::from_str(&repaired(line)?).ok().map(|it: Json<'_>| it.owned()))
    }

    /// The value of a key; of a key that stands twice, the last, as most readers have it.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        let Json::Object(pairs) = self else { return None };
        pairs.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The value behind keys, one in the other.
    pub fn at(&self, keys: &[&str]) -> Option<&Json<'a>> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The text of a string.
    pub fn text(&self) -> Option<&str> {
        if let Json::Text(text) = self { Some(text) } else { None }
    }

    /// The text of a string, number or truth value, as it would be written.
    pub fn shown(&self) -> Option<Cow<'_, str>> {
        match self {
            Json::Text(text) => Some(Cow::Borrowed(text)),
            Json::Whole(number) => Some(Cow::Owned(number.to_string())),
            Json::Float(number) => Some(Cow::Owned(number.to_string())),
            Json::Bool(is) => Some(Cow::Borrowed(if *is { "true" } else { "false" })),
            _ => None,
        }
    }

    /// A number, also where it is written as a string.
    pub fn number(&self) -> Option<f64> {
        match self {
            Json::Whole(number) => Some(*number as f64),
            Json::Float(number) => Some(*number),
            Json::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    /// The same, borrowing nothing.
    pub fn owned<'b>(self) -> Json<'b> {
        match self {
            Json::Null => Json::Null,
            Json::Bool(is) => Json::Bool(is),
            Json::Whole(number) => Json::Whole(number),
            Json::Float(number) => Json::Float(number),
            Json::Text(text) => Json::Text(Cow::Owned(text.into_owned())),
            Json::List(all) => Json::List(all.into_iter().map(Json::owned).collect()),
            Json::Object(all) => {
                let owned =
                    |(key, value): (Cow<'a, str>, Json<'a>)| (Cow::Owned(key.into_owned()), value.owned());
                Json::Object(all.into_iter().map(owned).collect())
            }
        }
    }
}

/// `\xHH` as JSON writes it; `None`: there is none.
fn repaired(line: &str) -> Option<String> {
    let mut out = String::with_capacity(line.len() + 16);
    let (mut rest, mut any) = (line, false);
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let hex = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match rest.as_bytes().get(at + 1) {
            Some(b'x') if rest.get(at + 2..at + 4).is_some_and(hex) => {
                out.push_str("\\u00");
                out.push_str(&rest[at + 2..at + 4]);
                (rest, any) = (&rest[at + 4..], true);
            }
            Some(next) if next.is_ascii() => {
                out.push_str(&rest[at..at + 2]);
                rest = &rest[at + 2..];
            }
            _ => return None,
        }
    }
    out.push_str(rest);
    any.then_some(out)
}

/// Where the last line of a block starts; 0: it has only one.
pub fn last_start(block: &[u8]) -> usize {
    line_log::last_start(block)
}

/// What stands alone on a line where an array is written over several.
fn is_frame(line: &str) -> bool {
    matches!(line.trim(), "[" | "]" | "," | "[]")
}

/// Reads a block line by line; `read` is given each object. Records get the number of their line.
pub fn parse(text: &str, read: &mut dyn FnMut(&Json<'_>) -> Is<Record>) -> Block {
    line_log::parse(text, &mut |line| match Json::object(line) {
        Some(object) => read(&object),
        None if is_frame(line) => Is::Known,
        None => Is::Unmatched,
    })
}

/// A key, borrowed where it holds no escape.
struct Key<'a>(Cow<'a, str>);

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(text.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Key<'de>, D::Error> {
        from.deserialize_str(KeyVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }
    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, is: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(is))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Whole(i128::from(number)))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Whole(i128::from(number)))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Json<'de>, E> {
        Ok(Json::Float(number))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json<'de>, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = from.next_element()? {
            all.push(value);
        }
        Ok(Json::List(all))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json<'de>, A::Error> {
        let mut all = Vec::new();
        while let Some((Key(key), value)) = from.next_entry()? {
            all.push((key, value));
        }
        Ok(Json::Object(all))
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Json<'de>, D::Error> {
        from.deserialize_any(JsonVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    fn at(line: &str, keys: &[&str]) -> Option<String> {
        Json::object(line)?.at(keys)?.shown().map(std::borrow::Cow::into_owned)
    }

    #[test]
    fn values_are_found_by_their_keys() {
        let line = r#"[{"a":{"b.c":["x","y"],"n":1.5,"t":"q\"\u00e9"},"n":18446744073709551615,"n":7},"#;
        assert_eq!(at(line, &["a", "t"]).as_deref(), Some("q\"é"));
        assert_eq!(at(line, &["a", "n"]).as_deref(), Some("1.5"));
        assert_eq!(at(line, &["n"]).as_deref(), Some("7"), "the last of two keys");
        assert_eq!(at(line, &["a", "b"]), None);
    }

    #[test]
    fn what_a_template_escaped_its_own_way_is_read_and_other_faults_are_none() {
        assert_eq!(
            at(r#"{"ua":"say \x22hi\x22 \\x41 \xC3"}"#, &["ua"]).as_deref(),
            Some("say \"hi\" \\x41 Ã")
        );
        for line in [r#"{"ua":"\x2"}"#, r#"{"ua":"say "hi""}"#, r#"{"a":1"#, "", "[]", "17", r#""{}""#, "{}}"]
        {
            assert_eq!(Json::object(line), None, "{line}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Json::object(&deep), None);
    }
}
