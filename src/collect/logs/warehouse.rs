//! What histories of servers have in common beside their rows: names as servers that fold to upper case keep them,
//! what is only the server's own noise, tables that a server names. It knows no columns.

use crate::evidence::{Action, Confidence, Text};
use crate::sql::TableUse;

/// A name as an engine that stores unquoted names in upper case keeps it, spelled as this crate spells such names: in
/// lower case, unless it was quoted to hold lower-case letters.
pub fn unquoted(name: &str) -> String {
    let name = name.trim();
    let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    match quoted {
        Some(name) => name.replace("\"\"", "\""),
        None if name.chars().any(char::is_lowercase) => name.to_owned(),
        None => name.to_lowercase(),
    }
}

/// The parts of a name with dots between them, which do not count inside of quotes.
pub fn parts(name: &str) -> Vec<Text> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for sign in name.chars() {
        match sign {
            '"' => {
                quoted = !quoted;
                part.push(sign);
            }
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            _ => part.push(sign),
        }
    }
    parts.push(part);
    parts.iter().map(|part| Text::from(unquoted(part))).filter(|part| !part.is_empty()).collect()
}

/// A table that the server itself named.
pub fn table(action: Action, parts: Vec<Text>) -> TableUse {
    TableUse { action, parts, confidence: Confidence::High }
}
