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
const WRAPPERS: [(&str, &[&str], usize); 23] = [
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
    ("watch", &["-n", "--interval"], 0),
    ("parallel", &["-j", "--jobs"], 0),
    ("xargs", &["-n", "-I", "-P", "-L", "-d", "-a", "-s", "-E"], 0),
];

/// What a call of a wrapper runs; `None`: it is none.
pub(super) fn peel(name: &str, words: &[String]) -> Option<Wrapped> {
    match name {
        "sh" | "bash" | "dash" | "ksh" | "zsh" => {
            // Only options in front of the first plain word are the shell's own.
            let options =
                words.iter().skip(1).take_while(|word| word.starts_with(['-', '+']) && word.len() > 1);
            let at = options.clone().position(|word| word.ends_with('c') && !word.starts_with("--"))?;
            let behind = words.iter().skip(1 + at + 1).find(|word| !word.starts_with('-'));
            Some(Wrapped::Text(behind.cloned().unwrap_or_default()))
        }
        "su" | "runuser" => {
            let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
            let at = words[..end].iter().position(|word| word == "-c" || word == "--command");
            match at.and_then(|at| words.get(at + 1)) {
                Some(text) => Some(Wrapped::Text(text.clone())),
                // `runuser -u NAME -- command`.
                None => Some(Wrapped::Words(rest(words, &["-u", "-g", "-G", "-s", "--user", "--shell"], 0))),
            }
        }
        _ => {
            let (_, with_value, plain) = WRAPPERS.iter().find(|(known, ..)| *known == name)?;
            Some(Wrapped::Words(rest(words, with_value, *plain)))
        }
    }
}

/// A command that is run elsewhere: where, and what.
pub(super) struct Remote {
    /// The host, where that is one; a container has none.
    pub host: Option<String>,
    /// What runs there.
    pub wrapped: Wrapped,
}

/// `ssh HOST command`, `docker exec CONTAINER command`, `kubectl exec POD -- command`; `None`: it is none, or
/// it opens a shell.
pub(super) fn remote(name: &str, words: &[String]) -> Option<Remote> {
    const SSH: [&str; 22] = [
        "-B", "-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-O", "-o", "-P", "-p",
        "-Q", "-R", "-S", "-W", "-w",
    ];
    const RUN: [&str; 22] = [
        "-e",
        "--env",
        "--env-file",
        "-v",
        "--volume",
        "-w",
        "--workdir",
        "-u",
        "--user",
        "--name",
        "--network",
        "--net",
        "-p",
        "--publish",
        "-h",
        "--hostname",
        "--entrypoint",
        "-l",
        "--label",
        "--mount",
        "--link",
        "-m",
    ];
    const KUBE: [&str; 8] =
        ["-n", "--namespace", "-c", "--container", "--context", "--kubeconfig", "-l", "-f"];
    let words_of = |plain: Vec<String>| (plain.len() > 1).then(|| Wrapped::Words(plain[1..].to_vec()));
    match name {
        "ssh" => {
            let plain = rest(words, &SSH, 0);
            let host = plain.first()?.rsplit('@').next()?.to_owned();
            let text = plain.get(1..).filter(|command| !command.is_empty())?.join(" ");
            Some(Remote {
                host: Some(host).filter(|host| !host.contains("{}")),
                wrapped: Wrapped::Text(text),
            })
        }
        "docker" | "podman" | "nerdctl" | "docker-compose" => {
            let skip: &[&str] = if name == "docker-compose" {
                &["exec", "run"]
            } else {
                &["exec", "run", "compose", "container"]
            };
            let at = words.iter().position(|word| word == "exec" || word == "run")?;
            // Only its own words may stand in front.
            let front = words[1..at].iter();
            let own = front.clone().all(|word| {
                skip.contains(&word.as_str()) || word.starts_with('-') || word.contains(['.', '/'])
            });
            let tail: Vec<String> = words[at..].to_vec();
            own.then(|| words_of(rest(&tail, &RUN, 0)))?.map(|wrapped| Remote { host: None, wrapped })
        }
        "kubectl" | "oc" => {
            let at = words.iter().position(|word| word == "exec")?;
            let tail: Vec<String> = words[at..].to_vec();
            let command = match tail.iter().position(|word| word == "--") {
                Some(dashes) => tail[dashes..].to_vec(),
                None => rest(&tail, &KUBE, 0),
            };
            words_of(command).map(|wrapped| Remote { host: None, wrapped })
        }
        _ => None,
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
    // Only directly behind the lock is -c flock's own.
    let text = plain.get(1).is_some_and(|word| word == "-c" || word == "--command");
    let wrapped = match text.then_some(1) {
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
