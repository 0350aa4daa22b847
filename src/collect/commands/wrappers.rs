//! Commands that run another command: their options peeled (sudo(8), flock(1), timeout(1), su(1), nice(1) …
//! manual pages), what they run left. It never looks at what that is.

/// What a wrapper runs.
pub(super) enum Wrapped {
    /// A command as words.
    Words(Vec<String>),
    /// A command as text for a shell.
    Text(String),
    /// A shell that reads its input.
    Input,
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

/// One command that runs another.
struct Wrapper {
    names: &'static [&'static str],
    /// Its options that take a value as the next word.
    with_value: &'static [&'static str],
    /// How many plain words stand before the other command.
    plain: usize,
    /// Which option names the account it runs as; `=`: the first plain word does.
    account: &'static [&'static str],
}

const fn plain(names: &'static [&'static str], with_value: &'static [&'static str], plain: usize) -> Wrapper {
    Wrapper { names, with_value, plain, account: &[] }
}

/// The table.
static WRAPPERS: [Wrapper; 33] = [
    Wrapper {
        names: &["sudo"],
        with_value: &["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-D", "-T", "--user", "--group", "--chdir"],
        plain: 0,
        account: &["-u", "--user"],
    },
    Wrapper { names: &["doas"], with_value: &["-u", "-C"], plain: 0, account: &["-u"] },
    Wrapper {
        names: &["gosu", "su-exec", "setuidgid", "s6-setuidgid"],
        with_value: &[],
        plain: 1,
        account: &["="],
    },
    Wrapper {
        names: &["chpst"],
        with_value: &[
            "-u", "-U", "-b", "-e", "-/", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f", "-c", "-t", "-r",
        ],
        plain: 0,
        account: &["-u"],
    },
    plain(&["nice"], &["-n", "--adjustment"], 0),
    plain(&["ionice"], &["-c", "-n", "-p", "--class", "--classdata"], 0),
    plain(&["chrt"], &["-T", "-P", "-D"], 1),
    plain(&["taskset", "cpulimit"], &["-l", "--limit"], 1),
    plain(&["timeout"], &["-k", "-s", "--kill-after", "--signal"], 1),
    plain(
        &["nohup", "setsid", "chronic", "cronic", "builtin", "command", "run-one", "fakeroot", "eatmydata"],
        &[],
        0,
    ),
    plain(&["exec"], &["-a"], 0),
    plain(&["time"], &["-f", "-o"], 0),
    plain(&["env"], &["-u", "-C", "--unset", "--chdir", "-S"], 0),
    plain(&["stdbuf"], &["-i", "-o", "-e"], 0),
    plain(&["unbuffer", "faketime"], &[], 0),
    plain(&["setlock"], &[], 1),
    plain(&["lckdo"], &["-W"], 1),
    plain(&["run-with-lockfile", "run-with-lockfile.sh", "lock-wrapper"], &[], 1),
    plain(&["softlimit"], &["-m", "-d", "-s", "-l", "-a", "-o", "-p", "-f", "-c", "-r", "-t"], 0),
    plain(&["envdir", "s6-envdir"], &[], 1),
    plain(&["multilog", "logsave"], &[], 1),
    plain(&["systemd-cat"], &["-t", "-p", "--identifier", "--priority"], 0),
    Wrapper {
        names: &["systemd-run"],
        with_value: &[
            "-p",
            "--property",
            "--unit",
            "-E",
            "--setenv",
            "--uid",
            "--gid",
            "--slice",
            "--description",
            "-M",
            "-H",
            "--on-calendar",
            "--on-active",
            "--nice",
            "--working-directory",
            "-u",
        ],
        plain: 0,
        account: &["--uid"],
    },
    plain(&["systemd-inhibit"], &[], 0),
    plain(&["cronitor"], &[], 2),
    plain(&["watch"], &["-n", "--interval"], 0),
    plain(
        &["xargs"],
        &["-n", "-I", "-P", "-L", "-d", "-a", "-s", "-E", "--max-args", "--max-procs", "--delimiter"],
        0,
    ),
    plain(&["trickle"], &["-d", "-u"], 0),
    plain(&["proxychains", "proxychains4", "torsocks"], &["-f"], 0),
    plain(&["sshpass"], &["-p", "-f", "-d", "-P"], 0),
    plain(&["busybox"], &[], 0),
    plain(&["npx", "pnpx", "bunx"], &["-p", "--package", "-w", "--workspace"], 0),
    plain(&["dbus-run-session"], &[], 0),
];

