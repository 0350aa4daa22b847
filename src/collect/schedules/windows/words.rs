//! Command lines of Windows: their words ("Parsing C command-line arguments"), and what a task runs step by step, as a
//! batch file would have it. What a program does with its arguments is not decided here.

use super::super::job::Work;
use crate::evidence::Text;

/// What a task does, step by step.
#[derive(Debug, Default)]
pub(in super::super) struct Steps {
    /// Each as it is shown.
    pub shown: Vec<String>,
    /// The same as lines of a batch file.
    text: String,
    line: u64,
}

impl Steps {
    /// Adds a program with its arguments, and the folder it runs in.
    pub fn add(&mut self, command: &str, arguments: &str, folder: &str, line: u64) {
        let whole = format!("{command} {arguments}");
        self.shown.push(whole.trim().to_owned());
        let bare = command.trim().trim_matches('"');
        if bare.is_empty() {
            return;
        }
        if self.text.is_empty() {
            self.line = line;
        }
        let folder = folder.trim().trim_matches('"').trim_end_matches('\\');
        if !folder.is_empty() {
            self.text.push_str(&format!("cd /d \"{folder}\" & "));
        }
        // A line's end would part what is one command line.
        let line = format!("{} {arguments}", again(bare));
        self.text.push_str(line.replace(['\r', '\n'], " ").trim_end());
        self.text.push('\n');
    }

    /// Adds a whole command line.
    pub fn add_line(&mut self, text: &str, line: u64) {
        let mut parts = words(text);
        let command = if parts.is_empty() { String::new() } else { parts.remove(0) };
        let rest: Vec<String> = parts.iter().map(|word| again(word)).collect();
        self.add(&again(&command), &rest.join(" "), "", line);
    }

    /// As the work of a job.
    pub fn work<'a>(&'a self, shown: &'a str, input: &Text) -> Work<'a> {
        match self.text.trim_end() {
            "" if shown.is_empty() => Work::Named("no program"),
            "" => Work::Named(shown),
            text => Work::WindowsIn { text, shown, input: input.clone(), line: self.line },
        }
    }
}

/// A word as it stands in a command line.
fn again(word: &str) -> String {
    if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}

/// Whether a command line is one of Windows: a path with a drive or a share stands in it.
pub(in super::super) fn is_of_windows(text: &str) -> bool {
    let drive = |at: usize| {
        let before = text.as_bytes()[..at].last_chunk::<2>();
        before.is_some_and(|[letter, colon]| letter.is_ascii_alphabetic() && *colon == b':')
    };
    text.match_indices('\\').any(|(at, _)| drive(at)) || text.trim_start().starts_with("\\\\")
}

/// The words of a command line: blanks part them outside of quotes, a backslash is one but in front of a quote.
pub(super) fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    let mut backslashes = 0;
    for c in text.chars().chain([' ']) {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        let escapes = c == '"';
        let kept = if escapes { backslashes / 2 } else { backslashes };
        word.extend(std::iter::repeat_n('\\', kept));
        let escaped = escapes && backslashes % 2 == 1;
        backslashes = 0;
        match c {
            '"' if escaped => word.push('"'),
            '"' => {
                quoted = !quoted;
                any = true;
            }
            ' ' | '\t' | '\r' | '\n' if !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word.trim_end().to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_as_the_c_runtime_parts_them() {
        // "Parsing C command-line arguments": its table of results.
        assert_eq!(words(r#""a b c" d e"#), ["a b c", "d", "e"]);
        assert_eq!(words(r#""ab\"c" "\\" d"#), ["ab\"c", "\\", "d"]);
        assert_eq!(words(r#"a\\\b d"e f"g h"#), [r"a\\\b", "de fg", "h"]);
        assert_eq!(words(r#"a\\\"b c d"#), ["a\\\"b", "c", "d"]);
        assert_eq!(words(r#"a\\\\"b c" d e"#), [r"a\\b c", "d", "e"]);
        assert_eq!(words(""), [""; 0]);
    }
}
