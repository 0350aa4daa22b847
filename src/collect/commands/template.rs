//! Shell text that a template engine fills in first: Jinja (`{{ x }}`, `{% if %}`, `{# #}`), ERB and EPP (`<%= x %>`,
//! `<% if %>`). What is filled in becomes a mark of the same length, so that places stay those of the file, and
//! statements of the engine become blanks. It never fills anything in.

use std::borrow::Cow;
use std::ops::Range;

/// Stands for each byte of what is filled in; no shell text holds it.
pub const MARK: char = '\u{1a}';

/// A text without its template, and the ranges of which the engine decides whether, or how often, they are there.
pub(super) struct Blanked<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) loose: Vec<Range<usize>>,
}

/// How long a tag may be.
const MAX_TAG: usize = 1024;

/// A text that is taken as it is.
pub(super) fn whole(text: &str) -> Blanked<'_> {
    Blanked { text: Cow::Borrowed(text), loose: Vec::new() }
}

/// Words that begin a statement of Jinja: a shell has `{%` elsewhere only by chance.
const JINJA: [&str; 20] = [
    "if", "elif", "else", "endif", "for", "endfor", "set", "endset", "include", "import", "from", "block",
    "endblock", "macro", "endmacro", "raw", "endraw", "call", "endcall", "filter",
];

/// What a tag of a template is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    /// It is filled in.
    Value,
    /// It leaves nothing.
    Nothing,
    /// A range begins that may not be there.
    Opens,
    /// It ends.
    Closes,
}

/// Finds the next tag from `from` on.
fn next(text: &str, from: usize) -> Option<(Range<usize>, Tag)> {
    let mut at = from;
    loop {
        let start = at + text[at..].find(['{', '<'])?;
        let rest = &text[start..];
        let found = ["{{", "{%", "{#", "<%"].iter().find(|open| rest.starts_with(**open));
        if let Some(open) = found {
            let close = match *open {
                "{{" => "}}",
                "{%" => "%}",
                "{#" => "#}",
                _ => "%>",
            };
            let window = &rest.as_bytes()[2..rest.len().min(MAX_TAG)];
            let end = memchr::memmem::find(window, close.as_bytes()).map(|end| start + 2 + end + close.len());
            if let Some((end, tag)) = end.and_then(|end| Some((end, kind(open, &text[start + 2..end - 2])?)))
            {
                return Some((start..end, tag));
            }
        }
        at = start + 1;
    }
}

/// What a tag is by what is in it; `None`: it is the shell's own.
fn kind(open: &str, inner: &str) -> Option<Tag> {
    let code = inner.trim_matches(['-', '+']).trim();
    let word: &str = code.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
    match open {
        // Go's templates, which commands take as arguments, name fields with a dot; a shell has `{{` nowhere else.
        "{{" => (code.starts_with(|c: char| c.is_alphabetic() || "_'\"(".contains(c))
            && !inner.contains('{'))
        .then_some(Tag::Value),
        // In `${#list[@]}` the sign counts.
        "{#" => (inner.starts_with([' ', '-', '\n']) || inner.starts_with(char::is_alphabetic))
            .then_some(Tag::Nothing),
        "{%" => JINJA.contains(&word).then_some(match word {
            "if" | "for" => Tag::Opens,
            "endif" | "endfor" => Tag::Closes,
            _ => Tag::Nothing,
        }),
        _ if inner.starts_with('=') || inner.starts_with("-=") => Some(Tag::Value),
        _ if inner.starts_with('#') => Some(Tag::Nothing),
        _ => Some(match word {
            "if" | "unless" | "case" | "for" | "while" => Tag::Opens,
            "end" => Tag::Closes,
            _ if code == "}" => Tag::Closes,
            _ if code.ends_with(" do")
                || code.contains(" do |")
                || code.ends_with('{')
                || code.ends_with("| {") =>
            {
                Tag::Opens
            }
            _ => Tag::Nothing,
        }),
    }
}

/// The text with its template blanked.
pub(super) fn blank(text: &str) -> Blanked<'_> {
    if !text.contains("{{") && !text.contains("{%") && !text.contains("<%") && !text.contains("{#") {
        return Blanked { text: Cow::Borrowed(text), loose: Vec::new() };
    }
    let (mut out, mut loose, mut open) = (String::with_capacity(text.len()), Vec::new(), Vec::new());
    let mut at = 0;
    while let Some((range, tag)) = next(text, at) {
        out.push_str(&text[at..range.start]);
        // A line break inside a value is escaped, so that the word goes on and lines stay.
        let inner = text[range.clone()].as_bytes();
        for (index, byte) in inner.iter().enumerate() {
            out.push(match (byte, tag) {
                (b'\n', _) => '\n',
                (_, Tag::Value) if inner.get(index + 1) == Some(&b'\n') => '\\',
                (_, Tag::Value) => MARK,
                _ => ' ',
            });
        }
        match tag {
            Tag::Opens => open.push(range.end),
            Tag::Closes => {
                if let Some(start) = open.pop().filter(|_| open.is_empty()) {
                    loose.push(start..range.start);
                }
            }
            _ => {}
        }
        at = range.end;
    }
    out.push_str(&text[at..]);
    Blanked { text: Cow::Owned(out), loose }
}

/// A text in which each run of marks is one unknown.
pub(super) fn unmarked(text: &str) -> Cow<'_, str> {
    if !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut marked) = (String::with_capacity(text.len()), false);
    for sign in text.chars() {
        if sign != MARK {
            out.push(sign);
        } else if !marked {
            out.push_str("{}");
        }
        marked = sign == MARK;
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::{blank, unmarked};

    fn blanked(text: &str) -> String {
        let blanked = blank(text);
        assert_eq!(blanked.text.len(), text.len(), "lengths stay");
        unmarked(&blanked.text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_are_marked_and_statements_blanked() {
        assert_eq!(blanked("cp {{ a.b }}/x <%= @y %>"), "cp {}/x {}");
        assert_eq!(blanked("{% if x %}a{% endif %} {# no #} b <%# no %> <%- if y -%> c"), "a b c");
        assert_eq!(blanked("psql {{\n host }} x"), "psql {}\\ {} x");
    }

    #[test]
    fn what_a_shell_writes_itself_stays() {
        for text in ["docker inspect -f '{{.State}}' x", "echo ${#a[@]} {%F} x<%y", "a {{ b"] {
            assert_eq!(blanked(text), text);
        }
    }

    #[test]
    fn ranges_that_may_not_be_there_are_told() {
        let text = "a\n{% if x %}\nb\n{% else %}\nc\n{% endif %}\nd<% if y %>e<% [1].each do |z| %>f<% end %>g<% end %>";
        let ranges: Vec<&str> = blank(text).loose.into_iter().map(|range| text[range].trim()).collect();
        assert_eq!(ranges, ["b\n{% else %}\nc", "e<% [1].each do |z| %>f<% end %>g"]);
    }
}
