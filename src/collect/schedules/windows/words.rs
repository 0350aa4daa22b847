//! Command lines of Windows: their words ("Parsing C command-line arguments"), and, where the program is one that is
//! alike everywhere, the same line for a shell. What `cmd` and PowerShell do with a line of their own is not read.

use super::super::job::Work;
use crate::evidence::Text;

/// Programs that take the same words on every system.
const ALIKE: [&str; 34] = [
    "aws",
    "az",
    "bcp",
    "curl",
    "gcloud",
    "gsutil",
    "mongodump",
    "mongoexport",
    "mongoimport",
    "mongorestore",
    "mongosh",
    "mysql",
    "mysqldump",
    "mysqlimport",
    "node",
    "osql",
    "perl",
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
    "php",
    "psql",
    "py",
    "python",
    "python3",
    "pythonw",
    "rclone",
    "redis-cli",
    "ruby",
    "scp",
    "sftp",
    "sqlcmd",
    "sqlplus",
    "wget",
];
/// Programs of that kind that others also call otherwise.
const CALLED_OTHERWISE: [(&str, &str); 2] = [("py", "python"), ("pythonw", "python")];
/// How often `cmd /c` may stand in front of itself.
const MAX_SHELLS: usize = 4;

/// What a task does, step by step.
#[derive(Debug, Default)]
pub(in super::super) struct Steps {
    /// Each as it is shown.
    pub shown: Vec<String>,
    /// Those that a shell can be given.
    text: String,
    line: u64,
}

impl Steps {
    /// Adds a program with its arguments, and the folder it runs in.
    pub fn add(&mut self, command: &str, arguments: &str, folder: &str, line: u64) {
        let whole = format!("{command} {arguments}");
        self.shown.push(whole.trim().to_owned());
        let bare = command.trim().trim_matches('"');
        let Some(text) = for_shell(bare, words(arguments), 0) else { return };
        if self.text.is_empty() {
            self.line = line;
        }
        let folder = folder.trim().trim_matches('"').trim_end_matches('\\');
        if !folder.is_empty() {
            self.text.push_str(&format!("cd {} && ", quoted(folder)));
        }
        self.text.push_str(&text);
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
            text => Work::ShellIn { text, shown, input: input.clone(), line: self.line },
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

/// The name of a program without its folder and ending, in lower case.
pub(super) fn program(command: &str) -> String {
    let name = command.rsplit(['\\', '/']).next().unwrap_or(command).to_ascii_lowercase();
    let stem = [".exe", ".cmd", ".bat", ".com"].iter().find_map(|ending| name.strip_suffix(ending));
    stem.unwrap_or(&name).to_owned()
}

/// The line for a shell, where the program is alike everywhere.
fn for_shell(command: &str, arguments: Vec<String>, depth: usize) -> Option<String> {
    let name = program(command);
    if name == "cmd" && depth < MAX_SHELLS {
        let at = arguments.iter().position(|word| word.eq_ignore_ascii_case("/c"))?;
        let rest = arguments[at + 1..].join(" ");
        if rest.contains(['|', '<', '>', '&', '^']) {
            return None;
        }
        let mut inner = if arguments.len() == at + 2 { words(&rest) } else { arguments[at + 1..].to_vec() };
        let first = (!inner.is_empty()).then(|| inner.remove(0))?;
        return for_shell(&first, inner, depth + 1);
    }
    if !ALIKE.contains(&name.as_str()) {
        return None;
    }
    let known =
        CALLED_OTHERWISE.iter().find(|(own, _)| *own == name).map_or(name.as_str(), |(_, known)| known);
    let words = std::iter::once(known.to_owned()).chain(arguments.iter().map(|word| quoted(word)));
    Some(words.collect::<Vec<_>>().join(" "))
}

/// A word for a shell: `%NAME%` is a variable there, and a path with a drive has slashes.
fn quoted(word: &str) -> String {
    let drive = word.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && word[1..].starts_with(":\\");
    let word = if drive { word.replace('\\', "/") } else { word.to_owned() };
    let mut text = String::from("\"");
    let mut rest = word.as_str();
    while let Some(c) = rest.chars().next() {
        let variable = rest.strip_prefix('%').and_then(|after| after.split_once('%')).filter(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        if let Some((name, after)) = variable {
            text.push_str(&format!("${{{name}}}"));
            rest = after;
            continue;
        }
        if matches!(c, '"' | '\\' | '`' | '$') {
            text.push('\\');
        }
        text.push(c);
        rest = &rest[c.len_utf8()..];
    }
    text.push('"');
    text
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

    #[test]
    fn only_programs_that_are_alike_everywhere_are_given_to_a_shell() {
        let told = |command: &str, arguments: &str| for_shell(command, words(arguments), 0);
        let sqlcmd = r"C:\Program Files\SQL\sqlcmd.exe";
        let line = r#"sqlcmd "-S" "db1" "-Q" "SELECT 1 FROM dbo.orders""#;
        assert_eq!(told(sqlcmd, r#"-S db1 -Q "SELECT 1 FROM dbo.orders""#).as_deref(), Some(line));
        assert_eq!(told("cmd.exe", r#"/c "sqlcmd -S db1""#).as_deref(), Some(r#"sqlcmd "-S" "db1""#));
        assert_eq!(
            told("py.exe", r"C:\jobs\load.py %DAY%").as_deref(),
            Some(r#"python "C:/jobs/load.py" "${DAY}""#)
        );
        // Redirects are cmd's own, `find` is another program there.
        assert_eq!(told("cmd", "/c sqlcmd -S db1 > x"), None);
        assert_eq!(told("find.exe", "/v x"), None);
        assert_eq!(told("powershell.exe", r"-File C:\jobs\x.ps1"), None);
    }
}
