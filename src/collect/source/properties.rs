//! Settings as names with dots and values, with their lines: Java properties, and the block style of YAML.
//! It resolves nothing; values of other shapes (lists, flow style) are left out.

/// How deep names may nest.
const MAX_DEPTH: usize = 32;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// `spring.datasource.url`.
    pub name: String,
    /// Its value, without quotes.
    pub value: String,
    /// Its line, counted from 1.
    pub line: u64,
    /// In which document of the file it stands, counted from 0.
    pub document: usize,
}

/// The settings of a file.
pub fn pairs(file: &str, text: &str) -> Vec<Pair> {
    if file.ends_with(".yml") || file.ends_with(".yaml") { yaml(text) } else { properties(text) }
}

/// `name=value`, `name: value`; a backslash at the end goes on (java.util.Properties, "load").
fn properties(text: &str) -> Vec<Pair> {
    let (mut out, mut document) = (Vec::new(), 0);
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let line = line.trim_start();
        if matches!(line.trim_end(), "#---" | "!---") {
            document += 1;
        }
        if line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        while let Some(part) = whole.strip_suffix('\\') {
            let Some((_, next)) = lines.next() else { break };
            whole = format!("{part}{}", next.trim_start());
        }
        let Some(at) = whole.find(['=', ':']) else { continue };
        let (name, value) = (whole[..at].trim().to_owned(), whole[at + 1..].trim().to_owned());
        if !name.is_empty() && !name.contains(' ') {
            out.push(Pair { name, value, line: index as u64 + 1, document });
        }
    }
    out
}

fn yaml(text: &str) -> Vec<Pair> {
    let (mut out, mut document) = (Vec::new(), 0);
    let mut above: Vec<(usize, String)> = Vec::new();
    // The indent of a name whose text stands below it, on lines of its own.
    let mut block: Option<usize> = None;
    for (index, line) in text.lines().enumerate() {
        let content = line.trim();
        let indent = line.len() - line.trim_start().len();
        if block.is_some_and(|block| indent > block || content.is_empty()) {
            continue;
        }
        block = None;
        if content == "---" {
            document += usize::from(!out.is_empty());
            above.clear();
        }
        if content.is_empty() || content.starts_with(['#', '-', '{', '[']) {
            continue;
        }
        let Some((name, value)) = key_of(content) else { continue };
        above.retain(|(held, _)| *held < indent);
        if above.len() >= MAX_DEPTH {
            continue;
        }
        let names = above.iter().map(|(_, name)| name.as_str()).chain([name]);
        let full = names.collect::<Vec<_>>().join(".");
        match value {
            "" => above.push((indent, name.to_owned())),
            _ if value.starts_with(['|', '>']) => block = Some(indent),
            _ if value.starts_with(['{', '[', '&', '*', '!']) => {}
            value => out.push(Pair { name: full, value: value.to_owned(), line: index as u64 + 1, document }),
        }
    }
    out
}

/// `name: value`, either of them quoted, with a comment behind.
fn key_of(content: &str) -> Option<(&str, &str)> {
    let (name, value) = match content.split_once(": ") {
        Some(pair) => pair,
        None => (content.strip_suffix(':')?, ""),
    };
    let name = name.trim().trim_matches(['"', '\'']);
    let value = value.trim();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => value[1..].split(quote).next().unwrap_or(""),
        None if value.starts_with('#') => "",
        None => value.split(" #").next().unwrap_or(value).trim_end(),
    };
    (!name.is_empty() && !name.contains(['{', '['])).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::pairs;

    fn shown(file: &str, text: &str) -> Vec<String> {
        let pairs = pairs(file, text);
        pairs.iter().map(|it| format!("{}:{} {}={}", it.document, it.line, it.name, it.value)).collect()
    }

    #[test]
    fn names_of_yaml_are_those_above_them() {
        let text = "spring:\n  # comment\n  datasource:\n    url: \"jdbc:postgresql://db1/shop\" # here\n    \
                    username: web\n  note: |\n    url: none\nserver.port: 80\nlist:\n  - a: b\n---\nspring:\n  x: y\n";
        assert_eq!(
            shown("application.yml", text),
            [
                "0:4 spring.datasource.url=jdbc:postgresql://db1/shop",
                "0:5 spring.datasource.username=web",
                "0:8 server.port=80",
                "1:13 spring.x=y"
            ]
        );
    }

    #[test]
    fn properties_go_on_behind_a_backslash() {
        let text = "# a=b\na.b = c\nd: e\\\n  f\n#---\ng=h\n";
        assert_eq!(shown("x.properties", text), ["0:2 a.b=c", "0:3 d=ef", "1:6 g=h"]);
    }
}
