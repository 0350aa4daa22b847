//! What of a program's own name stays the same: versions, window titles, numbers of workers and processes change from one
//! session to the next, and are no part of it. It says when two names are one program's, never who runs it.

use super::program::{self, Role};

/// What drivers call their client where the program does not (PostgreSQL for a client that says nothing; pgJDBC; Npgsql;
/// node-postgres; Microsoft's and the jTDS driver of SQL Server, as `program_name` of sys.dm_exec_sessions shows them).
const DRIVERS: [&str; 8] = [
    "[unknown]",
    "postgresql jdbc driver",
    "npgsql",
    "node-postgres",
    ".net sqlclient data provider",
    "core microsoft sqlclient data provider",
    "microsoft jdbc driver for sql server",
    "jtds",
];

/// The programs that say their names while they connect, so that nothing they do is nameless: PostgreSQL's own
/// (`fallback_application_name`, libpq, "Parameter Key Words").
const NAMED_AT_ONCE: [&str; 9] = [
    "psql",
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
    "pg_basebackup",
    "pgbench",
    "vacuumdb",
    "reindexdb",
    "clusterdb",
];

/// Words that say what a part of a program is, and not which program.
const PARTS: [&str; 19] = [
    "app",
    "application",
    "client",
    "conn",
    "connection",
    "instance",
    "main",
    "node",
    "pid",
    "pool",
    "process",
    "proc",
    "session",
    "task",
    "thread",
    "tid",
    "unnamed",
    "unknown",
    "worker",
];

/// How long a token of hexadecimal digits must be to be an id of something rather than a word.
const ID_CHARS: usize = 6;

/// How long a UUID is as text.
const UUID_CHARS: usize = 36;

/// A program's name without a version behind a slash: `shopfront/3.2` is `shopfront`. Without one it is what it is.
pub fn unversioned(program: &str) -> &str {
    match program.split_once('/') {
        Some((name, version)) if !name.is_empty() && is_version(version) => name,
        _ => program,
    }
}

fn is_version(text: &str) -> bool {
    text.strip_prefix(['v', 'V']).unwrap_or(text).starts_with(|c: char| c.is_ascii_digit())
}

/// What a client calls itself, where that is more than its driver's name.
pub fn telling_name(program: &str) -> Option<&str> {
    (!DRIVERS.contains(&program.to_ascii_lowercase().as_str())).then_some(program)
}

/// What stays of a client's name for itself, in lower case: the table's name of a program that is known, else the words
/// before a title or a list, without versions, numbers and ids. Nothing, where only a driver or a part is named.
pub fn lasting(program: &str) -> Option<String> {
    let lower = telling_name(program)?.to_lowercase();
    if let Some(known) = program::canonical(&lower) {
        return Some(known.to_owned());
    }
    let head = before_title(unversioned(&lower));
    let words: Vec<&str> = head.split_whitespace().filter_map(kept).collect();
    let tells =
        |part: &str| part.contains(char::is_alphabetic) && !PARTS.contains(&part) && !changes(part, false);
    let telling = words.iter().any(|word| word.split(['-', '_', '.', '#']).any(tells));
    telling.then(|| words.join(" "))
}

/// A name up to where a title, a list or a state begins: ` - `, `: `, or a bracket.
fn before_title(name: &str) -> &str {
    let title = [" - ", ": ", " | "].into_iter().filter_map(|mark| name.find(mark)).min();
    let bracket = name.find(['[', '(', '<', '{']).filter(|at| *at > 0);
    let end = title.into_iter().chain(bracket).min().unwrap_or(name.len());
    // What stands in brackets may be all that tells: `sidekiq 7.2 billing [1 of 5 busy]` says more than `[1 of 5 busy]`.
    name.get(..end).unwrap_or(name).trim()
}

