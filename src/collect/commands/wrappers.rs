//! Commands that run another command: their options peeled (sudo(8), flock(1), timeout(1), su(1), nice(1) …
//! manual pages), what they run left. It never looks at what that is.

/// What a wrapper runs.
pub(super) enum Wrapped {
    /// A command as words.
    Words(Vec<String>),
    /// A command as text for a shell.
    Text(String),
}

/// A lock, as flock(1) is called.
pub(super) struct Lock {
    /// The lock file.
    pub path: String,
    /// The descriptor, when flock is given a number.
    pub descriptor: Option<u32>,
    /// Whether it waits for the lock; without, whoever comes second does not run.
    pub waits: bool,
    /// What runs under it.
    pub wrapped: Wrapped,
}

/// Commands that run another: their options that take a value, and how many plain words stand before the
/// other command.
const WRAPPERS: [(&str, &[&str], usize); 21] = [
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "--user", "--group"], 0),
    ("doas", &["-u", "-C"], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("ionice", &["-c", "-n", "-p", "--class", "--classdata"], 0),
    ("timeout", &["-k", "-s", "--kill-after", "--signal"], 1),
    ("nohup", &[], 0),
    ("setsid", &[], 0),
    ("chronic", &[], 0),
    ("cronic", &[], 0),
    ("exec", &["-a"], 0),
    ("time", &["-f", "-o"], 0),
    ("command", &[], 0),
    ("builtin", &[], 0),
    ("env", &["-u", "-C", "--unset", "--chdir"], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("run-one", &[], 0),
    ("setlock", &[], 1),
    ("lckdo", &["-W"], 1),
    ("systemd-cat", &["-t", "-p"], 0),
    ("cronitor", &[], 2),
    ("xargs", &["-n", "-I", "-P", "-L", "-d", "-a", "-s", "-E"], 0),
];

/// What a call of a wrapper runs; `None`: it is none.
pub(super) fn peel(name: &str, words: &[String]) -> Option<Wrapped> {
    let after = |options: &[&str]| {
        let at = words.iter().position(|word| options.contains(&word.as_str()))?;
        words.get(at + 1).cloned()
    };
    match name {
        "sh" | "bash" | "dash" | "ksh" | "zsh" => {
            let with_text =
                |word: &String| word.starts_with('-') && word.ends_with('c') && !word.starts_with("--");
            let at = words.iter().position(with_text)?;
            Some(Wrapped::Text(words.get(at + 1).cloned().unwrap_or_default()))
        }
        "su" | "runuser" => match after(&["-c", "--command"]) {
            Some(text) => Some(Wrapped::Text(text)),
            // `runuser -u NAME -- command`.
            None => Some(Wrapped::Words(rest(words, &["-u", "-g", "-G", "-s", "--user", "--shell"], 0))),
        },
        _ => {
            let (_, with_value, plain) = WRAPPERS.iter().find(|(known, ..)| *known == name)?;
            Some(Wrapped::Words(rest(words, with_value, *plain)))
        }
    }
}

/// How flock is called: `flock [options] FILE|FD [COMMAND …]`.
pub(super) fn flock(words: &[String]) -> Lock {
    let with_value = ["-w", "-E", "--wait", "--timeout", "--conflict-exit-code"];
    let plain = rest(words, &with_value, 0);
    let path = plain.first().cloned().unwrap_or_default();
    let waits = !words.iter().take(words.len() - plain.len()).any(|word| {
        matches!(word.as_str(), "--nonblock" | "--nb" | "-u" | "--unlock")
            || (word.starts_with('-') && !word.starts_with("--") && word.contains(['n', 'u']))
    });
    let text = plain.iter().position(|word| word == "-c" || word == "--command");
    let wrapped = match text {
        Some(at) => Wrapped::Text(plain.get(at + 1).cloned().unwrap_or_default()),
        None => Wrapped::Words(plain.get(1..).unwrap_or(&[]).to_vec()),
    };
    Lock { descriptor: path.parse().ok(), path, waits, wrapped }
}

/// The wrapped command: options (and the values of those that take one) and `plain` words are left out.
fn rest(words: &[String], with_value: &[&str], plain: usize) -> Vec<String> {
    let mut at = 1;
    let mut left = plain;
    while let Some(word) = words.get(at) {
        if word == "--" {
            at += 1;
        } else if with_value.contains(&word.as_str()) {
            at += 2;
        } else if word.starts_with('-') && word.len() > 1 {
            at += 1;
        } else if left > 0 {
            left -= 1;
            at += 1;
        } else {
            break;
        }
    }
    words.get(at..).unwrap_or(&[]).to_vec()
}

/// Whether a text is a shell script that runs its own arguments as a command.
pub(super) fn runs_arguments(text: &str) -> bool {
    let first = text.lines().next().unwrap_or("");
    let shell =
        first.starts_with("#!") && ["sh", "bash", "dash", "ksh"].iter().any(|name| first.ends_with(name));
    let command = |line: &str| {
        let line = line.trim_start().trim_start_matches("exec ").trim_start_matches("if ").trim_start();
        ["\"$@\"", "$@", "\"$*\"", "$*"].iter().any(|all| line.starts_with(all))
            || line.contains(" -- \"$@\"")
            || ["nice", "timeout", "ionice", "flock", "time", "eval", "exec", "chronic", "sh -c", "bash -c"]
                .iter()
                .any(|word| line.starts_with(word) && line.contains("$@"))
    };
    shell && text.lines().filter(|line| !line.trim_start().starts_with('#')).any(command)
}
