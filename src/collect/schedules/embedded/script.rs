//! Lines that a shell script or a Dockerfile puts into a crontab: `echo "…" > /etc/cron.d/x`, `cat > /etc/cron.d/x
//! <<EOF`, `… | crontab -`. It reads these forms and no other; it runs nothing.

use super::super::{SchedulePlace, World};
use super::{Target, target};
use crate::evidence::{About, Evidence, Provenance};
use crate::input::InputFile;

/// Scripts that write crontabs.
pub struct ScriptedCrontab;

impl SchedulePlace for ScriptedCrontab {
    fn about(&self) -> &'static About {
        &About {
            name: "scripted-crontab",
            title: "crontabs that shell scripts and Dockerfiles write",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let name = file.name();
        let script =
            [".sh", ".bash", ".ksh", ".sh.j2", ".sh.erb", ".sh.tpl"].iter().any(|end| name.ends_with(end))
                || name.starts_with("Dockerfile")
                || name.ends_with("Dockerfile")
                || name.ends_with(".dockerfile")
                || file.head.starts_with(b"#!/bin/")
                    && file.head.split(|b| *b == b'\n').next().is_some_and(|line| line.ends_with(b"sh"));
        script
            && file
                .head_text()
                .lines()
                .any(|line| !line.trim_start().starts_with('#') && written(line).is_some())
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let mut jobs = 0;
        for part in parts(text) {
            jobs += part.target.table(file, world, part.line).read(&part.text, out);
        }
        jobs
    }
}

/// A piece of a crontab that a script holds.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    target: Target,
    line: u64,
    text: String,
}

/// The crontab that a command writes: into a file, or through `crontab`.
fn written(line: &str) -> Option<Target> {
    let mut words = line.split_whitespace().peekable();
    let mut redirected = false;
    while let Some(word) = words.next() {
        let word = word.trim_matches(['"', '\'', ';', ')', '(']);
        let next = words.peek().copied().unwrap_or("");
        let stripped = word.trim_start_matches(['>', '1']);
        if redirected || stripped.len() < word.len() || (word.starts_with('/') && line.contains("tee ")) {
            let path = if stripped.is_empty() { next.trim_matches(['"', '\'', ';', ')']) } else { stripped };
            if let Some(target) = target(path) {
                return Some(target);
            }
        }
        redirected = word.ends_with('>');
        if word == "crontab" || word == "/usr/bin/crontab" {
            let mut account = None;
            let mut rest: Vec<&str> =
                line.split_once("crontab").map_or("", |(_, rest)| rest).split_whitespace().collect();
            if let Some(at) = rest.iter().position(|word| *word == "-u") {
                account = rest.get(at + 1).map(|name| (*name).to_owned());
                rest.drain(at..(at + 2).min(rest.len()));
            }
            // `crontab -l` in front of the pipe only reads what is there.
            let reads = rest.first().is_some_and(|word| {
                word.starts_with("-l") || word.starts_with("-r") || word.starts_with("-e")
            });
            let piped =
                line.rfind("crontab").is_some_and(|at| line[..at].contains('|')) || line.contains("<<");
            if piped && (!reads || line.matches("crontab").count() > 1) {
                return Some(Target {
                    user_column: false,
                    account: account.filter(|name| !name.contains('$')),
                });
            }
        }
    }
    None
}

/// Where a here-document begins: the word that ends it, and whether its text is left as it is.
fn heredoc(line: &str) -> Option<(&str, bool)> {
    let (_, rest) = line.split_once("<<").filter(|(_, rest)| !rest.starts_with('<'))?;
    let rest = rest.trim_start_matches('-').trim_start_matches('~').trim_start();
    let quoted = rest.starts_with(['"', '\'']);
    let rest = rest.trim_start_matches(['"', '\'', '\\']);
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    (end > 0).then_some((&rest[..end], quoted))
}

