//! Commands that have a terminal, a queue or many workers run others: tmux(1), screen(1), at(1), script(1), GNU parallel (their
//! manual pages). Where it is and when it starts matters to nobody here; what it does is the caller's.

use super::wrappers::{Wrapped, rest};

/// What such a call runs; `None`: nothing that it says.
pub(super) fn peel(name: &str, words: &[String]) -> Option<Wrapped> {
    // A program of the same name in a tree is somebody's own.
    let own = words.first().is_some_and(|word| word.contains('/') && !word.contains("bin/"));
    if own {
        return None;
    }
    match name {
        "tmux" => tmux(words),
        "screen" => screen(words),
        "at" | "batch" => at(words),
        "script" => script(words),
        _ => parallel(words),
    }
}

/// Words as a shell would have to be given them.
fn quoted(words: &[String]) -> String {
    let quote = |word: &String| format!("'{}'", word.replace('\'', "'\\''"));
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// A command in one word is text for a shell, in several it is those words.
fn as_text(words: &[String]) -> Option<String> {
    match words {
        [] => None,
        [only] => Some(only.clone()),
        _ => Some(quoted(words)),
    }
}

fn tmux(words: &[String]) -> Option<Wrapped> {
    const STARTS: [&str; 12] = [
        "new",
        "new-session",
        "neww",
        "new-window",
        "splitw",
        "split-window",
        "respawnp",
        "respawn-pane",
        "respawnw",
        "respawn-window",
        "popup",
        "display-popup",
    ];
    const VALUES: [&str; 12] = ["-c", "-e", "-F", "-f", "-n", "-s", "-t", "-x", "-y", "-l", "-p", "-d"];
    let mut texts = Vec::new();
    let all = rest(words, &["-L", "-S", "-f", "-T"], 0);
    for part in all.split(|word| matches!(word.as_str(), ";" | "\\;")) {
        let Some(verb) = part.first().map(String::as_str) else { continue };
        match verb {
            // Of these, `-d` only leaves it in the background.
            _ if STARTS.contains(&verb) => texts.extend(as_text(&rest(part, &VALUES[..11], 0))),
            "run" | "run-shell" => texts.extend(as_text(&rest(part, &VALUES, 0))),
            "send" | "send-keys" => {
                let keys = rest(part, &["-t", "-N"], 0);
                let is_key = |word: &&String| {
                    let key = word.split_once('-').is_some_and(|(with, _)| matches!(with, "C" | "M" | "S"));
                    key || matches!(word.as_str(), "Enter" | "Escape" | "Space" | "Tab")
                };
                texts.push(keys.iter().filter(|word| !is_key(word)).cloned().collect::<Vec<_>>().join(""));
            }
            _ => {}
        }
    }
    (!texts.is_empty()).then(|| Wrapped::Text(texts.join("\n")))
}

fn screen(words: &[String]) -> Option<Wrapped> {
    let (mut at, mut orders) = (1, false);
    while let Some(option) = words.get(at).filter(|word| word.starts_with('-')) {
        orders |= option.contains('X');
        let takes = option.ends_with(['c', 'e', 'h', 'p', 'S', 's', 'T', 't']) || option == "-Logfile";
        at += if takes { 2 } else { 1 };
    }
    let left = words.get(at..).filter(|left| !left.is_empty())?;
    match (orders, left) {
        (false, _) => Some(Wrapped::Words(left.to_vec())),
        // What is typed into a window that runs already.
        (true, [stuff, text]) if stuff == "stuff" => {
            Some(Wrapped::Text(text.replace("\\n", "\n").replace("^M", "\n").replace("\\r", "\n")))
        }
        _ => None,
    }
}

/// `at TIME` reads its commands; with `-f` they are in a file.
fn at(words: &[String]) -> Option<Wrapped> {
    let manages = |word: &String| matches!(word.as_str(), "-l" | "-r" | "-d" | "-c" | "-b" | "-V");
    if words.iter().skip(1).any(manages) {
        return None;
    }
    match words.iter().position(|word| word == "-f").and_then(|at| words.get(at + 1)) {
        Some(file) => Some(Wrapped::Words(vec!["sh".to_owned(), file.clone()])),
        None => Some(Wrapped::Input),
    }
}

/// `script -c TEXT FILE`, or, on BSD, `script FILE command`.
fn script(words: &[String]) -> Option<Wrapped> {
    // Behind the file, and what stands behind that, words are the command's.
    let mut plain = 0;
    for (at, word) in words.iter().enumerate().skip(1) {
        if !word.starts_with('-') {
            plain += 1;
            continue;
        }
        if let Some(text) = word.strip_prefix("--command=") {
            return Some(Wrapped::Text(text.to_owned()));
        }
        if plain < 2 && (word == "--command" || (!word.starts_with("--") && word.ends_with('c'))) {
            return words.get(at + 1).cloned().map(Wrapped::Text);
        }
    }
    let left = rest(words, &["-t", "-E", "-I", "-O", "-B", "-T", "-m", "-o"], 1);
    (!left.is_empty()).then_some(Wrapped::Words(left))
}

/// GNU parallel gives a shell the words behind its options, joined by blanks, with what stands behind `:::` in the place of
/// `{}`; without such words, each of those is a command. Behind `-q`, and in moreutils with `--`, words stay words.
fn parallel(words: &[String]) -> Option<Wrapped> {
    const VALUES: [&str; 24] = [
        "-j",
        "--jobs",
        "-P",
        "--max-procs",
        "-a",
        "--arg-file",
        "-S",
        "--sshlogin",
        "--joblog",
        "--delay",
        "-N",
        "-n",
        "--max-args",
        "-I",
        "-C",
        "--colsep",
        "-d",
        "--delimiter",
        "--timeout",
        "--retries",
        "--halt",
        "--results",
        "--tmpdir",
        "-L",
    ];
    let end = words.iter().position(|word| word.starts_with(":::")).unwrap_or(words.len());
    let dashes = words[..end].iter().position(|word| word == "--").filter(|at| *at > 1 && end == words.len());
    let command = rest(&words[..dashes.unwrap_or(end)], &VALUES, 0);
    let own = &words[..dashes.unwrap_or(end) - command.len()];
    if command.is_empty() {
        let given: Vec<&str> =
            words[end..].iter().filter(|word| !word.starts_with(":::")).map(String::as_str).collect();
        return Some(if given.is_empty() { Wrapped::Input } else { Wrapped::Text(given.join("\n")) });
    }
    let keeps = dashes.is_some() || own.iter().any(|word| matches!(word.as_str(), "-q" | "--quote"));
    Some(if keeps { Wrapped::Words(command) } else { Wrapped::Text(command.join(" ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &[&str]) -> String {
        let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
        match peel(words[0].rsplit('/').next().unwrap_or(""), &words) {
            Some(Wrapped::Text(text)) => format!("text {text}"),
            Some(Wrapped::Words(words)) => format!("words {}", words.join("|")),
            Some(Wrapped::Input) => "input".to_owned(),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn what_is_run_elsewhere_or_later_is_left() {
        for (line, is) in [
            (&["tmux", "new", "-d", "-s", "x", "psql -c 1"][..], "text psql -c 1"),
            (&["tmux", "-L", "s", "new-session", "-d", "psql", "-c", "a b"], "text 'psql' '-c' 'a b'"),
            (&["tmux", "send-keys", "-t", "x:1", "psql -c 1", "C-m"], "text psql -c 1"),
            (&["tmux", "attach", "-t", "x"], "nothing"),
            (&["screen", "-dmS", "x", "psql", "-c", "a b"], "words psql|-c|a b"),
            (&["screen", "-S", "x", "-X", "stuff", "psql\\n"], "text psql\n"),
            (&["screen", "-S", "x", "-X", "quit"], "nothing"),
            (&["at", "now", "+", "1", "hour"], "input"),
            (&["at", "-f", "/opt/x", "noon"], "words sh|/opt/x"),
            (&["at", "-l"], "nothing"),
            (&["/opt/app/at", "now"], "nothing"),
            (&["script", "-qc", "psql -c 1", "/dev/null"], "text psql -c 1"),
            (&["script", "-q", "/dev/null", "psql", "-c", "a b"], "words psql|-c|a b"),
            (&["script", "-q", "out.log"], "nothing"),
            (&["parallel", "-j", "4", "psql", "-c", "'a b'", ":::", "x"], "text psql -c 'a b'"),
            (&["parallel", "-q", "psql", "-c", "a b", ":::", "x"], "words psql|-c|a b"),
            (&["parallel", ":::", "psql -c 1", "psql -c 2"], "text psql -c 1\npsql -c 2"),
            (&["parallel", "psql", "-c", "a b", "--", "x"], "words psql|-c|a b"),
            (&["parallel"], "input"),
        ] {
            assert_eq!(told(line), is, "{line:?}");
        }
    }
}
