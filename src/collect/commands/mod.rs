//! What commands mean: `psql -c`, `curl`, `scp a b:`, with variables and sourced files resolved. Used by
//! scripts and by schedules. It never runs anything, and what can only be known at run time stays `{}`.

mod assignments;
mod backups;
mod branches;
mod clients;
mod db2;
mod decisions;
mod dialogue;
mod dispatch;
mod files;
mod git;
mod github;
mod home;
mod http;
mod kafka;
mod later;
mod mail;
mod make;
mod mongo;
mod mysql;
mod objects;
mod options;
mod oracle;
mod oracle_tools;
mod out;
mod packers;
mod pipes;
mod postgres;
mod programs;
mod reach;
mod redis;
mod remarks;
mod running;
pub mod services;
mod shell;
mod sleeps;
mod spark;
mod sql_http;
mod sqlserver;
mod starts;
mod template;
mod transfer;
mod values;
mod windows;
mod words;
mod wrappers;
mod written;

pub use http::endpoint as http_endpoint;
pub use out::Out;
pub use postgres::{uri as database_uri, variables as psql_variables};
pub use template::MARK;
pub use windows::Language as WindowsLanguage;

use crate::evidence::{Action, Actor, Basis, Connection, Evidence, Mention, Resource, Says, Scope, Text};
use crate::input::Inputs;
use crate::sql::Dialect;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::LazyLock;

/// Where a command stands and what surrounds it.
pub struct Context<'a> {
    /// The host it runs on.
    pub host: Option<Text>,
    /// The account it runs as.
    pub account: Option<Text>,
    /// Whose text it is.
    pub actor: Actor,
    /// What facts are about: the job or script.
    pub about: Mention,
    /// The input it stands in.
    pub input: Text,
    /// The line its first line is, counted from 1.
    pub first_line: u64,
    /// In which part of the world.
    pub scope: Scope,
    /// How we know.
    pub basis: Basis,
    /// The vantage of written uses.
    pub vantage: Text,
    /// Variables that are set before it starts.
    pub env: BTreeMap<String, String>,
    /// The folder of the script itself, for `$(dirname "$0")`.
    pub own_folder: Option<String>,
    /// The text of a file on the same host that it sources.
    pub files: &'a dyn Fn(&str) -> Option<String>,
    /// All files of the scan, where there is one.
    pub inputs: Option<&'a Inputs>,
}

/// One simple command with everything resolved that can be.
#[derive(Debug, Default, Clone)]
pub struct Call {
    /// The command and its arguments; unknown parts are `{}`, dates `{date}`.
    pub words: Vec<String>,
    /// The variables it sees.
    pub env: Rc<BTreeMap<String, String>>,
    /// What a here-document, a here-string or a constant command before it gives it.
    pub stdin: Option<String>,
    /// The file its input comes from.
    pub stdin_file: Option<String>,
    /// Whether its input comes from a command before it whose output nobody knows.
    pub piped: bool,
    /// The line it stands on, counted from 1.
    pub line: u64,
    /// The folder it runs in, where a `cd` says so.
    pub folder: Option<String>,
    /// The account it runs as, where a wrapper says so.
    pub account: Option<String>,
    /// Whether what it is given stands in another place of the text, where a file is written.
    of_file: bool,
    /// Paths that the text itself treats as folders.
    folders: Rc<BTreeSet<String>>,
}

impl Call {
    /// The command's own name, without its folder; `/etc/init.d/ssh` is no ssh.
    fn name(&self) -> &str {
        let word = self.words.first().map_or("", String::as_str);
        if word.starts_with("/etc/") { word } else { word.rsplit('/').next().unwrap_or(word) }
    }

    /// Whether a path is a folder, as far as its spelling, the text and the usual layout of a system (Filesystem
    /// Hierarchy Standard) tell.
    fn is_folder(&self, path: &str) -> bool {
        const USUAL: [&str; 18] = [
            "/",
            "/bin",
            "/sbin",
            "/usr",
            "/usr/bin",
            "/usr/sbin",
            "/usr/lib",
            "/usr/local",
            "/usr/local/bin",
            "/usr/local/sbin",
            "/etc",
            "/opt",
            "/srv",
            "/tmp",
            "/var",
            "/var/log",
            "/var/tmp",
            "/root",
        ];
        let whole = absolute(path, self);
        let home = whole.strip_prefix("/home/").is_some_and(|rest| !rest.contains('/'));
        path.ends_with('/')
            || matches!(path, "." | ".." | "~")
            || path.ends_with("/.")
            || home
            || USUAL.contains(&whole.as_str())
            || self.folders.contains(&whole)
    }
}