fn parts(text: &str) -> Vec<Part> {
    let (mut parts, lines) = (Vec::new(), text.lines().collect::<Vec<_>>());
    let mut at = 0;
    while at < lines.len() {
        let first = at;
        let mut command = String::new();
        // A command goes on behind a backslash.
        while let Some(line) = lines.get(at) {
            at += 1;
            match line.strip_suffix('\\') {
                Some(part) if !part.trim_start().starts_with('#') => command.push_str(&format!("{part} ")),
                _ => {
                    command.push_str(line);
                    break;
                }
            }
        }
        if command.trim_start().starts_with('#') {
            continue;
        }
        let document = heredoc(&command);
        let found = written(&command);
        if let Some((end, quoted)) = document {
            let begin = at;
            while lines.get(at).is_some_and(|line| line.trim() != end) {
                at += 1;
            }
            let body = lines.get(begin..at).unwrap_or_default().join("\n");
            at += 1;
            if let Some(target) = found {
                let text = if quoted { body } else { with_braces(&body) };
                parts.push(Part { target, line: begin as u64 + 1, text });
            }
            continue;
        }
        if let Some(target) = found {
            let line =
                lines[first..at].iter().position(|line| line.contains("echo") || line.contains("printf"));
            let line = (first + line.unwrap_or(0)) as u64 + 1;
            for text in echoed(&command) {
                parts.push(Part { target: target.clone(), line, text });
            }
        }
    }
    parts
}

/// The strings that `echo` and `printf` print in a command.
fn echoed(command: &str) -> Vec<String> {
    let (mut told, mut rest) = (Vec::new(), command);
    while let Some(at) =
        ["echo ", "printf "].iter().filter_map(|word| Some(rest.find(word)? + word.len())).min()
    {
        rest = rest[at..].trim_start();
        while let Some(option) =
            ["-e ", "-n ", "-en ", "-ne ", "-- "].iter().find(|option| rest.starts_with(**option))
        {
            rest = rest[option.len()..].trim_start();
        }
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let (text, length) = quoted(&rest[1..], quote);
        let text = if quote == '"' { unescaped(&with_braces(text)) } else { text.to_owned() };
        told.push(text.replace("\\n", "\n"));
        rest = rest.get(1 + length..).unwrap_or("");
    }
    told
}

/// The text up to its closing quote, and its length with that.
fn quoted(text: &str, quote: char) -> (&str, usize) {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return (&text[..at], at + 1),
            '\\' if quote == '"' => {
                chars.next();
            }
            _ => {}
        }
    }
    (text, text.len())
}

/// What double quotes stand for, besides variables.
fn unescaped(text: &str) -> String {
    let (mut told, mut chars) = (String::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('"' | '\\' | '$' | '`')) => told.extend(chars.next()),
            _ => told.push(c),
        }
    }
    told
}

/// A text that the script's shell fills in: `$NAME` as `${NAME}`, as placeholders are written.
fn with_braces(text: &str) -> String {
    let (mut told, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        told.push_str(&rest[..at]);
        let name = &rest[at + 1..];
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        let escaped = rest[..at].ends_with('\\');
        if end > 0 && !escaped {
            told.push_str(&format!("${{{}}}", &name[..end]));
        } else {
            told.push('$');
            told.push_str(&name[..end]);
        }
        rest = &name[end..];
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use super::{Part, Target, parts};

    fn told(text: &str) -> Vec<String> {
        let shown = |part: &Part| {
            let Target { user_column, account } = &part.target;
            format!("{} {user_column} {:?} {}", part.line, account.as_deref().unwrap_or(""), part.text)
        };
        parts(text).iter().map(shown).collect()
    }

    #[test]
    fn lines_that_scripts_write_are_found() {
        let text = "#!/bin/sh\necho \"5 $H * * * root /x \\$PATH\" > /etc/cron.d/x\n# echo '1 * * * * root /no' > /etc/cron.d/no\ncat <<'EOF' >/etc/cron.d/y\nA=$B\n0 1 * * * root /y\nEOF\n(crontab -l; echo '0 2 * * * /z') | crontab -u app -\nRUN set -e; \\\n  echo '0 3 * * * /w' | crontab -\nprintf '0 4 * * * root /v\\n' | tee /etc/cron.d/v\n";
        assert_eq!(
            told(text),
            [
                "2 true \"\" 5 ${H} * * * root /x $PATH",
                "5 true \"\" A=$B\n0 1 * * * root /y",
                "8 false \"app\" 0 2 * * * /z",
                "10 false \"\" 0 3 * * * /w",
                "11 true \"\" 0 4 * * * root /v\n",
            ]
        );
    }

    #[test]
    fn what_only_reads_or_removes_is_none() {
        for text in [
            "crontab -l | grep x\n",
            "rm -f /etc/cron.d/x\n",
            "echo \"0 3 * * * root /x\"\n",
            "cat <<EOF > /etc/motd\n0 3 * * * root /x\nEOF\n",
            "cat /etc/crontab > /tmp/x\n",
            "grep x /etc/cron.d/x\n",
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }
}
