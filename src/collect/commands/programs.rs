//! Files that a command runs by their path, and programs of other languages: `python x.py`, `java -jar x.jar`, `./x`. What
//! is in them is read elsewhere; what a shell cannot tell of them is a gap.

use super::{Call, Out, postgres, words, wrappers};
use crate::evidence::MentionKind;
use crate::evidence::scrub::scrub_name;
use crate::schedule;

/// Interpreters whose first plain argument is the file they run.
const INTERPRETERS: [&str; 12] =
    ["sh", "bash", "dash", "ksh", "zsh", "python", "perl", "ruby", "node", "php", "tsx", "ts-node"];
/// Options of theirs that take a value as the next word (php(1), python(1), perlrun(1), ruby(1), node(1)).
const INTERPRETER_VALUES: [(&str, &[&str]); 5] = [
    ("php", &["-d", "-c", "-z"]),
    ("python", &["-W", "-X", "-Q"]),
    ("perl", &["-I", "-M", "-m"]),
    ("ruby", &["-I", "-r", "-C", "-E"]),
    ("node", &["-r", "--require", "--import", "--env-file"]),
];
/// Endings of files that are run by their path alone.
const RUN_ENDINGS: [&str; 6] = [".sh", ".py", ".pl", ".rb", ".bash", ".ksh"];

/// What programs of other languages call what reaches out, as their libraries are called.
const REACHING: [(&str, &str); 17] = [
    ("psycopg", "PostgreSQL"),
    ("asyncpg", "PostgreSQL"),
    ("DBI->connect", "a database"),
    ("MySQLdb", "MySQL"),
    ("pymysql", "MySQL"),
    ("mysql.connector", "MySQL"),
    ("sqlalchemy", "a database"),
    ("pyodbc", "a database"),
    ("PDO(", "a database"),
    ("PG.connect", "PostgreSQL"),
    ("Mysql2", "MySQL"),
    ("pymongo", "MongoDB"),
    ("urllib", "an address"),
    ("requests.", "an address"),
    ("LWP::", "an address"),
    ("Net::HTTP", "an address"),
    ("Net::SFTP", "another host"),
];

/// A program of another language that stands on the command line, or that is given to its interpreter: it is not read,
/// and where it reaches out by a library everybody knows, that is said.
fn program(interpreter: &str, text: &str, call: &Call, out: &mut Out<'_>) {
    if let Some((_, what)) = REACHING.iter().find(|(library, _)| text.contains(library)) {
        out.unresolved(
            call,
            &format!("a program for {interpreter} on the command line reaches {what}; it is not read"),
        );
    }
}

/// States the file that a command which is none of the table runs: by its path, by an interpreter, by java(1).
pub(super) fn run_file(command: &str, name: &str, call: &Call, out: &mut Out<'_>) {
    if name == "java" {
        if let Some(file) = java(&call.words[1..]) {
            out.runs(call, &file, postgres::environment(call));
        }
        return;
    }
    if INTERPRETERS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')) {
        let rest = &call.words[1..];
        // Behind the script, words are the script's.
        let mut options = rest.iter().take_while(|word| word.starts_with('-'));
        let inline = options.any(|word| matches!(word.as_str(), "-c" | "-e"));
        if inline {
            let text = rest.iter().skip_while(|word| !matches!(word.as_str(), "-c" | "-e")).nth(1);
            return program(name, text.map_or("", String::as_str), call, out);
        }
        // `python -m package.module` runs package/module.py.
        if let (true, Some(at)) = (name.starts_with("python"), rest.iter().position(|word| word == "-m")) {
            if let Some(module) = rest.get(at + 1) {
                out.runs(call, &format!("{}.py", module.replace('.', "/")), postgres::environment(call));
            }
            return;
        }
        let with_value =
            INTERPRETER_VALUES.iter().find(|(of, _)| name.starts_with(of)).map_or(&[][..], |it| it.1);
        if let Some(script) = wrappers::rest(&call.words, with_value, 0).first() {
            out.runs(call, script, postgres::environment(call));
        } else if let Some(text) = &call.stdin {
            program(name, text, call, out);
        }
        return;
    }
    let is_job = out.context.about.kind == MentionKind::Job;
    // A word that a place of schedules knows to be filled in is quoted, and keeps its placeholder.
    let filled = schedule::fill(command, &|_| Some(words::UNKNOWN.to_owned()));
    if is_job && filled == words::UNKNOWN {
        return out.unresolved(call, "a command that is only known when it runs");
    }
    if is_job && call.words[1..].iter().any(|word| word.contains("rsync://")) {
        out.unresolved(call, "a command that nobody here knows is given an address");
    }
    // What stands glued in front of a path is filled in: a folder, or a command that runs it.
    let open = is_job && command.starts_with(words::UNKNOWN) && command.contains('/');
    let by_path =
        open || command.starts_with("./") || RUN_ENDINGS.iter().any(|ending| name.ends_with(ending));
    let system =
        ["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"].iter().any(|folder| command.starts_with(folder));
    // Of what a system has itself, only files that somebody installs there are anybody's script.
    if by_path || (command.starts_with('/') && (!system || is_job)) {
        out.runs(call, command, postgres::environment(call));
        let program = |word: &&String| {
            word.starts_with('/') && ["/bin/", "/sbin/"].iter().any(|folder| word.contains(folder))
        };
        if let Some(given) = call.words[1..].iter().find(program).filter(|_| is_job && !system) {
            let given = scrub_name(given);
            out.not_followed(
                call,
                &format!("{name} is given {given}; whether it runs that was not followed"),
            );
        }
    }
}

/// What java(1) runs: `-jar FILE`, or the file of a class that it is given by name.
fn java(words: &[String]) -> Option<String> {
    const WITH_VALUE: [&str; 9] = [
        "-cp",
        "-classpath",
        "--class-path",
        "-p",
        "--module-path",
        "--add-modules",
        "--add-opens",
        "--add-exports",
        "--add-reads",
    ];
    let mut at = 0;
    while let Some(word) = words.get(at) {
        match word.as_str() {
            "-jar" => return words.get(at + 1).cloned(),
            "-m" | "--module" => {
                let class = words.get(at + 1)?.split_once('/')?.1;
                return Some(format!("{}.java", class.replace('.', "/")));
            }
            "-version" | "--version" => return None,
            word if WITH_VALUE.contains(&word) => at += 1,
            word if word.starts_with('-') => {}
            class if class.ends_with(".java") => return Some(class.to_owned()),
            class => return Some(format!("{}.java", class.replace('.', "/"))),
        }
        at += 1;
    }
    None
}
