//! Paths of routes, whatever style their parameters are written in. It knows no framework by name: what a
//! sign means is the same in all that use it.

use crate::collect::source::fold::UNKNOWN;

/// A path with its parameters in one style: `{name}`, and `{}` where anything may stand.
pub fn normal(path: &str, slash: bool) -> String {
    let mut out = String::new();
    for segment in split(path) {
        out.push('/');
        out.push_str(&normal_segment(segment));
    }
    if out.is_empty() || (slash && path.ends_with('/') && path.len() > 1) {
        out.push('/');
    }
    out
}

/// A path whose patterns (`{name:.+}`) are of one segment each.
pub fn of_one_segment(path: &str) -> String {
    let (mut out, mut rest) = (String::new(), path);
    while let Some((before, inner)) = rest.split_once('{') {
        let Some(end) = closing(inner, b'{') else { break };
        let name = inner[..end].split(':').next().unwrap_or("").trim();
        out.push_str(&format!("{before}{{{name}}}"));
        rest = &inner[end + 1..];
    }
    out + rest
}

/// The segments of a path; a slash within braces or parentheses belongs to a pattern.
fn split(path: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    let parts = path.split(move |letter: char| {
        match letter {
            '{' | '(' | '<' => depth += 1,
            '}' | ')' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == '/' && depth == 0
    });
    parts.filter(|part| !part.is_empty())
}

fn normal_segment(segment: &str) -> String {
    if segment.starts_with('*') || segment == "**" || segment == "(.*)" {
        return UNKNOWN.to_owned();
    }
    let mut out = String::new();
    let mut rest = segment;
    while let Some(at) = rest.find([':', '{', '<', '(']) {
        out.push_str(&rest[..at]);
        let (open, inner) = (rest.as_bytes()[at], &rest[at + 1..]);
        let end = match open {
            b':' => inner.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inner.len()),
            _ => closing(inner, open).unwrap_or(inner.len()),
        };
        let name = parameter(open, &inner[..end]);
        if open == b':' && name.is_empty() {
            out.push(':');
            rest = inner;
            continue;
        }
        if open != b'(' {
            out.push_str(&format!("{{{name}}}"));
        }
        rest = &inner[(end + usize::from(open != b':')).min(inner.len())..];
        if open == b':' {
            // `:id(\\d+)`, `:id?`
            if let Some(pattern) = rest.strip_prefix('(') {
                rest = closing(pattern, b'(').map_or("", |end| &pattern[end + 1..]);
            }
            rest = rest.trim_start_matches(['?', '+', '*']);
        }
    }
    out.push_str(rest);
    out
}

/// The name of a parameter; empty where it takes the rest of the path.
fn parameter(open: u8, inner: &str) -> &str {
    let inner = inner.trim();
    match open {
        // Flask: `<converter:name>`; `path` takes the rest.
        b'<' => match inner.split_once(':') {
            Some((converter, _)) if converter.starts_with("path") => "",
            Some((_, name)) => name,
            None => inner,
        },
        // Spring and JAX-RS: `{name:pattern}`, `{*rest}`; FastAPI: `{name:path}`.
        b'{' if inner.starts_with('*') => "",
        b'{' => match inner.split_once(':') {
            Some((_, pattern)) if matches!(pattern.trim(), "path" | ".*" | ".+") => "",
            Some((name, _)) => name.trim(),
            None => inner,
        },
        _ => inner,
    }
}

fn closing(text: &str, open: u8) -> Option<usize> {
    let close = match open {
        b'{' => b'}',
        b'<' => b'>',
        _ => b')',
    };
    let mut depth = 1usize;
    text.bytes().position(|byte| {
        depth = match byte {
            _ if byte == open => depth + 1,
            _ if byte == close => depth - 1,
            _ => depth,
        };
        depth == 0
    })
}

/// One path behind another, with one slash between them.
pub fn behind(before: &str, path: &str) -> String {
    match (before.trim_end_matches('/'), path.trim_start_matches('/')) {
        (before, "") if path.is_empty() => before.to_owned(),
        (before, path) => format!("{before}/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{normal, of_one_segment};

    #[test]
    fn a_pattern_of_one_segment_is_its_name() {
        for (path, want) in [
            ("/apps/{appId:.+}/jobs", "/apps/{appId}/jobs"),
            ("/files/{*rest}", "/files/{*rest}"),
            ("/items/{id:[0-9]{3}}.{format}", "/items/{id}.{format}"),
            ("/open/{id", "/open/{id"),
        ] {
            assert_eq!(of_one_segment(path), want);
        }
    }

    #[test]
    fn parameters_of_any_style_are_one_style() {
        for (path, slash, want) in [
            ("/users/<int:id>", true, "/users/{id}"),
            ("/files/<path:name>", true, "/files/{}"),
            ("/users/:id", false, "/users/{id}"),
            ("/users/:id(\\d+)/x", false, "/users/{id}/x"),
            ("/users/:id?", false, "/users/{id}"),
            ("/flights/:from-:to", false, "/flights/{from}-{to}"),
            ("/items/{id:[0-9]{3}}", false, "/items/{id}"),
            ("/items/{id:\\d+/x}/y", false, "/items/{id}/y"),
            ("/{file:path}", true, "/{}"),
            ("/{rest : .*}", false, "/{}"),
            ("/static/**", false, "/static/{}"),
            ("owners/*/pets/{petId}", false, "/owners/{}/pets/{petId}"),
            ("/report.{format}", false, "/report.{format}"),
            ("/v1/a:cancel", false, "/v1/a{cancel}"),
            ("/items/", true, "/items/"),
            ("/items/", false, "/items"),
            ("", false, "/"),
            ("//a//b", false, "/a/b"),
        ] {
            assert_eq!(normal(path, slash), want, "{path}");
        }
    }
}
