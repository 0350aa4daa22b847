//! Here-documents: named on one line, their text on the next ones, until the line that ends them.

use super::strings::double;
use super::{Kind, Language, Reader, Token, Told};

/// A here-document whose text is still to come.
pub(super) struct Waiting {
    /// The line that names it.
    pub line: u64,
    /// Its word among those read so far.
    token: usize,
    end: String,
    /// Whether blanks before the end are no matter.
    indented: bool,
    /// Whether the smallest indentation of all lines is taken away.
    squeezed: bool,
    raw: bool,
}

impl Reader<'_> {
    /// `<<~END`, `<<-END`, `<<END` of Ruby and HCL; whether there is one.
    pub(super) fn named_heredoc(&mut self) -> bool {
        if !self.language.knows_lines() {
            return false;
        }
        let rest = &self.rest()[2..];
        let mark = rest.chars().next().filter(|c| matches!(c, '~' | '-'));
        let rest = &rest[mark.map_or(0, char::len_utf8)..];
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let name = &rest[quote.map_or(0, char::len_utf8)..];
        let length = name.bytes().position(|b| !b.is_ascii_alphanumeric() && b != b'_').unwrap_or(name.len());
        let name = &name[..length];
        // A bare name could be what something is appended to.
        let begins = |allowed: fn(&u8) -> bool| name.as_bytes().first().is_some_and(allowed);
        let sure = if mark.is_some() || quote.is_some() {
            begins(|b| b.is_ascii_alphabetic() || *b == b'_')
        } else {
            begins(u8::is_ascii_uppercase)
        };
        if !sure {
            return false;
        }
        let (name, start) = (name.to_owned(), (self.at, self.line));
        self.at += 2 + mark.map_or(0, char::len_utf8) + length + 2 * quote.map_or(0, char::len_utf8);
        self.waiting.push(Waiting {
            line: self.line,
            token: self.out.len(),
            end: name,
            indented: mark.is_some(),
            squeezed: mark == Some('~') || (self.language == Language::Hcl && mark.is_some()),
            raw: quote == Some('\''),
        });
        self.push(Kind::Text, String::new(), start);
        true
    }

    /// `@(END)`, `@("END":json/L)` of Puppet.
    pub(super) fn puppet_heredoc(&mut self) -> Told {
        let start = (self.at, self.line);
        let line = self.rest().lines().next().unwrap_or("");
        let Some(inside) = line.get(2..).and_then(|line| line.split_once(')')).map(|it| it.0.to_owned())
        else {
            self.sign();
            return Ok(());
        };
        self.at += 2 + inside.len() + 1;
        let name = inside.split([':', '/']).next().unwrap_or("").trim();
        let quoted = name.starts_with('"');
        self.waiting.push(Waiting {
            line: self.line,
            token: self.out.len(),
            end: name.trim_matches('"').to_owned(),
            indented: true,
            squeezed: true,
            raw: !quoted,
        });
        self.push(Kind::Text, String::new(), start);
        Ok(())
    }

    /// The texts of the here-documents that the line before named.
    pub(super) fn heredocs(&mut self) -> Told {
        for waiting in std::mem::take(&mut self.waiting) {
            let first = self.line;
            let (mut lines, mut indent) = (Vec::new(), None::<usize>);
            let mut ended = false;
            while self.at < self.bytes.len() {
                let from = self.at;
                self.skip_line();
                let line = &self.text[from..self.at];
                self.go(self.at + 1);
                if let Some(end) = ends(line, &waiting, self.language) {
                    indent = end;
                    ended = true;
                    break;
                }
                lines.push(line);
            }
            if !ended {
                return Err((waiting.line, "a here-document that does not end"));
            }
            let indent = indent.unwrap_or_else(|| if waiting.squeezed { smallest(&lines) } else { 0 });
            let text: String = lines.iter().flat_map(|line| [without(line, indent), "\n"]).collect();
            let text = if waiting.raw { text } else { double(&text, self.language) };
            if let Some(Token { text: told, text_line, .. }) = self.out.get_mut(waiting.token) {
                (*told, *text_line) = (text, first);
            }
        }
        Ok(())
    }
}

/// Whether a line ends it, and then the indentation that a `|` of Puppet gives.
fn ends(line: &str, waiting: &Waiting, language: Language) -> Option<Option<usize>> {
    let line = line.trim_end_matches('\r');
    if language != Language::Puppet {
        let line = if waiting.indented { line.trim_start() } else { line };
        return (line == waiting.end).then_some(None);
    }
    let bare = line.trim();
    let (bar, rest) = match bare.strip_prefix('|') {
        Some(rest) => (true, rest),
        None => (false, bare),
    };
    let rest = rest.trim_start().strip_prefix('-').unwrap_or(rest.trim_start()).trim_start();
    let margin = line.len() - line.trim_start().len();
    (rest == waiting.end).then_some(Some(if bar { margin } else { 0 }))
}

fn smallest(lines: &[&str]) -> usize {
    let told = lines.iter().filter(|line| !line.trim().is_empty());
    told.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0)
}

/// A line without so much of its indentation.
fn without(line: &str, indent: usize) -> &str {
    let blank = line.len() - line.trim_start().len();
    line.get(indent.min(blank)..).unwrap_or(line)
}