/// A word without the numbers and ids in it; nothing, where it is nothing else.
fn kept(word: &str) -> Option<&str> {
    let mut word = word;
    let id_at = word.len().checked_sub(UUID_CHARS);
    if let Some((head, id)) = id_at.and_then(|at| word.split_at_checked(at))
        && is_uuid(id)
    {
        word = head;
    }
    loop {
        let cut = word.rfind(['-', '_', '#', '.', ':', '/', '@']);
        let last = cut.map_or(word, |at| &word[at + 1..]);
        if !last.is_empty() && !changes(last, cut.is_none()) {
            return Some(word);
        }
        word = &word[..cut?];
    }
}

/// The text form of RFC 9562, 4.
fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// Whether a part of a name differs from one process or version to the next: a number, a version, an id, a numbered part.
fn changes(part: &str, alone: bool) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let hex = part.len() >= ID_CHARS && digits > 0 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let stem = part.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = digits > 0 && (stem.is_empty() || stem == "v");
    // Which part of a program it is, with or without a number, is not which program.
    numbered
        || PARTS.contains(&stem)
        || hex
        || (alone && is_version(part) && digits > 0 && part.contains('.'))
}

/// Whether nothing that a program of this lasting name does is nameless.
pub fn is_named_at_once(lasting: &str) -> bool {
    NAMED_AT_ONCE.contains(&lasting)
}

/// Whether the table of programs has one of this lasting name.
pub fn is_known(lasting: &str) -> bool {
    Role::of_program(lasting).is_some() || is_named_at_once(lasting)
}

#[cfg(test)]
mod tests {
    use super::{lasting, unversioned};

    #[test]
    fn a_version_behind_a_slash_is_no_part_of_a_name() {
        for (program, want) in [
            ("shopfront/3.2", "shopfront"),
            ("check_http/v2.3.3 (monitoring-plugins 2.3.3)", "check_http"),
            ("outside/vault", "outside/vault"),
            ("team/tool", "team/tool"),
            ("DBeaver 24.0", "DBeaver 24.0"),
        ] {
            assert_eq!(unversioned(program), want);
        }
    }

    #[test]
    fn what_changes_from_session_to_session_is_no_part_of_a_name() {
        for (program, want) in [
            ("psql", Some("psql")),
            ("EXCEL", Some("excel")),
            ("berth-planner", Some("berth-planner")),
            ("berth-planner/2.4.1", Some("berth-planner")),
            ("berth-planner 2.4.1", Some("berth-planner")),
            ("DBeaver 24.0.0 - SQLEditor <Script-3.sql>", Some("dbeaver")),
            ("DBeaver 24.1.2 - Main <shop>", Some("dbeaver")),
            ("pgAdmin 4 - CONN:8467254", Some("pgadmin")),
            ("Metabase v0.49.1 [5f6b0c21-1d]", Some("metabase")),
            ("celery@rep2 worker 4", Some("celery@rep2")),
            ("loader-worker-12", Some("loader")),
            ("mailer pool-3-thread-7", Some("mailer")),
            ("app-server", Some("app-server")),
            ("loader worker7", Some("loader")),
            ("pool-3-thread-7", None),
            ("worker 3", None),
            ("sidekiq 7.2.1 billing [3 of 10 busy]", Some("sidekiq billing")),
            ("puma: cluster worker 0: 24 [app]", Some("puma")),
            ("etl:load", Some("etl:load")),
            ("sync_4f2a9c01", Some("sync")),
            ("4f2a9c01-77aa-4c1e-9b1a-0123456789ab", None),
            ("sync-4f2a9c01-77aa-4c1e-9b1a-0123456789ab", Some("sync")),
            ("etl@db01", Some("etl@db01")),
            ("report2", Some("report2")),
            ("ledger-v2", Some("ledger")),
            ("facade", Some("facade")),
            ("PostgreSQL JDBC Driver", None),
            ("[unknown]", None),
            ("", None),
            ("[", None),
            ("42", None),
            ("été-1", Some("été")),
        ] {
            assert_eq!(lasting(program).as_deref(), want, "{program}");
        }
    }
}
