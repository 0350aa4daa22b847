//! Lines that a shell script or a Dockerfile puts into a crontab: `echo "…" > /etc/cron.d/x`, `cat > /etc/cron.d/x
//! <<EOF`, `… | crontab -`. It reads these forms and no other; it runs nothing.

use super::super::crontab;
use super::super::crontab_host::Cron;
use super::super::job::{Job, Work};
use super::super::{SchedulePlace, World};
use super::{Target, target};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use std::collections::BTreeMap;

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
                || file.head.starts_with(b"#!") && is_shells(file.head_text().lines().next().unwrap_or(""));
        let writes = |text: &str| {
            let mut lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            lines.any(|line| written(line).is_some() || started(line).is_some())
        };
        script && writes(&file.head_text())
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let mut jobs = 0;
        for part in parts(text) {
            jobs += match &part.target {
                Written::Table(target) => target.table(file, world, part.line).read(&part.text, out),
                Written::Script(path) => in_folder(path, &part, file, world, out),
            };
        }
        jobs
    }
}

/// Whether the first line of a file names a shell: `#!/bin/sh`, `#!/usr/bin/env bash`.
fn is_shells(first: &str) -> bool {
    let words = first.strip_prefix("#!").into_iter().flat_map(str::split_whitespace);
    let mut programs = words.map(|word| word.rsplit('/').next().unwrap_or(word));
    programs.any(|word| matches!(word, "sh" | "bash" | "dash" | "ksh" | "mksh" | "zsh" | "ash"))
}

/// A script in a folder that cron starts by itself, as far as the text that writes it has it.
fn in_folder(path: &str, part: &Part, file: &InputFile, world: &World<'_>, out: &mut Evidence) -> u64 {
    let name = path.rsplit('/').next().unwrap_or(path);
    let cron = Cron::of_system(file, world);
    let Some((schedule, dialect)) = crontab::periodic(path, file, world, cron) else { return 0 };
    if let Err(why) = cron.reads_name(name) {
        let detail = format!("run-parts ignores the file {} that is written here: {why}", scrub_name(name));
        out.add_gap(Gap::new(Place::line(&file.path, part.line), GapCode::BadSchedule, detail));
        return 0;
    }
    let first = part.text.lines().next().unwrap_or("");
    let work = if !first.starts_with("#!") || is_shells(first) {
        Work::ShellIn { text: &part.text, shown: path, input: file.path.clone(), line: part.line }
    } else {
        Work::Named(path)
    };
    let environment = BTreeMap::new();
    let job = Job::of_shell(file, world, &schedule, dialect, path, &environment);
    let zone = cron.zone_below(world, file.host.as_deref(), &environment);
    let (account, scope) = (Some(Text::from("root")), scope_of(&file.path, ""));
    Job { zone, account, work, scope, line: part.line, ..job }.state(out);
    1
}

/// What a script writes that cron reads.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Written {
    /// A crontab.
    Table(Target),
    /// A script at this path, in a folder whose scripts cron starts.
    Script(String),
}

/// A piece of a crontab that a script holds.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    target: Written,
    line: u64,
    text: String,
}

/// The path of the script that a command writes into a folder whose scripts cron starts: `cat > /etc/cron.daily/x`.
fn started(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let tee = words.contains(&"tee");
    let path = words.iter().enumerate().find_map(|(at, word)| {
        let path = word.trim_start_matches(['>', '1']);
        let behind = at.checked_sub(1).and_then(|at| words.get(at));
        let written = path.len() < word.len() || tee || behind.is_some_and(|it| it.ends_with('>'));
        let path = path.trim_matches(['"', '\'', ';', ')']);
        ["hourly", "daily", "weekly", "monthly"].into_iter().filter(|_| written).find_map(|period| {
            let (_, name) = path.split_once(&format!("/etc/cron.{period}/"))?;
            (!name.is_empty() && !name.contains('/')).then(|| format!("/etc/cron.{period}/{name}"))
        })
    })?;
    (!path.contains(['$', '`', '*'])).then_some(path)
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
            let target = found.map(Written::Table).or_else(|| started(&command).map(Written::Script));
            if let Some(target) = target {
                let text = if quoted { body } else { unescaped(&with_braces(&body), false) };
                parts.push(Part { target, line: begin as u64 + 1, text });
            }
            continue;
        }
        if let Some(target) = found {
            let line =
                lines[first..at].iter().position(|line| line.contains("echo") || line.contains("printf"));
            let line = (first + line.unwrap_or(0)) as u64 + 1;
            for text in echoed(&command) {
                parts.push(Part { target: Written::Table(target.clone()), line, text });
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
        let text = if quote == '"' { unescaped(&with_braces(text), true) } else { text.to_owned() };
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

/// What the text of double quotes or of a here-document stands for, besides variables.
fn unescaped(text: &str, quotes: bool) -> String {
    let (mut told, mut chars) = (String::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('\\' | '$' | '`')) => told.extend(chars.next()),
            ('\\', Some('"')) if quotes => told.extend(chars.next()),
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
    use super::{Part, Target, Written, is_shells, parts};

    fn told(text: &str) -> Vec<String> {
        let shown = |part: &Part| match &part.target {
            Written::Table(Target { user_column, account }) => {
                let account = account.as_deref().unwrap_or("");
                format!("{} {user_column} {account:?} {}", part.line, part.text)
            }
            Written::Script(path) => format!("{} {path} {}", part.line, part.text),
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
    fn a_backslash_keeps_what_a_here_document_would_fill_in() {
        let text = "cat > $d/etc/cron.d/x <<EOF\n0 7 * * * root sleep \\$((RANDOM\\%9)); x \"\\\"\" \\`y\\` $Z\nEOF\n";
        assert_eq!(told(text), ["2 true \"\" 0 7 * * * root sleep $((RANDOM\\%9)); x \"\\\"\" `y` ${Z}"]);
        let text = "cat > /etc/cron.d/x <<'EOF'\n0 7 * * * root echo \\$A\nEOF\n";
        assert_eq!(told(text), ["2 true \"\" 0 7 * * * root echo \\$A"]);
    }

    #[test]
    fn scripts_that_are_written_into_a_folder_of_cron_are_found() {
        let text = "cat > /etc/cron.daily/fetch << EOF\n#!/bin/bash\npsql $D -c x\nEOF\ntee \"$r/etc/cron.weekly/w\" <<'E'\nx\nE\ncat /etc/cron.daily/no > /tmp/x <<E\nE\ncat > /etc/cron.daily/$n <<E\nE\n";
        assert_eq!(
            told(text),
            ["2 /etc/cron.daily/fetch #!/bin/bash\npsql ${D} -c x", "6 /etc/cron.weekly/w x"]
        );
    }

    #[test]
    fn a_shell_is_told_by_the_first_line() {
        for first in ["#!/bin/sh", "#! /bin/bash -e", "#!/usr/bin/env bash", "#!/usr/bin/env -S dash -e"] {
            assert!(is_shells(first), "{first}");
        }
        for first in ["#!/usr/bin/env python3", "#!/usr/bin/fish", "# bash", "sh", ""] {
            assert!(!is_shells(first), "{first}");
        }
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