/// What a call of a wrapper runs, and the account it does that as, where the call says so; `None`: it is no wrapper.
pub(super) fn peel(name: &str, words: &[String]) -> Option<(Wrapped, Option<String>)> {
    match name {
        "sh" | "bash" | "dash" | "ksh" | "zsh" | "ash" | "mksh" => Some((shell(words)?, None)),
        "su" | "runuser" => Some(switched(name, words)),
        "tmux" | "screen" | "at" | "batch" | "script" | "parallel" => {
            Some((super::later::peel(name, words)?, None))
        }
        "poetry" | "pipenv" | "pdm" | "uv" | "bundle" => Some((in_environment(words)?, None)),
        _ => {
            let wrapper = WRAPPERS.iter().find(|wrapper| wrapper.names.contains(&name))?;
            let left = rest(words, wrapper.with_value, wrapper.plain);
            let own = &words[..words.len() - left.len()];
            let account = match wrapper.account {
                ["="] => own.iter().skip(1).find(|word| !word.starts_with('-')).cloned(),
                options => value(own, options).or_else(|| {
                    let last =
                        |word: &String| options.iter().any(|it| word.ends_with(&it[1..]) && it.len() == 2);
                    let at =
                        own.iter().position(|word| takes_next(word, wrapper.with_value) && last(word))?;
                    own.get(at + 1).cloned()
                }),
            };
            let account = account.map(|account| account.split(':').next().unwrap_or("").to_owned());
            // A command in one word with blanks is text for a shell.
            let wrapped = match &left[..] {
                [only] if only.trim().contains(char::is_whitespace) => Wrapped::Text(only.clone()),
                _ => Wrapped::Words(left),
            };
            Some((wrapped, account.filter(|account| !account.is_empty())))
        }
    }
}

/// What managers of an environment run in it: `poetry run command`, `uv run file`, `bundle exec command`.
fn in_environment(words: &[String]) -> Option<Wrapped> {
    const WITH_VALUE: [&str; 16] = [
        "-C",
        "-P",
        "-p",
        "--directory",
        "--env-file",
        "--extra",
        "--gemfile",
        "--group",
        "--index",
        "--only-group",
        "--package",
        "--project",
        "--python",
        "--venv",
        "--with",
        "--with-requirements",
    ];
    let left = rest(words, &WITH_VALUE, 0);
    let runs = left.first().is_some_and(|verb| verb == "run" || verb == "exec");
    runs.then(|| Wrapped::Words(rest(&left, &WITH_VALUE, 0)))
}

