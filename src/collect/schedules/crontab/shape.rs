//! What text looks like a crontab, whatever its file is called. It goes by the lines alone, and states nothing.

use super::Cron;
use super::table::{setting, split_schedule, split_word, without_code};
use crate::input::InputFile;
use crate::schedule;

/// Words that begin a command and are no user's name.
const COMMANDS: [&str; 32] = [
    "cd",
    "test",
    "sleep",
    "flock",
    "nice",
    "env",
    "curl",
    "wget",
    "psql",
    "echo",
    "find",
    "sh",
    "bash",
    "rsync",
    "python",
    "python3",
    "php",
    "perl",
    "ruby",
    "node",
    "exec",
    "timeout",
    "ionice",
    "docker",
    "mysqldump",
    "tar",
    "cp",
    "mv",
    "rm",
    "touch",
    "sudo",
    "chronic",
];

/// Whether most lines that are no comment, blank or setting are jobs: `Some(true)` with a user column,
/// `Some(false)` without, `None`: not a crontab. Lines that cron would reject are named when it is read.
pub(super) fn shape(file: &InputFile) -> Option<bool> {
    let (mut jobs, mut with_user, mut other) = (0u32, 0u32, 0u32);
    let head = file.head_text();
    let text = without_code(&head);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if setting(line).is_some() {
            continue;
        }
        let job = split_schedule(line)
            .filter(|(schedule, _)| schedule::parse(Cron::Debian.dialect(), schedule).is_ok());
        let Some((_, rest)) = job else {
            other += 1;
            continue;
        };
        jobs += 1;
        with_user += u32::from(has_user(rest));
    }
    if jobs == 0 || other > jobs * 2 { None } else { Some(with_user == jobs) }
}

/// Whether a user stands in front of the command. A sixth field in front of the user, as some have it, is a mistake in
/// a table with users.
fn has_user(rest: &str) -> bool {
    let (first, more) = split_word(rest).unwrap_or((rest, ""));
    let plain = first.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*".contains(&b));
    let account = plain || schedule::placeholders(first).next() == Some((0, first.len()));
    account && !more.is_empty() && !COMMANDS.contains(&first)
}

/// Whether every line is one of a crontab with a user column, and one of them can only be that: what is kept under any
/// name to be put into `cron.d`.
pub(super) fn is_table(file: &InputFile) -> bool {
    let first = file.head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut told = first.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    let begins = told.next().is_some_and(|line| {
        let code = line.starts_with(b"{%") || line.starts_with(b"{#") || line.starts_with(b"<%");
        let field = line[0].is_ascii_digit() || b"*@{".contains(&line[0]);
        code || field || line.contains(&b'=')
    });
    if !begins {
        return false;
    }
    let head = file.head_text();
    let text = without_code(&head);
    let mut sure = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if setting(line).is_some() {
            continue;
        }
        let job = split_schedule(line)
            .filter(|(schedule, _)| schedule::parse(Cron::Debian.dialect(), schedule).is_ok());
        let Some((schedule, _)) = job.filter(|(_, rest)| has_user(rest)) else { return false };
        // Rows of numbers could be taken for fields.
        sure |= schedule.starts_with('@')
            || schedule.split_whitespace().filter(|field| field.starts_with('*')).count() > 1;
    }
    sure
}