/// A group of commands and what they mean.
pub trait Commands: Sync {
    /// The names it knows.
    fn names(&self) -> &'static [&'static str];
    /// States what a call of one of them does.
    fn state(&self, call: &Call, out: &mut Out<'_>);
}

/// All groups; clients of SQL engines that differ in their options alone are rows of `clients`.
pub static COMMANDS: &[&dyn Commands] = &[
    &backups::Restic,
    &backups::Borg,
    &backups::Duplicity,
    &db2::Db2,
    &dialogue::Ftp,
    &dialogue::Lftp,
    &dialogue::Sftp,
    &dialogue::Smb,
    &files::Move,
    &files::Touch,
    &files::Cat,
    &files::Tee,
    &files::Dd,
    &files::Split,
    &git::Git,
    &github::Gh,
    &http::Curl,
    &http::Wget,
    &http::Httpie,
    &kafka::Kcat,
    &kafka::Console,
    &mail::Mail,
    &mail::Sendmail,
    &mongo::Shell,
    &mongo::Tools,
    &mysql::Dump,
    &mysql::Admin,
    &mysql::Import,
    &objects::Aws,
    &objects::Gsutil,
    &objects::Gcloud,
    &objects::Az,
    &objects::Rclone,
    &objects::S3cmd,
    &oracle::Sqlplus,
    &oracle_tools::Rman,
    &oracle_tools::Pump,
    &oracle_tools::Loader,
    &packers::Tar,
    &packers::Pack,
    &packers::Zip,
    &packers::Gpg,
    &postgres::Psql,
    &postgres::Dump,
    &postgres::Restore,
    &postgres::Admin,
    &reach::Ports,
    &reach::Keys,
    &reach::Ldap,
    &redis::Redis,
    &spark::Submit,
    &sqlserver::Bcp,
    &transfer::Container,
    &transfer::Scp,
    &transfer::Rsync,
];

/// Groups by the names they know.
static BY_NAME: LazyLock<HashMap<&'static str, &'static dyn Commands>> = LazyLock::new(|| {
    let rows = clients::CLIENTS.iter().map(|client| client as &'static dyn Commands);
    let all = COMMANDS.iter().copied().chain(rows);
    all.flat_map(|group| group.names().iter().map(move |name| (*name, group))).collect()
});

/// The login of a URL behind its scheme, and the rest. A password may hold signs that nobody escaped: what
/// stands where a port would is then none, and the login ends at the last `@`. Without one the server is unknown.
pub fn split_login(rest: &str) -> (&str, &str) {
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if let Some(at) = authority.rfind('@') {
        return (&rest[..at], &rest[at + 1..]);
    }
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) || port.contains(['{', '$', '<', '%', ']']);
    let ports_fit =
        authority.split(',').all(|server| server.rsplit_once(':').is_none_or(|(_, port)| is_port(port)));
    match rest.rfind('@') {
        _ if ports_fit => ("", rest),
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, ""),
    }
}

/// Whether a file that a client is given is its own input; a parser that takes `-` for a sign leaves it out.
fn is_input(path: &str) -> bool {
    matches!(path, "" | "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0")
}

/// A path made absolute where the folder is known, without steps that lead nowhere; folding of dates stays.
fn absolute(path: &str, call: &Call) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let whole = match (&call.folder, windows::is_rooted(path)) {
        (Some(folder), false) => format!("{}/{path}", folder.trim_end_matches('/')),
        _ => path.to_owned(),
    };
    // `~` of a known account is that account's.
    let whole = match (&call.account, whole.strip_prefix("~/")) {
        (Some(account), Some(rest)) if !account.contains("{}") => format!("~{account}/{rest}"),
        _ => whole,
    };
    normal(&whole)
}