/// The commands that find(1) runs: `-exec command {} \;`, more than once. What it finds is unknown.
pub(super) fn found(words: &[String]) -> Vec<Vec<String>> {
    let runs = |word: &String| matches!(word.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir");
    let ends = |word: &&String| !matches!(word.as_str(), ";" | "\\;" | "+");
    let starts = words.iter().enumerate().filter(|(_, word)| runs(word)).map(|(at, _)| at + 1);
    starts.map(|at| words[at..].iter().take_while(ends).cloned().collect()).collect()
}

/// The value of an option among words: the next one, or what is glued to it.
fn value(words: &[String], options: &[&str]) -> Option<String> {
    words.iter().enumerate().skip(1).find_map(|(at, word)| {
        options.iter().find_map(|option| {
            let rest = word.strip_prefix(option)?;
            match rest {
                "" => words.get(at + 1).cloned(),
                _ if option.starts_with("--") => rest.strip_prefix('=').map(str::to_owned),
                _ => Some(rest.to_owned()),
            }
        })
    })
}

/// `sh -c TEXT`, or a shell that reads its input; `None`: it runs a file.
fn shell(words: &[String]) -> Option<Wrapped> {
    // Only options in front of the first plain word are the shell's own.
    let options: Vec<&String> =
        words.iter().skip(1).take_while(|word| word.starts_with(['-', '+']) && word.len() > 1).collect();
    let short =
        |letter: char| options.iter().position(|word| !word.starts_with("--") && word.contains(letter));
    if let Some(at) =
        options.iter().position(|word| word.ends_with('c') && !word.starts_with("--")).or(short('c'))
    {
        let behind = words.iter().skip(1 + at + 1).find(|word| !word.starts_with('-'));
        return Some(Wrapped::Text(behind.cloned().unwrap_or_default()));
    }
    let rest = words.len() - 1 - options.len();
    (rest == 0 || short('s').is_some()).then_some(Wrapped::Input)
}

/// `su - ACCOUNT -c TEXT`, `runuser -u ACCOUNT -- command`.
fn switched(name: &str, words: &[String]) -> (Wrapped, Option<String>) {
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let front = &words[..end];
    let options = ["-c", "--command", "-s", "--shell", "-g", "-G", "-w", "-u", "--user"];
    let mut plain = Vec::new();
    let mut at = 1;
    while let Some(word) = front.get(at) {
        match options.contains(&word.as_str()) {
            true => at += 1,
            false if !word.starts_with('-') => plain.push(word.clone()),
            false => {}
        }
        at += 1;
    }
    let by_option = value(front, &["-u", "--user"]);
    let account =
        by_option.clone().or_else(|| plain.first().cloned()).filter(|account| !account.contains("{}"));
    let text = value(front, &["--command", "-c"]);
    let wrapped = match text {
        Some(text) => Wrapped::Text(text),
        None if name == "runuser" && by_option.is_some() => {
            Wrapped::Words(rest(words, &["-u", "-g", "-G", "-s", "-w", "--user", "--shell"], 0))
        }
        None => Wrapped::Input,
    };
    (wrapped, account)
}

/// A command that is run elsewhere: where, and what.
pub(super) struct Remote {
    /// The host, where that is one; a container has none.
    pub host: Option<String>,
    /// Several hosts that each run it.
    pub several: Vec<String>,
    /// The container, its service or its image, or what else it is.
    pub whose: Option<String>,
    /// What runs there.
    pub wrapped: Wrapped,
}

/// `ssh HOST command`, `docker exec CONTAINER command`, `kubectl exec POD -- command`; `None`: it is none.
pub(super) fn remote(name: &str, words: &[String]) -> Option<Remote> {
    const SSH: [&str; 22] = [
        "-B", "-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-O", "-o", "-P", "-p",
        "-Q", "-R", "-S", "-W", "-w",
    ];
    const KUBE: [&str; 8] =
        ["-n", "--namespace", "-c", "--container", "--context", "--kubeconfig", "-l", "-f"];
    let words_of = |plain: Vec<String>| (plain.len() > 1).then(|| Wrapped::Words(plain[1..].to_vec()));
    match name {
        "ssh" | "autossh" | "rsh" => {
            let plain = rest(words, &SSH, 0);
            let host = plain.first()?.rsplit('@').next()?.to_owned();
            let host = Some(host).filter(|host| !host.contains("{}"));
            let text = plain.get(1..).filter(|command| !command.is_empty()).map(|command| command.join(" "));
            Some(Remote {
                host,
                several: Vec::new(),
                whose: None,
                wrapped: text.map_or(Wrapped::Input, Wrapped::Text),
            })
        }
        "pssh" | "parallel-ssh" | "pdsh" | "clush" => on_several(name, words),
        // Files below another root are not this host's.
        "chroot" => words_of(rest(words, &["--userspec", "--groups"], 0)).map(|wrapped| Remote {
            host: None,
            several: Vec::new(),
            whose: words.get(1).cloned(),
            wrapped,
        }),
        "docker" | "podman" | "nerdctl" | "docker-compose" => {
            let Contained { whose, command } = container(name, words)?;
            let wrapped = (!command.is_empty()).then_some(Wrapped::Words(command))?;
            Some(Remote { host: None, several: Vec::new(), whose: Some(whose), wrapped })
        }
        "kubectl" | "oc" => {
            let at = words.iter().position(|word| word == "exec")?;
            let tail: Vec<String> = words[at..].to_vec();
            let command = match tail.iter().position(|word| word == "--") {
                Some(dashes) => tail[dashes..].to_vec(),
                None => rest(&tail, &KUBE, 0),
            };
            let whose = rest(&tail, &KUBE, 0).first().cloned();
            words_of(command).map(|wrapped| Remote { host: None, several: Vec::new(), whose, wrapped })
        }
        _ => None,
    }
}

/// `pssh -H "a b" TEXT` (its manual page), `pdsh -w a,b TEXT` (pdsh(1)), `clush -w a,b TEXT` (clush(1)).
fn on_several(name: &str, words: &[String]) -> Option<Remote> {
    const PSSH: [&str; 20] = [
        "-h",
        "-H",
        "-l",
        "-p",
        "-o",
        "-e",
        "-t",
        "-O",
        "-x",
        "-X",
        "-g",
        "--hosts",
        "--host",
        "--user",
        "--par",
        "--outdir",
        "--errdir",
        "--timeout",
        "--options",
        "--extra-args",
    ];
    const PDSH: [&str; 11] = ["-w", "-x", "-g", "-X", "-l", "-f", "-t", "-u", "-o", "-R", "-M"];
    let pssh = matches!(name, "pssh" | "parallel-ssh");
    let plain = rest(words, if pssh { &PSSH } else { &PDSH }, 0);
    let own = &words[..words.len() - plain.len()];
    let given = value(own, if pssh { &["--host", "-H"] } else { &["-w"] }).unwrap_or_default();
    let hosts = given.split([' ', ',']).map(|host| host.rsplit('@').next().unwrap_or(host));
    let hosts: Vec<String> = hosts.filter(|host| !host.is_empty()).map(str::to_owned).collect();
    let known = hosts.iter().all(|host| !host.contains(['{', '[', '^', '%', '*']));
    let several = if known { hosts } else { Vec::new() };
    let whose = (several.len() > 1).then(|| several.join(" and "));
    let text = Some(plain.join(" ")).filter(|text| !text.trim().is_empty())?;
    let host = several.first().filter(|_| several.len() == 1).cloned();
    Some(Remote { host, several, whose, wrapped: Wrapped::Text(text) })
}

/// A command that a container runs.
pub(super) struct Contained {
    /// The container, the service of a compose file or the image.
    pub whose: String,
    /// What it is told to run; empty: what its image says.
    pub command: Vec<String>,
}

/// `docker run IMAGE command`, `docker exec CONTAINER command`, `docker compose run SERVICE command` (docker(1),
/// podman(1)); `None`: it runs nothing in a container.
pub(super) fn container(name: &str, words: &[String]) -> Option<Contained> {
    const GLOBAL: [&str; 14] = [
        "-f",
        "--file",
        "-p",
        "--project-name",
        "--profile",
        "--env-file",
        "--project-directory",
        "-H",
        "--host",
        "-c",
        "--context",
        "-l",
        "--log-level",
        "--config",
    ];
    let mut tail = words.to_vec();
    let mut composed = name == "docker-compose";
    loop {
        tail = rest(&tail, &GLOBAL, 0);
        match tail.first()?.as_str() {
            "compose" if !composed => composed = true,
            "container" if !composed => {}
            "run" | "exec" => break,
            _ => return None,
        }
    }
    let plain = rest(&tail, &RUN, 0);
    let (whose, command) = plain.split_first()?;
    let entry = value(&tail[..tail.len() - plain.len()], &["--entrypoint"]);
    let command =
        entry.into_iter().filter(|entry| !entry.is_empty()).chain(command.iter().cloned()).collect();
    Some(Contained { whose: whose.clone(), command })
}

/// Options of `run` and `exec` that take a value as the next word.
const RUN: [&str; 60] = [
    "-a",
    "--add-host",
    "--annotation",
    "--attach",
    "--cap-add",
    "--cap-drop",
    "--cgroup-parent",
    "--cidfile",
    "--cpus",
    "--cpuset-cpus",
    "-c",
    "--cpu-shares",
    "--device",
    "--detach-keys",
    "--dns",
    "--dns-search",
    "-e",
    "--entrypoint",
    "--env",
    "--env-file",
    "--expose",
    "--gpus",
    "--group-add",
    "-h",
    "--hostname",
    "--index",
    "--ip",
    "--ipc",
    "-l",
    "--label",
    "--label-file",
    "--link",
    "--log-driver",
    "--log-opt",
    "-m",
    "--memory",
    "--memory-swap",
    "--mount",
    "--name",
    "--net",
    "--network",
    "--network-alias",
    "-p",
    "--pid",
    "--platform",
    "--publish",
    "--pull",
    "--restart",
    "--security-opt",
    "--shm-size",
    "--stop-timeout",
    "--sysctl",
    "--tmpfs",
    "-u",
    "--ulimit",
    "--user",
    "-v",
    "--volume",
    "-w",
    "--workdir",
];

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
pub(super) fn rest(words: &[String], with_value: &[&str], plain: usize) -> Vec<String> {
    let mut at = 1;
    let mut left = plain;
    while let Some(word) = words.get(at) {
        if word == "--" {
            at += 1;
        } else if with_value.contains(&word.as_str()) || takes_next(word, with_value) {
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

/// Whether options of one letter that stand in one word (`-Ti FILE`) end in one that takes the next word for its value:
/// getopt(3) gives the first that takes one all that is left of the word.
fn takes_next(word: &str, with_value: &[&str]) -> bool {
    let letters = word.strip_prefix('-').filter(|letters| letters.len() > 1);
    let takes = |letter: char| {
        with_value.iter().any(|option| option.strip_prefix('-').is_some_and(|it| it.chars().eq([letter])))
    };
    letters.is_some_and(|letters| {
        let first =
            letters.char_indices().find(|(_, letter)| !letter.is_ascii_alphanumeric() || takes(*letter));
        first.is_some_and(|(at, letter)| takes(letter) && at + letter.len_utf8() == letters.len())
    })
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

/// Whether a text is a shell script that hands its own arguments on to a command that is known here.
pub(super) fn hands_on(text: &str, is_known: &dyn Fn(&str) -> bool) -> bool {
    let shell = text.lines().next().is_some_and(|line| line.starts_with("#!") && line.ends_with("sh"));
    let command = |line: &str| {
        let line = line.trim_start().trim_start_matches("exec ").trim_start();
        let name = line.split_whitespace().next().unwrap_or("");
        let all =
            ["\"$@\"", "$@", "\"$*\"", "$*"].iter().any(|all| line.split_whitespace().any(|it| it == *all));
        all && is_known(name.rsplit('/').next().unwrap_or(name))
    };
    shell && text.lines().filter(|line| !line.trim_start().starts_with('#')).any(command)
}