/// A path without doubled slashes, `.` and, behind a known folder, `..`.
fn normal(path: &str) -> String {
    if path.starts_with("\\\\") || (!path.contains("//") && !path.contains("/.")) {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for (at, part) in path.split('/').enumerate() {
        match part {
            "" if at > 0 => {}
            "." => {}
            ".." if parts
                .last()
                .is_some_and(|last| !matches!(*last, "" | ".." | "{}") && !last.starts_with('~')) =>
            {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let whole = parts.join("/");
    match (path.ends_with('/'), whole.is_empty()) {
        (_, true) => "/".to_owned(),
        (true, false) => format!("{whole}/"),
        _ => whole,
    }
}

/// What a text does, and what it waits for or asks before it does anything.
pub struct Told {
    /// What it does.
    pub evidence: Evidence,
    /// Tests and sleeps in front, as written: `sleep 600`, `[ $(date +%d) -le 7 ]`.
    pub guards: Vec<Text>,
}

/// States what a whole script, or one command line of a schedule, does.
pub fn read(text: &str, context: &Context<'_>) -> Told {
    let mut out = Out::new(context);
    shell::read(text, context, &mut out);
    told(out)
}

/// States what a whole batch file or PowerShell script, or one command line of such, does.
pub fn read_windows(text: &str, language: WindowsLanguage, context: &Context<'_>) -> Told {
    let mut out = Out::new(context);
    windows::read(text, language, context, &mut out);
    told(out)
}

fn told(mut out: Out<'_>) -> Told {
    for pair in std::mem::take(&mut out.sleeps).finish() {
        let says = Says::Sleeps {
            seconds: pair.seconds,
            background: pair.started.background,
            started: Box::new((pair.started.action, pair.started.resource)),
            then: Box::new((pair.then.action, pair.then.resource)),
        };
        out.say(says, pair.line);
    }
    Told { evidence: out.evidence, guards: out.guards }
}

/// States what SQL text does that no command sends: a database server keeps it and runs it by itself, in one piece.
pub fn read_sql(text: &str, dialect: Dialect, connection: &Connection, context: &Context<'_>) -> Told {
    let mut out = Out::new(context);
    let call = Call { line: context.first_line, ..Call::default() };
    if connection.server.is_some() || connection.database.is_some() {
        let whole = Resource::database(connection.server.clone(), connection.database.clone());
        out.add(&call, Some(connection), Action::Connect, whole);
    }
    out.sql(&call, connection, dialect, text, true);
    if dialect == Dialect::Postgres {
        sql_http::state(text, &call, &mut out);
    }
    Told { evidence: out.evidence, guards: out.guards }
}

/// States what one call does: a known command, or a script that is run.
fn state(call: &Call, out: &mut Out<'_>) {
    let Some(command) = call.words.first() else { return };
    let name = call.name();
    match name {
        "sleep" => out.sleeps.sleep(&call.words[1..], call.line),
        "wait" => out.sleeps.wait(),
        _ => {}
    }
    match name {
        // One of random length is told as it is written, where the shell is read.
        "sleep" if !out.worked && call.words.iter().any(|word| word.contains(words::UNKNOWN)) => {}
        "sleep" if !out.worked => out.guard(&call.words.join(" ")),
        "sleep" | "true" | "false" | ":" | "echo" | "logger" | "exit" | "export" | "umask" | "ulimit" => {}
        _ => out.worked = true,
    }
    match BY_NAME.get(name) {
        Some(group) => group.state(call, out),
        None => {
            let mut words = call.words[1..].iter().map(|word| word.rsplit('/').next().unwrap_or(word));
            let client = words.find(|word| CLIENTS.contains(word)).filter(|_| !NAMING.contains(&name));
            if let Some(client) = client {
                let detail = format!("a command that nobody here knows is given {client} to run");
                out.unresolved(call, &detail);
            }
            programs::run_file(command, name, call, out);
        }
    }
}

/// Clients of databases that a command nobody knows may be given to run.
const CLIENTS: [&str; 5] = ["psql", "pg_dump", "mysql", "mysqldump", "sqlplus"];

/// Commands that are given the name of a program, of its package, its service or its account, and run nothing.
const NAMING: [&str; 38] = [
    "which",
    "type",
    "hash",
    "whereis",
    "man",
    "apropos",
    "whatis",
    "command",
    "file",
    "stat",
    "ls",
    "ps",
    "pgrep",
    "pkill",
    "pidof",
    "killall",
    "grep",
    "egrep",
    "fgrep",
    "rm",
    "mkdir",
    "chmod",
    "chown",
    "chgrp",
    "id",
    "useradd",
    "groupadd",
    "usermod",
    "apt",
    "apt-get",
    "yum",
    "dnf",
    "apk",
    "brew",
    "dpkg",
    "rpm",
    "service",
    "systemctl",
];

#[cfg(test)]
mod tests;
